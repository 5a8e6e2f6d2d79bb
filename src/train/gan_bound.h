/* gan_bound.h - holding critics' weights after a step, for the Wasserstein loss. */
#ifndef ZT_GAN_BOUND_H
#define ZT_GAN_BOUND_H
#include "tensor/tset.h"

/** Every number of the parameters whose names begin with `prefix` is clipped to -to..to (Arjovsky et al. 2017,
 *  arXiv:1701.07875). */
void zt_clip_weights(zt_tset *params, const char *prefix, double to);
/** Singular value clipping (Saito et al. 2017, arXiv:1611.06624) of those parameters: weights [..,out], seen as [rows,out], get
 *  singular values of at most 1; the gain NAME.weight of a batch norm (whose states have NAME.var) is clipped to 0.01 s .. s, s
 *  the running deviation. Biases stay. ZT_NOMEM. */
zt_err zt_clip_singular_values(zt_tset *params, const zt_tset *states, const char *prefix);
#endif
