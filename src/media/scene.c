/* scene.c - see scene.h.
 *
 * Cuts: Zhang, Kankanhalli and Smoliar 1993, "Automatic partitioning of full-motion video" (differences of neighbouring frames
 * against a limit), with the limit taken from the neighbourhood as in Yusoff, Christmas and Kittler 2000. A picture that comes
 * back within a few frames was a flash.
 * Dissolves: in a linear mix of two shots each frame lies on the straight line between the pictures at its ends (the chromatic
 * edit model of Hampapur, Jain and Weymouth 1994). For windows of several lengths around each frame we look whether its middle
 * and quarters do; what moves instead of mixing lies far from that line.
 * Fades: runs of even black or white frames, widened by the ramps at their sides.
 *
 * Cuts are looked for in every frame, dissolves and fades in at most COARSE_FPS of them. Tested by
 * tests/media/test_media_scene.c. */
#include "media/scene.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

enum {
    AROUND = 4,                 /* neighbours on each side that a cut must stand out from */
    RETURN = 3,                 /* a flash lasts at most so many frames */
    FINE = 16,                  /* frames kept for cuts; a power of two above 2 * AROUND + RETURN */
    HALF_MAX = 24,              /* half length of the longest window for dissolves, in coarse frames */
    SETTLE = 8,                 /* frames after a candidate in which a better one takes its place */
    COARSE = 128,               /* frames kept for dissolves; a power of two above 3 * HALF_MAX + SETTLE */
    COARSE_FPS = 32,
    BLOCK = 8,
    REACH = 2                   /* of the block match, in pixels of the small picture */
};
static const int HALF[] = {2, 3, 5, 8, 12, 18, HALF_MAX};
static const double HALF_MAX_S = 1.0;       /* no window is longer than twice this */
static const double RATIO = 2.6;            /* a cut is so many times its neighbours' mean */
static const double DIFFERENT = 0.3;        /* two shots: matched difference in units of their contrast */
static const double CUT_MIN = 4;            /* least difference of a cut, code values */
static const double MIX_MIN = 6;            /* least difference of what is mixed */
static const double OFF_LINE = 0.2;         /* distance from the line between two shots, in units of its length; more where they
                                             * have little in common, because shots move while they mix */
static const double EAGER_CUT = 0.5, EAGER_MIX = 0.8, EAGER_LINE = 1.5;   /* of the limits, when eager */
static const double EVEN = 3.5;             /* contrast below which a picture is one even colour */

typedef struct picture {
    uint8_t px[ZT_THUMB_BYTES];
    double t, diff;             /* diff: to the one before */
    double mean, contrast;      /* of luma; contrast is the mean distance from the mean */
} picture;

/* A dissolve that may still be improved. */
typedef struct candidate { int64_t at, half; double score; } candidate;

struct zt_scenes {
    zt_scene_cfg cfg;
    picture fine[FINE], coarse[COARSE];
    int64_t n_fine, n_coarse;   /* pushed so far */
    int64_t next_cut, next_mix; /* the next to be judged */
    candidate best;             /* half 0: none */
    bool fading, black;         /* the last boundary is a fade that still goes on, from or to black (else white) */
    bool ended;
    zt_boundary *list;
    size_t n, cap;
};

static const picture *fine(const zt_scenes *s, int64_t i) { return &s->fine[i & (FINE - 1)]; }
static const picture *coarse(const zt_scenes *s, int64_t i) { return &s->coarse[i & (COARSE - 1)]; }

/* ---- how far two pictures are apart ---- */

static double plane_distance(const uint8_t *a, const uint8_t *b, int n) {
    int sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++) sum += abs(a[i] - b[i]);
    return (double)sum / n;
}

static double distance(const picture *a, const picture *b) {
    const uint8_t *u = a->px + ZT_THUMB_PLANE, *v = b->px + ZT_THUMB_PLANE;
    return plane_distance(a->px, b->px, ZT_THUMB_PLANE) + 0.5 * plane_distance(u, v, 2 * ZT_THUMB_PLANE);
}

