/* mocogan.c - MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993): a content code that stays for the clip, a motion code that a GRU
 * makes of noise frame by frame, an optional category; one image generator makes each frame of its codes. A critic of images
 * looks at patches of one frame, a critic of videos at the whole clip, and may name its category. Values against PyTorch:
 * tests/models/test_gan_models.c. */
#include <math.h>
#include <stdio.h>
#include "models/gan_layers.h"

enum { KERNEL = 4, PATCH_LEVELS = 4, RGB = 3 };
typedef struct mocogan { int64_t width, critic_width, content, motion, memory; int critic_norm; } mocogan;

#define AT(field) ZT_OPT_AT(mocogan, field)
static const zt_opt options[] = {
    {"width", ZT_OPT_INT, AT(width), "64", 4, 512, NULL, 0, "channels next to the pixels; they double from level to level"},
    {"critic_width", ZT_OPT_INT, AT(critic_width), "0", 0, 512, NULL, 0, "the same in the critics; 0: as the generator"},
    {"content", ZT_OPT_INT, AT(content), "50", 1, 1024, NULL, 0, "numbers of the content code"},
    {"motion", ZT_OPT_INT, AT(motion), "10", 1, 1024, NULL, 0, "numbers of the motion code"},
    {"memory", ZT_OPT_INT, AT(memory), "0", 0, 4096, NULL, 0,
     "frames that the slowest number of the motion code remembers at first, others evenly fewer (biased gates, "
     "arXiv:1804.11188): motion goes on instead of coming to rest; below 2: as in the paper"},
    {"critic_norm", ZT_OPT_ENUM, AT(critic_norm), "batch", 0, 0, ZT_GAN_NORM_CHOICES, 0, ZT_GAN_NORM_DOC},
};

/* Times the picture halves until it is 4 pixels high. */
static int levels_of(int64_t side) {
    int n = 0;
    while (side > 4) {
        side /= 2;
        n++;
    }
    return n;
}

static zt_err check(const void *cfg, const zt_gan_size *s) {
    (void)cfg;
    const int n = levels_of(s->height);
    const int64_t least = 3 * n + 4;
    if (s->height != s->width || s->height != (int64_t)4 << n || n < 2 || n > 6)
        return zt_fail(ZT_CONFIG, "mocogan makes square clips of 16, 32, 64, 128 or 256 pixels; %lldx%lld was asked for",
                       (long long)s->width, (long long)s->height);
    if (s->frames < least)
        return zt_fail(ZT_CONFIG,
                       "mocogan at %lld pixels: its video critic needs clips of %lld frames or more, these have %lld; give "
                       "longer clips or data.frames, or smaller ones",
                       (long long)s->height, (long long)least, (long long)s->frames);
    return ZT_OK;
}

static int latents(const void *cfg, const zt_gan_size *s, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    const mocogan *c = cfg;
    z[0] = (zt_gan_latent){"z_content", zt_sh(b, c->content), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    z[1] = (zt_gan_latent){"z_motion_start", zt_sh(b, c->motion), ZT_GAN_NORMAL, ZT_GAN_MOTION};
    z[2] = (zt_gan_latent){"z_motion", zt_sh(b, s->frames, c->motion), ZT_GAN_NORMAL, ZT_GAN_MOTION};
    if (s->classes) z[3] = (zt_gan_latent){"z_category", zt_sh(b, s->classes), ZT_GAN_CATEGORY, ZT_GAN_MOTION};
    return s->classes ? 4 : 3;
}

/* ---- generator ---------------------------------------------------------------------------------------------------- */
/* 4x4 kernel: doubles height and width; the first layer makes 4x4 of 1x1. */
static zt_node *grow(zt_nn *nn, const char *name, zt_node *x, int64_t out, bool first) {
    const int stride = first ? 1 : 2, pad = first ? 0 : 1;
    const zt_conv_cfg c = {.stride = {1, stride, stride}, .pad_before = {0, pad, pad}, .pad_after = {0, pad, pad}};
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(1, KERNEL, KERNEL, out, zt_last(&x->sh)), ZT_INIT_NORMAL02);
    zt_pop(nn->g);
    return zt_conv_transpose(x, w, NULL, &c, NULL);
}

/* What is added to the terms of M update gates (Tallec & Ollivier 2018, arXiv:1804.11188, spread evenly instead of drawn): gate k
 * keeps 1 - 1/tau of its state a frame, tau evenly up to `memory`. */
static zt_node *keep_for(zt_nn *nn, int64_t memory, int64_t M) {
    double *term = zt_graph_alloc(nn->g, (size_t)M * sizeof *term);
    if (!term) return zt_graph_fail(nn->g, ZT_NOMEM);
    for (int64_t k = 0; k < M; k++) term[k] = log(1 + (double)(memory - 2) * (double)(k + 1) / (double)M);
    return zt_const(nn->g, zt_graph_real(nn->g), zt_sh(M), term);
}

