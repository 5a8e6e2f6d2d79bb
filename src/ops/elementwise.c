/* elementwise.c - sums, products and functions of single elements. Inputs and attributes: attrs.h.
 * Every gradient is made of ops that have gradients, so second derivatives exist (gradient penalties).
 * GELU is the tanh form of Hendrycks & Gimpel 2016 (arXiv:1606.08415): x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

#define GELU_K 0.79788456080286535588 /* sqrt(2/pi) */
#define GELU_C 0.044715

/* ---- references -------------------------------------------------------------------------------------------------- */
#define BINARY_REF(name, expr)                                                              \
    void REF(name)(const zt_node *n) {                                                      \
        const zt_shape *sa = &n->sh, *sb = &n->in[1]->sh;                                   \
        const int64_t count = zt_numel(sa);                                                 \
        for (int64_t k = 0; k < count; k++) {                                               \
            const double a = ((const real *)n->in[0]->x)[k];                                \
            const double b = ((const real *)n->in[1]->x)[zt_bcast_index(sa, sb, k)];        \
            ((real *)n->x)[k] = (real)(expr);                                               \
        }                                                                                   \
    }
#define UNARY_REF(name, expr)                                                               \
    void REF(name)(const zt_node *n) {                                                      \
        const int64_t count = zt_numel(&n->sh);                                             \
        for (int64_t k = 0; k < count; k++) {                                               \
            const double x = ((const real *)n->in[0]->x)[k];                                \
            ((real *)n->x)[k] = (real)(expr);                                               \
        }                                                                                   \
    }

static double sigmoid_of(double x) {
    return 1 / (1 + exp(-x));
}
static double silu_slope(double x) {
    const double s = sigmoid_of(x);
    return s * (1 + x * (1 - s));
}
static double gelu_tanh(double x) {
    return tanh(GELU_K * (x + GELU_C * x * x * x));
}
static double gelu_slope(double x) {
    const double t = gelu_tanh(x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_K * (1 + 3 * GELU_C * x * x);
}

BINARY_REF(add, a + b)
BINARY_REF(sub, a - b)
BINARY_REF(mul, a * b)
BINARY_REF(div, a / b)
UNARY_REF(affine, x * n->at.f[0] + n->at.f[1])
UNARY_REF(neg, -x)
UNARY_REF(square, x * x)
UNARY_REF(sqrt, sqrt(x))
UNARY_REF(exp, exp(x))
UNARY_REF(log, log(x))
UNARY_REF(sigmoid, sigmoid_of(x))
UNARY_REF(tanh, tanh(x))
UNARY_REF(silu, x * sigmoid_of(x))
UNARY_REF(gelu, 0.5 * x * (1 + gelu_tanh(x)))
UNARY_REF(step, x > 0 ? 1 : 0)
BINARY_REF(silu_dx, a * silu_slope(b))
BINARY_REF(gelu_dx, a * gelu_slope(b))

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_add(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_add, a, b, NULL); }
zt_node *zt_sub(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_sub, a, b, NULL); }
zt_node *zt_mul(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_mul, a, b, NULL); }
zt_node *zt_div(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_div, a, b, NULL); }
zt_node *zt_neg(zt_node *x) { return zt_emit1(x->g, &zt_def_neg, x, NULL); }
zt_node *zt_square(zt_node *x) { return zt_emit1(x->g, &zt_def_square, x, NULL); }
zt_node *zt_sqrt(zt_node *x) { return zt_emit1(x->g, &zt_def_sqrt, x, NULL); }
zt_node *zt_exp(zt_node *x) { return zt_emit1(x->g, &zt_def_exp, x, NULL); }
zt_node *zt_ln(zt_node *x) { return zt_emit1(x->g, &zt_def_log, x, NULL); }
zt_node *zt_sigmoid(zt_node *x) { return zt_emit1(x->g, &zt_def_sigmoid, x, NULL); }
zt_node *zt_tanh(zt_node *x) { return zt_emit1(x->g, &zt_def_tanh, x, NULL); }
zt_node *zt_silu(zt_node *x) { return zt_emit1(x->g, &zt_def_silu, x, NULL); }
zt_node *zt_gelu(zt_node *x) { return zt_emit1(x->g, &zt_def_gelu, x, NULL); }
zt_node *zt_affine(zt_node *x, double scale, double shift) {
    return zt_emit1(x->g, &zt_def_affine, x, &((zt_attr){.f = {scale, shift}}));
}
static zt_node *silu_dx(zt_node *dy, zt_node *x) { return zt_emit2(x->g, &zt_def_silu_dx, dy, x, NULL); }
static zt_node *gelu_dx(zt_node *dy, zt_node *x) { return zt_emit2(x->g, &zt_def_gelu_dx, dy, x, NULL); }

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err unary_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

