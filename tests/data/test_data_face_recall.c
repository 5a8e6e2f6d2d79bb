/* test_data_face_recall.c - how many faces are blurred, frame by frame: of real clips against boxes drawn by hand
 * (faces_truth.tsv), of the world "faces" against its own boxes.
 * The clips are not part of the repository: without ../shared/data that part says so and is skipped. With --figures it takes the
 * harder kinds of clips too and prints all as one JSON object, for tests/accept/faces.sh.
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
#include "data/worlds/faces.h"
#include "media/reader.h"

enum { ROWS = 256, EVERY = 2, RENDERED = 60, SEED = 5 };
enum { FACE, PROFILE, DEGRADED, KINDS };              /* see faces_truth.tsv */
static const char *const KIND[KINDS] = {"face", "profile", "degraded"};
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
    fprintf(stderr, "%-28s %-8s %4d of %4d frames, %d tracks\n", truth[first].file, truth[first].kind, hit, n, t.n);
    *found += hit;
    *all += n;
    zt_tracks_finish(&t);
    zt_frames_finish(&clip);
}

typedef struct counts { int found, all; } counts;

static bool have_finder(zt_finder **f) { return zt_finder_create(f, &(zt_finder_cfg){.every = EVERY}) == ZT_OK; }

/* Of the first `kinds` kinds of clips. False: the clips are not there. */
static bool real_faces(zt_finder *f, int kinds, counts c[KINDS]) {
    if (!zt_is_dir("../shared/data/clips")) return false;
    for (int i = 0, k; i < n_rows; i = k) {
        for (k = i + 1; k < n_rows && strcmp(truth[k].file, truth[i].file) == 0; k++) continue;
        int kind = 0;
        while (kind + 1 < KINDS && strcmp(truth[i].kind, KIND[kind]) != 0) kind++;
        if (kind < kinds) measure(f, i, k - 1, &c[kind].found, &c[kind].all);
    }
    return true;
}

/* One clip of the world, side x side pixels, 16 frames, 8 a second. */
static void rendered_clip(zt_finder *f, int number, int side, counts *c) {
    enum { T = 16 };
    static const bool none[ZT_COMBOS] = {false};
    static float box[T][4];
    const zt_clip_size size = {T, side, side, 8};
    zt_faces scene;
    zt_rng r = zt_rng_init(SEED, (uint64_t)number);
    void *arrays[ZT_TRUTHS] = {NULL};
    zt_tracks t = {0};
    uint8_t *rgb = zt_alloc((size_t)T * (size_t)side * (size_t)side * 3);
    assert_non_null(rgb);
    memset(&scene, 0, sizeof scene);
    zt_world_faces.sample(&r, none, false, &size, &scene.base);
    for (int i = 0; i < zt_world_faces.n_truths; i++)
        if (strcmp(zt_world_faces.truth[i].name, "box") == 0) arrays[i] = box;
    memset(box, 0, sizeof box);
    if (zt_world_faces.render(&scene.base, &size, rgb, arrays) != ZT_OK) fail_msg("%s", zt_err_text());
    if (zt_finder_find(f, rgb, T, side, side, 8, &t) != ZT_OK) fail_msg("%s", zt_err_text());
    for (int k = 0; k < T; k++) {
        const double b[4] = {box[k][0], box[k][1], box[k][2] - box[k][0], box[k][3] - box[k][1]};
        assert_true(b[2] > 4 && b[3] > 4);
        c->found += covered(&t, k, side, side, b) >= COVERED;
        c->all++;
    }
    zt_tracks_finish(&t);
    zt_free(rgb);
}

static counts rendered_faces(zt_finder *f, int side) {
    counts c = {0, 0};
    for (int i = 0; i < RENDERED; i++) rendered_clip(f, i, side, &c);
    return c;
}

static void test_recall(void **state) {
    zt_finder *f = NULL;
    counts c[KINDS] = {{0, 0}};
    (void)state;
    if (!have_finder(&f) || !real_faces(f, FACE + 1, c)) {
        print_message("SKIPPED: ../shared/data or the package opencv-data is not there\n");
        zt_finder_destroy(&f);
        skip();
    }
    print_message("%d of %d (%.3f)\n", c[FACE].found, c[FACE].all, (double)c[FACE].found / c[FACE].all);
    assert_true(c[FACE].all > 700);
    assert_true(c[FACE].found >= RECALL * c[FACE].all);
    zt_finder_destroy(&f);
}

/* Part of the pixels of clips without a face that is blurred. */
static double needless(zt_finder *f) {
    static const char *const CLIP[] = {"cockatoo.mp4", "bigbuckbunny.mp4", "iot_car-detection.mp4"};
    double part = 0;
    for (size_t i = 0; i < sizeof CLIP / sizeof *CLIP; i++) {
        char path[256];
        zt_frames clip = {0};
        zt_tracks t = {0};
        double sum = 0;
        snprintf(path, sizeof path, "../shared/data/clips/%s", CLIP[i]);
        if (zt_video_read(&clip, path, &(zt_reader_cfg){.fps = 12, .width = 320, .height = 180}) != ZT_OK)
            fail_msg("%s", zt_err_text());
        if (zt_finder_find(f, clip.rgb, clip.frames, clip.height, clip.width, clip.fps, &t) != ZT_OK)
            fail_msg("%s", zt_err_text());
        for (int k = 0; k < clip.frames; k++)
            sum += covered(&t, k, clip.height, clip.width, (const double[4]){0, 0, clip.width, clip.height});
        fprintf(stderr, "%-28s without a face: %.3f of it blurred\n", CLIP[i], sum / clip.frames);
        part += sum / clip.frames * (1.0 / (sizeof CLIP / sizeof *CLIP));
        zt_tracks_finish(&t);
        zt_frames_finish(&clip);
    }
    return part;
}

/* Figures as members of a JSON object; real ones null where the clips are not there. */
static int figures(void) {
    zt_finder *f = NULL;
    counts c[KINDS] = {{0, 0}}, sum = {0, 0};
    if (read_truth(NULL) != 0 || !have_finder(&f)) {
        fprintf(stderr, "%s\n", zt_err_text());
        return 1;
    }
    const counts small = rendered_faces(f, 64), large = rendered_faces(f, 128);
    const bool real = real_faces(f, KINDS, c);
    const double area = real ? needless(f) : 0;
    zt_finder_destroy(&f);
    printf("{\"rendered_64\": %.4f, \"rendered_128\": %.4f, \"rendered_frames\": %d", (double)small.found / small.all,
           (double)large.found / large.all, large.all);
    for (int k = 0; k < KINDS; k++) {
        sum = (counts){sum.found + c[k].found, sum.all + c[k].all};
        if (!real) continue;
        printf(", \"real_%s\": %.4f, \"real_%s_frames\": %d", KIND[k], (double)c[k].found / c[k].all, KIND[k], c[k].all);
    }
    if (real)
        printf(", \"blurred_without_faces\": %.4f, \"real\": %.4f, \"real_frames\": %d}\n", area,
               (double)sum.found / sum.all, sum.all);
    else printf(", \"real\": null}\n");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--figures") == 0) return figures();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recall)};
    return cmocka_run_group_tests(tests, read_truth, NULL);
}
