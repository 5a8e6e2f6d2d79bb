/* test_temporal.c - what the temporal loss is worth where PSNR is defined: a small network of 2-D convolutions takes strong noise
 * off clips of the world "shapes", each frame by itself, trained with and without it. Trained by the flow that is found in the
 * clean clips (media/flow.h); judged by the world's own flow on clips that were not trained on: the warping error of Lai et al.
 * 2018 (arXiv:1808.00449), mean squared difference between a frame and the next one warped to it where that is seen, for pixels
 * of 0..1. Also how well the flow that is found explains clips, beside the world's.
 * With --figures it trains three seeds for long and prints one JSON object for tests/accept/temporal-loss.sh. */
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
#include "data/worlds/move.h"
#include "media/flow.h"
#include "nn/temporal.h"
#include "train/optimise.h"
#include "train/restorer.h"

enum { B = 4, T = 5, SIDE = 32, PIXELS = SIDE * SIDE, CLIP = T * PIXELS * 3, FLOW = (T - 1) * PIXELS * 2 };
enum { HELD = 64, TRAIN = 256, SHORT = 32 };                   /* clips */
static const double SIGMA = 1, SHARPNESS = 50.0 / 4;           /* of pixels of -1..1 */

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* ---- the network and its losses ----------------------------------------------------------------------------------- */
typedef struct restorer {
    zt_nn nn;
    zt_plan *plan;
    zt_node *clean, *noise, *flow, *back;                      /* inputs */
    zt_node *error, *warped, *apart, *of_clean, *loss; /* mean squares: against the clean clip, warp errors; what is paid */
    zt_optimise opt;
} restorer;

/* How it is trained; weight 0: by the distance to the clean clip alone. */
typedef struct way { double weight; zt_temporal_form form; } way;

static restorer restorer_open(zt_tset *params, zt_tset *states, uint64_t seed, const way *how, const zt_steps_cfg *steps) {
    restorer s = {.nn = {.params = params, .seed = seed}};
    zt_graph *g;
    must(zt_graph_create(&g));
    s.nn.g = g;
    s.clean = zt_input(g, "clean", ZT_F32, zt_sh(B, T, SIDE, SIDE, 3));
    s.noise = zt_input(g, "noise", ZT_F32, s.clean->sh);
    s.flow = zt_input(g, "flow", ZT_F32, zt_sh(B, T - 1, SIDE, SIDE, 2));
    s.back = zt_input(g, "back", ZT_F32, s.flow->sh);
    zt_node *video = restored(&s.nn, zt_add(s.clean, zt_affine(s.noise, SIGMA, 0)));
    zt_node *mask = zt_mul(zt_flow_visible(s.flow, s.back), zt_flow_explains(s.clean, s.flow, SHARPNESS));
    s.error = zt_mse_loss(video, s.clean);
    s.warped = zt_mean(zt_temporal_loss(ZT_TEMPORAL_SQUARE, video, s.flow, mask));
    s.of_clean = zt_mean(zt_temporal_loss(ZT_TEMPORAL_SQUARE, s.clean, s.flow, mask));
    zt_node *loss = s.error;
    if (how->weight > 0)
        loss = zt_add(loss, zt_affine(zt_mean(zt_temporal_loss(how->form, video, s.flow, mask)), how->weight, 0));
    const int n = zt_list_params(g, "", NULL);
    zt_node *param[16], *grad[16], *out[32];
    assert_true(n == 8);
    zt_list_params(g, "", param);
    must(zt_graph_error(g));
    must(zt_grad(loss, n, param, grad));
    must(zt_optimise_build(&s.opt, g, states, steps, false, n, param, grad, out));
    zt_node *figures[] = {s.error, s.warped, s.of_clean};
    memcpy(out + n, figures, sizeof figures);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states};
    must(zt_plan_create(&s.plan, g, n + 3, out, &cfg));
    return s;
}

static void restorer_close(restorer *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->nn.g);
}

/* ---- clips -------------------------------------------------------------------------------------------------------- */
/* Clip `number` of the world with its flow both ways: things move evenly, so that back at t+1 is minus the flow there. */
static void render(uint64_t seed, uint64_t number, uint8_t *rgb, float *flow, float *back) {
    static float all[T * PIXELS * 2];
    zt_move_spec spec;
    zt_rng r = zt_rng_init(seed, number);
    zt_move_sample(&r, NULL, false, T, &spec);
    spec.textured = true;
    zt_move_render(&spec, T, SIDE, SIDE, rgb, NULL, all);
    memcpy(flow, all, FLOW * sizeof *flow);
    for (int k = 0; k < FLOW; k++) back[k] = -all[k + PIXELS * 2];
}

