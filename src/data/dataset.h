/* dataset.h - a data set folder opened for reading: catalog.db and mapped shards. Clips are views into the maps, never copies. */
#ifndef ZT_DATASET_H
#define ZT_DATASET_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

typedef struct zt_dataset zt_dataset;

/** One clip. All pointers are borrowed and live as long as the data set. */
typedef struct zt_clip_view {
    const uint8_t *rgb;          /* [frames,height,width,3] */
    int frames, height, width;
    double fps;
    const char *key;             /* member name in the shard without suffix */
    const char *caption;         /* "" when there is none */
    const char *labels;          /* JSON object as text ("{}" when there are none) */
    int64_t id;                  /* row of the catalogue */
} zt_clip_view;

/** Open DIR: reads the catalogue (clips with status 'ok'), maps its shards, checks that every clip lies whole inside its shard
 *  and has
 *  the shape the catalogue says. ZT_NOTFOUND (no folder, no catalogue, shard missing), ZT_FORMAT (damaged catalogue, truncated
 *  shard:
 *  file, what is wrong, what to do), ZT_IO, ZT_NOMEM; *ds is then NULL. After opening, any number of threads may read. */
zt_err zt_dataset_open(zt_dataset **ds, const char *dir);
/** Keep only the clips for whose id keep() is true, before anybody reads; counts and positions follow. */
void zt_dataset_keep(zt_dataset *ds, bool (*keep)(void *ctx, int64_t id), void *ctx);
void zt_dataset_close(zt_dataset **ds);                     /* NULL and *ds == NULL are fine; sets *ds = NULL */
/** Clips of split "train", "val" or "test"; NULL: all. 0 for an unknown split. */
int64_t zt_dataset_count(const zt_dataset *ds, const char *split);
/** Clip i, 0 <= i < count, in catalogue order. ZT_ARG outside. */
zt_err zt_dataset_clip(const zt_dataset *ds, const char *split, int64_t i, zt_clip_view *view);
/** The clip has been read and is not needed soon: its pages stop counting as this process's memory. Any thread. */
void zt_dataset_forget(const zt_dataset *ds, const zt_clip_view *view);
/** Ground truth of a synthetic clip: mask uint8 [T,H,W] (0..255 coverage) or flow float32 [T,H,W,2] (x,y in pixels to the next
 *  frame); NULL when the shard holds none. Borrowed as the clip itself. */
const uint8_t *zt_dataset_mask(const zt_dataset *ds, const zt_clip_view *view);
const float *zt_dataset_flow(const zt_dataset *ds, const zt_clip_view *view);
#endif
