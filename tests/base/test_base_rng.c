/* test_base_rng.c - Philox against the known answers published with Random123; moments and determinism of the normal numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

/* kat_vectors of Random123: philox4x32 10. */
static void test_known_answers(void **state) {
    static const struct {
        uint64_t seed, stream, index;
        uint32_t want[4];
    } kat[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        zt_philox(kat[i].seed, kat[i].stream, kat[i].index, out);
        assert_memory_equal(out, kat[i].want, sizeof out);
    }
}

static void test_reader_is_the_blocks_in_order_and_resumes(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(7, 9);
    uint32_t block[4];
    for (uint64_t b = 0; b < 3; b++) {
        zt_philox(7, 9, b, block);
        for (int i = 0; i < 4; i++) assert_int_equal(zt_rng_u32(&r), block[i]);
    }
    (void)zt_rng_u32(&r);
    zt_rng copy = r;
    for (int i = 0; i < 10; i++) assert_int_equal(zt_rng_u32(&r), zt_rng_u32(&copy));
    r.left = 77; /* a state from a damaged file must not read past the block */
    (void)zt_rng_u32(&r);
    assert_int_equal(r.left, 3);
}

static void test_ranges(void **state) {
    int seen[7] = {0};
    double sum = 0;
    (void)state;
    zt_rng r = zt_rng_init(1, 2);
    for (int i = 0; i < 70000; i++) {
        int64_t k = zt_rng_int(&r, -3, 3);
        assert_in_range(k + 3, 0, 6);
        seen[k + 3]++;
        double u = zt_rng_range(&r, 2, 5);
        assert_true(u >= 2 && u < 5);
        sum += u;
    }
    for (int i = 0; i < 7; i++) assert_true(abs(seen[i] - 10000) < 500); /* 5 standard deviations are 463 */
    assert_true(fabs(sum / 70000 - 3.5) < 0.02);
    assert_int_equal(zt_rng_int(&r, 5, 5), 5);
    assert_int_equal(zt_rng_int(&r, 9, 5), 9);
    int negative = 0;
    for (int i = 0; i < 1000; i++) negative += zt_rng_int(&r, INT64_MIN, INT64_MAX) < 0;
    assert_in_range(negative, 400, 600);
}

static void test_permutation_holds_each_once(void **state) {
    int64_t p[100];
    int seen[100] = {0}, fixed = 0;
    (void)state;
    zt_rng r = zt_rng_init(3, 0);
    zt_rng_permutation(&r, p, 100);
    for (int i = 0; i < 100; i++) {
        assert_in_range(p[i], 0, 99);
        seen[p[i]]++;
        fixed += p[i] == i;
    }
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    assert_true(fixed < 10);
}

