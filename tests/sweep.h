/* sweep.h - generated cases of every op, for the tests: build case number k of an op, fill its leaves, plan, run, compare.
 * A case depends only on the op's name and k: a failure is repeated by `PROGRAM OPNAME`. */
#ifndef ZT_TESTS_SWEEP_H
#define ZT_TESTS_SWEEP_H
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "ops/ops.h"
#include "tensor/plan.h"

typedef struct sweep_case {
    const zt_op_def *op;
    int k;
    zt_graph *g;
    zt_node *y;                  /* the op's node; NULL: it could not be built (printed) */
    zt_tset params, states;
    zt_plan *plan;
} sweep_case;

static inline void sweep_finish(sweep_case *c) {
    zt_plan_destroy(&c->plan);
    zt_graph_destroy(&c->g);
    zt_tset_finish(&c->params);
    zt_tset_finish(&c->states);
}

/** Say which case failed, in full. Always false. */
static inline bool sweep_bad(const sweep_case *c, const char *what) {
    fprintf(stderr, "%s case %d: %s; error text '%s'\n", c->op->name, c->k, what, zt_err_text());
    if (!c->y) return false;
    fprintf(stderr, "   %s %s <-", zt_dtype_name(c->y->dtype), zt_shape_text(&c->y->sh));
    for (int j = 0; j < c->y->n_in; j++) fprintf(stderr, " %s", zt_shape_text(&c->y->in[j]->sh));
    fprintf(stderr, "   i:");
    for (int j = 0; j < ZT_MAX_IATTR; j++) fprintf(stderr, " %lld", (long long)c->y->at.i[j]);
    fprintf(stderr, "   f: %g %g\n", c->y->at.f[0], c->y->at.f[1]);
    return false;
}

/** Case k of op in a graph of real type t. */
static inline bool sweep_build(sweep_case *c, const zt_op_def *op, int k, zt_dtype t) {
    *c = (sweep_case){.op = op, .k = k};
    if (!op->gen) return sweep_bad(c, "the op has no generator");
    if (zt_graph_create(&c->g) != ZT_OK) return sweep_bad(c, "no graph");
    zt_graph_set_real(c->g, t);
    zt_rng r = zt_rng_init(zt_hash_name(op->name), (uint64_t)k);
    zt_node *y = op->gen(c->g, &r);
    if (zt_graph_error(c->g) != ZT_OK) return sweep_bad(c, "the generator made an illegal case");
    c->y = y;
    if (y->op != op) return sweep_bad(c, "the generator returned a node of another op");
    for (int id = 0; id < zt_graph_size(c->g); id++) {
        const zt_node *n = zt_graph_node(c->g, id);
        zt_tset *s = n->role == ZT_PARAM ? &c->params : n->role == ZT_STATE ? &c->states : NULL;
        if (s && zt_tset_add(s, n->name, n->dtype, n->sh, NULL) != ZT_OK) return sweep_bad(c, "no tensor for a leaf");
    }
    return true;
}

/** Value j of leaf n: inputs and parameters U(-1,1), states U(0,1) (second moments are not negative), indices 0..max-1. The
 *  values are floats, so that both precisions see the same numbers. */
static inline double sweep_value(zt_rng *r, const zt_node *n) {
    if (n->dtype == ZT_I32) return (double)zt_rng_int(r, 0, n->at.i[0] - 1);
    return (double)(float)zt_rng_range(r, n->role == ZT_STATE ? 0 : -1, 1);
}
static inline double sweep_get(const zt_node *n, int64_t j) {
    return n->dtype == ZT_F64 ? ((double *)n->x)[j] : n->dtype == ZT_F32 ? ((float *)n->x)[j] : ((int32_t *)n->x)[j];
}
static inline void sweep_set(zt_node *n, int64_t j, double v) {
    if (n->dtype == ZT_F64) ((double *)n->x)[j] = v;
    else if (n->dtype == ZT_F32) ((float *)n->x)[j] = (float)v;
    else ((int32_t *)n->x)[j] = (int32_t)v;
}

/** Write the leaves' values (check = false) or see whether they are still there (check = true, leaves that are not mutated). */
static inline bool sweep_leaves(const sweep_case *c, bool check) {
    const bool mutates = c->op->flags & ZT_OPF_MUTATES;
    bool same = true;
    for (int id = 0; id < zt_graph_size(c->g); id++) {
        zt_node *n = zt_graph_node(c->g, id);
        if (n->op != &zt_def_leaf || n->role == ZT_CONST || !n->x || (check && n->role != ZT_INPUT && mutates)) continue;
        zt_rng r = zt_rng_init(7, (uint64_t)id);
        for (int64_t j = 0; j < zt_numel(&n->sh); j++) {
            const double v = sweep_value(&r, n);
            if (check) same = same && sweep_get(n, j) == v;
            else sweep_set(n, j, v);
        }
    }
    return same;
}

