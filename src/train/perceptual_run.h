/* perceptual_run.h - the network of a run's perceptual loss. */
#ifndef ZT_PERCEPTUAL_RUN_H
#define ZT_PERCEPTUAL_RUN_H
#include "train/config.h"

/** Where train.perceptual_weight asks for it, load the classifier of train.perceptual_net into c->perceptual, which
 *  zt_train_cfg_finish frees, and put its SHA-256 into train.perceptual_sha256, so that config.yaml of the run has it. Does
 *  nothing when it is loaded. c->net and c->buckets hold the sizes of the run's clips. ZT_CONFIG: no folder is named; it holds no
 *  classifier, or another one than perceptual_sha256 says; clips of some bucket or stage are too small for it; ZT_NOTFOUND and
 *  ZT_FORMAT as zt_model_dir_load. */
zt_err zt_perceptual_run_open(zt_train_cfg *c);
#endif
