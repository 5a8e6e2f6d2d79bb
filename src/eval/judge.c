/* judge.c - segmentation and measurements of the analytic judge. Names, captions and scores are in score.c.
 * Steps: the object's colour from the saturated pixels of where the clip changes; a still background; per frame the soft
 * coverage of each pixel between the two; the one large blob; its area, extent, centroid, hue. */
#include "eval/judge.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* What one frame shows. */
typedef struct sight {
    bool found, whole;        /* a blob; all of it inside the frame */
    double area, x, y;        /* soft area, pixels; centroid */
    double fill;              /* area over bounding box */
    double lean;              /* centroid off the middle of the box, parts of the box: square and circle 0, triangle 1/6 */
    double rgb[3];            /* mean colour of its inside */
    double hue;
    double second;            /* area of the next largest blob / area */
    double strange;           /* area that is neither object nor background / area */
} sight;

typedef struct judge {
    const uint8_t *rgb;       /* [T,H,W,3], borrowed */
    int T, H, W, N;           /* N = H*W */
    double object[3];         /* object colour */
    float *back;              /* [N,3] background */
    float *cover;             /* [N] coverage of the current frame */
    int *label, *stack;       /* [N] */
    sight *seen;              /* [T] */
    double *sorted;           /* [T] scratch */
    uint8_t *where;           /* [T,H,W] where the object is, the caller's; NULL: not wanted */
} judge;

static const uint8_t *pixel(const judge *j, int t, int p) {
    return j->rgb + ((size_t)t * (size_t)j->N + (size_t)p) * 3;
}
static int max3(const uint8_t *c) {
    const int m = c[0] > c[1] ? c[0] : c[1];
    return m > c[2] ? m : c[2];
}
static int min3(const uint8_t *c) {
    const int m = c[0] < c[1] ? c[0] : c[1];
    return m < c[2] ? m : c[2];
}

