/* conv.c - convolution over T, H, W, channels last, and its two transposes. Inputs and attributes: attrs.h.
 *   y[b,t,h,w,o] = bias[o] + sum_{i,j,k,c} x[b, t*st+i*dt-pt, h*sh+j*dh-ph, w*sw+k*dw-pw, g(o)+c] w[i,j,k,c,o], zero outside x;
 *   g(o): the first channel of o's group
 * The three ops are one trilinear form differentiated by each operand, so each gradient rule uses the other two and second
 * derivatives exist. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* Index of x's first channel under tap (i,j,k) of output position (b,t,h,w); -1: outside x. xs: shape of x. */
static int64_t conv_x_at(const zt_node *n, const int64_t *xs, const int64_t pos[4], const int64_t tap[3]) {
    int64_t at = pos[0];
    for (int k = 0; k < 3; k++) {
        const int64_t *at_k = n->at.i + k;
        const int64_t p = pos[k + 1] * at_k[ZT_CONV_STRIDE] + tap[k] * at_k[ZT_CONV_DILATION] - at_k[ZT_CONV_BEFORE];
        if (p < 0 || p >= xs[k + 1]) return -1;
        at = at * xs[k + 1] + p;
    }
    return at * xs[4];
}

static void conv_unravel(int64_t at, const int64_t *d, int n, int64_t *out) {
    for (int k = n - 1; k >= 0; k--) {
        out[k] = at % d[k];
        at /= d[k];
    }
}

/* The place after pos[n] in d[n], in the order of elements. */
static void conv_next(int64_t *pos, const int64_t *d, int n) {
    int k = n - 1;
    while (k > 0 && pos[k] + 1 == d[k]) pos[k--] = 0;
    pos[k]++;
}

void REF(conv)(const zt_node *n) {
    const int64_t *xs = n->in[0]->sh.d, *ws = n->in[1]->sh.d, Ci = ws[3], Co = ws[4], taps = ws[0] * ws[1] * ws[2];
    const int64_t each = Co / n->at.i[ZT_CONV_GROUPS];
    const real *x = n->in[0]->x, *w = n->in[1]->x, *bias = zt_in_x(n, 2);
    const int64_t positions = zt_rows(&n->sh);
    for (int64_t p = 0; p < positions; p++)
        for (int64_t o = 0; o < Co; o++) {
            int64_t pos[4], tap[3] = {0};
            double sum = bias ? bias[o] : 0;
            conv_unravel(p, n->sh.d, 4, pos);
            for (int64_t k = 0; k < taps; k++, conv_next(tap, ws, 3)) {
                const int64_t at = conv_x_at(n, xs, pos, tap);
                for (int64_t c = 0; at >= 0 && c < Ci; c++)
                    sum += (double)x[at + o / each * Ci + c] * w[(k * Ci + c) * Co + o];
            }
            ((real *)n->x)[p * Co + o] = (real)sum;
        }
}

/* dx[q] = sum over taps of dy[p] w[tap]' where p*stride = q + pad - tap*dilation: it must come out even, p inside. */
void REF(conv_dx)(const zt_node *n) {
    const int64_t *ys = n->in[0]->sh.d, *ws = n->in[1]->sh.d, Co = ws[4], taps = ws[0] * ws[1] * ws[2];
    const int64_t Ci = zt_last(&n->sh), of_group = ws[3], each = Co / n->at.i[ZT_CONV_GROUPS];
    const real *dy = n->in[0]->x, *w = n->in[1]->x;
    const int64_t positions = zt_rows(&n->sh);
    for (int64_t q = 0; q < positions; q++)
        for (int64_t c = 0; c < Ci; c++) {
            int64_t pos[4], tap[3] = {0};
            double sum = 0;
            conv_unravel(q, n->sh.d, 4, pos);
            for (int64_t k = 0; k < taps; k++, conv_next(tap, ws, 3)) {
                int64_t at = pos[0];
                for (int a = 0; a < 3 && at >= 0; a++) {
                    const int64_t *at_a = n->at.i + a, s = at_a[ZT_CONV_STRIDE];
                    const int64_t p = pos[a + 1] + at_a[ZT_CONV_BEFORE] - tap[a] * at_a[ZT_CONV_DILATION];
                    at = p < 0 || p % s || p / s >= ys[a + 1] ? -1 : at * ys[a + 1] + p / s;
                }
                const int64_t first = c / of_group * each;
                for (int64_t o = first; at >= 0 && o < first + each; o++)
                    sum += (double)dy[at * Co + o] * w[(k * of_group + c % of_group) * Co + o];
            }
            ((real *)n->x)[q * Ci + c] = (real)sum;
        }
}

