/* test_run_data.c - the section data of a config reaches the data: what the network sees of a pixel, and augmentation of training
 * clips alone. */
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
#include "data/store.h"
#include "train/run_data.h"

enum { FRAMES = 4, SIDE = 16 };
static char folder[64];

static int set_up(void **state) {
    static uint8_t rgb[FRAMES * SIDE * SIDE * 3];
    zt_store *s = NULL;
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-rundata-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder) || zt_store_open(&s, folder, 0) != ZT_OK) return -1;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = i % 2 ? 90 : 110;
    for (int i = 0; i < 2; i++) {
        const zt_catalog_clip k = {.key = i ? "b" : "a",
                                   .split = i ? "val" : "train",
                                   .frames = FRAMES,
                                   .height = SIDE,
                                   .width = SIDE,
                                   .fps = 8,
                                   .caption = "grey"};
        if (zt_store_add(s, &k, rgb, NULL, 0) != ZT_OK) return -1;
    }
    const zt_err e = zt_store_flush(s, 1);
    zt_store_close(&s);
    return e == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* Config of the demo on this data set with up to two more overrides, and the set opened. */
static zt_dataset *open_with(zt_train_cfg *c, const char *a, const char *b) {
    char path[100];
    zt_dataset *ds = NULL;
    snprintf(path, sizeof path, "data.path=%s", folder);
    char *const overrides[] = {path, (char *)(uintptr_t)a, (char *)(uintptr_t)b};
    if (zt_train_cfg_load(c, "configs/unet3d-shapes-32.yaml",
                          b   ? 3
                          : a ? 2
                              : 1,
                          overrides) != ZT_OK ||
        zt_run_data_open(&ds, c) != ZT_OK)
        fail_msg("%s", zt_err_text());
    return ds;
}

static double seen(const zt_net *net, double pixel) { return (pixel / 127.5 - 1 - net->mean) / net->scale; }

static void test_pixels(void **state) {
    zt_train_cfg c;
    zt_dataset *ds = open_with(&c, NULL, NULL);
    (void)state;
    assert_true(fabs(seen(&c.net, 100)) < 1e-9 && fabs(seen(&c.net, 110) - 0.5) < 1e-9); /* mean 100, deviation 10 */
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
    ds = open_with(&c, "data.pixels=signed", NULL);
    assert_true(seen(&c.net, 0) == -1 && seen(&c.net, 255) == 1);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
    ds = open_with(&c, "data.pixels=unit", NULL);
    assert_true(seen(&c.net, 0) == 0 && seen(&c.net, 255) == 1);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

/* How many of the first n batches of a split hold anything but the clip's own two values. */
static int changed(const zt_dataset *ds, const zt_train_cfg *c, const char *split, int n) {
    zt_loader *l = NULL;
    int count = 0;
    assert_int_equal(zt_run_loader(&l, ds, c, split, 1, 0), ZT_OK);
    for (int s = 0; s < n; s++) {
        zt_batch b;
        bool other = false;
        assert_int_equal(zt_loader_next(l, &b), ZT_OK);
        const int64_t bytes = c->net.frames * c->net.height * c->net.width * 3;
        for (int64_t i = 0; i < bytes; i++) other = other || (b.rgb[i] != 90 && b.rgb[i] != 110);
        count += other;
    }
    zt_loader_destroy(&l);
    return count;
}

static void test_augmentation(void **state) {
    static const char *const KEY[] = {"data.brightness=0.5", "data.contrast=0.5", "data.saturation=0.9", "data.hue=90",
                                      "data.rotate=20"};
    zt_train_cfg c;
    zt_dataset *ds = open_with(&c, NULL, NULL);
    (void)state;
    assert_int_equal(changed(ds, &c, "train", 10), 0); /* off unless asked for */
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
    for (size_t i = 0; i < sizeof KEY / sizeof *KEY; i++) {
        ds = open_with(&c, KEY[i], NULL);
        assert_true(changed(ds, &c, "train", 10) >= 8);
        assert_int_equal(changed(ds, &c, "val", 10), 0);
        zt_dataset_close(&ds);
        zt_train_cfg_finish(&c);
    }
    ds = open_with(&c, "data.height=24", "data.width=24");
    zt_loader *l = NULL;
    assert_int_equal(zt_run_loader(&l, ds, &c, "val", 1, 0), ZT_CONFIG);
    assert_non_null(strstr(zt_err_text(), "data.resize"));
    c.data.resize = 1;
    assert_int_equal(zt_run_loader(&l, ds, &c, "val", 1, 0), ZT_OK);
    zt_loader_destroy(&l);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pixels), cmocka_unit_test(test_augmentation)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