/* Hue in degrees [0,360) of a colour that is not grey. */
static double hue_of(const double c[3]) {
    const double hi = fmax(c[0], fmax(c[1], c[2])), lo = fmin(c[0], fmin(c[1], c[2])), d = fmax(hi - lo, 1e-9);
    double h = hi == c[0] ? (c[1] - c[2]) / d : hi == c[1] ? 2 + (c[2] - c[0]) / d : 4 + (c[0] - c[1]) / d;
    h *= 60;
    return h < 0 ? h + 360 : h;
}
static double hue_distance(double a, double b) {
    const double d = fmod(fabs(a - b), 360);
    return d > 180 ? 360 - d : d;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
/* Median of v[0..n), n >= 1; sorts v. */
static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

/* Largest change of one pixel over time, any channel. */
static int change_at(const judge *j, int p) {
    int change = 0;
    for (int c = 0; c < 3; c++) {
        int lo = 255, hi = 0;
        for (int t = 0; t < j->T; t++) {
            const int v = pixel(j, t, p)[c];
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        change = hi - lo > change ? hi - lo : change;
    }
    return change;
}

/* Threshold between two classes of a histogram: half-way between the means of Otsu's (1979) best split. */
static int otsu(const int64_t hist[256]) {
    double total = 0, sum = 0, below = 0, sum_below = 0, best = -1;
    int threshold = 0;
    for (int v = 0; v < 256; v++) {
        total += (double)hist[v];
        sum += (double)hist[v] * v;
    }
    for (int v = 0; v < 255; v++) {
        below += (double)hist[v];
        sum_below += (double)hist[v] * v;
        if (below == 0 || below == total) continue;
        const double low = sum_below / below, high = (sum - sum_below) / (total - below);
        const double between = below * (total - below) * (high - low) * (high - low);
        if (between > best) {
            best = between;
            threshold = (int)(0.5 * (low + high));
        }
    }
    return threshold;
}

/* First guess of the object's colour: where the clip changes, the more saturated of what is seen. False: nothing changes, or
 * it is grey. */
static bool guess_colour(judge *j) {
    enum { MOVES = 32, SATURATED = 48 };
    int64_t hist[256] = {0}, n = 0;
    int most = 0;
    for (int p = 0; p < j->N; p++) {
        j->label[p] = change_at(j, p);
        most = j->label[p] > most ? j->label[p] : most;
    }
    if (most < MOVES) return false;
    for (int p = 0; p < j->N; p++)
        if (2 * j->label[p] >= most)
            for (int t = 0; t < j->T; t++) hist[max3(pixel(j, t, p)) - min3(pixel(j, t, p))]++;
    const int threshold = otsu(hist);
    if (threshold < SATURATED / 2) return false;
    double sum[3] = {0};
    for (int p = 0; p < j->N; p++)
        for (int t = 0; t < j->T && 2 * j->label[p] >= most; t++) {
            const uint8_t *c = pixel(j, t, p);
            if (max3(c) - min3(c) <= threshold) continue;
            for (int k = 0; k < 3; k++) sum[k] += c[k];
            n++;
        }
    for (int k = 0; k < 3 && n; k++) j->object[k] = sum[k] / (double)n;
    return n > 0 && fmax(j->object[0], fmax(j->object[1], j->object[2])) -
                        fmin(j->object[0], fmin(j->object[1], j->object[2])) >= SATURATED;
}

/* Background: per pixel the mean of what is far from the object's colour; pixels that never are take the mean of all others. */
static void find_background(judge *j) {
    double all[3] = {0};
    int64_t n_all = 0;
    double centre[3] = {0};
    for (int p = 0; p < j->N; p++)
        for (int k = 0; k < 3; k++) centre[k] += pixel(j, 0, p)[k] / (double)j->N;
    double reach = 0;
    for (int k = 0; k < 3; k++) reach += (centre[k] - j->object[k]) * (centre[k] - j->object[k]);
    reach = 0.6 * sqrt(reach);                            /* nearer to the object's colour than this: object or its edge */
    for (int p = 0; p < j->N; p++) {
        double sum[3] = {0}, w = 0;
        for (int t = 0; t < j->T; t++) {
            const uint8_t *c = pixel(j, t, p);
            double d = 0;
            for (int k = 0; k < 3; k++) d += (c[k] - j->object[k]) * (c[k] - j->object[k]);
            if (d < reach * reach) continue;
            const double near = d * d;                    /* the purer the background, the more it counts */
            for (int k = 0; k < 3; k++) sum[k] += near * c[k];
            w += near;
        }
        for (int k = 0; k < 3; k++) {
            j->back[3 * p + k] = w > 0 ? (float)(sum[k] / w) : -1;
            all[k] += w > 0 ? sum[k] / w : 0;
        }
        n_all += w > 0;
    }
    for (int p = 0; p < j->N; p++)
        for (int k = 0; k < 3; k++)
            if (j->back[3 * p + k] < 0) j->back[3 * p + k] = (float)(n_all ? all[k] / (double)n_all : 0);
}

/* Coverage of every pixel of frame t: its place on the line from background to object colour. `off` gets the number of pixels
 * whose colour lies off that line. */
static void cover_frame(judge *j, int t, double *off) {
    *off = 0;
    for (int p = 0; p < j->N; p++) {
        const uint8_t *c = pixel(j, t, p);
        double along = 0, length = 0, rest = 0, d[3], line[3];
        for (int k = 0; k < 3; k++) {
            d[k] = c[k] - j->back[3 * p + k];
            line[k] = j->object[k] - j->back[3 * p + k];
            along += d[k] * line[k];
            length += line[k] * line[k];
        }
        const double a = fmin(1, fmax(0, along / fmax(length, 400))), sure = 0.5 + 1.25 * (a - 0.5);
        for (int k = 0; k < 3; k++) rest += (d[k] - a * line[k]) * (d[k] - a * line[k]);
        j->cover[p] = (float)fmin(1, fmax(0, sure));       /* within 10 % of full is full: noise would pull areas down */
        if (rest > 0.2 * fmax(length, 400)) *off += 1;
    }
}

/* Flood the blob of label `id` from p over pixels more than half covered; its soft area. */
static double flood(judge *j, int p, int id) {
    int top = 0;
    double area = 0;
    j->stack[top++] = p;
    j->label[p] = id;
    while (top) {
        const int q = j->stack[--top], y = q / j->W, x = q % j->W;
        area += j->cover[q];
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                const int yy = y + dy, xx = x + dx, r = yy * j->W + xx;
                if (yy < 0 || xx < 0 || yy >= j->H || xx >= j->W || j->label[r] || j->cover[r] < 0.5F) continue;
                j->label[r] = id;
                j->stack[top++] = r;
            }
    }
    return area;
}

static bool touches(const judge *j, int y, int x, int id) {
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            const int yy = y + dy, xx = x + dx;
            if (yy >= 0 && xx >= 0 && yy < j->H && xx < j->W && j->label[yy * j->W + xx] == id) return true;
        }
    return false;
}

