/* recipe_gan.c - adversarial training: critics and generator in turn. Graphs: gan_graph.c; losses: gan_loss.c; validation and
 * samples: gan_validate.c. Tested by tests/cli/test_gan.sh. */
#include <math.h>
#include <stdio.h>
#include "base/str.h"
#include "init.h"
#include "pipeline/gan_sampling.h"
#include "train/gan_bound.h"
#include "train/gan_graph.h"
#include "train/gan_validate.h"
#include "train/recipe.h"

/* A plain critic step does not exist where every one has a penalty, a penalised one where none has. */
typedef struct graphs { zt_gan_graph critic, penalised, generator; } graphs;

/* Number of steps in a row in which critics told all clips apart: a state, so that a resumed run goes on counting. */
static const char perfect_name[] = "gan.perfect_steps";

/* ---- before a run ------------------------------------------------------------------------------------------------- */
/* Batch norm compares the clips of a batch: one is too few. */
static zt_err check_batch(const zt_train_cfg *c) {
    if (c->train.batch > 1) return ZT_OK;
    zt_tset params = {0}, states = {0};
    zt_gan_graph g;
    zt_err e = zt_gan_graph_create(&g, ZT_GAN_CRITIC, c, &params, &states, true);
    if (e == ZT_OK) zt_gan_graph_finish(&g);
    for (int k = 0; e == ZT_OK && k < states.n; k++)
        if (zt_ends_with(states.t[k].name, ".var"))
            e = zt_fail(ZT_CONFIG, "train.batch=1: batch norm (%s) compares the clips of a batch; want 2 or more",
                        states.t[k].name);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return e;
}

/* Whether the model has a code for the category, and a critic that names it. */
static bool has_categories(const zt_net *net) {
    zt_gan_size size = zt_net_gan_size(net);
    size.classes = 2;
    zt_gan_latent z[ZT_GAN_LATENTS];
    bool found = false;
    for (int k = net->gan->latents(net->cfg, &size, 1, z) - 1; k >= 0; k--) found = found || z[k].draw == ZT_GAN_CATEGORY;
    return found;
}

static zt_err check(zt_train_cfg *c, const zt_dataset *ds) {
    const int64_t clips = zt_dataset_count(ds, "train");
    if (clips < c->train.batch)
        return zt_fail(ZT_CONFIG, "train.batch=%lld: the data set has %lld training clips; want a batch of at most that",
                       (long long)c->train.batch, (long long)clips);
    if (c->buckets.n)
        return zt_fail(ZT_CONFIG, "data.buckets: the layers of %s depend on the size of its clips; leave it out",
                       c->net.gan->name);
    if (c->data.curriculum_sides.n)
        return zt_fail(ZT_CONFIG, "data.curriculum_sides: the layers of %s depend on the size of its clips; leave it out",
                       c->net.gan->name);
    if (c->gan.sparse_frames && !c->net.gan->any_times)
        return zt_fail(ZT_CONFIG, "gan.sparse_frames: %s makes frames that follow each other, not any; leave it out",
                       c->net.gan->name);
    if (c->gan.sparse_frames > c->net.frames)
        return zt_fail(ZT_CONFIG, "gan.sparse_frames=%lld of clips of %lld frames; want at most that",
                       (long long)c->gan.sparse_frames, (long long)c->net.frames);
    if (c->gan.categories && !has_categories(&c->net))
        return zt_fail(ZT_CONFIG, "gan.categories: %s has no code for a category; leave it out, or take model.name=mocogan",
                       c->net.gan->name);
    if (c->gan.categories == ZT_GAN_FOUND) {
        c->net.classes = c->gan.classes;
    } else if (c->gan.categories == ZT_GAN_LABELLED) {
        if (c->data.flip)
            return zt_fail(ZT_CONFIG, "data.flip=true mirrors clips but not what gan.label=%s says of them; set data.flip=false",
                           c->gan.label);
        const zt_err e = zt_clip_classes_read(NULL, ds, "gan.label", c->gan.label, &c->net.classes, c->net.class_name);
        if (e != ZT_OK) return e;
    }
    const zt_err e = zt_net_check(&c->net);
    return e == ZT_OK ? check_batch(c) : e;
}

