/* avglue.h - private to media/: FFmpeg's log kept silent and its last line quoted in our errors. */
#ifndef ZT_MEDIA_AVGLUE_H
#define ZT_MEDIA_AVGLUE_H
#include "base/err.h"

/** Route FFmpeg's log to a per-thread last-error line, once per process, and forget this thread's line. */
void zt_av_begin(void);
/** zt_fail with ": reason" added: FFmpeg's last error line on this thread, or else the text of `averr` (an AVERROR).
 *  Out of memory wins over `e`. */
zt_err zt_av_fail(zt_err e, int averr, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** ZT_NOMEM with a text, for an FFmpeg allocation that gave NULL. */
zt_err zt_av_nomem(const char *what);
#endif
