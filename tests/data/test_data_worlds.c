/* test_data_worlds.c - the synthetic worlds: captions and labels agree, pictures are the same everywhere, and what is told about
 * them is true. MOVE's own tests are in test_data_synth.c. labels: threads */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/synth.h"
#include "data/worlds/faces.h"
#include "data/worlds/physics.h"
#include "data/worlds/scene3d.h"

/* A clip with all its truth. */
typedef struct clip {
    const zt_world *w;
    zt_clip_size size;
    zt_scene *scene;
    uint8_t *rgb;
    void *truth[ZT_TRUTHS];
} clip;

static clip make_clip(const zt_world *w, int T, int H, int W, double fps) {
    clip c = {w, {T, H, W, fps}, zt_alloc(w->scene_bytes), zt_alloc((size_t)(T * H * W) * 3), {NULL}};
    int64_t shape[4];
    for (int i = 0; i < w->n_truths; i++) c.truth[i] = zt_alloc(zt_world_truth_shape(w, i, &c.size, shape));
    return c;
}

static void free_clip(clip *c) {
    zt_free(c->scene);
    zt_free(c->rgb);
    for (int i = 0; i < ZT_TRUTHS; i++) zt_free(c->truth[i]);
}

static void sample(clip *c, zt_rng *r) {
    memset(c->scene, 0, c->w->scene_bytes);
    c->w->sample(r, NULL, false, &c->size, c->scene);
}

static void draw(clip *c) {
    int64_t shape[4];
    for (int i = 0; i < c->w->n_truths; i++) memset(c->truth[i], 0, zt_world_truth_shape(c->w, i, &c->size, shape));
    if (c->w->render(c->scene, &c->size, c->rgb, c->truth) != ZT_OK) fail_msg("%s", zt_err_text());
}

/* Index of an attribute or truth by name. */
static int attribute(const zt_world *w, const char *name) {
    for (int i = 0; i < w->n_attributes; i++)
        if (strcmp(w->attribute[i].name, name) == 0) return i;
    fail_msg("%s has no attribute %s", w->name, name);
    return -1;
}

static void *truth(const clip *c, const char *name) {
    for (int i = 0; i < c->w->n_truths; i++)
        if (strcmp(c->w->truth[i].name, name) == 0) return c->truth[i];
    fail_msg("%s has no truth %s", c->w->name, name);
    return NULL;
}

/* ---- all worlds ---- */

static void test_sine(void **state) {
    (void)state;
    for (int i = -40000; i < 40000; i++) {
        const double x = i * 0.0123;
        assert_true(fabs(zt_sin(x) - sin(x)) < 1e-12 && fabs(zt_cos(x) - cos(x)) < 1e-12);
    }
}

/* What is said is what is shown; every value that can be said is said. */
static void test_captions(void **state) {
    (void)state;
    for (int k = 0; k < ZT_WORLDS; k++) {
        const zt_world *w = zt_worlds[k];
        clip c = make_clip(w, 16, 16, 16, 8);
        int said[ZT_ATTRIBUTES][32] = {{0}};
        zt_rng r = zt_rng_init(11, (uint64_t)k);
        for (int n = 0; n < 4000; n++) {
            char text[ZT_CAPTION_MAX];
            int v[ZT_ATTRIBUTES];
            sample(&c, &r);
            w->caption(c.scene, n % 4 ? &r : NULL, text);
            if (!zt_world_parse(w, text, v)) fail_msg("%s: '%s' does not say all it must", w->name, text);
            for (int i = 0; i < w->n_attributes; i++) {
                const int is = c.scene->value[i];
                assert_true(is >= -1 && is < w->attribute[i].n);
                if (v[i] >= 0 ? v[i] != is : is >= 0 && w->attribute[i].always)
                    fail_msg("%s: '%s' says %s %d, it is %d", w->name, text, w->attribute[i].name, v[i], is);
                if (v[i] >= 0) said[i][v[i]]++;
            }
        }
        for (int i = 0; i < w->n_attributes; i++)
            for (int v = 0; v < w->attribute[i].n; v++)
                if (w->attribute[i].phrase[v] && !said[i][v])
                    fail_msg("%s: %s is never said", w->name, w->attribute[i].phrase[v]);
        free_clip(&c);
    }
}

