/* test_kernels_sweep.c - the CPU backend against the plain references over generated cases of every op, at each processor level
 * and without oneDNN (levels.h). Cases alternate between guarded storage and reused storage, where element-wise results overwrite
 * their inputs. One op: give its name as argument. labels: threads */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "init.h"
#include "ops/attrs.h"
#include "ops/common.h"
#include "levels.h"
#include "sweep.h"

enum { CASES = 200, CASES_HEAVY = 80 };
#define BF16_TOL 3e-2

static bool heavy(const zt_op_def *op) { /* library primitives are built for each case */
    return op->flops != NULL;
}

/* The plain reference's cases, run: those of heavy ops, which each level compares with several times, before the processes of
 * the levels part (main). */
static sweep_case wanted[ZT_OP_COUNT][CASES];
static bool want_case(const zt_op_def *op, int k) {
    sweep_case *c = &wanted[op->id][k];
    return c->plan || (sweep_build(c, op, k, ZT_F32) && sweep_run(c, 1, &c->y, NULL, true));
}

/* Case k of op by a backend's kernels; multiply: what products round their factors to, within tol of the reference, which does
 * not round. */
static bool case_by(const zt_backend *backend, bool apart, const zt_op_def *op, int k, zt_dtype multiply, double tol,
                    double *worst) {
    sweep_case got;
    bool ok = sweep_build(&got, op, k, ZT_F32);
    for (int id = 0; ok && id < zt_graph_size(got.g); id++) zt_graph_node(got.g, id)->multiply = multiply;
    ok = ok && want_case(op, k) && sweep_run(&got, 1, &got.y, backend, apart);
    ok = ok && sweep_finite(&got) && sweep_close(&got, &wanted[op->id][k], tol, worst);
    if (!ok && got.y)
        fprintf(stderr, "   kernel %s, storage %s\n", backend->find(got.y) ? backend->find(got.y)->name : "none",
                apart ? "apart" : "reused");
    sweep_finish(&got);
    if (!heavy(op)) sweep_finish(&wanted[op->id][k]);
    return ok;
}
static bool kernel_case(const zt_op_def *op, int k, zt_dtype multiply, double tol, double *worst, int *without) {
    const zt_node *y = want_case(op, k) ? wanted[op->id][k].y : NULL;
    *without += y && !(op->flags & ZT_OPF_VIEW) && zt_backend_cpu()->find(y) == NULL;
    return case_by(zt_backend_cpu(), k % 2 == 0, op, k, multiply, tol, worst);
}

static void sweep_op(void **state) {
    const zt_op_def *op = *state;
    const int cases = heavy(op) ? CASES_HEAVY : CASES;
    int failed = 0, without = 0;
    double worst = 0;
    for (int k = 0; k < cases; k++) failed += !kernel_case(op, k, ZT_F32, op->tol, &worst, &without);
    print_message("%-5s %-16s %3d cases, %2d failed; worst %.3f of tol %.0e; without a kernel %d\n", getenv("ZT_CPU"), op->name,
                  cases, failed, worst, op->tol, without);
    assert_int_equal(failed, 0);
    assert_int_equal(without, 0); /* training plans are strict: a missing kernel is an error there */
}

/* Products in bf16, of every op that has any: a factor is off by at most 2^-9 of itself. */
static void sweep_bf16(void **state) {
    const zt_op_def *op = *state;
    int failed = 0, without = 0;
    double worst = 0;
    for (int k = 0; heavy(op) && k < CASES_HEAVY; k++) failed += !kernel_case(op, k, ZT_BF16, BF16_TOL, &worst, &without);
    if (heavy(op)) print_message("%-5s %-16s in bf16: %d failed; worst %.3f of tol %.0e\n", getenv("ZT_CPU"), op->name, failed,
                                 worst, BF16_TOL);
    assert_int_equal(failed, 0);
    assert_int_equal(without, 0);
}

