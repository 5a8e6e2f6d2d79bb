/* attention.c - scaled dot-product attention with its gradient, and rotary position embedding. Inputs, attributes, aux: attrs.h.
 *   s[m] = scale q.k[m] + bias[m],  p = softmax over the m that are seen,  y = sum_m p[m] v[m],  lse = log sum_m exp(s[m]),
 *   scale = 1/sqrt(D/heads)
 * Backward from lse alone (Dao et al. 2022, arXiv:2205.14135): p[m] = exp(s[m] - lse), ds[m] = p[m] (dy.v[m] - dy.y),
 *   dq = scale sum_m ds[m] k[m], dk[m] = scale sum_n ds q, dv[m] = sum_n p dy, dbias = sum over (o,i) of ds
 * The N x M matrix of one head is never stored. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
typedef struct att_view {
    int64_t O, N, M, I, D, heads, dh;
    double scale;
    bool causal;
    const real *q, *k, *v, *dy, *y, *lse, *bias;
    const int32_t *len, *segment;
    int64_t groups;                     /* rows of segment */
} att_view;

static att_view att_view_of(const zt_node *n, int first, int optional) { /* first: index of q */
    const int64_t *d = n->in[first]->sh.d;
    att_view a = {.O = d[0], .N = d[1], .M = n->in[first + 1]->sh.d[1], .I = d[2], .D = d[3], .heads = n->at.i[ZT_ATT_HEADS],
                  .q = n->in[first]->x, .k = n->in[first + 1]->x, .v = n->in[first + 2]->x};
    a.dh = a.D / a.heads;
    a.scale = 1 / sqrt((double)a.dh);
    a.causal = n->at.i[ZT_ATT_CAUSAL];
    if (n->at.i[ZT_ATT_BIAS]) a.bias = n->in[optional++]->x;
    if (n->at.i[ZT_ATT_LEN]) a.len = n->in[optional++]->x;
    if (n->at.i[ZT_ATT_SEGMENT]) {
        a.groups = n->in[optional]->sh.d[0];
        a.segment = n->in[optional]->x;
    }
    return a;
}

/* One problem: batch o, inner i, head h. Row n of a [O,N,I,D] tensor for it starts at att_row(.., N, n). */
typedef struct att_head { int64_t o, i, h; } att_head;

static int64_t att_row(const att_view *a, att_head t, int64_t rows, int64_t n) {
    return ((t.o * rows + n) * a->I + t.i) * a->D + t.h * a->dh;
}
/* Keys that query n sees: 0 .. this, */
static int64_t att_keys(const att_view *a, att_head t, int64_t n) {
    const int64_t len = !a->len ? a->M : a->len[t.o] < 1 ? 1 : a->len[t.o] > a->M ? a->M : a->len[t.o];
    const int64_t past = n + a->M - a->N + 1;
    return a->causal && past < len ? past : len;
}
/* and of these the ones that are of its segment. */
static bool att_sees(const att_view *a, att_head t, int64_t n, int64_t m) {
    const int32_t *segment = a->segment ? a->segment + t.o % a->groups * a->N : NULL;
    return m < att_keys(a, t, n) && (!segment || segment[n] == segment[m]);
}
static int64_t att_lse_at(const att_view *a, att_head t, int64_t n) {
    return ((t.o * a->I + t.i) * a->heads + t.h) * a->N + n;
}

static double att_dot(const att_view *a, const real *x, const real *y) {
    double sum = 0;
    for (int64_t d = 0; d < a->dh; d++) sum += (double)x[d] * y[d];
    return sum;
}

static double att_score(const att_view *a, att_head t, int64_t n, int64_t m) {
    const double s = a->scale * att_dot(a, a->q + att_row(a, t, a->N, n), a->k + att_row(a, t, a->M, m));
    return a->bias ? s + a->bias[(t.h * a->N + n) * a->M + m] : s;
}

static double att_lse(const att_view *a, att_head t, int64_t n) {
    const int64_t keys = att_keys(a, t, n);
    double top = -INFINITY, sum = 0;
    for (int64_t m = 0; m < keys; m++)
        if (att_sees(a, t, n, m)) top = fmax(top, att_score(a, t, n, m));
    for (int64_t m = 0; m < keys; m++)
        if (att_sees(a, t, n, m)) sum += exp(att_score(a, t, n, m) - top);
    return top + log(sum);
}

