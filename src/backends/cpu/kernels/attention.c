/* attention.c - attention in blocks of queries by 64 keys, forward and backward; the N x M scores are never stored
 * (Dao et al. 2022, arXiv:2205.14135). A unit is one (o, i, head): q [O,N,I,D], rows of a unit lie I*D floats apart.
 *
 * Scores are kept transposed, S'[key][query]: queries are vector lanes, so the softmax needs no sums across lanes, K rows are
 * broadcast and only Q (and dy in backward) is packed across. P' and dS' then feed every other product by broadcast in one of
 * its two orientations (tile.h). Scores are in units of log 2: exp2 throughout. Rows are copied together first, padded to whole
 * vectors. At level bf16 the same products run on words of two terms (word.h): what is summed over columns (K in S') is kept
 * as rows, what is summed over rows (K in dQ) as pairs; statistics, sums and results stay f32. Temporal attention beyond the
 * last cache is slow here (many short rows far apart): measured, neither the copies nor software prefetch of the next position
 * change that.
 *
 * Threads: forward splits (unit, query block) pairs; backward gives each thread whole units, and what is left over when they do
 * not divide evenly is split by queries, each thread with dK, dV of its own that are then added in order, as the gradients of the
 * bias are. */
#include "backends/cpu/kernels/tile.h"

/* Keys of a block; queries, in backward: on tiles more, for each block reads and writes its dK and dV. */
#if defined(ZT_LEVEL_amx)
enum { KEYS = 64, LANES = 128 };
#else
enum { KEYS = 64, LANES = 64 };
#endif
#define LOG2E 1.44269504088896f

typedef struct att {
    int64_t O, N, M, I, D, heads, hd, hp;   /* hp: head size rounded up to whole vectors */
    int64_t W, blocks, units, row;          /* lanes per query block, query blocks, O*I*heads, floats between rows */
    bool causal;
    stored q, k, v, y, dy, dq;              /* y: the result, also of forward */
    const float *bias, *lse_in;
    const int32_t *len, *segment;           /* segment: [groups][N] */
    int64_t groups;
    float *lse, *dk, *dv, *dbias;
} att;

static att att_of(const zt_node *n, bool grad) {
    zt_node *const *in = n->in + (grad ? 1 : 0);
    att a = {.O = in[0]->sh.d[0], .N = in[0]->sh.d[1], .M = in[1]->sh.d[1], .I = in[0]->sh.d[2], .D = in[0]->sh.d[3],
             .heads = n->at.i[ZT_ATT_HEADS], .q = stored_of(in[0]), .k = stored_of(in[1]), .v = stored_of(in[2])};
    a.hd = a.D / a.heads;
    a.hp = (a.hd + VW - 1) / VW * VW;
    a.W = a.N <= 16 ? 16 : a.N <= 32 ? 32 : a.N <= 64 || !grad ? 64 : LANES;
    a.blocks = (a.N + a.W - 1) / a.W;
    a.units = a.O * a.I * a.heads;
    a.row = a.I * a.D;
    a.causal = n->at.i[ZT_ATT_CAUSAL];
    int k = grad ? 6 : 3;
    if (n->at.i[ZT_ATT_BIAS]) a.bias = zt_in_x(n, k++);
    if (n->at.i[ZT_ATT_LEN]) a.len = zt_in_x(n, k++);
    a.groups = 1;
    if (n->at.i[ZT_ATT_SEGMENT]) {
        a.segment = zt_in_x(n, k);
        a.groups = n->in[k]->sh.d[0];
    }
    if (grad) {
        a.dy = stored_of(n->in[0]);
        a.y = stored_of(n->in[4]);
        a.lse_in = n->in[5]->x;
        a.dq = stored_of(n);
        a.dk = n->aux[0];
        a.dv = n->aux[1];
        a.dbias = n->at.i[ZT_ATT_BIAS] ? n->aux[2] : NULL;
    } else {
        a.y = stored_of(n);
        a.lse = n->aux[0];
    }
    return a;
}

