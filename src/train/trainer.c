/* trainer.c - the loop of a run and what happens between steps. What a step is: recipe.h and recipe_*.c; checkpoints:
 * checkpoint.c; prediction of a run's needs: run_plan.c. */
#include "train/trainer.h"
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "init.h"
#include "train/buckets.h"
#include "train/curriculum.h"
#include "train/recipe.h"
#include "train/run_data.h"

enum { LOG_EVERY = 10 };

typedef zt_run run;

const zt_recipe *zt_recipe_of(const zt_train_cfg *c) {
    return c->net.gan ? &zt_recipe_gan : c->net.classifier ? &zt_recipe_classify : &zt_recipe_diffusion;
}

void zt_scalars_add(zt_scalars *s, const char *name, double value, bool mean) {
    if (s->n == ZT_SCALARS) return;
    s->name[s->n] = name;
    s->value[s->n] = value;
    s->mean[s->n++] = mean;
}

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

/* Go on with the graphs of bucket k (0 without buckets), whose config `now` is; made when they are first needed, on the kernels
 * chosen for them, or now by timing. */
static zt_err use_graphs(run *r, const zt_train_cfg *now, int k) {
    const double start = zt_now();
    const int timed = r->choices.timed;
    zt_err e;
    r->now = *now;
    if (!r->made[k]) {
        r->choices.tune = r->c->run.tune;
        e = r->recipe->create(&r->made[k], &r->now, &r->params, &r->states, false);
        r->choices.tune = false;                                              /* validation takes what it finds */
        if (e != ZT_OK) return e;
        r->result->flops_per_step = r->recipe->cost(r->made[k], &r->now).flops;
    }
    r->graphs = r->made[k];
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
    for (int k = 0; k < r->ema.n; k++) {                                      /* the average starts at the first weights */
        const zt_tensor *a = &r->ema.t[k], *p = zt_tset_find(&r->params, a->name);
        if (!p) p = zt_tset_find(&r->states, a->name);                        /* what a layer remembers */
        memcpy(a->data, p->data, (size_t)zt_numel(&p->sh) * sizeof(float));
    }
    return ZT_OK;
}

static zt_err make_loader(run *r) {
    return zt_run_loader(&r->loader, r->ds, r->c->buckets.n ? r->c : &r->now, "train", r->c->train.batch,
                         r->at.step * r->recipe->batches(r->c));
}

static void tell_buckets(const zt_train_cfg *c) {
    char text[128];
    for (int k = 0; k < c->buckets.n; k++) zt_log("bucket %s", zt_bucket_text(c, k, text, sizeof text));
}

static zt_err set_up(run *r, bool resume) {
    zt_train_cfg *c = r->c;
    zt_err e;
    ZT_TRY(e = zt_run_data_open(&r->ds, c, &r->used), done);
    if (r->recipe->check) ZT_TRY(e = r->recipe->check(c, r->ds), done);
    if (r->recipe->open) ZT_TRY(e = r->recipe->open(r), done);
    tell_buckets(c);
    ZT_TRY(e = make_folder(r, resume), done);
    ZT_TRY(e = zt_use_record(&r->used, c->data.path, c->data.policy, r->out), done);
    if (r->recipe->captions) ZT_TRY(e = zt_run_tokenizer(&r->tok, r->ds, c, r->out, resume), done);
    ZT_TRY(e = load_choices(r, resume), done);
    c->pool = &r->pool;
    const zt_train_cfg first = c->buckets.n ? zt_bucket_cfg(c, 0) : zt_curriculum_cfg(c, zt_curriculum_stage(c, 0));
    ZT_TRY(e = use_graphs(r, &first, 0), done);
    ZT_TRY(e = zt_tset_share(&r->ema, &r->states, "ema."), done);
    ZT_TRY(e = start_or_resume(r, resume), done);
    ZT_TRY(e = make_loader(r), done);
    ZT_TRY(e = zt_run_log_open(&r->log, r->out, r->at.step), done);
    r->result->params = zt_tset_numel(&r->params);
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    if (c->run.precision == ZT_PRECISION_BF16 && !facts.bf16)
        zt_log("this processor has no bf16 instructions: products stay f32");
done:
    return e;
}

