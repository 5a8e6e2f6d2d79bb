/* test_data_score.c - scores of made clips whose motion, light and overlays are known. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "data/score.h"

/* ---- made clips ---- */

/* Smooth noise, 0..1, at any place: the world that a camera looks at. */
static double noise(uint64_t seed, double x, double y, double scale) {
    double sum = 0;
    x = x / scale + 1000;
    y = y / scale + 1000;
    const int xi = (int)floor(x), yi = (int)floor(y);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            uint32_t word[4];
            zt_philox(seed, (uint64_t)(yi + i), (uint64_t)(xi + k), word);
            const double fx = x - xi, fy = y - yi, sx = fx * fx * (3 - 2 * fx), sy = fy * fy * (3 - 2 * fy);
            sum += word[0] / 4294967296.0 * (k ? sx : 1 - sx) * (i ? sy : 1 - sy);
        }
    return sum;
}

static double world(uint64_t seed, double x, double y) { return 0.55 * noise(seed, x, y, 11) + 0.45 * noise(seed + 1, x, y, 4); }

/* Where the camera stands in frame t. */
typedef struct camera { double x, y, zoom, turn; } camera;

static zt_frames clip_of(int T, int H, int W, double fps) {
    zt_frames f;
    assert_int_equal(zt_frames_create(&f, T, H, W, fps), ZT_OK);
    return f;
}

static void view(zt_frames *f, int t, uint64_t seed, camera c) {
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            const double px = (x - f->width / 2.0) / c.zoom, py = (y - f->height / 2.0) / c.zoom;
            const double v = world(seed, c.x + cos(c.turn) * px - sin(c.turn) * py, c.y + sin(c.turn) * px + cos(c.turn) * py);
            uint8_t *p = zt_frame_at(f, t) + 3 * (y * f->width + x);
            p[0] = p[1] = p[2] = (uint8_t)(20 + 215 * v);
        }
}

static void grey(zt_frames *f, int t, int x0, int y0, int w, int h, int v) {
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++)
            if (x >= 0 && y >= 0 && x < f->width && y < f->height) memset(zt_frame_at(f, t) + 3 * (y * f->width + x), v, 3);
}

static zt_scores score(zt_frames *f, bool finish) {
    zt_scores s;
    if (zt_score_clip(f, &s) != ZT_OK) fail_msg("%s", zt_err_text());
    for (int i = 0; i < ZT_SCORES; i++) assert_true(isfinite(s.v[i]));
    if (finish) zt_frames_finish(f);
    return s;
}

static void near(const zt_scores *s, zt_score which, double want, double room) {
    if (!(fabs(s->v[which] - want) <= room))
        fail_msg("%s is %g, wanted %g within %g", zt_score_name(which), s->v[which], want, room);
}

/* ---- motion ---- */

static zt_scores moving(camera first, double dx, double dy, double zoom, double shake, uint64_t seed) {
    zt_frames f = clip_of(16, 96, 128, 8);
    zt_rng r = zt_rng_init(seed, 5);
    camera c = first;
    for (int t = 0; t < f.frames; t++) {
        camera now = c;
        now.x += shake * zt_rng_normal(&r);
        now.y += shake * zt_rng_normal(&r);
        view(&f, t, seed, now);
        c.x += dx / c.zoom;
        c.y += dy / c.zoom;
        c.zoom *= zoom;
    }
    return score(&f, true);
}

