/* cmd_bench.c - zoe bench: how much of this machine's measured peak the training and sampling steps of the models reach.
 * The peak (a large f32 matmul) is measured again around every row, because shared machines change speed from minute to
 * minute. */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "cli/bench_nets.h"
#include "cli/commands.h"
#include "init.h"
#include "train/peak.h"
#include "train/step_graph.h"

typedef struct args { char only[128]; int64_t repeats, frames; int json, profile, tune; } args;
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"only", ZT_OPT_STR, AT(only), NULL, 0, 0, NULL, 0, "run only the rows whose name contains this text"},
    {"repeats", ZT_OPT_INT, AT(repeats), "3", 1, 1000, NULL, 0, "timed repeats per row; the best counts"},
    {"frames", ZT_OPT_INT, AT(frames), "0", 0, 1024, NULL, 0, "frames per clip, to see how cost grows with them; 0: 16"},
    {"tune", ZT_OPT_BOOL, AT(tune), "false", 0, 0, NULL, 0, "first time the kernels that can do each product; use the fastest"},
    {"profile", ZT_OPT_BOOL, AT(profile), "false", 0, 0, NULL, 0, "also print the profile of a step (stderr)"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print one list of rows as JSON"},
};
static const zt_cli_spec spec = {
    .usage = "zoe bench [--only NAME] [--repeats N] [--frames N] [--tune] [--profile] [--json]",
    .about = "Times whole steps: training (forward, backward, optimiser, EMA) and forward alone. Rows are MODEL/train/f32 or\n"
             "bf16; vdit-S and unet3d-64 are the sizes other projects can be compared with (16x64x64 clips), -demo are those of\n"
             "configs/*-shapes-32.yaml; gan: a MoCoGAN-sized pair; vae: a causal convolutional VAE on 16x128x128. GFLOP counts\n"
             "matmul, convolution and attention only: forward 1x, backward 2x.\n"
             "fraction_of_peak is against the best 2048^3 matmul of the same precision measured around the row (bf16: with the\n"
             "rounding of its operands). --profile prints time, FLOPs, traffic and part of the roofline by op and by scope.\n",
    .opts = {options, sizeof options / sizeof *options}};

/* One model size: options as on a command line. */
typedef struct size {
    const char *name, *model;
    int64_t frames, side, batch;
    zt_optimiser optimiser;
    const char *opts[12][2];
    zt_bench_net *net;                  /* instead of model: bench_nets.h */
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
    {.name = "gan", .batch = 4, .net = zt_bench_gan},
    {.name = "vae", .batch = 1, .net = zt_bench_vae},
};

typedef struct row { char name[64]; double ms, gflop, fraction, peak, first_s; int64_t bytes; } row;

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

/* Runs a planned step again and again: r gets the best time, and the best peak measured around it. */
static zt_err time_plan(zt_plan *plan, double start, zt_dtype t, const args *a, row *r) {
    zt_err e = zt_plan_run(plan);
    r->first_s = zt_now() - start;
    r->peak = zt_matmul_peak_gflops(t, 2048, 0.2);
    r->ms = 1e30;
    for (int64_t k = 0; e == ZT_OK && k < a->repeats; k++) {
        const double t0 = zt_now();
        e = zt_plan_run(plan);
        const double ms = (zt_now() - t0) * 1e3, peak = zt_matmul_peak_gflops(t, 2048, 0.05);
        if (ms < r->ms) r->ms = ms;
        if (peak > r->peak) r->peak = peak;
    }
    r->fraction = r->gflop / r->ms * 1e3 / r->peak;
    if (e == ZT_OK && a->profile) e = zt_plan_profile(plan, stderr, r->peak, zt_memory_peak_gbytes(0.2));
    return e;
}