static void tear_down(run *r) {
    zt_run_log_close(&r->log);
    zt_loader_destroy(&r->loader);
    for (int k = 0; k < ZT_SIZES_MAX; k++) r->recipe->destroy(&r->made[k]);
    zt_plan_pool_finish(&r->pool);
    r->c->pool = NULL;
    if (r->recipe->close) r->recipe->close(r);
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
    r->recipe->destroy(&r->made[0]);
    const zt_train_cfg now = zt_curriculum_cfg(r->c, s);
    ZT_TRY(e = use_graphs(r, &now, 0), done);
    e = make_loader(r);
done:
    return e;
}

zt_err zt_run_next(zt_run *r, zt_batch *b) {
    zt_err e = zt_loader_next(r->loader, b);
    if (e == ZT_OK && r->c->buckets.n) {
        const zt_train_cfg now = zt_bucket_cfg(r->c, b->bucket);
        e = use_graphs(r, &now, b->bucket);
    }
    if (e == ZT_OK) r->clips += r->now.train.batch;
    return e;
}

/* Values of this step into what is known since the last line of the log. */
static void note_scalars(run *r, const zt_scalars *s) {
    zt_scalars *sum = &r->since;
    if (r->since_n++ == 0) *sum = (zt_scalars){0};
    for (int k = 0; k < s->n; k++) {
        if (k == sum->n) zt_scalars_add(sum, s->name[k], 0, s->mean[k]);
        sum->value[k] = s->value[k] + (s->mean[k] ? sum->value[k] : 0);
    }
}

static zt_err log_scalars(run *r) {
    zt_scalars *s = &r->since;
    for (int k = 0; k < s->n; k++)
        if (s->mean[k]) s->value[k] /= r->since_n;
    r->since_n = 0;
    r->result->loss = s->value[0];
    return zt_run_log_scalars(&r->log, r->at.step, s->n, s->name, s->value);
}

static zt_err one_step(run *r) {
    zt_scalars s = {0};
    zt_err e = enter_stage(r);
    if (e == ZT_OK) e = r->recipe->step(r, &s);
    if (e != ZT_OK) return e;
    r->at.step++;
    note_scalars(r, &s);
    return r->at.step % LOG_EVERY != 0 && r->at.step != r->c->train.steps ? ZT_OK : log_scalars(r);
}

/* ---- between steps --------------------------------------------------------------------------------------------- */
static zt_err save_model(run *r) {
    char dir[ZT_PATH_MAX];
    const zt_err e = zt_path_join(dir, r->out, "model");
    return e == ZT_OK ? r->recipe->save(r, dir) : e;
}

/* best/: the checkpoint of the best figure, to resume from; model/ to use. */
static zt_err validate(run *r) {
    if (zt_dataset_count(r->ds, "val") == 0) return r->at.step == r->c->train.steps ? save_model(r) : ZT_OK;
    double figure;
    zt_err e = r->recipe->validate(r, &figure);
    if (e != ZT_OK) return e;
    const bool better = r->at.best < 0 || figure < r->at.best;
    if (better) {
        r->at.best = figure;
        r->at.best_step = r->at.step;
    }
    r->at.waited = better ? 0 : r->at.waited + 1;
    if (better || (r->recipe->newest && !r->doubtful)) e = save_model(r);
    return e == ZT_OK && better ? zt_checkpoint_save(r->out, "best", &r->at, &r->params, &r->states) : e;
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
    if (r->recipe->samples && (stop || s % k->sample_every == 0)) ZT_TRY(e = r->recipe->samples(r), done);
    if (stop || s % k->checkpoint_every == 0) e = checkpoint(r);
done:
    return e;
}

static void show(run *r, zt_progress *p) {
    const double loss = r->since_n ? r->since.value[0] / r->since_n : r->result->loss;
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
    run r = {.recipe = zt_recipe_of(c), .c = c, .out = out, .result = result};
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
