/* test_data_catalog.c - what the catalogue knows about clips: upgrade of version 1, counters, queries, edits with history,
 * scores, weights, and the check of a whole data set. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/balance.h"
#include "data/catalog.h"
#include "data/check.h"
#include "data/dataset.h"
#include "data/edit.h"
#include "data/query.h"
#include "data/scores.h"
#include "data/store.h"

static char folder[64];

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    /* Many small files are synced: in memory that costs nothing. */
    snprintf(folder, sizeof folder, "%s/zt-catalog-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* A data set of n clips of one pixel in folder/NAME: even ones have a caption; every tenth is in val. */
static void make_set(const char *name, int n, char dir[ZT_PATH_MAX]) {
    zt_store *s = NULL;
    zt_path_join(dir, folder, name);
    OK(zt_store_open(&s, dir, 0));
    for (int i = 0; i < n; i++) {
        char key[16], caption[32] = "";
        const uint8_t rgb[6] = {(uint8_t)i, (uint8_t)(i >> 8)};
        snprintf(key, sizeof key, "k%06d", i);
        if (i % 2 == 0) snprintf(caption, sizeof caption, "a dog number %d", i);
        const zt_catalog_clip k = {.key = key,
                                   .split = i % 10 == 9 ? "val" : "train",
                                   .frames = 1 + i % 2,
                                   .height = 1,
                                   .width = 1,
                                   .fps = 8,
                                   .caption = caption,
                                   .source = i % 4 ? "a.mp4" : "b.mp4",
                                   .licence = "CC0-1.0"};
        OK(zt_store_add(s, &k, rgb, NULL, 0));
    }
    OK(zt_store_flush(s, 1));
    zt_store_close(&s);
}

/* SQL that our own code would never run. */
static void run_sql(const char *dir, const char *sql) {
    char path[ZT_PATH_MAX];
    sqlite3 *db = NULL;
    zt_path_join(path, dir, "catalog.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t matching(zt_catalog *c, const char *where) {
    zt_query *q = NULL;
    int64_t n = -1;
    if (zt_query_parse(&q, where) != ZT_OK || zt_catalog_select_count(c, q, &n) != ZT_OK)
        fail_msg("%s: %s", where, zt_err_text());
    zt_query_destroy(&q);
    return n;
}

/* ---- upgrade ---- */

/* The tables of schema version 1, as they were released. */
static const char VERSION_1[] =
    "PRAGMA application_id = 1517249860; PRAGMA user_version = 1;"
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE shards (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);"
    "CREATE TABLE sources (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,"
    " status TEXT NOT NULL, reason TEXT NOT NULL, info TEXT NOT NULL);"
    "CREATE INDEX sources_hash ON sources (hash);"
    "CREATE TABLE clips (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, shard TEXT NOT NULL, offset INTEGER NOT"
    " NULL, bytes INTEGER NOT NULL, frames INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL, fps REAL NOT NULL,"
    " caption TEXT NOT NULL, source TEXT NOT NULL, source_hash TEXT NOT NULL, start_s REAL NOT NULL, split TEXT NOT NULL,"
    " status TEXT NOT NULL, reason TEXT NOT NULL, labels TEXT NOT NULL, licence TEXT NOT NULL);"
    "CREATE INDEX clips_source ON clips (source);";

/* Replace the catalogue of `dir` by one of version 1 with the same rows. */
static void downgrade(const char *dir) {
    char path[ZT_PATH_MAX], old[ZT_PATH_MAX], attach[2 * ZT_PATH_MAX];
    zt_path_join(path, dir, "catalog.db");
    zt_path_join(old, dir, "new.db");
    assert_int_equal(rename(path, old), 0);
    run_sql(dir, VERSION_1);
    snprintf(attach, sizeof attach,
             "ATTACH '%s' AS new; INSERT INTO clips SELECT * FROM new.clips; INSERT INTO shards SELECT * FROM new.shards;", old);
    run_sql(dir, attach);
    assert_int_equal(unlink(old), 0);
}

static int any_size(const void *ctx, zt_size size) { return (void)ctx, (void)size, 0; }

static void test_upgrade(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX];
    zt_dataset *ds = NULL;
    zt_catalog *c = NULL;
    zt_clip_view v;
    make_set("one", 30, dir);
    downgrade(dir);
    run_sql(dir, "UPDATE clips SET status = 'dropped', reason = 'test' WHERE id IN (3, 4)");
    OK(zt_dataset_open(&ds, dir));
    assert_true(zt_dataset_count(ds, NULL) == 28 && zt_dataset_count(ds, "val") == 3);
    OK(zt_dataset_clip(ds, "train", 2, &v));
    assert_int_equal(v.id, 5);
    zt_dataset_close(&ds);
    OK(zt_catalog_open_writing(&c, dir)); /* and everything of version 2 is there */
    OK(zt_catalog_check(c));
    assert_int_equal(matching(c, "tag.x = y or motion > 0 or weight > 1"), 0);
    zt_catalog_close(&c);
    /* Of version 2, which did not count sizes: the next that opens it counts them. */
    run_sql(dir, "DROP TRIGGER clip_size_added; DROP TRIGGER clip_size_changed; DROP TRIGGER clip_size_removed;"
                 "DROP TABLE clip_sizes; PRAGMA user_version = 2; UPDATE clips SET status = 'ok' WHERE id = 3");
    OK(zt_dataset_open(&ds, dir));
    OK(zt_dataset_group(ds, 1, any_size, NULL));
    assert_true(zt_dataset_group_count(ds, "train", 0) == 26 && zt_dataset_count(ds, "train") == 26);
    zt_dataset_close(&ds);
    OK(zt_catalog_open(&c, dir));
    OK(zt_catalog_check(c));
    zt_catalog_close(&c);
    run_sql(dir, "UPDATE clip_sizes SET n = n + 1 WHERE split = 'train'");
    OK(zt_catalog_open(&c, dir));
    assert_int_equal(zt_catalog_check(c), ZT_FORMAT);
    says("counters");
    zt_catalog_close(&c);
    run_sql(dir, "UPDATE clip_sizes SET n = 5000 WHERE split = 'train'");
    OK(zt_dataset_open(&ds, dir));
    assert_int_equal(zt_dataset_group(ds, 1, any_size, NULL), ZT_FORMAT);
    says("zoe data check");
    zt_dataset_close(&ds);
    /* One that cannot be written stays as it is and is an error. */
    make_set("two", 3, dir);
    downgrade(dir);
    zt_path_join(path, dir, "catalog.db");
    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0444), 0);
        assert_int_equal(zt_catalog_open(&c, dir), ZT_IO);
        assert_int_equal(chmod(path, 0644), 0);
    }
    /* Of a version to come: refused, and told so. */
    run_sql(dir, "PRAGMA user_version = 9");
    assert_int_equal(zt_catalog_open(&c, dir), ZT_FORMAT);
    says("schema version 9");
    assert_int_equal(zt_catalog_create(&c, dir), ZT_FORMAT);
}

