/* test_gan_models.c - the adversarial pairs against PyTorch: clips, views, penalties and scores, gradients by every parameter
 * and input, what states become; with the plain references and with the CPU backend. The numbers are in
 * tests/golden/gan_models.safetensors, made by tests/reference/gan_models.py. And what PyTorch cannot say: sizes, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#define GOLDEN_FILE "tests/golden/gan_models.safetensors"
#define TOLERANCE 5e-6
#include "models/gan_pair.h"

/* ---- golden values ----------------------------------------------------------------------------------------------- */
static void vgan(golden *m) { both(m, "vgan", OPTS({"width", "3"}, {"latent", "5"}), true); }
static void vgan_fixed(golden *m) { both(m, "vgan", OPTS({"width", "3"}, {"latent", "5"}), false); }
static void vgan_one_stream(golden *m) { both(m, "vgan", OPTS({"width", "3"}, {"latent", "5"}, {"streams", "1"}), true); }
static void vgan_frame(golden *m) { both(m, "vgan", OPTS({"width", "2"}, {"first_frame", "true"}), true); }
#define TGAN OPTS({"width", "4"}, {"temporal_width", "8"}, {"critic_width", "3"}, {"latent", "5"})
static void tgan(golden *m) { both(m, "tgan", TGAN, true); }
static void tgan_fixed(golden *m) { both(m, "tgan", TGAN, false); }
static void flow(golden *m) { both(m, "videogan-flow", OPTS({"width", "2"}, {"latent", "4"}), true); }
static void flow_still(golden *m) { both(m, "videogan-flow", OPTS({"width", "2"}, {"latent", "4"}, {"warp", "false"}), false); }

AGAINST_PYTORCH(vgan)
AGAINST_PYTORCH(vgan_fixed)
AGAINST_PYTORCH(vgan_one_stream)
AGAINST_PYTORCH(vgan_frame)
AGAINST_PYTORCH(tgan)
AGAINST_PYTORCH(tgan_fixed)
AGAINST_PYTORCH(flow)
AGAINST_PYTORCH(flow_still)

/* ---- what PyTorch cannot say ------------------------------------------------------------------------------------- */
/* The published sizes: shapes of all that a pair makes, with its default options. */
static void published_sizes(void **state) {
    (void)state;
    static const struct { const char *name; zt_gan_size size; int64_t params; } at[] = {
        {"vgan", {.frames = 32, .height = 64, .width = 64}, 0},
        {"tgan", {.frames = 16, .height = 64, .width = 64}, 0},
    };
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
        fresh f;
        zt_gan_verdict v[ZT_GAN_CRITICS];
        fresh_open(&f, at[k].name, NULL, at[k].size, 2, true);
        const zt_shape clip = zt_sh(2, at[k].size.frames, 64, 64, 3);
        assert_true(zt_same_shape(&f.made.video->sh, &clip));
        assert_true(f.p.def->judge(&f.nn, f.p.cfg, &f.size, f.made.video, NULL, true, v) >= 1);
        must(zt_graph_error(f.nn.g));
        assert_int_equal(v[0].score->sh.d[0], 2);
        int64_t count = 0;
        for (int i = 0; i < f.params.n; i++) count += zt_numel(&f.params.t[i].sh);
        printf("%s: %lld parameters\n", at[k].name, (long long)count);
        fresh_close(&f);
    }
}

/* The background of a VGAN stands still, and its clip lies between it and the foreground. */
static void vgan_background_stands_still(void **state) {
    (void)state;
    fresh f;
    fresh_open(&f, "vgan", OPTS({"width", "4"}), (zt_gan_size){.frames = 16, .height = 32, .width = 32}, 2, true);
    zt_node *const out[] = {f.made.video, f.made.view[0].x, f.made.view[1].x, f.made.view[2].x, f.nn.update};
    fresh_plan(&f, 5, out);
    must(zt_plan_run(f.plan));
    const float *v = out[0]->x, *m = out[1]->x, *b = out[2]->x, *fore = out[3]->x;
    const int64_t frame = 32 * 32 * 3;
    double moves = 0;
    for (int64_t k = 0; k < 2 * 16 * frame; k++) {
        assert_true(m[k / 3] > 0 && m[k / 3] < 1);
        assert_float_equal(v[k], m[k / 3] * fore[k] + (1 - m[k / 3]) * b[k], 1e-6);
        if (k / frame % 16 == 0) continue;
        assert_true(b[k] == b[k - frame]);
        moves = fmax(moves, fabs((double)(fore[k] - fore[k - frame])));
    }
    assert_true(moves > 1e-3);
    fresh_close(&f);
}

