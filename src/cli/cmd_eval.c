/* cmd_eval.c - zoe eval: score a model on a synthetic data set by the analytic judge, an adversarial one on any. */
#include <stdio.h>
#include "base/log.h"
#include "cli/commands.h"
#include "cli/demo_report.h"
#include "cli/gan_scores.h"
#include "cli/judge_scores.h"
#include "pipeline/sampling.h"
#include "pipeline/world_eval.h"

typedef struct args {
    char data[1024], judge_net[1024];
    int64_t num, num_image, num_predict, num_untrained, context, steps, seed;
    double cfg_scale;
    int sampler, precision, json;
} args;
#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"data", ZT_OPT_STR, AT(data), NULL, 0, 0, NULL, 'd',
     "data set made by zoe synth, for an adversarial model any of clips of its size; the test split is used"},
    {"judge-net", ZT_OPT_STR, AT(judge_net), NULL, 0, 0, NULL, 0,
     "model folder of a classifier (configs/judge-move-32.yaml): second judge, and features of the Frechet distance"},
    {"num", ZT_OPT_INT, AT(num), "480", 2, 100000, NULL, 0, "text-to-video clips: half seen, half held-out combinations"},
    {"num-image", ZT_OPT_INT, AT(num_image), "100", 0, 100000, NULL, 0, "image-to-video clips"},
    {"num-predict", ZT_OPT_INT, AT(num_predict), "100", 0, 100000, NULL, 0, "prediction clips"},
    {"num-untrained", ZT_OPT_INT, AT(num_untrained), "16", 0, 100000, NULL, 0, "clips of the untrained floor"},
    {"context", ZT_OPT_INT, AT(context), "4", 2, 1000, NULL, 0, "frames given for prediction"},
    {"steps", ZT_OPT_INT, AT(steps), "16", 1, 1000, NULL, 0, "sampling steps"},
    {"cfg-scale", ZT_OPT_REAL, AT(cfg_scale), "2", 0, 100, NULL, 0, "guidance; 1: none"},
    {"sampler", ZT_OPT_ENUM, AT(sampler), "ddim", 0, 0, ZT_SAMPLER_CHOICES, 0, "sampling method"},
    {"precision", ZT_OPT_ENUM, AT(precision), "auto", 0, 0, ZT_SAMPLING_PRECISION_CHOICES, 0,
     "of products; auto: bf16 where the processor has it"},
    {"seed", ZT_OPT_INT, AT(seed), "1000", 0, 9007199254740991.0, NULL, 0, "seed of the first clip"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the scores as JSON"},
};
static const zt_cli_spec spec = {
    .usage = "zoe eval MODEL --data DIR [options]",
    .about =
        "Generates clips for the captions of the test split and lets the analytic judge read colour, shape and direction "
        "back. Beside every\n"
        "score stand the judge's accuracy on the real clips and the floors (shuffled prompts, untrained network).\n"
        "Of an adversarial model: how far its clips are from real ones (Frechet distance, beside that of the untrained network\n"
        "and of noise), how much they vary; on the world shapes how many are well-formed, how they are spread over shapes,\n"
        "colours and directions, and whether content codes keep what is shown and categories how it moves (--num, --seed,\n"
        "--precision count).\n"
        "With --judge-net also how many clips both judges read alike, and how far their features are from those of real clips.\n"
        "Of a classifier: how many clips of the test split it reads right, clean and noisy (--num, --seed, --precision count).\n",
    .opts = {options, sizeof options / sizeof *options},
    .min_pos = 1,
    .max_pos = 1};

static void print_score(const char *name, const zt_score *s) {
    if (s->n == 0) return;
    double lo, hi;
    zt_wilson(s->all, s->n, &lo, &hi);
    printf("%-28s %6lld %8.1f%% %8.1f%% %8.1f%% %8.1f%% %8.1f%%  (%.1f..%.1f)\n", name, (long long)s->n,
           100 * zt_score_part(s->valid, s->n), 100 * zt_score_part(s->shape, s->n), 100 * zt_score_part(s->colour, s->n),
           100 * zt_score_part(s->direction, s->n), 100 * zt_score_part(s->all, s->n), 100 * lo, 100 * hi);
}

