/* painter.h - a small painter for the tests of eval/: clips whose content is known, made without the renderer of data/. */
#ifndef TEST_EVAL_PAINTER_H
#define TEST_EVAL_PAINTER_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct clip { int T, H, W; uint8_t *rgb; } clip;

static inline clip clip_new(int T, int H, int W, int grey) {
    clip c = {T, H, W, malloc((size_t)T * (size_t)H * (size_t)W * 3)};
    for (size_t k = 0; k < (size_t)T * (size_t)H * (size_t)W * 3; k++) c.rgb[k] = (uint8_t)grey;
    return c;
}

/* shape: 0 square, 1 circle, 2 triangle (point up); r half extent. */
static inline bool in_shape(int shape, double dx, double dy, double r) {
    if (shape == 1) return dx * dx + dy * dy <= r * r;
    if (fabs(dx) > r || fabs(dy) > r) return false;
    return shape == 0 || fabs(dx) <= 0.5 * (dy + r);
}

/* Paint frame t with 8x8 samples per pixel; (x,y) is the centre in pixels, pixel p covering p..p+1. */
static inline void paint(clip *c, int t, int shape, double x, double y, double r, const int colour[3]) {
    for (int v = 0; v < c->H; v++)
        for (int u = 0; u < c->W; u++) {
            int hits = 0;
            for (int s = 0; s < 64; s++) hits += in_shape(shape, u + (s % 8 + 0.5) / 8 - x, v + (s / 8 + 0.5) / 8 - y, r);
            uint8_t *p = c->rgb + (((size_t)t * (size_t)c->H + (size_t)v) * (size_t)c->W + (size_t)u) * 3;
            for (int k = 0; k < 3; k++) p[k] = (uint8_t)lround(p[k] + (colour[k] - p[k]) * hits / 64.0);
        }
}

/* Uniform noise of +-amount on every value, from a fixed seed. */
static inline void add_noise(clip *c, int amount, unsigned seed) {
    uint32_t s = seed * 2654435761U + 1;
    for (size_t k = 0; k < (size_t)c->T * (size_t)c->H * (size_t)c->W * 3; k++) {
        s = s * 1664525U + 1013904223U;
        const int v = c->rgb[k] + (int)(s >> 16) % (2 * amount + 1) - amount;
        c->rgb[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}
#endif
