/* test_frechet.c - the Frechet distance of sets whose moments are known; features that tell looks and motions of clips apart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "eval/frechet.h"

enum { N = 4, DIM = 2 };

/* Points at mean +- the columns of a root of the covariance: moments are exact. Covariance (over n-1 = 3) of +-a, +-b is 2/3
 * (aa' + bb'). */
static void points(float x[N][DIM], double mx, double my, double ax, double ay, double bx, double by) {
    const double s = sqrt(1.5);
    const double of[N][DIM] = {{ax, ay}, {-ax, -ay}, {bx, by}, {-bx, -by}};
    for (int k = 0; k < N; k++) {
        x[k][0] = (float)(mx + s * of[k][0]);
        x[k][1] = (float)(my + s * of[k][1]);
    }
}

static double distance(float a[N][DIM], float b[N][DIM]) {
    double d;
    assert_int_equal(zt_frechet(a[0], N, b[0], N, DIM, &d), ZT_OK);
    return d;
}

static void closed_forms(void **state) {
    (void)state;
    float a[N][DIM], b[N][DIM];
    points(a, 0, 0, 1, 0, 0, 1);                                              /* covariance 1 */
    points(b, 3, 4, 1, 0, 0, 1);
    assert_true(distance(a, a) < 1e-9);
    assert_true(fabs(distance(a, b) - 25) < 1e-5);                            /* means 5 apart */
    points(b, 0, 0, 2, 0, 0, 3);
    assert_true(fabs(distance(a, b) - (1 + 4)) < 1e-5);                       /* (2-1)^2 + (3-1)^2 of the deviations */
    points(a, 0, 0, 2, 0, 1, 1);                                              /* A = [5 1; 1 1], B = [1 0; 0 4] */
    points(b, 0, 0, 1, 0, 0, 2);
    /* Eigenvalues of A B = [5 4; 1 4]: (9 +- sqrt 17)/2; trace A + B = 11. */
    const double want = 11 - 2 * (sqrt((9 + sqrt(17)) / 2) + sqrt((9 - sqrt(17)) / 2));
    assert_true(fabs(distance(a, b) - want) < 1e-5 && fabs(distance(b, a) - want) < 1e-5);
    double d;
    assert_int_equal(zt_frechet(a[0], 1, b[0], N, DIM, &d), ZT_ARG);
}

/* As many clips as are asked for, five for each feature, or fewer than features; all features follow from eight numbers of a
 * clip, one is constant: covariances without an inverse. */
enum { MANY = 64, FULL = 5 * MANY, FEW = 10, CAUSES = 8 };
static void singular(float *x, int n, uint64_t seed, double offset) {
    static float mix[MANY * CAUSES];
    zt_fill_normal(7, 0, mix, MANY * CAUSES);
    for (int k = 0; k < n; k++) {
        float cause[CAUSES];
        zt_fill_normal(seed, (uint64_t)k, cause, CAUSES);
        for (int f = 0; f < MANY; f++) {
            double sum = offset;
            for (int c = 0; f && c < CAUSES; c++) sum += mix[f * CAUSES + c] * cause[c];
            x[k * MANY + f] = (float)sum;
        }
    }
}
static void singular_sets(void **state) {
    (void)state;
    static float a[FULL * MANY], b[FULL * MANY], c[FULL * MANY], d[FULL * MANY];
    double same, other, back, moved, few;
    const double trace = MANY * CAUSES;                                       /* about: of unit normals mixed by unit normals */
    singular(a, FULL, 1, 0);
    singular(b, FULL, 2, 0);
    singular(c, FULL, 1, 2);
    singular(d, FULL, 1, 1000);
    assert_int_equal(zt_frechet(a, FULL, a, FULL, MANY, &same), ZT_OK);
    assert_true(same < 1e-4 * trace);
    assert_int_equal(zt_frechet(a, FULL, b, FULL, MANY, &other), ZT_OK);
    assert_int_equal(zt_frechet(b, FULL, a, FULL, MANY, &back), ZT_OK);
    assert_true(fabs(other - back) < 1e-4 * trace);
    assert_true(other > same && other < 0.05 * trace);                        /* two samples of one distribution */
    assert_int_equal(zt_frechet(a, FULL, c, FULL, MANY, &moved), ZT_OK);
    assert_true(fabs(moved - MANY * 4) < 1e-3 * trace);                       /* means 2 apart in every feature */
    assert_int_equal(zt_frechet(d, FULL, d, FULL, MANY, &same), ZT_OK);
    assert_true(same < 1e-4 * trace);
    assert_int_equal(zt_frechet(a, FEW, a, FEW, MANY, &same), ZT_OK);
    assert_int_equal(zt_frechet(a, FEW, b, FEW, MANY, &few), ZT_OK);
    assert_true(same < 1e-4 * trace && few > other && isfinite(few));         /* few clips: too large */
}

enum { T = 6, S = 16, BYTES = T * S * S * 3 };
static void square_clip(uint8_t *rgb, int x0, int step, int colour) {
    memset(rgb, 90, BYTES);
    for (int t = 0; t < T; t++)
        for (int y = 4; y < 9; y++)
            for (int x = x0 + t * step; x < x0 + t * step + 5; x++) rgb[((t * S + y) * S + x) * 3 + colour] = 255;
}
static double apart(const uint8_t *a, const uint8_t *b) {
    float x[ZT_CLIP_FEATURES], y[ZT_CLIP_FEATURES];
    double sum = 0;
    assert_int_equal(zt_clip_features(a, T, S, S, x), ZT_OK);
    assert_int_equal(zt_clip_features(b, T, S, S, y), ZT_OK);
    for (int k = 0; k < ZT_CLIP_FEATURES; k++) sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(sum);
}

static void features_see_colour_and_motion(void **state) {
    (void)state;
    static uint8_t a[BYTES], b[BYTES];
    square_clip(a, 0, 2, 0);
    square_clip(b, 0, 2, 0);
    assert_true(apart(a, b) == 0);
    square_clip(b, 0, 2, 1);
    assert_true(apart(a, b) > 0.1);
    square_clip(b, 10, -2, 0);
    assert_true(apart(a, b) > 0.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed_forms), cmocka_unit_test(singular_sets),
                                       cmocka_unit_test(features_see_colour_and_motion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
