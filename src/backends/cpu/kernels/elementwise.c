/* elementwise.c - element-wise kernels, and running them: one alone, or a chain of them tile by tile, so that what lies between
 * stays in the first cache. Loops the compiler vectorises, pieces of the flat range per thread. The output may share storage with
 * an input of its shape (ZT_OPF_OVERWRITE): every loop reads element i before it writes element i, so no pointer is `restrict`
 * and `omp simd` is still right. */
#include "backends/cpu/kernels/word.h"

/* TILE: elements of a result of a chain, and on the way from and to bf16; SHORT: runs that are not worth a call each. */
enum { TILE = 1024, SHORT = 16 };

/* ---- running ------------------------------------------------------------------------------------------------------- */

/* What one piece works with: results of the links, and inputs that are stored as bf16. */
typedef struct rooms { float result[ZT_CHAIN_MAX][TILE], wide[3][TILE]; } rooms;

/* Input k of a link from element `at` on. */
static const float *input(const zt_link *l, int k, int64_t at, int64_t n, rooms *r) {
    const zt_node *x = l->node->in[k];
    if (l->in[k] >= 0) return r->result[l->in[k]];
    if (!zt_same_shape(&x->sh, &l->node->sh)) return x->x;
    return widened(stored_of(x), at, n, r->wide[k]);
}
static void round_all(float *x, int64_t n) {         /* as if stored as bf16 and read again */
    half h[TILE];
    narrow((stored){h, true}, 0, x, n);
    (void)widened((stored){h, true}, 0, n, x);
}
static bool all_finite(const float *x, int64_t n) {
    bool ok = true;
    for (int64_t k = 0; k < n; k++) ok = ok && isfinite(x[k]);
    return ok;
}
/* Elements [at, at + n) of all links; the first of them, below `bad`, that is not finite there, or `bad`. */
static int tile_run(const zt_chain *c, int64_t at, int64_t n, rooms *r, bool check, int bad) {
    for (int j = 0; j < c->n; j++) {
        const zt_link *l = &c->link[j];
        const bool last = j == c->n - 1;
        const float *in[3];
        for (int k = 0; k < l->node->n_in; k++) in[k] = input(l, k, at, n, r);
        float *y = last && !l->node->half ? (float *)l->node->x + at : r->result[j];
        l->kernel->tile(l->node, in, y, at, n);
        if (last) narrow(stored_of(l->node), at, y, n);
        else if (l->node->half) round_all(y, n);
        if (check && j < bad && !all_finite(y, n)) bad = j;
    }
    return bad;
}
int K(zt_chain_run)(const zt_chain *c, bool check) {
    const zt_node *last = c->link[c->n - 1].node;
    const int64_t count = zt_numel(&last->sh);
    const int parts = k_parts(count);
    bool whole = c->n == 1 && !last->half;          /* nothing needs room */
    for (int k = 0; k < last->n_in; k++) whole = whole && !last->in[k]->half;
    int bad = c->n;
#pragma omp parallel for schedule(static, 1) reduction(min : bad) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        rooms r;
        int64_t a, b;
        k_piece(count, 16, parts, s, &a, &b);
        for (int64_t n; a < b; a += n) {
            n = whole || b - a < TILE ? b - a : TILE;
            bad = tile_run(c, a, n, &r, check, bad);
        }
    }
    return bad < c->n ? bad : -1;
}
static void alone(const zt_node *n, zt_tile *tile) {
    const zt_kernel kernel = {.tile = tile};
    zt_link link = {(zt_node *)n, &kernel, {-1, -1, -1}};
    K(zt_chain_run)(&(zt_chain){1, &link}, false);
}
/* The kernel of one op, from its tile. */
#define RUN(name) \
    static void name##_run(const zt_node *n, const zt_exec *e) { (void)e; alone(n, name##_tile); }

