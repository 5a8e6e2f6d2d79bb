/* conv.c - conv and conv_dx as matrix products whose rows are gathered pixels: nothing is unfolded, nothing but the weights is
 * laid out anew (and, at level bf16, the source rounded). Serves any kernel, stride, dilation, padding and number of groups.
 *
 * Along each axis a tap joins result position first + step*i to source position move*i + shift:
 *   conv      i = p, move = stride, shift = tap*dilation - before
 *   conv_dx   of p*stride = q + before - tap*dilation: for the q that leave the same remainder (a phase) the same taps count, and
 *             p moves by 1 with i: a strided gradient is stride^3 convolutions without stride, none of whose products is lost
 * A block of result pixels has a table of pointers to source pixels, one per tap and row (zeros for what lies in the padding);
 * a register tile of 6 rows by up to 4 vectors runs over taps and channels.
 *
 * Few result channels (fold) would leave most of a vector empty. Then columns are all (kh, kw, channel), rows are source pixels,
 * and the products are added onto the result where they belong: matrix product, then fold (Dumoulin & Visin 2016,
 * arXiv:1603.07285, section 4). Few source channels (merge), as of images, would make terms of a tap few and leave part of a word
 * empty: then the source is copied with its padding along w, and all taps along w, which lie beside each other there, count as
 * the channels of one. */
#include "backends/cpu/kernels/amx.h"

#if defined(ZT_LEVEL_amx)
enum { TILE = 2 * T, WHOLE = T }; /* rows of a register tile; words of a source pixel are a multiple of WHOLE */
#else
enum { TILE = 6, WHOLE = 1 };
#endif

enum { ROWS = 192, COLS = 256, WORDS = 1024, TAPS = 64 }; /* of a block; words and taps summed at a time */
#if defined(ZT_LEVEL_v4)
enum { WIDE = 4 };
#else
enum { WIDE = 2 };
#endif
enum { STRIP = WIDE * VW, FEW = 4, SMALL = 64 }; /* FEW: channels that are folded or merged; SMALL: pixels of a frame */

typedef struct conv {
    bool dx, fold, merge;
    int64_t B, groups, Cs, Cr, from, to; /* channels of source and result; of one group: summed and written */
    int64_t words, pitch;                /* words of a source pixel's group, and from one such to the next */
    int64_t apart, line, margin;         /* words from pixel to pixel and of a line; merged: values of a line before its first */
    int64_t cols, width, taps;           /* of the product; width: cols in whole vectors */
    int64_t src[3], res[3], k[3], stride[3], before[3], dilation[3];
    bool copied; /* the source is rounded into scratch, merged with its padding */
} conv;

