/* opt.c - option tables: text or JSON to struct fields, and back. What the options mean is the owner of the table's business. */
#include "base/opt.h"
#include <math.h>
#include <string.h>
#include "base/json_text.h"
#include "base/log.h"
#include "base/str.h"

enum { INTS_MAX = 8, TABLE_MAX = 256 };

/* Where a message points: "config.yaml: train." + "lr" + "=" + value. */
typedef struct spot {
    const char *where, *key;
    char value[80];
} spot;

static spot spot_of(const char *where, const char *key, const char *value) {
    spot s = {.where = where ? where : "", .key = key};
    size_t n = strnlen(value, 60), bad = 0;
    memcpy(s.value, value, n);
    s.value[n] = 0;
    if (value[n]) {
        if (!zt_utf8_valid(s.value, n, &bad) && n - bad < 4) /* do not end inside a character */
            n = bad;
        memcpy(s.value + n, "...", 4);
    }
    return s;
}

static zt_err want(const spot *s, const char *text) {
    return zt_fail(ZT_CONFIG, "%s%s=%s: want %s", s->where, s->key, s->value, text);
}

/* ---- ranges and choices as text ---- */

static void plain_number(char out[32], double v) {
    zt_real_text(out, v);
    if (fabs(v) < 1e15 && v == floor(v)) (void)zt_format(out, 32, "%.0f", v);
}

static bool has_range(const zt_opt *o) { return o->min != 0 || o->max != 0; }

static void range_text(const zt_opt *o, char *dst, size_t cap) {
    char lo[32], hi[32];
    plain_number(lo, o->min);
    plain_number(hi, o->max);
    if (isinf(o->max) && isinf(o->min))
        (void)zt_format(dst, cap, "a finite number");
    else if (isinf(o->max))
        (void)zt_format(dst, cap, "%s or more", lo);
    else if (isinf(o->min))
        (void)zt_format(dst, cap, "%s or less", hi);
    else
        (void)zt_format(dst, cap, "%s..%s", lo, hi);
}

static zt_err check_range(const zt_opt *o, const spot *s, double v) {
    char text[96];
    if (!has_range(o) || (v >= o->min && v <= o->max)) return ZT_OK;
    range_text(o, text, sizeof text);
    return want(s, text);
}

/* The i-th of "a|b|c": where it starts and its length; false past the end. */
static bool choice(const char *choices, int i, const char **at, size_t *len) {
    const char *p = choices;
    for (; i > 0; i--) {
        p = strchr(p, '|');
        if (!p) return false;
        p++;
    }
    *at = p;
    *len = strcspn(p, "|");
    return true;
}

static zt_err choice_index(const zt_opt *o, const spot *s, const char *text, int *index) {
    const char *at;
    size_t len;
    for (int i = 0; choice(o->choices, i, &at, &len); i++)
        if (strlen(text) == len && memcmp(at, text, len) == 0) {
            *index = i;
            return ZT_OK;
        }
    return zt_fail(ZT_CONFIG, "%s%s=%s: want one of %s", s->where, s->key, s->value, o->choices);
}

/* ---- storing a value ---- */

static void *field(const zt_opt *o, void *cfg) { return (char *)cfg + o->offset; }

static const void *const_field(const zt_opt *o, const void *cfg) { return (const char *)cfg + o->offset; }

/* A wrong C type in a table would write past the field. */
static zt_err check_size(const zt_opt *o) {
    static const size_t sizes[] = {sizeof(int64_t), sizeof(double), sizeof(int), 0, sizeof(int), sizeof(zt_ints)};
    if (o->type == ZT_OPT_STR ? o->size > 0 : o->size == sizes[o->type]) return ZT_OK;
    return zt_fail(ZT_INTERNAL, "option %s: its field has %zu bytes, which does not fit its type", o->name, o->size);
}

static zt_err store_int(const zt_opt *o, void *cfg, const spot *s, int64_t v) {
    zt_err e = check_range(o, s, (double)v);
    if (e == ZT_OK) memcpy(field(o, cfg), &v, sizeof v);
    return e;
}

static zt_err store_real(const zt_opt *o, void *cfg, const spot *s, double v) {
    zt_err e = isfinite(v) ? check_range(o, s, v) : want(s, "a finite number");
    if (e == ZT_OK) memcpy(field(o, cfg), &v, sizeof v);
    return e;
}

static zt_err store_str(const zt_opt *o, void *cfg, const spot *s, const char *text) {
    size_t n = strlen(text);
    if (n >= o->size)
        return zt_fail(ZT_CONFIG, "%s%s=%s: has %zu bytes, want at most %zu", s->where, s->key, s->value, n, o->size - 1);
    if (!zt_utf8_valid(text, n, NULL)) return want(s, "valid UTF-8 text");
    memset(field(o, cfg), 0, o->size);
    memcpy(field(o, cfg), text, n);
    return ZT_OK;
}

