/* faces_text.c - lines of text in a picture (faces_impl.h). Letters are strokes: many strong edges, dark to bright and back,
 * close together on a line that is wider than high. Tested by tests/data/test_data_faces.c. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/faces_impl.h"

/* CELL: pixels per side of the raster in which strokes are counted. EDGE: change of brightness over two pixels that counts. BUSY:
 * least edge pixels of a cell. A line is 2..MAX_CELLS cells high, at least 2 and a half times as wide, and has per cell of its
 * width, on an average row, at least as many changes of direction as letters of that height have. */
enum { CELL = 4, EDGE = 40, BUSY = 3, MAX_CELLS = 16, TEXT_VOTES = 3 };

typedef struct raster { int w, h; uint8_t *busy; int *label, *stack; } raster;

/* Cells with vertical edges, and those between two of them. */
static void mark(const uint8_t *grey, int W, raster *r) {
    for (int y = 0; y < r->h; y++)
        for (int x = 0; x < r->w; x++) {
            int n = 0;
            for (int v = 0; v < CELL; v++)
                for (int u = 0; u < CELL; u++) {
                    const int px = x * CELL + u;
                    if (px < 1 || px + 1 >= W) continue;
                    const uint8_t *g = grey + (size_t)(y * CELL + v) * (size_t)W + (size_t)px;
                    n += abs(g[1] - g[-1]) > EDGE;
                }
            r->busy[y * r->w + x] = n >= BUSY;
        }
    for (int y = 0; y < r->h; y++)
        for (int x = 1; x + 1 < r->w; x++) {
            uint8_t *b = &r->busy[y * r->w + x];
            if (!*b && (b[-1] & 1) && (b[1] & 1)) *b = 2;
        }
}

/* Cells joined to `at` by their sides: the box around them in cells, and how many there are. */
static int flood(raster *r, int at, zt_box *box) {
    int n = 0, top = 0, x0 = r->w, x1 = 0, y0 = r->h, y1 = 0;
    r->stack[top++] = at;
    r->label[at] = 1;
    while (top > 0) {
        const int k = r->stack[--top], x = k % r->w, y = k / r->w;
        const int next[4] = {x > 0 ? k - 1 : -1, x + 1 < r->w ? k + 1 : -1, y > 0 ? k - r->w : -1, y + 1 < r->h ? k + r->w : -1};
        n++;
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (y < y0) y0 = y;
        if (y > y1) y1 = y;
        for (int i = 0; i < 4; i++)
            if (next[i] >= 0 && r->busy[next[i]] && !r->label[next[i]]) {
                r->label[next[i]] = 1;
                r->stack[top++] = next[i];
            }
    }
    *box = (zt_box){x0, y0, x1 - x0 + 1, y1 - y0 + 1, TEXT_VOTES};
    return n;
}

/* Changes from dark-to-bright to bright-to-dark edges on the middle rows of the box, per row. */
static double strokes(const uint8_t *grey, int W, const zt_box *b) {
    int changes = 0, rows = 0;
    for (int y = b->y + b->h / 4; y < b->y + b->h - b->h / 4; y++, rows++) {
        int last = 0;
        for (int x = b->x > 0 ? b->x : 1; x < b->x + b->w && x + 1 < W; x++) {
            const uint8_t *g = grey + (size_t)y * (size_t)W + (size_t)x;
            const int d = g[1] - g[-1], sign = d > EDGE ? 1 : d < -EDGE ? -1 : 0;
            changes += sign && last && sign != last;
            if (sign) last = sign;
        }
    }
    return rows ? (double)changes / rows : 0;
}

zt_err zt_find_text(const uint8_t *grey, int H, int W, zt_boxes *out) {
    raster r = {.w = W / CELL, .h = H / CELL};
    if (r.w < 3 || r.h < 2) return ZT_OK;
    const size_t n = (size_t)r.w * (size_t)r.h;
    zt_err e = ZT_OK;
    r.busy = zt_alloc(n);
    r.label = zt_alloc_array(n, sizeof *r.label);
    r.stack = zt_alloc_array(n, sizeof *r.stack);
    if (!r.busy || !r.label || !r.stack) e = ZT_NOMEM;
    if (e == ZT_OK) mark(grey, W, &r);
    for (int i = 0; e == ZT_OK && i < (int)n; i++) {
        zt_box b;
        if (!r.busy[i] || r.label[i]) continue;
        const int cells = flood(&r, i, &b);
        const bool line = b.h >= 2 && b.h <= MAX_CELLS && 2 * b.w >= 5 * b.h && 2 * cells >= b.w * b.h;
        b = (zt_box){b.x * CELL, b.y * CELL, b.w * CELL, b.h * CELL, b.votes};
        if (line && strokes(grey, W, &b) >= 1.2 * b.w / b.h) e = zt_boxes_add(out, b);
    }
    zt_free(r.busy);
    zt_free(r.label);
    zt_free(r.stack);
    return e;
}
