/* word.h - factors of products as 32-bit words: one f32, or (level bf16) two bf16 of neighbouring terms, the first in the low
 * half. A kernel written in words multiplies in either, since a word of A times a word of B is PAIR terms of the sum.
 *
 * Matrices come in two forms, zeros after the last row or column:
 *   rows   [rows][width/PAIR]         PAIR neighbours of a row in a word: for sums over the columns
 *   pairs  [ceil(rows/PAIR)][width]   the same column of PAIR rows in a word: for sums over the rows */
#ifndef ZT_CPU_WORD_H
#define ZT_CPU_WORD_H
#include "backends/cpu/kernels/kernel.h"

#if defined(ZT_LEVEL_bf16)
enum { PAIR = 2 };
typedef int32_t word;
typedef vi vw;
INLINE vw w_set(word a) { return a - (vw){0}; }
INLINE vf w_madd(vf sum, vw a, vw b) { return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b); }
INLINE float w_round(float a) { return k_bits((k_int(a) + 0x7fff + (k_int(a) >> 16 & 1)) & -0x10000); }
/* Words of lanes (lo[k], hi[k]). */
INLINE vw w_zip(vf lo, vf hi) {
    static const int16_t order[32] __attribute__((aligned(64))) = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                                                                   8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)hi, (__m512)lo);
    return (vw)_mm512_permutexvar_epi16(_mm512_load_si512(order), both);
}
/* VW neighbours as VW/2 words. */
INLINE void w_store_row(word *to, vf a) { _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)a)); }
#else
enum { PAIR = 1 };
typedef float word;
typedef vf vw;
INLINE vw w_set(word a) { return v_set(a); }
INLINE vf w_madd(vf sum, vw a, vw b) { return sum + a * b; }
INLINE float w_round(float a) { return a; }
INLINE void w_store_row(word *to, vf a) { v_store(to, a); }
#endif
INLINE vw w_load(const word *p) { vw r; memcpy(&r, p, sizeof r); return r; }
INLINE void w_store(word *p, vw a) { memcpy(p, &a, sizeof a); }
INLINE int64_t w_words(int64_t terms) { return (terms + PAIR - 1) / PAIR; }

/* The first n < VW floats; zeros after them. */
INLINE vf v_load_n(const float *p, int64_t n) {
#if defined(ZT_LEVEL_v4)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float a[VW] = {0};
    for (int64_t k = 0; k < n; k++) a[k] = p[k];
    return v_load(a);
#endif
}

/* ---- results that are stored as bf16 (node->half) -------------------------------------------------------------------- */
typedef uint16_t half;
#if defined(ZT_LEVEL_bf16)
/* At this level kernels take nodes that multiply in bf16, and can store so. */
static inline __attribute__((unused)) bool h_ok(const zt_node *n) { return n->multiply == ZT_BF16; }
#define HALF_OK h_ok
/* What they read: the first input, the first two, all of them in either type. */
static inline __attribute__((unused)) zt_reads h_reads_first(const zt_node *n, int k) {
    (void)n;
    return k < 1 ? ZT_READS_EITHER : ZT_READS_F32;
}
static inline __attribute__((unused)) zt_reads h_reads_two(const zt_node *n, int k) {
    (void)n;
    return k < 2 ? ZT_READS_EITHER : ZT_READS_F32;
}
static inline __attribute__((unused)) zt_reads h_reads_all(const zt_node *n, int k) {
    (void)n, (void)k;
    return ZT_READS_EITHER;
}
#define READS_FIRST h_reads_first
#define READS_FIRST_TWO h_reads_two
#define READS_ALL h_reads_all
INLINE void h_store(half *p, vf a) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh((__m512)a)); }
INLINE void h_store_n(half *p, vf a, int64_t n) {
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), (__m256i)_mm512_cvtneps_pbh((__m512)a));
}
INLINE vi h_load(const half *p) { return (vi)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
INLINE vi h_load_n(const half *p, int64_t n) {
    return (vi)_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p));
}
#else
#define HALF_OK NULL
#define READS_FIRST NULL
#define READS_FIRST_TWO NULL
#define READS_ALL NULL
#endif

