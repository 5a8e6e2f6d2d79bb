/* faces.h - the parametric head of the world "faces": shape, expression, pose. Shared by its files: faces.c (what there is),
 * faces_head.c (shape and landmarks), faces_paint.c (skin, eyes, hair), faces_render.c (drawing, truth).
 * The head is 2 units high: chin at y = -1, y up, x to the viewer's right, z towards the viewer. A point of the face is named by
 * (x,y) when nothing moves: its place seen from the front. */
#ifndef ZT_DATA_WORLDS_FACES_H
#define ZT_DATA_WORLDS_FACES_H
#include "data/world.h"
#include "data/worlds/raster.h"

/** What muscles do, each 0..1, after the Facial Action Coding System (Ekman & Friesen 1978; action unit in brackets). */
enum {
    ZT_RIG_BROW_INNER_UP, /* 1 */
    ZT_RIG_BROW_OUTER_UP, /* 2 */
    ZT_RIG_BROW_DOWN,     /* 4 */
    ZT_RIG_EYE_WIDE,      /* 5 */
    ZT_RIG_EYE_SHUT,      /* 45 */
    ZT_RIG_SMILE,         /* 12 */
    ZT_RIG_FROWN,         /* 15 */
    ZT_RIG_PUCKER,        /* 18 */
    ZT_RIG_PRESS,         /* 24 */
    ZT_RIG_JAW_OPEN,      /* 26 */
    ZT_RIG
};

enum { ZT_LANDMARKS = 30 };
enum { ZT_PART_HEAD = 1, ZT_PART_HAIR, ZT_PART_EAR, ZT_PART_FRAME, ZT_PART_NECK, ZT_PART_SHIRT };
enum { ZT_STYLE_SHORT, ZT_STYLE_LONG };

/** Who it is. Lengths in head units, colours 0..255. */
typedef struct zt_person {
    double width, jaw, depth; /* half the width at the eyes; how much narrower the jaw is, 0..1; half the depth */
    double eye_x, eye_width, eye_height, brow_y, brow_thick;
    double nose_width, nose_length, mouth_y, mouth_width, lip;
    double skin[3], hair[3], iris[3], lips[3], shirt[3];
    int style;
    bool glasses, beard;
    uint64_t grain; /* seed of the beard's and hair's texture */
} zt_person;

typedef struct zt_pose {
    double yaw, pitch, roll;
} zt_pose; /* radians: nose to the viewer's right, down; head to the right */

typedef struct zt_faces {
    zt_scene base;
    zt_person person;
    zt_pose rest;      /* how the head is held */
    double reach;      /* how far it turns, 0..1 */
    double x, y, size; /* middle and height of the head, parts of the shorter side */
    zt_vec3 light;
    double wall[3];
    uint64_t background;
} zt_faces;

/** Pose and muscles at u of the clip, 0 first frame, 1 last. */
zt_pose zt_faces_pose(const zt_faces *s, double u);
void zt_faces_rig(const zt_faces *s, double u, double rig[ZT_RIG]);

/** Height of the mouth's line at x, half the gap between the lips there, and of an eye's lids above and below its middle at
 *  `across` (-1 inner, 1 outer corner). */
double zt_mouth_line(const zt_person *p, const double rig[ZT_RIG], double x);
double zt_mouth_gap(const zt_person *p, const double rig[ZT_RIG], double x);
double zt_mouth_half(const zt_person *p, const double rig[ZT_RIG]); /* its half width */
void zt_eye_lids(const zt_person *p, const double rig[ZT_RIG], double across, double *above, double *below);
/** Height of a brow's middle line at `along`: -1 inner, 1 outer end. */
double zt_brow_line(const zt_person *p, const double rig[ZT_RIG], double along);
/** How far above the hairline a point of the head is; below 0: no hair. front as in the mesh's rest. */
double zt_hair_above(const zt_person *p, double x, double y, double front);
#define ZT_EYE_Y 0.02

/** Place of point (x,y) of the face, head upright. */
zt_vec3 zt_face_point(const zt_person *p, const double rig[ZT_RIG], double x, double y);
/** (x,y) of the landmarks: for each side (viewer's left first) brow outer, middle, inner, eye outer corner, top, inner corner,
 *  bottom, pupil; then nose bridge, tip, left and right wing; mouth left and right corner, upper lip's upper edge, lower lip's
 *  lower edge, upper and lower edge of the gap; chin, left and right jaw, forehead. */
void zt_face_landmarks(const zt_person *p, const double rig[ZT_RIG], double xy[ZT_LANDMARKS][2]);

/** The mesh. rest of the head's vertices is (x, y, front): front = 1 towards the viewer, -1 behind. ZT_NOMEM. */
zt_err zt_faces_mesh(const zt_person *p, zt_mesh *m);
/** A pose as a rotation about the neck, and a place so turned. */
zt_mat3 zt_faces_turn(const zt_pose *pose);
zt_vec3 zt_turned(const zt_mat3 *turn, zt_vec3 v);
/** Places and normals [m->n] of the vertices. */
void zt_faces_place(const zt_person *p, const zt_mat3 *turn, const double rig[ZT_RIG], const zt_mesh *m, zt_vec3 *place,
                    zt_vec3 *normal);
/** Colour, 0..255, of a vertex's surface at `rest` of a part, before light; *gloss 0..1. grain: noise lattice [16,16]. */
zt_vec3 zt_faces_paint(const zt_person *p, const double rig[ZT_RIG], int part, zt_vec3 rest, const double *grain, double *gloss);

zt_err zt_faces_render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]);
#endif
