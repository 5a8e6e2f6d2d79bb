/* classify_graph.h - the graph of one training step of a classifier, planned and ready to feed. */
#ifndef ZT_CLASSIFY_GRAPH_H
#define ZT_CLASSIFY_GRAPH_H
#include "tensor/plan.h"
#include "train/config.h"
#include "train/optimise.h"

typedef struct zt_classify_graph {
    zt_graph *g;
    zt_plan *plan;
    zt_node *clips;                      /* input [B,T,H,W,3] in -1..1 */
    zt_node *noise;                      /* input of that shape, N(0,1) */
    zt_node *sigma, *blur;               /* inputs [B]: of the noise; how far towards the blurred clip */
    zt_node *target[ZT_HEADS_MAX];       /* inputs [B] i32: each head's class */
    zt_optimise opt;
    zt_node *loss;                       /* output: cross-entropy, mean over heads and clips */
    int64_t flops;                       /* of the model; the optimiser's count nothing */
} zt_classify_graph;

/** Build and plan for c->train.batch clips; as zt_step_graph_create. */
zt_err zt_classify_graph_create(zt_classify_graph *s, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry);
void zt_classify_graph_finish(zt_classify_graph *s);
/** Noise, sigma and blur of step `step`, a pure function of it and c's seed. */
void zt_classify_graph_draw(zt_classify_graph *s, const zt_train_cfg *c, int64_t step);
#endif
