/* catalog.c - see catalog.h. Bytes of the database are hostile too: it is opened defensively and checked before it is believed.
 * Tested by tests/data/test_data_files.c. */
#include "data/catalog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/catalog_impl.h"

enum {
    APPLICATION_ID = 0x5a6f6544,   /* "ZoeD" */
    BUSY_MS = 5000,
    BUSY_READING_MS = 60000,       /* a reader may stay for days beside someone who edits */
    CHECKED_WHOLE = 16 << 20       /* bytes: a file up to this size is checked page by page when it is opened */
};

/* Schema version 1: what every catalogue has. */
static const char CORE[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE shards (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL);"
    "CREATE TABLE sources (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,"
    " status TEXT NOT NULL, reason TEXT NOT NULL, info TEXT NOT NULL);"
    "CREATE INDEX sources_hash ON sources (hash);"
    "CREATE TABLE clips (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, shard TEXT NOT NULL, offset INTEGER NOT "
    "NULL,"
    " bytes INTEGER NOT NULL, frames INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL, fps REAL NOT NULL,"
    " caption TEXT NOT NULL, source TEXT NOT NULL, source_hash TEXT NOT NULL, start_s REAL NOT NULL, split TEXT NOT NULL,"
    " status TEXT NOT NULL, reason TEXT NOT NULL, labels TEXT NOT NULL, licence TEXT NOT NULL);"
    "CREATE INDEX clips_source ON clips (source);";

/* What schema versions 2 and 3 (clips by size) add: tables of topics, each beside its code. Every statement says IF NOT
 * EXISTS. */
static const char *const TOPICS[] = {
    ZT_COUNTS_SCHEMA, ZT_SIZES_SCHEMA, ZT_CHECK_SCHEMA, ZT_EDIT_SCHEMA, ZT_SCORE_SCHEMA,
    ZT_WEIGHT_SCHEMA, ZT_RIGHTS_SCHEMA, ZT_FACES_SCHEMA, NULL,
};

zt_err zt_sql_fail(const zt_catalog *c, int rc, const char *doing) {
    const char *why = c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);
    switch (rc & 255) {
    case SQLITE_NOMEM: return zt_fail(ZT_NOMEM, "%s: out of memory while %s", c->path, doing);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return zt_fail(ZT_FORMAT, "%s: damaged (%s) while %s; copy the data set again, or make it anew", c->path, why, doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return zt_fail(ZT_IO, "%s: another program is writing to it; wait until it has ended", c->path);
    case SQLITE_FULL: return zt_fail(ZT_IO, "%s: the disk is full while %s; free some space", c->path, doing);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return zt_fail(ZT_IO, "%s: cannot be opened or written (%s); check the folder and its rights", c->path, why);
    case SQLITE_ERROR:   /* a table or column is not there */
        return zt_fail(ZT_FORMAT, "%s: not the catalogue of a data set (%s) while %s; make the data set anew", c->path, why,
                       doing);
    default: return zt_fail(ZT_IO, "%s: %s while %s", c->path, why, doing);
    }
}

zt_err zt_sql_run(zt_catalog *c, const char *sql, const char *doing) {
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? ZT_OK : zt_sql_fail(c, rc, doing);
}

/* Prepare `sql` and bind by `types`: s text (NULL as ""), i int64_t, d double. */
static zt_err bind(zt_catalog *c, sqlite3_stmt **st, const char *doing, const char *sql, const char *types, va_list ap) {
    int rc = sqlite3_prepare_v2(c->db, sql, -1, st, NULL);
    for (int i = 0; rc == SQLITE_OK && types[i]; i++) {
        if (types[i] == 's') {
            const char *s = va_arg(ap, const char *);
            rc = sqlite3_bind_text(*st, i + 1, s ? s : "", -1, SQLITE_TRANSIENT);
        } else if (types[i] == 'i') rc = sqlite3_bind_int64(*st, i + 1, va_arg(ap, int64_t));
        else rc = sqlite3_bind_double(*st, i + 1, va_arg(ap, double));
    }
    return rc == SQLITE_OK ? ZT_OK : zt_sql_fail(c, rc, doing);
}

zt_err zt_sql_prepare(zt_catalog *c, sqlite3_stmt **st, const char *doing, const char *sql, const char *types, ...) {
    va_list ap;
    *st = NULL;
    va_start(ap, types);
    const zt_err e = bind(c, st, doing, sql, types, ap);
    va_end(ap);
    return e;
}

zt_err zt_sql_change(zt_catalog *c, const char *doing, const char *sql, const char *types, ...) {
    sqlite3_stmt *st = NULL;
    va_list ap;
    va_start(ap, types);
    zt_err e = bind(c, &st, doing, sql, types, ap);
    va_end(ap);
    if (e == ZT_OK) {
        int rc = sqlite3_step(st);
        if (rc != SQLITE_DONE) e = zt_sql_fail(c, rc, doing);
    }
    sqlite3_finalize(st);
    return e;
}

zt_err zt_sql_ask(zt_catalog *c, int64_t *number, char *text, size_t cap, const char *sql, const char *types, ...) {
    sqlite3_stmt *st = NULL;
    va_list ap;
    va_start(ap, types);
    zt_err e = bind(c, &st, "reading", sql, types, ap);
    va_end(ap);
    if (number) *number = 0;
    if (text && cap) text[0] = '\0';
    if (e == ZT_OK) {
        int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
            const char *s = (const char *)sqlite3_column_text(st, 0);
            if (text) snprintf(text, cap, "%s", s ? s : "");
            if (number) *number = sqlite3_column_int64(st, 0);
        } else if (rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading");
    }
    sqlite3_finalize(st);
    return e;
}

/* Never believe what a foreign schema would run. */
static zt_err harden(zt_catalog *c) {
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, 1 << 26);
    return zt_sql_run(c, "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;", "opening it");
}

