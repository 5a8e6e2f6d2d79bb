/* synth.h - the labelled world MOVE: one shape of one colour moves straight over a background; captions, masks and flow are known.
 * The judge (eval/judge.h) shares nothing with this. */
#ifndef ZT_SYNTH_H
#define ZT_SYNTH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"

typedef enum zt_world_shape { ZT_SQUARE, ZT_CIRCLE, ZT_TRIANGLE, ZT_SHAPES } zt_world_shape;
typedef enum zt_world_colour { ZT_RED, ZT_GREEN, ZT_BLUE, ZT_YELLOW, ZT_COLOURS } zt_world_colour;
typedef enum zt_world_direction { ZT_LEFT, ZT_RIGHT, ZT_UP, ZT_DOWN, ZT_DIRECTIONS } zt_world_direction;
enum { ZT_TRIPLES = 48, ZT_CAPTION_MAX = 160 };

/** What is in a clip. Lengths are parts of the shorter side, so that a spec renders at any size. */
typedef struct zt_world_spec {
    zt_world_shape shape;
    zt_world_colour colour;
    zt_world_direction direction;
    bool slow, small, textured;
    double x, y;                   /* centre in the first frame */
    double radius;                 /* half extent */
    double speed;                  /* per frame */
    uint64_t background;           /* seed of background level and texture */
} zt_world_spec;

/** Triples kept out of training: shape*16 + colour*4 + direction -> held[triple]. n of 48 (a multiple of 12, or any n: as even as
 *  possible over shapes, colours and directions), by seed. */
void zt_world_hold_out(uint64_t seed, int n, bool held[ZT_TRIPLES]);
int zt_world_triple(const zt_world_spec *s);
/** Draw a spec whose triple is held (want_held) or is not; the object stays inside the frame for `frames` frames. */
void zt_world_sample(zt_rng *r, const bool held[ZT_TRIPLES], bool want_held, int frames, zt_world_spec *s);
/** Caption by the grammar: "a red square moves left", "a small blue circle moves slowly up", "a big green triangle moves down over a textured
 *  background"; size, speed and background words are optional (drawn from r) but never wrong. */
void zt_world_caption(const zt_world_spec *s, zt_rng *r, char caption[ZT_CAPTION_MAX]);
/** Render [T,H,W,3]; mask [T,H,W] (coverage 0..255) and flow [T,H,W,2] (pixels to the next frame, 0 on the background) may be NULL. */
void zt_world_render(const zt_world_spec *s, int T, int H, int W, uint8_t *rgb, uint8_t *mask, float *flow);

typedef struct zt_synth_cfg {
    const char *out;
    int64_t clips, frames, size, hold_out;
    double fps, val, test;         /* parts of the clips for validation and test, 0..0.5 */
    uint64_t seed;
    bool all_truth;                /* masks and flow for the training split too (always for val and test) */
} zt_synth_cfg;
/** Render a data set: train (no held-out triple), val (seen triples), test (half seen, half held out; label "held_out"). Written beside and
 *  renamed: cfg->out must not exist or be empty. ZT_CANCELLED leaves nothing. */
zt_err zt_synth(const zt_synth_cfg *cfg);
#endif
