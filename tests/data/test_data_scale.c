/* test_data_scale.c - a large data set: opening it, a page of its list, its statistics, the first batches and a query each take
 * less than a second. 20000 clips by default; ZT_SCALE_CLIPS=10000000 ZT_SCALE_DIR=/somewhere makes as many (10 GB) there, keeps
 * them for the next run and measures with a cold process. Figures: docs/results/data.md. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "data/bucket.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "data/query.h"
#include "data/shard.h"

enum { PER_SHARD = 65536 };
static char folder[ZT_PATH_MAX];
static int64_t clips = 20000;
static bool keep;

/* Every fiftieth clip is in val and every fiftieth in test, in shards of their own. */
static const char *split_of(int64_t i) { return i % 50 == 7 ? "val" : i % 50 == 8 ? "test" : "train"; }

/* And every fifth is two pixels wide. */
static int width_of(int64_t i) { return i % 5 == 3 ? 2 : 1; }

static zt_err add_clip(zt_catalog *c, zt_shard_writer *w, const char *shard, int64_t i) {
    const int wide = width_of(i);
    const int64_t shape[4] = {1, 1, wide, 3};
    const uint8_t rgb[6] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16), (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
    char name[40], key[32], caption[120], source[64];
    size_t offset;
    snprintf(key, sizeof key, "clip-%08lld", (long long)i);
    snprintf(name, sizeof name, "%s.npy", key);
    snprintf(caption, sizeof caption, "a person of the %lldth street walks a brown dog past a red house in the rain",
             (long long)i);
    snprintf(source, sizeof source, "/videos/part-%03lld/%08lld.mp4", (long long)(i / 100000), (long long)(i / 10));
    zt_err e = zt_shard_add_npy(w, name, 'u', 1, 4, shape, rgb, &offset);
    const zt_catalog_clip k = {.key = key, .shard = shard, .offset = (int64_t)offset, .bytes = 3 * wide, .frames = 1, .height = 1,
                               .width = wide, .fps = 8, .caption = caption, .source = source, .source_hash = "0123456789abcdef",
                               .split = split_of(i), .status = "ok", .licence = "CC-BY-4.0"};
    return e == ZT_OK ? zt_catalog_add_clip(c, &k) : e;
}

static zt_err make(const char *dir) {
    char path[ZT_PATH_MAX], shard[32];
    zt_catalog *c = NULL;
    zt_shard_writer *w = NULL;
    zt_err e;
    ZT_TRY(e = zt_path_join(path, dir, "shards"), done);
    ZT_TRY(e = zt_dir_make(path), done);
    ZT_TRY(e = zt_catalog_create(&c, dir), done);
    for (int64_t i = 0; i < clips; i += PER_SHARD) {
        size_t bytes;
        snprintf(shard, sizeof shard, "all-%05lld.tar", (long long)(i / PER_SHARD));
        ZT_TRY(e = zt_format(path, sizeof path, "%s/shards/%s", dir, shard), done);
        ZT_TRY(e = zt_catalog_begin(c), done);
        ZT_TRY(e = zt_shard_writer_create(&w, path), done);
        for (int64_t k = i; k < i + PER_SHARD && k < clips; k++) ZT_TRY(e = add_clip(c, w, shard, k), done);
        ZT_TRY(e = zt_shard_writer_finish(w, &bytes), done);
        zt_shard_writer_destroy(&w);
        ZT_TRY(e = zt_catalog_add_shard(c, shard, (int64_t)bytes), done);
        ZT_TRY(e = zt_catalog_commit(c), done);
    }
done:
    zt_shard_writer_destroy(&w);
    zt_catalog_close(&c);
    return e;
}

