/* crc32c.h - the check sum of TFRecord files (event files of TensorBoard, TensorFlow's data sets).
 * Format: CRC-32C (Castagnoli), RFC 3720 appendix B.4; the mask is that of TensorFlow's record_writer.h. */
#ifndef ZT_BASE_CRC32C_H
#define ZT_BASE_CRC32C_H
#include <stddef.h>
#include <stdint.h>

/** CRC-32C of bytes: 0xE3069283 for "123456789". Any thread. */
uint32_t zt_crc32c(const void *bytes, size_t n);
/** The same as TFRecord stores it: turned by 15 bits, plus a constant. */
uint32_t zt_crc32c_masked(const void *bytes, size_t n);
#endif
