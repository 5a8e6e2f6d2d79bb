/* winograd.c - conv and conv_dx with kernels of 3x3 pixels and without strides by minimal filtering F(2x2, 3x3): 16 products for 4
 * results instead of 36 (Winograd 1980, "Arithmetic Complexity of Computations"; Lavin & Gray 2016, arXiv:1509.09308, section 4.1).
 *
 *   U = G g G'        of the 3x3 weights of each pair of channels, once per run
 *   V = B' d B        of the 4x4 source pixels around each 2x2 result pixels
 *   M = sum_c U V     for each of the 16 places: a matrix product [tiles, from] x [from, to]
 *   y = A' M A
 * Taps along time are summed in M, so V of a frame serves all of them. The gradient by the input is the same with taps reversed
 * and channels swapped. A block of tiles has its V and M in the second cache. V and U are what is rounded at level bf16; M, and all
 * sums, are f32. */
#include "backends/cpu/kernels/tile.h"

enum { PLACES = 16, STRIP = 64, BLOCK = 640 << 10 };   /* columns of M at a time; bytes of V and M that a block may have */

typedef struct wino {
    bool dx;
    int64_t B, from, to, F, kt;                        /* samples, channels summed and written, result frames, taps of time */
    int64_t src[3], res[3], before[3];
    int64_t down, across, tiles;                       /* tiles of a frame; of a sample (kt = 1: of everything) */
    int64_t words, pitch, width;                       /* words of a pixel of V, and from one to the next; columns of U */
    int64_t each, units;                               /* tiles of a block, whose frames all belong to it; blocks */
    stored x, y;
    const float *w, *bias;
} wino;

static bool serves(const zt_node *n) {
    const int64_t *w = n->in[1]->sh.d, *at = n->at.i;
    if (w[1] != 3 || w[2] != 3 || at[ZT_CONV_GROUPS] != 1) return false;
    for (int a = 0; a < 3; a++)
        if (at[ZT_CONV_STRIDE + a] != 1 || at[ZT_CONV_DILATION + a] != 1) return false;
    return true;
}
static int64_t padded(int64_t n) { return (n + VW - 1) / VW * VW; }

/* Blocks of equal size, as many for each slot, each of about BLOCK bytes. */
static void cut(wino *c) {
    const int64_t bytes = PLACES * (c->pitch * (c->F + c->kt - 1) * (int64_t)sizeof(word) + c->F * STRIP * (int64_t)sizeof(float));
    const int64_t most = BLOCK / bytes < 1 ? 1 : BLOCK / bytes, slots = zt_cpu_slots();
    int64_t units = (c->tiles + most - 1) / most;
    if (c->B * units % slots && units + 1 <= c->tiles) units += c->B == 1 ? slots - units % slots : 1;
    c->each = (c->tiles + units - 1) / units;
    c->units = (c->tiles + c->each - 1) / c->each;
}
static wino wino_of(const zt_node *n) {
    const int64_t *s = n->in[0]->sh.d, *r = n->sh.d, *w = n->in[1]->sh.d;
    wino c = {.dx = n->op->id == ZT_OP_conv_dx, .B = s[0], .from = s[4], .to = r[4], .kt = w[0], .x = stored_of(n->in[0]),
              .y = stored_of(n), .w = n->in[1]->x};
    if (!c.dx) c.bias = zt_in_x(n, 2);
    for (int a = 0; a < 3; a++) {
        const int64_t before = n->at.i[ZT_CONV_BEFORE + a];
        c.src[a] = s[1 + a];
        c.res[a] = r[1 + a];
        c.before[a] = c.dx ? w[a] - 1 - before : before;
    }
    c.down = (c.res[1] + 1) / 2;
    c.across = (c.res[2] + 1) / 2;
    c.tiles = c.down * c.across;
    c.F = c.res[0];
    if (c.kt == 1 && c.before[0] == 0 && c.src[0] == c.res[0]) {    /* frames are samples, and blocks may span several */
        c.tiles *= c.B * c.F;
        c.B = c.F = c.src[0] = c.res[0] = 1;
    }
    c.words = w_words(c.from);
    c.pitch = padded(c.from) / PAIR;
    c.width = padded(c.to);
    cut(&c);
    return c;
}

/* ---- weights --------------------------------------------------------------------------------------------------------- */
/* [strip][place][tap][words][columns of the strip] */
static int64_t weights_size(const wino *c) { return PLACES * c->kt * c->words * c->width; }
static int64_t strip_width(const wino *c, int64_t col) { return c->width - col < STRIP ? c->width - col : STRIP; }
static int64_t u_at(const wino *c, int64_t col, int64_t place, int64_t tap) {
    return (PLACES * col * c->kt + (place * c->kt + tap) * strip_width(c, col)) * c->words;
}

