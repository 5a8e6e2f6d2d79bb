/* test_media_writer.c - MP4, GIF, WebP, PNG sequences: round trips, colours, timing, refusals, nothing left behind. */
#include "media_test.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libavformat/avformat.h>

static void mp4_round_trip(void **state) {
    (void)state;
    const double rates[] = {8, 24, 30000.0 / 1001, 7.5};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        zt_frames a = gradient(17, 64, 96, rates[i]), b;
        OK(zt_video_write(in_scratch("a.mp4"), &a, NULL));
        OK(zt_video_read(&b, in_scratch("a.mp4"), NULL));
        assert_true(fabs(b.fps - rates[i]) < 1e-3);
        assert_true(worst_psnr(&a, &b) > 35);
        zt_frames_finish(&b);
        OK(zt_video_read(&b, in_scratch("a.mp4"), &(zt_reader_cfg){.fps = rates[i]}));
        assert_true(worst_psnr(&a, &b) > 35);                /* the timeline gives the same frames once each */
        zt_frames_finish(&b);
        zt_frames_finish(&a);
    }
}

/* Moov before mdat, and the colour tags that players need. */
static void mp4_structure(void **state) {
    (void)state;
    zt_frames a = gradient(4, 32, 32, 8);
    OK(zt_video_write(in_scratch("s.mp4"), &a, NULL));
    zt_frames_finish(&a);
    char *bytes;
    size_t len;
    OK(zt_file_read(in_scratch("s.mp4"), 1 << 24, &bytes, &len));
    const char *moov = memmem(bytes, len, "moov", 4), *mdat = memmem(bytes, len, "mdat", 4);
    assert_true(moov && mdat && moov < mdat);
    zt_free(bytes);
    AVFormatContext *fmt = NULL;
    assert_int_equal(avformat_open_input(&fmt, in_scratch("s.mp4"), NULL, NULL), 0);
    assert_true(avformat_find_stream_info(fmt, NULL) >= 0);
    const AVStream *s = fmt->streams[0];
    assert_int_equal(s->codecpar->codec_id, AV_CODEC_ID_H264);
    assert_int_equal(s->codecpar->format, AV_PIX_FMT_YUV420P);
    assert_int_equal(s->codecpar->color_range, AVCOL_RANGE_MPEG);
    assert_int_equal(s->codecpar->color_space, AVCOL_SPC_BT709);
    assert_int_equal(s->codecpar->color_primaries, AVCOL_PRI_BT709);
    assert_int_equal(s->codecpar->color_trc, AVCOL_TRC_BT709);
    assert_int_equal(s->nb_frames, 4);
    assert_true(fabs((double)s->duration * av_q2d(s->time_base) - 0.5) < 1e-6);   /* the last frame has its time too */
    avformat_close_input(&fmt);
}

static zt_frames colour_patches(int T) {
    static const uint8_t colour[8][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0},
                                         {255, 255, 255}, {0, 0, 0}, {128, 128, 128}, {40, 90, 200}};
    zt_frames f;
    OK(zt_frames_create(&f, T, 64, 128, 10));
    for (int t = 0; t < T; t++)
        for (int i = 0; i < 64 * 128; i++)
            memcpy(zt_frame_at(&f, t) + (size_t)i * 3, colour[(i % 128 / 32) + (i / 128 / 32) * 4], 3);
    return f;
}

/* The middle of each 32x32 patch must come back within `tolerance` levels, in every frame. */
static void check_patches(const zt_frames *a, const zt_frames *b, int tolerance) {
    assert_int_equal(a->frames, b->frames);
    for (int t = 0; t < a->frames; t++)
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 128; x++) {
                if (x % 32 < 8 || x % 32 >= 24 || y % 32 < 8 || y % 32 >= 24) continue;
                for (int c = 0; c < 3; c++) {
                    size_t at = ((size_t)y * 128 + (size_t)x) * 3 + (size_t)c;
                    int d = zt_frame_at(a, t)[at] - zt_frame_at(b, t)[at];
                    if (abs(d) > tolerance) fail_msg("frame %d at %d,%d channel %d is off by %d", t, x, y, c, d);
                }
            }
}

static void colours_survive(void **state) {
    (void)state;
    const struct { const char *name; int tolerance; } format[] = {{"c.mp4", 6}, {"c.gif", 2}, {"c.webp", 6}};
    for (size_t i = 0; i < 3; i++) {
        zt_frames a = colour_patches(5), b;
        OK(zt_video_write(in_scratch(format[i].name), &a, NULL));
        OK(zt_video_read(&b, in_scratch(format[i].name), &(zt_reader_cfg){.fps = 10}));
        check_patches(&a, &b, format[i].tolerance);
        zt_frames_finish(&a);
        zt_frames_finish(&b);
    }
}

