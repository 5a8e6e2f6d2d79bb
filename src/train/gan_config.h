/* gan_config.h - options of adversarial training (section gan of a training config). */
#ifndef ZT_GAN_CONFIG_H
#define ZT_GAN_CONFIG_H
#include "base/opt.h"

typedef enum zt_gan_loss { ZT_GAN_NONSATURATING, ZT_GAN_LSGAN, ZT_GAN_HINGE, ZT_GAN_WGAN, ZT_GAN_RELATIVISTIC } zt_gan_loss;
typedef enum zt_gan_bound { ZT_GAN_UNBOUND, ZT_GAN_CLIP, ZT_GAN_SVC } zt_gan_bound;
typedef enum zt_gan_penalty { ZT_GAN_NO_PENALTY, ZT_GAN_GP, ZT_GAN_R1 } zt_gan_penalty;
typedef enum zt_gan_categories { ZT_GAN_NO_CATEGORIES, ZT_GAN_FOUND, ZT_GAN_LABELLED } zt_gan_categories;

typedef struct zt_gan_cfg {
    int loss, bound, penalty, categories;                     /* of the enums above */
    int64_t critic_steps, bound_every, penalty_every, classes, monitor_clips, critic_limit, sparse_frames;
    int critic_optimiser;                                     /* 0: as train; else zt_optimiser + 1 */
    double critic_lr, critic_beta1, critic_beta2, bound_to, penalty_weight, noise, noise_part, category_weight;
    int augment_shift, augment_cutout, augment_colour, stop_on_collapse;
    char label[64];
} zt_gan_cfg;

extern const zt_opts zt_gan_opts;
/** Options against each other. ZT_CONFIG. */
zt_err zt_gan_cfg_check(const zt_gan_cfg *c);
#endif
