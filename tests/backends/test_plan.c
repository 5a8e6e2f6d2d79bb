/* test_plan.c - plans over the CPU backend: memory is shared by liveness, recomputed regions cost the memory of one, what does
 * not fit is refused with the figure, running out of memory at any call is an error that leaks nothing, results stored as bf16
 * change nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/mem.h"
#include "init.h"
#include "ops/ops.h"
#include "tensor/plan.h"

/* y = tanh(.. tanh(x w + x) .. w + x), 4 `depth` times, every 4 a region when recompute is set. out: sum y^2, gradient by w. */
static zt_err chain(zt_graph *g, int depth, bool recompute, zt_node *out[2]) {
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(64, 32)), *w = zt_input(g, "w", ZT_F32, zt_sh(32, 32)), *y = x;
    for (int k = 0; k < depth; k++) {
        zt_push(g, "layer.%d", k);
        zt_recompute(g, recompute);
        for (int j = 0; j < 4; j++) y = zt_tanh(zt_add(zt_matmul(y, w, false, false), x));
        zt_recompute(g, false);
        zt_pop(g);
    }
    out[0] = zt_sum(zt_square(y));
    return zt_grad(out[0], 1, &w, &out[1]);
}

typedef struct outcome { int64_t arena, flops; int steps; float dw[32 * 32]; } outcome;
static zt_err run_chain(int depth, bool recompute, outcome *o) {
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    zt_node *out[2];
    zt_err e = zt_graph_create(&g);
    if (e == ZT_OK) e = chain(g, depth, recompute, out);
    if (e == ZT_OK) e = zt_plan_create(&p, g, 2, out, &(zt_plan_cfg){.backend = zt_backend_cpu(), .strict = true});
    for (int id = 0; e == ZT_OK && id < zt_graph_size(g); id++) {
        zt_node *n = zt_graph_node(g, id);
        if (n->role == ZT_INPUT) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
    }
    if (e == ZT_OK) e = zt_plan_run(p);
    if (e == ZT_OK) {
        const zt_plan_info *i = zt_plan_get_info(p);
        *o = (outcome){.arena = i->arena_bytes, .flops = i->flops, .steps = i->steps};
        memcpy(o->dw, out[1]->x, sizeof o->dw);
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

static void recompute_trades_work_for_memory(void **state) {
    (void)state;
    static outcome kept, again;
    assert_int_equal(run_chain(8, false, &kept), ZT_OK);
    assert_int_equal(run_chain(8, true, &again), ZT_OK);
    assert_memory_equal(kept.dw, again.dw, sizeof kept.dw);
    assert_true(again.flops == kept.flops);
    assert_true(again.steps > kept.steps);
    assert_true(again.arena * 2 < kept.arena);                  /* 8 layers' ends and one layer's inside against 8 insides */
}

static void memory_is_shared(void **state) {                    /* a long chain without gradient needs a few blocks, not all */
    (void)state;
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(1 << 16)), *y = x;
    for (int k = 0; k < 20; k++) y = zt_mul(zt_tanh(y), x);
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.backend = zt_backend_cpu()}), ZT_OK);
    assert_true(zt_plan_get_info(p)->arena_bytes <= 2 * (4 << 16) + 4096);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void too_large_is_refused(void **state) {
    (void)state;
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(4)), *y = zt_broadcast_to(x, zt_sh((int64_t)1 << 36, 4));     /* a terabyte */
    y = zt_sum(zt_tanh(y));
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.backend = zt_backend_cpu()}), ZT_NOMEM);
    assert_non_null(strstr(zt_err_text(), "GB of memory and the machine has"));
    assert_null(p);
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.backend = zt_backend_cpu(), .dry = true}), ZT_OK);
    assert_true(zt_plan_get_info(p)->arena_bytes >= (int64_t)1 << 40);       /* a dry plan tells */
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void allocation_failures(void **state) {                 /* leaks are found by the address sanitizer's run of this test */
    (void)state;
    static outcome o;
    int failures = 0;
    for (int64_t n = 1;; n++) {
        zt_alloc_fail_at(n);
        const zt_err e = run_chain(2, true, &o);
        const int64_t left = zt_alloc_fail_left();
        zt_alloc_fail_at(0);
        if (e == ZT_OK) {
            assert_true(left > 0);                              /* fewer calls than n: all have been tried */
            break;
        }
        assert_int_equal(e, ZT_NOMEM);
        failures++;
    }
    assert_true(failures > 20);
}

