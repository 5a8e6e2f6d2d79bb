/* steadiness.h - how steady clips are from frame to frame, of which a viewer notices any lack first. Clips are uint8 [T,H,W,3].
 * Tested by tests/eval/test_eval_steadiness.c. */
#ifndef ZT_EVAL_STEADINESS_H
#define ZT_EVAL_STEADINESS_H
#include <stdint.h>
#include "base/err.h"

/** Where a place between pixels lies in a picture of H x W: the four pixels around it, by number (y W + x), and the part of each
 *  in what is seen there (bilinear; the parts add up to 1). Outside it is the nearest place of the border. */
typedef struct zt_between { int64_t at[4]; double part[4]; } zt_between;
zt_between zt_between_pixels(double x, double y, int H, int W);

/** Warping error: mean absolute difference, of 255, of a frame and the next one moved back along the optical flow found between
 *  the two (media/flow.h), over the places that the flow there and back says are seen in both (Sundaram et al. 2010; Lai et al.
 *  2018, arXiv:1808.00449, section 4.1, there of squares). What flickers, tears or dissolves has a high one, what moves as a
 *  whole a low one. The flow is searched for in the clip itself, so that clips of generators without a flow can be compared.
 *  0 where T < 2 or nothing is seen twice. ZT_NOMEM. Any thread. */
zt_err zt_warp_error(const uint8_t *rgb, int T, int H, int W, double *error);
/** The mean of it over the first n clips [n,T,H,W,3]. n >= 1. OpenMP inside. ZT_NOMEM. */
zt_err zt_warp_error_of(const uint8_t *rgb, int n, int T, int H, int W, double *error);
#endif
