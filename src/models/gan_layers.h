/* gan_layers.h - what the convolutional pairs share: sizes that can be halved to about 4x4, doubling and halving layers, and
 * the 3-D critic. */
#ifndef ZT_GAN_LAYERS_H
#define ZT_GAN_LAYERS_H
#include "models/gan.h"

/** Along which axes a layer doubles or halves: kernel 4, stride 2 and pad 1 there, kernel 1 along the others. */
typedef enum zt_gan_axes { ZT_GAN_TIME, ZT_GAN_SPACE, ZT_GAN_SPACE_TIME } zt_gan_axes;

/** How often the shorter side can be halved until 4..7 are left; 0 below 8 pixels. */
int zt_gan_levels(const zt_gan_size *s);
/** Whether height, width and (with `time`) frames can be halved zt_gan_levels times; ZT_CONFIG says what could. */
zt_err zt_gan_check_halving(const char *model, const zt_gan_size *s, bool time);

/** Transposed convolution NAME.weight [kt,kh,kw,out,Ci], and NAME.bias [out] where no norm follows. */
zt_node *zt_gan_double(zt_nn *nn, const char *name, zt_node *x, zt_gan_axes axes, int64_t out, zt_init init, bool bias);
/** Convolution NAME.weight [kt,kh,kw,Ci,out], likewise. */
zt_node *zt_gan_halve(zt_nn *nn, const char *name, zt_node *x, zt_gan_axes axes, int64_t out, zt_init init, bool bias);

/** A code [B,K] as features [B,t,h,w,out] (a transposed convolution of one place is a matrix), batch norm, ReLU. Names in,
 *  norm0. */
zt_node *zt_gan_unfold(zt_nn *nn, zt_node *code, int64_t t, int64_t h, int64_t w, int64_t out, zt_init init, bool training);
/** `times` doublings with batch norm and ReLU, each to half the channels. Names up1, norm1 .. */
zt_node *zt_gan_grow(zt_nn *nn, zt_node *x, zt_gan_axes axes, int times, zt_init init, bool training);
/** Frame pick [B] i32 of each clip of video [B,T,H,W,3]: [B,1,H,W,3]. */
zt_node *zt_gan_pick_frame(zt_node *video, zt_node *pick);

/** Norm of a critic's layers but the first and last; SPECTRAL: of all weights. Batch norm makes the score of a clip depend on the
 *  others of its batch, which a gradient penalty must not have (Gulrajani et al. 2017, arXiv:1704.00028, section 4). */
typedef enum zt_gan_norm { ZT_GAN_BATCH_NORM, ZT_GAN_INSTANCE_NORM, ZT_GAN_SPECTRAL_NORM, ZT_GAN_NO_NORM } zt_gan_norm;
#define ZT_GAN_NORM_CHOICES "batch|instance|spectral|none"
#define ZT_GAN_NORM_DOC \
    "norm of the critics' layers but the first and last (spectral: of all weights); with a gradient penalty: not batch"
/** Whether a layer of a critic with this norm has a bias: a critic of leaky ReLUs without any shift of its features would be
 *  blind to brightness (twice the pixels, twice the score). */
bool zt_gan_norm_wants_bias(zt_gan_norm norm);

typedef struct zt_gan_critic {
    int64_t width;                 /* channels of the first layer, each further one has twice as many */
    zt_gan_norm norm;
    double eps;                    /* of batch norm */
    zt_init init;
    bool each_time;                /* a score for each frame that is left (a 2-D last layer), else one for all of them */
} zt_gan_critic;
/** zt_gan_levels halving layers, each with its norm but the first, leaky ReLU 0.2; then a linear layer over what is left:
 *  video [B,T,H,W,3] -> [B,1], or [B,T',1] with each_time. Names down0.., norm1.., out. */
zt_node *zt_gan_video_critic(zt_nn *nn, const zt_gan_size *size, zt_node *video, bool training, const zt_gan_critic *c);
#endif
