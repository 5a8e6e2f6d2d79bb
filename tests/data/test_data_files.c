/* test_data_files.c - .npy headers, tar shards, catalogue and data set on disk: round trips, and every kind of damage gets an
 * error that names the file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/npy.h"
#include "data/shard.h"
#include "data/store.h"

static char folder[64];

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    /* Many small files are synced: in memory that costs nothing. */
    snprintf(folder, sizeof folder, "%s/zt-files-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* ---- npy ---- */

static void test_npy_round_trip(void **state) {
    static const struct { char kind; int item, n; int64_t shape[4]; size_t bytes;
    } CASE[] = {
        {'u', 1, 4, {2, 3, 5, 3}, 90}, {'f', 4, 1, {7}, 28},      {'f', 2, 2, {3, 0}, 0},
        {'i', 8, 0, {0}, 8},           {'b', 1, 3, {1, 1, 9}, 9},
    };
    (void)state;
    for (size_t k = 0; k < sizeof CASE / sizeof CASE[0]; k++) {
        uint8_t buf[ZT_NPY_HEADER_CAP + 128] = {0};
        size_t len;
        zt_npy_info info;
        assert_int_equal(zt_npy_header(buf, CASE[k].kind, CASE[k].item, CASE[k].n, CASE[k].shape, &len), ZT_OK);
        assert_int_equal(len % ZT_NPY_ALIGN, 0);
        assert_int_equal(buf[len - 1], '\n');
        assert_int_equal(zt_npy_parse(buf, len + CASE[k].bytes, "a.npy", &info), ZT_OK);
        assert_true(info.kind == CASE[k].kind && info.item_bytes == CASE[k].item && info.n == CASE[k].n && !info.fortran);
        for (int i = 0; i < info.n; i++) assert_int_equal(info.shape[i], CASE[k].shape[i]);
        assert_true(info.data_offset == len && info.data_bytes == CASE[k].bytes);
        if (CASE[k].bytes == 0) continue;
        assert_int_equal(zt_npy_parse(buf, len + CASE[k].bytes - 1, "a.npy", &info), ZT_FORMAT);   /* one byte short */
        says("a.npy");
        says("truncated");
    }
    uint8_t buf[ZT_NPY_HEADER_CAP];
    size_t len;
    assert_int_equal(zt_npy_header(buf, 'x', 1, 0, NULL, &len), ZT_ARG);
    assert_int_equal(zt_npy_header(buf, 'f', 4, 9, NULL, &len), ZT_ARG);
    assert_int_equal(zt_npy_header(buf, 'f', 4, 1, (int64_t[]){-1}, &len), ZT_ARG);
}

/* A whole file from the text of its dict; version 1, then 2. */
static zt_err parse_text(const char *dict, size_t data, int version, zt_npy_info *info) {
    const size_t start = version == 1 ? 10 : 12, n = strlen(dict);
    uint8_t *buf = zt_alloc(start + n + data);
    memcpy(buf, "\x93NUMPY", 6);
    buf[6] = (uint8_t)version;
    buf[8] = (uint8_t)(n & 255);
    buf[9] = (uint8_t)(n >> 8);
    memcpy(buf + start, dict, n);
    const zt_err e = zt_npy_parse(buf, start + n + data, "b.npy", info);
    zt_free(buf);
    return e;
}

static void test_npy_hostile(void **state) {
    static const struct { const char *dict; size_t data; zt_err want; } CASE[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, ZT_OK},
        {"{\"shape\":(2L,3L),\"fortran_order\":True,\"descr\":\"<f4\"}", 24, ZT_OK},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }", 1, ZT_OK},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 9223372036854775807), }", 0, ZT_FORMAT},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 922337203685477580), }", 0, ZT_OK},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 16), }", 64, ZT_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,), }", 64, ZT_FORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", 64, ZT_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", 64, ZT_FORMAT},
        {"{'descr': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'fortran_order': False, 'shape': (1,), }", 64, ZT_FORMAT},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 64, ZT_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 64, ZT_UNSUPPORTED},
        {"{'descr': '<f1', 'fortran_order': False, 'shape': (1,), }", 64, ZT_UNSUPPORTED},
        {"", 64, ZT_FORMAT},
    };
    (void)state;
    zt_npy_info info;
    for (size_t k = 0; k < sizeof CASE / sizeof CASE[0]; k++)
        for (int version = 1; version <= 3; version++) {
            if (parse_text(CASE[k].dict, CASE[k].data, version, &info) != CASE[k].want)
                fail_msg("case %zu: %s", k, zt_err_text());
            if (CASE[k].want != ZT_OK) says("b.npy");
        }
    assert_int_equal(parse_text(CASE[0].dict, 24, 4, &info), ZT_FORMAT);
    assert_int_equal(zt_npy_parse((const uint8_t *)"\x93NUMPY\1\0\xff\xff", 10, "b.npy", &info), ZT_FORMAT);
    assert_int_equal(zt_npy_parse((const uint8_t *)"", 0, "b.npy", &info), ZT_FORMAT);
}

