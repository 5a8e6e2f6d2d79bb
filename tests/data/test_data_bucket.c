/* test_data_bucket.c - clips of several sizes: which bucket each belongs to; groups of a data set, also one that clips were left
 * out of; batches of one bucket each, every clip once an epoch, the same from any number and for any number of threads, and drawn
 * by weight in proportion. labels: threads */
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
#include "data/bucket.h"
#include "data/loader.h"
#include "data/order.h"
#include "data/store.h"
#include "says.h"

/* Clips: long ones and short ones, square and wide, mixed; every eleventh is in val. Ids are 1..CLIPS, in blocks of 1024. */
enum { CLIPS = 3000, SIZES = 4 };
static const zt_size SIZE[SIZES] = {{2, 2, 2}, {4, 2, 2}, {2, 2, 3}, {3, 5, 2}};
static char folder[64];
static zt_buckets three = {.sizes = {3, {{2, 2, 2}, {4, 2, 2}, {2, 2, 3}}}};

static int size_of(int64_t id) { return (int)(id * 7 % 10 < 5 ? 0 : id * 7 % 10 < 8 ? 1 : id % 3 ? 2 : 3); }
static const char *split_of(int64_t id) { return id % 11 ? "train" : "val"; }
/* The fourth size has no bucket: cut to the nearest, it is 2x2x2. */
static int bucket_of(int64_t id) { return size_of(id) == 3 ? 0 : size_of(id); }

static int set_up(void **state) {
    static uint8_t rgb[4 * 5 * 3 * 3];
    zt_store *s = NULL;
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-bucket-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    zt_err e = zt_store_open(&s, folder, 0);
    for (int64_t id = 1; id <= CLIPS && e == ZT_OK; id++) {
        char key[16];
        const zt_size z = SIZE[size_of(id)];
        snprintf(key, sizeof key, "k%d", (int)id);
        for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i % 3 == 0 ? id & 255 : i % 3 == 1 ? id >> 8 : size_of(id));
        const zt_catalog_clip k = {.key = key, .split = split_of(id), .frames = z.frames, .height = z.height, .width = z.width,
                                   .fps = 1, .licence = size_of(id) == 1 ? "long" : "other"};
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

/* ---- which bucket ---- */

static int nearest(const char *list, bool resize, zt_size clip) {
    zt_buckets b = {.resize = resize};
    OK(zt_sizes_parse(&b.sizes, list, "list"));
    return zt_bucket_of(&b, clip);
}

static void test_nearest(void **state) {
    (void)state;
    static const char LIST[] = "16x64x64,16x64x96,32x64x64";
    assert_int_equal(nearest(LIST, false, (zt_size){16, 64, 96}), 1); /* its own */
    assert_int_equal(nearest(LIST, false, (zt_size){16, 64, 95}), 0); /* too narrow for the second, too short for the third */
    assert_int_equal(nearest(LIST, false, (zt_size){33, 64, 64}), 2);
    assert_int_equal(nearest(LIST, false, (zt_size){40, 64, 96}), 2); /* 32 of 40 frames, two thirds of the width */
    assert_int_equal(nearest(LIST, false, (zt_size){20, 70, 100}), 1);
    assert_int_equal(nearest(LIST, false, (zt_size){15, 64, 64}), -1);
    assert_int_equal(nearest(LIST, false, (zt_size){16, 63, 64}), -1);
    assert_int_equal(nearest(LIST, true, (zt_size){16, 63, 64}), 0);
    assert_int_equal(nearest(LIST, true, (zt_size){16, 128, 192}), 1); /* half as large, the same shape */
    assert_int_equal(nearest(LIST, true, (zt_size){64, 128, 128}), 2);
    assert_int_equal(nearest(LIST, true, (zt_size){16, 4, 4000}), -1); /* too far in shape */
    assert_int_equal(nearest(LIST, true, (zt_size){15, 64, 64}), -1);
    assert_int_equal(nearest("8x64x64,8x32x32,8x128x128", true, (zt_size){8, 60, 60}), 0);
    assert_int_equal(nearest("8x64x64", true, (zt_size){-1, -1, -1}), -1); /* of a damaged catalogue */
    assert_int_equal(nearest("8x64x64", false, (zt_size){8, 0, 64}), -1);
}

/* ---- groups ---- */

static bool odd(void *ctx, int64_t id) { return (void)ctx, id % 2 == 1; }
static bool all(void *ctx, int64_t id) { return (void)ctx, id > 0; }

static zt_dataset *open_grouped(bool (*keep)(void *, int64_t)) {
    zt_dataset *ds = NULL;
    OK(zt_dataset_open(&ds, folder));
    if (keep) OK(zt_dataset_keep(ds, keep, NULL));
    OK(zt_dataset_group(ds, three.sizes.n, zt_bucket_of, &three));
    return ds;
}

/* Every group holds its clips, in order, and no other. */
static void check_groups(bool (*keep)(void *, int64_t)) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    zt_dataset *ds = open_grouped(keep);
    for (int k = 0; k < 3; k++)
        for (int g = 0; g < three.sizes.n; g++) {
            int64_t n = 0;
            for (int64_t id = 1; id <= CLIPS; id++) {
                if (strcmp(split_of(id), SPLIT[k]) != 0 || bucket_of(id) != g || (keep && !keep(NULL, id))) continue;
                zt_clip_view v;
                OK(zt_dataset_group_clip(ds, SPLIT[k], g, n++, &v, NULL));
                assert_int_equal(v.id, id);
            }
            assert_int_equal(zt_dataset_group_count(ds, SPLIT[k], g), n);
            assert_int_equal(zt_dataset_group_clip(ds, SPLIT[k], g, n, NULL, NULL), ZT_ARG);
        }
    assert_int_equal(zt_dataset_group_count(ds, "train", 3), 0);
    assert_int_equal(zt_dataset_group_count(ds, "train", -1), 0);
    assert_int_equal(zt_dataset_group_count(ds, "none", 0), 0);
    /* And the sizes there are. */
    zt_size_count *list;
    int n;
    int64_t of[SIZES] = {0};
    OK(zt_dataset_sizes(ds, "train", &list, &n));
    for (int64_t id = 1; id <= CLIPS; id++) of[size_of(id)] += strcmp(split_of(id), "train") == 0 && (!keep || keep(NULL, id));
    assert_int_equal(n, SIZES);
    for (int k = 0; k < n; k++) {
        static const int ORDER[SIZES] = {0, 2, 3, 1};
        assert_true(zt_same_size(list[k].size, SIZE[ORDER[k]]));
        assert_int_equal(list[k].clips, of[ORDER[k]]);
    }
    zt_free(list);
    OK(zt_dataset_sizes(ds, "test", &list, &n));
    assert_true(n == 0 && !list);
    zt_dataset_close(&ds);
}

