/* test_base_opt.c - option tables: messages, ranges, JSON and command-line forms, help. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/opt.h"

typedef struct config {
    int64_t steps, seed;
    double lr;
    int ema, sampler;
    char prompt[16];
    zt_ints mult;
} config;

static const zt_opt table[] = {
    {"steps", ZT_OPT_INT, ZT_OPT_AT(config, steps), "100", 1, 1000000, NULL, 's', "training steps"},
    {"seed", ZT_OPT_INT, ZT_OPT_AT(config, seed), NULL, 0, 0, NULL, 0, "random seed"},
    {"lr", ZT_OPT_REAL, ZT_OPT_AT(config, lr), "3e-4", 0, 1, NULL, 0, "learning rate"},
    {"ema", ZT_OPT_BOOL, ZT_OPT_AT(config, ema), "true", 0, 0, NULL, 'e', "keep averaged weights"},
    {"sampler", ZT_OPT_ENUM, ZT_OPT_AT(config, sampler), "euler", 0, 0, "ddim|euler|heun", 0, "sampler"},
    {"prompt", ZT_OPT_STR, ZT_OPT_AT(config, prompt), NULL, 0, 0, NULL, 'p', "what to show"},
    {"mult", ZT_OPT_INTS, ZT_OPT_AT(config, mult), "1,2,4", 1, 64, NULL, 0, "channel multipliers"},
};
static const zt_opts opts = {table, (int)(sizeof table / sizeof *table)};

static void wrong(zt_err e, const char *want) {
    assert_int_equal(e, ZT_CONFIG);
    assert_string_equal(zt_err_text(), want);
}

static void test_defaults(void **state) {
    config c;
    (void)state;
    memset(&c, 0x5A, sizeof c);
    zt_opt_defaults(opts, &c);
    assert_true(c.steps == 100 && c.seed == 0 && c.lr == 3e-4 && c.ema == 1 && c.sampler == 1);
    assert_string_equal(c.prompt, "");
    assert_true(c.mult.n == 3 && c.mult.v[0] == 1 && c.mult.v[2] == 4);
}

static void test_messages(void **state) {
    config c;
    (void)state;
    zt_opt_defaults(opts, &c);
    config before = c;
    const char *w = "config.yaml: train.";
    wrong(zt_opt_set(opts, &c, w, "lrr", "1"), "config.yaml: train.lrr is not an option; did you mean train.lr?");
    wrong(zt_opt_set(opts, &c, w, "banana", "1"),
          "config.yaml: train.banana is not an option; there are: steps, seed, lr, ema, sampler, prompt, mult");
    wrong(zt_opt_set(opts, &c, "train.", "lr", "abc"), "train.lr=abc: want a number");
    wrong(zt_opt_set(opts, &c, "train.", "lr", "nan"), "train.lr=nan: want a number");
    wrong(zt_opt_set(opts, &c, "train.", "lr", "1.5"), "train.lr=1.5: want 0..1");
    wrong(zt_opt_set(opts, &c, NULL, "steps", "0"), "steps=0: want 1..1000000");
    wrong(zt_opt_set(opts, &c, "", "steps", "1000001"), "steps=1000001: want 1..1000000");
    wrong(zt_opt_set(opts, &c, "", "steps", "1.5"), "steps=1.5: want a whole number");
    wrong(zt_opt_set(opts, &c, "", "steps", ""), "steps=: want a whole number");
    wrong(zt_opt_set(opts, &c, "", "ema", "maybe"), "ema=maybe: want true or false");
    wrong(zt_opt_set(opts, &c, "", "sampler", "eul"), "sampler=eul: want one of ddim|euler|heun");
    wrong(zt_opt_set(opts, &c, "", "sampler", "ddim|euler"), "sampler=ddim|euler: want one of ddim|euler|heun");
    wrong(zt_opt_set(opts, &c, "", "prompt", "1234567890123456"), "prompt=1234567890123456: has 16 bytes, want at most 15");
    wrong(zt_opt_set(opts, &c, "", "prompt", "\xff"), "prompt=\xff: want valid UTF-8 text");
    wrong(zt_opt_set(opts, &c, "", "mult", "1,x"), "mult=1,x: want whole numbers such as 1,2,4");
    wrong(zt_opt_set(opts, &c, "", "mult", "1,2,"), "mult=1,2,: want whole numbers such as 1,2,4");
    wrong(zt_opt_set(opts, &c, "", "mult", "1,65"), "mult=1,65: want 1..64");
    wrong(zt_opt_set(opts, &c, "", "mult", "1,1,1,1,1,1,1,1,1"), "mult=1,1,1,1,1,1,1,1,1: want at most 8 numbers");
    assert_memory_equal(&before, &c, sizeof c); /* a refused value changes nothing */
    char big[5000];
    memset(big, 'z', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_int_equal(zt_opt_set(opts, &c, w, big, "1"), ZT_CONFIG);
    assert_int_equal(zt_opt_set(opts, &c, w, "lr", big), ZT_CONFIG);
    assert_non_null(strstr(zt_err_text(), "zzz...: want a number"));
}

