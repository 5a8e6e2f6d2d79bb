/* scene3d.h - what the world "scene3d" holds at a time: shared by its two files. What there is and how it moves is in scene3d.c,
 * light and colour in scene3d_render.c. The floor is y = 0, one unit is about the size of a big object. */
#ifndef ZT_DATA_SCENE3D_H
#define ZT_DATA_SCENE3D_H
#include "data/world.h"
#include "data/worlds/raster.h"

enum { ZT_SCENE_OBJECTS = 2, ZT_SCENE3D_FLOOR = 8 }; /* the latter: place of the attribute "floor" */
enum { ZT_FLOOR_PLAIN, ZT_FLOOR_CHECKERED, ZT_FLOOR_SPECKLED, ZT_FLOORS };

typedef struct zt_solid {
    int shape;
    double size; /* half its width */
    zt_vec3 at;  /* its foot's middle when it does not move */
    double turn; /* about the vertical, radians */
} zt_solid;

typedef struct zt_scene3d {
    zt_scene base;
    int n;
    zt_solid solid[ZT_SCENE_OBJECTS];
    double paint[ZT_SCENE_OBJECTS][3]; /* 0..255 */
    double hop, slide;                 /* of the first object */
    double slide_angle, spin, beats;
    double distance, height, angle, sweep; /* of the camera */
    zt_vec3 light;                         /* unit vector towards it */
    double floor[3], sky[3];
    uint64_t grain; /* seed of the floor's texture */
} zt_scene3d;

/** Meshes of all solids, each with its foot at the origin. ZT_NOMEM; free with zt_mesh_finish. */
zt_err zt_scene3d_mesh(const zt_scene3d *s, zt_mesh *m);
/** Place [m->n] and unit normals [m->n] of the vertices at u of the clip: 0 first frame, 1 last. normal may be NULL. */
void zt_scene3d_pose(const zt_scene3d *s, const zt_mesh *m, double u, zt_vec3 *place, zt_vec3 *normal);
/** The camera at u, for frames of W x H pixels. */
zt_view zt_scene3d_camera(const zt_scene3d *s, double u, double W, double H);
zt_err zt_scene3d_render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]);
#endif
