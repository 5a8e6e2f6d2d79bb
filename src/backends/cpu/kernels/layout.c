/* layout.c - kernels that only move elements (permute, slice, pad, concat, upsample) and the transpose of upsample. */
#include "backends/cpu/kernels/word.h"

INLINE void copy_row(float *restrict y, const float *restrict x, int64_t n) {
    if (n >= 32) memcpy(y, x, (size_t)n * sizeof *y);
    else for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

/* `rows` rows of `len` elements (a constant where it is called), sy and sx apart: such short rows should not cost a call each. */
INLINE void copy_short(stored y, int64_t to, int64_t sy, stored x, int64_t from, int64_t sx, int64_t rows, const int len) {
    if (!x.half && !y.half) {
        const float *restrict f = (const float *)x.x + from;
        float *restrict t = (float *)y.x + to;
        for (int64_t r = 0; r < rows; r++, t += sy, f += sx)
            for (int c = 0; c < len; c++) t[c] = f[c];
        return;
    }
    for (int64_t r = 0; r < rows; r++, to += sy, from += sx)
        for (int c = 0; c < len; c++) put_one(y, to + c, get_one(x, from + c));
}
enum { SHORT = 8 };                                      /* the longest row that copy_rows_short takes */
static void copy_rows_short(stored y, int64_t to, int64_t sy, stored x, int64_t from, int64_t sx, int64_t rows, int64_t len) {
    switch (len) {
        case 1: copy_short(y, to, sy, x, from, sx, rows, 1); break;
        case 2: copy_short(y, to, sy, x, from, sx, rows, 2); break;
        case 3: copy_short(y, to, sy, x, from, sx, rows, 3); break;
        case 4: copy_short(y, to, sy, x, from, sx, rows, 4); break;
        case 5: copy_short(y, to, sy, x, from, sx, rows, 5); break;
        case 6: copy_short(y, to, sy, x, from, sx, rows, 6); break;
        case 7: copy_short(y, to, sy, x, from, sx, rows, 7); break;
        case 8: copy_short(y, to, sy, x, from, sx, rows, 8); break;
    }
}

/* n elements of x to y, which may be of another type. */
static void move(stored y, int64_t to, stored x, int64_t from, int64_t n) {
    if (x.half && y.half) memcpy((half *)y.x + to, (const half *)x.x + from, (size_t)n * sizeof(half));
    else if (x.half) (void)widened(x, from, n, (float *)y.x + to);
    else if (y.half) narrow(y, to, (const float *)x.x + from, n);
    else copy_row((float *)y.x + to, (const float *)x.x + from, n);
}

/* ---- permute ----------------------------------------------------------------------------------------------------- */
/* Output axes, merged where input memory allows it, with the input's strides. */
typedef struct perm { int n; int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM]; } perm;

static perm perm_of(const zt_node *n) {
    const zt_shape *x = &n->in[0]->sh;
    int64_t stride[ZT_MAX_DIM], run = 1;
    for (int k = x->n - 1; k >= 0; k--) {
        stride[k] = run;
        run *= x->d[k];
    }
    perm p = {0};
    for (int k = 0; k < x->n; k++) {
        const int64_t d = n->sh.d[k], st = stride[n->at.i[k]];
        if (d == 1) continue;
        if (p.n && p.st[p.n - 1] == st * d) {
            p.d[p.n - 1] *= d;
            p.st[p.n - 1] = st;
        } else {
            p.d[p.n] = d;
            p.st[p.n++] = st;
        }
    }
    if (!p.n) p = (perm){.n = 1, .d = {1}, .st = {1}};
    return p;
}

static void permute_rows(const perm *p, const float *x, float *y, int64_t r0, int64_t r1) {
    const int64_t inner = p->d[p->n - 1];
    k_walk walk = k_walk_at(p->n, p->d, p->st, r0);
    for (int64_t r = r0; r < r1; r++, k_walk_next(&walk)) copy_row(y + r * inner, x + walk.off, inner);
}

/* The same where rows are short: all rows of the axis before the last at once, for its places r0..r1-1. */
static void permute_short_rows(const perm *p, float *x, float *y, int64_t r0, int64_t r1) {
    const int64_t inner = p->d[p->n - 1], rows = p->d[p->n - 2];
    k_walk walk = k_walk_at(p->n - 1, p->d, p->st, r0);
    for (int64_t r = r0; r < r1; r++, k_walk_next(&walk))
        copy_rows_short((stored){y, false}, r * rows * inner, inner, (stored){x, false}, walk.off, p->st[p->n - 2], rows, inner);
}

