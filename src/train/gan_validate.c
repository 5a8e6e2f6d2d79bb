/* gan_validate.c - see gan_validate.h. */
#include "train/gan_validate.h"
#include <string.h>
#include "base/log.h"
#include "init.h"
#include "pipeline/gan_monitor.h"
#include "pipeline/gan_sampling.h"
#include "pipeline/sampling.h"
#include "train/run_data.h"
#include "train/samples.h"

static int64_t clip_values(const zt_net *net) {
    return net->frames * net->height * net->width * ZT_RGB;
}

static bool go_on(void *user, int done, int total) {
    (void)user, (void)done, (void)total;
    return !zt_cancelled();
}

/* ---- real clips ---------------------------------------------------------------------------------------------------- */
/* The clips of a split as they are, in batches, always the same. */
static zt_err plain_loader(zt_loader **l, const zt_run *r, const char *split, int64_t batch) {
    zt_train_cfg c = *r->c;
    zt_data_cfg *d = &c.data;
    d->jitter = d->crop = d->flip = 0;
    d->stretch = d->rotate = d->brightness = d->contrast = d->saturation = d->hue = 0;
    return zt_run_loader(l, r->ds, &c, split, batch, 0);
}

/* Split whose clips say what made clips begin with. */
static const char *frames_split(const zt_run *r) {
    return zt_dataset_count(r->ds, "val") ? "val" : "train";
}

static zt_err real_clips(const zt_run *r, const char *split, int n, uint8_t *rgb) {
    const int64_t clip = clip_values(&r->c->net);
    zt_loader *l = NULL;
    zt_err e = plain_loader(&l, r, split, 1);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        zt_batch b;
        e = zt_loader_next(l, &b);
        if (e == ZT_OK) memcpy(rgb + k * clip, b.rgb, (size_t)clip);
    }
    zt_loader_destroy(&l);
    return e;
}

/* ---- settling ------------------------------------------------------------------------------------------------------ */
enum { SETTLING_RUNS = 50 };             /* a running statistic moves a tenth each time */

typedef struct settling {
    zt_graph *g;
    int n;
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS], *update;
    zt_loader *frames;                   /* of real clips, or NULL: the model wants no first frame */
} settling;

static zt_err fill_codes(const settling *s, const zt_net *net, int run) {
    zt_rng rng = zt_rng_init((uint64_t)run, zt_hash_name("settle"));
    zt_batch real;
    const zt_err e = s->frames ? zt_loader_next(s->frames, &real) : ZT_OK;
    for (int j = 0; e == ZT_OK && j < s->n; j++) {
        const zt_gan_latent *of = &s->latent[j];
        const int64_t rows = of->sh.d[0], classes = zt_last(&of->sh);
        float *x = s->z[j]->x;
        if (of->draw == ZT_GAN_FRAME) zt_gan_first_frames(net, rows, real.rgb, x);
        else zt_gan_draw_codes(of->draw, (uint64_t)run, zt_hash_name(of->name), x, zt_numel(&of->sh));
        for (int64_t b = 0; of->draw == ZT_GAN_CATEGORY && b < rows; b++) x[b * classes + zt_rng_int(&rng, 0, classes - 1)] = 1;
    }
    return e;
}

static zt_err run_to_settle(zt_run *r, settling *s) {
    const zt_net *net = &r->c->net;
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &r->ema, .states = &r->ema};
    zt_plan *p = NULL;
    zt_err e = zt_plan_create(&p, s->g, 1, &s->update, &cfg);
    if (e == ZT_OK && zt_net_from_frame(net)) e = plain_loader(&s->frames, r, frames_split(r), r->c->train.batch);
    for (int k = 0; e == ZT_OK && k < SETTLING_RUNS; k++) {
        e = fill_codes(s, net, k);
        if (e == ZT_OK) e = zt_plan_run(p);
    }
    zt_loader_destroy(&s->frames);
    zt_plan_destroy(&p);
    return e;
}

