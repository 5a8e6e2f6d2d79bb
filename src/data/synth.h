/* synth.h - the labelled world MOVE: one shape of one colour moves straight over a dark grey background. The truth is known exactly
 * (caption, mask, flow), so that claims about a generator can be scored. It draws and names; it judges nothing (eval/judge.h does). */
#ifndef ZT_DATA_SYNTH_H
#define ZT_DATA_SYNTH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"

typedef enum zt_world_shape { ZT_WORLD_SQUARE, ZT_WORLD_CIRCLE, ZT_WORLD_TRIANGLE, ZT_WORLD_SHAPES } zt_world_shape;
typedef enum zt_world_colour { ZT_WORLD_RED, ZT_WORLD_GREEN, ZT_WORLD_BLUE, ZT_WORLD_YELLOW, ZT_WORLD_COLOURS } zt_world_colour;
typedef enum zt_world_direction {
    ZT_WORLD_LEFT, ZT_WORLD_RIGHT, ZT_WORLD_UP, ZT_WORLD_DOWN, ZT_WORLD_DIRECTIONS
} zt_world_direction;
typedef enum zt_world_speed { ZT_WORLD_NORMAL, ZT_WORLD_SLOW, ZT_WORLD_SPEEDS } zt_world_speed;
typedef enum zt_world_size { ZT_WORLD_SMALL, ZT_WORLD_BIG, ZT_WORLD_SIZES } zt_world_size;
enum {
    ZT_WORLD_TRIPLES = ZT_WORLD_SHAPES * ZT_WORLD_COLOURS * ZT_WORLD_DIRECTIONS,   /* 48 */
    ZT_WORLD_HOLD_OUT_MAX = 24, ZT_WORLD_CAPTION_MAX = 96,
    ZT_WORLD_SIDE_MIN = 16, ZT_WORLD_SIDE_MAX = 1024, ZT_WORLD_FRAMES_MAX = 4096   /* what can be rendered */
};

/* A clip, said without pixels: the attributes that captions name, then how this clip differs from others with the same ones.
 * Attributes may be changed after zt_world_sample; the rest still fits (all are parts of the room that is left). */
typedef struct zt_world_spec {
    int shape, colour, direction, speed, size;   /* enums above */
    int textured;                                /* background: 0 one grey, 1 faint waves */
    double along, across;                        /* where it starts, [0,1] of the room: on the line of motion, and beside it */
    double exact_size, exact_speed;              /* [0,1]: place inside the range of small/big and slow/normal */
    int tint[3];                                 /* added to the colour's red, green, blue, levels, -12..12 */
    int grey;                                    /* mean level of the background, 24..72 */
    uint64_t texture;                            /* seed of the waves */
} zt_world_spec;

/** Draw all of `spec` uniformly. Same reader state, same clip, on every machine. */
void zt_world_sample(zt_rng *rng, zt_world_spec *spec);
/** Number of the (shape, colour, direction) triple, 0..47: (shape*4 + colour)*4 + direction; and back. */
int zt_world_triple(const zt_world_spec *spec);
void zt_world_set_triple(zt_world_spec *spec, int triple);
/** Choose the `n` triples (0..ZT_WORLD_HOLD_OUT_MAX) that training must not see, by seed. Shapes, colours and directions lose equally
 *  many (n = 12: 4, 3 and 3 each; other n: equal within one), and every pair of two attributes is still seen.
 *  Errors: ZT_ARG. */
zt_err zt_world_hold_out(uint64_t seed, int n, bool held[ZT_WORLD_TRIPLES]);

/** Draw the clip. The object is wholly in view in every frame and moves evenly: a slow one crosses about a fifth of the shorter side over
 *  the clip, a normal one almost half, whatever T is.
 *  rgb   [T,H,W,3] uint8                        out
 *  mask  [T,H,W] uint8, 255 * covered part      out, may be NULL
 *  flow  [T,H,W,2] f32, pixels per frame to the next frame, x right, y down; 0 where less than half is covered.
 *        The last frame says where the object would go on to.              out, may be NULL
 *  Errors: ZT_ARG (sizes outside ZT_WORLD_*, an attribute that is not set), ZT_NOMEM. Any thread. */
zt_err zt_world_render(const zt_world_spec *spec, int T, int H, int W, uint8_t *rgb, uint8_t *mask, float *flow);
/** Motion of the object in pixels per frame (0 when T is 1). */
void zt_world_velocity(const zt_world_spec *spec, int T, int H, int W, double *dx, double *dy);

/** "a [small|big] COLOUR SHAPE moves [slowly] DIRECTION [over a plain|textured background]". `rng` decides which of the optional words
 *  appear (size and slowness half of the time, the background a quarter); NULL: none of them. */
void zt_world_caption(const zt_world_spec *spec, zt_rng *rng, char buf[ZT_WORLD_CAPTION_MAX]);
/** Read attributes back from a caption: whole words, any case. An attribute that is not named, or named twice with different
 *  values, becomes -1 (speed, size and textured too); the rest of `spec` is zeroed.
 *  Returns whether shape, colour and direction are all there. */
bool zt_world_parse(const char *caption, zt_world_spec *spec);
/** Words as captions use them ("square", "red", "left", "slow", "small"); "?" when out of range. */
const char *zt_world_shape_name(int shape);
const char *zt_world_colour_name(int colour);
const char *zt_world_direction_name(int direction);
const char *zt_world_speed_name(int speed);
const char *zt_world_size_name(int size);

/* A data set of MOVE. */
typedef enum zt_synth_truth { ZT_SYNTH_TRUTH_NONE, ZT_SYNTH_TRUTH_EVAL, ZT_SYNTH_TRUTH_ALL } zt_synth_truth;
typedef struct zt_synth_cfg {
    const char *out;          /* folder; must be missing or empty */
    int64_t clips;            /* all splits together, >= 1: 90 % train, 5 % val, 5 % test (at least one val and one test from 3 on) */
    int frames, size;         /* clips are [frames,size,size,3] */
    double fps;
    uint64_t seed;            /* decides everything: equal seed and sizes give equal shards, byte for byte */
    int hold_out;             /* triples kept for the test split */
    int truth;                /* zt_synth_truth: which splits get KEY.mask.npy and KEY.flow.npy (EVAL: val and test) */
} zt_synth_cfg;
typedef struct zt_synth_report { int64_t train, val, test, held_out; int shards; int64_t bytes; double seconds; } zt_synth_report;

/** Render a data set (see data/dataset.h): train and val hold seen triples only; the test split alternates held-out and seen triples
 *  (label `held_out`). Shows progress on stderr. report may be NULL.
 *  Errors: ZT_ARG (cfg; folder not empty), ZT_IO, ZT_NOMEM, ZT_CANCELLED (Ctrl-C). After a failure the folder made is removed. */
zt_err zt_synth_make(const zt_synth_cfg *cfg, zt_synth_report *report);
#endif
