/* layout.c - memory planning by size: greedy first fit over lifetime intervals (as described by Pisarchyk & Lee 2020,
 * "Efficient Memory Management for Deep Neural Net Inference", arXiv:2001.03288, "greedy by size"). */
#include "tensor/layout.h"
#include <stdlib.h>
#include "base/mem.h"

static int64_t round64(int64_t n) {
    return (n + 63) & ~(int64_t)63;
}

static int by_size(const void *pa, const void *pb) {
    const zt_block *a = *(zt_block *const *)pa, *b = *(zt_block *const *)pb;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a < b ? -1 : 1;
}
static int by_offset(const void *pa, const void *pb) {
    const zt_block *a = *(zt_block *const *)pa, *b = *(zt_block *const *)pb;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

zt_err zt_layout_place(zt_block *b, int n, int64_t *total) {
    *total = 0;
    zt_block **order = zt_alloc_array((size_t)n + 1, sizeof *order), **live = zt_alloc_array((size_t)n + 1, sizeof *live);
    if (!order || !live) {
        zt_free(order);
        zt_free(live);
        return ZT_NOMEM;
    }
    for (int k = 0; k < n; k++) order[k] = &b[k];
    qsort(order, (size_t)n, sizeof *order, by_size);
    for (int k = 0; k < n; k++) {
        zt_block *x = order[k];
        int m = 0;
        for (int j = 0; j < k; j++)
            if (order[j]->first <= x->last && x->first <= order[j]->last) live[m++] = order[j];
        qsort(live, (size_t)m, sizeof *live, by_offset);
        int64_t at = 0;
        for (int j = 0; j < m && live[j]->offset < at + x->bytes; j++) {
            const int64_t end = round64(live[j]->offset + live[j]->bytes);
            if (end > at) at = end;
        }
        x->offset = at;
        if (round64(at + x->bytes) > *total) *total = round64(at + x->bytes);
    }
    zt_free(order);
    zt_free(live);
    return ZT_OK;
}

void zt_layout_apart(zt_block *b, int n, int64_t guard, int64_t *total) {
    int64_t at = guard;
    for (int k = 0; k < n; k++) {
        b[k].offset = at;
        at = round64(at + b[k].bytes + guard) + guard;
    }
    *total = at;
}