void REF(conv_dw)(const zt_node *n) {
    const int64_t *xs = n->in[0]->sh.d, *ys = n->in[1]->sh.d, *ws = n->sh.d, Ci = ws[3], Co = ws[4];
    const int64_t taps = ws[0] * ws[1] * ws[2], positions = ys[0] * ys[1] * ys[2] * ys[3], each = Co / n->at.i[ZT_CONV_GROUPS];
    const real *x = n->in[0]->x, *dy = n->in[1]->x;
    enum { BLOCK = 64 };                                          /* weights of a tap that are summed side by side */
    for (int64_t k = 0; k < taps; k++)
        for (int64_t first = 0; first < Ci * Co; first += BLOCK) {
            const int64_t count = Ci * Co - first < BLOCK ? Ci * Co - first : BLOCK;
            int64_t pos[4] = {0}, tap[3], of_x[BLOCK], of_y[BLOCK];
            double sum[BLOCK] = {0};
            conv_unravel(k, ws, 3, tap);
            for (int64_t j = 0; j < count; j++) {
                of_y[j] = (first + j) % Co;
                of_x[j] = of_y[j] / each * Ci + (first + j) / Co;
            }
            for (int64_t p = 0; p < positions; p++, conv_next(pos, ys, 4)) {
                const int64_t at = conv_x_at(n, xs, pos, tap);
                for (int64_t j = 0; at >= 0 && j < count; j++) sum[j] += (double)x[at + of_x[j]] * dy[p * Co + of_y[j]];
            }
            for (int64_t j = 0; j < count; j++) ((real *)n->x)[k * Ci * Co + first + j] = (real)sum[j];
        }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static zt_attr conv_attr(const zt_conv_cfg *c) {
    zt_attr at = {.i = {0}};
    for (int k = 0; k < 3; k++) {
        at.i[ZT_CONV_STRIDE + k] = c->stride[k];
        at.i[ZT_CONV_BEFORE + k] = c->pad_before[k];
        at.i[ZT_CONV_AFTER + k] = c->pad_after[k];
        at.i[ZT_CONV_DILATION + k] = c->dilation[k] ? c->dilation[k] : 1;
    }
    at.i[ZT_CONV_GROUPS] = c->groups ? c->groups : 1;
    return at;
}

zt_node *zt_conv(zt_node *x, zt_node *w, zt_node *bias, const zt_conv_cfg *c) {
    const zt_attr at = conv_attr(c);
    return zt_emit(x->g, &zt_def_conv, bias ? 3 : 2, (zt_node *const[]){x, w, bias}, &at);
}

static zt_attr conv_sized(zt_attr at, const int64_t *size) {
    memcpy(at.i + ZT_CONV_SIZE, size, 3 * sizeof *size);
    return at;
}
static zt_node *conv_dx(zt_node *dy, zt_node *w, const zt_attr *at, const zt_shape *x) {
    const zt_attr sized = conv_sized(*at, x->d + 1);
    return zt_emit2(dy->g, &zt_def_conv_dx, dy, w, &sized);
}
static zt_node *conv_dw(zt_node *x, zt_node *dy, const zt_attr *at, const zt_shape *w) {
    const zt_attr sized = conv_sized(*at, w->d);
    return zt_emit2(dy->g, &zt_def_conv_dw, x, dy, &sized);
}
static zt_node *conv_plain(zt_node *x, zt_node *w, const zt_attr *at) {
    const zt_attr sized = conv_sized(*at, (const int64_t[3]){0, 0, 0});
    return zt_emit2(x->g, &zt_def_conv, x, w, &sized);
}

zt_node *zt_conv_transpose(zt_node *x, zt_node *w, zt_node *bias, const zt_conv_cfg *c, const int extra[3]) {
    const zt_attr at = conv_attr(c);
    zt_shape out = x->sh;
    for (int k = 0; k < 3; k++) {
        const int more = extra ? extra[k] : 0, stride = c->stride[k], dilation = c->dilation[k] ? c->dilation[k] : 1;
        if (more < 0 || more >= stride)
            return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "conv_transpose: axis %c has an extra %d with stride %d; it must be 0.."
                                               "stride-1", "thw"[k], more, stride));
        const int64_t reach = (w->sh.d[k] - 1) * dilation + 1;
        out.d[k + 1] = (x->sh.d[k + 1] - 1) * stride - c->pad_before[k] - c->pad_after[k] + reach + more;
    }
    zt_node *y = conv_dx(x, w, &at, &out);
    return bias ? zt_add(y, bias) : y;
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err conv_groups(const zt_node *n, int64_t Ci, int64_t Co) {
    const int64_t G = n->at.i[ZT_CONV_GROUPS];
    if (G >= 1 && Ci % G == 0 && Co % G == 0) return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: %lld groups must divide %lld input and %lld output channels", n->op->name, (long long)G,
                   (long long)Ci, (long long)Co);
}
static zt_err conv_out(const zt_node *n, const int64_t *x, const int64_t *kernel, int64_t *out) {
    return zt_op_windows(n, x, kernel, n->at.i + ZT_CONV_DILATION, out);
}

