/* frechet.c - see frechet.h. Tested by tests/eval/test_frechet.c. */
#include "eval/frechet.h"
#include <math.h>
#include <string.h>
#include "base/eigen.h"
#include "base/mem.h"
#include "base/rng.h"

static void moments(const float *x, int64_t n, int dim, double *mean, double *cov) {
    for (int i = 0; i < dim; i++) mean[i] = 0;
    for (int64_t k = 0; k < n; k++)
        for (int i = 0; i < dim; i++) mean[i] += x[k * dim + i] / (double)n;
    memset(cov, 0, sizeof *cov * (size_t)dim * (size_t)dim);
    for (int64_t k = 0; k < n; k++)
        for (int i = 0; i < dim; i++)
            for (int j = 0; j < dim; j++)
                cov[i * dim + j] += (x[k * dim + i] - mean[i]) * (x[k * dim + j] - mean[j]) / (double)(n - 1);
}

/* root = the square root of the symmetric, positive matrix a, which is destroyed. */
static void square_root(double *a, int n, double *value, double *vector, double *root) {
    zt_eigen_symmetric(a, n, value, vector);
    memset(root, 0, sizeof *root * (size_t)n * (size_t)n);
    for (int k = 0; k < n; k++) {
        const double s = sqrt(fmax(0, value[k]));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) root[i * n + j] += s * vector[k * n + i] * vector[k * n + j];
    }
}

static void multiply(const double *a, const double *b, int n, double *c) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
            c[i * n + j] = sum;
        }
}

/* tr (A B)^1/2 is the sum of the roots of the eigenvalues of A^1/2 B A^1/2, which is symmetric. */
zt_err zt_frechet(const float *a, int64_t na, const float *b, int64_t nb, int dim, double *distance) {
    if (na < 2 || nb < 2 || dim < 1)
        return zt_fail(ZT_ARG, "Frechet distance: %lld and %lld clips; want 2 or more", (long long)na, (long long)nb);
    const size_t square = (size_t)dim * (size_t)dim;
    double *m = zt_alloc_array(5 * square + 3 * (size_t)dim, sizeof *m);
    if (!m) return ZT_NOMEM;
    double *A = m, *B = A + square, *vector = B + square, *root = vector + square, *work = root + square, *mean_a = work + square,
           *mean_b = mean_a + dim, *value = mean_b + dim, sum = 0;
    moments(a, na, dim, mean_a, A);
    moments(b, nb, dim, mean_b, B);
    for (int i = 0; i < dim; i++)
        sum += (mean_a[i] - mean_b[i]) * (mean_a[i] - mean_b[i]) + A[i * dim + i] + B[i * dim + i];
    square_root(A, dim, value, vector, root);
    multiply(root, B, dim, work);
    multiply(work, root, dim, A);
    zt_eigen_symmetric(A, dim, value, NULL);
    for (int i = 0; i < dim; i++) sum -= 2 * sqrt(fmax(0, value[i]));
    *distance = fmax(0, sum);
    zt_free(m);
    return ZT_OK;
}

/* ---- features of clips -------------------------------------------------------------------------------------------- */
enum { CELLS = 8 };                      /* a frame is looked at as 8x8 cells */

/* Mean of each cell, -1..1, [CELLS,CELLS,3]. */
static void coarse(const uint8_t *frame, int H, int W, float *cell) {
    for (int i = 0; i < CELLS; i++)
        for (int j = 0; j < CELLS; j++) {
            const int y0 = i * H / CELLS, x0 = j * W / CELLS;
            int y1 = (i + 1) * H / CELLS, x1 = (j + 1) * W / CELLS, sum[3] = {0};
            if (y1 == y0) y1++;
            if (x1 == x0) x1++;
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++)
                    for (int c = 0; c < 3; c++) sum[c] += frame[((int64_t)y * W + x) * 3 + c];
            for (int c = 0; c < 3; c++)
                cell[(i * CELLS + j) * 3 + c] = (float)sum[c] / (127.5F * (float)((y1 - y0) * (x1 - x0))) - 1;
        }
}

zt_err zt_clip_features(const uint8_t *rgb, int T, int H, int W, float *x) {
    const int64_t cells = CELLS * CELLS * 3, n = T * cells;
    float *look = zt_alloc_array((size_t)(2 * n), sizeof *look), *direction = zt_alloc_array((size_t)n, sizeof *direction);
    zt_err e = look && direction ? ZT_OK : ZT_NOMEM;
    for (int t = 0; e == ZT_OK && t < T; t++) {
        float *now = look + t * cells, *change = look + n + t * cells;
        coarse(rgb + (int64_t)t * H * W * 3, H, W, now);
        for (int64_t k = 0; t > 0 && k < cells; k++) change[k] = 4 * (now[k] - now[k - cells]);
    }
    for (int f = 0; e == ZT_OK && f < ZT_CLIP_FEATURES; f++) {
        const float *from = look + (f % 2 ? n : 0);
        double sum = 0;
        zt_fill_normal(20171, (uint64_t)f, direction, n);
        for (int64_t k = 0; k < n; k++) sum += (double)from[k] * direction[k];
        x[f] = (float)(sum / sqrt((double)n));
    }
    zt_free(look);
    zt_free(direction);
    return e;
}
