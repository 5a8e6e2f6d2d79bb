/* test_gan_views.c - the scores of views on a generator that makes a rendered clip and the truth about it, or something else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "data/worlds/move.h"
#include "pipeline/gan_views.h"

enum { T = 16, S = 32, PLACES = T * S * S };

static zt_err fits(const void *cfg, const zt_gan_size *size) {
    (void)cfg, (void)size;
    return ZT_OK;
}
static int latents(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]) {
    (void)cfg, (void)size;
    z[0] = (zt_gan_latent){"z", zt_sh(b, 1), ZT_GAN_NORMAL, ZT_GAN_CONTENT};
    return 1;
}
/* Parameter `name`, the same for every clip. */
static zt_node *every(zt_nn *nn, const char *name, zt_node *z, int64_t frames, int64_t channels) {
    zt_node *x = zt_nn_param(nn, name, zt_sh(1, frames, S, S, channels), ZT_INIT_ZERO);
    return zt_broadcast_to(x, zt_sh(z->sh.d[0], frames, S, S, channels));
}
static zt_gan_made generate(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training) {
    (void)cfg, (void)size, (void)training;
    zt_node *none = zt_reshape(zt_affine(z[0], 0, 0), zt_sh(z[0]->sh.d[0], 1, 1, 1, 1));
    return (zt_gan_made){.video = zt_add(every(nn, "video", z[0], T, 3), none),
                         .view = {{"mask", zt_add(every(nn, "mask", z[0], T, 1), none)},
                                  {"background", zt_add(every(nn, "background", z[0], T, 3), none)},
                                  {"flow", zt_add(every(nn, "flow", z[0], T - 1, 2), none)}}};
}
static const zt_gan_def truth = {.name = "truth", .check = fits, .latents = latents, .generate = generate};

static float *param(zt_tset *p, const char *name, int64_t frames, int64_t channels) {
    zt_tensor *t;
    assert_int_equal(zt_tset_add(p, name, ZT_F32, zt_sh(1, frames, S, S, channels), &t), ZT_OK);
    return t->data;
}

/* A clip of the world with its mask, a grey background that stands still, and where its pixels come from. */
static void fill(zt_model_dir *m, zt_move_spec *spec) {
    static uint8_t rgb[3 * PLACES], mask[PLACES];
    static float to[2 * PLACES];
    bool none[ZT_TRIPLES] = {false};
    zt_rng r = zt_rng_init(5, 1);
    zt_move_sample(&r, none, false, T, spec);
    zt_move_render(spec, T, S, S, rgb, mask, to);
    float *video = param(&m->params, "video", T, 3), *cover = param(&m->params, "mask", T, 1);
    float *flow = param(&m->params, "flow", T - 1, 2);
    (void)param(&m->params, "background", T, 3);
    for (int k = 0; k < 3 * PLACES; k++) video[k] = rgb[k] / 127.5F - 1;
    for (int k = 0; k < PLACES; k++) cover[k] = mask[k] / 255.0F;
    for (int k = 0; k < 2 * (PLACES - S * S); k++) flow[k] = -to[2 * S * S + k];       /* of the next frame: it moves evenly */
    m->net = (zt_net){.gan = &truth, .frames = T, .height = S, .width = S, .scale = 1};
}

static zt_view_scores scores(zt_model_dir *m) {
    zt_view_scores r;
    zt_gan_codes codes[20] = {{0}};
    assert_int_equal(zt_gan_views_score(&r, m, 20, codes, ZT_F32), ZT_OK);
    assert_true(r.clips == 20 && r.valid == 20 && r.has_mask && r.has_background && r.has_flow);
    return r;
}

static void truth_is_right_and_others_are_not(void **state) {
    (void)state;
    zt_model_dir m = {0};
    zt_move_spec spec;
    fill(&m, &spec);
    float *flow = zt_tset_find(&m.params, "flow")->data, *mask = zt_tset_find(&m.params, "mask")->data;
    float *background = zt_tset_find(&m.params, "background")->data;
    zt_view_scores r = scores(&m);
    printf("truth: mask %.2f (%.2f of all), flow %.2f px (none %.2f), warped %.2f, still %.2f\n", r.mask_iou, r.mask_part,
           r.flow_error, r.flow_error_of_none, r.own_warp_error, r.still_error);
    assert_true(r.mask_iou > 0.85 && r.mask_part < 0.5 && r.background_change == 0);
    assert_true(r.flow_error < 0.35 * r.flow_error_of_none && r.flow_error_of_none > 0.4);
    assert_true(r.own_warp_error < 0.85 * r.still_error);             /* what the object uncovers stays wrong */
    for (int k = 0; k < 2 * (PLACES - S * S); k++) flow[k] = -flow[k];                  /* the other way */
    for (int k = 0; k < PLACES; k++) mask[k] = 1 - mask[k];
    for (int k = 0; k < PLACES / 2; k++) background[3 * k] = 0.5F;                      /* one change in 15, of one colour */
    r = scores(&m);
    assert_true(r.mask_iou < 0.1 && r.mask_part > 0.5);
    assert_true(r.flow_error > 1.5 * r.flow_error_of_none && r.own_warp_error > r.still_error);
    assert_true(fabs(r.background_change - 127.5 * 0.5 / 3 / 15) < 1e-3);
    zt_tset_finish(&m.params);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(truth_is_right_and_others_are_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
