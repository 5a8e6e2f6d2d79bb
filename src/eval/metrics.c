/* metrics.c - errors in decibels, prediction baselines, nearest training clip, entropy. */
#include "eval/metrics.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

double zt_mse(const uint8_t *a, const uint8_t *b, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < n;) {
        const size_t stop = n - k < 32768 ? n : k + 32768;       /* 32768 * 255^2 fits 32 bits */
        uint32_t part = 0;
        for (; k < stop; k++) {
            const int d = a[k] - b[k];
            part += (uint32_t)(d * d);
        }
        sum += part;
    }
    return n ? sum / (double)n : 0;
}

double zt_psnr(double mse) {
    if (mse <= 0) return ZT_PSNR_SAME;
    return fmin(ZT_PSNR_SAME, 10 * log10(255.0 * 255.0 / mse));
}

static size_t frame_bytes(int H, int W) {
    return (size_t)H * (size_t)W * 3;
}

double zt_psnr_of_mean_mse(const uint8_t *a, const uint8_t *b, int T, int H, int W) {
    return zt_psnr(zt_mse(a, b, (size_t)T * frame_bytes(H, W)));
}

double zt_psnr_mean_of_frames(const uint8_t *a, const uint8_t *b, int T, int H, int W) {
    const size_t n = frame_bytes(H, W);
    double sum = 0;
    for (int t = 0; t < T; t++) sum += zt_psnr(zt_mse(a + (size_t)t * n, b + (size_t)t * n, n));
    return T > 0 ? sum / T : 0;
}

/* ---- prediction baselines ---- */

double zt_mse_after(const uint8_t *a, const uint8_t *b, int T, int H, int W, int context) {
    const size_t n = frame_bytes(H, W), skip = (size_t)context * n;
    return T > context ? zt_mse(a + skip, b + skip, (size_t)(T - context) * n) : 0;
}

static zt_err check_context(int T, int context, int least) {
    if (context >= least && context < T) return ZT_OK;
    return zt_fail(ZT_ARG, "prediction: %d known frames of %d; want %d..%d", context, T, least, T - 1);
}

zt_err zt_predict_copy_last(const uint8_t *rgb, int T, int H, int W, int context, uint8_t *out) {
    const zt_err e = check_context(T, context, 1);
    if (e != ZT_OK) return e;
    const size_t n = frame_bytes(H, W);
    memcpy(out, rgb, (size_t)context * n);
    for (int t = context; t < T; t++) memcpy(out + (size_t)t * n, rgb + (size_t)(context - 1) * n, n);
    return ZT_OK;
}

enum { BLOCK = 4, REACH = 7, WINDOW = 2 };          /* pixels: side of a block, longest motion, margin compared around a block */

static const uint8_t *clamped(const uint8_t *f, int H, int W, int y, int x) {
    y = y < 0 ? 0 : y >= H ? H - 1 : y;
    x = x < 0 ? 0 : x >= W ? W - 1 : x;
    return f + ((size_t)y * (size_t)W + (size_t)x) * 3;
}

/* Squared error of the block at (y,x) of `now`, with its margin, against `before` moved by (dy,dx). */
static int64_t block_cost(const uint8_t *now, const uint8_t *before, int H, int W, int y, int x, int dy, int dx) {
    int64_t cost = 0;
    for (int v = y - WINDOW; v < y + BLOCK + WINDOW; v++)
        for (int u = x - WINDOW; u < x + BLOCK + WINDOW; u++) {
            const uint8_t *p = clamped(now, H, W, v, u), *q = clamped(before, H, W, v - dy, u - dx);
            for (int c = 0; c < 3; c++) cost += (p[c] - q[c]) * (p[c] - q[c]);
        }
    return cost;
}

/* Motion [.,2] of each block from `before` to `now`; of equal costs the shortest motion. */
static void match_blocks(const uint8_t *now, const uint8_t *before, int H, int W, int8_t *motion) {
    const int rows = (H + BLOCK - 1) / BLOCK, columns = (W + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < rows * columns; b++) {
        const int y = b / columns * BLOCK, x = b % columns * BLOCK;
        int64_t best = block_cost(now, before, H, W, y, x, 0, 0);
        int by = 0, bx = 0;
        for (int dy = -REACH; dy <= REACH; dy++)
            for (int dx = -REACH; dx <= REACH; dx++) {
                const int64_t cost = block_cost(now, before, H, W, y, x, dy, dx);
                if (cost < best || (cost == best && dy * dy + dx * dx < by * by + bx * bx)) {
                    best = cost;
                    by = dy;
                    bx = dx;
                }
            }
        motion[2 * b] = (int8_t)by;
        motion[2 * b + 1] = (int8_t)bx;
    }
}

