/* gan_sampling.c - see gan_sampling.h. Tested by tests/pipeline/test_gan_monitor.c. */
#include "pipeline/gan_sampling.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "pipeline/sampling.h"

struct zt_gan_sampling {
    zt_net net;                          /* a view: cfg belongs to the caller */
    int batch, n_z;
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS];
    zt_gan_made made;                    /* of which views only where they were asked for */
    zt_node *out;
    /* Of a styled one: */
    int layers;
    zt_node *other[ZT_GAN_LATENTS];      /* latents of the other styles: content ones are inputs of their own */
    zt_node *keep, *choose, *shift;      /* [B,1] what is left of w - mean; [B,layers] 1: the other style; [B,2] */
    zt_graph *g;
    zt_plan *plan;
};

int zt_gan_pass(const zt_net *net) {
    const int64_t fit = ZT_GAN_PASS * 16 * 32 * 32 / (net->frames * net->height * net->width);
    return fit < 1 ? 1 : fit < ZT_GAN_PASS ? (int)fit : ZT_GAN_PASS;
}

static zt_err plan(zt_gan_sampling *s, zt_tset *params, zt_tset *states, bool dry) {
    zt_node *out[1 + ZT_GAN_VIEWS] = {s->out};
    int n = 1;
    for (int k = 0; k < ZT_GAN_VIEWS; k++)
        if (s->made.view[k].x) out[n++] = s->made.view[k].x;
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states, .dry = dry};
    return zt_plan_create(&s->plan, s->g, n, out, &cfg);
}

static zt_gan_made styled(zt_gan_sampling *s, zt_nn *nn, const zt_gan_size *size) {
    const zt_gan_def *gan = s->net.gan;
    zt_node *w[ZT_GAN_STYLES], *w2[ZT_GAN_STYLES], *mean;
    char name[64];
    for (int k = 0; k < s->n_z; k++) {
        snprintf(name, sizeof name, "other_%s", s->latent[k].name);
        s->other[k] = s->latent[k].part == ZT_GAN_CONTENT ? zt_input(s->g, name, ZT_F32, s->latent[k].sh) : s->z[k];
    }
    s->layers = gan->styles(nn, s->net.cfg, size, s->z, false, w, &mean);
    gan->styles(nn, s->net.cfg, size, s->other, false, w2, &mean);
    s->keep = zt_input(s->g, "keep", ZT_F32, zt_sh(s->batch, 1));
    s->choose = zt_input(s->g, "choose", ZT_F32, zt_sh(s->batch, s->layers));
    s->shift = zt_input(s->g, "shift", ZT_F32, zt_sh(s->batch, 2));
    for (int i = 0; i < s->layers; i++) {
        zt_node *x = zt_add(w[i], zt_mul(zt_sub(w2[i], w[i]), zt_slice(s->choose, 1, i, 1)));
        w[i] = zt_add(zt_mul(zt_sub(x, mean), s->keep), mean);
    }
    return gan->synthesise(nn, s->net.cfg, size, w, s->z, s->shift, false);
}

zt_err zt_gan_sampling_create(zt_gan_sampling **out, const zt_net *net, zt_tset *params, zt_tset *states, int batch,
                              zt_dtype multiply, int with) {
    *out = NULL;
    zt_gan_sampling *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    const zt_gan_size size = zt_net_gan_size(net);
    s->net = *net;
    s->batch = batch;
    zt_err e;
    ZT_TRY(e = zt_net_check(net), done);
    ZT_TRY(e = zt_graph_create(&s->g), done);
    zt_graph_set_multiply(s->g, multiply);
    zt_nn nn = {.g = s->g, .params = params, .states = states};
    s->n_z = net->gan->latents(net->cfg, &size, batch, s->latent);
    for (int k = 0; k < s->n_z; k++) s->z[k] = zt_input(s->g, s->latent[k].name, ZT_F32, s->latent[k].sh);
    s->made = with & ZT_GAN_STYLED ? styled(s, &nn, &size) : net->gan->generate(&nn, net->cfg, &size, s->z, false);
    s->out = s->made.video;
    if (!(with & ZT_GAN_VIEWS_TOO)) memset(s->made.view, 0, sizeof s->made.view);
    ZT_TRY(e = zt_graph_error(s->g), done);
    const char *missing = zt_graph_keep_f32(s->g, net->f32_scopes);
    if (missing && strncmp(missing, "critic", 6) != 0) {                      /* critics are not here */
        e = zt_fail(ZT_CONFIG, "f32_scopes: this model has no part '%.*s'", (int)strcspn(missing, ","), missing);
        goto done;
    }
    e = plan(s, params, states, with & ZT_GAN_DRY);
done:
    if (e != ZT_OK) zt_gan_sampling_destroy(&s);
    *out = s;
    return e;
}

const float *zt_gan_sampling_view(const zt_gan_sampling *s, const char *name, zt_shape *sh) {
    for (int k = 0; k < ZT_GAN_VIEWS; k++) {
        const zt_node *x = s->made.view[k].x;
        if (!x || strcmp(s->made.view[k].name, name) != 0) continue;
        *sh = x->sh;
        return x->x;
    }
    return NULL;
}

void zt_gan_sampling_destroy(zt_gan_sampling **s) {
    if (!s || !*s) return;
    zt_plan_destroy(&(*s)->plan);
    zt_graph_destroy(&(*s)->g);
    zt_free(*s);
    *s = NULL;
}

int zt_gan_sampling_layers(const zt_gan_sampling *s) {
    return s->layers;
}

int64_t zt_gan_sampling_bytes(const zt_gan_sampling *s) {
    return zt_plan_bytes(s->plan);
}

