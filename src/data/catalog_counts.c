/* catalog_counts.c - counters over the clips (catalog.h): how many there are of each kind, and where the usable ones of a split
 * are, so that a clip is found by its rank without reading those before it. Triggers keep them right whoever writes.
 * Tested by tests/data/test_data_catalog.c. */
#include <string.h>

#include "base/str.h"
#include "data/catalog_impl.h"

#define KIND(row) row ".split, " row ".status, " row ".frames, " row ".height, " row ".width, " row ".fps, " row ".caption <> ''"
#define SAME(row)                                                                                                                \
    "split = " row ".split AND status = " row ".status AND frames = " row ".frames AND height = " row ".height AND width = " row \
    ".width AND fps = " row ".fps AND captioned = (" row ".caption <> '')"
#define ADD \
    "INSERT INTO clip_kinds VALUES (" KIND("new") ", 1) ON CONFLICT DO UPDATE SET n = n + 1;" \
                                                  "INSERT INTO clip_blocks SELECT new.split, new.id >> 10, 1 WHERE new.status " \
                                                  "= 'ok' ON CONFLICT DO UPDATE SET n = n + 1;"
#define TAKE \
    "UPDATE clip_kinds SET n = n - 1 WHERE " SAME( \
        "old") ";" \
               "UPDATE clip_blocks SET n = n - 1 WHERE split = old.split AND block = old.id >> 10 AND old.status = 'ok';"
_Static_assert(ZT_BLOCK_BITS == 10, "the SQL says so too");
#define ADD_SIZE \
    "INSERT INTO clip_sizes SELECT new.split, new.id >> 10, new.frames, new.height, new.width, 1 WHERE new.status = 'ok'" \
    " ON CONFLICT DO UPDATE SET n = n + 1;"
#define TAKE_SIZE \
    "UPDATE clip_sizes SET n = n - 1 WHERE split = old.split AND block = old.id >> 10 AND frames = old.frames" \
    " AND height = old.height AND width = old.width AND old.status = 'ok';"
#define COUNT_SIZES \
    "SELECT split, id >> 10, frames, height, width, COUNT(*) FROM clips WHERE status = 'ok' GROUP BY 1, 2, 3, 4, 5"

const char ZT_COUNTS_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS clip_kinds (split TEXT NOT NULL, status TEXT NOT NULL, frames INTEGER NOT NULL,"
    " height INTEGER NOT NULL, width INTEGER NOT NULL, fps REAL NOT NULL, captioned INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY (split, status, frames, height, width, fps, captioned)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS clip_blocks (split TEXT NOT NULL, block INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY (split, block)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS clips_place ON clips (status, split);"   /* an index ends with the id */
    "CREATE INDEX IF NOT EXISTS sources_status ON sources (status);"
    /* Of a catalogue that had clips before it had counters; the triggers are made after it. */
    "INSERT OR REPLACE INTO clip_kinds SELECT " KIND("clips") ", COUNT(*) FROM clips GROUP BY 1, 2, 3, 4, 5, 6, 7;"
    "INSERT OR REPLACE INTO clip_blocks SELECT split, id >> 10, COUNT(*) FROM clips WHERE status = 'ok' GROUP BY 1, 2;"
    "CREATE TRIGGER IF NOT EXISTS clips_added AFTER INSERT ON clips BEGIN " ADD " END;"
    "CREATE TRIGGER IF NOT EXISTS clips_changed AFTER UPDATE OF id, split, status, frames, height, width, fps, caption ON clips"
    " BEGIN " TAKE ADD " END;"
    "CREATE TRIGGER IF NOT EXISTS clips_removed AFTER DELETE ON clips BEGIN " TAKE " END;";

/* Beside the blocks, and not instead of them: a set in which every clip has a length of its own would have as many rows as clips,
 * which only those read who ask for clips by size. */
const char ZT_SIZES_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS clip_sizes (split TEXT NOT NULL, block INTEGER NOT NULL, frames INTEGER NOT NULL,"
    " height INTEGER NOT NULL, width INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY (split, block, frames, height, width)) WITHOUT ROWID;"
    "INSERT OR REPLACE INTO clip_sizes " COUNT_SIZES ";"
    "CREATE TRIGGER IF NOT EXISTS clip_size_added AFTER INSERT ON clips BEGIN " ADD_SIZE " END;"
    "CREATE TRIGGER IF NOT EXISTS clip_size_changed AFTER UPDATE OF id, split, status, frames, height, width ON clips"
    " BEGIN " TAKE_SIZE ADD_SIZE " END;"
    "CREATE TRIGGER IF NOT EXISTS clip_size_removed AFTER DELETE ON clips BEGIN " TAKE_SIZE " END;";

zt_err zt_catalog_counts(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_catalog_count *count), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the counters",
                              "SELECT split, status, frames, height, width, fps, captioned, n FROM clip_kinds WHERE n > 0", "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_catalog_count k = {.split = zt_sql_text(st, 0),
                                    .status = zt_sql_text(st, 1),
                                    .frames = zt_sql_int(st, 2),
                                    .height = zt_sql_int(st, 3),
                                    .width = zt_sql_int(st, 4),
                                    .fps = sqlite3_column_double(st, 5),
                                    .captioned = sqlite3_column_int(st, 6) != 0,
                                    .n = sqlite3_column_int64(st, 7)};
        e = fn(ctx, &k);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the counters");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_count_clips(zt_catalog *c, const char *status, int64_t *n) {
    return zt_sql_ask(c, n, NULL, 0, "SELECT SUM(n) FROM clip_kinds WHERE status = ?", "s", status);
}

