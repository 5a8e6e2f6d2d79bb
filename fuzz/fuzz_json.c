// layer: base
/* fuzz_json.c - any bytes as JSON: parsed or refused with a text, never worse. What was parsed must survive writing. */
#include <string.h>
#include "base/json.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = zt_alloc(size); /* a copy without a NUL behind it: reading past the end is caught */
    json_t *j = NULL;
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    zt_err e = zt_json_parse(text, size, "fuzz.json", &j);
    zt_free(text);
    if ((e == ZT_OK) != (j != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    if (e == ZT_OK) {
        zt_str out = {0};
        json_t *back = NULL;
        zt_json_add(&out, j, 0, (size & 1) != 0);
        if (!out.failed && (zt_json_parse(out.buf, out.len, "again.json", &back) != ZT_OK || !json_equal(j, back)))
            __builtin_trap();
        json_decref(back);
        zt_str_finish(&out);
    }
    json_decref(j);
    return 0;
}
