/* nn.c - layers and their parameters. Values against PyTorch: tests/models (goldens from tests/reference/models.py). */
#include "nn/nn.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 512 };

static void fill(float *w, const zt_shape *sh, zt_init init, uint64_t seed, const char *name) {
    const int64_t n = zt_numel(sh), fan_in = zt_rows(sh), field = sh->n > 2 ? fan_in / sh->d[sh->n - 2] : 1;
    const double fan_out = (double)zt_last(sh) * (double)field;
    const uint64_t stream = zt_hash_name(name);
    zt_rng r = zt_rng_init(seed, stream);
    const double limit = sqrt(6.0 / ((double)fan_in + fan_out));
    const double kaiming = sqrt(1 / (3 * (double)fan_in));
    const bool normal = init != ZT_INIT_ZERO && init != ZT_INIT_ONE && init != ZT_INIT_XAVIER;
    const float std = init == ZT_INIT_KAIMING ? (float)kaiming : init == ZT_INIT_HE ? (float)(kaiming * sqrt(6))
                    : init == ZT_INIT_NORMAL ? 1
                    : init == ZT_INIT_NORMAL02 ? 0.02f : init == ZT_INIT_NORMAL01 ? 0.01f : 100;
    if (normal) zt_fill_normal(seed, stream, w, n);
    for (int64_t k = 0; k < n; k++) {
        if (init == ZT_INIT_ONE) w[k] = 1;
        else if (init == ZT_INIT_XAVIER) w[k] = (float)zt_rng_range(&r, -limit, limit);
        else if (normal) w[k] *= std;
    }
}

/* A tensor of this name is in the set: the one that was there, or a new one with first values. */
static zt_err ensure(const zt_nn *nn, zt_tset *set, const char *full, zt_shape sh, zt_init init) {
    if (zt_graph_error(nn->g) != ZT_OK || zt_tset_find(set, full)) return ZT_OK;
    for (int k = 0; k < sh.n; k++)
        if (sh.d[k] < 1) return ZT_OK;                              /* the leaf records the error with the shape */
    zt_tensor *t;
    const zt_err e = zt_tset_add(set, full, ZT_F32, sh, &t);
    if (e == ZT_OK) fill(t->data, &sh, init, nn->seed, full);
    return e;
}

static void full_name(const zt_nn *nn, const char *name, char full[NAME_MAX_LEN]) {
    const char *scope = zt_scope(nn->g);
    snprintf(full, NAME_MAX_LEN, "%.*s%s%s", NAME_MAX_LEN - 64, scope, *scope ? "." : "", name);
}

/* A weight of a network that is not trained, of the type it is stored in. */
static zt_node *frozen(const zt_nn *nn, const char *full, zt_shape sh) {
    const zt_tensor *t = zt_tset_find(nn->params, full);
    if (t && zt_same_shape(&t->sh, &sh)) return zt_frozen(nn->g, full, t->dtype, sh, t->data);
    const zt_err e = zt_graph_error(nn->g);
    return zt_graph_fail(nn->g, e != ZT_OK ? e : zt_fail(ZT_NOTFOUND, "frozen network: want '%s' of shape %s; it is %s", full,
                                                         zt_shape_text(&sh), t ? zt_shape_text(&t->sh) : "missing"));
}

zt_node *zt_nn_param(zt_nn *nn, const char *name, zt_shape sh, zt_init init) {
    char full[NAME_MAX_LEN];
    full_name(nn, name, full);
    if (nn->frozen) return frozen(nn, full, sh);
    const zt_err e = ensure(nn, nn->params, full, sh, init);
    return e != ZT_OK ? zt_graph_fail(nn->g, e) : zt_param(nn->g, full, sh);
}

zt_node *zt_nn_state(zt_nn *nn, const char *name, zt_shape sh, zt_init init) {
    char full[NAME_MAX_LEN];
    full_name(nn, name, full);
    if (!nn->states)
        return zt_graph_fail(nn->g, zt_fail(ZT_ARG, "the layer remembers '%s', but no set for states was given", full));
    const zt_err e = ensure(nn, nn->states, full, sh, init);
    return e != ZT_OK ? zt_graph_fail(nn->g, e) : zt_state(nn->g, full, sh);
}