static zt_err store_enum(const zt_opt *o, void *cfg, const spot *s, const char *text) {
    int v = 0;
    zt_err e = choice_index(o, s, text, &v);
    if (e == ZT_OK) memcpy(field(o, cfg), &v, sizeof v);
    return e;
}

static zt_err add_int(const zt_opt *o, const spot *s, zt_ints *list, int64_t v) {
    if (list->n == INTS_MAX) return want(s, "at most 8 numbers");
    zt_err e = check_range(o, s, (double)v);
    if (e == ZT_OK) list->v[list->n++] = v;
    return e;
}

static zt_err store_ints(const zt_opt *o, void *cfg, const spot *s, const char *text) {
    zt_ints list = {0};
    char one[32];
    for (const char *p = text; *text;) {
        size_t n = strcspn(p, ",");
        int64_t v;
        if (n >= sizeof one) return want(s, "whole numbers such as 1,2,4");
        memcpy(one, p, n);
        one[n] = 0;
        if (!zt_parse_int(one, &v)) return want(s, "whole numbers such as 1,2,4");
        zt_err e = add_int(o, s, &list, v);
        if (e != ZT_OK) return e;
        if (!p[n]) break;
        p += n + 1;
    }
    memcpy(field(o, cfg), &list, sizeof list);
    return ZT_OK;
}

static zt_err store_bool(const zt_opt *o, void *cfg, const spot *s, const char *text) {
    static const char *const no[] = {"false", "no", "off", "0"}, *const yes[] = {"true", "yes", "on", "1"};
    for (int i = 0; i < 4; i++) {
        int v = strcmp(text, yes[i]) == 0;
        if (v || strcmp(text, no[i]) == 0) {
            memcpy(field(o, cfg), &v, sizeof v);
            return ZT_OK;
        }
    }
    return want(s, "true or false");
}

static zt_err store_text(const zt_opt *o, void *cfg, const char *where, const char *text) {
    spot s = spot_of(where, o->name, text);
    int64_t i;
    double d;
    zt_err e = check_size(o);
    if (e != ZT_OK) return e;
    switch (o->type) {
    case ZT_OPT_INT: return zt_parse_int(text, &i) ? store_int(o, cfg, &s, i) : want(&s, "a whole number");
    case ZT_OPT_REAL: return zt_parse_real(text, &d) ? store_real(o, cfg, &s, d) : want(&s, "a number");
    case ZT_OPT_BOOL: return store_bool(o, cfg, &s, text);
    case ZT_OPT_STR: return store_str(o, cfg, &s, text);
    case ZT_OPT_ENUM: return store_enum(o, cfg, &s, text);
    case ZT_OPT_INTS: return store_ints(o, cfg, &s, text);
    }
    return zt_fail(ZT_INTERNAL, "option %s: unknown type %d", o->name, (int)o->type);
}

/* ---- tables ---- */

void zt_opt_defaults(zt_opts t, void *cfg) {
    for (int i = 0; i < t.n; i++) {
        const zt_opt *o = &t.opt[i];
        memset(field(o, cfg), 0, o->size);
        if (o->def && store_text(o, cfg, "default ", o->def) != ZT_OK) zt_warn("a bug in an option table: %s", zt_err_text());
    }
}

static const zt_opt *find(zt_opts t, const char *key) {
    for (int i = 0; i < t.n; i++)
        if (strcmp(t.opt[i].name, key) == 0) return &t.opt[i];
    return NULL;
}

static zt_err unknown(zt_opts t, const char *where, const char *key) {
    const char *names[TABLE_MAX];
    int n = t.n < TABLE_MAX ? t.n : TABLE_MAX;
    for (int i = 0; i < n; i++) names[i] = t.opt[i].name;
    const char *near = zt_nearest_name(key, names, n);
    const char *space = strrchr(where, ' '), *section = space ? space + 1 : where; /* "config.yaml: train." -> "train." */
    spot s = spot_of(where, "", key);
    if (near) return zt_fail(ZT_CONFIG, "%s%s is not an option; did you mean %s%s?", where, s.value, section, near);
    zt_str all = {0};
    for (int i = 0; i < n; i++) zt_str_addf(&all, "%s%s", i ? ", " : "", names[i]);
    zt_err e =
        zt_fail(ZT_CONFIG, "%s%s is not an option; there are: %s", where, s.value, all.buf && !all.failed ? all.buf : "none");
    zt_str_finish(&all);
    return e;
}

zt_err zt_opt_set(zt_opts t, void *cfg, const char *where, const char *key, const char *value) {
    where = where ? where : "";
    const zt_opt *o = find(t, key);
    return o ? store_text(o, cfg, where, value) : unknown(t, where, key);
}