static zt_err conv_common(const zt_node *n, const char *first, const char *second) {
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    if (e == ZT_OK) e = zt_op_want_rank(n, 0, first, 5);
    if (e == ZT_OK) e = zt_op_want_rank(n, 1, second, 5);
    return e;
}

static zt_err conv_shape(zt_node *n) {
    zt_err e = conv_common(n, "x", "w");
    if (e != ZT_OK) return e;
    const int64_t *x = n->in[0]->sh.d, *w = n->in[1]->sh.d;
    int64_t out[3];
    if ((e = conv_out(n, x + 1, w, out)) != ZT_OK) return e;
    if ((e = conv_groups(n, x[4], w[4])) != ZT_OK) return e;
    if (w[3] * n->at.i[ZT_CONV_GROUPS] != x[4])
        return zt_fail(ZT_SHAPE, "conv: x has %lld channels in %lld groups and w takes %lld of each", (long long)x[4],
                       (long long)n->at.i[ZT_CONV_GROUPS], (long long)w[3]);
    if (n->n_in == 3 && (e = zt_op_want_shape(n, 2, "bias", zt_sh(w[4]))) != ZT_OK) return e;
    return zt_op_set(n, n->in[0]->dtype, zt_sh(x[0], out[0], out[1], out[2], w[4]));
}

static zt_err conv_dx_shape(zt_node *n) {
    zt_err e = conv_common(n, "dy", "w");
    if (e != ZT_OK) return e;
    const int64_t *dy = n->in[0]->sh.d, *w = n->in[1]->sh.d, *x = n->at.i + ZT_CONV_SIZE;
    int64_t out[3];
    if ((e = conv_out(n, x, w, out)) != ZT_OK) return e;
    if ((e = zt_op_want_shape(n, 0, "dy", zt_sh(dy[0], out[0], out[1], out[2], w[4]))) != ZT_OK) return e;
    if ((e = conv_groups(n, 0, w[4])) != ZT_OK) return e;
    return zt_op_set(n, n->in[0]->dtype, zt_sh(dy[0], x[0], x[1], x[2], w[3] * n->at.i[ZT_CONV_GROUPS]));
}

