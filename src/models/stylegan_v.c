/* stylegan_v.c - StyleGAN-V with StyleGAN3's pictures: a clip is any times of a moving signal, free of the pixel grid.
 * Papers: Karras et al. 2021, "Alias-Free Generative Adversarial Networks", arXiv:2106.12423 (configuration T, fig. 4 and 5,
 * appendix C to F) for pictures; Skorokhodov et al. 2022, "StyleGAN-V", arXiv:2112.14683 for time (stylegan_motion.c) and critic
 * (stylegan_critic.c); the repositories NVlabs/stylegan3 and universome/stylegan-v were read for sizes.
 *   mapping     z -> w, two layers; its mean over training is a state (truncation)
 *   input       waves of random frequency over a canvas, turned and moved as w says; plus the motion at the frame's time
 *   layer k     modulated 3x3 convolution, then up, leaky ReLU, down between the bands of layers k-1 and k (nn/alias_free.h);
 *               inputs are brought to magnitude 1 by a running mean
 *   rgb         modulated 1x1 convolution, times 0.25: not bounded to [-1,1], as in the paper
 * filtered = false: layers up-sample by repetition and nothing is filtered, the canvas has no margin: what the filters are worth.
 *   z [B,latent], z_motion [B,codes,motion_latent] N(0,1)  ->  video [B,T,R,R,3] */
#include <math.h>
#include <stdio.h>
#include "models/stylegan_v.h"
#include "nn/alias_free.h"
#include "nn/style.h"

static const zt_opt options[] = {
    {"width", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, width), "512", 1, 2048, NULL, 0, "most channels of a layer"},
    {"base", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, base), "32768", 16, 1048576, NULL, 0,
     "channels times resolution: finer layers have fewer"},
    {"latent", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, latent), "512", 1, 4096, NULL, 0, "numbers of z and of a style"},
    {"layers", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, layers), "14", 4, 32, NULL, 0, "layers between input and colours"},
    {"margin", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, margin), "10", 0, 64, NULL, 0, "samples of canvas beyond the picture"},
    {"motion_latent", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, motion_latent), "512", 1, 4096, NULL, 0,
     "numbers of a motion code"},
    {"motion_distance", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, motion_distance), "16", 1, 1024, NULL, 0,
     "frames between motion codes"},
    {"motion_kernel", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, motion_kernel), "11", 1, 64, NULL, 0,
     "motion codes under each of the two convolutions"},
    {"time_features", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, time_features), "256", 1, 4096, NULL, 0, "waves that tell the time"},
    {"longest_period", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, longest_period), "1024", 2, 1048576, NULL, 0,
     "longest of their periods in frames; the shortest is motion_distance"},
    {"critic_join", ZT_OPT_INT, ZT_OPT_AT(zt_stylegan_cfg, critic_join), "16", 4, 1024, NULL, 0,
     "resolution at which the critic joins the frames, a power of two"},
    {"filtered", ZT_OPT_BOOL, ZT_OPT_AT(zt_stylegan_cfg, filtered), "true", 0, 0, NULL, 0,
     "false: no filters and no margin, up-sampling by repetition"},
};

static bool power_of_two(int64_t n) { return n > 0 && !(n & (n - 1)); }

static zt_err check(const void *cfg, const zt_gan_size *s) {
    const zt_stylegan_cfg *k = cfg;
    const int64_t span = s->span ? s->span : s->frames;
    if (s->height != s->width || !power_of_two(s->width) || s->width < 16 || s->width > 1024)
        return zt_fail(ZT_CONFIG, "model stylegan-v: frames of %lldx%lld (height x width); want squares of 16, 32, 64 .. 1024",
                       (long long)s->height, (long long)s->width);
    if (s->frames < 1 || s->frames > 1024 || span < s->frames || span > 4096)
        return zt_fail(ZT_CONFIG, "model stylegan-v: %lld frames out of %lld; want 1..1024 out of as many or more, up to 4096",
                       (long long)s->frames, (long long)span);
    if (zt_stylegan_codes(k, s) > 1024)
        return zt_fail(ZT_CONFIG, "model.motion_distance=%lld: %lld frames need %lld motion codes, and 1024 is the most: want a "
                       "longer distance", (long long)k->motion_distance, (long long)span, (long long)zt_stylegan_codes(k, s));
    if (!power_of_two(k->critic_join))
        return zt_fail(ZT_CONFIG, "model.critic_join=%lld; want a power of two, such as 8 or 16", (long long)k->critic_join);
    if (k->longest_period < k->motion_distance)
        return zt_fail(ZT_CONFIG, "model.longest_period=%lld is below model.motion_distance=%lld, the shortest period",
                       (long long)k->longest_period, (long long)k->motion_distance);
    return ZT_OK;
}