static void odd_sizes(void **state) {
    (void)state;
    const int sizes[][2] = {{1, 1}, {33, 17}, {121, 80}, {7, 2}};
    const char *names[] = {"o.mp4", "o.gif", "o.webp"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < 3; k++) {
            zt_frames a = gradient(3, sizes[i][1], sizes[i][0], 10), b;
            OK(zt_video_write(in_scratch(names[k]), &a, NULL));
            OK(zt_video_read(&b, in_scratch(names[k]), NULL));
            int pad = k == 0;                                /* 4:2:0 needs even sizes */
            assert_int_equal(b.width, a.width + (pad & a.width));
            assert_int_equal(b.height, a.height + (pad & a.height));
            if (k == 0 && a.width > 8)                       /* the added column repeats the last */
                for (int c = 0; c < 3; c++)
                    assert_in_range(b.rgb[(b.width - 1) * 3 + c] - a.rgb[(a.width - 1) * 3 + c] + 16, 0, 32);
            zt_frames_finish(&a);
            zt_frames_finish(&b);
        }
}

/* GIF and WebP: lossy, but the same frames in the same order at the same times. */
static void gif_and_webp_round_trip(void **state) {
    (void)state;
    const struct { const char *name; double fps, floor; } c[] = {
        {"g.gif", 8, 28}, {"g.gif", 30, 28}, {"g.webp", 8, 33}, {"g.webp", 24, 33}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        zt_frames a = gradient(13, 48, 64, c[i].fps), b;
        OK(zt_video_write(in_scratch(c[i].name), &a, NULL));
        OK(zt_video_read(&b, in_scratch(c[i].name), NULL));
        assert_true(fabs(b.fps - c[i].fps) < 0.02 * c[i].fps);
        double worst = worst_psnr(&a, &b);
        if (worst < c[i].floor) fail_msg("%s at %g fps: %g dB", c[i].name, c[i].fps, worst);
        zt_frames_finish(&a);
        zt_frames_finish(&b);
    }
}

/* Equal frames may be merged inside a WebP; on the timeline they are all there. */
static void still_clip_keeps_its_length(void **state) {
    (void)state;
    const char *names[] = {"t.mp4", "t.gif", "t.webp"};
    for (size_t k = 0; k < 3; k++) {
        zt_frames a, b;
        OK(zt_frames_create(&a, 16, 32, 32, 8));
        memset(zt_frame_at(&a, 0), 90, 16 * zt_frame_bytes(&a));
        OK(zt_video_write(in_scratch(names[k]), &a, NULL));
        OK(zt_video_read(&b, in_scratch(names[k]), &(zt_reader_cfg){.fps = 8}));
        assert_int_equal(b.frames, 16);
        zt_frames_finish(&a);
        zt_frames_finish(&b);
    }
}

/* Raw, but read back by FFmpeg: sizes, rate, colours within what limited range keeps; one word of the label. */
static void y4m_round_trip(void **state) {
    (void)state;
    zt_frames a = gradient(5, 18, 33, 12.5), b;
    zt_media_tags tags = {0};
    OK(zt_media_tags_set(&tags, "ai_generated", "true"));
    OK(zt_video_write(in_scratch("a.y4m"), &a, &tags));
    OK(zt_video_read(&b, in_scratch("a.y4m"), NULL));
    assert_true(b.frames == 5 && b.height == 18 && b.width == 33 && fabs(b.fps - 12.5) < 1e-9);
    assert_true(worst_psnr(&a, &b) > 45);
    char *bytes;
    size_t len;
    OK(zt_file_read(in_scratch("a.y4m"), 1 << 20, &bytes, &len));
    const char want[] = "YUV4MPEG2 W33 H18 F12500:1000 Ip A1:1 C444 XAI-GENERATED=zoetrope\nFRAME\n";
    assert_true(len == sizeof want - 1 - 6 + 5 * (6 + 33 * 18 * 3) && memcmp(bytes, want, sizeof want - 1) == 0);
    zt_free(bytes);
    zt_media_tags_finish(&tags);
    zt_frames_finish(&a);
    zt_frames_finish(&b);
}

static void png_sequence(void **state) {
    (void)state;
    zt_frames a = gradient(12, 9, 11, 8), b;
    OK(zt_video_write(in_scratch("f_%03d.png"), &a, NULL));
    assert_false(zt_file_exists(in_scratch("f_012.png")));
    OK(zt_image_read(in_scratch("f_011.png"), &b));
    assert_memory_equal(b.rgb, zt_frame_at(&a, 11), zt_frame_bytes(&a));
    zt_frames_finish(&b);
    OK(zt_video_write(in_scratch("n%d.png"), &a, NULL));
    assert_true(zt_file_exists(in_scratch("n0.png")) && zt_file_exists(in_scratch("n11.png")));
    assert_int_equal(zt_video_write(in_scratch("one.png"), &a, NULL), ZT_ARG);
    expect_text("12 frames");
    a.frames = 1;
    OK(zt_video_write(in_scratch("one.png"), &a, NULL));
    a.frames = 12;
    zt_frames_finish(&a);
}

