/* gan.c - the list of adversarial models. */
#include "models/gan.h"
#include <string.h>

extern const zt_gan_def zt_gan_vgan;
extern const zt_gan_def zt_gan_tgan;
extern const zt_gan_def zt_gan_videogan_flow;
extern const zt_gan_def zt_gan_stylegan_v;
static const zt_gan_def *const pairs[] = {
    &zt_gan_vgan,
    &zt_gan_tgan,
    &zt_gan_videogan_flow,
    &zt_gan_stylegan_v,
};

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
