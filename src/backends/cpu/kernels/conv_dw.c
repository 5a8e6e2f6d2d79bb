/* conv_dw.c - gradient of convolution weights, straight from channels-last memory: no im2col, no packed layouts.
 *
 *   dW[tap][ci][co] = sum over output positions p of x[p*stride + tap*dilation - before][ci] * dy[p][co]
 * For one tap and one image line this is a matrix product whose rows (pixels) lie Ci and Co floats apart, so a register tile of
 * a few ci by up to 64 co runs over the lines of a block of pixels (of several frames where they are small) that stays in the
 * first caches, for every tap. Small dW: each slot sums its share of the images into a dW of its own, which are then added in
 * order. Large dW: slots share out its rows.
 *
 * At level bf16 the block is packed first, pairs of neighbour pixels in a word (word.h): dy once, and of x the lines that a
 * frame of taps looks at, once for every kw (their pairs differ), with zeros where the padding is. That also serves a'b of
 * matmul, the gradient of a linear layer: a 1x1x1 kernel over one long line. Level amx has its own blocks (conv_dw_tiles.h). */
#if defined(ZT_LEVEL_amx)
#include "backends/cpu/kernels/conv_dw_tiles.h"
#else
#include "backends/cpu/kernels/conv_dw.h"

/* What slots share out where dW is one for all: its rows. */
enum { SHARE = 6 };
static int64_t shared(const cw *c) { return c->taps * c->Ci; }

