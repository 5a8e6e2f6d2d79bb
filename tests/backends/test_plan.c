/* test_plan.c - plans over the CPU backend: memory is shared by liveness, recomputed regions cost the memory of one, cheap
 * results are made again rather than kept, what does not fit is refused with the figure, running out of memory at any call is an
 * error that leaks nothing, storing results as bf16 changes nothing where they are rounded anyway and little elsewhere. */
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

/* Plans that take turns in one memory give what each gives alone, also after it had to grow; it is as large as the largest. */
static void plans_take_turns(void **state) {
    (void)state;
    static outcome alone;
    enum { PLANS = 3 };
    static const int DEPTH[PLANS] = {2, 8, 4};
    zt_plan_pool pool = {0};
    zt_graph *g[PLANS];
    zt_plan *p[PLANS];
    zt_node *out[PLANS][2];
    for (int k = 0; k < PLANS; k++) {
        assert_int_equal(zt_graph_create(&g[k]), ZT_OK);
        assert_int_equal(chain(g[k], DEPTH[k], false, out[k]), ZT_OK);
        const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .pool = &pool};
        assert_int_equal(zt_plan_create(&p[k], g[k], 2, out[k], &cfg), ZT_OK);
        for (int id = 0; id < zt_graph_size(g[k]); id++) {
            zt_node *n = zt_graph_node(g[k], id);
            if (n->role == ZT_INPUT) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
        }
        if (k == 0) assert_int_equal(zt_plan_run(p[0]), ZT_OK);                    /* before the second makes it larger */
    }
    assert_int_equal(pool.arena_bytes, zt_plan_get_info(p[1])->arena_bytes);
    for (int turn = 0; turn < 2 * PLANS; turn++) {
        const int k = turn * 2 % PLANS;
        assert_int_equal(turn % 2 ? zt_plan_run(p[k]) : zt_plan_run_checked(p[k]), ZT_OK);
        assert_int_equal(run_chain(DEPTH[k], false, &alone), ZT_OK);
        assert_memory_equal(out[k][1]->x, alone.dw, sizeof alone.dw);
    }
    for (int k = 0; k < PLANS; k++) {
        zt_plan_destroy(&p[k]);
        zt_graph_destroy(&g[k]);
    }
    zt_plan_pool_finish(&pool);
}

/* Only what products give is kept for gradients: norms and activations of it are made again, a concatenation from its parts. */
static void cheap_results_are_not_kept(void **state) {
    (void)state;
    enum { DEPTH = 12, ROWS = 1024, WIDTH = 64 };
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *w = zt_input(g, "w", ZT_F32, zt_sh(2 * WIDTH, WIDTH)), *out[2];
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(ROWS, 2 * WIDTH));
    zt_node *y = zt_matmul(x, w, false, false), *first = y;
    for (int k = 1; k < DEPTH; k++) {
        zt_node *both[2] = {zt_gelu(zt_layer_norm(y, NULL, NULL, NULL, NULL, 1e-5)), zt_silu(first)};
        y = zt_matmul(zt_reshape(zt_concat(1, 2, both), zt_sh(ROWS, 2 * WIDTH)), w, false, false);
    }
    out[0] = zt_sum(zt_square(y));
    assert_int_equal(zt_grad(out[0], 1, &w, &out[1]), ZT_OK);
    assert_int_equal(zt_plan_create(&p, g, 2, out, &(zt_plan_cfg){.backend = zt_backend_cpu(), .dry = true}), ZT_OK);
    const int64_t each = ROWS * WIDTH * (int64_t)sizeof(float), arena = zt_plan_get_info(p)->arena_bytes;
    print_message("%.1f results of a product held\n", (double)arena / (double)each);
    assert_true(arena < (DEPTH + 12) * each);                  /* kept, the others would be 5 per layer */
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
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
    out[0] = zt_mean(zt_square(zt_add(h, zt_input(g, "target", ZT_F32, h->sh))));
    assert_int_equal(zt_grad(out[0], WEIGHTS + BIASES, wrt, out + 1), ZT_OK);
}

