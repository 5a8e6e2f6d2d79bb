/* says.h - calls that must work, and what the error text of a refused one must say. Include after cmocka.h. */
#ifndef TESTS_SAYS_H
#define TESTS_SAYS_H
#include <string.h>
#include "base/err.h"

/** The call gives ZT_OK; else the test fails with its error text. */
#define OK(call) \
    do { \
        const zt_err e_ = (call); \
        if (e_ != ZT_OK) fail_msg("%s: %s: %s", #call, zt_err_name(e_), zt_err_text()); \
    } while (0)

/** This thread's last error text contains `want`. */
static inline void says(const char *want) {
    if (!strstr(zt_err_text(), want)) print_error("wanted: %s\ngot: %s\n", want, zt_err_text());
    assert_non_null(strstr(zt_err_text(), want));
}
#endif
