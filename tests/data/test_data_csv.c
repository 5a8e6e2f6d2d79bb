/* test_data_csv.c - tables of RFC 4180: what is read, and that everything malformed is refused with its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/str.h"
#include "data/csv.h"

/* The whole table as text: fields between '|', records between '/'; or the error's text. */
static void read_all(const char *bytes, size_t len, char sep, zt_str *out) {
    zt_csv *c = NULL;
    bool end = false;
    zt_err e = zt_csv_open_bytes(&c, bytes, len, "t.csv", sep);
    while (e == ZT_OK && (e = zt_csv_next(c, &end)) == ZT_OK && !end) {
        if (out->len) zt_str_add(out, "/");
        for (int i = 0; *zt_csv_field(c, i) || i < 2; i++) zt_str_addf(out, "%s%s", i ? "|" : "", zt_csv_field(c, i));
    }
    if (e != ZT_OK) zt_str_addf(out, "%s%s", e == ZT_FORMAT ? "" : "not ZT_FORMAT: ", zt_err_text());
    zt_csv_close(&c);
    assert_null(c);
}

static void check(const char *bytes, size_t len, char sep, const char *want) {
    zt_str got = {0};
    read_all(bytes, len, sep, &got);
    const char *text = got.buf ? got.buf : "";
    if (*want ? !strstr(text, want) : *text != '\0') fail_msg("%.99s\n  gave:   %s\n  wanted: %s", bytes, text, want);
    zt_str_finish(&got);
}

static void test_reads(void **state) {
    static const struct {
        const char *text, *want;
    } CASE[] = {
        {"a,b\n1,2\n3,4\n", "1|2/3|4"},
        {"a,b\r\n1,2\r\n3,4", "1|2/3|4"},
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "1|2"},
        {"a,b\n\n1,2\n\r\n\n3,4\n\n", "1|2/3|4"},
        {"a,b\n\"x, y\",\"he said \"\"hi\"\"\"\n", "x, y|he said \"hi\""},
        {"a,b\n\"two\nlines\",2\n", "two\nlines|2"},
        {"a,b\n\"two\r\nlines\",2\n", "two\r\nlines|2"},
        {"a,b\n,\n1,\n", "|/1|"},
        {"a,b\n\"\",\"\"\n", "|"},
        {"a,b\n 1 ,2\t\n", " 1 |2\t"},
        {"a,b\n1\r1,2\n", "1\r1|2"},
        {"a,b\n\"1\",\"2\"", "1|2"},
        {"a,b\n\xc3\xa4,\xe4\xba\xba\n", "\xc3\xa4|\xe4\xba\xba"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof CASE / sizeof CASE[0]; k++) check(CASE[k].text, strlen(CASE[k].text), ',', CASE[k].want);
    check("a\tb\n1,5\t2\n", 11, '\t', "1,5|2");
}

static void test_refuses(void **state) {
    static const struct {
        const char *text, *want;
    } CASE[] = {
        {"", "t.csv: empty"},
        {"\n\r\n", "t.csv: empty"},
        {"a,b\n1,2\n3\n", "t.csv:3: 1 field, the header line has 2"},
        {"a,b\n1,2,3\n", "t.csv:2: 3 fields, the header line has 2"},
        {"a,b\n\"x\ny\",2\n1,2,3\n", "t.csv:4: 3 fields"},
        {"a,b\n5\" nail,2\n", "t.csv:2: a quote inside a field"},
        {"a,b\n\"x\"y,2\n", "t.csv:2: text behind a closing quote"},
        {"a,b\n\"x\" ,2\n", "t.csv:2: text behind a closing quote"},
        {"a,b\n1,2\n\"x,2\n3,4\n", "t.csv:3: a quote that opens in this record is never closed"},
        {"a,b\n1,2\n\"", "t.csv:3: a quote that opens"},
        {"a,\"b\n1,2\n", "t.csv:1: a quote that opens"},
        {"a,b\n1,\xe4\n", "t.csv:2: not UTF-8"},
        {"a,b\n\xc3,\xa4\n", "t.csv:2: not UTF-8"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof CASE / sizeof CASE[0]; k++) check(CASE[k].text, strlen(CASE[k].text), ',', CASE[k].want);
    check("a,b\n1,\0\n", 8, ',', "t.csv:2: a NUL byte");
}

static void test_sizes(void **state) {
    (void)state;
    zt_str s = {0};
    zt_str_add(&s, "a,b\n\"");
    for (int i = 0; i < ZT_CSV_RECORD_MAX / 16; i++) zt_str_add(&s, "0123456789abcde\n");
    zt_str_add(&s, "x\",2\n");
    check(s.buf, s.len, ',', "t.csv:2: the record that starts here is larger than 1 MiB");
    s.len = 0;
    for (int i = 0; i < ZT_CSV_COLUMNS_MAX; i++) zt_str_add(&s, ",");
    check(s.buf, s.len, ',', "t.csv:1: more than 1024 fields");
    check(s.buf, s.len - 1, ',', ""); /* as many as may be: read, and no record follows */
    zt_str_finish(&s);
}

static void test_columns(void **state) {
    static const char TEXT[] = "Label,youtube_id,time_start\nabseiling,abc,5\n";
    (void)state;
    zt_csv *c = NULL;
    int column;
    bool end;
    assert_int_equal(zt_csv_open_bytes(&c, TEXT, sizeof TEXT - 1, "k.csv", ','), ZT_OK);
    assert_int_equal(zt_csv_column(c, "label"), 0);
    assert_int_equal(zt_csv_column(c, "id|youtube_id|label"), 1);
    assert_int_equal(zt_csv_column(c, "lab"), -1);
    assert_int_equal(zt_csv_need(c, "caption|text", &column), ZT_FORMAT);
    assert_string_equal(zt_err_text(), "k.csv: there is no column 'caption|text'; there are: Label, youtube_id, time_start");
    assert_int_equal(zt_csv_next(c, &end), ZT_OK);
    assert_false(end);
    assert_string_equal(zt_csv_field(c, 2), "5");
    assert_string_equal(zt_csv_field(c, -1), "");
    assert_int_equal(zt_csv_line(c), 2);
    assert_true(zt_csv_done(c) == 1);
    zt_csv_close(&c);
}

static void test_file(void **state) {
    (void)state;
    char path[] = "/tmp/zt-csv-XXXXXX";
    const int fd = mkstemp(path);
    zt_csv *c = NULL;
    bool end;
    assert_true(fd >= 0 && write(fd, "a\n7\n", 4) == 4);
    close(fd);
    assert_int_equal(zt_csv_open(&c, path, ','), ZT_OK);
    assert_int_equal(zt_csv_next(c, &end), ZT_OK);
    assert_string_equal(zt_csv_field(c, 0), "7");
    zt_csv_close(&c);
    unlink(path);
    assert_int_equal(zt_csv_open(&c, path, ','), ZT_NOTFOUND);
    assert_null(c);
}

static void test_memory(void **state) {
    static const char TEXT[] = "a,b\n\"x, y\",2\n";
    (void)state;
    for (int n = 1;; n++) {
        zt_alloc_fail_at(n);
        zt_csv *c = NULL;
        bool end;
        zt_err e = zt_csv_open_bytes(&c, TEXT, sizeof TEXT - 1, "m.csv", ',');
        if (e == ZT_OK) e = zt_csv_next(c, &end);
        const bool failed = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        assert_int_equal(e, failed ? ZT_NOMEM : ZT_OK);
        zt_csv_close(&c);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),   cmocka_unit_test(test_refuses), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_columns), cmocka_unit_test(test_file),    cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
