/* sheet.c - many clips in one picture. Tested by tests/media/test_media_image.c. */
#include <math.h>
#include <string.h>
#include "media/image.h"

enum { GREY = 32, PAD_MAX = 1024 };

static zt_err check_equal(const char *what, const zt_frames *clips, int n, int columns, int pad) {
    if (n < 1 || columns < 0 || pad < 0 || pad > PAD_MAX)
        return zt_fail(ZT_ARG, "%s: %d clips, %d columns, %d pixels between: wanted 1 or more clips, no negative number", what, n,
                       columns, pad);
    for (int i = 0; i < n; i++) {
        zt_err e = zt_frames_check(&clips[i]);
        if (e != ZT_OK) return zt_fail_context(e, "%s: clip %d", what, i);
        if (clips[i].frames != clips[0].frames || clips[i].height != clips[0].height || clips[i].width != clips[0].width)
            return zt_fail(ZT_ARG, "%s: clip %d is %d frames of %dx%d, clip 0 is %d of %dx%d; they must be equal", what, i,
                           clips[i].frames, clips[i].width, clips[i].height, clips[0].frames, clips[0].width, clips[0].height);
    }
    return ZT_OK;
}

static zt_err create_grid(const char *what, zt_frames *out, int frames, int rows, int columns, const zt_frames *cell, int pad) {
    int64_t w = (int64_t)columns * (cell->width + pad) + pad, h = (int64_t)rows * (cell->height + pad) + pad;
    if (w > ZT_FRAME_SIDE_MAX || h > ZT_FRAME_SIDE_MAX)
        return zt_fail(ZT_ARG, "%s: %lldx%lld pixels, at most %d per side; show fewer clips or smaller ones", what, (long long)w,
                       (long long)h, ZT_FRAME_SIDE_MAX);
    zt_err e = zt_frames_create(out, frames, (int)h, (int)w, cell->fps);
    if (e == ZT_OK) memset(out->rgb, GREY, (size_t)frames * zt_frame_bytes(out));
    return e;
}

static void put(zt_frames *out, int t, int row, int column, const zt_frames *clip, int clip_t, int pad) {
    const uint8_t *src = zt_frame_at(clip, clip_t);
    size_t line = (size_t)clip->width * 3, x = (size_t)(pad + column * (clip->width + pad)) * 3;
    for (int y = 0; y < clip->height; y++)
        memcpy(zt_frame_at(out, t) + (size_t)(pad + row * (clip->height + pad) + y) * (size_t)out->width * 3 + x,
               src + (size_t)y * line, line);
}

zt_err zt_contact_sheet(const zt_frames *clips, int n, int columns, int pad, zt_frames *out) {
    *out = (zt_frames){0};
    zt_err e = check_equal("contact sheet", clips, n, columns, pad);
    if (e != ZT_OK) return e;
    if (columns == 0) columns = (int)ceil(sqrt(n));
    if (columns > n) columns = n;
    e = create_grid("contact sheet", out, clips[0].frames, (n + columns - 1) / columns, columns, &clips[0], pad);
    if (e != ZT_OK) return e;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < clips[i].frames; t++) put(out, t, i / columns, i % columns, &clips[i], t, pad);
    return ZT_OK;
}

zt_err zt_film_strip(const zt_frames *clips, int n, int columns, int pad, zt_frames *out) {
    *out = (zt_frames){0};
    zt_err e = check_equal("film strip", clips, n, columns, pad);
    if (e != ZT_OK) return e;
    int T = clips[0].frames;
    if (columns == 0 || columns > T) columns = T;
    e = create_grid("film strip", out, 1, n, columns, &clips[0], pad);
    if (e != ZT_OK) return e;
    for (int i = 0; i < n; i++)
        for (int c = 0; c < columns; c++) {
            int t = columns > 1 ? (int)((int64_t)c * (T - 1) / (columns - 1)) : 0;
            put(out, 0, i, c, &clips[i], t, pad);
        }
    return ZT_OK;
}