/* ---- JSON ---- */

static zt_err ints_from_json(const zt_opt *o, void *cfg, const spot *s, const json_t *v) {
    zt_ints list = {0};
    if (!json_is_array(v)) return want(s, "a list such as [1, 2, 4]");
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        zt_err e = json_is_integer(item) ? add_int(o, s, &list, (int64_t)json_integer_value(item))
                                         : want(s, "a list of whole numbers such as [1, 2, 4]");
        if (e != ZT_OK) return e;
    }
    memcpy(field(o, cfg), &list, sizeof list);
    return ZT_OK;
}

static zt_err int_from_json(const zt_opt *o, void *cfg, const spot *s, const json_t *v) {
    double d = json_number_value(v);
    if (json_is_integer(v)) return store_int(o, cfg, s, (int64_t)json_integer_value(v));
    if (json_is_real(v) && d == floor(d) && fabs(d) <= 0x1p53) /* 1e6 is written for 1000000 */
        return store_int(o, cfg, s, (int64_t)d);
    return want(s, "a whole number");
}

static zt_err store_json(const zt_opt *o, void *cfg, const char *where, const json_t *v) {
    zt_str shown = {0};
    if (!json_is_string(v) && !zt_json_deeper(v, 4)) zt_json_add(&shown, v, 0, true);
    spot s = spot_of(where, o->name, json_is_string(v) ? json_string_value(v) : shown.buf ? shown.buf : "...");
    zt_str_finish(&shown);
    int flag = json_is_true(v);
    zt_err e = check_size(o);
    if (e != ZT_OK) return e;
    switch (o->type) {
    case ZT_OPT_INT: return int_from_json(o, cfg, &s, v);
    case ZT_OPT_REAL: return json_is_number(v) ? store_real(o, cfg, &s, json_number_value(v)) : want(&s, "a number");
    case ZT_OPT_BOOL:
        if (!json_is_boolean(v)) return want(&s, "true or false");
        memcpy(field(o, cfg), &flag, sizeof flag);
        return ZT_OK;
    case ZT_OPT_STR: return json_is_string(v) ? store_str(o, cfg, &s, json_string_value(v)) : want(&s, "text (put it in quotes)");
    case ZT_OPT_ENUM: return store_enum(o, cfg, &s, json_is_string(v) ? json_string_value(v) : "");
    case ZT_OPT_INTS: return ints_from_json(o, cfg, &s, v);
    }
    return zt_fail(ZT_INTERNAL, "option %s: unknown type %d", o->name, (int)o->type);
}

zt_err zt_opt_from_json(zt_opts t, void *cfg, const char *where, const json_t *obj) {
    const char *key;
    json_t *v;
    where = where ? where : "";
    if (!json_is_object(obj))
        return zt_fail(ZT_CONFIG, "%.*s: want a section with \"name: value\" lines",
                       *where ? (int)strlen(where) - zt_ends_with(where, ".") : 7, *where ? where : "options");
    json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
        const zt_opt *o = find(t, key);
        zt_err e = o ? store_json(o, cfg, where, v) : unknown(t, where, key);
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

static json_t *ints_to_json(const zt_ints *list) {
    json_t *a = json_array();
    for (int i = 0; a && i < list->n && i < INTS_MAX; i++)
        if (json_array_append_new(a, json_integer((json_int_t)list->v[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *value_to_json(const zt_opt *o, const void *cfg) {
    const void *p = const_field(o, cfg);
    const char *at = "";
    size_t len = 0;
    int64_t i;
    double d;
    int n;
    switch (o->type) {
    case ZT_OPT_INT: memcpy(&i, p, sizeof i); return json_integer((json_int_t)i);
    case ZT_OPT_REAL: memcpy(&d, p, sizeof d); return json_real(d);
    case ZT_OPT_BOOL: memcpy(&n, p, sizeof n); return json_boolean(n != 0);
    case ZT_OPT_STR: return json_stringn(p, strnlen(p, o->size));
    case ZT_OPT_ENUM: memcpy(&n, p, sizeof n); return n >= 0 && choice(o->choices, n, &at, &len) ? json_stringn(at, len) : NULL;
    case ZT_OPT_INTS: return ints_to_json(p);
    }
    return NULL;
}

json_t *zt_opt_to_json(zt_opts t, const void *cfg) {
    json_t *obj = json_object();
    for (int i = 0; obj && i < t.n; i++)
        if (json_object_set_new(obj, t.opt[i].name, value_to_json(&t.opt[i], cfg)) != 0) {
            json_decref(obj);
            (void)zt_fail(ZT_NOMEM, "option %s could not be turned into JSON: out of memory, or its value is not valid",
                          t.opt[i].name);
            return NULL;
        }
    return obj;
}
