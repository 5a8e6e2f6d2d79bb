/* test_base_toml.c - TOML: every kind of value and table against the same tree in JSON; what is refused, with its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

static void same(const char *toml, const char *json) {
    json_t *a = NULL, *b = NULL;
    if (zt_toml_parse(toml, strlen(toml), "t.toml", &a) != ZT_OK) fail_msg("%s\n%s", toml, zt_err_text());
    assert_int_equal(zt_json_parse(json, strlen(json), "t.json", &b), ZT_OK);
    if (!json_equal(a, b)) {
        char *text = json_dumps(a, 0);
        fail_msg("%s\n  gave:   %s\n  wanted: %s", toml, text, json);
        free(text);
    }
    json_decref(a);
    json_decref(b);
}

static void test_values(void **state) {
    (void)state;
    same("", "{}");
    same("\xef\xbb\xbf# nothing\r\n\r\n", "{}");
    same("a = 1\nb=-1_000\n c\t= +7 # seven\nd = 0", "{\"a\":1,\"b\":-1000,\"c\":7,\"d\":0}");
    same("a = 1.5\nb = -2e3\nc = 6.02_1E+2\n", "{\"a\":1.5,\"b\":-2000.0,\"c\":602.1}");
    same("a = true\nb = false\n", "{\"a\":true,\"b\":false}");
    same("a = \"x\\t\\\"y\\\" \\u00e4 \\U0001F600\"\n", "{\"a\":\"x\\t\\\"y\\\" \\u00e4 \\ud83d\\ude00\"}");
    same("a = 'C:\\new \"x\"'\nb = ''\nc = \"\"\n", "{\"a\":\"C:\\\\new \\\"x\\\"\",\"b\":\"\",\"c\":\"\"}");
    same("a = \"\"\"\r\none\r\ntwo \\\n   \n  three\"\"\"\"\n", "{\"a\":\"one\\ntwo three\\\"\"}");
    same("a = '''it's\n\\n'''\n", "{\"a\":\"it's\\n\\\\n\"}");
    same("a = [1, 2,\n  3, # third\n]\nb = []\nc = [[1], ['x']]\n", "{\"a\":[1,2,3],\"b\":[],\"c\":[[1],[\"x\"]]}");
    same("a = { x = 1, y.z = \"q\" }\nb = {}\n", "{\"a\":{\"x\":1,\"y\":{\"z\":\"q\"}},\"b\":{}}");
    same("\"a b\" = 1\n'c.d' = 2\n\"\" = 3\n1-2_x = 4\n", "{\"a b\":1,\"c.d\":2,\"\":3,\"1-2_x\":4}");
}

static void test_tables(void **state) {
    (void)state;
    same("a.b.c = 1\na.b . d = 2\n", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}");
    same("x = 1\n[a]\ny = 2\n[ a . \"b\" ] # below\nz = 3\n[c]\n", "{\"x\":1,\"a\":{\"y\":2,\"b\":{\"z\":3}},\"c\":{}}");
    same("[a.b]\nx = 1\n[a]\ny = 2\n", "{\"a\":{\"b\":{\"x\":1},\"y\":2}}");
    same("[general]\nresolution = [960, 544]\n\n[[datasets]]\nvideo_directory = 'v'\ntarget_frames = [1, 25]\n[[datasets]]\n"
         "[datasets.more]\nk = 1\n",
         "{\"general\":{\"resolution\":[960,544]},\"datasets\":[{\"video_directory\":\"v\",\"target_frames\":[1,25]},"
         "{\"more\":{\"k\":1}}]}");
}

static void refused(const char *toml, const char *want) {
    json_t *j = (json_t *)(uintptr_t)1;
    if (zt_toml_parse(toml, strlen(toml), "t.toml", &j) != ZT_FORMAT) fail_msg("not refused: %s", toml);
    assert_null(j);
    if (!strstr(zt_err_text(), want)) fail_msg("%s\n  gave:   %s\n  wanted: %s", toml, zt_err_text(), want);
}

static void test_refuses(void **state) {
    static const char *const CASE[][2] = {
        {"a = 1\na = 2\n", "t.toml:2: not readable as TOML: the key 'a' is there twice"},
        {"[a]\n[b]\n[a]\n", "t.toml:3: not readable as TOML: the table [a] is there twice"},
        {"a = {x = 1}\na.y = 2\n", "'a' is there already"},
        {"a = {x = 1}\n[a.b]\n", "'a' is there already"},
        {"a = [1]\n[[a]]\n", "'a' is there already"},
        {"a = [{}]\n[a.b]\n", "'a' is there already"},
        {"[[a]]\n[a]\n", "the table [a] is there twice"},
        {"a = 1\n[a]\n", "'a' is there already"},
        {"a.b = 1\na.b.c = 2\n", "'b' is there already"},
        {"a\n", "t.toml:1: not readable as TOML: behind the key 'a' comes no '='"},
        {"= 1\n", "a key is missing"},
        {"a =\n", "a value is missing"},
        {"a = 1 b = 2\n", "more text behind"},
        {"a = \"x\n", "a string ends with its line"},
        {"a = \"x", "a string is never closed"},
        {"a = '''x\n\n", "a string is never closed"},
        {"a = \"C:\\new\\path\"\n", "no such escape"},
        {"a = \"\\uD800\"\n", "U+D800 is no character"},
        {"a = \"\\u0000\"\n", "U+0000 is no character"},
        {"a = \"\\u00g0\"\n", "wants 4 hexadecimal digits"},
        {"a = \"\x01\"\n", "a control character"},
        {"a = 01\n", "'01' is no value"},
        {"a = 1__0\n", "'1__0' is no value"},
        {"a = 1.\n", "'1.' is no value"},
        {"a = 0x10\n", "'0x10' is no value"},
        {"a = inf\n", "'inf' is no value"},
        {"a = 2026-11-27\n", "'2026-11-27' is no value"},
        {"a = 99999999999999999999\n", "is no value"},
        {"a = 1e999\n", "is no value"},
        {"a = yes\n", "'yes' is no value"},
        {"a = [1 2]\n", "a comma or ']' is missing"},
        {"a = [1, 2\n", "a comma or ']' is missing"},
        {"a = [1,\n", "a value is missing"},
        {"a = {x = 1,}\n", "ends with a comma"},
        {"a = {x = 1\n}\n", "a comma or '}' is missing"},
        {"[a\n", "not closed with ']'"},
        {"[[a]\n", "not closed with ']'"},
        {"a = \"\xff\"\n", "t.toml: not UTF-8 text (byte 5)"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof CASE / sizeof CASE[0]; k++) refused(CASE[k][0], CASE[k][1]);
    char deep[200] = "a = ";
    memset(deep + 4, '[', 100);
    refused(deep, "nested deeper than 32");
    strcpy(deep, "a");
    for (int i = 0; i < 40; i++) strcat(deep, ".a");
    refused(strcat(deep, " = 1\n"), "nested deeper than 32");
}

static void test_memory(void **state) {
    static const char TEXT[] = "a = 'x'\n[b.\"c\"]\nd = [1, {e = \"y\"}]\n[[f]]\n";
    (void)state;
    for (int n = 1;; n++) {
        json_t *j = NULL;
        zt_alloc_fail_at(n);
        const zt_err e = zt_toml_parse(TEXT, sizeof TEXT - 1, "m.toml", &j);
        const bool failed = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        assert_int_equal(e, failed ? ZT_NOMEM : ZT_OK);
        json_decref(j);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_tables),
                                       cmocka_unit_test(test_refuses), cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
