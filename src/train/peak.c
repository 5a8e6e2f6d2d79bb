/* peak.c - the machine's measured matmul rate: what times are predicted from and fractions are given of. */
#include "train/peak.h"
#include <string.h>
#include "base/log.h"
#include "init.h"
#include "base/mem.h"
#include "ops/ops.h"

double zt_matmul_peak_gflops(zt_dtype t, int64_t n, double seconds) {
    zt_graph *g;
    zt_plan *p = NULL;
    double best = 0;
    if (zt_graph_create(&g) != ZT_OK) return 0;
    zt_graph_set_multiply(g, t);
    zt_node *a = zt_input(g, "a", ZT_F32, zt_sh(n, n)), *b = zt_input(g, "b", ZT_F32, zt_sh(n, n));
    zt_node *y = zt_matmul(a, b, false, false);
    const zt_plan_cfg cfg = {.backend = zt_backend_cpu(), .strict = true};
    if (zt_plan_create(&p, g, 1, &y, &cfg) == ZT_OK) {
        zt_fill_normal(1, 1, a->x, n * n);
        zt_fill_normal(1, 2, b->x, n * n);
        const double t0 = zt_now();
        for (int k = 0; k < 3 || zt_now() - t0 < seconds; k++) {
            const double start = zt_now();
            zt_plan_run(p);
            const double rate = 2e-9 * (double)n * (double)n * (double)n / (zt_now() - start);
            if (rate > best) best = rate;
        }
    }
    zt_plan_destroy(&p);
    zt_graph_destroy(&g);
    return best;
}

double zt_memory_peak_gbytes(double seconds) {
    const int64_t n = 64 << 20, step = 1 << 16;              /* far beyond the caches */
    char *a = zt_big_alloc((size_t)n), *b = zt_big_alloc((size_t)n);
    double best = 0;
    if (a) memset(a, 1, (size_t)n);
    const double t0 = zt_now();
    for (int k = 0; a && b && (k < 3 || zt_now() - t0 < seconds); k++) {
        const double start = zt_now();
#pragma omp parallel for schedule(static)
        for (int64_t at = 0; at < n; at += step) memcpy(b + at, a + at, (size_t)step);
        const double rate = 2e-9 * (double)n / (zt_now() - start);
        if (k > 0 && rate > best) best = rate;                /* the first touches the pages */
    }
    zt_big_free(a, (size_t)n);
    zt_big_free(b, (size_t)n);
    return best;
}
