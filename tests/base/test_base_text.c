/* test_base_text.c - JSON and YAML: typing, round trips, hostile input; failing allocation at every place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

static json_t *yaml(const char *text) {
    json_t *j = NULL;
    zt_err e = zt_yaml_parse(text, strlen(text), "t.yaml", &j);
    if (e != ZT_OK) print_error("%s\n", zt_err_text());
    assert_int_equal(e, ZT_OK);
    assert_non_null(j);
    return j;
}

/* Text that must be refused, with `want` in the message. */
static void refused(const char *text, size_t len, const char *want) {
    json_t *j = (json_t *)(uintptr_t)1;
    assert_int_equal(zt_yaml_parse(text, len, "t.yaml", &j), ZT_FORMAT);
    assert_null(j);
    if (!strstr(zt_err_text(), want)) print_error("got: %s\n", zt_err_text());
    assert_non_null(strstr(zt_err_text(), want));
    assert_non_null(strstr(zt_err_text(), "t.yaml"));
}

static void test_yaml_types(void **state) {
    (void)state;
    json_t *j = yaml("# a comment\ni: 12\nneg: -7\nr: 1e-4\nr2: .5\nbig: 1e6\nt: true\nf: false\nn: null\nn2: ~\nn3:\n"
                     "q: '12'\nq2: \"true\"\ns: hello world\nword: yes\nlist: [1, 2.5, x]\nmap: {a: 1}\nblock:\n  - 1\n  - b: 2\n"
                     "hex: 0x10\ndate: 2024-01-01\ntext: |\n  two\n  lines\n");
    assert_int_equal(json_integer_value(json_object_get(j, "i")), 12);
    assert_int_equal(json_integer_value(json_object_get(j, "neg")), -7);
    assert_true(json_is_real(json_object_get(j, "r")) && json_real_value(json_object_get(j, "r")) == 1e-4);
    assert_true(json_real_value(json_object_get(j, "r2")) == 0.5);
    assert_true(json_is_real(json_object_get(j, "big")));
    assert_true(json_is_true(json_object_get(j, "t")));
    assert_true(json_is_false(json_object_get(j, "f")));
    assert_true(json_is_null(json_object_get(j, "n")));
    assert_true(json_is_null(json_object_get(j, "n2")));
    assert_true(json_is_null(json_object_get(j, "n3")));
    assert_string_equal(json_string_value(json_object_get(j, "q")), "12");
    assert_string_equal(json_string_value(json_object_get(j, "q2")), "true");
    assert_string_equal(json_string_value(json_object_get(j, "s")), "hello world");
    assert_string_equal(json_string_value(json_object_get(j, "word")), "yes");
    assert_string_equal(json_string_value(json_object_get(j, "hex")), "0x10");
    assert_string_equal(json_string_value(json_object_get(j, "date")), "2024-01-01");
    assert_string_equal(json_string_value(json_object_get(j, "text")), "two\nlines\n");
    assert_int_equal(json_array_size(json_object_get(j, "list")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "map"), "a")), 1);
    assert_int_equal(json_array_size(json_object_get(j, "block")), 2);
    json_decref(j);
}