static zt_err binary_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 2);
    if (e != ZT_OK) return e;
    const zt_shape *a = &n->in[0]->sh, *b = &n->in[1]->sh;
    if (!zt_op_broadcasts(b, a))
        return zt_fail(ZT_SHAPE, "%s: b must broadcast to a, which is %s; b is %s", n->op->name, zt_shape_text(a),
                       zt_shape_text(b));
    return zt_op_set(n, n->in[0]->dtype, *a);
}

static zt_err slope_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 2);
    if (e != ZT_OK) return e;
    const zt_err s = zt_op_want_shape(n, 1, "x", n->in[0]->sh);
    return s != ZT_OK ? s : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void add_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = dy;
    dx[1] = zt_op_sum_like(dy, n->in[1]);
}
static void sub_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = dy;
    dx[1] = zt_neg(zt_op_sum_like(dy, n->in[1]));
}
static void mul_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = zt_mul(dy, n->in[1]);
    dx[1] = zt_op_sum_like(zt_mul(dy, n->in[0]), n->in[1]);
}
static void div_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* d(a/b)/db = -(a/b)/b */
    dx[0] = zt_div(dy, n->in[1]);
    dx[1] = zt_neg(zt_op_sum_like(zt_mul(dx[0], n), n->in[1]));
}
static void affine_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_affine(dy, n->at.f[0], 0); }
static void neg_grad(zt_node *n, zt_node *dy, zt_node **dx) { (void)n; dx[0] = zt_neg(dy); }
static void square_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, zt_affine(n->in[0], 2, 0)); }
static void sqrt_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_div(dy, zt_affine(n, 2, 0)); }
static void exp_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, n); }
static void log_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_div(dy, n->in[0]); }
static void sigmoid_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* y (1 - y) */
    dx[0] = zt_mul(dy, zt_mul(n, zt_affine(n, -1, 1)));
}
static void tanh_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* 1 - y^2 */
    dx[0] = zt_mul(dy, zt_affine(zt_square(n), -1, 1));
}
static void silu_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = silu_dx(dy, n->in[0]); }
static void gelu_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = gelu_dx(dy, n->in[0]); }
static void step_grad(zt_node *n, zt_node *dy, zt_node **dx) { (void)n; dx[0] = zt_affine(dy, 0, 0); }

static void silu_dx_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* silu'' = s (1-s) (2 + x (1-2s)) */
    zt_node *x = n->in[1], *s = zt_sigmoid(x);
    zt_node *bend = zt_mul(zt_mul(s, zt_affine(s, -1, 1)), zt_affine(zt_mul(x, zt_affine(s, -2, 1)), 1, 2));
    dx[0] = silu_dx(dy, x);
    dx[1] = zt_mul(zt_mul(dy, n->in[0]), bend);
}

static void gelu_dx_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* gelu'' = (1-t^2) (u' + x/2 (u'' - 2 t u'^2)), t = tanh u */
    zt_node *x = n->in[1], *x2 = zt_square(x);
    zt_node *t = zt_tanh(zt_mul(zt_affine(x2, GELU_K * GELU_C, GELU_K), x));
    zt_node *u1 = zt_affine(x2, 3 * GELU_C * GELU_K, GELU_K), *u2 = zt_affine(x, 6 * GELU_C * GELU_K, 0);
    zt_node *curve = zt_sub(u2, zt_mul(zt_affine(t, 2, 0), zt_square(u1)));
    zt_node *bend = zt_mul(zt_affine(zt_square(t), -1, 1), zt_add(u1, zt_mul(zt_affine(x, 0.5, 0), curve)));
    dx[0] = gelu_dx(dy, x);
    dx[1] = zt_mul(zt_mul(dy, n->in[0]), bend);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
#define BINARY_GEN(name, make_b)                                                            \
    static zt_node *name##_gen(zt_graph *g, zt_rng *r) {                                    \
        const zt_shape sh = zt_gen_any_shape(r);                                            \
        zt_node *a = zt_gen_stretched(g, r, sh);                                            \
        return zt_##name(a, make_b(g, zt_gen_broadcast(r, sh)));                            \
    }
