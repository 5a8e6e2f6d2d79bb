// layer: data
/* fuzz_tfrecord.c - any bytes as records, and (as check sums keep most out) as one message: what is found lies inside and can be
 * read whole. */
#include <string.h>

#include "base/mem.h"
#include "data/tfrecord.h"
#include "fuzz.h"

static void inside(zt_bytes b, const uint8_t *data, size_t size) {
    if (b.n && (b.p < data || b.p > data + size || b.n > size - (size_t)(b.p - data))) __builtin_trap();
}

static void use(const zt_feature *f, const uint8_t *data, size_t size) {
    if ((f->kind == ZT_FEATURE_NONE) != (f->n == 0) || f->n < 0 || (size_t)f->n > size) __builtin_trap();
    inside(f->list, data, size);
    void *to = zt_alloc_array((size_t)f->n, sizeof(int64_t)); /* exactly as large as told */
    if (f->kind == ZT_FEATURE_BYTES)
        for (int64_t i = 0; i < f->n && i < 100; i++) inside(zt_feature_bytes(f, i), data, size);
    if (f->kind == ZT_FEATURE_FLOAT) zt_feature_floats(f, to);
    if (f->kind == ZT_FEATURE_INT) zt_feature_ints(f, to);
    zt_free(to);
}

static void message(zt_bytes m, const uint8_t *data, size_t size) {
    zt_feature f;
    zt_bytes list;
    int64_t n;
    if (zt_example_find(m, "fuzz", "id", &f) == ZT_OK) use(&f, data, size);
    if (zt_example_find(m, "fuzz", "labels", &f) == ZT_OK) use(&f, data, size);
    if (zt_sequence_find(m, "fuzz", "rgb", &list, &n) != ZT_OK) return;
    for (; n > 0; n--) {
        if (zt_sequence_next(&list, "fuzz", &f) != ZT_OK) break;
        inside(list, data, size);
        use(&f, data, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t pos = 0, last = 0;
    zt_bytes r;
    bool end;
    zt_err e;
    while ((e = zt_tfrecord_next(data, size, "fuzz.tfrecord", &pos, &r, &end)) == ZT_OK && !end) {
        if (pos <= last || pos > size) __builtin_trap();
        inside(r, data, size);
        message(r, data, size);
        last = pos;
    }
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    message((zt_bytes){data, size}, data, size);
    return 0;
}
