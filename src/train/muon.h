/* muon.h - the Muon update of one weight matrix, as graph nodes. */
#ifndef ZT_TRAIN_MUON_H
#define ZT_TRAIN_MUON_H
#include "ops/ops.h"

/** Whether Muon is meant for this parameter: a weight matrix or kernel that is not the last layer. */
bool zt_muon_takes(const zt_node *p);
/** One step on p [..,C] (seen as a matrix [rows,C]) with momentum state m of its shape and gradient g; hyper, norm, decay and the
 *  result are those of zt_adamw (ops.h); of hyper, lr, weight_decay and clip count. beta: of the momentum, 0..1.
 *  Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (kellerjordan.github.io/posts/muon). */
zt_node *zt_muon(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool decay);
#endif
