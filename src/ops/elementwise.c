/* elementwise.c - arithmetic, comparisons, choices and elementary functions of single elements; activations are in activation.c.
 * Inputs and attributes: attrs.h. Every gradient is made of ops that have gradients, so second derivatives exist (gradient
 * penalties). Functions that are flat almost everywhere (sign, floor, greater) have the gradient 0 everywhere.
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/elementwise_impl.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
BINARY_REF(add, a + b)
BINARY_REF(sub, a - b)
BINARY_REF(mul, a * b)
BINARY_REF(div, a / b)
BINARY_REF(maximum, a < b ? b : a) /* a NaN of a stays, here and below */
BINARY_REF(minimum, a > b ? b : a)
BINARY_REF(greater, a > b ? 1 : 0)
UNARY_REF(affine, x * n->at.f[0] + n->at.f[1])
UNARY_REF(neg, -x)
UNARY_REF(square, x * x)
UNARY_REF(sqrt, sqrt(x))
UNARY_REF(exp, exp(x))
UNARY_REF(log, log(x))
UNARY_REF(pow, pow(x, n->at.f[0]))
UNARY_REF(sin, sin(x))
UNARY_REF(cos, cos(x))
UNARY_REF(abs, fabs(x))
UNARY_REF(sign, x > 0 ? 1 : x < 0 ? -1 : 0)
UNARY_REF(floor, floor(x))
UNARY_REF(step, x > 0 ? 1 : 0)

void REF(where)(const zt_node *n) {
    const real *cond = n->in[0]->x, *a = n->in[1]->x, *b = n->in[2]->x;
    const int64_t count = zt_numel(&n->sh);
    for (int64_t k = 0; k < count; k++) ((real *)n->x)[k] = cond[k] != 0 ? a[k] : b[k];
}

void REF(straight_through)(const zt_node *n) { /* a view: the plan runs nothing */
    (void)n;
}

#ifndef ZT_REAL_F64

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_add(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_add, a, b, NULL); }
zt_node *zt_sub(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_sub, a, b, NULL); }
zt_node *zt_mul(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_mul, a, b, NULL); }
zt_node *zt_div(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_div, a, b, NULL); }
zt_node *zt_maximum(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_maximum, a, b, NULL); }
zt_node *zt_minimum(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_minimum, a, b, NULL); }
zt_node *zt_greater(zt_node *a, zt_node *b) { return zt_emit2(a->g, &zt_def_greater, a, b, NULL); }
zt_node *zt_neg(zt_node *x) { return zt_emit1(x->g, &zt_def_neg, x, NULL); }
zt_node *zt_square(zt_node *x) { return zt_emit1(x->g, &zt_def_square, x, NULL); }
zt_node *zt_sqrt(zt_node *x) { return zt_emit1(x->g, &zt_def_sqrt, x, NULL); }
zt_node *zt_exp(zt_node *x) { return zt_emit1(x->g, &zt_def_exp, x, NULL); }
zt_node *zt_ln(zt_node *x) { return zt_emit1(x->g, &zt_def_log, x, NULL); }
zt_node *zt_sin(zt_node *x) { return zt_emit1(x->g, &zt_def_sin, x, NULL); }
zt_node *zt_cos(zt_node *x) { return zt_emit1(x->g, &zt_def_cos, x, NULL); }
zt_node *zt_abs(zt_node *x) { return zt_emit1(x->g, &zt_def_abs, x, NULL); }
zt_node *zt_sign(zt_node *x) { return zt_emit1(x->g, &zt_def_sign, x, NULL); }
zt_node *zt_floor(zt_node *x) { return zt_emit1(x->g, &zt_def_floor, x, NULL); }
zt_node *zt_affine(zt_node *x, double scale, double shift) {
    return zt_emit1(x->g, &zt_def_affine, x, &((zt_attr){.f = {scale, shift}}));
}
zt_node *zt_pow(zt_node *x, double exponent) {
    return zt_emit1(x->g, &zt_def_pow, x, &((zt_attr){.f = {exponent}}));
}
zt_node *zt_where(zt_node *cond, zt_node *a, zt_node *b) {
    return zt_emit3(cond->g, &zt_def_where, cond, a, b, NULL);
}
zt_node *zt_straight_through(zt_node *value, zt_node *x) {
    return zt_emit2(x->g, &zt_def_straight_through, value, x, NULL);
}
zt_node *zt_clamp(zt_node *x, double lo, double hi) {
    return zt_minimum(zt_maximum(x, zt_scalar(x->g, lo)), zt_scalar(x->g, hi));
}
zt_node *zt_equal(zt_node *a, zt_node *b) {
    return zt_affine(zt_square(zt_sign(zt_sub(a, b))), -1, 1);
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
zt_err zt_op_unary_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

zt_err zt_op_binary_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 2);
    if (e != ZT_OK) return e;
    const zt_shape *a = &n->in[0]->sh, *b = &n->in[1]->sh;
    if (!zt_op_broadcasts(b, a))
        return zt_fail(ZT_SHAPE, "%s: b must broadcast to a, which is %s; b is %s", n->op->name, zt_shape_text(a),
                       zt_shape_text(b));
    return zt_op_set(n, n->in[0]->dtype, *a);
}

