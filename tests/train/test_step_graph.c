/* test_step_graph.c - one training step: a batch computed in parts, or with its blocks made again, is the step of the whole batch
 * in less memory; parts that do not divide the batch are refused. */
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
#include "train/step_graph.h"

enum { BATCH = 4 };
typedef struct outcome { zt_err e; double loss, norm; int64_t bytes, flops; zt_tset params; } outcome;

static outcome step(const char *model, const char *(*opts)[2], int64_t parts, bool recompute) {
    outcome o = {0};
    zt_train_cfg c = {.run.seed = 3, .train = {.accumulate = parts, .recompute = recompute}};
    zt_tset states = {0};
    zt_step_graph s = {0};
    assert_int_equal(zt_net_init(&c.net, model), ZT_OK);
    for (; (*opts)[0]; opts++) assert_int_equal(zt_opt_set(c.net.model->opts, c.net.cfg, "test", (*opts)[0], (*opts)[1]), ZT_OK);
    c.net.vocab = 300;
    c.net.frames = 4;
    c.net.height = c.net.width = 32;                         /* activations outweigh gradients of weights */
    o.e = zt_step_graph_create(&s, &c, BATCH, &o.params, &states, false);
    if (o.e == ZT_OK) {
        zt_step_graph_fill(&s);
        for (int k = 0; k < o.params.n; k++) {                 /* none zero, so that every gradient counts */
            zt_tensor *p = &o.params.t[k];
            for (int64_t j = 0; j < zt_numel(&p->sh); j++) ((float *)p->data)[j] += (float)((j * 7 + k) % 11 - 5) * 0.01f;
        }
        for (int64_t j = 0; j < BATCH * 4; j++) ((float *)s.weight->x)[j] = 1e-3f;
        for (int b = 0; b < BATCH; b++) {                      /* each clip its own caption, age and frames known */
            for (int f = 0; f < 4; f++) ((float *)s.in.mask->x)[b * 4 + f] = f < b;
            ((int32_t *)s.in.ids->x)[b * c.net.text.length] = 7 + b;
            ((int32_t *)s.in.len->x)[b] = 1 + b;
        }
        zt_net_show(&s.in);
        ((float *)s.opt.hyper->x)[0] = 1e-2f;
        assert_int_equal(zt_plan_run(s.plan), ZT_OK);
        o.loss = *(const float *)s.loss->x;
        o.norm = *(const float *)s.opt.norm->x;
        o.bytes = zt_plan_get_info(s.plan)->arena_bytes;
        o.flops = s.flops;
    }
    zt_step_graph_finish(&s);
    zt_tset_finish(&states);
    zt_net_finish(&c.net);
    return o;
}

static double apart(const zt_tset *a, const zt_tset *b) {      /* root mean square difference over all weights */
    double sum = 0, n = 0;
    assert_int_equal(a->n, b->n);
    for (int k = 0; k < a->n; k++)
        for (int64_t j = 0; j < zt_numel(&a->t[k].sh); j++, n++) {
            const double d = ((const float *)a->t[k].data)[j] - ((const float *)b->t[k].data)[j];
            sum += d * d;
        }
    return sqrt(sum / n);
}

static const char *const vdit[][2] = {{"dim", "48"}, {"depth", "4"}, {"heads", "2"}, {"patch", "1,2,2"}, {NULL, NULL}};
static const char *const unet3d[][2] = {{"widths", "16,32"}, {"blocks", "2"}, {"attn_space", "0,1"}, {"attn_time", "1,1"},
                                        {"time_down", "0,0"}, {"head_dim", "8"}, {NULL, NULL}};

static void parts_make_the_whole(const char *model, const char *(*opts)[2]) {
    outcome whole = step(model, opts, 1, false);
    assert_int_equal(whole.e, ZT_OK);
    assert_true(whole.norm > 0);
    for (int64_t parts = 2; parts <= 4; parts *= 2) {
        outcome o = step(model, opts, parts, false);
        assert_int_equal(o.e, ZT_OK);
        assert_true(fabs(o.loss - whole.loss) <= 1e-5 * whole.loss);
        assert_true(fabs(o.norm - whole.norm) <= 1e-3 * whole.norm);
        assert_true(apart(&o.params, &whole.params) < 2e-4);   /* a step is 1e-2 per weight */
        assert_true(o.bytes * 3 < whole.bytes * 2);
        assert_true(llabs(o.flops - whole.flops) * 100 < whole.flops);   /* what does not depend on the batch is done for each */
        zt_tset_finish(&o.params);
    }
    outcome again = step(model, opts, 1, true);
    assert_int_equal(again.e, ZT_OK);
    assert_true(again.loss == whole.loss && again.norm == whole.norm && apart(&again.params, &whole.params) == 0);
    assert_true(again.bytes * 3 < whole.bytes * 2 && again.flops == whole.flops);
    zt_tset_finish(&again.params);
    zt_tset_finish(&whole.params);
}
static void of_vdit(void **state) {
    (void)state;
    parts_make_the_whole("vdit", (const char *(*)[2])vdit);
}
static void of_unet3d(void **state) {
    (void)state;
    parts_make_the_whole("unet3d", (const char *(*)[2])unet3d);
}

