/* muon.c - one Muon step of any number of weight matrices (Jordan et al. 2024, kellerjordan.github.io/posts/muon), scaled as in
 * Liu et al. 2025, arXiv:2502.16982, so that one learning rate serves it and AdamW. A weight [..,C] counts as a matrix [rows,C]:
 *   m = b m + (1-b) g',  u = b m + (1-b) g' (Nesterov),  p -= lr (0.2 sqrt(max(rows,C)) orthogonal(u) + decay p)
 * with gradients g' scaled by min(1, clip/norm). orthogonal(u): all singular values of u brought to 0.7..1.2 by five
 * Newton-Schulz steps X = A X + (B S + C S^2) X, S = X X', on u / |u| seen as wide. Nothing moves when the norm is not finite.
 * One op for all of them: matrices are small, and threads take whole ones. Inputs and attributes: attrs.h. Tested by
 * tests/ops/test_ops_sweep.c and tests/ops/test_ops_muon.c. */
#include "ops/real.h"
#include "ops/muon.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* y[a,b] = sum_k x[a,k] z[k,b] or z[b,k] */
static void muon_product(real *y, const real *x, const real *z, int64_t rows, int64_t sum, int64_t cols, bool transposed) {
    for (int64_t a = 0; a < rows; a++)
        for (int64_t b = 0; b < cols; b++) {
            double s = 0;
            for (int64_t k = 0; k < sum; k++) s += (double)x[a * sum + k] * z[transposed ? b * sum + k : k * cols + b];
            y[a * cols + b] = (real)s;
        }
}
/* x [few,many] made orthogonal in place; y as large as x, s and t [few,few]. */
static void muon_orthogonal(real *x, real *y, real *s, real *t, int64_t few, int64_t many) {
    double norm = 0;
    for (int64_t k = 0; k < few * many; k++) norm += (double)x[k] * x[k];
    norm = sqrt(norm) + 1e-12;                                                /* bounds the singular values */
    for (int64_t k = 0; k < few * many; k++) x[k] = (real)(x[k] / norm);
    for (int step = 0; step < ZT_MUON_STEPS; step++) {
        muon_product(s, x, x, few, many, few, true);
        muon_product(t, s, s, few, few, few, false);
        for (int64_t k = 0; k < few * few; k++) t[k] = (real)(ZT_MUON_B * s[k] + ZT_MUON_C * t[k]);
        muon_product(y, t, x, few, few, many, false);
        for (int64_t k = 0; k < few * many; k++) x[k] = (real)(ZT_MUON_A * x[k] + y[k]);
    }
}

void REF(muon)(const zt_node *n) {
    const int K = (int)n->at.i[0];
    const real *hyper = n->in[3 * K]->x;
    const double b = n->at.f[0], lr = hyper[0], decay = hyper[4], clip = hyper[7], norm = *(const real *)n->in[3 * K + 1]->x;
    const double factor = clip > 0 && norm > clip ? clip / norm : 1;
    real *room = n->aux[0];
    *(real *)n->x = 0;
    for (int k = 0; k < K && isfinite(norm); k++) {
        real *p = n->in[k]->x, *m = n->in[K + k]->x;
        const real *g = n->in[2 * K + k]->x;
        const int64_t cols = zt_last(&n->in[k]->sh), rows = zt_numel(&n->in[k]->sh) / cols, size = rows * cols;
        const int64_t few = rows < cols ? rows : cols, many = size / few;
        real *x = room, *y = x + size, *s = y + size, *t = s + few * few;
        for (int64_t j = 0; j < size; j++) {
            const int64_t wide = rows > cols ? j % cols * rows + j / cols : j;
            m[j] = (real)(b * m[j] + (1 - b) * g[j] * factor);
            x[wide] = (real)(b * m[j] + (1 - b) * g[j] * factor);
        }
        muon_orthogonal(x, y, s, t, few, many);
        for (int64_t j = 0; j < size; j++) {
            const double u = x[rows > cols ? j % cols * rows + j / cols : j];
            p[j] = (real)(p[j] - lr * (0.2 * sqrt((double)many) * u + decay * p[j]));
        }
    }
    memset(room, 0, (size_t)zt_numel(&n->aux_sh[0]) * sizeof *room);
}

