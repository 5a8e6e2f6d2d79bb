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
 * matmul, the gradient of a linear layer: a 1x1x1 kernel over one long line.
 *
 * At level amx (amx.h) the packed lines of x are transposed: a row for each channel, all lines one after another, those that are
 * a stride apart beside each other and zeros for those outside, so that the sum of every tap is one run of words, `q` lines on. */
#include "backends/cpu/kernels/amx.h"

/* Pixels and parts of a block; floats of dW up to which each slot has its own; channels that kw is folded into, at most. */
#if defined(ZT_LEVEL_amx)
enum { PIXELS = 1024, PARTS = 32, PARTIAL_MAX = 1 << 18, FOLDED = 64, PACKED = 1 << 19, SHARE = 16 };
#else
enum { PIXELS = 192, PARTS = 32, PARTIAL_MAX = 1 << 20, FOLDED = 64, PACKED = 0, SHARE = 6 };
#endif

typedef struct cw {
    int64_t B, Ci, Co, Cp, groups;              /* channels of a group; Cp: Co rounded up to whole vectors */
    int64_t x_pixel, y_pixel;                   /* floats from pixel to pixel: all channels */
    int64_t in[3], out[3], k[3], stride[3], before[3], dilation[3];
    int64_t in_frame, out_frame;                /* pixels of a frame: the last line may be shorter than in[2] or out[2] */
    int64_t span;                               /* > 1: Ci is that many neighbour pixels' channels, k[2] is 1 */
    int64_t taps, lines, parts, pixels;         /* lines of an image in a part; parts (of small images) and pixels of a block */
    bool own;                                   /* each slot has its own dW */
    stored x, dy;
    int64_t x_at, dy_at;                        /* elements before a group's first channel */
} cw;

static bool whole(const cw *c, int axis) {       /* the kernel does not look sideways along this axis */
    return c->k[axis] == 1 && c->stride[axis] == 1 && !c->before[axis] && c->in[axis] == c->out[axis];
}
/* At most PIXELS, and of no more values than PACKED, if that is given. */
static int64_t pixels_of(const cw *c) {
    const int64_t fit = PACKED / (c->Co + c->k[2] * c->Ci) / 32 * 32;
    return !PACKED || fit > PIXELS ? PIXELS : fit < 64 ? 64 : fit;
}
/* Pixels without neighbours are one long line; it is cut in lines of one block. */
static void merge_pixels(cw *c, int64_t pixels) {
    const int64_t line = pixels < c->pixels ? pixels : c->pixels;
    c->in_frame = c->out_frame = pixels;
    c->in[2] = c->out[2] = line;
    c->in[1] = c->out[1] = (pixels + line - 1) / line;
}
static void cut(cw *c) {
    c->Cp = (c->Co + VW - 1) / VW * VW;
    c->lines = c->pixels / c->out[2] < 1 ? 1 : c->pixels / c->out[2] > c->out[1] ? c->out[1] : c->pixels / c->out[2];
    const int64_t per = (c->out[1] + c->lines - 1) / c->lines;
    c->lines = (c->out[1] + per - 1) / per;       /* parts of equal height */
    c->parts = per > 1 ? 1 : c->pixels / (c->out[1] * c->out[2]);
    c->parts = c->parts < 1 ? 1 : c->parts > PARTS ? PARTS : c->parts;
    c->own = c->span > 1 || c->taps * c->Ci * c->Cp <= PARTIAL_MAX;
}

