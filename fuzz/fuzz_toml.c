// layer: base
/* fuzz_toml.c - any bytes as TOML: refused with a text, or a tree that can be written as JSON and is the same when read again. */
#include <string.h>
#include "base/json.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = zt_alloc(size); /* a copy without a NUL behind it: reading past the end is caught */
    json_t *j = NULL, *back = NULL;
    zt_str out = {0};
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    const zt_err e = zt_toml_parse(text, size, "fuzz.toml", &j);
    zt_free(text);
    if ((e == ZT_OK) != (j != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    if (e == ZT_OK && !zt_json_deeper(j, 60)) {
        zt_json_add(&out, j, 0, true);
        if (!out.failed && (zt_json_parse(out.buf, out.len, "again.json", &back) != ZT_OK || !json_equal(j, back)))
            __builtin_trap();
    }
    json_decref(back);
    json_decref(j);
    zt_str_finish(&out);
    return 0;
}
