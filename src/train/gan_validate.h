/* gan_validate.h - how good a generator is so far: made clips beside real ones, and clips to look at. */
#ifndef ZT_GAN_VALIDATE_H
#define ZT_GAN_VALIDATE_H
#include "train/label_classes.h"
#include "train/recipe.h"

/** What the recipe keeps of a run beside its graphs. */
typedef struct zt_gan_own {
    zt_clip_classes labels;
    double penalty;                      /* of the last step that had one */
    int collapsed;                       /* validations in a row that found mode collapse */
    int64_t settled;                     /* step after which zt_gan_settle was last called, + 1 */
} zt_gan_own;

/** What the layers of the averaged generator remember (statistics of batch norm) is found anew for its weights, by running it on
 *  codes: averaged weights have other statistics than the average of those of the weights (Izmailov et al. 2018,
 *  arXiv:1803.05407). Once for each step, at most. First frames, where the generator wants them, here and below: those of the
 *  validation clips, of training clips where there are none. */
zt_err zt_gan_settle(zt_run *r);

/** Frechet distance of gan.monitor_clips clips by the averaged generator (with first frames: of one clip for each frame, at most
 *  as many) to those of the validation split, into *figure; it and the figures of gan_monitor.h go to the log, mode collapse is
 *  said in words. ZT_DIVERGED when gan.stop_on_collapse says so and two validations in a row found it. */
zt_err zt_gan_validate(zt_run *r, double *figure);
/** 8 clips: rows 1..4 share their content code, rows 5..8 their motion code; with first frames: each has its own. */
zt_err zt_gan_samples(zt_run *r);
#endif
