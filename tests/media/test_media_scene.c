/* test_media_scene.c - boundaries of shots on generated videos with known ones: F1 of each detector, exact cuts, what is no cut
 * (flashes, pans, light), what is settled when, every pixel format. With --write DIR it writes these videos and their truth. */
#include "shots.h"
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include "media/thumb.h"

enum { VIDEOS = 12 };

/* Counts over videos: found, missed, wrong. */
typedef struct score { int hit, miss, extra; } score;
static double f1(score s) { return s.hit ? 2.0 * s.hit / (2.0 * s.hit + s.miss + s.extra) : 0; }

/* A boundary counts when it overlaps the true one, two frames more on each side; each counts once. `kinds` says which true ones
 * are wanted; others may be found or not. */
static void compare(const turn *t, int n, const zt_boundary *b, size_t m, unsigned kinds, score *s) {
    bool used[256] = {false};
    const double slack = 2.0 / SHOTS_FPS;
    assert_true(m < 256);
    for (int i = 0; i < n; i++) {
        bool hit = false;
        for (size_t k = 0; k < m; k++) {
            if (used[k] || b[k].end_s < (double)t[i].from / SHOTS_FPS - slack ||
                b[k].start_s > (double)t[i].to / SHOTS_FPS + slack)
                continue;
            used[k] = true;
            hit = true;
        }
        if (!(kinds >> t[i].kind & 1)) continue;
        s->hit += hit;
        s->miss += !hit;
    }
    for (size_t k = 0; k < m; k++) s->extra += !used[k];
}

static zt_reader *open_with(const char *path, zt_scene_kind kind) {
    zt_reader *r = NULL;
    const zt_reader_cfg cfg = {.scenes = {.kind = kind}};
    OK(zt_reader_create(&r, path, &cfg));
    return r;
}

static size_t through(zt_reader *r, const zt_boundary **list) {
    bool end = false;
    double settled;
    while (!end) OK(zt_reader_next(r, NULL, NULL, &end));
    const size_t n = zt_reader_boundaries(r, list, &settled);
    assert_true(isinf(settled) && settled > 0);
    return n;
}

static void detectors(void **state) {
    (void)state;
    enum { CUT = 1 << ZT_BOUNDARY_CUT, DISSOLVE = 1 << ZT_BOUNDARY_DISSOLVE, FADE = 1 << ZT_BOUNDARY_FADE };
    static const struct { zt_scene_kind kind; unsigned wanted; double least; } CASES[] = {
        {ZT_SCENES_AUTO, CUT, 0.95},
        {ZT_SCENES_AUTO, CUT | DISSOLVE | FADE, 0.95},
        {ZT_SCENES_CONTENT, CUT, 0.9},
        {ZT_SCENES_ADAPTIVE, CUT, 0.95},
        {ZT_SCENES_THRESHOLD, FADE, 0.95},
    };
    enum { N = sizeof CASES / sizeof CASES[0] };
    score sum[N] = {{0}};
    int late = 0;
    for (int v = 0; v < VIDEOS; v++) {
        turn t[SHOTS_MAX];
        zt_frames f;
        const int n = shots_make((uint64_t)v, &f, t);
        OK(zt_video_write(in_scratch("shots.mp4"), &f, NULL));
        zt_frames_finish(&f);
        for (int c = 0; c < N; c++) {
            const zt_boundary *list;
            zt_reader *r = open_with(in_scratch("shots.mp4"), CASES[c].kind);
            const size_t m = through(r, &list);
            compare(t, n, list, m, CASES[c].wanted, &sum[c]);
            for (int i = 0; i < n && CASES[c].kind == ZT_SCENES_AUTO && CASES[c].wanted == CUT; i++)
                for (size_t k = 0; k < m && t[i].kind == ZT_BOUNDARY_CUT; k++)
                    late += list[k].kind == ZT_BOUNDARY_CUT && fabs(list[k].start_s - (double)t[i].from / SHOTS_FPS) < 0.1
                            && fabs(list[k].start_s - (double)t[i].from / SHOTS_FPS) > 1e-3;
            zt_reader_destroy(&r);
        }
    }
    for (int c = 0; c < N; c++) {
        print_message("detector %d, kinds %u: found %d, missed %d, wrong %d, F1 %.4f\n", (int)CASES[c].kind, CASES[c].wanted,
                      sum[c].hit, sum[c].miss, sum[c].extra, f1(sum[c]));
        if (!(f1(sum[c]) >= CASES[c].least)) fail_msg("F1 %.4f; wanted %.2f", f1(sum[c]), CASES[c].least);
    }
    assert_int_equal(late, 0);                         /* a cut that is found is found at its very frame */
}

