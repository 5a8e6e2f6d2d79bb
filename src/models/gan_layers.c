/* gan_layers.c - layers of the convolutional pairs. Values against PyTorch: tests/models/test_gan_models.c. */
#include "models/gan_layers.h"
#include <stdio.h>

int zt_gan_levels(const zt_gan_size *s) {
    int n = 0;
    for (int64_t side = s->height < s->width ? s->height : s->width; side >= 8; side /= 2) n++;
    return n;
}

zt_err zt_gan_check_halving(const char *model, const zt_gan_size *s, bool time) {
    const int64_t n = zt_gan_levels(s), step = (int64_t)1 << n;
    if (!n || s->height > 4096 || s->width > 4096 || s->frames < 1 || s->frames > 1024)
        return zt_fail(ZT_CONFIG, "model %s: clips of %lldx%lldx%lld (frames x height x width); want 1..1024 frames and sides of "
                       "8..4096, such as 16x64x64", model, (long long)s->frames, (long long)s->height, (long long)s->width);
    if (s->height % step || s->width % step || (time && s->frames % step))
        return zt_fail(ZT_CONFIG,
                       "model %s: clips of %lldx%lldx%lld (frames x height x width) are halved %lld times%s; want multiples of "
                       "%lld, such as %lldx%lldx%lld",
                       model, (long long)s->frames, (long long)s->height, (long long)s->width, (long long)n,
                       time ? ", frames too" : "", (long long)step,
                       (long long)(time ? (s->frames + step - 1) / step * step : s->frames),
                       (long long)(s->height / step * step), (long long)(s->width / step * step));
    return ZT_OK;
}

/* The geometry of a layer that doubles or halves; returns the shape of its weight but for the channels. */
static zt_conv_cfg geometry(zt_gan_axes axes, int64_t kernel[3]) {
    zt_conv_cfg c = {.stride = {1, 1, 1}};
    for (int k = 0; k < 3; k++) {
        const bool along = k == 0 ? axes != ZT_GAN_SPACE : axes != ZT_GAN_TIME;
        kernel[k] = along ? 4 : 1;
        if (along) c.stride[k] = 2;
        c.pad_before[k] = c.pad_after[k] = along;
    }
    return c;
}

zt_node *zt_gan_double(zt_nn *nn, const char *name, zt_node *x, zt_gan_axes axes, int64_t out, zt_init init, bool bias) {
    int64_t k[3];
    const zt_conv_cfg c = geometry(axes, k);
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(k[0], k[1], k[2], out, zt_last(&x->sh)), init);
    zt_node *y = zt_conv_transpose(x, w, bias ? zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO) : NULL, &c, NULL);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_gan_halve(zt_nn *nn, const char *name, zt_node *x, zt_gan_axes axes, int64_t out, zt_init init, bool bias) {
    int64_t k[3];
    const zt_conv_cfg c = geometry(axes, k);
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(k[0], k[1], k[2], zt_last(&x->sh), out), init);
    zt_node *y = zt_conv(x, w, bias ? zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO) : NULL, &c);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_gan_unfold(zt_nn *nn, zt_node *code, int64_t t, int64_t h, int64_t w, int64_t out, zt_init init, bool training) {
    zt_node *x = zt_linear_nobias(nn, "in", code, t * h * w * out, init);
    return zt_relu(zt_batch_norm(nn, "norm0", zt_reshape(x, zt_sh(code->sh.d[0], t, h, w, out)), training));
}

zt_node *zt_gan_grow(zt_nn *nn, zt_node *x, zt_gan_axes axes, int times, zt_init init, bool training) {
    char name[16];
    for (int k = 1; k <= times; k++) {
        snprintf(name, sizeof name, "up%d", k);
        x = zt_gan_double(nn, name, x, axes, zt_last(&x->sh) / 2, init, false);
        snprintf(name, sizeof name, "norm%d", k);
        x = zt_relu(zt_batch_norm(nn, name, x, training));
    }
    return x;
}

zt_node *zt_gan_pick_frame(zt_node *video, zt_node *pick) {
    const int64_t *d = video->sh.d;
    zt_node *chosen = zt_reshape(zt_one_hot(pick, d[1]), zt_sh(d[0], d[1], 1, 1, 1));
    return zt_sum_to(zt_mul(video, chosen), zt_sh(d[0], 1, d[2], d[3], d[4]));
}

bool zt_gan_norm_wants_bias(zt_gan_norm norm) { return norm == ZT_GAN_SPECTRAL_NORM || norm == ZT_GAN_NO_NORM; }

zt_init zt_gan_norm_init(zt_gan_norm norm, zt_init of_paper) { return norm == ZT_GAN_NO_NORM ? ZT_INIT_HE : of_paper; }

/* A halving layer with its norm; the first has none but a spectral one. */
static zt_node *critic_layer(zt_nn *nn, zt_node *x, int k, bool training, const zt_gan_critic *c) {
    const zt_batch_norm_cfg norm = {.eps = c->eps};
    int64_t kernel[3];
    const zt_conv_cfg conv = geometry(c->axes, kernel);
    const int64_t out = c->width << k;
    char name[16];
    snprintf(name, sizeof name, "norm%d", k);
    zt_push(nn->g, "down%d", k);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(kernel[0], kernel[1], kernel[2], zt_last(&x->sh), out),
                              zt_gan_norm_init(c->norm, c->init));
    zt_node *bias = k == 0 || zt_gan_norm_wants_bias(c->norm) ? zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO) : NULL;
    if (c->norm == ZT_GAN_SPECTRAL_NORM) w = zt_spectral_norm(nn, "sn", w);
    zt_pop(nn->g);
    x = zt_conv(x, w, bias, &conv);
    if (k && c->norm == ZT_GAN_BATCH_NORM) x = zt_batch_norm_with(nn, name, x, training, &norm);
    if (k && c->norm == ZT_GAN_INSTANCE_NORM) x = zt_instance_norm(nn, name, x);
    return zt_leaky_relu(x, 0.2);
}

zt_node *zt_gan_halving_critic(zt_nn *nn, const zt_gan_size *size, zt_node *video, bool training, const zt_gan_critic *c) {
    zt_node *x = video;
    for (int k = 0; k < zt_gan_levels(size); k++) x = critic_layer(nn, x, k, training, c);
    const int64_t *d = x->sh.d, left = d[2] * d[3] * d[4];
    x = zt_reshape(x, c->each_time ? zt_sh(d[0], d[1], left) : zt_sh(d[0], d[1] * left));
    if (c->norm != ZT_GAN_SPECTRAL_NORM) return zt_linear(nn, "out", x, 1, zt_gan_norm_init(c->norm, c->init));
    zt_push(nn->g, "out");
    zt_node *w = zt_spectral_norm(nn, "sn", zt_nn_param(nn, "weight", zt_sh(zt_last(&x->sh), 1), c->init));
    x = zt_linear_op(x, w, zt_nn_param(nn, "bias", zt_sh(1), ZT_INIT_ZERO));
    zt_pop(nn->g);
    return x;
}
