/* alias_free.c - filters of Kaiser's and the filtered non-linearity. Filter values against SciPy, the non-linearity against
 * PyTorch: tests/models/test_stylegan_v.c. */
#include "nn/alias_free.h"
#include <math.h>

enum { TAPS = 6 };                            /* of the up-sampling filter per sample of its input, and of the other alike */

/* Kaiser 1974: the attenuation (dB) that this many taps reach at this width of transition, and the window's beta for it. */
static double beta_for(int64_t taps, double half_width, double rate) {
    const double db = 2.285 * (double)(taps - 1) * 3.14159265358979323846 * (2 * half_width) / (rate / 2) + 7.95;
    if (db > 50) return 0.1102 * (db - 8.7);
    return db > 21 ? 0.5842 * pow(db - 21, 0.4) + 0.07886 * (db - 21) : 0;
}

zt_kaiser zt_low_pass_filter(int64_t taps, double cutoff, double half_width, double rate, int64_t up, int64_t down) {
    zt_kaiser k = {.taps = taps, .up = up, .down = down, .cutoff = cutoff / rate, .beta = beta_for(taps, half_width, rate)};
    double sum = 0;
    for (int64_t i = 0; i < taps; i++) sum += zt_kaiser_tap(taps, k.cutoff, k.beta, i);
    k.gain = (double)up / sum;
    return k;
}

void zt_low_pass_design(int64_t taps, double cutoff, double half_width, double rate, double *h) {
    const zt_kaiser k = zt_low_pass_filter(taps, cutoff, half_width, rate, 1, 1);
    for (int64_t i = 0; i < taps; i++) h[i] = k.gain * zt_kaiser_tap(taps, k.cutoff, k.beta, i);
}

/* Along height and width; `to` places around the same centre. In samples of the filter's rate x is size*up long, centred at
 * (size-1)*up/2, and the result at (to-1)*down/2 + (taps-1)/2 - before. */
static zt_node *both_axes(zt_node *x, int64_t to, const zt_kaiser *k) {
    const int64_t before = ((to - 1) * k->down + k->taps - 1 - (x->sh.d[2] - 1) * k->up) / 2;
    return zt_low_pass(zt_low_pass(x, 3, to, before, k), 2, to, before, k);
}

zt_node *zt_filtered_leaky_relu(zt_node *x, const zt_band *in, const zt_band *out) {
    const double rate = 2 * out->rate;
    const int64_t up = (int64_t)lround(rate / in->rate), down = 2;
    const zt_kaiser rise = zt_low_pass_filter(TAPS * up, in->cutoff, in->half_width, rate, up, 1);
    const zt_kaiser fall = zt_low_pass_filter(TAPS * down, out->cutoff, out->half_width, rate, 1, down);
    const int64_t wide = (out->size - 1) * down + fall.taps;           /* what the second filter reads */
    x = zt_leaky_relu(both_axes(x, wide, &rise), 0.2);
    return both_axes(zt_affine(x, 1.4142135623730951, 0), out->size, &fall);
}