/* ---- tar ---- */

static void write_shard(const char *path, size_t *offset) {
    zt_shard_writer *w = NULL;
    const uint8_t data[30] = {1, 2, 3};
    assert_int_equal(zt_shard_writer_create(&w, path), ZT_OK);
    assert_int_equal(zt_shard_add(w, "k.txt", "hello", 5), ZT_OK);
    assert_int_equal(zt_shard_add_npy(w, "k.npy", 'u', 1, 4, (int64_t[]){1, 2, 5, 3}, data, offset), ZT_OK);
    const size_t at = zt_shard_bytes(w);
    assert_int_equal(zt_shard_add(w, "gone.txt", "taken back", 10), ZT_OK);
    assert_int_equal(zt_shard_cut(w, at), ZT_OK);
    assert_int_equal(zt_shard_add(w, "last.txt", "", 0), ZT_OK);
    assert_int_equal(zt_shard_add(w, "bad name", "", 0), ZT_ARG);
    assert_false(zt_file_exists(path));   /* it appears whole */
    assert_int_equal(zt_shard_writer_finish(w, NULL), ZT_OK);
    zt_shard_writer_destroy(&w);
    assert_null(w);
}

static void test_tar(void **state) {
    static const char *const NAME[] = {"k.txt", "k.npy", "last.txt"};
    (void)state;
    char path[ZT_PATH_MAX], *bytes = NULL;
    size_t offset, len, pos = 0;
    zt_tar_member m;
    bool end;
    zt_path_join(path, folder, "a.tar");
    write_shard(path, &offset);
    assert_int_equal(offset % 64, 0);
    assert_int_equal(zt_file_read(path, 1 << 20, &bytes, &len), ZT_OK);
    const uint8_t *b = (const uint8_t *)bytes;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zt_tar_next(b, len, path, &pos, &m, &end), ZT_OK);
        assert_false(end);
        assert_string_equal(m.name, NAME[i]);
        assert_int_equal(m.type, '0');
        if (i == 0) assert_true(m.bytes == 5 && memcmp(b + m.offset, "hello", 5) == 0);
    }
    assert_int_equal(zt_tar_next(b, len, path, &pos, &m, &end), ZT_OK);
    assert_true(end);
    assert_int_equal(b[offset + 2], 3);
    assert_int_equal(zt_shard_check_end(b, len, path), ZT_OK);
    assert_int_equal(zt_shard_check_clip(b, len, path, "k", offset, (int64_t[]){1, 2, 5, 3}), ZT_OK);
    assert_int_equal(zt_shard_check_clip(b, len, path, "j", offset, (int64_t[]){1, 2, 5, 3}), ZT_FORMAT);
    says("k.npy");
    assert_int_equal(zt_shard_check_clip(b, len, path, "k", offset, (int64_t[]){1, 5, 2, 3}), ZT_FORMAT);
    assert_int_equal(zt_shard_check_clip(b, len, path, "k", offset + 512, (int64_t[]){1, 2, 5, 3}), ZT_FORMAT);
    assert_int_equal(zt_shard_check_clip(b, len, path, "k", 3, (int64_t[]){1, 2, 5, 3}), ZT_FORMAT);
    assert_int_equal(zt_shard_check_clip(b, len, path, "k", SIZE_MAX, (int64_t[]){1, 2, 5, 3}), ZT_FORMAT);
    zt_free(bytes);
}

