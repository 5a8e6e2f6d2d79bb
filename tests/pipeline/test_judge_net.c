/* test_judge_net.c - the judge network against its layers written out in double; classes, opinions, and what memory failures
 * leave. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "pipeline/judge_net.h"

enum { T = 5, H = 11, W = 9, CLIPS = 3, BATCH = 2, WIDTH = 4, FEATURES = 6, SHAPES = 3, COLOURS = 4, DIRECTIONS = 4,
       LOGITS = SHAPES + COLOURS + DIRECTIONS, BYTES = T * H * W * 3 };

static void make_net(zt_net *net) {
    static const char *const shapes[] = {"circle", "square", "triangle"}, *const colours[] = {"blue", "green", "red", "yellow"},
                            *const directions[] = {"down", "left", "right", "up"};
    static const char *const *const names[] = {shapes, colours, directions};
    static const int classes[] = {SHAPES, COLOURS, DIRECTIONS};
    assert_int_equal(zt_net_init(net, "judge-net"), ZT_OK);
    assert_int_equal(zt_opt_set(zt_net_opts(net), net->cfg, "test", "width", "4"), ZT_OK);
    assert_int_equal(zt_opt_set(zt_net_opts(net), net->cfg, "test", "features", "6"), ZT_OK);
    net->frames = T;
    net->height = H;
    net->width = W;
    net->n_heads = ZT_JUDGE_ATTRIBUTES;
    for (int a = 0; a < ZT_JUDGE_ATTRIBUTES; a++) {
        zt_head *h = &net->head[a];
        snprintf(h->label, sizeof h->label, "%s", zt_judge_attribute(a));
        h->classes = classes[a];
        for (int k = 0; k < classes[a]; k++) snprintf(h->class_name[k], sizeof h->class_name[k], "%s", names[a][k]);
    }
}

static void make_clips(uint8_t *rgb) {
    for (int k = 0; k < CLIPS * BYTES; k++) rgb[k] = (uint8_t)((k * 7919 + k / BYTES * 31 + k / 13) % 251);
}

/* Biases and gains start as 0 and 1: move all, so that each counts. */
static void shake(zt_tset *params) {
    for (int k = 0; k < params->n; k++)
        for (int64_t j = 0; j < zt_numel(&params->t[k].sh); j++)
            ((float *)params->t[k].data)[j] += (float)((j * 7 + k) % 11 - 5) * 0.02f;
}

/* ---- the layers in double ----------------------------------------------------------------------------------------- */
typedef struct volume { int t, h, w, c; double *x; } volume;
static const float *weight(const zt_tset *p, const char *name) {
    const zt_tensor *t = zt_tset_find(p, name);
    if (!t) fail_msg("no parameter %s", name);
    return t->data;
}
static double at(const volume *v, int t, int h, int w, int c) {
    const bool inside = t >= 0 && h >= 0 && w >= 0 && t < v->t && h < v->h && w < v->w;
    return inside ? v->x[((t * v->h + h) * v->w + w) * v->c + c] : 0;
}

static volume conv3(const volume *v, const float *w, int out, int st, int s) {
    volume y = {(v->t + st - 1) / st, (v->h + s - 1) / s, (v->w + s - 1) / s, out, NULL};
    y.x = calloc((size_t)(y.t * y.h * y.w * out), sizeof *y.x);
    for (int t = 0; t < y.t; t++) for (int h = 0; h < y.h; h++) for (int x = 0; x < y.w; x++) for (int o = 0; o < out; o++) {
        double sum = 0;
        for (int k = 0; k < 27; k++)
            for (int c = 0; c < v->c; c++)
                sum += at(v, t * st + k / 9 - 1, h * s + k / 3 % 3 - 1, x * s + k % 3 - 1, c) * w[(k * v->c + c) * out + o];
        y.x[((t * y.h + h) * y.w + x) * out + o] = sum;
    }
    return y;
}

