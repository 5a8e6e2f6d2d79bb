/* softmax.c - softmax and log-softmax: a row stays in the first cache for its passes. The output may share the input's storage.
 * Sums run in f32 over at most 4096 elements, then in f64. */
#include "backends/cpu/kernels/kernel.h"

/* Sum of e^(x - most); `keep`: the terms go to y. */
INLINE double exp_sum(const float *x, float *y, int64_t C, float most, const bool keep) {
    double sum = 0;
    for (int64_t a = 0; a < C; a += 4096) {
        const int64_t b = a + 4096 < C ? a + 4096 : C;
        float s = 0;
#pragma omp simd reduction(+ : s)
        for (int64_t c = a; c < b; c++) {
            const float v = k_exp(x[c] - most);
            if (keep) y[c] = v;
            s += v;
        }
        sum += s;
    }
    return sum;
}

static void softmax_row(const float *x, float *y, int64_t C) {
    const float scale = (float)(1 / exp_sum(x, y, C, k_row_max(x, C), true));
#pragma omp simd
    for (int64_t c = 0; c < C; c++) y[c] *= scale;
}

static void log_softmax_row(const float *x, float *y, int64_t C) {
    const float most = k_row_max(x, C);
    const double shift = (double)most + log(exp_sum(x, y, C, most, false));       /* f64: it may be large beside the result */
#pragma omp simd
    for (int64_t c = 0; c < C; c++) y[c] = (float)(x[c] - shift);
}

static void each_row(const zt_node *n, void (*row)(const float *x, float *y, int64_t C)) {
    const int64_t C = zt_last(&n->sh), rows = zt_rows(&n->sh);
    const float *x = n->in[0]->x;
    float *y = n->x;
#pragma omp parallel for schedule(static) if (k_parts(rows * C) > 1)
    for (int64_t r = 0; r < rows; r++) row(x + r * C, y + r * C, C);
}
static void softmax_run(const zt_node *n, const zt_exec *e) { (void)e; each_row(n, softmax_row); }
static void log_softmax_run(const zt_node *n, const zt_exec *e) { (void)e; each_row(n, log_softmax_row); }

const zt_cpu_entry K(zt_k_softmax)[] = {
    {.op = ZT_OP_softmax, .kernel = {.run = softmax_run}},
    {.op = ZT_OP_log_softmax, .kernel = {.run = log_softmax_run}},
    {.op = -1}
};
