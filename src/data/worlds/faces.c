/* faces.c - the world "faces": a head that holds or turns itself and shows an expression. Shape, paint and drawing are in
 * faces_*.c. Tested by tests/data/test_data_worlds.c. */
#include "data/worlds/faces.h"

#include <stdio.h>
#include <string.h>

enum { EXPRESSION, HAIR, MOTION, STYLE, GLASSES, BEARD, SKIN }; /* the attributes */
enum { NEUTRAL, SMILE, SURPRISE, ANGER, SAD, BLINK, TALK, EXPRESSIONS };
enum { STILL, TURN_LEFT, TURN_RIGHT, NOD, TILT, MOTIONS };
enum { HAIRS = 5, SKINS = 3 };

/* ---- time ---- */

zt_pose zt_faces_pose(const zt_faces *s, double u) {
    const int motion = s->base.value[MOTION];
    const double swing = zt_smooth(0, 0.85, u) * s->reach;
    zt_pose p = s->rest;
    if (motion == TURN_LEFT) p.yaw += 0.06 - 0.46 * swing;
    if (motion == TURN_RIGHT) p.yaw += 0.46 * swing - 0.06;
    if (motion == NOD) p.pitch += 0.2 * s->reach * zt_sin(4 * ZT_PI * u);
    if (motion == TILT) p.roll += (s->rest.yaw < 0 ? -0.3 : 0.3) * swing;
    return p;
}

/* 1 at the middle of a short time, 0 outside. */
static double pulse(double u, double middle, double half) { return zt_smooth(half, 0.25 * half, fabs(u - middle)); }

void zt_faces_rig(const zt_faces *s, double u, double rig[ZT_RIG]) {
    const double full = zt_mix(0.25, 1, zt_smooth(0, 0.4, u)), word = zt_sin(5 * ZT_PI * u);
    memset(rig, 0, ZT_RIG * sizeof *rig);
    switch (s->base.value[EXPRESSION]) {
    case SMILE: rig[ZT_RIG_SMILE] = full; break;
    case SURPRISE:
        rig[ZT_RIG_BROW_INNER_UP] = rig[ZT_RIG_BROW_OUTER_UP] = rig[ZT_RIG_EYE_WIDE] = full;
        rig[ZT_RIG_JAW_OPEN] = 0.9 * full;
        rig[ZT_RIG_PUCKER] = 0.7 * full;
        break;
    case ANGER:
        rig[ZT_RIG_BROW_DOWN] = rig[ZT_RIG_PRESS] = full;
        rig[ZT_RIG_FROWN] = 0.5 * full;
        break;
    case SAD:
        rig[ZT_RIG_BROW_INNER_UP] = rig[ZT_RIG_FROWN] = full;
        rig[ZT_RIG_EYE_SHUT] = 0.15 * full;
        break;
    case BLINK: rig[ZT_RIG_EYE_SHUT] = fmax(pulse(u, 0.3, 0.13), pulse(u, 0.78, 0.13)); break;
    case TALK:
        rig[ZT_RIG_JAW_OPEN] = 0.65 * word * word;
        rig[ZT_RIG_PUCKER] = 0.5 * zt_sin(3 * ZT_PI * u) * zt_sin(3 * ZT_PI * u);
        break;
    default: break;
    }
}

/* ---- people ---- */

static void blend_in(zt_rng *r, const double from[3], double spread, double to[3]) {
    const double tone = 1 + zt_rng_range(r, -spread, spread);
    for (int k = 0; k < 3; k++) to[k] = from[k] * tone + zt_rng_range(r, -6, 6);
}

static void sample_person(zt_rng *r, const int value[ZT_ATTRIBUTES], zt_person *p) {
    static const double SKIN_RGB[SKINS][3] = {{238, 200, 176}, {206, 158, 124}, {136, 94, 70}};
    static const double HAIR_RGB[HAIRS][3] = {{34, 29, 30}, {92, 60, 38}, {206, 170, 106}, {160, 74, 36}, {150, 150, 152}};
    static const double IRIS_RGB[4][3] = {{84, 52, 30}, {92, 124, 158}, {96, 120, 72}, {54, 36, 26}};
    *p = (zt_person){.width = zt_rng_range(r, 0.7, 0.77), .jaw = zt_rng_range(r, 0.16, 0.3), .depth = zt_rng_range(r, 0.8, 0.9)};
    p->eye_x = zt_rng_range(r, 0.28, 0.315);
    p->eye_width = zt_rng_range(r, 0.125, 0.145);
    p->eye_height = zt_rng_range(r, 0.062, 0.076);
    p->brow_y = zt_rng_range(r, 0.18, 0.215);
    p->brow_thick = zt_rng_range(r, 0.024, 0.038);
    p->nose_width = zt_rng_range(r, 0.115, 0.145);
    p->nose_length = zt_rng_range(r, 0.36, 0.42);
    p->mouth_y = zt_rng_range(r, -0.6, -0.56);
    p->mouth_width = zt_rng_range(r, 0.22, 0.26);
    p->lip = zt_rng_range(r, 0.045, 0.065);
    blend_in(r, SKIN_RGB[value[SKIN]], 0.05, p->skin);
    blend_in(r, HAIR_RGB[value[HAIR]], 0.12, p->hair);
    blend_in(r, IRIS_RGB[zt_rng_int(r, 0, 3)], 0.1, p->iris);
    for (int k = 0; k < 3; k++) p->shirt[k] = zt_rng_range(r, 30, 200);
    const double red[3] = {0.86 * p->skin[0], 0.56 * p->skin[1], 0.56 * p->skin[2]};
    blend_in(r, red, 0.06, p->lips);
    p->style = value[STYLE];
    p->glasses = value[GLASSES] == 1;
    p->beard = value[BEARD] == 1;
    p->grain = (uint64_t)zt_rng_u32(r) << 32;
    p->grain |= zt_rng_u32(r);
}

