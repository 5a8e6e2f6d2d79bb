/* test_ops_values.c - what every op computes, pinned by hand-made numbers (the sweep only sees that gradients and kernels agree
 * with the references), and the errors of the shape rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "expect.h"

static void elementwise(void **state) {
    (void)state;
    zt_node *a = ramp(zt_sh(2, 3)), *row = leaf(zt_sh(3), ARRAY(1, 2, 4)), *col = leaf(zt_sh(2, 1), ARRAY(10, 20));
    EXPECT(zt_add(a, row), zt_sh(2, 3), 1, 3, 6, 4, 6, 9);
    EXPECT(zt_sub(a, col), zt_sh(2, 3), -10, -9, -8, -17, -16, -15);
    EXPECT(zt_mul(a, row), zt_sh(2, 3), 0, 2, 8, 3, 8, 20);
    EXPECT(zt_div(a, row), zt_sh(2, 3), 0, 0.5, 0.5, 3, 2, 1.25);
    zt_node *x = leaf(zt_sh(3), ARRAY(-1, 0.25, 2));
    EXPECT(zt_affine(x, 2, 1), zt_sh(3), -1, 1.5, 5);
    EXPECT(zt_neg(x), zt_sh(3), 1, -0.25, -2);
    EXPECT(zt_square(x), zt_sh(3), 1, 0.0625, 4);
    EXPECT(zt_sqrt(zt_square(x)), zt_sh(3), 1, 0.25, 2);
    EXPECT(zt_exp(x), zt_sh(3), 0.36787944117144233, 1.2840254166877414, 7.38905609893065);
    EXPECT(zt_ln(zt_exp(x)), zt_sh(3), -1, 0.25, 2);
    EXPECT(zt_sigmoid(x), zt_sh(3), 0.2689414213699951, 0.5621765008857981, 0.8807970779778823);
    EXPECT(zt_tanh(x), zt_sh(3), -0.7615941559557649, 0.24491866240370913, 0.9640275800758169);
    EXPECT(zt_silu(x), zt_sh(3), -0.2689414213699951, 0.14054412522144952, 1.7615941559557646);
    EXPECT(zt_gelu(x), zt_sh(3), -0.15880800939172324, 0.149675350701685, 1.954597694087775);
    EXPECT(zt_emit1(g, &zt_def_step, x, NULL), zt_sh(3), 0, 1, 1);
}

static void functions_and_choices(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(3), ARRAY(-1.5, 0.25, 2)), *a = ramp(zt_sh(2, 3)), *row = leaf(zt_sh(3), ARRAY(1, 4, 5));
    EXPECT(zt_sin(x), zt_sh(3), sin(-1.5), sin(0.25), sin(2));
    EXPECT(zt_cos(x), zt_sh(3), cos(-1.5), cos(0.25), cos(2));
    EXPECT(zt_pow(leaf(zt_sh(2), ARRAY(0.25, 4)), 1.5), zt_sh(2), 0.125, 8);
    EXPECT(zt_pow(leaf(zt_sh(2), ARRAY(0.25, 4)), -0.5), zt_sh(2), 2, 0.5);
    EXPECT(zt_abs(x), zt_sh(3), 1.5, 0.25, 2);
    EXPECT(zt_sign(leaf(zt_sh(3), ARRAY(-3, 0, 0.1))), zt_sh(3), -1, 0, 1);
    EXPECT(zt_floor(x), zt_sh(3), -2, 0, 2);
    EXPECT(zt_maximum(a, row), zt_sh(2, 3), 1, 4, 5, 3, 4, 5);
    EXPECT(zt_minimum(a, row), zt_sh(2, 3), 0, 1, 2, 1, 4, 5);
    EXPECT(zt_greater(a, row), zt_sh(2, 3), 0, 0, 0, 1, 0, 0);
    EXPECT(zt_equal(a, row), zt_sh(2, 3), 0, 0, 0, 0, 1, 1);
    EXPECT_GRADIENT(zt_maximum(a, row), row, 1, 2, 2); /* where both are equal, one of them gets it, once */
    EXPECT_GRADIENT(zt_minimum(a, row), row, 1, 0, 0);
    EXPECT(zt_clamp(x, -1, 1), zt_sh(3), -1, 0.25, 1);
    EXPECT_GRADIENT(zt_clamp(x, -1, 1), x, 0, 1, 0);
    zt_node *cond = leaf(zt_sh(3), ARRAY(1, 0, 0)), *yes = leaf(zt_sh(3), ARRAY(1, NAN, INFINITY));
    zt_node *either = zt_where(cond, yes, leaf(zt_sh(3), ARRAY(NAN, 5, 6)));
    EXPECT(either, zt_sh(3), 1, 5, 6);
    EXPECT_GRADIENT(zt_mul(either, leaf(zt_sh(3), ARRAY(2, NAN, INFINITY))), yes, 2, 0, 0);
    zt_node *passed = zt_straight_through(zt_floor(x), x);
    EXPECT(zt_add(passed, zt_affine(x, 2, 0)), zt_sh(3), -5, 0.5, 6);
    EXPECT_GRADIENT(zt_square(passed), x, -4, 0, 4);
}

