/* score_set.c - scores the clips of a data set, a block at a time on all processors (score.h). Tested by
 * tests/cli/test_data_know.sh. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/score.h"

enum { BLOCK = 64 };

typedef struct list { int64_t *id, n, cap; } list;

static zt_err add_id(void *ctx, int64_t id) {
    list *l = ctx;
    if (l->n == l->cap) {
        const int64_t cap = l->cap ? l->cap * 2 : 1024;
        int64_t *more = zt_realloc(l->id, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        l->id = more;
        l->cap = cap;
    }
    l->id[l->n++] = id;
    return ZT_OK;
}

/* What became of a clip: the text of an error belongs to the thread that met it. */
typedef struct result { zt_scores scores; zt_err err; char why[300]; } result;

static void score_one(const zt_dataset *ds, int64_t id, result *r) {
    zt_clip_view v;
    r->err = zt_dataset_by_id(ds, id, &v);
    if (r->err == ZT_OK) {
        const zt_frames f = {(uint8_t *)(uintptr_t)v.rgb, v.frames, v.height, v.width, v.fps};   /* only read */
        r->err = zt_score_clip(&f, &r->scores);
        zt_dataset_forget(ds, &v);
    }
    if (r->err != ZT_OK) snprintf(r->why, sizeof r->why, "%s", zt_err_text());
}

static zt_err write_block(zt_catalog *c, const int64_t *id, const result *r, int n, zt_score_report *rep) {
    zt_err e = zt_catalog_begin(c);
    for (int i = 0; i < n && e == ZT_OK; i++) {
        if (r[i].err == ZT_NOMEM) return zt_fail(ZT_NOMEM, "%s", r[i].why);
        if (r[i].err == ZT_OK) {
            e = zt_catalog_put_scores(c, id[i], &r[i].scores);
            rep->scored++;
            continue;
        }
        zt_warn("clip %lld was not scored: %s", (long long)id[i], r[i].why);
        rep->failed++;
    }
    return e == ZT_OK ? zt_catalog_commit(c) : e;
}

static zt_err score_all(const zt_dataset *ds, zt_catalog *c, const list *l, zt_score_report *rep) {
    zt_progress progress;
    zt_err e = ZT_OK;
    result *r = zt_alloc_array(BLOCK, sizeof *r);
    if (!r) return ZT_NOMEM;
    zt_progress_begin(&progress, "score", "clips", l->n);
    for (int64_t at = 0; at < l->n && e == ZT_OK; at += BLOCK) {
        const int n = (int)(l->n - at < BLOCK ? l->n - at : BLOCK);
#pragma omp parallel for schedule(dynamic)
        for (int i = 0; i < n; i++) score_one(ds, l->id[at + i], &r[i]);
        e = write_block(c, l->id + at, r, n, rep);
        zt_progress_update(&progress, at + n);
        if (e == ZT_OK && zt_cancelled() && at + n < l->n)
            e = zt_fail(ZT_CANCELLED, "stopped after %lld of %lld clips; the same command goes on from there",
                        (long long)(at + n), (long long)l->n);
    }
    zt_progress_end(&progress);
    zt_free(r);
    return e;
}

static zt_err add_clip(void *ctx, const zt_catalog_clip *k) { return add_id(ctx, k->id); }

zt_err zt_score_set(const char *dir, int again, zt_score_report *report) {
    zt_score_report rep = {0};
    zt_dataset *ds = NULL;
    zt_catalog *c = NULL;
    list l = {0};
    const double t0 = zt_now();
    zt_err e;
    ZT_TRY(e = zt_dataset_open(&ds, dir), done);
    ZT_TRY(e = zt_catalog_open_writing(&c, dir), done);
    ZT_TRY(e = again ? zt_catalog_clips(c, "ok", add_clip, &l) : zt_catalog_unscored(c, add_id, &l), done);
    if (!again) ZT_TRY(e = zt_catalog_count_scored(c, &rep.before), done);
    e = score_all(ds, c, &l, &rep);
done:
    zt_free(l.id);
    zt_catalog_close(&c);
    zt_dataset_close(&ds);
    rep.seconds = zt_now() - t0;
    if (report) *report = rep;
    return e;
}
