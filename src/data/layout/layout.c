/* layout.c - see layout.h: the table of layouts, and what all of them need. Tested by tests/data/test_data_layout.c. */
#include "data/layout/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"
#include "data/layout/layout_impl.h"

static const zt_layout ALL[] = {
#define ZT_LAYOUT_VIDEOS(word, name, doc) {name, doc, zt_layout_##word##_matches, zt_layout_##word##_list, NULL},
#define ZT_LAYOUT_ARRAYS(word, name, doc) {name, doc, zt_layout_##word##_matches, NULL, zt_layout_##word##_store},
#include "data/layout/layout.def"
#undef ZT_LAYOUT_VIDEOS
#undef ZT_LAYOUT_ARRAYS
};
enum { N_LAYOUTS = sizeof ALL / sizeof ALL[0], DEPTH_MAX = 64 };

const zt_layout *zt_layout_at(int i) { return i >= 0 && i < N_LAYOUTS ? &ALL[i] : NULL; }

const zt_layout *zt_layout_find(const char *name) {
    for (int i = 0; i < N_LAYOUTS; i++)
        if (strcmp(ALL[i].name, name) == 0) return &ALL[i];
    return NULL;
}

const zt_layout *zt_layout_detect(const char *src) {
    for (int i = 0; i < N_LAYOUTS; i++)
        if (ALL[i].matches(src)) return &ALL[i];
    return NULL;
}

static void finish(zt_layout_list *l) {
    for (int i = 0; i < l->n_maps; i++) zt_map_close(&l->map[i]);
    zt_free(l->map);
    zt_free(l->item);
    zt_arena_destroy(&l->text);
}

zt_err zt_layout_ingest(const zt_layout *layout, const char *src, const zt_layout_cfg *lc, const zt_ingest_cfg *cfg,
                        zt_ingest_report *report) {
    zt_layout_list l = {0};
    zt_err e;
    if (layout->store) return layout->store(src, cfg, report);
    ZT_TRY(e = zt_arena_create(&l.text), done);
    ZT_TRY(e = layout->list(&l, src, lc), done);
    if (l.n == 0)
        e = zt_fail(ZT_NOTFOUND,
                    "%s: %s: %lld row%s, and none of their videos is there%s%s; put the files where the table says, or "
                    "give the folder that holds both",
                    src, layout->name, (long long)l.rows, l.rows == 1 ? "" : "s", l.missing ? ", such as " : "", l.first_missing);
    ZT_TRY(e, done);
    if (l.missing)
        zt_warn("%s: %lld of %lld rows have no file (the first: %s)", layout->name, (long long)l.missing, (long long)l.rows,
                l.first_missing);
    zt_ingest_cfg with = *cfg;
    with.src = NULL;
    with.n_src = 0;
    with.items = l.item;
    with.n_items = l.n;
    e = zt_ingest(&with, report);
done:
    finish(&l);
    return e;
}

/* ---- lists ---- */

static bool keep(zt_arena *a, const char **s) {
    if (*s) *s = zt_arena_strdup(a, *s);
    return *s != NULL;
}

zt_err zt_layout_add(zt_layout_list *l, const zt_ingest_item *item) {
    if (l->n == l->cap) {
        const size_t cap = l->cap ? l->cap * 2 : 256;
        zt_ingest_item *more = cap > SIZE_MAX / sizeof *more ? NULL : zt_realloc(l->item, cap * sizeof *more);
        if (!more) return zt_fail(ZT_NOMEM, "out of memory for a list of %zu clips", l->n);
        l->item = more;
        l->cap = cap;
    }
    zt_ingest_item k = *item;
    const char **const text[] = {&k.path, &k.caption, &k.labels, &k.split, &k.licence, &k.origin};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (*text[i] && !keep(l->text, text[i])) return ZT_NOMEM;
    l->item[l->n++] = k;
    l->rows++;
    return ZT_OK;
}

void zt_layout_missing(zt_layout_list *l, const char *name) {
    l->rows++;
    if (l->missing++ == 0) snprintf(l->first_missing, sizeof l->first_missing, "%s", name);
}

zt_err zt_layout_add_file(zt_layout_list *l, const zt_ingest_item *item) {
    if (zt_file_exists(item->path) && !zt_is_dir(item->path)) return zt_layout_add(l, item);
    zt_layout_missing(l, item->path);
    return ZT_OK;
}

zt_err zt_layout_labels(zt_layout_list *l, json_t *labels, const char **text) {
    char *dump = labels ? json_dumps(labels, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(labels);
    *text = dump ? zt_arena_strdup(l->text, dump) : NULL;
    free(dump); /* jansson's own allocation, not ours */
    return *text ? ZT_OK : zt_fail(ZT_NOMEM, "out of memory for the labels of a clip, or they are not UTF-8");
}

const char *zt_layout_split(const char *word) {
    static const char *const WORD[][2] = {{"train", "train"},  {"training", "train"}, {"val", "val"},   {"valid", "val"},
                                          {"validate", "val"}, {"validation", "val"}, {"test", "test"}, {"testing", "test"}};
    for (size_t i = 0; word && i < sizeof WORD / sizeof *WORD; i++)
        if (strcmp(word, WORD[i][0]) == 0) return WORD[i][1];
    return NULL;
}

/* ---- files ---- */

zt_err zt_layout_resolve(char out[ZT_PATH_MAX], const char *dir, const char *path) {
    return path[0] == '/' ? zt_format(out, ZT_PATH_MAX, "%s", path) : zt_path_join(out, dir, path);
}

zt_err zt_layout_dir_of(char out[ZT_PATH_MAX], const char *path) {
    const char *base = zt_path_base(path);
    if (base == path) return zt_format(out, ZT_PATH_MAX, ".");
    return zt_format(out, ZT_PATH_MAX, "%.*s", base - path > 1 ? (int)(base - path - 1) : 1, path);
}

bool zt_layout_has(const char *dir, const char *name, char out[ZT_PATH_MAX]) {
    char path[ZT_PATH_MAX];
    char *to = out ? out : path;
    return zt_path_join(to, dir, name) == ZT_OK && zt_file_exists(to);
}

bool zt_layout_is_video(const char *name) {
    static const char *const SUFFIX[] = {".mp4", ".webm", ".avi",  ".mkv", ".mov", ".m4v",
                                         ".gif", ".mpg",  ".mpeg", ".ogv", ".flv"};
    for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++)
        if (zt_ends_with(name, SUFFIX[i])) return true;
    return false;
}

