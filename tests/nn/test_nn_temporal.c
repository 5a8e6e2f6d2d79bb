/* test_nn_temporal.c - the temporal loss where its value is known (a clip moved by its flow, a hidden region, one difference),
 * and its gradient against differences in f64. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/rng.h"
#include "nn/temporal.h"
#include "says.h"
#include "tensor/plan.h"

enum { B = 2, T = 3, H = 5, W = 6, C = 3, PIXELS = H * W, PAIRS = B * (T - 1) };

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* Everything the loss is made of, of one clip and flows that each test fills. */
typedef struct scene {
    zt_graph *g;
    zt_plan *plan;
    zt_node *video, *flow, *back, *visible, *explains, *loss, *of_all, *dvideo;
} scene;

static scene scene_open(zt_temporal_form form) {
    scene s = {0};
    must(zt_graph_create(&s.g));
    zt_graph_set_real(s.g, ZT_F64);
    s.video = zt_input(s.g, "video", ZT_F64, zt_sh(B, T, H, W, C));
    s.flow = zt_input(s.g, "flow", ZT_F64, zt_sh(B, T - 1, H, W, 2));
    s.back = zt_input(s.g, "back", ZT_F64, zt_sh(B, T - 1, H, W, 2));
    s.visible = zt_flow_visible(s.flow, s.back);
    s.explains = zt_flow_explains(s.video, s.flow, 50);
    s.loss = zt_temporal_loss(form, s.video, s.flow, s.visible);
    zt_node *ones = zt_affine(s.visible, 0, 1), *weight = zt_const(s.g, ZT_F64, zt_sh(B), (const double[B]){0.3, 1.7});
    s.of_all = zt_temporal_loss(form, s.video, s.flow, ones);
    must(zt_grad(zt_sum(zt_mul(s.loss, weight)), 1, &s.video, &s.dvideo));
    zt_node *out[] = {s.visible, s.explains, s.loss, s.of_all, s.dvideo};
    must(zt_plan_create(&s.plan, s.g, 5, out, &(zt_plan_cfg){0}));
    memset(s.flow->x, 0, sizeof(double) * PAIRS * PIXELS * 2);
    memset(s.back->x, 0, sizeof(double) * PAIRS * PIXELS * 2);
    return s;
}

static void scene_close(scene *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
}

static double *at(const zt_node *x, int b, int t, int h, int w) {
    return (double *)x->x + (((b * x->sh.d[1] + t) * H + h) * W + w) * zt_last(&x->sh);
}

static double loss_of(const scene *s, int b) {
    return ((const double *)s->loss->x)[b];
}

/* A picture that slides by whole pixels: what leaves the frame is not visible, all the rest agrees. */
static void a_clip_moved_by_its_flow_costs_nothing(void **state) {
    (void)state;
    const int dx = 2, dy = -1;
    scene s = scene_open(ZT_TEMPORAL_ABS);
    for (int b = 0; b < B; b++)
        for (int t = 0; t < T; t++)
            for (int k = 0; k < PIXELS; k++) {
                const int h = k / W, w = k % W;
                zt_rng r = zt_rng_init(1 + (uint64_t)b, (uint64_t)((h - t * dy + 50) * 1000 + w - t * dx + 50));
                for (int c = 0; c < C; c++) at(s.video, b, t, h, w)[c] = zt_rng_normal(&r);
                if (t == T - 1) continue;
                at(s.flow, b, t, h, w)[0] = dx, at(s.flow, b, t, h, w)[1] = dy;
                at(s.back, b, t, h, w)[0] = -dx, at(s.back, b, t, h, w)[1] = -dy;
            }
    must(zt_plan_run(s.plan));
    for (int b = 0; b < B; b++) {
        assert_true(fabs(loss_of(&s, b)) < 1e-12);
        assert_true(((double *)s.of_all->x)[b] > 0.1);           /* where things leave the frame, nothing agrees */
        for (int k = 0; k < PIXELS; k++) {
            const int h = k / W, w = k % W;
            const bool stays = w + dx < W && h + dy >= 0;
            assert_true(*at(s.visible, b, 0, h, w) == stays);
            if (stays) assert_true(*at(s.explains, b, 1, h, w) > 1 - 1e-9);
        }
    }
    at(s.video, 1, 1, 3, 3)[0] += 0.5;     /* disagrees with frame 2, and with the place of frame 0 that is seen there */
    must(zt_plan_run(s.plan));
    const double seen = (double)(T - 1) * (W - dx) * (H - 1);
    assert_true(fabs(loss_of(&s, 0)) < 1e-12 && fabs(loss_of(&s, 1) - 2 * 0.5 / (C * seen)) < 1e-12);
    assert_true(fabs(*at(s.explains, 1, 1, 3, 3) - exp(-50 * 0.25)) < 1e-12);
    scene squares = scene_open(ZT_TEMPORAL_SQUARE);
    memcpy(squares.video->x, s.video->x, sizeof(double) * B * T * PIXELS * C);
    memcpy(squares.flow->x, s.flow->x, sizeof(double) * PAIRS * PIXELS * 2);
    memcpy(squares.back->x, s.back->x, sizeof(double) * PAIRS * PIXELS * 2);
    must(zt_plan_run(squares.plan));
    assert_true(fabs(loss_of(&squares, 1) - 2 * 0.25 / (C * seen)) < 1e-12);
    scene_close(&squares);
    scene_close(&s);
}

