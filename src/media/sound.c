/* sound.c - see sound.h. Tested by tests/media/test_media_sound.c. */
#include "media/sound.h"
#include <math.h>
#include <string.h>
#include <libavutil/samplefmt.h>
#include "base/mem.h"
#include "media/decoder.h"

static const double HOLE_S = 0.05;   /* time stamps off by more than this are believed, not the count of samples */

struct zt_sound {
    zt_decoder *dec;
    AVFrame *frame;
    double first_s;
    int rate, channels;
    enum AVSampleFormat format;
    bool ended, waiting;        /* waiting: `frame` is decoded and not yet in buf */
    int64_t at, next;           /* place of `frame` on the time line; where the block after it is expected, -1: anywhere */
    int64_t base, have;         /* samples base..base+have-1 of the time line are in buf */
    int16_t *buf;
    size_t room;                /* of buf, samples times channels */
};

static int16_t clip16(double v) { return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : lrint(v)); }

/* Sample i of one channel's data as 16 bits. */
static int16_t sample(enum AVSampleFormat packed, const uint8_t *p, int i) {
    switch (packed) {
    case AV_SAMPLE_FMT_U8: return (int16_t)((p[i] - 128) * 256);
    case AV_SAMPLE_FMT_S16: return ((const int16_t *)(const void *)p)[i];
    case AV_SAMPLE_FMT_S32: return (int16_t)(((const int32_t *)(const void *)p)[i] >> 16);
    case AV_SAMPLE_FMT_S64: return (int16_t)(((const int64_t *)(const void *)p)[i] >> 48);
    case AV_SAMPLE_FMT_FLT: return clip16(32768.0 * ((const float *)(const void *)p)[i]);
    case AV_SAMPLE_FMT_DBL: return clip16(32768.0 * ((const double *)(const void *)p)[i]);
    default: return 0;
    }
}

/* Room for so many samples. */
static zt_err grow(zt_sound *s, int64_t samples) {
    const size_t want = (size_t)samples * (size_t)s->channels;
    if (want <= s->room) return ZT_OK;
    int16_t *more = zt_realloc(s->buf, want * 2 * sizeof *more);
    if (!more) return ZT_NOMEM;
    s->buf = more;
    s->room = want * 2;
    return ZT_OK;
}

static void append_silence(zt_sound *s, int64_t n) {
    memset(s->buf + s->have * s->channels, 0, (size_t)(n * s->channels) * sizeof *s->buf);
    s->have += n;
}

static void append_block(zt_sound *s, int64_t skip) {
    const AVFrame *f = s->frame;
    const enum AVSampleFormat packed = av_get_packed_sample_fmt(s->format);
    const bool planar = av_sample_fmt_is_planar(s->format) != 0;
    int16_t *to = s->buf + s->have * s->channels;
    for (int64_t i = skip; i < f->nb_samples; i++)
        for (int c = 0; c < s->channels; c++)
            *to++ = planar ? sample(packed, f->extended_data[c], (int)i)
                           : sample(packed, f->extended_data[0], (int)i * s->channels + c);
    s->have += f->nb_samples - skip;
}

/* What lies before `from` is not wanted again. */
static void forget(zt_sound *s, int64_t from) {
    const int64_t drop = from - s->base < s->have ? from - s->base : s->have;
    memmove(s->buf, s->buf + drop * s->channels, (size_t)((s->have - drop) * s->channels) * sizeof *s->buf);
    s->have -= drop;
    s->base = from;
}

/* Find the place of the block in `frame`: where the one before ended, unless its time stamp is far from there. */
static void settle_block(zt_sound *s) {
    const AVFrame *f = s->frame;
    s->waiting = true;
    s->at = s->next < 0 ? 0 : s->next;
    if (f->best_effort_timestamp != AV_NOPTS_VALUE) {
        const double said = ((double)f->best_effort_timestamp * zt_decoder_tick(s->dec) - s->first_s) * s->rate;
        if (fabs(said) < 1e15 && (s->next < 0 || fabs(said - (double)s->next) > HOLE_S * s->rate)) s->at = llrint(said);
    }
    s->next = s->at + f->nb_samples;
}

