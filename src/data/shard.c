/* shard.c - see shard.h. */
#include "data/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/npy.h"

/* Fields of a ustar header: offset and length. */
enum {
    F_MODE = 100,
    F_UID = 108,
    F_GID = 116,
    F_SIZE = 124,
    F_MTIME = 136,
    F_SUM = 148,
    F_TYPE = 156,
    F_MAGIC = 257,
    F_PREFIX = 345
};

static unsigned header_sum(const uint8_t *h) {
    unsigned s = 0;
    for (int i = 0; i < ZT_TAR_BLOCK; i++) s += i >= F_SUM && i < F_SUM + 8 ? ' ' : h[i];
    return s;
}

/* An octal number of `width` bytes: leading spaces, digits, then NUL, space or the field's end. */
static bool read_octal(const uint8_t *p, int width, uint64_t *v) {
    int i = 0, digits = 0;
    uint64_t x = 0;
    while (i < width && p[i] == ' ') i++;
    for (; i < width && p[i] >= '0' && p[i] <= '7'; i++, digits++) {
        if (x >> 60) return false;
        x = x << 3 | (uint64_t)(p[i] - '0');
    }
    *v = x;
    return digits > 0 && (i == width || p[i] == '\0' || p[i] == ' ');
}

/* The size of a member: octal, or, with the first bit set, binary and big-endian, as GNU tar writes what octal cannot hold. */
static bool read_size(const uint8_t *p, uint64_t *v) {
    if (!(p[0] & 0x80)) return read_octal(p, 12, v);
    *v = p[0] & 0x7f;
    for (int i = 1; i < 12; i++) *v = *v >> 56 ? UINT64_MAX : *v << 8 | p[i];
    return true;
}

static bool all_zero(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

static zt_err truncated(const char *where, size_t at, size_t len) {
    return zt_fail(ZT_FORMAT,
                   "%s: truncated: at offset %zu the tar member goes on beyond the end of the file (%zu bytes); copy the shard "
                   "again, or make the data set anew",
                   where, at, len);
}

static void member_name(const uint8_t *h, zt_tar_member *m) {
    int prefix = memcmp(h + F_MAGIC, "ustar", 5) == 0 ? (int)strnlen((const char *)h + F_PREFIX, 155) : 0;
    int name = (int)strnlen((const char *)h, 100);
    snprintf(m->name, sizeof m->name, "%.*s%s%.*s", prefix, (const char *)h + F_PREFIX, prefix ? "/" : "", name, (const char *)h);
}

zt_err zt_tar_next(const uint8_t *bytes, size_t len, const char *where, size_t *pos, zt_tar_member *m, bool *end) {
    uint64_t size, sum;
    *m = (zt_tar_member){0};
    *end = false;
    if (*pos > len || len - *pos < ZT_TAR_BLOCK) return truncated(where, *pos, len);
    const uint8_t *h = bytes + *pos;
    if (all_zero(h, ZT_TAR_BLOCK)) {   /* the mark is two zero blocks */
        if (len - *pos < 2 * ZT_TAR_BLOCK || !all_zero(h + ZT_TAR_BLOCK, ZT_TAR_BLOCK)) return truncated(where, *pos, len);
        *end = true;
        return ZT_OK;
    }
    if (!read_octal(h + F_SUM, 8, &sum) || sum != header_sum(h) || !read_size(h + F_SIZE, &size))
        return zt_fail(ZT_FORMAT,
                       "%s: at offset %zu there is no tar header (wrong checksum); the shard is damaged: copy it again, or "
                       "make the data set anew",
                       where, *pos);
    size_t room = len - *pos - ZT_TAR_BLOCK;
    if (size > room || (size + ZT_TAR_BLOCK - 1) / ZT_TAR_BLOCK * ZT_TAR_BLOCK > room) return truncated(where, *pos, len);
    member_name(h, m);
    m->type = h[F_TYPE] ? (char)h[F_TYPE] : '0';
    m->offset = *pos + ZT_TAR_BLOCK;
    m->bytes = (size_t)size;
    *pos = m->offset + (m->bytes + ZT_TAR_BLOCK - 1) / ZT_TAR_BLOCK * ZT_TAR_BLOCK;
    return ZT_OK;
}

zt_err zt_shard_check_end(const uint8_t *bytes, size_t len, const char *where) {
    if (len % ZT_TAR_BLOCK != 0 || len < 2 * ZT_TAR_BLOCK || !all_zero(bytes + len - 2 * ZT_TAR_BLOCK, 2 * ZT_TAR_BLOCK))
        return zt_fail(ZT_FORMAT,
                       "%s: truncated at offset %zu: the tar end mark is missing; copy the shard again, or make the data set "
                       "anew",
                       where, len);
    return ZT_OK;
}

zt_err zt_shard_check_clip(const uint8_t *bytes, size_t len, const char *where, const char *key, size_t offset,
                           const int64_t shape[4]) {
    uint8_t head[ZT_NPY_HEADER_CAP];
    char want[ZT_PATH_MAX];
    size_t head_bytes, pos;
    zt_tar_member m;
    zt_npy_info info;
    bool end;
    zt_err e;
    ZT_TRY(e = zt_npy_header(head, 'u', 1, 4, shape, &head_bytes), done);   /* ours are always written so: where it must start */
    if (offset < head_bytes + ZT_TAR_BLOCK || offset > len)
        return zt_fail(ZT_FORMAT,
                       "%s: clip %s should start at offset %zu of %zu bytes; catalogue and shard do not belong together or "
                       "the shard is truncated",
                       where, key, offset, len);
    pos = offset - head_bytes - ZT_TAR_BLOCK;
    ZT_TRY(e = zt_tar_next(bytes, len, where, &pos, &m, &end), done);
    ZT_TRY(e = zt_format(want, sizeof want, "%s.npy", key), done);
    if (end || strcmp(m.name, want) != 0)
        return zt_fail(ZT_FORMAT,
                       "%s: at offset %zu there is '%s', the catalogue says '%s'; they do not belong together: make the data "
                       "set anew",
                       where, offset, m.name, want);
    ZT_TRY(e = zt_npy_parse(bytes + m.offset, m.bytes, where, &info), done);
    bool same = info.kind == 'u' && info.item_bytes == 1 && !info.fortran && info.n == 4 && info.data_offset == head_bytes;
    for (int i = 0; i < 4 && same; i++) same = info.shape[i] == shape[i];
    if (!same)
        return zt_fail(ZT_FORMAT,
                       "%s: clip %s is not the uint8 array [%lld,%lld,%lld,%lld] of the catalogue; make the data set anew", where,
                       key, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)shape[3]);
done:
    return e;
}

