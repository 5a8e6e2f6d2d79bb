/* winograd.h - minimal filtering (Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, arXiv:1509.09308,
 * section 4.1): what convolution and its gradients share. Kernels of 3x3 pixels without strides, and (STRIDED) of 4x4 pixels with
 * strides of 2.
 *
 *   U = G g G'        of the weights of each pair of channels
 *   V = B' d B        of the source pixels around a tile of result pixels
 *   M = sum_c U V     for each of the places: a matrix product [tiles, from] x [from, to]
 *   y = A' M A
 * In f32 F(2x2, 3x3): 16 products for the 2x2 results of a tile instead of 36. Taps along time are summed in M, so V of a frame
 * serves all of them.
 * At level bf16, where U and V are rounded, that would make the error of a result 1.9 times as large as rounding weights and
 * pixels does: there F(2, 3) along lines, 4 products for 2 results instead of 6, 1.5 times. Lines take the place of frames, taps
 * along h that of taps along time: an image is H "frames" of one line. Of a kernel of several frames, M sums over the images that
 * its taps of time see; their V is kept in a ring, so that a block makes that of each image once.
 *
 * STRIDED: four taps at a stride of two are two taps on the even pixels and two on the odd ones. So a source pixel is 2x2 real
 * ones beside each other with the channels of all four (quarters), and the kernel is F(2x2, 2x2): 9 products in place of 16. The
 * gradient by the source has four phases, results with even and odd h and w: each is such a kernel on the source as it is.
 * F(2, 2) evaluates at 0, 3/2 and -3/2. Three directions in the plane that lie evenly, 0 and +-sqrt 3, are no better.
 * In bf16 they are off by 3.2e-3 of the result along both axes at once; the usual 0, 1, infinity by 5.0e-3, where rounding the
 * factors of the plain convolution costs 2.4e-3. */
#ifndef ZT_CPU_WINOGRAD_H
#define ZT_CPU_WINOGRAD_H
#include "backends/cpu/kernels/tile.h"

/* TALL: lines of a tile. SPAN: taps along an axis; of a real kernel every STRIDE-th is one of them. */
#if defined(STRIDED)
enum { TALL = 2, SPAN = 2, STRIDE = 2 };
#elif defined(ZT_LEVEL_bf16)
#define ALONG_LINES
enum { TALL = 1, SPAN = 3, STRIDE = 1 };
#else
enum { TALL = 2, SPAN = 3, STRIDE = 1 };
#endif
enum {
    EDGE = SPAN + 1,                                   /* places along an axis: a tile has two results */
    LINES = TALL == 1 ? 1 : EDGE,                      /* source lines of a tile */
    PLACES = LINES * EDGE,
    TAPS = TALL == 1 ? SPAN : SPAN * SPAN,             /* that U holds */
    AREA = TAPS * STRIDE * STRIDE,                     /* of the real kernel, of as many lines */
    QUARTERS = STRIDE * STRIDE
};
enum { STRIP = 64, BAND = 32 };                        /* columns of a product at a time; lines of a block, at most */

/* The images that taps of time see, along lines; else (and where there are no such taps) each is a clip of its own. */
typedef struct series { int64_t src, res, taps, before; } series;
typedef struct wino {
    series clip;
    int64_t B, from, to, F, kt;                        /* clips, channels of source and result, result frames of a block, taps */
    int64_t src[3], res[3], before[3];                 /* STRIDED: real source pixels; result pixels of a phase */
    int64_t plane[2], origin[2], step, move;           /* real result pixels: step*i + origin sees source pixels from move*i on */
    int64_t quarters, deep;                            /* of a source pixel; channels of one, whole vectors of four */
    int64_t first, pixel;                              /* of all channels `from` from this one on; real ones of a quarter */
    int64_t phases;
    int64_t down, across, tiles;                       /* tiles of a frame; of a clip along lines, else of all */
    int64_t words, pitch, width;                       /* words of a pixel of V, and from one to the next; columns of U */
    int64_t each, units, bands;                        /* tiles of a block; blocks of a band; bands of F result frames */
    stored x;
} wino;

/* w: sizes of the kernel. */
INLINE bool wino_serves(const zt_node *n, const int64_t *w) {
    const int64_t *at = n->at.i, side = SPAN * STRIDE;
    if (w[1] != side || w[2] != side || at[ZT_CONV_GROUPS] != 1) return false;
    for (int a = 0; a < 3; a++)
        if (at[ZT_CONV_STRIDE + a] != (a ? STRIDE : 1) || at[ZT_CONV_DILATION + a] != 1) return false;
    return true;
}
/* A node that multiplies in bf16 is no case for f32 where there is a level for it, and on tiles turning would take longer than
 * what it saves. Along lines, V of more than three images would not stay in the second cache. */
