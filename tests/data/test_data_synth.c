/* test_data_synth.c - the world MOVE: what is drawn is where mask and flow say, captions say what is drawn, hold-outs are even,
 * and a data set of it holds together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/synth.h"
#include "data/worlds/move.h"

enum { T = 16, S = 32, PIXELS = T * S * S };

typedef struct clip { uint8_t rgb[PIXELS * 3], mask[PIXELS]; float flow[PIXELS * 2]; } clip;

/* Weighted centre and area of the object in a frame, by its mask. */
static void centre(const uint8_t *mask, double *x, double *y, double *area) {
    *x = *y = *area = 0;
    for (int i = 0; i < S * S; i++) {
        *x += mask[i] * (i % S + 0.5);
        *y += mask[i] * (i / S + 0.5);
        *area += mask[i];
    }
    *x /= *area;
    *y /= *area;
    *area /= 255;
}

/* The colour that the names stand for, by hue alone. */
static zt_move_colour colour_of(const uint8_t *p) {
    if (p[2] > p[0] && p[2] > p[1]) return ZT_BLUE;
    if (p[1] > p[0] + 60) return ZT_GREEN;
    return p[1] > p[0] / 2 ? ZT_YELLOW : ZT_RED;
}

/* What a caption says, as a spec. */
static bool read_back(const char *caption, zt_move_spec *s) {
    int v[ZT_ATTRIBUTES];
    const bool good = zt_world_parse(&zt_world_shapes, caption, v);
    *s = (zt_move_spec){.slow = v[3] == 0, .small = v[4] == 0, .textured = v[5] == 1};
    if (good) zt_move_set_triple(s, zt_world_combo(&zt_world_shapes, v));
    return good;
}

