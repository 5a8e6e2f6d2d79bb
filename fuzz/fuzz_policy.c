// layer: trust
/* fuzz_policy.c - any bytes as a policy of what training may use, as a key file, and as what a run wrote down of its clips: read,
 * or refused with a text. */
#include <string.h>
#include "fuzz_file.h"
#include "trust/policy.h"
#include "trust/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t ID[] = {3, 1000000};
    char hex[ZT_SIGN_KEY_HEX + 1];
    zt_policy p;
    bool found = false;
    if (size == 0) return 0;
    zt_err e = zt_policy_load(&p, fuzz_put("policy.yaml", data, size));
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    if (e == ZT_OK && p.people == ZT_PEOPLE_NEED_CONSENT && !p.consent_key[0]) __builtin_trap();
    e = zt_key_read(fuzz_put("key.pem", data, size), hex);
    if (e == ZT_OK ? strlen(hex) != ZT_SIGN_KEY_HEX : !*zt_err_text()) __builtin_trap();
    fuzz_put("data_used.json", data, size);
    e = zt_use_find(fuzz_folder(), "0123456789abcdef0123456789abcdef", "/data", ID, 2, &found);
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    return 0;
}
