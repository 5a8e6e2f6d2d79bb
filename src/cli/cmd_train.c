/* cmd_train.c - zoe train: a config and a data set in, a run folder with checkpoints and a model out. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/file.h"
#include "base/log.h"
#include "cli/commands.h"
#include "train/trainer.h"

enum { MAX_OVERRIDES = 64 };

typedef struct args { char out[1024]; int resume, plan, profile, json, quiet, help_config; } args;
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"out", ZT_OPT_STR, AT(out), NULL, 0, 0, NULL, 'o', "run folder: config, log, samples, checkpoints, model"},
    {"resume", ZT_OPT_BOOL, AT(resume), "false", 0, 0, NULL, 0,
     "go on from the newest checkpoint of --out (CONFIG may be left out)"},
    {"plan", ZT_OPT_BOOL, AT(plan), "false", 0, 0, NULL, 0, "only say what the run needs: parameters, FLOPs, memory, disk, time"},
    {"profile", ZT_OPT_BOOL, AT(profile), "false", 0, 0, NULL, 0,
     "only time one step by op and by scope: where the time goes, and how much of the roofline each part reaches"},
    {"help-config", ZT_OPT_BOOL, AT(help_config), "false", 0, 0, NULL, 0, "list every config key"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the result as JSON"},
    {"quiet", ZT_OPT_BOOL, AT(quiet), "false", 0, 0, NULL, 'q', "no progress"},
};
static const zt_cli_spec spec = {
    .usage = "zoe train CONFIG.yaml --out RUN [key=value ...] [--resume]",
    .about =
        "Trains a model. RUN gets config.yaml (as resolved), log.jsonl, a TensorBoard event file, samples/, checkpoints/, best/ "
        "and model/\n"
        "(the weights to generate with). Keys are written section.key=value, such as train.lr=1e-3; --help-config lists them.\n"
        "Ctrl-C saves a checkpoint; --resume goes on, with the same result as a run that was never stopped.\n",
    .opts = {options, sizeof options / sizeof *options},
    .max_pos = MAX_OVERRIDES + 1};

static const char *amount(double bytes, char *buf, size_t cap) {
    if (bytes >= 1e9) snprintf(buf, cap, "%.2f GB", bytes * 1e-9);
    else snprintf(buf, cap, "%.1f MB", bytes * 1e-6);
    return buf;
}

static const char *duration(double s, char *buf, size_t cap) {
    if (s >= 72 * 3600) snprintf(buf, cap, "%.1f days", s / 86400);
    else if (s >= 3600) snprintf(buf, cap, "%.1f h", s / 3600);
    else if (s >= 90) snprintf(buf, cap, "%.0f min", s / 60);
    else snprintf(buf, cap, "%.0f s", s);
    return buf;
}

static json_t *plan_json(const zt_train_cfg *c, const zt_train_plan *p) {
    json_t *buckets = json_array();
    for (int k = 0; k < p->n_buckets; k++) {
        const zt_bucket_plan *b = &p->bucket[k];
        char size[ZT_SIZE_TEXT];
        json_array_append_new(buckets, json_pack("{s:s, s:I, s:I, s:f, s:I, s:I}", "size", zt_size_text(b->size, size), "clips",
                                                 (json_int_t)b->clips, "batch", (json_int_t)b->batch, "share", b->share,
                                                 "flops_per_step", (json_int_t)b->flops_per_step, "step_bytes",
                                                 (json_int_t)b->step_bytes));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "model", zt_net_name(&c->net), "params",
                     (json_int_t)p->params, "clips", (json_int_t)p->clips, "flops_per_step", (json_int_t)p->flops_per_step,
                     "steps", (json_int_t)c->train.steps, "peak_bytes", (json_int_t)p->peak_bytes, "disk_bytes",
                     (json_int_t)p->disk_bytes, "peak_gflops", p->peak_gflops, "predicted_s", p->predicted_s, "buckets",
                     buckets);
}

static void print_buckets(const zt_train_plan *p) {
    char size[ZT_SIZE_TEXT], a[32];
    for (int k = 0; k < p->n_buckets; k++) {
        const zt_bucket_plan *b = &p->bucket[k];
        printf("bucket       %-14s %8lld clips, batch %3lld: %5.1f %% of the steps, %.2f GFLOP and %s each\n",
               zt_size_text(b->size, size), (long long)b->clips, (long long)b->batch, 100 * b->share,
               (double)b->flops_per_step * 1e-9, amount((double)b->step_bytes, a, sizeof a));
    }
}

static int print_plan(const zt_train_cfg *c, const zt_train_plan *p, bool as_json) {
    if (as_json)
        return zt_cli_print_json("train", plan_json(c, p));
    char a[32], b[32], d[32], e[32], f[32];
    printf("model        %s, %.2f M parameters, clips of %lldx%lldx%lld (frames x height x width)\n", zt_net_name(&c->net),
           (double)p->params * 1e-6, (long long)c->net.frames, (long long)c->net.height, (long long)c->net.width);
    printf("data         %lld training clips, %.1f epochs\n", (long long)p->clips,
           (double)c->train.steps * p->batch / (double)(p->clips ? p->clips : 1));
    if (c->buckets.n) print_buckets(p);
    printf("work         %.2f GFLOP per step of %.3g clips, %lld steps: %.1f TFLOP\n", (double)p->flops_per_step * 1e-9,
           p->batch, (long long)c->train.steps, (double)p->flops_per_step * 1e-12 * (double)c->train.steps);
    printf("memory       %s at most: weights and optimiser %s, step %s, validation or samples %s, program %s\n",
           amount((double)p->peak_bytes, a, sizeof a), amount((double)p->weights_bytes, b, sizeof b),
           amount((double)p->step_bytes, d, sizeof d), amount((double)p->extra_bytes, e, sizeof e),
           amount((double)(p->base_bytes + p->loader_bytes), f, sizeof f));
    printf("disk         %s for checkpoints and model\n", amount((double)p->disk_bytes, a, sizeof a));
    printf("time         about %s: this machine multiplies %s matrices at %.0f GFLOP/s, a step reaches 55 %% of that\n",
           duration(p->predicted_s, a, sizeof a), c->run.precision == ZT_PRECISION_BF16 ? "bf16" : "f32", p->peak_gflops);
    return ZT_EXIT_OK;
}

/* Most memory this process has had, bytes: what --plan predicts. */
static int64_t peak_memory(void) {
    struct rusage u = {0};
    getrusage(RUSAGE_SELF, &u);
    return (int64_t)u.ru_maxrss * 1024;
}

