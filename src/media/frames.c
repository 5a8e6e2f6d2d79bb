/* frames.c - clips in memory: create, check, free. Tested by tests/media/test_media_image.c. */
#include "media/frames.h"
#include <string.h>
#include "base/mem.h"

static zt_err sizes_check(int T, int H, int W, double fps) {
    if (T < 1 || H < 1 || W < 1 || H > ZT_FRAME_SIDE_MAX || W > ZT_FRAME_SIDE_MAX)
        return zt_fail(ZT_ARG, "clip of %d frames of %dx%d pixels: wanted at least 1 frame and sides of 1..%d", T, W, H,
                       ZT_FRAME_SIDE_MAX);
    if (!(fps > 0 && fps <= 1000)) return zt_fail(ZT_ARG, "clip at %g frames per second: wanted 0 < fps <= 1000", fps);
    return ZT_OK;
}

zt_err zt_frames_create(zt_frames *f, int T, int H, int W, double fps) {
    *f = (zt_frames){0};
    zt_err e = sizes_check(T, H, W, fps);
    if (e != ZT_OK) return e;
    uint8_t *rgb = zt_alloc_array((size_t)T, (size_t)H * (size_t)W * 3);
    if (!rgb) return zt_fail_context(ZT_NOMEM, "clip of %d frames of %dx%d", T, W, H);
    *f = (zt_frames){.rgb = rgb, .frames = T, .height = H, .width = W, .fps = fps};
    return ZT_OK;
}

void zt_frames_finish(zt_frames *f) {
    if (!f) return;
    zt_free(f->rgb);
    *f = (zt_frames){0};
}

zt_err zt_frames_check(const zt_frames *f) {
    if (!f || !f->rgb) return zt_fail(ZT_ARG, "clip without pixels");
    return sizes_check(f->frames, f->height, f->width, f->fps);
}

size_t zt_frame_bytes(const zt_frames *f) {
    return (size_t)f->height * (size_t)f->width * 3;
}

uint8_t *zt_frame_at(const zt_frames *f, int t) {
    return f->rgb + (size_t)t * zt_frame_bytes(f);
}