INLINE void filter_line(vf g0, vf g1, vf g2, vf *to, const int step) {
    const vf ends = (g0 + g2) * 0.5f, mid = g1 * 0.5f;
    to[0] = g0;
    to[step] = ends + mid;
    to[2 * step] = ends - mid;
    to[3 * step] = g2;
}
/* G g G' of n channels whose 9 taps start at w, `row` floats apart; reversed: the last tap first. */
INLINE void filter(const float *w, int64_t row, int64_t n, bool reversed, vf u[PLACES]) {
    vf g[9], t[12];
    for (int k = 0; k < 9; k++) {
        const float *at = w + (reversed ? 8 - k : k) * row;
        g[k] = n < VW ? v_load_n(at, n) : v_load(at);
    }
    for (int k = 0; k < 3; k++) filter_line(g[k], g[3 + k], g[6 + k], t + k, 3);
    for (int k = 0; k < 4; k++) filter_line(t[3 * k], t[3 * k + 1], t[3 * k + 2], u + 4 * k, 1);
}
/* conv: w [kt][3][3][from][to]: neighbours in `to` are vectors as they lie. */
static void weights_plain(const wino *c, int64_t tap, int64_t col, int64_t word_row, word *to) {
    const int64_t width = strip_width(c, col), row = c->from * c->to;
    for (int64_t k = 0; k < width; k += VW) {
        const int64_t left = c->to - col - k, n = left < VW ? left : VW;
        vf u[PAIR][PLACES];
        for (int p = 0; p < PAIR; p++) {
            const int64_t f = word_row * PAIR + p;
            if (f < c->from) filter(c->w + tap * 9 * row + f * c->to + col + k, row, n, false, u[p]);
            else memset(u[p], 0, sizeof u[p]);
        }
        for (int j = 0; j < PLACES; j++) {
            word *at = to + u_at(c, col, j, tap) + word_row * width + k;
#if defined(ZT_LEVEL_bf16)
            w_store(at, w_zip(u[0][j], u[1][j]));
#else
            w_store(at, u[0][j]);
#endif
        }
    }
}
/* conv_dx: w [kt][3][3][to][from]: rows of VW channels summed, transposed. */
static void weights_turned(const wino *c, int64_t tap, int64_t col, int64_t f, word *to, word *room) {
    enum { PART = VW / PAIR };
    const int64_t width = strip_width(c, col), row = c->from * c->to, n = c->from - f < VW ? c->from - f : VW;
    const int64_t rows = c->to - col < width ? c->to - col : width;
    vf u[PLACES];
    for (int64_t k = 0; k < width; k++) {
        if (k < rows) filter(c->w + (c->kt - 1 - tap) * 9 * row + (col + k) * c->from + f, row, n, true, u);
        else memset(u, 0, sizeof u);
        for (int j = 0; j < PLACES; j++) w_store_row(room + (j * STRIP + k) * PART, u[j]);
    }
    for (int j = 0; j < PLACES; j++)
        k_transpose((float *)(to + u_at(c, col, j, tap) + f / PAIR * width), width, (const float *)(room + j * STRIP * PART), PART,
                    width, w_words(n));
}
static int64_t weight_parts(const wino *c) { return c->dx ? (c->from + VW - 1) / VW : c->words; }
static void weights(const wino *c, int64_t k, word *to, word *room) {
    const int64_t parts = weight_parts(c), strips = (c->width + STRIP - 1) / STRIP;
    const int64_t part = k % parts, col = k / parts % strips * STRIP, tap = k / parts / strips;
    if (c->dx) weights_turned(c, tap, col, part * VW, to, room);
    else weights_plain(c, tap, col, part, to);
}

/* ---- source ---------------------------------------------------------------------------------------------------------- */
/* Tiles [from, to) of a sample's frames, all of one line of tiles. */
typedef struct run { int64_t b, line, from, to; } run;

/* Channels [ch, ch + n) of source pixel (h, w) of the frame at `at`; zeros outside. Rounded as they would be if stored so. */
INLINE vf source(const wino *c, int64_t at, int64_t h, int64_t w, int64_t ch, int64_t n) {
    if (h < 0 || h >= c->src[1] || w < 0 || w >= c->src[2]) return v_set(0);
    at += (h * c->src[2] + w) * c->from + ch;
    const vf a = n < VW ? get_n(c->x, at, n) : get(c->x, at);
#if defined(ZT_LEVEL_bf16)
    if (!c->x.half) return (vf)((vi)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)a)) << 16);
