/* winograd.c - conv and conv_dx by minimal filtering (winograd.h). U is what weights are packed to. The gradient by the input is
 * a conv of dy with taps reversed and channels swapped, of a strided one four (phases). A block of tiles has its V and M in the
 * second cache. U is rounded too at level bf16; M, and all sums, are f32. */
#include "backends/cpu/kernels/winograd.h"

/* Bytes of V and M that a block may have; rows of a product that it should have even so, since it reads all of U. */
enum { BLOCK = STRIDE == 2 ? 3 << 19 : 640 << 10, ENOUGH = 48 };

typedef struct job {
    wino g;
    const zt_node *node;
    bool dx;
    const float *w, *bias;
    stored y;
    zt_tile *then;                                     /* the activation that is applied to results, or NULL */
} job;

static job job_of(const zt_node *n) {
    const bool dx = n->op->id == ZT_OP_conv_dx;
    const int64_t *w = n->in[1]->sh.d, *before = n->at.i + ZT_CONV_BEFORE;
    const int64_t turned[3] = {w[0] - 1 - before[0], w[1] - 1 - before[1], w[2] - 1 - before[2]};
    job c = {.g = wino_between(n->in[0], &n->sh, w[0], dx ? turned : before, dx), .node = n, .dx = dx, .w = n->in[1]->x,
             .y = stored_of(n), .then = k_then(n)};
    if (!dx) c.bias = zt_in_x(n, 2);
    const wino *g = &c.g;
    const int64_t v = g->pitch * v_frames(g) * (int64_t)sizeof(word), m = g->F * STRIP * (int64_t)sizeof(float);
    const int64_t fit = BLOCK / (PLACES * (v * g->clip.taps + m)), enough = STRIDE == 2 ? (ENOUGH + g->F - 1) / g->F : 1;
    wino_cut(&c.g, fit > enough ? fit : enough, true, 1);
    return c;
}

/* ---- weights --------------------------------------------------------------------------------------------------------- */
/* Of each phase [strip][place][tap][words][columns of the strip] */
static int64_t weights_size(const wino *c) { return PLACES * wino_taps(c) * c->words * c->width; }
static int64_t u_at(const wino *c, int64_t col, int64_t place, int64_t tap) {
    return (PLACES * col * wino_taps(c) + (place * wino_taps(c) + tap) * wino_strip(c, col)) * c->words;
}

