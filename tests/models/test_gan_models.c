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
#define MOCOGAN OPTS({"width", "4"}, {"content", "5"}, {"motion", "3"})
static void mocogan(golden *m) { both(m, "mocogan", MOCOGAN, true); }
static void mocogan_fixed(golden *m) { both(m, "mocogan", MOCOGAN, false); }
static void flow(golden *m) { both(m, "videogan-flow", OPTS({"width", "2"}, {"latent", "4"}), true); }
static void flow_still(golden *m) { both(m, "videogan-flow", OPTS({"width", "2"}, {"latent", "4"}, {"warp", "false"}), false); }

AGAINST_PYTORCH(vgan)
AGAINST_PYTORCH(vgan_fixed)
AGAINST_PYTORCH(vgan_one_stream)
AGAINST_PYTORCH(vgan_frame)
AGAINST_PYTORCH(tgan)
AGAINST_PYTORCH(tgan_fixed)
AGAINST_PYTORCH(mocogan)
AGAINST_PYTORCH(mocogan_fixed)
AGAINST_PYTORCH(flow)
AGAINST_PYTORCH(flow_still)

/* ---- what PyTorch cannot say ------------------------------------------------------------------------------------- */
/* Model FLOPs of a clip's generator, or of the critic on it. */
static double gflop(fresh *f, zt_node *of, int64_t clips) {
    const zt_plan_cfg cfg = {.params = &f->params, .states = &f->states, .dry = true};
    must(zt_plan_create(&f->plan, f->nn.g, 1, &of, &cfg));
    const double flops = (double)zt_plan_get_info(f->plan)->flops / (double)clips;
    zt_plan_destroy(&f->plan);
    return flops * 1e-9;
}

/* Options as published make clips of the published size and a score for each; what they cost is printed. One stream of a VGAN
 * does less than two. */
static void published_sizes(void **state) {
    (void)state;
    static const struct { const char *name, *opt, *value; int64_t frames; } at[] = {
        {"vgan", "streams", "2", 32}, {"vgan", "streams", "1", 32}, {"vgan", "first_frame", "true", 32},
        {"tgan", "latent", "100", 16}, {"videogan-flow", "latent", "100", 16},
    };
    double made[5];
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
        fresh f;
        zt_gan_verdict v[ZT_GAN_CRITICS];
        const char *const opts[2][2] = {{at[k].opt, at[k].value}};
        fresh_open(&f, at[k].name, opts, (zt_gan_size){.frames = at[k].frames, .height = 64, .width = 64}, 2, true);
        const zt_shape clip = zt_sh(2, at[k].frames, 64, 64, 3);
        assert_true(zt_same_shape(&f.made.video->sh, &clip));
        int64_t count[2] = {0};
        for (int i = 0; i < f.params.n; i++) count[0] += zt_numel(&f.params.t[i].sh);
        zt_node *shown = zt_input(f.nn.g, "shown", ZT_F32, clip), *pick = zt_input(f.nn.g, "pick", ZT_I32, zt_sh(2));
        const int critics = f.p.def->judge(&f.nn, f.p.cfg, &f.size, shown, pick, true, v);
        must(zt_graph_error(f.nn.g));
        for (int i = 0; i < f.params.n; i++) count[1] += zt_numel(&f.params.t[i].sh);
        double judged = 0;
        for (int i = 0; i < critics; i++) {
            assert_int_equal(v[i].score->sh.d[0], 2);
            judged += gflop(&f, v[i].score, 2);
        }
        made[k] = gflop(&f, f.made.video, 2);
        printf("%s, %s=%s: generator %.1f million parameters, %.2f GFLOP a clip; critic %.1f million, %.2f GFLOP\n", at[k].name,
               at[k].opt, at[k].value, (double)count[0] * 1e-6, made[k], (double)(count[1] - count[0]) * 1e-6, judged);
        fresh_close(&f);
    }
    assert_true(made[1] < made[0]);
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

/* A penalty on the critic's slope (R1, WGAN-GP) can be followed downhill: its gradient by every weight (of biases not all have
 * part in the slope) is there, finite and not zero. */