static void norm_silu(volume *v, const float *gain, const float *bias, int groups) {
    const int n = v->t * v->h * v->w, size = v->c / groups;
    for (int g = 0; g < groups; g++) {
        double sum = 0, square = 0;
        for (int k = 0; k < n; k++) for (int c = g * size; c < (g + 1) * size; c++) sum += v->x[k * v->c + c];
        const double mean = sum / n / size;
        for (int k = 0; k < n; k++) for (int c = g * size; c < (g + 1) * size; c++) square += pow(v->x[k * v->c + c] - mean, 2);
        const double scale = 1 / sqrt(square / n / size + 1e-5);
        for (int k = 0; k < n; k++) for (int c = g * size; c < (g + 1) * size; c++) {
            const double y = (v->x[k * v->c + c] - mean) * scale * gain[c] + bias[c];
            v->x[k * v->c + c] = y / (1 + exp(-y));
        }
    }
}

static void linear(const double *x, int n, const zt_tset *p, const char *name, int out, double *y) {
    char w[64], b[64];
    snprintf(w, sizeof w, "%s.weight", name);
    snprintf(b, sizeof b, "%s.bias", name);
    for (int o = 0; o < out; o++) {
        y[o] = weight(p, b)[o];
        for (int k = 0; k < n; k++) y[o] += x[k] * weight(p, w)[k * out + o];
    }
}

