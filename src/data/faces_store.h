/* faces_store.h - table clip_faces: which clips were looked at for faces and text plates, what was found, what was done. */
#ifndef ZT_DATA_FACES_STORE_H
#define ZT_DATA_FACES_STORE_H
#include "data/catalog.h"

typedef struct zt_faces_row {
    int64_t clip;                 /* id */
    int tracks, texts, frames;    /* faces followed; text plates followed; frames with at least one of either */
    const char *action;           /* report, blur, drop: what was done with what was found */
    const char *detector;         /* what looked: its name, version and settings */
    const char *found;            /* JSON: {"faces":[{"first":FRAME,"boxes":[[x,y,w,h],..]}..],"texts":[..]}, pixels */
    const char *key, *status;     /* of the clip, when reading */
    int of_frames;
} zt_faces_row;
/** Replaces what was there for the clip. */
zt_err zt_faces_put(zt_catalog *c, const zt_faces_row *row);
/** What is known of one clip: counts, action ("" : never looked at) and whether `detector` found it. */
typedef struct zt_faces_known { int tracks, texts; char action[16]; bool same_detector; } zt_faces_known;
zt_err zt_faces_get(zt_catalog *c, int64_t clip, const char *detector, zt_faces_known *known);
/** Call fn for each clip looked at, by id; a result other than ZT_OK ends the walk and is returned. */
zt_err zt_faces_each(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_faces_row *row), void *ctx);
#endif
