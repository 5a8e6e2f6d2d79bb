/* test_models_golden.c - vdit and unet3d, with text encoder and known frames, against PyTorch: outputs and gradients of the
 * networks in tests/golden, which tests/reference/models.py made. With the plain references and with the CPU backend. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "init.h"
#include "models/net.h"
#include "nn/safetensors.h"

enum { GRADS_MAX = 16 };
static const double OUT_TOLERANCE = 1e-5, GRAD_TOLERANCE = 3e-5;       /* of the largest value */

/* A golden file and the network it describes, planned. */
typedef struct golden {
    zt_tset file, params;
    json_t *meta;
    zt_net net;
    zt_graph *g;
    zt_node *out, *grad[GRADS_MAX];
    const zt_tensor *grad_want[GRADS_MAX];
    int n_grads;
    zt_plan *plan;
} golden;

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static const zt_tensor *want(const golden *m, const char *name) {
    const zt_tensor *t = zt_tset_find(&m->file, name);
    if (!t) fail_msg("the golden file has no %s", name);
    return t;
}

/* Values as float, from f32 or bf16 (the upper half of a float). */
static void to_float(const zt_tensor *t, float *x) {
    const int64_t n = zt_numel(&t->sh);
    for (int64_t k = 0; k < n; k++) {
        if (t->dtype == ZT_F32) {
            x[k] = ((const float *)t->data)[k];
            continue;
        }
        assert_int_equal(t->dtype, ZT_BF16);
        const uint32_t bits = (uint32_t)((const uint16_t *)t->data)[k] << 16;
        memcpy(&x[k], &bits, sizeof bits);
    }
}

static void take_params(golden *m) {
    for (int k = 0; k < m->file.n; k++) {
        const zt_tensor *t = &m->file.t[k];
        zt_tensor *p;
        if (strncmp(t->name, "param/", 6) != 0) continue;
        must(zt_tset_add(&m->params, t->name + 6, ZT_F32, t->sh, &p));
        to_float(t, p->data);
    }
}

static json_t *meta_json(const golden *m, const char *key) {
    const char *text = json_string_value(json_object_get(m->meta, key));
    json_t *j = NULL;
    assert_non_null(text);
    must(zt_json_parse(text, strlen(text), key, &j));
    return j;
}

static void make_net(golden *m, const char *name) {
    const zt_shape clip = want(m, "in/noisy")->sh;
    must(zt_net_init(&m->net, name));
    json_t *config = meta_json(m, "config"), *text = meta_json(m, "text");
    must(zt_opt_from_json(m->net.model->opts, m->net.cfg, "model", config));
    m->net.text.length = json_integer_value(json_object_get(text, "length"));
    m->net.text.dim = json_integer_value(json_object_get(text, "dim"));
    m->net.text.depth = json_integer_value(json_object_get(text, "depth"));
    m->net.text.heads = json_integer_value(json_object_get(text, "heads"));
    m->net.vocab = json_integer_value(json_object_get(text, "vocab"));
    m->net.frames = clip.d[1];
    m->net.height = clip.d[2];
    m->net.width = clip.d[3];
    must(zt_net_check(&m->net));
    json_decref(config);
    json_decref(text);
}

static zt_node *param_node(const golden *m, const char *name) {
    for (int id = 0; id < zt_graph_size(m->g); id++) {
        zt_node *n = zt_graph_node(m->g, id);
        if (n->role == ZT_PARAM && strcmp(n->name, name) == 0) return n;
    }
    fail_msg("the network does not use parameter %s", name);
    return NULL;
}

static void feed(const golden *m, zt_node *leaf, const char *name) {
    const zt_tensor *t = want(m, name);
    assert_true(zt_same_shape(&t->sh, &leaf->sh));
    if (leaf->dtype == ZT_I32) memcpy(leaf->x, t->data, (size_t)zt_numel(&t->sh) * sizeof(int32_t));
    else to_float(t, leaf->x);
}

