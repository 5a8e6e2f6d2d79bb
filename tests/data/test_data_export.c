/* test_data_export.c - both exports of a small data set, and ingest reading them back: captions, labels, splits, licences, and
 * pixels as near as H.264 leaves them. */
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
#include "data/export.h"
#include "data/layout/layout.h"
#include "data/store.h"

enum { CLIPS = 5, FRAMES = 4, SIDE = 32 };
static char root[64], set[100];

static int make_set(const char *dir) {
    static uint8_t rgb[FRAMES * SIDE * SIDE * 3];
    zt_store *s = NULL;
    zt_log_quiet(true);
    if (zt_store_open(&s, dir, 0) != ZT_OK) return -1;
    for (int i = 0; i < CLIPS; i++) {
        char key[8], caption[40], labels[40];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(caption, sizeof caption, "caption \"%d\", \xc3\xa4", i);
        snprintf(labels, sizeof labels, "{\"n\":%d}", i);
        for (size_t p = 0; p < sizeof rgb; p++) rgb[p] = (uint8_t)(40 * i + 10 * (p / (SIDE * SIDE * 3)) + 20);
        const zt_catalog_clip k = {.key = key,
                                   .split = i < 3   ? "train"
                                            : i < 4 ? "val"
                                                    : "test",
                                   .frames = FRAMES,
                                   .height = SIDE,
                                   .width = SIDE,
                                   .fps = 8,
                                   .caption = caption,
                                   .labels = labels,
                                   .licence = i ? "CC0" : ""};
        if (zt_store_add(s, &k, rgb, NULL, 0) != ZT_OK) return -1;
    }
    const zt_err e = zt_store_flush(s, 1);
    zt_store_close(&s);
    return e == ZT_OK ? 0 : -1;
}

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "%s/zt-export-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(root)) return -1;
    snprintf(set, sizeof set, "%s/set", root);
    return make_set(set);
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(root) == ZT_OK ? 0 : -1;
}

static zt_err licence_of(void *ctx, const zt_catalog_clip *k) {
    snprintf(ctx, 20, "%s", k->licence);
    return ZT_OK;
}

/* Ingest `out` and compare every clip with the one it was. */
static void read_back(const char *out, const char *layout) {
    char again[200], licence[20];
    zt_ingest_report r;
    zt_dataset *was = NULL, *is = NULL;
    zt_catalog *c = NULL;
    snprintf(again, sizeof again, "%s.again", out);
    const zt_layout *l = zt_layout_detect(out);
    assert_non_null(l);
    assert_string_equal(l->name, layout);
    const zt_ingest_cfg cfg = {
        .out = again, .size = {{SIDE, SIDE}}, .n_size = 1, .frames = {FRAMES}, .n_frames = 1, .fps = 8, .seed = 1};
    if (zt_layout_ingest(l, out, &(zt_layout_cfg){0}, &cfg, &r) != ZT_OK) fail_msg("%s", zt_err_text());
    assert_int_equal(zt_dataset_open(&was, set), ZT_OK);
    assert_int_equal(zt_dataset_open(&is, again), ZT_OK);
    assert_int_equal(zt_catalog_open(&c, again), ZT_OK);
    assert_int_equal(zt_dataset_count(is, NULL), CLIPS);
    for (int s = 0; s < 3; s++) {
        const char *split = (const char *const[]){"train", "val", "test"}[s];
        assert_int_equal(zt_dataset_count(is, split), zt_dataset_count(was, split));
        for (int64_t i = 0; i < zt_dataset_count(is, split); i++) {
            zt_clip_view a, b;
            assert_int_equal(zt_dataset_clip(was, split, i, &a), ZT_OK);
            assert_int_equal(zt_dataset_clip(is, split, i, &b), ZT_OK);
            assert_string_equal(a.caption, b.caption);
            assert_string_equal(a.labels, b.labels);
            for (int p = 0; p < FRAMES * SIDE * SIDE * 3; p++) assert_true(abs(a.rgb[p] - b.rgb[p]) <= 6);
            assert_int_equal(zt_catalog_clip_by_id(c, b.id, licence_of, licence), ZT_OK);
            assert_string_equal(licence, strcmp(a.key, "k0") == 0 ? "" : "CC0");
        }
    }
    zt_catalog_close(&c);
    zt_dataset_close(&was);
    zt_dataset_close(&is);
}

static void test_formats(void **state) {
    static const struct {
        zt_export_format format;
        const char *name, *layout;
        int64_t files;
    } CASE[] = {{ZT_EXPORT_WEBDATASET, "wds", "webdataset", 5}, {ZT_EXPORT_FOLDER, "folder", "jsonl", 2 * CLIPS + 1}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char out[100];
        zt_export_report r;
        snprintf(out, sizeof out, "%s/%s", root, CASE[i].name);
        const zt_export_cfg cfg = {.dir = set, .out = out, .format = CASE[i].format, .shard_bytes = 1}; /* a tar per clip */
        if (zt_export(&cfg, &r) != ZT_OK) fail_msg("%s", zt_err_text());
        assert_true(r.clips == CLIPS && r.files == CASE[i].files && r.bytes > 0);
        read_back(out, CASE[i].layout);
        assert_int_equal(zt_export(&cfg, &r), ZT_ARG); /* nothing is written over */
        assert_non_null(strstr(zt_err_text(), "is not empty"));
    }
}

static void test_refuses(void **state) {
    char out[100];
    zt_export_report r;
    (void)state;
    snprintf(out, sizeof out, "%s/part", root);
    zt_export_cfg cfg = {.dir = set, .out = out, .split = "val"};
    assert_int_equal(zt_export(&cfg, &r), ZT_OK);
    assert_true(r.clips == 1 && r.files == 1);
    cfg.split = "none";
    assert_int_equal(zt_export(&cfg, &r), ZT_ARG);
    cfg = (zt_export_cfg){.dir = "/nonexistent", .out = out};
    assert_int_equal(zt_export(&cfg, &r), ZT_NOTFOUND);
    cfg = (zt_export_cfg){.dir = set, .out = ""};
    assert_int_equal(zt_export(&cfg, &r), ZT_ARG);
}

/* `test_data_export FOLDER`: the data set and its export, for tests/reference/interop_webdataset.py. */
static int write_for_python(const char *folder) {
    char dir[300], out[300];
    snprintf(dir, sizeof dir, "%s/set", folder);
    snprintf(out, sizeof out, "%s/export", folder);
    const zt_export_cfg cfg = {.dir = dir, .out = out};
    return make_set(dir) == 0 && zt_export(&cfg, NULL) == ZT_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats), cmocka_unit_test(test_refuses)};
    if (argc == 2) return write_for_python(argv[1]);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