/* ---- counters ---- */

static zt_err sum_counts(void *ctx, const zt_catalog_count *k) {
    int64_t *n = ctx;
    n[strcmp(k->status, "ok") != 0] += k->n;
    n[2] += k->captioned ? k->n : 0;
    return ZT_OK;
}

static void test_counters(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    make_set("counters", 2500, dir);
    OK(zt_catalog_open_writing(&c, dir));
    zt_rng r = zt_rng_init(1, 1);
    for (int n = 0; n < 12; n++) {
        zt_edit *e = NULL;
        OK(zt_edit_begin(&e, c, "test", "user"));
        for (int i = 0; i < 100; i++) {
            const int64_t id = zt_rng_int(&r, 1, 2500);
            OK(n % 2 ? zt_edit_restore(e, id) : zt_edit_drop(e, id, "why not"));
            if (i % 10 == 0) OK(zt_edit_set(e, id, "caption", i % 20 ? "" : "new"));
        }
        OK(zt_edit_commit(&e));
        OK(zt_catalog_check(c));
        int64_t count[3] = {0};
        OK(zt_catalog_counts(c, sum_counts, count));
        assert_int_equal(count[0] + count[1], 2500);
        assert_int_equal(count[1], matching(c, "status = dropped"));
        assert_int_equal(count[2], matching(c, "caption != ''"));
    }
    zt_catalog_close(&c);
    /* Every rank leads to the clip that walking would find. */
    zt_dataset *ds = NULL;
    OK(zt_dataset_open(&ds, dir));
    const int64_t n = zt_dataset_count(ds, "train");
    int64_t last = 0;
    assert_true(n > 1000 && n + zt_dataset_count(ds, "val") == zt_dataset_count(ds, NULL));
    for (int64_t i = 0; i < n; i++) {
        zt_clip_view v;
        OK(zt_dataset_clip(ds, "train", i, &v));
        assert_true(v.id > last && (v.id - 1) % 10 != 9);
        assert_int_equal(v.rgb[0] | v.rgb[1] << 8, v.id - 1);
        last = v.id;
    }
    zt_dataset_close(&ds);
    run_sql(dir, "UPDATE clip_blocks SET n = n - 1 WHERE block = 1 AND split = 'train'");
    OK(zt_catalog_open(&c, dir));
    assert_int_equal(zt_catalog_check(c), ZT_FORMAT);
    says("counters");
    zt_catalog_close(&c);
    assert_int_equal(zt_dataset_open(&ds, dir), ZT_FORMAT);
    says("zoe data check");
    run_sql(dir, "UPDATE clip_blocks SET n = 1 << 40 WHERE block = 1 AND split = 'train'");
    assert_int_equal(zt_dataset_open(&ds, dir), ZT_FORMAT);
}

