/* ops.h - builders of every op. Shapes as in papers, slowest axis first, channels last.
 *
 * Conventions: builders never fail directly; errors are sticky in the graph (graph.h). `a.b` in shape comments is ordinary numpy
 * notation; B batch, T frames, H, W, C channels, N tokens, D width. Results have the graph's real dtype unless said otherwise.
 * Attributes (at.i, at.f) of each op are listed in its family file. */
#ifndef ZT_OPS_H
#define ZT_OPS_H
#include "tensor/graph.h"

enum {
#define ZT_OP(name) ZT_OP_##name,
#include "ops/ops.def"
#undef ZT_OP
    ZT_OP_COUNT
};
#define ZT_OP(name) extern const zt_op_def zt_def_##name;
#include "ops/ops.def"
#undef ZT_OP
/** Definition of op `id`, 0 <= id < ZT_OP_COUNT (ops.c). */
const zt_op_def *zt_op_at(int id);

/* elementwise.c. Binary: b must have a's shape or broadcast to it (aligned at the last axis, size 1 or equal, or fewer axes). */
zt_node *zt_add(zt_node *a, zt_node *b);
zt_node *zt_sub(zt_node *a, zt_node *b);
zt_node *zt_mul(zt_node *a, zt_node *b);
zt_node *zt_div(zt_node *a, zt_node *b);
zt_node *zt_affine(zt_node *x, double scale, double shift);          /* x*scale + shift */
zt_node *zt_neg(zt_node *x);
zt_node *zt_square(zt_node *x);
zt_node *zt_sqrt(zt_node *x);
zt_node *zt_exp(zt_node *x);
zt_node *zt_ln(zt_node *x);                                         /* op `log`; zt_log is a message, base/log.h */
zt_node *zt_pow(zt_node *x, double exponent);                        /* x > 0 */
zt_node *zt_sin(zt_node *x);
zt_node *zt_cos(zt_node *x);
zt_node *zt_abs(zt_node *x);                                         /* its gradient at 0 is 0 */
zt_node *zt_sign(zt_node *x);                                        /* -1, 0, 1. Like floor, greater, equal: gradient 0 */
zt_node *zt_floor(zt_node *x);
zt_node *zt_maximum(zt_node *a, zt_node *b);
zt_node *zt_minimum(zt_node *a, zt_node *b);
zt_node *zt_clamp(zt_node *x, double lo, double hi);                 /* the gradient outside is 0 */
zt_node *zt_greater(zt_node *a, zt_node *b);                         /* 1 where a > b, else 0 */
zt_node *zt_equal(zt_node *a, zt_node *b);                           /* 1 where a = b, else 0; both finite */
/** a where cond is not 0, else b; all of one shape. Nothing of the branch not taken shows, nor does its gradient: that is 0. What
 *  computes a branch multiplies that 0 by its own slope, so it must be finite: clamp what goes into a root. */
zt_node *zt_where(zt_node *cond, zt_node *a, zt_node *b);
/** `value`, but its gradient goes to x, of the same shape (Bengio et al. 2013, arXiv:1308.3432). A view of value. */
zt_node *zt_straight_through(zt_node *value, zt_node *x);

/* activation.c */
zt_node *zt_sigmoid(zt_node *x);
zt_node *zt_tanh(zt_node *x);
zt_node *zt_silu(zt_node *x);
zt_node *zt_gelu(zt_node *x);                                        /* tanh form, Hendrycks & Gimpel 2016, arXiv:1606.08415 */
zt_node *zt_gelu_erf(zt_node *x);                                    /* exact form, the same */
zt_node *zt_relu(zt_node *x);
zt_node *zt_leaky_relu(zt_node *x, double slope);                    /* x where x > 0, else x*slope (Maas et al. 2013) */
zt_node *zt_elu(zt_node *x, double alpha);                           /* Clevert et al. 2015, arXiv:1511.07289 */
zt_node *zt_softplus(zt_node *x);                                    /* log(1 + e^x), finite for every finite x */
zt_node *zt_mish(zt_node *x);                                        /* Misra 2019, arXiv:1908.08681 */
zt_node *zt_hard_swish(zt_node *x);                                  /* Howard et al. 2019, arXiv:1905.02244 */
zt_node *zt_erf(zt_node *x);

