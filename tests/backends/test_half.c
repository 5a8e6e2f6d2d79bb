/* test_half.c - kernels that read and write results stored as bf16, over generated cases of every op that has such: any mix of
 * inputs in either type, against the reference over the same rounded values. Where the processor has no bf16 instructions, no
 * kernel may offer it. One op: give its name as argument. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "init.h"
#include "sweep.h"

enum { CASES = 120, GUARD = 32 };
#define BF16_TOL 3e-2          /* products round their factors too */
#define ROUNDING (1.0 / 64)    /* of the result: 2^-8 of an element at most, and as much is allowed in the mean */

static uint16_t rounded(float a) {
    uint32_t b;
    memcpy(&b, &a, 4);
    return (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
}
static float widened(uint16_t h) {
    const uint32_t b = (uint32_t)h << 16;
    float a;
    memcpy(&a, &b, 4);
    return a;
}

/* The kernel takes this input, wherever it stands, stored as bf16. */
static bool taken(const zt_kernel *kernel, const zt_node *y, const zt_node *x) {
    bool ok = x->dtype == ZT_F32 && kernel->reads != NULL;
    for (int k = 0; ok && k < y->n_in; k++) ok = y->in[k] != x || kernel->reads(y, k) != ZT_READS_F32;
    return ok;
}

/* One case: both graphs were run, storage apart. What bit k of `which` names and the kernel takes becomes bf16 in `got`, the same
 * values in `want`; the result too, when bit 31 is set. */
typedef struct half_case { sweep_case got, want; const zt_kernel *kernel; uint16_t *in[16], *out; } half_case;

static int convert_inputs(half_case *c, uint32_t which) {
    zt_node *y = c->got.y, *ref = c->want.y;
    int n = 0;
    for (int k = 0; k < y->n_in && k < 16; k++) {
        zt_node *x = y->in[k];
        if (x->half || !(which >> k & 1) || !taken(c->kernel, y, x)) continue;
        const int64_t count = zt_numel(&x->sh);
        assert_non_null(c->in[k] = malloc((size_t)count * sizeof **c->in));
        for (int64_t j = 0; j < count; j++) {
            c->in[k][j] = rounded(((const float *)x->x)[j]);
            ((float *)ref->in[k]->x)[j] = widened(c->in[k][j]);
        }
        x->x = c->in[k];
        x->half = true;
        n++;
    }
    return n;
}

/* Runs the kernel as a plan would; false when it could not be prepared or wrote outside the result. */
static bool run_kernel(half_case *c, bool half_result) {
    zt_node *y = c->got.y;
    const int64_t count = zt_numel(&y->sh);
    float *result = y->x;
    zt_exec e = {0};
    size_t scratch = 0;
    if (half_result) {
        assert_non_null(c->out = malloc((size_t)(count + GUARD) * sizeof *c->out));
        memset(c->out, 0x5a, (size_t)(count + GUARD) * sizeof *c->out);
        y->half = true;
        y->x = c->out;
    }
    if (c->kernel->prepare && c->kernel->prepare(y, &e.prepared, &scratch) != ZT_OK) return sweep_bad(&c->got, "not prepared");
    assert_int_equal(posix_memalign(&e.scratch, 64, scratch + 64), 0);
    memset(e.scratch, 0xff, scratch);                    /* nobody may count on zeros */
    const size_t packed = c->kernel->packs ? c->kernel->packs(y, e.prepared) : 0;
    assert_int_equal(posix_memalign(&e.packed, 64, packed + 64), 0);
    if (packed) c->kernel->pack(y, &e);
    c->kernel->run(y, &e);
    free(e.packed);
    if (e.prepared) c->kernel->release(e.prepared);
    free(e.scratch);
    bool ok = true;
    for (int k = 0; half_result && k < GUARD; k++) ok = ok && c->out[count + k] == 0x5a5a;
    for (int64_t j = 0; half_result && j < count; j++) result[j] = widened(c->out[j]);
    y->x = result;
    y->half = false;
    return ok ? true : sweep_bad(&c->got, "wrote behind the result");
}

static bool one_case(const zt_op_def *op, int k, double *worst, int *tried) {
    half_case c = {.kernel = NULL};
    const bool built = sweep_build(&c.got, op, k, ZT_F32), built_want = sweep_build(&c.want, op, k, ZT_F32);
    bool ok = built && built_want;
    ok = ok && sweep_run(&c.want, 1, &c.want.y, NULL, true) && sweep_run(&c.got, 1, &c.got.y, zt_backend_cpu(), true);
    if (ok) c.got.y->multiply = ZT_BF16;
    c.kernel = ok ? zt_backend_cpu()->find(c.got.y) : NULL;
    if (c.kernel && (c.kernel->reads || c.kernel->writes_half)) {
        uint32_t which = k % 4 == 0 ? 0xffffffffu : (uint32_t)k * 2654435761u;
        if (op == &zt_def_attention_dx) which |= 0xffff;                 /* y must be that of the rounded v */
        const bool half_result = which >> 31 && c.kernel->writes_half && c.kernel->writes_half(c.got.y);
        const int inputs = convert_inputs(&c, which);
        *tried += inputs > 0 || half_result;
        op->ref[0](c.want.y);
        ok = run_kernel(&c, half_result);
        for (int j = 0; j < c.got.y->n_in; j++) c.got.y->in[j]->half = false;          /* their bf16 is not for sweep_close */
        const bool product = op->flags & ZT_OPF_BF16 && op->flops;      /* its inputs may cancel: softmax's gradient of one key */
        const double tol = (product ? BF16_TOL : op->tol) + ROUNDING * (half_result + (product && inputs));
        for (int j = 0; j < 16; j++)
            if (c.in[j]) c.got.y->in[j]->x = c.want.y->in[j]->x;
        ok = ok && sweep_finite(&c.got) && sweep_close(&c.got, &c.want, tol, worst);
    }
    for (int j = 0; j < 16; j++) free(c.in[j]);
    free(c.out);
    sweep_finish(&c.got);
    sweep_finish(&c.want);
    return ok;
}

static void sweep_op(void **state) {
    const zt_op_def *op = *state;
    zt_backend_facts facts;
    zt_backend_cpu_facts(&facts);
    int failed = 0, tried = 0;
    double worst = 0;
    for (int k = 0; k < CASES; k++) failed += !one_case(op, k, &worst, &tried);
    if (tried)
        print_message("%-16s %3d cases with bf16, %2d failed; worst %.3f of what is allowed\n", op->name, tried, failed, worst);
    assert_int_equal(failed, 0);
    assert_true(facts.bf16 || tried == 0);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[ZT_OP_COUNT];
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    for (int id = 0; id < ZT_OP_COUNT; id++)
        tests[id] = (struct CMUnitTest){zt_op_at(id)->name, sweep_op, NULL, NULL, (void *)(uintptr_t)zt_op_at(id)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
