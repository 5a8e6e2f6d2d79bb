/* kernel.h - what every kernel file uses: level names, vectors, fast exp, splitting of work. Each file of this folder is
 * compiled once per processor level, so everything here is static and K() gives exported names their level.
 *
 * Vectors are GCC vector extensions of the level's width (VW floats); the few operations without an operator go through
 * intrinsics. exp and log: range reduction and polynomials after Cephes (Moshier), errors near 2e-7 relative. */
#ifndef ZT_CPU_KERNEL_H
#define ZT_CPU_KERNEL_H
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "backends/cpu/cpu.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ZT_CAT_(a, b) a##_##b
#define ZT_CAT(a, b) ZT_CAT_(a, b)
#define K(name) ZT_CAT(name, ZT_LEVEL)
#define ZT_TEXT_(a) #a
#define ZT_TEXT(a) ZT_TEXT_(a)
#define K_NAME(file) file "/" ZT_TEXT(ZT_LEVEL)      /* of a kernel that has rivals */
#define INLINE static inline __attribute__((always_inline, unused))

#if defined(ZT_LEVEL_v4)
enum { VW = 16 };
#elif defined(ZT_LEVEL_v3)
enum { VW = 8 };
#else
enum { VW = 4 };
#endif
typedef float vf __attribute__((vector_size(VW * 4)));
typedef int32_t vi __attribute__((vector_size(VW * 4)));

