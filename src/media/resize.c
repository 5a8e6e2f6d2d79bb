/* resize.c - antialiased resampling of RGB images, see image.h. Not libswscale: its filters shift odd sizes and refuse very
 * small or strongly shrunk images, and a crop box with fractions is wanted. Tested by tests/media/test_media_image.c. */
#include <math.h>
#include "base/mem.h"
#include "media/image.h"
#include "media/resample.h"

static uint8_t to_byte(int v) {
    v = (v + (1 << (ZT_RESAMPLE_BITS - 1))) >> ZT_RESAMPLE_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

zt_err zt_image_resize(zt_filter filter, const uint8_t *src, int sw, int sh, double x0, double y0, double bw, double bh,
                       uint8_t *dst, int dw, int dh) {
    const double slack = 1e-6;
    if (sw < 1 || sh < 1 || dw < 1 || dh < 1 || !(bw > 0) || !(bh > 0) || !(x0 >= -slack) || !(y0 >= -slack) ||
        !(x0 + bw <= sw + slack) || !(y0 + bh <= sh + slack))
        return zt_fail(ZT_ARG, "resize of %dx%d: the box %g,%g %gx%g to %dx%d is empty or outside", sw, sh, x0, y0, bw, bh, dw,
                       dh);
    zt_err e;
    zt_taps tx = {0}, ty = {0};
    const size_t plane = (size_t)dw * (size_t)dh;
    int16_t *fine = NULL;
    ZT_TRY(e = zt_taps_make(&tx, filter, sw, x0, bw, dw), done);
    ZT_TRY(e = zt_taps_make(&ty, filter, sh, y0, bh, dh), done);
    fine = zt_alloc_array(plane, 3 * sizeof *fine);
    if (!fine) {
        e = ZT_NOMEM;
        goto done;
    }
    ZT_TRY(e = zt_resample(&tx, &ty, src, (ptrdiff_t)sw * 3, 3, fine), done);
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++) dst[i * 3 + c] = to_byte(fine[c * plane + i]);
done:
    zt_free(fine);
    zt_taps_finish(&tx);
    zt_taps_finish(&ty);
    return e;
}

zt_err zt_image_fit(const uint8_t *src, int sw, int sh, uint8_t *dst, int dw, int dh) {
    if (sw < 1 || sh < 1 || dw < 1 || dh < 1)
        return zt_fail(ZT_ARG, "fit of %dx%d to %dx%d: sizes must be at least 1", sw, sh, dw, dh);
    double bw = sw, bh = sh;
    if ((double)sw * dh > (double)dw * sh) bw = (double)sh * dw / dh;
    else bh = (double)sw * dh / dw;
    return zt_image_resize(ZT_FILTER_BICUBIC, src, sw, sh, (sw - bw) / 2, (sh - bh) / 2, bw, bh, dst, dw, dh);
}
