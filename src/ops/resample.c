/* resample.c - one axis made from another by a few constant weights per place, y[..,o,..] = sum_i A[o,i] x[..,i,..], and the
 * transpose. The rules that A follows are those of interpolation, of windowed means, of padding by what is at the edge and of
 * windowed sinc filters; each is separable, so several axes are several passes. Inputs and attributes: attrs.h. Keys 1981,
 * "Cubic Convolution Interpolation for Digital Image Processing"; Kaiser 1974, "Nonrecursive digital filter design using the
 * I0-sinh window function". Tested by tests/ops/test_ops_sweep.c, against PyTorch by tests/nn/test_sample_golden.c. */
#include "ops/resample.h"
#include "ops/ops.h"
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
void REF(resample)(const zt_node *n) {
    const int64_t from = n->at.i[ZT_RESAMPLE_FROM], to = n->at.i[ZT_RESAMPLE_TO], taps = zt_resample_taps(&n->at);
    const real *x = n->in[0]->x;
    int64_t outer, inner, place;
    zt_around_axis(&n->sh, (int)n->at.i[ZT_RESAMPLE_AXIS], &outer, &inner);
    for (int64_t j = 0; j < outer * to * inner; j++) {
        double sum = 0;
        for (int64_t k = 0; k < taps; k++) {
            const double w = zt_resample_weight(&n->at, j / inner % to, k, &place);
            sum += w * x[(j / inner / to * from + place) * inner + j % inner];
        }
        ((real *)n->x)[j] = (real)sum;
    }
}

void REF(resample_dx)(const zt_node *n) {
    const int64_t from = n->at.i[ZT_RESAMPLE_FROM], to = n->at.i[ZT_RESAMPLE_TO], taps = zt_resample_taps(&n->at);
    const real *dy = n->in[0]->x;
    int64_t outer, inner, place;
    zt_around_axis(&n->sh, (int)n->at.i[ZT_RESAMPLE_AXIS], &outer, &inner);
    for (int64_t j = 0; j < outer * from * inner; j++) {
        double sum = 0;
        for (int64_t k = 0; k < to * taps; k++) {
            const double w = zt_resample_weight(&n->at, k / taps, k % taps, &place);
            if (place == j / inner % from) sum += w * dy[(j / inner / from * to + k / taps) * inner + j % inner];
        }
        ((real *)n->x)[j] = (real)sum;
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- weights ----------------------------------------------------------------------------------------------------- */
static int64_t inside(int64_t place, int64_t size) { /* the nearest place that exists */
    return place < 0 ? 0 : place < size ? place : size - 1;
}

static double cubic(double x, double a) { /* Keys 1981, eq. 4 with its free parameter */
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
static double triangle(double x) {
    return fmax(0, 1 - fabs(x));
}

/* Interpolation: the 2 or 4 places around the centre; those beyond the ends are the end. */
static double narrow_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from) {
    const int64_t size = at->i[ZT_RESAMPLE_FROM];
    const bool linear = at->i[ZT_RESAMPLE_RULE] == ZT_LINEAR;
    const double centre = ((double)to + 0.5) * (double)size / (double)at->i[ZT_RESAMPLE_TO] - 0.5;
    const int64_t place = (int64_t)floor(centre) + tap - !linear;
    *from = inside(place, size);
    return linear ? triangle(centre - (double)place) : cubic(centre - (double)place, -0.75);
}

/* How far a smoothing filter reaches to either side, and how much it is wider than that of interpolation. */
static double smooth_reach(const zt_attr *at, double *widen) {
    *widen = fmax(1, (double)at->i[ZT_RESAMPLE_FROM] / (double)at->i[ZT_RESAMPLE_TO]);
    return (at->i[ZT_RESAMPLE_RULE] == ZT_LINEAR_SMOOTH ? 1 : 2) * *widen;
}

/* Smoothing: the filter widened to the step between outputs; places beyond the ends do not count, the rest makes up for them. */
static double smooth_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from) {
    const int64_t size = at->i[ZT_RESAMPLE_FROM];
    double widen, sum = 0, weight = 0;
    const double reach = smooth_reach(at, &widen);
    const double centre = ((double)to + 0.5) * (double)size / (double)at->i[ZT_RESAMPLE_TO];
    const int64_t first = (int64_t)fmax(centre - reach + 0.5, 0), end = (int64_t)fmin(centre + reach + 0.5, (double)size);
    for (int64_t place = first; place < end; place++) {
        const double off = ((double)place + 0.5 - centre) / widen;
        const double w = at->i[ZT_RESAMPLE_RULE] == ZT_LINEAR_SMOOTH ? triangle(off) : cubic(off, -0.5);
        if (place - first == tap) weight = w;
        sum += w;
    }
    *from = inside(first + tap, size);
    return weight / sum;
}

static double mean_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from) {
    const int64_t size = at->i[ZT_RESAMPLE_FROM], kernel = at->i[ZT_RESAMPLE_KERNEL];
    const int64_t first = to * at->i[ZT_RESAMPLE_STRIDE] - at->i[ZT_RESAMPLE_BEFORE], place = first + tap;
    const int64_t count = (first + kernel < size ? first + kernel : size) - (first > 0 ? first : 0);
    *from = inside(place, size);
    if (*from != place) return 0;
    return 1 / (double)(at->i[ZT_RESAMPLE_RULE] == ZT_MEAN ? kernel : count);
}

