/* world.h - the synthetic worlds: what each can draw, how its clips are called, what is known about them. A world is one row of
 * data/worlds/worlds.def and one zt_world; data sets of it are made by data/synth.h. The same seed gives the same bytes on every
 * machine and with any number of threads: worlds use +, -, *, / and sqrt only. */
#ifndef ZT_DATA_WORLD_H
#define ZT_DATA_WORLD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"

enum {
    ZT_ATTRIBUTES = 12, /* most attributes of a world */
    ZT_COMBOS = 256,    /* most combinations of the attributes that are held out together */
    ZT_TRUTHS = 8,      /* most ground-truth arrays of a world */
    ZT_HOLD_OUT_MAX = 24,
    ZT_CAPTION_MAX = 160,
    ZT_WORLD_SIDE_MIN = 16
};

/** A property with a name and a few values, as labels hold it ("colour": "red") and captions say it ("red"). */
typedef struct zt_attribute {
    const char *name;
    int n;
    const char *const *value;  /* [n] in labels */
    const char *const *phrase; /* [n] whole words in captions; NULL among them: a value that is never said */
    int part;                  /* 0: anywhere in a caption; 1, 2: only before, after the world's joint */
    bool always;               /* every caption says it, when the clip has it */
} zt_attribute;

/** What is drawn; a world's own spec begins with it. value[i] of attribute i, or -1: the clip has no such thing. */
typedef struct zt_scene {
    int value[ZT_ATTRIBUTES];
} zt_scene;

/** Size of a clip. T, H, W >= 1; fps > 0. */
typedef struct zt_clip_size {
    int T, H, W;
    double fps;
} zt_clip_size;

/** An axis of a ground-truth array: a positive length, or one of the clip's own. */
enum { ZT_AXIS_T = -1, ZT_AXIS_H = -2, ZT_AXIS_W = -3 };

/** A ground-truth array: shard member KEY.NAME.npy. */
typedef struct zt_truth_def {
    const char *name;
    char kind;         /* 'u' or 'f', as in data/npy.h */
    int item_bytes, n; /* n axes */
    int64_t axis[4];
} zt_truth_def;

typedef struct zt_world {
    const char *name;
    const zt_attribute *attribute;
    int n_attributes, n_held; /* combinations of the first n_held attributes (2 or 3, always said) can be held out */
    const char *joint;        /* what parts a caption in two: " beside "; NULL: no caption has parts */
    const zt_truth_def *truth;
    int n_truths;
    size_t scene_bytes; /* of the world's spec */
    /** Which combinations are kept out of training; NULL: zt_world_hold_out's own way. */
    void (*hold_out)(uint64_t seed, int n, bool held[ZT_COMBOS]);
    /** Fill s (zeroed before). Its combination is held (want_held) or not; any, if there is no such one. */
    void (*sample)(zt_rng *r, const bool held[ZT_COMBOS], bool want_held, const zt_clip_size *size, zt_scene *s);
    /** One sentence; which of the optional words are said is drawn from r (NULL: none), but none is ever wrong. */
    void (*caption)(const zt_scene *s, zt_rng *r, char caption[ZT_CAPTION_MAX]);
    /** Append what labels hold beside the attributes, as JSON members: ,"dx":1.5 */
    void (*numbers)(const zt_scene *s, const zt_clip_size *size, zt_str *json);
    /** Draw rgb [T,H,W,3] and, where truth[i] is not NULL, array i of the list above (zeroed before). ZT_NOMEM. Any thread. */
    zt_err (*render)(const zt_scene *s, const zt_clip_size *size, uint8_t *rgb, void *const truth[ZT_TRUTHS]);
} zt_world;

/** All worlds in the order of worlds.def. ZT_WORLD_CHOICES: "shapes|scene3d|...", for options. */
#define ZT_WORLD(name, about) extern const zt_world zt_world_##name;
#include "data/worlds/worlds.def"
#undef ZT_WORLD
#define ZT_WORLD(name, about) ZT_WORLD_##name,
enum {
#include "data/worlds/worlds.def"
    ZT_WORLDS
};
#undef ZT_WORLD
extern const zt_world *const zt_worlds[ZT_WORLDS];
extern const char zt_world_names[];
#define ZT_WORLD_CHOICES (zt_world_names + 1) /* without the bar in front of the first */

/** Combinations of the held attributes: the product of their numbers of values. At most ZT_COMBOS. */
int zt_world_combos(const zt_world *w);
/** Number of a scene's combination, 0..zt_world_combos-1: the first attribute counts most. */
int zt_world_combo(const zt_world *w, const int value[ZT_ATTRIBUTES]);
/** Its words in labels, the second attribute first ("red sphere left"). */
void zt_world_combo_text(const zt_world *w, int combo, zt_str *text);
/** Keep n combinations (at most ZT_HOLD_OUT_MAX; more is taken as that) out of training, by seed: spread over the values
 *  (none is more than one above its even share), and every pair of two values is still seen where there are three attributes. */
void zt_world_hold_out(const zt_world *w, uint64_t seed, int n, bool held[ZT_COMBOS]);
/** Draw the held attributes: any combination that is held (want_held) or not with the same chance; any, if there is none. */
void zt_world_pick(const zt_world *w, zt_rng *r, const bool held[ZT_COMBOS], bool want_held, int value[ZT_ATTRIBUTES]);
/** What a caption says: value[i] of attribute i, -1 where it does not say. Whole words, any case. Returns whether it says every
 *  attribute that captions always say (a second part may be missing as a whole) and none twice with different values. */
bool zt_world_parse(const zt_world *w, const char *caption, int value[ZT_ATTRIBUTES]);
/** Labels of a scene as JSON: {"world":...,attributes...,"held_out":...,numbers...}. ZT_NOMEM. */
zt_err zt_world_labels(const zt_world *w, const zt_scene *s, const zt_clip_size *size, bool held_out, zt_str *json);
/** Shape and bytes of truth i of a clip. */
size_t zt_world_truth_shape(const zt_world *w, int i, const zt_clip_size *size, int64_t shape[4]);
#endif
