/* vgan.c - VGAN: a moving foreground over a still background.
 * Paper: Vondrick, Pirsiavash & Torralba 2016, "Generating Videos with Scene Dynamics", arXiv:1609.02612 (fig. 1, section 2.2);
 * the repository cvondrick/videogan was read for sizes. Two streams grow from one code, 3-D convolutions for foreground f and
 * mask m, 2-D ones for the background b:  video = m f + (1 - m) b.  A penalty on m leaves to the background what it can do.
 * Image to video (section 4.4): the code is a convolutional encoder's of the first frame, nothing is drawn, and the penalty is
 * the distance to that frame; all widths are doubled. streams = 1 is the paper's other generator, one stream for everything.
 *   z [B,latent] N(0,1), or the first frame [B,H,W,3]  ->  video [B,T,H,W,3];  critic: video -> score [B,1]
 * The paper's critic has two outputs under a softmax; their difference is this score. A convolution that a batch norm follows
 * has no bias here: the norm would take it away. n = number of halvings down to 4x4: it follows from the size. */
#include <stdio.h>
#include "models/gan_layers.h"

typedef struct vgan_cfg {
    int64_t width, streams, latent;
    double mask_penalty, frame_penalty;
    int first_frame, critic_norm;
} vgan_cfg;

static const zt_opt options[] = {
    {"width", ZT_OPT_INT, ZT_OPT_AT(vgan_cfg, width), "64", 1, 512, NULL, 0,
     "channels at half the size, doubled at each coarser level; the critic's first layer alike"},
    {"streams", ZT_OPT_INT, ZT_OPT_AT(vgan_cfg, streams), "2", 1, 2, NULL, 0,
     "2: foreground, mask and a background that stands still; 1: one stream makes all"},
    {"latent", ZT_OPT_INT, ZT_OPT_AT(vgan_cfg, latent), "100", 1, 4096, NULL, 0, "numbers of the latent code"},
    {"mask_penalty", ZT_OPT_REAL, ZT_OPT_AT(vgan_cfg, mask_penalty), "0.1", 0, 100, NULL, 0,
     "weight of the mean of the mask in the generator's loss"},
    {"first_frame", ZT_OPT_BOOL, ZT_OPT_AT(vgan_cfg, first_frame), "false", 0, 0, NULL, 0,
     "image to video: clips begin with a given frame, which takes the place of the latent code"},
    {"frame_penalty", ZT_OPT_REAL, ZT_OPT_AT(vgan_cfg, frame_penalty), "10", 0, 1000, NULL, 0,
     "with first_frame: weight of the mean distance between that frame and the clip's"},
    {"critic_norm", ZT_OPT_ENUM, ZT_OPT_AT(vgan_cfg, critic_norm), "batch", 0, 0, ZT_GAN_NORM_CHOICES, 0, ZT_GAN_NORM_DOC},
};

static zt_err check(const void *cfg, const zt_gan_size *size) {
    (void)cfg;
    return zt_gan_check_halving("vgan", size, true);
}

static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    const vgan_cfg *k = cfg;
    if (k->first_frame) z[0] = (zt_gan_latent){"frame", zt_sh(b, size->height, size->width, 3), ZT_GAN_FRAME, ZT_GAN_CONTENT};
    else z[0] = (zt_gan_latent){"z", zt_sh(b, k->latent), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    return 1;
}

static int64_t width_of(const vgan_cfg *k) { return k->first_frame ? 2 * k->width : k->width; }

/* [B,H,W,3] -> [B,1,H/2^n,W/2^n, 2 width 2^(n-1)] */
static zt_node *encoder(zt_nn *nn, zt_node *frame, const vgan_cfg *k, int n, bool training) {
    const zt_batch_norm_cfg norm = {.eps = 1e-3};
    const int64_t *d = frame->sh.d;
    zt_node *x = zt_reshape(frame, zt_sh(d[0], 1, d[1], d[2], 3));
    char name[16];
    zt_push(nn->g, "encoder");
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "down%d", i);
        x = zt_gan_halve(nn, name, x, ZT_GAN_SPACE, width_of(k) << i, ZT_INIT_NORMAL01, i == 0);
        snprintf(name, sizeof name, "norm%d", i);
        x = zt_relu(i ? zt_batch_norm_with(nn, name, x, training, &norm) : x);
    }
    zt_pop(nn->g);
    return x;
}

