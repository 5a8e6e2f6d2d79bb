/* colour.c - see colour.h. Sources: ITU-R BT.2100-2 (PQ, HLG), BT.2087-0 (2020 to 709), BT.2408-5 (reference white),
 * IEC 61966-2-1 (sRGB). Tested by tests/media/test_media_reader.c and test_media_writer.c. */
#include "media/colour.h"
#include <math.h>
#include <string.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include "base/mem.h"
#include "media/avglue.h"

typedef enum light { LIGHT_PLAIN, LIGHT_WIDE, LIGHT_PQ, LIGHT_HLG } light;   /* which path a frame takes */
typedef struct key { int w, h, from, to, matrix, full; } key;                /* what the scaler was made for */

struct zt_colour {
    struct SwsContext *sws;
    key made;
    AVFrame *tmp;          /* converted pixels with FFmpeg's padding: its SIMD code writes past the last pixel of a row */
    light kind;            /* of the tables below */
    double peak;
    float *linear;         /* [65536] code value to light, reference white 1 */
    uint8_t *encode;       /* [65536] light 0..1 to sRGB byte */
};

zt_err zt_colour_create(zt_colour **c) {
    zt_colour *n = *c = zt_alloc(sizeof *n);
    if (!n) return ZT_NOMEM;
    n->tmp = av_frame_alloc();
    if (n->tmp) return ZT_OK;
    zt_colour_destroy(c);
    return zt_av_nomem("colour conversion");
}

void zt_colour_destroy(zt_colour **c) {
    if (!c || !*c) return;
    sws_freeContext((*c)->sws);
    av_frame_free(&(*c)->tmp);
    zt_free((*c)->linear);
    zt_free((*c)->encode);
    zt_free(*c);
    *c = NULL;
}