static void test_open_ranges_and_wrong_tables(void **state) {
    static const zt_opt open_range[] = {{"n", ZT_OPT_INT, ZT_OPT_AT(config, steps), "1", 1, INFINITY, NULL, 0, ""}};
    static const zt_opt bad_type[] = {{"n", ZT_OPT_INT, ZT_OPT_AT(config, ema), NULL, 0, 0, NULL, 0, ""}};
    config c = {0};
    (void)state;
    wrong(zt_opt_set((zt_opts){open_range, 1}, &c, "", "n", "0"), "n=0: want 1 or more");
    assert_int_equal(zt_opt_set((zt_opts){open_range, 1}, &c, "", "n", "9223372036854775807"), ZT_OK);
    assert_int_equal(zt_opt_set((zt_opts){bad_type, 1}, &c, "", "n", "1"), ZT_INTERNAL); /* would write past an int */
}

static zt_err from(config *c, const char *text) {
    json_t *j;
    assert_int_equal(zt_json_parse(text, strlen(text), "t", &j), ZT_OK);
    zt_err e = zt_opt_from_json(opts, c, "c.yaml: train.", j);
    json_decref(j);
    return e;
}

static void test_json(void **state) {
    config c, d;
    (void)state;
    memset(&c, 0, sizeof c);
    memset(&d, 0, sizeof d);
    zt_opt_defaults(opts, &c);
    assert_int_equal(from(&c, "{\"steps\": 5, \"lr\": 1, \"ema\": false, \"sampler\": \"heun\", "
                              "\"prompt\": \"a \xC3\xA4\", \"mult\": [3]}"),
                     ZT_OK);
    assert_true(c.steps == 5 && c.lr == 1 && c.ema == 0 && c.sampler == 2 && c.mult.n == 1 && c.mult.v[0] == 3);
    assert_int_equal(from(&c, "{\"steps\": 1e3}"), ZT_OK);
    assert_int_equal(c.steps, 1000);
    wrong(from(&c, "{\"lrr\": 5}"), "c.yaml: train.lrr is not an option; did you mean train.lr?");
    wrong(from(&c, "{\"steps\": \"5\"}"), "c.yaml: train.steps=5: want a whole number");
    wrong(from(&c, "{\"steps\": 5.5}"), "c.yaml: train.steps=5.5: want a whole number");
    wrong(from(&c, "{\"steps\": null}"), "c.yaml: train.steps=null: want a whole number");
    wrong(from(&c, "{\"steps\": 0}"), "c.yaml: train.steps=0: want 1..1000000");
    wrong(from(&c, "{\"lr\": true}"), "c.yaml: train.lr=true: want a number");
    wrong(from(&c, "{\"ema\": 1}"), "c.yaml: train.ema=1: want true or false");
    wrong(from(&c, "{\"prompt\": 12}"), "c.yaml: train.prompt=12: want text (put it in quotes)");
    wrong(from(&c, "{\"sampler\": 1}"), "c.yaml: train.sampler=1: want one of ddim|euler|heun");
    wrong(from(&c, "{\"mult\": 1}"), "c.yaml: train.mult=1: want a list such as [1, 2, 4]");
    wrong(from(&c, "{\"mult\": [1, \"a\"]}"), "c.yaml: train.mult=[1, \"a\"]: want a list of whole numbers such as [1, 2, 4]");
    wrong(from(&c, "{\"mult\": [1, 99]}"), "c.yaml: train.mult=[1, 99]: want 1..64");
    wrong(from(&c, "[1]"), "c.yaml: train: want a section with \"name: value\" lines");
    json_t *j = zt_opt_to_json(opts, &c);
    assert_non_null(j);
    assert_int_equal(json_object_size(j), opts.n);
    zt_opt_defaults(opts, &d);
    assert_int_equal(zt_opt_from_json(opts, &d, "", j), ZT_OK);
    assert_memory_equal(&c, &d, sizeof c);
    json_decref(j);
    c.sampler = 77; /* not a choice: no JSON rather than a wrong one */
    assert_null(zt_opt_to_json(opts, &c));
}

