/* bench_nets.c - two generator and critic pairs, a causal VAE and a convolutional U-Net as graphs; bench/pytorch/models.py has
 * the first pair and the VAE. Run by tests/cli/test_bench.sh. */
#include "cli/bench_nets.h"
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "models/gan.h"

/* ---- MoCoGAN's image generator and video critic ------------------------------------------------------------------- */
/* [B,1,H,W,C] -> out channels, 4x4, doubling height and width; the first layer makes 4x4 of 1x1. */
static zt_node *grow(zt_nn *nn, const char *name, zt_node *x, int64_t out, bool first) {
    const int stride = first ? 1 : 2, pad = first ? 0 : 1;
    const zt_conv_cfg c = {.stride = {1, stride, stride}, .pad_before = {0, pad, pad}, .pad_after = {0, pad, pad}};
    zt_push(nn->g, "%s", name);
    zt_node *y = zt_conv_transpose(x, zt_nn_param(nn, "weight", zt_sh(1, 4, 4, out, zt_last(&x->sh)), ZT_INIT_NORMAL02), NULL, &c,
                                   NULL);
    zt_pop(nn->g);
    return y;
}
static zt_node *generator(zt_nn *nn, zt_node *z, bool training) {
    static const int64_t width[4] = {512, 256, 128, 64};
    char name[16];
    zt_push(nn->g, "generator");
    zt_node *x = z;
    for (int k = 0; k < 4; k++) {
        snprintf(name, sizeof name, "up%d", k);
        x = grow(nn, name, x, width[k], k == 0);
        snprintf(name, sizeof name, "norm%d", k);
        x = zt_relu(zt_batch_norm(nn, name, x, training));
    }
    x = zt_tanh(grow(nn, "out", x, 3, false));
    zt_pop(nn->g);
    return x;
}

static zt_node *shrink(zt_nn *nn, const char *name, zt_node *x, int64_t out, bool last) {
    const int stride = last ? 1 : 2, pad = last ? 0 : 1;
    const zt_conv_cfg c = {.stride = {1, stride, stride}, .pad_before = {0, pad, pad}, .pad_after = {0, pad, pad}};
    zt_push(nn->g, "%s", name);
    zt_node *y = zt_conv(x, zt_nn_param(nn, "weight", zt_sh(4, 4, 4, zt_last(&x->sh), out), ZT_INIT_NORMAL02), NULL, &c);
    zt_pop(nn->g);
    return y;
}
static zt_node *critic(zt_nn *nn, zt_node *x) {                                /* [B,16,64,64,3] -> [B,1,1,1,1] */
    static const int64_t width[4] = {64, 128, 256, 512};
    char name[16];
    zt_push(nn->g, "critic");
    for (int k = 0; k < 4; k++) {
        snprintf(name, sizeof name, "down%d", k);
        x = shrink(nn, name, x, width[k], false);
        snprintf(name, sizeof name, "norm%d", k);
        if (k) x = zt_batch_norm(nn, name, x, true);
        x = zt_leaky_relu(x, 0.2);
    }
    x = shrink(nn, "out", x, 1, true);
    zt_pop(nn->g);
    return x;
}

static zt_node *latents(zt_nn *nn, int64_t clips) {                            /* one for each frame */
    return zt_input(nn->g, "z", ZT_F32, zt_sh(clips * 16, 1, 1, 1, 66));
}
static int gan_losses(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]) {
    zt_node *real = zt_input(nn->g, "real", ZT_F32, zt_sh(clips, 16, 64, 64, 3));
    zt_node *fake = zt_reshape(generator(nn, latents(nn, clips), true), real->sh);
    zt_node *score = critic(nn, zt_concat(0, 2, (zt_node *const[]){fake, real}));
    zt_node *of_fake = zt_slice(score, 0, 0, clips), *of_real = zt_slice(score, 0, clips, clips);
    out[0] = (zt_bench_loss){zt_hinge_generator(of_fake), "generator."};
    out[1] = (zt_bench_loss){zt_hinge_discriminator(of_real, of_fake), "critic."};
    return 2;
}
static zt_node *gan_sample(zt_nn *nn, int64_t clips) { return generator(nn, latents(nn, clips), false); }
const zt_bench_net zt_bench_gan = {.losses = gan_losses, .sample = gan_sample};

/* ---- TGAN ---------------------------------------------------------------------------------------------------------- */
enum { CFG_MAX = 256 };                                                        /* bytes of the pair's options */

