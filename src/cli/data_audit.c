/* data_audit.c - `zoe data audit`: what is in a data set, as one HTML page. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/data.h"
#include "data/balance.h"
#include "data/query.h"
#include "data/scores.h"
#include "eval/report.h"
#include "trust/consent.h"

typedef struct audit_args { char output[4096]; } audit_args;

static const zt_opt OPTIONS[] = {
    {"output", ZT_OPT_STR, ZT_OPT_AT(audit_args, output), "audit.html", 0, 0, NULL, 'o', "the page"},
};

enum { ROWS_MAX = 20, NAME_MAX_BYTES = 200, BINS = 24 };

/* Names with one or two numbers, for a chart; what does not fit is added up in the last row. */
typedef struct rows {
    char text[ROWS_MAX][NAME_MAX_BYTES];
    const char *name[ROWS_MAX];
    double value[ROWS_MAX], after[ROWS_MAX], sum, sum_after;
    int n;
} rows;

static void add_row(rows *r, const char *name, double value, double after) {
    r->sum += value;
    r->sum_after += after;
    if (r->n == ROWS_MAX) name = "all others";
    else r->n++;
    const int at = r->n - 1;
    const bool others = strcmp(name, "all others") == 0;
    snprintf(r->text[at], NAME_MAX_BYTES, "%s", name[0] ? name : "(none)");
    r->name[at] = r->text[at];
    r->value[at] = value + (others ? r->value[at] : 0);
    r->after[at] = after + (others ? r->after[at] : 0);
}

typedef struct audit {
    zt_report *r;
    zt_catalog *c;
    rows rows;
    int64_t ok, dropped, captioned, by_split[3];
    bool weighted;
    char tag[64];
} audit;

/* ---- counts ---- */

static zt_err count_kind(void *ctx, const zt_catalog_count *k) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    audit *a = ctx;
    if (strcmp(k->status, "ok") != 0) {
        a->dropped += k->n;
        return ZT_OK;
    }
    a->ok += k->n;
    a->captioned += k->captioned ? k->n : 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(k->split, SPLIT[i]) == 0) a->by_split[i] += k->n;
    return ZT_OK;
}

static zt_err add_cards(audit *a) {
    char clips[40], splits[100], captions[40], dropped[40], scored[40];
    int64_t n;
    const zt_err e = zt_catalog_count_scored(a->c, &n);
    if (e != ZT_OK) return e;
    snprintf(clips, sizeof clips, "%lld", (long long)a->ok);
    snprintf(splits, sizeof splits, "train %lld, val %lld, test %lld", (long long)a->by_split[0], (long long)a->by_split[1],
             (long long)a->by_split[2]);
    snprintf(captions, sizeof captions, "%.1f %%", a->ok ? 100.0 * (double)a->captioned / (double)a->ok : 0);
    snprintf(dropped, sizeof dropped, "%lld", (long long)a->dropped);
    snprintf(scored, sizeof scored, "%.1f %%", a->ok ? 100.0 * (double)n / (double)a->ok : 0);
    const zt_card cards[] = {{"Usable clips", clips, splits, NULL, ZT_MARK_NONE},
                             {"With a caption", captions, NULL, NULL, ZT_MARK_NONE},
                             {"Scored", scored, NULL, n < a->ok ? "`zoe data score` measures the rest" : NULL, ZT_MARK_NONE},
                             {"Dropped", dropped, NULL, "they stay in the catalogue with the reason", ZT_MARK_NONE}};
    zt_report_cards(a->r, cards, 4);
    return ZT_OK;
}

/* ---- groups: before and after the weights ---- */

static zt_err add_group(void *ctx, const zt_group *g) {
    audit *a = ctx;
    add_row(&a->rows, zt_path_base(g->value), (double)g->clips, g->weight);   /* of a source, the file */
    return ZT_OK;
}

static zt_err add_groups(audit *a, const char *field, const char *title) {
    rows *r = &a->rows;
    *r = (rows){.n = 0};
    const zt_err e = zt_catalog_groups(a->c, field, "train", add_group, a);
    if (e != ZT_OK || r->n == 0) return e;
    for (int i = 0; i < r->n; i++) {
        r->value[i] /= r->sum;
        r->after[i] /= r->sum_after > 0 ? r->sum_after : 1;
    }
    const zt_bars bars = {.title = title, .name = r->name, .value = r->value, .after = a->weighted ? r->after : NULL,
                          .value_name = "clips", .after_name = "as drawn by weight", .percent = true, .n = r->n};
    zt_report_bars(a->r, &bars);
    return ZT_OK;
}

/* Names of the tags there are. */
typedef struct tag_names { char name[32][64]; int n; } tag_names;

