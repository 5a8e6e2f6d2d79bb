/* baseline.h - the validation loss of a network that learned nothing but the mean. */
#ifndef ZT_BASELINE_H
#define ZT_BASELINE_H
#include "data/dataset.h"
#include "train/config.h"

/** Loss on the validation split (of buckets the mean by validation clips) when every answer is the mean target:
 *  a^2 E(x0 - mean)^2 + b^2 over the validation times, with the mean taken per pixel over (at most 1000 of) the training clips.
 *  What a trained network must be clearly below. */
zt_err zt_mean_baseline(const zt_dataset *ds, const zt_train_cfg *c, double *loss);
#endif