static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    const zt_stylegan_cfg *k = cfg;
    z[0] = (zt_gan_latent){"z", zt_sh(b, k->latent), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    z[1] = (zt_gan_latent){"z_motion", zt_sh(b, zt_stylegan_codes(k, size), k->motion_latent), ZT_GAN_NORMAL, ZT_GAN_MOTION};
    return 2;
}

/* The band of layer i, 0..layers (the last: colours): cutoffs from 2 to half the resolution and stopbands alike by equal factors,
 * the last two layers critically sampled and on the picture itself (appendix C). */
static zt_band band(int64_t i, int64_t R, const zt_stylegan_cfg *k) {
    const double last = (double)R / 2, part = fmin(1, (double)i / (double)(k->layers - 2));
    const double cutoff = 2 * pow(last / 2, part), low = exp2(2.1), stop = low * pow(last * exp2(0.3) / low, part);
    const double rate = exp2(ceil(log2(fmin(2 * stop, (double)R)) - 1e-9));
    const int64_t margin = k->filtered && i < k->layers - 1 ? 2 * k->margin : 0;
    return (zt_band){.size = (int64_t)rate + margin, .rate = rate, .cutoff = cutoff, .half_width = fmax(stop, rate / 2) - cutoff};
}
static int64_t channels(const zt_band *b, const zt_stylegan_cfg *k) { return zt_stylegan_width(k, 2 * b->cutoff); }

/* ---- styles ------------------------------------------------------------------------------------------------------- */
static int styles(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training,
                  zt_node *w[ZT_GAN_STYLES], zt_node **mean) {
    const zt_stylegan_cfg *k = cfg;
    const int64_t B = z[0]->sh.d[0];
    (void)size;
    zt_push(nn->g, "generator.mapping");
    zt_node *x = zt_mul(z[0], zt_pow(zt_affine(zt_mean_to(zt_square(z[0]), zt_sh(B, 1)), 1, 1e-8), -0.5));
    x = zt_equal_linear(nn, "fc0", x, k->latent, true, ZT_LEAKY);
    x = zt_equal_linear(nn, "fc1", x, k->latent, true, ZT_LEAKY);
    *mean = zt_nn_state(nn, "mean", zt_sh(k->latent), ZT_INIT_ZERO);
    if (training) {
        zt_node *of_batch = zt_reshape(zt_mean_to(x, zt_sh(1, k->latent)), zt_sh(k->latent));
        zt_nn_update(nn, zt_ema(*mean, of_batch, zt_scalar(nn->g, 0.998), zt_global_norm(1, &of_batch), NULL));
    }
    zt_pop(nn->g);
    for (int i = 0; i < k->layers + 2; i++) w[i] = x;
    return (int)k->layers + 2;
}

/* ---- input -------------------------------------------------------------------------------------------------------- */
/* Parts `at` of x [B,n] as [B,1,1,1,1]. */
static zt_node *part(zt_node *x, int at) { return zt_reshape(zt_slice(x, 1, at, 1), zt_sh(x->sh.d[0], 1, 1, 1, 1)); }

