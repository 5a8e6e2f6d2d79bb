/* gan_eval.c - see gan_eval.h. Tested by tests/cli/test_gan.sh. */
#include "pipeline/gan_eval.h"
#include <string.h>
#include "base/log.h"
#include "data/labels.h"
#include "eval/equivariance.h"
#include "eval/steadiness.h"
#include "pipeline/gan_sampling.h"
#include "pipeline/sampling.h"

typedef struct job {
    zt_model_dir *m;
    const zt_dataset *ds;
    const zt_gan_eval_cfg *cfg;
    zt_gan_eval *r;
} job;

static int64_t clip_bytes(const zt_net *net, int64_t frames) {
    return frames * net->height * net->width * ZT_RGB;
}

static bool go_on(void *user, int done, int total) {
    (void)user, (void)done, (void)total;
    return !zt_cancelled();
}

/* n clips of `frames` frames by these weights and states of layers (none: first ones are made), rgb [n,frames,H,W,3]. */
static zt_err make_by(const job *j, zt_tset *params, zt_tset *states, int n, const zt_gan_codes *codes, int64_t frames,
                      uint8_t *rgb) {
    zt_net net = j->m->net;
    net.frames = frames;
    const int64_t clip = clip_bytes(&net, frames);
    const int pass = zt_gan_pass(&net);
    zt_gan_sampling *s = NULL;
    float *x = zt_alloc_array((size_t)(clip * pass), sizeof *x);
    zt_err e = x ? zt_gan_sampling_create(&s, &net, params, states, pass, j->cfg->multiply, 0) : ZT_NOMEM;
    for (int done = 0; e == ZT_OK && done < n; done += pass) {
        const int rows = n - done < pass ? n - done : pass;
        e = zt_gan_sampling_run(s, rows, codes + done, x, go_on, NULL);
        if (e == ZT_OK) zt_floats_to_rgb(x, rgb + done * clip, rows * clip);
    }
    zt_gan_sampling_destroy(&s);
    zt_free(x);
    return e;
}

static zt_err make(const job *j, int n, const zt_gan_codes *codes, int64_t frames, uint8_t *rgb) {
    return make_by(j, &j->m->params, &j->m->states, n, codes, frames, rgb);
}

/* ---- free clips --------------------------------------------------------------------------------------------------- */
/* At most n clips of a split, whose combinations of attributes were trained on; of longer ones the first frames. The first ones
 * of a world, which come by chance; of others, whose neighbours may be of one film, some of everywhere. */
static zt_err real_clips(const job *j, const char *split, int n, bool world, uint8_t *rgb, int *found) {
    const zt_net *net = &j->m->net;
    const int64_t bytes = clip_bytes(net, net->frames), count = zt_dataset_count(j->ds, split);
    const int64_t step = world || count < n ? 1 : count / n;
    *found = 0;
    for (int64_t k = 0; k < count && *found < n; k += step) {
        zt_clip_view c;
        const zt_err e = zt_dataset_clip(j->ds, split, k, &c);
        if (e != ZT_OK) return e;
        if (c.frames < net->frames || c.height != net->height || c.width != net->width)
            return zt_fail(ZT_CONFIG,
                           "clip %s is %dx%dx%d; the model makes %lldx%lldx%lld (frames x height x width); want clips of that "
                           "size, or longer",
                           c.key, c.frames, c.height, c.width, (long long)net->frames, (long long)net->height,
                           (long long)net->width);
        if (!zt_label_true(&c, "held_out")) memcpy(rgb + (*found)++ * bytes, c.rgb, (size_t)bytes);
    }
    return *found > 1 ? ZT_OK
                      : zt_fail(ZT_CONFIG, "the %s split has %d clips to compare with, want 2 or more; make a data set with "
                                "zoe synth --test 0.1, or zoe ingest --test 0.1", split, *found);
}

/* What the distance of the made clips is to be held against, where no judge can read them: n clips that are not the model's. */
static zt_err floors(const job *j, int n, const zt_gan_codes *codes, uint8_t *clips, const uint8_t *real, int n_real) {
    const int T = (int)j->m->net.frames, H = (int)j->m->net.height, W = (int)j->m->net.width;
    zt_gan_eval *r = j->r;
    zt_tset params = {0}, states = {0};
    int n_train;
    zt_err e;
    ZT_TRY(e = real_clips(j, "train", n, false, clips, &n_train), done);
    ZT_TRY(e = zt_clips_frechet(clips, n_train, real, n_real, T, H, W, &r->frechet_floor), done);
    ZT_TRY(e = make_by(j, &params, &states, n, codes, T, clips), done);
    ZT_TRY(e = zt_clips_frechet(clips, n, real, n_real, T, H, W, &r->frechet_untrained), done);
    zt_rng rng = zt_rng_init(j->cfg->seed, zt_hash_name("noise"));
    for (int64_t k = 0; k < n * clip_bytes(&j->m->net, T); k++) clips[k] = (uint8_t)zt_rng_int(&rng, 0, 255);
    e = zt_clips_frechet(clips, n, real, n_real, T, H, W, &r->frechet_noise);
done:
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return e;
}

