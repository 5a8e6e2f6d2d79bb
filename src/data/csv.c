/* csv.c - see csv.h. Fields of the record at hand lie unquoted and NUL-terminated in one growing buffer.
 * Tested by tests/data/test_data_csv.c and fuzz/fuzz_csv.c. */
#include "data/csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct zt_csv {
    zt_map map;                   /* of zt_csv_open; else empty */
    const char *at, *end, *start; /* next byte to read; all bytes */
    char *where, sep;
    int64_t line, next_line;          /* of this record, of `at` */
    zt_str text;                      /* this record's fields */
    size_t field[ZT_CSV_COLUMNS_MAX]; /* where each starts in text */
    int n, columns;                   /* fields in this record, in the header */
    zt_str header;                    /* the header's fields, and where each starts */
    size_t name[ZT_CSV_COLUMNS_MAX];
};

static zt_err bad(const zt_csv *c, int64_t line, const char *what) {
    return zt_fail(ZT_FORMAT, "%s:%lld: %s", c->where, (long long)line, what);
}

/* Add the bytes [from,to) to the field at hand. */
static zt_err take(zt_csv *c, const char *from, const char *to) {
    const size_t n = (size_t)(to - from);
    if (n > ZT_CSV_RECORD_MAX || c->text.len > ZT_CSV_RECORD_MAX - n)
        return bad(c, c->line, "the record that starts here is larger than 1 MiB; is a closing quote missing?");
    if (memchr(from, '\0', n)) return bad(c, c->next_line, "a NUL byte; this is no text file");
    zt_str_addn(&c->text, from, n);
    return c->text.failed ? ZT_NOMEM : ZT_OK;
}

/* The rest of a field that began with a quote, up to the closing one. */
static zt_err quoted(zt_csv *c) {
    zt_err e;
    for (;;) {
        const char *from = c->at, *stop = memchr(from, '"', (size_t)(c->end - from));
        if (!stop) return bad(c, c->line, "a quote that opens in this record is never closed");
        for (const char *p = from; (p = memchr(p, '\n', (size_t)(stop - p))) != NULL; p++) c->next_line++;
        c->at = stop + 1;
        const bool twice = c->at < c->end && *c->at == '"'; /* stands for one quote */
        ZT_TRY(e = take(c, from, twice ? stop + 1 : stop), done);
        if (!twice) break;
        c->at++;
    }
done:
    return e;
}

static bool ends_field(const zt_csv *c, const char *p) {
    return p == c->end || *p == c->sep || *p == '\n' || (*p == '\r' && (p + 1 == c->end || p[1] == '\n'));
}

static zt_err plain(zt_csv *c) {
    const char *from = c->at;
    while (!ends_field(c, c->at)) {
        if (*c->at == '"')
            return bad(c, c->line,
                       "a quote inside a field that does not start with one; such a field is quoted whole, and a quote "
                       "in it is written twice");
        c->at++;
    }
    return take(c, from, c->at);
}

/* One field and what ends it; *last: it ends the record. */
static zt_err read_field(zt_csv *c, bool *last) {
    zt_err e;
    if (c->n == ZT_CSV_COLUMNS_MAX) return bad(c, c->line, "more than 1024 fields");
    c->field[c->n++] = c->text.len;
    if (c->at < c->end && *c->at == '"') {
        c->at++;
        ZT_TRY(e = quoted(c), done);
        if (!ends_field(c, c->at))
            return bad(c, c->next_line, "text behind a closing quote; a quote inside a field is written twice");
    } else {
        ZT_TRY(e = plain(c), done);
    }
    zt_str_addn(&c->text, "", 1);
    if (c->text.failed) return ZT_NOMEM;
    *last = c->at == c->end || *c->at != c->sep;
    if (c->at < c->end && *c->at == '\r') c->at++;
    if (c->at < c->end) c->next_line += *c->at++ == '\n';
done:
    return e;
}

