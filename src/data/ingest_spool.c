/* ingest_spool.c - clips that are decoded before it is their file's turn to be written wait in a file, which any process of the
 * data set can take once it is finished. Layout: clips at multiples of ALIGN, JSON that says what they are, a tail that says
 * where the JSON is. A crash of the machine may leave any bytes in it, so everything has a sum. Tested by
 * tests/data/test_data_spool.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/json.h"
#include "base/str.h"
#include "data/ingest_impl.h"

enum { ALIGN = 1 << 16 };       /* clips start at multiples of it: a page, whatever its size */
static const size_t JSON_MAX = (size_t)64 << 20;

/* The last bytes of a finished file, in the order of this machine: another kind of machine finds no MAGIC. */
typedef struct tail { uint64_t magic, at, bytes, sum; } tail;
static const uint64_t MAGIC = 0x5a6f6553706f6f31;   /* "ZoeSpoo1" */

static uint64_t sum_of(const void *rgb, size_t rgb_bytes, const void *sound, size_t sound_bytes) {
    return (uint64_t)zt_crc32c(rgb, rgb_bytes) << 32 | zt_crc32c(sound, sound_bytes);
}

static zt_err open_file(zt_ingest_spool *s, const char *path) {
    zt_err e = zt_format(s->path, sizeof s->path, "%s", path);
    if (e != ZT_OK) return e;
    s->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0) return zt_fail(ZT_IO, "%s: no file for clips that wait: %s", path, strerror(errno));
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

static zt_err more_rows(zt_ingest_spool *s) {
    if (s->n < s->cap) return ZT_OK;
    const size_t cap = s->cap ? 2 * s->cap : 64;
    zt_ingest_spooled *more = zt_realloc(s->clip, cap * sizeof *more);
    if (!more) return ZT_NOMEM;
    s->clip = more;
    s->cap = cap;
    return ZT_OK;
}

zt_err zt_ingest_spool_add(zt_ingest_spool *s, const char *path, const zt_ingest_clip *clip, size_t rgb_bytes, const void *sound,
                           size_t sound_bytes) {
    const size_t end = s->bytes + rgb_bytes + sound_bytes;
    zt_err e;
    if (end > ZT_INGEST_SPOOL_MAX) return zt_fail(ZT_IO, "enough clips wait");
    ZT_TRY(e = more_rows(s), done);
    if (!s->open) ZT_TRY(e = open_file(s, path), done);
    ZT_TRY(e = put(s->fd, clip->rgb, rgb_bytes, s->bytes), done);
    ZT_TRY(e = put(s->fd, sound, sound_bytes, s->bytes + rgb_bytes), done);
    const uint64_t sum = sum_of(clip->rgb, rgb_bytes, sound, sound_bytes);
    s->clip[s->n++] = (zt_ingest_spooled){clip->first, clip->frames, s->bytes, rgb_bytes, sound_bytes, sum};
    s->bytes = (end + ALIGN - 1) / ALIGN * ALIGN;
done:
    return e;
}

/* ---- finished files ---- */

/* What is known of the source and where its clips are, as JSON. NULL: no memory, or text that is not UTF-8. */
static json_t *describe(const zt_ingest_spool *s, const char *maker, const zt_ingest_source *k) {
    const zt_reader_info *i = &k->info;
    json_t *info = json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:i, s:b, s:b}", "codec", i->codec, "pix_fmt", i->pix_fmt, "width",
                             i->width, "height", i->height, "fps", i->fps, "duration_s", i->duration_s, "rotation", i->rotation,
                             "hdr", i->hdr, "image", i->image);
    json_t *clips = json_array();
    for (size_t n = 0; n < s->n; n++) {
        const zt_ingest_spooled *c = &s->clip[n];
        if (json_array_append_new(clips, json_pack("[I, I, I, I, I, I]", (json_int_t)c->first, (json_int_t)c->frames,
                                                   (json_int_t)c->at, (json_int_t)c->rgb_bytes, (json_int_t)c->sound_bytes,
                                                   (json_int_t)c->sum)) != 0) {
            json_decref(info);
            json_decref(clips);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:o, s:o}", "maker", maker, "name",
                     k->name, "hash", k->hash, "reason", k->reason, "note", k->note, "opened", k->opened, "width", k->width,
                     "height", k->height, "rate", k->rate, "channels", k->channels, "frames", (json_int_t)k->frames, "damaged",
                     (json_int_t)k->damaged, "boundaries", (json_int_t)k->boundaries, "info", info, "clips", clips);
}

zt_err zt_ingest_spool_finish(zt_ingest_spool *s, const char *path, const char *last, const char *maker,
                              const zt_ingest_source *source) {
    json_t *j = describe(s, maker, source);
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    zt_err e = text ? ZT_OK : zt_fail(ZT_ARG, "%s: its description cannot be written down", source->name);
    if (e != ZT_OK) goto done;
    const size_t n = strlen(text);
    const tail t = {MAGIC, s->bytes, n, zt_crc32c(text, n)};
    if (!s->open) ZT_TRY(e = open_file(s, path), done);
    ZT_TRY(e = put(s->fd, text, n, s->bytes), done);
    ZT_TRY(e = put(s->fd, &t, sizeof t, s->bytes + n), done);
    if (rename(s->path, last) != 0) {
        e = zt_fail(ZT_IO, "%s: cannot be named: %s", last, strerror(errno));
        goto done;
    }
    s->path[0] = '\0';
    zt_ingest_spool_clear(s);
done:
    json_decref(j);
    free(text);   /* jansson's own allocation, not ours */
    return e;
}

static zt_err damaged(const char *last) { return zt_fail(ZT_FORMAT, "%s: damaged; its file is decoded again", last); }

