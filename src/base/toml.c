/* toml.c - one TOML document (toml.io/en/v1.0.0) as a json_t tree. Not all of TOML: dates and times, inf and nan, and numbers
 * that are not decimal are refused. Tested by tests/base/test_base_toml.c and fuzz/fuzz_toml.c. */
#include "base/json.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { DEPTH_MAX = 32, BYTES_MAX = 1 << 20, NUMBER_MAX = 64 };
/* How a table came to be, in reader.made: it decides who may add to it. */
enum { BY_HEADER = 1, INLINE = 2 };

typedef struct reader {
    const char *at, *end, *where;
    int line;
    json_t *made; /* address of a table (as text) to BY_HEADER or INLINE; absent: only implied by longer names */
} reader;

static zt_err refuse(const reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static zt_err refuse(const reader *r, const char *fmt, ...) {
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return zt_fail(ZT_FORMAT, "%s:%d: not readable as TOML: %s", r->where, r->line, what);
}

static zt_err no_memory(const reader *r) {
    return zt_fail(ZT_NOMEM, "%s:%d: out of memory while reading TOML", r->where, r->line);
}

/* ---- tables and who may add to them ---- */

static int made_by(const reader *r, const json_t *table) {
    char name[32];
    snprintf(name, sizeof name, "%p", (const void *)table);
    return (int)json_integer_value(json_object_get(r->made, name));
}

static zt_err mark(reader *r, const json_t *table, int how) {
    char name[32];
    snprintf(name, sizeof name, "%p", (const void *)table);
    return json_object_set_new(r->made, name, json_integer(how)) == 0 ? ZT_OK : no_memory(r);
}

/* ---- white space ---- */

static bool at(const reader *r, char c) { return r->at < r->end && *r->at == c; }

static void skip_blanks(reader *r) {
    while (at(r, ' ') || at(r, '\t')) r->at++;
}

static bool skip_line_end(reader *r) {
    if (at(r, '\r') && r->at + 1 < r->end && r->at[1] == '\n') r->at++;
    if (!at(r, '\n')) return false;
    r->at++;
    r->line++;
    return true;
}

static void skip_comment(reader *r) {
    if (at(r, '#'))
        while (r->at < r->end && *r->at != '\n') r->at++;
}

/* Blanks, comments and line ends: between lines, and inside arrays. */
static void skip_all(reader *r) {
    do {
        skip_blanks(r);
        skip_comment(r);
    } while (skip_line_end(r));
}

/* ---- strings ---- */

static void add_utf8(zt_str *s, uint32_t c) {
    char b[4];
    size_t n = 0;
    if (c < 0x80)
        b[n++] = (char)c;
    else {
        if (c < 0x800)
            b[n++] = (char)(0xC0 | c >> 6);
        else {
            if (c < 0x10000)
                b[n++] = (char)(0xE0 | c >> 12);
            else {
                b[n++] = (char)(0xF0 | c >> 18);
                b[n++] = (char)(0x80 | (c >> 12 & 63));
            }
            b[n++] = (char)(0x80 | (c >> 6 & 63));
        }
        b[n++] = (char)(0x80 | (c & 63));
    }
    zt_str_addn(s, b, n);
}

static zt_err code_point(reader *r, int digits, zt_str *s) {
    uint32_t c = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        static const char HEX[] = "0123456789abcdef";
        const char *d = r->at < r->end && *r->at ? strchr(HEX, *r->at | 32) : NULL;
        if (!d || (*r->at < '0')) return refuse(r, "an escape \\u wants %d hexadecimal digits", digits);
        c = c << 4 | (uint32_t)(d - HEX);
    }
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return refuse(r, "U+%04X is no character", (unsigned)c);
    add_utf8(s, c);
    return ZT_OK;
}