/* out[d] = factor * sum over `count` rows of weight * row; weights come from `weight(a, t, fixed, j)`. Chunks of d keep the sums
 * in double without allocating. */
enum { ATT_CHUNK = 64 };
typedef double att_weight(const att_view *a, att_head t, int64_t fixed, int64_t j);

static void att_mix(const att_view *a, att_head t, att_weight *weight, int64_t fixed, const real *rows, int64_t count,
                    int64_t used, double factor, real *out) {
    for (int64_t d0 = 0; d0 < a->dh; d0 += ATT_CHUNK) {
        const int64_t wide = a->dh - d0 < ATT_CHUNK ? a->dh - d0 : ATT_CHUNK;
        double sum[ATT_CHUNK] = {0};
        for (int64_t j = 0; j < used; j++) {
            const double w = weight(a, t, fixed, j);
            const real *row = rows + att_row(a, t, count, j) + d0;
            for (int64_t d = 0; d < wide; d++) sum[d] += w * row[d];
        }
        for (int64_t d = 0; d < wide; d++) out[d0 + d] = (real)(factor * sum[d]);
    }
}

static double att_p(const att_view *a, att_head t, int64_t n, int64_t m) {
    return att_sees(a, t, n, m) ? exp(att_score(a, t, n, m) - a->lse[att_lse_at(a, t, n)]) : 0;
}
static double att_ds(const att_view *a, att_head t, int64_t n, int64_t m) {
    const real *dy = a->dy + att_row(a, t, a->N, n);
    return att_p(a, t, n, m) * (att_dot(a, dy, a->v + att_row(a, t, a->M, m)) - att_dot(a, dy, a->y + att_row(a, t, a->N, n)));
}
static double att_p_of_key(const att_view *a, att_head t, int64_t m, int64_t n) { return att_p(a, t, n, m); }
static double att_ds_of_key(const att_view *a, att_head t, int64_t m, int64_t n) { return att_ds(a, t, n, m); }

static att_head att_head_of(const att_view *a, int64_t k) {
    return (att_head){.o = k / (a->I * a->heads), .i = k / a->heads % a->I, .h = k % a->heads};
}

void REF(attention)(const zt_node *n) {
    att_view a = att_view_of(n, 0, 3);
    real *lse = n->aux[0];
    a.lse = lse;
    for (int64_t k = 0; k < a.O * a.I * a.heads; k++) {
        const att_head t = att_head_of(&a, k);
        for (int64_t r = 0; r < a.N; r++) {
            lse[att_lse_at(&a, t, r)] = (real)att_lse(&a, t, r);
            att_mix(&a, t, att_p, r, a.v, a.M, att_keys(&a, t, r), 1, (real *)n->x + att_row(&a, t, a.N, r));
        }
    }
}

void REF(attention_dx)(const zt_node *n) {
    att_view a = att_view_of(n, 1, 6);
    a.dy = n->in[0]->x;
    a.y = n->in[4]->x;
    a.lse = n->in[5]->x;
    for (int64_t k = 0; k < a.O * a.I * a.heads; k++) {
        const att_head t = att_head_of(&a, k);
        for (int64_t r = 0; r < a.N; r++)
            att_mix(&a, t, att_ds, r, a.k, a.M, att_keys(&a, t, r), a.scale, (real *)n->x + att_row(&a, t, a.N, r));
        for (int64_t m = 0; m < a.M; m++) {
            const int64_t at = att_row(&a, t, a.M, m);
            att_mix(&a, t, att_ds_of_key, m, a.q, a.N, a.N, a.scale, (real *)n->aux[0] + at);
            att_mix(&a, t, att_p_of_key, m, a.dy, a.N, a.N, 1, (real *)n->aux[1] + at);
        }
    }
    for (int64_t j = 0; a.bias && j < a.heads * a.N * a.M; j++) {
        double sum = 0;
        for (int64_t k = 0; k < a.O * a.I; k++)
            sum += att_ds(&a, (att_head){k / a.I, k % a.I, j / (a.N * a.M)}, j / a.M % a.N, j % a.M);
        ((real *)n->aux[2])[j] = (real)sum;
    }
}

