/* gan_graph.c - see gan_graph.h. */
#include "train/gan_graph.h"
#include <string.h>
#include "base/str.h"
#include "init.h"
#include "pipeline/gan_sampling.h"
#include "pipeline/sampling.h"
#include "train/gan_augment.h"
#include "train/gan_loss.h"

enum { STREAMS = 16, NOISE_OF_REAL = ZT_GAN_LATENTS, NOISE_OF_MADE, SMALL };     /* random streams of one step */

zt_steps_cfg zt_gan_steps(const zt_train_cfg *c, zt_gan_side side) {
    zt_steps_cfg k = c->train;
    if (side == ZT_GAN_GENERATOR) return k;
    if (c->gan.critic_lr > 0) {
        k.min_lr *= k.lr > 0 ? c->gan.critic_lr / k.lr : 1;
        k.lr = c->gan.critic_lr;
    }
    if (c->gan.critic_beta1 >= 0) k.beta1 = c->gan.critic_beta1;
    if (c->gan.critic_beta2 >= 0) k.beta2 = c->gan.critic_beta2;
    if (c->gan.critic_optimiser) k.optimiser = c->gan.critic_optimiser - 1;
    return k;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------- */
static zt_gan_sight make_sight(zt_graph *g, const zt_train_cfg *c, const char *of, zt_shape clips) {
    char name[32];
    zt_gan_sight s = {0};
#define NAMED(what) (zt_format(name, sizeof name, what "_%s", of), name)
    s.pick = zt_input(g, NAMED("pick"), ZT_I32, zt_sh(clips.d[0]));
    if (zt_gan_augments(&c->gan)) s.augment = zt_input(g, NAMED("augment"), ZT_F32, zt_sh(clips.d[0], ZT_AUGMENT_NUMBERS));
    if (c->gan.noise > 0) s.noise = zt_input(g, NAMED("noise"), ZT_F32, clips);
#undef NAMED
    return s;
}

static void make_inputs(zt_gan_graph *s, const zt_train_cfg *c) {
    const zt_net *net = &c->net;
    zt_graph *g = s->g;
    s->size = zt_net_gan_size(net);
    if (c->gan.sparse_frames) {
        s->size.span = net->frames;
        s->size.frames = c->gan.sparse_frames;
        s->size.times = zt_input(g, "times", ZT_F32, zt_sh(c->train.batch, s->size.frames));
    }
    const zt_shape clips = zt_sh(c->train.batch, s->size.frames, net->height, net->width, ZT_RGB);
    s->n_z = net->gan->latents(net->cfg, &s->size, c->train.batch, s->latent);
    for (int k = 0; k < s->n_z; k++) s->z[k] = zt_input(g, s->latent[k].name, ZT_F32, s->latent[k].sh);
    s->of_made = make_sight(g, c, "made", clips);
    if (c->gan.noise > 0) s->sigma = zt_input(g, "sigma", ZT_F32, zt_shape_of(0, NULL));
    if (s->side == ZT_GAN_GENERATOR && c->gan.loss != ZT_GAN_RELATIVISTIC) return;
    s->real = zt_input(g, "real", ZT_F32, clips);
    s->of_real = make_sight(g, c, "real", clips);
    if (s->side != ZT_GAN_GENERATOR && c->gan.categories == ZT_GAN_LABELLED)
        s->label = zt_input(g, "label", ZT_I32, zt_sh(clips.d[0]));
    if (s->side == ZT_GAN_CRITIC_PENALISED && c->gan.penalty == ZT_GAN_GP) s->mix = zt_input(g, "mix", ZT_F32, zt_sh(clips.d[0]));
}

static zt_node *seen(const zt_gan_graph *s, const zt_train_cfg *c, const zt_gan_sight *how, zt_node *clips) {
    if (how->augment) clips = zt_gan_augment(clips, how->augment, &c->gan);
    return how->noise ? zt_add(clips, zt_mul(how->noise, s->sigma)) : clips;
}

/* ---- losses ------------------------------------------------------------------------------------------------------- */
static zt_node *plus(zt_node *sum, zt_node *x) {
    return sum ? zt_add(sum, x) : x;
}

/* One clip list before all critics. */
typedef struct hearing { int n; zt_gan_verdict of[ZT_GAN_CRITICS]; } hearing;
static hearing hear(const zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c, zt_node *clips, zt_node *pick) {
    hearing h = {0};
    h.n = c->net.gan->judge(nn, c->net.cfg, &s->size, clips, pick, true, h.of);
    return h;
}

/* Cross-entropy of the categories that critics read, against the codes the clips were made of (label NULL) or their labels. */
static zt_node *category_loss(const zt_gan_graph *s, const hearing *h, zt_node *label) {
    zt_node *sum = NULL;
    for (int k = 0; k < h->n; k++) {
        if (!h->of[k].category) continue;
        zt_node *log_probs = zt_log_softmax(h->of[k].category);
        for (int j = 0; j < s->n_z && !label; j++)
            if (s->latent[j].draw == ZT_GAN_CATEGORY) sum = plus(sum, zt_nll(log_probs, s->z[j], 0));
        if (label) sum = plus(sum, zt_cross_entropy(log_probs, label, 0));
    }
    return sum;
}

/* Gradient penalty of all critics: at the real clips as they were seen, or between those and the made ones. */
static zt_node *penalty(zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c, zt_node *real, zt_node *made, const hearing *of_real) {
    const int64_t B = real->sh.d[0];
    hearing h = *of_real;
    zt_node *at = real, *sum = NULL;
    if (s->mix) {
        zt_node *mix = zt_reshape(s->mix, zt_sh(B, 1, 1, 1, 1));
        at = zt_add(made, zt_mul(zt_sub(real, made), mix));
        h = hear(s, nn, c, at, s->of_real.pick);
    }
    for (int k = 0; k < h.n; k++) sum = plus(sum, zt_gan_penalty_of(h.of[k].score, at, s->mix ? 1 : 0));
    return sum;
}

static void critic_losses(zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c, zt_node *made) {
    const zt_gan_loss kind = (zt_gan_loss)c->gan.loss;
    zt_node *real = seen(s, c, &s->of_real, s->real), *fake = seen(s, c, &s->of_made, made);
    const hearing r = hear(s, nn, c, real, s->of_real.pick), f = hear(s, nn, c, fake, s->of_made.pick);
    for (int k = 0; k < r.n; k++) {
        zt_node *a = r.of[k].score, *b = f.of[k].score;
        s->loss = plus(s->loss, zt_gan_critic_loss(kind, a, b));
        s->above_real = plus(s->above_real, zt_gan_part_above(a, zt_gan_threshold(kind, a, b, true)));
        s->above_made = plus(s->above_made, zt_gan_part_above(b, zt_gan_threshold(kind, a, b, false)));
    }
    s->above_real = zt_affine(s->above_real, 1.0 / r.n, 0);
    s->above_made = zt_affine(s->above_made, 1.0 / r.n, 0);
    s->category = s->label ? category_loss(s, &r, s->label)
                           : c->gan.categories == ZT_GAN_FOUND ? category_loss(s, &f, NULL) : NULL;
    if (s->side == ZT_GAN_CRITIC_PENALISED) s->penalty = penalty(s, nn, c, real, fake, &r);
}

static void generator_losses(zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c, const zt_gan_made *made) {
    zt_node *fake = seen(s, c, &s->of_made, made->video);
    const hearing f = hear(s, nn, c, fake, s->of_made.pick);
    hearing r = {0};
    if (s->real) r = hear(s, nn, c, seen(s, c, &s->of_real, s->real), s->of_real.pick);
    for (int k = 0; k < f.n; k++)
        s->loss = plus(s->loss, zt_gan_generator_loss((zt_gan_loss)c->gan.loss, s->real ? r.of[k].score : NULL, f.of[k].score));
    s->category = c->gan.categories ? category_loss(s, &f, NULL) : NULL;
    s->penalty = made->penalty;
}

/* Everything this side pays; nn->update: only the states of this side's layers change. */
static zt_node *build_losses(zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c) {
    const zt_gan_made made = c->net.gan->generate(nn, c->net.cfg, &s->size, s->z, true);
    zt_node *of_generator = nn->update;
    double weight = 1;
    nn->update = NULL;
    if (s->side == ZT_GAN_GENERATOR) {
        generator_losses(s, nn, c, &made);
        nn->update = of_generator;
    } else {
        critic_losses(s, nn, c, made.video);
        weight = c->gan.penalty_weight * (double)c->gan.penalty_every * (c->gan.penalty == ZT_GAN_R1 ? 0.5 : 1);
    }
    zt_node *sum = s->loss;
    if (s->penalty) sum = zt_add(sum, zt_affine(s->penalty, weight, 0));
    if (s->category) sum = zt_add(sum, zt_affine(s->category, c->gan.category_weight, 0));
    return sum;
}

/* ---- the plan ----------------------------------------------------------------------------------------------------- */
/* Room for what the layers of the averaged generator remember: zt_gan_settle finds it. */
static void make_room(zt_gan_graph *s, zt_tset *states) {
    const int size = zt_graph_size(s->g);
    for (int id = 0; id < size; id++) {
        zt_node *x = zt_graph_node(s->g, id);
        if (x->role == ZT_STATE && strncmp(x->name, "generator.", 10) == 0) zt_optimise_state(s->g, states, "ema.", x);
    }
}

static zt_err build_update(zt_gan_graph *s, zt_nn *nn, const zt_train_cfg *c, zt_tset *states, zt_node *sum, zt_node **out,
                           int *n_out) {
    const bool generator = s->side == ZT_GAN_GENERATOR;
    const char *prefix = generator ? "generator." : "critic.";
    const zt_steps_cfg k = zt_gan_steps(c, s->side);
    const int n = zt_list_params(s->g, prefix, NULL);
    zt_node **param = zt_graph_alloc(s->g, (size_t)(2 * n + 1) * sizeof *param), **grad = param + n;
    zt_err e = zt_graph_error(s->g);
    if (e != ZT_OK) return e;
    zt_list_params(s->g, prefix, param);
    if ((e = zt_grad(sum, n, param, grad)) != ZT_OK) return e;
    const int first = zt_graph_size(s->g);
    e = zt_optimise_build(&s->opt, s->g, states, &k, generator, n, param, grad, out + *n_out);
    *n_out += generator ? 2 * n : n;
    if (nn->update) out[(*n_out)++] = nn->update;
    if (generator) make_room(s, states);
    s->flops = -zt_flops_from(s->g, first);
    return e != ZT_OK ? e : zt_graph_error(s->g);
}

zt_err zt_gan_graph_create(zt_gan_graph *s, zt_gan_side side, const zt_train_cfg *c, zt_tset *params, zt_tset *states, bool dry) {
    *s = (zt_gan_graph){.side = side};
    int n_out = 0;
    zt_node **out = NULL;
    zt_err e;
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, zt_precision_multiply(c->run.precision));
    zt_nn nn = {.g = s->g, .params = params, .states = states, .seed = (uint64_t)c->run.seed, .recompute = c->train.recompute};
    make_inputs(s, c);
    zt_node *sum = build_losses(s, &nn, c);
    ZT_TRY(e = zt_graph_error(s->g), done);
    out = zt_alloc_array((size_t)zt_graph_size(s->g) + 16, sizeof *out);      /* a few for each leaf */
    e = out ? build_update(s, &nn, c, states, sum, out, &n_out) : ZT_NOMEM;
    ZT_TRY(e, done);
    zt_node *const figures[] = {s->opt.norm, s->loss, s->above_real, s->above_made, s->penalty, s->category};
    for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
        if (figures[k]) out[n_out++] = figures[k];
    const char *missing = zt_graph_keep_f32(s->g, c->run.f32_scopes);
    if (missing) {
        e = zt_fail(ZT_CONFIG, "f32_scopes: this model has no part '%.*s'", (int)strcspn(missing, ","), missing);
        goto done;
    }
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states, .dry = dry,
                             .choices = c->choices};
    ZT_TRY(e = zt_plan_create(&s->plan, s->g, n_out, out, &cfg), done);
    s->flops += zt_plan_get_info(s->plan)->flops;
