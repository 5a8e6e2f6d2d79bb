/* norm.c - group norm (Wu & He 2018, arXiv:1803.08494), layer norm (Ba et al. 2016, arXiv:1607.06450), RMS norm (Zhang & Sennrich
 * 2019, arXiv:1910.07467), each with what commonly follows fused in. Inputs, attributes, aux: attrs.h.
 *   xhat = (x - mean) rstd,  u = xhat gain + bias,  z = u (1 + scale) + shift,  y = act(z),  rstd = 1 / sqrt(var + eps)
 * Backward, with dz = dy act'(z), du = dz (1 + scale), e = du gain, <.> the mean over a group:
 *   dx = rstd (e - <e> - xhat <e xhat>), dgain = sum du xhat, dbias = sum du, dscale = sum dz u, dshift = sum dz
 * Absent gain is 1, the other absent inputs are 0. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* One view for both norms: x is [O,S,C], C in G groups, statistics per (o, group) over S and the group's channels; `per`
 * values of o share a row of scale and shift. group_norm: O = B, S = all middle axes. layer_norm: O = rows, S = 1, G = 1. */
typedef struct norm_view {
    int64_t O, S, C, G, per;
    double eps;
    int act;
    const real *x, *dy, *gain, *bias, *scale, *shift;
    real *mean, *rstd;
} norm_view;

static norm_view norm_view_of(const zt_node *n, const zt_node *x, bool group, int optional) {
    const int64_t C = zt_last(&x->sh), rows = zt_rows(&x->sh), B = x->sh.n > 1 ? x->sh.d[0] : 1;
    norm_view v = {.O = group ? B : rows, .S = group ? rows / B : 1, .C = C, .G = group ? n->at.i[ZT_NORM_GROUPS] : 1,
                   .per = group ? 1 : rows / B, .eps = n->at.f[0], .act = (int)n->at.i[ZT_NORM_ACT], .x = x->x};
    if (n->at.i[ZT_NORM_AFFINE]) {
        v.gain = n->in[optional++]->x;
        v.bias = n->in[optional++]->x;
    }
    if (n->at.i[ZT_NORM_MODULATE]) {
        v.scale = n->in[optional++]->x;
        v.shift = n->in[optional++]->x;
    }
    return v;
}

typedef struct norm_point { double xhat, u, z, dz, du, e; } norm_point;

static norm_point norm_at(const norm_view *v, int64_t o, int64_t s, int64_t c) {
    const int64_t at = (o * v->S + s) * v->C + c, group = o * v->G + c / (v->C / v->G), row = o / v->per * v->C + c;
    norm_point p;
    p.xhat = (v->x[at] - (double)v->mean[group]) * v->rstd[group];
    p.u = v->gain ? p.xhat * v->gain[c] + v->bias[c] : p.xhat;
    p.z = v->scale ? p.u * (1 + (double)v->scale[row]) + v->shift[row] : p.u;
    p.dz = p.du = p.e = 0;
    if (v->dy) {
        const double k = 1 / (1 + exp(-p.z));
        p.dz = v->dy[at] * (v->act ? k * (1 + p.z * (1 - k)) : 1);
        p.du = v->scale ? p.dz * (1 + (double)v->scale[row]) : p.dz;
        p.e = v->gain ? p.du * v->gain[c] : p.du;
    }
    return p;
}

static void norm_stats(const norm_view *v, int64_t o, int64_t group) {
    const int64_t width = v->C / v->G, first = group * width;
    const double count = (double)(v->S * width);
    double mean = 0, var = 0;
    for (int64_t s = 0; s < v->S; s++)
        for (int64_t c = first; c < first + width; c++) mean += v->x[(o * v->S + s) * v->C + c] / count;
    for (int64_t s = 0; s < v->S; s++)
        for (int64_t c = first; c < first + width; c++) {
            const double d = v->x[(o * v->S + s) * v->C + c] - mean;
            var += d * d / count;
        }
    v->mean[o * v->G + group] = (real)mean;
    v->rstd[o * v->G + group] = (real)(1 / sqrt(var + v->eps));
}

