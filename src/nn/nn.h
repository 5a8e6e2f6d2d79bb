/* nn.h - layers as functions: a layer creates its parameters where it is called, under the current scope, so that a model file
 * reads as its paper and checkpoint names are its paths ("blocks.3.attn.q.weight"). Errors are sticky in the graph. */
#ifndef ZT_NN_H
#define ZT_NN_H
#include "ops/ops.h"
#include "tensor/tset.h"

/** How a new parameter gets its first values. Values depend only on (seed, full name): adding a layer changes no other one. */
typedef enum zt_init {
    ZT_INIT_ZERO,
    ZT_INIT_ONE,
    ZT_INIT_XAVIER,      /* uniform, variance 2/(fan_in + fan_out) (Glorot & Bengio 2010) */
    ZT_INIT_KAIMING,     /* normal, variance 1/(3 fan_in): the scale of PyTorch's own default (He et al. 2015, slope sqrt 5) */
    ZT_INIT_HE,          /* normal, variance 2/fan_in: keeps the size of what passes a (leaky) ReLU (He et al. 2015) */
    ZT_INIT_NORMAL,      /* normal, standard deviation 1 */
    ZT_INIT_NORMAL02,    /* normal, standard deviation 0.02 */
    ZT_INIT_NORMAL01,    /* normal, standard deviation 0.01 */
    ZT_INIT_NORMAL100    /* normal, standard deviation 100: of weights that are used as a hundredth (style.h) */
} zt_init;

/** A network under construction: a graph and the set its parameters live in. Parameters not yet in `params` are added and
 *  initialised; those already there are used as they are. Borrowed: graph and sets. */
typedef struct zt_nn {
    zt_graph *g;
    zt_tset *params;
    uint64_t seed;
    bool frozen;          /* parameters are constants of the graph (zt_frozen): all of them must be in `params` */
    bool recompute;       /* models make the inside of their blocks again in the backward pass (zt_recompute) */
    zt_tset *states;      /* of layers that remember something between runs (zt_batch_norm, zt_spectral_norm); else NULL */
    zt_node *update;      /* scalar 0 on which the changes of states hang (NULL: none): an output of plans that train */
} zt_nn;

/** Parameter "SCOPE.name" of shape sh. Fan-in is the product of all axes but the last, fan-out the last (for a kernel, times the
 *  kernel's extent). */
zt_node *zt_nn_param(zt_nn *nn, const char *name, zt_shape sh, zt_init init);
/** State "SCOPE.name" in nn->states, likewise. */
zt_node *zt_nn_state(zt_nn *nn, const char *name, zt_shape sh, zt_init init);
/** Adds what changes a state (a scalar 0: zt_assign, zt_ema) to nn->update. */
void zt_nn_update(zt_nn *nn, zt_node *change);

/** y = x W + b over the last axis: NAME.weight [K,out], NAME.bias [out]. */
zt_node *zt_linear(zt_nn *nn, const char *name, zt_node *x, int64_t out, zt_init init);
zt_node *zt_linear_nobias(zt_nn *nn, const char *name, zt_node *x, int64_t out, zt_init init);
/** x [B,T,H,W,Ci] -> out channels; odd kernels (kt,kh,kw), "same" zero padding, stride 1: NAME.weight [kt,kh,kw,Ci,out],
 *  NAME.bias. */
zt_node *zt_conv_same(zt_nn *nn, const char *name, zt_node *x, int kt, int kh, int kw, int64_t out, zt_init init);
/** Halves H and W (both even) by a 1x4x4 convolution of stride (1,2,2); with `time` also T (even), by 3x3x3 of stride 2. */
zt_node *zt_conv_down(zt_nn *nn, const char *name, zt_node *x, bool time, int64_t out);
/** SiLU(GroupNorm(x)*(1+scale)+shift): NAME.weight, NAME.bias [C]; scale, shift [B,C] or both NULL; zt_norm_groups(C) groups. */
zt_node *zt_norm_silu(zt_nn *nn, const char *name, zt_node *x, zt_node *scale, zt_node *shift);
/** Largest divisor of c that leaves at least 4 channels a group and is at most 8 (1 for small c). */
int zt_norm_groups(int64_t c);
/** LayerNorm with learned gain and bias. */
zt_node *zt_norm_affine(zt_nn *nn, const char *name, zt_node *x);
/** Splits the last axis into n equal parts. */
void zt_chunk(zt_node *x, int n, zt_node **parts);
/** Sinusoidal features of t01 [B] in [0,1], then linear-SiLU-linear: [B,dim]. Scopes NAME.fc1, NAME.fc2. */
zt_node *zt_time_embedding(zt_nn *nn, const char *name, zt_node *t01, int64_t dim);

/* recurrent.c: one step of a recurrent layer of H units, x [..,I]; NAME.x.weight [I,gates H], NAME.h.weight [H,gates H] and their
 * biases. Steps of the same name share their parameters. */
/** Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), h [..,H] -> the next h. The reset gate acts on the candidate's
 *  finished hidden term, as in cuDNN and PyTorch. Gates in the order reset, update, candidate. keep [H] is added to the update
 *  gate's term: above 0 more of h stays; NULL: nothing. */
zt_node *zt_gru_cell(zt_nn *nn, const char *name, zt_node *x, zt_node *h, zt_node *keep);
/** Long short-term memory (Hochreiter & Schmidhuber 1997, with forget gate: Gers et al. 2000), *h and *c [..,H] become the next
 *  ones. Gates in the order input, forget, candidate, output. */
void zt_lstm_cell(zt_nn *nn, const char *name, zt_node *x, zt_node **h, zt_node **c);

/* norm.c */
/** Batch norm (Ioffe & Szegedy 2015, arXiv:1502.03167) of x [..,C] per channel: NAME.weight, NAME.bias [C]; states NAME.mean and
 *  NAME.var [C]. training: with this batch's statistics, and nn->update moves the states a tenth of the way to them (variance
 *  with Bessel's correction; a batch that is not finite moves nothing). Else: with the states. */
zt_node *zt_batch_norm(zt_nn *nn, const char *name, zt_node *x, bool training);
/** The same, with another eps than 1e-5 or without the bias. */
typedef struct zt_batch_norm_cfg { double eps; bool no_bias; } zt_batch_norm_cfg;
zt_node *zt_batch_norm_with(zt_nn *nn, const char *name, zt_node *x, bool training, const zt_batch_norm_cfg *c);
/** Instance norm (Ulyanov et al. 2016, arXiv:1607.08022) of x [B,..,C] per sample and channel: NAME.weight, NAME.bias [C]. */
zt_node *zt_instance_norm(zt_nn *nn, const char *name, zt_node *x);
/** A weight of shape sh as length times direction, per output channel (the last axis): g v/|v| (Salimans & Kingma 2016,
 *  arXiv:1602.07868). NAME.v [sh] starts as `init` says, NAME.g [out] as |v|, so that the weight starts as v. */
zt_node *zt_weight_norm(zt_nn *nn, const char *name, zt_shape sh, zt_init init);
/** w [..,out], seen as a matrix [rows,out], over its largest singular value (Miyato et al. 2018, arXiv:1802.05957). The value
 *  comes of one power iteration from the state NAME.u [out], which nn->update moves on: over the steps it becomes exact. */
zt_node *zt_spectral_norm(zt_nn *nn, const char *name, zt_node *w);
#endif
