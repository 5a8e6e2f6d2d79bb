/* near.h - near-duplicates by perceptual hash, without comparing every clip with every other. */
#ifndef ZT_DATA_NEAR_H
#define ZT_DATA_NEAR_H
#include <stdint.h>
#include "base/err.h"
#include "data/scores.h"

enum { ZT_NEAR_BITS_MAX = 23 };

typedef struct zt_near_item { int64_t clip; uint64_t hash[ZT_HASHES]; uint32_t colour; } zt_near_item;

/** Go over the items in order and keep each that is near none kept before: of[i] is the item that stands for item i (i itself
 *  when it is kept). Near: at most `bits` (0..ZT_NEAR_BITS_MAX) of the 192 differ, and the mean colours by at most 32 of 255 in
 *  each channel.
 *  Exact: hashes that differ in r bits agree in one of r + 1 pieces, and only those that share a piece are compared (multi-index
 *  hashing, Norouzi et al. 2012). Time grows with n and with the near pairs, not with n squared. n < 2^31. Errors: ZT_ARG,
 *  ZT_NOMEM. */
zt_err zt_near_find(const zt_near_item *item, int64_t n, int bits, int64_t *of);
#endif
