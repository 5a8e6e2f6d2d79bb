/* test_gan_bound.c - what holds critics' weights: clipping of numbers, of singular values, of the gains of batch norm. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "base/eigen.h"
#include "base/rng.h"
#include "train/gan_bound.h"

enum { MOST = 64 };
static float *add(zt_tset *s, const char *name, zt_shape sh) {
    zt_tensor *t;
    assert_int_equal(zt_tset_add(s, name, ZT_F32, sh, &t), ZT_OK);
    return t->data;
}

/* Singular values of w [rows,out], the largest first, from products of the columns. */
static void singular_values(const float *w, int rows, int out, double *s) {
    static double g[MOST * MOST];
    for (int i = 0; i < out; i++)
        for (int j = 0; j < out; j++) {
            g[i * out + j] = 0;
            for (int k = 0; k < rows; k++) g[i * out + j] += (double)w[k * out + i] * w[k * out + j];
        }
    zt_eigen_symmetric(g, out, s, NULL);
    for (int i = 0; i < out; i++) s[i] = sqrt(fmax(0, s[i]));
    for (int i = 0; i < out; i++)
        for (int j = i + 1; j < out; j++)
            if (s[j] > s[i]) {
                const double t = s[i];
                s[i] = s[j];
                s[j] = t;
            }
}

static void singular_values_end_at_one(void **state) {
    (void)state;
    static const int size[][2] = {{24, 6}, {5, 12}};                          /* rows, out: either side may be the smaller */
    for (int k = 0; k < 2; k++) {
        const int rows = size[k][0], out = size[k][1], n = rows < out ? rows : out;
        zt_tset p = {0}, s = {0};
        float *w = add(&p, "critic.out.weight", zt_sh(1, 1, 1, rows, out)), *other = add(&p, "generator.out.weight", zt_sh(4, 4));
        double before[MOST], after[MOST];
        for (int j = 0; j < 16; j++) other[j] = 5;
        zt_fill_normal(3, (uint64_t)k, w, rows * out);
        singular_values(w, rows, out, before);
        const float middle = (float)before[n / 2];                            /* becomes 1: some are above, some below */
        for (int j = 0; j < rows * out; j++) w[j] /= middle;
        singular_values(w, rows, out, before);
        assert_true(before[0] > 1.05 && before[n - 1] < 0.95);
        assert_int_equal(zt_clip_singular_values(&p, &s, "critic."), ZT_OK);
        singular_values(w, rows, out, after);
        for (int j = 0; j < n; j++)
            if (fabs(after[j] - fmin(1, before[j])) > 1e-5) fail_msg("value %d was %g and is %g", j, before[j], after[j]);
        assert_true(other[0] == 5 && other[15] == 5);                         /* not the critic's */
        zt_tset_finish(&p);
    }
}

static void gains_follow_the_deviation(void **state) {
    (void)state;
    zt_tset p = {0}, s = {0};
    float *gain = add(&p, "critic.norm1.weight", zt_sh(3)), *free_gain = add(&p, "critic.norm2.weight", zt_sh(1));
    float *bias = add(&p, "critic.norm1.bias", zt_sh(3)), *var = add(&s, "critic.norm1.var", zt_sh(3));
    for (int k = 0; k < 3; k++) var[k] = 4, bias[k] = 9;
    gain[0] = 3, gain[1] = 1.5F, gain[2] = -1, free_gain[0] = 7;
    assert_int_equal(zt_clip_singular_values(&p, &s, "critic."), ZT_OK);
    assert_true(gain[0] == 2 && gain[1] == 1.5F && fabsf(gain[2] - 0.02F) < 1e-7F);
    assert_true(bias[0] == 9 && free_gain[0] == 7);
    zt_tset_finish(&p);
    zt_tset_finish(&s);
}

static void numbers_end_at_the_bound(void **state) {
    (void)state;
    zt_tset p = {0};
    float *w = add(&p, "critic.out.weight", zt_sh(4)), *g = add(&p, "generator.out.weight", zt_sh(1));
    w[0] = 3, w[1] = -2, w[2] = 0.005F, w[3] = -0.01F, g[0] = 3;
    zt_clip_weights(&p, "critic.", 0.01);
    assert_true(w[0] == 0.01F && w[1] == -0.01F && w[2] == 0.005F && w[3] == -0.01F && g[0] == 3);
    zt_tset_finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular_values_end_at_one), cmocka_unit_test(gains_follow_the_deviation),
        cmocka_unit_test(numbers_end_at_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
