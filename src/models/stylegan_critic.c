/* stylegan_critic.c - StyleGAN-V's critic: frames apart down to a small size, then joined, and told how far apart they are.
 * Papers: Skorokhodov et al. 2022, arXiv:2112.14683 (section 3.3); Karras et al. 2020, arXiv:1912.04958 (residual critic,
 * standard deviation over the batch, equalised learning rates). Means over 2x2 halve here where the papers filter. From
 * resolution critic_join on the features of all frames are channels of one picture. The score is the product of what was seen
 * with a code of the time between the frames, so that these decide what is looked at.
 *   video [B,T,R,R,3], t [B,T] frames  ->  [B,1] */
#include <math.h>
#include <stdio.h>
#include "models/stylegan_v.h"
#include "nn/style.h"

static const int k1[3] = {1, 1, 1}, k3[3] = {1, 3, 3};

int64_t zt_stylegan_width(const zt_stylegan_cfg *k, double resolution) {
    const double c = rint((double)k->base / resolution);
    return c < 1 ? 1 : c < (double)k->width ? (int64_t)c : k->width;
}

/* Two 3x3 convolutions, then half the size; beside them 1x1. */
static zt_node *residual(zt_nn *nn, zt_node *x, int64_t inner, int64_t out) {
    zt_node *skip = zt_equal_conv(nn, "skip", zt_avg_pool(x, 1, 2, 2), k1, out, true, false, ZT_NO_BIAS);
    zt_node *y = zt_equal_conv(nn, "conv0", x, k3, inner, true, false, ZT_LEAKY);
    y = zt_avg_pool(zt_equal_conv(nn, "conv1", y, k3, out, true, false, ZT_LEAKY), 1, 2, 2);
    return zt_affine(zt_add(y, skip), sqrt(0.5), 0);
}

/* How much samples of a group of up to 4 differ, as one more channel. x [B,1,h,w,C] */
static zt_node *with_deviation(zt_node *x) {
    const int64_t *d = x->sh.d, B = d[0], each = d[2] * d[3] * d[4];
    int64_t group = B < 4 ? B : 4;
    while (B % group) group--;
    zt_node *v = zt_variance_to(zt_reshape(x, zt_sh(group, B / group, each)), zt_sh(1, B / group, each));
    v = zt_mean_to(zt_sqrt(zt_affine(v, 1, 1e-8)), zt_sh(1, B / group, 1));
    v = zt_reshape(zt_broadcast_to(v, zt_sh(group, B / group, 1)), zt_sh(B, 1, 1, 1, 1));
    return zt_concat(4, 2, (zt_node *const[]){x, zt_broadcast_to(v, zt_sh(B, 1, d[2], d[3], 1))});
}

/* Times between neighbouring frames as waves of all periods from 2 frames on, then two layers: [B,out]. */
static zt_node *time_code(zt_nn *nn, zt_node *t, int64_t out) {
    enum { WAVES = 10 };
    const int64_t B = t->sh.d[0], gaps = t->sh.d[1] - 1;
    double f[WAVES];
    for (int k = 0; k < WAVES; k++) f[k] = 6.283185307179586 / exp2(k + 1);
    zt_push(nn->g, "time");
    zt_node *gap = zt_sub(zt_slice(t, 1, 1, gaps), zt_slice(t, 1, 0, gaps));
    zt_node *angle = zt_mul(zt_broadcast_to(zt_reshape(gap, zt_sh(B, gaps, 1)), zt_sh(B, gaps, WAVES)),
                            zt_const(nn->g, zt_graph_real(nn->g), zt_sh(WAVES), f));
    zt_node *x = zt_concat(2, 2, (zt_node *const[]){zt_sin(angle), zt_cos(angle)});
    x = zt_equal_linear(nn, "in", zt_reshape(x, zt_sh(B, gaps * 2 * WAVES)), out, false, ZT_PLAIN);
    x = zt_mul(x, zt_pow(zt_affine(zt_mean_to(zt_square(x), zt_sh(B, 1)), 1, 1e-8), -0.5));
    x = zt_equal_linear(nn, "fc0", x, out, true, ZT_LEAKY);
    x = zt_equal_linear(nn, "fc1", x, out, true, ZT_LEAKY);
    zt_pop(nn->g);
    return x;
}

zt_node *zt_stylegan_critic(zt_nn *nn, zt_node *video, zt_node *t, const zt_stylegan_cfg *k) {
    const int64_t B = video->sh.d[0], T = video->sh.d[1], R = video->sh.d[2];
    const int64_t join = k->critic_join < R ? k->critic_join : R / 2, C = zt_stylegan_width(k, 4);
    zt_push(nn->g, "critic");
    zt_node *x = zt_equal_conv(nn, "rgb", video, k1, zt_stylegan_width(k, (double)R), true, false, ZT_LEAKY);
    for (int64_t r = R; r > 4; r /= 2) {
        if (r == join) x = zt_space_to_depth(x, (int)T, 1, 1);                    /* [B,1,r,r,T C/2] */
        const int64_t inner = zt_stylegan_width(k, (double)r), out = zt_stylegan_width(k, (double)r / 2);
        zt_push(nn->g, "b%d", (int)r);
        x = residual(nn, x, inner, r / 2 == join && out > 1 ? out / 2 : out);
        zt_pop(nn->g);
        if (zt_graph_error(nn->g) != ZT_OK) break;
    }
    if (join == 4) x = zt_space_to_depth(x, (int)T, 1, 1);
    x = zt_equal_conv(nn, "conv", with_deviation(x), k3, C, true, false, ZT_LEAKY);
    x = zt_equal_linear(nn, "fc", zt_reshape(x, zt_sh(B, 16 * C)), C, false, ZT_LEAKY);
    if (T > 1) {
        x = zt_mul(zt_equal_linear(nn, "out", x, C, false, ZT_PLAIN), time_code(nn, t, C));
        x = zt_affine(zt_sum_to(x, zt_sh(B, 1)), 1 / sqrt((double)C), 0);
    } else {
        x = zt_equal_linear(nn, "out", x, 1, false, ZT_PLAIN);
    }
    zt_pop(nn->g);
    return x;
}
