/* test_nn_attention.c - attention layers against PyTorch (outputs and gradients; tests/golden/attention.safetensors, made by
 * tests/reference/attention.py), with the plain references and with the CPU backend. And what PyTorch need not say: a sequence
 * that grows by a token gives what the whole sequence gives, cost is linear in axes and windows, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#define GOLDEN_FILE "tests/golden/attention.safetensors"
#define TOLERANCE 4e-6 /* up to three layers one after another */
#include "nn/golden.h"
#include "nn/attention.h"

/* ---- the layers -------------------------------------------------------------------------------------------------- */
static zt_node *whole(golden *m, zt_shape sh, const double *v) { return zt_const(m->nn.g, ZT_I32, sh, v); }
/* Self-attention of the case's x. */
static void self(golden *m, const zt_attend *a) {
    zt_node *x = input_with_gradient(m, "x");
    output(m, zt_mha(&m->nn, m->name, x, x, a), "y");
}

static void cross(golden *m) {
    zt_node *x = input_with_gradient(m, "x"), *src = input_with_gradient(m, "src");
    const zt_attend a = {.heads = 2, .len = whole(m, zt_sh(2), (const double[]){3, 5})};
    output(m, zt_mha(&m->nn, m->name, x, src, &a), "y");
}
static void masked(golden *m) { self(m, &(zt_attend){.heads = 2, .bias = input_with_gradient(m, "bias")}); }
static void packed(golden *m) {
    static const double kinds[14] = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2};
    self(m, &(zt_attend){.heads = 2, .causal = true, .segment = whole(m, zt_sh(2, 7), kinds)});
}
static void causal_rope(golden *m) {
    self(m, &(zt_attend){.heads = 2, .causal = true, .angles = zt_rope_angles(m->nn.g, 6, 2)});
}
static void time_rope(golden *m) { self(m, &(zt_attend){.heads = 2, .angles = zt_rope_angles(m->nn.g, 4, 2)}); }
static void axial(golden *m) { output(m, zt_axial_attention(&m->nn, m->name, input_with_gradient(m, "x"), 2), "y"); }
static void divided(golden *m) { output(m, zt_divided_attention(&m->nn, m->name, input_with_gradient(m, "x"), 2), "y"); }

static void in_windows(golden *m, const int64_t window[3], const int64_t shift[3]) {
    output(m, zt_window_attention(&m->nn, m->name, input_with_gradient(m, "x"), window, shift, 2, false), "y");
}
#define SIZES(t, h, w) ((const int64_t[]){t, h, w})
static void window(golden *m) { in_windows(m, SIZES(1, 2, 3), SIZES(0, 0, 0)); }
static void window_shifted(golden *m) { in_windows(m, SIZES(1, 3, 2), SIZES(0, 1, 1)); }
static void window_3d(golden *m) { in_windows(m, SIZES(2, 4, 2), SIZES(1, 2, 1)); }

AGAINST_PYTORCH(cross)
AGAINST_PYTORCH(masked)
AGAINST_PYTORCH(packed)
AGAINST_PYTORCH(causal_rope)
AGAINST_PYTORCH(time_rope)
AGAINST_PYTORCH(axial)
AGAINST_PYTORCH(divided)
AGAINST_PYTORCH(window)
AGAINST_PYTORCH(window_shifted)
AGAINST_PYTORCH(window_3d)

/* ---- a sequence that grows --------------------------------------------------------------------------------------- */
enum { BATCH = 2, TOKENS = 70, PREFIX = 5, WIDTH = 48, HEADS = 3, CAPACITY = 80 };      /* more than a tile of the kernel */
static float sequence[BATCH][TOKENS][WIDTH], all[BATCH][TOKENS][WIDTH];

/* Two layers with residuals; cached where there are rows, else at once. */
static zt_node *layers(zt_nn *nn, zt_node *x, zt_node *row, zt_node *len) {
    const zt_shape s = x->sh, tokens = zt_sh(s.d[0], s.d[1], 1, s.d[2]);
    for (int k = 0; k < 2; k++) {
        const char *name = k ? "second" : "first";
        zt_node *y;
        if (row) {
            y = zt_cached_attention(nn, name, x, row, len, CAPACITY, HEADS, true);
        } else {
            zt_node *t = zt_reshape(x, tokens), *angles = zt_rope_angles(nn->g, s.d[1], WIDTH / HEADS / 2);
            y = zt_reshape(zt_mha(nn, name, t, t, &(zt_attend){.heads = HEADS, .causal = true, .angles = angles}), s);
        }
        x = zt_add(x, y);
    }
    return x;
}

