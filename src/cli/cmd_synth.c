/* cmd_synth.c - `zoe synth`: render a data set of a built-in world. The work is zt_synth (data/synth.h). */
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "data/synth.h"

enum { TRUTH_EVAL, TRUTH_ALL };

typedef struct synth_args {
    zt_synth_cfg cfg;
    char out[4096];
    int64_t seed;
    int world, truth, json;
} synth_args;

static const zt_opt OPTIONS[] = {
    {"out", ZT_OPT_STR, ZT_OPT_AT(synth_args, out), NULL, 0, 0, NULL, 'o', "folder to make; must not exist or be empty"},
    {"clips", ZT_OPT_INT, ZT_OPT_AT(synth_args, cfg.clips), NULL, 1, 1e8, NULL, 'n', "clips, all splits together"},
    {"world", ZT_OPT_ENUM, ZT_OPT_AT(synth_args, world), "shapes", 0, 0, ZT_WORLD_CHOICES, 0, "what is drawn; see above"},
    {"frames", ZT_OPT_INT, ZT_OPT_AT(synth_args, cfg.frames), "16", 1, 1024, NULL, 0, "frames per clip"},
    {"size", ZT_OPT_INT, ZT_OPT_AT(synth_args, cfg.size), "32", ZT_WORLD_SIDE_MIN, 1024, NULL, 0, "width and height, pixels"},
    {"fps", ZT_OPT_REAL, ZT_OPT_AT(synth_args, cfg.fps), "8", 0.1, 240, NULL, 0, "frames per second, as recorded"},
    {"seed", ZT_OPT_INT, ZT_OPT_AT(synth_args, seed), "1", 0, 9e15, NULL, 0, "decides every clip"},
    {"hold-out", ZT_OPT_INT, ZT_OPT_AT(synth_args, cfg.hold_out), "12", 0, ZT_HOLD_OUT_MAX, NULL, 0,
     "combinations of values that only the test split has (shapes: of 48 of shape, colour, direction)"},
    {"val", ZT_OPT_REAL, ZT_OPT_AT(synth_args, cfg.val), "0.05", 0, 0.5, NULL, 0, "part of the clips for validation"},
    {"test", ZT_OPT_REAL, ZT_OPT_AT(synth_args, cfg.test), "0.05", 0, 0.5, NULL, 0, "part of the clips for the test split"},
    {"truth", ZT_OPT_ENUM, ZT_OPT_AT(synth_args, truth), "eval", 0, 0, "eval|all", 0,
     "splits that get ground truth; eval: val and test"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(synth_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

static int print_report(const synth_args *a, const zt_synth_report *r) {
    const double speed = (double)a->cfg.clips / (r->seconds > 1e-9 ? r->seconds : 1e-9);
    if (a->json)
        return zt_cli_print_json("synth", json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:f, s:f}", "out", a->out,
                                                    "world", a->cfg.world->name, "clips", (json_int_t)a->cfg.clips, "train",
                                                    (json_int_t)r->train, "val", (json_int_t)r->val, "test", (json_int_t)r->test,
                                                    "held_out", (json_int_t)r->held_out, "shards", r->shards, "bytes",
                                                    (json_int_t)r->bytes, "seconds", r->seconds, "clips_per_s", speed));
    printf(
        "%s: %lld clips (train %lld, val %lld, test %lld of which %lld are held-out combinations), %d shards, %.1f MB, %.1f s, "
        "%.0f clips/s\n",
        a->out, (long long)a->cfg.clips, (long long)r->train, (long long)r->val, (long long)r->test, (long long)r->held_out,
        r->shards, (double)r->bytes / 1e6, r->seconds, speed);
    return ZT_EXIT_OK;
}

int zt_cmd_synth(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe synth --out DIR --clips N [options]",
        .about = "Renders a data set of labelled clips with captions and ground truth (arrays beside each clip in the shard). "
                 "The folder\n"
                 "appears whole or, after a failure or Ctrl-C, not at all. Equal options give equal clips. The worlds:\n"
#define ZT_WORLD(name, about) "  " #name ": " about "\n"
#include "data/worlds/worlds.def"
#undef ZT_WORLD
        ,
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
    };
    synth_args args;
    int status;
    zt_synth_report report;
    if (!zt_cli_parse(&SPEC, &args, argc, argv, NULL, NULL, &status)) return status;
    if (!args.out[0]) return zt_cli_usage_error("synth", "--out DIR is missing: the folder to make");
    if (args.cfg.clips < 1) return zt_cli_usage_error("synth", "--clips N is missing: how many clips to render");
    args.cfg.out = args.out;
    args.cfg.seed = (uint64_t)args.seed;
    args.cfg.world = zt_worlds[args.world];
    args.cfg.all_truth = args.truth == TRUTH_ALL;
    zt_cancel_install();
    const zt_err e = zt_synth(&args.cfg, &report);
    return e == ZT_OK ? print_report(&args, &report) : zt_cli_result("synth", e);
}
