/* encode_gif.c - GIF through FFmpeg's palettegen and paletteuse filters: one palette for the whole clip.
 * Tested by tests/media/test_media_writer.c. */
#include <math.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include "base/mem.h"
#include "media/avglue.h"
#include "media/encode.h"

typedef struct gif {
    const char *path;
    AVFilterGraph *graph;
    AVFilterContext *src, *sink;
    AVFormatContext *fmt;
    AVCodecContext *enc;
    AVFrame *frame;
    AVPacket *pkt;
} gif;

/* When frame t begins, in the hundredths of a second of GIF: rounded down, so that no frame is late on its own timeline. */
static int64_t ticks(const zt_frames *f, int t) {
    return (int64_t)floor(t * 100 / f->fps + 1e-6);
}

static zt_err open_graph(gif *g, const zt_frames *f) {
    g->graph = avfilter_graph_alloc();
    g->frame = av_frame_alloc();
    g->pkt = av_packet_alloc();
    if (!g->graph || !g->frame || !g->pkt) return zt_av_nomem(g->path);
    g->graph->nb_threads = 1;
    char args[128];
    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=rgb24:time_base=1/100:pixel_aspect=1/1", f->width, f->height);
    int rc = avfilter_graph_create_filter(&g->src, avfilter_get_by_name("buffer"), "in", args, NULL, g->graph);
    if (rc >= 0) rc = avfilter_graph_create_filter(&g->sink, avfilter_get_by_name("buffersink"), "out", NULL, NULL, g->graph);
    if (rc < 0) return zt_av_fail(ZT_INTERNAL, rc, "%s: GIF filter", g->path);
    AVFilterInOut *from = avfilter_inout_alloc(), *to = avfilter_inout_alloc();
    if (!from || !to) {
        avfilter_inout_free(&from);
        avfilter_inout_free(&to);
        return zt_av_nomem(g->path);
    }
    *from = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = g->src};
    *to = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = g->sink};
    rc = avfilter_graph_parse_ptr(g->graph, "[in]split[a][b];[a]palettegen=stats_mode=full[p];"
                                            "[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle[out]", &to, &from, NULL);
    avfilter_inout_free(&from);
    avfilter_inout_free(&to);
    if (rc >= 0) rc = avfilter_graph_config(g->graph, NULL);
    if (rc < 0) return zt_av_fail(ZT_UNSUPPORTED, rc, "%s: GIF palette filters", g->path);
    return ZT_OK;
}

static zt_err open_encoder(gif *g, const zt_frames *f) {
    const AVCodec *codec;
    zt_err e = zt_find_encoder("gif", &codec);
    if (e != ZT_OK) return zt_fail_context(e, "%s", g->path);
    g->enc = avcodec_alloc_context3(codec);
    if (!g->enc) return zt_av_nomem(g->path);
    g->enc->width = f->width;
    g->enc->height = f->height;
    g->enc->pix_fmt = AV_PIX_FMT_PAL8;
    g->enc->time_base = (AVRational){1, 100};
    int rc = avcodec_open2(g->enc, codec, NULL);
    if (rc >= 0) rc = avformat_alloc_output_context2(&g->fmt, NULL, "gif", NULL);
    if (rc < 0) return zt_av_fail(ZT_UNSUPPORTED, rc, "%s: GIF encoder", g->path);
    AVStream *s = avformat_new_stream(g->fmt, NULL);
    if (!s || avcodec_parameters_from_context(s->codecpar, g->enc) < 0) return zt_av_nomem(g->path);
    s->time_base = g->enc->time_base;
    rc = avio_open_dyn_buf(&g->fmt->pb);
    if (rc < 0) return zt_av_nomem(g->path);
    AVDictionary *options = NULL;
    av_dict_set(&options, "loop", "0", 0);
    /* the muxer would repeat the delay before the last frame; that one may be rounded otherwise */
    int64_t last = ticks(f, f->frames) - ticks(f, f->frames - 1);
    av_dict_set_int(&options, "final_delay", last, 0);
    rc = avformat_write_header(g->fmt, &options);
    av_dict_free(&options);
    return rc < 0 ? zt_av_fail(ZT_INTERNAL, rc, "%s: GIF header", g->path) : ZT_OK;
}