static zt_err open_run(zt_run *r) {
    zt_gan_own *own = r->own = zt_alloc(sizeof *own);
    if (!own) return ZT_NOMEM;
    if (r->c->gan.categories != ZT_GAN_LABELLED) return ZT_OK;
    return zt_clip_classes_read(&own->labels, r->ds, "gan.label", r->c->gan.label, &r->c->net.classes, r->c->net.class_name);
}

static void close_run(zt_run *r) {
    zt_gan_own *own = r->own;
    if (own) zt_clip_classes_finish(&own->labels);
    zt_free(own);
    r->own = NULL;
}

/* ---- graphs ------------------------------------------------------------------------------------------------------- */
static void destroy(void **all) {
    graphs *s = *all;
    if (s) {
        zt_gan_graph_finish(&s->critic);
        zt_gan_graph_finish(&s->penalised);
        zt_gan_graph_finish(&s->generator);
    }
    zt_free(s);
    *all = NULL;
}

static zt_err create(void **all, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry) {
    graphs *s = *all = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    zt_err e;
    ZT_TRY(e = zt_gan_graph_create(&s->generator, ZT_GAN_GENERATOR, c, params, states, dry), done);
    if (!c->gan.penalty || c->gan.penalty_every > 1)
        ZT_TRY(e = zt_gan_graph_create(&s->critic, ZT_GAN_CRITIC, c, params, states, dry), done);
    if (c->gan.penalty) ZT_TRY(e = zt_gan_graph_create(&s->penalised, ZT_GAN_CRITIC_PENALISED, c, params, states, dry), done);
    if (!zt_tset_find(states, perfect_name)) e = zt_tset_add(states, perfect_name, ZT_F32, zt_sh(1), NULL);
done:
    if (e != ZT_OK) destroy(all);
    return e;
}

static zt_step_cost cost(const void *all, const zt_train_cfg *c) {
    const graphs *s = all;
    const zt_gan_graph *each[] = {&s->generator, &s->critic, &s->penalised};
    zt_step_cost sum = {0};
    for (int k = 0; k < 3; k++) {
        if (!each[k]->plan) continue;
        sum.bytes += zt_gan_graph_bytes(each[k]);
        sum.fallbacks += zt_plan_get_info(each[k]->plan)->fallbacks;
    }
    const double penalised = c->gan.penalty ? 1.0 / (double)c->gan.penalty_every : 0;    /* part of the critics' steps */
    const double critic = penalised * (double)s->penalised.flops + (1 - penalised) * (double)s->critic.flops;
    sum.flops = s->generator.flops + (int64_t)((double)c->gan.critic_steps * critic);
    return sum;
}

static zt_err samples_bytes(const zt_train_cfg *c, zt_tset *params, zt_tset *states, int64_t *bytes) {
    zt_gan_sampling *s = NULL;
    const zt_err e = zt_gan_sampling_create(&s, &c->net, params, states, zt_gan_pass(&c->net), ZT_F32, ZT_GAN_DRY);
    const int64_t clip = c->net.frames * c->net.height * c->net.width * ZT_RGB;
    if (e == ZT_OK)
        *bytes = zt_gan_sampling_bytes(s) + c->gan.monitor_clips * clip * 3 +
                 clip * zt_gan_pass(&c->net) * (int64_t)sizeof(float);
    zt_gan_sampling_destroy(&s);
    return e;
}

/* Clips for validation are made as samples are. */
static zt_err validation_cost(const zt_train_cfg *c, zt_tset *params, zt_tset *states, zt_step_cost *of) {
    *of = (zt_step_cost){0};
    return samples_bytes(c, params, states, &of->bytes);
}

