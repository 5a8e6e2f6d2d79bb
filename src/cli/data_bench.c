/* data_bench.c - `zoe data bench`: how fast the loader makes batches of a data set, with nothing else to do. */
#include <stdio.h>

#include "base/log.h"
#include "cli/data.h"
#include "data/loader.h"

typedef struct bench_args {
    int64_t batch, frames, height, width, threads;
    double seconds;
    int augment, json;
} bench_args;

#define AT(field) ZT_OPT_AT(bench_args, field)
static const zt_opt OPTIONS[] = {
    {"batch", ZT_OPT_INT, AT(batch), "16", 1, 4096, NULL, 0, "clips"},
    {"frames", ZT_OPT_INT, AT(frames), "0", 0, 1024, NULL, 0, "of a batch's clips; 0: the first clip's"},
    {"height", ZT_OPT_INT, AT(height), "0", 0, 4096, NULL, 0, "pixels; 0: the first clip's"},
    {"width", ZT_OPT_INT, AT(width), "0", 0, 4096, NULL, 0, "pixels; 0: the first clip's"},
    {"threads", ZT_OPT_INT, AT(threads), "2", 1, 16, NULL, 0, "that make batches"},
    {"seconds", ZT_OPT_REAL, AT(seconds), "3", 0.1, 600, NULL, 0, "to run, after the first batch"},
    {"augment", ZT_OPT_BOOL, AT(augment), "false", 0, 0, NULL, 0,
     "also rotate by up to 10 degrees and change all colours by up to 0.2"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the result as JSON"},
};
#undef AT

/* Clips made and seconds taken, after the first batch. */
static zt_err run(const zt_dataset *ds, const bench_args *a, zt_loader_cfg *cfg, int64_t *clips, double *seconds) {
    zt_loader *l = NULL;
    zt_clip_view v;
    zt_batch b;
    zt_err e;
    ZT_TRY(e = zt_dataset_clip(ds, cfg->split, 0, &v), done);
    cfg->frames = a->frames ? (int)a->frames : v.frames;
    cfg->height = a->height ? (int)a->height : v.height;
    cfg->width = a->width ? (int)a->width : v.width;
    ZT_TRY(e = zt_loader_create(&l, ds, cfg), done);
    ZT_TRY(e = zt_loader_next(l, &b), done);
    const double t0 = zt_now();
    while ((*seconds = zt_now() - t0) < a->seconds && !zt_cancelled()) {
        ZT_TRY(e = zt_loader_next(l, &b), done);
        *clips += cfg->batch;
    }
done:
    zt_loader_destroy(&l);
    return e;
}

int zt_data_bench(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data bench DIR [--batch 16] [--threads 2] [options]",
        .about = "Makes batches of the training clips, shuffled, cropped and mirrored as a training run does, and prints how "
                 "many clips a\n"
                 "second that gives.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    bench_args a;
    char *dir[1];
    int status;
    int64_t clips = 0;
    double seconds = 0;
    zt_dataset *ds = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    zt_cancel_install();
    zt_loader_cfg cfg = {.split = "train",
                         .batch = (int)a.batch,
                         .seed = 1,
                         .shuffle = true,
                         .crop = true,
                         .flip = true,
                         .jitter = true,
                         .threads = (int)a.threads,
                         .prefetch = 4};
    if (a.augment) {
        cfg.rotate = 10;
        cfg.brightness = cfg.contrast = cfg.saturation = 0.2;
        cfg.hue = 20;
    }
    zt_err e = zt_dataset_open(&ds, dir[0]);
    if (e == ZT_OK) e = run(ds, &a, &cfg, &clips, &seconds);
    zt_dataset_close(&ds);
    if (e != ZT_OK) return zt_cli_result("data bench", e);
    const double rate = (double)clips / seconds, mb = rate * cfg.frames * cfg.height * cfg.width * 3 / 1e6;
    if (a.json)
        return zt_cli_print_json("data bench", json_pack("{s:f, s:f, s:I, s:f, s:i, s:i, s:i}", "clips_per_s", rate, "mb_per_s",
                                                         mb, "clips", (json_int_t)clips, "seconds", seconds, "frames", cfg.frames,
                                                         "height", cfg.height, "width", cfg.width));
    printf("%s: %.0f clips/s of %dx%dx%d, %.0f MB/s of pixels, %d threads\n", dir[0], rate, cfg.frames, cfg.width, cfg.height, mb,
           cfg.threads);
    return ZT_EXIT_OK;
}
