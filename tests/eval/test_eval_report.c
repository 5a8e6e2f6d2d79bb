/* test_eval_report.c - a full report: everything is in the page, nothing unescaped, nothing from outside.
 * With ZOE_TEST_REPORT=PATH the example page is kept there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "eval/painter.h"
#include "eval/report.h"

static char dir[64];

static int set_up(void **state) {
    (void)state;
    strcpy(dir, "/tmp/test-eval-report-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}
static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(dir) == ZT_OK ? 0 : -1;
}

static char *page_of(zt_report *r) {
    char path[ZT_PATH_MAX], *page = NULL;
    size_t len;
    assert_int_equal(zt_path_join(path, dir, "report.html"), ZT_OK);
    assert_int_equal(zt_report_save(r, path), ZT_OK);
    assert_int_equal(zt_file_read(path, 64 << 20, &page, &len), ZT_OK);
    assert_int_equal(strlen(page), len);
    assert_true(zt_utf8_valid(page, len, NULL));
    return page;
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part)) n++;
    return n;
}

static void add_cards(zt_report *r) {
    const zt_card cards[] = {
        {"All right, seen", "97.3 %", "want at least 95 %", "untrained 0.4 %, shuffled prompts 2.1 %", ZT_MARK_PASS},
        {"All right, held out", "81.2 %", "want at least 85 %", "95 % interval 76.0 to 85.4 %", ZT_MARK_FAIL},
        {"Nearest-clip ratio", "0.97", "want at least 0.8", NULL, ZT_MARK_PASS},
        {"Judge on real clips", "99.8 %", NULL, "480 clips", ZT_MARK_NONE}};
    zt_report_cards(r, cards, 4);
}

static void add_loss_chart(zt_report *r) {
    enum { N = 3000, V = 30 };
    static double x[N], y[N], vx[V], vy[V];
    for (int k = 0; k < N; k++) {
        x[k] = k;
        y[k] = 0.02 + exp(-k / 300.0) * (1 + 0.3 * sin(k * 1.7)) + 0.004 * sin(k * 12.9);
    }
    for (int k = 0; k < V; k++) {
        vx[k] = 100.0 * k;
        vy[k] = 0.025 + exp(-k / 3.0);
    }
    y[1500] = NAN;
    const zt_series series[] = {{"training", x, y, N}, {"validation", vx, vy, V}};
    zt_report_chart(r, &(zt_chart){"Loss", "step", "mean squared error", true, series, 2});
    const zt_series one = {"validation prompts", vx, vy, V};
    zt_report_chart(r, &(zt_chart){"All right by step", "step", "part of clips", false, &one, 1});
}

static void add_clips(zt_report *r) {
    static const int colours[4][3] = {{220, 40, 40}, {40, 180, 60}, {50, 80, 220}, {230, 210, 40}};
    static const char *const words[4] = {"red", "green", "blue", "yellow"}, *const shapes[3] = {"square", "circle", "triangle"};
    zt_frames f[8];
    zt_report_clip clips[8];
    static char captions[8][64];
    for (int k = 0; k < 8; k++) {
        clip c = clip_new(16, 32, 32, 30 + 5 * k);
        for (int t = 0; t < 16; t++) paint(&c, t, k % 3, 6 + 1.2 * t, 16, 4.5, colours[k % 4]);
        assert_int_equal(zt_frames_create(&f[k], 16, 32, 32, 8), ZT_OK);
        memcpy(f[k].rgb, c.rgb, (size_t)16 * 32 * 32 * 3);
        free(c.rgb);
        snprintf(captions[k], sizeof captions[k], "a %s %s moves right", words[k % 4], shapes[k % 3]);
        clips[k] = (zt_report_clip){&f[k], captions[k], k == 5 ? "seen: green triangle, left" : NULL, zt_mark_of(k != 5)};
    }
    zt_report_clips(r, clips, 8);
    for (int k = 0; k < 8; k++) zt_frames_finish(&f[k]);
}

static void whole_report(void **state) {
    (void)state;
    zt_report *r = NULL;
    const char *about = "A small model, trained in eight minutes on two cores, judged on 480 clips.";
    assert_int_equal(zt_report_create(&r, "Demo report", about), ZT_OK);
    add_cards(r);
    zt_report_heading(r, "Training");
    zt_report_text(r, "%d steps of batch %d. The lower curve is better.", 3000, 16);
    add_loss_chart(r);
    zt_report_heading(r, "Generated clips");
    add_clips(r);
    zt_report_heading(r, "Scores");
    static const char *const cells[] = {"clips", "all right", "shape", "colour", "direction",
                                        "seen combinations", "97.3 %", "98.1 %", "100.0 %", "99.2 %",
                                        "held-out combinations", "81.2 %", "84.0 %", "98.8 %", "97.1 %",
                                        "untrained model", "0.4 %", NULL, "", "-0.1 %"};
    zt_report_table(r, cells, 4, 5);
    zt_report_heading(r, "Commands");
    zt_report_code(r, "zoe train configs/unet3d-move.yaml --out runs/demo\n"
                      "zoe generate runs/demo/model -p 'a red square moves left' -o a.mp4");
    char *page = page_of(r);
    assert_int_equal(count(page, "data:image/webp;base64,"), 8);
    assert_int_equal(count(page, "<figure class=\"clip\">"), 8);
    assert_int_equal(count(page, "&#10003; right"), 7);
    assert_int_equal(count(page, "&#10007; wrong"), 1);
    assert_int_equal(count(page, "&#10003; pass"), 2);
    assert_int_equal(count(page, "class=\"curve"), 3);
    assert_int_equal(count(page, "</td>"), 15);
    assert_non_null(strstr(page, "<td class=\"num\">97.3 %</td>"));
    assert_non_null(strstr(page, "-p &#39;a red square moves left&#39;"));
    assert_non_null(strstr(page, "3000 steps of batch 16."));
    assert_null(strstr(page, "http:"));                                            /* nothing from outside, no script */
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "<script"));
    const char *keep = getenv("ZOE_TEST_REPORT");
    if (keep) assert_int_equal(zt_report_save(r, keep), ZT_OK);
    zt_free(page);
    zt_report_destroy(&r);
    assert_null(r);
    zt_report_destroy(&r);
    zt_report_destroy(NULL);
}

