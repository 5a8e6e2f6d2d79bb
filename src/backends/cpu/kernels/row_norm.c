/* row_norm.c - layer norm and RMS norm (rows of the last axis, or of `dim` elements) and their gradients: one pass over memory,
 * a row stays in the first cache. RMS norm is the same without centring.
 *
 * Scale, shift, gain and bias fold per sample into y = xh*A + D. Gradient, with t = dy*A:
 *   dx = rstd (t - mean(t) - xh mean(t xh));  S1 = sum_rows dy and S2 = sum_rows dy*xh give the parameter gradients. */
#include "backends/cpu/kernels/word.h"

enum { ROWS = 64 };

typedef struct rn {
    int64_t B, R, C;                /* samples (with one scale/shift each; else 1), rows per sample, row size */
    int cuts;                       /* pieces a sample's rows are cut in */
    bool centre, half;              /* half: the result is stored as bf16 */
    const float *x, *dy, *gain, *bias, *scale, *shift;
    float *y, *mean, *rstd;
    double *part;                   /* gradient: [B,cuts,2,C] */
    float *coef;                    /* [B,cuts,4,C]: A, D and f32 sums of up to ROWS rows */
} rn;

static rn rn_of(const zt_node *n, const zt_exec *e, bool grad) {
    const bool rms = n->op->id == ZT_OP_rms_norm || n->op->id == ZT_OP_rms_norm_dx;
    const zt_node *x = n->in[grad ? 1 : 0];
    rn g = {.B = 1, .C = rms ? n->at.i[0] : zt_last(&x->sh), .centre = !rms, .x = x->x, .half = n->half, .y = n->x};
    int k = grad ? 2 : 1;
    if (grad) {
        g.dy = n->in[0]->x;
        if (!rms) g.mean = n->in[k++]->x;
        g.rstd = n->in[k++]->x;
    } else {
        g.mean = rms ? NULL : n->aux[0];
        g.rstd = n->aux[rms ? 0 : 1];
    }
    if (n->at.i[2]) {
        g.gain = zt_in_x(n, k++);
        if (!rms) g.bias = zt_in_x(n, k++);
    }
    if (!rms && n->at.i[3]) {
        g.B = x->sh.d[0];
        g.scale = zt_in_x(n, k);
        g.shift = zt_in_x(n, k + 1);
    }
    g.R = zt_numel(&x->sh) / g.C / g.B;
    const int slots = k_parts(zt_numel(&x->sh));
    g.cuts = slots == 1 || g.B % slots == 0 || g.B >= 4 * slots || g.R < slots ? 1 : slots;
    if (e) {
        g.part = e->scratch;
        g.coef = (float *)(g.part + g.B * g.cuts * 2 * g.C);
    }
    return g;
}
static zt_err rn_scratch(const rn *g, size_t *scratch) {
    *scratch = (size_t)(g->B * g->cuts * g->C) * (2 * sizeof(double) + 4 * sizeof(float));
    return ZT_OK;
}

static void fold(const rn *g, int64_t b, float *A, float *D) {
    for (int64_t c = 0; c < g->C; c++) {
        const float s = g->scale ? 1 + g->scale[b * g->C + c] : 1;
        A[c] = (g->gain ? g->gain[c] : 1) * s;
        D[c] = (g->bias ? g->bias[c] * s : 0) + (g->scale ? g->shift[b * g->C + c] : 0);
    }
}

static void forward_row(const rn *g, int64_t row, double eps, const float *A, const float *D) {
    const int64_t C = g->C;
    const float *x = g->x + row * C;
    float s = 0, q = 0;
    if (g->centre) {
#pragma omp simd reduction(+ : s)
        for (int64_t c = 0; c < C; c++) s += x[c];
        s /= (float)C;
        g->mean[row] = s;
    }
#pragma omp simd reduction(+ : q)
    for (int64_t c = 0; c < C; c++) q += (x[c] - s) * (x[c] - s);
    const float rstd = (float)(1 / sqrt((double)q / (double)C + eps));
    g->rstd[row] = rstd;
#if defined(ZT_LEVEL_bf16)
    if (g->half) {
        half *h = (half *)g->y + row * C;
        int64_t c = 0;
        for (; c + VW <= C; c += VW) h_store(h + c, (v_load(x + c) - s) * rstd * v_load(A + c) + v_load(D + c));
        if (c < C)
            h_store_n(h + c, (v_load_n(x + c, C - c) - s) * rstd * v_load_n(A + c, C - c) + v_load_n(D + c, C - c), C - c);
        return;
    }
#endif
    float *y = g->y + row * C;
#pragma omp simd
    for (int64_t c = 0; c < C; c++) y[c] = (x[c] - s) * rstd * A[c] + D[c];
}

