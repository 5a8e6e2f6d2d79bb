/* gan_loss.h - what adversaries are paid by, as graph: scores (of any shapes; high: real) in, a scalar out. */
#ifndef ZT_GAN_LOSS_H
#define ZT_GAN_LOSS_H
#include "ops/ops.h"
#include "train/gan_config.h"

/** The critic's loss. With l = log(1 + e^x), means over all scores:
 *  nonsaturating: l(-real) + l(fake) (Goodfellow et al. 2014); lsgan: (real-1)^2 + fake^2, halved (Mao et al. 2016);
 *  hinge: max(0,1-real) + max(0,1+fake) (Lim & Ye 2017); wgan: fake - real (Arjovsky et al. 2017);
 *  relativistic: l(-(real - mean fake)) + l(fake - mean real) (Jolicoeur-Martineau 2018, the average form). */
zt_node *zt_gan_critic_loss(zt_gan_loss loss, zt_node *real, zt_node *fake);
/** The generator's: nonsaturating: l(-fake); lsgan: (fake-1)^2 halved; hinge and wgan: -fake; relativistic: the critic's with
 *  real and fake exchanged. real may be NULL but for the last. */
zt_node *zt_gan_generator_loss(zt_gan_loss loss, zt_node *real, zt_node *fake);
/** Of scores of x [B,..]: mean over the clips of (|d sum of a clip's mean scores / dx| - target)^2; target 1: Gulrajani et al.
 *  2017, 0:
 *  R1 (Mescheder et al. 2018). One critic's scores: [B,..]. The gradient is graph: the penalty can be differentiated. */
zt_node *zt_gan_penalty_of(zt_node *score, zt_node *x, double target);
/** Part of the scores above the threshold, a scalar. */
zt_node *zt_gan_part_above(zt_node *score, zt_node *threshold);
/** What divides scores that say real from those that say made: 0; 1/2 with lsgan; the middle of both means with wgan, whose
 *  scores have no zero; with relativistic the mean of the other side. */
zt_node *zt_gan_threshold(zt_gan_loss loss, zt_node *real, zt_node *fake, bool of_real);
#endif