/* Modified Bessel function of the first kind, order 0, by its series: all terms are positive. */
static double bessel_i0(double x) {
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

double zt_kaiser_tap(int64_t taps, double cutoff, double beta, int64_t tap) {
    const double pi = 3.14159265358979323846, half = (double)(taps - 1) / 2, m = (double)tap - half;
    const double sinc = m == 0 ? 2 * cutoff : sin(2 * pi * cutoff * m) / (pi * m), u = half > 0 ? m / half : 0;
    return sinc * bessel_i0(beta * sqrt(fmax(0, 1 - u * u)));
}

/* A low-pass filter over what becomes of x when up - 1 zeros follow each element; every stride-th place is wanted. */
static double kaiser_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from) {
    const int64_t up = at->i[ZT_RESAMPLE_UP], place = to * at->i[ZT_RESAMPLE_STRIDE] - at->i[ZT_RESAMPLE_BEFORE] + tap;
    *from = 0;
    if (place < 0 || place % up || place / up >= at->i[ZT_RESAMPLE_FROM]) return 0;
    *from = place / up;
    return at->f[2] * zt_kaiser_tap(at->i[ZT_RESAMPLE_KERNEL], at->f[0], at->f[1], tap);
}

int64_t zt_resample_taps(const zt_attr *at) {
    double widen;
    switch (at->i[ZT_RESAMPLE_RULE]) {
        case ZT_LINEAR: return 2;
        case ZT_CUBIC: return 4;
        case ZT_LINEAR_SMOOTH:
        case ZT_CUBIC_SMOOTH: return 2 * (int64_t)ceil(smooth_reach(at, &widen)) + 1;
        case ZT_MEAN:
        case ZT_MEAN_INSIDE:
        case ZT_KAISER: return at->i[ZT_RESAMPLE_KERNEL];
        default: return 1;
    }
}

