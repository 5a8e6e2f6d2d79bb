/* world_eval.c - the scores of a model on the synthetic world. */
#include "pipeline/world_eval.h"
#include <string.h>
#include "base/log.h"
#include "data/labels.h"
#include "eval/metrics.h"
#include "pipeline/sampling.h"

enum { PASS = 16, TRAIN_LOOKED_AT = 4000 };

/* What the tests share. */
typedef struct job {
    zt_model_dir *m;
    const zt_dataset *ds;
    const zt_world_eval_cfg *cfg;
    zt_diffusion_cfg diffusion;
    zt_clip_view *clip;                  /* [n_clips] of the test split: seen combinations first, then held-out ones */
    int n_clips, n_seen, T, H, W;
    int64_t bytes;                       /* of a clip */
    zt_world_eval *r;
} job;

/* ---- choosing clips -------------------------------------------------------------------------------------------- */
/* The judge knows one world; other clips (of another world, or real ones) would only be scored as wrong. */
static zt_err check_world(const zt_clip_view *c) {
    char world[61];
    zt_label_text(c, "world", world, sizeof world);
    return strcmp(world, "shapes") == 0 ? ZT_OK
                                        : zt_fail(ZT_CONFIG,
                                                  "clip %s: its world is %s; the judge reads the world shapes only: give a "
                                                  "data set made by zoe synth --world shapes",
                                                  c->key, *world ? world : "none (not made by zoe synth)");
}

/* The test clips in use: `want` of each group (fewer when the split has fewer). */
static zt_err choose_clips(job *j, int want) {
    const int64_t n = zt_dataset_count(j->ds, "test");
    j->clip = zt_alloc_array((size_t)want * 2 + 1, sizeof *j->clip);
    if (!j->clip) return ZT_NOMEM;
    for (int group = 0; group < 2; group++) {
        int taken = 0;
        for (int64_t k = 0; k < n && taken < want; k++) {
            zt_clip_view c;
            zt_err e = zt_dataset_clip(j->ds, "test", k, &c);
            if (e == ZT_OK) e = check_world(&c);
            if (e != ZT_OK) return e;
            if (zt_label_true(&c, "held_out") != (group == 1)) continue;
            if (c.frames != j->T || c.height != j->H || c.width != j->W)
                return zt_fail(ZT_CONFIG, "clip %s is %dx%dx%d; the model makes %dx%dx%d (frames x height x width)", c.key,
                               c.frames, c.height, c.width, j->T, j->H, j->W);
            j->clip[j->n_clips++] = c;
            taken++;
        }
        if (group == 0) j->n_seen = taken;
    }
    if (j->n_clips == 0) return zt_fail(ZT_CONFIG, "the test split is empty; make a data set with zoe synth --test 0.1");
    return ZT_OK;
}

/* ---- generating ------------------------------------------------------------------------------------------------ */
static bool on_step(void *user, int done, int total) {
    zt_progress *p = user;
    if (p->total == 0) zt_progress_begin(p, p->what, "steps", total);
    zt_progress_update(p, done);
    return !zt_cancelled();
}

/* n clips for the captions of clip[0..n) (empty prompts when !text), the first `given` frames taken from them; rgb
 * [n,T,H,W,3]. */
static zt_err generate(job *j, zt_tset *params, const char *what, const zt_clip_view *clip, int n, bool text, int given,
                       uint8_t **rgb) {
    const int64_t frame = (int64_t)j->H * j->W * ZT_RGB;
    const bool guided = text && j->cfg->cfg_scale != 1;
    const char **prompt = zt_alloc_array((size_t)n, sizeof *prompt);
    float *x = zt_alloc_array((size_t)(n * j->bytes), sizeof *x), *known = NULL;
    uint8_t *mask = zt_alloc_array((size_t)(n * j->T), 1);
    zt_sampling *s = NULL;
    zt_progress p = {.what = what};
    *rgb = zt_alloc((size_t)(n * j->bytes));
    zt_err e = prompt && x && mask && *rgb ? ZT_OK : ZT_NOMEM;
    if (e == ZT_OK && given && !(known = zt_alloc_array((size_t)(n * j->bytes), sizeof *known))) e = ZT_NOMEM;
    ZT_TRY(e, done);
    for (int k = 0; k < n; k++) {
        prompt[k] = text ? clip[k].caption : "";
        if (known) zt_rgb_to_floats(clip[k].rgb, known + k * j->bytes, given * frame);
        if (known) memset(mask + k * j->T, 1, (size_t)given);
    }
    ZT_TRY(e = zt_sampling_create(&s, &j->m->net, params, &j->m->tok, &j->diffusion, n < PASS ? n : PASS, guided,
                                  j->cfg->multiply),
           done);
    const zt_sampling_request q = {.n = n, .prompt = prompt, .known = known, .mask = known ? mask : NULL, .steps = j->cfg->steps,
                                   .cfg_scale = guided ? j->cfg->cfg_scale : 1, .sampler = j->cfg->sampler, .seed = j->cfg->seed,
                                   .on_step = on_step, .user = &p};
    ZT_TRY(e = zt_sampling_run(s, &q, x), done);
    zt_floats_to_rgb(x, *rgb, n * j->bytes);
done:
    if (p.total) zt_progress_end(&p);
    zt_sampling_destroy(&s);
    zt_free(mask);
    zt_free(known);
    zt_free(x);
    zt_free(prompt);
    return e;
}

