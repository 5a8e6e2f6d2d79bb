/* sample.c - sums of a few weighted rows: resample and its transpose from a table made when planned, grid_sample and its
 * gradients from the places in a tensor. Each element of a result is summed in one order by one thread, whatever their number. */
#include "backends/cpu/kernels/kernel.h"
#include "base/mem.h"
#include "ops/resample.h"

/* ---- weighted rows ----------------------------------------------------------------------------------------------- */
/* `len` elements (a constant where it is called) of y = sum over k < n of w[k] x[at[k] + ..]. */
INLINE void weigh_few(float *y, const float *x, const int64_t *at, const float *w, int64_t n, const int len) {
    float sum[4] = {0};
    for (int64_t k = 0; k < n; k++)
        for (int c = 0; c < len; c++) sum[c] += w[k] * x[at[k] + c];
    for (int c = 0; c < len; c++) y[c] = sum[c];
}
INLINE void weigh_vectors(float *y, const float *x, const int64_t *at, const float *w, int64_t n, const int vectors) {
    vf sum[4] = {{0}};
    for (int64_t k = 0; k < n; k++)
        for (int v = 0; v < vectors; v++) sum[v] += v_set(w[k]) * v_load(x + at[k] + v * VW);
    for (int v = 0; v < vectors; v++) v_store(y + v * VW, sum[v]);
}
static void weigh(float *y, const float *x, const int64_t *at, const float *w, int64_t n, int64_t len) {
    int64_t c = 0;
    for (; c + 4 * VW <= len; c += 4 * VW) weigh_vectors(y + c, x + c, at, w, n, 4);
    for (; c + VW <= len; c += VW) weigh_vectors(y + c, x + c, at, w, n, 1);
    for (; c + 4 <= len; c += 4) weigh_few(y + c, x + c, at, w, n, 4);
    switch (len - c) {
        case 1: weigh_few(y + c, x + c, at, w, n, 1); break;
        case 2: weigh_few(y + c, x + c, at, w, n, 2); break;
        case 3: weigh_few(y + c, x + c, at, w, n, 3); break;
    }
}

/* ---- resample ---------------------------------------------------------------------------------------------------- */
/* What each of the result's `rows` places along the axis is made of: entries start[r]..start[r+1]-1 of at (offsets in the input,
 * which has `cols` places) and w. One block of memory. */
typedef struct table { int64_t rows, cols, inner, *start, *at; float *w; } table;

/* Count the entries of every row in start[row + 1], or (fill) write them, moving start[row] to the end of its row. */
static void table_pass(const zt_node *n, table *t, bool fill) {
    const int64_t to = n->at.i[ZT_RESAMPLE_TO], taps = zt_resample_taps(&n->at);
    const bool transposed = n->op == &zt_def_resample_dx;
    for (int64_t o = 0; o < to; o++)
        for (int64_t k = 0; k < taps; k++) {
            int64_t from;
            const double w = zt_resample_weight(&n->at, o, k, &from);
            const int64_t row = transposed ? from : o;
            if (w == 0) continue;
            if (fill) {
                t->at[t->start[row]] = (transposed ? o : from) * t->inner;
                t->w[t->start[row]] = (float)w;
            }
            t->start[fill ? row : row + 1]++;
        }
}

static zt_err resample_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    const int axis = (int)n->at.i[ZT_RESAMPLE_AXIS];
    const size_t rows = (size_t)n->sh.d[axis], most = (size_t)(n->at.i[ZT_RESAMPLE_TO] * zt_resample_taps(&n->at));
    table *t = zt_alloc(sizeof *t + (rows + 1 + most) * sizeof *t->at + most * sizeof *t->w);
    if (!t) return ZT_NOMEM;
    *t = (table){.rows = n->sh.d[axis], .cols = n->in[0]->sh.d[axis], .inner = 1, .start = (int64_t *)(t + 1)};
    t->at = t->start + rows + 1;
    t->w = (float *)(t->at + most);
    for (int k = axis + 1; k < n->sh.n; k++) t->inner *= n->sh.d[k];
    table_pass(n, t, false);
    for (size_t r = 0; r < rows; r++) t->start[r + 1] += t->start[r];
    table_pass(n, t, true);
    memmove(t->start + 1, t->start, rows * sizeof *t->start); /* each had become the start of the next */
    t->start[0] = 0;
    *prepared = t;
    *scratch = 0;
    return ZT_OK;
}

