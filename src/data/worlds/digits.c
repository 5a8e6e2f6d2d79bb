/* digits.c - the world "digits": one or two digits, written with strokes of a random hand, move straight and bounce off the
 * edges, after Srivastava et al. 2015 (arXiv:1502.04681), "Moving MNIST". Tested by tests/data/test_data_worlds.c. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/worlds/paint.h"
#include "data/worlds/vec.h"

enum { DIGITS = 10, STROKES = 3, POINTS = 14, SPAN = 6, LINE_MAX = POINTS * SPAN + 1, WAYS = 4 };
enum { DIRECTION, DIGIT, DIRECTION2, DIGIT2, SLANT, STROKE, BOUNCES }; /* the attributes */

typedef struct stroke {
    int n;
    bool smooth;
    double p[POINTS][2];
} stroke;

/* Points of the strokes in a box of 1 x 1, y down; a smooth stroke is a curve through its points. */
static const stroke GLYPH[DIGITS][STROKES] = {
    {{9, true, {{.5, 0}, {.84, .16}, {.92, .5}, {.84, .84}, {.5, 1}, {.16, .84}, {.08, .5}, {.16, .16}, {.5, 0}}}},
    {{3, false, {{.24, .22}, {.56, 0}, {.56, 1}}}, {2, false, {{.26, 1}, {.86, 1}}}},
    {{7, true, {{.1, .26}, {.26, .05}, {.6, 0}, {.86, .2}, {.74, .5}, {.4, .76}, {.08, 1}}}, {2, false, {{.08, 1}, {.94, 1}}}},
    {{5, true, {{.12, .12}, {.44, 0}, {.8, .14}, {.76, .38}, {.42, .47}}},
     {5, true, {{.42, .47}, {.82, .58}, {.88, .84}, {.5, 1}, {.08, .88}}}},
    {{4, false, {{.66, 1}, {.66, 0}, {.06, .68}, {.96, .68}}}},
    {{3, false, {{.86, 0}, {.22, 0}, {.16, .44}}},
     {6, true, {{.16, .44}, {.5, .36}, {.86, .52}, {.86, .84}, {.5, 1}, {.08, .88}}}},
    {{9, true, {{.78, .02}, {.4, .2}, {.14, .58}, {.22, .9}, {.54, 1}, {.86, .84}, {.82, .56}, {.5, .46}, {.18, .64}}}},
    {{3, false, {{.08, 0}, {.92, 0}, {.38, 1}}}},
    {{13,
      true,
      {{.5, .47},
       {.2, .3},
       {.26, .06},
       {.5, 0},
       {.74, .06},
       {.8, .3},
       {.5, .47},
       {.15, .66},
       {.2, .92},
       {.5, 1},
       {.8, .92},
       {.85, .66},
       {.5, .47}}}},
    {{9, true, {{.22, .98}, {.6, .8}, {.86, .42}, {.78, .1}, {.46, 0}, {.14, .16}, {.18, .44}, {.5, .54}, {.82, .36}}}},
};

/* A stroke as drawn: corners of a line, in parts of the shorter side, relative to the digit's centre. */
typedef struct line {
    int n;
    double p[LINE_MAX][2];
} line;

typedef struct digit {
    double x, y;   /* centre in the first frame, parts of the shorter side */
    double vx, vy; /* per frame */
    double colour[3];
    uint64_t hand; /* seed of the wobble of its strokes */
} digit;

typedef struct digits_scene {
    zt_scene base;
    int n;
    double height, width, thick, slant; /* parts of the side; thick: half the stroke */
    digit digit[2];
    double level; /* of the background */
} digits_scene;

static double half_width(const digits_scene *s) { return (s->width + fabs(s->slant) * s->height) / 2 + s->thick + 0.03; }
static double half_height(const digits_scene *s) { return s->height / 2 + s->thick + 0.02; }

/* Where something is at time t that moves straight and is mirrored at lo and hi. */
static double mirrored(double x, double v, double t, double lo, double hi) {
    const double span = hi - lo, u = x + v * t - lo, m = u - 2 * span * floor(u / (2 * span));
    return lo + (m < span ? m : 2 * span - m);
}

