/* test_perceptual_distance.c - the perceptual distance: 0 for equal clips, growing with blur and shift, its value against the
 * formula written out in double, its gradient against differences in f64 and in f32; what it refuses; loading its network. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "init.h"
#include "models/perceptual.h"
#include "says.h"
#include "tensor/plan.h"

enum { B = 2, T = 4, H = 16, W = 12, FRAME = H * W * 3, CLIP = T * FRAME, N = B * CLIP };

static zt_net judge(void) {
    zt_net net = {0};
    OK(zt_net_init(&net, "judge-net"));
    OK(zt_opt_set(zt_net_opts(&net), net.cfg, "test", "width", "4"));
    net.frames = T;
    net.height = H;
    net.width = W;
    net.fps = 8;
    net.scale = 1;
    net.n_heads = 1;
    net.head[0] = (zt_head){.label = "shape", .classes = 2, .class_name = {"round", "square"}};
    return net;
}

/* Weights of such a network, moved off their first values so that each counts. */
static zt_tset weights(const zt_net *net) {
    zt_graph *g;
    zt_tset params = {0};
    OK(zt_graph_create(&g));
    zt_nn nn = {.g = g, .params = &params, .seed = 5};
    net->classifier->build(&nn, zt_input(g, "video", ZT_F32, zt_sh(1, T, H, W, 3)), net->cfg, net->n_heads, net->head);
    OK(zt_graph_error(g));
    zt_graph_destroy(&g);
    for (int k = 0; k < params.n; k++)
        for (int64_t j = 0; j < zt_numel(&params.t[k].sh); j++)
            ((float *)params.t[k].data)[j] += (float)((j * 7 + k) % 11 - 5) * 0.02F;
    return params;
}

static zt_perceptual network(zt_dtype real) {
    zt_perceptual p = {.net = judge()};
    zt_tset f32 = weights(&p.net);
    for (int k = 0; k < f32.n; k++) {
        zt_tensor *t;
        char name[96];
        const int64_t n = zt_numel(&f32.t[k].sh);
        snprintf(name, sizeof name, ZT_PERCEPTUAL_SCOPE ".%s", f32.t[k].name);
        OK(zt_tset_add(&p.params, name, real, f32.t[k].sh, &t));
        if (real == ZT_F32) memcpy(t->data, f32.t[k].data, (size_t)n * sizeof(float));
        for (int64_t j = 0; real == ZT_F64 && j < n; j++) ((double *)t->data)[j] = ((float *)f32.t[k].data)[j];
    }
    zt_tset_finish(&f32);
    return p;
}

/* Two clips before the network, and the gradient of the weighted sum of distances by the first. */
typedef struct pair {
    zt_perceptual net;
    zt_graph *g;
    zt_plan *plan;
    zt_node *a, *b, *distance, *da;
} pair;

static pair pair_open(zt_dtype real, zt_dtype multiply) {
    pair s = {.net = network(real)};
    OK(zt_graph_create(&s.g));
    zt_graph_set_real(s.g, real);
    zt_graph_set_multiply(s.g, multiply);
    s.a = zt_input(s.g, "a", real, zt_sh(B, T, H, W, 3));
    s.b = zt_input(s.g, "b", real, s.a->sh);
    s.distance = zt_perceptual_distance(&s.net, s.a, s.b);
    zt_node *weight = zt_const(s.g, real, zt_sh(B), (const double[B]){0.3, 1.7});
    OK(zt_grad(zt_sum(zt_mul(s.distance, weight)), 1, &s.a, &s.da));
    assert_int_equal(s.distance->sh.n, 1);
    zt_node *out[] = {s.distance, s.da};
    const zt_plan_cfg on_cpu = {.backend = zt_backend_cpu(), .strict = true}, plain = {0};
    OK(zt_plan_create(&s.plan, s.g, 2, out, real == ZT_F32 ? &on_cpu : &plain));
    return s;
}

static void pair_close(pair *s) {
    zt_plan_destroy(&s->plan);
    zt_graph_destroy(&s->g);
    zt_perceptual_finish(&s->net);
}

/* A disc of another colour on a slope of grey moves to the right; all of it `shift` pixels lower. */
static void draw(float *clip, double shift) {
    for (int k = 0; k < CLIP; k++) {
        const int t = k / FRAME, y = k % FRAME / (3 * W), x = k / 3 % W, c = k % 3;
        const double d = hypot(x - 3 - t, y - shift - 6), inside = fmin(1, fmax(0, 3.5 - d));
        clip[k] = (float)((1 - inside) * (y - shift - 8) * 0.05 + inside * (c == 0 ? 0.8 : -0.6));
    }
}

