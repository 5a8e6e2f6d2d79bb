/* unet3d.c - the Video Diffusion Models U-Net, factorised over space and time.
 * Paper: Ho et al. 2022, "Video Diffusion Models", arXiv:2204.03458 (section 3, appendix A); the repository
 * lucidrains/video-diffusion-pytorch was read for sizes. Per level: residual blocks of 1x3x3 convolutions whose second norm is
 * scaled and shifted by time + text, then spatial and temporal attention with learned relative positions; 1x4x4 stride (1,2,2)
 * downwards.
 * Text is attention-pooled and added to the time embedding, as in the paper. Beyond the paper: an embedding of the frame
 * number after the first convolution and, by option, a kt x 1 x 1 convolution after each residual block, halving of time between
 * levels (by 3x3x3), patches (space-to-depth) at the input. Why text and initial values are as they are: docs/decisions/007.
 *   x [B,T,H,W,Cin]  t01 [B]  text [B,L,E]  ->  [B,T,H,W,Cout] */
#include <math.h>
#include <stdio.h>
#include "models/models.h"
#include "nn/attention.h"

typedef struct unet_cfg {
    zt_ints widths, attn_space, attn_time, time_down, patch;
    int64_t blocks, mid_blocks, time_kernel, head_dim, stem_kernel;
} unet_cfg;

static const zt_opt options[] = {
    {"widths", ZT_OPT_INTS, ZT_OPT_AT(unet_cfg, widths), "64,128,256", 8, 4096, NULL, 0, "channels of each level, finest first"},
    {"blocks", ZT_OPT_INT, ZT_OPT_AT(unet_cfg, blocks), "2", 1, 8, NULL, 0, "residual blocks per level"},
    {"mid_blocks", ZT_OPT_INT, ZT_OPT_AT(unet_cfg, mid_blocks), "2", 1, 2, NULL, 0,
     "residual blocks in the middle: 2 (the paper; attention between them) or 1"},
    {"attn_space", ZT_OPT_INTS, ZT_OPT_AT(unet_cfg, attn_space), "0,0,1", 0, 1, NULL, 0,
     "levels with spatial attention (0 or 1 each)"},
    {"attn_time", ZT_OPT_INTS, ZT_OPT_AT(unet_cfg, attn_time), "0,1,1", 0, 1, NULL, 0,
     "levels with temporal attention (0 or 1 each)"},
    {"time_down", ZT_OPT_INTS, ZT_OPT_AT(unet_cfg, time_down), "0,0,0", 0, 1, NULL, 0,
     "levels that halve the frames on the way down (the last: none)"},
    {"time_kernel", ZT_OPT_INT, ZT_OPT_AT(unet_cfg, time_kernel), "3", 0, 9, NULL, 0,
     "frames of the temporal convolution after each block (odd); 0: none"},
    {"head_dim", ZT_OPT_INT, ZT_OPT_AT(unet_cfg, head_dim), "32", 8, 256, NULL, 0,
     "channels of one attention head; must divide the widths that attend"},
    {"patch", ZT_OPT_INTS, ZT_OPT_AT(unet_cfg, patch), "1,1,1", 1, 64, NULL, 0,
     "space-to-depth at the input: patch size t,h,w in frames and pixels"},
    {"stem_kernel", ZT_OPT_INT, ZT_OPT_AT(unet_cfg, stem_kernel), "3", 1, 9, NULL, 0,
     "pixels of the first convolution, odd (the paper: 7)"},
};

static zt_err check_level(const unet_cfg *k, int i) {
    const bool attends = k->attn_space.v[i] || k->attn_time.v[i];
    if (attends && k->widths.v[i] % k->head_dim)
        return zt_fail(ZT_CONFIG, "model.head_dim=%lld does not divide width %lld of level %d", (long long)k->head_dim,
                       (long long)k->widths.v[i], i);
    return ZT_OK;
}

