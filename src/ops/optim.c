/* optim.c - what a training step does after the gradients: global norm; AdamW, Adam, RMSProp, Lion; momentum and a step along a
 * direction, of which SGD is made; moving average of the weights; a value stored for the next run. Inputs and attributes:
 * attrs.h; sources: ops.h.
 * Gradients are scaled by min(1, clip/norm) first. All but the norm write their leaves in place and have no gradient. Tested by
 * tests/ops/test_ops_sweep.c and test_ops_values.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
void REF(global_norm)(const zt_node *n) {
    double sum = 0;
    for (int k = 0; k < n->n_in; k++) {
        const real *x = n->in[k]->x;
        const int64_t count = zt_numel(&n->in[k]->sh);
        for (int64_t j = 0; j < count; j++) sum += (double)x[j] * x[j];
    }
    *(real *)n->x = (real)sqrt(sum);
}

/* min(1, clip/norm) */
static double clip_factor(const real *hyper, double norm) {
    const double clip = hyper[7];
    return clip > 0 && norm > clip ? clip / norm : 1;
}

/* g' = g min(1, clip/norm), m = b1 m + (1-b1) g', v = b2 v + (1-b2) g'^2,
 * p -= lr ((m/c1) / (sqrt(v/c2) + eps) + decay p),  c1 = 1 - b1^t, c2 = 1 - b2^t. Adam adds decay p to g' instead.
 * Nothing moves when the norm is not finite. */
void REF(adamw)(const zt_node *n) {
    real *p = n->in[0]->x, *m = n->in[1]->x, *v = n->in[2]->x;
    const real *g = n->in[3]->x, *hyper = n->in[4]->x;
    const double lr = hyper[0], b1 = hyper[1], b2 = hyper[2], eps = hyper[3], c1 = hyper[5], c2 = hyper[6];
    const double apart = n->at.i[0] == ZT_DECAY_APART ? hyper[4] : 0, into = n->at.i[0] == ZT_DECAY_INTO_GRADIENT ? hyper[4] : 0;
    const double norm = *(const real *)n->in[5]->x, factor = clip_factor(hyper, norm);
    const int64_t count = zt_numel(&n->in[0]->sh);
    *(real *)n->x = 0;
    if (!isfinite(norm)) return;
    for (int64_t k = 0; k < count; k++) {
        const double gk = g[k] * factor + into * p[k], mk = b1 * m[k] + (1 - b1) * gk, vk = b2 * v[k] + (1 - b2) * gk * gk;
        m[k] = (real)mk;
        v[k] = (real)vk;
        p[k] = (real)(p[k] - lr * (mk / c1 / (sqrt(vk / c2) + eps) + apart * p[k]));
    }
}

/* v = b2 v + (1-b2) g'^2,  p -= lr (g' / (sqrt(v) + eps) + decay p); nothing moves when the norm is not finite */
void REF(rmsprop)(const zt_node *n) {
    real *p = n->in[0]->x, *v = n->in[1]->x;
    const real *g = n->in[2]->x, *hyper = n->in[3]->x;
    const double lr = hyper[0], b2 = hyper[2], eps = hyper[3], decay = n->at.i[0] ? hyper[4] : 0;
    const double norm = *(const real *)n->in[4]->x, factor = clip_factor(hyper, norm);
    const int64_t count = zt_numel(&n->in[0]->sh);
    *(real *)n->x = 0;
    if (!isfinite(norm)) return;
    for (int64_t k = 0; k < count; k++) {
        const double gk = g[k] * factor, vk = b2 * v[k] + (1 - b2) * gk * gk;
        v[k] = (real)vk;
        p[k] = (real)(p[k] - lr * (gk / (sqrt(vk) + eps) + decay * p[k]));
    }
}

/* p -= lr (sign(b1 m + (1-b1) g') + decay p),  m = b2 m + (1-b2) g'; nothing moves when the norm is not finite */
void REF(lion)(const zt_node *n) {
    real *p = n->in[0]->x, *m = n->in[1]->x;
    const real *g = n->in[2]->x, *hyper = n->in[3]->x;
    const double lr = hyper[0], b1 = hyper[1], b2 = hyper[2], decay = n->at.i[0] ? hyper[4] : 0;
    const double norm = *(const real *)n->in[4]->x, factor = clip_factor(hyper, norm);
    const int64_t count = zt_numel(&n->in[0]->sh);
    *(real *)n->x = 0;
    if (!isfinite(norm)) return;
    for (int64_t k = 0; k < count; k++) {
        const double gk = g[k] * factor, c = b1 * m[k] + (1 - b1) * gk;
        m[k] = (real)(b2 * m[k] + (1 - b2) * gk);
        p[k] = (real)(p[k] - lr * ((c > 0) - (c < 0) + decay * p[k]));
    }
}