/* ---- more clips than are looked at when a set is opened ---- */

static void test_large(void **state) {
    enum { N = 4200 };
    (void)state;
    char dir[ZT_PATH_MAX], shard[ZT_PATH_MAX];
    zt_dataset *ds = NULL, *other = NULL;
    zt_clip_view v;
    make_set("large", N, dir);
    OK(zt_dataset_open(&ds, dir));
    OK(zt_dataset_clip(ds, NULL, N - 1, &v));
    assert_int_equal(v.rgb[0] | v.rgb[1] << 8, N - 1);
    /* Someone drops a clip: what was read before stays, a block not yet read is an error that says why. */
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_edit_begin(&e, c, "test", "user"));
    OK(zt_edit_drop(e, 1500, "why not"));
    OK(zt_edit_drop(e, N, "why not"));
    OK(zt_edit_set(e, N - 1, "caption", "new words"));
    OK(zt_edit_commit(&e));
    OK(zt_dataset_clip(ds, NULL, N - 1, &v));
    OK(zt_dataset_clip(ds, NULL, N - 2, &v));
    assert_string_equal(v.caption, "new words");
    assert_int_equal(zt_dataset_clip(ds, NULL, 1500, &v), ZT_FORMAT);
    says("dropped, restored or added");
    OK(zt_dataset_open(&other, dir));
    assert_int_equal(zt_dataset_count(other, NULL), N - 2);
    OK(zt_dataset_clip(other, NULL, 1499, &v));
    assert_int_equal(v.id, 1501);
    zt_dataset_close(&other);
    zt_dataset_close(&ds);
    zt_catalog_close(&c);
    /* Damage is found when the clip is first asked for, and by the check. */
    snprintf(shard, sizeof shard, "%.4000s/shards/val-00000.tar", dir);
    const int fd = open(shard, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, "z", 1, 0) == 1);
    close(fd);
    run_sql(dir, "UPDATE clips SET width = 7 WHERE id = 2001");
    OK(zt_dataset_open(&ds, dir));
    OK(zt_dataset_clip(ds, "train", 0, &v));
    assert_int_equal(zt_dataset_clip(ds, "val", 0, &v), ZT_FORMAT);
    says("val-00000.tar");
    OK(zt_dataset_clip(ds, "val", 1, &v));
    assert_int_equal(zt_dataset_by_id(ds, 2001, &v), ZT_FORMAT);
    says("should have");
    zt_dataset_close(&ds);
}

