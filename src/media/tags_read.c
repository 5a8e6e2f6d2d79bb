/* tags_read.c - read back what tags_store.c and the MP4 muxer wrote. A tag that does not fit the rules of tags.h (foreign
 * files) is left out, never an error. Tested by tests/media/test_media_tags.c and fuzz/fuzz_media.c. */
#include <string.h>
#include <libavutil/dict.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/decoder.h"
#include "media/tags.h"
#include "media/webp.h"

/* Keep a foreign key/value if it is acceptable; only memory is an error. */
static zt_err keep(zt_media_tags *t, const char *key, size_t key_len, const char *value, size_t value_len) {
    if (key_len > ZT_TAG_KEY_MAX || value_len > ZT_TAG_VALUE_MAX || t->n == ZT_TAGS_MAX) return ZT_OK;
    zt_str k = {0}, v = {0};
    zt_str_addn(&k, key, key_len);
    zt_str_addn(&v, value, value_len);
    zt_err e = k.failed || v.failed ? zt_fail(ZT_NOMEM, "out of memory while tags were read")
                                    : zt_media_tags_set(t, k.buf ? k.buf : "", v.buf ? v.buf : "");
    zt_str_finish(&k);
    zt_str_finish(&v);
    return e == ZT_ARG ? ZT_OK : e;
}

/* --- PNG -------------------------------------------------------------------------------------------------------------- */

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static zt_err png_text(zt_media_tags *t, const uint8_t *data, size_t len, bool international) {
    const uint8_t *zero = memchr(data, 0, len);
    if (!zero) return ZT_OK;
    const char *key = (const char *)data;
    size_t key_len = (size_t)(zero - data), at = key_len + 1;
    if (international) {
        if (len - at < 2 || data[at]) return ZT_OK;        /* compressed: not ours */
        at += 2;
        for (int k = 0; k < 2; k++) {                      /* language, translated keyword */
            zero = memchr(data + at, 0, len - at);
            if (!zero) return ZT_OK;
            at = (size_t)(zero - data) + 1;
        }
    }
    static const char *const pairs[][2] = {
        {"title", "Title"}, {"artist", "Author"}, {"comment", "Comment"}, {"description", "Description"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strlen(pairs[i][1]) == key_len && !memcmp(key, pairs[i][1], key_len)) {
            key = pairs[i][0];
            key_len = strlen(key);
            break;
        }
    return keep(t, key, key_len, (const char *)data + at, len - at);
}

static zt_err read_png(const zt_map *m, zt_media_tags *t) {
    for (size_t at = 8; m->size - at >= 12;) {
        size_t len = be32(m->data + at), room = m->size - at - 12;
        const uint8_t *id = m->data + at + 4;
        if (len > room || !memcmp(id, "IEND", 4)) break;
        bool plain = !memcmp(id, "tEXt", 4), international = !memcmp(id, "iTXt", 4);
        if (plain || international) {
            zt_err e = png_text(t, id + 4, len, international);
            if (e != ZT_OK) return e;
        }
        at += 12 + len;
    }
    return ZT_OK;
}

/* --- GIF -------------------------------------------------------------------------------------------------------------- */

/* Append the sub-blocks at *at to s (NULL: skip them); *at ends behind the terminator or at the end of the file. */
static void sub_blocks(const zt_map *m, size_t *at, zt_str *s) {
    while (*at < m->size) {
        size_t n = m->data[(*at)++];
        if (!n) return;
        if (n > m->size - *at) n = m->size - *at;
        if (s && s->len <= ZT_TAG_VALUE_MAX + ZT_TAG_KEY_MAX + 1) zt_str_addn(s, m->data + *at, n);
        *at += n;
    }
}

static zt_err gif_comment(const zt_map *m, size_t *at, zt_media_tags *t) {
    zt_str s = {0};
    sub_blocks(m, at, &s);
    const char *eq = s.buf ? memchr(s.buf, '=', s.len) : NULL;
    zt_err e = ZT_OK;
    if (s.failed) e = zt_fail(ZT_NOMEM, "out of memory while tags were read");
    else if (eq) e = keep(t, s.buf, (size_t)(eq - s.buf), eq + 1, s.len - (size_t)(eq - s.buf) - 1);
    zt_str_finish(&s);
    return e;
}

static zt_err read_gif(const zt_map *m, zt_media_tags *t) {
    size_t at = 13;
    if (m->size > at && m->data[10] & 0x80) at += (size_t)3 << ((m->data[10] & 7) + 1);
    while (at < m->size && m->data[at] != 0x3b) {
        uint8_t kind = m->data[at++];
        if (kind == 0x21 && at < m->size) {
            uint8_t label = m->data[at++];
            zt_err e = ZT_OK;
            if (label == 0xfe) e = gif_comment(m, &at, t);
            else sub_blocks(m, &at, NULL);
            if (e != ZT_OK) return e;
        } else if (kind == 0x2c && m->size - at > 9) {
            uint8_t flags = m->data[at + 8];
            at += 9;
            if (flags & 0x80) at += (size_t)3 << ((flags & 7) + 1);
            at++;                                          /* LZW code size */
            sub_blocks(m, &at, NULL);
        } else break;
    }
    return ZT_OK;
}

/* --- WebP ------------------------------------------------------------------------------------------------------------- */

static zt_err keep_xml(zt_media_tags *t, const char *key, size_t key_len, const char *text, size_t len) {
    static const struct { const char *name; char c; } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''}, {"&#x27;", '\''}};
    zt_str s = {0};
    for (size_t i = 0; i < len;) {
        size_t used = 1;
        char c = text[i];
        for (size_t k = 0; c == '&' && used == 1 && k < sizeof entities / sizeof *entities; k++) {
            size_t n = strlen(entities[k].name);
            if (len - i >= n && !memcmp(text + i, entities[k].name, n)) {
                c = entities[k].c;
                used = n;
                break;
            }
        }
        zt_str_addn(&s, &c, 1);
        i += used;
    }
    zt_err e = s.failed ? zt_fail(ZT_NOMEM, "out of memory while tags were read")
                        : keep(t, key, key_len, s.buf ? s.buf : "", s.len);
    zt_str_finish(&s);
    return e;
}

