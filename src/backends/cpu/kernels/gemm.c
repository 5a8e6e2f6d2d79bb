/* gemm.c - matmul on the register tiles of tile.h: what runs it where oneDNN is absent or refuses a node. The second factor is
 * packed, padded to whole vectors, when the plan says so. Threads take rows of the product. */
#include "backends/cpu/kernels/tile.h"

enum { ROWS = 48, TERMS = 512 };   /* rows of a piece of the result, terms summed at a time */

static int64_t padded(int64_t n) {
    return (n + VW - 1) / VW * VW;
}

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
    *scratch = (size_t)(zt_cpu_slots() * ROWS * g.Np) * sizeof(float);
    return ZT_OK;
}
static size_t matmul_packs(const zt_node *n, const void *prepared) {
    (void)prepared;
    const gemm g = gemm_of(n);
    return g.direct ? 0 : (size_t)(g.K * g.Np) * sizeof(float);
}

/* Rows [from, to) of b in the order of the sum, padded with zeros. */
static void pack_b(const gemm *g, float *to, const float *b, int64_t from, int64_t end) {
    for (int64_t k = from; k < end; k++)
        for (int64_t c = 0; c < g->Np; c++) to[k * g->Np + c] = c >= g->N ? 0 : g->tb ? b[c * g->K + k] : b[k * g->N + c];
}
static void matmul_pack(const zt_node *n, const zt_exec *e) {
    const gemm g = gemm_of(n);
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        int64_t from, to;
        k_piece(g.K, 1, slots, s, &from, &to);
        pack_b(&g, e->packed, n->in[1]->x, from, to);
    }
}
static void matmul_rows(const gemm *g, const zt_node *n, const float *b, float *room, int64_t from, int64_t to) {
    const float *a = n->in[0]->x, *bias = zt_in_x(n, 2);
    float *y = n->x;
    zt_tile *then = k_then(n);
    for (int64_t r = from; r < to; r += ROWS) {
        const int64_t rows = to - r < ROWS ? to - r : ROWS;
        for (int64_t k = 0; k < g->K; k += TERMS) {
            const int64_t sum = g->K - k < TERMS ? g->K - k : TERMS;
            mm_run((mm){room, g->Np, g->ta ? a + k * g->M + r : a + r * g->K + k, g->ta ? 1 : g->K, g->ta ? g->M : 1,
                        b + k * g->Np, g->Np, rows, sum, g->Np, k > 0});
        }
        for (int64_t i = 0; i < rows; i++)
            for (int64_t c = 0; c < g->N; c++) y[(r + i) * g->N + c] = room[i * g->Np + c] + (bias ? bias[c] : 0);
        k_apply(then, n, y + r * g->N, rows * g->N);
    }
}
static void matmul_run(const zt_node *n, const zt_exec *e) {
    const gemm g = gemm_of(n);
    const int slots = zt_cpu_slots();
    float *rooms = e->scratch;
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        int64_t from, to;
        k_piece(g.M, 6, slots, s, &from, &to);
        matmul_rows(&g, n, g.direct ? n->in[1]->x : e->packed, rooms + s * ROWS * g.Np, from, to);
    }
}

const zt_cpu_entry K(zt_k_gemm)[] = {
    {.op = ZT_OP_matmul, .kernel = {.name = K_NAME("gemm"), .run = matmul_run, .prepare = matmul_prepare, .folds = k_folds_any,
                                    .packs = matmul_packs, .pack = matmul_pack}}, {.op = -1}};
