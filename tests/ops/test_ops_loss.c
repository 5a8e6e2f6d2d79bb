/* test_ops_loss.c - losses against closed forms; logits of any size leave value and gradient finite; operands of different shapes
 * are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "expect.h"

static void distances(void **state) {
    (void)state;
    zt_node *a = leaf(zt_sh(2, 2), ARRAY(1, 2, 3, 4)), *b = leaf(zt_sh(2, 2), ARRAY(1, 1.5, 5, 0));
    EXPECT_SCALAR(zt_mse_loss(a, b), (0 + 0.25 + 4 + 16) / 4);
    EXPECT_SCALAR(zt_l1_loss(a, b), (0 + 0.5 + 2 + 4) / 4.0);
    EXPECT_SCALAR(zt_charbonnier_loss(a, b, 0.1), (0.1 + sqrt(0.26) + sqrt(4.01) + sqrt(16.01)) / 4);
    EXPECT_SCALAR(zt_huber_loss(a, b, 1), (0 + 0.125 + 1.5 + 3.5) / 4);
    EXPECT_SCALAR(zt_huber_loss(a, b, 2), (0 + 0.125 + 2 + 6) / 4); /* |d| = 2: both forms give 2 */
    EXPECT_GRADIENT(zt_mse_loss(a, b), a, 0, 0.25, -1, 2);
    EXPECT_GRADIENT(zt_l1_loss(a, b), b, 0, -0.25, 0.25, -0.25);
    EXPECT_GRADIENT(zt_charbonnier_loss(a, b, 0.1), a, 0, 0.125 / sqrt(0.26), -0.5 / sqrt(4.01), 1 / sqrt(16.01));
    EXPECT_GRADIENT(zt_huber_loss(a, b, 2), a, 0, 0.125, -0.5, 0.5);
}

static void logits(void **state) {
    (void)state;
    zt_node *x = leaf(zt_sh(3), ARRAY(-1, 0, 2)), *t = leaf(zt_sh(3), ARRAY(0, 1, 0.25));
    const double each = log1p(exp(-1)) + log(2) + 0.25 * log1p(exp(-2)) + 0.75 * log1p(exp(2));
    EXPECT_SCALAR(zt_bce_logits(x, t, 0), each / 3);
    EXPECT_GRADIENT(zt_bce_logits(x, t, 0), x, 1 / (1 + exp(1)) / 3, -0.5 / 3, (1 / (1 + exp(-2)) - 0.25) / 3);
    const double smooth = 0.1 * log1p(exp(1)) + 0.9 * log1p(exp(-1)); /* x = -1, target 0 -> 0.1 */
    EXPECT_SCALAR(zt_bce_logits(zt_slice(x, 0, 0, 1), zt_slice(t, 0, 0, 1), 0.2), smooth);
    zt_node *far = leaf(zt_sh(4), ARRAY(1e4, -1e4, 1e4, -1e4)), *sure = leaf(zt_sh(4), ARRAY(1, 0, 0, 1));
    EXPECT_SCALAR(zt_bce_logits(far, sure, 0), 2e4 / 4);
    EXPECT_GRADIENT(zt_bce_logits(far, sure, 0), far, 0, 0, 0.25, -0.25);
}

static void classes(void **state) {
    (void)state;
    zt_node *p = leaf(zt_sh(2, 1, 3), ARRAY(0.2, 0.3, 0.5, 0.6, 0.3, 0.1)), *lp = zt_ln(p);
    EXPECT_SCALAR(zt_cross_entropy(lp, ids(zt_sh(2, 1), ARRAY(2, 0)), 0), -(log(0.5) + log(0.6)) / 2);
    const double all = log(0.2) + log(0.3) + log(0.5) + log(0.6) + log(0.3) + log(0.1);
    EXPECT_SCALAR(zt_cross_entropy(lp, ids(zt_sh(2, 1), ARRAY(2, 0)), 0.3), -(0.7 * (log(0.5) + log(0.6)) + 0.1 * all) / 2);
    zt_node *soft = leaf(zt_sh(2, 1, 3), ARRAY(0.5, 0.5, 0, 0, 0.25, 0.75));
    EXPECT_SCALAR(zt_nll(lp, soft, 0), -(0.5 * log(0.06) + 0.25 * log(0.3) + 0.75 * log(0.1)) / 2);
    zt_node *far = leaf(zt_sh(2, 2), ARRAY(0, -2e4, -2e4, 0)); /* log-softmax of logits +-1e4 */
    EXPECT_SCALAR(zt_cross_entropy(far, ids(zt_sh(2), ARRAY(1, 1)), 0), 1e4);
    EXPECT_GRADIENT(zt_cross_entropy(far, ids(zt_sh(2), ARRAY(1, 1)), 0), far, 0, -0.5, 0, -0.5);
    EXPECT_SCALAR(zt_info_nce(zt_reshape(zt_slice(lp, 2, 0, 2), zt_sh(2, 2))), -(log(0.2) + log(0.3)) / 2);
    EXPECT_SCALAR(zt_info_nce(far), 0);
}