static void centre_at(const digits_scene *s, int i, double t, double c[2]) {
    const digit *d = &s->digit[i];
    const double w = half_width(s), h = half_height(s);
    c[0] = mirrored(d->x, d->vx, t, w, 1 - w);
    c[1] = mirrored(d->y, d->vy, t, h, 1 - h);
}

/* ---- strokes ---- */

/* The curve of Catmull and Rom (1974) between b and c. */
static double curve(double a, double b, double c, double d, double t) {
    return 0.5 * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))));
}

static void trace(const digits_scene *s, const stroke *k, zt_rng *wobble, line *out) {
    double p[POINTS][2];
    for (int i = 0; i < k->n; i++)
        for (int a = 0; a < 2; a++) p[i][a] = k->p[i][a] - 0.5 + zt_rng_range(wobble, -0.03, 0.03);
    const bool closed = k->p[0][0] == k->p[k->n - 1][0] && k->p[0][1] == k->p[k->n - 1][1];
    if (closed) memcpy(p[k->n - 1], p[0], sizeof p[0]);
    out->n = 0;
    for (int i = 0; i + 1 < k->n; i++)
        for (int j = 0; j < (k->smooth ? SPAN : 1); j++) {
            const int before = i > 0 ? i - 1 : closed ? k->n - 2 : 0, after = i + 2 < k->n ? i + 2 : closed ? 1 : k->n - 1;
            for (int a = 0; a < 2; a++)
                out->p[out->n][a] =
                    k->smooth ? curve(p[before][a], p[i][a], p[i + 1][a], p[after][a], (double)j / SPAN) : p[i][a];
            out->n++;
        }
    memcpy(out->p[out->n++], p[k->n - 1], sizeof p[0]);
    for (int i = 0; i < out->n; i++) {
        out->p[i][0] = out->p[i][0] * s->width - out->p[i][1] * s->slant * s->height;
        out->p[i][1] *= s->height;
    }
}

static int trace_digit(const digits_scene *s, int i, line lines[STROKES]) {
    const stroke *k = GLYPH[s->base.value[i ? DIGIT2 : DIGIT]];
    zt_rng wobble = zt_rng_init(s->digit[i].hand, zt_hash_name("digits/hand"));
    int n = 0;
    while (n < STROKES && k[n].n) {
        trace(s, &k[n], &wobble, &lines[n]);
        n++;
    }
    return n;
}

/* ---- drawing ---- */

/* The part of a frame around a digit, pixels, and for each of its pixels the distance to the strokes (FAR or more: not near). */
typedef struct near_field {
    int x0, y0, w, h;
    float *distance;
} near_field;
#define FAR 1e9f

static int pixels(const digits_scene *s, double side) {
    return (int)(2 * half_width(s) * side + 3) * (int)(2 * half_height(s) * side + 3);
}

/* Only the pixels around each piece of a stroke are looked at: most of the box is empty. */
static void measure(const digits_scene *s, const line *lines, int n, double cx, double cy, double side, near_field *f) {
    const double reach = s->thick * side + 1;
    for (int i = 0; i < f->w * f->h; i++) f->distance[i] = FAR;
    for (int k = 0; k < n; k++)
        for (int i = 0; i + 1 < lines[k].n; i++) {
            const double *p = lines[k].p[i], *q = lines[k].p[i + 1];
            const double a[2] = {cx + p[0] * side - f->x0, cy + p[1] * side - f->y0};
            const double b[2] = {cx + q[0] * side - f->x0, cy + q[1] * side - f->y0};
            const int x0 = (int)zt_clamp(fmin(a[0], b[0]) - reach, 0, f->w),
                      y0 = (int)zt_clamp(fmin(a[1], b[1]) - reach, 0, f->h);
            const double x1 = fmin(fmax(a[0], b[0]) + reach, f->w), y1 = fmin(fmax(a[1], b[1]) + reach, f->h);
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++) {
                    const float d = (float)zt_segment_distance(x + 0.5, y + 0.5, a, b);
                    float *least = &f->distance[y * f->w + x];
                    *least = d < *least ? d : *least;
                }
        }
}