/* Where the samples of an axis are, in picture widths from the centre. */
static zt_node *axis(zt_nn *nn, const zt_band *b, bool columns) {
    double at[1200];
    for (int64_t i = 0; i < b->size; i++) at[i] = ((double)i - (double)(b->size - 1) / 2) / b->rate;
    const zt_shape sh = columns ? zt_sh(1, 1, 1, b->size, 1) : zt_sh(1, 1, b->size, 1, 1);
    return zt_const(nn->g, zt_graph_real(nn->g), sh, at);
}

/* Random frequencies, at most `bandwidth` and even over the disc, as columns [C] of the state. */
static void frequencies(zt_nn *nn, int64_t C, double bandwidth, zt_node *f[2]) {
    zt_node *drawn = zt_nn_state(nn, "frequency", zt_sh(2, C), ZT_INIT_NORMAL);
    zt_node *r2 = zt_sum_to(zt_square(drawn), zt_sh(1, C));
    zt_node *scale = zt_mul(zt_pow(zt_affine(r2, 1, 1e-20), -0.5), zt_exp(zt_affine(r2, -0.25, 0)));
    drawn = zt_affine(zt_mul(drawn, scale), bandwidth, 0);
    for (int i = 0; i < 2; i++) f[i] = zt_reshape(zt_slice(drawn, 0, i, 1), zt_sh(1, 1, 1, 1, C));
}

/* The waves at w's place and turn: [B,1,size,size,C]. Place p of the canvas shows what is at turn (p - shift - move). */
static zt_node *fourier(zt_nn *nn, zt_node *w, zt_node *shift, const zt_band *b, int64_t C, int64_t R) {
    const int64_t B = w->sh.d[0];
    const zt_shape each = zt_sh(B, 1, 1, 1, C), all = zt_sh(B, 1, b->size, b->size, C);
    zt_node *f[2], *t = zt_equal_linear(nn, "affine", w, 4, false, ZT_PLAIN);
    zt_node *c = zt_affine(part(t, 0), 1, 1), *s = part(t, 1), *x = part(t, 2), *y = part(t, 3);           /* at first: no turn */
    zt_node *length = zt_sqrt(zt_add(zt_square(c), zt_square(s)));
    c = zt_div(c, length);
    s = zt_div(s, length);
    x = zt_neg(zt_div(x, length));
    y = zt_neg(zt_div(y, length));
    if (shift) {
        x = zt_sub(x, zt_affine(part(shift, 0), 1 / (double)R, 0));
        y = zt_sub(y, zt_affine(part(shift, 1), 1 / (double)R, 0));
    }
    frequencies(nn, C, b->cutoff, f);
    zt_node *fx = zt_broadcast_to(f[0], each), *fy = zt_broadcast_to(f[1], each);
    zt_node *gx = zt_add(zt_mul(fx, c), zt_mul(fy, s)), *gy = zt_sub(zt_mul(fy, c), zt_mul(fx, s));        /* turned */
    zt_node *phase = zt_reshape(zt_nn_state(nn, "phase", zt_sh(C), ZT_INIT_NORMAL), zt_sh(1, 1, 1, 1, C)); /* even, modulo 1 */
    phase = zt_add(zt_add(zt_mul(gx, x), zt_mul(gy, y)), phase);
    zt_node *turns = zt_add(zt_mul(zt_broadcast_to(gx, all), axis(nn, b, true)), zt_broadcast_to(phase, all));
    turns = zt_add(turns, zt_mul(zt_broadcast_to(gy, all), axis(nn, b, false)));
    return zt_sin(zt_affine(turns, 6.283185307179586, 0));
}

static zt_node *input(zt_nn *nn, zt_node *w, zt_node *shift, zt_node *motion, int64_t R, const zt_stylegan_cfg *k) {
    const zt_band b = band(0, R, k);
    const int64_t B = w->sh.d[0], T = motion->sh.d[1], C = channels(&b, k);
    zt_push(nn->g, "input");
    zt_node *x = zt_equal_linear(nn, "mix", fourier(nn, w, shift, &b, C, R), C, false, ZT_NO_BIAS);
    zt_node *m = zt_reshape(zt_equal_linear(nn, "motion", motion, C, false, ZT_NO_BIAS), zt_sh(B, T, 1, 1, C));
    x = zt_add(zt_broadcast_to(x, zt_sh(B, T, b.size, b.size, C)), m);
    zt_pop(nn->g);
    return x;
}