typedef struct decoder { zt_graph *g; zt_plan *plan; zt_node *x, *row, *len, *y; } decoder;
static void open_decoder(decoder *d, zt_tset *params, zt_tset *states, int64_t n) {
    *d = (decoder){0};
    must(zt_graph_create(&d->g));
    zt_nn nn = {.g = d->g, .params = params, .seed = 4, .states = states};
    d->x = zt_input(d->g, "x", ZT_F32, zt_sh(BATCH, n, WIDTH));
    if (states) d->row = zt_input(d->g, "row", ZT_I32, zt_sh(BATCH));
    if (states) d->len = zt_input(d->g, "len", ZT_I32, zt_sh(BATCH));
    d->y = layers(&nn, d->x, d->row, d->len);
    must(zt_graph_error(d->g));
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true, .params = params, .states = states};
    must(zt_plan_create(&d->plan, d->g, states ? 2 : 1, (zt_node *const[]){d->y, nn.update}, &cfg));
}
static void close_decoder(decoder *d) {
    zt_plan_destroy(&d->plan);
    zt_graph_destroy(&d->g);
}

/* Tokens from[b] of each sequence. */
static void decode(decoder *d, const int *from, int n) {
    for (int b = 0; b < BATCH; b++) {
        memcpy((float *)d->x->x + b * n * WIDTH, sequence[b][from[b]], (size_t)n * sizeof sequence[b][0]);
        if (!d->row) continue;
        ((int32_t *)d->row->x)[b] = from[b];
        if (d->len->x) ((int32_t *)d->len->x)[b] = from[b] + 1;           /* a plan that begins sequences has none */
    }
    must(zt_plan_run(d->plan));
}
static void expect_token(const decoder *d, int b, int n, int at, int t) {
    const float *y = (const float *)d->y->x + (b * n + at) * WIDTH;
    for (int c = 0; c < WIDTH; c++) assert_float_equal(y[c], all[b][t][c], 1e-5);
}

static void cached_is_whole(void **state) {
    (void)state;
    zt_tset params = {0}, states = {0};
    decoder d;
    zt_fill_normal(8, 1, &sequence[0][0][0], BATCH * TOKENS * WIDTH);
    open_decoder(&d, &params, NULL, TOKENS);
    decode(&d, (const int[]){0, 0}, TOKENS);
    memcpy(all, d.y->x, sizeof all);
    close_decoder(&d);
    open_decoder(&d, &params, &states, 1);                                /* from nothing, token by token */
    for (int t = 0; t < TOKENS; t++) {
        decode(&d, (const int[]){t, t}, 1);
        for (int b = 0; b < BATCH; b++) expect_token(&d, b, 1, 0, t);
    }
    close_decoder(&d);
    open_decoder(&d, &params, &states, PREFIX);                           /* beginnings of 5 and 3 tokens, in sequences of 5 */
    decode(&d, (const int[]){0, 0}, PREFIX);
    for (int b = 0; b < BATCH; b++)
        for (int t = 0; t < PREFIX; t++) expect_token(&d, b, PREFIX, t, t);
    close_decoder(&d);
    open_decoder(&d, &params, &states, 1);                                /* go on, each from its own place */
    for (int t = PREFIX; t < TOKENS; t++) {
        decode(&d, (const int[]){t, t - 2}, 1);
        expect_token(&d, 0, 1, 0, t);
        expect_token(&d, 1, 1, 0, t - 2);
    }
    close_decoder(&d);
    zt_tset_finish(&states);
    zt_tset_finish(&params);
}

/* ---- cost -------------------------------------------------------------------------------------------------------- */
typedef zt_node *layer(zt_nn *nn, zt_node *x);
static zt_node *axial_layer(zt_nn *nn, zt_node *x) { return zt_axial_attention(nn, "a", x, 2); }
static zt_node *divided_layer(zt_nn *nn, zt_node *x) { return zt_divided_attention(nn, "a", x, 2); }
static zt_node *joint_layer(zt_nn *nn, zt_node *x) { return zt_axes_attention(nn, "a", x, 1, 3, &(zt_attend){.heads = 2}); }
static zt_node *window_layer(zt_nn *nn, zt_node *x) {
    return zt_window_attention(nn, "a", x, SIZES(2, 4, 4), SIZES(1, 2, 2), 2, false);
}

/* FLOPs of the attention itself, over those of one score and its use: how many pairs of tokens are looked at; and the largest
 * tensor of the graph, in elements. */
static int64_t pairs_of(layer *build, int64_t T, int64_t H, int64_t W, int64_t *largest) {
    enum { D = 8 };
    zt_tset params = {0};
    zt_graph *g = NULL;
    int64_t flops = 0;
    must(zt_graph_create(&g));
    build(&(zt_nn){.g = g, .params = &params}, zt_input(g, "x", ZT_F32, zt_sh(1, T, H, W, D)));
    must(zt_graph_error(g));
    *largest = 0;
    for (int id = 0; id < zt_graph_size(g); id++) {
        const zt_node *n = zt_graph_node(g, id);
        if (n->op == &zt_def_attention) flops += n->op->flops(n);
        if (zt_numel(&n->sh) > *largest) *largest = zt_numel(&n->sh);
    }
    zt_graph_destroy(&g);
    zt_tset_finish(&params);
    return flops / (4 * D);
}

