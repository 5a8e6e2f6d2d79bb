/* near.c - see near.h. Tested by tests/data/test_data_filter.c. */
#include "data/near.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* One table per piece of the hash: chains of kept items that share its value. Item numbers plus one, 0 ends a chain. */
typedef struct tables { int pieces, width; uint64_t mask; uint32_t *head, *next; int64_t n; } tables;

static zt_err tables_create(tables *t, int64_t n, int bits) {
    uint64_t cap = 16;
    while (cap < (uint64_t)n) cap *= 2;
    t->pieces = bits + 1;
    t->width = 64 * ZT_HASHES / t->pieces;
    if (t->width > 64) t->width = 64;
    t->mask = cap - 1;
    t->n = n;
    t->head = zt_alloc_array((size_t)cap * (size_t)t->pieces, sizeof *t->head);
    t->next = zt_alloc_array((size_t)n * (size_t)t->pieces, sizeof *t->next);
    return t->head && t->next ? ZT_OK : ZT_NOMEM;
}

static uint64_t piece_of(const tables *t, const uint64_t hash[ZT_HASHES], int k) {
    const int at = k * t->width, word = at / 64, shift = at % 64;
    uint64_t v = hash[word] >> shift;
    if (shift && word + 1 < ZT_HASHES) v |= hash[word + 1] << (64 - shift);
    return t->width < 64 ? v & (((uint64_t)1 << t->width) - 1) : v;
}

static uint32_t *chain(const tables *t, const zt_near_item *item, int k) {
    const uint64_t h = (piece_of(t, item->hash, k) + 1) * 0x9e3779b97f4a7c15u;
    return &t->head[(uint64_t)k * (t->mask + 1) + (h >> 32 & t->mask)];
}

static int near(const zt_near_item *a, const zt_near_item *b, int bits) {
    int n = 0;
    for (int i = 0; i < ZT_HASHES; i++) n += __builtin_popcountll(a->hash[i] ^ b->hash[i]);
    for (int shift = 0; shift < 24; shift += 8)
        if (abs((int)(a->colour >> shift & 255) - (int)(b->colour >> shift & 255)) > 32) return 0;
    return n <= bits;
}

/* The first kept item near item i, -1: none. */
static int64_t find(const tables *t, const zt_near_item *item, int64_t i, int bits) {
    int64_t first = -1;
    for (int k = 0; k < t->pieces; k++)
        for (uint32_t at = *chain(t, &item[i], k); at; at = t->next[(int64_t)k * t->n + at - 1]) {
            const int64_t other = (int64_t)at - 1;
            if ((first < 0 || other < first) && near(&item[i], &item[other], bits)) first = other;
        }
    return first;
}

zt_err zt_near_find(const zt_near_item *item, int64_t n, int bits, int64_t *of) {
    tables t = {0};
    zt_err e;
    if (bits < 0 || bits > ZT_NEAR_BITS_MAX || n < 0 || n >= INT32_MAX)
        return zt_fail(ZT_ARG, "near-duplicates: %d bits among %lld clips; 0 to %d bits, fewer than 2^31 clips", bits,
                       (long long)n, ZT_NEAR_BITS_MAX);
    ZT_TRY(e = tables_create(&t, n, bits), done);
    for (int64_t i = 0; i < n; i++) {
        const int64_t first = find(&t, item, i, bits);
        of[i] = first < 0 ? i : first;
        for (int k = 0; first < 0 && k < t.pieces; k++) {
            uint32_t *head = chain(&t, &item[i], k);
            t.next[(int64_t)k * n + i] = *head;
            *head = (uint32_t)(i + 1);
        }
    }
done:
    zt_free(t.head);
    zt_free(t.next);
    return e;
}
