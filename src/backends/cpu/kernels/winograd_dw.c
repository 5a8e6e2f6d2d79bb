/* winograd_dw.c - gradient of convolution weights by minimal filtering (winograd.h), transposed:
 *
 *   N = A dy A'       of the pixels of dy of each tile
 *   U = sum V N       over tiles, for each of the places: a matrix product [from, tiles] x [tiles, to]
 *   dw = G' U G
 * A block of tiles has V and N in rows of channels; of one place at a time both are laid out in strips, pairs of tiles in a word
 * (word.h). Small U: each slot sums its share of the tiles into one of its own, which are then added in order. Large U: slots
 * share out the channels of x. V and N are rounded at level bf16; U is f32. */
#include "backends/cpu/kernels/winograd.h"

/* Channels of x of a product at a time; tiles of a block; floats of U up to which each slot has its own, and that a slot sums at
 * a time. */
enum { ROWS = 48, TILES = STRIDE == 2 ? 768 : 256, OWN = 1 << 19, MOST = 1 << 21 };

typedef struct job {
    wino g;                                            /* each: a whole number of words */
    bool own;
    int64_t n_pitch;                                   /* words of a tile of N */
    stored dy;
} job;

static job job_of(const zt_node *n) {
    job b = {.g = wino_between(n->in[0], &n->in[1]->sh, n->sh.d[0], n->at.i + ZT_CONV_BEFORE, false), .dy = stored_of(n->in[1])};
    wino *c = &b.g;
    b.own = PLACES * wino_taps(c) * c->from * c->width <= OWN;
    wino_cut(c, TILES / c->F, b.own, PAIR);
    b.n_pitch = c->width / PAIR;
    return b;
}
static int64_t u_size(const job *b) { return PLACES * wino_taps(&b->g) * b->g.from * b->g.width; }
static int64_t rows_v(const wino *c) { return v_frames(c) * c->each; }
static int64_t rows_n(const wino *c) { return c->F * c->each; }
static int64_t n_place(const job *b) { return rows_n(&b->g) * b->n_pitch + APART; }
static int64_t n_size(const job *b) { return PLACES * n_place(b); }

/* ---- N ---------------------------------------------------------------------------------------------------------------- */
INLINE vf dy_pixel(const job *b, int64_t frame, int64_t h, int64_t w, int64_t col) {
    const wino *c = &b->g;
    if (h >= c->res[1] || w >= c->res[2]) return v_set(0);
    const int64_t at = ((frame * c->res[1] + h) * c->res[2] + w) * c->to + col, n = c->to - col;
    const vf a = n < VW ? get_n(b->dy, at, n) : get(b->dy, at);
#if defined(ZT_LEVEL_bf16)
    if (!b->dy.half) return (vf)((vi)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)a)) << 16);
#endif
    return a;
}
/* EDGE values of two. */
INLINE void spread(vf a, vf b, vf to[EDGE]) {
    to[0] = a;
#if defined(STRIDED)
    to[1] = a + b * 1.5f;
    to[2] = a - b * 1.5f;
#else
    to[1] = a + b;
    to[2] = a - b;
    to[3] = -b;
#endif
}
static void n_run(const job *b, const run *r, int64_t frame, word *to) {
    const int64_t place = n_place(b);
    for (int64_t k = r->from; k < r->to; k++, to += b->n_pitch)
        for (int64_t col = 0; col < b->g.to; col += VW) {
            vf t[2][EDGE], n[EDGE];
            for (int j = 0; j < 2; j++) {
                t[j][0] = dy_pixel(b, frame, TALL * r->line, 2 * k + j, col);
                if (TALL == 2) spread(t[j][0], dy_pixel(b, frame, 2 * r->line + 1, 2 * k + j, col), t[j]);
            }
            for (int i = 0; i < LINES; i++) {
                spread(t[0][i], t[1][i], n);
                for (int j = 0; j < EDGE; j++) w_store_row(to + (EDGE * i + j) * place + col / PAIR, n[j]);
            }
        }
}
/* Rows are (frame, tile); those behind the last tile are zeros. */
static void make_n(const job *b, const part *p, int64_t image, word *to) {
    const wino *c = &b->g;
    if (p->tile1 - p->tile0 < c->each) memset(to, 0, (size_t)n_size(b) * sizeof *to);
    for (int64_t f = 0; f < p->frames; f++)
        for (int64_t tile = p->tile0; tile < p->tile1;) {
            const run r = next_run(c, image, tile, p->tile1);
            n_run(b, &r, r.b * c->res[0] + p->first + f, to + (f * c->each + tile - p->tile0) * b->n_pitch);
            tile += r.to - r.from;
        }
}

