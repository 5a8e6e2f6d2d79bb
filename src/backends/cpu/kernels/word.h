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

/* The first n < VW floats; zeros after them. Store: the first n < VW. */
INLINE vf v_load_n(const float *p, int64_t n) {
#if defined(ZT_LEVEL_v4)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float a[VW] = {0};
    for (int64_t k = 0; k < n; k++) a[k] = p[k];
    return v_load(a);
#endif
}
INLINE void v_store_n(float *p, vf a, int64_t n) {
#if defined(ZT_LEVEL_v4)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)a);
#else
    for (int64_t k = 0; k < n; k++) p[k] = a[k];
#endif
}

/* n columns of rows that lie `row` floats apart, times `scale`, in form `rows`; width: n rounded up to whole vectors. */
static __attribute__((unused)) void w_rows(word *to, const float *from, int64_t row, int64_t rows, int64_t n, int64_t width,
                                           float scale) {
    const vf f = v_set(scale);
    for (int64_t r = 0; r < rows; r++, from += row, to += width / PAIR) {
        int64_t c = 0;
        for (; c + VW <= n; c += VW) w_store_row(to + c / PAIR, v_load(from + c) * f);
        if (c < n) w_store_row(to + c / PAIR, v_load_n(from + c, n - c) * f);
    }
}

#if defined(ZT_LEVEL_bf16)
/* Results that are stored as bf16 (node->half). At this level kernels take nodes that multiply in bf16, and can store so. */
static inline __attribute__((unused)) bool h_ok(const zt_node *n) { return n->multiply == ZT_BF16; }
#define HALF_OK h_ok
typedef uint16_t half;
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
#endif

/* The same in form `pairs`. */
static __attribute__((unused)) void w_pairs(word *to, const float *from, int64_t row, int64_t rows, int64_t n, int64_t width) {
#if defined(ZT_LEVEL_bf16)
    for (int64_t r = 0; r < rows; r += 2, from += 2 * row, to += width) {
        const float *next = from + row;
        const bool both = r + 1 < rows;
        int64_t c = 0;
        for (; c + VW <= n; c += VW) w_store(to + c, w_zip(v_load(from + c), both ? v_load(next + c) : v_set(0)));
        if (c < n) w_store(to + c, w_zip(v_load_n(from + c, n - c), both ? v_load_n(next + c, n - c) : v_set(0)));
    }
#else
    w_rows(to, from, row, rows, n, width, 1);
#endif
}
#if defined(ZT_LEVEL_bf16)
/* w_pairs of rows that are bf16 already. */
static __attribute__((unused)) void w_pairs_half(word *to, const half *from, int64_t row, int64_t rows, int64_t n,
                                                 int64_t width) {
    for (int64_t r = 0; r < rows; r += 2, from += 2 * row, to += width) {
        const half *next = from + row;
        const bool both = r + 1 < rows;
        int64_t c = 0;
        for (; c + VW <= n; c += VW) w_store(to + c, h_load(from + c) | (both ? h_load(next + c) << 16 : (vi){0}));
        if (c < n) w_store(to + c, h_load_n(from + c, n - c) | (both ? h_load_n(next + c, n - c) << 16 : (vi){0}));
    }
}
#endif
#endif
