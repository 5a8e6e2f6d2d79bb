/* flow.h - dense optical flow between two frames, coarse to fine: at each level of a pyramid the window around each pixel is
 * searched for, in all three colours, about what the coarser level found and about where it was; then a few steps of Lucas and
 * Kanade 1981 ("An iterative image registration technique") find the parts of a pixel. For small clips in which things move by a
 * few pixels; what has no texture keeps the flow of the coarser level. Tested by tests/media/test_media_flow.c. */
#ifndef ZT_MEDIA_FLOW_H
#define ZT_MEDIA_FLOW_H
#include <stdint.h>
#include "base/err.h"

/** Flow from frame a to frame b, rgb [h,w,3] each: pixel (x,y) of a is seen at (x,y) + flow[y,x,:] of b. flow [h,w,2] (dx,dy) in
 *  pixels, x to the right, y down; always finite, and leads into the frame. h, w >= 1. Errors: ZT_NOMEM. Any thread. */
zt_err zt_flow_find(const uint8_t *a, const uint8_t *b, int h, int w, float *flow);
/** The same for all neighbours of a clip rgb [T,h,w,3]: forward [T-1,h,w,2] from frame t to t+1, back [T-1,h,w,2] from t+1 to
 *  t. */
zt_err zt_flow_of_clip(const uint8_t *rgb, int T, int h, int w, float *forward, float *back);
#endif
