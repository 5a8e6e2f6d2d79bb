/* layout.h - data sets as they are published, read in place: `zoe ingest --layout NAME`. A layout knows names of files, tables
 * and columns; decoding, cutting and splitting are data/ingest.h's. Nothing is downloaded. */
#ifndef ZT_DATA_LAYOUT_H
#define ZT_DATA_LAYOUT_H
#include <stdbool.h>
#include "base/err.h"
#include "data/ingest.h"

typedef struct zt_layout_list zt_layout_list;

typedef struct zt_layout_cfg {
    int fold; /* ucf101: which of its train and test lists, 1..3; 0: 1 */
} zt_layout_cfg;

/* One published layout, a line of layout.def. Either `list` or `store` is there, the other NULL. */
typedef struct zt_layout {
    const char *name, *doc;
    /** Whether SRC (a file or folder) looks like it: names of files and headers of tables, nothing large is read. */
    bool (*matches)(const char *src);
    /** Add an item for every clip that has a file. Errors: ZT_FORMAT (table, list or archive), ZT_NOTFOUND, ZT_IO, ZT_NOMEM. */
    zt_err (*list)(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg);
    /** Put what is no video file into cfg->out: frames and other arrays. Errors as zt_ingest, and ZT_FORMAT. */
    zt_err (*store)(const char *src, const zt_ingest_cfg *cfg, zt_ingest_report *report);
} zt_layout;

/** Layout i in the order of layout.def, NULL behind the last. */
const zt_layout *zt_layout_at(int i);
/** By name; NULL: there is none. */
const zt_layout *zt_layout_find(const char *name);
/** The one that SRC looks like; NULL: none, it is read as plain files. */
const zt_layout *zt_layout_detect(const char *src);
/** Ingest SRC, in this layout, into cfg->out: as zt_ingest with cfg (of which src and items are not used). Rows that name a file
 *  which is not there are counted in one warning; ZT_NOTFOUND when none is there. *report as in zt_ingest. */
zt_err zt_layout_ingest(const zt_layout *layout, const char *src, const zt_layout_cfg *lc, const zt_ingest_cfg *cfg,
                        zt_ingest_report *report);
#endif
