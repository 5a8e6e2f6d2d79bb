/* faces_paint.c - what the head of faces.h is painted with: skin, eyes, brows, mouth, hair, beard. Shadows that always lie in
 * the same places (eye sockets, under nose and lip) are painted too. Tested by tests/data/test_data_worlds.c. */
#include "data/worlds/faces.h"
#include "data/worlds/noise.h"

enum { CELLS = 16 };

typedef struct paint {
    double rgb[3], gloss;
} paint;

static void lay(paint *c, double cover, double r, double g, double b) {
    const double over[3] = {r, g, b};
    for (int k = 0; k < 3; k++) c->rgb[k] = zt_mix(c->rgb[k], over[k], cover);
}

static void lay3(paint *c, double cover, const double over[3], double tone) {
    lay(c, cover, over[0] * tone, over[1] * tone, over[2] * tone);
}

static void darken(paint *c, double by) {
    for (int k = 0; k < 3; k++) c->rgb[k] *= 1 - by;
}

static double hill(double dx, double dy) {
    const double q = 1 - dx * dx - dy * dy;
    return q > 0 ? q * q : 0;
}

/* 1 inside a band around 0 of the given half width, with soft edges. */
static double band(double distance, double half) { return 1 - zt_smooth(0.7 * half, 1.3 * half, fabs(distance)); }

static double streaks(const double *grain, double x, double y) { return zt_noise(grain, CELLS, (x + 4) * 26, (y + 4) * 4) - 0.5; }

/* ---- parts of the face ---- */

static void paint_eye(const zt_person *p, const double rig[ZT_RIG], double x, double y, paint *c) {
    const double dx = fabs(x) - p->eye_x, across = dx / p->eye_width, ey = y - ZT_EYE_Y;
    double above, below;
    if (fabs(across) > 1.6 || fabs(ey) > 0.24) return;
    zt_eye_lids(p, rig, across, &above, &below);
    darken(c, 0.3 * hill(across / 1.5, (ey - 0.06) / 0.13)); /* the lid's shadow */
    if (fabs(across) > 1.12) return;
    const double ends = 1 - zt_smooth(0.94, 1.12, fabs(across));
    if (above - below > 1e-6) {
        const double in = zt_smooth(-0.006, 0.006, above - ey) * zt_smooth(-0.006, 0.006, ey - below) * ends,
                     out = sqrt(dx * dx + ey * ey);
        paint ball = {{226, 222, 216}, 0.6};
        for (int k = 0; k < 3; k++) ball.rgb[k] *= 0.72 + 0.28 * zt_smooth(0, 0.05, above - ey); /* shaded by the lid */
        lay3(&ball, 1 - zt_smooth(0.062, 0.07, out), p->iris, 1);
        lay3(&ball, band(out - 0.064, 0.008), p->iris, 0.4);
        lay(&ball, 1 - zt_smooth(0.026, 0.032, out), 12, 10, 10);
        const double gx = x - (x < 0 ? -p->eye_x : p->eye_x) + 0.022, gy = ey - 0.024;
        lay(&ball, 1 - zt_smooth(0.011, 0.018, sqrt(gx * gx + gy * gy)), 255, 255, 255);
        lay3(c, in, ball.rgb, 1);
    }
    lay(c, 0.92 * band(ey - above - 0.008, 0.017) * ends, 32, 22, 20); /* upper lashes */
    lay(c, 0.35 * band(ey - below + 0.005, 0.01) * ends, 60, 36, 32);
    darken(c, 0.28 * band(ey - above - 0.062, 0.012) * ends); /* the lid's crease */
}

static void paint_brow(const zt_person *p, const double rig[ZT_RIG], double x, double y, const double *grain, paint *c) {
    const double along = (fabs(x) - p->eye_x) / (1.5 * p->eye_width);
    if (fabs(along) > 1.1) return;
    const double thick = p->brow_thick * (1 - 0.55 * zt_smooth(0, 1, along)) * (1 - zt_smooth(0.9, 1.08, fabs(along)));
    const double cover = thick > 0.001 ? band(y - zt_brow_line(p, rig, along), thick) : 0;
    const double tone = 0.62 + 0.3 * streaks(grain, y, x);
    lay3(c, 0.9 * cover, p->hair, tone);
}

static void paint_nose(const zt_person *p, double x, double y, paint *c) {
    const double ax = fabs(x), tip = ZT_EYE_Y - p->nose_length, w = p->nose_width;
    darken(c, 0.5 * hill((ax - 0.42 * w) / (0.34 * w), (y - tip + 0.075) / 0.04)); /* nostrils */
    darken(c, 0.22 * hill(x / (1.5 * w), (y - tip + 0.11) / 0.07));                /* the shadow below */
    darken(c, 0.16 * hill((ax - 0.95 * w) / (0.5 * w), (y - tip - 0.16) / 0.28));  /* its flanks */
    darken(c, 0.25 * hill((ax - 1.12 * w) / (0.22 * w), (y - tip + 0.02) / 0.09)); /* round the wings */
}

