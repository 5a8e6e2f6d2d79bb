/* json.c - reading and writing JSON (RFC 8259) with jansson's tree. YAML is in yaml.c. */
#include "base/json.h"
#include <string.h>
#include "base/file.h"
#include "base/json_text.h"
#include "base/mem.h"

enum { DEPTH_MAX = 64 };

/* jansson itself recurses 2048 deep; look first. Brackets inside strings do not count. */
static zt_err check_depth(const char *text, size_t len, const char *where) {
    int depth = 0, line = 1;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\n') line++;
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX)
                return zt_fail(ZT_FORMAT, "%s:%d: nested deeper than %d; flatten it", where, line, DEPTH_MAX);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return ZT_OK;
}

zt_err zt_json_parse(const char *text, size_t len, const char *where, json_t **out) {
    json_error_t why;
    zt_err e;
    *out = NULL;
    ZT_TRY(e = check_depth(text, len, where), done);
    *out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!*out && json_error_code(&why) == json_error_out_of_memory)
        e = zt_fail(ZT_NOMEM, "%s: out of memory while reading JSON", where);
    else if (!*out)
        e = zt_fail(ZT_FORMAT, "%s:%d: not valid JSON at column %d: %s", where, why.line, why.column, why.text);
done:
    return e;
}

zt_err zt_json_load(const char *path, size_t max_bytes, json_t **out) {
    char *text = NULL;
    size_t len;
    zt_err e;
    *out = NULL;
    ZT_TRY(e = zt_file_read(path, max_bytes, &text, &len), done);
    e = zt_json_parse(text, len, path, out);
done:
    zt_free(text);
    return e;
}

/* ---- writing: our own, because jansson prints 0.1 as 0.10000000000000001 ---- */

/* Escapes what JSON must escape, and what YAML would refuse or fold: DEL, C1 controls, line separators, BOM, non-characters. */
void zt_json_add_string(zt_str *s, const char *text) {
    zt_str_add(s, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        unsigned code = 0; /* code point to escape; 0: copy the byte */
        size_t extra = 0;
        if (*p < 0x20 || *p == 0x7F || *p == '"' || *p == '\\')
            code = *p;
        else if (*p == 0xC2 && p[1] < 0xA0)
            code = p[1], extra = 1;
        else if (*p == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
            code = 0x2000u + (p[2] - 0x80u), extra = 2;
        else if (*p == 0xEF && p[1] == 0xBB && p[2] == 0xBF)
            code = 0xFEFF, extra = 2;
        else if (*p == 0xEF && p[1] == 0xBF && p[2] >= 0xBE)
            code = 0xFFC0u + (p[2] - 0x80u), extra = 2;
        if (code == '"' || code == '\\')
            zt_str_addf(s, "\\%c", (char)code);
        else if (code == '\n')
            zt_str_add(s, "\\n");
        else if (code == '\t')
            zt_str_add(s, "\\t");
        else if (code)
            zt_str_addf(s, "\\u%04x", code);
        else
            zt_str_addn(s, p, 1);
        p += extra;
    }
    zt_str_add(s, "\"");
}

static void new_line(zt_str *s, int indent) { zt_str_addf(s, "\n%*s", 2 * indent, ""); }

static bool has_containers(const json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *v = json_array_get(array, i);
        if (json_is_object(v) || json_is_array(v)) return true;
    }
    return false;
}

static void add_object(zt_str *s, json_t *j, int indent, bool one_line) {
    const char *key, *between = "";
    json_t *value;
    zt_str_add(s, "{");
    json_object_foreach(j, key, value) {
        zt_str_add(s, between);
        if (!one_line) new_line(s, indent + 1);
        zt_json_add_string(s, key);
        zt_str_add(s, ": ");
        zt_json_add(s, value, indent + 1, one_line);
        between = one_line ? ", " : ",";
    }
    if (!one_line && *between) new_line(s, indent);
    zt_str_add(s, "}");
}

static void add_array(zt_str *s, const json_t *j, int indent, bool one_line) {
    bool rows = !one_line && has_containers(j); /* lists of numbers stay on one line */
    zt_str_add(s, "[");
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (i > 0) zt_str_add(s, rows ? "," : ", ");
        if (rows) new_line(s, indent + 1);
        zt_json_add(s, json_array_get(j, i), indent + 1, one_line);
    }
    if (rows) new_line(s, indent);
    zt_str_add(s, "]");
}

void zt_json_add(zt_str *s, const json_t *j, int indent, bool one_line) {
    char number[32];
    if (s->failed) return;
    switch (json_typeof(j)) {
    case JSON_OBJECT: add_object(s, (json_t *)(uintptr_t)j, indent, one_line); break;
    case JSON_ARRAY: add_array(s, j, indent, one_line); break;
    case JSON_STRING: zt_json_add_string(s, json_string_value(j)); break;
    case JSON_INTEGER: zt_str_addf(s, "%" JSON_INTEGER_FORMAT, json_integer_value(j)); break;
    case JSON_REAL:
        zt_real_text(number, json_real_value(j));
        zt_str_add(s, number);
        break;
    case JSON_TRUE: zt_str_add(s, "true"); break;
    case JSON_FALSE: zt_str_add(s, "false"); break;
    case JSON_NULL: zt_str_add(s, "null"); break;
    }
}

bool zt_json_deeper(const json_t *j, int limit) {
    json_t *item;
    const char *key;
    size_t i;
    if (json_is_object(j) || json_is_array(j)) limit--;
    if (limit < 0) return true;
    json_object_foreach((json_t *)(uintptr_t)j, key, item) if (zt_json_deeper(item, limit)) return true;
    json_array_foreach(j, i, item) if (zt_json_deeper(item, limit)) return true;
    return false;
}

zt_err zt_json_save(const char *path, const json_t *j) {
    zt_str s = {0};
    zt_err e;
    if (zt_json_deeper(j, DEPTH_MAX)) /* what is written must be readable again */
        return zt_fail(ZT_ARG, "%s: the JSON to write is nested deeper than %d", path, DEPTH_MAX);
    zt_json_add(&s, j, 0, false);
    zt_str_add(&s, "\n");
    if (s.failed)
        e = zt_fail(ZT_NOMEM, "%s: out of memory while writing JSON", path);
    else
        e = zt_file_write(path, s.buf, s.len);
    zt_str_finish(&s);
    return e;
}