double zt_resample_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from) {
    const int64_t size = at->i[ZT_RESAMPLE_FROM], place = to - at->i[ZT_RESAMPLE_BEFORE];
    switch (at->i[ZT_RESAMPLE_RULE]) {
        case ZT_LINEAR:
        case ZT_CUBIC: return narrow_weight(at, to, tap, from);
        case ZT_LINEAR_SMOOTH:
        case ZT_CUBIC_SMOOTH: return smooth_weight(at, to, tap, from);
        case ZT_MEAN:
        case ZT_MEAN_INSIDE: return mean_weight(at, to, tap, from);
        case ZT_KAISER: return kaiser_weight(at, to, tap, from);
        case ZT_REFLECT: *from = place < 0 ? -place : place < size ? place : 2 * (size - 1) - place; return 1;
        default: *from = inside(place, size); return 1; /* ZT_REPLICATE */
    }
}

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static zt_node *resample(zt_node *x, int axis, int64_t to, zt_resample_rule rule, int64_t before, int64_t kernel,
                         int64_t stride) {
    const zt_attr at = {.i = {[ZT_RESAMPLE_AXIS] = axis, [ZT_RESAMPLE_FROM] = x->sh.d[axis], [ZT_RESAMPLE_TO] = to,
                              [ZT_RESAMPLE_RULE] = rule, [ZT_RESAMPLE_BEFORE] = before, [ZT_RESAMPLE_KERNEL] = kernel,
                              [ZT_RESAMPLE_STRIDE] = stride}};
    return zt_emit1(x->g, &zt_def_resample, x, &at);
}

/* Whether `builder` may use the rule on x, which must be a clip; else the graph fails. */
static bool rule_ok(const zt_node *x, const char *builder, zt_resample_rule rule, zt_resample_rule least, zt_resample_rule most) {
    if (x->sh.n != 5)
        zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "%s: x must be [B,T,H,W,C]; it is %s", builder, zt_shape_text(&x->sh)));
    else if (rule < least || rule > most)
        zt_graph_fail(x->g, zt_fail(ZT_ARG, "%s: rule %d is not one of %d..%d (zt_resample_rule)", builder, (int)rule, (int)least,
                                    (int)most));
    return zt_graph_error(x->g) == ZT_OK;
}

zt_node *zt_pad_edge(zt_node *x, const int before[3], const int after[3], zt_resample_rule rule) {
    if (!rule_ok(x, "pad_edge", rule, ZT_REPLICATE, ZT_REFLECT)) return x;
    for (int k = 0; k < 3; k++)
        if (before[k] || after[k]) x = resample(x, k + 1, x->sh.d[k + 1] + before[k] + after[k], rule, before[k], 1, 1);
    return x;
}

zt_node *zt_resize(zt_node *x, int64_t T, int64_t H, int64_t W, zt_resample_rule rule) {
    const int64_t to[3] = {T, H, W};
    if (!rule_ok(x, "resize", rule, ZT_LINEAR, ZT_CUBIC_SMOOTH)) return x;
    for (int grow = 0; grow < 2; grow++) /* what shrinks comes first: the others then have less to do */
        for (int k = 0; k < 3; k++)
            if (grow ? to[k] > x->sh.d[k + 1] : to[k] < x->sh.d[k + 1]) x = resample(x, k + 1, to[k], rule, 0, 1, 1);
    return x;
}

zt_node *zt_avg_pool_windows(zt_node *x, const int kernel[3], const zt_conv_cfg *c, bool count_pads) {
    const zt_resample_rule rule = count_pads ? ZT_MEAN : ZT_MEAN_INSIDE;
    if (!rule_ok(x, "avg_pool_windows", rule, ZT_MEAN, ZT_MEAN_INSIDE)) return x;
    for (int k = 0; k < 3; k++) {
        const int64_t padded = x->sh.d[k + 1] + c->pad_before[k] + c->pad_after[k], stride = c->stride[k];
        const int64_t to = stride < 1 || padded < kernel[k] ? 0 : (padded - kernel[k]) / stride + 1;
        if (kernel[k] != 1 || stride != 1 || c->pad_before[k] || c->pad_after[k])
            x = resample(x, k + 1, to, rule, c->pad_before[k], kernel[k], stride);
    }
    return x;
}

