/* test_ops_sweep.c - every op over generated cases, references only: results finite, guard zones whole, inputs untouched, both
 * precisions agree, and the gradient (first, and second where the rules allow it) against finite differences in f64.
 * Optimised kernels are compared in tests/backends. One op: give its name as argument. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/mem.h"
#include "sweep.h"

enum { CASES = 200, CASES_GRAD = 100, CASES_SECOND = 30, MAX_WRT = 8 };

/* ---- references ------------------------------------------------------------------------------------------------ */
static bool reference_case(const zt_op_def *op, int k, double *worst) {
    sweep_case a, b;
    const bool built_a = sweep_build(&a, op, k, ZT_F32), built_b = sweep_build(&b, op, k, ZT_F64);
    bool ok = built_a && built_b;
    ok = ok && sweep_run(&a, 1, &a.y, NULL, true) && sweep_run(&b, 1, &b.y, NULL, true);
    ok = ok && sweep_finite(&a) && sweep_finite(&b);
    ok = ok && sweep_close(&a, &b, 3 * op->tol, worst); /* both round stored statistics and inner results of the case */
    sweep_finish(&a);
    sweep_finish(&b);
    return ok;
}

/* ---- gradients ------------------------------------------------------------------------------------------------- */
/* A scalar that depends on every element: sum of y times fixed random weights. */
static zt_node *weighted(zt_node *y, uint64_t stream) {
    const int64_t n = zt_numel(&y->sh);
    double *w = zt_graph_alloc(y->g, (size_t)n * sizeof *w);
    zt_rng r = zt_rng_init(11, stream);
    for (int64_t j = 0; w && j < n; j++) w[j] = zt_rng_range(&r, -1, 1);
    return w ? zt_sum(zt_mul(y, zt_const(y->g, ZT_F64, y->sh, w))) : y;
}

static int real_inputs(const sweep_case *c, zt_node **wrt) {
    int n = 0;
    for (int id = 0; id < zt_graph_size(c->g); id++) {
        zt_node *x = zt_graph_node(c->g, id);
        if (x->role == ZT_INPUT && x->dtype == ZT_F64 && n < MAX_WRT) wrt[n++] = x;
    }
    return n;
}

/* loss at x + h u */
static double loss_at(const sweep_case *c, const zt_node *loss, zt_node *x, const double *x0, const double *u, double h) {
    for (int64_t j = 0; j < zt_numel(&x->sh); j++) ((double *)x->x)[j] = x0[j] + h * u[j];
    return zt_plan_run(c->plan) == ZT_OK ? *(const double *)loss->x : NAN;
}

/* Derivative along a random direction by five-point differences, at several steps: sharp and flat cases want different ones, and
 * a wrong gradient agrees with none. */
static bool direction_ok(const sweep_case *c, const zt_node *loss, zt_node *x, const zt_node *dx, double *worst) {
    static const double steps[] = {1e-3, 1e-4, 1e-5, 1e-2};
    const int64_t n = zt_numel(&x->sh);
    double *x0 = zt_alloc_array((size_t)n, 2 * sizeof *x0), *u = x0 + n, slope = 0, norm = 0, best = INFINITY, seen = 0;
    if (!x0) return sweep_bad(c, "no memory");
    zt_rng r = zt_rng_init(13, (uint64_t)x->id);
    for (int64_t j = 0; j < n; j++) {
        x0[j] = ((double *)x->x)[j];
        u[j] = zt_rng_normal(&r);
        slope += u[j] * ((const double *)dx->x)[j];
        norm += ((const double *)dx->x)[j] * ((const double *)dx->x)[j];
    }
    const double scale = fabs(slope) + sqrt(norm) + 1e-4 * (1 + fabs(*(const double *)loss->x));
    for (int k = 0; k < 4 && !(best <= 1e-6); k++) {
        const double h = steps[k];
        const double near = loss_at(c, loss, x, x0, u, h) - loss_at(c, loss, x, x0, u, -h);
        const double far = loss_at(c, loss, x, x0, u, 2 * h) - loss_at(c, loss, x, x0, u, -2 * h);
        const double numeric = (8 * near - far) / (12 * h), off = fabs(numeric - slope) / scale;
        if (off < best) seen = numeric;
        best = fmin(best, off);
    }
    loss_at(c, loss, x, x0, u, 0);
    zt_free(x0);
    *worst = fmax(*worst, best);
    if (best <= 1e-6) return true;
    char text[160];
    snprintf(text, sizeof text, "gradient of input %s: rule %.12g, differences %.12g", x->name, slope, seen);
    return sweep_bad(c, text);
}

