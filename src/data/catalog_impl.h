/* catalog_impl.h - private to the catalogue's topic files (catalog.c, and others that add tables of their own): SQL with our
 * errors.
 * Nothing outside src/data/ includes it. */
#ifndef ZT_DATA_CATALOG_IMPL_H
#define ZT_DATA_CATALOG_IMPL_H
#include <sqlite3.h>
#include "base/file.h"
#include "data/catalog.h"
#include "data/query.h"

struct zt_catalog {
    sqlite3 *db;
    char path[ZT_PATH_MAX];
};

/* Tables of the topic files, listed in catalog.c. */
extern const char ZT_RIGHTS_SCHEMA[];   /* rights.c */
extern const char ZT_FACES_SCHEMA[];    /* faces_store.c */

/** Our code and text for what SQLite said last; `doing` completes "while ...". */
zt_err zt_sql_fail(const zt_catalog *c, int rc, const char *doing);
/** One or more statements without parameters and results. */
zt_err zt_sql_run(zt_catalog *c, const char *sql, const char *doing);
/** A statement ready to step, parameters bound by `types`, a letter each: s const char * (NULL as ""), i int64_t, d double. The
 *  caller finalizes *st, after a failure too. */
zt_err zt_sql_prepare(zt_catalog *c, sqlite3_stmt **st, const char *doing, const char *sql, const char *types, ...);
/** A statement without result rows; parameters as above. */
zt_err zt_sql_change(zt_catalog *c, const char *doing, const char *sql, const char *types, ...);
/** The first column of the first row, as a number and as text; 0 and "" when there is no row. number and text may be NULL. */
zt_err zt_sql_ask(zt_catalog *c, int64_t *number, char *text, size_t cap, const char *sql, const char *types, ...);
/** Column i of the current row as text, never NULL; valid until the next step. */
const char *zt_sql_text(sqlite3_stmt *st, int i);
/** Column i as an int; a number that fits no int, or a negative one, becomes -1, which no check downstream accepts. */
int zt_sql_int(sqlite3_stmt *st, int i);

/* The columns of table clips in the order that zt_sql_clip reads, from column 0 on. */
#define ZT_SQL_CLIP \
    "id, key, shard, offset, bytes, frames, height, width, fps, caption, source, source_hash, start_s, split, status, reason, " \
    "labels, licence"
/** The current row of a statement that selects ZT_SQL_CLIP first; its strings are valid until the next step. */
zt_catalog_clip zt_sql_clip(sqlite3_stmt *st);
/** Step to the end and call fn for each row; a result other than ZT_OK ends the walk and is returned. */
zt_err zt_sql_walk_clips(zt_catalog *c, sqlite3_stmt *st, zt_err (*fn)(void *ctx, const zt_catalog_clip *clip), void *ctx);

/** A statement "BEFORE condition AFTER" of q, its values bound to the first parameters; `before` and `after` are ours. The caller
 *  finalizes *st, after a failure too. */
zt_err zt_query_prepare(zt_catalog *c, const zt_query *q, const char *before, const char *after, sqlite3_stmt **st);

/* Tables of the topics: each beside its code, named in TOPICS of catalog.c. */
extern const char ZT_COUNTS_SCHEMA[], ZT_SIZES_SCHEMA[], ZT_CHECK_SCHEMA[], ZT_EDIT_SCHEMA[], ZT_SCORE_SCHEMA[],
    ZT_WEIGHT_SCHEMA[];
#endif
