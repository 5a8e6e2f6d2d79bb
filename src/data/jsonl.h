/* jsonl.h - one JSON object a line (jsonlines.org): metadata.jsonl, video_jsonl_file. */
#ifndef ZT_DATA_JSONL_H
#define ZT_DATA_JSONL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"

enum { ZT_JSONL_LINE_MAX = 1 << 20 }; /* bytes */

typedef struct zt_jsonl zt_jsonl;
/** Open a file; it is mapped, one line of it is in memory. Errors: ZT_NOTFOUND, ZT_IO, ZT_NOMEM. *r is NULL on failure. */
zt_err zt_jsonl_open(zt_jsonl **r, const char *path);
/** The same on bytes[0..len), which must outlive it; `where` (copied) names them in errors. */
zt_err zt_jsonl_open_bytes(zt_jsonl **r, const void *bytes, size_t len, const char *where);
/** NULL and *r == NULL are fine; sets *r = NULL. */
void zt_jsonl_close(zt_jsonl **r);
/** The next line's object, borrowed until the next call; NULL behind the last one. Empty lines and a byte order mark are skipped.
 *  Errors, after which only closing is left: ZT_FORMAT, naming the line (longer than ZT_JSONL_LINE_MAX, no valid JSON, no
 *  object);
 *  ZT_NOMEM. One thread at a time. */
zt_err zt_jsonl_next(zt_jsonl *r, const json_t **row);
int64_t zt_jsonl_line(const zt_jsonl *r); /* of the last object, from 1 */
#endif
