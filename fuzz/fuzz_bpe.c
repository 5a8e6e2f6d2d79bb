// layer: text
/* fuzz_bpe.c - tokenizer.json from hostile bytes; one that loads must encode and decode the bytes themselves. */
#include <string.h>
#include "base/mem.h"
#include "text/bpe.h"
#include "text/prompt.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_bpe tok;
    (void)zt_prompt_check((const char *)data, size);
    if (zt_bpe_parse(&tok, (const char *)data, size, "fuzz") != ZT_OK) {
        if (!*zt_err_text() || tok.merge != NULL)
            __builtin_trap();                           /* refused without a reason, or half loaded */
        return 0;
    }
    int32_t ids[512];
    zt_str back = { 0 };
    char *text = zt_alloc(size + 1);
    if (text != NULL) {
        memcpy(text, data, size);
        const int n = zt_bpe_encode(&tok, text, ids, 512, NULL);
        if (zt_bpe_decode(&tok, ids, n, &back) == ZT_ARG)
            __builtin_trap();                           /* its own ids must decode */
    }
    zt_free(text);
    zt_str_finish(&back);
    zt_bpe_finish(&tok);
    return 0;
}