static int64_t padded(int64_t n) { return (n + VW - 1) / VW * VW; }
static int64_t pixel_words(int64_t terms) { return (w_words(terms) + WHOLE - 1) / WHOLE * WHOLE; }
/* All taps of a frame are columns: the gradient by an image, an image from features. */
static bool folds(const conv *c) {
    return c->groups == 1 && c->to <= FEW && c->from >= VW && c->k[1] * c->k[2] > 1 && c->dilation[2] == 1 &&
           c->k[1] * c->k[2] * c->to <= COLS && (c->dx || (c->stride[1] == 1 && c->stride[2] == 1));
}
/* All taps along w are terms of one: a convolution of images, if they are whole words and begin at such. */
static bool merges(const conv *c) {
    const bool whole_words = c->stride[2] * c->from % PAIR == 0 && c->k[2] * c->from % PAIR == 0;
    return !c->dx && c->groups == 1 && c->from <= FEW && c->k[2] > 1 && c->dilation[2] == 1 && whole_words;
}
/* From here on the source has a pixel for each result along w. */
static void merge_taps(conv *c) {
    c->margin = c->before[2] * c->from;
    c->pitch = c->stride[2] * c->from / PAIR;
    c->from *= c->k[2];
    c->src[2] = c->res[2];
    c->k[2] = c->stride[2] = 1;
    c->before[2] = 0;
    c->taps = c->k[0] * c->k[1];
    c->words = pixel_words(c->from);
    c->line = (c->res[2] - 1) * c->pitch + c->words;
}
static conv conv_of(const zt_node *n) {
    const bool dx = n->op->id == ZT_OP_conv_dx;
    const int64_t *s = n->in[0]->sh.d, *r = n->sh.d, *w = n->in[1]->sh.d;
    conv c = {.dx = dx, .B = s[0], .groups = n->at.i[ZT_CONV_GROUPS], .Cs = s[4], .Cr = r[4]};
    for (int a = 0; a < 3; a++) {
        c.src[a] = s[1 + a];
        c.res[a] = r[1 + a];
        c.k[a] = w[a];
        c.stride[a] = n->at.i[ZT_CONV_STRIDE + a];
        c.before[a] = n->at.i[ZT_CONV_BEFORE + a];
        c.dilation[a] = n->at.i[ZT_CONV_DILATION + a];
    }
    c.from = c.Cs / c.groups;
    c.to = c.Cr / c.groups;
    c.fold = folds(&c);
    c.taps = c.fold ? c.k[0] : c.k[0] * c.k[1] * c.k[2];
    c.cols = c.fold ? c.k[1] * c.k[2] * c.to : c.to;
    c.width = padded(c.cols);
    c.words = pixel_words(c.from);
    c.merge = merges(&c);
    c.copied = c.merge || (PAIR == 2 && !n->in[0]->half) || (WHOLE > 1 && c.from != c.words * PAIR);
    c.pitch = !c.copied ? c.from / PAIR : WHOLE > 1 ? c.words : padded(c.from) / PAIR;
    c.line = c.src[2] * c.groups * c.pitch;
    if (c.merge) merge_taps(&c);
    c.apart = c.groups * c.pitch;
    return c;
}

INLINE stored as_f32(const float *x) { return (stored){(void *)(uintptr_t)x, false}; }

/* ---- weights ------------------------------------------------------------------------------------------------------- */
/* Packed: strips of STRIP columns (the last may be narrower), in each [tap][words][columns of the strip]. */
static int64_t weights_size(const conv *c) { return c->groups * c->taps * c->words * c->width; }
static int64_t strip_at(const conv *c, int64_t group, int64_t col) { return (group * c->width + col) * c->taps * c->words; }
static int64_t strip_width(const conv *c, int64_t col) { return c->width - col < STRIP ? c->width - col : STRIP; }

