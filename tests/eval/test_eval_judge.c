/* test_eval_judge.c - the judge on clips whose content is known: its accuracy on the synthetic world, and what it must refuse. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "data/worlds/move.h"
#include "eval/judge.h"
#include "eval/painter.h"

static const int colours[4][3] = {{220, 40, 40}, {40, 180, 60}, {50, 80, 220}, {230, 210, 40}};

static zt_verdict judged(const clip *c) {
    zt_verdict v;
    assert_int_equal(zt_judge_clip(c->rgb, c->T, c->H, c->W, &v), ZT_OK);
    return v;
}

static void refused(clip *c, const char *why) {
    const zt_verdict v = judged(c);
    if (v.valid || !strstr(v.reason, why))
        fail_msg("wanted \"%s\", got valid=%d \"%s\" (fill %g area %g steadiness %g)", why, v.valid, v.reason, v.fill, v.area,
                 v.steadiness);
    free(c->rgb);
}

/* All combinations of the renderer's attributes, with every background, size and speed: how often the judge is all right. */
static void right_at(int size, int repeats, double want) {
    enum { FRAMES = 16 };
    bool none[ZT_TRIPLES] = {false};
    zt_score s = {0};
    uint8_t *rgb = malloc((size_t)FRAMES * (size_t)size * (size_t)size * 3);
    for (int k = 0; k < repeats * ZT_TRIPLES; k++) {
        zt_rng r = zt_rng_init(77, (uint64_t)k);
        zt_move_spec spec;
        char caption[ZT_CAPTION_MAX];
        do zt_move_sample(&r, none, false, FRAMES, &spec);      /* until the triple is the one wanted: all 48 equally often */
        while (zt_move_triple(&spec) != k % ZT_TRIPLES);
        zt_move_caption(&spec, &r, caption);
        zt_move_render(&spec, FRAMES, size, size, rgb, NULL, NULL);
        zt_verdict v;
        assert_int_equal(zt_judge_clip(rgb, FRAMES, size, size, &v), ZT_OK);
        if (!zt_score_add(&s, &v, caption) && size >= 32)
            printf("  %d px, \"%s\" (radius %.2f px, textured %d): %s %s %s %s fill %.3f hue %.0f\n", size, caption,
                   spec.radius * size, spec.textured, zt_judge_colour_name((int)v.colour), zt_judge_shape_name((int)v.shape),
                   zt_judge_direction_name((int)v.direction), v.reason, v.fill, v.hue);
    }
    free(rgb);
    printf("judge on %lld real clips of %d px: valid %.2f %%, shape %.2f %%, colour %.2f %%, direction %.2f %%, all right "
           "%.2f %%\n",
           (long long)s.n, size, 100 * zt_score_part(s.valid, s.n), 100 * zt_score_part(s.shape, s.n),
           100 * zt_score_part(s.colour, s.n), 100 * zt_score_part(s.direction, s.n), 100 * zt_score_part(s.all, s.n));
    assert_true(zt_score_part(s.all, s.n) >= want);
}

static void world_of_32_pixels(void **state) {
    (void)state;
    right_at(32, 7, 0.99);
}
static void world_of_64_pixels(void **state) {
    (void)state;
    right_at(64, 2, 0.99);
}
static void world_of_128_pixels(void **state) {
    (void)state;
    right_at(128, 1, 0.99);
}
static void world_of_16_pixels(void **state) {
    (void)state;
    right_at(16, 7, 0.97);
}

/* Where the judge says the object is, against the renderer's coverage of half a pixel or more: intersection over union. */
static void objects_are_where_they_are_drawn(void **state) {
    enum { FRAMES = 16, SIZE = 32, N = FRAMES * SIZE * SIZE };
    static uint8_t rgb[3 * N], truth[N], object[N];
    bool none[ZT_TRIPLES] = {false};
    (void)state;
    for (uint64_t k = 0; k < 40; k++) {
        zt_rng r = zt_rng_init(78, k);
        zt_move_spec spec;
        zt_verdict v;
        zt_move_sample(&r, none, false, FRAMES, &spec);
        zt_move_render(&spec, FRAMES, SIZE, SIZE, rgb, truth, NULL);
        assert_int_equal(zt_judge_segment(rgb, FRAMES, SIZE, SIZE, &v, object), ZT_OK);
        int both = 0, either = 0;
        for (int p = 0; p < N; p++) {
            both += object[p] && truth[p] >= 128;
            either += object[p] || truth[p] >= 128;
        }
        if (v.valid && 10 * both < 8 * either) fail_msg("clip %d: %d pixels of %d", (int)k, both, either);
    }
    memset(rgb, 100, sizeof rgb);                              /* nothing there */
    assert_int_equal(zt_judge_segment(rgb, FRAMES, SIZE, SIZE, &(zt_verdict){0}, object), ZT_OK);
    for (int p = 0; p < N; p++) assert_int_equal(object[p], 0);
}