static zt_err keep(const job *j, zt_eval_clip *shown, int *n, const uint8_t *rgb, const char *caption, const zt_verdict *v,
                   bool right) {
    if (*n == ZT_EVAL_SHOWN) return ZT_OK;
    zt_eval_clip *c = &shown[*n];
    const zt_err e = zt_frames_create(&c->frames, j->T, j->H, j->W, j->m->net.fps);
    if (e != ZT_OK) return e;
    memcpy(c->frames.rgb, rgb, (size_t)j->bytes);
    c->caption = caption;
    c->verdict = *v;
    c->right = right;
    (*n)++;
    return ZT_OK;
}

/* ---- text to video --------------------------------------------------------------------------------------------- */
static zt_err memorised(job *j, const uint8_t *rgb) {
    zt_neighbours *near = NULL;
    double made = 0, real = 0;
    const int64_t n = zt_dataset_count(j->ds, "train"), looked = n < TRAIN_LOOKED_AT ? n : TRAIN_LOOKED_AT;
    zt_err e;
    ZT_TRY(e = zt_neighbours_create(&near, j->T, j->H, j->W), done);
    for (int64_t k = 0; k < looked; k++) {
        zt_clip_view c;
        ZT_TRY(e = zt_dataset_clip(j->ds, "train", k, &c), done);
        ZT_TRY(e = zt_neighbours_add(near, c.rgb), done);
    }
    for (int k = 0; k < j->n_clips; k++) {
        double a, b;
        ZT_TRY(e = zt_neighbours_nearest(near, rgb + k * j->bytes, &a, NULL), done);
        ZT_TRY(e = zt_neighbours_nearest(near, j->clip[k].rgb, &b, NULL), done);
        made += a / j->n_clips;
        real += b / j->n_clips;
    }
    j->r->distance_ratio = zt_distance_ratio(made, real);
done:
    zt_neighbours_destroy(&near);
    return e;
}

static zt_err judge_text(job *j, const uint8_t *rgb) {
    zt_world_eval *r = j->r;
    zt_variety variety = {0};
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < j->n_clips; k++) {
        const int group = k >= j->n_seen, other = (k + j->n_clips / 3 + 1) % j->n_clips;
        zt_verdict v, real;
        if ((e = zt_judge_clip(rgb + k * j->bytes, j->T, j->H, j->W, &v)) != ZT_OK) break;
        if ((e = zt_judge_clip(j->clip[k].rgb, j->T, j->H, j->W, &real)) != ZT_OK) break;
        const bool right = zt_score_add(group ? &r->held_out : &r->seen, &v, j->clip[k].caption);
        zt_score_add(&r->real, &real, j->clip[k].caption);
        zt_score_add(&r->shuffled, &v, j->clip[other].caption);
        zt_variety_add(&variety, &v);
        e = keep(j, r->shown[group], &r->n_shown[group], rgb + k * j->bytes, j->clip[k].caption, &v, right);
    }
    r->entropy_joint = zt_variety_entropy(&variety).joint;
    return e;
}

static zt_err text_to_video(job *j) {
    uint8_t *rgb = NULL;
    const double t0 = zt_now();
    zt_err e = generate(j, &j->m->params, "text to video", j->clip, j->n_clips, true, 0, &rgb);
    j->r->seconds = zt_now() - t0;
    j->r->clips_per_s = j->n_clips / j->r->seconds;
    if (e == ZT_OK) e = judge_text(j, rgb);
    if (e == ZT_OK) e = memorised(j, rgb);
    if (e == ZT_OK && j->cfg->judge_net)
        e = zt_second_opinion_of(j->cfg->judge_net, j->ds, rgb, j->n_clips, j->n_seen, &j->r->second);
    zt_free(rgb);
    return e;
}

/* The floor: the same network with its first weights. */
static zt_err untrained(job *j) {
    zt_tset fresh = {0};
    uint8_t *rgb = NULL;
    const int n = j->cfg->n_untrained < j->n_clips ? j->cfg->n_untrained : j->n_clips;
    zt_err e = generate(j, &fresh, "untrained floor", j->clip, n, true, 0, &rgb);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        zt_verdict v;
        e = zt_judge_clip(rgb + k * j->bytes, j->T, j->H, j->W, &v);
        if (e == ZT_OK) zt_score_add(&j->r->untrained, &v, j->clip[k].caption);
    }
    zt_free(rgb);
    zt_tset_finish(&fresh);
    return e;
}