static void test_parse(void **state) {
    (void)state;
    int v[ZT_ATTRIBUTES];
    assert_true(zt_world_parse(&zt_world_digits, "The digit THREE moves up and the digit seven moves left", v));
    assert_true(v[0] == 2 && v[1] == 3 && v[2] == 0 && v[3] == 7);
    assert_true(zt_world_parse(&zt_world_scene3d, "a red sphere hops beside a small blue cube, the camera orbits left", v));
    assert_true(v[0] == 0 && v[1] == 0 && v[2] == 1 && v[3] == 1 && v[4] == 2 && v[5] == -1 && v[6] == 0 && v[7] == 1);
    static const struct {
        const zt_world *w;
        const char *text;
    } BAD[] = {
        {&zt_world_digits, "the digit three moves"},
        {&zt_world_digits, "the digit three moves up and the digit moves left"},
        {&zt_world_digits, "the digit three and the digit four moves up"},
        {&zt_world_scene3d, "a red sphere beside a cube, the camera orbits left"},
        {&zt_world_scene3d, "a red blue sphere, the camera orbits left"},
        {&zt_world_physics, "a ball falls and bounces"},
        {&zt_world_faces, "a person with black hair smilesand nods"},
        {&zt_world_faces, ""},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) assert_false(zt_world_parse(BAD[i].w, BAD[i].text, v));
}

static void test_hold_out(void **state) {
    (void)state;
    for (int k = 0; k < ZT_WORLDS; k++) {
        const zt_world *w = zt_worlds[k];
        const int combos = zt_world_combos(w);
        bool held[ZT_COMBOS], other[ZT_COMBOS];
        assert_true(combos >= 2 * ZT_HOLD_OUT_MAX - 8 && combos <= ZT_COMBOS && w->n_attributes <= ZT_ATTRIBUTES &&
                    w->n_truths <= ZT_TRUTHS);
        for (int n = 0; n <= ZT_HOLD_OUT_MAX; n++) {
            int count[3][32] = {{0}}, all = 0;
            zt_world_hold_out(w, 5, n, held);
            for (int i = 0; i < combos; i++) {
                if (!held[i]) continue;
                all++;
                for (int a = w->n_held - 1, rest = i; a >= 0; rest /= w->attribute[a].n, a--)
                    count[a][rest % w->attribute[a].n]++;
            }
            assert_int_equal(all, n);
            for (int a = 0; a < w->n_held && !w->hold_out; a++) /* MOVE's own way is even for some n only */
                for (int v = 0; v < w->attribute[a].n; v++)
                    if (count[a][v] > (n + w->attribute[a].n - 1) / w->attribute[a].n + 1)
                        fail_msg("%s: %d of %d have %s %d", w->name, count[a][v], n, w->attribute[a].name, v);
        }
        zt_world_hold_out(w, 6, ZT_HOLD_OUT_MAX, other);
        assert_memory_not_equal(held, other, sizeof held);
        clip c = make_clip(w, 4, 16, 16, 8);
        zt_rng r = zt_rng_init(2, 2);
        for (int n = 0; n < 400; n++) {
            memset(c.scene, 0, w->scene_bytes);
            w->sample(&r, held, n & 1, &c.size, c.scene);
            assert_int_equal(held[zt_world_combo(w, c.scene->value)], n & 1);
        }
        free_clip(&c);
    }
}

static uint64_t hash(const void *bytes, size_t n, uint64_t h) {
    for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return h;
}

/* The same pictures and truth on every machine, compiler and optimisation level: sums of a few clips as of when they were looked
 * at. */
static void test_same_everywhere(void **state) {
    static const uint64_t WANT[ZT_WORLDS] = {0x3c1f5978a6605810, 0x2d1a54d73500b470, 0xa113edddf71dce68, 0xfe3b4c3aad31ca06,
                                             0xb32034aa1ae6ed4b};
    int wrong = 0;
    (void)state;
    for (int k = 0; k < ZT_WORLDS; k++) {
        clip c = make_clip(zt_worlds[k], 5, 32, 48, 8);
        uint64_t h = 14695981039346656037u;
        int64_t shape[4];
        zt_rng r = zt_rng_init(21, 0);
        for (int n = 0; n < 4; n++) {
            sample(&c, &r);
            draw(&c);
            h = hash(c.rgb, 5 * 32 * 48 * 3, h);
            for (int i = 0; i < c.w->n_truths; i++) h = hash(c.truth[i], zt_world_truth_shape(c.w, i, &c.size, shape), h);
        }
        if (h != WANT[k]) print_error("%s: 0x%016llx\n", c.w->name, (unsigned long long)h);
        wrong += h != WANT[k];
        free_clip(&c);
    }
    assert_int_equal(wrong, 0);
}

