/* score_motion.c - optical flow by hierarchical block matching, and what the camera does by fitting a similarity to it (score.h).
 * Tested by tests/data/test_data_score.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/score_impl.h"

enum {
    LEVELS = 4,
    BLOCK = 8,
    PAIRS = 24,
    REACH = 3,
    SIDE_LEAST = 12,
    BLOCKS_MAX = (ZT_SMALL_SIDE / BLOCK) * (ZT_SMALL_SIDE / BLOCK)
};

/* The flow of a block: from its centre (x, y), relative to the middle of the picture, by (u, v); pixels of `small`. */
typedef struct vector { double x, y, u, v; } vector;

/* A frame at full size, then halved again and again. */
typedef struct pyramid { int levels, h[LEVELS], w[LEVELS]; uint8_t *y[LEVELS]; } pyramid;

static zt_err pyramid_create(pyramid *p, int h, int w) {
    *p = (pyramid){0};
    for (int k = 0; k < LEVELS && (k == 0 || (h / 2 >= SIDE_LEAST && w / 2 >= SIDE_LEAST)); k++) {
        if (k > 0) {
            h /= 2;
            w /= 2;
        }
        p->h[k] = h;
        p->w[k] = w;
        if (!(p->y[k] = zt_alloc((size_t)h * (size_t)w))) return ZT_NOMEM;
        p->levels++;
    }
    return ZT_OK;
}

static void pyramid_finish(pyramid *p) {
    for (int k = 0; k < LEVELS; k++) zt_free(p->y[k]);
}

static void pyramid_fill(pyramid *p, const uint8_t *y) {
    memcpy(p->y[0], y, (size_t)p->h[0] * (size_t)p->w[0]);
    for (int k = 1; k < p->levels; k++) zt_shrink(p->y[k - 1], p->h[k - 1], p->w[k - 1], p->y[k], p->h[k], p->w[k]);
}

/* Sum of absolute differences of the block at (x, y) of a and at (x + u, y + v) of b; far outside when that is not in the
 * frame. */
static int difference(const uint8_t *a, const uint8_t *b, int h, int w, int x, int y, int u, int v) {
    int sum = 0;
    if (x + u < 0 || y + v < 0 || x + u + BLOCK > w || y + v + BLOCK > h) return 1 << 24;
    const uint8_t *p = a + (size_t)y * (size_t)w + x, *q = b + (size_t)(y + v) * (size_t)w + (x + u);
    for (int i = 0; i < BLOCK; i++, p += w, q += w)
        for (int k = 0; k < BLOCK; k++) sum += abs(p[k] - q[k]);
    return sum;
}

static double at(const uint8_t *y, int h, int w, double px, double py) {   /* between four pixels; the edge goes on outside */
    const double x = fmax(0, fmin(w - 1.001, px)), v = fmax(0, fmin(h - 1.001, py));
    const int xi = (int)x, yi = (int)v;
    const uint8_t *p = y + (size_t)yi * (size_t)w + xi;
    const double fx = x - xi, fy = v - yi;
    return (p[0] * (1 - fx) + p[1] * fx) * (1 - fy) + (p[w] * (1 - fx) + p[w + 1] * fx) * fy;
}

/* Parts of a pixel: a few steps of Lucas and Kanade 1981 from where the block matched, held back where texture leaves them
 * open. */
static void refine(const pyramid *a, const pyramid *b, int x, int y, double *u, double *v) {
    enum { STEPS = 4, HOLD = 4 * BLOCK * BLOCK };
    const int h = a->h[0], w = a->w[0];
    const double u0 = *u, v0 = *v;
    for (int step = 0; step < STEPS; step++) {
        double xx = HOLD, yy = HOLD, xy = 0, xe = 0, ye = 0;
        for (int i = y; i < y + BLOCK; i++)
            for (int k = x; k < x + BLOCK; k++) {
                const double gx = (at(a->y[0], h, w, k + 1, i) - at(a->y[0], h, w, k - 1, i)) / 2;
                const double gy = (at(a->y[0], h, w, k, i + 1) - at(a->y[0], h, w, k, i - 1)) / 2;
                const double e = a->y[0][(size_t)i * (size_t)w + k] - at(b->y[0], h, w, k + *u, i + *v);
                xx += gx * gx, yy += gy * gy, xy += gx * gy, xe += gx * e, ye += gy * e;
            }
        const double det = xx * yy - xy * xy;   /* above zero by HOLD */
        *u = fmax(u0 - 1, fmin(u0 + 1, *u + (yy * xe - xy * ye) / det));
        *v = fmax(v0 - 1, fmin(v0 + 1, *v + (xx * ye - xy * xe) / det));
    }
}

static double spread(const uint8_t *y, int w) {
    double sum = 0, squares = 0;
    for (int i = 0; i < BLOCK; i++)
        for (int k = 0; k < BLOCK; k++) {
            const double v = y[(size_t)i * (size_t)w + k];
            sum += v;
            squares += v * v;
        }
    return squares / (BLOCK * BLOCK) - sum / (BLOCK * BLOCK) * (sum / (BLOCK * BLOCK));
}

