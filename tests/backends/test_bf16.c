/* test_bf16.c - matmul, conv, attention and their gradients when they multiply in bf16: within what rounding the factors
 * explains, and not bit-equal to f32 where the processor has bf16 instructions (else the mode would not be on). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "init.h"
#include "ops/ops.h"
#include "tensor/plan.h"

enum { MOST = 1 << 19 };
typedef zt_node *(*builder)(zt_graph *g);

static zt_node *in(zt_graph *g, const char *name, zt_shape sh) { return zt_input(g, name, ZT_F32, sh); }

static zt_node *matmul(zt_graph *g) { return zt_matmul(in(g, "a", zt_sh(70, 96)), in(g, "b", zt_sh(96, 40)), false, false); }
static zt_node *matmul_ta(zt_graph *g) { return zt_matmul(in(g, "a", zt_sh(90, 48)), in(g, "b", zt_sh(90, 64)), true, false); }
static zt_node *linear(zt_graph *g) {
    return zt_linear_op(in(g, "a", zt_sh(2, 40, 64)), in(g, "b", zt_sh(64, 33)), in(g, "c", zt_sh(33)));
}
static zt_node *conv_of(zt_graph *g, zt_shape w, zt_conv_cfg c) {
    return zt_conv(in(g, "x", zt_sh(2, 4, 10, 12, w.d[3])), in(g, "w", w), in(g, "b", zt_sh(w.d[4])), &c);
}
static const zt_conv_cfg same3 = {.stride = {1, 1, 1}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}},
                         time5 = {.stride = {1, 1, 1}, .pad_before = {2, 0, 0}, .pad_after = {2, 0, 0}},
                         down = {.stride = {1, 2, 2}, .pad_before = {0, 1, 1}, .pad_after = {0, 1, 1}},
                         down3 = {.stride = {2, 2, 2}, .pad_before = {1, 1, 1}, .pad_after = {1, 1, 1}};
static zt_node *conv3(zt_graph *g) { return conv_of(g, zt_sh(1, 3, 3, 32, 48), same3); }
static zt_node *conv3_odd(zt_graph *g) { return conv_of(g, zt_sh(1, 3, 3, 28, 12), same3); }
static zt_node *conv_full(zt_graph *g) {
    const zt_conv_cfg causal = {.stride = {1, 1, 1}, .pad_before = {2, 1, 1}, .pad_after = {0, 1, 1}};
    return conv_of(g, zt_sh(3, 3, 3, 32, 48), causal);
}
static zt_node *conv_wide(zt_graph *g) { return conv_of(g, zt_sh(1, 3, 3, 128, 128), same3); }
static zt_node *conv_centred(zt_graph *g) {
    const zt_conv_cfg centred = {.stride = {1, 1, 1}, .pad_before = {1, 1, 1}, .pad_after = {1, 1, 1}};
    return conv_of(g, zt_sh(3, 3, 3, 64, 96), centred);
}
static zt_node *conv_two(zt_graph *g) {
    return conv_of(g, zt_sh(2, 3, 3, 48, 48), (zt_conv_cfg){.stride = {1, 1, 1}, .pad_before = {1, 1, 1}});
}
static zt_node *conv_time(zt_graph *g) { return conv_of(g, zt_sh(5, 1, 1, 32, 32), time5); }
static zt_node *conv_down(zt_graph *g) { return conv_of(g, zt_sh(1, 4, 4, 32, 64), down); }
static zt_node *conv_down_time(zt_graph *g) {
    const zt_conv_cfg late = {.stride = {1, 2, 2}, .pad_before = {1, 1, 1}, .pad_after = {0, 1, 1}};
    return conv_of(g, zt_sh(4, 4, 4, 64, 48), late);
}
static zt_node *conv_down3(zt_graph *g) { return conv_of(g, zt_sh(3, 3, 3, 32, 64), down3); }
static zt_node *pointwise(zt_graph *g) {
    return conv_of(g, zt_sh(1, 1, 1, 64, 32), (zt_conv_cfg){.stride = {1, 1, 1}});
}

static zt_node *attention(zt_graph *g) {
    return zt_attention(in(g, "q", zt_sh(2, 90, 1, 96)), in(g, "k", zt_sh(2, 71, 1, 96)), in(g, "v", zt_sh(2, 71, 1, 96)), 3,
                        NULL, NULL);
}

/* Output and gradients by a and b (x and w) of sum(y * probe), one after another; how many. */
static int64_t values(builder make, zt_dtype multiply, double *out) {
    zt_graph *g = NULL;
    zt_plan *plan = NULL;
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_graph_set_multiply(g, multiply);
    zt_node *y = make(g), *all[3] = {y}, *wrt[2] = {y->in[0], y->in[1]};
    zt_node *loss = zt_sum(zt_mul(y, in(g, "probe", y->sh)));
    assert_int_equal(zt_grad(loss, 2, wrt, all + 1), ZT_OK);
    assert_int_equal(zt_plan_create(&plan, g, 3, all, &(zt_plan_cfg){.backend = zt_backend_cpu(), .strict = true}), ZT_OK);
    for (int id = 0; id < zt_graph_size(g); id++) {
        zt_node *n = zt_graph_node(g, id);
        if (n->role == ZT_INPUT && n->x) zt_fill_normal(5, zt_hash_name(n->name), n->x, zt_numel(&n->sh));
    }
    assert_int_equal(zt_plan_run(plan), ZT_OK);
    assert_true(zt_plan_guards_ok(plan));
    int64_t n = 0;
    for (int k = 0; k < 3; k++)
        for (int64_t j = 0; j < zt_numel(&all[k]->sh); j++) {
            assert_true(n < MOST);
            out[n++] = ((const float *)all[k]->x)[j];
        }
    zt_plan_destroy(&plan);
    zt_graph_destroy(&g);
    return n;
}

static void check(void **state) {
    static double half[MOST], full[MOST];
    builder make = *(builder *)*state;
    const int64_t n = values(make, ZT_BF16, half);
    assert_int_equal(values(make, ZT_F32, full), n);
    double square = 0, error = 0;
    for (int64_t k = 0; k < n; k++) {
        square += full[k] * full[k];
        error += (half[k] - full[k]) * (half[k] - full[k]);
    }
    const double rms = sqrt(error / square);
    print_message("relative error %.2e\n", rms);
    assert_true(rms < 4e-3);                     /* each factor is off by at most 2^-9, in the mean a third of that */
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    if (facts.bf16 && strcmp(facts.onednn, "none") != 0) assert_true(rms > 1e-4);     /* its stand-ins multiply in f32 */
}

#define TEST(name) {#name, check, NULL, NULL, &(builder){name}}
int main(void) {
    const struct CMUnitTest tests[] = {TEST(matmul), TEST(matmul_ta), TEST(linear), TEST(conv3), TEST(conv3_odd), TEST(conv_full),
                                       TEST(conv_wide), TEST(conv_centred), TEST(conv_two), TEST(conv_time), TEST(conv_down),
                                       TEST(conv_down_time), TEST(conv_down3), TEST(pointwise), TEST(attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