static int set_up(void **state) {
    (void)state;
    const char *n = getenv("ZT_SCALE_CLIPS"), *dir = getenv("ZT_SCALE_DIR");
    char db[ZT_PATH_MAX];
    zt_log_quiet(true);
    if (n) clips = atoll(n);
    keep = dir != NULL;
    snprintf(folder, sizeof folder, "%s",
             dir                             ? dir
             : access("/dev/shm", W_OK) == 0 ? "/dev/shm/zt-scale-XXXXXX"
                                             : "/tmp/zt-scale-XXXXXX");
    if (!keep && !mkdtemp(folder)) return -1;
    if (zt_path_join(db, folder, "catalog.db") != ZT_OK) return -1;
    return zt_file_exists(db) || make(folder) == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return keep || zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static double started;
static void start(void) { started = zt_now(); }
static void stop(const char *what) {
    const double s = zt_now() - started;
    print_message("%-44s %8.1f ms\n", what, s * 1e3);
    assert_true(s < 1);
}

static zt_err count_row(void *ctx, const zt_catalog_clip *k) {
    *(int64_t *)ctx += k->caption[0] != '\0';
    return ZT_OK;
}

static zt_err sum_kind(void *ctx, const zt_catalog_count *k) {
    *(int64_t *)ctx += k->n;
    return ZT_OK;
}

static void page(zt_catalog *c, const char *where, const char *split, int64_t after, int64_t want) {
    zt_query *q = NULL;
    int64_t n = 0;
    start();
    OK(zt_query_parse(&q, where));
    OK(zt_query_also(q, "status", "ok"));
    OK(zt_query_also(q, "split", split));
    OK(zt_catalog_select(c, q, after, 1000, count_row, &n));
    zt_query_destroy(&q);
    stop(after ? "ls, a page from the middle of train" : where[0] ? "ls, a page by query" : "ls, the first page of a split");
    assert_int_equal(n, want);
}

static void test_catalogue(void **state) {
    (void)state;
    zt_catalog *c = NULL;
    int64_t n = 0;
    start();
    OK(zt_catalog_open(&c, folder));
    stop("open the catalogue");
    start();
    OK(zt_catalog_counts(c, sum_kind, &n));
    stop("stats");
    assert_int_equal(n, clips);
    page(c, "", "train", 0, 1000);
    page(c, "", "test", 0, clips / 50 < 1000 ? clips / 50 : 1000);
    page(c, "", "train", clips / 2, 1000);
    page(c, "caption ~ '77th'", "train", 0, clips / 100 < 1000 ? clips / 100 : 1000);
    zt_catalog_close(&c);
}

static void test_batches(void **state) {
    (void)state;
    zt_dataset *ds = NULL;
    zt_loader *l = NULL;
    zt_batch b;
    start();
    OK(zt_dataset_open(&ds, folder));
    stop("open the data set");
    assert_int_equal(zt_dataset_count(ds, NULL), clips);
    const zt_loader_cfg cfg = {.split = "train", .batch = 64, .frames = 1, .height = 1, .width = 1, .seed = 1, .shuffle = true,
                               .first_batch = 7};
    start();
    OK(zt_loader_create(&l, ds, &cfg));
    for (int k = 0; k < 10; k++) {
        OK(zt_loader_next(l, &b));
        if (k == 0) stop("the first shuffled batch of 64");
        for (int i = 0; i < 64; i++) {
            const int64_t at = b.rgb[i * 3] | b.rgb[i * 3 + 1] << 8 | b.rgb[i * 3 + 2] << 16;
            assert_int_equal(b.id[i], at + 1);
            assert_string_equal(split_of(at), "train");
        }
        if (k == 0) start();
    }
    started += (zt_now() - started) * 8 / 9;   /* made ahead by a thread while the others were looked at */
    stop("a further batch, mean of nine");
    zt_loader_destroy(&l);
    start();
    zt_clip_view v;
    OK(zt_dataset_clip(ds, "val", clips / 50 - 1, &v));
    stop("the last clip of val");
    zt_dataset_close(&ds);
}

static void test_buckets(void **state) {
    (void)state;
    static zt_buckets by = {.sizes = {2, {{1, 1, 1}, {1, 1, 2}}}};
    const zt_loader_bucket bucket[2] = {{0, 64, {1, 1, 1}}, {1, 32, {1, 1, 2}}};
    zt_dataset *ds = NULL;
    zt_loader *l = NULL;
    zt_batch b;
    OK(zt_dataset_open(&ds, folder));
    start();
    OK(zt_dataset_group(ds, 2, zt_bucket_of, &by));
    stop("sort the clips into two buckets");
    const int64_t narrow = zt_dataset_group_count(ds, "train", 0), wide = zt_dataset_group_count(ds, "train", 1);
    assert_true(narrow > 0 && wide > 0 && narrow + wide == zt_dataset_count(ds, "train"));
    const zt_loader_cfg cfg = {.split = "train", .bucket = bucket, .n_buckets = 2, .seed = 1, .shuffle = true, .first_batch = 7};
    start();
    OK(zt_loader_create(&l, ds, &cfg));
    for (int k = 0; k < 10; k++) {
        OK(zt_loader_next(l, &b));
        if (k == 0) stop("the first batch of a bucket");
        for (int i = 0; i < bucket[b.bucket].batch; i++) {
            const uint8_t *p = b.rgb + i * 3 * (b.bucket + 1);
            const int64_t at = p[0] | p[1] << 8 | p[2] << 16;
            assert_int_equal(b.id[i], at + 1);
            assert_int_equal(width_of(at), b.bucket + 1);
        }
    }
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_catalogue), cmocka_unit_test(test_batches),
                                       cmocka_unit_test(test_buckets)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
