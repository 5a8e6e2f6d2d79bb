/* resize.c - antialiased resampling of RGB images. Not libswscale: its filters shift odd sizes and refuse very small or strongly
 * shrunk images, and a crop box with fractions is wanted.
 * Source: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", a = -0.5; the kernel is widened by the
 * shrink factor, so that it is also the low-pass filter. Tested by tests/media/test_media_image.c. */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "media/image.h"

/* For each output place: the first input place, how many, and where its weights are. */
typedef struct taps { int *first, *count; float *w; int width; } taps;

static double keys(double x) {
    x = fabs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
    return 0;
}

static void taps_finish(taps *t) {
    zt_free(t->first);
    zt_free(t->count);
    zt_free(t->w);
    *t = (taps){0};
}

/* Weights that map the stretch [at, at+len) of n input samples to m output samples. */
static zt_err taps_make(taps *t, int n, double at, double len, int m) {
    double step = len / m, widen = step > 1 ? step : 1, reach = 2 * widen;
    t->width = (int)fmin(ceil(2 * reach) + 2, (double)n);
    t->first = zt_alloc_array((size_t)m, sizeof *t->first);
    t->count = zt_alloc_array((size_t)m, sizeof *t->count);
    t->w = zt_alloc_array((size_t)m, (size_t)t->width * sizeof *t->w);
    if (!t->first || !t->count || !t->w) return ZT_NOMEM;
    for (int i = 0; i < m; i++) {
        double centre = at + (i + 0.5) * step - 0.5, sum = 0;
        int lo = (int)fmax(ceil(centre - reach), 0), hi = (int)fmin(floor(centre + reach), n - 1);
        if (hi - lo >= t->width) hi = lo + t->width - 1;
        float *w = t->w + (size_t)i * (size_t)t->width;
        for (int k = lo; k <= hi; k++) sum += keys((k - centre) / widen);
        for (int k = lo; k <= hi; k++) w[k - lo] = (float)(keys((k - centre) / widen) / sum);
        t->first[i] = lo;
        t->count[i] = hi - lo + 1;
    }
    return ZT_OK;
}

static uint8_t to_byte(float v) {
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5f);
}

/* acc[0..n) = weighted sum of `count` rows of bytes: the hot loop, plain enough for the compiler to vectorise. */
static void blend_rows(float *acc, const uint8_t *src, size_t stride, const float *w, int count, size_t n) {
    memset(acc, 0, n * sizeof *acc);
    for (int k = 0; k < count; k++) {
        const uint8_t *row = src + (size_t)k * stride;
        float weight = w[k];
        if (weight == 0) continue;
#pragma omp simd
        for (size_t i = 0; i < n; i++) acc[i] += weight * (float)row[i];
    }
}

zt_err zt_image_resize(const uint8_t *src, int sw, int sh, double x0, double y0, double bw, double bh, uint8_t *dst, int dw,
                       int dh) {
    const double slack = 1e-6;
    if (sw < 1 || sh < 1 || dw < 1 || dh < 1 || !(bw > 0) || !(bh > 0) || !(x0 >= -slack) || !(y0 >= -slack) ||
        !(x0 + bw <= sw + slack) || !(y0 + bh <= sh + slack))
        return zt_fail(ZT_ARG, "resize of %dx%d: the box %g,%g %gx%g to %dx%d is empty or outside", sw, sh, x0, y0, bw, bh, dw,
                       dh);
    zt_err e;
    taps tx = {0}, ty = {0};
    float *acc = NULL;
    ZT_TRY(e = taps_make(&tx, sw, x0, bw, dw), done);
    ZT_TRY(e = taps_make(&ty, sh, y0, bh, dh), done);
    int left = tx.first[0], right = tx.first[dw - 1] + tx.count[dw - 1];
    size_t n = (size_t)(right - left) * 3;
    acc = zt_alloc_array(n, sizeof *acc);
    if (!acc) e = ZT_NOMEM;
    for (int y = 0; acc && y < dh; y++) {
        const uint8_t *top = src + ((size_t)ty.first[y] * (size_t)sw + (size_t)left) * 3;
        blend_rows(acc, top, (size_t)sw * 3, ty.w + (size_t)y * (size_t)ty.width, ty.count[y], n);
        for (int x = 0; x < dw; x++) {
            const float *a = acc + (size_t)(tx.first[x] - left) * 3, *w = tx.w + (size_t)x * (size_t)tx.width;
            float r = 0, g = 0, b = 0;
            for (int k = 0; k < tx.count[x]; k++, a += 3) {
                r += w[k] * a[0];
                g += w[k] * a[1];
                b += w[k] * a[2];
            }
            uint8_t *out = dst + ((size_t)y * (size_t)dw + (size_t)x) * 3;
            out[0] = to_byte(r);
            out[1] = to_byte(g);
            out[2] = to_byte(b);
        }
    }
done:
    zt_free(acc);
    taps_finish(&tx);
    taps_finish(&ty);
    return e;
}

zt_err zt_image_fit(const uint8_t *src, int sw, int sh, uint8_t *dst, int dw, int dh) {
    if (sw < 1 || sh < 1 || dw < 1 || dh < 1)
        return zt_fail(ZT_ARG, "fit of %dx%d to %dx%d: sizes must be at least 1", sw, sh, dw, dh);
    double bw = sw, bh = sh;
    if ((double)sw * dh > (double)dw * sh) bw = (double)sh * dw / dh;
    else bh = (double)sw * dh / dw;
    return zt_image_resize(src, sw, sh, (sw - bw) / 2, (sh - bh) / 2, bw, bh, dst, dw, dh);
}
