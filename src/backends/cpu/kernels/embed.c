/* embed.c - table look-up, its gradient, one-hot vectors, timestep features, rotary embedding. */
#include "backends/cpu/kernels/word.h"

/* ---- embedding --------------------------------------------------------------------------------------------------- */
static void embedding_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int32_t *id = n->in[0]->x;
    const float *table = n->in[1]->x;
    float *y = n->x;
    const int64_t V = n->in[1]->sh.d[0], D = zt_last(&n->sh), rows = zt_numel(&n->in[0]->sh);
#pragma omp parallel for schedule(static) if (k_parts(rows * D) > 1)
    for (int64_t r = 0; r < rows; r++) {
        if (id[r] >= 0 && id[r] < V) memcpy(y + r * D, table + id[r] * D, (size_t)D * sizeof *y);
        else memset(y + r * D, 0, (size_t)D * sizeof *y);
    }
}
/* Each piece owns a range of the table and takes the rows of dy that fall in it, in order: no two threads share a row. */
static void embedding_dw_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int32_t *id = n->in[0]->x;
    const float *dy = n->in[1]->x;
    float *w = n->x;
    const int64_t V = n->sh.d[0], D = n->sh.d[1], rows = zt_numel(&n->in[0]->sh);
    const int parts = k_parts((rows + V) * D);
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(V, 1, parts, s, &a, &b);
        memset(w + a * D, 0, (size_t)((b - a) * D) * sizeof *w);
        for (int64_t r = 0; r < rows; r++) {
            if (id[r] < a || id[r] >= b) continue;
            float *to = w + id[r] * D;
#pragma omp simd
            for (int64_t c = 0; c < D; c++) to[c] += dy[r * D + c];
        }
    }
}

static void one_hot_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const int32_t *id = n->in[0]->x;
    float *y = n->x;
    const int64_t K = n->at.i[0], rows = zt_numel(&n->in[0]->sh);
#pragma omp parallel for schedule(static) if (k_parts(rows * K) > 1)
    for (int64_t r = 0; r < rows; r++) {
        memset(y + r * K, 0, (size_t)K * sizeof *y);
        if (id[r] >= 0 && id[r] < K) y[r * K + id[r]] = 1;
    }
}

static void timestep_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const float *t = n->in[0]->x;
    const int64_t B = n->sh.d[0], dim = n->sh.d[1], waves = dim / 2;
    float *y = n->x;
    for (int64_t j = 0; j < waves; j++) {
        const double rate = n->at.f[0] * exp(-log(10000.0) * (double)j / (double)waves);
        for (int64_t b = 0; b < B; b++) {
            y[b * dim + j] = (float)cos((double)t[b] * rate);
            y[b * dim + waves + j] = (float)sin((double)t[b] * rate);
        }
    }
}

/* ---- rope -------------------------------------------------------------------------------------------------------- */
static void sin_cos(const float *x, float *sine, float *cosine, int64_t n) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) k_sin_cos(x[i], &sine[i], &cosine[i]);
}
static zt_err rope_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)prepared;
    *scratch = (size_t)zt_numel(&n->in[1]->sh) * 2 * sizeof(float);
    return ZT_OK;
}
/* Pairs j.. of a head of one row, from element `at` on. */
static void turn(stored y, stored x, int64_t at, const float *sine, const float *cosine, float sign, int64_t pairs) {
    enum { MOST = 64 };
    float room[2][2 * MOST];
    for (int64_t a = 0; a < pairs; a += MOST) {
        const int64_t n = pairs - a < MOST ? pairs - a : MOST;
        const float *from = widened(x, at + 2 * a, 2 * n, room[0]), *s = sine + a, *c = cosine + a;
        float *to = y.half ? room[1] : (float *)y.x + at + 2 * a;
#pragma omp simd
        for (int64_t j = 0; j < n; j++) {
            const float p = from[2 * j], q = from[2 * j + 1], sj = s[j] * sign;
            to[2 * j] = p * c[j] - q * sj;
            to[2 * j + 1] = p * sj + q * c[j];
        }
        narrow(y, at + 2 * a, to, 2 * n);
    }
}
static void rope_run(const zt_node *n, const zt_exec *e) {
    const int64_t B = n->sh.d[0], N = n->sh.d[1], D = n->sh.d[2], heads = n->at.i[0], pairs = D / heads / 2, count = N * pairs;
    const stored x = stored_of(n->in[0]), y = stored_of(n);
    const float *angle = n->in[1]->x, sign = n->at.i[1] ? -1.0f : 1.0f;
    float *sine = e->scratch, *cosine = sine + count;
    const int parts = k_parts(B * N * D);
#pragma omp parallel if (parts > 1)
    {
#pragma omp for schedule(static, 1)
        for (int s = 0; s < parts; s++) {
            int64_t a, b;
            k_piece(count, 16, parts, s, &a, &b);
            sin_cos(angle + a, sine + a, cosine + a, b - a);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < B * N; r++)
            for (int64_t h = 0; h < heads; h++)
                turn(y, x, r * D + h * 2 * pairs, sine + r % N * pairs, cosine + r % N * pairs, sign, pairs);
    }
}

#define ENTRY(op_, run_) {.op = ZT_OP_##op_, .ok = HALF_OK, .kernel = {.run = run_}}
const zt_cpu_entry K(zt_k_embed)[] = {
    ENTRY(embedding, embedding_run), ENTRY(embedding_dw, embedding_dw_run), ENTRY(timestep, timestep_run),
    ENTRY(one_hot, one_hot_run),
    {.op = ZT_OP_rope, .ok = HALF_OK,
     .kernel = {.run = rope_run, .prepare = rope_prepare, .writes_half = HALF_OK, .reads = READS_FIRST}}, {.op = -1}
};
