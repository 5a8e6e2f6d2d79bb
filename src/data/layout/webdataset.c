/* webdataset.c - tars of WebDataset and video2dataset: members KEY.mp4, KEY.txt, KEY.json one after another. Videos are decoded
 * where they lie in the mapped archive: nothing is unpacked, so no name can lead out of a folder and no size can fill a disk.
 * Format: github.com/webdataset; ustar, and the long names of pax (IEEE Std 1003.1) and GNU tar. Tested by
 * tests/data/test_data_layout.c and fuzz/fuzz_webdataset.c. */
#include "data/layout/webdataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "data/layout/layout_impl.h"

enum { TEXT_MAX = 1 << 20 }; /* bytes of a caption or JSON member */

/* ---- members under their real names ---- */

/* The value of "path" in a pax header: records "LENGTH KEY=VALUE\n". */
static bool pax_path(const char *p, size_t n, char *name) {
    while (n > 0) {
        size_t len = 0, i = 0;
        for (; i < n && p[i] >= '0' && p[i] <= '9' && len <= n; i++) len = len * 10 + (size_t)(p[i] - '0');
        if (len <= i + 1 || len > n || p[i] != ' ' || p[len - 1] != '\n') return false;
        const char *key = p + i + 1, *end = p + len - 1;
        if (end - key > 5 && memcmp(key, "path=", 5) == 0) {
            if (end - key - 5 > ZT_TAR_LONG_NAME) return false;
            snprintf(name, ZT_TAR_LONG_NAME + 1, "%.*s", (int)(end - key - 5), key + 5);
        }
        p += len;
        n -= len;
    }
    return true;
}

/* Names that would lead out of a folder if someone unpacked them, or that are no text. */
static bool bad_name(const char *name) {
    const char *p = name;
    if (name[0] == '/' || name[0] == '\0' || !zt_utf8_valid(name, strlen(name), NULL)) return true;
    for (; *p; p++)
        if ((unsigned char)*p < ' ') return true;
    for (p = name; (p = strstr(p, "..")) != NULL; p += 2)
        if ((p == name || p[-1] == '/') && (p[2] == '/' || p[2] == '\0')) return true;
    return false;
}

/* The next regular file; *end at the end of the archive. */
static zt_err next_file(zt_tar_walk *w, zt_tar_member *m, bool *end) {
    const char *content;
    zt_err e;
    w->name[0] = '\0';
    for (;;) {
        ZT_TRY(e = zt_tar_next(w->bytes, w->len, w->where, &w->pos, m, end), done);
        if (*end) return ZT_OK;
        content = (const char *)w->bytes + m->offset;
        if (m->type == 'x' && !pax_path(content, m->bytes, w->name))
            return zt_fail(ZT_FORMAT, "%s: the pax header at offset %zu is malformed", w->where, m->offset);
        if (m->type == 'L') {
            if (m->bytes > ZT_TAR_LONG_NAME)
                return zt_fail(ZT_FORMAT, "%s: a name of %zu bytes at offset %zu", w->where, m->bytes, m->offset);
            snprintf(w->name, sizeof w->name, "%.*s", (int)m->bytes, content);
        }
        if (m->type == '0' || m->type == '7') break;
        if (m->type != 'x' && m->type != 'L') w->name[0] = '\0'; /* folders, links, devices: passed over */
    }
    if (!w->name[0]) snprintf(w->name, sizeof w->name, "%s", m->name);
    if (bad_name(w->name))
        return zt_fail(ZT_FORMAT, "%s: a member is called '%.100s': absolute, with '..' or no text; such archives are refused",
                       w->where, w->name);
done:
    return e;
}

/* ---- samples ---- */

/* The part of the name before the first dot of its last component, and what follows. */
static size_t key_length(const char *name) {
    const char *base = zt_path_base(name), *dot = strchr(base, '.');
    return dot ? (size_t)(dot - name) : strlen(name);
}

static void put_member(zt_tar_sample *s, const char *suffix, const zt_tar_member *m, const uint8_t *bytes) {
    const zt_tar_part part = {bytes + m->offset, m->bytes};
    if (strcmp(suffix, "txt") == 0 || strcmp(suffix, "caption") == 0)
        s->text = part;
    else if (strcmp(suffix, "json") == 0)
        s->json = part;
    else if (!s->video.bytes && !strchr(suffix, '.') && zt_layout_is_video(s->video_name))
        s->video = part;
}

zt_err zt_tar_sample_next(zt_tar_walk *w, zt_tar_sample *s, bool *end) {
    zt_err e;
    zt_tar_member m;
    *s = (zt_tar_sample){0};
    *end = false;
    for (;;) {
        const size_t before = w->pos;
        bool over;
        ZT_TRY(e = next_file(w, &m, &over), done);
        const size_t n = over ? 0 : key_length(w->name);
        if (over || (s->members && (n != strlen(s->key) || memcmp(s->key, w->name, n) != 0))) {
            if (!over) w->pos = before; /* it begins the next sample */
            *end = over && s->members == 0;
            return ZT_OK;
        }
        if (s->members++ == 0) snprintf(s->key, sizeof s->key, "%.*s", (int)n, w->name);
        if (!s->video.bytes) snprintf(s->video_name, sizeof s->video_name, "%s", w->name);
        put_member(s, w->name[n] ? w->name + n + 1 : "", &m, w->bytes);
    }
done:
    return e;
}