INLINE void dw_line(vf acc[6][4], const word *p, const word *q, const strip *s, const int R, const int NV) {
    for (int64_t i = 0; i < s->pixels; i++, p += s->a_pixel, q += s->b_pixel) {
        vw y[4];
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) y[v] = w_load(q + v * VW);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const vw x = w_set(p[r]);
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++) acc[r][v] = w_madd(acc[r][v], x, y[v]);
        }
    }
}
INLINE void dw_tile(float *w, int64_t ldw, const word *a, const word *b, const strip *s, const int R, const int NV) {
    vf acc[6][4];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) acc[r][v] = v_load(w + r * ldw + v * VW);
    for (int k = 0; k < s->n; k++) {
        const word *p = a + s->a_at[k], *q = b + s->b_at[k];
        for (int64_t l = 0; l < s->lines; l++, p += s->a_line, q += s->b_line) dw_line(acc, p, q, s, R, NV);
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) v_store(w + r * ldw + v * VW, acc[r][v]);
}
#define DW_STRIP(NV) \
    static void dw_strip##NV(float *w, int64_t ldw, const word *a, const word *b, const strip *s, int64_t rows) { \
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
static void dw_rows(float *w, int64_t width, const word *a, const word *b, const strip *s, int64_t rows) {
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

static void inside(const cw *c, int axis, int64_t tap, int64_t lo, int64_t hi, int64_t *from, int64_t *to) {
    k_inside(c->in[axis], c->stride[axis], tap * c->dilation[axis] - c->before[axis], lo, hi, from, to);
}

#if defined(ZT_LEVEL_bf16)
/* Packed: dy [lines][pairs][Cp] at 0; x [kw][input lines][pairs][Cx] behind it. */
typedef struct packed { int64_t in_lines, x; } packed;
static packed packed_of(const cw *c) {
    packed k;
    k.in_lines = (c->lines - 1) * c->stride[1] + (c->k[1] - 1) * c->dilation[1] + 1;
    k.x = c->lines * line_words(c) * c->Cp;
    return k;
}
static int64_t pack_size(const cw *c) {
    const packed k = packed_of(c);
    return k.x + c->k[2] * k.in_lines * line_words(c) * x_width(c);
}
/* What the taps of frame ti look at: input lines from h0 * stride - before on. */
static void pack_x(const cw *c, const packed *k, const part *p, int64_t ti, word *to) {
    const int64_t line = line_words(c) * x_width(c);
    for (int64_t kw = 0; kw < c->k[2]; kw++)
        for (int64_t l = 0; l < k->in_lines; l++) {
            const int64_t hi = p->h0 * c->stride[1] - c->before[1] + l;
            if (hi < 0 || hi >= c->in[1]) continue;
            pack_line(c, p, kw, frame_at(c, p, ti) + hi * c->in[2] * c->x_pixel, to + (kw * k->in_lines + l) * line);
        }
}

/* One block, n parts from number `from` on; rows [r0, r1) of the taps*Ci rows of w. */
static void block(const cw *c, int64_t from, int n, float *w, float *room, int64_t r0, int64_t r1) {
    const packed k = packed_of(c);
    const int64_t size = pack_size(c), pairs = line_words(c), Cx = x_width(c);
    word *y = (word *)room, *x = y + k.x;
    int64_t frame[PARTS];
    part p[PARTS];
    for (int i = 0; i < n; i++) {
        p[i] = part_of(c, from + i);
        frame[i] = -1;
        pack_dy(c, &p[i], y + i * size);
    }
    for (int64_t tap = r0 / c->Ci; tap * c->Ci < r1; tap++) {
        const int64_t kw = tap % c->k[2], kh = tap / c->k[2] % c->k[1], kt = tap / c->k[2] / c->k[1];
        int64_t ha, hb;
        inside(c, 1, kh, p->h0, p->h1, &ha, &hb);
        if (ha >= hb) continue;
        strip s = {hb - ha, w_words(p->pixels), c->stride[1] * pairs * Cx, Cx, pairs * c->Cp, c->Cp, .n = 0};
        for (int i = 0; i < n; i++) {
            const int64_t ti = frame_seen(c, &p[i], kt);
            if (ti < 0) continue;
            if (ti != frame[i]) pack_x(c, &k, &p[i], ti, x + i * size);
            frame[i] = ti;
            s.a_at[s.n] = s.b_at[s.n] = i * size;
            s.n++;
        }
        const int64_t first = r0 > tap * c->Ci ? r0 - tap * c->Ci : 0, last = r1 < (tap + 1) * c->Ci ? r1 - tap * c->Ci : c->Ci;
        const int64_t line = (ha - p->h0) * c->stride[1] + kh * c->dilation[1];
        if (s.n)
            dw_rows(w + (tap * c->Ci + first) * c->Cp, c->Cp, x + (kw * k.in_lines + line) * pairs * Cx + first,
                    y + (ha - p->h0) * pairs * c->Cp, &s, last - first);
    }
}
#else
static int64_t pack_size(const cw *c) {
    return c->Cp == c->Co ? 0 : c->lines * c->out[2] * c->Cp;
}

/* Floats from c->dy to the part's rows of dy; those that are not whole vectors are copied to `room` first. */
static int64_t rows_of_dy(const cw *c, const part *p, float *room) {
    if (c->Cp == c->Co) return dy_at(c, p);
    const float *y = (const float *)c->dy.x + dy_at(c, p);
    const int64_t n = (p->h1 - p->h0 - 1) * c->out[2] + p->pixels;
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < c->Cp; o++) room[i * c->Cp + o] = o < c->Co ? y[i * c->y_pixel + o] : 0;
    return 0;
}
/* One block, n parts from number `from` on; rows [r0, r1) of the taps*Ci rows of w. */
static void block(const cw *c, int64_t from, int n, float *w, float *room, int64_t r0, int64_t r1) {
    const int64_t W = c->out[2], Wi = c->in[2], size = pack_size(c), yp = size ? c->Cp : c->y_pixel;
    int64_t y_at[PARTS];
    part p[PARTS];
    for (int i = 0; i < n; i++) {
        p[i] = part_of(c, from + i);
        y_at[i] = rows_of_dy(c, &p[i], room + i * size) + i * size;
    }
    for (int64_t tap = r0 / c->Ci; tap * c->Ci < r1; tap++) {
        const int64_t kw = tap % c->k[2], kh = tap / c->k[2] % c->k[1], kt = tap / c->k[2] / c->k[1];
        int64_t ha, hb, wa, wb;
        inside(c, 1, kh, p->h0, p->h1, &ha, &hb);
        inside(c, 2, kw, 0, p->pixels, &wa, &wb);
        if (ha >= hb || wa >= wb) continue;
        const int64_t first = r0 > tap * c->Ci ? r0 - tap * c->Ci : 0, last = r1 < (tap + 1) * c->Ci ? r1 - tap * c->Ci : c->Ci;
        const int64_t hi = ha * c->stride[1] + kh * c->dilation[1] - c->before[1];
        const int64_t wi = wa * c->stride[2] + kw * c->dilation[2] - c->before[2];
        strip s = {hb - ha, wb - wa, c->stride[1] * Wi * c->x_pixel, c->stride[2] * c->x_pixel, W * yp, yp, .n = 0};
        for (int i = 0; i < n; i++) {
            const int64_t ti = frame_seen(c, &p[i], kt);
            if (ti < 0) continue;
            s.a_at[s.n] = frame_at(c, &p[i], ti);
            s.b_at[s.n++] = y_at[i];
        }
        const float *x = (const float *)c->x.x + (hi * Wi + wi) * c->x_pixel + first, *y = size ? room : c->dy.x;
        if (s.n) dw_rows(w + (tap * c->Ci + first) * c->Cp, c->Cp, x, y + ((ha - p->h0) * W + wa) * yp, &s, last - first);
    }
}
#endif
static int64_t pack_room(const cw *c) {
    return (c->parts * pack_size(c) + 15) / 16 * 16;
}
#endif

