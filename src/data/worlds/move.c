/* move.c - the world MOVE: what clips there are, which are held out, how they are called. Drawing is in move_render.c.
 * Tested by tests/data/test_data_synth.c. */
#include "data/worlds/move.h"

#include <stdio.h>
#include <string.h>

static const char *const SHAPE[ZT_SHAPES] = {"square", "circle", "triangle"};
static const char *const COLOUR[ZT_COLOURS] = {"red", "green", "blue", "yellow"};
static const char *const DIRECTION[ZT_DIRECTIONS] = {"left", "right", "up", "down"};

const char *zt_move_shape_name(int i) { return i >= 0 && i < ZT_SHAPES ? SHAPE[i] : "?"; }
const char *zt_move_colour_name(int i) { return i >= 0 && i < ZT_COLOURS ? COLOUR[i] : "?"; }
const char *zt_move_direction_name(int i) { return i >= 0 && i < ZT_DIRECTIONS ? DIRECTION[i] : "?"; }

int zt_move_triple(const zt_move_spec *s) { return (int)s->shape * 16 + (int)s->colour * 4 + (int)s->direction; }

void zt_move_set_triple(zt_move_spec *s, int triple) {
    s->shape = (zt_move_shape)(triple / 16 % ZT_SHAPES);
    s->colour = (zt_move_colour)(triple / 4 % 4);
    s->direction = (zt_move_direction)(triple % 4);
}

/* Number j of 12 takes shape j mod 3 and colour j mod 4: each pair once. Its direction is the colour's place shifted by an amount
 * of the shape's own, as in a Latin square: a shape loses each direction once, a colour three different ones. A second dozen
 * shifts by one more. Permutations by seed decide what the places stand for. */
void zt_move_hold_out(uint64_t seed, int n, bool held[ZT_TRIPLES]) {
    zt_rng r = zt_rng_init(seed, zt_hash_name("world/hold-out"));
    int64_t shape[ZT_SHAPES], colour[ZT_COLOURS], direction[ZT_DIRECTIONS], shift[4];
    zt_rng_permutation(&r, shape, ZT_SHAPES);
    zt_rng_permutation(&r, colour, ZT_COLOURS);
    zt_rng_permutation(&r, direction, ZT_DIRECTIONS);
    zt_rng_permutation(&r, shift, 4);
    memset(held, 0, ZT_TRIPLES * sizeof *held);
    for (int i = 0; i < n && i < ZT_HOLD_OUT_MAX; i++)
        held[shape[i % 3] * 16 + colour[i % 4] * 4 + direction[(i % 4 + shift[i % 3] + i / 12) % 4]] = true;
}

void zt_move_sample(zt_rng *r, const bool held[ZT_TRIPLES], bool want_held, int frames, zt_move_spec *s) {
    int fit[ZT_TRIPLES], n = 0;
    *s = (zt_move_spec){0};
    for (int i = 0; i < ZT_TRIPLES; i++)
        if ((held && held[i]) == want_held) fit[n++] = i;
    const int64_t pick = zt_rng_int(r, 0, (n ? n : ZT_TRIPLES) - 1);
    zt_move_set_triple(s, n ? fit[pick] : (int)pick);
    s->slow = zt_rng_u32(r) & 1;
    s->small = zt_rng_u32(r) & 1;
    s->textured = zt_rng_u32(r) & 1;
    s->background = (uint64_t)zt_rng_u32(r) << 32;
    s->background |= zt_rng_u32(r);
    /* At 32 pixels: 8 to 9 across or 12 to 13.4; 6 to 8 pixels of way or 12 to 14.4. The wide gaps keep the words honest. */
    s->radius = s->small ? zt_rng_range(r, 0.125, 0.14) : zt_rng_range(r, 0.1875, 0.21);
    const double way = s->slow ? zt_rng_range(r, 0.19, 0.25) : zt_rng_range(r, 0.375, 0.45);
    s->speed = frames > 1 ? way / (frames - 1) : 0;
    const double margin = s->radius + 1.0 / 64, along = zt_rng_range(r, margin, 1 - margin - way);
    const double across = zt_rng_range(r, margin, 1 - margin);
    const bool back = s->direction == ZT_LEFT || s->direction == ZT_UP,
               level = s->direction == ZT_LEFT || s->direction == ZT_RIGHT;
    const double start = back ? along + way : along;
    s->x = level ? start : across;
    s->y = level ? across : start;
}