static zt_err check(zt_catalog *c) {
    int64_t id, version;
    char verdict[200];
    zt_err e;
    ZT_TRY(e = zt_sql_ask(c, &id, NULL, 0, "PRAGMA application_id", ""), done);
    ZT_TRY(e = zt_sql_ask(c, &version, NULL, 0, "PRAGMA user_version", ""), done);
    if (id != APPLICATION_ID)
        return zt_fail(ZT_FORMAT, "%s: an SQLite file, but not the catalogue of a data set; is this the right folder?", c->path);
    if (version < 1 || version > ZT_CATALOG_SCHEMA)
        return zt_fail(ZT_FORMAT,
                       "%s: schema version %lld, this program reads %d; make the data set anew, or use the program that wrote it",
                       c->path, (long long)version, ZT_CATALOG_SCHEMA);
    if (zt_file_size(c->path) > CHECKED_WHOLE) return ZT_OK;
    ZT_TRY(e = zt_sql_ask(c, NULL, verdict, sizeof verdict, "PRAGMA quick_check(1)", ""), done);
    if (strcmp(verdict, "ok") != 0)
        return zt_fail(ZT_FORMAT, "%s: damaged (%s); copy the data set again, or make it anew", c->path, verdict);
done:
    return e;
}

zt_err zt_catalog_check(zt_catalog *c) {
    char verdict[200];
    zt_err e = zt_sql_ask(c, NULL, verdict, sizeof verdict, "PRAGMA integrity_check(1)", "");
    if (e == ZT_OK && strcmp(verdict, "ok") != 0)
        e = zt_fail(ZT_FORMAT, "%s: damaged (%s); copy the data set again, or make it anew", c->path, verdict);
    return e == ZT_OK ? zt_catalog_check_counts(c) : e;
}

static zt_err start(zt_catalog **out, const char *dir) {
    zt_err e;
    *out = NULL;
    zt_catalog *c = zt_alloc(sizeof *c);
    if (!c) return ZT_NOMEM;
    if ((e = zt_path_join(c->path, dir, "catalog.db")) == ZT_OK) *out = c;
    else zt_free(c);
    return e;
}

static zt_err add_topics(zt_catalog *c) {
    char sql[64];
    zt_err e = ZT_OK;
    for (int i = 0; TOPICS[i] && e == ZT_OK; i++) e = zt_sql_run(c, TOPICS[i], "making its tables");
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", ZT_CATALOG_SCHEMA);
    return e == ZT_OK ? zt_sql_run(c, sql, "making its tables") : e;
}

