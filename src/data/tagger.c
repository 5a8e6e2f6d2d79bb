/* tagger.c - see tagger.h. Tested by tests/data/test_data_filter.c. */
#include "data/tagger.h"

#include <math.h>

/* The name of the first step that v is below; the last has no limit. */
typedef struct step { double below; const char *value; } step;

static const char *by_step(const step *s, double v) {
    while (!(v < s->below) && s->below < INFINITY) s++;
    return s->value;
}

static void add(zt_tag_list *out, const char *name, const char *value) {
    out->tag[out->n].name = name;
    out->tag[out->n++].value = value;
}

static const char *camera_of(const zt_scores *s) {
    const double pan = s->v[ZT_SCORE_pan], tilt = s->v[ZT_SCORE_tilt], zoom = s->v[ZT_SCORE_zoom];
    /* A large thing that moves before a still camera looks like a little zoom. */
    const double moves = fmax(fmax(fabs(pan), fabs(tilt)), fabs(zoom) / 1.5);
    if (s->v[ZT_SCORE_shake] > 0.02) return "shaky";
    if (moves < 0.04) return "still";
    if (moves == fabs(zoom) / 1.5) return zoom > 0 ? "zoom in" : "zoom out";
    if (moves == fabs(pan)) return pan > 0 ? "pan right" : "pan left";
    return tilt > 0 ? "tilt up" : "tilt down";
}

static zt_err look(const zt_tagger *self, const zt_clip_view *view, const zt_scores *s, zt_tag_list *out) {
    static const step LIGHTING[] = {{0.18, "dark"}, {0.35, "dim"}, {0.65, "normal"}, {INFINITY, "bright"}};
    static const step TONE[] = {{-0.05, "cool"}, {0.05, "neutral"}, {INFINITY, "warm"}};
    static const step COLOUR[] = {{6, "grey"}, {25, "muted"}, {60, "natural"}, {INFINITY, "vivid"}};
    static const step PACE[] = {{0.01, "still"}, {0.1, "slow"}, {0.4, "medium"}, {INFINITY, "fast"}};
    static const step SCENE[] = {{30, "plain"}, {800, "natural"}, {INFINITY, "detailed"}};
    (void)self;
    (void)view;
    const bool drawn = s->v[ZT_SCORE_flatness] > 0.6;
    add(out, "lighting", by_step(LIGHTING, s->v[ZT_SCORE_brightness]));
    add(out, "tone", by_step(TONE, s->v[ZT_SCORE_warmth]));
    add(out, "colour", by_step(COLOUR, s->v[ZT_SCORE_colourfulness]));
    add(out, "pace", by_step(PACE, s->v[ZT_SCORE_motion]));
    add(out, "camera", camera_of(s));
    add(out, "scene", drawn ? "graphic" : by_step(SCENE, s->v[ZT_SCORE_sharpness]));
    add(out, "genre", s->v[ZT_SCORE_still] > 0.95 ? "slideshow" : drawn ? "animation" : "live action");
    return ZT_OK;
}

const zt_tagger zt_tagger_rules = {"rules", look};
