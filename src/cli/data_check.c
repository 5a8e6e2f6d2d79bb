/* data_check.c - `zoe data check`: verifies everything in a data set. */
#include <stdio.h>

#include "base/log.h"
#include "cli/data.h"
#include "data/check.h"

typedef struct check_args {
    int sources, json;
} check_args;

static const zt_opt OPTIONS[] = {
    {"sources", ZT_OPT_BOOL, ZT_OPT_AT(check_args, sources), "false", 0, 0, NULL, 0, "read the source files again too"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(check_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

static void tell(void *ctx, const char *text) {
    enum { TOLD = 50 };
    int *told = ctx;
    if (*told < TOLD) zt_log("%s", text);
    if (++*told == TOLD) zt_log("further faults are counted only");
}

static void print_check(const char *dir, const zt_check *k) {
    printf("%s: %lld clips and %lld dropped ones in %lld shards, %lld of them with the recorded SHA-256\n", dir,
           (long long)k->clips, (long long)k->dropped, (long long)k->shards, (long long)k->hashed);
    if (k->sources || k->sources_gone)
        printf("sources: %lld read again, %lld not there any more\n", (long long)k->sources, (long long)k->sources_gone);
    if (k->faults)
        printf("%lld faults\n", (long long)k->faults);
    else
        printf("no fault\n");
}

int zt_data_check(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data check DIR [options]",
        .about = "Reads everything in a data set and verifies it: the catalogue's pages and counters, every shard by its SHA-256 "
                 "and as\n"
                 "a tar file, every clip against its shard. Ends with status 1 when there is a fault.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    check_args a;
    char *dir[1];
    int status, told = 0;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    zt_cancel_install();
    zt_check k = {.fault = tell, .ctx = &told};
    const zt_err e = zt_dataset_check(&k, dir[0], a.sources);
    if (e != ZT_OK) return zt_cli_result("data check", e);
    if (a.json)
        status =
            zt_cli_print_json("data check", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "faults", (json_int_t)k.faults,
                                                      "clips", (json_int_t)k.clips, "dropped", (json_int_t)k.dropped, "shards",
                                                      (json_int_t)k.shards, "hashed", (json_int_t)k.hashed, "sources",
                                                      (json_int_t)k.sources, "sources_gone", (json_int_t)k.sources_gone));
    else
        print_check(dir[0], &k);
    return k.faults || (a.json && status != ZT_EXIT_OK) ? ZT_EXIT_FAILED : ZT_EXIT_OK;
}
