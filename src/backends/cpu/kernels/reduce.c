/* reduce.c - sum_to, broadcast_to, cumsum. Sums run in f32 over at most 64 rows (4096 elements of one row), then in f64: long
 * sums keep their digits. */
#include "backends/cpu/kernels/word.h"

enum { COLS = 512, ROWS = 64, FEW = 16 };

/* ---- sum_to ------------------------------------------------------------------------------------------------------ */
/* x seen as [A,R,C] with R summed; C is cut into `blocks` of COLS, R into `cuts` pieces with partial sums in scratch. */
typedef struct sum_form { int64_t A, R, C, blocks; int cuts; bool plain; } sum_form;

static sum_form sum_form_of(const zt_node *n) {
    int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM];
    const int axes = k_broadcast(&n->in[0]->sh, &n->sh, d, st);
    sum_form f = {.A = 1, .R = 1, .C = 1, .plain = true};
    int k = 0, slots = k_parts(zt_numel(&n->in[0]->sh));
    if (k < axes && st[k]) f.A = d[k++];
    if (k < axes && !st[k]) f.R = d[k++];
    if (k < axes && st[k]) f.C = d[k++];
    if (k < axes) f.plain = false;
    if (f.R == 1) {                                   /* nothing is summed: a copy */
        f.C *= f.A;
        f.A = 1;
    }
    f.blocks = (f.C + COLS - 1) / COLS;
    f.cuts = f.A * f.blocks >= slots || f.R < 2 * slots ? 1 : slots;
    return f;
}

/* sum[c..] += rows of `nv` vectors that stay in registers, from element `at` on. */
INLINE void sum_cols(stored x, int64_t at, int64_t rows, int64_t C, const int nv, double *sum) {
    vf s[8];
    for (int v = 0; v < nv; v++) s[v] = v_set(0);
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < nv; v++) s[v] += get(x, at + r * C + v * VW);
    for (int v = 0; v < nv; v++)
        for (int k = 0; k < VW; k++) sum[v * VW + k] += s[v][k];
}
/* sum[c] of rows x[at + r*C + c], c < cols. */
static void sum_block(stored x, int64_t at, int64_t rows, int64_t C, int64_t cols, double *sum) {
    for (int64_t c = 0; c < cols; c++) sum[c] = 0;
    for (int64_t r0 = 0; r0 < rows; r0 += ROWS, at += ROWS * C) {
        const int64_t n = rows - r0 < ROWS ? rows - r0 : ROWS;
        int64_t c = 0;
        for (; c + 8 * VW <= cols; c += 8 * VW) sum_cols(x, at + c, n, C, 8, sum + c);
        for (; c + 2 * VW <= cols; c += 2 * VW) sum_cols(x, at + c, n, C, 2, sum + c);
        for (; c + VW <= cols; c += VW) sum_cols(x, at + c, n, C, 1, sum + c);
        for (; c < cols; c++) {
            float s = 0;
            for (int64_t r = 0; r < n; r++) s += get_one(x, at + r * C + c);
            sum[c] += s;
        }
    }
}
static double sum_flat(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t a = 0; a < n; a += 4096) {
        const int64_t b = a + 4096 < n ? a + 4096 : n;
        float s = 0;
#pragma omp simd reduction(+ : s)
        for (int64_t i = a; i < b; i++) s += x[i];
        sum += s;
    }
    return sum;
}

static void sum_task(const sum_form *f, stored x, float *y, double *part, int64_t task) {
    const int64_t cut = task % f->cuts, block = task / f->cuts % f->blocks, a = task / f->cuts / f->blocks;
    int64_t r0, r1;
    k_piece(f->R, 1, f->cuts, (int)cut, &r0, &r1);
    const int64_t c0 = block * COLS, cols = f->C - c0 < COLS ? f->C - c0 : COLS;
    double sum[COLS];
    const int64_t from = (a * f->R + r0) * f->C + c0;
    if (f->C == 1 && !x.half) sum[0] = sum_flat((const float *)x.x + from, r1 - r0);
    else sum_block(x, from, r1 - r0, f->C, cols, sum);
    for (int64_t c = 0; c < cols; c++) {
        if (f->cuts == 1) y[a * f->C + c0 + c] = (float)sum[c];
        else part[(cut * f->A + a) * f->C + c0 + c] = sum[c];
    }
}

/* Any other pattern of axes: one thread walks x once, adding into f64 sums of the output's size. */
static void sum_any(const zt_node *n, double *sum) {
    int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM];
    const int axes = k_broadcast(&n->in[0]->sh, &n->sh, d, st);
    const int64_t inner = d[axes - 1], step = st[axes - 1], rows = zt_numel(&n->in[0]->sh) / inner, out = zt_numel(&n->sh);
    const float *x = n->in[0]->x;
    k_walk walk = k_walk_at(axes, d, st, 0);
    memset(sum, 0, (size_t)out * sizeof *sum);
    for (int64_t r = 0; r < rows; r++, x += inner, k_walk_next(&walk)) {
        double *to = sum + walk.off;
        if (step) for (int64_t c = 0; c < inner; c++) to[c] += x[c];
        else *to += sum_flat(x, inner);
    }
    for (int64_t i = 0; i < out; i++) ((float *)n->x)[i] = (float)sum[i];
}

