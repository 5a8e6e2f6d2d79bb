/* equivariance.h - whether a generator's pictures move as a whole: EQ-T of Karras et al. 2021, arXiv:2106.12423, section 2.2. */
#ifndef ZT_EVAL_EQUIVARIANCE_H
#define ZT_EVAL_EQUIVARIANCE_H
#include <stdint.h>
#include "base/err.h"

/** Makes the same N pictures as ever, but with what is behind them moved by (dx,dy) pixels: out [N,H,W,3] in [-1,1]. */
typedef zt_err zt_moved_fn(void *ctx, double dx, double dy, float *out);
/** How well pictures made of what was moved equal moved pictures, over `draws` moves of whole pixels up to an eighth of the
 *  size, never none: 10 log10(2^2 / mean squared difference) of the part that both show, in dB; ZT_EQ_SAME where there is no
 *  difference. N H W 3 floats at most 2^30. Errors: ZT_ARG (a side below 8, no draw), ZT_NOMEM, those of fn. One thread. */
zt_err zt_eq_translation(zt_moved_fn *fn, void *ctx, int N, int H, int W, int draws, uint64_t seed, double *db);
#define ZT_EQ_SAME 200.0
#endif
