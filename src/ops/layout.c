/* layout.c - ops that move elements and compute nothing (pool_sum, the gradient of upsample, adds). Inputs and attributes:
 * attrs.h. space_to_depth and depth_to_space are made of reshape and permute. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
void REF(reshape)(const zt_node *n) { /* a view: the plan runs nothing */
    (void)n;
}

void REF(permute)(const zt_node *n) {
    const zt_shape *sx = &n->in[0]->sh, *sy = &n->sh;
    int64_t stride[ZT_MAX_DIM], step = 1;
    for (int k = sx->n - 1; k >= 0; k--) {
        stride[k] = step;
        step *= sx->d[k];
    }
    const int64_t count = zt_numel(sy);
    for (int64_t j = 0; j < count; j++) {
        int64_t at = 0, rest = j;
        for (int k = sy->n - 1; k >= 0; k--) {
            at += rest % sy->d[k] * stride[n->at.i[k]];
            rest /= sy->d[k];
        }
        ((real *)n->x)[j] = ((const real *)n->in[0]->x)[at];
    }
}

void REF(slice)(const zt_node *n) {
    const int axis = (int)n->at.i[0];
    int64_t outer, inner;
    zt_around_axis(&n->sh, axis, &outer, &inner);
    const int64_t from = n->in[0]->sh.d[axis] * inner, to = n->sh.d[axis] * inner;
    for (int64_t o = 0; o < outer; o++)
        memcpy((real *)n->x + o * to, (const real *)n->in[0]->x + o * from + n->at.i[1] * inner, (size_t)to * sizeof(real));
}

void REF(pad)(const zt_node *n) {
    const int axis = (int)n->at.i[0];
    int64_t outer, inner;
    zt_around_axis(&n->sh, axis, &outer, &inner);
    const int64_t from = n->in[0]->sh.d[axis] * inner, to = n->sh.d[axis] * inner;
    memset(n->x, 0, (size_t)(outer * to) * sizeof(real));
    for (int64_t o = 0; o < outer; o++)
        memcpy((real *)n->x + o * to + n->at.i[1] * inner, (const real *)n->in[0]->x + o * from, (size_t)from * sizeof(real));
}

void REF(concat)(const zt_node *n) {
    const int axis = (int)n->at.i[0];
    int64_t outer, inner, done = 0;
    zt_around_axis(&n->sh, axis, &outer, &inner);
    const int64_t to = n->sh.d[axis] * inner;
    for (int k = 0; k < n->n_in; k++) {
        const int64_t from = n->in[k]->sh.d[axis] * inner;
        for (int64_t o = 0; o < outer; o++)
            memcpy((real *)n->x + o * to + done, (const real *)n->in[k]->x + o * from, (size_t)from * sizeof(real));
        done += from;
    }
}

void REF(upsample)(const zt_node *n) {
    const int64_t *d = n->in[0]->sh.d, *f = n->at.i, C = d[4], positions = zt_rows(&n->sh);
    for (int64_t p = 0; p < positions; p++) {
        const int64_t w = p % n->sh.d[3], h = p / n->sh.d[3] % n->sh.d[2], bt = p / n->sh.d[3] / n->sh.d[2];
        const int64_t from = (bt / f[0] * d[2] + h / f[1]) * d[3] + w / f[2]; /* (b T ft + t) / ft = b T + t / ft */
        memcpy((real *)n->x + p * C, (const real *)n->in[0]->x + from * C, (size_t)C * sizeof(real));
    }
}

