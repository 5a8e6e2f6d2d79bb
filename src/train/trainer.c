/* trainer.c - the loop of a run and what happens between steps. Inputs of a step: feed.c; its graph: step_graph.c; checkpoints:
 * checkpoint.c; prediction of a run's needs: run_plan.c. */
#include "train/trainer.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "data/loader.h"
#include "init.h"
#include "train/baseline.h"
#include "train/buckets.h"
#include "train/checkpoint.h"
#include "train/curriculum.h"
#include "train/feed.h"
#include "train/run_data.h"
#include "train/run_log.h"
#include "train/samples.h"

enum { LOG_EVERY = 10 };

/* A run in progress. */
typedef struct run {
    zt_train_cfg *c;
    zt_train_cfg now;                    /* c with the size of the stage or bucket at hand */
    const char *out;
    char checkpoints[ZT_PATH_MAX], kernels[ZT_PATH_MAX];
    zt_dataset *ds;
    zt_admission used;                   /* its clips that this run may use */
    zt_loader *loader;
    zt_bpe tok;
    zt_tset params, states, ema;         /* ema: the ema.* part of states, under the parameters' names */
    zt_plan_pool pool;                   /* memory of all steps, validation too */
    zt_step_cache steps;
    zt_step_graph *step;                 /* the one at hand */
    zt_run_log log;
    zt_choices choices;
    zt_run_state at;
    int64_t clips;                       /* trained on in this session */
    double waited_s;                     /* for data, in the stages before */
    double loss_sum;                     /* since the last log line */
    int loss_n;
    zt_train_result *result;
} run;

/* ---- setting up ------------------------------------------------------------------------------------------------ */
static zt_err make_folder(run *r, bool resume) {
    zt_err e;
    char config[ZT_PATH_MAX];
    ZT_TRY(e = zt_dir_make(r->out), done);
    ZT_TRY(e = zt_path_join(config, r->out, "config.yaml"), done);
    ZT_TRY(e = zt_path_join(r->checkpoints, r->out, "checkpoints"), done);
    if (!resume && zt_file_exists(config))
        return zt_fail(ZT_ARG, "%s holds a run already; add --resume to go on with it, or choose another --out", r->out);
    json_t *j = zt_train_cfg_json(r->c);
    e = j ? zt_yaml_save(config, j) : zt_fail(ZT_NOMEM, "%s: no memory", config);
    json_decref(j);
done:
    return e;
}

/* Kernels chosen for the run's products by a file, or by an earlier part of the run. */
static zt_err load_choices(run *r, bool resume) {
    const char *file = r->c->run.kernels;
    zt_err e;
    ZT_TRY(e = zt_path_join(r->kernels, r->out, "kernels.json"), done);
    if (*file) ZT_TRY(e = zt_choices_load(&r->choices, file), done);
    if (resume && zt_file_exists(r->kernels)) e = zt_choices_load(&r->choices, r->kernels);
    r->c->choices = &r->choices;
done:
    return e;
}

/* Go on with the step of bucket k (0 without buckets), whose config `now` is; made when it is first needed, on the kernels chosen
 * for it, or now by timing. */
static zt_err use_step(run *r, const zt_train_cfg *now, int k) {
    const double start = zt_now();
    const int timed = r->choices.timed;
    const bool made = r->steps.v[k].plan != NULL;
    zt_err e;
    r->now = *now;
    r->choices.tune = r->c->run.tune;
    e = zt_step_cache_get(&r->steps, &r->now, k, &r->params, &r->states, &r->step);
    r->choices.tune = false;                                                  /* validation takes what it finds */
    if (e != ZT_OK || made) return e;
    if (r->choices.timed > timed)
        zt_log("kernels of %d products timed in %.1f s: %s", r->choices.timed - timed, zt_now() - start, r->kernels);
    return r->choices.kernels && json_object_size(r->choices.kernels) ? zt_choices_save(&r->choices, r->kernels) : ZT_OK;
}

static zt_err start_or_resume(run *r, bool resume) {
    char newest[ZT_PATH_MAX];
    bool found = false;
    r->at = (zt_run_state){.best = -1};
    zt_err e = resume ? zt_checkpoint_newest(r->checkpoints, newest, &found) : ZT_OK;
    if (e != ZT_OK) return e;
    if (found) {
        zt_log("resuming from %s", newest);
        return zt_checkpoint_load(newest, &r->at, &r->params, &r->states);
    }
    for (int k = 0; k < r->params.n; k++) {                                   /* the average starts at the first weights */
        const zt_tensor *p = &r->params.t[k], *a = zt_tset_find(&r->ema, p->name);
        memcpy(a->data, p->data, (size_t)zt_numel(&p->sh) * sizeof(float));
    }
    return ZT_OK;
}