static void backward_row(const rn *g, int64_t row, const float *A, float *S1, float *S2) {
    const int64_t C = g->C;
    const float *restrict x = g->x + row * C, *restrict dy = g->dy + row * C;
    float *restrict dx = g->y + row * C;
    const float rstd = g->rstd[row], m = g->centre ? -g->mean[row] * rstd : 0;
    float m1 = 0, m2 = 0;
#pragma omp simd reduction(+ : m1, m2)
    for (int64_t c = 0; c < C; c++) {
        const float xh = x[c] * rstd + m, t = dy[c] * A[c];
        m1 += t;
        m2 += t * xh;
    }
    m1 = g->centre ? m1 / (float)C : 0;
    m2 /= (float)C;
#pragma omp simd
    for (int64_t c = 0; c < C; c++) {
        const float xh = x[c] * rstd + m;
        dx[c] = rstd * (dy[c] * A[c] - m1 - xh * m2);
        S1[c] += dy[c];
        S2[c] += dy[c] * xh;
    }
}

static void forward_task(const rn *g, int64_t task, double eps) {
    const int64_t b = task / g->cuts;
    float *A = g->coef + task * 4 * g->C, *D = A + g->C;
    int64_t r0, r1;
    k_piece(g->R, 1, g->cuts, (int)(task % g->cuts), &r0, &r1);
    fold(g, b, A, D);
    for (int64_t r = r0; r < r1; r++) forward_row(g, b * g->R + r, eps, A, D);
}
static void backward_task(const rn *g, int64_t task) {
    const int64_t b = task / g->cuts, C = g->C;
    float *A = g->coef + task * 4 * C, *S = A + 2 * C;
    double *sum = g->part + task * 2 * C;
    int64_t r0, r1;
    k_piece(g->R, 1, g->cuts, (int)(task % g->cuts), &r0, &r1);
    fold(g, b, A, A + C);
    memset(sum, 0, (size_t)(2 * C) * sizeof *sum);
    for (int64_t r = r0; r < r1;) {
        const int64_t stop = r1 - r < ROWS ? r1 : r + ROWS;
        memset(S, 0, (size_t)(2 * C) * sizeof *S);
        for (; r < stop; r++) backward_row(g, b * g->R + r, A, S, S + C);
        for (int64_t c = 0; c < 2 * C; c++) sum[c] += S[c];
    }
}

static void rn_forward(const zt_node *n, const zt_exec *e) {
    const rn g = rn_of(n, e, false);
    const double eps = n->at.f[0];
#pragma omp parallel for schedule(static) if (k_parts(g.B * g.R * g.C) > 1)
    for (int64_t t = 0; t < g.B * g.cuts; t++) forward_task(&g, t, eps);
}
static void parameter_grads(const rn *g, const zt_node *n) {
    const int64_t C = g->C;
    const bool affine = g->gain && g->centre;
    float *dgain = g->gain ? n->aux[0] : NULL, *dbias = affine ? n->aux[1] : NULL;
    float *dscale = g->scale ? n->aux[affine ? 2 : 0] : NULL, *dshift = g->scale ? n->aux[affine ? 3 : 1] : NULL;
    for (int64_t c = 0; c < C; c++) {
        double sg = 0, sb = 0;
        for (int64_t b = 0; b < g->B; b++) {
            double s1 = 0, s2 = 0;
            for (int k = 0; k < g->cuts; k++) {
                s1 += g->part[(b * g->cuts + k) * 2 * C + c];
                s2 += g->part[(b * g->cuts + k) * 2 * C + C + c];
            }
            const double scale = g->scale ? 1.0 + g->scale[b * C + c] : 1.0;
            sg += scale * s2;
            sb += scale * s1;
            if (!g->scale) continue;
            dscale[b * C + c] = (float)((g->gain ? g->gain[c] : 1.0) * s2 + (g->bias ? g->bias[c] : 0.0) * s1);
            dshift[b * C + c] = (float)s1;
        }
        if (dgain) dgain[c] = (float)sg;
        if (dbias) dbias[c] = (float)sb;
    }
}
static void rn_backward(const zt_node *n, const zt_exec *e) {
    const rn g = rn_of(n, e, true);
#pragma omp parallel for schedule(static) if (k_parts(g.B * g.R * g.C) > 1)
    for (int64_t t = 0; t < g.B * g.cuts; t++) backward_task(&g, t);
    parameter_grads(&g, n);
}
static zt_err forward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const rn g = rn_of(n, NULL, false);
    return rn_scratch(&g, scratch);
}
static zt_err backward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const rn g = rn_of(n, NULL, true);
    return rn_scratch(&g, scratch);
}

#define FORWARD(op_) {.op = ZT_OP_##op_, .ok = HALF_OK, \
                      .kernel = {.run = rn_forward, .prepare = forward_prepare, .writes_half = HALF_OK}}
#define BACKWARD(op_) {.op = ZT_OP_##op_, .ok = HALF_OK, .kernel = {.run = rn_backward, .prepare = backward_prepare}}
const zt_cpu_entry K(zt_k_row_norm)[] = {
    FORWARD(layer_norm), FORWARD(rms_norm), BACKWARD(layer_norm_dx), BACKWARD(rms_norm_dx), {.op = -1}
};
