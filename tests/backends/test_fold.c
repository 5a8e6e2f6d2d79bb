/* test_fold.c - activations that the kernels of products apply: generated products of every kind with every activation give what
 * they give apart, at every processor level and without oneDNN; what has further readers, or is an output, is left alone; in
 * training the gradient of leaky ReLU needs its result only; recomputed regions keep their bits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "init.h"
#include "levels.h"
#include "sweep.h"

enum { CASES = 24 };
#define F32_TOL 2e-6           /* the same formula over parts of other lengths */
#define BF16_TOL 1.2e-2        /* the product was rounded before, the result is after */

static zt_node *relu(zt_node *x) { return zt_leaky_relu(x, 0); }
static zt_node *leaky(zt_node *x) { return zt_leaky_relu(x, 0.2); }
static zt_node *steep(zt_node *x) { return zt_leaky_relu(x, -1.5); }
static zt_node *(*const activations[])(zt_node *) = {leaky, zt_silu, relu, zt_gelu, zt_tanh, zt_sigmoid, steep, zt_softplus};
static const zt_conv_cfg same_size = {.stride = {1, 1, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

static void create(zt_plan **p, zt_graph *g, int n, zt_node *const *out, zt_plan_cfg cfg) {
    cfg.backend = zt_backend_cpu();
    cfg.strict = true;
    assert_int_equal(zt_plan_create(p, g, n, out, &cfg), ZT_OK);
    for (int id = 0; id < zt_graph_size(g); id++) {
        zt_node *x = zt_graph_node(g, id);
        if (x->role == ZT_INPUT && x->x) zt_fill_normal(1, (uint64_t)id, x->x, zt_numel(&x->sh));
    }
}
static void plan_and_run(zt_plan **p, zt_graph *g, int n, zt_node *const *out, zt_plan_cfg cfg) {
    create(p, g, n, out, cfg);
    assert_int_equal(zt_plan_run_checked(*p), ZT_OK);
    assert_true(zt_plan_guards_ok(*p));
}

/* Case k of a product, its activation the result; *folded grows where the kernel applies it. */
static void one_case(const zt_op_def *op, int k, zt_dtype multiply, int *folded) {
    sweep_case c[2];
    for (int j = 0; j < 2; j++) {
        assert_true(sweep_build(&c[j], op, k, ZT_F32));
        for (int id = 0; id < zt_graph_size(c[j].g); id++) zt_graph_node(c[j].g, id)->multiply = multiply;
        zt_graph_set_multiply(c[j].g, multiply);
        c[j].y = activations[k % ACTIVATIONS](c[j].y);
        plan_and_run(&c[j].plan, c[j].g, 1, &c[j].y, (zt_plan_cfg){.no_fold = j, .no_reuse = k / ACTIVATIONS % 2});
    }
    const float *x = c[0].y->x, *want = c[1].y->x;
    double most = 0, off = 0;
    for (int64_t i = 0; i < zt_numel(&c[1].y->sh); i++) {
        most = fmax(most, fabs(want[i]));
        off = fmax(off, fabs(x[i] - want[i]));
    }
    const bool half = zt_plan_get_info(c[1].plan)->halves > 0;
    if (off > (half ? BF16_TOL : F32_TOL) * most) sweep_bad(&c[0], "differs from the steps apart");
    assert_true(off <= (half ? BF16_TOL : F32_TOL) * most);
    if (c[0].y->op == &zt_def_leaky_relu && !half) assert_true(off == 0);
    *folded += zt_plan_get_info(c[0].plan)->folded;
    assert_int_equal(zt_plan_get_info(c[0].plan)->steps + zt_plan_get_info(c[0].plan)->folded,
                     zt_plan_get_info(c[1].plan)->steps);
    for (int j = 0; j < 2; j++) sweep_finish(&c[j]);
}
static void generated_products(void **state) {
    static const zt_op_def *const ops[] = {&zt_def_matmul, &zt_def_conv, &zt_def_conv_dx};
    (void)state;
    for (int j = 0; j < 3; j++)
        for (int multiply = 0; multiply < 2; multiply++) {
            int folded = 0;
            for (int k = 0; k < CASES; k++) one_case(ops[j], k, multiply ? ZT_BF16 : ZT_F32, &folded);
            print_message("%s oneDNN %s: %d of %d folded into %s\n", getenv("ZT_CPU"), getenv("ZT_ONEDNN"), folded, CASES,
                          ops[j]->name);
            assert_true(folded >= CASES / 8);
            if (strcmp(getenv("ZT_ONEDNN"), "off") == 0) assert_int_equal(folded, CASES);
        }
}

/* ---- what is left alone ---------------------------------------------------------------------------------------------- */
typedef struct net { zt_graph *g; zt_plan *p; zt_node *x, *w, *y; } net;
static void net_create(net *t) {
    *t = (net){0};
    assert_int_equal(zt_graph_create(&t->g), ZT_OK);
    t->x = zt_input(t->g, "x", ZT_F32, zt_sh(2, 3, 20, 20, 24));
    t->w = zt_input(t->g, "w", ZT_F32, zt_sh(1, 3, 3, 24, 24));
    t->y = zt_conv(t->x, t->w, NULL, &same_size);
}
static int folded_of(net *t, int n, zt_node *const *out) {
    plan_and_run(&t->p, t->g, n, out, (zt_plan_cfg){0});
    const int folded = zt_plan_get_info(t->p)->folded;
    zt_plan_destroy(&t->p);
    zt_graph_destroy(&t->g);
    return folded;
}
static void readers_and_outputs_are_left_alone(void **state) {
    (void)state;
    net t;
    net_create(&t);
    zt_node *out[3] = {leaky(t.y)};
    assert_int_equal(folded_of(&t, 1, out), 1);                          /* an output may be the activation */
    net_create(&t);
    out[0] = leaky(t.y);
    out[1] = t.y;
    assert_int_equal(folded_of(&t, 2, out), 0);                          /* but not the product */
    net_create(&t);
    out[0] = leaky(t.y);
    out[1] = relu(t.y);
    assert_int_equal(folded_of(&t, 2, out), 0);                          /* two readers */
    net_create(&t);
    out[0] = leaky(t.y);
    out[1] = zt_reshape(t.y, zt_sh(zt_numel(&t.y->sh)));
    assert_int_equal(folded_of(&t, 2, out), 0);                          /* a view of it */
    net_create(&t);
    out[0] = zt_mul(leaky(t.y), zt_sin(t.x));
    assert_int_equal(folded_of(&t, 1, out), 0);                          /* a chain takes it */
    net_create(&t);
    out[0] = zt_reshape(leaky(t.y), zt_sh(zt_numel(&t.y->sh)));          /* a view of the activation */
    assert_int_equal(folded_of(&t, 1, out), 1);
    net_create(&t);
    out[0] = zt_mul(t.y, zt_sin(t.x));
    assert_int_equal(folded_of(&t, 1, out), 0);                          /* no activation */
}

/* ---- training -------------------------------------------------------------------------------------------------------- */
enum { LAYERS = 4, SIDE = 24 };
static zt_node *(*layer_act)(zt_node *);
/* Loss and gradients of the weights of LAYERS convs, each with an activation, every two a region when recompute is set. */
static void stack(zt_graph *g, bool recompute, zt_node *out[1 + LAYERS]) {
    zt_node *x = zt_input(g, "x", ZT_F32, zt_sh(1, 2, SIDE, SIDE, 24)), *w[LAYERS];
    char name[16];
    for (int k = 0; k < LAYERS; k++) {
        snprintf(name, sizeof name, "w%d", k);
        w[k] = zt_affine(zt_input(g, name, ZT_F32, zt_sh(1, 3, 3, 24, 24)), 0.08, 0);
        if (k % 2 == 0) zt_recompute(g, recompute);
        x = layer_act(zt_conv(x, w[k], NULL, &same_size));
        if (k % 2 == 1) zt_recompute(g, false);
    }
    out[0] = zt_mean(zt_square(x));
    assert_int_equal(zt_grad(out[0], LAYERS, w, out + 1), ZT_OK);
}
typedef struct trained { zt_graph *g; zt_plan *p; zt_node *out[1 + LAYERS]; const zt_plan_info *info; } trained;
static void train(trained *t, bool recompute, zt_dtype multiply, bool no_fold) {
    *t = (trained){0};
    assert_int_equal(zt_graph_create(&t->g), ZT_OK);
    zt_graph_set_multiply(t->g, multiply);
    stack(t->g, recompute, t->out);
    plan_and_run(&t->p, t->g, 1 + LAYERS, t->out, (zt_plan_cfg){.no_fold = no_fold});
    t->info = zt_plan_get_info(t->p);
}
static void trained_finish(trained *t) {
    zt_plan_destroy(&t->p);
    zt_graph_destroy(&t->g);
}
/* Mean square of the differences over the mean square, of the gradient by each weight; the largest. */
static double apart(const trained *a, const trained *b) {
    double worst = 0;
    for (int k = 0; k <= LAYERS; k++) {
        const float *x = a->out[k]->x, *y = b->out[k]->x;
        double off = 0, size = 0;
        for (int64_t i = 0; i < zt_numel(&a->out[k]->sh); i++) {
            off += (x[i] - y[i]) * (x[i] - y[i]);
            size += x[i] * x[i];
        }
        assert_true(size > 0);
        worst = fmax(worst, off / size);
    }
    return worst;
}
static void training_folds_leaky_relu(void **state) {
    (void)state;
    trained one, two;
    layer_act = leaky;
    train(&one, false, ZT_F32, false);
    train(&two, false, ZT_F32, true);
    assert_int_equal(one.info->folded, LAYERS);
    assert_true(apart(&one, &two) == 0);
    /* one result of each layer is kept, and two more at the turn; weights, their scaled form, their gradients */
    const int64_t each = 2 * SIDE * SIDE * 24 * (int64_t)sizeof(float), weight = 9 * 24 * 24 * (int64_t)sizeof(float);
    print_message("%.2f results of a layer held, %.2f apart\n", (double)one.info->arena_bytes / (double)each,
                  (double)two.info->arena_bytes / (double)each);
    assert_true(one.info->arena_bytes < (LAYERS + 2) * each + 3 * LAYERS * weight);
    assert_true(one.info->arena_bytes <= two.info->arena_bytes);
    trained_finish(&one);
    trained_finish(&two);
    train(&one, false, ZT_BF16, false);
    train(&two, false, ZT_BF16, true);
    assert_int_equal(one.info->folded, LAYERS);
    assert_true(apart(&one, &two) < 1e-3 && one.info->arena_bytes <= two.info->arena_bytes);
    trained_finish(&one);
    trained_finish(&two);
}

/* A region's products are folded in both of their copies or in none. */
static void recomputed_regions_keep_their_bits(void **state) {
    (void)state;
    for (int k = 0; k < 6; k++)
        for (int multiply = 0; multiply < 2; multiply++) {
            trained kept, again;
            layer_act = activations[k];
            train(&kept, false, multiply ? ZT_BF16 : ZT_F32, false);
            train(&again, true, multiply ? ZT_BF16 : ZT_F32, false);
            assert_true(apart(&kept, &again) == 0);
            trained_finish(&kept);
            trained_finish(&again);
        }
}

/* ---- reports --------------------------------------------------------------------------------------------------------- */
static void the_profile_names_both(void **state) {
    (void)state;
    net t;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_create(&t);
    zt_node *y = leaky(t.y);
    plan_and_run(&t.p, t.g, 1, &y, (zt_plan_cfg){0});
    assert_non_null(f);
    assert_int_equal(zt_plan_profile(t.p, f, 100, 10), ZT_OK);
    fclose(f);
    assert_non_null(strstr(text, "conv+leaky_relu"));
    free(text);
    zt_plan_destroy(&t.p);
    zt_graph_destroy(&t.g);
}
/* A NaN of a product passes, whatever the slope. */
static void a_nan_stays(void **state) {
    (void)state;
    for (int k = 0; k < ACTIVATIONS; k++) {
        net t;
        net_create(&t);
        zt_node *y = activations[k](t.y);
        create(&t.p, t.g, 1, &y, (zt_plan_cfg){0});
        ((float *)t.x->x)[0] = NAN;
        assert_int_equal(zt_plan_run(t.p), ZT_OK);
        assert_true(isnan(((float *)y->x)[0]));
        assert_int_equal(zt_plan_run_checked(t.p), ZT_NONFINITE);
        zt_plan_destroy(&t.p);
        zt_graph_destroy(&t.g);
    }
}

static int run_level(const char *level) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_products), cmocka_unit_test(readers_and_outputs_are_left_alone),
        cmocka_unit_test(training_folds_leaky_relu), cmocka_unit_test(recomputed_regions_keep_their_bits),
        cmocka_unit_test(the_profile_names_both), cmocka_unit_test(a_nan_stays),
    };
    return cmocka_run_group_tests_name(level, tests, NULL, NULL);
}

int main(void) {
    return run_levels(run_level);
}