static void skip_empty_lines(zt_csv *c) {
    while (c->at < c->end && (*c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n'))) {
        c->at += *c->at == '\r' ? 2 : 1;
        c->next_line++;
    }
}

static zt_err read_record(zt_csv *c, bool *end) {
    zt_err e = ZT_OK;
    bool last = false;
    skip_empty_lines(c);
    c->text.len = 0;
    c->n = 0;
    c->line = c->next_line;
    *end = c->at == c->end;
    while (!*end && !last) ZT_TRY(e = read_field(c, &last), done);
    if (!zt_utf8_valid(c->text.buf ? c->text.buf : "", c->text.len, NULL))
        e = bad(c, c->line, "not UTF-8 text; convert the file, for example with iconv -f latin1 -t utf-8");
done:
    return e;
}

zt_err zt_csv_next(zt_csv *c, bool *end) {
    zt_err e = read_record(c, end);
    if (e == ZT_OK && !*end && c->n != c->columns)
        e = zt_fail(ZT_FORMAT, "%s:%lld: %d field%s, the header line has %d; a field with the separator in it is put in quotes",
                    c->where, (long long)c->line, c->n, c->n == 1 ? "" : "s", c->columns);
    if (e != ZT_OK) c->at = c->end;
    return e;
}

/* The header's fields become the names of the columns. */
static zt_err read_header(zt_csv *c) {
    bool end;
    if (c->end - c->at >= 3 && memcmp(c->at, "\xef\xbb\xbf", 3) == 0) c->at += 3;
    zt_err e = read_record(c, &end);
    if (e != ZT_OK) return e;
    if (end) return zt_fail(ZT_FORMAT, "%s: empty; wanted is a table with a line of column names on top", c->where);
    c->columns = c->n;
    memcpy(c->name, c->field, sizeof c->name);
    c->header = c->text;
    c->text = (zt_str){0};
    return ZT_OK;
}

zt_err zt_csv_open_bytes(zt_csv **out, const void *bytes, size_t len, const char *where, char sep) {
    zt_err e = ZT_NOMEM;
    *out = NULL;
    zt_csv *c = zt_alloc(sizeof *c);
    if (!c || !(c->where = zt_strdup(where))) goto done;
    c->at = c->start = bytes ? bytes : "";
    c->end = c->at + len;
    c->sep = sep;
    c->next_line = 1;
    e = read_header(c);
done:
    if (e != ZT_OK) zt_csv_close(&c);
    *out = c;
    return e;
}

zt_err zt_csv_open(zt_csv **out, const char *path, char sep) {
    zt_map map;
    *out = NULL;
    zt_err e = zt_map_open(&map, path);
    if (e != ZT_OK) return e;
    e = zt_csv_open_bytes(out, map.data, map.size, path, sep);
    if (e == ZT_OK)
        (*out)->map = map;
    else
        zt_map_close(&map);
    return e;
}

void zt_csv_close(zt_csv **pc) {
    zt_csv *c = pc ? *pc : NULL;
    if (!c) return;
    zt_map_close(&c->map);
    zt_str_finish(&c->text);
    zt_str_finish(&c->header);
    zt_free(c->where);
    zt_free(c);
    *pc = NULL;
}

int zt_csv_columns(const zt_csv *c) { return c->columns; }

int zt_csv_column(const zt_csv *c, const char *names) {
    for (const char *p = names; *p;) {
        const size_t n = strcspn(p, "|");
        for (int i = 0; i < c->columns; i++) {
            const char *have = c->header.buf + c->name[i];
            if (strlen(have) == n && strncasecmp(have, p, n) == 0) return i;
        }
        p += n + (p[n] == '|');
    }
    return -1;
}

zt_err zt_csv_need(const zt_csv *c, const char *names, int *column) {
    char have[400] = "";
    size_t used = 0;
    *column = zt_csv_column(c, names);
    if (*column >= 0) return ZT_OK;
    for (int i = 0; i < c->columns && used < sizeof have; i++)
        used += (size_t)snprintf(have + used, sizeof have - used, "%s%.60s", i ? ", " : "", c->header.buf + c->name[i]);
    return zt_fail(ZT_FORMAT, "%s: there is no column '%s'; there are: %s", c->where, names, have);
}

const char *zt_csv_field(const zt_csv *c, int column) {
    return column >= 0 && column < c->n ? c->text.buf + c->field[column] : "";
}

int64_t zt_csv_line(const zt_csv *c) { return c->line; }

double zt_csv_done(const zt_csv *c) { return c->end == c->start ? 1 : (double)(c->at - c->start) / (double)(c->end - c->start); }
