/* raster.h - a small software renderer's lower half: triangle meshes, pinhole and parallel views, a z-buffer that remembers which
 * triangle each sample shows. What a sample looks like is the world's affair. Triangles in front of the eye only: worlds keep
 * their objects away from it. Tested by tests/data/test_data_worlds.c. */
#ifndef ZT_DATA_RASTER_H
#define ZT_DATA_RASTER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/worlds/vec.h"

/** Closed surfaces of triangles, counter-clockwise seen from outside. y is up, x right, z towards a viewer. */
typedef struct zt_mesh {
    int n, n_tri, room, room_tri;
    zt_vec3 *rest, *normal; /* [n] in the object's own frame */
    uint8_t *part;          /* [n] which object, 1.. */
    int32_t (*tri)[3];      /* [n_tri] */
} zt_mesh;

/** Empty mesh with room for n vertices and n_tri triangles. ZT_NOMEM. Free with zt_mesh_finish (also after a failure). */
zt_err zt_mesh_init(zt_mesh *m, int n, int n_tri);
void zt_mesh_finish(zt_mesh *m);
/** Append a vertex or triangle; there must be room. */
int zt_mesh_vertex(zt_mesh *m, int part, zt_vec3 rest, zt_vec3 normal);
void zt_mesh_triangle(zt_mesh *m, int a, int b, int c);

/* Solids of revolution and others, appended as part `part`; none takes more than ZT_SOLID_VERTICES and ZT_SOLID_TRIANGLES. */
enum {
    ZT_LATHE_SEGMENTS = 36,
    ZT_PROFILE_MAX = 32,
    ZT_SOLID_VERTICES = 37 * ZT_PROFILE_MAX,
    ZT_SOLID_TRIANGLES = 72 * ZT_PROFILE_MAX
};
/** A point of a profile, upwards along the axis: radius, height, and the normal there (radial, upwards). */
typedef struct zt_profile {
    double r, y, nr, ny;
} zt_profile;
void zt_mesh_lathe(zt_mesh *m, int part, const zt_profile *p, int n);
void zt_mesh_sphere(zt_mesh *m, int part, zt_vec3 centre, zt_vec3 radius); /* an ellipsoid */
void zt_mesh_box(zt_mesh *m, int part, zt_vec3 centre, zt_vec3 half);
/** A ring in the plane of x and y. */
void zt_mesh_torus(zt_mesh *m, int part, zt_vec3 centre, double ring, double tube);

/** A camera. Place in the world -> (right, down, forward) -> pixels: x = cx + focal * right / forward. parallel: no division. */
typedef struct zt_view {
    zt_vec3 eye;
    zt_mat3 axes;
    double focal, cx, cy;
    bool parallel;
} zt_view;
/** View from `eye` to `target`, up is y; the target is in the middle of a frame of w x h. */
zt_view zt_view_look(zt_vec3 eye, zt_vec3 target, double focal, double w, double h);
/** Pixel (x,y) and depth along the axis (z) of a place. z <= 0: behind. */
zt_vec3 zt_view_project(const zt_view *v, zt_vec3 p);
/** Direction (not of unit length: 1 along the axis) of the ray through pixel (x,y). */
zt_vec3 zt_view_ray(const zt_view *v, double x, double y);

/** z-buffer of W x H samples. */
typedef struct zt_raster {
    int W, H;
    float *near;     /* [H,W] 1/depth (parallel views: -depth); large is near; ZT_NOTHING where there is no triangle */
    int32_t *tri;    /* [H,W] triangle, -1: none */
    zt_vec3 *screen; /* [room] vertices: x, y and what `near` holds */
} zt_raster;
#define ZT_NOTHING (-1e30f)

zt_err zt_raster_init(zt_raster *r, int W, int H, int room);
void zt_raster_finish(zt_raster *r);
/** Clear and draw m with its vertices at pos [m->n]. Back faces are left out. */
void zt_raster_draw(zt_raster *r, const zt_mesh *m, const zt_vec3 *pos, const zt_view *v);
/** Weights of the corners of the triangle at the middle of sample (x,y), which shows one: right in space, not on the screen. */
void zt_raster_weights(const zt_raster *r, const zt_mesh *m, int x, int y, bool parallel, double weight[3]);
/** Weighted sum of the corners' values. */
static inline zt_vec3 zt_blend3(const zt_vec3 *value, const int32_t tri[3], const double w[3]) {
    const zt_vec3 a = value[tri[0]], b = value[tri[1]], c = value[tri[2]];
    return zt_v(a.x * w[0] + b.x * w[1] + c.x * w[2], a.y * w[0] + b.y * w[1] + c.y * w[2], a.z * w[0] + b.z * w[1] + c.z * w[2]);
}
#endif
