/* demo_report.c - report.html of the demo. */
#include "cli/demo_report.h"
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "eval/report.h"

enum { MAX_LOG = 256 << 20 };

/* ---- figures --------------------------------------------------------------------------------------------------- */
static json_t *score_json(const zt_score *s) {
    double lo, hi;
    zt_wilson(s->all, s->n, &lo, &hi);
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:[f,f]}", "n", (json_int_t)s->n, "all", zt_score_part(s->all, s->n),
                     "valid", zt_score_part(s->valid, s->n), "shape", zt_score_part(s->shape, s->n), "colour",
                     zt_score_part(s->colour, s->n), "direction", zt_score_part(s->direction, s->n), "all_95", lo, hi);
}

json_t *zt_demo_scores_json(const zt_world_eval *r) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "seen", score_json(&r->seen),
                     "held_out", score_json(&r->held_out), "judge_on_real", score_json(&r->real), "shuffled_prompts",
                     score_json(&r->shuffled), "untrained", score_json(&r->untrained), "image_to_video", score_json(&r->image),
                     "image_psnr_worst", r->image_psnr_worst, "image_psnr_mean", r->image_psnr_mean, "predict_psnr",
                     r->predict_psnr, "copy_last_psnr", r->copy_psnr, "constant_motion_psnr", r->motion_psnr, "entropy_bits",
                     r->entropy_joint, "distance_ratio", r->distance_ratio, "seconds", r->seconds, "clips_per_s", r->clips_per_s);
}

/* ---- parts of the page ----------------------------------------------------------------------------------------- */
static void add_cards(zt_report *p, const zt_world_eval *r) {
    char v[5][48], n[3][128];
    const double seen = zt_score_part(r->seen.all, r->seen.n), held = zt_score_part(r->held_out.all, r->held_out.n);
    const double moves = zt_score_part(r->image.direction, r->image.n), gain = r->predict_psnr - r->copy_psnr;
    snprintf(v[0], sizeof v[0], "%.1f %%", 100 * seen);
    snprintf(v[1], sizeof v[1], "%.1f %%", 100 * held);
    snprintf(v[2], sizeof v[2], "%.2f", r->distance_ratio);
    snprintf(v[3], sizeof v[3], "%.1f %%", 100 * moves);
    snprintf(v[4], sizeof v[4], "%+.1f dB", gain);
    snprintf(n[0], sizeof n[0], "judge on real clips %.1f %%, shuffled prompts %.1f %%, untrained %.1f %%",
             100 * zt_score_part(r->real.all, r->real.n), 100 * zt_score_part(r->shuffled.all, r->shuffled.n),
             100 * zt_score_part(r->untrained.all, r->untrained.n));
    snprintf(n[1], sizeof n[1], "frame 0 at %.1f dB from the given image (worst of %lld)", r->image_psnr_worst,
             (long long)r->image.n);
    snprintf(n[2], sizeof n[2], "model %.1f dB, copy-last %.1f dB, constant motion %.1f dB", r->predict_psnr, r->copy_psnr,
             r->motion_psnr);
    const zt_card cards[] = {
        {"All right, seen combinations", v[0], "want at least 95 %", n[0], zt_mark_of(seen >= 0.95)},
        {"All right, held-out combinations", v[1], "want at least 85 %", "shape, colour and direction never together in training",
         zt_mark_of(held >= 0.85)},
        {"Distance to nearest training clip", v[2], "want at least 0.8 of a real clip's", "lower would mean memorised clips",
         zt_mark_of(r->distance_ratio >= 0.8)},
        {"Image to video: moves as told", v[3], "want at least 85 %", n[1],
         zt_mark_of(moves >= 0.85 && r->image_psnr_worst >= 26)},
        {"Prediction from 4 frames", v[4], "want 6 dB over copy-last", n[2], zt_mark_of(gain >= 6)},
    };
    zt_report_cards(p, cards, 5);
}

static void add_score_table(zt_report *p, const zt_world_eval *r) {
    const char *names[] = {"seen combinations", "held-out combinations", "judge on real clips", "floor: shuffled prompts",
                           "floor: untrained", "image to video"};
    const zt_score *scores[] = {&r->seen, &r->held_out, &r->real, &r->shuffled, &r->untrained, &r->image};
    enum { ROWS = 6, COLUMNS = 8 };
    char text[ROWS][COLUMNS][40];
    const char *cells[(ROWS + 1) * COLUMNS] = {"",       "clips",     "valid",     "shape",
                                               "colour", "direction", "all right", "95 % interval"};
    for (int k = 0; k < ROWS; k++) {
        const zt_score *s = scores[k];
        const int64_t counts[] = {s->valid, s->shape, s->colour, s->direction, s->all};
        double lo, hi;
        zt_wilson(s->all, s->n, &lo, &hi);
        cells[(k + 1) * COLUMNS] = names[k];
        snprintf(text[k][1], sizeof text[k][1], "%lld", (long long)s->n);
        for (int c = 0; c < 5; c++)
            snprintf(text[k][c + 2], sizeof text[k][c + 2], "%.1f %%", 100 * zt_score_part(counts[c], s->n));
        snprintf(text[k][7], sizeof text[k][7], "%.1f .. %.1f %%", 100 * lo, 100 * hi);
        for (int c = 1; c < COLUMNS; c++) cells[(k + 1) * COLUMNS + c] = text[k][c];
    }
    zt_report_table(p, cells, ROWS + 1, COLUMNS);
}