void zt_move_caption(const zt_move_spec *s, zt_rng *r, char caption[ZT_CAPTION_MAX]) {
    /* Always three numbers from the reader, so that one attribute does not change what is drawn for the next clip. */
    const bool size = r && zt_rng_u32(r) & 1, speed = r && zt_rng_u32(r) & 1, back = r && zt_rng_u32(r) % 4 == 0;
    snprintf(caption, ZT_CAPTION_MAX, "a %s%s %s moves %s%s%s",
             !size      ? ""
             : s->small ? "small "
                        : "big ",
             zt_move_colour_name(s->colour), zt_move_shape_name(s->shape), speed && s->slow ? "slowly " : "",
             zt_move_direction_name(s->direction),
             !back         ? ""
             : s->textured ? " over a textured background"
                           : " over a plain background");
}

/* ---- as a world ---- */

typedef struct move_scene {
    zt_scene base;
    zt_move_spec spec;
} move_scene;

static const zt_move_spec *spec_of(const zt_scene *s) { return &((const move_scene *)s)->spec; }

static void sample(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *s) {
    zt_move_spec *m = &((move_scene *)s)->spec;
    zt_move_sample(r, held, want_held, size->T, m);
    const int value[] = {(int)m->shape, (int)m->colour, (int)m->direction, !m->slow, !m->small, m->textured};
    memcpy(s->value, value, sizeof value);
}

static void caption(const zt_scene *s, zt_rng *r, char text[ZT_CAPTION_MAX]) { zt_move_caption(spec_of(s), r, text); }

static void numbers(const zt_scene *s, const zt_clip_size *size, zt_str *json) {
    static const int STEP[ZT_DIRECTIONS][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const zt_move_spec *m = spec_of(s);
    const double v = m->speed * (size->H < size->W ? size->H : size->W);
    char x[32], y[32];
    zt_real_text(x, STEP[m->direction][0] * v);
    zt_real_text(y, STEP[m->direction][1] * v);
    zt_str_addf(json, ",\"dx\":%s,\"dy\":%s", x, y);
}

static zt_err render(const zt_scene *s, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]) {
    zt_move_render(spec_of(s), size->T, size->H, size->W, rgb, truth[0], truth[1]);
    return ZT_OK;
}

static const char *const SPEED[] = {"slow", "normal"}, *const SLOWLY[] = {"slowly", NULL}, *const SIZE[] = {"small", "big"},
                         *const BACKGROUND[] = {"plain", "textured"};
static const zt_attribute ATTRIBUTE[] = {
    {"shape", ZT_SHAPES, SHAPE, SHAPE, 0, true},
    {"colour", ZT_COLOURS, COLOUR, COLOUR, 0, true},
    {"direction", ZT_DIRECTIONS, DIRECTION, DIRECTION, 0, true},
    {"speed", 2, SPEED, SLOWLY, 0, false},
    {"size", 2, SIZE, SIZE, 0, false},
    {"background", 2, BACKGROUND, BACKGROUND, 0, false},
};
static const zt_truth_def TRUTH[] = {
    {"mask", 'u', 1, 3, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W}},
    {"flow", 'f', 4, 4, {ZT_AXIS_T, ZT_AXIS_H, ZT_AXIS_W, 2}},
};
const zt_world zt_world_shapes = {
    .name = "shapes",
    .attribute = ATTRIBUTE,
    .n_attributes = sizeof ATTRIBUTE / sizeof *ATTRIBUTE,
    .n_held = 3,
    .truth = TRUTH,
    .n_truths = sizeof TRUTH / sizeof *TRUTH,
    .scene_bytes = sizeof(move_scene),
    .hold_out = zt_move_hold_out,
    .sample = sample,
    .caption = caption,
    .numbers = numbers,
    .render = render,
};