/* Area, extent and centroid of blob `id` with the soft edge around it. The extent along an axis is the sum, over the lines
 * across it, of the line's largest coverage: a half-covered last line counts half. */
static void measure(const judge *j, int id, sight *s) {
    enum { EDGE_LEVEL = 16 };                             /* coverage in percent below which an edge pixel is noise */
    double wide = 0, high = 0, middle_x = 0, middle_y = 0;
    s->whole = true;
    for (int x = 0; x < j->W; x++) j->stack[x] = 0;       /* largest coverage per column, in 1/1000 */
    for (int y = 0; y < j->H; y++) {
        double row = 0;
        for (int x = 0; x < j->W; x++) {
            const int p = y * j->W + x;
            const double a = j->cover[p];
            if (100 * a < EDGE_LEVEL || !touches(j, y, x, id)) continue;
            if (y == 0 || x == 0 || y == j->H - 1 || x == j->W - 1) s->whole = false;
            s->area += a;
            s->x += a * x;
            s->y += a * y;
            row = fmax(row, a);
            if (1000 * a > j->stack[x]) j->stack[x] = (int)(1000 * a);
        }
        high += row;
        middle_y += row * y;
    }
    for (int x = 0; x < j->W; x++) {
        wide += j->stack[x] / 1000.0;
        middle_x += x * j->stack[x] / 1000.0;
    }
    s->x /= s->area;
    s->y /= s->area;
    s->fill = s->area / fmax(wide * high, 1e-9);
    s->lean = hypot((s->x - middle_x / wide) / wide, (s->y - middle_y / high) / high);
}

static void look(judge *j, int t) {
    sight *s = &j->seen[t];
    double off, best = 0, second = 0;
    int id = 0, best_id = 0;
    *s = (sight){0};
    cover_frame(j, t, &off);
    if (j->where) memset(j->where + (size_t)t * (size_t)j->N, 0, (size_t)j->N);
    memset(j->label, 0, (size_t)j->N * sizeof *j->label);
    for (int p = 0; p < j->N; p++) {
        if (j->label[p] || j->cover[p] < 0.5F) continue;
        const double area = flood(j, p, ++id);
        if (area > best) {
            second = best;
            best = area;
            best_id = id;
        } else if (area > second) second = area;
    }
    if (best < 3) return;
    s->found = true;
    measure(j, best_id, s);
    for (int p = 0; p < j->N && j->where; p++) j->where[(size_t)t * (size_t)j->N + (size_t)p] = j->label[p] == best_id;
    s->second = second / best;
    s->strange = off / s->area;
    double n = 0;
    for (int p = 0; p < j->N; p++)
        if (j->label[p] == best_id && j->cover[p] > 0.8F) {
            for (int k = 0; k < 3; k++) s->rgb[k] += pixel(j, t, p)[k];
            n++;
        }
    for (int k = 0; k < 3; k++) s->rgb[k] = n ? s->rgb[k] / n : j->object[k];
    s->hue = hue_of(s->rgb);
}

