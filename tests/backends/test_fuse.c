/* test_fuse.c - chains of element-wise nodes: random graphs give the same bits fused and not, at every processor level, with
 * results stored as bf16, with storage shared; nothing moves past a write; a checked run names the link that went wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "init.h"
#include "levels.h"
#include "ops/ops.h"
#include "tensor/plan.h"

enum { GRAPHS = 60, NODES = 40, OUTPUTS = 3 };

static zt_node *any_unary(zt_rng *r, zt_node *x) {
    zt_node *(*const f[])(zt_node *) = {zt_neg, zt_square,  zt_abs,  zt_sign, zt_floor, zt_relu,     zt_sin,
                                        zt_cos, zt_sigmoid, zt_tanh, zt_silu, zt_gelu,  zt_softplus, zt_erf};
    const int k = (int)zt_rng_int(r, 0, 15);
    return k < 14 ? f[k](x) : k == 14 ? zt_affine(x, 0.7, -0.2) : zt_exp(zt_tanh(x));
}
static zt_node *any_binary(zt_rng *r, zt_node *a, zt_node *b) {
    zt_node *(*const f[])(zt_node *, zt_node *) = {zt_add, zt_sub, zt_mul, zt_maximum, zt_minimum, zt_greater};
    const int k = (int)zt_rng_int(r, 0, 6);
    return k < 6 ? f[k](a, b) : zt_div(a, zt_affine(zt_square(b), 1, 1));
}
static void any_graph(zt_graph *g, int number, zt_node *out[OUTPUTS]) {
    zt_rng r = zt_rng_init(11, (uint64_t)number);
    const zt_shape sh = zt_sh(zt_rng_int(&r, 1, 5), zt_rng_int(&r, 1, 60), zt_rng_int(&r, 1, 90));
    zt_node *n[NODES + 6], *small[3] = {zt_scalar(g, 0.3), zt_input(g, "c", ZT_F32, zt_sh(sh.d[2])),
                                        zt_input(g, "b", ZT_F32, zt_sh(sh.d[0], 1, sh.d[2]))};
    int count = 3;
    if (number % 2) zt_graph_set_multiply(g, ZT_BF16);
    n[0] = zt_input(g, "x", ZT_F32, sh);
    n[1] = zt_input(g, "y", ZT_F32, sh);
    zt_node *w = zt_input(g, "w", ZT_F32, zt_sh(sh.d[2], sh.d[2]));
    n[2] = zt_linear_op(n[0], w, NULL);
    while (count < NODES) {
        zt_node *a = n[zt_rng_int(&r, count > 6 ? count - 6 : 0, count - 1)], *b = n[zt_rng_int(&r, 0, count - 1)];
        const int kind = (int)zt_rng_int(&r, 0, 9);
        if (kind < 4) n[count++] = any_unary(&r, a);
        else if (kind < 6) n[count++] = any_binary(&r, a, b);
        else if (kind < 8) n[count++] = any_binary(&r, a, small[zt_rng_int(&r, 0, 2)]);
        else if (kind == 8) n[count++] = zt_where(zt_greater(a, small[0]), a, b);
        else n[count++] = zt_linear_op(a, w, NULL);
    }
    for (int k = 0; k < OUTPUTS; k++) out[k] = n[count - 1 - 5 * k];
}

static void fill(zt_graph *g) {
    for (int id = 0; id < zt_graph_size(g); id++) {
        zt_node *n = zt_graph_node(g, id);
        if (n->role == ZT_INPUT && n->x) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
    }
}
static bool same_bits(const zt_node *a, const zt_node *b) {
    const float *x = a->x, *y = b->x;
    for (int64_t k = 0; k < zt_numel(&a->sh); k++)
        if (memcmp(x + k, y + k, sizeof *x) != 0 && !(isnan(x[k]) && isnan(y[k]))) return false;
    return true;
}

static void random_graphs_keep_their_bits(void **state) {
    (void)state;
    int fused = 0, halves = 0;
    for (int number = 0; number < GRAPHS; number++) {
        zt_graph *g[3] = {NULL, NULL, NULL};
        zt_plan *p[3] = {NULL, NULL, NULL};
        zt_node *out[3][OUTPUTS];
        for (int k = 0; k < 3; k++) {                            /* apart; fused; fused with every result in storage of its own */
            const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .no_fuse = k == 0, .no_fold = true,
                                     .no_reuse = k == 2};
            assert_int_equal(zt_graph_create(&g[k]), ZT_OK);
            any_graph(g[k], number, out[k]);
            assert_int_equal(zt_plan_create(&p[k], g[k], OUTPUTS, out[k], &cfg), ZT_OK);
            fill(g[k]);
            assert_int_equal(zt_plan_run(p[k]), ZT_OK);
            assert_true(zt_plan_guards_ok(p[k]));
        }
        for (int k = 0; k < OUTPUTS; k++) {
            assert_true(same_bits(out[0][k], out[1][k]));
            assert_true(same_bits(out[0][k], out[2][k]));
        }
        const zt_plan_info *apart = zt_plan_get_info(p[0]), *one = zt_plan_get_info(p[1]);
        assert_int_equal(apart->fused, 0);
        assert_int_equal(one->steps + one->fused, apart->steps);
        fused += one->fused;
        halves += one->halves;
        for (int k = 0; k < 3; k++) {
            zt_plan_destroy(&p[k]);
            zt_graph_destroy(&g[k]);
        }
    }
    print_message("%s: %d results not stored, %d as bf16\n", getenv("ZT_CPU"), fused, halves);
    assert_true(fused > 4 * GRAPHS);
}