/* ---- products --------------------------------------------------------------------------------------------------------- */
/* Strips of `step` columns (the last may be narrower), in each [pairs of rows][columns]. */
static void lay_out(word *to, const word *from, int64_t rows, int64_t pitch, int64_t step) {
    const int64_t width = pitch * PAIR;
    for (int64_t col = 0; col < width; col += step) {
        const int64_t n = width - col < step ? width - col : step;
        const stored s = {(void *)(uintptr_t)from, PAIR == 2};
        w_pairs(to + col * rows / PAIR, s, col, width, rows, n, n);
    }
}
/* U += V N of one place; add: there is a sum already. */
static void multiply(const wino *c, const part *p, const word *v, const word *n, bool add, float *u) {
    for (int64_t r = 0; r < c->from; r += ROWS) {
        const int64_t rows = c->from - r < ROWS ? c->from - r : ROWS;
        const int64_t wide = c->pitch * PAIR - r < ROWS ? c->pitch * PAIR - r : ROWS;
        for (int64_t tap = 0; tap < c->kt; tap++) {
            float *to = u + (tap * c->from + r) * c->width;
            int64_t f0, f1;
            frames_of_tap(c, p, tap, &f0, &f1);
            if (f0 >= f1 && !add) memset(to, 0, (size_t)(rows * c->width) * sizeof *to);
            for (int64_t col = 0; col < c->width && f0 < f1; col += STRIP) {
                const int64_t width = wino_strip(c, col);
                mm_run((mm){.c = to + col, .ldc = c->width, .ra = 1, .ka = wide,
                            .a = v + r * rows_v(c) / PAIR + seen(c, p, f0, tap) / PAIR * wide, .ldb = width,
                            .b = n + col * rows_n(c) / PAIR + f0 * c->each / PAIR * width, .sum = (f1 - f0) * c->each / PAIR,
                            .rows = rows, .width = width, .add = add});
            }
        }
    }
}
/* The sums of one place over result image f: of every tap of time that sees a source image. */
static void sum_place(const job *b, const part *p, int64_t f, const word *v, const word *n, word *room, bool add, float *u) {
    const wino *c = &b->g;
    const int64_t size = c->kt * c->from * c->width;
    word *lv = room, *ln = lv + v_place(c);
    lay_out(ln, n, rows_n(c), b->n_pitch, STRIP);
    for (int64_t k = 0; k < c->clip.taps; k++, u += size) {
        const int64_t at = in_ring(c, f, k);
        if (at < 0) {
            if (!add) memset(u, 0, (size_t)size * sizeof *u);
            continue;
        }
        lay_out(lv, v + at * v_image(c), rows_v(c), c->pitch, ROWS);
        multiply(c, p, lv, ln, add, u);
    }
}
/* Blocks [from, to) into U [place][tap][from][width]. */
static void blocks(const job *b, int64_t from, int64_t to, word *desk, float *u) {
    const wino *c = &b->g;
    word *v = desk, *n = v + v_ring(c), *room = n + n_size(b);
    if (from == to) memset(u, 0, (size_t)u_size(b) * sizeof *u);
    memset(v, 0, (size_t)v_ring(c) * sizeof *v);       /* rows behind the last tiles are multiplied (by zeros) */
    for (int64_t k = from; k < to; k++) {
        const part p = part_of(c, k);
        for (int64_t f = 0; f < c->clip.res; f++) {
            next_v(c, &p, f, v);
            make_n(b, &p, p.clip * c->clip.res + f, n);
            for (int64_t j = 0; j < PLACES; j++)
                sum_place(b, &p, f, v + j * v_place(c), n + j * n_place(b), room, k > from || f > 0,
                          u + j * wino_taps(c) * c->from * c->width);
        }
    }
}

/* ---- result ----------------------------------------------------------------------------------------------------------- */
INLINE void gather(const vf u[EDGE], vf to[SPAN]) {
#if defined(STRIDED)
    to[0] = u[0] + (u[1] + u[2]) * (1.0f / 3);
    to[1] = (u[1] - u[2]) * 0.5f;
#else
    const vf sum = (u[1] + u[2]) * 0.5f;
    to[0] = u[0] + sum;
    to[1] = (u[1] - u[2]) * 0.5f;
    to[2] = sum + u[3];
#endif
}
/* G' U G of n channels of a row of U; its places are `place` floats apart, what further slots add u_size. */
INLINE void result(const job *b, const float *u, int64_t place, int quarter, float *dw, int64_t n) {
    const int64_t step = b->g.pixel * b->g.to;
    const int more = b->own ? zt_cpu_slots() : 1;
    vf t[LINES][SPAN];
    for (int i = 0; i < LINES; i++) {
        vf a[EDGE];
        for (int j = 0; j < EDGE; j++, u += place) {
            a[j] = v_load(u);
            for (int s = 1; s < more; s++) a[j] += v_load(u + s * u_size(b));
        }
        gather(a, t[i]);
    }
    for (int j = 0; j < SPAN; j++) {
#if defined(ALONG_LINES)
        const vf g[1] = {t[0][j]};
#else
        vf a[LINES], g[SPAN];
        for (int i = 0; i < LINES; i++) a[i] = t[i][j];
        gather(a, g);
#endif
        for (int i = 0; i < TAPS / SPAN; i++) {
            float *to = dw + tap_of(SPAN * i + j, quarter, false) * step;
            if (n < VW) v_store_n(to, g[i], n);
            else v_store(to, g[i]);
        }
    }
}
/* Row r of those of channels [first, first + rows / taps) of x. */
static void result_row(const job *b, const float *u, int64_t first, int64_t rows, int64_t r, float *dw) {
    const wino *c = &b->g;
    const int64_t per = rows / wino_taps(c), tap = r / per, at = first + r % per, ch = at % c->deep;
    if (ch >= c->pixel) return;
    dw += (tap * AREA * c->pixel + ch) * c->to;
    for (int64_t col = 0; col < c->to; col += VW)
        result(b, u + r * c->width + col, rows * c->width, (int)(at / c->deep), dw + col, c->to - col);
}