void REF(pool_sum)(const zt_node *n) {
    const int64_t *d = n->sh.d, *xs = n->in[0]->sh.d, *f = n->at.i, count = zt_numel(&n->sh);
    for (int64_t j = 0; j < count; j++) {
        const int64_t c = j % d[4], w = j / d[4] % d[3], h = j / d[4] / d[3] % d[2], bt = j / d[4] / d[3] / d[2];
        double sum = 0;
        for (int64_t k = 0; k < f[0] * f[1] * f[2]; k++) {
            const int64_t row = (bt * f[0] + k / f[1] / f[2]) * xs[2] + h * f[1] + k / f[2] % f[1];
            sum += ((const real *)n->in[0]->x)[(row * xs[3] + w * f[2] + k % f[2]) * xs[4] + c];
        }
        ((real *)n->x)[j] = (real)sum;
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static int64_t axis_of(const zt_node *x, int axis) { /* -1 is the last axis */
    return axis < 0 ? axis + x->sh.n : axis;
}

zt_node *zt_reshape(zt_node *x, zt_shape sh) {
    const zt_attr at = zt_op_dims_attr(sh);
    return zt_emit1(x->g, &zt_def_reshape, x, &at);
}

zt_node *zt_permute(zt_node *x, const int *axes) {
    zt_attr at = {.i = {0}};
    for (int k = 0; k < x->sh.n; k++) at.i[k] = axes[k];
    return zt_emit1(x->g, &zt_def_permute, x, &at);
}

zt_node *zt_slice(zt_node *x, int axis, int64_t start, int64_t len) {
    return zt_emit1(x->g, &zt_def_slice, x, &((zt_attr){.i = {axis_of(x, axis), start, len}}));
}

zt_node *zt_pad(zt_node *x, int axis, int64_t before, int64_t after) {
    return zt_emit1(x->g, &zt_def_pad, x, &((zt_attr){.i = {axis_of(x, axis), before, after}}));
}

zt_node *zt_concat(int axis, int n, zt_node *const *x) {
    return zt_emit(x[0]->g, &zt_def_concat, n, x, &((zt_attr){.i = {axis_of(x[0], axis)}}));
}

zt_node *zt_upsample(zt_node *x, int ft, int fh, int fw) {
    return zt_emit1(x->g, &zt_def_upsample, x, &((zt_attr){.i = {ft, fh, fw}}));
}

zt_node *zt_pool_sum(zt_node *x, int ft, int fh, int fw) {
    return zt_emit1(x->g, &zt_def_pool_sum, x, &((zt_attr){.i = {ft, fh, fw}}));
}

zt_node *zt_avg_pool(zt_node *x, int ft, int fh, int fw) {
    return zt_affine(zt_pool_sum(x, ft, fh, fw), 1 / ((double)ft * fh * fw), 0);
}

/* The 8-axis view of the fine tensor: [B,T,ft,H,fh,W,fw,C], T,H,W of the coarse one. */
static zt_shape split_shape(const int64_t *coarse, int ft, int fh, int fw, int64_t C) {
    return zt_sh(coarse[0], coarse[1], ft, coarse[2], fh, coarse[3], fw, C);
}

zt_node *zt_space_to_depth(zt_node *x, int ft, int fh, int fw) {
    const int64_t *d = x->sh.d;
    if (x->sh.n != 5 || ft < 1 || fh < 1 || fw < 1 || d[1] % ft || d[2] % fh || d[3] % fw)
        return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "space_to_depth: x must be [B,T,H,W,C] with sizes that %d,%d,%d divide; it "
                                           "is %s", ft, fh, fw, zt_shape_text(&x->sh)));
    const int64_t coarse[4] = {d[0], d[1] / ft, d[2] / fh, d[3] / fw};
    zt_node *v = zt_permute(zt_reshape(x, split_shape(coarse, ft, fh, fw, d[4])), (const int[]){0, 1, 3, 5, 2, 4, 6, 7});
    return zt_reshape(v, zt_sh(coarse[0], coarse[1], coarse[2], coarse[3], d[4] * ft * fh * fw));
}

zt_node *zt_depth_to_space(zt_node *x, int ft, int fh, int fw) {
    const int64_t *d = x->sh.d;
    if (x->sh.n != 5 || ft < 1 || fh < 1 || fw < 1 || d[4] % ((int64_t)ft * fh * fw))
        return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "depth_to_space: x must be [B,T,H,W,C] with C a multiple of %d*%d*%d; it "
                                           "is %s", ft, fh, fw, zt_shape_text(&x->sh)));
    const int64_t C = d[4] / ((int64_t)ft * fh * fw);
    zt_node *v = zt_reshape(x, zt_sh(d[0], d[1], d[2], d[3], ft, fh, fw, C));
    v = zt_permute(v, (const int[]){0, 1, 4, 2, 5, 3, 6, 7});
    return zt_reshape(v, zt_sh(d[0], d[1] * ft, d[2] * fh, d[3] * fw, C));
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err reshape_shape(zt_node *n) {
    const zt_shape sh = zt_op_dims(n);
    const zt_err e = zt_op_set(n, n->in[0]->dtype, sh);
    if (e != ZT_OK) return e;
    if (zt_numel(&sh) != zt_numel(&n->in[0]->sh))
        return zt_fail(ZT_SHAPE, "reshape: %s and %s have different numbers of elements", zt_shape_text(&n->in[0]->sh),
                       zt_shape_text(&sh));
    return ZT_OK;
}

