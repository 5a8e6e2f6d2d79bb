/* test_data_faces.c - a drawn face is found and followed, over gaps too; blurring leaves nothing to find and nothing of it on the
 * disk; dropping and reporting do what they say; lines of text are told from other things. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/faces_impl.h"
#include "data/faces_set.h"
#include "data/faces_store.h"
#include "data/rights.h"
#include "data/store.h"
#include "draw_face.h"

enum { T = 8, H = 120, W = 160 };
static char folder[64], dir[128];
static uint8_t clip[T * H * W * 3], empty[T * H * W * 3];

static void ok(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static double face_x(int t) { return 40 + 4 * t; }

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-faces-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(dir, sizeof dir, "%s/set", folder);
    for (int t = 0; t < T; t++) {
        draw_background(clip + (size_t)t * H * W * 3, H, W);
        draw_background(empty + (size_t)t * H * W * 3, H, W);
        draw_face(clip + (size_t)t * H * W * 3, H, W, face_x(t), 48, 44);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_finder *finder(int every) {
    zt_finder *f = NULL;
    const zt_err e = zt_finder_create(&f, &(zt_finder_cfg){.every = every});
    if (e == ZT_NOTFOUND) {
        print_message("SKIPPED: the package opencv-data is not installed\n");
        skip();
    }
    ok(e);
    return f;
}

/* Part of the drawn face's box that the blurred areas of frame t cover. */
static double covered(const zt_tracks *t, int frame) {
    const zt_box truth = {(int)face_x(frame) - 20, 48 - 12, 40, 40, 0};
    double best = 0;
    for (int i = 0; i < t->n; i++) {
        const zt_track *k = &t->track[i];
        if (frame < k->first || frame >= k->first + k->n) continue;
        const zt_box a = zt_blur_area(k->box[frame - k->first], H, W);
        const double w = fmin(a.x + a.w, truth.x + truth.w) - fmax(a.x, truth.x),
                     h = fmin(a.y + a.h, truth.y + truth.h) - fmax(a.y, truth.y);
        best = fmax(best, w > 0 && h > 0 ? w * h / (truth.w * truth.h) : 0);
    }
    return best;
}

static void test_find_and_blur(void **state) {
    zt_tracks t = {0};
    uint8_t *copy = malloc(sizeof clip);
    int faces, texts, frames;
    (void)state;
    for (int every = 2; every <= 3; every++) {
        zt_finder *f = finder(every);
        ok(zt_finder_find(f, clip, T, H, W, 8, &t));
        for (int k = 0; k < T; k++) assert_true(covered(&t, k) > 0.95);
        zt_tracks_count(&t, T, &faces, &texts, &frames);
        assert_int_equal(faces, 1);
        assert_int_equal(texts, 0);
        assert_int_equal(frames, T);
        memcpy(copy, clip, sizeof clip);
        zt_tracks_blur(&t, copy, T, H, W);
        assert_memory_not_equal(copy, clip, sizeof clip);
        assert_memory_equal(copy, clip, 3);                   /* the corner is no face */
        zt_tracks_finish(&t);
        ok(zt_finder_find(f, copy, T, H, W, 8, &t));
        assert_int_equal(t.n, 0);                             /* nobody is there any more */
        ok(zt_finder_find(f, empty, T, H, W, 8, &t));
        assert_int_equal(t.n, 0);
        zt_tracks_finish(&t);
        zt_finder_destroy(&f);
    }
    free(copy);
}

/* What is left of a blurred area depends on 25 means alone: two faces of equal means give equal pixels. */
static void test_blur_forgets(void **state) {
    enum { N = 40 };
    uint8_t a[N * N * 3], b[N * N * 3];
    zt_box box = {10, 10, 20, 20, 1};
    zt_tracks t = {&(zt_track){.n = 1, .box = &box}, 1, 0};
    const zt_box area = zt_blur_area(box, N, N);
    (void)state;
    memset(a, 100, sizeof a);
    memset(b, 100, sizeof b);
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++)
            for (int c = 0; c < 3; c++) {
                a[(y * N + x) * 3 + c] = (x + y) % 2 ? 40 : 160;
                b[(y * N + x) * 3 + c] = (x + y) % 2 ? 160 : 40;
            }
    zt_tracks_blur(&t, a, 1, N, N);
    zt_tracks_blur(&t, b, 1, N, N);
    for (int i = 0; i < N * N * 3; i++) assert_true(abs(a[i] - b[i]) <= 12 && abs(a[i] - 100) <= 12);
    assert_int_equal(a[0], 100);
}

