/* videogan_flow.c - flow and texture by two generators of 2-D convolutions, put together by warping.
 * Hierarchy of flow and texture as in Ohnishi et al. 2018, "Hierarchical Video Generation from Orthogonal Information: Optical
 * Flow and Texture" (FTGAN), arXiv:1711.09618; the widths, and that frames are warped, are this project's. Three networks:
 *   flow      z_flow -> the motion of all T-1 steps at once, as channels of one picture, bounded by max_flow
 *   first     z_texture -> frame 0
 *   texture   a U-Net for each step: its flow and frame 0, z_texture at the bottom -> a picture r_t and a mask m_t
 *   frame t = m_t warp(frame t-1, flow_t) + (1 - m_t) r_t
 * warp = false: the same network with frame t-1 as it is in place of the warped one: what warping is worth. The generator pays
 * for rough flow (total variation) and for what warping does not explain (distance of frame t from the warped frame t-1).
 *   z_flow, z_texture [B,latent] N(0,1)  ->  video [B,T,H,W,3], views flow [B,T-1,H,W,2] pixels, mask [B,T,H,W,1]: the part taken
 *   from the frame before (frame 0: nothing)
 * Two critics of 2-D convolutions: one sees a frame, one all frames as channels. The paper's see the flow too; here real clips
 * come without one. With hinge losses their weights are spectrally normalised. n = number of halvings down to 4x4. */
#include <stdio.h>
#include "models/gan_layers.h"

typedef struct flow_cfg {
    int64_t width, latent;
    double max_flow, flow_penalty, warp_penalty;
    int warp, critic_norm;
} flow_cfg;

static const zt_opt options[] = {
    {"width", ZT_OPT_INT, ZT_OPT_AT(flow_cfg, width), "64", 2, 512, NULL, 0,
     "channels at half the size, doubled at each coarser level, in all networks"},
    {"latent", ZT_OPT_INT, ZT_OPT_AT(flow_cfg, latent), "100", 1, 4096, NULL, 0, "numbers of each of the two latent codes"},
    {"max_flow", ZT_OPT_REAL, ZT_OPT_AT(flow_cfg, max_flow), "4", 0.25, 64, NULL, 0, "largest motion, pixels per frame and axis"},
    {"flow_penalty", ZT_OPT_REAL, ZT_OPT_AT(flow_cfg, flow_penalty), "0.01", 0, 100, NULL, 0,
     "weight of the flow's total variation (pixels, mean over places) in the generator's loss"},
    {"warp_penalty", ZT_OPT_REAL, ZT_OPT_AT(flow_cfg, warp_penalty), "0.1", 0, 100, NULL, 0,
     "weight of the mean distance of each frame from the warped one before it"},
    {"warp", ZT_OPT_BOOL, ZT_OPT_AT(flow_cfg, warp), "true", 0, 0, NULL, 0, "false: the frame before is used without warping it"},
    {"critic_norm", ZT_OPT_ENUM, ZT_OPT_AT(flow_cfg, critic_norm), "spectral", 0, 0, ZT_GAN_NORM_CHOICES, 0, ZT_GAN_NORM_DOC},
};

static zt_err check(const void *cfg, const zt_gan_size *size) {
    (void)cfg;
    if (size->frames < 2)
        return zt_fail(ZT_CONFIG, "model videogan-flow: clips of %lld frames; flow needs at least 2", (long long)size->frames);
    return zt_gan_check_halving("videogan-flow", size, false);
}

static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    const flow_cfg *k = cfg;
    (void)size;
    z[0] = (zt_gan_latent){"z_flow", zt_sh(b, k->latent), ZT_GAN_NORMAL, ZT_GAN_MOTION};
    z[1] = (zt_gan_latent){"z_texture", zt_sh(b, k->latent), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    return 2;
}

/* A code as a picture [B,1,H,W,channels]. */
static zt_node *picture(zt_nn *nn, const char *name, zt_node *code, const zt_gan_size *s, int64_t channels, const flow_cfg *k,
                        bool training) {
    const int n = zt_gan_levels(s);
    zt_push(nn->g, "%s", name);
    zt_node *x = zt_gan_unfold(nn, code, 1, s->height >> n, s->width >> n, k->width << (n - 1), ZT_INIT_NORMAL02, training);
    x = zt_gan_grow(nn, x, ZT_GAN_SPACE, n - 1, ZT_INIT_NORMAL02, training);
    x = zt_tanh(zt_gan_double(nn, "out", x, ZT_GAN_SPACE, channels, ZT_INIT_NORMAL02, true));
    zt_pop(nn->g);
    return x;
}

/* [B,1,H,W,2(T-1)] -> [B,T-1,H,W,2] */
static zt_node *steps_of(zt_node *x, int64_t steps) {
    return zt_depth_to_space(x, (int)steps, 1, 1);
}

