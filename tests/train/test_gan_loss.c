/* test_gan_loss.c - adversarial losses against their formulas; penalties against closed forms and, as all losses, their gradients
 * against differences in f64; augmentation against what it says it does. */
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
#include "tensor/plan.h"
#include "train/gan_augment.h"
#include "train/gan_loss.h"

enum { B = 3, P = 2, D = 4 };
static const double REAL[B * P] = {0.5, -1.2, 2, 0.1, -0.3, 1.7}, MADE[B * P] = {-0.7, 0.4, 1.1, -2.2, 0.05, -0.6};

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

typedef struct graph { zt_graph *g; zt_plan *plan; } graph;
static graph begin(void) {
    graph s = {0};
    must(zt_graph_create(&s.g));
    zt_graph_set_real(s.g, ZT_F64);
    return s;
}
static void plan(graph *s, int n, zt_node *const *out) {
    const zt_plan_cfg cfg = {0};
    must(zt_graph_error(s->g));
    must(zt_plan_create(&s->plan, s->g, n, out, &cfg));
}
static void finish(graph *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
}

/* ---- formulas ----------------------------------------------------------------------------------------------------- */
static double mean_of(const double *x, double (*f)(double)) {
    double sum = 0;
    for (int k = 0; k < B * P; k++) sum += f(x[k]) / (B * P);
    return sum;
}
static double same(double x) { return x; }
static double l_up(double x) { return log1p(exp(x)); }
static double l_down(double x) { return log1p(exp(-x)); }
static double square(double x) { return x * x; }
static double square_1(double x) { return (x - 1) * (x - 1); }
static double hinge_real(double x) { return fmax(0, 1 - x); }
static double hinge_made(double x) { return fmax(0, 1 + x); }

static double relativistic(const double *a, const double *b) {
    double sum = 0;
    const double ma = mean_of(a, same), mb = mean_of(b, same);
    for (int k = 0; k < B * P; k++) sum += (l_down(a[k] - mb) + l_up(b[k] - ma)) / (B * P);
    return sum;
}

static void losses_are_their_formulas(void **state) {
    (void)state;
    const double want[][2] = {
        [ZT_GAN_NONSATURATING] = {mean_of(REAL, l_down) + mean_of(MADE, l_up), mean_of(MADE, l_down)},
        [ZT_GAN_LSGAN] = {(mean_of(REAL, square_1) + mean_of(MADE, square)) / 2, mean_of(MADE, square_1) / 2},
        [ZT_GAN_HINGE] = {mean_of(REAL, hinge_real) + mean_of(MADE, hinge_made), -mean_of(MADE, same)},
        [ZT_GAN_WGAN] = {mean_of(MADE, same) - mean_of(REAL, same), -mean_of(MADE, same)},
        [ZT_GAN_RELATIVISTIC] = {relativistic(REAL, MADE), relativistic(MADE, REAL)},
    };
    for (int k = 0; k <= ZT_GAN_RELATIVISTIC; k++) {
        graph s = begin();
        zt_node *real = zt_input(s.g, "real", ZT_F64, zt_sh(B, P)), *made = zt_input(s.g, "made", ZT_F64, zt_sh(B, P));
        zt_node *out[] = {zt_gan_critic_loss((zt_gan_loss)k, real, made), zt_gan_generator_loss((zt_gan_loss)k, real, made)};
        plan(&s, 2, out);
        memcpy(real->x, REAL, sizeof REAL);
        memcpy(made->x, MADE, sizeof MADE);
        must(zt_plan_run(s.plan));
        for (int j = 0; j < 2; j++)
            if (fabs(*(double *)out[j]->x - want[k][j]) > 1e-12)
                fail_msg("loss %d of the %s: %.15g, want %.15g", k, j ? "generator" : "critic", *(double *)out[j]->x, want[k][j]);
        finish(&s);
    }
}

static void accuracy_counts_scores_on_their_side(void **state) {
    (void)state;
    const double real_right[] = {4.0 / 6, 2.0 / 6}, made_right[] = {3.0 / 6, 1 - 1.0 / 6};   /* of thresholds 0 and 1/2 */
    for (int k = 0; k < 2; k++) {
        graph s = begin();
        const zt_gan_loss loss = k ? ZT_GAN_LSGAN : ZT_GAN_NONSATURATING;
        zt_node *real = zt_input(s.g, "real", ZT_F64, zt_sh(B, P)), *made = zt_input(s.g, "made", ZT_F64, zt_sh(B, P));
        zt_node *out[] = {zt_gan_part_above(real, zt_gan_threshold(loss, real, made, true)),
                          zt_gan_part_above(made, zt_gan_threshold(loss, real, made, false))};
        plan(&s, 2, out);
        memcpy(real->x, REAL, sizeof REAL);
        memcpy(made->x, MADE, sizeof MADE);
        must(zt_plan_run(s.plan));
        assert_true(fabs(*(double *)out[0]->x - real_right[k]) < 1e-12);
        assert_true(fabs(1 - *(double *)out[1]->x - made_right[k]) < 1e-12);
        finish(&s);
    }
}