static void check_moments(double s1, double s2, double s3, double s4, double n) {
    assert_true(fabs(s1 / n) < 5 / sqrt(n));
    assert_true(fabs(s2 / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(s3 / n) < 5 * sqrt(15 / n));
    assert_true(fabs(s4 / n - 3) < 5 * sqrt(96 / n));
}

static void test_normal_moments(void **state) {
    enum { N = 1 << 20 };
    float *x = zt_alloc_array(N, sizeof *x);
    double s[5] = {0}, neighbours = 0;
    (void)state;
    assert_non_null(x);
    zt_fill_normal(11, 5, x, N);
    for (int i = 0; i < N; i++) {
        double v = x[i];
        assert_true(isfinite(v) && fabs(v) < 6.7);
        s[1] += v;
        s[2] += v * v;
        s[3] += v * v * v;
        s[4] += v * v * v * v;
        if (i) neighbours += v * x[i - 1];
    }
    check_moments(s[1], s[2], s[3], s[4], N);
    assert_true(fabs(neighbours / N) < 5 / sqrt(N));
    zt_free(x);
    memset(s, 0, sizeof s);
    zt_rng r = zt_rng_init(4, 4);
    for (int i = 0; i < 100000; i++) {
        double v = zt_rng_normal(&r);
        s[1] += v;
        s[2] += v * v;
        s[3] += v * v * v;
        s[4] += v * v * v * v;
    }
    check_moments(s[1], s[2], s[3], s[4], 100000);
}

/* Against Box-Muller in double from the same words. */
static void test_normal_is_accurate(void **state) {
    enum { N = 1 << 18 };
    const double tau = 8 * atan(1);
    float *x = zt_alloc_array(N, sizeof *x);
    double worst = 0;
    (void)state;
    assert_non_null(x);
    zt_fill_normal(5, 6, x, N);
    for (int b = 0; b < N / 4; b++) {
        uint32_t w[4];
        zt_philox(5, 6, (uint64_t)b, w);
        for (int h = 0; h < 2; h++) {
            double r = sqrt(-2 * log((w[2 * h] + 1.0) * 0x1p-32)), a = tau * (w[2 * h + 1] * 0x1p-32);
            worst = fmax(worst, fabs(x[4 * b + 2 * h] - r * cos(a)));
            worst = fmax(worst, fabs(x[4 * b + 2 * h + 1] - r * sin(a)));
        }
    }
    assert_true(worst < 1.5e-6);
    zt_free(x);
}

static void test_normal_is_the_same_for_any_threads_and_length(void **state) {
    enum { N = 200003 };
    float *one = zt_alloc_array(N, sizeof *one), *many = zt_alloc_array(N + 1, sizeof *many);
    int before = omp_get_max_threads();
    (void)state;
    assert_non_null(one);
    assert_non_null(many);
    omp_set_num_threads(1);
    zt_fill_normal(1, 2, one, N);
    for (int threads = 2; threads <= 7; threads++) {
        omp_set_num_threads(threads);
        memset(many, 0, (N + 1) * sizeof *many);
        zt_fill_normal(1, 2, many, N);
        assert_memory_equal(one, many, N * sizeof *one);
    }
    for (int n = 0; n < 2100; n += 61) { /* shorter: the same beginning, and nothing behind it */
        memset(many, 0x55, (N + 1) * sizeof *many);
        zt_fill_normal(1, 2, many, n);
        assert_memory_equal(one, many, (size_t)n * sizeof *one);
        assert_int_equal(((unsigned char *)(many + n))[0], 0x55);
    }
    zt_fill_normal(1, 3, many, 100);
    assert_memory_not_equal(one, many, 100 * sizeof *one);
    zt_fill_normal(2, 2, many, 100);
    assert_memory_not_equal(one, many, 100 * sizeof *one);
    zt_fill_normal(2, 2, NULL, 0);
    omp_set_num_threads(before);
    zt_free(one);
    zt_free(many);
}

/* Pinned bits: a checkpoint's seed must mean the same noise on every machine and after every change of the code. */
static void test_normal_bits_are_pinned(void **state) {
    float x[1024];
    uint64_t h = 0;
    (void)state;
    zt_fill_normal(1, 2, x, 1024);
    for (int i = 0; i < 1024; i++) {
        uint32_t u;
        memcpy(&u, &x[i], sizeof u);
        h = h * 31 + u;
    }
    assert_true(h == 0x0a98021bf8c9c8f8u);
}

/* Against the words themselves; even over (0,1); the same for any number of threads and any length. */
static void test_uniform(void **state) {
    enum { N = 200003 };
    float *x = zt_alloc_array(N, sizeof *x), *again = zt_alloc_array(N + 1, sizeof *again);
    double sum = 0, squares = 0;
    int before = omp_get_max_threads();
    (void)state;
    assert_non_null(x);
    assert_non_null(again);
    omp_set_num_threads(1);
    zt_fill_uniform(3, 4, x, N);
    for (int i = 0; i < N; i++) {
        uint32_t w[4];
        zt_philox(3, 4, (uint64_t)i / 4, w);
        assert_true(x[i] > 0 && x[i] < 1 && (double)x[i] == ((double)(w[i % 4] >> 9) + 0.5) * 0x1p-23);
        sum += x[i];
        squares += (double)x[i] * x[i];
    }
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
    omp_set_num_threads(5);
    for (int n = N; n > 0; n /= 3) {
        memset(again, 0x55, (N + 1) * sizeof *again);
        zt_fill_uniform(3, 4, again, n);
        assert_memory_equal(x, again, (size_t)n * sizeof *x);
        assert_int_equal(((unsigned char *)(again + n))[0], 0x55);
    }
    omp_set_num_threads(before);
    zt_free(x);
    zt_free(again);
}

static void test_hash_name(void **state) {
    (void)state;
    assert_true(zt_hash_name("") == 0xcbf29ce484222325u); /* published FNV-1a values */
    assert_true(zt_hash_name("a") == 0xaf63dc4c8601ec8cu);
    assert_true(zt_hash_name("foobar") == 0x85944171f73967e8u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_reader_is_the_blocks_in_order_and_resumes),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_permutation_holds_each_once),
        cmocka_unit_test(test_normal_moments),
        cmocka_unit_test(test_normal_is_accurate),
        cmocka_unit_test(test_normal_is_the_same_for_any_threads_and_length),
        cmocka_unit_test(test_normal_bits_are_pinned),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_hash_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