/* ---- unary ------------------------------------------------------------------------------------------------------- */
INLINE float f_log(float x) {                       /* Cephes logf: x = m 2^e, m in [sqrt(1/2), sqrt(2)) */
    const int32_t b = k_int(x);
    float e = (float)(((b >> 23) & 255) - 126), m = k_bits((b & 0x7fffff) | 0x3f000000);
    const bool low = m < 0.707106781f;
    e = low ? e - 1 : e;
    m = (low ? m + m : m) - 1;
    float p = m * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    const float z = m * m;
    float y = p * m * z - 0.5f * z + m + e * 0.693147181f;
    y = x < 1.17549435e-38f ? -INFINITY : y;        /* zero; numbers this small count as zero */
    y = x < 0 ? NAN : y;
    return x <= 3.4e38f ? y : x;                    /* infinity and NaN */
}
INLINE float f_exp(float x) { const float h = k_exp(0.5f * x); return h * h; }    /* halves: full range without inf - inf */
INLINE float f_tanh(float x) { return 1 - 2 / (1 + k_exp(2 * x)); }
/* gelu(x) = x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
INLINE float gelu_2u(float x) { return 1.5957691216f * x * (1 + 0.044715f * x * x); }
INLINE float f_gelu(float x) { return x * k_sigmoid(gelu_2u(x)); }
INLINE float d_gelu(float x) {
    const float s = k_sigmoid(gelu_2u(x));
    return s + x * s * (1 - s) * 1.5957691216f * (1 + 3 * 0.044715f * x * x);
}
INLINE float f_log1p(float z) {                     /* of z in [0,1]: 2 artanh(s), s = z/(2 + z) <= 1/3 */
    const float s = z / (2 + z), q = s * s;
    float p = q * (1.0f / 13) + 1.0f / 11;
    p = p * q + 1.0f / 9;
    p = p * q + 1.0f / 7;
    p = p * q + 1.0f / 5;
    p = p * q + 1.0f / 3;
    return 2 * s * (p * q + 1);
}
INLINE float f_softplus(float x) { return (x > 0 ? x : 0) + f_log1p(k_exp(x > 0 ? -x : x)); }
INLINE float f_erf(float x) {                       /* Taylor series below 1; above, 1 - e^p with p fitted to ln erfc on [1,4] */
    const float q = x * x, size = fabsf(x), a = size > 4 ? 4 : size;
    float t = q * (-1.0f / 6894720) + 1.0f / 685440;
    t = t * q - 1.0f / 75600;
    t = t * q + 1.0f / 9360;
    t = t * q - 1.0f / 1320;
    t = t * q + 1.0f / 216;
    t = t * q - 1.0f / 42;
    t = t * q + 1.0f / 10;
    t = t * q - 1.0f / 3;
    float p = a * -0.0011504609f + 0.0147784082f;
    p = p * a - 0.0886350125f;
    p = p * a - 0.6544877291f;
    p = p * a - 1.1174392700f;
    p = p * a - 0.0026714732f;
    const float far = 1 - k_exp(p);
    return size < 1 ? 1.1283791671f * x * (t * q + 1) : x < 0 ? -far : far;
}
INLINE float f_sin(float x) { float s, c; k_sin_cos(x, &s, &c); return s; }
INLINE float f_cos(float x) { float s, c; k_sin_cos(x, &s, &c); return c; }
INLINE float d_silu(float x) { const float s = k_sigmoid(x); return s * (1 + x * (1 - s)); }

#define UNARY(name, formula) \
    static void name##_tile(const zt_node *n, const float *const *in, float *y, int64_t from, int64_t count) { \
        const float f0 = (float)n->at.f[0], f1 = (float)n->at.f[1], *x = in[0]; \
        (void)f0, (void)f1, (void)from; \
        _Pragma("omp simd") for (int64_t i = 0; i < count; i++) { const float a = x[i]; y[i] = (formula); } \
    } \
    RUN(name)
UNARY(affine, a * f0 + f1)
UNARY(neg, -a)
UNARY(square, a * a)
UNARY(sqrt, sqrtf(a))
UNARY(exp, f_exp(a))
UNARY(log, f_log(a))
UNARY(sigmoid, k_sigmoid(a))
UNARY(tanh, f_tanh(a))
UNARY(silu, a * k_sigmoid(a))
UNARY(gelu, f_gelu(a))
UNARY(leaky_relu, a > 0 ? a : a * f0)
UNARY(softplus, f_softplus(a))
UNARY(erf, f_erf(a))
UNARY(pow, f_exp(f0 * f_log(a)))
UNARY(sin, f_sin(a))
UNARY(cos, f_cos(a))
UNARY(abs, fabsf(a))
UNARY(sign, a > 0 ? 1.0f : a < 0 ? -1.0f : 0.0f)
UNARY(floor, floorf(a))
UNARY(step, a > 0 ? 1.0f : 0.0f)

/* ---- binary ------------------------------------------------------------------------------------------------------ */
typedef void zip_fn(const float *x, const float *w, float *y, int64_t n, const zt_attr *at);
typedef struct zip_fns { zip_fn *each, *one; } zip_fns;          /* w per element; one w for all */

/* What w is for elements [from, from + count), where each of w counts for a run (of length `inner`), or w for every run. */
static void spread(const float *w, bool each_run, int64_t from, int64_t inner, float *wide, int64_t count) {
    int64_t k = from % inner, i = 0;
    if (!each_run) {                                            /* the first runs, then copies of what is there */
        for (; i < count && i < 16 * inner; i++, k = k + 1 < inner ? k + 1 : 0) wide[i] = w[k];
        for (int64_t n; i < count; i += n) {
            n = i < count - i ? i : count - i;
            memcpy(wide + i, wide, (size_t)n * sizeof *wide);
        }
        return;
    }
    const float *at = w + from / inner;
    if (k) for (const float one = *at++; i < count && k < inner; i++, k++) wide[i] = one;
    if (inner == 3)                                             /* colours */
        for (; i + 3 <= count; i += 3, at++) wide[i] = wide[i + 1] = wide[i + 2] = *at;
    for (; i < count; at++)
        for (const int64_t end = i + inner < count ? i + inner : count; i < end; i++) wide[i] = *at;
}

