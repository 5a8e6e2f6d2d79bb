/* test_perceptual.c - what the perceptual loss is worth: a small network of 2-D convolutions takes strong noise off clips of the
 * world "shapes", each frame by itself, trained with the loss and without it. The loss looks through one judge network; the
 * distance to the clean clips is measured on clips that were not trained on, through that network and through another one, of
 * other first weights and other clips, that nobody trained against: what is lower in that too is no flaw of the first that was
 * found.
 * With --figures it trains three seeds for longer and prints one JSON object for tests/accept/perceptual.sh. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "data/worlds/move.h"
#include "init.h"
#include "models/perceptual.h"
#include "says.h"
#include "train/classify_graph.h"
#include "train/optimise.h"
#include "train/restorer.h"

enum { B = 4, T = 5, SIDE = 32, CLIP = T * SIDE * SIDE * 3, HELD = 32, LOOKED = 16 };
static const double SIGMA = 1;                                 /* of pixels of -1..1 */

static void render(uint64_t seed, uint64_t number, float *clip, zt_move_spec *spec) {
    uint8_t rgb[CLIP];
    zt_rng r = zt_rng_init(seed, number);
    zt_move_sample(&r, NULL, false, T, spec);
    spec->textured = true;
    zt_move_render(spec, T, SIDE, SIDE, rgb, NULL, NULL);
    for (int k = 0; k < CLIP; k++) clip[k] = (float)rgb[k] / 127.5F - 1;
}

/* ---- judges ------------------------------------------------------------------------------------------------------- */
static zt_train_cfg judge_cfg(uint64_t seed, int64_t steps) {
    static const char *const label[] = {"shape", "colour", "direction"};
    static const int64_t classes[] = {ZT_SHAPES, ZT_COLOURS, ZT_DIRECTIONS};
    zt_train_cfg c = {.run.seed = (int64_t)seed, .classify = {.label_smoothing = 0.1, .spoilt = 0.5, .noise = 0.3, .blur = 1},
                      .train = {.batch = LOOKED, .steps = steps, .lr = 5e-3, .warmup = 10, .beta1 = 0.9, .beta2 = 0.99,
                                .eps = 1e-8, .clip = 1, .ema = 0.9, .optimiser = ZT_ADAMW}};
    OK(zt_net_init(&c.net, "judge-net"));
    OK(zt_opt_set(zt_net_opts(&c.net), c.net.cfg, "test", "width", "8"));
    c.net.frames = T;
    c.net.height = c.net.width = SIDE;
    c.net.n_heads = 3;
    for (int k = 0; k < 3; k++) {
        snprintf(c.net.head[k].label, sizeof c.net.head[k].label, "%s", label[k]);
        c.net.head[k].classes = classes[k];
    }
    return c;
}

/* A judge of clips of its own, trained for `steps`; *loss: its cross-entropy at the end. */
static zt_perceptual judge_trained(uint64_t seed, int64_t steps, double *loss) {
    zt_train_cfg c = judge_cfg(seed, steps);
    zt_tset params = {0}, states = {0};
    zt_classify_graph s;
    OK(zt_classify_graph_create(&s, &c, &params, &states, false));
    for (int64_t at = 0; at < steps; at++) {
        for (int b = 0; b < LOOKED; b++) {
            zt_move_spec spec;
            render(seed, (uint64_t)(at * LOOKED + b), (float *)s.clips->x + b * CLIP, &spec);
            const int of[] = {spec.shape, spec.colour, spec.direction};
            for (int k = 0; k < 3; k++) ((int32_t *)s.target[k]->x)[b] = of[k];
        }
        zt_classify_graph_draw(&s, &c, at);
        zt_optimise_set(&s.opt, &c.train, at, at + 1);
        OK(zt_plan_run(s.plan));
        *loss = *(float *)s.loss->x;
    }
    zt_classify_graph_finish(&s);
    zt_perceptual p = {.net = c.net};
    for (int k = 0; k < params.n; k++) {
        zt_tensor *t;
        char name[96];
        snprintf(name, sizeof name, ZT_PERCEPTUAL_SCOPE ".%s", params.t[k].name);
        OK(zt_tset_add(&p.params, name, ZT_F32, params.t[k].sh, &t));
        memcpy(t->data, params.t[k].data, (size_t)zt_numel(&t->sh) * sizeof(float));
    }
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return p;
}

/* ---- the network that restores ------------------------------------------------------------------------------------ */
typedef struct figure { double psnr, paid, other; } figure;    /* paid: distance in the judge that was trained against */

typedef struct restorer {
    zt_nn nn;
    zt_plan *plan;
    zt_node *clean, *noise;                                    /* inputs */
    zt_node *error, *distance;                                 /* mean square, mean distance */
    zt_optimise opt;
} restorer;

/* steps NULL: only looks. */
static restorer restorer_open(zt_tset *params, zt_tset *states, uint64_t seed, zt_perceptual *judge, double weight,
                              const zt_steps_cfg *steps) {
    restorer s = {.nn = {.params = params, .seed = seed}};
    zt_node *param[8], *grad[8], *out[10];
    int n = 0;
    OK(zt_graph_create(&s.nn.g));
    s.clean = zt_input(s.nn.g, "clean", ZT_F32, zt_sh(B, T, SIDE, SIDE, 3));
    s.noise = zt_input(s.nn.g, "noise", ZT_F32, s.clean->sh);
    zt_node *video = restored(&s.nn, zt_add(s.clean, zt_affine(s.noise, SIGMA, 0)));
    s.error = zt_mse_loss(video, s.clean);
    s.distance = zt_mean(zt_perceptual_distance(judge, video, s.clean));
    if (steps) {
        n = zt_list_params(s.nn.g, "", NULL);
        assert_int_equal(n, 8);                                /* the judge's are none of them */
        zt_list_params(s.nn.g, "", param);
        OK(zt_grad(weight > 0 ? zt_add(s.error, zt_affine(s.distance, weight, 0)) : s.error, n, param, grad));
        OK(zt_optimise_build(&s.opt, s.nn.g, states, steps, false, n, param, grad, out));
    }
    out[n++] = s.error;
    out[n++] = s.distance;
    OK(zt_plan_create(&s.plan, s.nn.g, n, out,
                      &(zt_plan_cfg){.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states}));
    return s;
}

