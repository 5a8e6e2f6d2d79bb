/* eigen.c - see eigen.h. Tested by tests/base/test_eigen.c. */
#include "base/eigen.h"
#include <math.h>
#include <string.h>

enum { SWEEPS = 30 };

/* The rotation by (c,s) of rows p and q of x [.,n]. */
static void rotate_rows(double *x, int n, int p, int q, double c, double s) {
    double *restrict a = x + (long)p * n, *restrict b = x + (long)q * n;
    for (int k = 0; k < n; k++) {
        const double u = a[k], v = b[k];
        a[k] = c * u - s * v;
        b[k] = s * u + c * v;
    }
}

/* Makes a[p][q] zero by a rotation from both sides. */
static void annihilate(double *a, int n, int p, int q, double *vector) {
    const double off = a[(long)p * n + q], theta = (a[(long)q * n + q] - a[(long)p * n + p]) / (2 * off);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    rotate_rows(a, n, p, q, c, s);
    for (int k = 0; k < n; k++) {                                             /* the columns */
        double *row = a + (long)k * n;
        const double u = row[p], v = row[q];
        row[p] = c * u - s * v;
        row[q] = s * u + c * v;
    }
    if (vector) rotate_rows(vector, n, p, q, c, s);
}

void zt_eigen_symmetric(double *a, int n, double *value, double *vector) {
    double size = 0;
    for (int k = 0; k < n; k++)
        for (int j = 0; j < n; j++) size += a[(long)k * n + j] * a[(long)k * n + j];
    if (vector) memset(vector, 0, sizeof *vector * (size_t)n * (size_t)n);
    for (int k = 0; vector && k < n; k++) vector[(long)k * n + k] = 1;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) off += a[(long)p * n + q] * a[(long)p * n + q];
        if (!(off > 1e-30 * size)) break;
        const double small = 1e-4 * sqrt(off) / n;                            /* not worth a rotation in this sweep */
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (fabs(a[(long)p * n + q]) > small) annihilate(a, n, p, q, vector);
    }
    for (int k = 0; k < n; k++) value[k] = a[(long)k * n + k];
}
