/* rights.c - see rights.h. Tested by tests/data/test_data_rights.c. */
#include "data/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "data/catalog_impl.h"

const char ZT_RIGHTS_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS clip_rights (clip INTEGER PRIMARY KEY, terms TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL "
    "DEFAULT '', holder TEXT NOT NULL DEFAULT '', people TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE IF NOT EXISTS consents (id TEXT PRIMARY KEY, record TEXT NOT NULL, signature TEXT NOT NULL, public_key TEXT "
    "NOT "
    "NULL, revoked TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, started TEXT NOT NULL, clip_set "
    "TEXT NOT NULL, clips TEXT NOT NULL);";

/* Clips of a zt_clip_choice w: parameters 1 to 5, bound by CHOICE_TYPES and CHOICE(w). */
#define CHOSEN                                                                                                                 \
    " (clips.status = 'ok' OR ?4) AND (?1 = '' OR clips.key GLOB ?1) AND (?2 = '' OR clips.source GLOB ?2)"                     \
    " AND (?3 = '' OR clips.split = ?3) AND (?5 = 0 OR clips.id = ?5)"
#define CHOICE_TYPES "sssii"
#define CHOICE(w) (w)->key, (w)->source, (w)->split, (int64_t)(w)->dropped, (w)->id
/* zt_people of a row of clips joined with clip_rights r and clip_faces f. */
#define PEOPLE \
    " CASE WHEN r.people = 'no' THEN 1 WHEN f.action = 'blur' AND f.tracks > 0 THEN 3" \
    " WHEN r.people = 'yes' OR f.tracks > 0 THEN 2 WHEN f.tracks = 0 THEN 1 ELSE 0 END"
#define JOINED " clips LEFT JOIN clip_rights r ON r.clip = clips.id LEFT JOIN clip_faces f ON f.clip = clips.id"

static zt_err check_text(const char *what, const char *text) {
    return !text || zt_utf8_valid(text, strlen(text), NULL) ? ZT_OK : zt_fail(ZT_ARG, "%s is not UTF-8 text", what);
}

static zt_err set_column(zt_catalog *c, const zt_clip_choice *w, const char *column, const char *value) {
    char sql[400];
    if (!value) return ZT_OK;
    zt_err e = check_text(column, value);
    if (e == ZT_OK)
        e = zt_format(sql, sizeof sql, "UPDATE clip_rights SET %s = ?6 WHERE clip IN (SELECT id FROM clips WHERE" CHOSEN ")",
                      column);
    return e == ZT_OK ? zt_sql_change(c, "writing rights", sql, CHOICE_TYPES "s", CHOICE(w), value)
                      : e;
}

zt_err zt_rights_set(zt_catalog *c, const zt_clip_choice *w, const zt_rights *r, int64_t *changed) {
    zt_err e;
    if (r->people && strcmp(r->people, "yes") != 0 && strcmp(r->people, "no") != 0 && r->people[0])
        return zt_fail(ZT_ARG, "people is '%.40s'; it is yes, no or empty", r->people);
    ZT_TRY(e = zt_sql_ask(c, changed, NULL, 0, "SELECT COUNT(*) FROM clips WHERE" CHOSEN, CHOICE_TYPES, CHOICE(w)), done);
    ZT_TRY(e = zt_sql_change(c, "writing rights", "INSERT OR IGNORE INTO clip_rights (clip) SELECT id FROM clips WHERE" CHOSEN,
                             CHOICE_TYPES, CHOICE(w)), done);
    ZT_TRY(e = set_column(c, w, "terms", r->terms), done);
    ZT_TRY(e = set_column(c, w, "origin", r->origin), done);
    ZT_TRY(e = set_column(c, w, "holder", r->holder), done);
    ZT_TRY(e = set_column(c, w, "people", r->people), done);
    ZT_TRY(e = check_text("licence", r->licence), done);
    if (r->licence)
        e = zt_sql_change(c, "writing rights", "UPDATE clips SET licence = ?6 WHERE" CHOSEN, CHOICE_TYPES "s", CHOICE(w),
                          r->licence);
done:
    return e;
}

const char *zt_people_name(zt_people p) {
    static const char *const NAME[] = {"unknown", "none", "seen", "blurred"};
    return NAME[p];
}

/* Step through `st` (taken), one call of row() per row. */
static zt_err walk(zt_catalog *c, sqlite3_stmt *st, zt_err e, const char *doing, zt_err (*row)(void *ctx, sqlite3_stmt *st),
                   void *ctx) {
    int rc = SQLITE_ROW;
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) e = row(ctx, st);
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, doing);
    sqlite3_finalize(st);
    return e;
}

