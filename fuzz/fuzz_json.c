// layer: base
/* JSON from outside (model configs, tokenizers, shard members): parsed, or refused with a text. */
#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *j = NULL;
    zt_err e = zt_json_parse((const char *)data, size, "fuzz.json", &j);
    if ((e == ZT_OK) != (j != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    json_decref(j);
    return 0;
}