static zt_err decode_block(zt_sound *s) {
    const AVFrame *f = s->frame;
    bool end;
    const zt_err e = zt_decoder_next_sound(s->dec, s->frame, &end);
    if (e != ZT_OK && e != ZT_FORMAT) return e;                    /* damage ends the sound, not the file */
    s->ended = e != ZT_OK || end || f->sample_rate != s->rate || f->format != (int)s->format
               || f->ch_layout.nb_channels != s->channels;
    if (!s->ended) settle_block(s);
    return ZT_OK;
}

zt_err zt_sound_read(zt_sound *s, int64_t from, int64_t n, int16_t *out) {
    zt_err e = ZT_OK;
    if (n < 0 || from < s->base || n > INT64_MAX / 64)
        return zt_fail(ZT_ARG, "sound: samples are read in order, from %lld on", (long long)s->base);
    forget(s, from);
    while (s->have < n && !s->ended) {
        if (!s->waiting) ZT_TRY(e = decode_block(s), done);
        if (!s->waiting || s->at >= from + n) break;
        const int64_t end = s->base + s->have, hole = s->at > end ? s->at - end : 0, skip = s->at < end ? end - s->at : 0;
        s->waiting = false;
        if (skip >= s->frame->nb_samples) continue;
        ZT_TRY(e = grow(s, s->have + hole + s->frame->nb_samples), done);
        append_silence(s, hole);
        append_block(s, skip);
    }
    const int64_t found = s->have < n ? s->have : n;
    memcpy(out, s->buf, (size_t)(found * s->channels) * sizeof *out);
    memset(out + found * s->channels, 0, (size_t)((n - found) * s->channels) * sizeof *out);
done:
    return e;
}

zt_err zt_sound_create(zt_sound **out, const char *path, double first_s) {
    const zt_reader_cfg cfg = {.max_pixels = 1 << 26, .threads = 1, .stall_s = 120};
    zt_err e;
    *out = NULL;
    zt_sound *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    s->first_s = first_s;
    s->next = -1;
    s->frame = av_frame_alloc();
    if (!s->frame) e = ZT_NOMEM;
    else e = zt_decoder_open_sound(&s->dec, path, &cfg);
    bool end = false;
    if (e == ZT_OK) e = zt_decoder_next_sound(s->dec, s->frame, &end);
    if (e == ZT_OK && !end) {
        s->rate = s->frame->sample_rate;
        s->channels = s->frame->ch_layout.nb_channels;
        s->format = (enum AVSampleFormat)s->frame->format;
        end = s->rate < 1000 || s->rate > 768000 || s->channels < 1 || s->channels > ZT_SOUND_CHANNELS_MAX;
    }
    if (e == ZT_OK && !end) e = grow(s, 1);
    if (e == ZT_OK && !end) {
        settle_block(s);
        *out = s;
        return ZT_OK;
    }
    zt_sound_destroy(&s);
    return e == ZT_NOMEM || e == ZT_CANCELLED ? e : ZT_OK;
}

void zt_sound_destroy(zt_sound **s) {
    if (!s || !*s) return;
    zt_decoder_close(&(*s)->dec);
    av_frame_free(&(*s)->frame);
    zt_free((*s)->buf);
    zt_free(*s);
    *s = NULL;
}

int zt_sound_rate(const zt_sound *s) { return s->rate; }
int zt_sound_channels(const zt_sound *s) { return s->channels; }

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

void zt_wav_header(uint8_t h[ZT_WAV_HEADER], int rate, int channels, int64_t n) {
    const uint32_t bytes = (uint32_t)(n * channels * 2);
    memcpy(h, "RIFF....WAVEfmt \x10\0\0\0\1\0............\x10\0data....", ZT_WAV_HEADER);
    put32(h + 4, bytes + ZT_WAV_HEADER - 8);
    put32(h + 24, (uint32_t)rate);
    put32(h + 28, (uint32_t)(rate * channels * 2));
    put32(h + 40, bytes);
    h[22] = (uint8_t)channels;
    h[23] = 0;
    h[32] = (uint8_t)(channels * 2);
    h[33] = 0;
}
