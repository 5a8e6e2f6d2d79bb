// layer: data
/* fuzz_csv.c - any bytes as a table: refused with a text, or read; what was read and written again with every field in quotes
 * reads the same. */
#include <string.h>

#include "base/str.h"
#include "data/csv.h"
#include "fuzz.h"

static void put(zt_str *s, const char *field, char before) {
    if (before) zt_str_addn(s, &before, 1);
    zt_str_add(s, "\"");
    for (; *field; field++) zt_str_addn(s, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
    zt_str_add(s, "\"");
}

/* All of it with each field in quotes and other names; false when it was refused. */
static bool copy(const void *bytes, size_t len, char sep, const char *where, zt_str *out) {
    zt_csv *c = NULL;
    bool end = false;
    zt_err e = zt_csv_open_bytes(&c, bytes, len, where, sep);
    if (e == ZT_OK) zt_csv_column(c, "caption|text");
    for (int i = 0; c && i < zt_csv_columns(c); i++) put(out, "name", i ? ',' : '\0');
    while (e == ZT_OK && (e = zt_csv_next(c, &end)) == ZT_OK && !end) {
        if (zt_csv_done(c) < 0 || zt_csv_done(c) > 1 || zt_csv_line(c) < 1) __builtin_trap();
        zt_str_add(out, "\r\n");
        for (int i = 0; i < zt_csv_columns(c); i++) put(out, zt_csv_field(c, i), i ? ',' : '\0');
    }
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    zt_csv_close(&c);
    return e == ZT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_str first = {0}, second = {0};
    if (copy(data, size, size && data[0] == '\t' ? '\t' : ',', "fuzz.csv", &first) && !first.failed) {
        if (!copy(first.buf, first.len, ',', "again.csv", &second)) __builtin_trap();
        if (first.len != second.len || memcmp(first.buf, second.buf, first.len) != 0) __builtin_trap();
    }
    zt_str_finish(&first);
    zt_str_finish(&second);
    return 0;
}
