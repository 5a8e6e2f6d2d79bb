/* conv_dw.c - gradient of convolution weights, straight from channels-last memory: no im2col, no packed layouts.
 *
 *   dW[tap][ci][co] = sum over output positions p of x[p*stride + tap - before][ci] * dy[p][co]
 * For one tap and one image line this is a matrix product whose rows (pixels) lie Ci and Co floats apart, so a register tile of
 * a few ci by up to 64 co runs over the lines of a block of pixels that stays in the first caches, for every tap. Small dW:
 * each slot sums its share of the images into a dW of its own, which are then added in order. Large dW: slots share out its
 * rows. */
#include "backends/cpu/kernels/kernel.h"

enum { PIXELS = 192, PARTIAL_MAX = 1 << 20 };   /* pixels per block; floats of dW up to which each slot has its own */

typedef struct cw {
    int64_t B, Ci, Co, Cp;                      /* Cp: Co rounded up to whole vectors */
    int64_t in[3], out[3], k[3], stride[3], before[3];
    int64_t taps, lines;                        /* lines of an image in one block */
    bool own;                                   /* each slot has its own dW */
} cw;

static bool whole(const cw *c, int axis) {       /* the kernel does not look sideways along this axis */
    return c->k[axis] == 1 && c->stride[axis] == 1 && !c->before[axis] && c->in[axis] == c->out[axis];
}
/* Pixels without neighbours are one long line; it is cut in lines of one block. */
static void merge_pixels(cw *c, int64_t pixels) {
    int64_t line = pixels;
    for (int64_t k = PIXELS; line > PIXELS && k > 1; k--)
        if (pixels % k == 0) line = k;
    c->in[2] = c->out[2] = line;
    c->in[1] = c->out[1] = pixels / line;
}

static cw cw_of(const zt_node *n) {
    const zt_shape *x = &n->in[0]->sh, *y = &n->in[1]->sh;
    cw c = {.B = x->d[0], .Ci = x->d[4], .Co = y->d[4], .taps = 1};
    for (int k = 0; k < 3; k++) {
        c.in[k] = x->d[1 + k];
        c.out[k] = y->d[1 + k];
        c.k[k] = n->at.i[ZT_CONV_SIZE + k];
        c.stride[k] = n->at.i[ZT_CONV_STRIDE + k];
        c.before[k] = n->at.i[ZT_CONV_BEFORE + k];
        c.taps *= c.k[k];
    }
    if (whole(&c, 0)) {                           /* frames are samples */
        c.B *= c.in[0];
        c.in[0] = c.out[0] = 1;
    }
    if (whole(&c, 1) && whole(&c, 2)) {
        const bool all = c.in[0] == 1 && whole(&c, 0);
        merge_pixels(&c, c.in[1] * c.in[2] * (all ? c.B : 1));
        if (all) c.B = 1;
    }
    c.Cp = (c.Co + VW - 1) / VW * VW;
    c.lines = PIXELS / c.out[2] < 1 ? 1 : PIXELS / c.out[2] > c.out[1] ? c.out[1] : PIXELS / c.out[2];
    const int64_t per = (c.out[1] + c.lines - 1) / c.lines;
    c.lines = (c.out[1] + per - 1) / per;         /* blocks of equal height */
    c.own = c.taps * c.Ci * c.Cp <= PARTIAL_MAX;
    return c;
}

/* acc[r][v] += sum over `lines` x `pixels` of a (element r of a pixel, broadcast) times b (vectors of a pixel). */
typedef struct strip { int64_t lines, pixels, a_line, a_pixel, b_line, b_pixel; } strip;
INLINE void dw_tile(float *w, int64_t ldw, const float *a, const float *b, const strip *s, const int R, const int NV) {
    vf acc[6][4];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) acc[r][v] = v_load(w + r * ldw + v * VW);
    for (int64_t l = 0; l < s->lines; l++) {
        const float *p = a + l * s->a_line, *q = b + l * s->b_line;
        for (int64_t i = 0; i < s->pixels; i++, p += s->a_pixel, q += s->b_pixel) {
            vf y[4];
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++) y[v] = v_load(q + v * VW);
#pragma GCC unroll 6
            for (int r = 0; r < R; r++) {
                const vf x = v_set(p[r]);
#pragma GCC unroll 4
                for (int v = 0; v < NV; v++) acc[r][v] += x * y[v];
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) v_store(w + r * ldw + v * VW, acc[r][v]);
}
#define DW_STRIP(NV) \
    static void dw_strip##NV(float *w, int64_t ldw, const float *a, const float *b, const strip *s, int64_t rows) { \
        int64_t r = 0; \
        for (; r + 6 <= rows; r += 6) dw_tile(w + r * ldw, ldw, a + r, b, s, 6, NV); \
        for (; r + 4 <= rows; r += 4) dw_tile(w + r * ldw, ldw, a + r, b, s, 4, NV); \
        for (; r + 2 <= rows; r += 2) dw_tile(w + r * ldw, ldw, a + r, b, s, 2, NV); \
        for (; r < rows; r++) dw_tile(w + r * ldw, ldw, a + r, b, s, 1, NV); \
    }
#if defined(ZT_LEVEL_v4)
enum { WIDE = 4 };
DW_STRIP(4)
DW_STRIP(3)
#else
enum { WIDE = 2 };
#endif
DW_STRIP(2)
DW_STRIP(1)

/* rows of dW (channels from..from+rows of one tap) += this strip. */
static void dw_rows(float *w, int64_t width, const float *a, const float *b, const strip *s, int64_t rows) {
    for (int64_t c = 0, left = width / VW; left > 0;) {
        const int nv = left >= WIDE ? WIDE : (int)left;
#if defined(ZT_LEVEL_v4)
        if (nv == 4) dw_strip4(w + c, width, a, b + c, s, rows);
        else if (nv == 3) dw_strip3(w + c, width, a, b + c, s, rows);
        else
#endif
        if (nv == 2) dw_strip2(w + c, width, a, b + c, s, rows);
        else dw_strip1(w + c, width, a, b + c, s, rows);
        c += nv * VW;
        left -= nv;
    }
}

