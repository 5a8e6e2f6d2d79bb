/* faces_text.c - lines of text in a picture (faces_impl.h). Ink is what is darker, or brighter, than its surroundings (Niblack
 * 1986, with a least contrast); connected ink of an even stroke, as thin against its height as letters are, is a letter; letters
 * of one height side by side are a line (as in Epshtein, Ofek & Wexler 2010, who measure strokes in another way). Tested by
 * tests/data/test_data_faces.c; recall on drawn plates and captions by tests/data/test_data_text_recall.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/faces_impl.h"

/* HEIGHT_MIN: pixels of the least letter. LETTERS: of the shortest line. PARTS_MAX: a picture with more pieces of ink of the size
 * of letters is all texture; the rest is not looked at. */
enum { HEIGHT_MIN = 6, LETTERS = 4, PARTS_MAX = 6000, TEXT_VOTES = 3 };
/* Ink differs from the mean of its window by more than so much of the deviation there, and by more than so much brightness. Three
 * looks for dark ink and three for bright: windows of two sizes, for strokes thinner than their reach, and only what stands
 * out. */
static const double CONTRAST = 14;
static const struct { int reach; double deviation; } LOOK[] = {{6, 0.35}, {14, 0.35}, {14, 1}};

/* Connected ink: its box, its pixels, the sides of pixels at its rim; the width of its strokes, its mean grey and that around it;
 * how many letters it is. */
typedef struct part { int x, y, w, h, area, rim, line, letters; double stroke, ink, ground; } part;

typedef struct page {
    const uint8_t *grey;
    int W, H;
    double *sum, *squares;      /* [H+1,W+1] of all above and to the left */
    uint8_t *ink;               /* 1: ink; 2: ink that belongs to a part */
    int *stack;
    part *part;
    int n;
} page;

static zt_err page_create(page *p, const uint8_t *grey, int H, int W) {
    const size_t n = (size_t)W * (size_t)H, m = (size_t)(W + 1) * (size_t)(H + 1);
    *p = (page){.grey = grey,
                .W = W,
                .H = H,
                .sum = zt_alloc_array(m, sizeof *p->sum),
                .squares = zt_alloc_array(m, sizeof *p->squares),
                .ink = zt_alloc(n),
                .stack = zt_alloc_array(n, sizeof *p->stack),
                .part = zt_alloc_array(PARTS_MAX, sizeof *p->part)};
    if (!p->sum || !p->squares || !p->ink || !p->stack || !p->part) return ZT_NOMEM;
    const size_t row = (size_t)W + 1;
    for (size_t y = 1; y <= (size_t)H; y++)
        for (size_t x = 1; x < row; x++) {
            const double v = grey[(y - 1) * (size_t)W + x - 1];
            const size_t at = y * row + x;
            p->sum[at] = v + p->sum[at - 1] + p->sum[at - row] - p->sum[at - row - 1];
            p->squares[at] = v * v + p->squares[at - 1] + p->squares[at - row] - p->squares[at - row - 1];
        }
    return ZT_OK;
}

static void page_finish(page *p) {
    zt_free(p->sum);
    zt_free(p->squares);
    zt_free(p->ink);
    zt_free(p->stack);
    zt_free(p->part);
}

static double within(const double *sum, size_t row, int x0, int y0, int x1, int y1) {
    const double *top = sum + (size_t)y0 * row, *bottom = sum + (size_t)y1 * row;
    return bottom[x1] - bottom[x0] - top[x1] + top[x0];
}

/* sign 1: dark ink, -1: bright. */
static void find_ink(page *p, int reach, double deviation, int sign) {
    const size_t row = (size_t)p->W + 1;
    for (int y = 0; y < p->H; y++) {
        const int y0 = y > reach ? y - reach : 0, y1 = y + reach < p->H ? y + reach + 1 : p->H;
        for (int x = 0; x < p->W; x++) {
            const int x0 = x > reach ? x - reach : 0, x1 = x + reach < p->W ? x + reach + 1 : p->W;
            const double n = (double)(x1 - x0) * (y1 - y0), mean = within(p->sum, row, x0, y0, x1, y1) / n;
            const double spread = sqrt(fmax(0, within(p->squares, row, x0, y0, x1, y1) / n - mean * mean));
            const size_t at = (size_t)y * (size_t)p->W + (size_t)x;
            p->ink[at] = sign * (mean - p->grey[at]) > fmax(CONTRAST, deviation * spread);
        }
    }
}

