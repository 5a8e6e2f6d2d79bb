/* common.h - what the op families share: checks for shape rules, shapes kept in attributes, random sizes for generators. Not for
 * use outside ops. */
#ifndef ZT_OPS_COMMON_H
#define ZT_OPS_COMMON_H
#include "ops/ops.h"

/** Inputs first..first+count-1 have one real type. */
zt_err zt_op_want_reals(const zt_node *n, int first, int count);
/** Input k has shape `want`; `what` names it in the error. */
zt_err zt_op_want_shape(const zt_node *n, int k, const char *what, zt_shape want);
/** Input k has exactly `rank` axes. */
zt_err zt_op_want_rank(const zt_node *n, int k, const char *what, int rank);
/** Input k, which is written in place, is a parameter or a state. */
zt_err zt_op_want_mutable(const zt_node *n, int k, const char *what);
/** Exactly `count` inputs (the optional ones that the attributes announce). */
zt_err zt_op_want_inputs(const zt_node *n, int count);
/** Output sizes (T,H,W) of windows over x's T,H,W with the strides and pads of attrs.h: conv; dilation NULL: 1. Fails when one is
 *  impossible. */
zt_err zt_op_windows(const zt_node *n, const int64_t *x, const int64_t *kernel, const int64_t *dilation, int64_t *out);
/** The primary output is `sh` of type t. Fails when a size is below 1 or the tensor would be absurdly large. */
zt_err zt_op_set(zt_node *n, zt_dtype t, zt_shape sh);
/** The next aux output has shape `sh`. */
void zt_op_add_aux(zt_node *n, zt_shape sh);

/** b (aligned at the last axis, sizes 1 or equal, no more axes) broadcasts to a. */
bool zt_op_broadcasts(const zt_shape *b, const zt_shape *a);
/** x.leading axes + [last]. */
zt_shape zt_op_with_last(const zt_shape *x, int64_t last);
/** Shape as attributes 0.. (attrs.h: dims) and back. */
zt_attr zt_op_dims_attr(zt_shape sh);
zt_shape zt_op_dims(const zt_node *n);
/** Gradient dy of a broadcast operand x: summed to x's shape when that differs. */
zt_node *zt_op_sum_like(zt_node *dy, const zt_node *x);

/** Gradient rule of group_norm_dx, layer_norm_dx and rms_norm_dx (norm_dx.c). */
void zt_op_norm_dx_grad(zt_node *n, zt_node *d, zt_node **dx);

bool zt_gen_coin(zt_rng *r);
/** 1..max; 1 in a quarter of the cases. */
int64_t zt_gen_size(zt_rng *r, int64_t max);
/** `rank` sizes 1..max. */
zt_shape zt_gen_shape(zt_rng *r, int rank, int64_t max);
/** Rank 0..5, small; now and then one long axis (thousands: loop tails, several threads). */
zt_shape zt_gen_any_shape(zt_rng *r);
/** A random shape that broadcasts to sh: equal, or with axes dropped in front and some set to 1. */
zt_shape zt_gen_broadcast(zt_rng *r, zt_shape sh);
/** A fresh input with values U(-1,1): the leaf itself or, for every other shape, a result computed from it, whose storage an
 *  overwriting op may take. */
zt_node *zt_gen_value(zt_graph *g, zt_shape sh);
/** A fresh input, as it is or stretched to several times its range (saturated ends of activations). */
zt_node *zt_gen_stretched(zt_graph *g, zt_rng *r, zt_shape sh);
/** A fresh input made positive: x*x + 0.3. */
zt_node *zt_gen_positive(zt_graph *g, zt_shape sh);
/** A fresh input of every sign, 0 among them, but never so near 0 that a finite difference crosses it. */
zt_node *zt_gen_signed(zt_graph *g, zt_rng *r, zt_shape sh);
/** A constant of random whole numbers lo..hi. */
zt_node *zt_gen_whole(zt_graph *g, zt_rng *r, zt_shape sh, int64_t lo, int64_t hi);
#endif