/* Where a unit lies. */
typedef struct unit { int64_t q, k, lse, head, keys, segment; } unit;
static unit unit_of(const att *a, int64_t u) {
    const int64_t h = u % a->heads, i = u / a->heads % a->I, o = u / a->heads / a->I;
    int64_t keys = a->M;
    if (a->len) keys = a->len[o] < 1 ? 1 : a->len[o] < keys ? a->len[o] : keys;
    return (unit){.q = (o * a->N * a->I + i) * a->D + h * a->hd, .k = (o * a->M * a->I + i) * a->D + h * a->hd,
                  .lse = ((o * a->I + i) * a->heads + h) * a->N, .head = h, .keys = keys, .segment = o % a->groups * a->N};
}

/* Pieces of one slot's scratch. Words: K as rows, K as pairs, V (forward: pairs, backward: rows), Q and dy across (lanes of
 * queries) and as pairs, P' and dS' as rows, dS' (forward: P') as pairs. One form is the other when a word is one term. */
typedef struct room {
    word *k_rows, *k_pairs, *v, *q_lanes, *g_lanes, *q_pairs, *g_pairs, *p_rows, *ds_rows, *pairs;
    float *dk, *dv, *s, *ds, *o, *max, *sum, *tile;
} room;
static void *take(float *base, int64_t *at, int64_t n) {
    float *p = base ? base + *at : NULL;
    *at += (n + 15) / 16 * 16;
    return p;
}
/* Laid out from base (NULL: only measured); its floats in *size. */
static room room_of(const att *a, bool grad, float *base, int64_t *size) {
    const int64_t keys = (a->M + 1) / 2 * 2 * a->hp, block = a->W * a->hp, score = KEYS * a->W;
    room r = {0};
    int64_t at = 0;
    r.k_rows = take(base, &at, keys / PAIR);
    r.v = take(base, &at, keys / PAIR);
    r.q_lanes = take(base, &at, block / PAIR);
    r.o = take(base, &at, block);
    r.s = take(base, &at, score);
    r.tile = take(base, &at, score);
    r.max = take(base, &at, a->W);
    r.sum = take(base, &at, a->W);
    if (PAIR > 1) r.pairs = take(base, &at, score / PAIR);
    if (grad) {
        r.k_pairs = PAIR == 1 ? r.k_rows : take(base, &at, keys / PAIR);
        r.dk = take(base, &at, keys);
        r.dv = take(base, &at, keys);
        r.g_lanes = take(base, &at, block / PAIR);
        r.q_pairs = take(base, &at, block / PAIR);
        r.g_pairs = take(base, &at, block / PAIR);
        r.ds = take(base, &at, score);
        r.p_rows = PAIR == 1 ? (word *)r.s : take(base, &at, score / PAIR);
        r.ds_rows = PAIR == 1 ? (word *)r.ds : take(base, &at, score / PAIR);
    }
    if (PAIR == 1) r.pairs = grad ? (word *)r.ds : (word *)r.s;
    *size = at;
    return r;
}
static int64_t room_size(const att *a, bool grad) {
    int64_t size;
    room_of(a, grad, NULL, &size);
    return size;
}
static room room_in(const att *a, bool grad, float *scratch, int slot) {
    int64_t size;
    return room_of(a, grad, scratch + slot * room_size(a, grad), &size);
}

