/* data_restore.c - `zoe data restore`: takes dropped clips back. */
#include <string.h>

#include "cli/data.h"

typedef struct restore_args { char where[ZT_WHERE_MAX]; int all, dry_run; } restore_args;

static const zt_opt OPTIONS[] = {
    {"where", ZT_OPT_STR, ZT_OPT_AT(restore_args, where), NULL, 0, 0, NULL, 'w', "which of them, such as: reason ~ motion"},
    {"all", ZT_OPT_BOOL, ZT_OPT_AT(restore_args, all), "false", 0, 0, NULL, 0,
     "those too that were dropped for another reason, such as a withdrawn consent or a changed source"},
    {"dry-run", ZT_OPT_BOOL, ZT_OPT_AT(restore_args, dry_run), "false", 0, 0, NULL, 0, "say how many, and restore none"},
};

static zt_err restore(void *ctx, zt_catalog *c, zt_edit *e, const zt_catalog_clip *k) {
    const int *all = ctx;
    (void)c;
    if (!*all && strncmp(k->reason, "filter: ", 8) != 0 && strncmp(k->reason, "drop: ", 6) != 0) return ZT_OK;
    return zt_edit_restore(e, k->id);
}

int zt_data_restore(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data restore DIR [options]",
        .about = "Takes clips back that `zoe data filter` and `zoe data drop` took out of use: all, or those of a query.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    restore_args a;
    char *dir[1], what[ZT_WHAT_MAX];
    int status;
    zt_data_what(what, argc, argv);
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    const zt_data_edit d = {dir[0], a.where, what, "user", "dropped", a.dry_run, restore, &a.all};
    return zt_data_change("data restore", &d);
}