static void norm_forward(const zt_node *n, bool group) {
    norm_view v = norm_view_of(n, n->in[0], group, 1);
    v.mean = n->aux[0];
    v.rstd = n->aux[1];
    for (int64_t o = 0; o < v.O; o++)
        for (int64_t k = 0; k < v.G; k++) norm_stats(&v, o, k);
    real *y = n->x;
    for (int64_t o = 0; o < v.O; o++)
        for (int64_t s = 0; s < v.S; s++)
            for (int64_t c = 0; c < v.C; c++) {
                const double z = norm_at(&v, o, s, c).z;
                *y++ = (real)(v.act ? z / (1 + exp(-z)) : z);
            }
}

static void norm_dx_group(const zt_node *n, const norm_view *v, int64_t o, int64_t group) {
    const int64_t width = v->C / v->G, first = group * width;
    const double count = (double)(v->S * width);
    double e = 0, ex = 0;
    for (int64_t s = 0; s < v->S; s++)
        for (int64_t c = first; c < first + width; c++) {
            const norm_point p = norm_at(v, o, s, c);
            e += p.e / count;
            ex += p.e * p.xhat / count;
        }
    for (int64_t s = 0; s < v->S; s++)
        for (int64_t c = first; c < first + width; c++) {
            const norm_point p = norm_at(v, o, s, c);
            ((real *)n->x)[(o * v->S + s) * v->C + c] = (real)(v->rstd[o * v->G + group] * (p.e - e - p.xhat * ex));
        }
}

static void norm_backward(const zt_node *n, bool group) {
    norm_view v = norm_view_of(n, n->in[1], group, 4);
    v.dy = n->in[0]->x;
    v.mean = n->in[2]->x;
    v.rstd = n->in[3]->x;
    for (int64_t o = 0; o < v.O; o++)
        for (int64_t k = 0; k < v.G; k++) norm_dx_group(n, &v, o, k);
    int aux = 0;
    if (v.gain) {
        real *dgain = n->aux[aux++], *dbias = n->aux[aux++];
        for (int64_t c = 0; c < v.C; c++) {
            double dg = 0, db = 0;
            for (int64_t k = 0; k < v.O * v.S; k++) {
                const norm_point p = norm_at(&v, k / v.S, k % v.S, c);
                dg += p.du * p.xhat;
                db += p.du;
            }
            dgain[c] = (real)dg;
            dbias[c] = (real)db;
        }
    }
    if (v.scale) {
        real *dscale = n->aux[aux++], *dshift = n->aux[aux++];
        for (int64_t j = 0; j < v.O / v.per * v.C; j++) {
            double ds = 0, dt = 0;
            for (int64_t k = 0; k < v.per * v.S; k++) {
                const norm_point p = norm_at(&v, j / v.C * v.per + k / v.S, k % v.S, j % v.C);
                ds += p.dz * p.u;
                dt += p.dz;
            }
            dscale[j] = (real)ds;
            dshift[j] = (real)dt;
        }
    }
}

void REF(group_norm)(const zt_node *n) { norm_forward(n, true); }
void REF(layer_norm)(const zt_node *n) { norm_forward(n, false); }
void REF(group_norm_dx)(const zt_node *n) { norm_backward(n, true); }
void REF(layer_norm_dx)(const zt_node *n) { norm_backward(n, false); }

/* y = x rstd gain, rstd = 1 / sqrt(<x^2> + eps) over each group of `dim` */
void REF(rms_norm)(const zt_node *n) {
    const int64_t dim = n->at.i[ZT_NORM_GROUPS], groups = zt_numel(&n->sh) / dim;
    const real *gain = zt_in_x(n, 1);
    for (int64_t k = 0; k < groups; k++) {
        const real *x = (const real *)n->in[0]->x + k * dim;
        real *y = (real *)n->x + k * dim;
        double sum = 0;
        for (int64_t c = 0; c < dim; c++) sum += (double)x[c] * x[c];
        const double rstd = 1 / sqrt(sum / (double)dim + n->at.f[0]);
        ((real *)n->aux[0])[k] = (real)rstd;
        for (int64_t c = 0; c < dim; c++) y[c] = (real)(x[c] * rstd * (gain ? gain[c] : 1));
    }
}

