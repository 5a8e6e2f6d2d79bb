/* noise.h - smooth random textures that are the same on every machine. */
#ifndef ZT_DATA_NOISE_H
#define ZT_DATA_NOISE_H

/** Smooth noise in 0..1 at (x,y), both >= 0: the random values of a lattice [cells,cells], which repeats, joined by cubic ease
 *  (Perlin's "value noise"). */
static inline double zt_noise(const double *lattice, int cells, double x, double y) {
    const int i = (int)x, j = (int)y;
    const double fx = x - i, fy = y - j, u = fx * fx * (3 - 2 * fx), v = fy * fy * (3 - 2 * fy);
    const double *p = lattice + (j % cells) * cells + i % cells, *q = lattice + ((j + 1) % cells) * cells + i % cells;
    const int right = (i + 1) % cells - i % cells;
    return (p[0] * (1 - u) + p[right] * u) * (1 - v) + (q[0] * (1 - u) + q[right] * u) * v;
}
#endif
