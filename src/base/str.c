/* str.c - growing strings, numbers as text, nearest names, UTF-8. */
#include "base/str.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

/* Room for n more bytes and the NUL. */
static bool reserve(zt_str *s, size_t n) {
    if (s->failed) return false;
    if (n < s->cap && s->len < s->cap - n) return true;
    size_t need;
    if (__builtin_add_overflow(s->len, n, &need) || need >= SIZE_MAX / 2) {
        s->failed = true;
        return false;
    }
    size_t cap = s->cap ? s->cap : 64;
    while (cap <= need) cap *= 2;
    char *grown = zt_realloc(s->buf, cap);
    if (!grown) {
        s->failed = true;
        return false;
    }
    s->buf = grown;
    s->cap = cap;
    return true;
}

void zt_str_addn(zt_str *s, const void *bytes, size_t n) {
    if (!reserve(s, n)) return;
    if (n) memcpy(s->buf + s->len, bytes, n);
    s->len += n;
    s->buf[s->len] = 0;
}

void zt_str_add(zt_str *s, const char *text) { zt_str_addn(s, text, strlen(text)); }

void zt_str_addv(zt_str *s, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) s->failed = true;
    if (n < 0 || !reserve(s, (size_t)n)) return;
    (void)vsnprintf(s->buf + s->len, (size_t)n + 1, fmt, ap);
    s->len += (size_t)n;
}

void zt_str_addf(zt_str *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    zt_str_addv(s, fmt, ap);
    va_end(ap);
}

void zt_str_add_html(zt_str *s, const char *text) {
    for (;;) {
        size_t plain = strcspn(text, "&<>\"'");
        zt_str_addn(s, text, plain);
        text += plain;
        switch (*text++) {
        case '&': zt_str_add(s, "&amp;"); break;
        case '<': zt_str_add(s, "&lt;"); break;
        case '>': zt_str_add(s, "&gt;"); break;
        case '"': zt_str_add(s, "&quot;"); break;
        case '\'': zt_str_add(s, "&#39;"); break;
        default: return;
        }
    }
}

void zt_str_add_base64(zt_str *s, const void *bytes, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n && !s->failed; i += 3) {
        unsigned long v = (unsigned long)p[i] << 16;
        if (i + 1 < n) v |= (unsigned long)p[i + 1] << 8;
        if (i + 2 < n) v |= p[i + 2];
        char quad[4] = {digit[v >> 18 & 63], digit[v >> 12 & 63], digit[v >> 6 & 63], digit[v & 63]};
        if (i + 1 >= n) quad[2] = '=';
        if (i + 2 >= n) quad[3] = '=';
        zt_str_addn(s, quad, 4);
    }
}

void zt_str_finish(zt_str *s) {
    zt_free(s->buf);
    *s = (zt_str){0};
}

/* ---- names ---- */

enum { NAME_MAX_COMPARED = 63 }; /* no option is longer; a hostile name must not cost quadratic time */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Optimal string alignment distance: insert, delete, replace, swap of neighbours cost 1 each. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb) {
    size_t rows[3][NAME_MAX_COMPARED + 1], *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++) above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *old = before;
        before = above;
        above = row;
        row = old;
    }
    return above[nb];
}

const char *zt_nearest_name(const char *name, const char *const *names, int n) {
    size_t len = strlen(name);
    if (len > NAME_MAX_COMPARED) return NULL;
    size_t limit = len / 3 > 2 ? len / 3 : 2, best = limit + 1;
    const char *found = NULL;
    for (int i = 0; i < n; i++) {
        size_t other = strlen(names[i]);
        if (other > NAME_MAX_COMPARED) continue;
        size_t d = edit_distance(name, len, names[i], other);
        if (d < best && d < (len > other ? len : other)) { /* the second: with every letter changed it is another name */
            best = d;
            found = names[i];
        }
    }
    return found;
}

/* ---- UTF-8: RFC 3629 section 4; offset of a malformed sequence's first byte ---- */

static size_t utf8_length(const unsigned char *p, size_t n) {
    unsigned char c = p[0], lo = 0x80, hi = 0xBF;
    size_t len;
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c <= 0xDF) /* C0, C1: overlong */
        len = 2;
    else if (c >= 0xE0 && c <= 0xEF)
        len = 3;
    else if (c >= 0xF0 && c <= 0xF4)
        len = 4;
    else
        return 0;
    if (len > n) return 0;
    if (c == 0xE0)
        lo = 0xA0; /* overlong */
    else if (c == 0xED)
        hi = 0x9F; /* surrogates */
    else if (c == 0xF0)
        lo = 0x90; /* overlong */
    else if (c == 0xF4)
        hi = 0x8F; /* above U+10FFFF */
    if (p[1] < lo || p[1] > hi) return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return len;
}

bool zt_utf8_valid(const char *bytes, size_t n, size_t *bad) {
    for (size_t i = 0; i < n;) {
        size_t len = utf8_length((const unsigned char *)bytes + i, n - i);
        if (len == 0) {
            if (bad) *bad = i;
            return false;
        }
        i += len;
    }
    return true;
}

bool zt_ends_with(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    if (m > n) return false;
    for (size_t i = 0; i < m; i++) {
        char a = s[n - m + i], b = suffix[i];
        a = (char)(a >= 'A' && a <= 'Z' ? a + 32 : a); /* not tolower: that follows the locale */
        b = (char)(b >= 'A' && b <= 'Z' ? b + 32 : b);
        if (a != b) return false;
    }
    return true;
}

zt_err zt_format(char *dst, size_t cap, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(dst, cap, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= cap)
        return zt_fail(ZT_ARG, "a text of %d bytes does not fit into %zu; use a shorter name or path", n, cap ? cap - 1 : 0);
    return ZT_OK;
}

/* ---- numbers ---- */

static locale_t c_locale; /* a host program may have set a locale with ',' as the decimal point */
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static size_t digits(const char *s) {
    size_t n = 0;
    while (s[n] >= '0' && s[n] <= '9') n++;
    return n;
}

bool zt_parse_int(const char *s, int64_t *v) {
    const char *p = s + (*s == '-' || *s == '+');
    size_t n = digits(p);
    if (n == 0 || p[n]) return false;
    errno = 0;
    long long x = strtoll(s, NULL, 10);
    if (errno) return false;
    *v = (int64_t)x;
    return true;
}

bool zt_parse_real(const char *s, double *v) {
    const char *p = s + (*s == '-' || *s == '+');
    size_t whole = digits(p), part = 0;
    p += whole;
    if (*p == '.') {
        part = digits(p + 1);
        p += 1 + part;
    }
    if (whole + part == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        size_t n = digits(p);
        if (n == 0) return false;
        p += n;
    }
    if (*p) return false;
    (void)pthread_once(&locale_once, make_locale);
    double x = c_locale ? strtod_l(s, NULL, c_locale) : strtod(s, NULL);
    if (!isfinite(x)) return false;
    *v = x;
    return true;
}

void zt_real_text(char out[32], double v) {
    double back = 0;
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(out, 32, "%.*g", precision, v);
        char *comma = strchr(out, ',');
        if (comma) *comma = '.';
        if (!isfinite(v) || (zt_parse_real(out, &back) && back == v)) break;
    }
    if (isfinite(v) && !strpbrk(out, ".e")) {
        size_t n = strlen(out);
        memcpy(out + n, ".0", 3);
    }
}
