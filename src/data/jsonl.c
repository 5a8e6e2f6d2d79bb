/* jsonl.c - see jsonl.h. Tested by tests/data/test_data_records.c and fuzz/fuzz_jsonl.c. */
#include "data/jsonl.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct zt_jsonl {
    zt_map map; /* of zt_jsonl_open; else empty */
    const char *at, *end;
    char *where;
    int64_t line;
    json_t *row;
};

zt_err zt_jsonl_open_bytes(zt_jsonl **out, const void *bytes, size_t len, const char *where) {
    zt_jsonl *r = zt_alloc(sizeof *r);
    *out = NULL;
    if (!r || !(r->where = zt_strdup(where))) {
        zt_jsonl_close(&r);
        return ZT_NOMEM;
    }
    r->at = bytes ? bytes : "";
    r->end = r->at + len;
    if (len >= 3 && memcmp(r->at, "\xef\xbb\xbf", 3) == 0) r->at += 3;
    *out = r;
    return ZT_OK;
}

zt_err zt_jsonl_open(zt_jsonl **out, const char *path) {
    zt_map map;
    *out = NULL;
    zt_err e = zt_map_open(&map, path);
    if (e != ZT_OK) return e;
    e = zt_jsonl_open_bytes(out, map.data, map.size, path);
    if (e == ZT_OK)
        (*out)->map = map;
    else
        zt_map_close(&map);
    return e;
}

void zt_jsonl_close(zt_jsonl **pr) {
    zt_jsonl *r = pr ? *pr : NULL;
    if (!r) return;
    json_decref(r->row);
    zt_map_close(&r->map);
    zt_free(r->where);
    zt_free(r);
    *pr = NULL;
}

static bool blank(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r') return false;
    return true;
}

static zt_err parse(zt_jsonl *r, const char *line, size_t n) {
    char where[ZT_PATH_MAX + 32];
    if (n > ZT_JSONL_LINE_MAX)
        return zt_fail(ZT_FORMAT, "%s:%lld: a line of %zu bytes; at most %d are read, one JSON object a line", r->where,
                       (long long)r->line, n, (int)ZT_JSONL_LINE_MAX);
    zt_err e = zt_format(where, sizeof where, "%.4000s, object in line %lld", r->where, (long long)r->line);
    if (e == ZT_OK) e = zt_json_parse(line, n, where, &r->row);
    if (e == ZT_OK && !json_is_object(r->row))
        e = zt_fail(ZT_FORMAT, "%s:%lld: the line is no JSON object {...}", r->where, (long long)r->line);
    return e;
}

zt_err zt_jsonl_next(zt_jsonl *r, const json_t **row) {
    zt_err e = ZT_OK;
    json_decref(r->row);
    r->row = NULL;
    while (r->at < r->end && !r->row && e == ZT_OK) {
        const char *line = r->at, *stop = memchr(line, '\n', (size_t)(r->end - line));
        const size_t n = (size_t)((stop ? stop : r->end) - line);
        r->at = stop ? stop + 1 : r->end;
        r->line++;
        if (!blank(line, n)) e = parse(r, line, n);
    }
    if (e != ZT_OK) {
        json_decref(r->row);
        r->row = NULL;
        r->at = r->end;
    }
    *row = r->row;
    return e;
}

int64_t zt_jsonl_line(const zt_jsonl *r) { return r->line; }
