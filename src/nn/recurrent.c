/* recurrent.c - single steps of recurrent layers. Values against PyTorch: tests/nn/test_nn_layers.c (goldens from
 * tests/reference/layers.py). */
#include "nn/nn.h"

/* The gates' linear terms of x and of h, n parts each. */
static void gate_terms(zt_nn *nn, const char *name, zt_node *x, zt_node *h, int n, zt_node **of_x, zt_node **of_h) {
    const int64_t units = zt_last(&h->sh);
    zt_push(nn->g, "%s", name);
    zt_chunk(zt_linear(nn, "x", x, n * units, ZT_INIT_KAIMING), n, of_x);
    zt_chunk(zt_linear(nn, "h", h, n * units, ZT_INIT_KAIMING), n, of_h);
    zt_pop(nn->g);
}

zt_node *zt_gru_cell(zt_nn *nn, const char *name, zt_node *x, zt_node *h, zt_node *keep) {
    zt_node *a[3], *b[3];
    gate_terms(nn, name, x, h, 3, a, b);
    zt_node *kept = keep ? zt_add(b[1], keep) : b[1];
    zt_node *reset = zt_sigmoid(zt_add(a[0], b[0])), *update = zt_sigmoid(zt_add(a[1], kept));
    zt_node *candidate = zt_tanh(zt_add(a[2], zt_mul(reset, b[2])));
    return zt_add(candidate, zt_mul(update, zt_sub(h, candidate)));             /* (1 - update) candidate + update h */
}

void zt_lstm_cell(zt_nn *nn, const char *name, zt_node *x, zt_node **h, zt_node **c) {
    zt_node *a[4], *b[4];
    gate_terms(nn, name, x, *h, 4, a, b);
    zt_node *input = zt_sigmoid(zt_add(a[0], b[0])), *forget = zt_sigmoid(zt_add(a[1], b[1]));
    zt_node *candidate = zt_tanh(zt_add(a[2], b[2])), *output = zt_sigmoid(zt_add(a[3], b[3]));
    *c = zt_add(zt_mul(forget, *c), zt_mul(input, candidate));
    *h = zt_mul(output, zt_tanh(*c));
}
