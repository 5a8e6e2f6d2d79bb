/* test_media_reader.c - the timeline, sizes, rotation, ranges and matrices, and every way a file can be bad. */
#include "media_test.h"
#include <sys/stat.h>
#include "base/rng.h"
#include "odd_video.h"

/* Variable rate to 10 fps: frames held, dropped, and a start that is not zero. */
static void variable_rate(void **state) {
    (void)state;
    static const int64_t ms[] = {500, 600, 640, 680, 700, 1200, 1300};
    const char *names[] = {"v.mp4", "v.mkv"};
    for (int k = 0; k < 2; k++) {
        make_odd(&(odd_file){.path = in_scratch(names[k]),
                             .codec = "libx264",
                             .format = AV_PIX_FMT_YUV420P,
                             .w = 16,
                             .h = 16,
                             .n = 7,
                             .ms = ms,
                             .y = {30, 60, 90, 120, 150, 180, 210, 0},
                             .u = 128,
                             .v = 128});
        zt_frames f;
        OK(zt_video_read(&f, in_scratch(names[k]), &(zt_reader_cfg){.fps = 10}));
        static const int want[] = {30, 60, 150, 150, 150, 150, 150, 180, 210};
        assert_int_equal(f.frames, 9);
        for (int t = 0; t < 9; t++) {
            int grey = (int)lrint((want[t] - 16) * 255 / 219.0);
            assert_in_range(zt_frame_at(&f, t)[0], grey - 2, grey + 2);
        }
        zt_frames_finish(&f);
        zt_reader *r;
        OK(zt_reader_create(&r, in_scratch(names[k]), NULL));
        double time[8];
        uint8_t rgb[16 * 16 * 3];
        bool end = false;
        int n = 0;
        for (; n < 8; n++) {
            OK(zt_reader_next(r, rgb, &time[n], &end));
            if (end) break;
            assert_true(fabs(time[n] - (double)(ms[n] - 500) / 1000) < 0.0015);
        }
        assert_int_equal(n, 7);
        OK(zt_reader_next(r, rgb, NULL, &end));              /* the end stays the end */
        assert_true(end);
        assert_int_equal(zt_reader_damaged(r), 0);
        zt_reader_destroy(&r);
        assert_null(r);
        zt_reader_destroy(&r);
    }
}

static void rates(void **state) {
    (void)state;
    zt_frames a = gradient(24, 16, 16, 24), b;
    OK(zt_video_write(in_scratch("r.mp4"), &a, NULL));
    const struct { double fps; int frames; } c[] = {{8, 8}, {24, 24}, {48, 48}, {12, 12}, {1, 1}, {0.1, 1}, {7, 7}, {100, 100}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        OK(zt_video_read(&b, in_scratch("r.mp4"), &(zt_reader_cfg){.fps = c[i].fps}));
        assert_int_equal(b.frames, c[i].frames);
        for (int t = 0; t < b.frames; t++) {
            int source = (int)floor(t / c[i].fps * 24 + 1e-6);
            assert_true(psnr(zt_frame_at(&b, t), zt_frame_at(&a, source), zt_frame_bytes(&a)) > 34);
        }
        zt_frames_finish(&b);
    }
    OK(zt_video_read(&b, in_scratch("r.mp4"), &(zt_reader_cfg){.fps = 8, .max_frames = 3}));
    assert_int_equal(b.frames, 3);
    zt_frames_finish(&b);
    zt_frames_finish(&a);
}

/* Ten minutes at odd rates to 30 and 25 per second: each output frame is the source frame that is on screen then, to the end.
 * The grey says which frame it is, by 12. */
static void no_drift(void **state) {
    (void)state;
    static const double RATE[] = {30000 / 1001.0, 24000 / 1001.0, 12.5};
    for (size_t i = 0; i < sizeof RATE / sizeof RATE[0]; i++) {
        zt_frames f;
        const int n = (int)(600 * RATE[i]);
        OK(zt_frames_create(&f, n, 16, 16, RATE[i]));
        for (int t = 0; t < n; t++) memset(zt_frame_at(&f, t), 20 + t % 12 * 18, 16 * 16 * 3);
        OK(zt_video_write(in_scratch("long.mp4"), &f, NULL));
        zt_frames_finish(&f);
        const double out = i == 1 ? 25 : 30;
        zt_reader *r;
        uint8_t rgb[16 * 16 * 3];
        bool end;
        int k = 0;
        OK(zt_reader_create(&r, in_scratch("long.mp4"), &(zt_reader_cfg){.fps = out}));
        for (;; k++) {
            OK(zt_reader_next(r, rgb, NULL, &end));
            if (end) break;
            const int source = (int)floor(k / out * RATE[i] + 1e-3), want = 20 + source % 12 * 18;
            if (abs(rgb[0] - want) > 7) fail_msg("rate %g, frame %d: grey %d, wanted %d", RATE[i], k, rgb[0], want);
        }
        assert_in_range(k, 600 * (int)out - 3, 600 * (int)out + 1);
        zt_reader_destroy(&r);
    }
}

