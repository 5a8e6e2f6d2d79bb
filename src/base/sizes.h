/* sizes.h - sizes of clips and lists of them as text: "16x64x96,32x64x64", each frames x height x width. */
#ifndef ZT_BASE_SIZES_H
#define ZT_BASE_SIZES_H
#include "base/str.h"

enum { ZT_SIZES_MAX = 16, ZT_SIZE_TEXT = 64, ZT_SIZES_TEXT = 512 };
typedef struct zt_size { int frames, height, width; } zt_size;
typedef struct zt_sizes { int n; zt_size v[ZT_SIZES_MAX]; } zt_sizes;

static inline bool zt_same_size(zt_size a, zt_size b) {
    return a.frames == b.frames && a.height == b.height && a.width == b.width;
}
/** Values of one channel: frames x height x width. */
static inline int64_t zt_size_pixels(zt_size s) {
    return (int64_t)s.frames * s.height * s.width;
}
/** Up to ZT_SIZES_MAX different sizes of 1..1024 frames and sides of 1..4096, between commas; "" is none. `what` names the list
 *  in the text of ZT_CONFIG. */
zt_err zt_sizes_parse(zt_sizes *s, const char *text, const char *what);
/** "16x64x96" into out, which is returned. */
const char *zt_size_text(zt_size s, char out[ZT_SIZE_TEXT]);
/** The whole list, as it is parsed. */
const char *zt_sizes_text(const zt_sizes *s, char out[ZT_SIZES_TEXT]);
#endif
