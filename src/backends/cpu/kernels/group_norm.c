/* group_norm.c - group norm with scale/shift and SiLU in one kernel, and its gradient.
 *
 * Per sample everything folds into per-channel numbers: y = act((x - mean)*A + D). Forward reads x twice and writes y once;
 * backward reads x and dy twice and writes dx once (SiLU is recomputed, nothing is saved but mean and rstd). Sums over rows
 * run in vector registers for at most 64 rows, then in f64. Statistics are of x minus its first row: a large
 * mean costs no digits.
 * Gradient: with u = (x - mean)*A + D, du = dy act'(u), xh = (x - mean) rstd, k = gain (1+scale), per channel
 * S1 = sum du, S2 = sum du xh:
 *   dx = rstd (k du - (sum_c k S1 + xh sum_c k S2) / n), the sums over the channels of a group and n its elements. */
#include "backends/cpu/kernels/word.h"

enum { ROWS = 64, AHEAD = 8 << 10 };
/* Asks for what comes AHEAD bytes after element `at`: some processors' own guesses use half of what memory could deliver. */
INLINE void ask(stored s, int64_t at) { __builtin_prefetch((const char *)s.x + (s.half ? 2 : 4) * at + AHEAD, 0, 2); }

typedef struct gn {
    int64_t B, S, C, G;             /* samples, positions, channels, groups */
    int cuts;                       /* pieces a sample's positions are cut in */
    bool act;
    stored x, dy, y;                /* y, or dx; dy: of the gradient only */
    const float *gain, *bias, *scale, *shift;
    float *mean, *rstd;
    double *part;                   /* [B,cuts,2,C] sums */
    float *coef;                    /* [B,7,C]: mean M, A, D, then (gradient) R: xh = (x - M)*R, and E, F, H:
                                       dx = E du + F (x - M) + H */
} gn;
enum { M_, A_, D_, R_, E_, F_, H_, COEFS };

static gn gn_of(const zt_node *n, const zt_exec *e, bool grad) {
    const zt_node *x = n->in[grad ? 1 : 0];
    gn g = {.B = x->sh.d[0], .C = zt_last(&x->sh), .G = n->at.i[0], .act = n->at.i[1] == 1, .x = stored_of(x),
            .y = stored_of(n)};
    g.S = zt_numel(&x->sh) / g.B / g.C;
    const int slots = k_parts(zt_numel(&x->sh));
    g.cuts = slots == 1 || g.B % slots == 0 || g.B >= 4 * slots || g.S < slots ? 1 : slots;
    int k = grad ? 4 : 1;
    if (n->at.i[2]) {
        g.gain = zt_in_x(n, k);
        g.bias = zt_in_x(n, k + 1);
        k += 2;
    }
    if (n->at.i[3]) {
        g.scale = zt_in_x(n, k);
        g.shift = zt_in_x(n, k + 1);
    }
    if (grad) g.dy = stored_of(n->in[0]);
    g.mean = grad ? n->in[2]->x : n->aux[0];
    g.rstd = grad ? n->in[3]->x : n->aux[1];
    g.part = e ? e->scratch : NULL;
    if (e) g.coef = (float *)(g.part + g.B * g.cuts * 2 * g.C);
    return g;
}
static size_t gn_scratch(const gn *g) {
    return (size_t)(g->B * g->C) * ((size_t)g->cuts * 2 * sizeof(double) + COEFS * sizeof(float));
}
INLINE float *coef_of(const gn *g, int64_t b, int k) { return g->coef + (b * COEFS + k) * g->C; }

/* d/du of u*sigmoid(u) */
INLINE vf v_silu_d(vf u) { const vf s = v_sigmoid(u); return s * (1.0f + u * (1.0f - s)); }
INLINE float f_silu_d(float u) { const float s = k_sigmoid(u); return s * (1 + u * (1 - s)); }