/* What is said to be final never changes, and what is not yet final is never long ago. */
static void settling(void **state) {
    (void)state;
    turn t[SHOTS_MAX];
    zt_frames f;
    shots_make(3, &f, t);
    OK(zt_video_write(in_scratch("settle.mp4"), &f, NULL));
    zt_frames_finish(&f);
    const zt_boundary *list;
    zt_reader *r = open_with(in_scratch("settle.mp4"), ZT_SCENES_AUTO);
    const size_t n = through(r, &list);
    zt_boundary *last = zt_alloc(n * sizeof *last);
    assert_true(last && n > 5);
    memcpy(last, list, n * sizeof *last);
    zt_reader_destroy(&r);
    r = open_with(in_scratch("settle.mp4"), ZT_SCENES_AUTO);
    for (bool end = false; !end;) {
        double now, settled;
        OK(zt_reader_next(r, NULL, &now, &end));
        const size_t m = zt_reader_boundaries(r, &list, &settled);
        if (now > 3 && !end) assert_true(settled > now - 3);
        size_t k = 0;
        for (; k < m && list[k].start_s < settled; k++)
            assert_true(k < n && list[k].start_s == last[k].start_s && list[k].end_s <= last[k].end_s);
        assert_true(k == n || last[k].start_s >= settled);
    }
    zt_reader_destroy(&r);
    zt_free(last);
}

static AVFrame *blank(enum AVPixelFormat format, int w, int h) {
    AVFrame *f = av_frame_alloc();
    assert_non_null(f);
    f->format = format;
    f->width = w;
    f->height = h;
    assert_int_equal(av_frame_get_buffer(f, 64), 0);
    for (int i = 0; f->buf[i]; i++) memset(f->buf[i]->data, 0, f->buf[i]->size);   /* av_write_image_line only sets bits */
    return f;
}

/* One picture in many pixel formats: the small pictures agree. */
static void formats(void **state) {
    (void)state;
    static const enum AVPixelFormat FORMAT[] = {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV420P, AV_PIX_FMT_NV12, AV_PIX_FMT_YUYV422,
                                                AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV422P12BE, AV_PIX_FMT_P010LE,
                                                AV_PIX_FMT_GRAY8, AV_PIX_FMT_GRAY16BE};
    uint8_t first[ZT_THUMB_BYTES], thumb[ZT_THUMB_BYTES];
    for (size_t i = 0; i < sizeof FORMAT / sizeof FORMAT[0]; i++) {
        const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(FORMAT[i]);
        AVFrame *f = blank(FORMAT[i], 322, 182);
        uint16_t line[322];
        for (int c = 0; c < d->nb_components; c++) {
            const int w = c ? AV_CEIL_RSHIFT(322, d->log2_chroma_w) : 322, h = c ? AV_CEIL_RSHIFT(182, d->log2_chroma_h) : 182;
            for (int y = 0; y < h; y++) {
                for (int x = 0; x < w; x++)
                    line[x] = (uint16_t)((16 + (c ? 60 * c + 80 * y / h : 180 * x / w)) << (d->comp[c].depth - 8));
                av_write_image_line(line, f->data, f->linesize, d, 0, y, c, w);
            }
        }
        OK(zt_thumb_make(f, i == 0 ? first : thumb));
        const size_t n = d->nb_components == 1 ? ZT_THUMB_PLANE : ZT_THUMB_BYTES;
        for (size_t k = 0; i > 0 && k < n; k++)
            if (abs(thumb[k] - first[k]) > 3) fail_msg("%s: sample %zu is %d, in yuv444p %d", d->name, k, thumb[k], first[k]);
        av_frame_free(&f);
    }
}