static void activations(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(3), ARRAY(-1, 0.25, 2)), *far = leaf(zt_sh(3), ARRAY(-1e4, 0, 1e4));
    EXPECT(zt_relu(x), zt_sh(3), 0, 0.25, 2);
    EXPECT_GRADIENT(zt_relu(far), far, 0, 0, 1);
    EXPECT(zt_leaky_relu(x, 0.2), zt_sh(3), -0.2, 0.25, 2);
    EXPECT_GRADIENT(zt_leaky_relu(x, 0.2), x, 0.2, 1, 1);
    EXPECT(zt_elu(x, 1.5), zt_sh(3), 1.5 * expm1(-1), 0.25, 2);
    EXPECT(zt_elu(far, 1), zt_sh(3), -1, 0, 1e4);
    EXPECT_GRADIENT(zt_elu(x, 1.5), x, 1.5 * exp(-1), 1, 1);
    EXPECT(zt_softplus(x), zt_sh(3), log1p(exp(-1)), log1p(exp(0.25)), log1p(exp(2)));
    EXPECT(zt_softplus(far), zt_sh(3), 0, log(2), 1e4);
    EXPECT_GRADIENT(zt_softplus(far), far, 0, 0.5, 1);
    EXPECT(zt_erf(x), zt_sh(3), -0.8427007929497149, 0.2763263901682369, 0.9953222650189527);
    EXPECT(zt_gelu_erf(x), zt_sh(3), -0.15865525393145705, 0.25 * 0.5987063256829237, 1.9544997361036416);
    EXPECT(zt_mish(x), zt_sh(3), -tanh(log1p(exp(-1))), 0.25 * tanh(log1p(exp(0.25))), 2 * tanh(log1p(exp(2))));
    EXPECT(zt_hard_swish(leaf(zt_sh(4), ARRAY(-4, -1, 2, 5))), zt_sh(4), 0, -1.0 / 3, 5.0 / 3, 5);
}

static void random_numbers(void **state) {
    (void)state;
    enum { N = 37 };
    double u[N], noise[N], kept[N], x[N];
    for (int k = 0; k < N; k++) {
        uint32_t w[4];
        zt_philox(7 + ((uint64_t)0xfffffffe << 32), 3, (uint64_t)k / 4, w);
        u[k] = ((double)(w[k % 4] >> 9) + 0.5) / 8388608;
        x[k] = k;
        noise[k] = -log(-log(u[k]));
        kept[k] = u[k] > 0.25 ? k / 0.75 : 0;
    }
    zt_node *seed = ids(zt_sh(2), ARRAY(7, -2));
    expect(zt_uniform(seed, zt_sh(N), 3), zt_sh(N), u);
    expect(zt_gumbel(seed, zt_sh(1, N), 3), zt_sh(1, N), noise);
    expect(zt_dropout(leaf(zt_sh(N), x), 0.25, seed, 3), zt_sh(N), kept);
    expect(zt_dropout(leaf(zt_sh(N), x), 0, seed, 3), zt_sh(N), x);
}

static void reductions_and_layout(void **state) {
    (void)state;
    zt_node *a = ramp(zt_sh(2, 3));
    EXPECT(zt_sum_to(a, zt_sh(2, 1)), zt_sh(2, 1), 3, 12);
    EXPECT(zt_sum_to(a, zt_sh(3)), zt_sh(3), 3, 5, 7);
    EXPECT(zt_mean(a), zt_shape_of(0, NULL), 2.5);
    EXPECT(zt_broadcast_to(leaf(zt_sh(2, 1), ARRAY(1, 2)), zt_sh(2, 2, 2)), zt_sh(2, 2, 2), 1, 1, 2, 2, 1, 1, 2, 2);
    EXPECT(zt_permute(a, (const int[]){1, 0}), zt_sh(3, 2), 0, 3, 1, 4, 2, 5);
    EXPECT(zt_permute(ramp(zt_sh(2, 1, 3)), (const int[]){2, 0, 1}), zt_sh(3, 2, 1), 0, 3, 1, 4, 2, 5);
    EXPECT(zt_slice(a, -1, 1, 2), zt_sh(2, 2), 1, 2, 4, 5);
    EXPECT(zt_pad(a, 0, 1, 0), zt_sh(3, 3), 0, 0, 0, 0, 1, 2, 3, 4, 5);
    EXPECT(zt_pad(zt_slice(a, 1, 0, 1), 1, 1, 1), zt_sh(2, 3), 0, 0, 0, 0, 3, 0);
    EXPECT(zt_concat(1, 2, (zt_node *[]){a, zt_slice(a, 1, 0, 1)}), zt_sh(2, 4), 0, 1, 2, 0, 3, 4, 5, 3);
    zt_node *v = ramp(zt_sh(1, 1, 2, 2, 1));
    EXPECT(zt_upsample(v, 1, 1, 2), zt_sh(1, 1, 2, 4, 1), 0, 0, 1, 1, 2, 2, 3, 3);
    EXPECT(zt_upsample(v, 2, 2, 1), zt_sh(1, 2, 4, 2, 1), 0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3);
    EXPECT(zt_pool_sum(v, 1, 2, 1), zt_sh(1, 1, 1, 2, 1), 2, 4);
    EXPECT(zt_avg_pool(v, 1, 2, 2), zt_sh(1, 1, 1, 1, 1), 1.5);
    zt_node *s = zt_space_to_depth(ramp(zt_sh(1, 1, 2, 4, 1)), 1, 2, 2);
    EXPECT(s, zt_sh(1, 1, 1, 2, 4), 0, 1, 4, 5, 2, 3, 6, 7);
    EXPECT(zt_depth_to_space(s, 1, 2, 2), zt_sh(1, 1, 2, 4, 1), 0, 1, 2, 3, 4, 5, 6, 7);
    zt_node *t = zt_space_to_depth(ramp(zt_sh(1, 2, 1, 1, 2)), 2, 1, 1);
    EXPECT(t, zt_sh(1, 1, 1, 1, 4), 0, 1, 2, 3);
}

static zt_node *row_of(int n, const double *v) { return leaf(zt_sh(1, 1, 1, n, 1), v); } /* along W */
#define ROW(...) row_of((int)(sizeof ARRAY(__VA_ARGS__) / sizeof(double)), ARRAY(__VA_ARGS__))
#define EXPECT_ROW(y, n, ...) EXPECT(y, zt_sh(1, 1, 1, n, 1), __VA_ARGS__)