/* Any shape of frame: inside the buffers (sanitizers watch), something to be seen, no number that is none; without truth the same
 * picture. */
static void test_sizes(void **state) {
    static const int SIZE[][3] = {{1, 16, 16}, {2, 17, 31}, {3, 64, 20}, {2, 128, 128}, {1, 256, 256}};
    (void)state;
    for (int k = 0; k < ZT_WORLDS; k++)
        for (size_t z = 0; z < sizeof SIZE / sizeof *SIZE; z++) {
            clip c = make_clip(zt_worlds[k], SIZE[z][0], SIZE[z][1], SIZE[z][2], 8);
            const size_t bytes = (size_t)(SIZE[z][0] * SIZE[z][1] * SIZE[z][2]) * 3;
            uint8_t *again = zt_alloc(bytes);
            static void *const NONE[ZT_TRUTHS] = {NULL};
            zt_rng r = zt_rng_init(z, 3);
            sample(&c, &r);
            draw(&c);
            assert_int_equal(c.w->render(c.scene, &c.size, again, NONE), ZT_OK);
            assert_memory_equal(again, c.rgb, bytes);
            const uint8_t *mask = truth(&c, "mask");
            for (int t = 0; t < SIZE[z][0]; t++) {
                int seen = 0;
                for (int i = 0; i < SIZE[z][1] * SIZE[z][2]; i++) seen += mask[t * SIZE[z][1] * SIZE[z][2] + i] > 127;
                assert_true(seen >= 2);
            }
            for (int i = 0; i < c.w->n_truths; i++) {
                int64_t shape[4];
                const size_t n = zt_world_truth_shape(c.w, i, &c.size, shape) / 4;
                for (size_t j = 0; c.w->truth[i].kind == 'f' && j < n; j++) assert_true(isfinite(((float *)c.truth[i])[j]));
            }
            zt_free(again);
            free_clip(&c);
        }
}

/* Memory that ends anywhere is an error, and nothing is lost (sanitizers watch). */
static void test_out_of_memory(void **state) {
    (void)state;
    for (int k = 0; k < ZT_WORLDS; k++) {
        clip c = make_clip(zt_worlds[k], 1, 16, 16, 8);
        zt_rng r = zt_rng_init(4, 4);
        sample(&c, &r);
        for (int n = 1;; n++) {
            zt_alloc_fail_at(n);
            const zt_err e = c.w->render(c.scene, &c.size, c.rgb, c.truth);
            const bool happened = zt_alloc_fail_left() <= 0;
            zt_alloc_fail_at(0);
            assert_int_equal(e, happened ? ZT_NOMEM : ZT_OK);
            if (!happened) break;
            assert_true(n < 50);
        }
        free_clip(&c);
    }
}

/* ---- flow ---- */

/* Colour of frame t at (x,y), between the pixels. */
static double at(const clip *c, int t, double x, double y, int channel) {
    const int H = c->size.H, W = c->size.W, i = (int)floor(x - 0.5), j = (int)floor(y - 0.5);
    const double fx = x - 0.5 - i, fy = y - 0.5 - j;
    double sum = 0;
    for (int b = 0; b < 2; b++)
        for (int a = 0; a < 2; a++) {
            const int u = i + a < 0 ? 0 : i + a >= W ? W - 1 : i + a, v = j + b < 0 ? 0 : j + b >= H ? H - 1 : j + b;
            sum += (a ? fx : 1 - fx) * (b ? fy : 1 - fy) * c->rgb[((t * H + v) * W + u) * 3 + channel];
        }
    return sum;
}

/* Mean difference between a frame and the next where flow says its object pixels go, and where they were. */
static void follow(const clip *c, double *moved, double *stayed) {
    const int H = c->size.H, W = c->size.W;
    const uint8_t *mask = truth(c, "mask"), *occluded = c->w == &zt_world_scene3d ? truth(c, "occluded") : NULL;
    const float *flow = truth(c, "flow");
    double sum[2] = {0};
    int n = 0;
    for (int t = 0; t + 1 < c->size.T; t++)
        for (int i = 0; i < H * W; i++) {
            const int k = t * H * W + i;
            const double x = i % W + 0.5, y = i / W + 0.5;
            if (mask[k] < 255 || (occluded && occluded[k])) continue;
            for (int ch = 0; ch < 3; ch++) {
                sum[0] += fabs(at(c, t + 1, x + flow[k * 2], y + flow[k * 2 + 1], ch) - c->rgb[k * 3 + ch]);
                sum[1] += fabs(at(c, t + 1, x, y, ch) - c->rgb[k * 3 + ch]);
            }
            n += 3;
        }
    *moved = n ? sum[0] / n : 0;
    *stayed = n ? sum[1] / n : 0;
}