/* A sum of few neighbours for each of many outputs (the colours of pixels): no task of its own for each. */
static void sum_few(const sum_form *f, const float *x, float *y) {
#pragma omp parallel for schedule(static) if (k_parts(f->A * f->R) > 1)
    for (int64_t a = 0; a < f->A; a++) {
        float s = x[a * f->R];
        for (int64_t r = 1; r < f->R; r++) s += x[a * f->R + r];
        y[a] = s;
    }
}

static zt_err sum_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    const sum_form f = sum_form_of(n);
    *scratch = f.plain && f.cuts == 1 ? 0 : (size_t)zt_numel(&n->sh) * (size_t)(f.plain ? f.cuts : 1) * sizeof(double);
    return ZT_OK;
}
static void sum_run(const zt_node *n, const zt_exec *e) {
    const sum_form f = sum_form_of(n);
    if (!f.plain) {
        sum_any(n, e->scratch);
        return;
    }
    const int64_t tasks = f.A * f.blocks * f.cuts, out = f.A * f.C;
    double *part = e->scratch;
    float *y = n->x;
    if (f.C == 1 && f.R <= FEW && f.cuts == 1 && !stored_of(n->in[0]).half) {
        sum_few(&f, stored_of(n->in[0]).x, y);
        return;
    }
#pragma omp parallel for schedule(static) if (tasks > 1 && k_parts(out * f.R) > 1)
    for (int64_t t = 0; t < tasks; t++) sum_task(&f, stored_of(n->in[0]), y, part, t);
    if (f.cuts == 1) return;
    for (int64_t i = 0; i < out; i++) {
        double s = 0;
        for (int k = 0; k < f.cuts; k++) s += part[k * out + i];
        y[i] = (float)s;
    }
}

/* ---- broadcast_to ------------------------------------------------------------------------------------------------ */
static void broadcast_range(const zt_node *n, int axes, const int64_t *d, const int64_t *st, int64_t from, int64_t to) {
    const float *x = n->in[0]->x;
    float *y = n->x;
    const int64_t inner = d[axes - 1];
    k_walk walk = k_walk_at(axes, d, st, from / inner);
    int64_t skip = from % inner;
    while (from < to) {
        const int64_t run = inner - skip < to - from ? inner - skip : to - from;
        if (st[axes - 1]) memcpy(y + from, x + walk.off + skip, (size_t)run * sizeof *y);
        else {
            const float v = x[walk.off];
            for (int64_t i = 0; i < run; i++) y[from + i] = v;
        }
        from += run;
        skip = 0;
        k_walk_next(&walk);
    }
}
static void broadcast_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    int64_t d[ZT_MAX_DIM], st[ZT_MAX_DIM];
    const int axes = k_broadcast(&n->sh, &n->in[0]->sh, d, st);
    const int64_t count = zt_numel(&n->sh);
    const int parts = k_parts(count);
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(count, 16, parts, s, &a, &b);
        broadcast_range(n, axes, d, st, a, b);
    }
}

/* ---- cumsum ------------------------------------------------------------------------------------------------------ */
/* x seen as [outer,size,inner]: columns c0.. (at most LINES) of one outer index, in f64. */
enum { LINES = 64 };
static void cumsum_lines(const zt_node *n, int64_t size, int64_t inner, int64_t outer, int64_t c0) {
    const bool exclusive = n->at.i[1], reverse = n->at.i[2];
    const int64_t cols = inner - c0 < LINES ? inner - c0 : LINES;
    double sum[LINES] = {0};
    for (int64_t k = 0; k < size; k++) {
        const int64_t at = (outer * size + (reverse ? size - 1 - k : k)) * inner + c0;
        const float *restrict x = (const float *)n->in[0]->x + at;
        float *restrict y = (float *)n->x + at;
#pragma omp simd
        for (int64_t c = 0; c < cols; c++) {
            const double before = sum[c], after = before + x[c];
            sum[c] = after;
            y[c] = (float)(exclusive ? before : after);
        }
    }
}
static void cumsum_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int axis = (int)n->at.i[0];
    const int64_t size = n->sh.d[axis], count = zt_numel(&n->sh);
    int64_t inner = 1;
    for (int k = axis + 1; k < n->sh.n; k++) inner *= n->sh.d[k];
    const int64_t blocks = (inner + LINES - 1) / LINES, tasks = count / size / inner * blocks;
#pragma omp parallel for schedule(static) if (k_parts(count) > 1)
    for (int64_t t = 0; t < tasks; t++) cumsum_lines(n, size, inner, t / blocks, t % blocks * LINES);
}

#if defined(ZT_LEVEL_bf16)
static zt_reads sum_reads(const zt_node *n, int k) {      /* sums over rows, such as gradients of biases: rounding averages out */
    (void)k;
    const sum_form f = sum_form_of(n);
    return f.plain && f.C > 1 ? ZT_READS_ROUNDED : ZT_READS_F32;
}
#define SUM_READS sum_reads
#else
#define SUM_READS NULL
#endif
const zt_cpu_entry K(zt_k_reduce)[] = {
    {.op = ZT_OP_sum_to, .ok = HALF_OK, .kernel = {.run = sum_run, .prepare = sum_prepare, .reads = SUM_READS}},
    {.op = ZT_OP_broadcast_to, .ok = HALF_OK, .kernel = {.run = broadcast_run}},
    {.op = ZT_OP_cumsum, .ok = HALF_OK, .kernel = {.run = cumsum_run}},
    {.op = -1}
};