/* ---- passes over rows: `nv` vectors of channels at column c stay in registers --------------------------------------- */
/* Rows are told by the element that each pass starts at: `at`, of the sample's first row `first`. */
INLINE void stats_cols(const gn *g, int64_t at, int64_t first, int64_t rows, int64_t c, const int nv, double *sum) {
    vf s[4], q[4], f[4];
    for (int v = 0; v < nv; v++) {
        s[v] = q[v] = v_set(0);
        f[v] = get(g->x, first + c + v * VW);
    }
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < nv; v++) {
            const vf a = get(g->x, at + r * g->C + c + v * VW) - f[v];
            if (v % 2 == 0) ask(g->x, at + r * g->C + c + v * VW);
            s[v] += a;
            q[v] += a * a;
        }
    for (int v = 0; v < nv; v++)
        for (int k = 0; k < VW; k++) {
            sum[c + v * VW + k] += s[v][k];
            sum[g->C + c + v * VW + k] += q[v][k];
        }
}
static void stats(const gn *g, int64_t at, int64_t first, int64_t rows, double *sum) {
    int64_t c = 0;
    for (; c + 4 * VW <= g->C; c += 4 * VW) stats_cols(g, at, first, rows, c, 4, sum);
    for (; c + VW <= g->C; c += VW) stats_cols(g, at, first, rows, c, 1, sum);
    for (; c < g->C; c++) {
        float s = 0, q = 0;
        for (int64_t r = 0; r < rows; r++) {
            const float a = get_one(g->x, at + r * g->C + c) - get_one(g->x, first + c);
            s += a;
            q += a * a;
        }
        sum[c] += s;
        sum[g->C + c] += q;
    }
}

INLINE void apply_cols(const gn *g, int64_t at, int64_t rows, const float *co, int64_t c, const int nv, const bool act) {
    vf m[4], a[4], d[4];
    for (int v = 0; v < nv; v++) {
        m[v] = v_load(co + M_ * g->C + c + v * VW);
        a[v] = v_load(co + A_ * g->C + c + v * VW);
        d[v] = v_load(co + D_ * g->C + c + v * VW);
    }
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < nv; v++) {
            const int64_t to = at + r * g->C + c + v * VW;
            const vf u = (get(g->x, to) - m[v]) * a[v] + d[v];
            if (v % 2 == 0) ask(g->x, to);
            put(g->y, to, act ? u * v_sigmoid(u) : u);
        }
}
INLINE void apply_as(const gn *g, int64_t at, int64_t rows, const float *co, const bool act) {
    const int64_t C = g->C;
    int64_t c = 0;
    for (; c + 4 * VW <= C; c += 4 * VW) apply_cols(g, at, rows, co, c, 4, act);
    for (; c + VW <= C; c += VW) apply_cols(g, at, rows, co, c, 1, act);
    for (; c < C; c++)
        for (int64_t r = 0; r < rows; r++) {
            const int64_t to = at + r * C + c;
            const float u = (get_one(g->x, to) - co[M_ * C + c]) * co[A_ * C + c] + co[D_ * C + c];
            put_one(g->y, to, act ? u * k_sigmoid(u) : u);
        }
}
static void apply(const gn *g, int64_t at, int64_t rows, const float *co) {
    if (g->act) apply_as(g, at, rows, co, true);
    else apply_as(g, at, rows, co, false);
}

