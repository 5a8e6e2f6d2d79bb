/* test_base_str.c - error texts, memory, growing strings, numbers as text, nearest names, UTF-8, progress and Ctrl-C. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

static void *fail_elsewhere(void *unused) {
    assert_string_equal(zt_err_text(), "");
    (void)zt_fail(ZT_IO, "other thread");
    return unused;
}

static void test_error_text(void **state) {
    pthread_t other;
    char big[3000];
    (void)state;
    assert_string_equal(zt_err_name(ZT_SHAPE), "SHAPE");
    assert_string_equal(zt_err_name((zt_err)999), "UNKNOWN");
    assert_string_equal(zt_err_name((zt_err)-1), "UNKNOWN");
    assert_int_equal(zt_fail(ZT_IO, "got %d", 5), ZT_IO);
    assert_int_equal(pthread_create(&other, NULL, fail_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_string_equal(zt_err_text(), "got 5");
    assert_int_equal(zt_fail_context(ZT_IO, "while %s", "reading"), ZT_IO);
    assert_string_equal(zt_err_text(), "while reading: got 5");
    (void)zt_fail(ZT_IO, "again %s", zt_err_text()); /* an argument inside the text itself */
    assert_string_equal(zt_err_text(), "again while reading: got 5");
    (void)zt_fail(ZT_IO, "%s", "esc \033[2J \r \x7f\n");
    assert_string_equal(zt_err_text(), "esc ?[2J ? ?\n");
    memset(big, 'x', sizeof big);
    memcpy(big + 1022, "\xC3\xA4", 2); /* cut in the middle of a character */
    big[sizeof big - 1] = 0;
    (void)zt_fail(ZT_IO, "%s", big);
    assert_int_equal(strlen(zt_err_text()), 1022);
    (void)zt_fail_context(ZT_IO, "%s", big);
    assert_true(strlen(zt_err_text()) <= 1023);
}

static void test_memory(void **state) {
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = zt_alloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xAB, n);
        p = zt_realloc(p, n + 100);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0xAB);
        p = zt_realloc(p, 3);
        assert_non_null(p);
        zt_free(p);
    }
    zt_free(NULL);
    assert_null(zt_alloc_array(SIZE_MAX / 16 + 2, 16)); /* the product wraps to 16 */
    assert_non_null(strstr(zt_err_text(), "out of memory"));
    assert_null(zt_alloc(SIZE_MAX));
    assert_null(zt_alloc(SIZE_MAX - 10));
    char *p = zt_strdup("kept");
    zt_alloc_fail_at(1);
    assert_null(zt_realloc(p, 1000));
    assert_string_equal(p, "kept");
    zt_free(p);
}

static void test_arena_and_big_blocks(void **state) {
    zt_arena *a;
    (void)state;
    assert_int_equal(zt_arena_create(&a), ZT_OK);
    for (size_t n = 0; n < 200000; n = n * 2 + 1) {
        unsigned char *p = zt_arena_alloc(a, n), *q = zt_arena_alloc(a, 5);
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xFF, n);
        memset(q, 0xFF, 5);
    }
    assert_null(zt_arena_alloc(a, SIZE_MAX));
    assert_null(zt_arena_alloc(a, SIZE_MAX - 65536));
    assert_string_equal(zt_arena_strdup(a, "name"), "name");
    zt_arena_destroy(&a);
    assert_null(a);
    zt_arena_destroy(&a);
    zt_arena_destroy(NULL);
    static const size_t sizes[] = {0, 1, 4096, 5000, (2 << 20) - 1, 2 << 20, (5 << 20) + 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *b = zt_big_alloc(sizes[i]);
        assert_non_null(b);
        assert_int_equal((uintptr_t)b % (2 << 20), 0);
        for (size_t k = 0; k < sizes[i]; k += 997) assert_int_equal(b[k], 0);
        memset(b, 1, sizes[i]);
        zt_big_free(b, sizes[i]);
    }
    assert_null(zt_big_alloc(SIZE_MAX));
    (void)zt_fail(ZT_IO, "older");
    assert_null(zt_big_alloc((size_t)1 << 60)); /* a legal size, but the system refuses */
    assert_non_null(strstr(zt_err_text(), "out of memory"));
    zt_big_free(NULL, 10);
    assert_true(zt_peak_rss_bytes() > 1 << 20);
}