/* The kernels that are not the first choice: number `chosen` of those on offer, or the last. */
static int chosen;
static const zt_kernel *find_chosen(const zt_node *n) {
    const zt_kernel *list[8];
    const int offers = zt_backend_cpu()->offers(n, list, 8);
    return offers ? list[chosen < offers ? chosen : offers - 1] : NULL;
}
static bool choice_case(const zt_op_def *op, int k, zt_dtype multiply, double tol, double *worst) {
    const zt_backend backend = {.name = "chosen", .tag = "test", .find = find_chosen};
    chosen = 1 + k % 4;
    return case_by(&backend, true, op, k, multiply, tol, worst);
}
static const zt_op_def *const products[] = {&zt_def_conv, &zt_def_conv_dx, &zt_def_conv_dw, &zt_def_matmul};
enum { PRODUCTS = sizeof products / sizeof *products };
static void sweep_choices(void **state) {
    (void)state;
    for (int j = 0; j < PRODUCTS; j++) {
        const zt_op_def *op = products[j];
        int failed = 0;
        double worst = 0;
        for (int k = 0; k < CASES; k++)
            failed += !choice_case(op, k, k / 4 % 2 ? ZT_BF16 : ZT_F32, k / 4 % 2 ? BF16_TOL : op->tol, &worst);
        print_message("%-5s %-16s other kernels: %2d failed; worst %.3f of what is allowed\n", getenv("ZT_CPU"), op->name, failed,
                      worst);
        assert_int_equal(failed, 0);
    }
}

/* Convolutions of many channels, whose weights' sums are shared out over threads, and of more pixels than a block holds: more
 * lines than a band of winograd.h, more frames than its ring, more sums than a thread has at a time. Kernels of 4x4 move by
 * two. */
static zt_node *conv_of(zt_graph *g, const zt_op_def *op, zt_shape sx, zt_shape sw, zt_node *(*value)(zt_graph *, zt_shape)) {
    zt_node *x = value(g, sx), *w = value(g, sw);
    const int stride = sw.d[1] > 3 ? 2 : 1;
    const zt_conv_cfg c = {.stride = {1, stride, stride}, .pad_before = {(int)sw.d[0] - 1, 1, 1}, .pad_after = {0, 1, 1}};
    zt_node *y = zt_conv(x, w, NULL, &c);
    if (op == &zt_def_conv) return y;
    zt_node *dy = value(g, y->sh);
    zt_attr at = y->at;
    for (int a = 0; a < 3; a++) at.i[ZT_CONV_SIZE + a] = op == &zt_def_conv_dx ? sx.d[a + 1] : sw.d[a];
    return op == &zt_def_conv_dx ? zt_emit2(g, op, dy, w, &at) : zt_emit2(g, op, x, dy, &at);
}
enum { BIG = 6 };
static sweep_case big_wanted[BIG][3];
static void big_case(sweep_case *c, int k, int j, bool bf16, const zt_backend *backend) {
    const zt_shape sizes[BIG][2] = {
        {zt_sh(3, 5, 21, 22, 33), zt_sh(1, 3, 3, 33, 32)}, {zt_sh(2, 2, 5, 6, 150), zt_sh(2, 3, 3, 150, 130)},
        {zt_sh(2, 5, 37, 11, 33), zt_sh(3, 3, 3, 33, 34)}, {zt_sh(3, 5, 21, 22, 33), zt_sh(1, 4, 4, 33, 32)},
        {zt_sh(1, 2, 4, 4, 192), zt_sh(4, 4, 4, 192, 176)}, {zt_sh(3, 5, 30, 26, 33), zt_sh(2, 4, 4, 33, 34)}};
    *c = (sweep_case){.op = products[j], .k = k};
    assert_int_equal(zt_graph_create(&c->g), ZT_OK);
    if (bf16) zt_graph_set_multiply(c->g, ZT_BF16);
    c->y = conv_of(c->g, products[j], sizes[k][0], sizes[k][1], zt_gen_value);
    assert_true(sweep_run(c, 1, &c->y, backend, true));
}
static void big_convs(void **state) {
    (void)state;
    for (int n = 0; n < BIG * 6; n++) {
        const int k = n / 6, j = n % 3;
        const bool bf16 = n / 3 % 2;
        sweep_case c;
        double worst = 0;
        if (!big_wanted[k][j].plan) big_case(&big_wanted[k][j], k, j, false, NULL);
        big_case(&c, k, j, bf16, zt_backend_cpu());
        assert_true(sweep_close(&c, &big_wanted[k][j], bf16 ? BF16_TOL : products[j]->tol, &worst));
        sweep_finish(&c);
    }
}

