/* frechet.h - how far apart two sets of clips are, by Gaussians fitted to their features (Heusel et al. 2017,
 * arXiv:1706.08500). */
#ifndef ZT_EVAL_FRECHET_H
#define ZT_EVAL_FRECHET_H
#include <stdint.h>
#include "base/err.h"

/** |mean difference|^2 + tr(A + B - 2 (A B)^1/2) of features a [na,dim] and b [nb,dim], A and B their covariances (over n-1).
 *  ZT_ARG unless na, nb >= 2; ZT_NOMEM. */
zt_err zt_frechet(const float *a, int64_t na, const float *b, int64_t nb, int dim, double *distance);

/** Fixed features of a clip, learned from nothing: projections of its coarse look and of its coarse change from frame to frame on
 *  directions drawn once. x [ZT_CLIP_FEATURES] of rgb [T,H,W,3]; clips compared must have equal sizes. ZT_NOMEM. Any thread. */
enum { ZT_CLIP_FEATURES = 32 };
zt_err zt_clip_features(const uint8_t *rgb, int T, int H, int W, float *x);
#endif
