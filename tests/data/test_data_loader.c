/* test_data_loader.c - batches: each a function of its number, whatever threads and history; crops, windows, mirrored clips with
 * mirrored captions; waiting is counted. labels: threads */
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
#include "data/loader.h"
#include "data/store.h"

enum { CLIPS = 11, FRAMES = 12, HEIGHT = 10, WIDTH = 14, BYTES = FRAMES * HEIGHT * WIDTH * 3 };

static char folder[64];
static zt_dataset *set;

/* Pixel (t,y,x) of clip i says where it comes from. */
static void paint(int i, uint8_t *rgb) {
    for (int t = 0; t < FRAMES; t++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                uint8_t *p = rgb + ((t * HEIGHT + y) * WIDTH + x) * 3;
                p[0] = (uint8_t)(i * 16 + t);
                p[1] = (uint8_t)y;
                p[2] = (uint8_t)x;
            }
}

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    zt_store *s = NULL;
    static uint8_t rgb[BYTES];
    /* Many small files are synced: in memory that costs nothing. */
    snprintf(folder, sizeof folder, "%s/zt-loader-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder) || zt_store_open(&s, folder, 0) != ZT_OK) return -1;
    for (int i = 0; i < CLIPS + 1; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        const zt_catalog_clip k = {.key = key,
                                   .split = i < CLIPS ? "train" : "val",
                                   .frames = FRAMES,
                                   .height = HEIGHT,
                                   .width = WIDTH,
                                   .fps = 8,
                                   .caption = i % 2 ? "a red square moves left" : "Right, then LEFT: leftover"};
        paint(i, rgb);
        if (zt_store_add(s, &k, rgb, NULL, 0) != ZT_OK) return -1;
    }
    const zt_err e = zt_store_flush(s, 1);
    zt_store_close(&s);
    return e == ZT_OK && zt_dataset_open(&set, folder) == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    zt_dataset_close(&set);
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_loader *loader(const zt_loader_cfg *cfg) {
    zt_loader *l = NULL;
    if (zt_loader_create(&l, set, cfg) != ZT_OK) fail_msg("%s", zt_err_text());
    return l;
}

static zt_loader_cfg everything(void) {
    return (zt_loader_cfg){.split = "train",
                           .batch = 4,
                           .frames = 5,
                           .height = 7,
                           .width = 9,
                           .seed = 42,
                           .shuffle = true,
                           .crop = true,
                           .flip = true,
                           .jitter = true,
                           .stretch = 2,
                           .prefetch = 3,
                           .threads = 2};
}

/* Batch s of a run that starts at s, with another number of threads and another depth, is the s-th of a run from 0. */
static void test_purity(void **state) {
    (void)state;
    enum { N = 25, SIZE = 4 * 5 * 7 * 9 * 3 };
    static uint8_t rgb[N][SIZE];
    static char caption[N][4][64];
    int64_t id[N][4];
    zt_loader_cfg cfg = everything();
    zt_loader *l = loader(&cfg);
    zt_batch b;
    for (int s = 0; s < N; s++) {
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        assert_int_equal(b.number, s);
        memcpy(rgb[s], b.rgb, SIZE);
        memcpy(id[s], b.id, sizeof id[s]);
        for (int i = 0; i < 4; i++) snprintf(caption[s][i], 64, "%s", b.caption[i]);
    }
    zt_loader_destroy(&l);
    assert_null(l);
    for (int s = 0; s < N; s += 3) {
        cfg.first_batch = s;
        cfg.threads = 1 + s % 3;
        cfg.prefetch = 1 + s % 5;
        l = loader(&cfg);
        for (int k = s; k < s + 4 && k < N; k++) {
            assert_int_equal(zt_loader_next(l, &b), ZT_OK);
            assert_int_equal(b.number, k);
            assert_memory_equal(b.rgb, rgb[k], SIZE);
            assert_memory_equal(b.id, id[k], sizeof id[k]);
            for (int i = 0; i < 4; i++) assert_string_equal(b.caption[i], caption[k][i]);
        }
        zt_loader_destroy(&l);
    }
    /* Another seed gives other batches. */
    cfg.first_batch = 0;
    cfg.seed++;
    l = loader(&cfg);
    assert_int_equal(zt_loader_next(l, &b), ZT_OK);
    assert_true(memcmp(b.rgb, rgb[0], SIZE) != 0);
    zt_loader_destroy(&l);
}

/* Each epoch uses every clip once, in another order, across the borders of batches. */
static void test_epochs(void **state) {
    (void)state;
    int seen[3][CLIPS] = {{0}}, moved = 0;
    int64_t order[3][CLIPS];
    zt_loader_cfg cfg = {
        .split = "train", .batch = 3, .frames = FRAMES, .height = HEIGHT, .width = WIDTH, .seed = 1, .shuffle = true};
    zt_loader *l = loader(&cfg);
    for (int at = 0; at < 3 * CLIPS;) {
        zt_batch b;
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        for (int i = 0; i < 3 && at < 3 * CLIPS; i++, at++) {
            const int clip = b.rgb[(size_t)i * BYTES] / 16;
            assert_int_equal(b.id[i], clip + 1);
            seen[at / CLIPS][clip]++;
            order[at / CLIPS][at % CLIPS] = clip;
        }
    }
    zt_loader_destroy(&l);
    for (int e = 0; e < 3; e++)
        for (int i = 0; i < CLIPS; i++) {
            assert_int_equal(seen[e][i], 1);
            moved += e && order[e][i] != order[0][i];
        }
    assert_true(moved > CLIPS);
    cfg.shuffle = false;
    l = loader(&cfg);
    for (int at = 0; at < 24;) {
        zt_batch b;
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        for (int i = 0; i < 3; i++, at++) assert_int_equal(b.rgb[(size_t)i * BYTES] / 16, at % CLIPS);
    }
    zt_loader_destroy(&l);
}

/* Every pixel of a delivered clip is the right one of the source, for all windows, speeds, places and mirrors. */
static void test_cuts(void **state) {
    (void)state;
    const zt_loader_cfg cfg = everything();
    bool start[FRAMES] = {false}, span[FRAMES] = {false}, row[HEIGHT] = {false}, column[WIDTH] = {false}, mirror[2] = {false};
    zt_loader *l = loader(&cfg);
    for (int s = 0; s < 100; s++) {
        zt_batch b;
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        for (int i = 0; i < 4; i++) {
            const uint8_t *p = b.rgb + (size_t)i * 5 * 7 * 9 * 3;
            const int clip = p[0] / 16, t0 = p[0] % 16, y0 = p[1], left = p[2], dx = p[5] - p[2];
            const int last = p[4 * 7 * 9 * 3] - clip * 16;
            assert_true(dx == 1 || dx == -1);
            assert_true(left + 8 * dx >= 0 && left + 8 * dx < WIDTH && y0 + 6 < HEIGHT && last < FRAMES);
            for (int t = 0; t < 5; t++) {
                const int at = p[0] - clip * 16;   /* evenly spaced, to the nearest frame */
                assert_true(4 * (at - t0) - t * (last - t0) <= 4 && 4 * (at - t0) - t * (last - t0) >= -4);
                for (int y = 0; y < 7; y++)
                    for (int x = 0; x < 9; x++, p += 3)
                        assert_true(p[0] == clip * 16 + at && p[1] == y0 + y && p[2] == left + x * dx);
            }
            start[t0] = span[last - t0] = row[y0] = mirror[dx < 0] = true;
            column[dx > 0 ? left : left - 8] = true;
            assert_string_equal(b.caption[i], dx > 0 ? clip % 2 ? "a red square moves left" : "Right, then LEFT: leftover"
                                              : clip % 2 ? "a red square moves right" : "Left, then RIGHT: leftover");
        }
    }
    zt_loader_destroy(&l);
    for (int i = 0; i <= FRAMES - 5; i++) assert_true(start[i]);
    for (int i = 0; i <= HEIGHT - 7; i++) assert_true(row[i]);
    for (int i = 0; i <= WIDTH - 9; i++) assert_true(column[i]);
    for (int i = 0; i < FRAMES; i++) assert_true(span[i] == (i >= 2 && i <= 8));   /* half as fast to twice as fast */
    assert_true(mirror[0] && mirror[1]);
}

/* Without augmentation: the middle, in time and place, unmirrored. */
static void test_centre(void **state) {
    (void)state;
    const zt_loader_cfg cfg = {.split = "val", .batch = 2, .frames = 4, .height = 6, .width = 8};
    zt_loader *l = loader(&cfg);
    zt_batch b;
    for (int s = 0; s < 5; s++) {
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        for (int i = 0; i < 2; i++) {
            const uint8_t *p = b.rgb + (size_t)i * 4 * 6 * 8 * 3;
            assert_true(p[0] == (uint8_t)(CLIPS * 16 + 4) && p[1] == 2 && p[2] == 3 && p[5] == 4);
        }
    }
    zt_loader_destroy(&l);
}

static void test_mirror_words(void **state) {
    static const char *const PAIR[][2] = {{"a red square moves left", "a red square moves right"},
                                          {"RIGHT-hand, Left.", "LEFT-hand, Right."},
                                          {"leftmost bright upright cleft", "leftmost bright upright cleft"},
                                          {"", ""},
                                          {"left", "right"},
                                          {"\xc3\xa9left right\xc3\xa9 left", "\xc3\xa9left right\xc3\xa9 right"}};
    (void)state;
    for (size_t i = 0; i < sizeof PAIR / sizeof PAIR[0]; i++) {
        char *there, *back;
        assert_int_equal(zt_caption_mirror(PAIR[i][0], &there), ZT_OK);
        assert_string_equal(there, PAIR[i][1]);
        assert_int_equal(zt_caption_mirror(there, &back), ZT_OK);
        assert_string_equal(back, PAIR[i][0]);
        zt_free(there);
        zt_free(back);
    }
}

/* Batches larger than the machine fills at once: the first must be waited for; with time to spare there is no wait. */
static void test_wait(void **state) {
    (void)state;
    const zt_loader_cfg cfg = {
        .split = "train", .batch = 2000, .frames = FRAMES, .height = HEIGHT, .width = WIDTH, .prefetch = 4};
    zt_loader *l = NULL;
    zt_batch b;
    double first = 0;
    for (int n = 0; n < 20 && first == 0; n++) {   /* on a busy machine the batch may be ready before this thread goes on */
        zt_loader_destroy(&l);
        l = loader(&cfg);
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        first = zt_loader_wait_s(l);
    }
    assert_true(first > 0 && first < 10);
    double later = 1;
    for (int n = 1; n <= 10 && later >= 0.05; n++) {   /* a busy machine may need longer to fill the ring */
        const double before = zt_loader_wait_s(l);
        usleep((useconds_t)n * 200 * 1000);
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        later = zt_loader_wait_s(l) - before;
    }
    assert_true(later < 0.05);
    zt_loader_destroy(&l);
}

static void refused(zt_loader_cfg cfg, const char *want) {
    zt_loader *l = (zt_loader *)(uintptr_t)1;
    assert_int_equal(zt_loader_create(&l, set, &cfg), ZT_CONFIG);
    assert_null(l);
    if (!strstr(zt_err_text(), want)) print_error("got: %s\n", zt_err_text());
    assert_non_null(strstr(zt_err_text(), want));
}

static void test_bad_config(void **state) {
    (void)state;
    zt_loader_cfg c = everything();
    c.frames = FRAMES + 1;
    refused(c, "clip k0 (split train) has 12 frames of 14x10, 13 of");
    c = everything();
    c.width = 15;
    refused(c, "clip k0");
    c = everything();
    c.split = "test";
    refused(c, "'test'");
    c.split = "training and much more";
    refused(c, "is empty");
    c = everything();
    c.batch = 0;
    refused(c, "batch 0");
    c.batch = 1 << 20;
    refused(c, "batch 1048576");
    c = everything();
    c.height = -1;
    refused(c, "at least 1");
    c = everything();
    c.first_batch = INT64_MAX;
    refused(c, "out of range");
    c.first_batch = -1;
    refused(c, "first batch -1");
    c = everything();
    c.threads = 99;
    refused(c, "threads 99");
    c = everything();
    c.rotate = 46;
    refused(c, "rotate 46; 0 to 45");
    c = everything();
    c.hue = -1;
    refused(c, "hue -1");
    c = everything();
    c.stretch = 0.0 / 0.0;
    refused(c, "stretch");
    zt_loader *l = NULL;
    zt_loader_destroy(&l);
    zt_loader_destroy(NULL);
}

/* Stopping while threads are at work, at any moment. */
static void test_destroy_early(void **state) {
    (void)state;
    zt_loader_cfg cfg = everything();
    cfg.batch = 64;
    cfg.threads = 4;
    for (int n = 0; n < 20; n++) {
        zt_loader *l = loader(&cfg);
        zt_batch b;
        for (int i = 0; i < n % 4; i++) assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        zt_loader_destroy(&l);
    }
}

static void test_out_of_memory(void **state) {
    (void)state;
    const zt_loader_cfg cfg = everything();
    int failed = 0;
    for (int n = 1; n < 100; n++) {
        zt_loader *l = NULL;
        zt_batch b;
        zt_alloc_fail_at(n);
        zt_err e = zt_loader_create(&l, set, &cfg);
        for (int i = 0; i < 8 && e == ZT_OK; i++) e = zt_loader_next(l, &b);
        zt_loader_destroy(&l);
        const bool happened = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        assert_true(e == ZT_OK || e == ZT_NOMEM);
        failed += e == ZT_NOMEM;
        if (!happened) break;
    }
    assert_true(failed > 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_purity),     cmocka_unit_test(test_epochs),        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_centre),     cmocka_unit_test(test_mirror_words),  cmocka_unit_test(test_wait),
        cmocka_unit_test(test_bad_config), cmocka_unit_test(test_destroy_early), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