#if defined(ZT_LEVEL_bf16)
/* Of images with few channels the taps along a line are taken as channels: they lie side by side, and fill a register tile. */
static bool folds(const zt_node *n) {
    const int64_t ci = zt_last(&n->in[0]->sh), kw = n->at.i[ZT_CONV_SIZE + 2];
    return n->at.i[ZT_CONV_GROUPS] == 1 && ci < VW / 2 && kw > 1 && ci * kw <= FOLDED && n->at.i[ZT_CONV_DILATION + 2] == 1;
}
#endif
static cw cw_of_conv(const zt_node *n) {
    const zt_shape *x = &n->in[0]->sh, *y = &n->in[1]->sh;
    cw c = {.B = x->d[0], .x_pixel = x->d[4], .y_pixel = y->d[4], .groups = n->at.i[ZT_CONV_GROUPS], .span = 1, .taps = 1,
            .x = stored_of(n->in[0]), .dy = stored_of(n->in[1])};
    c.Ci = c.x_pixel / c.groups;
    c.Co = c.y_pixel / c.groups;
    for (int k = 0; k < 3; k++) {
        c.in[k] = x->d[1 + k];
        c.out[k] = y->d[1 + k];
        c.k[k] = n->at.i[ZT_CONV_SIZE + k];
        c.stride[k] = n->at.i[ZT_CONV_STRIDE + k];
        c.before[k] = n->at.i[ZT_CONV_BEFORE + k];
        c.dilation[k] = n->at.i[ZT_CONV_DILATION + k];
        c.taps *= c.k[k];
    }
    c.pixels = pixels_of(&c);
    if (whole(&c, 0)) {                           /* frames are samples */
        c.B *= c.in[0];
        c.in[0] = c.out[0] = 1;
    }
    c.in_frame = c.in[1] * c.in[2];
    c.out_frame = c.out[1] * c.out[2];
#if defined(ZT_LEVEL_bf16)
    if (folds(n)) {
        c.span = c.k[2];
        c.Ci *= c.span;
        c.taps /= c.span;
        c.k[2] = 1;
    } else
#endif
    if (whole(&c, 1) && whole(&c, 2)) {
        const bool all = c.in[0] == 1 && whole(&c, 0);
        merge_pixels(&c, c.in_frame * (all ? c.B : 1));
        if (all) c.B = 1;
    }
    cut(&c);
    return c;
}
static cw cw_of_matmul(const zt_node *n) {
    const zt_shape *a = &n->in[0]->sh;
    cw c = {.B = 1, .Ci = zt_last(a), .Co = zt_last(&n->sh), .groups = 1, .span = 1, .taps = 1, .in = {1}, .out = {1},
            .k = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .x = stored_of(n->in[0]), .dy = stored_of(n->in[1])};
    c.x_pixel = c.Ci;
    c.y_pixel = c.Co;
    c.pixels = pixels_of(&c);
    merge_pixels(&c, zt_rows(a));
    cut(&c);
    return c;
}
static cw cw_of(const zt_node *n) {
    return n->op->id == ZT_OP_matmul ? cw_of_matmul(n) : cw_of_conv(n);
}

/* acc[r][v] += sum over `lines` x `pixels` of n parts (at a_at and b_at) of a (word r of a pixel or pair, broadcast) times b
 * (vectors of it). */
typedef struct strip { int64_t lines, pixels, a_line, a_pixel, b_line, b_pixel; int n; int64_t a_at[PARTS], b_at[PARTS]; } strip;
#if !defined(ZT_LEVEL_amx)
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
#endif

/* Lines [h0, h1) of output frame t of sample b; `pixels` of a line are there. The parts of a block that has several are whole
 * frames: they differ in b and t only. */
typedef struct part { int64_t b, t, h0, h1, pixels; } part;
static part part_of(const cw *c, int64_t k) {
    const int64_t per = (c->out[1] + c->lines - 1) / c->lines, h0 = k % per * c->lines;
    part p = {.b = k / per / c->out[0], .t = k / per % c->out[0], .h0 = h0, .pixels = c->out[2]};
    p.h1 = h0 + c->lines < c->out[1] ? h0 + c->lines : c->out[1];
    const int64_t left = c->out_frame - h0 * c->out[2];
    if (left < p.pixels) p.pixels = left;
    return p;
}
static int64_t dy_at(const cw *c, const part *p) {
    return c->dy_at + ((p->b * c->out[0] + p->t) * c->out_frame + p->h0 * c->out[2]) * c->y_pixel;
}
static int64_t frame_at(const cw *c, const part *p, int64_t ti) {
    return c->x_at + (p->b * c->in[0] + ti) * c->in_frame * c->x_pixel;
}

