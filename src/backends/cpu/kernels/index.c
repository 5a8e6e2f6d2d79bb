/* index.c - positions of the largest elements of rows, look-up at positions and its transpose. Threads over rows. */
#include "backends/cpu/kernels/kernel.h"

/* ---- top_k_index ------------------------------------------------------------------------------------------------- */
/* Larger first, of equal ones the lower position; a NaN counts as minus infinity. */
INLINE bool before(const float *x, int32_t a, int32_t b) {
    const float va = x[a] == x[a] ? x[a] : -INFINITY, vb = x[b] == x[b] ? x[b] : -INFINITY;
    return va > vb || (va == vb && a < b);
}

static int32_t first_max(const float *x, int64_t N) {    /* the first block with the largest element, then where in it */
    enum { BLOCK = 256 };
    float most = -INFINITY;
    int64_t c = 0;
    for (int64_t a = 0; a < N; a += BLOCK) {
        const float here = k_row_max(x + a, a + BLOCK < N ? BLOCK : N - a);
        c = here > most ? a : c;
        most = here > most ? here : most;
    }
    if (most > -INFINITY)
        while (x[c] != most) c++;
    return (int32_t)c;
}

/* Restores the heap below `at`: a parent comes after its children, so the root is what goes first when a better one comes. */
static void sink(const float *x, int32_t *heap, int64_t n, int64_t at) {
    for (int64_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && before(x, heap[child], heap[child + 1])) child++;
        if (!before(x, heap[at], heap[child])) return;
        const int32_t down = heap[at];
        heap[at] = heap[child];
        heap[child] = down;
        at = child;
    }
}

static void top_k_row(const float *x, int64_t N, int64_t K, int32_t *y) {
    enum { BLOCK = 64 };
    for (int64_t k = 0; k < K; k++) y[k] = (int32_t)k;
    for (int64_t at = K / 2 - 1; at >= 0; at--) sink(x, y, K, at);
    for (int64_t a = K; a < N; a += BLOCK) {
        const int64_t b = a + BLOCK < N ? a + BLOCK : N;
        if (k_row_max(x + a, b - a) <= x[y[0]]) continue;        /* none of the block enters */
        for (int64_t c = a; c < b; c++) {
            if (!before(x, (int32_t)c, y[0])) continue;
            y[0] = (int32_t)c;
            sink(x, y, K, 0);
        }
    }
    for (int64_t last = K - 1; last > 0; last--) {               /* the root, last in order, goes to the end */
        const int32_t root = y[0];
        y[0] = y[last];
        y[last] = root;
        sink(x, y, last, 0);
    }
}

static void top_k_index_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int64_t N = zt_last(&n->in[0]->sh), K = n->at.i[0], rows = zt_rows(&n->sh);
    const float *x = n->in[0]->x;
    int32_t *y = n->x;
#pragma omp parallel for schedule(static) if (k_parts(rows * N) > 1)
    for (int64_t r = 0; r < rows; r++) {
        if (K == 1) y[r] = first_max(x + r * N, N);
        else top_k_row(x + r * N, N, K, y + r * K);
    }
}

/* ---- gather, scatter_add ----------------------------------------------------------------------------------------- */
static void gather_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int64_t N = zt_last(&n->in[0]->sh), K = zt_last(&n->sh), rows = zt_rows(&n->sh);
    const float *x = n->in[0]->x;
    const int32_t *ids = n->in[1]->x;
    float *y = n->x;
#pragma omp parallel for schedule(static) if (k_parts(rows * K) > 1)
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = r * K; k < r * K + K; k++) y[k] = ids[k] >= 0 && ids[k] < N ? x[r * N + ids[k]] : 0;
}

static void scatter_add_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int64_t N = zt_last(&n->sh), K = zt_last(&n->in[0]->sh), rows = zt_rows(&n->sh);
    const float *x = n->in[0]->x;
    const int32_t *ids = n->in[1]->x;
    float *y = n->x;
#pragma omp parallel for schedule(static) if (k_parts(rows * (N + K)) > 1)
    for (int64_t r = 0; r < rows; r++) {
        memset(y + r * N, 0, (size_t)N * sizeof *y);
        for (int64_t k = r * K; k < r * K + K; k++)
            if (ids[k] >= 0 && ids[k] < N) y[r * N + ids[k]] += x[k];
    }
}

const zt_cpu_entry K(zt_k_index)[] = {
    {.op = ZT_OP_top_k_index, .kernel = {.run = top_k_index_run}},
    {.op = ZT_OP_gather, .kernel = {.run = gather_run}},
    {.op = ZT_OP_scatter_add, .kernel = {.run = scatter_add_run}},
    {.op = -1}
};