/* conv: w [tap][from][Cr]. */
static void pack_plain(const conv *c, const float *w, int64_t group, int64_t tap, int64_t col, word *to) {
    const int64_t width = strip_width(c, col), n = c->cols - col < width ? c->cols - col : width;
    w_pairs(to, as_f32(w), tap * c->from * c->Cr + group * c->to + col, c->Cr, c->from, n, width);
}
/* conv_dx: w [tap][to][Cs], words of its rows transposed. Folded: [kt][(kh, kw, to)][Cs]. */
static void pack_transposed(const conv *c, const float *w, int64_t group, int64_t tap, int64_t col, word *to, float *room) {
    enum { PART = 256 };
    const int64_t width = strip_width(c, col), n = c->cols - col < width ? c->cols - col : width;
    w += (tap * c->cols + col) * c->Cs + group * c->from;
    if (n < width) memset(to, 0, (size_t)(c->words * width) * sizeof *to);
    for (int64_t f = 0; f < c->from; f += PART) {
        const int64_t part = c->from - f < PART ? c->from - f : PART, ld = padded(part) / PAIR;
        w_rows((word *)room, as_f32(w), f, c->Cs, n, part, padded(part), 1);
        k_transpose((float *)to + f / PAIR * width, width, room, ld, n, w_words(part));
    }
}
/* conv, folded: w [kt][kh][kw][from][to] with columns (kh, kw, to); kw counts down, as result pixels count up. */
static void pack_folded(const conv *c, const float *w, int64_t kt, int64_t col, word *to, float *room) {
    const int64_t width = strip_width(c, col);
    for (int64_t f = 0; f < c->from; f += 2) {
        const int64_t rows = c->from - f < 2 ? 1 : 2;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t k = 0; k < width; k++) {
                const int64_t at = col + k, ch = at % c->to, kw = c->k[2] - 1 - at / c->to % c->k[2], kh = at / c->to / c->k[2];
                const int64_t tap = (kt * c->k[1] + kh) * c->k[2] + kw;
                room[r * width + k] = at < c->cols ? w[(tap * c->from + f + r) * c->to + ch] : 0;
            }
        w_pairs(to + f / PAIR * width, as_f32(room), 0, width, rows, width, width);
    }
}
static void pack_weights(const conv *c, const float *w, word *to, float *room, int64_t k) {
    const int64_t strips = (c->width + STRIP - 1) / STRIP, tap = k / strips % c->taps, group = k / strips / c->taps;
    const int64_t col = k % strips * STRIP;
    to += strip_at(c, group, col) + tap * c->words * strip_width(c, col);
    if (c->words > w_words(c->from)) memset(to, 0, (size_t)(c->words * strip_width(c, col)) * sizeof *to);
    if (c->dx)
        pack_transposed(c, w, group, tap, col, to, room);
    else if (c->fold)
        pack_folded(c, w, tap, col, to, room);
    else
        pack_plain(c, w, group, tap, col, to);
}

/* ---- which pixels a tap joins ---------------------------------------------------------------------------------------- */
typedef struct axis {
    int64_t first, step, count, move, taps, tap, tap_step, shift, shift_step;
} axis;

static int64_t common(int64_t a, int64_t b) { return b ? common(b, a % b) : a; }
static axis axis_of(const conv *c, int a, int64_t phase) {
    const int64_t st = c->stride[a], d = c->dilation[a];
    if (c->fold && a > 0) return (axis){.step = 1, .count = c->src[a], .move = 1, .taps = 1};
    if (!c->dx)
        return (axis){
            .step = 1, .count = c->res[a], .move = st, .taps = c->k[a], .tap_step = 1, .shift = -c->before[a], .shift_step = d};
    axis x = {.first = phase, .step = st, .count = (c->res[a] - phase + st - 1) / st, .move = 1, .tap_step = st / common(st, d)};
    while (x.tap < x.tap_step && (phase + c->before[a] - x.tap * d) % st) x.tap++;
    if (x.tap == x.tap_step || x.tap >= c->k[a]) return x; /* no tap reaches these pixels */
    x.taps = (c->k[a] - x.tap + x.tap_step - 1) / x.tap_step;
    x.shift = (phase + c->before[a] - x.tap * d) / st;
    x.shift_step = -d * x.tap_step / st;
    return x;
}
static int64_t phases_along(const conv *c, int a) { return c->dx && !(c->fold && a > 0) ? c->stride[a] : 1; }

/* ---- the product ----------------------------------------------------------------------------------------------------- */
/* What one slot works with. */
typedef struct desk {
    float room[ROWS * COLS];               /* rows of the block, `cols` apart */
    const word *row[TAPS][ROWS], *b[TAPS]; /* source pixels, and weights of a strip, of the taps at hand */
    int64_t tap[TAPS], shift[TAPS][3], taps;
    word stage[]; /* rows of a register tile that are copied together (stage_size) */
} desk;
/* Rows [row0, row1) of a phase, in the order (t, sample, h, w) and all of one t, so that a tap lies in the padding of time for
 * all of them or for none. Columns [col0, col1). */
typedef struct block {
    const conv *c;
    const axis *axis;
    int64_t group, t, row0, row1, col0, col1;
    const word *src, *zero, *w;
} block;