static void resampling(void **state) {
    (void)state;
    EXPECT_ROW(zt_resize(ROW(0, 4), 1, 1, 4, ZT_LINEAR), 4, 0, 1, 3, 4);
    EXPECT_ROW(zt_resize(ROW(0, 1, 2, 3), 1, 1, 2, ZT_LINEAR), 2, 0.5, 2.5);
    EXPECT_ROW(zt_resize(ROW(0, 1, 2, 3), 1, 1, 2, ZT_LINEAR_SMOOTH), 2, 5.0 / 7, 16.0 / 7); /* weights 3, 3, 1 */
    EXPECT_ROW(zt_resize(ROW(0, 0, 64, 0, 0), 1, 1, 10, ZT_CUBIC), 10, 0, -2.25, -6.75, 16.75, 56.25, 56.25, 16.75, -6.75, -2.25,
               0);
    zt_node *v = ramp(zt_sh(1, 1, 2, 2, 1));
    EXPECT(zt_resize(v, 1, 1, 3, ZT_LINEAR), zt_sh(1, 1, 1, 3, 1), 1, 1.5, 2);
    EXPECT_ROW(zt_pad_edge(ROW(5, 6, 7), (int[]){0, 0, 2}, (int[]){0, 0, 1}, ZT_REFLECT), 6, 7, 6, 5, 6, 7, 6);
    EXPECT_ROW(zt_pad_edge(ROW(5, 6, 7), (int[]){0, 0, 1}, (int[]){0, 0, 2}, ZT_REPLICATE), 6, 5, 5, 6, 7, 7, 7);
    EXPECT(zt_pad_edge(v, (int[]){0, 1, 0}, (int[]){1, 0, 0}, ZT_REPLICATE), zt_sh(1, 2, 3, 2, 1), 0, 1, 0, 1, 2, 3, 0, 1, 0, 1,
           2, 3);
}

static void pooling(void **state) {
    (void)state;
    const int three[] = {1, 1, 3}, two[] = {1, 1, 2};
    const zt_conv_cfg same = {.stride = {1, 1, 1}, .pad_before = {0, 0, 1}, .pad_after = {0, 0, 1}};
    const zt_conv_cfg before = {.stride = {1, 1, 2}, .pad_before = {0, 0, 1}};
    EXPECT_ROW(zt_avg_pool_windows(ROW(1, 2, 3, 4), three, &same, true), 4, 1, 2, 3, 7.0 / 3);
    EXPECT_ROW(zt_avg_pool_windows(ROW(1, 2, 3, 4), three, &same, false), 4, 1.5, 2, 3, 3.5);
    EXPECT_ROW(zt_max_pool(ROW(-5, -7, -3, -9), two, &before), 2, -5, -3);
    zt_node *x = ROW(1, 3, 3, 2), *y = zt_max_pool(x, two, &(zt_conv_cfg){.stride = {1, 1, 1}}), *dx;
    EXPECT_ROW(y, 3, 3, 3, 3);
    assert_int_equal(zt_grad(zt_sum(y), 1, &x, &dx), ZT_OK);
    EXPECT_ROW(dx, 4, 0, 2, 1, 0); /* of two equal ones the first */
    zt_node *broken = zt_max_pool(ROW(1, NAN, 2), three, &(zt_conv_cfg){.stride = {1, 1, 1}}); /* it shows */
    zt_plan *p = NULL;
    assert_int_equal(zt_plan_create(&p, g, 1, &broken, &(zt_plan_cfg){.no_reuse = true}), ZT_OK);
    assert_int_equal(zt_plan_run_checked(p), ZT_NONFINITE);
    zt_plan_destroy(&p);
    EXPECT_ROW(zt_max_pool(ramp(zt_sh(1, 2, 2, 2, 1)), (int[]){2, 2, 1}, &(zt_conv_cfg){.stride = {1, 1, 1}}), 2, 6, 7);
}

static void sampling(void **state) {
    (void)state;
    zt_node *x = ROW(10, 20, 40), *v = ramp(zt_sh(1, 1, 2, 2, 1));
    zt_node *places = leaf(zt_sh(1, 1, 1, 4, 3), ARRAY(0, 0, 0.5, 7, -7, -0.5, 0, 0, 2.25, 0, 0, 1e30));
    EXPECT_ROW(zt_grid_sample(x, places, false), 4, 15, 5, 30, 0); /* 7 and -7 are along axes of size 1 */
    EXPECT_ROW(zt_grid_sample(x, places, true), 4, 15, 10, 40, 40);
    zt_node *cube = ramp(zt_sh(1, 2, 2, 2, 1));
    zt_node *middle = leaf(zt_sh(1, 1, 1, 1, 3), ARRAY(0.5, 0.25, 0.75));
    EXPECT_ROW(zt_grid_sample(cube, middle, false), 1, 4 * 0.5 + 2 * 0.25 + 0.75);
    EXPECT(zt_warp(v, leaf(zt_sh(1, 1, 2, 2, 2), ARRAY(1, 0, 1, 0, 1, 0, 1, 0)), false), v->sh, 1, 0, 3, 0);
    EXPECT(zt_warp(v, leaf(zt_sh(1, 1, 2, 2, 2), ARRAY(0, 1, 0, 1, 0, 1, 0, 1)), true), v->sh, 2, 3, 2, 3);
    EXPECT(zt_warp(cube, leaf(zt_sh(1, 2, 2, 2, 2), ARRAY(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0)), true), cube->sh, 0, 1,
           2, 3, 7, 5, 6, 7);
}

