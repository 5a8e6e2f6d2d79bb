/* order.c - see order.h. Tested by tests/data/test_data_order.c. */
#include "data/order.h"

#include "base/rng.h"

/* With six rounds the orders of six clips are measurably not all alike (chi-square); with eight and more they are. */
enum { ROUNDS = 12, DRAWS_MAX = 100000 };

int64_t zt_shuffled(uint64_t seed, int64_t epoch, int64_t n, int64_t i) {
    const uint64_t stream = zt_hash_name("loader/order") + (uint64_t)epoch;
    int half = 1; /* bits of each half: the domain is less than four times n, so few steps are taken in vain */
    while (half < 31 && (uint64_t)1 << 2 * half < (uint64_t)n) half++;
    const uint32_t mask = (uint32_t)(((uint64_t)1 << half) - 1);
    uint64_t x = (uint64_t)i;
    do {
        uint32_t left = (uint32_t)(x >> half), right = (uint32_t)x & mask;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            uint32_t word[4];
            zt_philox(seed, stream, round << 32 | right, word);
            const uint32_t next = left ^ (word[0] & mask);
            left = right;
            right = next;
        }
        x = (uint64_t)left << half | right;
    } while (x >= (uint64_t)n);
    return (int64_t)x;
}

static zt_err draw(const zt_dataset *ds, const char *split, uint64_t seed, int64_t n, int64_t at, int64_t *index) {
    const double most = zt_dataset_max_weight(ds);
    zt_rng r = zt_rng_init(seed, zt_hash_name("loader/weighted") + (uint64_t)at);
    for (int k = 0; k < DRAWS_MAX; k++) {
        double weight;
        *index = zt_rng_int(&r, 0, n - 1);
        const zt_err e = zt_dataset_weight(ds, split, *index, &weight);
        if (e != ZT_OK || zt_rng_uniform(&r) * most < weight) return e;
    }
    return zt_fail(ZT_CONFIG,
                   "data loader: of %d clips drawn from split '%s' all had a weight near zero; give other targets to "
                   "`zoe data balance`, or take the weights away (--clear)",
                   DRAWS_MAX, split ? split : "all");
}

zt_err zt_order_at(const zt_dataset *ds, const char *split, uint64_t seed, bool shuffle, int64_t at, int64_t *index) {
    const int64_t n = zt_dataset_count(ds, split);
    *index = at % n;
    if (!shuffle) return ZT_OK;
    if (zt_dataset_max_weight(ds) > 0) return draw(ds, split, seed, n, at, index);
    *index = zt_shuffled(seed, at / n, n, at % n);
    return ZT_OK;
}
