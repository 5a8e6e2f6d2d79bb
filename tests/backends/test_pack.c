/* test_pack.c - packed weights: what is kept from run to run, or shared by steps of a run, never outlives a change of the
 * parameters; at every processor level and without oneDNN. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "init.h"
#include "levels.h"
#include "ops/ops.h"
#include "tensor/plan.h"

enum { C = 40, OUT = 44, MOST = 4 };
static const zt_conv_cfg flat = {.stride = {1, 1, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};

typedef struct net {
    zt_graph *g;
    zt_plan *p;
    zt_tset params;
    zt_node *x, *conv_w, *linear_w, *out[MOST];
    int n_out;
} net;
static zt_node *param(net *t, const char *name, zt_shape sh) {
    if (!zt_tset_find(&t->params, name)) assert_int_equal(zt_tset_add(&t->params, name, ZT_F32, sh, NULL), ZT_OK);
    return zt_param(t->g, name, sh);
}
static void net_create(net *t) {
    *t = (net){0};
    assert_int_equal(zt_graph_create(&t->g), ZT_OK);
    zt_graph_set_multiply(t->g, ZT_BF16);
    t->x = zt_input(t->g, "x", ZT_F32, zt_sh(4, 2, 12, 12, C));
    t->conv_w = param(t, "conv", zt_sh(1, 3, 3, C, C));
    t->linear_w = param(t, "linear", zt_sh(C, OUT));
}
static void net_finish(net *t) {
    zt_plan_destroy(&t->p);
    zt_graph_destroy(&t->g);
    zt_tset_finish(&t->params);
}
static zt_node *model(net *t, zt_node *x) {
    return zt_linear_op(zt_conv(x, t->conv_w, NULL, &flat), t->linear_w, NULL);
}
static void set_weights(net *t, uint64_t seed) {
    for (int k = 0; k < t->params.n; k++)
        zt_fill_normal(seed, (uint64_t)k, t->params.t[k].data, zt_numel(&t->params.t[k].sh));
}
static void plan(net *t, bool dry) {
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = &t->params, .dry = dry};
    assert_int_equal(zt_plan_create(&t->p, t->g, t->n_out, t->out, &cfg), ZT_OK);
    if (t->x->x) zt_fill_normal(1, 1, t->x->x, zt_numel(&t->x->sh));
}
static float *copy_of(const zt_node *n) {
    float *y = malloc((size_t)zt_numel(&n->sh) * sizeof *y);
    assert_non_null(y);
    memcpy(y, n->x, (size_t)zt_numel(&n->sh) * sizeof *y);
    return y;
}
static bool same(const float *a, const zt_node *n) {
    return memcmp(a, n->x, (size_t)zt_numel(&n->sh) * sizeof *a) == 0;
}
/* What the model gives with the weights of `seed`, in a plan of its own. */
static float *fresh(uint64_t seed) {
    net t;
    net_create(&t);
    t.out[t.n_out++] = model(&t, t.x);
    plan(&t, false);
    set_weights(&t, seed);
    assert_int_equal(zt_plan_run(t.p), ZT_OK);
    float *y = copy_of(t.out[0]);
    net_finish(&t);
    return y;
}

static void kept_from_run_to_run(void **state) {
    (void)state;
    float *first = fresh(1), *second = fresh(2);
    net t;
    net_create(&t);
    t.out[t.n_out++] = model(&t, t.x);
    plan(&t, false);
    set_weights(&t, 1);
    assert_int_equal(zt_plan_run_same(t.p), ZT_OK);                /* nothing was packed yet */
    assert_true(same(first, t.out[0]));
    assert_int_equal(zt_plan_run_same(t.p), ZT_OK);
    assert_true(same(first, t.out[0]));
    set_weights(&t, 2);
    assert_true(zt_plan_get_info(t.p)->packed_bytes > 0);
    assert_int_equal(zt_plan_run_same(t.p), ZT_OK);                /* told that nothing changed: the copies are read */
    assert_false(same(second, t.out[0]));
    assert_int_equal(zt_plan_run(t.p), ZT_OK);
    assert_true(same(second, t.out[0]));
    set_weights(&t, 1);
    assert_int_equal(zt_plan_run_checked(t.p), ZT_OK);
    assert_true(same(first, t.out[0]));
    net_finish(&t);
    free(first);
    free(second);
}