static void test_yaml_hostile(void **state) {
    char deep[400];
    (void)state;
#define REFUSED(text, want) refused(text, sizeof text - 1, want)
    REFUSED("a: 1\nb: &x 2\n", "t.yaml:2: an anchor");
    REFUSED("a: &x [1]\n", "t.yaml:1: an anchor");
    REFUSED("a: &x {b: 1}\n", "an anchor");
    REFUSED("&x a: 1\n", "an anchor");
    REFUSED("a: 1\nb: *x\n", "t.yaml:2: an alias");
    REFUSED("a: [1, *x]\n", "an alias");
    REFUSED("*x : 1\n", "an alias");
    REFUSED("a: !!python/object 1\n", "a tag");
    REFUSED("a: ! 1\n", "a tag");
    REFUSED("a: !!seq [1]\n", "a tag");
    REFUSED("!!map {a: 1}\n", "a tag");
    REFUSED("%TAG ! tag:x,2000:\n---\na: 1\n", "TAG");
    REFUSED("a: 1\nb: 2\na: 3\n", "t.yaml:3: the key a is there twice");
    REFUSED("[1]: 2\n", "a key must be plain text");
    REFUSED("? {a: 1}\n: 2\n", "a key must be plain text");
    REFUSED("a: 1\n---\nb: 2\n", "t.yaml:2: a second document");
    REFUSED("", "no document");
    REFUSED("# only a comment\n", "no document");
    REFUSED("a: \"x\\0y\"\n", "NUL");
    REFUSED("\"a\\0b\": 1\n", "a key must be plain text");
    REFUSED("a: \"\\ud800\"\n", "not valid YAML");
    REFUSED("a: \xff\xfe\n", "not valid YAML at byte 3");
    REFUSED("a: \xc0\x80\n", "not valid YAML");
    REFUSED("a: \x01\n", "not valid YAML");
    REFUSED("a: [1, 2\n", "t.yaml:2: not valid YAML");
    REFUSED("a: 'open\n", "not valid YAML");
    REFUSED("\ta: 1\n", "not valid YAML");
    REFUSED("a: 1\n  b: 2\n", "t.yaml:2: not valid YAML");
    REFUSED("a: 9223372036854775808\n", "t.yaml:1: 9223372036854775808 is too large");
    REFUSED("a: 1e999\n", "too large");
    memset(deep, '[', sizeof deep);
    refused(deep, 33, "nested deeper than 32");
    memset(deep, '[', 32);
    memset(deep + 32, ']', 32);
    json_t *j;
    assert_int_equal(zt_yaml_parse(deep, 64, "t.yaml", &j), ZT_OK);
    json_decref(j);
    size_t huge = (1 << 20) + 1;
    char *text = zt_alloc(huge);
    assert_non_null(text);
    memset(text, 'a', huge);
    refused(text, huge, "1048577 bytes");
    memset(text, '[', huge - 1);
    refused(text, huge - 1, "nested deeper than 32");
    zt_free(text);
#undef REFUSED
}

static void json_refused(const char *text, const char *want) {
    json_t *j = (json_t *)(uintptr_t)1;
    assert_int_equal(zt_json_parse(text, strlen(text), "t.json", &j), ZT_FORMAT);
    assert_null(j);
    if (!strstr(zt_err_text(), want)) print_error("got: %s\n", zt_err_text());
    assert_non_null(strstr(zt_err_text(), want));
}