static void unpack_rows(const att *a, stored to, int64_t at, const float *from, int64_t rows) {
    for (int64_t r = 0; r < rows; r++, at += a->row, from += a->hp) narrow(to, at, from, a->hd);
}
static void pack_rows(const att *a, word *to, stored from, int64_t at, int64_t rows) {
    w_rows(to, from, at, a->row, rows, a->hd, a->hp, 1);
}
static void pack_pairs(const att *a, word *to, stored from, int64_t at, int64_t rows) {
    w_pairs(to, from, at, a->row, rows, a->hd, a->hp);
}
/* Rows of queries times `scale` to [hd/PAIR][W] lanes, by way of r->o; lanes without a query are zero. */
static void pack_lanes(const att *a, const room *r, word *to, stored from, int64_t at, int64_t queries, float scale) {
    const int64_t width = a->hp / PAIR, n = w_words(a->hd);
    w_rows((word *)r->o, from, at, a->row, queries, a->hd, a->hp, scale);
    if (queries < a->W) memset(to, 0, (size_t)(n * a->W) * sizeof *to);
    k_transpose((float *)to, a->W, r->o, width, queries, n);
}

#if defined(ZT_LEVEL_bf16)
INLINE vf exp2_low(vf x) {                             /* within 8e-5 of itself, a twentieth of bf16's rounding; x <= 126 */
    const vf n = v_round(x), r = x - n;
    vf p = r * 0.05517129f + 0.24261114f;
    p = p * r + 0.69326106f;
    p = p * r + 0.99992807f;
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
}
#else
INLINE vf exp2_low(vf x) {                             /* as v_exp2 for x that is not large */
    x = v_max(v_set(-126), x);
    const vf n = v_round(x), r = x - n;
    vf p = r * 1.535336188e-4f + 1.339887440e-3f;
    p = p * r + 9.618437357e-3f;
    p = p * r + 5.550332471e-2f;
    p = p * r + 2.402264791e-1f;
    p = p * r + 6.931472028e-1f;
    p = p * r + 1.0f;
    return p * (vf)((__builtin_convertvector(n, vi) + 127) << 23);
}
#endif

/* Keys that the last of `queries` from n0 on sees. */
static int64_t keys_of(const att *a, const unit *u, int64_t n0, int64_t queries) {
    const int64_t past = n0 + queries + a->M - a->N;
    return a->causal && past < u->keys ? past : u->keys;
}
/* What lies in the future of a lane's query is as good as absent. */
static void mask_future(const att *a, const room *r, int64_t n0, int64_t m0, int64_t keys) {
    for (int64_t m = 0; m < keys; m++) {
        const int64_t from = m0 + m - (a->M - a->N) - n0;             /* lanes before it may not look */
        for (int64_t n = 0; n < from && n < a->W; n++) r->s[m * a->W + n] = -1e30f;
    }
}

/* The same for what is of another segment. */
static void mask_others(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries, int64_t m0, int64_t keys) {
    const int32_t *segment = a->segment + u->segment;
    for (int64_t m = 0; m < keys; m++)
        for (int64_t n = 0; n < queries; n++)
            if (segment[n0 + n] != segment[m0 + m]) r->s[m * a->W + n] = -1e30f;
}

