/* reduce.c - sums over axes and their inverse, repeating along axes; running sums. Inputs and attributes: attrs.h.
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* y[j] = sum of the x elements that broadcast_to would copy y[j] to. One output at a time, so that the sum is a double. */
void REF(sum_to)(const zt_node *n) {
    const zt_shape *sx = &n->in[0]->sh, *sy = &n->sh;
    const real *x = n->in[0]->x;
    const int64_t outputs = zt_numel(sy), each = zt_numel(sx) / outputs;
    for (int64_t j = 0; j < outputs; j++) {
        double sum = 0;
        for (int64_t k = 0; k < each; k++) {
            int64_t at = 0, stride = 1, kept = j, summed = k;
            for (int axis = 1; axis <= sx->n; axis++) {
                const int64_t size = sx->d[sx->n - axis], out = axis <= sy->n ? sy->d[sy->n - axis] : 1;
                int64_t *from = out == size ? &kept : &summed;
                at += *from % size * stride;
                *from /= size;
                stride *= size;
            }
            sum += x[at];
        }
        ((real *)n->x)[j] = (real)sum;
    }
}

void REF(broadcast_to)(const zt_node *n) {
    const int64_t count = zt_numel(&n->sh);
    for (int64_t k = 0; k < count; k++)
        ((real *)n->x)[k] = ((const real *)n->in[0]->x)[zt_bcast_index(&n->sh, &n->in[0]->sh, k)];
}

/* y[j] = sum of x[k] over k <= j along the axis; exclusive: k < j; reverse: k >= j or k > j */
void REF(cumsum)(const zt_node *n) {
    int64_t outer, inner;
    zt_around_axis(&n->sh, (int)n->at.i[0], &outer, &inner);
    const int64_t size = n->sh.d[n->at.i[0]];
    for (int64_t line = 0; line < outer * inner; line++) {
        double sum = 0;
        for (int64_t k = 0; k < size; k++) {
            const int64_t j = n->at.i[2] ? size - 1 - k : k, at = (line / inner * size + j) * inner + line % inner;
            const double before = sum;
            sum += ((const real *)n->in[0]->x)[at];
            ((real *)n->x)[at] = (real)(n->at.i[1] ? before : sum);
        }
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_sum_to(zt_node *x, zt_shape sh) {
    const zt_attr at = zt_op_dims_attr(sh);
    return zt_emit1(x->g, &zt_def_sum_to, x, &at);
}
zt_node *zt_broadcast_to(zt_node *x, zt_shape sh) {
    const zt_attr at = zt_op_dims_attr(sh);
    return zt_emit1(x->g, &zt_def_broadcast_to, x, &at);
}
zt_node *zt_sum(zt_node *x) {
    return zt_sum_to(x, zt_shape_of(0, NULL));
}
zt_node *zt_mean_to(zt_node *x, zt_shape sh) {
    return zt_affine(zt_sum_to(x, sh), (double)zt_numel(&sh) / (double)zt_numel(&x->sh), 0);
}
zt_node *zt_mean(zt_node *x) {
    return zt_mean_to(x, zt_shape_of(0, NULL));
}
zt_node *zt_variance_to(zt_node *x, zt_shape sh) {
    return zt_mean_to(zt_square(zt_sub(x, zt_mean_to(x, sh))), sh);
}
zt_node *zt_cumsum(zt_node *x, int axis, bool exclusive, bool reverse) {
    return zt_emit1(x->g, &zt_def_cumsum, x, &((zt_attr){.i = {axis < 0 ? axis + x->sh.n : axis, exclusive, reverse}}));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
static zt_err sum_to_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    const zt_shape sh = zt_op_dims(n);
    if (!zt_op_broadcasts(&sh, &n->in[0]->sh))
        return zt_fail(ZT_SHAPE, "sum_to: the result %s must have size 1 or x's size on every axis; x is %s", zt_shape_text(&sh),
                       zt_shape_text(&n->in[0]->sh));
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err broadcast_to_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    const zt_shape sh = zt_op_dims(n);
    if (!zt_op_broadcasts(&n->in[0]->sh, &sh))
        return zt_fail(ZT_SHAPE, "broadcast_to: x is %s, which does not broadcast to %s", zt_shape_text(&n->in[0]->sh),
                       zt_shape_text(&sh));
    return zt_op_set(n, n->in[0]->dtype, sh);
}

static zt_err cumsum_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    if (n->at.i[0] < 0 || n->at.i[0] >= n->in[0]->sh.n)
        return zt_fail(ZT_SHAPE, "cumsum: x is %s, which has no axis %lld", zt_shape_text(&n->in[0]->sh), (long long)n->at.i[0]);
    return zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

static void sum_to_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_broadcast_to(dy, n->in[0]->sh); }
static void broadcast_to_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_sum_to(dy, n->in[0]->sh); }
static void cumsum_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* x[k] is in the sums on its other side */
    dx[0] = zt_cumsum(dy, (int)n->at.i[0], n->at.i[1], !n->at.i[2]);
}

static zt_node *sum_to_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    return zt_sum_to(zt_gen_value(g, sh), zt_gen_broadcast(r, sh));
}
static zt_node *broadcast_to_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    return zt_broadcast_to(zt_gen_value(g, zt_gen_broadcast(r, sh)), sh);
}
static zt_node *cumsum_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_any_shape(r);
    if (!sh.n) sh = zt_sh(zt_gen_size(r, 300));
    const int axis = (int)zt_rng_int(r, 0, sh.n - 1);
    const bool exclusive = zt_gen_coin(r);
    return zt_cumsum(zt_gen_value(g, sh), axis, exclusive, zt_gen_coin(r));
}

const zt_op_def zt_def_sum_to = {.id = ZT_OP_sum_to, .name = "sum_to",
    .doc = "sum over the axes that are 1 or absent in the target", .min_in = 1, .max_in = 1,
    .shape = sum_to_shape, .ref = ZT_REFS(sum_to), .grad = sum_to_grad, .gen = sum_to_gen, .tol = 1e-5};
const zt_op_def zt_def_broadcast_to = {.id = ZT_OP_broadcast_to, .name = "broadcast_to",
    .doc = "repeat along axes of size 1 or absent", .min_in = 1, .max_in = 1,
    .flags = ZT_OPF_CHEAP, .shape = broadcast_to_shape, .ref = ZT_REFS(broadcast_to), .grad = broadcast_to_grad,
    .gen = broadcast_to_gen, .tol = 1e-6};
const zt_op_def zt_def_cumsum = {.id = ZT_OP_cumsum, .name = "cumsum",
    .doc = "running sums along an axis, with or without the element itself, from the start or the end", .min_in = 1, .max_in = 1,
    .shape = cumsum_shape, .ref = ZT_REFS(cumsum), .grad = cumsum_grad, .gen = cumsum_gen, .tol = 1e-6};
#endif
