/* encode_y4m.c - YUV4MPEG2 (yuv4mpeg(5) of mjpegtools): a line of text, then raw frames, so that a pipe shows what is made.
 * 4:4:4 in limited range with the matrix of BT.601, which players take for small pictures without a tag (the format has none).
 * Tested by tests/media/test_media_writer.c. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/mem.h"
#include "media/encode.h"

enum { HEADER_MAX = 96 }; /* readers of FFmpeg take no longer one */

static uint8_t round_off(double x) {
    return (uint8_t)(x + 0.5);
}

/* rgb [n,3] to planes y, cb, cr [3,n]. */
static void to_planes(const uint8_t *rgb, size_t n, uint8_t *out) {
    const double kr = 0.299, kb = 0.114;
    for (size_t k = 0; k < n; k++) {
        const double r = rgb[3 * k], g = rgb[3 * k + 1], b = rgb[3 * k + 2], y = kr * r + (1 - kr - kb) * g + kb * b;
        out[k] = round_off(16 + y * 219 / 255);
        out[n + k] = round_off(128 + (b - y) / (1 - kb) * 112 / 255);
        out[2 * n + k] = round_off(128 + (r - y) / (1 - kr) * 112 / 255);
    }
}

/* The label has one word here: a header longer than HEADER_MAX would not be read. */
static int header(char text[HEADER_MAX], const zt_frames *f, const zt_media_tags *tags) {
    const char *made = zt_media_tags_get(tags, "ai_generated") ? " XAI-GENERATED=zoetrope" : "";
    const bool whole = f->fps == floor(f->fps);
    return snprintf(text, HEADER_MAX, "YUV4MPEG2 W%d H%d F%.0f:%d Ip A1:1 C444%s\n", f->width, f->height,
                    whole ? f->fps : floor(f->fps * 1000 + 0.5), whole ? 1 : 1000, made);
}

zt_err zt_encode_y4m(const char *path, const zt_frames *f, const zt_media_tags *tags, FILE *to) {
    static const char mark[] = "FRAME\n";
    char text[HEADER_MAX];
    const size_t n = zt_frame_bytes(f), len = (size_t)header(text, f, tags);
    uint8_t *planes = zt_alloc(n);
    if (!planes) return ZT_NOMEM;
    bool good = fwrite(text, 1, len, to) == len;
    for (int t = 0; good && t < f->frames; t++) {
        to_planes(zt_frame_at(f, t), n / 3, planes);
        good = fwrite(mark, 1, sizeof mark - 1, to) == sizeof mark - 1 && fwrite(planes, 1, n, to) == n && fflush(to) == 0;
    }
    zt_free(planes);
    return good ? ZT_OK : zt_fail(ZT_IO, "%s: writing failed; is the disk full, or what reads the pipe gone?", path);
}
