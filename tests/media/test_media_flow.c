/* test_media_flow.c - optical flow where it is known: a smooth picture that slides by parts of a pixel, a patch of it that moves
 * over a ground that stands still, frames that are equal, and frames too small for anything. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/mem.h"
#include "base/rng.h"
#include "media/flow.h"

enum { H = 40, W = 48, WAVES = 12 };

/* A picture made of waves, each colour its own; anywhere. */
static double picture(int number, int c, double x, double y) {
    zt_rng r = zt_rng_init(5, (uint64_t)(3 * number + c));
    double v = 128;
    for (int k = 0; k < WAVES; k++) {
        const double a = zt_rng_range(&r, -0.8, 0.8), b = zt_rng_range(&r, -0.8, 0.8), phase = zt_rng_range(&r, 0, 6.28);
        v += 14 * sin(a * x + b * y + phase);
    }
    return fmax(0, fmin(255, v));
}

static bool in_patch(double x, double y) {
    return x >= 10 && x < 30 && y >= 8 && y < 28;
}

/* The ground, and with `patch` another picture moved by (dx,dy) on a square of it. */
static void draw(uint8_t *rgb, double dx, double dy, bool patch) {
    for (int k = 0; k < H * W; k++)
        for (int c = 0; c < 3; c++) {
            const double x = k % W, y = k / W;
            const bool moved = !patch || in_patch(x - dx, y - dy);
            rgb[3 * k + c] = (uint8_t)(picture(patch && moved, c, moved ? x - dx : x, moved ? y - dy : y) + 0.5);
        }
}

typedef struct error { double mean; int n; } error;
static void note(error *e, const float *flow, double dx, double dy) {
    e->mean = (e->mean * e->n + hypot(flow[0] - dx, flow[1] - dy)) / (e->n + 1);
    e->n++;
}

static void of_what_slides(void **state) {
    (void)state;
    static uint8_t a[H * W * 3], b[H * W * 3];
    static float flow[H * W * 2];
    static const double by[][2] = {{0.4, -0.3}, {1.5, 2.25}, {-3.25, 1}};
    for (int k = 0; k < 3; k++) {
        error e = {0};
        draw(a, 0, 0, false);
        draw(b, by[k][0], by[k][1], false);
        assert_int_equal(zt_flow_find(a, b, H, W, flow), ZT_OK);
        for (int i = 0; i < H * W; i++)
            if (i % W >= 6 && i % W < W - 6 && i / W >= 6 && i / W < H - 6) note(&e, flow + 2 * i, by[k][0], by[k][1]);
        if (e.mean > 0.05) fail_msg("moved by (%g, %g): mean error %g pixels", by[k][0], by[k][1], e.mean);
    }
}

static void of_a_patch_both_ways(void **state) {
    (void)state;
    static uint8_t clip[2][H * W * 3];
    static float forward[H * W * 2], back[H * W * 2];
    error there = {0}, ground = {0}, returned = {0};
    draw(clip[0], 0, 0, true);
    draw(clip[1], 2, -1, true);
    assert_int_equal(zt_flow_of_clip(clip[0], 2, H, W, forward, back), ZT_OK);
    for (int i = 0; i < H * W; i++) {
        const int x = i % W, y = i / W;
        if (in_patch(x - 3, y - 3) && in_patch(x + 3, y + 3)) note(&there, forward + 2 * i, 2, -1);
        if (in_patch(x - 5, y - 2) && in_patch(x + 1, y + 4)) note(&returned, back + 2 * i, -2, 1);
        if (x < 3 || x > 37 || y > 34) note(&ground, forward + 2 * i, 0, 0);
    }
    if (there.mean > 0.1 || returned.mean > 0.1 || ground.mean > 0.05)
        fail_msg("mean error %g in the patch, %g back, %g around it", there.mean, returned.mean, ground.mean);
}

static void of_any_bytes_it_stays_in_the_frame(void **state) {
    (void)state;
    static const int side[][2] = {{1, 1}, {1, 9}, {5, 2}, {33, 17}};
    for (int k = 0; k < 4; k++) {
        const int h = side[k][0], w = side[k][1];
        uint8_t a[33 * 17 * 3], b[33 * 17 * 3];
        float flow[33 * 17 * 2 + 1];
        zt_rng r = zt_rng_init(6, (uint64_t)k);
        for (int i = 0; i < h * w * 3; i++) a[i] = (uint8_t)zt_rng_u32(&r), b[i] = (uint8_t)zt_rng_u32(&r);
        flow[2 * h * w] = 77;
        assert_int_equal(zt_flow_find(a, b, h, w, flow), ZT_OK);
        for (int i = 0; i < h * w; i++) {
            const float x = (float)(i % w) + flow[2 * i], y = (float)(i / w) + flow[2 * i + 1];
            assert_true(x > -1e-4F && x < (float)w - 1 + 1e-4F && y > -1e-4F && y < (float)h - 1 + 1e-4F);
        }
        assert_true(flow[2 * h * w] == 77);
        assert_int_equal(zt_flow_find(a, a, h, w, flow), ZT_OK);
        for (int i = 0; i < 2 * h * w; i++) assert_true(flow[i] == 0);
    }
    uint8_t one[3] = {0};
    float flow[2];
    zt_alloc_fail_at(1);
    assert_int_equal(zt_flow_find(one, one, 1, 1, flow), ZT_NOMEM);
    zt_alloc_fail_at(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_what_slides), cmocka_unit_test(of_a_patch_both_ways),
        cmocka_unit_test(of_any_bytes_it_stays_in_the_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