/* The JSON of an open file, and where it starts. */
static zt_err read_description(int fd, const char *last, json_t **j, size_t *at) {
    struct stat st;
    tail t;
    char *text = NULL;
    zt_err e = ZT_OK;
    if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof t ||
        pread(fd, &t, sizeof t, st.st_size - (off_t)sizeof t) != (ssize_t)sizeof t || t.magic != MAGIC || t.bytes > JSON_MAX ||
        t.at > ZT_INGEST_SPOOL_MAX + ALIGN || (off_t)(t.at + t.bytes + sizeof t) != st.st_size)
        return damaged(last);
    text = zt_alloc((size_t)t.bytes + 1);
    if (!text) return ZT_NOMEM;
    if (pread(fd, text, (size_t)t.bytes, (off_t)t.at) != (ssize_t)t.bytes || zt_crc32c(text, (size_t)t.bytes) != t.sum)
        e = damaged(last);
    else e = zt_json_parse(text, (size_t)t.bytes, last, j);
    *at = (size_t)t.at;
    zt_free(text);
    return e;
}

static void copy_text(char *to, size_t cap, const char *from) { snprintf(to, cap, "%s", from); }

static zt_err read_source(const json_t *j, const char *last, zt_ingest_spool *s, zt_ingest_source *k, const json_t **clips) {
    const char *maker, *name, *hash, *reason, *note, *codec, *pix_fmt;
    json_int_t frames, damage, boundaries;
    int opened, hdr, image;
    zt_reader_info *i = &k->info;
    if (json_unpack((json_t *)(uintptr_t)j,
                    "{s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:I, s:I, s:I, "
                    "s:{s:s, s:s, s:i, s:i, s:F, s:F, s:i, s:b, s:b}, s:o}",
                    "maker", &maker, "name", &name, "hash", &hash, "reason", &reason, "note", &note, "opened",
                    &opened, "width", &k->width, "height", &k->height, "rate", &k->rate, "channels", &k->channels, "frames",
                    &frames, "damaged", &damage, "boundaries", &boundaries, "info", "codec", &codec, "pix_fmt", &pix_fmt,
                    "width", &i->width, "height", &i->height, "fps", &i->fps, "duration_s", &i->duration_s, "rotation",
                    &i->rotation, "hdr", &hdr, "image", &image, "clips", clips) != 0 ||
        strcmp(name, k->name) != 0 || strlen(hash) != 64 || !json_is_array(*clips))
        return damaged(last);
    copy_text(s->maker, sizeof s->maker, maker);
    copy_text(k->hash, sizeof k->hash, hash);
    copy_text(k->reason, sizeof k->reason, reason);
    copy_text(k->note, sizeof k->note, note);
    copy_text(i->codec, sizeof i->codec, codec);
    copy_text(i->pix_fmt, sizeof i->pix_fmt, pix_fmt);
    k->frames = frames;
    k->damaged = damage;
    k->boundaries = boundaries;
    k->opened = opened != 0;
    i->hdr = hdr != 0;
    i->image = image != 0;
    return ZT_OK;
}

/* Row n, and that it says what lies there. */
static zt_err read_clip(zt_ingest_spool *s, const json_t *row, const char *last, const zt_ingest_source *k, size_t end) {
    json_int_t first, frames, at, rgb, sound, sum;
    zt_ingest_clip clip;
    const void *wav;
    zt_err e;
    if (json_unpack((json_t *)(uintptr_t)row, "[I, I, I, I, I, I]", &first, &frames, &at, &rgb, &sound, &sum) != 0 || first < 0 ||
        frames < 1 || frames > 1 << 20 || k->width < 1 || k->height < 1 || k->width > 1 << 14 || k->height > 1 << 14 ||
        rgb != frames * k->width * k->height * 3 || sound < 0 || at < 0 || at % ALIGN != 0 || (uint64_t)at > end ||
        (uint64_t)rgb > end - (uint64_t)at || (uint64_t)sound > end - (uint64_t)at - (uint64_t)rgb)
        return damaged(last);
    ZT_TRY(e = more_rows(s), done);
    s->clip[s->n] = (zt_ingest_spooled){first, frames, (size_t)at, (size_t)rgb, (size_t)sound, (uint64_t)sum};
    ZT_TRY(e = zt_ingest_spool_get(s, s->n, &clip, &wav), done);
    if (sum_of(clip.rgb, (size_t)rgb, wav, (size_t)sound) != (uint64_t)sum) e = damaged(last);
    zt_ingest_spool_drop(s, s->n, &clip);
    s->n++;
done:
    return e;
}

zt_err zt_ingest_spool_load(zt_ingest_spool *s, const char *last, zt_ingest_source *source) {
    json_t *j = NULL;
    const json_t *clips = NULL;
    zt_err e;
    zt_ingest_spool_clear(s);
    s->fd = open(last, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) return zt_fail(errno == ENOENT ? ZT_NOTFOUND : ZT_IO, "%s: cannot be read: %s", last, strerror(errno));
    s->open = true;
    ZT_TRY(e = read_description(s->fd, last, &j, &s->bytes), done);
    ZT_TRY(e = read_source(j, last, s, source, &clips), done);
    for (size_t i = 0; i < json_array_size(clips); i++)
        ZT_TRY(e = read_clip(s, json_array_get(clips, i), last, source, s->bytes), done);
done:
    if (e != ZT_OK) zt_ingest_spool_clear(s);
    json_decref(j);
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
    if (s->open) close(s->fd);
    if (s->open && s->path[0]) (void)unlink(s->path);
    zt_free(s->clip);
    *s = (zt_ingest_spool){0};
}
