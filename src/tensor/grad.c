/* grad.c - reverse-mode differentiation by graph rules: the gradient of a graph is more graph, so it may be differentiated
 * again. Checked against f64 differences by tests/ops/test_ops_sweep.c. */
#include <string.h>
#include "tensor/graph.h"
#include "tensor/graph_internal.h"

/* need[id]: the node depends on one of wrt. */
static void mark_dependents(const zt_graph *g, int top, int n, zt_node *const *wrt, bool *need) {
    for (int k = 0; k < n; k++)
        if (wrt[k]->id <= top) need[wrt[k]->id] = true;
    for (int id = 0; id <= top; id++) {
        const zt_node *x = zt_graph_node(g, id);
        for (int k = 0; k < x->n_in; k++) need[id] = need[id] || need[x->in[k]->id];
    }
}

/* What flows back to a node: a sum and, beside it, ranges of one axis with zeros around them (pads: gradients of slices). Ranges
 * that do not meet are kept in order, for they can be put one after the other without the zeros and the sums of them. */
typedef struct range { zt_node *pad; struct range *next; } range;
typedef struct flow { zt_node *sum; range *first; } flow;

static int64_t start_of(const zt_node *pad) { return pad->at.i[1]; }
static int64_t end_of(const zt_node *pad) { return pad->at.i[1] + pad->in[0]->sh.d[pad->at.i[0]]; }

/* Keeps x if it is such a range and meets no other. */
static bool keep_range(flow *f, zt_node *x) {
    if (x->op != &zt_def_pad || (f->first && f->first->pad->at.i[0] != x->at.i[0])) return false;
    range **at = &f->first;
    while (*at && end_of((*at)->pad) <= start_of(x)) at = &(*at)->next;
    if (*at && start_of((*at)->pad) < end_of(x)) return false;
    range *new = zt_graph_alloc(x->g, sizeof *new);
    if (!new) return false;
    *new = (range){x, *at};
    *at = new;
    return true;
}

static zt_node *sum_grads(zt_node *a, zt_node *b) {
    return a ? zt_emit2(a->g, &zt_def_add, a, b, NULL) : b;
}

/* All ranges as one tensor like x, which they are ranges of. */
static zt_node *join_ranges(const zt_node *x, const range *first) {
    int n = 0;
    for (const range *r = first; r; r = r->next) n++;
    if (n == 1) return first->pad;
    zt_node **part = zt_graph_alloc(x->g, (size_t)n * sizeof(zt_node *));
    const int64_t axis = first->pad->at.i[0];
    int64_t done = 0;
    for (int k = 0; part && k < n; k++, first = first->next) {
        const int64_t before = start_of(first->pad) - done, after = first->next ? 0 : x->sh.d[axis] - end_of(first->pad);
        done = end_of(first->pad);
        part[k] = first->pad->in[0];
        if (before || after) part[k] = zt_emit1(x->g, &zt_def_pad, part[k], &((zt_attr){.i = {axis, before, after}}));
    }
    return part ? zt_emit(x->g, &zt_def_concat, n, part, &((zt_attr){.i = {axis}})) : zt_graph_fail(x->g, ZT_NOMEM);
}

/* The gradient of x, NULL where nothing flows back. */
static zt_node *gradient_of(const zt_node *x, flow *f) {
    if (!f->first) return f->sum;
    char saved[512];
    zt_scope_swap(x->g, x->scope, saved);
    f->sum = sum_grads(f->sum, join_ranges(x, f->first));
    f->first = NULL;
    zt_scope_restore(x->g, saved);
    return f->sum;
}

/* n once more, from inputs `in`. */
static zt_node *emit_again(const zt_node *n, zt_node *const *in) {
    char saved[512];
    zt_scope_swap(n->g, n->scope, saved);
    zt_node *twin = zt_emit(n->g, n->op, n->n_in, in, &n->at);
    twin->multiply = n->multiply;
    twin->region = -1;
    twin->again = n;
    zt_scope_restore(n->g, saved);
    return twin;
}

/* Makes the nodes of x's region up to x again: twin[id], for the rules to refer to. Leaves stay the ones they are. */
static void make_again(const zt_node *x, zt_node **twin) {
    zt_graph *g = x->g;
    int first = x->id;
    while (first > 0 && zt_graph_node(g, first - 1)->region == x->region) first--;
    for (int id = first; id <= x->id; id++) {
        const zt_node *n = zt_graph_node(g, id);
        if (n->op->flags & ZT_OPF_LEAF) continue;
        zt_node **in = zt_graph_alloc(g, (size_t)n->n_in * sizeof(zt_node *));
        if (!in) return;
        for (int k = 0; k < n->n_in; k++) in[k] = twin[n->in[k]->id] ? twin[n->in[k]->id] : n->in[k];
        twin[id] = emit_again(n, in);
    }
}

