/* test_media_scan.c - zt_scan_file finds the boundaries of a full pass: on the generated videos, on calm ones, where it may
 * leave most frames alone, on flashes, on files that it must read whole. */
#include "shots.h"
#include "media/scan.h"

enum { VIDEOS = 12 };

static zt_reader *full(const char *path, const zt_boundary **list, size_t *n) {
    zt_reader *r = NULL;
    const zt_reader_cfg cfg = {.scenes = {.kind = ZT_SCENES_AUTO}, .draft = true};
    double settled;
    OK(zt_reader_create(&r, path, &cfg));
    for (bool end = false; !end;) OK(zt_reader_next(r, NULL, NULL, &end));
    *n = zt_reader_boundaries(r, list, &settled);
    return r;
}

static zt_scan scanned(const char *path) {
    zt_scan s;
    OK(zt_scan_file(&s, path, &(zt_scene_cfg){.kind = ZT_SCENES_AUTO}));
    return s;
}

/* How many of a's boundaries have no partner in b: cuts at the same frame, others that overlap. */
static int missing(const zt_boundary *a, size_t n, const zt_boundary *b, size_t m) {
    int miss = 0;
    for (size_t i = 0; i < n; i++) {
        bool hit = false;
        for (size_t k = 0; k < m; k++)
            hit = hit || (b[k].start_s <= a[i].end_s + 1e-3 && b[k].end_s >= a[i].start_s - 1e-3);
        miss += !hit;
    }
    return miss;
}

static void as_a_full_pass(void **state) {
    int differ = 0, all = 0;
    (void)state;
    for (int v = 0; v < VIDEOS; v++) {
        turn t[SHOTS_MAX];
        zt_frames f;
        const zt_boundary *list;
        size_t n;
        shots_make((uint64_t)v, &f, t);
        OK(zt_video_write(in_scratch("scan.mp4"), &f, NULL));
        zt_reader *r = full(in_scratch("scan.mp4"), &list, &n);
        zt_scan s = scanned(in_scratch("scan.mp4"));
        assert_int_equal(s.frames, f.frames);
        assert_float_equal(s.last_s, (f.frames - 1.0) / SHOTS_FPS, 1e-3);
        differ += missing(list, n, s.list, s.n) + missing(s.list, s.n, list, n);
        all += (int)n;
        zt_scan_finish(&s);
        zt_reader_destroy(&r);
        zt_frames_finish(&f);
    }
    print_message("%d of %d boundaries differ\n", differ, all);
    assert_true(all > 100 && differ <= 1);
}

/* Shots of n seconds each with a slow pan and no change but cuts; `flash` seconds into each shot three frames are bright. */
static void write_calm(const char *path, int shots, int seconds, double flash) {
    enum { W = 160, H = 96 };
    zt_frames f;
    const int n = seconds * SHOTS_FPS;
    OK(zt_frames_create(&f, shots * n, H, W, SHOTS_FPS));
    for (int t = 0; t < f.frames; t++) {
        const int k = t / n, at = t % n, from = (int)(flash * SHOTS_FPS), lit = from > 0 && at >= from && at < from + 3;
        uint8_t *p = zt_frame_at(&f, t);
        double along[W][3], down[H];
        for (int x = 0; x < 3 * W; x++) along[x / 3][x % 3] = sin((x / 3 + 0.02 * at) * (0.11 + 0.02 * k) + k + x % 3);
        for (int y = 0; y < H; y++) down[y] = cos(y * (0.21 - 0.03 * k) + 2 * k);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++, p += 3) {
                for (int c = 0; c < 3; c++)
                    p[c] = (uint8_t)fmin(fmax(110 + 60 * along[x][c] * down[y] + 20 * ((k + c) % 3) + 90 * lit, 0), 255);
            }
    }
    OK(zt_video_write(path, &f, NULL));
    zt_frames_finish(&f);
}

static void leaves_calm_frames_alone(void **state) {
    (void)state;
    write_calm(in_scratch("calm.mp4"), 4, 15, 0);
    zt_scan s = scanned(in_scratch("calm.mp4"));
    assert_int_equal(s.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s.list[i].kind, ZT_BOUNDARY_CUT);
        assert_float_equal(s.list[i].start_s, 15.0 * (i + 1), 1e-3);
    }
    print_message("looked at %.1f s of 60\n", s.looked_s);
    assert_true(s.looked_s < 30);
    zt_scan_finish(&s);
}

static void flashes_are_no_cuts(void **state) {
    (void)state;
    write_calm(in_scratch("flash.mp4"), 3, 8, 3.3);
    zt_scan s = scanned(in_scratch("flash.mp4"));
    assert_int_equal(s.n, 2);
    for (int i = 0; i < 2; i++) assert_float_equal(s.list[i].start_s, 8.0 * (i + 1), 1e-3);
    zt_scan_finish(&s);
}

/* Only key frames; an end that is missing; one picture. */
static void whole_files(void **state) {
    (void)state;
    turn t[SHOTS_MAX];
    zt_frames f;
    shots_make(4, &f, t);
    OK(zt_video_write(in_scratch("whole.gif"), &f, NULL));
    OK(zt_video_write(in_scratch("cut.mp4"), &f, NULL));
    zt_frames_finish(&f);
    char *bytes;
    size_t len;
    OK(zt_file_read(in_scratch("cut.mp4"), 1 << 26, &bytes, &len));
    OK(zt_file_write(in_scratch("cut.mp4"), bytes, len * 7 / 10));
    zt_free(bytes);
    const char *const name[] = {"whole.gif", "cut.mp4"};
    for (int i = 0; i < 2; i++) {
        const zt_boundary *list;
        size_t n;
        zt_reader *r = full(in_scratch(name[i]), &list, &n);
        zt_scan s = scanned(in_scratch(name[i]));
        assert_int_equal(s.n, n);
        assert_true(n > 3);
        assert_memory_equal(s.list, list, n * sizeof *list);
        zt_scan_finish(&s);
        zt_reader_destroy(&r);
    }
}

static void refusals(void **state) {
    (void)state;
    zt_scan s;
    assert_int_equal(zt_scan_file(&s, in_scratch("none.mp4"), &(zt_scene_cfg){.kind = ZT_SCENES_AUTO}), ZT_NOTFOUND);
    assert_int_equal(zt_scan_file(&s, in_scratch("none.mp4"), &(zt_scene_cfg){.kind = ZT_SCENES_OFF}), ZT_ARG);
    assert_null(s.list);
    zt_scan_finish(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_full_pass), cmocka_unit_test(leaves_calm_frames_alone), cmocka_unit_test(flashes_are_no_cuts),
        cmocka_unit_test(whole_files),    cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
