/* elementwise_impl.h - what elementwise.c and activation.c share: how references, generators and definitions of functions of
 * single elements are written, and their shape rules. Not for use outside ops. */
#ifndef ZT_OPS_ELEMENTWISE_IMPL_H
#define ZT_OPS_ELEMENTWISE_IMPL_H
#include "ops/real.h"

/* The reference of y = expr(a, b), where b broadcasts to a, and of y = expr(x); attributes are n->at. */
#define BINARY_REF(name, expr)                                                              \
    void REF(name)(const zt_node *n) {                                                      \
        const zt_shape *sa = &n->sh, *sb = &n->in[1]->sh;                                   \
        const int64_t count = zt_numel(sa);                                                 \
        for (int64_t k = 0; k < count; k++) {                                               \
            const double a = ((const real *)n->in[0]->x)[k];                                \
            const double b = ((const real *)n->in[1]->x)[zt_bcast_index(sa, sb, k)];        \
            ((real *)n->x)[k] = (real)(expr);                                               \
        }                                                                                   \
    }
#define UNARY_REF(name, expr)                                                               \
    void REF(name)(const zt_node *n) {                                                      \
        const int64_t count = zt_numel(&n->sh);                                             \
        for (int64_t k = 0; k < count; k++) {                                               \
            const double x = ((const real *)n->in[0]->x)[k];                                \
            ((real *)n->x)[k] = (real)(expr);                                               \
        }                                                                                   \
    }

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* Shape rules (elementwise.c): x; a, b with b broadcasting to a; inputs of one shape. The result has the first input's shape. */
zt_err zt_op_unary_shape(zt_node *n);
zt_err zt_op_binary_shape(zt_node *n);
zt_err zt_op_alike_shape(zt_node *n);

#define UNARY_GEN(name)                                                                     \
    static zt_node *name##_gen(zt_graph *g, zt_rng *r) {                                    \
        return zt_##name(zt_gen_stretched(g, r, zt_gen_any_shape(r)));                      \
    }

#define DEFINE(op, inputs, rule, allowed, text) DEFINE_WITH(op, inputs, rule, 0, allowed, text)
#define DEFINE_WITH(op, inputs, rule, bits, allowed, text)                                                             \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = inputs, .max_in = inputs,     \
                                   .flags = ZT_OPF_OVERWRITE | (bits), .shape = zt_op_##rule##_shape,                 \
                                   .ref = ZT_REFS(op),                                                                 \
                                   .grad = op##_grad, .gen = op##_gen, .tol = allowed};
#endif
#endif
