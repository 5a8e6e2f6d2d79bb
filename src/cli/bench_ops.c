/* bench_ops.c - one graph per operation: forward, gradient by its input, by its weight, where they have kernels of their own. Run
 * by tests/cli/test_bench.sh. */
#include "cli/bench_ops.h"
#include <stdio.h>
#include "ops/attrs.h"

static zt_node *in(zt_nn *nn, const char *name, zt_shape sh) { return zt_input(nn->g, name, ZT_F32, sh); }
static zt_node *ids(zt_nn *nn, const char *name, zt_shape sh) { return zt_input(nn->g, name, ZT_I32, sh); }
static zt_node *vector(zt_nn *nn, const char *name, int64_t n) { return in(nn, name, zt_sh(n)); }

/* ---- convolution ------------------------------------------------------------------------------------------------- */
typedef enum what { FORWARD, BY_INPUT, BY_WEIGHT } what;

/* Odd kernels with stride 1 or 2, "same" padding; side: of x [2,16,side,side,ci]. */
static zt_node *conv(zt_nn *nn, what w, int64_t side, int64_t ci, int64_t co, const int k[3], int stride, int groups) {
    const int p[3] = {k[0] / 2, k[1] / 2, k[2] / 2};
    const zt_conv_cfg c = {.stride = {1, stride, stride}, .pad_before = {p[0], p[1], p[2]}, .pad_after = {p[0], p[1], p[2]},
                           .groups = groups};
    zt_node *x = in(nn, "x", zt_sh(2, 16, side, side, ci)), *weight = in(nn, "w", zt_sh(k[0], k[1], k[2], ci / groups, co));
    zt_node *y = zt_conv(x, weight, w == FORWARD ? vector(nn, "bias", co) : NULL, &c);
    if (w == FORWARD) return y;
    zt_node *dy = in(nn, "dy", y->sh);
    const zt_shape *size = w == BY_INPUT ? &x->sh : &weight->sh;
    zt_attr at = y->at;
    for (int a = 0; a < 3; a++) at.i[ZT_CONV_SIZE + a] = size->d[w == BY_INPUT ? a + 1 : a];
    return w == BY_INPUT ? zt_emit2(nn->g, &zt_def_conv_dx, dy, weight, &at) : zt_emit2(nn->g, &zt_def_conv_dw, x, dy, &at);
}
#define CONV(name, ...) \
    static zt_node *conv_##name(zt_nn *nn) { return conv(nn, FORWARD, __VA_ARGS__); } \
    static zt_node *conv_dx_##name(zt_nn *nn) { return conv(nn, BY_INPUT, __VA_ARGS__); } \
    static zt_node *conv_dw_##name(zt_nn *nn) { return conv(nn, BY_WEIGHT, __VA_ARGS__); }
#define K(t, h, w) ((const int[]){t, h, w})
CONV(flat64, 64, 64, 64, K(1, 3, 3), 1, 1)
CONV(flat256, 16, 256, 256, K(1, 3, 3), 1, 1)
CONV(time64, 64, 64, 64, K(3, 1, 1), 1, 1)
CONV(full64, 32, 64, 64, K(3, 3, 3), 1, 1)
CONV(half64, 64, 64, 64, K(1, 3, 3), 2, 1)
CONV(first, 64, 3, 64, K(1, 3, 3), 1, 1)
CONV(depth, 32, 128, 128, K(3, 3, 3), 1, 128)
#define CONV_ROWS(label, name) \
    {"conv-" label, conv_##name}, {"conv-dx-" label, conv_dx_##name}, {"conv-dw-" label, conv_dw_##name}

static zt_node *conv_transposed(zt_nn *nn) {
    const zt_conv_cfg c = {.stride = {1, 2, 2}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}};
    return zt_conv_transpose(in(nn, "x", zt_sh(32, 1, 32, 32, 128)), in(nn, "w", zt_sh(1, 4, 4, 64, 128)), NULL, &c, NULL);
}

