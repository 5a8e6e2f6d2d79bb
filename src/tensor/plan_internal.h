/* plan_internal.h - what a plan is made of: planned by plan.c, plan_tune.c, plan_fold.c, plan_half.c, plan_fuse.c and
 * plan_pack.c, run by run.c. */
#ifndef ZT_PLAN_INTERNAL_H
#define ZT_PLAN_INTERNAL_H
#include "tensor/layout.h"
#include "tensor/plan.h"

typedef struct zt_step {
    zt_node *node;                       /* of a chain: the last */
    const zt_kernel *kernel;             /* NULL: the reference runs */
    zt_exec exec;
    zt_chain *chain;                     /* NULL: one node */
    int64_t scratch_bytes, pack_bytes;   /* it asks for; of its weights, packed */
    int pack;                            /* the plan's copy that it reads; -1: it packs into scratch before each run */
    zt_node **in;                        /* what it reads: the node's inputs; of a chain (owned by it): those that are stored */
    int n_in;
} zt_step;

/* Packed weights that several steps read, or several runs. */
typedef struct zt_pack {
    const zt_node *leaf;
    int first, users;                    /* the step that packs them, and how many read them */
    bool open, done;                     /* further steps may join: the leaf is as it was; packed in this run */
    int64_t offset;
} zt_pack;

struct zt_plan {
    zt_graph *g;
    zt_plan_cfg cfg;
    zt_step *steps;
    int n_steps;
    zt_block *block;                     /* storage of results; leaves have none here */
    int n_blocks;
    int *first_block;                    /* by node id: block of the primary output, aux k follows at +1+k; -1: none */
    int *owner;                          /* by block: the block whose storage it uses: itself, or one that it overwrites */
    zt_pack *pack;
    int n_packs;
    bool changes_params;
    bool *need;                          /* by node id: it is an output, or one depends on it */
    uint8_t *arena, *inputs, *scratch, *packed;   /* arena and scratch: the pool's, where there is one */
    int64_t scratch_bytes;
    zt_plan_info info;
};

/** plan_fold.c: give activations to the kernels of the products they are of. need: by node id; outputs stay what they are. */
zt_err zt_plan_fold(zt_plan *p, const bool *need, int n_out, zt_node *const *out);

/** plan.c: every node's storage, where arena, inputs and scratch are now. ZT_NOTFOUND, ZT_SHAPE (parameters and states). */
zt_err zt_plan_bind(zt_plan *p);

/** plan_half.c: which results are stored as bf16 (node->half), once steps and kernels are known. ZT_NOMEM. */
zt_err zt_plan_choose_halves(zt_plan *p, int n_out, zt_node *const *out);

/** plan_tune.c: another kernel for the step where cfg.choices says so, or finds out. */
zt_err zt_plan_choose(zt_plan *p, zt_step *s);

/** plan_pack.c: which packed weights are kept, and where all of them lie. After the steps are prepared. ZT_NOMEM. */
zt_err zt_plan_place_packs(zt_plan *p);
/** Once what is kept has memory. */
void zt_plan_bind_packs(zt_plan *p);

/** plan_fuse.c: turn runs of element-wise steps into chains. need: by node id; outputs are never fused away. */
zt_err zt_plan_fuse(zt_plan *p, const bool *need, int n_out, zt_node *const *out);
void zt_chain_destroy(zt_step *s);

/** Whether the node's result is stored where in[0]'s is. */
static inline bool zt_shows(const zt_node *n) {
    return n->op->flags & ZT_OPF_VIEW || n->folded;
}
/** Whether something runs for the node. */
static inline bool zt_runs(const zt_node *n) {
    return !zt_shows(n) && !(n->op->flags & ZT_OPF_LEAF);
}
static inline int64_t zt_result_bytes(const zt_node *n) {
    return zt_numel(&n->sh) * (n->half ? 2 : (int64_t)zt_dtype_bytes(n->dtype));
}
static inline int64_t zt_aux_bytes(const zt_node *n, int k) {
    return zt_numel(&n->aux_sh[k]) * (int64_t)zt_dtype_bytes(n->dtype);
}
/** Of the two references, the one for the node's real type: its result's, or its inputs' when the result is i32. */
static inline int zt_reference_of(const zt_node *n) {
    bool f64 = n->dtype == ZT_F64;
    for (int k = 0; k < n->n_in; k++) f64 = f64 || n->in[k]->dtype == ZT_F64;
    return f64;
}
#endif
