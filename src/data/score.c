/* score.c - see score.h: the planes of a clip, and the measures of single frames. Motion, overlays and the hash are in score_*.c.
 * Tested by tests/data/test_data_score.c. */
#include "data/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/score_impl.h"

/* ---- planes ---- */

void zt_shrink(const uint8_t *src, int sh, int sw, uint8_t *dst, int dh, int dw) {
    for (int y = 0; y < dh; y++) {
        const int y0 = (int)((int64_t)y * sh / dh), y1 = (int)((int64_t)(y + 1) * sh / dh);
        for (int x = 0; x < dw; x++) {
            const int x0 = (int)((int64_t)x * sw / dw), x1 = (int)((int64_t)(x + 1) * sw / dw);
            int64_t sum = 0;
            for (int i = y0; i < y1; i++)
                for (int k = x0; k < x1; k++) sum += src[(size_t)i * (size_t)sw + (size_t)k];
            const int64_t n = (int64_t)(y1 - y0) * (x1 - x0);
            dst[(size_t)y * (size_t)dw + (size_t)x] = (uint8_t)((sum + n / 2) / n);
        }
    }
}

static void luma(const uint8_t *rgb, size_t n, uint8_t *y) {   /* Rec.709 */
    for (size_t i = 0; i < n; i++) y[i] = (uint8_t)((54 * rgb[3 * i] + 183 * rgb[3 * i + 1] + 19 * rgb[3 * i + 2] + 128) >> 8);
}

static zt_err planes_create(zt_planes *p, const zt_frames *f, int n, int longest) {
    const int side = f->height > f->width ? f->height : f->width;
    p->n = n;
    p->h = side <= longest ? f->height : (int)((int64_t)f->height * longest / side);
    p->w = side <= longest ? f->width : (int)((int64_t)f->width * longest / side);
    if (p->h < 1) p->h = 1;
    if (p->w < 1) p->w = 1;
    p->y = zt_alloc_array((size_t)n, (size_t)p->h * (size_t)p->w);
    return p->y ? ZT_OK : ZT_NOMEM;
}

static zt_err look_create(zt_look *l, const zt_frames *f) {
    const size_t pixels = (size_t)f->height * (size_t)f->width;
    const int looks = f->frames < ZT_LOOKS ? f->frames : ZT_LOOKS;
    uint8_t *full = NULL;
    zt_err e;
    l->fps = f->fps;
    ZT_TRY(e = planes_create(&l->small, f, f->frames, ZT_SMALL_SIDE), done);
    ZT_TRY(e = planes_create(&l->detail, f, looks, ZT_LOOK_SIDE), done);
    if (!(full = zt_alloc(pixels))) {
        e = ZT_NOMEM;
        goto done;
    }
    for (int i = 0; i < looks; i++) l->at[i] = looks > 1 ? (int)((int64_t)i * (f->frames - 1) / (looks - 1)) : 0;
    for (int t = 0, i = 0; t < f->frames; t++) {
        luma(zt_frame_at(f, t), pixels, full);
        zt_shrink(full, f->height, f->width, (uint8_t *)(uintptr_t)zt_plane(&l->small, t), l->small.h, l->small.w);
        if (i == looks || l->at[i] != t) continue;
        zt_shrink(full, f->height, f->width, (uint8_t *)(uintptr_t)zt_plane(&l->detail, i++), l->detail.h, l->detail.w);
    }
done:
    zt_free(full);
    return e;
}

/* ---- measures of frames ---- */

static void exposure(const zt_look *l, zt_scores *s) {
    const zt_planes *p = &l->small;
    const size_t pixels = (size_t)p->h * (size_t)p->w;
    double sum = 0, squares = 0, black = 0, ends = 0;
    for (int t = 0; t < p->n; t++) {
        const uint8_t *y = zt_plane(p, t);
        int64_t of_frame = 0, light = 0;
        for (size_t i = 0; i < pixels; i++) {
            of_frame += y[i];
            squares += (double)y[i] * y[i];
            light += y[i] >= 40;
        }
        sum += (double)of_frame;
        black += (double)of_frame < 24.0 * (double)pixels && (double)light < 0.01 * (double)pixels;
    }
    const double n = (double)pixels * p->n, mean = sum / n;
    s->v[ZT_SCORE_brightness] = mean / 255;
    s->v[ZT_SCORE_contrast] = sqrt(fmax(0, squares / n - mean * mean)) / 255;
    s->v[ZT_SCORE_black] = black / p->n;
    const size_t all = (size_t)l->detail.h * (size_t)l->detail.w * (size_t)l->detail.n;
    for (size_t i = 0; i < all; i++) ends += l->detail.y[i] < 4 || l->detail.y[i] > 251;
    s->v[ZT_SCORE_clipped] = ends / (double)all;
}