/* dx = rstd (e - xhat <e xhat>), e = dy gain; dgain = sum dy xhat */
void REF(rms_norm_dx)(const zt_node *n) {
    const int64_t dim = n->at.i[ZT_NORM_GROUPS], groups = zt_numel(&n->sh) / dim;
    const real *dy = n->in[0]->x, *x = n->in[1]->x, *rstd = n->in[2]->x, *gain = zt_in_x(n, 3);
    for (int64_t k = 0; k < groups; k++) {
        double ex = 0;
        for (int64_t c = 0, j = k * dim; c < dim; c++, j++)
            ex += dy[j] * (gain ? (double)gain[c] : 1) * x[j] * rstd[k] / (double)dim;
        for (int64_t c = 0, j = k * dim; c < dim; c++, j++)
            ((real *)n->x)[j] = (real)(rstd[k] * (dy[j] * (gain ? (double)gain[c] : 1) - (double)x[j] * rstd[k] * ex));
    }
    for (int64_t c = 0; gain && c < dim; c++) {
        double sum = 0;
        for (int64_t k = 0; k < groups; k++) sum += (double)dy[k * dim + c] * x[k * dim + c] * rstd[k];
        ((real *)n->aux[0])[c] = (real)sum;
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static zt_node *norm_emit(const zt_op_def *op, zt_node *x, zt_node *const extra[4], zt_attr at) {
    zt_node *in[5] = {x};
    int n = 1;
    if (!extra[0] != !extra[1] || !extra[2] != !extra[3])
        return zt_graph_fail(x->g, zt_fail(ZT_ARG, "%s: give gain and bias together, scale and shift together", op->name));
    for (int k = 0; k < 4; k++)
        if (extra[k]) in[n++] = extra[k];
    at.i[ZT_NORM_AFFINE] = extra[0] != NULL;
    at.i[ZT_NORM_MODULATE] = extra[2] != NULL;
    return zt_emit(x->g, op, n, in, &at);
}

zt_node *zt_group_norm(zt_node *x, zt_node *gain, zt_node *bias, zt_node *scale, zt_node *shift, int groups, double eps,
                       int act) {
    const zt_attr at = {.i = {groups, act}, .f = {eps}};
    return norm_emit(&zt_def_group_norm, x, (zt_node *const[]){gain, bias, scale, shift}, at);
}
zt_node *zt_layer_norm(zt_node *x, zt_node *gain, zt_node *bias, zt_node *scale, zt_node *shift, double eps) {
    return norm_emit(&zt_def_layer_norm, x, (zt_node *const[]){gain, bias, scale, shift}, (zt_attr){.f = {eps}});
}
zt_node *zt_rms_norm(zt_node *x, zt_node *gain, int64_t dim, double eps) {
    const zt_attr at = {.i = {dim, 0, gain != NULL}, .f = {eps}};
    return zt_emit(x->g, &zt_def_rms_norm, gain ? 2 : 1, (zt_node *const[]){x, gain}, &at);
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
/* Checks the optional inputs, which start at `at`, against x; with `grads` their gradients become aux outputs. */
static zt_err norm_extras(zt_node *n, const zt_shape *x, int at, bool grads) {
    static const char *const names[] = {"gain", "bias", "scale", "shift"};
    const bool affine = n->at.i[ZT_NORM_AFFINE], modulate = n->at.i[ZT_NORM_MODULATE];
    const bool there[4] = {affine, affine, modulate, modulate};
    zt_err e = zt_op_want_inputs(n, at + there[0] + there[1] + there[2] + there[3]);
    if (e == ZT_OK) e = zt_op_want_reals(n, 0, n->n_in);
    for (int k = 0; k < 4 && e == ZT_OK; k++) {
        if (!there[k]) continue;
        const zt_shape sh = k < 2 ? zt_sh(zt_last(x)) : zt_sh(x->d[0], zt_last(x));
        e = zt_op_want_shape(n, at++, names[k], sh);
        if (grads) zt_op_add_aux(n, sh);
    }
    return e;
}

static zt_err norm_check(const zt_node *n, const zt_node *x, bool group) {
    const int least = group || n->at.i[ZT_NORM_MODULATE] ? 2 : 1;
    const int64_t C = zt_last(&x->sh), G = n->at.i[ZT_NORM_GROUPS];
    if (x->sh.n < least)
        return zt_fail(ZT_SHAPE, "%s: x needs at least %d axes; it is %s", n->op->name, least, zt_shape_text(&x->sh));
    if (group && (G < 1 || C % G))
        return zt_fail(ZT_SHAPE, "%s: %lld channels do not divide into %lld groups", n->op->name, (long long)C, (long long)G);
    if (!(n->at.f[0] > 0)) return zt_fail(ZT_ARG, "%s: eps must be above 0; it is %g", n->op->name, n->at.f[0]);
    if (n->at.i[ZT_NORM_ACT] & ~(int64_t)group)
        return zt_fail(ZT_ARG, "%s: activation must be 0 (none)%s; it is %lld", n->op->name, group ? " or 1 (SiLU)" : "",
                       (long long)n->at.i[ZT_NORM_ACT]);
    return ZT_OK;
}

static zt_shape norm_stat_shape(const zt_node *n, const zt_shape *x, bool group) {
    return group ? zt_sh(x->d[0], n->at.i[ZT_NORM_GROUPS]) : zt_shape_of(x->n - 1, x->d);
}

static zt_err norm_forward_shape(zt_node *n, bool group) {
    const zt_node *x = n->in[0];
    zt_err e = norm_check(n, x, group);
    if (e == ZT_OK) e = norm_extras(n, &x->sh, 1, false);
    if (e != ZT_OK) return e;
    for (int k = 0; k < 2; k++) zt_op_add_aux(n, norm_stat_shape(n, &x->sh, group));
    return zt_op_set(n, x->dtype, x->sh);
}

static zt_err norm_backward_shape(zt_node *n, bool group) {
    const zt_node *x = n->in[1];
    zt_err e = norm_check(n, x, group);
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", x->sh);
    for (int k = 2; k < 4 && e == ZT_OK; k++)
        e = zt_op_want_shape(n, k, k == 2 ? "mean" : "rstd", norm_stat_shape(n, &x->sh, group));
    if (e == ZT_OK) e = norm_extras(n, &x->sh, 4, true);
    return e != ZT_OK ? e : zt_op_set(n, x->dtype, x->sh);
}

static zt_err group_norm_shape(zt_node *n) { return norm_forward_shape(n, true); }
static zt_err layer_norm_shape(zt_node *n) { return norm_forward_shape(n, false); }
static zt_err group_norm_dx_shape(zt_node *n) { return norm_backward_shape(n, true); }
static zt_err layer_norm_dx_shape(zt_node *n) { return norm_backward_shape(n, false); }

static zt_err rms_check(zt_node *n, const zt_node *x, int required) {
    const int64_t dim = n->at.i[ZT_NORM_GROUPS];
    if (x->sh.n < 1 || dim < 1 || zt_last(&x->sh) % dim)
        return zt_fail(ZT_SHAPE, "%s: the last axis of x, which is %s, does not divide into groups of %lld", n->op->name,
                       zt_shape_text(&x->sh), (long long)dim);
    if (!(n->at.f[0] > 0)) return zt_fail(ZT_ARG, "%s: eps must be above 0; it is %g", n->op->name, n->at.f[0]);
    zt_err e = zt_op_want_inputs(n, required + (n->at.i[ZT_NORM_AFFINE] != 0));
    if (e == ZT_OK) e = zt_op_want_reals(n, 0, n->n_in);
    if (e == ZT_OK && n->at.i[ZT_NORM_AFFINE]) e = zt_op_want_shape(n, required, "gain", zt_sh(dim));
    return e != ZT_OK ? e : zt_op_set(n, x->dtype, x->sh);
}

static zt_err rms_norm_shape(zt_node *n) {
    const zt_err e = rms_check(n, n->in[0], 1);
    if (e == ZT_OK) zt_op_add_aux(n, zt_op_with_last(&n->sh, zt_last(&n->sh) / n->at.i[ZT_NORM_GROUPS]));
    return e;
}

static zt_err rms_norm_dx_shape(zt_node *n) {
    const int64_t dim = n->at.i[ZT_NORM_GROUPS];
    zt_err e = rms_check(n, n->in[1], 3);
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", n->sh);
    if (e == ZT_OK) e = zt_op_want_shape(n, 2, "rstd", zt_op_with_last(&n->sh, zt_last(&n->sh) / dim));
    if (e == ZT_OK && n->at.i[ZT_NORM_AFFINE]) zt_op_add_aux(n, zt_sh(dim));
    return e;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static zt_node *norm_dx(zt_node *n, zt_node *dy, const zt_op_def *op) {
    zt_node *in[8] = {dy, n->in[0], zt_aux(n, 0), zt_aux(n, 1)};
    for (int k = 1; k < n->n_in; k++) in[k + 3] = n->in[k];
    return zt_emit(n->g, op, n->n_in + 3, in, &n->at);
}

static zt_node *rms_dx(zt_node *n, zt_node *dy) {
    zt_node *in[4] = {dy, n->in[0], zt_aux(n, 0), n->n_in > 1 ? n->in[1] : NULL};
    return zt_emit(n->g, &zt_def_rms_norm_dx, n->n_in + 2, in, &n->at);
}

/* dx is the node, the gradients of the optional inputs are its aux outputs in the same order. */
static void spread(zt_node *d, int n_in, zt_node **dx) {
    dx[0] = d;
    for (int k = 1; k < n_in; k++) dx[k] = zt_aux(d, k - 1);
}
static void group_norm_grad(zt_node *n, zt_node *dy, zt_node **dx) { spread(norm_dx(n, dy, &zt_def_group_norm_dx), n->n_in, dx); }
static void layer_norm_grad(zt_node *n, zt_node *dy, zt_node **dx) { spread(norm_dx(n, dy, &zt_def_layer_norm_dx), n->n_in, dx); }
static void rms_norm_grad(zt_node *n, zt_node *dy, zt_node **dx) { spread(rms_dx(n, dy), n->n_in, dx); }

/* ---- random cases ------------------------------------------------------------------------------------------------ */
/* x with `each` elements per group, and eps. Now and then far from 0 (a careless variance cancels), but only where the
 * variance is well above 0: an f32 x of size 50 is itself only known to 3e-6, which a tiny deviation would magnify. */
static zt_node *norm_gen_x(zt_graph *g, zt_rng *r, zt_shape sh, int64_t each, double *eps) {
    zt_node *x = zt_gen_value(g, sh);
    const bool far = zt_rng_int(r, 0, 2) == 0;
    *eps = each < 8 ? 1e-2 : zt_gen_coin(r) ? 1e-5 : 1e-3;
    return far && each >= 8 ? zt_affine(x, 2, 50) : x;
}

static void norm_gen_extra(zt_graph *g, zt_rng *r, const zt_shape *x, bool modulate, zt_node *extra[4]) {
    const bool there[2] = {zt_gen_coin(r), modulate && zt_gen_coin(r)};
    for (int k = 0; k < 4; k++)
        extra[k] = !there[k / 2] ? NULL : zt_gen_value(g, k < 2 ? zt_sh(zt_last(x)) : zt_sh(x->d[0], zt_last(x)));
}

static zt_node *group_norm_gen(zt_graph *g, zt_rng *r) {
    zt_node *k[4];
    double eps;
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 2, 5), 5);
    const int groups = (int)zt_gen_size(r, 8);
    sh.d[sh.n - 1] = groups * zt_gen_size(r, 9);
    if (sh.n > 2 && zt_rng_int(r, 0, 19) == 0) sh.d[1] = zt_rng_int(r, 100, 400);
    zt_node *x = norm_gen_x(g, r, sh, zt_numel(&sh) / sh.d[0] / groups, &eps);
    norm_gen_extra(g, r, &sh, true, k);
    return zt_group_norm(x, k[0], k[1], k[2], k[3], groups, eps, zt_gen_coin(r));
}

static zt_node *layer_norm_gen(zt_graph *g, zt_rng *r) {
    zt_node *k[4];
    double eps;
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 4), 5);
    sh.d[sh.n - 1] = zt_gen_size(r, zt_rng_int(r, 0, 19) ? 70 : 700);
    if (sh.n > 1 && zt_rng_int(r, 0, 19) == 0) sh.d[0] = zt_rng_int(r, 30, 90);
    zt_node *x = norm_gen_x(g, r, sh, zt_last(&sh), &eps);
    norm_gen_extra(g, r, &sh, sh.n > 1, k);
    return zt_layer_norm(x, k[0], k[1], k[2], k[3], eps);
}

