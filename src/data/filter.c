/* filter.c - see filter.h. Tested by tests/data/test_data_filter.c. */
#include "data/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/near.h"
#include "data/query.h"

/* Hashes of one or two sets, those of the other set first. */
typedef struct items { zt_near_item *item; int64_t n, cap, other; } items;

typedef struct job {
    const zt_filter_cfg *cfg;
    zt_filter_report *rep;
    zt_catalog *c;
    zt_edit *edit;
    items items;
    int64_t *of, at;        /* what zt_near_find said; items are in the order of ids, so one step leads from clip to clip */
} job;

static zt_err add_item(void *ctx, int64_t clip, const uint64_t hash[ZT_HASHES], uint32_t colour) {
    items *l = ctx;
    if (l->n == l->cap) {
        const int64_t cap = l->cap ? l->cap * 2 : 1024;
        zt_near_item *more = zt_realloc(l->item, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        l->item = more;
        l->cap = cap;
    }
    zt_near_item *i = &l->item[l->n++];
    i->clip = clip;
    i->colour = colour;
    memcpy(i->hash, hash, sizeof i->hash);
    return ZT_OK;
}

static zt_err find_duplicates(job *j) {
    zt_catalog *other = NULL;
    zt_err e = ZT_OK;
    if (j->cfg->against && j->cfg->against[0]) {
        ZT_TRY(e = zt_catalog_open(&other, j->cfg->against), done);
        ZT_TRY(e = zt_catalog_hashes(other, add_item, &j->items), done);
        if ((j->items.other = j->items.n) == 0)
            e = zt_fail(ZT_CONFIG, "%s: its clips have no scores yet; run `zoe data score` on it first", j->cfg->against);
        if (e != ZT_OK) goto done;
    }
    ZT_TRY(e = zt_catalog_hashes(j->c, add_item, &j->items), done);
    if (!(j->of = zt_alloc_array((size_t)j->items.n, sizeof *j->of))) e = ZT_NOMEM;
    else e = zt_near_find(j->items.item, j->items.n, j->cfg->bits, j->of);
    j->at = j->items.other;
done:
    zt_catalog_close(&other);
    return e;
}

/* The rule that the clip breaks first, -1: none. */
static int broken(const job *j, const zt_scores *s) {
    for (int i = 0; i < j->cfg->n_rules; i++) {
        const zt_filter_rule *r = &j->cfg->rule[i];
        if (r->below ? s->v[r->score] < r->limit : s->v[r->score] > r->limit) return i;
    }
    return -1;
}

static zt_err drop(job *j, int64_t clip, const char *reason) {
    j->rep->dropped++;
    return zt_edit_drop(j->edit, clip, reason);
}

static zt_err check_duplicate(job *j, int64_t clip) {
    char reason[200];
    while (j->at < j->items.n && j->items.item[j->at].clip < clip) j->at++;
    if (j->at == j->items.n || j->items.item[j->at].clip != clip || j->of[j->at] == j->at) return ZT_OK;
    const int64_t kept = j->of[j->at];
    const bool elsewhere = kept < j->items.other;
    (elsewhere ? &j->rep->elsewhere : &j->rep->duplicates)[0]++;
    snprintf(reason, sizeof reason, "filter: near-duplicate of clip %lld%s%.100s", (long long)j->items.item[kept].clip,
             elsewhere ? " of " : "", elsewhere ? j->cfg->against : "");
    return drop(j, clip, reason);
}

static zt_err look(void *ctx, const zt_catalog_clip *k) {
    job *j = ctx;
    zt_scores s;
    bool found;
    char reason[200];
    zt_err e;
    j->rep->looked_at++;
    ZT_TRY(e = zt_catalog_get_scores(j->c, k->id, &s, &found), done);
    if (!found) {
        j->rep->unscored++;
        return ZT_OK;
    }
    const int i = broken(j, &s);
    if (i < 0) return j->of ? check_duplicate(j, k->id) : ZT_OK;
    const zt_filter_rule *r = &j->cfg->rule[i];
    j->rep->by_rule[i]++;
    snprintf(reason, sizeof reason, "filter: %s %.4g is %s %g", zt_score_name(r->score), s.v[r->score],
             r->below ? "below" : "above", r->limit);
    e = drop(j, k->id, reason);
done:
    return e;
}

zt_err zt_filter_set(const char *dir, const zt_filter_cfg *cfg, zt_filter_report *rep) {
    job j = {.cfg = cfg, .rep = rep};
    zt_query *q = NULL;
    zt_err e;
    *rep = (zt_filter_report){0};
    if (cfg->n_rules > ZT_FILTER_RULES_MAX)
        return zt_fail(ZT_ARG, "filter: %d rules; %d are possible", cfg->n_rules, ZT_FILTER_RULES_MAX);
    ZT_TRY(e = zt_query_parse(&q, cfg->where), done);
    ZT_TRY(e = zt_query_also(q, "status", "ok"), done);
    ZT_TRY(e = zt_catalog_open_writing(&j.c, dir), done);
    if (cfg->bits >= 0) ZT_TRY(e = find_duplicates(&j), done);
    ZT_TRY(e = zt_edit_begin(&j.edit, j.c, cfg->what, "user"), done);
    ZT_TRY(e = zt_catalog_select(j.c, q, 0, 0, look, &j), done);
    if (rep->looked_at > 0 && rep->unscored == rep->looked_at)
        e = zt_fail(ZT_CONFIG, "%s: its clips have no scores yet; run `zoe data score %s` first", dir, dir);
    else if (!cfg->dry_run) e = zt_edit_commit(&j.edit);
done:
    zt_edit_cancel(&j.edit);
    zt_query_destroy(&q);
    zt_catalog_close(&j.c);
    zt_free(j.items.item);
    zt_free(j.of);
    return e;
}
