/* matmul.c - matrix product, either side transposed, with leading axes flattened to rows, and an optional bias per column.
 * Inputs and attributes: attrs.h. Tested by tests/ops/test_ops_sweep.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* y[m,n] = sum_k A[m,k] B[k,n] + bias[n];  A[m,k] = ta ? a[k,m] : a[m,k],  B[k,n] = tb ? b[n,k] : b[k,n] */
void REF(matmul)(const zt_node *n) {
    const bool ta = n->at.i[0], tb = n->at.i[1];
    const zt_shape *sa = &n->in[0]->sh;
    const real *a = n->in[0]->x, *b = n->in[1]->x, *bias = zt_in_x(n, 2);
    const int64_t K = ta ? zt_rows(sa) : zt_last(sa), M = ta ? zt_last(sa) : zt_rows(sa), N = zt_last(&n->sh);
    for (int64_t m = 0; m < M; m++)
        for (int64_t c = 0; c < N; c++) {
            double sum = bias ? bias[c] : 0;
            for (int64_t k = 0; k < K; k++)
                sum += (double)(ta ? a[k * M + m] : a[m * K + k]) * (tb ? b[c * K + k] : b[k * N + c]);
            ((real *)n->x)[m * N + c] = (real)sum;
        }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

zt_node *zt_matmul(zt_node *a, zt_node *b, bool ta, bool tb) {
    return zt_emit2(a->g, &zt_def_matmul, a, b, &((zt_attr){.i = {ta, tb}}));
}

zt_node *zt_linear_op(zt_node *x, zt_node *w, zt_node *bias) {
    return zt_emit(x->g, &zt_def_matmul, bias ? 3 : 2, (zt_node *const[]){x, w, bias}, NULL);
}

static zt_err matmul_shape(zt_node *n) {
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    if (e != ZT_OK) return e;
    const bool ta = n->at.i[0], tb = n->at.i[1];
    const zt_shape *a = &n->in[0]->sh, *b = &n->in[1]->sh;
    if (a->n < 1 || b->n < 1)
        return zt_fail(ZT_SHAPE, "matmul: a and b need at least one axis; they are %s and %s", zt_shape_text(a),
                       zt_shape_text(b));
    const int64_t ka = ta ? zt_rows(a) : zt_last(a), kb = tb ? zt_last(b) : zt_rows(b), N = tb ? zt_rows(b) : zt_last(b);
    if (ka != kb)
        return zt_fail(ZT_SHAPE, "matmul: a is %s%s, which gives %lld terms, and b is %s%s, which gives %lld; they must agree",
                       zt_shape_text(a), ta ? " transposed" : "", (long long)ka, zt_shape_text(b), tb ? " transposed" : "",
                       (long long)kb);
    if (n->n_in == 3 && (e = zt_op_want_shape(n, 2, "bias", zt_sh(N))) != ZT_OK) return e;
    return zt_op_set(n, n->in[0]->dtype, ta ? zt_sh(zt_last(a), N) : zt_op_with_last(a, N));
}

static zt_node *shaped(zt_node *dx, const zt_node *x) {
    return zt_same_shape(&dx->sh, &x->sh) ? dx : zt_reshape(dx, x->sh);
}

/* Y = A B: dA = dY B', dB = A' dY, each written so that the result comes out in the operand's own order. */
static void matmul_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    zt_node *a = n->in[0], *b = n->in[1];
    const bool ta = n->at.i[0], tb = n->at.i[1];
    dx[0] = shaped(ta ? zt_matmul(b, dy, tb, true) : zt_matmul(dy, b, false, !tb), a);
    dx[1] = shaped(tb ? zt_matmul(dy, a, true, ta) : zt_matmul(a, dy, !ta, false), b);
    if (n->n_in == 3) dx[2] = zt_op_sum_like(dy, n->in[2]);
}

static zt_node *matmul_gen(zt_graph *g, zt_rng *r) {
    const bool ta = zt_gen_coin(r), tb = zt_gen_coin(r);
    const int64_t most = zt_rng_int(r, 0, 9) ? 20 : 90;
    zt_shape rows = zt_gen_shape(r, (int)zt_rng_int(r, ta, 3), 4); /* leading axes of a: K when ta, else M */
    if (rows.n) rows.d[rows.n - 1] = zt_gen_size(r, most);
    const int64_t last = zt_gen_size(r, most), N = zt_gen_size(r, most), K = ta ? zt_numel(&rows) : last;
    zt_shape sa = rows, sb = tb ? zt_sh(N, K) : zt_sh(K, N);
    sa.d[sa.n++] = last;
    if (ta && !tb && zt_gen_coin(r)) sb = zt_op_with_last(&sa, N);
    zt_node *a = zt_gen_value(g, sa), *b = zt_gen_value(g, sb);
    if (ta || tb || zt_gen_coin(r)) {
        zt_node *in[3] = {a, b, NULL};
        const bool bias = zt_rng_int(r, 0, 3) == 0;
        if (bias) in[2] = zt_gen_value(g, zt_sh(N));
        return zt_emit(g, &zt_def_matmul, 2 + bias, in, &((zt_attr){.i = {ta, tb}}));
    }
    return zt_linear_op(a, b, zt_gen_value(g, zt_sh(N)));
}

static int64_t matmul_flops(const zt_node *n) {
    const zt_shape *a = &n->in[0]->sh;
    return 2 * zt_numel(&n->sh) * (n->at.i[0] ? zt_rows(a) : zt_last(a));
}

const zt_op_def zt_def_matmul = {.id = ZT_OP_matmul, .name = "matmul",
    .doc = "a:[..,K] b:[K,N] (+ bias:[N]) -> [..,N]; either transposed",
    .min_in = 2, .max_in = 3, .flags = ZT_OPF_BF16, .shape = matmul_shape, .ref = ZT_REFS(matmul), .grad = matmul_grad,
    .gen = matmul_gen, .tol = 1e-5, .flops = matmul_flops};
#endif
