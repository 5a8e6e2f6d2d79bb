/* ops.c - the op table made from ops.def, and the helpers of common.h. The ops themselves are in the family files.
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/ops.h"
#include "ops/attrs.h"
#include "ops/common.h"

const zt_op_def *zt_op_at(int id) {
    static const zt_op_def *const table[ZT_OP_COUNT] = {
#define ZT_OP(name) [ZT_OP_##name] = &zt_def_##name,
#include "ops/ops.def"
#undef ZT_OP
    };
    return table[id];
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
zt_err zt_op_want_reals(const zt_node *n, int first, int count) {
    for (int k = first; k < first + count; k++) {
        const zt_dtype t = n->in[k]->dtype;
        if (t == ZT_I32 || t != n->in[first]->dtype)
            return zt_fail(ZT_ARG, "%s: input %d is %s; it must be real and of the other inputs' type", n->op->name, k,
                           zt_dtype_name(t));
    }
    return ZT_OK;
}

zt_err zt_op_want_shape(const zt_node *n, int k, const char *what, zt_shape want) {
    const zt_shape *sh = &n->in[k]->sh;
    if (zt_same_shape(sh, &want)) return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: %s must be %s; it is %s", n->op->name, what, zt_shape_text(&want), zt_shape_text(sh));
}

zt_err zt_op_want_rank(const zt_node *n, int k, const char *what, int rank) {
    const zt_shape *sh = &n->in[k]->sh;
    if (sh->n == rank) return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: %s must have %d axes; it is %s", n->op->name, what, rank, zt_shape_text(sh));
}

zt_err zt_op_want_mutable(const zt_node *n, int k, const char *what) {
    const zt_role role = n->in[k]->role;
    if (role == ZT_PARAM || role == ZT_STATE) return ZT_OK;
    return zt_fail(ZT_ARG, "%s: %s is written in place, so it must be a parameter or a state", n->op->name, what);
}

zt_err zt_op_want_inputs(const zt_node *n, int count) {
    if (n->n_in == count) return ZT_OK;
    return zt_fail(ZT_INTERNAL, "%s: the attributes announce %d inputs; got %d", n->op->name, count, n->n_in);
}

zt_err zt_op_set(zt_node *n, zt_dtype t, zt_shape sh) {
    const int64_t most = (int64_t)1 << 40; /* elements; keeps every byte and index computation far from overflow */
    int64_t numel = 1;
    for (int k = 0; k < sh.n; k++) {
        if (sh.d[k] < 1 || sh.d[k] > most / numel)
            return zt_fail(ZT_SHAPE, "%s: the result would be %s; every size must be at least 1 and the whole below "
                           "2^40 elements", n->op->name, zt_shape_text(&sh));
        numel *= sh.d[k];
    }
    n->dtype = t;
    n->sh = sh;
    return ZT_OK;
}

zt_err zt_op_windows(const zt_node *n, const int64_t *x, const int64_t *kernel, const int64_t *dilation, int64_t *out) {
    const int64_t most = 1 << 20;
    for (int k = 0; k < 3; k++) {
        const int64_t s = n->at.i[ZT_CONV_STRIDE + k], a = n->at.i[ZT_CONV_BEFORE + k], b = n->at.i[ZT_CONV_AFTER + k];
        const int64_t d = dilation ? dilation[k] : 1;
        if (s < 1 || a < 0 || b < 0 || a > most || b > most || x[k] < 1 || kernel[k] < 1 || kernel[k] > most || d < 1 ||
            d > most || (kernel[k] - 1) * d + 1 > x[k] + a + b)
            return zt_fail(ZT_SHAPE, "%s: axis %c of size %lld, kernel %lld, dilation %lld, stride %lld, pads %lld and %lld: the "
                           "kernel must fit into the padded size, stride and dilation be at least 1", n->op->name, "thw"[k],
                           (long long)x[k], (long long)kernel[k], (long long)d, (long long)s, (long long)a, (long long)b);
        out[k] = (x[k] + a + b - (kernel[k] - 1) * d - 1) / s + 1;
    }
    return ZT_OK;
}

