/* index.c - positions as values: the largest elements of rows of the last axis, look-up at positions and its transpose; on them
 * stand maxima over axes, draws from a categorical distribution and the nearest entry of a codebook. Inputs and attributes:
 * attrs.h. Positions are i32 and carry no gradient; values that are looked up do, to the element they came from. Tested by
 * tests/ops/test_ops_sweep.c and tests/ops/test_ops_index.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* The order of top_k: the larger first; of equal ones the lower position. A NaN counts as minus infinity. */
static bool index_before(const real *x, int64_t a, int64_t b) {
    const double va = isnan(x[a]) ? -INFINITY : x[a], vb = isnan(x[b]) ? -INFINITY : x[b];
    return va > vb || (va == vb && a < b);
}

/* y[..,k] = position of number k of x[..,:] in that order */
void REF(top_k_index)(const zt_node *n) {
    const int64_t N = zt_last(&n->in[0]->sh), K = n->at.i[0], rows = zt_rows(&n->sh);
    for (int64_t r = 0; r < rows; r++) {
        const real *x = (const real *)n->in[0]->x + r * N;
        int32_t *y = (int32_t *)n->x + r * K;
        for (int64_t k = 0; k < K; k++) {
            int64_t best = -1;
            for (int64_t c = 0; c < N; c++)
                if ((k == 0 || index_before(x, y[k - 1], c)) && (best < 0 || index_before(x, c, best))) best = c;
            y[k] = (int32_t)best;
        }
    }
}

/* y[..,k] = x[..,ids[..,k]], 0 for an id outside the axis */
void REF(gather)(const zt_node *n) {
    const int64_t N = zt_last(&n->in[0]->sh), K = zt_last(&n->sh), count = zt_numel(&n->sh);
    const int32_t *ids = n->in[1]->x;
    for (int64_t k = 0; k < count; k++)
        ((real *)n->x)[k] = ids[k] >= 0 && ids[k] < N ? ((const real *)n->in[0]->x)[k / K * N + ids[k]] : 0;
}

/* y[..,j] = sum of x[..,k] over the k with ids[..,k] = j */
void REF(scatter_add)(const zt_node *n) {
    const int64_t N = zt_last(&n->sh), K = zt_last(&n->in[0]->sh), count = zt_numel(&n->sh);
    for (int64_t j = 0; j < count; j++) {
        const real *x = (const real *)n->in[0]->x + j / N * K;
        const int32_t *ids = (const int32_t *)n->in[1]->x + j / N * K;
        double sum = 0;
        for (int64_t k = 0; k < K; k++)
            if (ids[k] == j % N) sum += x[k];
        ((real *)n->x)[j] = (real)sum;
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_top_k_index(zt_node *x, int64_t k) {
    return zt_emit1(x->g, &zt_def_top_k_index, x, &((zt_attr){.i = {k}}));
}
zt_node *zt_gather(zt_node *x, zt_node *ids) {
    return zt_emit2(x->g, &zt_def_gather, x, ids, NULL);
}
zt_node *zt_scatter_add(zt_node *x, zt_node *ids, int64_t n) {
    return zt_emit2(x->g, &zt_def_scatter_add, x, ids, &((zt_attr){.i = {n}}));
}

zt_node *zt_top_k(zt_node *x, int64_t k, zt_node **ids) {
    zt_node *at = zt_top_k_index(x, k);
    if (ids) *ids = at;
    return zt_gather(x, at);
}

zt_node *zt_argmax(zt_node *x) {
    zt_node *at = zt_top_k_index(x, 1);
    return zt_reshape(at, zt_shape_of(at->sh.n ? at->sh.n - 1 : 0, at->sh.d));
}

zt_node *zt_max(zt_node *x, int axis) { /* brought to the end, the axis is searched there */
    const int rank = x->sh.n, at = axis < 0 ? axis + rank : axis;
    int order[ZT_MAX_DIM] = {0};
    zt_shape sh = x->sh;
    if (at < 0 || at >= rank)
        return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "max: x is %s, which has no axis %d", zt_shape_text(&sh), axis));
    for (int k = 0; k < rank; k++) order[k] = k < at ? k : k < rank - 1 ? k + 1 : at;
    sh.d[at] = 1;
    return zt_reshape(zt_top_k(at < rank - 1 ? zt_permute(x, order) : x, 1, NULL), sh);
}
zt_node *zt_min(zt_node *x, int axis) {
    return zt_neg(zt_max(zt_neg(x), axis));
}

