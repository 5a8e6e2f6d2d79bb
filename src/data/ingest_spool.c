/* ingest_spool.c - clips that are decoded before it is their file's turn to be written. They wait in a file, not in memory, so
 * that a long film ahead of its turn costs no more than a short one. Tested through tests/data/test_data_ingest.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"
#include "data/ingest_impl.h"

enum { ALIGN = 1 << 16 };       /* clips start at multiples of it: a page, whatever its size */
static const size_t SPOOL_MAX = (size_t)2 << 30;

/* A file without a name, where the file system can; else one that loses it at once. */
static zt_err open_file(zt_ingest_spool *s, const char *dir) {
    char path[ZT_PATH_MAX];
    s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0) {
        zt_err e = zt_format(path, sizeof path, "%s/shards/spool-XXXXXX", dir);
        if (e != ZT_OK) return e;
        s->fd = mkostemp(path, O_CLOEXEC);
        if (s->fd < 0) return zt_fail(ZT_IO, "%s: no file for clips that wait: %s", dir, strerror(errno));
        unlink(path);
    }
    s->open = true;
    return ZT_OK;
}

static zt_err put(int fd, const void *bytes, size_t n, size_t at) {
    const uint8_t *p = bytes;
    while (n > 0) {
        const ssize_t k = pwrite(fd, p, n, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return zt_fail(ZT_IO, "no room for clips that wait: %s", k < 0 ? strerror(errno) : "the device is full");
        p += k;
        at += (size_t)k;
        n -= (size_t)k;
    }
    return ZT_OK;
}

zt_err zt_ingest_spool_add(zt_ingest_spool *s, const char *dir, const zt_ingest_clip *clip, size_t rgb_bytes, const void *sound,
                           size_t sound_bytes) {
    zt_err e = ZT_OK;
    const size_t end = s->bytes + rgb_bytes + sound_bytes;
    if (end > SPOOL_MAX) return zt_fail(ZT_IO, "enough clips wait");
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        zt_ingest_spooled *more = zt_realloc(s->clip, cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        s->clip = more;
        s->cap = cap;
    }
    if (!s->open) ZT_TRY(e = open_file(s, dir), done);
    ZT_TRY(e = put(s->fd, clip->rgb, rgb_bytes, s->bytes), done);
    ZT_TRY(e = put(s->fd, sound, sound_bytes, s->bytes + rgb_bytes), done);
    s->clip[s->n++] = (zt_ingest_spooled){clip->first, clip->frames, s->bytes, rgb_bytes, sound_bytes};
    s->bytes = (end + ALIGN - 1) / ALIGN * ALIGN;
done:
    return e;
}

zt_err zt_ingest_spool_get(const zt_ingest_spool *s, size_t i, zt_ingest_clip *clip, const void **sound) {
    const zt_ingest_spooled *k = &s->clip[i];
    void *p = mmap(NULL, k->rgb_bytes + k->sound_bytes, PROT_READ, MAP_SHARED, s->fd, (off_t)k->at);
    if (p == MAP_FAILED) return zt_fail(ZT_IO, "a clip that waited cannot be read back: %s", strerror(errno));
    *clip = (zt_ingest_clip){k->first, k->frames, p};
    *sound = (const uint8_t *)p + k->rgb_bytes;
    return ZT_OK;
}

void zt_ingest_spool_drop(const zt_ingest_spool *s, size_t i, const zt_ingest_clip *clip) {
    munmap((void *)(uintptr_t)clip->rgb, s->clip[i].rgb_bytes + s->clip[i].sound_bytes);
}

void zt_ingest_spool_clear(zt_ingest_spool *s) {
    if (s->open && s->bytes > 0 && ftruncate(s->fd, 0) != 0) {   /* gives its room back now; else with the process */
        close(s->fd);
        s->open = false;
    }
    s->n = s->bytes = 0;
}

void zt_ingest_spool_finish(zt_ingest_spool *s) {
    if (s->open) close(s->fd);
    zt_free(s->clip);
    *s = (zt_ingest_spool){0};
}
