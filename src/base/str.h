/* str.h - growing strings, names, UTF-8. */
#ifndef ZT_BASE_STR_H
#define ZT_BASE_STR_H
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/** Growing byte string. Zero-initialise; `buf` is NULL or NUL-terminated at `len`. On memory failure `failed` sticks
 *  and further calls do nothing. zt_str_finish frees. */
typedef struct zt_str { char *buf; size_t len, cap; bool failed; } zt_str;
void zt_str_add(zt_str *s, const char *text);
void zt_str_addn(zt_str *s, const void *bytes, size_t n);
void zt_str_addf(zt_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void zt_str_addv(zt_str *s, const char *fmt, va_list ap);
/** Adds text escaped for HTML (& < > " '). */
void zt_str_add_html(zt_str *s, const char *text);
/** Adds bytes as base64. */
void zt_str_add_base64(zt_str *s, const void *bytes, size_t n);
void zt_str_finish(zt_str *s);

/** The name nearest to `name` by edit distance among `names[n]`, or NULL when nothing is near (distance > max(2, len/3)). */
const char *zt_nearest_name(const char *name, const char *const *names, int n);

/** Whether bytes[0..n) is well-formed UTF-8 (RFC 3629); else *bad is the offset of the first wrong byte (bad may be NULL). */
bool zt_utf8_valid(const char *bytes, size_t n, size_t *bad);

bool zt_ends_with(const char *s, const char *suffix);     /* ASCII case-insensitive */
/** The whole of `s` as a decimal integer ("-12", "+7") or a finite real ("3", "1e-4", ".5"): no spaces, no hexadecimal,
 *  the decimal point is '.' in every locale. False when it is something else or out of range; *v is then untouched. */
bool zt_parse_int(const char *s, int64_t *v);
bool zt_parse_real(const char *s, double *v);
/** Shortest text that reads back as exactly v; always holds '.' or 'e' when v is finite, so that it stays a real. */
void zt_real_text(char out[32], double v);
/** snprintf into a fixed array; ZT_ARG when it does not fit (for paths). */
zt_err zt_format(char *dst, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