/* Clips painted here, with noise, at slow and fast motion. */
static clip moving(int shape, int colour, int direction, double speed, double r, int noise) {
    static const int way[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    clip c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) {
        const double gone = speed * (t - 7.5);
        paint(&c, t, shape, 16 + way[direction][0] * gone, 16.3 + way[direction][1] * gone, r, colours[colour]);
    }
    if (noise) add_noise(&c, noise, (unsigned)(shape * 16 + colour * 4 + direction));
    return c;
}

static void own_clips_are_read(void **state) {
    (void)state;
    for (int k = 0; k < 48; k++)
        for (int noisy = 0; noisy <= 1; noisy++) {
            clip c = moving(k / 16, k / 4 % 4, k % 4, noisy ? 0.5 : 1.2, 4.2, noisy ? 12 : 0);
            const zt_verdict v = judged(&c);
            if (!v.valid || (int)v.shape != k / 16 || (int)v.colour != k / 4 % 4 || (int)v.direction != k % 4)
                fail_msg("clip %d noisy %d: \"%s\" %d %d %d fill %g hue %g", k, noisy, v.reason, (int)v.shape, (int)v.colour,
                         (int)v.direction, v.fill, v.hue);
            assert_true(fabs(hypot(v.dx, v.dy) - (noisy ? 0.5 : 1.2)) < 0.08);
            free(c.rgb);
        }
}

static void partly_outside_is_read(void **state) {
    (void)state;
    clip c = clip_new(16, 32, 32, 60);
    for (int t = 0; t < 16; t++) paint(&c, t, 1, 8 + 1.7 * t, 15.5, 5, colours[2]);       /* leaves on the right */
    const zt_verdict v = judged(&c);
    assert_string_equal(v.reason, "");
    assert_int_equal(v.shape, ZT_JUDGE_CIRCLE);
    assert_int_equal(v.direction, ZT_JUDGE_RIGHT);
    free(c.rgb);
}

static void reversed_time_turns_the_direction(void **state) {
    (void)state;
    clip c = moving(0, 0, 0, 1, 4, 0), back = clip_new(c.T, c.H, c.W, 0);
    const size_t n = (size_t)c.H * (size_t)c.W * 3;
    for (int t = 0; t < c.T; t++) memcpy(back.rgb + (size_t)t * n, c.rgb + (size_t)(c.T - 1 - t) * n, n);
    bool shape, colour, direction;
    zt_verdict v = judged(&c);
    assert_true(zt_judge_matches(&v, "a red square moves left", &shape, &colour, &direction));
    v = judged(&back);
    assert_true(v.valid);
    assert_false(zt_judge_matches(&v, "a red square moves left", &shape, &colour, &direction));
    assert_true(shape && colour && !direction);
    assert_int_equal(v.direction, ZT_JUDGE_RIGHT);
    free(c.rgb);
    free(back.rgb);
}

static void refuses_what_is_no_single_object(void **state) {
    (void)state;
    clip c = clip_new(16, 32, 32, 0);
    refused(&c, "nothing");                                                                       /* black */
    c = clip_new(16, 32, 32, 128);
    add_noise(&c, 127, 3);
    refused(&c, "");                                                                              /* noise: any reason */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 16, 16, 4, colours[0]);
    refused(&c, "nothing");                                                                       /* a still picture */
    c = moving(0, 0, 1, 0, 4, 10);
    refused(&c, "");                                                                              /* still, with noise */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) {
        paint(&c, t, 1, 6 + t, 8, 4, colours[0]);
        paint(&c, t, 1, 6 + t, 24, 4, colours[0]);
    }
    refused(&c, "more than one");                                                                 /* two of one colour */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) {
        paint(&c, t, 1, 6 + t, 8, 4, colours[0]);
        paint(&c, t, 1, 26 - t, 24, 4, colours[2]);
    }
    refused(&c, "");                                                                              /* two of two colours */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 6 + t, 16, 4, colours[t < 8 ? 0 : 2]);
    refused(&c, "");                                                                              /* changes its colour */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 8 + t, 16, 2.5 + 0.3 * t, colours[1]);
    refused(&c, "area");                                                                          /* grows */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++)
        if (t < 5 || t > 8) paint(&c, t, 0, 8 + t, 16, 4, colours[1]);
    refused(&c, "some frames");                                                                   /* is gone for a while */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 8 + t, 8 + t, 4, colours[1]);
    refused(&c, "direction");                                                                     /* diagonal */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 6 + t * 7 % 16, 16, 4, colours[1]);
    refused(&c, "steady");                                                                        /* frames in disorder */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) paint(&c, t, 0, 8 + t, 16, 4, (const int[]){200, 200, 200});
    refused(&c, "nothing");                                                                       /* grey */
    c = clip_new(16, 32, 32, 40);
    for (int t = 0; t < 16; t++) {
        paint(&c, t, 0, 8 + t, 16, 4, colours[1]);
        paint(&c, t, 0, 8 + t, 14, 2, colours[0]);
    }
    refused(&c, "");                                                                              /* of two colours */
}

