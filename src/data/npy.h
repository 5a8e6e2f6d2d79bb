/* npy.h - headers of NumPy's .npy files: what kind of numbers, what shape, where they start. It never touches the numbers.
 * Format: numpy/lib/format.py, "NPY format", versions 1.0, 2.0 and 3.0. */
#ifndef ZT_DATA_NPY_H
#define ZT_DATA_NPY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_NPY_DIMS = 8, ZT_NPY_HEADER_MAX = 1 << 16, ZT_NPY_ALIGN = 64, ZT_NPY_HEADER_CAP = 512 };

typedef struct zt_npy_info {
    char kind;                      /* 'u' unsigned, 'i' signed, 'f' float, 'b' bool */
    int item_bytes;                 /* 1, 2, 4, 8 */
    bool fortran;                   /* first axis fastest */
    int n;                          /* 0..ZT_NPY_DIMS axes */
    int64_t shape[ZT_NPY_DIMS];     /* each >= 0 */
    size_t data_offset, data_bytes; /* data_offset + data_bytes <= len of what was parsed */
} zt_npy_info;

/** Read the header of bytes[0..len), a whole .npy file or the start of one followed by its data; `where` names it in errors.
 *  Only little-endian (or one-byte) numbers of the kinds above. Extra bytes after the data are allowed.
 *  Errors: ZT_FORMAT (damaged, shape larger than what is there), ZT_UNSUPPORTED (kind of numbers). Any thread. */
zt_err zt_npy_parse(const uint8_t *bytes, size_t len, const char *where, zt_npy_info *info);

/** Write a version 1.0 header, C order, padded with spaces so that its length is a multiple of 64. kind and item_bytes as above.
 *  Errors: ZT_ARG. */
zt_err zt_npy_header(uint8_t buf[ZT_NPY_HEADER_CAP], char kind, int item_bytes, int n, const int64_t *shape,
                     size_t *header_bytes);
#endif
