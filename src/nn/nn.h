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
    ZT_INIT_NORMAL,      /* normal, standard deviation 1 */
    ZT_INIT_NORMAL02     /* normal, standard deviation 0.02 */
} zt_init;

/** A network under construction: a graph and the set its parameters live in. Parameters not yet in `params` are added and
 *  initialised; those already there are used as they are. Borrowed: graph and set. recompute: models make the inside of their
 *  blocks again in the backward pass instead of keeping it (zt_recompute). */
typedef struct zt_nn { zt_graph *g; zt_tset *params; uint64_t seed; bool recompute; } zt_nn;

/** Parameter "SCOPE.name" of shape sh. Fan-in is the product of all axes but the last, fan-out the last (for a kernel, times the
 *  kernel's extent). */
zt_node *zt_nn_param(zt_nn *nn, const char *name, zt_shape sh, zt_init init);

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
/** Multi-head attention with projections q,k,v,o under scope NAME. x [O,N,I,D] attends to src [O,M,I,Ds] (src = x:
 *  self-attention). bias and len as in zt_attention. Output projection initialised to zero when zero_out. */
zt_node *zt_mha(zt_nn *nn, const char *name, zt_node *x, zt_node *src, int heads, zt_node *bias, zt_node *len, bool zero_out);
/** Words [B,L,E] (len [B] of them count) pooled by attention to one vector [B,dim]. The query starts at zero, so the pool as the
 *  mean of the words; times eight, about their sum: one word that differs weighs as much as the noise level. Words as wide as dim
 *  are not projected (docs/decisions/007). */
zt_node *zt_pool_words(zt_nn *nn, const char *name, zt_node *text, zt_node *len, int64_t dim);
/** Learned relative position bias [heads,N,N] over a grid of `n_axes` sizes (N = product): one table entry per clipped offset
 *  vector (each axis clipped to +-clip). NAME.table. */
zt_node *zt_relative_bias(zt_nn *nn, const char *name, int heads, int n_axes, const int64_t *size, int64_t clip);
#endif
