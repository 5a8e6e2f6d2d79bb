/* alias_free.h - pictures as samples of continuous signals: low-pass filters by design, and a non-linearity that adds no
 * frequencies that the samples cannot hold (Karras et al. 2021, arXiv:2106.12423, section 3 and appendix C). */
#ifndef ZT_ALIAS_FREE_H
#define ZT_ALIAS_FREE_H
#include "ops/ops.h"

/** A square canvas around the picture's centre: size x size samples, `rate` of them per picture width, so that size > rate is a
 *  margin on every side. Frequencies (cycles per picture width) up to cutoff - half_width are held, from cutoff + half_width on
 *  there are none. */
typedef struct zt_band { int64_t size; double rate, cutoff, half_width; } zt_band;

/** Taps h[0..taps) of a low-pass filter at sample rate `rate` with a transition from cutoff - half_width to cutoff + half_width;
 *  their sum is 1. The window's shape follows from taps and width by Kaiser's formulas. */
void zt_low_pass_design(int64_t taps, double cutoff, double half_width, double rate, double *h);
/** The same as a filter for zt_low_pass, its sum `up`. */
zt_kaiser zt_low_pass_filter(int64_t taps, double cutoff, double half_width, double rate, int64_t up, int64_t down);

/** sqrt(2) leaky ReLU (slope 0.2) as if of the continuous signal: x [B,T,in.size,in.size,C] at twice the higher of both rates, 6
 *  taps per step of the lower rate; then what out.cutoff forbids is filtered off: [B,T,out.size,out.size,C]. Rates are powers of
 *  two, out.rate not below in.rate; both canvases have the same centre, and beyond x are zeros. */
zt_node *zt_filtered_leaky_relu(zt_node *x, const zt_band *in, const zt_band *out);
#endif
