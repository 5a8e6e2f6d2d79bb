/* golden.h - for tests of layers: a layer of a golden file (made by a script of tests/reference), its outputs, gradients and
 * states compared with what PyTorch computes: with the plain references and with the CPU backend. Defined before this is
 * included: GOLDEN_FILE, and TOLERANCE: the error allowed, over the largest value of the tensor. */
#ifndef ZT_TESTS_NN_GOLDEN_H
#define ZT_TESTS_NN_GOLDEN_H
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "nn/nn.h"
#include "nn/safetensors.h"
#include "tensor/plan.h"

enum { MOST = 192 };
/* One layer of the golden file: its graph, and the nodes to compare with tensors of the file. */
typedef struct golden {
    const char *name;
    zt_tset file, params, states;
    zt_nn nn;
    zt_node *out[MOST], *wrt[MOST], *grad[MOST];
    const zt_tensor *out_want[MOST], *grad_want[MOST];
    int n_out, n_wrt;
    zt_plan *plan;
} golden;

static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

static const zt_tensor *want(const golden *m, const char *kind, const char *name) {
    char full[128];
    snprintf(full, sizeof full, "%s/%s/%s", m->name, kind, name);
    const zt_tensor *t = zt_tset_find(&m->file, full);
    if (!t) fail_msg("the golden file has no %s", full);
    return t;
}

/* Copies the tensors CASE/kind/NAME into a set, as CASE.NAME. */
static void take(const golden *m, const char *kind, zt_tset *set) {
    char prefix[64], full[128];
    snprintf(prefix, sizeof prefix, "%s/%s/", m->name, kind);
    for (int k = 0; k < m->file.n; k++) {
        const zt_tensor *t = &m->file.t[k];
        zt_tensor *copy;
        if (strncmp(t->name, prefix, strlen(prefix)) != 0) continue;
        snprintf(full, sizeof full, "%s.%s", m->name, t->name + strlen(prefix));
        must(zt_tset_add(set, full, ZT_F32, t->sh, &copy));
        memcpy(copy->data, t->data, (size_t)zt_numel(&t->sh) * sizeof(float));
    }
}

static void differentiate(golden *m, zt_node *x, const char *name) {
    assert_true(m->n_wrt < MOST);
    m->grad_want[m->n_wrt] = want(m, "grad", name);
    m->wrt[m->n_wrt++] = x;
}

/* Leaves are named as their tensors: CASE/in/NAME. */
static zt_node *input(golden *m, const char *kind, const char *name) {
    const zt_tensor *t = want(m, kind, name);
    return zt_input(m->nn.g, t->name, ZT_F32, t->sh);
}
static zt_node *input_with_gradient(golden *m, const char *name) {
    zt_node *x = input(m, "in", name);
    differentiate(m, x, name);
    return x;
}