static void test_render(void **state) {
    static const int STEP[ZT_DIRECTIONS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    (void)state;
    clip *c = zt_alloc(sizeof *c);
    zt_rng r = zt_rng_init(5, 0);
    assert_non_null(c);
    for (int n = 0; n < 200; n++) {
        zt_move_spec s;
        double x0, y0, x1, y1, area, area1;
        zt_move_sample(&r, NULL, false, T, &s);
        zt_move_render(&s, T, S, S, c->rgb, c->mask, c->flow);
        centre(c->mask, &x0, &y0, &area);
        centre(c->mask + (T - 1) * S * S, &x1, &y1, &area1);
        const double way = s.speed * S * (T - 1), box = 4 * s.radius * s.radius * S * S;
        assert_true(fabs(x1 - x0 - STEP[s.direction][0] * way) < 0.15 && fabs(y1 - y0 - STEP[s.direction][1] * way) < 0.15);
        assert_true(way > (s.slow ? 5.9 : 11.9) && way < (s.slow ? 8.1 : 14.5));
        assert_true(fabs(area - area1) < 0.05 * area);   /* wholly in view, first and last */
        const double fill = area / box, want = s.shape == ZT_SQUARE ? 1 : s.shape == ZT_CIRCLE ? 0.785 : 0.5;
        assert_true(fabs(fill - want) < 0.03);
        for (int t = 0; t < T; t++)
            for (int i = 0; i < S * S; i++) {
                const int at = t * S * S + i;
                const uint8_t *p = c->rgb + at * 3;
                const float *f = c->flow + at * 2;
                if (c->mask[at] == 255) assert_int_equal(colour_of(p), s.colour);
                if (c->mask[at] == 0) assert_true(p[0] == p[1] && p[1] == p[2] && p[0] < 90 && p[0] > 5);   /* grey and dark */
                const bool moves = c->mask[at] >= 128;
                assert_true(fabs(f[0] - (moves ? STEP[s.direction][0] * way / (T - 1) : 0)) < 1e-4);
                assert_true(fabs(f[1] - (moves ? STEP[s.direction][1] * way / (T - 1) : 0)) < 1e-4);
            }
    }
    zt_free(c);
}

static void test_background(void **state) {
    (void)state;
    clip *c = zt_alloc(sizeof *c);
    zt_rng r = zt_rng_init(6, 0);
    for (int n = 0; n < 40; n++) {
        zt_move_spec s;
        int lo = 255, hi = 0;
        zt_move_sample(&r, NULL, false, T, &s);
        zt_move_render(&s, T, S, S, c->rgb, c->mask, NULL);
        for (int i = 0; i < S * S; i++)
            if (c->mask[i] == 0) {
                lo = c->rgb[i * 3] < lo ? c->rgb[i * 3] : lo;
                hi = c->rgb[i * 3] > hi ? c->rgb[i * 3] : hi;
            }
        if (s.textured) assert_true(hi - lo >= 8);
        else assert_int_equal(hi, lo);
    }
    zt_free(c);
}

/* Sides that are odd, wide, tall and of one frame: inside the buffers (sanitizers watch), object in view. */
static void test_sizes(void **state) {
    static const int SIZE[][3] = {{1, 16, 16}, {2, 17, 31}, {5, 64, 20}, {3, 33, 33}, {16, 64, 64}};
    (void)state;
    zt_rng r = zt_rng_init(7, 0);
    for (size_t k = 0; k < sizeof SIZE / sizeof SIZE[0]; k++) {
        const int t = SIZE[k][0], h = SIZE[k][1], w = SIZE[k][2];
        const size_t n = (size_t)(t * h * w);
        uint8_t *rgb = zt_alloc(n * 3), *mask = zt_alloc(n);
        float *flow = zt_alloc(n * 2 * sizeof *flow);
        zt_move_spec s;
        zt_move_sample(&r, NULL, false, t, &s);
        zt_move_render(&s, t, h, w, rgb, mask, flow);
        for (int f = 0; f < t; f++) {
            double sum = 0;
            for (int i = 0; i < h * w; i++) sum += mask[f * h * w + i];
            assert_true(sum > 255 * 10);
        }
        zt_free(rgb);
        zt_free(mask);
        zt_free(flow);
    }
}

static void test_captions(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(8, 0);
    int size = 0, slow = 0, back = 0, plain = 0;
    zt_move_spec s, p;
    char text[ZT_CAPTION_MAX];
    for (int n = 0; n < 2000; n++) {
        zt_move_sample(&r, NULL, false, T, &s);
        zt_move_caption(&s, &r, text);
        assert_true(read_back(text, &p));
        assert_true(p.shape == s.shape && p.colour == s.colour && p.direction == s.direction);
        /* What is said is never wrong. */
        if (strstr(text, "small") || strstr(text, "big")) assert_int_equal(!!strstr(text, "small"), s.small);
        if (strstr(text, "slowly")) assert_true(s.slow);
        if (strstr(text, "background")) assert_int_equal(!!strstr(text, "textured"), s.textured);
        size += strstr(text, "small") || strstr(text, "big");
        slow += strstr(text, "slowly") != NULL;
        back += strstr(text, "textured") != NULL;
        plain += strstr(text, "plain") != NULL;
    }
    assert_true(size > 900 && size < 1100 && slow > 400 && slow < 600 && back > 190 && plain > 190);
    s = (zt_move_spec){.shape = ZT_CIRCLE, .colour = ZT_BLUE, .direction = ZT_UP, .slow = true, .small = true};
    zt_move_caption(&s, NULL, text);
    assert_string_equal(text, "a blue circle moves up");
}

static void test_parse(void **state) {
    (void)state;
    zt_move_spec s;
    assert_true(read_back("A BIG Green triangle, moves slowly DOWN over a textured background.", &s));
    assert_true(s.shape == ZT_TRIANGLE && s.colour == ZT_GREEN && s.direction == ZT_DOWN && s.slow && !s.small && s.textured);
    assert_true(read_back("a red red square moves left, left", &s));
    static const char *const BAD[] = {"", "a red square", "a reddish square moves left", "a red or blue square moves left",
                                      "a red square moves leftwards", "squares red left", "\xff\xfe red"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) assert_false(read_back(BAD[i], &s));
}

static void test_hold_out(void **state) {
    (void)state;
    bool held[ZT_TRIPLES], first[ZT_TRIPLES];
    zt_move_hold_out(0, 12, first);
    int differ = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        int shape[3] = {0}, colour[4] = {0}, direction[4] = {0}, pair[3][48] = {{0}}, n = 0;
        zt_move_hold_out(seed, 12, held);
        differ += memcmp(held, first, sizeof held) != 0;
        for (int i = 0; i < ZT_TRIPLES; i++) {
            zt_move_spec s;
            if (!held[i]) continue;
            n++;
            zt_move_set_triple(&s, i);
            assert_int_equal(zt_move_triple(&s), i);
            shape[s.shape]++;
            colour[s.colour]++;
            direction[s.direction]++;
            pair[0][s.shape * 4 + s.colour]++;
            pair[1][s.shape * 4 + s.direction]++;
            pair[2][s.colour * 4 + s.direction]++;
        }
        assert_int_equal(n, 12);
        for (int i = 0; i < 3; i++) assert_int_equal(shape[i], 4);
        for (int i = 0; i < 4; i++) assert_true(colour[i] == 3 && direction[i] == 3);
        for (int i = 0; i < 16; i++)
            assert_true(pair[0][i] < 4 && pair[1][i] < 4 && pair[2][i] < 3); /* each pair is still seen */
    }
    assert_true(differ > 40);
    for (int n = 0; n <= 30; n++) {
        int k = 0;
        zt_move_hold_out(3, n, held);
        for (int i = 0; i < ZT_TRIPLES; i++) k += held[i];
        assert_int_equal(k, n < ZT_HOLD_OUT_MAX ? n : ZT_HOLD_OUT_MAX);
    }
    zt_move_hold_out(4, 12, held);
    zt_rng r = zt_rng_init(1, 1);
    for (int i = 0; i < 500; i++) {
        zt_move_spec s;
        zt_move_sample(&r, held, i & 1, T, &s);
        assert_int_equal(held[zt_move_triple(&s)], i & 1);
    }
}

