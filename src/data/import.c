/* import.c - see import.h. Tested by tests/data/test_data_filter.c. */
#include "data/import.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "data/catalog_impl.h"
#include "data/csv.h"
#include "data/jsonl.h"

#define SOURCE_NAMES "file|path|source|video|file_name|name"

typedef struct job { zt_catalog *c; zt_edit *e; const char *path, *field; zt_import_report *rep; } job;

/* Clips by the name of their source's file, so that a row finds its clips without a walk over all. rtrim leaves the folder. */
static const char NAMES[] = "CREATE TEMP TABLE import_names AS SELECT substr(source, length(rtrim(source, replace(source, '/', "
                            "''))) + 1) AS name, id, source"
                            " FROM clips; CREATE INDEX temp.import_by_name ON import_names (name);";

/* Give the clips of one row their text. The source is compared whole, or from a '/' on. */
static zt_err set_clips(job *j, const char *key, const char *source, const char *text) {
    static const char BY_KEY[] = "SELECT id FROM clips WHERE key = ?1 AND ?2 = ?2 AND ?3 = ?3";
    static const char BY_SOURCE[] =
        "SELECT id FROM temp.import_names WHERE name = ?3 AND (source = ?1 OR substr(source, -length(?2)) = ?2)";
    char end[ZT_PATH_MAX];
    sqlite3_stmt *st = NULL;
    int rc = SQLITE_ROW;
    bool any = false;
    zt_err e;
    j->rep->rows++;
    if (!text[0] || (!key[0] && !source[0])) return ZT_OK;
    ZT_TRY(e = zt_format(end, sizeof end, "/%s", source), done);
    ZT_TRY(e = zt_sql_prepare(j->c, &st, "finding clips", key[0] ? BY_KEY : BY_SOURCE, "sss", key[0] ? key : source, end,
                              zt_path_base(source)), done);
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        e = zt_edit_set(j->e, sqlite3_column_int64(st, 0), j->field, text);
        j->rep->clips++;
        any = true;
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(j->c, rc, "finding clips");
    j->rep->matched += any;
done:
    sqlite3_finalize(st);
    return e;
}

static zt_err from_table(job *j, char separator, const char *column) {
    zt_csv *t = NULL;
    bool end = false;
    int text, source;
    zt_err e;
    ZT_TRY(e = zt_csv_open(&t, j->path, separator), done);
    ZT_TRY(e = zt_csv_need(t, column, &text), done);
    const int key = zt_csv_column(t, "key");
    source = zt_csv_column(t, SOURCE_NAMES);
    if (key < 0) ZT_TRY(e = zt_csv_need(t, "key|" SOURCE_NAMES, &source), done);
    while (e == ZT_OK && (e = zt_csv_next(t, &end)) == ZT_OK && !end) {
        e = set_clips(j, zt_csv_field(t, key), zt_csv_field(t, source), zt_csv_field(t, text));
        if (e != ZT_OK) zt_fail_context(e, "%s: line %lld", j->path, (long long)zt_csv_line(t));
    }
done:
    zt_csv_close(&t);
    return e;
}

static const char *member(const json_t *row, const char *name) {
    const char *s = json_string_value(json_object_get(row, name));
    return s ? s : "";
}

static zt_err from_lines(job *j, const char *column) {
    static const char *const SOURCE[] = {"file", "path", "source", "video", "file_name", "name"};
    zt_jsonl *r = NULL;
    const json_t *row;
    zt_err e;
    ZT_TRY(e = zt_jsonl_open(&r, j->path), done);
    while (e == ZT_OK && (e = zt_jsonl_next(r, &row)) == ZT_OK && row) {
        const char *source = "";
        for (size_t i = 0; i < sizeof SOURCE / sizeof SOURCE[0] && !source[0]; i++) source = member(row, SOURCE[i]);
        if (!member(row, "key")[0] && !source[0])
            e = zt_fail(ZT_FORMAT, "%s: line %lld names no clip: a text key, file, path, source, video or name is wanted",
                        j->path, (long long)zt_jsonl_line(r));
        else if ((e = set_clips(j, member(row, "key"), source, member(row, column))) != ZT_OK)
            zt_fail_context(e, "%s: line %lld", j->path, (long long)zt_jsonl_line(r));
    }
done:
    zt_jsonl_close(&r);
    return e;
}

zt_err zt_import_texts(zt_catalog *c, zt_edit *e, const char *path, const char *column, const char *field,
                       zt_import_report *rep) {
    job j = {c, e, path, field, rep};
    *rep = (zt_import_report){0};
    zt_err err = zt_sql_run(c, NAMES, "listing the sources");
    if (err != ZT_OK) return err;
    if (zt_ends_with(path, ".jsonl")) err = from_lines(&j, column);
    else if (zt_ends_with(path, ".csv")) err = from_table(&j, ',', column);
    else if (zt_ends_with(path, ".tsv")) err = from_table(&j, '\t', column);
    else err = zt_fail(ZT_ARG, "%s: a table ends in .jsonl, .csv or .tsv", path);
    sqlite3_exec(c->db, "DROP TABLE temp.import_names", NULL, NULL, NULL);
    return err;
}
