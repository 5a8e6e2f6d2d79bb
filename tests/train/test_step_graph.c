/* test_step_graph.c - one training step: a batch computed in parts, or with its blocks made again, is the step of the whole batch
 * in less memory; parts that do not divide the batch are refused; the temporal and the perceptual loss see the clip that the
 * answer means, and the network of the latter stays as it is. */
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
#include "init.h"
#include "train/feed.h"
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

/* A graph with the temporal loss, its network new: it answers 0, so that the clip predicted is `a` times the noisy one. */
static void temporal_graph(zt_step_graph *s, zt_train_cfg *c, zt_tset *params, zt_tset *states, int64_t parts, bool train) {
    *c = (zt_train_cfg){.run.seed = 3, .train = {.accumulate = parts, .temporal_weight = 0.5}};
    small_vdit(&c->net);
    c->net.frames = 3;
    c->net.scale = 2;                                          /* sharpness 50 */
    c->net.text.length = 4;
    assert_int_equal(zt_opt_set(c->net.model->opts, c->net.cfg, "test", "patch", "1,2,2"), ZT_OK);
    if (zt_step_graph_create(s, c, BATCH, params, train ? states : NULL, false) != ZT_OK) fail_msg("%s", zt_err_text());
}

static void temporal_loss_of_the_clip_that_is_meant(void **state) {
    (void)state;
    enum { FRAMES = 3, PIXELS = 64, CLIP = FRAMES * PIXELS * 3 };
    for (int64_t parts = 1; parts <= 2; parts++) {
        zt_train_cfg c;
        zt_tset params = {0}, states = {0};
        zt_step_graph s = {0};
        temporal_graph(&s, &c, &params, &states, parts, true);
        assert_non_null(s.flow);
        zt_step_graph_fill(&s);
        memset(s.flow->x, 0, (size_t)zt_numel(&s.flow->sh) * 4);
        memset(s.back->x, 0, (size_t)zt_numel(&s.back->sh) * 4);
        memset(s.in.mask->x, 0, BATCH * FRAMES * 4);
        memset(s.weight->x, 0, BATCH * FRAMES * 4);
        double want = 0;
        for (int b = 0; b < BATCH; b++) {
            float *x0 = (float *)s.x0->x + b * CLIP, *eps = (float *)s.eps->x + b * CLIP;
            const float coef[5] = {0.5F, 2}, x0_coef[3] = {2, 7, 0.25F * (float)(b + 1)};
            for (int k = 0; k < CLIP; k++) {
                const int t = k / (PIXELS * 3), grey = 1 - k / (PIXELS * 3 / 2) % 2;
                x0[k] = t == 2 ? 1 : 0;                        /* frame 2 is not explained by a flow of 0: it does not count */
                eps[k] = t == 1 && grey ? 0.1F * (float)(b + 1) : 0;
            }
            memcpy((float *)s.coef->x + b * 5, coef, sizeof coef);
            memcpy((float *)s.x0_coef->x + b * 3, x0_coef, sizeof x0_coef);
            if (b == 3) ((float *)s.in.mask->x)[b * FRAMES + 1] = 1;          /* given: as it is, and frame 0 is as dark */
            else want += x0_coef[2] * pow(4 * 0.1 * (b + 1), 2) / 2;    /* half of the pixels of frame 0 */
        }
        zt_net_show(&s.in);
        assert_int_equal(zt_plan_run(s.plan), ZT_OK);
        assert_true(fabs(*(float *)s.temporal->x - want) < 1e-5 * want);
        assert_true(*(float *)s.loss->x == 0 && *(float *)s.opt.norm->x > 0); /* paid though it is not in the loss that is told */
        zt_step_graph_finish(&s);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
        zt_net_finish(&c.net);
    }
}

