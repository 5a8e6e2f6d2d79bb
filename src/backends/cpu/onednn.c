/* onednn.c - matmul, conv and conv_dx through oneDNN. Gradients of conv weights are our own (kernels/conv_dw.c), but for groups.
 *
 * Activations stay channels last as they are in the graph; weights of convs, and those that products in bf16 round, are packed as
 * the primitive wants them when the plan says so. The time axis is folded into the batch for 1 x kh x kw kernels; kernels of
 * 1x1x1, and those that cover the whole source, are matmuls. The gradient of a stride-1 conv by its input is a forward conv with
 * the taps reversed and channels swapped: oneDNN's forward kernels are the faster ones.
 *
 * Nodes that multiply in bf16 have their first factor rounded to it in scratch, unless it is stored so: one pass over memory
 * against a product that takes half the time. Sums are f32. */
#include "backends/cpu/onednn_job.h"

/* NARROW_MIN: sizes of a product from which rounding pays; BLOCKED_MIN: rows from which blocks pay, if made at each use. */
enum { NARROW_MIN = 32, BLOCKED_MIN = 256 };

static bool narrow(const zt_node *n) {
    return zt_cpu_get_level() >= ZT_CPU_BF16 && n->multiply == ZT_BF16;
}
static dnnl_data_type_t type_of(bool half) {
    return half ? dnnl_bf16 : dnnl_f32;
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */
/* bias: its input, or -1; narrow: multiplied in bf16; half: factors and result that are stored so */
typedef struct product {
    int64_t M, K, N;
    int bias;
    bool ta, tb, narrow, half[2], out_half;
    const zt_node *then;
} product;

/* ta over many rows is served by kernels/conv_dw.c; over few, rounding costs what it saves. On tiles it does not. */
static product product_of(const zt_node *n, int64_t M, int64_t K, int64_t N, bool ta, bool tb, int bias) {
    const bool wide = (!ta || zt_cpu_get_level() == ZT_CPU_AMX) && M >= NARROW_MIN && K >= NARROW_MIN && N >= NARROW_MIN;
    return (product){.M = M, .K = K, .N = N, .ta = ta, .tb = tb, .bias = bias, .narrow = narrow(n) && wide,
                     .half = {n->in[0]->half, n->in[1]->half}, .out_half = n->half, .then = n->then};
}

static dnnl_status_t matrix(dnnl_memory_desc_t *md, int64_t rows, int64_t cols, bool transposed) {
    return dnnl_memory_desc_init_by_strides(md, 2, (dnnl_dims_t){rows, cols}, dnnl_f32,
                                            transposed ? (dnnl_dims_t){1, rows} : (dnnl_dims_t){cols, 1});
}
static dnnl_status_t add_matmul(job *j, product p) {
    dnnl_memory_desc_t a, b, c, bias, plain;
    dnnl_matmul_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    step *s;
    const bool pack = p.narrow && !p.half[1];
    place a_at = {AT_INPUT, 0, 0}, b_at = {AT_INPUT, 1, 0};
    dnnl_status_t e = matrix(&a, p.M, p.K, p.ta);
    if (e == dnnl_success) e = matrix(&b, p.K, p.N, p.tb);
    if (e == dnnl_success) e = matrix(&c, p.M, p.N, false);
    if (e == dnnl_success) e = matrix(&bias, 1, p.N, false);
    plain = b;
    c.data_type = type_of(p.out_half);
    if (e == dnnl_success) e = zt_job_convert(j, &a, &a_at, type_of(p.half[0]), type_of(p.narrow));
    if (pack && p.M < BLOCKED_MIN)
        b.data_type = dnnl_bf16;
    else if (e == dnnl_success && pack)
        e = dnnl_memory_desc_init_by_tag(&b, 2, (dnnl_dims_t){p.K, p.N}, dnnl_bf16, dnnl_format_tag_any);
    else if (e == dnnl_success)
        e = zt_job_convert(j, &b, &b_at, type_of(p.half[1]), type_of(p.narrow));
    if (e == dnnl_success) e = dnnl_matmul_desc_init(&d, &a, &b, p.bias < 0 ? NULL : &bias, &c);
    if (e == dnnl_success) e = zt_job_attributes(&attr, p.then);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&pd, &d, attr, zt_dnn_engine(), NULL);
    if (e == dnnl_success && pack) {
        b = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        e = zt_job_pack(j, &plain, b_at, &b);
        b_at = (place){AT_PACKED, 0, 0};
    }
    if (e == dnnl_success) e = zt_job_step(j, pd, &s);
    if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_SRC, &a, a_at);
    if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_WEIGHTS, &b, b_at);
    if (e == dnnl_success && p.bias >= 0) e = zt_job_arg(s, DNNL_ARG_BIAS, &bias, (place){AT_INPUT, p.bias, 0});
    if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DST, &c, (place){AT_OUTPUT, 0, 0});
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return e;
}
static product product_of_matmul(const zt_node *n) {
    const zt_shape *a = &n->in[0]->sh, *b = &n->in[1]->sh;
    const bool ta = n->at.i[0] == 1, tb = n->at.i[1] == 1;
    return product_of(n, ta ? zt_last(a) : zt_rows(a), ta ? zt_rows(a) : zt_last(a), tb ? zt_rows(b) : zt_last(b), ta, tb,
                      n->n_in == 3 ? 2 : -1);
}
static zt_err matmul_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    job *j = zt_alloc(sizeof *j);
    if (!j) return ZT_NOMEM;
    return zt_job_finish(n, j, add_matmul(j, product_of_matmul(n)), prepared, scratch);
}
static zt_reads matmul_reads(const zt_node *n, int k) {
    return k > 1 ? ZT_READS_F32 : product_of_matmul(n).narrow ? ZT_READS_ROUNDED : ZT_READS_EITHER;
}
static bool matmul_writes_half(const zt_node *n) {
    return product_of_matmul(n).narrow;
}

