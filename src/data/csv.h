/* csv.h - tables of comma separated values, one record after another, columns by name. Strict: a quote out of place would move
 * everything behind it, so it ends the reading with the line it is in.
 * Format: RFC 4180, with a header line; also LF alone as line end, another separator, a byte order mark, empty lines
 * (skipped). */
#ifndef ZT_DATA_CSV_H
#define ZT_DATA_CSV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_CSV_COLUMNS_MAX = 1024, ZT_CSV_RECORD_MAX = 1 << 20 }; /* columns; bytes of one record */

typedef struct zt_csv zt_csv;

/** Open a table and read its header line. sep: ',' or '\t'. The file is mapped: of a table of any size one record is in memory.
 *  Errors: ZT_NOTFOUND, ZT_IO, ZT_NOMEM, ZT_FORMAT (no header line, or as in zt_csv_next). *c is NULL on failure. */
zt_err zt_csv_open(zt_csv **c, const char *path, char sep);
/** The same on bytes[0..len), which must outlive it; `where` (copied) names them in errors. */
zt_err zt_csv_open_bytes(zt_csv **c, const void *bytes, size_t len, const char *where, char sep);
/** NULL and *c == NULL are fine; sets *c = NULL. */
void zt_csv_close(zt_csv **c);

int zt_csv_columns(const zt_csv *c); /* 1..ZT_CSV_COLUMNS_MAX */
/** The column with one of the names "a|b|c", the first name that is there (ASCII case-insensitive); -1: none. */
int zt_csv_column(const zt_csv *c, const char *names);
/** The same, and none is ZT_FORMAT: the text lists the columns that are there. */
zt_err zt_csv_need(const zt_csv *c, const char *names, int *column);

/** Go to the next record; *end = true behind the last one. Errors, after which only closing is left: ZT_FORMAT, naming the line
 *  (a quote inside an unquoted field, text behind a closing quote, a quote never closed, another number of fields than the
 *  header has, a record larger than ZT_CSV_RECORD_MAX, a NUL byte, not UTF-8); ZT_NOMEM. One thread at a time. */
zt_err zt_csv_next(zt_csv *c, bool *end);
/** Field `column` of this record without its quotes: UTF-8, valid until the next zt_csv_next; "" for column -1. */
const char *zt_csv_field(const zt_csv *c, int column);
/** Line of the file, from 1, in which this record starts: for error texts. */
int64_t zt_csv_line(const zt_csv *c);
/** Part of the file behind us, 0..1: for progress. */
double zt_csv_done(const zt_csv *c);
#endif
