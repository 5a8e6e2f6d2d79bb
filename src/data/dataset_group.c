/* dataset_group.c - clips by size: which sizes there are, and the i-th clip of a group of sizes, found as the i-th of a split is,
 * by counts of blocks of ids. Tested by tests/data/test_data_bucket.c. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"

/* Whether the rank knows the clip: where some were left out, its blocks have been read. */
static bool has(const zt_ranks *r, int64_t id) {
    int64_t lo = 0, hi = r->n_blocks;
    while (lo + 1 < hi) { /* the last block whose number is not above */
        const int64_t middle = (lo + hi) / 2;
        if (r->block[middle].number <= id >> ZT_BLOCK_BITS) lo = middle;
        else hi = middle;
    }
    if (r->n_blocks == 0 || !r->block[lo].id) return false;
    const int64_t *ids = r->block[lo].id, n = (lo + 1 < r->n_blocks ? r->block[lo + 1].start : r->clips) - r->block[lo].start;
    for (int64_t a = 0, b = n; a < b;) {
        const int64_t middle = (a + b) / 2;
        if (ids[middle] == id) return true;
        if (ids[middle] < id) a = middle + 1;
        else b = middle;
    }
    return false;
}

/* ---- which sizes ---- */

typedef struct table { const zt_dataset *ds; const char *split; zt_size_count *row; int n, cap; } table;

static int compare(zt_size a, zt_size b) {
    return a.frames != b.frames   ? (a.frames > b.frames) - (a.frames < b.frames)
           : a.height != b.height ? (a.height > b.height) - (a.height < b.height)
                                  : (a.width > b.width) - (a.width < b.width);
}

static zt_err count(table *t, zt_size size, int64_t clips) {
    int lo = 0, hi = t->n;
    while (lo < hi) {
        const int middle = (lo + hi) / 2;
        if (compare(t->row[middle].size, size) < 0) lo = middle + 1;
        else hi = middle;
    }
    if (lo == t->n || !zt_same_size(t->row[lo].size, size)) {
        if (t->n == t->cap) {
            const int cap = t->cap ? t->cap * 2 : 16;
            zt_size_count *more = zt_realloc(t->row, (size_t)cap * sizeof *more);
            if (!more) return ZT_NOMEM;
            t->row = more;
            t->cap = cap;
        }
        memmove(&t->row[lo + 1], &t->row[lo], (size_t)(t->n++ - lo) * sizeof *t->row);
        t->row[lo] = (zt_size_count){size, 0};
    }
    t->row[lo].clips += clips;
    return ZT_OK;
}

static zt_err count_kind(void *ctx, const zt_catalog_count *k) {
    table *t = ctx;
    if (strcmp(k->split, t->split) != 0 || strcmp(k->status, "ok") != 0) return ZT_OK;
    return count(t, (zt_size){k->frames, k->height, k->width}, k->n);
}

/* Of a set that some clips were left out of: clip by clip. */
static zt_err count_kept(table *t, const zt_ranks *r) {
    zt_err e = ZT_OK;
    for (int64_t b = 0; b < r->n_blocks && e == ZT_OK; b++) {
        int64_t id[ZT_BLOCK_IDS];
        zt_size size[ZT_BLOCK_IDS];
        int n;
        e = zt_catalog_block(t->ds->catalog, t->split, r->block[b].number, id, NULL, size, &n);
        for (int k = 0; k < n && e == ZT_OK; k++)
            if (has(r, id[k])) e = count(t, size[k], 1);
    }
    return e;
}

zt_err zt_dataset_sizes(const zt_dataset *ds, const char *split, zt_size_count **list, int *n) {
    table t = {.ds = ds, .split = split};
    const int k = zt_dataset_split(split);
    zt_dataset *own = (zt_dataset *)(uintptr_t)ds; /* its catalogue takes one caller at a time */
    *list = NULL;
    *n = 0;
    pthread_mutex_lock(&own->lock);
    const zt_err e = k < 0      ? ZT_OK
                     : ds->kept ? count_kept(&t, &ds->ranks[k])
                                : zt_catalog_counts(ds->catalog, count_kind, &t);
    pthread_mutex_unlock(&own->lock);
    if (e != ZT_OK) zt_free(t.row);
    else *list = t.row;
    *n = e == ZT_OK ? t.n : 0;
    return e;
}

/* ---- groups ---- */

static zt_err add_size(void *ctx, const char *split, int64_t block, zt_size size, int64_t n) {
    zt_dataset *ds = ctx;
    const int k = zt_dataset_split(split), g = ds->by.of(ds->by.ctx, size);
    if (k < 0 || g < 0 || g >= ds->by.n) return ZT_OK;
    return zt_ranks_append(&ds->group[k * ds->by.n + g], ds->dir, block, n);
}

static bool has_it(void *ranks, int64_t id) { return has(ranks, id); }

void zt_dataset_ungroup(zt_dataset *ds) {
    for (int k = 0; ds->group && k < ZT_SPLITS * ds->by.n; k++) zt_ranks_finish(&ds->group[k]);
    zt_free(ds->group);
    ds->group = NULL;
    ds->by.n = 0;
}

zt_err zt_dataset_group(zt_dataset *ds, int n, int (*of)(const void *ctx, zt_size size), const void *ctx) {
    zt_err e = ZT_OK;
    pthread_mutex_lock(&ds->lock);
    zt_dataset_ungroup(ds);
    ds->by = (zt_grouping){n, of, ctx};
    ds->group = zt_alloc_array((size_t)(ZT_SPLITS * n), sizeof *ds->group);
    if (!ds->group) e = ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < ZT_SPLITS * n; k++)
        ds->group[k] = (zt_ranks){.split = ZT_SPLIT[k / n], .by = &ds->by, .group = k % n};
    if (e == ZT_OK) e = zt_catalog_sizes(ds->catalog, add_size, ds);
    for (int k = 0; e == ZT_OK && ds->kept && k < ZT_SPLITS * n; k++)
        e = zt_ranks_keep(&ds->group[k], ds->catalog, ds->dir, ds->max_weight > 0, has_it, &ds->ranks[k / n]);
    if (e != ZT_OK) zt_dataset_ungroup(ds);
    pthread_mutex_unlock(&ds->lock);
    return e;
}

static zt_ranks *group_of(const zt_dataset *ds, const char *split, int group) {
    static zt_ranks none;
    const int k = zt_dataset_split(split);
    return ds->group && k >= 0 && group >= 0 && group < ds->by.n ? &ds->group[k * ds->by.n + group] : &none;
}

int64_t zt_dataset_group_count(const zt_dataset *ds, const char *split, int group) { return group_of(ds, split, group)->clips; }

zt_err zt_dataset_group_clip(const zt_dataset *ds, const char *split, int group, int64_t i, zt_clip_view *view, double *weight) {
    return zt_dataset_at(ds, group_of(ds, split, group), i, view, weight);
}