/* ZT_FAIL_ALLOC is read once, so it needs a process of its own: this program, started again. */
static void test_environment_makes_allocation_fail(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("ZT_FAIL_ALLOC", "3", 1);
        (void)execl("/proc/self/exe", "test_base_str", "--alloc", (char *)NULL);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3); /* the call that failed */
}

static int first_failing_call(void) {
    for (int i = 1; i < 10; i++) {
        void *p = zt_alloc(8);
        if (!p) return i;
        zt_free(p);
    }
    return 0;
}

static void test_string(void **state) {
    zt_str s = {0};
    (void)state;
    zt_str_add(&s, "a");
    zt_str_addf(&s, "%d-%s", 5, "x");
    zt_str_addn(&s, "b\0c", 3);
    assert_int_equal(s.len, 7);
    assert_memory_equal(s.buf, "a5-xb\0c", 8);
    for (int i = 0; i < 1000; i++) zt_str_addf(&s, "%04d", i);
    assert_int_equal(s.len, 4007);
    assert_string_equal(s.buf + 4003, "0999");
    zt_str_finish(&s);
    assert_null(s.buf);
    zt_str_add(&s, "");
    assert_string_equal(s.buf, "");
    zt_str_add_html(&s, "<a href=\"x\">'&'</a>");
    assert_string_equal(s.buf, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    zt_str_finish(&s);
    static const char *const b64[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}; /* RFC 4648 */
    for (size_t n = 1; n <= 6; n++) {
        zt_str_add_base64(&s, "foobar", n);
        assert_string_equal(s.buf, b64[n]);
        zt_str_finish(&s);
    }
    zt_str_add(&s, "kept");
    zt_alloc_fail_at(1);
    zt_str_addf(&s, "%200d", 1);
    assert_true(s.failed);
    zt_str_add(&s, "more"); /* failure sticks */
    assert_string_equal(s.buf, "kept");
    zt_str_finish(&s);
    assert_false(s.failed);
}

static void test_nearest_name(void **state) {
    static const char *const names[] = {"lr", "steps", "batch", "weight-decay", "seed"};
    char big[500];
    (void)state;
    assert_string_equal(zt_nearest_name("lrr", names, 5), "lr");
    assert_string_equal(zt_nearest_name("stesp", names, 5), "steps");
    assert_string_equal(zt_nearest_name("weigth-decy", names, 5), "weight-decay");
    assert_string_equal(zt_nearest_name("seed", names, 5), "seed");
    assert_null(zt_nearest_name("momentum", names, 5));
    assert_null(zt_nearest_name("xy", names, 5)); /* two letters, both wrong */
    assert_null(zt_nearest_name("lr", names, 0));
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_null(zt_nearest_name(big, names, 5));
}

static void test_utf8(void **state) {
    static const struct {
        const char *bytes;
        size_t n, bad;
    } wrong[] = {
        {"\x80", 1, 0},
        {"ab\xFF", 3, 2},
        {"a\xC0\x80", 3, 1},
        {"\xC1\xBF", 2, 0}, /* lone, never used, overlong */
        {"\xE0\x80\xAF", 3, 0},
        {"\xE0\x9F\xBF", 3, 0},
        {"\xF0\x8F\xBF\xBF", 4, 0}, /* overlong */
        {"\xED\xA0\x80", 3, 0},
        {"x\xED\xBF\xBF", 4, 1}, /* surrogates */
        {"\xF4\x90\x80\x80", 4, 0},
        {"\xF5\x80\x80\x80", 4, 0}, /* above U+10FFFF */
        {"a\xC3", 2, 1},
        {"\xE2\x82", 2, 0},
        {"\xF0\x9F\x8E", 3, 0},
        {"\xE2\x28\xA1", 3, 0}, /* cut, broken inside */
    };
    static const char good[] = "a\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF"
                               "\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t bad = 99;
        assert_false(zt_utf8_valid(wrong[i].bytes, wrong[i].n, &bad));
        assert_int_equal(bad, wrong[i].bad);
        assert_false(zt_utf8_valid(wrong[i].bytes, wrong[i].n, NULL));
    }
    assert_true(zt_utf8_valid(good, sizeof good, NULL)); /* with its NUL, which is a character too */
    assert_true(zt_utf8_valid("", 0, NULL));
}