#if defined(ZT_LEVEL_amx)
static int64_t stage_size(const conv *c) { return TILE * (c->words > WORDS ? c->words : WORDS); }
/* T rows of a tap: as they lie if they are evenly apart, else copied. */
typedef struct band { const word *at; int64_t apart; } band;
static band band_of(const word *const *row, int64_t words, word *stage) {
    const uintptr_t apart = (uintptr_t)row[1] - (uintptr_t)row[0];
    int r = 2;
    while (r < T && (uintptr_t)row[r] - (uintptr_t)row[r - 1] == apart) r++;
    if (r == T) return (band){row[0], (int64_t)apart / (int64_t)sizeof(word)};
    for (r = 0; r < T; r++)
        for (int64_t k = 0; k < words; k += VW) w_store(stage + r * words + k, w_load(row[r] + k));
    return (band){stage, words};
}
INLINE void tile(float *c, int64_t ldc, const desk *d, band (*a)[2], int64_t words, int64_t col, int64_t width, bool add,
                 const int R, const int N) {
    t_begin(c, ldc, add, R, N);
    for (int64_t t = 0; t < d->taps; t++) {
        const word *b = d->b[t] + col;
        for (int64_t k = 0; k < words; k += T, b += T * width)
            t_step(a[t][0].at + k, a[t][0].apart, a[t][1].at + k, a[t][1].apart, b, width, R, N);
    }
    t_end(c, ldc, R, N);
}
static void tile_rows(desk *d, const conv *c, int64_t r, int64_t rows, band (*a)[2]) {
    for (int64_t t = 0; t < d->taps; t++)
        for (int h = 0; h < 2 && r + h * T < rows; h++)
            a[t][h] = band_of(&d->row[t][r + h * T], c->words, d->stage + (2 * t + h) * T * c->words);
}
static void strip_rows(desk *d, const conv *c, int64_t at, int64_t ldc, int64_t r, int64_t rows, int64_t width, band (*a)[2],
                       bool add) {
    for (int64_t col = 0; col < width; col += 2 * T) {
        float *to = d->room + r * ldc + at + col;
        const bool two = width - col > T;
        if (rows - r > T && two) tile(to, ldc, d, a, c->words, col, width, add, 2, 2);
        else if (rows - r > T) tile(to, ldc, d, a, c->words, col, width, add, 2, 1);
        else if (two) tile(to, ldc, d, a, c->words, col, width, add, 1, 2);
        else tile(to, ldc, d, a, c->words, col, width, add, 1, 1);
    }
}
#else
static int64_t stage_size(const conv *c) { return (void)c, 0; }
INLINE void tile(float *c, int64_t ldc, const desk *d, int64_t r0, int64_t words, bool add, const int NV) {
    vf acc[TILE][4];
#pragma GCC unroll 6
    for (int r = 0; r < TILE; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) acc[r][v] = add ? v_load(c + r * ldc + v * VW) : v_set(0);
    for (int64_t t = 0; t < d->taps; t++) {
        const word *const *a = &d->row[t][r0], *b = d->b[t];
        const word *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3], *a4 = a[4], *a5 = a[5];
        for (int64_t k = 0; k < words; k++, b += NV * VW) {
            const vw x[TILE] = {w_set(a0[k]), w_set(a1[k]), w_set(a2[k]), w_set(a3[k]), w_set(a4[k]), w_set(a5[k])};
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++) {
                const vw y = w_load(b + v * VW);
#pragma GCC unroll 6
                for (int r = 0; r < TILE; r++) acc[r][v] = w_madd(acc[r][v], x[r], y);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < TILE; r++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) v_store(c + r * ldc + v * VW, acc[r][v]);
}
#define ROWS_OF(NV) \
    static void rows##NV(desk *d, int64_t col, int64_t ldc, int64_t rows, int64_t words, bool add) { \
        for (int64_t r = 0; r < rows; r += TILE) tile(d->room + r * ldc + col, ldc, d, r, words, add, NV); \
    }
