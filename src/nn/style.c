/* style.c - layers of style-based generators. Values against PyTorch: tests/models/test_stylegan_v.c. */
#include "nn/style.h"
#include <math.h>

static const double ROOT2 = 1.4142135623730951, SLOW = 0.01;

/* The weight as it is used: scaled by its fan-in. */
static zt_node *weight(zt_nn *nn, zt_shape sh, bool slow) {
    zt_node *w = zt_nn_param(nn, "weight", sh, slow ? ZT_INIT_NORMAL100 : ZT_INIT_NORMAL);
    return zt_affine(w, (slow ? SLOW : 1) / sqrt((double)zt_rows(&sh)), 0);
}
static zt_node *bias(zt_nn *nn, int64_t out, bool slow, zt_after after) {
    if (after == ZT_NO_BIAS) return NULL;
    zt_node *b = zt_nn_param(nn, "bias", zt_sh(out), ZT_INIT_ZERO);
    return slow ? zt_affine(b, SLOW, 0) : b;
}
static zt_node *finish(zt_node *y, zt_after after) {
    return after == ZT_LEAKY ? zt_affine(zt_leaky_relu(y, 0.2), ROOT2, 0) : y;
}

zt_node *zt_equal_linear(zt_nn *nn, const char *name, zt_node *x, int64_t out, bool slow, zt_after after) {
    zt_push(nn->g, "%s", name);
    zt_node *w = weight(nn, zt_sh(zt_last(&x->sh), out), slow);
    zt_node *y = finish(zt_linear_op(x, w, bias(nn, out, slow, after)), after);
    zt_pop(nn->g);
    return y;
}

zt_node *zt_equal_conv(zt_nn *nn, const char *name, zt_node *x, const int kernel[3], int64_t out, bool same, bool slow,
                       zt_after after) {
    zt_conv_cfg c = {.stride = {1, 1, 1}};
    for (int k = 0; k < 3 && same; k++) c.pad_before[k] = c.pad_after[k] = kernel[k] / 2;
    zt_push(nn->g, "%s", name);
    zt_node *w = weight(nn, zt_sh(kernel[0], kernel[1], kernel[2], zt_last(&x->sh), out), slow);
    zt_node *y = finish(zt_conv(x, w, bias(nn, out, slow, after), &c), after);
    zt_pop(nn->g);
    return y;
}

/* One factor for each sample and channel. */
static zt_node *scaled(zt_node *x, zt_node *factor) {
    return zt_mul(x, zt_reshape(factor, zt_sh(factor->sh.d[0], 1, 1, 1, factor->sh.d[1])));
}

zt_node *zt_modulated_conv(zt_nn *nn, const char *name, zt_node *x, zt_node *style, int k, int64_t out, bool demodulate,
                           zt_node *gain) {
    const int64_t Ci = zt_last(&x->sh);
    const zt_conv_cfg c = {.stride = {1, 1, 1}, .pad_before = {0, k / 2, k / 2}, .pad_after = {0, k / 2, k / 2}};
    zt_push(nn->g, "%s", name);
    zt_node *w = zt_nn_param(nn, "weight", zt_sh(1, k, k, Ci, out), ZT_INIT_NORMAL), *b = zt_nn_param(nn, "bias", zt_sh(out),
                                                                                                       ZT_INIT_ZERO);
    zt_node *y = zt_conv(scaled(x, gain ? zt_mul(style, gain) : style), w, demodulate ? NULL : b, &c);
    if (demodulate) {                         /* the sum of squares of each sample's own weights, without making these */
        zt_node *square = zt_reshape(zt_sum_to(zt_square(w), zt_sh(1, 1, 1, Ci, out)), zt_sh(Ci, out));
        zt_node *energy = zt_matmul(zt_square(style), square, false, false);                               /* [B,out] */
        y = zt_add(scaled(y, zt_pow(zt_affine(energy, 1, 1e-8), -0.5)), b);
    }
    zt_pop(nn->g);
    return y;
}