static zt_err escape(reader *r, bool multi, zt_str *s) {
    static const char FROM[] = "btnfr\"\\", TO[] = "\b\t\n\f\r\"\\";
    const char c = r->at < r->end ? *r->at : '\0';
    if (multi && (c == '\n' || c == '\r' || c == ' ' || c == '\t')) { /* a line that goes on: no text up to the next word */
        skip_blanks(r);
        if (!skip_line_end(r)) return refuse(r, "a backslash with nothing to escape");
        do skip_blanks(r);
        while (skip_line_end(r));
        return ZT_OK;
    }
    r->at++;
    if (c == 'u' || c == 'U') return code_point(r, c == 'u' ? 4 : 8, s);
    const char *f = c ? strchr(FROM, c) : NULL;
    if (!f) return refuse(r, "there is no such escape in a string in double quotes; paths go into single quotes");
    zt_str_addn(s, TO + (f - FROM), 1);
    return ZT_OK;
}

/* The opening quote or quotes are at hand. */
static zt_err string(reader *r, zt_str *s) {
    const char q = *r->at;
    const bool multi = r->end - r->at >= 3 && r->at[1] == q && r->at[2] == q;
    r->at += multi ? 3 : 1;
    if (multi) skip_line_end(r);
    for (;;) {
        if (r->at == r->end) return refuse(r, "a string is never closed");
        const char c = *r->at;
        if (c == q && !multi) break;
        if (c == q && r->end - r->at >= 3 && r->at[1] == q && r->at[2] == q && (r->end - r->at == 3 || r->at[3] != q)) break;
        if (c == '\n' || c == '\r') {
            if (!multi) return refuse(r, "a string ends with its line; longer ones are put in three quotes");
            if (!skip_line_end(r)) return refuse(r, "a carriage return without line end");
            zt_str_addn(s, "\n", 1);
            continue;
        }
        if ((unsigned char)c < ' ' && c != '\t') return refuse(r, "a control character in a string");
        r->at++;
        if (c == '\\' && q == '"') {
            const zt_err e = escape(r, multi, s);
            if (e != ZT_OK) return e;
        } else
            zt_str_addn(s, &c, 1);
    }
    r->at += multi ? 3 : 1;
    return s->failed ? no_memory(r) : ZT_OK;
}

/* ---- keys ---- */

static zt_err key(reader *r, zt_str *s) {
    static const char BARE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    s->len = 0;
    if (at(r, '"') || at(r, '\'')) {
        if (r->end - r->at >= 3 && r->at[1] == *r->at && r->at[2] == *r->at) return refuse(r, "a key of several lines");
        zt_str_addn(s, "", 0);
        return string(r, s);
    }
    const char *from = r->at;
    while (r->at < r->end && *r->at && strchr(BARE, *r->at)) r->at++;
    if (r->at == from) return refuse(r, "a key is missing; wanted is key = value, or [table]");
    zt_str_addn(s, from, (size_t)(r->at - from));
    return s->failed ? no_memory(r) : ZT_OK;
}

/* Member `name` of `table`, a table; made when it is not there. Of an array of tables its last one. */
static zt_err descend(reader *r, json_t **table, const char *name) {
    json_t *in = json_object_get(*table, name);
    if (json_is_array(in) && json_array_size(in) > 0 && made_by(r, in)) in = json_array_get(in, json_array_size(in) - 1);
    if (!in) {
        in = json_object();
        if (!in || json_object_set_new(*table, name, in) != 0) return no_memory(r);
    }
    if (!json_is_object(in) || made_by(r, in) == INLINE)
        return refuse(r, "'%.80s' is there already, and is no table that can grow", name);
    *table = in;
    return ZT_OK;
}

/* A dotted name: *table becomes the table that its last part, left in `last`, belongs into. */
static zt_err dotted(reader *r, json_t **table, zt_str *last) {
    zt_err e;
    for (int depth = 0;; depth++) {
        if (depth == DEPTH_MAX) return refuse(r, "nested deeper than %d", DEPTH_MAX);
        ZT_TRY(e = key(r, last), done);
        skip_blanks(r);
        if (!at(r, '.')) break;
        r->at++;
        skip_blanks(r);
        ZT_TRY(e = descend(r, table, last->buf), done);
    }
done:
    return e;
}

/* ---- values ---- */

static zt_err value(reader *r, int depth, json_t **out);

