/* test_nn_layers.c - recurrent cells and norms against PyTorch (outputs, gradients, what states become), with the plain
 * references and with the CPU backend; the numbers are in tests/golden/layers.safetensors, made by tests/reference/layers.py.
 * And what PyTorch cannot say: first values, convergence, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#define GOLDEN_FILE "tests/golden/layers.safetensors"
#define TOLERANCE 2e-6
#include "nn/golden.h"

/* ---- the layers -------------------------------------------------------------------------------------------------- */
static zt_node *step_of(zt_node *x, int64_t t) {
    return zt_reshape(zt_slice(x, 0, t, 1), zt_sh(x->sh.d[1], x->sh.d[2]));
}

static void recurrent(golden *m, bool lstm) {
    zt_node *x = input_with_gradient(m, "x"), *h = input_with_gradient(m, "h"), *each[MOST];
    zt_node *c = lstm ? input_with_gradient(m, "c") : NULL;
    const int steps = (int)x->sh.d[0];
    for (int t = 0; t < steps; t++) {
        if (lstm) zt_lstm_cell(&m->nn, "lstm", step_of(x, t), &h, &c);
        else h = zt_gru_cell(&m->nn, "gru", step_of(x, t), h, NULL);
        each[t] = zt_reshape(h, zt_sh(1, h->sh.d[0], h->sh.d[1]));
    }
    output(m, zt_concat(0, steps, each), "y");
    output(m, lstm ? c : h, "last");
}
static void gru(golden *m) { recurrent(m, false); }
static void lstm(golden *m) { recurrent(m, true); }

static void batch_norm(golden *m) {
    output(m, zt_batch_norm(&m->nn, m->name, input_with_gradient(m, "x"), true), "y");
}
static void batch_norm_fixed(golden *m) {
    output(m, zt_batch_norm(&m->nn, m->name, input_with_gradient(m, "x"), false), "y");
}
static void instance_norm(golden *m) {
    output(m, zt_instance_norm(&m->nn, m->name, input_with_gradient(m, "x")), "y");
}
static void weight_norm(golden *m) {
    output(m, zt_weight_norm(&m->nn, m->name, want(m, "param", "v")->sh, ZT_INIT_XAVIER), "w");
}
static void spectral_norm(golden *m) {
    zt_node *w = zt_param(m->nn.g, "spectral_norm.w", want(m, "param", "w")->sh);
    output(m, zt_spectral_norm(&m->nn, m->name, w), "w");
}

AGAINST_PYTORCH(gru)
AGAINST_PYTORCH(lstm)
AGAINST_PYTORCH(batch_norm)
AGAINST_PYTORCH(batch_norm_fixed)
AGAINST_PYTORCH(instance_norm)
AGAINST_PYTORCH(weight_norm)
AGAINST_PYTORCH(spectral_norm)

/* ---- what PyTorch cannot say ------------------------------------------------------------------------------------- */
typedef struct fresh { zt_tset params, states; zt_nn nn; zt_plan *plan; } fresh;      /* a network with new parameters */
static void fresh_open(fresh *f) {
    *f = (fresh){0};
    must(zt_graph_create(&f->nn.g));
    f->nn.params = &f->params;
    f->nn.states = &f->states;
}
static void fresh_plan(fresh *f, int n_out, zt_node *const *out) {
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &f->params, .states = &f->states};
    must(zt_plan_create(&f->plan, f->nn.g, n_out, out, &cfg));
}
static void fresh_close(fresh *f) {
    zt_plan_destroy(&f->plan);
    zt_graph_destroy(&f->nn.g);
    zt_tset_finish(&f->params);
    zt_tset_finish(&f->states);
}

static void weight_norm_starts_as_v(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f);
    zt_node *w = zt_weight_norm(&f.nn, "w", zt_sh(3, 5, 4), ZT_INIT_NORMAL02);
    fresh_plan(&f, 1, &w);
    must(zt_plan_run(f.plan));
    const float *v = zt_tset_find(&f.params, "w.v")->data;
    for (int k = 0; k < 60; k++) assert_float_equal(((float *)w->x)[k], v[k], 1e-7);
    fresh_close(&f);
}

