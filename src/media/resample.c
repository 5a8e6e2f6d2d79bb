/* resample.c - see resample.h. Rows first are blended from above to below, then along: each pass is 16 bit, which plain SSE2 does
 * eight at a time. Error of the fixed point: below 0.1 of a code value.
 * Sources: Keys 1981, "Cubic Convolution Interpolation for Digital Image Processing", a = -0.5 (Catmull-Rom); Duchon 1979,
 * "Lanczos Filtering in One and Two Dimensions", three lobes. Tested by tests/media/test_media_image.c. */
#include "media/resample.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/mem.h"

static double keys(double x) {
    x = fabs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
    return 0;
}

static double lanczos(double x) {
    const double pi = 3.14159265358979323846;
    if (fabs(x) < 1e-9) return 1;
    return fabs(x) < 3 ? 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x) : 0;
}

/* Weight of the sample at k for an output whose centre is at `centre` and that covers `widen` samples. */
static double weight(zt_filter f, double k, double centre, double widen) {
    if (f == ZT_FILTER_BICUBIC) return keys((k - centre) / widen);
    if (f == ZT_FILTER_LANCZOS) return lanczos((k - centre) / widen);
    return fmax(fmin(k + 0.5, centre + widen / 2) - fmax(k - 0.5, centre - widen / 2), 0);   /* the part of it that is covered */
}

static double reach(zt_filter f, double widen) {
    return f == ZT_FILTER_BICUBIC ? 2 * widen : f == ZT_FILTER_LANCZOS ? 3 * widen : widen / 2 + 0.5;
}

void zt_taps_finish(zt_taps *t) {
    zt_free(t->first);
    zt_free(t->count);
    zt_free(t->w15);
    zt_free(t->w14);
    *t = (zt_taps){0};
}

/* Weights of output i, from doubles to integers of exact sum: what rounding leaves goes to the largest. */
static void set_weights(zt_taps *t, int i, const double *w, double sum) {
    int32_t *w15 = t->w15 + (size_t)i * (size_t)t->stride;
    int16_t *w14 = t->w14 + (size_t)i * (size_t)t->stride;
    int largest = 0, left15 = 32768, left14 = 16384;
    for (int k = 0; k < t->count[i]; k++) {
        w15[k] = (int32_t)lrint(32768 * w[k] / sum);
        w14[k] = (int16_t)lrint(16384 * w[k] / sum);
        left15 -= w15[k];
        left14 -= w14[k];
        if (w[k] > w[largest]) largest = k;
    }
    w15[largest] += left15;
    w14[largest] = (int16_t)(w14[largest] + left14);
}

zt_err zt_taps_make(zt_taps *t, zt_filter filter, int n, double at, double len, int m) {
    const double step = len / m, widen = step > 1 ? step : 1, far = reach(filter, widen);
    *t = (zt_taps){.n = n, .m = m, .width = (int)fmin(ceil(2 * far) + 2, (double)n)};
    t->stride = (t->width + 7) / 8 * 8;
    t->first = zt_alloc_array((size_t)m, sizeof *t->first);
    t->count = zt_alloc_array((size_t)m, sizeof *t->count);
    t->w15 = zt_alloc_array((size_t)m, (size_t)t->stride * sizeof *t->w15);
    t->w14 = zt_alloc_array((size_t)m, (size_t)t->stride * sizeof *t->w14);
    double *w = zt_alloc_array((size_t)t->width, sizeof *w);
    const bool ok = t->first && t->count && t->w15 && t->w14 && w;
    for (int i = 0; ok && i < m; i++) {
        const double centre = at + (i + 0.5) * step - 0.5;
        int lo = (int)fmin(fmax(ceil(centre - far), 0), n - 1), hi = (int)fmax(fmin(floor(centre + far), n - 1), lo);
        if (hi - lo >= t->width) hi = lo + t->width - 1;
        double sum = 0;
        for (int k = lo; k <= hi; k++) sum += w[k - lo] = weight(filter, k, centre, widen);
        if (!(sum > 1e-6)) sum = w[0] = 1;              /* beyond the edge: its last sample */
        t->first[i] = lo;
        t->count[i] = hi - lo + 1;
        set_weights(t, i, w, sum);
    }
    zt_free(w);
    if (ok) return ZT_OK;
    zt_taps_finish(t);
    return ZT_NOMEM;
}