void zt_nn_update(zt_nn *nn, zt_node *change) {
    nn->update = nn->update ? zt_add(nn->update, change) : change;
}

static zt_node *linear(zt_nn *nn, const char *name, zt_node *x, int64_t out, zt_init init, bool with_bias) {
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(zt_last(&x->sh), out), init);
    zt_node *b = with_bias ? zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO) : NULL;
    zt_node *y = zt_linear_op(x, w, b);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_linear(zt_nn *nn, const char *name, zt_node *x, int64_t out, zt_init init) {
    return linear(nn, name, x, out, init, true);
}
zt_node *zt_linear_nobias(zt_nn *nn, const char *name, zt_node *x, int64_t out, zt_init init) {
    return linear(nn, name, x, out, init, false);
}

static zt_node *conv(zt_nn *nn, const char *name, zt_node *x, zt_shape kernel, const zt_conv_cfg *c, zt_init init) {
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", kernel, init);
    zt_node *b = zt_nn_param(nn, "bias", zt_sh(zt_last(&kernel)), ZT_INIT_ZERO);
    zt_node *y = zt_conv(x, w, b, c);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_conv_same(zt_nn *nn, const char *name, zt_node *x, int kt, int kh, int kw, int64_t out, zt_init init) {
    const int p[3] = {kt / 2, kh / 2, kw / 2};
    const zt_conv_cfg c = {.stride = {1, 1, 1}, .pad_before = {p[0], p[1], p[2]}, .pad_after = {p[0], p[1], p[2]}};
    return conv(nn, name, x, zt_sh(kt, kh, kw, zt_last(&x->sh), out), &c, init);
}

zt_node *zt_conv_down(zt_nn *nn, const char *name, zt_node *x, bool time, int64_t out) {
    const int t = time, k = time ? 3 : 4;
    const zt_conv_cfg c = {.stride = {1 + t, 2, 2}, .pad_before = {t, 1, 1}, .pad_after = {t, 1, 1}};
    return conv(nn, name, x, zt_sh(time ? 3 : 1, k, k, zt_last(&x->sh), out), &c, ZT_INIT_KAIMING);
}

int zt_norm_groups(int64_t c) {
    for (int g = 8; g > 1; g--)
        if (c % g == 0 && c / g >= 4) return g;
    return 1;
}

zt_node *zt_norm_silu(zt_nn *nn, const char *name, zt_node *x, zt_node *scale, zt_node *shift) {
    const int64_t c = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    zt_node *gain = zt_nn_param(nn, "weight", zt_sh(c), ZT_INIT_ONE), *bias = zt_nn_param(nn, "bias", zt_sh(c), ZT_INIT_ZERO);
    zt_node *y = zt_group_norm(x, gain, bias, scale, shift, zt_norm_groups(c), 1e-5, 1);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_norm_affine(zt_nn *nn, const char *name, zt_node *x) {
    const int64_t c = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    zt_node *gain = zt_nn_param(nn, "weight", zt_sh(c), ZT_INIT_ONE), *bias = zt_nn_param(nn, "bias", zt_sh(c), ZT_INIT_ZERO);
    zt_node *y = zt_layer_norm(x, gain, bias, NULL, NULL, 1e-6);
    zt_pop(nn->g);
    return y;
}

void zt_chunk(zt_node *x, int n, zt_node **parts) {
    const int64_t c = zt_last(&x->sh) / n;
    for (int k = 0; k < n; k++) parts[k] = zt_slice(x, x->sh.n - 1, k * c, c);
}

zt_node *zt_time_embedding(zt_nn *nn, const char *name, zt_node *t01, int64_t dim) {
    zt_push(nn->g, "%s", name);
    zt_node *h = zt_linear(nn, "fc1", zt_timestep(t01, 256, 1000), dim, ZT_INIT_KAIMING);
    h = zt_linear(nn, "fc2", zt_silu(h), dim, ZT_INIT_KAIMING);
    zt_pop(nn->g);
    return h;
}
