/* test_ops_muon.c - the Muon step on small matrices, with the plain references in f64: the direction is nearly orthogonal, has
 * the promised size, does not depend on the gradient's scale, and a non-finite norm moves nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "tensor/plan.h"
#include "ops/ops.h"

enum { MOST = 12 * 20 };
static const double LR = 0.1, BETA = 0.95;

/* One step from p = 0, m = 0 with the gradient g [sh]; what was added to p. */
static void step(zt_shape sh, const double *g, double norm, double decay, double *moved) {
    const int64_t n = zt_numel(&sh);
    zt_graph *graph = NULL;
    zt_plan *plan = NULL;
    zt_tset params = {0}, states = {0};
    assert_int_equal(zt_graph_create(&graph), ZT_OK);
    zt_graph_set_real(graph, ZT_F64);
    assert_int_equal(zt_tset_add(&params, "p", ZT_F64, sh, NULL), ZT_OK);
    assert_int_equal(zt_tset_add(&states, "m", ZT_F64, sh, NULL), ZT_OK);
    double *p = zt_tset_find(&params, "p")->data;
    for (int64_t k = 0; k < n; k++) p[k] = decay != 0;
    const double hyper[8] = {LR, 0.9, 0.99, 1e-8, decay, 1, 1, 0};
    zt_node *w = zt_param(graph, "p", sh), *m = zt_state(graph, "m", sh), *d = zt_const(graph, ZT_F64, sh, g);
    zt_node *out = zt_muon(1, &w, &m, &d, zt_const(graph, ZT_F64, zt_sh(8), hyper), zt_scalar(graph, norm), BETA);
    assert_int_equal(zt_plan_create(&plan, graph, 1, &out, &(zt_plan_cfg){.params = &params, .states = &states}), ZT_OK);
    assert_int_equal(zt_plan_run(plan), ZT_OK);
    for (int64_t k = 0; k < n; k++) moved[k] = p[k] - (decay != 0);
    zt_plan_destroy(&plan);
    zt_graph_destroy(&graph);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
}

static void noise(double *g, int64_t n) {
    zt_rng r = zt_rng_init(3, (uint64_t)n);
    for (int64_t k = 0; k < n; k++) g[k] = zt_rng_normal(&r);
}

/* Whichever side is shorter, its rows (or columns) come out nearly orthogonal, of about the length 0.2 lr sqrt(longer side). */
static void check_orthogonal(zt_shape sh) {
    const int64_t cols = zt_last(&sh), rows = zt_numel(&sh) / cols, few = rows < cols ? rows : cols, many = rows + cols - few;
    double g[MOST], u[MOST];
    noise(g, rows * cols);
    step(sh, g, 1, 0, u);
    double along = 0;
    for (int64_t k = 0; k < rows * cols; k++) along += g[k] * u[k];
    assert_true(along < 0);                                                                    /* it descends */
    for (int64_t a = 0; a < few; a++)
        for (int64_t b = 0; b <= a; b++) {
            double dot = 0;
            for (int64_t k = 0; k < many; k++)
                dot += rows < cols ? u[a * cols + k] * u[b * cols + k] : u[k * cols + a] * u[k * cols + b];
            dot /= LR * LR * 0.04 * (double)many;
            if (a == b) assert_true(dot > 0.45 && dot < 1.5);                                  /* singular values 0.7 to 1.2 */
            else assert_true(fabs(dot) < 0.4);
        }
}
static void tall_wide_and_kernels(void **state) {
    (void)state;
    check_orthogonal(zt_sh(20, 12));
    check_orthogonal(zt_sh(5, 20));
    check_orthogonal(zt_sh(8, 8));
    check_orthogonal(zt_sh(1, 3, 3, 2, 4));
    check_orthogonal(zt_sh(1, 7));
}

static void scale_does_not_matter(void **state) {
    (void)state;
    double g[60], u[60], v[60];
    noise(g, 60);
    step(zt_sh(10, 6), g, 1, 0, u);
    for (int k = 0; k < 60; k++) g[k] *= 1e-3;
    step(zt_sh(10, 6), g, 1, 0, v);
    for (int k = 0; k < 60; k++) assert_float_equal(u[k], v[k], 1e-8);
}

static void decay_shrinks(void **state) {
    (void)state;
    double g[60], u[60], v[60];
    noise(g, 60);
    step(zt_sh(10, 6), g, 1, 0, u);
    step(zt_sh(10, 6), g, 1, 0.5, v);
    for (int k = 0; k < 60; k++) assert_float_equal(v[k], u[k] - LR * 0.5, 1e-12);
}

static void nothing_moves_after_an_explosion(void **state) {
    (void)state;
    double g[60], u[60];
    noise(g, 60);
    g[3] = NAN;
    step(zt_sh(10, 6), g, NAN, 0.5, u);
    for (int k = 0; k < 60; k++) assert_true(u[k] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tall_wide_and_kernels), cmocka_unit_test(scale_does_not_matter),
                                       cmocka_unit_test(decay_shrinks), cmocka_unit_test(nothing_moves_after_an_explosion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
