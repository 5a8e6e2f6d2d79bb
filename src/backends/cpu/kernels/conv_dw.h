/* conv_dw.h - what gradients of convolution weights (conv_dw.c, conv_dw_tiles.h) share: geometry, blocks, packing in pairs. */
#ifndef ZT_CPU_CONV_DW_H
#define ZT_CPU_CONV_DW_H
#include "backends/cpu/kernels/amx.h"

/* Pixels and parts of a block; floats of dW up to which each slot has its own; channels that kw is folded into, at most. On tiles
 * blocks are larger, for each reads and writes dW, but of no more than PACKED values. */
enum { PARTS = 32, FOLDED = 64 };
#if defined(ZT_LEVEL_amx)
enum { PIXELS = 1024, PACKED = 1 << 19, PARTIAL_MAX = 1 << 18 };
#else
enum { PIXELS = 192, PACKED = 0, PARTIAL_MAX = 1 << 20 };
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
/* The frame of x that tap kt of time sees from the part; negative: none. */
static int64_t frame_seen(const cw *c, const part *p, int64_t kt) {
    const int64_t ti = p->t * c->stride[0] + kt * c->dilation[0] - c->before[0];
    return ti < c->in[0] ? ti : -1;
}
static int64_t frame_at(const cw *c, const part *p, int64_t ti) {
    return c->x_at + (p->b * c->in[0] + ti) * c->in_frame * c->x_pixel;
}

/* acc[r][v] += sum over `lines` x `pixels` of n parts (at a_at and b_at) of a (word r of a pixel or pair, broadcast) times b
 * (vectors of it). */
typedef struct strip { int64_t lines, pixels, a_line, a_pixel, b_line, b_pixel; int n; int64_t a_at[PARTS], b_at[PARTS]; } strip;

#if defined(ZT_LEVEL_bf16)
/* ---- packing: pairs of neighbour pixels in a word -------------------------------------------------------------------- */
static int64_t line_words(const cw *c) { return w_words(c->out[2]); }
static int64_t x_width(const cw *c) { return (c->Ci + VW - 1) / VW * VW; }
static void pack_dy(const cw *c, const part *p, word *to) {
    const int64_t words = line_words(c);
    for (int64_t l = 0; l < p->h1 - p->h0; l++)
        w_pairs(to + l * words * c->Cp, c->dy, dy_at(c, p) + l * c->out[2] * c->y_pixel, c->y_pixel, p->pixels, c->Co, c->Cp);
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
static void pack_line(const cw *c, const part *p, int64_t kw, int64_t line, word *to) {
    const int64_t Cx = x_width(c), st = c->stride[2], first = kw * c->dilation[2] - c->before[2], n = p->pixels;
    int64_t i = 0;
    for (; i < n; i += 2, to += Cx) {                      /* pairs at the edges and with strides one by one */
        const int64_t left = c->in[2] - c->span + 1 - first - i;                /* up to the line's end */
        const int64_t run = n - i <= left ? n - i : left & ~(int64_t)1;
        if (st == 1 && first + i >= 0 && run >= 2) {
            w_pairs(to, c->x, line + (first + i) * c->x_pixel, c->x_pixel, run, c->Ci, Cx);
            to += (w_words(run) - 1) * Cx;
            i += (w_words(run) - 1) * 2;
            continue;
        }
        for (int64_t ch = 0; ch < c->Ci; ch += VW) {
            const vi next = i + 1 < n ? pixel(c, line, (i + 1) * st + first, ch) : (vi){0};
            w_store(to + ch, pixel(c, line, i * st + first, ch) | next << 16);
        }
    }
}
#endif
#endif
