/* file.c - whole files, atomic writes, folders, read-only maps (POSIX).
 * No formats here: those are json.c, yaml.c and the layers above. */
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"

enum { DEPTH_MAX = 100, NAMES_MAX = 10 << 20 }; /* nested folders zt_dir_remove follows; names in one folder */

static zt_err fail_errno(const char *path, const char *what) {
    int cause = errno;
    zt_err e = cause == ENOENT || cause == ENOTDIR ? ZT_NOTFOUND : cause == ENOMEM ? ZT_NOMEM : ZT_IO;
    const char *next = cause == ENOENT                      ? "; check the path"
                       : cause == EACCES || cause == EPERM  ? "; check the permissions"
                       : cause == ENOSPC || cause == EDQUOT ? "; free some space"
                                                            : "";
    return zt_fail(e, "%s: %s: %s%s", path, what, strerror(cause), next);
}

/* Opens only regular files. O_NONBLOCK: opening a FIFO must not hang; it changes nothing for regular files. */
static zt_err open_regular(const char *path, int *fd, int64_t *size) {
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return fail_errno(path, "cannot be opened");
    if (fstat(*fd, &st) != 0) return fail_errno(path, "cannot be examined");
    if (!S_ISREG(st.st_mode))
        return zt_fail(ZT_IO, "%s: is %s, wanted a regular file", path, S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
    *size = (int64_t)st.st_size;
    return ZT_OK;
}

static void close_fd(int *fd) {
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

zt_err zt_file_read(const char *path, size_t max_bytes, char **buf, size_t *len) {
    int fd = -1;
    int64_t size = 0;
    size_t got = 0;
    zt_err e;
    *buf = NULL;
    *len = 0;
    ZT_TRY(e = open_regular(path, &fd, &size), done);
    if ((uint64_t)size > max_bytes) {
        e = zt_fail(ZT_FORMAT, "%s: has %lld bytes, at most %zu are read; is it the right file?", path, (long long)size,
                    max_bytes);
        goto done;
    }
    *buf = zt_alloc((size_t)size + 1);
    if (!*buf) {
        e = ZT_NOMEM;
        goto done;
    }
    while (got < (size_t)size) {
        ssize_t n = read(fd, *buf + got, (size_t)size - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            e = fail_errno(path, "reading failed");
            goto done;
        }
        if (n == 0) /* it shrank meanwhile */
            break;
        got += (size_t)n;
    }
    (*buf)[got] = 0;
    *len = got;
done:
    close_fd(&fd);
    if (e != ZT_OK) {
        zt_free(*buf);
        *buf = NULL;
    }
    return e;
}

static zt_err sync_path(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    zt_err e = ZT_OK;
    if (fd < 0) return fail_errno(path, "cannot be opened");
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that cannot sync folders */
        e = fail_errno(path, "syncing failed");
    close_fd(&fd);
    return e;
}

/* The folder that holds path: everything before the last '/'. */
static zt_err parent_of(const char *path, char out[ZT_PATH_MAX]) {
    const char *base = zt_path_base(path);
    if (base == path) return zt_format(out, ZT_PATH_MAX, ".");
    int n = base - path > 1 ? (int)(base - path - 1) : 1;
    return zt_format(out, ZT_PATH_MAX, "%.*s", n, path);
}

static zt_err write_all(int fd, const char *path, const char *p, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_errno(path, "writing failed");
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? ZT_OK : fail_errno(path, "syncing failed");
}

zt_err zt_file_write(const char *path, const void *bytes, size_t len) {
    char tmp[ZT_PATH_MAX], dir[ZT_PATH_MAX];
    int fd = -1;
    bool made = false;
    zt_err e;
    ZT_TRY(e = zt_format(tmp, sizeof tmp, "%s.tmp.%ld", path, (long)getpid()), done);
    ZT_TRY(e = parent_of(path, dir), done);
    if (zt_is_dir(path)) {
        e = zt_fail(ZT_IO, "%s: is a folder, wanted a file name to write to", path);
        goto done;
    }
    (void)unlink(tmp); /* left by a dead process that had our number */
    fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        e = fail_errno(path, "cannot be written");
        goto done;
    }
    made = true;
    ZT_TRY(e = write_all(fd, path, bytes, len), done);
    int closed = close(fd);
    fd = -1;
    if (closed != 0 || rename(tmp, path) != 0) {
        e = fail_errno(path, "cannot be written");
        goto done;
    }
    made = false;
    e = sync_path(dir);
done:
    close_fd(&fd);
    if (made) (void)unlink(tmp);
    return e;
}

bool zt_file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool zt_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t zt_file_size(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* ---- folders ---- */

zt_err zt_dir_make(const char *path) {
    char part[ZT_PATH_MAX];
    zt_err e;
    ZT_TRY(e = zt_format(part, sizeof part, "%s", path), done);
    for (char *p = part + 1; part[0]; p++) {
        if (*p != '/' && *p != 0) continue;
        char end = *p;
        *p = 0;
        if (mkdir(part, 0777) != 0 && !(errno == EEXIST && zt_is_dir(part))) return fail_errno(part, "folder cannot be made");
        *p = end;
        if (!end) break;
    }
done:
    return e;
}

zt_err zt_dir_sync(const char *path) {
    char **names = NULL, full[ZT_PATH_MAX];
    int n = 0;
    struct stat st;
    zt_err e;
    ZT_TRY(e = zt_dir_list(path, &names, &n), done);
    for (int i = 0; i < n; i++) {
        ZT_TRY(e = zt_path_join(full, path, names[i]), done);
        if (lstat(full, &st) == 0 && S_ISREG(st.st_mode)) ZT_TRY(e = sync_path(full), done);
    }
    e = sync_path(path);
done:
    zt_names_free(names, n);
    return e;
}

static zt_err remove_entries(int at, const char *name, const char *whole, int depth);

static zt_err remove_entry(int dir, const char *name, const char *whole, int depth) {
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ZT_OK : fail_errno(whole, "cannot be examined");
    if (S_ISDIR(st.st_mode)) {
        zt_err e = remove_entries(dir, name, whole, depth);
        if (e != ZT_OK) return e;
    }
    if (unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT)
        return fail_errno(whole, "cannot be removed");
    return ZT_OK;
}

/* Empties the folder `name` of the open folder `at`. By descriptors: a link put in its place meanwhile is not followed. */
static zt_err remove_entries(int at, const char *name, const char *whole, int depth) {
    if (depth > DEPTH_MAX) return zt_fail(ZT_IO, "%s: folders are nested deeper than %d; remove it by hand", whole, DEPTH_MAX);
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return fail_errno(whole, "cannot be opened");
    DIR *d = fdopendir(fd);
    if (!d) {
        close_fd(&fd);
        return fail_errno(whole, "cannot be listed");
    }
    zt_err e = ZT_OK;
    for (struct dirent *item; e == ZT_OK && (item = readdir(d)) != NULL;)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            e = remove_entry(fd, item->d_name, whole, depth + 1);
    (void)closedir(d);
    return e;
}

zt_err zt_dir_remove(const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0) return errno == ENOENT || errno == ENOTDIR ? ZT_OK : fail_errno(path, "cannot be examined");
    if (!S_ISDIR(st.st_mode)) return zt_fail(ZT_IO, "%s: is not a folder, so it was not removed", path);
    return remove_entry(AT_FDCWD, path, path, 0);
}

static zt_err sync_parent(const char *path) {
    char parent[ZT_PATH_MAX];
    zt_err e = parent_of(path, parent);
    return e != ZT_OK ? e : sync_path(parent);
}

zt_err zt_dir_swap(const char *fresh, const char *dir) {
    if (rename(fresh, dir) == 0) return sync_parent(dir);
    if (errno != ENOTEMPTY && errno != EEXIST) return fail_errno(dir, "cannot be put in place");
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RENAME_EXCHANGE) != 0)
        return fail_errno(dir, "cannot be exchanged for the new folder");
    zt_err e = sync_parent(dir);
    return e != ZT_OK ? e : zt_dir_remove(fresh);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static zt_err add_name(char ***names, int *n, int *cap, const char *name, const char *path) {
    if (*n == *cap) {
        if (*cap >= NAMES_MAX) return zt_fail(ZT_IO, "%s: holds more than %d names; split the folder", path, NAMES_MAX);
        int more = *cap ? 2 * *cap : 64;
        char **grown = zt_realloc(*names, (size_t)more * sizeof *grown);
        if (!grown) return ZT_NOMEM;
        *names = grown;
        *cap = more;
    }
    (*names)[*n] = zt_strdup(name);
    if (!(*names)[*n]) return ZT_NOMEM;
    (*n)++;
    return ZT_OK;
}

