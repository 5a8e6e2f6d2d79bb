/* grid_sample.c - x read between its elements, at places that another tensor names, and the two gradients. Inputs and attributes:
 * attrs.h. With p = grid[b,s,:] a place (t,h,w) in pixels,
 *   y[b,s,c] = sum_{t,h,w} k_t(p_t - t) k_h(p_h - h) k_w(p_w - w) x[b,t,h,w,c],   k(u) = max(0, 1 - |u|)
 * Where `along` names an axis its k is replaced by the slope of k, so that the three ops, one form linear in x and in dy, are
 * each other's gradients to every order. An axis of size 1 is not interpolated: k = 1, and its slope is 0.
 * Spatial transformers: Jaderberg et al. 2015, arXiv:1506.02025. Tested by tests/ops/test_ops_sweep.c, against PyTorch by
 * tests/nn/test_sample_golden.c. */
#include "ops/real.h"

/* ---- references -------------------------------------------------------------------------------------------------- */
/* One axis of a place: the element below it, and the weights of that and of the next; 0 for an element that does not exist. */
typedef struct grid_cell { int64_t low; double w[2]; } grid_cell;

static grid_cell grid_cell_at(double p, int64_t size, bool clamp, bool slope) {
    const double last = (double)size - 1;
    if (size == 1) return (grid_cell){0, {!slope, 0}};
    const bool within = !clamp || (p > 0 && p < last);
    p = clamp ? fmin(fmax(p, 0), last) : fmin(fmax(p, -2), last + 2); /* also what is not a number */
    grid_cell c = {(int64_t)floor(p), {slope ? -within : 1 - (p - floor(p)), slope ? within : p - floor(p)}};
    for (int k = 0; k < 2; k++)
        if (c.low + k < 0 || c.low + k >= size) c.w[k] = 0;
    return c;
}

/* What of x (its T,H,W,C in xs) makes up a place of batch b: indices of first channels, and weights. Returns how many: 0..8. */
static int grid_taps(const zt_node *n, const real *place, int64_t b, const int64_t *xs, int64_t along, int64_t *at, double *w) {
    grid_cell cell[3];
    int count = 0;
    for (int a = 0; a < 3; a++) cell[a] = grid_cell_at(place[a], xs[a], n->at.i[ZT_GRID_CLAMP], along >> a & 1);
    for (int k = 0; k < 8; k++) {
        const int t = k >> 2, h = k >> 1 & 1, v = k & 1;
        w[count] = cell[0].w[t] * cell[1].w[h] * cell[2].w[v];
        at[count] = (((b * xs[0] + cell[0].low + t) * xs[1] + cell[1].low + h) * xs[2] + cell[2].low + v) * xs[3];
        count += w[count] != 0;
    }
    return count;
}

void REF(grid_sample)(const zt_node *n) {
    const int64_t C = n->sh.d[4], rows = zt_rows(&n->sh), points = rows / n->sh.d[0];
    const real *x = n->in[0]->x, *grid = n->in[1]->x;
    int64_t at[8];
    double w[8];
    for (int64_t s = 0; s < rows; s++) {
        const int count = grid_taps(n, grid + 3 * s, s / points, n->in[0]->sh.d + 1, n->at.i[ZT_GRID_ALONG], at, w);
        for (int64_t c = 0; c < C; c++) {
            double sum = 0;
            for (int k = 0; k < count; k++) sum += w[k] * x[at[k] + c];
            ((real *)n->x)[s * C + c] = (real)sum;
        }
    }
}

void REF(grid_sample_dx)(const zt_node *n) {
    const int64_t C = n->sh.d[4], count = zt_numel(&n->sh), points = zt_rows(&n->in[0]->sh) / n->sh.d[0];
    const real *dy = n->in[0]->x, *grid = n->in[1]->x;
    int64_t at[8];
    double w[8];
    for (int64_t j = 0; j < count; j++) {
        const int64_t b = j / (count / n->sh.d[0]);
        double sum = 0;
        for (int64_t s = b * points; s < (b + 1) * points; s++) {
            const int taps = grid_taps(n, grid + 3 * s, b, n->sh.d + 1, n->at.i[ZT_GRID_ALONG], at, w);
            for (int k = 0; k < taps; k++)
                if (at[k] == j - j % C) sum += w[k] * dy[s * C + j % C];
        }
        ((real *)n->x)[j] = (real)sum;
    }
}

void REF(grid_sample_dgrid)(const zt_node *n) {
    const int64_t C = n->in[0]->sh.d[4], rows = zt_rows(&n->sh), points = rows / n->sh.d[0], along = n->at.i[ZT_GRID_ALONG];
    const real *dy = n->in[0]->x, *x = n->in[1]->x, *grid = n->in[2]->x;
    int64_t at[8];
    double w[8];
    for (int64_t s = 0; s < rows; s++)
        for (int a = 0; a < 3; a++) {
            const bool straight = along >> a & 1; /* the slope of a slope */
            const int count = straight ? 0 : grid_taps(n, grid + 3 * s, s / points, n->in[1]->sh.d + 1, along | 1 << a, at, w);
            double sum = 0;
            for (int64_t c = 0; c < C; c++)
                for (int k = 0; k < count; k++) sum += w[k] * dy[s * C + c] * x[at[k] + c];
            ((real *)n->x)[3 * s + a] = (real)sum;
        }
}

