/* test_buckets.c - data.buckets: which sizes become buckets, how many clips a batch of each has, what is refused before the first
 * step; steps of several sizes in one memory give the bits that they give alone. */
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
#include "data/store.h"
#include "says.h"
#include "train/buckets.h"
#include "train/run_data.h"
#include "train/step_graph.h"

static char folder[64], config[96];
static const struct { zt_size size; int train, val; } KIND[] = {
    {{8, 16, 16}, 12, 3}, {{4, 16, 16}, 6, 0}, {{8, 16, 24}, 5, 1}, {{8, 32, 32}, 2, 0}};
enum { KINDS = sizeof KIND / sizeof *KIND };

static int add(zt_store *s, const char *split, int kind, int k) {
    static uint8_t rgb[8 * 32 * 32 * 3];
    char key[32];
    const zt_size z = KIND[kind].size;
    snprintf(key, sizeof key, "%s-%d-%d", split, kind, k);
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * 7 + (size_t)k * 31);
    const zt_catalog_clip c = {.key = key, .split = split, .frames = z.frames, .height = z.height, .width = z.width, .fps = 8,
                               .caption = k % 2 ? "a cat" : "a dog"};
    return zt_store_add(s, &c, rgb, NULL, 0) == ZT_OK;
}

static int set_up(void **state) {
    static const char YAML[] = "seed: 3\nmodel: {name: vdit, dim: 32, depth: 1, heads: 2, patch: [2, 4, 4]}\n"
                               "text: {dim: 16, depth: 1, heads: 2, length: 8}\ntrain: {steps: 4, batch: 4}\n";
    zt_store *s = NULL;
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-tbucket-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder) || zt_store_open(&s, folder, 0) != ZT_OK) return -1;
    bool ok = true;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int k = 0; k < KIND[kind].train; k++) ok = ok && add(s, "train", kind, k);
        for (int k = 0; k < KIND[kind].val; k++) ok = ok && add(s, "val", kind, k);
    }
    ok = ok && zt_store_flush(s, 1) == ZT_OK;
    zt_store_close(&s);
    snprintf(config, sizeof config, "%s/config.yaml", folder);
    return ok && zt_file_write(config, YAML, sizeof YAML - 1) == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_err open_set(zt_train_cfg *c, zt_dataset **ds, int n, const char *const *more) {
    char path[100];
    char *overrides[8] = {path};
    snprintf(path, sizeof path, "data.path=%s", folder);
    for (int k = 0; k < n; k++) overrides[k + 1] = (char *)(uintptr_t)more[k];
    *ds = NULL;
    OK(zt_train_cfg_load(c, config, n + 1, overrides));
    return zt_run_data_open(ds, c, NULL);
}
#define LIST(...) (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]){__VA_ARGS__}

