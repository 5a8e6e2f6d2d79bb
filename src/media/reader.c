/* reader.c - the exact timeline, crop, scale and rotation over decoder.h and colour.h.
 * Tested by tests/media/test_media_reader.c. */
#include "media/reader.h"
#include <math.h>
#include <string.h>
#include <libavutil/pixdesc.h>
#include "base/mem.h"
#include "media/colour.h"
#include "media/avglue.h"
#include "media/decoder.h"
#include "media/image.h"

/* How stored pixels become displayed ones: flip first, then transpose. */
typedef struct orient { bool flip_x, flip_y, transpose; } orient;

struct zt_reader {
    zt_reader_cfg cfg;
    zt_reader_info info;
    char *name;
    zt_decoder *dec;
    zt_colour *colour;
    orient turn;
    AVFrame *ahead, *shown;        /* next frame not yet due; frame on screen */
    bool has_ahead, has_shown;
    double t_ahead, t_shown, dur_ahead, dur_shown;
    bool ready;                    /* `out` holds `shown` */
    int64_t delivered;
    double slack;                  /* times within this are equal: containers round to their tick */
    uint8_t *rgb, *fit, *out;      /* source size; output size before rotation; output */
    size_t rgb_bytes;
};

/* The display matrix maps (x,y) to (a x + c y, b x + d y): ISO/IEC 14496-12 6.2.2. Only the eight right-angle cases exist in
 * practice; others are taken as the nearest. */
static void orient_set(zt_reader *r, const int32_t *m) {
    if (!m) return;
    double a = m[0], b = m[1], c = m[3], d = m[4];
    bool transpose = fabs(a) + fabs(d) < fabs(b) + fabs(c);
    orient t = {.transpose = transpose};
    t.flip_x = transpose ? b < 0 : a < 0;
    t.flip_y = transpose ? c < 0 : d < 0;
    r->turn = t;
    double det = transpose ? -b * c : a * d;
    r->info.mirrored = det < 0;
    if (transpose) r->info.rotation = b > 0 ? 90 : 270;
    else r->info.rotation = r->info.mirrored ? (d < 0 ? 180 : 0) : (a < 0 ? 180 : 0);
}

/* src [h,w,3] to dst, [h,w,3] or transposed [w,h,3]. */
static void orient_apply(orient t, const uint8_t *src, int w, int h, uint8_t *dst) {
    int dw = t.transpose ? h : w, dh = t.transpose ? w : h;
    for (int y = 0; y < dh; y++)
        for (int x = 0; x < dw; x++) {
            int sx = t.transpose ? y : x, sy = t.transpose ? x : y;
            if (t.flip_x) sx = w - 1 - sx;
            if (t.flip_y) sy = h - 1 - sy;
            memcpy(dst, src + ((size_t)sy * (size_t)w + (size_t)sx) * 3, 3);
            dst += 3;
        }
}

static zt_err cfg_complete(zt_reader_cfg *c, const char *name) {
    if (!(c->fps >= 0 && c->fps <= 1000)) return zt_fail(ZT_ARG, "%s: fps %g: wanted 0 (as it is) up to 1000", name, c->fps);
    if (c->width < 0 || c->height < 0 || c->width > ZT_FRAME_SIDE_MAX || c->height > ZT_FRAME_SIDE_MAX || !c->width != !c->height)
        return zt_fail(ZT_ARG, "%s: size %dx%d: wanted both 0 (as it is) or both 1..%d", name, c->width, c->height,
                       ZT_FRAME_SIDE_MAX);
    if (!(c->start_s >= 0 && c->start_s < 1e9) || !(c->end_s == 0 || (c->end_s > c->start_s && c->end_s < 1e9)))
        return zt_fail(ZT_ARG, "%s: from %g s to %g s: wanted a start of 0 or more and a later end", name, c->start_s, c->end_s);
    if (c->max_pixels < 0 || c->max_frames < 0 || c->stream < 0 || !(c->stall_s >= 0))
        return zt_fail(ZT_ARG, "%s: a limit or stream number is negative", name);
    if (c->max_pixels == 0) c->max_pixels = 64 * 1024 * 1024;
    if (c->max_pixels > 1 << 28) c->max_pixels = 1 << 28;        /* keeps every byte count of a frame below 2^31 */
    if (c->stall_s == 0) c->stall_s = 120;
    return ZT_OK;
}

