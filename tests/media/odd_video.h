/* odd_video.h - video files that our writer would not make, for tests: FFmpeg's own encoders, frames of one flat colour each,
 * free time stamps and tags. Include after cmocka.h. */
#ifndef ZT_TESTS_ODD_VIDEO_H
#define ZT_TESTS_ODD_VIDEO_H
#include <stdint.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

typedef struct odd_file {
    const char *path, *codec;      /* the suffix of path says the container */
    enum AVPixelFormat format;
    int w, h, n;
    const int64_t *ms;             /* n times; NULL: every 100 ms */
    double rotate;                 /* degrees for av_display_rotation_set */
    enum AVColorSpace space;
    enum AVColorRange range;
    enum AVColorTransferCharacteristic trc;
    int y[8], u, v;                /* luma code of frame i (the last of the 8 repeats), chroma codes */
    int cycle;                     /* 1..8: luma comes again after so many frames, y[i % cycle] */
} odd_file;

static inline void odd_frame(AVFrame *f, const odd_file *o, int i) {
    const int luma = o->y[o->cycle ? i % o->cycle : i < 8 ? i : 7];
    for (int p = 0; p < 3; p++) {
        int code = p == 0 ? luma : p == 1 ? o->u : o->v;
        const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(o->format);
        int w = p ? AV_CEIL_RSHIFT(o->w, d->log2_chroma_w) : o->w, h = p ? AV_CEIL_RSHIFT(o->h, d->log2_chroma_h) : o->h;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                uint8_t *at = f->data[p] + (ptrdiff_t)y * f->linesize[p];
                if (d->comp[0].depth > 8) ((uint16_t *)(void *)at)[x] = (uint16_t)code;
                else at[x] = (uint8_t)code;
            }
    }
}

static inline void make_odd(const odd_file *o) {
    AVFormatContext *fmt = NULL;
    assert_true(avformat_alloc_output_context2(&fmt, NULL, NULL, o->path) >= 0);
    const AVCodec *codec = avcodec_find_encoder_by_name(o->codec);
    assert_non_null(codec);
    AVCodecContext *c = avcodec_alloc_context3(codec);
    c->width = o->w;
    c->height = o->h;
    c->pix_fmt = o->format;
    c->time_base = (AVRational){1, 1000};
    c->colorspace = o->space;
    c->color_range = o->range;
    c->color_trc = o->trc;
    if (o->trc == AVCOL_TRC_SMPTE2084) c->color_primaries = AVCOL_PRI_BT2020;
    c->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
    c->thread_count = 1;
    c->max_b_frames = 0;                                 /* with reordering, MP4 does not keep the last duration */
    if (fmt->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    fmt->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;   /* a first time stamp below 0 stays */
    if (!strcmp(o->codec, "libx264")) av_opt_set(c->priv_data, "qp", "0", 0);
    assert_int_equal(avcodec_open2(c, codec, NULL), 0);
    AVStream *s = avformat_new_stream(fmt, NULL);
    avcodec_parameters_from_context(s->codecpar, c);
    s->time_base = c->time_base;
    if (o->rotate != 0) {
        int32_t *m = (int32_t *)(void *)av_stream_new_side_data(s, AV_PKT_DATA_DISPLAYMATRIX, 36);
        av_display_rotation_set(m, o->rotate);
    }
    assert_true(avio_open(&fmt->pb, o->path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(fmt, NULL) >= 0);
    AVFrame *f = av_frame_alloc();
    f->width = o->w;
    f->height = o->h;
    f->format = o->format;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    AVPacket *p = av_packet_alloc();
    for (int i = 0; i <= o->n; i++) {
        if (i < o->n) {
            assert_int_equal(av_frame_make_writable(f), 0);
            odd_frame(f, o, i);
            f->pts = o->ms ? o->ms[i] : i * 100;
        }
        assert_int_equal(avcodec_send_frame(c, i < o->n ? f : NULL), 0);
        while (avcodec_receive_packet(c, p) == 0) {
            int64_t k = 0;
            while (o->ms && k < o->n && o->ms[k] != p->pts) k++;
            p->duration = o->ms && k + 1 < o->n ? o->ms[k + 1] - o->ms[k] : 100;
            av_packet_rescale_ts(p, c->time_base, s->time_base);
            assert_true(av_interleaved_write_frame(fmt, p) >= 0);
        }
    }
    assert_int_equal(av_write_trailer(fmt), 0);
    avio_closep(&fmt->pb);
    av_frame_free(&f);
    av_packet_free(&p);
    avcodec_free_context(&c);
    avformat_free_context(fmt);
}

#endif