/* Each block of `last` moved on by `steps` times its motion over a still copy; moving blocks are painted last. */
static void move_blocks(const uint8_t *last, int H, int W, const int8_t *motion, int steps, uint8_t *out) {
    const int columns = (W + BLOCK - 1) / BLOCK;
    memcpy(out, last, frame_bytes(H, W));
    for (int moving = 0; moving <= 1; moving++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const int8_t *m = motion + 2 * (y / BLOCK * columns + x / BLOCK);
                if (!m[0] && !m[1]) continue;
                const int yy = moving ? y + steps * m[0] : y, xx = moving ? x + steps * m[1] : x;
                if (yy < 0 || xx < 0 || yy >= H || xx >= W) continue;
                const uint8_t *from = moving ? clamped(last, H, W, y, x)                    /* else: what comes from behind it */
                                             : clamped(last, H, W, y - steps * m[0], x - steps * m[1]);
                memcpy(out + ((size_t)yy * (size_t)W + (size_t)xx) * 3, from, 3);
            }
}

zt_err zt_predict_constant_motion(const uint8_t *rgb, int T, int H, int W, int context, uint8_t *out) {
    const zt_err e = check_context(T, context, 2);
    if (e != ZT_OK) return e;
    const size_t n = frame_bytes(H, W);
    const size_t blocks = (size_t)((H + BLOCK - 1) / BLOCK) * (size_t)((W + BLOCK - 1) / BLOCK);
    int8_t *motion = zt_alloc_array(blocks, 2);
    if (!motion) return ZT_NOMEM;
    const uint8_t *last = rgb + (size_t)(context - 1) * n;
    match_blocks(last, last - n, H, W, motion);
    memcpy(out, rgb, (size_t)context * n);
    for (int t = context; t < T; t++) move_blocks(last, H, W, motion, t - context + 1, out + (size_t)t * n);
    zt_free(motion);
    return ZT_OK;
}

/* ---- nearest training clip ---- */

enum { CELL = 4, SIDE_MAX = 16384 };

struct zt_neighbours {
    int T, H, W, dim;             /* dim: features of a clip, padded to a multiple of 8 with zeros */
    int real_dim;
    float *x;                     /* [cap, dim] */
    int64_t n, cap;
};

zt_err zt_neighbours_create(zt_neighbours **out, int T, int H, int W) {
    *out = NULL;
    if (T < 1 || H < 1 || W < 1 || T > SIDE_MAX || H > SIDE_MAX || W > SIDE_MAX)
        return zt_fail(ZT_ARG, "nearest clip: clips of %dx%dx%d (frames x height x width); want 1..%d each", T, H, W, SIDE_MAX);
    const int64_t dim = (int64_t)T * ((H + CELL - 1) / CELL) * ((W + CELL - 1) / CELL) * 3;
    if (dim > 1 << 28) return zt_fail(ZT_ARG, "nearest clip: clips of %dx%dx%d are too large", T, H, W);
    zt_neighbours *n = zt_alloc(sizeof *n);
    if (!n) return ZT_NOMEM;
    *n = (zt_neighbours){.T = T, .H = H, .W = W, .dim = (int)((dim + 7) / 8 * 8), .real_dim = (int)dim};
    *out = n;
    return ZT_OK;
}

void zt_neighbours_destroy(zt_neighbours **n) {
    if (!n || !*n) return;
    zt_free((*n)->x);
    zt_free(*n);
    *n = NULL;
}

int64_t zt_neighbours_count(const zt_neighbours *n) {
    return n->n;
}

/* Means of 4x4-pixel cells (smaller at the right and bottom edges), [T,H/4,W/4,3]. */
static void features(const zt_neighbours *n, const uint8_t *rgb, float *x) {
    for (int t = 0; t < n->T; t++) {
        const uint8_t *frame = rgb + (size_t)t * frame_bytes(n->H, n->W);
        for (int y0 = 0; y0 < n->H; y0 += CELL)
            for (int x0 = 0; x0 < n->W; x0 += CELL) {
                const int y1 = y0 + CELL < n->H ? y0 + CELL : n->H, x1 = x0 + CELL < n->W ? x0 + CELL : n->W;
                int sum[3] = {0};
                for (int v = y0; v < y1; v++)
                    for (int u = x0; u < x1; u++)
                        for (int c = 0; c < 3; c++) sum[c] += frame[((size_t)v * (size_t)n->W + (size_t)u) * 3 + (size_t)c];
                for (int c = 0; c < 3; c++) *x++ = (float)sum[c] / (float)((y1 - y0) * (x1 - x0));
            }
    }
}

