/* dataset.h - a data set folder opened for reading: catalog.db and mapped shards. Clips are views into the maps, never copies. */
#ifndef ZT_DATASET_H
#define ZT_DATASET_H
#include <stdbool.h>
#include <stdint.h>
#include "base/sizes.h"
#include "data/npy.h"

typedef struct zt_dataset zt_dataset;

/** One clip. All pointers are borrowed and live as long as the data set. */
typedef struct zt_clip_view {
    const uint8_t *rgb; /* [frames,height,width,3] */
    int frames, height, width;
    double fps;
    const char *key;     /* member name in the shard without suffix */
    const char *caption; /* "" when there is none */
    const char *labels;  /* JSON object as text ("{}" when there are none) */
    int64_t id;          /* row of the catalogue */
} zt_clip_view;

/** Open DIR for reading its usable clips (status 'ok'). What grows with the clips is read later: opening looks at the catalogue's
 *  counters and at the size of each shard; a clip's row and its place in its shard are checked when it is first asked for. Sets
 *  of up to 4096 clips are looked at whole here; zt_dataset_check looks at everything. Others may edit captions and tags
 *  meanwhile; clips that they drop or add are not noticed, or are an error.
 *  ZT_NOTFOUND (no folder, no catalogue, shard missing), ZT_FORMAT (damaged catalogue, truncated shard: file, what is wrong,
 *  what to do), ZT_IO, ZT_NOMEM; *ds is then NULL. After opening, any number of threads may read. */
zt_err zt_dataset_open(zt_dataset **ds, const char *dir);
/** Keep only the clips for whose id keep() is true, before anybody reads; counts and positions follow, zt_dataset_least does not.
 *  Reads the ids of all clips. Errors as zt_dataset_clip. */
zt_err zt_dataset_keep(zt_dataset *ds, bool (*keep)(void *ctx, int64_t id), void *ctx);
void zt_dataset_close(zt_dataset **ds); /* NULL and *ds == NULL are fine; sets *ds = NULL */
/** Clips of split "train", "val" or "test"; NULL: all. 0 for an unknown split. */
int64_t zt_dataset_count(const zt_dataset *ds, const char *split);
/** Clip i, 0 <= i < count, in catalogue order. ZT_ARG outside; ZT_FORMAT, ZT_IO, ZT_NOMEM as zt_dataset_open. Any thread. */
zt_err zt_dataset_clip(const zt_dataset *ds, const char *split, int64_t i, zt_clip_view *view);
/** The clip of a row of the catalogue, usable or dropped. ZT_NOTFOUND, and as above. */
zt_err zt_dataset_by_id(const zt_dataset *ds, int64_t id, zt_clip_view *view);
/** The fewest frames, smallest height and smallest width of the clips of a split (NULL: all), of different clips maybe; 0 when
 *  there is none. As the catalogue counts them: a view that was asked for is what holds. */
void zt_dataset_least(const zt_dataset *ds, const char *split, int *frames, int *height, int *width);
/** How often clip i shall be drawn, against the others (data/balance.h); 1 where nobody said so. Its row is not read. */
zt_err zt_dataset_weight(const zt_dataset *ds, const char *split, int64_t i, double *weight);
/** The largest weight in the set, at least 1; 0: no clip has a weight, all are drawn alike. */
double zt_dataset_max_weight(const zt_dataset *ds);

/* ---- clips by size (dataset_group.c) ---- */

typedef struct zt_size_count { zt_size size; int64_t clips; } zt_size_count;
/** The sizes that clips of a split (train, val or test) have, smallest first (by frames, height, width), *n of them into *list,
 *  which the caller frees with zt_free. Few where clips have few sizes. ZT_FORMAT, ZT_IO, ZT_NOMEM. */
zt_err zt_dataset_sizes(const zt_dataset *ds, const char *split, zt_size_count **list, int *n);
/** Sort the clips into groups 0..n-1, before anybody reads and after zt_dataset_keep: of(ctx, size) says which a clip is in,
 *  negative: in none. of and ctx are called until the data set is closed, from any thread. Errors as above. */
zt_err zt_dataset_group(zt_dataset *ds, int n, int (*of)(const void *ctx, zt_size size), const void *ctx);
/** Clips of a group in a split (train, val or test); 0 for what is not there. */
int64_t zt_dataset_group_count(const zt_dataset *ds, const char *split, int group);
/** Clip i, 0 <= i < count, of a group in catalogue order, and its weight; view and weight may be NULL. Errors as zt_dataset_clip
 *  and zt_dataset_weight. Any thread. */
zt_err zt_dataset_group_clip(const zt_dataset *ds, const char *split, int group, int64_t i, zt_clip_view *view, double *weight);

/** The clip has been read and is not needed soon: its pages stop counting as this process's memory. Any thread. */
void zt_dataset_forget(const zt_dataset *ds, const zt_clip_view *view);
/** Ground truth of a synthetic clip, member KEY.NAME.npy ("mask", "depth", "camera", ...; data/world.h lists each world's): its
 *  numbers, aligned to their size, in C order; *info says kind and shape (shape[0] is v->frames). NULL when the shard holds none.
 *  Borrowed as the clip itself. */
const void *zt_dataset_truth(const zt_dataset *ds, const zt_clip_view *view, const char *name, zt_npy_info *info);
/** The usual ones, NULL also when of another kind or shape: mask uint8 [T,H,W] (0..255 coverage), flow float32 [T,H,W,2] (x,y in
 *  pixels to the next frame), depth float32 [T,H,W] (along the viewing axis). */
const uint8_t *zt_dataset_mask(const zt_dataset *ds, const zt_clip_view *view);
const float *zt_dataset_flow(const zt_dataset *ds, const zt_clip_view *view);
const float *zt_dataset_depth(const zt_dataset *ds, const zt_clip_view *view);
#endif