static void blur(float *clip, int times) {                     /* by means of 3x3 pixels */
    static float from[CLIP];
    for (; times > 0; times--) {
        memcpy(from, clip, sizeof from);
        for (int k = 0; k < CLIP; k++) {
            const int t = k / FRAME, y = k % FRAME / (3 * W), x = k / 3 % W, c = k % 3;
            float sum = 0;
            int n = 0;
            for (int j = 0; j < 9; j++) {
                const int v = y + j / 3 - 1, u = x + j % 3 - 1;
                if (v < 0 || u < 0 || v >= H || u >= W) continue;
                sum += from[t * FRAME + (v * W + u) * 3 + c];
                n++;
            }
            clip[k] = sum / (float)n;
        }
    }
}

static double f32_distance(const pair *s, int b) { return ((const float *)s->distance->x)[b]; }

static void grows_with_blur_and_shift(void **state) {
    (void)state;
    for (int half = 0; half < 2; half++) {
        pair s = pair_open(ZT_F32, half ? ZT_BF16 : ZT_F32);
        float *a = s.a->x, *b = s.b->x;
        double last[B] = {-1, -1};
        for (int amount = 0; amount < 4; amount++) {
            for (int k = 0; k < B; k++) draw(b + k * CLIP, 0);
            draw(a, 0);
            blur(a, amount);
            draw(a + CLIP, amount);
            OK(zt_plan_run(s.plan));
            for (int k = 0; k < B; k++) {
                if (amount == 0) assert_true(f32_distance(&s, k) == 0);
                if (!(f32_distance(&s, k) > last[k] + (amount ? 1e-3 : 0) && f32_distance(&s, k) < 4))
                    fail_msg("%s by %d: %g after %g", k ? "shift" : "blur", amount, f32_distance(&s, k), last[k]);
                last[k] = f32_distance(&s, k);
            }
            for (int k = 0; amount == 0 && k < N; k++) assert_true(((float *)s.da->x)[k] == 0);
        }
        pair_close(&s);
    }
}

/* Squared distance of unit vectors, mean over the places of a clip. */
static double by_hand(const zt_node *x, const zt_node *y, int b) {
    const int64_t C = zt_last(&x->sh), places = zt_numel(&x->sh) / B / C;
    double sum = 0;
    for (int64_t k = 0; k < places; k++) {
        const float *u = (const float *)x->x + (b * places + k) * C, *v = (const float *)y->x + (b * places + k) * C;
        double uu = 0, vv = 0;
        for (int64_t c = 0; c < C; c++) uu += (double)u[c] * u[c], vv += (double)v[c] * v[c];
        for (int64_t c = 0; c < C; c++) sum += pow(u[c] / sqrt(uu) - v[c] / sqrt(vv), 2) / (double)places;
    }
    return sum;
}

static void is_the_formula(void **state) {
    (void)state;
    pair s = pair_open(ZT_F32, ZT_F32);
    zt_net net = judge();
    zt_tset own = weights(&net);
    zt_graph *g;
    zt_plan *plan;
    zt_node *video[2], *out[8];
    zt_rng r = zt_rng_init(1, 2);
    OK(zt_graph_create(&g));
    zt_nn nn = {.g = g, .params = &own};
    for (int side = 0; side < 2; side++) {
        video[side] = zt_input(g, side ? "b" : "a", ZT_F32, s.a->sh);
        const zt_classified c = net.classifier->build(&nn, video[side], net.cfg, net.n_heads, net.head);
        assert_int_equal(c.n_layers, 4);
        memcpy(out + 4 * side, c.layer, 4 * sizeof *out);
    }
    OK(zt_plan_create(&plan, g, 8, out, &(zt_plan_cfg){.params = &own}));
    for (int k = 0; k < N; k++) {
        ((float *)s.a->x)[k] = ((float *)video[0]->x)[k] = (float)zt_rng_range(&r, -1, 1);
        ((float *)s.b->x)[k] = ((float *)video[1]->x)[k] = (float)zt_rng_range(&r, -1, 1);
    }
    OK(zt_plan_run(s.plan));
    OK(zt_plan_run(plan));
    for (int b = 0; b < B; b++) {
        double want = 0;
        for (int l = 0; l < 4; l++) want += by_hand(out[l], out[4 + l], b) / 4;
        if (!(want > 0.05 && fabs(f32_distance(&s, b) - want) < 1e-4 * want)) fail_msg("%g, want %g", f32_distance(&s, b), want);
    }
    zt_plan_destroy(&plan);
    zt_graph_destroy(&g);
    zt_tset_finish(&own);
    zt_net_finish(&net);
    pair_close(&s);
}

static double weighted(const pair *s) { return 0.3 * ((double *)s->distance->x)[0] + 1.7 * ((double *)s->distance->x)[1]; }

