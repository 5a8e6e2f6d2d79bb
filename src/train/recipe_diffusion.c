/* recipe_diffusion.c - denoising: one network, one loss, one step. Its graph: step_graph.c; its inputs: feed.c. */
#include <math.h>
#include "init.h"
#include "train/baseline.h"
#include "train/buckets.h"
#include "train/feed.h"
#include "train/perceptual_run.h"
#include "train/recipe.h"
#include "train/run_data.h"
#include "train/samples.h"

static zt_err create(void **graphs, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry) {
    zt_step_graph *s = zt_alloc(sizeof *s);
    *graphs = s;
    return s ? zt_step_graph_create(s, c, c->train.batch, params, states, dry) : ZT_NOMEM;
}

static void destroy(void **graphs) {
    if (*graphs) zt_step_graph_finish(*graphs);
    zt_free(*graphs);
    *graphs = NULL;
}

static zt_step_cost cost(const void *graphs, const zt_train_cfg *c) {
    const zt_step_graph *s = graphs;
    const zt_plan_info *i = zt_plan_get_info(s->plan);
    (void)c;
    return (zt_step_cost){s->flops, zt_step_graph_bytes(s), i->arena_bytes + i->scratch_bytes, i->fallbacks};
}

static zt_err validation_cost(const zt_train_cfg *c, zt_tset *params, zt_tset *states, zt_step_cost *of) {
    zt_step_graph s = {0};
    (void)states;
    const zt_err e = zt_step_graph_create(&s, c, c->train.batch, params, NULL, true);
    if (e != ZT_OK) return e;
    *of = cost(&s, c);
    zt_step_graph_finish(&s);
    return ZT_OK;
}

static zt_err samples_bytes(const zt_train_cfg *c, zt_tset *params, zt_tset *states, int64_t *bytes) {
    zt_graph *g;
    zt_plan *p = NULL;
    (void)states;
    zt_err e = zt_graph_create(&g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = g, .params = params, .seed = 1};
    const zt_net_in in = zt_net_inputs(g, &c->net, c->train.sample_cfg_scale != 1 ? 8 : 4);
    zt_node *y = zt_net_build(&nn, &c->net, &in);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .dry = true, .params = params};
    e = zt_plan_create(&p, g, 1, &y, &cfg);
    if (e == ZT_OK) {
        const int64_t clip = c->net.frames * c->net.height * c->net.width * ZT_RGB * (int64_t)sizeof(float);
        *bytes = zt_plan_bytes(p) + 8 * clip + 4 * 7 * clip;
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return e;
}

static zt_err profile(void *graphs, FILE *f, double gflops, double gbytes) {
    zt_step_graph *s = graphs;
    zt_err e = ZT_OK;
    zt_step_graph_fill(s);
    for (int k = 0; e == ZT_OK && k < 2; k++) e = zt_plan_run(s->plan);
    return e == ZT_OK ? zt_plan_profile(s->plan, f, gflops, gbytes) : e;
}

static int64_t batches(const zt_train_cfg *c) {
    (void)c;
    return 1;
}

static zt_err check_temporal(const zt_train_cfg *c) {
    for (int k = 0; k < zt_bucket_count(c); k++)
        if (c->train.temporal_weight <= 0 || zt_bucket_cfg(c, k).net.frames > 1) return ZT_OK;
    return zt_fail(ZT_CONFIG, "train.temporal_weight=%g compares the frames of a clip, and these clips have one; set it to 0, or "
                              "data.frames to 2 or more", c->train.temporal_weight);
}

static zt_err check(zt_train_cfg *c, const zt_dataset *ds) {
    (void)ds;
    const zt_err e = check_temporal(c);
    return e == ZT_OK ? zt_perceptual_run_open(c) : e;
}

static zt_err nonfinite(const zt_step_graph *s, int64_t step) {
    const zt_err e = zt_plan_run_checked(s->plan);            /* the optimiser left the weights alone: the same again, watched */
    const char *next = "lower train.lr, or resume from the last checkpoint";
    return e != ZT_OK ? zt_fail_context(e, "step %lld; %s", (long long)step, next)
                      : zt_fail(ZT_NONFINITE, "step %lld: the loss is not finite; %s", (long long)step, next);
}

static zt_err step(zt_run *r, zt_scalars *out) {
    const zt_steps_cfg *k = &r->c->train;
    zt_batch b;
    zt_err e = zt_run_next(r, &b);
    if (e != ZT_OK) return e;
    zt_step_graph *s = r->graphs;
    zt_feed(s, &r->now, &r->tok, ZT_FEED_TRAIN, r->at.step, b.rgb, b.caption);
    if (s->flow && (e = zt_feed_flow(s, b.rgb)) != ZT_OK) return e;
    zt_optimise_set(&s->opt, k, r->at.step, r->at.step + 1);
    if ((e = zt_plan_run(s->plan)) != ZT_OK) return e;
    const float loss = *(float *)s->loss->x, norm = *(float *)s->opt.norm->x;
    if (!isfinite(loss) || !isfinite(norm)) return nonfinite(s, r->at.step + 1);
    zt_scalars_add(out, "loss", loss, true);
    if (s->temporal) zt_scalars_add(out, "temporal_loss", *(float *)s->temporal->x, true);
    if (s->perceptual) zt_scalars_add(out, "perceptual_loss", *(float *)s->perceptual->x, true);
    zt_scalars_add(out, "grad_norm", norm, false);
    zt_scalars_add(out, "lr", zt_learning_rate(k, r->at.step), false);
    return ZT_OK;
}

static zt_err bucket_loss(zt_run *r, const zt_train_cfg *c, double *loss) {
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
        ZT_TRY(e = zt_plan_run(val.plan), done);
        *loss += *(float *)val.loss->x / (double)c->train.val_batches;
    }
done:
    zt_loader_destroy(&l);
    zt_step_graph_finish(&val);
    return e;
}

/* Of buckets the mean by their validation clips, and each one's own in the log. */
static zt_err validation_loss(zt_run *r, double *loss) {
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

static zt_err validate(zt_run *r, double *loss) {
    zt_err e = ZT_OK;
    if (r->at.best < 0) {                                     /* the first time: what is to be beaten */
        e = zt_mean_baseline(r->ds, r->c, loss);
        if (e == ZT_OK) e = zt_run_log_scalars(&r->log, r->at.step, 1, (const char *const[]){"val_loss_of_mean"}, loss);
        r->result->mean_loss = *loss;
    }
    if (e == ZT_OK) e = validation_loss(r, loss);
    return e == ZT_OK ? zt_run_log_scalars(&r->log, r->at.step, 1, (const char *const[]){"val_loss"}, loss) : e;
}

static zt_err samples(zt_run *r) {
    return zt_run_samples(r->c, r->ds, &r->ema, &r->tok, r->out, r->at.step);
}

static zt_err save(zt_run *r, const char *dir) {
    json_t *d = zt_opt_to_json(zt_diffusion_opts, &r->c->diffusion);
    const zt_err e =
        d ? zt_model_dir_save(dir, &r->c->net, &r->ema, &r->tok, d) : zt_fail(ZT_NOMEM, "no memory to save the model");
    json_decref(d);
    return e;
}

const zt_recipe zt_recipe_diffusion = {
    .name = "diffusion",
    .captions = true,
    .create = create,
    .destroy = destroy,
    .cost = cost,
    .validation_cost = validation_cost,
    .samples_bytes = samples_bytes,
    .profile = profile,
    .batches = batches,
    .check = check,
    .step = step,
    .validate = validate,
    .samples = samples,
    .save = save,
};
