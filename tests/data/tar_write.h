/* tar_write.h - for tests: members of a tar archive (ustar), honest ones and others. */
#ifndef ZT_TESTS_TAR_WRITE_H
#define ZT_TESTS_TAR_WRITE_H
#include <stdio.h>
#include <string.h>
#include "base/str.h"

/* A header whose size field holds these 12 bytes. */
static inline void tar_header(zt_str *tar, const char *name, char type, const char size[12]) {
    uint8_t h[512] = {0};
    unsigned sum = 8 * ' ';
    snprintf((char *)h, 100, "%s", name);
    snprintf((char *)h + 100, 8, "0000644");
    memcpy(h + 124, size, 12);
    h[156] = (uint8_t)type;
    memcpy(h + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++) sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
    h[155] = ' ';
    zt_str_addn(tar, h, 512);
}

static inline void tar_member(zt_str *tar, const char *name, char type, const void *bytes, size_t n) {
    char size[13];
    snprintf(size, sizeof size, "%011zo", n);
    tar_header(tar, name, type, size);
    zt_str_addn(tar, bytes, n);
    while (tar->len % 512) zt_str_addn(tar, "", 1);
}

static inline void tar_end(zt_str *tar) {
    static const char ZERO[1024];
    zt_str_addn(tar, ZERO, sizeof ZERO);
}
#endif