static void reference(const uint8_t *rgb, const zt_tset *p, double *features, double *logits) {
    static const int channels[] = {WIDTH, 2 * WIDTH, 4 * WIDTH, 4 * WIDTH}, stride_t[] = {1, 2, 2, 1}, stride[] = {2, 2, 2, 1};
    volume v = {T, H, W, 3, calloc(BYTES, sizeof *v.x)};
    for (int k = 0; k < BYTES; k++) v.x[k] = rgb[k] / 127.5 - 1;
    for (int l = 0; l < 4; l++) {
        char name[3][32];
        snprintf(name[0], sizeof name[0], "layers.%d.weight", l);
        snprintf(name[1], sizeof name[1], "layers.%d.norm.weight", l);
        snprintf(name[2], sizeof name[2], "layers.%d.norm.bias", l);
        volume next = conv3(&v, weight(p, name[0]), channels[l], stride_t[l], stride[l]);
        norm_silu(&next, weight(p, name[1]), weight(p, name[2]), zt_norm_groups(channels[l]));
        free(v.x);
        v = next;
    }
    double pooled[8 * WIDTH], active[FEATURES];
    const int n = v.t * v.h * v.w;
    for (int c = 0; c < v.c; c++) {
        pooled[c] = 0;
        pooled[v.c + c] = -INFINITY;
        for (int k = 0; k < n; k++) pooled[c] += v.x[k * v.c + c] / n;
        for (int k = 0; k < n; k++) pooled[v.c + c] = fmax(pooled[v.c + c], v.x[k * v.c + c]);
    }
    free(v.x);
    linear(pooled, 8 * WIDTH, p, "features", FEATURES, features);
    for (int k = 0; k < FEATURES; k++) active[k] = features[k] / (1 + exp(-features[k]));
    linear(active, FEATURES, p, "heads.shape", SHAPES, logits);
    linear(active, FEATURES, p, "heads.colour", COLOURS, logits + SHAPES);
    linear(active, FEATURES, p, "heads.direction", DIRECTIONS, logits + SHAPES + COLOURS);
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */
static void equals_its_layers(void **state) {
    (void)state;
    zt_net net;
    zt_tset params = {0};
    zt_classifying *s;
    static uint8_t rgb[CLIPS * BYTES];
    float features[CLIPS * FEATURES], logits[CLIPS * LOGITS];
    make_net(&net);
    make_clips(rgb);
    assert_int_equal(zt_classifying_create(&s, &net, &params, BATCH, ZT_F32, false), ZT_OK);
    assert_int_equal(zt_classifying_features(s), FEATURES);
    assert_int_equal(zt_classifying_logits(s), LOGITS);
    shake(&params);
    assert_int_equal(zt_classifying_run(s, rgb, CLIPS, features, logits), ZT_OK);         /* two passes, the second half full */
    for (int k = 0; k < CLIPS; k++) {
        double f[FEATURES], l[LOGITS];
        reference(rgb + k * BYTES, &params, f, l);
        for (int i = 0; i < FEATURES; i++) assert_true(fabs(features[k * FEATURES + i] - f[i]) < 1e-4);
        for (int i = 0; i < LOGITS; i++) assert_true(fabs(logits[k * LOGITS + i] - l[i]) < 1e-4);
        assert_true(k == 0 || fabs(f[0] - features[0]) > 1e-3);                           /* other clips, other features */
    }
    zt_classifying_destroy(&s);
    zt_tset_finish(&params);
    zt_net_finish(&net);
}

static void reads_classes(void **state) {
    (void)state;
    zt_model_dir dir = {0};
    make_net(&dir.net);
    zt_judge_net j = {0};
    assert_int_equal(zt_judge_net_take(&j, &dir, ZT_F32), ZT_OK);
    assert_null(dir.net.cfg);
    /* circle, yellow, right */
    const float logits[LOGITS] = {2, 1, 1.5f, -3, -2, -4, -1, 0, 0.5f, 0.75f, 0.7f};
    const zt_opinion o = zt_judge_net_read(&j, logits);
    assert_string_equal(o.seen[0], "circle");
    assert_string_equal(o.seen[1], "yellow");
    assert_string_equal(o.seen[2], "right");
    zt_verdict v = {.valid = true, .shape = ZT_JUDGE_CIRCLE, .colour = ZT_JUDGE_YELLOW, .direction = ZT_JUDGE_RIGHT};
    assert_true(zt_judges_agree(&v, &o));
    v.valid = false;
    assert_false(zt_judges_agree(&v, &o));
    v.valid = true;
    v.direction = ZT_JUDGE_LEFT;
    assert_false(zt_judges_agree(&v, &o));
    zt_clip_view clip = {.labels = "{\"shape\":\"circle\",\"colour\":\"yellow\",\"direction\":\"right\"}"};
    assert_true(zt_opinion_right(&o, &clip));
    clip.labels = "{\"shape\":\"circle\",\"colour\":\"yellow\"}";
    assert_false(zt_opinion_right(&o, &clip));
    assert_int_equal(zt_head_find(&j.dir.net, "size"), -1);
    assert_int_equal(zt_head_class(&j.dir.net.head[0], "star"), -1);
    assert_int_equal(zt_head_class(&j.dir.net.head[0], "triangle"), 2);
    zt_judge_net_close(&j);
}

static void small_clips_are_refused(void **state) {
    (void)state;
    zt_net net;
    zt_tset params = {0};
    zt_classifying *s;
    make_net(&net);
    net.width = 7;
    assert_int_equal(zt_classifying_create(&s, &net, &params, BATCH, ZT_F32, false), ZT_CONFIG);
    assert_null(s);
    assert_non_null(strstr(zt_err_text(), "clips of 5x11x7"));
    zt_net_finish(&net);
    zt_tset_finish(&params);
}

static void allocation_failures(void **state) {                /* leaks are found by the address sanitizer's run of this test */
    (void)state;
    static uint8_t rgb[CLIPS * BYTES];
    zt_opinion seen[CLIPS];
    float features[CLIPS * FEATURES];
    int failures = 0;
    for (int64_t n = 1;; n += 1 + n / 4) {
        zt_model_dir dir = {0};
        make_net(&dir.net);
        zt_judge_net j = {0};
        zt_alloc_fail_at(n);
        zt_err e = zt_judge_net_take(&j, &dir, ZT_F32);
        if (e == ZT_OK) e = zt_judge_net_look(&j, rgb, CLIPS, seen, features);
        const bool all = zt_alloc_fail_left() > 0;
        zt_alloc_fail_at(0);
        zt_judge_net_close(&j);
        if (all) break;
        assert_int_equal(e, ZT_NOMEM);
        failures++;
    }
    assert_true(failures > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_its_layers),
        cmocka_unit_test(reads_classes),
        cmocka_unit_test(small_clips_are_refused),
        cmocka_unit_test(allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
