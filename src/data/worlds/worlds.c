/* worlds.c - the list of worlds and what they share (data/world.h): held-out combinations, labels, reading captions.
 * Tested by tests/data/test_data_worlds.c. */
#include "data/world.h"

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

/* Whether one more combination with these values keeps the counts even and every pair of values in training. */
static bool fits(const zt_world *w, int n, const int value[ZT_ATTRIBUTES], const int *count, int *const pair[3]) {
    for (int i = 0; i < w->n_held; i++)
        if (count[i * ZT_COMBOS + value[i]] >= (n + w->attribute[i].n - 1) / w->attribute[i].n) return false;
    for (int i = 0; i < w->n_held && w->n_held == 3; i++) {
        const int j = (i + 1) % 3, k = (i + 2) % 3;
        if (pair[i][value[i] * w->attribute[j].n + value[j]] + 1 >= w->attribute[k].n) return false;
    }
    return true;
}

void zt_world_hold_out(const zt_world *w, uint64_t seed, int n, bool held[ZT_COMBOS]) {
    memset(held, 0, ZT_COMBOS * sizeof *held);
    if (w->hold_out) {
        w->hold_out(seed, n, held);
        return;
    }
    int count[3 * ZT_COMBOS] = {0}, a[ZT_COMBOS] = {0}, b[ZT_COMBOS] = {0}, c[ZT_COMBOS] = {0}, *const pair[3] = {a, b, c};
    int64_t order[ZT_COMBOS];
    const int combos = zt_world_combos(w), want = n < ZT_HOLD_OUT_MAX ? n : ZT_HOLD_OUT_MAX;
    zt_rng r = zt_rng_init(seed, zt_hash_name("world/hold-out") + zt_hash_name(w->name));
    zt_rng_permutation(&r, order, combos);
    /* `even` rises only when no combination fits any more. */
    for (int taken = 0, even = want; taken < want && even < want + combos; even++)
        for (int i = 0; i < combos && taken < want; i++) {
            int value[ZT_ATTRIBUTES];
            set_combo(w, (int)order[i], value);
            if (held[order[i]] || !fits(w, even, value, count, pair)) continue;
            held[order[i]] = true;
            taken++;
            for (int k = 0; k < w->n_held; k++) count[k * ZT_COMBOS + value[k]]++;
            for (int k = 0; k < w->n_held && w->n_held == 3; k++)
                pair[k][value[k] * w->attribute[(k + 1) % 3].n + value[(k + 1) % 3]]++;
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
        if ((i == 0 || !is_letter(text[i - 1])) && (i + len == n || !is_letter(text[i + len])) && !strncasecmp(text + i, phrase, len))
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
