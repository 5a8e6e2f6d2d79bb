/* cascade.c - evaluating a cascade over an image (cascade.h): scale pyramid, integral images, grouping. Gives the windows that
 * OpenCV's CascadeClassifier gives. Tested by tests/data/test_data_cascade.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/cascade_impl.h"

/* Stage thresholds were written with few digits. */
static const float THRESHOLD_SLACK = 1e-5f;

/* ---- boxes ---- */

zt_err zt_boxes_add(zt_boxes *b, zt_box box) {
    if (b->n == b->cap) {
        const int cap = b->cap ? 2 * b->cap : 64;
        zt_box *more = zt_realloc(b->box, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        b->box = more;
        b->cap = cap;
    }
    b->box[b->n++] = box;
    return ZT_OK;
}

void zt_boxes_finish(zt_boxes *b) {
    zt_free(b->box);
    *b = (zt_boxes){0};
}

static bool similar(const zt_box *a, const zt_box *b) {
    const double d = 0.2 * 0.5 * ((a->w < b->w ? a->w : b->w) + (a->h < b->h ? a->h : b->h));
    return abs(a->x - b->x) <= d && abs(a->y - b->y) <= d && abs(a->x + a->w - b->x - b->w) <= d &&
           abs(a->y + a->h - b->y - b->h) <= d;
}

static int find_set(int *set, int i) {
    while (set[i] != i) i = set[i] = set[set[i]];
    return i;
}

/* Whether a lies inside b (a little over its edge counts too), which has clearly more votes. */
static bool inside_better(const zt_box *a, const zt_box *b) {
    const double dx = 0.2 * b->w, dy = 0.2 * b->h;
    return b->votes > (a->votes > 3 ? a->votes : 3) && a->x >= b->x - dx && a->y >= b->y - dy && a->x + a->w <= b->x + b->w + dx
           && a->y + a->h <= b->y + b->h + dy;
}

zt_err zt_boxes_group(zt_boxes *b, int min_votes) {
    const int n = b->n;
    int *set = zt_alloc_array((size_t)n, sizeof *set), kept = 0, groups = 0;
    double(*sum)[4] = zt_alloc_array((size_t)n, sizeof *sum);
    int *votes = zt_alloc_array((size_t)n, sizeof *votes);
    zt_err e = set && sum && votes ? ZT_OK : ZT_NOMEM;
    for (int i = 0; e == ZT_OK && i < n; i++) {
        set[i] = i;
        for (int k = 0; k < i; k++)
            if (similar(&b->box[i], &b->box[k])) set[find_set(set, i)] = find_set(set, k);
    }
    for (int i = 0; e == ZT_OK && i < n; i++) {
        const int s = find_set(set, i);
        const double v[4] = {b->box[i].x, b->box[i].y, b->box[i].w, b->box[i].h};
        for (int k = 0; k < 4; k++) sum[s][k] += v[k];
        votes[s]++;
    }
    for (int i = 0; e == ZT_OK && i < n; i++) {
        if (votes[i] < 1 || votes[i] < min_votes) continue;
        const double m = 1.0 / votes[i];
        b->box[groups++] = (zt_box){(int)lrint(sum[i][0] * m), (int)lrint(sum[i][1] * m), (int)lrint(sum[i][2] * m),
                                    (int)lrint(sum[i][3] * m), votes[i]};
    }
    for (int i = 0; e == ZT_OK && i < groups; i++) {
        bool keep = true;
        for (int k = 0; k < groups && keep; k++) keep = k == i || !inside_better(&b->box[i], &b->box[k]);
        set[i] = keep;
    }
    for (int i = 0; e == ZT_OK && i < groups; i++)
        if (set[i]) b->box[kept++] = b->box[i];
    if (e == ZT_OK) b->n = kept;
    zt_free(set);
    zt_free(sum);
    zt_free(votes);
    return e;
}

/* ---- images ---- */

void zt_grey(const uint8_t *rgb, int64_t pixels, uint8_t *grey) {
    for (int64_t i = 0; i < pixels; i++, rgb += 3)             /* .299, .587, .114 in units of 2^-15 */
        grey[i] = (uint8_t)((rgb[0] * 9798 + rgb[1] * 19235 + rgb[2] * 3735 + (1 << 14)) >> 15);
}

/* One axis of a bilinear resize: sample i of n lies between source samples at[i] and at[i] + 1 (of m), weight in 1/256. */
static void axis(int n, int m, int *at, int *weight) {
    const double step = (double)m / n;
    for (int i = 0; i < n; i++) {
        const double x = (i + 0.5) * step - 0.5;
        int k = (int)floor(x), w = (int)lrint((x - k) * 256);
        if (k < 0) k = w = 0;
        if (k >= m - 1) {
            k = m > 1 ? m - 2 : 0;
            w = m > 1 ? 256 : 0;
        }
        at[i] = k;
        weight[i] = w;
    }
}

/* A level of the pyramid: its integral images have a row and column of zeros in front, [h+1,w+1]. Sums are modulo 2^32, which no
 * window reaches. */
typedef struct level { int w, h; uint8_t *grey; uint32_t *sum, *square; int *at, *weight; } level;

static zt_err level_create(level *l, int W, int H) {
    const size_t n = (size_t)(W + 1) * (size_t)(H + 1);
    *l = (level){0};
    l->grey = zt_alloc(n);
    l->sum = zt_alloc_array(n, sizeof *l->sum);
    l->square = zt_alloc_array(n, sizeof *l->square);
    l->at = zt_alloc_array((size_t)W + (size_t)H, sizeof *l->at);
    l->weight = zt_alloc_array((size_t)W + (size_t)H, sizeof *l->weight);
    return l->grey && l->sum && l->square && l->at && l->weight ? ZT_OK : ZT_NOMEM;
}

static void level_finish(level *l) {
    zt_free(l->grey);
    zt_free(l->sum);
    zt_free(l->square);
    zt_free(l->at);
    zt_free(l->weight);
}

/* dst [h,w] from src [H,W]; `at` and `weight` have room for w + h. */
static void resize(const uint8_t *src, int H, int W, uint8_t *dst, int h, int w, int *at, int *weight) {
    int *x = at, *y = at + w, *wx = weight, *wy = weight + w;
    axis(w, W, x, wx);
    axis(h, H, y, wy);
    for (int r = 0; r < h; r++) {
        const uint8_t *a = src + (size_t)y[r] * (size_t)W, *b = H > 1 ? a + W : a;
        uint8_t *to = dst + (size_t)r * (size_t)w;
        for (int c = 0; c < w; c++) {
            const int k = x[c], k1 = W > 1 ? k + 1 : k, u = wx[c], v = wy[r];
            const int top = a[k] * (256 - u) + a[k1] * u, low = b[k] * (256 - u) + b[k1] * u;
            to[c] = (uint8_t)((top * (256 - v) + low * v + (1 << 15)) >> 16);
        }
    }
}

zt_err zt_grey_resize(const uint8_t *src, int H, int W, uint8_t *dst, int h, int w) {
    if (H < 1 || W < 1 || h < 1 || w < 1) return zt_fail(ZT_ARG, "resizing %dx%d pixels to %dx%d", W, H, w, h);
    int *at = zt_alloc_array((size_t)w + (size_t)h, 2 * sizeof *at);
    if (!at) return ZT_NOMEM;
    resize(src, H, W, dst, h, w, at, at + w + h);
    zt_free(at);
    return ZT_OK;
}

static void integrate(level *l) {
    const size_t stride = (size_t)l->w + 1;
    memset(l->sum, 0, stride * sizeof *l->sum);
    memset(l->square, 0, stride * sizeof *l->square);
    for (int r = 0; r < l->h; r++) {
        const uint8_t *g = l->grey + (size_t)r * (size_t)l->w;
        uint32_t *s = l->sum + stride * (size_t)(r + 1), *q = l->square + stride * (size_t)(r + 1), rs = 0, rq = 0;
        s[0] = q[0] = 0;
        for (int c = 0; c < l->w; c++) {
            rs += g[c];
            rq += (uint32_t)g[c] * g[c];
            s[c + 1] = s[c + 1 - (int)stride] + rs;
            q[c + 1] = q[c + 1 - (int)stride] + rq;
        }
    }
}

/* ---- one window ---- */

/* Corners of a feature's rectangles in an integral image of one width. LBP: the 16 corners of its cells. */
typedef struct corners { int at[16]; float weight[ZT_CASCADE_RECTS]; } corners;

static void place_features(const zt_cascade *c, int stride, corners *out) {
    for (int i = 0; i < c->n_features; i++) {
        const zt_feature *f = &c->feature[i];
        corners *k = &out[i];
        memset(k, 0, sizeof *k);
        if (c->lbp)
            for (int p = 0; p < 16; p++) k->at[p] = (f->r[0].y + p / 4 * f->r[0].h) * stride + f->r[0].x + p % 4 * f->r[0].w;
        for (int r = 0; !c->lbp && r < f->n; r++) {
            const int y = f->r[r].y * stride, y1 = (f->r[r].y + f->r[r].h) * stride, x = f->r[r].x, x1 = x + f->r[r].w;
            const int at[4] = {y + x, y + x1, y1 + x, y1 + x1};
            memcpy(k->at + 4 * r, at, sizeof at);
            k->weight[r] = f->r[r].weight;
        }
    }
}

static int32_t rect_sum(const uint32_t *s, int a, int b, int c, int d) { return (int32_t)(s[a] - s[b] - s[c] + s[d]); }

static float haar(const corners *k, const uint32_t *s) {
    const int *p = k->at;
    float v =
        k->weight[0] * (float)rect_sum(s, p[0], p[1], p[2], p[3]) + k->weight[1] * (float)rect_sum(s, p[4], p[5], p[6], p[7]);
    if (k->weight[2] != 0) v += k->weight[2] * (float)rect_sum(s, p[8], p[9], p[10], p[11]);
    return v;
}

/* Bit per neighbour cell that is at least as bright as the middle, clockwise from the upper left one, highest bit first. */
static int lbp_code(const corners *k, const uint32_t *s) {
    static const int CELL[8] = {0, 1, 2, 6, 10, 9, 8, 4};          /* upper left corner of each */
    const int *p = k->at, middle = rect_sum(s, p[5], p[6], p[9], p[10]);
    int code = 0;
    for (int i = 0; i < 8; i++) {
        const int a = CELL[i];
        code = 2 * code + (rect_sum(s, p[a], p[a + 1], p[a + 4], p[a + 5]) >= middle);
    }
    return code;
}

typedef struct scan { const zt_cascade *c; const corners *feature; level l; int inset[4]; double area; } scan;

/* 1 / (area * standard deviation) of the window without its outermost pixels; false for one of hardly any contrast. */
static bool contrast(const scan *s, size_t at, float *norm) {
    const int *p = s->inset;
    const uint32_t *q = s->l.square + at;
    const int32_t sum = rect_sum(s->l.sum + at, p[0], p[1], p[2], p[3]);
    const uint32_t square = q[p[0]] - q[p[1]] - q[p[2]] + q[p[3]];
    const double v = s->area * square - (double)sum * sum;
    if (!(v > 0)) return false;
    *norm = (float)(1 / sqrt(v));
    return s->area * *norm < 0.1;
}

/* The stage that refuses the window at `at`, n_stages when none does. */
static int refused_by(const scan *s, size_t at, float norm) {
    const zt_cascade *c = s->c;
    const uint32_t *sum = s->l.sum + at;
    for (int i = 0; i < c->n_stages; i++) {
        const zt_cascade_stage *stage = &c->stage[i];
        double total = 0;
        for (int k = 0; k < stage->n; k++) {
            const zt_cascade_tree *t = &c->tree[stage->tree + k];
            int to = 0;
            do {
                const zt_cascade_node *n = &c->node[t->node + to];
                const corners *f = &s->feature[n->feature];
                bool left;
                if (c->lbp) {
                    const int code = lbp_code(f, sum);
                    left = n->subset[code >> 5] >> (code & 31) & 1;
                } else left = haar(f, sum) * norm < n->threshold;
                to = left ? n->left : n->right;
            } while (to > 0);
            total += c->leaf[t->leaf - to];
        }
        if (total < stage->threshold - THRESHOLD_SLACK) return i;
    }
    return c->n_stages;
}

/* ---- all windows ---- */

static zt_err scan_level(const scan *s, double scale, int W, int H, zt_boxes *out) {
    const zt_cascade *c = s->c;
    const int step = scale >= 2 ? 1 : 2;
    for (int y = 0; y <= s->l.h - c->height; y += step)
        for (int x = 0; x <= s->l.w - c->width; x += step) {
            const size_t at = (size_t)y * ((size_t)s->l.w + 1) + (size_t)x;
            float norm = 1;
            if (!c->lbp && !contrast(s, at, &norm)) continue;
            const int stage = refused_by(s, at, norm);
            if (stage == 0) x += step;                        /* nothing like it here: the next one is passed over */
            if (stage < c->n_stages) continue;
            zt_box b = {(int)lrint(x * scale), (int)lrint(y * scale), (int)lrint(c->width * scale), (int)lrint(c->height * scale),
                        1};
            if (b.x + b.w > W) b.w = W - b.x;                 /* the level was rounded up */
            if (b.y + b.h > H) b.h = H - b.y;
            const zt_err e = zt_boxes_add(out, b);
            if (e != ZT_OK) return e;
        }
    return ZT_OK;
}

zt_err zt_cascade_detect(const zt_cascade *c, const uint8_t *grey, int H, int W, double scale_step, int min_side, int max_side,
                         zt_boxes *out) {
    if (H < 1 || W < 1 || H > 16384 || W > 16384 || !(scale_step >= 1.01 && scale_step <= 4))
        return zt_fail(ZT_ARG, "detecting in %dx%d pixels by steps of %g; wanted are 1..16384 and 1.01..4", W, H, scale_step);
    scan s = {.c = c, .area = (double)(c->width - 2) * (c->height - 2)};
    corners *placed = zt_alloc_array((size_t)c->n_features, sizeof *placed);
    const int side = c->width > c->height ? c->width : c->height;
    zt_err e = level_create(&s.l, W, H);
    if (!placed) e = ZT_NOMEM;
    s.feature = placed;
    for (double factor = 1; e == ZT_OK; factor *= scale_step) {
        const float scale = (float)factor;
        const int w = (int)lrint(c->width * factor), h = (int)lrint(c->height * factor);
        if (w > W || h > H || (max_side > 0 && (int)lrint(side * factor) > max_side)) break;
        if ((int)lrint(side * factor) < min_side) continue;
        s.l.w = (int)lrintf((float)W / scale);
        s.l.h = (int)lrintf((float)H / scale);
        if (s.l.w < c->width || s.l.h < c->height) break;         /* rounded down */
        resize(grey, H, W, s.l.grey, s.l.h, s.l.w, s.l.at, s.l.weight);
        integrate(&s.l);
        const int stride = s.l.w + 1, low = (c->height - 1) * stride;
        const int inset[4] = {stride + 1, stride + c->width - 1, low + 1, low + c->width - 1};
        memcpy(s.inset, inset, sizeof inset);
        place_features(c, stride, placed);
        e = scan_level(&s, scale, W, H, out);
    }
    level_finish(&s.l);
    zt_free(placed);
    return e;
}