static zt_err args(config *c, int argc, const char **argv, char **pos, int *n) {
    zt_opt_defaults(opts, c);
    return zt_opt_args(opts, c, argc, (char **)(uintptr_t)argv, pos, 2, n);
}
#define ARGS(...) args(&c, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__}, pos, &n)

static void test_command_line(void **state) {
    config c;
    char *pos[2];
    int n;
    (void)state;
    assert_int_equal(ARGS("in", "--steps", "7", "--lr=0.5", "-p", "a cat", "--no-ema", "--mult=2,2", "-", "--sampler", "ddim"),
                     ZT_OK);
    assert_true(c.steps == 7 && c.lr == 0.5 && c.ema == 0 && c.mult.n == 2 && c.sampler == 0);
    assert_string_equal(c.prompt, "a cat");
    assert_int_equal(n, 2);
    assert_string_equal(pos[0], "in");
    assert_string_equal(pos[1], "-");
    assert_int_equal(ARGS("--seed", "-5", "--ema=false", "-e", "--prompt=--x=y", "--", "--steps"), ZT_OK);
    assert_true(c.seed == -5 && c.ema == 1 && n == 1);
    assert_string_equal(c.prompt, "--x=y");
    assert_string_equal(pos[0], "--steps");
    wrong(ARGS("--stesp", "7"), "--stesp is not an option; did you mean --steps?");
    wrong(ARGS("--stesp=7"), "--stesp is not an option; did you mean --steps?");
    wrong(ARGS("--steps=0"), "--steps=0: want 1..1000000");
    wrong(ARGS("--steps"), "--steps: a value is missing; write --steps=VALUE");
    wrong(ARGS("--steps", "--", "7"), "--steps: a value is missing; write --steps=VALUE");
    wrong(ARGS("--prompt", "--no-ema"), "--prompt: a value is missing before --no-ema; write --prompt=VALUE");
    wrong(ARGS("--no-ema=1"), "--no-ema takes no value; write --no-ema or --ema");
    assert_int_equal(ARGS("--no-steps"), ZT_CONFIG);
    wrong(ARGS("-x"), "-x is not an option; see --help");
    wrong(ARGS("-s7"), "-s7: write -s and the value apart, or --steps=VALUE");
    wrong(ARGS("a", "b", "c"), "c: one argument too many, want at most 2; put text with spaces in quotes");
    assert_int_equal(zt_opt_args(opts, &c, 0, NULL, pos, 2, &n), ZT_OK);
    assert_int_equal(n, 0);
    char big[5000] = "--";
    memset(big + 2, 'z', sizeof big - 3);
    big[sizeof big - 1] = 0;
    assert_int_equal(ARGS(big), ZT_CONFIG);
}

static void test_help(void **state) {
    char *text = NULL;
    size_t len;
    (void)state;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    zt_opt_help(opts, f);
    assert_int_equal(fclose(f), 0);
    assert_non_null(strstr(text, "  -s, --steps    whole   100    1..1000000       training steps\n"));
    assert_non_null(strstr(text, "      --sampler  choice  euler  ddim|euler|heun  sampler\n"));
    assert_non_null(strstr(text, "  -p, --prompt   text    none                    what to show\n"));
    int lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) lines++;
    assert_int_equal(lines, opts.n);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_messages),     cmocka_unit_test(test_open_ranges_and_wrong_tables),
        cmocka_unit_test(test_json),     cmocka_unit_test(test_command_line), cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
