/* stylegan_v.h - parts of StyleGAN-V that are files of their own: options, motion codes, critic. */
#ifndef ZT_STYLEGAN_V_H
#define ZT_STYLEGAN_V_H
#include "models/gan.h"

typedef struct zt_stylegan_cfg {
    int64_t width, base, latent, layers, margin;                 /* of the pictures */
    int64_t motion_latent, motion_distance, motion_kernel, time_features, longest_period;
    int64_t critic_join;
    int filtered;
} zt_stylegan_cfg;

/** Times of the frames [B,T]: size->times, or 0, 1, .. */
zt_node *zt_stylegan_times(zt_nn *nn, const zt_gan_size *size, int64_t b);
/** How many motion codes a clip of this span needs. */
int64_t zt_stylegan_codes(const zt_stylegan_cfg *k, const zt_gan_size *size);
/** Motion codes z [B,codes,motion_latent], times t [B,T] -> what moves at these times [B,T,2 time_features]. */
zt_node *zt_stylegan_motion(zt_nn *nn, zt_node *z, zt_node *t, const zt_stylegan_cfg *k);
/** Channels at a resolution (of the critic) or cutoff frequency times two (of the generator). */
int64_t zt_stylegan_width(const zt_stylegan_cfg *k, double resolution);
/** Score [B,1] of the frames at times t. */
zt_node *zt_stylegan_critic(zt_nn *nn, zt_node *video, zt_node *t, const zt_stylegan_cfg *k);
#endif
