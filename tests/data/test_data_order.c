/* test_data_order.c - the order of clips: every epoch a permutation, all alike in quality, and draws by weight in proportion. */
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
#include "base/log.h"
#include "base/mem.h"
#include "data/balance.h"
#include "data/loader.h"
#include "data/order.h"
#include "data/store.h"

static void test_permutation(void **state) {
    static const int64_t N[] = {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097};
    (void)state;
    for (size_t k = 0; k < sizeof N / sizeof N[0]; k++)
        for (int64_t epoch = 0; epoch < 5; epoch++) {
            uint8_t *seen = zt_alloc((size_t)N[k]);
            for (int64_t i = 0; i < N[k]; i++) {
                const int64_t x = zt_shuffled(9, epoch, N[k], i);
                assert_true(x >= 0 && x < N[k] && !seen[x]);
                assert_int_equal(x, zt_shuffled(9, epoch, N[k], i));
                seen[x] = 1;
            }
            zt_free(seen);
        }
    /* Of a set too large to list: still in range, and another seed or epoch is another order. */
    const int64_t big = 10000000000;
    int same = 0;
    for (int64_t i = 0; i < 1000; i++) {
        const int64_t x = zt_shuffled(1, 0, big, i);
        assert_true(x >= 0 && x < big);
        same += x == zt_shuffled(2, 0, big, i) || x == zt_shuffled(1, 1, big, i);
    }
    assert_int_equal(same, 0);
}

/* Each clip comes at each place equally often, and what follows it is any other: chi-square over epochs, 99.9 % points. */
static void test_uniform(void **state) {
    enum { N = 6, EPOCHS = 30000 };
    (void)state;
    int at[N][N] = {{0}}, next[N][N] = {{0}};
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (int i = 0; i < N; i++) {
            const int64_t x = zt_shuffled(3, epoch, N, i);
            at[i][x]++;
            if (i + 1 < N) next[x][zt_shuffled(3, epoch, N, i + 1)]++;
        }
    double place = 0, pair = 0;
    for (int i = 0; i < N; i++)
        for (int x = 0; x < N; x++) {
            const double want = (double)EPOCHS / N, pairs = (double)EPOCHS / N;
            place += (at[i][x] - want) * (at[i][x] - want) / want;
            if (i != x)
                pair += (next[i][x] - pairs) * (next[i][x] - pairs) / pairs;
            else
                assert_int_equal(next[i][x], 0);
        }
    assert_true(place < 52.6); /* 25 degrees of freedom */
    assert_true(pair < 59.7);  /* at most 30 */
}

static char folder[64];
enum { CLIPS = 100 };

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-order-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    zt_store *s = NULL;
    zt_err e = zt_store_open(&s, folder, 0);
    for (int i = 0; i < CLIPS && e == ZT_OK; i++) {
        char key[16];
        const uint8_t rgb[3] = {(uint8_t)i};
        snprintf(key, sizeof key, "k%d", i);
        const zt_catalog_clip k = {.key = key,
                                   .split = "train",
                                   .frames = 1,
                                   .height = 1,
                                   .width = 1,
                                   .fps = 1,
                                   .licence = i < 10   ? "rare"
                                              : i < 40 ? "some"
                                                       : "many"};
        e = zt_store_add(s, &k, rgb, NULL, 0);
    }
    if (e == ZT_OK) e = zt_store_flush(s, 1);
    zt_store_close(&s);
    return e == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static void set_weights(double rare, double some, double many) {
    zt_catalog *c = NULL;
    assert_int_equal(zt_catalog_open_writing(&c, folder), ZT_OK);
    assert_int_equal(zt_catalog_begin(c), ZT_OK);
    assert_int_equal(zt_catalog_set_weight(c, "licence", "rare", "train", rare), ZT_OK);
    assert_int_equal(zt_catalog_set_weight(c, "licence", "some", "train", some), ZT_OK);
    assert_int_equal(zt_catalog_set_weight(c, "licence", "many", "train", many), ZT_OK);
    assert_int_equal(zt_catalog_commit(c), ZT_OK);
    zt_catalog_close(&c);
}

/* Batches from `first` on by weight; how many clips of each group came. */
static void draw(int threads, int64_t first, int n, int64_t *id, int count[3]) {
    zt_dataset *ds = NULL;
    zt_loader *l = NULL;
    zt_batch b;
    assert_int_equal(zt_dataset_open(&ds, folder), ZT_OK);
    const zt_loader_cfg cfg = {.split = "train",
                               .batch = 20,
                               .frames = 1,
                               .height = 1,
                               .width = 1,
                               .seed = 4,
                               .shuffle = true,
                               .threads = threads,
                               .first_batch = first};
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_OK);
    for (int k = 0; k < n; k++) {
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        for (int i = 0; i < 20; i++) {
            id[k * 20 + i] = b.id[i];
            count[b.rgb[i * 3] < 10 ? 0 : b.rgb[i * 3] < 40 ? 1 : 2]++;
        }
    }
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
}

static void test_weighted(void **state) {
    enum { BATCHES = 1000, N = BATCHES * 20 };
    static int64_t id[N], again[N];
    (void)state;
    int count[3] = {0}, other[3] = {0}, of[CLIPS + 1] = {0};
    set_weights(5, 0, 5.0 / 6); /* half rare, half many, none of some */
    draw(1, 0, BATCHES, id, count);
    assert_int_equal(count[1], 0);
    assert_true(fabs(count[0] - N / 2.0) < 4 * sqrt(N / 4.0)); /* four standard deviations */
    for (int i = 0; i < N; i++) of[id[i]]++;
    for (int i = 1; i <= 10; i++) assert_true(fabs(of[i] - N / 20.0) < 5 * sqrt(N / 20.0));
    draw(3, 500, BATCHES / 2, again, other); /* the same batches, whoever makes them and wherever one starts */
    assert_memory_equal(again, id + N / 2, N / 2 * sizeof *id);
}

static void test_all_zero(void **state) {
    (void)state;
    zt_dataset *ds = NULL;
    zt_loader *l = NULL;
    zt_batch b;
    set_weights(0, 0, 0);
    assert_int_equal(zt_dataset_open(&ds, folder), ZT_OK);
    const zt_loader_cfg cfg = {.batch = 1, .frames = 1, .height = 1, .width = 1, .shuffle = true};
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_OK);
    assert_int_equal(zt_loader_next(l, &b), ZT_CONFIG);
    assert_non_null(strstr(zt_err_text(), "zoe data balance"));
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_permutation), cmocka_unit_test(test_uniform),
                                       cmocka_unit_test(test_weighted), cmocka_unit_test(test_all_zero)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