/* Turns each pair (x[2j], x[2j+1]) of a head by angle[n, j]. */
void REF(rope)(const zt_node *n) {
    const int64_t N = n->sh.d[1], D = n->sh.d[2], pairs = D / n->at.i[0] / 2, rows = n->sh.d[0] * N;
    const real *angle = n->in[1]->x;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < D / 2; j++) {
            const double turn = angle[r % N * pairs + j % pairs], c = cos(turn), s = n->at.i[1] ? -sin(turn) : sin(turn);
            const real *x = (const real *)n->in[0]->x + r * D + 2 * j;
            real *y = (real *)n->x + r * D + 2 * j;
            y[0] = (real)(x[0] * c - x[1] * s);
            y[1] = (real)(x[0] * s + x[1] * c);
        }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static zt_node *attention(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *len, zt_node *segment,
                          bool causal) {
    zt_node *in[6] = {q, k, v};
    int n = 3;
    if (bias) in[n++] = bias;
    if (len) in[n++] = len;
    if (segment) in[n++] = segment;
    return zt_emit(q->g, &zt_def_attention, n, in,
                   &((zt_attr){.i = {heads, bias != NULL, len != NULL, causal, segment != NULL}}));
}
zt_node *zt_attention(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *len) {
    return attention(q, k, v, heads, bias, len, NULL, false);
}
zt_node *zt_attention_causal(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *len) {
    return attention(q, k, v, heads, bias, len, NULL, true);
}
zt_node *zt_attention_segments(zt_node *q, zt_node *k, zt_node *v, int heads, zt_node *bias, zt_node *segment, bool causal) {
    return attention(q, k, v, heads, bias, NULL, segment, causal);
}

zt_node *zt_rope(zt_node *x, zt_node *angle, int heads, bool inverse) {
    return zt_emit2(x->g, &zt_def_rope, x, angle, &((zt_attr){.i = {heads, inverse}}));
}