/* ---- penalties ---------------------------------------------------------------------------------------------------- */
static const double X[B * D] = {0.3, -0.8, 1.1, 0.2, -1.5, 0.6, 0.9, -0.4, 0.7, 1.3, -0.2, 0.5}, W[D] = {0.6, -1.1, 0.4, 0.9};

/* Scores of a clip: leaky, so that slopes differ: leaky(x.w), and sin(2 x.w); their mean has the gradient below. */
static zt_node *scores(zt_node *x, zt_node *w) {
    zt_node *dot = zt_matmul(x, w, false, false);
    return zt_concat(1, 2, (zt_node *const[]){zt_leaky_relu(dot, 0.2), zt_sin(zt_affine(dot, 2, 0))});
}
static double penalty_of(const double *w, double target) {
    double sum = 0, ww = 0;
    for (int k = 0; k < D; k++) ww += w[k] * w[k];
    for (int b = 0; b < B; b++) {
        double dot = 0;
        for (int k = 0; k < D; k++) dot += X[b * D + k] * w[k];
        const double slope = ((dot > 0 ? 1 : 0.2) + 2 * cos(2 * dot)) / 2, length = fabs(slope) * sqrt(ww);
        sum += target == 0 ? length * length / B : pow(length - target, 2) / B;
    }
    return sum;
}

static void penalties_and_their_gradients(void **state) {
    (void)state;
    for (int target = 0; target < 2; target++) {
        graph s = begin();
        zt_node *x = zt_input(s.g, "x", ZT_F64, zt_sh(B, D)), *w = zt_input(s.g, "w", ZT_F64, zt_sh(D, 1)), *dw;
        zt_node *penalty = zt_gan_penalty_of(scores(x, w), x, target);
        must(zt_graph_error(s.g));
        must(zt_grad(penalty, 1, &w, &dw));
        plan(&s, 2, (zt_node *const[]){penalty, dw});
        memcpy(x->x, X, sizeof X);
        memcpy(w->x, W, sizeof W);
        must(zt_plan_run(s.plan));
        assert_true(fabs(*(double *)penalty->x - penalty_of(W, target)) < 1e-9);
        for (int k = 0; k < D; k++) {
            double up[D], down[D];
            memcpy(up, W, sizeof W);
            memcpy(down, W, sizeof W);
            up[k] += 1e-5;
            down[k] -= 1e-5;
            const double want = (penalty_of(up, target) - penalty_of(down, target)) / 2e-5;
            if (fabs(((double *)dw->x)[k] - want) > 1e-6) fail_msg("gradient %d: %g, want %g", k, ((double *)dw->x)[k], want);
        }
        finish(&s);
    }
}

/* The same through a convolution in f32 by the kernels that train, whose references' second gradients the sweep of ops has
 * seen. */
static void penalty_through_a_convolution(void **state) {
    (void)state;
    zt_graph *g;
    zt_plan *p = NULL;
    must(zt_graph_create(&g));
    const zt_conv_cfg c = {.stride = {1, 2, 2}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(2, 4, 8, 8, 3)), *w = zt_input(g, "w", ZT_F32, zt_sh(4, 4, 4, 3, 8)), *dw;
    zt_node *penalty = zt_gan_penalty_of(zt_tanh(zt_leaky_relu(zt_conv(x, w, NULL, &c), 0.2)), x, 1);
    must(zt_grad(penalty, 1, &w, &dw));
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true};
    must(zt_plan_create(&p, g, 2, (zt_node *const[]){penalty, dw}, &cfg));
    zt_fill_normal(1, 1, x->x, zt_numel(&x->sh));
    zt_fill_normal(1, 2, w->x, zt_numel(&w->sh));
    must(zt_plan_run(p));
    static float grad[4 * 4 * 4 * 3 * 8], start[4 * 4 * 4 * 3 * 8];
    memcpy(grad, dw->x, sizeof grad);
    memcpy(start, w->x, sizeof start);
    double along = 0, value[2];
    for (int k = 0; k < 1536; k++) along += grad[k] * (k % 7 - 3);
    for (int side = 0; side < 2; side++) {
        for (int k = 0; k < 1536; k++) ((float *)w->x)[k] = start[k] + (side ? -1e-3F : 1e-3F) * (float)(k % 7 - 3);
        must(zt_plan_run(p));
        value[side] = *(float *)penalty->x;
    }
    const double want = (value[0] - value[1]) / 2e-3;
    if (fabs(along - want) > 2e-2 * fabs(want)) fail_msg("along one direction %g, differences say %g", along, want);
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