/* e = e decay + p (1 - decay); nothing moves when the norm is not finite */
void REF(ema)(const zt_node *n) {
    real *e = n->in[0]->x;
    const real *p = n->in[1]->x;
    const double decay = *(const real *)n->in[2]->x;
    const int64_t count = zt_numel(&n->in[0]->sh);
    *(real *)n->x = 0;
    if (!isfinite(*(const real *)n->in[3]->x)) return;
    for (int64_t k = 0; k < count; k++) e[k] = (real)(e[k] * decay + p[k] * (1 - decay));
}

/* m = b m + (1-b) g';  y = b m + (1-b) g' (Nesterov) or m. m stays when the norm is not finite. */
void REF(momentum)(const zt_node *n) {
    real *m = n->in[0]->x, *y = n->x;
    const real *g = n->in[1]->x, *hyper = n->in[2]->x;
    const double b = n->at.f[0], norm = *(const real *)n->in[3]->x, factor = clip_factor(hyper, norm);
    const int64_t count = zt_numel(&n->sh);
    for (int64_t k = 0; k < count; k++) {
        const double gk = isfinite(norm) ? g[k] * factor : 0, mk = isfinite(norm) ? b * m[k] + (1 - b) * gk : m[k];
        m[k] = (real)mk;
        y[k] = (real)(n->at.i[0] ? b * mk + (1 - b) * gk : mk);
    }
}

/* p -= lr (f0 u + decay p); nothing moves when the norm is not finite */
void REF(descend)(const zt_node *n) {
    real *p = n->in[0]->x;
    const real *u = n->in[1]->x, *hyper = n->in[2]->x;
    const double lr = hyper[0], decay = n->at.i[0] ? hyper[4] : 0;
    const int64_t count = zt_numel(&n->in[0]->sh);
    *(real *)n->x = 0;
    if (!isfinite(*(const real *)n->in[3]->x)) return;
    for (int64_t k = 0; k < count; k++) p[k] = (real)(p[k] - lr * (n->at.f[0] * u[k] + decay * p[k]));
}

/* p = x */
void REF(assign)(const zt_node *n) {
    *(real *)n->x = 0;
    memmove(n->in[0]->x, n->in[1]->x, (size_t)zt_numel(&n->in[0]->sh) * sizeof(real));
}

