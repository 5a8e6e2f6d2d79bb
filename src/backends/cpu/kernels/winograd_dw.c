/* winograd_dw.c - gradient of convolution weights by minimal filtering (winograd.h), transposed:
 *
 *   N = A dy A'       of the pixels of dy of each tile
 *   U = sum V N       over tiles, for each of the places: a matrix product [from, tiles] x [tiles, to]
 *   dw = G' U G
 * A block of tiles has V and N in rows of channels; of one place at a time both are laid out in strips, pairs of tiles in a word
 * (word.h). Small U: each slot sums its share of the tiles into one of its own, which are then added in order. Large U: slots
 * share out the channels of x. V and N are rounded at level bf16; U is f32. */
#include "backends/cpu/kernels/winograd.h"

/* Channels of x of a product at a time; tiles of a block; floats of U up to which each slot has its own. */
enum { ROWS = 48, TILES = 256, OWN = 1 << 19 };

typedef struct job {
    wino g;                                            /* each: a whole number of words */
    bool own;
    int64_t n_pitch;                                   /* words of a tile of N */
    stored dy;
} job;

static job job_of(const zt_node *n) {
    job b = {.g = wino_between(n->in[0], &n->in[1]->sh, n->sh.d[0], n->at.i + ZT_CONV_BEFORE), .dy = stored_of(n->in[1])};
    wino *c = &b.g;
    b.own = PLACES * wino_taps(c) * c->from * c->width <= OWN;
    wino_cut(c, TILES / c->F, b.own, PAIR);
    b.n_pitch = c->width / PAIR;
    return b;
}
static int64_t u_size(const job *b) { return PLACES * wino_taps(&b->g) * b->g.from * b->g.width; }
static int64_t rows_v(const wino *c) { return (c->F + c->kt - 1) * c->each; }
static int64_t rows_n(const wino *c) { return c->F * c->each; }

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
/* Four values of two. */
INLINE void spread(vf a, vf b, vf to[4]) {
    to[0] = a;
    to[1] = a + b;
    to[2] = a - b;
    to[3] = -b;
}
static void n_run(const job *b, const run *r, int64_t frame, word *to) {
    const int64_t place = rows_n(&b->g) * b->n_pitch;
    for (int64_t k = r->from; k < r->to; k++, to += b->n_pitch)
        for (int64_t col = 0; col < b->g.to; col += VW) {
            vf t[2][4], n[4];
            for (int j = 0; j < 2; j++) {
                t[j][0] = dy_pixel(b, frame, TALL * r->line, 2 * k + j, col);
                if (TALL == 2) spread(t[j][0], dy_pixel(b, frame, 2 * r->line + 1, 2 * k + j, col), t[j]);
            }
            for (int i = 0; i < PLACES / 4; i++) {
                spread(t[0][i], t[1][i], n);
                for (int j = 0; j < 4; j++) w_store_row(to + (4 * i + j) * place + col / PAIR, n[j]);
            }
        }
}
/* Rows are (frame, tile); those behind the last tile are zeros. */
static void make_n(const job *b, const part *p, int64_t image, word *to) {
    const wino *c = &b->g;
    if (p->tile1 - p->tile0 < c->each) memset(to, 0, (size_t)(PLACES * rows_n(c) * b->n_pitch) * sizeof *to);
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
/* U += V N of one place. */
static void multiply(const wino *c, const part *p, const word *v, const word *n, float *u) {
    for (int64_t r = 0; r < c->from; r += ROWS) {
        const int64_t wide = c->pitch * PAIR - r < ROWS ? c->pitch * PAIR - r : ROWS;
        for (int64_t tap = 0; tap < c->kt; tap++) {
            int64_t f0, f1;
            frames_of_tap(c, p, tap, &f0, &f1);
            for (int64_t col = 0; col < c->width && f0 < f1; col += STRIP) {
                const int64_t width = wino_strip(c, col);
                mm_run((mm){.c = u + (tap * c->from + r) * c->width + col, .ldc = c->width, .ra = 1, .ka = wide,
                            .a = v + r * rows_v(c) / PAIR + (f0 + tap) * c->each / PAIR * wide, .ldb = width,
                            .b = n + col * rows_n(c) / PAIR + f0 * c->each / PAIR * width, .sum = (f1 - f0) * c->each / PAIR,
                            .rows = c->from - r < ROWS ? c->from - r : ROWS, .width = width, .add = true});
            }
        }
    }
}

/* What a slot works with: V, N, and one place of each laid out. */
static int64_t n_size(const job *b) { return PLACES * rows_n(&b->g) * b->n_pitch; }
static int64_t desk_size(const job *b) {
    const int64_t laid = v_place(&b->g) + rows_n(&b->g) * b->n_pitch;
    return (v_ring(&b->g) + n_size(b) + laid + 15) / 16 * 16;
}
/* The sums of one place over result image f: of every tap of time that sees a source image. */
static void sum_place(const job *b, const part *p, int64_t f, const word *v, const word *n, word *room, float *u) {
    const wino *c = &b->g;
    word *lv = room, *ln = lv + v_place(c);
    lay_out(ln, n, rows_n(c), b->n_pitch, STRIP);
    for (int64_t k = 0; k < c->clip.taps; k++, u += c->kt * c->from * c->width) {
        const int64_t at = in_ring(c, f, k);
        if (at < 0) continue;
        lay_out(lv, v + at * v_image(c), rows_v(c), c->pitch, ROWS);
        multiply(c, p, lv, ln, u);
    }
}
/* Blocks [from, to) into U [place][tap][from][width]. */
static void blocks(const job *b, int64_t from, int64_t to, word *desk, float *u) {
    const wino *c = &b->g;
    word *v = desk, *n = v + v_ring(c), *room = n + n_size(b);
    memset(v, 0, (size_t)v_ring(c) * sizeof *v);       /* rows behind the last tiles are multiplied (by zeros) */
    for (int64_t k = from; k < to; k++) {
        const part p = part_of(c, k);
        for (int64_t f = 0; f < c->clip.res; f++) {
            next_v(c, &p, f, v);
            make_n(b, &p, p.clip * c->clip.res + f, n);
            for (int64_t j = 0; j < PLACES; j++)
                sum_place(b, &p, f, v + j * v_place(c), n + j * rows_n(c) * b->n_pitch, room,
                          u + j * wino_taps(c) * c->from * c->width);
        }
    }
}

/* ---- result ----------------------------------------------------------------------------------------------------------- */
/* Channels [*first, *end) of x that slot s sums, and the floats of U before them. */
static int64_t piece(const job *b, int s, int64_t *first, int64_t *end) {
    *first = 0;
    *end = b->g.from;
    if (b->own) return s * u_size(b);
    k_piece(b->g.from, ROWS, zt_cpu_slots(), s, first, end);
    return PLACES * wino_taps(&b->g) * *first * b->g.width;
}
INLINE void gather(const vf u[4], vf to[3]) {
    const vf sum = (u[1] + u[2]) * 0.5f;
    to[0] = u[0] + sum;
    to[1] = (u[1] - u[2]) * 0.5f;
    to[2] = sum + u[3];
}
/* G' U G of n channels of a row of U; its places are `place` floats apart, what further slots add u_size. */
INLINE void result(const job *b, const float *u, int64_t place, float *dw, int64_t n) {
    const int64_t step = b->g.from * b->g.to;
    const int more = b->own ? zt_cpu_slots() : 1;
    vf t[PLACES / 4][3];
    for (int i = 0; i < PLACES / 4; i++) {
        vf a[4];
        for (int j = 0; j < 4; j++, u += place) {
            a[j] = v_load(u);
            for (int s = 1; s < more; s++) a[j] += v_load(u + s * u_size(b));
        }
        gather(a, t[i]);
    }
    for (int j = 0; j < 3; j++) {
#if defined(ALONG_LINES)
        const vf g[1] = {t[0][j]};
#else
        vf g[3];
        gather((const vf[4]){t[0][j], t[1][j], t[2][j], t[3][j]}, g);
#endif
        for (int i = 0; i < TAPS / 3; i++) {
            float *to = dw + (3 * i + j) * step;
            if (n < VW) v_store_n(to, g[i], n);
            else v_store(to, g[i]);
        }
    }
}
static void results(const job *b, int s, const float *sums, float *dw) {
    const wino *c = &b->g;
    int64_t first, end;
    const float *u = sums + piece(b, s, &first, &end);
    const int64_t rows = wino_taps(c) * (end - first);
#pragma omp for schedule(static) nowait
    for (int64_t r = 0; r < rows; r++) {
        const int64_t tap = r / (end - first), ch = first + r % (end - first);
        for (int64_t col = 0; col < c->to; col += VW)
            result(b, u + r * c->width + col, rows * c->width, dw + (tap * TAPS * c->from + ch) * c->to + col, c->to - col);
    }
}

/* ---- running ---------------------------------------------------------------------------------------------------------- */
static int64_t all_sums(const job *b) { return (b->own ? zt_cpu_slots() : 1) * u_size(b); }
static zt_err dw_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const job b = job_of(n);
    *scratch = (size_t)(all_sums(&b) + zt_cpu_slots() * desk_size(&b)) * sizeof(float);
    return ZT_OK;
}
/* Slot s: its share of the blocks, or of the channels of x. */
static void slot_run(job b, int s, word *desk, float *sums) {
    int64_t first, end, from = 0, to = wino_blocks(&b.g);
    float *u = sums + piece(&b, s, &first, &end);
    if (first >= end) return;
    if (b.own) k_piece(to, 1, zt_cpu_slots(), s, &from, &to);
    b.g.first = first;
    b.g.from = end - first;
    b.g.pitch = wino_padded(b.g.from) / PAIR;
    memset(u, 0, (size_t)u_size(&b) * sizeof *u);
    blocks(&b, from, to, desk, u);
}
static void dw_run(const zt_node *n, const zt_exec *e) {
    const job b = job_of(n);
    const int slots = zt_cpu_slots();
    float *sums = e->scratch;
    word *desks = (word *)(sums + all_sums(&b));
#pragma omp parallel
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < slots; s++) slot_run(b, s, desks + s * desk_size(&b), sums);
        for (int s = 0; s < (b.own ? 1 : slots); s++) results(&b, s, sums, n->x);
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
const zt_cpu_entry K(zt_k_winograd_dw)[] = {
    {.op = ZT_OP_conv_dw, .ok = TAKES, .suits = suits,
     .kernel = {.name = K_NAME("winograd"), .run = dw_run, .prepare = dw_prepare, .reads = READS}}, {.op = -1}};
