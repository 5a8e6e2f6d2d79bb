/* attrs.h - the contract between builders, references and kernels: inputs, attributes (at.i, at.f) and further outputs (aux) of
 * every op. Builders are in ops.h; an op's formula stands at its reference.
 *
 * [brackets]: optional inputs. They come after the required ones, in the order given, and are left out (not NULL) when absent;
 * the flag named tells. Real inputs have the graph's real type; ids and lengths are i32. All storage is contiguous.
 * Aux outputs have the node's dtype. "dims(s)" means at.i[k] = s.n, at.i[k+1..k+8] = s.d.
 *
 * elementwise.c
 *   add sub mul div maximum minimum greater        a, b: b broadcasts to a's shape
 *   affine              x                f0 scale, f1 shift
 *   neg square sqrt exp log sin cos abs sign floor step         x
 *   pow                 x > 0            f0 exponent
 *   where               cond, a, b of one shape
 *   straight_through    value, x of one shape   (a view of value: no kernel)
 * activation.c
 *   sigmoid tanh silu gelu softplus erf  x
 *   silu_dx gelu_dx     dy, x: same shape; dy * f'(x)
 *   leaky_relu          x                f0 slope where x is not above 0
 *   leaky_relu_dx       dy, x or y: same shape           f0 the same
 * reduce.c
 *   sum_to              x                i0.. dims(target): aligned at the last axis, each size 1 or x's
 *   broadcast_to        x                i0.. dims(target)
 *   cumsum              x                i0 axis, i1 exclusive (0/1), i2 reverse (0/1)
 * layout.c
 *   reshape             x                i0.. dims(target)     (a view: no kernel; any dtype)
 *   permute             x                i0..i7 axes: out axis k is x's axis i[k]
 *   slice               x                i0 axis, i1 start, i2 length
 *   pad                 x                i0 axis, i1 zeros before, i2 zeros after
 *   concat              x0, x1, ...      i0 axis
 *   upsample, pool_sum  x [B,T,H,W,C]    i0..i2 factors ft,fh,fw; pool_sum: out size = size / factor
 * matmul.c
 *   matmul              a, b, [bias]     i0 ta, i1 tb (0/1); bias present when n_in == 3. a and b are seen as [rows, last axis]:
 *                       M,K = rows,last of a (ta: last,rows); K,N = rows,last of b (tb: last,rows). Output: ta ? [M,N]
 *                       : a's leading axes + [N]. bias [N].
 * conv.c                                 i0..2 stride, i3..5 pad before, i6..8 pad after, i12..14 dilation (order t,h,w),
 *                                        i15 groups G
 *   conv                x [B,T,H,W,Ci], w [kt,kh,kw,Ci/G,Co], [bias [Co]]: present when n_in == 3
 *   conv_dx             dy, w            and i9..11 = T,H,W of x; output [B,T,H,W,Ci]
 *   conv_dw             x, dy            and i9..11 = kt,kh,kw;   output [kt,kh,kw,Ci/G,Co]
 * resample.c                             i0 axis, i1 its size in x, i2 its size in y, i3 rule (zt_resample_rule), i4 pad before
 *                                        (means, padding, filter), i5 kernel and i6 stride (means, filter), i7 up, f0 cutoff,
 *                                        f1 beta, f2 gain (filter)
 *   resample            x                                      y: x with i2 for i1
 *   resample_dx         dy                                     same attributes; output: dy with i1 for i2
 * grid_sample.c                          i0 beyond the ends: 0 zeros, 1 the end itself; i1 along: bit a set: slope along axis a
 *                                        (t,h,w) in place of the value
 *   grid_sample         x [B,T,H,W,C], grid [B,T',H',W',3]
 *   grid_sample_dx      dy, grid         and i2..4 = T,H,W of x; output [B,T,H,W,C]
 *   grid_sample_dgrid   dy, x, grid                            output grid's shape; zeros along the axes of i1
 * max_pool.c                             i0..8 as conv, i9..11 kernel, i12..14 T,H,W of x
 *   max_pool            x [B,T,H,W,C]                          aux: tap, y's shape: number (i*kh + j)*kw + k of the first maximum
 *   max_pool_at         d (x's shape), tap
 *   max_pool_dx         dy, tap
 * norm.c                                 f0 eps; i0 groups (group_norm) or dim (rms_norm), i1 act (group_norm: 0 none, 1 SiLU),
 *                                        i2 = 1: gain and bias present (rms_norm: gain), i3 = 1: scale and shift present
 *   group_norm          x [B,..,C], [gain [C], bias [C]], [scale [B,C], shift [B,C]]      aux: mean [B,G], rstd [B,G]
 *   layer_norm          x [..,C],   the same (then x is [B,..,C])           aux: mean, rstd, both x's shape without the last axis
 *   rms_norm            x [..,C], [gain [dim]]                               aux: rstd [..,C/dim]
 *   group_norm_dx, layer_norm_dx   dy, x, mean, rstd, [gain, bias], [scale, shift]: same attributes as the forward op.
 *                       Outputs: dx; aux (those present, in this order): dgain [C], dbias [C], dscale [B,C], dshift [B,C]
 *   rms_norm_dx         dy, x, rstd, [gain]. Outputs: dx; aux: dgain [dim] when gain is present
 * attention.c
 *   attention           q [O,N,I,D], k [O,M,I,D], v [O,M,I,D], [bias [heads,N,M]], [len [O] i32], [segment [G,N] i32]
 *                       i0 heads, i1 = 1: bias present, i2 = 1: len present, i3 = 1: causal (needs M >= N), i4 = 1: segment
 *                       present (needs M = N, G divides O, no len). A len outside 1..M counts as the nearest of these.
 *                       aux: lse [O,I,heads,N] = log sum_m exp(score)
 *   attention_dx        dy, q, k, v, y, lse, [bias], [len], [segment]: same attributes. Outputs: dq; aux: dk, dv,
 *                       [dbias [heads,N,M]]
 *   rope                x [B,N,D], angle [N, D/heads/2]        i0 heads, i1 inverse (0/1)
 * embed.c
 *   embedding           ids i32, table [V,D]                   an id outside 0..V-1 gives zeros
 *   embedding_dw        ids i32, dy [ids..,D]                  i0 V; output [V,D]; ids outside 0..V-1 are skipped
 *   timestep            t [B]                                  i0 dim (even), f0 scale
 *   one_hot             ids i32                                i0 classes; output [ids..,classes]; an id outside gives zeros
 * random.c
 *   uniform             seed [2] i32 (key, counter)            i0.. dims(output), i9 stream
 * softmax.c
 *   softmax log_softmax x                                      over the last axis
 * index.c
 *   top_k_index         x [..,N]                               i0 k, 1..N; output i32 [..,k]. A NaN counts as -infinity.
 *   gather              x [..,N], ids i32 [..,K]               output [..,K]; an id outside 0..N-1 gives zero
 *   scatter_add         x [..,K], ids i32 [..,K]               i0 N; output [..,N]; ids outside 0..N-1 are skipped
 * optim.c
 *   global_norm         x0, x1, ...                            scalar
 *   adamw               p, m, v, g, hyper [8], norm []         i0 decay (0, 1 apart, 2 into the gradient), i15 = 3 (mutates p, m,
 *                                                              v); output scalar 0
 *   momentum            m, g, hyper [8], norm []               f0 beta, i0 Nesterov (0/1), i15 = 1 (mutates m); output: the
 *                                                              direction, g's shape
 *   descend             p, u, hyper [8], norm []               f0 scale, i0 decay (0/1), i15 = 1 (mutates p); output scalar 0
 *   rmsprop             p, v, g, hyper [8], norm []            i0 decay (0/1), i15 = 2 (mutates p, v); output scalar 0
 *   lion                p, m, g, hyper [8], norm []            i0 decay (0/1), i15 = 2 (mutates p, m); output scalar 0
 *   ema                 e, p, decay [], norm [], [after]       i15 = 1 (mutates e); output scalar 0. `after` only orders.
 * muon.c
 *   muon                p0.., m0.., g0.., hyper [8], norm []   i0 their number K, f0 beta, i15 = 2K (mutates p, m); output
 *                       scalar 0; aux: zeros, room of the reference
 *   assign              p, x                                   i15 = 1 (mutates p); output scalar 0
 *   assign_rows         p [O,M,..], x [O,N,..], row [O] i32    i15 = 1 (mutates p); output scalar 0 */