/* ---- conv -------------------------------------------------------------------------------------------------------- */
/* A conv as oneDNN sees it; axes t,h,w. `flat`: t is folded into the batch and left out. */
typedef struct geometry {
    int64_t B, Ci, Co, groups, in[3], out[3], k[3], stride[3], before[3], after[3], dilation[3];
    bool flat, narrow, half, out_half;                  /* multiplied in bf16; first factor and result are stored so */
    const zt_node *then;
} geometry;

static geometry geometry_of(const zt_node *n, const zt_shape *x, const zt_shape *y, const int64_t size[3], int64_t Ci,
                            int64_t Co) {
    const zt_attr *at = &n->at;
    geometry g = {.B = x->d[0], .Ci = Ci, .Co = Co, .groups = at->i[ZT_CONV_GROUPS]};
    for (int k = 0; k < 3; k++) {
        g.in[k] = x->d[1 + k];
        g.out[k] = y->d[1 + k];
        g.k[k] = size[k];
        g.stride[k] = at->i[ZT_CONV_STRIDE + k];
        g.before[k] = at->i[ZT_CONV_BEFORE + k];
        g.after[k] = at->i[ZT_CONV_AFTER + k];
        g.dilation[k] = at->i[ZT_CONV_DILATION + k];
    }
    g.flat = g.k[0] == 1 && g.stride[0] == 1 && !g.before[0] && !g.after[0];
    g.narrow = narrow(n) && g.groups == 1 && Ci * g.k[0] * g.k[1] * g.k[2] >= NARROW_MIN && Co >= 8 && Ci >= 8;
    g.half = n->in[0]->half;
    g.out_half = n->half;
    g.then = n->then;
    return g;
}
/* Each result sees pixels that lie together and that no other sees: one, or the whole source. */
static bool is_matmul(const geometry *g) {
    bool one = true, whole = true;
    for (int k = 0; k < 3; k++) {
        if (g->before[k] || g->after[k]) return false;
        one = one && g->k[k] == 1 && g->stride[k] == 1;
        whole = whole && g->k[k] == g->in[k];
    }
    return g->groups == 1 && (one || whole);
}
static dnnl_status_t activation(dnnl_memory_desc_t *md, const geometry *g, const int64_t size[3], int64_t C) {
    const int64_t T = size[0], H = size[1], W = size[2];
    if (g->flat)
        return dnnl_memory_desc_init_by_strides(md, 4, (dnnl_dims_t){g->B * T, C, H, W}, dnnl_f32,
                                                (dnnl_dims_t){H * W * C, 1, W * C, C});
    return dnnl_memory_desc_init_by_strides(md, 5, (dnnl_dims_t){g->B, C, T, H, W}, dnnl_f32,
                                            (dnnl_dims_t){T * H * W * C, 1, H * W * C, W * C, C});
}
/* Weights [k.., Ci/groups, Co] in memory; `swapped`: seen as a conv from Co to Ci (of one group). */
static dnnl_status_t weights(dnnl_memory_desc_t *md, const geometry *g, bool swapped, bool any) {
    const int64_t Ci = g->Ci / g->groups, Co = g->Co / g->groups, tap = Ci * g->Co;
    const int64_t size[6] = {g->groups, swapped ? Ci : Co, swapped ? Co : Ci, g->k[0], g->k[1], g->k[2]};
    const int64_t apart[6] = {Co, swapped ? g->Co : 1, swapped ? 1 : g->Co, g->k[1] * g->k[2] * tap, g->k[2] * tap, tap};
    dnnl_dims_t d, s;
    int n = 0;
    for (int k = g->groups == 1; k < 6; k++) {
        if (k == 3 && g->flat) continue;
        d[n] = size[k];
        s[n++] = apart[k];
    }
    return any ? dnnl_memory_desc_init_by_tag(md, n, d, g->narrow ? dnnl_bf16 : dnnl_f32, dnnl_format_tag_any)
               : dnnl_memory_desc_init_by_strides(md, n, d, dnnl_f32, s);
}