static void test_flow(void **state) {
    static const struct {
        const zt_world *w;
        double most;
    } WORLD[] = {{&zt_world_shapes, 3}, {&zt_world_digits, 14}, {&zt_world_physics, 8}, {&zt_world_scene3d, 5}};
    (void)state;
    for (size_t k = 0; k < sizeof WORLD / sizeof *WORLD; k++) {
        clip c = make_clip(WORLD[k].w, 8, 96, 96, 16);
        zt_rng r = zt_rng_init(31, 0);
        double moved = 0, stayed = 0;
        for (int n = 0; n < 12; n++) {
            double m, s;
            sample(&c, &r);
            draw(&c);
            follow(&c, &m, &s);
            moved += m / 12;
            stayed += s / 12;
        }
        if (!(moved < WORLD[k].most && moved < 0.5 * stayed))
            fail_msg("%s: %.2f where it goes, %.2f where it was", WORLD[k].w->name, moved, stayed);
        free_clip(&c);
    }
}

/* ---- physics ---- */

static void test_laws(void **state) {
    (void)state;
    /* A fall: y = y0 + g t^2 / 2; then a bounce that keeps restitution^2 of the energy. */
    zt_physics p = {.n = 1, .g = 3, .restitution = 0.8, .floor = 0.9, .ball = {{.x = 0.5, .y = 0.2, .radius = 0.1, .mass = 1}}};
    zt_physics_step(&p, 0.3);
    assert_true(fabs(p.ball[0].y - (0.2 + 1.5 * 0.09)) < 1e-12 && fabs(p.ball[0].vy - 0.9) < 1e-12);
    const double before = zt_physics_energy(&p);
    zt_physics_step(&p, 0.5);
    assert_true(p.ball[0].vy < 0 && fabs(zt_physics_energy(&p) - 0.64 * before) < 1e-12);
    zt_physics_step(&p, 60);
    assert_true(p.ball[0].rests && p.ball[0].vy == 0 && fabs(p.ball[0].y - 0.8) < 1e-9);
    /* A pendulum keeps its energy, and small swings take 2 pi sqrt(l / g). */
    zt_physics swing = {.motion = ZT_MOTION_PENDULUM,
                        .n = 1,
                        .g = 4,
                        .floor = 0.9,
                        .pivot_x = 0.5,
                        .length = 0.5,
                        .swing = 0.02,
                        .ball = {{.radius = 0.05, .mass = 1}}};
    zt_physics_place(&swing);
    const double e0 = zt_physics_energy(&swing), period = 2 * ZT_PI * sqrt(0.5 / 4);
    for (int i = 0; i < 8; i++) zt_physics_step(&swing, period / 8);
    assert_true(fabs(zt_physics_energy(&swing) - e0) < 1e-9 && fabs(swing.swing - 0.02) < 1e-4);
    /* A disc rolls down with 2/3 g sin, and turns as far as it goes. */
    zt_physics roll = {.motion = ZT_MOTION_SLOPE,
                       .n = 1,
                       .g = 3,
                       .restitution = 0.5,
                       .floor = 0.9,
                       .foot_x = 1,
                       .foot_y = 0.9,
                       .sine = 0.28,
                       .cosine = 0.96,
                       .way = 0.8,
                       .ball = {{.radius = 0.05, .mass = 1}}};
    zt_physics_place(&roll);
    const zt_ball top = roll.ball[0];
    const double high = zt_physics_energy(&roll);
    zt_physics_step(&roll, 0.5);
    const zt_ball *b = &roll.ball[0];
    const double gone = sqrt((b->x - top.x) * (b->x - top.x) + (b->y - top.y) * (b->y - top.y));
    assert_true(fabs(gone - 3 * 0.28 * 2 / 3 * 0.125) < 1e-12 && fabs((b->angle - top.angle) * 0.05 - gone) < 1e-9);
    assert_true(fabs(zt_physics_energy(&roll) - high) < 1e-12 && b->x > top.x && b->vy > 0);
}

