/* test_stylegan_v.c - StyleGAN-V: against PyTorch (as test_gan_models.c), its filters against SciPy's; that time is continuous
 * and frames do not depend on which others are made, that styles can be mixed and truncated; sizes that are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#define GOLDEN_FILE "tests/golden/gan_models.safetensors"
#define TOLERANCE 2e-5
#include "models/gan_pair.h"
#include "nn/alias_free.h"

/* ---- golden values ----------------------------------------------------------------------------------------------- */
#define SMALL {"width", "4"}, {"base", "48"}, {"latent", "5"}, {"layers", "4"}, {"margin", "2"}, {"motion_latent", "4"},   \
              {"motion_distance", "3"}, {"motion_kernel", "2"}, {"time_features", "3"}, {"longest_period", "12"},          \
              {"critic_join", "8"}
static void stylegan(golden *m) { both(m, "stylegan-v", OPTS(SMALL), true); }
static void stylegan_plain(golden *m) { both(m, "stylegan-v", OPTS(SMALL, {"filtered", "false"}), false); }
AGAINST_PYTORCH(stylegan)
AGAINST_PYTORCH(stylegan_plain)

static void filters_are_those_of_scipy(void **state) {
    (void)state;
    golden m = {.name = "filters"};
    char name[2] = "0";
    must(zt_safetensors_load(GOLDEN_FILE, &m.file, NULL));
    for (; *name < '4'; ++*name) {
        const float *in = want(&m, "in", name)->data, *expected = want(&m, "out", name)->data;
        const int64_t taps = (int64_t)in[0];
        double h[64], sum = 0;
        assert_true(taps <= 64);
        zt_low_pass_design(taps, (double)in[1], (double)in[2], (double)in[3], h);
        for (int64_t k = 0; k < taps; k++) {
            assert_float_equal(h[k], expected[k], 1e-7);
            sum += h[k];
        }
        assert_float_equal(sum, 1, 1e-12);
    }
    zt_tset_finish(&m.file);
}

/* At its cutoff a filter lets half through; well above, next to nothing. */
static void filters_cut_where_they_should(void **state) {
    (void)state;
    double h[48];
    zt_low_pass_design(48, 8, 3, 64, h);
    const double at[4][2] = {{0, 1}, {4, 1}, {8, 0.5}, {13, 0}};       /* frequency, gain */
    for (int f = 0; f < 4; f++) {
        double gain = 0;
        for (int k = 0; k < 48; k++) gain += h[k] * cos(6.283185307179586 * at[f][0] / 64 * (k - 23.5));
        assert_float_equal(gain, at[f][1], 0.01);
    }
}

/* ---- time -------------------------------------------------------------------------------------------------------- */
#define TINY OPTS({"width", "6"}, {"base", "64"}, {"latent", "8"}, {"layers", "5"}, {"margin", "4"}, {"motion_latent", "8"},  \
                  {"motion_distance", "4"}, {"motion_kernel", "2"}, {"time_features", "4"}, {"longest_period", "16"})
enum { SIDE = 16, FRAME = SIDE * SIDE * 3 };

static double furthest(const float *a, const float *b, int n) {
    double d = 0;
    for (int k = 0; k < n; k++) d = fmax(d, fabs((double)a[k] - (double)b[k]));
    return d;
}

/* Three frames of twelve are those of the whole clip; a moment before a motion code's time is almost that time. */
static void frames_can_be_made_alone(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f, "stylegan-v", TINY, (zt_gan_size){.frames = 12, .height = SIDE, .width = SIDE}, 1, false);
    zt_gan_size few = {.frames = 4, .height = SIDE, .width = SIDE, .span = 12};
    few.times = zt_const(f.nn.g, ZT_F32, zt_sh(1, 4), (const double[]){0, 5, 7.999, 8});
    zt_node *const out[] = {f.made.video, f.p.def->generate(&f.nn, f.p.cfg, &few, f.z, false).video};
    must(zt_graph_error(f.nn.g));
    fresh_plan(&f, 2, out);
    must(zt_plan_run(f.plan));
    const float *all = out[0]->x, *some = out[1]->x;
    const int64_t at[4] = {0, 5, -1, 8};
    for (int k = 0; k < 4; k++)
        if (at[k] >= 0) assert_true(furthest(some + k * FRAME, all + at[k] * FRAME, FRAME) < 1e-6);
    const double moment = furthest(some + 2 * FRAME, some + 3 * FRAME, FRAME);
    const double step = furthest(all + 7 * FRAME, all + 8 * FRAME, FRAME);
    printf("largest change of a value in one frame: %.4f, in a thousandth of one: %.6f\n", step, moment);
    assert_true(step > 1e-3 && moment < 0.01 * step);
    fresh_close(&f);
}