/* Walk to the end or the first error. */
static zt_err walk(const uint8_t *b, size_t len) {
    size_t pos = 0;
    bool end = false;
    zt_err e = ZT_OK;
    for (int i = 0; i < 1000 && e == ZT_OK && !end; i++) {
        zt_tar_member m;
        e = zt_tar_next(b, len, "w.tar", &pos, &m, &end);
        assert_true(e != ZT_OK || end || (m.offset <= len && m.bytes <= len - m.offset));
    }
    return e;
}

/* Every cut is noticed, and every flipped bit of a header. */
static void test_tar_hostile(void **state) {
    (void)state;
    char path[ZT_PATH_MAX], *bytes = NULL;
    size_t offset, len;
    zt_path_join(path, folder, "b.tar");
    write_shard(path, &offset);
    assert_int_equal(zt_file_read(path, 1 << 20, &bytes, &len), ZT_OK);
    for (size_t n = 0; n < len; n += n % 512 == 511 || n % 512 < 2 ? 1 : 63) {
        uint8_t *cut = zt_alloc(n);
        memcpy(cut, bytes, n);
        assert_int_equal(walk(cut, n), ZT_FORMAT);
        says("w.tar");
        says("offset");
        zt_free(cut);
    }
    for (int bit = 0; bit < 512 * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        const zt_err e = walk((const uint8_t *)bytes, len);
        /* A flip within the checksum field may leave its number as it is. */
        if (bit / 8 < 148 || bit / 8 >= 156) assert_int_equal(e, ZT_FORMAT);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    /* A size that would wrap around, under a right checksum. */
    memcpy(bytes + 124, "777777777777", 12);
    unsigned sum = 0;
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? ' ' : (uint8_t)bytes[i];
    snprintf(bytes + 148, 8, "%06o", sum);
    assert_int_equal(walk((const uint8_t *)bytes, len), ZT_FORMAT);
    says("truncated");
    zt_free(bytes);
}

static void test_shard_errors(void **state) {
    (void)state;
    zt_shard_writer *w = NULL;
    char path[ZT_PATH_MAX];
    assert_int_equal(zt_shard_writer_create(&w, "/proc/no/such.tar"), ZT_IO);
    says("/proc/no/such.tar");
    assert_null(w);
    /* Abandoned: nothing stays. */
    zt_path_join(path, folder, "c.tar");
    assert_int_equal(zt_shard_writer_create(&w, path), ZT_OK);
    assert_int_equal(zt_shard_add(w, "x", "y", 1), ZT_OK);
    zt_shard_writer_destroy(&w);
    assert_false(zt_file_exists(path));
    zt_path_join(path, folder, "c.tar.part");
    assert_false(zt_file_exists(path));
    if (zt_file_exists("/dev/full")) {   /* a device that is always full, under the name the writer uses */
        assert_int_equal(symlink("/dev/full", path), 0);
        zt_path_join(path, folder, "c.tar");
        assert_int_equal(zt_shard_writer_create(&w, path), ZT_OK);
        assert_int_equal(zt_shard_add(w, "x", "y", 1), ZT_IO);
        says("free some space");
        zt_shard_writer_destroy(&w);
    }
}

/* ---- catalogue and data set ---- */

enum { FRAMES = 3, SIDE = 4, CLIP = FRAMES * SIDE * SIDE * 3 };

/* A data set of n clips in folder/NAME; its path into dir. */
static void make_set(const char *name, int n, char dir[ZT_PATH_MAX]) {
    zt_store *s = NULL;
    uint8_t rgb[CLIP];
    zt_path_join(dir, folder, name);
    if (zt_store_open(&s, dir, 0) != ZT_OK) fail_msg("%s", zt_err_text());
    for (int i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "%c%03d", 'a' + i % 3, i);
        memset(rgb, i, sizeof rgb);
        const zt_catalog_clip k = {.key = key, .split = i % 3 == 0 ? "train" : i % 3 == 1 ? "val" : "test", .frames = FRAMES,
                                   .height = SIDE, .width = SIDE, .fps = 8, .caption = "caf\xc3\xa9", .labels = "{\"a\":1}"};
        assert_int_equal(zt_store_add(s, &k, rgb, NULL, 0), ZT_OK);
    }
    assert_int_equal(zt_store_flush(s, 1), ZT_OK);
    zt_store_close(&s);
}