zt_err zt_layout_files(const char *src, const char *suffix, zt_err (*each)(void *ctx, const char *path), void *ctx, int *n) {
    char **names = NULL, path[ZT_PATH_MAX];
    int count = 0, found = 0;
    zt_err e = ZT_OK;
    if (n) *n = 0;
    if (!zt_is_dir(src)) {
        if (!zt_ends_with(src, suffix)) return ZT_OK;
        if (n) *n = 1;
        return each(ctx, src);
    }
    ZT_TRY(e = zt_dir_list(src, &names, &count), done);
    for (int i = 0; i < count; i++) {
        if (names[i][0] == '.' || !zt_ends_with(names[i], suffix)) continue;
        ZT_TRY(e = zt_path_join(path, src, names[i]), done);
        found++;
        ZT_TRY(e = each(ctx, path), done);
    }
done:
    zt_names_free(names, count);
    if (n) *n = found;
    return e;
}

static zt_err keep_first(void *ctx, const char *path) {
    char *to = ctx;
    return to[0] ? ZT_OK : zt_format(to, ZT_PATH_MAX, "%s", path);
}

bool zt_layout_first(const char *src, const char *suffix, char out[ZT_PATH_MAX]) {
    out[0] = '\0';
    return zt_layout_files(src, suffix, keep_first, out, NULL) == ZT_OK && out[0];
}

/* ---- all files below a folder ---- */

typedef struct entry {
    const char *stem, *path;
} entry;

struct zt_file_index {
    zt_arena *text;
    entry *entry;
    size_t n, cap;
};

static int by_stem(const void *a, const void *b) {
    const entry *x = a, *y = b;
    const int d = strcmp(x->stem, y->stem);
    return d ? d : strcmp(x->path, y->path);
}

static zt_err index_add(zt_file_index *x, const char *path, const char *name) {
    char stem[ZT_PATH_MAX];
    const char *dot = strrchr(name, '.');
    snprintf(stem, sizeof stem, "%.*s", (int)(dot - name), name); /* a video's name has a suffix */
    if (x->n == x->cap) {
        const size_t cap = x->cap ? x->cap * 2 : 1024;
        entry *more = cap > SIZE_MAX / sizeof *more ? NULL : zt_realloc(x->entry, cap * sizeof *more);
        if (!more) return zt_fail(ZT_NOMEM, "out of memory for the names of %zu files", x->n);
        x->entry = more;
        x->cap = cap;
    }
    const entry k = {zt_arena_strdup(x->text, stem), zt_arena_strdup(x->text, path)};
    x->entry[x->n++] = k;
    return k.stem && k.path ? ZT_OK : ZT_NOMEM;
}

static zt_err index_walk(zt_file_index *x, const char *dir, int depth) {
    char **names = NULL, path[ZT_PATH_MAX];
    int n = 0;
    struct stat st;
    if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped while looking for files; nothing was changed");
    if (depth > DEPTH_MAX) return zt_fail(ZT_IO, "%s: more than %d folders deep", dir, DEPTH_MAX);
    zt_err e = zt_dir_list(dir, &names, &n);
    for (int i = 0; i < n && e == ZT_OK; i++) {
        if (names[i][0] == '.' || zt_path_join(path, dir, names[i]) != ZT_OK || lstat(path, &st) != 0) continue;
        if (S_ISDIR(st.st_mode))
            e = index_walk(x, path, depth + 1);
        else if (S_ISREG(st.st_mode) && zt_layout_is_video(names[i]))
            e = index_add(x, path, names[i]);
    }
    zt_names_free(names, n);
    return e;
}

zt_err zt_file_index_create(zt_file_index **out, const char *dir) {
    zt_file_index *x = zt_alloc(sizeof *x);
    zt_err e = x ? zt_arena_create(&x->text) : ZT_NOMEM;
    *out = NULL;
    if (e == ZT_OK) e = index_walk(x, dir, 0);
    if (e == ZT_OK && x->n) qsort(x->entry, x->n, sizeof *x->entry, by_stem);
    if (e != ZT_OK) zt_file_index_destroy(&x);
    *out = x;
    return e;
}

void zt_file_index_destroy(zt_file_index **x) {
    if (!x || !*x) return;
    zt_free((*x)->entry);
    zt_arena_destroy(&(*x)->text);
    zt_free(*x);
    *x = NULL;
}

const char *zt_file_index_find(const zt_file_index *x, const char *stem) {
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(x->entry[mid].stem, stem) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->n && strcmp(x->entry[lo].stem, stem) == 0 ? x->entry[lo].path : NULL;
}