static void draw_digit(const digits_scene *s, int i, const line *lines, int n, const zt_canvas *c, int t, near_field *f,
                       float box[4]) {
    const double side = c->H < c->W ? c->H : c->W, left = (c->W - side) / 2, top = (c->H - side) / 2;
    double at[2], next[2];
    centre_at(s, i, t, at);
    centre_at(s, i, t + 1, next);
    const float flow[2] = {(float)((next[0] - at[0]) * side), (float)((next[1] - at[1]) * side)};
    const double cx = left + at[0] * side, cy = top + at[1] * side, w = half_width(s) * side, h = half_height(s) * side;
    f->x0 = (int)zt_clamp(cx - w, 0, c->W);
    f->y0 = (int)zt_clamp(cy - h, 0, c->H);
    f->w = (int)zt_clamp(cx + w + 1, 0, c->W) - f->x0;
    f->h = (int)zt_clamp(cy + h + 1, 0, c->H) - f->y0;
    measure(s, lines, n, cx, cy, side, f);
    float seen[4] = {(float)c->W, (float)c->H, 0, 0};
    for (int k = 0; k < f->w * f->h; k++) {
        const int x = f->x0 + k % f->w, y = f->y0 + k / f->w;
        const double cover = zt_coverage(f->distance[k] - s->thick * side);
        zt_lay(c, x, y, cover, s->digit[i].colour, 1, flow);
        if (cover < 0.5) continue;
        const float edge[4] = {(float)x, (float)y, (float)x + 1, (float)y + 1};
        for (int e = 0; e < 4; e++) seen[e] = (e < 2 ? edge[e] < seen[e] : edge[e] > seen[e]) ? edge[e] : seen[e];
    }
    if (box && seen[2] > 0) memcpy(box, seen, sizeof seen);
}

static zt_err render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]) {
    const digits_scene *s = (const digits_scene *)scene;
    const double grey[3] = {s->level, s->level, s->level}, side = size->H < size->W ? size->H : size->W;
    near_field f = {.distance = zt_alloc_array((size_t)pixels(s, side), sizeof *f.distance)};
    float *boxes = truth[2];
    line lines[2][STROKES];
    int n[2] = {0};
    if (!f.distance) return ZT_NOMEM;
    for (int i = 0; i < s->n; i++) n[i] = trace_digit(s, i, lines[i]);
    zt_paint_background(size, 0, grey, 0, rgb);
    for (int t = 0; t < size->T; t++) {
        const zt_canvas c = zt_canvas_frame(size, t, rgb, truth[0], truth[1]);
        for (int i = s->n - 1; i >= 0; i--) draw_digit(s, i, lines[i], n[i], &c, t, &f, boxes ? boxes + (t * 2 + i) * 4 : NULL);
    }
    zt_free(f.distance);
    return ZT_OK;
}

/* ---- what there is, and how it is called ---- */

static const char *const WAY[] = {"left", "right", "up", "down"},
                         *const MOVES[] = {"moves left", "moves right", "moves up", "moves down"}, *const NAME[] = {"0", "1", "2",
                                                                                                                    "3", "4", "5",
                                                                                                                    "6", "7", "8",
                                                                                                                    "9"},
                         *const SAID[] = {"digit zero", "digit one", "digit two",   "digit three", "digit four",
                                          "digit five", "digit six", "digit seven", "digit eight", "digit nine"},
                         *const LEAN[] = {"upright", "slanted", "backslanted"}, *const WEIGHT[] = {"thin", "thick"},
                         *const YES[] = {"no", "yes"}, *const BOUNCING[] = {NULL, "bouncing"};
static const zt_attribute ATTRIBUTE[] = {
    {"direction", WAYS, WAY, MOVES, 1, true}, {"digit", DIGITS, NAME, SAID, 1, true}, {"direction2", WAYS, WAY, MOVES, 2, true},
    {"digit2", DIGITS, NAME, SAID, 2, true},  {"slant", 3, LEAN, LEAN, 0, false},     {"stroke", 2, WEIGHT, WEIGHT, 0, false},
    {"bounces", 2, YES, BOUNCING, 0, false},
};