/* p[o, row[o]+n] = x[o,n] for the rows that there are */
void REF(assign_rows)(const zt_node *n) {
    const zt_shape *p = &n->in[0]->sh, *x = &n->in[1]->sh;
    const int64_t O = p->d[0], M = p->d[1], N = x->d[1], width = zt_numel(p) / (O * M);
    const int32_t *row = n->in[2]->x;
    *(real *)n->x = 0;
    for (int64_t o = 0; o < O; o++)
        for (int64_t k = 0; k < N; k++) {
            const int64_t to = row[o] + k;
            if (to < 0 || to >= M) continue;
            memcpy((real *)n->in[0]->x + (o * M + to) * width, (const real *)n->in[1]->x + (o * N + k) * width,
                   (size_t)width * sizeof(real));
        }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_global_norm(int n, zt_node *const *x) {
    return zt_emit(x[0]->g, &zt_def_global_norm, n, x, NULL);
}

static zt_node *adam(zt_node *p, zt_node *m, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, int decay) {
    return zt_emit(p->g, &zt_def_adamw, 6, (zt_node *const[]){p, m, v, g, hyper, norm},
                   &((zt_attr){.i = {[0] = decay, [ZT_MAX_IATTR - 1] = 3}}));
}
zt_node *zt_adamw(zt_node *p, zt_node *m, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay) {
    return adam(p, m, v, g, hyper, norm, decay ? ZT_DECAY_APART : ZT_DECAY_NONE);
}
zt_node *zt_adam(zt_node *p, zt_node *m, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay) {
    return adam(p, m, v, g, hyper, norm, decay ? ZT_DECAY_INTO_GRADIENT : ZT_DECAY_NONE);
}

zt_node *zt_rmsprop(zt_node *p, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay) {
    return zt_emit(p->g, &zt_def_rmsprop, 5, (zt_node *const[]){p, v, g, hyper, norm},
                   &((zt_attr){.i = {[0] = decay, [ZT_MAX_IATTR - 1] = 2}}));
}

zt_node *zt_lion(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, bool decay) {
    return zt_emit(p->g, &zt_def_lion, 5, (zt_node *const[]){p, m, g, hyper, norm},
                   &((zt_attr){.i = {[0] = decay, [ZT_MAX_IATTR - 1] = 2}}));
}

zt_node *zt_momentum(zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool nesterov) {
    return zt_emit(m->g, &zt_def_momentum, 4, (zt_node *const[]){m, g, hyper, norm},
                   &((zt_attr){.f = {[0] = beta}, .i = {[0] = nesterov, [ZT_MAX_IATTR - 1] = 1}}));
}

zt_node *zt_descend(zt_node *p, zt_node *u, zt_node *hyper, zt_node *norm, double scale, bool decay) {
    return zt_emit(p->g, &zt_def_descend, 4, (zt_node *const[]){p, u, hyper, norm},
                   &((zt_attr){.f = {[0] = scale}, .i = {[0] = decay, [ZT_MAX_IATTR - 1] = 1}}));
}

zt_node *zt_sgd(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool nesterov, bool decay) {
    return zt_descend(p, zt_momentum(m, g, hyper, norm, beta, nesterov), hyper, norm, 1 / (1 - beta), decay);
}

zt_node *zt_ema(zt_node *e, zt_node *p, zt_node *decay, zt_node *norm, zt_node *after) {
    return zt_emit(e->g, &zt_def_ema, after ? 5 : 4, (zt_node *const[]){e, p, decay, norm, after},
                   &((zt_attr){.i = {[ZT_MAX_IATTR - 1] = 1}}));
}

zt_node *zt_assign(zt_node *p, zt_node *x) {
    return zt_emit2(p->g, &zt_def_assign, p, x, &((zt_attr){.i = {[ZT_MAX_IATTR - 1] = 1}}));
}

zt_node *zt_assign_rows(zt_node *p, zt_node *x, zt_node *row) {
    return zt_emit3(p->g, &zt_def_assign_rows, p, x, row, &((zt_attr){.i = {[ZT_MAX_IATTR - 1] = 1}}));
}

/* ---- shape rules and gradients ----------------------------------------------------------------------------------- */
static zt_err global_norm_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, n->n_in);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}

static void global_norm_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* x / norm */
    zt_node *k = zt_div(dy, n);
    for (int j = 0; j < n->n_in; j++) dx[j] = zt_mul(n->in[j], k);
}

/* Leaves that are written, p first, then g, all of one shape; hyper, norm. */
static zt_err update_shape(zt_node *n, const char *const *names) {
    const int leaves = (int)n->at.i[ZT_MAX_IATTR - 1];
    zt_err e = zt_op_want_reals(n, 0, leaves + 3);
    for (int k = 0; k <= leaves && e == ZT_OK; k++) {
        e = zt_op_want_shape(n, k, names[k], n->in[0]->sh);
        if (e == ZT_OK && k < leaves) e = zt_op_want_mutable(n, k, names[k]);
    }
    if (e == ZT_OK) e = zt_op_want_shape(n, leaves + 1, "hyper", zt_sh(8));
    if (e == ZT_OK) e = zt_op_want_shape(n, leaves + 2, "norm", zt_shape_of(0, NULL));
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}
static zt_err adamw_shape(zt_node *n) { return update_shape(n, (const char *const[]){"p", "m", "v", "g"}); }
static zt_err rmsprop_shape(zt_node *n) { return update_shape(n, (const char *const[]){"p", "v", "g"}); }
static zt_err lion_shape(zt_node *n) { return update_shape(n, (const char *const[]){"p", "m", "g"}); }

/* a leaf, a tensor of its shape, hyper, norm */
static zt_err leaf_shape(zt_node *n, const char *leaf, const char *other) {
    zt_err e = zt_op_want_reals(n, 0, 4);
    if (e == ZT_OK) e = zt_op_want_mutable(n, 0, leaf);
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, other, n->in[0]->sh);
    if (e == ZT_OK) e = zt_op_want_shape(n, 2, "hyper", zt_sh(8));
    return e != ZT_OK ? e : zt_op_want_shape(n, 3, "norm", zt_shape_of(0, NULL));
}
static zt_err momentum_shape(zt_node *n) {
    const zt_err e = leaf_shape(n, "m", "g");
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}
static zt_err descend_shape(zt_node *n) {
    const zt_err e = leaf_shape(n, "p", "u");
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}