static void test_small_things(void **state) {
    char out[8];
    (void)state;
    assert_true(zt_ends_with("clip.MP4", ".mp4"));
    assert_false(zt_ends_with("mp4", ".mp4"));
    assert_true(zt_ends_with("x", ""));
    assert_int_equal(zt_format(out, sizeof out, "%s", "1234567"), ZT_OK);
    assert_int_equal(zt_format(out, sizeof out, "%s", "12345678"), ZT_ARG);
}

static void test_numbers(void **state) {
    static const char *const not_int[] = {"", "-", "+", " 1", "1 ", "1.0", "0x10", "1e3", "9223372036854775808", "--1"};
    static const char *const not_real[] = {"",   ".",     "-",   "e5",  "1e",    "1e+", " 1",
                                           "1 ", "0x1p3", "nan", "inf", "1e999", "1,5", "1.2.3"};
    static const double reals[] = {0, 1, -1, 0.1, 1.0 / 3, 1e-4, 5e-324, 1.7976931348623157e308, 123456789, 1e22, -2.5e-7};
    int64_t i = 42;
    double d = 42;
    char text[32];
    (void)state;
    for (size_t k = 0; k < sizeof not_int / sizeof *not_int; k++) assert_false(zt_parse_int(not_int[k], &i));
    for (size_t k = 0; k < sizeof not_real / sizeof *not_real; k++) assert_false(zt_parse_real(not_real[k], &d));
    assert_true(i == 42 && d == 42);
    assert_true(zt_parse_int("-9223372036854775808", &i) && i == INT64_MIN);
    assert_true(zt_parse_int("+7", &i) && i == 7);
    assert_true(zt_parse_real("-.5", &d) && d == -0.5);
    assert_true(zt_parse_real("1.e2", &d) && d == 100);
    const char *had = setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where it is not installed this changes nothing */
    (void)had;
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
        zt_real_text(text, reals[k]);
        assert_non_null(strpbrk(text, ".e"));
        assert_true(zt_parse_real(text, &d) && d == reals[k]);
    }
    (void)setlocale(LC_NUMERIC, "C");
    zt_real_text(text, 0.1);
    assert_string_equal(text, "0.1");
    zt_real_text(text, 3);
    assert_string_equal(text, "3.0");
}

/* What a child process prints on stderr (a pipe, so no terminal) while running f. */
static void capture(void (*f)(void), char *dst, size_t cap, int *status) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        f();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n < cap - 1 && (got = read(ends[0], dst + n, cap - 1 - n)) > 0;) n += (size_t)got;
    dst[n] = 0;
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, status, 0), child);
}

static void show_progress(void) {
    zt_progress p;
    zt_log("hello %d", 1);
    zt_warn("careful");
    zt_progress_begin(&p, "training", "steps", 100);
    p.start = 90;
    p.t0 -= 20; /* as if 20 s had passed */
    p.last -= 20;
    (void)snprintf(p.note, sizeof p.note, "loss 0.5");
    zt_progress_update(&p, 95);
    zt_progress_update(&p, 96); /* too soon for another line */
    zt_progress_end(&p);
    zt_log_quiet(true);
    zt_progress_begin(&p, "silent", "steps", 100);
    p.last -= 20;
    zt_progress_update(&p, 95);
    zt_progress_end(&p);
}

static void test_progress_lines(void **state) {
    char text[2000];
    int status;
    (void)state;
    capture(show_progress, text, sizeof text, &status);
    assert_string_equal(text, "hello 1\nwarning: careful\ntraining: 95/100 steps, 4.0 s each, 0:20 left, loss 0.5\n"
                              "training: 96/100 steps, 3.3 s each, took 0:20, loss 0.5\n");
}

static void cancel_once(void) {
    zt_cancel_install();
    if (zt_cancelled()) _exit(1);
    (void)raise(SIGINT);
    _exit(zt_cancelled() ? 5 : 2);
}

static void cancel_twice(void) {
    zt_cancel_install();
    (void)raise(SIGINT);
    (void)raise(SIGTERM);
}

static void test_cancel(void **state) {
    char text[500];
    int status;
    (void)state;
    capture(cancel_once, text, sizeof text, &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    assert_non_null(strstr(text, "stopping"));
    capture(cancel_twice, text, sizeof text, &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_text),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_arena_and_big_blocks),
        cmocka_unit_test(test_environment_makes_allocation_fail),
        cmocka_unit_test(test_string),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_small_things),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_cancel),
    };
    if (argc > 1 && strcmp(argv[1], "--alloc") == 0) return first_failing_call();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