static const zt_verdict up_blue_circle = {.valid = true, .reason = "", .shape = ZT_JUDGE_CIRCLE, .colour = ZT_JUDGE_BLUE,
                                          .direction = ZT_JUDGE_UP};

static void captions_by_word(void **state) {
    (void)state;
    bool s, c, d;
    const zt_verdict v = up_blue_circle;
    assert_true(zt_judge_matches(&v, "A small BLUE circle moves slowly up, over a textured background.", &s, &c, &d));
    assert_true(zt_judge_matches(&v, "", NULL, NULL, NULL));
    assert_true(zt_judge_matches(&v, "circles of redness moving upside-down-ish? no", &s, &c, &d) == false && s && c && !d);
    assert_false(zt_judge_matches(&v, "a blue red circle moves up", &s, &c, &d));
    assert_true(s && !c && d);
    assert_false(zt_judge_matches(&v, "a blue square moves down", &s, &c, &d));
    assert_true(!s && c && !d);
    zt_verdict bad = v;
    bad.valid = false;
    assert_false(zt_judge_matches(&bad, "a blue circle moves up", &s, &c, &d));
    assert_true(!s && !c && !d);
}

static void scores_and_intervals(void **state) {
    (void)state;
    zt_score a = {0}, b = {0};
    const zt_verdict v = up_blue_circle;
    assert_true(zt_score_add(&a, &v, "a blue circle moves up"));
    assert_false(zt_score_add(&a, &v, "a red circle moves up"));
    zt_score_merge(&b, &a);
    zt_score_merge(&b, &a);
    assert_true(b.n == 4 && b.valid == 4 && b.shape == 4 && b.colour == 2 && b.direction == 4 && b.all == 2);
    double lo, hi;
    zt_wilson(81, 263, &lo, &hi);                     /* Newcombe 1998, table I, method 3: 0.2553 to 0.3662 */
    assert_true(fabs(lo - 0.2553) < 5e-5 && fabs(hi - 0.3662) < 5e-5);
    zt_wilson(0, 20, &lo, &hi);                       /* the same: 0 to 0.1611 */
    assert_true(lo == 0 && fabs(hi - 0.1611) < 5e-5);
    zt_wilson(29, 29, &lo, &hi);                      /* the same: 0.8830 to 1 */
    assert_true(fabs(lo - 0.8830) < 5e-5 && hi == 1);
    zt_wilson(0, 0, &lo, &hi);
    assert_true(lo == 0 && hi == 1 && zt_score_part(0, 0) == 0);
}

static void sizes_are_checked(void **state) {
    (void)state;
    zt_verdict v;
    const uint8_t one[3] = {0};
    assert_int_equal(zt_judge_clip(one, 1, 32, 32, &v), ZT_ARG);
    assert_int_equal(zt_judge_clip(one, 16, 1, 1, &v), ZT_ARG);
    assert_false(v.valid);
    assert_int_equal(zt_judge_clip(one, 16, 32, 1025, &v), ZT_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(world_of_32_pixels),     cmocka_unit_test(world_of_64_pixels),
        cmocka_unit_test(world_of_128_pixels),    cmocka_unit_test(world_of_16_pixels),
        cmocka_unit_test(objects_are_where_they_are_drawn),
        cmocka_unit_test(own_clips_are_read),     cmocka_unit_test(partly_outside_is_read),
        cmocka_unit_test(reversed_time_turns_the_direction), cmocka_unit_test(refuses_what_is_no_single_object),
        cmocka_unit_test(captions_by_word),       cmocka_unit_test(scores_and_intervals),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
