/* random.c - random numbers in a graph, from the counter-based generator of base/rng.h: a function of seed, stream and index
 * alone, so a step repeats bit for bit whatever the number of threads. Inputs and attributes: attrs.h.
 * Dropout: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting"; Gumbel noise: Jang et al.
 * 2017, arXiv:1611.01144. Tested by tests/ops/test_ops_sweep.c and test_ops_values.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
void REF(uniform)(const zt_node *n) {
    const uint64_t seed = zt_uniform_seed(n->in[0]->x), stream = (uint64_t)n->at.i[ZT_UNIFORM_STREAM];
    const int64_t count = zt_numel(&n->sh);
    for (int64_t k = 0; k < count; k++) {
        uint32_t w[4];
        zt_philox(seed, stream, (uint64_t)k / 4, w);
        ((real *)n->x)[k] = (real)(((double)(w[k % 4] >> 9) + 0.5) * 0x1p-23);
    }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
zt_node *zt_uniform(zt_node *seed, zt_shape sh, int64_t stream) {
    zt_attr at = zt_op_dims_attr(sh);
    at.i[ZT_UNIFORM_STREAM] = stream;
    return zt_emit1(seed->g, &zt_def_uniform, seed, &at);
}

zt_node *zt_dropout(zt_node *x, double p, zt_node *seed, int64_t stream) {
    if (!(p >= 0 && p < 1))
        return zt_graph_fail(x->g, zt_fail(ZT_ARG, "dropout: the part that is dropped is %g; want 0 or more, below 1", p));
    if (p == 0) return x;
    zt_node *kept = zt_greater(zt_uniform(seed, x->sh, stream), zt_scalar(x->g, p));
    return zt_mul(x, zt_affine(kept, 1 / (1 - p), 0));
}

zt_node *zt_gumbel(zt_node *seed, zt_shape sh, int64_t stream) {
    return zt_neg(zt_ln(zt_neg(zt_ln(zt_uniform(seed, sh, stream)))));
}

/* ---- definition -------------------------------------------------------------------------------------------------- */
static zt_err uniform_shape(zt_node *n) {
    const zt_node *seed = n->in[0];
    if (seed->dtype != ZT_I32 || seed->sh.n != 1 || seed->sh.d[0] != 2)
        return zt_fail(ZT_ARG, "uniform: the seed must be i32 [2] (key, counter); it is %s %s", zt_dtype_name(seed->dtype),
                       zt_shape_text(&seed->sh));
    return zt_op_set(n, zt_graph_real(n->g), zt_op_dims(n));
}

static zt_node *uniform_gen(zt_graph *g, zt_rng *r) {
    const zt_shape sh = zt_gen_any_shape(r);
    return zt_uniform(zt_gen_index(g, zt_sh(2), 1 << 24), sh, zt_rng_int(r, 0, INT32_MAX));
}

const zt_op_def zt_def_uniform = {.id = ZT_OP_uniform, .name = "uniform",
    .doc = "seed:[2] i32 (key, counter) -> random numbers in (0,1) of a given shape", .min_in = 1, .max_in = 1,
    .shape = uniform_shape, .ref = ZT_REFS(uniform), .gen = uniform_gen, .tol = 1e-6};
#endif
