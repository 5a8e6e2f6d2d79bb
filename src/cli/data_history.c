/* data_history.c - `zoe data history`: the changes of a data set, and the way back. */
#include <stdio.h>

#include "cli/data.h"

typedef struct history_args { int64_t num; int undo; } history_args;

static const zt_opt OPTIONS[] = {
    {"num", ZT_OPT_INT, ZT_OPT_AT(history_args, num), "20", 0, 1e9, NULL, 'n', "how many changes, newest first; 0: all"},
    {"undo", ZT_OPT_BOOL, ZT_OPT_AT(history_args, undo), "false", 0, 0, NULL, 0, "take the last change back that was not yet"},
};

static zt_err print_change(void *ctx, const zt_change *k) {
    (void)ctx;
    printf("%5lld  %s  %8lld clips  %s%s%s\n", (long long)k->id, k->at, (long long)k->clips, k->what,
           k->undone[0] ? "  undone " : "", k->undone);
    return ZT_OK;
}

int zt_data_history(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data history DIR [options]",
        .about = "Prints what was changed in a data set: captions, tags, dropped and restored clips. The old texts are kept.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    history_args a;
    char *dir[1], what[ZT_WHAT_MAX];
    int status;
    int64_t clips;
    zt_catalog *c = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    zt_err e = a.undo ? zt_catalog_open_writing(&c, dir[0]) : zt_catalog_open(&c, dir[0]);
    if (e == ZT_OK && !a.undo) e = zt_catalog_changes(c, a.num, print_change, NULL);
    if (e == ZT_OK && a.undo && (e = zt_catalog_undo(c, what, sizeof what, &clips)) == ZT_OK)
        printf("undone for %lld clips: %s\n", (long long)clips, what);
    zt_catalog_close(&c);
    return zt_cli_result("data history", e);
}
