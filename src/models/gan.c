/* gan.c - the list of adversarial pairs, and their latent codes. */
#include "models/gan.h"
#include <string.h>
#include "base/rng.h"

extern const zt_gan_def zt_gan_vgan, zt_gan_tgan, zt_gan_mocogan, zt_gan_videogan_flow, zt_gan_stylegan_v;
static const zt_gan_def *const pairs[] = {&zt_gan_vgan, &zt_gan_tgan, &zt_gan_mocogan, &zt_gan_videogan_flow,
                                          &zt_gan_stylegan_v};

int zt_gan_count(void) {
    return (int)(sizeof pairs / sizeof *pairs);
}
const zt_gan_def *zt_gan_at(int k) {
    return pairs[k];
}

const zt_gan_def *zt_gan_find(const char *name) {
    for (int k = 0; k < zt_gan_count(); k++)
        if (strcmp(pairs[k]->name, name) == 0) return pairs[k];
    return NULL;
}

void zt_gan_draw_codes(zt_gan_draw draw, uint64_t seed, uint64_t stream, float *x, int64_t n) {
    if (draw == ZT_GAN_NORMAL) zt_fill_normal(seed, stream, x, n);
    else if (draw == ZT_GAN_UNIFORM) zt_fill_uniform(seed, stream, x, n);
    else memset(x, 0, (size_t)n * sizeof *x);
    for (int64_t k = 0; draw == ZT_GAN_UNIFORM && k < n; k++) x[k] = 2 * x[k] - 1;
}
