/* test_gan_frame.c - a generator that continues a first frame gets that of real clips: in its inputs, and in a step of a run. One
 * of continuous time, a few frames of each clip: those at the times that it is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/store.h"
#include "train/gan_graph.h"
#include "train/recipe.h"
#include "train/run_data.h"

enum { CLIPS = 6, BATCH = 2, FRAMES = 8, SIDE = 16, FRAME = SIDE * SIDE * 3, CLIP = FRAMES * FRAME, CRITIC_STEPS = 2 };
static char folder[64];

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* Clips whose first frame is white and the others grey, so that what the generator was shown can be told from its penalty. */
static int set_up(void **state) {
    static uint8_t rgb[CLIP];
    zt_store *s = NULL;
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-frame-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder) || zt_store_open(&s, folder, 0) != ZT_OK) return -1;
    memset(rgb, 128, sizeof rgb);
    memset(rgb, 255, FRAME);
    for (int k = 0; k < CLIPS; k++) {
        char key[8];
        snprintf(key, sizeof key, "%d", k);
        const zt_catalog_clip clip = {.key = key, .split = "train", .frames = FRAMES, .height = SIDE, .width = SIDE, .fps = 8,
                                      .caption = "white"};
        if (zt_store_add(s, &clip, rgb, NULL, 0) != ZT_OK) return -1;
    }
    const zt_err e = zt_store_flush(s, 1);
    zt_store_close(&s);
    char path[100];
    snprintf(path, sizeof path, "%s/gan.yaml", folder);
    FILE *f = fopen(path, "w");
    if (!f) return -1;
    fprintf(f, "data: {path: %s}\nmodel: {name: vgan, width: 4, first_frame: true, frame_penalty: 10}\n", folder);
    fprintf(f, "gan: {critic_steps: %d}\ntrain: {optimiser: adam, steps: 4, batch: %d, warmup: 0}\n", CRITIC_STEPS, BATCH);
    return fclose(f) == 0 && e == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_dataset *open_with(zt_train_cfg *c, const char *override) {
    char path[100], text[64];
    zt_dataset *ds = NULL;
    snprintf(path, sizeof path, "%s/gan.yaml", folder);
    snprintf(text, sizeof text, "%s", override);
    char *const overrides[] = {text};
    must(zt_train_cfg_load(c, path, *override ? 1 : 0, overrides));
    must(zt_run_data_open(&ds, c, NULL));
    return ds;
}

static void is_clip(const uint8_t *rgb, const float *x, int64_t n) {
    for (int64_t k = 0; k < n; k++)
        if (fabs(x[k] - (rgb[k] / 127.5 - 1)) > 1e-6) fail_msg("value %lld: %g of byte %d", (long long)k, x[k], rgb[k]);
}

