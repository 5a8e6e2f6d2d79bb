/* row_norm.c - layer norm and RMS norm (rows of the last axis, or of `dim` elements) and their gradients: one pass over memory,
 * a row stays in the first cache. RMS norm is the same without centring.
 *
 * Scale, shift, gain and bias fold per sample into y = xh*A + D. Gradient, with t = dy*A:
 *   dx = rstd (t - mean(t) - xh mean(t xh));  S1 = sum_rows dy and S2 = sum_rows dy*xh give the parameter gradients. */
#include "backends/cpu/kernels/word.h"

enum { ROWS = 64 };
enum { A_, D_, S1_, S2_, X_, DY_, Y_, COEFS };      /* of a task: A, D, f32 sums of up to ROWS rows; rows that are not f32 */

typedef struct rn {
    int64_t B, R, C;                /* samples (with one scale/shift each; else 1), rows per sample, row size */
    int cuts;                       /* pieces a sample's rows are cut in */
    bool centre;
    stored x, dy, y;                /* y, or dx; dy: of the gradient only */
    const float *gain, *bias, *scale, *shift;
    float *mean, *rstd;
    double *part;                   /* gradient: [B,cuts,2,C] */
    float *coef;                    /* [B,cuts,COEFS,C] */
} rn;

static rn rn_of(const zt_node *n, const zt_exec *e, bool grad) {
    const bool rms = n->op->id == ZT_OP_rms_norm || n->op->id == ZT_OP_rms_norm_dx;
    const zt_node *x = n->in[grad ? 1 : 0];
    rn g = {.B = 1, .C = rms ? n->at.i[0] : zt_last(&x->sh), .centre = !rms, .x = stored_of(x),
            .y = stored_of(n)};
    int k = grad ? 2 : 1;
    if (grad) {
        g.dy = stored_of(n->in[0]);
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
    *scratch = (size_t)(g->B * g->cuts * g->C) * (2 * sizeof(double) + COEFS * sizeof(float));
    return ZT_OK;
}

static void fold(const rn *g, int64_t b, float *A, float *D) {
    for (int64_t c = 0; c < g->C; c++) {
        const float s = g->scale ? 1 + g->scale[b * g->C + c] : 1;
        A[c] = (g->gain ? g->gain[c] : 1) * s;
        D[c] = (g->bias ? g->bias[c] * s : 0) + (g->scale ? g->shift[b * g->C + c] : 0);
    }
}

/* Where a row is worked on: where it lies when it is f32, else in the room. */
static float *row_of(stored s, int64_t at, float *room) {
    return s.half ? room : (float *)s.x + at;
}

/* k: the task's rows of `coef`. */
static void forward_row(const rn *g, int64_t row, double eps, float *k) {
    const int64_t C = g->C;
    const float *x = widened(g->x, row * C, C, k + X_ * C), *A = k + A_ * C, *D = k + D_ * C;
    float *y = row_of(g->y, row * C, k + Y_ * C), s = 0, q = 0;
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
#pragma omp simd
    for (int64_t c = 0; c < C; c++) y[c] = (x[c] - s) * rstd * A[c] + D[c];
    narrow(g->y, row * C, y, C);
}

static void backward_row(const rn *g, int64_t row, float *k) {
    const int64_t C = g->C;
    const float *restrict x = widened(g->x, row * C, C, k + X_ * C), *restrict dy = widened(g->dy, row * C, C, k + DY_ * C);
    const float *restrict A = k + A_ * C;
    float *restrict dx = row_of(g->y, row * C, k + Y_ * C), *restrict S1 = k + S1_ * C, *restrict S2 = k + S2_ * C;
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
    narrow(g->y, row * C, dx, C);
}

static void forward_task(const rn *g, int64_t task, double eps) {
    const int64_t b = task / g->cuts;
    float *k = g->coef + task * COEFS * g->C;
    int64_t r0, r1;
    k_piece(g->R, 1, g->cuts, (int)(task % g->cuts), &r0, &r1);
    fold(g, b, k + A_ * g->C, k + D_ * g->C);
    for (int64_t r = r0; r < r1; r++) forward_row(g, b * g->R + r, eps, k);
}
static void backward_task(const rn *g, int64_t task) {
    const int64_t b = task / g->cuts, C = g->C;
    float *k = g->coef + task * COEFS * C, *S = k + S1_ * C;
    double *sum = g->part + task * 2 * C;
    int64_t r0, r1;
    k_piece(g->R, 1, g->cuts, (int)(task % g->cuts), &r0, &r1);
    fold(g, b, k + A_ * C, k + D_ * C);
    memset(sum, 0, (size_t)(2 * C) * sizeof *sum);
    for (int64_t r = r0; r < r1;) {
        const int64_t stop = r1 - r < ROWS ? r1 : r + ROWS;
        memset(S, 0, (size_t)(2 * C) * sizeof *S);
        for (; r < stop; r++) backward_row(g, b * g->R + r, k);
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
                      .kernel = {.run = rn_forward, .prepare = forward_prepare, .writes_half = HALF_OK, .reads = READS_FIRST}}
#define BACKWARD(op_) {.op = ZT_OP_##op_, .ok = HALF_OK, \
                       .kernel = {.run = rn_backward, .prepare = backward_prepare, .writes_half = HALF_OK, \
                                  .reads = READS_FIRST_TWO}}
const zt_cpu_entry K(zt_k_row_norm)[] = {
    FORWARD(layer_norm), FORWARD(rms_norm), BACKWARD(layer_norm_dx), BACKWARD(rms_norm_dx), {.op = -1}
};