/* reduce.c */
zt_node *zt_sum_to(zt_node *x, zt_shape sh);        /* sh: same rank as x (or fewer axes, aligned last), sizes 1 or equal */
zt_node *zt_broadcast_to(zt_node *x, zt_shape sh);
zt_node *zt_sum(zt_node *x);                        /* scalar */
zt_node *zt_mean(zt_node *x);                       /* scalar */
/** Mean, and mean square of the distance to it (no Bessel correction), over the axes that sum_to to `sh` would sum. */
zt_node *zt_mean_to(zt_node *x, zt_shape sh);
zt_node *zt_variance_to(zt_node *x, zt_shape sh);
/** Running sums along an axis (-1: the last): of the elements up to this one, or before it (exclusive); reverse: from the end. */
zt_node *zt_cumsum(zt_node *x, int axis, bool exclusive, bool reverse);

/* layout.c */
zt_node *zt_reshape(zt_node *x, zt_shape sh);       /* view */
zt_node *zt_permute(zt_node *x, const int *axes);   /* out axis k is x's axis axes[k]; copies */
zt_node *zt_slice(zt_node *x, int axis, int64_t start, int64_t len);
zt_node *zt_pad(zt_node *x, int axis, int64_t before, int64_t after);     /* zeros */
zt_node *zt_concat(int axis, int n, zt_node *const *x);
zt_node *zt_upsample(zt_node *x, int ft, int fh, int fw);                 /* [B,T,H,W,C] nearest */
zt_node *zt_pool_sum(zt_node *x, int ft, int fh, int fw);                 /* sums ft*fh*fw blocks; sizes must divide */
zt_node *zt_avg_pool(zt_node *x, int ft, int fh, int fw);
/** [B,T,H,W,C] -> [B,T/ft,H/fh,W/fw, ft*fh*fw*C] and back; channel order (ft,fh,fw,C). PyTorch's pixel_unshuffle and
 *  pixel_shuffle have (C,fh,fw): channel c of block place (i,j) is number (i*fw + j)*C + c here and (c*fh + i)*fw + j there. */
zt_node *zt_space_to_depth(zt_node *x, int ft, int fh, int fw);
zt_node *zt_depth_to_space(zt_node *x, int ft, int fh, int fw);

/* matmul.c: y[..,N] = op(a) op(b) (+ bias). Without ta, a is [..,K] seen as [rows,K]; with ta a is [..rows K.., M] seen as
 * [K,M] over flattened rows and the result is [M,N]. b is [K,N], or [N,K] with tb. (ta's b may have several row axes too.) */
zt_node *zt_matmul(zt_node *a, zt_node *b, bool ta, bool tb);
zt_node *zt_linear_op(zt_node *x, zt_node *w, zt_node *bias);        /* x[..,K] w[K,N] bias[N] or NULL */

/* conv.c: x [B,T,H,W,Ci], w [kt,kh,kw,Ci/groups,Co], bias [Co] or NULL; zero padding; causal in time is pad_before[0] =
 * (kt-1) dilation, pad_after[0] = 0. out T = (T + pad_before + pad_after - (kt-1) dilation - 1)/stride + 1, H and W alike. Group
 * g takes channels [g Ci/groups, ..) to [g Co/groups, ..); groups = Ci = Co is depthwise. */
typedef struct zt_conv_cfg {
    int stride[3], pad_before[3], pad_after[3];      /* order t,h,w */
    int dilation[3], groups;                         /* 0 counts as 1 */
} zt_conv_cfg;
zt_node *zt_conv(zt_node *x, zt_node *w, zt_node *bias, const zt_conv_cfg *c);

