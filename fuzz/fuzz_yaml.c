// layer: base
/* Training configs from outside: parsed, or refused with a text; what was parsed can be saved and parsed again. */
#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *j = NULL;
    zt_err e = zt_yaml_parse((const char *)data, size, "fuzz.yaml", &j);
    if ((e == ZT_OK) != (j != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    json_decref(j);
    return 0;
}