static void test_camera(void **state) {
    static const struct { double dx, dy, zoom;
    } CASE[] = {
        {0, 0, 1}, {2, 0, 1},    {-3, 0, 1},   {0, 1.5, 1},  {0.5, -0.5, 1},
        {6, 4, 1}, {0, 0, 1.02}, {0, 0, 0.98}, {2, 0, 1.01}, {12, 0, 1},
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
            const zt_scores s = moving((camera){.zoom = 1}, CASE[i].dx, CASE[i].dy, CASE[i].zoom, 0, seed * 100);
            const double unit = 8 / 96.0;   /* a pixel per frame, in frame heights per second */
            near(&s, ZT_SCORE_pan, CASE[i].dx * unit, 0.1 * unit + 0.03 * fabs(CASE[i].dx) * unit);
            near(&s, ZT_SCORE_tilt, -CASE[i].dy * unit, 0.1 * unit + 0.03 * fabs(CASE[i].dy) * unit);
            near(&s, ZT_SCORE_zoom, log(CASE[i].zoom) * 8, 0.02);
            near(&s, ZT_SCORE_shake, 0, 0.001);
            if (CASE[i].zoom == 1)
                near(&s, ZT_SCORE_motion, hypot(CASE[i].dx, CASE[i].dy) * unit,
                     0.15 * unit + 0.15 * hypot(CASE[i].dx, CASE[i].dy) * unit);
            assert_true(s.v[ZT_SCORE_still] == (i == 0));
        }
    const zt_scores s = moving((camera){.zoom = 1}, 1, 0, 1, 1.5, 7);   /* steps differ by sqrt(2) * 1.5 in each direction */
    near(&s, ZT_SCORE_shake, 3.0 / 96, 1.0 / 96);
    near(&s, ZT_SCORE_pan, 8 / 96.0, 3 / 96.0);
}

/* A camera that rolls, and one that rolls and pans: the roll does not spoil the rest. */
static void test_roll(void **state) {
    (void)state;
    for (int pans = 0; pans < 2; pans++) {
        zt_frames f = clip_of(16, 96, 128, 8);
        camera c = {0, 0, 1, 0};
        for (int t = 0; t < 16; t++) {
            view(&f, t, 11, c);
            c.x += 2 * pans * cos(c.turn);
            c.y += 2 * pans * sin(c.turn);
            c.turn += 0.03;
        }
        const zt_scores s = score(&f, true);
        near(&s, ZT_SCORE_pan, 2 * pans * 8 / 96.0, 0.02);
        near(&s, ZT_SCORE_tilt, 0, 0.02);
        near(&s, ZT_SCORE_zoom, 0, 0.02);
        assert_true(s.v[ZT_SCORE_motion] > 0.08);
    }
}

/* A thing that moves before a camera that does not. */
static void test_object(void **state) {
    (void)state;
    zt_frames f = clip_of(16, 64, 64, 8);
    for (int t = 0; t < 16; t++) {
        view(&f, t, 3, (camera){.zoom = 1});
        for (int i = 0; i < 16; i++) grey(&f, t, 4 + 2 * t, 24 + i, 16, 1, (i * 37 + 90) % 200);
    }
    const zt_scores s = score(&f, true);
    near(&s, ZT_SCORE_pan, 0, 0.01);
    near(&s, ZT_SCORE_tilt, 0, 0.01);
    near(&s, ZT_SCORE_motion, 2 * 256.0 / 4096 * 8 / 64, 0.02);   /* 2 pixels on a sixteenth of the picture */
    assert_true(s.v[ZT_SCORE_motion] > 0.005 && s.v[ZT_SCORE_still] == 0);
}

static void test_still(void **state) {
    (void)state;
    zt_frames f = clip_of(11, 40, 40, 8);
    for (int t = 0; t < 11; t++) view(&f, t, 3, (camera){.x = t < 6 ? 0 : 3 * t, .zoom = 1});
    zt_scores s = score(&f, true);
    near(&s, ZT_SCORE_still, 0.5, 0);
    f = clip_of(1, 40, 40, 8);
    s = score(&f, true);
    near(&s, ZT_SCORE_still, 1, 0);
    near(&s, ZT_SCORE_black, 1, 0);
}

/* ---- light ---- */

static void test_exposure(void **state) {
    (void)state;
    zt_frames f = clip_of(8, 32, 48, 8);
    for (int t = 0; t < 8; t++) grey(&f, t, 0, 0, 24, 32, t < 2 ? 5 : 255), grey(&f, t, 24, 0, 24, 32, t < 2 ? 8 : 51);
    const zt_scores s = score(&f, true);
    near(&s, ZT_SCORE_black, 0.25, 0);
    near(&s, ZT_SCORE_brightness, (0.25 * 6.5 + 0.75 * 153) / 255, 0.003);
    near(&s, ZT_SCORE_clipped, 0.375, 0.07);   /* of the frames looked at */
    near(&s, ZT_SCORE_flatness, 46 / 47.0, 0.003);
    near(&s, ZT_SCORE_colourfulness, 0, 0.001);
    f = clip_of(2, 32, 32, 8);
    for (int i = 0; i < 2 * 32 * 32; i++) memcpy(f.rgb + 3 * i, (uint8_t[]){200, 100, 40}, 3);
    const zt_scores warm = score(&f, true);
    near(&warm, ZT_SCORE_warmth, 160 / 255.0, 0.001);
    near(&warm, ZT_SCORE_colourfulness, 0.3 * hypot(100, 110), 0.01);   /* Hasler and Suesstrunk by hand */
    assert_int_equal(warm.colour, 0xc86428);
}