static void sample(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *scene) {
    static const int STEP[WAYS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    digits_scene *s = (digits_scene *)scene;
    int *v = scene->value, second[ZT_ATTRIBUTES];
    zt_world_pick(&zt_world_digits, r, held, want_held, v);
    zt_world_pick(&zt_world_digits, r, held, false, second);
    s->n = 1 + (int)(zt_rng_u32(r) & 1);
    v[DIRECTION2] = s->n == 2 ? second[DIRECTION] : -1;
    v[DIGIT2] = s->n == 2 ? second[DIGIT] : -1;
    v[SLANT] = (int)zt_rng_int(r, 0, 2);
    v[STROKE] = (int)(zt_rng_u32(r) & 1);
    s->slant = v[SLANT] == 0 ? zt_rng_range(r, -0.03, 0.03) : (v[SLANT] == 1 ? 1 : -1) * zt_rng_range(r, 0.22, 0.34);
    s->thick = v[STROKE] ? zt_rng_range(r, 0.034, 0.04) : zt_rng_range(r, 0.017, 0.022);
    s->height = zt_rng_range(r, 0.32, 0.4);
    s->width = s->height * zt_rng_range(r, 0.58, 0.72);
    s->level = zt_rng_range(r, 4, 36);
    v[BOUNCES] = 0;
    for (int i = 0; i < 2; i++) { /* both are drawn: the first does not depend on whether there is a second */
        digit *d = &s->digit[i];
        const int *step = STEP[i ? second[DIRECTION] : v[DIRECTION]];
        const double w = half_width(s), h = half_height(s), speed = zt_rng_range(r, 0.2, 0.75) / (size->T > 1 ? size->T - 1 : 1);
        const double bright = zt_rng_range(r, 200, 255);
        for (int k = 0; k < 3; k++) d->colour[k] = bright;
        d->x = zt_rng_range(r, w, 1 - w);
        d->y = zt_rng_range(r, h, 1 - h);
        /* At least a third of the way before it bounces: the first direction is the one that is seen. */
        const double room = 0.36 * (1 - 2 * (step[0] ? w : h)), u = step[0] ? d->x : d->y, lo = step[0] ? w : h;
        const double clear = zt_clamp(u, lo + (step[0] + step[1] < 0 ? room : 0), 1 - lo - (step[0] + step[1] > 0 ? room : 0));
        *(step[0] ? &d->x : &d->y) = clear;
        d->vx = step[0] * speed;
        d->vy = step[1] * speed;
        d->hand = (uint64_t)zt_rng_u32(r) << 32;
        d->hand |= zt_rng_u32(r);
        const double end = clear + (d->vx + d->vy) * (size->T - 1);
        if (i < s->n && (end < lo || end > 1 - lo)) v[BOUNCES] = 1;
    }
}

static void caption(const zt_scene *s, zt_rng *r, char text[ZT_CAPTION_MAX]) {
    const int *v = s->value;
    const bool weight = r && zt_rng_u32(r) & 1, lean = r && zt_rng_u32(r) % 4 == 0, bounce = r && zt_rng_u32(r) & 1;
    int n = snprintf(text, ZT_CAPTION_MAX, "the %s%s%s%s%s %s", weight ? WEIGHT[v[STROKE]] : "", weight ? " " : "",
                     lean ? LEAN[v[SLANT]] : "", lean ? " " : "", SAID[v[DIGIT]], MOVES[v[DIRECTION]]);
    if (v[DIGIT2] >= 0)
        n += snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), " and the %s %s", SAID[v[DIGIT2]], MOVES[v[DIRECTION2]]);
    if (bounce && v[BOUNCES]) snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), ", bouncing off the edge");
}

static const zt_truth_def TRUTH[] = {
    {"mask", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},
    {"flow", 'f', 4, 4, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W, 2}},
    {"boxes", 'f', 4, 3, {ZT_AXIS_T, 2, 4}}, /* x0, y0, x1, y1 of each digit in pixels; 0: there is no second */
};
const zt_world zt_world_digits = {
    .name = "digits",
    .attribute = ATTRIBUTE,
    .n_attributes = sizeof ATTRIBUTE / sizeof *ATTRIBUTE,
    .n_held = 2,
    .joint = " and the ",
    .truth = TRUTH,
    .n_truths = sizeof TRUTH / sizeof *TRUTH,
    .scene_bytes = sizeof(digits_scene),
    .sample = sample,
    .caption = caption,
    .render = render,
};
