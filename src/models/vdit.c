/* vdit.c - video diffusion transformer over space-time patches.
 * Papers: Peebles & Xie 2023, arXiv:2212.09748 (adaLN); the block is Wan 2.1's (arXiv:2503.20314, repository Wan-Video/Wan2.1
 * wan/modules/model.py): time -> 6 x dim shared by all blocks plus a learned table per block, RMS-normed q and k, 3-D rotary
 * positions split over t,h,w, text by cross-attention, GELU-tanh feed-forward. By option the pooled text is also added to the
 * time, as in Stable Diffusion 3 (Esser et al. 2024, arXiv:2403.03206).
 *   x [B,T,H,W,Cin]  t01 [B]  text [B,L,E]  ->  [B,T,H,W,Cout];   N = (T/pt)(H/ph)(W/pw) tokens, D = dim. */
#include <math.h>
#include "models/models.h"
#include "nn/attention.h"

typedef struct vdit_cfg {
    int64_t dim, depth, heads, mlp;
    zt_ints patch;
    int pool_text;
} vdit_cfg;

static const zt_opt options[] = {
    {"dim", ZT_OPT_INT, ZT_OPT_AT(vdit_cfg, dim), "384", 32, 16384, NULL, 0, "token width D, channels"},
    {"depth", ZT_OPT_INT, ZT_OPT_AT(vdit_cfg, depth), "12", 1, 128, NULL, 0, "transformer blocks"},
    {"heads", ZT_OPT_INT, ZT_OPT_AT(vdit_cfg, heads), "6", 1, 128, NULL, 0,
     "attention heads; dim/heads must be even and at least 6"},
    {"mlp", ZT_OPT_INT, ZT_OPT_AT(vdit_cfg, mlp), "4", 1, 16, NULL, 0, "feed-forward width as a multiple of dim"},
    {"patch", ZT_OPT_INTS, ZT_OPT_AT(vdit_cfg, patch), "2,4,4", 1, 64, NULL, 0, "patch size t,h,w in frames and pixels"},
    {"pool_text", ZT_OPT_BOOL, ZT_OPT_AT(vdit_cfg, pool_text), "false", 0, 0, NULL, 0,
     "add the pooled text to the time embedding, besides cross-attention: short captions are learned sooner"},
};

static zt_err check(const void *cfg, int64_t frames, int64_t height, int64_t width) {
    const vdit_cfg *k = cfg;
    if (k->patch.n != 3) return zt_fail(ZT_CONFIG, "model.patch has %d sizes; want 3: t,h,w", k->patch.n);
    if (frames % k->patch.v[0] || height % k->patch.v[1] || width % k->patch.v[2])
        return zt_fail(ZT_CONFIG, "model.patch=%lld,%lld,%lld does not divide clips of %lldx%lldx%lld (frames x height x width)",
                       (long long)k->patch.v[0], (long long)k->patch.v[1], (long long)k->patch.v[2], (long long)frames,
                       (long long)height, (long long)width);
    if (k->dim % k->heads || (k->dim / k->heads) % 2 || k->dim / k->heads < 6)
        return zt_fail(ZT_CONFIG, "model.heads=%lld: dim %lld must split into heads of an even size of at least 6",
                       (long long)k->heads, (long long)k->dim);
    return ZT_OK;
}

/* Angles [N, d/2] of the 3-D rotary embedding: of a head's d/2 pairs, h and w take a third each (rounded down), t the rest. */
static zt_node *rope_angles(zt_graph *g, int64_t nt, int64_t nh, int64_t nw, int64_t head_dim) {
    const int64_t pairs = head_dim / 2, ph = pairs / 3, pt = pairs - 2 * ph, n = nt * nh * nw;
    double *a = zt_alloc_array((size_t)(n * pairs), sizeof *a);
    if (!a) return zt_graph_fail(g, ZT_NOMEM);
    for (int64_t i = 0; i < n; i++) {
        const double pos[3] = {(double)(i / (nh * nw)), (double)(i / nw % nh), (double)(i % nw)};
        const int64_t count[3] = {pt, ph, ph};
        double *row = a + i * pairs;
        for (int axis = 0; axis < 3; axis++)
            for (int64_t j = 0; j < count[axis]; j++) *row++ = pos[axis] * pow(1e4, -(double)j / (double)count[axis]);
    }
    zt_node *c = zt_const(g, zt_graph_real(g), zt_sh(n, pairs), a);
    zt_free(a);
    return c;
}

/* Linear, RMS norm over the whole width, rotary positions: q or k as [B,N,1,D]. */
static zt_node *rotated(zt_nn *nn, const char *name, const char *norm, zt_node *x, zt_node *angles, const vdit_cfg *k) {
    zt_node *y = zt_rms_norm(zt_linear(nn, name, x, k->dim, ZT_INIT_XAVIER), zt_nn_param(nn, norm, zt_sh(k->dim), ZT_INIT_ONE),
                             k->dim, 1e-6);
    return zt_reshape(zt_rope(y, angles, (int)k->heads, false), zt_sh(x->sh.d[0], x->sh.d[1], 1, k->dim));
}

