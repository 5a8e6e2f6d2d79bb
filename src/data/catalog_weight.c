/* catalog_weight.c - see balance.h. Tested by tests/data/test_data_catalog.c. */
#include <stdio.h>
#include <string.h>

#include "data/balance.h"
#include "data/catalog_impl.h"

const char ZT_WEIGHT_SCHEMA[] = "CREATE TABLE IF NOT EXISTS weights (clip INTEGER PRIMARY KEY, weight REAL NOT NULL);"
                                "CREATE INDEX IF NOT EXISTS weights_weight ON weights (weight);";

/* The SQL text of a field, with ?1 as the name of the tag where it is one. */
static zt_err field_sql(const char *field, const char **sql, const char **tag) {
    static const char *const COLUMN[] = {"licence", "source", "caption"};
    *tag = "";
    *sql = "COALESCE((SELECT value FROM tags WHERE name = ?1 AND clip = clips.id), '')";
    if (strncmp(field, "tag.", 4) == 0 && field[4]) {
        *tag = field + 4;
        return ZT_OK;
    }
    for (int i = 0; i < 3; i++)
        if (strcmp(field, COLUMN[i]) == 0) {
            *sql = COLUMN[i];
            return ZT_OK;
        }
    return zt_fail(ZT_ARG, "clips cannot be grouped by '%.64s'; they can by tag.NAME, licence, source or caption", field);
}

zt_err zt_catalog_groups(zt_catalog *c, const char *field, const char *split, zt_err (*fn)(void *ctx, const zt_group *group),
                         void *ctx) {
    sqlite3_stmt *st = NULL;
    char sql[512];
    const char *text, *tag;
    int rc = SQLITE_ROW;
    zt_err e;
    ZT_TRY(e = field_sql(field, &text, &tag), done);
    snprintf(
        sql, sizeof sql,
        "SELECT %s AS value, COUNT(*), SUM(COALESCE(weight, 1)) FROM clips LEFT JOIN weights ON clip = id WHERE status = 'ok'"
        " AND (?2 = '' OR split = ?2) AND ?1 = ?1 GROUP BY 1 ORDER BY 2 DESC, 1",
        text);
    ZT_TRY(e = zt_sql_prepare(c, &st, "counting groups", sql, "ss", tag, split), done);
    while (e == ZT_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const zt_group g = {zt_sql_text(st, 0), sqlite3_column_int64(st, 1), sqlite3_column_double(st, 2)};
        e = fn(ctx, &g);
    }
    if (e == ZT_OK && rc != SQLITE_DONE) e = zt_sql_fail(c, rc, "counting groups");
done:
    sqlite3_finalize(st);
    return e;
}

zt_err zt_catalog_set_weight(zt_catalog *c, const char *field, const char *value, const char *split, double weight) {
    char sql[512];
    const char *text, *tag;
    zt_err e = field_sql(field, &text, &tag);
    if (e != ZT_OK) return e;
    if (!(weight >= 0 && weight <= ZT_WEIGHT_MAX))
        return zt_fail(ZT_ARG, "group '%.64s': weight %g; 0 to %d are possible", value, weight, ZT_WEIGHT_MAX);
    snprintf(
        sql, sizeof sql,
        "INSERT OR REPLACE INTO weights (clip, weight) SELECT id, ?4 FROM clips WHERE status = 'ok' AND (?2 = '' OR split = ?2)"
        " AND %s = ?3 AND ?1 = ?1",
        text);
    return zt_sql_change(c, "writing the weights", sql, "sssd", tag, split, value, weight);
}

zt_err zt_catalog_clear_weights(zt_catalog *c) { return zt_sql_change(c, "taking the weights away", "DELETE FROM weights", ""); }

zt_err zt_catalog_max_weight(zt_catalog *c, double *weight) {
    sqlite3_stmt *st = NULL;
    double least = 0;
    *weight = 0;
    /* Two answers from the ends of an index: no matter how many rows there are. */
    zt_err e = zt_sql_prepare(c, &st, "reading the weights",
                              "SELECT (SELECT MIN(weight) FROM weights), (SELECT MAX(weight) FROM weights)", "");
    if (e == ZT_OK) {
        const int rc = sqlite3_step(st);
        if (rc != SQLITE_ROW) e = zt_sql_fail(c, rc, "reading the weights");
        else if (sqlite3_column_type(st, 1) != SQLITE_NULL) {
            least = sqlite3_column_double(st, 0);
            *weight = sqlite3_column_double(st, 1) > 1 ? sqlite3_column_double(st, 1) : 1;   /* of a clip without a row */
        }
    }
    sqlite3_finalize(st);
    if (e == ZT_OK && (least < 0 || *weight > ZT_WEIGHT_MAX))
        e = zt_fail(ZT_FORMAT, "%s: a clip has the weight %g; 0 to %d are possible: give new ones with `zoe data balance`",
                    c->path, least < 0 ? least : *weight, ZT_WEIGHT_MAX);
    return e;
}
