/* template.c - see template.h. Tested by tests/data/test_data_filter.c. */
#include "data/template.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/edit.h"

enum { NAME_MAX_BYTES = 60 };

static zt_err add_field(zt_catalog *c, const zt_catalog_clip *k, const char *name, zt_str *out) {
    const struct { const char *name, *text;
    } TEXT[] = {{"key", k->key},
                {"split", k->split},
                {"caption", k->caption},
                {"licence", k->licence},
                {"source", zt_path_base(k->source)}};
    const struct { const char *name; double v; } NUMBER[] = {
        {"frames", k->frames}, {"height", k->height}, {"width", k->width}, {"fps", k->fps}};
    for (size_t i = 0; i < sizeof TEXT / sizeof TEXT[0]; i++)
        if (strcmp(name, TEXT[i].name) == 0) {
            zt_str_add(out, TEXT[i].text);
            return ZT_OK;
        }
    for (size_t i = 0; i < sizeof NUMBER / sizeof NUMBER[0]; i++)
        if (strcmp(name, NUMBER[i].name) == 0) {
            zt_str_addf(out, "%g", NUMBER[i].v);
            return ZT_OK;
        }
    if (strncmp(name, "tag.", 4) == 0) {
        char value[ZT_CLIP_TAG_VALUE_MAX + 1];
        zt_err e = zt_tag_check(name + 4, NULL);
        if (e == ZT_OK) e = zt_catalog_tag(c, k->id, name + 4, value, sizeof value);
        if (e == ZT_OK) zt_str_add(out, value);
        return e;
    }
    return zt_fail(
        ZT_ARG,
        "template: there is no field {%s}; fields are caption, key, split, source, licence, frames, height, width, fps, "
        "tag.NAME",
        name);
}

/* Spaces at the ends and doubled ones from `start` on. */
static void tidy(zt_str *s, size_t start) {
    size_t n = start;
    for (size_t i = start; i < s->len; i++)
        if (s->buf[i] != ' ' || (n > start && s->buf[n - 1] != ' ')) s->buf[n++] = s->buf[i];
    while (n > start && s->buf[n - 1] == ' ') n--;
    if (s->buf) s->buf[s->len = n] = '\0';
}

zt_err zt_template_expand(zt_catalog *c, const zt_catalog_clip *k, const char *pattern, zt_str *out) {
    const size_t start = out->len;
    for (const char *p = pattern; *p;) {
        const size_t plain = strcspn(p, "{");
        zt_str_addn(out, p, plain);
        p += plain;
        if (!*p) break;
        if (p[1] == '{') {
            zt_str_add(out, "{");
            p += 2;
            continue;
        }
        char name[NAME_MAX_BYTES + 1];
        const size_t n = strcspn(p + 1, "}");
        if (p[1 + n] != '}' || n > NAME_MAX_BYTES) return zt_fail(ZT_ARG, "template: '%.40s' has no closing brace", p);
        snprintf(name, sizeof name, "%.*s", (int)n, p + 1);
        const zt_err e = add_field(c, k, name, out);
        if (e != ZT_OK) return e;
        p += n + 2;
    }
    if (out->failed) return ZT_NOMEM;
    tidy(out, start);
    return ZT_OK;
}