/* The object's colour again, now from the insides of the blobs. */
static void refine_colour(judge *j) {
    double sum[3] = {0}, n = 0;
    for (int t = 0; t < j->T; t++) {
        if (!j->seen[t].found) continue;
        for (int k = 0; k < 3; k++) sum[k] += j->seen[t].area * j->seen[t].rgb[k];
        n += j->seen[t].area;
    }
    for (int k = 0; k < 3 && n > 0; k++) j->object[k] = sum[k] / n;
}

/* Median of a field over found frames (only whole ones if there are some). */
static double median_of(judge *j, size_t field) {
    int n = 0;
    for (int only_whole = 1; only_whole >= 0 && !n; only_whole--)
        for (int t = 0; t < j->T; t++)
            if (j->seen[t].found && (j->seen[t].whole || !only_whole))
                j->sorted[n++] = *(const double *)((const char *)&j->seen[t] + field);
    return n ? median(j->sorted, n) : 0;
}

/* Least squares line through the centroids: pixels per frame, and how much of their spread it explains. */
static void fit_motion(const judge *j, zt_verdict *v) {
    int whole = 0;
    for (int t = 0; t < j->T; t++) whole += j->seen[t].found && j->seen[t].whole;
    const bool only_whole = whole >= 3 && 2 * whole >= j->T;
    double n = 0, st = 0, sx = 0, sy = 0, stt = 0, stx = 0, sty = 0, sxx = 0, syy = 0;
    for (int t = 0; t < j->T; t++) {
        const sight *s = &j->seen[t];
        if (!s->found || (only_whole && !s->whole)) continue;
        n++;
        st += t;
        sx += s->x;
        sy += s->y;
        stt += (double)t * t;
        stx += t * s->x;
        sty += t * s->y;
        sxx += s->x * s->x;
        syy += s->y * s->y;
    }
    const double var_t = stt - st * st / fmax(n, 1), spread = sxx - sx * sx / fmax(n, 1) + syy - sy * sy / fmax(n, 1);
    if (n < 2 || var_t <= 0) return;
    v->dx = (stx - st * sx / n) / var_t;
    v->dy = (sty - st * sy / n) / var_t;
    v->steadiness = spread > 1e-9 ? fmin(1, (v->dx * v->dx + v->dy * v->dy) * var_t / spread) : 0;
}

static double content_distance(const judge *j) {
    double sum = 0, pairs = 0;
    for (int t = 0; t < j->T; t++)
        for (int s = 0; s < t; s++) {
            if (!j->seen[t].found || !j->seen[s].found) continue;
            const double *a = j->seen[t].rgb, *b = j->seen[s].rgb;
            sum += sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
            pairs++;
        }
    return pairs > 0 ? sum / pairs : 0;
}

static void name_colour(zt_verdict *v) {
    static const double border[ZT_JUDGE_COLOURS] = {30, 88, 175, 300};     /* red | yellow | green | blue | red */
    static const zt_judge_colour after[ZT_JUDGE_COLOURS] = {ZT_JUDGE_YELLOW, ZT_JUDGE_GREEN, ZT_JUDGE_BLUE, ZT_JUDGE_RED};
    v->colour = ZT_JUDGE_RED;
    v->hue_margin = 180;
    for (int k = 0; k < ZT_JUDGE_COLOURS; k++) {
        if (v->hue >= border[k]) v->colour = after[k];
        v->hue_margin = fmin(v->hue_margin, hue_distance(v->hue, border[k]));
    }
}

/* Why the frames do not show one well-formed object; "" when they do. */
static const char *reason(judge *j, const zt_verdict *v) {
    int two = 0, strange = 0, uneven = 0, off_hue = 0, whole = 0, found = 0;
    for (int t = 0; t < j->T; t++) {
        const sight *s = &j->seen[t];
        if (!s->found) continue;
        found++;
        two += s->second > 0.2;
        strange += s->strange > 0.35;
        off_hue += hue_distance(s->hue, v->hue) > 25;
        if (!s->whole) continue;
        whole++;
        uneven += fabs(s->area / v->area - 1) > 0.3;
    }
    const double way = hypot(v->dx, v->dy) * (j->T - 1), small = fmin(fabs(v->dx), fabs(v->dy));
    const double large = fmax(fabs(v->dx), fabs(v->dy));
    if (10 * found < 9 * j->T) return "no object in some frames";
    if (v->area > 0.6 * j->N) return "no object that stands out";
    if (5 * two > j->T) return "more than one object";
    if (5 * strange > j->T) return "something else than the object moves";
    if (5 * off_hue > j->T) return "the colour changes";
    if (4 * uneven > whole) return "the area changes";
    if (way < 0.04 * fmin(j->H, j->W) || way < 1) return "the object does not move";
    if (v->steadiness < 0.8) return "the motion is not steady";
    if (small > 0.6 * large) return "the motion has no clear direction";
    if (v->fill < 0.3) return "the shape is torn";
    return "";
}