/* key = value into `table`. */
static zt_err pair(reader *r, json_t *table, int depth) {
    zt_str name = {0};
    json_t *v = NULL;
    zt_err e;
    ZT_TRY(e = dotted(r, &table, &name), done);
    if (!at(r, '=')) {
        e = refuse(r, "behind the key '%.80s' comes no '='", name.buf);
        goto done;
    }
    r->at++;
    skip_blanks(r);
    if (json_object_get(table, name.buf)) {
        e = refuse(r, "the key '%.80s' is there twice; remove one", name.buf);
        goto done;
    }
    ZT_TRY(e = value(r, depth + 1, &v), done);
    if (json_object_set(table, name.buf, v) != 0) e = no_memory(r);
done:
    json_decref(v);
    zt_str_finish(&name);
    return e;
}

static zt_err array(reader *r, int depth, json_t **out) {
    zt_err e = ZT_OK;
    r->at++;
    if (!(*out = json_array())) return no_memory(r);
    for (;;) {
        json_t *item = NULL;
        skip_all(r);
        if (at(r, ']')) break;
        ZT_TRY(e = value(r, depth + 1, &item), done);
        if (json_array_append_new(*out, item) != 0) return no_memory(r);
        skip_all(r);
        if (at(r, ']')) break;
        if (!at(r, ',')) return refuse(r, "in an array, a comma or ']' is missing");
        r->at++;
    }
    r->at++;
done:
    return e;
}

