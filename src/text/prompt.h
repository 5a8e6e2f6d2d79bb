/* prompt.h - what a prompt may be. */
#ifndef ZT_TEXT_PROMPT_H
#define ZT_TEXT_PROMPT_H
#include <stddef.h>
#include "base/err.h"

enum { ZT_PROMPT_MAX_BYTES = 4096 };

/** ZT_ARG unless text[0..len) is well-formed UTF-8 without NUL of at most ZT_PROMPT_MAX_BYTES bytes; the text names the limit
 *  or the offset of the wrong byte. Empty is fine: it means unconditional. */
zt_err zt_prompt_check(const char *text, size_t len);
#endif
