/* move_render.c - draws a clip of the world MOVE (data/worlds/move.h): background, object with anti-aliased edge, mask and flow.
 * Only +, -, *, /
 * and comparisons on numbers: the same bytes on every machine. */
#include <string.h>

#include "data/worlds/move.h"
#include "data/worlds/noise.h"

enum { SUB = 8 };   /* samples per pixel side at curved and slanted edges */

/* Clearly apart in hue and as saturated as 8 bits allow without looking painted. */
static const int PAINT[ZT_COLOURS][3] = {{222, 44, 44}, {44, 188, 68}, {56, 88, 232}, {232, 206, 48}};

static double clamp01(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

/* Part of [lo,hi] that pixel i covers. */
static double overlap(double lo, double hi, int i) {
    const double a = lo > i ? lo : i, b = hi < i + 1 ? hi : i + 1;
    return b > a ? b - a : 0;
}

/* Whether a point, relative to the centre, is inside. The triangle stands on its base and fills half of its box. */
static bool inside(zt_move_shape shape, double x, double y, double r) {
    if (shape == ZT_CIRCLE) return x * x + y * y <= r * r;
    const double half = (y + r) / 2;
    return y <= r && x <= half && -x <= half;
}

/* Covered part of pixel (px,py), 0..1. */
static double coverage(const zt_move_spec *s, double cx, double cy, double r, int px, int py) {
    if (s->shape == ZT_SQUARE) return overlap(cx - r, cx + r, px) * overlap(cy - r, cy + r, py);
    int hits = 0;
    for (int i = 0; i < SUB; i++)
        for (int j = 0; j < SUB; j++)
            hits += inside(s->shape, px + (j + 0.5) / SUB - cx, py + (i + 0.5) / SUB - cy, r);
    return (double)hits / (SUB * SUB);
}

static void background(const zt_move_spec *s, int H, int W, uint8_t *rgb) {
    enum { CELLS = 8 };
    double lattice[CELLS * CELLS];
    zt_rng r = zt_rng_init(s->background, zt_hash_name("world/background"));
    const double level = zt_rng_range(&r, 28, 64), side = H < W ? H : W;
    for (int i = 0; i < CELLS * CELLS; i++) lattice[i] = zt_rng_uniform(&r);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            /* Two octaves, 6 and 13 cells across. */
            const double u = x / side, v = y / side;
            const double n = 0.65 * zt_noise(lattice, CELLS, u * 6, v * 6) + 0.35 * zt_noise(lattice, CELLS, u * 13, v * 13);
            const uint8_t grey = (uint8_t)(level + (s->textured ? 40 * (n - 0.5) : 0) + 0.5);
            memset(rgb + ((size_t)y * (size_t)W + (size_t)x) * 3, grey, 3);
        }
}

typedef struct frame { uint8_t *rgb, *mask; float *flow; int H, W; } frame;

static void paint(const zt_move_spec *s, const frame *f, double cx, double cy, double r, const double paint_rgb[3],
                  const float velocity[2]) {
    int x0 = cx - r > 0 ? (int)(cx - r) : 0, y0 = cy - r > 0 ? (int)(cy - r) : 0;
    for (int y = y0; y < f->H && y < cy + r; y++)
        for (int x = x0; x < f->W && x < cx + r; x++) {
            const double c = clamp01(coverage(s, cx, cy, r, x, y));
            const size_t at = (size_t)y * (size_t)f->W + (size_t)x;
            uint8_t *p = f->rgb + at * 3;
            for (int k = 0; k < 3; k++) p[k] = (uint8_t)(p[k] * (1 - c) + paint_rgb[k] * c + 0.5);
            if (f->mask) f->mask[at] = (uint8_t)(255 * c + 0.5);
            if (f->flow && c >= 0.5) memcpy(f->flow + at * 2, velocity, 2 * sizeof *velocity);
        }
}

void zt_move_render(const zt_move_spec *s, int T, int H, int W, uint8_t *rgb, uint8_t *mask, float *flow) {
    static const int STEP[ZT_DIRECTIONS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const size_t pixels = (size_t)H * (size_t)W;
    const double side = H < W ? H : W, r = s->radius * side;
    /* Positions are parts of the middle square of a frame that is not square. */
    const double cx = (W - side) / 2 + s->x * side, cy = (H - side) / 2 + s->y * side;
    const double dx = STEP[s->direction][0] * s->speed * side, dy = STEP[s->direction][1] * s->speed * side;
    const float velocity[2] = {(float)dx, (float)dy};
    double colour[3];
    zt_rng rng = zt_rng_init(s->background, zt_hash_name("world/colour"));
    for (int k = 0; k < 3; k++) colour[k] = PAINT[s->colour][k] + zt_rng_range(&rng, -12, 12);
    if (mask) memset(mask, 0, (size_t)T * pixels);
    if (flow) memset(flow, 0, (size_t)T * pixels * 2 * sizeof *flow);
    background(s, H, W, rgb);
    for (int t = 1; t < T; t++) memcpy(rgb + (size_t)t * pixels * 3, rgb, pixels * 3);
    for (int t = 0; t < T; t++) {
        const size_t at = (size_t)t * pixels;
        const frame f = {rgb + at * 3, mask ? mask + at : NULL, flow ? flow + at * 2 : NULL, H, W};
        paint(s, &f, cx + t * dx, cy + t * dy, r, colour, velocity);
    }
}
