/* physics.c - the world "physics": balls that fall, bounce, fly, collide, swing and roll by the laws of physics.h.
 * Tested by tests/data/test_data_worlds.c. */
#include "data/worlds/physics.h"

#include <stdio.h>
#include <string.h>

#include "data/worlds/paint.h"
#include "data/worlds/vec.h"

enum { EVENT, COLOUR, GRAVITY, COLOUR2, SIZE, DIRECTION }; /* the attributes */
enum { FALL, BOUNCE, THROW, COLLIDE, SWING, ROLL, EVENTS };

typedef struct physics_scene {
    zt_scene base;
    zt_physics start;
    uint64_t background;
} physics_scene;

/* ---- what happens ---- */

static void sample_ball(zt_rng *r, bool small, zt_ball *b) {
    b->radius = small ? zt_rng_range(r, 0.05, 0.062) : zt_rng_range(r, 0.085, 0.105);
    b->mass = b->radius * b->radius * 100; /* of one density */
}

static void start_throw(zt_rng *r, zt_physics *p, int right) {
    zt_ball *b = &p->ball[0];
    b->x = zt_rng_range(r, 0.14, 0.24);
    b->vx = zt_rng_range(r, 0.35, 0.75);
    if (!right) {
        b->x = 1 - b->x;
        b->vx = -b->vx;
    }
    b->y = zt_rng_range(r, 0.65, 0.75);
    b->vy = -sqrt(2 * p->g * zt_rng_range(r, 0.3, 0.5));
    p->restitution = zt_rng_range(r, 0.6, 0.85);
}

/* Both fly so that they touch after `meet` seconds, neither having touched anything else before. */
static void start_collision(zt_rng *r, zt_physics *p, double seconds) {
    zt_ball *a = &p->ball[0], *b = &p->ball[1];
    const double high = zt_rng_range(r, 0.06, 0.16), most = fmax(0.45 * seconds, 0.2);
    const double meet = fmin(sqrt(8 * high / p->g), most), tilt = zt_rng_range(r, -0.5, 0.5);
    const double reach = a->radius + b->radius, nx = zt_cos(tilt) * reach, ny = zt_sin(tilt) * reach;
    const double x = zt_rng_range(r, 0.42, 0.58), y = zt_rng_range(r, 0.45, 0.6), share = zt_rng_range(r, 0.4, 0.6);
    p->n = 2;
    a->x = 0.14;
    b->x = 0.86;
    a->y = zt_rng_range(r, 0.5, 0.65);
    b->y = zt_rng_range(r, 0.5, 0.65);
    a->vx = (x - nx * share - a->x) / meet;
    b->vx = (x + nx * (1 - share) - b->x) / meet;
    a->vy = (y - ny * share - a->y) / meet - p->g * meet / 2;
    b->vy = (y + ny * (1 - share) - b->y) / meet - p->g * meet / 2;
    p->restitution = zt_rng_range(r, 0.6, 0.95);
}

static void start_slope(zt_rng *r, zt_physics *p, int right) {
    const zt_ball *b = &p->ball[0];
    const double angle = zt_rng_range(r, 0.25, 0.5);
    p->motion = ZT_MOTION_SLOPE;
    p->sine = zt_sin(angle);
    p->cosine = zt_cos(angle) * (right ? 1 : -1);
    p->foot_x = right ? 1 : 0;
    p->foot_y = p->floor;
    p->way = zt_rng_range(r, 0.7, 0.85) / zt_cos(angle) - b->radius;
    p->restitution = zt_rng_range(r, 0.3, 0.7);
}

static void sample(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *scene) {
    static const double STRENGTH[3][2] = {{1, 1.4}, {2.6, 3.4}, {5.5, 7}};
    physics_scene *s = (physics_scene *)scene;
    zt_physics *p = &s->start;
    int *v = scene->value;
    zt_world_pick(&zt_world_physics, r, held, want_held, v);
    const int right = (int)(zt_rng_u32(r) & 1), other = (int)zt_rng_int(r, 1, ZT_PAINTS - 1);
    v[SIZE] = (int)(zt_rng_u32(r) & 1);
    v[COLOUR2] = v[EVENT] == COLLIDE ? (v[COLOUR] + other) % ZT_PAINTS : -1;
    v[DIRECTION] = v[EVENT] == THROW || v[EVENT] == ROLL ? right : -1;
    s->background = (uint64_t)zt_rng_u32(r) << 32;
    s->background |= zt_rng_u32(r);
    *p = (zt_physics){.n = 1, .floor = 0.9};
    p->g = zt_rng_range(r, STRENGTH[v[GRAVITY]][0], STRENGTH[v[GRAVITY]][1]);
    for (int i = 0; i < ZT_BALLS; i++) sample_ball(r, v[SIZE] == 0, &p->ball[i]);
    p->ball[0].x = zt_rng_range(r, 0.25, 0.75);
    p->ball[0].y = zt_rng_range(r, 0.13, 0.3);
    if (v[EVENT] == BOUNCE) {
        p->ball[0].vx = zt_rng_range(r, -0.15, 0.15);
        p->restitution = zt_rng_range(r, 0.7, 0.92);
    } else if (v[EVENT] == THROW)
        start_throw(r, p, right);
    else if (v[EVENT] == COLLIDE)
        start_collision(r, p, size->T / size->fps);
    else if (v[EVENT] == SWING) {
        p->motion = ZT_MOTION_PENDULUM;
        p->pivot_x = 0.5;
        p->pivot_y = 0.06;
        p->length = zt_rng_range(r, 0.5, 0.6);
        p->swing = (right ? 1 : -1) * zt_rng_range(r, 0.4, 0.75);
    } else if (v[EVENT] == ROLL)
        start_slope(r, p, right);
    zt_physics_place(p);
}