static void test_dataset(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_dataset *ds = NULL;
    zt_clip_view v;
    make_set("good", 10, dir);
    if (zt_dataset_open(&ds, dir) != ZT_OK) fail_msg("%s", zt_err_text());
    assert_true(zt_dataset_count(ds, NULL) == 10 && zt_dataset_count(ds, "train") == 4 && zt_dataset_count(ds, "val") == 3);
    assert_int_equal(zt_dataset_count(ds, "nonsense"), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(zt_dataset_clip(ds, NULL, i, &v), ZT_OK);
        assert_true(v.frames == FRAMES && v.height == SIDE && v.width == SIDE && v.fps == 8 && v.id == i + 1);
        for (int k = 0; k < CLIP; k++) assert_int_equal(v.rgb[k], i);
        assert_string_equal(v.caption, "caf\xc3\xa9");
        assert_string_equal(v.labels, "{\"a\":1}");
        assert_null(zt_dataset_mask(ds, &v));
    }
    assert_int_equal(zt_dataset_clip(ds, "val", 2, &v), ZT_OK);
    assert_int_equal(v.rgb[0], 7);
    assert_int_equal(zt_dataset_clip(ds, "val", 3, &v), ZT_ARG);
    assert_int_equal(zt_dataset_clip(ds, "val", -1, &v), ZT_ARG);
    assert_int_equal(zt_dataset_clip(ds, "nonsense", 0, &v), ZT_ARG);
    zt_dataset_close(&ds);
    assert_null(ds);
    zt_dataset_close(&ds);
}

/* What was marked and taken back is gone from shard and catalogue; a second store adds to the first; a reader sees only
 * flushed clips. */
static void test_store(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_store *s = NULL;
    zt_dataset *ds = NULL;
    uint8_t rgb[CLIP] = {9};
    make_set("store", 4, dir);
    const zt_catalog_clip k = {.key = "new", .split = "train", .frames = FRAMES, .height = SIDE, .width = SIDE, .fps = 8};
    zt_catalog_clip other = k;
    assert_int_equal(zt_store_open(&s, dir, 0), ZT_OK);
    assert_int_equal(zt_store_mark(s), ZT_OK);
    assert_int_equal(zt_store_add(s, &k, rgb, NULL, 0), ZT_OK);
    assert_int_equal(zt_store_back(s), ZT_OK);
    assert_int_equal(zt_store_mark(s), ZT_OK);
    rgb[0] = 77;
    assert_int_equal(zt_store_add(s, &k, rgb, NULL, 0), ZT_OK);
    assert_int_equal(zt_store_keep(s), ZT_OK);
    assert_int_equal(zt_store_mark(s), ZT_OK);
    other.key = "other";
    assert_int_equal(zt_store_add(s, &other, rgb, NULL, 0), ZT_OK);
    assert_int_equal(zt_store_back(s), ZT_OK);
    assert_int_equal(zt_dataset_open(&ds, dir), ZT_OK);
    assert_int_equal(zt_dataset_count(ds, NULL), 4);
    zt_dataset_close(&ds);
    assert_int_equal(zt_store_flush(s, 1), ZT_OK);
    other.key = "a.b";
    assert_int_equal(zt_store_add(s, &other, rgb, NULL, 0), ZT_ARG);
    other = k;
    other.key = "b";
    other.split = "dev";
    assert_int_equal(zt_store_add(s, &other, rgb, NULL, 0), ZT_ARG);
    other.split = "val";
    other.caption = "\xff";
    assert_int_equal(zt_store_add(s, &other, rgb, NULL, 0), ZT_ARG);
    zt_store_close(&s);
    if (zt_dataset_open(&ds, dir) != ZT_OK) fail_msg("%s", zt_err_text());
    assert_int_equal(zt_dataset_count(ds, NULL), 5);
    zt_clip_view v;
    assert_int_equal(zt_dataset_clip(ds, NULL, 4, &v), ZT_OK);
    assert_string_equal(v.key, "new");
    assert_int_equal(v.rgb[0], 77);
    zt_dataset_close(&ds);
}