/** The convolution of `c` turned round, as PyTorch's ConvTranspose: x [B,T,H,W,Ci], w [kt,kh,kw,Co,Ci] (there [Ci,Co,kt,kh,kw]),
 *  bias [Co] or NULL. out T = (T - 1)*st - pad_before - pad_after + kt + extra. extra: output_padding, below st; NULL: none. */
zt_node *zt_conv_transpose(zt_node *x, zt_node *w, zt_node *bias, const zt_conv_cfg *c, const int extra[3]);

/* resample.c: rules that make an axis from another; all are separable. Centres of elements are at k + 1/2, the ends of both axes
 * coincide (PyTorch's align_corners=False). */
typedef enum zt_resample_rule {
    ZT_LINEAR, ZT_CUBIC,               /* interpolation; cubic: Keys 1981 with PyTorch's a = -0.75. Beyond the ends: the end */
    ZT_LINEAR_SMOOTH, ZT_CUBIC_SMOOTH, /* PyTorch's antialias=True and PIL: as wide as the step when shrinking; a = -0.5 */
    ZT_MEAN, ZT_MEAN_INSIDE,           /* mean over a window; pads count as zeros, or do not count */
    ZT_REPLICATE, ZT_REFLECT,          /* padding by the end; by what lies before it, the end not repeated */
    ZT_KAISER                          /* a windowed sinc filter (zt_low_pass) */
} zt_resample_rule;
/** x [B,T,H,W,C] with T,H,W of these sizes; rule: one of the first four. */
zt_node *zt_resize(zt_node *x, int64_t T, int64_t H, int64_t W, zt_resample_rule rule);
/** before, after: elements added to T,H,W of [B,T,H,W,C]; rule: one of these two. ZT_REFLECT adds at most size - 1. */
zt_node *zt_pad_edge(zt_node *x, const int before[3], const int after[3], zt_resample_rule rule);
/** Means over windows of [B,T,H,W,C] that may overlap; strides and pads as of conv. count_pads: a pad is a zero that counts. */
zt_node *zt_avg_pool_windows(zt_node *x, const int kernel[3], const zt_conv_cfg *c, bool count_pads);
/** A filter of Kaiser's (Kaiser 1974; Oppenheim & Schafer 2009, section 7.5): taps gain w(k) sinc, cutoff and beta of the window
 *  relative to the sample rate at which it works: that of x times `up`; every down-th place of that is kept. */
typedef struct zt_kaiser { int64_t taps, up, down; double cutoff, beta, gain; } zt_kaiser;
/** Tap number `tap` of 0..taps-1, without the gain (which holds the divisor I0(beta) of the window). */
double zt_kaiser_tap(int64_t taps, double cutoff, double beta, int64_t tap);
/** Along an axis of x, of which `to` places are made: y[j] = sum_k tap[k] u[j down - before + k], u: x with up - 1 zeros after
 *  each element, zeros beyond its ends. `before` may be negative. */
zt_node *zt_low_pass(zt_node *x, int axis, int64_t to, int64_t before, const zt_kaiser *k);

/* max_pool.c: [B,T,H,W,C], windows as of conv; pads are never the largest. The gradient goes to the first of equal maxima. */
zt_node *zt_max_pool(zt_node *x, const int kernel[3], const zt_conv_cfg *c);

/* grid_sample.c: x [B,T,H,W,C] read at grid [B,T',H',W',3], places (t,h,w) in pixels: 0 is the centre of the first element, T-1
 * that of the last; between them trilinear (bilinear when T = 1: an axis of size 1 ignores its coordinate). clamp: places beyond
 * the ends are moved to the end (PyTorch's border); else all beyond is zero. PyTorch's grid with align_corners=True has the order
 * (w,h,t) and each coordinate p as 2 p/(size-1) - 1. Jaderberg et al. 2015, arXiv:1506.02025. */
