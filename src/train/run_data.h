/* run_data.h - what a run takes from its data set: clip size, tokenizer, loaders. */
#ifndef ZT_RUN_DATA_H
#define ZT_RUN_DATA_H
#include "data/dataset.h"
#include "data/loader.h"
#include "train/config.h"
#include "trust/policy.h"

/** Open data.path, without the clips that data.policy or a revoked consent keeps out, and settle the clip size:
 *  data.frames/height/width where given, else the first training clip's, or the buckets' (buckets.h); and the mean and scale of
 *  the pixels. Checks the network against it. ZT_CONFIG when there is no training clip, or the policy refuses. *used (may be
 *  NULL; the caller finishes it, also after a failure) gets the clips that are used. *ds borrows c. */
zt_err zt_run_data_open(zt_dataset **ds, zt_train_cfg *c, zt_admission *used);
/** Learn the tokenizer from the training captions into RUN/tokenizer.json, or load it from there when resuming. Sets
 *  net.vocab. */
zt_err zt_run_tokenizer(zt_bpe *tok, const zt_dataset *ds, zt_train_cfg *c, const char *out, bool resume);
/** Clips of a split that c trains on: of its bucket, where it is the config of one (zt_bucket_cfg). */
int64_t zt_run_clips(const zt_dataset *ds, const zt_train_cfg *c, const char *split);
/** Loader over `split`, of all buckets of c that has several (then `batch` counts for none): "train" shuffles and augments as the
 *  config says and starts at batch number `first`; others do not. */
zt_err zt_run_loader(zt_loader **l, const zt_dataset *ds, const zt_train_cfg *c, const char *split, int64_t batch, int64_t first);
#endif