static void paint_mouth(const zt_person *p, const double rig[ZT_RIG], double x, double y, paint *c) {
    const double half = zt_mouth_half(p, rig), q = x / half;
    darken(c, 0.22 * hill(x / 0.2, (y - zt_mouth_line(p, rig, 0) + zt_mouth_gap(p, rig, 0) + 1.9 * p->lip) / 0.07));
    if (fabs(q) > 1.12) return;
    const double line = zt_mouth_line(p, rig, x), gap = zt_mouth_gap(p, rig, x), ends = 1 - zt_smooth(0.92, 1.1, fabs(q));
    const double bow = q * q < 1 ? 1 - q * q : 0, full = p->lip * (1 - 0.55 * rig[ZT_RIG_PRESS]);
    const double top = line + gap + full * bow * (1 - 0.22 * hill(x / 0.06, 0)), bottom = line - gap - 1.2 * full * bow;
    const double in = zt_smooth(-0.008, 0.008, top - y) * zt_smooth(-0.008, 0.008, y - bottom) * ends;
    lay3(c, 0.85 * in, p->lips, y > line ? 0.88 : 1.05);
    c->gloss = zt_mix(c->gloss, 0.35, in);
    if (gap > 0.002) {
        const double hole = zt_smooth(-0.005, 0.005, line + gap - y) * zt_smooth(-0.005, 0.005, y - line + gap) * ends;
        lay(c, hole, 58, 18, 20);
        lay(c, hole * zt_smooth(-0.006, 0.006, y - (line + gap - fmin(0.055, 1.1 * gap))), 232, 228, 218);  /* upper teeth */
        lay(c, 0.7 * hole * hill(x / (0.7 * half), (y - line + gap) / fmax(0.8 * gap, 0.01)), 170, 72, 74); /* tongue */
    }
    lay(c, 0.75 * band(y - line - gap * 0.98, 0.011) * ends, 84, 34, 34); /* the line between the lips */
}

/* Folds from the wings of the nose to the corners of the mouth, deeper with a smile; a furrow between drawn brows. */
static void paint_folds(const zt_person *p, const double rig[ZT_RIG], double x, double y, paint *c) {
    const double tip = ZT_EYE_Y - p->nose_length, from = 1.2 * p->nose_width, to = zt_mouth_half(p, rig) + 0.06;
    const double t = (tip - y) / (tip - p->mouth_y);
    if (t > 0 && t < 1)
        darken(c, (0.07 + 0.22 * rig[ZT_RIG_SMILE]) * band(fabs(x) - zt_mix(from, to, t), 0.024) * 4 * t * (1 - t));
    darken(c, 0.35 * rig[ZT_RIG_BROW_DOWN] * band(fabs(x) - 0.05, 0.014) * hill(0, (y - p->brow_y + 0.02) / 0.12));
}

static void paint_beard(const zt_person *p, const double rig[ZT_RIG], double x, double y, double front, const double *grain,
                        paint *c) {
    const double line = zt_mouth_line(p, rig, x), tip = ZT_EYE_Y - p->nose_length;
    const double cheek = zt_mix(p->mouth_y + 0.02, -0.1, zt_smooth(0.25, 0.75, fabs(x)));
    const double chin = zt_smooth(0.03, -0.06, y - cheek),
                 lip = zt_smooth(0.06, 0, y - tip + 0.1) * zt_smooth(0, 0.05, y - line) * (1 - zt_smooth(0.26, 0.34, fabs(x)));
    const double cover = fmax(chin, lip) * zt_smooth(-0.15, 0.1, front);
    lay3(c, 0.88 * cover, p->hair, 0.85 + 0.5 * streaks(grain, x, y));
    c->gloss *= 1 - cover;
}

static void paint_skin(const zt_person *p, const double rig[ZT_RIG], double x, double y, double front, const double *grain,
                       paint *c) {
    *c = (paint){{p->skin[0], p->skin[1], p->skin[2]}, 0.09};
    const double blush = 0.3 * hill((fabs(x) - 0.42) / 0.3, (y + 0.26) / 0.26);
    lay(c, blush, p->skin[0], 0.86 * p->skin[1], 0.84 * p->skin[2]);
    if (front < -0.2) return;
    darken(c, 0.26 * hill((fabs(x) - p->eye_x + 0.05) / 0.28, (y - ZT_EYE_Y) / 0.17)); /* eye sockets */
    darken(c, 0.2 * zt_smooth(-0.85, -1, y));
    paint_folds(p, rig, x, y, c);
    paint_nose(p, x, y, c);
    if (p->beard) paint_beard(p, rig, x, y, front, grain, c);
    paint_mouth(p, rig, x, y, c);
    paint_eye(p, rig, x, y, c);
    paint_brow(p, rig, x, y, grain, c);
}

zt_vec3 zt_faces_paint(const zt_person *p, const double rig[ZT_RIG], int part, zt_vec3 rest, const double *grain, double *gloss) {
    paint c = {{30, 30, 34}, 0.5}; /* the glasses' frame */
    const double *plain = part == ZT_PART_SHIRT ? p->shirt : p->skin;
    if (part == ZT_PART_HEAD) {
        paint_skin(p, rig, rest.x, rest.y, rest.z, grain, &c);
        const double hair =
            zt_smooth(-0.02, 0.03, zt_hair_above(p, rest.x, rest.y, rest.z) + 0.08 * streaks(grain, rest.x, rest.z));
        lay3(&c, hair, p->hair, 1 + 0.5 * streaks(grain, rest.x, rest.z));
        c.gloss = zt_mix(c.gloss, 0.2, hair);
    } else if (part == ZT_PART_HAIR) {
        c = (paint){{0}, 0.2};
        lay3(&c, 1, p->hair, 0.9 + 0.5 * streaks(grain, rest.x, rest.z));
    } else if (part != ZT_PART_FRAME) {
        c = (paint){{0}, 0.05};
        lay3(&c, 1, plain, part == ZT_PART_NECK ? 0.8 - 0.3 * zt_smooth(-1.25, -0.95, rest.y) : part == ZT_PART_EAR ? 0.88 : 1);
    }
    *gloss = c.gloss;
    return zt_v(c.rgb[0], c.rgb[1], c.rgb[2]);
}
