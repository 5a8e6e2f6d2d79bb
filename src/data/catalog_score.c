/* catalog_score.c - see scores.h. Tested by tests/data/test_data_catalog.c. */
#include "data/scores.h"

#include "data/catalog_impl.h"

/* hashes are written last: a clip is scored when it has a row there. */
const char ZT_SCORE_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS scores (name TEXT NOT NULL, clip INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, clip))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS hashes (clip INTEGER PRIMARY KEY, h0 INTEGER NOT NULL, h1 INTEGER NOT NULL, h2 INTEGER NOT NULL,"
    " colour INTEGER NOT NULL);";

static const struct { const char *name, *doc; } SCORE[ZT_SCORES] = {
#define ZT_SCORE(name, doc) {#name, doc},
#include "data/score.def"
#undef ZT_SCORE
};

const char *zt_score_name(zt_score s) { return SCORE[s].name; }
const char *zt_score_doc(zt_score s) { return SCORE[s].doc; }

zt_err zt_catalog_put_scores(zt_catalog *c, int64_t clip, const zt_scores *s) {
    zt_err e = ZT_OK;
    for (int i = 0; i < ZT_SCORES && e == ZT_OK; i++)
        e = zt_sql_change(c, "writing the scores", "INSERT OR REPLACE INTO scores (name, clip, value) VALUES (?,?,?)", "sid",
                          SCORE[i].name, clip, s->v[i]);
    if (e == ZT_OK)
        e = zt_sql_change(c, "writing the scores", "INSERT OR REPLACE INTO hashes (clip, h0, h1, h2, colour) VALUES (?,?,?,?,?)",
                          "iiiii", clip, (int64_t)s->hash[0], (int64_t)s->hash[1], (int64_t)s->hash[2], (int64_t)s->colour);
    return e;
}

zt_err zt_catalog_get_scores(zt_catalog *c, int64_t clip, zt_scores *s, bool *found) {
    sqlite3_stmt *st = NULL;
    int64_t row;
    zt_err e;
    *s = (zt_scores){{0}, {0}, 0};
    ZT_TRY(e = zt_sql_prepare(c, &st, "reading the scores", "SELECT value FROM scores WHERE name = ? AND clip = ?", ""), done);
    for (int i = 0; i < ZT_SCORES; i++) {
        sqlite3_bind_text(st, 1, SCORE[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(st, 2, clip);
        if (sqlite3_step(st) == SQLITE_ROW) s->v[i] = sqlite3_column_double(st, 0);
        sqlite3_reset(st);
    }
    e = zt_sql_ask(c, &row, NULL, 0, "SELECT COUNT(*) FROM hashes WHERE clip = ?", "i", clip);
    *found = row > 0;
done:
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_unscored(zt_catalog *c, zt_err (*fn)(void *ctx, int64_t clip), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the scores",
                              "SELECT id FROM clips WHERE status = 'ok' AND NOT EXISTS (SELECT 1 FROM hashes WHERE clip = id)"
                              " ORDER BY id", "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) e = fn(ctx, sqlite3_column_int64(st, 0));
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the scores");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_count_scored(zt_catalog *c, int64_t *n) {
    return zt_sql_ask(c, n, NULL, 0, "SELECT COUNT(*) FROM hashes JOIN clips ON id = clip WHERE status = 'ok'", "");
}

zt_err zt_catalog_hashes(zt_catalog *c, zt_err (*fn)(void *ctx, int64_t clip, const uint64_t hash[ZT_HASHES], uint32_t colour),
                         void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the hashes",
                              "SELECT clip, h0, h1, h2, colour FROM hashes JOIN clips ON id = clip WHERE status = 'ok'"
                              " ORDER BY clip", "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const uint64_t hash[ZT_HASHES] = {(uint64_t)sqlite3_column_int64(st, 1), (uint64_t)sqlite3_column_int64(st, 2),
                                          (uint64_t)sqlite3_column_int64(st, 3)};
        e = fn(ctx, sqlite3_column_int64(st, 0), hash, (uint32_t)sqlite3_column_int64(st, 4));
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the hashes");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_score_values(zt_catalog *c, zt_score s, const char *status, zt_err (*fn)(void *ctx, double value), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the scores",
                              "SELECT value FROM scores JOIN clips ON id = clip WHERE name = ? AND status = ?", "ss",
                              SCORE[s].name, status);
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) e = fn(ctx, sqlite3_column_double(st, 0));
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the scores");
    sqlite3_finalize(st);
    return e;
}
