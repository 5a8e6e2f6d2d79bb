/* import.h - captions and tags from a table: JSON lines, CSV or tab separated, a row per clip or per source file. */
#ifndef ZT_DATA_IMPORT_H
#define ZT_DATA_IMPORT_H
#include <stdint.h>
#include "base/err.h"
#include "data/edit.h"

typedef struct zt_import_report { int64_t rows, matched, clips; } zt_import_report;

/** For each row of `path` (.jsonl, .csv, .tsv) set field `field` ("caption", "tag.NAME") of the clips it names to what its
 *  column `column` says; an empty text is passed over. A row names clips by a column key (the clip's key), or file, path,
 *  source, video or name: the source's path, or the end of it from a '/' on. Inside the change `e` of catalogue `c`.
 *  Errors: ZT_NOTFOUND, ZT_FORMAT (a broken row, no such column: the line and what is there), ZT_ARG (another suffix, a text
 *  that cannot be), ZT_IO, ZT_NOMEM. */
zt_err zt_import_texts(zt_catalog *c, zt_edit *e, const char *path, const char *column, const char *field,
                       zt_import_report *report);
#endif
