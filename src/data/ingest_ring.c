/* ingest_ring.c - frames whose shot is not known yet. Tested through tests/data/test_data_ingest.c. */
#include <string.h>

#include "data/ingest_impl.h"

uint8_t *zt_ingest_ring_slot(const zt_ingest_ring *q, size_t i) { return q->px + (q->head + i) % q->cap * q->frame_bytes; }

zt_err zt_ingest_ring_grow(zt_ingest_ring *q) {
    if (q->n < q->cap) return ZT_OK;
    const size_t cap = q->cap ? 2 * q->cap : 8;
    zt_ingest_ring more = {.frame_bytes = q->frame_bytes, .cap = cap, .n = q->n};
    more.px = zt_alloc_array(cap, q->frame_bytes);
    more.shown = zt_alloc_array(cap, sizeof *more.shown);
    if (!more.px || !more.shown) {
        zt_free(more.px);
        zt_free(more.shown);
        return ZT_NOMEM;
    }
    for (size_t i = 0; i < q->n; i++) {
        memcpy(more.px + i * q->frame_bytes, zt_ingest_ring_slot(q, i), q->frame_bytes);
        more.shown[i] = q->shown[(q->head + i) % q->cap];
    }
    zt_free(q->px);
    zt_free(q->shown);
    *q = more;
    return ZT_OK;
}

void zt_ingest_ring_finish(zt_ingest_ring *q) {
    zt_free(q->px);
    zt_free(q->shown);
    *q = (zt_ingest_ring){0};
}
