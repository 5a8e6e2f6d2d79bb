/* norm_dx.c - the backward ops of norm.c differentiated again, for gradient penalties: the forward op is written once more, of
 * ops that have second derivatives, on aliases of the inputs; its gradient by x is what the backward op computes, and the
 * gradient of that is taken. Only dx leads on: the gradients of gain, bias, scale and shift are ends of the line.
 * Tested by tests/ops/test_ops_sweep.c. */
#include "ops/attrs.h"
#include "ops/common.h"

/* x as [B,S,G,W] and the shape of its statistics. group_norm: over S and W; layer_norm and rms_norm: over W. */
typedef struct view { zt_shape x, stat, channels, sample; bool centred; } view;

static view view_of(const zt_node *n, const zt_shape *x) {
    const bool group = n->op == &zt_def_group_norm_dx, rms = n->op == &zt_def_rms_norm_dx;
    const int64_t C = zt_last(x), rows = zt_rows(x), B = x->n > 1 ? x->d[0] : 1;
    const int64_t W = group ? C / n->at.i[ZT_NORM_GROUPS] : rms ? n->at.i[ZT_NORM_GROUPS] : C, G = C / W;
    return (view){.x = zt_sh(B, rows / B, G, W), .stat = zt_sh(B, group ? 1 : rows / B, G, 1), .centred = !rms,
                  .channels = zt_sh(1, 1, rms ? 1 : G, W), .sample = zt_sh(B, 1, G, W)};
}

static zt_node *mean(const view *v, zt_node *x) {
    return zt_affine(zt_sum_to(x, v->stat), (double)zt_numel(&v->stat) / (double)zt_numel(&v->x), 0);
}

/* The forward op on x and its optional inputs, which come in the order of attrs.h. */
static zt_node *forward(const zt_node *n, const view *v, zt_node *x, zt_node *const *extra) {
    zt_node *y = zt_reshape(x, v->x);
    if (v->centred) y = zt_sub(y, mean(v, y));
    y = zt_div(y, zt_sqrt(zt_affine(mean(v, zt_square(y)), 1, n->at.f[0])));
    if (n->at.i[ZT_NORM_AFFINE]) {
        y = zt_mul(y, zt_reshape(*extra++, v->channels));
        if (v->centred) y = zt_add(y, zt_reshape(*extra++, v->channels));
    }
    if (n->at.i[ZT_NORM_MODULATE]) {
        y = zt_mul(y, zt_affine(zt_reshape(extra[0], v->sample), 1, 1));
        y = zt_add(y, zt_reshape(extra[1], v->sample));
    }
    return n->at.i[ZT_NORM_ACT] && v->centred ? zt_silu(y) : y;
}

void zt_op_norm_dx_grad(zt_node *n, zt_node *d, zt_node **dx) {
    const int stats = n->op == &zt_def_rms_norm_dx ? 1 : 2, first = 2 + stats;   /* where gain and the others start */
    const view v = view_of(n, &n->in[1]->sh);
    zt_node *alias[8], *out[8], *by_x;
    int of[8], m = 0;
    for (int k = 0; k < n->n_in; k++) {
        if (k > 1 && k < first) continue;                        /* statistics are functions of x */
        of[m] = k;
        alias[m++] = zt_reshape(n->in[k], n->in[k]->sh);
    }
    zt_node *y = forward(n, &v, alias[1], alias + 2);
    zt_err e = zt_grad(zt_sum(zt_mul(y, zt_reshape(alias[0], v.x))), 1, &alias[1], &by_x);
    if (e == ZT_OK) e = zt_grad(zt_sum(zt_mul(by_x, d)), m, alias, out);
    if (e != ZT_OK) {
        zt_graph_fail(n->g, e);
        return;
    }
    for (int k = 0; k < m; k++) dx[of[k]] = out[k];
}
