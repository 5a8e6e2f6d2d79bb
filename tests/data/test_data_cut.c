/* test_data_cut.c - which frames of shots become clips, for each mode: a table of shots, settings and the clips that must
 * come. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "data/ingest_impl.h"

enum { CLIPS = 32, SHOTS = 4 };

/* first:frames of each clip that was given; frame k has the one pixel k, k, k. */
typedef struct given { int64_t first[CLIPS], frames[CLIPS]; int n; } given;

static zt_err on_clip(void *ctx, const zt_ingest_clip *c) {
    given *g = ctx;
    assert_true(g->n < CLIPS);
    g->first[g->n] = c->first;
    g->frames[g->n++] = c->frames;
    for (int64_t t = 0; t < c->frames; t++)
        for (int k = 0; k < 3; k++) assert_int_equal(c->rgb[t * 3 + k], (uint8_t)(c->first + t));
    return ZT_OK;
}

/* Shots lie one behind the other with two frames in between that are in none. */
static given run(const zt_ingest_cfg *cfg, const int64_t shots[SHOTS]) {
    given g = {.n = 0};
    zt_ingest_cutter c = {.cfg = cfg, .give = on_clip, .ctx = &g, .shot = shots, .n_shots = SHOTS};
    assert_int_equal(zt_ingest_cutter_start(&c, 3), ZT_OK);
    int64_t k = 0;
    for (int i = 0; i < SHOTS; i++) {
        for (int64_t t = 0; t < shots[i]; t++, k++) {
            const uint8_t px[3] = {(uint8_t)k, (uint8_t)k, (uint8_t)k};
            assert_int_equal(zt_ingest_cutter_frame(&c, k, px), ZT_OK);
        }
        assert_int_equal(zt_ingest_cutter_end_shot(&c), ZT_OK);
        k += shots[i] > 0 ? 2 : 0;
    }
    zt_ingest_cutter_finish(&c);
    return g;
}

static void modes(void **state) {
    (void)state;
    static const struct { zt_ingest_cfg cfg; int64_t shots[SHOTS]; const char *want; } CASES[] = {
        {{.mode = ZT_MODE_CHUNK, .frames = {4}, .n_frames = 1}, {10, 3, 4, 0}, "0:4 4:4 17:4 "},
        {{.mode = ZT_MODE_CHUNK, .frames = {2, 3, 5}, .n_frames = 3}, {14, 1, 7, 5}, "0:5 5:5 10:3 19:5 24:2 28:5 "},
        {{.mode = ZT_MODE_CHUNK, .frames = {1}, .n_frames = 1}, {2, 1, 0, 0}, "0:1 1:1 4:1 "},
        {{.mode = ZT_MODE_HEAD, .frames = {4}, .n_frames = 1}, {10, 3, 4, 9}, "0:4 17:4 23:4 "},
        {{.mode = ZT_MODE_HEAD, .frames = {2, 4}, .n_frames = 2}, {10, 3, 1, 0}, "0:4 12:2 "},
        {{.mode = ZT_MODE_SLIDE, .frames = {4}, .n_frames = 1, .stride = 2}, {9, 4, 3, 0}, "0:4 2:4 4:4 11:4 "},
        {{.mode = ZT_MODE_SLIDE, .frames = {4}, .n_frames = 1}, {8, 0, 0, 0}, "0:4 2:4 4:4 "},
        {{.mode = ZT_MODE_SLIDE, .frames = {4}, .n_frames = 1, .stride = 7}, {19, 0, 0, 0}, "0:4 7:4 14:4 "},
        {{.mode = ZT_MODE_SLIDE, .frames = {2, 4}, .n_frames = 2, .stride = 4}, {3, 6, 0, 0}, "0:2 5:4 "},
        {{.mode = ZT_MODE_UNIFORM, .frames = {4}, .n_frames = 1, .per_shot = 3}, {20, 5, 3, 4}, "0:4 8:4 16:4 22:4 23:4 34:4 "},
        {{.mode = ZT_MODE_UNIFORM, .frames = {4}, .n_frames = 1, .per_shot = 1}, {10, 0, 0, 0}, "3:4 "},
        {{.mode = ZT_MODE_UNIFORM, .frames = {3, 8}, .n_frames = 2, .per_shot = 2}, {10, 5, 0, 0}, "0:8 2:8 12:3 14:3 "},
        {{.mode = ZT_MODE_FULL, .frames = {3, 8}, .n_frames = 2}, {7, 2, 8, 20}, "0:7 13:8 23:8 31:8 39:4 "},
        {{.mode = ZT_MODE_FULL, .frames = {5, 9}, .n_frames = 2, .frame_step = 4}, {8, 9, 4, 16}, "0:5 10:9 27:9 36:5 "},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const given g = run(&CASES[i].cfg, CASES[i].shots);
        char text[400] = "";
        for (int k = 0; k < g.n; k++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%lld:%lld ", (long long)g.first[k],
                     (long long)g.frames[k]);
        if (strcmp(text, CASES[i].want) != 0) fail_msg("case %zu: '%s'; wanted '%s'", i, text, CASES[i].want);
    }
}

static zt_err refuse(void *ctx, const zt_ingest_clip *c) {
    (void)ctx, (void)c;
    return ZT_IO;
}

/* What giving says is handed on. */
static void errors(void **state) {
    (void)state;
    const zt_ingest_cfg cfg = {.frames = {2, 3}, .n_frames = 2};
    zt_ingest_cutter c = {.cfg = &cfg, .give = refuse};
    assert_int_equal(zt_ingest_cutter_start(&c, 3), ZT_OK);
    for (int k = 0; k < 3; k++) assert_int_equal(zt_ingest_cutter_frame(&c, k, (const uint8_t *)"abc"), k < 2 ? ZT_OK : ZT_IO);
    for (int k = 3; k < 5; k++) assert_int_equal(zt_ingest_cutter_frame(&c, k, (const uint8_t *)"abc"), ZT_OK);
    assert_int_equal(zt_ingest_cutter_end_shot(&c), ZT_IO);
    zt_ingest_cutter_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(modes), cmocka_unit_test(errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