static int block_sad(const uint8_t *a, const uint8_t *b, int limit) {
    int sum = 0;
    for (int y = 0; y < BLOCK && sum < limit; y++, a += ZT_THUMB_W, b += ZT_THUMB_W)
        for (int x = 0; x < BLOCK; x++) sum += abs(a[x] - b[x]);
    return sum;
}

/* The block of a at (x,y) at its best place in b. */
static int best_sad(const uint8_t *a, const uint8_t *b, int x, int y) {
    const uint8_t *from = a + y * ZT_THUMB_W + x;
    int best = block_sad(from, b + y * ZT_THUMB_W + x, INT32_MAX);
    for (int dy = -REACH; dy <= REACH; dy++)
        for (int dx = -REACH; dx <= REACH; dx++) {
            const int bx = x + dx, by = y + dy;
            if (bx < 0 || by < 0 || bx > ZT_THUMB_W - BLOCK || by > ZT_THUMB_H - BLOCK) continue;
            const int sad = block_sad(from, b + by * ZT_THUMB_W + bx, best);
            best = sad < best ? sad : best;
        }
    return best;
}

/* As distance, but motion is taken out of the luma. */
static double matched(const picture *a, const picture *b) {
    const double plain = distance(a, b);
    if (plain < 1) return plain;
    int sum = 0;
    for (int y = 0; y < ZT_THUMB_H; y += BLOCK)
        for (int x = 0; x < ZT_THUMB_W; x += BLOCK) sum += best_sad(a->px, b->px, x, y);
    return (double)sum / ZT_THUMB_PLANE
           + 0.25 * plane_distance(a->px + ZT_THUMB_PLANE, b->px + ZT_THUMB_PLANE, 2 * ZT_THUMB_PLANE);
}

/* How much two pictures differ in units of their contrast; from DIFFERENT on they are two shots. */
static double contrast_apart(const picture *a, const picture *b, double apart) {
    return apart / (4 + a->contrast + b->contrast);
}

static void measure(picture *p) {
    int sum = 0;
    double off = 0;
    for (int i = 0; i < ZT_THUMB_PLANE; i++) sum += p->px[i];
    p->mean = (double)sum / ZT_THUMB_PLANE;
    for (int i = 0; i < ZT_THUMB_PLANE; i++) off += fabs(p->px[i] - p->mean);
    p->contrast = off / ZT_THUMB_PLANE;
}

double zt_thumbs_apart(const uint8_t a[ZT_THUMB_BYTES], const uint8_t b[ZT_THUMB_BYTES]) {
    picture p, q;
    memcpy(p.px, a, ZT_THUMB_BYTES);
    memcpy(q.px, b, ZT_THUMB_BYTES);
    measure(&p);
    measure(&q);
    return contrast_apart(&p, &q, matched(&p, &q));
}

static bool is_even(const picture *p) { return p->contrast < EVEN && (p->mean < 32 || p->mean > 225); }

/* ---- the list ---- */

/* In its place; near ones grow together. */
zt_err zt_scenes_put(zt_scenes *s, zt_boundary b) {
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        zt_boundary *more = zt_realloc(s->list, cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        s->list = more;
        s->cap = cap;
    }
    size_t at = s->n;
    while (at > 0 && s->list[at - 1].start_s > b.start_s) at--;
    memmove(s->list + at + 1, s->list + at, (s->n - at) * sizeof *s->list);
    s->list[at] = b;
    s->n++;
    for (size_t i = at > 0 ? at - 1 : 0; i + 1 < s->n && i <= at;) {
        zt_boundary *x = &s->list[i], *y = x + 1;
        if (y->start_s - x->end_s >= s->cfg.min_scene_s) {
            i++;
            continue;
        }
        x->end_s = fmax(x->end_s, y->end_s);
        x->kind = x->kind > y->kind ? x->kind : y->kind;
        s->n--;
        memmove(y, y + 1, (s->n - i - 1) * sizeof *y);
    }
    return ZT_OK;
}

static bool boundary_within(const zt_scenes *s, double from, double to) {
    for (size_t i = s->n; i-- > 0 && s->list[i].end_s > from;)
        if (s->list[i].start_s <= to) return true;
    return false;
}

/* ---- cuts ---- */