static void slopes_have_gradients(void **state) {
    (void)state;
    enum { MANY = 64 };
    static const struct { const char *name, *opts[5][2]; } at[] = {
        {"vgan", {{"width", "4"}}}, {"vgan", {{"width", "4"}, {"critic_norm", "none"}}},
        {"vgan", {{"width", "4"}, {"critic_norm", "spectral"}}},
        {"tgan", {{"critic_width", "4"}, {"width", "4"}, {"temporal_width", "8"}}},
        {"videogan-flow", {{"width", "4"}}},
        {"stylegan-v", {{"width", "8"}, {"base", "64"}, {"latent", "8"}, {"critic_join", "8"}}},
    };
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
        fresh f;
        zt_gan_verdict v[ZT_GAN_CRITICS];
        zt_node *wrt[MANY], *out[MANY], *slope, *penalty = NULL;
        int n = 0;
        fresh_open(&f, at[k].name, at[k].opts, (zt_gan_size){.frames = 4, .height = 16, .width = 16}, 2, true);
        zt_node *shown = zt_input(f.nn.g, "shown", ZT_F32, f.made.video->sh), *pick = zt_input(f.nn.g, "pick", ZT_I32, zt_sh(2));
        const int critics = f.p.def->judge(&f.nn, f.p.cfg, &f.size, shown, pick, true, v);
        for (int i = 0; i < critics; i++) {
            must(zt_grad(zt_sum(v[i].score), 1, &shown, &slope));
            zt_node *part = zt_sum(zt_square(slope));
            penalty = penalty ? zt_add(penalty, part) : part;
        }
        for (int id = 0; id < zt_graph_size(f.nn.g); id++) {
            zt_node *p = zt_graph_node(f.nn.g, id);
            if (p->role != ZT_PARAM || strncmp(p->name, "critic.", 7) != 0 || p->sh.n < 2) continue;
            assert_true(n < MANY);
            wrt[n++] = p;
        }
        must(zt_grad(penalty, n, wrt, out));
        fresh_plan(&f, n, out);
        zt_fill_normal(9, 1, shown->x, zt_numel(&shown->sh));
        if (pick->x) ((int32_t *)pick->x)[1] = 2;
        must(zt_plan_run(f.plan));
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int64_t e = 0; e < zt_numel(&out[i]->sh); e++) sum += fabs((double)((float *)out[i]->x)[e]);
            if (!(sum > 0 && isfinite(sum))) fail_msg("%s: gradient of the penalty by %s: %g", at[k].name, wrt[i]->name, sum);
        }
        fresh_close(&f);
    }
}

/* The score of a clip hangs on the other clip of its batch with batch norm, and with no other norm. */
static void norms_of_critics(void **state) {
    (void)state;
    static const char *const model[] = {"vgan", "tgan", "mocogan", "videogan-flow"},
                      *const norm[] = {"batch", "instance", "spectral", "none"};
    for (int k = 0; k < 16; k++) {
        fresh f;
        zt_gan_verdict v[ZT_GAN_CRITICS];
        const char *const opts[3][2] = {{"width", "4"}, {"critic_norm", norm[k % 4]}};
        fresh_open(&f, model[k / 4], opts, (zt_gan_size){.frames = 16, .height = 16, .width = 16}, 2, true);
        zt_node *shown = zt_input(f.nn.g, "shown", ZT_F32, f.made.video->sh), *pick = zt_input(f.nn.g, "pick", ZT_I32, zt_sh(2));
        zt_node *score = v[f.p.def->judge(&f.nn, f.p.cfg, &f.size, shown, pick, true, v) - 1].score;
        fresh_plan(&f, 1, &score);
        const int64_t clip = zt_numel(&shown->sh) / 2;
        float first[2];
        for (int other = 0; other < 2; other++) {
            zt_fill_normal(9, 1, shown->x, clip);
            zt_fill_normal(9, 2 + (uint64_t)other, (float *)shown->x + clip, clip);
            must(zt_plan_run(f.plan));
            first[other] = *(float *)score->x;
        }
        if ((first[0] == first[1]) != (k % 4 > 0))
            fail_msg("%s, critic_norm=%s: %g beside one clip, %g beside another", model[k / 4], norm[k % 4], (double)first[0],
                     (double)first[1]);
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
    refused(check_size("mocogan", NULL, 16, 48, 48), "square clips of 16, 32");
    refused(check_size("mocogan", NULL, 16, 32, 64), "64x32 was asked for");
    refused(check_size("mocogan", NULL, 8, 32, 32), "clips of 13 frames or more, these have 8");
    assert_null(zt_gan_find("no such pair"));
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
        cmocka_unit_test(mocogan_golden), cmocka_unit_test(mocogan_fixed_golden), cmocka_unit_test(flow_golden),
        cmocka_unit_test(flow_still_golden), cmocka_unit_test(flow_carries_pictures),
        cmocka_unit_test(published_sizes), cmocka_unit_test(vgan_background_stands_still),
        cmocka_unit_test(slopes_have_gradients), cmocka_unit_test(norms_of_critics), cmocka_unit_test(sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
