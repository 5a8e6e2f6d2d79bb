/* world_eval.h - scoring a model on the synthetic world by the analytic judge: text-to-video, image-to-video, prediction.
 * Every score stands beside the judge's accuracy on the real clips of the same captions, and beside floors. */
#ifndef ZT_WORLD_EVAL_H
#define ZT_WORLD_EVAL_H
#include "data/dataset.h"
#include "diffusion/config.h"
#include "diffusion/sampler.h"
#include "eval/judge.h"
#include "media/frames.h"
#include "models/net.h"
#include "pipeline/judge_net.h"

typedef struct zt_world_eval_cfg {
    int n;                       /* text-to-video clips: half with seen, half with held-out combinations */
    int n_image, n_predict;      /* clips of the image-to-video and prediction tests; 0: leave out */
    int context;                 /* frames given for prediction */
    int steps;
    double cfg_scale;
    zt_sampler sampler;
    zt_dtype multiply;           /* what products are rounded to (zt_sampling_precision) */
    uint64_t seed;
    int n_untrained;             /* clips of the untrained floor; 0: leave out */
    zt_judge_net *judge_net;     /* second judge for clips of the model's size, borrowed; NULL: none */
} zt_world_eval_cfg;

enum { ZT_EVAL_SHOWN = 12 };

/** A generated clip kept to be shown. */
typedef struct zt_eval_clip { zt_frames frames; const char *caption; zt_verdict verdict; bool right; } zt_eval_clip;

typedef struct zt_world_eval {
    zt_score seen, held_out;             /* generated, against their prompts */
    zt_score real;                       /* the judge on the real clips of the same captions: its ceiling */
    zt_score shuffled, untrained;        /* floors: prompts of other clips; the network before training */
    zt_second_opinion second;            /* of the same clips, with a judge_net */
    double entropy_joint;                /* bits of shape x colour x direction among generated clips */
    double distance_ratio;               /* nearest training clip: generated over held-out real (below 0.8: memorised) */
    zt_score image;                      /* image-to-video: direction as the prompt says */
    double image_psnr_worst, image_psnr_mean;     /* frame 0 against the given image, dB */
    double predict_psnr, copy_psnr,
        motion_psnr;                     /* of the frames after the context: model, copy-last, constant block motion; dB */
    double seconds, clips_per_s;         /* of text-to-video sampling */
    zt_eval_clip shown[2][ZT_EVAL_SHOWN];         /* [0] seen, [1] held out */
    int n_shown[2];
    zt_eval_clip image_shown[ZT_EVAL_SHOWN];
    int n_image_shown;
} zt_world_eval;

/** Score `m` on the test split of `ds` (made by zoe synth --world shapes at the model's clip size). *r is zeroed
 *  first; free with zt_world_eval_finish. Captions are borrowed from ds. Errors: ZT_CONFIG (another world, no test clips,
 *  other clip size). */
zt_err zt_world_eval_run(zt_world_eval *r, zt_model_dir *m, const zt_dataset *ds, const zt_world_eval_cfg *cfg);
void zt_world_eval_finish(zt_world_eval *r);
#endif