BINARY_GEN(add, zt_gen_value)
BINARY_GEN(sub, zt_gen_value)
BINARY_GEN(mul, zt_gen_value)
BINARY_GEN(div, zt_gen_positive)

#define UNARY_GEN(name)                                                                     \
    static zt_node *name##_gen(zt_graph *g, zt_rng *r) {                                    \
        return zt_##name(zt_gen_stretched(g, r, zt_gen_any_shape(r)));                      \
    }
UNARY_GEN(neg)
UNARY_GEN(square)
UNARY_GEN(exp)
UNARY_GEN(sigmoid)
UNARY_GEN(tanh)
UNARY_GEN(silu)
UNARY_GEN(gelu)

static zt_node *affine_gen(zt_graph *g, zt_rng *r) {
    zt_node *x = zt_gen_stretched(g, r, zt_gen_any_shape(r));
    const double scale = zt_rng_range(r, -2, 2);
    return zt_affine(x, scale, zt_rng_range(r, -2, 2));
}
static zt_node *sqrt_gen(zt_graph *g, zt_rng *r) { return zt_sqrt(zt_gen_positive(g, zt_gen_any_shape(r))); }
static zt_node *log_gen(zt_graph *g, zt_rng *r) { return zt_ln(zt_gen_positive(g, zt_gen_any_shape(r))); }
static zt_node *step_gen(zt_graph *g, zt_rng *r) { /* of every sign, but never so near 0 that a difference crosses */
    const zt_shape sh = zt_gen_any_shape(r);
    const int64_t n = zt_numel(&sh);
    double *sign = zt_graph_alloc(g, (size_t)n * sizeof *sign);
    for (int64_t k = 0; sign && k < n; k++) sign[k] = (double)zt_rng_int(r, -1, 1);
    zt_node *x = zt_gen_positive(g, sh);
    return zt_emit1(g, &zt_def_step, sign ? zt_mul(x, zt_const(g, x->dtype, sh, sign)) : x, NULL);
}
static zt_node *silu_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *dy = zt_gen_value(g, zt_gen_any_shape(r));
    return silu_dx(dy, zt_gen_stretched(g, r, dy->sh));
}
static zt_node *gelu_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *dy = zt_gen_value(g, zt_gen_any_shape(r));
    return gelu_dx(dy, zt_gen_stretched(g, r, dy->sh));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, inputs, rule, allowed, text)                                                                        \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = inputs, .max_in = inputs,     \
                                   .flags = ZT_OPF_OVERWRITE, .shape = rule, .ref = ZT_REFS(op), .grad = op##_grad,    \
                                   .gen = op##_gen, .tol = allowed};
DEFINE(add, 2, binary_shape, 1e-6, "a + b; b broadcasts to a")
DEFINE(sub, 2, binary_shape, 1e-6, "a - b; b broadcasts to a")
DEFINE(mul, 2, binary_shape, 1e-6, "a * b; b broadcasts to a")
DEFINE(div, 2, binary_shape, 1e-6, "a / b; b broadcasts to a")
DEFINE(affine, 1, unary_shape, 1e-6, "x * scale + shift, both numbers")
DEFINE(neg, 1, unary_shape, 1e-6, "-x")
DEFINE(square, 1, unary_shape, 1e-6, "x * x")
DEFINE(sqrt, 1, unary_shape, 1e-6, "square root")
DEFINE(exp, 1, unary_shape, 4e-6, "e^x")
DEFINE(log, 1, unary_shape, 4e-6, "natural logarithm")
DEFINE(sigmoid, 1, unary_shape, 2e-6, "1 / (1 + e^-x)")
DEFINE(tanh, 1, unary_shape, 2e-6, "hyperbolic tangent")
DEFINE(silu, 1, unary_shape, 2e-6, "x * sigmoid(x)")
DEFINE(silu_dx, 2, slope_shape, 2e-6, "dy * silu'(x); same shapes")
DEFINE(gelu, 1, unary_shape, 2e-6, "x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))")
DEFINE(gelu_dx, 2, slope_shape, 2e-6, "dy * gelu'(x); same shapes")
DEFINE(step, 1, unary_shape, 1e-6, "1 where x > 0, else 0; its gradient is 0")
#endif