/* The last axis moves: axis `q` of the output is the input's last. Tiles of 32 x 32 over (q, last), all other axes outside. */
static void permute_tiles(const perm *p, int q, const float *x, float *y, int64_t task) {
    enum { TILE = 32 };
    const int last = p->n - 1;
    const int64_t Q = p->d[q], L = p->d[last], tiles = (Q + TILE - 1) / TILE, q0 = task % tiles * TILE;
    int64_t rest = task / tiles, from = 0, to = 0, out = L, qs = 0;
    for (int k = last - 1; k >= 0; k--) {
        if (k == q) qs = out;
        else {
            const int64_t at = rest % p->d[k];
            rest /= p->d[k];
            from += at * p->st[k];
            to += at * out;
        }
        out *= p->d[k];
    }
    const int64_t cols = Q - q0 < TILE ? Q - q0 : TILE;
    for (int64_t l = 0; l < L; l += TILE)            /* input rows: the last output axis; input columns: axis q */
        k_transpose(y + to + q0 * qs + l, qs, x + from + l * p->st[last] + q0, p->st[last], L - l < TILE ? L - l : TILE, cols);
}

static void permute_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const perm p = perm_of(n);
    float *x = n->in[0]->x, *y = n->x;
    const int64_t count = zt_numel(&n->sh), rows = count / p.d[p.n - 1];
    const int parts = k_parts(count);
    if (p.st[p.n - 1] == 1) {
        const bool few = p.n > 1 && p.d[p.n - 1] <= SHORT;
#pragma omp parallel for schedule(static, 1) if (parts > 1)
        for (int s = 0; s < parts; s++) {
            int64_t a, b;
            k_piece(few ? rows / p.d[p.n - 2] : rows, 1, parts, s, &a, &b);
            if (few) permute_short_rows(&p, x, y, a, b);
            else permute_rows(&p, x, y, a, b);
        }
        return;
    }
    int q = 0;
    while (p.st[q] != 1) q++;                        /* the input's last axis of size > 1 is somewhere */
    const int64_t tasks = rows / p.d[q] * ((p.d[q] + 31) / 32);
#pragma omp parallel for schedule(static) if (parts > 1)
    for (int64_t t = 0; t < tasks; t++) permute_tiles(&p, q, x, y, t);
}

/* ---- slice, pad, concat ------------------------------------------------------------------------------------------ */
/* rows of `len` elements from x (from number `from` on, row distance sx) to y (`to`, sy). */
static void copy_rows(stored y, int64_t to, int64_t sy, stored x, int64_t from, int64_t sx, int64_t rows, int64_t len) {
    const int64_t count = rows * len;
    const int parts = k_parts(count);
    const bool few = len <= 16 * SHORT;                  /* then a part has whole rows */
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(few ? rows : count, few ? 1 : 16, parts, s, &a, &b);
        if (len <= SHORT) copy_rows_short(y, to + a * sy, sy, x, from + a * sx, sx, b - a, len);
        else if (few) for (; a < b; a++) move(y, to + a * sy, x, from + a * sx, len);
        else while (a < b) {
            const int64_t r = a / len, skip = a % len, run = len - skip < b - a ? len - skip : b - a;
            move(y, to + r * sy + skip, x, from + r * sx + skip, run);
            a += run;
        }
    }
}
/* Zeros in rows of `len` elements of y, sy apart. */
static void clear_rows(float *y, int64_t sy, int64_t rows, int64_t len) {
#pragma omp parallel for schedule(static) if (k_parts(rows * len) > 1)
    for (int64_t r = 0; r < rows; r++) memset(y + r * sy, 0, (size_t)len * sizeof *y);
}
static int64_t product(const zt_shape *s, int from, int to) {
    int64_t p = 1;
    for (int k = from; k < to; k++) p *= s->d[k];
    return p;
}

