/* plan.c - from a graph to a list of steps with bound storage: what is needed, which kernel, what is stored as bf16, which
 * memory. Kernels are timed in plan_tune.c, activations folded in plan_fold.c, chains made in plan_fuse.c, packed weights
 * shared in plan_pack.c, placement itself is in layout.c, running in run.c.
 * Tested by tests/tensor/test_tensor_graph.c and tests/backends/test_plan.c. */
#include <string.h>
#include "tensor/plan_internal.h"

enum { GUARD = 256, GUARD_BYTE = 0xA5 };

/* ---- what is needed -------------------------------------------------------------------------------------------- */
static void mark_needed(const zt_graph *g, int n_out, zt_node *const *out, bool *need) {
    for (int k = 0; k < n_out; k++) need[out[k]->id] = true;
    for (int id = zt_graph_size(g) - 1; id >= 0; id--) {
        const zt_node *n = zt_graph_node(g, id);
        for (int k = 0; need[id] && k < n->n_in; k++) need[n->in[k]->id] = true;
    }
}

/* The block a node's primary storage is in (views followed), or -1 for leaves. */
static int block_of(const zt_plan *p, const zt_node *n) {
    int aux = -1;
    while (zt_shows(n)) {
        if (n->op == &zt_def_aux) aux = (int)n->at.i[0];
        n = n->in[0];
    }
    const int b = p->first_block[n->id];
    return b < 0 ? -1 : b + 1 + aux;
}

/* ---- kernels --------------------------------------------------------------------------------------------------- */
static zt_err choose_kernel(zt_plan *p, zt_step *s) {
    const zt_node *n = s->node;
    s->kernel = p->cfg.backend ? p->cfg.backend->find(n) : NULL;
    if (!s->kernel) {
        if (p->cfg.backend && p->cfg.strict)
            return zt_fail(ZT_UNSUPPORTED, "%s%s%s %s: backend %s has no kernel for it", n->scope, *n->scope ? ": " : "",
                           n->op->name, zt_shape_text(&n->sh), p->cfg.backend->name);
        if (!n->op->ref[zt_reference_of(n)])
            return zt_fail(ZT_INTERNAL, "%s has no reference for %s", n->op->name, zt_dtype_name(n->dtype));
        p->info.fallbacks += p->cfg.backend != NULL;
        return ZT_OK;
    }
    return zt_plan_choose(p, s);
}

static zt_err prepare(zt_plan *p, zt_step *s) {
    if (!s->kernel || !s->kernel->prepare) return ZT_OK;
    size_t scratch = 0;
    const zt_err e = s->kernel->prepare(s->node, &s->exec.prepared, &scratch);
    s->scratch_bytes = (int64_t)scratch;
    if (s->scratch_bytes > p->scratch_bytes) p->scratch_bytes = s->scratch_bytes;
    return e;
}