/* The elements of a tensor, f32 or bf16: at other levels than bf16 always f32, and what asks for the type is left out. */
typedef struct stored { void *x; bool half; } stored;
INLINE stored stored_of(const zt_node *n) { return (stored){n->x, n->half}; }
/* VW of them from number `at` on; n < VW of them (zeros behind); one. */
INLINE vf get(stored s, int64_t at) {
#if defined(ZT_LEVEL_bf16)
    if (s.half) return (vf)(h_load((const half *)s.x + at) << 16);
#endif
    return v_load((const float *)s.x + at);
}
INLINE vf get_n(stored s, int64_t at, int64_t n) {
#if defined(ZT_LEVEL_bf16)
    if (s.half) return (vf)(h_load_n((const half *)s.x + at, n) << 16);
#endif
    return v_load_n((const float *)s.x + at, n);
}
INLINE float get_one(stored s, int64_t at) {
    return s.half ? k_bits((int32_t)((uint32_t)((const half *)s.x)[at] << 16)) : ((const float *)s.x)[at];
}
INLINE void put(stored s, int64_t at, vf a) {
#if defined(ZT_LEVEL_bf16)
    if (s.half) {
        h_store((half *)s.x + at, a);
        return;
    }
#endif
    v_store((float *)s.x + at, a);
}
INLINE void put_one(stored s, int64_t at, float a) {
    if (s.half) ((half *)s.x)[at] = (half)((uint32_t)k_int(w_round(a)) >> 16);
    else ((float *)s.x)[at] = a;
}
/* n of them as floats: where they are, or widened in room[n]. */
static __attribute__((unused)) const float *widened(stored s, int64_t at, int64_t n, float *room) {
    if (!s.half) return (const float *)s.x + at;
    int64_t k = 0;
    for (; k + VW <= n; k += VW) v_store(room + k, get(s, at + k));
    for (; k < n; k++) room[k] = get_one(s, at + k);
    return room;
}
/* y[0..n) to where they belong, unless that is where they are. */
static __attribute__((unused)) void narrow(stored s, int64_t at, const float *y, int64_t n) {
    if (!s.half && y == (const float *)s.x + at) return;
    int64_t k = 0;
    for (; k + VW <= n; k += VW) put(s, at + k, v_load(y + k));
    for (; k < n; k++) put_one(s, at + k, y[k]);
}

/* n columns of rows that lie `row` elements apart from number `at` on, times `scale`, in form `rows`; width: n rounded up to
 * whole vectors. */
static __attribute__((unused)) void w_rows(word *to, stored from, int64_t at, int64_t row, int64_t rows, int64_t n,
                                           int64_t width, float scale) {
    const vf f = v_set(scale);
    for (int64_t r = 0; r < rows; r++, at += row, to += width / PAIR) {
        int64_t c = 0;
        for (; c + VW <= n; c += VW) w_store_row(to + c / PAIR, get(from, at + c) * f);
        if (c < n) w_store_row(to + c / PAIR, get_n(from, at + c, n - c) * f);
    }
}
/* The same in form `pairs`. */
static __attribute__((unused)) void w_pairs(word *to, stored from, int64_t at, int64_t row, int64_t rows, int64_t n,
                                            int64_t width) {
#if defined(ZT_LEVEL_bf16)
    for (int64_t r = 0; r < rows; r += 2, at += 2 * row, to += width) {
        const bool both = r + 1 < rows;
        const half *h = (const half *)from.x + at;
        int64_t c = 0;
        for (; from.half && c + VW <= n; c += VW) w_store(to + c, h_load(h + c) | (both ? h_load(h + row + c) << 16 : (vi){0}));
        for (; c + VW <= n; c += VW) w_store(to + c, w_zip(get(from, at + c), both ? get(from, at + row + c) : v_set(0)));
        if (c < n) w_store(to + c, w_zip(get_n(from, at + c, n - c), both ? get_n(from, at + row + c, n - c) : v_set(0)));
    }
#else
    w_rows(to, from, at, row, rows, n, width, 1);
#endif
}
#endif
