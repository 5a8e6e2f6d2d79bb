/* score.c - the judge's words: names, captions compared word by word, counts with their interval. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "eval/judge.h"

static const char *const shapes[ZT_JUDGE_SHAPES] = {"square", "circle", "triangle"};
static const char *const colours[ZT_JUDGE_COLOURS] = {"red", "green", "blue", "yellow"};
static const char *const directions[ZT_JUDGE_DIRECTIONS] = {"left", "right", "up", "down"};

const char *zt_judge_shape_name(int shape) {
    return shape >= 0 && shape < ZT_JUDGE_SHAPES ? shapes[shape] : "?";
}
const char *zt_judge_colour_name(int colour) {
    return colour >= 0 && colour < ZT_JUDGE_COLOURS ? colours[colour] : "?";
}
const char *zt_judge_direction_name(int direction) {
    return direction >= 0 && direction < ZT_JUDGE_DIRECTIONS ? directions[direction] : "?";
}

const char *zt_judge_attribute(int attribute) {
    static const char *const names[ZT_JUDGE_ATTRIBUTES] = {"shape", "colour", "direction"};
    return attribute >= 0 && attribute < ZT_JUDGE_ATTRIBUTES ? names[attribute] : "?";
}
const char *zt_judge_value_name(int attribute, int value) {
    return attribute == 0   ? zt_judge_shape_name(value)
           : attribute == 1 ? zt_judge_colour_name(value)
           : attribute == 2 ? zt_judge_direction_name(value)
                            : "?";
}
int zt_judge_value_of(const zt_verdict *v, int attribute) {
    return attribute == 0 ? (int)v->shape : attribute == 1 ? (int)v->colour : (int)v->direction;
}

static bool same_word(const char *word, size_t n, const char *name) {
    if (strlen(name) != n) return false;
    for (size_t k = 0; k < n; k++)
        if (tolower((unsigned char)word[k]) != name[k]) return false;
    return true;
}

/* Whether the names found in the caption agree with `seen`: none found is agreement. */
static bool agrees(const char *caption, const char *const *names, int n_names, int seen) {
    for (const char *c = caption; *c;) {
        const char *word = c;
        while (isalpha((unsigned char)*c)) c++;
        for (int k = 0; k < n_names; k++)
            if (same_word(word, (size_t)(c - word), names[k]) && k != seen) return false;
        while (*c && !isalpha((unsigned char)*c)) c++;
    }
    return true;
}

bool zt_judge_matches(const zt_verdict *v, const char *caption, bool *shape_ok, bool *colour_ok, bool *direction_ok) {
    const bool s = v->valid && agrees(caption, shapes, ZT_JUDGE_SHAPES, (int)v->shape);
    const bool c = v->valid && agrees(caption, colours, ZT_JUDGE_COLOURS, (int)v->colour);
    const bool d = v->valid && agrees(caption, directions, ZT_JUDGE_DIRECTIONS, (int)v->direction);
    if (shape_ok) *shape_ok = s;
    if (colour_ok) *colour_ok = c;
    if (direction_ok) *direction_ok = d;
    return s && c && d;
}

bool zt_score_add(zt_score *s, const zt_verdict *v, const char *caption) {
    bool shape, colour, direction;
    const bool all = zt_judge_matches(v, caption, &shape, &colour, &direction);
    s->n++;
    s->valid += v->valid;
    s->shape += shape;
    s->colour += colour;
    s->direction += direction;
    s->all += all;
    return all;
}

void zt_score_merge(zt_score *s, const zt_score *more) {
    s->n += more->n;
    s->valid += more->valid;
    s->shape += more->shape;
    s->colour += more->colour;
    s->direction += more->direction;
    s->all += more->all;
}

double zt_score_part(int64_t k, int64_t n) {
    return n > 0 ? (double)k / (double)n : 0;
}

void zt_wilson(int64_t k, int64_t n, double *lo, double *hi) {
    *lo = 0;
    *hi = 1;
    if (n <= 0) return;
    const double z = 1.959963984540054, p = (double)k / (double)n, m = (double)n;       /* z of 95 % */
    const double centre = (p + z * z / (2 * m)) / (1 + z * z / m);
    const double half = z / (1 + z * z / m) * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
    *lo = k <= 0 ? 0 : fmax(0, centre - half);
    *hi = k >= n ? 1 : fmin(1, centre + half);
}
