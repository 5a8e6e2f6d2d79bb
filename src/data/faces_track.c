/* faces_track.c - from boxes of single frames to tracks, and blurring along them (faces.h). Tested by
 * tests/data/test_data_faces.c. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/faces_impl.h"

/* GAP_S: seconds in which a track may be unseen; EXTEND_S: by which it is prolonged at its ends. SURE_VOTES: a box that is
 * believed though it was seen in one frame only. CELLS: mean colours per side that are left of a face. */
static const double GAP_S = 2, EXTEND_S = 1;
enum { SURE_VOTES = 12, CELLS = 5 };

/* ---- boxes ---- */

static double overlap(const zt_box *a, const zt_box *b) {
    const double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x), h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    return w > 0 && h > 0 ? w * h : 0;
}
static double area(const zt_box *a) { return (double)a->w * a->h; }

double zt_box_inside(const zt_box *a, const zt_box *b) {
    const double smaller = fmin(area(a), area(b));
    return smaller > 0 ? overlap(a, b) / smaller : 0;
}

double zt_box_iou(const zt_box *a, const zt_box *b) {
    const double both = overlap(a, b), all = area(a) + area(b) - both;
    return all > 0 ? both / all : 0;
}

zt_box zt_box_clip(zt_box b, int H, int W) {
    const int x = b.x > 0 ? b.x : 0, y = b.y > 0 ? b.y : 0, x1 = b.x + b.w < W ? b.x + b.w : W,
              y1 = b.y + b.h < H ? b.y + b.h : H;
    return (zt_box){x, y, x1 > x ? x1 - x : 0, y1 > y ? y1 - y : 0, b.votes};
}

/* ---- joining ---- */

/* A track while it grows: its boxes in the frames where it was seen. */
typedef struct growing { zt_boxes boxes; int *frame, cap, votes; } growing;
typedef struct herd { growing *g; int n, cap; } herd;