static void test_collision(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(8, 8);
    for (int n = 0; n < 200; n++) {
        zt_physics p = {.n = 2, .g = 0, .restitution = zt_rng_uniform(&r), .floor = 0.9};
        for (int i = 0; i < 2; i++)
            p.ball[i] = (zt_ball){.x = i ? 0.7 : 0.3,
                                  .y = 0.5 + zt_rng_range(&r, -0.03, 0.03),
                                  .vx = i ? -0.5 : 0.4,
                                  .vy = zt_rng_range(&r, -0.05, 0.05),
                                  .radius = 0.06,
                                  .mass = zt_rng_range(&r, 0.5, 3)};
        const zt_ball a = p.ball[0], b = p.ball[1];
        zt_physics_step(&p, 0.5);
        const zt_ball *c = &p.ball[0], *d = &p.ball[1];
        assert_true(fabs(a.mass * a.vx + b.mass * b.vx - c->mass * c->vx - d->mass * d->vx) < 1e-12);
        assert_true(fabs(a.mass * a.vy + b.mass * b.vy - c->mass * c->vy - d->mass * d->vy) < 1e-12);
        assert_true(c->vx < a.vx && d->vx > b.vx);
        /* Along the line of centres when they touched: apart = restitution * together, and nothing across it. */
        const double jx = c->vx - a.vx, jy = c->vy - a.vy, j = sqrt(jx * jx + jy * jy), nx = jx / j, ny = jy / j;
        const double together = (a.vx - b.vx) * nx + (a.vy - b.vy) * ny, apart = (d->vx - c->vx) * nx + (d->vy - c->vy) * ny;
        assert_true(fabs(apart + p.restitution * together) < 1e-9 || fabs(apart - p.restitution * together) < 1e-9);
    }
}

/* In no clip does a ball leave the box, overlap another or gain energy, and what a data set says of it is the law. */
static void test_physics_clips(void **state) {
    (void)state;
    clip c = make_clip(&zt_world_physics, 24, 16, 16, 8);
    const int event = attribute(c.w, "event"), size = attribute(c.w, "size");
    zt_rng r = zt_rng_init(12, 12);
    int touched = 0, collisions = 0;
    for (int n = 0; n < 300; n++) {
        sample(&c, &r);
        draw(&c);
        zt_str text = {0};
        json_t *labels = NULL;
        assert_int_equal(zt_world_labels(c.w, c.scene, &c.size, false, &text), ZT_OK);
        assert_int_equal(zt_json_parse(text.buf, text.len, "labels", &labels), ZT_OK);
        const double g = json_real_value(json_object_get(labels, "g")),
                     radius = json_real_value(json_object_get(labels, "radius"));
        const char *name = json_string_value(json_object_get(labels, "event"));
        const double floor_y = json_real_value(json_object_get(labels, "floor"));
        assert_true(g > 0.9 && radius > 0.04 && (radius > 0.075) == (c.scene->value[size] == 1));
        const float(*state_of)[2][5] = truth(&c, "state");
        for (int t = 0; t < 24; t++) {
            const float *a = state_of[t][0], *b = state_of[t][1];
            const double limit = c.scene->value[event] == 5 ? 1 : floor_y - radius + 1e-5;
            assert_true(a[0] > radius - 1e-4 && a[0] < 1 - radius + 1e-4 && a[1] > radius - 1e-4 && a[1] < limit);
            if (strcmp(name, "collide") == 0) {
                const double radius2 = json_real_value(json_object_get(labels, "radius2")), d = hypot(a[0] - b[0], a[1] - b[1]);
                assert_true(d > radius + radius2 - 1e-4);
                collisions += t == 0;
                touched += t > 0 && (a[2] - b[2]) * (state_of[t - 1][0][2] - state_of[t - 1][1][2]) < 0 && d < 0.7;
            }
            /* Free flight: velocity grows by g dt unless something was hit. */
            if (strcmp(name, "fall") == 0 && t > 0 && a[1] < floor_y - radius - 0.01)
                assert_true(fabs(a[3] - state_of[t - 1][0][3] - g / 8) < 1e-5);
        }
        json_decref(labels);
        zt_str_finish(&text);
    }
    assert_true(collisions > 20 && touched >= collisions);
    free_clip(&c);
}

/* ---- scene3d ---- */

static zt_vec3 unproject(const float *cam, double x, double y, double depth) {
    const double a = (x - cam[2]) / cam[0] * depth, b = (y - cam[3]) / cam[1] * depth;
    return zt_v(cam[13] + a * cam[4] + b * cam[7] + depth * cam[10], cam[14] + a * cam[5] + b * cam[8] + depth * cam[11],
                cam[15] + a * cam[6] + b * cam[9] + depth * cam[12]);
}

