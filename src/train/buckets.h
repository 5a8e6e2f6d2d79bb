/* buckets.h - training on clips of several sizes: which buckets a run has. */
#ifndef ZT_TRAIN_BUCKETS_H
#define ZT_TRAIN_BUCKETS_H
#include "data/dataset.h"
#include "train/config.h"

/** Decide on c->buckets from data.buckets and the training clips, sort the clips of ds into them, and set c->net's main size
 *  and sizes. Without data.buckets nothing changes. "auto" takes the sizes with the most clips, up to ZT_SIZES_MAX, that have at
 *  least a batch of them. ZT_CONFIG, before anything is trained: the list; a bucket with fewer clips than a batch; one that the
 *  model cannot take, with the nearest that it can; clips (of training or validation) that fit no bucket; options that exclude
 *  each other. ds borrows c->buckets until it is closed. */
zt_err zt_run_buckets_choose(zt_dataset *ds, zt_train_cfg *c);
/** c for bucket k, 0 <= k < c->buckets.n: the same with its size in net, its batch in train.batch, and that bucket alone. Without
 *  buckets c itself. Borrows all of c; not to be finished. */
zt_train_cfg zt_bucket_cfg(const zt_train_cfg *c, int k);
/** Parts that a run's clips are in, each with a zt_bucket_cfg: its buckets, or 1. */
int zt_bucket_count(const zt_train_cfg *c);
/** "16x64x64: 120 clips, batch 8" of bucket k into out[cap], which is returned. */
const char *zt_bucket_text(const zt_train_cfg *c, int k, char *out, size_t cap);
#endif
