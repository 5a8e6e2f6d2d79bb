/* max_pool.c - largest elements of windows, and what goes to and comes from their places. Vectors run over the channels of one
 * window and one element; nothing is scattered, so nothing depends on the threads. */
#include "backends/cpu/kernels/kernel.h"

/* A window and an element inside it: rows of the y-sized and the x-sized tensors, and which tap of the window the element is. */
typedef struct pair { int64_t window, element; float tap; bool first; } pair;
/* The tensors: `in` and `out` of either size, tap of y's. */
typedef struct job { const float *in; float *tap, *out; int64_t C, x[3], y[3], kernel[3], stride[3], before[3]; } job;
typedef void pair_fn(const job *j, pair p);

static job job_of(const zt_node *n, float *tap, const zt_shape *y) {
    job j = {.in = n->in[0]->x, .tap = tap, .out = n->x, .C = n->sh.d[4]};
    for (int a = 0; a < 3; a++) {
        j.x[a] = n->at.i[ZT_POOL_X + a];
        j.y[a] = y->d[a + 1];
        j.kernel[a] = n->at.i[ZT_CONV_SIZE + a];
        j.stride[a] = n->at.i[ZT_CONV_STRIDE + a];
        j.before[a] = n->at.i[ZT_CONV_BEFORE + a];
    }
    return j;
}

/* Along axis a: the elements [from,to) inside the window at `place`, or the windows that hold the element there. */
INLINE void partners(const job *j, bool of_window, int a, int64_t place, int64_t *from, int64_t *to) {
    const int64_t first = of_window ? place * j->stride[a] - j->before[a] : place + j->before[a] - j->kernel[a] + 1;
    const int64_t end = of_window ? first + j->kernel[a] : (place + j->before[a]) / j->stride[a] + 1;
    const int64_t size = of_window ? j->x[a] : j->y[a];
    *from = first <= 0 ? 0 : of_window ? first : (first + j->stride[a] - 1) / j->stride[a];
    *to = end < size ? end : size;
}

/* f for all pairs of the windows of a line (b,t,h) of y, taps in order; else those of the elements of a line of x. */
INLINE void each_pair(const job *j, bool of_window, int64_t line, pair_fn *f) {
    const int64_t *own = of_window ? j->y : j->x, *other = of_window ? j->x : j->y;
    const int64_t at[2] = {line / own[1] % own[0], line % own[1]}, b = line / own[1] / own[0];
    int64_t from[3], to[3], o[3];
    for (int a = 0; a < 2; a++) partners(j, of_window, a, at[a], &from[a], &to[a]);
    for (int64_t v = 0; v < own[2]; v++) {
        const int64_t row = line * own[2] + v, place[3] = {at[0], at[1], v};
        bool first = true;
        partners(j, of_window, 2, v, &from[2], &to[2]);
        for (o[0] = from[0]; o[0] < to[0]; o[0]++)
            for (o[1] = from[1]; o[1] < to[1]; o[1]++)
                for (o[2] = from[2]; o[2] < to[2]; o[2]++, first = false) {
                    const int64_t mate = ((b * other[0] + o[0]) * other[1] + o[1]) * other[2] + o[2];
                    int64_t tap = 0;
                    for (int a = 0; a < 3; a++)
                        tap = tap * j->kernel[a] + j->before[a] +
                              (of_window ? o[a] - place[a] * j->stride[a] : place[a] - o[a] * j->stride[a]);
                    f(j, (pair){of_window ? row : mate, of_window ? mate : row, (float)tap, first});
                }
    }
}

/* The larger one; a NaN, once met, stays. */
INLINE void take_larger(const job *j, pair p) {
    const float *x = j->in + p.element * j->C;
    float *y = j->out + p.window * j->C, *tap = j->tap + p.window * j->C;
#pragma omp simd
    for (int64_t c = 0; c < j->C; c++) {
        const bool more = p.first || (!(x[c] <= y[c]) && y[c] == y[c]);
        y[c] = more ? x[c] : y[c];
        tap[c] = more ? p.tap : tap[c];
    }
}
INLINE void take_element(const job *j, pair p) {
    const float *d = j->in + p.element * j->C, *tap = j->tap + p.window * j->C;
    float *y = j->out + p.window * j->C;
#pragma omp simd
    for (int64_t c = 0; c < j->C; c++) y[c] = p.first || tap[c] == p.tap ? d[c] : y[c];
}
INLINE void add_window(const job *j, pair p) {
    const float *dy = j->in + p.window * j->C, *tap = j->tap + p.window * j->C;
    float *dx = j->out + p.element * j->C;
#pragma omp simd
    for (int64_t c = 0; c < j->C; c++) dx[c] += tap[c] == p.tap ? dy[c] : 0;
}

static void max_pool_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const job j = job_of(n, n->aux[0], &n->sh);
    const int64_t lines = n->sh.d[0] * j.y[0] * j.y[1];
#pragma omp parallel for schedule(static) if (k_parts(zt_numel(&n->in[0]->sh)) > 1)
    for (int64_t k = 0; k < lines; k++) each_pair(&j, true, k, take_larger);
}
static void max_pool_at_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const job j = job_of(n, n->in[1]->x, &n->sh);
    const int64_t lines = n->sh.d[0] * j.y[0] * j.y[1];
#pragma omp parallel for schedule(static) if (k_parts(zt_numel(&n->in[0]->sh)) > 1)
    for (int64_t k = 0; k < lines; k++) each_pair(&j, true, k, take_element);
}
static void max_pool_dx_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const job j = job_of(n, n->in[1]->x, &n->in[0]->sh);
    const int64_t lines = n->sh.d[0] * j.x[0] * j.x[1], line = j.x[2] * j.C;
#pragma omp parallel for schedule(static) if (k_parts(lines * line) > 1)
    for (int64_t k = 0; k < lines; k++) {
        memset(j.out + k * line, 0, (size_t)line * sizeof *j.out);
        each_pair(&j, false, k, add_window);
    }
}

#define ENTRY(op_, run_) {.op = ZT_OP_##op_, .kernel = {.run = run_}}
const zt_cpu_entry K(zt_k_max_pool)[] = {
    ENTRY(max_pool, max_pool_run), ENTRY(max_pool_at, max_pool_at_run), ENTRY(max_pool_dx, max_pool_dx_run), {.op = -1}
};
