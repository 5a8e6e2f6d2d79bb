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

static bool weighted(const zt_order *o) { return o->shuffle && zt_dataset_max_weight(o->ds) > 0; }

static zt_err clip(const zt_order *o, int part, int64_t i, zt_clip_view *view, double *weight) {
    const int group = o->part[part].group;
    if (group >= 0) return zt_dataset_group_clip(o->ds, o->split, group, i, view, weight);
    return view ? zt_dataset_clip(o->ds, o->split, i, view) : zt_dataset_weight(o->ds, o->split, i, weight);
}

static zt_err no_weight(const zt_order *o) {
    return zt_fail(ZT_CONFIG,
                   "data loader: of %d clips drawn from split '%s' all had a weight near zero; give other targets to "
                   "`zoe data balance`, or take the weights away (--clear)",
                   DRAWS_MAX, o->split ? o->split : "all");
}

/* A clip of the part by weight; what is drawn depends on `at` alone. */
static zt_err draw(const zt_order *o, int part, int64_t at, int64_t *index) {
    const double most = zt_dataset_max_weight(o->ds);
    zt_rng r = zt_rng_init(o->seed, zt_hash_name("loader/weighted") + (uint64_t)at);
    for (int k = 0; k < DRAWS_MAX; k++) {
        double weight;
        *index = zt_rng_int(&r, 0, o->part[part].clips - 1);
        const zt_err e = clip(o, part, *index, NULL, &weight);
        if (e != ZT_OK || zt_rng_uniform(&r) * most < weight) return e;
    }
    return no_weight(o);
}

/* The part of a batch by weight: that of a clip drawn from all, the seldomer kept the more clips its batches have. */
static zt_err draw_part(const zt_order *o, int64_t number, int *part) {
    const double most = zt_dataset_max_weight(o->ds);
    zt_rng r = zt_rng_init(o->seed, zt_hash_name("loader/part") + (uint64_t)number);
    int64_t all = 0;
    int least = o->part[0].batch;
    for (int p = 0; p < o->n; p++) {
        all += o->part[p].clips;
        if (o->part[p].batch < least) least = o->part[p].batch;
    }
    for (int k = 0; k < DRAWS_MAX; k++) {
        double weight;
        int64_t index = zt_rng_int(&r, 0, all - 1);
        for (*part = 0; index >= o->part[*part].clips; (*part)++) index -= o->part[*part].clips;
        const zt_err e = clip(o, *part, index, NULL, &weight);
        if (e != ZT_OK || zt_rng_uniform(&r) * most < weight * least / o->part[*part].batch) return e;
    }
    return no_weight(o);
}

/* Batches of part p in the epochs before `epoch`. */
static int64_t before(const zt_order_part *p, int64_t epoch) { return epoch * p->clips / p->batch; }
static int64_t all_before(const zt_order *o, int64_t epoch) {
    int64_t sum = 0;
    for (int p = 0; p < o->n; p++) sum += before(&o->part[p], epoch);
    return sum;
}

/* The epoch of batch `number`: the last one that begins at it or before. An epoch has at least a batch of each part, and before
 * epoch e there are at most n batches fewer than e times the mean. */
static int64_t epoch_of(const zt_order *o, int64_t number) {
    double mean = 0;
    for (int p = 0; p < o->n; p++) mean += (double)o->part[p].clips / o->part[p].batch;
    int64_t lo = 0, hi = (int64_t)(((double)number + o->n) / mean * (1 + 1e-9)) + 2;
    while (lo + 1 < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (all_before(o, middle) <= number) lo = middle;
        else hi = middle;
    }
    return lo;
}

zt_err zt_order_batch(const zt_order *o, int64_t number, int *part, int64_t *first) {
    *part = 0;
    *first = number * o->part[0].batch;
    if (o->n == 1) return ZT_OK;
    if (weighted(o)) {
        int most = 0;
        for (int p = 0; p < o->n; p++) most = o->part[p].batch > most ? o->part[p].batch : most;
        *first = number * most;                     /* no two batches draw alike */
        return draw_part(o, number, part);
    }
    const int64_t epoch = epoch_of(o, number), start = all_before(o, epoch), n = all_before(o, epoch + 1) - start;
    int64_t k = number - start;
    if (o->shuffle) k = zt_shuffled(o->seed + zt_hash_name("loader/part"), epoch, n, k);
    for (;; (*part)++) {
        const zt_order_part *p = &o->part[*part];
        const int64_t old = before(p, epoch), here = before(p, epoch + 1) - old;
        if (k < here) {
            *first = (old + k) * p->batch;
            return ZT_OK;
        }
        k -= here;
    }
}

zt_err zt_order_clip(const zt_order *o, int part, int64_t at, zt_clip_view *view) {
    const int64_t n = o->part[part].clips;
    int64_t index = at % n;
    zt_err e = ZT_OK;
    if (weighted(o)) e = draw(o, part, at, &index);
    else if (o->shuffle) index = zt_shuffled(o->seed + (uint64_t)part, at / n, n, at % n);
    return e != ZT_OK ? e : clip(o, part, index, view, NULL);
}
