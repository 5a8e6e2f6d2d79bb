/* gemm.c - matmul, conv and conv_dx on the register tiles of tile.h: what runs them where oneDNN is absent or refuses a node.
 * Weights are packed once per run, padded to whole vectors. A conv is a sum over taps of products [pixels of a line, Ci] x
 * [Ci, Co], read straight from channels-last memory; conv_dx adds the same products by the transposed weights onto the pixels
 * they came from (with strides: every stride-th). Threads take rows of the product, or lines of the result. */
#include "backends/cpu/kernels/tile.h"

enum { ROWS = 48, TERMS = 512 };   /* rows of a piece of the result, terms summed at a time */

static int64_t padded(int64_t n) {
    return (n + VW - 1) / VW * VW;
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */
typedef struct gemm { int64_t M, K, N, Np; bool ta, tb, direct; } gemm;   /* direct: b serves as it lies */
static gemm gemm_of(const zt_node *n) {
    const zt_shape *a = &n->in[0]->sh;
    gemm g = {.ta = n->at.i[0], .tb = n->at.i[1], .N = zt_last(&n->sh)};
    g.M = g.ta ? zt_last(a) : zt_rows(a);
    g.K = g.ta ? zt_rows(a) : zt_last(a);
    g.Np = padded(g.N);
    g.direct = !g.tb && g.N == g.Np;
    return g;
}
static zt_err matmul_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const gemm g = gemm_of(n);
    *scratch = (size_t)((g.direct ? 0 : g.K * g.Np) + zt_cpu_slots() * ROWS * g.Np) * sizeof(float);
    return ZT_OK;
}

/* Rows [from, to) of b in the order of the sum, padded with zeros. */
static void pack_b(const gemm *g, float *to, const float *b, int64_t from, int64_t end) {
    for (int64_t k = from; k < end; k++)
        for (int64_t c = 0; c < g->Np; c++) to[k * g->Np + c] = c >= g->N ? 0 : g->tb ? b[c * g->K + k] : b[k * g->N + c];
}
static void matmul_rows(const gemm *g, const zt_node *n, const float *b, float *room, int64_t from, int64_t to) {
    const float *a = n->in[0]->x, *bias = zt_in_x(n, 2);
    float *y = n->x;
    for (int64_t r = from; r < to; r += ROWS) {
        const int64_t rows = to - r < ROWS ? to - r : ROWS;
        for (int64_t k = 0; k < g->K; k += TERMS) {
            const int64_t sum = g->K - k < TERMS ? g->K - k : TERMS;
            mm_run((mm){room, g->Np, g->ta ? a + k * g->M + r : a + r * g->K + k, g->ta ? 1 : g->K, g->ta ? g->M : 1,
                        b + k * g->Np, g->Np, rows, sum, g->Np, k > 0});
        }
        for (int64_t i = 0; i < rows; i++)
            for (int64_t c = 0; c < g->N; c++) y[(r + i) * g->N + c] = room[i * g->Np + c] + (bias ? bias[c] : 0);
    }
}
static void matmul_run(const zt_node *n, const zt_exec *e) {
    const gemm g = gemm_of(n);
    const int slots = zt_cpu_slots();
    float *packed = e->scratch, *rooms = packed + (g.direct ? 0 : g.K * g.Np);
    const float *b = g.direct ? n->in[1]->x : packed;
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(g.direct ? 0 : g.K, 1, slots, s, &from, &to);
            pack_b(&g, packed, n->in[1]->x, from, to);
        }
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(g.M, 6, slots, s, &from, &to);
            matmul_rows(&g, n, b, rooms + s * ROWS * g.Np, from, to);
        }
    }
}

/* ---- conv and conv_dx ---------------------------------------------------------------------------------------------- */
/* x [B,in,Ci], y [B,out,Co]. Of one group: `from` channels are summed and `to` written, padded to Np. */
typedef struct geometry {
    int64_t B, Ci, Co, groups, taps, from, to, Np;
    int64_t in[3], out[3], k[3], stride[3], before[3], dilation[3];
    bool dx;
} geometry;
static geometry geometry_of(const zt_node *n) {
    const bool dx = n->op->id == ZT_OP_conv_dx;
    const int64_t *x = dx ? n->sh.d : n->in[0]->sh.d, *y = dx ? n->in[0]->sh.d : n->sh.d, *w = n->in[1]->sh.d;
    geometry g = {.B = x[0], .Ci = x[4], .Co = y[4], .groups = n->at.i[ZT_CONV_GROUPS], .taps = w[0] * w[1] * w[2], .dx = dx};
    for (int k = 0; k < 3; k++) {
        g.in[k] = x[1 + k];
        g.out[k] = y[1 + k];
        g.k[k] = w[k];
        g.stride[k] = n->at.i[ZT_CONV_STRIDE + k];
        g.before[k] = n->at.i[ZT_CONV_BEFORE + k];
        g.dilation[k] = n->at.i[ZT_CONV_DILATION + k];
    }
    g.from = (dx ? g.Co : g.Ci) / g.groups;
    g.to = (dx ? g.Ci : g.Co) / g.groups;
    g.Np = padded(g.to);
    return g;
}
static int64_t line_of(const geometry *g) {                                /* pixels of a line of the result */
    return g->dx ? g->in[2] : g->out[2];
}
static zt_err conv_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const geometry g = geometry_of(n);
    *scratch = (size_t)((g.groups * g.taps * g.from + zt_cpu_slots() * line_of(&g)) * g.Np) * sizeof(float);
    return ZT_OK;
}