zt_err zt_catalog_blocks(zt_catalog *c, zt_err (*fn)(void *ctx, const char *split, int64_t block, int64_t n), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the counters",
                              "SELECT split, block, n FROM clip_blocks WHERE n <> 0 ORDER BY split, block", "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
        e = fn(ctx, zt_sql_text(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2));
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the counters");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_sizes(zt_catalog *c, zt_err (*fn)(void *ctx, const char *split, int64_t block, zt_size size, int64_t n),
                        void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the counters",
                              "SELECT split, block, frames, height, width, n FROM clip_sizes WHERE n <> 0 ORDER BY split, block",
                              "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_size size = {zt_sql_int(st, 2), zt_sql_int(st, 3), zt_sql_int(st, 4)};
        e = fn(ctx, zt_sql_text(st, 0), sqlite3_column_int64(st, 1), size, sqlite3_column_int64(st, 5));
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the counters");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_block(zt_catalog *c, const char *split, int64_t block, int64_t *id, float *weight, zt_size *size, int *n) {
    sqlite3_stmt *st = NULL;
    char sql[512];
    int rc = SQLITE_ROW;
    const int64_t first = block << ZT_BLOCK_BITS;
    *n = 0;
    /* The index is named: planned without statistics SQLite would read whole rows instead. */
    zt_err e = zt_format(sql, sizeof sql,
                         "SELECT id, %s, %s FROM clips INDEXED BY clips_place%s WHERE status = 'ok' AND split %s"
                         " AND id BETWEEN ?2 AND ?3 ORDER BY id",
                         weight ? "weight" : "NULL", size ? "frames, height, width" : "0, 0, 0",
                         weight ? " LEFT JOIN weights ON clip = id" : "",
                         split ? "= ?1" : "IN ('train', 'val', 'test') AND ?1 = ''");
    if (e == ZT_OK) e = zt_sql_prepare(c, &st, "reading the clips", sql, "sii", split, first, first + ZT_BLOCK_IDS - 1);
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW && *n < ZT_BLOCK_IDS) {
        if (weight) weight[*n] = sqlite3_column_type(st, 1) == SQLITE_NULL ? 1 : (float)sqlite3_column_double(st, 1);
        if (size) size[*n] = (zt_size){zt_sql_int(st, 2), zt_sql_int(st, 3), zt_sql_int(st, 4)};
        id[(*n)++] = sqlite3_column_int64(st, 0);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the clips");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_clip_by_id(zt_catalog *c, int64_t id, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx) {
    sqlite3_stmt *st = NULL;
    zt_err e = zt_sql_prepare(c, &st, "reading a clip", "SELECT " ZT_SQL_CLIP " FROM clips WHERE id = ?", "i", id);
    if (e == ZT_OK) {
        const int rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
            const zt_catalog_clip k = zt_sql_clip(st);
            e = fn(ctx, &k);
        } else if (rc == SQLITE_DONE) e = zt_fail(ZT_NOTFOUND, "%s: there is no clip %lld", c->path, (long long)id);
        else e = zt_sql_fail(c, rc, "reading a clip");
    }
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_check_counts(zt_catalog *c) {
    int64_t wrong;
    zt_err e;
    ZT_TRY(
        e = zt_sql_ask(
            c, &wrong, NULL, 0,
            "SELECT (SELECT COUNT(*) FROM (SELECT " KIND(
                "clips") ", COUNT(*) FROM clips GROUP BY 1, 2, 3, 4, 5, 6, 7"
                         " EXCEPT SELECT * FROM clip_kinds)) + (SELECT COUNT(*) FROM (SELECT split, id >> 10, COUNT(*) FROM clips"
                         " WHERE status = 'ok' GROUP BY 1, 2 EXCEPT SELECT * FROM clip_blocks))"
                         " + (SELECT COUNT(*) FROM (" COUNT_SIZES " EXCEPT SELECT * FROM clip_sizes))"
                         " + (COALESCE((SELECT SUM(n) FROM clip_sizes), 0) <> (SELECT COUNT(*) FROM clips WHERE status = 'ok'))"
                         " + (COALESCE((SELECT SUM(n) FROM clip_kinds), 0) <> (SELECT COUNT(*) FROM clips))"
                         " + (COALESCE((SELECT SUM(n) FROM clip_blocks), 0) <> (SELECT COUNT(*) FROM clips WHERE status = 'ok'))",
            ""),
        done);
    if (wrong)
        e = zt_fail(ZT_FORMAT,
                    "%s: %lld counters are not what counting its clips gives; copy the data set again, or make it anew", c->path,
                    (long long)wrong);
done:
    return e;
}