static void cost(void **state) {
    (void)state;
    int64_t most;
    assert_int_equal(pairs_of(joint_layer, 4, 8, 16, &most), 512 * 512);
    assert_int_equal(pairs_of(axial_layer, 4, 8, 16, &most), 512 * (4 + 8 + 16));
    assert_int_equal(pairs_of(divided_layer, 4, 8, 16, &most), 512 * (4 + 8 * 16));
    assert_int_equal(pairs_of(window_layer, 4, 8, 16, &most), 512 * 32);
    assert_int_equal(pairs_of(window_layer, 8, 16, 32, &most), 4096 * 32);        /* 8 times the tokens, 8 times the work */
    assert_int_equal(most, 4096 * 8);                                             /* nothing is larger than the tokens */
    pairs_of(joint_layer, 4, 8, 16, &most);
    assert_int_equal(most, 512 * 8);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */
static zt_node *bad_window(zt_nn *nn, zt_node *x) {
    return zt_window_attention(nn, "win", x, SIZES(1, 3, 4), SIZES(0, 0, 0), 2, false);
}
static zt_node *bad_shift(zt_nn *nn, zt_node *x) {
    return zt_window_attention(nn, "win", x, SIZES(1, 4, 4), SIZES(0, 4, 0), 2, false);
}
static zt_node *bad_axes(zt_nn *nn, zt_node *x) { return zt_axes_attention(nn, "ax", x, 2, 1, &(zt_attend){.heads = 2}); }
static zt_node *bad_rank(zt_nn *nn, zt_node *x) { return zt_axial_attention(nn, "ax", zt_reshape(x, zt_sh(64, 8)), 2); }
static zt_node *bad_cache(zt_nn *nn, zt_node *x) {
    zt_node *row = zt_input(nn->g, "row", ZT_I32, zt_sh(1));
    return zt_cached_attention(nn, "c", zt_reshape(x, zt_sh(1, 64, 8)), row, row, 63, 2, false);
}
static zt_node *bad_both(zt_nn *nn, zt_node *x) {
    zt_node *len = zt_input(nn->g, "len", ZT_I32, zt_sh(1)), *segment = zt_input(nn->g, "segment", ZT_I32, zt_sh(1, 64));
    x = zt_reshape(x, zt_sh(1, 64, 1, 8));
    return zt_mha(nn, "m", x, x, &(zt_attend){.heads = 2, .len = len, .segment = segment});
}
static zt_node *bad_segment(zt_nn *nn, zt_node *x) {
    x = zt_reshape(x, zt_sh(1, 64, 1, 8));
    return zt_mha(nn, "m", x, x, &(zt_attend){.heads = 2, .segment = zt_input(nn->g, "segment", ZT_I32, zt_sh(1, 63))});
}

static void errors_are_told(void **state) {
    (void)state;
    static const struct { layer *build; zt_err code; const char *text; } wrong[] = {
        {bad_window, ZT_SHAPE, "window of 3"}, {bad_shift, ZT_SHAPE, "shift 4"}, {bad_axes, ZT_ARG, "axes 2..1"},
        {bad_rank, ZT_SHAPE, "[B,T,H,W,D]"}, {bad_cache, ZT_SHAPE, "63"}, {bad_both, ZT_ARG, "exclude"},
        {bad_segment, ZT_SHAPE, "segment"}};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        zt_tset params = {0}, states = {0};
        zt_graph *g = NULL;
        must(zt_graph_create(&g));
        wrong[k].build(&(zt_nn){.g = g, .params = &params, .states = &states}, zt_input(g, "x", ZT_F32, zt_sh(1, 1, 8, 8, 8)));
        assert_int_equal(zt_graph_error(g), wrong[k].code);
        assert_non_null(strstr(zt_err_text(), wrong[k].text));
        zt_graph_destroy(&g);
        zt_tset_finish(&params);
        zt_tset_finish(&states);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_golden), cmocka_unit_test(masked_golden), cmocka_unit_test(packed_golden),
        cmocka_unit_test(causal_rope_golden), cmocka_unit_test(time_rope_golden), cmocka_unit_test(axial_golden),
        cmocka_unit_test(divided_golden), cmocka_unit_test(window_golden), cmocka_unit_test(window_shifted_golden),
        cmocka_unit_test(window_3d_golden), cmocka_unit_test(cached_is_whole), cmocka_unit_test(cost),
        cmocka_unit_test(errors_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
