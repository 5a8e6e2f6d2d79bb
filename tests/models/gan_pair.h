/* gan_pair.h - for tests of adversarial pairs: one from the golden file (made by tests/reference/gan_models.py) to compare with
 * PyTorch, one with new parameters. Define GOLDEN_FILE and TOLERANCE as for nn/golden.h. */
#ifndef ZT_TESTS_GAN_PAIR_H
#define ZT_TESTS_GAN_PAIR_H
#include "nn/golden.h"
#include "models/gan.h"
#include "says.h"

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
    zt_gan_size size = {.frames = d[1], .height = d[2], .width = d[3]};
    zt_gan_latent latent[ZT_GAN_LATENTS];
    zt_gan_verdict verdict[ZT_GAN_CRITICS];
    char pick_name[64], times_name[64], category_name[64];
    snprintf(times_name, sizeof times_name, "%s/in/times", m->name);
    if (zt_tset_find(&m->file, times_name)) {
        size.times = input(m, "in", "times");
        size.span = 7;
    }
    snprintf(category_name, sizeof category_name, "%s/in/z_category", m->name);
    const zt_tensor *category = zt_tset_find(&m->file, category_name);
    if (category) size.classes = category->sh.d[1];
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
    for (int k = 0; k < critics; k++) {
        output(m, verdict[k].score, k ? "score1" : "score");
        if (verdict[k].category) output(m, verdict[k].category, k ? "category1" : "category");
    }
}
#define OPTS(...) (const char *const[][2]){__VA_ARGS__, {0}}

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

/* Whether the pair, with these options, refuses clips of this size, and says why. */
static zt_err check_size(const char *name, const char *const opts[][2], int64_t frames, int64_t height, int64_t width) {
    const pair p = pair_of(name, opts);
    return p.def->check(p.cfg, &(zt_gan_size){.frames = frames, .height = height, .width = width});
}
static void refused(zt_err e, const char *want_text) {
    assert_int_equal(e, ZT_CONFIG);
    says(want_text);
}
#endif
