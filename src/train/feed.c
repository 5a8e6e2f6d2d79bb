/* feed.c - filling the inputs of a step. */
#include "train/feed.h"
#include <string.h>
#include "media/flow.h"

/* Which frames of clip b are given: none, the first, or the first 2..prefix_max. */
static int64_t given_frames(const zt_train_cfg *c, zt_rng *r) {
    const double u = zt_rng_uniform(r);
    const int64_t most = c->train.prefix_max < c->net.frames - 1 ? c->train.prefix_max : c->net.frames - 1;
    if (u < c->train.image_prob) return most < 1 ? 0 : 1;
    if (u < c->train.image_prob + c->train.prefix_prob && most >= 2) return zt_rng_int(r, 2, most);
    return 0;
}

static void set_coefficients(float coef[5], const zt_diffusion_cfg *d, zt_level level) {
    const float one = 1, zero = 0;
    coef[0] = (float)level.alpha;
    coef[1] = (float)level.sigma;
    zt_target_make((zt_target)d->target, level, &one, &zero, &coef[2], 1);
    zt_target_make((zt_target)d->target, level, &zero, &one, &coef[3], 1);
    coef[4] = (float)zt_diffusion_skip(d, level);
}

/* The noisier the clip, the less its prediction is one: SNR / (1 + SNR) of the losses on it counts. */
static void set_x0_coefficients(float coef[3], const zt_diffusion_cfg *d, zt_level level, int64_t batch) {
    double a, b;
    zt_target_x0_coef((zt_target)d->target, level, &a, &b);
    coef[0] = (float)a;
    coef[1] = (float)b;
    coef[2] = (float)(level.alpha * level.alpha / (level.alpha * level.alpha + level.sigma * level.sigma) / (double)batch);
}

zt_err zt_feed_flow(zt_step_graph *s, const uint8_t *rgb) {
    const int64_t *d = s->x0->sh.d, clip = d[1] * d[2] * d[3] * d[4], flow = zt_numel(&s->flow->sh) / s->batch;
    zt_err e = ZT_OK;
#pragma omp parallel for schedule(dynamic)
    for (int64_t b = 0; b < s->batch; b++) {
        float *to = (float *)s->flow->x + b * flow, *back = (float *)s->back->x + b * flow;
        const zt_err of_clip = zt_flow_of_clip(rgb + b * clip, (int)d[1], (int)d[2], (int)d[3], to, back);
#pragma omp critical
        if (of_clip != ZT_OK) e = of_clip;
    }
    return e == ZT_OK ? e : zt_fail(e, "no memory for the flow of clips");
}

void zt_feed(zt_step_graph *s, const zt_train_cfg *c, const zt_bpe *tok, zt_feed_kind kind, int64_t index, const uint8_t *rgb,
             const char *const *caption) {
    const zt_process process = zt_diffusion_process(&c->diffusion);
    const zt_weight_cfg weights = zt_diffusion_weight(&c->diffusion);
    const zt_time_cfg times = zt_diffusion_times(&c->diffusion);
    const int64_t T = c->net.frames, clip_n = T * c->net.height * c->net.width * ZT_RGB, L = c->net.text.length;
    const uint64_t seed = (uint64_t)c->run.seed, stream = (uint64_t)index * 4 + (uint64_t)kind * 2;
    const float gain = (float)(1 / (127.5 * c->net.scale)), shift = (float)((-1 - c->net.mean) / c->net.scale);
    float *x0 = s->x0->x, *coef = s->coef->x, *weight = s->weight->x, *mask = s->in.mask->x, *t01 = s->in.t01->x;
    zt_rng r = zt_rng_init(seed, stream + 1);
    int64_t unknown = 0;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < clip_n * s->batch; k++) x0[k] = (float)rgb[k] * gain + shift;
    zt_fill_normal(seed, stream, s->eps->x, clip_n * s->batch);
    for (int64_t b = 0; b < s->batch; b++) {
        const bool train = kind == ZT_FEED_TRAIN;
        const double part = ((double)b + (train ? zt_rng_uniform(&r) : 0.5)) / (double)s->batch;
        const double t = train ? zt_time_quantile(&times, part) : part;
        const int64_t given = train ? given_frames(c, &r) : 0;
        const bool drop = train && zt_rng_uniform(&r) < (given > 1 ? c->train.prefix_text_drop : c->train.text_drop);
        const zt_level level = zt_process_at(&process, t);
        t01[b] = (float)t;
        set_coefficients(coef + b * 5, &c->diffusion, level);
        if (s->x0_coef) set_x0_coefficients((float *)s->x0_coef->x + b * 3, &c->diffusion, level, s->batch);
        const double w = zt_loss_weight(&weights, (zt_target)c->diffusion.target, level) * (given ? c->train.known_weight : 1);
        for (int64_t f = 0; f < T; f++) {
            mask[b * T + f] = f < given;
            weight[b * T + f] = f < given ? 0 : (float)w;
        }
        unknown += T - given;
        ((int32_t *)s->in.len->x)[b] = zt_net_tokens(&c->net, tok, drop ? "" : caption[b], (int32_t *)s->in.ids->x + b * L, NULL);
    }
    zt_net_show(&s->in);
    const float mean = 1 / ((float)unknown * (float)(clip_n / T)); /* weighted sum of squares -> mean over unknown values */
    for (int64_t k = 0; k < s->batch * T; k++) weight[k] *= mean;
}