static zt_err check(const void *cfg, int64_t frames, int64_t height, int64_t width) {
    const unet_cfg *k = cfg;
    const int n = k->widths.n;
    if (n < 1 || k->attn_space.n != n || k->attn_time.n != n || k->time_down.n != n)
        return zt_fail(ZT_CONFIG,
                       "model.widths has %d levels; attn_space, attn_time and time_down have %d, %d, %d: want the same number", n,
                       k->attn_space.n, k->attn_time.n, k->time_down.n);
    if ((k->time_kernel && k->time_kernel % 2 == 0) || k->stem_kernel % 2 == 0)
        return zt_fail(ZT_CONFIG, "model.time_kernel=%lld, model.stem_kernel=%lld: kernels must be odd (time_kernel may be 0)",
                       (long long)k->time_kernel, (long long)k->stem_kernel);
    if (k->patch.n != 3) return zt_fail(ZT_CONFIG, "model.patch has %d sizes; want 3: t,h,w", k->patch.n);
    int64_t down = 1, time = k->patch.v[0];
    for (int i = 0; i < n; i++) {
        const zt_err e = check_level(k, i);
        if (e != ZT_OK) return e;
        if (i + 1 < n) down *= 2;
        if (i + 1 < n && k->time_down.v[i]) time *= 2;
    }
    const int64_t rows = down * k->patch.v[1], columns = down * k->patch.v[2];
    if (height % rows || width % columns || frames % time)
        return zt_fail(ZT_CONFIG,
                       "clips of %lldx%lldx%lld (frames x height x width): this U-Net wants multiples of %lldx%lldx%lld "
                       "(model.patch, and what its levels halve)",
                       (long long)frames, (long long)height, (long long)width, (long long)time, (long long)rows,
                       (long long)columns);
    return ZT_OK;
}

/* Residual block: GroupNorm-SiLU-conv, GroupNorm-scale-shift-SiLU-conv, then a temporal convolution with its own residual. */
static zt_node *res_block(zt_nn *nn, const char *name, zt_node *x, zt_node *c, int64_t width, const unet_cfg *k) {
    zt_node *m[2];
    zt_push(nn->g, "%s", name);
    zt_recompute(nn->g, nn->recompute);
    zt_chunk(zt_linear(nn, "cond", c, 2 * width, ZT_INIT_KAIMING), 2, m);                              /* scale, shift [B,C] */
    zt_node *h = zt_conv_same(nn, "conv1", zt_norm_silu(nn, "norm1", x, NULL, NULL), 1, 3, 3, width, ZT_INIT_KAIMING);
    h = zt_conv_same(nn, "conv2", zt_norm_silu(nn, "norm2", h, m[0], m[1]), 1, 3, 3, width, ZT_INIT_KAIMING);
    if (zt_last(&x->sh) != width) x = zt_linear(nn, "skip", x, width, ZT_INIT_KAIMING);
    x = zt_add(x, h);
    if (k->time_kernel) {
        h = zt_norm_silu(nn, "norm_t", x, NULL, NULL);
        x = zt_add(x, zt_conv_same(nn, "conv_t", h, (int)k->time_kernel, 1, 1, width, ZT_INIT_ZERO));
    }
    zt_recompute(nn->g, false);
    zt_pop(nn->g);
    return x;
}

/* Attention along axes first..last with learned relative positions, offsets beyond +-clip counting as that. */
static zt_node *attend(zt_nn *nn, const char *name, zt_node *x, int first, int last, int64_t clip, const unet_cfg *k) {
    zt_push(nn->g, "%s", name);
    zt_recompute(nn->g, nn->recompute);
    zt_attend a = {.heads = (int)(zt_last(&x->sh) / k->head_dim), .zero_out = true};
    a.bias = zt_relative_bias(nn, "bias", a.heads, last - first + 1, &x->sh.d[first], (const int64_t[]){clip, clip});
    x = zt_add(x, zt_axes_attention(nn, "attn", zt_norm_affine(nn, "norm", x), first, last, &a));
    zt_recompute(nn->g, false);
    zt_pop(nn->g);
    return x;
}
static zt_node *attend_space(zt_nn *nn, zt_node *x, const unet_cfg *k) { return attend(nn, "space", x, 2, 3, 15, k); }
static zt_node *attend_time(zt_nn *nn, zt_node *x, const unet_cfg *k) { return attend(nn, "time", x, 1, 1, 31, k); }