static void open_fails(const char *dir, zt_err want, const char *text) {
    zt_dataset *ds = (zt_dataset *)(uintptr_t)1;
    const zt_err e = zt_dataset_open(&ds, dir);
    if (e != want) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
    assert_null(ds);
    says(text);
}

static void test_damaged_shard(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], shard[ZT_PATH_MAX + 64];
    make_set("cut", 6, dir);
    snprintf(shard, sizeof shard, "%s/shards/val-00000.tar", dir);
    const int64_t size = zt_file_size(shard);
    assert_int_equal(truncate(shard, size / 2), 0);
    open_fails(dir, ZT_FORMAT, "val-00000.tar: truncated at offset");
    says("copy the shard again");
    assert_int_equal(truncate(shard, size), 0);   /* as long as before, but the end is zeros */
    open_fails(dir, ZT_FORMAT, "val-00000.tar");
    assert_int_equal(truncate(shard, 0), 0);
    open_fails(dir, ZT_FORMAT, "val-00000.tar: truncated");
    unlink(shard);
    open_fails(dir, ZT_NOTFOUND, "val-00000.tar");
    /* A shard of another data set under this name. */
    char other[ZT_PATH_MAX], from[ZT_PATH_MAX + 64];
    make_set("twin", 7, other);
    make_set("cut2", 6, dir);
    snprintf(shard, sizeof shard, "%s/shards/val-00000.tar", dir);
    snprintf(from, sizeof from, "%s/shards/test-00000.tar", other);
    assert_int_equal(rename(from, shard), 0);
    open_fails(dir, ZT_FORMAT, "they do not belong together");
}

static void test_damaged_catalogue(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], db[ZT_PATH_MAX + 16], *bytes = NULL;
    size_t len;
    make_set("db", 40, dir);
    snprintf(db, sizeof db, "%s/catalog.db", dir);
    assert_int_equal(zt_file_read(db, 1 << 24, &bytes, &len), ZT_OK);
    assert_int_equal(zt_file_write(db, "this is no database, is it? ......................", 50), ZT_OK);
    open_fails(dir, ZT_FORMAT, "catalog.db");
    assert_int_equal(zt_file_write(db, bytes, len / 2), ZT_OK);
    open_fails(dir, ZT_FORMAT, "catalog.db: damaged");
    assert_int_equal(zt_file_write(db, bytes, 0), ZT_OK);
    open_fails(dir, ZT_FORMAT, "catalog.db");
    /* Noise anywhere: an error or a data set that can be read, never a crash. */
    zt_rng r = zt_rng_init(11, 0);
    int bad = 0;
    for (int n = 0; n < 60; n++) {
        char *noisy = zt_alloc(len);
        zt_dataset *ds = NULL;
        zt_clip_view v;
        memcpy(noisy, bytes, len);
        for (int i = 0; i < 24; i++) noisy[zt_rng_int(&r, 0, (int64_t)len - 1)] = (char)zt_rng_u32(&r);
        assert_int_equal(zt_file_write(db, noisy, len), ZT_OK);
        if (zt_dataset_open(&ds, dir) != ZT_OK) bad++;
        else
            for (int64_t i = 0; i < zt_dataset_count(ds, NULL); i++) {
                unsigned sum = 0;
                assert_int_equal(zt_dataset_clip(ds, NULL, i, &v), ZT_OK);
                for (int k = 0; k < v.frames * v.height * v.width * 3; k++) sum += v.rgb[k];
                assert_true(sum < 255u * CLIP + 1);
            }
        zt_dataset_close(&ds);
        zt_free(noisy);
    }
    assert_true(bad > 5);
    zt_free(bytes);
}

