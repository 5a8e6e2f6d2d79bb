/* synth.h - the labelled world MOVE: one shape of one colour moves straight over a background; captions, masks and flow are
 * known. The judge (eval/judge.h) shares nothing with this. */
#ifndef ZT_SYNTH_H
#define ZT_SYNTH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"

typedef enum zt_world_shape { ZT_SQUARE, ZT_CIRCLE, ZT_TRIANGLE, ZT_SHAPES } zt_world_shape;
typedef enum zt_world_colour { ZT_RED, ZT_GREEN, ZT_BLUE, ZT_YELLOW, ZT_COLOURS } zt_world_colour;
typedef enum zt_world_direction { ZT_LEFT, ZT_RIGHT, ZT_UP, ZT_DOWN, ZT_DIRECTIONS } zt_world_direction;
enum { ZT_TRIPLES = 48, ZT_CAPTION_MAX = 160, ZT_HOLD_OUT_MAX = 24, ZT_WORLD_SIDE_MIN = 16 };

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

/** Triples kept out of training: shape*16 + colour*4 + direction -> held[triple]. n of 48, at most ZT_HOLD_OUT_MAX (more is taken
 *  as
 *  that), by seed: n = 12 takes 4 from each shape, 3 from each colour and direction, other n as evenly as possible; every pair of
 *  two
 *  attributes is still seen in training. */
void zt_world_hold_out(uint64_t seed, int n, bool held[ZT_TRIPLES]);
int zt_world_triple(const zt_world_spec *s);
void zt_world_set_triple(zt_world_spec *s, int triple);    /* triple 0..47 */
/** Draw a spec whose triple is held (want_held) or is not (any, if there is no such triple; held NULL: none is held); the object
 *  stays
 *  wholly inside the frame for `frames` frames. */
void zt_world_sample(zt_rng *r, const bool held[ZT_TRIPLES], bool want_held, int frames, zt_world_spec *s);
/** Caption by the grammar: "a red square moves left", "a small blue circle moves slowly up", "a big green triangle moves down
 *  over a
 *  textured background"; size, speed and background words are optional (drawn from r; r NULL: none of them) but never wrong. */
void zt_world_caption(const zt_world_spec *s, zt_rng *r, char caption[ZT_CAPTION_MAX]);
/** Read shape, colour and direction back from a caption: whole words, any case; and slow, small, textured when they are named.
 *  The rest of
 *  `s` is zeroed. Returns whether shape, colour and direction are all named, none twice with different values. */
bool zt_world_parse(const char *caption, zt_world_spec *s);
/** Words as captions use them ("square", "red", "left"); "?" when out of range. */
const char *zt_world_shape_name(int shape);
const char *zt_world_colour_name(int colour);
const char *zt_world_direction_name(int direction);
/** Render [T,H,W,3], T >= 1, H and W >= 1. mask [T,H,W] (coverage 0..255) and flow [T,H,W,2] (pixels to the next frame, x right,
 *  y down;
 *  0 where less than half is covered) may be NULL. Any thread. */
void zt_world_render(const zt_world_spec *s, int T, int H, int W, uint8_t *rgb, uint8_t *mask, float *flow);

typedef struct zt_synth_cfg {
    const char *out;
    int64_t clips, frames, size, hold_out;
    double fps, val, test;         /* parts of the clips for validation and test, 0..0.5 */
    uint64_t seed;
    bool all_truth;                /* masks and flow for the training split too (always for val and test) */
} zt_synth_cfg;
typedef struct zt_synth_report { int64_t train, val, test, held_out, bytes; int shards; double seconds; } zt_synth_report;
/** Render a data set: train (no held-out triple), val (seen triples), test (half seen, half held out; label "held_out"). Equal
 *  cfg, equal
 *  shards, byte for byte. Written beside and renamed: cfg->out must not exist or be empty. Progress on stderr. report may be
 *  NULL.
 *  Errors: ZT_ARG (cfg, out), ZT_IO, ZT_NOMEM, ZT_CANCELLED; none leaves anything behind. */
zt_err zt_synth(const zt_synth_cfg *cfg, zt_synth_report *report);
#endif