/* The ink that hangs together with `at`, corners too. */
static part flood(page *p, int at) {
    const int W = p->W;
    int top = 0, x0 = W, x1 = 0, y0 = p->H, y1 = 0;
    part k = {0};
    p->stack[top++] = at;
    p->ink[at] = 2;
    while (top > 0) {
        const int here = p->stack[--top], x = here % W, y = here / W;
        k.area++;
        k.ink += p->grey[here];
        x0 = x < x0 ? x : x0, x1 = x > x1 ? x : x1, y0 = y < y0 ? y : y0, y1 = y > y1 ? y : y1;
        for (int v = -1; v <= 1; v++)
            for (int u = -1; u <= 1; u++) {
                const bool out = x + u < 0 || x + u >= W || y + v < 0 || y + v >= p->H, side = !u != !v;
                const int next = out ? here : here + v * W + u;
                if (out || !p->ink[next]) {
                    k.rim += side;
                    k.ground += side * p->grey[next];
                } else if (p->ink[next] == 1) {
                    p->ink[next] = 2;
                    p->stack[top++] = next;
                }
            }
    }
    k.x = x0, k.y = y0, k.w = x1 - x0 + 1, k.h = y1 - y0 + 1;
    k.stroke = 2.0 * k.area / k.rim;
    k.ink /= k.area;
    k.ground /= k.rim;
    return k;
}

/* Whether what is no ink in the part's box is as dark as the ink: then the ink is only the rim of a dark thing. */
static bool hollow(const page *p, const part *k) {
    int n = 0, like = 0;
    for (int y = k->y; y < k->y + k->h; y++)
        for (int x = k->x; x < k->x + k->w; x++) {
            const size_t at = (size_t)y * (size_t)p->W + (size_t)x;
            if (p->ink[at]) continue;
            n++;
            like += fabs(p->grey[at] - k->ink) < fabs(p->grey[at] - k->ground);
        }
    return like > 0.35 * n;
}

/* Strokes that a row crosses, on average over the middle half of the part's rows. */
static double crossings(const page *p, const part *k) {
    int n = 0, rows = 0;
    for (int y = k->y + k->h / 4; y < k->y + k->h - k->h / 4; y++, rows++)
        for (int x = k->x; x < k->x + k->w; x++) {
            const uint8_t *i = p->ink + (size_t)y * (size_t)p->W + (size_t)x;
            n += *i && (x == k->x || !i[-1]);
        }
    return rows ? (double)n / rows : 0;
}

/* Whether it is a letter, or several that touch. */
static bool is_letters(const page *p, part *k) {
    if (k->h < HEIGHT_MIN || k->h > p->H / 3 || k->h > 9 * k->w || k->w > 16 * k->h) return false;
    if (k->stroke < 0.05 * k->h || k->stroke > 0.38 * k->h || k->area < 0.15 * k->w * k->h) return false;
    k->letters = k->w <= 1.7 * k->h ? 1 : (int)lrint(k->w / (0.85 * k->h));
    return (k->letters == 1 || crossings(p, k) >= 1.2 * k->w / k->h) && !hollow(p, k);
}

/* Whether b follows a in a line: near, as high, on the same level, of the same stroke and colour. */
static bool follows(const part *a, const part *b) {
    const double low = fmin(a->h, b->h), high = fmax(a->h, b->h), gap = b->x - (a->x + a->w), level = fmax(1, 0.14 * high);
    const int top = abs(a->y - b->y), bottom = abs(a->y + a->h - b->y - b->h);
    return high <= 1.6 * low && (top <= level || bottom <= level) && gap > -0.3 * high && gap < 1.4 * high
           && fmax(a->stroke, b->stroke) <= 2 * fmin(a->stroke, b->stroke)
           && fabs(a->ink - b->ink) <= 0.35 * fmin(fabs(a->ink - a->ground), fabs(b->ink - b->ground));
}