/* Just enough XML for the packets of tags_store.c. */
static zt_err read_xmp(const char *xmp, size_t len, zt_media_tags *t) {
    static const char open[] = "<zt:key>", mid[] = "</zt:key><zt:value>", close[] = "</zt:value>";
    const char *end = xmp + len, *p = xmp;
    while (p && (p = memmem(p, (size_t)(end - p), open, sizeof open - 1))) {
        const char *key = p + sizeof open - 1, *m = memmem(key, (size_t)(end - key), mid, sizeof mid - 1);
        if (!m) break;
        const char *value = m + sizeof mid - 1, *c = memmem(value, (size_t)(end - value), close, sizeof close - 1);
        if (!c) break;
        zt_err e = keep_xml(t, key, (size_t)(m - key), value, (size_t)(c - value));
        if (e != ZT_OK) return e;
        p = c;
    }
    return ZT_OK;
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

static zt_err read_container(const char *path, zt_media_tags *t) {
    static const char *const bookkeeping[] = {"major_brand", "minor_version", "compatible_brands", "encoder", "creation_time"};
    AVDictionary *meta = NULL;
    zt_err e = zt_container_metadata(path, &meta);
    const AVDictionaryEntry *m = NULL;
    while (e == ZT_OK && (m = av_dict_get(meta, "", m, AV_DICT_IGNORE_SUFFIX))) {
        bool skip = false;
        for (size_t i = 0; i < sizeof bookkeeping / sizeof *bookkeeping; i++) skip = skip || !strcmp(m->key, bookkeeping[i]);
        if (!skip) e = keep(t, m->key, strlen(m->key), m->value, strlen(m->value));
    }
    av_dict_free(&meta);
    return e;
}

zt_err zt_media_tags_read(const char *path, zt_media_tags *t) {
    *t = (zt_media_tags){0};
    zt_map m = {0};
    const char *xmp;
    size_t xmp_len;
    zt_err e = zt_map_open(&m, path);
    if (e != ZT_OK) return e;
    if (m.size >= 8 && !memcmp(m.data, "\x89PNG\r\n\x1a\n", 8)) e = read_png(&m, t);
    else if (m.size >= 13 && !memcmp(m.data, "GIF8", 4)) e = read_gif(&m, t);
    else if (m.size >= 12 && !memcmp(m.data, "RIFF", 4) && !memcmp(m.data + 8, "WEBP", 4)) {
        e = zt_webp_xmp(m.data, m.size, &xmp, &xmp_len);
        if (e == ZT_OK && xmp) e = read_xmp(xmp, xmp_len, t);
    } else e = read_container(path, t);
    zt_map_close(&m);
    if (e != ZT_OK) zt_media_tags_finish(t);
    return e;
}