/* Scratch: dW of every slot (own), or one when the result's rows are not Cp floats apart; then a piece to pack in for each. */
static bool in_place(const cw *c) {
    return !c->own && c->Cp == c->y_pixel;
}
static int64_t partial_size(const cw *c) {
    return in_place(c) ? 0 : (c->own ? zt_cpu_slots() : 1) * c->taps * c->Ci * c->Cp;
}
static zt_err dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const cw c = cw_of(n);
    *scratch = (size_t)(partial_size(&c) + zt_cpu_slots() * pack_room(&c)) * sizeof(float);
    return ZT_OK;
}

/* One group's dW, rows y_pixel floats apart. */
static void dw_group(const cw *c, float *dw, float *scratch) {
    const int64_t rows = c->taps * c->Ci, size = rows * c->Cp, all = shared(c);
    const int64_t parts = c->B * c->out[0] * ((c->out[1] + c->lines - 1) / c->lines);
    const int slots = zt_cpu_slots();
    float *sums = in_place(c) ? dw : scratch, *rooms = scratch + partial_size(c);
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from = 0, to = parts, r0 = 0, r1 = all;
            if (c->own) k_piece(parts, 1, slots, s, &from, &to);
            else k_piece(all, SHARE, slots, s, &r0, &r1);
            float *w = c->own ? sums + s * size : sums;
            for (int64_t r = r0; r < rows; r += all) memset(w + r * c->Cp, 0, (size_t)((r1 - r0) * c->Cp) * sizeof *w);
            if (PACKED) memset(rooms + s * pack_room(c), 0, (size_t)pack_room(c) * sizeof *rooms);   /* finite everywhere */
            t_open();
            for (int64_t k = from; k < to; k += c->parts)
                block(c, k, (int)(to - k < c->parts ? to - k : c->parts), w, rooms + s * pack_room(c), r0, r1);
            t_close();
        }
        if (!in_place(c)) {
#pragma omp for schedule(static)
            for (int64_t r = 0; r < rows; r++) {
                for (int k = 1; c->own && k < slots; k++)
#pragma omp simd
                    for (int64_t o = 0; o < c->Cp; o++) sums[r * c->Cp + o] += sums[k * size + r * c->Cp + o];
                for (int64_t o = 0; o < c->Co; o++) dw[r * c->y_pixel + o] = sums[r * c->Cp + o];
            }
        }
    }
}
static void dw_run(const zt_node *n, const zt_exec *e) {
    cw c = cw_of(n);
    float *dw = n->x;
    for (int64_t g = 0; g < c.groups; g++, c.x_at += c.Ci, c.dy_at += c.Co, dw += c.Co) dw_group(&c, dw, e->scratch);
}

#if defined(ZT_LEVEL_bf16)
enum { LEAST = 16, ROWS = 1024 };               /* channels, and rows of a matmul, from which packing pays */
static bool takes_conv(const zt_node *n) {
    return n->multiply == ZT_BF16 && n->at.i[ZT_CONV_GROUPS] == 1 && (PACKED > 0 || zt_last(&n->in[1]->sh) >= LEAST) &&
           (zt_last(&n->in[0]->sh) * 2 >= LEAST || folds(n));
}
static bool takes_matmul(const zt_node *n) {
    const zt_shape *a = &n->in[0]->sh;
    return n->multiply == ZT_BF16 && n->n_in == 2 && n->at.i[0] && !n->at.i[1] && zt_rows(a) >= ROWS && zt_last(a) >= LEAST &&
           zt_last(&n->sh) >= LEAST;
}
static bool suits_matmul(const zt_node *n) {
    (void)n;
    return zt_cpu_get_level() < ZT_CPU_AMX;                 /* oneDNN transposes as fast as its tiles multiply */
}
static zt_reads reads(const zt_node *n, int k) {
    (void)n, (void)k;
    return ZT_READS_ROUNDED;                                /* both factors are packed as bf16 */
}
#define KERNEL .name = K_NAME("conv_dw"), .run = dw_run, .prepare = dw_prepare
const zt_cpu_entry K(zt_k_conv_dw)[] = {
    {.op = ZT_OP_conv_dw, .ok = takes_conv, .kernel = {KERNEL, .reads = reads}},
    {.op = ZT_OP_matmul, .ok = takes_matmul, .suits = suits_matmul, .kernel = {KERNEL, .reads = reads}},
    {.op = -1}
};
#else
const zt_cpu_entry K(zt_k_conv_dw)[] = {
    {.op = ZT_OP_conv_dw, .kernel = {.name = K_NAME("conv_dw"), .run = dw_run, .prepare = dw_prepare}}, {.op = -1}};
#endif
