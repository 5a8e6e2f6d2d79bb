/* cmd_bench.c - zoe bench: how much of this machine's measured peaks the training and sampling steps of the models and single
 * operations reach. The peaks (a large matmul; copying memory) are measured again around every row, because shared machines
 * change speed from minute to minute. */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "cli/bench_nets.h"
#include "cli/bench_ops.h"
#include "cli/commands.h"
#include "init.h"
#include "train/peak.h"
#include "train/step_graph.h"

typedef struct args { char only[128]; int64_t repeats, frames; int json, profile, tune; } args;
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"only", ZT_OPT_STR, AT(only), NULL, 0, 0, NULL, 0, "run only the rows whose name contains this text"},
    {"repeats", ZT_OPT_INT, AT(repeats), "0", 0, 1000, NULL, 0,
     "timed repeats per row, of which the best counts; 0: 3, fewer once they took 4 seconds"},
    {"frames", ZT_OPT_INT, AT(frames), "0", 0, 1024, NULL, 0, "frames per clip, to see how cost grows with them; 0: 16"},
    {"tune", ZT_OPT_BOOL, AT(tune), "false", 0, 0, NULL, 0, "first time the kernels that can do each product; use the fastest"},
    {"profile", ZT_OPT_BOOL, AT(profile), "false", 0, 0, NULL, 0, "also print the profile of a step (stderr)"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print one list of rows as JSON"},
};
static const zt_cli_spec spec = {
    .usage = "zoe bench [--only NAME] [--repeats N] [--frames N] [--tune] [--profile] [--json]",
    .about =
        "Times whole steps, then single operations, each in f32 and bf16. Rows:\n"
        "  MODEL/train/f32   forward, backward, optimiser, EMA. vdit-S and unet3d-64 are the sizes other projects can be\n"
        "                    compared with (16x64x64 clips), -demo those of configs/*-shapes-32.yaml; gan: a MoCoGAN-sized\n"
        "                    pair; tgan: as published, four clips of 16x64x64; vae: a causal convolutional VAE on\n"
        "                    16x128x128; pilot-unet64: a U-Net of convolutions alone\n"
        "  MODEL/sample/f32  the network once for as many clips: what a sampling step costs (guidance doubles it); gan, tgan:\n"
        "                    the generator (64 frames); vae: its decoder\n"
        "  op/NAME/f32       one operation on f32 storage; -dx, -dw: gradients by input and by weight\n"
        "GFLOP counts matmul, convolution and attention only: forward 1x, backward 2x. fraction_of_peak is against the best\n"
        "2048^3 matmul of the same precision measured around the row (bf16: with the rounding of its operands).\n"
        "fraction_of_roofline (operations): the time that the peaks of products and of copying memory would take, over the\n"
        "time it took; above 1 what is small enough for the caches. rss_mb: peak while the row ran. --profile prints time,\n"
        "FLOPs, traffic and part of the roofline by op and by scope.\n",
    .opts = {options, sizeof options / sizeof *options}};

/* One model size: options as on a command line. */
typedef struct size {
    const char *name, *model;
    int64_t frames, side, batch;
    zt_optimiser optimiser;
    const char *opts[12][2];
    const zt_bench_net *net;            /* instead of model: bench_nets.h */
} size;
static const size sizes[] = {
    {.name = "vdit-S", .model = "vdit", .frames = 16, .side = 64, .batch = 1,
     .opts = {{"dim", "384"}, {"depth", "12"}, {"heads", "6"}, {"patch", "2,4,4"}}},
    {.name = "unet3d-64", .model = "unet3d", .frames = 16, .side = 64, .batch = 2,
     .opts = {{"widths", "64,128,256"}, {"blocks", "2"}, {"time_kernel", "3"}, {"attn_space", "0,0,1"}, {"attn_time", "0,1,1"},
              {"time_down", "0,0,0"}}},
    {.name = "unet3d-32", .model = "unet3d", .frames = 16, .side = 32, .batch = 2,
     .opts = {{"widths", "32,64,128"}, {"blocks", "2"}, {"time_kernel", "3"}, {"attn_space", "0,0,1"}, {"attn_time", "0,1,1"},
              {"time_down", "0,0,0"}}},
    {.name = "vdit-demo", .model = "vdit", .frames = 16, .side = 32, .batch = 16, .optimiser = ZT_MUON,
     .opts = {{"dim", "160"}, {"depth", "4"}, {"heads", "5"}, {"patch", "4,4,4"}, {"pool_text", "true"}}},
    {.name = "unet3d-demo", .model = "unet3d", .frames = 16, .side = 32, .batch = 16, .optimiser = ZT_MUON,
     .opts = {{"widths", "48,64,96"}, {"blocks", "1"}, {"mid_blocks", "1"}, {"patch", "2,2,2"}, {"stem_kernel", "1"},
              {"time_kernel", "5"}, {"attn_space", "0,0,0"}, {"attn_time", "0,0,0"}, {"time_down", "0,1,0"}}},
    {.name = "gan", .batch = 4, .net = &zt_bench_gan},
    {.name = "tgan", .batch = 4, .net = &zt_bench_tgan},
    {.name = "vae", .batch = 1, .net = &zt_bench_vae},
    {.name = "pilot-unet64", .batch = 2, .net = &zt_bench_pilot},
};