/* A thing of one pixel passes by on a ground that stands still: what it will hide is not visible. */
static void what_is_hidden_next_does_not_count(void **state) {
    (void)state;
    scene s = scene_open(ZT_TEMPORAL_SQUARE);
    memset(s.video->x, 0, sizeof(double) * B * T * PIXELS * C);
    for (int t = 0; t < T; t++) {
        at(s.video, 0, t, 3, 1 + 2 * t)[0] = 1;
        if (t == T - 1) continue;
        at(s.flow, 0, t, 3, 1 + 2 * t)[0] = 2;
        at(s.back, 0, t, 3, 3 + 2 * t)[0] = -2;
    }
    must(zt_plan_run(s.plan));
    assert_true(*at(s.visible, 0, 0, 3, 3) == 0 && *at(s.visible, 0, 1, 3, 5) == 0);
    assert_true(*at(s.visible, 0, 0, 3, 1) == 1 && *at(s.visible, 0, 0, 3, 4) == 1 && *at(s.visible, 1, 0, 3, 3) == 1);
    assert_true(loss_of(&s, 0) == 0 && ((double *)s.of_all->x)[0] > 0);
    at(s.video, 0, 0, 3, 3)[1] = 9;                              /* hidden in frame 1: any colour will do */
    must(zt_plan_run(s.plan));
    assert_true(loss_of(&s, 0) == 0);
    for (int k = 0; k < PIXELS * (T - 1); k++) ((double *)s.flow->x)[2 * k] = -100;      /* everything leaves the frame */
    must(zt_plan_run(s.plan));
    assert_true(loss_of(&s, 0) == 0);
    scene_close(&s);
}

static double weighted(const scene *s) {
    return 0.3 * loss_of(s, 0) + 1.7 * loss_of(s, 1);
}

static void gradient_of(zt_temporal_form form) {
    enum { N = B * T * PIXELS * C };
    static double grad[N];
    scene s = scene_open(form);
    zt_rng r = zt_rng_init(4, 4);
    for (int k = 0; k < N; k++) ((double *)s.video->x)[k] = zt_rng_normal(&r);
    for (int k = 0; k < PAIRS * PIXELS * 2; k++) {
        const double f = zt_rng_range(&r, -1, 1);
        ((double *)s.flow->x)[k] = f;
        ((double *)s.back->x)[k] = -f + zt_rng_range(&r, -0.3, 0.3);
    }
    must(zt_plan_run(s.plan));
    double seen = 0;
    for (int k = 0; k < PAIRS * PIXELS; k++) seen += ((double *)s.visible->x)[k];
    assert_true(seen > 20 && seen < PAIRS * PIXELS - 20);        /* both sorts are there */
    memcpy(grad, s.dvideo->x, sizeof grad);
    for (int k = 0; k < N; k++) {
        double *x = (double *)s.video->x + k, value[2];
        for (int side = 0; side < 2; side++) {
            *x += side ? -2e-6 : 1e-6;
            must(zt_plan_run(s.plan));
            value[side] = weighted(&s);
        }
        *x += 1e-6;
        const double want = (value[0] - value[1]) / 2e-6;
        if (fabs(grad[k] - want) > 1e-7) fail_msg("form %d, gradient %d: %g, want %g", (int)form, k, grad[k], want);
    }
    scene_close(&s);
}

static void gradient_is_that_of_differences(void **state) {
    (void)state;
    gradient_of(ZT_TEMPORAL_ABS);
    gradient_of(ZT_TEMPORAL_SQUARE);
}

static void shapes_that_do_not_fit_are_refused(void **state) {
    (void)state;
    static const char *const want[] = {"T > 1 and flow", "T > 1 and mask", "flow and back must both be"};
    for (int k = 0; k < 3; k++) {
        zt_graph *g;
        must(zt_graph_create(&g));
        zt_node *video = zt_input(g, "video", ZT_F32, zt_sh(B, T, H, W, C)),
                *flow = zt_input(g, "flow", ZT_F32, zt_sh(B, 2, H, W, 2));
        zt_node *odd = zt_input(g, "odd", ZT_F32, zt_sh(B, T, H, W, 2));
        if (k == 0) zt_temporal_difference(video, odd);
        if (k == 1) zt_temporal_loss(ZT_TEMPORAL_ABS, video, flow, odd);
        if (k == 2) zt_flow_visible(flow, odd);
        assert_int_equal(zt_graph_error(g), ZT_SHAPE);
        says(want[k]);
        zt_graph_destroy(&g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clip_moved_by_its_flow_costs_nothing), cmocka_unit_test(what_is_hidden_next_does_not_count),
        cmocka_unit_test(gradient_is_that_of_differences), cmocka_unit_test(shapes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