/* Best integer displacement around (*u, *v) within `reach`. What is nearer to no motion wins unless it is clearly worse. */
static void search(const pyramid *a, const pyramid *b, int level, int x, int y, int reach, int *u, int *v) {
    const int u0 = *u, v0 = *v, h = a->h[level], w = a->w[level];
    int best = 1 << 25;
    for (int dv = -reach; dv <= reach; dv++)
        for (int du = -reach; du <= reach; du++) {
            const int cost = difference(a->y[level], b->y[level], h, w, x, y, u0 + du, v0 + dv)
                             + 2 * (abs(u0 + du) + abs(v0 + dv));
            if (cost >= best) continue;
            best = cost;
            *u = u0 + du;
            *v = v0 + dv;
        }
}

static int clamp(int v, int hi) { return v < 0 ? 0 : v > hi ? hi : v; }

static void match(const pyramid *a, const pyramid *b, int x, int y, vector *out) {
    const int h = a->h[0], w = a->w[0];
    int u = 0, v = 0;
    for (int level = a->levels - 1; level >= 0; level--) {
        /* The block around the same centre, moved into the frame where that is smaller. */
        const int bx = clamp(((x + BLOCK / 2) >> level) - BLOCK / 2, a->w[level] - BLOCK);
        const int by = clamp(((y + BLOCK / 2) >> level) - BLOCK / 2, a->h[level] - BLOCK);
        u *= level == a->levels - 1 ? 1 : 2;
        v *= level == a->levels - 1 ? 1 : 2;
        search(a, b, level, bx, by, level == a->levels - 1 ? REACH : 2, &u, &v);
        if (level == 0) search(a, b, 0, x, y, 1, &u, &v);
    }
    int zero = difference(a->y[0], b->y[0], h, w, x, y, 0, 0), here = difference(a->y[0], b->y[0], h, w, x, y, u, v);
    if (zero <= here + BLOCK * BLOCK / 8) u = v = 0, here = zero;
    *out = (vector){.x = x + BLOCK / 2.0 - w / 2.0, .y = y + BLOCK / 2.0 - h / 2.0, .u = u, .v = v};
    if (here < BLOCK * BLOCK / 8) return;   /* the same to the last bit or so */
    refine(a, b, x, y, &out->u, &out->v);
}

/* Vectors of the blocks that have texture; *blocks counts all. */
static int flow(const pyramid *a, const pyramid *b, vector *out, int *blocks) {
    int n = 0;
    *blocks = 0;
    for (int y = 0; y + BLOCK <= a->h[0]; y += BLOCK)
        for (int x = 0; x + BLOCK <= a->w[0]; x += BLOCK, ++*blocks) {
            if (spread(a->y[0] + (size_t)y * (size_t)a->w[0] + x, a->w[0]) < 6) continue;
            match(a, b, x, y, &out[n++]);
        }
    return n;
}

/* ---- the camera ---- */

/* u = dx + grow x - turn y, v = dy + turn x + grow y. */
typedef struct camera { double dx, dy, grow, turn; } camera;

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[n / 2];
}

static double residual(const vector *f, const camera *c) {
    return hypot(f->u - c->dx - c->grow * f->x + c->turn * f->y, f->v - c->dy - c->turn * f->x - c->grow * f->y);
}

/* Weighted least squares in closed form: with the weighted centre taken off, the four numbers separate. */
static void fit(const vector *f, const double *weight, int n, camera *c) {
    double sum = 0, x = 0, y = 0, u = 0, v = 0, rr = 0, grow = 0, turn = 0;
    for (int i = 0; i < n; i++) {
        sum += weight[i];
        x += weight[i] * f[i].x;
        y += weight[i] * f[i].y;
        u += weight[i] * f[i].u;
        v += weight[i] * f[i].v;
    }
    if (sum <= 0) return;
    x /= sum, y /= sum, u /= sum, v /= sum;
    for (int i = 0; i < n; i++) {
        const double px = f[i].x - x, py = f[i].y - y, pu = f[i].u - u, pv = f[i].v - v;
        rr += weight[i] * (px * px + py * py);
        grow += weight[i] * (px * pu + py * pv);
        turn += weight[i] * (px * pv - py * pu);
    }
    c->grow = rr > 0 ? grow / rr : 0;
    c->turn = rr > 0 ? turn / rr : 0;
    c->dx = u - c->grow * x + c->turn * y;
    c->dy = v - c->turn * x - c->grow * y;
}

