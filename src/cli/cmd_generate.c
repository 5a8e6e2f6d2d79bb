/* cmd_generate.c - zoe generate: prompts, images and clips in, labelled video files out. */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "media/reader.h"
#include "media/writer.h"
#include "zt/generate.h"

typedef struct args {
    char prompt[8192], negative[8192], image[1024], video[1024], out[1024], category[64], interpolate[128], mix[128];
    int64_t num, steps, video_frames, seed, content_seed, motion_seed, context, width, height, columns;
    double cfg_scale, fps, truncation;
    int sampler, precision, grid, json, quiet;
} args;

static const char *const samplers[] = {NULL, "ddpm", "ddim", "euler", "heun", "dpm++2m"}, *const precisions[] = {"auto", "f32",
                                                                                                                 "bf16"};
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"prompt", ZT_OPT_STR, AT(prompt), NULL, 0, 0, NULL, 'p', "what to show; empty: unconditional"},
    {"negative", ZT_OPT_STR, AT(negative), NULL, 0, 0, NULL, 'n', "what to lead away from"},
    {"output", ZT_OPT_STR, AT(out), "out.mp4", 0, 0, NULL, 'o',
     "file: .mp4, .gif, .webp, .y4m or NAME_%04d.png; -: Y4M to standard output, for a player: zoe generate MODEL -o - | ffplay "
     "-"},
    {"num", ZT_OPT_INT, AT(num), "1", 1, 4096, NULL, 0, "clips to make; clip k uses seed + k"},
    {"image", ZT_OPT_STR, AT(image), NULL, 0, 0, NULL, 0,
     "first frame: an image file (image-to-video); vgan with first_frame must have one"},
    {"video", ZT_OPT_STR, AT(video), NULL, 0, 0, NULL, 0, "first frames: the last --context frames of this file (prediction)"},
    {"context", ZT_OPT_INT, AT(context), "4", 1, 1023, NULL, 0, "frames taken from --video"},
    {"video-frames", ZT_OPT_INT, AT(video_frames), "0", 0, 1024, NULL, 0, "frames to make; 0: as trained"},
    {"width", ZT_OPT_INT, AT(width), "0", 0, 4096, NULL, 'W', "pixels; 0, or one of the sizes the model was trained at"},
    {"height", ZT_OPT_INT, AT(height), "0", 0, 4096, NULL, 'H', "pixels; as --width"},
    {"fps", ZT_OPT_REAL, AT(fps), "0", 0, 1000, NULL, 0, "frames per second of the file; 0: as trained"},
    {"steps", ZT_OPT_INT, AT(steps), "0", 0, 1000, NULL, 0, "sampling steps; 0: 32"},
    {"cfg-scale", ZT_OPT_REAL, AT(cfg_scale), "-1", -1, 100, NULL, 0, "guidance; 1: none; -1: 2"},
    {"seed", ZT_OPT_INT, AT(seed), "1", 0, 9007199254740991.0, NULL, 0, "same seed and settings: same clip"},
    {"sampler", ZT_OPT_ENUM, AT(sampler), "auto", 0, 0, "auto|ddpm|ddim|euler|heun|dpm++2m", 0, "sampling method; auto: ddim"},
    {"content-seed", ZT_OPT_INT, AT(content_seed), "-1", -1, 9007199254740991.0, NULL, 0,
     "adversarial models: what all clips show; -1: clip k by seed + k"},
    {"motion-seed", ZT_OPT_INT, AT(motion_seed), "-1", -1, 9007199254740991.0, NULL, 0,
     "adversarial models: how all clips move; -1: clip k by seed + k"},
    {"category", ZT_OPT_STR, AT(category), NULL, 0, 0, NULL, 0,
     "adversarial models with categories: name or number; none: drawn by the seed"},
    {"interpolate", ZT_OPT_STR, AT(interpolate), NULL, 0, 0, NULL, 0,
     "adversarial models: A:B:N, N clips from what content seed A shows to what B shows, moving alike"},
    {"truncation", ZT_OPT_REAL, AT(truncation), "1", 0, 1, NULL, 0,
     "stylegan-v: below 1 styles are drawn towards their mean: better formed, more alike"},
    {"mix-styles", ZT_OPT_STR, AT(mix), NULL, 0, 0, NULL, 0,
     "stylegan-v: SEED:FROM-TO, layers FROM up to TO (not itself; from 0) take the style of content seed SEED"},
    {"grid", ZT_OPT_BOOL, AT(grid), "false", 0, 0, NULL, 0, "all clips side by side in one file"},
    {"columns", ZT_OPT_INT, AT(columns), "0", 0, 4096, NULL, 0, "of the grid; 0: nearest to a square"},
    {"precision", ZT_OPT_ENUM, AT(precision), "auto", 0, 0, "auto|f32|bf16", 0,
     "of products; bf16: faster, nearly the same pictures; auto: bf16 where the processor has it"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the result as JSON"},
    {"quiet", ZT_OPT_BOOL, AT(quiet), "false", 0, 0, NULL, 'q', "no progress"},
};
static const zt_cli_spec spec = {
    .usage = "zoe generate MODEL -p \"a small red square moves left\" -o out.mp4 [options]",
    .about = "Makes clips with a trained model (the folder RUN/model) and writes them as video "
             "files whose metadata says that they are\n"
             "AI-generated, with prompt, model, seed and settings. An adversarial model takes no prompt: it makes clips of\n"
             "codes, by --content-seed, --motion-seed and --category, of any length it was built for; vgan trained with\n"
             "first_frame makes one clip of an --image instead.\n",
    .opts = {options, sizeof options / sizeof *options},
    .min_pos = 1,
    .max_pos = 1};