/* Depth and camera put the floor's pixels on the floor and a sphere's on the sphere; flow of what stands still is what the two
 * cameras say; what is not occluded has, one frame later, the depth that it should. */
static void test_scene3d_geometry(void **state) {
    (void)state;
    enum { T = 6, S = 64, N = S * S };
    clip c = make_clip(&zt_world_scene3d, T, S, S, 8);
    zt_scene3d *s = (zt_scene3d *)c.scene;
    const int shape = attribute(c.w, "shape"), motion = attribute(c.w, "motion");
    zt_rng r = zt_rng_init(41, 0);
    int floors = 0, spheres = 0, hidden = 0, solid = 0, jumps = 0;
    for (int n = 0; n < 60; n++) {
        sample(&c, &r);
        draw(&c);
        const float *depth = truth(&c, "depth"), *flow = truth(&c, "flow"), (*camera)[16] = truth(&c, "camera");
        const uint8_t *objects = truth(&c, "objects"), *occluded = truth(&c, "occluded");
        for (int t = 0; t + 1 < T; t++)
            for (int i = 0; i < N; i++) {
                const int k = t * N + i;
                const double x = i % S + 0.5, y = i / S + 0.5;
                hidden += occluded[k] > 0;
                if (depth[k] == 0) continue;
                const zt_vec3 p = unproject(camera[t], x, y, depth[k]);
                if (objects[k] == 0) assert_true(fabs(p.y) < 1e-4 * depth[k]);
                if (objects[k] == 1 && c.scene->value[shape] == 0 && c.scene->value[motion] == 0) {
                    const zt_vec3 d = zt_sub3(p, zt_add3(s->solid[0].at, zt_v(0, s->solid[0].size, 0)));
                    assert_true(fabs(sqrt(zt_dot3(d, d)) / s->solid[0].size - 1) < 0.02);
                    spheres++;
                }
                const double u = x + flow[k * 2], v = y + flow[k * 2 + 1];
                if (objects[k] == 0 || c.scene->value[motion] == 0) { /* it stands still: what is seen there next is it */
                    const float *q = camera[t + 1];
                    const zt_vec3 e = zt_sub3(p, zt_v(q[13], q[14], q[15]));
                    const double z = e.x * q[10] + e.y * q[11] + e.z * q[12];
                    assert_true(fabs(q[2] + q[0] * (e.x * q[4] + e.y * q[5] + e.z * q[6]) / z - u) <
                                0.01 + 1e-3 * fabs(flow[k * 2]));
                    assert_true(fabs(q[3] + q[1] * (e.x * q[7] + e.y * q[8] + e.z * q[9]) / z - v) <
                                0.01 + 1e-3 * fabs(flow[k * 2 + 1]));
                    const int next = occluded[k] ? k : (t + 1) * N + (int)v * S + (int)u;
                    const bool goes_on = !occluded[k] && objects[k];
                    solid += goes_on;
                    jumps += goes_on && (objects[next] != objects[k] || fabs(depth[next] - z) > 0.05 * z);
                }
                if (occluded[k]) continue;
                assert_true(u >= 0 && v >= 0 && u < S && v < S);
                floors += objects[k] == 0;
            }
    }
    assert_true(floors > 10000 && spheres > 500 && hidden > 500 && solid > 10000 && jumps < 0.06 * solid); /* outlines jump */
    free_clip(&c);
}

/* ---- faces ---- */

static double mean(const clip *c, int t, double x0, double y0, double x1, double y1) {
    double sum = 0;
    int n = 0;
    for (int y = (int)y0; y <= (int)y1; y++)
        for (int x = (int)x0; x <= (int)x1; x++) {
            const uint8_t *p = c->rgb + ((size_t)(t * c->size.H + y) * (size_t)c->size.W + (size_t)x) * 3;
            sum += 0.3 * p[0] + 0.59 * p[1] + 0.11 * p[2];
            n++;
        }
    return sum / n;
}

/* Landmarks of the last frame's face, by place in the list of faces.h. */
enum {
    BROW_INNER = 2,
    EYE_TOP = 4,
    EYE_BOTTOM = 6,
    PUPIL = 7,
    PUPIL2 = 15,
    NOSE_TIP = 17,
    MOUTH = 20,
    MOUTH2 = 21,
    GAP_TOP = 24,
    GAP_BOTTOM = 25,
    CHIN = 26
};