typedef struct row {
    char name[64];
    double ms, gflop, fraction, peak, first_s;
    int64_t bytes;                      /* planned */
    double gbytes, roofline;            /* of an operation: what it moves, part of the roofline; else 0 */
} row;

static zt_err make_net(zt_net *net, const size *s, int64_t frames) {
    zt_err e = zt_net_init(net, s->model);
    for (int k = 0; e == ZT_OK && k < 12 && s->opts[k][0]; k++)
        e = zt_opt_set(net->model->opts, net->cfg, "bench", s->opts[k][0], s->opts[k][1]);
    net->vocab = 512;
    net->frames = frames ? frames : s->frames;
    net->height = net->width = s->side;
    net->fps = 8;
    return e == ZT_OK ? zt_net_check(net) : e;
}

/* Whether to time a step once more, the k-th time, the first having begun at t0. */
static bool once_more(const args *a, int64_t k, double t0) {
    return a->repeats ? k < a->repeats : k == 0 || (k < 3 && zt_now() - t0 < 4);
}

/* Runs a planned step again and again: r gets the best time, and the best peak measured around it. */
static zt_err time_plan(zt_plan *plan, double start, zt_dtype t, const args *a, row *r) {
    zt_err e = zt_plan_run(plan);
    r->first_s = zt_now() - start;
    r->peak = zt_matmul_peak_gflops(t, 2048, 0.2);
    r->ms = 1e30;
    const double begin = zt_now();
    for (int64_t k = 0; e == ZT_OK && once_more(a, k, begin); k++) {
        const double t0 = zt_now();
        e = zt_plan_run_same(plan);                             /* a sampler's weights stay; training changes them itself */
        const double ms = (zt_now() - t0) * 1e3, peak = zt_matmul_peak_gflops(t, 2048, 0.05);
        if (ms < r->ms) r->ms = ms;
        if (peak > r->peak) r->peak = peak;
    }
    r->fraction = r->gflop / r->ms * 1e3 / r->peak;
    if (e == ZT_OK && a->profile) e = zt_plan_profile(plan, stderr, r->peak, zt_memory_peak_gbytes(0.2));
    return e;
}

/* A training step as `zoe train` runs it. */
static zt_err time_training(const size *s, int precision, const args *a, row *r) {
    zt_train_cfg c = {.run = {.seed = 1, .precision = precision}, .train = {.optimiser = s->optimiser, .momentum = 0.95}};
    zt_choices choices = {.tune = true};
    if (a->tune) c.choices = &choices;
    zt_tset params = {0}, states = {0};
    zt_step_graph g = {0};
    const double start = zt_now();
    zt_err e;
    ZT_TRY(e = make_net(&c.net, s, a->frames), done);
    ZT_TRY(e = zt_step_graph_create(&g, &c, s->batch, &params, &states, false), done);
    zt_step_graph_fill(&g);
    r->gflop = (double)g.flops * 1e-9;
    r->bytes = zt_step_graph_bytes(&g) + zt_tset_bytes(&params) + zt_tset_bytes(&states);
    e = time_plan(g.plan, start, zt_precision_multiply(precision), a, r);
done:
    zt_step_graph_finish(&g);
    zt_tset_finish(&states);
    zt_tset_finish(&params);
    zt_net_finish(&c.net);
    zt_choices_finish(&choices);
    return e;
}