#if defined(ZT_LEVEL_bf16)
#if defined(ZT_LEVEL_amx)
/* Packed: dy [parts][words][Cp] at 0, words of a part in whole tiles; x [parts][channels][row] behind it, in a row [kw][phase]
 * [phase lines][pairs] and a tile to read beyond; then the lines of one kw and phase before they are transposed, and the last
 * rows of dW where they are no whole tile. */
typedef struct packed { int64_t pairs, Cx, words, in_lines, row, x, lines, last; } packed;
static packed packed_of(const cw *c) {
    packed k = {.pairs = w_words(c->out[2]), .Cx = t_whole(c->Ci)};
    k.words = t_whole(c->lines * k.pairs);
    k.in_lines = c->lines + (c->k[1] - 1) * c->dilation[1] / c->stride[1];
    k.row = c->k[2] * c->stride[1] * k.in_lines * k.pairs + T;
    k.x = c->parts * k.words * c->Cp;
    k.lines = k.x + c->parts * k.Cx * k.row;
    k.last = k.lines + t_whole(k.in_lines * k.pairs) * k.Cx;
    return k;
}
static int64_t pack_room(const cw *c) {
    const packed k = packed_of(c);
    return k.last + T * c->Cp;
}
#else
/* Packed: dy [lines][pairs][Cp] at 0; x [kw][input lines][pairs][Cx] behind it. */
typedef struct packed { int64_t pairs, Cx, in_lines, x; } packed;
static packed packed_of(const cw *c) {
    packed k = {.pairs = w_words(c->out[2]), .Cx = (c->Ci + VW - 1) / VW * VW};
    k.in_lines = (c->lines - 1) * c->stride[1] + (c->k[1] - 1) * c->dilation[1] + 1;
    k.x = c->lines * k.pairs * c->Cp;
    return k;
}
static int64_t pack_size(const cw *c) {
    const packed k = packed_of(c);
    return k.x + c->k[2] * k.in_lines * k.pairs * k.Cx;
}
#endif
static void pack_dy(const cw *c, const packed *k, const part *p, word *to) {
    for (int64_t l = 0; l < p->h1 - p->h0; l++)
        w_pairs(to + l * k->pairs * c->Cp, c->dy, dy_at(c, p) + l * c->out[2] * c->y_pixel, c->y_pixel, p->pixels, c->Co, c->Cp);
}
/* Channels ch.. of the span > 1 pixels from w on, in the low halves of words; zeros for those outside the line. */
INLINE vi pixels_beside(const cw *c, int64_t line, int64_t w, int64_t ch) {
    const int64_t all = (c->in[2] - w) * c->x_pixel, n = (all < c->Ci ? all : c->Ci) - ch, skip = -w * c->x_pixel - ch;
    if (n <= 0 || skip >= VW) return (vi){0};
    const __mmask16 m = (__mmask16)((n < VW ? (1u << n) - 1 : 0xffffu) & (skip > 0 ? 0xffffu << skip : 0xffffu));
    line += w * c->x_pixel + ch;
    if (c->x.half) return (vi)_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, (const half *)c->x.x + line));
    return w_zip((vf)_mm512_maskz_loadu_ps(m, (const float *)c->x.x + line), v_set(0));
}
/* Channels ch.. of pixel w of the line at `line`, in the low halves of words; zeros outside it. */
INLINE vi pixel(const cw *c, int64_t line, int64_t w, int64_t ch) {
    if (c->span > 1) return pixels_beside(c, line, w, ch);
    if (w < 0 || w >= c->in[2]) return (vi){0};
    line += w * c->x_pixel + ch;
    const bool all = ch + VW <= c->Ci;
    return w_zip(all ? get(c->x, line) : get_n(c->x, line, c->Ci - ch), v_set(0));
}
static void pack_line(const cw *c, const packed *k, const part *p, int64_t kw, int64_t line, word *to) {
    const int64_t st = c->stride[2], first = kw * c->dilation[2] - c->before[2], n = p->pixels;
    int64_t i = 0;
    for (; i < n; i += 2, to += k->Cx) {                      /* pairs at the edges and with strides one by one */
        const int64_t left = c->in[2] - c->span + 1 - first - i;                /* up to the line's end */
        const int64_t run = n - i <= left ? n - i : left & ~(int64_t)1;
        if (st == 1 && first + i >= 0 && run >= 2) {
            w_pairs(to, c->x, line + (first + i) * c->x_pixel, c->x_pixel, run, c->Ci, k->Cx);
            to += (w_words(run) - 1) * k->Cx;
            i += (w_words(run) - 1) * 2;
            continue;
        }
        for (int64_t ch = 0; ch < c->Ci; ch += VW) {
            const vi next = i + 1 < n ? pixel(c, line, (i + 1) * st + first, ch) : (vi){0};
            w_store(to + ch, pixel(c, line, i * st + first, ch) | next << 16);
        }
    }
}
#if defined(ZT_LEVEL_amx)
/* Input lines that taps kw of frame ti see from the part's result lines, transposed; channels as rows at `to`. */
static void pack_phase(const cw *c, const packed *k, const part *p, int64_t ti, int64_t kw, int64_t phase, word *lines, word *to) {
    const int64_t first = p->h0 * c->stride[1] - c->before[1] + phase, line = k->pairs * k->Cx;
    for (int64_t l = 0; l < k->in_lines; l++) {
        const int64_t hi = first + l * c->stride[1];
        if (hi < 0 || hi >= c->in[1]) memset(lines + l * line, 0, (size_t)line * sizeof *lines);
        else pack_line(c, k, p, kw, frame_at(c, p, ti) + hi * c->in[2] * c->x_pixel, lines + l * line);
    }
    for (int64_t w = 0; w < k->in_lines * k->pairs; w += T)
        for (int64_t ch = 0; ch < k->Cx; ch += T) t_transpose(to + ch * k->row + w, k->row, lines + w * k->Cx + ch, k->Cx);
}
static void pack_x(const cw *c, const packed *k, const part *p, int64_t ti, word *lines, word *to) {
    const int64_t size = k->in_lines * k->pairs, taps = c->k[1] < c->stride[1] ? c->k[1] : c->stride[1];
    for (int64_t kw = 0; kw < c->k[2]; kw++)            /* upwards: what a last tile is too much is written over */
        for (int64_t kh = 0; kh < taps; kh++) {
            const int64_t phase = kh * c->dilation[1] % c->stride[1];
            pack_phase(c, k, p, ti, kw, phase, lines, to + (kw * c->stride[1] + phase) * size);
        }
}
static void pack_part(const cw *c, const packed *k, const part *p, word *to) {
    const int64_t words = (p->h1 - p->h0 - 1) * k->pairs + w_words(p->pixels);
    pack_dy(c, k, p, to);
    memset(to + words * c->Cp, 0, (size_t)((k->words - words) * c->Cp) * sizeof *to);
}
/* R x N tiles of dW += the sum over the parts. */
INLINE void dw_tiles(float *w, int64_t ldw, const word *x, int64_t row, const word *y, const strip *s, const int R, const int N) {
    t_begin(w, ldw, true, R, N);
    for (int k = 0; k < s->n; k++) {
        const word *a = x + s->a_at[k], *b = y + s->b_at[k];
        for (int64_t j = 0; j < s->pixels; j += T) t_step(a + j, row, a + T * row + j, row, b + j * ldw, ldw, R, N);
    }
    t_end(w, ldw, R, N);
}
static void dw_band(float *w, int64_t ldw, const word *x, int64_t row, const word *y, const strip *s, const int R) {
    int64_t col = 0;
    for (; col + 2 * T <= ldw; col += 2 * T) dw_tiles(w + col, ldw, x, row, y + col, s, R, 2);
    if (col < ldw) dw_tiles(w + col, ldw, x, row, y + col, s, R, 1);
}
/* `rows` rows of dW += x y; the last of them, if they are no whole tile, by way of `room` [T][ldw]. */
static void dw_channels(float *w, int64_t ldw, const word *x, int64_t row, const word *y, const strip *s, int64_t rows, float *room) {
    int64_t r = 0;
    for (; r + 2 * T <= rows; r += 2 * T) dw_band(w + r * ldw, ldw, x + r * row, row, y, s, 2);
    for (; r + T <= rows; r += T) dw_band(w + r * ldw, ldw, x + r * row, row, y, s, 1);
    if (r == rows) return;
    memcpy(room, w + r * ldw, (size_t)((rows - r) * ldw) * sizeof *w);
    dw_band(room, ldw, x + r * row, row, y, s, 1);
    memcpy(w + r * ldw, room, (size_t)((rows - r) * ldw) * sizeof *w);
}
/* One block, n parts from number `from` on, of channels [c0, c1) of x. */
static void block(const cw *whole, int64_t from, int n, float *w, float *room, int64_t c0, int64_t c1) {
    cw mine = *whole;
    const cw *c = &mine;
    mine.x_at += c0;
    mine.Ci = c1 - c0;
    const packed k = packed_of(c);
    word *y = (word *)room, *x = y + k.x;
    int64_t frame[PARTS];
    part p[PARTS];
    for (int i = 0; i < n; i++) {
        p[i] = part_of(c, from + i);
        frame[i] = -1;
        pack_part(c, &k, &p[i], y + i * k.words * c->Cp);
    }
    for (int64_t tap = 0; tap < c->taps; tap++) {
        const int64_t kw = tap % c->k[2], kh = tap / c->k[2] % c->k[1], kt = tap / c->k[2] / c->k[1];
        strip s = {.pixels = t_whole((p->h1 - p->h0) * k.pairs)};
        for (int i = 0; i < n; i++) {
            const int64_t ti = p[i].t * c->stride[0] + kt * c->dilation[0] - c->before[0];
            if (ti < 0 || ti >= c->in[0]) continue;
            if (ti != frame[i]) pack_x(c, &k, &p[i], ti, y + k.lines, x + i * k.Cx * k.row);
            frame[i] = ti;
            s.a_at[s.n] = i * k.Cx * k.row;
            s.b_at[s.n++] = i * k.words * c->Cp;
        }
        const int64_t shift = kh * c->dilation[1], phase = kw * c->stride[1] + shift % c->stride[1];
        if (s.n)
            dw_channels(w + (tap * whole->Ci + c0) * c->Cp, c->Cp,
                        x + (phase * k.in_lines + shift / c->stride[1]) * k.pairs, k.row, y, &s, c->Ci, room + k.last);
    }
}
#else
/* What the taps of frame ti look at: input lines from h0 * stride - before on. */
static void pack_x(const cw *c, const packed *k, const part *p, int64_t ti, word *to) {
    for (int64_t kw = 0; kw < c->k[2]; kw++)
        for (int64_t l = 0; l < k->in_lines; l++) {
            const int64_t hi = p->h0 * c->stride[1] - c->before[1] + l;
            if (hi < 0 || hi >= c->in[1]) continue;
            pack_line(c, k, p, kw, frame_at(c, p, ti) + hi * c->in[2] * c->x_pixel,
                      to + (kw * k->in_lines + l) * k->pairs * k->Cx);
        }
}