static zt_err add_seen(growing *g, int frame, zt_box b) {
    if (g->boxes.n == g->cap) {
        const int cap = g->cap ? 2 * g->cap : 16;
        int *more = zt_realloc(g->frame, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        g->frame = more;
        g->cap = cap;
    }
    g->frame[g->boxes.n] = frame;
    g->votes += b.votes;
    return zt_boxes_add(&g->boxes, b);
}

static zt_err start(herd *h, int frame, zt_box b) {
    if (h->n == h->cap) {
        const int cap = h->cap ? 2 * h->cap : 16;
        growing *more = zt_realloc(h->g, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        h->g = more;
        h->cap = cap;
    }
    h->g[h->n] = (growing){0};
    return add_seen(&h->g[h->n++], frame, b);
}

/* How well box b at `frame` goes on with g: 0 not at all. */
static double fit(const growing *g, int frame, const zt_box *b, double gap) {
    const int last = g->boxes.n - 1;
    const zt_box *a = &g->boxes.box[last];
    if (g->frame[last] == frame || frame - g->frame[last] > gap) return 0;
    const double iou = zt_box_iou(a, b), inside = zt_box_inside(a, b);
    return iou > 0.15 || inside > 0.5 ? iou + 0.5 * inside : 0;
}

static zt_err join_frame(herd *h, int frame, const zt_boxes *found, double gap) {
    const int before = h->n;
    for (int i = 0; i < found->n; i++) {
        int best = -1;
        double how = 0;
        for (int k = 0; k < before; k++) {
            const double v = fit(&h->g[k], frame, &found->box[i], gap);
            if (v > how) how = v, best = k;
        }
        const zt_err e = best >= 0 ? add_seen(&h->g[best], frame, found->box[i]) : start(h, frame, found->box[i]);
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

/* Between two boxes, and before the first and behind the last: where the thing will be at `frame`. */
static zt_box place(const growing *g, int frame) {
    const int n = g->boxes.n;
    const zt_box *box = g->boxes.box;
    if (frame <= g->frame[0]) return box[0];
    if (frame >= g->frame[n - 1]) return box[n - 1];
    int k = 1;
    while (g->frame[k] < frame) k++;
    const zt_box *a = &box[k - 1], *b = &box[k];
    const double u = (double)(frame - g->frame[k - 1]) / (g->frame[k] - g->frame[k - 1]);
    const int x = (int)lrint(a->x + u * (b->x - a->x)), y = (int)lrint(a->y + u * (b->y - a->y));
    return (zt_box){x, y, (int)lrint(a->w + u * (b->w - a->w)), (int)lrint(a->h + u * (b->h - a->h)), 0};
}

static zt_err add_track(zt_tracks *t, const growing *g, int extend, int T, int H, int W, bool text) {
    if (t->n == t->cap) {
        const int cap = t->cap ? 2 * t->cap : 8;
        zt_track *more = zt_realloc(t->track, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        t->track = more;
        t->cap = cap;
    }
    int first = g->frame[0] - extend, end = g->frame[g->boxes.n - 1] + extend + 1;
    if (first < 0) first = 0;
    if (end > T) end = T;
    zt_track *k = &t->track[t->n];
    *k = (zt_track){.text = text, .first = first, .n = end - first, .seen = g->boxes.n,
                    .from = g->frame[0], .to = g->frame[g->boxes.n - 1],
                    .box = zt_alloc_array((size_t)(end - first), sizeof(zt_box))};
    if (!k->box) return ZT_NOMEM;
    for (int i = 0; i < k->n; i++) k->box[i] = zt_box_clip(place(g, first + i), H, W);
    t->n++;
    return ZT_OK;
}

int zt_tracks_extend(int every, double fps) { return (int)ceil(fmax(EXTEND_S * fps, every)); }

zt_err zt_tracks_join(zt_tracks *t, const zt_boxes *found, int n, int every, int T, int H, int W, double fps, bool text) {
    herd h = {0};
    zt_err e = ZT_OK;
    const double gap = fmax(GAP_S * fps, 2 * every);
    const int extend = zt_tracks_extend(every, fps);
    for (int i = 0; i < n && e == ZT_OK; i++) e = join_frame(&h, i * every, &found[i], gap);
    for (int i = 0; i < h.n && e == ZT_OK; i++)
        if (h.g[i].boxes.n > 1 || n == 1 || h.g[i].votes >= SURE_VOTES) e = add_track(t, &h.g[i], extend, T, H, W, text);
    for (int i = 0; i < h.n; i++) {
        zt_boxes_finish(&h.g[i].boxes);
        zt_free(h.g[i].frame);
    }
    zt_free(h.g);
    return e;
}

/* ---- tracks ---- */

void zt_tracks_finish(zt_tracks *t) {
    for (int i = 0; i < t->n; i++) zt_free(t->track[i].box);
    zt_free(t->track);
    *t = (zt_tracks){0};
}

void zt_tracks_count(const zt_tracks *t, int T, int *faces, int *texts, int *frames) {
    *faces = *texts = *frames = 0;
    for (int i = 0; i < t->n; i++) ++*(t->track[i].text ? texts : faces);
    for (int f = 0; f < T; f++) {
        bool any = false;
        for (int i = 0; i < t->n && !any; i++) any = f >= t->track[i].first && f < t->track[i].first + t->track[i].n;
        *frames += any;
    }
}

json_t *zt_tracks_json(const zt_tracks *t) {
    json_t *kind[2] = {json_array(), json_array()};
    for (int i = 0; i < t->n; i++) {
        const zt_track *k = &t->track[i];
        json_t *boxes = json_array();
        for (int f = 0; f < k->n; f++)
            json_array_append_new(boxes, json_pack("[iiii]", k->box[f].x, k->box[f].y, k->box[f].w, k->box[f].h));
        json_array_append_new(kind[k->text], json_pack("{s:i, s:i, s:o}", "first", k->first, "seen", k->seen, "boxes", boxes));
    }
    return json_pack("{s:o, s:o}", "faces", kind[0], "texts", kind[1]);
}

/* ---- blurring ---- */

zt_box zt_blur_area(zt_box b, int H, int W) {
    if (b.w < 1 || b.h < 1) return (zt_box){0};
    const int dx = (b.w + 4) / 5, dy = (b.h + 3) / 4;
    return zt_box_clip((zt_box){b.x - dx, b.y - dy, b.w + 2 * dx, b.h + 2 * dy, b.votes}, H, W);
}

/* Mean colours of n x m cells of the area. */
static void cell_means(const uint8_t *frame, int W, const zt_box *a, int n, int m, float mean[CELLS][CELLS][3]) {
    for (int r = 0; r < m; r++)
        for (int c = 0; c < n; c++) {
            const int x0 = a->x + a->w * c / n, x1 = a->x + a->w * (c + 1) / n, y0 = a->y + a->h * r / m,
                      y1 = a->y + a->h * (r + 1) / m;
            double sum[3] = {0};
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++)
                    for (int k = 0; k < 3; k++) sum[k] += frame[((size_t)y * (size_t)W + (size_t)x) * 3 + (size_t)k];
            for (int k = 0; k < 3; k++) mean[r][c][k] = (float)(sum[k] / ((double)(x1 - x0) * (y1 - y0)));
        }
}

/* Position i of `length` pixels among n cells: the two it lies between, and how far it is towards the second. */
static double between(int i, int length, int n, int *low, int *high) {
    const double at = fmin(fmax((i + 0.5) * n / length - 0.5, 0), n - 1);
    *low = (int)at;
    *high = *low + 1 < n ? *low + 1 : *low;
    return at - *low;
}

static void blur_area(uint8_t *frame, int W, const zt_box *a) {
    float mean[CELLS][CELLS][3];
    const int n = a->w < CELLS ? a->w : CELLS, m = a->h < CELLS ? a->h : CELLS;
    if (n < 1 || m < 1) return;
    cell_means(frame, W, a, n, m, mean);
    for (int y = 0; y < a->h; y++) {
        int r, r1;
        const double v = between(y, a->h, m, &r, &r1);
        for (int x = 0; x < a->w; x++) {
            int c, c1;
            const double u = between(x, a->w, n, &c, &c1);
            uint8_t *to = frame + ((size_t)(a->y + y) * (size_t)W + (size_t)(a->x + x)) * 3;
            for (int k = 0; k < 3; k++)
                to[k] = (uint8_t)lrint((1 - v) * ((1 - u) * mean[r][c][k] + u * mean[r][c1][k])
                                       + v * ((1 - u) * mean[r1][c][k] + u * mean[r1][c1][k]));
        }
    }
}

void zt_tracks_blur(const zt_tracks *t, uint8_t *rgb, int T, int H, int W) {
    for (int i = 0; i < t->n; i++) {
        const zt_track *k = &t->track[i];
        for (int f = 0; f < k->n && k->first + f < T; f++) {
            const zt_box a = zt_blur_area(k->box[f], H, W);
            blur_area(rgb + (size_t)(k->first + f) * (size_t)H * (size_t)W * 3, W, &a);
        }
    }
}
