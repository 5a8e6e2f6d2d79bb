/* optimise.h - from gradients to new weights as graph: clipping, an optimiser, the running average. */
#ifndef ZT_OPTIMISE_H
#define ZT_OPTIMISE_H
#include "tensor/graph.h"
#include "tensor/tset.h"
#include "train/config.h"

/** Inputs hyper [8] (ops.h) and ema_decay (a scalar; NULL when nothing is averaged); norm: global norm of the gradients. */
typedef struct zt_optimise { zt_node *hyper, *ema_decay, *norm; } zt_optimise;

/** Update n parameters by their gradients as k says (optimiser, decay, momentum; constants come with zt_optimise_set). The
 *  moments are states opt.m.NAME (momentum; not of RMSProp) and opt.v.NAME (mean squares; of AdamW, Adam, RMSProp), made where
 *  absent;
 *  with `average` ema.NAME follows NAME. out[n], with average [2n], gets the nodes that must be outputs of the plan. */
zt_err zt_optimise_build(zt_optimise *o, zt_graph *g, zt_tset *states, const zt_steps_cfg *k, bool average, int n,
                         zt_node *const *param, zt_node *const *grad, zt_node **out);
/** State PREFIX + name of p, made where absent. */
zt_node *zt_optimise_state(zt_graph *g, zt_tset *states, const char *prefix, const zt_node *p);
/** Fill the inputs for step `step` of the schedule (from 0), which is update number `update` (from 1) of these parameters. */
void zt_optimise_set(const zt_optimise *o, const zt_steps_cfg *k, int64_t step, int64_t update);
/** Linear warm-up, then half a cosine down to min_lr at the last step. */
double zt_learning_rate(const zt_steps_cfg *k, int64_t step);
/** Parameters of g whose names begin with `prefix` ("": all), in the order they were made; NULL `param` counts only. */
int zt_list_params(const zt_graph *g, const char *prefix, zt_node **param);
/** Whether Muon is meant for this parameter: a weight matrix or kernel that is not the last layer. */
bool zt_muon_takes(const zt_node *p);
/** FLOPs of the nodes from number `first` on. */
int64_t zt_flops_from(const zt_graph *g, int first);
#endif
