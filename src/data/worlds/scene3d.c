/* scene3d.c - the world "scene3d": one or two lit solids on a floor, seen by a camera that moves. Drawing is in scene3d_render.c.
 * Tested by tests/data/test_data_worlds.c. */
#include "data/worlds/scene3d.h"

#include <stdio.h>
#include <string.h>

#include "data/worlds/paint.h"

enum { SHAPE, COLOUR, CAMERA, SHAPE2, COLOUR2, SIZE, SIZE2, MOTION, FLOOR = ZT_SCENE3D_FLOOR }; /* the attributes */
enum { SPHERE, CUBE, CYLINDER, CONE, TORUS, VASE, SHAPES };
enum { STAYS, ORBITS_LEFT, ORBITS_RIGHT, CLOSER, AWAY, PANS_LEFT, PANS_RIGHT, CAMERAS };
enum { RESTS, HOPS, SPINS, SLIDES, MOTIONS };

/* ---- meshes ---- */

static void add_vase(zt_mesh *m, int part) {
    /* Radius at heights 0, 1/8, ... 1, joined by lines; smooth normals from the neighbours. */
    static const double RADIUS[] = {0.62, 0.86, 1, 0.98, 0.82, 0.56, 0.38, 0.36, 0.5};
    enum { N = sizeof RADIUS / sizeof *RADIUS };
    zt_profile p[N + 2];
    p[0] = (zt_profile){0, 0, 0, -1};
    for (int i = 0; i < N; i++) {
        const double below = RADIUS[i ? i - 1 : 0], above = RADIUS[i + 1 < N ? i + 1 : N - 1],
                     rise = (i && i + 1 < N ? 2 : 1) * 0.3;
        p[i + 1] = (zt_profile){RADIUS[i] * 0.9, i * 0.3, rise, (below - above) * 0.9};
    }
    p[N + 1] = (zt_profile){0, (N - 1) * 0.3 - 0.05, 0, 1};
    zt_mesh_lathe(m, part, p, N + 2);
}

/* Half a width of 1, foot at the origin. */
static void add_solid(zt_mesh *m, int part, int shape) {
    static const zt_profile TUBE[] = {{0, 0, 0, -1}, {.8, 0, 0, -1}, {.8, 0, 1, 0}, {.8, 2, 1, 0}, {.8, 2, 0, 1}, {0, 2, 0, 1}};
    static const zt_profile HAT[] = {{0, 0, 0, -1}, {1, 0, 0, -1}, {1, 0, 2.1, 1}, {.5, 1.05, 2.1, 1}, {0, 2.1, 2.1, 1}};
    if (shape == SPHERE)
        zt_mesh_sphere(m, part, zt_v(0, 1, 0), zt_v(1, 1, 1));
    else if (shape == CUBE)
        zt_mesh_box(m, part, zt_v(0, 0.85, 0), zt_v(0.85, 0.85, 0.85));
    else if (shape == CYLINDER)
        zt_mesh_lathe(m, part, TUBE, sizeof TUBE / sizeof *TUBE);
    else if (shape == CONE)
        zt_mesh_lathe(m, part, HAT, sizeof HAT / sizeof *HAT);
    else if (shape == TORUS)
        zt_mesh_torus(m, part, zt_v(0, 1.05, 0), 0.75, 0.3);
    else
        add_vase(m, part);
}

zt_err zt_scene3d_mesh(const zt_scene3d *s, zt_mesh *m) {
    const zt_err e = zt_mesh_init(m, s->n * ZT_SOLID_VERTICES, s->n * ZT_SOLID_TRIANGLES);
    for (int i = 0; i < s->n && e == ZT_OK; i++) add_solid(m, i + 1, s->solid[i].shape);
    return e;
}

/* ---- motion ---- */

void zt_scene3d_pose(const zt_scene3d *s, const zt_mesh *m, double u, zt_vec3 *place, zt_vec3 *normal) {
    zt_vec3 at[ZT_SCENE_OBJECTS];
    double sine[ZT_SCENE_OBJECTS], cosine[ZT_SCENE_OBJECTS];
    for (int i = 0; i < s->n; i++) {
        const double beat = s->beats * u - floor(s->beats * u), turn = s->solid[i].turn + (i ? 0 : s->spin * u);
        at[i] = s->solid[i].at;
        sine[i] = zt_sin(turn);
        cosine[i] = zt_cos(turn);
        if (i) continue;
        at[i].y += s->hop * 4 * beat * (1 - beat);
        at[i].x += s->slide * (u - 0.5) * zt_cos(s->slide_angle);
        at[i].z += s->slide * (u - 0.5) * zt_sin(s->slide_angle);
    }
    for (int k = 0; k < m->n; k++) {
        const int i = m->part[k] - 1;
        const zt_vec3 p = zt_scale3(m->rest[k], s->solid[i].size), n = m->normal[k];
        place[k] = zt_add3(at[i], zt_v(cosine[i] * p.x + sine[i] * p.z, p.y, cosine[i] * p.z - sine[i] * p.x));
        if (normal) normal[k] = zt_v(cosine[i] * n.x + sine[i] * n.z, n.y, cosine[i] * n.z - sine[i] * n.x);
    }
}

