/* shard.h - tar files in WebDataset layout: members KEY.npy, KEY.json, KEY.txt, ... one after another, so that Python's
 * webdataset and
 * tar read them. Written once, then only mapped. It knows members, not clips or catalogues.
 * Format: POSIX.1-1988 ustar (IEEE Std 1003.1, pax utility); github.com/webdataset. */
#ifndef ZT_DATA_SHARD_H
#define ZT_DATA_SHARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_TAR_BLOCK = 512, ZT_TAR_NAME_MAX = 99 };

/* One member while walking over a tar image. */
typedef struct zt_tar_member {
    char name[ZT_TAR_NAME_MAX + 157];   /* prefix/name */
    char type;                          /* '0' regular file, others as ustar says */
    size_t offset, bytes;               /* of the content, inside the image */
} zt_tar_member;

/** Read the member at *pos of the image bytes[0..len) (`where` names it in errors) and move *pos behind it.
 *  *end = true at the end-of-archive mark. Start with *pos = 0.
 *  Errors: ZT_FORMAT, naming the offset (wrong checksum, member reaching beyond the end, no end mark: a truncated file). Any
 *  thread. */
zt_err zt_tar_next(const uint8_t *bytes, size_t len, const char *where, size_t *pos, zt_tar_member *m, bool *end);

/** Check that a clip of shape [T,H,W,3] uint8 lies at `offset` of the mapped shard as catalogued: room inside the file, tar
 *  header with
 *  the name KEY.npy, .npy header with that shape. Errors: ZT_FORMAT. Any thread. */
zt_err zt_shard_check_clip(const uint8_t *bytes, size_t len, const char *where, const char *key, size_t offset,
                           const int64_t shape[4]);
/** Check that the image ends as a finished tar does. Errors: ZT_FORMAT. */
zt_err zt_shard_check_end(const uint8_t *bytes, size_t len, const char *where);

/* A shard being written: to PATH.part, which becomes PATH at finish. One thread at a time. */
typedef struct zt_shard_writer zt_shard_writer;
/** Errors: ZT_IO, ZT_NOMEM, ZT_ARG (path too long). *w is NULL on failure. */
zt_err zt_shard_writer_create(zt_shard_writer **w, const char *path);
/** Add `name` (1..99 bytes: letters, digits, - _ . /) with the given content. Errors: ZT_ARG (name), ZT_IO (disk full, ...). */
zt_err zt_shard_add(zt_shard_writer *w, const char *name, const void *bytes, size_t n);
/** Add an array as NAME (ends in .npy); kind as in data/npy.h. *offset (may be NULL) is where its numbers start in the file:
 *  a multiple of 64. */
zt_err zt_shard_add_npy(zt_shard_writer *w, const char *name, char kind, int item_bytes, int n, const int64_t *shape,
                        const void *data, size_t *offset);
/** Bytes written so far. */
size_t zt_shard_bytes(const zt_shard_writer *w);
/** Take back what was added since zt_shard_bytes was `bytes`. ZT_IO, ZT_ARG. */
zt_err zt_shard_cut(zt_shard_writer *w, size_t bytes);
/** End mark, fsync, rename, fsync of the folder. *bytes (may be NULL): size of the file. After a failure only destroy is left. */
zt_err zt_shard_writer_finish(zt_shard_writer *w, size_t *bytes);
/** Removes the unfinished file, if there is one. NULL and *w == NULL are fine; sets *w = NULL. */
void zt_shard_writer_destroy(zt_shard_writer **w);
#endif
