/* png.c - PNG out through FFmpeg's encoder, images in through the reader. Tested by tests/media/test_media_image.c. */
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include "base/file.h"
#include "base/mem.h"
#include "media/avglue.h"
#include "media/encode.h"
#include "media/image.h"
#include "media/reader.h"

static zt_err open_encoder(int w, int h, AVCodecContext **out) {
    const AVCodec *codec;
    zt_err e = zt_find_encoder("png", &codec);
    if (e != ZT_OK) return e;
    AVCodecContext *c = *out = avcodec_alloc_context3(codec);
    if (!c) return zt_av_nomem("PNG");
    c->width = w;
    c->height = h;
    c->pix_fmt = AV_PIX_FMT_RGB24;
    c->time_base = (AVRational){1, 25};
    c->compression_level = 6;
    c->thread_count = 1;
    av_opt_set(c->priv_data, "pred", "mixed", 0);
    int rc = avcodec_open2(c, codec, NULL);
    return rc < 0 ? zt_av_fail(ZT_UNSUPPORTED, rc, "PNG encoder") : ZT_OK;
}

zt_err zt_png_encode(const uint8_t *rgb, int w, int h, const zt_media_tags *tags, uint8_t **buf, size_t *len) {
    *buf = NULL;
    if (!rgb || w < 1 || h < 1 || w > ZT_FRAME_SIDE_MAX || h > ZT_FRAME_SIDE_MAX)
        return zt_fail(ZT_ARG, "PNG of %dx%d pixels: wanted sides of 1..%d", w, h, ZT_FRAME_SIDE_MAX);
    zt_err e;
    AVCodecContext *enc = NULL;
    AVPacket *pkt = av_packet_alloc();
    AVFrame *f = av_frame_alloc();
    zt_av_begin();
    if (!pkt || !f) {
        e = zt_av_nomem("PNG");
        goto done;
    }
    ZT_TRY(e = open_encoder(w, h, &enc), done);
    f->width = w;
    f->height = h;
    f->format = AV_PIX_FMT_RGB24;
    f->color_range = AVCOL_RANGE_JPEG;
    if (av_frame_get_buffer(f, 64) < 0) {
        e = zt_av_nomem("PNG");
        goto done;
    }
    for (int y = 0; y < h; y++)
        memcpy(f->data[0] + (ptrdiff_t)y * f->linesize[0], rgb + (size_t)y * (size_t)w * 3, (size_t)w * 3);
    int rc = avcodec_send_frame(enc, f);
    if (rc >= 0) rc = avcodec_receive_packet(enc, pkt);
    if (rc < 0) e = zt_av_fail(ZT_INTERNAL, rc, "PNG encoding");
    else e = zt_tags_into_png(pkt->data, (size_t)pkt->size, tags, buf, len);
done:
    avcodec_free_context(&enc);
    av_frame_free(&f);
    av_packet_free(&pkt);
    return e;
}

zt_err zt_png_write(const char *path, const uint8_t *rgb, int w, int h, const zt_media_tags *tags) {
    uint8_t *buf = NULL;
    size_t len;
    zt_err e = zt_png_encode(rgb, w, h, tags, &buf, &len);
    if (e != ZT_OK) return zt_fail_context(e, "%s", path);
    e = zt_file_write(path, buf, len);
    zt_free(buf);
    return e;
}

zt_err zt_image_read(const char *path, zt_frames *out) {
    return zt_video_read(out, path, &(zt_reader_cfg){.max_frames = 1});
}
