/* test_eigen.c - eigenvalues and vectors of symmetric matrices put the matrix together again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include "base/eigen.h"
#include "base/rng.h"

enum { N = 17 };

static void known_values(void **state) {
    (void)state;
    double a[9] = {2, 1, 0, 1, 2, 0, 0, 0, -3}, value[3], vector[9];          /* 3, 1 and -3 */
    zt_eigen_symmetric(a, 3, value, vector);
    double sum = 0, product = 1, largest = -9;
    for (int k = 0; k < 3; k++) sum += value[k], product *= value[k], largest = fmax(largest, value[k]);
    assert_true(fabs(sum - 1) < 1e-12 && fabs(product + 9) < 1e-12 && fabs(largest - 3) < 1e-12);
    double zero[4] = {0}, none[2];
    zt_eigen_symmetric(zero, 2, none, NULL);
    assert_true(none[0] == 0 && none[1] == 0);
}

static void the_parts_make_the_whole(void **state) {
    (void)state;
    zt_rng r = zt_rng_init(1, 1);
    double a[N * N], kept[N * N], value[N], vector[N * N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) a[i * N + j] = a[j * N + i] = zt_rng_normal(&r);
    memcpy(kept, a, sizeof a);
    zt_eigen_symmetric(a, N, value, vector);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double whole = 0, dot = 0;
            for (int k = 0; k < N; k++) whole += value[k] * vector[k * N + i] * vector[k * N + j];
            for (int k = 0; k < N; k++) dot += vector[i * N + k] * vector[j * N + k];
            assert_true(fabs(whole - kept[i * N + j]) < 1e-12 && fabs(dot - (i == j)) < 1e-12);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(the_parts_make_the_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