static double laplacian_variance(const uint8_t *y, int h, int w) {
    double sum = 0, squares = 0;
    if (h < 3 || w < 3) return 0;
    for (int i = 1; i < h - 1; i++)
        for (int k = 1; k < w - 1; k++) {
            const uint8_t *p = y + (size_t)i * (size_t)w + k;
            const int v = p[-1] + p[1] + p[-w] + p[w] - 4 * p[0];
            sum += v;
            squares += (double)v * v;
        }
    const double n = (double)(h - 2) * (w - 2);
    return squares / n - sum / n * (sum / n);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sharpness(const zt_look *l, zt_scores *s) {
    double v[ZT_LOOKS];
    const int n = l->detail.n;
    for (int i = 0; i < n; i++) v[i] = laplacian_variance(zt_plane(&l->detail, i), l->detail.h, l->detail.w);
    qsort(v, (size_t)n, sizeof *v, by_value);
    s->v[ZT_SCORE_sharpness] = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static int apart(const uint8_t *a, const uint8_t *b) {
    return abs(a[0] - b[0]) > 1 || abs(a[1] - b[1]) > 1 || abs(a[2] - b[2]) > 1;
}

/* Colour needs no more than a few frames, at their own size. */
static void colour(const zt_look *l, const zt_frames *f, zt_scores *s) {
    const size_t pixels = (size_t)f->height * (size_t)f->width;
    double n = 0, mean[3] = {0}, opponent[2] = {0}, squares[2] = {0}, same = 0, pairs = 0;
    for (int i = 0; i < l->detail.n; i++) {
        const uint8_t *p = zt_frame_at(f, l->at[i]);
        for (size_t k = 0; k < pixels; k++, p += 3, n++) {
            const double rg = p[0] - p[1], yb = 0.5 * (p[0] + p[1]) - p[2];
            for (int c = 0; c < 3; c++) mean[c] += p[c];
            opponent[0] += rg;
            opponent[1] += yb;
            squares[0] += rg * rg;
            squares[1] += yb * yb;
            if ((k + 1) % (size_t)f->width == 0) continue;
            pairs++;
            same += !apart(p, p + 3);
        }
    }
    double variance = 0, length = 0;
    for (int k = 0; k < 2; k++) {
        variance += fmax(0, squares[k] / n - opponent[k] / n * (opponent[k] / n));
        length += opponent[k] / n * (opponent[k] / n);
    }
    s->v[ZT_SCORE_colourfulness] = sqrt(variance) + 0.3 * sqrt(length);
    s->v[ZT_SCORE_warmth] = (mean[0] - mean[2]) / n / 255;
    s->v[ZT_SCORE_flatness] = pairs > 0 ? same / pairs : 1;
    s->colour = 0;
    for (int c = 0; c < 3; c++) s->colour = s->colour << 8 | (uint32_t)(mean[c] / n + 0.5);
}

zt_err zt_score_clip(const zt_frames *clip, zt_scores *s) {
    zt_look l = {0};
    zt_err e;
    *s = (zt_scores){0};
    ZT_TRY(e = zt_frames_check(clip), done);
    ZT_TRY(e = look_create(&l, clip), done);
    exposure(&l, s);
    sharpness(&l, s);
    colour(&l, clip, s);
    zt_score_hash(&l, s);
    ZT_TRY(e = zt_score_overlay(&l, s), done);
    e = zt_score_motion(&l, s);
done:
    zt_free(l.small.y);
    zt_free(l.detail.y);
    return e;
}
