/* max_pool.c - the largest element of each window over T, H, W, windows as of conv (they may overlap), and what goes to and comes
 * from the places of the maxima. Inputs and attributes: attrs.h.
 *   y[b,t,h,w,c] = max_{i,j,k} x[b, t*st+i-pt, h*sh+j-ph, w*sw+k-pw, c] over the places inside x;  tap = the first (i,j,k) there
 *   max_pool_at: the element of d at each window's tap, max_pool_dx: its transpose; neither depends smoothly on tap.
 * Tested by tests/ops/test_ops_sweep.c, against PyTorch by tests/nn/test_sample_golden.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* First channel, in a tensor whose B,T,H,W are xs, of tap number `tap` of window `row`; -1: outside. */
static int64_t window_at(const zt_node *n, const int64_t *ys, const int64_t *xs, int64_t row, int64_t tap, int64_t C) {
    int64_t place[3];
    for (int a = 2; a >= 0; a--) {
        const int64_t kernel = n->at.i[ZT_CONV_SIZE + a];
        place[a] = row % ys[a + 1] * n->at.i[ZT_CONV_STRIDE + a] + tap % kernel - n->at.i[ZT_CONV_BEFORE + a];
        if (place[a] < 0 || place[a] >= xs[a + 1]) return -1;
        row /= ys[a + 1];
        tap /= kernel;
    }
    return (((row * xs[1] + place[0]) * xs[2] + place[1]) * xs[3] + place[2]) * C;
}

static int64_t window_taps(const zt_node *n) {
    return n->at.i[ZT_CONV_SIZE] * n->at.i[ZT_CONV_SIZE + 1] * n->at.i[ZT_CONV_SIZE + 2];
}

void REF(max_pool)(const zt_node *n) {
    const int64_t C = n->sh.d[4], count = zt_numel(&n->sh), taps = window_taps(n);
    const real *x = n->in[0]->x;
    for (int64_t j = 0; j < count; j++) {
        int64_t best = -1, first = 0;
        for (int64_t k = 0; k < taps; k++) {
            const int64_t at = window_at(n, n->sh.d, n->in[0]->sh.d, j / C, k, C);
            if (at < 0 || (best >= 0 && (x[at + j % C] <= x[best] || isnan(x[best])))) continue;
            best = at + j % C;
            first = k;
        }
        ((real *)n->x)[j] = x[best];
        ((real *)n->aux[0])[j] = (real)first;
    }
}

void REF(max_pool_at)(const zt_node *n) {
    const int64_t C = n->sh.d[4], count = zt_numel(&n->sh);
    const real *d = n->in[0]->x, *tap = n->in[1]->x;
    for (int64_t j = 0; j < count; j++)
        ((real *)n->x)[j] = d[window_at(n, n->sh.d, n->in[0]->sh.d, j / C, (int64_t)tap[j], C) + j % C];
}

