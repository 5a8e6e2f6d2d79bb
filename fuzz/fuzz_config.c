// layer: train
/* fuzz_config.c - any bytes as a training config (first byte even) or as kernels.json (odd): read, or refused with a text; a
 * config that was read is whole, so it can be written and read again. */
#include "base/log.h"
#include "fuzz_file.h"
#include "train/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    zt_log_quiet(true);
    const char *path = fuzz_put("config", data + 1, size - 1);
    if (data[0] & 1) {
        zt_choices k = {0};
        if (zt_choices_load(&k, path) != ZT_OK && !*zt_err_text()) __builtin_trap();
        zt_choices_finish(&k);
        return 0;
    }
    zt_train_cfg c = {0}, again = {0};
    const zt_err e = zt_train_cfg_load(&c, path, 0, NULL);
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    if (e == ZT_OK) {
        json_t *j = zt_train_cfg_json(&c);
        if (j && zt_yaml_save(path, j) == ZT_OK && zt_train_cfg_load(&again, path, 0, NULL) != ZT_OK) __builtin_trap();
        zt_train_cfg_finish(&again);
        json_decref(j);
    }
    zt_train_cfg_finish(&c);
    return 0;
}
