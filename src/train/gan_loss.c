/* gan_loss.c - see gan_loss.h. Values against closed forms, gradients against f64 differences: tests/train/test_gan_loss.c. */
#include "train/gan_loss.h"

static zt_node *log1p_exp(zt_node *x, double sign) {                          /* mean of log(1 + e^(sign x)) */
    return zt_mean(zt_softplus(sign < 0 ? zt_neg(x) : x));
}

static zt_node *half_square_from(zt_node *x, double target) {
    return zt_affine(zt_mean(zt_square(zt_affine(x, 1, -target))), 0.5, 0);
}

static zt_node *relative_to(zt_node *x, zt_node *others) {
    return zt_sub(x, zt_broadcast_to(zt_mean(others), x->sh));
}

zt_node *zt_gan_critic_loss(zt_gan_loss loss, zt_node *real, zt_node *fake) {
    switch (loss) {
    case ZT_GAN_NONSATURATING: return zt_add(log1p_exp(real, -1), log1p_exp(fake, 1));
    case ZT_GAN_LSGAN: return zt_add(half_square_from(real, 1), half_square_from(fake, 0));
    case ZT_GAN_HINGE: return zt_hinge_discriminator(real, fake);
    case ZT_GAN_WGAN: return zt_sub(zt_mean(fake), zt_mean(real));
    case ZT_GAN_RELATIVISTIC: break;
    }
    return zt_add(log1p_exp(relative_to(real, fake), -1), log1p_exp(relative_to(fake, real), 1));
}

zt_node *zt_gan_generator_loss(zt_gan_loss loss, zt_node *real, zt_node *fake) {
    switch (loss) {
    case ZT_GAN_NONSATURATING: return log1p_exp(fake, -1);
    case ZT_GAN_LSGAN: return half_square_from(fake, 1);
    case ZT_GAN_HINGE:
    case ZT_GAN_WGAN: return zt_neg(zt_mean(fake));
    case ZT_GAN_RELATIVISTIC: break;
    }
    return zt_gan_critic_loss(ZT_GAN_RELATIVISTIC, fake, real);
}

zt_node *zt_gan_penalty_of(zt_node *score, zt_node *x, double target) {
    const int64_t B = x->sh.d[0];
    zt_shape each = x->sh;
    for (int k = 1; k < each.n; k++) each.d[k] = 1;
    zt_node *dx, *per_clip = zt_affine(zt_mean(score), (double)B, 0);         /* the sum over clips of their mean scores */
    const zt_err e = zt_grad(per_clip, 1, &x, &dx);
    if (e != ZT_OK) return zt_graph_fail(x->g, e);
    zt_node *square = zt_sum_to(zt_square(dx), each);                         /* [B,1,..] */
    if (target == 0) return zt_mean(square);
    return zt_mean(zt_square(zt_affine(zt_sqrt(zt_affine(square, 1, 1e-12)), 1, -target)));
}

zt_node *zt_gan_part_above(zt_node *score, zt_node *threshold) {
    return zt_mean(zt_greater(score, zt_broadcast_to(threshold, score->sh)));
}

zt_node *zt_gan_threshold(zt_gan_loss loss, zt_node *real, zt_node *fake, bool of_real) {
    zt_node *of_others = zt_mean(of_real ? fake : real);
    if (loss == ZT_GAN_RELATIVISTIC) return of_others;
    if (loss == ZT_GAN_WGAN) return zt_affine(zt_add(zt_mean(real), zt_mean(fake)), 0.5, 0);
    return zt_scalar(real->g, loss == ZT_GAN_LSGAN ? 0.5 : 0);
}
