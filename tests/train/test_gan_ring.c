/* test_gan_ring.c - WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028) by the graphs that train every adversarial model, on points
 * instead of clips: a ring of 8 Gaussians, radius 2, deviation 0.02 (Metz et al. 2017, arXiv:1611.02163). A point is a clip of
 * one pixel, whose third colour is 0. A made point is near a mode within 3 deviations of it (Srivastava et al. 2017,
 * arXiv:1705.07761); a mode counts as found when 1 % of all made points are near it (there: one point).
 * With --figures [FILE.png] it trains at all learning rates and seeds, with weight clipping (Arjovsky et al. 2017,
 * arXiv:1701.07875) too, prints one JSON object for tests/accept/wgan-gp.sh and draws what both make. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "base/mem.h"
#include "base/rng.h"
#include "media/image.h"
#include "pipeline/gan_sampling.h"
#include "train/gan_bound.h"
#include "train/gan_graph.h"
#include "train/gan_loss.h"

enum { MODES = 8, BATCH = 128, CRITIC_STEPS = 5, WIDTH = 64, LATENT = 2, MADE = 8192, PASS = 1024 };
static const double RATE = 4e-3, RADIUS = 2, DEVIATION = 0.02, SHARE = 0.01, TURN = 6.283185307179586;

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* ---- the pair: three hidden layers each --------------------------------------------------------------------------- */
static zt_node *layers(zt_nn *nn, const char *scope, zt_node *x, int64_t out) {
    static const char *const name[] = {"fc1", "fc2", "fc3"};
    zt_push(nn->g, "%s", scope);
    for (int k = 0; k < 3; k++) x = zt_leaky_relu(zt_linear(nn, name[k], x, WIDTH, ZT_INIT_XAVIER), 0.2);
    x = zt_linear(nn, "out", x, out, ZT_INIT_XAVIER);
    zt_pop(nn->g);
    return x;
}

static zt_err check(const void *cfg, const zt_gan_size *size) {
    (void)cfg, (void)size;
    return ZT_OK;
}

static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    (void)cfg, (void)size;
    z[0] = (zt_gan_latent){"z", zt_sh(b, LATENT), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    return 1;
}

static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    (void)cfg, (void)size, (void)training;
    zt_node *point = zt_pad(layers(nn, "generator", z[0], 2), 1, 0, 1);
    return (zt_gan_made){.video = zt_reshape(point, zt_sh(point->sh.d[0], 1, 1, 1, 3))};
}

static int judge(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]) {
    (void)cfg, (void)size, (void)pick, (void)training;
    zt_node *point = zt_slice(zt_reshape(video, zt_sh(video->sh.d[0], 3)), 1, 0, 2);
    verdict[0] = (zt_gan_verdict){.score = layers(nn, "critic", point, 1)};
    return 1;
}

static const zt_gan_def ring = {.name = "ring", .check = check, .latents = latents, .generate = generate, .judge = judge};

/* ---- the penalty's gradient --------------------------------------------------------------------------------------- */
enum { AT = 256, DIRECTIONS = 8 };
static const double STEP = 1e-8;

typedef struct tangent { zt_nn nn; zt_node *x, *penalty, *param[16], *grad[16]; int n; zt_plan *plan; } tangent;

/* The penalty at AT points and its gradients by the critic's parameters, in the type `real`. */
static tangent tangent_of(zt_tset *params, zt_dtype real, const zt_backend *backend) {
    tangent s = {.nn = {.params = params}};
    zt_gan_verdict v[ZT_GAN_CRITICS];
    must(zt_graph_create(&s.nn.g));
    zt_graph_set_real(s.nn.g, real);
    s.x = zt_input(s.nn.g, "x", real, zt_sh(AT, 1, 1, 1, 3));
    judge(&s.nn, NULL, NULL, s.x, NULL, true, v);
    s.penalty = zt_gan_penalty_of(v[0].score, s.x, 1);
    must(zt_graph_error(s.nn.g));
    s.n = zt_list_params(s.nn.g, "critic.", NULL);
    assert_true(s.n == 8);
    zt_list_params(s.nn.g, "critic.", s.param);
    must(zt_grad(s.penalty, s.n, s.param, s.grad));
    s.grad[s.n] = s.penalty;
    const zt_plan_cfg cfg = {.backend = backend, .strict = backend != NULL, .params = params};
    must(zt_plan_create(&s.plan, s.nn.g, s.n + 1, s.grad, &cfg));
    return s;
}

static void tangent_finish(tangent *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->nn.g);
}