zt_node *zt_low_pass(zt_node *x, int axis, int64_t to, int64_t before, const zt_kaiser *k) {
    const zt_attr at = {.i = {[ZT_RESAMPLE_AXIS] = axis, [ZT_RESAMPLE_FROM] = axis >= 0 && axis < x->sh.n ? x->sh.d[axis] : 0,
                              [ZT_RESAMPLE_TO] = to, [ZT_RESAMPLE_RULE] = ZT_KAISER, [ZT_RESAMPLE_BEFORE] = before,
                              [ZT_RESAMPLE_KERNEL] = k->taps, [ZT_RESAMPLE_STRIDE] = k->down, [ZT_RESAMPLE_UP] = k->up},
                        .f = {k->cutoff, k->beta, k->gain}};
    return zt_emit1(x->g, &zt_def_resample, x, &at);
}

static zt_node *resample_dx(zt_node *dy, const zt_attr *at) { return zt_emit1(dy->g, &zt_def_resample_dx, dy, at); }

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err kaiser_ok(const zt_node *n) {
    const int64_t *i = n->at.i, kernel = i[ZT_RESAMPLE_KERNEL], stride = i[ZT_RESAMPLE_STRIDE], up = i[ZT_RESAMPLE_UP];
    const int64_t before = i[ZT_RESAMPLE_BEFORE], most = 4096, far = 1 << 24;
    const double cutoff = n->at.f[0], beta = n->at.f[1];
    if (kernel >= 1 && kernel <= most && stride >= 1 && stride <= most && up >= 1 && up <= most && before > -far &&
        before < far && cutoff > 0 && cutoff <= 0.5 && beta >= 0 && beta <= 100)
        return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: a low-pass filter of %lld taps, up %lld, down %lld, %lld before, cutoff %g, beta %g: want "
                   "counts of 1..4096, a cutoff in (0,0.5] and a beta in [0,100]", n->op->name, (long long)kernel, (long long)up,
                   (long long)stride, (long long)before, cutoff, beta);
}

/* A window of a mean that held pads only would be a mean of nothing. */
static zt_err windows_ok(const zt_node *n) {
    const int64_t *i = n->at.i, from = i[ZT_RESAMPLE_FROM], to = i[ZT_RESAMPLE_TO], before = i[ZT_RESAMPLE_BEFORE];
    const int64_t kernel = i[ZT_RESAMPLE_KERNEL], stride = i[ZT_RESAMPLE_STRIDE], most = 1 << 20;
    if (kernel >= 1 && kernel <= most && stride >= 1 && stride <= most && before < kernel && to >= 1 &&
        (to - 1) * stride - before < from)
        return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: means of %lld places, stride %lld, pad %lld before, over an axis of size %lld: windows must "
                   "fit and none may hold pads only", n->op->name, (long long)kernel, (long long)stride, (long long)before,
                   (long long)from);
}

static zt_err edges_ok(const zt_node *n) {
    const int64_t from = n->at.i[ZT_RESAMPLE_FROM], before = n->at.i[ZT_RESAMPLE_BEFORE];
    const int64_t after = n->at.i[ZT_RESAMPLE_TO] - from - before;
    const bool reflect = n->at.i[ZT_RESAMPLE_RULE] == ZT_REFLECT;
    if (after >= 0 && !(reflect && (before >= from || after >= from))) return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: pads of %lld before and %lld after an axis of size %lld: they may not be negative%s",
                   n->op->name, (long long)before, (long long)after, (long long)from,
                   reflect ? ", and reflection has at most size - 1 places to show" : "");
}