/* ---- drawing ---- */

typedef struct view {
    double side, left, top;
} view; /* pixels of the box in the frame */

/* A lit ball with a dark band across it, which shows how far it has turned. */
static void draw_ball(const zt_canvas *c, const view *w, const zt_ball *b, const zt_ball *next, const double paint[3]) {
    const double cx = w->left + b->x * w->side, cy = w->top + b->y * w->side, r = b->radius * w->side;
    const double s = zt_sin(b->angle), k = zt_cos(b->angle), turn = next->angle - b->angle, ts = zt_sin(turn), tk = zt_cos(turn);
    const double mx = (next->x - b->x) * w->side, my = (next->y - b->y) * w->side;
    const int x0 = (int)zt_clamp(cx - r - 1, 0, c->W), x1 = (int)zt_clamp(cx + r + 2, 0, c->W);
    const int y0 = (int)zt_clamp(cy - r - 1, 0, c->H), y1 = (int)zt_clamp(cy + r + 2, 0, c->H);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const double dx = x + 0.5 - cx, dy = y + 0.5 - cy, q = (dx * dx + dy * dy) / (r * r),
                         cover = zt_coverage(sqrt(q) * r - r);
            if (cover <= 0) continue;
            const double nz = sqrt(q < 1 ? 1 - q : 0),
                         light = 0.62 + 0.38 * zt_clamp((-0.45 * dx - 0.6 * dy) / r + 0.66 * nz, 0, 1);
            const double band = zt_coverage(fabs(dy * k - dx * s) - 0.16 * r), shade = light * (1 - 0.45 * band);
            const double colour[3] = {paint[0] * shade, paint[1] * shade, paint[2] * shade};
            const float flow[2] = {(float)(mx + dx * (tk - 1) - dy * ts), (float)(my + dx * ts + dy * (tk - 1))};
            zt_lay(c, x, y, cover, colour, 1, flow);
        }
}

/* Everything below a line through (x,y), parts of the box; (nx,ny) is its unit normal, upwards. Drawn into the first frame. */
static void draw_ground(const zt_canvas *c, const view *w, double x, double y, double nx, double ny) {
    static const double EARTH[3] = {134, 116, 96}, EDGE[3] = {92, 78, 64};
    for (int v = 0; v < c->H; v++)
        for (int u = 0; u < c->W; u++) {
            const double d = (u + 0.5 - w->left - x * w->side) * nx + (v + 0.5 - w->top - y * w->side) * ny;
            zt_lay(c, u, v, zt_coverage(d), EARTH, 0, NULL);
            zt_lay(c, u, v, zt_coverage(fabs(d + 0.01 * w->side) - 0.01 * w->side), EDGE, 0, NULL);
        }
}

static void draw_setting(const physics_scene *s, const zt_clip_size *size, const view *w, uint8_t *rgb) {
    static const double WALL[3] = {52, 58, 72};
    const zt_physics *p = &s->start;
    const double right = p->cosine < 0 ? -1 : 1;
    zt_clip_size one = *size;
    one.T = 1;
    zt_paint_background(&one, s->background, WALL, 18, rgb);
    const zt_canvas c = zt_canvas_frame(size, 0, rgb, NULL, NULL);
    if (p->motion == ZT_MOTION_SLOPE)
        draw_ground(&c, w, p->foot_x, p->foot_y, right * p->sine, -right * p->cosine);
    else
        draw_ground(&c, w, 0, p->floor, 0, -1);
    const size_t frame = (size_t)size->H * (size_t)size->W * 3;
    for (int t = 1; t < size->T; t++) memcpy(rgb + (size_t)t * frame, rgb, frame);
}

static void draw_rod(const zt_canvas *c, const view *w, const zt_physics *p) {
    static const double STEEL[3] = {176, 180, 186};
    const double pivot[2] = {w->left + p->pivot_x * w->side, w->top + p->pivot_y * w->side};
    const double ball[2] = {w->left + p->ball[0].x * w->side, w->top + p->ball[0].y * w->side};
    zt_lay_segment(c, pivot, ball, fmax(0.008 * w->side, 0.4), STEEL);
    zt_lay_segment(c, pivot, pivot, 0.022 * w->side, STEEL);
}

