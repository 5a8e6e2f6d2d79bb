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
#include "nn/golden.h"
#include "models/gan.h"
#include "says.h"

/* ---- golden values ----------------------------------------------------------------------------------------------- */
typedef struct pair {
    const zt_gan_def *def;
    int64_t cfg[64];                    /* aligned room of its options */
} pair;
static pair pair_of(const char *name, const char *const opts[][2]) {
    pair p = {.def = zt_gan_find(name)};
    assert_non_null(p.def);
    assert_true(p.def->cfg_size <= sizeof p.cfg);
    zt_opt_defaults(p.def->opts, p.cfg);
    for (int k = 0; opts && opts[k][0]; k++) must(zt_opt_set(p.def->opts, p.cfg, "model.", opts[k][0], opts[k][1]));
    return p;
}

/* Generator from the file's latents, critic on the file's other clip. */
static void both(golden *m, const char *name, const char *const opts[][2], bool training) {
    const pair p = pair_of(name, opts);
    zt_node *real = input_with_gradient(m, "real"), *z[ZT_GAN_LATENTS];
    const int64_t *d = real->sh.d;
    const zt_gan_size size = {.frames = d[1], .height = d[2], .width = d[3]};
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_gan_verdict verdict[ZT_GAN_CRITICS];
    char pick_name[64];
    must(p.def->check(p.cfg, &size));
    const int n = p.def->latents(p.cfg, &size, d[0], latent);
    for (int k = 0; k < n; k++) {
        z[k] = input_with_gradient(m, latent[k].name);
        if (!zt_same_shape(&z[k]->sh, &latent[k].sh)) fail_msg("%s: latent %s", m->name, latent[k].name);
    }
    snprintf(pick_name, sizeof pick_name, "%s/in/pick", m->name);
    zt_node *pick = zt_tset_find(&m->file, pick_name) ? zt_input(m->nn.g, pick_name, ZT_I32, zt_sh(d[0])) : NULL;
    zt_push(m->nn.g, "%s", m->name);
    const zt_gan_made made = p.def->generate(&m->nn, p.cfg, &size, z, training);
    const int critics = p.def->judge(&m->nn, p.cfg, &size, real, pick, training, verdict);
    zt_pop(m->nn.g);
    must(zt_graph_error(m->nn.g));
    output(m, made.video, "video");
    for (int k = 0; k < ZT_GAN_VIEWS && made.view[k].x; k++) output(m, made.view[k].x, made.view[k].name);
    if (made.penalty) output(m, made.penalty, "penalty");
    for (int k = 0; k < critics; k++) output(m, verdict[k].score, k ? "score1" : "score");
}
#define OPTS(...) (const char *const[][2]){__VA_ARGS__, {0}}

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
/* A pair's graph with new parameters. */
typedef struct fresh {
    pair p;
    zt_gan_size size;
    zt_tset params, states;
    zt_nn nn;
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_node *z[ZT_GAN_LATENTS];
    int n_z;
    zt_gan_made made;
    zt_plan *plan;
} fresh;
static void fresh_open(fresh *f, const char *name, const char *const opts[][2], zt_gan_size size, int64_t clips, bool training) {
    *f = (fresh){.p = pair_of(name, opts), .size = size};
    must(f->p.def->check(f->p.cfg, &size));
    must(zt_graph_create(&f->nn.g));
    f->nn.params = &f->params;
    f->nn.states = &f->states;
    f->nn.seed = 3;
    f->n_z = f->p.def->latents(f->p.cfg, &size, clips, f->latent);
    for (int k = 0; k < f->n_z; k++) f->z[k] = zt_input(f->nn.g, f->latent[k].name, ZT_F32, f->latent[k].sh);
    f->made = f->p.def->generate(&f->nn, f->p.cfg, &size, f->z, training);
    must(zt_graph_error(f->nn.g));
}
static void fresh_plan(fresh *f, int n_out, zt_node *const *out) {
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &f->params, .states = &f->states};
    must(zt_plan_create(&f->plan, f->nn.g, n_out, out, &cfg));
    for (int k = 0; k < f->n_z; k++)
        if (f->z[k]->x) zt_fill_normal(5, (uint64_t)k, f->z[k]->x, zt_numel(&f->z[k]->sh));
}
static void fresh_close(fresh *f) {
    zt_plan_destroy(&f->plan);
    zt_graph_destroy(&f->nn.g);
    zt_tset_finish(&f->params);
    zt_tset_finish(&f->states);
}

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

static zt_err check(const char *name, const char *const opts[][2], int64_t frames, int64_t height, int64_t width) {
    const pair p = pair_of(name, opts);
    return p.def->check(p.cfg, &(zt_gan_size){.frames = frames, .height = height, .width = width});
}
static void refused(zt_err e, const char *want) {
    assert_int_equal(e, ZT_CONFIG);
    says(want);
}
static void sizes_are_refused(void **state) {
    (void)state;
    refused(check("vgan", NULL, 10, 64, 64), "multiples of 16, such as 16x64x64");
    refused(check("vgan", NULL, 16, 7, 64), "sides of 8..4096");
    refused(check("vgan", NULL, 16, 64, 72), "such as 16x64x64");
    assert_int_equal(check("vgan", NULL, 16, 48, 64), ZT_OK);
    refused(check("tgan", NULL, 24, 32, 32), "power of two");
    refused(check("videogan-flow", NULL, 1, 32, 32), "at least 2");
    refused(check("videogan-flow", NULL, 2000, 32, 32), "1..1024 frames");
    assert_int_equal(check("videogan-flow", NULL, 5, 32, 32), ZT_OK);
    refused(check("tgan", OPTS({"width", "30"}), 16, 64, 64), "want a multiple of 8");
    assert_int_equal(check("tgan", OPTS({"width", "32"}), 16, 32, 32), ZT_OK);
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