/* The network of a sampling step. */
static zt_err network(zt_bench_step *b, const size *s, int precision, const args *a) {
    zt_net net = {0};
    zt_err e;
    ZT_TRY(e = make_net(&net, s, a->frames), done);
    ZT_TRY(e = zt_graph_create(&b->g), done);
    zt_graph_set_multiply(b->g, zt_precision_multiply(precision));
    const zt_net_in in = zt_net_inputs(b->g, &net, s->batch);
    zt_node *y = zt_net_build(&(zt_nn){.g = b->g, .params = &b->params, .seed = 1}, &net, &in);
    e = zt_bench_step_plan(b, 1, &y);
done:
    zt_net_finish(&net);
    return e;
}

static zt_err time_step(const size *s, bool train, int precision, const args *a, row *r) {
    if (train && s->model) return time_training(s, precision, a, r);
    zt_bench_step b = {.choices.tune = a->tune};
    const zt_dtype t = zt_precision_multiply(precision);
    const double start = zt_now();
    zt_err e = s->model ? network(&b, s, precision, a) : zt_bench_step_create(&b, s->net, s->batch, train, t);
    if (e == ZT_OK) {
        r->gflop = (double)b.flops * 1e-9;
        r->bytes = zt_plan_bytes(b.plan) + zt_tset_bytes(&b.params) + zt_tset_bytes(&b.states);
        e = time_plan(b.plan, start, t, a, r);
    }
    zt_bench_step_finish(&b);
    return e;
}

/* An operation: as often as asked for, or for at least a fifth of a second. */
static zt_err time_op(const zt_bench_op *op, int precision, const args *a, row *r) {
    zt_bench_step b = {.choices.tune = a->tune};
    const zt_dtype t = zt_precision_multiply(precision);
    const double start = zt_now();
    zt_err e = zt_bench_op_create(&b, op, t);
    if (e == ZT_OK) e = zt_plan_run(b.plan);
    r->first_s = zt_now() - start;
    r->ms = 1e30;
    for (int64_t k = 0; e == ZT_OK && (once_more(a, k, start) || (!a->repeats && zt_now() - start < r->first_s + 0.2)); k++) {
        const double t0 = zt_now();
        e = zt_plan_run(b.plan);
        const double ms = (zt_now() - t0) * 1e3;
        if (ms < r->ms) r->ms = ms;
    }
    if (e == ZT_OK) {
        r->bytes = zt_plan_bytes(b.plan) + zt_tset_bytes(&b.params) + zt_tset_bytes(&b.states);
        r->gflop = (double)b.flops * 1e-9;
        r->gbytes = (double)b.traffic * 1e-9;
        r->peak = zt_matmul_peak_gflops(t, 2048, 0.05);
        r->fraction = r->gflop / r->ms * 1e3 / r->peak;
        const double products_ms = r->gflop / r->peak * 1e3, memory_ms = r->gbytes / zt_memory_peak_gbytes(0.05) * 1e3;
        r->roofline = (products_ms > memory_ms ? products_ms : memory_ms) / r->ms;
    }
    zt_bench_step_finish(&b);
    return e;
}

static void add_json(json_t *list, const row *r) {
    json_t *o = json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "name", r->name, "ms", r->ms, "gflop", r->gflop,
                          "fraction_of_peak", r->fraction, "peak_gflops", r->peak, "planned_mb", (double)r->bytes * 1e-6,
                          "rss_mb", (double)zt_peak_rss_bytes() * 1e-6, "first_step_s", r->first_s);
    if (r->gbytes > 0) json_object_set_new(o, "gbytes", json_real(r->gbytes));
    if (r->gbytes > 0) json_object_set_new(o, "fraction_of_roofline", json_real(r->roofline));
    json_array_append_new(list, o);
}

static void print_row(const row *r) {
    if (r->gbytes > 0)
        printf("%-42s %10.3f %8.2f %8.3f %9.1f %9.1f%%\n", r->name, r->ms, r->gflop, r->gbytes, r->gflop / r->ms * 1e3,
               100 * r->roofline);
    else
        printf("%-42s %10.1f %8.1f %8.0f %9.1f %9.1f%%\n", r->name, r->ms, r->gflop, (double)r->bytes * 1e-6,
               r->gflop / r->ms * 1e3, 100 * r->fraction);
    fflush(stdout);
}