/* Strides and padding as oneDNN takes them: arrays of its full length, from the first axis it sees. */
typedef struct window { dnnl_dims_t stride, before, after, dilate; } window;
static window window_of(const geometry *g) {
    window w = {0};
    for (int k = g->flat ? 1 : 0, to = 0; k < 3; k++, to++) {
        w.stride[to] = g->stride[k];
        w.before[to] = g->before[k];
        w.after[to] = g->after[k];
        w.dilate[to] = g->dilation[k] - 1;
    }
    return w;
}

/* Forward conv from `in` to `out` sizes. swapped: of dy, with reversed taps (conv_dx at stride 1). */
static dnnl_status_t add_forward(job *j, const geometry *g, bool swapped, int bias_input) {
    dnnl_memory_desc_t x, y, w, packed, bias;
    dnnl_convolution_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    step *s;
    place x_at = {AT_INPUT, 0, 0};
    const window v = window_of(g);
    dnnl_status_t e = activation(&x, g, g->in, swapped ? g->Co : g->Ci);
    if (e == dnnl_success) e = zt_job_convert(j, &x, &x_at, type_of(g->half), type_of(g->narrow));
    if (e == dnnl_success) e = activation(&y, g, g->out, swapped ? g->Ci : g->Co);
    y.data_type = type_of(g->out_half);
    if (e == dnnl_success) e = weights(&w, g, swapped, false);
    if (e == dnnl_success) e = weights(&packed, g, swapped, true);
    if (e == dnnl_success) e = dnnl_memory_desc_init_by_strides(&bias, 1, (dnnl_dims_t){g->Co}, dnnl_f32, (dnnl_dims_t){1});
    if (e == dnnl_success)
        e = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_inference, dnnl_convolution_direct, &x, &packed,
                                                       bias_input < 0 ? NULL : &bias, &y, v.stride, v.dilate, v.before,
                                                       v.after);
    if (e == dnnl_success) e = zt_job_attributes(&attr, g->then);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&pd, &d, attr, zt_dnn_engine(), NULL);
    if (e == dnnl_success) {
        packed = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        const place plain = swapped ? (place){AT_SCRATCH, 0, j->taps_at} : (place){AT_INPUT, 1, 0};
        e = zt_job_pack(j, &w, plain, &packed);
        if (e == dnnl_success) e = zt_job_step(j, pd, &s);
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_SRC, &x, x_at);
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_WEIGHTS, &packed, (place){AT_PACKED, 0, 0});
        if (e == dnnl_success && bias_input >= 0) e = zt_job_arg(s, DNNL_ARG_BIAS, &bias, (place){AT_INPUT, bias_input, 0});
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DST, &y, (place){AT_OUTPUT, 0, 0});
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return e;
}
static geometry geometry_of_conv(const zt_node *n) {
    const zt_shape *x = n->op->id == ZT_OP_conv ? &n->in[0]->sh : &n->sh, *y = n->op->id == ZT_OP_conv ? &n->sh : &n->in[0]->sh;
    return geometry_of(n, x, y, n->in[1]->sh.d, zt_last(x), zt_last(y));
}
/* Such a conv, or its gradient by the input: x [rows, taps Ci] w [taps Ci, Co]. */
static product product_of_conv(const zt_node *n, const geometry *g) {
    const int64_t rows = g->B * g->out[0] * g->out[1] * g->out[2], terms = g->k[0] * g->k[1] * g->k[2] * g->Ci;
    if (n->op->id == ZT_OP_conv) return product_of(n, rows, terms, g->Co, false, false, n->n_in == 3 ? 2 : -1);
    return product_of(n, rows, g->Co, terms, false, true, -1);
}
static bool conv_narrow(const zt_node *n) {
    const geometry g = geometry_of_conv(n);
    return is_matmul(&g) ? product_of_conv(n, &g).narrow : g.narrow;
}
static zt_reads conv_reads(const zt_node *n, int k) {
    return k > 0 ? ZT_READS_F32 : conv_narrow(n) ? ZT_READS_ROUNDED : ZT_READS_EITHER;
}
static zt_err conv_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    const geometry g = geometry_of_conv(n);
    job *j = zt_alloc(sizeof *j);
    if (!j) return ZT_NOMEM;
    const dnnl_status_t e = is_matmul(&g) ? add_matmul(j, product_of_conv(n, &g))
                                          : add_forward(j, &g, false, n->n_in == 3 ? 2 : -1);
    return zt_job_finish(n, j, e, prepared, scratch);
}

