/* test_ops_index.c - softmax, maxima, look-up and what is composed of them, statistics over axes, assignment: hand-made numbers,
 * gradients where the sweep cannot go (it would cross the kinks of a maximum), errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "expect.h"

static zt_node *weighted(zt_node *y, const double *w) { return zt_mul(y, leaf(y->sh, w)); }

static void softmax_and_logarithm(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 3), ARRAY(log(1), log(2), log(5), -1000, 1000, 1000));
    EXPECT(zt_softmax(x), zt_sh(2, 3), 0.125, 0.25, 0.625, 0, 0.5, 0.5);
    EXPECT(zt_log_softmax(x), zt_sh(2, 3), log(0.125), log(0.25), log(0.625), -2000 - log(2), -log(2), -log(2));
    EXPECT(zt_log_sum_exp(x), zt_sh(2, 1), log(8), 1000 + log(2));
    EXPECT(zt_softmax(zt_scalar(g, 7)), zt_shape_of(0, NULL), 1);
    EXPECT(zt_log_sum_exp(leaf(zt_sh(3), ARRAY(-INFINITY, 0, 0))), zt_sh(1), log(2));
}

/* d lse = softmax, d2 lse along x = sum w (p w - p (p.w)) */
static void log_sum_exp_has_second_derivatives(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(1, 3), ARRAY(log(1), log(2), log(5))), *dx;
    EXPECT_GRADIENT(zt_log_sum_exp(x), x, 0.125, 0.25, 0.625);
    assert_int_equal(zt_grad(zt_sum(zt_log_sum_exp(x)), 1, &x, &dx), ZT_OK);
    const double mean = 0.125 * 1 + 0.25 * 2 + 0.625 * -1;
    EXPECT_GRADIENT(weighted(dx, ARRAY(1, 2, -1)), x, 0.125 * (1 - mean), 0.25 * (2 - mean), 0.625 * (-1 - mean));
}

static void the_largest(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 4), ARRAY(3, 7, 7, 1, -INFINITY, NAN, -2, -5)), *at;
    EXPECT(zt_top_k_index(x, 4), zt_sh(2, 4), 1, 2, 0, 3, 2, 3, 0, 1);
    EXPECT(zt_argmax(x), zt_sh(2), 1, 2);
    EXPECT(zt_top_k(x, 2, &at), zt_sh(2, 2), 7, 7, -2, -5);
    EXPECT(at, zt_sh(2, 2), 1, 2, 2, 3);
    EXPECT(zt_argmax(leaf(zt_sh(3), ARRAY(NAN, NAN, NAN))), zt_shape_of(0, NULL), 0);
}

static void extremes_over_axes(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 3, 2), ARRAY(1, 9, 5, 2, 5, 9, -1, -9, -5, -2, -5, -3));
    EXPECT(zt_max(x, -1), zt_sh(2, 3, 1), 9, 5, 9, -1, -2, -3);
    EXPECT(zt_max(x, 1), zt_sh(2, 1, 2), 5, 9, -1, -2);
    EXPECT(zt_max(x, 0), zt_sh(1, 3, 2), 1, 9, 5, 2, 5, 9);
    EXPECT(zt_min(x, 1), zt_sh(2, 1, 2), 1, 2, -5, -9);
    EXPECT_GRADIENT(weighted(zt_max(x, 1), ARRAY(1, 2, 3, 4)), x, 0, 2, 1, 0, 0, 0, 3, 0, 0, 4, 0, 0); /* first of ties */
    EXPECT_GRADIENT(weighted(zt_min(x, 1), ARRAY(1, 2, 3, 4)), x, 1, 0, 0, 2, 0, 0, 0, 4, 3, 0, 0, 0);
    EXPECT_GRADIENT(zt_top_k(zt_square(x), 1, NULL), x, 0, 18, 10, 0, 0, 18, 0, -18, -10, 0, -10, 0);
}

static void look_up(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 3), ARRAY(1, 2, 3, 4, 5, 6)), *at = ids(zt_sh(2, 4), ARRAY(2, 0, 2, -1, 3, 1, 1, 1));
    EXPECT(zt_gather(x, at), zt_sh(2, 4), 3, 1, 3, 0, 0, 5, 5, 5);
    EXPECT(zt_scatter_add(ramp(zt_sh(2, 4)), at, 3), zt_sh(2, 3), 1, 0, 2, 0, 18, 0);
    EXPECT_GRADIENT(weighted(zt_gather(x, at), ARRAY(1, 2, 3, 4, 5, 6, 7, 8)), x, 2, 0, 4, 0, 21, 0);
}