static void test_faces(void **state) {
    (void)state;
    enum { T = 11, S = 96 };
    clip c = make_clip(&zt_world_faces, T, S, S, 8);
    const int expression = attribute(c.w, "expression"), motion = attribute(c.w, "motion"), glasses = attribute(c.w, "glasses");
    zt_rng r = zt_rng_init(51, 0);
    int dark = 0, looked_at = 0;
    for (int n = 0; n < 80; n++) {
        sample(&c, &r);
        draw(&c);
        const float(*mark)[ZT_LANDMARKS][3] = truth(&c, "landmarks"), (*box)[4] = truth(&c, "box"),
              (*pose)[3] = truth(&c, "pose");
        const float(*rig)[ZT_RIG] = truth(&c, "expression");
        const int what = c.scene->value[expression], turns = c.scene->value[motion];
        for (int t = 0; t < T; t++)
            for (int i = 0; i < ZT_LANDMARKS; i++) {
                const float *m = mark[t][i];
                assert_true(m[0] > box[t][0] - 2 && m[0] < box[t][2] + 2 && m[1] > box[t][1] - 2 && m[1] < box[t][3] + 2);
            }
        /* The nose points where the head turns. */
        const float *left = mark[T - 1][PUPIL], *right = mark[T - 1][PUPIL2], *nose = mark[T - 1][NOSE_TIP];
        const double span = right[0] - left[0], middle = (left[0] + right[0]) / 2;
        if (turns == 1) assert_true(pose[T - 1][0] < -0.2 && nose[0] < middle - 0.08 * span);
        if (turns == 2) assert_true(pose[T - 1][0] > 0.2 && nose[0] > middle + 0.08 * span);
        if (turns != 0) continue;
        for (int i = 0; i < ZT_LANDMARKS; i++) /* a bent head may hide its chin */
            assert_true(mark[T - 1][i][2] == 1 || c.scene->value[glasses] == 1 || i == CHIN);
        /* Expressions move the landmarks as the muscles say. */
        const float(*m)[3] = mark[T - 1];
        const double corners = (m[MOUTH][1] + m[MOUTH2][1]) / 2 - (m[GAP_TOP][1] + m[GAP_BOTTOM][1]) / 2,
                     gap = m[GAP_BOTTOM][1] - m[GAP_TOP][1];
        if (what == 1) assert_true(rig[T - 1][ZT_RIG_SMILE] == 1 && corners < -0.02 * span);
        if (what == 2) assert_true(gap > 0.12 * span && rig[T - 1][ZT_RIG_JAW_OPEN] > 0.8);
        if (what == 4) assert_true(corners > 0.02 * span);
        if (what == 0) assert_true(fabs(corners) < 0.06 * span && gap < 0.05 * span);
        if (what == 3) assert_true(m[BROW_INNER][1] - mark[0][BROW_INNER][1] > 0.04 * span);
        if (what == 5) { /* eyes are shut at three tenths of the clip, open at half */
            const double open = mark[5][EYE_BOTTOM][1] - mark[5][EYE_TOP][1], shut = mark[3][EYE_BOTTOM][1] - mark[3][EYE_TOP][1];
            assert_true(shut < 0.25 * open);
        }
        /* What face detectors look for: eyes darker than the cheeks below them. */
        const double h = 0.12 * span, below = 0.5 * span;
        looked_at++;
        dark += mean(&c, T - 1, left[0] - h, left[1] - h, left[0] + h, left[1] + h) <
                mean(&c, T - 1, left[0] - h, left[1] - h + below, left[0] + h, left[1] + h + below);
    }
    assert_true(looked_at >= 8 && dark == looked_at);
    free_clip(&c);
}

/* ---- digits ---- */

/* No two digits look alike: in the upright hand of one seed, at least a tenth of their pixels differ. */
static void test_digits(void **state) {
    (void)state;
    enum { S = 48 };
    clip c = make_clip(&zt_world_digits, 1, S, S, 8);
    const int digit = attribute(c.w, "digit");
    uint8_t mask[10][S * S];
    zt_rng r = zt_rng_init(61, 0);
    do sample(&c, &r);
    while (c.scene->value[attribute(c.w, "digit2")] >= 0 || c.scene->value[attribute(c.w, "slant")] != 0);
    for (int d = 0; d < 10; d++) {
        c.scene->value[digit] = d;
        draw(&c);
        memcpy(mask[d], truth(&c, "mask"), sizeof mask[d]);
        const float *box = truth(&c, "boxes");
        for (int i = 0; i < S * S; i++)
            if (mask[d][i] > 140) assert_true(i % S >= box[0] && i % S < box[2] && i / S >= box[1] && i / S < box[3]);
    }
    for (int a = 0; a < 10; a++)
        for (int b = 0; b < a; b++) {
            double differ = 0, both = 0;
            for (int i = 0; i < S * S; i++) {
                differ += abs(mask[a][i] - mask[b][i]);
                both += mask[a][i] + mask[b][i];
            }
            assert_true(differ > 0.1 * both);
        }
    free_clip(&c);
}