/* Output positions p in [*from, *to) of [lo, hi) whose input p*stride + tap - before is inside. */
static void inside(const cw *c, int axis, int64_t tap, int64_t lo, int64_t hi, int64_t *from, int64_t *to) {
    const int64_t off = c->before[axis] - tap, st = c->stride[axis];
    const int64_t first = off > 0 ? (off + st - 1) / st : 0, room = c->in[axis] - 1 + off;
    const int64_t end = room < 0 ? 0 : room / st + 1;
    *from = first > lo ? first : lo;
    *to = end < hi ? end : hi;
}

/* One block: lines [h0, h1) of output frame (b, t); rows [r0, r1) of the taps*Ci rows of w. */
static void block(const cw *c, const float *x, const float *dy, float *w, float *pad, int64_t b, int64_t t, int64_t h0,
                  int64_t h1, int64_t r0, int64_t r1) {
    const int64_t H = c->out[1], W = c->out[2], Hi = c->in[1], Wi = c->in[2];
    const float *y = dy + ((b * c->out[0] + t) * H + h0) * W * c->Co;
    if (c->Cp != c->Co) {
        for (int64_t p = 0; p < (h1 - h0) * W; p++)
            for (int64_t o = 0; o < c->Cp; o++) pad[p * c->Cp + o] = o < c->Co ? y[p * c->Co + o] : 0;
        y = pad;
    }
    for (int64_t tap = r0 / c->Ci; tap * c->Ci < r1; tap++) {
        const int64_t kw = tap % c->k[2], kh = tap / c->k[2] % c->k[1], kt = tap / c->k[2] / c->k[1];
        int64_t ta, tb, ha, hb, wa, wb;
        inside(c, 0, kt, t, t + 1, &ta, &tb);
        inside(c, 1, kh, h0, h1, &ha, &hb);
        inside(c, 2, kw, 0, W, &wa, &wb);
        if (ta >= tb || ha >= hb || wa >= wb) continue;
        const int64_t first = r0 > tap * c->Ci ? r0 - tap * c->Ci : 0, last = r1 < (tap + 1) * c->Ci ? r1 - tap * c->Ci : c->Ci;
        const int64_t ti = t * c->stride[0] + kt - c->before[0], hi = ha * c->stride[1] + kh - c->before[1];
        const int64_t wi = wa * c->stride[2] + kw - c->before[2];
        const strip s = {hb - ha, wb - wa, c->stride[1] * Wi * c->Ci, c->stride[2] * c->Ci, W * c->Cp, c->Cp};
        dw_rows(w + (tap * c->Ci + first) * c->Cp, c->Cp, x + (((b * c->in[0] + ti) * Hi + hi) * Wi + wi) * c->Ci + first,
                y + ((ha - h0) * W + wa) * c->Cp, &s, last - first);
    }
}

static int64_t pad_size(const cw *c) {
    return c->Cp == c->Co ? 0 : (c->lines * c->out[2] * c->Cp + 15) / 16 * 16;
}
static zt_err dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const cw c = cw_of(n);
    const int64_t size = c.taps * c.Ci * c.Cp, slots = zt_cpu_slots();
    *scratch = (size_t)((c.own ? slots * size : c.Cp == c.Co ? 0 : size) + slots * pad_size(&c)) * sizeof(float);
    return ZT_OK;
}
static void dw_run(const zt_node *n, const zt_exec *e) {
    const cw c = cw_of(n);
    const int64_t rows = c.taps * c.Ci, size = rows * c.Cp;
    const int64_t per = (c.out[1] + c.lines - 1) / c.lines, blocks = c.B * c.out[0] * per;
    const int slots = zt_cpu_slots();
    const float *x = n->in[0]->x, *dy = n->in[1]->x;
    float *dw = n->x, *room = e->scratch, *pads = room + (c.own ? slots * size : c.Cp == c.Co ? 0 : size);
    float *shared = c.Cp == c.Co ? dw : room;
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from = 0, to = blocks, r0 = 0, r1 = rows;
            if (c.own) k_piece(blocks, 1, slots, s, &from, &to);
            else k_piece(rows, 6, slots, s, &r0, &r1);
            float *w = c.own ? room + s * size : shared;
            memset(w + r0 * c.Cp, 0, (size_t)((r1 - r0) * c.Cp) * sizeof *w);
            for (int64_t k = from; k < to; k++) {
                const int64_t h0 = k % per * c.lines, h1 = h0 + c.lines < c.out[1] ? h0 + c.lines : c.out[1];
                const int64_t t = k / per % c.out[0];
                block(&c, x, dy, w, pads + s * pad_size(&c), k / per / c.out[0], t, h0, h1, r0, r1);
            }
        }
        if (c.own || c.Cp != c.Co) {
#pragma omp for schedule(static)
            for (int64_t r = 0; r < rows; r++) {
                for (int k = 1; c.own && k < slots; k++)
#pragma omp simd
                    for (int64_t o = 0; o < c.Cp; o++) room[r * c.Cp + o] += room[k * size + r * c.Cp + o];
                for (int64_t o = 0; o < c.Co; o++) dw[r * c.Co + o] = room[r * c.Cp + o];
            }
        }
    }
}

const zt_cpu_entry K(zt_k_conv_dw)[] = {{.op = ZT_OP_conv_dw, .kernel = {.run = dw_run, .prepare = dw_prepare}}, {.op = -1}};