/* ---- layers ------------------------------------------------------------------------------------------------------- */
/* 1 / running root mean square of a layer's input; in training this batch counts. */
static zt_node *magnitude_gain(zt_nn *nn, zt_node *x, bool training) {
    const double keep = 0.999;
    zt_node *known = zt_nn_state(nn, "magnitude", zt_sh(1), ZT_INIT_ONE), *now = known;
    if (training) {
        zt_node *square = zt_reshape(zt_stop_gradient(zt_mean(zt_square(x))), zt_sh(1));
        now = zt_stop_gradient(zt_add(zt_affine(known, keep, 0), zt_affine(square, 1 - keep, 0)));
        zt_nn_update(nn, zt_ema(known, square, zt_scalar(nn->g, keep), zt_global_norm(1, &square), NULL));
    }
    return zt_pow(now, -0.5);
}

static zt_node *layer(zt_nn *nn, zt_node *x, zt_node *w, int64_t i, int64_t R, const zt_stylegan_cfg *k, bool training) {
    const zt_band in = band(i ? i - 1 : 0, R, k), out = band(i, R, k);
    const bool colours = i == k->layers;
    const int64_t C = zt_last(&x->sh);
    zt_push(nn->g, colours ? "rgb" : "layer%d", (int)i);
    zt_node *gain = magnitude_gain(nn, x, training);
    zt_node *style = zt_affine(zt_equal_linear(nn, "affine", w, C, false, ZT_PLAIN), 1, 1);
    if (colours) x = zt_modulated_conv(nn, "conv", x, zt_affine(style, 1 / sqrt((double)C), 0), 1, 3, false, gain);
    else x = zt_modulated_conv(nn, "conv", x, style, 3, channels(&out, k), true, gain);
    if (!colours && k->filtered) x = zt_filtered_leaky_relu(x, &in, &out);
    else if (!colours) x = zt_affine(zt_leaky_relu(x, 0.2), 1.4142135623730951, 0);
    if (!k->filtered && out.size > in.size) x = zt_upsample(x, 1, (int)(out.size / in.size), (int)(out.size / in.size));
    zt_pop(nn->g);
    return x;
}

static zt_gan_made synthesise(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *w, zt_node *const *z,
                              zt_node *shift, bool training) {
    const zt_stylegan_cfg *k = cfg;
    zt_push(nn->g, "generator");
    zt_node *motion = zt_stylegan_motion(nn, z[1], zt_stylegan_times(nn, size, z[1]->sh.d[0]), k);
    zt_node *x = input(nn, w[0], shift, motion, size->width, k);
    for (int64_t i = 0; i <= k->layers; i++) x = layer(nn, x, w[i + 1], i, size->width, k, training);
    zt_pop(nn->g);
    return (zt_gan_made){.video = zt_affine(x, 0.25, 0)};
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    zt_node *w[ZT_GAN_STYLES], *mean;
    styles(nn, cfg, size, z, training, w, &mean);
    return synthesise(nn, cfg, size, w, z, NULL, training);
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    (void)pick;
    (void)training;
    verdict[0] = (zt_gan_verdict){zt_stylegan_critic(nn, video, zt_stylegan_times(nn, size, video->sh.d[0]), cfg), NULL};
    return 1;
}

const zt_gan_def zt_gan_stylegan_v = {
    .name = "stylegan-v",
    .doc = "alias-free pictures, continuous time (StyleGAN3 arXiv:2106.12423, StyleGAN-V arXiv:2112.14683)",
    .opts = {options, sizeof options / sizeof *options},
    .cfg_size = sizeof(zt_stylegan_cfg),
    .any_times = true,
    .check = check,
    .latents = latents,
    .generate = generate,
    .judge = judge,
    .styles = styles,
    .synthesise = synthesise};
