/* shape.c - sizes and names of element types; shape arithmetic and text. Tested by tests/tensor/test_tensor_graph.c. */
#include "tensor/shape.h"
#include <stdio.h>
#include <string.h>

size_t zt_dtype_bytes(zt_dtype t) {
    static const size_t bytes[ZT_DTYPES] = {[ZT_F32] = 4, [ZT_F64] = 8, [ZT_BF16] = 2, [ZT_I32] = 4};
    return bytes[t];
}

const char *zt_dtype_name(zt_dtype t) {
    static const char *const names[ZT_DTYPES] = {[ZT_F32] = "f32", [ZT_F64] = "f64", [ZT_BF16] = "bf16", [ZT_I32] = "i32"};
    return names[t];
}

zt_shape zt_shape_of(int n, const int64_t *d) {
    zt_shape s = {.n = n};
    for (int k = 0; k < ZT_MAX_DIM; k++) s.d[k] = k < n ? d[k] : 1;
    return s;
}

int64_t zt_numel(const zt_shape *s) {
    int64_t n = 1;
    for (int k = 0; k < s->n; k++) n *= s->d[k];
    return n;
}

bool zt_same_shape(const zt_shape *a, const zt_shape *b) {
    return a->n == b->n && memcmp(a->d, b->d, (size_t)a->n * sizeof *a->d) == 0;
}

int64_t zt_last(const zt_shape *s) {
    return s->n ? s->d[s->n - 1] : 1;
}

int64_t zt_rows(const zt_shape *s) {
    return zt_numel(s) / zt_last(s);
}

const char *zt_shape_text(const zt_shape *s) {
    static _Thread_local char ring[8][ZT_MAX_DIM * 21 + 3];
    static _Thread_local int next;
    char *text = ring[next++ & 7], *p = text;
    *p++ = '[';
    for (int k = 0; k < s->n; k++) p += snprintf(p, 22, "%s%lld", k ? "," : "", (long long)s->d[k]);
    *p++ = ']';
    *p = 0;
    return text;
}
