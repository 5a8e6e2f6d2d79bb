/* order.h - which clips stand in each batch of the endless sequence that the loader reads: epoch after epoch, each a permutation
 * of its own; or drawn by weight. A batch is computed alone, so nothing grows with the number of clips or of batches. */
#ifndef ZT_DATA_ORDER_H
#define ZT_DATA_ORDER_H
#include <stdbool.h>
#include <stdint.h>
#include "data/dataset.h"

/** Place i, 0 <= i < n, of permutation number `epoch` of 0..n-1 under `seed`: a Feistel network of twelve rounds over the next
 *  power of four, walked until it lands below n (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). n >= 1. */
int64_t zt_shuffled(uint64_t seed, int64_t epoch, int64_t n, int64_t i);

/* Clips that batches are made of: a group of the data set (zt_dataset_group), or the whole split. */
typedef struct zt_order_part { int group, batch; int64_t clips; } zt_order_part;   /* group -1: the split */
typedef struct zt_order {
    const zt_dataset *ds;
    const char *split;
    uint64_t seed;
    bool shuffle;
    int n;                                  /* parts, 1..ZT_SIZES_MAX; each has clips, with several at least a batch of them */
    zt_order_part part[ZT_SIZES_MAX];
} zt_order;

/** Which part batch `number` (>= 0) is of, and at which place of that part's own sequence its first clip is.
 *  With several parts an epoch is what visits every clip once but for leftovers: of part p with clips n and batch b, batches
 *  floor(e n / b) up to floor((e + 1) n / b) of its own sequence are in epoch e. So what is left of an epoch, fewer clips than a
 *  batch of each part, comes in the next, and no clip is ever left out. With shuffle the batches of an epoch are permuted; else
 *  part after part. Drawn by weight: part p has the share of the batches that its sum of weights / b gives.
 *  Errors as zt_order_clip. Any thread. */
zt_err zt_order_batch(const zt_order *o, int64_t number, int *part, int64_t *first);
/** The clip at place `at` of the part's sequence. With shuffle false: catalogue order, again and again. With shuffle, and weights
 *  in the data set: every place draws by itself, clip i with probability weight i / sum of weights (drawn evenly, kept with
 *  probability weight / largest weight, von Neumann 1951); else the permutation of its epoch.
 *  Errors: ZT_CONFIG when no clip has a weight above zero in 100000 draws; as zt_dataset_clip. Any thread. */
zt_err zt_order_clip(const zt_order *o, int part, int64_t at, zt_clip_view *view);
#endif
