/* test_tune.c - the choice among kernels: the faster one is found, kept by signature, written, read and obeyed; a chosen plan
 * gives the same bits again; bad files are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "init.h"
#include "ops/ops.h"
#include "tensor/plan.h"

/* ---- a backend with two kernels for everything, one of which dawdles ---------------------------------------------------- */
static int slow_runs, fast_runs;
static void run_slow(const zt_node *n, const zt_exec *e) {
    (void)e;
    const double start = zt_now();
    while (zt_now() - start < 2e-3) continue;
    n->op->ref[0](n);
    slow_runs++;
}
static void run_fast(const zt_node *n, const zt_exec *e) {
    (void)e;
    n->op->ref[0](n);
    fast_runs++;
}
static const zt_kernel slow = {.name = "slow", .run = run_slow}, fast = {.name = "fast", .run = run_fast};
static const zt_kernel *find(const zt_node *n) {
    (void)n;
    return &slow;
}
static int offers(const zt_node *n, const zt_kernel **list, int cap) {
    (void)n, (void)cap;
    list[0] = &slow;
    list[1] = &fast;
    return 2;
}
static const zt_backend two = {.name = "two", .tag = "test", .find = find, .offers = offers};

/* Plans three products, two of them alike, and runs them once. */
static void run_products(zt_choices *c, bool dry) {
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(4, 8)), *w = zt_input(g, "w", ZT_F32, zt_sh(8, 8));
    zt_node *y = zt_matmul(zt_matmul(zt_matmul(x, w, false, false), w, false, false), w, false, true);
    assert_int_equal(zt_plan_create(&p, g, 1, &y, &(zt_plan_cfg){.backend = &two, .choices = c, .dry = dry}), ZT_OK);
    slow_runs = fast_runs = 0;
    if (!dry) {
        memset(x->x, 0, 4 * 8 * sizeof(float));
        memset(w->x, 0, 8 * 8 * sizeof(float));
        assert_int_equal(zt_plan_run(p), ZT_OK);
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void the_faster_kernel_is_kept(void **state) {
    (void)state;
    zt_choices c = {.tune = true};
    run_products(&c, true);                                      /* a dry plan times nothing */
    assert_int_equal(c.timed, 0);
    run_products(&c, false);
    assert_int_equal(c.timed, 2);                                /* signatures, not nodes */
    assert_int_equal(fast_runs, 3);
    assert_int_equal(slow_runs, 0);
    run_products(&c, false);
    assert_int_equal(c.timed, 2);
    zt_choices_finish(&c);
    run_products(&c, false);                                     /* neither choices nor tuning: the first offer */
    assert_int_equal(slow_runs, 3);
    zt_choices_finish(&c);
    run_products(NULL, false);
    assert_int_equal(slow_runs, 3);
}

static void a_file_is_obeyed(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/zt_test_tune_%d.json", (int)getpid());
    zt_choices c = {.tune = true}, again = {0};
    run_products(&c, false);
    assert_int_equal(zt_choices_save(&c, path), ZT_OK);
    assert_int_equal(zt_choices_load(&again, path), ZT_OK);
    assert_true(json_equal(c.kernels, again.kernels));
    run_products(&again, false);
    assert_int_equal(fast_runs, 3);
    const char *key;
    json_t *value;
    json_object_foreach(c.kernels, key, value) json_object_set_new(again.kernels, key, json_string("no such kernel"));
    run_products(&again, false);
    assert_int_equal(slow_runs, 3);
    static const char *const bad[] = {"[]", "{\"a\": 1}", "{\"a\": \"b\"", ""};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_int_equal(zt_file_write(path, bad[k], strlen(bad[k])), ZT_OK);
        assert_int_not_equal(zt_choices_load(&again, path), ZT_OK);
    }
    unlink(path);
    zt_choices_finish(&c);
    zt_choices_finish(&again);
}

