// layer: nn
/* Weights from outside: loaded whole, or refused with a text and the set left empty. */
#include "nn/safetensors.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_tset set = {0};
    json_t *metadata = NULL;
    zt_err e = zt_safetensors_parse(data, size, "fuzz.safetensors", &set, &metadata);
    if (e != ZT_OK && (!*zt_err_text() || set.n != 0)) __builtin_trap();
    json_decref(metadata);
    zt_tset_finish(&set);
    return 0;
}