static void chains_need_no_memory(void **state) {
    (void)state;
    int64_t bytes[2];
    for (int k = 0; k < 2; k++) {
        zt_graph *g = NULL;
        zt_plan *p = NULL;
        assert_int_equal(zt_graph_create(&g), ZT_OK);
        zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(1 << 16)), *y = zt_mul(zt_sigmoid(x), zt_affine(zt_tanh(x), -1, 1));
        const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .no_fuse = k == 0};
        assert_int_equal(zt_plan_create(&p, g, 1, &y, &cfg), ZT_OK);
        bytes[k] = zt_plan_get_info(p)->arena_bytes;
        assert_int_equal(zt_plan_get_info(p)->steps, k ? 1 : 4);
        zt_plan_destroy(&p);
        zt_graph_destroy(&g);
    }
    assert_true(bytes[1] <= (4 << 16) + 4096 && bytes[0] >= 2 * (4 << 16));
}

/* d = 2 s is read after s was overwritten; waiting for its reader it would see the new s. */
static void nothing_moves_past_a_write(void **state) {
    (void)state;
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    zt_tset states = {0};
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    assert_int_equal(zt_tset_add(&states, "s", ZT_F32, zt_sh(100), NULL), ZT_OK);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(100)), *s = zt_state(g, "s", zt_sh(100)), *d = zt_affine(s, 2, 0);
    zt_node *out[2] = {zt_assign(s, x), zt_sin(d)};
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .states = &states};
    assert_int_equal(zt_plan_create(&p, g, 2, out, &cfg), ZT_OK);
    fill(g);
    float *of_s = zt_tset_find(&states, "s")->data;
    for (int k = 0; k < 100; k++) of_s[k] = 0.25f;
    assert_int_equal(zt_plan_run(p), ZT_OK);
    for (int k = 0; k < 100; k++) assert_true(fabsf(((float *)out[1]->x)[k] - sinf(0.5f)) < 1e-5f);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    zt_tset_finish(&states);
}

static void checked_runs_name_the_link(void **state) {
    (void)state;
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(50000)), *one = zt_affine(x, 0, 1);
    zt_push(g, "here");
    zt_node *e = zt_exp(zt_affine(x, 1000, 0)), *y = zt_div(one, e);          /* 1/inf: the end is finite again */
    zt_pop(g);
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.backend = zt_backend_cpu()}), ZT_OK);
    assert_int_equal(zt_plan_get_info(p)->steps, 1);
    memset(x->x, 0, 50000 * sizeof(float));
    assert_int_equal(zt_plan_run_checked(p), ZT_OK);
    ((float *)x->x)[49999] = 1;
    assert_int_equal(zt_plan_run(p), ZT_OK);
    assert_true(((float *)y->x)[49999] == 0);
    assert_int_equal(zt_plan_run_checked(p), ZT_NONFINITE);
    assert_non_null(strstr(zt_err_text(), "here: exp"));
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static int run_level(const char *level) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_keep_their_bits), cmocka_unit_test(chains_need_no_memory),
                                       cmocka_unit_test(nothing_moves_past_a_write),
                                       cmocka_unit_test(checked_runs_name_the_link)};
    return cmocka_run_group_tests_name(level, tests, NULL, NULL);
}

int main(void) {
    return run_levels(run_level);
}