static void slice_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const zt_shape *x = &n->in[0]->sh;
    const int axis = (int)n->at.i[0];
    const int64_t inner = product(x, axis + 1, x->n), len = n->at.i[2] * inner;
    copy_rows(stored_of(n), 0, len, stored_of(n->in[0]), n->at.i[1] * inner, x->d[axis] * inner, product(x, 0, axis), len);
}
static void pad_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const zt_shape *x = &n->in[0]->sh;
    const int axis = (int)n->at.i[0];
    const int64_t inner = product(x, axis + 1, x->n), len = x->d[axis] * inner, rows = product(x, 0, axis);
    const int64_t before = n->at.i[1] * inner, after = n->at.i[2] * inner, all = before + len + after;
    float *y = n->x;
    if (all <= 64) {                                     /* short rows: line by line of what lies around them */
        const int64_t line = x->n > 1 && axis ? x->d[axis - 1] * all : all;
        clear_rows(y, line, rows * all / line, line);
    } else {
        if (before) clear_rows(y, all, rows, before);
        if (after) clear_rows(y + before + len, all, rows, after);
    }
    copy_rows(stored_of(n), before, all, stored_of(n->in[0]), 0, len, rows, len);
}
static void concat_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int axis = (int)n->at.i[0];
    const int64_t inner = product(&n->sh, axis + 1, n->sh.n), rows = product(&n->sh, 0, axis), all = n->sh.d[axis] * inner;
    int64_t to = 0;
    for (int k = 0; k < n->n_in; k++) {
        const int64_t len = n->in[k]->sh.d[axis] * inner;
        copy_rows(stored_of(n), to, all, stored_of(n->in[k]), 0, len, rows, len);
        to += len;
    }
}

/* ---- upsample, pool_sum ------------------------------------------------------------------------------------------ */
static void upsample_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const zt_shape *xs = &n->in[0]->sh;
    const int64_t BT = xs->d[0] * xs->d[1], H = xs->d[2], W = xs->d[3], C = xs->d[4];
    const int64_t ft = n->at.i[0], fh = n->at.i[1], fw = n->at.i[2], line = W * fw * C;
    const stored x = stored_of(n->in[0]), y = stored_of(n);
#pragma omp parallel for schedule(static) if (k_parts(zt_numel(&n->sh)) > 1)
    for (int64_t r = 0; r < BT * H; r++) {                  /* one input line makes ft*fh equal output lines */
        const int64_t bt = r / H, h = r % H;
        const int64_t first = (bt * ft * H + h) * fh * line;
        for (int64_t w = 0; w < W; w++)
            for (int64_t k = 0; k < fw; k++) move(y, first + (w * fw + k) * C, x, (r * W + w) * C, C);
        for (int64_t t = 0; t < ft; t++)
            for (int64_t k = t == 0; k < fh; k++) move(y, first + (t * H * fh + k) * line, y, first, line);
    }
}
static void pool_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const zt_shape *ys = &n->sh;
    const int64_t BT = ys->d[0] * ys->d[1], H = ys->d[2], W = ys->d[3], C = ys->d[4];
    const int64_t ft = n->at.i[0], fh = n->at.i[1], fw = n->at.i[2], line = W * fw * C;
#pragma omp parallel for schedule(static) if (k_parts(zt_numel(&n->in[0]->sh)) > 1)
    for (int64_t r = 0; r < BT * H; r++) {
        const int64_t bt = r / H, h = r % H;
        float *y = (float *)n->x + r * W * C;
        memset(y, 0, (size_t)(W * C) * sizeof *y);
        for (int64_t t = 0; t < ft; t++)
            for (int64_t k = 0; k < fh; k++) {
                const float *x = (const float *)n->in[0]->x + (((bt * ft + t) * H + h) * fh + k) * line;
                for (int64_t w = 0; w < W * fw; w++) {
                    float *to = y + w / fw * C;
#pragma omp simd
                    for (int64_t c = 0; c < C; c++) to[c] += x[w * C + c];
                }
            }
    }
}

#define ENTRY(op_, run_) {.op = ZT_OP_##op_, .ok = HALF_OK, .kernel = {.run = run_}}
#define ENTRY_HALF(op_, run_) {.op = ZT_OP_##op_, .ok = HALF_OK, \
                               .kernel = {.run = run_, .writes_half = HALF_OK, .reads = READS_ALL}}
const zt_cpu_entry K(zt_k_layout)[] = {
    ENTRY(permute, permute_run), ENTRY(slice, slice_run), ENTRY(pad, pad_run), ENTRY_HALF(concat, concat_run),
    ENTRY_HALF(upsample, upsample_run), ENTRY(pool_sum, pool_run), {.op = -1}
};
