/* gan_eval.h - scoring an adversarial model. On any clips: how far its own are from them, and how much they vary. On the
 * synthetic world by the analytic judge: does it make well-formed clips of all kinds, does the content code say what is shown
 * and the category how it moves, and does motion go on beyond the trained length. */
#ifndef ZT_GAN_EVAL_H
#define ZT_GAN_EVAL_H
#include "data/dataset.h"
#include "models/net.h"
#include "pipeline/gan_monitor.h"
#include "pipeline/gan_views.h"
#include "pipeline/judge_net.h"

typedef struct zt_gan_eval_cfg {
    int n;                       /* clips of free codes */
    int contents, motions;       /* codes that are crossed: contents x motions clips */
    int rollouts;                /* clips of twice the trained length, by a model of any length; 0: leave out */
    uint64_t seed;
    zt_dtype multiply;           /* what products are rounded to (zt_sampling_precision) */
    zt_judge_net *judge_net;     /* second judge for clips of the model's size, borrowed; NULL: none */
} zt_gan_eval_cfg;

/** Agreement of pairs of clips: of those both of which the judge can read, how many agree. */
typedef struct zt_agreement { int64_t pairs, agree; } zt_agreement;

typedef struct zt_gan_eval {
    zt_gan_monitor clips;                /* free clips beside those of the test split, of seen combinations */
    /* Of clips that the judge cannot read, what clips.frechet is to be held against: as many clips of the training split, of the
     * network before training, and of noise (all values of a pixel alike); else 0. */
    double frechet_floor, frechet_untrained, frechet_noise;
    /* All that follows but warp_error, eq_t and frames_per_s is of the world shapes alone. */
    zt_view_scores views;                /* of the same clips */
    double warp_error, warp_error_of_data;    /* eval/steadiness.h, of up to 200 of the made and of the real ones */
    double eq_t;                         /* dB (eval/equivariance.h), of models with styles; negative: not measured */
    zt_second_opinion second;            /* of the same clips, with a judge_net */
    zt_agreement content;                /* shape and colour, of one content code in different motion */
    zt_agreement content_floor;          /* the same of different content codes: chance, as this model's clips are spread */
    zt_agreement motion;                 /* direction, of one category (with none: of one motion code) in different content */
    zt_agreement motion_floor;           /* the same of different categories */
    int64_t crossed, crossed_valid;      /* clips of the cross, and those the judge can read */
    int64_t named, named_right;          /* valid clips of a category named as a direction, and those that go there */
    int64_t rollouts, rollout_halves, rollout_whole;   /* clips; those valid in both halves; those valid as one clip */
    double clips_per_s, frames_per_s;    /* of the free clips */
} zt_gan_eval;

/** ZT_CONFIG: another clip size, no test clips, a length the model cannot make, a judge_net for another world. */
zt_err zt_gan_eval_run(zt_gan_eval *r, zt_model_dir *m, const zt_dataset *ds, const zt_gan_eval_cfg *cfg);
#endif
