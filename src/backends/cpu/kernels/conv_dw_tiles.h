/* conv_dw_tiles.h - the blocks of conv_dw.c at level amx (amx.h). Packed lines of x are transposed: a row for each channel, in it
 * all lines one after another, those that are a stride apart beside each other and zeros for those outside, so that the sum of
 * every tap is one run of words, some lines on. */
#ifndef ZT_CPU_CONV_DW_TILES_H
#define ZT_CPU_CONV_DW_TILES_H
#include "backends/cpu/kernels/conv_dw.h"

/* What slots share out where dW is one for all: channels of x, whole tiles of them. */
enum { SHARE = T };
static int64_t shared(const cw *c) { return c->Ci; }

/* Packed: dy [parts][words][Cp] at 0, words of a part in whole tiles; x [parts][channels][row] behind it, in a row [kw][phase]
 * [span], whole tiles that hold [phase lines][pairs], and a tile to read beyond; then the lines of one kw and phase before they
 * are transposed, and the last rows of dW where they are no whole tile. */
typedef struct packed { int64_t words, in_lines, span, row, x, lines, last; } packed;
static packed packed_of(const cw *c) {
    const int64_t pairs = line_words(c);
    packed k = {.words = t_whole(c->lines * pairs)};
    k.in_lines = c->lines + (c->k[1] - 1) * c->dilation[1] / c->stride[1];
    k.span = t_whole(k.in_lines * pairs);
    k.row = c->k[2] * c->stride[1] * k.span + T;
    k.x = c->parts * k.words * c->Cp;
    k.lines = k.x + c->parts * x_width(c) * k.row;
    k.last = k.lines + k.span * x_width(c);
    return k;
}
static int64_t pack_room(const cw *c) {
    const packed k = packed_of(c);
    return k.last + T * c->Cp;
}
/* Input lines that taps kw of frame ti see from the part's result lines, transposed; channels as rows at `to`. */
static void pack_phase(const cw *c, const packed *k, const part *p, int64_t ti, int64_t kw, int64_t phase, word *lines,
                       word *to) {
    const int64_t first = p->h0 * c->stride[1] - c->before[1] + phase, Cx = x_width(c), line = line_words(c) * Cx;
    for (int64_t l = 0; l < k->in_lines; l++) {
        const int64_t hi = first + l * c->stride[1];
        if (hi < 0 || hi >= c->in[1]) memset(lines + l * line, 0, (size_t)line * sizeof *lines);
        else pack_line(c, p, kw, frame_at(c, p, ti) + hi * c->in[2] * c->x_pixel, lines + l * line);
    }
    for (int64_t w = 0; w < k->span; w += T)
        for (int64_t ch = 0; ch < Cx; ch += T) t_transpose(to + ch * k->row + w, k->row, lines + w * Cx + ch, Cx);
}
static void pack_x(const cw *c, const packed *k, const part *p, int64_t ti, word *lines, word *to) {
    const int64_t taps = c->k[1] < c->stride[1] ? c->k[1] : c->stride[1];
    for (int64_t kw = 0; kw < c->k[2]; kw++)
        for (int64_t kh = 0; kh < taps; kh++) {
            const int64_t phase = kh * c->dilation[1] % c->stride[1];
            pack_phase(c, k, p, ti, kw, phase, lines, to + (kw * c->stride[1] + phase) * k->span);
        }
}
static void pack_part(const cw *c, const packed *k, const part *p, word *to) {
    const int64_t words = (p->h1 - p->h0 - 1) * line_words(c) + w_words(p->pixels);
    pack_dy(c, p, to);
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
static void dw_channels(float *w, int64_t ldw, const word *x, int64_t row, const word *y, const strip *s, int64_t rows,
                        float *room) {
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
    const int64_t pairs = line_words(c), size = x_width(c) * k.row;   /* words of a part of x */
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
        strip s = {.pixels = t_whole((p->h1 - p->h0) * pairs)};
        for (int i = 0; i < n; i++) {
            const int64_t ti = frame_seen(c, &p[i], kt);
            if (ti < 0) continue;
            if (ti != frame[i]) pack_x(c, &k, &p[i], ti, y + k.lines, x + i * size);
            frame[i] = ti;
            s.a_at[s.n] = i * size;
            s.b_at[s.n++] = i * k.words * c->Cp;
        }
        const int64_t shift = kh * c->dilation[1], phase = kw * c->stride[1] + shift % c->stride[1];
        if (s.n)
            dw_channels(w + (tap * whole->Ci + c0) * c->Cp, c->Cp,
                        x + phase * k.span + shift / c->stride[1] * pairs, k.row, y, &s, c->Ci, room + k.last);
    }
}
#endif
