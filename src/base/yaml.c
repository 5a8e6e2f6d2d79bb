/* yaml.c - one YAML document (yaml.org/spec/1.2.2, core schema: null, true/false, decimal integers and reals)
 * through libyaml's events. Not all of YAML: anchors, aliases, tags and several documents are refused, so a small file can
 * never grow large in memory. */
#include "base/json.h"
#include <string.h>
#include <yaml.h>
#include "base/file.h"
#include "base/json_text.h"
#include "base/mem.h"

enum { DEPTH_MAX = 32, BYTES_MAX = 1 << 20 };

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool held; /* event is to be deleted */
    const char *where;
} reader;

static int line_of(const reader *r) { return (int)r->event.start_mark.line + 1; }

static zt_err next(reader *r) {
    if (r->held) yaml_event_delete(&r->event);
    r->held = yaml_parser_parse(&r->parser, &r->event) == 1;
    if (r->held) return ZT_OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) return zt_fail(ZT_NOMEM, "%s: out of memory while reading YAML", r->where);
    if (p->error == YAML_READER_ERROR)
        return zt_fail(ZT_FORMAT, "%s: not valid YAML at byte %zu: %s", r->where, p->problem_offset,
                       p->problem ? p->problem : "unreadable");
    return zt_fail(ZT_FORMAT, "%s:%d: not valid YAML: %s", r->where, (int)p->problem_mark.line + 1,
                   p->problem ? p->problem : "unreadable");
}

static zt_err refuse(const reader *r, const char *what) {
    return zt_fail(ZT_FORMAT, "%s:%d: %s; only mappings, sequences and plain or quoted values are read", r->where, line_of(r),
                   what);
}

static zt_err check_extras(const reader *r) {
    const yaml_event_t *v = &r->event;
    if (v->type == YAML_ALIAS_EVENT) return refuse(r, "an alias (*name) is not allowed");
    const yaml_char_t *anchor = v->type == YAML_SCALAR_EVENT           ? v->data.scalar.anchor
                                : v->type == YAML_SEQUENCE_START_EVENT ? v->data.sequence_start.anchor
                                : v->type == YAML_MAPPING_START_EVENT  ? v->data.mapping_start.anchor
                                                                       : NULL;
    const yaml_char_t *tag = v->type == YAML_SCALAR_EVENT           ? v->data.scalar.tag
                             : v->type == YAML_SEQUENCE_START_EVENT ? v->data.sequence_start.tag
                             : v->type == YAML_MAPPING_START_EVENT  ? v->data.mapping_start.tag
                                                                    : NULL;
    if (anchor) return refuse(r, "an anchor (&name) is not allowed");
    if (tag) return refuse(r, "a tag (!name) is not allowed");
    return ZT_OK;
}

static zt_err made(const reader *r, const json_t *j) {
    return j ? ZT_OK : zt_fail(ZT_NOMEM, "%s:%d: out of memory while reading YAML", r->where, line_of(r));
}

static bool only_digits(const char *s) {
    s += *s == '-' || *s == '+';
    return *s && s[strspn(s, "0123456789")] == 0;
}

/* A number by its form, whatever its size. */
static bool is_number(const char *s) {
    static const char ten[] = "0123456789";
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, ten), part = 0;
    s += whole;
    if (*s == '.') {
        part = strspn(s + 1, ten);
        s += 1 + part;
    }
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        if (!*s) return false;
        s += strspn(s, ten);
    }
    return whole + part > 0 && *s == 0;
}