zt_node *zt_grid_sample(zt_node *x, zt_node *grid, bool clamp);
/** Each frame of x [B,T,H,W,C] pulled along flow [B,T,H,W,2], (dx,dy) in pixels: y[..,h,w,:] = x[.., h + dy, w + dx, :]. */
zt_node *zt_warp(zt_node *x, zt_node *flow, bool clamp);

/* norm.c. y = act( norm(x)*gain + bias, then *(1+scale) + shift ). gain/bias [C] or both NULL; scale/shift [B,C] or both NULL.
 * group_norm: x [B,..,C], statistics per sample and group over all other axes. act: 0 none, 1 SiLU.
 * layer_norm: over the last axis; scale/shift [B,C] for x [B,..,C]. rms_norm: over groups of the last axis of size `dim`
 * (dim = C: the whole axis; dim = head size: per head, gain then [dim]). Aux: statistics. */
zt_node *zt_group_norm(zt_node *x, zt_node *gain, zt_node *bias, zt_node *scale, zt_node *shift, int groups, double eps, int act);
zt_node *zt_layer_norm(zt_node *x, zt_node *gain, zt_node *bias, zt_node *scale, zt_node *shift, double eps);
zt_node *zt_rms_norm(zt_node *x, zt_node *gain, int64_t dim, double eps);

/* attention.c: q [O,N,I,D], k,v [O,M,I,D], heads divides D, scale 1/sqrt(D/heads). For every (o,i): softmax(q k' + bias) v over
 * M.
 * I = 1 is ordinary attention over N; O=B, N=T, I=H*W is temporal attention without a transpose.
 * bias [heads,N,M] or NULL; len [O] i32 or NULL: keys m >= len[o] are masked (len >= 1). Never stores N x M in the graph.
 * zt_attention_causal: query n also sees only keys m <= n + M - N, so that with M > N the first M - N keys are a cache of what
 * came before.
 * zt_attention_segments: M = N, and query n also sees only keys of its own segment; segment [G,N] i32, G divides O, row o % G
 * counts for o: sequences packed into one, or windows of which some are cut in pieces (zt_window_attention). */
zt_node *zt_attention(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *len);
zt_node *zt_attention_causal(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *len);
zt_node *zt_attention_segments(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *segment, bool causal);
/** Rotary embedding (Su et al. 2021, arXiv:2104.09864): x [B,N,D], heads of D/heads; angle [N, D/heads/2] (radians, a CONST).
 *  Pairs are neighbours (2j, 2j+1) of each head. inverse turns the other way (the gradient). */
zt_node *zt_rope(zt_node *x, zt_node *angle, int heads, bool inverse);

/* embed.c */
zt_node *zt_embedding(zt_node *ids, zt_node *table); /* ids i32 [..], table [V,D] -> [..,D]; an id outside 0..V-1 reads zeros */
zt_node *zt_timestep(zt_node *t, int dim, double scale);       /* t [B] -> [B,dim]: cos then sin of t*scale*10000^(-j/(dim/2)) */
zt_node *zt_one_hot(zt_node *ids, int64_t classes);     /* ids i32 [..] -> [..,classes]; an id outside 0..classes-1 gives zeros */

/* random.c. seed i32 [2]: key and counter, an INPUT (the run's seed and the step, say). Streams tell uses of one seed apart. */
zt_node *zt_uniform(zt_node *seed, zt_shape sh, int64_t stream);     /* U(0,1), neither end among them */
zt_node *zt_gumbel(zt_node *seed, zt_shape sh, int64_t stream);      /* -log(-log U): arg max of logits + noise draws a class */
/** Zeroes the part p of x at random and scales the rest by 1/(1-p), 0 <= p < 1. */
zt_node *zt_dropout(zt_node *x, double p, zt_node *seed, int64_t stream);