bool zt_colour_is_hdr(const AVFrame *f) {
    return f->color_trc == AVCOL_TRC_SMPTE2084 || f->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

static light light_of(const AVFrame *f) {
    if (f->color_trc == AVCOL_TRC_SMPTE2084) return LIGHT_PQ;
    if (f->color_trc == AVCOL_TRC_ARIB_STD_B67) return LIGHT_HLG;
    return f->color_primaries == AVCOL_PRI_BT2020 ? LIGHT_WIDE : LIGHT_PLAIN;
}

bool zt_colour_is_plain(const AVFrame *f) { return light_of(f) == LIGHT_PLAIN; }

/* The yuvj formats say "full range" in the format; the scaler wants it apart. */
static enum AVPixelFormat without_j(enum AVPixelFormat f) {
    switch (f) {
    case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    default: return f;
    }
}

/* swscale's name of the matrix, or -1 for one it does not know. */
static int matrix_of(const AVFrame *f, enum AVCodecID codec) {
    switch (f->colorspace) {
    case AVCOL_SPC_BT709: return SWS_CS_ITU709;
    case AVCOL_SPC_FCC: return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M: return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
    case AVCOL_SPC_YCGCO:
    case AVCOL_SPC_ICTCP:
    case AVCOL_SPC_SMPTE2085: return -1;
    default: break;
    }
    if (codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_WEBP) return SWS_CS_ITU601;   /* JFIF and WebP fix it */
    return f->height >= 720 || f->width >= 1280 ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

static bool full_range(const AVFrame *f) {
    return without_j((enum AVPixelFormat)f->format) != (enum AVPixelFormat)f->format || f->color_range == AVCOL_RANGE_JPEG;
}

bool zt_colour_weights(const AVFrame *f, enum AVCodecID codec, double *kr, double *kb, bool *full) {
    const int matrix = matrix_of(f, codec);
    *full = full_range(f);
    switch (matrix) {
    case SWS_CS_ITU709: *kr = 0.2126, *kb = 0.0722; return true;
    case SWS_CS_ITU601: *kr = 0.299, *kb = 0.114; return true;
    case SWS_CS_FCC: *kr = 0.30, *kb = 0.11; return true;
    case SWS_CS_SMPTE240M: *kr = 0.212, *kb = 0.087; return true;
    case SWS_CS_BT2020: *kr = 0.2627, *kb = 0.0593; return true;
    default: return false;
    }
}

/* Convert into c->tmp as format `to`. */
static zt_err scale(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, enum AVPixelFormat to) {
    enum AVPixelFormat from = without_j((enum AVPixelFormat)f->format);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(from);
    if (!d || !sws_isSupportedInput(from))
        return zt_fail(ZT_UNSUPPORTED, "%s: pixel format %s cannot be converted; re-encode the file as yuv420p", name,
                       d ? d->name : "unknown");
    int matrix = d->flags & AV_PIX_FMT_FLAG_RGB ? SWS_CS_ITU709 : matrix_of(f, codec);
    if (matrix < 0)
        return zt_fail(ZT_UNSUPPORTED, "%s: colour matrix %s cannot be converted; re-encode the file as BT.709", name,
                       av_color_space_name(f->colorspace));
    key want = {f->width, f->height, from, to, matrix, full_range(f)};
    if (!c->sws || memcmp(&want, &c->made, sizeof want) != 0) {
        sws_freeContext(c->sws);
        c->sws = sws_getContext(f->width, f->height, from, f->width, f->height, to, SWS_BICUBIC, NULL, NULL, NULL);
        av_frame_unref(c->tmp);
        if (!c->sws)
            return zt_av_fail(ZT_UNSUPPORTED, AVERROR(EINVAL), "%s: %dx%d %s to RGB", name, f->width, f->height, d->name);
        /* refused between RGB formats, where there is nothing to set */
        sws_setColorspaceDetails(c->sws, sws_getCoefficients(matrix), want.full, sws_getCoefficients(SWS_CS_ITU709), 1, 0,
                                 1 << 16, 1 << 16);
        c->made = want;
        c->tmp->width = f->width;
        c->tmp->height = f->height;
        c->tmp->format = to;
        if (av_frame_get_buffer(c->tmp, 64) < 0) {
            sws_freeContext(c->sws);
            c->sws = NULL;
            return zt_av_nomem(name);
        }
    }
    int rows = sws_scale(c->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, c->tmp->data, c->tmp->linesize);
    if (rows < 0) return zt_av_fail(ZT_UNSUPPORTED, rows, "%s: conversion of %s to RGB", name, d->name);
    return ZT_OK;
}

/* --- wide gamut and high range: through linear light ---------------------------------------------------------------- */

static double pq_nits(double v) {   /* BT.2100 table 4 */
    const double m1 = 2610.0 / 16384, m2 = 2523.0 / 32, c1 = 3424.0 / 4096, c2 = 2413.0 / 128, c3 = 2392.0 / 128;
    double p = pow(v, 1 / m2);
    return 10000 * pow(fmax(p - c1, 0) / (c2 - c3 * p), 1 / m1);
}

static double hlg_scene(double v) {   /* BT.2100 table 5, inverse OETF */
    const double a = 0.17883277, b = 1 - 4 * a, k = 0.5 - a * log(4 * a);
    return v <= 0.5 ? v * v / 3 : (exp((v - k) / a) + b) / 12;
}

static double srgb_encode(double v) {
    return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

static zt_err tables(zt_colour *c, light kind) {
    if (c->linear && c->kind == kind) return ZT_OK;
    if (!c->linear) c->linear = zt_alloc_array(65536, sizeof *c->linear);
    if (!c->encode) c->encode = zt_alloc(65536);
    if (!c->linear || !c->encode) return ZT_NOMEM;
    for (int i = 0; i < 65536; i++) {
        double v = i / 65535.0, l;
        if (kind == LIGHT_PQ) l = pq_nits(v) / 203;
        else if (kind == LIGHT_HLG) l = hlg_scene(v);
        else l = pow(v, 2.4);                                  /* BT.1886 display */
        c->linear[i] = (float)l;
        c->encode[i] = (uint8_t)lrint(255 * srgb_encode(v));
    }
    c->kind = kind;
    return ZT_OK;
}

static double peak_of(const AVFrame *f, light kind) {
    double nits = 1000;
    const AVFrameSideData *s = av_frame_get_side_data(f, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    if (s && s->size >= sizeof(AVMasteringDisplayMetadata) && kind == LIGHT_PQ) {
        const AVMasteringDisplayMetadata *m = (const AVMasteringDisplayMetadata *)(const void *)s->data;
        if (m->has_luminance && m->max_luminance.den > 0) nits = av_q2d(m->max_luminance);
    }
    return fmin(fmax(nits, 203), 10000) / 203;
}

static uint8_t encode(const zt_colour *c, float v) {
    return c->encode[v <= 0 ? 0 : v >= 1 ? 65535 : (int)(v * 65535 + 0.5f)];
}

static const float knee = 0.6f;   /* light below this is kept as it is */

/* Above the knee: the curve of Reinhard et al. 2002, eq. 4, that is 1 at the mastering peak and joins with slope 1. */
static float roll_off(float v, float peak) {
    float x = (v - knee) / (1 - knee), p = (peak - knee) / (1 - knee);
    return knee + (1 - knee) * x * (1 + x / (p * p)) / (1 + x);
}

/* One pixel: light, BT.2020 to 709, roll-off of the largest channel with the other two in proportion. */
static void pixel(const zt_colour *c, const uint16_t *in, uint8_t *out) {
    float r = c->linear[in[0]], g = c->linear[in[1]], b = c->linear[in[2]];
    if (c->kind == LIGHT_HLG) {                                /* OOTF at 1000 cd/m2, gamma 1.2 */
        float y = 0.2627f * r + 0.6780f * g + 0.0593f * b, k = powf(y, 0.2f) * (1000.0f / 203);
        r *= k;
        g *= k;
        b *= k;
    }
    float v[3] = {1.6605f * r - 0.5876f * g - 0.0728f * b, -0.1246f * r + 1.1329f * g - 0.0083f * b,
                  -0.0182f * r - 0.1006f * g + 1.1187f * b};
    float top = fmaxf(v[0], fmaxf(v[1], v[2])), gain = 1;
    if (top > knee && c->kind != LIGHT_WIDE) gain = roll_off(top, (float)c->peak) / top;
    for (int k = 0; k < 3; k++) out[k] = encode(c, v[k] * gain);
}

static zt_err convert_light(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, light kind, uint8_t *rgb) {
    zt_err e;
    ZT_TRY(e = tables(c, kind), done);
    c->peak = peak_of(f, kind);
    ZT_TRY(e = scale(c, f, codec, name, AV_PIX_FMT_RGB48), done);
    for (int y = 0; y < f->height; y++) {
        const uint16_t *in = (const uint16_t *)(const void *)(c->tmp->data[0] + (ptrdiff_t)y * c->tmp->linesize[0]);
        for (int x = 0; x < f->width; x++, in += 3, rgb += 3) pixel(c, in, rgb);
    }
done:
    return e;
}

zt_err zt_colour_convert_rgba(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, uint8_t *rgba) {
    zt_err e = scale(c, f, codec, name, AV_PIX_FMT_RGBA);
    size_t row = (size_t)f->width * 4;
    for (int y = 0; e == ZT_OK && y < f->height; y++)
        memcpy(rgba + (size_t)y * row, c->tmp->data[0] + (ptrdiff_t)y * c->tmp->linesize[0], row);
    return e;
}

static zt_err convert_alpha(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, uint8_t *rgb) {
    zt_err e = scale(c, f, codec, name, AV_PIX_FMT_RGBA);
    for (int y = 0; e == ZT_OK && y < f->height; y++) {
        const uint8_t *in = c->tmp->data[0] + (ptrdiff_t)y * c->tmp->linesize[0];
        for (int x = 0; x < f->width; x++, in += 4, rgb += 3)
            for (int k = 0; k < 3; k++) rgb[k] = (uint8_t)((in[k] * in[3] + 127) / 255);
    }
    return e;
}

zt_err zt_colour_convert(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, uint8_t *rgb) {
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (d && d->flags & AV_PIX_FMT_FLAG_ALPHA) return convert_alpha(c, f, codec, name, rgb);
    light kind = light_of(f);
    if (kind != LIGHT_PLAIN) return convert_light(c, f, codec, name, kind, rgb);
    zt_err e = scale(c, f, codec, name, AV_PIX_FMT_RGB24);
    size_t row = (size_t)f->width * 3;
    for (int y = 0; e == ZT_OK && y < f->height; y++)
        memcpy(rgb + (size_t)y * row, c->tmp->data[0] + (ptrdiff_t)y * c->tmp->linesize[0], row);
    return e;
}
