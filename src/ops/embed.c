/* embed.c - table look-up with its gradient, one-hot vectors, and the sinusoidal embedding of a diffusion time (Ho et al. 2020,
 * arXiv:2006.11239, after Vaswani et al. 2017). Inputs and attributes: attrs.h. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* y[k,:] = table[ids[k],:], zeros for an id outside the table */
void REF(embedding)(const zt_node *n) {
    const int64_t V = n->in[1]->sh.d[0], D = n->in[1]->sh.d[1], count = zt_numel(&n->in[0]->sh);
    const int32_t *ids = n->in[0]->x;
    for (int64_t k = 0; k < count; k++) {
        const bool there = ids[k] >= 0 && ids[k] < V;
        for (int64_t d = 0; d < D; d++) ((real *)n->x)[k * D + d] = there ? ((const real *)n->in[1]->x)[ids[k] * D + d] : 0;
    }
}

/* y[v,:] = sum of dy[k,:] over the k with ids[k] = v */
void REF(embedding_dw)(const zt_node *n) {
    const int64_t V = n->sh.d[0], D = n->sh.d[1], count = zt_numel(&n->in[0]->sh);
    const int32_t *ids = n->in[0]->x;
    for (int64_t v = 0; v < V; v++)
        for (int64_t d = 0; d < D; d++) {
            double sum = 0;
            for (int64_t k = 0; k < count; k++)
                if (ids[k] == v) sum += ((const real *)n->in[1]->x)[k * D + d];
            ((real *)n->x)[v * D + d] = (real)sum;
        }
}

/* y[b,j] = cos(t[b] f[j]), y[b,half+j] = sin(t[b] f[j]), f[j] = scale 10000^(-j/half) */
void REF(timestep)(const zt_node *n) {
    const int64_t B = n->sh.d[0], half = n->at.i[0] / 2;
    for (int64_t b = 0; b < B; b++)
        for (int64_t j = 0; j < half; j++) {
            const double turn = ((const real *)n->in[0]->x)[b] * n->at.f[0] * pow(10000, -(double)j / (double)half);
            ((real *)n->x)[b * 2 * half + j] = (real)cos(turn);
            ((real *)n->x)[b * 2 * half + half + j] = (real)sin(turn);
        }
}