static zt_err note_tag(void *ctx, const char *name, const char *value, int64_t n) {
    tag_names *t = ctx;
    (void)value;
    (void)n;
    if ((t->n && strcmp(t->name[t->n - 1], name) == 0) || t->n == 32) return ZT_OK;
    snprintf(t->name[t->n++], sizeof t->name[0], "%s", name);
    return ZT_OK;
}

static zt_err add_balance(audit *a) {
    tag_names tags = {.n = 0};
    char said[400], field[80], title[100];
    double most;
    zt_err e;
    zt_report_heading(a->r, "Balance of the training clips");
    ZT_TRY(e = zt_catalog_max_weight(a->c, &most), done);
    a->weighted = most > 0;
    ZT_TRY(e = zt_catalog_get_meta(a->c, "balance", said, sizeof said), done);
    if (said[0])
        zt_report_text(a->r,
                       "Weights by `zoe data balance`: %s. Each pair of bars: the clips as they are, and as training draws them.",
                       said);
    ZT_TRY(e = zt_catalog_tags(a->c, note_tag, &tags), done);
    if (tags.n == 0) zt_report_text(a->r, "No clip has a tag. `zoe data tag DIR --rules` sets some from the scores.");
    for (int i = 0; i < tags.n; i++) {
        snprintf(field, sizeof field, "tag.%s", tags.name[i]);
        snprintf(title, sizeof title, "By tag: %s", tags.name[i]);
        ZT_TRY(e = add_groups(a, field, title), done);
    }
    zt_report_heading(a->r, "Where the clips are from");
    ZT_TRY(e = add_groups(a, "licence", "By licence (none: nothing was said; ask before you train on it)"), done);
    e = add_groups(a, "source", "By source file");
done:
    return e;
}

/* ---- people ---- */

enum { SEEN_COVERED = ZT_PEOPLE_BLURRED + 1, PEOPLE_KINDS };      /* after those of zt_people: seen, with consent */
typedef struct people { const zt_consents *consents; int64_t n[PEOPLE_KINDS], all; } people;

static zt_err count_people(void *ctx, const zt_rights_row *k) {
    people *p = ctx;
    const bool covered = k->people == ZT_PEOPLE_SEEN
                         && zt_consents_judge(p->consents, k, ZT_SCOPE_TRAINING, NULL) == ZT_CONSENT_VALID;
    p->n[covered ? SEEN_COVERED : (int)k->people]++;
    p->all++;
    return ZT_OK;
}

static zt_err add_people(audit *a) {
    static const char *const NAME[PEOPLE_KINDS] = {"not looked for", "nobody", "seen, no valid consent", "blurred",
                                                   "seen, consent to training"};
    zt_consents consents = {0};
    people p = {.consents = &consents};
    char today[11];
    double part[PEOPLE_KINDS];
    zt_err e;
    zt_today(today);
    ZT_TRY(e = zt_consents_load(&consents, a->c, NULL, today), done);
    ZT_TRY(e = zt_rights_each(a->c, NULL, count_people, &p), done);
    zt_report_heading(a->r, "People and consent");
    zt_report_text(a->r, "%d consent records. `zoe data faces` looks for faces, `zoe data consent` signs and revokes.",
                   consents.n);
    if (p.all == 0) goto done;
    for (int i = 0; i < PEOPLE_KINDS; i++) part[i] = (double)p.n[i] / (double)p.all;
    zt_report_bars(a->r, &(zt_bars){.title = "Usable clips by who can be recognised in them", .name = NAME, .value = part,
                                    .value_name = "clips", .percent = true, .n = PEOPLE_KINDS});
done:
    zt_consents_finish(&consents);
    return e;
}

/* ---- what was dropped ---- */

/* The first words of a reason make its kind: "filter: motion 0.003 is below 0.01" is of "filter: motion". */
static zt_err add_reason(void *ctx, const zt_catalog_clip *k) {
    rows *r = ctx;
    char kind[NAME_MAX_BYTES];
    const char *second = strchr(k->reason, ' ');
    second = second ? strchr(second + 1, ' ') : NULL;
    snprintf(kind, sizeof kind, "%.*s", second && strncmp(k->reason, "filter: ", 8) == 0 ? (int)(second - k->reason) : 60,
             k->reason);
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->text[i], kind) == 0) {
            r->value[i]++;
            return ZT_OK;
        }
    add_row(r, kind, 1, 0);
    return ZT_OK;
}

static zt_err add_dropped(audit *a) {
    rows *r = &a->rows;
    *r = (rows){.n = 0};
    if (a->dropped == 0) return ZT_OK;
    const zt_err e = zt_catalog_clips(a->c, "dropped", add_reason, r);
    if (e != ZT_OK) return e;
    zt_report_heading(a->r, "What was dropped");
    const zt_bars bars = {.title = "Dropped clips by reason", .name = r->name, .value = r->value, .n = r->n};
    zt_report_bars(a->r, &bars);
    return ZT_OK;
}