#ifndef ZT_REAL_F64
#include "ops/common.h"

/* ---- builders ---------------------------------------------------------------------------------------------------- */
static zt_node *grid_sample(zt_node *x, zt_node *grid, int64_t clamp, int64_t along) {
    const zt_attr at = {.i = {[ZT_GRID_CLAMP] = clamp, [ZT_GRID_ALONG] = along}};
    return zt_emit2(x->g, &zt_def_grid_sample, x, grid, &at);
}
static zt_node *grid_sample_dx(zt_node *dy, zt_node *grid, int64_t clamp, int64_t along, const int64_t *size) {
    zt_attr at = {.i = {[ZT_GRID_CLAMP] = clamp, [ZT_GRID_ALONG] = along}};
    memcpy(at.i + ZT_GRID_SIZE, size, 3 * sizeof *size);
    return zt_emit2(dy->g, &zt_def_grid_sample_dx, dy, grid, &at);
}
static zt_node *grid_sample_dgrid(zt_node *dy, zt_node *x, zt_node *grid, int64_t clamp, int64_t along) {
    const zt_attr at = {.i = {[ZT_GRID_CLAMP] = clamp, [ZT_GRID_ALONG] = along}};
    return zt_emit3(x->g, &zt_def_grid_sample_dgrid, dy, x, grid, &at);
}

zt_node *zt_grid_sample(zt_node *x, zt_node *grid, bool clamp) { return grid_sample(x, grid, clamp, 0); }

/* Each frame is a sample of one frame, whose time coordinate does not count. */
zt_node *zt_warp(zt_node *x, zt_node *flow, bool clamp) {
    const int64_t *d = x->sh.d, frames = d[0] * d[1], H = d[2], W = d[3];
    const zt_shape want = zt_sh(d[0], d[1], H, W, 2);
    if (x->sh.n != 5 || !zt_same_shape(&flow->sh, &want))
        return zt_graph_fail(x->g, zt_fail(ZT_SHAPE, "warp: x must be [B,T,H,W,C] and flow [B,T,H,W,2]; they are %s and %s",
                                           zt_shape_text(&x->sh), zt_shape_text(&flow->sh)));
    double *here = zt_graph_alloc(x->g, (size_t)(H * W) * 3 * sizeof *here);
    if (!here) return zt_graph_fail(x->g, ZT_NOMEM);
    for (int64_t k = 0; k < H * W; k++) {
        here[3 * k + 1] = (double)(k / W);
        here[3 * k + 2] = (double)(k % W);
    }
    zt_node *hw[2] = {zt_slice(flow, -1, 1, 1), zt_slice(flow, -1, 0, 1)};
    zt_node *grid = zt_pad(zt_concat(-1, 2, hw), -1, 1, 0);
    grid = zt_add(grid, zt_const(x->g, zt_graph_real(x->g), zt_sh(H, W, 3), here));
    zt_node *one = zt_reshape(x, zt_sh(frames, 1, H, W, d[4]));
    return zt_reshape(zt_grid_sample(one, zt_reshape(grid, zt_sh(frames, 1, H, W, 3)), clamp), x->sh);
}

/* ---- shape rules ------------------------------------------------------------------------------------------------- */
/* Input `grid` is [B,..,3] with five axes; B is that of input `other`. */
static zt_err grid_ok(const zt_node *n, int other, int grid) {
    zt_err e = zt_op_want_reals(n, 0, n->n_in);
    for (int k = 0; k < n->n_in && e == ZT_OK; k++)
        e = zt_op_want_rank(n, k, k == grid ? "grid ([B,T',H',W',3])" : k == other ? "x ([B,T,H,W,C])" : "dy", 5);
    if (e != ZT_OK) return e;
    const zt_shape *sh = &n->in[grid]->sh;
    if (sh->d[4] == 3 && sh->d[0] == n->in[other]->sh.d[0]) return ZT_OK;
    return zt_fail(ZT_SHAPE, "%s: grid must be [%lld,T',H',W',3]; it is %s", n->op->name, (long long)n->in[other]->sh.d[0],
                   zt_shape_text(sh));
}

