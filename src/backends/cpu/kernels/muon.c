/* muon.c - the Muon step: each thread takes whole matrices, so that nothing waits for anything within one. Products run on the
 * tiles of tile.h, in words: at level bf16 their factors are rounded; X, S and sums stay f32. */
#include "backends/cpu/kernels/tile.h"
#include "ops/muon.h"

static int64_t padded(int64_t n) {
    return (n + VW - 1) / VW * VW;
}

enum { SLOTS_MAX = 64 };          /* threads that matrices are shared out to */

/* One matrix [rows,cols], and as wide [few,many] with padded rows. */
typedef struct matrix { int64_t rows, cols, few, many, fp, mp; } matrix;
static matrix matrix_of(const zt_node *n, int k) {
    const zt_shape *sh = &n->in[k]->sh;
    matrix a = {.cols = zt_last(sh), .rows = zt_numel(sh) / zt_last(sh)};
    a.few = a.rows < a.cols ? a.rows : a.cols;
    a.many = a.rows + a.cols - a.few;
    a.fp = padded(a.few);
    a.mp = padded(a.many);
    return a;
}

/* Scratch of a thread: X and Y [few,many], S and T [few,few], and the words of factors. */
typedef struct room { float *x, *y, *s, *t; word *rows, *across, *pairs, *square_rows, *square_pairs; } room;
static int64_t room_of(const matrix *a, float *base, room *r) {
    const int64_t even = (a->few + 1) / 2 * 2, size[9] = {a->few * a->mp, a->few * a->mp, a->few * a->fp, a->few * a->fp,
        a->few * a->mp, a->mp * a->fp, even * a->mp, a->few * a->fp, even * a->fp};
    float *at[9];
    int64_t sum = 0;
    for (int k = 0; k < 9; k++) {
        at[k] = base ? base + sum : NULL;
        sum += (size[k] + 15) / 16 * 16;
    }
    *r = (room){at[0], at[1], at[2], at[3], (word *)at[4], (word *)at[5], (word *)at[6], (word *)at[7], (word *)at[8]};
    return sum;
}
static int64_t room_size(const zt_node *n) {
    int64_t most = 0;
    for (int k = 0; k < n->at.i[0]; k++) {
        room r;
        const matrix a = matrix_of(n, k);
        const int64_t size = room_of(&a, NULL, &r);
        if (size > most) most = size;
    }
    return most;
}

/* y = a x + b z over whole rows of padded matrices. */
static void blend(float *y, float a, const float *x, float b, const float *z, int64_t n) {
    for (int64_t k = 0; k < n; k += VW) v_store(y + k, v_load(x + k) * a + v_load(z + k) * b);
}
static stored floats(float *x) { return (stored){x, false}; }
/* X to about the nearest matrix with orthogonal rows. */
static void orthogonal(const matrix *a, const room *r) {
    const int64_t few = a->few, fp = a->fp, mp = a->mp, terms = w_words(few);
    if (few < fp) memset(r->across, 0, (size_t)(mp * fp) * sizeof *r->across);
    for (int step = 0; step < ZT_MUON_STEPS; step++) {
        w_rows(r->rows, floats(r->x), 0, mp, few, a->many, mp, 1);
        k_transpose((float *)r->across, fp, (const float *)r->rows, mp / PAIR, few, w_words(a->many));
        mm_run((mm){r->s, fp, r->rows, mp / PAIR, 1, r->across, fp, few, w_words(a->many), fp, false});      /* S = X X' */
        w_rows(r->square_rows, floats(r->s), 0, fp, few, few, fp, 1);
        w_pairs(r->square_pairs, floats(r->s), 0, fp, few, few, fp);
        mm_run((mm){r->t, fp, r->square_rows, fp / PAIR, 1, r->square_pairs, fp, few, terms, fp, false});
        blend(r->t, (float)ZT_MUON_B, r->s, (float)ZT_MUON_C, r->t, few * fp);                               /* B S + C S^2 */
        w_rows(r->square_rows, floats(r->t), 0, fp, few, few, fp, 1);
        w_pairs(r->pairs, floats(r->x), 0, mp, few, a->many, mp);
        mm_run((mm){r->y, mp, r->square_rows, fp / PAIR, 1, r->pairs, mp, few, terms, mp, false});
        blend(r->x, (float)ZT_MUON_A, r->x, 1, r->y, few * mp);
    }
}