static zt_node *rms_norm_gen(zt_graph *g, zt_rng *r) {
    double eps;
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 4), 5);
    const int64_t dim = zt_gen_size(r, 70);
    sh.d[sh.n - 1] = dim * zt_gen_size(r, 4);
    if (sh.n > 1 && zt_rng_int(r, 0, 19) == 0) sh.d[0] = zt_rng_int(r, 30, 90);
    zt_node *x = norm_gen_x(g, r, sh, dim, &eps);
    return zt_rms_norm(x, zt_gen_coin(r) ? zt_gen_value(g, zt_sh(dim)) : NULL, dim, eps);
}

static zt_node *group_norm_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = group_norm_gen(g, r);
    return norm_dx(y, zt_gen_value(g, y->sh), &zt_def_group_norm_dx);
}
static zt_node *layer_norm_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = layer_norm_gen(g, r);
    return norm_dx(y, zt_gen_value(g, y->sh), &zt_def_layer_norm_dx);
}
static zt_node *rms_norm_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = rms_norm_gen(g, r);
    return rms_dx(y, zt_gen_value(g, y->sh));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, least, most, bits, rule, allowed, text)                                                                   \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = least, .max_in = most,               \
                                   .flags = bits, .shape = op##_shape, .ref = ZT_REFS(op), .grad = rule, .gen = op##_gen,     \
                                   .tol = allowed};
