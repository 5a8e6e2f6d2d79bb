/* test_data_text_recall.c - how much of number plates and captions --text blurs, and how much of clips without any: drawn ones of
 * known boxes over moving textures, at several sizes and contrasts; lines are found in every second frame and followed, as
 * zt_finder_find does it. With a number, other clips, and every case is printed.
 * labels: slow */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "data/faces_impl.h"
#include "draw_text.h"
#include "says.h"

enum { T = 8, H = 240, W = 320, EVERY = 2, GRAIN = 5 };
static uint8_t clip[T * H * W * 3];
static bool loud;
static uint64_t first_seed = 1000;   /* the detector was tuned on the clips of 0 */
static const double COVERED = 0.8;

/* ---- clips ---- */

/* Grey of a texture at a point: noise of several sizes, and by `kind` things that have edges: 0 none, 1 a fence, 2 windows,
 * 3 leaves. */
static double noise(uint64_t seed, double x, double y) {
    const int i = (int)floor(x), k = (int)floor(y);
    double v[4], fx = x - i, fy = y - k;
    for (int n = 0; n < 4; n++) {
        uint32_t w[4];
        zt_philox(seed, (uint64_t)(uint32_t)(i + n % 2), (uint64_t)(uint32_t)(k + n / 2), w);
        v[n] = w[0] / 4294967296.0;
    }
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    return (v[0] * (1 - fx) + v[1] * fx) * (1 - fy) + (v[2] * (1 - fx) + v[3] * fx) * fy;
}

static double texture(int kind, uint64_t seed, double x, double y) {
    double g = 110 + 90 * (noise(seed, x / 60, y / 60) - 0.5) + 50 * (noise(seed + 1, x / 17, y / 17) - 0.5);
    if (kind == 1 && fmod(x + 4000, 23) < 7) g += 70;
    if (kind == 2 && fmod(x + 4000, 40) < 22 && fmod(y + 4000, 52) < 34) g -= 60;
    if (kind == 3) g += 110 * (noise(seed + 2, x / 5, y / 5) - 0.5);
    return g;
}

static uint8_t grey8(double g) { return (uint8_t)lrint(fmin(fmax(g, 0), 255)); }

