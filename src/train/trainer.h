/* trainer.h - a training run: data, steps, validation, samples, checkpoints, logs, until done, stopped or failed. */
#ifndef ZT_TRAINER_H
#define ZT_TRAINER_H
#include <stdio.h>
#include "train/config.h"

typedef struct zt_train_result {
    int64_t step, best_step;             /* steps done; step of the best validation loss */
    double loss, best;                   /* mean training loss of the last logged steps; best validation loss (negative: none) */
    double seconds, clips_per_s, wait_fraction, first_step_s;     /* wait: part of the time spent waiting for data */
    int64_t params, flops_per_step;
    double mean_loss;                    /* validation loss of predicting the training mean (0: no validation in this session) */
    bool early_stop;                     /* patience ran out */
} zt_train_result;

/** Train into folder `out` (made if missing): config.yaml, tokenizer.json, kernels.json (with tune or kernels), log.jsonl, event
 *  file, samples/, checkpoints/, best/, model/ (the best EMA weights as a model folder), data_used.json (which clips, and whom to
 *  credit; trust/policy.h). resume: go on from the newest checkpoint, bit-identical to an uninterrupted run (on the same clips);
 *  without it a folder that holds a run is refused. c->net gets the data set's sizes. *result is always set. ZT_CANCELLED after
 *  Ctrl-C: a checkpoint was written first. ZT_NONFINITE names the node. One run at a time per process. */
zt_err zt_train(zt_train_cfg *c, const char *out, bool resume, zt_train_result *result);

/* A bucket of a run: its part of the batches, and what one of them takes. */
typedef struct zt_bucket_plan {
    zt_size size;
    int64_t clips, batch, flops_per_step, step_bytes;
    double share;
} zt_bucket_plan;

/** What a run would need, from the config and the data set's catalogue: parameters, FLOPs, memory, disk, time. Loads nothing. */
typedef struct zt_train_plan {
    int64_t params, flops_per_step, clips;     /* flops_per_step, and batch: the mean over the buckets' shares */
    double batch;
    int n_buckets;
    zt_bucket_plan bucket[ZT_SIZES_MAX];       /* one without buckets */
    int64_t weights_bytes, step_bytes, extra_bytes, loader_bytes, base_bytes, peak_bytes, disk_bytes;
    double peak_gflops, predicted_s;     /* measured f32 matmul rate of this machine now; time of all steps */
    int fallbacks;
} zt_train_plan;
zt_err zt_train_plan_make(zt_train_cfg *c, zt_train_plan *p);
/** Runs three steps of each bucket on noise and prints the profile of the last (plan.h) to out. Writes nothing else. */
zt_err zt_train_profile(zt_train_cfg *c, FILE *out);
#endif
