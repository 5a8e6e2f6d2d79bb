/* tgan.c - TGAN: a generator of codes over time, and one of pictures from those codes.
 * Paper: Saito, Matsumoto & Saito 2017, "Temporal Generative Adversarial Nets with Singular Value Clipping", arXiv:1611.06624
 * (section 3, table 1); the repository pfnet-research/tgan was read for sizes. The temporal generator turns z_slow into a code
 * z_fast for each frame by 1-D transposed convolutions; the image generator makes every frame of z_slow and its z_fast by 2-D
 * ones. Only the critic sees time and space together (3-D).
 *   z_slow [B,latent] uniform in [-1,1]  ->  z_fast [B,T,latent]  ->  video [B,T,H,W,3];  critic: video -> scores [B,T/2^n,1]
 * n = number of halvings down to 4x4. Wasserstein losses want a critic of bounded slope: singular value clipping applies to
 * every weight of scope "critic" with more than one axis (down*.weight as [kt kh kw Ci, out], out.weight): singular values
 * above 1 become 1. The gain norm*.weight of a batch norm is clipped to [0.01 s, s], s the square root of the state norm*.var
 * beside it (section 4). Biases are free, and so is the generator. */
#include <stdio.h>
#include "models/gan_layers.h"

typedef struct tgan_cfg { int64_t width, temporal_width, critic_width, latent; int critic_norm; } tgan_cfg;

static const zt_opt options[] = {
    {"width", ZT_OPT_INT, ZT_OPT_AT(tgan_cfg, width), "256", 1, 2048, NULL, 0,
     "channels at 4x4 of each of z_slow and z_fast, halved at each finer level from there"},
    {"temporal_width", ZT_OPT_INT, ZT_OPT_AT(tgan_cfg, temporal_width), "512", 4, 4096, NULL, 0,
     "channels of the temporal generator at one frame; half as many at 2, a quarter from 4 on"},
    {"critic_width", ZT_OPT_INT, ZT_OPT_AT(tgan_cfg, critic_width), "64", 1, 512, NULL, 0,
     "channels of the critic's first layer, doubled at each coarser level"},
    {"latent", ZT_OPT_INT, ZT_OPT_AT(tgan_cfg, latent), "100", 1, 4096, NULL, 0, "numbers of z_slow, and of each z_fast"},
    {"critic_norm", ZT_OPT_ENUM, ZT_OPT_AT(tgan_cfg, critic_norm), "batch", 0, 0, ZT_GAN_NORM_CHOICES, 0, ZT_GAN_NORM_DOC},
};

static zt_err check(const void *cfg, const zt_gan_size *size) {
    const tgan_cfg *k = cfg;
    const zt_err e = zt_gan_check_halving("tgan", size, true);
    if (e != ZT_OK) return e;
    if (size->frames & (size->frames - 1))
        return zt_fail(ZT_CONFIG, "model tgan: clips of %lld frames; its temporal generator doubles one code until there are "
                       "enough: want 8, 16, 32 or another power of two", (long long)size->frames);
    const int64_t parts = (int64_t)1 << (zt_gan_levels(size) - 1);
    if (k->width % parts)
        return zt_fail(ZT_CONFIG, "model.width=%lld is halved %d times for frames of %lldx%lld: want a multiple of %lld",
                       (long long)k->width, zt_gan_levels(size) - 1, (long long)size->height, (long long)size->width,
                       (long long)parts);
    return ZT_OK;
}

static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    const tgan_cfg *k = cfg;
    (void)size;
    z[0] = (zt_gan_latent){"z_slow", zt_sh(b, k->latent), ZT_GAN_UNIFORM, ZT_GAN_CONTENT};
    return 1;
}