/* oneDNN's own gradient by the input: for strides, and for padding beyond the kernel. */
static dnnl_status_t add_backward(job *j, const geometry *g) {
    dnnl_memory_desc_t x, y, w, packed;
    dnnl_convolution_desc_t f, d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    step *s;
    place y_at = {AT_INPUT, 0, 0};
    const window v = window_of(g);
    dnnl_status_t e = activation(&x, g, g->in, g->Ci);
    if (e == dnnl_success) e = activation(&y, g, g->out, g->Co);
    if (e == dnnl_success) e = zt_job_convert(j, &y, &y_at, type_of(g->half), type_of(g->narrow));
    dnnl_memory_desc_t x_hint = x;
    x_hint.data_type = y.data_type;
    x.data_type = type_of(g->out_half);
    if (e == dnnl_success) e = weights(&w, g, false, false);
    if (e == dnnl_success) e = weights(&packed, g, false, true);
    if (e == dnnl_success)
        e = dnnl_dilated_convolution_forward_desc_init(&f, dnnl_forward_training, dnnl_convolution_direct, &x_hint, &packed,
                                                       NULL, &y, v.stride, v.dilate, v.before, v.after);
    if (e == dnnl_success)
        e = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &x, &packed, &y, v.stride, v.dilate,
                                                             v.before, v.after);
    if (e == dnnl_success) e = zt_job_attributes(&attr, NULL);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&hint, &f, attr, zt_dnn_engine(), NULL);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&pd, &d, attr, zt_dnn_engine(), hint);
    if (e == dnnl_success) {
        packed = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        e = zt_job_pack(j, &w, (place){AT_INPUT, 1, 0}, &packed);
        if (e == dnnl_success) e = zt_job_step(j, pd, &s);
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DIFF_DST, &y, y_at);
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_WEIGHTS, &packed, (place){AT_PACKED, 0, 0});
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DIFF_SRC, &x, (place){AT_OUTPUT, 0, 0});
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return e;
}
/* The geometry of conv_dx as a forward conv over dy; false when padding would be negative, or with strides or groups. */
static bool reversed(const geometry *g, geometry *r) {
    *r = *g;
    for (int k = 0; k < 3; k++) {
        r->in[k] = g->out[k];
        r->out[k] = g->in[k];
        const int64_t reach = (g->k[k] - 1) * g->dilation[k];
        r->before[k] = reach - g->before[k];
        r->after[k] = g->in[k] - g->out[k] + reach - r->before[k];
        if (g->stride[k] != 1 || r->before[k] < 0 || r->after[k] < 0) return false;
    }
    return g->groups == 1;
}
static zt_err conv_dx_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    const geometry g = geometry_of_conv(n);
    geometry r;
    dnnl_status_t e;
    job *j = zt_alloc(sizeof *j);
    if (!j) return ZT_NOMEM;
    if (is_matmul(&g)) e = add_matmul(j, product_of_conv(n, &g));
    else if (reversed(&g, &r)) {
        j->taps = g.k[0] * g.k[1] * g.k[2];
        j->tap = g.Ci * g.Co;
        j->taps_at = zt_job_reserve(j, (size_t)(j->taps * j->tap) * sizeof(float));
        e = add_forward(j, &r, true, -1);
    } else e = add_backward(j, &g);
    return zt_job_finish(n, j, e, prepared, scratch);
}

