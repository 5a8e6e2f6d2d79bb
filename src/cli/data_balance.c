/* data_balance.c - `zoe data balance`: weights for sampling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/data.h"
#include "data/balance.h"

typedef struct balance_args { char by[64], target[4096], split[16]; int clear; } balance_args;

static const zt_opt OPTIONS[] = {
    {"by", ZT_OPT_STR, ZT_OPT_AT(balance_args, by), NULL, 0, 0, NULL, 0,
     "what makes the groups: tag.NAME, licence, source or caption"},
    {"target", ZT_OPT_STR, ZT_OPT_AT(balance_args, target), NULL, 0, 0, NULL, 0,
     "VALUE=PART,...: parts of 1; what is left is shared by the other groups as they are; \"even\": the same for each group"},
    {"split", ZT_OPT_STR, ZT_OPT_AT(balance_args, split), "train", 0, 0, NULL, 0, "train, val or test"},
    {"clear", ZT_OPT_BOOL, ZT_OPT_AT(balance_args, clear), "false", 0, 0, NULL, 0, "take all weights away"},
};

typedef struct group { char value[256]; int64_t clips; double before, part; bool named; } group;
enum { GROUPS_MAX = 1000 };
typedef struct plan { group g[GROUPS_MAX]; int n; int64_t clips; double weight, named; } plan;

static zt_err add_group(void *ctx, const zt_group *k) {
    plan *p = ctx;
    if (p->n == GROUPS_MAX) return zt_fail(ZT_ARG, "more than %d groups; choose a field with fewer values", GROUPS_MAX);
    group *g = &p->g[p->n++];
    *g = (group){.clips = k->clips, .before = k->weight};
    snprintf(g->value, sizeof g->value, "%s", k->value);
    p->clips += k->clips;
    p->weight += k->weight;
    return ZT_OK;
}

/* "dark=0.5,bright=0.25": the text is cut up. */
static zt_err read_targets(plan *p, char *text) {
    double part;
    for (char *next = text, *item; (item = strsep(&next, ","));) {
        char *equals = strrchr(item, '=');
        group *g = NULL;
        if (!equals || !zt_parse_real(equals + 1, &part) || part < 0 || part > 1)
            return zt_fail(ZT_ARG, "--target '%s': VALUE=PART with a part of 0 to 1 is wanted", item);
        *equals = '\0';
        for (int i = 0; i < p->n; i++)
            if (strcmp(p->g[i].value, item) == 0) g = &p->g[i];
        if (!g)
            return zt_fail(ZT_ARG, "--target '%s': no clip has this value; `zoe data tag DIR --list` prints those there are",
                           item);
        if (g->named) return zt_fail(ZT_ARG, "--target '%s': named twice", item);
        g->part = part;
        g->named = true;
        p->named += part;
    }
    if (p->named > 1 + 1e-9) return zt_fail(ZT_ARG, "--target: the parts add up to %g; at most 1 is possible", p->named);
    return ZT_OK;
}

static zt_err make_plan(plan *p, char *target) {
    int64_t rest = 0;
    if (p->clips == 0) return zt_fail(ZT_ARG, "there is no clip to balance");
    if (strcmp(target, "even") == 0) {
        for (int i = 0; i < p->n; i++) p->g[i].part = 1.0 / p->n;
        return ZT_OK;
    }
    const zt_err e = read_targets(p, target);
    if (e != ZT_OK) return e;
    for (int i = 0; i < p->n; i++) rest += p->g[i].named ? 0 : p->g[i].clips;
    if (rest == 0 && p->named < 1 - 1e-9)
        return zt_fail(ZT_ARG, "--target: the parts of all groups add up to %g; 1 is wanted", p->named);
    for (int i = 0; i < p->n; i++)
        if (!p->g[i].named) p->g[i].part = (1 - p->named) * (double)p->g[i].clips / (double)rest;
    return ZT_OK;
}

static zt_err write_weights(zt_catalog *c, const balance_args *a, const plan *p) {
    char said[400];
    zt_err e;
    ZT_TRY(e = zt_catalog_begin(c), done);
    for (int i = 0; i < p->n; i++) {   /* so that the mean weight is 1 */
        const double weight = p->g[i].part * (double)p->clips / (double)p->g[i].clips;
        ZT_TRY(e = zt_catalog_set_weight(c, a->by, p->g[i].value, a->split, weight), done);
    }
    snprintf(said, sizeof said, "%s: %s, %.300s", a->split, a->by, a->target);
    ZT_TRY(e = zt_catalog_set_meta(c, "balance", said), done);
    e = zt_catalog_commit(c);
done:
    return e;
}

static void print_plan(const plan *p) {
    printf("   clips  part before   part now  weight  group\n");
    for (int i = 0; i < p->n; i++)
        printf("%8lld  %11.3f  %9.3f  %6.3g  %s\n", (long long)p->g[i].clips, p->g[i].before / p->weight, p->g[i].part,
               p->g[i].part * (double)p->clips / (double)p->g[i].clips, p->g[i].value[0] ? p->g[i].value : "(none)");
}

static zt_err balance(zt_catalog *c, const balance_args *a) {
    char target[sizeof a->target];
    zt_err e;
    plan *p = zt_alloc(sizeof *p);
    if (!p) return ZT_NOMEM;
    snprintf(target, sizeof target, "%s", a->target);
    ZT_TRY(e = zt_catalog_groups(c, a->by, a->split, add_group, p), done);
    ZT_TRY(e = make_plan(p, target), done);
    ZT_TRY(e = write_weights(c, a, p), done);
    print_plan(p);
done:
    zt_free(p);
    return e;
}

static zt_err clear(zt_catalog *c) {
    zt_err e;
    ZT_TRY(e = zt_catalog_begin(c), done);
    ZT_TRY(e = zt_catalog_clear_weights(c), done);
    ZT_TRY(e = zt_catalog_set_meta(c, "balance", ""), done);
    ZT_TRY(e = zt_catalog_commit(c), done);
    printf("all clips count the same\n");
done:
    return e;
}

int zt_data_balance(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data balance DIR --by FIELD --target VALUE=PART,... [--split SPLIT] | --clear",
        .about =
            "Weights the clips of a split so that training draws the groups of a field in the proportions that are wanted, with\n"
            "replacement. `zoe data audit` shows before and after.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    balance_args a;
    char *dir[1];
    int status;
    zt_catalog *c = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!zt_data_split_ok("data balance", a.split, &status)) return status;
    if (!a.clear && (!a.by[0] || !a.target[0] || !a.split[0]))
        return zt_cli_usage_error("data balance", "--by FIELD and --target VALUE=PART,... are wanted, or --clear");
    zt_err e = zt_catalog_open_writing(&c, dir[0]);
    if (e == ZT_OK) e = a.clear ? clear(c) : balance(c, &a);
    zt_catalog_close(&c);
    return zt_cli_result("data balance", e);
}