static void test_json_hostile(void **state) {
    char deep[3000];
    json_t *j;
    (void)state;
    json_refused("", "t.json:1");
    json_refused("{\"a\": 1,\n\"a\": 2}", "t.json:2: not valid JSON");
    json_refused("{\"a\": 1} x", "not valid JSON");
    json_refused("{\"a\": 1e999}", "not valid JSON");
    json_refused("{\"a\": 99999999999999999999}", "not valid JSON");
    json_refused("{\"a\": NaN}", "not valid JSON");
    json_refused("{\"a\": \"\\u0000\"}", "not valid JSON");
    json_refused("{\"a\": \"\\ud800\"}", "not valid JSON");
    json_refused("{\"a\": \"\xc0\x80\"}", "not valid JSON");
    json_refused("{\"a\": \"open", "not valid JSON");
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    json_refused(deep, "nested deeper than 64");
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    deep[130] = 0;
    json_refused(deep, "nested deeper than 64");
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    assert_int_equal(zt_json_parse(deep, 128, "t.json", &j), ZT_OK);
    json_decref(j);
    static const char quoted[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"]";
    assert_int_equal(zt_json_parse(quoted, strlen(quoted), "t.json", &j), ZT_OK);
    json_decref(j);
}

static const char sample[] =
    "{\"name\": \"a b\", \"plain\": \"flow-euler\", \"number-like\": \"12\", \"word\": \"null\", \"no\": \"no\", \"empty\": \"\","
    " \"odd\": \"\\u0085\\u2028\\ufeff\\ufffe\\u007f\\t\\n\\\"\\\\\xF0\x9F\x8E\xA5\xC3\xA4: #\", \"lr\": 0.0003, \"tenth\": 0.1,"
    " \"third\": 0.3333333333333333, \"one\": 1.0, \"tiny\": 5e-324, \"huge\": 1e300, \"i\": -9223372036854775808, \"yes\": true,"
    " \"nothing\": null, \"list\": [1, 2, 4], \"rows\": [{\"a\": [1, {\"b\": []}]}, {}], \"section\": {\"x\": {\"y\": 1}, \"z\": "
    "{}},"
    " \"key with: colon\": 1, \"12\": 2}";

static void test_round_trips(void **state) {
    char dir[256], path[ZT_PATH_MAX], *text;
    size_t len;
    json_t *j, *back;
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%.200s/zt-text-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(zt_json_parse(sample, strlen(sample), "sample", &j), ZT_OK);
    assert_int_equal(zt_path_join(path, dir, "x.json"), ZT_OK);
    assert_int_equal(zt_json_save(path, j), ZT_OK);
    assert_int_equal(zt_json_load(path, 1 << 20, &back), ZT_OK);
    assert_true(json_equal(j, back));
    json_decref(back);
    assert_int_equal(zt_file_read(path, 1 << 20, &text, &len), ZT_OK);
    assert_non_null(strstr(text, "\"tenth\": 0.1,"));                  /* the shortest form */
    assert_true(strstr(text, "\"name\"") < strstr(text, "\"plain\"")); /* order kept */
    zt_free(text);
    assert_int_equal(zt_path_join(path, dir, "x.yaml"), ZT_OK);
    assert_int_equal(zt_yaml_save(path, j), ZT_OK);
    zt_err e = zt_yaml_load(path, &back);
    if (e != ZT_OK) print_error("%s\n", zt_err_text());
    assert_int_equal(e, ZT_OK);
    assert_true(json_equal(j, back));
    json_decref(back);
    json_decref(j);
    json_t *deep = json_array();
    for (int i = 0; i < 40; i++) {
        json_t *outer = json_array();
        assert_int_equal(json_array_append_new(outer, deep), 0);
        deep = outer;
    }
    assert_int_equal(zt_yaml_save(path, deep), ZT_ARG); /* would not be readable again */
    assert_int_equal(zt_json_save(path, deep), ZT_OK);
    json_decref(deep);
    assert_int_equal(zt_yaml_load("gone.yaml", &back), ZT_NOTFOUND);
    assert_int_equal(zt_dir_remove(dir), ZT_OK);
}

/* One piece of work with many allocations; must fail cleanly wherever memory ends. The leak checker of a sanitized build watches
 * too. */
static zt_err work(void) {
    static const char text[] = "a: 1\nb: [x, y, {c: 2}]\nlong: \"quoted text\"\n";
    zt_arena *arena = NULL;
    json_t *j = NULL;
    void *big = NULL;
    zt_err e;
    ZT_TRY(e = zt_arena_create(&arena), done);
    for (int i = 0; i < 20; i++)
        if (!zt_arena_alloc(arena, 10000) || !zt_arena_strdup(arena, "name")) {
            e = ZT_NOMEM;
            goto done;
        }
    ZT_TRY(e = zt_yaml_parse(text, strlen(text), "t.yaml", &j), done);
    big = zt_big_alloc(1000);
    e = big ? ZT_OK : ZT_NOMEM;
done:
    zt_big_free(big, 1000);
    json_decref(j);
    zt_arena_destroy(&arena);
    return e;
}

static void test_every_allocation_may_fail(void **state) {
    int n = 0;
    (void)state;
    for (;;) {
        zt_alloc_fail_at(++n);
        zt_err e = work();
        if (zt_alloc_fail_left() > 0) { /* never reached: the work has fewer than n allocations */
            assert_int_equal(e, ZT_OK);
            break;
        }
        assert_int_equal(e, ZT_NOMEM);
        assert_non_null(strstr(zt_err_text(), "out of memory"));
    }
    zt_alloc_fail_at(0);
    assert_true(n > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_types),
        cmocka_unit_test(test_yaml_hostile),
        cmocka_unit_test(test_json_hostile),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