#ifndef ZT_OPS_ATTRS_H
#define ZT_OPS_ATTRS_H
#include "tensor/graph.h"

/* Optional inputs of the norms: where they start (base = number of required inputs) and whether they are there. */
enum { ZT_NORM_GROUPS = 0, ZT_NORM_ACT = 1, ZT_NORM_AFFINE = 2, ZT_NORM_MODULATE = 3 };
/* resample, grid_sample, max_pool (which has those of conv too) */
enum { ZT_RESAMPLE_AXIS, ZT_RESAMPLE_FROM, ZT_RESAMPLE_TO, ZT_RESAMPLE_RULE, ZT_RESAMPLE_BEFORE, ZT_RESAMPLE_KERNEL,
       ZT_RESAMPLE_STRIDE, ZT_RESAMPLE_UP };
enum { ZT_GRID_CLAMP = 0, ZT_GRID_ALONG = 1, ZT_GRID_SIZE = 2 };
enum { ZT_POOL_X = 12 };
/* attention */
enum { ZT_ATT_HEADS = 0, ZT_ATT_BIAS = 1, ZT_ATT_LEN = 2, ZT_ATT_CAUSAL = 3, ZT_ATT_SEGMENT = 4 };
/* conv */
enum { ZT_CONV_STRIDE = 0, ZT_CONV_BEFORE = 3, ZT_CONV_AFTER = 6, ZT_CONV_SIZE = 9, ZT_CONV_DILATION = 12, ZT_CONV_GROUPS = 15 };
/* uniform: its shape comes first */
enum { ZT_UNIFORM_STREAM = 1 + ZT_MAX_DIM };
/* adamw: what weight decay does */
enum { ZT_DECAY_NONE, ZT_DECAY_APART, ZT_DECAY_INTO_GRADIENT };

/** Storage of input k, or NULL when the node has fewer inputs. */
static inline void *zt_in_x(const zt_node *n, int k) {
    return k < n->n_in ? n->in[k]->x : NULL;
}

/** The generator's seed that uniform makes of its key and counter. */
static inline uint64_t zt_uniform_seed(const int32_t key_counter[2]) {
    return (uint32_t)key_counter[0] | (uint64_t)(uint32_t)key_counter[1] << 32;
}
#endif
