/* test_sample_golden.c - resizing, padding, pooling, sampling at places and transposed convolution against PyTorch: outputs and
 * gradients of the cases in tests/golden/sample.safetensors, which tests/reference/sample.py made. With the plain references and
 * with the CPU backend. (Among the tests of nn because that reads safetensors.) */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "init.h"
#include "nn/safetensors.h"
#include "ops/ops.h"
#include "tensor/plan.h"

static const double TOLERANCE = 2e-6; /* of the largest value */

static zt_tset file;

static int setup(void **state) {
    (void)state;
    json_t *meta = NULL;
    const zt_err e = zt_safetensors_load("tests/golden/sample.safetensors", &file, &meta);
    json_decref(meta);
    return e != ZT_OK;
}
static int teardown(void **state) {
    (void)state;
    zt_tset_finish(&file);
    return 0;
}

/* ---- cases ----------------------------------------------------------------------------------------------------- */
static const int kernel[3] = {3, 3, 2};
static const zt_conv_cfg windows = {{2, 1, 2}, {1, 1, 0}, {1, 1, 0}};

static zt_node *linear(zt_node *x, zt_node *a, zt_node *b) { (void)a, (void)b; return zt_resize(x, 5, 3, 9, ZT_LINEAR); }
static zt_node *cubic(zt_node *x, zt_node *a, zt_node *b) { (void)a, (void)b; return zt_resize(x, 1, 9, 3, ZT_CUBIC); }
static zt_node *linear_smooth(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_resize(x, 1, 5, 9, ZT_LINEAR_SMOOTH);
}
static zt_node *cubic_smooth(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_resize(x, 1, 6, 4, ZT_CUBIC_SMOOTH);
}
static zt_node *replicate(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_pad_edge(x, (const int[]){1, 0, 2}, (const int[]){2, 3, 0}, ZT_REPLICATE);
}
static zt_node *reflect(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_pad_edge(x, (const int[]){1, 2, 0}, (const int[]){0, 1, 3}, ZT_REFLECT);
}
static zt_node *max_pool(zt_node *x, zt_node *a, zt_node *b) { (void)a, (void)b; return zt_max_pool(x, kernel, &windows); }
static zt_node *mean(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_avg_pool_windows(x, kernel, &windows, true);
}
static zt_node *mean_inside(zt_node *x, zt_node *a, zt_node *b) {
    (void)a, (void)b;
    return zt_avg_pool_windows(x, kernel, &windows, false);
}
static zt_node *grid_zeros(zt_node *x, zt_node *a, zt_node *b) { (void)b; return zt_grid_sample(x, a, false); }
static zt_node *grid_clamp(zt_node *x, zt_node *a, zt_node *b) { (void)b; return zt_grid_sample(x, a, true); }
static zt_node *warp(zt_node *x, zt_node *a, zt_node *b) { (void)b; return zt_warp(x, a, true); }
static zt_node *conv_transpose(zt_node *x, zt_node *a, zt_node *b) {
    return zt_conv_transpose(x, a, b, &(zt_conv_cfg){{2, 1, 3}, {1, 0, 1}, {1, 0, 1}}, (const int[]){1, 0, 2});
}
static zt_node *pixel_shuffle(zt_node *x, zt_node *a, zt_node *b) { /* channels (C,2,2) to (2,2,C), as ops.h says */
    (void)a, (void)b;
    x = zt_permute(zt_reshape(x, zt_sh(1, 1, 2, 3, 2, 4)), (const int[]){0, 1, 2, 3, 5, 4});
    return zt_depth_to_space(zt_reshape(x, zt_sh(1, 1, 2, 3, 8)), 1, 2, 2);
}

typedef struct golden { const char *name; zt_node *(*build)(zt_node *x, zt_node *a, zt_node *b); } golden;
#define CASE(f) {#f, f}
static const golden cases[] = {
    CASE(linear), CASE(cubic), CASE(linear_smooth), CASE(cubic_smooth), CASE(replicate), CASE(reflect), CASE(max_pool),
    CASE(mean), CASE(mean_inside), CASE(grid_zeros), CASE(grid_clamp), {"grid_image", grid_zeros}, CASE(warp),
    CASE(conv_transpose), CASE(pixel_shuffle)};

/* ---- comparing ------------------------------------------------------------------------------------------------- */
static void must(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* Tensor `what` of the case; NULL: it has none. */
static const zt_tensor *stored(const golden *c, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "%s/%s", c->name, what);
    return zt_tset_find(&file, name);
}

static zt_node *leaf(zt_graph *g, const golden *c, const char *what) {
    const zt_tensor *t = stored(c, what);
    return t ? zt_input(g, what, ZT_F32, t->sh) : NULL;
}

static double error_of(const golden *c, const zt_node *got, const char *what) {
    const zt_tensor *t = stored(c, what);
    assert_non_null(t);
    if (!zt_same_shape(&t->sh, &got->sh))
        fail_msg("%s: %s is %s; wanted %s", c->name, what, zt_shape_text(&got->sh), zt_shape_text(&t->sh));
    double worst = 0, size = 0;
    for (int64_t k = 0; k < zt_numel(&t->sh); k++) {
        const double want = ((const float *)t->data)[k];
        worst = fmax(worst, fabs(((const float *)got->x)[k] - want));
        size = fmax(size, fabs(want));
    }
    return worst / size;
}

/* The largest error of output and gradients. */
static double compare(const golden *c, const zt_backend *backend) {
    static const char *const names[] = {"out", "dx", "da"};
    zt_graph *g = NULL;
    zt_plan *plan = NULL;
    must(zt_graph_create(&g));
    zt_node *wrt[2] = {leaf(g, c, "x"), leaf(g, c, "a")}, *all[3];
    const int outputs = wrt[1] ? 3 : 2;
    all[0] = c->build(wrt[0], wrt[1], leaf(g, c, "b"));
    must(zt_graph_error(g));
    must(zt_grad(zt_sum(zt_mul(all[0], leaf(g, c, "probe"))), outputs - 1, wrt, all + 1));
    must(zt_plan_create(&plan, g, outputs, all, &(zt_plan_cfg){.backend = backend, .strict = backend != NULL}));
    for (int id = 0; id < zt_graph_size(g); id++) {
        const zt_node *n = zt_graph_node(g, id);
        if (n->role == ZT_INPUT && n->x) memcpy(n->x, stored(c, n->name)->data, (size_t)zt_numel(&n->sh) * sizeof(float));
    }
    must(zt_plan_run(plan));
    double worst = 0;
    for (int k = 0; k < outputs; k++) worst = fmax(worst, error_of(c, all[k], names[k]));
    zt_plan_destroy(&plan);
    zt_graph_destroy(&g);
    return worst;
}

static void matches(void **state) {
    const golden *c = *state;
    const double plain = compare(c, NULL), fast = compare(c, zt_backend_cpu());
    print_message("%-16s within %.1e of PyTorch (references), %.1e (cpu)\n", c->name, plain, fast);
    assert_true(plain <= TOLERANCE && fast <= TOLERANCE);
}

int main(void) {
    enum { CASES = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[CASES];
    for (int k = 0; k < CASES; k++)
        tests[k] = (struct CMUnitTest){cases[k].name, matches, NULL, NULL, (void *)(uintptr_t)&cases[k]};
    return cmocka_run_group_tests(tests, setup, teardown);
}
