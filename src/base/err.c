/* err.c - the text of each thread's last failure. Not a log: nothing is printed here. */
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024 };
static _Thread_local char text[TEXT_MAX];

const char *zt_err_name(zt_err e) {
    static const char *const names[] = {
#define X(name, meaning) #name,
        ZT_ERR_LIST(X)
#undef X
    };
    unsigned i = (unsigned)e;
    return i < sizeof names / sizeof *names ? names[i] : "UNKNOWN";
}

const char *zt_err_text(void) { return text; }

/* Texts quote file names and file content: control bytes could drive the user's terminal, half a character could spoil a log. */
static void store(char *s) {
    size_t n = strnlen(s, TEXT_MAX - 1);
    s[n] = 0;
    if (n == TEXT_MAX - 1) { /* perhaps cut: drop a UTF-8 sequence that lost its end */
        size_t i = n, tail = 0;
        while (i > 0 && tail < 3 && ((unsigned char)s[i - 1] & 0xC0) == 0x80) {
            i--;
            tail++;
        }
        unsigned char lead = i > 0 ? (unsigned char)s[i - 1] : 0;
        size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (tail < want) s[i - 1] = 0;
    }
    for (char *p = s; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7F) *p = '?';
    memcpy(text, s, strlen(s) + 1);
}

zt_err zt_fail(zt_err e, const char *fmt, ...) {
    char fresh[TEXT_MAX]; /* the arguments may point into `text` itself */
    va_list ap;
    va_start(ap, fmt);
    if (vsnprintf(fresh, sizeof fresh, fmt, ap) < 0) fresh[0] = 0;
    va_end(ap);
    store(fresh);
    return e;
}

zt_err zt_fail_context(zt_err e, const char *fmt, ...) {
    char fresh[2 * TEXT_MAX + 2];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(fresh, TEXT_MAX, fmt, ap);
    va_end(ap);
    if (n < 0) return e;
    size_t used = strlen(fresh);
    (void)snprintf(fresh + used, sizeof fresh - used, ": %s", text);
    store(fresh);
    return e;
}