static zt_err feed(gif *g, const zt_frames *f) {
    for (int t = 0; t < f->frames; t++) {
        AVFrame *in = g->frame;
        in->width = f->width;
        in->height = f->height;
        in->format = AV_PIX_FMT_RGB24;
        in->sample_aspect_ratio = (AVRational){1, 1};
        in->pts = ticks(f, t);
        if (av_frame_get_buffer(in, 64) < 0) return zt_av_nomem(g->path);
        size_t row = (size_t)f->width * 3;
        for (int y = 0; y < f->height; y++)
            memcpy(in->data[0] + (ptrdiff_t)y * in->linesize[0], zt_frame_at(f, t) + (size_t)y * row, row);
        int rc = av_buffersrc_add_frame(g->src, in);
        av_frame_unref(in);
        if (rc < 0) return zt_av_fail(ZT_INTERNAL, rc, "%s: GIF filter", g->path);
    }
    int rc = av_buffersrc_add_frame(g->src, NULL);
    return rc < 0 ? zt_av_fail(ZT_INTERNAL, rc, "%s: GIF filter", g->path) : ZT_OK;
}

static zt_err push(gif *g, const AVFrame *frame) {
    int rc = avcodec_send_frame(g->enc, frame);
    while (rc >= 0) {
        rc = avcodec_receive_packet(g->enc, g->pkt);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return ZT_OK;
        if (rc < 0) break;
        av_packet_rescale_ts(g->pkt, g->enc->time_base, g->fmt->streams[0]->time_base);
        g->pkt->stream_index = 0;
        rc = av_write_frame(g->fmt, g->pkt);
        av_packet_unref(g->pkt);
    }
    return zt_av_fail(ZT_INTERNAL, rc, "%s: GIF encoding", g->path);
}

static zt_err drain(gif *g) {
    for (;;) {
        int rc = av_buffersink_get_frame(g->sink, g->frame);
        if (rc == AVERROR_EOF) return push(g, NULL);
        if (rc < 0) return zt_av_fail(ZT_INTERNAL, rc, "%s: GIF filter", g->path);
        zt_err e = push(g, g->frame);
        av_frame_unref(g->frame);
        if (e != ZT_OK) return e;
    }
}

zt_err zt_encode_gif(const char *path, const zt_frames *f, uint8_t **buf, size_t *len) {
    zt_err e;
    gif g = {.path = path};
    uint8_t *bytes = NULL;
    *buf = NULL;
    zt_av_begin();
    ZT_TRY(e = open_graph(&g, f), done);
    ZT_TRY(e = open_encoder(&g, f), done);
    ZT_TRY(e = feed(&g, f), done);
    ZT_TRY(e = drain(&g), done);
    int rc = av_write_trailer(g.fmt);
    if (rc < 0) {
        e = zt_av_fail(ZT_INTERNAL, rc, "%s: finishing the GIF", path);
        goto done;
    }
    int n = avio_close_dyn_buf(g.fmt->pb, &bytes);
    g.fmt->pb = NULL;
    *buf = zt_alloc((size_t)n);
    *len = (size_t)n;
    if (*buf) memcpy(*buf, bytes, (size_t)n);
    else e = ZT_NOMEM;
done:
    if (g.fmt && g.fmt->pb) avio_close_dyn_buf(g.fmt->pb, &bytes);
    av_free(bytes);
    avformat_free_context(g.fmt);
    avcodec_free_context(&g.enc);
    avfilter_graph_free(&g.graph);
    av_frame_free(&g.frame);
    av_packet_free(&g.pkt);
    return e;
}
