/* ingest_walk.c - which files an ingest looks at. It opens none of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "data/ingest_impl.h"

enum { DEPTH_MAX = 64 };

/* What lies beside videos and is none. A file the user names himself is looked at whatever its name. */
static const char *const OTHER[] = {
    ".txt",  ".tsv", ".csv",  ".json",        ".jsonl", ".md",      ".rst", ".npy",    ".npz",  ".xml", ".yaml", ".yml",
    ".toml", ".ini", ".html", ".htm",         ".pdf",   ".srt",     ".vtt", ".ass",    ".sub",  ".log", ".py",   ".sh",
    ".c",    ".h",   ".zip",  ".tar",         ".gz",    ".tgz",     ".xz",  ".zst",    ".7z",   ".rar", ".db",   ".sqlite",
    ".pkl",  ".pt",  ".pth",  ".safetensors", ".bin",   ".parquet", ".md5", ".sha256", ".part", ".tmp", ".lock", ".bak",
};

static bool is_other(const char *name) {
    for (size_t i = 0; i < sizeof OTHER / sizeof OTHER[0]; i++)
        if (zt_ends_with(name, OTHER[i])) return true;
    return false;
}

static int64_t nanoseconds(const struct timespec *t) { return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec; }

static zt_err add(zt_ingest_files *f, const char *path, size_t root, const zt_ingest_item *item) {
    if (f->n == f->cap) {
        const size_t cap = f->cap ? f->cap * 2 : 256;
        zt_ingest_file *more = cap > SIZE_MAX / sizeof *more ? NULL : zt_realloc(f->file, cap * sizeof *more);
        if (!more) return zt_fail(ZT_NOMEM, "out of memory for the names of %zu files", f->n);
        f->file = more;
        f->cap = cap;
    }
    const bool same = f->n > 0 && strcmp(f->file[f->n - 1].path, path) == 0;   /* pieces of one file */
    const char *name = same ? f->file[f->n - 1].path : zt_arena_strdup(f->arena, path);
    zt_ingest_file k = {.path = name, .root = root, .bytes = -1, .item = item};
    struct stat st;
    if (item && item->bytes) k.bytes = (int64_t)item->n_bytes;
    else if (stat(path, &st) == 0) {
        k.bytes = (int64_t)st.st_size;
        k.modified = nanoseconds(&st.st_mtim);
        k.changed = nanoseconds(&st.st_ctim);
    }
    f->file[f->n++] = k;
    return name ? ZT_OK : ZT_NOMEM;
}

static zt_err walk(zt_ingest_files *f, const char *dir, size_t root, int depth);

static zt_err visit(zt_ingest_files *f, const char *dir, const char *name, size_t root, int depth) {
    char path[ZT_PATH_MAX];
    struct stat st;
    if (name[0] == '.' || zt_path_join(path, dir, name) != ZT_OK || lstat(path, &st) != 0) {
        f->skipped++;
        return ZT_OK;
    }
    if (S_ISDIR(st.st_mode)) {
        if (f->has_out && (uint64_t)st.st_dev == f->out_dev && (uint64_t)st.st_ino == f->out_ino) return ZT_OK;
        zt_err e = depth >= DEPTH_MAX ? zt_fail(ZT_IO, "%s: more than %d folders deep", path, DEPTH_MAX)
                                      : walk(f, path, root, depth + 1);
        if (e == ZT_OK || e == ZT_NOMEM || e == ZT_CANCELLED) return e;
        zt_warn("left out: %s", zt_err_text());
        f->skipped++;
        return ZT_OK;
    }
    if (S_ISREG(st.st_mode) && !is_other(name)) return add(f, path, root, NULL);
    f->skipped++;
    return ZT_OK;
}

static zt_err walk(zt_ingest_files *f, const char *dir, size_t root, int depth) {
    char **names = NULL;
    int n = 0;
    if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped while looking for files; nothing was changed");
    zt_err e = zt_dir_list(dir, &names, &n);
    for (int i = 0; i < n && e == ZT_OK; i++) e = visit(f, dir, names[i], root, depth);
    zt_names_free(names, n);
    return e;
}

static zt_err absolute(const char *src, char path[ZT_PATH_MAX]) {
    if (realpath(src, path)) return ZT_OK;
    return zt_fail(errno == ENOENT || errno == ENOTDIR ? ZT_NOTFOUND : ZT_IO, "%s: cannot be read: %s; check the path", src,
                   strerror(errno));
}

static zt_err check_item(const zt_ingest_item *k, size_t number) {
    static const char *const SPLIT[] = {"", "train", "val", "test"};
    json_t *labels = NULL;
    bool known = !k->split;
    if (!k->path || !k->path[0]) return zt_fail(ZT_ARG, "ingest: item %zu of the list names no file", number);
    if (!(k->start_s >= 0 && k->start_s < 1e9) || !(k->end_s == 0 || (k->end_s > k->start_s && k->end_s < 1e9)))
        return zt_fail(ZT_ARG, "%s: item %zu: from %g s to %g s; wanted a start of 0 or more and a later end", k->path, number,
                       k->start_s, k->end_s);
    for (int i = 0; i < 4 && !known; i++) known = strcmp(k->split, SPLIT[i]) == 0;
    if (!known)
        return zt_fail(ZT_ARG, "%s: item %zu: split '%.40s'; splits are train, val and test", k->path, number, k->split);
    const char *const text[] = {k->caption, k->licence, k->origin};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (text[i] && !zt_utf8_valid(text[i], strlen(text[i]), NULL))
            return zt_fail(ZT_ARG, "%s: item %zu: caption, licence or origin is not UTF-8 text", k->path, number);
    if (!k->labels || !k->labels[0]) return ZT_OK;
    zt_err e = zt_json_parse(k->labels, strlen(k->labels), k->path, &labels);
    if (e == ZT_OK && !json_is_object(labels)) e = zt_fail(ZT_ARG, "%s: item %zu: labels are no JSON object", k->path, number);
    json_decref(labels);
    return e;
}

zt_err zt_ingest_list(zt_ingest_files *f, const zt_ingest_item *items, size_t n) {
    zt_err e = f->arena ? ZT_OK : zt_arena_create(&f->arena);
    for (size_t i = 0; i < n && e == ZT_OK; i++) {
        char path[ZT_PATH_MAX];
        ZT_TRY(e = check_item(&items[i], i + 1), done);
        ZT_TRY(e = items[i].bytes ? zt_format(path, sizeof path, "%s", items[i].path) : absolute(items[i].path, path), done);
        e = add(f, path, 0, &items[i]);
    }
done:
    return e;
}

zt_err zt_ingest_walk(zt_ingest_files *f, const char *const *src, int n, const char *out) {
    struct stat st;
    zt_err e = f->arena ? ZT_OK : zt_arena_create(&f->arena);
    if (e == ZT_OK && stat(out, &st) == 0) {
        f->has_out = true;
        f->out_dev = (uint64_t)st.st_dev;
        f->out_ino = (uint64_t)st.st_ino;
    }
    for (int i = 0; i < n && e == ZT_OK; i++) {
        char path[ZT_PATH_MAX];   /* realpath wants PATH_MAX, which is this on Linux */
        if ((e = absolute(src[i], path)) == ZT_OK)
            e = zt_is_dir(path) ? walk(f, path, strlen(path), 0) : add(f, path, 0, NULL);
    }
    return e;
}

void zt_ingest_files_finish(zt_ingest_files *f) {
    zt_arena_destroy(&f->arena);
    zt_free(f->file);
    *f = (zt_ingest_files){0};
}
