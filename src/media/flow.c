/* flow.c - see flow.h. */
#include "media/flow.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum { LEVELS = 6, SIDE_LEAST = 8, STEPS = 5, RADIUS = 2, REACH = 2 };        /* a window is 2 RADIUS + 1 pixels wide */
static const float HOLD = 2, WORTH = 1; /* squared grey levels: texture below which nothing moves; what a pixel farther costs */

typedef struct level { int h, w; float *a, *b; } level;        /* [h,w,3] */

/* Work arrays of h*w pixels: products of the gradients, and with the difference; the window's sums while they are made. */
typedef struct work { float *gx, *gy, *xx, *xy, *yy, *xe, *ye, *row; } work;

static int clamp(int v, int hi) {
    return v < 0 ? 0 : v > hi ? hi : v;
}

static float within(float at, int size) {
    return fmaxf(0, fminf((float)(size - 1), at));
}

static void halve(const float *src, int sh, int sw, float *dst, int h, int w) {
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++) {
                const int y1 = clamp(2 * y + 1, sh - 1), x1 = clamp(2 * x + 1, sw - 1);
                dst[3 * (y * w + x) + c] = (src[3 * (2 * y * sw + 2 * x) + c] + src[3 * (2 * y * sw + x1) + c] +
                                            src[3 * (y1 * sw + 2 * x) + c] + src[3 * (y1 * sw + x1) + c]) / 4;
            }
}

/* Means over the window, less of it at the border. */
static void window_mean(float *v, int h, int w, float *row) {
    for (int pass = 0; pass < 2; pass++) {
        const int n = pass ? h : w, lines = pass ? w : h, step = pass ? w : 1, next = pass ? 1 : w;
        for (int k = 0; k < lines; k++) {
            float *line = v + (size_t)k * (size_t)next;
            for (int i = 0; i < n; i++) row[i] = line[(size_t)i * (size_t)step];
            for (int i = 0; i < n; i++) {
                const int from = clamp(i - RADIUS, n - 1), to = clamp(i + RADIUS, n - 1);
                float sum = 0;
                for (int j = from; j <= to; j++) sum += row[j];
                line[(size_t)i * (size_t)step] = sum / (float)(to - from + 1);
            }
        }
    }
}

static void gradients(const level *l, const work *k) {
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const int at = y * l->w + x, left = clamp(x - 1, l->w - 1), right = clamp(x + 1, l->w - 1);
            const int up = clamp(y - 1, l->h - 1), down = clamp(y + 1, l->h - 1);
            k->xx[at] = k->xy[at] = k->yy[at] = 0;
            for (int c = 0; c < 3; c++) {
                const float gx = (l->a[3 * (y * l->w + right) + c] - l->a[3 * (y * l->w + left) + c]) / 2;
                const float gy = (l->a[3 * (down * l->w + x) + c] - l->a[3 * (up * l->w + x) + c]) / 2;
                k->gx[3 * at + c] = gx;
                k->gy[3 * at + c] = gy;
                k->xx[at] += gx * gx;
                k->xy[at] += gx * gy;
                k->yy[at] += gy * gy;
            }
        }
    window_mean(k->xx, l->h, l->w, k->row);
    window_mean(k->xy, l->h, l->w, k->row);
    window_mean(k->yy, l->h, l->w, k->row);
}

/* Products of the gradients of a with what they would explain if the flow were 0: the difference of b along the flow, and the
 * flow itself. In one window flows may differ. */
