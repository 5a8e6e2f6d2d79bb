/* check.h - `zoe data check`: everything in a data set that can be verified, read in full. */
#ifndef ZT_DATA_CHECK_H
#define ZT_DATA_CHECK_H
#include <stdint.h>
#include "base/err.h"

/* What was found. Each fault is told to the caller as a line; the check goes on after it. */
typedef struct zt_check {
    void (*fault)(void *ctx, const char *text); /* text: file, what is wrong, what to do */
    void *ctx;
    int64_t faults;
    int64_t clips, dropped, shards, hashed; /* looked at; shards whose content has the recorded SHA-256 */
    int64_t sources, sources_gone;          /* source files whose content was compared; that are not there any more */
} zt_check;

/** Verify DIR: every page and counter of the catalogue; every shard as a tar file from end to end, its size and SHA-256; every
 *  row, usable or dropped, against its shard; and, with `sources`, that the files the clips were cut from still have the content
 *  they had. Sets the counts; `fault` and `ctx` are the caller's.
 *  Errors: ZT_NOTFOUND, ZT_FORMAT (the catalogue cannot be read at all), ZT_IO, ZT_NOMEM, ZT_CANCELLED. A fault is no error. */
zt_err zt_dataset_check(zt_check *k, const char *dir, int sources);
#endif