/* Momentum of matrix k; the direction, over its norm, to X. */
static void direction(const zt_node *n, int k, const matrix *a, const room *r, float clip) {
    const int K = (int)n->at.i[0];
    const float b = (float)n->at.f[0], c = (float)(1 - n->at.f[0]) * clip, *g = n->in[2 * K + k]->x;
    float *m = n->in[K + k]->x;
    const bool tall = a->rows > a->cols;
    double sum = 0;
    for (int64_t i = 0; i < a->few; i++)                       /* zeros after each row */
        for (int64_t j = a->many; j < a->mp; j++) r->x[i * a->mp + j] = 0;
    for (int64_t i = 0; i < a->rows; i++) {
        float *to = tall ? r->y : r->x + i * a->mp, row = 0;
        for (int64_t j = 0; j < a->cols; j++) {
            const int64_t at = i * a->cols + j;
            m[at] = b * m[at] + c * g[at];
            to[j] = b * m[at] + c * g[at];
            row += to[j] * to[j];
        }
        for (int64_t j = 0; tall && j < a->cols; j++) r->x[j * a->mp + i] = to[j];
        sum += row;
    }
    const float inv = (float)(1 / (sqrt(sum) + 1e-12));
    for (int64_t at = 0; at < a->few * a->mp; at += VW) v_store(r->x + at, v_load(r->x + at) * inv);
}

static void one_matrix(const zt_node *n, int k, float *base, float clip) {
    const float *hyper = n->in[3 * (int)n->at.i[0]]->x;
    const matrix a = matrix_of(n, k);
    room r;
    room_of(&a, base, &r);
    direction(n, k, &a, &r, clip);
    orthogonal(&a, &r);
    const float keep = 1 - hyper[0] * hyper[4], step = hyper[0] * 0.2f * sqrtf((float)a.many);
    float *p = n->in[k]->x;
    for (int64_t i = 0; i < a.rows; i++)
        for (int64_t j = 0; j < a.cols; j++)
            p[i * a.cols + j] = p[i * a.cols + j] * keep - step * r.x[a.rows > a.cols ? j * a.mp + i : i * a.mp + j];
}

static zt_err muon_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    *scratch = (size_t)(room_size(n) * zt_cpu_slots()) * sizeof(float);
    return ZT_OK;
}
static void muon_run(const zt_node *n, const zt_exec *e) {
    const int K = (int)n->at.i[0], slots = zt_cpu_slots();
    const float *hyper = n->in[3 * K]->x, norm = *(const float *)n->in[3 * K + 1]->x;
    const int64_t size = room_size(n);
    *(float *)n->x = 0;
    memset(n->aux[0], 0, (size_t)zt_numel(&n->aux_sh[0]) * sizeof(float));
    if (!isfinite(norm)) return;
    const float clip = hyper[7] > 0 && norm > hyper[7] ? hyper[7] / norm : 1;
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        double load[SLOTS_MAX] = {0};          /* each matrix to the slot that has least: the same every run */
        for (int k = 0; k < K; k++) {
            const matrix a = matrix_of(n, k);
            int least = 0;
            for (int i = 1; i < slots && i < SLOTS_MAX; i++)
                if (load[i] < load[least]) least = i;
            load[least] += (double)a.few * (double)a.few * (double)(2 * a.many + a.few);
            if (least == s) one_matrix(n, k, (float *)e->scratch + s * size, clip);
        }
    }
}

const zt_cpu_entry K(zt_k_muon)[] = {
    {.op = ZT_OP_muon, .ok = HALF_OK, .kernel = {.run = muon_run, .prepare = muon_prepare}}, {.op = -1}
};