done:
    zt_free(out);
    if (e != ZT_OK) zt_gan_graph_finish(s);
    return e;
}

void zt_gan_graph_finish(zt_gan_graph *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    *s = (zt_gan_graph){0};
}

int64_t zt_gan_graph_bytes(const zt_gan_graph *s) {
    return s->plan ? zt_plan_bytes(s->plan) : 0;
}

/* ---- feeding ------------------------------------------------------------------------------------------------------ */
bool zt_gan_generator_looks(const zt_train_cfg *c) {
    return c->gan.loss == ZT_GAN_RELATIVISTIC || zt_net_from_frame(&c->net);
}

void zt_gan_graph_show(zt_gan_graph *s, const zt_train_cfg *c, const uint8_t *rgb) {
    const int64_t T = s->size.frames, frame = c->net.height * c->net.width * ZT_RGB;
    const float *times = s->size.times ? s->size.times->x : NULL;
    for (int64_t k = 0; s->real && k < c->train.batch * T; k++) {
        const int64_t at = k / T * c->net.frames + (times ? (int64_t)times[k] : k % T);
        zt_rgb_to_floats(rgb + at * frame, (float *)s->real->x + k * frame, frame);
    }
    for (int k = 0; k < s->n_z; k++)
        if (s->latent[k].draw == ZT_GAN_FRAME) zt_gan_first_frames(&c->net, c->train.batch, rgb, s->z[k]->x);
}