/* Clips made ready: their floats, and flows both ways. */
typedef struct clips { int n; float *clean, *flow, *back; } clips;

static clips clips_open(uint64_t seed, int n, bool found) {
    clips c = {n, zt_alloc_array((size_t)n * CLIP, 4), zt_alloc_array((size_t)n * FLOW, 4), zt_alloc_array((size_t)n * FLOW, 4)};
    uint8_t rgb[CLIP];
    assert_true(c.clean && c.flow && c.back);
    for (int k = 0; k < n; k++) {
        render(seed, (uint64_t)k, rgb, c.flow + k * FLOW, c.back + k * FLOW);
        if (found) must(zt_flow_of_clip(rgb, T, SIDE, SIDE, c.flow + k * FLOW, c.back + k * FLOW));
        for (int i = 0; i < CLIP; i++) c.clean[k * CLIP + i] = (float)rgb[i] / 127.5F - 1;
    }
    return c;
}

static void clips_close(clips *c) {
    zt_free(c->clean);
    zt_free(c->flow);
    zt_free(c->back);
}

/* B clips from number `from` on, again from the first after the last; noise of their own. */
static void feed(restorer *s, const clips *c, int from, uint64_t seed, uint64_t number) {
    for (int b = 0; b < B; b++) {
        const int k = (from + b) % c->n;
        memcpy((float *)s->clean->x + b * CLIP, c->clean + k * CLIP, CLIP * sizeof(float));
        memcpy((float *)s->flow->x + b * FLOW, c->flow + k * FLOW, FLOW * sizeof(float));
        memcpy((float *)s->back->x + b * FLOW, c->back + k * FLOW, FLOW * sizeof(float));
    }
    zt_fill_normal(seed, number, s->noise->x, B * CLIP);
}

typedef struct figure { double psnr, warp, of_clean; } figure;

/* On clips not trained on, the weights held still. */
static figure judge(restorer *s) {
    const zt_steps_cfg still = {.steps = 1, .eps = 1e-8, .beta1 = 0.9, .beta2 = 0.99};
    clips held = clips_open(1010, HELD, false);
    figure f = {0};
    double error = 0;
    zt_optimise_set(&s->opt, &still, 0, 1);
    for (int n = 0; n < HELD / B; n++) {
        feed(s, &held, n * B, 2020, (uint64_t)n);
        must(zt_plan_run(s->plan));
        error += *(float *)s->error->x / 4 / (HELD / B);       /* of pixels of 0..1, as the next */
        f.warp += *(float *)s->warped->x / 4 / (HELD / B);
        f.of_clean += *(float *)s->of_clean->x / 4 / (HELD / B);
    }
    f.psnr = -10 * log10(error);
    clips_close(&held);
    return f;
}

static figure trained(uint64_t seed, const clips *train, way how, int64_t steps) {
    const zt_steps_cfg k = {.steps = steps, .lr = 3e-3, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .optimiser = ZT_ADAM};
    zt_tset params = {0}, states = {0};
    restorer s = restorer_open(&params, &states, seed, &how, &k);
    for (int64_t at = 0; at < steps; at++) {
        feed(&s, train, (int)(at * B % train->n), seed, (uint64_t)at);
        zt_optimise_set(&s.opt, &k, at, at + 1);
        must(zt_plan_run(s.plan));
    }
    const figure f = judge(&s);
    restorer_close(&s);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return f;
}

/* ---- the short form ----------------------------------------------------------------------------------------------- */
static const way OFF = {0}, SQUARE = {0.7, ZT_TEMPORAL_SQUARE}, SIZE = {0.3, ZT_TEMPORAL_ABS};

static void steadier_at_equal_psnr(void **state) {
    (void)state;
    clips train = clips_open(1, SHORT, true);
    const figure off = trained(1, &train, OFF, 80), on = trained(1, &train, SQUARE, 80);
    clips_close(&train);
    if (on.warp > 0.97 * off.warp || on.psnr < off.psnr - 0.2)
        fail_msg("without: %.4f dB, warping error %.4g; with: %.4f dB, %.4g", off.psnr, off.warp, on.psnr, on.warp);
}