static zt_err resample_common(zt_node *n, int have, int make) {
    const int64_t *i = n->at.i, axis = i[ZT_RESAMPLE_AXIS], rule = i[ZT_RESAMPLE_RULE], most = INT32_MAX;
    zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    zt_shape sh = n->in[0]->sh;
    if (axis < 0 || axis >= sh.n || sh.d[axis] != i[have])
        return zt_fail(ZT_SHAPE, "%s: axis %lld of size %lld of a tensor of shape %s", n->op->name, (long long)axis,
                       (long long)i[have], zt_shape_text(&sh));
    if (i[ZT_RESAMPLE_FROM] > most || i[ZT_RESAMPLE_TO] > most || i[ZT_RESAMPLE_BEFORE] > most ||
        (i[ZT_RESAMPLE_BEFORE] < 0 && rule != ZT_KAISER))
        return zt_fail(ZT_SHAPE, "%s: from %lld to %lld places with a pad of %lld; each must be 0..2^31-1", n->op->name,
                       (long long)i[ZT_RESAMPLE_FROM], (long long)i[ZT_RESAMPLE_TO], (long long)i[ZT_RESAMPLE_BEFORE]);
    if (rule == ZT_MEAN || rule == ZT_MEAN_INSIDE) e = windows_ok(n);
    if (rule == ZT_REPLICATE || rule == ZT_REFLECT) e = edges_ok(n);
    if (rule == ZT_KAISER) e = kaiser_ok(n);
    sh.d[axis] = i[make];
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err resample_shape(zt_node *n) { return resample_common(n, ZT_RESAMPLE_FROM, ZT_RESAMPLE_TO); }
static zt_err resample_dx_shape(zt_node *n) { return resample_common(n, ZT_RESAMPLE_TO, ZT_RESAMPLE_FROM); }

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void resample_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = resample_dx(dy, &n->at); }
static void resample_dx_grad(zt_node *n, zt_node *d, zt_node **dx) { dx[0] = zt_emit1(d->g, &zt_def_resample, d, &n->at); }

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_node *resample_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 5), 4);
    const int axis = (int)zt_rng_int(r, 0, sh.n - 1);
    const zt_resample_rule rule = (zt_resample_rule)zt_rng_int(r, ZT_LINEAR, ZT_KAISER);
    sh.d[sh.n - 1] = zt_gen_size(r, zt_rng_int(r, 0, 9) ? 9 : 130); /* whole vectors of channels and what is left over */
    const int64_t from = sh.d[axis] = zt_gen_size(r, 12);
    zt_node *x = zt_gen_value(g, sh);
    if (rule <= ZT_CUBIC_SMOOTH) return resample(x, axis, zt_gen_size(r, 20), rule, 0, 1, 1);
    if (rule == ZT_MEAN || rule == ZT_MEAN_INSIDE) {
        const int64_t kernel = zt_rng_int(r, 1, from + 2), before = zt_rng_int(r, 0, kernel - 1), stride = zt_gen_size(r, 4);
        const int64_t most = (from + before - 1) / stride + 1; /* windows that start inside */
        return resample(x, axis, zt_rng_int(r, 1, most), rule, before, kernel, stride);
    }
    if (rule == ZT_KAISER) {
        const zt_kaiser k = {.taps = zt_gen_size(r, 9), .up = zt_gen_size(r, 4), .down = zt_gen_size(r, 4),
                             .cutoff = 0.05 * (double)zt_rng_int(r, 1, 10), .beta = (double)zt_rng_int(r, 0, 6), .gain = 2};
        return zt_low_pass(x, axis, zt_gen_size(r, 20), zt_rng_int(r, -3, 6), &k);
    }
    const int64_t room = rule == ZT_REFLECT ? from - 1 : 5, before = zt_rng_int(r, 0, room);
    return resample(x, axis, from + before + zt_rng_int(r, 0, room), rule, before, 1, 1);
}
static zt_node *resample_dx_gen(zt_graph *g, zt_rng *r) { /* the shape of dy comes from a resample that nothing needs */
    const zt_node *y = resample_gen(g, r);
    return resample_dx(zt_gen_value(g, y->sh), &y->at);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, text)                                                                                            \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = 1, .max_in = 1,            \
                                   .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad, .gen = op##_gen, .tol = 2e-6};
DEFINE(resample, "one axis from another by constant weights: interpolation, windowed means, padding by the edge, filters")
DEFINE(resample_dx, "its transpose: dy -> gradient of x")
#endif
