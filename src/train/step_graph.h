/* step_graph.h - the graph of one diffusion training step (or of a validation loss), planned and ready to feed. */
#ifndef ZT_STEP_GRAPH_H
#define ZT_STEP_GRAPH_H
#include "tensor/plan.h"
#include "train/config.h"
#include "train/optimise.h"

typedef struct zt_step_graph {
    zt_graph *g;
    zt_plan *plan;
    zt_net_in in;
    zt_node *x0, *eps;              /* inputs [B,T,H,W,3]: clean clip in [-1,1], noise */
    zt_node *coef;                  /* input [B,5]: alpha, sigma, the target as a x0 + b eps, skip of the noisy input */
    zt_node *weight;                /* input [B,T]: weight of each frame's squared error */
    /* Of losses on the predicted clip; NULL without them and in a validation graph: */
    zt_node *x0_coef;               /* input [B,3]: the predicted clip as a noisy + b answer; weight of this clip */
    /* of the temporal one (train.temporal_weight); NULL for clips of one frame too: */
    zt_node *flow, *back;           /* inputs [B,T-1,H,W,2]: of the clean clips, to the next frame and from it */
    zt_node *temporal;              /* output: sum of the weighted losses, not yet times train.temporal_weight */
    zt_node *perceptual;            /* output: likewise the perceptual one (c->perceptual), not yet times its weight */
    zt_optimise opt;                /* NULLs in a validation graph */
    zt_node *loss;                  /* output: sum of weighted squared errors */
    int64_t batch, flops;           /* flops: of the model; the optimiser's count nothing */
} zt_step_graph;

/** Build and plan for `batch` clips. New parameters are added to `params` (initialised from the run's seed), states to `states`;
 *  states NULL makes a validation graph. Of c: net, seed, precision, kernels, the losses, the optimiser and its constants.
 *  dry: lay out only (for --plan). Borrowed: c, params, states. */
zt_err zt_step_graph_create(zt_step_graph *s, const zt_train_cfg *c, int64_t batch, zt_tset *params, zt_tset *states, bool dry);
void zt_step_graph_finish(zt_step_graph *s);
int64_t zt_step_graph_bytes(const zt_step_graph *s);
/** Inputs as good as any, for timing: noise, the learning rate nearly 0. */
void zt_step_graph_fill(zt_step_graph *s);
#endif