/* Weights of (group, tap) as [from][Np] at (group * taps + tap) * from * Np: w [taps][Ci/groups][Co], or its transpose. */
static void pack_weights(const geometry *g, float *packed, const float *w, int64_t start, int64_t end) {
    const int64_t ci = g->Ci / g->groups, co = g->Co / g->groups;
    for (int64_t row = start; row < end; row++) {
        const int64_t f = row % g->from, tap = row / g->from % g->taps, group = row / g->from / g->taps;
        for (int64_t c = 0; c < g->Np; c++) {
            const int64_t i = g->dx ? c : f, o = g->dx ? f : c;
            packed[row * g->Np + c] = c >= g->to ? 0 : w[(tap * ci + i) * g->Co + group * co + o];
        }
    }
}

/* The line that a tap along one axis joins to `at` of the result; -1: none. */
static int64_t joined(const geometry *g, int axis, int64_t tap, int64_t at) {
    const int64_t off = tap * g->dilation[axis] - g->before[axis], p = g->dx ? at - off : at * g->stride[axis] + off;
    if (!g->dx) return p < 0 || p >= g->in[axis] ? -1 : p;
    return p < 0 || p % g->stride[axis] || p / g->stride[axis] >= g->out[axis] ? -1 : p / g->stride[axis];
}
/* One line (t,h) of sample b and one group into room [pixels][Np]. */
static void conv_line(const geometry *g, const float *src, const float *w, float *room, int64_t b, int64_t t, int64_t h,
                      int64_t group) {
    const int64_t *size = g->dx ? g->out : g->in, C = g->dx ? g->Co : g->Ci, st = g->stride[2];
    memset(room, 0, (size_t)(line_of(g) * g->Np) * sizeof *room);
    for (int64_t tap = 0; tap < g->taps; tap++) {
        const int64_t kw = tap % g->k[2], kh = tap / g->k[2] % g->k[1], kt = tap / g->k[2] / g->k[1];
        const int64_t ti = joined(g, 0, kt, t), hi = joined(g, 1, kh, h), off = kw * g->dilation[2] - g->before[2];
        int64_t wa, wb;
        k_inside(g->in[2], st, off, 0, g->out[2], &wa, &wb);
        if (ti < 0 || hi < 0 || wa >= wb) continue;
        const int64_t x = wa * st + off, line = ((b * size[0] + ti) * size[1] + hi) * size[2];
        const float *a = src + (line + (g->dx ? wa : x)) * C + group * g->from;
        mm_run((mm){room + (g->dx ? x : wa) * g->Np, g->dx ? st * g->Np : g->Np, a, g->dx ? C : st * C, 1,
                    w + (group * g->taps + tap) * g->from * g->Np, g->Np, wb - wa, g->from, g->Np, true});
    }
}
static void conv_lines(const geometry *g, const zt_node *n, const float *w, float *room, int64_t from, int64_t to) {
    const int64_t *size = g->dx ? g->in : g->out, C = g->dx ? g->Ci : g->Co, line = line_of(g);
    const float *bias = g->dx ? NULL : zt_in_x(n, 2);
    for (int64_t k = from; k < to; k++)
        for (int64_t group = 0; group < g->groups; group++) {
            const int64_t first = group * g->to;
            float *y = (float *)n->x + k * line * C + first;
            conv_line(g, n->in[0]->x, w, room, k / size[1] / size[0], k / size[1] % size[0], k % size[1], group);
            for (int64_t i = 0; i < line; i++)
                for (int64_t c = 0; c < g->to; c++) y[i * C + c] = room[i * g->Np + c] + (bias ? bias[first + c] : 0);
        }
}
static void conv_run(const zt_node *n, const zt_exec *e) {
    const geometry g = geometry_of(n);
    const int slots = zt_cpu_slots();
    const int64_t rows = g.groups * g.taps * g.from, lines = g.B * (g.dx ? g.in[0] * g.in[1] : g.out[0] * g.out[1]);
    float *w = e->scratch, *rooms = w + rows * g.Np;
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(rows, 1, slots, s, &from, &to);
            pack_weights(&g, w, n->in[1]->x, from, to);
        }
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(lines, 1, slots, s, &from, &to);
            conv_lines(&g, n, w, rooms + s * line_of(&g) * g.Np, from, to);
        }
    }
}

const zt_cpu_entry K(zt_k_gemm)[] = {
    {.op = ZT_OP_matmul, .kernel = {.run = matmul_run, .prepare = matmul_prepare}},
    {.op = ZT_OP_conv, .kernel = {.run = conv_run, .prepare = conv_prepare}},
    {.op = ZT_OP_conv_dx, .kernel = {.run = conv_run, .prepare = conv_prepare}},
    {.op = -1}
};
