/* tile.h - the small matrix product of attention and of minimal filtering, in words (word.h):
 *   C[r][0..width) (+)= sum_k A[r*ra + k*ka] * B[k][0..width)      r < rows
 * and (mm_run_on) `more` such sums on top, each with A `jump` words on and the next rows of B.
 * Words of A are broadcast, rows of B and C are vectors: no operand needs a transpose, ra and ka give the orientation.
 * A tile of R rows by NV vectors stays in registers over the whole sum (R*NV + NV + 1 <= number of registers). At level amx, what
 * is whole tiles of rows and sums is done on those; words of A that lie along the rows (ra 1) are transposed for them. */
#ifndef ZT_CPU_TILE_H
#define ZT_CPU_TILE_H
#include "backends/cpu/kernels/amx.h"

typedef struct mm {
    float *c;
    int64_t ldc;
    const word *a;
    int64_t ra, ka;
    const word *b;
    int64_t ldb, rows, sum, width;
    bool add;
} mm;

typedef struct mm_on { int64_t more, jump; } mm_on;

INLINE void mm_tile(const mm *m, mm_on on, float *c, const word *at, int64_t ra, int64_t ka, const word *b, const int R,
                    const int NV) {
    const int64_t ldc = m->ldc, ldb = m->ldb;
    const bool add = m->add;
    vf acc[8][4];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) acc[r][v] = add ? v_load(c + r * ldc + v * VW) : v_set(0);
    for (int64_t j = 0; j <= on.more; j++, at += on.jump) {
        const word *a = at;
        for (int64_t k = 0; k < m->sum; k++, a += ka, b += ldb) {
            vw w[4];
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++) w[v] = w_load(b + v * VW);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                const vw x = w_set(a[r * ra]);
#pragma GCC unroll 4
                for (int v = 0; v < NV; v++) acc[r][v] = w_madd(acc[r][v], x, w[v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) v_store(c + r * ldc + v * VW, acc[r][v]);
}

/* ra or ka is 1 in every use: saying so saves address arithmetic in the inner loop. */
#define MM_STRIP(NV, MAIN, NEXT) \
    static void mm_strip##NV(const mm *m, mm_on on, int64_t col) { \
        int64_t r = 0; \
        MM_ROWS(NV, MAIN) \
        MM_ROWS(NV, NEXT) \
        MM_ROWS(NV, 2) \
        MM_ROWS(NV, 1) \
    }
#define MM_ROWS(NV, R) \
    for (; r + R <= m->rows; r += R) { \
        if (m->ra == 1) \
            mm_tile(m, on, m->c + r * m->ldc + col, m->a + r, 1, m->ka, m->b + col, R, NV); \
        else \
            mm_tile(m, on, m->c + r * m->ldc + col, m->a + r * m->ra, m->ra, 1, m->b + col, R, NV); \
    }
#if defined(ZT_LEVEL_v4)
MM_STRIP(4, 6, 4)
MM_STRIP(3, 8, 4)
MM_STRIP(2, 8, 4)
MM_STRIP(1, 8, 4)
static void mm_run_on(mm m, mm_on on) {
    for (int64_t c = 0, left = m.width / VW; left > 0;) {
        const int nv = left >= 7 || left == 4 ? 4 : left >= 5 ? 3 : (int)left;
        if (nv == 4) mm_strip4(&m, on, c);
        else if (nv == 3) mm_strip3(&m, on, c);
        else if (nv == 2) mm_strip2(&m, on, c);
        else mm_strip1(&m, on, c);
        c += nv * VW;
        left -= nv;
    }
}
#else
MM_STRIP(2, 6, 4)
MM_STRIP(1, 8, 4)
static void mm_run_on(mm m, mm_on on) {
    int64_t c = 0;
    for (; c + 2 * VW <= m.width; c += 2 * VW) mm_strip2(&m, on, c);
    if (c < m.width) mm_strip1(&m, on, c);
}
#endif
#if defined(ZT_LEVEL_amx)
enum { PART = 4 * T };                                 /* words of a sum that are transposed at a time */
INLINE void mm_tiles(const mm *m, const word *a, int64_t apart, const word *b, int64_t col, int64_t sum, float *c, bool add,
                     const int R, const int N) {
    t_begin(c + col, m->ldc, add, R, N);
    for (int64_t k = 0; k < sum; k += T)
        t_step(a + k, apart, a + T * apart + k, apart, b + col + k * m->ldb, m->ldb, R, N);
    t_end(c + col, m->ldc, R, N);
}
/* Rows [r, r + R tiles), `sum` words of the sum from k on. */
INLINE void mm_band(const mm *m, int64_t r, int64_t k, int64_t sum, const int R) {
    const bool add = m->add || k > 0;
    const word *a = m->a + r * m->ra + k * m->ka, *b = m->b + k * m->ldb;
    float *c = m->c + r * m->ldc;
    word turned[2 * T * PART];
    int64_t apart = m->ra, col = 0;
    if (m->ra == 1) {
        for (int h = 0; h < R; h++)
            for (int64_t j = 0; j < sum; j += T) t_transpose(turned + h * T * PART + j, PART, a + h * T + j * m->ka, m->ka);
        a = turned;
        apart = PART;
    }
    for (; col + 2 * T <= m->width; col += 2 * T) mm_tiles(m, a, apart, b, col, sum, c, add, R, 2);
    if (col < m->width) mm_tiles(m, a, apart, b, col, sum, c, add, R, 1);
}
static __attribute__((unused)) void mm_run(mm m) {
    const int64_t rows = m.rows / T * T, sum = m.sum / T * T;
    for (int64_t k = 0; rows && k < sum; k += PART) {
        const int64_t part = sum - k < PART ? sum - k : PART;
        int64_t r = 0;
        for (; r + 2 * T <= rows; r += 2 * T) mm_band(&m, r, k, part, 2);
        if (r < rows) mm_band(&m, r, k, part, 1);
    }
    mm rest = m;
    if (rows && sum < m.sum) {
        rest.a += sum * m.ka;
        rest.b += sum * m.ldb;
        rest.sum -= sum;
        rest.rows = rows;
        rest.add = m.add || sum > 0;
        mm_run_on(rest, (mm_on){0, 0});
    }
    rest = m;
    rest.c += rows * m.ldc;
    rest.a += rows * m.ra;
    rest.rows -= rows;
    mm_run_on(rest, (mm_on){0, 0});
}
#else
static __attribute__((unused)) void mm_run(mm m) { mm_run_on(m, (mm_on){0, 0}); }
#endif
#endif