/* A catalogue that is well formed and lies. */
static void test_lying_catalogue(void **state) {
    static const struct { zt_catalog_clip row; const char *text;
    } CASE[] = {
        {{.split = "dev", .shard = "train-00000.tar", .frames = 1, .height = 1, .width = 1, .bytes = 3, .fps = 8}, "split 'dev'"},
        {{.split = "train", .shard = "../../x", .frames = 1, .height = 1, .width = 1, .bytes = 3, .fps = 8}, "does not list"},
        {{.split = "train",
          .shard = "train-00000.tar",
          .frames = 1,
          .height = 1,
          .width = 1,
          .bytes = 3,
          .fps = 8,
          .offset = 1 << 30},
         "offset 1073741824"},
        {{.split = "train", .shard = "train-00000.tar", .frames = 1, .height = 1, .width = 1, .bytes = 3, .fps = 8, .offset = -5},
         "offset -5"},
        {{.split = "train", .shard = "train-00000.tar", .frames = 16, .height = 16000, .width = 16000, .bytes = 3, .fps = 8},
         "should have"},
        {{.split = "train", .shard = "train-00000.tar", .frames = -1, .height = 1, .width = 1, .bytes = -3, .fps = 8},
         "impossible"},
        {{.split = "train", .shard = "train-00000.tar", .frames = 1, .height = 1, .width = 1, .bytes = 3, .fps = 0},
         "impossible"},
        {{.split = "train",
          .shard = "train-00000.tar",
          .frames = 1,
          .height = 1,
          .width = 1,
          .bytes = 3,
          .fps = 8,
          .caption = "\xff"},
         "UTF-8"},
        {{.split = "train",
          .shard = "train-00000.tar",
          .frames = 1,
          .height = 1,
          .width = 1,
          .bytes = 3,
          .fps = 8,
          .labels = "[]"},
         "JSON object"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        char dir[ZT_PATH_MAX], name[32];
        zt_catalog *c = NULL;
        snprintf(name, sizeof name, "lie%zu", i);
        make_set(name, 3, dir);
        assert_int_equal(zt_catalog_create(&c, dir), ZT_OK);
        zt_catalog_clip row = CASE[i].row;
        row.key = "zzz";
        row.status = "ok";
        assert_int_equal(zt_catalog_add_clip(c, &row), ZT_OK);
        zt_catalog_close(&c);
        open_fails(dir, ZT_FORMAT, CASE[i].text);
    }
    char dir[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    make_set("lie-shard", 3, dir);
    assert_int_equal(zt_catalog_create(&c, dir), ZT_OK);
    assert_int_equal(zt_catalog_add_shard(c, "../../../etc/passwd", 1), ZT_OK);
    zt_catalog_close(&c);
    open_fails(dir, ZT_FORMAT, "refused");
}

static void test_no_dataset(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    open_fails("/no/such/folder", ZT_NOTFOUND, "no such folder");
    open_fails(folder, ZT_NOTFOUND, "zoe synth");
    make_set("empty", 0, dir);
    open_fails(dir, ZT_FORMAT, "no usable clip");
    assert_int_equal(zt_catalog_create(&c, "/proc"), ZT_IO);
    assert_null(c);
}

/* A writer that is killed while its transaction is open: the reader sees what was committed before, the next writer goes on. */
static void test_killed_writer(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    make_set("killed", 4, dir);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        zt_store *s = NULL;
        uint8_t rgb[CLIP] = {0};
        if (zt_store_open(&s, dir, 0) != ZT_OK) _exit(1);
        for (int i = 0; i < 3000; i++) {   /* enough rows that SQLite writes pages before the commit */
            char key[16];
            snprintf(key, sizeof key, "z%d", i);
            const zt_catalog_clip k = {.key = key, .split = "train", .frames = FRAMES, .height = SIDE, .width = SIDE, .fps = 8};
            if (zt_store_add(s, &k, rgb, NULL, 0) != ZT_OK) _exit(1);
        }
        _exit(42);   /* as a kill: nothing is closed or flushed */
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    zt_dataset *ds = NULL;
    if (zt_dataset_open(&ds, dir) != ZT_OK) fail_msg("%s", zt_err_text());
    assert_int_equal(zt_dataset_count(ds, NULL), 4);
    zt_dataset_close(&ds);
    zt_store *s = NULL;
    assert_int_equal(zt_store_open(&s, dir, 0), ZT_OK);
    zt_store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy_round_trip),  cmocka_unit_test(test_npy_hostile),   cmocka_unit_test(test_tar),
        cmocka_unit_test(test_tar_hostile),     cmocka_unit_test(test_shard_errors),  cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_store),           cmocka_unit_test(test_damaged_shard), cmocka_unit_test(test_damaged_catalogue),
        cmocka_unit_test(test_lying_catalogue), cmocka_unit_test(test_no_dataset),    cmocka_unit_test(test_killed_writer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