static void tell(void *ctx, const char *text) {
    char *all = ctx;
    const size_t n = strlen(all);
    snprintf(all + n, 2000 - n, "%s\n", text);
}

static void test_check(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], shard[ZT_PATH_MAX], text[2000] = "";
    zt_check k = {.fault = tell, .ctx = text};
    make_set("check", 40, dir);
    run_sql(dir, "UPDATE clips SET status = 'dropped' WHERE id = 7");
    OK(zt_dataset_check(&k, dir, 1));
    assert_true(k.faults == 0 && k.clips == 39 && k.dropped == 1 && k.shards == 2 && k.hashed == 2);
    /* One bit of one pixel. */
    snprintf(shard, sizeof shard, "%.4000s/shards/train-00000.tar", dir);
    zt_dataset *ds = NULL;
    zt_clip_view v;
    OK(zt_dataset_open(&ds, dir));
    OK(zt_dataset_clip(ds, "train", 3, &v));
    char *bytes;
    size_t len, at;
    OK(zt_file_read(shard, 1 << 24, &bytes, &len));
    for (at = 0; at + 16 < len && memcmp(bytes + at, "k000003.npy", 11) != 0; at++) {}
    bytes[at + 512 + 128] ^= 1;
    OK(zt_file_write(shard, bytes, len));
    zt_free(bytes);
    zt_dataset_close(&ds);
    OK(zt_dataset_check(&k, dir, 0));
    assert_true(k.faults == 1 && k.hashed == 1 && strstr(text, "train-00000.tar: its content has changed"));
    /* A row that lies, a shard that is gone, counters that are wrong: each told once. */
    text[0] = '\0';
    make_set("check2", 40, dir);
    run_sql(dir, "UPDATE clips SET offset = offset + 512 WHERE id = 1; UPDATE clip_kinds SET n = n + 1 WHERE split = 'val'");
    snprintf(shard, sizeof shard, "%.4000s/shards/val-00000.tar", dir);
    assert_int_equal(unlink(shard), 0);
    OK(zt_dataset_check(&k, dir, 0));
    if (k.faults != 3) fail_msg("%lld faults: %s", (long long)k.faults, text);
    assert_true(strstr(text, "counters") && strstr(text, "val-00000.tar: this shard is missing") &&
                strstr(text, "train-00000.tar"));
    assert_int_equal(zt_dataset_check(&k, "/no/such/folder", 0), ZT_NOTFOUND);
}

/* ---- queries ---- */

static void add_facts(zt_catalog *c) {
    zt_edit *e = NULL;
    OK(zt_catalog_begin(c));
    for (int i = 1; i <= 50; i++) {
        const zt_scores s = {.v = {[ZT_SCORE_motion] = i / 100.0, [ZT_SCORE_black] = i == 7}, .hash = {(uint64_t)i, 2, 3}};
        OK(zt_catalog_put_scores(c, i, &s));
    }
    OK(zt_catalog_commit(c));
    OK(zt_edit_begin(&e, c, "test", "user"));
    for (int i = 1; i <= 20; i++) OK(zt_edit_set(e, i, "tag.lighting", i <= 5 ? "dark" : "bright"));
    OK(zt_edit_commit(&e));
}

