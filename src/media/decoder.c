/* decoder.c - see decoder.h: libavformat and libavcodec behind our own byte source, with limits on time, size and reach.
 * Tested by tests/media/test_media_reader.c and fuzz/fuzz_media.c. */
#include "media/decoder.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libavformat/avformat.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/avglue.h"
#include "media/webp.h"

enum { IO_BUFFER = 64 * 1024, BAD_READS_MAX = 500 };

struct zt_decoder {
    const char *name;
    zt_reader_cfg cfg;
    int fd;                        /* -1: memory */
    const uint8_t *mem;
    int64_t size, at;
    AVIOContext *io;
    AVFormatContext *fmt;
    AVStream *stream;
    AVCodecContext *dec;
    AVPacket *pkt;
    bool draining;
    int bad;                       /* failures since the last good frame or packet */
    int64_t damaged;
    double progress;               /* when the last frame came out, zt_now() */
    bool has_first, sought;        /* sought: the next frame's own time stamp is believed, whatever came before */
    int64_t first_ts;
    double last_t, gap, fps;       /* gap: between the last two frames, 0 at first */
    zt_err (*tap)(void *arg, const zt_packet *p);
    void *tap_arg;
    zt_webp *webp;                 /* instead of fmt and dec, for animated WebP */
    zt_map webp_map;
};

/* --- bytes ------------------------------------------------------------------------------------------------------------ */

static int io_read(void *opaque, uint8_t *buf, int n) {
    zt_decoder *d = opaque;
    int64_t left = d->size - d->at;
    if (d->fd < 0) {
        if (left <= 0) return AVERROR_EOF;
        if (n > left) n = (int)left;
        memcpy(buf, d->mem + d->at, (size_t)n);
    } else {
        ssize_t got;
        do got = pread(d->fd, buf, (size_t)n, d->at);
        while (got < 0 && errno == EINTR);
        if (got < 0) return AVERROR(errno);
        if (got == 0) return AVERROR_EOF;
        n = (int)got;
    }
    d->at += n;
    return n;
}

static int64_t io_seek(void *opaque, int64_t to, int whence) {
    zt_decoder *d = opaque;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE) return d->size;
    if (whence == SEEK_CUR) to = to > INT64_MAX / 2 ? -1 : to + d->at;
    else if (whence == SEEK_END) to = to > INT64_MAX / 2 ? -1 : to + d->size;
    else if (whence != SEEK_SET) return AVERROR(EINVAL);
    if (to < 0) return AVERROR(EINVAL);
    return d->at = to;
}

/* A file that names other files or addresses (playlists, references) gets none of them. */
static int io_refuse(AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options) {
    (void)flags, (void)options;
    *pb = NULL;
    av_log(s, AV_LOG_ERROR, "refers to another file (%.60s), which is not followed\n", url);
    return AVERROR(EPERM);
}

static int interrupted(void *opaque) {
    const zt_decoder *d = opaque;
    return zt_cancelled() || zt_now() - d->progress > d->cfg.stall_s;
}

static zt_err stopped(const zt_decoder *d) {
    if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "%s: stopped by the user", d->name);
    return zt_fail(ZT_FORMAT, "%s: no new frame for %g seconds; the file is damaged, leave it out", d->name, d->cfg.stall_s);
}

