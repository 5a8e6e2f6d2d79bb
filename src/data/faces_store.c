/* faces_store.c - what was found in the clips (faces.h), kept in the catalogue. Tested by tests/data/test_data_faces.c. */
#include <stdio.h>

#include "data/catalog_impl.h"
#include "data/faces_store.h"

const char ZT_FACES_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS clip_faces (clip INTEGER PRIMARY KEY, tracks INTEGER NOT NULL, texts INTEGER NOT NULL, frames "
    "INTEGER NOT NULL, action TEXT NOT NULL, detector TEXT NOT NULL, found TEXT NOT NULL);";

zt_err zt_faces_put(zt_catalog *c, const zt_faces_row *r) {
    return zt_sql_change(c, "writing faces", "INSERT OR REPLACE INTO clip_faces VALUES (?,?,?,?,?,?,?)", "iiiisss", r->clip,
                         (int64_t)r->tracks, (int64_t)r->texts, (int64_t)r->frames, r->action, r->detector, r->found);
}

zt_err zt_faces_get(zt_catalog *c, int64_t clip, const char *detector, zt_faces_known *known) {
    sqlite3_stmt *st;
    *known = (zt_faces_known){0};
    zt_err e = zt_sql_prepare(c, &st, "reading faces",
                              "SELECT tracks, texts, action, detector = ? FROM clip_faces WHERE clip = ?", "si", detector, clip);
    const int rc = e == ZT_OK ? sqlite3_step(st) : SQLITE_DONE;
    if (rc == SQLITE_ROW) {
        *known = (zt_faces_known){.tracks = zt_sql_int(st, 0),
                                  .texts = zt_sql_int(st, 1),
                                  .same_detector = sqlite3_column_int(st, 3) != 0};
        snprintf(known->action, sizeof known->action, "%s", zt_sql_text(st, 2));
    } else if (rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading faces");
    sqlite3_finalize(st);
    return e;
}

zt_err zt_faces_each(zt_catalog *c, zt_err (*fn)(void *ctx, const zt_faces_row *row), void *ctx) {
    sqlite3_stmt *st;
    int rc = SQLITE_ROW;
    zt_err e = zt_sql_prepare(c, &st, "reading faces",
                              "SELECT clip, tracks, texts, clip_faces.frames, action, detector, found, key, "
                              "clips.frames, status FROM clip_faces JOIN clips ON clips.id = clip ORDER BY clip",
                              "");
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_faces_row row = {.clip = sqlite3_column_int64(st, 0), .tracks = zt_sql_int(st, 1), .texts = zt_sql_int(st, 2),
                                  .frames = zt_sql_int(st, 3), .action = zt_sql_text(st, 4), .detector = zt_sql_text(st, 5),
                                  .found = zt_sql_text(st, 6), .key = zt_sql_text(st, 7), .of_frames = zt_sql_int(st, 8),
                                  .status = zt_sql_text(st, 9)};
        e = fn(ctx, &row);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "reading faces");
    sqlite3_finalize(st);
    return e;
}
