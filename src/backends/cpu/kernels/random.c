/* random.c - uniform random numbers: the generator of base/rng.h fills the result. */
#include "backends/cpu/kernels/kernel.h"

static void uniform_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    zt_fill_uniform(zt_uniform_seed(n->in[0]->x), (uint64_t)n->at.i[ZT_UNIFORM_STREAM], n->x, zt_numel(&n->sh));
}

const zt_cpu_entry K(zt_k_random)[] = {{.op = ZT_OP_uniform, .kernel = {.run = uniform_run}}, {.op = -1}};