static int print_table(const zt_world_eval *r, bool second) {
    printf("%-28s %6s %9s %9s %9s %9s %9s  95 %% interval\n", "", "clips", "valid", "shape", "colour", "direction", "all");
    print_score("seen combinations", &r->seen);
    print_score("held-out combinations", &r->held_out);
    print_score("judge on real clips", &r->real);
    print_score("floor: shuffled prompts", &r->shuffled);
    print_score("floor: untrained", &r->untrained);
    print_score("image to video", &r->image);
    printf("nearest-training-clip distance ratio %.2f (below 0.8: memorised); entropy %.2f bits of 5.58\n", r->distance_ratio,
           r->entropy_joint);
    if (r->image.n)
        printf("image to video: frame 0 at %.1f dB (worst), %.1f dB (mean)\n", r->image_psnr_worst, r->image_psnr_mean);
    if (second) zt_cli_print_second_opinion(&r->second);
    if (r->predict_psnr > 0)
        printf("prediction: %.2f dB; copy-last %.2f dB, constant block motion %.2f dB\n", r->predict_psnr, r->copy_psnr,
               r->motion_psnr);
    return ZT_EXIT_OK;
}

static int print_json(const zt_world_eval *r, bool second) {
    json_t *j = zt_demo_scores_json(r);
    if (j && second) json_object_set_new(j, "judge_net", zt_cli_second_opinion_json(&r->second));
    return zt_cli_print_json("eval", j);
}

/* What is of denoisers only, when it was asked for of another model. */
static zt_err check_options(const args *a, const zt_net *net) {
    args usual;
    zt_opt_defaults(spec.opts, &usual);
    const char *wrong = a->num_image != usual.num_image           ? "--num-image"
                        : a->num_predict != usual.num_predict     ? "--num-predict"
                        : a->num_untrained != usual.num_untrained ? "--num-untrained"
                        : a->context != usual.context             ? "--context"
                        : a->steps != usual.steps                 ? "--steps"
                        : a->cfg_scale != usual.cfg_scale         ? "--cfg-scale"
                        : a->sampler != usual.sampler             ? "--sampler"
                        : net->classifier && *a->judge_net        ? "--judge-net"
                                                                  : NULL;
    return !wrong ? ZT_OK
                  : zt_fail(ZT_ARG, "%s: %s; leave this out", wrong,
                            net->gan ? "an adversarial model makes clips of codes, in one pass"
                                     : "a classifier looks at clips and makes none");
}

int zt_cmd_eval(int argc, char **argv) {
    args a;
    char *dir;
    int status;
    if (!zt_cli_parse(&spec, &a, argc, argv, &dir, NULL, &status)) return status;
    if (!*a.data) return zt_cli_usage_error("eval", "--data DIR is missing");
    zt_log_quiet(a.json);
    zt_cancel_install();
    zt_world_eval_cfg cfg = {.n = (int)a.num, .n_image = (int)a.num_image, .n_predict = (int)a.num_predict,
                             .n_untrained = (int)a.num_untrained, .context = (int)a.context, .steps = (int)a.steps,
                             .cfg_scale = a.cfg_scale, .sampler = (zt_sampler)a.sampler, .seed = (uint64_t)a.seed};
    zt_model_dir m = {0};
    zt_dataset *ds = NULL;
    zt_world_eval r = {0};
    zt_judge_net judge = {0};
    zt_err e = zt_sampling_precision((const char *const[]){"auto", "f32", "bf16"}[a.precision], &cfg.multiply);
    if (e == ZT_OK) e = zt_model_dir_load(&m, dir);
    if (e == ZT_OK) e = zt_dataset_open(&ds, a.data);
    if (e == ZT_OK && !m.net.model) e = check_options(&a, &m.net);
    if (e == ZT_OK && *a.judge_net) {
        e = zt_judge_net_open(&judge, a.judge_net, (int)m.net.frames, (int)m.net.height, (int)m.net.width, cfg.multiply);
        cfg.judge_net = &judge;
    }
    if (e == ZT_OK && m.net.gan) {
        status = zt_cli_gan_scores(&m, ds, cfg.n, cfg.seed, cfg.multiply, cfg.judge_net, a.json);
        goto done;
    }
    if (e == ZT_OK && m.net.classifier) {
        status = zt_cli_judge_scores(&m, ds, cfg.n, cfg.seed, cfg.multiply, a.json);
        goto done;
    }
    if (e == ZT_OK) e = zt_world_eval_run(&r, &m, ds, &cfg);
    status = e != ZT_OK ? zt_cli_result("eval", e) : a.json ? print_json(&r, cfg.judge_net) : print_table(&r, cfg.judge_net);
done:
    zt_judge_net_close(&judge);
    zt_world_eval_finish(&r);
    zt_dataset_close(&ds);
    zt_model_dir_finish(&m);
    return status;
}