static void resample_run(const zt_node *n, const zt_exec *e) {
    const table *t = e->prepared;
    const int64_t count = zt_numel(&n->sh), inner = t->inner;
    const int parts = k_parts(count);
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(count, inner < 4096 ? inner : 64, parts, s, &a, &b);
        int64_t row = a / inner % t->rows, skip = a % inner;
        const float *x = (const float *)n->in[0]->x + a / inner / t->rows * t->cols * inner;
        while (a < b) {
            const int64_t run = inner - skip < b - a ? inner - skip : b - a, first = t->start[row];
            weigh((float *)n->x + a, x + skip, t->at + first, t->w + first, t->start[row + 1] - first, run);
            a += run;
            skip = 0;
            if (++row < t->rows) continue;
            row = 0;
            x += t->cols * inner;
        }
    }
}

/* ---- grid_sample ------------------------------------------------------------------------------------------------- */
/* One axis of a place p: two neighbours low, low + 1 inside x, their weights k(p - low), k(p - low - 1), and the slopes of these
 * (attrs.h: k is max(0, 1 - |u|), so what is not near p weighs 0). An axis of size 1 has its one element twice. */
typedef struct cell { int64_t low; float w[2], slope[2]; } cell;

INLINE cell cell_at(float p, int64_t size, bool clamp) {
    const float last = (float)(size - 1);
    if (size == 1) return (cell){0, {1, 0}, {0, 0}};
    const float within = (float)((!clamp) | ((p > 0) & (p < last))), least = clamp ? 0 : -2, most = clamp ? last : last + 2;
    p = p > least ? p : least; /* also what is not a number */
    p = p < most ? p : most;
    cell c = {.low = (int64_t)p};
    c.low = c.low > size - 2 ? size - 2 : c.low < 0 ? 0 : c.low;
    for (int k = 0; k < 2; k++) {
        const float u = p - (float)(c.low + k), near = 1 - fabsf(u);
        c.w[k] = near > 0 ? near : 0;
        c.slope[k] = within * (float)(((u >= -1) & (u < 0)) - ((u >= 0) & (u < 1))); /* & and -: without branches */
    }
    return c;
}

/* x around a place: offset of the lowest corner, and the cells; where `along` names an axis, its slope is its weight and its own
 * slope is 0. */
typedef struct place { int64_t corner; cell axis[3]; } place;
/* What is the same for all places: sizes of x, elements of one sample, offsets of corners (bits t,h,w of their number). When
 * T = 1 the last 4 of 8 weigh nothing. */
typedef struct space { const int64_t *size, *attr; int64_t B, points, step[3], sample, corner[8]; int corners; } space;

static space space_of(const zt_node *n, const zt_shape *x, const zt_shape *grid) {
    space s = {.size = x->d + 1, .attr = n->at.i, .B = x->d[0], .points = zt_rows(grid) / x->d[0], .sample = x->d[4]};
    for (int a = 2; a >= 0; a--) {
        s.step[a] = s.sample;
        s.sample *= s.size[a];
    }
    for (int k = 0; k < 8; k++)
        for (int a = 0; a < 3; a++)
            if (k >> (2 - a) & 1 && s.size[a] > 1) s.corner[k] += s.step[a];
    s.corners = s.size[0] > 1 ? 8 : 4;
    return s;
}
INLINE place place_at(const space *s, const float *grid) {
    place p = {0};
    for (int a = 0; a < 3; a++) {
        cell *c = &p.axis[a];
        *c = cell_at(grid[a], s->size[a], s->attr[ZT_GRID_CLAMP]);
        p.corner += c->low * s->step[a];
        if (!(s->attr[ZT_GRID_ALONG] >> a & 1)) continue;
        memcpy(c->w, c->slope, sizeof c->w);
        c->slope[0] = c->slope[1] = 0;
    }
    return p;
}
INLINE float corner_weight(const float *t, const float *h, const float *w, int k) {
    return t[k >> 2] * h[k >> 1 & 1] * w[k & 1];
}

static void grid_sample_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const space x = space_of(n, &n->in[0]->sh, &n->in[1]->sh);
    const int64_t C = n->sh.d[4];
#pragma omp parallel for schedule(static) collapse(2) if (k_parts(x.B * x.points * (C + 16)) > 1)
    for (int64_t b = 0; b < x.B; b++)
        for (int64_t s = 0; s < x.points; s++) {
            const int64_t row = b * x.points + s;
            const place p = place_at(&x, (const float *)n->in[1]->x + 3 * row);
            float w[8];
            for (int k = 0; k < x.corners; k++) w[k] = corner_weight(p.axis[0].w, p.axis[1].w, p.axis[2].w, k);
            weigh((float *)n->x + row * C, (const float *)n->in[0]->x + b * x.sample + p.corner, x.corner, w, x.corners, C);
        }
}

