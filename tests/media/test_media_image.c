/* test_media_image.c - clips in memory, resize, PNG, contact sheets. */
#include "base/rng.h"
#include "media_test.h"

static void clip_sizes(void **state) {
    (void)state;
    zt_frames f;
    OK(zt_frames_create(&f, 2, 3, 5, 8));
    assert_int_equal(zt_frame_bytes(&f), 45);
    assert_ptr_equal(zt_frame_at(&f, 1), f.rgb + 45);
    OK(zt_frames_check(&f));
    zt_frames_finish(&f);
    assert_int_equal(zt_frames_check(&f), ZT_ARG);
    const double bad[][4] = {{0, 3, 5, 8}, {2, 0, 5, 8}, {2, 3, -1, 8}, {2, 3, 5, 0}, {2, 3, 5, NAN}, {2, 20000, 5, 8},
                             {1, 1, 1, 2000}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(zt_frames_create(&f, (int)bad[i][0], (int)bad[i][1], (int)bad[i][2], bad[i][3]), ZT_ARG);
    zt_frames_finish(NULL);
}

static void resize_keeps_flat_and_identity(void **state) {
    (void)state;
    zt_frames a = gradient(1, 37, 53, 1), b, flat;
    OK(zt_frames_create(&b, 1, 37, 53, 1));
    OK(zt_image_fit(a.rgb, 53, 37, b.rgb, 53, 37));
    assert_memory_equal(a.rgb, b.rgb, zt_frame_bytes(&a));
    OK(zt_frames_create(&flat, 1, 16, 9, 1));
    memset(a.rgb, 77, zt_frame_bytes(&a));
    OK(zt_image_fit(a.rgb, 53, 37, flat.rgb, 9, 16));
    for (size_t i = 0; i < zt_frame_bytes(&flat); i++) assert_int_equal(flat.rgb[i], 77);
    zt_frames_finish(&a);
    zt_frames_finish(&b);
    zt_frames_finish(&flat);
}

/* A one-pixel checkerboard shrunk by 8 must be grey: a resize without low-pass would give black or white. */
static void resize_is_antialiased(void **state) {
    (void)state;
    enum { N = 64 };
    static uint8_t board[N * N * 3];
    uint8_t small[8 * 8 * 3];
    for (int i = 0; i < N * N * 3; i++) board[i] = (uint8_t)(((i / 3 % N) + (i / 3 / N)) % 2 ? 255 : 0);
    OK(zt_image_resize(ZT_FILTER_BICUBIC, board, N, N, 0, 0, N, N, small, 8, 8));
    for (size_t i = 0; i < sizeof small; i++) assert_in_range(small[i], 120, 136);
}

/* The kernels as the papers write them, in floating point, with nothing shared with the library. */
static double kernel(zt_filter f, double x) {
    x = fabs(x);
    if (f == ZT_FILTER_AREA) return 0;
    if (f == ZT_FILTER_BICUBIC)
        return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
    return x < 1e-9 ? 1 : x < 3 ? sin(M_PI * x) / (M_PI * x) * sin(M_PI * x / 3) / (M_PI * x / 3) : 0;
}

static double axis_weight(zt_filter f, int k, double at, double step, int i) {
    const double widen = fmax(step, 1), centre = at + (i + 0.5) * step;
    if (f != ZT_FILTER_AREA) return kernel(f, (k + 0.5 - centre) / widen);
    return fmax(fmin(k + 1, centre + widen / 2) - fmax(k, centre - widen / 2), 0);
}

static void filters_match_the_papers(void **state) {
    (void)state;
    enum { W = 61, H = 47 };
    static const struct { double x, y, w, h; int dw, dh; } CASES[] = {
        {0, 0, W, H, 16, 12}, {3.3, 1.7, 40.4, 30.3, 20, 15}, {0, 0, W, H, 90, 70}, {10, 10, 8, 8, 8, 8}, {0, 0, W, H, 1, 1}};
    uint8_t src[H * W * 3], dst[90 * 70 * 3];
    zt_rng r = zt_rng_init(5, 5);
    for (size_t i = 0; i < sizeof src; i++) src[i] = (uint8_t)zt_rng_int(&r, 0, 255);
    for (int f = ZT_FILTER_BICUBIC; f <= ZT_FILTER_LANCZOS; f++)
        for (size_t c = 0; c < sizeof CASES / sizeof CASES[0]; c++) {
            const int dw = CASES[c].dw, dh = CASES[c].dh;
            OK(zt_image_resize((zt_filter)f, src, W, H, CASES[c].x, CASES[c].y, CASES[c].w, CASES[c].h, dst, dw, dh));
            for (int y = 0; y < dh; y += 3)
                for (int x = 0; x < dw; x += 3) {
                    double sum = 0, all = 0;
                    for (int v = 0; v < H; v++)
                        for (int u = 0; u < W; u++) {
                            const double w = axis_weight((zt_filter)f, u, CASES[c].x, CASES[c].w / dw, x)
                                             * axis_weight((zt_filter)f, v, CASES[c].y, CASES[c].h / dh, y);
                            sum += w * src[(v * W + u) * 3 + 1];
                            all += w;
                        }
                    const double want = fmin(fmax(sum / all, 0), 255), got = dst[(y * dw + x) * 3 + 1];
                    if (fabs(got - want) > 0.75) fail_msg("filter %d case %zu at %d,%d: %g, wanted %g", f, c, x, y, got, want);
                }
        }
}

/* The centre is taken: left third red, middle green, right third blue, to a square, is all green. */
static void fit_crops_the_centre(void **state) {
    (void)state;
    static uint8_t wide[30 * 10 * 3];
    uint8_t square[4 * 4 * 3];
    for (int i = 0; i < 300; i++) wide[i * 3 + i % 30 / 10] = 200;
    OK(zt_image_fit(wide, 30, 10, square, 4, 4));
    for (int y = 0; y < 4; y++)
        for (int x = 1; x < 3; x++) {
            assert_in_range(square[(y * 4 + x) * 3 + 1], 190, 210);
            assert_in_range(square[(y * 4 + x) * 3], 0, 10);
        }
}

static void resize_refuses(void **state) {
    (void)state;
    uint8_t a[12] = {0}, b[12];
    assert_int_equal(zt_image_resize(ZT_FILTER_BICUBIC, a, 2, 2, 0, 0, 0, 2, b, 2, 2), ZT_ARG);
    assert_int_equal(zt_image_resize(ZT_FILTER_BICUBIC, a, 2, 2, 1, 0, 2, 2, b, 2, 2), ZT_ARG);
    assert_int_equal(zt_image_resize(ZT_FILTER_BICUBIC, a, 2, 2, NAN, 0, 1, 1, b, 2, 2), ZT_ARG);
    assert_int_equal(zt_image_resize(ZT_FILTER_BICUBIC, a, 2, 2, 0, 0, 2, 2, b, 0, 2), ZT_ARG);
}

static void png_round_trip(void **state) {
    (void)state;
    const int sizes[][2] = {{1, 1}, {3, 2}, {33, 17}, {64, 64}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zt_frames a = gradient(1, sizes[i][1], sizes[i][0], 25), b;
        OK(zt_png_write(in_scratch("a.png"), a.rgb, a.width, a.height, NULL));
        OK(zt_image_read(in_scratch("a.png"), &b));
        assert_int_equal(b.frames, 1);
        assert_int_equal(b.width, a.width);
        assert_int_equal(b.height, a.height);
        assert_memory_equal(a.rgb, b.rgb, zt_frame_bytes(&a));
        zt_frames_finish(&a);
        zt_frames_finish(&b);
    }
    uint8_t *buf, pixel[3] = {1, 2, 3};
    size_t len;
    OK(zt_png_encode(pixel, 1, 1, NULL, &buf, &len));
    assert_memory_equal(buf, "\x89PNG\r\n\x1a\n", 8);
    zt_free(buf);
    assert_int_equal(zt_png_encode(pixel, 0, 1, NULL, &buf, &len), ZT_ARG);
    assert_int_equal(zt_png_encode(NULL, 1, 1, NULL, &buf, &len), ZT_ARG);
    assert_int_not_equal(zt_png_write(in_scratch("no/such/a.png"), pixel, 1, 1, NULL), ZT_OK);
    expect_text("no/such");
}

static void sheets(void **state) {
    (void)state;
    zt_frames clip[3], out;
    for (int i = 0; i < 3; i++) {
        OK(zt_frames_create(&clip[i], 5, 4, 6, 8));
        for (int t = 0; t < 5; t++) memset(zt_frame_at(&clip[i], t), 100 + 10 * i + t, zt_frame_bytes(&clip[i]));
    }
    OK(zt_contact_sheet(clip, 3, 2, 1, &out));
    assert_int_equal(out.frames, 5);
    assert_int_equal(out.width, 2 * 7 + 1);
    assert_int_equal(out.height, 2 * 5 + 1);
    const uint8_t *f3 = zt_frame_at(&out, 3);
    assert_int_equal(f3[(1 * 15 + 1) * 3], 103);         /* clip 0 */
    assert_int_equal(f3[(4 * 15 + 13) * 3], 113);        /* clip 1, its last pixel */
    assert_int_equal(f3[(6 * 15 + 1) * 3], 123);         /* clip 2 */
    assert_int_equal(f3[(6 * 15 + 9) * 3], 32);          /* no clip 3: grey */
    assert_int_equal(f3[0], 32);
    zt_frames_finish(&out);
    OK(zt_film_strip(clip, 3, 3, 0, &out));
    assert_int_equal(out.frames, 1);
    assert_int_equal(out.width, 18);
    assert_int_equal(out.height, 12);
    assert_int_equal(out.rgb[0], 100);
    assert_int_equal(out.rgb[6 * 3], 102);
    assert_int_equal(out.rgb[(11 * 18 + 17) * 3], 124);
    zt_frames_finish(&out);
    assert_int_equal(zt_contact_sheet(clip, 0, 2, 1, &out), ZT_ARG);
    assert_int_equal(zt_contact_sheet(clip, 3, 3, 9999, &out), ZT_ARG);
    clip[2].frames = 4;
    assert_int_equal(zt_contact_sheet(clip, 3, 0, 1, &out), ZT_ARG);
    expect_text("clip 2");
    assert_null(out.rgb);
    for (int i = 0; i < 3; i++) zt_frames_finish(&clip[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clip_sizes),           cmocka_unit_test(resize_keeps_flat_and_identity),
        cmocka_unit_test(resize_is_antialiased), cmocka_unit_test(fit_crops_the_centre),
        cmocka_unit_test(filters_match_the_papers), cmocka_unit_test(resize_refuses),       cmocka_unit_test(png_round_trip),
        cmocka_unit_test(sheets),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
