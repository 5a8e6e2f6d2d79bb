/* score_hash.c - perceptual hash: signs of the low frequencies of three frames (score.h). Tested by
 * tests/data/test_data_score.c. */
#include <math.h>
#include <stdlib.h>

#include "data/score_impl.h"

enum { SIDE = 32, LOW = 8 };

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean over the box of src that pixel (i, k) of a SIDE x SIDE picture covers; a smaller source repeats its pixels. */
static double box_mean(const uint8_t *src, int h, int w, int i, int k) {
    const int y0 = i * h / SIDE, x0 = k * w / SIDE;
    const int y1 = (i + 1) * h / SIDE > y0 ? (i + 1) * h / SIDE : y0 + 1,
              x1 = (k + 1) * w / SIDE > x0 ? (k + 1) * w / SIDE : x0 + 1;
    double sum = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) sum += src[(size_t)y * (size_t)w + (size_t)x];
    return sum / ((y1 - y0) * (x1 - x0));
}

/* Type-II DCT of the columns, then of the rows, LOW frequencies of each. */
static void low_frequencies(const uint8_t *src, int h, int w, double out[LOW][LOW]) {
    double half[LOW][SIDE] = {{0}};
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            const double v = box_mean(src, h, w, i, k);
            for (int u = 0; u < LOW; u++) half[u][k] += v * cos(M_PI / SIDE * (i + 0.5) * u);
        }
    for (int u = 0; u < LOW; u++)
        for (int v = 0; v < LOW; v++) {
            out[u][v] = 0;
            for (int k = 0; k < SIDE; k++) out[u][v] += half[u][k] * cos(M_PI / SIDE * (k + 0.5) * v);
        }
}

static uint64_t hash_of(const uint8_t *src, int h, int w) {
    double f[LOW][LOW], sorted[LOW * LOW - 1], most = 0;
    uint64_t hash = 0;
    low_frequencies(src, h, w, f);
    for (int i = 1; i < LOW * LOW; i++) {   /* without the mean */
        sorted[i - 1] = f[i / LOW][i % LOW];
        most = fmax(most, fabs(sorted[i - 1]));
    }
    if (most < 2.0 * SIDE) return 0;        /* an even picture: the signs would be noise */
    qsort(sorted, LOW * LOW - 1, sizeof *sorted, by_value);
    for (int i = 1; i < LOW * LOW; i++) hash |= (uint64_t)(f[i / LOW][i % LOW] > sorted[(LOW * LOW - 1) / 2]) << i;
    return hash;
}

void zt_score_hash(const zt_look *l, zt_scores *s) {
    for (int i = 0; i < ZT_HASHES; i++)
        s->hash[i] = hash_of(zt_plane(&l->small, (2 * i + 1) * l->small.n / (2 * ZT_HASHES)), l->small.h, l->small.w);
}
