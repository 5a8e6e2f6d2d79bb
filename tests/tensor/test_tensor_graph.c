/* test_tensor_graph.c - graphs, gradients of gradients, plans: order, memory reuse, sticky errors, NaN naming. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "ops/ops.h"
#include "tensor/layout.h"
#include "tensor/plan.h"

static zt_graph *graph(zt_dtype real) {
    zt_graph *g;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_graph_set_real(g, real);
    return g;
}

/* d2/dx2 of x^3 is 6x: a gradient is ordinary graph. */
static void test_gradient_of_gradient(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F64);
    zt_node *x = zt_input(g, "x", ZT_F64, zt_shape_of(0, NULL)), *dx, *ddx;
    zt_node *y = zt_mul(zt_square(x), x);
    assert_int_equal(zt_grad(y, 1, &x, &dx), ZT_OK);
    assert_int_equal(zt_grad(dx, 1, &x, &ddx), ZT_OK);
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 2, (zt_node *const[]){dx, ddx}, &(zt_plan_cfg){0}), ZT_OK);
    *(double *)x->x = 1.5;
    assert_int_equal(zt_plan_run(p), ZT_OK);
    assert_true(fabs(*(double *)dx->x - 3 * 1.5 * 1.5) < 1e-12);
    assert_true(fabs(*(double *)ddx->x - 6 * 1.5) < 1e-12);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void test_unrelated_gradient_is_zero(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F32);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(3)), *z = zt_input(g, "z", ZT_F32, zt_sh(2)), *d[2];
    zt_node *y = zt_sum(zt_square(x));
    assert_int_equal(zt_grad(y, 2, (zt_node *const[]){x, z}, d), ZT_OK);
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 2, d, &(zt_plan_cfg){0}), ZT_OK);
    for (int k = 0; k < 3; k++) ((float *)x->x)[k] = (float)k;
    assert_int_equal(zt_plan_run(p), ZT_OK);
    assert_true(((float *)d[0]->x)[2] == 4 && ((float *)d[1]->x)[0] == 0 && ((float *)d[1]->x)[1] == 0);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

/* x [7] in ranges 0..1, 2..4 and 5, a hole at 6: their gradients are put together, only the hole is padded. A range that meets
 * another, and what does not come of a slice, are added. */
static void test_gradients_of_slices_are_put_together(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        zt_graph *g = graph(ZT_F64);
        zt_node *x = zt_input(g, "x", ZT_F64, zt_sh(7)), *dx;
        zt_node *y = zt_sum(zt_square(zt_slice(x, 0, 2, 3)));
        y = zt_add(y, zt_sum(zt_affine(zt_slice(x, 0, 5, 1), 3, 0)));
        y = zt_add(y, zt_sum(zt_affine(zt_slice(x, 0, 0, 2), 5, 0)));
        if (more) y = zt_add(y, zt_add(zt_sum(zt_affine(zt_slice(x, 0, 1, 2), 7, 0)), zt_sum(zt_affine(x, 11, 0))));
        assert_int_equal(zt_grad(y, 1, &x, &dx), ZT_OK);
        if (!more) {
            assert_string_equal(dx->op->name, "concat");
            assert_int_equal(dx->n_in, 3);
            assert_string_not_equal(dx->in[0]->op->name, "pad");
            assert_string_equal(dx->in[2]->op->name, "pad");
        }
        zt_plan *p;
        assert_int_equal(zt_plan_create(&p, g, 1, &dx, &(zt_plan_cfg){0}), ZT_OK);
        for (int k = 0; k < 7; k++) ((double *)x->x)[k] = k + 1;
        assert_int_equal(zt_plan_run(p), ZT_OK);
        static const double want[2][7] = {{5, 5, 6, 8, 10, 3, 0}, {16, 23, 24, 19, 21, 14, 11}};
        for (int k = 0; k < 7; k++) assert_true(((double *)dx->x)[k] == want[more][k]);
        zt_plan_destroy(&p);
        zt_graph_destroy(&g);
    }
}

static void test_errors_stick_with_scope(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F32);
    zt_push(g, "blocks.%d", 3);
    zt_node *a = zt_input(g, "a", ZT_F32, zt_sh(2, 3)), *b = zt_input(g, "b", ZT_F32, zt_sh(5));
    zt_node *c = zt_add(a, b);
    zt_pop(g);
    assert_non_null(c);
    zt_add(zt_matmul(c, c, false, true), c);                    /* no crash on the dead node */
    assert_int_equal(zt_graph_error(g), ZT_SHAPE);
    assert_non_null(strstr(zt_err_text(), "blocks.3"));
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 1, &c, &(zt_plan_cfg){0}), ZT_SHAPE);
    assert_null(p);
    zt_graph_destroy(&g);
}

