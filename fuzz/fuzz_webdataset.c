// layer: data
/* fuzz_webdataset.c - any bytes as a tar of samples: what a sample holds lies inside, names are harmless text, and the walk
 * ends. */
#include <string.h>

#include "base/str.h"
#include "data/layout/webdataset.h"
#include "fuzz.h"

static void inside(zt_tar_part p, const uint8_t *data, size_t size) {
    if (p.bytes && (p.bytes < data || p.bytes > data + size || p.n > size - (size_t)(p.bytes - data))) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_tar_walk w = {.bytes = data, .len = size, .where = "fuzz.tar"};
    static zt_tar_sample s;
    size_t last = 0;
    bool end;
    zt_err e;
    while ((e = zt_tar_sample_next(&w, &s, &end)) == ZT_OK && !end) {
        if (w.pos < last || s.members < 1) __builtin_trap();
        last = w.pos;
        inside(s.video, data, size);
        inside(s.text, data, size);
        inside(s.json, data, size);
        if (s.key[0] == '/' || strstr(s.key, "../") || !zt_utf8_valid(s.key, strlen(s.key), NULL)) __builtin_trap();
    }
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    return 0;
}