static double penalty_along(tangent *s, const zt_tset *at, const zt_tset *direction, double by) {
    for (int k = 0; k < at->n; k++) {
        zt_tensor *p = zt_tset_find(s->nn.params, at->t[k].name);
        for (int64_t i = 0; p && i < zt_numel(&p->sh); i++)
            ((double *)p->data)[i] = ((const float *)at->t[k].data)[i] + by * ((const float *)direction->t[k].data)[i];
    }
    must(zt_plan_run(s->plan));
    return *(double *)s->penalty->x;
}

/* Largest relative error, over random directions in the critic's parameters, of the derivative that the kernels that train give
 * in f32 against differences in f64. The step is short: the penalty jumps where a point meets the bend of a leaky ReLU. */
static double penalty_gradient_error(zt_tset *params) {
    zt_tset critic = {0}, wide = {0}, direction = {0};
    double worst = 0;
    must(zt_tset_share(&critic, params, ""));
    must(zt_tset_like(&direction, params, false));
    for (int k = 0; k < params->n; k++) must(zt_tset_add(&wide, params->t[k].name, ZT_F64, params->t[k].sh, NULL));
    tangent fast = tangent_of(&critic, ZT_F32, zt_backend_cpu()), exact = tangent_of(&wide, ZT_F64, NULL);
    zt_fill_normal(8, 1, fast.x->x, 3 * AT);
    for (int k = 0; k < 3 * AT; k++) ((double *)exact.x->x)[k] = ((const float *)fast.x->x)[k];
    must(zt_plan_run(fast.plan));
    for (int d = 0; d < DIRECTIONS; d++) {
        double along = 0;
        for (int k = 0; k < direction.n; k++)
            zt_fill_normal(9 + (uint64_t)d, (uint64_t)k, direction.t[k].data, zt_numel(&direction.t[k].sh));
        for (int j = 0; j < fast.n; j++) {
            const float *v = zt_tset_find(&direction, fast.param[j]->name)->data, *g = fast.grad[j]->x;
            for (int64_t i = 0; i < zt_numel(&fast.param[j]->sh); i++) along += (double)g[i] * v[i];
        }
        const double up = penalty_along(&exact, &critic, &direction, STEP);
        const double want = (up - penalty_along(&exact, &critic, &direction, -STEP)) / (2 * STEP);
        worst = fmax(worst, fabs(along - want) / fabs(want));
    }
    tangent_finish(&fast);
    tangent_finish(&exact);
    zt_tset_finish(&critic);
    zt_tset_finish(&wide);
    zt_tset_finish(&direction);
    return worst;
}

/* ---- training ----------------------------------------------------------------------------------------------------- */
typedef struct run { zt_train_cfg c; zt_tset params, states; } run;

static run run_of(int64_t seed, double lr, int64_t steps) {
    return (run){.c = {.run.seed = seed,
                       .train = {.steps = steps, .batch = BATCH, .accumulate = 1, .lr = lr, .beta1 = 0.5, .beta2 = 0.9,
                                 .eps = 1e-8, .ema = 0.99, .optimiser = ZT_ADAM},
                       .gan = {.loss = ZT_GAN_WGAN, .penalty = ZT_GAN_GP, .penalty_weight = 1, .penalty_every = 1,
                               .critic_steps = CRITIC_STEPS, .critic_beta1 = -1, .critic_beta2 = -1},
                       .net = {.gan = &ring, .frames = 1, .height = 1, .width = 1, .scale = 1}}};
}

static void run_finish(run *r) {
    zt_tset_finish(&r->params);
    zt_tset_finish(&r->states);
}

static void centre(int mode, double *x, double *y) {
    *x = RADIUS * cos(TURN * mode / MODES);
    *y = RADIUS * sin(TURN * mode / MODES);
}

static void draw_real(uint64_t seed, uint64_t number, float *x) {
    zt_rng r = zt_rng_init(seed + 1000, number);
    for (int k = 0; k < BATCH; k++) {
        double cx, cy;
        centre((int)zt_rng_int(&r, 0, MODES - 1), &cx, &cy);
        x[3 * k] = (float)(cx + DEVIATION * zt_rng_normal(&r));
        x[3 * k + 1] = (float)(cy + DEVIATION * zt_rng_normal(&r));
        x[3 * k + 2] = 0;
    }
}

static void side_step(run *r, zt_gan_graph *s, int64_t number, int64_t step, int64_t update) {
    const zt_steps_cfg k = zt_gan_steps(&r->c, s->side);
    if (s->real) draw_real((uint64_t)r->c.run.seed, (uint64_t)number, s->real->x);
    zt_gan_graph_draw(s, &r->c, (uint64_t)number, 0);
    zt_optimise_set(&s->opt, &k, step, update);
    must(zt_plan_run(s->plan));
}

