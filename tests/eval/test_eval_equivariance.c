/* test_eval_equivariance.c - EQ-T: of pictures whose value is known, and of stylegan-v with random weights, whose filters must be
 * seen in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "eval/equivariance.h"
#include "init.h"
#include "models/gan.h"
#include "says.h"
#include "tensor/plan.h"

/* ---- pictures that are known ------------------------------------------------------------------------------------- */
enum { SIDE = 16 };
static zt_err wave(void *ctx, double dx, double dy, float *out) {
    const double off = *(double *)ctx; /* added to what was moved */
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                const double at = 0.7 * (x - dx) + 0.3 * (y - dy) + c;
                out[(y * SIDE + x) * 3 + c] = (float)(sin(at) + (dx != 0 || dy != 0 ? off : 0));
            }
    return ZT_OK;
}
static zt_err stuck(void *ctx, double dx, double dy, float *out) { /* the picture stays with the pixels */
    (void)dx;
    (void)dy;
    return wave(ctx, 0, 0, out);
}
static zt_err refuses(void *ctx, double dx, double dy, float *out) {
    (void)ctx;
    (void)dx;
    (void)dy;
    (void)out;
    return zt_fail(ZT_CANCELLED, "stopped");
}

static void known_values(void **state) {
    (void)state;
    double off = 0, db;
    OK(zt_eq_translation(wave, &off, 1, SIDE, SIDE, 8, 1, &db));
    assert_true(db > 120); /* but for float */
    off = 0.02;
    OK(zt_eq_translation(wave, &off, 1, SIDE, SIDE, 8, 4, &db));
    assert_float_equal(db, 40, 1e-3); /* 10 log10(4 / 0.02^2) */
    OK(zt_eq_translation(stuck, &off, 1, SIDE, SIDE, 8, 1, &db));
    assert_true(db < 15);
    assert_int_equal(zt_eq_translation(wave, &off, 1, 4, SIDE, 8, 1, &db), ZT_ARG);
    says("sides of 8 or more");
    assert_int_equal(zt_eq_translation(refuses, &off, 1, SIDE, SIDE, 8, 1, &db), ZT_CANCELLED);
}

/* ---- stylegan-v ---------------------------------------------------------------------------------------------------- */
typedef struct net {
    int64_t cfg[32];
    zt_gan_size size;
    zt_tset params, states;
    zt_nn nn;
    zt_node *shift, *video;
    zt_plan *plan;
    double mean[6], scale[6];           /* of each picture and colour: shown with mean 0, standard deviation 0.5 */
} net;

static void net_open(net *n, const char *filtered, const char *margin, int64_t side) {
    static const char *const opts[][2] = {{"width", "16"}, {"base", "512"}, {"latent", "16"}, {"motion_latent", "8"},
                                          {"motion_kernel", "3"}, {"time_features", "8"}};
    const zt_gan_def *d = zt_gan_find("stylegan-v");
    zt_node *z[ZT_GAN_LATENTS], *w[ZT_GAN_STYLES], *mean;
    zt_gan_latent latent[ZT_GAN_LATENTS];
    *n = (net){.size = {.frames = 1, .height = side, .width = side}};
    assert_true(d && d->cfg_size <= sizeof n->cfg);
    zt_opt_defaults(d->opts, n->cfg);
    for (size_t k = 0; k < sizeof opts / sizeof *opts; k++) OK(zt_opt_set(d->opts, n->cfg, "", opts[k][0], opts[k][1]));
    OK(zt_opt_set(d->opts, n->cfg, "", "filtered", filtered));
    OK(zt_opt_set(d->opts, n->cfg, "", "margin", margin));
    OK(d->check(n->cfg, &n->size));
    OK(zt_graph_create(&n->nn.g));
    n->nn.params = &n->params;
    n->nn.states = &n->states;
    n->nn.seed = 7;
    const int count = d->latents(n->cfg, &n->size, 2, latent);
    for (int k = 0; k < count; k++) z[k] = zt_input(n->nn.g, latent[k].name, ZT_F32, latent[k].sh);
    n->shift = zt_input(n->nn.g, "shift", ZT_F32, zt_sh(2, 2));
    d->styles(&n->nn, n->cfg, &n->size, z, true, w, &mean);
    n->video = d->synthesise(&n->nn, n->cfg, &n->size, w, z, n->shift, true).video;
    OK(zt_graph_error(n->nn.g));
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &n->params, .states = &n->states};
    OK(zt_plan_create(&n->plan, n->nn.g, 1, &n->video, &cfg));
    for (int k = 0; k < count; k++) zt_fill_normal(11, (uint64_t)k, z[k]->x, zt_numel(&z[k]->sh));
}
static void net_close(net *n) {
    zt_plan_destroy(&n->plan);
    zt_graph_destroy(&n->nn.g);
    zt_tset_finish(&n->params);
    zt_tset_finish(&n->states);
}
static zt_err moved(void *ctx, double dx, double dy, float *out) {
    const net *n = ctx;
    float *shift = n->shift->x;
    shift[0] = shift[2] = (float)dx;
    shift[1] = shift[3] = (float)dy;
    const zt_err e = zt_plan_run(n->plan);
    const float *v = n->video->x;
    for (int64_t k = 0; k < zt_numel(&n->video->sh); k++) {
        const int at = (int)(k / (n->size.height * n->size.width * 3)) * 3 + (int)(k % 3);
        out[k] = (float)(((double)v[k] - n->mean[at]) * n->scale[at]);
    }
    return e;
}

/* Random weights make pictures of little contrast; a picture of no contrast would move perfectly. */
static void stretch(net *n) {
    const int64_t count = n->size.height * n->size.width;
    OK(zt_plan_run(n->plan));
    const float *v = n->video->x;
    for (int at = 0; at < 6; at++) {
        double sum = 0, square = 0;
        for (int64_t k = 0; k < count; k++) {
            const double x = (double)v[(at / 3 * count + k) * 3 + at % 3];
            sum += x;
            square += x * x;
        }
        n->mean[at] = sum / (double)count;
        const double deviation = sqrt(square / (double)count - n->mean[at] * n->mean[at]);
        assert_true(deviation > 1e-3);
        n->scale[at] = 0.5 / deviation;
    }
}

static double eq_t(const char *filtered, const char *margin, int64_t side) {
    net n;
    double db;
    net_open(&n, filtered, margin, side);
    stretch(&n);
    OK(zt_eq_translation(moved, &n, 2, (int)side, (int)side, 3, 2, &db));
    printf("stylegan-v, random weights, %lldx%lld, filtered %s, margin %s: EQ-T %.1f dB\n", (long long)side, (long long)side,
           filtered, margin, db);
    net_close(&n);
    return db;
}
/* What is left with filters comes in from the canvas's edge: a wider margin keeps it off. */
static void filters_make_it_move(void **state) {
    (void)state;
    assert_true(eq_t("true", "10", 64) >= 40);
    assert_true(eq_t("false", "10", 64) <= 20);
    assert_true(eq_t("true", "10", 32) >= 30);
    assert_true(eq_t("true", "20", 32) >= 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(filters_make_it_move)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