static void test_query(void **state) {
    static const struct {
        const char *where;
        int want;
    } CASE[] = {
        {"", 100},
        {"  ", 100},
        {"id=7", 1},
        {"id<=7 and id>5", 2},
        {"split = train", 90},
        {"split != train", 10},
        {"SPLIT = train", -1},
        {"motion<0.1", 9},
        {"motion < .1 or black = 1", 9},
        {"motion<0.1 and not black=1", 8},
        {"not motion<0.1", 91},
        {"motion != 0.5", 99},
        {"tag.lighting=dark", 5},
        {"tag.lighting!=dark", 95},
        {"tag.lighting ~ R", 20},
        {"tag.lighting=dark or tag.lighting=bright and id=9", 6},
        {"(tag.lighting=dark or tag.lighting=bright) and id=9", 1},
        {"caption ~ 'DOG'", 50},
        {"caption = \"a dog number 4\"", 1},
        {"caption = ''", 50},
        {"source = a.mp4", 75},
        {"key = 'x'' or 1=1 --'", 0},
        {"key = \"k000001' or '1'='1\"", 0},
        {"tag.x' = 1", -1},
        {"weight = 1", 100},
        {"frames >= 2", 50},
        {"not not id=3", 1},
        {"id = 3 or id = 4 and id = 5", 1},
        {"id", -1},
        {"id =", -1},
        {"id = x", -1},
        {"id ~ 3", -1},
        {"caption < b", -1},
        {"id=3 id=4", -1},
        {"(id=3", -1},
        {"id=3)", -1},
        {"and", -1},
        {"moton<1", -1},
        {"caption = 'open", -1},
        {"caption = '\xff'", -1},
        {"1=1; drop table clips", -1},
    };
    (void)state;
    char dir[ZT_PATH_MAX], deep[1000] = "";
    zt_catalog *c = NULL;
    zt_query *q = NULL;
    make_set("query", 100, dir);
    OK(zt_catalog_open_writing(&c, dir));
    add_facts(c);
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        if (CASE[i].want < 0) {
            if (zt_query_parse(&q, CASE[i].where) != ZT_ARG) fail_msg("%s was taken", CASE[i].where);
            says("query: ");
            assert_null(q);
        } else if (matching(c, CASE[i].where) != CASE[i].want)
            fail_msg("%s: %lld, not %d", CASE[i].where, (long long)matching(c, CASE[i].where), CASE[i].want);
    }
    assert_int_equal(zt_query_parse(&q, "moton < 1"), ZT_ARG);
    says("did you mean motion");
    assert_int_equal(zt_query_parse(&q, "id = 3 or )"), ZT_ARG);
    says("character 11");
    memset(deep, '(', sizeof deep - 1);
    assert_int_equal(zt_query_parse(&q, deep), ZT_ARG);
    says("inside each other");
    zt_catalog_close(&c);
}

/* ---- edits ---- */

static zt_err note_change(void *ctx, const zt_change *k) {
    char *out = ctx;
    const size_t n = strlen(out);
    snprintf(out + n, 400 - n, "%s:%lld%s ", k->what, (long long)k->clips, k->undone[0] ? " undone" : "");
    return ZT_OK;
}

static zt_err copy_caption(void *ctx, const zt_catalog_clip *k) {
    snprintf(ctx, 200, "%s|%s|%s", k->caption, k->status, k->reason);
    return ZT_OK;
}

static const char *facts_of(zt_catalog *c, int64_t id) {
    static char text[300];
    char tag[100];
    OK(zt_catalog_clip_by_id(c, id, copy_caption, text));
    OK(zt_catalog_tag(c, id, "mood", tag, sizeof tag));
    const size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "|%s", tag);
    return text;
}