/* Along random directions, in f64; and the gradient in f32 is that one. */
static void gradient_is_that_of_differences(void **state) {
    (void)state;
    static double at[N], along[N], grad[N];
    pair s = pair_open(ZT_F64, ZT_F32), f = pair_open(ZT_F32, ZT_F32);
    zt_rng r = zt_rng_init(7, 7);
    for (int k = 0; k < N; k++) {
        ((float *)f.a->x)[k] = (float)(at[k] = (float)zt_rng_range(&r, -1, 1));
        ((float *)f.b->x)[k] = (float)(((double *)s.b->x)[k] = (float)zt_rng_range(&r, -1, 1));
    }
    memcpy(s.a->x, at, sizeof at);
    OK(zt_plan_run(s.plan));
    OK(zt_plan_run(f.plan));
    memcpy(grad, s.da->x, sizeof grad);
    double apart = 0, size = 0;
    for (int k = 0; k < N; k++) apart += pow(((float *)f.da->x)[k] - grad[k], 2), size += grad[k] * grad[k];
    assert_true(size > 0 && sqrt(apart) < 1e-3 * sqrt(size));
    for (int n = 0; n < 10; n++) {
        double want = 0, got = 0;
        for (int k = 0; k < N; k++) along[k] = zt_rng_normal(&r), want += along[k] * grad[k];
        for (int side = 1; side >= -1; side -= 2) {
            for (int k = 0; k < N; k++) ((double *)s.a->x)[k] = at[k] + side * 1e-5 * along[k];
            OK(zt_plan_run(s.plan));
            got += side * weighted(&s) / 2e-5;
        }
        if (fabs(got - want) > 1e-5 * sqrt(size) + 1e-5 * fabs(want)) fail_msg("direction %d: %g, want %g", n, want, got);
    }
    pair_close(&s);
    pair_close(&f);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    static const struct { zt_shape a, b; zt_err e; const char *text; } cases[] = {
        {{5, {1, 4, 16, 12, 3}}, {5, {1, 4, 16, 13, 3}}, ZT_SHAPE, "both clips must be"},
        {{5, {1, 4, 16, 12, 2}}, {5, {1, 4, 16, 12, 2}}, ZT_SHAPE, "both clips must be"},
        {{5, {1, 1, 16, 12, 3}}, {5, {1, 1, 16, 12, 3}}, ZT_CONFIG, "clips of 1x16x12"},
    };
    zt_perceptual p = network(ZT_F32);
    for (int k = 0; k < 4; k++) {
        zt_graph *g;
        OK(zt_graph_create(&g));
        if (k == 3) {                                          /* a weight is missing */
            zt_tset_finish(&p.params);
        }
        const int c = k < 3 ? k : 0;
        zt_node *a = zt_input(g, "a", ZT_F32, cases[c].a), *b = zt_input(g, "b", ZT_F32, k < 3 ? cases[c].b : cases[c].a);
        zt_perceptual_distance(&p, a, b);
        assert_int_equal(zt_graph_error(g), k < 3 ? cases[c].e : ZT_NOTFOUND);
        says(k < 3 ? cases[c].text : "frozen network: want 'perceptual.layers.0.weight'");
        zt_graph_destroy(&g);
    }
    zt_perceptual_finish(&p);
}

static void loads_a_classifier_and_nothing_else(void **state) {
    (void)state;
    char root[] = "/tmp/zt-perceptual-XXXXXX", dir[64], other[64];
    zt_perceptual p, q = network(ZT_F32);
    zt_net net = judge();
    zt_tset own = weights(&net);
    assert_non_null(mkdtemp(root));
    snprintf(dir, sizeof dir, "%s/judge", root);
    snprintf(other, sizeof other, "%s/other", root);
    OK(zt_model_dir_save_classifier(dir, &net, &own));
    int failures = 0;
    for (int64_t n = 1;; n += 1 + n / 4) {
        zt_alloc_fail_at(n);
        const zt_err e = zt_perceptual_load(&p, dir);
        const bool all = zt_alloc_fail_left() > 0;
        zt_alloc_fail_at(0);
        if (all) {
            OK(e);
            break;
        }
        failures += e != ZT_OK;
        if (e == ZT_OK) zt_perceptual_finish(&p);              /* what failed was not needed */
        assert_true(!p.params.n && !p.net.cfg);
    }
    assert_true(failures > 5 && strlen(p.hash) == 64);
    assert_int_equal(p.params.n, q.params.n);
    for (int k = 0; k < q.params.n; k++) {
        const zt_tensor *t = zt_tset_find(&p.params, q.params.t[k].name);
        assert_non_null(t);
        assert_memory_equal(t->data, q.params.t[k].data, (size_t)zt_numel(&t->sh) * sizeof(float));
    }
    zt_perceptual_finish(&p);
    assert_int_equal(zt_perceptual_load(&p, other), ZT_NOTFOUND);
    says("no such model folder");
    OK(zt_dir_make(other));
    assert_int_not_equal(zt_perceptual_load(&p, other), ZT_OK);
    OK(zt_dir_remove(root));
    zt_tset_finish(&own);
    zt_net_finish(&net);
    zt_perceptual_finish(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_with_blur_and_shift),       cmocka_unit_test(is_the_formula),
        cmocka_unit_test(gradient_is_that_of_differences), cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(loads_a_classifier_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
