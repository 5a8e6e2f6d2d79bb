/* samples.h - what the network makes so far, to look at. */
#ifndef ZT_TRAIN_SAMPLES_H
#define ZT_TRAIN_SAMPLES_H
#include "data/dataset.h"
#include "train/config.h"

enum { ZT_SAMPLE_CLIPS = 8 };
/** x [ZT_SAMPLE_CLIPS,T,H,W,3] in -1..1, clips of net's size, as RUN/samples/step-XXXXXXXX.png (a row of frames per clip) and
 *  .mp4 (the clips side by side). */
zt_err zt_run_samples_write(const float *x, const zt_net *net, const char *out, int64_t step);
/** Generate 8 clips with fixed seeds for captions of the validation split (of the training split when that is empty) and write
 *  RUN/samples/step-XXXXXXXX.png (a row of frames per clip), .mp4 (the clips side by side) and, once, prompts.txt. */
zt_err zt_run_samples(const zt_train_cfg *c, const zt_dataset *ds, zt_tset *ema, const zt_bpe *tok, const char *out,
                      int64_t step);
#endif
