/* plan_pack.c - weights that kernels pack (lay out anew, round to bf16): once where it will do. A plan that leaves its parameters
 * alone keeps every packed parameter from run to run, for callers that say nothing has changed (zt_plan_run_same); one that
 * changes them keeps what several steps of a run read, such as the parts of an accumulated batch. What else is packed goes into
 * scratch, right before the step that reads it. No copy outlives a change: zt_plan_run packs anew, and a step that overwrites a
 * parameter ends the sharing of its copies. Tested by tests/backends/test_pack.c. */
#include <string.h>
#include "tensor/plan_internal.h"

/* The parameter, or weight of a frozen network, that x is, all of it and perhaps in another shape, or NULL. */
static const zt_node *parameter(const zt_node *x) {
    while (x->op->flags & ZT_OPF_VIEW && x->op != &zt_def_aux && x->op != &zt_def_rows_view) x = x->in[0];
    return x->role == ZT_PARAM || (x->role == ZT_CONST && x->name) ? x : NULL;
}
static int n_written(const zt_node *n) {
    return n->op->flags & ZT_OPF_MUTATES ? (int)n->at.i[ZT_MAX_IATTR - 1] : 0;
}

/* Both steps pack the same parameter to the same bytes: what prepare decides by is the same. */
static bool alike(const zt_step *a, const zt_step *b) {
    const zt_node *x = a->node, *y = b->node;
    bool same = a->kernel == b->kernel && a->pack_bytes == b->pack_bytes && x->op == y->op && x->n_in == y->n_in &&
                x->multiply == y->multiply && x->half == y->half && zt_same_shape(&x->sh, &y->sh) &&
                memcmp(&x->at, &y->at, sizeof x->at) == 0 && (x->then == NULL) == (y->then == NULL);
    for (int k = 0; same && k < x->n_in; k++)
        same = x->in[k]->half == y->in[k]->half && zt_same_shape(&x->in[k]->sh, &y->in[k]->sh);
    return same;
}
static void join_or_open(zt_plan *p, int k) {
    zt_step *s = &p->steps[k];
    const zt_node *leaf = s->pack_bytes ? parameter(s->node->in[1]) : NULL;
    for (int j = 0; leaf && j < p->n_packs && s->pack < 0; j++)
        if (p->pack[j].open && p->pack[j].leaf == leaf && alike(&p->steps[p->pack[j].first], s)) s->pack = j;
    if (leaf && s->pack < 0) {
        s->pack = p->n_packs++;
        p->pack[s->pack] = (zt_pack){.leaf = leaf, .first = k, .open = true};
    }
    if (leaf) p->pack[s->pack].users++;
    for (int j = 0; j < n_written(s->node); j++)
        for (int i = 0; i < p->n_packs; i++)
            if (p->pack[i].leaf == s->node->in[j]) p->pack[i].open = false;
}

zt_err zt_plan_place_packs(zt_plan *p) {
    p->pack = zt_alloc_array((size_t)p->n_steps + 1, sizeof *p->pack);
    if (!p->pack) return ZT_NOMEM;
    for (int k = 0; k < p->n_steps; k++) {
        zt_step *s = &p->steps[k];
        s->pack = -1;
        s->pack_bytes = s->kernel && s->kernel->packs ? (int64_t)s->kernel->packs(s->node, s->exec.prepared) : 0;
        for (int j = 0; j < n_written(s->node); j++) p->changes_params = p->changes_params || s->node->in[j]->role == ZT_PARAM;
        join_or_open(p, k);
    }
    for (int j = 0; j < p->n_packs; j++) {
        if (p->changes_params && p->pack[j].users < 2) continue;
        p->pack[j].offset = p->info.packed_bytes;
        p->info.packed_bytes += (p->steps[p->pack[j].first].pack_bytes + 63) & ~(int64_t)63;
    }
    for (int k = 0; k < p->n_steps; k++) {
        zt_step *s = &p->steps[k];
        if (s->pack >= 0 && p->changes_params && p->pack[s->pack].users < 2) s->pack = -1;
        if (!s->pack_bytes || s->pack >= 0) continue;
        s->scratch_bytes = (s->scratch_bytes + 63) & ~(int64_t)63;
        if (s->scratch_bytes + s->pack_bytes > p->scratch_bytes) p->scratch_bytes = s->scratch_bytes + s->pack_bytes;
    }
    return ZT_OK;
}

void zt_plan_bind_packs(zt_plan *p) {
    for (int k = 0; k < p->n_steps; k++) {
        zt_step *s = &p->steps[k];
        if (p->cfg.dry || !s->pack_bytes) continue;
        s->exec.packed = s->pack >= 0 ? p->packed + p->pack[s->pack].offset : p->scratch + s->scratch_bytes;
    }
}
