/* steadiness.c - see steadiness.h. */
#include "eval/steadiness.h"
#include <math.h>
#include <stdbool.h>
#include "base/mem.h"
#include "media/flow.h"

enum { RGB = 3 };

zt_between zt_between_pixels(double x, double y, int H, int W) {
    x = fmin(fmax(x, 0), W - 1);
    y = fmin(fmax(y, 0), H - 1);
    const int x0 = (int)x, y0 = (int)y, x1 = x0 + (x0 < W - 1), y1 = y0 + (y0 < H - 1);
    const double ax = x - x0, ay = y - y0;
    return (zt_between){{(int64_t)y0 * W + x0, (int64_t)y0 * W + x1, (int64_t)y1 * W + x0, (int64_t)y1 * W + x1},
                        {(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay}};
}

/* Whether the flow back, at the place that a pixel's flow (fx, fy) leads to, leads to the pixel again. */
static bool seen_again(const zt_between *p, const float *back, double fx, double fy) {
    double bx = 0, by = 0;
    for (int k = 0; k < 4; k++) {
        bx += p->part[k] * back[2 * p->at[k]];
        by += p->part[k] * back[2 * p->at[k] + 1];
    }
    const double gap = (fx + bx) * (fx + bx) + (fy + by) * (fy + by);
    return gap <= 0.01 * (fx * fx + fy * fy + bx * bx + by * by) + 0.5;
}

/* Adds the differences of frame a and what of it is seen in frame b; returns the number of colour values compared. */
static int64_t compare(const uint8_t *a, const uint8_t *b, const float *flow, const float *back, int H, int W, double *sum) {
    int64_t n = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const int64_t at = (int64_t)y * W + x;
            const zt_between p = zt_between_pixels(x + (double)flow[2 * at], y + (double)flow[2 * at + 1], H, W);
            if (!seen_again(&p, back, flow[2 * at], flow[2 * at + 1])) continue;
            for (int c = 0; c < RGB; c++) {
                double moved = 0;
                for (int k = 0; k < 4; k++) moved += p.part[k] * b[p.at[k] * RGB + c];
                *sum += fabs(a[at * RGB + c] - moved);
            }
            n += RGB;
        }
    return n;
}

zt_err zt_warp_error(const uint8_t *rgb, int T, int H, int W, double *error) {
    *error = 0;
    if (T < 2) return ZT_OK;
    const int64_t pixels = (int64_t)H * W;
    float *flow = zt_alloc_array((size_t)(4 * (T - 1) * pixels), sizeof *flow), *back = flow + 2 * (T - 1) * pixels;
    zt_err e = flow ? zt_flow_of_clip(rgb, T, H, W, flow, back) : ZT_NOMEM;
    double sum = 0;
    int64_t n = 0;
    for (int t = 0; e == ZT_OK && t + 1 < T; t++) {
        const uint8_t *a = rgb + t * pixels * RGB;
        n += compare(a, a + pixels * RGB, flow + 2 * t * pixels, back + 2 * t * pixels, H, W, &sum);
    }
    if (n > 0) *error = sum / (double)n;
    zt_free(flow);
    return e;
}

zt_err zt_warp_error_of(const uint8_t *rgb, int n, int T, int H, int W, double *error) {
    const int64_t bytes = (int64_t)T * H * W * RGB;
    double *of = zt_alloc_array((size_t)n, sizeof *of);      /* added in order: the same sum with any number of threads */
    zt_err e = of ? ZT_OK : ZT_NOMEM;
    *error = 0;
#pragma omp parallel for schedule(dynamic) if (of)
    for (int k = 0; k < (of ? n : 0); k++) {
        const zt_err failed = zt_warp_error(rgb + k * bytes, T, H, W, &of[k]);
        if (failed != ZT_OK) {
#pragma omp critical
            e = failed;
        }
    }
    for (int k = 0; e == ZT_OK && k < n; k++) *error += of[k] / n;
    zt_free(of);
    return e == ZT_OK ? ZT_OK : zt_fail(e, "no memory for the flow of %d clips", n);
}