zt_view zt_scene3d_camera(const zt_scene3d *s, double u, double W, double H) {
    const int move = s->base.value[CAMERA];
    const double way = s->sweep * (u - 0.5), side = H < W ? H : W;
    double angle = s->angle, distance = s->distance, look = 0;
    if (move == ORBITS_LEFT) angle -= way;
    if (move == ORBITS_RIGHT) angle += way;
    if (move == CLOSER) distance *= 1 - way;
    if (move == AWAY) distance *= 1 + way;
    if (move == PANS_LEFT) look = way;
    if (move == PANS_RIGHT) look = -way;
    const zt_vec3 eye = zt_v(distance * zt_sin(angle), s->height * distance, distance * zt_cos(angle)), middle = zt_v(0, 0.42, 0);
    const zt_vec3 to = zt_sub3(middle, eye);
    const double c = zt_cos(look), k = zt_sin(look);
    const zt_vec3 turned = zt_v(c * to.x + k * to.z, to.y, c * to.z - k * to.x);
    return zt_view_look(eye, zt_add3(eye, turned), 1.25 * side, W, H);
}

/* ---- what there is ---- */

static void place(zt_rng *r, zt_scene3d *s) {
    const int *v = s->base.value;
    for (int i = 0; i < ZT_SCENE_OBJECTS; i++) {
        zt_solid *o = &s->solid[i];
        o->shape = i ? v[SHAPE2] : v[SHAPE];
        o->size = (i ? v[SIZE2] : v[SIZE]) == 0 ? zt_rng_range(r, 0.26, 0.32) : zt_rng_range(r, 0.46, 0.54);
        o->turn = zt_rng_range(r, -0.6, 0.6);
    }
    s->angle = zt_rng_range(r, -0.5, 0.5);
    /* Side by side for the camera's middle way: one left of the centre, one right of it. */
    const double apart = s->solid[0].size + s->solid[1].size + zt_rng_range(r, 0.2, 0.4), swap = zt_rng_u32(r) & 1 ? 1 : -1;
    const double askew = s->angle + zt_rng_range(r, -0.4, 0.4), x = zt_cos(askew), z = -zt_sin(askew);
    if (s->n == 2)
        for (int i = 0; i < 2; i++) {
            const double k = (i ? 1 : -1) * swap * apart / 2;
            s->solid[i].at = zt_v(k * x, 0, k * z);
        }
}

static void move(zt_rng *r, zt_scene3d *s) {
    const int motion = s->base.value[MOTION], camera = s->base.value[CAMERA];
    const double hop = zt_rng_range(r, 0.4, 0.7), slide = zt_rng_range(r, 0.9, 1.4), spin = zt_rng_range(r, 1.6, 3);
    const double way = zt_rng_u32(r) & 1 ? 1 : -1, far = s->n == 2 ? 1.15 : 1, sweep = zt_rng_range(r, 0.8, 1.1);
    s->beats = 2;
    s->hop = motion == HOPS ? hop : 0;
    s->spin = motion == SPINS ? way * spin : 0;
    s->slide = motion == SLIDES ? way * slide : 0;
    s->slide_angle = -s->angle + ZT_PI / 2 + zt_rng_range(r, -0.3, 0.3); /* to and fro: past the other object, not into it */
    s->distance = far * zt_rng_range(r, 3.3, 3.7);
    s->height = zt_rng_range(r, 0.42, 0.6);
    s->sweep = camera == STAYS                      ? 0
               : camera == CLOSER || camera == AWAY ? 0.62 * sweep
               : camera >= PANS_LEFT                ? 0.42 * sweep
                                                    : 1.5 * sweep;
}

