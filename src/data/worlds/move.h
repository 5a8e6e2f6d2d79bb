/* move.h - the world "shapes", called MOVE: one shape of one colour moves straight over a background. The judge (eval/judge.h)
 * shares nothing with this. Tested by tests/data/test_data_synth.c. */
#ifndef ZT_DATA_MOVE_H
#define ZT_DATA_MOVE_H
#include "data/world.h"

typedef enum zt_move_shape { ZT_SQUARE, ZT_CIRCLE, ZT_TRIANGLE, ZT_SHAPES } zt_move_shape;
typedef enum zt_move_colour { ZT_RED, ZT_GREEN, ZT_BLUE, ZT_YELLOW, ZT_COLOURS } zt_move_colour;
typedef enum zt_move_direction { ZT_LEFT, ZT_RIGHT, ZT_UP, ZT_DOWN, ZT_DIRECTIONS } zt_move_direction;
enum { ZT_TRIPLES = 48 };

/** What is in a clip. Lengths are parts of the shorter side, so that a spec renders at any size. */
typedef struct zt_move_spec {
    zt_move_shape shape;
    zt_move_colour colour;
    zt_move_direction direction;
    bool slow, small, textured;
    double x, y;                   /* centre in the first frame */
    double radius;                 /* half extent */
    double speed;                  /* per frame */
    uint64_t background;           /* seed of background level and texture */
} zt_move_spec;

/** Triples kept out of training: shape*16 + colour*4 + direction -> held[triple]. n of 48, at most ZT_HOLD_OUT_MAX (more is taken
 *  as
 *  that), by seed: n = 12 takes 4 from each shape, 3 from each colour and direction, other n as evenly as possible; every pair of
 *  two
 *  attributes is still seen in training. */
void zt_move_hold_out(uint64_t seed, int n, bool held[ZT_TRIPLES]);
int zt_move_triple(const zt_move_spec *s);
void zt_move_set_triple(zt_move_spec *s, int triple);    /* triple 0..47 */
/** Draw a spec whose triple is held (want_held) or is not (any, if there is no such triple; held NULL: none is held); the object
 *  stays
 *  wholly inside the frame for `frames` frames. */
void zt_move_sample(zt_rng *r, const bool held[ZT_TRIPLES], bool want_held, int frames, zt_move_spec *s);
/** Caption by the grammar: "a red square moves left", "a small blue circle moves slowly up", "a big green triangle moves down
 *  over a
 *  textured background"; size, speed and background words are optional (drawn from r; r NULL: none of them) but never wrong. */
void zt_move_caption(const zt_move_spec *s, zt_rng *r, char caption[ZT_CAPTION_MAX]);
/** Words as captions use them ("square", "red", "left"); "?" when out of range. */
const char *zt_move_shape_name(int shape);
const char *zt_move_colour_name(int colour);
const char *zt_move_direction_name(int direction);
/** Render [T,H,W,3], T >= 1, H and W >= 1. mask [T,H,W] (coverage 0..255) and flow [T,H,W,2] (pixels to the next frame, x right,
 *  y down;
 *  0 where less than half is covered) may be NULL. Any thread. */
void zt_move_render(const zt_move_spec *s, int T, int H, int W, uint8_t *rgb, uint8_t *mask, float *flow);
#endif