/* The set opened so has these buckets: "FRAMESxHEIGHTxWIDTH: CLIPS clips, batch N" each, between "; ". */
static void chosen(const char *want, int n, const char *const *more) {
    zt_train_cfg c;
    zt_dataset *ds;
    char got[1024] = "", one[128];
    OK(open_set(&c, &ds, n, more));
    int64_t clips = 0;
    for (int k = 0; k < c.buckets.n; k++) {
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", k ? "; " : "", zt_bucket_text(&c, k, one, sizeof one));
        assert_int_equal(zt_dataset_group_count(ds, "train", k), c.buckets.v[k].clips);
        clips += c.buckets.v[k].clips;
    }
    assert_string_equal(got, want);
    assert_int_equal(clips, zt_dataset_count(ds, "train"));
    assert_true(zt_same_size(c.net.sizes.v[0], (zt_size){(int)c.net.frames, (int)c.net.height, (int)c.net.width}));
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

static void refused(const char *text, int n, const char *const *more) {
    zt_train_cfg c;
    zt_dataset *ds;
    assert_int_equal(open_set(&c, &ds, n, more), ZT_CONFIG);
    says(text);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

static void test_auto(void **state) {
    (void)state;
    chosen("8x16x16: 12 clips, batch 1; 4x16x16: 6 clips, batch 1; 8x16x24: 5 clips, batch 1; 8x32x32: 2 clips, batch 1",
           LIST("data.buckets=auto", "train.batch=1"));
    /* 8x32x32 has no batch of clips: cut to the widest part of it, or (as near in both, the one with more clips) resized. */
    chosen("8x16x16: 12 clips, batch 4; 8x16x24: 7 clips, batch 4; 4x16x16: 6 clips, batch 4", LIST("data.buckets=auto"));
    chosen("8x16x16: 14 clips, batch 4; 4x16x16: 6 clips, batch 4; 8x16x24: 5 clips, batch 4",
           LIST("data.buckets=auto", "data.resize=true"));
    refused("6 clips of 4x16x16 (split train) fit no bucket (8x16x16,8x16x24): they are shorter",
            LIST("data.buckets=auto", "train.batch=7"));
    says("smaller train.batch");
    says("data.resize");
}

static void test_list(void **state) {
    (void)state;
    chosen("8x16x16: 19 clips, batch 4; 4x16x16: 6 clips, batch 4", LIST("data.buckets=4x16x16,8x16x16"));
    chosen("2x8x8: 25 clips, batch 4", LIST("data.buckets=2x8x8"));
    refused("8x32x32 has 2 of the training clips, and a batch of it has 4", LIST("data.buckets=8x16x16,4x16x16,8x32x32"));
    refused("6 clips of 4x16x16 (split train) fit no bucket", LIST("data.buckets=8x16x16"));
    refused("'auto,8x16x16' is no list of sizes", LIST("data.buckets=auto,8x16x16"));
    refused("3x16x16: model.patch=2,4,4 does not divide", LIST("data.buckets=3x16x16"));
    says("the largest within it that this model can take is 2x16x16");
    refused("exclude each other", LIST("data.buckets=auto", "data.frames=4"));
    refused("exclude each other", LIST("data.buckets=auto", "data.curriculum_frames=2"));
}

static void test_pixels(void **state) {
    (void)state;
    chosen("8x16x16: 12 clips, batch 2; 4x16x16: 6 clips, batch 4; 8x16x24: 5 clips, batch 1; 8x32x32: 2 clips, batch 1",
           LIST("data.buckets=auto", "train.batch=2", "data.bucket_batch=pixels"));
    chosen("8x16x16: 12 clips, batch 2; 4x16x16: 6 clips, batch 4; 8x16x24: 5 clips, batch 2; 8x32x32: 2 clips, batch 2",
           LIST("data.buckets=auto", "train.batch=2", "data.bucket_batch=pixels", "train.accumulate=2"));
}

/* ---- one memory ---- */

/* Parameters after a step of each bucket in turn, three times. */
static void train(zt_train_cfg *c, zt_plan_pool *pool, zt_tset *params, int64_t *arena) {
    zt_tset states = {0};
    zt_step_graph steps[3] = {{0}};
    c->pool = pool;
    *arena = 0;
    for (int k = 0; k < 3 * c->buckets.n; k++) {
        const int order[3][3] = {{2, 0, 1}, {1, 2, 0}, {0, 1, 2}}, b = order[k / 3][k % 3];   /* it grows on the way */
        const zt_train_cfg now = zt_bucket_cfg(c, b);
        zt_step_graph *s = &steps[b];
        if (!s->plan) OK(zt_step_graph_create(s, &now, now.train.batch, params, &states, false));
        zt_step_graph_fill(s);
        OK(zt_plan_run(s->plan));
        const int64_t bytes = zt_plan_get_info(s->plan)->arena_bytes;
        if (bytes > *arena) *arena = bytes;
    }
    for (int b = 0; b < 3; b++) zt_step_graph_finish(&steps[b]);
    zt_tset_finish(&states);
}

static void test_one_memory(void **state) {
    (void)state;
    zt_train_cfg c;
    zt_dataset *ds;
    OK(open_set(&c, &ds, LIST("data.buckets=auto")));
    c.net.vocab = 32;
    assert_int_equal(c.buckets.n, 3);
    zt_tset alone = {0}, together = {0};
    zt_plan_pool pool = {0};
    int64_t most;
    train(&c, NULL, &alone, &most);
    train(&c, &pool, &together, &most);
    assert_true(pool.arena_bytes == most && most > 0);
    assert_int_equal(alone.n, together.n);
    for (int k = 0; k < alone.n; k++)
        assert_memory_equal(alone.t[k].data, together.t[k].data, (size_t)zt_numel(&alone.t[k].sh) * sizeof(float));
    zt_plan_pool_finish(&pool);
    zt_tset_finish(&alone);
    zt_tset_finish(&together);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

/* Adds to the set: the last one. */
static void test_validation(void **state) {
    static const uint8_t rgb[2 * 8 * 8 * 3];
    zt_store *s = NULL;
    (void)state;
    OK(zt_store_open(&s, folder, 0));
    const zt_catalog_clip k = {.key = "short", .split = "val", .frames = 2, .height = 8, .width = 8, .fps = 8};
    OK(zt_store_add(s, &k, rgb, NULL, 0));
    OK(zt_store_flush(s, 1));
    zt_store_close(&s);
    refused("1 clips of 2x8x8 (split val) fit no bucket", LIST("data.buckets=auto"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_auto), cmocka_unit_test(test_list), cmocka_unit_test(test_pixels),
                                       cmocka_unit_test(test_one_memory), cmocka_unit_test(test_validation)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
