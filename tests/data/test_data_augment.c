/* test_data_augment.c - what the loader does to one clip: resizing, turning, colours, speed, and clips that are never mirrored.
 * On pictures whose every transformed pixel is known. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "data/loader_impl.h"

enum { FRAMES = 6, HEIGHT = 40, WIDTH = 60 };
static uint8_t source[FRAMES * HEIGHT * WIDTH * 3];

/* Red grows with x, green with y, blue with t; or all grey of one value per frame. */
static zt_clip_view clip(bool ramp) {
    for (int t = 0; t < FRAMES; t++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                uint8_t *p = source + ((t * HEIGHT + y) * WIDTH + x) * 3;
                p[0] = (uint8_t)(ramp ? 4 * x : 100);
                p[1] = (uint8_t)(ramp ? 6 * y : 100);
                p[2] = (uint8_t)(ramp ? 40 * t : 100);
            }
    return (zt_clip_view){.rgb = source, .frames = FRAMES, .height = HEIGHT, .width = WIDTH, .key = "k", .labels = "{}"};
}

static zt_cut cut(const zt_loader_cfg *c, const zt_clip_view *v, uint64_t seed, uint8_t *dst) {
    zt_scratch s = {0};
    zt_rng r = zt_rng_init(seed, 7);
    const zt_cut k = zt_cut_choose(c, v, false, &r);
    assert_int_equal(zt_cut_apply(c, v, &k, &s, dst), ZT_OK);
    zt_free(s.p);
    return k;
}

static void near_to(double got, double want, double by) {
    if (!(fabs(got - want) <= by)) fail_msg("%g, wanted %g", got, want);
}

/* A turned ramp is a ramp along another line; outside the frame its edge goes on. */
static void test_turn(void **state) {
    enum { H = 30, W = 50 };
    static uint8_t dst[2 * H * W * 3];
    const zt_clip_view v = clip(true);
    const zt_loader_cfg c = {.frames = 2, .height = H, .width = W, .rotate = 30, .crop = true};
    double least = 1, most = -1;
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const zt_cut k = cut(&c, &v, seed, dst);
        least = fmin(least, k.turn);
        most = fmax(most, k.turn);
        for (int t = 0; t < 2; t++)
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    const uint8_t *p = dst + ((t * H + y) * W + x) * 3;
                    const double dx = x - (W - 1) / 2.0, dy = y - (H - 1) / 2.0;
                    const double sx = cos(k.turn) * dx + sin(k.turn) * dy + (W - 1) / 2.0 + k.x;
                    const double sy = cos(k.turn) * dy - sin(k.turn) * dx + (H - 1) / 2.0 + k.y;
                    near_to(p[0], 4 * fmin(fmax(sx, 0), WIDTH - 1), 0.51);
                    near_to(p[1], 6 * fmin(fmax(sy, 0), HEIGHT - 1), 0.51);
                    near_to(p[2], 40 * (k.start + t), 0);
                }
    }
    const double edge = 30 * 3.14159265358979 / 180;
    assert_true(least < -0.8 * edge && least >= -edge && most > 0.8 * edge && most <= edge);
}

static void test_resize(void **state) {
    static uint8_t dst[10 * 20 * 3];
    const zt_clip_view v = clip(true);
    zt_loader_cfg c = {.frames = 1, .height = 20, .width = 10, .resize = true, .crop = true};
    bool seen[21] = {false};
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const zt_cut k = cut(&c, &v, seed, dst);
        assert_true(k.height == 20 && k.width == 30 && k.y == 0);
        seen[k.x] = true;
        for (int y = 2; y < 18; y++) /* inside, where no edge bends the ramp */
            for (int x = 0; x < 10; x++) {
                if (k.x + x < 2 || k.x + x > 27) continue;
                near_to(dst[(y * 10 + x) * 3], 4 * ((k.x + x + 0.5) * 2 - 0.5), 1);
                near_to(dst[(y * 10 + x) * 3 + 1], 6 * ((y + 0.5) * 2 - 0.5), 1);
            }
    }
    for (int i = 0; i <= 20; i++) assert_true(seen[i]);
    c.crop = false;
    assert_int_equal(cut(&c, &v, 1, dst).x, 10);
    static uint8_t large[80 * 130 * 3]; /* enlarged too, and a shape that does not divide */
    c = (zt_loader_cfg){.frames = 1, .height = 80, .width = 130, .resize = true};
    const zt_cut k = cut(&c, &v, 1, large);
    assert_true(k.width == 130 && k.height == 87 && k.y == 3);
    near_to(large[(40 * 130 + 65) * 3], 4 * (65.5 * 60 / 130 - 0.5), 1);
}