DEFINE(group_norm, 1, 5, ZT_OPF_CHEAP, group_norm_grad, 2e-5,
       "x:[B,..,C] per sample and group, * gain + bias, * (1+scale) + shift, SiLU")
DEFINE(group_norm_dx, 4, 8, ZT_OPF_BF16, zt_op_norm_dx_grad, 5e-5,
       "dy, x, mean, rstd, .. -> dx; aux: gradients of gain, bias, scale, shift")
DEFINE(layer_norm, 1, 5, ZT_OPF_CHEAP, layer_norm_grad, 5e-5, "x:[..,C] over C, * gain + bias, * (1+scale) + shift")
DEFINE(layer_norm_dx, 4, 8, ZT_OPF_BF16, zt_op_norm_dx_grad, 5e-5,
       "dy, x, mean, rstd, .. -> dx; aux: gradients of gain, bias, scale, shift")
DEFINE(rms_norm, 1, 2, ZT_OPF_CHEAP, rms_norm_grad, 2e-5, "x:[..,C] / rms over groups of dim, * gain:[dim]")
DEFINE(rms_norm_dx, 3, 4, ZT_OPF_BF16, zt_op_norm_dx_grad, 5e-5, "dy, x, rstd, (gain) -> dx; aux: gradient of gain")
#endif