static zt_err grid_sample_shape(zt_node *n) {
    const zt_err e = grid_ok(n, 0, 1);
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_op_with_last(&n->in[1]->sh, n->in[0]->sh.d[4]));
}
static zt_err grid_sample_dx_shape(zt_node *n) {
    zt_err e = grid_ok(n, 0, 1);
    const int64_t *dy = n->in[0]->sh.d, *size = n->at.i + ZT_GRID_SIZE;
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", zt_op_with_last(&n->in[1]->sh, dy[4]));
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, zt_sh(dy[0], size[0], size[1], size[2], dy[4]));
}
static zt_err grid_sample_dgrid_shape(zt_node *n) {
    zt_err e = grid_ok(n, 1, 2);
    if (e == ZT_OK) e = zt_op_want_shape(n, 0, "dy", zt_op_with_last(&n->in[2]->sh, n->in[1]->sh.d[4]));
    return e != ZT_OK ? e : zt_op_set(n, n->in[0]->dtype, n->in[2]->sh);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static void grid_sample_grad(zt_node *n, zt_node *dy, zt_node **dx) {
    const int64_t clamp = n->at.i[ZT_GRID_CLAMP], along = n->at.i[ZT_GRID_ALONG];
    dx[0] = grid_sample_dx(dy, n->in[1], clamp, along, n->in[0]->sh.d + 1);
    dx[1] = grid_sample_dgrid(dy, n->in[0], n->in[1], clamp, along);
}
static void grid_sample_dx_grad(zt_node *n, zt_node *d, zt_node **dx) { /* d has x's shape */
    const int64_t clamp = n->at.i[ZT_GRID_CLAMP], along = n->at.i[ZT_GRID_ALONG];
    dx[0] = grid_sample(d, n->in[1], clamp, along);
    dx[1] = grid_sample_dgrid(n->in[0], d, n->in[1], clamp, along);
}
/* d has grid's shape: each of its axes weighs the form whose slope is taken along that axis too. */
static void grid_sample_dgrid_grad(zt_node *n, zt_node *d, zt_node **dx) {
    const int64_t clamp = n->at.i[ZT_GRID_CLAMP], along = n->at.i[ZT_GRID_ALONG];
    zt_node *dy = n->in[0], *x = n->in[1], *grid = n->in[2];
    for (int a = 0; a < 3; a++) {
        const int64_t more = along | 1 << a;
        if (more == along) continue;
        zt_node *weight = zt_slice(d, -1, a, 1), *heavy = zt_mul(dy, weight);
        zt_node *part[3] = {zt_mul(grid_sample(x, grid, clamp, more), weight),
                            grid_sample_dx(heavy, grid, clamp, more, x->sh.d + 1),
                            grid_sample_dgrid(heavy, x, grid, clamp, more)};
        for (int k = 0; k < 3; k++) dx[k] = dx[k] ? zt_add(dx[k], part[k]) : part[k];
    }
}

/* ---- random cases ------------------------------------------------------------------------------------------------ */
/* Places inside and around x, never so near an element that a difference crosses it. */
static zt_node *grid_gen(zt_graph *g, zt_rng *r, const zt_shape *x) {
    zt_shape sh = zt_gen_shape(r, 5, 3);
    sh.d[0] = x->d[0];
    sh.d[4] = 3;
    const int64_t n = zt_numel(&sh);
    double *low = zt_graph_alloc(g, (size_t)n * sizeof *low);
    for (int64_t k = 0; low && k < n; k++) low[k] = (double)zt_rng_int(r, -2, x->d[k % 3 + 1]);
    zt_node *off = zt_affine(zt_gen_value(g, sh), 0.35, 0.5);
    return low ? zt_add(off, zt_const(g, off->dtype, sh, low)) : off;
}
static zt_node *grid_sample_gen(zt_graph *g, zt_rng *r) {
    zt_shape sh = zt_gen_shape(r, 5, 4);
    sh.d[0] = zt_gen_size(r, 2);
    sh.d[4] = zt_gen_size(r, zt_rng_int(r, 0, 9) ? 5 : 70);
    zt_node *x = zt_gen_value(g, sh), *grid = grid_gen(g, r, &sh);
    return grid_sample(x, grid, zt_gen_coin(r), zt_gen_coin(r) ? 0 : zt_rng_int(r, 0, 7));
}
static zt_node *grid_sample_dx_gen(zt_graph *g, zt_rng *r) { /* the shape of dy comes from a sample that nothing needs */
    zt_node *y = grid_sample_gen(g, r);
    const int64_t *i = y->at.i;
    return grid_sample_dx(zt_gen_value(g, y->sh), y->in[1], i[ZT_GRID_CLAMP], i[ZT_GRID_ALONG], y->in[0]->sh.d + 1);
}
static zt_node *grid_sample_dgrid_gen(zt_graph *g, zt_rng *r) {
    zt_node *y = grid_sample_gen(g, r);
    return grid_sample_dgrid(zt_gen_value(g, y->sh), y->in[0], y->in[1], y->at.i[ZT_GRID_CLAMP], y->at.i[ZT_GRID_ALONG]);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */
#define DEFINE(op, inputs, text)                                                                                    \
    const zt_op_def zt_def_##op = {.id = ZT_OP_##op, .name = #op, .doc = text, .min_in = inputs, .max_in = inputs,  \
                                   .shape = op##_shape, .ref = ZT_REFS(op), .grad = op##_grad, .gen = op##_gen, .tol = 3e-6};
DEFINE(grid_sample, 2, "x:[B,T,H,W,C] grid:[B,T',H',W',3] (t,h,w in pixels) -> [B,T',H',W',C], trilinear")
DEFINE(grid_sample_dx, 2, "dy, grid -> gradient of x")
DEFINE(grid_sample_dgrid, 3, "dy, x, grid -> gradient of grid")
#endif