static void temporal_inputs(void **state) {
    (void)state;
    for (int target = 0; target <= ZT_TARGET_FLOW; target++) {
        zt_train_cfg c;
        zt_tset params = {0}, states = {0};
        zt_step_graph s = {0};
        zt_bpe tok = {0};
        static uint8_t rgb[BATCH * 3 * 64 * 3];
        const char *const caption[BATCH] = {"", "", "", ""};
        temporal_graph(&s, &c, &params, &states, 1, true);
        zt_opt_defaults(zt_diffusion_opts, &c.diffusion);
        c.diffusion.target = target;
        for (size_t k = 0; k < sizeof rgb; k++) rgb[k] = (uint8_t)(k % 64 / 32 * 200);
        zt_feed(&s, &c, &tok, ZT_FEED_TRAIN, 0, rgb, caption);
        assert_int_equal(zt_feed_flow(&s, rgb), ZT_OK);
        for (int b = 0; b < BATCH; b++) {                      /* of what the target says of (x0, eps), x0 comes back */
            const float *k = (float *)s.coef->x + 5 * b, *p = (float *)s.x0_coef->x + 3 * b;
            assert_true(fabsf(p[0] * k[0] + p[1] * k[2] - 1) < 1e-3F && fabsf(p[0] * k[1] + p[1] * k[3]) < 1e-3F * (1 + p[0]));
            assert_true(fabsf(p[2] * BATCH - k[0] * k[0] / (k[0] * k[0] + k[1] * k[1])) < 1e-5F);
        }
        for (int64_t k = 0; k < zt_numel(&s.flow->sh); k++) assert_true(isfinite(((float *)s.flow->x)[k]));
        zt_step_graph_finish(&s);
        zt_net_finish(&c.net);
        temporal_graph(&s, &c, &params, &states, 1, false);    /* what validation measures stays what it was */
        assert_true(!s.flow && !s.temporal);
        zt_step_graph_finish(&s);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
        zt_net_finish(&c.net);
    }
}

/* ---- the perceptual loss ------------------------------------------------------------------------------------------ */
enum { P_FRAMES = 2, P_SIDE = 8, P_CLIP = P_FRAMES * P_SIDE * P_SIDE * 3 };

/* A small judge of weights that nobody trained. */
static zt_perceptual frozen_network(void) {
    zt_perceptual p = {0};
    zt_graph *g;
    assert_int_equal(zt_net_init(&p.net, "judge-net"), ZT_OK);
    assert_int_equal(zt_opt_set(zt_net_opts(&p.net), p.net.cfg, "test", "width", "8"), ZT_OK);
    p.net.n_heads = 1;
    p.net.head[0] = (zt_head){.label = "shape", .classes = 2};
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_nn nn = {.g = g, .params = &p.params, .seed = 11};
    zt_push(g, ZT_PERCEPTUAL_SCOPE);
    p.net.classifier->build(&nn, zt_input(g, "video", ZT_F32, zt_sh(1, P_FRAMES, P_SIDE, P_SIDE, 3)), p.net.cfg, 1, p.net.head);
    assert_int_equal(zt_graph_error(g), ZT_OK);
    zt_graph_destroy(&g);
    return p;
}

/* Distances of clips [BATCH] from a graph of their own. */
static void distances(zt_perceptual *p, const float *a, const float *b, double out[BATCH]) {
    zt_graph *g;
    zt_plan *plan;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_node *x = zt_input(g, "a", ZT_F32, zt_sh(BATCH, P_FRAMES, P_SIDE, P_SIDE, 3)), *y = zt_input(g, "b", ZT_F32, x->sh);
    zt_node *d = zt_perceptual_distance(p, x, y);
    assert_int_equal(zt_plan_create(&plan, g, 1, &d, &(zt_plan_cfg){.backend = zt_backend_cpu()}), ZT_OK);
    memcpy(x->x, a, sizeof(float) * BATCH * P_CLIP);
    memcpy(y->x, b, sizeof(float) * BATCH * P_CLIP);
    assert_int_equal(zt_plan_run(plan), ZT_OK);
    for (int k = 0; k < BATCH; k++) out[k] = ((const float *)d->x)[k];
    zt_plan_destroy(&plan);
    zt_graph_destroy(&g);
}

static void perceptual_graph(zt_step_graph *s, zt_train_cfg *c, zt_tset *params, zt_tset *states, zt_perceptual *p, bool train) {
    small_vdit(&c->net);
    c->net.scale = 0.5;
    c->net.mean = -0.25;
    c->net.text.length = 4;
    c->perceptual = p;
    c->train.perceptual_weight = 0.5;
    assert_int_equal(zt_opt_set(c->net.model->opts, c->net.cfg, "test", "patch", "1,2,2"), ZT_OK);
    if (zt_step_graph_create(s, c, BATCH, params, train ? states : NULL, false) != ZT_OK) fail_msg("%s", zt_err_text());
}

