/* vec.h - numbers and 3-vectors of the worlds: only +, -, *, / and sqrt, which IEEE 754 rounds in one way, so that every machine
 * draws the same. Tested by tests/data/test_data_worlds.c. */
#ifndef ZT_DATA_VEC_H
#define ZT_DATA_VEC_H
#include <math.h>

#define ZT_PI 3.14159265358979323846

typedef struct zt_vec3 {
    double x, y, z;
} zt_vec3;
typedef struct zt_mat3 {
    zt_vec3 row[3];
} zt_mat3;

static inline double zt_clamp(double v, double lo, double hi) { return v < lo ? lo : v > hi ? hi : v; }
static inline double zt_mix(double a, double b, double t) { return a + (b - a) * t; }
/* 0 below a, 1 above b, with a smooth step between (3t^2 - 2t^3). */
static inline double zt_smooth(double a, double b, double v) {
    const double t = zt_clamp((v - a) / (b - a), 0, 1);
    return t * t * (3 - 2 * t);
}

/* Sine for |x| < 1e6 to 1e-14: x - k*pi/2 within +-pi/4, then the Taylor series. quarter: added quarter turns. */
static inline double zt_sin_turned(double x, int quarter) {
    const double k = floor(x * (2 / ZT_PI) + 0.5), r = x - k * 1.5707963267341256 - k * 6.077100506506192e-11, q = r * r;
    const int n = ((int)k + quarter) & 3;
    const double s = r * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110 * (1 - q / 156 * (1 - q / 210)))))));
    const double c = 1 - q / 2 * (1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90 * (1 - q / 132 * (1 - q / 182))))));
    const double v = n & 1 ? c : s;
    return n & 2 ? -v : v;
}
static inline double zt_sin(double x) { return zt_sin_turned(x, 0); }
static inline double zt_cos(double x) { return zt_sin_turned(x, 1); }

static inline zt_vec3 zt_v(double x, double y, double z) { return (zt_vec3){x, y, z}; }
static inline zt_vec3 zt_add3(zt_vec3 a, zt_vec3 b) { return zt_v(a.x + b.x, a.y + b.y, a.z + b.z); }
static inline zt_vec3 zt_sub3(zt_vec3 a, zt_vec3 b) { return zt_v(a.x - b.x, a.y - b.y, a.z - b.z); }
static inline zt_vec3 zt_scale3(zt_vec3 a, double k) { return zt_v(a.x * k, a.y * k, a.z * k); }
static inline double zt_dot3(zt_vec3 a, zt_vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline zt_vec3 zt_cross3(zt_vec3 a, zt_vec3 b) {
    return zt_v(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline zt_vec3 zt_unit3(zt_vec3 a) {
    const double n = sqrt(zt_dot3(a, a));
    return n > 0 ? zt_scale3(a, 1 / n) : a;
}
static inline zt_vec3 zt_apply3(const zt_mat3 *m, zt_vec3 v) {
    return zt_v(zt_dot3(m->row[0], v), zt_dot3(m->row[1], v), zt_dot3(m->row[2], v));
}
#endif