/* A pattern that moves 3 pixels a frame, seen in the middle frame only, is followed to both ends; a cut stops it. */
static void test_follow(void **state) {
    enum { N = 40, MIDDLE = 20, CUT = 30 };
    uint8_t *rgb = malloc((size_t)N * H * W * 3), *p = rgb;
    zt_boxes found[N] = {{0}};
    zt_tracks t = {0};
    (void)state;
    for (int k = 0; k < N; k++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++, p += 3) {
                const double u = x - 10 - 3.0 * k, v = y - 40, in = k < CUT && u >= 0 && u < 30 && v >= 0 && v < 30;
                memset(p, in ? (int)(128 + 60 * sin(0.4 * u) * cos(0.3 * v) + 40 * sin(0.15 * u * v)) : 90, 3);
            }
    ok(zt_boxes_add(&found[MIDDLE], (zt_box){10 + 3 * MIDDLE, 40, 30, 30, 99}));
    ok(zt_tracks_join(&t, found, N, 1, N, H, W, 10, false));
    zt_boxes_finish(&found[MIDDLE]);
    assert_int_equal(t.n, 1);
    const int extend = zt_tracks_extend(1, 10);
    ok(zt_tracks_follow(&t, rgb, N, H, W, 10, extend));
    assert_int_equal(t.track[0].first, 0);
    assert_int_equal(t.track[0].first + t.track[0].n, CUT + extend);
    for (int k = 0; k < CUT; k++) {
        const zt_box b = t.track[0].box[k];
        if (abs(b.x - (10 + 3 * k)) > 4 || abs(b.y - 40) > 4) fail_msg("frame %d: %d,%d; wanted %d,40", k, b.x, b.y, 10 + 3 * k);
    }
    for (int k = CUT; k < CUT + extend; k++) assert_int_equal(t.track[0].box[k].x, t.track[0].box[CUT - 1].x);
    zt_tracks_finish(&t);
    free(rgb);
}

/* Seen in frames 0, 4 and 6 of 12: the frames between lie on the line; a lone weak box counts for nothing. */
static void test_join(void **state) {
    zt_boxes found[12] = {{0}};
    zt_tracks t = {0};
    (void)state;
    ok(zt_boxes_add(&found[0], (zt_box){10, 10, 20, 20, 5}));
    ok(zt_boxes_add(&found[4], (zt_box){18, 10, 20, 20, 5}));
    ok(zt_boxes_add(&found[6], (zt_box){18, 14, 20, 20, 5}));
    ok(zt_boxes_add(&found[6], (zt_box){70, 60, 20, 20, 3}));
    ok(zt_tracks_join(&t, found, 12, 1, 12, 100, 100, 2, false));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.track[0].seen, 3);
    assert_int_equal(t.track[0].first, 0);
    assert_int_equal(t.track[0].n, 9);                        /* 0..6 and a second, two frames, more */
    assert_int_equal(t.track[0].box[2].x, 14);
    assert_int_equal(t.track[0].box[5].y, 12);
    assert_int_equal(t.track[0].box[8].y, 14);
    zt_tracks_finish(&t);
    for (int i = 0; i < 12; i++) zt_boxes_finish(&found[i]);
}

static void test_text(void **state) {
    enum { TH = 80, TW = 200 };
    static uint8_t grey[TH * TW];
    zt_boxes b = {0};
    (void)state;
    memset(grey, 200, sizeof grey);
    for (int y = 30; y < 46; y++)                             /* strokes of two pixels, like letters */
        for (int x = 40; x < 160; x++)
            if (x % 6 < 2 || ((y == 30 || y == 38) && x % 12 < 6)) grey[y * TW + x] = 30;
    ok(zt_find_text(grey, TH, TW, &b));
    assert_int_equal(b.n, 1);
    assert_true(b.box[0].x <= 42 && b.box[0].x + b.box[0].w >= 156 && b.box[0].y <= 30 && b.box[0].y + b.box[0].h >= 46);
    zt_boxes_finish(&b);
    memset(grey, 200, sizeof grey);
    for (int y = 20; y < 60; y++) memset(grey + y * TW + 60, 30, 80);   /* a block is no text */
    ok(zt_find_text(grey, TH, TW, &b));
    assert_int_equal(b.n, 0);
}

/* ---- data sets ---- */

