/* encode_webp.c - animated WebP through libwebp_anim; timing, loop and XMP set by webp.h afterwards.
 * Tested by tests/media/test_media_writer.c. */
#include <math.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include "base/mem.h"
#include "media/avglue.h"
#include "media/encode.h"
#include "media/webp.h"

enum { WEBP_SIDE_MAX = 16383 };

static zt_err open_encoder(const char *path, const zt_frames *f, const zt_write_cfg *cfg, AVCodecContext **out) {
    const AVCodec *codec;
    zt_err e = zt_find_encoder("libwebp_anim", &codec);
    if (e != ZT_OK) return zt_fail_context(e, "%s", path);
    if (f->width > WEBP_SIDE_MAX || f->height > WEBP_SIDE_MAX)
        return zt_fail(ZT_ARG, "%s: %dx%d pixels; WebP holds at most %d per side, write .mp4", path, f->width, f->height,
                       WEBP_SIDE_MAX);
    AVCodecContext *c = *out = avcodec_alloc_context3(codec);
    if (!c) return zt_av_nomem(path);
    c->width = f->width;
    c->height = f->height;
    c->pix_fmt = AV_PIX_FMT_RGB32;
    c->time_base = (AVRational){1, 1000};
    av_opt_set_double(c->priv_data, "quality", cfg->webp_quality ? cfg->webp_quality : 90, 0);
    int rc = avcodec_open2(c, codec, NULL);
    return rc < 0 ? zt_av_fail(ZT_UNSUPPORTED, rc, "%s: WebP encoder", path) : ZT_OK;
}

static zt_err send(const char *path, AVCodecContext *enc, AVFrame *in, const zt_frames *f, int t) {
    in->width = f->width;
    in->height = f->height;
    in->format = AV_PIX_FMT_RGB32;
    in->pts = (int64_t)floor(t * 1000 / f->fps + 1e-6);   /* down: no frame is late on its own timeline */
    if (av_frame_get_buffer(in, 64) < 0) return zt_av_nomem(path);
    const uint8_t *p = zt_frame_at(f, t);
    for (int y = 0; y < f->height; y++) {
        uint8_t *row = in->data[0] + (ptrdiff_t)y * in->linesize[0];
        for (int x = 0; x < f->width; x++, p += 3) {
            uint32_t argb = 0xff000000u | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            memcpy(row + (size_t)x * 4, &argb, 4);
        }
    }
    int rc = avcodec_send_frame(enc, in);
    av_frame_unref(in);
    return rc < 0 ? zt_av_fail(ZT_INTERNAL, rc, "%s: WebP encoding", path) : ZT_OK;
}

/* The encoder holds everything until it is flushed and then gives one packet: a whole file. */
zt_err zt_encode_webp(const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg, uint8_t **buf,
                      size_t *len) {
    zt_err e;
    AVCodecContext *enc = NULL;
    AVPacket *pkt = av_packet_alloc();
    AVFrame *in = av_frame_alloc();
    char *xmp = NULL;
    int rc = 0;
    *buf = NULL;
    zt_av_begin();
    if (!pkt || !in) {
        e = zt_av_nomem(path);
        goto done;
    }
    ZT_TRY(e = open_encoder(path, f, cfg, &enc), done);
    for (int t = 0; t < f->frames; t++) {
        ZT_TRY(e = send(path, enc, in, f, t), done);
        rc = avcodec_receive_packet(enc, pkt);
        if (rc != AVERROR(EAGAIN)) goto done;
    }
    rc = avcodec_send_frame(enc, NULL);
    if (rc >= 0) rc = avcodec_receive_packet(enc, pkt);
    if (rc < 0) goto done;
    ZT_TRY(e = zt_tags_to_xmp(tags, &xmp), done);
    int total_ms = f->frames > 1 ? (int)fmin(floor(f->frames * 1000 / f->fps + 1e-6), 0xffffff) : 0;
    e = zt_webp_finish_file(pkt->data, (size_t)pkt->size, xmp, f->width, f->height, total_ms, buf, len);
done:
    if (e == ZT_OK && !*buf) e = zt_av_fail(ZT_INTERNAL, rc, "%s: WebP encoding", path);
    zt_free(xmp);
    avcodec_free_context(&enc);
    av_frame_free(&in);
    av_packet_free(&pkt);
    return e;
}
