/* plan_fuse.c - element-wise steps that feed one another become one step: their results go from link to link in tiles and need no
 * memory. A node joins its reader when it has no other, both are element-wise and of one shape, and what it reads is still the
 * same there. Every link computes as it would alone, so no bit changes. Tested by tests/backends/test_fuse.c. */
#include "tensor/plan_internal.h"

enum { NONE = -1, SEVERAL = -2, NEAR = 64 }; /* NEAR: steps that a node may wait for its reader: inputs stay in memory for it */

typedef struct fuse {
    zt_plan *p;
    int *step, *reader; /* by node id: its step; the one step that reads it, NONE, or SEVERAL (also: a view does, an output) */
    int *tail, *size;        /* by step: the last step of its chain; links of the chain that ends there */
    int *writes;             /* by step: steps before it that overwrite leaves */
} fuse;

static zt_err fuse_init(fuse *f, zt_plan *p) {
    const size_t nodes = (size_t)zt_graph_size(p->g) + 1, steps = (size_t)p->n_steps + 1;
    *f = (fuse){.p = p};
    f->step = zt_alloc_array(nodes, sizeof(int));
    f->reader = zt_alloc_array(nodes, sizeof(int));
    f->tail = zt_alloc_array(steps, sizeof(int));
    f->size = zt_alloc_array(steps, sizeof(int));
    f->writes = zt_alloc_array(steps, sizeof(int));
    return f->step && f->reader && f->tail && f->size && f->writes ? ZT_OK : ZT_NOMEM;
}
static void fuse_finish(fuse *f) {
    zt_free(f->step);
    zt_free(f->reader);
    zt_free(f->tail);
    zt_free(f->size);
    zt_free(f->writes);
}

static void find_readers(fuse *f, const bool *need, int n_out, zt_node *const *out) {
    const zt_plan *p = f->p;
    const int size = zt_graph_size(p->g);
    for (int id = 0; id < size; id++) f->step[id] = f->reader[id] = NONE;
    for (int k = 0; k < p->n_steps; k++) {
        f->step[p->steps[k].node->id] = k;
        f->writes[k + 1] = f->writes[k] + ((p->steps[k].node->op->flags & ZT_OPF_MUTATES) != 0);
    }
    for (int id = 0; id < size; id++) {
        const zt_node *n = zt_graph_node(p->g, id);
        for (int j = 0; need[id] && j < n->n_in; j++) {
            int *r = &f->reader[n->in[j]->id];
            const int by = zt_runs(n) ? f->step[id] : SEVERAL;
            *r = *r == NONE || *r == by ? by : SEVERAL;
        }
    }
    for (int k = 0; k < n_out; k++) f->reader[out[k]->id] = SEVERAL;
}

/* Element-wise, with inputs that a tile can be taken from: bf16 ones are widened element by element. */
static bool links(const zt_step *s) {
    if (!s->kernel || !s->kernel->tile || s->node->dtype != ZT_F32) return false;
    for (int k = 0; k < s->node->n_in; k++)
        if (s->node->in[k]->half && !zt_same_shape(&s->node->in[k]->sh, &s->node->sh)) return false;
    return true;
}
/* Whether step k reads something that a later step overwrites before `until`. */
static bool overwritten(const fuse *f, int k, int until) {
    const zt_node *n = f->p->steps[k].node;
    bool stored = false;
    for (int j = 0; j < n->n_in; j++) {
        const zt_node *x = n->in[j];
        while (zt_shows(x)) x = x->in[0];
        stored = stored || x->role == ZT_PARAM || x->role == ZT_STATE;
    }
    return stored && f->writes[k] != f->writes[until];
}
/* From the last step to the first: readers have their chains already. */
static void find_chains(fuse *f) {
    const zt_plan *p = f->p;
    for (int k = p->n_steps - 1; k >= 0; k--) {
        const zt_node *n = p->steps[k].node;
        const int r = f->reader[n->id];
        f->tail[k] = k;
        f->size[k] = 1;
        if (r < 0 || !links(&p->steps[k]) || !links(&p->steps[r]) || !zt_same_shape(&n->sh, &p->steps[r].node->sh)) continue;
        const int end = f->tail[r];
        if (f->size[end] == ZT_CHAIN_MAX || end - k > NEAR || overwritten(f, k, end)) continue;
        f->tail[k] = end;
        f->size[end]++;
    }
}

static void add_input(zt_step *s, zt_node *x) {
    for (int k = 0; k < s->n_in; k++)
        if (s->in[k] == x) return;
    s->in[s->n_in++] = x;
}
/* Step `end` becomes the chain of all steps that end there. */
static zt_err make_chain(fuse *f, int end) {
    zt_plan *p = f->p;
    zt_step *s = &p->steps[end];
    zt_chain *c = s->chain = zt_alloc(sizeof *c);
    if (!c) return ZT_NOMEM;
    s->n_in = 0;
    s->in = zt_alloc_array(3 * ZT_CHAIN_MAX, sizeof(zt_node *));
    c->link = zt_alloc_array((size_t)f->size[end], sizeof *c->link);
    if (!s->in || !c->link) return ZT_NOMEM;
    for (int k = end - NEAR < 0 ? 0 : end - NEAR; k <= end; k++) {
        if (f->tail[k] != end) continue;
        zt_node *n = p->steps[k].node;
        zt_link *l = &c->link[c->n++];
        *l = (zt_link){n, p->steps[k].kernel, {NONE, NONE, NONE}};
        for (int j = 0; j < n->n_in; j++) {
            for (int i = 0; i < c->n - 1; i++)
                if (c->link[i].node == n->in[j]) l->in[j] = i;
            if (l->in[j] == NONE) add_input(s, n->in[j]);
        }
    }
    return ZT_OK;
}

zt_err zt_plan_fuse(zt_plan *p, const bool *need, int n_out, zt_node *const *out) {
    if (p->cfg.no_fuse || !p->cfg.backend || !p->cfg.backend->run_chain) return ZT_OK;
    fuse f;
    zt_err e = fuse_init(&f, p);
    if (e == ZT_OK) {
        find_readers(&f, need, n_out, out);
        find_chains(&f);
    }
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++)
        if (f.tail[k] == k && f.size[k] > 1) e = make_chain(&f, k);
    int n = 0;
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++)
        if (f.tail[k] == k) p->steps[n++] = p->steps[k];
    if (e == ZT_OK) {
        p->info.fused = p->n_steps - n;
        p->n_steps = n;
    }
    fuse_finish(&f);
    return e;
}

void zt_chain_destroy(zt_step *s) {
    if (!s->chain) return;
    zt_free(s->in);
    zt_free(s->chain->link);
    zt_free(s->chain);
    s->chain = NULL;
}