ROWS_OF(1)
ROWS_OF(2)
#if defined(ZT_LEVEL_v4)
ROWS_OF(3)
ROWS_OF(4)
#endif
#endif

/* Of the phase's taps [from, to) those that lie in the source's time: their numbers and shifts. */
static void take_taps(const block *k, desk *d, int64_t from, int64_t to) {
    const axis *a = k->axis;
    d->taps = 0;
    for (int64_t j = from; j < to; j++) {
        const int64_t at[3] = {j / a[2].taps / a[1].taps, j / a[2].taps % a[1].taps, j % a[2].taps};
        int64_t tap = 0, *shift = d->shift[d->taps];
        for (int i = 0; i < 3; i++) {
            shift[i] = a[i].shift + at[i] * a[i].shift_step;
            if (i == 0 || !k->c->fold) tap = tap * k->c->k[i] + a[i].tap + at[i] * a[i].tap_step;
        }
        const int64_t t = k->t * a[0].move + shift[0];
        if (t >= 0 && t < k->c->src[0]) d->tap[d->taps++] = tap;
    }
}
static void take_rows(const block *k, desk *d) {
    const conv *c = k->c;
    const axis *a = k->axis;
    int64_t rows = k->row1 - k->row0;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t p = k->row0 + r, w = p % a[2].count * a[2].move, h = p / a[2].count % a[1].count * a[1].move;
        const int64_t b = p / a[2].count / a[1].count % c->B, t = k->t * a[0].move;
        for (int64_t j = 0; j < d->taps; j++) {
            const int64_t *s = d->shift[j];
            const uint64_t x = (uint64_t)(w + s[2]), y = (uint64_t)(h + s[1]);
            const bool in = x < (uint64_t)c->src[2] && y < (uint64_t)c->src[1];
            const int64_t line = (b * c->src[0] + t + s[0]) * c->src[1] + (int64_t)y;
            d->row[j][r] = in ? k->src + line * c->line + (int64_t)x * c->apart + k->group * c->pitch : k->zero;
        }
    }
    for (; rows % TILE; rows++)
        for (int64_t j = 0; j < d->taps; j++) d->row[j][rows] = k->zero;
}
static void take_weights(const block *k, desk *d, int64_t col) {
    const conv *c = k->c;
    for (int64_t j = 0; j < d->taps; j++)
        d->b[j] = k->w + strip_at(c, k->group, col) + d->tap[j] * c->words * strip_width(c, col);
}
/* Sums over the taps at hand; add: to what is in d->room. */
static void product(const block *k, desk *d, int64_t ldc, bool add) {
    const conv *c = k->c;
    const int64_t rows = k->row1 - k->row0;
#if defined(ZT_LEVEL_amx)
    for (int64_t r = 0; r < rows; r += TILE) {
        band a[TAPS][2];
        tile_rows(d, c, r, rows, a);
        for (int64_t col = k->col0; col < k->col1; col += STRIP) {
            take_weights(k, d, col);
            strip_rows(d, c, col - k->col0, ldc, r, rows, strip_width(c, col), a, add);
        }
    }
#else
    for (int64_t col = k->col0; col < k->col1; col += STRIP) {
        const int64_t width = strip_width(c, col), at = col - k->col0;
        take_weights(k, d, col);
#if defined(ZT_LEVEL_v4)
        if (width == 4 * VW) rows4(d, at, ldc, rows, c->words, add);
        else if (width == 3 * VW) rows3(d, at, ldc, rows, c->words, add);
        else
#endif
        if (width == 2 * VW) rows2(d, at, ldc, rows, c->words, add);
        else rows1(d, at, ldc, rows, c->words, add);
    }
#endif
}
/* The block's rows of the product, into d->room. */
static void multiply(const block *k, desk *d) {
    const conv *c = k->c;
    const int64_t taps = k->axis[0].taps * k->axis[1].taps * k->axis[2].taps, ldc = k->col1 - k->col0;
    const int64_t most = WORDS / c->words < 1 ? 1 : WORDS / c->words > TAPS ? TAPS : WORDS / c->words;
    bool add = false;
    for (int64_t t = 0; t < taps; t += most) {
        take_taps(k, d, t, t + most < taps ? t + most : taps);
        if (!d->taps) continue;
        take_rows(k, d);
        product(k, d, ldc, add);
        add = true;
    }
    if (!add) memset(d->room, 0, (size_t)((k->row1 - k->row0) * ldc) * sizeof(float));
}

