// layer: data
/* fuzz_jsonl.c - any bytes as JSON lines: each object or a refusal with a text, lines counted upwards, and an end. */
#include "data/jsonl.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_jsonl *r = NULL;
    const json_t *row;
    int64_t last = 0;
    if (zt_jsonl_open_bytes(&r, data, size, "fuzz.jsonl") != ZT_OK) return 0;
    zt_err e;
    while ((e = zt_jsonl_next(r, &row)) == ZT_OK && row) {
        if (!json_is_object(row) || zt_jsonl_line(r) <= last) __builtin_trap();
        last = zt_jsonl_line(r);
    }
    if (e != ZT_OK && (row || !*zt_err_text())) __builtin_trap();
    if (zt_jsonl_next(r, &row) != ZT_OK || row) __builtin_trap();
    zt_jsonl_close(&r);
    return 0;
}
