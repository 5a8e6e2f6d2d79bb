/* test_data_cascade.c - cascades: the windows found are those that OpenCV 4.6 finds, in both file formats and both kinds of
 * feature; every kind of broken file is refused with a text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/str.h"
#include "data/cascade.h"
#include "draw_face.h"

static void ok(zt_err e) {
    if (e != ZT_OK) fail_msg("%s: %s", zt_err_name(e), zt_err_text());
}

/* A window of 4 x 4, dark above and bright below: one stage, one stump, and the same as a tree of two nodes. */
#define HEAD "<?xml version=\"1.0\"?><opencv_storage><cascade><stageType>BOOST</stageType>"
#define STUMP                                                                                                                   \
    HEAD "<featureType>HAAR</featureType><height>4</height><width>4</width><stages><_><stageThreshold>0.5</stageThreshold>"     \
         "<weakClassifiers><_><internalNodes>0 -1 0 0.2</internalNodes><leafValues>0. 1.</leafValues></_></weakClassifiers></_>" \
         "</stages><features><_><rects><_>0 0 4 4 -1.</_><_>0 2 4 2 2.</_></rects><tilted>0</tilted></_></features></cascade>"   \
         "</opencv_storage>"
#define TREE                                                                                                                    \
    HEAD "<featureType>HAAR</featureType><height>4</height><width>4</width><stages><_><stageThreshold>0.5</stageThreshold>"     \
         "<weakClassifiers><_><internalNodes>0 1 0 0.2 -1 -2 0 0.2</internalNodes><leafValues>0. 0.2 1.</leafValues></_>"        \
         "</weakClassifiers></_></stages><features><_><rects><_>0 0 4 4 -1.</_><_>0 2 4 2 2.</_></rects></_></features>"         \
         "</cascade></opencv_storage>"
#define OLD \
    "<opencv_storage><thing type_id=\"opencv-haar-classifier\"><size>4 4</size><stages><_><trees><_><_><feature><rects><_>0 0 " \
    "4 4 -1.</_><_>0 2 4 2 " \
    "2.</_></rects><tilted>0</tilted></feature><threshold>0.2</threshold><left_val>0.</left_val><right_val>" \
    "1.</right_val></_></_></trees><stage_threshold>0.5</stage_threshold><parent>-1</parent><next>-1</next></_></stages></" \
    "thing>" \
    "</opencv_storage>"
/* A window of 6 x 6 in which every cell of the ring is at least as bright as the middle: code 255, the last bit. */
#define RING                                                                                                                    \
    HEAD "<featureType>LBP</featureType><height>6</height><width>6</width><stages><_><stageThreshold>0.5</stageThreshold>"      \
         "<weakClassifiers><_><internalNodes>0 -1 0 0 0 0 0 0 0 0 -2147483648</internalNodes><leafValues>1. 0.</leafValues></_>" \
         "</weakClassifiers></_></stages><features><_><rect>0 0 2 2</rect></_></features></cascade></opencv_storage>"

static int windows(const char *xml, const uint8_t *grey, int H, int W, zt_boxes *b) {
    zt_cascade *c = NULL;
    *b = (zt_boxes){0};
    ok(zt_cascade_parse(&c, xml, strlen(xml), "test.xml"));
    ok(zt_cascade_detect(c, grey, H, W, 4, 0, 0, b));
    zt_cascade_destroy(&c);
    return b->n;
}