static zt_err open_bytes(zt_decoder *d, const char *path, const void *bytes, size_t len) {
    if (bytes) {
        d->mem = bytes;
        d->size = (int64_t)len;
    } else {
        struct stat st;
        d->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   /* a pipe must not block us; it is refused below */
        if (d->fd < 0)
            return zt_fail(errno == ENOENT ? ZT_NOTFOUND : ZT_IO, "%s: cannot be opened: %s", path, strerror(errno));
        if (fstat(d->fd, &st) != 0) return zt_fail(ZT_IO, "%s: %s", path, strerror(errno));
        if (S_ISDIR(st.st_mode)) return zt_fail(ZT_IO, "%s: is a folder; name a video or image file", path);
        if (!S_ISREG(st.st_mode)) return zt_fail(ZT_IO, "%s: is not a regular file; copy it to disk first", path);
        d->size = st.st_size;
    }
    if (d->size == 0) return zt_fail(ZT_FORMAT, "%s: the file is empty (0 bytes)", d->name);
    return ZT_OK;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static zt_err open_container(zt_decoder *d) {
    uint8_t *buffer = av_malloc(IO_BUFFER);
    if (!buffer) return zt_av_nomem(d->name);
    d->io = avio_alloc_context(buffer, IO_BUFFER, 0, d, io_read, NULL, io_seek);
    if (!d->io) {
        av_free(buffer);
        return zt_av_nomem(d->name);
    }
    d->fmt = avformat_alloc_context();
    if (!d->fmt) return zt_av_nomem(d->name);
    d->fmt->pb = d->io;
    d->fmt->io_open = io_refuse;
    d->fmt->interrupt_callback = (AVIOInterruptCB){interrupted, d};
    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    int rc = avformat_open_input(&d->fmt, d->name, NULL, &options);   /* frees and clears d->fmt on failure */
    av_dict_free(&options);
    if (rc < 0 && interrupted(d)) return stopped(d);
    if (rc < 0) return zt_av_fail(ZT_FORMAT, rc, "%s: not readable as a video or image", d->name);
    static const char *const text[] = {"tty", "bintext", "idf", "xbin", "adf"};         /* FFmpeg draws plain text as a picture */
    for (size_t k = 0; k < sizeof text / sizeof *text; k++)
        if (strcmp(d->fmt->iformat->name, text[k]) == 0)
            return zt_fail(ZT_FORMAT, "%s: this is text, not a video or image", d->name);
    return ZT_OK;
}

/* FFmpeg decodes a little to know the streams, with codecs of its own: they get our limit of pixels too. */
static zt_err read_streams(zt_decoder *d) {
    const unsigned n = d->fmt->nb_streams;
    AVDictionary **options = n ? av_calloc(n, sizeof(AVDictionary *)) : NULL;
    if (n && !options) return zt_av_nomem(d->name);
    for (unsigned i = 0; i < n; i++) av_dict_set_int(&options[i], "max_pixels", d->cfg.max_pixels, 0);
    const int rc = avformat_find_stream_info(d->fmt, options);
    for (unsigned i = 0; i < n; i++) av_dict_free(&options[i]);
    av_free(options);
    if (interrupted(d)) return stopped(d);
    return rc < 0 ? zt_av_fail(ZT_FORMAT, rc, "%s: the streams of the file cannot be read", d->name) : ZT_OK;
}

static zt_err pick_stream(zt_decoder *d) {
    int index = -1, videos = 0;
    for (unsigned i = 0; i < d->fmt->nb_streams; i++) {
        const AVStream *s = d->fmt->streams[i];
        if (s->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || s->disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
        if (++videos == d->cfg.stream) index = (int)i;
    }
    if (!videos)
        return zt_fail(ZT_FORMAT, "%s: no video stream in it (%u stream%s, %s); nothing to take", d->name, d->fmt->nb_streams,
                       d->fmt->nb_streams == 1 ? "" : "s", d->fmt->iformat->name);
    if (d->cfg.stream && index < 0)
        return zt_fail(ZT_ARG, "%s: video stream %d was wanted, the file has %d", d->name, d->cfg.stream, videos);
    if (!d->cfg.stream) index = av_find_best_stream(d->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (index < 0 || d->fmt->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return zt_fail(ZT_FORMAT, "%s: no video stream in it that could be chosen", d->name);
    for (unsigned i = 0; i < d->fmt->nb_streams; i++)
        d->fmt->streams[i]->discard = (int)i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    d->stream = d->fmt->streams[index];
    return ZT_OK;
}

static zt_err pick_sound(zt_decoder *d) {
    const int index = av_find_best_stream(d->fmt, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    if (index < 0) return zt_fail(ZT_FORMAT, "%s: no sound in it", d->name);
    for (unsigned i = 0; i < d->fmt->nb_streams; i++)
        d->fmt->streams[i]->discard = (int)i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    d->stream = d->fmt->streams[index];
    return ZT_OK;
}

static const AVCodec *find_codec(const zt_decoder *d) {
    enum AVCodecID id = d->stream->codecpar->codec_id;
    const AVDictionaryEntry *alpha = av_dict_get(d->stream->metadata, "alpha_mode", NULL, 0);
    const AVCodec *codec = NULL;
    /* FFmpeg's own VP8/VP9 decoders drop the alpha layer of WebM */
    if (alpha && !strcmp(alpha->value, "1") && id == AV_CODEC_ID_VP9) codec = avcodec_find_decoder_by_name("libvpx-vp9");
    if (alpha && !strcmp(alpha->value, "1") && id == AV_CODEC_ID_VP8) codec = avcodec_find_decoder_by_name("libvpx");
    return codec ? codec : avcodec_find_decoder(id);
}

static zt_err open_codec(zt_decoder *d) {
    const AVCodecParameters *p = d->stream->codecpar;
    if ((int64_t)p->width * p->height > d->cfg.max_pixels)
        return zt_fail(ZT_FORMAT, "%s: frames of %dx%d pixels; at most %lld pixels are accepted, scale it down first", d->name,
                       p->width, p->height, (long long)d->cfg.max_pixels);
    const AVCodec *codec = find_codec(d);
    if (!codec)
        return zt_fail(ZT_UNSUPPORTED, "%s: this FFmpeg has no decoder for %s; convert the file to H.264", d->name,
                       avcodec_get_name(p->codec_id));
    d->dec = avcodec_alloc_context3(codec);
    if (!d->dec || avcodec_parameters_to_context(d->dec, p) < 0) return zt_av_nomem(d->name);
    d->dec->pkt_timebase = d->stream->time_base;
    d->dec->thread_count = d->cfg.threads;
    if (d->cfg.draft) d->dec->skip_loop_filter = AVDISCARD_ALL;
    d->dec->max_pixels = d->cfg.max_pixels;
    int rc = avcodec_open2(d->dec, codec, NULL);
    if (rc < 0) return zt_av_fail(ZT_FORMAT, rc, "%s: the %s decoder does not start", d->name, codec->name);
    AVRational r = d->stream->avg_frame_rate;
    if (r.num <= 0 || r.den <= 0) r = d->stream->r_frame_rate;
    d->fps = r.num > 0 && r.den > 0 ? av_q2d(r) : 25;
    if (!(d->fps > 0.001 && d->fps <= 300)) d->fps = 25;         /* 1000 is a millisecond clock, not a rate */
    return ZT_OK;
}

static zt_err open_webp(zt_decoder *d, const char *path) {
    if (!d->mem) {
        zt_err e = zt_map_open(&d->webp_map, path);
        if (e != ZT_OK) return e;
    }
    const uint8_t *bytes = d->mem ? d->mem : d->webp_map.data;
    size_t len = d->mem ? (size_t)d->size : d->webp_map.size;
    zt_err e = zt_webp_open(&d->webp, bytes, len, d->name, d->cfg.max_pixels);
    if (e != ZT_OK) return e;
    int64_t frames;
    double duration;
    zt_webp_stats(d->webp, &frames, &duration);
    d->fps = frames > 0 && duration > 0 ? (double)frames / duration : 25;
    if (!(d->fps > 0.001 && d->fps <= 1000)) d->fps = 25;
    return ZT_OK;
}

/* Container, streams, and the codec of the one that `pick` takes. */
static zt_err open_stream(zt_decoder *d, zt_err (*pick)(zt_decoder *d)) {
    zt_err e;
    d->pkt = av_packet_alloc();
    if (!d->pkt) return zt_av_nomem(d->name);
    ZT_TRY(e = open_container(d), done);
    ZT_TRY(e = read_streams(d), done);
    ZT_TRY(e = pick(d), done);
    e = open_codec(d);
done:
    return e;
}

zt_err zt_decoder_open(zt_decoder **out, const char *path, const void *bytes, size_t len, const zt_reader_cfg *cfg) {
    *out = NULL;
    zt_err e;
    zt_decoder *d = zt_alloc(sizeof *d);
    if (!d) return ZT_NOMEM;
    *d = (zt_decoder){.name = path, .cfg = *cfg, .fd = -1, .progress = zt_now()};
    zt_av_begin();
    uint8_t head[32] = {0};
    ZT_TRY(e = open_bytes(d, path, bytes, len), done);
    int n = io_read(d, head, sizeof head);
    d->at = 0;
    if (n > 0 && zt_webp_is_animated(head, (size_t)n)) {
        e = open_webp(d, path);
        goto done;
    }
    e = open_stream(d, pick_stream);
done:
    if (e != ZT_OK) zt_decoder_close(&d);
    *out = d;
    return e;
}

zt_err zt_decoder_open_sound(zt_decoder **out, const char *path, const zt_reader_cfg *cfg) {
    *out = NULL;
    zt_err e;
    zt_decoder *d = zt_alloc(sizeof *d);
    if (!d) return ZT_NOMEM;
    *d = (zt_decoder){.name = path, .cfg = *cfg, .fd = -1, .progress = zt_now()};
    zt_av_begin();
    ZT_TRY(e = open_bytes(d, path, NULL, 0), done);
    e = open_stream(d, pick_sound);
done:
    if (e != ZT_OK) zt_decoder_close(&d);
    *out = d;
    return e;
}

zt_err zt_container_metadata(const char *path, AVDictionary **meta) {
    zt_err e;
    zt_decoder *d = zt_alloc(sizeof *d);
    if (!d) return ZT_NOMEM;
    *d = (zt_decoder){.name = path, .cfg = {.stall_s = 120}, .fd = -1, .progress = zt_now()};
    zt_av_begin();
    ZT_TRY(e = open_bytes(d, path, NULL, 0), done);
    ZT_TRY(e = open_container(d), done);
    if (av_dict_copy(meta, d->fmt->metadata, 0) < 0) e = zt_av_nomem(path);
done:
    zt_decoder_close(&d);
    return e;
}

void zt_decoder_close(zt_decoder **p) {
    if (!p || !*p) return;
    zt_decoder *d = *p;
    zt_webp_close(&d->webp);
    zt_map_close(&d->webp_map);
    avcodec_free_context(&d->dec);
    avformat_close_input(&d->fmt);
    if (d->io) av_freep(&d->io->buffer);
    avio_context_free(&d->io);
    av_packet_free(&d->pkt);
    if (d->fd >= 0) close(d->fd);
    zt_free(d);
    *p = NULL;
}

/* --- frames ----------------------------------------------------------------------------------------------------------- */

/* Frames that the index places behind the end of the file: what a cut file has lost. */
static int64_t beyond_end(const zt_decoder *d) {
    int64_t lost = 0;
    for (int i = avformat_index_get_entries_count(d->stream); i-- > 0;) {
        const AVIndexEntry *e = avformat_index_get_entry(d->stream, i);
        if (e && e->pos > d->size - e->size) lost++;
    }
    return lost;
}

static zt_err tell(const zt_decoder *d) {
    const AVPacket *p = d->pkt;
    return d->tap(d->tap_arg, &(zt_packet){.t = p->pts == AV_NOPTS_VALUE ? NAN : (double)p->pts * av_q2d(d->stream->time_base),
                                           .size = p->size,
                                           .key = p->flags & AV_PKT_FLAG_KEY,
                                           .hidden = p->flags & AV_PKT_FLAG_DISCARD});
}

/* Read one packet of our stream and give it to the decoder; at the end of the file start draining. */
static zt_err feed(zt_decoder *d) {
    int rc;
    do {
        av_packet_unref(d->pkt);
        rc = av_read_frame(d->fmt, d->pkt);
        if (interrupted(d)) return stopped(d);
    } while (rc >= 0 && d->pkt->stream_index != d->stream->index);
    if (rc == AVERROR(ENOMEM)) return zt_av_nomem(d->name);
    if (rc < 0 && rc != AVERROR_EOF) {
        d->damaged++;
        if (rc == AVERROR_INVALIDDATA && ++d->bad < BAD_READS_MAX) return ZT_OK;   /* the next sample may be whole */
        rc = AVERROR_EOF;
    }
    if (rc < 0) {
        d->draining = true;
        d->damaged += beyond_end(d) + (d->io->error < 0);
        avcodec_send_packet(d->dec, NULL);
        return ZT_OK;
    }
    if (d->pkt->flags & AV_PKT_FLAG_CORRUPT) d->damaged++;
    const zt_err e = d->tap ? tell(d) : ZT_OK;
    if (e != ZT_OK) return e;
    rc = avcodec_send_packet(d->dec, d->pkt);
    av_packet_unref(d->pkt);
    if (rc == AVERROR(ENOMEM)) return zt_av_nomem(d->name);
    if (rc < 0) d->damaged++;
    return ZT_OK;
}

/* Seconds since the first frame, kept strictly growing whatever the file says. */
static double frame_time(zt_decoder *d, const AVFrame *f) {
    int64_t ts = f->best_effort_timestamp;
    double step = 1 / d->fps, t = d->last_t + step;
    if (!d->has_first) {
        d->has_first = true;
        d->first_ts = ts;
        return d->last_t = 0;
    }
    if (ts != AV_NOPTS_VALUE && d->first_ts != AV_NOPTS_VALUE) {
        double said = ((double)ts - (double)d->first_ts) * av_q2d(d->stream->time_base);
        if (d->sought || (said > d->last_t && said - d->last_t <= 600)) t = said;   /* a longer hole is a broken clock, not a
                                                                                     * picture held */
    }
    d->gap = d->sought ? step : t - d->last_t;
    d->sought = false;
    return d->last_t = t;
}

static double frame_duration(const zt_decoder *d, const AVFrame *f) {
#if LIBAVUTIL_VERSION_MAJOR >= 58
    int64_t units = f->duration;
#else
    int64_t units = f->pkt_duration;
#endif
    /* MP4's last sample: FFmpeg leaves it without, but the length of the track is exact there */
    const AVStream *st = d->stream;
    double tick = av_q2d(st->time_base), s = units > 0 ? (double)units * tick : 0;
    if (units <= 0 && st->duration > 0 && st->start_time != AV_NOPTS_VALUE && f->best_effort_timestamp != AV_NOPTS_VALUE &&
        strstr(d->fmt->iformat->name, "mp4"))
        s = ((double)st->start_time + (double)st->duration - (double)f->best_effort_timestamp) * tick;
    if (s > 0 && s <= 600) return s;
    return d->gap > 0 ? fmin(d->gap, 1 / d->fps) : 1 / d->fps;
}

static zt_err webp_next(zt_decoder *d, AVFrame *out, double *t, double *duration, bool *end) {
    int ms = 0;
    zt_err e = zt_webp_next(d->webp, out, &ms, &d->damaged, end);
    if (e != ZT_OK || *end) return e;
    if (interrupted(d)) return stopped(d);
    if (ms < 1) ms = 100;                                        /* what browsers do with 0 */
    *t = d->last_t;
    *duration = ms / 1000.0;
    d->last_t += *duration;
    return ZT_OK;
}

/* What the codec gives next, good or not; more packets as it wants them. */
static zt_err receive(zt_decoder *d, AVFrame *out, bool *end) {
    *end = false;
    for (;;) {
        if (interrupted(d)) return stopped(d);
        int rc = avcodec_receive_frame(d->dec, out);
        if (rc >= 0) return ZT_OK;
        if (rc == AVERROR(ENOMEM)) return zt_av_nomem(d->name);
        if (rc == AVERROR_EOF || (rc == AVERROR(EAGAIN) && d->draining)) break;
        if (rc == AVERROR(EAGAIN)) {
            zt_err e = feed(d);
            if (e != ZT_OK) return e;
            continue;
        }
        d->damaged++;
        if (++d->bad >= BAD_READS_MAX) break;
    }
    *end = true;
    return ZT_OK;
}

zt_err zt_decoder_next(zt_decoder *d, AVFrame *out, double *t, double *duration, bool *end) {
    zt_err e;
    av_frame_unref(out);
    d->progress = zt_now();
    if (d->webp) {
        *end = false;
        return webp_next(d, out, t, duration, end);
    }
    while ((e = receive(d, out, end)) == ZT_OK && !*end) {
        if (out->width < 1 || out->height < 1 || (int64_t)out->width * out->height > d->cfg.max_pixels) {
            d->damaged++;
            av_frame_unref(out);
            continue;
        }
        d->bad = 0;
        if (out->decode_error_flags || out->flags & AV_FRAME_FLAG_CORRUPT) d->damaged++;
        *t = frame_time(d, out);
        *duration = frame_duration(d, out);
        return ZT_OK;
    }
    return e;
}

zt_err zt_decoder_next_sound(zt_decoder *d, AVFrame *out, bool *end) {
    av_frame_unref(out);
    d->progress = zt_now();
    const zt_err e = receive(d, out, end);
    if (e == ZT_OK && !*end) d->bad = 0;
    return e;
}

bool zt_decoder_seek(zt_decoder *d, double to) {
    if (d->webp || !d->has_first || d->first_ts == AV_NOPTS_VALUE) return false;
    const double ts = (double)d->first_ts + to / av_q2d(d->stream->time_base);
    if (!(fabs(ts) < 9e18) || av_seek_frame(d->fmt, d->stream->index, (int64_t)ts, AVSEEK_FLAG_BACKWARD) < 0) return false;
    avcodec_flush_buffers(d->dec);
    d->draining = false;
    d->sought = true;
    return true;
}

void zt_decoder_tap(zt_decoder *d, zt_err (*fn)(void *arg, const zt_packet *p), void *arg) {
    d->tap = fn;
    d->tap_arg = arg;
}

void zt_decoder_skip(zt_decoder *d, enum AVDiscard what) {
    if (d->dec) d->dec->skip_frame = what;
}

/* --- facts ------------------------------------------------------------------------------------------------------------ */

void zt_decoder_info(const zt_decoder *d, zt_reader_info *info) {
    info->fps = d->fps;
    info->pixel_aspect = 1;
    if (d->webp) {
        zt_webp_stats(d->webp, &info->frames, &info->duration_s);
        snprintf(info->codec, sizeof info->codec, "webp");
        return;
    }
    const char *format = d->fmt->iformat->name;
    info->image = strstr(format, "_pipe") || !strcmp(format, "image2");
    AVRational sar = av_guess_sample_aspect_ratio(d->fmt, d->stream, NULL);
    double aspect = sar.num > 0 && sar.den > 0 ? av_q2d(sar) : 1;
    info->pixel_aspect = aspect >= 1.0 / 64 && aspect <= 64 ? aspect : 1;
    if (d->fmt->duration > 0) info->duration_s = (double)d->fmt->duration / AV_TIME_BASE;
    if (d->stream->duration > 0) info->duration_s = (double)d->stream->duration * av_q2d(d->stream->time_base);
    info->frames = d->stream->nb_frames > 0 ? d->stream->nb_frames : (int64_t)llrint(fmin(info->duration_s * d->fps, 1e15));
    if (info->image) {
        info->frames = 1;
        info->fps = 25;
        info->duration_s = 0.04;
    }
    strncpy(info->codec, avcodec_get_name(d->stream->codecpar->codec_id), sizeof info->codec - 1);
}

enum AVCodecID zt_decoder_codec(const zt_decoder *d) {
    return d->webp ? AV_CODEC_ID_WEBP : d->stream->codecpar->codec_id;
}

const int32_t *zt_decoder_matrix(const zt_decoder *d) {
    if (d->webp) return NULL;
#if LIBAVCODEC_VERSION_MAJOR >= 61
    const AVPacketSideData *s = av_packet_side_data_get(d->stream->codecpar->coded_side_data,
                                                        d->stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return s && s->size >= 36 ? (const int32_t *)(const void *)s->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(d->stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 36 ? (const int32_t *)(const void *)data : NULL;
#endif
}

double zt_decoder_tick(const zt_decoder *d) {
    return d->webp ? 0.001 : av_q2d(d->stream->time_base);
}

double zt_decoder_first_s(const zt_decoder *d) {
    return d->webp || d->first_ts == AV_NOPTS_VALUE ? 0 : (double)d->first_ts * av_q2d(d->stream->time_base);
}

int64_t zt_decoder_damaged(const zt_decoder *d) {
    return d->damaged;
}