static void tell_buckets(const zt_train_cfg *c) {
    char text[128];
    for (int k = 0; k < c->buckets.n; k++) zt_log("bucket %s", zt_bucket_text(c, k, text, sizeof text));
}

static zt_err set_up(run *r, bool resume) {
    zt_train_cfg *c = r->c;
    zt_err e;
    ZT_TRY(e = zt_run_data_open(&r->ds, c, &r->used), done);
    tell_buckets(c);
    ZT_TRY(e = make_folder(r, resume), done);
    ZT_TRY(e = zt_use_record(&r->used, c->data.path, c->data.policy, r->out), done);
    ZT_TRY(e = zt_run_tokenizer(&r->tok, r->ds, c, r->out, resume), done);
    ZT_TRY(e = load_choices(r, resume), done);
    c->pool = &r->pool;
    const zt_train_cfg first = c->buckets.n ? zt_bucket_cfg(c, 0) : zt_curriculum_cfg(c, zt_curriculum_stage(c, 0));
    ZT_TRY(e = use_step(r, &first, 0), done);
    ZT_TRY(e = zt_tset_share(&r->ema, &r->states, "ema."), done);
    ZT_TRY(e = start_or_resume(r, resume), done);
    ZT_TRY(e = zt_run_loader(&r->loader, r->ds, c->buckets.n ? c : &r->now, "train", c->train.batch, r->at.step), done);
    ZT_TRY(e = zt_run_log_open(&r->log, r->out, r->at.step), done);
    r->result->params = zt_tset_numel(&r->params);
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    if (c->run.precision == ZT_PRECISION_BF16 && !facts.bf16)
        zt_log("this processor has no bf16 instructions: products stay f32");
    r->result->flops_per_step = r->step->flops;
done:
    return e;
}

static void tear_down(run *r) {
    zt_run_log_close(&r->log);
    zt_loader_destroy(&r->loader);
    zt_step_cache_finish(&r->steps);
    zt_plan_pool_finish(&r->pool);
    r->c->pool = NULL;
    r->c->choices = NULL;
    zt_choices_finish(&r->choices);
    zt_tset_finish(&r->ema);
    zt_tset_finish(&r->states);
    zt_tset_finish(&r->params);
    zt_bpe_finish(&r->tok);
    zt_admission_finish(&r->used);
    zt_dataset_close(&r->ds);
}

/* ---- one step -------------------------------------------------------------------------------------------------- */
/* Linear warm-up, then half a cosine down to min_lr at the last step. */
static double learning_rate(const zt_steps_cfg *k, int64_t step) {
    if (step < k->warmup) return k->lr * (double)(step + 1) / (double)k->warmup;
    const double done = (double)(step - k->warmup) / (double)(k->steps > k->warmup ? k->steps - k->warmup : 1);
    return k->min_lr + 0.5 * (k->lr - k->min_lr) * (1 + cos(3.14159265358979323846 * done));
}

static void set_hyper(run *r) {
    const zt_steps_cfg *k = &r->c->train;
    const double t = (double)r->at.step + 1;
    float *h = r->step->hyper->x;
    h[0] = (float)learning_rate(k, r->at.step);
    h[1] = (float)k->beta1;
    h[2] = (float)k->beta2;
    h[3] = (float)k->eps;
    h[4] = (float)k->weight_decay;
    h[5] = (float)(1 - pow(k->beta1, t));
    h[6] = (float)(1 - pow(k->beta2, t));
    h[7] = (float)k->clip;
    const double ramp = (1 + t) / (10 + t);                                   /* a young average follows faster */
    *(float *)r->step->ema_decay->x = (float)(k->ema < ramp ? k->ema : ramp);
}

static zt_err nonfinite(run *r) {
    const zt_err e = zt_plan_run_checked(r->step->plan);       /* the optimiser left the weights alone: the same again, watched */
    const char *next = "lower train.lr, or resume from the last checkpoint";
    return e != ZT_OK ? zt_fail_context(e, "step %lld; %s", (long long)r->at.step + 1, next)
                      : zt_fail(ZT_NONFINITE, "step %lld: the loss is not finite; %s", (long long)r->at.step + 1, next);
}

