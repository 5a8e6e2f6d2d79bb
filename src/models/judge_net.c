/* judge_net.c - a small classifier of clips by 3-D convolutions: the second judge of the synthetic world, beside the analytic one
 * (eval/judge.h), and the features of its Frechet distances. No paper: the plain network of Tran et al. 2015 (C3D,
 * arXiv:1412.0767), which reads motion by kernels that reach over time, made small, with group norm and SiLU.
 *   video [B,T,H,W,3]  ->  [B,T,H/2,W/2,w] -> [B,T/2,H/4,W/4,2w] -> [B,T/4,H/8,W/8,4w], twice  ->  mean and maximum over all
 *   places [B,8w]  ->  features [B,F]  ->  a linear layer for each label
 * Halves of odd sizes are rounded up. Means and maxima do not count places, so that any clip size will do. */
#include "models/classifier.h"

typedef struct judge_net_cfg { int64_t width, features; } judge_net_cfg;

static const zt_opt options[] = {
    {"width", ZT_OPT_INT, ZT_OPT_AT(judge_net_cfg, width), "16", 1, 256, NULL, 0,
     "channels at half the size, doubled at each coarser level"},
    {"features", ZT_OPT_INT, ZT_OPT_AT(judge_net_cfg, features), "64", 2, 2048, NULL, 0,
     "numbers that all heads read; Frechet distances are taken of them and want five times as many clips"},
};

enum { LEAST_FRAMES = 2, LEAST_SIDE = 8 };

static zt_err check(const void *cfg, int64_t frames, int64_t height, int64_t width) {
    (void)cfg;
    if (frames >= LEAST_FRAMES && height >= LEAST_SIDE && width >= LEAST_SIDE) return ZT_OK;
    return zt_fail(ZT_CONFIG,
                   "model judge-net: clips of %lldx%lldx%lld (frames x height x width); want %d frames or more and sides "
                   "of at least %d",
                   (long long)frames, (long long)height, (long long)width, LEAST_FRAMES, LEAST_SIDE);
}

/* 3x3x3, padded by one place on all sides, then group norm and SiLU. */
static zt_node *layer(zt_nn *nn, int number, zt_node *x, int64_t out, int stride_t, int stride_hw) {
    const zt_conv_cfg c = {.stride = {stride_t, stride_hw, stride_hw}, .pad_before = {1, 1, 1}, .pad_after = {1, 1, 1}};
    zt_push(nn->g, "layers.%d", number);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(3, 3, 3, zt_last(&x->sh), out), ZT_INIT_XAVIER);
    x = zt_norm_silu(nn, "norm", zt_conv(x, w, NULL, &c), NULL, NULL);
    zt_pop(nn->g);
    return x;
}

static zt_node *pool(zt_node *x) { /* [B,T,H,W,C] -> [B,2C] */
    const int64_t *d = x->sh.d, B = d[0], C = d[4];
    zt_node *places = zt_reshape(x, zt_sh(B, d[1] * d[2] * d[3], C));
    zt_node *const parts[] = {zt_reshape(zt_mean_to(places, zt_sh(B, 1, C)), zt_sh(B, C)),
                              zt_reshape(zt_max(places, 1), zt_sh(B, C))};
    return zt_concat(1, 2, parts);
}

static zt_classified build(zt_nn *nn, zt_node *video, const void *cfg, int n, const zt_head *head) {
    const judge_net_cfg *k = cfg;
    zt_classified out = {.n_layers = 4};
    zt_node *x = out.layer[0] = layer(nn, 0, video, k->width, 1, 2);
    x = out.layer[1] = layer(nn, 1, x, 2 * k->width, 2, 2);
    x = out.layer[2] = layer(nn, 2, x, 4 * k->width, 2, 2);
    x = out.layer[3] = layer(nn, 3, x, 4 * k->width, 1, 1);
    out.features = zt_linear(nn, "features", pool(x), k->features, ZT_INIT_XAVIER);
    x = zt_silu(out.features);
    zt_push(nn->g, "heads");
    for (int i = 0; i < n; i++) out.logits[i] = zt_linear(nn, head[i].label, x, head[i].classes, ZT_INIT_XAVIER);
    zt_pop(nn->g);
    return out;
}

const zt_classifier_def zt_classifier_judge_net = {
    .name = "judge-net",
    .doc = "which labels a clip has, 3-D convolutions (after C3D, arXiv:1412.0767)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(judge_net_cfg),
    .check = check,
    .build = build};