zt_node *zt_sample_categorical(zt_node *logits, zt_node *uniform) { /* noise within (0,1): no logarithm may be infinite */
    zt_node *inside = zt_affine(uniform, 1 - 2e-7, 1e-7);
    return zt_argmax(zt_sub(logits, zt_ln(zt_neg(zt_ln(inside)))));
}

zt_node *zt_keep_top_k(zt_node *logits, int64_t k) {
    zt_node *least = zt_slice(zt_top_k(logits, k, NULL), -1, k - 1, 1);
    zt_node *below = zt_emit1(logits->g, &zt_def_step, zt_neg(zt_sub(logits, least)), NULL);
    return zt_add(logits, zt_affine(below, -1e30, 0));
}

zt_node *zt_nearest_code(zt_node *x, zt_node *codebook) { /* least |x|^2 - 2 x.c + |c|^2 */
    if (codebook->sh.n != 2)
        return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "nearest_code: the codebook must be [V,D]; it is %s",
                                           zt_shape_text(&codebook->sh)));
    zt_node *dot = zt_matmul(x, codebook, false, true);
    dot->multiply = ZT_F32; /* codes may lie closer to each other than bf16 tells apart */
    zt_node *size = zt_reshape(zt_sum_to(zt_square(codebook), zt_sh(codebook->sh.d[0], 1)), zt_sh(codebook->sh.d[0]));
    return zt_argmax(zt_sub(zt_affine(dot, 2, 0), size));
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err top_k_index_shape(zt_node *n) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    const zt_shape *x = &n->in[0]->sh;
    if (zt_last(x) > INT32_MAX)
        return zt_fail(ZT_SHAPE, "top_k_index: the last axis of x, which is %s, is too long for i32 positions", zt_shape_text(x));
    if (x->n < 1 || n->at.i[0] < 1 || n->at.i[0] > zt_last(x))
        return zt_fail(ZT_SHAPE, "top_k_index: k must be 1 to the size of the last axis; it is %lld and x is %s",
                       (long long)n->at.i[0], zt_shape_text(x));
    return zt_op_set(n, ZT_I32, zt_op_with_last(x, n->at.i[0]));
}

/* ids are i32 and have the axes of input 0, whose last has `size` in the result. */
static zt_err looked_up_shape(zt_node *n, int64_t size) {
    const zt_err e = zt_op_want_reals(n, 0, 1);
    if (e != ZT_OK) return e;
    const zt_shape *x = &n->in[0]->sh, *ids = &n->in[1]->sh;
    const zt_shape like = zt_op_with_last(x, zt_last(ids));
    if (n->in[1]->dtype != ZT_I32)
        return zt_fail(ZT_ARG, "%s: ids must be i32; they are %s", n->op->name, zt_dtype_name(n->in[1]->dtype));
    if (x->n < 1 || !zt_same_shape(&like, ids))
        return zt_fail(ZT_SHAPE, "%s: ids must have the other input's axes before the last; they are %s, it is %s", n->op->name,
                       zt_shape_text(ids), zt_shape_text(x));
    return zt_op_set(n, n->in[0]->dtype, zt_op_with_last(x, size));
}
static zt_err gather_shape(zt_node *n) {
    return looked_up_shape(n, zt_last(&n->in[1]->sh));
}
static zt_err scatter_add_shape(zt_node *n) {
    const zt_err e = zt_op_want_shape(n, 0, "x (that of ids)", n->in[1]->sh);
    return e != ZT_OK ? e : looked_up_shape(n, n->at.i[0]);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void gather_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[0] = zt_scatter_add(dy, n->in[1], zt_last(&n->in[0]->sh)); }