static void train(run *r) {
    const bool penalised = r->c.gan.penalty != ZT_GAN_NO_PENALTY;
    zt_gan_graph critic, generator;
    const zt_gan_side side = penalised ? ZT_GAN_CRITIC_PENALISED : ZT_GAN_CRITIC;
    must(zt_gan_graph_create(&generator, ZT_GAN_GENERATOR, &r->c, &r->params, &r->states, false));
    must(zt_gan_graph_create(&critic, side, &r->c, &r->params, &r->states, false));
    for (int64_t at = 0; at < r->c.train.steps; at++) {
        for (int64_t j = 0; j < CRITIC_STEPS; j++) {
            side_step(r, &critic, at * (CRITIC_STEPS + 1) + j, at, at * CRITIC_STEPS + j + 1);
            if (r->c.gan.bound == ZT_GAN_CLIP) zt_clip_weights(&r->params, "critic.", r->c.gan.bound_to);
        }
        side_step(r, &generator, at * (CRITIC_STEPS + 1) + CRITIC_STEPS, at, at + 1);
    }
    zt_gan_graph_finish(&critic);
    zt_gan_graph_finish(&generator);
}

/* ---- what was made ------------------------------------------------------------------------------------------------ */
/* MADE points of the averaged generator. Caller frees. */
static float *make(run *r) {
    zt_tset ema = {0};
    zt_gan_sampling *s;
    float *x = zt_alloc_array(3 * MADE, sizeof *x);
    zt_gan_codes *codes = zt_alloc_array(MADE, sizeof *codes);
    assert_true(x && codes);
    for (int k = 0; k < MADE; k++) codes[k] = (zt_gan_codes){.content = 1000000 + (uint64_t)k, .category = -1};
    must(zt_tset_share(&ema, &r->states, "ema."));
    must(zt_gan_sampling_create(&s, &r->c.net, &ema, &ema, PASS, ZT_F32, false));
    must(zt_gan_sampling_run(s, MADE, codes, x, NULL, NULL));
    zt_gan_sampling_destroy(&s);
    zt_tset_finish(&ema);
    zt_free(codes);
    return x;
}

typedef struct found { int modes; double near, least; } found;     /* least: part of the points near the mode that has fewest */
static found count(const float *x) {
    int at[MODES] = {0};
    found f = {.least = 1};
    for (int k = 0; k < MADE; k++)
        for (int m = 0; m < MODES; m++) {
            double cx, cy;
            centre(m, &cx, &cy);
            at[m] += hypot(x[3 * k] - cx, x[3 * k + 1] - cy) <= 3 * DEVIATION;
        }
    for (int m = 0; m < MODES; m++) {
        const double part = (double)at[m] / MADE;
        f.modes += part >= SHARE;
        f.near += part;
        f.least = fmin(f.least, part);
    }
    return f;
}

static found trained(run *r, float **points) {
    train(r);
    float *x = make(r);
    const found f = count(x);
    if (points) *points = x;
    else zt_free(x);
    return f;
}

/* ---- the short form ----------------------------------------------------------------------------------------------- */
static void penalty_finds_every_mode(void **state) {
    (void)state;
    found f[2];
    for (int k = 0; k < 2; k++) {
        run r = run_of(1, RATE, 1200);
        if (k) r.c.gan.penalty_weight = 0;                     /* what the penalty is for: without it the critic is of no use */
        f[k] = trained(&r, NULL);
        run_finish(&r);
    }
    if (f[0].modes < MODES || f[0].near < 0.4 || f[1].modes == MODES)
        fail_msg("with penalty %d modes, %g near; without %d, %g", f[0].modes, f[0].near, f[1].modes, f[1].near);
}

static void gradient_of_the_penalty(void **state) {
    (void)state;
    run r = run_of(2, RATE, 50);
    train(&r);
    const double error = penalty_gradient_error(&r.params);
    if (!(error < 1e-3)) fail_msg("relative error %g", error);
    run_finish(&r);
}

/* ---- the long form ------------------------------------------------------------------------------------------------ */
enum { STEPS = 4000, RATES = 5, SEEDS = 3, BOUNDS = 3, SIDE = 480 };
static const double LR[RATES] = {3e-4, 1e-3, 2e-3, 4e-3, 8e-3}, BOUND[BOUNDS] = {0.01, 0.1, 0.4};