/* ---- results --------------------------------------------------------------------------------------------------------- */
static void put_rows(const block *k, desk *d, const zt_node *node, const float *bias) {
    const conv *c = k->c;
    const axis *a = k->axis;
    zt_tile *then = k_then(node);
    const int64_t end = k->col1 < c->cols ? k->col1 : c->cols, n = end - k->col0, first = k->group * c->to + k->col0;
    for (int64_t r = k->row0; r < k->row1; r++) {
        const int64_t w = a[2].first + r % a[2].count * a[2].step, h = a[1].first + r / a[2].count % a[1].count * a[1].step;
        const int64_t b = r / a[2].count / a[1].count % c->B, t = a[0].first + k->t * a[0].step;
        float *from = d->room + (r - k->row0) * (k->col1 - k->col0);
        for (int64_t i = 0; bias && i < n; i++) from[i] += bias[first + i];
        k_apply(then, node, from, n);
        narrow(stored_of(node), (((b * c->res[0] + t) * c->res[1] + h) * c->res[2] + w) * c->Cr + first, from, n);
    }
}
INLINE void add_run(float *to, const float *from, int64_t n) {
    for (; n >= VW; n -= VW, to += VW, from += VW) v_store(to, v_load(to) + v_load(from));
    if (n) v_store_n(to, v_load_n(to, n) + v_load_n(from, n), n);
}
/* Rows of one frame, folded onto the frame at y. */
static void fold(const block *k, const desk *d, float *y) {
    const conv *c = k->c;
    const int64_t per = c->k[2] * c->to, ld = k->col1, W = c->src[2];
    for (int64_t r = k->row0; r < k->row1; r++) {
        const int64_t h = r / W % c->src[1], w = r % W;
        const int64_t left = c->dx ? w * c->stride[2] - c->before[2] : w + c->before[2] - c->k[2] + 1;
        const int64_t skip = left < 0 ? -left : 0, right = left + c->k[2] < c->res[2] ? left + c->k[2] : c->res[2];
        for (int64_t kh = 0; kh < c->k[1] && left + skip < right; kh++) {
            const int64_t off = kh * c->dilation[1] - c->before[1], q = c->dx ? h * c->stride[1] + off : h - off;
            if (q < 0 || q >= c->res[1]) continue;
            add_run(y + (q * c->res[2] + left + skip) * c->to, d->room + (r - k->row0) * ld + kh * per + skip * c->to,
                    (right - left - skip) * c->to);
        }
    }
}
/* Result frame number f of the phase along t. */
static void folded_frame(block k, desk *d, const zt_node *n, const float *bias, int64_t f) {
    const conv *c = k.c;
    float *y = n->x;
    const int64_t rows = c->src[1] * c->src[2], pixels = c->res[1] * c->res[2];
    k.t = f / c->B;
    y += (f % c->B * c->res[0] + k.axis[0].first + k.t * k.axis[0].step) * pixels * c->to;
    for (int64_t i = 0; i < pixels * c->to; i++) y[i] = bias ? bias[i % c->to] : 0;
    k.col1 = c->width;
    for (int64_t r = 0; r < rows; r += ROWS) {
        k.row0 = f * rows + r;
        k.row1 = f * rows + (r + ROWS < rows ? r + ROWS : rows);
        multiply(&k, d);
        fold(&k, d, y);
    }
    k_apply(k_then(n), n, y, pixels * c->to);
}