static void zip(const zt_node *n, zip_fns f, const float *const *in, float *y, int64_t from, int64_t count) {
    int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM];
    const int axes = k_broadcast(&n->sh, &n->in[1]->sh, d, st);
    const int64_t inner = d[axes - 1], step = st[axes - 1];     /* runs of the innermost merged axis */
    if (axes == 1) {
        (step ? f.each : f.one)(in[0], in[1] + (zt_same_shape(&n->in[1]->sh, &n->sh) ? 0 : from * step), y, count, &n->at);
        return;
    }
    if (axes == 2 && inner < SHORT) {
        float wide[TILE];
        for (int64_t at = 0, run; at < count; at += run) {
            run = count - at < TILE ? count - at : TILE;
            spread(in[1], !step, from + at, inner, wide, run);
            f.each(in[0] + at, wide, y + at, run, &n->at);
        }
        return;
    }
    k_walk walk = k_walk_at(axes, d, st, from / inner);
    int64_t skip = from % inner;
    for (int64_t at = 0, run; at < count; at += run) {
        run = inner - skip < count - at ? inner - skip : count - at;
        (step ? f.each : f.one)(in[0] + at, in[1] + walk.off + skip * step, y + at, run, &n->at);
        skip += run;
        if (skip < inner) continue;
        skip = 0;
        k_walk_next(&walk);
    }
}

#define BINARY(name, formula) \
    static void name##_each(const float *x, const float *w, float *y, int64_t n, const zt_attr *at) { \
        const float f0 = (float)at->f[0]; \
        (void)f0; \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) { const float a = x[i], b = w[i]; y[i] = (formula); } \
    } \
    static void name##_one(const float *x, const float *w, float *y, int64_t n, const zt_attr *at) { \
        const float b = *w, f0 = (float)at->f[0]; \
        (void)f0; \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) { const float a = x[i]; y[i] = (formula); } \
    } \
    static void name##_tile(const zt_node *n, const float *const *in, float *y, int64_t from, int64_t count) { \
        zip(n, (zip_fns){name##_each, name##_one}, in, y, from, count); \
    } \
    RUN(name)
BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a * b)
BINARY(div, a / b)
BINARY(silu_dx, a * d_silu(b))         /* a: dy, b: x, same shape */
BINARY(gelu_dx, a * d_gelu(b))
BINARY(leaky_relu_dx, b > 0 ? a : a * f0)
BINARY(maximum, a < b ? b : a)         /* a NaN of a stays, here and below */
BINARY(minimum, a > b ? b : a)
BINARY(greater, a > b ? 1.0f : 0.0f)

/* ---- choice ------------------------------------------------------------------------------------------------------ */
static void where_tile(const zt_node *n, const float *const *in, float *y, int64_t from, int64_t count) {
    (void)n, (void)from;
    const float *cond = in[0], *a = in[1], *b = in[2];
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        const float x = a[i], w = b[i];
        y[i] = cond[i] != 0 ? x : w;
    }
}
RUN(where)

#if defined(ZT_LEVEL_bf16)
/* Inputs of the result's shape in either type; small ones that are broadcast in f32. */
static zt_reads reads(const zt_node *n, int k) {
    return zt_same_shape(&n->in[k]->sh, &n->sh) ? ZT_READS_EITHER : ZT_READS_F32;
}
#define READS reads
#else
#define READS NULL
#endif
#define ENTRY(name) \
    { \
        .op = ZT_OP_##name, .ok = HALF_OK, .kernel = { \
            .run = name##_run, \
            .tile = name##_tile, \
            .writes_half = HALF_OK, \
            .reads = READS \
        } \
    }
const zt_cpu_entry K(zt_k_elementwise)[] = {
    ENTRY(add), ENTRY(sub), ENTRY(mul), ENTRY(div), ENTRY(affine), ENTRY(neg), ENTRY(square), ENTRY(sqrt), ENTRY(exp),
    ENTRY(log), ENTRY(sigmoid), ENTRY(tanh), ENTRY(silu), ENTRY(silu_dx), ENTRY(gelu), ENTRY(gelu_dx), ENTRY(step),
    ENTRY(leaky_relu), ENTRY(leaky_relu_dx), ENTRY(softplus), ENTRY(erf), ENTRY(pow), ENTRY(sin), ENTRY(cos), ENTRY(abs),
    ENTRY(sign), ENTRY(floor), ENTRY(maximum), ENTRY(minimum), ENTRY(greater), ENTRY(where), {.op = -1}
};