/* Ten minutes in which each minute has another rate, frames come up to a third of their time early or late, and one in 20 is
 * missing, to 30 per second: at each point what is on screen then is shown, so nothing drifts. The grey tells frames apart. */
static void variable_rate_does_not_drift(void **state) {
    (void)state;
    enum { MOST = 40000 };
    static const double RATE[] = {24, 30, 60, 30000 / 1001.0, 24000 / 1001.0};
    static int64_t ms[MOST];
    zt_rng rng = zt_rng_init(7, 0);
    int n = 0;
    for (double t = 0; t < 600; t += 1 / RATE[(int)(t / 60) % 5]) {
        const double late = (zt_rng_uniform(&rng) - 0.5) * 0.66 / RATE[(int)(t / 60) % 5];
        if (n > 0 && zt_rng_uniform(&rng) < 0.05) continue;
        ms[n] = llrint((t + (n ? late : 0)) * 1000);
        n += n == 0 || ms[n] > ms[n - 1];
    }
    assert_in_range(n, 15000, MOST);
    static const char *const NAME[] = {"vfr.mp4", "vfr.mkv"};
    for (int file = 0; file < 2; file++) {
        make_odd(&(odd_file){.path = in_scratch(NAME[file]), .codec = "mpeg4", .format = AV_PIX_FMT_YUV420P, .w = 16, .h = 16,
                             .n = n, .ms = ms, .y = {30, 55, 80, 105, 130, 155, 180, 205}, .cycle = 8, .u = 128, .v = 128});
        zt_reader *r;
        uint8_t rgb[16 * 16 * 3];
        bool end = false;
        int k = 0, source = 0;
        OK(zt_reader_create(&r, in_scratch(NAME[file]), &(zt_reader_cfg){.fps = 30}));
        for (;; k++) {
            OK(zt_reader_next(r, rgb, NULL, &end));
            if (end) break;
            while (source + 1 < n && (double)ms[source + 1] <= k * 1000 / 30.0 + 1e-6) source++;
            /* Matroska rounds to milliseconds, up or down: a frame that begins no more later than that may be there. */
            if (source + 1 < n && (double)ms[source + 1] <= k * 1000 / 30.0 + 1.001
                && fabs(zt_reader_shown_s(r) * 1000 - (double)ms[source + 1]) < 0.1)
                source++;
            const int want = (int)lrint((30 + source % 8 * 25 - 16) * 255 / 219.0);
            if (fabs(zt_reader_shown_s(r) * 1000 - (double)ms[source]) > 0.1 || abs(rgb[0] - want) > 8)
                fail_msg("%s: frame %d shows %.4f s in grey %d; on screen is %.3f s, grey %d", NAME[file], k,
                         zt_reader_shown_s(r), rgb[0], (double)ms[source] / 1000, want);
        }
        assert_in_range(k, 600 * 30 - 5, 600 * 30 + 3);          /* the last frame is held for 100 ms */
        zt_reader_destroy(&r);
    }
}

