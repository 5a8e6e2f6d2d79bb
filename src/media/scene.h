/* scene.h - where shots of a video begin and end: cuts, dissolves, fades, found while frames stream by. It sees small pictures of
 * the frames (media/thumb.h) and their times, never files. */
#ifndef ZT_MEDIA_SCENE_H
#define ZT_MEDIA_SCENE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/** A small picture: three planes Y, U, V (BT.601 or 709 codes as the file has them) of the same size, rows one after another. */
enum { ZT_THUMB_W = 32, ZT_THUMB_H = 24, ZT_THUMB_PLANE = ZT_THUMB_W * ZT_THUMB_H, ZT_THUMB_BYTES = 3 * ZT_THUMB_PLANE };

/** How shots are told apart. "Difference" is between neighbouring frames, mean absolute, each block at its best match nearby, so
 *  that motion costs little; 0..255. */
typedef enum zt_scene_kind {
    ZT_SCENES_OFF,
    ZT_SCENES_AUTO,             /* ADAPTIVE and THRESHOLD, and dissolves */
    ZT_SCENES_CONTENT,          /* cuts: a difference above a fixed limit */
    ZT_SCENES_ADAPTIVE,         /* cuts: a difference that stands out from those of the frames around it */
    ZT_SCENES_THRESHOLD,        /* fades: the picture goes to one even black or white, and out of it */
} zt_scene_kind;
#define ZT_SCENE_KINDS "off|auto|content|adaptive|threshold"   /* names in the order of the enum, as option tables want them */

typedef enum zt_boundary_kind { ZT_BOUNDARY_CUT, ZT_BOUNDARY_DISSOLVE, ZT_BOUNDARY_FADE } zt_boundary_kind;

/** Between two shots. Frames of start_s <= time < end_s belong to neither; for a cut start_s == end_s is the time of the first
 *  frame of the new shot. Seconds since the first frame of the file. */
typedef struct zt_boundary { double start_s, end_s; zt_boundary_kind kind; } zt_boundary;

typedef struct zt_scene_cfg {
    zt_scene_kind kind;
    double min_scene_s;         /* boundaries nearer to each other become one that covers both; 0: 0.4 */
    double content;             /* limit of CONTENT; 0: 22 */
    double eager_s;             /* above 0: report all that may be a boundary, for pictures that may lie further apart than the
                                 * frames: between two that are more than so many seconds apart there are others */
} zt_scene_cfg;

typedef struct zt_scenes zt_scenes;
/** kind must not be OFF. Errors: ZT_ARG, ZT_NOMEM; *s is NULL then. One thread at a time. */
zt_err zt_scenes_create(zt_scenes **s, const zt_scene_cfg *cfg);
/** NULL and *s == NULL are fine; sets *s = NULL. */
void zt_scenes_destroy(zt_scenes **s);
/** The next frame; times grow. Errors: ZT_NOMEM. */
zt_err zt_scenes_push(zt_scenes *s, const uint8_t thumb[ZT_THUMB_BYTES], double time_s);
/** No more frames: all boundaries are known. Once is enough, more do nothing. Errors: ZT_NOMEM. */
zt_err zt_scenes_end(zt_scenes *s);
/** Boundaries in order of time, not overlapping; borrowed until the next push. What starts before *settled_s is final but for the
 *  end of the last, which grows while a fade lasts: whether a frame before *settled_s is in a shot, and in the same as the one
 *  before it, is known. INFINITY after zt_scenes_end. At most about 3 s of video lie between the last frame and *settled_s. */
size_t zt_scenes_boundaries(const zt_scenes *s, const zt_boundary **list, double *settled_s);
/** A boundary that was found otherwise. Errors: ZT_NOMEM. */
zt_err zt_scenes_put(zt_scenes *s, zt_boundary b);
/** How much two small pictures differ with motion taken out, in units of their contrast: 0 the same, two shots from 0.3 on. */
double zt_thumbs_apart(const uint8_t a[ZT_THUMB_BYTES], const uint8_t b[ZT_THUMB_BYTES]);
/** "cut", "dissolve", "fade". */
const char *zt_boundary_name(zt_boundary_kind kind);
#endif
