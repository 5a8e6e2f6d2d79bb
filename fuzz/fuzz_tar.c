// layer: data
/* fuzz_tar.c - any bytes as a shard: each member lies inside, the walk moves forward and ends, and no clip is found that is not
 * whole. */
#include <string.h>

#include "data/npy.h"
#include "data/shard.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t pos = 0, last = 0;
    zt_tar_member m;
    bool end = false;
    while (!end) {
        if (zt_tar_next(data, size, "fuzz.tar", &pos, &m, &end) != ZT_OK) {
            if (!*zt_err_text()) __builtin_trap();
            break;
        }
        if (end) break;
        if (pos <= last || pos > size || m.offset > size || m.bytes > size - m.offset) __builtin_trap();
        if (!memchr(m.name, '\0', sizeof m.name)) __builtin_trap();
        last = pos;
        zt_npy_info info;
        if (zt_npy_parse(data + m.offset, m.bytes, m.name, &info) != ZT_OK || info.n != 4) continue;
        char key[sizeof m.name];
        memcpy(key, m.name, sizeof key);
        char *dot = strrchr(key, '.');
        if (dot) *dot = '\0';
        const size_t at = m.offset + info.data_offset;
        if (zt_shard_check_clip(data, size, "fuzz.tar", key, at, info.shape) == ZT_OK
            && (info.kind != 'u' || info.item_bytes != 1 || info.data_bytes > size - at))
            __builtin_trap();
    }
    zt_shard_check_end(data, size, "fuzz.tar");
    return 0;
}