/* Four quarters of different grey, turned: FFmpeg's angle is counter-clockwise in what the viewer sees. */
static void rotation(void **state) {
    (void)state;
    zt_frames a, b;
    OK(zt_frames_create(&a, 1, 32, 64, 10));
    for (int i = 0; i < 32 * 64; i++) memset(a.rgb + (size_t)i * 3, 40 + 60 * (i % 64 / 32) + 120 * (i / 64 / 16), 3);
    OK(zt_video_write(in_scratch("plain.mp4"), &a, NULL));
    zt_frames_finish(&a);
    const struct { int turn, corner[4]; } c[] = {                 /* clockwise; top left, top right, bottom left, bottom right */
        {0, {40, 100, 160, 220}}, {90, {160, 40, 220, 100}}, {180, {220, 160, 100, 40}}, {270, {100, 220, 40, 160}}};
    for (size_t i = 0; i < 4; i++) {
        char *bytes;
        size_t len;
        OK(zt_file_read(in_scratch("plain.mp4"), 1 << 24, &bytes, &len));
        uint8_t *tkhd = memmem(bytes, len, "tkhd", 4);
        assert_non_null(tkhd);
        uint8_t *m = tkhd + 4 + 40;                              /* the 9 numbers of the matrix, big-endian 16.16 */
        int cosine = c[i].turn == 0 ? 1 : c[i].turn == 180 ? -1 : 0, sine = c[i].turn == 90 ? 1 : c[i].turn == 270 ? -1 : 0;
        int v[4] = {cosine, sine, -sine, cosine}, place[4] = {0, 4, 12, 16};
        for (int k = 0; k < 4; k++) memcpy(m + place[k], v[k] == 0 ? "\0\0\0\0" : v[k] > 0 ? "\0\1\0\0" : "\xff\xff\0\0", 4);
        write_bytes(in_scratch("turned.mp4"), bytes, len);
        zt_free(bytes);
        zt_reader *r;
        zt_reader_info info;
        OK(zt_reader_create(&r, in_scratch("turned.mp4"), NULL));
        zt_reader_get_info(r, &info);
        zt_reader_destroy(&r);
        assert_int_equal(info.rotation, c[i].turn);
        assert_false(info.mirrored);
        assert_int_equal(info.width, c[i].turn % 180 ? 32 : 64);
        for (int size = 0; size < 2; size++) {
            OK(zt_video_read(&b, in_scratch("turned.mp4"), &(zt_reader_cfg){.width = size * 16, .height = size * 16}));
            for (int k = 0; k < 4; k++) {
                int x = b.width / 4 + k % 2 * b.width / 2, y = b.height / 4 + k / 2 * b.height / 2;
                assert_in_range(b.rgb[(y * b.width + x) * 3], c[i].corner[k] - 8, c[i].corner[k] + 8);
            }
            zt_frames_finish(&b);
        }
    }
}

/* Y'CbCr codes with a known RGB: the formulas of BT.601, BT.709 and BT.2020 in floating point, here and not in the library. */
static void ranges_and_matrices(void **state) {
    (void)state;
    static const struct { enum AVColorSpace space; double kr, kb; } matrix[] = {
        {AVCOL_SPC_SMPTE170M, 0.299, 0.114}, {AVCOL_SPC_BT709, 0.2126, 0.0722}, {AVCOL_SPC_BT2020_NCL, 0.2627, 0.0593},
        {AVCOL_SPC_UNSPECIFIED, 0.299, 0.114}};
    for (size_t i = 0; i < 4; i++)
        for (int full = 0; full < 2; full++)
            for (int deep = 0; deep < 2; deep++) {
                int k = deep ? 4 : 1, Y = 110, U = 100, V = 160;
                odd_file o = {.path = in_scratch("m.mkv"), .codec = "libx264", .w = 32, .h = 32, .n = 2, .space = matrix[i].space,
                              .format = deep ? AV_PIX_FMT_YUV420P10LE : AV_PIX_FMT_YUV420P,
                              .range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG, .u = U * k, .v = V * k};
                for (int n = 0; n < 8; n++) o.y[n] = Y * k;
                make_odd(&o);
                zt_frames f;
                OK(zt_video_read(&f, in_scratch("m.mkv"), NULL));
                double y = full ? Y / 255.0 : (Y - 16) / 219.0, s = full ? 255 : 224, cb = (U - 128) / s, cr = (V - 128) / s;
                if (deep && full) y = Y * 4 / 1023.0, cb = (U * 4 - 512) / 1023.0, cr = (V * 4 - 512) / 1023.0;
                double kr = matrix[i].kr, kb = matrix[i].kb, red = y + 2 * (1 - kr) * cr, blue = y + 2 * (1 - kb) * cb;
                double want[3] = {red, (y - kr * red - kb * blue) / (1 - kr - kb), blue};
                for (int c = 0; c < 3; c++) {
                    double off = f.rgb[(16 * 32 + 16) * 3 + c] - 255 * want[c];
                    if (fabs(off) > 3) fail_msg("matrix %zu full %d deep %d channel %d is off by %g", i, full, deep, c, off);
                }
                zt_frames_finish(&f);
            }
}