/* Each piece owns a range of x's lines and takes from all places what falls into it, in order: no two threads share a line. */
static void grid_sample_dx_lines(const zt_node *n, int64_t from, int64_t to) {
    const space x = space_of(n, &n->sh, &n->in[1]->sh);
    const int64_t C = n->sh.d[4], line = x.step[1], lines = x.sample / line;
    float *dx = n->x;
    memset(dx + from * line, 0, (size_t)((to - from) * line) * sizeof *dx);
    for (int64_t s = from / lines * x.points; from < to && s < ((to - 1) / lines + 1) * x.points; s++) {
        const place p = place_at(&x, (const float *)n->in[1]->x + 3 * s);
        const float *dy = (const float *)n->in[0]->x + s * C;
        for (int k = 0; k < x.corners; k++) {
            const int64_t at = s / x.points * x.sample + p.corner + x.corner[k];
            const float w = corner_weight(p.axis[0].w, p.axis[1].w, p.axis[2].w, k);
            if (w == 0 || at < from * line || at >= to * line) continue;
#pragma omp simd
            for (int64_t c = 0; c < C; c++) dx[at + c] += w * dy[c];
        }
    }
}
static void grid_sample_dx_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int64_t lines = n->sh.d[0] * n->sh.d[1] * n->sh.d[2];
    const int parts = k_parts(zt_numel(&n->sh) + zt_numel(&n->in[0]->sh));
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(lines, 1, parts, s, &a, &b);
        grid_sample_dx_lines(n, a, b);
    }
}

/* Product of dy with x at each of the corners (a constant where it is called). */
INLINE void corner_dots(const space *s, const float *dy, const float *x, int64_t C, const int corners, float dot[8]) {
    int64_t c = 0;
    vf sum[8] = {{0}};
    for (; c + VW <= C; c += VW)
        for (int k = 0; k < corners; k++) sum[k] += v_load(dy + c) * v_load(x + s->corner[k] + c);
    for (int k = 0; k < corners; k++) dot[k] = c ? v_sum(sum[k]) : 0;
    for (; c < C; c++)
        for (int k = 0; k < corners; k++) dot[k] += dy[c] * x[s->corner[k] + c];
}
/* The gradient by one place of the grid. */
INLINE void place_gradient(const space *s, const float *grid, const float *dy, const float *x, int64_t C, const int corners,
                           float *out) {
    const place p = place_at(s, grid);
    const cell *t = &p.axis[0], *h = &p.axis[1], *w = &p.axis[2];
    float dot[8], sum[3] = {0};
    corner_dots(s, dy, x + p.corner, C, corners, dot);
    for (int k = 0; k < corners; k++) {
        sum[0] += corner_weight(t->slope, h->w, w->w, k) * dot[k];
        sum[1] += corner_weight(t->w, h->slope, w->w, k) * dot[k];
        sum[2] += corner_weight(t->w, h->w, w->slope, k) * dot[k];
    }
    memcpy(out, sum, sizeof sum);
}
static void grid_sample_dgrid_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const space x = space_of(n, &n->in[1]->sh, &n->in[2]->sh);
    const int64_t C = n->in[0]->sh.d[4];
#pragma omp parallel for schedule(static) collapse(2) if (k_parts(x.B * x.points * (C + 16)) > 1)
    for (int64_t b = 0; b < x.B; b++)
        for (int64_t s = 0; s < x.points; s++) {
            const int64_t row = b * x.points + s;
            const float *grid = (const float *)n->in[2]->x + 3 * row, *dy = (const float *)n->in[0]->x + row * C;
            const float *from = (const float *)n->in[1]->x + b * x.sample;
            float *out = (float *)n->x + 3 * row;
            if (x.corners == 4 && C == 3) place_gradient(&x, grid, dy, from, 3, 4, out);       /* pictures */
            else place_gradient(&x, grid, dy, from, C, x.corners, out);
        }
}

#define ENTRY(op_, run_) {.op = ZT_OP_##op_, .kernel = {.run = run_}}
#define TABLE_ENTRY(op_) {.op = ZT_OP_##op_, .kernel = {.run = resample_run, .prepare = resample_prepare, .release = zt_free}}
const zt_cpu_entry K(zt_k_sample)[] = {
    TABLE_ENTRY(resample), TABLE_ENTRY(resample_dx), ENTRY(grid_sample, grid_sample_run),
    ENTRY(grid_sample_dx, grid_sample_dx_run), ENTRY(grid_sample_dgrid, grid_sample_dgrid_run), {.op = -1}
};
