/* catalog_edit.c - see edit.h. What shall change is first written to the history, then done from there in a few statements; undo
 * goes the other way. Tested by tests/data/test_data_catalog.c. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "data/catalog_impl.h"
#include "data/edit.h"

/* old and new are NULL where there is no tag. */
const char ZT_EDIT_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS tags (name TEXT NOT NULL, clip INTEGER NOT NULL, value TEXT NOT NULL, by TEXT NOT NULL,"
    " PRIMARY KEY (name, clip)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL,"
    " by TEXT NOT NULL, clips INTEGER NOT NULL, undone TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS history (change INTEGER NOT NULL, field TEXT NOT NULL, clip INTEGER NOT NULL, old TEXT, new TEXT,"
    " old_by TEXT, PRIMARY KEY (change, field, clip)) WITHOUT ROWID;";

static const char USER[] = "user";
#define NOW "strftime('%Y-%m-%dT%H:%M:%SZ')"

struct zt_edit {
    zt_catalog *c;
    int64_t change;
    char by[64];
    sqlite3_stmt *old_column, *old_tag, *note, *keep;
};

/* ---- what is allowed ---- */

static bool one_line(const char *s, size_t max) {
    const size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 127) return false;
    return n <= max && zt_utf8_valid(s, n, NULL);
}

zt_err zt_tag_check(const char *name, const char *value) {
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || name[n] == '-' || name[n] == '_') n++;
    if (n == 0 || name[n] || n > ZT_CLIP_TAG_NAME_MAX)
        return zt_fail(ZT_ARG, "tag '%.64s': a name has 1 to %d letters, digits, - and _", name, ZT_CLIP_TAG_NAME_MAX);
    if (value && (!value[0] || !one_line(value, ZT_CLIP_TAG_VALUE_MAX)))
        return zt_fail(ZT_ARG, "tag %s: its value '%.64s' must be 1 to %d bytes of UTF-8 on one line", name, value,
                       ZT_CLIP_TAG_VALUE_MAX);
    return ZT_OK;
}

static bool is_tag(const char *field) { return strncmp(field, "tag.", 4) == 0; }

static zt_err check_text(const char *field, const char *text) {
    if (is_tag(field)) return zt_tag_check(field + 4, text);
    if (!text || !one_line(text, ZT_CAPTION_EDIT_MAX))
        return zt_fail(ZT_ARG, "%s '%.64s': it must be at most %d bytes of UTF-8 on one line", field, text ? text : "",
                       ZT_CAPTION_EDIT_MAX);
    if (strcmp(field, "status") == 0 && strcmp(text, "ok") != 0 && strcmp(text, "dropped") != 0)
        return zt_fail(ZT_ARG, "status '%.64s': it is ok or dropped", text);
    if (strcmp(field, "status") != 0 && strcmp(field, "reason") != 0 && strcmp(field, "caption") != 0)
        return zt_fail(ZT_ARG, "a clip has no field '%.64s' that can be changed; caption and tag.NAME can", field);
    return ZT_OK;
}

/* ---- one change ---- */

static zt_err prepare_all(zt_edit *e) {
    static const char DOING[] = "preparing a change";
    zt_err err;
    ZT_TRY(err = zt_sql_prepare(e->c, &e->old_column, DOING, "SELECT caption, status, reason FROM clips WHERE id = ?", ""), done);
    ZT_TRY(err = zt_sql_prepare(e->c, &e->old_tag, DOING, "SELECT value, by FROM tags WHERE name = ? AND clip = ?", ""), done);
    ZT_TRY(err = zt_sql_prepare(e->c, &e->keep, DOING, "DELETE FROM history WHERE change = ? AND field = ? AND clip = ?", ""),
           done);
    err = zt_sql_prepare(e->c, &e->note, DOING,
                         "INSERT OR REPLACE INTO history (change, field, clip, old, new, old_by) VALUES (?,?,?,?,?,?)", "");
done:
    return err;
}

zt_err zt_edit_begin(zt_edit **out, zt_catalog *c, const char *what, const char *by) {
    zt_err err;
    bool began = false;
    *out = NULL;
    zt_edit *e = zt_alloc(sizeof *e);
    if (!e) return ZT_NOMEM;
    e->c = c;
    snprintf(e->by, sizeof e->by, "%s", by);
    ZT_TRY(err = zt_catalog_begin(c), done);
    began = true;
    ZT_TRY(err = zt_sql_change(c, "writing the history",
                               "INSERT INTO changes (at, what, by, clips, undone) VALUES (" NOW ", ?, ?, 0, '')", "ss", what, by),
           done);
    e->change = sqlite3_last_insert_rowid(c->db);
    err = prepare_all(e);
done:
    if (err == ZT_OK) *out = e;
    else if (began) zt_edit_cancel(&e);
    else zt_free(e);
    return err;
}

