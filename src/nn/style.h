/* style.h - layers of style-based generators: learning rates equalised by scale (Karras et al. 2018, arXiv:1710.10196) and
 * convolutions modulated by a style (Karras et al. 2020, arXiv:1912.04958, section 2.2). */
#ifndef ZT_STYLE_H
#define ZT_STYLE_H
#include "nn/nn.h"

/** A layer's bias and what comes after it. */
typedef enum zt_after { ZT_PLAIN, ZT_NO_BIAS, ZT_LEAKY /* sqrt(2) leaky ReLU, slope 0.2 */ } zt_after;

/** y = x W/sqrt(K) + b over the last axis; NAME.weight [K,out] starts N(0,1), NAME.bias 0. `slow`: learns a hundred times slower:
 *  weight and bias are a hundredth of what is stored. */
zt_node *zt_equal_linear(zt_nn *nn, const char *name, zt_node *x, int64_t out, bool slow, zt_after after);
/** The same for a convolution of kernel [kt,kh,kw], K = kt kh kw Ci; `same` pads with zeros, else none. */
zt_node *zt_equal_conv(zt_nn *nn, const char *name, zt_node *x, const int kernel[3], int64_t out, bool same, bool slow,
                       zt_after after);
/** x [B,T,H,W,Ci] by NAME.weight [1,k,k,Ci,out] whose input channels are scaled by style [B,Ci]; demodulate: and whose outputs
 *  are brought to the scale that inputs of variance 1 would give variance 1. gain: scalar on x, or NULL. NAME.bias [out]. */
zt_node *zt_modulated_conv(zt_nn *nn, const char *name, zt_node *x, zt_node *style, int k, int64_t out, bool demodulate,
                           zt_node *gain);
#endif
