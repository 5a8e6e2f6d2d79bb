/* sampling.c - the sampler's callback over a planned network: guidance, targets, known frames. Tested by
 * tests/pipeline/test_sampling_precision.c and through zoe generate. */
#include "pipeline/sampling.h"
#include <math.h>
#include <string.h>
#include "diffusion/guidance.h"
#include "init.h"

struct zt_sampling {
    zt_net net;                          /* a view: cfg belongs to the caller */
    const zt_bpe *tok;
    zt_diffusion_cfg d;
    int batch, passes;                   /* passes: 1, or 2 when guided (conditional, then unconditional) */
    zt_graph *g;
    zt_plan *plan;
    zt_net_in in;
    zt_node *out;
    int64_t clip_n, frame_n;             /* floats of a clip and of a frame */
};

/* One pass in work. */
typedef struct job {
    zt_sampling *s;
    const zt_sampling_request *r;
    const float *known;
    const uint8_t *mask;
    int done, total;
    bool packed;                         /* by this call: the weights cannot have changed since */
} job;

zt_err zt_sampling_precision(const char *name, zt_dtype *multiply) {
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    const bool bf16 = name && strcmp(name, "bf16") == 0;
    *multiply = facts.bf16 && (bf16 || (name && strcmp(name, "auto") == 0)) ? ZT_BF16 : ZT_F32;
    if (bf16 && !facts.bf16)
        return zt_fail(ZT_ARG, "precision bf16: this processor does not multiply in bf16; take f32, or auto for what it can");
    if (!name || (!bf16 && strcmp(name, "auto") != 0 && strcmp(name, "f32") != 0))
        return zt_fail(ZT_ARG, "precision %.40s: want %s", name ? name : "(null)", ZT_SAMPLING_PRECISION_CHOICES);
    return ZT_OK;
}

zt_err zt_sampling_create(zt_sampling **out, const zt_net *net, zt_tset *params, const zt_bpe *tok, const zt_diffusion_cfg *d,
                          int batch, bool guided, zt_dtype multiply) {
    *out = NULL;
    zt_sampling *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    s->net = *net;
    s->tok = tok;
    s->d = *d;
    s->batch = batch;
    s->passes = guided ? 2 : 1;
    s->frame_n = net->height * net->width * ZT_RGB;
    s->clip_n = net->frames * s->frame_n;
    zt_err e;
    ZT_TRY(e = zt_net_check(net), done);
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, multiply);
    zt_nn nn = {.g = s->g, .params = params};
    s->in = zt_net_inputs(s->g, net, (int64_t)batch * s->passes);
    s->out = zt_net_build(&nn, net, &s->in);
    zt_graph_keep_f32(s->g, net->f32_scopes);                  /* a part that only training has is not missed */
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params};
    e = zt_plan_create(&s->plan, s->g, 1, &s->out, &cfg);
done:
    if (e != ZT_OK) zt_sampling_destroy(&s);
    *out = s;
    return e;
}

void zt_sampling_destroy(zt_sampling **s) {
    if (!*s) return;
    zt_plan_destroy(&(*s)->plan);
    zt_graph_destroy(&(*s)->g);
    zt_free(*s);
    *s = NULL;
}

int64_t zt_sampling_bytes(const zt_sampling *s) {
    return zt_plan_bytes(s->plan);
}

static void set_prompts(zt_sampling *s, const zt_sampling_request *r, int first) {
    int32_t *ids = s->in.ids->x, *len = s->in.len->x;
    const int64_t width = s->net.text.length;
    for (int p = 0; p < s->passes; p++)
        for (int b = 0; b < s->batch; b++) {
            const int k = first + b < r->n ? first + b : r->n - 1;
            const char *text = p == 0 ? r->prompt[k] : r->negative ? r->negative : "";
            len[p * s->batch + b] = zt_net_tokens(&s->net, s->tok, text, ids + (p * s->batch + b) * width, NULL);
        }
}

/* [-1,1] to what the network sees, and back, clamped. x and y may be the same. */
static void normalise(const zt_net *net, const float *x, float *y, int64_t n) {
    const float gain = (float)(1 / net->scale), shift = (float)(-net->mean / net->scale);
    for (int64_t k = 0; k < n; k++) y[k] = x[k] * gain + shift;
}
static void denormalise(const zt_net *net, const float *x, float *y, int64_t n) {
    const float gain = (float)net->scale, shift = (float)net->mean;
    for (int64_t k = 0; k < n; k++) {
        const float v = x[k] * gain + shift;
        y[k] = v < -1 ? -1 : v > 1 ? 1 : v;
    }
}