typedef struct each_ctx { zt_err (*fn)(void *ctx, const zt_rights_row *row); void *ctx; } each_ctx;
static zt_err each_row(void *ctx, sqlite3_stmt *st) {
    const each_ctx *e = ctx;
    const zt_rights_row row = {.id = sqlite3_column_int64(st, 0), .key = zt_sql_text(st, 1), .split = zt_sql_text(st, 2),
                               .source = zt_sql_text(st, 3), .source_hash = zt_sql_text(st, 4), .caption = zt_sql_text(st, 5),
                               .start_s = sqlite3_column_double(st, 6), .frames = zt_sql_int(st, 7), .height = zt_sql_int(st, 8),
                               .width = zt_sql_int(st, 9), .licence = zt_sql_text(st, 10), .terms = zt_sql_text(st, 11),
                               .origin = zt_sql_text(st, 12), .holder = zt_sql_text(st, 13),
                               .usable = sqlite3_column_int(st, 14) != 0, .people = (zt_people)sqlite3_column_int(st, 15)};
    return e->fn(e->ctx, &row);
}

zt_err zt_rights_each(zt_catalog *c, const zt_clip_choice *which, zt_err (*fn)(void *ctx, const zt_rights_row *row), void *ctx) {
    static const zt_clip_choice ALL = {0};
    const zt_clip_choice *w = which ? which : &ALL;
    sqlite3_stmt *st;
    each_ctx each = {fn, ctx};
    const zt_err e =
        zt_sql_prepare(c, &st, "reading rights",
                       "SELECT clips.id, clips.key, split, source, source_hash, caption, start_s, clips.frames, height, "
                       "width, licence, r.terms, r.origin, r.holder, clips.status = 'ok'," PEOPLE " FROM" JOINED " WHERE" CHOSEN
                       " ORDER BY clips.id",
                       CHOICE_TYPES, CHOICE(w));
    return walk(c, st, e, "reading rights", each_row, &each);
}

typedef struct count_ctx { zt_err (*fn)(void *ctx, const char *licence, int64_t clips); void *ctx; } count_ctx;
static zt_err licence_row(void *ctx, sqlite3_stmt *st) {
    const count_ctx *n = ctx;
    return n->fn(n->ctx, zt_sql_text(st, 0), sqlite3_column_int64(st, 1));
}

zt_err zt_rights_by_licence(zt_catalog *c, zt_err (*fn)(void *ctx, const char *licence, int64_t clips), void *ctx) {
    sqlite3_stmt *st;
    count_ctx count = {fn, ctx};
    const zt_err e = zt_sql_prepare(c, &st, "reading rights",
                                    "SELECT licence, COUNT(*) FROM clips WHERE status = 'ok' GROUP BY licence "
                                    "ORDER BY COUNT(*) DESC, licence", "");
    return walk(c, st, e, "reading rights", licence_row, &count);
}

static zt_err people_row(void *ctx, sqlite3_stmt *st) {
    int64_t *clips = ctx;
    clips[sqlite3_column_int(st, 0)] = sqlite3_column_int64(st, 1);
    return ZT_OK;
}

zt_err zt_rights_by_people(zt_catalog *c, int64_t clips[ZT_PEOPLE_BLURRED + 1]) {
    sqlite3_stmt *st;
    memset(clips, 0, (ZT_PEOPLE_BLURRED + 1) * sizeof *clips);
    const zt_err e = zt_sql_prepare(c, &st, "reading rights", "SELECT" PEOPLE " p, COUNT(*) FROM" JOINED
                                    " WHERE clips.status = 'ok' GROUP BY p", "");
    return walk(c, st, e, "reading rights", people_row, clips);
}

