/* order.h - which clip stands at each place of the endless sequence that the loader reads: epoch after epoch, each a permutation
 * of its own; or drawn by weight. A place is computed alone, so nothing grows with the number of clips. */
#ifndef ZT_DATA_ORDER_H
#define ZT_DATA_ORDER_H
#include <stdbool.h>
#include <stdint.h>
#include "data/dataset.h"

/** Place i, 0 <= i < n, of permutation number `epoch` of 0..n-1 under `seed`: a Feistel network of twelve rounds over the next
 *  power of four, walked until it lands below n (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). n >= 1. */
int64_t zt_shuffled(uint64_t seed, int64_t epoch, int64_t n, int64_t i);

/** Index into `split` of place `at` (>= 0). With shuffle false: catalogue order, again and again. With shuffle, and weights in
 *  the data set: every place draws by itself, clip i with probability weight i / sum of weights (drawn evenly, kept with
 *  probability weight / largest weight, von Neumann 1951); else the permutation of its epoch.
 *  Errors: ZT_CONFIG when no clip has a weight above zero in 100000 draws; as zt_dataset_weight. Any thread. */
zt_err zt_order_at(const zt_dataset *ds, const char *split, uint64_t seed, bool shuffle, int64_t at, int64_t *index);
#endif
