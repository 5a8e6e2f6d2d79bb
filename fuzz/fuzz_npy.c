// layer: data
/* fuzz_npy.c - any bytes as a .npy file: refused with a text, or the numbers it describes lie inside; what was read can be
 * written. */
#include <string.h>

#include "data/npy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_npy_info info, again;
    uint8_t head[ZT_NPY_HEADER_CAP];
    size_t len;
    const zt_err e = zt_npy_parse(data, size, "fuzz.npy", &info);
    if (e != ZT_OK) {
        if (!*zt_err_text()) __builtin_trap();
        return 0;
    }
    if (info.data_offset > size || info.data_bytes > size - info.data_offset || info.n > ZT_NPY_DIMS) __builtin_trap();
    /* Our own header of the same shape must say the same; without the numbers behind it only an empty array may pass. */
    if (zt_npy_header(head, info.kind, info.item_bytes, info.n, info.shape, &len) != ZT_OK || len % ZT_NPY_ALIGN)
        __builtin_trap();
    if ((zt_npy_parse(head, len, "again.npy", &again) == ZT_OK) != (info.data_bytes == 0)) __builtin_trap();
    if (again.kind != info.kind || again.n != info.n || memcmp(again.shape, info.shape, sizeof again.shape) != 0)
        __builtin_trap();
    return 0;
}