/* ---- running --------------------------------------------------------------------------------------------------------- */
static int64_t source_size(const conv *c) {
    return c->copied ? c->B * c->src[0] * c->src[1] * c->line : 0;
}
static int64_t zero_size(const conv *c) { return (c->words + 15) / 16 * 16; }
static size_t desk_size(const conv *c) { return (sizeof(desk) + (size_t)stage_size(c) * sizeof(word) + 63) / 64 * 64; }
static int64_t words_before_desks(const conv *c) { return (source_size(c) + zero_size(c) + 15) / 16 * 16; }
static desk *desk_of(const conv *c, void *scratch, int slot) {
    return (desk *)((char *)((word *)scratch + words_before_desks(c)) + (size_t)slot * desk_size(c));
}
static zt_err conv_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const conv c = conv_of(n);
    *scratch = (size_t)words_before_desks(&c) * sizeof(word) + (size_t)zt_cpu_slots() * desk_size(&c);
    return ZT_OK;
}
static size_t conv_packs(const zt_node *n, const void *prepared) {
    (void)prepared;
    const conv c = conv_of(n);
    return (size_t)weights_size(&c) * sizeof(word);
}
static void conv_pack(const zt_node *n, const zt_exec *e) {
    const conv c = conv_of(n);
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        int64_t from, to;
        k_piece(c.groups * c.taps * ((c.width + STRIP - 1) / STRIP), 1, slots, s, &from, &to);
        for (int64_t k = from; k < to; k++) pack_weights(&c, n->in[1]->x, e->packed, desk_of(&c, e->scratch, s)->room, k);
    }
}

/* Work of one phase and group: blocks of rows of each t, times blocks of columns, shared out evenly. */
static void phase_run(block k, const zt_node *n, void *scratch) {
    const conv *c = k.c;
    const int slots = zt_cpu_slots();
    const int64_t rows = c->B * k.axis[1].count * k.axis[2].count, across = (c->width + COLS - 1) / COLS;
    int64_t down = (rows + ROWS - 1) / ROWS;
    while (k.axis[0].count * down * across % slots && rows / (down + 1) >= 2 * TILE) down++;
    const int64_t units = k.axis[0].count * (c->fold ? c->B : down * across);
    const float *bias = c->dx ? NULL : zt_in_x(n, 2);
#pragma omp for schedule(static, 1) nowait
    for (int s = 0; s < slots; s++) {
        desk *d = desk_of(c, scratch, s);
        int64_t from, to;
        k_piece(units, 1, slots, s, &from, &to);
        for (int64_t u = from; u < to; u++) {
            if (c->fold) {
                folded_frame(k, d, n, bias, u);
                continue;
            }
            k.t = u / across / down;
            k.row0 = k.t * rows + rows * (u / across % down) / down;
            k.row1 = k.t * rows + rows * (u / across % down + 1) / down;
            k.col0 = u % across * COLS;
            k.col1 = k.col0 + COLS < c->width ? k.col0 + COLS : c->width;
            multiply(&k, d);
            put_rows(&k, d, n, bias);
        }
    }
}
static void phases_run(const conv *c, const zt_node *n, block k, void *scratch) {
    for (int64_t group = 0; group < c->groups; group++)
        for (int64_t t = 0; t < phases_along(c, 0); t++)
            for (int64_t h = 0; h < phases_along(c, 1); h++)
                for (int64_t w = 0; w < phases_along(c, 2); w++) {
                    const axis axes[3] = {axis_of(c, 0, t), axis_of(c, 1, h), axis_of(c, 2, w)};
                    k.axis = axes;
                    k.group = group;
                    if (axes[0].count > 0 && axes[1].count > 0 && axes[2].count > 0) phase_run(k, n, scratch);
                }
}
/* Line number k of the source, x, as words: each pixel rounded, or all values with zeros before and after them. */
static void copy_line(const conv *c, const zt_node *x, int64_t k, word *to) {
    const int64_t n = zt_last(&x->sh) * x->sh.d[3], left = c->line * PAIR - c->margin;
    if (c->merge || c->pitch * PAIR > padded(c->from)) memset(to, 0, (size_t)c->line * sizeof *to);
    if (!c->merge) w_rows(to, stored_of(x), k * n, c->from, n / c->from, c->from, c->pitch * PAIR, 1);
    else if (left > 0) narrow((stored){to, PAIR == 2}, c->margin, (const float *)x->x + k * n, n < left ? n : left);
}
static void conv_run(const zt_node *n, const zt_exec *e) {
    const conv c = conv_of(n);
    const int slots = zt_cpu_slots();
    word *src = e->scratch, *zero = src + source_size(&c);
    memset(zero, 0, (size_t)zero_size(&c) * sizeof *zero);
#pragma omp parallel
    {
        t_open();
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(source_size(&c) / c.line, 1, slots, s, &from, &to);
            for (int64_t k = from; k < to; k++) copy_line(&c, n->in[0], k, src + k * c.line);
        }
        const block k = {.c = &c, .src = c.copied ? src : n->in[0]->x, .zero = zero, .w = e->packed};
        phases_run(&c, n, k, e->scratch);
        t_close();
    }
}