/* loss.c: scalars, means over all elements unless said otherwise. a and b have one shape: what would broadcast is refused. */
zt_node *zt_mse_loss(zt_node *a, zt_node *b);
zt_node *zt_l1_loss(zt_node *a, zt_node *b);
zt_node *zt_charbonnier_loss(zt_node *a, zt_node *b, double eps);    /* sqrt(d^2 + eps^2) (Lai et al. 2017, arXiv:1710.01992) */
zt_node *zt_huber_loss(zt_node *a, zt_node *b, double delta);        /* d^2/2 up to |d| = delta, then a line (Huber 1964) */
/** Binary cross-entropy of logits x against targets in [0,1], which smoothing s draws to (1-s) target + s/2. */
zt_node *zt_bce_logits(zt_node *x, zt_node *target, double smoothing);
/** -sum_k q_k log_probs_k over the last axis, mean over the others. log_probs [..,K]: what log-softmax gives. target [..,K]:
 *  probabilities, q = (1-s) target + s/K with smoothing s (Szegedy et al. 2016, arXiv:1512.00567). */
zt_node *zt_nll(zt_node *log_probs, zt_node *target, double smoothing);
zt_node *zt_cross_entropy(zt_node *log_probs, zt_node *ids, double smoothing);      /* the same for classes ids i32 [..] */
/** InfoNCE (van den Oord et al. 2018, arXiv:1807.03748): log_probs [N,N] over the last axis of similarities (divided by the
 *  temperature); row n's match is column n. CLIP's loss is the mean of this and the same of the transposed matrix. */
zt_node *zt_info_nce(zt_node *log_probs);
/** Hinge losses of a GAN (Lim & Ye 2017, arXiv:1705.02894): of the critic's scores, of any shapes. */
zt_node *zt_hinge_discriminator(zt_node *real, zt_node *fake);
zt_node *zt_hinge_generator(zt_node *fake);
/** KL divergence of N(mean, e^logvar) from N(0,1), summed over all axes but the first, mean over that (Kingma & Welling 2013,
 *  arXiv:1312.6114). */
zt_node *zt_kl_normal(zt_node *mean, zt_node *logvar);

/* softmax.c: over the last axis */
zt_node *zt_softmax(zt_node *x);
zt_node *zt_log_softmax(zt_node *x);
zt_node *zt_log_sum_exp(zt_node *x);                           /* [..,N] -> [..,1] */

/* index.c. Of equal elements the one at the lower position comes first; a NaN counts as minus infinity. Gradients of maxima go to
 * the element taken; positions (i32) have none. */
zt_node *zt_top_k_index(zt_node *x, int64_t k);                /* [..,N] -> i32 [..,k], the largest first */
zt_node *zt_top_k(zt_node *x, int64_t k, zt_node **ids);       /* the values [..,k]; *ids, if wanted: top_k_index */
zt_node *zt_argmax(zt_node *x);                                /* [..,N] -> i32 [..] */
zt_node *zt_max(zt_node *x, int axis);                         /* size 1 along the axis (-1: the last) */
zt_node *zt_min(zt_node *x, int axis);
zt_node *zt_gather(zt_node *x, zt_node *ids);                  /* x[..,N], ids i32 [..,K] -> x[..,ids[..,k]]; outside: 0 */
zt_node *zt_scatter_add(zt_node *x, zt_node *ids, int64_t n);  /* its transpose: x, ids [..,K] -> sums [..,n] */
/** One draw per row from the distribution softmax(logits): logits [..,V], uniform noise U(0,1) of the same shape -> i32 [..].
 *  The Gumbel-max trick: argmax of logits - log(-log u) (Maddison et al. 2014, arXiv:1411.0030). */
zt_node *zt_sample_categorical(zt_node *logits, zt_node *uniform);
/** Logits below the k-th largest of their row become about -1e30, so that they are never drawn; those equal to it stay (Fan et
 *  al. 2018, arXiv:1805.04833). Finite, so that no difference of infinities comes of it. */
zt_node *zt_keep_top_k(zt_node *logits, int64_t k);
/** Nearest entry by Euclidean distance: x [..,D], codebook [V,D] -> i32 [..] (van den Oord et al. 2017, arXiv:1711.00937). The
 *  entries themselves: zt_embedding(ids, codebook). */
