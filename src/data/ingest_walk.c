/* ingest_walk.c - which files an ingest looks at. It opens none of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
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

static zt_err add(zt_ingest_files *f, const char *path, size_t root) {
    if (f->n == f->cap) {
        const size_t cap = f->cap ? f->cap * 2 : 256;
        zt_ingest_file *more = cap > SIZE_MAX / sizeof *more ? NULL : zt_realloc(f->file, cap * sizeof *more);
        if (!more) return zt_fail(ZT_NOMEM, "out of memory for the names of %zu files", f->n);
        f->file = more;
        f->cap = cap;
    }
    f->file[f->n].path = zt_arena_strdup(f->arena, path);
    f->file[f->n].root = root;
    return f->file[f->n++].path ? ZT_OK : ZT_NOMEM;
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
    if (S_ISREG(st.st_mode) && !is_other(name)) return add(f, path, root);
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

zt_err zt_ingest_walk(zt_ingest_files *f, const char *const *src, int n, const char *out) {
    struct stat st;
    zt_err e = zt_arena_create(&f->arena);
    if (e == ZT_OK && stat(out, &st) == 0) {
        f->has_out = true;
        f->out_dev = (uint64_t)st.st_dev;
        f->out_ino = (uint64_t)st.st_ino;
    }
    for (int i = 0; i < n && e == ZT_OK; i++) {
        char path[ZT_PATH_MAX];   /* realpath wants PATH_MAX, which is this on Linux */
        if (!realpath(src[i], path))
            return zt_fail(errno == ENOENT || errno == ENOTDIR ? ZT_NOTFOUND : ZT_IO, "%s: cannot be read: %s; check the path",
                           src[i], strerror(errno));
        e = zt_is_dir(path) ? walk(f, path, strlen(path), 0) : add(f, path, 0);
    }
    return e;
}

void zt_ingest_files_finish(zt_ingest_files *f) {
    zt_arena_destroy(&f->arena);
    zt_free(f->file);
    *f = (zt_ingest_files){0};
}