static void distributions(void **state) {
    (void)state;
    zt_node *real = leaf(zt_sh(3), ARRAY(2, 0.5, -1e4)), *fake = leaf(zt_sh(2, 1), ARRAY(-2, 0.5));
    EXPECT_SCALAR(zt_hinge_discriminator(real, fake), (0 + 0.5 + 10001) / 3 + (0 + 1.5) / 2);
    EXPECT_GRADIENT(zt_hinge_discriminator(real, fake), real, 0, -1.0 / 3, -1.0 / 3);
    EXPECT_GRADIENT(zt_hinge_discriminator(real, fake), fake, 0, 0.5);
    EXPECT_SCALAR(zt_hinge_generator(fake), 0.75);
    zt_node *mean = leaf(zt_sh(2, 2), ARRAY(0, 1, -2, 0)), *logvar = leaf(zt_sh(2, 2), ARRAY(0, 0, 0, log(4)));
    EXPECT_SCALAR(zt_kl_normal(mean, logvar), (0 + 0.5 + 2 + 0.5 * (4 - 1 - log(4))) / 2);
    EXPECT_GRADIENT(zt_kl_normal(mean, logvar), mean, 0, 0.5, -1, 0);
    EXPECT_GRADIENT(zt_kl_normal(mean, logvar), logvar, 0, 0, 0, 0.75);
}

static zt_node *bad_mse(void) { return zt_mse_loss(ramp(zt_sh(4, 1)), ramp(zt_sh(4))); }
static zt_node *bad_l1(void) { return zt_l1_loss(ramp(zt_sh(4, 3)), ramp(zt_sh(3))); }
static zt_node *bad_charbonnier(void) { return zt_charbonnier_loss(ramp(zt_sh(4)), ramp(zt_sh(1)), 1e-3); }
static zt_node *bad_huber(void) { return zt_huber_loss(ramp(zt_sh(4)), ramp(zt_sh(5)), 1); }
static zt_node *bad_bce(void) { return zt_bce_logits(ramp(zt_sh(4, 1)), ramp(zt_sh(4)), 0); }
static zt_node *bad_nll(void) { return zt_cross_entropy(ramp(zt_sh(4, 3)), ids(zt_sh(1), ARRAY(1)), 0); }
static zt_node *bad_nce(void) { return zt_info_nce(ramp(zt_sh(4, 3))); }
static zt_node *bad_kl(void) { return zt_kl_normal(ramp(zt_sh(4, 3)), ramp(zt_sh(4, 1))); }

static void shapes_are_checked(void **state) {
    (void)state;
    static const struct { zt_node *(*build)(void); const char *text; } cases[] = {
        {bad_mse, "mse: both must have one shape; they are [4,1] and [4]"}, {bad_l1, "l1"}, {bad_charbonnier, "charbonnier"},
        {bad_huber, "huber"}, {bad_bce, "bce_logits"}, {bad_nll, "nll"}, {bad_nce, "info_nce"}, {bad_kl, "kl_normal"}};
    zt_graph_destroy(&g);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(setup(NULL), 0);
        cases[k].build();
        if (zt_graph_error(g) != ZT_SHAPE || !strstr(zt_err_text(), cases[k].text))
            fail_msg("case %d: text '%s'; wanted '%s'", (int)k, zt_err_text(), cases[k].text);
        zt_graph_destroy(&g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(distances), TEST(logits), TEST(classes), TEST(distributions),
                                       TEST(shapes_are_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
