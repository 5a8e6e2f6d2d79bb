/* layout_impl.h - shared by the files of data/layout/: growing a list of items, finding the files that tables speak of. */
#ifndef ZT_DATA_LAYOUT_IMPL_H
#define ZT_DATA_LAYOUT_IMPL_H
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "data/layout/layout.h"

#define ZT_LAYOUT_VIDEOS(word, name, doc) \
    bool zt_layout_##word##_matches(const char *src); \
    zt_err zt_layout_##word##_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg);
#define ZT_LAYOUT_ARRAYS(word, name, doc) \
    bool zt_layout_##word##_matches(const char *src); \
    zt_err zt_layout_##word##_store(const char *src, const zt_ingest_cfg *cfg, zt_ingest_report *report);
#include "data/layout/layout.def"
#undef ZT_LAYOUT_VIDEOS
#undef ZT_LAYOUT_ARRAYS

/* What a layout's `list` fills. */
struct zt_layout_list {
    zt_arena *text; /* strings of the items */
    zt_ingest_item *item;
    size_t n, cap;
    int64_t rows, missing; /* rows seen; of them without a file */
    char first_missing[ZT_PATH_MAX];
    zt_map *map; /* archives, mapped as long as items lie in them */
    int n_maps;
};

/** Add an item; its strings are copied. Errors: ZT_NOMEM. */
zt_err zt_layout_add(zt_layout_list *l, const zt_ingest_item *item);
/** Add an item when its file is there; else it is counted as missing. */
zt_err zt_layout_add_file(zt_layout_list *l, const zt_ingest_item *item);
/** Count a row without file; `name` is what it asked for. */
void zt_layout_missing(zt_layout_list *l, const char *name);
/** labels as text of an item; takes the reference (NULL: out of memory), *text lives in the list's arena. */
zt_err zt_layout_labels(zt_layout_list *l, json_t *labels, const char **text);
/** Add the rows of a file of JSON lines; relative paths start at `dir`. */
zt_err zt_layout_read_jsonl(zt_layout_list *l, const char *path, const char *dir);
/** "training" -> "train", "validate" -> "val"...; NULL for what is no split. */
const char *zt_layout_split(const char *word);

/** `path` as it is when absolute, else inside `dir`. Errors: ZT_ARG (too long). */
zt_err zt_layout_resolve(char out[ZT_PATH_MAX], const char *dir, const char *path);
/** The folder that `path` lies in ("." when it has none). */
zt_err zt_layout_dir_of(char out[ZT_PATH_MAX], const char *path);
/** Whether dir/name is there; out (may be NULL) gets the path. */
bool zt_layout_has(const char *dir, const char *name, char out[ZT_PATH_MAX]);
bool zt_layout_is_video(const char *name); /* by its suffix */
/** Call each(ctx, path) for SRC itself when it is a file that ends in `suffix`, else for every such file in folder SRC, by name;
 *  *n (may be NULL) counts them. each may end it by an error; an unreadable folder is one. */
zt_err zt_layout_files(const char *src, const char *suffix, zt_err (*each)(void *ctx, const char *path), void *ctx, int *n);

/** The first of those files into `out`; false: there is none. */
bool zt_layout_first(const char *src, const char *suffix, char out[ZT_PATH_MAX]);

/* All files below a folder, found by name without suffix. */
typedef struct zt_file_index zt_file_index;
/** Hidden names and links are left out. Errors: ZT_IO, ZT_NOMEM, ZT_CANCELLED. */
zt_err zt_file_index_create(zt_file_index **x, const char *dir);
void zt_file_index_destroy(zt_file_index **x);
/** Path of the video whose name without suffix is `stem`, the first in byte order; NULL: none. Borrowed. */
const char *zt_file_index_find(const zt_file_index *x, const char *stem);
#endif