/* The same hostile text through every part: it must come out escaped each time. */
static void hostile_text_is_escaped(void **state) {
    (void)state;
    const char *evil = "<img src=x onerror=\"alert('1')\">&\xFF\xC3 end";
    const double x[2] = {0, 1}, y[2] = {1, 2};
    zt_report *r = NULL;
    zt_frames f;
    assert_int_equal(zt_frames_create(&f, 2, 16, 16, 8), ZT_OK);
    assert_int_equal(zt_report_create(&r, evil, evil), ZT_OK);
    zt_report_heading(r, evil);
    zt_report_text(r, "%s", evil);
    zt_report_code(r, evil);
    zt_report_cards(r, &(zt_card){evil, evil, evil, evil, ZT_MARK_NONE}, 1);
    zt_report_table(r, &evil, 1, 1);
    zt_report_chart(r, &(zt_chart){evil, evil, evil, false, &(zt_series){evil, x, y, 2}, 1});
    zt_report_clips(r, &(zt_report_clip){&f, evil, evil, ZT_MARK_NONE}, 1);
    zt_report_bars(r, &(zt_bars){evil, &evil, x, y, evil, evil, false, 1});
    char *page = page_of(r);
    assert_null(strstr(page, "<img src=x"));
    assert_null(strstr(page, "onerror=\""));
    const char *safe = "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\xEF\xBF\xBD\xEF\xBF\xBD end";
    assert_int_equal(count(page, safe), 23);
    zt_free(page);
    zt_frames_finish(&f);
    zt_report_destroy(&r);
}