static void test_edit(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], what[100], history[400] = "";
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    int64_t clips;
    make_set("edit", 10, dir);
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_edit_begin(&e, c, "first", "rules"));
    OK(zt_edit_set(e, 1, "caption", "caf\xc3\xa9"));
    OK(zt_edit_set(e, 1, "tag.mood", "calm"));
    OK(zt_edit_set(e, 2, "tag.mood", "wild"));
    OK(zt_edit_set(e, 3, "caption", "a dog number 2")); /* what it says already */
    OK(zt_edit_set(e, 4, "caption", "x"));
    OK(zt_edit_set(e, 4, "caption", ""));                       /* back again: no change */
    assert_string_equal(facts_of(c, 1), "a dog number 0|ok||"); /* not before the end */
    OK(zt_edit_clips(e, &clips));
    assert_int_equal(clips, 2);
    OK(zt_edit_commit(&e));
    assert_string_equal(facts_of(c, 1), "caf\xc3\xa9|ok||calm");
    assert_string_equal(facts_of(c, 4), "|ok||");
    OK(zt_edit_begin(&e, c, "second", "user"));
    OK(zt_edit_set(e, 1, "tag.mood", "gloomy"));
    OK(zt_edit_set(e, 2, "tag.mood", NULL));
    OK(zt_edit_drop(e, 2, "too wild"));
    OK(zt_edit_commit(&e));
    assert_string_equal(facts_of(c, 1), "caf\xc3\xa9|ok||gloomy");
    assert_string_equal(facts_of(c, 2), "|dropped|too wild|");
    OK(zt_edit_begin(&e, c, "third", "rules")); /* what a user said stays */
    OK(zt_edit_set(e, 1, "tag.mood", "calm"));
    OK(zt_edit_commit(&e));
    assert_string_equal(facts_of(c, 1), "caf\xc3\xa9|ok||gloomy");
    OK(zt_catalog_changes(c, 0, note_change, history));
    assert_string_equal(history, "second:2 first:2 ");
    OK(zt_catalog_undo(c, what, sizeof what, &clips));
    assert_true(strcmp(what, "second") == 0 && clips == 2);
    assert_string_equal(facts_of(c, 1), "caf\xc3\xa9|ok||calm");
    assert_string_equal(facts_of(c, 2), "|ok||wild");
    for (int i = 0; i < 2; i++) {                          /* what a user said is a user's word after an undo too */
        OK(zt_edit_begin(&e, c, "again", "user"));
        OK(zt_edit_set(e, 3, "tag.mood", i ? "second" : "first"));
        OK(zt_edit_commit(&e));
    }
    OK(zt_catalog_undo(c, what, sizeof what, &clips));
    OK(zt_edit_begin(&e, c, "no", "rules"));
    OK(zt_edit_set(e, 3, "tag.mood", "third"));
    OK(zt_edit_commit(&e));
    assert_string_equal(facts_of(c, 3), "a dog number 2|ok||first");
    OK(zt_catalog_undo(c, what, sizeof what, &clips));
    OK(zt_edit_begin(&e, c, "fourth", "rules")); /* undone, it is the rules' word again */
    OK(zt_edit_set(e, 1, "tag.mood", "merry"));
    OK(zt_edit_commit(&e));
    assert_string_equal(facts_of(c, 1), "caf\xc3\xa9|ok||merry");
    OK(zt_catalog_undo(c, what, sizeof what, &clips));
    OK(zt_catalog_undo(c, what, sizeof what, &clips));
    assert_string_equal(what, "first");
    assert_string_equal(facts_of(c, 1), "a dog number 0|ok||");
    assert_int_equal(zt_catalog_undo(c, what, sizeof what, &clips), ZT_NOTFOUND);
    history[0] = '\0';
    OK(zt_catalog_changes(c, 2, note_change, history));
    assert_string_equal(history, "fourth:1 undone again:1 undone ");
    zt_catalog_close(&c);
}

static void test_edit_refused(void **state) {
    static const struct {
        const char *field, *text, *says;
    } CASE[] = {
        {"caption", "two\nlines", "one line"},
        {"caption", "\xff", "UTF-8"},
        {"caption", NULL, "one line"},
        {"status", "maybe", "ok or dropped"},
        {"key", "x", "no field 'key'"},
        {"tag.", "x", "name"},
        {"tag.a b", "x", "name"},
        {"tag.a", "", "1 to 200 bytes"},
        {"tag.a", "\t", "one line"},
    };
    (void)state;
    char dir[ZT_PATH_MAX], longer[ZT_CAPTION_EDIT_MAX + 2];
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    make_set("refused", 3, dir);
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_edit_begin(&e, c, "test", "user"));
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        if (zt_edit_set(e, 1, CASE[i].field, CASE[i].text) != ZT_ARG) fail_msg("%s was taken", CASE[i].field);
        says(CASE[i].says);
    }
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(zt_edit_set(e, 1, "caption", longer), ZT_ARG);
    assert_int_equal(zt_edit_set(e, 99, "caption", "x"), ZT_NOTFOUND);
    OK(zt_edit_set(e, 1, "caption", "x"));
    zt_edit_cancel(&e); /* nothing of it happened */
    assert_null(e);
    zt_edit_cancel(&e);
    assert_int_equal(matching(c, "caption = x"), 0);
    OK(zt_catalog_check(c));
    zt_catalog_close(&c);
}