/* PQ grey: 203 cd/m2 is reference white, near the top but not clipped; 1000 cd/m2 is white; black is black; the order is kept. */
static void high_range(void **state) {
    (void)state;
    odd_file o = {.path = in_scratch("h.mkv"),
                  .codec = "libx264",
                  .format = AV_PIX_FMT_YUV420P10LE,
                  .w = 16,
                  .h = 16,
                  .n = 4,
                  .u = 512,
                  .v = 512,
                  .space = AVCOL_SPC_BT2020_NCL,
                  .range = AVCOL_RANGE_MPEG,
                  .trc = AVCOL_TRC_SMPTE2084,
                  .y = {64, 400, 64 + (int)(0.5806 * 876), 64 + (int)(0.7518 * 876)}};
    make_odd(&o);
    zt_frames f;
    OK(zt_video_read(&f, in_scratch("h.mkv"), NULL));
    assert_int_equal(f.frames, 4);
    int v[4];
    for (int t = 0; t < 4; t++) {
        const uint8_t *p = zt_frame_at(&f, t);
        assert_in_range(p[0] - p[1] + 2, 0, 4);                  /* grey stays grey */
        assert_in_range(p[2] - p[1] + 2, 0, 4);
        v[t] = p[1];
    }
    assert_in_range(v[0], 0, 2);
    assert_true(v[0] < v[1] && v[1] < v[2] && v[2] < v[3]);
    assert_in_range(v[2], 215, 245);
    assert_in_range(v[3], 252, 255);
    zt_frames_finish(&f);
    zt_reader *r;
    zt_reader_info info;
    OK(zt_reader_create(&r, in_scratch("h.mkv"), NULL));
    zt_reader_get_info(r, &info);
    assert_true(info.hdr);
    assert_int_equal(info.bit_depth, 10);
    assert_string_equal(info.codec, "h264");
    zt_reader_destroy(&r);
}

static void tiny_and_odd_sources(void **state) {
    (void)state;
    const int sizes[][2] = {{1, 1}, {3, 1}, {1, 5}, {121, 81}};
    for (size_t i = 0; i < 4; i++) {
        make_odd(&(odd_file){.path = in_scratch("tiny.mp4"), .codec = "libx264", .format = AV_PIX_FMT_YUV444P, .w = sizes[i][0],
                             .h = sizes[i][1], .n = 3, .y = {126, 126, 126}, .u = 128, .v = 128});
        zt_frames f;
        OK(zt_video_read(&f, in_scratch("tiny.mp4"), NULL));
        assert_int_equal(f.frames, 3);
        assert_int_equal(f.width, sizes[i][0]);
        assert_in_range(f.rgb[0], 126, 130);
        zt_frames_finish(&f);
        OK(zt_video_read(&f, in_scratch("tiny.mp4"), &(zt_reader_cfg){.width = 64, .height = 48}));
        assert_int_equal(f.width, 64);
        assert_in_range(f.rgb[64 * 48 * 3 - 1], 126, 130);
        zt_frames_finish(&f);
    }
}

