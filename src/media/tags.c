/* tags.c - the list of tags in memory. Tested by tests/media/test_media_tags.c. */
#include "media/tags.h"
#include <string.h>
#include "base/mem.h"
#include "base/str.h"

static zt_err check(const char *key, const char *value) {
    size_t k = strlen(key), v = strlen(value), bad;
    if (k < 1 || k > ZT_TAG_KEY_MAX || strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != k)
        return zt_fail(ZT_ARG, "tag key \"%.80s\": wanted 1 to %d letters, digits, '_', '-' or '.'", key, ZT_TAG_KEY_MAX);
    if (v > ZT_TAG_VALUE_MAX) return zt_fail(ZT_ARG, "tag %s: %zu bytes, at most %d fit; shorten it", key, v, ZT_TAG_VALUE_MAX);
    if (!zt_utf8_valid(value, v, &bad)) return zt_fail(ZT_ARG, "tag %s: byte %zu is not valid UTF-8", key, bad);
    for (size_t i = 0; i < v; i++)
        if (((unsigned char)value[i] < 32 && value[i] != '\t' && value[i] != '\n') || value[i] == 127)
            return zt_fail(ZT_ARG, "tag %s: byte %zu is a control character (code %d); remove it", key, i,
                           (unsigned char)value[i]);
    return ZT_OK;
}

zt_err zt_media_tags_set(zt_media_tags *t, const char *key, const char *value) {
    zt_err e = check(key, value);
    if (e != ZT_OK) return e;
    int i = 0;
    while (i < t->n && strcmp(t->tag[i].key, key) != 0) i++;
    if (i == ZT_TAGS_MAX) return zt_fail(ZT_ARG, "tag %s: a file holds at most %d tags", key, ZT_TAGS_MAX);
    char *v = zt_strdup(value), *k = i == t->n ? zt_strdup(key) : t->tag[i].key;
    if (!v || !k) {
        zt_free(v);
        if (i == t->n) zt_free(k);
        return ZT_NOMEM;
    }
    if (i < t->n) zt_free(t->tag[i].value);
    else t->n++;
    t->tag[i] = (zt_media_tag){k, v};
    return ZT_OK;
}

const char *zt_media_tags_get(const zt_media_tags *t, const char *key) {
    for (int i = 0; t && i < t->n; i++)
        if (!strcmp(t->tag[i].key, key)) return t->tag[i].value;
    return NULL;
}

void zt_media_tags_finish(zt_media_tags *t) {
    for (int i = 0; t && i < t->n; i++) {
        zt_free(t->tag[i].key);
        zt_free(t->tag[i].value);
    }
    if (t) *t = (zt_media_tags){0};
}