/* All tables of a new catalogue, or those that one of an earlier version lacks; together or not at all. */
static zt_err make_tables(zt_catalog *c) {
    char sql[64];
    int64_t tables, version;
    zt_err e;
    ZT_TRY(e = zt_sql_ask(c, &tables, NULL, 0, "SELECT COUNT(*) FROM sqlite_schema", ""), done);
    ZT_TRY(e = zt_sql_ask(c, &version, NULL, 0, "PRAGMA user_version", ""), done);
    if (tables > 0 && (version >= ZT_CATALOG_SCHEMA || (e = check(c)) != ZT_OK)) return e;
    ZT_TRY(e = zt_sql_run(c, "BEGIN IMMEDIATE", "making its tables"), done);
    if (tables == 0) {
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d", APPLICATION_ID);
        ZT_TRY(e = zt_sql_run(c, sql, "making its tables"), back);
        ZT_TRY(e = zt_sql_run(c, CORE, "making its tables"), back);
        ZT_TRY(e = zt_catalog_set_meta(c, "created_by", "zoe " ZT_VERSION), back);
    }
    ZT_TRY(e = add_topics(c), back);
    e = zt_sql_run(c, "COMMIT", "making its tables");
back:
    if (e != ZT_OK) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
done:
    return e;
}

zt_err zt_catalog_create(zt_catalog **out, const char *dir) {
    zt_err e;
    zt_catalog *c = NULL;
    ZT_TRY(e = start(&c, dir), done);
    int rc = sqlite3_open_v2(c->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc != SQLITE_OK) {
        e = zt_sql_fail(c, rc, "opening it");
        goto done;
    }
    ZT_TRY(e = harden(c), done);
    ZT_TRY(e = make_tables(c), done);
    e = check(c);
done:
    if (e != ZT_OK) zt_catalog_close(&c);
    *out = c;
    return e;
}

static zt_err open_reading(zt_catalog **out, const char *dir) {
    zt_err e;
    zt_catalog *c = NULL;
    char journal[ZT_PATH_MAX + 16];
    ZT_TRY(e = start(&c, dir), done);
    if (!zt_is_dir(dir)) {
        e = zt_fail(ZT_NOTFOUND, "%s: there is no such folder; a data set is a folder that `zoe synth` or `zoe ingest` made",
                    dir);
        goto done;
    }
    if (!zt_file_exists(c->path)) {
        e = zt_fail(ZT_NOTFOUND, "%s: no catalog.db in it, so it is no data set; make one with `zoe synth` or `zoe ingest`", dir);
        goto done;
    }
    snprintf(journal, sizeof journal, "%s-journal", c->path);
    /* A journal means a writer is at work or was killed: SQLite must then lock, and perhaps roll back, which takes rights. */
    const int mode = zt_file_exists(journal) ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    const int rc = sqlite3_open_v2(c->path, &c->db, mode | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc != SQLITE_OK) {
        e = zt_sql_fail(c, rc, "opening it");
        goto done;
    }
    ZT_TRY(e = harden(c), done);
    sqlite3_busy_timeout(c->db, BUSY_READING_MS);
    e = check(c);
done:
    if (e != ZT_OK) zt_catalog_close(&c);
    *out = c;
    return e;
}

zt_err zt_catalog_open(zt_catalog **out, const char *dir) {
    int64_t version = 0;
    zt_err e = open_reading(out, dir);
    if (e == ZT_OK) e = zt_sql_ask(*out, &version, NULL, 0, "PRAGMA user_version", "");
    if (e != ZT_OK || version == ZT_CATALOG_SCHEMA) goto done;
    zt_catalog_close(out);                       /* of an earlier version: opening it for writing brings it up to date */
    ZT_TRY(e = zt_catalog_create(out, dir), done);
    zt_catalog_close(out);
    e = open_reading(out, dir);
done:
    if (e != ZT_OK) zt_catalog_close(out);
    return e;
}