/* oneDNN's gradient by the weights, for groups. */
static dnnl_status_t add_weight_gradient(job *j, const geometry *g) {
    dnnl_memory_desc_t x, y, w, packed;
    dnnl_convolution_desc_t f, d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    step *s;
    const window v = window_of(g);
    dnnl_status_t e = activation(&x, g, g->in, g->Ci);
    if (e == dnnl_success) e = activation(&y, g, g->out, g->Co);
    if (e == dnnl_success) e = weights(&w, g, false, false);
    if (e == dnnl_success) e = weights(&packed, g, false, true);
    if (e == dnnl_success)
        e = dnnl_dilated_convolution_forward_desc_init(&f, dnnl_forward_training, dnnl_convolution_direct, &x, &packed, NULL,
                                                       &y, v.stride, v.dilate, v.before, v.after);
    if (e == dnnl_success)
        e = dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &x, &packed, NULL, &y, v.stride,
                                                                v.dilate, v.before, v.after);
    if (e == dnnl_success) e = zt_job_attributes(&attr, NULL);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&hint, &f, attr, zt_dnn_engine(), NULL);
    if (e == dnnl_success) e = dnnl_primitive_desc_create(&pd, &d, attr, zt_dnn_engine(), hint);
    if (e == dnnl_success) {
        packed = *dnnl_primitive_desc_query_md(pd, dnnl_query_diff_weights_md, 0);
        const place at = {AT_SCRATCH, 0, zt_job_reserve(j, dnnl_memory_desc_get_size(&packed))};
        e = zt_job_step(j, pd, &s);
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_SRC, &x, (place){AT_INPUT, 0, 0});
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DIFF_DST, &y, (place){AT_INPUT, 1, 0});
        if (e == dnnl_success) e = zt_job_arg(s, DNNL_ARG_DIFF_WEIGHTS, &packed, at);
        if (e == dnnl_success) e = zt_job_reorder(j, &packed, at, &w, (place){AT_OUTPUT, 0, 0});
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return e;
}
static zt_err conv_dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    const zt_shape *x = &n->in[0]->sh, *y = &n->in[1]->sh;
    const geometry g = geometry_of(n, x, y, n->at.i + ZT_CONV_SIZE, zt_last(x), zt_last(y));
    job *j = zt_alloc(sizeof *j);
    if (!j) return ZT_NOMEM;
    return zt_job_finish(n, j, add_weight_gradient(j, &g), prepared, scratch);
}

/* Not oneDNN's own gradient by the input. */
static bool conv_folds(const zt_node *n, const zt_node *then) {
    const geometry g = geometry_of_conv(n);
    geometry r;
    return zt_job_folds(then) && (n->op->id == ZT_OP_conv || is_matmul(&g) || reversed(&g, &r));
}
static bool matmul_folds(const zt_node *n, const zt_node *then) {
    (void)n;
    return zt_job_folds(then);
}

static bool available(const zt_node *n) {
    (void)n;
    return zt_dnn_engine() != NULL;
}
static bool with_groups(const zt_node *n) {
    return zt_dnn_engine() && n->at.i[ZT_CONV_GROUPS] > 1;
}
#define CALLS .name = "onednn", .run = zt_job_run, .release = zt_job_release
#define PACKS CALLS, .packs = zt_job_packs, .pack = zt_job_pack_run
const zt_cpu_entry zt_k_onednn[] = {
    {.op = ZT_OP_matmul, .ok = available, .kernel = {PACKS, .prepare = matmul_prepare, .writes_half = matmul_writes_half,
                                                     .reads = matmul_reads, .folds = matmul_folds}},
    {.op = ZT_OP_conv, .ok = available, .kernel = {PACKS, .prepare = conv_prepare, .writes_half = conv_narrow,
                                                   .reads = conv_reads, .folds = conv_folds}},
    {.op = ZT_OP_conv_dx, .ok = available, .kernel = {PACKS, .prepare = conv_dx_prepare, .writes_half = conv_narrow,
                                                      .reads = conv_reads, .folds = conv_folds}},
    {.op = ZT_OP_conv_dw, .ok = with_groups, .kernel = {CALLS, .prepare = conv_dw_prepare}},
    {.op = -1}
};
