/* catalog.h - DIR/catalog.db: what a data set holds and where everything came from, one row per clip, source file and shard.
 * Only files that include catalog_impl.h see SQLite. Pixels are in the shards (data/shard.h). */
#ifndef ZT_DATA_CATALOG_H
#define ZT_DATA_CATALOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/sizes.h"

enum { ZT_CATALOG_SCHEMA = 3 }; /* PRAGMA user_version */

typedef struct zt_catalog zt_catalog;

/* A row of table clips. Strings are borrowed: from the caller when adding, until the callback returns when reading. NULL is
 * written as
 * the empty string and never read. */
typedef struct zt_catalog_clip {
    int64_t id;            /* given by the catalogue */
    const char *key;       /* member name in the shard without suffix; unique */
    const char *shard;     /* file name inside DIR/shards */
    int64_t offset, bytes; /* of the pixels, in the shard */
    int frames, height, width;
    double fps;
    const char *caption;
    const char *source, *source_hash; /* path and SHA-256 of the file it was cut from; a synthetic clip names its world */
    double start_s;                   /* where in the source it starts */
    const char *split;                /* train, val, test */
    const char *status, *reason;      /* ok or dropped, and why dropped */
    const char *labels;               /* JSON object */
    const char *licence;
} zt_catalog_clip;

/* A row of table sources: every file that was looked at. */
typedef struct zt_catalog_source {
    const char *path, *hash;     /* absolute path, unique; SHA-256 of its content */
    const char *status, *reason; /* ok or dropped, and why dropped */
    const char *info;            /* JSON object: codec, size, rate, damage */
} zt_catalog_source;

/** Open for writing; made when it is not there. Errors: ZT_IO (rights, in use by another program, disk), ZT_FORMAT (damaged,
 *  another schema version), ZT_NOMEM. *c is NULL on failure. One thread at a time per catalogue. */
zt_err zt_catalog_create(zt_catalog **c, const char *dir);
/** Open for reading: needs no rights but to read (one of an earlier schema version is first brought up to date, which needs to
 *  write). A file of up to 16 MiB is checked page by page; a larger one as it is read, and whole by zt_catalog_check. Others may
 *  write meanwhile. Errors: ZT_NOTFOUND, and as above. */
zt_err zt_catalog_open(zt_catalog **c, const char *dir);
/** Open the catalogue of a data set that is there, for writing. Errors as both. */
zt_err zt_catalog_open_writing(zt_catalog **c, const char *dir);
/** What was not committed is lost. NULL and *c == NULL are fine; sets *c = NULL. */
void zt_catalog_close(zt_catalog **c);

/** Every page of the file, and that the counters are what counting gives. ZT_FORMAT: what is wrong. Reads the whole file. */
zt_err zt_catalog_check(zt_catalog *c);

/** What a transaction changes stays in memory until it is committed, so that others can read all the while: for writers of small
 *  transactions. */
zt_err zt_catalog_stay_readable(zt_catalog *c);
/** One transaction at a time; savepoints inside it, one at a time. */
zt_err zt_catalog_begin(zt_catalog *c);
zt_err zt_catalog_commit(zt_catalog *c);
zt_err zt_catalog_mark(zt_catalog *c);
zt_err zt_catalog_release(zt_catalog *c);
zt_err zt_catalog_back(zt_catalog *c);

/** Table meta: schema, created_by, seed, ... *value is "" when the key is not there. */
zt_err zt_catalog_set_meta(zt_catalog *c, const char *key, const char *value);
zt_err zt_catalog_get_meta(zt_catalog *c, const char *key, char *value, size_t cap);

