/* shard_edit.h - changing pixels of a data set that exists, or removing them for good. Every shard that changes is written anew
 * beside the old one; one commit makes it the valid one; then the old file is deleted. */
#ifndef ZT_DATA_SHARD_EDIT_H
#define ZT_DATA_SHARD_EDIT_H
#include <stdbool.h>
#include <stdint.h>
#include "data/catalog.h"

typedef struct zt_shard_edit {
    /* Clips that are dropped, or become so in look(), lose pixels, caption and labels; the row is kept, bytes 0. */
    bool erase_dropped;
    /** Look at a clip (also dropped ones; rgb [T,H,W,3] is mapped). *change asks for change() to be called. NULL: nothing
     *  changes. */
    zt_err (*look)(void *ctx, zt_catalog *c, const zt_catalog_clip *clip, const uint8_t *rgb, bool *change);
    /** Change rgb, a copy of the clip's pixels, in place. Clips of a shard come in the order in which look() saw them. */
    zt_err (*change)(void *ctx, zt_catalog *c, const zt_catalog_clip *clip, uint8_t *rgb);
    void *ctx;
} zt_shard_edit;

/** Edit all shards of DIR, one transaction each: after a kill every shard is the old or the new one, and the same call goes on.
 *  Files in DIR/shards that no row names (left by a kill) are removed first. Members of a shard that belong to no clip of the
 *  catalogue are not copied. Errors: ZT_NOTFOUND, ZT_IO, ZT_FORMAT (damage), ZT_CANCELLED, ZT_NOMEM, what look or change
 *  return. */
zt_err zt_shards_edit(const char *dir, const zt_shard_edit *edit);
#endif