static zt_err permute_shape(zt_node *n) {
    const zt_shape *x = &n->in[0]->sh;
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    zt_shape sh = *x;
    unsigned seen = 0;
    for (int k = 0; k < x->n; k++) {
        const int64_t axis = n->at.i[k];
        if (axis < 0 || axis >= x->n || (seen & 1u << axis))
            return zt_fail(ZT_SHAPE, "permute: the axes must be a permutation of 0..%d; number %d is %lld", x->n - 1, k,
                           (long long)axis);
        seen |= 1u << axis;
        sh.d[k] = x->d[axis];
    }
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err check_axis(const zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, n->n_in);
    if (e != ZT_OK) return e;
    if (n->at.i[0] < 0 || n->at.i[0] >= n->in[0]->sh.n)
        return zt_fail(ZT_SHAPE, "%s: axis %lld of a tensor of shape %s", n->op->name, (long long)n->at.i[0],
                       zt_shape_text(&n->in[0]->sh));
    return ZT_OK;
}

static zt_err slice_shape(zt_node *n) {
    const zt_err e = check_axis(n);
    if (e != ZT_OK) return e;
    zt_shape sh = n->in[0]->sh;
    const int64_t size = sh.d[n->at.i[0]], start = n->at.i[1], len = n->at.i[2];
    if (start < 0 || start >= size || len < 1 || len > size - start)
        return zt_fail(ZT_SHAPE, "slice: %lld elements from %lld of an axis of size %lld", (long long)len, (long long)start,
                       (long long)size);
    sh.d[n->at.i[0]] = len;
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err pad_shape(zt_node *n) {
    const zt_err e = check_axis(n);
    if (e != ZT_OK) return e;
    const int64_t most = INT32_MAX;
    if (n->at.i[1] < 0 || n->at.i[2] < 0 || n->at.i[1] > most || n->at.i[2] > most)
        return zt_fail(ZT_SHAPE, "pad: %lld before and %lld after; both must be 0..2^31-1", (long long)n->at.i[1],
                       (long long)n->at.i[2]);
    zt_shape sh = n->in[0]->sh;
    sh.d[n->at.i[0]] += n->at.i[1] + n->at.i[2];
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err concat_shape(zt_node *n) {
    const zt_err e = check_axis(n);
    if (e != ZT_OK) return e;
    const int64_t axis = n->at.i[0];
    zt_shape sh = n->in[0]->sh;
    for (int k = 1; k < n->n_in; k++) {
        zt_shape like = n->in[k]->sh;
        if (like.n == sh.n) like.d[axis] = n->in[0]->sh.d[axis];
        if (!zt_same_shape(&like, &n->in[0]->sh))
            return zt_fail(ZT_SHAPE, "concat: input %d is %s, which does not fit %s beside axis %lld", k,
                           zt_shape_text(&n->in[k]->sh), zt_shape_text(&n->in[0]->sh), (long long)axis);
        sh.d[axis] += n->in[k]->sh.d[axis];
    }
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err check_factors(const zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    for (int k = 0; k < 3; k++)
        if (n->at.i[k] < 1 || n->at.i[k] > 1 << 20)
            return zt_fail(ZT_SHAPE, "%s: factors must be 1..2^20; number %d is %lld", n->op->name, k, (long long)n->at.i[k]);
    return zt_op_want_rank(n, 0, "x ([B,T,H,W,C])", 5);
}

static zt_err upsample_shape(zt_node *n) {
    const zt_err e = check_factors(n);
    if (e != ZT_OK) return e;
    zt_shape sh = n->in[0]->sh;
    for (int k = 0; k < 3; k++) sh.d[k + 1] *= n->at.i[k];
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err pool_sum_shape(zt_node *n) {
    const zt_err e = check_factors(n);
    if (e != ZT_OK) return e;
    zt_shape sh = n->in[0]->sh;
    for (int k = 0; k < 3; k++) {
        if (sh.d[k + 1] % n->at.i[k])
            return zt_fail(ZT_SHAPE, "pool_sum: factors %lld,%lld,%lld must divide T,H,W of %s", (long long)n->at.i[0],
                           (long long)n->at.i[1], (long long)n->at.i[2], zt_shape_text(&sh));
        sh.d[k + 1] /= n->at.i[k];
    }
    return zt_op_set(n, n->in[0]->dtype, sh);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void reshape_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_reshape(dy, n->in[0]->sh); }
static void permute_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    int back[ZT_MAX_DIM] = {0};
    for (int k = 0; k < n->sh.n; k++) back[n->at.i[k]] = k;
    dx[0] = zt_permute(dy, back);
}
static void slice_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    const int axis = (int)n->at.i[0];
    dx[0] = zt_pad(dy, axis, n->at.i[1], n->in[0]->sh.d[axis] - n->at.i[1] - n->at.i[2]);
}
static void pad_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    const int axis = (int)n->at.i[0];
    dx[0] = zt_slice(dy, axis, n->at.i[1], n->in[0]->sh.d[axis]);
}
static void concat_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    const int axis = (int)n->at.i[0];
    int64_t start = 0;
    for (int k = 0; k < n->n_in; k++) {
        dx[k] = zt_slice(dy, axis, start, n->in[k]->sh.d[axis]);
        start += n->in[k]->sh.d[axis];
    }
}
static void upsample_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = zt_pool_sum(dy, (int)n->at.i[0], (int)n->at.i[1], (int)n->at.i[2]);
}
static void pool_sum_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = zt_upsample(dy, (int)n->at.i[0], (int)n->at.i[1], (int)n->at.i[2]);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_node *reshape_gen(zt_graph *g, zt_rng *r) { /* between two computed nodes: a view of a leaf alone would run nothing */
    zt_node *x = zt_square(zt_gen_value(g, zt_gen_any_shape(r)));
    return zt_reshape(x, zt_gen_coin(r) ? zt_sh(zt_numel(&x->sh)) : zt_sh(1, zt_last(&x->sh), zt_rows(&x->sh)));
}