/* ---- the CPU backend ----------------------------------------------------------------------------------------------------- */
enum { RESULT = 2 * 2 * 4 * 4 * 32 };
static zt_err conv_result(zt_choices *c, zt_dtype multiply, float y[RESULT]) {
    zt_graph *g = NULL;
    zt_plan *p = NULL;
    zt_err e = zt_graph_create(&g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(g, multiply);
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(2, 2, 8, 8, 32)), *w = zt_input(g, "w", ZT_F32, zt_sh(1, 4, 4, 32, 32));
    zt_node *out = zt_conv(zt_group_norm(x, NULL, NULL, NULL, NULL, 4, 1e-5, 1), w, NULL,
                           &(zt_conv_cfg){.stride = {1, 2, 2}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}});
    e = zt_plan_create(&p, g, 1, &out, &(zt_plan_cfg){.backend = zt_backend_cpu(), .choices = c});
    if (e == ZT_OK) {
        zt_fill_normal(1, 1, x->x, zt_numel(&x->sh));
        zt_fill_normal(1, 2, w->x, zt_numel(&w->sh));
        e = zt_plan_run(p);
        memcpy(y, out->x, RESULT * sizeof *y);
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

/* Every kernel on offer, named in the choices, gives the convolution; the same name gives the same bits. */
static void every_offer_serves(void **state) {
    (void)state;
    static float usual[RESULT], named[RESULT], again[RESULT];
    for (int bf16 = 0; bf16 < 2; bf16++) {
        const zt_dtype multiply = bf16 ? ZT_BF16 : ZT_F32;
        zt_choices c = {.tune = true};
        const zt_kernel *list[4];
        zt_graph *g = NULL;
        assert_int_equal(conv_result(NULL, multiply, usual), ZT_OK);
        assert_int_equal(conv_result(&c, multiply, named), ZT_OK);
        const char *key = json_object_iter_key(json_object_iter(c.kernels));
        assert_int_equal(zt_graph_create(&g), ZT_OK);
        zt_graph_set_multiply(g, multiply);
        zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(2, 2, 8, 8, 32)), *w = zt_input(g, "w", ZT_F32, zt_sh(1, 4, 4, 32, 32));
        const int n = zt_backend_cpu()->offers(zt_conv(x, w, NULL, &(zt_conv_cfg){.stride = {1, 2, 2}, .pad_before = {0, 1, 1},
                                                                                  .pad_after = {0, 1, 1}}), list, 4);
        assert_true(n >= 1 && (n == 1) == (key == NULL));
        for (int k = 0; k < n && key; k++) {
            json_object_set_new(c.kernels, key, json_string(list[k]->name));
            assert_int_equal(conv_result(&c, multiply, named), ZT_OK);
            assert_int_equal(conv_result(&c, multiply, again), ZT_OK);
            assert_memory_equal(named, again, sizeof named);
            if (k == 0) assert_memory_equal(named, usual, sizeof named);
            double off = 0, size = 0;
            for (int j = 0; j < RESULT; j++) {
                off += (named[j] - usual[j]) * (named[j] - usual[j]);
                size += usual[j] * usual[j];
            }
            assert_true(size > 0 && off < (bf16 ? 1e-4 : 1e-10) * size);
        }
        zt_graph_destroy(&g);
        zt_choices_finish(&c);
    }
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    static float y[RESULT];
    int failures = 0;
    for (int64_t n = 1;; n++) {
        zt_choices c = {.tune = true};
        zt_alloc_fail_at(n);
        const zt_err e = conv_result(&c, ZT_F32, y);
        const int64_t left = zt_alloc_fail_left();
        zt_alloc_fail_at(0);
        zt_choices_finish(&c);
        if (e == ZT_OK && left > 0) break;
        failures++;
    }
    assert_true(failures > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_faster_kernel_is_kept), cmocka_unit_test(a_file_is_obeyed),
                                       cmocka_unit_test(every_offer_serves), cmocka_unit_test(no_memory_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
