/* real.h - lets one source give the f32 and the f64 reference of every op. Each family file compiles by itself with real = float;
 * f64.c includes them all with ZT_REAL_F64, which leaves only the references, with real = double. f64 references exist to check
 * gradients: finite differences see four digits more there. References accumulate in double and are allowed to be slow. */
#ifndef ZT_OPS_REAL_H
#define ZT_OPS_REAL_H
#include <math.h>
#include <string.h>
#include "ops/attrs.h"
#include "tensor/graph.h"

#ifdef ZT_REAL_F64
typedef double real;
#define REF(name) zt_ref_##name##_f64
#else
typedef float real;
#define REF(name) zt_ref_##name##_f32
#endif
#define ZT_REFS(name) {zt_ref_##name##_f32, zt_ref_##name##_f64}

#define ZT_OP(name) void zt_ref_##name##_f32(const zt_node *n); void zt_ref_##name##_f64(const zt_node *n);
#include "ops/ops.def"
#undef ZT_OP

/** Index in a tensor of shape `small`, broadcast to `big`, of element i of `big`. */
static inline int64_t zt_bcast_index(const zt_shape *big, const zt_shape *small, int64_t i) {
    int64_t at = 0, stride = 1;
    for (int k = 1; k <= small->n; k++) {
        const int64_t size = big->d[big->n - k], d = small->d[small->n - k];
        if (d > 1) at += i % size * stride;
        stride *= d;
        i /= size;
    }
    return at;
}

/** A tensor around one axis: [outer, size, inner]. */
static inline void zt_around_axis(const zt_shape *sh, int axis, int64_t *outer, int64_t *inner) {
    *outer = *inner = 1;
    for (int k = 0; k < sh->n; k++) {
        if (k < axis) *outer *= sh->d[k];
        if (k > axis) *inner *= sh->d[k];
    }
}
#endif