/* ---- linear layers: rows x in x out ------------------------------------------------------------------------------ */
static zt_node *linear(zt_nn *nn, int64_t rows, int64_t width, int64_t out) {
    return zt_linear_op(in(nn, "x", zt_sh(rows, width)), in(nn, "w", zt_sh(width, out)), vector(nn, "bias", out));
}
static zt_node *linear_wide(zt_nn *nn) { return linear(nn, 2048, 384, 1536); }
static zt_node *linear_square(zt_nn *nn) { return linear(nn, 2048, 384, 384); }
static zt_node *linear_pixels(zt_nn *nn) { return linear(nn, 131072, 64, 64); }
static zt_node *linear_dx(zt_nn *nn) {
    return zt_matmul(in(nn, "dy", zt_sh(2048, 1536)), in(nn, "w", zt_sh(384, 1536)), false, true);
}
static zt_node *linear_dw(zt_nn *nn) {
    return zt_matmul(in(nn, "x", zt_sh(2048, 384)), in(nn, "dy", zt_sh(2048, 1536)), true, false);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */
static zt_node *attention(zt_nn *nn, zt_shape q, int64_t keys, int heads, bool causal) {
    const zt_shape k = zt_sh(q.d[0], keys, q.d[2], q.d[3]);
    return (causal ? zt_attention_causal : zt_attention)(in(nn, "q", q), in(nn, "k", k), in(nn, "v", k), heads, NULL, NULL);
}
static zt_node *attention_dx(zt_nn *nn, zt_node *y) {
    zt_node *const from[] = {in(nn, "dy", y->sh), y->in[0], y->in[1], y->in[2], in(nn, "y", y->sh), in(nn, "lse", y->aux_sh[0])};
    return zt_emit(nn->g, &zt_def_attention_dx, 6, from, &y->at);
}
#define ATTENTION(name, ...) \
    static zt_node *attention_##name(zt_nn *nn) { return attention(nn, __VA_ARGS__); } \
    static zt_node *attention_dx_##name(zt_nn *nn) { return attention_dx(nn, attention(nn, __VA_ARGS__)); }
ATTENTION(joint, zt_sh(1, 2048, 1, 384), 2048, 6, false)
ATTENTION(causal, zt_sh(1, 2048, 1, 384), 2048, 6, true)
ATTENTION(time, zt_sh(2, 16, 1024, 128), 16, 4, false)
ATTENTION(window, zt_sh(256, 64, 1, 128), 64, 4, false)
ATTENTION(cross, zt_sh(1, 2048, 1, 384), 24, 6, false)
#define ATTENTION_ROWS(label, name) {"attention-" label, attention_##name}, {"attention-dx-" label, attention_dx_##name}

static zt_node *rope(zt_nn *nn) {
    return zt_rope(in(nn, "x", zt_sh(1, 2048, 384)), in(nn, "angle", zt_sh(2048, 32)), 6, false);
}

/* ---- norms: with everything that can follow them ----------------------------------------------------------------- */
static zt_node *group_norm(zt_nn *nn) {
    const zt_shape per = zt_sh(2, 64);
    return zt_group_norm(in(nn, "x", zt_sh(2, 16, 64, 64, 64)), vector(nn, "gain", 64), vector(nn, "bias", 64),
                         in(nn, "scale", per), in(nn, "shift", per), 8, 1e-5, 1);
}
static zt_node *layer_norm(zt_nn *nn) {
    const zt_shape per = zt_sh(4, 384);
    return zt_layer_norm(in(nn, "x", zt_sh(4, 2048, 384)), NULL, NULL, in(nn, "scale", per), in(nn, "shift", per), 1e-6);
}
static zt_node *rms_norm(zt_nn *nn) { return zt_rms_norm(in(nn, "x", zt_sh(4, 2048, 384)), vector(nn, "gain", 384), 384, 1e-6); }
/* dy, x, the statistics, then what was given to the norm. */
static zt_node *norm_dx(zt_nn *nn, const zt_op_def *op, zt_node *y) {
    zt_node *from[8] = {in(nn, "dy", y->sh), y->in[0]};
    int n = 2;
    for (int k = 0; k < y->n_aux; k++) from[n++] = in(nn, k ? "rstd" : "mean", y->aux_sh[k]);
    for (int k = 1; k < y->n_in; k++) from[n++] = y->in[k];
    return zt_emit(nn->g, op, n, from, &y->at);
}
static zt_node *group_norm_dx(zt_nn *nn) { return norm_dx(nn, &zt_def_group_norm_dx, group_norm(nn)); }
static zt_node *layer_norm_dx(zt_nn *nn) { return norm_dx(nn, &zt_def_layer_norm_dx, layer_norm(nn)); }
static zt_node *rms_norm_dx(zt_nn *nn) { return norm_dx(nn, &zt_def_rms_norm_dx, rms_norm(nn)); }

/* ---- one pass over memory ---------------------------------------------------------------------------------------- */
static zt_node *softmax(zt_nn *nn) { return zt_softmax(in(nn, "x", zt_sh(4096, 1024))); }
static zt_node *gelu(zt_nn *nn) { return zt_gelu(in(nn, "x", zt_sh(4096, 1536))); }
static zt_node *gelu_dx(zt_nn *nn) {
    return zt_emit2(nn->g, &zt_def_gelu_dx, in(nn, "dy", zt_sh(4096, 1536)), in(nn, "x", zt_sh(4096, 1536)), NULL);
}
static zt_node *add(zt_nn *nn) { return zt_add(in(nn, "a", zt_sh(2, 16, 64, 64, 64)), in(nn, "b", zt_sh(2, 16, 64, 64, 64))); }
static zt_node *sum_rows(zt_nn *nn) { return zt_sum_to(in(nn, "dy", zt_sh(131072, 64)), zt_sh(1, 64)); }
static zt_node *concat(zt_nn *nn) {
    const zt_shape half = zt_sh(2, 16, 64, 64, 64);
    return zt_concat(4, 2, (zt_node *const[]){in(nn, "a", half), in(nn, "b", half)});
}
static zt_node *permute(zt_nn *nn) { return zt_permute(in(nn, "x", zt_sh(2, 16, 32, 32, 128)), (const int[]){0, 2, 3, 1, 4}); }
static zt_node *upsample(zt_nn *nn) { return zt_upsample(in(nn, "x", zt_sh(2, 16, 32, 32, 64)), 1, 2, 2); }
static zt_node *resample(zt_nn *nn) { return zt_resize(in(nn, "x", zt_sh(2, 16, 32, 64, 64)), 16, 64, 64, ZT_CUBIC); }
static zt_node *max_pool(zt_nn *nn) {
    const zt_conv_cfg c = {.stride = {1, 2, 2}};
    return zt_max_pool(in(nn, "x", zt_sh(2, 16, 64, 64, 64)), (const int[]){1, 2, 2}, &c);
}
static zt_node *grid_sample(zt_nn *nn) {
    return zt_grid_sample(in(nn, "x", zt_sh(8, 1, 128, 128, 16)), in(nn, "grid", zt_sh(8, 1, 128, 128, 3)), true);
}
static zt_node *embedding(zt_nn *nn) { return zt_embedding(ids(nn, "ids", zt_sh(64, 77)), in(nn, "table", zt_sh(8192, 768))); }

/* ---- optimisers -------------------------------------------------------------------------------------------------- */
typedef struct trained { zt_node *p, *m, *v, *g, *hyper, *norm; } trained;
static trained training(zt_nn *nn, const char *scope, zt_shape sh) {
    trained t = {0};
    zt_push(nn->g, "%s", scope);
    t.p = zt_nn_param(nn, "weight", sh, ZT_INIT_NORMAL02);
    t.m = zt_nn_state(nn, "m", sh, ZT_INIT_ZERO);
    t.v = zt_nn_state(nn, "v", sh, ZT_INIT_ZERO);
    zt_pop(nn->g);
    t.g = in(nn, scope, sh);
    return t;
}
static zt_node *hyper(zt_nn *nn) { return vector(nn, "hyper", 8); }
static zt_node *norm_of(zt_nn *nn) { return in(nn, "norm", zt_shape_of(0, NULL)); }

static zt_node *adamw(zt_nn *nn) {
    const trained t = training(nn, "w", zt_sh(4096, 1024));
    return zt_adamw(t.p, t.m, t.v, t.g, hyper(nn), norm_of(nn), true);
}
static zt_node *muon(zt_nn *nn) {
    enum { N = 4 };
    zt_node *p[N], *m[N], *g[N];
    char scope[8];
    for (int k = 0; k < N; k++) {
        snprintf(scope, sizeof scope, "w%d", k);
        const trained t = training(nn, scope, zt_sh(384, 384));
        p[k] = t.p;
        m[k] = t.m;
        g[k] = t.g;
    }
    return zt_muon(N, p, m, g, hyper(nn), norm_of(nn), 0.95);
}
static zt_node *global_norm(zt_nn *nn) { return zt_global_norm(1, (zt_node *const[]){in(nn, "g", zt_sh(4096, 1024))}); }

/* ------------------------------------------------------------------------------------------------------------------ */
const zt_bench_op zt_bench_ops[] = {
    CONV_ROWS("1x3x3-64-64x64", flat64), CONV_ROWS("1x3x3-256-16x16", flat256), CONV_ROWS("3x1x1-64-64x64", time64),
    CONV_ROWS("3x3x3-64-32x32", full64), CONV_ROWS("1x3x3-stride2-64-64x64", half64), CONV_ROWS("1x3x3-3to64-64x64", first),
    CONV_ROWS("depthwise-3x3x3-128-32x32", depth),
    {"conv-transposed-1x4x4-128to64-32x32", conv_transposed}, {"linear-2048x384x1536", linear_wide},
    {"linear-2048x384x384", linear_square}, {"linear-131072x64x64", linear_pixels}, {"linear-dx-2048x384x1536", linear_dx},
    {"linear-dw-2048x384x1536", linear_dw}, ATTENTION_ROWS("joint-2048", joint), ATTENTION_ROWS("causal-2048", causal),
    ATTENTION_ROWS("time-16x1024-pixels", time), ATTENTION_ROWS("window-256x64", window), ATTENTION_ROWS("cross-2048x24", cross),
    {"rope-2048x384", rope}, {"group-norm-silu-64-64x64", group_norm}, {"group-norm-silu-dx-64-64x64", group_norm_dx},
    {"layer-norm-8192x384", layer_norm}, {"layer-norm-dx-8192x384", layer_norm_dx}, {"rms-norm-8192x384", rms_norm},
    {"rms-norm-dx-8192x384", rms_norm_dx}, {"softmax-4096x1024", softmax}, {"gelu-4096x1536", gelu},
    {"gelu-dx-4096x1536", gelu_dx}, {"add-64-64x64", add}, {"sum-rows-131072x64", sum_rows}, {"concat-64-64x64", concat},
    {"permute-time-128-32x32", permute}, {"upsample-64-32x32", upsample}, {"resample-cubic-64-32x64", resample},
    {"max-pool-64-64x64", max_pool}, {"grid-sample-16-128x128", grid_sample}, {"embedding-4928x768", embedding},
    {"adamw-4M", adamw}, {"muon-4x384x384", muon}, {"global-norm-4M", global_norm}, {NULL, NULL}};

zt_err zt_bench_op_create(zt_bench_step *s, const zt_bench_op *op, zt_dtype multiply) {
    zt_err e = zt_graph_create(&s->g);
    if (e != ZT_OK) return e;
    zt_graph_set_multiply(s->g, multiply);
    zt_nn nn = {.g = s->g, .params = &s->params, .seed = 1, .states = &s->states};
    zt_node *y = op->build(&nn);
    e = zt_bench_step_plan(s, 1, &y);
    if (e == ZT_OK) s->traffic = zt_node_traffic(y);
    return e;
}