/* The graph and the loader of the stage that the next step belongs to. */
static zt_err enter_stage(run *r) {
    const zt_stage s = zt_curriculum_stage(r->c, r->at.step);
    zt_err e;
    if (r->c->buckets.n) return ZT_OK;
    if (s.frames == r->now.net.frames && s.height == r->now.net.height && s.width == r->now.net.width) return ZT_OK;
    zt_log("step %lld: clips of %lld frames of %lldx%lld from here", (long long)r->at.step, (long long)s.frames,
           (long long)s.width, (long long)s.height);
    r->waited_s += zt_loader_wait_s(r->loader);
    zt_loader_destroy(&r->loader);
    zt_step_cache_drop(&r->steps, 0);
    const zt_train_cfg now = zt_curriculum_cfg(r->c, s);
    ZT_TRY(e = use_step(r, &now, 0), done);
    r->result->flops_per_step = r->step->flops;
    e = zt_run_loader(&r->loader, r->ds, &r->now, "train", r->c->train.batch, r->at.step);
done:
    return e;
}

static zt_err use_bucket(run *r, int k) {
    const zt_train_cfg now = zt_bucket_cfg(r->c, k);
    return use_step(r, &now, k);
}

static zt_err one_step(run *r) {
    zt_batch b;
    zt_err e = enter_stage(r);
    if (e == ZT_OK) e = zt_loader_next(r->loader, &b);
    if (e == ZT_OK && r->c->buckets.n) e = use_bucket(r, b.bucket);
    if (e != ZT_OK) return e;
    zt_feed(r->step, &r->now, &r->tok, ZT_FEED_TRAIN, r->at.step, b.rgb, b.caption);
    set_hyper(r);
    if ((e = zt_plan_run(r->step->plan)) != ZT_OK) return e;
    const float loss = *(float *)r->step->loss->x, norm = *(float *)r->step->norm->x;
    if (!isfinite(loss) || !isfinite(norm)) return nonfinite(r);
    r->at.step++;
    r->clips += r->now.train.batch;
    r->loss_sum += loss;
    r->loss_n++;
    if (r->at.step % LOG_EVERY != 0 && r->at.step != r->c->train.steps) return ZT_OK;
    r->result->loss = r->loss_sum / r->loss_n;
    r->loss_sum = r->loss_n = 0;
    return zt_run_log_scalars(&r->log, r->at.step, 3, (const char *const[]){"loss", "grad_norm", "lr"},
                              (const double[]){r->result->loss, norm, learning_rate(&r->c->train, r->at.step - 1)});
}

/* ---- between steps --------------------------------------------------------------------------------------------- */
static zt_err bucket_loss(run *r, const zt_train_cfg *c, double *loss) {
    const int64_t clips = zt_run_clips(r->ds, c, "val"), batch = clips < c->train.batch ? clips : c->train.batch;
    zt_step_graph val = {0};
    zt_loader *l = NULL;
    zt_err e;
    *loss = 0;
    ZT_TRY(e = zt_step_graph_create(&val, c, batch, &r->ema, NULL, false), done);
    ZT_TRY(e = zt_run_loader(&l, r->ds, c, "val", batch, 0), done);
    for (int64_t k = 0; k < c->train.val_batches; k++) {
        zt_batch b;
        ZT_TRY(e = zt_loader_next(l, &b), done);
        zt_feed(&val, c, &r->tok, ZT_FEED_VAL, k, b.rgb, b.caption);
        ZT_TRY(e = zt_plan_run_same(val.plan), done);
        *loss += *(float *)val.loss->x / (double)c->train.val_batches;
    }
done:
    zt_loader_destroy(&l);
    zt_step_graph_finish(&val);
    return e;
}

static zt_err save_model(run *r) {
    char dir[ZT_PATH_MAX];
    json_t *d = zt_opt_to_json(zt_diffusion_opts, &r->c->diffusion);
    zt_err e = d ? zt_path_join(dir, r->out, "model") : zt_fail(ZT_NOMEM, "no memory to save the model");
    if (e == ZT_OK) e = zt_model_dir_save(dir, &r->c->net, &r->ema, &r->tok, d);
    json_decref(d);
    return e;
}

/* Of buckets the mean by their validation clips, and each one's own in the log. */
static zt_err validation_loss(run *r, double *loss) {
    zt_err e = ZT_OK;
    *loss = 0;
    for (int k = 0; k < zt_bucket_count(r->c) && e == ZT_OK; k++) {
        const zt_train_cfg c = zt_bucket_cfg(r->c, k);
        const int64_t clips = zt_run_clips(r->ds, &c, "val");
        char size[ZT_SIZE_TEXT], name[96];
        double part;
        if (clips == 0) continue;
        if ((e = bucket_loss(r, &c, &part)) != ZT_OK) break;
        *loss += part * (double)clips / (double)zt_dataset_count(r->ds, "val");
        if (r->c->buckets.n < 2) continue;
        snprintf(name, sizeof name, "val_loss/%s", zt_size_text(r->c->buckets.by.sizes.v[k], size));
        e = zt_run_log_scalars(&r->log, r->at.step, 1, (const char *const[]){name}, &part);
    }
    return e;
}

