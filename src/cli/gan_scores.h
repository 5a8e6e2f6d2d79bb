/* gan_scores.h - zoe eval of an adversarial model. */
#ifndef ZT_CLI_GAN_SCORES_H
#define ZT_CLI_GAN_SCORES_H
#include "pipeline/gan_eval.h"

/** Score and print; the exit status. judge_net: second judge, or NULL. */
int zt_cli_gan_scores(zt_model_dir *m, const zt_dataset *ds, int n, uint64_t seed, zt_dtype multiply, zt_judge_net *judge_net,
                      bool json);
#endif