static zt_err render(const zt_scene *scene, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]) {
    const physics_scene *s = (const physics_scene *)scene;
    const double side = size->H < size->W ? size->H : size->W;
    const view w = {side, (size->W - side) / 2, (size->H - side) / 2};
    zt_physics now = s->start;
    float *state = truth[2];
    draw_setting(s, size, &w, rgb);
    for (int t = 0; t < size->T; t++) {
        const zt_canvas c = zt_canvas_frame(size, t, rgb, truth[0], truth[1]);
        zt_physics next = now;
        zt_physics_step(&next, 1 / size->fps);
        if (now.motion == ZT_MOTION_PENDULUM) draw_rod(&c, &w, &now);
        for (int i = 0; i < now.n; i++) {
            const zt_ball *b = &now.ball[i];
            const float row[5] = {(float)b->x, (float)b->y, (float)b->vx, (float)b->vy, (float)b->angle};
            draw_ball(&c, &w, b, &next.ball[i], zt_paint_rgb[scene->value[i ? COLOUR2 : COLOUR]]);
            if (state) memcpy(state + (t * ZT_BALLS + i) * 5, row, sizeof row);
        }
        now = next;
    }
    return ZT_OK;
}

/* ---- how it is called ---- */

static const char
    *const HAPPENS[EVENTS] = {"fall", "bounce", "throw", "collide", "swing", "roll"},
           *const SAID[EVENTS] = {"falls to the floor", "falls and bounces", "is thrown", "collide", "swings", "rolls down"},
           *const STRONG[] = {"weak", "normal", "strong"}, *const UNDER[] = {"weak gravity", "normal gravity", "strong gravity"},
           *const BIG[] = {"small", "big"}, *const WAY[] = {"left", "right"}, *const TO[] = {"to the left", "to the right"};
static const zt_attribute ATTRIBUTE[] = {
    {"event", EVENTS, HAPPENS, SAID, 0, true}, {"colour", ZT_PAINTS, zt_paint_name, zt_paint_name, 1, true},
    {"gravity", 3, STRONG, UNDER, 0, false},   {"colour2", ZT_PAINTS, zt_paint_name, zt_paint_name, 2, true},
    {"size", 2, BIG, BIG, 0, false},           {"direction", 2, WAY, TO, 0, false},
};

static void caption(const zt_scene *s, zt_rng *r, char text[ZT_CAPTION_MAX]) {
    const int *v = s->value;
    const bool says_size = r && zt_rng_u32(r) & 1, says_gravity = r && zt_rng_u32(r) & 1, says_way = r && zt_rng_u32(r) & 1;
    const char *size = says_size ? v[SIZE] ? "big " : "small " : "", *way = "", *colour = zt_paint_name[v[COLOUR]];
    int n;
    if (says_way && v[DIRECTION] >= 0) way = v[DIRECTION] ? " to the right" : " to the left";
    if (v[EVENT] == COLLIDE)
        n = snprintf(text, ZT_CAPTION_MAX, "a %s%s ball and a %s ball collide", size, colour, zt_paint_name[v[COLOUR2]]);
    else
        n = snprintf(text, ZT_CAPTION_MAX, "a %s%s ball %s%s%s", size, colour, SAID[v[EVENT]],
                     v[EVENT] == ROLL    ? " a slope"
                     : v[EVENT] == SWING ? " on a rod"
                                         : "",
                     way);
    if (says_gravity) snprintf(text + n, (size_t)(ZT_CAPTION_MAX - n), ", under %s", UNDER[v[GRAVITY]]);
}

static void numbers(const zt_scene *scene, const zt_clip_size *size, zt_str *json) {
    const zt_physics *p = &((const physics_scene *)scene)->start;
    const struct {
        const char *name;
        double v;
        bool has;
    } number[] = {
        {"g", p->g, true},
        {"restitution", p->restitution, p->motion != ZT_MOTION_PENDULUM},
        {"floor", p->floor, true},
        {"radius", p->ball[0].radius, true},
        {"mass", p->ball[0].mass, true},
        {"radius2", p->ball[1].radius, p->n == 2},
        {"mass2", p->ball[1].mass, p->n == 2},
        {"length", p->length, p->motion == ZT_MOTION_PENDULUM},
        {"slope_sine", p->sine, p->motion == ZT_MOTION_SLOPE},
    };
    (void)size;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        char text[32];
        zt_real_text(text, number[i].v);
        if (number[i].has) zt_str_addf(json, ",\"%s\":%s", number[i].name, text);
    }
}

static const zt_truth_def TRUTH[] = {
    {"mask", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},
    {"flow", 'f', 4, 4, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W, 2}},
    {"state", 'f', 4, 3, {ZT_AXIS_T, ZT_BALLS, 5}}, /* x, y, vx, vy (box sides, seconds), angle; 0: there is no second ball */
};
const zt_world zt_world_physics = {
    .name = "physics",
    .attribute = ATTRIBUTE,
    .n_attributes = sizeof ATTRIBUTE / sizeof *ATTRIBUTE,
    .n_held = 3,
    .joint = " and a ",
    .truth = TRUTH,
    .n_truths = sizeof TRUTH / sizeof *TRUTH,
    .scene_bytes = sizeof(physics_scene),
    .sample = sample,
    .caption = caption,
    .numbers = numbers,
    .render = render,
};
