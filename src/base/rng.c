/* rng.c - Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011)
 * and numbers drawn from it. zt_fill_normal uses Box & Muller (1958). Its logarithm, sine and cosine are short series of plain
 * +, *, / and sqrt, which IEEE 754 rounds in one way only (the build forbids contraction), so a seed gives the same bits on
 * every processor level. */
#include "base/rng.h"
#include <math.h>
#include <string.h>

#define TAU 6.283185307179586476925286766559

/* One function for several instruction sets, picked by the loader. Sanitizers start too late for the loader's picking. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define FAST __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define FAST
#endif

typedef struct block {
    uint32_t c0, c1, c2, c3;
} block;

/* Written out ten times, not looped: only then does the compiler put many blocks side by side into vectors. */
static inline __attribute__((always_inline)) block round_of(block c, uint32_t k0, uint32_t k1) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c.c0, p1 = (uint64_t)0xCD9E8D57u * c.c2;
    return (block){(uint32_t)(p1 >> 32) ^ c.c1 ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c.c3 ^ k1, (uint32_t)p0};
}

static inline __attribute__((always_inline)) block ten_rounds(block c, uint32_t k0, uint32_t k1) {
    const uint32_t w0 = 0x9E3779B9u, w1 = 0xBB67AE85u; /* Weyl steps of the key: golden ratio, sqrt(3) - 1 */
    c = round_of(c, k0, k1);
    c = round_of(c, k0 + w0, k1 + w1);
    c = round_of(c, k0 + 2 * w0, k1 + 2 * w1);
    c = round_of(c, k0 + 3 * w0, k1 + 3 * w1);
    c = round_of(c, k0 + 4 * w0, k1 + 4 * w1);
    c = round_of(c, k0 + 5 * w0, k1 + 5 * w1);
    c = round_of(c, k0 + 6 * w0, k1 + 6 * w1);
    c = round_of(c, k0 + 7 * w0, k1 + 7 * w1);
    c = round_of(c, k0 + 8 * w0, k1 + 8 * w1);
    return round_of(c, k0 + 9 * w0, k1 + 9 * w1);
}

void zt_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]) {
    block c = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    c = ten_rounds(c, (uint32_t)seed, (uint32_t)(seed >> 32));
    out[0] = c.c0;
    out[1] = c.c1;
    out[2] = c.c2;
    out[3] = c.c3;
}

zt_rng zt_rng_init(uint64_t seed, uint64_t stream) { return (zt_rng){.seed = seed, .stream = stream}; }

uint32_t zt_rng_u32(zt_rng *r) {
    if (r->left <= 0 || r->left > 4) { /* the second: a state read from a damaged file */
        zt_philox(r->seed, r->stream, r->index++, r->word);
        r->left = 4;
    }
    return r->word[4 - r->left--];
}

static uint64_t next_u64(zt_rng *r) {
    uint64_t lo = zt_rng_u32(r);
    return (uint64_t)zt_rng_u32(r) << 32 | lo;
}

double zt_rng_uniform(zt_rng *r) { return (double)(next_u64(r) >> 11) * 0x1p-53; }

double zt_rng_range(zt_rng *r, double lo, double hi) {
    double x = lo + (hi - lo) * zt_rng_uniform(r);
    return x < hi ? x : lo; /* rounding may reach hi */
}

int64_t zt_rng_int(zt_rng *r, int64_t lo, int64_t hi) {
    if (hi <= lo) return lo;
    uint64_t n = (uint64_t)hi - (uint64_t)lo + 1, x = next_u64(r);
    if (n == 0) /* all 2^64 values */
        return (int64_t)x;
    uint64_t uneven = (0 - n) % n; /* 2^64 mod n: so many values would come once too often */
    while (x < uneven) x = next_u64(r);
    return (int64_t)((uint64_t)lo + x % n);
}

double zt_rng_normal(zt_rng *r) {
    double u = 1 - zt_rng_uniform(r), v = zt_rng_uniform(r);
    return sqrt(-2 * log(u)) * cos(TAU * v);
}

void zt_rng_permutation(zt_rng *r, int64_t *p, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int64_t j = zt_rng_int(r, 0, i);
        p[i] = p[j];
        p[j] = i;
    }
}