zt_err zt_neighbours_add(zt_neighbours *n, const uint8_t *rgb) {
    if (n->n == n->cap) {
        const int64_t cap = n->cap ? 2 * n->cap : 64;
        if ((size_t)cap > SIZE_MAX / sizeof(float) / (size_t)n->dim) return zt_fail(ZT_NOMEM, "nearest clip: too many clips");
        float *x = zt_realloc(n->x, (size_t)cap * (size_t)n->dim * sizeof *x);
        if (!x) return ZT_NOMEM;
        n->x = x;
        n->cap = cap;
    }
    float *row = n->x + n->n * n->dim;
    memset(row, 0, (size_t)n->dim * sizeof *row);
    features(n, rgb, row);
    n->n++;
    return ZT_OK;
}

/* Squared distance; eight sums, because the compiler may not reorder one. */
static double distance2(const float *a, const float *b, int dim) {
    float s[8] = {0};
    for (int k = 0; k < dim; k += 8)
        for (int i = 0; i < 8; i++) {
            const float d = a[k + i] - b[k + i];
            s[i] += d * d;
        }
    double sum = 0;
    for (int i = 0; i < 8; i++) sum += (double)s[i];
    return sum;
}

zt_err zt_neighbours_nearest(const zt_neighbours *n, const uint8_t *rgb, double *distance, int64_t *index) {
    if (!n->n) return zt_fail(ZT_ARG, "nearest clip: no training clip was added");
    float *query = zt_alloc_array((size_t)n->dim, sizeof *query);
    if (!query) return ZT_NOMEM;
    features(n, rgb, query);
    double best = INFINITY;
    int64_t at = 0;
#pragma omp parallel
    {
        double my_best = INFINITY;
        int64_t my_at = 0;
#pragma omp for schedule(static) nowait
        for (int64_t k = 0; k < n->n; k++) {
            const double d = distance2(query, n->x + k * n->dim, n->dim);
            if (d < my_best) {
                my_best = d;
                my_at = k;
            }
        }
#pragma omp critical(zt_nearest)
        if (my_best < best || (my_best == best && my_at < at)) {
            best = my_best;
            at = my_at;
        }
    }
    zt_free(query);
    *distance = sqrt(best / n->real_dim);
    if (index) *index = at;
    return ZT_OK;
}

double zt_distance_ratio(double mean_generated, double mean_held_out) {
    return mean_held_out > 0 ? mean_generated / mean_held_out : 0;
}

/* ---- variety ---- */

void zt_variety_add(zt_variety *y, const zt_verdict *v) {
    if (!v->valid) return;
    y->n++;
    y->count[v->shape][v->colour][v->direction]++;
}

double zt_entropy_bits(const int64_t *counts, int n) {
    double total = 0, bits = 0;
    for (int k = 0; k < n; k++) total += (double)counts[k];
    for (int k = 0; k < n; k++)
        if (counts[k] > 0) bits -= (double)counts[k] / total * log2((double)counts[k] / total);
    return bits;
}

zt_entropy zt_variety_entropy(const zt_variety *y) {
    int64_t s[ZT_JUDGE_SHAPES] = {0}, c[ZT_JUDGE_COLOURS] = {0}, d[ZT_JUDGE_DIRECTIONS] = {0};
    for (int i = 0; i < ZT_JUDGE_SHAPES; i++)
        for (int k = 0; k < ZT_JUDGE_COLOURS; k++)
            for (int m = 0; m < ZT_JUDGE_DIRECTIONS; m++) {
                s[i] += y->count[i][k][m];
                c[k] += y->count[i][k][m];
                d[m] += y->count[i][k][m];
            }
    return (zt_entropy){.shape = zt_entropy_bits(s, ZT_JUDGE_SHAPES),
                        .colour = zt_entropy_bits(c, ZT_JUDGE_COLOURS),
                        .direction = zt_entropy_bits(d, ZT_JUDGE_DIRECTIONS),
                        .joint = zt_entropy_bits(&y->count[0][0][0], ZT_JUDGE_SHAPES * ZT_JUDGE_COLOURS * ZT_JUDGE_DIRECTIONS)};
}