/* `frames` of the whole numbers 0..span-1, in order, all choices equally likely (selection sampling, Knuth, TAOCP 3.4.2 S). */
static void draw_times(zt_rng *r, int64_t frames, int64_t span, float *times) {
    int64_t taken = 0;
    for (int64_t t = 0; taken < frames; t++)
        if (zt_rng_int(r, 0, span - t - 1) < frames - taken) times[taken++] = (float)t;
}

static void draw_sight(const zt_gan_sight *how, int64_t frames, const zt_train_cfg *c, zt_rng *r, uint64_t stream) {
    const int64_t B = c->train.batch;
    if (!how->pick) return;
    int32_t *pick = how->pick->x;                         /* NULL: no critic of this model looks at single frames */
    for (int64_t b = 0; pick && b < B; b++) pick[b] = (int32_t)zt_rng_int(r, 0, frames - 1);
    if (how->augment) zt_gan_augment_draw(r, B, c->net.height, c->net.width, how->augment->x);
    if (how->noise) zt_fill_normal((uint64_t)c->run.seed, stream, how->noise->x, zt_numel(&how->noise->sh));
}

void zt_gan_graph_draw(zt_gan_graph *s, const zt_train_cfg *c, uint64_t number, double sigma) {
    const uint64_t seed = (uint64_t)c->run.seed, stream = number * STREAMS;
    zt_rng r = zt_rng_init(seed, stream + SMALL);
    for (int k = 0; k < s->n_z; k++) {
        const int64_t classes = zt_last(&s->latent[k].sh);
        float *x = s->z[k]->x;
        if (s->latent[k].draw == ZT_GAN_FRAME) continue;
        zt_gan_draw_codes(s->latent[k].draw, seed, stream + (uint64_t)k, x, zt_numel(&s->latent[k].sh));
        if (s->latent[k].draw != ZT_GAN_CATEGORY) continue;
        for (int64_t b = 0; b < c->train.batch; b++) x[b * classes + zt_rng_int(&r, 0, classes - 1)] = 1;
    }
    draw_sight(&s->of_made, s->size.frames, c, &r, stream + NOISE_OF_MADE);
    draw_sight(&s->of_real, s->size.frames, c, &r, stream + NOISE_OF_REAL);
    if (s->sigma) *(float *)s->sigma->x = (float)sigma;
    for (int64_t b = 0; s->size.times && b < c->train.batch; b++)
        draw_times(&r, s->size.frames, s->size.span, (float *)s->size.times->x + b * s->size.frames);
    for (int64_t b = 0; s->mix && b < c->train.batch; b++) ((float *)s->mix->x)[b] = (float)zt_rng_uniform(&r);
}
