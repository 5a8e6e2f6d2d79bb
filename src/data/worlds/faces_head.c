/* faces_head.c - the shape of the head (faces.h): a rounded block with the features as smooth bumps upon it.
 * Tested by tests/data/test_data_worlds.c. */
#include "data/worlds/faces.h"

#include <string.h>

enum { ROWS = 65, COLUMNS = 69 }; /* of the head's grid */

/* A smooth hill of height 1 at 0 that ends at distance 1. */
static double hill(double dx, double dy) {
    const double q = 1 - dx * dx - dy * dy;
    return q > 0 ? q * q * q : 0;
}

/* ---- features by muscles ---- */

double zt_mouth_half(const zt_person *p, const double rig[ZT_RIG]) {
    return p->mouth_width * (1 + 0.28 * rig[ZT_RIG_SMILE] - 0.32 * rig[ZT_RIG_PUCKER]);
}

double zt_mouth_line(const zt_person *p, const double rig[ZT_RIG], double x) {
    const double q = x / zt_mouth_half(p, rig), bend = 0.1 * rig[ZT_RIG_SMILE] - 0.085 * rig[ZT_RIG_FROWN];
    return p->mouth_y + bend * (zt_clamp(q * q, 0, 1.5) - 0.4);
}

double zt_mouth_gap(const zt_person *p, const double rig[ZT_RIG], double x) {
    const double q = x / zt_mouth_half(p, rig), open = 0.105 * rig[ZT_RIG_JAW_OPEN] + 0.03 * rig[ZT_RIG_SMILE];
    return q * q < 1 ? open * (1 - q * q) : 0;
}

void zt_eye_lids(const zt_person *p, const double rig[ZT_RIG], double across, double *above, double *below) {
    const double bow = across * across < 1 ? 1 - across * across : 0;
    const double open =
        (1 + 0.45 * rig[ZT_RIG_EYE_WIDE] - 0.3 * rig[ZT_RIG_SMILE] - 0.25 * rig[ZT_RIG_BROW_DOWN]) * (1 - rig[ZT_RIG_EYE_SHUT]);
    *above = p->eye_height * (bow * open - 0.45 * rig[ZT_RIG_EYE_SHUT] * bow);
    *below = p->eye_height * -0.7 * bow * (1 - 0.25 * rig[ZT_RIG_EYE_SHUT] - 0.25 * rig[ZT_RIG_SMILE]);
    if (*above < *below) *above = *below;
}

double zt_brow_line(const zt_person *p, const double rig[ZT_RIG], double along) {
    const double inner = (1 - along) / 2, arch = 0.035 * (1 - along * along);
    return p->brow_y + arch + 0.11 * rig[ZT_RIG_BROW_OUTER_UP] * (0.5 + 0.5 * (1 - inner)) +
           0.11 * rig[ZT_RIG_BROW_INNER_UP] * inner - rig[ZT_RIG_BROW_DOWN] * (0.03 + 0.1 * inner) -
           0.03 * rig[ZT_RIG_BROW_INNER_UP] * (1 - inner);
}

/* ---- surface ---- */

