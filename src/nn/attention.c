/* attention.c - attention layers: reshapes and copies around the attention operation. Tested by tests/nn/test_nn_attention.c, and
 * as parts of the models by tests/models. */
#include "nn/attention.h"
#include <math.h>

/* ---- projections ------------------------------------------------------------------------------------------------- */
/* Rotary positions of x [O,N,I,D]: every inner index has the same ones. */
static zt_node *rotated(zt_node *x, zt_node *angles, int heads) {
    const zt_shape s = x->sh;
    const int64_t n = s.d[1] * s.d[2], pairs = zt_last(&angles->sh);
    if (s.d[2] > 1)
        angles = zt_reshape(zt_broadcast_to(zt_reshape(angles, zt_sh(s.d[1], 1, pairs)), zt_sh(s.d[1], s.d[2], pairs)),
                            zt_sh(n, pairs));
    return zt_reshape(zt_rope(zt_reshape(x, zt_sh(s.d[0], n, s.d[3])), angles, heads, false), s);
}

static zt_node *attended(zt_node *q, zt_node *k, zt_node *v, const zt_attend *a) {
    if (a->segment && a->len)
        return zt_graph_fail(q->g, zt_fail(ZT_ARG, "attention: len and segment exclude each other; padding can be a segment"));
    if (a->segment) return zt_attention_segments(q, k, v, a->heads, a->bias, a->segment, a->causal);
    return (a->causal ? zt_attention_causal : zt_attention)(q, k, v, a->heads, a->bias, a->len);
}

static zt_node *projected(zt_nn *nn, const char *name, zt_node *x, int64_t width) {
    return zt_linear(nn, name, x, width, ZT_INIT_XAVIER);
}

zt_node *zt_mha(zt_nn *nn, const char *name, zt_node *x, zt_node *src, const zt_attend *a) {
    const int64_t d = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    zt_node *q = projected(nn, "q", x, d), *k = projected(nn, "k", src, d), *v = projected(nn, "v", src, d);
    if (a->angles) {
        q = rotated(q, a->angles, a->heads);
        k = rotated(k, a->angles, a->heads);
    }
    zt_node *o = zt_linear(nn, "o", attended(q, k, v, a), d, a->zero_out ? ZT_INIT_ZERO : ZT_INIT_XAVIER);
    zt_pop(nn->g);
    return o;
}

zt_node *zt_pool_words(zt_nn *nn, const char *name, zt_node *text, zt_node *len, int64_t dim) {
    const int64_t b = text->sh.d[0], e = text->sh.d[2];
    zt_push(nn->g, "%s", name);
    zt_node *q = zt_broadcast_to(zt_nn_param(nn, "query", zt_sh(1, 1, 1, e), ZT_INIT_ZERO), zt_sh(b, 1, 1, e));
    text = zt_reshape(text, zt_sh(b, text->sh.d[1], 1, e));
    zt_node *p = zt_attention(q, text, text, e % 4 ? 1 : 4, NULL, len);                                       /* [B,1,1,E] */
    p = zt_affine(zt_reshape(p, zt_sh(b, e)), 8, 0);
    if (e != dim) p = zt_linear(nn, "fc", p, dim, ZT_INIT_XAVIER);
    zt_pop(nn->g);
    return p;
}

/* ---- positions --------------------------------------------------------------------------------------------------- */
/* Table row of the offset from cell a to cell b of the grid. */
static int64_t offset_row(int n_axes, const int64_t *size, const int64_t *clip, int64_t a, int64_t b) {
    int64_t row = 0, scale = 1;
    for (int k = n_axes - 1; k >= 0; k--) {
        int64_t d = b % size[k] - a % size[k];
        d = d < -clip[k] ? -clip[k] : d > clip[k] ? clip[k] : d;
        row += (d + clip[k]) * scale;
        scale *= 2 * clip[k] + 1;
        a /= size[k];
        b /= size[k];
    }
    return row;
}

zt_node *zt_relative_bias(zt_nn *nn, const char *name, int heads, int n_axes, const int64_t *size, const int64_t *clip) {
    int64_t n = 1, rows = 1;
    for (int k = 0; k < n_axes; k++) {
        n *= size[k];
        rows *= 2 * clip[k] + 1;
    }
    double *row = zt_alloc_array((size_t)(n * n), sizeof *row);
    if (!row) return zt_graph_fail(nn->g, ZT_NOMEM);
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = 0; b < n; b++) row[a * n + b] = (double)offset_row(n_axes, size, clip, a, b);
    zt_push(nn->g, "%s", name);
    zt_node *table = zt_nn_param(nn, "table", zt_sh(rows, heads), ZT_INIT_ZERO);
    zt_node *bias = zt_embedding(zt_const(nn->g, ZT_I32, zt_sh(n, n), row), table);                 /* [N,N,heads] */
    bias = zt_permute(bias, (const int[]){2, 0, 1});
    zt_pop(nn->g);
    zt_free(row);
    return bias;
}

