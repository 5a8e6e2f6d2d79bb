/* norm.c - norms of features that need more than their op, and norms of weights. Values against PyTorch:
 * tests/nn/test_nn_layers.c (goldens from tests/reference/layers.py). */
#include "nn/nn.h"
#include <math.h>

#define EPS 1e-5
#define MOMENTUM 0.1                 /* of batch norm's running statistics */

/* The parameters of a norm over C channels, in the current scope. */
typedef struct affine { zt_node *gain, *bias; } affine;
static affine affine_of(zt_nn *nn, int64_t C) {
    return (affine){zt_nn_param(nn, "weight", zt_sh(C), ZT_INIT_ONE), zt_nn_param(nn, "bias", zt_sh(C), ZT_INIT_ZERO)};
}

/* ---- features ---------------------------------------------------------------------------------------------------- */
zt_node *zt_instance_norm(zt_nn *nn, const char *name, zt_node *x) {
    const int64_t C = zt_last(&x->sh);
    zt_push(nn->g, "%s", name);
    const affine k = affine_of(nn, C);
    zt_node *y = zt_group_norm(x, k.gain, k.bias, NULL, NULL, (int)C, EPS, 0);
    zt_pop(nn->g);
    return y;
}

/* The running statistics move towards those of y, a group norm of one sample with `rows` rows. */
static void follow(zt_nn *nn, zt_node *y, int64_t rows, double eps, zt_node *mean, zt_node *var) {
    const zt_shape each = mean->sh;
    zt_node *m = zt_reshape(zt_aux(y, 0), each), *square = zt_square(zt_reshape(zt_aux(y, 1), each));
    zt_node *v = zt_affine(zt_div(zt_broadcast_to(zt_scalar(nn->g, 1), each), square), 1, -eps); /* rstd^2 = 1 / (v + eps) */
    v = zt_affine(v, (double)rows / (double)(rows - 1), 0);
    zt_node *keep = zt_scalar(nn->g, 1 - MOMENTUM), *norm = zt_global_norm(2, (zt_node *[]){m, v});
    zt_nn_update(nn, zt_ema(mean, m, keep, norm, NULL));
    zt_nn_update(nn, zt_ema(var, v, keep, norm, NULL));
}

zt_node *zt_batch_norm_with(zt_nn *nn, const char *name, zt_node *x, bool training, const zt_batch_norm_cfg *c) {
    const int64_t C = zt_last(&x->sh), rows = zt_rows(&x->sh);
    if (training && rows < 2)
        return zt_graph_fail(nn->g, zt_fail(ZT_SHAPE, "batch_norm: one value per channel has no variance; x is %s",
                                            zt_shape_text(&x->sh)));
    zt_push(nn->g, "%s", name);
    affine k = {zt_nn_param(nn, "weight", zt_sh(C), ZT_INIT_ONE), NULL};
    k.bias = c->no_bias ? zt_broadcast_to(zt_scalar(nn->g, 0), zt_sh(C)) : zt_nn_param(nn, "bias", zt_sh(C), ZT_INIT_ZERO);
    zt_node *mean = zt_nn_state(nn, "mean", zt_sh(C), ZT_INIT_ZERO), *var = zt_nn_state(nn, "var", zt_sh(C), ZT_INIT_ONE), *y;
    if (training) {                                       /* group norm of one sample, each channel a group */
        y = zt_group_norm(zt_reshape(x, zt_sh(1, rows, C)), k.gain, k.bias, NULL, NULL, (int)C, c->eps, 0);
        follow(nn, y, rows, c->eps, mean, var);
        y = zt_reshape(y, x->sh);
    } else {
        zt_node *scale = zt_div(k.gain, zt_sqrt(zt_affine(var, 1, c->eps)));
        y = zt_add(zt_mul(zt_sub(x, mean), scale), k.bias);
    }
    zt_pop(nn->g);
    return y;
}

zt_node *zt_batch_norm(zt_nn *nn, const char *name, zt_node *x, bool training) {
    return zt_batch_norm_with(nn, name, x, training, &(zt_batch_norm_cfg){.eps = EPS});
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */
static void column_norms(const zt_tensor *v, float *norm) {
    const int64_t out = zt_last(&v->sh), rows = zt_rows(&v->sh);
    const float *x = v->data;
    for (int64_t c = 0; c < out; c++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) sum += (double)x[r * out + c] * x[r * out + c];
        norm[c] = (float)sqrt(sum);
    }
}

zt_node *zt_weight_norm(zt_nn *nn, const char *name, zt_shape sh, zt_init init) {
    const zt_shape out = zt_sh(zt_last(&sh));
    zt_push(nn->g, "%s", name);
    zt_node *v = zt_nn_param(nn, "v", sh, init);
    const int known = nn->params->n;
    zt_node *g = zt_nn_param(nn, "g", out, ZT_INIT_ONE);
    if (nn->params->n > known && zt_graph_error(nn->g) == ZT_OK)
        column_norms(zt_tset_find(nn->params, v->name), zt_tset_find(nn->params, g->name)->data);
    zt_node *w = zt_mul(v, zt_div(g, zt_sqrt(zt_sum_to(zt_square(v), out))));
    zt_pop(nn->g);
    return w;
}

static zt_node *unit(zt_node *x) { /* x / |x|; zero stays zero */
    return zt_div(x, zt_affine(zt_global_norm(1, &x), 1, 1e-12));
}

/* v = unit(W u), u' = unit(W^T v), sigma = u' . W^T v. To gradients the vectors are constants: d sigma/dW = v u'^T. So no
 * gradient reads the state, which is overwritten before gradients run. */
zt_node *zt_spectral_norm(zt_nn *nn, const char *name, zt_node *w) {
    const int64_t out = zt_last(&w->sh), rows = zt_rows(&w->sh);
    zt_push(nn->g, "%s", name);
    zt_node *state = zt_nn_state(nn, "u", zt_sh(out), ZT_INIT_NORMAL);
    zt_node *m = zt_reshape(w, zt_sh(rows, out));
    zt_node *v = zt_stop_gradient(unit(zt_matmul(m, zt_reshape(state, zt_sh(out, 1)), false, false)));
    zt_node *u = zt_stop_gradient(unit(zt_matmul(m, v, true, false)));
    zt_node *sigma = zt_sum(zt_mul(zt_matmul(m, v, true, false), u));
    zt_nn_update(nn, zt_assign(state, zt_reshape(u, zt_sh(out))));
    zt_pop(nn->g);
    return zt_div(w, sigma);
}