struct zt_shard_writer {
    int fd;
    size_t bytes;
    bool finished;
    char path[ZT_PATH_MAX], part[ZT_PATH_MAX];
};

zt_err zt_shard_writer_create(zt_shard_writer **out, const char *path) {
    zt_err e;
    *out = NULL;
    zt_shard_writer *w = zt_alloc(sizeof *w);
    if (!w) return ZT_NOMEM;
    w->fd = -1;
    ZT_TRY(e = zt_format(w->path, sizeof w->path, "%s", path), fail);
    ZT_TRY(e = zt_format(w->part, sizeof w->part, "%s.part", path), fail);
    w->fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        e = zt_fail(ZT_IO, "%s: cannot be written: %s; check the folder and its rights", w->part, strerror(errno));
        goto fail;
    }
    *out = w;
    return ZT_OK;
fail:
    zt_shard_writer_destroy(&w);
    return e;
}

static zt_err put(zt_shard_writer *w, const void *data, size_t n) {
    const uint8_t *p = data;
    while (n > 0) {
        ssize_t k = write(w->fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0)
            return zt_fail(ZT_IO, "%s: writing stopped after %zu bytes: %s; free some space or choose another folder", w->part,
                           w->bytes, k < 0 ? strerror(errno) : "the device takes no more");
        p += k;
        n -= (size_t)k;
        w->bytes += (size_t)k;
    }
    return ZT_OK;
}