static const zt_gan_def *tgan_defaults(zt_nn *nn, int64_t cfg[CFG_MAX / 8]) {
    const zt_gan_def *d = zt_gan_find("tgan");
    if (!d || d->cfg_size > CFG_MAX) {
        zt_graph_fail(nn->g, zt_fail(ZT_INTERNAL, "this build has no tgan, or its options need more room"));
        return NULL;
    }
    zt_opt_defaults(d->opts, cfg);
    return d;
}
static const zt_gan_size tgan_size = {.frames = 16, .height = 64, .width = 64};

static zt_node *tgan_generate(zt_nn *nn, int64_t clips, bool training) {
    int64_t cfg[CFG_MAX / 8];
    zt_gan_latent latent[ZT_GAN_LATENTS];
    const zt_gan_def *d = tgan_defaults(nn, cfg);
    if (!d) return zt_scalar(nn->g, 0);
    d->latents(cfg, &tgan_size, clips, latent);
    zt_node *z = zt_input(nn->g, latent[0].name, ZT_F32, latent[0].sh);
    return d->generate(nn, cfg, &tgan_size, &z, training).video;
}
static zt_node *tgan_sample(zt_nn *nn, int64_t clips) { return tgan_generate(nn, clips, false); }

static int tgan_losses(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]) {
    int64_t cfg[CFG_MAX / 8];
    zt_gan_verdict v[ZT_GAN_CRITICS];
    const zt_gan_def *d = tgan_defaults(nn, cfg);
    if (!d) return 0;
    zt_node *fake = tgan_generate(nn, clips, true), *real = zt_input(nn->g, "real", ZT_F32, fake->sh);
    d->judge(nn, cfg, &tgan_size, zt_concat(0, 2, (zt_node *const[]){fake, real}), NULL, true, v);
    zt_node *of_fake = zt_mean(zt_slice(v[0].score, 0, 0, clips)), *of_real = zt_mean(zt_slice(v[0].score, 0, clips, clips));
    out[0] = (zt_bench_loss){zt_neg(of_fake), "generator."};
    out[1] = (zt_bench_loss){zt_sub(of_fake, of_real), "critic."};
    return 2;
}
const zt_bench_net zt_bench_tgan = {.losses = tgan_losses, .sample = tgan_sample};

/* ---- causal VAE ---------------------------------------------------------------------------------------------------- */
static zt_node *causal(zt_nn *nn, const char *name, zt_node *x, int64_t out, int time_stride, int stride) {
    const zt_conv_cfg c = {.stride = {time_stride, stride, stride}, .pad_before = {2, 1, 1}, .pad_after = {0, 1, 1}};
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(3, 3, 3, zt_last(&x->sh), out), ZT_INIT_KAIMING);
    zt_node *y = zt_conv(x, w, zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO), &c);
    zt_pop(nn->g);
    return y;
}
static zt_node *residual(zt_nn *nn, const char *name, zt_node *x) {
    const int64_t C = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    zt_node *h = causal(nn, "conv1", zt_norm_silu(nn, "norm1", x, NULL, NULL), C, 1, 1);
    h = causal(nn, "conv2", zt_norm_silu(nn, "norm2", h, NULL, NULL), C, 1, 1);
    zt_pop(nn->g);
    return zt_add(x, h);
}

enum { VAE_LEVELS = 4, LATENT = 8 };
static const int64_t vae_width[VAE_LEVELS] = {48, 96, 192, 192};
static const int vae_time[VAE_LEVELS - 1] = {1, 2, 2};                          /* frames per frame of the next level */

static zt_node *decoder(zt_nn *nn, zt_node *h) {
    char name[24];
    h = causal(nn, "decoder.in", h, vae_width[VAE_LEVELS - 1], 1, 1);
    for (int k = VAE_LEVELS - 1; k >= 0; k--) {
        snprintf(name, sizeof name, "decoder.res%d", k);
        h = residual(nn, name, h);
        snprintf(name, sizeof name, "decoder.up%d", k);
        if (k) h = causal(nn, name, zt_upsample(h, vae_time[k - 1], 2, 2), vae_width[k - 1], 1, 1);
    }
    return causal(nn, "decoder.out", zt_norm_silu(nn, "decoder.norm", h, NULL, NULL), 3, 1, 1);
}