/* ---- running ---------------------------------------------------------------------------------------------------------- */
/* Channels of x that are summed at a time if slots share them out: as many as a slot has, but not of more U than MOST. */
static int64_t piece(const job *b) {
    const int64_t per = PLACES * wino_taps(&b->g) * b->g.width, share = (b->g.from + zt_cpu_slots() - 1) / zt_cpu_slots();
    const int64_t fit = MOST / per < ROWS ? ROWS : MOST / per, most = share < fit ? share : fit;
    return (most + ROWS - 1) / ROWS * ROWS;
}
/* What a slot works with: V, N, and one place of each laid out. */
static int64_t desk_size(const job *b) {
    wino c = b->g;
    if (!b->own) c.pitch = piece(b) / PAIR;
    return (v_ring(&c) + n_size(b) + v_place(&c) + n_place(b) + 15) / 16 * 16;
}
/* Floats of U that a slot sums. */
static int64_t slot_size(const job *b) { return b->own ? u_size(b) : u_size(b) / b->g.from * piece(b); }
static zt_err dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const job b = job_of(n);
    *scratch = (size_t)(zt_cpu_slots() * (slot_size(&b) + desk_size(&b))) * sizeof(float);
    return ZT_OK;
}
/* Slot s: its share of the blocks. */
static void own_run(const job *b, int s, word *desk, float *u) {
    int64_t from, to;
    k_piece(wino_blocks(&b->g), 1, zt_cpu_slots(), s, &from, &to);
    blocks(b, from, to, desk, u);
}
/* Channels [first, end) of x. */
static void piece_run(job b, int64_t first, int64_t end, word *desk, float *u, float *dw) {
    b.g.first = first;
    b.g.from = end - first;
    b.g.pitch = wino_padded(b.g.from) / PAIR;
    blocks(&b, 0, wino_blocks(&b.g), desk, u);
    const int64_t rows = wino_taps(&b.g) * b.g.from;
    for (int64_t r = 0; r < rows; r++) result_row(&b, u, first, rows, r, dw);
}
static void dw_run(const zt_node *n, const zt_exec *e) {
    const job b = job_of(n);
    const int slots = zt_cpu_slots();
    float *sums = e->scratch;
    word *desks = (word *)(sums + slots * slot_size(&b));
    const int64_t rows = wino_taps(&b.g) * b.g.from;
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) {
            word *desk = desks + s * desk_size(&b);
            float *u = sums + s * slot_size(&b);
            if (b.own) own_run(&b, s, desk, u);
            int64_t from, to;
            k_piece(b.own ? 0 : b.g.from, VW, slots, s, &from, &to);
            for (int64_t at = from; at < to; at += piece(&b))
                piece_run(b, at, at + piece(&b) < to ? at + piece(&b) : to, desk, u, n->x);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < (b.own ? rows : 0); r++) result_row(&b, sums, 0, rows, r, n->x);
    }
}

static bool serves(const zt_node *n) { return wino_serves(n, n->at.i + ZT_CONV_SIZE); }
#if defined(ZT_LEVEL_bf16)
static bool takes(const zt_node *n) { return n->multiply == ZT_BF16 && serves(n); }
static zt_reads reads(const zt_node *n, int k) {
    (void)n, (void)k;
    return ZT_READS_ROUNDED;
}
#define TAKES takes
#define READS reads
#else
#define TAKES serves
#define READS NULL
#endif
enum { LEAST = 32 };                                   /* channels from which fewer products outweigh the turning */
static bool suits(const zt_node *n) {
    return wino_suits(n, n->sh.d[0]) && zt_last(&n->in[0]->sh) >= LEAST && zt_last(&n->in[1]->sh) >= LEAST;
}
#if defined(STRIDED)
#define TABLE K(zt_k_winograd_strided_dw)
#define NAME  K_NAME("winograd_strided")
#else
#define TABLE K(zt_k_winograd_dw)
#define NAME  K_NAME("winograd")
#endif
const zt_cpu_entry TABLE[] = {
    {.op = ZT_OP_conv_dw, .ok = TAKES, .suits = suits,
     .kernel = {.name = NAME, .run = dw_run, .prepare = dw_prepare, .reads = READS}}, {.op = -1}};
