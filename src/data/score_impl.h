/* score_impl.h - private to score*.c: the planes of a clip that the measures read. */
#ifndef ZT_DATA_SCORE_IMPL_H
#define ZT_DATA_SCORE_IMPL_H
#include <stdbool.h>
#include <stdint.h>
#include "data/score.h"

enum {
    ZT_SMALL_SIDE = 128,    /* of all frames, for motion: longer side at most, pixels */
    ZT_LOOK_SIDE = 512,     /* of a few frames, for detail */
    ZT_LOOKS = 12
};

/* Luma planes, 0..255, one frame after another. */
typedef struct zt_planes { uint8_t *y; int n, h, w; } zt_planes;

static inline const uint8_t *zt_plane(const zt_planes *p, int t) { return p->y + (size_t)t * (size_t)p->h * (size_t)p->w; }

/* A clip made ready: every frame small, a few in detail. */
typedef struct zt_look {
    zt_planes small, detail;
    int at[ZT_LOOKS];       /* frame number of each plane of detail */
    double fps;
    int border[4];          /* bars found by zt_score_overlay: top, bottom, left, right, in rows or columns of detail */
} zt_look;

/** Mean box filter from [sh,sw] to [dh,dw], dh <= sh, dw <= sw. */
void zt_shrink(const uint8_t *src, int sh, int sw, uint8_t *dst, int dh, int dw);

/** motion, still, pan, tilt, zoom, shake. ZT_NOMEM. */
zt_err zt_score_motion(const zt_look *l, zt_scores *s);
/** border (and l->border), text, watermark. ZT_NOMEM. */
zt_err zt_score_overlay(zt_look *l, zt_scores *s);
/** The three hashes. */
void zt_score_hash(const zt_look *l, zt_scores *s);
#endif