/* Motion codes [B,T,M]: the hidden states of a GRU that noise drives. */
static zt_node *motion_codes(zt_nn *nn, const mocogan *c, zt_node *h, zt_node *noise) {
    const int64_t B = noise->sh.d[0], T = noise->sh.d[1], M = noise->sh.d[2];
    zt_node **step = zt_graph_alloc(nn->g, (size_t)T * sizeof *step);
    if (!step) return zt_graph_fail(nn->g, ZT_NOMEM);
    zt_node *keep = c->memory > 1 ? keep_for(nn, c->memory, M) : NULL;
    for (int64_t t = 0; t < T; t++) {
        h = zt_gru_cell(nn, "gru", zt_reshape(zt_slice(noise, 1, t, 1), zt_sh(B, M)), h, keep);
        step[t] = zt_reshape(h, zt_sh(B, 1, M));
    }
    return zt_concat(1, (int)T, step);
}

static zt_node *each_frame(zt_node *z, int64_t T) {                           /* [B,N] -> [B,T,N] */
    const int64_t B = z->sh.d[0], N = z->sh.d[1];
    return zt_broadcast_to(zt_reshape(z, zt_sh(B, 1, N)), zt_sh(B, T, N));
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *s, zt_node *const *z, bool training) {
    const mocogan *c = cfg;
    const int64_t B = z[0]->sh.d[0], T = s->frames;
    const int n = levels_of(s->height);
    char name[16];
    zt_push(nn->g, "generator");
    zt_node *const codes[] = {each_frame(z[0], T), motion_codes(nn, c, z[1], z[2]), s->classes ? each_frame(z[3], T) : NULL};
    zt_node *x = zt_concat(2, s->classes ? 3 : 2, codes);
    x = zt_reshape(x, zt_sh(B * T, 1, 1, 1, zt_last(&x->sh)));
    for (int k = 0; k < n; k++) {
        snprintf(name, sizeof name, "up%d", k);
        x = grow(nn, name, x, c->width << (n - 1 - k), k == 0);
        snprintf(name, sizeof name, "norm%d", k);
        x = zt_relu(zt_batch_norm(nn, name, x, training));
    }
    x = zt_tanh(grow(nn, "out", x, RGB, false));
    zt_pop(nn->g);
    return (zt_gan_made){.video = zt_reshape(x, zt_sh(B, T, s->height, s->width, RGB))};
}

/* ---- critics ------------------------------------------------------------------------------------------------------ */
/* 4x4 kernel, over `time` frames: halves height and width; flat: one value of 4x4 pixels, no padding. */
static zt_node *shrink(zt_nn *nn, const mocogan *c, const char *name, zt_node *x, int time, int64_t out, bool flat) {
    const int stride = flat ? 1 : 2, pad = flat ? 0 : 1;
    const zt_conv_cfg conv = {.stride = {1, stride, stride}, .pad_before = {0, pad, pad}, .pad_after = {0, pad, pad}};
    zt_push(nn->g, "%s", name);
    const zt_gan_norm norm = (zt_gan_norm)c->critic_norm;
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(time, KERNEL, KERNEL, zt_last(&x->sh), out),
                             zt_gan_norm_init(norm, ZT_INIT_NORMAL02));
    const bool biased = zt_gan_norm_wants_bias(norm);
    zt_node *bias = biased ? zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO) : NULL;
    if (norm == ZT_GAN_SPECTRAL_NORM) w = zt_spectral_norm(nn, "spectral", w);
    zt_pop(nn->g);
    return zt_conv(x, w, bias, &conv);
}

/* n layers that halve the picture, each followed by its norm (not the first) and a leaky ReLU. */
static zt_node *trunk(zt_nn *nn, const mocogan *c, zt_node *x, int time, int n, bool training) {
    char name[16];
    for (int k = 0; k < n; k++) {
        snprintf(name, sizeof name, "down%d", k);
        x = shrink(nn, c, name, x, time, (c->critic_width ? c->critic_width : c->width) << k, false);
        snprintf(name, sizeof name, "norm%d", k);
        if (k && c->critic_norm == ZT_GAN_BATCH_NORM) x = zt_batch_norm(nn, name, x, training);
        if (k && c->critic_norm == ZT_GAN_INSTANCE_NORM) x = zt_instance_norm(nn, name, x);
        x = zt_leaky_relu(x, 0.2);
    }
    return x;
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *s, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    const mocogan *c = cfg;
    const int64_t B = video->sh.d[0], K = s->classes;
    zt_push(nn->g, "critic");
    zt_push(nn->g, "image");
    zt_node *x = trunk(nn, c, zt_gan_pick_frame(video, pick), 1, PATCH_LEVELS - 1, training);
    verdict[0] = (zt_gan_verdict){.score = shrink(nn, c, "out", x, 1, 1, false)};
    zt_pop(nn->g);
    zt_push(nn->g, "video");
    x = trunk(nn, c, video, KERNEL, levels_of(s->height), training);
    x = shrink(nn, c, "out", x, KERNEL, 1 + K, true);                         /* [B,t,1,1,1+K] */
    verdict[1] = (zt_gan_verdict){.score = zt_slice(x, 4, 0, 1)};
    if (K) verdict[1].category = zt_reshape(zt_mean_to(zt_slice(x, 4, 1, K), zt_sh(B, 1, 1, 1, K)), zt_sh(B, K));
    zt_pop(nn->g);
    zt_pop(nn->g);
    return 2;
}

const zt_gan_def zt_gan_mocogan = {
    .name = "mocogan", .doc = "content and motion codes, critics of images and of videos (arXiv:1707.04993)",
    .opts = {options, sizeof options / sizeof *options}, .cfg_size = sizeof(mocogan),
    .check = check, .latents = latents, .generate = generate, .judge = judge,
};