static void make_set(void) {
    zt_store *s = NULL;
    ok(zt_dir_remove(dir));
    ok(zt_store_open(&s, dir, 0));
    for (int i = 0; i < 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        const zt_catalog_clip k = {.key = key,
                                   .frames = T,
                                   .height = H,
                                   .width = W,
                                   .fps = 8,
                                   .source = "drawn",
                                   .split = "train",
                                   .caption = "somebody"};
        ok(zt_store_add(s, &k, i == 1 ? clip : empty, NULL, 0));
    }
    ok(zt_store_flush(s, 1));
    zt_store_close(&s);
}

static void check_people(int64_t none, int64_t seen, int64_t blurred) {
    zt_catalog *c = NULL;
    int64_t n[4];
    ok(zt_catalog_open(&c, dir));
    ok(zt_rights_by_people(c, n));
    assert_int_equal(n[ZT_PEOPLE_NONE], none);
    assert_int_equal(n[ZT_PEOPLE_SEEN], seen);
    assert_int_equal(n[ZT_PEOPLE_BLURRED], blurred);
    zt_catalog_close(&c);
}

/* Whether a row of pixels of the drawn face's first frame is in any file of the data set. */
static bool face_on_disk(void) {
    char path[512], **names = NULL, *text;
    int n;
    size_t len;
    bool found = false;
    snprintf(path, sizeof path, "%s/shards", dir);
    ok(zt_dir_list(path, &names, &n));
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/shards/%s", dir, names[i]);
        ok(zt_file_read(path, 1 << 26, &text, &len));
        found = found || memmem(text, len, clip + (44 * W + 24) * 3, 32 * 3);
        zt_free(text);
    }
    zt_names_free(names, n);
    return found;
}

static void test_set(void **state) {
    zt_faces_report r;
    zt_dataset *ds = NULL;
    zt_clip_view v;
    zt_finder *f = finder(2);
    (void)state;
    make_set();
    assert_true(face_on_disk());
    ok(zt_faces_set(dir, f, ZT_FACES_REPORT, false, false, &r));
    assert_int_equal(r.clips, 3);
    assert_int_equal(r.found, 1);
    assert_int_equal(r.changed, 0);
    check_people(2, 1, 0);
    assert_true(face_on_disk());
    ok(zt_faces_set(dir, f, ZT_FACES_BLUR, false, false, &r));
    assert_int_equal(r.clips, 1);                             /* the two without faces were settled */
    assert_int_equal(r.changed, 1);
    check_people(2, 0, 1);
    assert_false(face_on_disk());
    ok(zt_faces_set(dir, f, ZT_FACES_REPORT, true, false, &r));
    assert_int_equal(r.clips, 3);
    assert_int_equal(r.found, 0);
    check_people(2, 0, 1);                                    /* still known to have been blurred */
    ok(zt_dataset_open(&ds, dir));
    assert_int_equal(zt_dataset_count(ds, "train"), 3);
    ok(zt_dataset_clip(ds, "train", 0, &v));
    assert_memory_equal(v.rgb, empty, sizeof empty);
    ok(zt_dataset_clip(ds, "train", 1, &v));
    assert_memory_not_equal(v.rgb, clip, sizeof clip);
    zt_dataset_close(&ds);
    zt_finder_destroy(&f);
}

static void test_drop(void **state) {
    zt_faces_report r;
    zt_dataset *ds = NULL;
    zt_finder *f = finder(2);
    (void)state;
    make_set();
    ok(zt_faces_set(dir, f, ZT_FACES_DROP, false, true, &r));
    assert_int_equal(r.changed, 1);
    assert_false(face_on_disk());
    ok(zt_dataset_open(&ds, dir));
    assert_int_equal(zt_dataset_count(ds, "train"), 2);
    zt_dataset_close(&ds);
    zt_finder_destroy(&f);
}

static void test_no_cascades(void **state) {
    zt_finder *f = NULL;
    (void)state;
    assert_int_equal(zt_finder_create(&f, &(zt_finder_cfg){.every = 0}), ZT_ARG);
    assert_int_equal(zt_finder_create(&f, &(zt_finder_cfg){.every = 1, .cascades = folder}), ZT_NOTFOUND);
    assert_null(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_and_blur), cmocka_unit_test(test_blur_forgets), cmocka_unit_test(test_join),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_text),          cmocka_unit_test(test_set),          cmocka_unit_test(test_drop),
        cmocka_unit_test(test_no_cascades),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