static zt_node *attention_dx(zt_node *n, zt_node *dy) {
    zt_node *in[9] = {dy, n->in[0], n->in[1], n->in[2], n, zt_aux(n, 0)};
    for (int k = 3; k < n->n_in; k++) in[k + 3] = n->in[k];
    return zt_emit(n->g, &zt_def_attention_dx, n->n_in + 3, in, &n->at);
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
/* Input k: which segment each query and key is of. */
static zt_err segment_check(const zt_node *n, int first, int k) {
    const zt_shape *q = &n->in[first]->sh, *s = &n->in[k]->sh;
    if (n->in[k]->dtype != ZT_I32)
        return zt_fail(ZT_ARG, "%s: segment must be i32; it is %s", n->op->name, zt_dtype_name(n->in[k]->dtype));
    if (s->n != 2 || q->d[0] % s->d[0] || s->d[1] != q->d[1])
        return zt_fail(ZT_SHAPE, "%s: segment is %s; want [G,%lld] with G a divisor of %lld", n->op->name, zt_shape_text(s),
                       (long long)q->d[1], (long long)q->d[0]);
    if (n->in[first + 1]->sh.d[1] != q->d[1] || n->at.i[ZT_ATT_LEN])
        return zt_fail(ZT_SHAPE, "%s: segments are of attention of tokens among themselves (as many keys as queries, no len)",
                       n->op->name);
    return ZT_OK;
}

static zt_err att_check(const zt_node *n, int first, int optional) {
    const zt_shape *q = &n->in[first]->sh, *k = &n->in[first + 1]->sh;
    const int64_t heads = n->at.i[ZT_ATT_HEADS];
    const bool bias = n->at.i[ZT_ATT_BIAS], len = n->at.i[ZT_ATT_LEN], segment = n->at.i[ZT_ATT_SEGMENT];
    zt_err e = zt_op_want_inputs(n, optional + bias + len + segment);
    if (e == ZT_OK) e = zt_op_want_reals(n, 0, optional + bias);
    if (e == ZT_OK) e = zt_op_want_rank(n, first, "q ([O,N,I,D])", 4);
    if (e == ZT_OK) e = zt_op_want_rank(n, first + 1, "k ([O,M,I,D])", 4);
    if (e == ZT_OK) e = zt_op_want_shape(n, first + 1, "k ([O,M,I,D])", zt_sh(q->d[0], k->d[1], q->d[2], q->d[3]));
    if (e == ZT_OK) e = zt_op_want_shape(n, first + 2, "v", *k);
    if (e != ZT_OK) return e;
    if (heads < 1 || q->d[3] % heads)
        return zt_fail(ZT_SHAPE, "%s: width %lld does not divide into %lld heads", n->op->name, (long long)q->d[3],
                       (long long)heads);
    if (n->at.i[ZT_ATT_CAUSAL] && k->d[1] < q->d[1])
        return zt_fail(ZT_SHAPE, "%s: %lld queries see %lld keys; causal attention needs as many keys as queries, or more",
                       n->op->name, (long long)q->d[1], (long long)k->d[1]);
    if (bias && (e = zt_op_want_shape(n, optional, "bias", zt_sh(heads, q->d[1], k->d[1]))) != ZT_OK) return e;
    if (segment && (e = segment_check(n, first, optional + bias + len)) != ZT_OK) return e;
    if (!len) return ZT_OK;
    if (n->in[optional + bias]->dtype != ZT_I32)
        return zt_fail(ZT_ARG, "%s: len must be i32; it is %s", n->op->name, zt_dtype_name(n->in[optional + bias]->dtype));
    return zt_op_want_shape(n, optional + bias, "len", zt_sh(q->d[0]));
}

static zt_shape att_lse_shape(const zt_node *n, const zt_shape *q) {
    return zt_sh(q->d[0], q->d[2], n->at.i[ZT_ATT_HEADS], q->d[1]);
}

static zt_err attention_shape(zt_node *n) {
    const zt_err e = att_check(n, 0, 3);
    if (e != ZT_OK) return e;
    zt_op_add_aux(n, att_lse_shape(n, &n->in[0]->sh));
    return zt_op_set(n, n->in[0]->dtype, n->in[0]->sh);
}

static zt_err attention_dx_shape(zt_node *n) {
    zt_err e = att_check(n, 1, 6);
    const zt_shape *q = &n->in[1]->sh, *k = &n->in[2]->sh;
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", *q);
    if (e == ZT_OK) e = zt_op_want_shape(n, 4, "y", *q);
    if (e == ZT_OK) e = zt_op_want_shape(n, 5, "lse", att_lse_shape(n, q));
    if (e != ZT_OK) return e;
    zt_op_add_aux(n, *k);
    zt_op_add_aux(n, *k);
    if (n->at.i[ZT_ATT_BIAS]) zt_op_add_aux(n, n->in[6]->sh);
    return zt_op_set(n, n->in[0]->dtype, *q);
}

static zt_err rope_shape(zt_node *n) {
    const zt_shape *x = &n->in[0]->sh;
    const int64_t heads = n->at.i[0];
    zt_err e = zt_op_want_reals(n, 0, 2);
    if (e == ZT_OK) e = zt_op_want_rank(n, 0, "x ([B,N,D])", 3);
    if (e != ZT_OK) return e;
    if (heads < 1 || x->d[2] % heads || x->d[2] / heads % 2)
        return zt_fail(ZT_SHAPE, "rope: width %lld does not divide into %lld heads of even size", (long long)x->d[2],
                       (long long)heads);
    e = zt_op_want_shape(n, 1, "angle", zt_sh(x->d[1], x->d[2] / heads / 2));
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, *x);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void attention_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    zt_node *d = attention_dx(n, dy);
    dx[0] = d;
    dx[1] = zt_aux(d, 0);
    dx[2] = zt_aux(d, 1);
    if (n->at.i[ZT_ATT_BIAS]) dx[3] = zt_aux(d, 2);
}
static void rope_grad(zt_node *n, zt_node *dy, zt_node **dx) { /* the angles are positions, never learned: no gradient */
    dx[0] = zt_rope(dy, n->in[1], (int)n->at.i[0], !n->at.i[1]);
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
static zt_node *segment_gen(zt_graph *g, zt_rng *r, int64_t O, int64_t N) { /* of a few kinds, in any order */
    const int64_t groups = zt_gen_coin(r) ? O : 1, kinds = zt_rng_int(r, 1, 4);
    double kind[3 * 150];
    for (int64_t j = 0; j < groups * N; j++) kind[j] = (double)zt_rng_int(r, 0, kinds - 1);
    return zt_const(g, ZT_I32, zt_sh(groups, N), kind);
}

static zt_node *attention_gen(zt_graph *g, zt_rng *r) {
    const int heads = (int)zt_gen_size(r, 3);
    const bool far = zt_rng_int(r, 0, 11) == 0; /* many neighbours: more than are worked on at a time */
    const int64_t O = zt_gen_size(r, 3), I = far ? zt_rng_int(r, 40, 60) : zt_gen_coin(r) ? 1 : zt_gen_size(r, 4);
    const int64_t most = zt_rng_int(r, 0, 19) ? 19 : 150; /* now and then whole tiles */
    const bool causal = zt_rng_int(r, 0, 3) == 0;
    const bool segments = zt_rng_int(r, 0, 3) == 0;
    const int64_t N = zt_gen_size(r, most);
    const int64_t M = segments ? N : causal ? N + zt_rng_int(r, 0, 3) * zt_gen_size(r, 20) : zt_gen_size(r, most);
    const int64_t D = heads * (far ? zt_rng_int(r, 24, 40) : zt_rng_int(r, 0, 7) ? zt_gen_size(r, 18) : zt_rng_int(r, 60, 80));
    zt_node *q = zt_affine(zt_gen_value(g, zt_sh(O, N, I, D)), zt_gen_coin(r) ? 4 : 1, 0);
    zt_node *k = zt_gen_value(g, zt_sh(O, M, I, D)), *v = zt_gen_value(g, zt_sh(O, M, I, D)), *bias = NULL, *len = NULL;
    if (zt_gen_coin(r)) bias = zt_gen_value(g, zt_sh(heads, N, M));
    if (segments) return attention(q, k, v, heads, bias, NULL, segment_gen(g, r, O, N), causal);
    if (zt_gen_coin(r)) {
        double keys[3];
        for (int o = 0; o < O; o++) keys[o] = (double)zt_rng_int(r, 1, M);
        len = zt_const(g, ZT_I32, zt_sh(O), keys);
    }
    return attention(q, k, v, heads, bias, len, NULL, causal);
}

static zt_node *attention_dx_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = attention_gen(g, r);
    return attention_dx(y, zt_gen_value(g, y->sh));
}