/* By hand: an edge between rows 5 and 6 of a 12 x 12 picture. A window passes where it lies across the edge. */
static void test_by_hand(void **state) {
    static const char *const SAME[] = {STUMP, TREE, OLD};
    uint8_t grey[144];
    zt_boxes b;
    (void)state;
    for (int i = 0; i < 144; i++) grey[i] = i / 12 < 6 ? 30 : 220;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(windows(SAME[k], grey, 12, 12, &b), 5);
        for (int i = 0; i < b.n; i++) assert_true(b.box[i].y == 4 && b.box[i].x == 2 * i && b.box[i].w == 4 && b.box[i].h == 4);
        zt_boxes_finish(&b);
    }
    for (int i = 0; i < 144; i++) grey[i] = i / 12 < 6 ? 100 : 102;   /* hardly any contrast: passed over */
    assert_int_equal(windows(STUMP, grey, 12, 12, &b), 0);
    zt_boxes_finish(&b);
    memset(grey, 200, sizeof grey);
    for (int y = 2; y < 4; y++)
        for (int x = 2; x < 4; x++) grey[y * 12 + x] = 10;            /* the middle cell of the first window */
    assert_true(windows(RING, grey, 12, 12, &b) > 0);
    bool there = false;
    for (int i = 0; i < b.n; i++) there = there || (b.box[i].x == 0 && b.box[i].y == 0);
    assert_true(there);
    zt_boxes_finish(&b);
    for (int y = 2; y < 4; y++)
        for (int x = 2; x < 4; x++) grey[y * 12 + x] = 250;
    (void)windows(RING, grey, 12, 12, &b);
    for (int i = 0; i < b.n; i++) assert_false(b.box[i].x == 0 && b.box[i].y == 0);
    zt_boxes_finish(&b);
}

/* Windows of OpenCV 4.6's detectMultiScale(grey, 1.1, 0) on the drawn face: how many, and the sums of x, y, w, h. */
static void test_as_opencv(void **state) {
    static const struct { const char *file; int n; long sum[4]; } WANT[] = {
        {"haarcascades/haarcascade_frontalface_alt2", 76, {3334, 2062, 5626, 5624}},
        {"haarcascades/haarcascade_frontalface_default", 91, {3606, 2112, 7389, 7387}},
        {"lbpcascades/lbpcascade_frontalface_improved", 20, {1108, 879, 997, 997}},
        {"haarcascades/haarcascade_profileface", 29, {1596, 700, 2199, 2197}},
        {"haarcascades/haarcascade_licence_plate_rus_16stages", 0, {0, 0, 0, 0}},
    };
    enum { H = 120, W = 160 };
    static uint8_t rgb[H * W * 3], grey[H * W];
    (void)state;
    draw_background(rgb, H, W);
    draw_face(rgb, H, W, 80, 60, 60);
    zt_grey(rgb, H * W, grey);
    for (size_t k = 0; k < sizeof WANT / sizeof *WANT; k++) {
        char path[256];
        zt_cascade *c = NULL;
        zt_boxes b = {0};
        long sum[4] = {0};
        snprintf(path, sizeof path, "/usr/share/opencv4/%s.xml", WANT[k].file);
        const zt_err e = zt_cascade_load(&c, path);
        if (e == ZT_NOTFOUND) {
            print_message("SKIPPED: the package opencv-data is not installed\n");
            skip();
        }
        ok(e);
        ok(zt_cascade_detect(c, grey, H, W, 1.1, 0, 0, &b));
        assert_int_equal(b.n, WANT[k].n);
        for (int i = 0; i < b.n; i++) {
            sum[0] += b.box[i].x;
            sum[1] += b.box[i].y;
            sum[2] += b.box[i].w;
            sum[3] += b.box[i].h;
        }
        for (int i = 0; i < 4; i++) assert_int_equal(sum[i], WANT[k].sum[i]);
        zt_boxes_finish(&b);
        zt_cascade_destroy(&c);
    }
}

static void test_group(void **state) {
    static const zt_box IN[] = {{10, 10, 40, 40, 1}, {12, 10, 40, 40, 1}, {11, 13, 41, 40, 1}, {12, 11, 39, 40, 1},
                                {100, 100, 40, 40, 1}, {20, 20, 12, 12, 1}, {21, 20, 12, 12, 1}};
    zt_boxes b = {0};
    (void)state;
    for (size_t i = 0; i < sizeof IN / sizeof *IN; i++) ok(zt_boxes_add(&b, IN[i]));
    ok(zt_boxes_group(&b, 2));
    assert_int_equal(b.n, 1);                                /* the small pair lies inside the better four */
    assert_int_equal(b.box[0].votes, 4);
    assert_int_equal(b.box[0].x, 11);
    assert_int_equal(b.box[0].w, 40);
    zt_boxes_finish(&b);
}