/* acc[0..n) += row * w, in 1/64, w in 1/32768: the hot loop, a high multiply of 16-bit lanes. */
static void add_row(int16_t *restrict acc, const uint8_t *restrict row, uint16_t w, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const uint16_t v = (uint16_t)(row[i] << (ZT_RESAMPLE_BITS + 1));
        acc[i] = (int16_t)(acc[i] + (uint16_t)(((uint32_t)v * w) >> 16));
    }
}

static void sub_row(int16_t *restrict acc, const uint8_t *restrict row, uint16_t w, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const uint16_t v = (uint16_t)(row[i] << (ZT_RESAMPLE_BITS + 1));
        acc[i] = (int16_t)(acc[i] - (uint16_t)(((uint32_t)v * w) >> 16));
    }
}

/* One output row of the first pass. Each high multiply rounds down: half a unit a row is put back. */
static void blend(int16_t *acc, const uint8_t *src, ptrdiff_t stride, const int32_t *w, int count, size_t n) {
    int twice = 0;
    for (int k = 0; k < count; k++) twice += (w[k] > 0) - (w[k] < 0);
    for (size_t i = 0; i < n; i++) acc[i] = (int16_t)(twice / 2);
    for (int k = 0; k < count; k++, src += stride) {
        if (w[k] > 0) add_row(acc, src, (uint16_t)w[k], n);
        else if (w[k] < 0) sub_row(acc, src, (uint16_t)-w[k], n);
    }
}

/* Second pass over one row of one channel. */
static void along(const zt_taps *t, const int16_t *row, int16_t *dst) {
    for (int i = 0; i < t->m; i++) {
        const int16_t *a = row + t->first[i], *w = t->w14 + (size_t)i * (size_t)t->stride;
        const int n = (t->count[i] + 7) / 8 * 8;
        int sum = 1 << 13;
#pragma omp simd reduction(+ : sum)
        for (int k = 0; k < n; k++) sum += a[k] * w[k];
        sum >>= 14;
        dst[i] = (int16_t)(sum < INT16_MIN ? INT16_MIN : sum > INT16_MAX ? INT16_MAX : sum);
    }
}

zt_err zt_resample(const zt_taps *tx, const zt_taps *ty, const uint8_t *src, ptrdiff_t stride, int channels, int16_t *dst) {
    int left = tx->n, right = 0;                        /* the columns that are needed */
    for (int i = 0; i < tx->m; i++) {
        left = tx->first[i] < left ? tx->first[i] : left;
        right = tx->first[i] + tx->count[i] > right ? tx->first[i] + tx->count[i] : right;
    }
    const size_t n = (size_t)(right - left), all = n * (size_t)channels, plane = (size_t)tx->m * (size_t)ty->m;
    int16_t *acc = zt_alloc_array(all, sizeof *acc);
    int16_t *row = zt_alloc_array((size_t)tx->n + 8, sizeof *row);   /* weights of 0 reach up to 7 samples further */
    if (acc && row)
        for (int y = 0; y < ty->m; y++) {
            const uint8_t *top = src + ty->first[y] * stride + (ptrdiff_t)left * channels;
            blend(acc, top, stride, ty->w15 + (size_t)y * (size_t)ty->stride, ty->count[y], all);
            for (int c = 0; c < channels; c++) {
                if (channels == 1) memcpy(row + left, acc, n * sizeof *row);
                else
                    for (size_t i = 0; i < n; i++) row[(size_t)left + i] = acc[i * (size_t)channels + (size_t)c];
                along(tx, row, dst + (size_t)c * plane + (size_t)y * (size_t)tx->m);
            }
        }
    const bool ok = acc && row;
    zt_free(acc);
    zt_free(row);
    return ok ? ZT_OK : ZT_NOMEM;
}
