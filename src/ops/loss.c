/* loss.c - losses, made of ops; shapes and sources are in ops.h. Written so that logits of any size give finite losses and
 * gradients. Tested by tests/ops/test_ops_loss.c. */
#include "ops/common.h"

/* Whether a and b have one shape. What broadcasts would train too, on a loss that nobody meant. */
static bool alike(const char *loss, zt_node *a, zt_node *b) {
    if (zt_same_shape(&a->sh, &b->sh)) return true;
    zt_graph_fail(a->g, zt_fail(ZT_SHAPE, "%s: both must have one shape; they are %s and %s", loss, zt_shape_text(&a->sh),
                                zt_shape_text(&b->sh)));
    return false;
}
static zt_node *difference(const char *loss, zt_node *a, zt_node *b) {
    return alike(loss, a, b) ? zt_sub(a, b) : a;
}

/* ---- distances --------------------------------------------------------------------------------------------------- */
zt_node *zt_mse_loss(zt_node *a, zt_node *b) {
    return zt_mean(zt_square(difference("mse", a, b)));
}

zt_node *zt_l1_loss(zt_node *a, zt_node *b) {
    return zt_mean(zt_abs(difference("l1", a, b)));
}

zt_node *zt_charbonnier_loss(zt_node *a, zt_node *b, double eps) {
    return zt_mean(zt_sqrt(zt_affine(zt_square(difference("charbonnier", a, b)), 1, eps * eps)));
}

zt_node *zt_huber_loss(zt_node *a, zt_node *b, double delta) { /* with q = min(|d|, delta): q^2/2 + delta (|d| - q) */
    zt_node *d = zt_abs(difference("huber", a, b)), *q = zt_minimum(d, zt_scalar(a->g, delta));
    return zt_mean(zt_add(zt_affine(zt_square(q), 0.5, 0), zt_affine(zt_sub(d, q), delta, 0)));
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */
/* -t log s(x) - (1-t) log(1 - s(x)) with the sigmoid s: each logarithm is a softplus, which neither overflows nor cancels. */
zt_node *zt_bce_logits(zt_node *x, zt_node *target, double smoothing) {
    if (!alike("bce_logits", x, target)) return x;
    zt_node *t = zt_affine(target, 1 - smoothing, smoothing / 2);
    return zt_mean(zt_add(zt_mul(zt_softplus(zt_neg(x)), t), zt_mul(zt_softplus(x), zt_affine(t, -1, 1))));
}

zt_node *zt_nll(zt_node *log_probs, zt_node *target, double smoothing) {
    if (!alike("nll", log_probs, target)) return log_probs;
    zt_node *q = zt_affine(target, 1 - smoothing, smoothing / (double)zt_last(&log_probs->sh));
    return zt_affine(zt_sum(zt_mul(log_probs, q)), -1.0 / (double)zt_rows(&log_probs->sh), 0);
}

zt_node *zt_cross_entropy(zt_node *log_probs, zt_node *ids, double smoothing) {
    return zt_nll(log_probs, zt_one_hot(ids, zt_last(&log_probs->sh)), smoothing);
}

zt_node *zt_info_nce(zt_node *log_probs) {
    zt_graph *g = log_probs->g;
    const int64_t n = zt_last(&log_probs->sh);
    if (log_probs->sh.n != 2 || log_probs->sh.d[0] != n)
        return zt_graph_fail(g, zt_fail(ZT_SHAPE, "info_nce: the log-probabilities must be [N,N]; they are %s",
                                        zt_shape_text(&log_probs->sh)));
    double *match = zt_graph_alloc(g, (size_t)n * sizeof *match);
    for (int64_t k = 0; match && k < n; k++) match[k] = (double)k;
    return match ? zt_cross_entropy(log_probs, zt_const(g, ZT_I32, zt_sh(n), match), 0) : log_probs;
}

/* ---- distributions ----------------------------------------------------------------------------------------------- */
zt_node *zt_hinge_discriminator(zt_node *real, zt_node *fake) {
    return zt_add(zt_mean(zt_relu(zt_affine(real, -1, 1))), zt_mean(zt_relu(zt_affine(fake, 1, 1))));
}

zt_node *zt_hinge_generator(zt_node *fake) {
    return zt_neg(zt_mean(fake));
}

zt_node *zt_kl_normal(zt_node *mean, zt_node *logvar) { /* (mean^2 + e^logvar - 1 - logvar) / 2 */
    if (!alike("kl_normal", mean, logvar)) return mean;
    zt_node *each = zt_sub(zt_add(zt_square(mean), zt_exp(logvar)), zt_affine(logvar, 1, 1));
    return zt_affine(zt_sum(each), 0.5 / (mean->sh.n ? (double)mean->sh.d[0] : 1), 0);
}