/* The known frames the user names: an image, or the end of a video at the model's rate. */
static zt_err read_context(const args *a, const zt_model_info *info, int height, int width, zt_frames *known) {
    if (*a->image && *a->video) return zt_fail(ZT_ARG, "--image and --video exclude each other; give one");
    if (*a->image) {
        const zt_reader_cfg cfg = {.max_frames = 1};
        return zt_video_read(known, a->image, &cfg);
    }
    const zt_reader_cfg cfg = {.fps = info->fps, .width = width, .height = height};
    zt_frames all = {0};
    zt_err e = zt_video_read(&all, a->video, &cfg);
    if (e == ZT_OK && all.frames < a->context)
        e = zt_fail(ZT_ARG, "%s: %d frames at %g fps; --context %lld wants more", a->video, all.frames, info->fps,
                    (long long)a->context);
    if (e == ZT_OK) e = zt_frames_create(known, (int)a->context, all.height, all.width, all.fps);
    if (e == ZT_OK)
        memcpy(known->rgb, zt_frame_at(&all, all.frames - (int)a->context), (size_t)a->context * zt_frame_bytes(&all));
    zt_frames_finish(&all);
    return e;
}

/* "A:B:N" */
static zt_err read_interpolation(const args *a, zt_generate_cfg *c) {
    long long from, to, n;
    int used = 0;
    if (!*a->interpolate) return ZT_OK;
    if (sscanf(a->interpolate, "%lld:%lld:%lld%n", &from, &to, &n, &used) != 3 || a->interpolate[used] || from < 0 || to < 0 ||
        n < 2 || n > 4096)
        return zt_fail(ZT_ARG, "--interpolate %s: want A:B:N, two content seeds and 2..4096 clips, such as 3:8:9",
                       a->interpolate);
    if (a->content_seed >= 0 || a->num != 1)
        return zt_fail(ZT_ARG,
                       "--interpolate says the content seeds and the number of clips; leave out --content-seed and --num");
    c->content_seed = from;
    c->interpolate_to = to;
    c->num = (int)n;
    return ZT_OK;
}

