/* test_media_sound.c - sound on the time line of the pictures: click tracks at known samples, offsets, holes, sample formats,
 * files without sound. */
#include "media_test.h"
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include "media/sound.h"

enum { RATE = 8000, SECONDS = 3 };

/* A WAV file with `channels` channels: a click of height 20000 - 1000 c at each of the given samples. */
static void clicks(const char *name, int rate, int channels, int64_t n, const int64_t *at, int count) {
    const size_t bytes = (size_t)n * (size_t)channels * 2;
    uint8_t *file = zt_alloc(ZT_WAV_HEADER + bytes);
    zt_wav_header(file, rate, channels, n);
    for (int i = 0; i < count; i++)
        for (int c = 0; c < channels; c++) {
            const int v = 20000 - 1000 * c;
            uint8_t *p = file + ZT_WAV_HEADER + ((size_t)at[i] * (size_t)channels + (size_t)c) * 2;
            p[0] = (uint8_t)(v & 255);
            p[1] = (uint8_t)(v >> 8);
        }
    write_bytes(in_scratch(name), file, ZT_WAV_HEADER + bytes);
    zt_free(file);
}

static void every_sample(void **state) {
    (void)state;
    static const int64_t AT[] = {0, 1, 4000, 4001, 7999, 23999};
    for (int channels = 1; channels <= 3; channels++) {
        clicks("clicks.wav", RATE, channels, RATE * SECONDS, AT, 6);
        zt_sound *s;
        OK(zt_sound_create(&s, in_scratch("clicks.wav"), 0));
        assert_non_null(s);
        assert_int_equal(zt_sound_rate(s), RATE);
        assert_int_equal(zt_sound_channels(s), channels);
        int16_t out[5000 * 3];
        for (int64_t from = 0; from < RATE * SECONDS; from += 2500) {     /* overlapping reads */
            OK(zt_sound_read(s, from, 5000, out));
            for (int64_t i = 0; i < 5000; i++) {
                bool click = false;
                for (int k = 0; k < 6; k++) click = click || AT[k] == from + i;
                for (int c = 0; c < channels; c++)
                    if (out[i * channels + c] != (click ? 20000 - 1000 * c : 0))
                        fail_msg("sample %lld of channel %d is %d", (long long)(from + i), c, out[i * channels + c]);
            }
        }
        assert_int_equal(zt_sound_read(s, 0, 10, out), ZT_ARG);
        zt_sound_destroy(&s);
    }
}

/* The first picture's time stamp moves the sound: 0.5 s later means that half a second of it was before the first picture. */
static void offsets(void **state) {
    (void)state;
    static const int64_t AT[] = {4000, 6000};
    static const struct {
        double first_s;
        int64_t want;
    } CASES[] = {{0, 4000}, {0.5, 0}, {0.25, 2000}, {-1, 12000}, {0.0001, 3999}};
    clicks("late.wav", RATE, 1, RATE * SECONDS, AT, 2);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        zt_sound *s;
        int16_t out[16000];
        OK(zt_sound_create(&s, in_scratch("late.wav"), CASES[i].first_s));
        OK(zt_sound_read(s, 0, 16000, out));
        for (int64_t k = 0; k < 16000; k++)
            if ((out[k] != 0) != (k == CASES[i].want || k == CASES[i].want + 2000))
                fail_msg("case %zu: sample %lld is %d", i, (long long)k, out[k]);
        OK(zt_sound_read(s, 100000, 16000, out));                  /* far behind its end */
        for (int k = 0; k < 16000; k++) assert_int_equal(out[k], 0);
        zt_sound_destroy(&s);
    }
}