/* How far the features stand out of the rounded block at (x,y). */
static double relief(const zt_person *p, const double rig[ZT_RIG], double x, double y) {
    const double ax = fabs(x), tip = ZT_EYE_Y - p->nose_length, w = p->nose_width;
    double h = 0;
    /* Nose: a ridge that grows from between the eyes to its tip, and two wings. */
    const double down = zt_clamp((ZT_EYE_Y + 0.12 - y) / (p->nose_length + 0.12), 0, 1.6);
    const double ridge = down < 1 ? 0.05 + 0.17 * down * down : 0.22 * zt_smooth(1.3, 1, down);
    h += ridge * hill(x / (w * (0.75 + 0.45 * zt_clamp(down, 0, 1))), 0) * zt_smooth(-0.1, 0.25, down);
    h += 0.09 * hill(x / (0.9 * w), (y - tip) / 0.11) + 0.075 * hill((ax - 0.72 * w) / (0.6 * w), (y - tip + 0.03) / 0.085);
    /* Eyes: hollows with balls in them, brows above. */
    h -= 0.12 * hill((ax - p->eye_x + 0.02) / (0.26), (y - ZT_EYE_Y) / 0.17);
    h += 0.075 * hill((ax - p->eye_x) / (1.15 * p->eye_width), (y - ZT_EYE_Y) / (0.13));
    h += 0.055 * hill((ax - p->eye_x) / 0.36, (y - p->brow_y) / 0.13);
    /* Cheeks; they rise with a smile. */
    h += (0.05 + 0.05 * rig[ZT_RIG_SMILE]) * hill((ax - 0.4) / 0.28, (y + 0.24 - 0.06 * rig[ZT_RIG_SMILE]) / 0.26);
    /* Mouth: a mound, lips on it, the hollow below the lower lip, the chin. */
    const double line = zt_mouth_line(p, rig, x), gap = zt_mouth_gap(p, rig, x), q = x / (1.05 * zt_mouth_half(p, rig));
    h += 0.05 * hill(x / 0.42, (y - p->mouth_y) / 0.3);
    h += 0.055 * hill(q, (y - line - gap - 0.5 * p->lip) / (1.3 * p->lip)) * (1 - 0.6 * rig[ZT_RIG_PRESS]);
    h += 0.065 * hill(q, (y - line + gap + 0.6 * p->lip) / (1.4 * p->lip)) * (1 - 0.6 * rig[ZT_RIG_PRESS]);
    h -= 0.05 * hill(x / 0.25, (y - line + gap + 1.9 * p->lip + 0.03) / 0.08);
    h += 0.1 * hill(x / 0.3, (y + 0.88) / 0.24);
    return h;
}

/* Half width of the head at y, at the ears' plane: a square-cut ellipse, narrower at the jaw. */
static double half_width(const zt_person *p, double sine, double cosine) {
    const double jaw = sine < 0 ? 1 - p->jaw * zt_smooth(0.15, 1, -sine) : 1;
    return p->width * jaw * cosine * (1.45 - 0.45 * cosine);
}

/* The opening jaw takes the lower face along. */
static double drop(const double rig[ZT_RIG], double y, double line) {
    return -0.13 * rig[ZT_RIG_JAW_OPEN] * zt_smooth(0.06, -0.1, y - line);
}

/* front: cosine of longitude and latitude together. */
static zt_vec3 surface(const zt_person *p, const double rig[ZT_RIG], double x, double y, double front) {
    const double near = zt_smooth(0.05, 0.45, front);
    double z = p->depth * (front > 0 ? front * (2 - front) : front);
    if (near > 0) {
        z += near * relief(p, rig, x, y);
        y += near * drop(rig, y, zt_mouth_line(p, rig, x));
    }
    return zt_v(x, y, z);
}

static double latitude(double y) { return zt_clamp(y > 0 ? y / 1.06 : y, -0.999, 0.999); }

zt_vec3 zt_face_point(const zt_person *p, const double rig[ZT_RIG], double x, double y) {
    const double s = latitude(y), c = sqrt(1 - s * s), t = zt_clamp(x / half_width(p, s, c), -1, 1);
    return surface(p, rig, x, y, sqrt(1 - t * t) * c);
}

/* ---- hair ---- */

double zt_hair_above(const zt_person *p, double x, double y, double front) {
    const double behind = p->style == ZT_STYLE_LONG ? -0.95 : -0.6;
    const double line = zt_mix(behind, 0.6 - 0.25 * x * x, zt_smooth(-0.12, 0.42, front));
    return y - line;
}

/* ---- mesh ---- */

static void add_head(const zt_person *p, zt_mesh *m) {
    const int first = m->n;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            /* Denser in front, where the features are. */
            const double a = ZT_PI * (i / (ROWS - 1.0) - 0.5), u = 2 * j / (COLUMNS - 1.0) - 1,
                         b = ZT_PI * u * (0.5 + 0.5 * u * u);
            const double s = zt_sin(a), c = i == 0 || i == ROWS - 1 ? 0 : zt_cos(a);
            const double x = half_width(p, s, c) * zt_sin(b), y = s > 0 ? 1.06 * s : s;
            zt_mesh_vertex(m, ZT_PART_HEAD, zt_v(x, y, zt_cos(b) * c), zt_v(0, 0, 1));
        }
    for (int i = 0; i + 1 < ROWS; i++)
        for (int j = 0; j + 1 < COLUMNS; j++) {
            const int a = first + i * COLUMNS + j;
            zt_mesh_triangle(m, a, a + 1, a + COLUMNS + 1);
            zt_mesh_triangle(m, a, a + COLUMNS + 1, a + COLUMNS);
        }
}