/* The best checkpoint by validation loss: best/ to resume from, model/ to use. */
static zt_err validate(run *r) {
    if (zt_dataset_count(r->ds, "val") == 0) return r->at.step == r->c->train.steps ? save_model(r) : ZT_OK;
    double loss;
    zt_err e = ZT_OK;
    if (r->at.best < 0) {                                     /* the first time: what is to be beaten */
        e = zt_mean_baseline(r->ds, r->c, &loss);
        if (e == ZT_OK) e = zt_run_log_scalars(&r->log, r->at.step, 1, (const char *const[]){"val_loss_of_mean"}, &loss);
        r->result->mean_loss = loss;
    }
    if (e == ZT_OK) e = validation_loss(r, &loss);
    if (e != ZT_OK) return e;
    e = zt_run_log_scalars(&r->log, r->at.step, 1, (const char *const[]){"val_loss"}, &loss);
    if (e != ZT_OK) return e;
    if (r->at.best >= 0 && !(loss < r->at.best)) {
        r->at.waited++;
        return ZT_OK;
    }
    r->at.best = loss;
    r->at.best_step = r->at.step;
    r->at.waited = 0;
    e = save_model(r);
    return e != ZT_OK ? e : zt_checkpoint_save(r->out, "best", &r->at, &r->params, &r->states);
}

static zt_err checkpoint(run *r) {
    char name[32];
    snprintf(name, sizeof name, "step-%08lld", (long long)r->at.step);
    const zt_err e = zt_checkpoint_save(r->checkpoints, name, &r->at, &r->params, &r->states);
    return e != ZT_OK ? e : zt_checkpoint_prune(r->checkpoints, r->c->train.keep);
}

static zt_err between_steps(run *r) {
    const zt_steps_cfg *k = &r->c->train;
    const int64_t s = r->at.step;
    const bool last = s == k->steps;
    zt_err e = ZT_OK;
    if (last || s % k->val_every == 0) ZT_TRY(e = validate(r), done);
    r->result->early_stop = k->patience > 0 && r->at.waited >= k->patience;
    const bool stop = last || r->result->early_stop;
    if (stop || s % k->sample_every == 0) ZT_TRY(e = zt_run_samples(r->c, r->ds, &r->ema, &r->tok, r->out, s), done);
    if (stop || s % k->checkpoint_every == 0) e = checkpoint(r);
done:
    return e;
}

static void show(run *r, zt_progress *p) {
    const double loss = r->loss_n ? r->loss_sum / r->loss_n : r->result->loss;
    snprintf(p->note, sizeof p->note, "loss %.4f, %.1f clips/s", loss, r->result->clips_per_s);
    zt_progress_update(p, r->at.step);
}

/* Ctrl-C: save, and say how to go on. */
static zt_err stop_here(run *r) {
    const zt_err e = checkpoint(r);
    return e != ZT_OK ? e
                      : zt_fail(ZT_CANCELLED, "stopped at step %lld; go on with: zoe train --out %s --resume",
                                (long long)r->at.step, r->out);
}

static zt_err loop(run *r, double t0) {
    const zt_steps_cfg *k = &r->c->train;
    const int64_t first = r->at.step;
    double in_steps = 0;                                      /* seconds of steps alone, without validation and samples */
    zt_progress p;
    zt_err e = ZT_OK;
    zt_progress_begin(&p, "training", "steps", k->steps);
    p.start = first;
    while (e == ZT_OK && r->at.step < k->steps && !r->result->early_stop) {
        if (zt_cancelled()) {
            e = stop_here(r);
            break;
        }
        const double start = zt_now();
        if ((e = one_step(r)) != ZT_OK) break;
        in_steps += zt_now() - start;
        if (r->at.step == first + 1) r->result->first_step_s = zt_now() - t0;
        r->result->clips_per_s = (double)r->clips / in_steps;
        r->result->wait_fraction = (r->waited_s + zt_loader_wait_s(r->loader)) / in_steps;
        show(r, &p);
        e = between_steps(r);
        if (e == ZT_CANCELLED) e = stop_here(r);              /* it came while samples were made: they are left out */
    }
    zt_progress_end(&p);
    return e;
}

zt_err zt_train(zt_train_cfg *c, const char *out, bool resume, zt_train_result *result) {
    const double t0 = zt_now();
    run r = {.c = c, .out = out, .result = result};
    *result = (zt_train_result){0};
    zt_err e = set_up(&r, resume);
    if (e == ZT_OK) e = loop(&r, t0);
    result->step = r.at.step;
    result->best = r.at.best;
    result->best_step = r.at.best_step;
    result->seconds = zt_now() - t0;
    tear_down(&r);
    return e;
}