#endif
    return a;
}
INLINE void source_line(const vf d[4], vf *to, const int step) {
    to[0] = d[0] - d[2];
    to[step] = d[1] + d[2];
    to[2 * step] = d[2] - d[1];
    to[3 * step] = d[1] - d[3];
}
/* V of a run of tiles along a line: columns that neighbours share are turned once. v: of its first tile. */
static void source_run(const wino *c, const run *r, int64_t frame, word *v, int64_t place) {
    const int64_t at = frame * c->src[1] * c->src[2] * c->from, h = 2 * r->line - c->before[1];
    for (int64_t ch = 0; ch < c->from; ch += VW) {
        const int64_t n = c->from - ch < VW ? c->from - ch : VW;
        vf column[4][4];
        for (int64_t k = r->from; k < r->to; k++) {
            const int64_t w = 2 * k - c->before[2];
            for (int j = 0; j < 4; j++) {
                if (j < 2 && k > r->from) {
                    memcpy(column[j], column[j + 2], sizeof column[j]);
                    continue;
                }
                vf d[4];
                for (int i = 0; i < 4; i++) d[i] = source(c, at, h + i, w + j, ch, n);
                source_line(d, column[j], 1);
            }
            for (int i = 0; i < 4; i++) {
                vf t[4];
                source_line((const vf[4]){column[0][i], column[1][i], column[2][i], column[3][i]}, t, 1);
                for (int j = 0; j < 4; j++) w_store_row(v + (4 * i + j) * place + (k - r->from) * c->pitch + ch / PAIR, t[j]);
            }
        }
    }
}

