/* judge.h - the analytic judge (J-rule) of the synthetic world: what is in a clip, said without any network.
 * Segments the one moving saturated object frame by frame, then: shape by area over bounding box (square 1, circle pi/4,
 * triangle 1/2, and leaning), colour by mean hue, direction by the displacement of the centroid. It shares no code with the
 * renderer (src/data): captions are compared as words. It is no general video judge: several objects, or none, are "not
 * valid". */
#ifndef ZT_EVAL_JUDGE_H
#define ZT_EVAL_JUDGE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

typedef enum zt_judge_shape { ZT_JUDGE_SQUARE, ZT_JUDGE_CIRCLE, ZT_JUDGE_TRIANGLE, ZT_JUDGE_SHAPES } zt_judge_shape;
typedef enum zt_judge_colour { ZT_JUDGE_RED, ZT_JUDGE_GREEN, ZT_JUDGE_BLUE, ZT_JUDGE_YELLOW, ZT_JUDGE_COLOURS } zt_judge_colour;
typedef enum zt_judge_direction {
    ZT_JUDGE_LEFT, ZT_JUDGE_RIGHT, ZT_JUDGE_UP, ZT_JUDGE_DOWN, ZT_JUDGE_DIRECTIONS
} zt_judge_direction;

/* What the judge saw. shape, colour and direction are its best reading, meaningful only when `valid`. */
typedef struct zt_verdict {
    bool valid;            /* one well-formed object, in nearly all frames, of steady area, colour and motion */
    const char *reason;    /* why not valid ("no object", "two objects", ...); "" when valid; static storage */
    zt_judge_shape shape;
    zt_judge_colour colour;
    zt_judge_direction direction;
    double fill;           /* median area / bounding box, over frames with the whole object in view */
    double lean;           /* median distance of the centroid from the box's middle, parts of the box (triangle 1/6, others 0) */
    double hue;            /* mean hue, degrees [0,360) */
    double hue_margin;     /* degrees from the nearest border between two colours */
    double dx, dy;         /* centroid displacement, pixels per frame, x to the right, y down */
    double steadiness;     /* 0..1: how much of the centroids' spread a straight, even motion explains */
    double area;           /* median area, pixels */
    double presence;       /* part of the frames in which the object was found, 0..1 */
    double content;        /* average content distance, of 255: mean distance of the object's mean colour in two frames, over all
                            * pairs of frames that show it (MoCoGAN, arXiv:1707.04993, section 4, on shapes); 0: one such frame */
} zt_verdict;

/** Judge rgb [T,H,W,3]. Always sets *v (an unreadable clip is "not valid", not an error).
 *  Errors: ZT_ARG when T < 2 or a side is not in 8..1024, ZT_NOMEM. Any thread. */
zt_err zt_judge_clip(const uint8_t *rgb, int T, int H, int W, zt_verdict *v);

/** The same, and where the object is: object [T,H,W] is 1 on pixels of which it covers half or more, else 0; all 0 where there is
 *  none. NULL: not wanted. */
zt_err zt_judge_segment(const uint8_t *rgb, int T, int H, int W, zt_verdict *v, uint8_t *object);

/** Names as captions use them: "square", "red", "left". "?" when out of range. */
const char *zt_judge_shape_name(int shape);
const char *zt_judge_colour_name(int colour);
const char *zt_judge_direction_name(int direction);
/* The same by number: attribute 0 shape, 1 colour, 2 direction. */
enum { ZT_JUDGE_ATTRIBUTES = 3 };
const char *zt_judge_attribute(int attribute);              /* "shape" */
const char *zt_judge_value_name(int attribute, int value);
int zt_judge_value_of(const zt_verdict *v, int attribute);

/** Compare with the caption's own words (whole words, any case; synonyms are not known). An attribute the caption does not name
 *  counts as right, one it names twice with different values as wrong. All false when the verdict is not valid.
 *  Pointers may be NULL. Returns whether all three are right. */
bool zt_judge_matches(const zt_verdict *v, const char *caption, bool *shape_ok, bool *colour_ok, bool *direction_ok);

/* Counts over judged clips; zero-initialise. */
typedef struct zt_score { int64_t n, valid, shape, colour, direction, all; } zt_score;
/** Add one verdict against its caption; returns whether it was all right. */
bool zt_score_add(zt_score *s, const zt_verdict *v, const char *caption);
void zt_score_merge(zt_score *s, const zt_score *more);
/** k/n as a part in 0..1; 0 when n is 0. */
double zt_score_part(int64_t k, int64_t n);
/** 95 % interval of the proportion k of n (Wilson 1927): 0..1 when n is 0. */
void zt_wilson(int64_t k, int64_t n, double *lo, double *hi);
#endif