static void empty_and_odd_charts(void **state) {
    (void)state;
    const double x[3] = {1, 2, 3}, flat[3] = {5, 5, 5}, bad[3] = {NAN, INFINITY, -1}, wild[3] = {-1e300, 1e-300, 1e300};
    zt_report *r = NULL;
    assert_int_equal(zt_report_create(&r, "t", NULL), ZT_OK);
    zt_report_chart(r, &(zt_chart){"none", NULL, NULL, true, &(zt_series){"bad", x, bad, 3}, 1});
    zt_report_chart(r, &(zt_chart){"flat", NULL, NULL, false, &(zt_series){"flat", x, flat, 3}, 1});
    zt_report_chart(r, &(zt_chart){"flat log", NULL, NULL, true, &(zt_series){"flat", x, flat, 3}, 1});
    zt_report_chart(r, &(zt_chart){"one", NULL, NULL, true, &(zt_series){"one", x, flat, 1}, 1});
    zt_report_chart(r, &(zt_chart){"empty", NULL, NULL, false, &(zt_series){"empty", NULL, NULL, 0}, 1});
    zt_report_chart(r, &(zt_chart){"wild", NULL, NULL, false, &(zt_series){"wild", x, wild, 3}, 1});
    char *page = page_of(r);
    assert_int_equal(count(page, "no data"), 2);
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf"));
    zt_free(page);
    zt_report_destroy(&r);
}

/* The largest bar takes the room there is, the others their part of it; numbers that are none draw nothing. */
static void bars(void **state) {
    (void)state;
    static const char *const NAME[3] = {"a", "b", "a name that is much longer than the room before the bars"};
    const double part[3] = {0.5, 0.25, NAN}, after[3] = {0.125, 0, INFINITY};
    zt_report *r = NULL;
    assert_int_equal(zt_report_create(&r, "t", NULL), ZT_OK);
    zt_report_bars(r, &(zt_bars){"parts", NAME, part, after, "before", "after", true, 3});
    zt_report_bars(r, &(zt_bars){.title = "counts", .name = NAME, .value = (double[]){0, 0, 0}, .n = 3});
    char *page = page_of(r);
    assert_int_equal(count(page, "<rect"), 9);
    assert_int_equal(count(page, "width=\"450.0\""), 1);
    assert_int_equal(count(page, "width=\"225.0\""), 1);
    assert_int_equal(count(page, "width=\"112.5\""), 1);
    assert_int_equal(count(page, "width=\"0.0\""), 6);
    assert_true(strstr(page, "50.0 %") && strstr(page, "12.5 %") && strstr(page, "before") && !strstr(page, "before the bars"));
    zt_free(page);
    zt_report_destroy(&r);
}

static void first_failure_is_kept(void **state) {
    (void)state;
    char path[ZT_PATH_MAX];
    zt_report *r = NULL;
    assert_int_equal(zt_path_join(path, dir, "never.html"), ZT_OK);
    assert_int_equal(zt_report_create(&r, "t", NULL), ZT_OK);
    zt_report_chart(r, &(zt_chart){.n = 7});
    const zt_frames none = {0};
    zt_report_clips(r, &(zt_report_clip){&none, "no pixels", NULL, ZT_MARK_NONE}, 1);
    zt_report_text(r, "more");
    assert_int_equal(zt_report_save(r, path), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "7 series"));
    assert_false(zt_file_exists(path));
    zt_report_destroy(&r);
    assert_int_equal(zt_report_create(&r, "t", NULL), ZT_OK);
    assert_int_not_equal(zt_report_save(r, "/nonexistent-folder/report.html"), ZT_OK);
    zt_report_clips(r, &(zt_report_clip){&none, "no pixels", NULL, ZT_MARK_NONE}, 1);
    assert_int_equal(zt_report_save(r, path), ZT_ARG);
    zt_report_destroy(&r);
}

/* Every allocation made to fail in turn: an error with text, nothing leaked (sanitizers), never a half page. */
static void memory_runs_out(void **state) {
    (void)state;
    char path[ZT_PATH_MAX];
    assert_int_equal(zt_path_join(path, dir, "poor.html"), ZT_OK);
    int failed = 0;
    for (int n = 1; n < 1000; n++) {
        zt_report *r = NULL;
        zt_alloc_fail_at(n);
        zt_err e = zt_report_create(&r, "title", "sub");
        if (e == ZT_OK) {
            add_cards(r);
            zt_report_text(r, "%s", "text\xFF more");
            zt_report_code(r, "code");
            e = zt_report_save(r, path);
        }
        const bool hit = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        zt_report_destroy(&r);
        if (!hit) {
            assert_int_equal(e, ZT_OK);
            assert_true(failed > 3);
            return;
        }
        failed += e != ZT_OK;
        if (e != ZT_OK) assert_int_equal(e, ZT_NOMEM);
    }
    fail_msg("never succeeded");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_text_is_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_and_odd_charts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(first_failure_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_runs_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