static zt_err make_steps(zt_plan *p, const bool *need, int n_out, zt_node *const *out) {
    const int size = zt_graph_size(p->g);
    for (int id = 0; id < size; id++) {
        zt_graph_node(p->g, id)->then = NULL;
        zt_graph_node(p->g, id)->folded = false;
    }
    for (int id = 0; id < size; id++) p->n_steps += need[id] && zt_runs(zt_graph_node(p->g, id));
    p->steps = zt_alloc_array((size_t)p->n_steps + 1, sizeof *p->steps);
    if (!p->steps) return ZT_NOMEM;
    int at = 0;
    for (int id = 0; id < size; id++) {
        zt_node *n = zt_graph_node(p->g, id);
        if (!need[id] || !zt_runs(n)) continue;
        zt_step *s = &p->steps[at++];
        *s = (zt_step){.node = n, .in = n->in, .n_in = n->n_in};
        const zt_err e = choose_kernel(p, s);
        if (e != ZT_OK) return e;
        if (n->op->flops && n->region >= 0) p->info.flops += n->op->flops(n);
    }
    zt_err e = zt_plan_fold(p, need, n_out, out);
    if (e == ZT_OK) e = zt_plan_choose_halves(p, n_out, out);
    if (e == ZT_OK) e = zt_plan_fuse(p, need, n_out, out);
    p->info.steps = p->n_steps;
    for (int k = 0; e == ZT_OK && k < p->n_steps; k++) e = prepare(p, &p->steps[k]);
    return e == ZT_OK ? zt_plan_place_packs(p) : e;
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */
static zt_err make_blocks(zt_plan *p) {
    const int size = zt_graph_size(p->g);
    p->first_block = zt_alloc_array((size_t)size + 1, sizeof *p->first_block);
    for (int k = 0; k < p->n_steps; k++) p->n_blocks += 1 + p->steps[k].node->n_aux;
    p->block = zt_alloc_array((size_t)p->n_blocks + 1, sizeof *p->block);
    if (!p->first_block || !p->block) return ZT_NOMEM;
    for (int id = 0; id < size; id++) p->first_block[id] = -1;
    int b = 0;
    for (int k = 0; k < p->n_steps; k++) {
        const zt_node *n = p->steps[k].node;
        p->first_block[n->id] = b;
        p->block[b++] = (zt_block){.bytes = zt_result_bytes(n), .first = k, .last = k};
        for (int a = 0; a < n->n_aux; a++) p->block[b++] = (zt_block){.bytes = zt_aux_bytes(n, a), .first = k, .last = k};
    }
    return ZT_OK;
}

static void find_lifetimes(zt_plan *p, int n_out, zt_node *const *out) {
    for (int k = 0; k < p->n_steps; k++) {
        const zt_step *s = &p->steps[k];
        for (int j = 0; j < s->n_in; j++) {
            const int b = block_of(p, s->in[j]);
            if (b >= 0) p->block[b].last = k;
        }
    }
    for (int k = 0; k < n_out; k++) {
        const int b = block_of(p, out[k]);
        out[k]->is_output = true;
        if (b >= 0) p->block[b].last = p->n_steps;
    }
}

/* Whether the step's result can take over block `in` (an owner): it dies there, is as large, and is read in step with the result
 * by all inputs that lie in it. */
static bool dies_here(const zt_plan *p, int k, int in) {
    const zt_step *s = &p->steps[k];
    const zt_block *b = &p->block[in];
    if (b->last != k || b->bytes != p->block[p->first_block[s->node->id]].bytes) return false;
    for (int j = 0; j < s->n_in; j++) {
        const int other = block_of(p, s->in[j]);
        if (other >= 0 && p->owner[other] == in && !zt_same_shape(&s->in[j]->sh, &s->node->sh)) return false;
    }
    return true;
}
/* Element-wise results take over the block of an input that dies there: of the first, in a chain of any. */
static void share_blocks(zt_plan *p) {
    int *owner = p->owner;
    for (int b = 0; b < p->n_blocks; b++) owner[b] = b;
    for (int k = 0; k < p->n_steps && !p->cfg.no_reuse; k++) {
        const zt_step *s = &p->steps[k];
        if (!(s->node->op->flags & ZT_OPF_OVERWRITE)) continue;
        const int out = p->first_block[s->node->id];
        for (int j = 0; j < (s->chain ? s->n_in : 1) && owner[out] == out; j++) {
            const int raw = block_of(p, s->in[j]);
            if (raw < 0 || !dies_here(p, k, owner[raw])) continue;
            owner[out] = owner[raw];
            p->block[owner[raw]].last = p->block[out].last;
        }
    }
}

static zt_err place_blocks(zt_plan *p) {
    p->owner = zt_alloc_array((size_t)p->n_blocks + 1, sizeof *p->owner);
    zt_block *own = zt_alloc_array((size_t)p->n_blocks + 1, sizeof *own);
    zt_err e = p->owner && own ? ZT_OK : ZT_NOMEM;
    if (e == ZT_OK) {
        share_blocks(p);
        int n = 0;
        for (int b = 0; b < p->n_blocks; b++)
            if (p->owner[b] == b) own[n++] = p->block[b];
        if (p->cfg.no_reuse) zt_layout_apart(own, n, GUARD, &p->info.arena_bytes);
        else e = zt_layout_place(own, n, &p->info.arena_bytes);
        n = 0;
        for (int b = 0; b < p->n_blocks; b++)
            if (p->owner[b] == b) p->block[b].offset = own[n++].offset;
        for (int b = 0; b < p->n_blocks; b++) p->block[b].offset = p->block[p->owner[b]].offset;
    }
    zt_free(own);
    return e;
}

static zt_err bind_stored(const zt_plan *p, zt_node *n) {
    const zt_tset *s = n->role == ZT_PARAM ? p->cfg.params : p->cfg.states;
    const zt_tensor *t = s ? zt_tset_find(s, n->name) : NULL;
    if (!t) return p->cfg.dry ? ZT_OK : zt_fail(ZT_NOTFOUND, "tensor '%s' %s is missing", n->name, zt_shape_text(&n->sh));
    if (!zt_same_shape(&t->sh, &n->sh) || t->dtype != n->dtype)
        return zt_fail(ZT_SHAPE, "tensor '%s' is %s %s; the model wants %s %s", n->name, zt_dtype_name(t->dtype),
                       zt_shape_text(&t->sh), zt_dtype_name(n->dtype), zt_shape_text(&n->sh));
    n->x = t->data;
    return ZT_OK;
}

static int64_t input_room(const zt_node *n) {
    return (zt_result_bytes(n) + 2 * GUARD + 63) & ~(int64_t)63;
}

/* *at has at least `bytes`, and where it grows, what was in it is lost. */
static zt_err grow(uint8_t **at, int64_t *have, int64_t bytes) {
    if (*at && *have >= bytes) return ZT_OK;
    if (*at) zt_big_free(*at, (size_t)*have + 64);
    *have = bytes;
    *at = zt_big_alloc((size_t)bytes + 64);
    return *at ? ZT_OK : ZT_NOMEM;
}
void zt_plan_pool_finish(zt_plan_pool *pool) {
    if (pool->arena) zt_big_free(pool->arena, (size_t)pool->arena_bytes + 64);
    if (pool->scratch) zt_big_free(pool->scratch, (size_t)pool->scratch_bytes + 64);
    *pool = (zt_plan_pool){0};
}

static zt_err allocate(zt_plan *p) {
    const int size = zt_graph_size(p->g);
    zt_plan_pool own = {0}, *pool = p->cfg.pool ? p->cfg.pool : &own;
    for (int id = 0; id < size; id++)
        if (p->need[id] && zt_graph_node(p->g, id)->role == ZT_INPUT) p->info.input_bytes += input_room(zt_graph_node(p->g, id));
    p->info.scratch_bytes = p->scratch_bytes;
    if (p->cfg.dry) return ZT_OK;
    zt_err e = grow(&pool->arena, &pool->arena_bytes, p->info.arena_bytes);
    if (e == ZT_OK) e = grow(&pool->scratch, &pool->scratch_bytes, p->scratch_bytes);
    p->arena = pool->arena;
    p->scratch = pool->scratch;
    p->inputs = zt_big_alloc((size_t)p->info.input_bytes + 64);
    p->packed = zt_big_alloc((size_t)p->info.packed_bytes + 64);
    if (p->cfg.no_reuse && p->arena) memset(p->arena, GUARD_BYTE, (size_t)p->info.arena_bytes);
    return p->inputs && p->packed ? e : ZT_NOMEM;
}

zt_err zt_plan_bind(zt_plan *p) {
    const int size = zt_graph_size(p->g);
    int64_t at = GUARD;
    for (int id = 0; id < size; id++) {
        zt_node *n = zt_graph_node(p->g, id);
        zt_err e = ZT_OK;
        if (!p->need[id]) continue;
        if (n->role == ZT_INPUT && !p->cfg.dry) {
            n->x = p->inputs + at;
            at += input_room(n);
        } else if (n->role == ZT_PARAM || n->role == ZT_STATE) {
            e = bind_stored(p, n);
        } else if (n->op == &zt_def_aux) {
            n->x = n->in[0]->aux[n->at.i[0]];
        } else if (n->op == &zt_def_rows_view) {
            const int64_t skip = n->at.i[0] * (zt_result_bytes(n) / n->sh.d[0]);
            n->x = n->in[0]->x ? (uint8_t *)n->in[0]->x + skip : NULL;
        } else if (zt_shows(n)) {
            n->x = n->in[0]->x;
        } else if (p->first_block[id] >= 0 && !p->cfg.dry) {
            const int b = p->first_block[id];
            n->x = p->arena + p->block[b].offset;
            for (int a = 0; a < n->n_aux; a++) n->aux[a] = p->arena + p->block[b + 1 + a].offset;
        }
        if (e != ZT_OK) return e;
    }
    for (int k = 0; k < p->n_steps; k++) p->steps[k].exec.scratch = p->scratch;
    zt_plan_bind_packs(p);
    return ZT_OK;
}

/* Better refused now than killed by the system at some later step. */
static zt_err fits(const zt_plan *p) {
    const int64_t need = p->info.arena_bytes + p->scratch_bytes + p->info.packed_bytes, have = zt_machine_memory_bytes();
    if (p->cfg.dry || !have || need <= have) return ZT_OK;
    return zt_fail(ZT_NOMEM, "this needs %.1f GB of memory and the machine has %.1f GB: take a smaller batch, smaller clips or a "
                   "smaller model (in training, train.recompute=true needs less too)", (double)need * 1e-9, (double)have * 1e-9);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */
zt_err zt_plan_create(zt_plan **out, zt_graph *g, int n_out, zt_node *const *outputs, const zt_plan_cfg *cfg) {
    *out = NULL;
    zt_err e = zt_graph_error(g);
    if (e != ZT_OK) return e;
    zt_plan *p = zt_alloc(sizeof *p);
    if (!p) return ZT_NOMEM;
    p->g = g;
    p->cfg = *cfg;
    p->need = zt_alloc_array((size_t)zt_graph_size(g) + 1, sizeof *p->need);
    if (!p->need) {
        e = ZT_NOMEM;
        goto done;
    }
    mark_needed(g, n_out, outputs, p->need);
    ZT_TRY(e = make_steps(p, p->need, n_out, outputs), done);
    ZT_TRY(e = make_blocks(p), done);
    find_lifetimes(p, n_out, outputs);
    ZT_TRY(e = place_blocks(p), done);
    ZT_TRY(e = fits(p), done);
    ZT_TRY(e = allocate(p), done);
    ZT_TRY(e = zt_plan_bind(p), done);
    *out = p;
    p = NULL;
done:
    zt_plan_destroy(&p);
    return e;
}

void zt_plan_destroy(zt_plan **pp) {
    zt_plan *p = *pp;
    if (!p) return;
    for (int k = 0; p->steps && k < p->n_steps; k++) {
        if (p->steps[k].kernel && p->steps[k].kernel->release) p->steps[k].kernel->release(p->steps[k].exec.prepared);
        zt_chain_destroy(&p->steps[k]);
    }
    zt_plan_pool own = {p->arena, p->scratch, p->info.arena_bytes, p->scratch_bytes};
    if (!p->cfg.pool) zt_plan_pool_finish(&own);
    if (p->inputs) zt_big_free(p->inputs, (size_t)p->info.input_bytes + 64);
    if (p->packed) zt_big_free(p->packed, (size_t)p->info.packed_bytes + 64);
    zt_free(p->pack);
    zt_free(p->need);
    zt_free(p->steps);
    zt_free(p->block);
    zt_free(p->first_block);
    zt_free(p->owner);
    zt_free(p);
    *pp = NULL;
}

const zt_plan_info *zt_plan_get_info(const zt_plan *p) {
    return &p->info;
}
int64_t zt_plan_bytes(const zt_plan *p) {
    return p->info.arena_bytes + p->info.input_bytes + p->info.scratch_bytes + p->info.packed_bytes;
}

bool zt_plan_guards_ok(const zt_plan *p) {
    if (!p->cfg.no_reuse || p->cfg.dry) return true;
    for (int b = 0; b < p->n_blocks; b++) {
        const uint8_t *before = p->arena + p->block[b].offset - GUARD, *after = p->arena + p->block[b].offset + p->block[b].bytes;
        for (int k = 0; k < GUARD; k++)
            if (before[k] != GUARD_BYTE || after[k] != GUARD_BYTE) return false;
    }
    return true;
}