static zt_node *permute_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, ZT_MAX_DIM), zt_gen_coin(r) ? 3 : 4);
    int axes[ZT_MAX_DIM];
    for (int k = 0; k < sh.n; k++) { /* inside-out shuffle */
        const int64_t j = zt_rng_int(r, 0, k);
        axes[k] = axes[j];
        axes[j] = k;
    }
    return zt_permute(zt_gen_value(g, sh), axes);
}

static zt_node *slice_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 5), 9);
    const int axis = (int)zt_rng_int(r, -1, sh.n - 1);
    const int64_t size = sh.d[axis < 0 ? sh.n - 1 : axis], start = zt_rng_int(r, 0, size - 1);
    return zt_slice(zt_gen_value(g, sh), axis, start, zt_rng_int(r, 1, size - start));
}

static zt_node *pad_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 5), 7);
    const int64_t before = zt_rng_int(r, 0, 3);
    return zt_pad(zt_gen_value(g, sh), (int)zt_rng_int(r, -1, sh.n - 1), before, zt_rng_int(r, 0, 3));
}

static zt_node *concat_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 5), 6);
    const int axis = (int)zt_rng_int(r, 0, sh.n - 1), n = (int)zt_rng_int(r, 1, 4);
    zt_node *x[4];
    for (int k = 0; k < n; k++) {
        sh.d[axis] = zt_gen_size(r, 20);
        x[k] = zt_gen_value(g, sh);
    }
    if (n > 1 && zt_gen_coin(r)) x[n - 1] = x[0]; /* the same tensor twice */
    return zt_concat(axis, n, x);
}

static zt_node *upsample_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, 5, 5);
    sh.d[4] = zt_gen_size(r, 20);
    int f[3];
    for (int k = 0; k < 3; k++) f[k] = (int)zt_gen_size(r, 3);
    return zt_upsample(zt_gen_value(g, sh), f[0], f[1], f[2]);
}

static zt_node *pool_sum_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, 5, 4);
    sh.d[4] = zt_gen_size(r, 20);
    int f[3];
    for (int k = 0; k < 3; k++) {
        f[k] = (int)zt_gen_size(r, 3);
        sh.d[k + 1] *= f[k];
    }
    return zt_pool_sum(zt_gen_value(g, sh), f[0], f[1], f[2]);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, most, bits, text)                                                                                            \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = 1, .max_in = most, .flags = bits,      \
                                   .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad, .gen = op##_gen, .tol = 1e-6};
DEFINE(reshape, 1, ZT_OPF_VIEW, "the same elements under another shape")
DEFINE(permute, 1, ZT_OPF_TURNS, "axes in another order")
DEFINE(slice, 1, 0, "a range of one axis")
DEFINE(pad, 1, 0, "zeros before and after one axis")
DEFINE(concat, 1 << 20, ZT_OPF_CHEAP | ZT_OPF_FOLLOWS, "tensors one after the other along one axis")
DEFINE(upsample, 1, ZT_OPF_CHEAP | ZT_OPF_FOLLOWS, "x:[B,T,H,W,C], nearest, whole factors over T,H,W")
DEFINE(pool_sum, 1, 0, "x:[B,T,H,W,C] -> sums over ft*fh*fw blocks")
#endif
