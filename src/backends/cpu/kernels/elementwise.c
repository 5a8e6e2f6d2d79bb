/* elementwise.c - element-wise kernels: one pass, loops the compiler vectorises, pieces of the flat range per thread. The output
 * may share the first input's storage (ZT_OPF_OVERWRITE): every loop reads element i before it writes element i, so no
 * pointer is `restrict` and `omp simd` is still right. */
#include "backends/cpu/kernels/word.h"

enum { CHUNK = 256 };                              /* elements on the way from and to bf16 */

/* ---- unary ------------------------------------------------------------------------------------------------------- */
typedef void map_fn(const float *x, float *y, int64_t n, const zt_attr *at);

static void map(const zt_node *n, map_fn *f) {
    const int64_t count = zt_numel(&n->sh);
    const int parts = k_parts(count);
    const stored x = stored_of(n->in[0]), y = stored_of(n);
    const int64_t most = x.half || y.half ? CHUNK : count;
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        float room[2][CHUNK];
        int64_t a, b;
        k_piece(count, 16, parts, s, &a, &b);
        for (; a < b; a += most) {
            const int64_t run = b - a < most ? b - a : most;
            float *to = y.half ? room[1] : (float *)y.x + a;
            f(widened(x, a, run, room[0]), to, run, &n->at);
            narrow(y, a, to, run);
        }
    }
}

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
    static void name##_map(const float *x, float *y, int64_t n, const zt_attr *at) { \
        const float f0 = (float)at->f[0], f1 = (float)at->f[1]; \
        (void)f0, (void)f1; \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) { const float a = x[i]; y[i] = (formula); } \
    } \
    static void name##_run(const zt_node *n, const zt_exec *e) { (void)e; map(n, name##_map); }
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

/* Elements [from, to) of the output: runs of the innermost merged axis. */
static void zip_range(const zt_node *n, zip_fns f, int axes, const int64_t *d, const int64_t *st, int64_t from, int64_t to) {
    const stored x = stored_of(n->in[0]), w = stored_of(n->in[1]), y = stored_of(n);
    const int64_t inner = d[axes - 1], step = st[axes - 1], most = x.half || w.half || y.half ? CHUNK : inner;
    float room[3][CHUNK];
    k_walk walk = k_walk_at(axes, d, st, from / inner);
    int64_t skip = from % inner;
    while (from < to) {
        int64_t run = inner - skip < to - from ? inner - skip : to - from;
        if (run > most) run = most;
        float *out = y.half ? room[2] : (float *)y.x + from;
        (step ? f.each : f.one)(widened(x, from, run, room[0]), widened(w, walk.off + skip * step, step ? run : 1, room[1]), out,
                                run, &n->at);
        narrow(y, from, out, run);
        from += run;
        skip += run;
        if (skip < inner) continue;
        skip = 0;
        k_walk_next(&walk);
    }
}

static void zip(const zt_node *n, zip_fns f) {
    int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM];
    const int axes = k_broadcast(&n->sh, &n->in[1]->sh, d, st);
    const int64_t count = zt_numel(&n->sh);
    const int parts = k_parts(count);
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(count, 16, parts, s, &a, &b);
        zip_range(n, f, axes, d, st, a, b);
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
    static void name##_run(const zt_node *n, const zt_exec *e) { (void)e; zip(n, (zip_fns){name##_each, name##_one}); }
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
static void choose(const float *cond, const float *a, const float *b, float *y, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float x = a[i], w = b[i];
        y[i] = cond[i] != 0 ? x : w;
    }
}
static void where_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const stored cond = stored_of(n->in[0]), a = stored_of(n->in[1]), b = stored_of(n->in[2]), y = stored_of(n);
    const int64_t count = zt_numel(&n->sh), most = cond.half || a.half || b.half || y.half ? CHUNK : count;
    const int parts = k_parts(count);
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        float room[4][CHUNK];
        int64_t from, to;
        k_piece(count, 16, parts, s, &from, &to);
        for (; from < to; from += most) {
            const int64_t run = to - from < most ? to - from : most;
            float *out = y.half ? room[3] : (float *)y.x + from;
            choose(widened(cond, from, run, room[0]), widened(a, from, run, room[1]), widened(b, from, run, room[2]), out, run);
            narrow(y, from, out, run);
        }
    }
}

#define ENTRY(name) {.op = ZT_OP_##name, .ok = HALF_OK, \
                     .kernel = {.run = name##_run, .writes_half = HALF_OK, .reads = READS_ALL}}
const zt_cpu_entry K(zt_k_elementwise)[] = {
    ENTRY(add), ENTRY(sub), ENTRY(mul), ENTRY(div), ENTRY(affine), ENTRY(neg), ENTRY(square), ENTRY(sqrt), ENTRY(exp),
    ENTRY(log), ENTRY(sigmoid), ENTRY(tanh), ENTRY(silu), ENTRY(silu_dx), ENTRY(gelu), ENTRY(gelu_dx), ENTRY(step),
    ENTRY(leaky_relu), ENTRY(leaky_relu_dx), ENTRY(softplus), ENTRY(erf), ENTRY(pow), ENTRY(sin), ENTRY(cos), ENTRY(abs),
    ENTRY(sign), ENTRY(floor), ENTRY(maximum), ENTRY(minimum), ENTRY(greater), ENTRY(where), {.op = -1}
};
