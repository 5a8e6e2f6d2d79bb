/* plan_internal.h - what a plan is made of: planned by plan.c and plan_half.c, run by run.c. */
#ifndef ZT_PLAN_INTERNAL_H
#define ZT_PLAN_INTERNAL_H
#include "tensor/layout.h"
#include "tensor/plan.h"

typedef struct zt_step {
    zt_node *node;
    const zt_kernel *kernel;             /* NULL: the reference runs */
    zt_exec exec;
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
    uint8_t *arena, *inputs, *scratch;
    int64_t scratch_bytes;
    zt_plan_info info;
};

/** plan_half.c: which results are stored as bf16 (node->half), once steps and kernels are known. ZT_NOMEM. */
zt_err zt_plan_choose_halves(zt_plan *p, int n_out, zt_node *const *out);

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
