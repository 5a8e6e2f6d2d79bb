/* softmax.c - softmax and its logarithm over the last axis, both taken relative to the row's maximum, so that no exponential
 * overflows. Gradients are made of ops that have gradients. Inputs and attributes: attrs.h. Tested by
 * tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
static double softmax_max(const real *x, int64_t n) {
    double most = x[0];
    for (int64_t k = 1; k < n; k++) most = fmax(most, x[k]);
    return most;
}
static double softmax_sum(const real *x, int64_t n, double most) {
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += exp(x[k] - most);
    return sum;
}

/* y = e^(x - max) / sum e^(x - max) */
void REF(softmax)(const zt_node *n) {
    const int64_t C = zt_last(&n->sh), count = zt_numel(&n->sh);
    for (int64_t at = 0; at < count; at += C) {
        const real *x = (const real *)n->in[0]->x + at;
        const double most = softmax_max(x, C), sum = softmax_sum(x, C, most);
        for (int64_t c = 0; c < C; c++) ((real *)n->x)[at + c] = (real)(exp(x[c] - most) / sum);
    }
}

/* y = x - max - log sum e^(x - max) */
void REF(log_softmax)(const zt_node *n) {
    const int64_t C = zt_last(&n->sh), count = zt_numel(&n->sh);
    for (int64_t at = 0; at < count; at += C) {
        const real *x = (const real *)n->in[0]->x + at;
        const double most = softmax_max(x, C), shift = most + log(softmax_sum(x, C, most));
        for (int64_t c = 0; c < C; c++) ((real *)n->x)[at + c] = (real)(x[c] - shift);
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_softmax(zt_node *x) { return zt_emit1(x->g, &zt_def_softmax, x, NULL); }
zt_node *zt_log_softmax(zt_node *x) { return zt_emit1(x->g, &zt_def_log_softmax, x, NULL); }

zt_node *zt_log_sum_exp(zt_node *x) { /* the maximum cancels, so it needs no gradient */
    zt_node *most = zt_stop_gradient(zt_max(x, -1));
    return zt_add(zt_ln(zt_sum_to(zt_exp(zt_sub(x, most)), most->sh)), most);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
static zt_err rows_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

static zt_node *row_sum(zt_node *x) { return zt_sum_to(x, zt_op_with_last(&x->sh, 1)); }

static void softmax_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* y (dy - sum y dy) */
    dx[0] = zt_mul(n, zt_sub(dy, row_sum(zt_mul(n, dy))));
}
static void log_softmax_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* dy - e^y sum dy */
    dx[0] = zt_sub(dy, zt_mul(zt_exp(n), row_sum(dy)));
}

static zt_node *gen_logits(zt_graph *g, zt_rng *r) { /* now and then far from 0, where exponentials of x itself fail */
    static const double shifts[] = {0, 0, 100, -100};
    zt_node *x = zt_gen_stretched(g, r, zt_gen_any_shape(r));
    const double shift = shifts[zt_rng_int(r, 0, 3)];
    return shift != 0 ? zt_affine(x, 1, shift) : x;
}
static zt_node *softmax_gen(zt_graph *g, zt_rng *r) { return zt_softmax(gen_logits(g, r)); }
static zt_node *log_softmax_gen(zt_graph *g, zt_rng *r) { return zt_log_softmax(gen_logits(g, r)); }

#define DEFINE(op, text)                                                                                                \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = 1, .max_in = 1,                \
                                   .flags = ZT_OPF_OVERWRITE, .shape = rows_shape, .ref = ZT_REFS(op), .grad = op##_grad, \
                                   .gen = op##_gen, .tol = 2e-6};
DEFINE(softmax, "e^x / sum e^x over the last axis")
DEFINE(log_softmax, "x - log sum e^x over the last axis")
#endif
