/* draw_face.h - a face of a few ellipses, for tests of detectors: enough for the cascades, and free of anybody's rights. */
#ifndef ZT_TESTS_DRAW_FACE_H
#define ZT_TESTS_DRAW_FACE_H
#include <math.h>
#include <stdint.h>

/* Blend colour into the ellipse at (cx,cy) with half axes a, b; `soft` pixels of edge. */
static inline void draw_ellipse(uint8_t *rgb, int H, int W, double cx, double cy, double a, double b, int r, int g, int bl,
                                double soft) {
    const int colour[3] = {r, g, bl};
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const double d = sqrt((x - cx) * (x - cx) / (a * a) + (y - cy) * (y - cy) / (b * b));
            double k = (1 - d) * fmin(a, b) / soft + 0.5;
            k = k < 0 ? 0 : k > 1 ? 1 : k;
            for (int c = 0; c < 3; c++) {
                uint8_t *p = rgb + ((size_t)y * (size_t)W + (size_t)x) * 3 + c;
                *p = (uint8_t)lrint(*p + k * (colour[c] - *p));
            }
        }
}

static inline void draw_background(uint8_t *rgb, int H, int W) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++)
                rgb[((size_t)y * (size_t)W + (size_t)x) * 3 + c] = (uint8_t)(70 + 40 * y / H + 30 * x / W + 10 * c);
}

/* A face whose box, brows to chin and cheek to cheek, is about s wide and 1.15 s high around (cx,cy). */
static inline void draw_face(uint8_t *rgb, int H, int W, double cx, double cy, double s) {
    draw_ellipse(rgb, H, W, cx, cy - .12 * s, .56 * s, .82 * s, 60, 40, 30, .06 * s);        /* hair */
    draw_ellipse(rgb, H, W, cx, cy + .05 * s, .48 * s, .66 * s, 214, 170, 140, .06 * s);     /* skin */
    for (int k = -1; k <= 1; k += 2) {
        draw_ellipse(rgb, H, W, cx + k * .21 * s, cy - .20 * s, .13 * s, .03 * s, 80, 55, 40, .05 * s);     /* brow */
        draw_ellipse(rgb, H, W, cx + k * .20 * s, cy - .08 * s, .14 * s, .07 * s, 150, 110, 95, .06 * s);   /* socket */
        draw_ellipse(rgb, H, W, cx + k * .20 * s, cy - .07 * s, .075 * s, .04 * s, 40, 30, 30, .03 * s);    /* eye */
        draw_ellipse(rgb, H, W, cx + k * .24 * s, cy + .16 * s, .12 * s, .10 * s, 228, 186, 156, .12 * s);  /* cheek */
    }
    draw_ellipse(rgb, H, W, cx, cy + .05 * s, .05 * s, .16 * s, 232, 192, 164, .06 * s);     /* nose */
    draw_ellipse(rgb, H, W, cx, cy + .19 * s, .09 * s, .035 * s, 150, 105, 90, .05 * s);     /* under it */
    draw_ellipse(rgb, H, W, cx, cy + .36 * s, .18 * s, .05 * s, 130, 60, 60, .04 * s);       /* mouth */
}
#endif
