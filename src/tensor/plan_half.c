/* plan_half.c - which results of a plan are stored as bf16 (docs/decisions/009). One that its kernel can write so and that every
 * reader takes so, if
 *   every reader rounds it anyway: no bit changes; or
 *   it is not known to more digits than that (ZT_OPF_BF16, in nodes that multiply in bf16): results of products, and gradients on
 *   their way into them; or
 *   it is a sum, a copy or a multiple of what is stored so (ZT_OPF_FOLLOWS).
 * The result of a product with an activation folded into it counts as that of the activation, of what the product may be.
 * A sum with an f32 part stays f32, and so do norms' statistics, losses, parameters and what the optimiser reads.
 * Tested by tests/backends/test_plan.c. */
#include "tensor/plan_internal.h"

/* The node whose result n shows, views followed; NULL when it shows a further output. */
static zt_node *shown(zt_node *n) {
    while (zt_shows(n)) {
        if (n->op == &zt_def_aux) return NULL;
        n = n->in[0];
    }
    return n;
}

/* take[id]: the least that a reader of the result can do with bf16. */
static void least_of_readers(const zt_plan *p, zt_reads *take) {
    for (int k = 0; k < p->n_steps; k++) {
        const zt_step *s = &p->steps[k];
        for (int j = 0; j < s->node->n_in; j++) {
            const zt_node *x = shown(s->node->in[j]);
            zt_reads reads = s->kernel && s->kernel->reads ? s->kernel->reads(s->node, j) : ZT_READS_F32;
            if (reads == ZT_READS_EITHER && s->node->multiply != ZT_BF16) reads = ZT_READS_F32;   /* a part that stays f32 */
            if (x && reads < take[x->id]) take[x->id] = reads;
        }
    }
}

/* The values are not known to more digits than bf16 has. `half`: of the nodes before n. */
static bool is_rough(const zt_node *n, const bool *half) {
    if (n->multiply != ZT_BF16 || !(n->op->flags & (ZT_OPF_BF16 | ZT_OPF_FOLLOWS))) return false;
    if (n->then && !(n->then->op->flags & ZT_OPF_FOLLOWS)) return false;
    for (int k = 0; n->op->flags & ZT_OPF_FOLLOWS && k < n->n_in; k++) {
        const zt_node *x = shown(n->in[k]);
        const bool broadcast = n->op == &zt_def_add && !zt_same_shape(&n->in[k]->sh, &n->sh);
        if (!broadcast && !(x && half[x->id])) return false;
    }
    return true;
}

zt_err zt_plan_choose_halves(zt_plan *p, int n_out, zt_node *const *out) {
    const int size = zt_graph_size(p->g);
    zt_reads *take = zt_alloc_array((size_t)size + 1, sizeof *take);
    bool *half = zt_alloc_array((size_t)size + 1, sizeof *half);
    if (take && half) {
        for (int id = 0; id < size; id++) take[id] = ZT_READS_ROUNDED;
        for (int k = 0; k < n_out; k++)
            if (shown(out[k])) take[shown(out[k])->id] = ZT_READS_F32;
        least_of_readers(p, take);
    }
    for (int k = 0; take && half && k < p->n_steps && !p->cfg.no_half; k++) {
        const zt_step *s = &p->steps[k];
        const zt_node *n = s->node;
        const bool may = !p->cfg.half_if_rounded && is_rough(n, half);
        half[n->id] = s->kernel && s->kernel->writes_half && s->kernel->writes_half(n) &&
                      (take[n->id] == ZT_READS_ROUNDED || (may && take[n->id] == ZT_READS_EITHER));
        p->info.halves += half[n->id];
    }
    for (int id = 0; take && half && id < size; id++) {
        zt_node *n = zt_graph_node(p->g, id);
        n->half = shown(n) && half[shown(n)->id];
    }
    const zt_err e = take && half ? ZT_OK : ZT_NOMEM;
    zt_free(take);
    zt_free(half);
    return e;
}