static zt_node *level(zt_nn *nn, zt_node *x, zt_node *c, int i, zt_node **skip, bool up, const unet_cfg *k) {
    char name[16];
    for (int b = 0; b < k->blocks; b++) {
        snprintf(name, sizeof name, "res%d", b);
        if (up) x = zt_concat(4, 2, (zt_node *const[]){x, skip[b]});
        x = res_block(nn, name, x, c, k->widths.v[i], k);
        if (!up) skip[b] = x;
    }
    if (k->attn_space.v[i]) x = attend_space(nn, x, k);
    if (k->attn_time.v[i]) x = attend_time(nn, x, k);
    return x;
}

/* Time plus attention-pooled text: what every residual block is modulated by, [B,dim]. */
static zt_node *condition(zt_nn *nn, const zt_model_in *in, int64_t dim) {
    return zt_silu(zt_add(zt_time_embedding(nn, "time", in->t01, dim), zt_pool_words(nn, "pool", in->text, in->text_len, dim)));
}

/* cos and sin of the frame number at wavelengths of 8, 16, 32 and 64 frames, projected: [1,T,1,1,width]. Any T. */
static zt_node *frame_number(zt_nn *nn, int64_t T, int64_t width) {
    enum { WAVES = 4 };
    double *f = zt_alloc_array((size_t)(T * 2 * WAVES), sizeof *f);
    if (!f) return zt_graph_fail(nn->g, ZT_NOMEM);
    for (int64_t i = 0; i < T * WAVES; i++) {
        const double angle = 6.283185307179586 * (double)(i / WAVES) / (double)(8 << i % WAVES);
        f[2 * i] = cos(angle);
        f[2 * i + 1] = sin(angle);
    }
    zt_node *c = zt_const(nn->g, zt_graph_real(nn->g), zt_sh(1, T, 1, 1, 2 * WAVES), f);
    zt_free(f);
    return zt_linear_nobias(nn, "frame", c, width, ZT_INIT_NORMAL02);
}

static zt_node *build(zt_nn *nn, const zt_model_in *in, const void *cfg) {
    const unet_cfg *k = cfg;
    const int n = k->widths.n, pt = (int)k->patch.v[0], ph = (int)k->patch.v[1], pw = (int)k->patch.v[2];
    zt_node *skip[8][8];
    zt_node *c = condition(nn, in, 4 * k->widths.v[0]);
    zt_node *x = pt * ph * pw > 1 ? zt_space_to_depth(in->x, pt, ph, pw) : in->x;
    x = zt_conv_same(nn, "stem", x, 1, (int)k->stem_kernel, (int)k->stem_kernel, k->widths.v[0], ZT_INIT_KAIMING);
    x = zt_add(x, frame_number(nn, x->sh.d[1], k->widths.v[0]));
    for (int i = 0; i < n; i++) {
        zt_push(nn->g, "down.%d", i);
        x = level(nn, x, c, i, skip[i], false, k);
        if (i + 1 < n) x = zt_conv_down(nn, "down", x, k->time_down.v[i], k->widths.v[i + 1]);
        zt_pop(nn->g);
    }
    zt_push(nn->g, "mid");
    x = res_block(nn, "res0", x, c, k->widths.v[n - 1], k);
    if (k->attn_space.v[n - 1]) x = attend_space(nn, x, k);
    if (k->attn_time.v[n - 1]) x = attend_time(nn, x, k);
    if (k->mid_blocks > 1) x = res_block(nn, "res1", x, c, k->widths.v[n - 1], k);
    zt_pop(nn->g);
    for (int i = n - 1; i >= 0; i--) {
        zt_push(nn->g, "up.%d", i);
        if (i + 1 < n) {
            x = zt_linear(nn, "up", x, k->widths.v[i], ZT_INIT_KAIMING);
            x = zt_upsample(x, k->time_down.v[i] ? 2 : 1, 2, 2);
        }
        x = level(nn, x, c, i, skip[i], true, k);
        zt_pop(nn->g);
    }
    x = zt_conv_same(nn, "out", zt_norm_silu(nn, "norm", x, NULL, NULL), 1, 3, 3, pt * ph * pw * in->out_channels, ZT_INIT_ZERO);
    return pt * ph * pw > 1 ? zt_depth_to_space(x, pt, ph, pw) : x;
}

const zt_model_def zt_model_unet3d = {
    .name = "unet3d",
    .doc = "factorised 3-D U-Net with spatial and temporal attention (Video Diffusion Models, arXiv:2204.03458)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(unet_cfg),
    .check = check,
    .build = build};