static void golden_open(golden *m, const char *name, const zt_backend *backend, bool with_grads, bool recompute) {
    char path[128];
    *m = (golden){0};
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    must(zt_safetensors_load(path, &m->file, &m->meta));
    take_params(m);
    make_net(m, name);
    const int known = m->params.n;
    must(zt_graph_create(&m->g));
    zt_nn nn = {.g = m->g, .params = &m->params, .recompute = recompute};
    const int64_t batch = want(m, "in/noisy")->sh.d[0];
    const zt_net_in in = zt_net_inputs(m->g, &m->net, batch);
    m->out = zt_net_build(&nn, &m->net, &in);
    zt_node *probe = zt_input(m->g, "probe", ZT_F32, m->out->sh), *wrt[GRADS_MAX], *outputs[GRADS_MAX + 1] = {m->out};
    must(zt_graph_error(m->g));
    assert_int_equal(m->params.n, known);                      /* no parameter beyond those PyTorch used, and ... */
    for (int k = 0; k < known; k++) param_node(m, m->params.t[k].name);                     /* ... none of them left out */
    for (int k = 0; k < m->file.n && with_grads; k++) {
        if (strncmp(m->file.t[k].name, "grad/", 5) != 0) continue;
        assert_true(m->n_grads < GRADS_MAX);
        m->grad_want[m->n_grads] = &m->file.t[k];
        wrt[m->n_grads++] = param_node(m, m->file.t[k].name + 5);
    }
    if (with_grads) must(zt_grad(zt_sum(zt_mul(m->out, probe)), m->n_grads, wrt, m->grad));
    for (int k = 0; k < m->n_grads; k++) outputs[k + 1] = m->grad[k];
    const zt_plan_cfg cfg = {.backend = backend, .strict = backend != NULL, .params = &m->params};
    must(zt_plan_create(&m->plan, m->g, m->n_grads + 1, outputs, &cfg));
    feed(m, in.noisy, "in/noisy");
    feed(m, in.known, "in/known");
    feed(m, in.mask, "in/mask");
    zt_net_show(&in);
    feed(m, in.t01, "in/t01");
    feed(m, in.ids, "in/ids");
    feed(m, in.len, "in/len");
    if (with_grads) feed(m, probe, "probe");
    must(zt_plan_run(m->plan));
}

static void golden_close(golden *m) {
    zt_plan_destroy(&m->plan);
    zt_graph_destroy(&m->g);
    zt_net_finish(&m->net);
    zt_tset_finish(&m->params);
    zt_tset_finish(&m->file);
    json_decref(m->meta);
}

/* Largest difference over largest value; infinite when anything is not finite. */
static double error_of(const zt_node *got, const zt_tensor *expected) {
    assert_true(zt_same_shape(&got->sh, &expected->sh));
    const float *x = got->x, *y = expected->data;
    double worst = 0, size = 0;
    for (int64_t k = 0; k < zt_numel(&got->sh); k++) {
        if (!isfinite(x[k])) return INFINITY;
        worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
        size = fmax(size, fabs((double)y[k]));
    }
    return worst / size;
}

static void compare(const char *name, const zt_backend *backend) {
    golden m;
    golden_open(&m, name, backend, true, false);
    const double e = error_of(m.out, want(&m, "out"));
    double worst = 0;
    for (int k = 0; k < m.n_grads; k++) {
        const double d = error_of(m.grad[k], m.grad_want[k]);
        if (d > GRAD_TOLERANCE) print_error("%s: error %.2e\n", m.grad_want[k]->name, d);
        worst = fmax(worst, d);
    }
    printf("%s, %s: output within %.1e of PyTorch %s, %d gradients within %.1e\n", name, backend ? backend->name : "references",
           e, json_string_value(json_object_get(m.meta, "torch")), m.n_grads, worst);
    assert_true(e <= OUT_TOLERANCE);
    assert_true(m.n_grads >= 10 && worst <= GRAD_TOLERANCE);
    golden_close(&m);
}