static int better(const found *a, const found *b) {            /* more modes; of as many, more points near them */
    return a->modes != b->modes ? a->modes > b->modes : a->near > b->near;
}

static found worst_of(found a, found b) {
    return (found){a.modes < b.modes ? a.modes : b.modes, fmin(a.near, b.near), fmin(a.least, b.least)};
}

/* The worst of the seeds at one rate; bound 0: with penalty. *points: of the first seed. */
static found worst_seed(double lr, double bound, float **points, double *error) {
    found worst = {0};
    for (int k = 0; k < SEEDS; k++) {
        run r = run_of(k + 1, lr, STEPS);
        if (bound > 0) {
            r.c.gan.penalty = ZT_GAN_NO_PENALTY;
            r.c.gan.bound = ZT_GAN_CLIP;
            r.c.gan.bound_to = bound;
            r.c.train.optimiser = ZT_RMSPROP;                  /* as that paper: momentum unsettles it */
        }
        const found f = trained(&r, k ? NULL : points);
        if (bound <= 0) *error = fmax(*error, penalty_gradient_error(&r.params));
        worst = k ? worst_of(worst, f) : f;
        fprintf(stderr, "wgan-gp: lr %g, %s %g, seed %d: %d modes, %.3f near\n", lr, bound > 0 ? "clipping to" : "penalty", bound,
                k + 1, f.modes, f.near);
        run_finish(&r);
    }
    return worst;
}

static void draw_points(const float *x, uint8_t *rgb, int at) {
    for (int k = 0; k < MADE; k++) {
        const double half = 1.25 * RADIUS;
        const int px = (int)((x[3 * k] / half + 1) / 2 * SIDE), py = (int)((1 - x[3 * k + 1] / half) / 2 * SIDE);
        if (px < 0 || py < 0 || px >= SIDE || py >= SIDE) continue;
        uint8_t *p = rgb + 3 * (py * 2 * SIDE + at * SIDE + px);
        p[0] = (uint8_t)(p[0] / 3);
        p[1] = (uint8_t)(p[1] / 2);
    }
}

static int figures(const char *picture) {
    found all = {MODES, 1, 1};
    int fewest_more = MODES;
    double error = 0, least_more = 1;
    uint8_t *rgb = zt_alloc(3 * 2 * SIDE * SIDE);
    assert_non_null(rgb);
    memset(rgb, 255, 3 * 2 * SIDE * SIDE);
    printf("{\"by_rate\": [");
    for (int j = 0; j < RATES; j++) {
        float *points[2] = {0};
        const found gp = worst_seed(LR[j], 0, &points[0], &error);
        found clip = {.modes = -1};
        double bound = 0;
        for (int k = 0; k < BOUNDS; k++) {
            float *x;
            const found f = worst_seed(LR[j], BOUND[k], &x, NULL);
            if (better(&f, &clip)) {
                zt_free(points[1]);
                clip = f, bound = BOUND[k], points[1] = x;
            } else {
                zt_free(x);
            }
        }
        for (int k = 0; j == RATES / 2 && k < 2; k++) draw_points(points[k], rgb, k);
        zt_free(points[0]), zt_free(points[1]);
        all = worst_of(all, gp);
        fewest_more = gp.modes - clip.modes < fewest_more ? gp.modes - clip.modes : fewest_more;
        least_more = fmin(least_more, gp.near - clip.near);
        printf("%s{\"lr\": %g, \"modes\": %d, \"near\": %.4f, ", j ? ", " : "", LR[j], gp.modes, gp.near);
        printf("\"clip_modes\": %d, \"clip_near\": %.4f, \"clip_bound\": %g}", clip.modes, clip.near, bound);
    }
    printf("], \"worst_modes\": %d, \"worst_near\": %.4f, \"worst_mode_share\": %.4f, ", all.modes, all.near, all.least);
    printf("\"modes_above_clipping\": %d, \"near_above_clipping\": %.4f, ", fewest_more, least_more);
    printf("\"penalty_gradient_error\": %.2e, \"steps\": %d, \"samples\": %d}\n", error, STEPS, MADE);
    const zt_err e = picture ? zt_png_write(picture, rgb, 2 * SIDE, SIDE, NULL) : ZT_OK;
    zt_free(rgb);
    if (e != ZT_OK) fprintf(stderr, "wgan-gp: %s\n", zt_err_text());
    return e != ZT_OK;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--figures") == 0) return figures(argc > 2 ? argv[2] : NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(penalty_finds_every_mode), cmocka_unit_test(gradient_of_the_penalty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