static void every_side_is_shown_frame_0(void **state) {
    static uint8_t rgb[BATCH * CLIP];
    const zt_gan_side sides[] = {ZT_GAN_GENERATOR, ZT_GAN_CRITIC};
    zt_train_cfg c;
    zt_dataset *ds = open_with(&c, "");
    (void)state;
    for (int k = 0; k < BATCH * CLIP; k++) rgb[k] = (uint8_t)(k * 2654435761U >> 24);
    for (int j = 0; j < 2; j++) {
        zt_tset params = {0}, states = {0};
        zt_gan_graph s;
        must(zt_gan_graph_create(&s, sides[j], &c, &params, &states, false));
        assert_true(s.n_z == 1 && s.latent[0].draw == ZT_GAN_FRAME);
        zt_gan_graph_show(&s, &c, rgb);
        zt_gan_graph_draw(&s, &c, 7, 0);                                      /* draws the rest: leaves frames alone */
        for (int b = 0; b < BATCH; b++) is_clip(rgb + b * CLIP, (float *)s.z[0]->x + b * FRAME, FRAME);
        assert_true((s.real != NULL) == (sides[j] != ZT_GAN_GENERATOR));
        if (s.real) is_clip(rgb, s.real->x, sizeof rgb);
        zt_gan_graph_finish(&s);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
    }
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

static void frames_are_those_at_the_times(void **state) {
    enum { SPARSE = 3 };
    static uint8_t rgb[BATCH * CLIP];
    char path[100];
    int other = 0;
    zt_train_cfg c;
    zt_tset params = {0}, states = {0};
    zt_gan_graph s;
    (void)state;
    snprintf(path, sizeof path, "%s/sparse.yaml", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "data: {path: %s}\nmodel: {name: stylegan-v, width: 8, base: 64, latent: 8, layers: 4, margin: 2,\n"
               "  motion_latent: 4, motion_kernel: 2, time_features: 4, longest_period: 64, critic_join: 8}\n", folder);
    fprintf(f, "gan: {sparse_frames: %d}\ntrain: {optimiser: adam, steps: 4, batch: %d, warmup: 0}\n", SPARSE, BATCH);
    assert_int_equal(fclose(f), 0);
    must(zt_train_cfg_load(&c, path, 0, NULL));
    zt_dataset *ds = NULL;
    must(zt_run_data_open(&ds, &c, NULL));
    must(zt_gan_graph_create(&s, ZT_GAN_CRITIC, &c, &params, &states, false));
    assert_true(s.real->sh.d[1] == SPARSE && s.size.span == FRAMES);
    for (int k = 0; k < BATCH * CLIP; k++) rgb[k] = (uint8_t)(k * 2654435761U >> 24);
    for (uint64_t number = 0; number < 20; number++) {
        zt_gan_graph_draw(&s, &c, number, 0);
        zt_gan_graph_show(&s, &c, rgb);
        for (int k = 0; k < BATCH * SPARSE; k++) {
            const float *t = (float *)s.size.times->x + k;
            assert_true(*t >= 0 && *t < FRAMES && *t == floorf(*t) && (k % SPARSE == 0 || *t > t[-1]));
            is_clip(rgb + k / SPARSE * CLIP + (int)*t * FRAME, (float *)s.real->x + k * FRAME, FRAME);
            other += *t != (float)(k % SPARSE);
        }
    }
    assert_true(other > 20);                                                  /* not always the first frames */
    zt_gan_graph_finish(&s);
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    zt_dataset_close(&ds);
    zt_train_cfg_finish(&c);
}

/* One step of a run by `override`: its generator_penalty (-1: none), and the batches it took. */
static double one_step(const char *override, int64_t *batches) {
    static zt_run r;
    zt_train_cfg c;
    zt_scalars s = {0};
    zt_batch next;
    double penalty = -1;
    r = (zt_run){.recipe = &zt_recipe_gan, .ds = open_with(&c, override), .c = &c};
    must(zt_recipe_gan.check(&c, r.ds));
    r.now = c;
    must(zt_recipe_gan.open(&r));
    must(zt_recipe_gan.create(&r.graphs, &c, &r.params, &r.states, false));
    must(zt_run_loader(&r.loader, r.ds, &c, "train", c.train.batch, 0));
    must(zt_recipe_gan.step(&r, &s));
    must(zt_loader_next(r.loader, &next));
    *batches = next.number;
    assert_int_equal(next.number, zt_recipe_gan.batches(&c));                 /* else a resumed run sees other clips */
    for (int k = 0; k < s.n; k++)
        if (strcmp(s.name[k], "generator_penalty") == 0) penalty = s.value[k];
    zt_loader_destroy(&r.loader);
    zt_recipe_gan.destroy(&r.graphs);
    zt_recipe_gan.close(&r);
    zt_tset_finish(&r.params);
    zt_tset_finish(&r.states);
    zt_dataset_close(&r.ds);
    zt_train_cfg_finish(&c);
    return penalty;
}

static void a_step_takes_frames_of_real_clips(void **state) {
    int64_t batches;
    (void)state;
    const double penalty = one_step("", &batches);                            /* 10 |made - 1|; made is near 0 at the start */
    assert_int_equal(batches, CRITIC_STEPS + 1);
    if (!(penalty > 8 && penalty < 12)) fail_msg("penalty %g: not of a white frame", penalty);
    one_step("gan.loss=relativistic", &batches);                              /* looks at real clips anyway: one batch for both */
    assert_int_equal(batches, CRITIC_STEPS + 1);
    one_step("model.first_frame=false", &batches);
    assert_int_equal(batches, CRITIC_STEPS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_side_is_shown_frame_0),
                                       cmocka_unit_test(frames_are_those_at_the_times),
                                       cmocka_unit_test(a_step_takes_frames_of_real_clips)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