/* ---- the layout ---- */

static bool holds_videos(const char *dir) {
    char **names = NULL;
    int n = 0;
    bool holds = false;
    if (zt_dir_list(dir, &names, &n) != ZT_OK) return false;
    for (int i = 0; i < n; i++) holds = holds || zt_layout_is_video(names[i]);
    zt_names_free(names, n);
    return holds;
}

/* A file is taken at its suffix; a folder when its first tar begins as one and no videos lie beside it. */
bool zt_layout_webdataset_matches(const char *src) {
    char path[ZT_PATH_MAX];
    zt_map map;
    zt_tar_member m;
    size_t pos = 0;
    bool end;
    if (!zt_layout_first(src, ".tar", path)) return false;
    if (!zt_is_dir(src)) return true;
    if (holds_videos(src) || zt_map_open(&map, path) != ZT_OK) return false;
    const bool is = zt_tar_next(map.data, map.size, path, &pos, &m, &end) == ZT_OK && !end;
    zt_map_close(&map);
    return is;
}

/* What KEY.json says: of video2dataset and img2dataset (caption, url), of our own export (labels, split, licence). */
static zt_err read_json(zt_layout_list *l, const zt_tar_sample *s, const char *where, zt_ingest_item *k) {
    json_t *j = NULL;
    zt_err e;
    if (!s->json.bytes) return ZT_OK;
    e = s->json.n > TEXT_MAX ? zt_fail(ZT_FORMAT, "%s: %zu bytes of JSON", where, s->json.n)
                             : zt_json_parse((const char *)s->json.bytes, s->json.n, where, &j);
    if (e == ZT_FORMAT) { /* such as NaN, which Python writes: no reason to stop at one of millions */
        zt_warn("JSON passed over: %s", zt_err_text());
        return ZT_OK;
    }
    ZT_TRY(e, done);
    const char *caption = json_string_value(json_object_get(j, "caption")), *url = json_string_value(json_object_get(j, "url"));
    const char *licence = json_string_value(json_object_get(j, "licence")),
               *origin = json_string_value(json_object_get(j, "origin"));
    if (!licence) licence = json_string_value(json_object_get(j, "license"));
    json_t *labels = json_object_get(j, "labels");
    if (!k->caption && caption && !(k->caption = zt_arena_strdup(l->text, caption))) e = ZT_NOMEM;
    if (licence && !(k->licence = zt_arena_strdup(l->text, licence))) e = ZT_NOMEM;
    if ((origin || url) && !(k->origin = zt_arena_strdup(l->text, origin ? origin : url))) e = ZT_NOMEM;
    k->split = zt_layout_split(json_string_value(json_object_get(j, "split")));
    if (e == ZT_OK && json_is_object(labels)) e = zt_layout_labels(l, json_incref(labels), &k->labels);
done:
    json_decref(j);
    return e;
}

static zt_err add_sample(zt_layout_list *l, const zt_tar_sample *s, const char *tar) {
    char name[2 * ZT_PATH_MAX], *caption = NULL;
    zt_ingest_item k = {.bytes = s->video.bytes, .n_bytes = s->video.n};
    zt_err e;
    ZT_TRY(e = zt_format(name, sizeof name, "%s/%s", tar, s->video_name), done);
    k.path = name;
    if (s->text.bytes && s->text.n <= TEXT_MAX && zt_utf8_valid((const char *)s->text.bytes, s->text.n, NULL)) {
        caption = zt_alloc(s->text.n + 1);
        if (!caption) return ZT_NOMEM;
        if (s->text.n) memcpy(caption, s->text.bytes, s->text.n);
        k.caption = caption;
    } else if (s->text.bytes)
        zt_warn("caption passed over: %s/%s: not UTF-8 text, or too long", tar, s->key);
    ZT_TRY(e = read_json(l, s, name, &k), done);
    if (!k.caption) k.caption = "";
    e = zt_layout_add(l, &k);
done:
    zt_free(caption);
    return e;
}

static zt_err read_tar(void *ctx, const char *path) {
    zt_layout_list *l = ctx;
    zt_tar_sample s;
    bool end;
    zt_err e;
    zt_map *more = zt_realloc(l->map, (size_t)(l->n_maps + 1) * sizeof *more);
    if (!more) return ZT_NOMEM;
    l->map = more;
    ZT_TRY(e = zt_map_open(&l->map[l->n_maps], path), done);
    const zt_map *m = &l->map[l->n_maps++];
    zt_tar_walk w = {.bytes = m->data, .len = m->size, .where = path};
    while ((e = zt_tar_sample_next(&w, &s, &end)) == ZT_OK && !end) {
        if (s.video.bytes)
            ZT_TRY(e = add_sample(l, &s, path), done);
        else
            zt_layout_missing(l, s.key); /* arrays, images, or a video that video2dataset could not fetch */
    }
done:
    return e;
}

zt_err zt_layout_webdataset_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    char real[ZT_PATH_MAX];
    int n;
    (void)cfg;
    if (!realpath(src, real)) return zt_fail(ZT_NOTFOUND, "%s: cannot be read: %s; check the path", src, strerror(errno));
    const zt_err e = zt_layout_files(real, ".tar", read_tar, l, &n);
    return e == ZT_OK && n == 0
               ? zt_fail(ZT_NOTFOUND, "%s: there is no .tar file in it (compressed ones are unpacked first)", src)
               : e;
}