static zt_err inline_table(reader *r, int depth, json_t **out) {
    zt_err e = ZT_OK;
    r->at++;
    if (!(*out = json_object())) return no_memory(r);
    skip_blanks(r);
    while (!at(r, '}')) {
        ZT_TRY(e = pair(r, *out, depth), done);
        skip_blanks(r);
        if (at(r, '}')) break;
        if (!at(r, ',')) return refuse(r, "in an inline table, a comma or '}' is missing");
        r->at++;
        skip_blanks(r);
        if (at(r, '}')) return refuse(r, "an inline table ends with a comma");
    }
    r->at++;
    e = mark(r, *out, INLINE);
done:
    return e;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with single underscores between them, copied without; the number of digits, 0 when it is none. */
static int digits(const char **p, char **to) {
    int n = 0;
    while (digit(**p) || (**p == '_' && n > 0 && digit((*p)[1]))) {
        if (**p != '_') {
            *(*to)++ = **p;
            n++;
        }
        (*p)++;
    }
    return n;
}

/* The form of a decimal number, without its underscores in `plain`. */
static bool number(const char *p, char plain[NUMBER_MAX + 1], bool *real) {
    char *to = plain;
    *real = false;
    if (*p == '-' || *p == '+') *to++ = *p++;
    if (*p == '0' && digit(p[1])) return false;
    if (digits(&p, &to) == 0) return false;
    if (*p == '.') {
        *to++ = *p++;
        *real = true;
        if (digits(&p, &to) == 0) return false;
    }
    if (*p == 'e' || *p == 'E') {
        *to++ = *p++;
        *real = true;
        if (*p == '-' || *p == '+') *to++ = *p++;
        if (digits(&p, &to) == 0) return false;
    }
    *to = '\0';
    return *p == '\0';
}

static zt_err word(reader *r, json_t **out) {
    static const char ENDS[] = " \t\r\n,]}#";
    char text[NUMBER_MAX + 1], plain[NUMBER_MAX + 1];
    size_t n = 0;
    bool real;
    int64_t i;
    double d;
    while (r->at < r->end && *r->at && !strchr(ENDS, *r->at) && n < NUMBER_MAX) text[n++] = *r->at++;
    text[n] = '\0';
    if (n == 0) return refuse(r, "a value is missing");
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        *out = json_boolean(text[0] == 't');
    else if (number(text, plain, &real) && !real && zt_parse_int(plain, &i))
        *out = json_integer((json_int_t)i);
    else if (number(text, plain, &real) && real && zt_parse_real(plain, &d))
        *out = json_real(d);
    else
        return refuse(r, "'%.64s' is no value; read are strings in quotes, true, false, decimal numbers, [arrays] and {tables}",
                      text);
    return *out ? ZT_OK : no_memory(r);
}

static zt_err value(reader *r, int depth, json_t **out) {
    zt_str s = {0};
    zt_err e;
    if (depth > DEPTH_MAX) return refuse(r, "nested deeper than %d", DEPTH_MAX);
    if (at(r, '[') || at(r, '{')) {
        e = at(r, '[') ? array(r, depth, out) : inline_table(r, depth, out);
        if (e != ZT_OK) {
            json_decref(*out);
            *out = NULL;
        }
        return e;
    }
    if (!at(r, '"') && !at(r, '\'')) return word(r, out);
    e = string(r, &s);
    if (e == ZT_OK && !(*out = json_stringn(s.buf ? s.buf : "", s.len))) e = no_memory(r);
    zt_str_finish(&s);
    return e;
}

/* ---- lines ---- */

/* [name] or [[name]]: the table that the following lines belong into. */
static zt_err header(reader *r, json_t *root, json_t **table) {
    zt_str name = {0};
    zt_err e;
    r->at++;
    const bool many = at(r, '[');
    r->at += many;
    skip_blanks(r);
    *table = root;
    ZT_TRY(e = dotted(r, table, &name), done);
    if (many) {
        json_t *list = json_object_get(*table, name.buf), *fresh = NULL;
        if (!list) {
            list = json_array();
            if (!list || json_object_set_new(*table, name.buf, list) != 0)
                e = no_memory(r);
            else
                e = mark(r, list, BY_HEADER);
            ZT_TRY(e, done);
        }
        if (!json_is_array(list) || made_by(r, list) != BY_HEADER) {
            e = refuse(r, "'%.80s' is there already, and is no list of [[tables]]", name.buf);
            goto done;
        }
        if (!(fresh = json_object()) || json_array_append_new(list, fresh) != 0) e = no_memory(r);
        *table = fresh;
    } else {
        ZT_TRY(e = descend(r, table, name.buf), done);
        e = made_by(r, *table) ? refuse(r, "the table [%.80s] is there twice; join them", name.buf) : ZT_OK;
    }
    ZT_TRY(e, done);
    ZT_TRY(e = mark(r, *table, BY_HEADER), done);
    for (int i = 0; i <= many; i++) {
        if (!at(r, ']')) {
            e = refuse(r, "the table's name is not closed with ']'");
            goto done;
        }
        r->at++;
    }
done:
    zt_str_finish(&name);
    return e;
}

static zt_err document(reader *r, json_t *root) {
    json_t *table = root;
    zt_err e = ZT_OK;
    if (!root || !r->made) return no_memory(r);
    for (;;) {
        skip_all(r);
        if (r->at == r->end) break;
        e = at(r, '[') ? header(r, root, &table) : pair(r, table, 1);
        ZT_TRY(e, done);
        skip_blanks(r);
        skip_comment(r);
        if (r->at < r->end && !skip_line_end(r)) return refuse(r, "more text behind the end of a value or name");
    }
done:
    return e;
}

zt_err zt_toml_parse(const char *text, size_t len, const char *where, json_t **out) {
    reader r = {.at = text, .end = text + len, .where = where, .line = 1};
    size_t wrong = 0;
    zt_err e;
    *out = NULL;
    if (len > BYTES_MAX)
        return zt_fail(ZT_FORMAT, "%s: has %zu bytes, a TOML file may have %d; is it the right file?", where, len,
                       (int)BYTES_MAX);
    if (!zt_utf8_valid(text, len, &wrong)) return zt_fail(ZT_FORMAT, "%s: not UTF-8 text (byte %zu)", where, wrong);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3;
    r.made = json_object();
    *out = json_object();
    e = document(&r, *out);
    json_decref(r.made);
    if (e != ZT_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return e;
}

zt_err zt_toml_load(const char *path, json_t **out) {
    char *text = NULL;
    size_t len;
    zt_err e;
    *out = NULL;
    ZT_TRY(e = zt_file_read(path, BYTES_MAX, &text, &len), done);
    e = zt_toml_parse(text, len, path, out);
done:
    zt_free(text);
    return e;
}