static zt_err scalar(reader *r, json_t **out) {
    const char *s = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    int64_t i;
    double d;
    if (memchr(s, 0, n)) return refuse(r, "a NUL character is not allowed");
    if (r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        *out = json_string(s);
    else if (n == 0 || strcmp(s, "~") == 0 || strcmp(s, "null") == 0)
        *out = json_null();
    else if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
        *out = json_boolean(s[0] == 't');
    else if (zt_parse_int(s, &i))
        *out = json_integer((json_int_t)i);
    else if (!only_digits(s) && zt_parse_real(s, &d))
        *out = json_real(d);
    else if (is_number(s))
        return zt_fail(ZT_FORMAT, "%s:%d: %.40s is too large a number; text needs quotes", r->where, line_of(r), s);
    else
        *out = json_string(s);
    return made(r, *out);
}

static zt_err value(reader *r, int depth, json_t **out);

static zt_err sequence(reader *r, int depth, json_t **out) {
    zt_err e;
    *out = json_array();
    ZT_TRY(e = made(r, *out), done);
    for (;;) {
        ZT_TRY(e = next(r), done);
        if (r->event.type == YAML_SEQUENCE_END_EVENT) break;
        json_t *item = NULL;
        e = value(r, depth + 1, &item);
        if (e == ZT_OK && json_array_append_new(*out, item) != 0)
            e = made(r, NULL);
        else if (e != ZT_OK)
            json_decref(item);
        ZT_TRY(e, done);
    }
done:
    return e;
}

static zt_err mapping(reader *r, int depth, json_t **out) {
    char *key = NULL;
    zt_err e;
    *out = json_object();
    ZT_TRY(e = made(r, *out), done);
    for (;;) {
        ZT_TRY(e = next(r), done);
        if (r->event.type == YAML_MAPPING_END_EVENT) break;
        ZT_TRY(e = check_extras(r), done);
        if (r->event.type != YAML_SCALAR_EVENT || memchr(r->event.data.scalar.value, 0, r->event.data.scalar.length)) {
            e = refuse(r, "a key must be plain text");
            goto done;
        }
        key = zt_strdup((const char *)r->event.data.scalar.value);
        if (!key) {
            e = ZT_NOMEM;
            goto done;
        }
        if (json_object_get(*out, key)) {
            e = zt_fail(ZT_FORMAT, "%s:%d: the key %.80s is there twice; remove one", r->where, line_of(r), key);
            goto done;
        }
        json_t *item = NULL;
        ZT_TRY(e = next(r), done);
        e = value(r, depth + 1, &item);
        if (e == ZT_OK && json_object_set_new(*out, key, item) != 0)
            e = made(r, NULL);
        else if (e != ZT_OK)
            json_decref(item);
        ZT_TRY(e, done);
        zt_free(key);
        key = NULL;
    }
done:
    zt_free(key);
    return e;
}

/* The value the current event starts. On failure *out may hold a part of it: the caller decrefs. */
static zt_err value(reader *r, int depth, json_t **out) {
    zt_err e = check_extras(r);
    if (e != ZT_OK) return e;
    if (depth > DEPTH_MAX && r->event.type != YAML_SCALAR_EVENT)
        return zt_fail(ZT_FORMAT, "%s:%d: nested deeper than %d; flatten it", r->where, line_of(r), DEPTH_MAX);
    switch (r->event.type) {
    case YAML_SCALAR_EVENT: return scalar(r, out);
    case YAML_SEQUENCE_START_EVENT: return sequence(r, depth, out);
    case YAML_MAPPING_START_EVENT: return mapping(r, depth, out);
    default: return refuse(r, "a value is missing");
    }
}

static zt_err document(reader *r, json_t **out) {
    zt_err e;
    ZT_TRY(e = next(r), done); /* stream start */
    ZT_TRY(e = next(r), done);
    if (r->event.type != YAML_DOCUMENT_START_EVENT) {
        e = zt_fail(ZT_FORMAT, "%s: holds no document; write at least one \"key: value\"", r->where);
        goto done;
    }
    if (r->event.data.document_start.tag_directives.start != r->event.data.document_start.tag_directives.end) {
        e = refuse(r, "a %TAG directive is not allowed");
        goto done;
    }
    ZT_TRY(e = next(r), done);
    ZT_TRY(e = value(r, 1, out), done);
    ZT_TRY(e = next(r), done); /* document end */
    ZT_TRY(e = next(r), done);
    if (r->event.type != YAML_STREAM_END_EVENT) e = refuse(r, "a second document is not allowed");
done:
    return e;
}

zt_err zt_yaml_parse(const char *text, size_t len, const char *where, json_t **out) {
    reader r = {.where = where};
    zt_err e;
    *out = NULL;
    if (len > BYTES_MAX)
        return zt_fail(ZT_FORMAT, "%s: has %zu bytes, a YAML file may have %d; is it the right file?", where, len,
                       (int)BYTES_MAX);
    if (yaml_parser_initialize(&r.parser) != 1) return zt_fail(ZT_NOMEM, "%s: out of memory while reading YAML", where);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    e = document(&r, out);
    if (r.held) yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (e != ZT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return e;
}

zt_err zt_yaml_load(const char *path, json_t **out) {
    char *text = NULL;
    size_t len;
    zt_err e;
    *out = NULL;
    ZT_TRY(e = zt_file_read(path, BYTES_MAX, &text, &len), done);
    e = zt_yaml_parse(text, len, path, out);
done:
    zt_free(text);
    return e;
}

/* ---- writing: block mappings, everything below a list in flow form ---- */

/* Text that reads back as the same string without quotes. */
static bool plain(const char *s) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}; /* others' booleans */
    if (!*s || !strchr(letters, *s) || strlen(s) > 60) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0) return false;
    s += strspn(s, letters);
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-./")] == 0;
}

static void add_text(zt_str *s, const char *text) {
    if (plain(text))
        zt_str_add(s, text);
    else
        zt_json_add_string(s, text);
}

static void add_block(zt_str *s, json_t *j, int indent) {
    const char *key;
    json_t *v;
    json_object_foreach(j, key, v) {
        zt_str_addf(s, "%*s", 2 * indent, "");
        add_text(s, key);
        zt_str_add(s, ":");
        if (json_is_object(v) && json_object_size(v) > 0) {
            zt_str_add(s, "\n");
            add_block(s, v, indent + 1);
            continue;
        }
        zt_str_add(s, " ");
        if (json_is_string(v))
            add_text(s, json_string_value(v));
        else
            zt_json_add(s, v, indent, true);
        zt_str_add(s, "\n");
    }
}

zt_err zt_yaml_save(const char *path, const json_t *j) {
    zt_str s = {0};
    zt_err e;
    if (zt_json_deeper(j, DEPTH_MAX)) /* what is written must be readable again */
        return zt_fail(ZT_ARG, "%s: the YAML to write is nested deeper than %d", path, DEPTH_MAX);
    if (json_is_object(j) && json_object_size(j) > 0) {
        add_block(&s, (json_t *)(uintptr_t)j, 0);
    } else {
        zt_json_add(&s, j, 0, true);
        zt_str_add(&s, "\n");
    }
    if (s.failed)
        e = zt_fail(ZT_NOMEM, "%s: out of memory while writing YAML", path);
    else
        e = zt_file_write(path, s.buf, s.len);
    zt_str_finish(&s);
    return e;
}