static void running_sums(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 3), ARRAY(1, 2, 3, 10, 20, 30));
    EXPECT(zt_cumsum(x, -1, false, false), zt_sh(2, 3), 1, 3, 6, 10, 30, 60);
    EXPECT(zt_cumsum(x, -1, true, false), zt_sh(2, 3), 0, 1, 3, 0, 10, 30);
    EXPECT(zt_cumsum(x, 1, false, true), zt_sh(2, 3), 6, 5, 3, 60, 50, 30);
    EXPECT(zt_cumsum(x, 1, true, true), zt_sh(2, 3), 5, 3, 0, 50, 30, 0);
    EXPECT(zt_cumsum(x, 0, false, false), zt_sh(2, 3), 1, 2, 3, 11, 22, 33);
}

static void statistics(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2, 2, 2), ARRAY(1, 2, 3, 6, 5, 0, 7, 4));
    EXPECT(zt_mean_to(x, zt_sh(2, 1, 1)), zt_sh(2, 1, 1), 3, 4);
    EXPECT(zt_mean_to(x, zt_sh(2)), zt_sh(2), 4, 3);
    EXPECT(zt_variance_to(x, zt_sh(2, 1, 1)), zt_sh(2, 1, 1), 3.5, 6.5);
    EXPECT(zt_variance_to(x, zt_shape_of(0, NULL)), zt_shape_of(0, NULL), 5.25);
}

/* Draws come out as often as softmax says, also of what keep_top_k leaves. */
static void draws(void **state) {
    (void)state;
    enum { N = 20000, V = 4 };
    double *u = zt_graph_alloc(g, sizeof *u * N * V);
    zt_rng r = zt_rng_init(1, 2);
    for (int k = 0; k < N * V; k++) u[k] = k < 2 * V ? k % 2 : zt_rng_uniform(&r);   /* 0 and 1 themselves are survived */
    zt_node *logits = zt_broadcast_to(leaf(zt_sh(V), ARRAY(log(0.1), log(0.4), log(0.2), log(0.3))), zt_sh(N, V));
    zt_node *noise = leaf(zt_sh(N, V), u);
    zt_node *out[2] = {zt_sample_categorical(logits, noise), zt_sample_categorical(zt_keep_top_k(logits, 2), noise)};
    const double want[2][V] = {{0.1, 0.4, 0.2, 0.3}, {0, 4.0 / 7, 0, 3.0 / 7}};
    zt_plan *p = NULL;
    assert_int_equal(zt_plan_create(&p, g, 2, out, &(zt_plan_cfg){0}), ZT_OK);
    assert_int_equal(zt_plan_run(p), ZT_OK);
    for (int j = 0; j < 2; j++) {
        double often[V] = {0};
        for (int k = 0; k < N; k++) often[((int32_t *)out[j]->x)[k]] += 1.0 / N;
        for (int v = 0; v < V; v++)
            if (!(fabs(often[v] - want[j][v]) <= 0.01)) fail_msg("draw %d: %d comes up %.4f of the time", j, v, often[v]);
    }
    zt_plan_destroy(&p);
}

static void kept_logits(void **state) {
    (void)state;
    zt_node *y = zt_keep_top_k(leaf(zt_sh(2, 4), ARRAY(1, 3, 2, 2, 4, 3, 2, 1)), 2);
    EXPECT(zt_affine(y, 1e-30, 0), zt_sh(2, 4), -1, 0, 0, 0, 0, 0, -1, -1);
    EXPECT(zt_softmax(y), zt_sh(2, 4), 0, 1 / (1 + 2 * exp(-1)), exp(-1) / (1 + 2 * exp(-1)), exp(-1) / (1 + 2 * exp(-1)),
           1 / (1 + exp(-1)), exp(-1) / (1 + exp(-1)), 0, 0); /* what equals the second largest stays */
}

static void codes(void **state) {
    (void)state;
    zt_node *book = leaf(zt_sh(3, 2), ARRAY(0, 0, 10, 0, 0, 1));
    EXPECT(zt_nearest_code(leaf(zt_sh(2, 2, 2), ARRAY(1, 0, 6, 0, 0.4, 0.6, -9, 0.4)), book), zt_sh(2, 2), 0, 1, 2, 0);
    EXPECT(zt_nearest_code(leaf(zt_sh(2), ARRAY(3, 3)), book), zt_shape_of(0, NULL), 2);
}