static int vae_losses(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]) {
    zt_node *x = zt_input(nn->g, "x", ZT_F32, zt_sh(clips, 16, 128, 128, 3)), *half[2];
    char name[24];
    zt_node *h = causal(nn, "encoder.in", x, vae_width[0], 1, 1);
    for (int k = 0; k < VAE_LEVELS; k++) {
        snprintf(name, sizeof name, "encoder.res%d", k);
        h = residual(nn, name, h);
        snprintf(name, sizeof name, "encoder.down%d", k);
        if (k + 1 < VAE_LEVELS) h = causal(nn, name, h, vae_width[k + 1], vae_time[k], 2);
    }
    zt_chunk(causal(nn, "encoder.out", zt_norm_silu(nn, "encoder.norm", h, NULL, NULL), 2 * LATENT, 1, 1), 2, half);
    zt_node *noise = zt_input(nn->g, "noise", ZT_F32, half[0]->sh);
    h = decoder(nn, zt_add(half[0], zt_mul(zt_exp(zt_affine(half[1], 0.5, 0)), noise)));
    zt_node *kl = zt_kl_normal(half[0], half[1]);
    out[0] = (zt_bench_loss){zt_add(zt_mse_loss(h, x), zt_affine(kl, 1e-6, 0)), ""};
    return 1;
}
static zt_node *vae_sample(zt_nn *nn, int64_t clips) {
    return decoder(nn, zt_input(nn->g, "latent", ZT_F32, zt_sh(clips, 4, 16, 16, LATENT)));
}
const zt_bench_net zt_bench_vae = {.losses = vae_losses, .sample = vae_sample};

/* ---- U-Net of convolutions alone ----------------------------------------------------------------------------------- */
enum { PILOT_LEVELS = 3, PILOT_BLOCKS = 2 };
static const int64_t pilot_width[PILOT_LEVELS] = {64, 128, 256};

static zt_node *flat(zt_nn *nn, const char *name, zt_node *x, int64_t out) {   /* GroupNorm, SiLU, 1x3x3 */
    zt_push(nn->g, "%s", name);
    zt_node *y = zt_conv_same(nn, "conv", zt_norm_silu(nn, "norm", x, NULL, NULL), 1, 3, 3, out, ZT_INIT_KAIMING);
    zt_pop(nn->g);
    return y;
}
static zt_node *pilot_block(zt_nn *nn, const char *name, int number, zt_node *x, int64_t width) {
    zt_push(nn->g, "%s.%d", name, number);
    zt_node *h = flat(nn, "b", flat(nn, "a", x, width), width);
    if (zt_last(&x->sh) != width) x = zt_linear(nn, "skip", x, width, ZT_INIT_KAIMING);
    x = zt_add(x, h);
    x = zt_add(x, zt_conv_same(nn, "time", zt_norm_silu(nn, "norm_t", x, NULL, NULL), 3, 1, 1, width, ZT_INIT_KAIMING));
    zt_pop(nn->g);
    return x;
}
static zt_node *halved(zt_nn *nn, const char *name, zt_node *x) {              /* 1x3x3 of stride (1,2,2) */
    const zt_conv_cfg c = {.stride = {1, 2, 2}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};
    const int64_t width = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(1, 3, 3, width, width), ZT_INIT_KAIMING);
    zt_node *y = zt_conv(x, w, zt_nn_param(nn, "bias", zt_sh(width), ZT_INIT_ZERO), &c);
    zt_pop(nn->g);
    return y;
}

static zt_node *pilot_sample(zt_nn *nn, int64_t clips) {                       /* [B,16,64,64,3] -> the same */
    zt_node *x = zt_input(nn->g, "noisy", ZT_F32, zt_sh(clips, 16, 64, 64, 3)), *skip[PILOT_LEVELS][PILOT_BLOCKS];
    char name[16];
    x = zt_conv_same(nn, "in", x, 1, 3, 3, pilot_width[0], ZT_INIT_KAIMING);
    for (int k = 0; k < PILOT_LEVELS; k++) {
        snprintf(name, sizeof name, "down%d", k);
        for (int b = 0; b < PILOT_BLOCKS; b++) skip[k][b] = x = pilot_block(nn, name, b, x, pilot_width[k]);
        snprintf(name, sizeof name, "shrink%d", k);
        if (k + 1 < PILOT_LEVELS) x = halved(nn, name, x);
    }
    x = pilot_block(nn, "mid", 0, x, pilot_width[PILOT_LEVELS - 1]);
    for (int k = PILOT_LEVELS - 1; k >= 0; k--) {
        snprintf(name, sizeof name, "up%d", k);
        for (int b = PILOT_BLOCKS - 1; b >= 0; b--) {
            x = zt_concat(4, 2, (zt_node *const[]){x, skip[k][b]});
            x = pilot_block(nn, name, b, x, pilot_width[k]);
        }
        snprintf(name, sizeof name, "grow%d", k);
        if (k) x = zt_conv_same(nn, name, zt_upsample(x, 1, 2, 2), 1, 3, 3, pilot_width[k], ZT_INIT_KAIMING);
    }
    return flat(nn, "out", x, 3);
}
static int pilot_losses(zt_nn *nn, int64_t clips, zt_bench_loss out[ZT_BENCH_LOSSES]) {
    zt_node *y = pilot_sample(nn, clips);
    out[0] = (zt_bench_loss){zt_mse_loss(y, zt_input(nn->g, "target", ZT_F32, y->sh)), ""};
    return 1;
}
const zt_bench_net zt_bench_pilot = {.losses = pilot_losses, .sample = pilot_sample};

