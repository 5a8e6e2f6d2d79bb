/* media_test.h - shared by the media tests: a scratch folder, gradient clips, comparison. */
#ifndef ZT_TESTS_MEDIA_TEST_H
#define ZT_TESTS_MEDIA_TEST_H
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/image.h"
#include "media/reader.h"
#include "media/tags.h"
#include "media/writer.h"

static char scratch[128];

#define OK(call) do { \
        zt_err e_ = (call); \
        if (e_ != ZT_OK) fail_msg("%s: %s: %s", #call, zt_err_name(e_), zt_err_text()); \
    } while (0)

static inline int make_scratch(void **state) {
    (void)state;
    strcpy(scratch, "/tmp/zt-media-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int drop_scratch(void **state) {
    (void)state;
    return zt_dir_remove(scratch) == ZT_OK ? 0 : -1;
}

/* One of a few rotating buffers, so that two paths can be used in one call. */
static inline const char *in_scratch(const char *name) {
    static char path[4][ZT_PATH_MAX];
    static int at;
    at = (at + 1) % 4;
    assert_int_equal(zt_path_join(path[at], scratch, name), ZT_OK);
    return path[at];
}

/* A smooth moving gradient: compressible, and different in every frame, row, column and channel. */
static inline zt_frames gradient(int T, int H, int W, double fps) {
    zt_frames f;
    OK(zt_frames_create(&f, T, H, W, fps));
    for (int t = 0; t < T; t++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                uint8_t *p = zt_frame_at(&f, t) + ((size_t)y * (size_t)W + (size_t)x) * 3;
                p[0] = (uint8_t)(128 + 100 * sin(0.05 * x + 0.3 * t));
                p[1] = (uint8_t)(128 + 100 * sin(0.05 * y + 0.2 * t + 1));
                p[2] = (uint8_t)(128 + 100 * sin(0.03 * (x + y) - 0.1 * t));
            }
    return f;
}

static inline double psnr(const uint8_t *a, const uint8_t *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
    return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * (double)n / sum);
}

/* Lowest PSNR over the frames of two equal clips. */
static inline double worst_psnr(const zt_frames *a, const zt_frames *b) {
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->width, b->width);
    double worst = 99;
    for (int t = 0; t < a->frames; t++) worst = fmin(worst, psnr(zt_frame_at(a, t), zt_frame_at(b, t), zt_frame_bytes(a)));
    return worst;
}

static inline void expect_text(const char *part) {
    if (!strstr(zt_err_text(), part)) fail_msg("error text \"%s\" does not say \"%s\"", zt_err_text(), part);
}

static inline void write_bytes(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}
#endif