zt_node *zt_rope_angles(zt_graph *g, int64_t n, int64_t pairs) {
    double *a = zt_alloc_array((size_t)(n * pairs), sizeof *a);
    if (!a) return zt_graph_fail(g, ZT_NOMEM);
    for (int64_t k = 0; k < n * pairs; k++) a[k] = (double)(k / pairs) * pow(1e4, -(double)(k % pairs) / (double)pairs);
    zt_node *c = zt_const(g, zt_graph_real(g), zt_sh(n, pairs), a);
    zt_free(a);
    return c;
}

/* ---- clips ------------------------------------------------------------------------------------------------------- */
static zt_node *not_a_clip(zt_node *x, const char *layer) {
    return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "%s: x is %s; want [B,T,H,W,D]", layer, zt_shape_text(&x->sh)));
}

zt_node *zt_axes_attention(zt_nn *nn, const char *name, zt_node *x, int first, int last, const zt_attend *a) {
    const zt_shape s = x->sh;
    int64_t part[3] = {s.d[0], 1, 1};                               /* O, N, I */
    if (s.n != 5) return not_a_clip(x, name);
    if (first < 1 || last > 3 || first > last)
        return zt_graph_fail(nn->g, zt_fail(ZT_ARG, "%s: attention along axes %d..%d of [B,T,H,W,D]; want 1..3", name, first,
                                            last));
    for (int k = 1; k <= 3; k++) part[k < first ? 0 : k <= last ? 1 : 2] *= s.d[k];
    zt_node *tokens = zt_reshape(x, zt_sh(part[0], part[1], part[2], s.d[4]));
    return zt_reshape(zt_mha(nn, name, tokens, tokens, a), s);
}

/* x + attention along the axes of the normalised x. */
static zt_node *branch(zt_nn *nn, const char *name, zt_node *x, int first, int last, const zt_attend *a) {
    if (x->sh.n != 5) return not_a_clip(x, name);
    zt_push(nn->g, "%s", name);
    x = zt_add(x, zt_axes_attention(nn, "attn", zt_norm_affine(nn, "norm", x), first, last, a));
    zt_pop(nn->g);
    return x;
}

zt_node *zt_axial_attention(zt_nn *nn, const char *name, zt_node *x, int heads) {
    static const char *const axis[] = {"t", "h", "w"};
    const zt_attend a = {.heads = heads};
    if (x->sh.n != 5) return not_a_clip(x, name);
    zt_push(nn->g, "%s", name);
    for (int k = 1; k <= 3; k++)
        if (x->sh.d[k] > 1) x = branch(nn, axis[k - 1], x, k, k, &a);
    zt_pop(nn->g);
    return x;
}