static zt_err put_header(zt_shard_writer *w, const char *name, size_t n) {
    uint8_t h[ZT_TAR_BLOCK] = {0};
    size_t len = strlen(name);
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    if (len < 1 || len > ZT_TAR_NAME_MAX || strspn(name, allowed) != len)
        return zt_fail(ZT_ARG, "shard member '%.120s': the name must have 1..%d of letters, digits, - _ . /", name,
                       ZT_TAR_NAME_MAX);
    if ((uint64_t)n >> 33)
        return zt_fail(ZT_ARG,
                       "shard member '%s': %zu bytes; a tar member holds less than 8 GiB: use fewer frames or a smaller size",
                       name, n);
    memcpy(h, name, len);
    /* Time and owner are left zero: equal data gives equal bytes. */
    memcpy(h + F_MODE, "0000644", 8);
    memcpy(h + F_UID, "0000000", 8);
    memcpy(h + F_GID, "0000000", 8);
    snprintf((char *)h + F_SIZE, 12, "%011llo", (unsigned long long)n);
    memcpy(h + F_MTIME, "00000000000", 12);
    h[F_TYPE] = '0';
    memcpy(h + F_MAGIC, "ustar\00000", 8);
    snprintf((char *)h + F_SUM, 8, "%06o", header_sum(h) & 0777777u);
    h[F_SUM + 7] = ' ';
    return put(w, h, sizeof h);
}

static zt_err put_padding(zt_shard_writer *w) {
    static const uint8_t ZERO[ZT_TAR_BLOCK];
    return put(w, ZERO, (ZT_TAR_BLOCK - w->bytes % ZT_TAR_BLOCK) % ZT_TAR_BLOCK);
}

zt_err zt_shard_add(zt_shard_writer *w, const char *name, const void *bytes, size_t n) {
    zt_err e;
    ZT_TRY(e = put_header(w, name, n), done);
    ZT_TRY(e = put(w, bytes, n), done);
    e = put_padding(w);
done:
    return e;
}

zt_err zt_shard_add_npy(zt_shard_writer *w, const char *name, char kind, int item_bytes, int n, const int64_t *shape,
                        const void *data, size_t *offset) {
    uint8_t head[ZT_NPY_HEADER_CAP];
    size_t head_bytes, total = (size_t)item_bytes;
    zt_err e;
    ZT_TRY(e = zt_npy_header(head, kind, item_bytes, n, shape, &head_bytes), done);
    for (int i = 0; i < n; i++)
        if (__builtin_mul_overflow(total, (size_t)shape[i], &total) || total > SIZE_MAX / 2)
            return zt_fail(ZT_ARG, "shard member '%.99s': the array is too large", name);
    ZT_TRY(e = put_header(w, name, head_bytes + total), done);
    ZT_TRY(e = put(w, head, head_bytes), done);
    if (offset) *offset = w->bytes;
    ZT_TRY(e = put(w, data, total), done);
    e = put_padding(w);
done:
    return e;
}

size_t zt_shard_bytes(const zt_shard_writer *w) { return w->bytes; }

zt_err zt_shard_cut(zt_shard_writer *w, size_t bytes) {
    if (bytes > w->bytes) return zt_fail(ZT_ARG, "%s: cannot be cut to %zu bytes, it has %zu", w->part, bytes, w->bytes);
    if (ftruncate(w->fd, (off_t)bytes) != 0 || lseek(w->fd, (off_t)bytes, SEEK_SET) < 0)
        return zt_fail(ZT_IO, "%s: cannot be cut to %zu bytes: %s", w->part, bytes, strerror(errno));
    w->bytes = bytes;
    return ZT_OK;
}

/* After a rename the name itself must reach the disk too. */
static zt_err sync_folder(const char *path) {
    char folder[ZT_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int err = errno;
    if (fd >= 0) close(fd);
    return ok ? ZT_OK : zt_fail(ZT_IO, "%s: the folder cannot be synced: %s", path, strerror(err));
}

zt_err zt_shard_writer_finish(zt_shard_writer *w, size_t *bytes) {
    static const uint8_t END[2 * ZT_TAR_BLOCK];
    zt_err e;
    ZT_TRY(e = put(w, END, sizeof END), done);
    int bad = fsync(w->fd) != 0;
    int err = errno;
    bad |= close(w->fd) != 0;
    w->fd = -1;
    if (bad || rename(w->part, w->path) != 0)
        return zt_fail(ZT_IO, "%s: could not be completed: %s; free some space or choose another folder", w->path,
                       strerror(bad ? err : errno));
    w->finished = true;
    if (bytes) *bytes = w->bytes;
    e = sync_folder(w->path);
done:
    return e;
}

void zt_shard_writer_destroy(zt_shard_writer **pw) {
    zt_shard_writer *w = pw ? *pw : NULL;
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (!w->finished && w->part[0]) unlink(w->part);
    zt_free(w);
    *pw = NULL;
}