INLINE void filter_line(const vf *g, const int apart, vf *to, const int step) {
#if defined(STRIDED)
    const vf far = g[apart] * 0.5f, near = g[0] * (1.0f / 3);
    to[0] = g[0];
    to[step] = near + far;
    to[2 * step] = near - far;
#else
    const vf ends = (g[0] + g[2 * apart]) * 0.5f, mid = g[apart] * 0.5f;
    to[0] = g[0];
    to[step] = ends + mid;
    to[2 * step] = ends - mid;
    to[3 * step] = g[2 * apart];
#endif
}
/* G g G' of n channels of a quarter whose AREA taps start at w, `row` floats apart; reversed: the last tap first. */
INLINE void filter(const float *w, int64_t row, int quarter, int64_t n, bool reversed, vf u[PLACES]) {
    vf g[TAPS];
    for (int k = 0; k < TAPS; k++) {
        const float *at = w + tap_of(k, quarter, reversed) * row;
        g[k] = n < VW ? v_load_n(at, n) : v_load(at);
    }
#if defined(ALONG_LINES)
    filter_line(g, 1, u, 1);
#else
    vf t[EDGE * SPAN];
    for (int k = 0; k < SPAN; k++) filter_line(g + k, SPAN, t + k, SPAN);
    for (int k = 0; k < EDGE; k++) filter_line(t + SPAN * k, 1, u + EDGE * k, 1);
#endif
}
/* conv: w [kt][h][w][from][to]: neighbours in `to` are vectors as they lie. */
static void weights_plain(const job *b, int64_t tap, int64_t col, int64_t word_row, word *to) {
    const wino *c = &b->g;
    const int64_t width = wino_strip(c, col), row = c->pixel * c->to;
    for (int64_t k = 0; k < width; k += VW) {
        const int64_t left = c->to - col - k, n = left < VW ? left : VW;
        vf u[PAIR][PLACES];
        for (int p = 0; p < PAIR; p++) {
            const int64_t f = word_row * PAIR + p, quarter = f / c->deep, ch = f % c->deep;
            if (quarter < c->quarters && ch < c->pixel)
                filter(b->w + tap * AREA * row + ch * c->to + col + k, row, (int)quarter, n, false, u[p]);
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
/* conv_dx: w [kt][h][w][to][from]: rows of VW channels summed, transposed. */
static void weights_turned(const job *b, int64_t phase, int64_t tap, int64_t col, int64_t f, word *to, word *room) {
    enum { PART = VW / PAIR };
    const wino *c = &b->g;
    const int64_t width = wino_strip(c, col), row = c->from * c->to, n = c->from - f < VW ? c->from - f : VW;
    const int64_t rows = c->to - col < width ? c->to - col : width;
    vf u[PLACES];
    to += phase * weights_size(c);
    for (int64_t k = 0; k < width; k++) {
        if (k < rows) filter(b->w + (wino_taps(c) - 1 - tap) * AREA * row + (col + k) * c->from + f, row, (int)phase, n, true, u);
        else memset(u, 0, sizeof u);
        for (int j = 0; j < PLACES; j++) w_store_row(room + (j * STRIP + k) * PART, u[j]);
    }
    for (int j = 0; j < PLACES; j++)
        k_transpose((float *)(to + u_at(c, col, j, tap) + f / PAIR * width), width, (const float *)(room + j * STRIP * PART),
                    PART, width, w_words(n));
}
static int64_t weight_parts(const job *b) { return b->dx ? (b->g.from + VW - 1) / VW : b->g.words; }
static int64_t strips(const wino *c) { return (c->width + STRIP - 1) / STRIP; }
static void weights(const job *b, int64_t k, word *to, word *room) {
    const int64_t parts = weight_parts(b), at = k % parts, col = k / parts % strips(&b->g) * STRIP;
    const int64_t line = k / parts / strips(&b->g), tap = line % wino_taps(&b->g), phase = line / wino_taps(&b->g);
    if (b->dx) weights_turned(b, phase, tap, col, at * VW, to, room);
    else weights_plain(b, tap, col, at, to);
}

/* ---- result ---------------------------------------------------------------------------------------------------------- */
INLINE void put_pixel(const job *b, int64_t frame, int64_t h, int64_t w, int64_t col, vf a) {
    const wino *c = &b->g;
    h = c->step * h + c->origin[0];
    w = c->step * w + c->origin[1];
    if (h >= c->plane[0] || w >= c->plane[1]) return;
    if (b->then) {
        float room[VW];
        v_store(room, a);
        k_apply(b->then, b->node, room, VW);
        a = v_load(room);
    }
    const int64_t at = ((frame * c->plane[0] + h) * c->plane[1] + w) * c->to + col, n = c->to - col;
    if (n >= VW) put(b->y, at, a);
    else
        for (int64_t k = 0; k < n; k++) put_one(b->y, at + k, a[k]);
}
/* Two results of a line from its M. */
INLINE void results(const vf m[EDGE], vf to[2]) {
    to[0] = m[0] + m[1] + m[2];
#if defined(STRIDED)
    to[1] = (m[1] - m[2]) * 1.5f;
#else
    to[1] = m[1] - m[2] - m[3];
#endif
}
/* A' M A of a tile's vector of channels; its places are `place` floats apart. */
INLINE void result(const float *m, int64_t place, vf y[TALL][2]) {
    vf t[TALL][EDGE];
    for (int j = 0; j < EDGE; j++) {
#if defined(ALONG_LINES)
        t[0][j] = v_load(m + j * place);
#else
        vf a[EDGE], b[2];
        for (int i = 0; i < EDGE; i++) a[i] = v_load(m + (EDGE * i + j) * place);
        results(a, b);
        t[0][j] = b[0];
        t[1][j] = b[1];
#endif
    }
    for (int i = 0; i < TALL; i++) results(t[i], y[i]);
}
/* Results of a run of tiles; m: of its first tile. */
static void result_run(const job *b, const run *r, int64_t frame, const float *m, int64_t place, int64_t col, int64_t width) {
    const wino *c = &b->g;
    for (int64_t k = r->from; k < r->to; k++, m += width)
        for (int64_t v = 0; v < width && col + v < c->to; v += VW) {
            vf y[TALL][2], bias = v_set(0);
            if (b->bias) bias = c->to - col - v < VW ? v_load_n(b->bias + col + v, c->to - col - v) : v_load(b->bias + col + v);
            result(m + v, place, y);
            for (int i = 0; i < TALL; i++)
                for (int j = 0; j < 2; j++) put_pixel(b, frame, TALL * r->line + i, 2 * k + j, col + v, y[i][j] + bias);
        }
}

/* ---- blocks ---------------------------------------------------------------------------------------------------------- */
static int64_t m_place(const wino *c, int64_t width) { return c->F * c->each * width + APART; }
/* M of one place of frames [f, end), which have sources for the same taps, for result image i: all taps in one sum. */
static void multiply_frames(const wino *c, const part *p, int64_t i, int64_t f, int64_t end, const word *v, const word *u,
                            int64_t width, float *m) {
    const int64_t rows = end - f > 1 ? (end - f) * c->each : p->tile1 - p->tile0, tap = c->words * width;
    int64_t first, last;
    bool add = false;
    taps_of_frame(c, p, f, &first, &last);
    for (int64_t k = 0; k < c->clip.taps && first < last; k++) {
        const int64_t at = in_ring(c, i, k);
        if (at < 0) continue;
        mm_run_on((mm){.c = m, .ldc = width, .a = v + at * v_image(c) + seen(c, p, f, first) * c->pitch, .ra = c->pitch, .ka = 1,
                       .b = u + (k * c->kt + first) * tap, .ldb = width, .rows = rows, .sum = c->words, .width = width,
                       .add = add}, (mm_on){last - first - 1, c->each * c->pitch});
        add = true;
    }
    if (!add) memset(m, 0, (size_t)(rows * width) * sizeof *m);
}
/* M of a strip for result image i. */
static void multiply(const wino *c, const part *p, int64_t i, int64_t col, const word *v, const word *u, float *m) {
    const int64_t width = wino_strip(c, col), place = m_place(c, width);
    for (int64_t j = 0; j < PLACES; j++)
        for (int64_t f = 0, end; f < p->frames; f = end) {
            int64_t first, last, from, to;
            taps_of_frame(c, p, f, &first, &last);
            for (end = f + 1; end < p->frames; end++) {
                taps_of_frame(c, p, end, &from, &to);
                if (from != first || to != last) break;
            }
            multiply_frames(c, p, i, f, end, v + j * v_place(c), u + u_at(c, col, j, 0), width,
                            m + j * place + f * c->each * width);
        }
}
/* Results of a strip from its M. */
static void put_strip(const job *b, const part *p, int64_t image, int64_t col, const float *m) {
    const wino *c = &b->g;
    const int64_t width = wino_strip(c, col), place = m_place(c, width);
    for (int64_t f = 0; f < p->frames; f++)
        for (int64_t tile = p->tile0; tile < p->tile1;) {
            const run r = next_run(c, p->clip * c->clip.res + image, tile, p->tile1);
            result_run(b, &r, r.b * c->res[0] + p->first + f, m + (f * c->each + tile - p->tile0) * width, place, col, width);
            tile += r.to - r.from;
        }
}
static void block(job b, int64_t k, const word *u, word *v, float *m) {
    const wino *c = &b.g;
    const part p = part_of(c, k);
    if (c->phases > 1) b.g = wino_phase(b.g, p.phase, b.node->at.i + ZT_CONV_BEFORE + 1);
    u += p.phase * weights_size(c);
    for (int64_t image = 0; image < c->clip.res; image++) {
        next_v(c, &p, image, v);
        for (int64_t col = 0; col < c->width; col += STRIP) {
            multiply(c, &p, image, col, v, u, m);
            put_strip(&b, &p, image, col, m);
        }
    }
}

/* ---- running --------------------------------------------------------------------------------------------------------- */
/* Of each slot: V (also the room in which weights are turned), then M. */
static int64_t v_size(const wino *c) {
    const int64_t v = v_ring(c), room = PLACES * STRIP * VW / PAIR;
    return ((v > room ? v : room) + 15) / 16 * 16;
}
static int64_t desk_size(const wino *c) { return v_size(c) + PLACES * m_place(c, c->width < STRIP ? c->width : STRIP); }

static zt_err wino_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const job b = job_of(n);
    *scratch = (size_t)(zt_cpu_slots() * desk_size(&b.g)) * sizeof(word);
    return ZT_OK;
}
static size_t wino_packs(const zt_node *n, const void *prepared) {
    (void)prepared;
    const job b = job_of(n);
    return (size_t)(b.g.phases * weights_size(&b.g)) * sizeof(word);
}
static void wino_pack(const zt_node *n, const zt_exec *e) {
    const job b = job_of(n);
    const wino *c = &b.g;
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        int64_t from, to;
        k_piece(weight_parts(&b) * c->phases * wino_taps(c) * strips(c), 1, slots, s, &from, &to);
        for (int64_t k = from; k < to; k++) weights(&b, k, e->packed, (word *)e->scratch + s * desk_size(c));
    }
}
static void wino_run(const zt_node *n, const zt_exec *e) {
    const job b = job_of(n);
    const wino *c = &b.g;
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        int64_t from, to;
        word *v = (word *)e->scratch + s * desk_size(c);
        if (c->kt > 1 || c->F > 1) memset(v, 0, (size_t)v_size(c) * sizeof *v);   /* last tiles that are not there */
        k_piece(wino_blocks(c), 1, slots, s, &from, &to);
        for (int64_t k = from; k < to; k++) block(b, k, e->packed, v, (float *)(v + v_size(c)));
    }
}

