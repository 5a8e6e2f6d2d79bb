/* gan_generate.h - a request for clips of an adversarial model: checked, turned into codes, made. */
#ifndef ZT_GAN_GENERATE_H
#define ZT_GAN_GENERATE_H
#include "pipeline/gan_sampling.h"
#include "zt/generate.h"

/** What only denoisers know, or only adversarial models, must not be set for the other; a model whose clips begin with a given
 *  frame must have it. ZT_ARG names the field. */
zt_err zt_generate_check_kind(const zt_generate_cfg *c, const zt_net *net);
/** Codes of clip k. ZT_ARG: a category that is not there. */
zt_err zt_generate_codes(const zt_generate_cfg *c, const zt_net *net, int k, zt_gan_codes *codes);
/** The same as a request: content_seed, motion_seed and category of clip k said, for its label. `text` keeps the category's
 *  number. */
zt_generate_cfg zt_generate_of_clip(const zt_generate_cfg *c, const zt_net *net, int k, char text[16]);
/** Make c->num clips of net->frames frames into x [num,T,H,W,3] (-1..1). frame [H,W,3] (-1..1): what they begin with, where
 *  zt_net_from_frame, else NULL. */
zt_err zt_gan_generate(const zt_generate_cfg *c, zt_model_dir *m, const zt_net *net, zt_dtype multiply, const float *frame,
                       float *x);
#endif