static int print_result(const args *a, const zt_train_result *r, const zt_net *net) {
    const char *how = zt_net_from_frame(net) ? "--image FILE" : net->gan ? "--num 9 --grid" : "-p \"...\"";
    if (a->json)
        return zt_cli_print_json("train", json_pack("{s:I, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:I, s:b}", "step",
                                                    (json_int_t)r->step, "loss", r->loss, "val_loss_of_mean", r->mean_loss,
                                                    "best_val_loss", r->best, "best_step", (json_int_t)r->best_step, "seconds",
                                                    r->seconds, "clips_per_s", r->clips_per_s, "wait_fraction", r->wait_fraction,
                                                    "first_step_s", r->first_step_s, "peak_bytes", (json_int_t)peak_memory(),
                                                    "early_stop", r->early_stop));
    char t[32];
    zt_log("%s after %lld steps, %s, %.1f clips/s, loss %.4f",
           r->early_stop ? "stopped early (no better validation loss)" : "finished", (long long)r->step,
           duration(r->seconds, t, sizeof t), r->clips_per_s, r->loss);
    if (r->best >= 0 && net->gan)
        zt_log("smallest Frechet distance to the validation clips %.4f at step %lld", r->best, (long long)r->best_step);
    else if (r->best >= 0 && net->classifier)
        zt_log("smallest validation cross-entropy %.4f at step %lld", r->best, (long long)r->best_step);
    else if (r->best >= 0)
        zt_log("best validation loss %.4f at step %lld (predicting the mean: %.4f)", r->best, (long long)r->best_step,
               r->mean_loss);
    if (net->classifier)
        zt_log("use as second judge with: zoe eval MODEL --data DIR --judge-net %s/model; its own scores: zoe eval %s/model "
               "--data DIR",
               a->out, a->out);
    else zt_log("generate with: zoe generate %s/model %s -o out.mp4", a->out, how);
    return ZT_EXIT_OK;
}

/* CONFIG, or with --resume the run's own. Overrides follow. */
static zt_err load_config(zt_train_cfg *c, const args *a, char **pos, int n_pos) {
    char own[ZT_PATH_MAX];
    const bool named = n_pos > 0 && !strchr(pos[0], '=');
    zt_err e = zt_path_join(own, a->out, "config.yaml");
    if (e != ZT_OK) return e;
    if (a->resume && !zt_file_exists(own))
        return zt_fail(ZT_NOTFOUND, "%s: there is no run to resume (no config.yaml); start it without --resume", a->out);
    if (!a->resume && !named) return zt_fail(ZT_ARG, "CONFIG.yaml is missing; see configs/");
    return zt_train_cfg_load(c, a->resume ? own : pos[0], named ? n_pos - 1 : n_pos, named ? pos + 1 : pos);
}

int zt_cmd_train(int argc, char **argv) {
    args a;
    char *pos[MAX_OVERRIDES + 1];
    int n_pos, status;
    if (!zt_cli_parse(&spec, &a, argc, argv, pos, &n_pos, &status)) return status;
    if (a.help_config) {
        zt_train_cfg_help(stdout);
        return ZT_EXIT_OK;
    }
    if (!*a.out && !a.plan && !a.profile) return zt_cli_usage_error("train", "--out RUN is missing");
    zt_log_quiet(a.quiet || a.json);
    zt_cancel_install();
    zt_train_cfg c = {0};
    zt_train_result result;
    zt_train_plan plan;
    zt_err e = load_config(&c, &a, pos, n_pos);
    if (e == ZT_OK)
        e = a.plan      ? zt_train_plan_make(&c, &plan)
            : a.profile ? zt_train_profile(&c, stdout)
                        : zt_train(&c, a.out, a.resume, &result);
    if (e != ZT_OK || a.profile) status = zt_cli_result("train", e);
    else status = a.plan ? print_plan(&c, &plan, a.json) : print_result(&a, &result, &c.net);
    zt_train_cfg_finish(&c);
    return status;
}