static void products(void **state) {
    (void)state;
    zt_node *a = leaf(zt_sh(2, 3), ARRAY(1, 2, 3, 4, 5, 6)), *at = zt_permute(a, (const int[]){1, 0});
    zt_node *b = leaf(zt_sh(3, 2), ARRAY(1, 0, 2, 1, 0, 3)), *bt = zt_permute(b, (const int[]){1, 0});
    EXPECT(zt_matmul(a, b, false, false), zt_sh(2, 2), 5, 11, 14, 23);
    EXPECT(zt_matmul(a, bt, false, true), zt_sh(2, 2), 5, 11, 14, 23);
    EXPECT(zt_matmul(at, b, true, false), zt_sh(2, 2), 5, 11, 14, 23);
    EXPECT(zt_matmul(at, bt, true, true), zt_sh(2, 2), 5, 11, 14, 23);
    EXPECT(zt_linear_op(zt_reshape(a, zt_sh(1, 2, 3)), b, leaf(zt_sh(2), ARRAY(1, -1))), zt_sh(1, 2, 2), 6, 10, 15, 22);
    EXPECT(zt_matmul(zt_reshape(at, zt_sh(3, 1, 2)), b, true, false), zt_sh(2, 2), 5, 11, 14, 23);

    zt_node *x = leaf(zt_sh(1, 1, 1, 5, 1), ARRAY(1, 2, 3, 4, 5)), *w = leaf(zt_sh(1, 1, 3, 1, 1), ARRAY(1, 10, 100));
    const zt_conv_cfg same = {.stride = {1, 1, 1}, .pad_before = {0, 0, 1}, .pad_after = {0, 0, 1}};
    const zt_conv_cfg causal = {.stride = {1, 1, 2}, .pad_before = {0, 0, 2}, .pad_after = {0, 0, 0}};
    EXPECT(zt_conv(x, w, NULL, &same), zt_sh(1, 1, 1, 5, 1), 210, 321, 432, 543, 54);
    EXPECT(zt_conv(x, w, leaf(zt_sh(1), ARRAY(0.5)), &causal), zt_sh(1, 1, 1, 3, 1), 100.5, 321.5, 543.5);
    zt_node *frames = ramp(zt_sh(1, 3, 1, 1, 2)), *mix = leaf(zt_sh(2, 1, 1, 2, 2), ARRAY(1, 0, 0, 1, 10, 0, 0, 10));
    EXPECT(zt_conv(frames, mix, NULL, &(zt_conv_cfg){.stride = {1, 1, 1}}), zt_sh(1, 2, 1, 1, 2), 20, 31, 42, 53);
    const zt_conv_cfg twice = {.stride = {1, 1, 2}}, cut = {.stride = {1, 1, 2}, .pad_before = {0, 0, 1}, .pad_after = {0, 0, 0}};
    EXPECT_ROW(zt_conv_transpose(ROW(1, 2), w, NULL, &twice, (int[]){0, 0, 1}), 6, 1, 10, 102, 20, 200, 0);
    EXPECT_ROW(zt_conv_transpose(ROW(1, 2), w, leaf(zt_sh(1), ARRAY(0.5)), &cut, NULL), 4, 10.5, 102.5, 20.5, 200.5);
}

static void norms(void **state) {
    (void)state;
    const double h = 1 / sqrt(1 + 1e-3);
    zt_node *x = leaf(zt_sh(1, 2, 2), ARRAY(1, 5, 3, 9));
    zt_node *gain = leaf(zt_sh(2), ARRAY(2, 1)), *bias = leaf(zt_sh(2), ARRAY(0, 1));
    zt_node *scale = leaf(zt_sh(1, 2), ARRAY(1, 0)), *shift = leaf(zt_sh(1, 2), ARRAY(0, -1));
    const double q = 2 / sqrt(4 + 1e-3); /* groups {1,3} and {5,9}: deviations 1 and 2 */
    EXPECT(zt_group_norm(x, NULL, NULL, NULL, NULL, 2, 1e-3, 0), zt_sh(1, 2, 2), -h, -q, h, q);
    EXPECT(zt_group_norm(x, gain, bias, scale, shift, 2, 1e-3, 0), zt_sh(1, 2, 2), -4 * h, -q, 4 * h, q);
    EXPECT(zt_group_norm(x, NULL, NULL, NULL, NULL, 2, 1e-3, 1), zt_sh(1, 2, 2), -h / (1 + exp(h)), -q / (1 + exp(q)),
           h / (1 + exp(-h)), q / (1 + exp(-q)));
    const double r = 3 / sqrt(9 + 1e-3);
    EXPECT(zt_layer_norm(x, gain, bias, NULL, NULL, 1e-3), zt_sh(1, 2, 2), -2 * q, q + 1, -2 * r, r + 1);
    EXPECT(zt_layer_norm(x, NULL, NULL, scale, shift, 1e-3), zt_sh(1, 2, 2), -2 * q, q - 1, -2 * r, r - 1);
    const double m = 1 / sqrt(13 + 1e-3), k = 1 / sqrt(45 + 1e-3);
    EXPECT(zt_rms_norm(x, gain, 2, 1e-3), zt_sh(1, 2, 2), 2 * m, 5 * m, 6 * k, 9 * k);
    EXPECT(zt_rms_norm(leaf(zt_sh(2), ARRAY(3, -4)), NULL, 1, 1e-12), zt_sh(2), 1, -1);
}

