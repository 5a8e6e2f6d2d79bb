/* shape.h - element types and shapes. Slowest axis first, contiguous, channels last: video [B,T,H,W,C], tokens [B,N,C]. */
#ifndef ZT_SHAPE_H
#define ZT_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZT_MAX_DIM = 8 };

typedef enum zt_dtype { ZT_F32, ZT_F64, ZT_BF16, ZT_I32, ZT_DTYPES } zt_dtype;
size_t zt_dtype_bytes(zt_dtype t);
const char *zt_dtype_name(zt_dtype t);              /* "f32" ... */

/** n axes (0: a scalar, one element), sizes d[0..n), all >= 1. */
typedef struct zt_shape { int n; int64_t d[ZT_MAX_DIM]; } zt_shape;

/** zt_sh(2, 3, 4) is [2,3,4]; up to ZT_MAX_DIM sizes. */
#define zt_sh(...) zt_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})
zt_shape zt_shape_of(int n, const int64_t *d);
int64_t zt_numel(const zt_shape *s);
bool zt_same_shape(const zt_shape *a, const zt_shape *b);
int64_t zt_last(const zt_shape *s);                 /* size of the last axis; 1 for a scalar */
int64_t zt_rows(const zt_shape *s);                 /* numel / last */
/** "[2,16,32,32,3]" in a per-thread ring of 8 buffers: valid for the next 7 calls of this thread. */
const char *zt_shape_text(const zt_shape *s);
#endif