zt_err zt_catalog_open_writing(zt_catalog **out, const char *dir) {
    zt_err e = zt_catalog_open(out, dir);   /* says what is wrong with the folder, and makes nothing */
    zt_catalog_close(out);
    return e == ZT_OK ? zt_catalog_create(out, dir) : e;
}

void zt_catalog_close(zt_catalog **pc) {
    if (!pc || !*pc) return;
    sqlite3_close_v2((*pc)->db);
    zt_free(*pc);
    *pc = NULL;
}

zt_err zt_catalog_stay_readable(zt_catalog *c) { return zt_sql_run(c, "PRAGMA cache_spill = OFF", "opening it"); }
zt_err zt_catalog_begin(zt_catalog *c) { return zt_sql_run(c, "BEGIN IMMEDIATE", "starting to write"); }
zt_err zt_catalog_commit(zt_catalog *c) { return zt_sql_run(c, "COMMIT", "writing"); }
zt_err zt_catalog_mark(zt_catalog *c) { return zt_sql_run(c, "SAVEPOINT mark", "writing"); }
zt_err zt_catalog_release(zt_catalog *c) { return zt_sql_run(c, "RELEASE mark", "writing"); }
zt_err zt_catalog_back(zt_catalog *c) { return zt_sql_run(c, "ROLLBACK TO mark; RELEASE mark", "taking back"); }

zt_err zt_catalog_set_meta(zt_catalog *c, const char *key, const char *value) {
    return zt_sql_change(c, "writing", "INSERT OR REPLACE INTO meta VALUES (?,?)", "ss", key, value);
}

zt_err zt_catalog_get_meta(zt_catalog *c, const char *key, char *value, size_t cap) {
    return zt_sql_ask(c, NULL, value, cap, "SELECT value FROM meta WHERE key = ?", "s", key);
}

zt_err zt_catalog_add_clip(zt_catalog *c, const zt_catalog_clip *k) {
    return zt_sql_change(
        c, "writing a clip",
        "INSERT INTO clips (key, shard, offset, bytes, frames, height, width, fps, caption, source, source_hash, start_s, split, "
        "status, reason, labels, licence) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "ssiiiiidsssdsssss", k->key, k->shard, k->offset, k->bytes, (int64_t)k->frames, (int64_t)k->height, (int64_t)k->width,
        k->fps, k->caption, k->source, k->source_hash, k->start_s, k->split, k->status, k->reason,
        k->labels && k->labels[0] ? k->labels : "{}", k->licence);
}

zt_err zt_catalog_add_shard(zt_catalog *c, const char *name, int64_t bytes) {
    return zt_sql_change(c, "writing", "INSERT INTO shards (name, bytes) VALUES (?,?)", "si", name, bytes);
}

zt_err zt_catalog_put_source(zt_catalog *c, const zt_catalog_source *s) {
    return zt_sql_change(c, "writing", "INSERT OR REPLACE INTO sources (path, hash, status, reason, info) VALUES (?,?,?,?,?)",
                         "sssss", s->path, s->hash, s->status, s->reason, s->info && s->info[0] ? s->info : "{}");
}

zt_err zt_catalog_has_source(zt_catalog *c, const char *path, const char *hash, bool *found) {
    int64_t n;
    zt_err e = zt_sql_ask(c, &n, NULL, 0, "SELECT COUNT(*) FROM sources WHERE path = ? AND hash = ?", "ss", path, hash);
    *found = e == ZT_OK && n > 0;
    return e;
}

zt_err zt_catalog_same_content(zt_catalog *c, const char *hash, const char *fragment, char *path, size_t cap) {
    return zt_sql_ask(
        c, NULL, path, cap,
        "SELECT path FROM sources WHERE hash = ?1 AND status = 'ok' AND CASE ?2 WHEN '' THEN instr(path, '#t=') = 0 "
        "ELSE substr(path, -length(?2)) = ?2 END ORDER BY id",
        "ss", hash, fragment);
}

zt_err zt_catalog_drop_clips(zt_catalog *c, const char *source, const char *reason) {
    return zt_sql_change(c, "writing", "UPDATE clips SET status = 'dropped', reason = ?2 WHERE source = ?1 AND status = 'ok'",
                         "ss", source, reason);
}

