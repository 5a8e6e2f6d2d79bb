/* prompt.c - see prompt.h. */
#include "text/prompt.h"
#include <string.h>
#include "base/str.h"

zt_err zt_prompt_check(const char *text, size_t len) {
    size_t bad = 0;
    if (len > ZT_PROMPT_MAX_BYTES)
        return zt_fail(ZT_ARG, "prompt: %zu bytes; at most %d are accepted - shorten it", len, (int)ZT_PROMPT_MAX_BYTES);
    const char *nul = len > 0 ? memchr(text, 0, len) : NULL;
    if (nul != NULL)
        return zt_fail(ZT_ARG, "prompt: byte %zu is NUL; wanted plain text", (size_t)(nul - text));
    if (len > 0 && !zt_utf8_valid(text, len, &bad))
        return zt_fail(ZT_ARG, "prompt: byte %zu (0x%02x) is not valid UTF-8 - save or type the text as UTF-8", bad,
                       (unsigned)(unsigned char)text[bad < len ? bad : len - 1]);
    return ZT_OK;
}