/* ---- augmentation ------------------------------------------------------------------------------------------------- */
enum { T = 2, S = 8 };
static float pixel(const zt_node *x, int b, int t, int h, int w, int c) {
    return ((const float *)x->x)[((((int64_t)b * T + t) * S + h) * S + w) * 3 + c];
}

static void augmentation_does_what_it_says(void **state) {
    (void)state;
    const zt_gan_cfg shift = {.augment_shift = 1}, cut = {.augment_cutout = 1}, colour = {.augment_colour = 1};
    zt_graph *g;
    zt_plan *p = NULL;
    must(zt_graph_create(&g));
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(2, T, S, S, 3)), *n = zt_input(g, "n", ZT_F32, zt_sh(2, ZT_AUGMENT_NUMBERS));
    zt_node *out[] = {zt_gan_augment(x, n, &shift), zt_gan_augment(x, n, &cut), zt_gan_augment(x, n, &colour)};
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true};
    must(zt_plan_create(&p, g, 3, out, &cfg));
    zt_fill_normal(2, 1, x->x, zt_numel(&x->sh));
    const float numbers[2][ZT_AUGMENT_NUMBERS] = {{1, -1, 3.5F, 4, 0.25F, 0, 1}, {0, 1, 0, 0, 0, 1, 0.5F}};
    memcpy(n->x, numbers, sizeof numbers);
    must(zt_plan_run(p));
    double mean = 0;
    for (int t = 0; t < T; t++) {
        assert_true(fabsf(pixel(out[0], 0, t, 3, 3, 1) - pixel(x, 0, t, 2, 4, 1)) < 1e-6F);    /* down by 1, left by 1 */
        assert_true(pixel(out[0], 0, t, 0, 3, 1) == 0 && pixel(out[0], 0, t, 3, S - 1, 1) == 0);
        assert_true(fabsf(pixel(out[0], 1, t, 3, 3, 2) - pixel(x, 1, t, 3, 2, 2)) < 1e-6F);
        assert_true(pixel(out[1], 0, t, 3, 4, 0) == 0 && pixel(out[1], 0, t, 2, 5, 0) == 0);    /* within 2 of (3.5, 4) */
        assert_true(pixel(out[1], 0, t, 6, 4, 0) == pixel(x, 0, t, 6, 4, 0) &&
                    pixel(out[1], 0, t, 3, 2, 0) == pixel(x, 0, t, 3, 2, 0));
        const float grey = (pixel(x, 0, t, 5, 5, 0) + pixel(x, 0, t, 5, 5, 1) + pixel(x, 0, t, 5, 5, 2)) / 3 + 0.25F;
        assert_true(fabsf(pixel(out[2], 0, t, 5, 5, 0) - grey) < 1e-5F);                        /* saturation 0 */
    }
    for (int k = 0; k < T * S * S * 3; k++) mean += ((float *)x->x)[T * S * S * 3 + k] / (T * S * S * 3);
    assert_true(fabs(pixel(out[2], 1, 1, 2, 2, 0) - (mean + 0.5 * (pixel(x, 1, 1, 2, 2, 0) - mean))) < 1e-5);   /* contrast 1/2 */
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
}

static void drawn_numbers_are_in_range(void **state) {
    (void)state;
    float n[200][ZT_AUGMENT_NUMBERS];
    zt_rng r = zt_rng_init(1, 1);
    zt_gan_augment_draw(&r, 200, 32, 16, n[0]);
    bool ends[4] = {0};
    for (int k = 0; k < 200; k++) {
        assert_true(fabsf(n[k][0]) <= 4 && fabsf(n[k][1]) <= 2 && n[k][0] == floorf(n[k][0]) && n[k][1] == floorf(n[k][1]));
        assert_true(n[k][2] >= 0 && n[k][2] < 32 && n[k][3] >= 0 && n[k][3] < 16 && fabsf(n[k][4]) <= 0.5F);
        assert_true(n[k][5] >= 0 && n[k][5] < 2 && n[k][6] >= 0.5F && n[k][6] < 1.5F);
        ends[0] |= n[k][0] == -4, ends[1] |= n[k][0] == 4, ends[2] |= n[k][1] == -2, ends[3] |= n[k][1] == 2;
    }
    assert_true(ends[0] && ends[1] && ends[2] && ends[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_their_formulas), cmocka_unit_test(accuracy_counts_scores_on_their_side),
        cmocka_unit_test(penalties_and_their_gradients), cmocka_unit_test(penalty_through_a_convolution),
        cmocka_unit_test(augmentation_does_what_it_says), cmocka_unit_test(drawn_numbers_are_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