/* A network that multiplies in bf16: loss, gradients of its weights, of its biases. */
enum { WEIGHTS = 4, BIASES = 3 };
static void bf16_net(zt_graph *g, zt_node *out[1 + WEIGHTS + BIASES]) {
    zt_graph_set_multiply(g, ZT_BF16);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(2, 4, 17, 23, 32)), *wrt[WEIGHTS + BIASES];
    wrt[0] = zt_input(g, "w0", ZT_F32, zt_sh(1, 3, 3, 32, 48));
    wrt[1] = zt_input(g, "w1", ZT_F32, zt_sh(3, 1, 1, 48, 40));
    wrt[2] = zt_input(g, "w2", ZT_F32, zt_sh(40, 96));
    wrt[3] = zt_input(g, "w3", ZT_F32, zt_sh(96, 40));
    wrt[4] = zt_input(g, "b0", ZT_F32, zt_sh(48));
    wrt[5] = zt_input(g, "b2", ZT_F32, zt_sh(96));
    wrt[6] = zt_input(g, "b3", ZT_F32, zt_sh(40));
    zt_node *h = zt_group_norm(x, NULL, NULL, NULL, NULL, 4, 1e-5, 1);
    h = zt_conv(h, wrt[0], wrt[4], &(zt_conv_cfg){.stride = {1, 2, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}});
    h = zt_conv(zt_group_norm(h, NULL, NULL, NULL, NULL, 4, 1e-5, 1), wrt[1], NULL,
                &(zt_conv_cfg){.stride = {1, 1, 1}, .pad_before = {2, 0, 0}});
    zt_node *y = zt_linear_op(zt_layer_norm(h, NULL, NULL, NULL, NULL, 1e-5), wrt[2], wrt[5]);
    h = zt_add(h, zt_linear_op(zt_gelu(y), wrt[3], wrt[6]));
    out[0] = zt_mean(zt_square(h));
    assert_int_equal(zt_grad(out[0], WEIGHTS + BIASES, wrt, out + 1), ZT_OK);
}

/* Results stored as bf16 only where all readers round them: the same bits, but for the sums over rows (gradients of biases). */
static void halves_change_nothing(void **state) {
    (void)state;
    zt_graph *g[2] = {NULL, NULL};
    zt_plan *p[2] = {NULL, NULL};
    zt_node *out[2][1 + WEIGHTS + BIASES];
    for (int k = 0; k < 2; k++) {
        assert_int_equal(zt_graph_create(&g[k]), ZT_OK);
        bf16_net(g[k], out[k]);
        const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .no_half = k == 0};
        assert_int_equal(zt_plan_create(&p[k], g[k], 1 + WEIGHTS + BIASES, out[k], &cfg), ZT_OK);
        for (int id = 0; id < zt_graph_size(g[k]); id++) {
            zt_node *n = zt_graph_node(g[k], id);
            if (n->role == ZT_INPUT) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
        }
        assert_int_equal(zt_plan_run_checked(p[k]), ZT_OK);
    }
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    assert_int_equal(zt_plan_get_info(p[0])->halves, 0);
    print_message("%d results stored as bf16\n", zt_plan_get_info(p[1])->halves);
    if (facts.bf16 && strcmp(facts.onednn, "none") != 0) assert_true(zt_plan_get_info(p[1])->halves >= 6);
    for (int k = 0; k < 1 + WEIGHTS + BIASES; k++) {
        const float *a = out[0][k]->x, *b = out[1][k]->x;
        double off = 0, size = 0;
        for (int64_t j = 0; j < zt_numel(&out[0][k]->sh); j++) {
            off += (a[j] - b[j]) * (a[j] - b[j]);
            size += a[j] * a[j];
        }
        assert_true(size > 0);
        assert_true(k < 1 + WEIGHTS ? off == 0 : off < 1e-5 * size);
    }
    for (int k = 0; k < 2; k++) {
        zt_plan_destroy(&p[k]);
        zt_graph_destroy(&g[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recompute_trades_work_for_memory), cmocka_unit_test(memory_is_shared),
        cmocka_unit_test(too_large_is_refused), cmocka_unit_test(allocation_failures),
        cmocka_unit_test(halves_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