zt_node *zt_divided_attention(zt_nn *nn, const char *name, zt_node *x, int heads) {
    zt_push(nn->g, "%s", name);
    x = branch(nn, "time", x, 1, 1, &(zt_attend){.heads = heads, .zero_out = true});
    x = branch(nn, "space", x, 2, 3, &(zt_attend){.heads = heads});
    zt_pop(nn->g);
    return x;
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */
/* Element k becomes k - by (mod the size) along an axis. */
static zt_node *rolled(zt_node *x, int axis, int64_t by) {
    const int64_t n = x->sh.d[axis];
    if (by % n == 0) return x;
    return zt_concat(axis, 2, (zt_node *const[]){zt_slice(x, axis, by, n - by), zt_slice(x, axis, 0, by)});
}

/* Which piece of the clip each token of each window is of, [windows, N]: along an axis that was rolled by `shift`, the last
 * window holds the end and, behind it, the beginning. NULL: no axis is shifted. */
static zt_node *window_segments(zt_graph *g, const zt_shape *s, const int64_t window[3], const int64_t shift[3]) {
    if (!shift[0] && !shift[1] && !shift[2]) return NULL;
    const int64_t count[3] = {s->d[1] / window[0], s->d[2] / window[1], s->d[3] / window[2]};
    const int64_t n = window[0] * window[1] * window[2], windows = count[0] * count[1] * count[2];
    double *piece = zt_alloc_array((size_t)(windows * n), sizeof *piece);
    if (!piece) return zt_graph_fail(g, ZT_NOMEM);
    for (int64_t k = 0; k < windows * n; k++) {
        int64_t which = k / n, token = k % n;
        for (int axis = 2; axis >= 0; axis--) {                     /* bit a: at the beginning of axis a */
            const bool last = which % count[axis] == count[axis] - 1;
            if (last && shift[axis] && token % window[axis] >= window[axis] - shift[axis]) piece[k] += 1 << axis;
            which /= count[axis];
            token /= window[axis];
        }
    }
    zt_node *segment = zt_const(g, ZT_I32, zt_sh(windows, n), piece);
    zt_free(piece);
    return segment;
}

static zt_err window_check(const zt_shape *s, const char *name, const int64_t window[3], const int64_t shift[3]) {
    for (int k = 0; k < 3; k++) {
        if (window[k] < 1 || s->d[k + 1] % window[k])
            return zt_fail(ZT_SHAPE, "%s: a window of %lld does not divide axis %c of %s", name, (long long)window[k], "thw"[k],
                           zt_shape_text(s));
        if (shift[k] < 0 || shift[k] >= window[k])
            return zt_fail(ZT_SHAPE, "%s: shift %lld of axis %c; want 0..%lld (less than the window)", name, (long long)shift[k],
                           "thw"[k], (long long)window[k] - 1);
    }
    return ZT_OK;
}

zt_node *zt_window_attention(zt_nn *nn, const char *name, zt_node *x, const int64_t window[3], const int64_t shift[3], int heads,
                             bool zero_out) {
    const zt_shape s = x->sh;
    if (s.n != 5) return not_a_clip(x, name);
    const zt_err e = window_check(&s, name, window, shift);
    if (e != ZT_OK) return zt_graph_fail(nn->g, e);
    const int64_t n = window[0] * window[1] * window[2], clip[3] = {window[0] - 1, window[1] - 1, window[2] - 1};
    for (int k = 0; k < 3; k++) x = rolled(x, k + 1, shift[k]);
    x = zt_space_to_depth(x, (int)window[0], (int)window[1], (int)window[2]);                       /* [B,nt,nh,nw,N*D] */
    const zt_shape grid = x->sh;
    x = zt_reshape(x, zt_sh(zt_numel(&s) / (n * s.d[4]), n, 1, s.d[4]));
    zt_push(nn->g, "%s", name);
    zt_node *bias = zt_relative_bias(nn, "bias", heads, 3, window, clip);
    zt_pop(nn->g);
    x = zt_mha(nn, name, x, x, &(zt_attend){.heads = heads, .bias = bias, .zero_out = zero_out,
                                            .segment = window_segments(nn->g, &s, window, shift)});
    x = zt_depth_to_space(zt_reshape(x, grid), (int)window[0], (int)window[1], (int)window[2]);
    for (int k = 0; k < 3; k++) x = rolled(x, k + 1, s.d[k + 1] - shift[k]);
    return x;
}

/* ---- sequences that grow ----------------------------------------------------------------------------------------- */
/* Writes y [B,N,1,D] to the cache; the cache, for what is made after this. */
static zt_node *cached(zt_nn *nn, const char *name, zt_node *y, zt_node *row, int64_t capacity) {
    zt_node *cache = zt_nn_state(nn, name, zt_sh(y->sh.d[0], capacity, 1, y->sh.d[3]), ZT_INIT_ZERO);
    zt_nn_update(nn, zt_assign_rows(cache, y, row));
    return cache;
}

zt_node *zt_cached_attention(zt_nn *nn, const char *name, zt_node *x, zt_node *row, zt_node *len, int64_t capacity, int heads,
                             bool rope) {
    const zt_shape s = x->sh;
    if (s.n != 3 || s.d[1] > capacity)
        return zt_graph_fail(nn->g, zt_fail(ZT_SHAPE, "%s: x is %s; want [B,N,D] with N up to the cache's %lld tokens", name,
                                            zt_shape_text(&s), (long long)capacity));
    const int64_t b = s.d[0], n = s.d[1], d = s.d[2];
    const zt_shape tokens = zt_sh(b, n, 1, d), turned = n > 1 ? tokens : zt_sh(1, b, 1, d);          /* one place each */
    zt_push(nn->g, "%s", name);
    zt_node *q = projected(nn, "q", x, d), *k = projected(nn, "k", x, d), *v = zt_reshape(projected(nn, "v", x, d), tokens);
    if (rope) {
        zt_node *angles = zt_rope_angles(nn->g, capacity, d / heads / 2);
        angles = n > 1 ? zt_slice(angles, 0, 0, n) : zt_embedding(row, angles);
        q = rotated(zt_reshape(q, turned), angles, heads);
        k = rotated(zt_reshape(k, turned), angles, heads);
    }
    q = zt_reshape(q, tokens);
    k = zt_reshape(k, tokens);
    zt_node *keys = cached(nn, "cache.k", k, row, capacity), *values = cached(nn, "cache.v", v, row, capacity);
    zt_node *y = n > 1 ? zt_attention_causal(q, k, v, heads, NULL, NULL) : zt_attention(q, keys, values, heads, NULL, len);
    y = zt_reshape(zt_linear(nn, "o", y, d, ZT_INIT_XAVIER), s);
    zt_pop(nn->g);
    return y;
}
