/* expect.h - for tests of what ops compute: a fresh f64 graph for each test, constants, and nodes against given numbers. */
#ifndef ZT_TESTS_EXPECT_H
#define ZT_TESTS_EXPECT_H
#include <math.h>
#include <string.h>
#include "ops/ops.h"
#include "tensor/plan.h"

static zt_graph *g;

static int setup(void **state) {
    (void)state;
    if (zt_graph_create(&g) != ZT_OK) return 1;
    zt_graph_set_real(g, ZT_F64);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    zt_graph_destroy(&g);
    return 0;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#define ARRAY(...) (const double[]){__VA_ARGS__}
static inline zt_node *leaf(zt_shape sh, const double *v) { return zt_const(g, ZT_F64, sh, v); }
static inline zt_node *ids(zt_shape sh, const double *v) { return zt_const(g, ZT_I32, sh, v); }
static inline zt_node *ramp(zt_shape sh) { /* 0, 1, 2, ... */
    double v[512];
    for (int k = 0; k < 512; k++) v[k] = k;
    return leaf(sh, v);
}

/** y has shape sh and the values want. */
static inline void expect(zt_node *y, zt_shape sh, const double *want) {
    zt_plan *p = NULL;
    zt_err e = zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.no_reuse = true});
    if (e == ZT_OK) e = zt_plan_run(p);
    if (e != ZT_OK) fail_msg("%s", zt_err_text());
    assert_string_equal(zt_shape_text(&y->sh), zt_shape_text(&sh));
    for (int64_t k = 0; k < zt_numel(&sh); k++) {
        const double v = y->dtype == ZT_I32 ? ((int32_t *)y->x)[k] : ((double *)y->x)[k];
        if (!(fabs(v - want[k]) <= 1e-9)) fail_msg("element %d is %.12g; wanted %.12g", (int)k, v, want[k]);
    }
    zt_plan_destroy(&p);
}
#define EXPECT(y, sh, ...) expect(y, sh, ARRAY(__VA_ARGS__))
#define EXPECT_SCALAR(y, ...) expect(y, zt_shape_of(0, NULL), ARRAY(__VA_ARGS__))

/** The gradient of sum(y) by x has x's shape and the values want. */
static inline void expect_gradient(zt_node *y, zt_node *x, const double *want) {
    zt_node *dx = NULL;
    if (zt_grad(zt_sum(y), 1, &x, &dx) != ZT_OK) fail_msg("%s", zt_err_text());
    expect(dx, x->sh, want);
}
#define EXPECT_GRADIENT(y, x, ...) expect_gradient(y, x, ARRAY(__VA_ARGS__))

/** Every builder leaves its graph with the code and a text that holds `text`; then `later` goes on with what it returned:
 *  builders live with a dead graph. */
typedef struct error_case { zt_node *(*build)(void); zt_err e; const char *text; } error_case;
static inline void expect_errors(const error_case *cases, size_t n, void (*later)(zt_node *y)) {
    for (size_t k = 0; k < n; k++) {
        zt_graph_destroy(&g);
        assert_int_equal(setup(NULL), 0);
        zt_node *y = cases[k].build();
        if (zt_graph_error(g) != cases[k].e || !strstr(zt_err_text(), cases[k].text))
            fail_msg("case %d: code %s, text '%s'; wanted %s and '%s'", (int)k, zt_err_name(zt_graph_error(g)), zt_err_text(),
                     zt_err_name(cases[k].e), cases[k].text);
        later(y);
        assert_int_equal(zt_graph_error(g), cases[k].e);
    }
}
#endif