static void set_all(fresh *f, const char *name, float value) {
    const zt_tensor *t = zt_tset_find(&f->params, name);
    if (!t) fail_msg("no parameter %s", name);
    for (int64_t k = 0; k < zt_numel(&t->sh); k++) ((float *)t->data)[k] = value;
}

/* With a flow of (2,-1) pixels everywhere and a mask of 1, every frame is the one before, moved; without warping, the same. */
static void flow_carries_pictures(void **state) {
    (void)state;
    for (int warp = 0; warp <= 1; warp++) {
        enum { T = 4, SIDE = 16 };
        fresh f;
        fresh_open(&f, "videogan-flow", OPTS({"width", "2"}, {"warp", warp ? "true" : "false"}),
                   (zt_gan_size){.frames = T, .height = SIDE, .width = SIDE}, 1, true);
        set_all(&f, "generator.flow.out.weight", 0);
        set_all(&f, "generator.texture.out.weight", 0);
        float *flow = zt_tset_find(&f.params, "generator.flow.out.bias")->data;
        for (int k = 0; k < 2 * (T - 1); k++) flow[k] = k % 2 ? atanhf(-0.25F) : atanhf(0.5F);            /* of max_flow = 4 */
        ((float *)zt_tset_find(&f.params, "generator.texture.out.bias")->data)[3] = 50;
        zt_node *const out[] = {f.made.video, f.made.view[0].x, f.made.view[1].x};
        fresh_plan(&f, 3, out);
        must(zt_plan_run(f.plan));
        const float *v = out[0]->x, *moves = out[1]->x, *mask = out[2]->x;
        assert_float_equal(moves[0], 2, 1e-5);
        assert_float_equal(moves[1], -1, 1e-5);
        assert_true(mask[0] == 0 && mask[SIDE * SIDE] == 1);
        for (int t = 1; t < T; t++)
            for (int y = 1; y < SIDE; y++)
                for (int x = 0; x < SIDE - 2; x++) {
                    const int from = (((t - 1) * SIDE + y - (warp ? 1 : 0)) * SIDE + x + (warp ? 2 : 0)) * 3;
                    assert_float_equal(v[((t * SIDE + y) * SIDE + x) * 3], v[from], 1e-5);
                }
        fresh_close(&f);
    }
}

static void sizes_are_refused(void **state) {
    (void)state;
    refused(check_size("vgan", NULL, 10, 64, 64), "multiples of 16, such as 16x64x64");
    refused(check_size("vgan", NULL, 16, 7, 64), "sides of 8..4096");
    refused(check_size("vgan", NULL, 16, 64, 72), "such as 16x64x64");
    assert_int_equal(check_size("vgan", NULL, 16, 48, 64), ZT_OK);
    refused(check_size("tgan", NULL, 24, 32, 32), "power of two");
    refused(check_size("videogan-flow", NULL, 1, 32, 32), "at least 2");
    refused(check_size("videogan-flow", NULL, 2000, 32, 32), "1..1024 frames");
    assert_int_equal(check_size("videogan-flow", NULL, 5, 32, 32), ZT_OK);
    refused(check_size("tgan", OPTS({"width", "30"}), 16, 64, 64), "want a multiple of 8");
    assert_int_equal(check_size("tgan", OPTS({"width", "32"}), 16, 32, 32), ZT_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vgan_golden), cmocka_unit_test(vgan_fixed_golden), cmocka_unit_test(vgan_one_stream_golden),
        cmocka_unit_test(vgan_frame_golden), cmocka_unit_test(tgan_golden), cmocka_unit_test(tgan_fixed_golden),
        cmocka_unit_test(flow_golden), cmocka_unit_test(flow_still_golden), cmocka_unit_test(flow_carries_pictures),
        cmocka_unit_test(published_sizes), cmocka_unit_test(vgan_background_stands_still), cmocka_unit_test(sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
