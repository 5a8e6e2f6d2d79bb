/* cache.h - arrays beside a data set's clips, computed from them once: latents, text embeddings, tokens of a discrete model,
 * published features. They live in DIR/arrays/NAME/: info.json and tars of .npy members (shard.h). An array is found by its
 * clip's key and the SHA-256 of what it was computed from, so a clip that has changed does not get an old array; the whole set
 * belongs to one model, named by the SHA-256 of its weights or codebook, and is refused to any other. */
#ifndef ZT_DATA_CACHE_H
#define ZT_DATA_CACHE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "data/npy.h"

typedef enum zt_cache_kind { ZT_CACHE_LATENTS, ZT_CACHE_TEXT, ZT_CACHE_TOKENS, ZT_CACHE_FEATURES } zt_cache_kind;

/* What a set of arrays is. */
typedef struct zt_cache_info {
    zt_cache_kind kind;
    char model[65]; /* SHA-256, lower-case hexadecimal, of the model or codebook that made them */
    int64_t codes;  /* TOKENS: size of the codebook, 2 or more; every token is below it. Else 0 */
} zt_cache_info;

typedef struct zt_cache_array {
    char kind; /* as in npy.h; TOKENS: 'u' or 'i' */
    int item_bytes, n;
    int64_t shape[ZT_NPY_DIMS];
    const void *data; /* C order */
} zt_cache_array;

/** "latents", "text", "tokens", "features". */
const char *zt_cache_kind_name(zt_cache_kind kind);

/* ---- writing ---- */
typedef struct zt_cache_writer zt_cache_writer;
/** Add to the set `name` (1..40 of a-z, 0-9 and -) of data set DIR; made when missing. Errors: ZT_ARG (name, info), ZT_CONFIG
 *  (the set is of another kind or model: both are named), ZT_IO, ZT_FORMAT, ZT_NOMEM. *w is NULL on failure. One thread, one
 *  writer a set. */
zt_err zt_cache_writer_create(zt_cache_writer **w, const char *dir, const char *name, const zt_cache_info *info);
/** Add `array` (1..20 of a-z and 0-9) of a clip: key 1..50 of letters, digits, - and _; content: the SHA-256 (hexadecimal) of
 *  what it was computed from. Errors: ZT_ARG (names, sizes, a token not below `codes`), ZT_IO, ZT_NOMEM. */
zt_err zt_cache_put(zt_cache_writer *w, const char *key, const char *content, const char *array, const zt_cache_array *a);
/** All added so far is on disk under its name. After a failure only destroy is left. */
zt_err zt_cache_flush(zt_cache_writer *w);
/** What was not flushed is lost. NULL and *w == NULL are fine; sets *w = NULL. */
void zt_cache_writer_destroy(zt_cache_writer **w);

/* ---- reading ---- */
typedef struct zt_cache zt_cache;
/** Open the set `name` of DIR for a model. Errors: ZT_NOTFOUND (no such set), ZT_CONFIG (it belongs to another kind, model or
 *  size of codebook: both are named), ZT_FORMAT (damaged), ZT_IO, ZT_NOMEM. *c is NULL on failure. Then any number of threads
 *  may read. */
zt_err zt_cache_open(zt_cache **c, const char *dir, const char *name, const zt_cache_info *info);
void zt_cache_close(zt_cache **c); /* NULL and *c == NULL are fine; sets *c = NULL */
/** The array of a clip; *found = false when there is none for this key and content. Its data are borrowed from the map, aligned
 *  to their size. Errors: ZT_FORMAT (not such an array; a token not below `codes`). */
zt_err zt_cache_find(const zt_cache *c, const char *key, const char *content, const char *array, zt_cache_array *a, bool *found);

/* ---- looking ---- */
/* One set of arrays, for lists. */
typedef struct zt_cache_summary {
    const char *name;
    zt_cache_info info;
    int64_t clips, arrays, bytes;
} zt_cache_summary;
/** Call each(ctx, set) for every set of DIR, by name; none is fine. Errors: ZT_FORMAT, ZT_IO, ZT_NOMEM, those of each. */
zt_err zt_cache_list(const char *dir, zt_err (*each)(void *ctx, const zt_cache_summary *s), void *ctx);
#endif