static void add_glasses(const zt_person *p, zt_mesh *m) {
    const double none[ZT_RIG] = {0}, z = zt_face_point(p, none, 0, ZT_EYE_Y).z + 0.05, r = 1.3 * p->eye_width + 0.03;
    for (int side = -1; side <= 1; side += 2) {
        zt_mesh_torus(m, ZT_PART_FRAME, zt_v(side * p->eye_x, ZT_EYE_Y - 0.01, z), r, 0.022);
        const double from = p->eye_x + r, to = 0.97 * p->width; /* hinge, then the arm back to the ear */
        zt_mesh_box(m, ZT_PART_FRAME, zt_v(side * (from + to) / 2, 0.05, z - 0.02), zt_v((to - from) / 2 + 0.018, 0.02, 0.02));
        zt_mesh_box(m, ZT_PART_FRAME, zt_v(side * to, 0.05, z / 2), zt_v(0.018, 0.02, z / 2));
    }
    zt_mesh_box(m, ZT_PART_FRAME, zt_v(0, 0.04, z + 0.01), zt_v(p->eye_x - r + 0.02, 0.02, 0.02));
}

zt_err zt_faces_mesh(const zt_person *p, zt_mesh *m) {
    static const zt_profile NECK[] = {{.5, -2.3, 1, 0}, {.43, -1.9, 1, 0}, {.4, -1.4, 1, 0}, {.4, -.7, 1, 0}};
    enum { OTHERS = 6 }; /* ears, hair, shoulders, neck, rings: each at most a solid */
    const zt_err e =
        zt_mesh_init(m, ROWS * COLUMNS + OTHERS * ZT_SOLID_VERTICES, 2 * ROWS * COLUMNS + OTHERS * ZT_SOLID_TRIANGLES);
    if (e != ZT_OK) return e;
    add_head(p, m);
    for (int side = -1; side <= 1; side += 2)
        zt_mesh_sphere(m, ZT_PART_EAR, zt_v(side * (p->width + 0.02), -0.08, -0.04), zt_v(0.075, 0.2, 0.12));
    if (p->style == ZT_STYLE_LONG) zt_mesh_sphere(m, ZT_PART_HAIR, zt_v(0, -0.22, -0.42), zt_v(p->width + 0.25, 1.28, 0.66));
    if (p->glasses) add_glasses(p, m);
    zt_mesh_lathe(m, ZT_PART_NECK, NECK, sizeof NECK / sizeof *NECK);
    zt_mesh_sphere(m, ZT_PART_SHIRT, zt_v(0, -2.45, -0.15), zt_v(1.55, 0.85, 0.62));
    return ZT_OK;
}

/* Columns of the turn: nose down, then nose to the right, then the top to the right. */
zt_mat3 zt_faces_turn(const zt_pose *pose) {
    const double sy = zt_sin(pose->yaw), cy = zt_cos(pose->yaw), sp = zt_sin(pose->pitch), cp = zt_cos(pose->pitch);
    const double sr = zt_sin(pose->roll), cr = zt_cos(pose->roll);
    zt_vec3 column[3];
    for (int i = 0; i < 3; i++) {
        zt_vec3 a = zt_v(i == 0, i == 1, i == 2);
        a = zt_v(a.x, cp * a.y - sp * a.z, sp * a.y + cp * a.z);
        a = zt_v(cy * a.x + sy * a.z, a.y, cy * a.z - sy * a.x);
        column[i] = zt_v(cr * a.x + sr * a.y, cr * a.y - sr * a.x, a.z);
    }
    return (zt_mat3){{{column[0].x, column[1].x, column[2].x},
                      {column[0].y, column[1].y, column[2].y},
                      {column[0].z, column[1].z, column[2].z}}};
}

