/* dataset_impl.h - private to dataset*.c: the pieces of an open data set. */
#ifndef ZT_DATA_DATASET_IMPL_H
#define ZT_DATA_DATASET_IMPL_H
#include <pthread.h>
#include <stdbool.h>
#include "base/file.h"
#include "base/mem.h"
#include "data/catalog.h"
#include "data/dataset.h"

enum { ZT_SPLITS = 3 };
extern const char *const ZT_SPLIT[ZT_SPLITS];

/* ---- ranks (dataset_rank.c): which clip is the i-th of a split ---- */

/* A block of neighbouring ids of the catalogue. Its ids are read when the first of them is asked for, and then stay. */
typedef struct zt_rank_block {
    int64_t number, start;
    int64_t *id;
    float *weight;
} zt_rank_block; /* start: rank of its first clip */
/* Clips sorted by size: of() says which group, negative: none. */
typedef struct zt_grouping {
    int n;
    int (*of)(const void *ctx, zt_size size);
    const void *ctx;
} zt_grouping;
/* The usable clips of a split, or of all; with `by` only those of the group. */
typedef struct zt_ranks {
    const char *split;
    const zt_grouping *by;
    int group;
    zt_rank_block *block;
    int64_t n_blocks, cap, clips;
} zt_ranks;

/** n more clips in block `number`; blocks come in order, one of a group in several parts maybe. ZT_FORMAT (cannot be),
 *  ZT_NOMEM. */
zt_err zt_ranks_append(zt_ranks *r, const char *dir, int64_t number, int64_t n);
/** The blocks of all clips and of each split: ranks[0..ZT_SPLITS), then of all. Errors: ZT_FORMAT (counters that cannot be). */
zt_err zt_ranks_read(zt_ranks ranks[ZT_SPLITS + 1], zt_catalog *c, const char *dir);
/** Clip number i, 0 <= i < clips, and its weight. One thread at a time. ZT_FORMAT when the catalogue was changed meanwhile. */
zt_err zt_ranks_find(zt_ranks *r, zt_catalog *c, const char *dir, bool weighted, int64_t i, int64_t *id, double *weight);
/** Leave out the clips for whose id keep() is false. Errors as zt_ranks_find. */
zt_err zt_ranks_keep(zt_ranks *r, zt_catalog *c, const char *dir, bool weighted, bool (*keep)(void *ctx, int64_t id), void *ctx);
void zt_ranks_finish(zt_ranks *r);

/* ---- rows and shards (dataset.c) ---- */

/* bad: found damaged by zt_dataset_check, which has told so and passes over its clips; never set in a set that is read. */
typedef struct zt_shard_map {
    const char *name, *path;
    int64_t bytes;
    zt_map map;
    bool open, bad;
} zt_shard_map;
/* A clip that was asked for. It stays, because views borrow its strings. */
typedef struct zt_row {
    zt_clip_view view;
    int shard;
} zt_row;

struct zt_dataset {
    zt_catalog *catalog;
    zt_arena *text; /* all strings and rows */
    zt_ranks ranks[ZT_SPLITS + 1];
    bool kept;           /* zt_dataset_keep left some out */
    zt_grouping by;
    zt_ranks *group;     /* [ZT_SPLITS][by.n] (dataset_group.c) */
    zt_shard_map *shard; /* by name */
    int n_shards, cap_shards;
    zt_row **row; /* hash table by id, open addressing; cap is a power of two */
    int64_t n_rows, cap_rows;
    double max_weight;             /* 0: no clip has a weight */
    zt_clip_view least[ZT_SPLITS]; /* smallest frames, height, width of each split, as counted */
    pthread_mutex_t lock;          /* of all that follows a first use: catalogue, ranks, rows, maps */
    char dir[ZT_PATH_MAX];
};

/** A data set with catalogue and list of shards, nothing of it checked. */
zt_err zt_dataset_start(zt_dataset **ds, const char *dir);
/** Whether the file is there and as long as the catalogue says. ZT_NOTFOUND, ZT_FORMAT. */
zt_err zt_dataset_shard_size(const zt_shard_map *s);
/** The shard called `name`, mapped and checked as a file; NULL in *s when the catalogue does not list it. Under the lock. */
zt_err zt_dataset_shard(zt_dataset *ds, const char *name, zt_shard_map **s);
/** Index of a split's name; negative: there is none such. */
int zt_dataset_split(const char *split);
/** View (NULL: not asked for; then its row is not read) and weight (may be NULL) of clip i of r, which is of ds. Takes the lock.
 *  ZT_ARG: there is none such. */
zt_err zt_dataset_at(const zt_dataset *ds, zt_ranks *r, int64_t i, zt_clip_view *view, double *weight);
/** dataset_group.c: forget the groups. */
void zt_dataset_ungroup(zt_dataset *ds);
/** Everything that a row says, against what can be and against its shard: after this its pixels are safe to read. Under the
 *  lock. */
zt_err zt_dataset_check_row(zt_dataset *ds, const zt_catalog_clip *k, zt_shard_map **s);
#endif
