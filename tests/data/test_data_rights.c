/* test_data_rights.c - licences, rights of clips, and editing shards in place: what is erased is gone from the disk, the rest is
 * unchanged. */
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
#include "data/licence.h"
#include "data/rights.h"
#include "data/shard_edit.h"
#include "data/store.h"

enum { T = 3, H = 8, W = 8, BYTES = T * H * W * 3, CLIPS = 6 };
static char folder[64], dir[128];

static void ok(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-rights-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(dir, sizeof dir, "%s/set", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* Clip i is filled with bytes 100 + i; two shards. */
static void make_set(void) {
    uint8_t rgb[BYTES], mask[T * H * W];
    zt_store *s = NULL;
    ok(zt_dir_remove(dir));
    ok(zt_store_open(&s, dir, 0));
    for (int i = 0; i < CLIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        memset(rgb, 100 + i, sizeof rgb);
        memset(mask, 7, sizeof mask);
        const zt_catalog_clip k = {.key = key, .frames = T, .height = H, .width = W, .fps = 8, .caption = "a clip", .source = "s",
                                   .split = i < 4 ? "train" : "val", .licence = i ? "CC-BY-NC-4.0" : ""};
        const zt_store_array truth = {"mask", 'u', 1, 3, {T, H, W}, mask};
        ok(zt_store_add(s, &k, rgb, &truth, i == 1));
    }
    ok(zt_store_flush(s, 1));
    zt_store_close(&s);
}

static void test_licences(void **state) {
    (void)state;
    const zt_licence *l = zt_licence_find("cc-by-nc-sa-3.0");
    assert_non_null(l);
    assert_string_equal(l->id, "CC-BY-NC-SA-3.0");
    assert_int_equal(l->commercial, ZT_ANSWER_NO);
    assert_int_equal(l->derivatives, ZT_ANSWER_YES);
    assert_int_equal(l->share_alike, ZT_ANSWER_YES);
    assert_int_equal(zt_licence_find("CC-BY-ND-4.0")->derivatives, ZT_ANSWER_NO);
    assert_int_equal(zt_licence_find("CC0-1.0")->attribution, ZT_ANSWER_NO);
    assert_null(zt_licence_find("CC-BY"));
    assert_null(zt_licence_find(""));
    assert_null(zt_licence_find(NULL));
}

static zt_err count_row(void *ctx, const zt_rights_row *r) {
    int *n = ctx;
    n[0]++;
    n[1] += strcmp(r->holder, "Anna") == 0 && strcmp(r->origin, "her phone") == 0;
    n[2] += r->people == ZT_PEOPLE_SEEN;
    n[3] += strcmp(r->licence, "CC0-1.0") == 0;
    return ZT_OK;
}

static zt_err count_licence(void *ctx, const char *id, int64_t clips) {
    int64_t *n = ctx;
    n[strcmp(id, "CC0-1.0") == 0 ? 0 : 1] += clips;
    return ZT_OK;
}

static void test_set(void **state) {
    zt_catalog *c = NULL;
    int64_t n, people[4], licences[2] = {0};
    int count[4] = {0};
    (void)state;
    make_set();
    ok(zt_catalog_create(&c, dir));
    ok(zt_rights_set(c, &(zt_clip_choice){.key = "0000000[0-2]"},
                     &(zt_rights){.licence = "CC0-1.0", .holder = "Anna", .origin = "her phone", .people = "yes"}, &n));
    assert_int_equal(n, 3);
    ok(zt_rights_set(c, &(zt_clip_choice){.split = "val"}, &(zt_rights){.people = "no"}, &n));
    assert_int_equal(n, 2);
    ok(zt_rights_set(c, &(zt_clip_choice){.key = "00000000"}, &(zt_rights){.people = ""}, &n));   /* the rest stays */
    ok(zt_rights_each(c, NULL, count_row, count));
    assert_int_equal(count[0], CLIPS);
    assert_int_equal(count[1], 3);
    assert_int_equal(count[2], 2);
    assert_int_equal(count[3], 3);
    ok(zt_rights_by_people(c, people));
    assert_int_equal(people[ZT_PEOPLE_UNKNOWN], 2);
    assert_int_equal(people[ZT_PEOPLE_NONE], 2);
    ok(zt_rights_by_licence(c, count_licence, licences));
    assert_int_equal(licences[0], 3);
    assert_int_equal(licences[1], 3);
    assert_int_equal(zt_rights_set(c, &(zt_clip_choice){0}, &(zt_rights){.people = "maybe"}, &n), ZT_ARG);
    assert_int_equal(zt_rights_set(c, &(zt_clip_choice){0}, &(zt_rights){.holder = "\xff"}, &n), ZT_ARG);
    zt_catalog_close(&c);
}

/* Whether any file of the data set holds 60 bytes of this value in a row. */
static bool on_disk(int value) {
    char path[512], **names = NULL, run[60];
    int n;
    bool found = false;
    memset(run, value, sizeof run);
    snprintf(path, sizeof path, "%s/shards", dir);
    ok(zt_dir_list(path, &names, &n));
    for (int i = 0; i < n; i++) {
        char *text;
        size_t len;
        snprintf(path, sizeof path, "%s/shards/%s", dir, names[i]);
        ok(zt_file_read(path, 1 << 24, &text, &len));
        found = found || memmem(text, len, run, sizeof run);
        zt_free(text);
    }
    zt_names_free(names, n);
    return found;
}

static zt_err look(void *ctx, zt_catalog *c, const zt_catalog_clip *k, const uint8_t *rgb, bool *change) {
    (void)c;
    ++*(int *)ctx;
    assert_int_equal(rgb[0], 100 + k->key[7] - '0');
    *change = strcmp(k->key, "00000001") == 0;
    return ZT_OK;
}

static zt_err paint(void *ctx, zt_catalog *c, const zt_catalog_clip *k, uint8_t *rgb) {
    (void)ctx, (void)c;
    memset(rgb, 200, (size_t)k->bytes);
    return ZT_OK;
}

static void test_shard_edit(void **state) {
    zt_catalog *c = NULL;
    zt_dataset *ds = NULL;
    zt_clip_view v;
    int looks = 0;
    char orphan[192];
    (void)state;
    make_set();
    ok(zt_catalog_create(&c, dir));
    ok(zt_rights_drop_clip(c, 3, "not wanted"));              /* key 00000002 */
    zt_catalog_close(&c);
    snprintf(orphan, sizeof orphan, "%s/shards/train-00007.tar", dir);
    ok(zt_file_write(orphan, "left by a kill", 14));
    ok(zt_shards_edit(dir, &(zt_shard_edit){.erase_dropped = true, .look = look, .change = paint, .ctx = &looks}));
    assert_int_equal(looks, CLIPS);
    assert_false(zt_file_exists(orphan));
    assert_false(on_disk(101));                               /* what was painted over and what was erased is gone */
    assert_false(on_disk(102));
    assert_true(on_disk(100) && on_disk(200) && on_disk(103) && on_disk(104));
    ok(zt_dataset_open(&ds, dir));
    assert_int_equal(zt_dataset_count(ds, NULL), CLIPS - 1);
    static const int WANT[] = {100, 200, 103};
    for (int i = 0; i < 3; i++) {
        ok(zt_dataset_clip(ds, "train", i, &v));
        for (int k = 0; k < BYTES; k++) assert_int_equal(v.rgb[k], WANT[i]);
        assert_string_equal(v.caption, "a clip");
        if (i == 1) assert_int_equal(zt_dataset_mask(ds, &v)[5], 7);
    }
    zt_dataset_close(&ds);
    ok(zt_shards_edit(dir, &(zt_shard_edit){.erase_dropped = true}));   /* again: nothing to do, the name stays */
    snprintf(orphan, sizeof orphan, "%s/shards/train-00000.r1.tar", dir);
    assert_true(zt_file_exists(orphan));
}

static bool even(void *ctx, int64_t id) {
    (void)ctx;
    return id % 2 == 0;
}

static void test_keep(void **state) {
    zt_dataset *ds = NULL;
    zt_clip_view v;
    (void)state;
    make_set();
    ok(zt_dataset_open(&ds, dir));
    ok(zt_dataset_keep(ds, even, NULL));
    assert_int_equal(zt_dataset_count(ds, NULL), 3);
    assert_int_equal(zt_dataset_count(ds, "train"), 2);
    assert_int_equal(zt_dataset_count(ds, "val"), 1);
    for (int i = 0; i < 2; i++) {
        ok(zt_dataset_clip(ds, "train", i, &v));
        assert_int_equal(v.id, 2 * i + 2);
        assert_int_equal(v.rgb[0], 101 + 2 * i);
    }
    ok(zt_dataset_clip(ds, "val", 0, &v));
    assert_int_equal(v.id, 6);
    zt_dataset_close(&ds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_licences),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_shard_edit),
        cmocka_unit_test(test_keep),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