static void test_groups(void **state) {
    (void)state;
    check_groups(NULL);
    check_groups(odd);
    check_groups(all);
}

/* ---- batches ---- */

static const zt_loader_bucket BUCKET[3] = {{0, 7, {2, 2, 2}}, {1, 4, {4, 2, 2}}, {2, 5, {2, 2, 3}}};

static zt_loader *loader(const zt_dataset *ds, int threads, int64_t first) {
    zt_loader *l = NULL;
    const zt_loader_cfg cfg = {.split = "train", .bucket = BUCKET, .n_buckets = 3, .seed = 5, .shuffle = true, .crop = true,
                               .threads = threads, .prefetch = 4, .first_batch = first};
    OK(zt_loader_create(&l, ds, &cfg));
    return l;
}

typedef struct made { int bucket; int64_t id[7]; uint8_t rgb[7 * 4 * 2 * 2 * 3]; } made;

static void next(zt_loader *l, made *m) {
    zt_batch b;
    OK(zt_loader_next(l, &b));
    const zt_loader_bucket *k = &BUCKET[b.bucket];
    memset(m, 0, sizeof *m);
    m->bucket = b.bucket;
    memcpy(m->id, b.id, (size_t)k->batch * sizeof *b.id);
    memcpy(m->rgb, b.rgb, (size_t)(k->batch * zt_size_pixels(k->size) * 3));
}

