/* bench_ops.h - single operations of `zoe bench`, at sizes that the models have. */
#ifndef ZT_CLI_BENCH_OPS_H
#define ZT_CLI_BENCH_OPS_H
#include "cli/bench_nets.h"

/** An operation; `build` returns its node, over leaves alone. */
typedef struct zt_bench_op { const char *name; zt_node *(*build)(zt_nn *nn); } zt_bench_op;
/** The operations, ended by one without a name. */
extern const zt_bench_op zt_bench_ops[];
/** One operation planned, its inputs (f32) filled; products in `multiply`. Zero-initialise; zt_bench_step_finish frees. */
zt_err zt_bench_op_create(zt_bench_step *s, const zt_bench_op *op, zt_dtype multiply);
#endif
