/* data_score.c - `zoe data score`: measures the clips of a data set. */
#include <stdio.h>

#include "base/log.h"
#include "cli/data.h"
#include "data/score.h"

typedef struct score_args { int again, list, json; } score_args;

static const zt_opt OPTIONS[] = {
    {"again", ZT_OPT_BOOL, ZT_OPT_AT(score_args, again), "false", 0, 0, NULL, 0, "those too that have scores"},
    {"list", ZT_OPT_BOOL, ZT_OPT_AT(score_args, list), "false", 0, 0, NULL, 0, "say what the scores are, and measure nothing"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(score_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

int zt_data_score(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data score DIR [options]",
        .about =
            "Measures every clip that has no scores yet: motion, camera, sharpness, exposure, overlays, a hash for "
            "near-duplicates.\n"
            "They are kept in the catalogue; `zoe data filter`, `tag`, `audit` and every --where use them. Stopped, the same\n"
            "command goes on.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 0,
        .max_pos = 1,
    };
    score_args a;
    char *dir[1];
    int status, n;
    zt_score_report r;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, &n, &status)) return status;
    if (a.list) {
        for (int i = 0; i < ZT_SCORES; i++) printf("%-14s %s\n", zt_score_name((zt_score)i), zt_score_doc((zt_score)i));
        return ZT_EXIT_OK;
    }
    if (n == 0) return zt_cli_usage_error("data score", "say which data set: zoe data score DIR");
    zt_cancel_install();
    const zt_err e = zt_score_set(dir[0], a.again, &r);
    if (e != ZT_OK) return zt_cli_result("data score", e);
    if (a.json)
        status = zt_cli_print_json("data score",
                                   json_pack("{s:I, s:I, s:I, s:f}", "scored", (json_int_t)r.scored, "before",
                                             (json_int_t)r.before, "failed", (json_int_t)r.failed, "seconds", r.seconds));
    else
        printf("%s: %lld clips scored in %.1f s, %lld had scores, %lld could not be read\n", dir[0], (long long)r.scored,
               r.seconds, (long long)r.before, (long long)r.failed);
    return r.failed ? ZT_EXIT_FAILED : ZT_EXIT_OK;
}
