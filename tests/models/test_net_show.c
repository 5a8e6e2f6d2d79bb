/* test_net_show.c - which known frames each frame is shown, for every kind of mask. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "models/net.h"

enum { T = 8 };

/* One clip of 8 frames, the known ones marked by '1', against the rows and counts (in frames) that must come out. */
static void check(const char *known, const int last[T], const int before[T]) {
    zt_graph *g = NULL;
    zt_net net = {.frames = T, .height = 1, .width = 1};
    zt_net_in in = {0};
    float mask[2 * T] = {0}, age[2 * T], span[2 * T];
    int32_t rows_last[2 * T], rows_before[2 * T];
    assert_int_equal(zt_graph_create(&g), ZT_OK);
    zt_net_mask_inputs(&in, g, &net, 2);
    in.mask->x = mask, in.age->x = age, in.span->x = span, in.last->x = rows_last, in.before->x = rows_before;
    for (int t = 0; t < T; t++) mask[T + t] = known[t] == '1';             /* the second clip; the first knows nothing */
    zt_net_show(&in);
    for (int t = 0; t < T; t++) {
        assert_int_equal(rows_last[t], -1);
        assert_int_equal(rows_before[t], -1);
        assert_true(age[t] == 0 && span[t] == 0);
        assert_int_equal(rows_last[T + t], last[t] < 0 ? -1 : T + last[t]);
        assert_int_equal(rows_before[T + t], before[t] < 0 ? -1 : T + before[t]);
        assert_float_equal(age[T + t], last[t] < 0 ? 0 : (t - last[t]) / 8.0, 1e-7);
        assert_float_equal(span[T + t], (last[t] - before[t]) / 8.0, 1e-7);
    }
    zt_graph_destroy(&g);
}

static void shown_frames(void **state) {
    (void)state;
    check("00000000", (int[]){-1, -1, -1, -1, -1, -1, -1, -1}, (int[]){-1, -1, -1, -1, -1, -1, -1, -1});
    check("10000000", (int[]){0, 0, 0, 0, 0, 0, 0, 0}, (int[]){0, 0, 0, 0, 0, 0, 0, 0});
    check("11000000", (int[]){0, 1, 1, 1, 1, 1, 1, 1}, (int[]){0, 0, 0, 0, 0, 0, 0, 0});
    check("11111100", (int[]){0, 1, 2, 3, 4, 5, 5, 5}, (int[]){0, 0, 0, 0, 1, 2, 2, 2});    /* at most three frames before */
    check("00101100", (int[]){-1, -1, 2, 2, 4, 5, 5, 5}, (int[]){-1, -1, 2, 2, 4, 4, 4, 4});
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(shown_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
