/* gan_augment.c - see gan_augment.h. Tested by tests/train/test_gan_loss.c. */
#include "train/gan_augment.h"
#include "base/mem.h"

bool zt_gan_augments(const zt_gan_cfg *c) {
    return c->augment_shift || c->augment_cutout || c->augment_colour;
}

static zt_node *number(zt_node *numbers, int k) {                             /* [B,1,1,1,1] */
    return zt_reshape(zt_slice(numbers, 1, k, 1), zt_sh(numbers->sh.d[0], 1, 1, 1, 1));
}

/* 0, 1, .. n-1 along an axis of a 5-dimensional shape. */
static zt_node *places(zt_graph *g, int64_t n, int axis) {
    zt_shape sh = zt_sh(1, 1, 1, 1, 1);
    sh.d[axis] = n;
    double *x = zt_graph_alloc(g, (size_t)n * sizeof *x);
    if (!x) return zt_graph_fail(g, ZT_NOMEM);
    for (int64_t k = 0; k < n; k++) x[k] = (double)k;
    return zt_const(g, zt_graph_real(g), sh, x);
}

static zt_node *colour(zt_node *x, zt_node *numbers) {
    const zt_shape s = x->sh;
    x = zt_add(x, number(numbers, ZT_AUGMENT_BRIGHTNESS));
    zt_node *grey = zt_mean_to(x, zt_sh(s.d[0], s.d[1], s.d[2], s.d[3], 1));
    x = zt_add(zt_mul(zt_sub(x, grey), number(numbers, ZT_AUGMENT_SATURATION)), grey);
    zt_node *mean = zt_mean_to(x, zt_sh(s.d[0], 1, 1, 1, 1));
    return zt_add(zt_mul(zt_sub(x, mean), number(numbers, ZT_AUGMENT_CONTRAST)), mean);
}

/* Frames as images of a batch, each read where it was before the shift. */
static zt_node *shift(zt_node *x, zt_node *numbers) {
    const int64_t B = x->sh.d[0], T = x->sh.d[1], H = x->sh.d[2], W = x->sh.d[3];
    const zt_shape plane = zt_sh(B, T, H, W, 1);
    zt_node *row = zt_sub(zt_broadcast_to(places(x->g, H, 2), plane), number(numbers, ZT_AUGMENT_SHIFT));
    zt_node *column = zt_sub(zt_broadcast_to(places(x->g, W, 3), plane), number(numbers, ZT_AUGMENT_SHIFT + 1));
    zt_node *grid = zt_concat(4, 3, (zt_node *const[]){zt_affine(row, 0, 0), row, column});
    grid = zt_reshape(grid, zt_sh(B * T, 1, H, W, 3));
    return zt_reshape(zt_grid_sample(zt_reshape(x, zt_sh(B * T, 1, H, W, x->sh.d[4])), grid, false), x->sh);
}

/* 1 within a quarter of the side of the middle, along one axis. */
static zt_node *near_middle(zt_node *x, zt_node *middle, int axis) {
    const int64_t n = x->sh.d[axis];
    zt_node *at = places(x->g, n, axis);
    zt_shape sh = zt_sh(x->sh.d[0], 1, 1, 1, 1);
    sh.d[axis] = n;
    zt_node *far = zt_abs(zt_sub(zt_broadcast_to(at, sh), middle));
    return zt_greater(zt_broadcast_to(zt_scalar(x->g, (double)n / 4), sh), far);
}

static zt_node *cutout(zt_node *x, zt_node *numbers) {
    const zt_shape plane = zt_sh(x->sh.d[0], 1, x->sh.d[2], x->sh.d[3], 1);
    zt_node *row = near_middle(x, number(numbers, ZT_AUGMENT_CUT), 2),
            *column = near_middle(x, number(numbers, ZT_AUGMENT_CUT + 1), 3);
    return zt_mul(x, zt_affine(zt_mul(zt_broadcast_to(row, plane), column), -1, 1));
}

zt_node *zt_gan_augment(zt_node *clips, zt_node *numbers, const zt_gan_cfg *c) {
    if (c->augment_colour) clips = colour(clips, numbers);
    if (c->augment_shift) clips = shift(clips, numbers);
    return c->augment_cutout ? cutout(clips, numbers) : clips;
}

void zt_gan_augment_draw(zt_rng *r, int64_t b, int64_t H, int64_t W, float *numbers) {
    for (float *n = numbers; n < numbers + b * ZT_AUGMENT_NUMBERS; n += ZT_AUGMENT_NUMBERS) {
        n[ZT_AUGMENT_SHIFT] = (float)zt_rng_int(r, -(H / 8), H / 8);
        n[ZT_AUGMENT_SHIFT + 1] = (float)zt_rng_int(r, -(W / 8), W / 8);
        n[ZT_AUGMENT_CUT] = (float)zt_rng_range(r, 0, (double)H);
        n[ZT_AUGMENT_CUT + 1] = (float)zt_rng_range(r, 0, (double)W);
        n[ZT_AUGMENT_BRIGHTNESS] = (float)zt_rng_range(r, -0.5, 0.5);
        n[ZT_AUGMENT_SATURATION] = (float)zt_rng_range(r, 0, 2);
        n[ZT_AUGMENT_CONTRAST] = (float)zt_rng_range(r, 0.5, 1.5);
    }
}