/* The first part of the line that part i is in. */
static int first_of(page *p, int i) {
    while (p->part[i].line != i) i = p->part[i].line = p->part[p->part[i].line].line;
    return i;
}

static void join(page *p, int i, int k) {
    const int a = first_of(p, i), b = first_of(p, k);
    p->part[a > b ? a : b].line = a < b ? a : b;
}

static int by_left(const void *a, const void *b) {
    const part *p = a, *q = b;
    return p->x != q->x ? p->x - q->x : p->y - q->y;
}

/* Add a line; one that lies in part where another does makes that larger, for each may have missed some letters. */
static zt_err add_line(zt_boxes *all, zt_box b) {
    for (int i = 0; i < all->n; i++) {
        zt_box *a = &all->box[i];
        if (zt_box_inside(a, &b) < 0.3) continue;
        const int x = a->x < b.x ? a->x : b.x, y = a->y < b.y ? a->y : b.y,
                  x1 = a->x + a->w > b.x + b.w ? a->x + a->w : b.x + b.w, y1 = a->y + a->h > b.y + b.h ? a->y + a->h : b.y + b.h;
        *a = (zt_box){x, y, x1 - x, y1 - y, a->votes + b.votes};
        return ZT_OK;
    }
    return zt_boxes_add(all, b);
}

/* The line that begins with part `first`, when it has enough letters in a row. */
static zt_err take_line(const page *p, int first, zt_boxes *out) {
    int x0 = p->W, x1 = 0, y0 = p->H, y1 = 0, letters = 0, parts = 0;
    double high = 0;
    for (int k = first; k < p->n; k++) {
        const part *q = &p->part[k];
        if (q->line != first) continue;
        x0 = q->x < x0 ? q->x : x0, x1 = q->x + q->w > x1 ? q->x + q->w : x1;
        y0 = q->y < y0 ? q->y : y0, y1 = q->y + q->h > y1 ? q->y + q->h : y1;
        letters += q->letters;
        high += q->h;
        parts++;
    }
    high /= parts;
    const bool line = letters >= LETTERS && y1 - y0 <= 2.2 * high && x1 - x0 >= 1.5 * high;
    return line ? add_line(out, (zt_box){x0, y0, x1 - x0, y1 - y0, TEXT_VOTES}) : ZT_OK;
}

static zt_err find_lines(page *p, zt_boxes *out) {
    zt_err e = ZT_OK;
    qsort(p->part, (size_t)p->n, sizeof *p->part, by_left);
    for (int i = 0; i < p->n; i++) p->part[i].line = i;
    for (int i = 0; i < p->n; i++)
        for (int k = i + 1; k < p->n && p->part[k].x < p->part[i].x + p->part[i].w + 2 * p->part[i].h; k++)
            if (follows(&p->part[i], &p->part[k])) join(p, i, k);
    for (int i = 0; i < p->n; i++) p->part[i].line = first_of(p, i);
    for (int i = 0; i < p->n && e == ZT_OK; i++)
        if (p->part[i].line == i) e = take_line(p, i, out);
    return e;
}

zt_err zt_find_text(const uint8_t *grey, int H, int W, zt_boxes *out) {
    page p;
    zt_err e = page_create(&p, grey, H, W);
    for (int pass = 0; pass < 2 * (int)(sizeof LOOK / sizeof *LOOK) && e == ZT_OK; pass++) {
        find_ink(&p, LOOK[pass / 2].reach, LOOK[pass / 2].deviation, pass % 2 ? -1 : 1);
        p.n = 0;
        for (int i = 0; i < W * H && p.n < PARTS_MAX; i++) {
            if (p.ink[i] != 1) continue;
            part k = flood(&p, i);
            if (is_letters(&p, &k)) p.part[p.n++] = k;
        }
        e = find_lines(&p, out);
    }
    page_finish(&p);
    return e;
}
