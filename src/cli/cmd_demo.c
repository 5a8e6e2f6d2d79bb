/* cmd_demo.c - zoe demo: the whole path on a machine with no data: render, train, generate, judge, report. */
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/demo_config.h"
#include "cli/demo_report.h"
#include "data/synth.h"
#include "pipeline/sampling.h"
#include "train/trainer.h"

enum { SYNTH_CLIPS = 9600, SYNTH_SEED = 1 };

typedef struct args { char out[1024]; double minutes; int64_t num, seed; int json; } args;
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"out", ZT_OPT_STR, AT(out), "zoe-demo", 0, 0, NULL, 'o',
     "folder for data, run, model and report.html; an unfinished demo there goes on"},
    {"minutes", ZT_OPT_REAL, AT(minutes), "0", 0, 10000, NULL, 0,
     "at most about this much training; 0: the full number of steps"},
    {"num", ZT_OPT_INT, AT(num), "480", 2, 10000, NULL, 0, "clips generated for the judge"},
    {"seed", ZT_OPT_INT, AT(seed), "1", 0, 1e9, NULL, 0, "seed of the training run"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the scores as JSON at the end"},
};
static const zt_cli_spec spec = {
    .usage = "zoe demo [--out DIR] [--minutes M]",
    .about =
        "Renders a labelled world of moving shapes, trains a small text-to-video model on it, generates clips for prompts (some "
        "with\n"
        "combinations never trained on), lets an analytic judge read them, and writes DIR/report.html. The model is DIR/model.\n",
    .opts = {options, sizeof options / sizeof *options}};

static zt_err make_data(const char *dir) {
    if (zt_is_dir(dir)) return ZT_OK;                          /* zt_synth leaves a whole data set or none */
    const zt_synth_cfg cfg = {.out = dir, .world = &zt_world_shapes, .clips = SYNTH_CLIPS, .frames = 16, .size = 32,
                              .hold_out = 12, .fps = 8, .val = 0.05, .test = 0.1, .seed = SYNTH_SEED};
    return zt_synth(&cfg, NULL);
}

/* The built-in config (configs/unet3d-shapes-32.yaml) with this demo's folders. */
static zt_err load_config(zt_train_cfg *c, const args *a, const char *data) {
    char path[ZT_PATH_MAX], where[1200], seed[48];
    zt_err e = zt_path_join(path, a->out, "demo.yaml");
    if (e == ZT_OK) e = zt_file_write(path, zt_demo_config, strlen(zt_demo_config));
    if (e == ZT_OK) e = zt_format(where, sizeof where, "data.path=%s", data);
    if (e == ZT_OK) e = zt_format(seed, sizeof seed, "seed=%lld", (long long)a->seed);
    return e != ZT_OK ? e : zt_train_cfg_load(c, path, 2, (char *const[]){where, seed});
}

/* Steps that fit --minutes on this machine, and what it will take. */
static zt_err plan_steps(zt_train_cfg *c, const args *a) {
    zt_train_plan p;
    const zt_err e = zt_train_plan_make(c, &p);
    if (e != ZT_OK) return e;
    const double per_step = p.predicted_s / (double)c->train.steps;
    const int64_t fit = (int64_t)(a->minutes * 60 / per_step);
    if (a->minutes > 0 && fit < c->train.steps) c->train.steps = fit < 50 ? 50 : fit;
    zt_log("%.2f M parameters, %lld steps of %.1f GFLOP at about %.0f GFLOP/s: %.1f minutes of training, %.1f GB of memory",
           (double)p.params * 1e-6, (long long)c->train.steps, (double)p.flops_per_step * 1e-9, p.peak_gflops * 0.55,
           per_step * (double)c->train.steps / 60, (double)p.peak_bytes * 1e-9);
    return ZT_OK;
}

static zt_err train(const args *a, const char *data, zt_train_result *result) {
    char config[ZT_PATH_MAX];
    zt_train_cfg c = {0};
    zt_err e = zt_path_join(config, a->out, "config.yaml");
    const bool started = e == ZT_OK && zt_file_exists(config);
    if (e == ZT_OK) e = started ? zt_train_cfg_load(&c, config, 0, NULL) : load_config(&c, a, data);
    if (e == ZT_OK && !started) e = plan_steps(&c, a);
    if (e == ZT_OK) e = zt_train(&c, a->out, started, result);
    zt_train_cfg_finish(&c);
    return e;
}

static zt_err judge(const args *a, const char *data, zt_world_eval *scores) {
    zt_world_eval_cfg cfg = {.n = (int)a->num,
                             .n_image = (int)(a->num < 100 ? a->num : 100),
                             .n_predict = (int)(a->num < 100 ? a->num : 100),
                             .n_untrained = 16,
                             .context = 4,
                             .steps = ZT_DEMO_STEPS,
                             .cfg_scale = ZT_DEMO_CFG_SCALE,
                             .sampler = ZT_SAMPLER_DDIM,
                             .seed = 1000};
    char dir[ZT_PATH_MAX];
    zt_model_dir m = {0};
    zt_dataset *ds = NULL;
    zt_err e = zt_path_join(dir, a->out, "model");
    if (e == ZT_OK) e = zt_sampling_precision("auto", &cfg.multiply);
    if (e == ZT_OK) e = zt_model_dir_load(&m, dir);
    if (e == ZT_OK) e = zt_dataset_open(&ds, data);
    if (e == ZT_OK) e = zt_world_eval_run(scores, &m, ds, &cfg);
    if (e == ZT_OK) e = zt_demo_report(a->out, &m, ds, scores, &cfg);
    zt_dataset_close(&ds);
    zt_model_dir_finish(&m);
    return e;
}

int zt_cmd_demo(int argc, char **argv) {
    args a;
    int status;
    if (!zt_cli_parse(&spec, &a, argc, argv, NULL, NULL, &status)) return status;
    char data[ZT_PATH_MAX];
    zt_cancel_install();
    zt_train_result result = {0};
    zt_world_eval scores = {0};
    zt_err e = zt_dir_make(a.out);
    if (e == ZT_OK) e = zt_path_join(data, a.out, "data");
    if (e == ZT_OK) e = make_data(data);
    if (e == ZT_OK) e = train(&a, data, &result);
    if (e == ZT_OK) e = judge(&a, data, &scores);
    if (e != ZT_OK) {
        status = zt_cli_result("demo", e);
    } else {
        zt_log("all right: %.1f %% of prompts with seen combinations, %.1f %% with held-out ones",
               100 * zt_score_part(scores.seen.all, scores.seen.n), 100 * zt_score_part(scores.held_out.all, scores.held_out.n));
        zt_log("open %s/report.html; make more with: zoe generate %s/model -p \"a small red square moves left\" -o out.mp4",
               a.out, a.out);
        status = a.json ? zt_cli_print_json("demo", zt_demo_scores_json(&scores)) : ZT_EXIT_OK;
    }
    zt_world_eval_finish(&scores);
    return status;
}