/* ---- result ---------------------------------------------------------------------------------------------------------- */
static void put_pixel(const wino *c, int64_t frame, int64_t h, int64_t w, int64_t col, vf a) {
    if (h >= c->res[1] || w >= c->res[2]) return;
    const int64_t at = ((frame * c->res[1] + h) * c->res[2] + w) * c->to + col, n = c->to - col;
    if (n >= VW) put(c->y, at, a);
    else
        for (int64_t k = 0; k < n; k++) put_one(c->y, at + k, a[k]);
}
/* A' M A of a run of tiles: m: of its first tile, `place` floats from one place to the next. */
static void result_run(const wino *c, const run *r, int64_t frame, const float *m, int64_t place, int64_t col, int64_t width) {
    for (int64_t k = r->from; k < r->to; k++, m += width)
        for (int64_t v = 0; v < width && col + v < c->to; v += VW) {
            vf t[2][4];
            for (int j = 0; j < 4; j++) {
                const float *p = m + j * place + v;
                const vf m1 = v_load(p + 4 * place), m2 = v_load(p + 8 * place);
                t[0][j] = v_load(p) + m1 + m2;
                t[1][j] = m1 - m2 - v_load(p + 12 * place);
            }
            const vf bias = !c->bias ? v_set(0) : c->to - col - v < VW ? v_load_n(c->bias + col + v, c->to - col - v)
                                                                       : v_load(c->bias + col + v);
            for (int i = 0; i < 2; i++) {
                put_pixel(c, frame, 2 * r->line + i, 2 * k, col + v, t[i][0] + t[i][1] + t[i][2] + bias);
                put_pixel(c, frame, 2 * r->line + i, 2 * k + 1, col + v, t[i][1] - t[i][2] - t[i][3] + bias);
            }
        }
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------- */
static run next_run(const wino *c, int64_t sample, int64_t tile, int64_t end) {
    const int64_t per = c->down * c->across, in = tile % per;
    run r = {.b = sample + tile / per, .line = in / c->across, .from = in % c->across};
    r.to = r.from + end - tile < c->across ? r.from + end - tile : c->across;
    return r;
}
/* Result frames [*from, *to) that tap of time k has a source frame for. */
static void frames_of_tap(const wino *c, int64_t k, int64_t *from, int64_t *to) {
    k_inside(c->src[0], 1, k - c->before[0], 0, c->F, from, to);
}
static int64_t v_place(const wino *c) { return (c->F + c->kt - 1) * c->each * c->pitch; }

/* Rows of V are (frame + before, tile): a tap of time is a shift by whole frames. */
static void make_v(const wino *c, int64_t sample, int64_t tile0, int64_t tile1, word *v) {
    for (int64_t j = 0; j < c->F + c->kt - 1; j++) {
        const int64_t f = j - c->before[0];
        if (f < 0 || f >= c->src[0]) continue;
        for (int64_t tile = tile0; tile < tile1;) {
            const run r = next_run(c, sample, tile, tile1);
            source_run(c, &r, r.b * c->src[0] + f, v + (j * c->each + tile - tile0) * c->pitch, v_place(c));
            tile += r.to - r.from;
        }
    }
}
static void multiply(const wino *c, int64_t col, int64_t rows, const word *v, const word *u, float *m) {
    const int64_t width = strip_width(c, col), place = c->F * c->each * width;
    for (int64_t j = 0; j < PLACES; j++) {
        mm k = {.c = m + j * place, .ldc = width, .ra = c->pitch, .ka = 1, .ldb = width, .sum = c->words, .width = width};
        if (c->kt > 1 || c->F > 1) memset(k.c, 0, (size_t)place * sizeof *m);
        for (int64_t tap = 0; tap < c->kt; tap++) {
            int64_t f0, f1;
            frames_of_tap(c, tap, &f0, &f1);
            if (f0 >= f1) continue;
            k.add = c->kt > 1 || c->F > 1;
            k.a = v + j * v_place(c) + (f0 + tap) * c->each * c->pitch;
            k.c = m + j * place + f0 * c->each * width;
            k.b = u + u_at(c, col, j, tap);
            k.rows = c->F > 1 ? (f1 - f0) * c->each : rows;
            mm_run(k);
        }
    }
}
static void block(const wino *c, int64_t unit, const word *u, word *v, float *m) {
    const int64_t sample = unit / c->units, tile0 = unit % c->units * c->each;
    const int64_t tile1 = tile0 + c->each < c->tiles ? tile0 + c->each : c->tiles;
    make_v(c, sample, tile0, tile1, v);
    for (int64_t col = 0; col < c->width; col += STRIP) {
        const int64_t width = strip_width(c, col), place = c->F * c->each * width;
        multiply(c, col, tile1 - tile0, v, u, m);
        for (int64_t f = 0; f < c->F; f++)
            for (int64_t tile = tile0; tile < tile1;) {
                const run r = next_run(c, sample, tile, tile1);
                result_run(c, &r, r.b * c->res[0] + f, m + (f * c->each + tile - tile0) * width, place, col, width);
                tile += r.to - r.from;
            }
    }
}

/* ---- running --------------------------------------------------------------------------------------------------------- */
/* Of each slot: V (also the room in which weights are turned), then M. */
static int64_t v_size(const wino *c) {
    const int64_t v = PLACES * v_place(c), room = PLACES * STRIP * VW / PAIR;
    return ((v > room ? v : room) + 15) / 16 * 16;
}
static int64_t m_size(const wino *c) { return PLACES * c->F * c->each * (c->width < STRIP ? c->width : STRIP); }
static int64_t desk_size(const wino *c) { return v_size(c) + m_size(c); }

static zt_err wino_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const wino c = wino_of(n);
    *scratch = (size_t)(weights_size(&c) + zt_cpu_slots() * desk_size(&c)) * sizeof(word);
    return ZT_OK;
}
static void wino_run(const zt_node *n, const zt_exec *e) {
    const wino c = wino_of(n);
    const int slots = zt_cpu_slots();
    const int64_t parts = weight_parts(&c) * c.kt * ((c.width + STRIP - 1) / STRIP);
    word *u = e->scratch, *desks = u + weights_size(&c);
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            k_piece(parts, 1, slots, s, &from, &to);
            for (int64_t k = from; k < to; k++) weights(&c, k, u, desks + s * desk_size(&c));
        }
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            int64_t from, to;
            word *v = desks + s * desk_size(&c);
            if (c.F > 1 || c.kt > 1) memset(v, 0, (size_t)v_size(&c) * sizeof *v);  /* rows behind the last tiles are multiplied */
            k_piece(c.B * c.units, 1, slots, s, &from, &to);
            for (int64_t k = from; k < to; k++) block(&c, k, u, v, (float *)(v + v_size(&c)));
        }
    }
}

#if defined(ZT_LEVEL_bf16)
static bool takes(const zt_node *n) { return n->multiply == ZT_BF16 && serves(n); }
static bool writes_half(const zt_node *n) { (void)n; return true; }
static zt_reads reads(const zt_node *n, int k) {
    (void)n;
    return k == 0 ? ZT_READS_ROUNDED : ZT_READS_F32;
}
#define TAKES       takes
#define READS       reads
#define WRITES_HALF writes_half
#else
#define TAKES       serves
#define READS       NULL
#define WRITES_HALF NULL
#endif
enum { LEAST = 32 };                                   /* channels from which the products outweigh the turning */
static bool suits(const zt_node *n) {
    return zt_last(&n->in[0]->sh) >= LEAST && zt_last(&n->sh) >= LEAST;
}
#define ENTRY(o) \
    {.op = ZT_OP_##o, .ok = TAKES, .suits = suits, \
     .kernel = {.name = K_NAME("winograd"), .run = wino_run, .prepare = wino_prepare, .writes_half = WRITES_HALF, .reads = READS}}
const zt_cpu_entry K(zt_k_winograd)[] = {ENTRY(conv), ENTRY(conv_dx), {.op = -1}};