/* A chain of n element-wise ops needs one buffer, not n; results stay right. */
static void test_memory_is_reused(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F32);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(1000)), *y = zt_affine(x, 1, 1);
    for (int k = 0; k < 50; k++) y = zt_affine(y, 1, 1);
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){0}), ZT_OK);
    assert_true(zt_plan_get_info(p)->arena_bytes <= 2 * 4096);
    ((float *)x->x)[7] = 2;
    assert_int_equal(zt_plan_run(p), ZT_OK);
    assert_true(((float *)y->x)[7] == 53 && ((float *)x->x)[7] == 2);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void test_placement_never_overlaps(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(5, 0);
    for (int round = 0; round < 200; round++) {
        zt_block b[40];
        int64_t total, live_max = 0;
        for (int k = 0; k < 40; k++) {
            b[k] = (zt_block){.bytes = zt_rng_int(&r, 1, 5000), .first = (int)zt_rng_int(&r, 0, 30)};
            b[k].last = b[k].first + (int)zt_rng_int(&r, 0, 10);
        }
        assert_int_equal(zt_layout_place(b, 40, &total), ZT_OK);
        for (int i = 0; i < 40; i++) {
            assert_true(b[i].offset >= 0 && b[i].offset % 64 == 0 && b[i].offset + b[i].bytes <= total);
            for (int j = 0; j < i; j++) {
                const bool together = b[i].first <= b[j].last && b[j].first <= b[i].last;
                const bool apart = b[i].offset + b[i].bytes <= b[j].offset || b[j].offset + b[j].bytes <= b[i].offset;
                assert_true(!together || apart);
            }
        }
        for (int t = 0; t < 41; t++) {
            int64_t live = 0;
            for (int k = 0; k < 40; k++) live += b[k].first <= t && t <= b[k].last ? b[k].bytes : 0;
            live_max = live > live_max ? live : live_max;
        }
        assert_true(total < 2 * live_max + 40 * 64);            /* not wasteful either */
    }
}

static void test_nan_names_its_node(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F32);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(4));
    zt_push(g, "head");
    zt_node *y = zt_sum(zt_ln(x));
    zt_pop(g);
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){0}), ZT_OK);
    for (int k = 0; k < 4; k++) ((float *)x->x)[k] = 1;
    assert_int_equal(zt_plan_run_checked(p), ZT_OK);
    ((float *)x->x)[2] = -1;
    assert_int_equal(zt_plan_run_checked(p), ZT_NONFINITE);
    assert_non_null(strstr(zt_err_text(), "head"));
    assert_non_null(strstr(zt_err_text(), "log"));
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void test_params_must_fit(void **state) {
    (void)state;
    zt_graph *g = graph(ZT_F32);
    zt_tset set = {0};
    zt_node *y = zt_sum(zt_param(g, "w", zt_sh(3)));
    zt_plan *p;
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.params = &set}), ZT_NOTFOUND);
    assert_int_equal(zt_tset_add(&set, "w", ZT_F32, zt_sh(4), NULL), ZT_OK);
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.params = &set}), ZT_SHAPE);
    assert_int_equal(zt_tset_add(&set, "w", ZT_F32, zt_sh(4), NULL), ZT_ARG);
    zt_tset_finish(&set);
    zt_graph_destroy(&g);
}

static void test_tset_share_and_many(void **state) {
    (void)state;
    zt_tset a = {0}, b = {0};
    char name[32];
    for (int k = 0; k < 500; k++) {
        snprintf(name, sizeof name, "%s%d", k % 2 ? "ema." : "opt.", k);
        assert_int_equal(zt_tset_add(&a, name, ZT_F32, zt_sh(k + 1), NULL), ZT_OK);
    }
    assert_int_equal(zt_tset_share(&b, &a, "ema."), ZT_OK);
    assert_int_equal(b.n, 250);
    assert_ptr_equal(zt_tset_find(&b, "33")->data, zt_tset_find(&a, "ema.33")->data);
    assert_null(zt_tset_find(&b, "34"));
    zt_tset_finish(&b);
    zt_tset_finish(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_of_gradient),   cmocka_unit_test(test_unrelated_gradient_is_zero),
        cmocka_unit_test(test_gradients_of_slices_are_put_together),
        cmocka_unit_test(test_errors_stick_with_scope), cmocka_unit_test(test_memory_is_reused),
        cmocka_unit_test(test_placement_never_overlaps), cmocka_unit_test(test_nan_names_its_node),
        cmocka_unit_test(test_params_must_fit),         cmocka_unit_test(test_tset_share_and_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
