/* plan_internal.h - what a plan is made of: planned by plan.c, plan_half.c, plan_tune.c and plan_fuse.c, run by run.c. */
#ifndef ZT_PLAN_INTERNAL_H
#define ZT_PLAN_INTERNAL_H
#include "tensor/layout.h"
#include "tensor/plan.h"

typedef struct zt_step {
    zt_node *node;                       /* of a chain: the last */
    const zt_kernel *kernel;             /* NULL: the reference runs */
    zt_exec exec;
    zt_chain *chain;                     /* NULL: one node */
    zt_node **in;                        /* what it reads: the node's inputs; of a chain (owned by it): those that are stored */
    int n_in;
} zt_step;

struct zt_plan {
    zt_graph *g;
    zt_plan_cfg cfg;
    zt_step *steps;
    int n_steps;
    zt_block *block;                     /* storage of results; leaves have none here */
    int n_blocks;
    int *first_block;                    /* by node id: block of the primary output, aux k follows at +1+k; -1: none */
    int *owner;                          /* by block: the block whose storage it uses: itself, or one that it overwrites */
    bool *need;                          /* by node id: it is an output, or one depends on it */
    uint8_t *arena, *inputs, *scratch;   /* arena and scratch: the pool's, where there is one */
    int64_t scratch_bytes;
    zt_plan_info info;
};

/** plan.c: every node's storage, where arena, inputs and scratch are now. ZT_NOTFOUND, ZT_SHAPE (parameters and states). */
zt_err zt_plan_bind(zt_plan *p);

/** plan_half.c: which results are stored as bf16 (node->half), once steps and kernels are known. ZT_NOMEM. */
zt_err zt_plan_choose_halves(zt_plan *p, int n_out, zt_node *const *out);

/** plan_tune.c: another kernel for the step where cfg.choices says so, or finds out. */
zt_err zt_plan_choose(zt_plan *p, zt_step *s);

/** plan_fuse.c: turn runs of element-wise steps into chains. need: by node id; outputs are never fused away. */
zt_err zt_plan_fuse(zt_plan *p, const bool *need, int n_out, zt_node *const *out);
void zt_chain_destroy(zt_step *s);

/** Whether something runs for the node. */
static inline bool zt_runs(const zt_node *n) {
    return !(n->op->flags & (ZT_OPF_VIEW | ZT_OPF_LEAF));
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