/* The picture before frame i is seen again soon after it, or frame i was there shortly before. */
static bool is_flash(const zt_scenes *s, int64_t i) {
    const double half = 0.5 * fine(s, i)->diff;
    for (int k = 1; k <= RETURN; k++) {
        if (i + k < s->n_fine && matched(fine(s, i - 1), fine(s, i + k)) < half) return true;
        if (i - 1 - k >= 0 && matched(fine(s, i), fine(s, i - 1 - k)) < half) return true;
    }
    return false;
}

static bool is_cut(const zt_scenes *s, int64_t i) {
    const double diff = fine(s, i)->diff;
    double sum = 0, most = 0;
    int n = 0;
    for (int64_t k = i - AROUND; k <= i + AROUND; k++) {
        if (k < 1 || k >= s->n_fine || k == i) continue;
        sum += fine(s, k)->diff;
        most = fmax(most, fine(s, k)->diff);
        n++;
    }
    const double around = n > 1 ? (sum - most) / (n - 1) : 0;    /* the largest may be a cut of its own */
    if (s->cfg.eager_s > 0) {
        const double part = fine(s, i)->t - fine(s, i - 1)->t > s->cfg.eager_s ? EAGER_CUT : 1;
        if (s->cfg.kind == ZT_SCENES_CONTENT) return diff > part * s->cfg.content;
        return diff > CUT_MIN && contrast_apart(fine(s, i - 1), fine(s, i), diff) > part * DIFFERENT;
    }
    if (s->cfg.kind == ZT_SCENES_CONTENT) return diff > s->cfg.content && !is_flash(s, i);
    return diff > CUT_MIN && diff > RATIO * around && contrast_apart(fine(s, i - 1), fine(s, i), diff) > DIFFERENT &&
           !is_flash(s, i);
}

static zt_err judge_cuts(zt_scenes *s, int64_t until) {
    zt_err e = ZT_OK;
    for (; s->next_cut < until && e == ZT_OK; s->next_cut++) {
        const double t = fine(s, s->next_cut)->t;
        if (s->next_cut > 0 && is_cut(s, s->next_cut)) e = zt_scenes_put(s, (zt_boundary){t, t, ZT_BOUNDARY_CUT});
    }
    return e;
}

/* ---- dissolves ---- */

/* Where p lies on the line from a (0) to b (1): least squares over all samples. */
static double place(const picture *p, const picture *a, const picture *b) {
    int dot = 0, square = 0;
#pragma omp simd reduction(+ : dot, square)
    for (int i = 0; i < ZT_THUMB_BYTES; i++) {
        const int d = b->px[i] - a->px[i];
        dot += (p->px[i] - a->px[i]) * d;
        square += d * d;
    }
    return square ? (double)dot / square : 0;
}

/* Mean distance of p from the mix of a and b at `at`. */
static double off_line(const picture *p, const picture *a, const picture *b, double at) {
    const float w = (float)at;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < ZT_THUMB_BYTES; i++) {
        const float mix = (float)a->px[i] + w * (float)(b->px[i] - a->px[i]);
        sum += fabsf((float)p->px[i] - mix) * (i < ZT_THUMB_PLANE ? 1.0f : 0.25f);
    }
    return sum / ZT_THUMB_PLANE;
}

