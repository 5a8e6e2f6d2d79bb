/* scale.c - see scale.h. Source of the conversion: ITU-R BT.601-7, BT.709-6 and BT.2020-2, the tables of luma coefficients and
 * quantisation. Tested by tests/media/test_media_reader.c against the way through colour.c. */
#include "media/scale.h"
#include <math.h>
#include <string.h>
#include <libavutil/pixdesc.h>
#include "base/mem.h"
#include "media/colour.h"
#include "media/resample.h"

/* What the taps were made for. */
typedef struct geometry { int w, h, chroma_w, chroma_h, dw, dh, location; zt_box box; } geometry;

struct zt_scaler {
    zt_filter filter;
    geometry made;
    zt_taps taps[4];            /* luma x, y; chroma x, y */
    int16_t *plane[3];          /* [dh,dw] each, 1/64 code values */
    size_t room;
};

zt_err zt_scaler_create(zt_scaler **s, zt_filter filter) {
    *s = zt_alloc(sizeof **s);
    if (!*s) return ZT_NOMEM;
    (*s)->filter = filter;
    return ZT_OK;
}

void zt_scaler_destroy(zt_scaler **s) {
    if (!s || !*s) return;
    for (int i = 0; i < 4; i++) zt_taps_finish(&(*s)->taps[i]);
    for (int i = 0; i < 3; i++) zt_free((*s)->plane[i]);
    zt_free(*s);
    *s = NULL;
}

bool zt_scaler_takes(const AVFrame *f) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    const uint64_t odd = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM
                         | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT;
    if (!d || d->flags & odd || (d->nb_components != 1 && d->nb_components != 3) || !zt_colour_is_plain(f)) return false;
    for (int k = 0; k < d->nb_components; k++)
        if (d->comp[k].depth != 8 || d->comp[k].step != 1 || d->comp[k].plane != k) return false;
    double kr, kb;
    bool full;
    return zt_colour_weights(f, AV_CODEC_ID_NONE, &kr, &kb, &full);
}

/* Where a chroma sample lies among its luma samples, 0 (first) to 1 (last) across and down, from the numbering of
 * AVChromaLocation:
 * left, centre, top left, top, bottom left, bottom. */
static void siting(int location, double *across, double *down) {
    static const double X[] = {0, 0.5, 0, 0.5, 0, 0.5}, Y[] = {0.5, 0.5, 0, 0, 1, 1};
    *across = X[location - AVCHROMA_LOC_LEFT];
    *down = Y[location - AVCHROMA_LOC_LEFT];
}

static int location_of(const AVFrame *f, enum AVCodecID codec) {
    if (f->chroma_location >= AVCHROMA_LOC_LEFT && f->chroma_location <= AVCHROMA_LOC_BOTTOM) return f->chroma_location;
    return codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_WEBP || codec == AV_CODEC_ID_MPEG1VIDEO ? AVCHROMA_LOC_CENTER
                                                                                                   : AVCHROMA_LOC_LEFT;
}

/* Luma coordinate x (pixel i covers i..i+1) in chroma samples of 2^shift luma pixels. */
static double to_chroma(double x, int shift, double site) {
    const int n = 1 << shift;
    return (x - site * (n - 1) - 0.5) / n + 0.5;
}

static zt_err prepare(zt_scaler *s, const AVFrame *f, enum AVCodecID codec, zt_box b, int dw, int dh) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    const int sx = d->log2_chroma_w, sy = d->log2_chroma_h, location = location_of(f, codec);
    const geometry want = {f->width, f->height, AV_CEIL_RSHIFT(f->width, sx), AV_CEIL_RSHIFT(f->height, sy), dw, dh, location, b};
    const size_t room = (size_t)dw * (size_t)dh;
    double across, down;
    zt_err e;
    if (s->taps[0].first && memcmp(&want, &s->made, sizeof want) == 0) return ZT_OK;
    for (int i = 0; i < 4; i++) zt_taps_finish(&s->taps[i]);
    for (int i = 0; i < 3 && s->room < room; i++) {
        zt_free(s->plane[i]);
        s->plane[i] = zt_alloc_array(room, sizeof *s->plane[i]);
        if (!s->plane[i]) {
            s->room = 0;
            return ZT_NOMEM;
        }
    }
    s->room = s->room < room ? room : s->room;
    siting(location, &across, &down);
    ZT_TRY(e = zt_taps_make(&s->taps[1], s->filter, want.h, b.y, b.h, dh), done);
    ZT_TRY(e = zt_taps_make(&s->taps[2], s->filter, want.chroma_w, to_chroma(b.x, sx, across), b.w / (1 << sx), dw), done);
    ZT_TRY(e = zt_taps_make(&s->taps[3], s->filter, want.chroma_h, to_chroma(b.y, sy, down), b.h / (1 << sy), dh), done);
    ZT_TRY(e = zt_taps_make(&s->taps[0], s->filter, want.w, b.x, b.w, dw), done);
    s->made = want;
done:
    return e;
}

static uint8_t to_byte(float v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f); }

/* A row of planes to RGB. y, u, v in 1/64 code values. */
static void convert_row(const int16_t *y, const int16_t *u, const int16_t *v, int n, double kr, double kb, bool full,
                        uint8_t *rgb) {
    const double luma = full ? 1 : 255.0 / 219, chroma = full ? 1 : 255.0 / 224, unit = 1.0 / (1 << ZT_RESAMPLE_BITS);
    const float black = full ? 0 : 16 * (1 << ZT_RESAMPLE_BITS), grey = 128 * (1 << ZT_RESAMPLE_BITS);
    const float g = (float)(luma * unit), rv = (float)(2 * (1 - kr) * chroma * unit), bu = (float)(2 * (1 - kb) * chroma * unit);
    const float gu = (float)(-kb / (1 - kr - kb)) * bu, gv = (float)(-kr / (1 - kr - kb)) * rv;
    for (int i = 0; i < n; i++, rgb += 3) {
        const float l = ((float)y[i] - black) * g, cb = (float)u[i] - grey, cr = (float)v[i] - grey;
        rgb[0] = to_byte(l + rv * cr);
        rgb[1] = to_byte(l + gu * cb + gv * cr);
        rgb[2] = to_byte(l + bu * cb);
    }
}

zt_err zt_scaler_run(zt_scaler *s, const AVFrame *f, enum AVCodecID codec, zt_box box, uint8_t *rgb, ptrdiff_t stride, int dw,
                     int dh) {
    double kr, kb;
    bool full;
    zt_err e = prepare(s, f, codec, box, dw, dh);
    const bool grey = av_pix_fmt_desc_get((enum AVPixelFormat)f->format)->nb_components == 1;
    zt_colour_weights(f, codec, &kr, &kb, &full);
    for (int k = 0; k < (grey ? 1 : 3) && e == ZT_OK; k++) {
        const zt_taps *t = s->taps + (k ? 2 : 0);
        e = zt_resample(&t[0], &t[1], f->data[k], f->linesize[k], 1, s->plane[k]);
    }
    if (e != ZT_OK) return e;
    for (size_t i = 0; grey && i < (size_t)dw * (size_t)dh; i++) s->plane[1][i] = s->plane[2][i] = 128 << ZT_RESAMPLE_BITS;
    for (int y = 0; y < dh; y++) {
        const size_t at = (size_t)y * (size_t)dw;
        convert_row(s->plane[0] + at, s->plane[1] + at, s->plane[2] + at, dw, kr, kb, full, rgb + y * stride);
    }
    return ZT_OK;
}
