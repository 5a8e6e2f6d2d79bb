/* equivariance.c - EQ-T. Tested with stylegan-v by tests/eval/test_eval_equivariance.c. */
#include "eval/equivariance.h"
#include <math.h>
#include "base/mem.h"
#include "base/rng.h"

/* Sum of squared differences of `moved` and of `still` moved by (dx,dy), where both show the same; *count: how many values. */
static double difference(const float *still, const float *moved, int N, int H, int W, int dx, int dy, int64_t *count) {
    double sum = 0;
    for (int n = 0; n < N; n++)
        for (int y = dy > 0 ? dy : 0; y < (dy < 0 ? H + dy : H); y++)
            for (int x = dx > 0 ? dx : 0; x < (dx < 0 ? W + dx : W); x++)
                for (int c = 0; c < 3; c++) {
                    const int64_t row = (int64_t)n * H;
                    const double d = (double)moved[((row + y) * W + x) * 3 + c] -
                                     (double)still[((row + y - dy) * W + x - dx) * 3 + c];
                    sum += d * d;
                    ++*count;
                }
    return sum;
}

zt_err zt_eq_translation(zt_moved_fn *fn, void *ctx, int N, int H, int W, int draws, uint64_t seed, double *db) {
    if (N < 1 || H < 8 || W < 8 || draws < 1 || (double)N * H * W * 3 > 1 << 30)
        return zt_fail(ZT_ARG, "EQ-T: %d pictures of %dx%d, %d moves; want at least one of each and sides of 8 or more, 2^30 "
                       "values at most", N, H, W, draws);
    const size_t values = (size_t)N * (size_t)H * (size_t)W * 3;
    float *still = zt_alloc_array(2 * values, sizeof *still), *moved = still + values;
    if (!still) return ZT_NOMEM;
    zt_rng r = zt_rng_init(seed, zt_hash_name("EQ-T"));
    double sum = 0;
    int64_t count = 0;
    zt_err e = fn(ctx, 0, 0, still);
    for (int k = 0; e == ZT_OK && k < draws; k++) {
        int dx = 0, dy = 0;
        while (dx == 0 && dy == 0) {
            dx = (int)zt_rng_int(&r, -W / 8, W / 8);
            dy = (int)zt_rng_int(&r, -H / 8, H / 8);
        }
        e = fn(ctx, dx, dy, moved);
        if (e == ZT_OK) sum += difference(still, moved, N, H, W, dx, dy, &count);
    }
    const double mse = count ? sum / (double)count : 0;
    *db = mse > 0 ? fmin(ZT_EQ_SAME, 10 * log10(4 / mse)) : ZT_EQ_SAME;
    zt_free(still);
    return e;
}