/* How steady they are; it takes a while to find their flow. */
static zt_err steadiness(const job *j, const uint8_t *made, int n, const uint8_t *real, int n_real) {
    enum { MOST = 200 };
    const int T = (int)j->m->net.frames, H = (int)j->m->net.height, W = (int)j->m->net.width;
    zt_err e = zt_warp_error_of(made, n < MOST ? n : MOST, T, H, W, &j->r->warp_error);
    return e == ZT_OK ? zt_warp_error_of(real, n_real < MOST ? n_real : MOST, T, H, W, &j->r->warp_error_of_data) : e;
}

static zt_err free_clips(const job *j, bool judged) {
    const zt_net *net = &j->m->net;
    const int n = j->cfg->n, T = (int)net->frames, H = (int)net->height, W = (int)net->width;
    const int64_t bytes = clip_bytes(net, net->frames);
    uint8_t *made = zt_alloc((size_t)(n * bytes)), *real = zt_alloc((size_t)(n * bytes));
    zt_gan_codes *codes = zt_alloc_array((size_t)n, sizeof *codes);
    int n_real = 0;
    zt_err e = made && real && codes ? ZT_OK : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < n; k++)
        codes[k] = (zt_gan_codes){.content = j->cfg->seed + (uint64_t)k, .motion = j->cfg->seed + (uint64_t)k, .category = -1};
    if (e == ZT_OK) e = real_clips(j, "test", n, judged, real, &n_real);
    const double start = zt_now();
    if (e == ZT_OK) e = make(j, n, codes, net->frames, made);
    j->r->clips_per_s = n / (zt_now() - start);
    j->r->frames_per_s = j->r->clips_per_s * (double)net->frames;
    if (e == ZT_OK) e = zt_gan_monitor_look(&j->r->clips, made, n, real, n_real, T, H, W, judged);
    if (e == ZT_OK) e = steadiness(j, made, n, real, n_real);
    if (e == ZT_OK && !judged) e = floors(j, n, codes, made, real, n_real);
    if (e == ZT_OK && judged) e = zt_gan_views_score(&j->r->views, j->m, n, codes, j->cfg->multiply);
    if (e == ZT_OK && j->cfg->judge_net) e = zt_second_opinion_of(j->cfg->judge_net, j->ds, made, n, n, &j->r->second);
    zt_free(codes);
    zt_free(made);
    zt_free(real);
    return e;
}

/* ---- moved pictures ------------------------------------------------------------------------------------------------- */
enum { MOVED_CLIPS = 8, MOVES = 8 };
typedef struct moved { zt_gan_sampling *s; uint64_t seed; } moved;

/* The same clips, with what is behind them moved. */
static zt_err make_moved(void *ctx, double dx, double dy, float *out) {
    const moved *m = ctx;
    zt_gan_codes codes[MOVED_CLIPS];
    for (int k = 0; k < MOVED_CLIPS; k++)
        codes[k] = (zt_gan_codes){.content = m->seed + (uint64_t)k, .motion = m->seed + (uint64_t)k, .category = -1, .dx = dx,
                                  .dy = dy};
    return zt_gan_sampling_run(m->s, MOVED_CLIPS, codes, out, go_on, NULL);
}

/* In f32, as the paper: rounding to bf16 alone would cost more than what filters leave. */
static zt_err equivariance(const job *j) {
    const zt_net *net = &j->m->net;
    const int pass = zt_gan_pass(net) < MOVED_CLIPS ? zt_gan_pass(net) : MOVED_CLIPS;
    moved m = {.seed = j->cfg->seed};
    zt_err e = zt_gan_sampling_create(&m.s, net, &j->m->params, &j->m->states, pass, ZT_F32, ZT_GAN_STYLED);
    if (e == ZT_OK)
        e = zt_eq_translation(make_moved, &m, (int)(MOVED_CLIPS * net->frames), (int)net->height, (int)net->width, MOVES,
                              j->cfg->seed, &j->r->eq_t);
    zt_gan_sampling_destroy(&m.s);
    return e;
}

/* ---- content x motion --------------------------------------------------------------------------------------------- */
static void compare(zt_agreement *a, bool agree) {
    a->pairs++;
    a->agree += agree;
}

/* Motion m of the cross: a category in turn, so that each is there equally often; without categories motion codes alone. */
static zt_gan_codes crossed(const job *j, int content, int motion) {
    const int64_t classes = j->m->net.classes;
    return (zt_gan_codes){.content = j->cfg->seed + (uint64_t)content,
                          .motion = j->cfg->seed + (uint64_t)(classes ? content * j->cfg->motions + motion : motion),
                          .category = classes ? motion % (int)classes : -1};
}