/* ---- data sets ---- */

static char folder[64];

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    /* Many small files are synced: in memory that costs nothing. */
    snprintf(folder, sizeof folder, "%s/zt-synth-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_synth_cfg config(char out[ZT_PATH_MAX], const char *name) {
    assert_int_equal(zt_path_join(out, folder, name), ZT_OK);
    return (zt_synth_cfg){.out = out,
                          .world = &zt_world_shapes,
                          .clips = 200,
                          .frames = 8,
                          .size = 16,
                          .hold_out = 12,
                          .fps = 8,
                          .val = 0.05,
                          .test = 0.1,
                          .seed = 9};
}

static void test_set(void **state) {
    (void)state;
    char out[ZT_PATH_MAX];
    zt_synth_report rep;
    zt_dataset *ds = NULL;
    bool held[ZT_TRIPLES];
    const zt_synth_cfg cfg = config(out, "a");
    if (zt_synth(&cfg, &rep) != ZT_OK) fail_msg("%s", zt_err_text());
    assert_true(rep.train == 170 && rep.val == 10 && rep.test == 20 && rep.held_out == 10 && rep.shards == 3);
    if (zt_dataset_open(&ds, out) != ZT_OK) fail_msg("%s", zt_err_text());
    zt_move_hold_out(cfg.seed, 12, held);
    static const char *const SPLIT[] = {"train", "val", "test"};
    int n_held = 0;
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < zt_dataset_count(ds, SPLIT[k]); i++) {
            zt_clip_view v;
            zt_move_spec s;
            json_t *labels;
            assert_int_equal(zt_dataset_clip(ds, SPLIT[k], i, &v), ZT_OK);
            assert_true(v.frames == 8 && v.height == 16 && v.width == 16 && v.fps == 8);
            assert_int_equal((uintptr_t)v.rgb % 64, 0);
            assert_true(read_back(v.caption, &s));
            assert_int_equal(zt_json_parse(v.labels, strlen(v.labels), v.key, &labels), ZT_OK);
            assert_string_equal(json_string_value(json_object_get(labels, "shape")), zt_move_shape_name(s.shape));
            const bool is_held = json_is_true(json_object_get(labels, "held_out"));
            assert_int_equal(is_held, held[zt_move_triple(&s)]);
            assert_true(!is_held || k == 2);
            n_held += is_held;
            json_decref(labels);
            /* Truth belongs to the splits that are scored, and to its clip: the object's colour is there. */
            const uint8_t *mask = zt_dataset_mask(ds, &v);
            const float *flow = zt_dataset_flow(ds, &v);
            assert_true((mask != NULL) == (k > 0) && (flow != NULL) == (k > 0));
            for (int p = 0; mask && p < 8 * 16 * 16; p++) {
                if (mask[p] == 255) assert_int_equal(colour_of(v.rgb + p * 3), s.colour);
                assert_true((flow[p * 2] != 0 || flow[p * 2 + 1] != 0) == (mask[p] >= 128));
            }
        }
    assert_int_equal(n_held, 10);
    zt_dataset_close(&ds);
    /* A second run into it is refused, and leaves it as it is. */
    assert_int_equal(zt_synth(&cfg, NULL), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "not empty"));
    assert_int_equal(zt_dataset_open(&ds, out), ZT_OK);
    zt_dataset_close(&ds);
}

