/* test_base_sizes.c - lists of clip sizes: what is written reads back, what is no list is refused with what would be one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/sizes.h"
#include "says.h"

static void test_round_trip(void **state) {
    static const char *const TEXT[] = {"", "1x1x1", "16x64x96,32x64x64", "1024x4096x4096,16x64x64,16x64x96"};
    (void)state;
    for (size_t k = 0; k < sizeof TEXT / sizeof *TEXT; k++) {
        zt_sizes s;
        char again[ZT_SIZES_TEXT];
        OK(zt_sizes_parse(&s, TEXT[k], "list"));
        assert_int_equal(s.n, (int)k);
        assert_string_equal(zt_sizes_text(&s, again), TEXT[k]);
    }
    zt_sizes s;
    OK(zt_sizes_parse(&s, "16x64x96", "list"));
    assert_true(s.v[0].frames == 16 && s.v[0].height == 64 && s.v[0].width == 96 && zt_size_pixels(s.v[0]) == 16 * 64 * 96);
}

static void test_refused(void **state) {
    static const char *const TEXT[] = {
        "16",       "16x64",      "16x64x",      "16x64x64x3", "x16x64x64",  "16X64x64",  "16x64x64,",  ",16x64x64",
        "0x64x64",  "16x064x64",  "16x64x4097",  "1025x64x64", "16x64x-64",  "16 x64x64", "16x64x64;1", "16x64x64,auto",
        "99999999999999999999x1x1"};
    (void)state;
    zt_sizes s;
    for (size_t k = 0; k < sizeof TEXT / sizeof *TEXT; k++) {
        if (zt_sizes_parse(&s, TEXT[k], "data.buckets") != ZT_CONFIG) fail_msg("'%s' was taken", TEXT[k]);
        says("data.buckets: '");
        says("frames x height x width");
    }
    assert_int_equal(zt_sizes_parse(&s, "1x2x3,4x5x6,1x2x3", "list"), ZT_CONFIG);
    says("1x2x3 is there twice");
}

/* As many as there is room for, each as long as can be; one more is refused. */
static void test_full(void **state) {
    (void)state;
    char text[2 * ZT_SIZES_TEXT] = "", again[ZT_SIZES_TEXT];
    zt_sizes s;
    for (int k = 0; k < ZT_SIZES_MAX; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s1024x4096x%d", k ? "," : "", 4096 - k);
    OK(zt_sizes_parse(&s, text, "list"));
    assert_string_equal(zt_sizes_text(&s, again), text);
    strcat(text, ",1x1x1");
    assert_int_equal(zt_sizes_parse(&s, text, "list"), ZT_CONFIG);
    says("more than 16");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