uint64_t zt_hash_name(const char *s) {
    uint64_t h = 14695981039346656037u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

/* ---- numbers in bulk ---- */

enum { BLOCKS = 256, TILE = 4 * BLOCKS }; /* one tile: 4 KiB of words, 4 KiB of floats, all in the first cache */

/* sqrt(-2 ln u), u = (w + 1) / 2^32 in (0, 1]. With u = m 2^e: ln u = e ln 2 + 2 atanh((m-1)/(m+1)), m in [0.70, 1.41].
 * Above 0.7 the distance to 1 comes exactly from the integer: m - 1 of the rounded float would have lost its digits. */
static inline __attribute__((always_inline)) float pick(int32_t mask, float yes, float no) {
    union {
        float f;
        int32_t i;
    } a = {yes}, b = {no};
    a.i = (a.i & mask) | (b.i & ~mask); /* a float ?: would stay a branch, and a branch is not vectorised */
    return a.f;
}

static inline __attribute__((always_inline)) float flip(uint32_t sign, float x) {
    union {
        float f;
        uint32_t i;
    } a = {x};
    a.i ^= sign; /* 0x80000000 or 0 */
    return a.f;
}

static inline __attribute__((always_inline)) float radius(uint32_t w) {
    float u = ((float)(int32_t)(w >> 8) * 256.0f + (float)(int32_t)((w & 255) + 1)) * 0x1p-32f;
    uint32_t rest = ~w; /* 1 - u = rest / 2^32 */
    float near = (float)(int32_t)((rest >> 8) & 0xFFFFFF) * 0x1p-24f + (float)(int32_t)(rest & 255) * 0x1p-32f;
    union {
        float f;
        int32_t i;
    } bits = {u}, m;
    int32_t e = (bits.i - 0x3F333333) >> 23; /* 0x3F333333: 0.7f */
    m.i = bits.i - e * (1 << 23);
    float top = pick(-(int32_t)(e == 0), -near, m.f - 1.0f);
    float s = top / (m.f + 1.0f), q = s * s;
    float series = 1.0f / 9;
    series = series * q + 1.0f / 7;
    series = series * q + 1.0f / 5;
    series = series * q + 1.0f / 3;
    float ln = 2.0f * s + 2.0f * s * q * series + (float)e * 0.69314718f;
    return sqrtf(-2.0f * ln); /* ln <= 0: for e = 0 the series is, for e < 0 it is at most ln 1.4 - ln 2 */
}

/* cos and sin of 2 pi w / 2^32: the nearest quarter turn is split off in integers, exactly; Taylor series on [-pi/4, pi/4]. */
static inline __attribute__((always_inline)) void turn(uint32_t w, float *c, float *s) {
    uint32_t quarter = (w + 0x20000000u) >> 30;
    float x = (float)(int32_t)(w - (quarter << 30)) * (float)(TAU * 0x1p-32), q = x * x;
    float sn = 1.0f / 362880;
    sn = sn * q - 1.0f / 5040;
    sn = sn * q + 1.0f / 120;
    sn = sn * q - 1.0f / 6;
    sn = sn * q * x + x;
    float cs = -1.0f / 3628800;
    cs = cs * q + 1.0f / 40320;
    cs = cs * q - 1.0f / 720;
    cs = cs * q + 1.0f / 24;
    cs = cs * q - 0.5f;
    cs = cs * q + 1.0f;
    int32_t odd = -(int32_t)(quarter & 1);
    *c = flip(((quarter + 1) & 2) << 30, pick(odd, sn, cs));
    *s = flip((quarter & 2) << 30, pick(odd, cs, sn));
}

/* Words of the Philox blocks first, first+1, ...: word j of block first + b in w[j][b]. */
static inline __attribute__((always_inline)) void tile_words(uint64_t seed, uint64_t stream, uint64_t first,
                                                             uint32_t w[4][BLOCKS]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32), s0 = (uint32_t)stream, s1 = (uint32_t)(stream >> 32);
    uint32_t lo = (uint32_t)first, hi = (uint32_t)(first >> 32); /* first is a multiple of BLOCKS: lo + b never carries */
#pragma omp simd
    for (int b = 0; b < BLOCKS; b++) {
        block c = ten_rounds((block){lo + (uint32_t)b, hi, s0, s1}, k0, k1);
        w[0][b] = c.c0;
        w[1][b] = c.c1;
        w[2][b] = c.c2;
        w[3][b] = c.c3;
    }
}

/* TILE numbers from the blocks first, first+1, ...; block b gives elements 4b .. 4b+3. */
FAST static void normal_tile(uint64_t seed, uint64_t stream, uint64_t first, float *restrict dst) {
    uint32_t w[4][BLOCKS];
    tile_words(seed, stream, first, w);
#pragma omp simd
    for (int b = 0; b < BLOCKS; b++) {
        float c0, s_0, c1, s_1;
        float r0 = radius(w[0][b]), r1 = radius(w[2][b]);
        turn(w[1][b], &c0, &s_0);
        turn(w[3][b], &c1, &s_1);
        dst[4 * b] = r0 * c0;
        dst[4 * b + 1] = r0 * s_0;
        dst[4 * b + 2] = r1 * c1;
        dst[4 * b + 3] = r1 * s_1;
    }
}

/* The 2^23 middles of equal parts of (0,1): with more digits, the last would round to 1. */
FAST static void uniform_tile(uint64_t seed, uint64_t stream, uint64_t first, float *restrict dst) {
    uint32_t w[4][BLOCKS];
    tile_words(seed, stream, first, w);
#pragma omp simd
    for (int b = 0; b < BLOCKS; b++)
        for (int j = 0; j < 4; j++) dst[4 * b + j] = ((float)(int32_t)(w[j][b] >> 9) + 0.5f) * 0x1p-23f;
}

typedef void tile_fn(uint64_t seed, uint64_t stream, uint64_t first, float *restrict dst);

static void fill(tile_fn *tile, uint64_t seed, uint64_t stream, float *dst, int64_t n) {
    int64_t tiles = n > 0 ? (n - 1) / TILE + 1 : 0;
#pragma omp parallel for schedule(static) if (tiles > 32)
    for (int64_t t = 0; t < tiles; t++) {
        float *at = dst + t * TILE, part[TILE];
        int64_t left = n - t * TILE;
        tile(seed, stream, (uint64_t)t * BLOCKS, left >= TILE ? at : part);
        if (left < TILE) memcpy(at, part, (size_t)left * sizeof *dst);
    }
}

void zt_fill_normal(uint64_t seed, uint64_t stream, float *dst, int64_t n) {
    fill(normal_tile, seed, stream, dst, n);
}

void zt_fill_uniform(uint64_t seed, uint64_t stream, float *dst, int64_t n) {
    fill(uniform_tile, seed, stream, dst, n);
}