zt_err zt_op_alike_shape(zt_node *n) {
    static const char *const names[] = {"input 0", "input 1", "input 2"};
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    for (int k = 1; e == ZT_OK && k < n->n_in; k++) e = zt_op_want_shape(n, k, names[k], n->in[0]->sh);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
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
static void maximum_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* of equal elements, b's is the one that counts */
    dx[0] = zt_mul(dy, zt_greater(n->in[0], n->in[1]));
    dx[1] = zt_op_sum_like(zt_sub(dy, dx[0]), n->in[1]);
}
static void minimum_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* here a's */
    zt_node *db = zt_mul(dy, zt_greater(n->in[0], n->in[1]));
    dx[0] = zt_sub(dy, db);
    dx[1] = zt_op_sum_like(db, n->in[1]);
}
static void where_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* by choice, not by products: 0 * NaN would be NaN */
    zt_node *zero = zt_broadcast_to(zt_scalar(n->g, 0), n->sh);
    dx[1] = zt_where(n->in[0], dy, zero);
    dx[2] = zt_where(n->in[0], zero, dy);
}
static void straight_through_grad(zt_node *n, zt_node *dy, zt_node **dx) { (void)n; dx[1] = dy; }
static void flat_grad(zt_node *n, zt_node *dy, zt_node **dx) { (void)n, (void)dy, (void)dx; }
/* what DEFINE asks for */
#define greater_grad flat_grad
#define sign_grad flat_grad
#define floor_grad flat_grad
#define step_grad flat_grad
static void affine_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_affine(dy, n->at.f[0], 0); }
static void neg_grad(zt_node *n, zt_node *dy, zt_node **dx) { (void)n; dx[0] = zt_neg(dy); }
static void square_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, zt_affine(n->in[0], 2, 0)); }
static void sqrt_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_div(dy, zt_affine(n, 2, 0)); }
static void exp_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, n); }
static void log_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_div(dy, n->in[0]); }
static void pow_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    const double p = n->at.f[0];
    dx[0] = zt_mul(dy, zt_affine(zt_pow(n->in[0], p - 1), p, 0));
}
static void sin_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, zt_cos(n->in[0])); }
static void cos_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_neg(zt_mul(dy, zt_sin(n->in[0]))); }
static void abs_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_mul(dy, zt_sign(n->in[0])); }

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

#define COMPARE_GEN(name) /* a is b and something that never gets near 0, or is 0 */        \
    static zt_node *name##_gen(zt_graph *g, zt_rng *r) {                                    \
        const zt_shape sh = zt_gen_any_shape(r);                                            \
        zt_node *b = zt_gen_value(g, zt_gen_broadcast(r, sh));                              \
        return zt_##name(zt_add(zt_gen_signed(g, r, sh), b), b);                            \
    }
COMPARE_GEN(maximum)
COMPARE_GEN(minimum)
COMPARE_GEN(greater)

UNARY_GEN(neg)
UNARY_GEN(square)
UNARY_GEN(exp)
UNARY_GEN(sin)
UNARY_GEN(cos)