static void perceptual_feed(zt_step_graph *s, float *clean, float *made) {
    zt_step_graph_fill(s);
    memset(s->in.mask->x, 0, BATCH * P_FRAMES * 4);
    memset(s->weight->x, 0, BATCH * P_FRAMES * 4);
    for (int k = 0; k < BATCH * P_CLIP; k++) {                 /* pixels, and what they are to the network that learns */
        const int b = k / P_CLIP;
        const float coef[5] = {0.5F, 0.5F}, x0_coef[3] = {1.5F, 7, 0.25F * (float)(b + 1)};
        float *x0 = s->x0->x, *eps = s->eps->x;
        const bool given = b == 3 && k % P_CLIP < P_CLIP / 2;
        made[k] = x0_coef[0] * (coef[0] * x0[k] + coef[1] * eps[k]) * 0.5F - 0.25F;      /* of a network that answers 0 */
        clean[k] = x0[k] * 0.5F - 0.25F;
        if (given) made[k] = clean[k];
        memcpy((float *)s->coef->x + b * 5, coef, sizeof coef);
        memcpy((float *)s->x0_coef->x + b * 3, x0_coef, sizeof x0_coef);
    }
    ((float *)s->in.mask->x)[3 * P_FRAMES] = 1;
    zt_net_show(&s->in);
}

static void perceptual_loss_of_the_clip_that_is_meant(void **state) {
    (void)state;
    static float clean[BATCH * P_CLIP], made[BATCH * P_CLIP];
    zt_perceptual p = frozen_network();
    zt_tset before = {0};
    assert_int_equal(zt_tset_like(&before, &p.params, true), ZT_OK);
    for (int k = 0; k < 3; k++) {                              /* whole; in parts; in bf16, in parts */
        zt_train_cfg c = {.run = {.seed = 3, .precision = k == 2}, .train.accumulate = k ? 2 : 1};
        zt_tset params = {0}, states = {0};
        zt_step_graph s = {0};
        double d[BATCH], want = 0;
        perceptual_graph(&s, &c, &params, &states, &p, true);
        assert_true(s.perceptual && s.x0_coef && !s.flow && !s.temporal);
        perceptual_feed(&s, clean, made);
        distances(&p, made, clean, d);
        for (int b = 0; b < BATCH; b++) want += 0.25 * (b + 1) * d[b];
        assert_true(d[3] > 1e-3 && d[3] < d[0]);               /* half of it was given */
        for (int n = 0; n < 2; n++) {
            assert_int_equal(zt_plan_run(s.plan), ZT_OK);
            assert_true(*(float *)s.loss->x == 0 && *(float *)s.opt.norm->x > 0);
            if (n == 0) assert_true(fabs(*(float *)s.perceptual->x - want) < (k == 2 ? 2e-2 : 1e-4) * want);
        }
        for (int j = 0; j < p.params.n; j++)                   /* neither changed nor taken among what is trained and saved */
            assert_memory_equal(p.params.t[j].data, before.t[j].data, (size_t)zt_numel(&before.t[j].sh) * sizeof(float));
        for (int j = 0; j < params.n; j++) assert_null(strstr(params.t[j].name, ZT_PERCEPTUAL_SCOPE));
        for (int j = 0; j < states.n; j++) assert_null(strstr(states.t[j].name, ZT_PERCEPTUAL_SCOPE));
        const int64_t flops = s.flops;
        zt_step_graph_finish(&s);
        zt_net_finish(&c.net);
        perceptual_graph(&s, &c, &params, &states, &p, false);   /* what validation measures stays what it was */
        assert_true(!s.perceptual && !s.x0_coef);
        zt_step_graph_finish(&s);
        c.perceptual = NULL;
        assert_int_equal(zt_step_graph_create(&s, &c, BATCH, &params, &states, true), ZT_OK);
        assert_true(flops > s.flops + BATCH * 100000);         /* looking at clips counts */
        zt_step_graph_finish(&s);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
        zt_net_finish(&c.net);
    }
    zt_tset_finish(&before);
    zt_perceptual_finish(&p);
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
        cmocka_unit_test(scopes_that_stay_f32), cmocka_unit_test(temporal_loss_of_the_clip_that_is_meant),
        cmocka_unit_test(temporal_inputs), cmocka_unit_test(perceptual_loss_of_the_clip_that_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