zt_vec3 zt_turned(const zt_mat3 *turn, zt_vec3 v) {
    const zt_vec3 neck = {0, -0.7, -0.15};
    return zt_add3(zt_apply3(turn, zt_sub3(v, neck)), neck);
}

/* Normals of the head's vertices from its triangles. */
static void bend_normals(const zt_mesh *m, const zt_vec3 *place, zt_vec3 *normal) {
    for (int i = 0; i < ROWS * COLUMNS; i++) normal[i] = zt_v(0, 0, 0);
    for (int t = 0; t < 2 * (ROWS - 1) * (COLUMNS - 1); t++) {
        const int32_t *c = m->tri[t];
        const zt_vec3 n = zt_cross3(zt_sub3(place[c[1]], place[c[0]]), zt_sub3(place[c[2]], place[c[0]]));
        for (int k = 0; k < 3; k++) normal[c[k]] = zt_add3(normal[c[k]], n);
    }
    for (int i = 0; i < ROWS; i++) { /* first and last column are one line */
        zt_vec3 *a = &normal[i * COLUMNS], *b = &normal[i * COLUMNS + COLUMNS - 1];
        *a = *b = zt_add3(*a, *b);
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) normal[i] = zt_unit3(normal[i]);
}

void zt_faces_place(const zt_person *p, const zt_mat3 *turn, const double rig[ZT_RIG], const zt_mesh *m, zt_vec3 *place,
                    zt_vec3 *normal) {
    for (int i = 0; i < m->n; i++) {
        const zt_vec3 r = m->rest[i];
        place[i] = r;
        normal[i] = m->normal[i];
        if (m->part[i] == ZT_PART_HEAD) {
            const double thick = 0.1 * zt_smooth(0, 0.14, zt_hair_above(p, r.x, r.y, r.z));
            place[i] = zt_add3(surface(p, rig, r.x, r.y, r.z), zt_scale3(zt_unit3(zt_v(r.x / p->width, r.y, r.z)), thick));
        } else if (m->part[i] == ZT_PART_NECK)
            place[i].z = 0.85 * r.z - 0.22;
        if (m->part[i] >= ZT_PART_NECK) continue; /* the body stays */
        place[i] = zt_turned(turn, place[i]);
        normal[i] = zt_apply3(turn, normal[i]);
    }
    bend_normals(m, place, normal);
}

/* ---- landmarks ---- */

void zt_face_landmarks(const zt_person *p, const double rig[ZT_RIG], double xy[ZT_LANDMARKS][2]) {
    int n = 0;
#define MARK(x, y) (xy[n][0] = (x), xy[n][1] = (y), n++)
    for (int side = -1; side <= 1; side += 2) {
        double above, below;
        zt_eye_lids(p, rig, 0, &above, &below);
        const double brow = 1.5 * p->eye_width;
        for (int k = 1; k >= -1; k--) MARK(side * (p->eye_x + k * brow), zt_brow_line(p, rig, k));
        MARK(side * (p->eye_x + p->eye_width), ZT_EYE_Y);
        MARK(side * p->eye_x, ZT_EYE_Y + above);
        MARK(side * (p->eye_x - p->eye_width), ZT_EYE_Y);
        MARK(side * p->eye_x, ZT_EYE_Y + below);
        MARK(side * p->eye_x, ZT_EYE_Y);
    }
    const double tip = ZT_EYE_Y - p->nose_length, half = zt_mouth_half(p, rig), line = zt_mouth_line(p, rig, 0);
    const double gap = zt_mouth_gap(p, rig, 0);
    MARK(0, ZT_EYE_Y);
    MARK(0, tip);
    MARK(-p->nose_width, tip - 0.03);
    MARK(p->nose_width, tip - 0.03);
    MARK(-half, zt_mouth_line(p, rig, half));
    MARK(half, zt_mouth_line(p, rig, half));
    MARK(0, line + gap + p->lip);
    MARK(0, line - gap - 1.2 * p->lip);
    MARK(0, line + gap);
    MARK(0, line - gap);
    MARK(0, -0.97);
    for (int side = -1; side <= 1; side += 2) MARK(side * 0.93 * half_width(p, -0.62, sqrt(1 - 0.62 * 0.62)), -0.62);
    MARK(0, 0.5);
#undef MARK
}