/* Any numbers that train nothing: the rate is 0. */
static void fill(zt_gan_graph *s) {
    for (int id = 0; id < zt_graph_size(s->g); id++) {
        zt_node *n = zt_graph_node(s->g, id);
        if (n->role != ZT_INPUT || !n->x) continue;
        if (n->dtype == ZT_F32) zt_fill_normal(1, (uint64_t)id, n->x, zt_numel(&n->sh));
        for (int64_t k = 0; n->dtype == ZT_I32 && k < zt_numel(&n->sh); k++) ((int32_t *)n->x)[k] = 0;
    }
    for (int k = 0; k < 8; k++) ((float *)s->opt.hyper->x)[k] = (const float[]){0, 0.5f, 0.99f, 1e-8f, 0, 1, 1, 1}[k];
    if (s->opt.ema_decay) *(float *)s->opt.ema_decay->x = 1;
}

static zt_err profile(void *all, FILE *f, double gflops, double gbytes) {
    graphs *s = all;
    static const char *const name[] = {"generator", "critics", "critics, with penalty"};
    zt_gan_graph *each[] = {&s->generator, &s->critic, &s->penalised};
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < 3; k++) {
        if (!each[k]->plan) continue;
        fill(each[k]);
        for (int j = 0; e == ZT_OK && j < 2; j++) e = zt_plan_run(each[k]->plan);
        fprintf(f, "%sstep of the %s\n", k ? "\n" : "", name[k]);
        if (e == ZT_OK) e = zt_plan_profile(each[k]->plan, f, gflops, gbytes);
    }
    return e;
}

/* ---- a step ------------------------------------------------------------------------------------------------------- */
static int64_t batches(const zt_train_cfg *c) {
    return c->gan.critic_steps + zt_gan_generator_looks(c);
}

static double noise_at(const zt_train_cfg *c, int64_t step) {
    const double end = c->gan.noise_part * (double)c->train.steps;
    return end > 0 ? c->gan.noise * fmax(0, 1 - (double)step / end) : c->gan.noise;
}

static zt_err feed_real(zt_run *r, zt_gan_graph *s) {
    zt_batch b;
    const zt_err e = zt_run_next(r, &b);
    if (e != ZT_OK) return e;
    zt_gan_graph_show(s, &r->now, b.rgb);
    const zt_gan_own *own = r->own;
    for (int64_t k = 0; s->label && k < r->c->train.batch; k++)
        ((int32_t *)s->label->x)[k] = zt_clip_classes_find(&own->labels, b.id[k]);
    return ZT_OK;
}

static double scalar(const zt_node *x) {
    return x ? *(const float *)x->x : 0;
}

/* One side's step: `number` tells its random numbers from those of all others, `update` counts the updates of this side. */
static zt_err run_side(zt_run *r, zt_gan_graph *s, int64_t number, int64_t update) {
    const zt_steps_cfg k = zt_gan_steps(r->c, s->side);
    zt_gan_graph_draw(s, &r->now, (uint64_t)number, noise_at(r->c, r->at.step));      /* first: it says which frames are shown */
    zt_err e = s->side != ZT_GAN_GENERATOR || zt_gan_generator_looks(r->c) ? feed_real(r, s) : ZT_OK;
    if (e != ZT_OK) return e;
    zt_optimise_set(&s->opt, &k, r->at.step, update);
    if ((e = zt_plan_run(s->plan)) != ZT_OK) return e;
    if (isfinite(scalar(s->loss)) && isfinite(scalar(s->opt.norm))) return ZT_OK;
    const long long step = (long long)r->at.step + 1;         /* the optimiser left the weights alone: the same again, watched */
    const char *side = s->side == ZT_GAN_GENERATOR ? "generator" : "critics";
    const char *next = "lower train.lr or gan.critic_lr, or add gan.penalty=r1; --resume goes on from the last checkpoint";
    e = zt_plan_run_checked(s->plan);
    return e != ZT_OK ? zt_fail_context(e, "step %lld, %s; %s", step, side, next)
                      : zt_fail(ZT_NONFINITE, "step %lld: the loss of the %s is not finite; %s", step, side, next);
}

static zt_err bound(zt_run *r, int64_t update) {
    const zt_gan_cfg *c = &r->c->gan;
    if (c->bound == ZT_GAN_CLIP) zt_clip_weights(&r->params, "critic.", c->bound_to);
    return c->bound == ZT_GAN_SVC && update % c->bound_every == 0 ? zt_clip_singular_values(&r->params, &r->states, "critic.")
                                                                  : ZT_OK;
}