static void add_bias(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries, int64_t m0, int64_t keys) {
    if (queries < a->W) memset(r->tile, 0, (size_t)(keys * a->W) * sizeof *r->tile);
    k_transpose(r->tile, a->W, a->bias + (u->head * a->N + n0) * a->M + m0, a->M, queries, keys);
    for (int64_t i = 0; i < keys * a->W; i += VW) v_store(r->s + i, v_load(r->s + i) + v_load(r->tile + i) * LOG2E);
}
/* S'[m][n] for `keys` keys from m0: K Q' (already scaled), plus bias. */
static void scores(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries, int64_t m0, int64_t keys) {
    const int64_t row = a->hp / PAIR;
    mm_run((mm){r->s, a->W, r->k_rows + m0 * row, row, 1, r->q_lanes, a->W, keys, w_words(a->hd), a->W, false});
    if (a->bias) add_bias(a, r, u, n0, queries, m0, keys);
    if (a->causal && m0 + keys > n0 + a->M - a->N + 1) mask_future(a, r, n0, m0, keys);
    if (a->segment) mask_others(a, r, u, n0, queries, m0, keys);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */
/* P' of key k, and of the next one (both), at lanes v. */
INLINE void store_p(const att *a, const room *r, int64_t k, int64_t v, vf p, vf p1, const bool both) {
#if defined(ZT_LEVEL_bf16)
    w_store(r->pairs + k / 2 * a->W + v, w_zip(p, both ? p1 : v_set(0)));
#else
    v_store(r->s + k * a->W + v, p);
    if (both) v_store(r->s + (k + 1) * a->W + v, p1);
#endif
}
/* One online softmax step over a block: S' becomes P' = exp2(S' - max); o's rows are rescaled when the maximum grew. `whole`:
 * the only block, so P' is divided by the sum at once. */
static void softmax(const att *a, const room *r, int64_t keys, int64_t queries, bool first, bool whole) {
    bool grew = false;
    for (int64_t v = 0; v < a->W; v += VW) {
        const vf old = first ? v_set(-1e30f) : v_load(r->max + v);
        vf m0 = old, m1 = old;
        int64_t k = 0;
        for (; k + 2 <= keys; k += 2) {
            m0 = v_max(m0, v_load(r->s + k * a->W + v));
            m1 = v_max(m1, v_load(r->s + (k + 1) * a->W + v));
        }
        if (k < keys) m0 = v_max(m0, v_load(r->s + k * a->W + v));
        const vf max = v_max(m0, m1), shrink = first ? v_set(0) : exp2_low(old - max);
        vf sum = first ? v_set(0) : v_load(r->sum + v) * shrink, sum1 = v_set(0);
        for (k = 0; k + 2 <= keys; k += 2) {
            const vf p = exp2_low(v_load(r->s + k * a->W + v) - max), p1 = exp2_low(v_load(r->s + (k + 1) * a->W + v) - max);
            store_p(a, r, k, v, p, p1, true);
            sum += p;
            sum1 += p1;
        }
        if (k < keys) {
            const vf p = exp2_low(v_load(r->s + k * a->W + v) - max);
            store_p(a, r, k, v, p, p, false);
            sum += p;
        }
        sum += sum1;
        v_store(r->max + v, max);
        v_store(r->sum + v, sum);
        v_store(r->tile + v, shrink);
        if (whole) {
            const vf inv = 1.0f / sum;
            for (k = 0; k < keys; k++) v_store(r->s + k * a->W + v, v_load(r->s + k * a->W + v) * inv);
        }
        for (int l = 0; !first && l < VW; l++) grew |= shrink[l] != 1;
    }
    if (first || !grew) return;
    for (int64_t n = 0; n < queries; n++) {
        const vf f = v_set(r->tile[n]);
        for (int64_t c = 0; c < a->hp; c += VW) v_store(r->o + n * a->hp + c, v_load(r->o + n * a->hp + c) * f);
    }
}

static void forward_block(const att *a, const room *r, const unit *u, int64_t n0) {
    const int64_t queries = a->N - n0 < a->W ? a->N - n0 : a->W;
    const int64_t seen = keys_of(a, u, n0, queries);
    const bool whole = PAIR == 1 && seen <= KEYS, direct = whole && a->hp == a->hd;
    const int64_t at = u->q + n0 * a->row;
    float *y = (float *)a->y.x + at;                       /* where f32 results go directly */
    pack_lanes(a, r, r->q_lanes, a->q, at, queries, LOG2E / sqrtf((float)a->hd));
    for (int64_t m = 0; m < seen; m += KEYS) {
        const int64_t keys = seen - m < KEYS ? seen - m : KEYS;
        scores(a, r, u, n0, queries, m, keys);
        softmax(a, r, keys, queries, m == 0, whole);
        mm_run((mm){direct ? y : r->o, direct ? a->row : a->hp, r->pairs, 1, a->W, r->v + m / PAIR * a->hp, a->hp, queries,
                    w_words(keys), a->hp, m > 0});
    }
    for (int64_t n = 0; n < queries; n++) {
        a->lse[u->lse + n0 + n] = r->max[n] / LOG2E + logf(r->sum[n]);
        if (direct) continue;
        const vf inv = v_set(whole ? 1 : 1 / r->sum[n]);
        for (int64_t c = 0; c < a->hp; c += VW) v_store(r->o + n * a->hp + c, v_load(r->o + n * a->hp + c) * inv);
        narrow(a->y, at + n * a->row, r->o + n * a->hp, a->hd);
    }
}

static void att_forward(const zt_node *n, const zt_exec *e) {
    const att a = att_of(n, false);
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        const room r = room_in(&a, false, e->scratch, s);
        int64_t from, to, packed = -1;
        t_open();
        k_piece(a.units * a.blocks, 1, slots, s, &from, &to);
        for (int64_t t = from; t < to; t++) {
            const int64_t id = t / a.blocks;
            const unit u = unit_of(&a, id);
            if (packed != id) {
                pack_rows(&a, r.k_rows, a.k, u.k, u.keys);
                pack_pairs(&a, r.v, a.v, u.k, u.keys);
                packed = id;
            }
            forward_block(&a, &r, &u, t % a.blocks * a.W);
        }
        t_close();
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */
/* From S' and dP' (in ds), in all their forms: P' and dS' = P' (dP' - delta) scale. */
static void score_grads(const att *a, const room *r, int64_t keys, float scale) {
    for (int64_t v = 0; v < a->W; v += VW) {
        const vf lse = v_load(r->max + v), delta = v_load(r->sum + v);
        vf before = v_set(0);
        for (int64_t k = 0; k < keys; k++) {
            const int64_t at = k * a->W + v;
            const vf p = exp2_low(v_load(r->s + at) - lse), ds = p * (v_load(r->ds + at) - delta) * scale;
            w_store_row(r->p_rows + at / PAIR, p);
            w_store_row(r->ds_rows + at / PAIR, ds);
            if (a->dbias && PAIR > 1) v_store(r->ds + at, ds);
#if defined(ZT_LEVEL_bf16)
            if (k % 2) w_store(r->pairs + k / 2 * a->W + v, w_zip(before, ds));
            else if (k + 1 == keys) w_store(r->pairs + k / 2 * a->W + v, w_zip(ds, v_set(0)));
#endif
            before = ds;
        }
        (void)before;
    }
}
static void bias_grads(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries, int64_t m0, int64_t keys,
                       float unscale) {
    float *to = a->dbias + (u->head * a->N + n0) * a->M + m0;
    k_transpose(r->tile, KEYS, r->ds, a->W, keys, queries);
    for (int64_t n = 0; n < queries; n++)
        for (int64_t m = 0; m < keys; m++) to[n * a->M + m] += r->tile[n * KEYS + m] * unscale;
}

/* lse in units of log 2 to `max`, delta = dy.y to `sum` (from the dy that dP' is made of), of one block's lanes. */
static void block_stats(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries) {
    for (int64_t n = 0; n < a->W; n++) {
        float delta = 0;
        if (n < queries) {
            const int64_t at = u->q + (n0 + n) * a->row;
            const float *y = widened(a->y, at, a->hd, r->o), *dy = widened(a->dy, at, a->hd, r->o + a->hp);
#pragma omp simd reduction(+ : delta)
            for (int64_t c = 0; c < a->hd; c++) delta += w_round(dy[c]) * y[c];
        }
        r->sum[n] = delta;
        r->max[n] = n < queries ? a->lse_in[u->lse + n0 + n] * LOG2E : 0;
    }
}

static void backward_block(const att *a, const room *r, const unit *u, int64_t n0, int64_t queries, bool first) {
    const float scale = 1 / sqrtf((float)a->hd);
    const int64_t at = u->q + n0 * a->row, hp = a->hp, W = a->W, row = hp / PAIR, terms = w_words(queries);
    pack_pairs(a, r->q_pairs, a->q, at, queries);
    pack_pairs(a, r->g_pairs, a->dy, at, queries);
    pack_lanes(a, r, r->q_lanes, a->q, at, queries, LOG2E * scale);
    pack_lanes(a, r, r->g_lanes, a->dy, at, queries, 1);
    block_stats(a, r, u, n0, queries);
    const int64_t seen = keys_of(a, u, n0, queries);
    for (int64_t m = 0; m < seen; m += KEYS) {
        const int64_t keys = seen - m < KEYS ? seen - m : KEYS;
        scores(a, r, u, n0, queries, m, keys);
        mm_run((mm){r->ds, W, r->v + m * row, row, 1, r->g_lanes, W, keys, w_words(a->hd), W, false});
        score_grads(a, r, keys, scale);
        if (a->dbias) bias_grads(a, r, u, n0, queries, m, keys, 1 / scale);
        mm_run((mm){r->dv + m * hp, hp, r->p_rows, W / PAIR, 1, r->g_pairs, hp, keys, terms, hp, !first});
        mm_run((mm){r->dk + m * hp, hp, r->ds_rows, W / PAIR, 1, r->q_pairs, hp, keys, terms, hp, !first});
        mm_run((mm){r->o, hp, r->pairs, 1, W, r->k_pairs + m / PAIR * hp, hp, queries, w_words(keys), hp, m > 0});
    }
    unpack_rows(a, a->dq, at, r->o, queries);
}

static void zero_rows(const att *a, float *to, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) memset(to + r * a->row, 0, (size_t)a->hd * sizeof *to);
}

/* Queries [from, to) of a unit. own: this thread has the whole unit and writes its dk, dv; else they stay in the room. */
static void backward_unit(const att *a, const room *r, const unit *u, int64_t from, int64_t to, bool own) {
    pack_rows(a, r->k_rows, a->k, u->k, u->keys);
    if (PAIR > 1) pack_pairs(a, r->k_pairs, a->k, u->k, u->keys);
    pack_rows(a, r->v, a->v, u->k, u->keys);
    const bool clear = from == to || a->causal;              /* else the first block writes every key */
    if (clear) {
        memset(r->dk, 0, (size_t)(u->keys * a->hp) * sizeof *r->dk);
        memset(r->dv, 0, (size_t)(u->keys * a->hp) * sizeof *r->dv);
    }
    for (int64_t n = from; n < to; n += a->W) backward_block(a, r, u, n, to - n < a->W ? to - n : a->W, n == from && !clear);
    if (!own) return;
    unpack_rows(a, (stored){a->dk, false}, u->k, r->dk, u->keys);
    unpack_rows(a, (stored){a->dv, false}, u->k, r->dv, u->keys);
    zero_rows(a, a->dk + u->k + u->keys * a->row, a->M - u->keys);
    zero_rows(a, a->dv + u->k + u->keys * a->row, a->M - u->keys);
}

/* Rows [from, to) of a shared unit's dk, dv: the slots' sums, in order. */
static void add_slots(const att *a, float *base, const unit *u, int slots, int64_t from, int64_t to) {
    for (int64_t m = from; m < to; m++)
        for (int64_t c = 0; c < a->hd; c++) {
            float k = 0, v = 0;
            for (int s = 0; s < slots && m < u->keys; s++) {
                const room r = room_in(a, true, base, s);
                k += r.dk[m * a->hp + c];
                v += r.dv[m * a->hp + c];
            }
            a->dk[u->k + m * a->row + c] = k;
            a->dv[u->k + m * a->row + c] = v;
        }
}

/* Floats of dbias that each slot sums for itself; 0: there is no dbias. */
static int64_t own_bias(const zt_node *n, const att *a) {
    return n->at.i[ZT_ATT_BIAS] ? (a->heads * a->N * a->M + 15) / 16 * 16 : 0;
}
/* What slot s works on: its own dbias. */
static att slot_of(const att *a, float *bias, int64_t size, int s) {
    att mine = *a;
    if (size) mine.dbias = bias + s * size;
    return mine;
}

/* ---- backward over few positions, whose rows lie far apart: temporal attention ---------------------------------------- */
/* Rows that are a power of two apart share few lines of the caches and few entries of the TLB. So those of RUN neighbour values
 * of i and their heads, which lie together, are copied to a row of their own and worked on there. */
enum { FEW = 32, RUN = 1024, APART = 16 };             /* positions; elements of a row; and between two, not to share sets */
static bool is_far(const att *a) { return a->N <= FEW && a->M <= FEW && a->I > 1; }
static int64_t run_of(const att *a) {
    const int64_t n = RUN / a->D < 1 ? 1 : RUN / a->D;
    return n < a->I ? n : a->I;
}
static int64_t near_row(const att *a) { return run_of(a) * a->D + APART; }
static int64_t near_size(const att *a) { return is_far(a) ? 4 * (a->N + a->M) * near_row(a) : 0; }
/* q, dy, y, dq, k, v, dk, dv in `rows`. */
static att near_of(const att *a, float *rows) {
    const int64_t of_n = a->N * near_row(a), of_m = a->M * near_row(a);
    att b = *a;
    b.row = near_row(a);
    b.q.x = rows;
    b.dy.x = rows + of_n;
    b.y.x = rows + 2 * of_n;
    b.dq.x = rows + 3 * of_n;
    rows += 4 * of_n;
    b.k.x = rows;
    b.v.x = rows + of_m;
    b.dk = rows + 2 * of_m;
    b.dv = rows + 3 * of_m;
    return b;
}
static void copy_rows(stored to, int64_t row_to, int64_t at_to, stored from, int64_t row_from, int64_t at_from, int64_t rows,
                      int64_t n) {
    const size_t size = from.half ? 2 : 4;
    for (int64_t r = 0; r < rows; r++)
        memcpy((char *)to.x + size * (size_t)(at_to + r * row_to), (const char *)from.x + size * (size_t)(at_from + r * row_from),
               size * (size_t)n);
}
/* Run number k. */
static void backward_near(const att *a, const att *near, const room *r, int64_t k) {
    const int64_t runs = (a->I + run_of(a) - 1) / run_of(a), o = k / runs, first = k % runs * run_of(a);
    const int64_t count = a->I - first < run_of(a) ? a->I - first : run_of(a), n = count * a->D;
    const int64_t q = (o * a->N * a->I + first) * a->D, m = (o * a->M * a->I + first) * a->D;
    copy_rows(near->q, near->row, 0, a->q, a->row, q, a->N, n);
    copy_rows(near->dy, near->row, 0, a->dy, a->row, q, a->N, n);
    copy_rows(near->y, near->row, 0, a->y, a->row, q, a->N, n);
    copy_rows(near->k, near->row, 0, a->k, a->row, m, a->M, n);
    copy_rows(near->v, near->row, 0, a->v, a->row, m, a->M, n);
    for (int64_t j = 0; j < count * a->heads; j++) {
        unit u = unit_of(a, (o * a->I + first) * a->heads + j);
        u.q = u.k = j / a->heads * a->D + j % a->heads * a->hd;
        backward_unit(near, r, &u, 0, a->N, true);
    }
    copy_rows(a->dq, a->row, q, near->dq, near->row, 0, a->N, n);
    copy_rows((stored){a->dk, false}, a->row, m, (stored){near->dk, false}, near->row, 0, a->M, n);
    copy_rows((stored){a->dv, false}, a->row, m, (stored){near->dv, false}, near->row, 0, a->M, n);
}

/* Slot s's share of all units, of the first `whole`. */
static void backward_runs(const att *a, const room *r, float *rows, int s) {
    const att near = near_of(a, rows);
    int64_t from, to;
    k_piece(a->O * ((a->I + run_of(a) - 1) / run_of(a)), 1, zt_cpu_slots(), s, &from, &to);
    for (int64_t k = from; k < to; k++) backward_near(a, &near, r, k);
}
static void backward_units(const att *a, const room *r, int64_t whole, int s) {
    int64_t from, to;
    k_piece(whole, 1, zt_cpu_slots(), s, &from, &to);
    for (int64_t id = from; id < to; id++) {
        const unit u = unit_of(a, id);
        backward_unit(a, r, &u, 0, a->N, true);
    }
}
static void att_backward(const zt_node *n, const zt_exec *e) {
    const att a = att_of(n, true);
    const int slots = zt_cpu_slots();
    const int64_t whole = is_far(&a) ? a.units : a.units / slots * slots, size = own_bias(n, &a);
    float *bias = (float *)e->scratch + slots * room_size(&a, true), *rows = bias + slots * size;
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        const att mine = slot_of(&a, bias, size, s);
        const room r = room_in(&a, true, e->scratch, s);
        if (size) memset(mine.dbias, 0, (size_t)size * sizeof *bias);
        t_open();
        if (is_far(&a)) backward_runs(&mine, &r, rows + s * near_size(&a), s);
        else backward_units(&mine, &r, whole, s);
        t_close();
    }
    for (int64_t id = whole; id < a.units; id++) {
        const unit u = unit_of(&a, id);
#pragma omp parallel
        {
#pragma omp for schedule(static, 1)
            for (int s = 0; s < slots; s++) {
                const att mine = slot_of(&a, bias, size, s);
                const room r = room_in(&a, true, e->scratch, s);
                int64_t from, to;
                k_piece(a.N, 1, slots, s, &from, &to);
                t_open();
                backward_unit(&mine, &r, &u, from, to, false);
                t_close();
            }
#pragma omp for schedule(static, 1)
            for (int s = 0; s < slots; s++) {
                int64_t from, to;
                k_piece(a.M, 1, slots, s, &from, &to);
                add_slots(&a, e->scratch, &u, slots, from, to);
            }
        }
    }
    for (int64_t k = 0; size && k < a.heads * a.N * a.M; k++) {
        float sum = 0;
        for (int s = 0; s < slots; s++) sum += bias[s * size + k];
        a.dbias[k] = sum;
    }
}