/* One block, n parts from number `from` on; rows [r0, r1) of the taps*Ci rows of w. */
static void block(const cw *c, int64_t from, int n, float *w, float *room, int64_t r0, int64_t r1) {
    const packed k = packed_of(c);
    const int64_t size = pack_size(c);
    word *y = (word *)room, *x = y + k.x;
    int64_t frame[PARTS];
    part p[PARTS];
    for (int i = 0; i < n; i++) {
        p[i] = part_of(c, from + i);
        frame[i] = -1;
        pack_dy(c, &k, &p[i], y + i * size);
    }
    for (int64_t tap = r0 / c->Ci; tap * c->Ci < r1; tap++) {
        const int64_t kw = tap % c->k[2], kh = tap / c->k[2] % c->k[1], kt = tap / c->k[2] / c->k[1];
        int64_t ha, hb;
        inside(c, 1, kh, p->h0, p->h1, &ha, &hb);
        if (ha >= hb) continue;
        strip s = {hb - ha, w_words(p->pixels), c->stride[1] * k.pairs * k.Cx, k.Cx, k.pairs * c->Cp, c->Cp, .n = 0};
        for (int i = 0; i < n; i++) {
            const int64_t ti = p[i].t * c->stride[0] + kt * c->dilation[0] - c->before[0];
            if (ti < 0 || ti >= c->in[0]) continue;
            if (ti != frame[i]) pack_x(c, &k, &p[i], ti, x + i * size);
            frame[i] = ti;
            s.a_at[s.n] = s.b_at[s.n] = i * size;
            s.n++;
        }
        const int64_t first = r0 > tap * c->Ci ? r0 - tap * c->Ci : 0, last = r1 < (tap + 1) * c->Ci ? r1 - tap * c->Ci : c->Ci;
        const int64_t line = (ha - p->h0) * c->stride[1] + kh * c->dilation[1];
        if (s.n)
            dw_rows(w + (tap * c->Ci + first) * c->Cp, c->Cp, x + (kw * k.in_lines + line) * k.pairs * k.Cx + first,
                    y + (ha - p->h0) * k.pairs * c->Cp, &s, last - first);
    }
}
#endif
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
            const int64_t ti = p[i].t * c->stride[0] + kt * c->dilation[0] - c->before[0];
            if (ti < 0 || ti >= c->in[0]) continue;
            s.a_at[s.n] = frame_at(c, &p[i], ti);
            s.b_at[s.n++] = y_at[i];
        }
        const float *x = (const float *)c->x.x + (hi * Wi + wi) * c->x_pixel + first, *y = size ? room : c->dy.x;
        if (s.n) dw_rows(w + (tap * c->Ci + first) * c->Cp, c->Cp, x, y + ((ha - p->h0) * W + wa) * yp, &s, last - first);
    }
}
#endif