static void output(golden *m, zt_node *y, const char *name) {
    m->out_want[m->n_out] = want(m, "out", name);
    m->out[m->n_out++] = y;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */
static double size_of(const zt_tensor *t) {
    double size = 0;
    for (int64_t k = 0; k < zt_numel(&t->sh); k++) size = fmax(size, fabs((double)((const float *)t->data)[k]));
    return size;
}

/* Over the tensor's largest value or, where that is zero but for rounding (the gradient of what a softmax does not see), over
 * `typical`. */
static double error_of(const float *x, const zt_shape *sh, const zt_tensor *expected, double typical) {
    if (!zt_same_shape(sh, &expected->sh)) fail_msg("%s: got %s", expected->name, zt_shape_text(sh));
    const float *y = expected->data;
    const double own = size_of(expected), size = own > 1e-9 ? own : typical;
    double worst = 0;
    for (int64_t k = 0; k < zt_numel(sh); k++) {
        if (!isfinite(x[k])) return INFINITY;
        worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
    }
    if (worst > TOLERANCE * size) print_error("%s: error %.2e\n", expected->name, worst / size);
    return worst / size;
}

/* The parameters take part in the gradients; all were in the file, and all of the file's are used. */
static void find_params(golden *m) {
    const int known = m->params.n;
    int used = 0;
    for (int id = 0; id < zt_graph_size(m->nn.g); id++) {
        zt_node *n = zt_graph_node(m->nn.g, id);
        if (n->role != ZT_PARAM) continue;
        used++;
        differentiate(m, n, n->name + strlen(m->name) + 1);
    }
    assert_int_equal(used, known);
}

static void plan(golden *m, const zt_backend *backend) {
    zt_node *outputs[2 * MOST + 1], *loss = NULL;
    int n = 0;
    for (int k = 0; k < m->n_out; k++) {
        zt_node *probe = input(m, "probe", strrchr(m->out_want[k]->name, '/') + 1), *part = zt_sum(zt_mul(m->out[k], probe));
        loss = loss ? zt_add(loss, part) : part;
        outputs[n++] = m->out[k];
    }
    must(zt_grad(loss, m->n_wrt, m->wrt, m->grad));
    for (int k = 0; k < m->n_wrt; k++) outputs[n++] = m->grad[k];
    if (m->nn.update) outputs[n++] = m->nn.update;
    const zt_plan_cfg cfg = {.backend = backend, .strict = backend != NULL, .params = &m->params, .states = &m->states};
    must(zt_plan_create(&m->plan, m->nn.g, n, outputs, &cfg));
    for (int id = 0; id < zt_graph_size(m->nn.g); id++) {
        const zt_node *leaf = zt_graph_node(m->nn.g, id);
        if (leaf->role != ZT_INPUT || !leaf->x) continue;
        memcpy(leaf->x, zt_tset_find(&m->file, leaf->name)->data, (size_t)zt_numel(&leaf->sh) * sizeof(float));
    }
}

static void compare(const char *name, void (*build)(golden *m), const zt_backend *backend) {
    golden m = {.name = name};
    double worst = 0, slope = 0;
    must(zt_safetensors_load(GOLDEN_FILE, &m.file, NULL));
    take(&m, "param", &m.params);
    take(&m, "state", &m.states);
    must(zt_graph_create(&m.nn.g));
    m.nn.params = &m.params;
    m.nn.states = &m.states;
    build(&m);
    must(zt_graph_error(m.nn.g));
    find_params(&m);
    plan(&m, backend);
    must(zt_plan_run(m.plan));
    for (int k = 0; k < m.n_wrt; k++) slope = fmax(slope, size_of(m.grad_want[k]));
    for (int k = 0; k < m.n_out; k++) worst = fmax(worst, error_of(m.out[k]->x, &m.out[k]->sh, m.out_want[k], 1));
    for (int k = 0; k < m.n_wrt; k++) worst = fmax(worst, error_of(m.grad[k]->x, &m.grad[k]->sh, m.grad_want[k], slope));
    for (int k = 0; k < m.states.n; k++) {
        const zt_tensor *s = &m.states.t[k];
        worst = fmax(worst, error_of(s->data, &s->sh, want(&m, "after", s->name + strlen(name) + 1), 1));
    }
    printf("%s, %s: %d outputs, %d gradients, %d states within %.1e of PyTorch\n", name, backend ? backend->name : "references",
           m.n_out, m.n_wrt, m.states.n, worst);
    assert_true(worst <= TOLERANCE);
    zt_plan_destroy(&m.plan);
    zt_graph_destroy(&m.nn.g);
    zt_tset_finish(&m.params);
    zt_tset_finish(&m.states);
    zt_tset_finish(&m.file);
}

#define AGAINST_PYTORCH(layer)                                                                                          \
    static void layer##_golden(void **state) {                                                                          \
        (void)state;                                                                                                    \
        compare(#layer, layer, NULL);                                                                                   \
        compare(#layer, layer, zt_backend_cpu());                                                                       \
    }
#endif