static void scatter_add_grad(zt_node *n, zt_node *d, zt_node **dx) { dx[0] = zt_gather(d, n->in[1]); }

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_shape gen_rows(zt_rng *r) { /* at least one axis, the last now and then long */
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 1, 4), 5);
    sh.d[sh.n - 1] = zt_gen_size(r, zt_rng_int(r, 0, 9) ? 70 : 900);
    if (sh.n > 1 && zt_rng_int(r, 0, 9) == 0) sh.d[0] = zt_rng_int(r, 100, 600);
    return sh;
}

/* Few different values, minus infinity and NaN among them: order among equals counts. */
static zt_node *gen_ties(zt_graph *g, zt_rng *r, zt_shape sh) {
    const int64_t count = zt_numel(&sh);
    double *v = zt_graph_alloc(g, (size_t)count * sizeof *v);
    if (!v) return zt_gen_value(g, sh);
    for (int64_t k = 0; k < count; k++) {
        const int64_t level = zt_rng_int(r, -2, 2);
        v[k] = level == -2 ? -INFINITY : level == 2 ? NAN : (double)level;
    }
    return zt_const(g, zt_graph_real(g), sh, v);
}

static zt_node *top_k_index_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = gen_rows(r);
    const int64_t k = zt_gen_size(r, zt_gen_coin(r) && zt_last(&sh) > 5 ? 5 : zt_last(&sh));
    return zt_top_k_index(zt_gen_coin(r) ? zt_gen_value(g, sh) : gen_ties(g, r, sh), k);
}

static zt_node *gen_positions(zt_graph *g, zt_rng *r, zt_shape rows, int64_t size) { /* now and then beyond the axis */
    return zt_gen_index(g, zt_op_with_last(&rows, zt_gen_size(r, 40)), size + (zt_gen_coin(r) ? 2 : 0));
}
static zt_node *gather_gen(zt_graph *g, zt_rng *r) {
    zt_node *x = zt_gen_value(g, gen_rows(r));
    return zt_gather(x, gen_positions(g, r, x->sh, zt_last(&x->sh)));
}
static zt_node *scatter_add_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = gen_rows(r);
    zt_node *ids = gen_positions(g, r, sh, zt_last(&sh));
    return zt_scatter_add(zt_gen_value(g, ids->sh), ids, zt_last(&sh));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
const zt_op_def zt_def_top_k_index = {.id = ZT_OP_top_k_index, .name = "top_k_index",
    .doc = "positions (i32) of the k largest over the last axis, largest first, of equal ones the lower first",
    .min_in = 1, .max_in = 1, .flags = ZT_OPF_INDEX, .shape = top_k_index_shape, .ref = ZT_REFS(top_k_index),
    .gen = top_k_index_gen, .tol = 1e-6};
const zt_op_def zt_def_gather = {.id = ZT_OP_gather, .name = "gather",
    .doc = "x:[..,N], ids:[..,K] i32 -> x[..,ids[..,k]]; 0 for ids outside the axis", .min_in = 2, .max_in = 2,
    .shape = gather_shape, .ref = ZT_REFS(gather), .grad = gather_grad, .gen = gather_gen, .tol = 1e-6};
const zt_op_def zt_def_scatter_add = {.id = ZT_OP_scatter_add, .name = "scatter_add",
    .doc = "x, ids:[..,K] -> [..,N]: sums of the x that ids send to each position; the transpose of gather",
    .min_in = 2, .max_in = 2, .shape = scatter_add_shape, .ref = ZT_REFS(scatter_add), .grad = scatter_add_grad,
    .gen = scatter_add_gen, .tol = 1e-5};
#endif