static void differences(const level *l, const float *flow, const work *k) {
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const int at = y * l->w + x;
            const float px = (float)x + flow[2 * at], py = (float)y + flow[2 * at + 1];    /* in the frame: see move */
            const int x0 = clamp((int)px, l->w - 1), y0 = clamp((int)py, l->h - 1);
            const int x1 = clamp(x0 + 1, l->w - 1), y1 = clamp(y0 + 1, l->h - 1);
            const float fx = px - (float)x0, fy = py - (float)y0;
            const float *p = l->b + 3 * (size_t)(y0 * l->w), *q = l->b + 3 * (size_t)(y1 * l->w);
            k->xe[at] = k->ye[at] = 0;
            for (int c = 0; c < 3; c++) {
                const float there = (p[3 * x0 + c] * (1 - fx) + p[3 * x1 + c] * fx) * (1 - fy) +
                                    (q[3 * x0 + c] * (1 - fx) + q[3 * x1 + c] * fx) * fy;
                const float e = l->a[3 * at + c] - there;
                const float whole = e + k->gx[3 * at + c] * flow[2 * at] + k->gy[3 * at + c] * flow[2 * at + 1];
                k->xe[at] += k->gx[3 * at + c] * whole;
                k->ye[at] += k->gy[3 * at + c] * whole;
            }
        }
    window_mean(k->xe, l->h, l->w, k->row);
    window_mean(k->ye, l->h, l->w, k->row);
}

/* The flow of a level of half the size, as a first guess; without one: no motion. */
static void guess(const level *l, const level *half, const float *of_half, float *flow) {
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const int at = y * l->w + x;
            const int from = half ? clamp(y / 2, half->h - 1) * half->w + clamp(x / 2, half->w - 1) : 0;
            flow[2 * at] = half ? within((float)x + 2 * of_half[2 * from], l->w) - (float)x : 0;
            flow[2 * at + 1] = half ? within((float)y + 2 * of_half[2 * from + 1], l->h) - (float)y : 0;
        }
}

/* Squared difference of pixel (x,y) of a and the one at (u,v) from there in b. */
static float apart(const level *l, int x, int y, int u, int v) {
    const float *p = l->a + 3 * (y * l->w + x), *q = l->b + 3 * (clamp(y + v, l->h - 1) * l->w + clamp(x + u, l->w - 1));
    const float r = p[0] - q[0], g = p[1] - q[1], b = p[2] - q[2];
    return r * r + g * g + b * b;
}

/* The same, mean over the window. */
static float window_apart(const level *l, int x, int y, int u, int v) {
    float sum = 0;
    int n = 0;
    for (int i = clamp(y - RADIUS, l->h - 1); i <= y + RADIUS && i < l->h; i++)
        for (int k = clamp(x - RADIUS, l->w - 1); k <= x + RADIUS && k < l->w; k++, n++) sum += apart(l, k, i, u, v);
    return sum / (float)n;
}

static void keep_better(float cost, int u, int v, float *best, float *flow) {
    cost += WORTH * (float)(abs(u) + abs(v));
    if (cost >= *best) return;
    *best = cost;
    flow[0] = (float)u;
    flow[1] = (float)v;
}

/* Where the window fits best: about the guess, which is kept where nothing is better, or near where it was, for what is coarse
 * may have been mistaken. */
static void search(const level *l, float *flow, const work *k) {
    float *best = k->xx, *cost = k->xe;
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const int at = y * l->w + x, u = (int)lrintf(flow[2 * at]), v = (int)lrintf(flow[2 * at + 1]);
            best[at] = window_apart(l, x, y, u, v) + WORTH * (float)(abs(u) + abs(v));
            for (int j = 0; j < 4; j++) {
                const int uu = u + (j == 0) - (j == 1), vv = v + (j == 2) - (j == 3);
                keep_better(window_apart(l, x, y, uu, vv), uu, vv, &best[at], flow + 2 * at);
            }
        }
    for (int v = -REACH; v <= REACH; v++)
        for (int u = -REACH; u <= REACH; u++) {
            for (int y = 0; y < l->h; y++)
                for (int x = 0; x < l->w; x++) cost[y * l->w + x] = apart(l, x, y, u, v);
            window_mean(cost, l->h, l->w, k->row);
            for (int at = 0; at < l->h * l->w; at++) keep_better(cost[at], u, v, &best[at], flow + 2 * at);
        }
    for (int at = 0; at < l->h * l->w; at++) {                 /* what was compared may lie outside, clamped */
        flow[2 * at] = within((float)(at % l->w) + flow[2 * at], l->w) - (float)(at % l->w);
        flow[2 * at + 1] = within((float)(at / l->w) + flow[2 * at + 1], l->h) - (float)(at / l->w);
    }
}