/* As contrast_apart, with the mean luma made equal first: light that changes is no other shot. */
static double form_apart(const picture *a, const picture *b) {
    picture c = *b;
    const int shift = (int)lrint(a->mean - b->mean);
    for (int i = 0; i < ZT_THUMB_PLANE; i++) {
        const int v = c.px[i] + shift;
        c.px[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
    return contrast_apart(a, b, matched(a, &c));
}

/* How much frames m-h..m+h look like a dissolve; 0: not at all. */
static double mix_score(const zt_scenes *s, int64_t m, int64_t h) {
    const picture *a = coarse(s, m - h), *b = coarse(s, m + h);
    const int64_t at[3] = {m - h / 2, m, m + h / 2};
    static const double LOW[3] = {-0.05, 0.3, 0.52}, HIGH[3] = {0.48, 0.7, 1.05};
    double worst = 0;
    if (b->t - a->t > 2 * HALF_MAX_S) return 0;
    const double apart = distance(a, b);
    if (apart < MIX_MIN) return 0;
    for (int k = 0; k < 3; k++) {
        if (h == 2 && k != 1) continue;          /* their quarters are next to the ends */
        const double w = place(coarse(s, at[k]), a, b);
        if (w < LOW[k] || w > HIGH[k]) return 0;
        worst = fmax(worst, off_line(coarse(s, at[k]), a, b, w));
    }
    const double unlike = form_apart(a, b) - (s->cfg.eager_s > 0 ? EAGER_MIX : 1) * DIFFERENT;
    const double line = (s->cfg.eager_s > 0 ? EAGER_LINE : 1) * (OFF_LINE + 0.25 * fmin(unlike, 0.6));
    if (unlike <= 0 || worst > line * apart || (s->cfg.eager_s == 0 && boundary_within(s, a->t, b->t))) return 0;
    return apart - 2 * worst;
}

/* The candidate's first and last frame that are neither shot. */
static zt_err add_dissolve(zt_scenes *s) {
    const int64_t m = s->best.at, h = s->best.half;
    const picture *a = coarse(s, m - h), *b = coarse(s, m + h);
    int64_t from = m, to = m;
    while (from > m - h + 1 && place(coarse(s, from - 1), a, b) > 0.03) from--;
    while (to < m + h && place(coarse(s, to), a, b) < 0.97) to++;
    s->best.half = 0;
    return zt_scenes_put(s, (zt_boundary){coarse(s, from)->t, coarse(s, to)->t, ZT_BOUNDARY_DISSOLVE});
}

static zt_err judge_mixes(zt_scenes *s, int64_t until) {
    for (; s->next_mix < until; s->next_mix++) {
        const int64_t m = s->next_mix;
        if (s->best.half && (m > s->best.at + SETTLE || coarse(s, m)->t > coarse(s, s->best.at)->t + 0.5 * HALF_MAX_S)) {
            const zt_err e = add_dissolve(s);
            if (e != ZT_OK) return e;
        }
        for (size_t k = 0; k < sizeof HALF / sizeof HALF[0]; k++) {
            if (m < HALF[k] || m + HALF[k] >= s->n_coarse) break;
            const double score = mix_score(s, m, HALF[k]);
            if (score > 0 && (!s->best.half || score > s->best.score)) s->best = (candidate){m, HALF[k], score};
        }
    }
    return ZT_OK;
}

/* ---- fades ---- */

/* How far from even black or white p is. */
static double off_even(const picture *p, bool black) { return black ? p->mean : 255 - p->mean; }

/* The newest coarse frame is even: begin a fade where its ramp began, or go on with it. */
static zt_err even_frame(zt_scenes *s, int64_t at) {
    const picture *p = coarse(s, at);
    if (s->fading) {
        s->list[s->n - 1].end_s = fmax(s->list[s->n - 1].end_s, p->t + 1e-6);
        return ZT_OK;
    }
    int64_t from = at;
    s->fading = true;
    s->black = p->mean < 128;
    while (from > 0 && at - from < HALF_MAX && p->t - coarse(s, from - 1)->t <= HALF_MAX_S
           && off_even(coarse(s, from - 1), s->black) > off_even(coarse(s, from), s->black) + 0.3)
        from--;
    return zt_scenes_put(s, (zt_boundary){coarse(s, from)->t, p->t + 1e-6, ZT_BOUNDARY_FADE});
}

/* A frame that is not even: the fade goes on while the picture comes up. */
static void coming_up(zt_scenes *s, int64_t at) {
    const picture *p = coarse(s, at), *before = coarse(s, at - 1);
    zt_boundary *b = &s->list[s->n - 1];
    s->fading = off_even(p, s->black) > off_even(before, s->black) + 0.3;
    b->end_s = fmax(b->end_s, s->fading ? p->t + 1e-6 : before->t);
}

static zt_err judge_fade(zt_scenes *s, int64_t at) {
    if (is_even(coarse(s, at))) return even_frame(s, at);
    if (s->fading) coming_up(s, at);
    return ZT_OK;
}

/* ---- frames in, boundaries out ---- */

zt_err zt_scenes_create(zt_scenes **out, const zt_scene_cfg *cfg) {
    *out = NULL;
    if (cfg->kind <= ZT_SCENES_OFF || cfg->kind > ZT_SCENES_THRESHOLD || !(cfg->min_scene_s >= 0 && cfg->min_scene_s <= 60)
        || !(cfg->content >= 0 && cfg->content <= 255))
        return zt_fail(ZT_ARG, "scenes: detector %d, shortest scene %g s, limit %g; wanted a detector, 0..60 s, 0..255",
                       (int)cfg->kind, cfg->min_scene_s, cfg->content);
    zt_scenes *s = zt_alloc(sizeof *s);
    if (!s) return ZT_NOMEM;
    s->cfg = *cfg;
    if (s->cfg.min_scene_s == 0) s->cfg.min_scene_s = 0.4;
    if (s->cfg.content == 0) s->cfg.content = 22;
    *out = s;
    return ZT_OK;
}

void zt_scenes_destroy(zt_scenes **s) {
    if (!s || !*s) return;
    zt_free((*s)->list);
    zt_free(*s);
    *s = NULL;
}

static zt_err push_coarse(zt_scenes *s, const picture *p) {
    zt_err e = ZT_OK;
    if (s->n_coarse > 0 && p->t < coarse(s, s->n_coarse - 1)->t + 0.95 / COARSE_FPS) return ZT_OK;
    s->coarse[s->n_coarse++ & (COARSE - 1)] = *p;
    ZT_TRY(e = judge_fade(s, s->n_coarse - 1), done);
    if (s->cfg.kind == ZT_SCENES_AUTO) e = judge_mixes(s, s->n_coarse - HALF_MAX);
done:
    return e;
}

static bool finds_cuts(const zt_scenes *s) { return s->cfg.kind != ZT_SCENES_THRESHOLD; }
static bool finds_fades(const zt_scenes *s) { return s->cfg.kind == ZT_SCENES_THRESHOLD || s->cfg.kind == ZT_SCENES_AUTO; }

zt_err zt_scenes_push(zt_scenes *s, const uint8_t thumb[ZT_THUMB_BYTES], double time_s) {
    picture *p = &s->fine[s->n_fine & (FINE - 1)];
    zt_err e = ZT_OK;
    memcpy(p->px, thumb, ZT_THUMB_BYTES);
    p->t = time_s;
    p->diff = s->n_fine > 0 ? matched(fine(s, s->n_fine - 1), p) : 0;
    measure(p);
    s->n_fine++;
    if (finds_cuts(s)) ZT_TRY(e = judge_cuts(s, s->n_fine - AROUND), done);
    if (finds_fades(s)) e = push_coarse(s, p);
done:
    return e;
}

zt_err zt_scenes_end(zt_scenes *s) {
    zt_err e = ZT_OK;
    if (s->ended) return ZT_OK;
    s->ended = true;
    if (finds_cuts(s)) ZT_TRY(e = judge_cuts(s, s->n_fine), done);
    if (s->cfg.kind == ZT_SCENES_AUTO) ZT_TRY(e = judge_mixes(s, s->n_coarse), done);
    if (s->best.half) e = add_dissolve(s);
done:
    return e;
}

size_t zt_scenes_boundaries(const zt_scenes *s, const zt_boundary **list, double *settled_s) {
    *list = s->list;
    *settled_s = INFINITY;
    if (s->ended) return s->n;
    if (finds_cuts(s)) *settled_s = s->next_cut < s->n_fine ? fine(s, s->next_cut)->t : -INFINITY;
    if (finds_fades(s)) {
        const int64_t back = s->cfg.kind == ZT_SCENES_AUTO ? 2 * HALF_MAX + SETTLE + 2 : HALF_MAX + 1;
        const int64_t first = s->n_coarse - back;
        *settled_s = fmin(*settled_s, first >= 0 ? coarse(s, first)->t : -INFINITY);
    }
    *settled_s -= s->cfg.min_scene_s;          /* a later one so near would still grow together with it */
    return s->n;
}

const char *zt_boundary_name(zt_boundary_kind kind) {
    static const char *const NAME[] = {"cut", "dissolve", "fade"};
    return (unsigned)kind < 3 ? NAME[kind] : "?";
}