static void restorer_close(restorer *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->nn.g);
}

static void feed(restorer *s, uint64_t seed, uint64_t first, uint64_t number) {
    zt_move_spec spec;
    for (int b = 0; b < B; b++) render(seed, first + (uint64_t)b, (float *)s->clean->x + b * CLIP, &spec);
    zt_fill_normal(seed, number, s->noise->x, B * CLIP);
}

/* Distance to the held-out clips as `judge` sees it, and PSNR. */
static double look(zt_tset *params, zt_perceptual *judge, double *psnr) {
    restorer s = restorer_open(params, NULL, 0, judge, 0, NULL);
    double distance = 0, error = 0;
    for (int n = 0; n < HELD / B; n++) {
        feed(&s, 1010, (uint64_t)(n * B), (uint64_t)n);
        OK(zt_plan_run(s.plan));
        distance += *(float *)s.distance->x / (HELD / B);
        error += *(float *)s.error->x / 4 / (HELD / B);        /* of pixels of 0..1 */
    }
    *psnr = -10 * log10(error);
    restorer_close(&s);
    return distance;
}

static figure trained(uint64_t seed, double weight, int64_t steps, zt_perceptual judge[2]) {
    const zt_steps_cfg k = {.steps = steps, .lr = 3e-3, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .optimiser = ZT_ADAM};
    zt_tset params = {0}, states = {0};
    restorer s = restorer_open(&params, &states, seed, &judge[0], weight, &k);
    figure f;
    for (int64_t at = 0; at < steps; at++) {
        feed(&s, seed, (uint64_t)(at * B), (uint64_t)at);
        zt_optimise_set(&s.opt, &k, at, at + 1);
        OK(zt_plan_run(s.plan));
    }
    restorer_close(&s);
    f.paid = look(&params, &judge[0], &f.psnr);
    f.other = look(&params, &judge[1], &f.psnr);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    return f;
}

/* ---- the short form ----------------------------------------------------------------------------------------------- */
static const double WEIGHT = 0.1;

static void nearer_in_what_judges_see(void **state) {
    (void)state;
    double loss[2];
    zt_perceptual judge[2] = {judge_trained(11, 60, &loss[0]), judge_trained(12, 60, &loss[1])};
    const figure off = trained(1, 0, 60, judge), on = trained(1, WEIGHT, 60, judge);
    for (int k = 0; k < 2; k++) zt_perceptual_finish(&judge[k]);
    if (on.paid > 0.95 * off.paid || on.other > 0.97 * off.other)
        fail_msg("without: %.3f dB, distance %.4f, in the other judge %.4f; with: %.3f dB, %.4f, %.4f", off.psnr, off.paid,
                 off.other, on.psnr, on.paid, on.other);
}

/* ---- the long form ------------------------------------------------------------------------------------------------ */
enum { STEPS = 300, JUDGE_STEPS = 300, SEEDS = 3 };

static int figures(void) {
    double loss[2], least = 1, least_other = 1, least_psnr = 100;
    zt_perceptual judge[2] = {judge_trained(11, JUDGE_STEPS, &loss[0]), judge_trained(12, JUDGE_STEPS, &loss[1])};
    fprintf(stderr, "perceptual: judges trained, cross-entropy %.3f and %.3f\n", loss[0], loss[1]);
    printf("{\"runs\": [");
    for (int seed = 1; seed <= SEEDS; seed++) {
        const figure off = trained((uint64_t)seed, 0, STEPS, judge), on = trained((uint64_t)seed, WEIGHT, STEPS, judge);
        const double lower = 1 - on.paid / off.paid, lower_other = 1 - on.other / off.other;
        least = fmin(least, lower);
        least_other = fmin(least_other, lower_other);
        least_psnr = fmin(least_psnr, on.psnr - off.psnr);
        printf("%s{\"seed\": %d, \"psnr_off\": %.3f, \"psnr_on\": %.3f, ", seed > 1 ? ", " : "", seed, off.psnr, on.psnr);
        printf("\"distance_off\": %.5f, \"distance_on\": %.5f, \"lower\": %.4f, ", off.paid, on.paid, lower);
        printf("\"other_off\": %.5f, \"other_on\": %.5f, \"lower_in_other\": %.4f}", off.other, on.other, lower_other);
        fprintf(stderr, "perceptual: seed %d: %.3f -> %.3f dB, distance %.4f -> %.4f, in the other judge %.4f -> %.4f\n", seed,
                off.psnr, on.psnr, off.paid, on.paid, off.other, on.other);
    }
    for (int k = 0; k < 2; k++) zt_perceptual_finish(&judge[k]);
    printf("], \"least_lower\": %.4f, \"least_lower_in_other\": %.4f, ", least, least_other);
    printf("\"least_psnr_gain\": %.3f, ", least_psnr);
    printf("\"weight\": %g, \"steps\": %d, \"judge_steps\": %d, \"clips\": %d}\n", WEIGHT, STEPS, JUDGE_STEPS, HELD);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--figures") == 0) return figures();
    const struct CMUnitTest tests[] = {cmocka_unit_test(nearer_in_what_judges_see)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