static void patterns_are_no_format_strings(void **state) {
    (void)state;
    const char *bad[] = {"%s.png", "a%d%d.png", "a%n.png", "a%%d.png", "a%10d.png", "a%05d%s.png", "%.png", "a%0d.png",
                         "a%00d.png", "a%-3d.png", "a%ld.png", "a%d_%%.png", "%d/a.png", "a%00000000000009d.png", "a%",
                         "a.avi", "a", ""};
    zt_frames a = gradient(2, 4, 4, 8);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(zt_video_write(in_scratch(bad[i]), &a, NULL), ZT_ARG);
        assert_int_equal(zt_video_write_check(in_scratch(bad[i]), 0, 0), ZT_ARG);
    }
    OK(zt_video_write_check(in_scratch("ok_%04d.png"), 0, 0));
    OK(zt_video_write(in_scratch("100%.mp4"), &a, NULL));    /* not a pattern there */
    OK(zt_video_write(in_scratch("http:x.mp4"), &a, NULL));  /* no protocol */
    zt_frames_finish(&a);
}

static int count_files(const char *folder) {
    char **names;
    int n;
    OK(zt_dir_list(folder, &names, &n));
    zt_names_free(names, n);
    return n;
}

static void refusals_leave_nothing(void **state) {
    (void)state;
    zt_frames a = gradient(3, 16, 16, 8), empty = {0};
    const char *names[] = {"x.mp4", "x.gif", "x.webp", "x%d.png"};
    char folder[ZT_PATH_MAX], path[ZT_PATH_MAX];
    strcpy(folder, in_scratch("sealed"));
    OK(zt_dir_make(folder));
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(zt_video_write(in_scratch(names[k]), &empty, NULL), ZT_ARG);
        OK(zt_path_join(path, in_scratch("missing"), names[k]));
        assert_int_equal(zt_video_write(path, &a, NULL), ZT_IO);
        expect_text("missing");
        if (geteuid() == 0) continue;                        /* root may write anywhere */
        assert_int_equal(chmod(folder, 0500), 0);
        OK(zt_path_join(path, folder, names[k]));
        assert_int_equal(zt_video_write(path, &a, NULL), ZT_IO);
        assert_int_equal(zt_video_write_check(path, 0, 0), ZT_IO);
        assert_int_equal(chmod(folder, 0700), 0);
    }
    assert_int_equal(count_files(folder), 0);
    OK(zt_path_join(path, folder, "dir.mp4"));
    OK(zt_dir_make(path));
    assert_int_equal(zt_video_write(path, &a, NULL), ZT_IO); /* a folder of that name */
    assert_int_equal(count_files(folder), 1);
    zt_frames fast = a;
    fast.fps = 60;
    assert_int_equal(zt_video_write(in_scratch("fast.gif"), &fast, NULL), ZT_ARG);
    expect_text("50 frames");
    assert_int_equal(zt_video_write_with(in_scratch("q.mp4"), &a, NULL, &(zt_write_cfg){.crf = 99}), ZT_ARG);
    zt_frames_finish(&a);
}

/* A full disk: RLIMIT_FSIZE with SIGXFSZ ignored makes write() fail in the middle of the file, as ENOSPC does. */
static void full_disk(void **state) {
    (void)state;
    char folder[ZT_PATH_MAX], path[ZT_PATH_MAX];
    strcpy(folder, in_scratch("full"));
    OK(zt_dir_make(folder));
    zt_frames a = gradient(20, 128, 128, 8);
    const char *names[] = {"v.mp4", "v.gif", "v.webp", "v%d.png"};
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 500, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    for (size_t k = 0; k < 4; k++) {
        OK(zt_path_join(path, folder, names[k]));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        zt_err e = zt_video_write(path, &a, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        if (e != ZT_IO) fail_msg("%s: %s", names[k], zt_err_name(e));
        assert_int_equal(count_files(folder), 0);
    }
    zt_frames_finish(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mp4_round_trip),         cmocka_unit_test(mp4_structure),
        cmocka_unit_test(colours_survive),        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(gif_and_webp_round_trip), cmocka_unit_test(still_clip_keeps_its_length),
        cmocka_unit_test(y4m_round_trip),
        cmocka_unit_test(png_sequence),           cmocka_unit_test(patterns_are_no_format_strings),
        cmocka_unit_test(refusals_leave_nothing), cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
