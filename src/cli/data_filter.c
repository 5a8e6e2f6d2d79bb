/* data_filter.c - `zoe data filter`: drops clips by thresholds and near-duplicates. */
#include <stdio.h>

#include "cli/data.h"
#include "data/filter.h"
#include "data/near.h"

enum { OFF = -1 };   /* below every score that has a rule */

/* One option per rule, in the order in which reasons are looked for. */
#define RULES(RULE)                                                                                                              \
    RULE(min_motion, "min-motion", motion, true, "drop clips that move less: frame heights per second")                          \
    RULE(max_motion, "max-motion", motion, false, "drop clips that move more")                                                   \
    RULE(max_still, "max-still", still, false, "drop clips with a larger part of frames that equal the one before")              \
    RULE(max_black, "max-black", black, false, "drop clips with a larger part of black frames")                                  \
    RULE(min_sharpness, "min-sharpness", sharpness, true, "drop blurred clips: variance of the Laplacian")                       \
    RULE(min_brightness, "min-brightness", brightness, true, "drop darker clips: mean luma, 0..1")                               \
    RULE(max_brightness, "max-brightness", brightness, false, "drop brighter clips")                                             \
    RULE(min_contrast, "min-contrast", contrast, true, "drop flat clips: deviation of the luma, 0..1")                           \
    RULE(max_clipped, "max-clipped", clipped, false, "drop clips with a larger part of pixels at an end of the range")           \
    RULE(max_border, "max-border", border, false, "drop clips with more of the picture in bars")                                 \
    RULE(max_text, "max-text", text, false, "drop clips with more of the picture in rows of text")                               \
    RULE(max_watermark, "max-watermark", watermark, false, "drop clips with more edges that stay while the picture moves")       \
    RULE(max_shake, "max-shake", shake, false, "drop clips whose camera shakes more: frame heights per frame")

typedef struct filter_args {
#define FIELD(field, option, score, below, doc) double field;
    RULES(FIELD)
#undef FIELD
    int64_t duplicates;
    char against[4096], where[ZT_WHERE_MAX];
    int dry_run, json;
} filter_args;

static const zt_opt OPTIONS[] = {
#define OPTION(field, option, score, below, doc) \
    {option, ZT_OPT_REAL, ZT_OPT_AT(filter_args, field), "-1", OFF, 1e9, NULL, 0, doc},
    RULES(OPTION)
#undef OPTION
        {"duplicates", ZT_OPT_INT, ZT_OPT_AT(filter_args, duplicates), "-1", OFF, ZT_NEAR_BITS_MAX, NULL, 0,
         "drop near-duplicates: so many of 192 bits of the hash may differ; 7 is a good start"},
    {"against", ZT_OPT_STR, ZT_OPT_AT(filter_args, against), NULL, 0, 0, NULL, 0,
     "also near-duplicates of clips of this data set"},
    {"where", ZT_OPT_STR, ZT_OPT_AT(filter_args, where), NULL, 0, 0, NULL, 'w', ZT_WHERE_DOC},
    {"dry-run", ZT_OPT_BOOL, ZT_OPT_AT(filter_args, dry_run), "false", 0, 0, NULL, 0,
     "say what would be dropped, and drop nothing"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(filter_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

typedef struct rules { zt_filter_rule rule[ZT_FILTER_RULES_MAX]; const char *name[ZT_FILTER_RULES_MAX]; int n; } rules;

static void add_rule(rules *r, const char *name, zt_score score, bool below, double limit) {
    if (limit == OFF) return;
    r->name[r->n] = name;
    r->rule[r->n++] = (zt_filter_rule){score, below, limit};
}

static int print_report(const rules *r, const filter_args *a, const zt_filter_report *rep) {
    if (a->json) {
        json_t *by = json_object();
        for (int i = 0; i < r->n; i++) json_object_set_new(by, r->name[i], json_integer((json_int_t)rep->by_rule[i]));
        return zt_cli_print_json("data filter",
                                 json_pack("{s:I, s:I, s:I, s:o, s:I, s:I, s:b}", "looked_at", (json_int_t)rep->looked_at,
                                           "unscored", (json_int_t)rep->unscored, "dropped", (json_int_t)rep->dropped, "by", by,
                                           "duplicates", (json_int_t)rep->duplicates, "elsewhere", (json_int_t)rep->elsewhere,
                                           "dry_run", a->dry_run));
    }
    for (int i = 0; i < r->n; i++) printf("%8lld  %s %g\n", (long long)rep->by_rule[i], r->name[i], r->rule[i].limit);
    if (a->duplicates >= 0) printf("%8lld  near-duplicates\n", (long long)rep->duplicates);
    if (a->against[0]) printf("%8lld  near-duplicates of clips of %s\n", (long long)rep->elsewhere, a->against);
    printf("%lld of %lld clips %s", (long long)rep->dropped, (long long)rep->looked_at,
           a->dry_run ? "would be dropped" : "dropped");
    if (rep->unscored) printf("; %lld without scores were kept", (long long)rep->unscored);
    printf("\n");
    return ZT_EXIT_OK;
}

int zt_data_filter(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data filter DIR [options]",
        .about =
            "Drops clips by their scores (`zoe data score` first; --list there says what they mean) and as near-duplicates. A "
            "dropped clip\n"
            "stays in the catalogue with its reason: `zoe data ls --dropped`, `zoe data restore`, `zoe data history --undo`.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    filter_args a;
    char *dir[1], what[ZT_WHAT_MAX];
    int status;
    rules r = {.n = 0};
    zt_filter_report rep;
    zt_data_what(what, argc, argv);
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
#define ADD(field, option, score, below, doc) add_rule(&r, option, ZT_SCORE_##score, below, a.field);
    RULES(ADD)
#undef ADD
    if (r.n == 0 && a.duplicates < 0)
        return zt_cli_usage_error("data filter", "say what to drop, such as --max-black 0.5 or --duplicates 7");
    if (a.against[0] && a.duplicates < 0) return zt_cli_usage_error("data filter", "--against needs --duplicates");
    const zt_filter_cfg cfg = {r.rule, r.n, (int)a.duplicates, a.against, a.where, what, a.dry_run};
    const zt_err e = zt_filter_set(dir[0], &cfg, &rep);
    return e == ZT_OK ? print_report(&r, &a, &rep) : zt_cli_result("data filter", e);
}
