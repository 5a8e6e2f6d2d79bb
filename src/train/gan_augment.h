/* gan_augment.h - differentiable augmentation of what critics see (Zhao et al. 2020, arXiv:2006.10738), alike in all frames of a
 * clip: real and made clips are both seen through it, so that the generator does not learn to make augmented ones. */
#ifndef ZT_GAN_AUGMENT_H
#define ZT_GAN_AUGMENT_H
#include "base/rng.h"
#include "ops/ops.h"
#include "train/gan_config.h"

/** What is drawn for a clip: shift (pixels down, right), middle of the cut (row, column), brightness added, factors of saturation
 *  and contrast. */
enum {
    ZT_AUGMENT_SHIFT,
    ZT_AUGMENT_CUT = 2,
    ZT_AUGMENT_BRIGHTNESS = 4,
    ZT_AUGMENT_SATURATION,
    ZT_AUGMENT_CONTRAST,
    ZT_AUGMENT_NUMBERS
};

/** Whether c asks for any. */
bool zt_gan_augments(const zt_gan_cfg *c);
/** clips [B,T,H,W,3] in -1..1 seen through what numbers [B,ZT_AUGMENT_NUMBERS] say and c asks for. Grey (0) is put where nothing
 *  is. */
zt_node *zt_gan_augment(zt_node *clips, zt_node *numbers, const zt_gan_cfg *c);
/** Draw the numbers of b clips of H x W pixels. */
void zt_gan_augment_draw(zt_rng *r, int64_t b, int64_t H, int64_t W, float *numbers);
#endif