static void uneven_parts_are_refused(void **state) {
    (void)state;
    outcome o = step("vdit", (const char *(*)[2])vdit, 3, false);
    assert_int_equal(o.e, ZT_CONFIG);
    assert_non_null(strstr(zt_err_text(), "train.accumulate=3 does not divide train.batch=4"));
    zt_tset_finish(&o.params);
}

static void small_vdit(zt_net *net) {
    assert_int_equal(zt_net_init(net, "vdit"), ZT_OK);
    net->vocab = 300;
    net->frames = 2;
    net->height = net->width = 8;
}

static void allocation_failures(void **state) {                /* leaks are found by the address sanitizer's run of this test */
    (void)state;
    int failures = 0;
    for (int64_t n = 1;; n += 1 + n / 6) {                     /* all of the first calls, then ever fewer: there are thousands */
        zt_train_cfg c = {.run.seed = 3, .train = {.accumulate = 2}};
        zt_tset params = {0}, states = {0};
        zt_step_graph s = {0};
        small_vdit(&c.net);
        zt_alloc_fail_at(n);
        const zt_err e = zt_step_graph_create(&s, &c, 2, &params, &states, false);
        const int64_t left = zt_alloc_fail_left();
        zt_alloc_fail_at(0);
        zt_step_graph_finish(&s);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
        zt_net_finish(&c.net);
        if (e == ZT_OK) {
            assert_true(left > 0);
            break;
        }
        assert_int_equal(e, ZT_NOMEM);
        failures++;
    }
    assert_true(failures > 20);
}

static void scopes_that_stay_f32(void **state) {
    (void)state;
    zt_train_cfg c = {.run = {.seed = 3, .precision = ZT_PRECISION_BF16, .f32_scopes = "blocks.0,head"}};
    zt_tset params = {0}, states = {0};
    zt_step_graph s = {0};
    small_vdit(&c.net);
    assert_int_equal(zt_step_graph_create(&s, &c, 1, &params, &states, true), ZT_OK);
    int f32 = 0, bf16 = 0;
    for (int id = 0; id < zt_graph_size(s.g); id++) {
        const zt_node *n = zt_graph_node(s.g, id);
        const bool kept = strncmp(n->scope, "head", 4) == 0 || (strncmp(n->scope, "blocks.0", 8) == 0 && n->scope[8] != '0');
        assert_int_equal(n->multiply, kept ? ZT_F32 : ZT_BF16);
        f32 += kept;
        bf16 += !kept;
    }
    assert_true(f32 > 50 && bf16 > 500);
    zt_step_graph_finish(&s);
    snprintf(c.run.f32_scopes, sizeof c.run.f32_scopes, "hed");
    assert_int_equal(zt_step_graph_create(&s, &c, 1, &params, &states, true), ZT_CONFIG);
    assert_non_null(strstr(zt_err_text(), "no part 'hed'"));
    zt_tset_finish(&params);
    zt_tset_finish(&states);
    zt_net_finish(&c.net);
}

static void which_parameters(void **state) {
    (void)state;
    zt_graph *g = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    assert_true(zt_muon_takes(zt_param(g, "blocks.0.attn.q.weight", zt_sh(4, 4))));
    assert_true(zt_muon_takes(zt_param(g, "stem.weight", zt_sh(1, 3, 3, 4, 4))));
    assert_false(zt_muon_takes(zt_param(g, "norm.weight", zt_sh(4))));
    assert_false(zt_muon_takes(zt_param(g, "text.token", zt_sh(9, 4))));
    assert_false(zt_muon_takes(zt_param(g, "head.out.weight", zt_sh(4, 4))));
    zt_graph_destroy(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_vdit), cmocka_unit_test(of_unet3d), cmocka_unit_test(uneven_parts_are_refused),
        cmocka_unit_test(allocation_failures), cmocka_unit_test(which_parameters),
        cmocka_unit_test(scopes_that_stay_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
