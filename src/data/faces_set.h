/* faces_set.h - looking for faces in the clips of a data set, or in one that is about to become part of it, and acting on it. */
#ifndef ZT_DATA_FACES_SET_H
#define ZT_DATA_FACES_SET_H
#include "data/catalog.h"
#include "data/faces.h"

typedef enum zt_faces_action { ZT_FACES_REPORT, ZT_FACES_BLUR, ZT_FACES_DROP } zt_faces_action;
#define ZT_FACES_ACTIONS "report|blur|drop"

/* What was found in a clip, to be written down once the clip has an id. Zero-initialise; free with zt_faces_found_finish. */
typedef struct zt_faces_found { zt_tracks tracks; int faces, texts, frames; } zt_faces_found;
/** Look at rgb [T,H,W,3], and with ZT_FACES_BLUR blur it. Errors as zt_finder_find. */
zt_err zt_faces_look(zt_finder *f, zt_faces_action action, uint8_t *rgb, int T, int H, int W, double fps, zt_faces_found *found);
/** Write it down for clip `id`; with ZT_FACES_DROP drop a clip in which something was found. */
zt_err zt_faces_record(zt_catalog *c, const zt_finder *f, zt_faces_action action, int64_t id, const zt_faces_found *found);
void zt_faces_found_finish(zt_faces_found *found);

typedef struct zt_faces_report {
    int64_t clips, known;         /* looked at now; left alone, for the same detector looked at it and did this or more before */
    int64_t found, changed;       /* with a face or text plate; blurred or dropped now */
    int64_t faces, texts;         /* followed, in all of them */
    double seconds;
} zt_faces_report;

/** Look at every clip of DIR, dropped ones too, and act. Blurring writes the shards anew (data/shard_edit.h): the pixels from
 *  before are gone from the data set (not from copies of it, nor from the files it was made of). `again`: also clips that were
 *  looked at before. erase: with ZT_FACES_DROP, the pixels of all dropped clips go too. Progress on stderr; after a kill or
 *  ZT_CANCELLED the same call goes on. Errors as zt_shards_edit and zt_finder_find. */
zt_err zt_faces_set(const char *dir, zt_finder *f, zt_faces_action action, bool again, bool erase, zt_faces_report *report);
#endif