/* A picture of one colour: RGB in any layout, and a palette, against its Y, U, V. */
static void rgb_formats(void **state) {
    (void)state;
    static const enum AVPixelFormat FORMAT[] = {AV_PIX_FMT_RGB24, AV_PIX_FMT_BGRA, AV_PIX_FMT_GBRP, AV_PIX_FMT_RGB48LE,
                                                AV_PIX_FMT_RGB565LE, AV_PIX_FMT_PAL8, AV_PIX_FMT_GBRPF32LE};
    for (size_t i = 0; i < sizeof FORMAT / sizeof FORMAT[0]; i++) {
        const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(FORMAT[i]);
        uint8_t thumb[ZT_THUMB_BYTES];
        AVFrame *f = blank(FORMAT[i], 40, 30);
        if (FORMAT[i] == AV_PIX_FMT_PAL8) {
            for (int y = 0; y < 30; y++) memset(f->data[0] + y * f->linesize[0], 7, 40);
            ((uint32_t *)(void *)f->data[1])[7] = 0xffc86420;
        } else if (FORMAT[i] == AV_PIX_FMT_GBRPF32LE) {
            static const float V[3] = {100 / 255.0f, 32 / 255.0f, 200 / 255.0f};    /* G, B, R */
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < 30; y++)
                    for (int x = 0; x < 40; x++) ((float *)(void *)(f->data[c] + y * f->linesize[c]))[x] = V[c];
        } else {
            static const int RGB[3] = {200, 100, 32};
            uint16_t line[40];
            for (int c = 0; c < d->nb_components; c++) {
                const int depth = d->comp[c].depth, v = c < 3 ? RGB[c] : 255;
                for (int x = 0; x < 40; x++) line[x] = (uint16_t)(depth >= 8 ? v << (depth - 8) : v >> (8 - depth));
                for (int y = 0; y < 30; y++) av_write_image_line(line, f->data, f->linesize, d, 0, y, c, 40);
            }
        }
        OK(zt_thumb_make(f, thumb));
        const int want[3] = {122, 77, 183};
        for (int c = 0; c < 3; c++)
            if (abs(thumb[c * ZT_THUMB_PLANE + 300] - want[c]) > 4)
                fail_msg("%s: component %d is %d; wanted %d", d->name, c, thumb[c * ZT_THUMB_PLANE + 300], want[c]);
        av_frame_free(&f);
    }
}

static void refusals(void **state) {
    (void)state;
    static const zt_scene_cfg BAD[] = {{.kind = ZT_SCENES_OFF}, {.kind = (zt_scene_kind)9},
                                       {.kind = ZT_SCENES_AUTO, .min_scene_s = -1},
                                       {.kind = ZT_SCENES_AUTO, .min_scene_s = NAN},
                                       {.kind = ZT_SCENES_CONTENT, .content = 300}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        zt_scenes *s;
        assert_int_equal(zt_scenes_create(&s, &BAD[i]), ZT_ARG);
        assert_null(s);
    }
}

/* Videos and truth.tsv, for other programs to try. */
static int write_all(const char *dir) {
    char path[ZT_PATH_MAX];
    snprintf(path, sizeof path, "%s/truth.tsv", dir);
    FILE *out = fopen(path, "w");
    if (!out) return 1;
    fprintf(out, "file\tkind\tfrom_frame\tto_frame\n");
    for (int v = 0; v < VIDEOS; v++) {
        turn t[SHOTS_MAX];
        zt_frames f;
        const int n = shots_make((uint64_t)v, &f, t);
        snprintf(path, sizeof path, "%s/shots-%02d.mp4", dir, v);
        if (zt_video_write(path, &f, NULL) != ZT_OK) return 1;
        zt_frames_finish(&f);
        for (int i = 0; i < n; i++)
            fprintf(out, "shots-%02d.mp4\t%s\t%d\t%d\n", v, zt_boundary_name(t[i].kind), t[i].from, t[i].to);
    }
    return fclose(out);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_all(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detectors),   cmocka_unit_test(settling), cmocka_unit_test(formats),
        cmocka_unit_test(rgb_formats), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