static bool serves(const zt_node *n) { return wino_serves(n, n->in[1]->sh.d); }
#if defined(ZT_LEVEL_bf16)
static bool takes(const zt_node *n) { return n->multiply == ZT_BF16 && serves(n); }
static zt_reads reads(const zt_node *n, int k) {
    (void)n;
    return k == 0 ? ZT_READS_ROUNDED : ZT_READS_F32;
}
#define TAKES takes
#define READS reads
#else
#define TAKES serves
#define READS NULL
#endif
/* Channels from which fewer products outweigh the turning, which several taps of time share. */
static bool suits(const zt_node *n) {
    const int64_t kt = n->in[1]->sh.d[0], least = TALL == 1 && kt == 1 ? 64 : 32;
    return wino_suits(n, kt) && zt_last(&n->in[0]->sh) >= least && zt_last(&n->sh) >= least;
}
#if defined(STRIDED)
#define TABLE K(zt_k_winograd_strided)
#define NAME  K_NAME("winograd_strided")
#else
#define TABLE K(zt_k_winograd)
#define NAME  K_NAME("winograd")
#endif
#define ENTRY(o) \
    {.op = ZT_OP_##o, .ok = TAKES, .suits = suits, \
     .kernel = {.name = NAME, .run = wino_run, .prepare = wino_prepare, .writes_half = HALF_OK, .reads = READS, \
                .folds = k_folds_any, .packs = wino_packs, .pack = wino_pack}}
const zt_cpu_entry TABLE[] = {ENTRY(conv), ENTRY(conv_dx), {.op = -1}};