/* From the code to features of half the size [B,T/2,H/2,W/2,width]; along SPACE there is one frame. */
static zt_node *stream(zt_nn *nn, zt_node *code, const zt_gan_size *s, zt_gan_axes axes, const vgan_cfg *k, bool training) {
    const int n = zt_gan_levels(s);
    const int64_t T = axes == ZT_GAN_SPACE ? 1 : s->frames >> n, C = width_of(k) << (n - 1);
    zt_node *x = code;
    if (!k->first_frame) {
        x = zt_gan_unfold(nn, code, T, s->height >> n, s->width >> n, C, ZT_INIT_NORMAL01, training);
    } else if (axes != ZT_GAN_SPACE) {                    /* one picture to T: a transposed convolution of T x 1 x 1 */
        x = zt_depth_to_space(zt_linear_nobias(nn, "in", code, T * C, ZT_INIT_NORMAL01), (int)T, 1, 1);
        x = zt_relu(zt_batch_norm(nn, "norm0", x, training));
    }
    return zt_gan_grow(nn, x, axes, n - 1, ZT_INIT_NORMAL01, training);
}

static zt_node *head(zt_nn *nn, const char *name, zt_node *x, zt_gan_axes axes, int64_t channels) {
    return zt_gan_double(nn, name, x, axes, channels, ZT_INIT_NORMAL01, true);
}

static void compose(zt_nn *nn, zt_node *code, const zt_gan_size *size, const vgan_cfg *k, bool training, zt_gan_made *made) {
    zt_push(nn->g, "video");
    zt_node *x = stream(nn, code, size, ZT_GAN_SPACE_TIME, k, training);
    zt_node *f = zt_tanh(head(nn, "foreground", x, ZT_GAN_SPACE_TIME, 3));                                 /* [B,T,H,W,3] */
    zt_node *m = k->streams == 2 ? zt_sigmoid(head(nn, "mask", x, ZT_GAN_SPACE_TIME, 1)) : NULL;           /* [B,T,H,W,1] */
    zt_pop(nn->g);
    made->video = f;
    if (!m) return;
    zt_push(nn->g, "static");
    x = stream(nn, code, size, ZT_GAN_SPACE, k, training);
    zt_node *b = zt_tanh(head(nn, "background", x, ZT_GAN_SPACE, 3));                                      /* [B,1,H,W,3] */
    zt_pop(nn->g);
    made->video = zt_add(zt_mul(zt_sub(f, b), m), b);
    made->view[0].name = "mask";
    made->view[0].x = m;
    made->view[1].name = "background";
    made->view[1].x = zt_broadcast_to(b, f->sh);
    made->view[2].name = "foreground";
    made->view[2].x = f;
    if (!k->first_frame) made->penalty = zt_affine(zt_mean(m), k->mask_penalty, 0);                        /* m >= 0 */
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    const vgan_cfg *k = cfg;
    zt_gan_made made = {0};
    zt_push(nn->g, "generator");
    compose(nn, k->first_frame ? encoder(nn, z[0], k, zt_gan_levels(size), training) : z[0], size, k, training, &made);
    if (k->first_frame) {
        zt_node *first = zt_reshape(zt_slice(made.video, 1, 0, 1), z[0]->sh);
        made.penalty = zt_affine(zt_l1_loss(first, z[0]), k->frame_penalty, 0);
    }
    zt_pop(nn->g);
    return made;
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    const vgan_cfg *k = cfg;
    const zt_gan_critic c = {.width = width_of(k), .axes = ZT_GAN_SPACE_TIME, .norm = (zt_gan_norm)k->critic_norm, .eps = 1e-3,
                             .init = ZT_INIT_NORMAL01};
    (void)pick;
    zt_push(nn->g, "critic");
    verdict[0] = (zt_gan_verdict){.score = zt_gan_halving_critic(nn, size, video, training, &c)};
    zt_pop(nn->g);
    return 1;
}

const zt_gan_def zt_gan_vgan = {
    .name = "vgan",
    .doc = "moving foreground over a still background, 3-D convolutions (VGAN, arXiv:1609.02612)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(vgan_cfg),
    .check = check,
    .latents = latents,
    .generate = generate,
    .judge = judge};