static void add_clips(zt_report *p, const zt_eval_clip *clips, int n) {
    zt_report_clip shown[ZT_EVAL_SHOWN];
    char notes[ZT_EVAL_SHOWN][96];
    for (int k = 0; k < n; k++) {
        const zt_verdict *v = &clips[k].verdict;
        if (v->valid)
            snprintf(notes[k], sizeof notes[k], "judge: %s %s, %s", zt_judge_colour_name(v->colour),
                     zt_judge_shape_name(v->shape), zt_judge_direction_name(v->direction));
        else snprintf(notes[k], sizeof notes[k], "judge: %s", v->reason);
        shown[k] = (zt_report_clip){&clips[k].frames, clips[k].caption, notes[k], zt_mark_of(clips[k].right)};
    }
    zt_report_clips(p, shown, n);
}

/* Training and validation loss from log.jsonl. */
static zt_err add_loss(zt_report *p, const char *dir) {
    char path[ZT_PATH_MAX], *text = NULL;
    size_t len = 0;
    zt_err e = zt_path_join(path, dir, "log.jsonl");
    if (e == ZT_OK) e = zt_file_read(path, MAX_LOG, &text, &len);
    if (e != ZT_OK) return e;
    int lines = 0, n[2] = {0, 0};
    for (size_t k = 0; k < len; k++) lines += text[k] == '\n';
    double *xy = zt_alloc_array((size_t)lines * 4 + 4, sizeof *xy);
    if (!xy) e = ZT_NOMEM;
    double *x[2] = {xy, xy + lines}, *y[2] = {xy + 2 * lines, xy + 3 * lines};
    for (char *line = text, *end; e == ZT_OK && (end = strchr(line, '\n')); line = end + 1) {
        json_t *j = json_loadb(line, (size_t)(end - line), 0, NULL);
        for (int s = 0; s < 2; s++) {
            const json_t *value = json_object_get(j, s ? "val_loss" : "loss");
            if (!value) continue;
            x[s][n[s]] = (double)json_integer_value(json_object_get(j, "step"));
            y[s][n[s]++] = json_number_value(value);
        }
        json_decref(j);
    }
    if (e == ZT_OK) {
        const zt_series series[] = {{"training", x[0], y[0], n[0]}, {"validation (average weights)", x[1], y[1], n[1]}};
        zt_report_chart(p, &(zt_chart){.title = "Loss", .x_label = "step", .y_label = "mean squared error", .log_y = true,
                                       .series = series, .n = n[1] ? 2 : 1});
    }
    zt_free(xy);
    zt_free(text);
    return e;
}

static void add_commands(zt_report *p, const char *dir, const zt_world_eval_cfg *cfg) {
    zt_str s = {0};
    zt_str_addf(&s, "zoe synth --out %s/data --clips 9600 --test 0.1\n", dir);
    zt_str_addf(&s, "zoe train %s/demo.yaml --out %s data.path=%s/data\n", dir, dir, dir);
    zt_str_addf(&s, "zoe eval %s/model --data %s/data --num %d --steps %d --cfg-scale %g --precision %s\n", dir, dir, cfg->n,
                cfg->steps, cfg->cfg_scale, zt_dtype_name(cfg->multiply));
    zt_str_addf(&s, "zoe generate %s/model -p \"a small red square moves left\" -o out.mp4\n", dir);
    zt_str_addf(&s, "zoe generate %s/model -p \"a red square moves left\" --image first.png -o out.gif", dir);
    zt_report_code(p, s.buf ? s.buf : "");
    zt_str_finish(&s);
}

zt_err zt_demo_report(const char *dir, const zt_model_dir *m, const zt_dataset *ds, const zt_world_eval *r,
                      const zt_world_eval_cfg *cfg) {
    char path[ZT_PATH_MAX];
    zt_report *p = NULL;
    zt_err e;
    ZT_TRY(e = zt_path_join(path, dir, "report.html"), done);
    ZT_TRY(e = zt_report_create(
               &p, "Zoetrope demo",
               "A text-to-video model trained from nothing on this machine. Every clip on this page is AI-generated."),
           done);
    zt_report_text(p,
                   "Model: %s, %.2f million parameters, trained on %lld rendered clips of %lld frames of %lldx%lld pixels. "
                   "Scores: an analytic judge that "
                   "shares nothing with the generator reads colour, shape and direction back from %d generated clips (%d "
                   "sampling steps, guidance %g, products in %s).",
                   m->net.model->name, (double)zt_tset_numel(&m->params) * 1e-6, (long long)zt_dataset_count(ds, "train"),
                   (long long)m->net.frames, (long long)m->net.width, (long long)m->net.height, cfg->n, cfg->steps,
                   cfg->cfg_scale, zt_dtype_name(cfg->multiply));
    add_cards(p, r);
    zt_report_heading(p, "Prompts with combinations seen in training");
    add_clips(p, r->shown[0], r->n_shown[0]);
    zt_report_heading(p, "Prompts with combinations never seen together");
    add_clips(p, r->shown[1], r->n_shown[1]);
    zt_report_heading(p, "From a given first frame");
    add_clips(p, r->image_shown, r->n_image_shown);
    zt_report_heading(p, "Scores, floors and the judge's own accuracy");
    add_score_table(p, r);
    zt_report_text(p, "Variety: %.2f bits of shape x colour x direction (5.58 at most). Sampling: %.1f clips per second.",
                   r->entropy_joint, r->clips_per_s);
    zt_report_heading(p, "Training");
    ZT_TRY(e = add_loss(p, dir), done);
    zt_report_heading(p, "The command for each step");
    add_commands(p, dir, cfg);
    e = zt_report_save(p, path);
done:
    zt_report_destroy(&p);
    return e;
}
