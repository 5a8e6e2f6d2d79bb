/* judge_eval.h - scoring a classifier on the labels of clips it has not seen, clean and noisy, and on the synthetic world beside
 * the analytic judge. */
#ifndef ZT_JUDGE_EVAL_H
#define ZT_JUDGE_EVAL_H
#include "pipeline/judge_net.h"

enum { ZT_JUDGE_NOISES = 4 };

/** Of clips with noise of standard deviation `noise`, pixels being 0..1, cut off where pixels end. */
typedef struct zt_judge_level {
    double noise;
    int64_t n, all, right[ZT_HEADS_MAX]; /* clips; those whose labels are all read; by head */
    int64_t analytic;                    /* those the analytic judge finds valid and reads as the caption says */
    int64_t both;                        /* those that it finds valid and in which both read the same */
} zt_judge_level;

typedef struct zt_judge_eval {
    bool judged;                         /* the analytic judge knows these clips, and the network has its attributes */
    int64_t held_out, held_out_all;      /* clean clips of combinations held out by the data set; those all right */
    zt_judge_level level[ZT_JUDGE_NOISES];        /* [0]: clean */
    double clips_per_s;
} zt_judge_eval;

/** Score on at most n clips of the test split (ZT_CONFIG: none of the network's size, or one with a label or value it does not
 *  know). Noise is drawn by `seed`. */
zt_err zt_judge_eval_run(zt_judge_eval *r, zt_judge_net *j, const zt_dataset *ds, int n, uint64_t seed);
#endif
