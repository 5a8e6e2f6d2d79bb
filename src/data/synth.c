/* synth.c - the world MOVE: what clips there are, which are held out, how they are called. Drawing is in render.c, data sets of
 * it in synth_set.c. */
#include "data/synth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const SHAPE[ZT_SHAPES] = {"square", "circle", "triangle"};
static const char *const COLOUR[ZT_COLOURS] = {"red", "green", "blue", "yellow"};
static const char *const DIRECTION[ZT_DIRECTIONS] = {"left", "right", "up", "down"};

const char *zt_world_shape_name(int i) { return i >= 0 && i < ZT_SHAPES ? SHAPE[i] : "?"; }
const char *zt_world_colour_name(int i) { return i >= 0 && i < ZT_COLOURS ? COLOUR[i] : "?"; }
const char *zt_world_direction_name(int i) { return i >= 0 && i < ZT_DIRECTIONS ? DIRECTION[i] : "?"; }

int zt_world_triple(const zt_world_spec *s) { return (int)s->shape * 16 + (int)s->colour * 4 + (int)s->direction; }

void zt_world_set_triple(zt_world_spec *s, int triple) {
    s->shape = (zt_world_shape)(triple / 16 % ZT_SHAPES);
    s->colour = (zt_world_colour)(triple / 4 % 4);
    s->direction = (zt_world_direction)(triple % 4);
}

/* Number j of 12 takes shape j mod 3 and colour j mod 4: each pair once. Its direction is the colour's place shifted by an amount
 * of
 * the shape's own, as in a Latin square: a shape loses each direction once, a colour three different ones. A second dozen shifts
 * by
 * one more. Permutations by seed decide what the places stand for. */
void zt_world_hold_out(uint64_t seed, int n, bool held[ZT_TRIPLES]) {
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

void zt_world_sample(zt_rng *r, const bool held[ZT_TRIPLES], bool want_held, int frames, zt_world_spec *s) {
    int fit[ZT_TRIPLES], n = 0;
    *s = (zt_world_spec){0};
    for (int i = 0; i < ZT_TRIPLES; i++)
        if ((held && held[i]) == want_held) fit[n++] = i;
    const int64_t pick = zt_rng_int(r, 0, (n ? n : ZT_TRIPLES) - 1);
    zt_world_set_triple(s, n ? fit[pick] : (int)pick);
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

void zt_world_caption(const zt_world_spec *s, zt_rng *r, char caption[ZT_CAPTION_MAX]) {
    /* Always three numbers from the reader, so that one attribute does not change what is drawn for the next clip. */
    const bool size = r && zt_rng_u32(r) & 1, speed = r && zt_rng_u32(r) & 1, back = r && zt_rng_u32(r) % 4 == 0;
    snprintf(caption, ZT_CAPTION_MAX, "a %s%s %s moves %s%s%s",
             !size      ? ""
             : s->small ? "small "
                        : "big ",
             zt_world_colour_name(s->colour), zt_world_shape_name(s->shape), speed && s->slow ? "slowly " : "",
             zt_world_direction_name(s->direction),
             !back         ? ""
             : s->textured ? " over a textured background"
                           : " over a plain background");
}

/* Find `word` in a list; -1 when it is not there. */
static int find(const char *word, size_t n, const char *const *list, int count) {
    for (int i = 0; i < count; i++)
        if (strlen(list[i]) == n && strncasecmp(word, list[i], n) == 0) return i;
    return -1;
}

/* Take a word of a list: *value from -1 to it; -2 once two different ones were seen. */
static void note(int *value, int seen) {
    if (seen < 0) return;
    *value = *value == -1 || *value == seen ? seen : -2;
}

bool zt_world_parse(const char *caption, zt_world_spec *s) {
    static const char *const SPEED[] = {"slowly"}, *const SIZE[] = {"small", "big"}, *const BACK[] = {"plain", "textured"};
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    int shape = -1, colour = -1, direction = -1, slow = -1, size = -1, back = -1;
    *s = (zt_world_spec){0};
    for (const char *p = caption; *p;) {
        size_t n = strspn(p, LETTERS);
        note(&shape, find(p, n, SHAPE, ZT_SHAPES));
        note(&colour, find(p, n, COLOUR, ZT_COLOURS));
        note(&direction, find(p, n, DIRECTION, ZT_DIRECTIONS));
        note(&slow, find(p, n, SPEED, 1));
        note(&size, find(p, n, SIZE, 2));
        note(&back, find(p, n, BACK, 2));
        p += n ? n : 1;
    }
    if (shape >= 0) s->shape = (zt_world_shape)shape;
    if (colour >= 0) s->colour = (zt_world_colour)colour;
    if (direction >= 0) s->direction = (zt_world_direction)direction;
    s->slow = slow == 0;
    s->small = size == 0;
    s->textured = back == 1;
    return shape >= 0 && colour >= 0 && direction >= 0;
}