/* An update between two readers of the same shapes, as with the two losses of a GAN: the second reads the new weights. */
static void an_update_ends_sharing(void **state) {
    (void)state;
    float *first = fresh(1), *second = fresh(2);
    net t;
    net_create(&t);
    zt_node *conv = zt_input(t.g, "new conv", ZT_F32, t.conv_w->sh);
    zt_node *linear = zt_input(t.g, "new linear", ZT_F32, t.linear_w->sh);
    t.out[t.n_out++] = model(&t, t.x);
    t.out[t.n_out++] = zt_assign(t.conv_w, conv);
    t.out[t.n_out++] = zt_assign(t.linear_w, linear);
    t.out[t.n_out++] = model(&t, t.x);
    plan(&t, false);
    zt_fill_normal(2, 0, conv->x, zt_numel(&conv->sh));
    zt_fill_normal(2, 1, linear->x, zt_numel(&linear->sh));
    for (int k = 0; k < 2; k++) {                                  /* also where the caller says that nothing changed */
        set_weights(&t, 1);
        assert_int_equal(k ? zt_plan_run_same(t.p) : zt_plan_run(t.p), ZT_OK);
        assert_true(same(first, t.out[0]));
        assert_true(same(second, t.out[3]));
        assert_int_equal(k ? zt_plan_run(t.p) : zt_plan_run_same(t.p), ZT_OK);
        assert_true(same(second, t.out[0]));
    }
    assert_int_equal(zt_plan_get_info(t.p)->packed_bytes, 0);
    net_finish(&t);
    free(first);
    free(second);
}

/* Parts of a batch read one copy, if they are of one size; the update comes after them. */
static void parts_share(void **state) {
    (void)state;
    int64_t bytes[2];
    for (int parts = 1; parts <= 2; parts++) {
        net t;
        net_create(&t);
        const int64_t n = 4 / parts;
        float *whole = fresh(1);
        for (int k = 0; k < parts; k++) t.out[t.n_out++] = model(&t, zt_rows_view(t.x, k * n, n));
        t.out[t.n_out++] = zt_assign(t.linear_w, zt_affine(t.linear_w, 0.5, 0));
        plan(&t, false);
        set_weights(&t, 1);
        for (int run = 0; run < 2; run++) {                        /* the second one with halved weights */
            assert_int_equal(zt_plan_run(t.p), ZT_OK);
            for (int k = 0; k < parts; k++) {
                const float *y = t.out[k]->x, *want = whole + k * zt_numel(&t.out[k]->sh);
                double off = 0, size = 0;
                for (int64_t i = 0; i < zt_numel(&t.out[k]->sh); i++) {
                    const double v = want[i] * (run ? 0.5 : 1);
                    off += (y[i] - v) * (y[i] - v);
                    size += v * v;
                }
                assert_true(off < 1e-9 * size);
            }
        }
        bytes[parts - 1] = zt_plan_get_info(t.p)->packed_bytes;
        net_finish(&t);
        free(whole);
    }
    assert_int_equal(bytes[0], 0);
    assert_true(bytes[1] > 0);
}

/* Rows of a parameter are weights of their own; other shapes of it are the same ones. */
static void views_are_told_apart(void **state) {
    (void)state;
    net t;
    net_create(&t);
    zt_node *x = zt_input(t.g, "rows", ZT_F32, zt_sh(50, C)), *two = param(&t, "two", zt_sh(2, C, OUT));
    for (int k = 0; k < 2; k++) t.out[t.n_out++] = zt_matmul(x, zt_reshape(zt_rows_view(two, k, 1), zt_sh(C, OUT)), false, false);
    plan(&t, false);
    zt_fill_normal(1, 3, x->x, zt_numel(&x->sh));
    set_weights(&t, 1);
    assert_int_equal(zt_plan_run(t.p), ZT_OK);
    float *y = copy_of(t.out[0]);
    assert_false(same(y, t.out[1]));
    float *w = zt_tset_find(&t.params, "two")->data;
    memcpy(w + C * OUT, w, C * OUT * sizeof *w);
    assert_int_equal(zt_plan_run(t.p), ZT_OK);
    assert_true(same(y, t.out[0]) && same(y, t.out[1]));
    free(y);
    net_finish(&t);
}

static void copies_are_counted(void **state) {
    (void)state;
    int64_t all[2], packed[2];
    for (int dry = 0; dry < 2; dry++) {
        net t;
        net_create(&t);
        t.out[t.n_out++] = model(&t, t.x);
        plan(&t, dry);
        const zt_plan_info *i = zt_plan_get_info(t.p);
        all[dry] = zt_plan_bytes(t.p);
        packed[dry] = i->packed_bytes;
        assert_int_equal(all[dry], i->arena_bytes + i->scratch_bytes + i->input_bytes + i->packed_bytes);
        net_finish(&t);
    }
    assert_true(packed[0] >= 9 * C * C * 2 && packed[0] == packed[1] && all[0] == all[1]);
}

static int run_level(const char *level) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kept_from_run_to_run), cmocka_unit_test(an_update_ends_sharing),
                                       cmocka_unit_test(parts_share), cmocka_unit_test(views_are_told_apart),
                                       cmocka_unit_test(copies_are_counted)};
    return cmocka_run_group_tests_name(level, tests, NULL, NULL);
}

int main(void) {
    return run_levels(run_level);
}