/* Of factors -1, 0 and 1 all sums are exact, so that a word too many or too few shows, in a frame of many pixels too. Channels
 * too few to be filtered; frames of an odd number of lines, more than a block takes. */
static zt_node *whole_numbers(zt_graph *g, zt_shape sh) {
    return zt_sign(zt_floor(zt_affine(zt_gen_value(g, sh), 1, 0.5)));
}
static void exact_convs(void **state) {
    (void)state;
    for (int n = 0; n < 6; n++) {
        sweep_case c[2];
        for (int k = 0; k < 2; k++) {
            c[k] = (sweep_case){.op = products[n % 3], .k = n};
            assert_int_equal(zt_graph_create(&c[k].g), ZT_OK);
            if (n > 2) zt_graph_set_multiply(c[k].g, ZT_BF16);
            c[k].y = conv_of(c[k].g, c[k].op, zt_sh(1, 4, 43, 37, 16), zt_sh(2, 3, 3, 16, 24), whole_numbers);
            assert_true(sweep_run(&c[k], 1, &c[k].y, k ? zt_backend_cpu() : NULL, true));
        }
        const float *want = c[0].y->x, *got = c[1].y->x;
        for (int64_t k = 0; k < zt_numel(&c[0].y->sh); k++) assert_true(want[k] == got[k]);
        for (int k = 0; k < 2; k++) sweep_finish(&c[k]);
    }
}

/* The backend may not depend on chance: the same case twice gives the same bits. */
static void runs_repeat(void **state) {
    (void)state;
    static const zt_op_def *const ops[] = {&zt_def_matmul, &zt_def_conv, &zt_def_conv_dw, &zt_def_group_norm_dx,
                                           &zt_def_attention_dx, &zt_def_global_norm, &zt_def_sum_to, &zt_def_embedding_dw,
                                           &zt_def_softmax, &zt_def_scatter_add, &zt_def_cumsum, &zt_def_top_k_index,
                                           &zt_def_grid_sample_dx};
    for (size_t j = 0; j < sizeof ops / sizeof *ops; j++)
        for (int k = 0; k < 10; k++) {
            sweep_case a, b;
            assert_true(sweep_build(&a, ops[j], k, ZT_F32) && sweep_build(&b, ops[j], k, ZT_F32));
            assert_true(sweep_run(&a, 1, &a.y, zt_backend_cpu(), true) && sweep_run(&b, 1, &b.y, zt_backend_cpu(), false));
            sweep_result x, y;
            for (int i = 0; sweep_result_at(&a, i, &x) && sweep_result_at(&b, i, &y); i++)
                assert_memory_equal(x.x, y.x, (size_t)x.n * sizeof(float));
            sweep_finish(&a);
            sweep_finish(&b);
        }
}

static int run_level(const char *level) {
    const bool emulated = strcmp(level, "amx-emulated") == 0;     /* what is not a product is as at level bf16 */
    struct CMUnitTest tests[2 * ZT_OP_COUNT + 4] = {cmocka_unit_test(runs_repeat), cmocka_unit_test(sweep_choices),
                                                    cmocka_unit_test(big_convs), cmocka_unit_test(exact_convs)};
    size_t count = 4;
    for (int id = 0; id < ZT_OP_COUNT; id++) {
        const zt_op_def *op = zt_op_at(id);
        if (emulated && !heavy(op)) continue;
        tests[count++] = (struct CMUnitTest){op->name, sweep_op, NULL, NULL, (void *)(uintptr_t)op};
        tests[count++] = (struct CMUnitTest){op->name, sweep_bf16, NULL, NULL, (void *)(uintptr_t)op};
    }
    return _cmocka_run_group_tests(level, tests, count, NULL, NULL);
}

/* What every level would else run for itself. */
static void run_references(void) {
    for (int id = 0; id < ZT_OP_COUNT; id++)
        for (int k = 0; heavy(zt_op_at(id)) && k < CASES_HEAVY; k++) want_case(zt_op_at(id), k);
    for (int j = 0; j < PRODUCTS; j++)
        for (int k = 0; k < CASES; k++) want_case(products[j], k);
    for (int n = 0; n < BIG * 3; n++) big_case(&big_wanted[n / 3][n % 3], n / 3, n % 3, false, NULL);
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    else run_references();
    return run_levels(run_level);
}