/* "SEED:FROM-TO" */
static zt_err read_mixing(const args *a, zt_generate_cfg *c) {
    long long seed;
    int used = 0;
    if (!*a->mix) return ZT_OK;
    if (sscanf(a->mix, "%lld:%d-%d%n", &seed, &c->style_from, &c->style_to, &used) != 3 || a->mix[used] || seed < 0)
        return zt_fail(ZT_ARG, "--mix-styles %s: want SEED:FROM-TO, such as 7:8-16", a->mix);
    c->style_seed = seed;
    return ZT_OK;
}

static bool on_step(void *user, int done, int total) {
    zt_progress *p = user;
    if (p->total == 0) zt_progress_begin(p, "generating", "steps", total);
    zt_progress_update(p, done);
    return !zt_cancelled();
}

static zt_err run(const args *a, const char *dir, zt_model_info *info, double *seconds, int *clips) {
    zt_model *model = NULL;
    zt_clip *clip = NULL;
    zt_frames known = {0};
    zt_progress p = {0};
    zt_err e;
    ZT_TRY(e = zt_video_write_check(a->out, 0, 0), done);
    ZT_TRY(e = zt_model_load(&model, dir), done);
    *info = zt_model_get_info(model);
    zt_generate_cfg c = zt_generate_defaults();
    c.prompt = a->prompt;
    c.negative = *a->negative ? a->negative : NULL;
    c.num = (int)a->num;
    c.steps = (int)a->steps;
    c.video_frames = (int)a->video_frames;
    c.height = (int)a->height;
    c.width = (int)a->width;
    int frames, height, width;
    ZT_TRY(e = zt_generate_size(model, &c, &frames, &height, &width), done);
    if (*a->image || *a->video) ZT_TRY(e = read_context(a, info, height, width, &known), done);
    c.cfg_scale = a->cfg_scale;
    c.seed = (uint64_t)a->seed;
    c.sampler = samplers[a->sampler];
    c.precision = precisions[a->precision];
    c.fps = a->fps;
    c.content_seed = a->content_seed;
    c.motion_seed = a->motion_seed;
    c.category = *a->category ? a->category : NULL;
    c.truncation = a->truncation;
    ZT_TRY(e = read_interpolation(a, &c), done);
    ZT_TRY(e = read_mixing(a, &c), done);
    c.context = known.rgb;
    c.context_frames = known.frames;
    c.context_height = known.height;
    c.context_width = known.width;
    c.on_step = on_step;
    c.user = &p;
    const double t0 = zt_now();
    e = zt_generate(model, &c, &clip);
    *seconds = zt_now() - t0;
    if (p.total) zt_progress_end(&p);
    if (e == ZT_OK) e = a->grid ? zt_clip_save_grid(clip, (int)a->columns, a->out) : zt_clip_save(clip, a->out);
    if (e == ZT_OK) *clips = zt_clip_count(clip);
done:
    zt_frames_finish(&known);
    zt_clip_free(&clip);
    zt_model_free(&model);
    return e;
}

int zt_cmd_generate(int argc, char **argv) {
    args a;
    char *dir;
    int status;
    if (!zt_cli_parse(&spec, &a, argc, argv, &dir, NULL, &status)) return status;
    if (a.json && strcmp(a.out, "-") == 0) return zt_cli_usage_error("generate", "--json and -o - both write to standard output");
    if (a.columns && !a.grid) return zt_cli_usage_error("generate", "--columns is of --grid; add it");
    zt_log_quiet(a.quiet || a.json);
    zt_cancel_install();
    zt_model_info info = {0};
    double seconds = 0;
    int clips = 0;
    const zt_err e = run(&a, dir, &info, &seconds, &clips);
    if (e != ZT_OK) return zt_cli_result("generate", e);
    if (a.json)
        return zt_cli_print_json("generate",
                                 json_pack("{s:s, s:I, s:f}", "output", a.out, "clips", (json_int_t)clips, "seconds", seconds));
    zt_log("%s: %d clip%s in %.1f s", a.out, clips, clips == 1 ? "" : "s", seconds);
    return ZT_EXIT_OK;
}