static void sample(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *scene) {
    zt_faces *s = (zt_faces *)scene;
    int *v = scene->value;
    (void)size;
    zt_world_pick(&zt_world_faces, r, held, want_held, v);
    v[STYLE] = (int)(zt_rng_u32(r) & 1);
    v[GLASSES] = zt_rng_u32(r) % 4 == 0;
    v[BEARD] = zt_rng_u32(r) % 4 == 0;
    v[SKIN] = (int)zt_rng_int(r, 0, SKINS - 1);
    sample_person(r, v, &s->person);
    s->rest = (zt_pose){zt_rng_range(r, -0.07, 0.07), zt_rng_range(r, -0.04, 0.05), zt_rng_range(r, -0.05, 0.05)};
    s->reach = zt_rng_range(r, 0.75, 1);
    s->x = zt_rng_range(r, 0.45, 0.55);
    s->y = zt_rng_range(r, 0.44, 0.5);
    s->size = zt_rng_range(r, 0.58, 0.7);
    const double from_side = zt_rng_range(r, -0.6, 0.6), from_above = zt_rng_range(r, 0.35, 0.7);
    s->light = zt_unit3(zt_v(from_side, from_above, 1));
    const double level = zt_rng_range(r, 70, 190);
    for (int k = 0; k < 3; k++) s->wall[k] = level + zt_rng_range(r, -25, 25);
    s->background = (uint64_t)zt_rng_u32(r) << 32;
    s->background |= zt_rng_u32(r);
}

/* ---- how it is called ---- */

static const char
    *const FEELS[] = {"neutral", "smile", "surprise", "anger", "sad", "blink", "talk"},
           *const LOOKS[] = {"looks neutral", "smiles", "looks surprised", "looks angry", "looks sad", "blinks", "talks"},
           *const COLOUR[] = {"black", "brown", "blond", "red", "grey"},
           *const HAIRED[] = {"black hair", "brown hair", "blond hair", "red hair", "grey hair"},
           *const MOVE[] = {"still", "turn left", "turn right", "nod", "tilt"},
           *const MOVES[] = {"keeps still", "turns left", "turns right", "nods", "tilts the head"},
           *const LENGTH[] = {"short", "long"}, *const YES[] = {"no", "yes"}, *const SPECS[] = {NULL, "glasses"},
           *const SHAVES[] = {NULL, "bearded"}, *const TONE[] = {"light", "medium", "dark"}, *const UNSAID[] = {NULL, NULL, NULL};
static const zt_attribute ATTRIBUTE[] = {
    {"expression", EXPRESSIONS, FEELS, LOOKS, 0, true},
    {"hair", HAIRS, COLOUR, HAIRED, 0, true},
    {"motion", MOTIONS, MOVE, MOVES, 0, true},
    {"hair_length", 2, LENGTH, LENGTH, 0, false},
    {"glasses", 2, YES, SPECS, 0, false},
    {"beard", 2, YES, SHAVES, 0, false},
    {"skin", SKINS, TONE, UNSAID, 0, false},
};

static void caption(const zt_scene *s, zt_rng *r, char text[ZT_CAPTION_MAX]) {
    const int *v = s->value;
    const bool length = r && zt_rng_u32(r) & 1;
    snprintf(text, ZT_CAPTION_MAX, "a %sperson with %s%s%s%s %s and %s", v[BEARD] ? "bearded " : "",
             length ? LENGTH[v[STYLE]] : "", length ? " " : "", HAIRED[v[HAIR]], v[GLASSES] ? " and glasses" : "",
             LOOKS[v[EXPRESSION]], MOVES[v[MOTION]]);
}

static const zt_truth_def TRUTH[] = {
    {"mask", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},  /* head, hair and glasses */
    {"depth", 'f', 4, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}}, /* head units, the head is 7 away; 0: the wall */
    {"landmarks", 'f', 4, 3, {ZT_AXIS_T, ZT_LANDMARKS, 3}},  /* x, y in pixels, 1 where nothing hides it; order: faces.h */
    {"box", 'f', 4, 2, {ZT_AXIS_T, 4}},                      /* x0, y0, x1, y1 of the face in pixels */
    {"pose", 'f', 4, 2, {ZT_AXIS_T, 3}},                     /* yaw, pitch, roll in radians: faces.h */
    {"expression", 'f', 4, 2, {ZT_AXIS_T, ZT_RIG}},          /* the muscles of faces.h */
};
const zt_world zt_world_faces = {
    .name = "faces",
    .attribute = ATTRIBUTE,
    .n_attributes = sizeof ATTRIBUTE / sizeof *ATTRIBUTE,
    .n_held = 3,
    .truth = TRUTH,
    .n_truths = sizeof TRUTH / sizeof *TRUTH,
    .scene_bytes = sizeof(zt_faces),
    .sample = sample,
    .caption = caption,
    .render = zt_faces_render,
};