/* The network's graph planned and run. */
typedef struct bf16_run { zt_graph *g; zt_plan *p; zt_node *out[1 + WEIGHTS + BIASES]; } bf16_run;
static void bf16_run_create(bf16_run *r, bool no_half, bool half_if_rounded) {
    *r = (bf16_run){0};
    assert_int_equal(zt_graph_create(&r->g), ZT_OK);
    bf16_net(r->g, r->out);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .no_half = no_half, .half_if_rounded = half_if_rounded};
    assert_int_equal(zt_plan_create(&r->p, r->g, 1 + WEIGHTS + BIASES, r->out, &cfg), ZT_OK);
    for (int id = 0; id < zt_graph_size(r->g); id++) {
        zt_node *n = zt_graph_node(r->g, id);
        if (n->role == ZT_INPUT) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
    }
    assert_int_equal(zt_plan_run_checked(r->p), ZT_OK);
}
static void bf16_run_finish(bf16_run *r) {
    zt_plan_destroy(&r->p);
    zt_graph_destroy(&r->g);
}
/* Mean square of the difference over the mean square of a. */
static double apart(const zt_node *a, const zt_node *b) {
    const float *x = a->x, *y = b->x;
    double off = 0, size = 0;
    for (int64_t j = 0; j < zt_numel(&a->sh); j++) {
        off += (x[j] - y[j]) * (x[j] - y[j]);
        size += x[j] * x[j];
    }
    assert_true(size > 0);
    return off / size;
}
static bool stores_half(void) {
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    return facts.bf16 && strcmp(facts.onednn, "none") != 0;
}

/* Results stored as bf16 only where all readers round them: the same bits, but for the sums over rows (gradients of biases). */
static void rounding_what_is_rounded(void **state) {
    (void)state;
    bf16_run f32, half;
    bf16_run_create(&f32, true, false);
    bf16_run_create(&half, false, true);
    assert_int_equal(zt_plan_get_info(f32.p)->halves, 0);
    print_message("%d results stored as bf16\n", zt_plan_get_info(half.p)->halves);
    if (stores_half()) assert_true(zt_plan_get_info(half.p)->halves >= 6);
    for (int k = 0; k < 1 + WEIGHTS + BIASES; k++) {
        const double off = apart(f32.out[k], half.out[k]);
        assert_true(k < 1 + WEIGHTS ? off == 0 : off < 1e-5);
    }
    bf16_run_finish(&f32);
    bf16_run_finish(&half);
}

/* Stored so where products give or take them too: less memory; results differ by what rounding to 8 bits explains. */
static void rounding_of_products(void **state) {
    (void)state;
    bf16_run f32, half;
    bf16_run_create(&f32, true, false);
    bf16_run_create(&half, false, false);
    const zt_plan_info *a = zt_plan_get_info(f32.p), *b = zt_plan_get_info(half.p);
    print_message("%d results stored as bf16, %.2f of the memory\n", b->halves, (double)b->arena_bytes / (double)a->arena_bytes);
    if (stores_half()) assert_true(b->halves >= 14 && b->arena_bytes * 3 < a->arena_bytes * 2);
    for (int k = 0; k < 1 + WEIGHTS + BIASES; k++) {
        const double off = apart(f32.out[k], half.out[k]);
        print_message("%.1e ", off);
        assert_true(off < 1e-4);
        if (stores_half() && k > 0) assert_true(off > 0);
    }
    print_message("\n");
    for (int id = 0; id < zt_graph_size(half.g); id++) {           /* a sum with an f32 part stays f32 */
        const zt_node *n = zt_graph_node(half.g, id);
        assert_true(n->op != &zt_def_square || !n->in[0]->half);
    }
    bf16_run_finish(&f32);
    bf16_run_finish(&half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recompute_trades_work_for_memory), cmocka_unit_test(plans_take_turns),
        cmocka_unit_test(cheap_results_are_not_kept), cmocka_unit_test(memory_is_shared),
        cmocka_unit_test(too_large_is_refused), cmocka_unit_test(allocation_failures),
        cmocka_unit_test(rounding_what_is_rounded), cmocka_unit_test(rounding_of_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
