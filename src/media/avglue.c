/* avglue.c - FFmpeg's log callback and error texts. Decoder threads log on their own: only lines of the calling thread are
 * quoted, so that one file's trouble is never told of another. Tested through tests/media/test_media_reader.c. */
#include "media/avglue.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <libavutil/error.h>
#include <libavutil/log.h>

static _Thread_local char last_line[256];

static void keep_line(void *ctx, int level, const char *fmt, va_list ap) {
    if (level > AV_LOG_ERROR) return;
    int prefix = 0;                                        /* no "[mov @ 0x...]": an address says nothing to a user */
    char line[sizeof last_line];
    av_log_format_line2(ctx, level, fmt, ap, line, sizeof line, &prefix);
    line[strcspn(line, "\r\n")] = 0;
    if (line[0]) memcpy(last_line, line, sizeof line);
}

static void install(void) {
    av_log_set_callback(keep_line);
}

void zt_av_begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    last_line[0] = 0;
}

zt_err zt_av_fail(zt_err e, int averr, const char *fmt, ...) {
    char text[512], why[128] = "";
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (averr == AVERROR(ENOMEM)) e = ZT_NOMEM;
    av_strerror(averr, why, sizeof why);
    if (last_line[0]) return zt_fail(e, "%s: %s (FFmpeg: %s)", text, why, last_line);
    return zt_fail(e, "%s: %s", text, why);
}

zt_err zt_av_nomem(const char *what) {
    return zt_fail(ZT_NOMEM, "%s: FFmpeg could not get memory; close other programs or use smaller frames", what);
}
