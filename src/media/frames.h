/* frames.h - a decoded clip in memory. It knows pixels only: no codec, no tensor. */
#ifndef ZT_MEDIA_FRAMES_H
#define ZT_MEDIA_FRAMES_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

enum { ZT_FRAME_SIDE_MAX = 16384 };   /* longest side of a frame that media/ makes or delivers, pixels */

/** A clip. Zero-initialise; an image is a clip of one frame. */
typedef struct zt_frames {
    uint8_t *rgb;                     /* [T,H,W,3] full-range RGB, Rec.709 primaries, sRGB-like transfer; owned (zt_alloc) */
    int frames, height, width;
    double fps;                       /* frames per second, > 0 */
} zt_frames;

/** Zeroed (black) clip of T frames. `f` is overwritten, not freed before. Free with zt_frames_finish.
 *  Errors: ZT_ARG when a size is < 1, a side is above ZT_FRAME_SIDE_MAX or fps is not in (0, 1000]; ZT_NOMEM. Any thread. */
zt_err zt_frames_create(zt_frames *f, int T, int H, int W, double fps);
/** Free the pixels and zero the struct. NULL and an empty clip are fine. */
void zt_frames_finish(zt_frames *f);
/** ZT_ARG with a reason when `f` is not a whole clip (no pixels, size or fps out of the range of zt_frames_create). */
zt_err zt_frames_check(const zt_frames *f);
/** Frame t as [H,W,3], borrowed; 0 <= t < f->frames is the caller's duty. */
uint8_t *zt_frame_at(const zt_frames *f, int t);
/** Bytes of one frame: H*W*3. */
size_t zt_frame_bytes(const zt_frames *f);
#endif