static zt_err ema_shape(zt_node *n) {
    const zt_shape scalar = zt_shape_of(0, NULL);
    zt_err e = zt_op_want_reals(n, 0, 4);
    if (e == ZT_OK) e = zt_op_want_mutable(n, 0, "e");
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, "p", n->in[0]->sh);
    if (e == ZT_OK) e = zt_op_want_shape(n, 2, "decay", scalar);
    if (e == ZT_OK) e = zt_op_want_shape(n, 3, "norm", scalar);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, scalar);
}

static zt_err assign_shape(zt_node *n) {
    zt_err e = zt_op_want_reals(n, 0, 2);
    if (e == ZT_OK) e = zt_op_want_mutable(n, 0, "p");
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, "x", n->in[0]->sh);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}

static zt_err assign_rows_shape(zt_node *n) {
    zt_err e = zt_op_want_reals(n, 0, 2);
    if (e == ZT_OK) e = zt_op_want_mutable(n, 0, "p");
    if (e != ZT_OK) return e;
    if (n->in[0]->sh.n < 2 || n->in[1]->sh.n < 2)
        return zt_fail(ZT_SHAPE, "assign_rows: p is %s; want [O,M,..], and x likewise", zt_shape_text(&n->in[0]->sh));
    zt_shape want = n->in[0]->sh;
    want.d[1] = n->in[1]->sh.d[1];
    e = zt_op_want_shape(n, 1, "x", want);
    if (e == ZT_OK && n->in[2]->dtype != ZT_I32)
        e = zt_fail(ZT_ARG, "assign_rows: row must be i32; it is %s", zt_dtype_name(n->in[2]->dtype));
    if (e == ZT_OK) e = zt_op_want_shape(n, 2, "row", zt_sh(want.d[0]));
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_node *global_norm_gen(zt_graph *g, zt_rng *r) {
    zt_node *x[5];
    const int n = (int)zt_rng_int(r, 1, 5);
    for (int k = 0; k < n; k++) x[k] = zt_gen_value(g, zt_gen_any_shape(r));
    return zt_global_norm(n, x);
}

static zt_node *gen_norm(zt_graph *g, zt_rng *r, zt_node *x) { /* now and then a step whose gradients blew up */
    return zt_rng_int(r, 0, 7) ? zt_global_norm(1, &x) : zt_scalar(g, zt_gen_coin(r) ? INFINITY : NAN);
}

static zt_node *gen_hyper(zt_graph *g, zt_rng *r) {
    const double t = (double)zt_rng_int(r, 1, 100), b1 = 0.9, b2 = zt_gen_coin(r) ? 0.999 : 0.95;
    const double clip = zt_gen_coin(r) ? zt_rng_range(r, 0.1, 3) : 0;
    const double hyper[8] = {1e-2, b1, b2, 1e-8, 0.1, 1 - pow(b1, t), 1 - pow(b2, t), clip};
    return zt_const(g, zt_graph_real(g), zt_sh(8), hyper);
}

static zt_node *adamw_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *hyper = gen_hyper(g, r);
    zt_node *p = zt_param(g, "p", sh), *m = zt_state(g, "m", sh), *v = zt_state(g, "v", sh), *d = zt_gen_value(g, sh);
    zt_node *norm = gen_norm(g, r, d);
    return adam(p, m, v, d, hyper, norm, (int)zt_rng_int(r, ZT_DECAY_NONE, ZT_DECAY_INTO_GRADIENT));
}

#define TWO_LEAVES_GEN(name, state)                                                                                    \
    static zt_node *name##_gen(zt_graph *g, zt_rng *r) {                                                               \
        const zt_shape sh = zt_gen_any_shape(r);                                                                       \
        zt_node *hyper = gen_hyper(g, r);                                                                              \
        zt_node *p = zt_param(g, "p", sh), *s = zt_state(g, state, sh), *d = zt_gen_value(g, sh);                      \
        zt_node *norm = gen_norm(g, r, d);                                                                             \
        return zt_##name(p, s, d, hyper, norm, zt_gen_coin(r));                                                        \
    }
TWO_LEAVES_GEN(rmsprop, "v")
TWO_LEAVES_GEN(lion, "m")

static zt_node *momentum_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *m = zt_state(g, "m", sh), *d = zt_gen_value(g, sh), *hyper = gen_hyper(g, r), *norm = gen_norm(g, r, d);
    const double beta = zt_rng_range(r, 0, 1);
    return zt_momentum(m, d, hyper, norm, beta, zt_gen_coin(r));
}

static zt_node *descend_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *p = zt_param(g, "p", sh), *u = zt_gen_value(g, sh);
    return zt_descend(p, u, gen_hyper(g, r), gen_norm(g, r, u), zt_rng_range(r, 0, 3), zt_gen_coin(r));
}