/* Squared difference of a frame and the next one along the flow, mean over the pixels of a clip's first pair. */
static double unexplained(const float *clean, const float *flow) {
    double sum = 0;
    for (int k = 0; k < PIXELS; k++) {
        const double x = fmin(SIDE - 1.001, fmax(0, k % SIDE + (flow ? flow[2 * k] : 0)));
        const double y = fmin(SIDE - 1.001, fmax(0, k / SIDE + (flow ? flow[2 * k + 1] : 0)));
        const double fx = x - (int)x, fy = y - (int)y;
        const float *p = clean + 3 * (PIXELS + (int)y * SIDE + (int)x);
        for (int c = 0; c < 3; c++) {
            const double up = p[c] * (1 - fx) + p[3 + c] * fx, down = p[3 * SIDE + c] * (1 - fx) + p[3 * SIDE + 3 + c] * fx;
            sum += pow(clean[3 * k + c] - up * (1 - fy) - down * fy, 2) / PIXELS;
        }
    }
    return sum;
}

/* The flow found explains clips better than the world's own, which cannot explain what gets hidden, and far better than none. */
static void flow_found_in_clips_of_the_world(void **state) {
    (void)state;
    clips world = clips_open(7, SHORT, false), found = clips_open(7, SHORT, true);
    double of[3] = {0};
    for (int k = 0; k < SHORT; k++) {
        const float *clean = world.clean + k * CLIP;
        of[0] += unexplained(clean, NULL);
        of[1] += unexplained(clean, world.flow + k * FLOW);
        of[2] += unexplained(clean, found.flow + k * FLOW);
    }
    if (!(of[2] < of[1] && of[2] < 0.1 * of[0]))
        fail_msg("unexplained: %g, by the world's flow %g, by none %g", of[2], of[1], of[0]);
    clips_close(&world);
    clips_close(&found);
}

/* ---- the long form ------------------------------------------------------------------------------------------------ */
enum { STEPS = 800, SEEDS = 3 };

static int figures(void) {
    static const way *const how[] = {&OFF, &SQUARE, &SIZE};
    double least_psnr = 100, least_lower = 1, sum_lower = 0, least_abs = 1, least_abs_psnr = 100;
    printf("{\"runs\": [");
    for (int seed = 1; seed <= SEEDS; seed++) {
        clips train = clips_open((uint64_t)seed, TRAIN, true);
        figure f[3];
        for (int k = 0; k < 3; k++) {
            f[k] = trained((uint64_t)seed, &train, *how[k], STEPS);
            fprintf(stderr, "temporal-loss: seed %d, weight %g: %.3f dB, warping error %.5f\n", seed, how[k]->weight, f[k].psnr,
                    f[k].warp);
        }
        clips_close(&train);
        const double lower = 1 - f[1].warp / f[0].warp;
        least_lower = fmin(least_lower, lower);
        sum_lower += lower;
        least_psnr = fmin(least_psnr, f[1].psnr - f[0].psnr);
        least_abs = fmin(least_abs, 1 - f[2].warp / f[0].warp);
        least_abs_psnr = fmin(least_abs_psnr, f[2].psnr - f[0].psnr);
        printf("%s{\"seed\": %d, \"psnr_off\": %.3f, \"psnr_on\": %.3f, ", seed > 1 ? ", " : "", seed, f[0].psnr, f[1].psnr);
        printf("\"warp_off\": %.6f, \"warp_on\": %.6f, \"lower\": %.4f, ", f[0].warp, f[1].warp, lower);
        printf("\"warp_clean\": %.6f}", f[0].of_clean);
    }
    printf("], \"least_lower\": %.4f, \"mean_lower\": %.4f, \"least_psnr_gain\": %.3f, ", least_lower, sum_lower / SEEDS,
           least_psnr);
    printf("\"abs_least_lower\": %.4f, \"abs_least_psnr_gain\": %.3f, ", least_abs, least_abs_psnr);
    printf("\"weight\": %g, \"abs_weight\": %g, \"steps\": %d, \"clips\": %d}\n", SQUARE.weight, SIZE.weight, STEPS, HELD);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--figures") == 0) return figures();
    const struct CMUnitTest tests[] = {cmocka_unit_test(steadier_at_equal_psnr),
                                       cmocka_unit_test(flow_found_in_clips_of_the_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