INLINE vf v_set(float a) { return a - (vf){0}; }
INLINE vf v_load(const float *p) { vf r; memcpy(&r, p, sizeof r); return r; }
INLINE void v_store(float *p, vf a) { memcpy(p, &a, sizeof a); }
#if defined(ZT_LEVEL_v4)
INLINE vf v_max(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vf v_min(vf a, vf b) { return (vf)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE vf v_round(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, 8); }
#elif defined(ZT_LEVEL_v3)
INLINE vf v_max(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE vf v_min(vf a, vf b) { return (vf)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE vf v_round(vf a) { return (vf)_mm256_round_ps((__m256)a, 8); }
#else
INLINE vf v_max(vf a, vf b) { const vi m = a > b; return (vf)((m & (vi)a) | (~m & (vi)b)); }
INLINE vf v_min(vf a, vf b) { const vi m = a < b; return (vf)((m & (vi)a) | (~m & (vi)b)); }
INLINE vf v_round(vf a) {
    const vi sign = (vi)a & ((vi){0} + INT32_MIN);
    return __builtin_convertvector(__builtin_convertvector(a + (vf)(sign | ((vi){0} + 0x3f000000)), vi), vf);
}
#endif

/* 2^x, x clamped to [-126, 126]; a NaN stays one (it is the second operand of max and min). */
INLINE vf v_exp2(vf x) {
    x = v_min(v_set(126), v_max(v_set(-126), x));
    const vf n = v_round(x), r = x - n;
    vf p = r * 1.535336188e-4f + 1.339887440e-3f;
    p = p * r + 9.618437357e-3f;
    p = p * r + 5.550332471e-2f;
    p = p * r + 2.402264791e-1f;
    p = p * r + 6.931472028e-1f;
    p = p * r + 1.0f;
    return p * (vf)((__builtin_convertvector(n, vi) + 127) << 23);
}
INLINE vf v_sigmoid(vf x) { return 1.0f / (1.0f + v_exp2(x * -1.44269504f)); }
INLINE float v_sum(vf a) {
    float s[VW], t = 0;
    memcpy(s, &a, sizeof s);
    for (int w = VW / 2; w; w /= 2)
        for (int k = 0; k < w; k++) s[k] += s[k + w];
    t = s[0];
    return t;
}

/* Scalar forms for loops that the compiler vectorises. */
INLINE float k_rint(float x) {
#if defined(ZT_LEVEL_v4) || defined(ZT_LEVEL_v3)
    return rintf(x);
#else
    return (float)(int)(x + (x < 0 ? -0.5f : 0.5f));
#endif
}
INLINE float k_bits(int32_t b) { float f; memcpy(&f, &b, 4); return f; }
INLINE int32_t k_int(float f) { int32_t b; memcpy(&b, &f, 4); return b; }
/* e^x for x in [-87.3, 88.3]; outside, the value at the end. */
INLINE float k_exp(float x) {
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.3f ? 88.3f : x;
    const float n = k_rint(x * 1.44269504f);
    const float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * k_bits((int32_t)((uint32_t)((int32_t)n + 127) << 23));
}
INLINE float k_sigmoid(float x) { return 1.0f / (1.0f + k_exp(-x)); }
/* sin x and cos x by reduction to [-pi/4, pi/4] (in f64: angles reach thousands) and Cephes' polynomials. */
INLINE void k_sin_cos(float x, float *sine, float *cosine) {
    const float turns = k_rint(x * 0.636619772f);
    const float r = (float)((double)x - (double)turns * 1.57079632679489662), z = r * r;
    const int32_t q = (int32_t)turns;
    float s = z * -1.9515295891e-4f + 8.3321608736e-3f, c = z * 2.443315711809948e-5f - 1.388731625493765e-3f;
    s = (s * z - 1.6666654611e-1f) * z * r + r;
    c = (c * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1;
    const float a = q & 1 ? c : s, b = q & 1 ? s : c;
    *sine = q & 2 ? -a : a;
    *cosine = (q + 1) & 2 ? -b : b;
}
/* Largest of x[0..n); NaNs are passed over. */
INLINE float k_row_max(const float *x, int64_t n) {
    float most = -INFINITY;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
    if (most > -FLT_MAX) return most;
    most = -INFINITY;                                    /* clang's lanes start at -FLT_MAX: was it really there? */
    for (int64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* How `small` (broadcasting to `big`, aligned at the last axis) is walked: merged axes d[] and its strides st[], 0 where it
 * broadcasts. Returns their number, at least 1; the last stride is 0 or 1. */
INLINE int k_broadcast(const zt_shape *big, const zt_shape *small, int64_t d[ZT_MAX_DIM], int64_t st[ZT_MAX_DIM]) {
    int64_t size[ZT_MAX_DIM] = {1}, stride[ZT_MAX_DIM] = {1}, run = 1;
    int n = 0;
    for (int k = big->n - 1; k >= 0; k--) {              /* from the last axis; [0] is the innermost */
        const int j = k - (big->n - small->n);
        const int64_t sd = j >= 0 ? small->d[j] : 1;
        const int64_t here = sd == 1 && big->d[k] != 1 ? 0 : run;
        run *= sd;
        if (big->d[k] == 1) continue;
        if (n && here == stride[n - 1] * size[n - 1]) size[n - 1] *= big->d[k];
        else {
            size[n] = big->d[k];
            stride[n++] = here;
        }
    }
    if (!n) n = 1;
    for (int k = 0; k < n; k++) {
        d[k] = size[n - 1 - k];
        st[k] = stride[n - 1 - k];
    }
    return n;
}
/* A position in such a walk: element index split over the axes before the last, with the small tensor's offset. */
typedef struct k_walk { int n; const int64_t *d, *st; int64_t at[ZT_MAX_DIM], off; } k_walk;
INLINE k_walk k_walk_at(int n, const int64_t *d, const int64_t *st, int64_t row) {
    k_walk w = {.n = n - 1, .d = d, .st = st};
    for (int k = n - 2; k >= 0; k--) {
        w.at[k] = row % d[k];
        w.off += w.at[k] * st[k];
        row /= d[k];
    }
    return w;
}
INLINE void k_walk_next(k_walk *w) {
    for (int k = w->n - 1; k >= 0; k--) {
        w->off += w->st[k];
        if (++w->at[k] < w->d[k]) return;
        w->off -= w->st[k] * w->d[k];
        w->at[k] = 0;
    }
}

/* dst[c*ldd + r] = src[r*lds + c], in 4 x 4 blocks. */
typedef float k_v4 __attribute__((vector_size(16)));
INLINE void k_transpose4(float *dst, int64_t ldd, const float *src, int64_t lds) {
    k_v4 a, b, c, d;
    memcpy(&a, src, 16);
    memcpy(&b, src + lds, 16);
    memcpy(&c, src + 2 * lds, 16);
    memcpy(&d, src + 3 * lds, 16);
    const k_v4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const k_v4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    b = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    c = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
    d = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
    memcpy(dst, &a, 16);
    memcpy(dst + ldd, &b, 16);
    memcpy(dst + 2 * ldd, &c, 16);
    memcpy(dst + 3 * ldd, &d, 16);
}
static __attribute__((unused)) void k_transpose(float *dst, int64_t ldd, const float *src, int64_t lds, int64_t rows,
                                                int64_t cols) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        int64_t c = 0;
        for (; c + 4 <= cols; c += 4) k_transpose4(dst + c * ldd + r, ldd, src + r * lds + c, lds);
        for (; c < cols; c++)
            for (int k = 0; k < 4; k++) dst[c * ldd + r + k] = src[(r + k) * lds + c];
    }
    for (; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) dst[c * ldd + r] = src[r * lds + c];
}

/* y[0..n) of a product's result become those of node->then, where the plan wants that (zt_kernel.folds). */
INLINE zt_tile *k_then(const zt_node *n) { return n->then ? zt_cpu_find(n->then)->tile : NULL; }
INLINE void k_apply(zt_tile *then, const zt_node *n, float *y, int64_t count) {
    if (then) then(n->then, (const float *const[]){y}, y, 0, count);
}
static __attribute__((unused)) bool k_folds_any(const zt_node *n, const zt_node *then) {
    (void)n, (void)then;
    return true;
}

/* Piece s of `parts` of 0..n, cut at multiples of `step`. */
INLINE void k_piece(int64_t n, int64_t step, int parts, int s, int64_t *from, int64_t *to) {
    const int64_t u = (n + step - 1) / step;
    *from = u * s / parts * step;
    *to = u * (s + 1) / parts * step;
    if (*to > n) *to = n;
}
/* Output positions p in [*from, *to) of [lo, hi) whose input p*stride + off lies in 0..in-1. */
INLINE void k_inside(int64_t in, int64_t stride, int64_t off, int64_t lo, int64_t hi, int64_t *from, int64_t *to) {
    const int64_t first = off < 0 ? (stride - 1 - off) / stride : 0, room = in - 1 - off;
    const int64_t end = room < 0 ? 0 : room / stride + 1;
    *from = first > lo ? first : lo;
    *to = end < hi ? end : hi;
}
/* How many pieces are worth starting threads for: one per 16k elements of light work. */
INLINE int k_parts(int64_t n) {
    const int64_t p = n / 16384 + 1, s = zt_cpu_slots();
    return (int)(p < s ? p : s);
}
#endif