static void attention(void **state) {
    (void)state;
    zt_node *zero = leaf(zt_sh(1, 1, 1, 2), ARRAY(0, 0)), *kv = leaf(zt_sh(1, 3, 1, 2), ARRAY(1, 2, 3, 6, 5, 1));
    EXPECT(zt_attention(zero, kv, kv, 1, NULL, NULL), zt_sh(1, 1, 1, 2), 3, 3);
    EXPECT(zt_attention(zero, kv, kv, 1, NULL, ids(zt_sh(1), ARRAY(2))), zt_sh(1, 1, 1, 2), 2, 4);
    EXPECT(zt_attention(zero, kv, kv, 1, NULL, ids(zt_sh(1), ARRAY(0))), zt_sh(1, 1, 1, 2), 1, 2);
    zt_node *bias = leaf(zt_sh(2, 1, 3), ARRAY(0, log(3), -1e9, -1e9, -1e9, 0));
    EXPECT(zt_attention(zero, kv, kv, 2, bias, NULL), zt_sh(1, 1, 1, 2), 0.25 * 1 + 0.75 * 3, 1);
    zt_node *q = leaf(zt_sh(1, 1, 1, 2), ARRAY(sqrt(2) * log(2), 0)), *k = leaf(zt_sh(1, 2, 1, 2), ARRAY(0, 7, 1, 7));
    EXPECT(zt_attention(q, k, k, 1, NULL, NULL), zt_sh(1, 1, 1, 2), 2.0 / 3, 7); /* scores 0 and log 2 */
    zt_node *inner = ramp(zt_sh(1, 2, 2, 1)), *flat = leaf(zt_sh(1, 1, 2, 1), ARRAY(0, 0));
    EXPECT(zt_attention(flat, inner, inner, 1, NULL, NULL), zt_sh(1, 1, 2, 1), 1, 2); /* each inner index by itself */

    zt_node *x = leaf(zt_sh(1, 2, 4), ARRAY(1, 0, 0, 1, 1, 2, 3, 4)), *angle = leaf(zt_sh(2, 1), ARRAY(0, acos(-1) / 2));
    EXPECT(zt_rope(x, angle, 2, false), zt_sh(1, 2, 4), 1, 0, 0, 1, -2, 1, -4, 3);
    EXPECT(zt_rope(zt_rope(x, angle, 2, false), angle, 2, true), zt_sh(1, 2, 4), 1, 0, 0, 1, 1, 2, 3, 4);
}