/* ---- scores ---- */

typedef struct values { double *v; int64_t n, cap; } values;

static zt_err add_value(void *ctx, double v) {
    values *l = ctx;
    if (l->n == l->cap) {
        const int64_t cap = l->cap ? l->cap * 2 : 4096;
        double *more = zt_realloc(l->v, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = v;
    return ZT_OK;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Counts of l in BINS bins over lo..hi, as steps; values outside are in the first and last. */
static void histogram(const values *l, double lo, double hi, double *count) {
    memset(count, 0, BINS * sizeof *count);
    for (int64_t i = 0; i < l->n; i++) {
        const int k = (int)floor((l->v[i] - lo) / (hi - lo) * BINS);
        count[k < 0 ? 0 : k >= BINS ? BINS - 1 : k]++;
    }
}

static zt_err add_score(audit *a, zt_score s) {
    values ok = {0}, gone = {0};
    double x[BINS], kept[BINS], all[BINS];
    char title[300];
    zt_err e;
    ZT_TRY(e = zt_catalog_score_values(a->c, s, "ok", add_value, &ok), done);
    ZT_TRY(e = zt_catalog_score_values(a->c, s, "dropped", add_value, &gone), done);
    if (ok.n < 2) goto done;
    qsort(ok.v, (size_t)ok.n, sizeof *ok.v, by_value);
    const double lo = ok.v[ok.n / 200], hi = ok.v[ok.n - 1 - ok.n / 200];   /* without the outermost half per cent */
    if (!(hi > lo)) goto done;
    histogram(&ok, lo, hi, kept);
    histogram(&gone, lo, hi, all);
    for (int i = 0; i < BINS; i++) {
        x[i] = lo + (i + 0.5) * (hi - lo) / BINS;
        all[i] += kept[i];
    }
    snprintf(title, sizeof title, "%s: %s; median %.3g", zt_score_name(s), zt_score_doc(s), ok.v[ok.n / 2]);
    const zt_series series[2] = {{gone.n ? "after filtering" : "clips", x, kept, BINS}, {"before", x, all, BINS}};
    const zt_chart chart = {title, zt_score_name(s), "clips", false, series, gone.n ? 2 : 1};
    zt_report_chart(a->r, &chart);
done:
    zt_free(ok.v);
    zt_free(gone.v);
    return e;
}

static zt_err add_scores(audit *a) {
    zt_err e = ZT_OK;
    zt_report_heading(a->r, "Quality");
    for (int i = 0; i < ZT_SCORES && e == ZT_OK; i++) e = add_score(a, (zt_score)i);
    return e;
}

/* ---- history ---- */

static zt_err add_change(void *ctx, const zt_change *k) {
    zt_report_text(ctx, "%s: %s (%lld clips)%s%s", k->at, k->what, (long long)k->clips, k->undone[0] ? ", undone " : "",
                   k->undone);
    return ZT_OK;
}

static zt_err write_audit(zt_catalog *c, const char *dir, const char *output) {
    audit *a = zt_alloc(sizeof *a);
    zt_err e;
    if (!a) return ZT_NOMEM;
    a->c = c;
    ZT_TRY(e = zt_report_create(&a->r, "Data set audit", dir), done);
    ZT_TRY(e = zt_catalog_counts(c, count_kind, a), done);
    ZT_TRY(e = add_cards(a), done);
    ZT_TRY(e = add_balance(a), done);
    ZT_TRY(e = add_people(a), done);
    ZT_TRY(e = add_dropped(a), done);
    ZT_TRY(e = add_scores(a), done);
    zt_report_heading(a->r, "Last changes");
    ZT_TRY(e = zt_catalog_changes(c, 20, add_change, a->r), done);
    e = zt_report_save(a->r, output);
done:
    zt_report_destroy(&a->r);
    zt_free(a);
    return e;
}

int zt_data_audit(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data audit DIR [-o audit.html]",
        .about = "Writes one HTML page about a data set: clips and captions, balance over tags before and after the weights, "
                 "licences and\n"
                 "sources, what was dropped and why, histograms of every score before and after filtering, the last changes.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    audit_args a;
    char *dir[1];
    int status;
    zt_catalog *c = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    zt_err e = zt_catalog_open(&c, dir[0]);
    if (e == ZT_OK) e = write_audit(c, dir[0], a.output);
    zt_catalog_close(&c);
    if (e == ZT_OK) printf("%s\n", a.output);
    return zt_cli_result("data audit", e);
}