/* ---- known frames ---------------------------------------------------------------------------------------------- */
/* Held-out clips when there are enough, then seen ones: from the end of the list. */
static const zt_clip_view *last_clips(const job *j, int *n) {
    if (*n > j->n_clips) *n = j->n_clips;
    return j->clip + j->n_clips - *n;
}

static zt_err image_to_video(job *j) {
    zt_world_eval *r = j->r;
    int n = j->cfg->n_image;
    const zt_clip_view *clip = last_clips(j, &n);
    uint8_t *rgb = NULL;
    zt_err e = generate(j, &j->m->params, "image to video", clip, n, true, 1, &rgb);
    r->image_psnr_worst = ZT_PSNR_SAME;
    for (int k = 0; e == ZT_OK && k < n; k++) {
        const uint8_t *made = rgb + k * j->bytes;
        const double psnr = zt_psnr(zt_mse(made, clip[k].rgb, (size_t)j->H * (size_t)j->W * ZT_RGB));
        zt_verdict v;
        if ((e = zt_judge_clip(made, j->T, j->H, j->W, &v)) != ZT_OK) break;
        const bool right = zt_score_add(&r->image, &v, clip[k].caption);
        r->image_psnr_mean += psnr / n;
        if (psnr < r->image_psnr_worst) r->image_psnr_worst = psnr;
        e = keep(j, r->image_shown, &r->n_image_shown, made, clip[k].caption, &v, right);
    }
    zt_free(rgb);
    return e;
}

static zt_err prediction(job *j) {
    zt_world_eval *r = j->r;
    int n = j->cfg->n_predict;
    const zt_clip_view *clip = last_clips(j, &n);
    const int context = j->cfg->context;
    uint8_t *rgb = NULL, *base = zt_alloc((size_t)j->bytes);
    double mse[3] = {0};                     /* model, copy-last, constant motion */
    zt_err e = base ? generate(j, &j->m->params, "prediction", clip, n, false, context, &rgb) : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < n; k++) {
        const uint8_t *truth = clip[k].rgb;
        mse[0] += zt_mse_after(rgb + k * j->bytes, truth, j->T, j->H, j->W, context) / n;
        ZT_TRY(e = zt_predict_copy_last(truth, j->T, j->H, j->W, context, base), done);
        mse[1] += zt_mse_after(base, truth, j->T, j->H, j->W, context) / n;
        ZT_TRY(e = zt_predict_constant_motion(truth, j->T, j->H, j->W, context, base), done);
        mse[2] += zt_mse_after(base, truth, j->T, j->H, j->W, context) / n;
    }
    r->predict_psnr = zt_psnr(mse[0]);
    r->copy_psnr = zt_psnr(mse[1]);
    r->motion_psnr = zt_psnr(mse[2]);
done:
    zt_free(rgb);
    zt_free(base);
    return e;
}

/* ---------------------------------------------------------------------------------------------------------------- */
zt_err zt_world_eval_run(zt_world_eval *r, zt_model_dir *m, const zt_dataset *ds, const zt_world_eval_cfg *cfg) {
    const zt_net *net = &m->net;
    job j = {.m = m, .ds = ds, .cfg = cfg, .r = r, .T = (int)net->frames, .H = (int)net->height, .W = (int)net->width,
             .bytes = net->frames * net->height * net->width * ZT_RGB};
    *r = (zt_world_eval){0};
    zt_err e;
    zt_opt_defaults(zt_diffusion_opts, &j.diffusion);
    ZT_TRY(e = zt_opt_from_json(zt_diffusion_opts, &j.diffusion, "config.json: diffusion.", m->diffusion), done);
    ZT_TRY(e = choose_clips(&j, (cfg->n + 1) / 2), done);
    ZT_TRY(e = text_to_video(&j), done);
    if (cfg->n_untrained) ZT_TRY(e = untrained(&j), done);
    if (cfg->n_image) ZT_TRY(e = image_to_video(&j), done);
    if (cfg->n_predict) e = prediction(&j);
done:
    zt_free(j.clip);
    if (e != ZT_OK) zt_world_eval_finish(r);
    return e;
}

void zt_world_eval_finish(zt_world_eval *r) {
    for (int k = 0; k < ZT_EVAL_SHOWN; k++) {
        zt_frames_finish(&r->shown[0][k].frames);
        zt_frames_finish(&r->shown[1][k].frames);
        zt_frames_finish(&r->image_shown[k].frames);
    }
}