INLINE bool wino_suits(const zt_node *n, int64_t kt) {
    const zt_cpu_level level = zt_cpu_get_level();
    if (n->multiply == ZT_BF16 && (level > ZT_CPU_BF16 || (level == ZT_CPU_BF16 && PAIR == 1))) return false;
    return TALL == 2 || kt <= 3;
}
INLINE int64_t wino_padded(int64_t n) { return (n + VW - 1) / VW * VW; }

/* Number of real tap of tap k of a quarter; reversed: the last tap first. */
INLINE int tap_of(int k, int quarter, bool reversed) {
    if (reversed) k = TAPS - 1 - k;
    return STRIDE == 1 ? k : (2 * (k / 2) + quarter / 2) * 4 + 2 * (k % 2) + quarter % 2;
}

/* x [B,T,H,W,from] by kt taps of time to a result [..,to]; before: pads; dx: the result has phases. Not yet cut into blocks. */
static __attribute__((unused)) wino wino_between(const zt_node *x, const zt_shape *y, int64_t kt, const int64_t before[3],
                                                 bool dx) {
    const int64_t channels = zt_last(&x->sh);
    wino c = {.B = x->sh.d[0], .from = channels, .to = y->d[4], .kt = kt, .pixel = channels, .x = stored_of(x),
              .clip = {1, 1, 1, 0}, .step = 1, .move = 1, .quarters = 1, .deep = channels, .phases = 1};
    for (int a = 0; a < 3; a++) {
        c.src[a] = x->sh.d[1 + a];
        c.res[a] = y->d[1 + a];
        c.before[a] = before[a];
        if (a) c.plane[a - 1] = c.res[a];
    }
    if (STRIDE == 2 && dx) {
        c.step = STRIDE;
        c.phases = QUARTERS;
        for (int a = 1; a < 3; a++) c.res[a] = (c.res[a] + 1) / 2;
    } else if (STRIDE == 2) {
        c.move = STRIDE;
        c.quarters = QUARTERS;
        c.deep = wino_padded(channels);
        c.from = QUARTERS * c.deep;
    }
    if (TALL == 1) {
        if (kt == 1 && before[0] == 0 && c.src[0] == c.res[0]) c.B *= c.src[0];
        else c.clip = (series){c.src[0], c.res[0], kt, before[0]};
        c.kt = 3;
        c.src[0] = c.src[1];
        c.res[0] = c.res[1];
        c.before[0] = before[1];
        c.src[1] = c.res[1] = c.plane[0] = 1;
        c.before[1] = 0;
    }
    c.down = (c.res[1] + TALL - 1) / TALL;
    c.across = (c.res[2] + 1) / 2;
    c.tiles = c.down * c.across;
    c.bands = TALL == 1 ? (c.res[0] + BAND - 1) / BAND : 1;
    c.F = (c.res[0] + c.bands - 1) / c.bands;
    if (c.kt == 1 && before[0] == 0 && c.src[0] == c.res[0]) {    /* frames are samples, and blocks may span several */
        c.tiles *= c.B * c.F;
        c.B = c.F = c.src[0] = c.res[0] = 1;
    } else if (TALL == 2) {
        c.tiles *= c.B;
        c.B = 1;
    }
    c.words = w_words(c.from);
    c.pitch = wino_padded(c.from) / PAIR;
    c.width = wino_padded(c.to);
    return c;
}
/* Blocks of at most `most` tiles, as equal as can be, and as many for each slot if they are to be shared out; of `whole` tiles,
 * or several times that. */
static __attribute__((unused)) void wino_cut(wino *c, int64_t most, bool shared, int64_t whole) {
    const int64_t slots = zt_cpu_slots(), fit = most < whole ? whole : most;
    int64_t units = (c->tiles + fit - 1) / fit;
    while (shared && c->phases * c->B * c->bands * units % slots && units < c->tiles / whole) units++;
    c->each = ((c->tiles + units - 1) / units + whole - 1) / whole * whole;
    c->units = (c->tiles + c->each - 1) / c->each;
}
INLINE int64_t wino_strip(const wino *c, int64_t col) { return c->width - col < STRIP ? c->width - col : STRIP; }