static zt_node *self_attention(zt_nn *nn, zt_node *x, zt_node *angles, const vdit_cfg *k) {
    zt_push(nn->g, "attn");
    zt_node *q = rotated(nn, "q", "norm_q.weight", x, angles, k), *key = rotated(nn, "k", "norm_k.weight", x, angles, k);
    zt_node *v = zt_reshape(zt_linear(nn, "v", x, k->dim, ZT_INIT_XAVIER), q->sh);
    zt_node *o = zt_reshape(zt_attention(q, key, v, (int)k->heads, NULL, NULL), x->sh);                         /* [B,N,D] */
    o = zt_linear(nn, "o", o, k->dim, ZT_INIT_XAVIER);
    zt_pop(nn->g);
    return o;
}

static zt_node *cross_attention(zt_nn *nn, zt_node *x, const zt_model_in *in, const vdit_cfg *k) {
    const zt_shape *s = &in->text->sh;
    zt_node *h = zt_reshape(zt_norm_affine(nn, "norm_cross", x), zt_sh(x->sh.d[0], x->sh.d[1], 1, k->dim));
    zt_node *text = zt_reshape(in->text, zt_sh(s->d[0], s->d[1], 1, s->d[2]));
    return zt_reshape(zt_mha(nn, "cross", h, text, &(zt_attend){.heads = (int)k->heads, .len = in->text_len}), x->sh);
}

static zt_node *gated(zt_node *x, zt_node *gate, zt_node *h) {            /* gate [B,D] over tokens [B,N,D] */
    return zt_add(x, zt_mul(h, zt_reshape(gate, zt_sh(gate->sh.d[0], 1, gate->sh.d[1]))));
}

static zt_node *block(zt_nn *nn, zt_node *x, zt_node *c6, zt_node *angles, const zt_model_in *in, const vdit_cfg *k) {
    zt_node *m[6];                            /* shift, scale, gate of attention; then of the feed-forward: 6 x [B,D] */
    zt_chunk(zt_add(c6, zt_nn_param(nn, "modulation", zt_sh(6 * k->dim), ZT_INIT_NORMAL02)), 6, m);
    x = gated(x, m[2], self_attention(nn, zt_layer_norm(x, NULL, NULL, m[1], m[0], 1e-6), angles, k));
    x = zt_add(x, cross_attention(nn, x, in, k));
    zt_node *h = zt_layer_norm(x, NULL, NULL, m[4], m[3], 1e-6);
    h = zt_gelu(zt_linear(nn, "fc1", h, k->mlp * k->dim, ZT_INIT_XAVIER));
    return gated(x, m[5], zt_linear(nn, "fc2", h, k->dim, ZT_INIT_XAVIER));
}

static zt_node *build(zt_nn *nn, const zt_model_in *in, const void *cfg) {
    const vdit_cfg *k = cfg;
    const int pt = (int)k->patch.v[0], ph = (int)k->patch.v[1], pw = (int)k->patch.v[2];
    const zt_shape *s = &in->x->sh;
    const int64_t b = s->d[0], nt = s->d[1] / pt, nh = s->d[2] / ph, nw = s->d[3] / pw;
    zt_node *time = zt_time_embedding(nn, "time", in->t01, k->dim), *c = time, *m[2];                             /* [B,D] */
    if (k->pool_text) c = zt_add(c, zt_pool_words(nn, "pool", in->text, in->text_len, k->dim));
    zt_node *c6 = zt_linear(nn, "time_proj", zt_silu(c), 6 * k->dim, ZT_INIT_NORMAL02);
    zt_node *angles = rope_angles(nn->g, nt, nh, nw, k->dim / k->heads);
    zt_node *x = zt_linear(nn, "patch", zt_space_to_depth(in->x, pt, ph, pw), k->dim, ZT_INIT_XAVIER);
    x = zt_reshape(x, zt_sh(b, nt * nh * nw, k->dim));                                                          /* [B,N,D] */
    for (int i = 0; i < k->depth; i++) {
        zt_push(nn->g, "blocks.%d", i);
        zt_recompute(nn->g, nn->recompute);
        x = block(nn, x, c6, angles, in, k);
        zt_recompute(nn->g, false);
        zt_pop(nn->g);
    }
    zt_push(nn->g, "head");
    zt_node *table = zt_nn_param(nn, "modulation", zt_sh(2 * k->dim), ZT_INIT_NORMAL02);
    zt_chunk(zt_add(zt_concat(1, 2, (zt_node *const[]){time, time}), table), 2, m);
    x = zt_layer_norm(x, NULL, NULL, m[1], m[0], 1e-6);
    x = zt_linear(nn, "out", x, pt * ph * pw * in->out_channels, ZT_INIT_ZERO);
    zt_pop(nn->g);
    return zt_depth_to_space(zt_reshape(x, zt_sh(b, nt, nh, nw, zt_last(&x->sh))), pt, ph, pw);      /* [B,T,H,W,Cout] */
}

const zt_model_def zt_model_vdit = {
    .name = "vdit", .doc = "diffusion transformer: 3-D RoPE, adaLN, text cross-attention (arXiv:2212.09748, 2503.20314)",
    .opts = {options, sizeof options / sizeof *options}, .cfg_size = sizeof(vdit_cfg), .check = check, .build = build};