static zt_err forward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const att a = att_of(n, false);
    *scratch = (size_t)(room_size(&a, false) * zt_cpu_slots()) * sizeof(float);
    return ZT_OK;
}
static zt_err backward_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const att a = att_of(n, true);
    *scratch = (size_t)((room_size(&a, true) + own_bias(n, &a) + near_size(&a)) * zt_cpu_slots()) * sizeof(float);
    return ZT_OK;
}

#if defined(ZT_LEVEL_bf16)
static zt_reads forward_reads(const zt_node *n, int k) {
    (void)n;
    return k < 3 ? ZT_READS_ROUNDED : ZT_READS_F32;       /* q, k, v (q: scaled, then rounded once more) */
}
static zt_reads backward_reads(const zt_node *n, int k) {
    (void)n;
    return k < 4 ? ZT_READS_ROUNDED : k == 4 ? ZT_READS_EITHER : ZT_READS_F32;
}
#define FORWARD_READS forward_reads
#define BACKWARD_READS backward_reads
#else
#define FORWARD_READS NULL
#define BACKWARD_READS NULL
#endif
const zt_cpu_entry K(zt_k_attention)[] = {
    {.op = ZT_OP_attention, .ok = HALF_OK,
     .kernel = {.run = att_forward, .prepare = forward_prepare, .writes_half = HALF_OK, .reads = FORWARD_READS}},
    {.op = ZT_OP_attention_dx, .ok = HALF_OK,
     .kernel = {.run = att_backward, .prepare = backward_prepare, .writes_half = HALF_OK, .reads = BACKWARD_READS}},
    {.op = -1}
};
