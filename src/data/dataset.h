/* dataset.h - a data set on disk, opened for reading: DIR/catalog.db (data/catalog.h) and DIR/shards/NAME.tar (data/shard.h).
 * Everything is checked at open; after that reading cannot fail. Pixels are mapped, never copied. It makes no batches (data/loader.h). */
#ifndef ZT_DATA_DATASET_H
#define ZT_DATA_DATASET_H
#include <stdint.h>
#include "base/err.h"

typedef struct zt_dataset zt_dataset;
typedef enum zt_split { ZT_SPLIT_TRAIN, ZT_SPLIT_VAL, ZT_SPLIT_TEST, ZT_SPLITS } zt_split;

/* One clip. Everything is borrowed from the data set and lives as long as it. */
typedef struct zt_clip_view {
    const uint8_t *rgb;           /* [frames,height,width,3] */
    int frames, height, width;
    double fps;                   /* > 0 */
    const char *caption;          /* UTF-8, "" when there is none; never NULL */
    const char *labels_json;      /* a JSON object, "{}" when there is none; never NULL */
    const char *key;              /* name inside the shard, unique in the data set */
    int64_t id;                   /* row in the catalogue, unique */
} zt_clip_view;

typedef struct zt_dataset_stats {
    int64_t clips[ZT_SPLITS], captions[ZT_SPLITS];   /* usable clips; how many of them have a caption */
    int64_t dropped;                                 /* clips in the catalogue that are not used */
    int64_t bytes;                                   /* pixels of all usable clips */
    int min_frames, max_frames, min_height, max_height, min_width, max_width;
    double min_fps, max_fps;
} zt_dataset_stats;

/** Open folder `dir`: reads the catalogue, maps the shards, checks that every usable clip lies inside its shard.
 *  Errors, each naming file and cause: ZT_NOTFOUND (no such folder, no catalog.db, no shard), ZT_FORMAT (damaged catalogue, other schema
 *  version, truncated shard, no usable clip), ZT_IO, ZT_NOMEM. *ds is NULL on failure. */
zt_err zt_dataset_open(zt_dataset **ds, const char *dir);
/** NULL and *ds == NULL are fine; sets *ds = NULL. No view, loader or thread may still use it. */
void zt_dataset_close(zt_dataset **ds);

/** Clips in a split; 0 when `split` is no split. Any thread. */
int64_t zt_dataset_count(const zt_dataset *ds, zt_split split);
/** Clip i of a split, in catalogue order. Errors: ZT_ARG when i is outside 0..count-1. Any thread. */
zt_err zt_dataset_clip(const zt_dataset *ds, zt_split split, int64_t i, zt_clip_view *view);
/** Any thread. */
void zt_dataset_get_stats(const zt_dataset *ds, zt_dataset_stats *out);
const char *zt_dataset_path(const zt_dataset *ds);   /* the folder as given */

/** "train", "val", "test"; "?" when out of range. And back: ZT_ARG, listing the names, when there is no such split. */
const char *zt_split_name(int split);
zt_err zt_split_find(const char *name, zt_split *split);
#endif