static void test_sharpness(void **state) {
    (void)state;
    double last = 1e9;
    for (int blur = 1; blur <= 4; blur *= 2) {   /* magnified, the same picture is less sharp */
        zt_frames f = clip_of(4, 64, 64, 8);
        for (int t = 0; t < 4; t++) view(&f, t, 4, (camera){.zoom = blur});
        const zt_scores s = score(&f, true);
        assert_true(s.v[ZT_SCORE_sharpness] < 0.4 * last);
        last = s.v[ZT_SCORE_sharpness];
    }
    assert_true(last < 20);
}

/* ---- overlays ---- */

static zt_frames panning(int T, int H, int W, uint64_t seed) {
    zt_frames f = clip_of(T, H, W, 8);
    for (int t = 0; t < T; t++) view(&f, t, seed, (camera){.x = 9 * t, .y = 5 * t, .zoom = 1});
    return f;
}

static void test_border(void **state) {
    (void)state;
    zt_frames f = panning(8, 96, 128, 5);
    zt_scores s = score(&f, false);
    near(&s, ZT_SCORE_border, 0, 0);
    for (int t = 0; t < 8; t++) grey(&f, t, 0, 0, 128, 12, 2 + t % 2), grey(&f, t, 0, 84, 128, 12, 2);
    s = score(&f, false);
    near(&s, ZT_SCORE_border, 0.25, 0.001);
    near(&s, ZT_SCORE_watermark, 0, 0.001);
    for (int t = 0; t < 8; t++) grey(&f, t, 0, 0, 16, 96, 250), grey(&f, t, 112, 0, 16, 96, 250);
    s = score(&f, true);
    near(&s, ZT_SCORE_border, 0.25, 0.001);   /* pillars over the ends of bars: rows are even no more */
    f = clip_of(8, 96, 128, 8);               /* an even ground with a thing on it is no bar */
    for (int t = 0; t < 8; t++) grey(&f, t, 0, 0, 128, 96, 60), grey(&f, t, 20 + 4 * t, 40, 30, 30, 200);
    s = score(&f, true);
    near(&s, ZT_SCORE_border, 0, 0);
}

/* A line of made letters: strokes two pixels wide, in white with a dark edge. */
static void write_line(zt_frames *f, int t, int x0, int y0, int letters) {
    for (int i = 0; i < letters; i++) {
        grey(f, t, x0 + 8 * i, y0 - 1, 8, 12, 16);
        grey(f, t, x0 + 8 * i + 1, y0, 2, 10, 250);
        grey(f, t, x0 + 8 * i + 5, y0, 2, 10, 250);
        grey(f, t, x0 + 8 * i + 1, y0 + 3 * (i % 3), 6, 2, 250);
    }
}

static void test_text(void **state) {
    (void)state;
    zt_frames f = panning(12, 96, 128, 6);
    zt_scores s = score(&f, false);
    near(&s, ZT_SCORE_text, 0, 0);
    for (int t = 0; t < 12; t++) write_line(&f, t, 16, 75, 11);
    s = score(&f, true);
    assert_true(s.v[ZT_SCORE_text] > 0.04 && s.v[ZT_SCORE_text] < 0.2);
    f = panning(12, 96, 128, 6);   /* letters that move with the picture were filmed */
    for (int t = 0; t < 12; t++) write_line(&f, t, 16 - 3 * t, 75 - 2 * t, 11);
    s = score(&f, true);
    near(&s, ZT_SCORE_text, 0, 0);
}