/* ---- a step -------------------------------------------------------------------------------------------------------- */
enum { PARAMS_MAX = 512 };

static zt_node *state(zt_bench_step *s, const char *prefix, const zt_node *p) {
    char name[600];
    snprintf(name, sizeof name, "%s%.500s", prefix, p->name);
    const zt_err e = zt_tset_add(&s->states, name, ZT_F32, p->sh, NULL);
    return e != ZT_OK ? zt_graph_fail(s->g, e) : zt_state(s->g, name, p->sh);
}

/* Gradients of one loss and AdamW on its parameters; the nodes are appended to out[]. */
static zt_err train_on(zt_bench_step *s, const zt_bench_loss *l, zt_node *hyper, zt_node **out, int *n_out) {
    zt_node *p[PARAMS_MAX], *g[PARAMS_MAX];
    int n = 0;
    for (int id = 0; id < zt_graph_size(s->g); id++) {
        zt_node *x = zt_graph_node(s->g, id);
        if (x->role != ZT_PARAM || strncmp(x->name, l->prefix, strlen(l->prefix)) != 0) continue;
        if (n == PARAMS_MAX) return zt_fail(ZT_INTERNAL, "more than %d parameters", PARAMS_MAX);
        p[n++] = x;
    }
    const zt_err e = zt_grad(l->loss, n, p, g);
    if (e != ZT_OK) return e;
    zt_node *norm = zt_global_norm(n, g);
    for (int k = 0; k < n; k++)
        out[(*n_out)++] = zt_adamw(p[k], state(s, "m.", p[k]), state(s, "v.", p[k]), g[k], hyper, norm, p[k]->sh.n > 1);
    return zt_graph_error(s->g);
}

zt_err zt_bench_step_plan(zt_bench_step *s, int n_out, zt_node *const *out) {
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &s->params, .states = &s->states,
                             .choices = s->choices.tune ? &s->choices : NULL};
    const zt_err e = zt_plan_create(&s->plan, s->g, n_out, out, &cfg);
    for (int id = 0; e == ZT_OK && id < zt_graph_size(s->g); id++) {
        zt_node *x = zt_graph_node(s->g, id);
        if (x->role != ZT_INPUT || !x->x) continue;
        if (strcmp(x->name, "hyper") == 0)
            memcpy(x->x, (const float[]){1e-5f, 0.9f, 0.99f, 1e-8f, 0, 1, 1, 0}, 8 * sizeof(float));
        else if (x->dtype == ZT_F32) zt_fill_normal(1, (uint64_t)id, x->x, zt_numel(&x->sh));
        for (int64_t k = 0; x->dtype == ZT_I32 && k < zt_numel(&x->sh); k++) ((int32_t *)x->x)[k] = (int32_t)(k % 16);
    }
    if (e == ZT_OK) s->flops = zt_plan_get_info(s->plan)->flops;
    return e;
}

zt_err zt_bench_step_create(zt_bench_step *s, const zt_bench_net *net, int64_t clips, bool train, zt_dtype multiply) {
    zt_bench_loss loss[ZT_BENCH_LOSSES];
    zt_node *out[2 * PARAMS_MAX + ZT_BENCH_LOSSES + 1];
    int n_out = 0;
    zt_err e = zt_graph_create(&s->g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(s->g, multiply);
    zt_nn nn = {.g = s->g, .params = &s->params, .seed = 1, .states = &s->states};
    if (!train) {
        out[n_out++] = net->sample(&nn, clips);
        return zt_bench_step_plan(s, n_out, out);
    }
    const int n = net->losses(&nn, clips, loss);
    zt_node *hyper = zt_input(s->g, "hyper", ZT_F32, zt_sh(8));
    e = zt_graph_error(s->g);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        out[n_out++] = loss[k].loss;
        e = train_on(s, &loss[k], hyper, out, &n_out);
    }
    if (nn.update) out[n_out++] = nn.update;
    return e != ZT_OK ? e : zt_bench_step_plan(s, n_out, out);
}

void zt_bench_step_finish(zt_bench_step *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    zt_tset_finish(&s->params);
    zt_tset_finish(&s->states);
    zt_choices_finish(&s->choices);
}
