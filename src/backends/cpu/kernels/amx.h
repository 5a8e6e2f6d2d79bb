/* amx.h - products of level amx: tile registers of 16 rows of 16 words (word.h), C [16][16] += A [16][16 words] B [16 words][16].
 * Intel, "Architecture Instruction Set Extensions Programming Reference" (319433), chapter 3.
 *
 * A block of sums is up to 2 x 2 tiles (0 to 3), which takes two tiles of A (4, 5) and two of B (6, 7) at a time: a load for
 * each product. Strides are in words. A thread calls t_open before the first and t_close after the last of these functions,
 * with no call of oneDNN between them, which has settings of its own.
 *
 * ZT_AMX_EMULATED: the same instructions one by one, for tests on processors without them (level amx_emulated). */
#ifndef ZT_CPU_AMX_H
#define ZT_CPU_AMX_H
#include "backends/cpu/kernels/word.h"

#if !defined(ZT_LEVEL_amx)
INLINE void t_open(void) {}
INLINE void t_close(void) {}
#else
enum { T = 16 };                                       /* rows of a tile, and words of a row */
INLINE int64_t t_whole(int64_t n) { return (n + T - 1) / T * T; }

#if defined(ZT_AMX_EMULATED)
static _Thread_local word t_register[8][T][T];
INLINE void t_open(void) {}
INLINE void t_close(void) {}
static void t_load_at(int t, const word *p, int64_t stride) {
    for (int r = 0; r < T; r++) memcpy(t_register[t][r], p + r * stride, sizeof t_register[t][r]);
}
static void t_store_at(int t, word *p, int64_t stride) {
    for (int r = 0; r < T; r++) memcpy(p + r * stride, t_register[t][r], sizeof t_register[t][r]);
}
static void t_dot_of(int c, int a, int b) {
    for (int r = 0; r < T; r++) {
        vf sum;
        memcpy(&sum, t_register[c][r], sizeof sum);
        for (int k = 0; k < T; k++) sum = w_madd(sum, w_set(t_register[a][r][k]), w_load(t_register[b][k]));
        memcpy(t_register[c][r], &sum, sizeof sum);
    }
}
#define T_ZERO(t)             memset(t_register[t], 0, sizeof t_register[t])
#define T_LOAD(t, p, stride)  t_load_at(t, (const word *)(p), stride)
#define T_STORE(t, p, stride) t_store_at(t, (word *)(p), stride)
#define T_DOT(c, a, b)        t_dot_of(c, a, b)
#else
INLINE void t_open(void) {
    const struct { uint8_t palette, start, zero[14]; uint16_t bytes[16]; uint8_t rows[16]; } settings = {
        .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {T, T, T, T, T, T, T, T}};
    _tile_loadconfig(&settings);
}
INLINE void t_close(void) { _tile_release(); }
#define T_ZERO(t)             _tile_zero(t)
#define T_LOAD(t, p, stride)  _tile_loadd(t, p, (size_t)(stride) * sizeof(word))
#define T_STORE(t, p, stride) _tile_stored(t, p, (size_t)(stride) * sizeof(word))
#define T_DOT(c, a, b)        _tile_dpbf16ps(c, a, b)
#endif

/* R x N tiles of sums: those at c (rows ldc floats apart) or zeros; C += A B, the second tile of B beside the first; to c. */
INLINE void t_begin(const float *c, int64_t ldc, bool add, const int R, const int N) {
    if (!add) {
        T_ZERO(0);
        if (N > 1) T_ZERO(1);
        if (R > 1) T_ZERO(2);
        if (R > 1 && N > 1) T_ZERO(3);
        return;
    }
    T_LOAD(0, c, ldc);
    if (N > 1) T_LOAD(1, c + T, ldc);
    if (R > 1) T_LOAD(2, c + T * ldc, ldc);
    if (R > 1 && N > 1) T_LOAD(3, c + T * ldc + T, ldc);
}
INLINE void t_step(const word *a0, int64_t apart0, const word *a1, int64_t apart1, const word *b, int64_t ldb, const int R,
                   const int N) {
    T_LOAD(6, b, ldb);
    T_LOAD(4, a0, apart0);
    T_DOT(0, 4, 6);
    if (N > 1) T_LOAD(7, b + T, ldb);
    if (N > 1) T_DOT(1, 4, 7);
    if (R > 1) T_LOAD(5, a1, apart1);
    if (R > 1) T_DOT(2, 5, 6);
    if (R > 1 && N > 1) T_DOT(3, 5, 7);
}
INLINE void t_end(float *c, int64_t ldc, const int R, const int N) {
    T_STORE(0, c, ldc);
    if (N > 1) T_STORE(1, c + T, ldc);
    if (R > 1) T_STORE(2, c + T * ldc, ldc);
    if (R > 1 && N > 1) T_STORE(3, c + T * ldc + T, ldc);
}

/* to[k][r] = from[r][k] of T x T words, rows ldt and ldf apart. */
static __attribute__((unused)) void t_transpose(word *to, int64_t ldt, const word *from, int64_t ldf) {
    __m512i a[T], b[T];
#pragma GCC unroll 16
    for (int r = 0; r < T; r++) a[r] = _mm512_loadu_si512(from + r * ldf);
#pragma GCC unroll 8
    for (int r = 0; r < T; r += 2) {
        b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
    }
#pragma GCC unroll 4
    for (int r = 0; r < T; r += 4)                     /* a[r + k]: column k of each four, of rows r..r+3 */
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            a[r + 2 * k] = _mm512_unpacklo_epi64(b[r + k], b[r + 2 + k]);
            a[r + 2 * k + 1] = _mm512_unpackhi_epi64(b[r + k], b[r + 2 + k]);
        }
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {                      /* fours of columns k, k+4, k+8, k+12 */
        const __m512i low = _mm512_shuffle_i32x4(a[k], a[4 + k], 0x88), high = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0x88);
        const __m512i low1 = _mm512_shuffle_i32x4(a[k], a[4 + k], 0xdd), high1 = _mm512_shuffle_i32x4(a[8 + k], a[12 + k], 0xdd);
        _mm512_storeu_si512(to + k * ldt, _mm512_shuffle_i32x4(low, high, 0x88));
        _mm512_storeu_si512(to + (8 + k) * ldt, _mm512_shuffle_i32x4(low, high, 0xdd));
        _mm512_storeu_si512(to + (4 + k) * ldt, _mm512_shuffle_i32x4(low1, high1, 0x88));
        _mm512_storeu_si512(to + (12 + k) * ldt, _mm512_shuffle_i32x4(low1, high1, 0xdd));
    }
}
#endif
#endif