INLINE void grad_sums_cols(const gn *g, int64_t at, int64_t rows, const float *co, int64_t c, const int nv, const bool act,
                           double *sum) {
    vf s1[2], s2[2];
    for (int v = 0; v < nv; v++) s1[v] = s2[v] = v_set(0);
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < nv; v++) {
            const float *k = co + c + v * VW;
            const int64_t from = at + r * g->C + c + v * VW;
            const vf a = get(g->x, from) - v_load(k + M_ * g->C);
            vf du = get(g->dy, from);
            if (v % 2 == 0) {
                ask(g->x, from);
                ask(g->dy, from);
            }
            if (act) du *= v_silu_d(a * v_load(k + A_ * g->C) + v_load(k + D_ * g->C));
            s1[v] += du;
            s2[v] += du * (a * v_load(k + R_ * g->C));
        }
    for (int v = 0; v < nv; v++)
        for (int k = 0; k < VW; k++) {
            sum[c + v * VW + k] += s1[v][k];
            sum[g->C + c + v * VW + k] += s2[v][k];
        }
}
INLINE void grad_sums_as(const gn *g, int64_t at, int64_t rows, const float *co, const bool act, double *sum) {
    const int64_t C = g->C;
    int64_t c = 0;
    for (; c + 2 * VW <= C; c += 2 * VW) grad_sums_cols(g, at, rows, co, c, 2, act, sum);
    for (; c + VW <= C; c += VW) grad_sums_cols(g, at, rows, co, c, 1, act, sum);
    for (; c < C; c++) {
        float s1 = 0, s2 = 0;
        for (int64_t r = 0; r < rows; r++) {
            const float a = get_one(g->x, at + r * C + c) - co[M_ * C + c], d = get_one(g->dy, at + r * C + c);
            const float du = act ? d * f_silu_d(a * co[A_ * C + c] + co[D_ * C + c]) : d;
            s1 += du;
            s2 += du * (a * co[R_ * C + c]);
        }
        sum[c] += s1;
        sum[C + c] += s2;
    }
}
static void grad_sums(const gn *g, int64_t at, int64_t rows, const float *co, double *sum) {
    if (g->act) grad_sums_as(g, at, rows, co, true, sum);
    else grad_sums_as(g, at, rows, co, false, sum);
}

INLINE void grad_apply_cols(const gn *g, int64_t at, int64_t rows, const float *co, int64_t c, const int nv, const bool act) {
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < nv; v++) {
            const float *k = co + c + v * VW;
            const int64_t to = at + r * g->C + c + v * VW;
            const vf a = get(g->x, to) - v_load(k + M_ * g->C);
            vf du = get(g->dy, to);
            if (v % 2 == 0) {
                ask(g->x, to);
                ask(g->dy, to);
            }
            if (act) du *= v_silu_d(a * v_load(k + A_ * g->C) + v_load(k + D_ * g->C));
            put(g->y, to, du * v_load(k + E_ * g->C) + (a * v_load(k + F_ * g->C) + v_load(k + H_ * g->C)));
        }
}
INLINE void grad_apply_as(const gn *g, int64_t at, int64_t rows, const float *co, const bool act) {
    const int64_t C = g->C;
    int64_t c = 0;
    for (; c + 2 * VW <= C; c += 2 * VW) grad_apply_cols(g, at, rows, co, c, 2, act);
    for (; c + VW <= C; c += VW) grad_apply_cols(g, at, rows, co, c, 1, act);
    for (; c < C; c++)
        for (int64_t r = 0; r < rows; r++) {
            const int64_t to = at + r * C + c;
            const float a = get_one(g->x, to) - co[M_ * C + c], d = get_one(g->dy, to);
            const float du = act ? d * f_silu_d(a * co[A_ * C + c] + co[D_ * C + c]) : d;
            put_one(g->y, to, du * co[E_ * C + c] + (a * co[F_ * C + c] + co[H_ * C + c]));
        }
}
static void grad_apply(const gn *g, int64_t at, int64_t rows, const float *co) {
    if (g->act) grad_apply_as(g, at, rows, co, true);
    else grad_apply_as(g, at, rows, co, false);
}

