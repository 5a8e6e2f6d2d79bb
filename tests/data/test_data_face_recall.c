/* test_data_face_recall.c - how many faces of real clips are blurred, frame by frame, against boxes drawn by hand
 * (faces_truth.tsv).
 * The clips are not part of the repository: without ../shared/data the test says so and is skipped.
 * labels: slow */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/faces.h"
#include "media/reader.h"

enum { ROWS = 256, EVERY = 2 };
static const double COVERED = 0.8, RECALL = 0.95;   /* part of a face's box that must be blurred; part of the faces */

typedef struct row { char file[64], kind[16]; int frame; double box[4]; } row;
static row truth[ROWS];
static int n_rows;

static int read_truth(void **state) {
    char line[256];
    FILE *f = fopen("tests/data/faces_truth.tsv", "r");
    (void)state;
    zt_log_quiet(true);
    while (f && n_rows < ROWS && fgets(line, sizeof line, f)) {
        row *r = &truth[n_rows];
        n_rows += sscanf(line, "%63s %15s %d %lf %lf %lf %lf", r->file, r->kind, &r->frame, &r->box[0], &r->box[1], &r->box[2],
                         &r->box[3]) == 7;
    }
    if (f) fclose(f);
    return n_rows > 50 ? 0 : -1;
}

/* The box of truth rows first..last at `frame`; false outside them. */
static bool true_box(int first, int last, int frame, double box[4]) {
    for (int i = first; i <= last; i++) {
        const row *a = &truth[i], *b = i < last ? a + 1 : a;
        if (frame < a->frame || frame > b->frame) continue;
        const double u = b->frame > a->frame ? (double)(frame - a->frame) / (b->frame - a->frame) : 0;
        for (int k = 0; k < 4; k++) box[k] = a->box[k] + u * (b->box[k] - a->box[k]);
        return true;
    }
    return false;
}

/* Part of the box, as far as it is inside the picture, that lies in blurred areas of the frame. */
static double covered(const zt_tracks *t, int frame, int H, int W, const double box[4]) {
    const int x0 = (int)fmax(0, lrint(box[0])), y0 = (int)fmax(0, lrint(box[1]));
    const int x1 = (int)fmin(W, lrint(box[0] + box[2])), y1 = (int)fmin(H, lrint(box[1] + box[3]));
    int64_t in = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            bool blurred = false;
            for (int i = 0; i < t->n && !blurred; i++) {
                const zt_track *k = &t->track[i];
                if (frame < k->first || frame >= k->first + k->n) continue;
                const zt_box a = zt_blur_area(k->box[frame - k->first], H, W);
                blurred = x >= a.x && x < a.x + a.w && y >= a.y && y < a.y + a.h;
            }
            in += blurred;
        }
    return (double)in / ((double)(x1 - x0) * (y1 - y0));
}

/* Rows first..last are of one file. */
static void measure(zt_finder *f, int first, int last, int *found, int *all) {
    char path[256];
    zt_frames clip = {0};
    zt_tracks t = {0};
    int hit = 0, n = 0;
    snprintf(path, sizeof path, "../shared/data/%s", truth[first].file);
    if (zt_video_read(&clip, path, NULL) != ZT_OK) fail_msg("%s", zt_err_text());
    if (zt_finder_find(f, clip.rgb, clip.frames, clip.height, clip.width, clip.fps, &t) != ZT_OK) fail_msg("%s", zt_err_text());
    for (int k = 0; k < clip.frames; k++) {
        double box[4];
        if (!true_box(first, last, k, box)) continue;
        n++;
        hit += covered(&t, k, clip.height, clip.width, box) >= COVERED;
    }
    print_message("%-28s %-8s %4d of %4d frames, %d tracks\n", truth[first].file, truth[first].kind, hit, n, t.n);
    *found += hit;
    *all += n;
    zt_tracks_finish(&t);
    zt_frames_finish(&clip);
}

static void test_recall(void **state) {
    zt_finder *f = NULL;
    int found[2] = {0}, all[2] = {0};
    (void)state;
    if (!zt_is_dir("../shared/data/clips") || zt_finder_create(&f, &(zt_finder_cfg){.every = EVERY}) != ZT_OK) {
        print_message("SKIPPED: ../shared/data or the package opencv-data is not there\n");
        skip();
    }
    for (int i = 0, k; i < n_rows; i = k) {
        for (k = i + 1; k < n_rows && strcmp(truth[k].file, truth[i].file) == 0; k++) continue;
        const int kind = strcmp(truth[i].kind, "profile") == 0;
        measure(f, i, k - 1, &found[kind], &all[kind]);
    }
    print_message("faces: %d of %d (%.3f); profiles: %d of %d (%.3f)\n", found[0], all[0], (double)found[0] / all[0], found[1],
                  all[1], (double)found[1] / all[1]);
    assert_true(all[0] > 700);
    assert_true(found[0] >= RECALL * all[0]);
    zt_finder_destroy(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recall)};
    return cmocka_run_group_tests(tests, read_truth, NULL);
}