/* The flow that fits the window best; a step is at most a pixel, and never out of the frame. */
static void move(const level *l, float *flow, const work *k) {
    for (int y = 0; y < l->h; y++)
        for (int x = 0; x < l->w; x++) {
            const int at = y * l->w + x;
            const float xx = k->xx[at] + HOLD, yy = k->yy[at] + HOLD, xy = k->xy[at], det = xx * yy - xy * xy;
            const float xe = k->xe[at] + HOLD * flow[2 * at], ye = k->ye[at] + HOLD * flow[2 * at + 1];
            const float u = (yy * xe - xy * ye) / det - flow[2 * at], v = (xx * ye - xy * xe) / det - flow[2 * at + 1];
            flow[2 * at] = within((float)x + flow[2 * at] + fmaxf(-1, fminf(1, u)), l->w) - (float)x;
            flow[2 * at + 1] = within((float)y + flow[2 * at + 1] + fmaxf(-1, fminf(1, v)), l->h) - (float)y;
        }
}

static void refine(const level *l, float *flow, const work *k) {
    search(l, flow, k);
    gradients(l, k);
    for (int step = 0; step < STEPS; step++) {
        differences(l, flow, k);
        move(l, flow, k);
    }
}

zt_err zt_flow_find(const uint8_t *a, const uint8_t *b, int h, int w, float *flow) {
    const size_t n = (size_t)h * (size_t)w;
    level l[LEVELS] = {{.h = h, .w = w}};
    int levels = 1;
    for (; levels < LEVELS && l[levels - 1].h / 2 >= SIDE_LEAST && l[levels - 1].w / 2 >= SIDE_LEAST; levels++)
        l[levels] = (level){.h = l[levels - 1].h / 2, .w = l[levels - 1].w / 2};
    /* Frames of all levels: less than 4/3 of the first; two flows; the work arrays, a row no longer than h + w. */
    float *room = zt_alloc_array(8 * n + 2 * n + 11 * n + (size_t)(h + w), sizeof *room);
    if (!room) return ZT_NOMEM;
    float *next = room, *of_half = room + 8 * n, *p = of_half + 2 * n;
    const work k = {p, p + 3 * n, p + 6 * n, p + 7 * n, p + 8 * n, p + 9 * n, p + 10 * n, p + 11 * n};
    for (int j = 0; j < levels; j++) {
        l[j].a = next;
        l[j].b = next + 3 * l[j].h * l[j].w;
        next = l[j].b + 3 * l[j].h * l[j].w;
        for (size_t i = 0; j == 0 && i < 3 * n; i++) l[0].a[i] = a[i], l[0].b[i] = b[i];
        if (j == 0) continue;
        halve(l[j - 1].a, l[j - 1].h, l[j - 1].w, l[j].a, l[j].h, l[j].w);
        halve(l[j - 1].b, l[j - 1].h, l[j - 1].w, l[j].b, l[j].h, l[j].w);
    }
    for (int j = levels - 1; j >= 0; j--) {
        guess(&l[j], j < levels - 1 ? &l[j + 1] : NULL, of_half, flow);
        refine(&l[j], flow, &k);
        memcpy(of_half, flow, 2 * (size_t)l[j].h * (size_t)l[j].w * sizeof *flow);
    }
    zt_free(room);
    return ZT_OK;
}

zt_err zt_flow_of_clip(const uint8_t *rgb, int T, int h, int w, float *forward, float *back) {
    const size_t n = (size_t)h * (size_t)w;
    zt_err e = ZT_OK;
    for (int t = 0; e == ZT_OK && t + 1 < T; t++) {
        const uint8_t *a = rgb + 3 * n * (size_t)t, *b = a + 3 * n;
        e = zt_flow_find(a, b, h, w, forward + 2 * n * (size_t)t);
        if (e == ZT_OK) e = zt_flow_find(b, a, h, w, back + 2 * n * (size_t)t);
    }
    return e;
}