/* Over EPOCHS epochs every clip came EPOCHS times, or once less where it is left for the next; every batch is of one bucket. */
static void test_epochs(void **state) {
    enum { EPOCHS = 5 };
    (void)state;
    zt_dataset *ds = open_grouped(NULL);
    zt_loader *l = loader(ds, 2, 0);
    static int seen[CLIPS + 1];
    int64_t n[3], batches = 0, runs = 0, missing[3] = {0};
    int last = -1;
    memset(seen, 0, sizeof seen);
    for (int g = 0; g < 3; g++) {
        n[g] = zt_dataset_group_count(ds, "train", g);
        batches += EPOCHS * n[g] / BUCKET[g].batch;
    }
    for (int64_t k = 0; k < batches; k++) {
        made m;
        next(l, &m);
        runs += m.bucket != last;
        last = m.bucket;
        const int64_t pixels = zt_size_pixels(BUCKET[m.bucket].size);
        for (int i = 0; i < BUCKET[m.bucket].batch; i++) {
            const int64_t id = m.id[i];
            assert_int_equal(bucket_of(id), m.bucket);
            assert_string_equal(split_of(id), "train");
            for (int64_t p = 0; p < pixels; p++) {
                const uint8_t *x = m.rgb + (i * pixels + p) * 3;
                assert_true(x[0] == (id & 255) && x[1] == id >> 8 && x[2] == size_of(id));
            }
            seen[id]++;
        }
    }
    for (int64_t id = 1; id <= CLIPS; id++) {
        if (strcmp(split_of(id), "train") != 0) continue;
        assert_true(seen[id] == EPOCHS || seen[id] == EPOCHS - 1);
        missing[bucket_of(id)] += seen[id] == EPOCHS - 1;
    }
    for (int g = 0; g < 3; g++) assert_int_equal(missing[g], EPOCHS * n[g] % BUCKET[g].batch);
    assert_true(runs > batches / 3); /* buckets follow each other in no order */
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
}

/* A batch is what its number says: from any start, for any number of threads, and after clips were read in another order. */
static void test_resume(void **state) {
    enum { BATCHES = 300 };
    (void)state;
    static made whole[BATCHES];
    zt_dataset *ds = open_grouped(NULL);
    zt_loader *l = loader(ds, 1, 0);
    for (int k = 0; k < BATCHES; k++) next(l, &whole[k]);
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
    const int64_t first[] = {1, 17, 255, 299};
    for (int t = 0; t < 4; t++) {
        ds = open_grouped(NULL);
        l = loader(ds, t + 1, first[t]);
        for (int64_t k = first[t]; k < BATCHES; k++) {
            made m;
            next(l, &m);
            assert_memory_equal(&m, &whole[k], sizeof m);
        }
        zt_loader_destroy(&l);
        zt_dataset_close(&ds);
    }
    int buckets[3] = {0}, same = 0;
    for (int k = 0; k < BATCHES; k++) buckets[whole[k].bucket]++;
    for (int k = 0; k + 1 < BATCHES; k++) same += memcmp(whole[k].id, whole[k + 1].id, sizeof whole[k].id) == 0;
    assert_true(buckets[0] > 50 && buckets[1] > 50 && buckets[2] > 20 && same == 0);
}

/* One bucket of the whole split is no bucket: the same batches. */
static void test_single(void **state) {
    (void)state;
    static const zt_loader_bucket ONE = {0, 6, {2, 2, 2}};
    static zt_buckets one = {.sizes = {1, {{2, 2, 2}}}};
    zt_dataset *ds = NULL;
    zt_loader *a = NULL, *b = NULL;
    OK(zt_dataset_open(&ds, folder));
    OK(zt_dataset_group(ds, 1, zt_bucket_of, &one));
    zt_loader_cfg cfg = {.split = "train", .batch = 6, .frames = 2, .height = 2, .width = 2, .seed = 3, .shuffle = true,
                         .crop = true};
    OK(zt_loader_create(&a, ds, &cfg));
    cfg.bucket = &ONE;
    cfg.n_buckets = 1;
    OK(zt_loader_create(&b, ds, &cfg));
    for (int k = 0; k < 20; k++) {
        zt_batch x, y;
        OK(zt_loader_next(a, &x));
        OK(zt_loader_next(b, &y));
        assert_memory_equal(x.id, y.id, 6 * sizeof *x.id);
        assert_memory_equal(x.rgb, y.rgb, 6 * 2 * 2 * 2 * 3);
    }
    zt_loader_destroy(&a);
    zt_loader_destroy(&b);
    zt_dataset_close(&ds);
}