/* ---- data sets ---- */

static char folder[64];

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-worlds-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static void check_set(const zt_world *w, const char *dir, const zt_clip_size *size) {
    zt_dataset *ds = NULL;
    if (zt_dataset_open(&ds, dir) != ZT_OK) fail_msg("%s", zt_err_text());
    for (int64_t k = 0; k < zt_dataset_count(ds, "test"); k++) {
        zt_clip_view v;
        json_t *labels = NULL;
        zt_npy_info info;
        assert_int_equal(zt_dataset_clip(ds, "test", k, &v), ZT_OK);
        assert_int_equal(zt_json_parse(v.labels, strlen(v.labels), v.key, &labels), ZT_OK);
        assert_string_equal(json_string_value(json_object_get(labels, "world")), w->name);
        assert_int_equal(json_is_true(json_object_get(labels, "held_out")), k % 2 == 0);
        json_decref(labels);
        for (int i = 0; i < w->n_truths; i++) {
            int64_t shape[4];
            zt_world_truth_shape(w, i, size, shape);
            assert_non_null(zt_dataset_truth(ds, &v, w->truth[i].name, &info));
            assert_true(info.kind == w->truth[i].kind && info.n == w->truth[i].n &&
                        memcmp(info.shape, shape, (size_t)info.n * 8) == 0);
        }
        assert_non_null(zt_dataset_mask(ds, &v));
        assert_int_equal(zt_dataset_depth(ds, &v) != NULL, w == &zt_world_scene3d || w == &zt_world_faces);
        assert_null(zt_dataset_truth(ds, &v, "nothing", &info));
    }
    zt_clip_view train;
    assert_int_equal(zt_dataset_clip(ds, "train", 0, &train), ZT_OK);
    assert_null(zt_dataset_mask(ds, &train));
    zt_dataset_close(&ds);
}

/* The same bytes with one thread and with three; arrays come back as they were described. */
static void test_sets(void **state) {
    static const char *const NAME[] = {"train-00000.tar", "test-00000.tar"};
    (void)state;
    const int threads = omp_get_max_threads();
    for (int k = 0; k < ZT_WORLDS; k++) {
        char out[2][ZT_PATH_MAX], path[ZT_PATH_MAX], *bytes[2];
        size_t len[2];
        for (int i = 0; i < 2; i++) {
            snprintf(out[i], sizeof out[i], "%s/%s-%d", folder, zt_worlds[k]->name, i);
            const zt_synth_cfg cfg = {.out = out[i],
                                      .world = zt_worlds[k],
                                      .clips = 12,
                                      .frames = 3,
                                      .size = 24,
                                      .hold_out = 8,
                                      .fps = 8,
                                      .test = 0.34,
                                      .seed = 3};
            omp_set_num_threads(i ? 3 : 1);
            if (zt_synth(&cfg, NULL) != ZT_OK) fail_msg("%s", zt_err_text());
        }
        omp_set_num_threads(threads);
        check_set(zt_worlds[k], out[0], &(zt_clip_size){3, 24, 24, 8});
        for (int f = 0; f < 2; f++) {
            for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof path, "%.4000s/shards/%s", out[i], NAME[f]);
                assert_int_equal(zt_file_read(path, 1 << 28, &bytes[i], &len[i]), ZT_OK);
            }
            assert_true(len[0] == len[1] && memcmp(bytes[0], bytes[1], len[0]) == 0);
            for (int i = 0; i < 2; i++) zt_free(bytes[i]);
        }
    }
    const zt_synth_cfg none = {.out = folder, .clips = 12, .frames = 3, .size = 24, .fps = 8};
    assert_int_equal(zt_synth(&none, NULL), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "world"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sine),
        cmocka_unit_test(test_captions),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_hold_out),
        cmocka_unit_test(test_same_everywhere),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_flow),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_collision),
        cmocka_unit_test(test_physics_clips),
        cmocka_unit_test(test_scene3d_geometry),
        cmocka_unit_test(test_faces),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
