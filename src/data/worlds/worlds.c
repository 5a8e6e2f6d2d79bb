/* worlds.c - the list of worlds and what they share (data/world.h): held-out combinations, labels, reading captions.
 * Tested by tests/data/test_data_worlds.c. */
#include "data/world.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#define ZT_WORLD(name, about) &zt_world_##name,
const zt_world *const zt_worlds[ZT_WORLDS] = {
#include "data/worlds/worlds.def"
};
#undef ZT_WORLD
#define ZT_WORLD(name, about) "|" #name
const char zt_world_names[] =
#include "data/worlds/worlds.def"
    ;
#undef ZT_WORLD

int zt_world_combos(const zt_world *w) {
    int n = 1;
    for (int i = 0; i < w->n_held; i++) n *= w->attribute[i].n;
    return n;
}

int zt_world_combo(const zt_world *w, const int value[ZT_ATTRIBUTES]) {
    int combo = 0;
    for (int i = 0; i < w->n_held; i++) combo = combo * w->attribute[i].n + value[i];
    return combo;
}

static void set_combo(const zt_world *w, int combo, int value[ZT_ATTRIBUTES]) {
    for (int i = w->n_held - 1; i >= 0; i--) {
        value[i] = combo % w->attribute[i].n;
        combo /= w->attribute[i].n;
    }
}

void zt_world_combo_text(const zt_world *w, int combo, zt_str *text) {
    int value[ZT_ATTRIBUTES];
    set_combo(w, combo, value);
    zt_str_addf(text, "%s %s", w->attribute[1].value[value[1]], w->attribute[0].value[value[0]]);
    for (int i = 2; i < w->n_held; i++) zt_str_addf(text, " %s", w->attribute[i].value[value[i]]);
}

/* How often each value, and each pair of two values, is held out so far. */
typedef struct tally {
    int value[3][ZT_COMBOS], pair[3][ZT_COMBOS];
} tally;

static int *pair_of(const zt_world *w, tally *n, int i, const int value[ZT_ATTRIBUTES]) {
    const int j = (i + 1) % 3;
    return &n->pair[i][value[i] * w->attribute[j].n + value[j]];
}

/* How much more its values are held out already than others: less is better; -1: a pair of them would be lost to training. */
static int load(const zt_world *w, tally *n, const int value[ZT_ATTRIBUTES]) {
    int sum = 0;
    for (int i = 0; i < w->n_held; i++) sum += n->value[i][value[i]] * w->attribute[i].n;
    for (int i = 0; i < w->n_held && w->n_held == 3; i++)
        if (*pair_of(w, n, i, value) + 1 >= w->attribute[(i + 2) % 3].n) return -1;
    return sum;
}

void zt_world_hold_out(const zt_world *w, uint64_t seed, int n, bool held[ZT_COMBOS]) {
    memset(held, 0, ZT_COMBOS * sizeof *held);
    if (w->hold_out) {
        w->hold_out(seed, n, held);
        return;
    }
    tally seen = {0};
    int64_t order[ZT_COMBOS];
    const int combos = zt_world_combos(w);
    zt_rng r = zt_rng_init(seed, zt_hash_name("world/hold-out") + zt_hash_name(w->name));
    zt_rng_permutation(&r, order, combos);
    for (int taken = 0; taken < n && taken < ZT_HOLD_OUT_MAX; taken++) {
        int value[ZT_ATTRIBUTES], best = -1, least = INT_MAX;
        for (int i = 0; i < combos; i++) {
            set_combo(w, (int)order[i], value);
            const int much = held[order[i]] ? -1 : load(w, &seen, value);
            if (much < 0 || much >= least) continue;
            best = (int)order[i];
            least = much;
        }
        if (best < 0) return;
        held[best] = true;
        set_combo(w, best, value);
        for (int i = 0; i < w->n_held; i++) seen.value[i][value[i]]++;
        for (int i = 0; i < w->n_held && w->n_held == 3; i++) (*pair_of(w, &seen, i, value))++;
    }
}

void zt_world_pick(const zt_world *w, zt_rng *r, const bool held[ZT_COMBOS], bool want_held, int value[ZT_ATTRIBUTES]) {
    int fit[ZT_COMBOS], n = 0;
    const int combos = zt_world_combos(w);
    for (int i = 0; i < combos; i++)
        if ((held && held[i]) == want_held) fit[n++] = i;
    const int64_t pick = zt_rng_int(r, 0, (n ? n : combos) - 1);
    set_combo(w, n ? fit[pick] : (int)pick, value);
}

/* ---- reading captions ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Whether phrase stands in text[0..n) as whole words, in any case. */
static bool says(const char *text, size_t n, const char *phrase) {
    const size_t len = strlen(phrase);
    for (size_t i = 0; i + len <= n; i++)
        if ((i == 0 || !is_letter(text[i - 1])) && (i + len == n || !is_letter(text[i + len])) &&
            !strncasecmp(text + i, phrase, len))
            return true;
    return false;
}

/* Value of an attribute that text[0..n) names: -1 none, -2 several. */
static int named(const zt_attribute *a, const char *text, size_t n) {
    int value = -1;
    for (int v = 0; v < a->n; v++)
        if (a->phrase[v] && says(text, n, a->phrase[v])) value = value == -1 ? v : -2;
    return value;
}

bool zt_world_parse(const zt_world *w, const char *caption, int value[ZT_ATTRIBUTES]) {
    const size_t n = strlen(caption);
    const char *joint = w->joint ? strcasestr(caption, w->joint) : NULL, *second = joint ? joint + strlen(w->joint) : caption + n;
    const size_t first = joint ? (size_t)(joint - caption) : n;
    bool good = true;
    for (int i = 0; i < w->n_attributes; i++) {
        const zt_attribute *a = &w->attribute[i];
        value[i] = a->part == 0   ? named(a, caption, n)
                   : a->part == 1 ? named(a, caption, first)
                                  : named(a, second, (size_t)(caption + n - second));
        if (value[i] == -2 || (value[i] == -1 && a->always && (a->part < 2 || joint))) good = false;
        if (value[i] == -2) value[i] = -1;
    }
    return good;
}

/* ---- labels and truth ---- */

zt_err zt_world_labels(const zt_world *w, const zt_scene *s, const zt_clip_size *size, bool held_out, zt_str *json) {
    zt_str_addf(json, "{\"world\":\"%s\"", w->name);
    for (int i = 0; i < w->n_attributes; i++)
        if (s->value[i] >= 0) zt_str_addf(json, ",\"%s\":\"%s\"", w->attribute[i].name, w->attribute[i].value[s->value[i]]);
    zt_str_addf(json, ",\"held_out\":%s", held_out ? "true" : "false");
    if (w->numbers) w->numbers(s, size, json);
    zt_str_add(json, "}");
    return json->failed ? ZT_NOMEM : ZT_OK;
}

size_t zt_world_truth_shape(const zt_world *w, int i, const zt_clip_size *size, int64_t shape[4]) {
    const zt_truth_def *t = &w->truth[i];
    size_t bytes = (size_t)t->item_bytes;
    for (int k = 0; k < t->n; k++) {
        shape[k] = t->axis[k] == ZT_AXIS_T   ? size->T
                   : t->axis[k] == ZT_AXIS_H ? size->H
                   : t->axis[k] == ZT_AXIS_W ? size->W
                                             : t->axis[k];
        bytes *= (size_t)shape[k];
    }
    return bytes;
}
