/* rng.h - counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
 * A value depends only on (seed, stream, index), never on thread, order or batch: runs resume and split bit-identically. */
#ifndef ZT_BASE_RNG_H
#define ZT_BASE_RNG_H
#include <stdint.h>

/** One Philox block: 4 random words for (seed, stream, index). */
void zt_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/** A sequential reader over one (seed, stream). Plain value: copy it to fork, store it to resume. */
typedef struct zt_rng { uint64_t seed, stream, index; uint32_t word[4]; int left; } zt_rng;

zt_rng zt_rng_init(uint64_t seed, uint64_t stream);
uint32_t zt_rng_u32(zt_rng *r);
double zt_rng_uniform(zt_rng *r);                              /* [0,1), 53 bits */
double zt_rng_range(zt_rng *r, double lo, double hi);          /* [lo,hi) */
int64_t zt_rng_int(zt_rng *r, int64_t lo, int64_t hi);         /* lo..hi inclusive, unbiased */
double zt_rng_normal(zt_rng *r);                               /* N(0,1), Box-Muller */
/** Fisher-Yates: fills p with a random permutation of 0..n-1. */
void zt_rng_permutation(zt_rng *r, int64_t *p, int64_t n);

/** dst[i] ~ N(0,1), i < n; element i depends only on (seed, stream, i). Vectorised and OpenMP-parallel. */
void zt_fill_normal(uint64_t seed, uint64_t stream, float *dst, int64_t n);
/** dst[i] ~ U(0,1), neither end among them: (word i%4 of block i/4, without its lowest 9 bits, + 1/2) / 2^23. Likewise. */
void zt_fill_uniform(uint64_t seed, uint64_t stream, float *dst, int64_t n);
/** 64-bit FNV-1a of a string: names to streams. */
uint64_t zt_hash_name(const char *s);
#endif
