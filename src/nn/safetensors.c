/* safetensors.c - writing and loading safetensors files; see safetensors.h. The header is checked in safetensors_header.c. */
#include "nn/safetensors.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "nn/safetensors_header.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors data is little-endian and is copied as it is"
#endif

enum { ALIGN = 64 };

static size_t tensor_bytes(const zt_tensor *t) { return (size_t)zt_numel(&t->sh) * zt_dtype_bytes(t->dtype); }

static int add_text(const char *text, size_t n, void *s) {
    zt_str_addn(s, text, n);
    return ((zt_str *)s)->failed ? -1 : 0;
}

static json_t *describe(const zt_tensor *t, size_t *at) {
    json_t *shape = json_array();
    for (int i = 0; i < t->sh.n; i++)
        if (json_array_append_new(shape, json_integer(t->sh.d[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    const size_t begin = *at;
    *at += tensor_bytes(t);
    return json_pack("{sssos[II]}", "dtype", zt_st_dtype_name(t->dtype), "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)*at);
}

/* Tensors in file order: wide types first, else as in the set, so that each is aligned to its own size. `k` counts from 0 to
 * n-1. */
static const zt_tensor *next_tensor(const zt_tset *s, size_t *width, int *k) {
    for (; *width >= 2; *width /= 2, *k = 0)
        while (*k < s->n) {
            const zt_tensor *t = &s->t[(*k)++];
            if (zt_dtype_bytes(t->dtype) == *width)
                return t;
        }
    return NULL;
}

/* Only names that can be read back. */
static zt_err check_names(const zt_tset *s, const char *path) {
    for (int k = 0; k < s->n; k++) {
        const char *name = s->t[k].name;
        bool plain = *name != 0 && strcmp(name, "__metadata__") != 0 && zt_utf8_valid(name, strlen(name), NULL);
        for (const char *c = name; *c != 0; c++)
            plain = plain && (unsigned char)*c >= ' ';
        if (!plain)
            return zt_fail(ZT_ARG, "%s: tensor %d of the set has a name that a safetensors file cannot hold", path, k);
    }
    return ZT_OK;
}

/* Length, JSON and padding, ready to be written. */
static zt_err make_header(zt_str *out, const zt_tset *s, const json_t *metadata, const char *path) {
    json_t *j = json_object();
    size_t at = 0, width = 8;
    int k = 0;
    zt_err e;
    ZT_TRY(e = check_names(s, path), done);
    e = ZT_NOMEM;
    if (j == NULL || (json_object_size(metadata) > 0 && json_object_set(j, "__metadata__", (json_t *)metadata) != 0))
        goto done;
    for (const zt_tensor *t; (t = next_tensor(s, &width, &k)) != NULL;)
        if (json_object_set_new(j, t->name, describe(t, &at)) != 0)
            goto done;
    uint8_t length[8] = { 0 };
    zt_str_addn(out, length, 8);
    if (json_dump_callback(j, add_text, out, JSON_COMPACT) != 0)
        goto done;
    while (out->len % ALIGN != 0 && !out->failed)
        zt_str_add(out, " ");
    if (out->failed)
        goto done;
    if (out->len - 8 > ZT_SAFETENSORS_MAX_HEADER) {
        e = zt_fail(ZT_ARG, "%s: names and metadata make a header of %zu bytes; at most %d", path, out->len - 8,
                    (int)ZT_SAFETENSORS_MAX_HEADER);
        goto done;
    }
    for (int i = 0; i < 8; i++)
        out->buf[i] = (char)((uint64_t)(out->len - 8) >> (8 * i));
    e = ZT_OK;
done:
    json_decref(j);
    return e == ZT_NOMEM ? zt_fail(e, "%s: no memory for the header of %d tensors", path, s->n) : e;
}

static zt_err write_all(FILE *f, const zt_str *header, const zt_tset *s, const char *path) {
    bool good = fwrite(header->buf, 1, header->len, f) == header->len;
    size_t width = 8;
    int k = 0;
    for (const zt_tensor *t; good && (t = next_tensor(s, &width, &k)) != NULL;)
        good = fwrite(t->data, 1, tensor_bytes(t), f) == tensor_bytes(t);
    if (!good || fflush(f) != 0 || fsync(fileno(f)) != 0)
        return zt_fail(ZT_IO, "%s: %s while writing weights - is the disk full?", path, strerror(errno));
    return ZT_OK;
}

/* The rename itself survives a crash only when the folder is synced. */
static zt_err sync_folder(const char *path) {
    char dir[ZT_PATH_MAX];
    const char *base = zt_path_base(path);
    zt_err e = base == path ? zt_format(dir, sizeof dir, ".") : zt_format(dir, sizeof dir, "%.*s", (int)(base - path), path);
    if (e != ZT_OK)
        return e;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        e = zt_fail(ZT_IO, "%s: %s while syncing the folder", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    return e;
}

zt_err zt_safetensors_save(const char *path, const zt_tset *s, const json_t *metadata) {
    char temp[ZT_PATH_MAX] = "";
    zt_str header = { 0 };
    FILE *f = NULL;
    zt_err e;
    ZT_TRY(e = make_header(&header, s, metadata, path), done);
    ZT_TRY(e = zt_format(temp, sizeof temp, "%s.tmp.%ld", path, (long)getpid()), done);
    if ((f = fopen(temp, "wbe")) == NULL) {
        e = zt_fail(ZT_IO, "%s: %s - the folder must exist and be writable", temp, strerror(errno));
        goto done;
    }
    ZT_TRY(e = write_all(f, &header, s, path), done);
    const int closed = fclose(f);
    f = NULL;
    if (closed != 0 || rename(temp, path) != 0) {
        e = zt_fail(ZT_IO, "%s: %s", path, strerror(errno));
        goto done;
    }
    temp[0] = 0;
    e = sync_folder(path);
done:
    if (f != NULL)
        fclose(f);
    if (e != ZT_OK && temp[0] != 0)
        unlink(temp);
    zt_str_finish(&header);
    return e;
}

zt_err zt_safetensors_parse(const void *bytes, size_t len, const char *where, zt_tset *s, json_t **metadata) {
    zt_st_header h = { 0 };
    zt_err e;
    if (metadata != NULL)
        *metadata = NULL;
    ZT_TRY(e = zt_st_header_read(&h, bytes, len, where), done);
    for (int i = 0; i < h.n; i++) {
        zt_tensor *t = NULL;
        ZT_TRY(e = zt_tset_add(s, h.entry[i].name, h.entry[i].dtype, h.entry[i].sh, &t), done);
        memcpy(t->data, h.entry[i].data, h.entry[i].bytes);
    }
    if (metadata != NULL)
        e = zt_st_header_metadata(&h, metadata);
done:
    zt_st_header_finish(&h);
    if (e != ZT_OK)
        zt_tset_finish(s);
    return e;
}

zt_err zt_safetensors_load(const char *path, zt_tset *s, json_t **metadata) {
    zt_map m = { 0 };
    if (metadata != NULL)
        *metadata = NULL;
    zt_err e = zt_map_open(&m, path);
    if (e != ZT_OK)
        return e;
    e = zt_safetensors_parse(m.data, m.size, path, s, metadata);
    zt_map_close(&m);
    return e;
}

zt_err zt_safetensors_metadata(const char *path, json_t **metadata) {
    zt_map m = { 0 };
    zt_st_header h = { 0 };
    *metadata = NULL;
    zt_err e = zt_map_open(&m, path);
    if (e != ZT_OK)
        return e;
    e = zt_st_header_read(&h, m.data, m.size, path);
    if (e == ZT_OK)
        e = zt_st_header_metadata(&h, metadata);
    zt_st_header_finish(&h);
    zt_map_close(&m);
    return e;
}

/* One kind of mismatch: how many, and the first names. */
typedef struct misfit { int n; zt_str names; } misfit;
enum { SHOWN = 10 };

static void misfit_add(misfit *m, const char *name, const char *more) {
    if (m->n++ < SHOWN)
        zt_str_addf(&m->names, "%s%.80s%s", m->n > 1 ? ", " : "", name, more);
}

static void misfit_say(zt_str *text, const char *what, misfit *m) {
    if (m->n > 0)
        zt_str_addf(text, "; %s: %s%s", what, m->names.buf == NULL ? "" : m->names.buf, m->n > SHOWN ? ", ..." : "");
    zt_str_finish(&m->names);
}

static zt_err check_fit(const zt_st_header *h, const zt_tset *s, const char *path) {
    misfit missing = { 0 }, unexpected = { 0 }, shaped = { 0 };
    for (int k = 0; k < s->n; k++)
        if (json_object_get(h->json, s->t[k].name) == NULL)
            misfit_add(&missing, s->t[k].name, "");
    for (int i = 0; i < h->n; i++) {
        const zt_st_entry *e = &h->entry[i];
        const zt_tensor *t = zt_tset_find(s, e->name);
        char more[160] = "";
        if (t == NULL) {
            misfit_add(&unexpected, e->name, "");
        } else if (t->dtype != e->dtype || !zt_same_shape(&t->sh, &e->sh)) {
            snprintf(more, sizeof more, " (file %s %s, model %s %s)", zt_st_dtype_name(e->dtype), zt_shape_text(&e->sh),
                     zt_st_dtype_name(t->dtype), zt_shape_text(&t->sh));
            misfit_add(&shaped, e->name, more);
        }
    }
    if (missing.n + unexpected.n + shaped.n == 0)
        return ZT_OK;
    zt_str text = { 0 };
    zt_str_addf(&text, "%d missing, %d unexpected, %d of another shape", missing.n, unexpected.n, shaped.n);
    misfit_say(&text, "missing", &missing);
    misfit_say(&text, "unexpected", &unexpected);
    misfit_say(&text, "shape", &shaped);
    const zt_err e = zt_fail(ZT_FORMAT, "%s: the tensors do not fit this model - was it made with another config? %s", path,
                             text.buf == NULL ? "" : text.buf);
    zt_str_finish(&text);
    return e;
}

zt_err zt_safetensors_load_into(const char *path, zt_tset *s) {
    zt_map m = { 0 };
    zt_st_header h = { 0 };
    zt_err e = zt_map_open(&m, path);
    if (e != ZT_OK)
        return e;
    ZT_TRY(e = zt_st_header_read(&h, m.data, m.size, path), done);
    ZT_TRY(e = check_fit(&h, s, path), done);
    for (int i = 0; i < h.n; i++)
        memcpy(zt_tset_find(s, h.entry[i].name)->data, h.entry[i].data, h.entry[i].bytes);
done:
    zt_st_header_finish(&h);
    zt_map_close(&m);
    return e;
}