zt_err zt_catalog_count_sources(zt_catalog *c, const char *status, int64_t *n) {
    return zt_sql_ask(c, n, NULL, 0, "SELECT COUNT(*) FROM sources WHERE status = ?", "s", status);
}

zt_err zt_catalog_count_shards(zt_catalog *c, const char *split, int64_t *n) {
    return zt_sql_ask(c, n, NULL, 0, "SELECT COUNT(*) FROM shards WHERE name LIKE ? || '-%'", "s", split);
}

zt_err zt_catalog_last_clip(zt_catalog *c, int64_t *id) { return zt_sql_ask(c, id, NULL, 0, "SELECT MAX(id) FROM clips", ""); }

const char *zt_sql_text(sqlite3_stmt *st, int i) {
    const char *s = (const char *)sqlite3_column_text(st, i);
    return s ? s : "";
}

int zt_sql_int(sqlite3_stmt *st, int i) {
    int64_t v = sqlite3_column_int64(st, i);
    return v < 0 || v > INT32_MAX ? -1 : (int)v;
}

zt_catalog_clip zt_sql_clip(sqlite3_stmt *st) {
    return (zt_catalog_clip){.id = sqlite3_column_int64(st, 0),
                             .key = zt_sql_text(st, 1),
                             .shard = zt_sql_text(st, 2),
                             .offset = sqlite3_column_int64(st, 3),
                             .bytes = sqlite3_column_int64(st, 4),
                             .frames = zt_sql_int(st, 5),
                             .height = zt_sql_int(st, 6),
                             .width = zt_sql_int(st, 7),
                             .fps = sqlite3_column_double(st, 8),
                             .caption = zt_sql_text(st, 9),
                             .source = zt_sql_text(st, 10),
                             .source_hash = zt_sql_text(st, 11),
                             .start_s = sqlite3_column_double(st, 12),
                             .split = zt_sql_text(st, 13),
                             .status = zt_sql_text(st, 14),
                             .reason = zt_sql_text(st, 15),
                             .labels = zt_sql_text(st, 16),
                             .licence = zt_sql_text(st, 17)};
}

zt_err zt_sql_walk_clips(zt_catalog *c, sqlite3_stmt *st, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx) {
    zt_err e = ZT_OK;
    int rc = SQLITE_ROW;
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_catalog_clip k = zt_sql_clip(st);
        e = fn(ctx, &k);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the clips");
    return e;
}

zt_err zt_catalog_clips(zt_catalog *c, const char *status, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx) {
    sqlite3_stmt *st = NULL;
    zt_err e = zt_sql_prepare(c, &st, "reading the clips",
                              "SELECT " ZT_SQL_CLIP " FROM clips WHERE ?1 = '' OR status = ?1 ORDER BY id", "s", status);
    if (e == ZT_OK) e = zt_sql_walk_clips(c, st, fn, ctx);
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_sources(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_catalog_source *source), void *ctx) {
    sqlite3_stmt *st = NULL;
    zt_err e = ZT_OK;
    int rc = sqlite3_prepare_v2(c->db, "SELECT path, hash, status, reason, info FROM sources ORDER BY id", -1, &st, NULL);
    if (rc == SQLITE_OK) rc = SQLITE_ROW;
    while (rc == SQLITE_ROW && e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        zt_catalog_source s = {zt_sql_text(st, 0), zt_sql_text(st, 1), zt_sql_text(st, 2), zt_sql_text(st, 3),
                               zt_sql_text(st, 4)};
        e = fn(ctx, &s);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the sources");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_shards(zt_catalog *c, zt_err (*fn)(void *ctx, const char *name, int64_t bytes), void *ctx) {
    sqlite3_stmt *st = NULL;
    zt_err e = ZT_OK;
    int rc = sqlite3_prepare_v2(c->db, "SELECT name, bytes FROM shards ORDER BY id", -1, &st, NULL);
    if (rc == SQLITE_OK) rc = SQLITE_ROW;
    while (rc == SQLITE_ROW && e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
        e = fn(ctx, zt_sql_text(st, 0), sqlite3_column_int64(st, 1));
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the shards");
    sqlite3_finalize(st);
    return e;
}
