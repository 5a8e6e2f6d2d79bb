/* muon.c - Muon (Jordan et al. 2024): momentum, made orthogonal by five Newton-Schulz steps, scaled as in Liu et al. 2025,
 * arXiv:2502.16982, so that one learning rate serves it and AdamW. Tested by tests/train/test_muon.c. */
#include "train/muon.h"
#include <math.h>
#include <string.h>

enum { STEPS = 5 };
static const double A = 3.4445, B = -4.7750, C = 2.0315;   /* x -> A x + B x^3 + C x^5 takes (0,1] to about 1: Jordan's values */

static bool ends_with(const char *s, const char *end) {
    const size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

bool zt_muon_takes(const zt_node *p) {
    return p->sh.n > 1 && ends_with(p->name, ".weight") && !ends_with(p->name, "out.weight");
}

/* The nearest matrix with orthogonal rows or columns, about: all singular values of x [rows,cols] to 0.7..1.2. With S = X'X (or
 * XX' when that is smaller), A X + X (B S + C S^2) applies the polynomial to each of them. */
static zt_node *orthogonal(zt_node *x) {
    const bool tall = x->sh.d[0] >= x->sh.d[1];
    x = zt_div(x, zt_affine(zt_global_norm(1, &x), 1, 1e-12));          /* the Frobenius norm bounds them */
    for (int k = 0; k < STEPS; k++) {
        zt_node *s = zt_matmul(x, x, tall, !tall);
        zt_node *p = zt_add(zt_affine(s, B, 0), zt_affine(zt_matmul(s, s, false, false), C, 0));
        x = zt_add(zt_affine(x, A, 0), tall ? zt_matmul(x, p, false, false) : zt_matmul(p, x, false, false));
    }
    return x;
}

zt_node *zt_muon(zt_node *p, zt_node *m, zt_node *g, zt_node *hyper, zt_node *norm, double beta, bool decay) {
    const int64_t cols = zt_last(&p->sh), rows = zt_numel(&p->sh) / cols;
    zt_node *u = orthogonal(zt_reshape(zt_momentum(m, g, hyper, norm, beta, true), zt_sh(rows, cols)));
    const double scale = 0.2 * sqrt((double)(rows > cols ? rows : cols));   /* its root mean square is then AdamW's, about 0.2 */
    return zt_descend(p, zt_reshape(u, p->sh), hyper, norm, scale, decay);
}
