/* faces_render.c - draws the world "faces" (faces.h) and tells its truth. Tested by tests/data/test_data_worlds.c. */
#include <string.h>

#include "base/mem.h"
#include "data/worlds/faces.h"
#include "data/worlds/paint.h"

enum { CELLS = 16 };

typedef struct portrait {
    const zt_faces *s;
    zt_clip_size size;
    int sub; /* samples per pixel and side; odd: one is the pixel's middle */
    zt_mesh mesh;
    zt_vec3 *place, *normal;
    zt_raster raster;
    zt_view view; /* in samples */
    zt_pose pose;
    zt_mat3 turn;
    double rig[ZT_RIG], grain[CELLS * CELLS];
} portrait;

static void finish(portrait *k) {
    zt_free(k->place);
    zt_free(k->normal);
    zt_raster_finish(&k->raster);
    zt_mesh_finish(&k->mesh);
}

static zt_err init(portrait *k) {
    zt_err e;
    const double distance = 7, side = k->size.H < k->size.W ? k->size.H : k->size.W, focal = k->s->size * side / 2.06 * distance;
    k->sub = side <= 32 ? 5 : 3;
    ZT_TRY(e = zt_faces_mesh(&k->s->person, &k->mesh), done);
    k->place = zt_alloc_array((size_t)k->mesh.room, sizeof *k->place);
    k->normal = zt_alloc_array((size_t)k->mesh.room, sizeof *k->normal);
    if (!k->place || !k->normal) return ZT_NOMEM;
    ZT_TRY(e = zt_raster_init(&k->raster, k->size.W * k->sub, k->size.H * k->sub, k->mesh.room), done);
    k->view = zt_view_look(zt_v(0, 0, distance), zt_v(0, 0, 0), focal * k->sub, k->size.W * k->sub, k->size.H * k->sub);
    k->view.cx += (k->s->x - 0.5) * side * k->sub;
    k->view.cy += (k->s->y - 0.5) * side * k->sub;
    zt_rng r = zt_rng_init(k->s->person.grain, zt_hash_name("faces/grain"));
    for (int i = 0; i < CELLS * CELLS; i++) k->grain[i] = zt_rng_uniform(&r);
done:
    return e;
}

static double moment(const portrait *k, int t) { return k->size.T > 1 ? (double)t / (k->size.T - 1) : 0.3; }

static void set_frame(portrait *k, int t) {
    k->pose = zt_faces_pose(k->s, moment(k, t));
    zt_faces_rig(k->s, moment(k, t), k->rig);
    k->turn = zt_faces_turn(&k->pose);
    zt_faces_place(&k->s->person, &k->turn, k->rig, &k->mesh, k->place, k->normal);
    zt_raster_draw(&k->raster, &k->mesh, k->place, &k->view);
}

/* ---- drawing ---- */

/* Soft light from all around, more from above, and a lamp. */
static zt_vec3 sample_colour(const portrait *k, int x, int y, int32_t tri) {
    const int32_t *t = k->mesh.tri[tri];
    const int part = k->mesh.part[t[0]];
    double w[3], gloss;
    zt_raster_weights(&k->raster, &k->mesh, x, y, false, w);
    const zt_vec3 n = zt_unit3(zt_blend3(k->normal, t, w)), p = zt_blend3(k->place, t, w);
    const zt_vec3 paint = zt_faces_paint(&k->s->person, k->rig, part, zt_blend3(k->mesh.rest, t, w), k->grain, &gloss);
    const double facing = zt_dot3(n, k->s->light), under = part == ZT_PART_NECK || part == ZT_PART_SHIRT ? 0.85 : 1;
    const double light = under * (0.42 + 0.1 * n.y + 0.06 * n.z + 0.58 * (facing > 0 ? facing : 0));
    const zt_vec3 half = zt_unit3(zt_add3(k->s->light, zt_unit3(zt_sub3(k->view.eye, p))));
    double h = zt_dot3(n, half);
    h = h > 0 ? h * h : 0;
    h *= h;
    h *= h;
    const double glint = 255 * gloss * h * h; /* power 16 */
    return zt_add3(zt_scale3(paint, light), zt_v(glint, glint, glint));
}

/* Triangle that sample i of a pixel shows, -1: the wall; its part, 0: the wall. */
static int32_t shown(const portrait *k, int px, int py, int i, int *part) {
    const int n = k->sub;
    const int32_t tri = k->raster.tri[(size_t)(py * n + i / n) * (size_t)k->raster.W + (size_t)(px * n + i % n)];
    *part = tri < 0 ? 0 : k->mesh.part[k->mesh.tri[tri][0]];
    return tri;
}