/* Scratch: dW of every slot (own), or one when the result's rows are not Cp floats apart; then a piece to pack in for each. */
static bool in_place(const cw *c) {
    return !c->own && c->Cp == c->y_pixel;
}
static int64_t partial_size(const cw *c) {
    return in_place(c) ? 0 : (c->own ? zt_cpu_slots() : 1) * c->taps * c->Ci * c->Cp;
}
#if !defined(ZT_LEVEL_amx)
static int64_t pack_room(const cw *c) {
    return (c->parts * pack_size(c) + 15) / 16 * 16;
}
#endif
static zt_err dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const cw c = cw_of(n);
    *scratch = (size_t)(partial_size(&c) + zt_cpu_slots() * pack_room(&c)) * sizeof(float);
    return ZT_OK;
}

/* One group's dW, rows y_pixel floats apart. */
static void dw_group(const cw *c, float *dw, float *scratch) {
    const int64_t rows = c->taps * c->Ci, size = rows * c->Cp, shared = SHARE == 6 ? rows : c->Ci; /* out among slots */
    const int64_t parts = c->B * c->out[0] * ((c->out[1] + c->lines - 1) / c->lines);
    const int slots = zt_cpu_slots();
    float *sums = in_place(c) ? dw : scratch, *rooms = scratch + partial_size(c);
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from = 0, to = parts, r0 = 0, r1 = shared;
            if (c->own) k_piece(parts, 1, slots, s, &from, &to);
            else k_piece(shared, SHARE, slots, s, &r0, &r1);
            float *w = c->own ? sums + s * size : sums;
            for (int64_t r = r0; r < rows; r += shared) memset(w + r * c->Cp, 0, (size_t)((r1 - r0) * c->Cp) * sizeof *w);
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
    return n->multiply == ZT_BF16 && n->at.i[ZT_CONV_GROUPS] == 1 && (PACKED || zt_last(&n->in[1]->sh) >= LEAST) &&
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