INLINE int64_t wino_blocks(const wino *c) { return c->phases * c->B * c->bands * c->units; }
/* Block number k: tiles [tile0, tile1) of result frames [first, first + frames) of the images of a clip. */
typedef struct part { int64_t phase, clip, first, frames, tile0, tile1; } part;
INLINE part part_of(const wino *c, int64_t k) {
    const int64_t tile = k % c->units * c->each, first = k / c->units % c->bands * c->F, left = c->res[0] - first;
    const int64_t clip = k / c->units / c->bands;
    return (part){.phase = clip / c->B, .clip = clip % c->B, .first = first, .frames = left < c->F ? left : c->F, .tile0 = tile,
                  .tile1 = tile + c->each < c->tiles ? tile + c->each : c->tiles};
}
/* Of real results 2u + p - pad, p of the phase, the first (u = i + begin) that is there. Its taps see source pixels u-1 and u. */
static __attribute__((unused)) wino wino_phase(wino c, int64_t phase, const int64_t *pad) {
    for (int a = 0; a < 2; a++) {
        const int64_t p = a ? phase % 2 : phase / 2, begin = pad[a] > p ? (pad[a] - p + 1) / 2 : 0;
        c.origin[a] = 2 * begin + p - pad[a];
        c.before[1 + a] = 1 - begin;
    }
    return c;
}

/* Tiles [from, to) of an image's frames, all of one line of tiles. */
typedef struct run { int64_t b, line, from, to; } run;
INLINE run next_run(const wino *c, int64_t image, int64_t tile, int64_t end) {
    const int64_t per = c->down * c->across, in = tile % per;
    run r = {.b = image + tile / per, .line = in / c->across, .from = in % c->across};
    r.to = r.from + end - tile < c->across ? r.from + end - tile : c->across;
    return r;
}
INLINE int64_t wino_taps(const wino *c) { return c->clip.taps * c->kt; }
/* The source image that tap k of time sees from result image f, in the ring; -1 where there is none. */
INLINE int64_t in_ring(const wino *c, int64_t f, int64_t k) {
    const int64_t at = f + k - c->clip.before;
    return at < 0 || at >= c->clip.src ? -1 : at % c->clip.taps;
}
/* The first source frame that is there of those that a block sees. */
INLINE int64_t seen_first(const wino *c, const part *p) { return p->first > c->before[0] ? p->first - c->before[0] : 0; }
/* Row of V of the source frame that tap k sees from frame f of a block. */
INLINE int64_t seen(const wino *c, const part *p, int64_t f, int64_t k) {
    return (p->first + f + k - c->before[0] - seen_first(c, p)) * c->each;
}
/* Frames [*from, *to) of a block that tap k has a source frame for, and taps that frame f has one for. */
INLINE void frames_of_tap(const wino *c, const part *p, int64_t k, int64_t *from, int64_t *to) {
    k_inside(c->src[0], 1, p->first + k - c->before[0], 0, p->frames, from, to);
}
INLINE void taps_of_frame(const wino *c, const part *p, int64_t f, int64_t *from, int64_t *to) {
    k_inside(c->src[0], 1, p->first + f - c->before[0], 0, c->kt, from, to);
}

/* ---- source ---------------------------------------------------------------------------------------------------------- */
/* n channels from ch on of source pixel (h, w) of the frame at `at`; zeros outside. Rounded as they would be if stored so. */
INLINE vf source(const wino *c, int64_t at, int64_t h, int64_t w, int64_t ch, int64_t n, bool inner) {
    if (!inner && (h < 0 || h >= c->src[1] || w < 0 || w >= c->src[2])) return v_set(0);
    at += (h * c->src[2] + w) * c->pixel + ch;
    const vf a = inner || n == VW ? get(c->x, at) : get_n(c->x, at, n);
#if defined(ZT_LEVEL_bf16)
    if (!c->x.half) return (vf)((vi)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)a)) << 16);
