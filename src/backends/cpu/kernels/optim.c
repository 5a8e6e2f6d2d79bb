/* optim.c - global norm, AdamW (and Adam), RMSProp, Lion, momentum, descent, EMA, assignment: one pass over memory each. */
#include "backends/cpu/kernels/kernel.h"

static double square_sum(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t a = 0; a < n; a += 4096) {
        const int64_t b = a + 4096 < n ? a + 4096 : n;
        float s = 0;
#pragma omp simd reduction(+ : s)
        for (int64_t i = a; i < b; i++) s += x[i] * x[i];
        sum += s;
    }
    return sum;
}
static zt_err norm_prepare(const zt_node *n, void **prepared, size_t *scratch) {
    (void)n, (void)prepared;
    *scratch = (size_t)zt_cpu_slots() * sizeof(double);
    return ZT_OK;
}
static void norm_run(const zt_node *n, const zt_exec *e) {
    double *part = e->scratch, sum = 0;
    const int slots = zt_cpu_slots();
#pragma omp parallel for schedule(static, 1)
    for (int s = 0; s < slots; s++) {
        double mine = 0;
        for (int k = 0; k < n->n_in; k++) {
            int64_t a, b;
            k_piece(zt_numel(&n->in[k]->sh), 64, slots, s, &a, &b);
            mine += square_sum((const float *)n->in[k]->x + a, b - a);
        }
        part[s] = mine;
    }
    for (int s = 0; s < slots; s++) sum += part[s];
    *(float *)n->x = (float)sqrt(sum);
}

static float clip_factor(const float *h, float norm) {
    return h[7] > 0 && norm > h[7] ? h[7] / norm : 1;
}

/* What an update of leaves shares out: hyper, the factors of gradients and of what is kept, the decay within gradients. */
typedef struct update { const float *h; float clip, keep, into; } update;
typedef void piece_fn(const zt_node *n, int64_t from, int64_t to, const update *u);

/* Elements of the leaves in pieces; hyper and norm are inputs number `at` and at+1. Nothing moves when the norm is not finite. */
static void in_pieces(const zt_node *n, int at, piece_fn *f) {
    const float *h = n->in[at]->x, norm = *(const float *)n->in[at + 1]->x;
    const int64_t count = zt_numel(&n->in[0]->sh);
    const int parts = k_parts(count);
    *(float *)n->x = 0;
    if (!isfinite(norm)) return;
    const update u = {.h = h, .clip = clip_factor(h, norm), .keep = n->at.i[0] == ZT_DECAY_APART ? 1 - h[0] * h[4] : 1,
                      .into = n->at.i[0] == ZT_DECAY_INTO_GRADIENT ? h[4] : 0};
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t from, to;
        k_piece(count, 64, parts, s, &from, &to);
        f(n, from, to, &u);
    }
}

static void adamw_piece(const zt_node *n, int64_t from, int64_t to, const update *u) {
    float *restrict p = n->in[0]->x, *restrict m = n->in[1]->x, *restrict v = n->in[2]->x;
    const float *restrict g = n->in[3]->x, *h = u->h;
    const float b1 = h[1], b2 = h[2], eps = h[3], a1 = 1 - b1, a2 = 1 - b2, lr = h[0] / h[5], i2 = 1 / h[6];
    const float clip = u->clip, keep = u->keep, into = u->into;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        const float gi = g[i] * clip + into * p[i], mi = b1 * m[i] + a1 * gi, vi_ = b2 * v[i] + a2 * gi * gi;
        m[i] = mi;
        v[i] = vi_;
        p[i] = p[i] * keep - lr * mi / (sqrtf(vi_ * i2) + eps);
    }
}
static void rmsprop_piece(const zt_node *n, int64_t from, int64_t to, const update *u) {
    float *restrict p = n->in[0]->x, *restrict v = n->in[1]->x;
    const float *restrict g = n->in[2]->x;
    const float lr = u->h[0], b2 = u->h[2], eps = u->h[3], a2 = 1 - b2, clip = u->clip, keep = u->keep;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        const float gi = g[i] * clip, vi_ = b2 * v[i] + a2 * gi * gi;
        v[i] = vi_;
        p[i] = p[i] * keep - lr * gi / (sqrtf(vi_) + eps);
    }
}
static void lion_piece(const zt_node *n, int64_t from, int64_t to, const update *u) {
    float *restrict p = n->in[0]->x, *restrict m = n->in[1]->x;
    const float *restrict g = n->in[2]->x;
    const float lr = u->h[0], b1 = u->h[1], b2 = u->h[2], a1 = 1 - b1, a2 = 1 - b2, clip = u->clip, keep = u->keep;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        const float gi = g[i] * clip, c = b1 * m[i] + a1 * gi;
        m[i] = b2 * m[i] + a2 * gi;
        p[i] = p[i] * keep - (c > 0 ? lr : c < 0 ? -lr : 0);
    }
}
static void adamw_run(const zt_node *n, const zt_exec *e) { (void)e; in_pieces(n, 4, adamw_piece); }
static void rmsprop_run(const zt_node *n, const zt_exec *e) { (void)e; in_pieces(n, 3, rmsprop_piece); }
static void lion_run(const zt_node *n, const zt_exec *e) { (void)e; in_pieces(n, 3, lion_piece); }