static void compare_pair(const job *j, const zt_verdict *v, int a, int b) {
    const int M = j->cfg->motions;
    const int64_t classes = j->m->net.classes;
    zt_gan_eval *r = j->r;
    const bool same_content = a / M == b / M, same_look = v[a].shape == v[b].shape && v[a].colour == v[b].colour;
    const bool same_motion = classes ? a % M % classes == b % M % classes : a % M == b % M;
    if (!v[a].valid || !v[b].valid) return;
    compare(same_content ? &r->content : &r->content_floor, same_look);
    if (same_motion && !same_content) compare(&r->motion, v[a].direction == v[b].direction);
    if (!same_motion) compare(&r->motion_floor, v[a].direction == v[b].direction);
}

/* Whether the category is the name of a direction, and the clip goes there. */
static void compare_name(const job *j, const zt_verdict *v, int category) {
    const char *name = category < 0 ? "" : j->m->net.class_name[category];
    if (!v->valid) return;
    for (int d = 0; d < ZT_JUDGE_DIRECTIONS; d++) {
        if (strcmp(zt_judge_direction_name(d), name) != 0) continue;
        j->r->named++;
        j->r->named_right += (int)v->direction == d;
    }
}

static zt_err cross(const job *j) {
    const zt_net *net = &j->m->net;
    const int n = j->cfg->contents * j->cfg->motions;
    const int64_t bytes = clip_bytes(net, net->frames);
    uint8_t *rgb = zt_alloc((size_t)(n * bytes));
    zt_gan_codes *codes = zt_alloc_array((size_t)n, sizeof *codes);
    zt_verdict *v = zt_alloc_array((size_t)n, sizeof *v);
    zt_err e = rgb && codes && v ? ZT_OK : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < n; k++) codes[k] = crossed(j, k / j->cfg->motions, k % j->cfg->motions);
    if (e == ZT_OK) e = make(j, n, codes, net->frames, rgb);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        e = zt_judge_clip(rgb + k * bytes, (int)net->frames, (int)net->height, (int)net->width, &v[k]);
        if (e != ZT_OK) break;
        j->r->crossed++;
        j->r->crossed_valid += v[k].valid;
        compare_name(j, &v[k], codes[k].category);
        for (int i = 0; i < k; i++) compare_pair(j, v, i, k);
    }
    zt_free(v);
    zt_free(codes);
    zt_free(rgb);
    return e;
}

/* ---- beyond the trained length ------------------------------------------------------------------------------------ */
static zt_err roll_out(const job *j) {
    const zt_net *net = &j->m->net;
    const int n = j->cfg->rollouts, T = (int)net->frames, H = (int)net->height, W = (int)net->width;
    const int64_t half = clip_bytes(net, T);
    uint8_t *rgb = zt_alloc((size_t)(2 * n * half));
    zt_gan_codes *codes = zt_alloc_array((size_t)n, sizeof *codes);
    zt_err e = rgb && codes ? ZT_OK : ZT_NOMEM;
    for (int k = 0; e == ZT_OK && k < n; k++)
        codes[k] = (zt_gan_codes){.content = j->cfg->seed + (uint64_t)k, .motion = j->cfg->seed + (uint64_t)k, .category = -1};
    if (e == ZT_OK) e = make(j, n, codes, 2 * T, rgb);
    for (int k = 0; e == ZT_OK && k < n; k++) {
        zt_verdict first, second, whole;
        const uint8_t *clip = rgb + 2 * k * half;
        ZT_TRY(e = zt_judge_clip(clip, T, H, W, &first), done);
        ZT_TRY(e = zt_judge_clip(clip + half, T, H, W, &second), done);
        ZT_TRY(e = zt_judge_clip(clip, 2 * T, H, W, &whole), done);
        j->r->rollouts++;
        j->r->rollout_halves += first.valid && second.valid;
        j->r->rollout_whole += whole.valid;
    }
done:
    zt_free(codes);
    zt_free(rgb);
    return e;
}

zt_err zt_gan_eval_run(zt_gan_eval *r, zt_model_dir *m, const zt_dataset *ds, const zt_gan_eval_cfg *cfg) {
    const job j = {.m = m, .ds = ds, .cfg = cfg, .r = r};
    *r = (zt_gan_eval){.eq_t = -1};
    if (zt_net_from_frame(&m->net))
        return zt_fail(ZT_CONFIG,
                       "the scores compare clips of one content or motion code; this %s has no codes, its clips follow from a "
                       "first frame: look at them with zoe generate --image",
                       zt_net_name(&m->net));
    const bool judged = zt_gan_judgeable(ds, NULL);
    if (!judged && cfg->judge_net)
        return zt_fail(ZT_CONFIG, "these clips are not of the world shapes, which is all that judges read; leave --judge-net "
                       "out");
    zt_err e = free_clips(&j, judged);
    if (e == ZT_OK && zt_net_has_styles(&m->net)) e = equivariance(&j);
    if (e == ZT_OK && judged) e = cross(&j);
    return e == ZT_OK && judged && cfg->rollouts && zt_net_any_length(&m->net) ? roll_out(&j) : e;
}