/* Colour of a pixel over its wall. One sample does where all show one part that is not the finely painted head. */
static void draw_pixel(const portrait *k, int px, int py, uint8_t p[3], uint8_t *mask) {
    const int n = k->sub, all = n * n;
    int heads = 0, hits = 0, middle, even = 1;
    zt_vec3 sum = {0, 0, 0};
    const int32_t tri = shown(k, px, py, all / 2, &middle);
    for (int i = 0; i < all; i++) {
        int part;
        shown(k, px, py, i, &part);
        hits += part > 0;
        heads += part > 0 && part < ZT_PART_NECK;
        even &= part == middle;
    }
    if (even && middle > ZT_PART_HEAD)
        sum = zt_scale3(sample_colour(k, px * n + n / 2, py * n + n / 2, tri), all);
    else
        for (int i = 0; i < all && hits; i++) {
            int part;
            const int32_t t = shown(k, px, py, i, &part);
            if (part) sum = zt_add3(sum, sample_colour(k, px * n + i % n, py * n + i / n, t));
        }
    const double c[3] = {sum.x, sum.y, sum.z};
    for (int j = 0; j < 3; j++) p[j] = (uint8_t)(zt_clamp((c[j] + (all - hits) * p[j]) / all, 0, 255) + 0.5);
    if (mask) *mask = (uint8_t)((255 * heads + all / 2) / all);
}

static void draw_frame(const portrait *k, uint8_t *rgb, uint8_t *mask, float *depth) {
    const int n = k->sub, W = k->size.W;
    for (int py = 0; py < k->size.H; py++)
        for (int px = 0; px < W; px++) {
            const size_t at = (size_t)py * (size_t)W + (size_t)px;
            draw_pixel(k, px, py, rgb + at * 3, mask ? mask + at : NULL);
            const float near = k->raster.near[(size_t)(py * n + n / 2) * (size_t)k->raster.W + (size_t)(px * n + n / 2)];
            if (depth && near > 0) depth[at] = 1 / near;
        }
}

/* ---- truth ---- */

/* Pixel of a place of the face, and whether nothing hides it. */
static void tell_point(const portrait *k, zt_vec3 v, float to[3]) {
    const zt_vec3 q = zt_view_project(&k->view, zt_turned(&k->turn, v));
    const bool inside = q.x >= 0 && q.y >= 0 && q.x < k->raster.W && q.y < k->raster.H;
    to[0] = (float)(q.x / k->sub);
    to[1] = (float)(q.y / k->sub);
    to[2] = inside && k->raster.near[(size_t)q.y * (size_t)k->raster.W + (size_t)q.x] < 1.012 / q.z;
}

static void tell_landmarks(const portrait *k, float *to) {
    double xy[ZT_LANDMARKS][2];
    zt_face_landmarks(&k->s->person, k->rig, xy);
    for (int i = 0; i < ZT_LANDMARKS; i++) {
        const zt_vec3 v = zt_face_point(&k->s->person, k->rig, xy[i][0], xy[i][1]);
        tell_point(k, v, to + i * 3);
    }
}

/* From the hairline to the chin, from jaw to jaw: what of the head's front is skin. */
static void tell_box(const portrait *k, float to[4]) {
    double box[4] = {1e9, 1e9, -1e9, -1e9};
    for (int i = 0; i < k->mesh.n; i++) {
        const zt_vec3 r = k->mesh.rest[i];
        if (k->mesh.part[i] != ZT_PART_HEAD || r.z < 0.1 || r.y > 0.55) continue;
        const zt_vec3 s = k->raster.screen[i];
        box[0] = fmin(box[0], s.x);
        box[1] = fmin(box[1], s.y);
        box[2] = fmax(box[2], s.x);
        box[3] = fmax(box[3], s.y);
    }
    for (int i = 0; i < 4; i++) to[i] = (float)(box[i] / k->sub);
}

static void tell_frame(const portrait *k, int t, void *const truth[ZT_TRUTHS]) {
    if (truth[2]) tell_landmarks(k, (float *)truth[2] + t * ZT_LANDMARKS * 3);
    if (truth[3]) tell_box(k, (float *)truth[3] + t * 4);
    if (truth[4]) {
        float *to = (float *)truth[4] + t * 3;
        to[0] = (float)k->pose.yaw;
        to[1] = (float)k->pose.pitch;
        to[2] = (float)k->pose.roll;
    }
    if (truth[5])
        for (int i = 0; i < ZT_RIG; i++) ((float *)truth[5])[t * ZT_RIG + i] = (float)k->rig[i];
}

zt_err zt_faces_render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]) {
    portrait k = {.s = (const zt_faces *)scene, .size = *size};
    zt_err e;
    const size_t pixels = (size_t)size->H * (size_t)size->W;
    ZT_TRY(e = init(&k), done);
    zt_paint_background(size, k.s->background, k.s->wall, 36, rgb);
    for (int t = 0; t < size->T; t++) {
        const size_t at = (size_t)t * pixels;
        set_frame(&k, t);
        draw_frame(&k, rgb + at * 3, truth[0] ? (uint8_t *)truth[0] + at : NULL, truth[1] ? (float *)truth[1] + at : NULL);
        tell_frame(&k, t, truth);
    }
done:
    finish(&k);
    return e;
}
