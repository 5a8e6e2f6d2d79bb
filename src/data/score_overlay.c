/* score_overlay.c - what was laid over the picture: bars, text, watermarks (score.h). They stay in place while the picture
 * changes, which a few frames show. Tested by tests/data/test_data_score.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/score_impl.h"

/* ---- bars ---- */

/* One line of a frame: row i, or column i. */
typedef struct line { const uint8_t *p; int n, step; } line;

static line line_of(const zt_planes *p, int t, int i, bool column) {
    const uint8_t *y = zt_plane(p, t);
    return column ? (line){y + i, p->h, p->w} : (line){y + (size_t)i * (size_t)p->w, p->w, 1};
}

/* Whether the line is even, and the same in every frame, with a mean near *level (set from it when below 0). */
static bool even(const zt_planes *p, int i, bool column, double *level) {
    for (int t = 0; t < p->n; t++) {
        const line l = line_of(p, t, i, column);
        double sum = 0, squares = 0;
        for (int k = 0; k < l.n; k++) {
            const double v = l.p[(size_t)k * (size_t)l.step];
            sum += v;
            squares += v * v;
        }
        const double mean = sum / l.n;
        if (*level < 0) *level = mean;
        if (fabs(mean - *level) > 4 || squares / l.n - mean * mean > 12) return false;
    }
    return true;
}

/* Part of the line's length along which it differs from its neighbour in most frames: a bar ends in one stroke. */
static double edge(const zt_planes *p, int i, int next, bool column) {
    double part = 0;
    for (int t = 0; t < p->n; t++) {
        const line a = line_of(p, t, i, column), b = line_of(p, t, next, column);
        int n = 0;
        for (int k = 0; k < a.n; k++) n += abs(a.p[(size_t)k * (size_t)a.step] - b.p[(size_t)k * (size_t)b.step]) >= 8;
        part += (double)n / a.n;
    }
    return part / p->n;
}

/* Width of the bar that begins at line `first` and goes in direction `step`; 0 when there is none. */
static int bar(const zt_planes *p, int first, int step, bool column) {
    const int lines = column ? p->w : p->h;
    double level = -1, best = 0;
    int n = 0, at = 0;
    while (n < lines / 2 && even(p, first + n * step, column, &level)) n++;
    if (n == 0 || n >= lines / 2) return 0;      /* an even picture has no bars */
    for (int k = 0; k < 3 && n + k < lines; k++) {   /* codecs smear the edge over a few lines */
        const double e = edge(p, first + (n + k - 1) * step, first + (n + k) * step, column);
        if (e > best) best = e, at = n + k;
    }
    return best >= 0.4 ? at : 0;
}

static void border(zt_look *l, zt_scores *s) {
    const zt_planes *p = &l->detail;
    l->border[0] = bar(p, 0, 1, false);
    l->border[1] = bar(p, p->h - 1, -1, false);
    l->border[2] = bar(p, 0, 1, true);
    l->border[3] = bar(p, p->w - 1, -1, true);
    const double inside = (double)(p->h - l->border[0] - l->border[1]) * (p->w - l->border[2] - l->border[3]);
    s->v[ZT_SCORE_border] = 1 - inside / ((double)p->h * p->w);
}

/* ---- edges that stay ---- */

/* Per pixel: in how many frames the luma rises to the right, falls, rises downwards, falls, by at least a weak or a strong step;
 * and how often it changes from one to the next. */
typedef struct stay { uint8_t *strong[2], *weak[4], *changes; } stay;

static zt_err stay_create(stay *s, size_t pixels) {
    for (int i = 0; i < 2; i++)
        if (!(s->strong[i] = zt_alloc(pixels))) return ZT_NOMEM;
    for (int i = 0; i < 4; i++)
        if (!(s->weak[i] = zt_alloc(pixels))) return ZT_NOMEM;
    s->changes = zt_alloc(pixels);
    return s->changes ? ZT_OK : ZT_NOMEM;
}

static void stay_finish(stay *s) {
    for (int i = 0; i < 2; i++) zt_free(s->strong[i]);
    for (int i = 0; i < 4; i++) zt_free(s->weak[i]);
    zt_free(s->changes);
}

