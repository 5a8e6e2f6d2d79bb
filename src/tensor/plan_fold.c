/* plan_fold.c - an activation of a product is applied by the product's kernel before it stores the result: the pass over memory
 * and the result between are saved. Done where the activation alone reads the product (gradients that need what goes into it,
 * outputs and views count as readers), the kernel offers it, and the activation would be a step of its own: one that a chain
 * takes (plan_fuse.c) costs no pass. A product and the copies that zt_grad makes of it are treated alike, so that gradients see
 * the bits of the forward pass. Tested by tests/backends/test_fold.c. */
#include "tensor/plan_internal.h"

enum { NONE = -1, SEVERAL = -2 };

/* reader: by node id, the id of the one node that reads it, NONE, or SEVERAL (also: an output). kin: by id of a first copy, the
 * same of all copies, readers that are copies of one another counted as one. step: by node id; apart: by id of a first copy, one
 * of the copies cannot be folded. */
typedef struct fold { zt_plan *p; int *reader, *kin, *step; bool *apart; } fold;

static int first_copy(const zt_node *n) {
    while (n->again) n = n->again;
    return n->id;
}
static void add_reader(int *r, int by) {
    *r = *r == NONE || *r == by ? by : SEVERAL;
}
static void find_readers(fold *f, const bool *need, int n_out, zt_node *const *out) {
    const zt_plan *p = f->p;
    const int size = zt_graph_size(p->g);
    for (int id = 0; id < size; id++) f->reader[id] = f->kin[id] = f->step[id] = NONE;
    for (int k = 0; k < p->n_steps; k++) f->step[p->steps[k].node->id] = k;
    for (int id = 0; id < size; id++) {
        const zt_node *n = zt_graph_node(p->g, id);
        for (int j = 0; need[id] && j < n->n_in; j++) {
            add_reader(&f->reader[n->in[j]->id], id);
            add_reader(&f->kin[first_copy(n->in[j])], first_copy(n));
        }
    }
    for (int k = 0; k < n_out; k++) f->reader[out[k]->id] = f->kin[first_copy(out[k])] = SEVERAL;
}

static bool is_tile(const zt_step *s) {
    return s->kernel && s->kernel->tile && s->node->dtype == ZT_F32;
}
/* The step that node `id` is, if it is element-wise and of n's shape; else NONE. */
static int element_wise(const fold *f, int id, const zt_node *n) {
    const int k = id < 0 ? NONE : f->step[id];
    return k >= 0 && is_tile(&f->p->steps[k]) && zt_same_shape(&f->p->steps[k].node->sh, &n->sh) ? k : NONE;
}
/* The step of the activation that step s can take over, or NONE. */
static int activation_of(const fold *f, const zt_step *s) {
    if (!s->kernel || !s->kernel->folds || f->kin[first_copy(s->node)] == SEVERAL) return NONE;
    const int k = element_wise(f, f->reader[s->node->id], s->node);
    if (k < 0) return NONE;
    const zt_node *act = f->p->steps[k].node;
    const bool chains = element_wise(f, f->kin[first_copy(act)], act) >= 0;
    return act->n_in == 1 && !chains && s->kernel->folds(s->node, act) ? k : NONE;
}

static void fold_all(fold *f) {
    zt_plan *p = f->p;
    int n = 0;
    for (int k = 0; k < p->n_steps; k++)
        if (activation_of(f, &p->steps[k]) < 0) f->apart[first_copy(p->steps[k].node)] = true;
    for (int k = 0; k < p->n_steps; k++) {
        zt_node *x = p->steps[k].node;
        if (f->apart[first_copy(x)]) continue;
        x->then = p->steps[activation_of(f, &p->steps[k])].node;
        x->then->folded = true;
    }
    for (int k = 0; k < p->n_steps; k++)
        if (zt_runs(p->steps[k].node)) p->steps[n++] = p->steps[k];
    p->info.folded = p->n_steps - n;
    p->n_steps = n;
}

zt_err zt_plan_fold(zt_plan *p, const bool *need, int n_out, zt_node *const *out) {
    if (p->cfg.no_fold || !p->cfg.backend) return ZT_OK;
    const size_t nodes = (size_t)zt_graph_size(p->g) + 1;
    fold f = {.p = p, .reader = zt_alloc_array(3 * nodes, sizeof(int)), .apart = zt_alloc_array(nodes, sizeof(bool))};
    const zt_err e = f.reader && f.apart ? ZT_OK : ZT_NOMEM;
    if (e == ZT_OK) {
        f.kin = f.reader + nodes;
        f.step = f.kin + nodes;
        find_readers(&f, need, n_out, out);
        fold_all(&f);
    }
    zt_free(f.reader);
    zt_free(f.apart);
    return e;
}