static void conclude(judge *j, zt_verdict *v) {
    int found = 0;
    for (int t = 0; t < j->T; t++) found += j->seen[t].found;
    v->presence = (double)found / j->T;
    v->fill = median_of(j, offsetof(sight, fill));
    v->area = median_of(j, offsetof(sight, area));
    v->lean = median_of(j, offsetof(sight, lean));
    v->hue = hue_of(j->object);
    v->content = content_distance(j);
    name_colour(v);
    fit_motion(j, v);
    /* Few pixels cut a triangle's point off, which raises its fill; but it still leans. At 32 pixels triangles have fill - 3 lean
     * below 0.3, circles above 0.6. */
    v->shape = v->fill - 3 * v->lean < 0.55 ? ZT_JUDGE_TRIANGLE : v->fill < 0.87 ? ZT_JUDGE_CIRCLE : ZT_JUDGE_SQUARE;
    if (fabs(v->dx) >= fabs(v->dy)) v->direction = v->dx < 0 ? ZT_JUDGE_LEFT : ZT_JUDGE_RIGHT;
    else v->direction = v->dy < 0 ? ZT_JUDGE_UP : ZT_JUDGE_DOWN;
    v->reason = reason(j, v);
    v->valid = !*v->reason;
}

static void judge_frames(judge *j, zt_verdict *v) {
    v->reason = "nothing coloured moves";
    if (!guess_colour(j)) return;
    for (int round = 0; round < 3; round++) {
        find_background(j);
        for (int t = 0; t < j->T; t++) look(j, t);
        if (round < 2) refine_colour(j);
    }
    conclude(j, v);
}

zt_err zt_judge_clip(const uint8_t *rgb, int T, int H, int W, zt_verdict *v) {
    return zt_judge_segment(rgb, T, H, W, v, NULL);
}

zt_err zt_judge_segment(const uint8_t *rgb, int T, int H, int W, zt_verdict *v, uint8_t *object) {
    *v = (zt_verdict){.reason = "not judged"};
    if (T < 2 || T > 4096 || H < 8 || W < 8 || H > 1024 || W > 1024)
        return zt_fail(ZT_ARG, "judge: a clip of %dx%dx%d (frames x height x width); want 2..4096 frames and sides of 8..1024",
                       T, H, W);
    judge j = {.rgb = rgb, .T = T, .H = H, .W = W, .N = H * W, .where = object};
    const size_t n = (size_t)j.N;
    j.back = zt_alloc_array(n, 3 * sizeof *j.back);
    j.cover = zt_alloc_array(n, sizeof *j.cover);
    j.label = zt_alloc_array(n, sizeof *j.label);
    j.stack = zt_alloc_array(n, sizeof *j.stack);
    j.seen = zt_alloc_array((size_t)T, sizeof *j.seen);
    j.sorted = zt_alloc_array((size_t)T, sizeof *j.sorted);
    const bool ready = j.back && j.cover && j.label && j.stack && j.seen && j.sorted;
    if (object) memset(object, 0, (size_t)T * n);
    if (ready) judge_frames(&j, v);
    zt_free(j.back);
    zt_free(j.cover);
    zt_free(j.label);
    zt_free(j.stack);
    zt_free(j.seen);
    zt_free(j.sorted);
    return ready ? ZT_OK : ZT_NOMEM;
}
