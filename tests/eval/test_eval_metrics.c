/* test_eval_metrics.c - decibels worked out by hand, baselines, nearest clips, entropy. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "eval/metrics.h"
#include "eval/painter.h"

static const int red[3] = {220, 40, 40};

static void near(double got, double want, double tol) {
    if (!(fabs(got - want) <= tol)) fail_msg("got %.9g, wanted %.9g within %g", got, want, tol);
}

static void psnr_by_hand(void **state) {
    (void)state;
    near(zt_psnr(1), 48.130803609, 1e-6);                 /* 20 log10(255) */
    near(zt_psnr(255.0 * 255), 0, 1e-12);
    near(zt_psnr(0), ZT_PSNR_SAME, 0);
    near(zt_psnr(1e-12), ZT_PSNR_SAME, 0);
    enum { N = 2 * 4 * 4 * 3 };
    uint8_t a[N], b[N];
    memset(a, 100, N);
    memset(b, 100, N);
    near(zt_psnr_of_mean_mse(a, b, 2, 4, 4), ZT_PSNR_SAME, 0);
    for (int k = 0; k < N / 2; k++) b[k] = 110;           /* frame 0 off by 10, frame 1 the same: mean error 50 */
    near(zt_mse(a, b, N), 50, 1e-12);
    near(zt_psnr_of_mean_mse(a, b, 2, 4, 4), 31.141103566, 1e-6);                  /* 10 log10(65025/50) */
    near(zt_psnr_mean_of_frames(a, b, 2, 4, 4), (28.130803609 + ZT_PSNR_SAME) / 2, 1e-6);
    near(zt_mse_after(a, b, 2, 4, 4, 1), 0, 0);
    near(zt_mse_after(a, b, 2, 4, 4, 0), 50, 1e-12);
    near(zt_mse(a, b, 0), 0, 0);
}

/* Sums beyond 32 bits, and lengths that are no multiple of anything. */
static void long_errors_do_not_overflow(void **state) {
    (void)state;
    const size_t n = 200003;
    uint8_t *a = calloc(n, 1), *b = malloc(n);
    memset(b, 255, n);
    near(zt_mse(a, b, n), 65025, 1e-9);
    free(a);
    free(b);
}

static void baselines(void **state) {
    (void)state;
    const int T = 10, K = 4, N = 32;
    clip c = clip_new(T, N, N, 50), copy = clip_new(T, N, N, 0), moved = clip_new(T, N, N, 0);
    for (int t = 0; t < T; t++) paint(&c, t, 0, 8 + 2 * t, 16, 4, red);            /* whole pixels: constant motion is exact */
    const size_t n = (size_t)N * (size_t)N * 3;
    assert_int_equal(zt_predict_copy_last(c.rgb, T, N, N, K, copy.rgb), ZT_OK);
    assert_memory_equal(copy.rgb, c.rgb, K * n);
    for (int t = K; t < T; t++) assert_memory_equal(copy.rgb + (size_t)t * n, c.rgb + (K - 1) * n, n);
    assert_int_equal(zt_predict_constant_motion(c.rgb, T, N, N, K, moved.rgb), ZT_OK);
    const double still = zt_psnr(zt_mse_after(c.rgb, copy.rgb, T, N, N, K));
    const double motion = zt_psnr(zt_mse_after(c.rgb, moved.rgb, T, N, N, K));
    assert_true(still > 8 && still < 20);
    assert_true(motion > still + 6);
    memset(c.rgb, 77, (size_t)T * n);                                              /* nothing moves: both are exact */
    assert_int_equal(zt_predict_constant_motion(c.rgb, T, N, N, 2, moved.rgb), ZT_OK);
    assert_memory_equal(moved.rgb, c.rgb, (size_t)T * n);
    assert_int_equal(zt_predict_copy_last(c.rgb, T, N, N, 0, copy.rgb), ZT_ARG);
    assert_int_equal(zt_predict_copy_last(c.rgb, T, N, N, T, copy.rgb), ZT_ARG);
    assert_int_equal(zt_predict_constant_motion(c.rgb, T, N, N, 1, moved.rgb), ZT_ARG);
    free(c.rgb);
    free(copy.rgb);
    free(moved.rgb);
}

static clip random_clip(int T, int H, int W, unsigned seed) {
    clip c = clip_new(T, H, W, 128);
    add_noise(&c, 127, seed);
    paint(&c, 0, 0, 4 + seed % 8, 6, 4, red);
    return c;
}