/* What most of the picture does; all zero when there is no such thing. */
static camera follow(const vector *f, int n) {
    enum { ROUNDS = 8, LEAST = 6 };
    double part[BLOCKS_MAX], weight[BLOCKS_MAX];
    camera c = {0};
    if (n < LEAST) return c;
    for (int i = 0; i < n; i++) part[i] = f[i].u;
    c.dx = median(part, n);
    for (int i = 0; i < n; i++) part[i] = f[i].v;
    c.dy = median(part, n);
    int agree = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < n; i++) part[i] = residual(&f[i], &c);
        const double reach = fmax(1, 4.685 * 1.4826 * median(part, n));   /* Tukey's biweight at 95 % efficiency */
        agree = 0;
        for (int i = 0; i < n; i++) {
            const double r = residual(&f[i], &c) / reach;
            weight[i] = r < 1 ? (1 - r * r) * (1 - r * r) : 0;
            agree += residual(&f[i], &c) < 1;
        }
        fit(f, weight, n, &c);
    }
    return 2 * agree >= n ? c : (camera){0};
}

/* Mean length over all blocks, those without texture counting as still. A block that the camera takes out of the picture cannot
 * have been found: it moves as the camera says. */
static double mean_length(const vector *f, int n, int blocks, const camera *c, int h, int w) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double u = c->dx + c->grow * f[i].x - c->turn * f[i].y, v = c->dy + c->turn * f[i].x + c->grow * f[i].y;
        const bool leaves = fabs(f[i].x + u) > (w - BLOCK) / 2.0 || fabs(f[i].y + v) > (h - BLOCK) / 2.0;
        sum += leaves ? hypot(u, v) : hypot(f[i].u, f[i].v);
    }
    return blocks ? sum / blocks : 0;
}

/* Root mean square of what is left of v[0..n) at times t[0..n) beside the best straight line. */
static double jitter(const double *t, const double *v, int n) {
    double st = 0, sv = 0, tt = 0, tv = 0, left = 0;
    for (int i = 0; i < n; i++) st += t[i], sv += v[i];
    st /= n, sv /= n;
    for (int i = 0; i < n; i++) tt += (t[i] - st) * (t[i] - st), tv += (t[i] - st) * (v[i] - sv);
    const double slope = tt > 0 ? tv / tt : 0;
    for (int i = 0; i < n; i++) left += pow(v[i] - sv - slope * (t[i] - st), 2);
    return left / n;
}

/* ---- scores ---- */

static double still_part(const zt_planes *p) {
    const int pixels = p->h * p->w;
    int still = 0;
    for (int t = 1; t < p->n; t++) {
        const uint8_t *a = zt_plane(p, t - 1), *b = zt_plane(p, t);
        int changed = 0;
        for (int i = 0; i < pixels; i++) changed += abs(a[i] - b[i]) > 6;
        still += changed <= pixels / 2000;
    }
    return p->n > 1 ? (double)still / (p->n - 1) : 1;
}

static void summarise(const zt_look *l, const double *t, const double *dx, const double *dy, const camera *sum, int n,
                      zt_scores *s) {
    const double heights = l->fps / n / l->small.h;
    s->v[ZT_SCORE_pan] = -sum->dx * heights;      /* what moves left shows a camera that turns right */
    s->v[ZT_SCORE_tilt] = sum->dy * heights;
    s->v[ZT_SCORE_zoom] = log1p(fmax(-0.9, sum->grow / n)) * l->fps;
    s->v[ZT_SCORE_shake] = n > 2 ? sqrt(jitter(t, dx, n) + jitter(t, dy, n)) / l->small.h : 0;
}

zt_err zt_score_motion(const zt_look *l, zt_scores *s) {
    const zt_planes *p = &l->small;
    const int n = p->n - 1 < PAIRS ? p->n - 1 : PAIRS;
    pyramid a = {0}, b = {0};
    vector *f = NULL;
    double length = 0, t[PAIRS], dx[PAIRS], dy[PAIRS];
    camera sum = {0};
    zt_err e;
    s->v[ZT_SCORE_still] = still_part(p);
    ZT_TRY(e = pyramid_create(&a, p->h, p->w), done);
    ZT_TRY(e = pyramid_create(&b, p->h, p->w), done);
    if (!(f = zt_alloc_array(BLOCKS_MAX, sizeof *f))) {
        e = ZT_NOMEM;
        goto done;
    }
    for (int i = 0; i < n; i++) {
        const int at = n > 1 ? (int)((int64_t)i * (p->n - 2) / (n - 1)) : 0;
        int blocks;
        pyramid_fill(&a, zt_plane(p, at));
        pyramid_fill(&b, zt_plane(p, at + 1));
        const int found = flow(&a, &b, f, &blocks);
        const camera c = follow(f, found);
        length += mean_length(f, found, blocks, &c, p->h, p->w);
        t[i] = at, dx[i] = c.dx, dy[i] = c.dy;
        sum.dx += c.dx, sum.dy += c.dy, sum.grow += c.grow;
    }
    if (n > 0) {
        s->v[ZT_SCORE_motion] = length / n / p->h * l->fps;
        summarise(l, t, dx, dy, &sum, n, s);
    }
done:
    pyramid_finish(&a);
    pyramid_finish(&b);
    zt_free(f);
    return e;
}
