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

enum { SETTLING_RUNS = 50 };             /* a running statistic moves a tenth each time */

static zt_err run_to_settle(zt_run *r, zt_graph *g, int n, const zt_gan_latent *latent, zt_node *const *z, zt_node *update) {
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &r->ema, .states = &r->ema};
    const int64_t rows = z[0]->sh.d[0];
    zt_plan *p = NULL;
    zt_err e = zt_plan_create(&p, g, 1, &update, &cfg);
    for (int k = 0; e == ZT_OK && k < SETTLING_RUNS; k++) {
        zt_rng rng = zt_rng_init((uint64_t)k, zt_hash_name("settle"));
        for (int j = 0; j < n; j++) {
            const int64_t classes = zt_last(&z[j]->sh);
            zt_gan_draw_codes(latent[j].draw, (uint64_t)k, zt_hash_name(latent[j].name), z[j]->x, zt_numel(&z[j]->sh));
            for (int64_t b = 0; latent[j].draw == ZT_GAN_CATEGORY && b < rows; b++)
                ((float *)z[j]->x)[b * classes + zt_rng_int(&rng, 0, classes - 1)] = 1;
        }
        e = zt_plan_run(p);
    }
    zt_plan_destroy(&p);
    return e;
}

zt_err zt_gan_settle(zt_run *r) {
    zt_gan_own *own = r->own;
    const zt_net *net = &r->c->net;
    const zt_gan_size size = zt_net_gan_size(net);
    zt_graph *g;
    if (own->settled == r->at.step + 1) return ZT_OK;
    zt_err e = zt_graph_create(&g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(g, zt_precision_multiply(r->c->run.precision));
    zt_nn nn = {.g = g, .params = &r->ema, .states = &r->ema};
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS];
    const int n = net->gan->latents(net->cfg, &size, r->c->train.batch, latent);
    for (int k = 0; k < n; k++) z[k] = zt_input(g, latent[k].name, ZT_F32, latent[k].sh);
    net->gan->generate(&nn, net->cfg, &size, z, true);
    e = zt_graph_error(g);
    if (e == ZT_OK && nn.update) e = run_to_settle(r, g, n, latent, z, nn.update);
    zt_graph_destroy(&g);
    own->settled = r->at.step + 1;
    return e;
}

/* n clips by the averaged generator, content and motion of clip k by seed k+1. */
static zt_err make_clips(zt_run *r, int n, uint8_t *rgb) {
    const zt_net *net = &r->c->net;
    const int64_t clip = clip_values(net);
    zt_gan_sampling *s = NULL;
    float *x = zt_alloc_array((size_t)(clip * ZT_GAN_PASS), sizeof *x);
    zt_err e =
        x ? zt_gan_sampling_create(&s, net, &r->ema, &r->ema, ZT_GAN_PASS, zt_precision_multiply(r->c->run.precision), false)
          : ZT_NOMEM;
    for (int done = 0; e == ZT_OK && done < n; done += ZT_GAN_PASS) {
        const int rows = n - done < ZT_GAN_PASS ? n - done : ZT_GAN_PASS;
        zt_gan_codes codes[ZT_GAN_PASS] = {{0}};
        for (int k = 0; k < rows; k++) {
            const uint64_t seed = (uint64_t)(done + k + 1);
            codes[k] = (zt_gan_codes){.content = seed, .motion = seed, .category = -1};
        }
        e = zt_gan_sampling_run(s, rows, codes, x, go_on, NULL);
        if (e == ZT_OK) zt_floats_to_rgb(x, rgb + done * clip, rows * clip);
    }
    zt_gan_sampling_destroy(&s);
    zt_free(x);
    return e;
}

static zt_err real_clips(zt_run *r, const char *split, int n, uint8_t *rgb) {
    const int64_t clip = clip_values(&r->c->net);
    zt_train_cfg c = *r->c;
    zt_loader *l = NULL;
    c.data.jitter = c.data.crop = c.data.flip = 0;
    zt_err e = zt_run_loader(&l, r->ds, &c, split, 1, 0);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        zt_batch b;
        e = zt_loader_next(l, &b);
        if (e == ZT_OK) memcpy(rgb + k * clip, b.rgb, (size_t)clip);
    }
    zt_loader_destroy(&l);
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
    const int n = (int)r->c->gan.monitor_clips, n_real = (int)(val < n ? val : n);
    if (n_real < 2) return zt_fail(ZT_CONFIG, "the validation split has one clip; want 2 or more to compare with, or none");
    uint8_t *made = zt_alloc((size_t)(n * clip)), *real = zt_alloc((size_t)(n_real * clip));
    zt_gan_monitor m;
    zt_err e = made && real ? zt_gan_settle(r) : ZT_NOMEM;
    ZT_TRY(e, done);
    ZT_TRY(e = real_clips(r, "val", n_real, real), done);
    ZT_TRY(e = make_clips(r, n, made), done);
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

zt_err zt_gan_samples(zt_run *r) {
    const zt_net *net = &r->c->net;
    zt_gan_codes codes[ZT_SAMPLE_CLIPS];
    for (int k = 0; k < ZT_SAMPLE_CLIPS; k++) {
        const int other = k < 4 ? 0 : k - 3; /* contents 0 0 0 0 1 2 3 4, motions 0 1 2 3 0 0 0 0 */
        codes[k] = (zt_gan_codes){.content = 1 + (uint64_t)other, .motion = 1 + (k < 4 ? (uint64_t)k : 0),
                                  .category = net->classes ? (k < 4 ? k % (int)net->classes : 0) : -1};
    }
    float *x = zt_alloc_array((size_t)(clip_values(net) * ZT_SAMPLE_CLIPS), sizeof *x);
    zt_gan_sampling *s = NULL;
    const zt_dtype multiply = zt_precision_multiply(r->c->run.precision);
    zt_err e = x ? zt_gan_settle(r) : ZT_NOMEM;
    if (e == ZT_OK) e = zt_gan_sampling_create(&s, net, &r->ema, &r->ema, ZT_SAMPLE_CLIPS, multiply, false);
    if (e == ZT_OK) e = zt_gan_sampling_run(s, ZT_SAMPLE_CLIPS, codes, x, go_on, NULL);
    if (e == ZT_OK) e = zt_run_samples_write(x, net, r->out, r->at.step);
    zt_gan_sampling_destroy(&s);
    zt_free(x);
    return e;
}