/* x, or its twin when it is cheap to make again (or shows or turns what is): then x itself is not kept for gradients. Only what
 * has a gradient: its inputs are kept for that. Not what reads a state, which may have been overwritten. */
static zt_node *cheap_twin(zt_node *x, const bool *need, zt_node **twin) {
    if (twin[x->id]) return twin[x->id];
    const bool cheap = x->op->flags & ZT_OPF_CHEAP, passes = x->op->flags & (ZT_OPF_VIEW | ZT_OPF_TURNS);
    if (x->region || !need[x->id] || !(cheap || passes)) return x;
    zt_node **in = zt_graph_alloc(x->g, (size_t)x->n_in * sizeof(zt_node *));
    bool new = cheap;
    for (int k = 0; in && k < x->n_in; k++) {
        if (x->in[k]->role == ZT_STATE) return x;
        in[k] = cheap_twin(x->in[k], need, twin);
        new = new || in[k] != x->in[k];
    }
    if (in && new) twin[x->id] = emit_again(x, in);
    return twin[x->id] ? twin[x->id] : x;
}

/* `as`: x itself, or its twin: its rule may use inputs and results of x, twins of inputs in their place. */
static zt_err back_one(zt_node *x, zt_node *as, zt_node *dy, const bool *need, zt_node **twin, flow *grad, zt_node **dx) {
    zt_graph *g = x->g;
    if (!x->op->grad) return zt_fail(ZT_UNSUPPORTED, "%s%s%s has no gradient rule", x->scope, *x->scope ? ": " : "", x->op->name);
    memset(dx, 0, (size_t)x->n_in * sizeof *dx);
    zt_node **in = as->in, **seen = zt_graph_alloc(g, (size_t)x->n_in * sizeof(zt_node *));
    for (int k = 0; seen && k < x->n_in; k++) seen[k] = as == x ? cheap_twin(in[k], need, twin) : in[k];
    if (!seen) return zt_graph_error(g);
    char saved[512];
    zt_scope_swap(g, x->scope, saved);
    as->in = seen;
    x->op->grad(as, dy, dx);
    as->in = in;
    for (int k = 0; k < x->n_in; k++) {
        flow *f = &grad[x->in[k]->id];
        if (dx[k] && need[x->in[k]->id] && !keep_range(f, dx[k])) f->sum = sum_grads(f->sum, dx[k]);
    }
    zt_scope_restore(g, saved);
    return zt_graph_error(g);
}

static zt_node *zeros(zt_graph *g, zt_shape sh) {
    double *z = zt_graph_alloc(g, (size_t)zt_numel(&sh) * sizeof *z);
    return z ? zt_const(g, zt_graph_real(g), sh, z) : zt_graph_fail(g, ZT_NOMEM);
}

zt_err zt_grad(zt_node *y, int n, zt_node *const *wrt, zt_node **dwrt) {
    zt_graph *g = y->g;
    zt_err e = zt_graph_error(g);
    if (e != ZT_OK) return e;
    if (zt_numel(&y->sh) != 1)
        return zt_fail(ZT_SHAPE, "gradient of a %s of shape %s; only a scalar can be differentiated", y->op->name,
                       zt_shape_text(&y->sh));
    const int top = y->id;
    int widest = 1;
    for (int id = 0; id <= top; id++)
        if (zt_graph_node(g, id)->n_in > widest) widest = zt_graph_node(g, id)->n_in;
    zt_node **dx = zt_alloc_array((size_t)widest, sizeof *dx);
    bool *need = zt_alloc_array((size_t)top + 1, sizeof *need);
    zt_node **twin = zt_alloc_array((size_t)top + 1, sizeof *twin);
    flow *grad = zt_alloc_array((size_t)top + 1, sizeof *grad);
    if (!need || !grad || !dx || !twin) {
        e = ZT_NOMEM;
        goto done;
    }
    mark_dependents(g, top, n, wrt, need);
    grad[top].sum = zt_const(g, zt_graph_real(g), y->sh, (const double[]){1});
    for (int id = top; id >= 0; id--) {
        zt_node *x = zt_graph_node(g, id);
        if (!need[id] || !x->n_in) continue;
        zt_node *dy = gradient_of(x, &grad[id]);
        if (!dy) continue;
        if (x->region > 0 && !twin[id]) make_again(x, twin);
        ZT_TRY(e = back_one(x, twin[id] ? twin[id] : x, dy, need, twin, grad, dx), done);
    }
    for (int k = 0; k < n; k++) {
        dwrt[k] = wrt[k]->id <= top ? gradient_of(wrt[k], &grad[wrt[k]->id]) : NULL;
        if (!dwrt[k]) dwrt[k] = zeros(g, wrt[k]->sh);
    }
    e = zt_graph_error(g);
done:
    zt_free(need);
    zt_free(grad);
    zt_free(twin);
    zt_free(dx);
    return e;
}
