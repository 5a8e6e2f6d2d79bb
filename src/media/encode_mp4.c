/* encode_mp4.c - H.264 in MP4: RGB to BT.709 limited-range 4:2:0, libx264, moov first, tags as mdta keys.
 * Tested by tests/media/test_media_writer.c. */
#include <math.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "media/avglue.h"
#include "media/encode.h"

typedef struct mp4 {
    const char *path;
    AVFormatContext *fmt;
    AVStream *stream;
    AVCodecContext *enc;
    struct SwsContext *sws;
    AVFrame *rgb, *yuv;
    AVPacket *pkt;
} mp4;

zt_err zt_find_encoder(const char *name, const AVCodec **codec) {
    *codec = avcodec_find_encoder_by_name(name);
    if (*codec) return ZT_OK;
    return zt_fail(ZT_UNSUPPORTED, "this FFmpeg has no encoder %s; install a libavcodec that has it (Debian: libavcodec-extra)",
                   name);
}

static zt_err open_encoder(mp4 *m, const zt_frames *f, const zt_write_cfg *cfg) {
    const AVCodec *codec;
    zt_err e = zt_find_encoder("libx264", &codec);
    if (e != ZT_OK) return zt_fail_context(e, "%s", m->path);
    AVCodecContext *c = m->enc = avcodec_alloc_context3(codec);
    if (!c) return zt_av_nomem(m->path);
    AVRational fps = av_d2q(f->fps, 1001000);
    c->width = f->width + (f->width & 1);
    c->height = f->height + (f->height & 1);
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = av_inv_q(fps);
    c->framerate = fps;
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->color_range = AVCOL_RANGE_MPEG;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->colorspace = AVCOL_SPC_BT709;
    c->gop_size = (int)fmax(1, fmin(250, round(2 * f->fps)));
    c->thread_count = 2;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set_double(c->priv_data, "crf", cfg->crf ? cfg->crf : 16, 0);
    av_opt_set(c->priv_data, "preset", "medium", 0);
    int rc = avcodec_open2(c, codec, NULL);
    if (rc < 0) return zt_av_fail(ZT_ARG, rc, "%s: H.264 encoder refuses %dx%d at %g fps", m->path, c->width, c->height, f->fps);
    return ZT_OK;
}