static void gradients_stop(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(2), ARRAY(3, -2));
    EXPECT_GRADIENT(zt_mul(x, zt_stop_gradient(x)), x, 3, -2);
    EXPECT_GRADIENT(zt_square(zt_stop_gradient(x)), x, 0, 0);
    zt_node *straight = zt_add(x, zt_stop_gradient(zt_sub(zt_square(x), x))); /* x^2 forward, the identity backward */
    EXPECT(straight, zt_sh(2), 9, 4);
    EXPECT_GRADIENT(weighted(straight, ARRAY(5, 7)), x, 5, 7);
}

/* s counts the runs; what is emitted before the assignment reads the old value. */
static void assignment(void **state) {
    (void)state;
    zt_tset states = {0};
    assert_int_equal(zt_tset_add(&states, "s", ZT_F64, zt_sh(2), NULL), ZT_OK);
    zt_node *s = zt_state(g, "s", zt_sh(2)), *before = zt_affine(s, 10, 0), *out[3] = {before};
    out[1] = zt_assign(s, zt_affine(s, 1, 1));
    out[2] = zt_affine(s, 10, 0);
    zt_plan *p = NULL;
    assert_int_equal(zt_plan_create(&p, g, 3, out, &(zt_plan_cfg){.states = &states}), ZT_OK);
    for (int run = 0; run < 3; run++) {
        assert_int_equal(zt_plan_run(p), ZT_OK);
        assert_float_equal(((double *)out[0]->x)[1], 10 * run, 0);
        assert_float_equal(((double *)out[2]->x)[1], 10 * run + 10, 0);
    }
    assert_float_equal(((double *)zt_tset_find(&states, "s")->data)[0], 3, 0);
    zt_plan_destroy(&p);
    zt_tset_finish(&states);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */
static zt_node *bad_softmax(void) { return zt_softmax(ids(zt_sh(2), ARRAY(0, 1))); }
static zt_node *bad_k(void) { return zt_top_k_index(ramp(zt_sh(2, 3)), 4); }
static zt_node *bad_rank(void) { return zt_argmax(zt_scalar(g, 1)); }
static zt_node *bad_axis(void) { return zt_max(ramp(zt_sh(2, 3)), 2); }
static zt_node *bad_ids(void) { return zt_gather(ramp(zt_sh(2, 3)), ramp(zt_sh(2, 1))); }
static zt_node *bad_rows(void) { return zt_gather(ramp(zt_sh(2, 3)), ids(zt_sh(3, 1), ARRAY(0, 0, 0))); }
static zt_node *bad_scatter(void) { return zt_scatter_add(ramp(zt_sh(2, 3)), ids(zt_sh(2, 1), ARRAY(0, 0)), 4); }
static zt_node *bad_sum_axis(void) { return zt_cumsum(ramp(zt_sh(2, 3)), -3, false, false); }
static zt_node *bad_assign(void) { return zt_assign(ramp(zt_sh(2)), ramp(zt_sh(2))); }
static zt_node *bad_assigned(void) { return zt_assign(zt_state(g, "s", zt_sh(3)), ramp(zt_sh(2))); }
static zt_node *bad_codebook(void) { return zt_nearest_code(ramp(zt_sh(2)), ramp(zt_sh(2))); }

static void go_on(zt_node *y) {
    zt_nearest_code(zt_keep_top_k(zt_log_sum_exp(y), 2), y);
    zt_sample_categorical(zt_cumsum(y, -1, true, true), zt_variance_to(y, zt_sh(3)));
}
static void errors_name_the_op(void **state) {
    (void)state;
    static const error_case cases[] = {
        {bad_softmax, ZT_ARG, "softmax"}, {bad_k, ZT_SHAPE, "it is 4"}, {bad_rank, ZT_SHAPE, "top_k_index"},
        {bad_axis, ZT_SHAPE, "no axis 2"}, {bad_ids, ZT_ARG, "i32"}, {bad_rows, ZT_SHAPE, "gather"},
        {bad_scatter, ZT_SHAPE, "scatter_add"}, {bad_sum_axis, ZT_SHAPE, "cumsum"}, {bad_assign, ZT_ARG, "in place"},
        {bad_assigned, ZT_SHAPE, "assign"}, {bad_codebook, ZT_SHAPE, "codebook"}};
    expect_errors(cases, sizeof cases / sizeof *cases, go_on);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(softmax_and_logarithm), TEST(log_sum_exp_has_second_derivatives), TEST(the_largest), TEST(extremes_over_axes),
        TEST(look_up), TEST(running_sums), TEST(statistics), TEST(draws), TEST(kept_logits), TEST(codes), TEST(gradients_stop),
        TEST(assignment), TEST(errors_name_the_op)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
