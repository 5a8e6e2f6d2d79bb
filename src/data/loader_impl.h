/* loader_impl.h - shared by loader.c and loader_clip.c: what is taken out of a clip and done to it. */
#ifndef ZT_LOADER_IMPL_H
#define ZT_LOADER_IMPL_H
#include "base/rng.h"
#include "data/loader.h"

/* The choices for one clip, the same for all its frames. */
typedef struct zt_cut {
    int start;         /* first frame */
    double speed;      /* source frames per frame */
    int height, width; /* of the source frames after resizing; the clip's own when they are not resized */
    int y, x;          /* window in them */
    bool mirror;       /* applied last */
    double turn;       /* radians, clockwise as seen, about the window's centre */
    float colour[12];  /* [3,4]: matrix and offset of (r,g,b,1), each 0..255; see recolour */
    bool recolour;
} zt_cut;

/* Growing memory of one worker. Zero-initialise; free with zt_free(p). */
typedef struct zt_scratch {
    uint8_t *p;
    size_t bytes;
} zt_scratch;

/** Choose for a clip of v's size from the stream r. no_flip: this clip must not be mirrored. */
zt_cut zt_cut_choose(const zt_loader_cfg *c, const zt_clip_view *v, bool no_flip, zt_rng *r);
/** Cut it into dst [frames,height,width,3]. Errors: ZT_NOMEM. */
zt_err zt_cut_apply(const zt_loader_cfg *c, const zt_clip_view *v, const zt_cut *k, zt_scratch *scratch, uint8_t *dst);
/** Whether the clip's labels say "no_flip": true (its class has a left and a right). Errors: ZT_FORMAT, ZT_NOMEM. */
zt_err zt_labels_no_flip(const zt_clip_view *v, bool *no_flip);
#endif