zt_err zt_gan_settle(zt_run *r) {
    zt_gan_own *own = r->own;
    const zt_net *net = &r->c->net;
    const zt_gan_size size = zt_net_gan_size(net);
    settling s = {0};
    if (own->settled == r->at.step + 1) return ZT_OK;
    zt_err e = zt_graph_create(&s.g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(s.g, zt_precision_multiply(r->c->run.precision));
    zt_nn nn = {.g = s.g, .params = &r->ema, .states = &r->ema};
    s.n = net->gan->latents(net->cfg, &size, r->c->train.batch, s.latent);
    for (int k = 0; k < s.n; k++) s.z[k] = zt_input(s.g, s.latent[k].name, ZT_F32, s.latent[k].sh);
    net->gan->generate(&nn, net->cfg, &size, s.z, true);
    s.update = nn.update;
    e = zt_graph_error(s.g);
    if (e == ZT_OK && s.update) e = run_to_settle(r, &s);
    zt_graph_destroy(&s.g);
    own->settled = r->at.step + 1;
    return e;
}

/* ---- validation ---------------------------------------------------------------------------------------------------- */
/* n clips by the averaged generator, content and motion of clip k by seed k+1; the first frame of models that want one: that of
 * clip k of real. */
static zt_err make_clips(zt_run *r, int n, const uint8_t *real, uint8_t *rgb) {
    const zt_net *net = &r->c->net;
    const int64_t clip = clip_values(net), frame = clip / net->frames;
    const bool from_frame = zt_net_from_frame(net);
    const int pass = zt_gan_pass(net);
    zt_gan_sampling *s = NULL;
    float *x = zt_alloc_array((size_t)((clip + frame) * pass), sizeof *x), *first = x ? x + clip * pass : NULL;
    zt_err e = x ? zt_gan_sampling_create(&s, net, &r->ema, &r->ema, pass, zt_precision_multiply(r->c->run.precision), 0)
                 : ZT_NOMEM;
    for (int done = 0; e == ZT_OK && done < n; done += pass) {
        const int rows = n - done < pass ? n - done : pass;
        zt_gan_codes codes[ZT_GAN_PASS] = {{0}};
        if (from_frame) zt_gan_first_frames(net, rows, real + done * clip, first);
        for (int k = 0; k < rows; k++) {
            const uint64_t seed = (uint64_t)(done + k + 1);
            codes[k] = (zt_gan_codes){.content = seed, .motion = seed, .category = -1,
                                      .frame = from_frame ? first + k * frame : NULL};
        }
        e = zt_gan_sampling_run(s, rows, codes, x, go_on, NULL);
        if (e == ZT_OK) zt_floats_to_rgb(x, rgb + done * clip, rows * clip);
    }
    zt_gan_sampling_destroy(&s);
    zt_free(x);
    return e;
}

static zt_err log_monitor(zt_run *r, const zt_gan_monitor *m) {
    zt_scalars s = {0};
    zt_scalars_add(&s, "val_frechet", m->frechet, false);
    zt_scalars_add(&s, "variance", m->made.variance, false);
    zt_scalars_add(&s, "variance_of_data", m->real.variance, false);
    zt_scalars_add(&s, "nearest_other", m->made.nearest, false);
    zt_scalars_add(&s, "nearest_other_of_data", m->real.nearest, false);
    if (m->judged) {
        zt_scalars_add(&s, "valid", m->made.valid, false);
        zt_scalars_add(&s, "entropy_shape", m->made.entropy.shape, false);
        zt_scalars_add(&s, "entropy_colour", m->made.entropy.colour, false);
        zt_scalars_add(&s, "entropy_direction", m->made.entropy.direction, false);
    }
    zt_scalars_add(&s, "collapse", *m->collapse != 0, false);
    return zt_run_log_scalars(&r->log, r->at.step, s.n, s.name, s.value);
}

static zt_err warn(zt_run *r, const zt_gan_monitor *m) {
    zt_gan_own *own = r->own;
    own->collapsed = *m->collapse ? own->collapsed + 1 : 0;
    r->doubtful = own->collapsed > 0;
    if (!*m->collapse) return ZT_OK;
    zt_log("step %lld: mode collapse: %s", (long long)r->at.step, m->collapse);
    if (!r->c->gan.stop_on_collapse || own->collapsed < 2) return ZT_OK;
    return zt_fail(ZT_DIVERGED,
                   "step %lld: mode collapse: %s; stopped, as gan.stop_on_collapse says. Try gan.penalty=r1, gan.augment_shift "
                   "or a lower gan.critic_lr; the last checkpoint and the best model are kept",
                   (long long)r->at.step, m->collapse);
}

zt_err zt_gan_validate(zt_run *r, double *figure) {
    const zt_net *net = &r->c->net;
    const int64_t clip = clip_values(net), val = zt_dataset_count(r->ds, "val");
    const int asked = (int)r->c->gan.monitor_clips, n_real = (int)(val < asked ? val : asked);
    const int n = zt_net_from_frame(net) ? n_real : asked;   /* one clip of each frame: two would be the same */
    if (n_real < 2) return zt_fail(ZT_CONFIG, "the validation split has one clip; want 2 or more to compare with, or none");
    uint8_t *made = zt_alloc((size_t)(n * clip)), *real = zt_alloc((size_t)(n_real * clip));
    zt_gan_monitor m;
    zt_err e = made && real ? zt_gan_settle(r) : ZT_NOMEM;
    ZT_TRY(e, done);
    ZT_TRY(e = real_clips(r, "val", n_real, real), done);
    ZT_TRY(e = make_clips(r, n, real, made), done);
    ZT_TRY(e = zt_gan_monitor_look(&m, made, n, real, n_real, (int)net->frames, (int)net->height, (int)net->width,
                                   zt_gan_judgeable(r->ds, "val")), done);
    *figure = m.frechet;
    ZT_TRY(e = log_monitor(r, &m), done);
    e = warn(r, &m);
done:
    zt_free(made);
    zt_free(real);
    return e;
}

/* ---- samples ------------------------------------------------------------------------------------------------------- */
/* First frames [n,H,W,3] for the samples of a model that wants them, into *frames, the caller's; else NULL. */
static zt_err sample_frames(const zt_run *r, int n, float **frames) {
    const zt_net *net = &r->c->net;
    *frames = NULL;
    if (!zt_net_from_frame(net)) return ZT_OK;
    uint8_t *rgb = zt_alloc((size_t)(clip_values(net) * n));
    *frames = zt_alloc_array((size_t)(clip_values(net) / net->frames * n), sizeof **frames);
    const zt_err e = rgb && *frames ? real_clips(r, frames_split(r), n, rgb) : ZT_NOMEM;
    if (e == ZT_OK) zt_gan_first_frames(net, n, rgb, *frames);
    zt_free(rgb);
    return e;
}

zt_err zt_gan_samples(zt_run *r) {
    const zt_net *net = &r->c->net;
    const int64_t frame = clip_values(net) / net->frames;
    zt_gan_codes codes[ZT_SAMPLE_CLIPS];
    float *frames;
    zt_err e = sample_frames(r, ZT_SAMPLE_CLIPS, &frames);
    for (int k = 0; k < ZT_SAMPLE_CLIPS; k++) {
        const int other = k < 4 ? 0 : k - 3; /* contents 0 0 0 0 1 2 3 4, motions 0 1 2 3 0 0 0 0 */
        codes[k] = (zt_gan_codes){.content = 1 + (uint64_t)other, .motion = 1 + (k < 4 ? (uint64_t)k : 0),
                                  .category = net->classes ? (k < 4 ? k % (int)net->classes : 0) : -1,
                                  .frame = frames ? frames + k * frame : NULL};
    }
    float *x = zt_alloc_array((size_t)(clip_values(net) * ZT_SAMPLE_CLIPS), sizeof *x);
    zt_gan_sampling *s = NULL;
    const zt_dtype multiply = zt_precision_multiply(r->c->run.precision);
    if (e == ZT_OK) e = x ? zt_gan_settle(r) : ZT_NOMEM;
    if (e == ZT_OK) e = zt_gan_sampling_create(&s, net, &r->ema, &r->ema, ZT_SAMPLE_CLIPS, multiply, 0);
    if (e == ZT_OK) e = zt_gan_sampling_run(s, ZT_SAMPLE_CLIPS, codes, x, go_on, NULL);
    if (e == ZT_OK) e = zt_run_samples_write(x, net, r->out, r->at.step);
    zt_gan_sampling_destroy(&s);
    zt_free(frames);
    zt_free(x);
    return e;
}