/* Of one colour stays of one colour, in every frame the same; grey stays grey under saturation and hue. */
static void test_colour(void **state) {
    static uint8_t dst[FRAMES * 8 * 8 * 3];
    static const struct {
        double brightness, contrast, saturation, hue;
    } CASE[] = {{0.5, 0, 0, 0}, {0, 0.5, 0, 0}, {0, 0, 0.9, 0}, {0, 0, 0, 90}, {0.3, 0.3, 0.3, 30}};
    const zt_clip_view v = clip(false);
    (void)state;
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        const zt_loader_cfg c = {.frames = FRAMES,
                                 .height = 8,
                                 .width = 8,
                                 .brightness = CASE[i].brightness,
                                 .contrast = CASE[i].contrast,
                                 .saturation = CASE[i].saturation,
                                 .hue = CASE[i].hue};
        int least = 255, most = 0;
        for (uint64_t seed = 0; seed < 60; seed++) {
            cut(&c, &v, seed, dst);
            for (size_t p = 0; p < sizeof dst; p++) assert_int_equal(dst[p], dst[0]);
            least = dst[0] < least ? dst[0] : least;
            most = dst[0] > most ? dst[0] : most;
        }
        if (i == 0) assert_true(least >= 50 && least < 60 && most <= 150 && most > 140);
        if (i == 1) assert_true(least >= 86 && least < 90 && most <= 114 && most > 110); /* about 127.5 */
        if (i == 2 || i == 3) assert_true(least == 100 && most == 100);
    }
}

static void test_hue_and_saturation(void **state) {
    zt_clip_view v = clip(false);
    uint8_t dst[3];
    (void)state;
    source[0] = 200;
    source[1] = 80;
    source[2] = 30;
    const double luma = 0.213 * 200 + 0.715 * 80 + 0.072 * 30;
    v.height = v.width = v.frames = 1;
    for (uint64_t seed = 0; seed < 20; seed++) {
        zt_loader_cfg c = {.frames = 1, .height = 1, .width = 1, .saturation = 0.5};
        zt_cut k = cut(&c, &v, seed, dst);
        near_to(0.213 * dst[0] + 0.715 * dst[1] + 0.072 * dst[2], luma, 1);
        const double s = (dst[0] - luma) / (200 - luma);
        assert_true(s > 0.48 && s < 1.52);
        near_to(dst[1], luma + s * (80 - luma), 1);
        c.saturation = 0;
        c.hue = 20;
        k = cut(&c, &v, seed, dst);
        near_to(0.213 * dst[0] + 0.715 * dst[1] + 0.072 * dst[2], luma, 1);
        assert_true(k.recolour && (dst[1] != 80 || dst[2] != 30));
    }
}

static void test_speed(void **state) {
    static uint8_t dst[3 * HEIGHT * WIDTH * 3];
    const zt_clip_view v = clip(true);
    const zt_loader_cfg c = {.frames = 3, .height = HEIGHT, .width = WIDTH, .stretch = 4, .jitter = true};
    bool seen[FRAMES] = {false};
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        const zt_cut k = cut(&c, &v, seed, dst);
        assert_true(k.speed >= 0.25 && k.speed <= 2.5); /* a faster one does not fit into the clip */
        for (int t = 0; t < 3; t++)
            assert_int_equal(dst[t * HEIGHT * WIDTH * 3 + 2], 40 * (k.start + (int)floor(t * k.speed + 0.5)));
        seen[(dst[2 * HEIGHT * WIDTH * 3 + 2] - dst[2]) / 40] = true;
    }
    for (int i = 1; i < FRAMES; i++) assert_true(seen[i]);
}

static void test_no_flip(void **state) {
    static uint8_t dst[HEIGHT * WIDTH * 3];
    zt_clip_view v = clip(true);
    const zt_loader_cfg c = {.frames = 1, .height = HEIGHT, .width = WIDTH, .flip = true};
    int mirrored = 0;
    bool no_flip;
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        zt_rng r = zt_rng_init(seed, 7);
        assert_false(zt_cut_choose(&c, &v, true, &r).mirror);
        const zt_cut k = cut(&c, &v, seed, dst);
        assert_int_equal(dst[0], k.mirror ? 4 * (WIDTH - 1) : 0);
        mirrored += k.mirror;
    }
    assert_true(mirrored > 30 && mirrored < 70);
    static const struct {
        const char *labels;
        bool want;
    } CASE[] = {{"{}", false},
                {"{\"no_flip\": true}", true},
                {"{\"no_flip\":false,\"a\":1}", false},
                {"{\"a\":\"\\\"no_flip\\\"\"}", false}};
    for (size_t i = 0; i < 4; i++) {
        v.labels = CASE[i].labels;
        assert_int_equal(zt_labels_no_flip(&v, &no_flip), ZT_OK);
        assert_int_equal(no_flip, CASE[i].want);
    }
    v.labels = "{\"no_flip\": tru";
    assert_int_equal(zt_labels_no_flip(&v, &no_flip), ZT_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn),  cmocka_unit_test(test_resize),  cmocka_unit_test(test_colour),
        cmocka_unit_test(test_speed), cmocka_unit_test(test_no_flip), cmocka_unit_test(test_hue_and_saturation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