static void sample(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *scene) {
    zt_scene3d *s = (zt_scene3d *)scene;
    int *v = scene->value, other[ZT_ATTRIBUTES];
    (void)size;
    zt_world_pick(&zt_world_scene3d, r, held, want_held, v);
    zt_world_pick(&zt_world_scene3d, r, held, false, other);
    s->n = 1 + (int)(zt_rng_u32(r) & 1);
    v[SIZE] = (int)(zt_rng_u32(r) & 1);
    v[SIZE2] = (int)(zt_rng_u32(r) & 1);
    v[SHAPE2] = other[SHAPE];
    v[COLOUR2] = other[COLOUR];
    v[FLOOR] = (int)zt_rng_int(r, 0, ZT_FLOORS - 1);
    v[MOTION] = (int)zt_rng_int(r, 0, MOTIONS - 1);
    if (v[MOTION] == SPINS && v[SHAPE] != CUBE && v[SHAPE] != TORUS) v[MOTION] = HOPS; /* round ones look the same turned */
    place(r, s);
    move(r, s);
    if (s->n == 1) v[SHAPE2] = v[COLOUR2] = v[SIZE2] = -1;
    for (int k = 0; k < 3; k++) {
        s->paint[0][k] = zt_paint_rgb[v[COLOUR]][k];
        s->paint[1][k] = zt_paint_rgb[other[COLOUR]][k];
    }
    const double from_side = zt_rng_range(r, -0.9, 0.9), from_front = zt_rng_range(r, 0.3, 0.9);
    s->light = zt_unit3(zt_v(from_side, 1.2, from_front));
    const double level = zt_rng_range(r, 88, 140),
                 tint[3] = {zt_rng_range(r, -14, 14), zt_rng_range(r, -8, 8), zt_rng_range(r, -14, 14)};
    for (int k = 0; k < 3; k++) {
        s->floor[k] = level + tint[k];
        s->sky[k] = 150 + 30 * k + tint[2 - k];
    }
    s->grain = (uint64_t)zt_rng_u32(r) << 32;
    s->grain |= zt_rng_u32(r);
}

/* ---- how it is called ---- */

static const char *const SOLID[] = {"sphere", "cube", "cylinder", "cone", "ring", "vase"},
                         *const PATH[] = {"still", "orbit left", "orbit right", "closer", "away", "pan left", "pan right"},
                         *const FILMS[] = {"camera stays still",  "camera orbits left", "camera orbits right",
                                           "camera moves closer", "camera moves away",  "camera pans left",
                                           "camera pans right"},
                         *const BIG[] = {"small", "big"}, *const MOVES[] = {"rests", "hops", "spins", "slides"},
                         *const DOES[] = {NULL, "hops", "spins", "slides"}, *const GROUND[] = {"plain", "checkered", "speckled"},
                         *const ON[] = {"plain floor", "checkered floor", "speckled floor"};
static const zt_attribute ATTRIBUTE[] = {
    {"shape", SHAPES, SOLID, SOLID, 1, true},
    {"colour", ZT_PAINTS, zt_paint_name, zt_paint_name, 1, true},
    {"camera", CAMERAS, PATH, FILMS, 0, true},
    {"shape2", SHAPES, SOLID, SOLID, 2, true},
    {"colour2", ZT_PAINTS, zt_paint_name, zt_paint_name, 2, true},
    {"size", 2, BIG, BIG, 1, false},
    {"size2", 2, BIG, BIG, 2, false},
    {"motion", MOTIONS, MOVES, DOES, 1, false},
    {"floor", ZT_FLOORS, GROUND, ON, 0, false},
};

static void caption(const zt_scene *s, zt_rng *r, char text[ZT_CAPTION_MAX]) {
    const int *v = s->value;
    const uint32_t say = r ? zt_rng_u32(r) : 0; /* bits: first size, second size, floor (two) */
    const char *size = say & 1 ? v[SIZE] ? "big " : "small " : "", *size2 = say & 2 ? v[SIZE2] ? "big " : "small " : "";
    int n = snprintf(text, ZT_CAPTION_MAX, "a %s%s %s%s%s", size, zt_paint_name[v[COLOUR]], SOLID[v[SHAPE]],
                     DOES[v[MOTION]] ? " " : "", DOES[v[MOTION]] ? DOES[v[MOTION]] : "");
    if (v[SHAPE2] >= 0)
        n += snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), " beside a %s%s %s", size2, zt_paint_name[v[COLOUR2]],
                      SOLID[v[SHAPE2]]);
    if ((say & 12) == 12) n += snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), " on a %s", ON[v[FLOOR]]);
    snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), ", the %s", FILMS[v[CAMERA]]);
}

static const zt_truth_def TRUTH[] = {
    {"mask", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}}, /* of all solids */
    {"flow", 'f', 4, 4, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W, 2}},
    {"depth", 'f', 4, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},    /* along the viewing axis; 0: sky */
    {"occluded", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}}, /* 255: not to be seen in the next frame */
    {"objects", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},  /* 0: floor, sky; 1, 2: the solids as the caption names them */
    {"camera", 'f', 4, 2, {ZT_AXIS_T, 16}}, /* fx, fy, cx, cy (pixels); right, down, forward in the world; eye */
};
const zt_world zt_world_scene3d = {
    .name = "scene3d",
    .attribute = ATTRIBUTE,
    .n_attributes = sizeof ATTRIBUTE / sizeof *ATTRIBUTE,
    .n_held = 3,
    .joint = " beside a ",
    .truth = TRUTH,
    .n_truths = sizeof TRUTH / sizeof *TRUTH,
    .scene_bytes = sizeof(zt_scene3d),
    .sample = sample,
    .caption = caption,
    .render = zt_scene3d_render,
};