static void add_row(const args *a, json_t *list, const row *r) {
    if (!a->json) print_row(r);
    add_json(list, r);
}

static void add_memory_peak(const args *a, json_t *list) {
    const double rate = zt_memory_peak_gbytes(0.5);
    if (!a->json) printf("%-42s %10s %8s %8s %9.1f GB/s\n", "peak/memory-copy", "", "", "", rate);
    json_array_append_new(list, json_pack("{s:s, s:f}", "name", "peak/memory-copy", "gbytes_per_s", rate));
}

static void add_peak(const args *a, json_t *list, int precision) {
    row r = {.gflop = 2e-9 * 2048.0 * 2048 * 2048, .fraction = 1};
    snprintf(r.name, sizeof r.name, "peak/matmul-2048/%s", precision == ZT_PRECISION_BF16 ? "bf16" : "f32");
    r.peak = zt_matmul_peak_gflops(zt_precision_multiply(precision), 2048, 1);
    r.ms = r.gflop / r.peak * 1e3;
    add_row(a, list, &r);
}

/* Whether the row is wanted: then its name and a fresh count of memory. */
static bool begin_row(const args *a, row *r, const char *first, const char *second, int precision) {
    *r = (row){.name = ""};
    snprintf(r->name, sizeof r->name, "%s/%s/%s", first, second, precision == ZT_PRECISION_BF16 ? "bf16" : "f32");
    if (*a->only && !strstr(r->name, a->only)) return false;
    zt_peak_rss_reset();
    return true;
}

static zt_err run_steps(const args *a, json_t *list) {
    zt_err e = ZT_OK;
    row r;
    for (size_t k = 0; e == ZT_OK && k < 4 * sizeof sizes / sizeof *sizes; k++) {
        const size *s = &sizes[k / 4];
        const bool train = k % 4 < 2;
        const int precision = k % 2 ? ZT_PRECISION_BF16 : ZT_PRECISION_F32;
        if (!begin_row(a, &r, s->name, train ? "train" : "sample", precision)) continue;
        e = zt_cancelled() ? zt_fail(ZT_CANCELLED, "stopped") : time_step(s, train, precision, a, &r);
        if (e == ZT_OK) add_row(a, list, &r);
    }
    return e;
}

static zt_err run_ops(const args *a, json_t *list) {
    zt_err e = ZT_OK;
    bool first = true;
    row r;
    for (size_t k = 0; e == ZT_OK && zt_bench_ops[k / 2].name; k++) {
        const int precision = k % 2 ? ZT_PRECISION_BF16 : ZT_PRECISION_F32;
        if (!begin_row(a, &r, "op", zt_bench_ops[k / 2].name, precision)) continue;
        if (first && !a->json) printf("%-42s %10s %8s %8s %9s %10s\n", "operation", "ms", "GFLOP", "GB", "GFLOP/s", "roofline");
        first = false;
        e = zt_cancelled() ? zt_fail(ZT_CANCELLED, "stopped") : time_op(&zt_bench_ops[k / 2], precision, a, &r);
        if (e == ZT_OK) add_row(a, list, &r);
    }
    return e;
}

static zt_err run(const args *a, json_t *list) {
    if (!a->json) printf("%-42s %10s %8s %8s %9s %10s\n", "step", "ms", "GFLOP", "MB", "GFLOP/s", "of peak");
    add_peak(a, list, ZT_PRECISION_F32);
    add_peak(a, list, ZT_PRECISION_BF16);
    add_memory_peak(a, list);
    const size_t peaks = json_array_size(list);
    zt_err e = run_steps(a, list);
    if (e == ZT_OK) e = run_ops(a, list);
    if (e == ZT_OK && json_array_size(list) == peaks && strncmp(a->only, "peak", 4) != 0)
        e = zt_fail(ZT_CONFIG, "--only=%s: no row has that in its name; there are MODEL/train/f32, op/NAME/bf16 ..", a->only);
    return e;
}

int zt_cmd_bench(int argc, char **argv) {
    args a;
    int status;
    if (!zt_cli_parse(&spec, &a, argc, argv, NULL, NULL, &status)) return status;
    zt_cancel_install();
    json_t *list = json_array();
    const zt_err e = run(&a, list);
    if (e == ZT_OK && a.json) return zt_cli_print_json("bench", list);
    json_decref(list);
    return zt_cli_result("bench", e);
}