static zt_err conv_dw_shape(zt_node *n) {
    zt_err e = conv_common(n, "x", "dy");
    if (e != ZT_OK) return e;
    const int64_t *x = n->in[0]->sh.d, *dy = n->in[1]->sh.d, *w = n->at.i + ZT_CONV_SIZE;
    int64_t out[3];
    if ((e = conv_out(n, x + 1, w, out)) != ZT_OK) return e;
    if ((e = zt_op_want_shape(n, 1, "dy", zt_sh(x[0], out[0], out[1], out[2], dy[4]))) != ZT_OK) return e;
    if ((e = conv_groups(n, x[4], dy[4])) != ZT_OK) return e;
    return zt_op_set(n, n->in[0]->dtype, zt_sh(w[0], w[1], w[2], x[4] / n->at.i[ZT_CONV_GROUPS], dy[4]));
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void conv_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    dx[0] = conv_dx(dy, n->in[1], &n->at, &n->in[0]->sh);
    dx[1] = conv_dw(n->in[0], dy, &n->at, &n->in[1]->sh);
    if (n->n_in == 3) dx[2] = zt_op_sum_like(dy, n->in[2]);
}
static void conv_dx_grad(zt_node *n, zt_node *d, zt_node **dx) { /* d has x's shape */
    dx[0] = conv_plain(d, n->in[1], &n->at);
    dx[1] = conv_dw(d, n->in[0], &n->at, &n->in[1]->sh);
}
static void conv_dw_grad(zt_node *n, zt_node *d, zt_node **dx) { /* d has w's shape */
    dx[0] = conv_dx(n->in[1], d, &n->at, &n->in[0]->sh);
    dx[1] = conv_plain(n->in[0], d, &n->at);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
/* Kernels of 3x3 pixels that move by one, and of 4x4 that move by two, of many channels: what minimal filtering is chosen for. */
static zt_conv_cfg conv_gen_square(zt_rng *r, zt_shape *x, zt_shape *w, int stride) {
    static const int64_t channels[] = {16, 17, 32, 33, 48, 64, 70};
    zt_conv_cfg c = {.groups = 1, .stride = {1, stride, stride}};
    *w = zt_sh(zt_gen_size(r, 2 + stride), 2 + stride, 2 + stride, channels[zt_rng_int(r, 0, 6)], channels[zt_rng_int(r, 0, 6)]);
    *x = zt_sh(zt_gen_size(r, 2), zt_gen_size(r, 3), zt_gen_size(r, 7), zt_gen_size(r, 7), w->d[3]);
    for (int k = 0; k < 3; k++) {
        c.pad_before[k] = (int)zt_rng_int(r, 0, 3);
        c.pad_after[k] = (int)zt_rng_int(r, 0, 2);
        const int64_t lacks = w->d[k] - x->d[k + 1] - c.pad_before[k] - c.pad_after[k];
        if (lacks > 0) x->d[k + 1] += lacks;
    }
    return c;
}

/* Sizes of x (spatial axes in d[1..3]) and w, strides and pads that fit: same-size, causal, strided, valid, uneven, whole. */
static zt_conv_cfg conv_gen_cfg(zt_rng *r, zt_shape *x, zt_shape *w) {
    static const int64_t channels[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 24, 33, 48, 64, 70};
    zt_conv_cfg c = {.groups = 1};
    *x = zt_gen_shape(r, 5, 6);
    *w = zt_gen_shape(r, 5, 3);
    x->d[0] = zt_gen_size(r, 2);
    const bool wide = zt_rng_int(r, 0, 11) == 0; /* whole register tiles of channels, few positions */
    if (wide) *x = zt_gen_shape(r, 5, 3);
    x->d[4] = w->d[3] = channels[zt_rng_int(r, wide ? 7 : 0, wide ? 13 : 10)];
    w->d[4] = channels[zt_rng_int(r, wide ? 7 : 0, wide ? 13 : 10)];
    const bool large = !wide && zt_rng_int(r, 0, 11) == 0; /* more pixels than a block has, lines longer than a tile */
    if (large) {
        w->d[3] = channels[zt_rng_int(r, 6, 8)];
        *x = zt_sh(1, zt_rng_int(r, 2, 4), zt_rng_int(r, 30, 44), zt_rng_int(r, 20, 44), w->d[3]);
    }
    const int64_t square = zt_rng_int(r, 0, 9);
    if (square < 2) return conv_gen_square(r, x, w, 1 + (int)square);
    if (zt_rng_int(r, 0, 4) == 0) {          /* groups; now and then depthwise */
        c.groups = (int)zt_rng_int(r, 2, 3);
        if (zt_gen_coin(r)) w->d[3] = 1;
        x->d[4] = w->d[3] * c.groups;
        w->d[4] *= c.groups;
    }
    const bool whole = zt_rng_int(r, 0, 9) == 0; /* the kernel covers its source: a matmul */
    for (int k = 0; k < 3; k++) {
        c.stride[k] = 1;
        if (whole) x->d[k + 1] = w->d[k];
        if (whole) continue;
        const int64_t kernel = w->d[k] = zt_rng_int(r, 0, 9) ? w->d[k] : 4;
        const bool same = zt_gen_coin(r);
        c.stride[k] = (int)zt_rng_int(r, 0, 3) ? 1 : (int)zt_rng_int(r, 2, 3);
        c.dilation[k] = (int)zt_rng_int(r, 0, 5) ? 0 : 2;
        c.pad_before[k] = (int)(same ? (kernel - 1) / 2 : zt_rng_int(r, 0, kernel));
        c.pad_after[k] = (int)(same ? kernel / 2 : zt_rng_int(r, 0, kernel));
        const int64_t reach = (kernel - 1) * (c.dilation[k] ? 2 : 1) + 1;
        const int64_t lacks = reach - x->d[k + 1] - c.pad_before[k] - c.pad_after[k];
        if (lacks > 0) x->d[k + 1] += lacks;
    }
    return c;
}

static zt_node *conv_gen(zt_graph *g, zt_rng *r) {
    zt_shape sx, sw;
    const zt_conv_cfg c = conv_gen_cfg(r, &sx, &sw);
    zt_node *x = zt_gen_value(g, sx), *w = zt_gen_value(g, sw);
    return zt_conv(x, w, zt_gen_coin(r) ? zt_gen_value(g, zt_sh(sw.d[4])) : NULL, &c);
}
static zt_node *conv_dx_gen(zt_graph *g, zt_rng *r) { /* the shape of dy comes from a conv that nothing needs */
    zt_node *y = conv_gen(g, r);
    return conv_dx(zt_gen_value(g, y->sh), y->in[1], &y->at, &y->in[0]->sh);
}
static zt_node *conv_dw_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = conv_gen(g, r);
    return conv_dw(y->in[0], zt_gen_value(g, y->sh), &y->at, &y->in[1]->sh);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
static int64_t conv_flops(const zt_node *n) { /* outputs x taps x input channels */
    const int64_t *w = n->in[1]->sh.d;
    return 2 * zt_numel(&n->sh) * w[0] * w[1] * w[2] * w[3];
}
static int64_t conv_dx_flops(const zt_node *n) {
    const int64_t *w = n->in[1]->sh.d;
    return 2 * zt_numel(&n->in[0]->sh) * w[0] * w[1] * w[2] * w[3];
}
static int64_t conv_dw_flops(const zt_node *n) {
    const int64_t *w = n->sh.d;
    return 2 * zt_numel(&n->in[1]->sh) * w[0] * w[1] * w[2] * w[3];
}

#define DEFINE(op, most, text)                                                                                              \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = 2, .max_in = most,                 \
                                   .flags = ZT_OPF_BF16, .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad,         \
                                   .gen = op##_gen, .tol = 1e-5, .flops = op##_flops};
DEFINE(conv, 3, "x:[B,T,H,W,Ci] w:[kt,kh,kw,Ci/groups,Co] (+ bias:[Co]) -> [B,T',H',W',Co], zero padding")
DEFINE(conv_dx, 2, "dy, w -> gradient of x")
DEFINE(conv_dw, 2, "x, dy -> gradient of w")
#endif