/* At any number, with buckets too large to list, batches of an epoch are a permutation and nothing overflows. */
static void test_far(void **state) {
    (void)state;
    zt_order o = {.seed = 2, .n = 3, .part = {{0, 8, 4000000001}, {1, 3, 17}, {2, 4096, 5000}}};
    zt_dataset *ds = NULL;
    OK(zt_dataset_open(&ds, folder));
    o.ds = ds;
    const int64_t far[] = {0, 1, 500000000, 123456789012, (int64_t)1 << 48};
    for (int shuffle = 0; shuffle < 2; shuffle++)
        for (size_t k = 0; k < sizeof far / sizeof *far; k++) {
            int part;
            int64_t first;
            o.shuffle = shuffle;
            OK(zt_order_batch(&o, far[k], &part, &first));
            assert_true(part >= 0 && part < 3 && first >= 0 && first % o.part[part].batch == 0);
        }
    zt_dataset_close(&ds);
    /* A small one whole: the places of each part are 0, b, 2b, ... each once, whatever the order. */
    zt_order small = {.seed = 2, .shuffle = true, .n = 2, .part = {{0, 4, 10}, {1, 3, 8}}};
    OK(zt_dataset_open(&ds, folder));
    small.ds = ds;
    int seen[2][40] = {{0}};
    for (int64_t k = 0; k < 10 + 10; k++) { /* four epochs: 40 / 4 and 32 / 3 batches */
        int part;
        int64_t first;
        OK(zt_order_batch(&small, k, &part, &first));
        seen[part][first / small.part[part].batch]++;
    }
    for (int k = 0; k < 10; k++) assert_true(seen[0][k] == 1 && seen[1][k] == 1);
    zt_dataset_close(&ds);
}

static void test_too_few(void **state) {
    (void)state;
    zt_loader_bucket few[2] = {{0, 7, {2, 2, 2}}, {2, 4096, {2, 2, 3}}};
    zt_dataset *ds = open_grouped(NULL);
    zt_loader *l = NULL;
    zt_loader_cfg cfg = {.split = "train", .bucket = few, .n_buckets = 2, .shuffle = true};
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_CONFIG);
    says("for 2x2x3, fewer than a batch of 4096");
    few[1].group = 9;
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_CONFIG);
    few[1] = (zt_loader_bucket){1, 0, {4, 2, 2}};
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_CONFIG);
    says("batch 0");
    cfg.n_buckets = ZT_SIZES_MAX + 1;
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_CONFIG);
    says("at most 16");
    cfg.n_buckets = 1;
    cfg.first_batch = INT64_MAX / 7;
    assert_int_equal(zt_loader_create(&l, ds, &cfg), ZT_CONFIG);
    says("out of range");
    zt_dataset_close(&ds);
}

/* Clips of the long bucket three times as often as others, whatever the sizes of the batches. */
static void test_weighted(void **state) {
    enum { BATCHES = 4000 };
    (void)state;
    zt_catalog *c = NULL;
    OK(zt_catalog_open_writing(&c, folder));
    OK(zt_catalog_begin(c));
    OK(zt_catalog_set_weight(c, "licence", "long", "train", 3));
    OK(zt_catalog_set_weight(c, "licence", "other", "train", 1));
    OK(zt_catalog_commit(c));
    zt_catalog_close(&c);
    zt_dataset *ds = open_grouped(NULL);
    zt_loader *l = loader(ds, 2, 0), *other = loader(ds, 1, BATCHES / 2);
    double clips[3] = {0}, sum = 0, each[3];
    for (int k = 0; k < BATCHES; k++) {
        made m, again;
        next(l, &m);
        clips[m.bucket] += BUCKET[m.bucket].batch;
        if (k < BATCHES / 2) continue;
        next(other, &again);
        assert_memory_equal(&m, &again, sizeof m);
    }
    for (int g = 0; g < 3; g++) sum += clips[g];
    for (int g = 0; g < 3; g++) each[g] = clips[g] / sum / (double)zt_dataset_group_count(ds, "train", g);
    assert_true(fabs(each[1] / each[0] - 3) < 0.25 && fabs(each[2] / each[0] - 1) < 0.15);
    zt_loader_destroy(&l);
    zt_loader_destroy(&other);
    zt_dataset_close(&ds);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest), cmocka_unit_test(test_groups),
                                       cmocka_unit_test(test_epochs),  cmocka_unit_test(test_resume),
                                       cmocka_unit_test(test_single),  cmocka_unit_test(test_far),
                                       cmocka_unit_test(test_too_few), cmocka_unit_test(test_weighted)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