/* ---- styles ------------------------------------------------------------------------------------------------------ */
/* Clips of z_a, of z_b, of b's styles in all layers, of b's in the later ones, and of both truncated to nothing. */
static void styles_mix_and_truncate(void **state) {
    (void)state;
    enum { CUT = 3 };
    fresh f;
    zt_node *a[ZT_GAN_STYLES], *b[ZT_GAN_STYLES], *late[ZT_GAN_STYLES], *none[2][ZT_GAN_STYLES], *mean, *out[6];
    fresh_open(&f, "stylegan-v", TINY, (zt_gan_size){.frames = 2, .height = SIDE, .width = SIDE}, 1, false);
    const zt_gan_def *d = f.p.def;
    f.z[2] = zt_input(f.nn.g, "z_b", ZT_F32, f.latent[0].sh);
    f.n_z = 3;
    zt_node *const z_b[2] = {f.z[2], f.z[1]};
    const int n = d->styles(&f.nn, f.p.cfg, &f.size, f.z, false, a, &mean);
    assert_int_equal(d->styles(&f.nn, f.p.cfg, &f.size, z_b, false, b, &mean), n);
    assert_int_equal(n, 7);                                            /* input, 5 layers, colours */
    for (int k = 0; k < n; k++) {
        late[k] = k < CUT ? a[k] : b[k];
        for (int of_b = 0; of_b < 2; of_b++) {
            zt_node *w = of_b ? b[k] : a[k], *centre = zt_broadcast_to(mean, w->sh);
            none[of_b][k] = zt_add(centre, zt_affine(zt_sub(w, centre), 0, 0));
        }
    }
    zt_node *const *w[5] = {a, b, late, none[0], none[1]};
    for (int k = 0; k < 5; k++) out[k] = d->synthesise(&f.nn, f.p.cfg, &f.size, w[k], f.z, NULL, false).video;
    out[5] = f.made.video;
    must(zt_graph_error(f.nn.g));
    fresh_plan(&f, 6, out);
    must(zt_plan_run(f.plan));
    assert_memory_equal(out[5]->x, out[0]->x, 2 * FRAME * sizeof(float));          /* generate: one after the other */
    assert_true(furthest(out[0]->x, out[1]->x, 2 * FRAME) > 1e-2);
    assert_true(furthest(out[2]->x, out[0]->x, 2 * FRAME) > 1e-3 && furthest(out[2]->x, out[1]->x, 2 * FRAME) > 1e-3);
    assert_true(furthest(out[3]->x, out[4]->x, 2 * FRAME) < 1e-7);
    fresh_close(&f);
}

/* The state that truncation draws to becomes the mean of w. */
static void mean_style_is_learned(void **state) {
    (void)state;
    fresh f;
    zt_node *w[ZT_GAN_STYLES], *mean;
    fresh_open(&f, "stylegan-v", TINY, (zt_gan_size){.frames = 1, .height = SIDE, .width = SIDE}, 256, false);
    f.nn.update = NULL;
    f.p.def->styles(&f.nn, f.p.cfg, &f.size, f.z, true, w, &mean);
    zt_node *const out[] = {w[0], f.nn.update};
    fresh_plan(&f, 2, out);
    for (int run = 0; run < 4000; run++) must(zt_plan_run(f.plan));
    const float *x = w[0]->x, *m = zt_tset_find(&f.states, "generator.mapping.mean")->data;
    for (int c = 0; c < 8; c++) {
        double sum = 0;
        for (int k = 0; k < 256; k++) sum += x[k * 8 + c];
        assert_float_equal(m[c], sum / 256, 2e-3);
    }
    fresh_close(&f);
}

static void sizes_are_refused(void **state) {
    (void)state;
    refused(check_size("stylegan-v", NULL, 16, 64, 48), "squares of 16, 32, 64");
    refused(check_size("stylegan-v", NULL, 16, 48, 48), "squares of 16, 32, 64");
    refused(check_size("stylegan-v", NULL, 2000, 64, 64), "1..1024");
    refused(check_size("stylegan-v", OPTS({"motion_distance", "1"}, {"longest_period", "8"}), 1024, 64, 64), "longer distance");
    refused(check_size("stylegan-v", OPTS({"critic_join", "12"}), 16, 64, 64), "power of two");
    refused(check_size("stylegan-v", OPTS({"longest_period", "8"}), 16, 64, 64), "below model.motion_distance");
    assert_int_equal(check_size("stylegan-v", NULL, 128, 256, 256), ZT_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stylegan_golden), cmocka_unit_test(stylegan_plain_golden), cmocka_unit_test(filters_are_those_of_scipy),
        cmocka_unit_test(filters_cut_where_they_should), cmocka_unit_test(frames_can_be_made_alone),
        cmocka_unit_test(styles_mix_and_truncate), cmocka_unit_test(mean_style_is_learned), cmocka_unit_test(sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