/* diag(3, 1) has largest singular value 3; without its update among the outputs the state stays. */
static void spectral_norm_converges(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f);
    zt_node *w = zt_const(f.nn.g, ZT_F32, zt_sh(2, 2), (const double[]){3, 0, 0, 1});
    zt_node *y = zt_spectral_norm(&f.nn, "s", w);
    const float *u = zt_tset_find(&f.states, "s.u")->data, first[2] = {u[0], u[1]};
    fresh_plan(&f, 1, &y);
    must(zt_plan_run(f.plan));
    assert_memory_equal(u, first, sizeof first);
    zt_plan_destroy(&f.plan);
    fresh_plan(&f, 2, (zt_node *const[]){y, f.nn.update});
    for (int k = 0; k < 20; k++) must(zt_plan_run(f.plan));
    assert_float_equal(fabsf(u[0]), 1, 1e-6);
    assert_float_equal(((float *)y->x)[0], 1, 1e-6);
    assert_float_equal(((float *)y->x)[3], 1.0 / 3, 1e-6);
    fresh_close(&f);
}

/* The running statistics of a constant stream become those of the batch; one bad batch does not spoil them. */
static void batch_norm_follows(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f);
    zt_node *x = zt_input(f.nn.g, "x", ZT_F32, zt_sh(4, 1)), *y = zt_batch_norm(&f.nn, "n", x, true);
    fresh_plan(&f, 2, (zt_node *const[]){y, f.nn.update});
    const float *mean = zt_tset_find(&f.states, "n.mean")->data, *var = zt_tset_find(&f.states, "n.var")->data;
    for (int run = 0; run < 200; run++) {
        for (int k = 0; k < 4; k++) ((float *)x->x)[k] = run == 100 && k == 2 ? NAN : (float)(2 * k);
        must(zt_plan_run(f.plan));
    }
    assert_float_equal(*mean, 3, 1e-5);
    assert_float_equal(*var, 20.0 / 3, 1e-4);
    fresh_close(&f);
}

static void errors_are_told(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f);
    zt_batch_norm(&f.nn, "n", zt_input(f.nn.g, "x", ZT_F32, zt_sh(1, 4)), true);
    assert_int_equal(zt_graph_error(f.nn.g), ZT_SHAPE);
    assert_non_null(strstr(zt_err_text(), "variance"));
    fresh_close(&f);
    fresh_open(&f);
    f.nn.states = NULL;
    zt_spectral_norm(&f.nn, "disc.conv", zt_input(f.nn.g, "x", ZT_F32, zt_sh(3, 4)));
    assert_int_equal(zt_graph_error(f.nn.g), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "disc.conv.u"));
    fresh_close(&f);
    fresh_open(&f);
    zt_gru_cell(&f.nn, "cell", zt_input(f.nn.g, "x", ZT_F32, zt_sh(2, 3)), zt_input(f.nn.g, "h", ZT_F32, zt_sh(5, 3)),
                NULL);
    assert_int_equal(zt_graph_error(f.nn.g), ZT_SHAPE);
    fresh_close(&f);
}

/* Gates that are told to keep everything, and nothing. */
static void gru_keeps_as_long_as_told(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f);
    zt_node *x = zt_input(f.nn.g, "x", ZT_F32, zt_sh(1, 2)), *h = zt_input(f.nn.g, "h", ZT_F32, zt_sh(1, 2));
    zt_node *y = zt_gru_cell(&f.nn, "gru", x, h, zt_const(f.nn.g, ZT_F32, zt_sh(2), (const double[]){30, -30}));
    fresh_plan(&f, 1, &y);
    ((float *)x->x)[0] = ((float *)x->x)[1] = 1;
    ((float *)h->x)[0] = ((float *)h->x)[1] = 5;
    must(zt_plan_run(f.plan));
    assert_true(fabsf(((float *)y->x)[0] - 5) < 1e-5F);
    assert_true(fabsf(((float *)y->x)[1]) <= 1);                                   /* the candidate, a tanh */
    fresh_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gru_keeps_as_long_as_told),
        cmocka_unit_test(gru_golden), cmocka_unit_test(lstm_golden), cmocka_unit_test(batch_norm_golden),
        cmocka_unit_test(batch_norm_fixed_golden), cmocka_unit_test(instance_norm_golden), cmocka_unit_test(weight_norm_golden),
        cmocka_unit_test(spectral_norm_golden), cmocka_unit_test(weight_norm_starts_as_v),
        cmocka_unit_test(spectral_norm_converges), cmocka_unit_test(batch_norm_follows), cmocka_unit_test(errors_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
