/* test_eval_steadiness.c - warping error: low in clips that move, higher where the same frames flicker or come in another order,
 * the same for any number of threads; content distance of an object that keeps or changes its colour. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <omp.h>
#include <string.h>
#include "base/rng.h"
#include "data/worlds/move.h"
#include "eval/judge.h"
#include "eval/steadiness.h"

enum { N = 3, T = 8, SIDE = 32, FRAME = SIDE * SIDE * 3, CLIP = T * FRAME };

static void clip_of(int number, uint8_t *rgb) {
    zt_rng r = zt_rng_init(7, (uint64_t)number);
    zt_move_spec s;
    zt_move_sample(&r, NULL, false, T, &s);
    zt_move_render(&s, T, SIDE, SIDE, rgb, NULL, NULL);
}

static double warp_error(const uint8_t *rgb) {
    double e = -1;
    assert_int_equal(zt_warp_error(rgb, T, SIDE, SIDE, &e), ZT_OK);
    return e;
}

static void what_moves_is_steady(void **state) {
    (void)state;
    static uint8_t good[CLIP], bad[CLIP];
    for (int k = 0; k < 6; k++) {
        clip_of(k, good);
        const double steady = warp_error(good);
        for (int i = 0; i < CLIP; i++) bad[i] = (uint8_t)(good[i] / 2 + (i / FRAME % 2 ? 40 : 0));
        const double flickers = warp_error(bad);
        zt_rng r = zt_rng_init(11, (uint64_t)k);
        for (int i = 0; i < CLIP; i++) bad[i] = (uint8_t)(good[i] * 4 / 5 + (int)zt_rng_int(&r, 0, 50));
        const double noisy = warp_error(bad);
        if (!(steady < 1.5 && flickers > 15 && noisy > 5))
            fail_msg("clip %d: %.2f as it is, %.2f flickering, %.2f with noise", k, steady, flickers, noisy);
    }
}

static void what_stands_still_has_none(void **state) {
    (void)state;
    static uint8_t rgb[CLIP];
    clip_of(1, rgb);
    for (int t = 1; t < T; t++) memcpy(rgb + t * FRAME, rgb, FRAME);
    assert_true(warp_error(rgb) < 1e-6);
    double e = 1;
    assert_int_equal(zt_warp_error(rgb, 1, SIDE, SIDE, &e), ZT_OK);
    assert_true(e == 0);
}

static void of_many_it_is_the_mean(void **state) {
    (void)state;
    static uint8_t rgb[N * CLIP];
    double sum = 0, mean[2];
    for (int k = 0; k < N; k++) {
        clip_of(k, rgb + k * CLIP);
        sum += warp_error(rgb + k * CLIP) / N;
    }
    const int threads = omp_get_max_threads();
    for (int k = 0; k < 2; k++) {
        omp_set_num_threads(k + 1);
        assert_int_equal(zt_warp_error_of(rgb, N, T, SIDE, SIDE, &mean[k]), ZT_OK);
    }
    omp_set_num_threads(threads);
    assert_true(mean[0] == sum && mean[1] == sum);
}

static void content_that_stays(void **state) {
    (void)state;
    static uint8_t rgb[CLIP];
    zt_verdict same, other;
    zt_rng r = zt_rng_init(3, 0);
    zt_move_spec s;
    zt_move_sample(&r, NULL, false, T, &s);
    s.textured = false;
    s.colour = ZT_RED;
    zt_move_render(&s, T, SIDE, SIDE, rgb, NULL, NULL);
    assert_int_equal(zt_judge_clip(rgb, T, SIDE, SIDE, &same), ZT_OK);
    for (int k = CLIP / 2; k < CLIP; k += 3)              /* from red to orange: its second half has more green */
        if (rgb[k] > rgb[k + 1] + 60) rgb[k + 1] = (uint8_t)(rgb[k + 1] + 50);
    assert_int_equal(zt_judge_clip(rgb, T, SIDE, SIDE, &other), ZT_OK);
    if (!(same.content < 8 && other.content > 15)) fail_msg("content distance %.2f, changed %.2f", same.content, other.content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moves_is_steady), cmocka_unit_test(what_stands_still_has_none),
        cmocka_unit_test(of_many_it_is_the_mean), cmocka_unit_test(content_that_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