static zt_node *ema_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    zt_node *e = zt_state(g, "e", sh), *p = zt_param(g, "p", sh);
    zt_node *norm = gen_norm(g, r, zt_gen_value(g, sh));
    zt_node *after = zt_gen_coin(r) ? zt_square(norm) : NULL;
    return zt_ema(e, p, zt_scalar(g, zt_rng_range(r, 0, 1)), norm, after);
}

static zt_node *assign_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    return zt_assign(zt_state(g, "p", sh), zt_gen_value(g, sh));
}

static zt_node *assign_rows_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 2, 4), 5);
    zt_node *p = zt_state(g, "p", sh);
    double row[5];
    for (int64_t o = 0; o < sh.d[0]; o++) row[o] = (double)zt_rng_int(r, -2, sh.d[1] + 1);
    zt_node *rows = zt_const(g, ZT_I32, zt_sh(sh.d[0]), row);
    sh.d[1] = zt_gen_size(r, 6);
    return zt_assign_rows(p, zt_gen_value(g, sh), rows);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
const zt_op_def zt_def_global_norm = {.id = ZT_OP_global_norm, .name = "global_norm",
    .doc = "sqrt of the sum of squares of all inputs", .min_in = 1, .max_in = 1 << 20,
    .shape = global_norm_shape, .ref = ZT_REFS(global_norm), .grad = global_norm_grad, .gen = global_norm_gen, .tol = 1e-5};
const zt_op_def zt_def_adamw = {.id = ZT_OP_adamw, .name = "adamw",
    .doc = "AdamW step in place on p, m, v; g, hyper:[8], norm:[]", .min_in = 6, .max_in = 6, .flags = ZT_OPF_MUTATES,
    .shape = adamw_shape, .ref = ZT_REFS(adamw), .gen = adamw_gen, .tol = 1e-5};
const zt_op_def zt_def_rmsprop = {.id = ZT_OP_rmsprop, .name = "rmsprop",
    .doc = "RMSProp step in place on p, v; g, hyper:[8], norm:[]", .min_in = 5, .max_in = 5, .flags = ZT_OPF_MUTATES,
    .shape = rmsprop_shape, .ref = ZT_REFS(rmsprop), .gen = rmsprop_gen, .tol = 1e-5};
const zt_op_def zt_def_lion = {.id = ZT_OP_lion, .name = "lion",
    .doc = "Lion step in place on p, m; g, hyper:[8], norm:[]", .min_in = 5, .max_in = 5, .flags = ZT_OPF_MUTATES,
    .shape = lion_shape, .ref = ZT_REFS(lion), .gen = lion_gen, .tol = 4e-6};
const zt_op_def zt_def_momentum = {.id = ZT_OP_momentum, .name = "momentum",
    .doc = "m = b m + (1-b) g in place; y = m, or b m + (1-b) g (Nesterov)", .min_in = 4, .max_in = 4, .flags = ZT_OPF_MUTATES,
    .shape = momentum_shape, .ref = ZT_REFS(momentum), .gen = momentum_gen, .tol = 4e-6};
const zt_op_def zt_def_descend = {.id = ZT_OP_descend, .name = "descend",
    .doc = "p -= lr (scale u + decay p) in place", .min_in = 4, .max_in = 4, .flags = ZT_OPF_MUTATES,
    .shape = descend_shape, .ref = ZT_REFS(descend), .gen = descend_gen, .tol = 4e-6};
const zt_op_def zt_def_ema = {.id = ZT_OP_ema, .name = "ema", .doc = "e = e decay + p (1 - decay) in place on e",
    .min_in = 4, .max_in = 5, .flags = ZT_OPF_MUTATES, .shape = ema_shape, .ref = ZT_REFS(ema), .gen = ema_gen, .tol = 4e-6};
const zt_op_def zt_def_assign = {.id = ZT_OP_assign, .name = "assign", .doc = "p = x in place on p", .min_in = 2, .max_in = 2,
    .flags = ZT_OPF_MUTATES, .shape = assign_shape, .ref = ZT_REFS(assign), .gen = assign_gen, .tol = 1e-6};
const zt_op_def zt_def_assign_rows = {.id = ZT_OP_assign_rows, .name = "assign_rows",
    .doc = "p[o, row[o] ..] = x[o] in place on p:[O,M,..]; x:[O,N,..] row:[O]", .min_in = 3, .max_in = 3,
    .flags = ZT_OPF_MUTATES, .shape = assign_rows_shape, .ref = ZT_REFS(assign_rows), .gen = assign_rows_gen, .tol = 1e-6};
#endif