zt_err zt_catalog_add_clip(zt_catalog *c, const zt_catalog_clip *clip);
zt_err zt_catalog_add_shard(zt_catalog *c, const char *name, int64_t bytes);
/** SHA-256 of a shard's content (check.c); *sha256 is "" where none was recorded. */
zt_err zt_catalog_set_shard_hash(zt_catalog *c, const char *name, const char *sha256);
zt_err zt_catalog_shard_hash(zt_catalog *c, const char *name, char sha256[65]);
/** Replaces a row of the same path. */
zt_err zt_catalog_put_source(zt_catalog *c, const zt_catalog_source *source);
/** Whether a source with this path and hash is there already. */
zt_err zt_catalog_has_source(zt_catalog *c, const char *path, const char *hash, bool *found);
/** Path of the 'ok' source with this hash, "" when there is none. `fragment` is the end of its path that says which piece of the
 *  file it is ("#t=1.0,2.0"), "" for whole files. */
zt_err zt_catalog_same_content(zt_catalog *c, const char *hash, const char *fragment, char *path, size_t cap);
/** Mark all clips of a source as dropped. */
zt_err zt_catalog_drop_clips(zt_catalog *c, const char *source, const char *reason);
/** Sources by status; shards whose name starts with `split`. */
zt_err zt_catalog_count_sources(zt_catalog *c, const char *status, int64_t *n);
zt_err zt_catalog_count_shards(zt_catalog *c, const char *split, int64_t *n);
/** Largest clip id, 0 when there is none. */
zt_err zt_catalog_last_clip(zt_catalog *c, int64_t *id);

/* ---- counters (catalog_counts.c): kept by triggers, so they cost nothing to ask at ten million clips ---- */

/* How many clips are alike in split, status, size, rate and whether they have a caption. */
typedef struct zt_catalog_count {
    const char *split, *status; /* borrowed until the callback returns */
    int frames, height, width;
    double fps;
    bool captioned;
    int64_t n;
} zt_catalog_count;

/** Call fn for each kind of clip there is (as zt_catalog_clips); few rows where clips have few sizes. */
zt_err zt_catalog_counts(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_catalog_count *count), void *ctx);
/** Clips with this status. */
zt_err zt_catalog_count_clips(zt_catalog *c, const char *status, int64_t *n);
/** ZT_FORMAT when a counter is not what counting the clips gives. Reads every clip. */
zt_err zt_catalog_check_counts(zt_catalog *c);

/* Clips are counted by blocks of neighbouring ids: block b holds the ids b << ZT_BLOCK_BITS and following. */
enum { ZT_BLOCK_BITS = 10, ZT_BLOCK_IDS = 1 << ZT_BLOCK_BITS };
/** Call fn for each block that has usable clips of a split: by split, then block. */
zt_err zt_catalog_blocks(zt_catalog *c, zt_err (*fn)(void *ctx, const char *split, int64_t block, int64_t n), void *ctx);
/** The same for the usable clips of each size apart: by split, then block. */
zt_err zt_catalog_sizes(zt_catalog *c, zt_err (*fn)(void *ctx, const char *split, int64_t block, zt_size size, int64_t n),
                        void *ctx);
/** The usable clips of a block in order: ids into id[0..ZT_BLOCK_IDS), their sampling weights and sizes into weight and size
 *  (NULL: not asked for), their number into *n. split NULL: of every split. */
zt_err zt_catalog_block(zt_catalog *c, const char *split, int64_t block, int64_t *id, float *weight, zt_size *size, int *n);

/** The clip with this id: fn is called once. ZT_NOTFOUND when there is none. */
zt_err zt_catalog_clip_by_id(zt_catalog *c, int64_t id, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx);

/** Call fn for each row in order of insertion, clips by status ("ok", "dropped"; NULL: all). A result other than ZT_OK ends the
 *  walk and is
 *  returned. */
zt_err zt_catalog_clips(zt_catalog *c, const char *status, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx);
zt_err zt_catalog_sources(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_catalog_source *source), void *ctx);
zt_err zt_catalog_shards(zt_catalog *c, zt_err (*fn)(void *ctx, const char *name, int64_t bytes), void *ctx);
#endif