static zt_err open_frames(mp4 *m) {
    const AVCodecContext *c = m->enc;
    m->rgb = av_frame_alloc();
    m->yuv = av_frame_alloc();
    m->pkt = av_packet_alloc();
    if (!m->rgb || !m->yuv || !m->pkt) return zt_av_nomem(m->path);
    m->rgb->format = AV_PIX_FMT_RGB24;
    m->yuv->format = AV_PIX_FMT_YUV420P;
    m->rgb->width = m->yuv->width = c->width;
    m->rgb->height = m->yuv->height = c->height;
    if (av_frame_get_buffer(m->rgb, 64) < 0 || av_frame_get_buffer(m->yuv, 64) < 0) return zt_av_nomem(m->path);
    m->yuv->color_range = AVCOL_RANGE_MPEG;
    m->yuv->colorspace = AVCOL_SPC_BT709;
    m->sws = sws_getContext(c->width, c->height, AV_PIX_FMT_RGB24, c->width, c->height, AV_PIX_FMT_YUV420P,
                            SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
    if (!m->sws) return zt_av_nomem(m->path);
    const int *matrix = sws_getCoefficients(SWS_CS_ITU709);
    sws_setColorspaceDetails(m->sws, matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
    return ZT_OK;
}

static zt_err open_file(mp4 *m, const char *tmp, const zt_media_tags *tags) {
    char url[ZT_PATH_MAX + 8];                              /* "file:" so that a name like "a:b.mp4" is no protocol */
    zt_err e = zt_format(url, sizeof url, "file:%s", tmp);
    if (e != ZT_OK) return e;
    int rc = avformat_alloc_output_context2(&m->fmt, NULL, "mp4", url);
    if (rc < 0) return zt_av_fail(ZT_UNSUPPORTED, rc, "%s: this FFmpeg has no MP4 writer", m->path);
    m->stream = avformat_new_stream(m->fmt, NULL);
    if (!m->stream || avcodec_parameters_from_context(m->stream->codecpar, m->enc) < 0) return zt_av_nomem(m->path);
    m->stream->time_base = m->enc->time_base;
    m->stream->avg_frame_rate = m->enc->framerate;
    for (int i = 0; tags && i < tags->n; i++)
        if (av_dict_set(&m->fmt->metadata, tags->tag[i].key, tags->tag[i].value, 0) < 0) return zt_av_nomem(m->path);
    rc = avio_open(&m->fmt->pb, url, AVIO_FLAG_WRITE);
    if (rc < 0) return zt_av_fail(ZT_IO, rc, "%s: cannot be written; check that the folder exists and is writable", m->path);
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "use_metadata_tags+faststart", 0);
    rc = avformat_write_header(m->fmt, &options);
    av_dict_free(&options);
    if (rc < 0) return zt_av_fail(ZT_IO, rc, "%s: writing the header", m->path);
    return ZT_OK;
}

/* Copy frame t into m->rgb; the last column and row are repeated where the even size is larger. */
static void load_frame(mp4 *m, const zt_frames *f, int t) {
    const uint8_t *src = zt_frame_at(f, t);
    size_t row = (size_t)f->width * 3;
    for (int y = 0; y < m->rgb->height; y++) {
        uint8_t *dst = m->rgb->data[0] + (ptrdiff_t)y * m->rgb->linesize[0];
        memcpy(dst, src + (size_t)(y < f->height ? y : f->height - 1) * row, row);
        if (f->width & 1) memcpy(dst + row, dst + row - 3, 3);
    }
}

/* Give one frame (NULL: flush) to the encoder and what comes out to the file. */
static zt_err push(mp4 *m, const AVFrame *frame) {
    int rc = avcodec_send_frame(m->enc, frame);
    if (rc < 0) return zt_av_fail(ZT_INTERNAL, rc, "%s: H.264 encoding", m->path);
    for (;;) {
        rc = avcodec_receive_packet(m->enc, m->pkt);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return ZT_OK;
        if (rc < 0) return zt_av_fail(ZT_INTERNAL, rc, "%s: H.264 encoding", m->path);
        if (m->pkt->duration == 0) m->pkt->duration = 1;       /* else the last frame lasts no time */
        av_packet_rescale_ts(m->pkt, m->enc->time_base, m->stream->time_base);
        m->pkt->stream_index = m->stream->index;
        rc = av_interleaved_write_frame(m->fmt, m->pkt);
        if (rc < 0) return zt_av_fail(ZT_IO, rc, "%s: writing; is the disk full?", m->path);
    }
}

static zt_err write_all(mp4 *m, const zt_frames *f) {
    for (int t = 0; t < f->frames; t++) {
        if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "%s: stopped by the user; nothing was written", m->path);
        if (av_frame_make_writable(m->yuv) < 0) return zt_av_nomem(m->path);
        load_frame(m, f, t);
        sws_scale(m->sws, (const uint8_t *const *)m->rgb->data, m->rgb->linesize, 0, m->rgb->height, m->yuv->data,
                  m->yuv->linesize);
        m->yuv->pts = t;
        zt_err e = push(m, m->yuv);
        if (e != ZT_OK) return e;
    }
    zt_err e = push(m, NULL);
    if (e != ZT_OK) return e;
    int rc = av_write_trailer(m->fmt);
    if (rc >= 0) rc = m->fmt->pb->error;
    int closed = avio_closep(&m->fmt->pb);
    if (rc >= 0) rc = closed;
    return rc < 0 ? zt_av_fail(ZT_IO, rc, "%s: finishing the file; is the disk full?", m->path) : ZT_OK;
}

zt_err zt_encode_mp4(const char *tmp, const char *path, const zt_frames *f, const zt_media_tags *tags, const zt_write_cfg *cfg) {
    zt_err e;
    mp4 m = {.path = path};
    zt_av_begin();
    ZT_TRY(e = open_encoder(&m, f, cfg), done);
    ZT_TRY(e = open_frames(&m), done);
    ZT_TRY(e = open_file(&m, tmp, tags), done);
    e = write_all(&m, f);
done:
    if (m.fmt) avio_closep(&m.fmt->pb);
    avformat_free_context(m.fmt);
    avcodec_free_context(&m.enc);
    sws_freeContext(m.sws);
    av_frame_free(&m.rgb);
    av_frame_free(&m.yuv);
    av_packet_free(&m.pkt);
    return e;
}