/* ---- scores and weights ---- */

static zt_err count_ids(void *ctx, int64_t id) {
    int64_t *n = ctx;
    n[0]++;
    n[1] = id;
    return ZT_OK;
}

static void test_scores(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    zt_scores s;
    bool found;
    int64_t n[2] = {0};
    make_set("scores", 60, dir);
    OK(zt_catalog_open_writing(&c, dir));
    add_facts(c);
    OK(zt_catalog_unscored(c, count_ids, n));
    assert_true(n[0] == 10 && n[1] == 60);
    OK(zt_catalog_get_scores(c, 7, &s, &found));
    assert_true(found && s.v[ZT_SCORE_motion] == 0.07 && s.v[ZT_SCORE_black] == 1 && s.v[ZT_SCORE_zoom] == 0);
    OK(zt_catalog_get_scores(c, 51, &s, &found));
    assert_false(found);
    OK(zt_catalog_count_scored(c, &n[0]));
    assert_int_equal(n[0], 50);
    zt_catalog_close(&c);
}

static zt_err note_group(void *ctx, const zt_group *g) {
    char *out = ctx;
    const size_t n = strlen(out);
    snprintf(out + n, 200 - n, "%s:%lld:%g ", g->value, (long long)g->clips, g->weight);
    return ZT_OK;
}

static void test_weights(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX], groups[200] = "";
    zt_catalog *c = NULL;
    double most;
    make_set("weights", 60, dir);
    OK(zt_catalog_open_writing(&c, dir));
    add_facts(c);
    OK(zt_catalog_max_weight(c, &most));
    assert_true(most == 0);
    OK(zt_catalog_groups(c, "tag.lighting", NULL, note_group, groups));
    assert_string_equal(groups, ":40:40 bright:15:15 dark:5:5 ");
    OK(zt_catalog_begin(c));
    OK(zt_catalog_set_weight(c, "tag.lighting", "dark", "train", 3));
    OK(zt_catalog_set_weight(c, "tag.lighting", "", NULL, 0.5));
    assert_int_equal(zt_catalog_set_weight(c, "tag.lighting", "", NULL, -1), ZT_ARG);
    assert_int_equal(zt_catalog_set_weight(c, "colour", "", NULL, 1), ZT_ARG);
    says("grouped by 'colour'");
    OK(zt_catalog_commit(c));
    groups[0] = '\0';
    OK(zt_catalog_groups(c, "tag.lighting", "train", note_group, groups));
    assert_string_equal(groups, ":36:18 bright:13:13 dark:5:15 ");
    OK(zt_catalog_max_weight(c, &most));
    assert_true(most == 3);
    assert_int_equal(matching(c, "weight = 3"), 5);
    OK(zt_catalog_begin(c));
    OK(zt_catalog_clear_weights(c));
    OK(zt_catalog_commit(c));
    assert_int_equal(matching(c, "weight = 1"), 60);
    zt_catalog_close(&c);
    run_sql(dir, "INSERT INTO weights VALUES (1, -2)");
    zt_dataset *ds = NULL;
    assert_int_equal(zt_dataset_open(&ds, dir), ZT_FORMAT);
    says("zoe data balance");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upgrade),      cmocka_unit_test(test_counters), cmocka_unit_test(test_large),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_query),    cmocka_unit_test(test_edit),
        cmocka_unit_test(test_edit_refused), cmocka_unit_test(test_scores),   cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