static zt_node *rope_gen(zt_graph *g, zt_rng *r) {
    const int heads = (int)zt_gen_size(r, 4);
    const int64_t B = zt_gen_size(r, zt_rng_int(r, 0, 9) ? 3 : 200), N = zt_gen_size(r, 9), pairs = zt_gen_size(r, 12);
    double angle[9 * 12];
    for (int64_t k = 0; k < N * pairs; k++) angle[k] = zt_rng_range(r, -50, 50);
    zt_node *x = zt_gen_value(g, zt_sh(B, N, heads * pairs * 2));
    return zt_rope(x, zt_const(g, zt_graph_real(g), zt_sh(N, pairs), angle), heads, zt_gen_coin(r));
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
static int64_t attention_flops(const zt_node *n) { /* two products of O*I*N*M*D multiply-adds; masked keys count */
    return 4 * zt_numel(&n->in[0]->sh) * n->in[1]->sh.d[1];
}
static int64_t attention_dx_flops(const zt_node *n) { /* twice the forward pass; recomputed scores do not count */
    return 8 * zt_numel(&n->in[1]->sh) * n->in[2]->sh.d[1];
}

const zt_op_def zt_def_attention = {.id = ZT_OP_attention, .name = "attention",
    .doc = "q:[O,N,I,D] k,v:[O,M,I,D] (bias:[heads,N,M], len:[O], segment:[G,N]) -> softmax(q k' / sqrt(D/heads) + bias) v for "
           "every (o,i,head)",
    .min_in = 3, .max_in = 5, .flags = ZT_OPF_BF16, .shape = attention_shape, .ref = ZT_REFS(attention),
    .grad = attention_grad, .gen = attention_gen, .tol = 2e-5, .flops = attention_flops};
const zt_op_def zt_def_attention_dx = {.id = ZT_OP_attention_dx, .name = "attention_dx",
    .doc = "dy, q, k, v, y, lse, .. -> dq; aux: dk, dv, dbias", .min_in = 6, .max_in = 8, .flags = ZT_OPF_BF16,
    .shape = attention_dx_shape,
    .ref = ZT_REFS(attention_dx), .gen = attention_dx_gen, .tol = 5e-5, .flops = attention_dx_flops};
const zt_op_def zt_def_rope = {.id = ZT_OP_rope, .name = "rope",
    .doc = "x:[B,N,D] angle:[N,D/heads/2]: turns neighbour pairs of each head", .min_in = 2, .max_in = 2,
    .flags = ZT_OPF_TURNS, .shape = rope_shape, .ref = ZT_REFS(rope), .grad = rope_grad, .gen = rope_gen, .tol = 1e-5};
#endif