static void test_same_bytes(void **state) {
    static const char *const NAME[] = {"train-00000.tar", "val-00000.tar", "test-00000.tar"};
    (void)state;
    char out[3][ZT_PATH_MAX], path[ZT_PATH_MAX], *bytes[3];
    size_t len[3];
    zt_synth_cfg cfg[3] = {config(out[0], "same-a"), config(out[1], "same-b"), config(out[2], "same-c")};
    cfg[2].seed++;
    for (int i = 0; i < 3; i++) assert_int_equal(zt_synth(&cfg[i], NULL), ZT_OK);
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%.4000s/shards/%s", out[i], NAME[k]);
            assert_int_equal(zt_file_read(path, 1 << 28, &bytes[i], &len[i]), ZT_OK);
        }
        assert_true(len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
        assert_true(len[0] != len[2] || memcmp(bytes[0], bytes[2], len[0]) != 0);
        for (int i = 0; i < 3; i++) zt_free(bytes[i]);
    }
}

static void refused(const zt_synth_cfg *cfg, const char *want) {
    assert_int_equal(zt_synth(cfg, NULL), ZT_ARG);
    if (!strstr(zt_err_text(), want)) print_error("got: %s\n", zt_err_text());
    assert_non_null(strstr(zt_err_text(), want));
    assert_false(zt_file_exists(cfg->out) || zt_is_dir(cfg->out));
}

static void test_bad_config(void **state) {
    (void)state;
    char out[ZT_PATH_MAX];
    const zt_synth_cfg good = config(out, "bad");
    zt_synth_cfg c = good;
    c.clips = 0;
    refused(&c, "0 clips");
    c = good;
    c.size = 15;
    refused(&c, "side 16");
    c = good;
    c.frames = 1 << 20;
    refused(&c, "frames");
    c = good;
    c.fps = NAN;
    refused(&c, "per second");
    c = good;
    c.hold_out = 25;
    refused(&c, "hold out");
    c = good;
    c.clips = 1;
    c.val = c.test = 0.5;
    refused(&c, "no training clip");
    c = good;
    c.val = -0.1;
    refused(&c, "val");
    c = good;
    c.out = "/proc/nowhere/x";
    assert_int_not_equal(zt_synth(&c, NULL), ZT_OK);
}

/* Memory that ends at any point is an error and leaves nothing behind. */
static void test_out_of_memory(void **state) {
    (void)state;
    char out[ZT_PATH_MAX];
    zt_synth_cfg cfg = config(out, "memory");
    cfg.clips = 3;
    int failed = 0;
    for (int n = 1; n < 400; n++) {
        zt_alloc_fail_at(n);
        const zt_err e = zt_synth(&cfg, NULL);
        const bool happened = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        if (!happened) {
            assert_int_equal(e, ZT_OK);
            assert_true(failed >= 10);
            return;
        }
        if (e == ZT_OK) {   /* a failure while cleaning up may be borne */
            assert_int_equal(zt_dir_remove(out), ZT_OK);
            continue;
        }
        failed++;
        assert_false(zt_is_dir(out));
    }
    fail_msg("more allocations than expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render),     cmocka_unit_test(test_background), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_captions),   cmocka_unit_test(test_parse),      cmocka_unit_test(test_hold_out),
        cmocka_unit_test(test_set),        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_bad_config),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