void zt_op_add_aux(zt_node *n, zt_shape sh) {
    n->aux_sh[n->n_aux++] = sh;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */
bool zt_op_broadcasts(const zt_shape *b, const zt_shape *a) {
    if (b->n > a->n) return false;
    for (int k = 1; k <= b->n; k++) {
        const int64_t d = b->d[b->n - k];
        if (d != 1 && d != a->d[a->n - k]) return false;
    }
    return true;
}

zt_shape zt_op_with_last(const zt_shape *x, int64_t last) {
    zt_shape sh = *x;
    if (sh.n) sh.d[sh.n - 1] = last;
    return sh;
}

zt_attr zt_op_dims_attr(zt_shape sh) {
    zt_attr at = {.i = {sh.n}};
    for (int k = 0; k < ZT_MAX_DIM; k++) at.i[k + 1] = k < sh.n ? sh.d[k] : 1;
    return at;
}

zt_shape zt_op_dims(const zt_node *n) {
    return zt_shape_of((int)n->at.i[0], n->at.i + 1);
}

zt_node *zt_op_sum_like(zt_node *dy, const zt_node *x) {
    return zt_same_shape(&dy->sh, &x->sh) ? dy : zt_sum_to(dy, x->sh);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
bool zt_gen_coin(zt_rng *r) {
    return zt_rng_int(r, 0, 1) == 1;
}

int64_t zt_gen_size(zt_rng *r, int64_t max) {
    return zt_rng_int(r, 0, 3) == 0 ? 1 : zt_rng_int(r, 1, max);
}

zt_shape zt_gen_shape(zt_rng *r, int rank, int64_t max) {
    zt_shape sh = zt_shape_of(0, NULL);
    sh.n = rank;
    for (int k = 0; k < rank; k++) sh.d[k] = zt_gen_size(r, max);
    return sh;
}

zt_shape zt_gen_any_shape(zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 0, 5), 5);
    if (sh.n) sh.d[sh.n - 1] = zt_gen_size(r, 70);
    if (sh.n && zt_rng_int(r, 0, 19) == 0) {
        const int axis = (int)zt_rng_int(r, 0, sh.n - 1);
        sh = zt_gen_shape(r, sh.n, 2);
        sh.d[axis] = zt_rng_int(r, 1000, 40000);
    }
    return sh;
}

zt_shape zt_gen_broadcast(zt_rng *r, zt_shape sh) {
    if (zt_rng_int(r, 0, 3) == 0) return sh;
    const int dropped = (int)zt_rng_int(r, 0, sh.n);
    zt_shape b = zt_shape_of(sh.n - dropped, sh.d + dropped);
    for (int k = 0; k < b.n; k++)
        if (zt_gen_coin(r)) b.d[k] = 1;
    return b;
}

zt_node *zt_gen_value(zt_graph *g, zt_shape sh) {
    zt_node *x = zt_gen_real(g, sh);
    return (zt_numel(&sh) + zt_graph_size(g)) % 2 ? zt_neg(x) : x;
}

zt_node *zt_gen_stretched(zt_graph *g, zt_rng *r, zt_shape sh) {
    static const double scales[] = {1, 1, 5, 25};
    const double scale = scales[zt_rng_int(r, 0, 3)];
    zt_node *x = zt_gen_value(g, sh);
    return scale > 1 ? zt_affine(x, scale, 0) : x;
}

zt_node *zt_gen_positive(zt_graph *g, zt_shape sh) {
    return zt_affine(zt_square(zt_gen_real(g, sh)), 1, 0.3);
}

zt_node *zt_gen_whole(zt_graph *g, zt_rng *r, zt_shape sh, int64_t lo, int64_t hi) {
    const int64_t n = zt_numel(&sh);
    double *v = zt_graph_alloc(g, (size_t)n * sizeof *v);
    if (!v) return zt_graph_fail(g, ZT_NOMEM);
    for (int64_t k = 0; k < n; k++) v[k] = (double)zt_rng_int(r, lo, hi);
    return zt_const(g, zt_graph_real(g), sh, v);
}

zt_node *zt_gen_signed(zt_graph *g, zt_rng *r, zt_shape sh) {
    zt_node *x = zt_gen_positive(g, sh);
    return zt_mul(x, zt_gen_whole(g, r, sh, -1, 1));
}
