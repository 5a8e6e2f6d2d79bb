/* paint.c - see paint.h. */
#include "data/worlds/paint.h"

#include <string.h>

#include "data/worlds/noise.h"
#include "data/worlds/vec.h"

const char *const zt_paint_name[ZT_PAINTS] = {"red", "green", "blue", "yellow", "purple", "white"};
const double zt_paint_rgb[ZT_PAINTS][3] = {{222, 44, 44},  {44, 188, 68},  {56, 88, 232},
                                           {236, 206, 48}, {156, 64, 190}, {238, 238, 238}};

zt_canvas zt_canvas_frame(const zt_clip_size *size, int t, uint8_t *rgb, uint8_t *mask, float *flow) {
    const size_t at = (size_t)t * (size_t)size->H * (size_t)size->W;
    return (zt_canvas){rgb + at * 3, mask ? mask + at : NULL, flow ? flow + at * 2 : NULL, size->H, size->W};
}

double zt_coverage(double distance) { return zt_clamp(0.5 - distance, 0, 1); }

double zt_segment_distance(double x, double y, const double a[2], const double b[2]) {
    const double dx = b[0] - a[0], dy = b[1] - a[1], n = dx * dx + dy * dy;
    const double t = n > 0 ? zt_clamp(((x - a[0]) * dx + (y - a[1]) * dy) / n, 0, 1) : 0;
    const double u = x - a[0] - t * dx, v = y - a[1] - t * dy;
    return sqrt(u * u + v * v);
}

void zt_lay(const zt_canvas *c, int x, int y, double coverage, const double colour[3], int object, const float flow[2]) {
    const size_t at = (size_t)y * (size_t)c->W + (size_t)x;
    uint8_t *p = c->rgb + at * 3;
    if (coverage <= 0) return;
    for (int k = 0; k < 3; k++) p[k] = (uint8_t)(zt_clamp(p[k] * (1 - coverage) + colour[k] * coverage, 0, 255) + 0.5);
    if (object && c->mask) c->mask[at] = (uint8_t)(255 - (255 - c->mask[at]) * (1 - coverage) + 0.5);
    if (c->flow && coverage >= 0.5)
        for (int k = 0; k < 2; k++) c->flow[at * 2 + (size_t)k] = object && flow ? flow[k] : 0;
}

void zt_lay_segment(const zt_canvas *c, const double a[2], const double b[2], double half_width, const double colour[3]) {
    const double reach = half_width + 1;
    const int x0 = (int)zt_clamp(fmin(a[0], b[0]) - reach, 0, c->W), x1 = (int)zt_clamp(fmax(a[0], b[0]) + reach + 1, 0, c->W);
    const int y0 = (int)zt_clamp(fmin(a[1], b[1]) - reach, 0, c->H), y1 = (int)zt_clamp(fmax(a[1], b[1]) + reach + 1, 0, c->H);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            zt_lay(c, x, y, zt_coverage(zt_segment_distance(x + 0.5, y + 0.5, a, b) - half_width), colour, 0, NULL);
}

void zt_paint_background(const zt_clip_size *size, uint64_t seed, const double colour[3], double amplitude, uint8_t *rgb) {
    enum { CELLS = 8 };
    double lattice[CELLS * CELLS];
    const double side = size->H < size->W ? size->H : size->W;
    const size_t frame = (size_t)size->H * (size_t)size->W * 3;
    zt_rng r = zt_rng_init(seed, zt_hash_name("world/background"));
    for (int i = 0; i < CELLS * CELLS; i++) lattice[i] = zt_rng_uniform(&r);
    for (int y = 0; y < size->H; y++)
        for (int x = 0; x < size->W; x++) {
            const double n = amplitude > 0 ? amplitude * (zt_noise(lattice, CELLS, x / side * 5, y / side * 5) - 0.5) : 0;
            uint8_t *p = rgb + ((size_t)y * (size_t)size->W + (size_t)x) * 3;
            for (int k = 0; k < 3; k++) p[k] = (uint8_t)(zt_clamp(colour[k] + n, 0, 255) + 0.5);
        }
    for (int t = 1; t < size->T; t++) memcpy(rgb + (size_t)t * frame, rgb, frame);
}