/* ---- tasks ----------------------------------------------------------------------------------------------------------- */
static void sums_task(const gn *g, int64_t b, int cut) {
    double *sum = g->part + (b * g->cuts + cut) * 2 * g->C;
    int64_t r0, r1;
    k_piece(g->S, 1, g->cuts, cut, &r0, &r1);
    memset(sum, 0, (size_t)(2 * g->C) * sizeof *sum);
    for (int64_t r = r0; r < r1; r += ROWS) {
        const int64_t rows = r1 - r < ROWS ? r1 - r : ROWS, at = (b * g->S + r) * g->C;
        if (g->dy.x) grad_sums(g, at, rows, coef_of(g, b, 0), sum);
        else stats(g, at, b * g->S * g->C, rows, sum);
    }
}
static void write_task(const gn *g, int64_t b, int cut) {
    int64_t r0, r1;
    k_piece(g->S, 1, g->cuts, cut, &r0, &r1);
    for (int64_t r = r0; r < r1; r += ROWS) {
        const int64_t rows = r1 - r < ROWS ? r1 - r : ROWS, at = (b * g->S + r) * g->C;
        if (g->dy.x) grad_apply(g, at, rows, coef_of(g, b, 0));
        else apply(g, at, rows, coef_of(g, b, 0));
    }
}
static void add_cuts(const gn *g, int64_t b) {           /* into the sample's first piece */
    double *sum = g->part + b * g->cuts * 2 * g->C;
    for (int k = 1; k < g->cuts; k++)
        for (int64_t c = 0; c < 2 * g->C; c++) sum[c] += sum[k * 2 * g->C + c];
}

/* M, A, D and R of a sample from mean and rstd. */
static void fold(const gn *g, int64_t b) {
    const int64_t C = g->C, per = C / g->G;
    float *A = coef_of(g, b, A_), *D = coef_of(g, b, D_), *R = coef_of(g, b, R_), *M = coef_of(g, b, M_);
    for (int64_t c = 0; c < C; c++) {
        const float rstd = g->rstd[b * g->G + c / per], mean = g->mean[b * g->G + c / per];
        const float gain = g->gain ? g->gain[c] : 1, bias = g->gain ? g->bias[c] : 0;
        const float scale = g->scale ? 1 + g->scale[b * C + c] : 1, shift = g->scale ? g->shift[b * C + c] : 0;
        R[c] = rstd;
        M[c] = mean;
        A[c] = rstd * gain * scale;
        D[c] = bias * scale + shift;
    }
}
static void forward_coefs(const gn *g, int64_t b, double eps) {
    const int64_t C = g->C, per = C / g->G;
    const double *sum = g->part + b * g->cuts * 2 * C, n = (double)g->S;
    const int64_t first = b * g->S * C;
    add_cuts(g, b);
    for (int64_t k = 0; k < g->G; k++) {
        double mean = 0, var = 0;
        for (int64_t c = k * per; c < (k + 1) * per; c++) mean += get_one(g->x, first + c) + sum[c] / n;
        mean /= (double)per;
        for (int64_t c = k * per; c < (k + 1) * per; c++) {        /* channel variance + its mean's distance */
            const double own = sum[c] / n, off = get_one(g->x, first + c) + own - mean;
            var += sum[C + c] / n - own * own + off * off;
        }
        var /= (double)per;
        g->mean[b * g->G + k] = (float)mean;
        g->rstd[b * g->G + k] = (float)(1 / sqrt((var > 0 ? var : 0) + eps));
    }
    fold(g, b);
}
static void backward_coefs(const gn *g, int64_t b) {
    const int64_t C = g->C, per = C / g->G;
    const double *sum = g->part + b * g->cuts * 2 * C, n = (double)(g->S * per);
    const float *R = coef_of(g, b, R_);
    float *E = coef_of(g, b, E_), *F = coef_of(g, b, F_), *H = coef_of(g, b, H_);
    add_cuts(g, b);
    for (int64_t k = 0; k < g->G; k++) {
        double m1 = 0, m2 = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t c = k * per; c < (k + 1) * per; c++) {
                const double gain = (g->gain ? g->gain[c] : 1.0) * (g->scale ? 1.0 + g->scale[b * C + c] : 1.0);
                if (pass == 0) {
                    m1 += gain * sum[c] / n;
                    m2 += gain * sum[C + c] / n;
                } else {
                    E[c] = (float)(R[c] * gain);
                    F[c] = (float)(-R[c] * m2 * R[c]);
                    H[c] = (float)(-R[c] * m1);
                }
            }
    }
}