static void embeddings(void **state) {
    (void)state;
    zt_node *table = leaf(zt_sh(2, 2), ARRAY(1, 2, 3, 4));
    EXPECT(zt_embedding(ids(zt_sh(4), ARRAY(1, 0, 2, -1)), table), zt_sh(4, 2), 3, 4, 1, 2, 0, 0, 0, 0);
    zt_node *beyond = zt_embedding(ids(zt_sh(2), ARRAY(2, -1)), zt_neg(table)); /* beside a computed table lie guard bytes, */
    EXPECT(zt_affine(beyond, 1e200, 0), zt_sh(2, 2), 0, 0, 0, 0);              /* which read as some 1e-128 */
    EXPECT(zt_one_hot(ids(zt_sh(4), ARRAY(1, -1, 2, 3)), 3), zt_sh(4, 3), 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
    EXPECT(zt_timestep(leaf(zt_sh(1), ARRAY(0.5)), 4, 1000), zt_sh(1, 4), cos(500), cos(5), sin(500), sin(5));
    EXPECT(zt_global_norm(2, (zt_node *[]){leaf(zt_sh(2), ARRAY(1, 2)), leaf(zt_sh(1), ARRAY(2))}), zt_shape_of(0, NULL), 3);
}

/* One AdamW step and one EMA step on p = 1, m = 0, v = 0, e = 2 with gradient 0.5 and the norm given. */
static void optimise(double norm, double clip, bool decay, double want_p, double want_m, double want_e) {
    static const char *const names[] = {"p", "m", "v", "e"};
    const zt_shape one = zt_sh(1);
    zt_tset params = {0}, states = {0};
    zt_tensor *t[4];
    for (int k = 0; k < 4; k++) {
        assert_int_equal(zt_tset_add(k ? &states : &params, names[k], ZT_F64, one, NULL), ZT_OK);
    }
    for (int k = 0; k < 4; k++) t[k] = zt_tset_find(k ? &states : &params, names[k]);
    *(double *)t[0]->data = 1;
    *(double *)t[3]->data = 2;
    zt_node *p = zt_param(g, "p", one), *n = zt_scalar(g, norm);
    zt_node *hyper = leaf(zt_sh(8), ARRAY(0.1, 0.9, 0.99, 0, 0.5, 1 - 0.9, 1 - 0.99, clip));
    zt_node *out[2];
    out[0] = zt_adamw(p, zt_state(g, "m", one), zt_state(g, "v", one), leaf(one, ARRAY(0.5)), hyper, n, decay);
    out[1] = zt_ema(zt_state(g, "e", one), p, zt_scalar(g, 0.75), n, out[0]);
    zt_plan *plan = NULL;
    assert_int_equal(zt_plan_create(&plan, g, 2, out, &(zt_plan_cfg){.params = &params, .states = &states}), ZT_OK);
    assert_int_equal(zt_plan_run(plan), ZT_OK);
    assert_float_equal(*(double *)t[0]->data, want_p, 1e-12);
    assert_float_equal(*(double *)t[1]->data, want_m, 1e-12);
    assert_float_equal(*(double *)t[3]->data, want_e, 1e-12);
    assert_float_equal(*(double *)out[0]->x, 0, 0);
    zt_plan_destroy(&plan);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
}

static void adamw_steps(void **state) { /* the first step has length lr whatever the gradient: m/c1 = g, v/c2 = g^2 */
    (void)state;
    optimise(0.5, 0, false, 0.9, 0.05, 2 * 0.75 + 0.9 * 0.25);
}
static void adamw_decays_and_clips(void **state) {
    (void)state;
    optimise(1, 0.5, true, 0.9 - 0.05, 0.025, 2 * 0.75 + 0.85 * 0.25);
}
static void adamw_skips_infinite(void **state) {
    (void)state;
    optimise(INFINITY, 1, true, 1, 0, 2);
}
static void adamw_skips_nan(void **state) {
    (void)state;
    optimise(NAN, 1, true, 1, 0, 2);
}

/* `steps` steps of an optimiser on p = 1, m = 0, v = 0 with gradient 0.5; afterwards p, m, v. lr 0.1, betas 0.9 and 0.99. */
typedef zt_node *optimiser(zt_node *p, zt_node *m, zt_node *v, zt_node *grad, zt_node *hyper, zt_node *norm);
static void run_optimiser(optimiser *build, int steps, double norm, double decay, double want_p, double want_m, double want_v) {
    static const char *const names[] = {"p", "m", "v"};
    const double want[] = {want_p, want_m, want_v};
    const zt_shape one = zt_sh(1);
    zt_tset params = {0}, states = {0};
    for (int k = 0; k < 3; k++) assert_int_equal(zt_tset_add(k ? &states : &params, names[k], ZT_F64, one, NULL), ZT_OK);
    *(double *)zt_tset_find(&params, "p")->data = 1;
    zt_node *hyper = leaf(zt_sh(8), ARRAY(0.1, 0.9, 0.99, 0, decay, 1 - 0.9, 1 - 0.99, 2));
    zt_node *out = build(zt_param(g, "p", one), zt_state(g, "m", one), zt_state(g, "v", one), leaf(one, ARRAY(0.5)), hyper,
                         zt_scalar(g, norm));
    zt_plan *plan = NULL;
    assert_int_equal(zt_plan_create(&plan, g, 1, &out, &(zt_plan_cfg){.params = &params, .states = &states}), ZT_OK);
    for (int k = 0; k < steps; k++) assert_int_equal(zt_plan_run(plan), ZT_OK);
    for (int k = 0; k < 3; k++)
        assert_float_equal(*(double *)zt_tset_find(k ? &states : &params, names[k])->data, want[k], 1e-12);
    zt_plan_destroy(&plan);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
}

#define OPTIMISER(name, call)                                                                                                 \
    static zt_node *name(zt_node *p, zt_node *m, zt_node *v, zt_node *grad, zt_node *hyper, zt_node *norm) {                  \
        (void)m, (void)v;                                                                                                     \
        return call;                                                                                                          \
    }
OPTIMISER(adam, zt_adam(p, m, v, grad, hyper, norm, true))
OPTIMISER(rmsprop, zt_rmsprop(p, v, grad, hyper, norm, true))
OPTIMISER(lion, zt_lion(p, m, grad, hyper, norm, true))
OPTIMISER(sgd, zt_sgd(p, m, grad, hyper, norm, 0.9, false, true))
OPTIMISER(nesterov, zt_sgd(p, m, grad, hyper, norm, 0.9, true, true))

static void optimisers(void **state) {
    (void)state;
    static const struct { optimiser *build; int steps; double decay, norm, p, m, v; } cases[] = {
        {adam, 1, 0.5, 0.5, 0.9, 0.1, 0.01}, /* the decayed gradient is 1 */
        {rmsprop, 1, 0.5, 0.5, 1 - 0.1 * (10 + 0.5), 0, 0.0025},
        {rmsprop, 1, 0, 4, 1 - 0.1 * 10, 0, 0.000625}, /* clipped at 2 */
        {lion, 1, 0.5, 0.5, 0.85, 0.005, 0},
        {lion, 2, 0.5, 0.5, 0.85 - 0.1 * (1 + 0.5 * 0.85), 0.99 * 0.005 + 0.005, 0},
        {lion, 1, 0, 4, 0.9, 0.0025, 0},
        {sgd, 1, 0.5, 0.5, 1 - 0.1 * (0.5 + 0.5), 0.05, 0},
        {sgd, 2, 0, 0.5, 1 - 0.1 * (0.5 + 0.95), 0.095, 0}, /* steps along 0.5, then 0.9 0.5 + 0.5 */
        {sgd, 1, 0, 4, 1 - 0.1 * 0.25, 0.025, 0},
        {nesterov, 2, 0, 0.5, 1 - 0.1 * (0.5 + 0.9 * 0.5 + 0.5 + 0.9 * 0.95), 0.095, 0},
        {adam, 1, 0.5, NAN, 1, 0, 0}, {rmsprop, 1, 0.5, NAN, 1, 0, 0}, {lion, 1, 0.5, INFINITY, 1, 0, 0},
        {sgd, 1, 0.5, NAN, 1, 0, 0}, {nesterov, 1, 0.5, INFINITY, 1, 0, 0}};
    zt_graph_destroy(&g);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(setup(NULL), 0);
        run_optimiser(cases[k].build, cases[k].steps, cases[k].norm, cases[k].decay, cases[k].p, cases[k].m, cases[k].v);
        zt_graph_destroy(&g);
    }
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */
static zt_node *bad_add(void) { return zt_add(ramp(zt_sh(3)), ramp(zt_sh(2, 3))); }
static zt_node *bad_type(void) { return zt_mul(ramp(zt_sh(3)), ids(zt_sh(3), ARRAY(0, 0, 0))); }
static zt_node *bad_sum(void) { return zt_sum_to(ramp(zt_sh(2, 3)), zt_sh(2)); }
static zt_node *bad_broadcast(void) { return zt_broadcast_to(ramp(zt_sh(2)), zt_sh(2, 3)); }
static zt_node *bad_huge(void) { return zt_broadcast_to(ramp(zt_sh(1)), zt_sh(1LL << 40, 1LL << 40)); }
static zt_node *bad_reshape(void) { return zt_reshape(ramp(zt_sh(6)), zt_sh(4)); }
static zt_node *bad_permute(void) { return zt_permute(ramp(zt_sh(2, 3)), (const int[]){1, 1}); }
static zt_node *bad_slice(void) { return zt_slice(ramp(zt_sh(6)), 0, 4, 3); }
static zt_node *bad_axis(void) { return zt_slice(ramp(zt_sh(6)), 1, 0, 1); }
static zt_node *bad_pad(void) { return zt_pad(ramp(zt_sh(6)), 0, -1, 0); }
static zt_node *bad_concat(void) { return zt_concat(0, 2, (zt_node *[]){ramp(zt_sh(2, 3)), ramp(zt_sh(2, 2))}); }
static zt_node *bad_pool(void) { return zt_pool_sum(ramp(zt_sh(1, 1, 3, 2, 1)), 1, 2, 2); }
static zt_node *bad_upsample(void) { return zt_upsample(ramp(zt_sh(1, 1, 3, 2, 1)), 1, 0, 2); }
static zt_node *bad_s2d(void) { return zt_space_to_depth(ramp(zt_sh(1, 1, 3, 2, 1)), 1, 2, 2); }
static zt_node *bad_d2s(void) { return zt_depth_to_space(ramp(zt_sh(1, 1, 1, 1, 6)), 1, 2, 2); }
static zt_node *bad_matmul(void) { return zt_matmul(ramp(zt_sh(2, 3)), ramp(zt_sh(2, 3)), false, false); }
static zt_node *bad_bias(void) { return zt_linear_op(ramp(zt_sh(2, 3)), ramp(zt_sh(3, 2)), ramp(zt_sh(3))); }
static zt_node *bad_conv(void) {
    return zt_conv(ramp(zt_sh(1, 1, 2, 2, 1)), ramp(zt_sh(1, 3, 3, 1, 1)), NULL, &(zt_conv_cfg){.stride = {1, 1, 1}});
}
static zt_node *bad_stride(void) {
    return zt_conv(ramp(zt_sh(1, 1, 2, 2, 1)), ramp(zt_sh(1, 1, 1, 1, 1)), NULL, &(zt_conv_cfg){.stride = {0}});
}
static zt_node *bad_channels(void) {
    return zt_conv(ramp(zt_sh(1, 1, 2, 2, 2)), ramp(zt_sh(1, 1, 1, 1, 1)), NULL, &(zt_conv_cfg){.stride = {1, 1, 1}});
}
static zt_node *bad_extra(void) {
    return zt_conv_transpose(ramp(zt_sh(1, 1, 2, 2, 1)), ramp(zt_sh(1, 1, 1, 1, 1)), NULL, &(zt_conv_cfg){.stride = {1, 1, 1}},
                             (int[]){0, 0, 1});
}
static zt_node *bad_reflect(void) { return zt_pad_edge(ROW(1, 2, 3), (int[]){0, 0, 3}, (int[]){0, 0, 0}, ZT_REFLECT); }
static zt_node *bad_edge(void) { return zt_pad_edge(ROW(1, 2, 3), (int[]){0, 0, 0}, (int[]){0, 0, -1}, ZT_REPLICATE); }
static zt_node *bad_rule(void) { return zt_resize(ROW(1, 2, 3), 1, 1, 2, ZT_MEAN); }
static zt_node *bad_clip(void) { return zt_resize(ramp(zt_sh(1, 2, 3, 1)), 1, 1, 2, ZT_LINEAR); }
static zt_node *bad_means(void) {
    return zt_avg_pool_windows(ROW(1, 2), (int[]){1, 1, 3}, &(zt_conv_cfg){.stride = {1, 1, 1}}, true);
}
static zt_node *bad_pads(void) {
    return zt_max_pool(ROW(1, 2), (int[]){1, 1, 2}, &(zt_conv_cfg){.stride = {1, 1, 1}, .pad_before = {0, 0, 2}});
}
static zt_node *bad_window(void) { return zt_max_pool(ROW(1, 2), (int[]){1, 1, 3}, &(zt_conv_cfg){.stride = {1, 1, 1}}); }
static zt_node *bad_grid(void) { return zt_grid_sample(ROW(1, 2), ramp(zt_sh(1, 1, 1, 2, 2)), true); }
static zt_node *bad_batch(void) { return zt_grid_sample(ROW(1, 2), ramp(zt_sh(2, 1, 1, 2, 3)), true); }
static zt_node *bad_flow(void) { return zt_warp(ROW(1, 2), ramp(zt_sh(1, 1, 1, 2, 3)), true); }
static zt_node *bad_groups(void) { return zt_group_norm(ramp(zt_sh(2, 6)), NULL, NULL, NULL, NULL, 4, 1e-5, 0); }
static zt_node *bad_pair(void) { return zt_group_norm(ramp(zt_sh(2, 6)), ramp(zt_sh(6)), NULL, NULL, NULL, 2, 1e-5, 0); }
static zt_node *bad_eps(void) { return zt_layer_norm(ramp(zt_sh(2, 6)), NULL, NULL, NULL, NULL, 0); }
static zt_node *bad_scale(void) { return zt_layer_norm(ramp(zt_sh(2, 6)), NULL, NULL, ramp(zt_sh(6)), ramp(zt_sh(6)), 1e-5); }
static zt_node *bad_dim(void) { return zt_rms_norm(ramp(zt_sh(2, 6)), NULL, 4, 1e-5); }
static zt_node *bad_heads(void) {
    zt_node *q = ramp(zt_sh(1, 2, 1, 6));
    return zt_attention(q, q, q, 4, NULL, NULL);
}
static zt_node *bad_keys(void) {
    zt_node *q = ramp(zt_sh(1, 2, 1, 6));
    return zt_attention(q, ramp(zt_sh(1, 3, 1, 4)), q, 1, NULL, NULL);
}
static zt_node *bad_len(void) {
    zt_node *q = ramp(zt_sh(1, 2, 1, 6));
    return zt_attention(q, q, q, 1, NULL, ramp(zt_sh(1)));
}
static zt_node *bad_rope(void) { return zt_rope(ramp(zt_sh(1, 2, 6)), ramp(zt_sh(2, 1)), 2, false); }
static zt_node *bad_ids(void) { return zt_embedding(ramp(zt_sh(2)), ramp(zt_sh(2, 2))); }
static zt_node *bad_width(void) { return zt_timestep(ramp(zt_sh(2)), 3, 1); }
static zt_node *bad_where(void) { return zt_where(ramp(zt_sh(2, 3)), ramp(zt_sh(2, 3)), ramp(zt_sh(3))); }
static zt_node *bad_through(void) { return zt_straight_through(ramp(zt_sh(3)), ramp(zt_sh(2))); }
static zt_node *bad_one_hot(void) { return zt_one_hot(ramp(zt_sh(2)), 3); }
static zt_node *bad_seed(void) { return zt_uniform(ids(zt_sh(3), ARRAY(0, 0, 0)), zt_sh(2), 0); }
static zt_node *bad_dropout(void) { return zt_dropout(ramp(zt_sh(3)), 1, ids(zt_sh(2), ARRAY(0, 0)), 0); }
static zt_node *bad_lion(void) {
    zt_node *p = zt_param(g, "p", zt_sh(2));
    return zt_lion(p, zt_state(g, "m", zt_sh(2)), ramp(zt_sh(3)), ramp(zt_sh(8)), zt_scalar(g, 1), true);
}
static zt_node *bad_leaf(void) {
    zt_node *x = ramp(zt_sh(2));
    return zt_adamw(x, x, x, x, ramp(zt_sh(8)), zt_scalar(g, 1), true);
}

static void go_on(zt_node *y) {
    zt_space_to_depth(zt_add(zt_mean(y), y), 1, 2, 2);
}
static void errors_name_the_op(void **state) {
    (void)state;
    static const error_case cases[] = {
        {bad_add, ZT_SHAPE, "add"}, {bad_type, ZT_ARG, "mul"}, {bad_sum, ZT_SHAPE, "sum_to"},
        {bad_broadcast, ZT_SHAPE, "broadcast_to"}, {bad_huge, ZT_SHAPE, "2^40"}, {bad_reshape, ZT_SHAPE, "reshape"},
        {bad_permute, ZT_SHAPE, "permute"}, {bad_slice, ZT_SHAPE, "slice"}, {bad_axis, ZT_SHAPE, "axis 1"},
        {bad_pad, ZT_SHAPE, "pad"}, {bad_concat, ZT_SHAPE, "concat"}, {bad_pool, ZT_SHAPE, "pool_sum"},
        {bad_upsample, ZT_SHAPE, "upsample"}, {bad_s2d, ZT_SHAPE, "space_to_depth"}, {bad_d2s, ZT_SHAPE, "depth_to_space"},
        {bad_matmul, ZT_SHAPE, "matmul"}, {bad_bias, ZT_SHAPE, "bias"}, {bad_conv, ZT_SHAPE, "kernel 3"},
        {bad_extra, ZT_SHAPE, "extra 1"}, {bad_reflect, ZT_SHAPE, "size - 1"}, {bad_edge, ZT_SHAPE, "negative"},
        {bad_rule, ZT_ARG, "rule 4"}, {bad_clip, ZT_SHAPE, "resize"}, {bad_means, ZT_SHAPE, "means of 3"},
        {bad_pads, ZT_SHAPE, "below the kernel"}, {bad_window, ZT_SHAPE, "kernel 3"}, {bad_grid, ZT_SHAPE, "grid must be"},
        {bad_batch, ZT_SHAPE, "[1,T'"}, {bad_flow, ZT_SHAPE, "warp"},
        {bad_stride, ZT_SHAPE, "stride 0"}, {bad_channels, ZT_SHAPE, "2 channels"}, {bad_groups, ZT_SHAPE, "4 groups"},
        {bad_pair, ZT_ARG, "together"}, {bad_eps, ZT_ARG, "eps"}, {bad_scale, ZT_SHAPE, "scale"},
        {bad_dim, ZT_SHAPE, "rms_norm"}, {bad_heads, ZT_SHAPE, "4 heads"}, {bad_keys, ZT_SHAPE, "attention"},
        {bad_len, ZT_ARG, "len"}, {bad_rope, ZT_SHAPE, "rope"}, {bad_ids, ZT_ARG, "ids"}, {bad_width, ZT_SHAPE, "even"},
        {bad_where, ZT_SHAPE, "where: input 2"}, {bad_through, ZT_SHAPE, "straight_through"}, {bad_one_hot, ZT_ARG, "ids"},
        {bad_seed, ZT_ARG, "seed"}, {bad_dropout, ZT_ARG, "dropped"}, {bad_lion, ZT_SHAPE, "lion: g"},
        {bad_leaf, ZT_ARG, "in place"}};
    expect_errors(cases, sizeof cases / sizeof *cases, go_on);
}

static void flops_are_counted(void **state) {
    (void)state;
    zt_node *x = ramp(zt_sh(1, 2, 3, 4, 5)), *w = ramp(zt_sh(1, 3, 3, 5, 7)), *dx[3];
    zt_node *y = zt_conv(x, w, NULL, &(zt_conv_cfg){.stride = {1, 1, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}});
    const int64_t macs = 2 * 3 * 4 * 7 * 9 * 5;
    assert_int_equal(y->op->flops(y), 2 * macs);
    y->op->grad(y, y, dx);
    assert_int_equal(dx[0]->op->flops(dx[0]), 2 * macs);
    assert_int_equal(dx[1]->op->flops(dx[1]), 2 * macs);
    zt_node *m = zt_matmul(ramp(zt_sh(2, 3, 5)), ramp(zt_sh(2, 3, 7)), true, false);
    assert_int_equal(m->op->flops(m), 2 * 5 * 7 * 6);
    zt_node *q = ramp(zt_sh(2, 3, 2, 4)), *k = ramp(zt_sh(2, 5, 2, 4)), *a = zt_attention(q, k, k, 2, NULL, NULL);
    assert_int_equal(a->op->flops(a), 4 * 2 * 2 * 3 * 5 * 4);
    a->op->grad(a, a, dx);
    assert_int_equal(dx[0]->op->flops(dx[0]), 8 * 2 * 2 * 3 * 5 * 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(elementwise), TEST(functions_and_choices), TEST(activations), TEST(random_numbers), TEST(reductions_and_layout),
        TEST(resampling), TEST(pooling), TEST(sampling),
        TEST(products), TEST(norms), TEST(attention), TEST(embeddings), TEST(adamw_steps), TEST(adamw_decays_and_clips),
        TEST(adamw_skips_infinite), TEST(adamw_skips_nan), TEST(optimisers), TEST(errors_name_the_op), TEST(flops_are_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