/** Plan the nodes, each a step of its own, fill the leaves, run. */
static inline bool sweep_run(sweep_case *c, int n_out, zt_node *const *out, const zt_backend *backend, bool no_reuse) {
    const zt_plan_cfg cfg = {
        .backend = backend, .no_reuse = no_reuse, .no_fuse = true, .no_fold = true, .params = &c->params, .states = &c->states};
    if (zt_plan_create(&c->plan, c->g, n_out, out, &cfg) != ZT_OK) return sweep_bad(c, "cannot be planned");
    sweep_leaves(c, false);
    if (zt_plan_run(c->plan) != ZT_OK) return sweep_bad(c, "does not run");
    if (!zt_plan_guards_ok(c->plan)) return sweep_bad(c, "wrote outside its storage");
    if (!sweep_leaves(c, true)) return sweep_bad(c, "changed its inputs");
    return true;
}

/* ---- results --------------------------------------------------------------------------------------------------- */
/** Result number k of the case: primary output, aux outputs, then the mutated leaves. False after the last. */
typedef struct sweep_result { const void *x; zt_dtype dtype; int64_t n; } sweep_result;
static inline bool sweep_result_at(const sweep_case *c, int k, sweep_result *out) {
    const zt_node *y = c->y;
    if (k == 0) *out = (sweep_result){y->x, y->dtype, zt_numel(&y->sh)};
    else if (k <= y->n_aux) *out = (sweep_result){y->aux[k - 1], y->dtype, zt_numel(&y->aux_sh[k - 1])};
    else if ((c->op->flags & ZT_OPF_MUTATES) && k - y->n_aux <= y->at.i[ZT_MAX_IATTR - 1]) {
        const zt_node *p = y->in[k - y->n_aux - 1];
        *out = (sweep_result){p->x, p->dtype, zt_numel(&p->sh)};
    } else return false;
    return true;
}
static inline double sweep_result_value(const sweep_result *r, int64_t j) {
    if (r->dtype == ZT_I32) return ((const int32_t *)r->x)[j];
    return r->dtype == ZT_F64 ? ((const double *)r->x)[j] : ((const float *)r->x)[j];
}

static inline bool sweep_finite(const sweep_case *c) {
    sweep_result r;
    for (int k = 0; sweep_result_at(c, k, &r); k++)
        for (int64_t j = 0; j < r.n; j++)
            if (!isfinite(sweep_result_value(&r, j))) return sweep_bad(c, "a result is not finite");
    return true;
}

/* Largest magnitude among the node's real operands, at most 5: what cancelled sums are small against. */
static inline double sweep_operand_size(const zt_node *y) {
    double most = 0;
    for (int k = 0; k < y->n_in; k++)
        for (int64_t j = 0; y->in[k]->dtype != ZT_I32 && y->in[k]->x && j < zt_numel(&y->in[k]->sh); j++)
            most = fmax(most, fabs(sweep_get(y->in[k], j)));
    return fmin(most, 5);
}

/** got against want: every element within tol of the largest element or operand, and the root mean square of the difference
 *  within a quarter of tol of the typical size (16 elements and more): one wild element and a small bias everywhere are both
 *  seen. Integers must be equal. *worst: error / tol. */
static inline bool sweep_close(const sweep_case *got, const sweep_case *want, double tol, double *worst) {
    sweep_result a, b;
    for (int k = 0; sweep_result_at(want, k, &b) && sweep_result_at(got, k, &a); k++) {
        double most = sweep_operand_size(want->y), sum = 0, diff = 0;
        for (int64_t j = 0; j < b.n; j++) {
            const double v = sweep_result_value(&b, j), d = sweep_result_value(&a, j) - v;
            most = fmax(most, fabs(v));
            sum += v * v / (double)b.n;
            diff += d * d / (double)b.n;
        }
        for (int64_t j = 0; j < b.n; j++) {
            const double v = sweep_result_value(&b, j), w = sweep_result_value(&a, j);
            const double rel = fabs(w - v) / (most + fabs(v) + 1e-30);
            *worst = fmax(*worst, rel / tol);
            if (b.dtype == ZT_I32 ? w == v : rel <= tol) continue;
            char text[160];
            snprintf(text, sizeof text, "result %d element %lld is %.9g; wanted %.9g within %.2g of %.3g", k, (long long)j, w, v,
                     tol, most);
            return sweep_bad(got, text);
        }
        if (b.n >= 16 && !(sqrt(diff) <= tol / 4 * (sqrt(sum) + 0.1 * most)))
            return sweep_bad(got, "the whole is too far off (norm)");
    }
    return true;
}
#endif