static void momentum_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const float *h = n->in[2]->x, norm = *(const float *)n->in[3]->x, b = (float)n->at.f[0];
    const bool good = isfinite(norm);
    const float clip = good ? clip_factor(h, norm) : 0, take = 1 - b, keep = good ? b : 1;
    const float old = n->at.i[0] ? b : 1, new = n->at.i[0] ? 1 : 0;      /* Nesterov: a step ahead along the new momentum */
    const int64_t count = zt_numel(&n->sh);
    const int parts = k_parts(count);
    float *restrict m = n->in[0]->x, *restrict y = n->x;
    const float *restrict g = n->in[1]->x;
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t from, to;
        k_piece(count, 64, parts, s, &from, &to);
#pragma omp simd
        for (int64_t i = from; i < to; i++) {
            const float gi = good ? g[i] * clip * take : 0, mi = keep * m[i] + gi;
            m[i] = mi;
            y[i] = old * mi + new * gi;
        }
    }
}
static void descend_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const float *h = n->in[2]->x;
    *(float *)n->x = 0;
    if (!isfinite(*(const float *)n->in[3]->x)) return;
    const float keep = n->at.i[0] ? 1 - h[0] * h[4] : 1, step = h[0] * (float)n->at.f[0];
    const int64_t count = zt_numel(&n->in[0]->sh);
    const int parts = k_parts(count);
    float *restrict p = n->in[0]->x;
    const float *restrict u = n->in[1]->x;
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t from, to;
        k_piece(count, 64, parts, s, &from, &to);
#pragma omp simd
        for (int64_t i = from; i < to; i++) p[i] = p[i] * keep - step * u[i];
    }
}
static void ema_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const float keep = *(const float *)n->in[2]->x, norm = *(const float *)n->in[3]->x, take = 1 - keep;
    *(float *)n->x = 0;
    if (!isfinite(norm)) return;
    const int64_t count = zt_numel(&n->in[0]->sh);
    const int parts = k_parts(count);
    float *restrict to = n->in[0]->x;
    const float *restrict p = n->in[1]->x;
#pragma omp parallel for schedule(static, 1) if (parts > 1)
    for (int s = 0; s < parts; s++) {
        int64_t a, b;
        k_piece(count, 64, parts, s, &a, &b);
#pragma omp simd
        for (int64_t i = a; i < b; i++) to[i] = to[i] * keep + p[i] * take;
    }
}
static void assign_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    *(float *)n->x = 0;
    memmove(n->in[0]->x, n->in[1]->x, (size_t)zt_numel(&n->in[0]->sh) * sizeof(float));
}

static void assign_rows_run(const zt_node *n, const zt_exec *e) {
    (void)e;
    const zt_shape *p = &n->in[0]->sh;
    const int64_t O = p->d[0], M = p->d[1], N = n->in[1]->sh.d[1], width = zt_numel(p) / (O * M);
    const int32_t *row = n->in[2]->x;
    *(float *)n->x = 0;
    for (int64_t o = 0; o < O; o++) {
        const int64_t from = row[o] < 0 ? -(int64_t)row[o] : 0, to = M - row[o] < N ? M - row[o] : N;
        if (from < to)
            memcpy((float *)n->in[0]->x + (o * M + row[o] + from) * width, (const float *)n->in[1]->x + (o * N + from) * width,
                   (size_t)((to - from) * width) * sizeof(float));
    }
}

const zt_cpu_entry K(zt_k_optim)[] = {
    {.op = ZT_OP_global_norm, .kernel = {.run = norm_run, .prepare = norm_prepare}},
    {.op = ZT_OP_adamw, .kernel = {.run = adamw_run}},
    {.op = ZT_OP_rmsprop, .kernel = {.run = rmsprop_run}},
    {.op = ZT_OP_lion, .kernel = {.run = lion_run}},
    {.op = ZT_OP_momentum, .kernel = {.run = momentum_run}},
    {.op = ZT_OP_descend, .kernel = {.run = descend_run}},
    {.op = ZT_OP_ema, .kernel = {.run = ema_run}},
    {.op = ZT_OP_assign, .kernel = {.run = assign_run}},
    {.op = ZT_OP_assign_rows, .kernel = {.run = assign_rows_run}},
    {.op = -1}
};