/* ---- codes -------------------------------------------------------------------------------------------------------- */
static uint64_t seed_of(const zt_gan_latent *z, const zt_gan_codes *c) {
    return z->part == ZT_GAN_CONTENT ? c->content : c->motion;
}

static int draw_category(const zt_gan_latent *z, const zt_gan_codes *c) {
    zt_rng r = zt_rng_init(seed_of(z, c), zt_hash_name(z->name));
    const int64_t drawn = zt_rng_int(&r, 0, zt_last(&z->sh) - 1);
    return c->category >= 0 ? c->category : (int)drawn;
}

int zt_gan_category_of(const zt_net *net, const zt_gan_codes *codes) {
    const zt_gan_size size = zt_net_gan_size(net);
    zt_gan_latent z[ZT_GAN_LATENTS];
    const int n = net->gan->latents(net->cfg, &size, 1, z);
    for (int k = 0; k < n; k++)
        if (z[k].draw == ZT_GAN_CATEGORY) return draw_category(&z[k], codes);
    return -1;
}

void zt_gan_first_frames(const zt_net *net, int64_t n, const uint8_t *rgb, float *x) {
    const int64_t frame = net->height * net->width * ZT_RGB;
    for (int64_t k = 0; k < n; k++) zt_rgb_to_floats(rgb + k * net->frames * frame, x + k * frame, frame);
}

/* x goes the part `mix` of the way to y: along the arc between the two vectors (Shoemake 1985), or straight. */
static void mix_codes(zt_gan_draw draw, float *x, const float *y, int64_t n, double mix) {
    double dot = 0, xx = 0, yy = 0, a = 1 - mix, b = mix;
    for (int64_t k = 0; k < n; k++) {
        dot += (double)x[k] * y[k];
        xx += (double)x[k] * x[k];
        yy += (double)y[k] * y[k];
    }
    const double angle = xx > 0 && yy > 0 ? acos(fmax(-1, fmin(1, dot / sqrt(xx * yy)))) : 0;
    if (draw == ZT_GAN_NORMAL && sin(angle) > 1e-6) {
        a = sin((1 - mix) * angle) / sin(angle);
        b = sin(mix * angle) / sin(angle);
    }
    for (int64_t k = 0; k < n; k++) x[k] = (float)(a * x[k] + b * y[k]);
}

/* Latent z of row b of the pass, into `input`. */
static void fill(const zt_gan_sampling *s, const zt_gan_latent *z, zt_node *input, int b, const zt_gan_codes *c, float *other) {
    const int64_t n = zt_numel(&z->sh) / s->batch;
    const uint64_t stream = zt_hash_name(z->name);
    float *x = (float *)input->x + b * n;
    if (z->draw == ZT_GAN_FRAME) {
        memcpy(x, c->frame, (size_t)n * sizeof *x);
        return;
    }
    zt_gan_draw_codes(z->draw, seed_of(z, c), stream, x, n);
    if (z->draw == ZT_GAN_CATEGORY) x[draw_category(z, c)] = 1;
    else if (z->part == ZT_GAN_CONTENT && c->mix > 0) {
        zt_gan_draw_codes(z->draw, c->content_to, stream, other, n);
        mix_codes(z->draw, x, other, n, c->mix);
    }
}

/* What row b of a styled pass is to look like. */
static void fill_style(const zt_gan_sampling *s, int b, const zt_gan_codes *c, float *unused) {
    const zt_gan_codes other = {.content = c->style, .motion = c->motion, .category = c->category};
    for (int k = 0; k < s->n_z; k++)
        if (s->other[k] != s->z[k]) fill(s, &s->latent[k], s->other[k], b, &other, unused);
    ((float *)s->keep->x)[b] = (float)(1 - c->to_mean);
    for (int i = 0; i < s->layers; i++)
        ((float *)s->choose->x)[b * s->layers + i] = i >= c->style_from && i < c->style_to ? 1 : 0;
    ((float *)s->shift->x)[2 * b] = (float)c->dx;
    ((float *)s->shift->x)[2 * b + 1] = (float)c->dy;
}

zt_err zt_gan_sampling_run(zt_gan_sampling *s, int n, const zt_gan_codes *codes, float *clips,
                           bool (*on_step)(void *user, int done, int total), void *user) {
    const int64_t clip = zt_numel(&s->out->sh) / s->batch;
    int64_t most = 1;
    for (int k = 0; k < n && zt_net_from_frame(&s->net); k++)
        if (!codes[k].frame)
            return zt_fail(ZT_ARG, "clip %d without a first frame: this %s must be given one", k, zt_net_name(&s->net));
    for (int k = 0; k < s->n_z; k++)
        if (zt_numel(&s->latent[k].sh) > most) most = zt_numel(&s->latent[k].sh);
    float *other = zt_alloc_array((size_t)most, sizeof *other);
    zt_err e = other ? ZT_OK : ZT_NOMEM;
    for (int done = 0; e == ZT_OK && done < n; done += s->batch) {
        const int rows = n - done < s->batch ? n - done : s->batch;
        for (int b = 0; b < s->batch; b++) {                                  /* rows beyond the last clip repeat it */
            const zt_gan_codes *c = &codes[done + (b < rows ? b : rows - 1)];
            for (int k = 0; k < s->n_z; k++) fill(s, &s->latent[k], s->z[k], b, c, other);
            if (s->layers) fill_style(s, b, c, other);
        }
        if ((e = zt_plan_run(s->plan)) != ZT_OK) break;
        memcpy(clips + done * clip, s->out->x, (size_t)(rows * clip) * sizeof *clips);
        if (on_step && !on_step(user, done + rows, n)) e = zt_fail(ZT_CANCELLED, "stopped");
    }
    zt_free(other);
    return e;
}
