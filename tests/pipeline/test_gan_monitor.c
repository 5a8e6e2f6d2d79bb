/* test_gan_monitor.c - mode collapse is named, and only where it is: clips of one look among clips of many. Codes of content and
 * motion of a generator that is sampled. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"
#include "pipeline/gan_monitor.h"
#include "pipeline/gan_sampling.h"

enum { N = 32, T = 8, S = 32, BYTES = T * S * S * 3 };

/* A disc of a colour that moves left or right over grey, with a little noise. */
static void draw(uint8_t *rgb, zt_rng *r, int colour, bool left) {
    const double y0 = zt_rng_range(r, 10, 22);
    for (int t = 0; t < T; t++) {
        const double x0 = left ? 22 - 1.5 * t : 10 + 1.5 * t;
        for (int y = 0; y < S; y++)
            for (int x = 0; x < S; x++) {
                uint8_t *p = rgb + ((t * S + y) * S + x) * 3;
                const bool in = (x - x0) * (x - x0) + (y - y0) * (y - y0) < 30;
                for (int c = 0; c < 3; c++) p[c] = (uint8_t)(in ? (c == colour ? 230 : 20) : 100 + zt_rng_int(r, 0, 4));
            }
    }
}
static uint8_t *clips(uint64_t seed, bool varied) {
    uint8_t *rgb = zt_alloc((size_t)N * BYTES);
    zt_rng r = zt_rng_init(seed, 1);
    for (int k = 0; k < N; k++) draw(rgb + (size_t)k * BYTES, &r, varied ? k % 3 : 0, varied && k % 2);
    return rgb;
}

static void collapse_is_named_where_it_is(void **state) {
    (void)state;
    uint8_t *real = clips(1, true), *good = clips(2, true), *poor = clips(3, false), *same = clips(4, false);
    for (int k = 1; k < N; k++) memcpy(same + (size_t)k * BYTES, same, BYTES);
    zt_gan_monitor m;
    assert_int_equal(zt_gan_monitor_look(&m, good, N, real, N, T, S, S, true), ZT_OK);
    assert_string_equal(m.collapse, "");
    assert_true(m.made.valid == 1 && fabs(m.made.entropy.colour - log2(3)) < 0.01 && m.made.entropy.direction > 0.99);
    const double near = m.frechet;
    assert_int_equal(zt_gan_monitor_look(&m, poor, N, real, N, T, S, S, true), ZT_OK);
    assert_non_null(strstr(m.collapse, "entropy (bits) of colour"));
    assert_non_null(strstr(m.collapse, "entropy (bits) of direction"));
    assert_true(m.frechet > 3 * near);
    assert_int_equal(zt_gan_monitor_look(&m, same, N, real, N, T, S, S, false), ZT_OK);
    assert_non_null(strstr(m.collapse, "variance over samples"));
    assert_non_null(strstr(m.collapse, "distance to the nearest other sample"));
    assert_null(strstr(m.collapse, "entropy"));                               /* nobody judged */
    assert_int_equal(zt_gan_monitor_look(&m, good, 1, real, N, T, S, S, false), ZT_ARG);
    zt_free(real);
    zt_free(good);
    zt_free(poor);
    zt_free(same);
}

/* ---- codes -------------------------------------------------------------------------------------------------------- */
enum { FRAMES = 10, SIDE = 16, CLIP = FRAMES * SIDE * SIDE * 3 };

static void make(zt_net *net, zt_tset *p, zt_tset *s, int64_t frames, int n, const zt_gan_codes *codes, float *x) {
    zt_net view = *net;
    zt_gan_sampling *g;
    view.frames = frames;
    assert_int_equal(zt_gan_sampling_create(&g, &view, p, s, 3, ZT_F32, 0), ZT_OK);
    assert_int_equal(zt_gan_sampling_run(g, n, codes, x, NULL, NULL), ZT_OK);
    zt_gan_sampling_destroy(&g);
}

static void codes_say_content_and_motion(void **state) {
    (void)state;
    zt_net net;
    zt_tset p = {0}, s = {0};
    assert_int_equal(zt_net_init(&net, "mocogan"), ZT_OK);
    assert_int_equal(zt_opt_set(net.gan->opts, net.cfg, "", "width", "4"), ZT_OK);
    net.frames = FRAMES, net.height = net.width = SIDE, net.classes = 3;
    static float x[5][CLIP], longer[2 * CLIP], ends[2][CLIP];
    const zt_gan_codes codes[5] = {{.content = 1, .motion = 2, .category = -1}, {.content = 1, .motion = 2, .category = -1},
                                   {.content = 1, .motion = 3, .category = -1}, {.content = 4, .motion = 2, .category = -1},
                                   {.content = 1, .motion = 2, .category = (zt_gan_category_of(&net, &codes[0]) + 1) % 3}};
    make(&net, &p, &s, FRAMES, 5, codes, x[0]);                               /* in two passes of three */
    assert_memory_equal(x[0], x[1], sizeof x[0]);
    for (int k = 2; k < 5; k++) assert_true(memcmp(x[0], x[k], sizeof x[0]) != 0);
    make(&net, &p, &s, 2 * FRAMES, 1, codes, longer);                         /* begins as the short one does */
    for (int k = 0; k < CLIP; k++) assert_true(fabsf(longer[k] - x[0][k]) < 1e-5F);
    const zt_gan_codes mixed[2] = {{.content = 9, .content_to = 1, .mix = 1, .motion = 2, .category = -1},
                                   {.content = 1, .content_to = 4, .mix = 1e-12, .motion = 2, .category = -1}};
    make(&net, &p, &s, FRAMES, 2, mixed, ends[0]);
    for (int e = 0; e < 2; e++)
        for (int k = 0; k < CLIP; k++) assert_true(fabsf(ends[e][k] - x[0][k]) < 1e-4F);
    zt_tset_finish(&p);
    zt_tset_finish(&s);
    zt_net_finish(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(collapse_is_named_where_it_is),
                                       cmocka_unit_test(codes_say_content_and_motion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