static void set_known(zt_sampling *s, const zt_sampling_request *r, int first) {
    float *known = s->in.known->x, *mask = s->in.mask->x;
    const int64_t T = s->net.frames;
    memset(known, 0, (size_t)(s->clip_n * s->batch * s->passes) * sizeof *known);
    memset(mask, 0, (size_t)(T * s->batch * s->passes) * sizeof *mask);
    for (int p = 0; p < s->passes; p++)
        for (int b = 0; r->known && b < s->batch && first + b < r->n; b++) {
            const int64_t at = p * s->batch + b;
            normalise(&s->net, r->known + (first + b) * s->clip_n, known + at * s->clip_n, s->clip_n);
            for (int64_t t = 0; t < T; t++) mask[at * T + t] = r->mask[(first + b) * T + t];
        }
    zt_net_show(&s->in);
}

static zt_err denoise(void *user, const float *x, double t, float *x0, int64_t n) {
    job *j = user;
    zt_sampling *s = j->s;
    float *noisy = s->in.noisy->x, *t01 = s->in.t01->x;
    for (int p = 0; p < s->passes; p++) memcpy(noisy + p * s->batch * s->clip_n, x, (size_t)n * sizeof *x);
    for (int b = 0; b < s->batch * s->passes; b++) t01[b] = (float)t;
    const zt_err e = j->packed ? zt_plan_run_same(s->plan) : zt_plan_run(s->plan);
    if (e != ZT_OK) return e;
    j->packed = true;
    float *y = s->out->x;
    if (s->passes == 2) zt_guide(j->r->cfg_scale, y, y + s->batch * s->clip_n, y, n);
    const zt_process process = zt_diffusion_process(&s->d);
    const zt_level level = zt_process_at(&process, t);
    const float skip = (float)zt_diffusion_skip(&s->d, level);
    for (int64_t k = 0; k < n; k++) y[k] += skip * x[k];
    zt_target_to_x0((zt_target)s->d.target, level, x, y, x0, n);
    const float low = (float)((-1 - s->net.mean) / s->net.scale), high = (float)((1 - s->net.mean) / s->net.scale);
    for (int64_t k = 0; k < n; k++) x0[k] = x0[k] < low ? low : x0[k] > high ? high : x0[k];         /* pixels stay pixels */
    if (j->known) zt_known_frames(x0, j->known, j->mask, n / s->frame_n, s->frame_n);
    return ZT_OK;
}

static bool stepped(void *user, int step, int steps, const float *x) {
    job *j = user;
    (void)step, (void)steps, (void)x;
    j->done++;
    return !j->r->on_step || j->r->on_step(j->r->user, j->done, j->total);
}

zt_err zt_sampling_run(zt_sampling *s, const zt_sampling_request *r, float *clips) {
    const int64_t n = s->clip_n * s->batch;
    float *x = zt_alloc_array((size_t)n, sizeof *x);
    uint8_t *mask = zt_alloc_array((size_t)(s->net.frames * s->batch), 1);
    zt_err e = x && mask ? ZT_OK : ZT_NOMEM;
    job j = {.s = s, .r = r, .total = (r->n + s->batch - 1) / s->batch * r->steps};
    if (e == ZT_OK && s->passes == 1 && r->cfg_scale != 1)
        e = zt_fail(ZT_INTERNAL, "guidance %g asked of a sampler planned without it", r->cfg_scale);
    for (int first = 0; e == ZT_OK && first < r->n; first += s->batch) {
        const int count = r->n - first < s->batch ? r->n - first : s->batch;
        set_prompts(s, r, first);
        set_known(s, r, first);
        if (r->known) {
            memset(mask, 0, (size_t)(s->net.frames * s->batch));
            memcpy(mask, r->mask + first * s->net.frames, (size_t)(count * s->net.frames));
            j.known = s->in.known->x;
            j.mask = mask;
        }
        const zt_sample_cfg c = {.sampler = r->sampler, .process = zt_diffusion_process(&s->d), .steps = r->steps,
                                 .shift = s->d.time_shift, .eta = r->eta, .seed = r->seed + (uint64_t)first,
                                 .sample_n = s->clip_n, .on_step = stepped, .on_step_user = &j};
        zt_sample_noise(&c, x, n);
        e = zt_sample(&c, denoise, &j, x, n);
        if (e == ZT_OK && j.known) zt_known_frames(x, j.known, mask, n / s->frame_n, s->frame_n);
        if (e == ZT_OK) denormalise(&s->net, x, clips + first * s->clip_n, count * s->clip_n);
    }
    zt_free(x);
    zt_free(mask);
    return e;
}

void zt_floats_to_rgb(const float *x, uint8_t *rgb, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        const float v = (x[k] + 1) * 127.5f + 0.5f;
        rgb[k] = (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v);
    }
}

void zt_rgb_to_floats(const uint8_t *rgb, float *x, int64_t n) {
#pragma omp parallel for schedule(static) if (n > 65536)
    for (int64_t k = 0; k < n; k++) x[k] = (float)rgb[k] * (1 / 127.5f) - 1;
}
