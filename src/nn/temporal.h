/* temporal.h - temporal consistency: what is seen in one frame is seen again in the next, where the flow says that it went,
 * unless it is hidden there (Lai et al. 2018, "Learning Blind Video Temporal Consistency", arXiv:1808.00449, section 3.1;
 * there the frame before is warped, here the one after, by the flow to it). No parameters; nothing here finds a flow. Tested by
 * tests/nn/test_nn_temporal.c.
 *   flow [B,T-1,H,W,2]: pixel (x,y) of frame t is seen at (x,y) + flow[..,t,y,x,:] of frame t+1; (dx,dy) in pixels
 * Frames and flows of another shape, or T = 1: ZT_SHAPE, sticky in the graph. */
#ifndef ZT_TEMPORAL_H
#define ZT_TEMPORAL_H
#include "ops/ops.h"

/** video [B,T,H,W,C] -> frame t minus frame t+1 warped to it, [B,T-1,H,W,C]. */
zt_node *zt_temporal_difference(zt_node *video, zt_node *flow);
/** 1 where a pixel is seen in the next frame too, else 0: [B,T-1,H,W,1]. It is when it stays in the frame, and the flow back from
 *  where it went leads to it again, |f + b|^2 <= 0.01 (|f|^2 + |b|^2) + 0.5 (Sundaram et al. 2010, "Dense point trajectories by
 *  GPU-accelerated large displacement optical flow"). back [B,T-1,H,W,2]: from frame t+1 to frame t. No gradient. */
zt_node *zt_flow_visible(zt_node *flow, zt_node *back);
/** How well the flow explains the clip it was found in: e^(-sharpness d^2) of the squared difference d^2 over the channels,
 *  [B,T-1,H,W,1] in 0..1 (Lai: sharpness 50 for pixels of 0..1). A wrong flow counts for little. No gradient. */
zt_node *zt_flow_explains(zt_node *video, zt_node *flow, double sharpness);
/** What is made of the difference: its size as Lai et al. train, or its square as they measure (their warping error). */
typedef enum zt_temporal_form { ZT_TEMPORAL_ABS, ZT_TEMPORAL_SQUARE } zt_temporal_form;
/** The loss of each clip, [B]: mean of that over channels and places, weighted by mask [B,T-1,H,W,1] (the two above, or their
 *  product); 0 for a clip of which nothing is seen again. Gradient by video only. */
zt_node *zt_temporal_loss(zt_temporal_form form, zt_node *video, zt_node *flow, zt_node *mask);
#endif