/* Blend a ring into the picture: a mark with an opacity. */
static void mark(zt_frames *f, int t, double cx, double cy, double opacity) {
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            const double r = hypot(x - cx, y - cy);
            uint8_t *p = zt_frame_at(f, t) + 3 * (y * f->width + x);
            for (int c = 0; c < 3 && r > 6 && r < 10; c++) p[c] = (uint8_t)(p[c] + opacity * (255 - p[c]));
        }
}

static void test_watermark(void **state) {
    (void)state;
    zt_frames f = panning(16, 96, 128, 7);
    zt_scores s = score(&f, false);
    const double without = s.v[ZT_SCORE_watermark];
    near(&s, ZT_SCORE_watermark, 0, 0.0008);
    for (int t = 0; t < 16; t++) mark(&f, t, 108, 16, 0.6);
    s = score(&f, true);
    assert_true(s.v[ZT_SCORE_watermark] > 0.003 && s.v[ZT_SCORE_watermark] > 5 * without);
    f = clip_of(16, 96, 128, 8);   /* the same ring as a part of what a still camera sees */
    for (int t = 0; t < 16; t++) {
        view(&f, t, 7, (camera){.zoom = 1});
        mark(&f, t, 108, 16, 0.6);
        grey(&f, t, 10 + 2 * t, 60, 20, 20, 240);
    }
    s = score(&f, true);
    near(&s, ZT_SCORE_watermark, 0, 0.0008);
}

/* ---- hashes ---- */

static int distance(const zt_scores *a, const zt_scores *b) {
    int n = 0;
    for (int i = 0; i < ZT_HASHES; i++) n += __builtin_popcountll(a->hash[i] ^ b->hash[i]);
    return n;
}

static void test_hash(void **state) {
    (void)state;
    zt_scores of[20];
    zt_rng r = zt_rng_init(8, 0);
    for (int i = 0; i < 20; i++) {
        zt_frames f = panning(12, 72, 96, 200 + (uint64_t)(i * 10));
        of[i] = score(&f, false);
        for (size_t k = 0; k < zt_frame_bytes(&f) * 12; k++) {   /* as a codec would: noise, and a little lighter */
            const double v = f.rgb[k] * 0.95 + 12 + 4 * zt_rng_normal(&r);
            f.rgb[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
        const zt_scores noisy = score(&f, true);
        assert_true(distance(&of[i], &noisy) <= 7);
        for (int k = 0; k < i; k++) assert_true(distance(&of[i], &of[k]) > 40);
    }
    zt_frames even = clip_of(3, 32, 32, 8);
    for (int t = 0; t < 3; t++) grey(&even, t, 0, 0, 32, 32, 77);
    const zt_scores s = score(&even, true);
    assert_true(s.hash[0] == 0 && s.hash[1] == 0 && s.hash[2] == 0);
}

/* Any size is measured: sanitizers watch. */
static void test_sizes(void **state) {
    static const int SIZE[][3] = {{1, 1, 1}, {2, 1, 9}, {3, 7, 300}, {2, 600, 3}, {9, 8, 8}, {7, 13, 17}, {30, 9, 700}};
    (void)state;
    zt_rng r = zt_rng_init(1, 2);
    for (size_t k = 0; k < sizeof SIZE / sizeof SIZE[0]; k++) {
        zt_frames f = clip_of(SIZE[k][0], SIZE[k][1], SIZE[k][2], 25);
        for (size_t i = 0; i < zt_frame_bytes(&f) * (size_t)f.frames; i++) f.rgb[i] = (uint8_t)zt_rng_u32(&r);
        const zt_scores s = score(&f, true);
        for (int i = 0; i < ZT_SCORES; i++)
            if (i == ZT_SCORE_still || i == ZT_SCORE_black || i == ZT_SCORE_border || i == ZT_SCORE_text ||
                i == ZT_SCORE_flatness)
                assert_true(s.v[i] >= 0 && s.v[i] <= 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_camera),   cmocka_unit_test(test_object),    cmocka_unit_test(test_roll),
        cmocka_unit_test(test_still),
        cmocka_unit_test(test_exposure), cmocka_unit_test(test_sharpness), cmocka_unit_test(test_border),
        cmocka_unit_test(test_text),     cmocka_unit_test(test_watermark), cmocka_unit_test(test_hash),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