zt_node *zt_nearest_code(zt_node *x, zt_node *codebook);

/* optim.c */
zt_node *zt_global_norm(int n, zt_node *const *x);             /* scalar sqrt(sum x^2) over all tensors */
/** AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), in place on p, m, v (leaves). hyper [8] is an INPUT:
 *  lr, beta1, beta2, eps, weight_decay, 1-beta1^t, 1-beta2^t, clip (max global norm; 0: none). norm: the scalar global norm.
 *  A non-finite norm leaves everything untouched. decay = false: no weight decay for this tensor. Result: scalar 0 (an
 *  output). */
zt_node *zt_adamw(zt_node *p, zt_node *m, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay);
/** Adam (Kingma & Ba 2015, arXiv:1412.6980): the same, but weight_decay p is added to the clipped gradient. */
zt_node *zt_adam(zt_node *p, zt_node *m, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay);
/** RMSProp (Tieleman & Hinton 2012), in place on p, v: v = beta2 v + (1-beta2) g^2, p -= lr (g / (sqrt(v) + eps) +
 *  weight_decay p). The rest as of zt_adamw. */
zt_node *zt_rmsprop(zt_node *p, zt_node *v, zt_node *g, zt_node *hyper, zt_node *norm, bool decay);
/** Lion (Chen et al. 2023, arXiv:2302.06675), in place on p, m: p -= lr (sign(beta1 m + (1-beta1) g) + weight_decay p),
 *  m = beta2 m + (1-beta2) g. The rest as of zt_adamw. */
zt_node *zt_lion(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, bool decay);
/** Momentum, in place on m: m = beta m + (1-beta) g; the result, of g's shape, is m or with Nesterov beta m + (1-beta) g. hyper
 *  (its clip), norm: as above; a non-finite norm leaves m alone. */
zt_node *zt_momentum(zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool nesterov);
/** p -= lr (scale u + weight_decay p), in place on p; hyper, norm, decay and the result as of zt_adamw. */
zt_node *zt_descend(zt_node *p, zt_node *u, zt_node *hyper, zt_node *norm, double scale, bool decay);
/** SGD with momentum beta, 0 <= beta < 1: u = beta u + g, p -= lr (u + weight_decay p), with Nesterov lr (g + beta u + ...)
 *  (Sutskever et al. 2013). In place on p and on m, which is (1-beta) u. hyper, norm, decay and the result as of zt_adamw. */
zt_node *zt_sgd(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool nesterov, bool decay);
/** Muon (muon.c), in place on n weights p [..,C] with momenta m of their shapes and gradients g; hyper and norm as of zt_adamw
 *  (of hyper count lr, weight_decay and clip); beta: of the momentum. Result: scalar 0 (an output). */
zt_node *zt_muon(int n, zt_node *const *p, zt_node *const *m, zt_node *const *g, zt_node *hyper, zt_node *norm, double beta);
/** e = e*decay + p*(1-decay) in place on e; decay is an INPUT scalar. `after`: the node that updated p. */
zt_node *zt_ema(zt_node *e, zt_node *p, zt_node *decay, zt_node *norm, zt_node *after);
/** p = x in place on p (a parameter or state); result: scalar 0 (an output). Nodes emitted before read the old value, later ones
 *  the new; gradient rules of earlier nodes count as later, so that p should only be read where no gradient is wanted. */
zt_node *zt_assign(zt_node *p, zt_node *x);
/** p[o, row[o] .. row[o]+N-1] = x[o] in place on p [O,M,..]; x [O,N,..], row [O] i32; rows outside 0..M-1 are left out. The rest
 *  as of zt_assign. What comes of it is a cache that grows by a row each run (zt_cached_attention). */
zt_node *zt_assign_rows(zt_node *p, zt_node *x, zt_node *row);
#endif