zt_err zt_dir_list(const char *path, char ***names, int *n) {
    int cap = 0;
    zt_err e = ZT_OK;
    *names = NULL;
    *n = 0;
    DIR *d = opendir(path);
    if (!d) return fail_errno(path, "folder cannot be listed");
    for (struct dirent *item; (errno = 0, item = readdir(d)) != NULL;)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            ZT_TRY(e = add_name(names, n, &cap, item->d_name, path), done);
    if (errno != 0) e = fail_errno(path, "listing the folder failed");
done:
    (void)closedir(d);
    if (e != ZT_OK) {
        zt_names_free(*names, *n);
        *names = NULL;
        *n = 0;
    } else if (*n > 1) {
        qsort(*names, (size_t)*n, sizeof **names, by_bytes);
    }
    return e;
}

void zt_names_free(char **names, int n) {
    for (int i = 0; names && i < n; i++) zt_free(names[i]);
    zt_free(names);
}

/* ---- paths ---- */

zt_err zt_path_join(char out[ZT_PATH_MAX], const char *a, const char *b) {
    size_t n = strlen(a);
    return zt_format(out, ZT_PATH_MAX, "%s%s%s", a, n > 0 && a[n - 1] != '/' ? "/" : "", b);
}

const char *zt_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- maps ---- */

zt_err zt_map_open(zt_map *m, const char *path) {
    int fd = -1;
    int64_t size = 0;
    zt_err e;
    *m = (zt_map){0};
    ZT_TRY(e = open_regular(path, &fd, &size), done);
    if (size > 0) {
        void *p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            e = fail_errno(path, "cannot be mapped");
            goto done;
        }
        m->data = p;
        m->size = (size_t)size;
    }
done:
    close_fd(&fd);
    return e;
}

void zt_map_close(zt_map *m) {
    if (m->data) (void)munmap((void *)(uintptr_t)m->data, m->size);
    *m = (zt_map){0};
}

/* Linux maps the 64 KiB around a page that is read, so that much is given back. */
void zt_map_forget(const zt_map *m, size_t at, size_t bytes) {
    const uintptr_t block = 65536, base = (uintptr_t)m->data;
    if (at >= m->size || bytes > m->size - at) return;
    uintptr_t from = (base + at) / block * block, to = (base + at + bytes + block - 1) / block * block;
    if (from < base) from = base;                                             /* a map starts at a page */
    if (to > base + m->size) to = base + m->size;
    (void)madvise((void *)from, to - from, MADV_DONTNEED);
}