static zt_node *affine_gen(zt_graph *g, zt_rng *r) {
    zt_node *x = zt_gen_stretched(g, r, zt_gen_any_shape(r));
    const double scale = zt_rng_range(r, -2, 2);
    return zt_affine(x, scale, zt_rng_range(r, -2, 2));
}
static zt_node *sqrt_gen(zt_graph *g, zt_rng *r) { return zt_sqrt(zt_gen_positive(g, zt_gen_any_shape(r))); }
static zt_node *log_gen(zt_graph *g, zt_rng *r) { return zt_ln(zt_gen_positive(g, zt_gen_any_shape(r))); }
static zt_node *pow_gen(zt_graph *g, zt_rng *r) {
    zt_node *x = zt_gen_positive(g, zt_gen_any_shape(r));
    return zt_pow(x, zt_gen_coin(r) ? zt_rng_range(r, -3, 3) : (double)zt_rng_int(r, -2, 3));
}
static zt_node *abs_gen(zt_graph *g, zt_rng *r) { return zt_abs(zt_gen_signed(g, r, zt_gen_any_shape(r))); }
static zt_node *sign_gen(zt_graph *g, zt_rng *r) { return zt_sign(zt_gen_signed(g, r, zt_gen_any_shape(r))); }
static zt_node *step_gen(zt_graph *g, zt_rng *r) {
    return zt_emit1(g, &zt_def_step, zt_gen_signed(g, r, zt_gen_any_shape(r)), NULL);
}
static zt_node *floor_gen(zt_graph *g, zt_rng *r) { /* at least 0.2 from the next whole number */
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *part = zt_affine(zt_gen_real(g, sh), 0.3, 0.5);
    return zt_floor(zt_add(part, zt_gen_whole(g, r, sh, -5, 5)));
}
static zt_node *where_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *cond = zt_gen_whole(g, r, sh, 0, 1), *a = zt_gen_value(g, sh);
    if (zt_gen_coin(r)) cond = zt_square(cond); /* a result, whose storage may be taken */
    return zt_where(cond, a, zt_gen_value(g, sh));
}
static zt_node *straight_through_gen(zt_graph *g, zt_rng *r) { /* the value has the slope 1, which differences see */
    zt_node *x = zt_gen_value(g, zt_gen_any_shape(r));
    return zt_straight_through(zt_affine(x, 1, zt_rng_range(r, -1, 1)), x);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
DEFINE_WITH(add, 2, binary, ZT_OPF_FOLLOWS, 1e-6, "a + b; b broadcasts to a")
DEFINE(sub, 2, binary, 1e-6, "a - b; b broadcasts to a")
DEFINE(mul, 2, binary, 1e-6, "a * b; b broadcasts to a")
DEFINE(div, 2, binary, 1e-6, "a / b; b broadcasts to a")
DEFINE(maximum, 2, binary, 1e-6, "the larger of a and b; b broadcasts to a")
DEFINE(minimum, 2, binary, 1e-6, "the smaller of a and b; b broadcasts to a")
DEFINE(greater, 2, binary, 1e-6, "1 where a > b, else 0; b broadcasts to a; its gradient is 0")
DEFINE(affine, 1, unary, 1e-6, "x * scale + shift, both numbers")
DEFINE(neg, 1, unary, 1e-6, "-x")
DEFINE(square, 1, unary, 1e-6, "x * x")
DEFINE(sqrt, 1, unary, 1e-6, "square root")
DEFINE(exp, 1, unary, 4e-6, "e^x")
DEFINE(log, 1, unary, 4e-6, "natural logarithm")
DEFINE(pow, 1, unary, 4e-6, "x to the power of a number; x > 0")
DEFINE(sin, 1, unary, 2e-6, "sine")
DEFINE(cos, 1, unary, 2e-6, "cosine")
DEFINE(abs, 1, unary, 1e-6, "|x|; its gradient at 0 is 0")
DEFINE(sign, 1, unary, 1e-6, "-1, 0 or 1; its gradient is 0")
DEFINE(floor, 1, unary, 1e-6, "the largest whole number that is not above x; its gradient is 0")
DEFINE(step, 1, unary, 1e-6, "1 where x > 0, else 0; its gradient is 0")
DEFINE(where, 3, alike, 1e-6, "cond, a, b of one shape: a where cond is not 0, else b")
const zt_op_def zt_def_straight_through = {.id = ZT_OP_straight_through, .name = "straight_through",
    .doc = "value, x of one shape: the value, whose gradient goes to x alone", .min_in = 2, .max_in = 2, .flags = ZT_OPF_VIEW,
    .shape = zt_op_alike_shape, .ref = ZT_REFS(straight_through), .grad = straight_through_grad, .gen = straight_through_gen,
    .tol = 1e-6};
#endif
