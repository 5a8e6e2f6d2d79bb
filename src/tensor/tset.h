/* tset.h - a named set of tensors: parameters, EMA, optimiser moments. What checkpoints hold. */
#ifndef ZT_TSET_H
#define ZT_TSET_H
#include "base/err.h"
#include "tensor/shape.h"

typedef struct zt_tensor {
    char *name;
    zt_dtype dtype;
    zt_shape sh;
    void *data;    /* 64-byte aligned */
    bool borrowed; /* data belongs to another set */
} zt_tensor;
typedef struct zt_tset {
    zt_tensor *t;
    int n, cap;
    int *slot;
    int n_slots; /* hash index over names */
} zt_tset;       /* zero-initialise */

/** Add a zeroed tensor; names are unique (ZT_ARG on a second one). `*out` may be NULL; it is valid until the next add. */
zt_err zt_tset_add(zt_tset *s, const char *name, zt_dtype t, zt_shape sh, zt_tensor **out);
zt_tensor *zt_tset_find(const zt_tset *s, const char *name);        /* NULL: absent */
/** dst (empty) gets the same names and shapes; values copied when `with_values`, else zero. */
zt_err zt_tset_like(zt_tset *dst, const zt_tset *src, bool with_values);
/** dst gets every tensor of src whose name starts with `prefix`, under the rest of its name, sharing storage: src must outlive
 *  dst. */
zt_err zt_tset_share(zt_tset *dst, const zt_tset *src, const char *prefix);
/** Likewise every tensor whose name starts with none of the n prefixes, under its own name. */
zt_err zt_tset_share_rest(zt_tset *dst, const zt_tset *src, int n, const char *const *prefix);
int64_t zt_tset_numel(const zt_tset *s);
int64_t zt_tset_bytes(const zt_tset *s);
void zt_tset_finish(zt_tset *s);
#endif