/* A gradient that a backward op gives beside its primary output: by design nothing is differentiated through it. */
static bool further_output(const zt_node *n) {
    while (n->n_in == 1 && n->op != &zt_def_aux) n = n->in[0];
    return n->op == &zt_def_aux;
}

/* order 1: d loss; order 2: d of the weighted gradients. *missing: a rule on the way has no gradient. */
static bool gradient_case(const zt_op_def *op, int k, int order, bool *missing, double *worst) {
    sweep_case c;
    zt_node *wrt[MAX_WRT], *out[MAX_WRT + 1];
    bool ok = sweep_build(&c, op, k, ZT_F64);
    if (!ok) goto done;
    const int n = real_inputs(&c, wrt);
    zt_node *loss = weighted(c.y, 0);
    zt_err e = zt_grad(loss, n, wrt, out + 1);
    for (int pass = 2; e == ZT_OK && pass <= order; pass++) {
        for (int j = 0; j < n; j++)
            if (!further_output(out[j + 1])) loss = zt_add(loss, weighted(out[j + 1], (uint64_t)j + 1));
        e = zt_grad(loss, n, wrt, out + 1);
    }
    if (order == 2 && e == ZT_UNSUPPORTED) {
        *missing = true;
        goto done;
    }
    out[0] = loss;
    ok = e == ZT_OK ? sweep_run(&c, n + 1, out, NULL, true) : sweep_bad(&c, "no gradient");
    for (int j = 0; j < n && ok; j++)
        if (!zt_same_shape(&wrt[j]->sh, &out[j + 1]->sh)) ok = sweep_bad(&c, "a gradient has another shape than its input");
    for (int j = 0; j < n && ok; j++)
        if (wrt[j]->x) ok = direction_ok(&c, loss, wrt[j], out[j + 1], worst);
done:
    sweep_finish(&c);
    return ok;
}

/* ---- one op ---------------------------------------------------------------------------------------------------- */
static bool second_order_absent(const zt_op_def *op) { /* its backward op is the end of the line, by design */
    return op == &zt_def_attention;
}

static void sweep_op(void **state) {
    const zt_op_def *op = *state;
    int failed = 0;
    double ref = 0, first = 0, second = 0;
    bool missing = false;
    for (int k = 0; k < CASES; k++) failed += !reference_case(op, k, &ref);
    for (int k = 0; op->grad && k < CASES_GRAD; k++) failed += !gradient_case(op, k, 1, &missing, &first);
    for (int k = 0; op->grad && k < CASES_SECOND; k++) failed += !gradient_case(op, k, 2, &missing, &second);
    print_message("%-16s %3d cases, %2d failed; f32-f64 %.2f of 3 tol; gradient %.1e%s, second %.1e%s\n", op->name, CASES, failed,
                  ref, first, op->grad ? "" : " (none)", second, missing || !op->grad ? " (none)" : "");
    assert_int_equal(failed, 0);
    if (op->grad) assert_int_equal(missing, second_order_absent(op));
}

static void table_is_whole(void **state) {
    (void)state;
    for (int id = 0; id < ZT_OP_COUNT; id++) {
        const zt_op_def *op = zt_op_at(id);
        assert_int_equal(op->id, id);
        assert_non_null(op->gen);
        assert_non_null(op->doc);
        assert_non_null(op->ref[0]);
        assert_non_null(op->ref[1]);
        assert_true(op->tol > 0 && op->tol <= 1e-4);
        for (int other = 0; other < id; other++) assert_string_not_equal(op->name, zt_op_at(other)->name);
    }
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[ZT_OP_COUNT + 1];
    for (int id = 0; id < ZT_OP_COUNT; id++)
        tests[id] = (struct CMUnitTest){zt_op_at(id)->name, sweep_op, NULL, NULL, (void *)(uintptr_t)zt_op_at(id)};
    tests[ZT_OP_COUNT] = (struct CMUnitTest)cmocka_unit_test(table_is_whole);
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