static void count_edges(const zt_planes *p, stay *s) {
    enum { STRONG = 40, WEAK = 12, CHANGE = 8 };
    for (int t = 0; t < p->n; t++) {
        const uint8_t *y = zt_plane(p, t);
        for (int i = 0; i < p->h - 1; i++)
            for (int k = 0; k < p->w - 1; k++) {
                const size_t at = (size_t)i * (size_t)p->w + (size_t)k;
                const int dx = y[at + 1] - y[at], dy = y[at + (size_t)p->w] - y[at];
                s->strong[0][at] += dx >= STRONG;
                s->strong[1][at] += dx <= -STRONG;
                s->weak[0][at] += dx >= WEAK;
                s->weak[1][at] += dx <= -WEAK;
                s->weak[2][at] += dy >= WEAK;
                s->weak[3][at] += dy <= -WEAK;
            }
    }
    const size_t pixels = (size_t)p->h * (size_t)p->w;
    for (int t = 1; t < p->n; t++)
        for (size_t at = 0; at < pixels; at++)
            s->changes[at] += abs(p->y[(size_t)t * pixels + at] - p->y[(size_t)(t - 1) * pixels + at]) >= CHANGE;
}

/* Strokes of the block at (x, y): places where a rise and a fall that both stay follow each other within a row. */
static int strokes(const zt_planes *p, const stay *s, int x, int y, int side, int need) {
    int n = 0;
    for (int i = y; i < y + side; i++) {
        int last = 0;
        for (int k = x; k < x + side; k++) {
            const size_t at = (size_t)i * (size_t)p->w + (size_t)k;
            const int now = s->strong[0][at] >= need ? 1 : s->strong[1][at] >= need ? -1 : 0;
            n += now && last && now != last;
            if (now) last = now;
        }
    }
    return n;
}

/* Letters stand in rows: at least three blocks full of strokes side by side. */
static double text(const zt_look *l, const stay *s, int need) {
    enum { SIDE = 8, ROW = 3 };
    const zt_planes *p = &l->detail;
    int blocks = 0, in_rows = 0;
    for (int y = l->border[0]; y + SIDE <= p->h - l->border[1]; y += SIDE) {
        int run = 0;
        for (int x = l->border[2]; x + SIDE <= p->w - l->border[3]; x += SIDE, blocks++) {
            run = strokes(p, s, x, y, SIDE, need) >= SIDE / 2 ? run + 1 : 0;
            in_rows += run == ROW ? ROW : run > ROW;
        }
    }
    return blocks ? (double)in_rows / blocks : 0;
}

/* How often the pixels of the square around (x, y) change, 0..1: a camera or ground that moves, not a thing that passes once. */
static double change_around(const zt_planes *p, const stay *s, int x, int y) {
    enum { REACH = 8 };
    double sum = 0;
    int n = 0;
    for (int i = y - REACH; i <= y + REACH; i += 2)
        for (int k = x - REACH; k <= x + REACH; k += 2) {
            if (i < 0 || k < 0 || i >= p->h || k >= p->w) continue;
            sum += s->changes[(size_t)i * (size_t)p->w + (size_t)k];
            n++;
        }
    return sum / n / (p->n - 1);
}

static double watermark(const zt_look *l, const stay *s, int need) {
    enum { MARGIN = 3 };
    const double moves = 0.4;
    const zt_planes *p = &l->detail;
    int64_t n = 0;
    for (int y = l->border[0] + MARGIN; y < p->h - 1 - l->border[1] - MARGIN; y++)
        for (int x = l->border[2] + MARGIN; x < p->w - 1 - l->border[3] - MARGIN; x++) {
            const size_t at = (size_t)y * (size_t)p->w + (size_t)x;
            bool stays = false;
            for (int k = 0; k < 4; k++) stays = stays || s->weak[k][at] >= need;
            n += stays && change_around(p, s, x, y) >= moves;
        }
    return (double)n / ((double)p->h * p->w);
}

zt_err zt_score_overlay(zt_look *l, zt_scores *s) {
    enum { FEW = 6 };   /* frames: with fewer, edges stay by chance */
    const zt_planes *p = &l->detail;
    stay st = {{0}, {0}, NULL};
    zt_err e = ZT_OK;
    border(l, s);
    if (p->n < FEW) goto done;
    ZT_TRY(e = stay_create(&st, (size_t)p->h * (size_t)p->w), done);
    count_edges(p, &st);
    s->v[ZT_SCORE_text] = text(l, &st, p->n - p->n / 8);
    s->v[ZT_SCORE_watermark] = watermark(l, &st, p->n - p->n / 8);
done:
    stay_finish(&st);
    return e;
}