/* Critics that tell everything apart, for long, teach nothing. */
static zt_err watch_critics(zt_run *r, double real_right, double made_right) {
    const int64_t limit = r->c->gan.critic_limit;
    float *count = zt_tset_find(&r->states, perfect_name)->data;
    *count = real_right >= 1 && made_right >= 1 ? *count + 1 : 0;
    if (limit == 0 || r->c->gan.loss == ZT_GAN_WGAN || *count < (float)limit) return ZT_OK;
    return zt_fail(
        ZT_DIVERGED,
        "step %lld: for %lld steps the critics have told every clip apart, so that the generator learns nothing "
        "more; lower gan.critic_lr, or add gan.penalty=r1, gan.noise or gan.augment_shift; the last checkpoint is kept",
        (long long)r->at.step + 1, (long long)limit);
}

static zt_err step(zt_run *r, zt_scalars *out) {
    graphs *all = r->graphs;
    const zt_gan_cfg *c = &r->c->gan;
    const int64_t n = c->critic_steps, at = r->at.step;
    double loss = 0, norm = 0, real_right = 0, made_right = 0, penalty = -1, category = 0;
    zt_err e;
    for (int64_t j = 0; j < n; j++) {
        const int64_t update = at * n + j + 1;
        const bool penalised = c->penalty && (update - 1) % c->penalty_every == 0;
        zt_gan_graph *s = penalised ? &all->penalised : &all->critic;
        if ((e = run_side(r, s, at * (n + 1) + j, update)) != ZT_OK) return e;
        if ((e = bound(r, update)) != ZT_OK) return e;
        loss += scalar(s->loss) / (double)n;
        norm = scalar(s->opt.norm);
        real_right += scalar(s->above_real) / (double)n;
        made_right += (1 - scalar(s->above_made)) / (double)n;
        category += scalar(s->category) / (double)n;
        if (penalised) penalty = scalar(s->penalty);
    }
    zt_gan_graph *g = &all->generator;
    if ((e = run_side(r, g, at * (n + 1) + n, at + 1)) != ZT_OK) return e;
    zt_scalars_add(out, "generator_loss", scalar(g->loss), true);
    zt_scalars_add(out, "critic_loss", loss, true);
    zt_scalars_add(out, "critic_right_on_real", real_right, true);
    zt_scalars_add(out, "critic_right_on_made", made_right, true);
    zt_scalars_add(out, "generator_grad_norm", scalar(g->opt.norm), false);
    zt_scalars_add(out, "critic_grad_norm", norm, false);
    zt_gan_own *own = r->own;
    if (penalty >= 0) own->penalty = penalty;
    if (c->penalty) zt_scalars_add(out, "penalty", own->penalty, false);
    if (c->categories) zt_scalars_add(out, "critic_category_loss", category, true);
    if (c->categories) zt_scalars_add(out, "generator_category_loss", scalar(g->category), true);
    if (g->penalty) zt_scalars_add(out, "generator_penalty", scalar(g->penalty), true);
    zt_scalars_add(out, "lr", zt_learning_rate(&r->c->train, at), false);
    return watch_critics(r, real_right, made_right);
}

static zt_err save(zt_run *r, const char *dir) {
    const zt_err e = zt_gan_settle(r);
    return e != ZT_OK ? e : zt_model_dir_save_gan(dir, &r->c->net, &r->ema);
}

/* Newest: the Frechet distance of a few hundred clips on simple features tells generators that work from those that do not,
 * but is too rough to choose between steps of a run that goes well. */
const zt_recipe zt_recipe_gan = {
    .name = "gan", .newest = true, .create = create, .destroy = destroy, .cost = cost, .validation_cost = validation_cost,
    .samples_bytes = samples_bytes, .profile = profile,
    .batches = batches, .check = check, .open = open_run, .close = close_run, .step = step, .validate = zt_gan_validate,
    .samples = zt_gan_samples, .save = save,
};