/* Add sign * (an uneven pattern of +-0.5) to a weight tensor. */
static void shake(zt_tensor *p, float sign) {
    const int64_t n = zt_numel(&p->sh);
    for (int64_t i = 0; i < n; i++) ((float *)p->data)[i] += sign * ((float)(i * 5 % 13) / 12 - 0.5F);
}

/* A change of one weight tensor, whichever, must be seen. Exempt: the bias of plain keys, which shifts all scores of a query
 * alike. */
static void every_weight_counts(const char *name) {
    golden m;
    golden_open(&m, name, zt_backend_cpu(), false, false);
    for (int k = 0; k < m.params.n; k++) {
        zt_tensor *p = &m.params.t[k];
        const bool rotated = strncmp(p->name, "blocks.", 7) == 0 && zt_ends_with(p->name, ".attn.k.bias");
        if (zt_ends_with(p->name, ".k.bias") && !rotated) continue;
        shake(p, 1);
        must(zt_plan_run(m.plan));
        if (error_of(m.out, want(&m, "out")) <= OUT_TOLERANCE) fail_msg("%s: a wrong %s goes unseen", name, p->name);
        shake(p, -1);
    }
    golden_close(&m);
}

/* One wrong value in one weight. */
static void one_wrong_weight_is_seen(const char *name, const char *param) {
    golden m;
    golden_open(&m, name, zt_backend_cpu(), false, false);
    zt_tensor *p = zt_tset_find(&m.params, param);
    assert_non_null(p);
    ((float *)p->data)[5] += 0.5F;
    must(zt_plan_run(m.plan));
    assert_true(error_of(m.out, want(&m, "out")) > OUT_TOLERANCE);
    golden_close(&m);
}

/* Blocks made again in the backward pass: the same bits from less memory, and no more model FLOPs. */
static void recomputed(const char *name) {
    golden a, b;
    golden_open(&a, name, zt_backend_cpu(), true, false);
    golden_open(&b, name, zt_backend_cpu(), true, true);
    assert_int_equal(a.n_grads, b.n_grads);
    for (int k = 0; k < a.n_grads; k++)
        assert_memory_equal(a.grad[k]->x, b.grad[k]->x, (size_t)zt_numel(&a.grad[k]->sh) * sizeof(float));
    const zt_plan_info *kept = zt_plan_get_info(a.plan), *again = zt_plan_get_info(b.plan);
    printf("%s: results take %lld bytes, recomputed %lld; %d steps, %d\n", name, (long long)kept->arena_bytes,
           (long long)again->arena_bytes, kept->steps, again->steps);
    assert_true(again->arena_bytes < kept->arena_bytes);
    assert_true(again->steps > kept->steps);
    assert_true(again->flops == kept->flops);
    golden_close(&a);
    golden_close(&b);
}
static void recompute_changes_no_bit(void **state) {
    (void)state;
    recomputed("vdit");
    recomputed("unet3d");
}

static void vdit_references(void **state) {
    (void)state;
    compare("vdit", NULL);
}
static void vdit_cpu(void **state) {
    (void)state;
    compare("vdit", zt_backend_cpu());
}
static void unet3d_references(void **state) {
    (void)state;
    compare("unet3d", NULL);
}
static void unet3d_cpu(void **state) {
    (void)state;
    compare("unet3d", zt_backend_cpu());
}
static void wrong_weights_are_seen(void **state) {
    (void)state;
    every_weight_counts("vdit");
    every_weight_counts("unet3d");
    one_wrong_weight_is_seen("vdit", "blocks.0.fc1.weight");
    one_wrong_weight_is_seen("unet3d", "mid.res0.conv1.weight");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vdit_references), cmocka_unit_test(vdit_cpu), cmocka_unit_test(unet3d_references),
        cmocka_unit_test(unet3d_cpu), cmocka_unit_test(wrong_weights_are_seen),
        cmocka_unit_test(recompute_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