#if defined(ZT_LEVEL_bf16)
static bool takes(const zt_node *n) { return n->multiply == ZT_BF16; }
static zt_reads reads(const zt_node *n, int k) {
    const bool whole_words = n->at.i[ZT_CONV_GROUPS] == 1 && zt_last(&n->in[0]->sh) % PAIR == 0;
    return k == 0 && whole_words && !conv_of(n).merge ? ZT_READS_ROUNDED : ZT_READS_F32;
}
static bool writes_half(const zt_node *n) { return !conv_of(n).fold; }        /* folded sums lie in the result */
#define TAKES       takes
#define READS       reads
#define WRITES_HALF writes_half
#else
#define TAKES       NULL
#define READS       NULL
#define WRITES_HALF NULL
#endif
/* A kernel that covers the whole source, which is a matmul. */
static bool covers(const zt_node *n) {
    const zt_shape *x = n->op->id == ZT_OP_conv ? &n->in[0]->sh : &n->sh;
    for (int a = 0; a < 3; a++)
        if (n->at.i[ZT_CONV_BEFORE + a] || n->at.i[ZT_CONV_AFTER + a] || n->in[1]->sh.d[a] != x->d[1 + a]) return false;
    return true;
}
/* oneDNN is faster at matmuls, and at whole frames without strides (on tiles, with them too); here small frames fill a tile, no
 * product of a stride is lost, and images fill the words. */
static bool suits(const zt_node *n) {
    const conv c = conv_of(n);
    if (covers(n)) return false;
    if (c.fold) return true;
    if (WHOLE == 1 && n->multiply == ZT_BF16 && zt_cpu_get_level() > ZT_CPU_BF16) return false;
    if (c.groups > 1 || c.to < VW || (c.from < VW && !c.merge)) return false;
    const bool strides = c.stride[0] > 1 || c.stride[1] > 1 || c.stride[2] > 1;
    return c.merge || c.res[1] * c.res[2] <= SMALL || (strides && (c.dx || WHOLE == 1));
}
#define ENTRY(o) \
    {.op = ZT_OP_##o, .ok = TAKES, .suits = suits, \
     .kernel = {.name = K_NAME("conv"), .run = conv_run, .prepare = conv_prepare, \
                .writes_half = WRITES_HALF, .reads = READS, .folds = k_folds_any, \
                .packs = conv_packs, .pack = conv_pack}}
const zt_cpu_entry K(zt_k_conv)[] = {ENTRY(conv), ENTRY(conv_dx), {.op = -1}};