/* y[k,c] = 1 where c = ids[k], else 0 */
void REF(one_hot)(const zt_node *n) {
    const int64_t K = n->at.i[0], count = zt_numel(&n->in[0]->sh);
    const int32_t *ids = n->in[0]->x;
    for (int64_t k = 0; k < count; k++)
        for (int64_t c = 0; c < K; c++) ((real *)n->x)[k * K + c] = ids[k] == c;
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_embedding(zt_node *ids, zt_node *table) {
    return zt_emit2(ids->g, &zt_def_embedding, ids, table, NULL);
}
static zt_node *embedding_dw(zt_node *ids, zt_node *dy, int64_t V) {
    return zt_emit2(ids->g, &zt_def_embedding_dw, ids, dy, &((zt_attr){.i = {V}}));
}
zt_node *zt_timestep(zt_node *t, int dim, double scale) {
    return zt_emit1(t->g, &zt_def_timestep, t, &((zt_attr){.i = {dim}, .f = {scale}}));
}
zt_node *zt_one_hot(zt_node *ids, int64_t classes) {
    return zt_emit1(ids->g, &zt_def_one_hot, ids, &((zt_attr){.i = {classes}}));
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
static zt_err check_ids(const zt_node *n) {
    const zt_node *ids = n->in[0];
    if (ids->dtype == ZT_I32 && ids->sh.n < ZT_MAX_DIM) return ZT_OK;
    return zt_fail(ZT_ARG, "%s: ids must be i32 with fewer than %d axes; they are %s %s", n->op->name, ZT_MAX_DIM,
                   zt_dtype_name(ids->dtype), zt_shape_text(&ids->sh));
}

static zt_shape ids_with(const zt_node *ids, int64_t D) {
    zt_shape sh = ids->sh;
    sh.d[sh.n++] = D;
    return sh;
}

static zt_err embedding_shape(zt_node *n) {
    zt_err e = check_ids(n);
    if (e == ZT_OK) e = zt_op_want_reals(n, 1, 1);
    if (e == ZT_OK) e = zt_op_want_rank(n, 1, "table ([V,D])", 2);
    return e != ZT_OK ? e : zt_op_set(n, n->in[1]->dtype, ids_with(n->in[0], n->in[1]->sh.d[1]));
}

static zt_err embedding_dw_shape(zt_node *n) {
    zt_err e = check_ids(n);
    if (e == ZT_OK) e = zt_op_want_reals(n, 1, 1);
    const int64_t D = zt_last(&n->in[1]->sh);
    if (e == ZT_OK) e = zt_op_want_shape(n, 1, "dy", ids_with(n->in[0], D));
    return e != ZT_OK ? e : zt_op_set(n, n->in[1]->dtype, zt_sh(n->at.i[0], D));
}

static zt_err timestep_shape(zt_node *n) {
    zt_err e = zt_op_want_reals(n, 0, 1);
    if (e == ZT_OK) e = zt_op_want_rank(n, 0, "t ([B])", 1);
    if (e != ZT_OK) return e;
    if (n->at.i[0] < 2 || n->at.i[0] % 2)
        return zt_fail(ZT_SHAPE, "timestep: the width must be even and at least 2; it is %lld", (long long)n->at.i[0]);
    return zt_op_set(n, n->in[0]->dtype, zt_sh(n->in[0]->sh.d[0], n->at.i[0]));
}

static zt_err one_hot_shape(zt_node *n) {
    const zt_err e = check_ids(n);
    return e != ZT_OK ? e : zt_op_set(n, zt_graph_real(n->g), ids_with(n->in[0], n->at.i[0]));
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void embedding_grad(zt_node *n, zt_node *dy, zt_node **dx) { dx[1] = embedding_dw(n->in[0], dy, n->in[1]->sh.d[0]); }
static void embedding_dw_grad(zt_node *n, zt_node *d, zt_node **dx) { dx[1] = zt_embedding(n->in[0], d); }

static void timestep_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* dt[b] = sum_j f[j] (cos dsin - sin dcos) */
    const int64_t B = n->sh.d[0], half = n->at.i[0] / 2;
    double *f = zt_graph_alloc(n->g, (size_t)half * sizeof *f);
    if (!f) return;
    for (int64_t j = 0; j < half; j++) f[j] = n->at.f[0] * pow(10000, -(double)j / (double)half);
    zt_node *c = zt_slice(n, 1, 0, half), *s = zt_slice(n, 1, half, half);
    zt_node *dc = zt_slice(dy, 1, 0, half), *ds = zt_slice(dy, 1, half, half);
    zt_node *turn = zt_sub(zt_mul(c, ds), zt_mul(s, dc));
    zt_node *each = zt_mul(turn, zt_const(n->g, n->dtype, zt_sh(half), f));
    dx[0] = zt_reshape(zt_sum_to(each, zt_sh(B, 1)), n->in[0]->sh);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_node *gen_ids(zt_graph *g, zt_rng *r, int64_t V) { /* now and then ids beyond the table: they read zeros */
    const int64_t extra = zt_gen_coin(r) ? 2 : 0;
    const zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 0, 3), 7);
    return zt_gen_index(g, sh, V + extra);
}
static int64_t gen_width(zt_rng *r) {
    return zt_gen_size(r, zt_rng_int(r, 0, 9) ? 40 : 900);
}
static zt_node *embedding_gen(zt_graph *g, zt_rng *r) {
    const int64_t V = zt_gen_size(r, 20);
    zt_node *ids = gen_ids(g, r, V);
    return zt_embedding(ids, zt_gen_value(g, zt_sh(V, gen_width(r))));
}
static zt_node *embedding_dw_gen(zt_graph *g, zt_rng *r) {
    const int64_t V = zt_gen_size(r, 20);
    zt_node *ids = gen_ids(g, r, V);
    return embedding_dw(ids, zt_gen_value(g, ids_with(ids, gen_width(r))), V);
}
static zt_node *timestep_gen(zt_graph *g, zt_rng *r) {
    static const double scales[] = {1, 10, 100};
    const double scale = scales[zt_rng_int(r, 0, 2)];
    const int dim = 2 * (int)zt_gen_size(r, 40);
    return zt_timestep(zt_gen_value(g, zt_sh(zt_gen_size(r, zt_rng_int(r, 0, 9) ? 7 : 900))), dim, scale);
}
static zt_node *one_hot_gen(zt_graph *g, zt_rng *r) {
    const int64_t classes = gen_width(r);
    return zt_one_hot(gen_ids(g, r, classes), classes);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, inputs, allowed, text)                                                                                      \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = inputs, .max_in = inputs,             \
                                   .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad, .gen = op##_gen, .tol = allowed};
DEFINE(embedding, 2, 1e-6, "ids:[..] i32, table:[V,D] -> [..,D]; zeros for ids outside the table")
DEFINE(embedding_dw, 2, 1e-5, "ids, dy:[..,D] -> gradient of the table [V,D]")
DEFINE(timestep, 1, 2e-5, "t:[B] -> [B,dim]: cos then sin of t * scale * 10000^(-j/(dim/2))")
const zt_op_def zt_def_one_hot = {.id = ZT_OP_one_hot, .name = "one_hot",
    .doc = "ids:[..] i32 -> [..,classes]: 1 at the id, else 0; zeros for ids outside the classes", .min_in = 1, .max_in = 1,
    .shape = one_hot_shape, .ref = ZT_REFS(one_hot), .gen = one_hot_gen, .tol = 1e-6};
#endif