static zt_err time_diffusion(const size *s, bool train, int precision, const args *a, row *r) {
    zt_train_cfg c = {.run = {.seed = 1, .precision = precision}, .train = {.optimiser = s->optimiser, .momentum = 0.95}};
    zt_choices choices = {.tune = true};
    zt_tset params = {0}, states = {0};
    zt_step_graph g = {0};
    if (a->tune) c.choices = &choices;
    const double start = zt_now();
    zt_err e;
    ZT_TRY(e = make_net(&c.net, s, a->frames), done);
    ZT_TRY(e = zt_step_graph_create(&g, &c, s->batch, &params, train ? &states : NULL, false), done);
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

static zt_err time_net(const size *s, bool train, int precision, const args *a, row *r) {
    zt_choices choices = {.tune = true};
    zt_bench_step b = {0};
    const double start = zt_now();
    zt_err e = zt_bench_step_create(&b, s->net, s->batch, train, zt_precision_multiply(precision), a->tune ? &choices : NULL);
    if (e == ZT_OK) {
        const zt_plan_info *i = zt_plan_get_info(b.plan);
        r->gflop = (double)b.flops * 1e-9;
        r->bytes = i->arena_bytes + i->input_bytes + i->scratch_bytes + zt_tset_bytes(&b.params) + zt_tset_bytes(&b.states);
        e = time_plan(b.plan, start, zt_precision_multiply(precision), a, r);
    }
    zt_bench_step_finish(&b);
    zt_choices_finish(&choices);
    return e;
}

static void add_json(json_t *list, const row *r) {
    json_array_append_new(list,
                          json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "name", r->name, "ms", r->ms, "gflop", r->gflop,
                                    "fraction_of_peak", r->fraction, "peak_gflops", r->peak, "planned_mb",
                                    (double)r->bytes * 1e-6, "peak_rss_mb", (double)zt_peak_rss_bytes() * 1e-6, "first_step_s",
                                    r->first_s));
}

static void print_row(const row *r) {
    printf("%-24s %10.1f %10.1f %10.1f %9.1f%% %10.0f\n", r->name, r->ms, r->gflop, r->gflop / r->ms * 1e3, 100 * r->fraction,
           (double)r->bytes * 1e-6);
    fflush(stdout);
}

static void add_row(const args *a, json_t *list, const row *r) {
    if (!a->json) print_row(r);
    add_json(list, r);
}

static void add_memory_peak(const args *a, json_t *list) {
    const double rate = zt_memory_peak_gbytes(0.5);
    if (!a->json) printf("%-24s %10s %10s %7.1f GB/s\n", "peak/memory-copy", "", "", rate);
    json_array_append_new(list, json_pack("{s:s, s:f}", "name", "peak/memory-copy", "gbytes_per_s", rate));
}

static void add_peak(const args *a, json_t *list, int precision) {
    row r = {.gflop = 2e-9 * 2048.0 * 2048 * 2048, .fraction = 1};
    snprintf(r.name, sizeof r.name, "peak/matmul-2048/%s", precision == ZT_PRECISION_BF16 ? "bf16" : "f32");
    r.peak = zt_matmul_peak_gflops(zt_precision_multiply(precision), 2048, 1);
    r.ms = r.gflop / r.peak * 1e3;
    add_row(a, list, &r);
}

static zt_err run(const args *a, json_t *list) {
    static const struct { const char *name; bool train; int precision; } kinds[] = {
        {"train/f32", true, ZT_PRECISION_F32}, {"train/bf16", true, ZT_PRECISION_BF16}, {"forward/f32", false, ZT_PRECISION_F32},
        {"forward/bf16", false, ZT_PRECISION_BF16}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    if (!a->json) printf("%-24s %10s %10s %10s %10s %10s\n", "name", "ms", "GFLOP", "GFLOP/s", "of peak", "MB");
    add_peak(a, list, ZT_PRECISION_F32);
    add_peak(a, list, ZT_PRECISION_BF16);
    add_memory_peak(a, list);
    for (size_t k = 0; k < KINDS * sizeof sizes / sizeof *sizes; k++) {
        row r = {.name = ""};
        const size *s = &sizes[k / KINDS];
        snprintf(r.name, sizeof r.name, "%s/%s", s->name, kinds[k % KINDS].name);
        if (*a->only && !strstr(r.name, a->only)) continue;
        if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped");
        const zt_err e = (s->net ? time_net : time_diffusion)(s, kinds[k % KINDS].train, kinds[k % KINDS].precision, a, &r);
        if (e != ZT_OK) return e;
        add_row(a, list, &r);
    }
    return ZT_OK;
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