static zt_err fetch(zt_reader *r) {
    bool end;
    zt_err e = zt_decoder_next(r->dec, r->ahead, &r->t_ahead, &r->dur_ahead, &end);
    r->has_ahead = e == ZT_OK && !end;
    return e;
}

/* The facts that need a decoded frame, and the buffers. */
static zt_err settle(zt_reader *r) {
    const AVFrame *f = r->ahead;
    zt_reader_info *i = &r->info;
    zt_decoder_info(r->dec, i);
    const int32_t *m = zt_decoder_matrix(r->dec);
    const AVFrameSideData *s = av_frame_get_side_data(f, AV_FRAME_DATA_DISPLAYMATRIX);
    if (!m && s && s->size >= 36) m = (const int32_t *)(const void *)s->data;
    orient_set(r, m);
    bool t = r->turn.transpose;
    i->width = t ? f->height : f->width;
    i->height = t ? f->width : f->height;
    if (t) i->pixel_aspect = 1 / i->pixel_aspect;
    i->out_width = r->cfg.width ? r->cfg.width : i->width;
    i->out_height = r->cfg.height ? r->cfg.height : i->height;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (d) {
        i->bit_depth = d->comp[0].depth;
        i->has_alpha = (d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0;
        strncpy(i->pix_fmt, d->name, sizeof i->pix_fmt - 1);
    }
    i->hdr = zt_colour_is_hdr(f);
    double tick = zt_decoder_tick(r->dec);               /* a coarser one is the frame period itself, and exact */
    r->slack = (tick <= 0.01 ? tick : 0) + 1e-6;
    size_t bytes = (size_t)i->out_width * (size_t)i->out_height * 3;
    r->fit = zt_alloc(bytes);
    r->out = zt_alloc(bytes);
    return r->fit && r->out ? ZT_OK : zt_fail_context(ZT_NOMEM, "%s", r->name);
}

/* Open the file at its first frame. */
static zt_err open_first(zt_reader *r, const void *bytes, size_t len) {
    zt_err e;
    ZT_TRY(e = zt_decoder_open(&r->dec, r->name, bytes, len, &r->cfg), done);
    ZT_TRY(e = fetch(r), done);
    if (!r->has_ahead) e = zt_av_fail(ZT_FORMAT, AVERROR_INVALIDDATA, "%s: no frame could be decoded", r->name);
done:
    return e;
}

/* Until the frame ahead is the last one at or before start_s, or the end. A far start is reached through the file's index; where
 * that leads past it, from the first frame on. */
static zt_err go_to_start(zt_reader *r, const void *bytes, size_t len) {
    enum { SEEK_FROM_S = 2 };
    zt_err e = ZT_OK;
    const double start = r->cfg.start_s;
    if (start > SEEK_FROM_S) {
        const bool sought = zt_decoder_seek(r->dec, start);
        if (sought) ZT_TRY(e = fetch(r), done);
        if (!sought || !r->has_ahead || r->t_ahead > start) {
            zt_decoder_close(&r->dec);
            ZT_TRY(e = open_first(r, bytes, len), done);
        }
    }
    while (r->has_ahead && r->t_ahead + r->dur_ahead <= start + r->slack) ZT_TRY(e = fetch(r), done);
done:
    return e;
}

static zt_err create(zt_reader **out, const char *path, const void *bytes, size_t len, const zt_reader_cfg *cfg) {
    *out = NULL;
    zt_err e;
    zt_reader *r = zt_alloc(sizeof *r);
    if (!r) return ZT_NOMEM;
    if (cfg) r->cfg = *cfg;
    ZT_TRY(e = cfg_complete(&r->cfg, path), done);
    r->name = zt_strdup(path);
    r->ahead = av_frame_alloc();
    r->shown = av_frame_alloc();
    if (!r->name || !r->ahead || !r->shown) {
        e = zt_av_nomem(path);
        goto done;
    }
    ZT_TRY(e = zt_colour_create(&r->colour), done);
    ZT_TRY(e = open_first(r, bytes, len), done);
    ZT_TRY(e = settle(r), done);
    if (r->cfg.start_s > 0) e = go_to_start(r, bytes, len);
done:
    if (e != ZT_OK) zt_reader_destroy(&r);
    *out = r;
    return e;
}

zt_err zt_reader_create(zt_reader **r, const char *path, const zt_reader_cfg *cfg) {
    return create(r, path, NULL, 0, cfg);
}

zt_err zt_reader_create_memory(zt_reader **r, const void *bytes, size_t len, const char *name, const zt_reader_cfg *cfg) {
    return create(r, name, len ? bytes : "", len, cfg);
}

void zt_reader_destroy(zt_reader **p) {
    if (!p || !*p) return;
    zt_reader *r = *p;
    zt_decoder_close(&r->dec);
    zt_colour_destroy(&r->colour);
    av_frame_free(&r->ahead);
    av_frame_free(&r->shown);
    zt_free(r->rgb);
    zt_free(r->fit);
    zt_free(r->out);
    zt_free(r->name);
    zt_free(r);
    *p = NULL;
}

/* Crop rgb [h,w,3] to the wanted aspect, in the shape pixels are shown with, and scale it into `dst` [dh,dw,3]. */
static zt_err crop_and_scale(const zt_reader *r, int w, int h, uint8_t *dst, int dw, int dh) {
    double aspect = r->turn.transpose ? 1 / r->info.pixel_aspect : r->info.pixel_aspect, bw = w, bh = h;
    if (!r->cfg.width) aspect = 1;
    if (w * aspect * dh > (double)dw * h) bw = h * ((double)dw / dh) / aspect;
    else bh = w * aspect * ((double)dh / dw);
    bw = fmin(bw, w);
    bh = fmin(bh, h);
    return zt_image_resize(r->rgb, w, h, (w - bw) / 2, (h - bh) / 2, bw, bh, dst, dw, dh);
}

/* Make `out` from the frame on screen. */
static zt_err render(zt_reader *r) {
    if (r->ready) return ZT_OK;
    zt_err e = ZT_OK;
    const AVFrame *f = r->shown;
    bool t = r->turn.transpose, plain = !t && !r->turn.flip_x && !r->turn.flip_y;
    int dw = t ? r->info.out_height : r->info.out_width, dh = t ? r->info.out_width : r->info.out_height;
    size_t bytes = (size_t)f->width * (size_t)f->height * 3;
    if (bytes > r->rgb_bytes) {
        zt_free(r->rgb);
        r->rgb_bytes = 0;
        r->rgb = zt_alloc(bytes);
        if (!r->rgb) return zt_fail_context(ZT_NOMEM, "%s", r->name);
        r->rgb_bytes = bytes;
    }
    ZT_TRY(e = zt_colour_convert(r->colour, f, zt_decoder_codec(r->dec), r->name, r->rgb), done);
    const uint8_t *scaled = r->rgb;
    if (f->width != dw || f->height != dh || (r->cfg.width && r->info.pixel_aspect != 1)) {
        ZT_TRY(e = crop_and_scale(r, f->width, f->height, plain ? r->out : r->fit, dw, dh), done);
        scaled = plain ? r->out : r->fit;
    }
    if (!plain) orient_apply(r->turn, scaled, dw, dh, r->out);
    else if (scaled != r->out) memcpy(r->out, scaled, bytes);
    r->ready = true;
done:
    return e;
}

/* The frame that waits becomes the one on screen. */
static zt_err advance(zt_reader *r) {
    av_frame_unref(r->shown);
    av_frame_move_ref(r->shown, r->ahead);
    r->t_shown = r->t_ahead;
    r->dur_shown = r->dur_ahead;
    r->has_shown = true;
    r->ready = false;
    return fetch(r);
}

static bool past_end(const zt_reader *r, double t) { return r->cfg.end_s > 0 && t >= r->cfg.end_s - r->slack; }

zt_err zt_reader_next(zt_reader *r, uint8_t *rgb, double *time_s, bool *end) {
    zt_err e = ZT_OK;
    *end = true;
    if (r->cfg.max_frames && r->delivered >= r->cfg.max_frames) return ZT_OK;
    double t;
    if (r->cfg.fps > 0) {
        t = r->cfg.start_s + (double)r->delivered / r->cfg.fps;
        if (past_end(r, t)) return ZT_OK;
        while (r->has_ahead && r->t_ahead <= t + r->slack) ZT_TRY(e = advance(r), done);
        if (!r->has_shown) return ZT_OK;
        if (!r->has_ahead && (r->delivered || t > 0) && t >= r->t_shown + r->dur_shown - r->slack) return ZT_OK;
    } else {
        if (!r->has_ahead || past_end(r, r->t_ahead)) return ZT_OK;
        t = r->t_ahead;
        ZT_TRY(e = advance(r), done);
    }
    ZT_TRY(e = render(r), done);
    memcpy(rgb, r->out, (size_t)r->info.out_width * (size_t)r->info.out_height * 3);
    if (time_s) *time_s = t;
    r->delivered++;
    *end = false;
done:
    return e;
}

void zt_reader_get_info(const zt_reader *r, zt_reader_info *out) {
    *out = r->info;
}

int64_t zt_reader_damaged(const zt_reader *r) {
    return zt_decoder_damaged(r->dec);
}

zt_err zt_video_read(zt_frames *out, const char *path, const zt_reader_cfg *cfg) {
    *out = (zt_frames){0};
    const size_t limit = (size_t)4 << 30;
    zt_err e;
    zt_reader *r = NULL;
    uint8_t *rgb = NULL;
    ZT_TRY(e = zt_reader_create(&r, path, cfg), done);
    const zt_reader_info *i = &r->info;
    size_t frame = (size_t)i->out_width * (size_t)i->out_height * 3, room = 0, n = 0;
    for (;;) {
        if (n == room) {
            room = room ? room * 2 : 16;
            if (r->cfg.max_frames && room > (size_t)r->cfg.max_frames) room = (size_t)r->cfg.max_frames + 1;
            uint8_t *more = room * frame / frame != room ? NULL : zt_realloc(rgb, room * frame);
            if (!more) {
                e = zt_fail_context(ZT_NOMEM, "%s: %zu frames of %dx%d", path, room, i->out_width, i->out_height);
                goto done;
            }
            rgb = more;
        }
        bool end;
        ZT_TRY(e = zt_reader_next(r, rgb + n * frame, NULL, &end), done);
        if (end) break;
        n++;
        if ((!r->cfg.max_frames && n * frame > limit) || n >= INT32_MAX) {
            e = zt_fail(ZT_FORMAT, "%s: more than 4 GiB of frames; set a size, a rate or a frame limit", path);
            goto done;
        }
    }
    *out = (zt_frames){.rgb = rgb, .frames = (int)n, .height = i->out_height, .width = i->out_width};
    out->fps = r->cfg.fps > 0 ? r->cfg.fps : i->fps;
    rgb = NULL;
done:
    zt_free(rgb);
    zt_reader_destroy(&r);
    return e;
}