static void gn_forward(const zt_node *n, const zt_exec *e) {
    const gn g = gn_of(n, e, false);
    const double eps = n->at.f[0];
    if (g.cuts == 1) {
#pragma omp parallel for schedule(static) if (k_parts(g.B * g.S * g.C) > 1)
        for (int64_t b = 0; b < g.B; b++) {
            sums_task(&g, b, 0);
            forward_coefs(&g, b, eps);
            write_task(&g, b, 0);
        }
        return;
    }
#pragma omp parallel
    {
#pragma omp for schedule(static) collapse(2)
        for (int64_t b = 0; b < g.B; b++)
            for (int k = 0; k < g.cuts; k++) sums_task(&g, b, k);
#pragma omp for schedule(static)
        for (int64_t b = 0; b < g.B; b++) forward_coefs(&g, b, eps);
#pragma omp for schedule(static) collapse(2)
        for (int64_t b = 0; b < g.B; b++)
            for (int k = 0; k < g.cuts; k++) write_task(&g, b, k);
    }
}

/* dgain, dbias, dscale, dshift from the samples' S1, S2. */
static void parameter_grads(const gn *g, const zt_node *n) {
    const int64_t C = g->C;
    float *dgain = g->gain ? n->aux[0] : NULL, *dbias = g->gain ? n->aux[1] : NULL;
    float *dscale = g->scale ? n->aux[g->gain ? 2 : 0] : NULL, *dshift = g->scale ? n->aux[g->gain ? 3 : 1] : NULL;
    for (int64_t c = 0; c < C; c++) {
        double sg = 0, sb = 0;
        for (int64_t b = 0; b < g->B; b++) {
            const double s1 = g->part[b * g->cuts * 2 * C + c], s2 = g->part[b * g->cuts * 2 * C + C + c];
            const double scale = g->scale ? 1.0 + g->scale[b * C + c] : 1.0;
            sg += scale * s2;
            sb += scale * s1;
            if (!g->scale) continue;
            dscale[b * C + c] = (float)((g->gain ? g->gain[c] : 1.0) * s2 + (g->gain ? g->bias[c] : 0.0) * s1);
            dshift[b * C + c] = (float)s1;
        }
        if (g->gain) {
            dgain[c] = (float)sg;
            dbias[c] = (float)sb;
        }
    }
}
static void gn_backward(const zt_node *n, const zt_exec *e) {
    const gn g = gn_of(n, e, true);
    if (g.cuts == 1) {
#pragma omp parallel for schedule(static) if (k_parts(g.B * g.S * g.C) > 1)
        for (int64_t b = 0; b < g.B; b++) {
            fold(&g, b);
            sums_task(&g, b, 0);
            backward_coefs(&g, b);
            write_task(&g, b, 0);
        }
    } else {
#pragma omp parallel
        {
#pragma omp for schedule(static)
            for (int64_t b = 0; b < g.B; b++) fold(&g, b);
#pragma omp for schedule(static) collapse(2)
            for (int64_t b = 0; b < g.B; b++)
                for (int k = 0; k < g.cuts; k++) sums_task(&g, b, k);
#pragma omp for schedule(static)
            for (int64_t b = 0; b < g.B; b++) backward_coefs(&g, b);
#pragma omp for schedule(static) collapse(2)
            for (int64_t b = 0; b < g.B; b++)
                for (int k = 0; k < g.cuts; k++) write_task(&g, b, k);
        }
    }
    parameter_grads(&g, n);
}

static zt_err forward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const gn g = gn_of(n, NULL, false);
    *scratch = gn_scratch(&g);
    return ZT_OK;
}
static zt_err backward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const gn g = gn_of(n, NULL, true);
    *scratch = gn_scratch(&g);
    return ZT_OK;
}

const zt_cpu_entry K(zt_k_group_norm)[] = {
    {.op = ZT_OP_group_norm, .ok = HALF_OK,
     .kernel = {.run = gn_forward, .prepare = forward_prepare, .writes_half = HALF_OK, .reads = READS_FIRST}},
    {.op = ZT_OP_group_norm_dx, .ok = HALF_OK,
     .kernel = {.run = gn_backward, .prepare = backward_prepare, .writes_half = HALF_OK, .reads = READS_FIRST_TWO}},
    {.op = -1}
};
