/* store.h - writing a data set: clips go into the open shard of their split and into the catalogue, and appear together or not at
 * all.
 * Used by synth and ingest; reading is data/dataset.h. */
#ifndef ZT_DATA_STORE_H
#define ZT_DATA_STORE_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "data/catalog.h"

typedef struct zt_store zt_store;

/** Open folder `dir` (made when missing) for writing; a data set that is there grows. A shard is closed once it has `shard_bytes`
 *  at a
 *  flush (0: 256 MiB). Errors: ZT_IO (rights, in use), ZT_FORMAT (damaged catalogue), ZT_NOMEM. *s is NULL on failure. One
 *  thread. */
zt_err zt_store_open(zt_store **s, const char *dir, int64_t shard_bytes);
/** The catalogue, borrowed, inside a transaction that the next flush commits. */
zt_catalog *zt_store_catalog(zt_store *s);
/** An array that is kept beside a clip as member KEY.NAME.npy; kind and item_bytes as in data/npy.h. Borrowed. */
typedef struct zt_store_array {
    const char *name;
    char kind;
    int item_bytes, n;
    int64_t shape[4];
    const void *data;
} zt_store_array;
/** Add a clip: members KEY.npy, KEY.json, KEY.txt and array[0..n); its row is completed (shard, offset, bytes, status) and added.
 *  rgb [T,H,W,3]. Errors: ZT_ARG (split, key, sizes), ZT_IO, ZT_NOMEM. */
zt_err zt_store_add(zt_store *s, const zt_catalog_clip *clip, const uint8_t *rgb, const zt_store_array *array, int n);
/** Add member KEY.SUFFIX to the clip that zt_store_add added last. Errors: ZT_ARG, ZT_IO. */
zt_err zt_store_attach(zt_store *s, const char *split, const char *key, const char *suffix, const void *bytes, size_t n);
/** What follows can be taken back by zt_store_back, until zt_store_keep. */
zt_err zt_store_mark(zt_store *s);
zt_err zt_store_keep(zt_store *s);
zt_err zt_store_back(zt_store *s);
/** Finish the open shards, then commit: all added so far is safe on disk. force 0: only when a shard has reached its size. */
zt_err zt_store_flush(zt_store *s, int force);
/** How many times it has committed. */
int64_t zt_store_commits(const zt_store *s);
/** Bytes and number of finished shards. */
void zt_store_sizes(const zt_store *s, int64_t *bytes, int *shards);
/** What was not flushed is lost. NULL and *s == NULL are fine; sets *s = NULL. */
void zt_store_close(zt_store **s);
#endif
