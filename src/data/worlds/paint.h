/* paint.h - flat drawing with smooth edges, for the worlds physics and digits: a shape is its signed distance in pixels.
 * Tested by tests/data/test_data_worlds.c. */
#ifndef ZT_DATA_PAINT_H
#define ZT_DATA_PAINT_H
#include <stddef.h>
#include <stdint.h>
#include "base/rng.h"
#include "data/world.h"

/** One frame: rgb [H,W,3]; mask [H,W] and flow [H,W,2] may be NULL. */
typedef struct zt_canvas {
    uint8_t *rgb, *mask;
    float *flow;
    int H, W;
} zt_canvas;
/** Frame t of a clip whose arrays are these (mask, flow NULL: none). */
zt_canvas zt_canvas_frame(const zt_clip_size *size, int t, uint8_t *rgb, uint8_t *mask, float *flow);

/** Colours that several worlds share, by the names in their captions. */
enum { ZT_PAINTS = 6 };
extern const char *const zt_paint_name[ZT_PAINTS];
extern const double zt_paint_rgb[ZT_PAINTS][3]; /* 0..255 */

/** Part of a pixel that a shape covers whose edge is `distance` pixels from the pixel's centre (negative: inside). */
double zt_coverage(double distance);
/** Distance of (x,y) to the segment from a to b. */
double zt_segment_distance(double x, double y, const double a[2], const double b[2]);
/** Lay `colour` over pixel (x,y). With `object` it is the clip's subject: mask and, where at least half is covered, flow are set
 *  (flow NULL: zero). */
void zt_lay(const zt_canvas *c, int x, int y, double coverage, const double colour[3], int object, const float flow[2]);
/** A segment of the given half width, pixels. Not an object. */
void zt_lay_segment(const zt_canvas *c, const double a[2], const double b[2], double half_width, const double colour[3]);
/** Fill frame 0 of rgb [T,H,W,3] with `colour` and smooth noise of +-amplitude/2, and copy it to the others. */
void zt_paint_background(const zt_clip_size *size, uint64_t seed, const double colour[3], double amplitude, uint8_t *rgb);
#endif
