/* crc32c.c - see crc32c.h. Eight bytes a step through eight tables (Kounavis and Berry 2005, "A Systematic Approach to Building
 * High Performance Software-Based CRC Generators"). Tested by tests/base/test_base_file.c (test_crc32c). */
#include "base/crc32c.h"
#include <pthread.h>

enum { STEP = 8 };
static uint32_t table[STEP][256]; /* table[k][b]: the sum of byte b followed by k zero bytes */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        table[0][b] = crc;
    }
    for (int k = 1; k < STEP; k++)
        for (int b = 0; b < 256; b++) table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 255];
}

uint32_t zt_crc32c(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    uint32_t crc = 0xFFFFFFFFu;
    pthread_once(&once, fill);
    for (; n >= STEP; n -= STEP, p += STEP) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^ table[4][crc >> 24] ^ table[3][p[4]] ^
              table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; n > 0; n--, p++) crc = (crc >> 8) ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}

uint32_t zt_crc32c_masked(const void *bytes, size_t n) {
    const uint32_t crc = zt_crc32c(bytes, n);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}
