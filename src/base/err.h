/* err.h - how code inside the library fails: set the text where the fact is known, return the code, leave by one label. */
#ifndef ZT_BASE_ERR_H
#define ZT_BASE_ERR_H
#include "zt/err.h"

/** Record a failure for this thread and return `e` (so: `return zt_fail(ZT_IO, "%s: ...", path)`).
 *  The text says operation, what was found, what was wanted, next step; at most 1023 bytes are kept. */
zt_err zt_fail(zt_err e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Put context in front of the current text: "context: text". Returns `e`. */
zt_err zt_fail_context(zt_err e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The only house macro that jumps; variable and label stay visible at the call. */
#define ZT_TRY(assign, label) do { if ((assign) != ZT_OK) goto label; } while (0)

#endif