/* Sample formats and a hole in the time stamps: PCM packets in Matroska, whose second half comes a second late. */
static void write_pcm(const char *name, const char *codec, enum AVSampleFormat format, int late_ms) {
    AVFormatContext *f = NULL;
    assert_true(avformat_alloc_output_context2(&f, NULL, "matroska", in_scratch(name)) >= 0);
    const AVCodec *c = avcodec_find_encoder_by_name(codec);
    AVCodecContext *x = avcodec_alloc_context3(c);
    x->sample_rate = RATE;
    x->sample_fmt = format;
    av_channel_layout_default(&x->ch_layout, 2);
    x->time_base = (AVRational){1, RATE};
    assert_int_equal(avcodec_open2(x, c, NULL), 0);
    AVStream *st = avformat_new_stream(f, NULL);
    avcodec_parameters_from_context(st->codecpar, x);
    st->time_base = (AVRational){1, 1000};
    assert_true(avio_open(&f->pb, in_scratch(name), AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(f, NULL) >= 0);
    AVFrame *a = av_frame_alloc();
    AVPacket *p = av_packet_alloc();
    for (int block = 0; block < 4; block++) {
        a->nb_samples = RATE / 2;
        a->format = format;
        a->sample_rate = RATE;
        av_channel_layout_default(&a->ch_layout, 2);
        assert_int_equal(av_frame_get_buffer(a, 0), 0);
        for (int i = 0; i < RATE / 2 * 2; i++) {
            const double v = i == 200 ? 0.5 : 0;                    /* a click at sample 100, left */
            if (format == AV_SAMPLE_FMT_FLT) ((float *)(void *)a->data[0])[i] = (float)v;
            else if (format == AV_SAMPLE_FMT_DBL) ((double *)(void *)a->data[0])[i] = v;
            else if (format == AV_SAMPLE_FMT_S32) ((int32_t *)(void *)a->data[0])[i] = (int32_t)(v * 2147483648.0);
            else if (format == AV_SAMPLE_FMT_U8) a->data[0][i] = (uint8_t)(128 + v * 128);
            else ((int16_t *)(void *)a->data[0])[i] = (int16_t)(v * 32768);
        }
        a->pts = block * RATE / 2;
        assert_int_equal(avcodec_send_frame(x, a), 0);
        assert_int_equal(avcodec_receive_packet(x, p), 0);
        p->pts = p->dts = block * 500 + (block > 1 ? late_ms : 0);
        p->duration = 500;
        assert_true(av_interleaved_write_frame(f, p) >= 0);
        av_frame_unref(a);
    }
    av_write_trailer(f);
    av_frame_free(&a);
    av_packet_free(&p);
    avcodec_free_context(&x);
    avio_closep(&f->pb);
    avformat_free_context(f);
}

static void formats_and_holes(void **state) {
    (void)state;
    static const struct { const char *codec; enum AVSampleFormat format; } CASES[] = {
        {"pcm_s16le", AV_SAMPLE_FMT_S16}, {"pcm_u8", AV_SAMPLE_FMT_U8},   {"pcm_s32le", AV_SAMPLE_FMT_S32},
        {"pcm_f32le", AV_SAMPLE_FMT_FLT}, {"pcm_f64le", AV_SAMPLE_FMT_DBL}};
    static int16_t out[RATE * 4 * 2];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        for (int late = 0; late <= 1010; late += 10 + 990 * (late > 0)) {   /* 10 ms is jitter, a second is a hole */
            zt_sound *s;
            write_pcm("pcm.mka", CASES[i].codec, CASES[i].format, late);
            OK(zt_sound_create(&s, in_scratch("pcm.mka"), 0));
            OK(zt_sound_read(s, 0, RATE * 4, out));
            const int64_t hole = late > 50 ? (int64_t)late * RATE / 1000 : 0;
            for (int64_t k = 0; k < RATE * 4; k++) {
                const bool click = k == 100 || k == 4100 || k == 8100 + hole || k == 12100 + hole;
                if (out[k * 2] != (click ? 16384 : 0) || out[k * 2 + 1] != 0)
                    fail_msg("%s, %d ms late: sample %lld is %d", CASES[i].codec, late, (long long)k, out[k * 2]);
            }
            zt_sound_destroy(&s);
        }
}

static void without_sound(void **state) {
    (void)state;
    zt_frames f = gradient(4, 16, 16, 4);
    zt_sound *s = (zt_sound *)&s;
    OK(zt_video_write(in_scratch("mute.mp4"), &f, NULL));
    zt_frames_finish(&f);
    OK(zt_sound_create(&s, in_scratch("mute.mp4"), 0));
    assert_null(s);
    OK(zt_sound_create(&s, in_scratch("nowhere.mp4"), 0));
    assert_null(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample),
        cmocka_unit_test(offsets),
        cmocka_unit_test(formats_and_holes),
        cmocka_unit_test(without_sound),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