/* Planes that are scaled before they are converted give what conversion and then scaling give; pictures keep their shape. */
static void scaled_planes(void **state) {
    (void)state;
    zt_frames a = gradient(2, 90, 160, 10), b;
    OK(zt_video_write_with(in_scratch("s.mp4"), &a, NULL, &(zt_write_cfg){.crf = 1}));
    static const struct { int w, h; zt_fit fit; double box[4]; int inner_w, inner_h; } CASES[] = {
        {40, 40, ZT_FIT_CROP, {35, 0, 90, 90}, 40, 40},    {80, 30, ZT_FIT_CROP, {0, 15, 160, 60}, 80, 30},
        {40, 40, ZT_FIT_STRETCH, {0, 0, 160, 90}, 40, 40}, {64, 64, ZT_FIT_PAD, {0, 0, 160, 90}, 64, 36},
        {64, 18, ZT_FIT_PAD, {0, 0, 160, 90}, 32, 18},     {200, 150, ZT_FIT_CROP, {20, 0, 120, 90}, 200, 150}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        for (int filter = 0; filter <= ZT_FILTER_LANCZOS; filter++) {
            const int w = CASES[i].w, h = CASES[i].h, iw = CASES[i].inner_w, ih = CASES[i].inner_h;
            const double *box = CASES[i].box;
            uint8_t *want = zt_alloc((size_t)iw * (size_t)ih * 3), *got = zt_alloc((size_t)iw * (size_t)ih * 3);
            OK(zt_video_read(&b, in_scratch("s.mp4"), &(zt_reader_cfg){.width = w, .height = h, .fit = CASES[i].fit,
                                                                       .filter = (zt_filter)filter}));
            OK(zt_image_resize((zt_filter)filter, a.rgb, 160, 90, box[0], box[1], box[2], box[3], want, iw, ih));
            for (int y = 0; y < ih; y++)
                memcpy(got + y * iw * 3, b.rgb + (((h - ih) / 2 + y) * w + (w - iw) / 2) * 3, (size_t)iw * 3);
            const double db = psnr(got, want, (size_t)iw * (size_t)ih * 3);
            if (db < 38) fail_msg("case %zu, filter %d: %.1f dB", i, filter, db);
            if (ih < h) assert_true(b.rgb[0] + b.rgb[1] + b.rgb[2] == 0);
            if (iw < w) assert_true(b.rgb[(size_t)w * 3 - 1] == 0);
            zt_frames_finish(&b);
            zt_free(want);
            zt_free(got);
        }
    zt_frames_finish(&a);
}

/* A far start is reached through the index, a near one frame by frame, and both show what reading from the start shows. */
static void pieces(void **state) {
    (void)state;
    zt_frames a = gradient(300, 48, 64, 25), whole, b;
    OK(zt_video_write(in_scratch("p.mp4"), &a, NULL));
    zt_frames_finish(&a);
    OK(zt_video_read(&whole, in_scratch("p.mp4"), NULL));
    static const struct { double start, end, fps; int first, frames, step;
    } CASES[] = {{8, 9, 0, 200, 25, 1},     {0.4, 0.8, 0, 10, 10, 1}, {11.6, 0, 0, 290, 10, 1}, {8, 10, 5, 200, 10, 5},
                 {2.02, 2.2, 25, 50, 5, 1}, {15, 0, 25, 0, 0, 1},     {12.5, 14, 0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        OK(zt_video_read(&b, in_scratch("p.mp4"), &(zt_reader_cfg){.fps = CASES[i].fps, .start_s = CASES[i].start,
                                                                   .end_s = CASES[i].end}));
        if (b.frames != CASES[i].frames) fail_msg("case %zu: %d frames", i, b.frames);
        for (int t = 0; t < b.frames; t++)
            assert_memory_equal(zt_frame_at(&b, t), zt_frame_at(&whole, CASES[i].first + t * CASES[i].step),
                                zt_frame_bytes(&whole));
        zt_frames_finish(&b);
    }
    zt_frames_finish(&whole);
}

static void expect_bad(const char *name, const void *bytes, size_t n, const char *why) {
    zt_reader *r = (zt_reader *)&r;
    write_bytes(in_scratch(name), bytes, n);
    assert_int_equal(zt_reader_create(&r, in_scratch(name), NULL), ZT_FORMAT);
    assert_null(r);
    expect_text(name);
    if (why) expect_text(why);
    assert_int_equal(zt_reader_create_memory(&r, bytes, n, name, NULL), ZT_FORMAT);
}

static void bad_files(void **state) {
    (void)state;
    const char *text = "This is a text file with a video's name. It must be refused with a reason and nothing else.\n";
    expect_bad("text.mp4", text, strlen(text), NULL);
    expect_bad("zero.webm", "", 0, "empty");
    const char *playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    expect_bad("list.m3u8", playlist, strlen(playlist), NULL);
    const char *concat = "ffconcat version 1.0\nfile /etc/passwd\n";
    expect_bad("list.ffconcat", concat, strlen(concat), NULL);
    uint8_t wav[44 + 800] = "RIFF\x44\x03\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x20\x03\0\0";
    expect_bad("sound.wav", wav, sizeof wav, "no video stream");
    uint8_t nested[8 * 1000];
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t n = (1000 - i) * 8;
        uint8_t box[8] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 'm', 'o', 'o', 'v'};
        memcpy(nested + i * 8, box, 8);
    }
    expect_bad("nested.mp4", nested, sizeof nested, NULL);
}