void REF(max_pool_dx)(const zt_node *n) {
    const int64_t C = n->sh.d[4], count = zt_numel(&n->sh), windows = zt_numel(&n->in[0]->sh);
    const real *dy = n->in[0]->x, *tap = n->in[1]->x;
    for (int64_t j = 0; j < count; j++) {
        double sum = 0;
        for (int64_t k = j % C; k < windows; k += C)
            if (window_at(n, n->in[0]->sh.d, n->sh.d, k / C, (int64_t)tap[k], C) + k % C == j) sum += dy[k];
        ((real *)n->x)[j] = (real)sum;
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_max_pool(zt_node *x, const int kernel[3], const zt_conv_cfg *c) {
    zt_attr at = {.i = {0}};
    for (int k = 0; k < 3; k++) {
        at.i[ZT_CONV_STRIDE + k] = c->stride[k];
        at.i[ZT_CONV_BEFORE + k] = c->pad_before[k];
        at.i[ZT_CONV_AFTER + k] = c->pad_after[k];
        at.i[ZT_CONV_SIZE + k] = kernel[k];
        at.i[ZT_POOL_X + k] = x->sh.d[k + 1];
    }
    return zt_emit1(x->g, &zt_def_max_pool, x, &at);
}
static zt_node *max_pool_at(zt_node *d, zt_node *tap, const zt_attr *at) {
    return zt_emit2(d->g, &zt_def_max_pool_at, d, tap, at);
}
static zt_node *max_pool_dx(zt_node *dy, zt_node *tap, const zt_attr *at) {
    return zt_emit2(dy->g, &zt_def_max_pool_dx, dy, tap, at);
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
/* Shapes of x and y for the batch and channels of `like`, which is either. A window of pads alone would have no maximum. */
static zt_err pool_shapes(const zt_node *n, const zt_shape *like, zt_shape *x, zt_shape *y) {
    int64_t out[3];
    const int64_t *size = n->at.i + ZT_POOL_X, *kernel = n->at.i + ZT_CONV_SIZE;
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    if (e == ZT_OK) e = zt_op_want_rank(n, 0, "x ([B,T,H,W,C])", 5);
    if (e == ZT_OK) e = zt_op_windows(n, size, kernel, NULL, out);
    for (int k = 0; k < 3 && e == ZT_OK; k++) {
        const int64_t before = n->at.i[ZT_CONV_BEFORE + k], after = n->at.i[ZT_CONV_AFTER + k];
        if (before >= kernel[k] || after >= kernel[k])
            e = zt_fail(ZT_SHAPE, "%s: pads of %lld and %lld on axis %c must be below the kernel's %lld", n->op->name,
                        (long long)before, (long long)after, "thw"[k], (long long)kernel[k]);
    }
    if (e != ZT_OK) return e;
    *x = zt_sh(like->d[0], size[0], size[1], size[2], like->d[4]);
    *y = zt_sh(like->d[0], out[0], out[1], out[2], like->d[4]);
    return ZT_OK;
}

static zt_err max_pool_shape(zt_node *n) {
    zt_shape x, y;
    const zt_err e = pool_shapes(n, &n->in[0]->sh, &x, &y);
    if (e != ZT_OK) return e;
    zt_op_add_aux(n, y);
    return zt_op_set(n, n->in[0]->dtype, y);
}
static zt_err max_pool_at_shape(zt_node *n) {
    zt_shape x, y;
    zt_err e = pool_shapes(n, &n->in[0]->sh, &x, &y);
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "d", x);
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, "tap", y);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, y);
}
static zt_err max_pool_dx_shape(zt_node *n) {
    zt_shape x, y;
    zt_err e = pool_shapes(n, &n->in[0]->sh, &x, &y);
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", y);
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, "tap", y);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, x);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void max_pool_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = max_pool_dx(dy, zt_aux(n, 0), &n->at); }
static void max_pool_at_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = max_pool_dx(dy, n->in[1], &n->at); }
static void max_pool_dx_grad(zt_node *n, zt_node *d, zt_node **dx) { dx[0] = max_pool_at(d, n->in[1], &n->at); }

/* ---- random cases ------------------------------------------------------------------------------------------------ */
/* Elements in random order, far enough apart that no difference changes which is the largest. */
static zt_node *max_pool_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, 5, 6);
    sh.d[0] = zt_gen_size(r, 2);
    sh.d[4] = zt_gen_size(r, zt_rng_int(r, 0, 9) ? 5 : 40);
    const int64_t n = zt_numel(&sh);
    double *order = zt_graph_alloc(g, (size_t)n * sizeof *order);
    for (int64_t k = 0; order && k < n; k++) { /* inside-out shuffle */
        const int64_t j = zt_rng_int(r, 0, k);
        order[k] = order[j];
        order[j] = (double)k / 16;
    }
    zt_conv_cfg c;
    int kernel[3];
    for (int k = 0; k < 3; k++) {
        kernel[k] = (int)zt_gen_size(r, 3);
        c.stride[k] = (int)zt_gen_size(r, 3);
        c.pad_before[k] = (int)zt_rng_int(r, 0, kernel[k] - 1);
        c.pad_after[k] = (int)zt_rng_int(r, 0, kernel[k] - 1);
        if (sh.d[k + 1] + c.pad_before[k] + c.pad_after[k] < kernel[k]) c.pad_before[k] = c.pad_after[k] = kernel[k] - 1;
    }
    zt_node *x = zt_affine(zt_gen_value(g, sh), 1.0 / 64, 0);
    return zt_max_pool(order ? zt_add(x, zt_const(g, x->dtype, sh, order)) : x, kernel, &c);
}
static zt_node *max_pool_at_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = max_pool_gen(g, r);
    return max_pool_at(zt_gen_value(g, y->in[0]->sh), zt_aux(y, 0), &y->at);
}
static zt_node *max_pool_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = max_pool_gen(g, r);
    return max_pool_dx(zt_gen_value(g, y->sh), zt_aux(y, 0), &y->at);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, inputs, text)                                                                                    \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = inputs, .max_in = inputs,  \
                                   .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad, .gen = op##_gen, .tol = 1e-6};
DEFINE(max_pool, 1, "x:[B,T,H,W,C] -> [B,T',H',W',C], the largest of each window; aux: which tap it is")
DEFINE(max_pool_at, 2, "d, tap -> the element of d at each window's tap")
DEFINE(max_pool_dx, 2, "dy, tap -> gradient of x")
#endif