zt_err zt_rights_dataset_id(zt_catalog *c, char id[33]) {
    zt_err e = zt_catalog_get_meta(c, "dataset_id", id, 33);
    if (e != ZT_OK || id[0] || sqlite3_db_readonly(c->db, "main") != 0) return e;
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return zt_fail(ZT_IO, "%s: the system gives no random numbers for its name: %s", c->path, strerror(errno));
    for (int i = 0; i < 16; i++) ZT_TRY(e = zt_format(id + 2 * i, 3, "%02x", bytes[i]), done);
    e = zt_catalog_set_meta(c, "dataset_id", id);
done:
    return e;
}

/* ---- consent records ---- */

zt_err zt_rights_add_consent(zt_catalog *c, const zt_consent_row *r) {
    int64_t n;
    zt_err e = zt_sql_ask(c, &n, NULL, 0, "SELECT COUNT(*) FROM consents WHERE id = ?", "s", r->id);
    if (e == ZT_OK && n > 0) return zt_fail(ZT_ARG, "%s: consent record %.12s is there already", c->path, r->id);
    return e != ZT_OK ? e
                      : zt_sql_change(c, "writing a consent record", "INSERT INTO consents VALUES (?,?,?,?,?,?)", "ssssss", r->id,
                                      r->record, r->signature, r->public_key, r->revoked, r->reason);
}

zt_err zt_rights_revoke_consent(zt_catalog *c, const char *id, const char *date, const char *reason) {
    int64_t n;
    zt_err e = zt_sql_ask(c, &n, NULL, 0, "SELECT COUNT(*) FROM consents WHERE id = ?", "s", id);
    if (e == ZT_OK && n == 0)
        e = zt_fail(ZT_NOTFOUND, "%s: there is no consent record %.64s; `zoe data consent list` shows them", c->path, id);
    return e != ZT_OK ? e
                      : zt_sql_change(c, "revoking a consent record",
                                      "UPDATE consents SET revoked = ?2, reason = ?3 WHERE id = ?1 "
                                      "AND revoked = ''",
                                      "sss", id, date, reason);
}

typedef struct consent_ctx { zt_err (*fn)(void *ctx, const zt_consent_row *row); void *ctx; } consent_ctx;
static zt_err consent_row(void *ctx, sqlite3_stmt *st) {
    const consent_ctx *k = ctx;
    const zt_consent_row row = {zt_sql_text(st, 0), zt_sql_text(st, 1), zt_sql_text(st, 2),
                                zt_sql_text(st, 3), zt_sql_text(st, 4), zt_sql_text(st, 5)};
    return k->fn(k->ctx, &row);
}

zt_err zt_rights_consents(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_consent_row *row), void *ctx) {
    sqlite3_stmt *st;
    consent_ctx each = {fn, ctx};
    const zt_err e = zt_sql_prepare(c, &st, "reading consent records",
                                    "SELECT id, record, signature, public_key, revoked, reason "
                                    "FROM consents ORDER BY id",
                                    "");
    return walk(c, st, e, "reading consent records", consent_row, &each);
}

zt_err zt_rights_drop_clip(zt_catalog *c, int64_t id, const char *reason) {
    return zt_sql_change(c, "dropping a clip", "UPDATE clips SET status = 'dropped', reason = ?2 WHERE id = ?1 AND status = 'ok'",
                         "is", id, reason);
}

/* ---- runs ---- */

zt_err zt_rights_add_run(zt_catalog *c, const zt_run_row *r) {
    return zt_sql_change(c, "writing down a run", "INSERT INTO runs (path, started, clip_set, clips) VALUES (?,?,?,?)", "ssss",
                         r->path, r->started, r->clip_set, r->clips);
}

typedef struct run_ctx { zt_err (*fn)(void *ctx, const zt_run_row *run); void *ctx; } run_ctx;
static zt_err run_row(void *ctx, sqlite3_stmt *st) {
    const run_ctx *k = ctx;
    const zt_run_row row = {zt_sql_text(st, 0), zt_sql_text(st, 1), zt_sql_text(st, 2), zt_sql_text(st, 3)};
    return k->fn(k->ctx, &row);
}

zt_err zt_rights_runs(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_run_row *run), void *ctx) {
    sqlite3_stmt *st;
    run_ctx each = {fn, ctx};
    const zt_err e =
        zt_sql_prepare(c, &st, "reading the runs", "SELECT path, started, clip_set, clips FROM runs ORDER BY id", "");
    return walk(c, st, e, "reading the runs", run_row, &each);
}
