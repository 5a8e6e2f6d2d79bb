/* thumb.c - see thumb.h. Tested through tests/media/test_media_scene.c. */
#include "media/thumb.h"
#include <string.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include "media/avglue.h"

enum { SAMPLES = 6 };   /* per cell and axis */

/* Sample positions of one axis: n pixels, `cells` cells of SAMPLES each, as byte offsets. */
static void positions(int n, int cells, int step, int out[]) {
    const int count = cells * SAMPLES;
    for (int i = 0; i < count; i++) out[i] = (int)((2 * (int64_t)i + 1) * n / (2 * count)) * step;
}

/* Component c of the frame, w x h samples of it, as cell means into out. */
static void component(const AVFrame *f, const AVComponentDescriptor *c, bool big_endian, int w, int h, uint8_t *out) {
    int x[ZT_THUMB_W * SAMPLES], y[ZT_THUMB_H * SAMPLES];
    const bool wide = c->depth + c->shift > 8;
    const int low = wide ? big_endian : 0, high = wide ? !big_endian : 0, down = c->depth > 8 ? c->depth - 8 : 0;
    positions(w, ZT_THUMB_W, c->step, x);
    positions(h, ZT_THUMB_H, 1, y);
    for (int row = 0; row < ZT_THUMB_H; row++) {
        unsigned sum[ZT_THUMB_W] = {0};
        for (int k = 0; k < SAMPLES; k++) {
            const uint8_t *p = f->data[c->plane] + (ptrdiff_t)y[row * SAMPLES + k] * f->linesize[c->plane] + c->offset;
            for (int i = 0; i < ZT_THUMB_W * SAMPLES; i++) {
                const unsigned v = wide ? (unsigned)p[x[i] + high] << 8 | p[x[i] + low] : p[x[i]];
                sum[i / SAMPLES] += v >> c->shift >> down;
            }
        }
        for (int i = 0; i < ZT_THUMB_W; i++) *out++ = (uint8_t)((sum[i] + SAMPLES * SAMPLES / 2) / (SAMPLES * SAMPLES));
    }
}

/* R, G, B planes to Y, U, V in place: BT.601, full range. */
static void planes_from_rgb(uint8_t *t) {
    for (int i = 0; i < ZT_THUMB_PLANE; i++, t++) {
        const int r = t[0], g = t[ZT_THUMB_PLANE], b = t[2 * ZT_THUMB_PLANE];
        t[0] = (uint8_t)((77 * r + 150 * g + 29 * b + 128) >> 8);
        t[ZT_THUMB_PLANE] = (uint8_t)((-43 * r - 85 * g + 128 * b + 32768) / 257);
        t[2 * ZT_THUMB_PLANE] = (uint8_t)((128 * r - 107 * g - 21 * b + 32768) / 257);
    }
}

static zt_err by_swscale(const AVFrame *f, uint8_t *thumb) {
    struct SwsContext *sws = sws_getContext(f->width, f->height, (enum AVPixelFormat)f->format, ZT_THUMB_W, ZT_THUMB_H,
                                            AV_PIX_FMT_GBRP, SWS_POINT, NULL, NULL, NULL);
    uint8_t out[3][ZT_THUMB_PLANE + 64];          /* its vector code writes past the end */
    uint8_t *const planes[4] = {out[0], out[1], out[2], NULL};
    const int strides[4] = {ZT_THUMB_W, ZT_THUMB_W, ZT_THUMB_W, 0};
    if (!sws) return zt_av_fail(ZT_UNSUPPORTED, AVERROR(EINVAL), "pixel format %d cannot be made small", f->format);
    sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides);
    sws_freeContext(sws);
    memcpy(thumb, out[2], ZT_THUMB_PLANE);        /* planes are G, B, R */
    memcpy(thumb + ZT_THUMB_PLANE, out[0], ZT_THUMB_PLANE);
    memcpy(thumb + 2 * ZT_THUMB_PLANE, out[1], ZT_THUMB_PLANE);
    planes_from_rgb(thumb);
    return ZT_OK;
}

zt_err zt_thumb_make(const AVFrame *f, uint8_t thumb[ZT_THUMB_BYTES]) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    const uint64_t odd =
        AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER;
    bool whole_bytes = d && !(d->flags & odd);
    for (int k = 0; whole_bytes && k < d->nb_components; k++) whole_bytes = d->comp[k].depth >= 8 && d->comp[k].depth <= 16;
    if (!whole_bytes) return by_swscale(f, thumb);
    const bool big = d->flags & AV_PIX_FMT_FLAG_BE, grey = d->nb_components < 3, rgb = d->flags & AV_PIX_FMT_FLAG_RGB;
    for (int k = 0; k < (grey ? 1 : 3); k++) {
        const bool chroma = k > 0 && !rgb;
        const int w = chroma ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width;
        const int h = chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
        component(f, &d->comp[k], big, w, h, thumb + k * ZT_THUMB_PLANE);
    }
    if (grey) memset(thumb + ZT_THUMB_PLANE, 128, 2 * ZT_THUMB_PLANE);
    if (rgb) planes_from_rgb(thumb);
    return ZT_OK;
}
