/* attention.h - attention layers: over whole clips, over axes, within windows, of a sequence that grows. All are the attention
 * operation (ops.h) between reshapes and copies; scores are never stored, and what an axis or a window does not see is not
 * computed. Tested by tests/nn/test_nn_attention.c. */
#ifndef ZT_NN_ATTENTION_H
#define ZT_NN_ATTENTION_H
#include "nn/nn.h"

/** How tokens attend; zero and NULL leave a part out. */
typedef struct zt_attend {
    int heads;                     /* divides the width D */
    zt_node *bias;                 /* [heads,N,M], added to the scores: a relative position bias; a mask is one of 0 and -1e30 */
    zt_node *len;                  /* [O] i32: only the first len keys are seen */
    zt_node *segment;              /* [G,N] i32, G divides O: only keys of the query's segment are (zt_attention_segments) */
    zt_node *angles;               /* [N, D/heads/2]: q and k get rotary positions (zt_rope); self-attention only */
    bool causal;                   /* only keys that do not come after the query */
    bool zero_out;                 /* the output projection starts at zero: a residual branch starts as nothing */
} zt_attend;

/** Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762) with projections q,k,v,o under scope NAME. x [O,N,I,D] attends to
 *  src [O,M,I,Ds] (src = x: self-attention) for each o and i by itself, as in zt_attention. */
zt_node *zt_mha(zt_nn *nn, const char *name, zt_node *x, zt_node *src, const zt_attend *a);
/** Words [B,L,E] (len [B] of them count) pooled by attention to one vector [B,dim]. The query starts at zero, so the pool as the
 *  mean of the words; times eight, about their sum: one word that differs weighs as much as the noise level. Words as wide as dim
 *  are not projected (docs/decisions/007). */
zt_node *zt_pool_words(zt_nn *nn, const char *name, zt_node *text, zt_node *len, int64_t dim);
/** Learned relative position bias [heads,N,N] over a grid of `n_axes` sizes (N = product): one table entry per offset vector,
 *  axis k clipped to +-clip[k]. NAME.table. */
zt_node *zt_relative_bias(zt_nn *nn, const char *name, int heads, int n_axes, const int64_t *size, const int64_t *clip);
/** Angles of rotary positions 0..n-1, a constant [n,pairs]: position times 10000^(-j/pairs) (Su et al. 2021,
 *  arXiv:2104.09864). */
zt_node *zt_rope_angles(zt_graph *g, int64_t n, int64_t pairs);

/** Self-attention of x [B,T,H,W,D] along its axes first..last (1 time, 2 rows, 3 columns), at each place of the others by itself:
 *  1..1 time at each pixel, 2..3 within each frame, 1..3 joint. N of `a` is the product of these axes. No copy is made. */
zt_node *zt_axes_attention(zt_nn *nn, const char *name, zt_node *x, int first, int last, const zt_attend *a);
/** Axial attention (Ho et al. 2019, arXiv:1912.12180): along time, rows and columns one after another, each a residual branch
 *  with a LayerNorm of its own; axes of size 1 are left out. Scopes NAME.t, NAME.h, NAME.w. */
zt_node *zt_axial_attention(zt_nn *nn, const char *name, zt_node *x, int heads);
/** Divided space-time attention (Bertasius et al. 2021, arXiv:2102.05095): along time at each pixel, then within each frame, each
 *  a residual branch with a LayerNorm of its own. Scopes NAME.time, NAME.space. The branch over time starts at zero. */
zt_node *zt_divided_attention(zt_nn *nn, const char *name, zt_node *x, int heads);
/** Self-attention of x [B,T,H,W,D] within windows (Liu et al. 2021, arXiv:2103.14030; over time too: arXiv:2106.13230) with a
 *  learned relative position bias NAME.bias.table. window: sizes t,h,w, which divide T,H,W (1 for t: frames apart). shift, 0 to
 *  window-1 each: windows begin that much later; those that would leave the clip are cut at its ends into pieces, which do not
 *  see each other. Sticky ZT_SHAPE when sizes do not fit. */
zt_node *zt_window_attention(zt_nn *nn, const char *name, zt_node *x, const int64_t window[3], const int64_t shift[3], int heads,
                             bool zero_out);

/** Causal self-attention of sequences that grow, x [B,N,D]: as zt_mha with `causal` and, with rope, rotary positions; the keys
 *  and values of what came before are states NAME.cache.k and .v [B,capacity,1,D]. N = 1: x is the token at place row[b] of its
 *  sequence (row [B] i32, below capacity) and len [B] i32 is row + 1: both are inputs, so that one plan serves every place.
 *  N > 1: x begins the sequences (prefill), row is 0 and len is not used; of shorter ones, what follows is overwritten when they
 *  go on. nn->update, an output of the plan, writes the cache. Inference only. */
zt_node *zt_cached_attention(zt_nn *nn, const char *name, zt_node *x, zt_node *row, zt_node *len, int64_t capacity, int heads,
                             bool rope);
#endif