/* x [B,T-1,H,W,C], code [B,K] -> [B,T-1,H,W,4], with skips between equal sizes. */
static zt_node *unet(zt_nn *nn, zt_node *x, zt_node *code, int n, const flow_cfg *k, bool training) {
    zt_node *skip[16];
    char name[24];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "down%d", i);
        x = zt_gan_halve(nn, name, x, ZT_GAN_SPACE, k->width << i, ZT_INIT_NORMAL02, i == 0);
        snprintf(name, sizeof name, "down_norm%d", i);
        skip[i] = x = zt_leaky_relu(i ? zt_batch_norm(nn, name, x, training) : x, 0.2);
    }
    zt_node *c = zt_linear(nn, "code", code, zt_last(&x->sh), ZT_INIT_KAIMING);
    x = zt_add(x, zt_reshape(c, zt_sh(x->sh.d[0], 1, 1, 1, zt_last(&x->sh))));
    for (int i = n - 1; i > 0; i--) {
        snprintf(name, sizeof name, "up%d", i);
        x = zt_gan_double(nn, name, x, ZT_GAN_SPACE, k->width << (i - 1), ZT_INIT_NORMAL02, false);
        snprintf(name, sizeof name, "up_norm%d", i);
        x = zt_relu(zt_batch_norm(nn, name, x, training));
        x = zt_concat(4, 2, (zt_node *const[]){x, skip[i - 1]});
    }
    return zt_gan_double(nn, "out", x, ZT_GAN_SPACE, 4, ZT_INIT_NORMAL02, true);
}

/* Mean absolute difference of neighbours along an axis. */
static zt_node *roughness(zt_node *x, int axis) {
    const int64_t size = x->sh.d[axis];
    return zt_l1_loss(zt_slice(x, axis, 1, size - 1), zt_slice(x, axis, 0, size - 1));
}

/* Frames 1.. one after the other; *moved: the frame before, warped, for each. */
static zt_node *roll(zt_node *first, zt_node *flow, zt_node *painted, zt_node *keep, bool warp, zt_node **moved) {
    enum { MOST = 1024 };                                              /* frames; clips have no more (check) */
    zt_node *frame[MOST], *before[MOST];
    const int steps = (int)flow->sh.d[1];
    frame[0] = first;
    for (int t = 0; t < steps; t++) {
        before[t] = warp ? zt_warp(frame[t], zt_slice(flow, 1, t, 1), true) : frame[t];
        zt_node *r = zt_slice(painted, 1, t, 1), *m = zt_slice(keep, 1, t, 1);
        frame[t + 1] = zt_add(zt_mul(zt_sub(before[t], r), m), r);
    }
    *moved = zt_concat(1, steps, before);
    return zt_concat(1, steps + 1, frame);
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    const flow_cfg *k = cfg;
    const int64_t B = z[0]->sh.d[0], steps = size->frames - 1, H = size->height, W = size->width;
    zt_node *moved;
    zt_push(nn->g, "generator");
    zt_node *flow = steps_of(picture(nn, "flow", z[0], size, 2 * steps, k, training), steps);              /* of max_flow */
    zt_node *first = picture(nn, "first", z[1], size, 3, k, training);
    zt_push(nn->g, "texture");
    zt_node *seen = zt_concat(4, 2, (zt_node *const[]){flow, zt_broadcast_to(first, zt_sh(B, steps, H, W, 3))});
    zt_node *x = unet(nn, seen, z[1], zt_gan_levels(size), k, training);
    zt_pop(nn->g);
    zt_node *painted = zt_tanh(zt_slice(x, 4, 0, 3)), *keep = zt_sigmoid(zt_slice(x, 4, 3, 1));
    flow = zt_affine(flow, k->max_flow, 0);
    zt_node *video = roll(first, flow, painted, keep, k->warp, &moved);
    zt_node *rough = zt_affine(zt_add(roughness(flow, 2), roughness(flow, 3)), k->flow_penalty, 0);
    zt_node *new = zt_affine(zt_l1_loss(zt_slice(video, 1, 1, steps), moved), k->warp_penalty, 0);
    zt_pop(nn->g);
    return (zt_gan_made){.video = video, .penalty = zt_add(rough, new),
                         .view = {{"flow", flow}, {"mask", zt_pad(keep, 1, 1, 0)}, {"painted", zt_pad(painted, 1, 1, 0)}}};
}

/* A critic of pictures [B,1,H,W,C]: [B,1]. */
static zt_node *critic(zt_nn *nn, const char *name, const zt_gan_size *size, zt_node *x, bool training, const flow_cfg *k) {
    const zt_gan_critic c = {.width = k->width, .axes = ZT_GAN_SPACE, .norm = (zt_gan_norm)k->critic_norm, .eps = 1e-5,
                             .init = ZT_INIT_NORMAL02};
    zt_push(nn->g, "%s", name);
    x = zt_gan_halving_critic(nn, size, x, training, &c);
    zt_pop(nn->g);
    return x;
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    zt_node *frame = zt_gan_pick_frame(video, pick), *clip = zt_space_to_depth(video, (int)size->frames, 1, 1);
    zt_push(nn->g, "critic");
    verdict[0] = (zt_gan_verdict){.score = critic(nn, "frame", size, frame, training, cfg)};
    verdict[1] = (zt_gan_verdict){.score = critic(nn, "clip", size, clip, training, cfg)};
    zt_pop(nn->g);
    return 2;
}

const zt_gan_def zt_gan_videogan_flow = {
    .name = "videogan-flow",
    .doc = "flow and texture by 2-D convolutions, frames by warping (after FTGAN, arXiv:1711.09618)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(flow_cfg),
    .check = check,
    .latents = latents,
    .generate = generate,
    .judge = judge};