#ifndef ZT_REAL_F64
#include <stdio.h>
#include "ops/common.h"

zt_node *zt_muon(int n, zt_node *const *p, zt_node *const *m, zt_node *const *g, zt_node *hyper, zt_node *norm, double beta) {
    zt_node **in = zt_graph_alloc(norm->g, (size_t)(3 * n + 2) * sizeof(zt_node *));
    if (!in) return zt_graph_fail(norm->g, ZT_NOMEM);
    memcpy(in, p, (size_t)n * sizeof *in);
    memcpy(in + n, m, (size_t)n * sizeof *in);
    memcpy(in + 2 * n, g, (size_t)n * sizeof *in);
    in[3 * n] = hyper;
    in[3 * n + 1] = norm;
    return zt_emit(norm->g, &zt_def_muon, 3 * n + 2, in, &((zt_attr){.i = {[0] = n, [ZT_MAX_IATTR - 1] = 2 * n}, .f = {beta}}));
}

static zt_err muon_shape(zt_node *n) {
    const int K = (int)n->at.i[0];
    if (K < 1 || n->n_in != 3 * K + 2)
        return zt_fail(ZT_INTERNAL, "muon: %d inputs; %d matrices want %d", n->n_in, K, 3 * K + 2);
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    int64_t room = 0;
    for (int k = 0; k < K && e == ZT_OK; k++) {
        const zt_shape *p = &n->in[k]->sh;
        if (p->n < 2) return zt_fail(ZT_SHAPE, "muon: a weight needs two axes or more; it is %s", zt_shape_text(p));
        const int64_t few = zt_last(p) < zt_rows(p) ? zt_last(p) : zt_rows(p), need = 2 * zt_numel(p) + 2 * few * few;
        e = zt_op_want_shape(n, K + k, "m", *p);
        if (e == ZT_OK) e = zt_op_want_shape(n, 2 * K + k, "g", *p);
        if (e == ZT_OK) e = zt_op_want_mutable(n, k, "p");
        if (e == ZT_OK) e = zt_op_want_mutable(n, K + k, "m");
        if (need > room) room = need;
    }
    if (e == ZT_OK) e = zt_op_want_shape(n, 3 * K, "hyper", zt_sh(8));
    if (e == ZT_OK) e = zt_op_want_shape(n, 3 * K + 1, "norm", zt_shape_of(0, NULL));
    zt_op_add_aux(n, zt_sh(room ? room : 1));                         /* where the reference works; zeros afterwards */
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_shape_of(0, NULL));
}

static zt_node *muon_gen(zt_graph *g, zt_rng *r) {
    zt_node *p[3], *m[3], *d[3];
    const int n = (int)zt_rng_int(r, 1, 3);
    for (int k = 0; k < n; k++) {
        char name[2][16];
        snprintf(name[0], sizeof name[0], "p%d", k);
        snprintf(name[1], sizeof name[1], "m%d", k);
        zt_shape sh = zt_gen_shape(r, (int)zt_rng_int(r, 2, 4), zt_rng_int(r, 0, 3) ? 6 : 12);
        sh.d[sh.n - 1] = zt_gen_size(r, 40);
        p[k] = zt_param(g, name[0], sh);
        m[k] = zt_state(g, name[1], sh);
        d[k] = zt_gen_value(g, sh);
    }
    const double hyper[8] = {1e-2, 0, 0, 0, 0.1, 0, 0, zt_gen_coin(r) ? 0.5 : 0};
    zt_node *norm = zt_rng_int(r, 0, 7) ? zt_global_norm(n, d) : zt_scalar(g, INFINITY);
    return zt_muon(n, p, m, d, zt_const(g, zt_graph_real(g), zt_sh(8), hyper), norm, zt_rng_range(r, 0, 1));
}

const zt_op_def zt_def_muon = {.id = ZT_OP_muon, .name = "muon",
    .doc = "p0.., m0.., g0.., hyper:[8], norm:[]: Muon step in place on p and m; aux: zeros", .min_in = 5, .max_in = 1 << 20,
    .flags = ZT_OPF_MUTATES, .shape = muon_shape, .ref = ZT_REFS(muon), .gen = muon_gen, .tol = 1e-5};
#endif