static void background(int kind, uint64_t seed) {
    for (int t = 0; t < T; t++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                memset(clip + (((size_t)t * H + (size_t)y) * W + (size_t)x) * 3,
                       grey8(texture(kind, seed, x + 2.3 * t, y + 0.7 * t)), 3);
}

/* What cameras add. */
static void grain(uint64_t seed) {
    zt_rng r = zt_rng_init(seed, 9);
    for (size_t i = 0; i < sizeof clip / 3; i++) {
        const int n = (int)zt_rng_int(&r, -GRAIN, GRAIN);
        for (int c = 0; c < 3; c++) clip[i * 3 + (size_t)c] = grey8(clip[i * 3 + (size_t)c] + n);
    }
}

/* ---- counting ---- */

static uint8_t blurred[T * H * W];

static void mark(const zt_tracks *t) {
    memset(blurred, 0, sizeof blurred);
    for (int i = 0; i < t->n; i++)
        for (int f = 0; f < t->track[i].n && t->track[i].text; f++) {
            const zt_box a = zt_blur_area(t->track[i].box[f], H, W);
            for (int y = a.y; y < a.y + a.h; y++)
                memset(blurred + ((size_t)(t->track[i].first + f) * H + (size_t)y) * W + a.x, 1, (size_t)a.w);
        }
}

/* Part of the box that is blurred in frame t. */
static double covered(int t, const double box[4]) {
    int64_t n = 0, in = 0;
    for (int y = (int)fmax(0, box[1]); y < (int)fmin(H, box[1] + box[3]); y++)
        for (int x = (int)fmax(0, box[0]); x < (int)fmin(W, box[0] + box[2]); x++, n++)
            in += blurred[((size_t)t * H + (size_t)y) * W + (size_t)x];
    return n ? (double)in / (double)n : 1;
}

static void find(void) {
    static uint8_t grey[H * W];
    zt_boxes found[T / EVERY] = {{0}};
    zt_tracks t = {0};
    for (int i = 0; i < T / EVERY; i++) {
        zt_grey(clip + (size_t)(i * EVERY) * H * W * 3, H * W, grey);
        OK(zt_find_text(grey, H, W, &found[i]));
    }
    OK(zt_tracks_join(&t, found, T / EVERY, EVERY, T, H, W, 8, true));
    mark(&t);
    zt_tracks_finish(&t);
    for (int i = 0; i < T / EVERY; i++) zt_boxes_finish(&found[i]);
}

typedef struct tally { int frames, found; double area; } tally;

/* A clip with one line of text; plate: ground is its colour, below 0: a caption over the picture. */
static void one(const char *line, double size, int grey, int ground, int kind, uint64_t seed, tally *sum) {
    double box[T][4];
    tally k = {0};
    background(kind, seed);
    for (int t = 0; t < T; t++) {
        uint8_t *rgb = clip + (size_t)t * H * W * 3;
        const double x = 40.3 + (ground < 0 ? 0 : 3.4 * t), y = 90.6 + (ground < 0 ? 60 : 1.3 * t);
        if (ground >= 0) draw_plate(rgb, H, W, line, x, y, size, grey, ground, box[t]);
        else {
            draw_text(rgb, H, W, line, x, y, size, grey);
            box[t][0] = x, box[t][1] = y, box[t][2] = text_width(line, size), box[t][3] = size;
        }
    }
    grain(seed);
    find();
    for (int t = 0; t < T; t++) {
        const double part = covered(t, box[t]);
        k.frames++;
        k.found += part >= COVERED;
        k.area += part;
    }
    if (loud)
        printf("%-14s size %4.0f grey %3d on %3d, texture %d: %d of %d frames, %.0f %% of the area\n", line, size, grey, ground,
               kind, k.found, k.frames, 100 * k.area / k.frames);
    sum->frames += k.frames;
    sum->found += k.found;
    sum->area += k.area;
}

static void report(const char *what, const tally *t) {
    print_message("%s: %d of %d frames (%.1f %%), %.1f %% of the area\n", what, t->found, t->frames, 100.0 * t->found / t->frames,
                  100 * t->area / t->frames);
}

static void plates(void **state) {
    static const char *const LINE[] = {"AB 123 CD", "B 7M4X 19", "KX52 LWR"};
    static const int COLOUR[][2] = {{20, 235}, {235, 30}, {70, 200}, {90, 170}};   /* letters, ground */
    static const double SIZE[] = {9, 12, 16, 22, 30};
    tally large = {0}, small = {0};
    uint64_t seed = first_seed + 1;
    (void)state;
    for (size_t s = 0; s < sizeof SIZE / sizeof *SIZE; s++)
        for (size_t c = 0; c < 4; c++, seed++)
            one(LINE[seed % 3], SIZE[s], COLOUR[c][0], COLOUR[c][1], (int)(seed % 4), seed, SIZE[s] < 12 ? &small : &large);
    report("plates of 12 to 30 pixels", &large);
    report("plates of 9 pixels", &small);
    assert_true(large.found >= 0.97 * large.frames);
    assert_true(small.found >= 0.9 * small.frames);
}

static void captions(void **state) {
    static const char *const LINE[] = {"SAMPLE TEXT HERE", "NEWS AT TEN", "PLEASE STAND BY NOW"};
    static const double SIZE[] = {9, 12, 16, 22};
    tally all = {0};
    uint64_t seed = first_seed + 40;
    (void)state;
    for (size_t s = 0; s < sizeof SIZE / sizeof *SIZE; s++)
        for (int c = 0; c < 3; c++, seed++)
            one(SIZE[s] > 16 ? LINE[1] : LINE[seed % 3], SIZE[s], c == 1 ? 10 : 245, -1, (int)(seed % 4), seed, &all);
    report("captions", &all);
    assert_true(all.found >= 0.7 * all.frames);
}

static void nothing(void **state) {
    double all = 0;
    (void)state;
    for (uint64_t seed = first_seed + 80; seed < first_seed + 92; seed++) {
        background((int)(seed % 4), seed);
        grain(seed);
        find();
        double part = 0;
        for (size_t i = 0; i < sizeof blurred; i++) part += blurred[i];
        part /= sizeof blurred;
        if (loud) printf("no text, texture %d: %.1f %% blurred\n", (int)(seed % 4), 100 * part);
        all += part;
    }
    print_message("without text: %.2f %% of the area is blurred\n", 100 * all / 12);
    assert_true(all / 12 < 0.03);
}

int main(int argc, char **argv) {
    loud = argc > 1;
    first_seed = loud ? strtoull(argv[1], NULL, 10) : first_seed;
    const struct CMUnitTest tests[] = {cmocka_unit_test(plates), cmocka_unit_test(captions), cmocka_unit_test(nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
