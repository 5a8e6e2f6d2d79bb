/* resample.h - private to media/: antialiased resampling of byte images in fixed point, for whole pictures (resize.c) and for the
 * planes of decoded frames (scale.c). */
#ifndef ZT_MEDIA_RESAMPLE_H
#define ZT_MEDIA_RESAMPLE_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "media/image.h"

enum { ZT_RESAMPLE_BITS = 6 };   /* fraction bits of what zt_resample delivers */

/** One axis: which input places make each output place, and their weights (their sum is 1). Zero-initialise. */
typedef struct zt_taps {
    int n, m;                    /* input, output places */
    int width, stride;           /* most inputs of one output; stride: width up to a multiple of 8 */
    int *first, *count;          /* [m] */
    int32_t *w15;                /* [m, stride] weights in 1/32768; above 1 at an edge where lobes are cut off */
    int16_t *w14;                /* [m, stride] weights in 1/16384, zero behind the last */
} zt_taps;

/** Weights that map the stretch [at, at+len) of n input samples to m output samples; the kernel is widened by the shrink factor,
 *  so that it is also the low-pass filter. Outside samples count as none: the rest is weighted up. Errors: ZT_NOMEM. */
zt_err zt_taps_make(zt_taps *t, zt_filter filter, int n, double at, double len, int m);
void zt_taps_finish(zt_taps *t);

/** src [ty->n, tx->n, channels] bytes, rows `stride` apart, to dst [channels, ty->m, tx->m] in 1/64 of a code value; may lie
 *  outside 0..255 (negative lobes). channels 1..4. Errors: ZT_NOMEM. */
zt_err zt_resample(const zt_taps *tx, const zt_taps *ty, const uint8_t *src, ptrdiff_t stride, int channels, int16_t *dst);
#endif