static void bad_paths_and_settings(void **state) {
    (void)state;
    zt_reader *r;
    assert_int_equal(zt_reader_create(&r, in_scratch("absent.mp4"), NULL), ZT_NOTFOUND);
    expect_text("absent.mp4");
    assert_int_equal(zt_reader_create(&r, scratch, NULL), ZT_IO);
    expect_text("folder");
    assert_int_equal(mkfifo(in_scratch("pipe.mp4"), 0600), 0);
    assert_int_equal(zt_reader_create(&r, in_scratch("pipe.mp4"), NULL), ZT_IO);
    zt_frames a = gradient(2, 16, 16, 8);
    OK(zt_video_write(in_scratch("s.mp4"), &a, NULL));
    zt_frames_finish(&a);
    const zt_reader_cfg bad[] = {{.fps = -1}, {.fps = NAN}, {.fps = 1e9}, {.width = 8}, {.height = 8},
                                 {.width = -1, .height = -1}, {.width = 1 << 20, .height = 4}, {.max_pixels = -1},
                                 {.max_frames = -1}, {.stream = -1}, {.stream = 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(zt_reader_create(&r, in_scratch("s.mp4"), &bad[i]), ZT_ARG);
        assert_null(r);
    }
    assert_int_equal(zt_reader_create(&r, in_scratch("s.mp4"), &(zt_reader_cfg){.max_pixels = 255}), ZT_FORMAT);
    expect_text("16x16");
}

/* Cut at many places: what decodes is delivered, the rest counted; without an index there is a reason. */
static void truncated(void **state) {
    (void)state;
    zt_frames a = gradient(30, 48, 64, 10), b;
    OK(zt_video_write_with(in_scratch("whole.mp4"), &a, NULL, &(zt_write_cfg){.crf = 8}));
    char *bytes;
    size_t len;
    OK(zt_file_read(in_scratch("whole.mp4"), 1 << 26, &bytes, &len));
    int last = 0;
    for (size_t n = 16; n <= len; n += (len - 16) / 20) {
        write_bytes(in_scratch("cut.mp4"), bytes, n);
        zt_reader *r;
        if (zt_reader_create(&r, in_scratch("cut.mp4"), NULL) != ZT_OK) {
            assert_true(zt_err_text()[0] != 0);
            assert_int_equal(last, 0);
            continue;
        }
        uint8_t *rgb = zt_alloc(zt_frame_bytes(&a));
        bool end = false;
        int frames = -1;
        do {
            OK(zt_reader_next(r, rgb, NULL, &end));
            frames++;
        } while (!end);
        assert_true(frames >= last && frames <= 30);
        if (n < len - 2000) assert_true(zt_reader_damaged(r) > 0);
        last = frames;
        zt_free(rgb);
        zt_reader_destroy(&r);
    }
    assert_true(last >= 1);
    /* broken in the middle: it ends, with damage told */
    for (size_t i = len / 2; i < len / 2 + 400 && i < len; i++) bytes[i] ^= 0x55;
    write_bytes(in_scratch("hit.mp4"), bytes, len);
    OK(zt_video_read(&b, in_scratch("hit.mp4"), &(zt_reader_cfg){.fps = 10}));
    assert_in_range(b.frames, 1, 30);
    zt_frames_finish(&b);
    zt_free(bytes);
    zt_frames_finish(&a);
}

static void image_is_one_frame(void **state) {
    (void)state;
    zt_frames a = gradient(1, 20, 30, 25), b;
    OK(zt_png_write(in_scratch("i.png"), a.rgb, 30, 20, NULL));
    for (int k = 0; k < 3; k++) {
        OK(zt_video_read(&b, in_scratch("i.png"), &(zt_reader_cfg){.fps = k * 8}));
        assert_int_equal(b.frames, 1);
        assert_memory_equal(a.rgb, b.rgb, zt_frame_bytes(&a));
        zt_frames_finish(&b);
    }
    zt_reader *r;
    zt_reader_info info;
    OK(zt_reader_create(&r, in_scratch("i.png"), NULL));
    zt_reader_get_info(r, &info);
    assert_true(info.image);
    zt_reader_destroy(&r);
    zt_frames_finish(&a);
}

int main(void) {
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variable_rate),        cmocka_unit_test(rates),
        cmocka_unit_test(no_drift),             cmocka_unit_test(variable_rate_does_not_drift),
        cmocka_unit_test(rotation),             cmocka_unit_test(ranges_and_matrices),
        cmocka_unit_test(high_range),           cmocka_unit_test(tiny_and_odd_sources),
        cmocka_unit_test(scaled_planes),        cmocka_unit_test(pieces),
        cmocka_unit_test(bad_files),            cmocka_unit_test(bad_paths_and_settings),
        cmocka_unit_test(truncated),            cmocka_unit_test(image_is_one_frame),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
