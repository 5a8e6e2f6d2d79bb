// layer: trust
/* fuzz_consent.c - any bytes as a consent record that somebody signed: it has a state, and covers only what it names. */
#include <string.h>
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz_file.h"
#include "trust/consent.h"
#include "trust/sign.h"

static const char DOMAIN[] = "zoe consent record 1\n";
static char key[128];

static zt_catalog *catalogue(void) {
    static zt_catalog *c;
    if (c) return c;
    snprintf(key, sizeof key, "%s/key", fuzz_folder());
    if (zt_catalog_create(&c, fuzz_folder()) != ZT_OK || zt_key_make(key) != ZT_OK || zt_catalog_begin(c) != ZT_OK)
        __builtin_trap();
    return c;
}

/* Stored with an id and a signature that fit. */
static zt_err put(zt_catalog *c, const char *record) {
    char id[65], signature[ZT_SIGN_HEX + 1], public_key[ZT_SIGN_KEY_HEX + 1];
    zt_str message = {0};
    zt_str_add(&message, DOMAIN);
    zt_str_add(&message, record);
    zt_err e = message.failed ? ZT_NOMEM : zt_signature_make(key, message.buf, message.len, signature, public_key);
    if (e == ZT_OK) e = zt_sha256(record, strlen(record), id);
    if (e == ZT_OK) e = zt_rights_add_consent(c, &(zt_consent_row){id, record, signature, public_key, "", ""});
    zt_str_finish(&message);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const zt_rights_row CLIP = {.id = 1, .key = "00000001", .source_hash =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", .usable = true};
    zt_consents s = {0};
    zt_catalog *c = catalogue();
    char *record = zt_alloc(size + 1);
    if (!record || zt_catalog_mark(c) != ZT_OK) __builtin_trap();
    if (size) memcpy(record, data, size);
    const zt_consent *by = NULL;
    if (put(c, record) == ZT_OK && zt_consents_load(&s, c, NULL, "2026-01-01") == ZT_OK) {
        if (s.n != 1 || s.consent[0].state == ZT_CONSENT_NONE || !s.consent[0].subject || !s.consent[0].date) __builtin_trap();
        const zt_consent_state state = zt_consents_judge(&s, &CLIP, ZT_SCOPE_TRAINING, &by);
        if ((state == ZT_CONSENT_NONE) != !zt_consent_covers(&s, &s.consent[0], &CLIP)) __builtin_trap();
        if (state == ZT_CONSENT_VALID && !(s.consent[0].scope & ZT_SCOPE_TRAINING)) __builtin_trap();
    }
    zt_consents_finish(&s);
    if (zt_catalog_back(c) != ZT_OK) __builtin_trap();
    zt_free(record);
    return 0;
}