static void nearest_clip(void **state) {
    (void)state;
    enum { N = 100, T = 3, H = 13, W = 10 };                                       /* sides that 4 does not divide */
    zt_neighbours *s = NULL;
    double d;
    int64_t at;
    assert_int_equal(zt_neighbours_create(&s, T, H, W), ZT_OK);
    clip c = random_clip(T, H, W, 1);
    assert_int_equal(zt_neighbours_nearest(s, c.rgb, &d, &at), ZT_ARG);            /* none added yet */
    free(c.rgb);
    for (int k = 0; k < N; k++) {
        c = random_clip(T, H, W, (unsigned)k);
        assert_int_equal(zt_neighbours_add(s, c.rgb), ZT_OK);
        free(c.rgb);
    }
    assert_int_equal(zt_neighbours_count(s), N);
    double copies = 0, fresh = 0;
    for (int k = 0; k < N; k += 7) {
        c = random_clip(T, H, W, (unsigned)k);
        assert_int_equal(zt_neighbours_nearest(s, c.rgb, &d, &at), ZT_OK);
        assert_int_equal(at, k);
        near(d, 0, 1e-6);
        copies += d;
        free(c.rgb);
        c = random_clip(T, H, W, (unsigned)(1000 + k));
        assert_int_equal(zt_neighbours_nearest(s, c.rgb, &d, NULL), ZT_OK);
        fresh += d;
        free(c.rgb);
    }
    assert_true(fresh / 15 > 5);
    near(zt_distance_ratio(copies, fresh), 0, 1e-6);                               /* a generator that copies is found out */
    near(zt_distance_ratio(fresh, fresh), 1, 1e-12);
    near(zt_distance_ratio(1, 0), 0, 0);
    zt_neighbours_destroy(&s);
    assert_null(s);
    zt_neighbours_destroy(&s);
    zt_neighbours_destroy(NULL);
    assert_int_equal(zt_neighbours_create(&s, 0, H, W), ZT_ARG);
    assert_int_equal(zt_neighbours_create(&s, 16384, 16384, 16384), ZT_ARG);
    assert_null(s);
}

/* A flat clip against one 3 brighter is 3 away, whatever the size. */
static void distance_is_rms(void **state) {
    (void)state;
    const int sizes[3][2] = {{1, 1}, {5, 9}, {32, 32}};
    for (int k = 0; k < 3; k++) {
        zt_neighbours *s = NULL;
        double d = -1;
        clip a = clip_new(2, sizes[k][0], sizes[k][1], 100), b = clip_new(2, sizes[k][0], sizes[k][1], 103);
        assert_int_equal(zt_neighbours_create(&s, 2, sizes[k][0], sizes[k][1]), ZT_OK);
        assert_int_equal(zt_neighbours_add(s, a.rgb), ZT_OK);
        assert_int_equal(zt_neighbours_nearest(s, b.rgb, &d, NULL), ZT_OK);
        near(d, 3, 1e-5);
        zt_neighbours_destroy(&s);
        free(a.rgb);
        free(b.rgb);
    }
}

static void entropy(void **state) {
    (void)state;
    near(zt_entropy_bits((const int64_t[]){1, 1, 1, 1}, 4), 2, 1e-12);
    near(zt_entropy_bits((const int64_t[]){5, 0, 0}, 3), 0, 1e-12);
    near(zt_entropy_bits((const int64_t[]){3, 1}, 2), 0.8112781245, 1e-9);
    near(zt_entropy_bits((const int64_t[]){0, 0}, 2), 0, 0);
    zt_variety y = {0};
    for (int k = 0; k < 48; k++)
        zt_variety_add(&y, &(zt_verdict){.valid = true, .shape = (zt_judge_shape)(k / 16), .colour = (zt_judge_colour)(k / 4 % 4),
                                         .direction = (zt_judge_direction)(k % 4)});
    zt_variety_add(&y, &(zt_verdict){.valid = false});
    assert_int_equal(y.n, 48);
    const zt_entropy e = zt_variety_entropy(&y);
    near(e.shape, log2(3), 1e-12);
    near(e.colour, 2, 1e-12);
    near(e.direction, 2, 1e-12);
    near(e.joint, log2(48), 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psnr_by_hand), cmocka_unit_test(long_errors_do_not_overflow), cmocka_unit_test(baselines),
        cmocka_unit_test(nearest_clip), cmocka_unit_test(distance_is_rms), cmocka_unit_test(entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
