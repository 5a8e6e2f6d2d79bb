/* stylegan_motion.c - StyleGAN-V's continuous time: motion codes and the acyclic encoding of time.
 * Paper: Skorokhodov, Tulyakov & Elhoseiny 2022, "StyleGAN-V", arXiv:2112.14683 (section 3.1); the repository
 * universome/stylegan-v was read for sizes. Noise vectors stand motion_distance frames apart; two convolutions without padding
 * make a trajectory of codes u_0, u_1, .. of them, so that any length of it is alike. Between u_i and u_i+1, at part a of the
 * way, waves whose periods and phases u_i decides say what time it is; they are bent so that they meet at the codes:
 *   e(t) = (sin, cos)(f p(u_i) t + longest/period f(u_i))
 *   v(t) = e(t) - lerp(e(t_i), e(t_i+1), a) + lerp(A u_i, A u_i+1, a)
 *   z [B,codes,motion_latent], t [B,T] frames  ->  v [B,T,2 time_features] */
#include <math.h>
#include "models/stylegan_v.h"
#include "nn/style.h"

zt_node *zt_stylegan_times(zt_nn *nn, const zt_gan_size *size, int64_t b) {
    double t[1024];
    if (size->times) return size->times;
    for (int64_t k = 0; k < size->frames && k < 1024; k++) t[k] = (double)k;
    return zt_broadcast_to(zt_const(nn->g, zt_graph_real(nn->g), zt_sh(1, size->frames), t), zt_sh(b, size->frames));
}

int64_t zt_stylegan_codes(const zt_stylegan_cfg *k, const zt_gan_size *size) {
    const int64_t last = (size->span ? size->span : size->frames) - 1, d = k->motion_distance;
    return (last + d - 1) / d + 2 + 2 * (k->motion_kernel - 1);
}

/* Row number at[b,t] + more of u [B,N,D]: [B,T,D]. */
static zt_node *row_of(zt_node *u, zt_node *at, int more) {
    const int64_t B = u->sh.d[0], N = u->sh.d[1], D = u->sh.d[2], T = at->sh.d[1];
    double number[1024];
    for (int64_t k = 0; k < N && k < 1024; k++) number[k] = (double)(k - more);
    zt_node *index = zt_broadcast_to(zt_const(u->g, zt_graph_real(u->g), zt_sh(1, 1, N), number), zt_sh(B, T, N));
    zt_node *chosen = zt_equal(index, zt_broadcast_to(zt_reshape(at, zt_sh(B, T, 1)), zt_sh(B, T, N)));
    zt_node *rows = zt_broadcast_to(zt_reshape(u, zt_sh(B, 1, N, D)), zt_sh(B, T, N, D));
    return zt_reshape(zt_sum_to(zt_mul(rows, zt_reshape(chosen, zt_sh(B, T, N, 1))), zt_sh(B, T, 1, D)), zt_sh(B, T, D));
}

static zt_node *lerp(zt_node *a, zt_node *b, zt_node *part) {
    return zt_add(a, zt_mul(zt_sub(b, a), part));
}

/* (sin, cos)(speed t + phase): speed, phase [B,T,F], t [B,T,1]. */
static zt_node *waves(zt_node *speed, zt_node *phase, zt_node *t) {
    zt_node *angle = zt_add(zt_mul(speed, t), phase);
    return zt_concat(2, 2, (zt_node *const[]){zt_sin(angle), zt_cos(angle)});
}

/* Periods from the distance of codes to the longest, evenly in octaves: frequencies [F], radians per frame. */
static zt_node *frequencies(zt_nn *nn, const zt_stylegan_cfg *k, double scale) {
    const double low = log2((double)k->motion_distance), high = log2((double)k->longest_period);
    const int64_t F = k->time_features;
    double f[4096];
    for (int64_t i = 0; i < F; i++) {
        const double octave = F > 1 ? low + (high - low) * (double)i / (double)(F - 1) : low;
        f[i] = scale * 6.283185307179586 / exp2(octave);
    }
    return zt_const(nn->g, zt_graph_real(nn->g), zt_sh(F), f);
}

zt_node *zt_stylegan_motion(zt_nn *nn, zt_node *z, zt_node *t, const zt_stylegan_cfg *k) {
    const int64_t B = z->sh.d[0], N = z->sh.d[1], K = k->motion_latent, T = t->sh.d[1], F = k->time_features;
    const int window[3] = {(int)k->motion_kernel, 1, 1};
    zt_push(nn->g, "motion");
    zt_node *u = zt_reshape(z, zt_sh(B, N, 1, 1, K));
    u = zt_equal_conv(nn, "conv0", u, window, K, false, true, ZT_LEAKY);
    u = zt_equal_conv(nn, "conv1", u, window, K, false, true, ZT_LEAKY);
    u = zt_reshape(u, zt_sh(B, u->sh.d[1], K));
    zt_node *place = zt_affine(t, 1 / (double)k->motion_distance, 0), *number = zt_floor(place);
    zt_node *part = zt_reshape(zt_sub(place, number), zt_sh(B, T, 1));
    zt_node *start = zt_reshape(zt_affine(number, (double)k->motion_distance, 0), zt_sh(B, T, 1));
    zt_node *left = row_of(u, number, 0), *right = row_of(u, number, 1);
    zt_node *speed = zt_affine(zt_tanh(zt_equal_linear(nn, "period", left, F, false, ZT_NO_BIAS)), 1, 1);
    speed = zt_mul(speed, frequencies(nn, k, 1));
    zt_node *phase = zt_equal_linear(nn, "phase", left, F, false, ZT_NO_BIAS);
    phase = zt_mul(phase, frequencies(nn, k, (double)k->longest_period / 6.283185307179586));
    zt_node *bend = lerp(waves(speed, phase, start), waves(speed, phase, zt_affine(start, 1, (double)k->motion_distance)), part);
    zt_node *meet = lerp(zt_equal_linear(nn, "align", left, 2 * F, false, ZT_NO_BIAS),
                         zt_equal_linear(nn, "align", right, 2 * F, false, ZT_NO_BIAS), part);
    zt_node *v = zt_add(zt_sub(waves(speed, phase, zt_reshape(t, zt_sh(B, T, 1))), bend), meet);
    zt_pop(nn->g);
    return v;
}
