/* dataset_rank.c - see dataset_impl.h: finds the i-th clip of a split among millions by counts of blocks of ids, which are few.
 * Tested by tests/data/test_data_files.c and test_data_catalog.c. */
#include <string.h>

#include "data/dataset_impl.h"

const char *const ZT_SPLIT[ZT_SPLITS] = {"train", "val", "test"};

typedef struct reading { zt_ranks *ranks; const char *dir; } reading;

zt_err zt_ranks_append(zt_ranks *s, const char *dir, int64_t number, int64_t n) {
    const int64_t last = s->n_blocks ? s->block[s->n_blocks - 1].number : -1;
    const int64_t before = s->n_blocks && number == last ? s->clips - s->block[s->n_blocks - 1].start : 0;
    if (n < 1 || before + n > ZT_BLOCK_IDS || number < 0 || number > INT64_MAX >> (ZT_BLOCK_BITS + 1) || number < last
        || (!s->by && number == last))
        return zt_fail(ZT_FORMAT, "%s/catalog.db: block %lld of split %s is said to have %lld clips; `zoe data check` says more",
                       dir, (long long)number, s->split, (long long)n);
    if (s->n_blocks == s->cap) {
        const int64_t cap = s->cap ? s->cap * 2 : 64;
        zt_rank_block *more = zt_realloc(s->block, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        s->block = more;
        s->cap = cap;
    }
    if (before == 0) s->block[s->n_blocks++] = (zt_rank_block){.number = number, .start = s->clips};
    s->clips += n;
    return ZT_OK;
}

static zt_err add_block(void *ctx, const char *split, int64_t number, int64_t n) {
    reading *r = ctx;
    int k = 0;
    while (k < ZT_SPLITS && strcmp(split, ZT_SPLIT[k]) != 0) k++;
    if (k == ZT_SPLITS)
        return zt_fail(ZT_FORMAT, "%s/catalog.db: there are clips in split '%.40s'; splits are train, val and test", r->dir,
                       split);
    return zt_ranks_append(&r->ranks[k], r->dir, number, n);
}

/* Blocks of all clips: those of the splits merged. */
static zt_err merge(zt_ranks ranks[ZT_SPLITS + 1]) {
    int64_t at[ZT_SPLITS] = {0}, cap = 0;
    zt_ranks *all = &ranks[ZT_SPLITS];
    for (int k = 0; k < ZT_SPLITS; k++) cap += ranks[k].n_blocks;
    if (!(all->block = zt_alloc_array((size_t)cap, sizeof *all->block))) return ZT_NOMEM;
    for (;;) {
        int64_t number = INT64_MAX;
        for (int k = 0; k < ZT_SPLITS; k++)
            if (at[k] < ranks[k].n_blocks && ranks[k].block[at[k]].number < number) number = ranks[k].block[at[k]].number;
        if (number == INT64_MAX) return ZT_OK;
        all->block[all->n_blocks++] = (zt_rank_block){.number = number, .start = all->clips};
        for (int k = 0; k < ZT_SPLITS; k++) {
            const zt_ranks *r = &ranks[k];
            if (at[k] == r->n_blocks || r->block[at[k]].number != number) continue;
            const int64_t next = at[k] + 1 < r->n_blocks ? r->block[at[k] + 1].start : r->clips;
            all->clips += next - r->block[at[k]++].start;
        }
    }
}

zt_err zt_ranks_read(zt_ranks ranks[ZT_SPLITS + 1], zt_catalog *c, const char *dir) {
    reading r = {ranks, dir};
    for (int k = 0; k < ZT_SPLITS; k++) ranks[k].split = ZT_SPLIT[k];
    zt_err e = zt_catalog_blocks(c, add_block, &r);
    return e == ZT_OK ? merge(ranks) : e;
}

/* Of n clips those of the group; how many. */
static int pick(const zt_ranks *r, int n, int64_t *id, float *weight, const zt_size *size) {
    int kept = 0;
    for (int k = 0; k < n; k++) {
        if (r->by->of(r->by->ctx, size[k]) != r->group) continue;
        if (weight) weight[kept] = weight[k];
        id[kept++] = id[k];
    }
    return kept;
}

/* The ids of a block, and weights where clips have them. */
static zt_err load(const zt_ranks *r, zt_rank_block *b, int64_t clips, zt_catalog *c, const char *dir, bool weighted) {
    int64_t id[ZT_BLOCK_IDS];
    float weight[ZT_BLOCK_IDS];
    zt_size size[ZT_BLOCK_IDS];
    int n;
    zt_err e;
    ZT_TRY(e = zt_catalog_block(c, r->split, b->number, id, weighted ? weight : NULL, r->by ? size : NULL, &n), done);
    if (r->by) n = pick(r, n, id, weighted ? weight : NULL, size);
    if (n != clips)
        return zt_fail(
            ZT_FORMAT,
            "%s/catalog.db: clips were dropped, restored or added since it was opened, or its counters are wrong; start "
            "again (a training goes on with --resume), and look with `zoe data check`",
            dir);
    if (!(b->id = zt_alloc_array((size_t)n, sizeof *id)) ||
        (weighted && !(b->weight = zt_alloc_array((size_t)n, sizeof *weight)))) {
        zt_free(b->id);
        b->id = NULL;
        return ZT_NOMEM;
    }
    memcpy(b->id, id, (size_t)n * sizeof *id);
    if (weighted) memcpy(b->weight, weight, (size_t)n * sizeof *weight);
done:
    return e;
}

zt_err zt_ranks_find(zt_ranks *r, zt_catalog *c, const char *dir, bool weighted, int64_t i, int64_t *id, double *weight) {
    int64_t lo = 0, hi = r->n_blocks - 1;
    zt_err e = ZT_OK;
    while (lo < hi) {   /* the last block that starts at i or before */
        const int64_t middle = (lo + hi + 1) / 2;
        if (r->block[middle].start <= i) lo = middle;
        else hi = middle - 1;
    }
    zt_rank_block *b = &r->block[lo];
    const int64_t end = lo + 1 < r->n_blocks ? r->block[lo + 1].start : r->clips;
    if (!b->id) ZT_TRY(e = load(r, b, end - b->start, c, dir, weighted), done);
    *id = b->id[i - b->start];
    *weight = b->weight ? b->weight[i - b->start] : 1;
done:
    return e;
}

zt_err zt_ranks_keep(zt_ranks *r, zt_catalog *c, const char *dir, bool weighted, bool (*keep)(void *ctx, int64_t id), void *ctx) {
    int64_t clips = 0;
    for (int64_t i = 0; i < r->n_blocks; i++) {
        zt_rank_block *b = &r->block[i];
        const int64_t n = (i + 1 < r->n_blocks ? b[1].start : r->clips) - b->start;
        const zt_err e = b->id ? ZT_OK : load(r, b, n, c, dir, weighted);
        if (e != ZT_OK) return e;
        b->start = clips;
        for (int64_t k = 0; k < n; k++) {
            if (!keep(ctx, b->id[k])) continue;
            if (b->weight) b->weight[clips - b->start] = b->weight[k];
            b->id[clips++ - b->start] = b->id[k];
        }
    }
    r->clips = clips;
    return ZT_OK;
}

void zt_ranks_finish(zt_ranks *r) {
    for (int64_t i = 0; i < r->n_blocks; i++) {
        zt_free(r->block[i].id);
        zt_free(r->block[i].weight);
    }
    zt_free(r->block);
    *r = (zt_ranks){0};
}
