/* activation.c - activations and what they are made of. Inputs and attributes: attrs.h. Every gradient is made of ops that have
 * gradients, so second derivatives exist.
 * GELU is the tanh form of Hendrycks & Gimpel 2016 (arXiv:1606.08415): x/2 (1 + tanh u), u = sqrt(2/pi) (x + 0.044715 x^3).
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/elementwise_impl.h"

#define GELU_K 0.79788456080286535588 /* sqrt(2/pi) */
#define GELU_C 0.044715

/* ---- references -------------------------------------------------------------------------------------------------- */
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

UNARY_REF(sigmoid, sigmoid_of(x))
UNARY_REF(tanh, tanh(x))
UNARY_REF(silu, x * sigmoid_of(x))
BINARY_REF(silu_dx, a * silu_slope(b))
UNARY_REF(gelu, 0.5 * x * (1 + gelu_tanh(x)))
BINARY_REF(gelu_dx, a * gelu_slope(b))
UNARY_REF(leaky_relu, x > 0 ? x : n->at.f[0] * x)
BINARY_REF(leaky_relu_dx, b > 0 ? a : n->at.f[0] * a)
UNARY_REF(softplus, fmax(x, 0) + log1p(exp(-fabs(x)))) /* e^x alone would be infinite for large x */
UNARY_REF(erf, erf(x))

#ifndef ZT_REAL_F64

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_sigmoid(zt_node *x) { return zt_emit1(x->g, &zt_def_sigmoid, x, NULL); }
zt_node *zt_tanh(zt_node *x) { return zt_emit1(x->g, &zt_def_tanh, x, NULL); }
zt_node *zt_silu(zt_node *x) { return zt_emit1(x->g, &zt_def_silu, x, NULL); }
zt_node *zt_gelu(zt_node *x) { return zt_emit1(x->g, &zt_def_gelu, x, NULL); }
zt_node *zt_softplus(zt_node *x) { return zt_emit1(x->g, &zt_def_softplus, x, NULL); }
zt_node *zt_erf(zt_node *x) { return zt_emit1(x->g, &zt_def_erf, x, NULL); }
zt_node *zt_leaky_relu(zt_node *x, double slope) {
    return zt_emit1(x->g, &zt_def_leaky_relu, x, &((zt_attr){.f = {slope}}));
}
zt_node *zt_relu(zt_node *x) { return zt_leaky_relu(x, 0); }
static zt_node *silu_dx(zt_node *dy, zt_node *x) { return zt_emit2(x->g, &zt_def_silu_dx, dy, x, NULL); }
static zt_node *gelu_dx(zt_node *dy, zt_node *x) { return zt_emit2(x->g, &zt_def_gelu_dx, dy, x, NULL); }
static zt_node *leaky_relu_dx(zt_node *dy, zt_node *x, double slope) {
    return zt_emit2(x->g, &zt_def_leaky_relu_dx, dy, x, &((zt_attr){.f = {slope}}));
}

zt_node *zt_elu(zt_node *x, double alpha) { /* e^x only of what is below 0: above, it may be infinite */
    zt_node *zero = zt_scalar(x->g, 0);
    return zt_add(zt_maximum(x, zero), zt_affine(zt_exp(zt_minimum(x, zero)), alpha, -alpha));
}
zt_node *zt_gelu_erf(zt_node *x) {
    return zt_mul(x, zt_affine(zt_erf(zt_affine(x, sqrt(0.5), 0)), 0.5, 0.5));
}
zt_node *zt_mish(zt_node *x) {
    return zt_mul(x, zt_tanh(zt_softplus(x)));
}
zt_node *zt_hard_swish(zt_node *x) {
    return zt_mul(x, zt_clamp(zt_affine(x, 1.0 / 6, 0.5), 0, 1));
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void sigmoid_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* y (1 - y) */
    dx[0] = zt_mul(dy, zt_mul(n, zt_affine(n, -1, 1)));
}
static void tanh_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* 1 - y^2 */
    dx[0] = zt_mul(dy, zt_affine(zt_square(n), -1, 1));
}
static void silu_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = silu_dx(dy, n->in[0]); }
static void gelu_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = gelu_dx(dy, n->in[0]); }
static void leaky_relu_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* y has the sign of x: x need not be kept */
    dx[0] = leaky_relu_dx(dy, n->at.f[0] < 0 ? n->in[0] : n, n->at.f[0]);
}
static void leaky_relu_dx_grad(zt_node *n, zt_node *d, zt_node **dx) { dx[0] = leaky_relu_dx(d, n->in[1], n->at.f[0]); }
static void softplus_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, zt_sigmoid(n->in[0])); }
static void erf_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* 2/sqrt(pi) e^-x^2 */
    dx[0] = zt_mul(dy, zt_affine(zt_exp(zt_neg(zt_square(n->in[0]))), 1.12837916709551257390, 0));
}

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
UNARY_GEN(sigmoid)
UNARY_GEN(tanh)
UNARY_GEN(silu)
UNARY_GEN(gelu)
UNARY_GEN(softplus)
UNARY_GEN(erf)

static zt_node *silu_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *dy = zt_gen_value(g, zt_gen_any_shape(r));
    return silu_dx(dy, zt_gen_stretched(g, r, dy->sh));
}
static zt_node *gelu_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *dy = zt_gen_value(g, zt_gen_any_shape(r));
    return gelu_dx(dy, zt_gen_stretched(g, r, dy->sh));
}
static double gen_slope(zt_rng *r) {
    return zt_gen_coin(r) ? 0 : zt_rng_range(r, 0, 1);
}
static zt_node *leaky_relu_gen(zt_graph *g, zt_rng *r) {
    zt_node *x = zt_gen_signed(g, r, zt_gen_any_shape(r));
    return zt_leaky_relu(x, gen_slope(r));
}
static zt_node *leaky_relu_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *dy = zt_gen_value(g, zt_gen_any_shape(r)), *x = zt_gen_signed(g, r, dy->sh);
    return leaky_relu_dx(dy, x, gen_slope(r));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
DEFINE(sigmoid, 1, unary, 2e-6, "1 / (1 + e^-x)")
DEFINE(tanh, 1, unary, 2e-6, "hyperbolic tangent")
DEFINE_WITH(silu, 1, unary, ZT_OPF_CHEAP, 2e-6, "x * sigmoid(x)")
DEFINE(silu_dx, 2, alike, 2e-6, "dy * silu'(x); same shapes")
DEFINE_WITH(gelu, 1, unary, ZT_OPF_CHEAP, 2e-6, "x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))")
DEFINE(gelu_dx, 2, alike, 2e-6, "dy * gelu'(x); same shapes")
DEFINE_WITH(leaky_relu, 1, unary, ZT_OPF_TURNS | ZT_OPF_FOLLOWS, 1e-6, "x where x > 0, else x * slope, a number")
DEFINE(leaky_relu_dx, 2, alike, 1e-6, "dy where x > 0, else dy * slope; x, or leaky_relu(x), of its shape")
DEFINE(softplus, 1, unary, 2e-6, "log(1 + e^x)")
DEFINE(erf, 1, unary, 2e-6, "error function")
#endif