/* z_slow [B,K] -> z_fast [B,T,K] in (-1,1), by way of 1, 2, 4 .. frames. The norms have no bias. */
static zt_node *temporal(zt_nn *nn, zt_node *z, int64_t T, const tgan_cfg *k, bool training) {
    const int64_t width[3] = {k->temporal_width, k->temporal_width / 2, k->temporal_width / 4};
    const zt_batch_norm_cfg norm = {.eps = 1e-5, .no_bias = true};
    const int64_t B = z->sh.d[0];
    char name[16];
    zt_push(nn->g, "temporal");
    zt_node *x = zt_reshape(zt_linear_nobias(nn, "in", z, width[0], ZT_INIT_KAIMING), zt_sh(B, 1, 1, 1, width[0]));
    for (int i = 0; x->sh.d[1] < T; i++) {
        snprintf(name, sizeof name, "norm%d", i);
        x = zt_relu(zt_batch_norm_with(nn, name, x, training, &norm));
        const bool last = 2 * x->sh.d[1] == T;
        snprintf(name, sizeof name, "up%d", i + 1);
        x = zt_gan_double(nn, name, x, ZT_GAN_TIME, last ? k->latent : width[i + 1 < 2 ? i + 1 : 2], ZT_INIT_KAIMING, last);
        if (zt_graph_error(nn->g) != ZT_OK) break;                     /* the dead node does not grow */
    }
    zt_pop(nn->g);
    return zt_reshape(zt_tanh(x), zt_sh(B, T, k->latent));
}

/* A code [N,K] as a picture [N,h,w,width]. */
static zt_node *unfold(zt_nn *nn, const char *name, zt_node *code, int64_t h, int64_t w, const tgan_cfg *k, bool training) {
    zt_push(nn->g, "%s", name);
    zt_node *x = zt_linear_nobias(nn, "in", code, h * w * k->width, ZT_INIT_KAIMING);
    x = zt_relu(zt_batch_norm(nn, "norm", x, training));               /* statistics of each place and channel */
    zt_pop(nn->g);
    return zt_reshape(x, zt_sh(code->sh.d[0], h, w, k->width));
}

/* Frames of z_slow [B,K] and z_fast [B,T,K]. */
static zt_node *image(zt_nn *nn, zt_node *slow, zt_node *fast, const zt_gan_size *s, const tgan_cfg *k, bool training) {
    const int n = zt_gan_levels(s);
    const int64_t B = slow->sh.d[0], T = fast->sh.d[1], h = s->height >> n, w = s->width >> n, C = k->width;
    char name[16];
    zt_push(nn->g, "image");
    zt_node *a = zt_reshape(unfold(nn, "slow", slow, h, w, k, training), zt_sh(B, 1, h, w, C));
    zt_node *b = zt_reshape(unfold(nn, "fast", zt_reshape(fast, zt_sh(B * T, k->latent)), h, w, k, training),
                            zt_sh(B, T, h, w, C));
    zt_node *x = zt_concat(4, 2, (zt_node *const[]){zt_broadcast_to(a, b->sh), b});                        /* [B,T,h,w,2C] */
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "up%d", i);
        x = zt_gan_double(nn, name, x, ZT_GAN_SPACE, C >> i, ZT_INIT_NORMAL02, false);
        snprintf(name, sizeof name, "norm%d", i);
        x = zt_relu(zt_batch_norm(nn, name, x, training));
    }
    x = zt_tanh(zt_conv_same(nn, "out", x, 1, 3, 3, 3, ZT_INIT_KAIMING));                                  /* [B,T,H,W,3] */
    zt_pop(nn->g);
    return x;
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    zt_push(nn->g, "generator");
    zt_node *fast = temporal(nn, z[0], size->frames, cfg, training);
    const zt_gan_made made = {.video = image(nn, z[0], fast, size, cfg, training)};
    zt_pop(nn->g);
    return made;
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    const tgan_cfg *k = cfg;
    const zt_gan_critic c = {.width = k->critic_width, .axes = ZT_GAN_SPACE_TIME, .norm = (zt_gan_norm)k->critic_norm,
                             .eps = 1e-5, .init = ZT_INIT_NORMAL02, .each_time = true};
    (void)pick;
    zt_push(nn->g, "critic");
    verdict[0] = (zt_gan_verdict){.score = zt_gan_halving_critic(nn, size, video, training, &c)};
    zt_pop(nn->g);
    return 1;
}

const zt_gan_def zt_gan_tgan = {
    .name = "tgan",
    .doc = "codes over time by 1-D convolutions, frames from them by 2-D ones (TGAN, arXiv:1611.06624)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(tgan_cfg),
    .check = check,
    .latents = latents,
    .generate = generate,
    .judge = judge};