/* Each pair: what to replace in a good file, and by what; the file is then refused. */
static void test_hostile(void **state) {
    static const struct { const char *file, *from, *to;
    } CASE[] = {
        {STUMP, "HAAR", "HOG"},
        {STUMP, "<height>4", "<height>99999"},
        {STUMP, "<height>4", "<height>1"},
        {STUMP, "<height>4</height>", ""},
        {STUMP, "0 -1 0 0.2", "0 -1 1 0.2"},
        {STUMP, "0 -1 0 0.2", "0 -1 -1 0.2"},
        {STUMP, "0 -1 0 0.2", "0 -2 0 0.2"},
        {STUMP, "0 -1 0 0.2", "1 -1 0 0.2"},
        {STUMP, "0 -1 0 0.2", "0 -1 0"},
        {STUMP, "0 -1 0 0.2", "0 -1 0 nan"},
        {STUMP, "0. 1.", "0."},
        {STUMP, "0. 1.", "0. x"},
        {STUMP, "0 2 4 2 2.", "0 2 4 3 2."},
        {STUMP, "0 2 4 2 2.", "0 2 4 2"},
        {STUMP, "0 2 4 2 2.", "0 2 0 2 2."},
        {STUMP, "0 2 4 2 2.", "-1 2 4 2 2."},
        {STUMP, "<stageThreshold>0.5</stageThreshold>", ""},
        {STUMP, "</cascade>", ""},
        {STUMP, "<stages><_>", "<stages><x>"},
        {STUMP, "<opencv_storage>", "<!DOCTYPE x [<!ENTITY a \"b\">]><opencv_storage>"},
        {TREE, "0 1 0 0.2 -1", "0 1 0 0.2 1"},
        {TREE, "0 1 0 0.2", "0 2 0 0.2"},
        {OLD, "<size>4 4</size>", "<size>4</size>"},
        {OLD, "<left_val>0.</left_val>", ""},
        {OLD, "<left_val>0.</left_val>", "<left_node>1</left_node>"},
        {OLD, "<trees><_>", "<trees><x>"},
        {RING, "<rect>0 0 2 2", "<rect>0 0 3 2"},
        {RING, "0 0 -2147483648", "0 0"},
        {RING, "<rect>0 0 2 2</rect>", ""},
    };
    zt_cascade *c = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        zt_str s = {0};
        const char *at = strstr(CASE[i].file, CASE[i].from);
        assert_non_null(at);
        zt_str_addn(&s, CASE[i].file, (size_t)(at - CASE[i].file));
        zt_str_add(&s, CASE[i].to);
        zt_str_add(&s, at + strlen(CASE[i].from));
        const zt_err e = zt_cascade_parse(&c, s.buf, s.len, "test.xml");
        if (e != ZT_FORMAT) fail_msg("case %zu (%s): %s", i, CASE[i].to, zt_err_name(e));
        assert_non_null(strstr(zt_err_text(), "test.xml"));
        assert_null(c);
        zt_str_finish(&s);
    }
    for (size_t n = 0; n < strlen(STUMP); n += 7) assert_int_not_equal(zt_cascade_parse(&c, STUMP, n, "test.xml"), ZT_OK);
    const char *tilted = strstr(STUMP, "<tilted>0");
    zt_str s = {0};
    zt_str_addn(&s, STUMP, (size_t)(tilted - STUMP));
    zt_str_add(&s, "<tilted>1");
    zt_str_add(&s, tilted + 9);
    assert_int_equal(zt_cascade_parse(&c, s.buf, s.len, "test.xml"), ZT_UNSUPPORTED);
    zt_str_finish(&s);
    assert_int_equal(zt_cascade_load(&c, "/none.xml"), ZT_NOTFOUND);
}

static void test_no_memory(void **state) {
    zt_cascade *c = NULL;
    (void)state;
    for (int n = 1;; n++) {
        zt_alloc_fail_at(n);
        const zt_err e = zt_cascade_parse(&c, STUMP, strlen(STUMP), "test.xml");
        const bool happened = zt_alloc_fail_left() <= 0;
        zt_alloc_fail_at(0);
        if (!happened) {
            ok(e);
            break;
        }
        assert_int_equal(e, ZT_NOMEM);
        assert_null(c);
    }
    zt_cascade_destroy(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand), cmocka_unit_test(test_as_opencv), cmocka_unit_test(test_group),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
