/* data_drop.c - `zoe data drop`: takes the clips of a query out of use. */
#include <stdio.h>

#include "cli/data.h"

typedef struct drop_args { char where[ZT_WHERE_MAX], reason[400]; int dry_run; } drop_args;

static const zt_opt OPTIONS[] = {
    {"where", ZT_OPT_STR, ZT_OPT_AT(drop_args, where), NULL, 0, 0, NULL, 'w', ZT_WHERE_DOC},
    {"reason", ZT_OPT_STR, ZT_OPT_AT(drop_args, reason), NULL, 0, 0, NULL, 0, "kept with the clips; else the query is"},
    {"dry-run", ZT_OPT_BOOL, ZT_OPT_AT(drop_args, dry_run), "false", 0, 0, NULL, 0, "say how many, and drop none"},
};

static zt_err drop(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k) {
    (void)c;
    return zt_edit_drop(e, k->id, ctx);
}

int zt_data_drop(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data drop DIR --where CONDITION [options]",
        .about = "Takes clips out of use: they stay in the catalogue with the reason, and `zoe data restore` takes them back.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    drop_args a;
    char *dir[1], what[ZT_WHAT_MAX], reason[600];
    int status;
    zt_data_what(what, argc, argv);
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!a.where[0]) return zt_cli_usage_error("data drop", "say which clips: --where CONDITION");
    snprintf(reason, sizeof reason, "drop: %.500s", a.reason[0] ? a.reason : a.where);
    const zt_data_edit d = {dir[0], a.where, what, "user", "ok", a.dry_run, drop, reason};
    return zt_data_change("data drop", &d);
}