#endif
    return a;
}
INLINE void turn(const vf d[EDGE], vf to[EDGE]) {
#if defined(STRIDED)
    const vf last = d[2] * (2.0f / 3);
    to[0] = d[0] - last * (2.0f / 3);
    to[1] = last + d[1];
    to[2] = last - d[1];
#else
    to[0] = d[0] - d[2];
    to[1] = d[1] + d[2];
    to[2] = d[2] - d[1];
    to[3] = d[1] - d[3];
#endif
}
/* N columns from w on of the lines from h on: as they are, or all lines turned. */
INLINE void columns(const wino *c, int64_t at, int64_t h, int64_t w, int64_t ch, int64_t n, bool inner, const int N,
                    vf (*to)[LINES]) {
#pragma GCC unroll 2
    for (int j = 0; j < N; j++) {
        vf d[LINES];
#pragma GCC unroll 4
        for (int i = 0; i < LINES; i++) d[i] = source(c, at, h + i * c->move, w + j * c->move, ch, n, inner);
#if defined(ALONG_LINES)
        to[j][0] = d[0];
#else
        turn(d, to[j]);
#endif
    }
}
/* V of channels [ch, ch + n) of a quarter, of the tiles of a run; columns that neighbours share are turned once. */
INLINE void source_vector(const wino *c, const run *r, int64_t at, int64_t quarter, int64_t ch, int64_t n, word *to,
                          int64_t place) {
    enum { SHARED = EDGE - 2 };
    const int64_t down = quarter / 2 - c->before[1], across = quarter % 2 - c->before[2], h = c->move * TALL * r->line + down;
    const bool inside = n == VW && h >= 0 && h + (LINES - 1) * c->move < c->src[1];
    vf left[SHARED][LINES], right[2][LINES];
    columns(c, at, h, c->move * 2 * r->from + across, ch, n, false, SHARED, left);
    for (int64_t k = r->from; k < r->to; k++, to += c->pitch) {
        const int64_t w = c->move * (2 * k + SHARED) + across;
        if (inside && w >= 0 && w + c->move < c->src[2]) columns(c, at, h, w, ch, n, true, 2, right);
        else columns(c, at, h, w, ch, n, false, 2, right);
#pragma GCC unroll 4
        for (int i = 0; i < LINES; i++) {
            vf d[EDGE], t[EDGE];
#pragma GCC unroll 4
            for (int j = 0; j < EDGE; j++) d[j] = j < SHARED ? left[j][i] : right[j - SHARED][i];
            turn(d, t);
#pragma GCC unroll 4
            for (int j = 0; j < EDGE; j++) w_store_row(to + (EDGE * i + j) * place, t[j]);
#pragma GCC unroll 2
            for (int j = 0; j < SHARED; j++) left[j][i] = right[j + 2 - SHARED][i];
        }
    }
}
/* V of a run of tiles along a line. v: of its first tile. */
static __attribute__((unused)) void source_run(const wino *c, const run *r, int64_t frame, word *v, int64_t place) {
    const int64_t at = frame * c->src[1] * c->src[2] * c->pixel;
    for (int64_t k = 0; k < c->from; k += VW) {
        const int64_t ch = (c->first + k) % c->deep, most = c->pixel - ch < c->from - k ? c->pixel - ch : c->from - k;
        source_vector(c, r, at, (c->first + k) / c->deep, ch, most < VW ? most : VW, v + k / PAIR, place);
    }
}

/* Source frames that a block sees, at most. */
INLINE int64_t v_frames(const wino *c) { return c->F + c->kt - 1 < c->src[0] ? c->F + c->kt - 1 : c->src[0]; }
/* Words from place to place of V; not a power of two, else all places of a pixel would fall in one set of the first cache. */
enum { APART = 16 };
INLINE int64_t v_place(const wino *c) { return v_frames(c) * c->each * c->pitch + APART; }
/* Words of V of an image, and of the ring. */
INLINE int64_t v_image(const wino *c) { return PLACES * v_place(c); }
INLINE int64_t v_ring(const wino *c) { return c->clip.taps * v_image(c); }

/* Rows of V are (source frame, tile), without frames that are not there. */
INLINE void make_v(const wino *c, const part *p, int64_t image, word *v) {
    const int64_t end = p->first + p->frames + c->kt - 1 - c->before[0];
    for (int64_t f = seen_first(c, p); f < end && f < c->src[0]; f++, v += c->each * c->pitch)
        for (int64_t tile = p->tile0; tile < p->tile1;) {
            const run r = next_run(c, image, tile, p->tile1);
            source_run(c, &r, r.b * c->src[0] + f, v + (tile - p->tile0) * c->pitch, v_place(c));
            tile += r.to - r.from;
        }
}
/* V of the images that result image f sees and the one before did not, into the ring. */
static __attribute__((unused)) void next_v(const wino *c, const part *p, int64_t f, word *ring) {
    const int64_t last = f - c->clip.before + c->clip.taps - 1;
    for (int64_t at = f ? last : -c->clip.before; at <= last; at++)
        if (at >= 0 && at < c->clip.src) make_v(c, p, p->clip * c->clip.src + at, ring + at % c->clip.taps * v_image(c));
}
#endif
