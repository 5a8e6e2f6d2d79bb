/* webp.h - private to media/: the RIFF container of WebP, for what FFmpeg lacks: reading animations, XMP in and out.
 * Source: "WebP Container Specification" (developers.google.com/speed/webp/docs/riff_container). */
#ifndef ZT_MEDIA_WEBP_H
#define ZT_MEDIA_WEBP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libavutil/frame.h>
#include "base/err.h"

/** Whether bytes start as an animated WebP file. */
bool zt_webp_is_animated(const uint8_t *bytes, size_t len);

typedef struct zt_webp zt_webp;
/** `bytes` is borrowed until destroy. Errors: ZT_FORMAT (damaged, canvas above max_pixels), ZT_NOMEM. */
zt_err zt_webp_open(zt_webp **w, const uint8_t *bytes, size_t len, const char *name, int64_t max_pixels);
void zt_webp_close(zt_webp **w);
/** The canvas after the next frame, composited on black, as a new RGB24 frame in `out`. *damaged grows by skipped frames. */
zt_err zt_webp_next(zt_webp *w, AVFrame *out, int *duration_ms, int64_t *damaged, bool *end);
/** Count and total duration by the headers alone. */
void zt_webp_stats(const zt_webp *w, int64_t *frames, double *duration_s);

/** Rewrite a WebP file: XMP chunk set (VP8X added if absent). With total_ms > 0 it becomes an animation that loops for ever and
 *  lasts total_ms: the last frame's duration makes up the sum, and a still (what the encoder makes of equal frames) becomes
 *  its only frame. *out is zt_alloc'd. */
zt_err zt_webp_finish_file(const uint8_t *bytes, size_t len, const char *xmp, int width, int height, int total_ms, uint8_t **out,
                           size_t *out_len);
/** The XMP text, borrowed from bytes; *xmp NULL when there is none. */
zt_err zt_webp_xmp(const uint8_t *bytes, size_t len, const char **xmp, size_t *xmp_len);
#endif