static void finish(zt_edit *e) {
    sqlite3_finalize(e->old_column);
    sqlite3_finalize(e->old_tag);
    sqlite3_finalize(e->note);
    sqlite3_finalize(e->keep);
    zt_free(e);
}

void zt_edit_cancel(zt_edit **pe) {
    if (!pe || !*pe) return;
    zt_catalog *c = (*pe)->c;
    finish(*pe);
    sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    *pe = NULL;
}

/* What the field says now: *st is then on the row, *old and for a tag *by (who said it) in it until the statement is reset; NULL
 * where there is no such tag. */
static zt_err find_old(zt_edit *e, int64_t clip, const char *field, sqlite3_stmt **st, const char **old, const char **by) {
    int rc;
    *by = *old = NULL;
    if (!is_tag(field)) {
        *st = e->old_column;
        sqlite3_bind_int64(*st, 1, clip);
        if ((rc = sqlite3_step(*st)) == SQLITE_DONE)
            return zt_fail(ZT_NOTFOUND, "%s: there is no clip %lld", e->c->path, (long long)clip);
        if (rc == SQLITE_ROW) *old = zt_sql_text(*st, field[0] == 'c' ? 0 : field[0] == 's' ? 1 : 2);
    } else {
        *st = e->old_tag;
        sqlite3_bind_text(*st, 1, field + 4, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(*st, 2, clip);
        rc = sqlite3_step(*st);
        if (rc == SQLITE_ROW) {
            *old = zt_sql_text(*st, 0);
            *by = zt_sql_text(*st, 1);
        }
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ZT_OK : zt_sql_fail(e->c, rc, "reading a clip");
}

zt_err zt_edit_set(zt_edit *e, int64_t clip, const char *field, const char *text) {
    sqlite3_stmt *old_st = NULL;
    const char *old = NULL, *old_by = NULL;
    zt_err err;
    ZT_TRY(err = check_text(field, text), done);
    ZT_TRY(err = find_old(e, clip, field, &old_st, &old, &old_by), done);
    if (old_by && strcmp(old_by, USER) == 0 && strcmp(e->by, USER) != 0) goto done;
    const bool same = old && text ? strcmp(old, text) == 0 : !old && !text;
    sqlite3_stmt *st = same ? e->keep : e->note;
    sqlite3_bind_int64(st, 1, e->change);
    sqlite3_bind_text(st, 2, field, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(st, 3, clip);
    if (!same) {
        sqlite3_bind_text(st, 4, old, -1, SQLITE_TRANSIENT);    /* a NULL pointer binds NULL */
        sqlite3_bind_text(st, 5, text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(st, 6, old_by, -1, SQLITE_TRANSIENT);
    }
    const int rc = sqlite3_step(st);
    if (rc != SQLITE_DONE) err = zt_sql_fail(e->c, rc, "writing the history");
    sqlite3_reset(st);
done:
    if (old_st) sqlite3_reset(old_st);
    return err;
}

zt_err zt_edit_drop(zt_edit *e, int64_t clip, const char *reason) {
    const zt_err err = zt_edit_set(e, clip, "status", "dropped");
    return err == ZT_OK ? zt_edit_set(e, clip, "reason", reason) : err;
}

zt_err zt_edit_restore(zt_edit *e, int64_t clip) {
    const zt_err err = zt_edit_set(e, clip, "status", "ok");
    return err == ZT_OK ? zt_edit_set(e, clip, "reason", "") : err;
}

zt_err zt_edit_clips(zt_edit *e, int64_t *n) {
    return zt_sql_ask(e->c, n, NULL, 0, "SELECT COUNT(DISTINCT clip) FROM history WHERE change = ?", "i", e->change);
}

/* Give everything that `change` touched its new text, or to undo it the old one. */
static zt_err apply(zt_catalog *c, int64_t change, bool undo) {
    static const char *const FIELD[] = {"caption", "status", "reason"};
    const char *to = undo ? "old" : "new", *by = undo ? "old_by" : "(SELECT by FROM changes WHERE id = change)";
    char sql[512];
    zt_err err = ZT_OK;
    for (int i = 0; i < 3 && err == ZT_OK; i++) {
        snprintf(
            sql, sizeof sql,
            "UPDATE clips SET %s = COALESCE(h.%s, '') FROM history h WHERE h.change = ? AND h.field = '%s' AND h.clip = clips.id",
            FIELD[i], to, FIELD[i]);
        err = zt_sql_change(c, "changing the clips", sql, "i", change);
    }
    if (err != ZT_OK) return err;
    snprintf(sql, sizeof sql,
             "DELETE FROM tags WHERE (name, clip) IN (SELECT substr(field, 5), clip FROM history WHERE change = ? AND field LIKE "
             "'tag.%%'"
             " AND %s IS NULL)",
             to);
    ZT_TRY(err = zt_sql_change(c, "changing the tags", sql, "i", change), done);
    snprintf(sql, sizeof sql,
             "INSERT OR REPLACE INTO tags (name, clip, value, by) SELECT substr(field, 5), clip, %s, %s FROM history"
             " WHERE change = ? AND field LIKE 'tag.%%' AND %s IS NOT NULL", to, by, to);
    err = zt_sql_change(c, "changing the tags", sql, "i", change);
done:
    return err;
}

zt_err zt_edit_commit(zt_edit **pe) {
    zt_edit *e = *pe;
    zt_err err;
    int64_t clips;
    ZT_TRY(err = zt_edit_clips(e, &clips), fail);
    ZT_TRY(err = apply(e->c, e->change, false), fail);
    if (clips)
        err = zt_sql_change(e->c, "writing the history", "UPDATE changes SET clips = ? WHERE id = ?", "ii", clips, e->change);
    else err = zt_sql_change(e->c, "writing the history", "DELETE FROM changes WHERE id = ?", "i", e->change);
    if (err != ZT_OK) goto fail;
    zt_catalog *c = e->c;
    ZT_TRY(err = zt_catalog_commit(c), fail);
    finish(e);
    *pe = NULL;
    return ZT_OK;
fail:
    zt_edit_cancel(pe);
    return err;
}

/* ---- the history ---- */

zt_err zt_catalog_changes(zt_catalog *c, int64_t limit, zt_err (*fn)(void *ctx, const zt_change *change), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the history",
                              "SELECT id, clips, at, what, undone FROM changes ORDER BY id DESC LIMIT ?", "i",
                              limit > 0 ? limit : INT64_MAX);
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_change k = {sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), zt_sql_text(st, 2), zt_sql_text(st, 3),
                             zt_sql_text(st, 4)};
        e = fn(ctx, &k);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the history");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_undo(zt_catalog *c, char *what, size_t cap, int64_t *clips) {
    int64_t id;
    zt_err e;
    ZT_TRY(e = zt_sql_ask(c, &id, NULL, 0, "SELECT MAX(id) FROM changes WHERE undone = ''", ""), done);
    if (id == 0) return zt_fail(ZT_NOTFOUND, "%s: nothing has been changed that could be undone", c->path);
    ZT_TRY(e = zt_sql_ask(c, NULL, what, cap, "SELECT what FROM changes WHERE id = ?", "i", id), done);
    ZT_TRY(e = zt_sql_ask(c, clips, NULL, 0, "SELECT clips FROM changes WHERE id = ?", "i", id), done);
    ZT_TRY(e = zt_catalog_begin(c), done);
    if ((e = apply(c, id, true)) == ZT_OK
        && (e = zt_sql_change(c, "writing the history", "UPDATE changes SET undone = " NOW " WHERE id = ?", "i", id)) == ZT_OK)
        return zt_catalog_commit(c);
    sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
done:
    return e;
}

/* ---- tags ---- */

zt_err zt_catalog_tag(zt_catalog *c, int64_t clip, const char *name, char *value, size_t cap) {
    return zt_sql_ask(c, NULL, value, cap, "SELECT value FROM tags WHERE name = ? AND clip = ?", "si", name, clip);
}

zt_err zt_catalog_tags(zt_catalog *c, zt_err (*fn)(void *ctx, const char *name, const char *value, int64_t n), void *ctx) {
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading the tags",
                              "SELECT name, value, COUNT(*) FROM tags JOIN clips ON id = clip WHERE status = 'ok'"
                              " GROUP BY name, value ORDER BY name, COUNT(*) DESC, value", "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
        e = fn(ctx, zt_sql_text(st, 0), zt_sql_text(st, 1), sqlite3_column_int64(st, 2));
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading the tags");
    sqlite3_finalize(st);
    return e;
}
