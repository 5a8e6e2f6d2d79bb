/* test_data_odd.c - files at the edges of what there is, and archives made to hurt: ingest uses each or lists it with its reason,
 * without memory for what a header only claims. With --write DIR the files are written there and nothing is tested:
 * tests/cli/test_odd.sh gives them to the program. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/ingest.h"
#include "data/layout/layout.h"
#include "data/tar_write.h"
#include "media/odd_video.h"

static char root[200];

static const char *in(const char *name) {
    static char path[8][500];
    static int turn;
    turn = (turn + 1) % 8;
    snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static void put(const char *name, const void *bytes, size_t n) { OK(zt_file_write(in(name), bytes, n)); }

/* ---- the files ---- */

static void video(const char *name, const char *codec, int w, int h, int n, const int64_t *ms) {
    make_odd(&(odd_file){.path = in(name), .codec = codec, .format = AV_PIX_FMT_YUV420P, .w = w, .h = h, .n = n, .ms = ms,
                         .y = {40, 90, 140, 190}, .u = 128, .v = 128, .cycle = 4});
}

static void glue(const char *to, const char *a, const char *b) {
    char *x, *y;
    size_t n, m;
    OK(zt_file_read(in(a), 1 << 26, &x, &n));
    OK(zt_file_read(in(b), 1 << 26, &y, &m));
    x = zt_realloc(x, n + m);
    assert_non_null(x);
    memcpy(x + n, y, m);
    put(to, x, n + m);
    zt_free(x);
    zt_free(y);
    unlink(in(a));
    unlink(in(b));
}

static void write_videos(void) {
    enum { FAST = 600 };
    static int64_t fast[FAST], early[] = {-700, -600, -500, -400, -300, -200, -100, 0, 100},
                               later[] = {500, 600, 700, 800, 900, 1000};
    char *bytes;
    size_t n;
    OK(zt_dir_make(in("files")));
    for (int i = 0; i < FAST; i++) fast[i] = i;
    video("files/8k.mkv", "mpeg4", 7680, 4320, 4, NULL);
    video("files/fast.mkv", "mpeg4", 32, 32, FAST, fast);
    video("files/negative.flv", "flv", 32, 32, 9, early);
    video("files/2x2.mkv", "mpeg4", 2, 2, 6, NULL);
    video("files/a.ts", "libx264", 64, 48, 5, NULL);
    video("files/b.ts", "libx264", 96, 128, 6, later);
    glue("files/changes.ts", "files/a.ts", "files/b.ts");
    video("files/suffix.mp4", "mpeg4", 48, 32, 8, NULL);
    assert_int_equal(rename(in("files/suffix.mp4"), in("files/suffix.avi")), 0);
    video("files/whole.mp4", "mpeg4", 64, 64, 10, NULL);
    OK(zt_file_read(in("files/whole.mp4"), 1 << 20, &bytes, &n));
    put("files/cut.mp4", bytes, n / 2);               /* its index was behind the cut */
    zt_free(bytes);
    uint8_t wav[44 + 800] = "RIFF\x44\x03\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x20\x03\0\0";
    put("files/sound.mp4", wav, sizeof wav);
    /* A zip of one member that claims 4 GiB. */
    put("files/zip.mp4", "PK\3\4\24\0\0\0\10\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\5\0\0\0a.mp4\3\0", 37);
    assert_int_equal(symlink(".", in("files/loop")), 0);
    assert_int_equal(symlink("self", in("files/self")), 0);
    assert_int_equal(symlink("/", in("files/all")), 0);
    assert_int_equal(symlink("nowhere", in("files/dead.mp4")), 0);
}

/* Headers that claim 100000 x 100000 pixels, or as many as their format can say, over next to no data. */
static void write_claims(void) {
    static const char PPM[] = "P6 100000 100000 255\n";
    static const uint8_t PNG[64] =
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\x86\xa0\0\1\x86\xa0\10\2\0\0\0....\0\0\0\4IDATx\x9c\3\0....";
    static const uint8_t BMP[64] = "BM\x40\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xa0\x86\1\0\xa0\x86\1\0\1\0\x18\0";
    static const uint8_t QOI[64] = "qoif\0\1\x86\xa0\0\1\x86\xa0\3\0";
    static const uint8_t GIF[64] = "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\2\2\x44\1\0;";
    static const uint8_t JPG[64] = "\xff\xd8\xff\xc0\0\21\10\xff\xdc\xff\xdc\3\1\x11\0\2\x11\0\3\x11\0";
    static const uint8_t WEBP[64] = "RIFF\x38\0\0\0WEBPVP8X\n\0\0\0\2\0\0\0\x9f\x86\1\x9f\x86\1ANIM\6\0\0\0\0\0\0\0\0\0ANMF";
    OK(zt_dir_make(in("claims")));
    put("claims/a.ppm", PPM, sizeof PPM - 1);
    put("claims/a.png", PNG, sizeof PNG);
    uint8_t png[sizeof PNG];                          /* 16000 x 16000, which FFmpeg itself would take */
    memcpy(png, PNG, sizeof png);
    memcpy(png + 16, "\0\0\x3e\x80\0\0\x3e\x80", 8);
    put("claims/b.png", png, sizeof png);
    put("claims/a.bmp", BMP, sizeof BMP);
    put("claims/a.qoi", QOI, sizeof QOI);
    put("claims/a.gif", GIF, 35);
    put("claims/a.jpg", JPG, sizeof JPG);
    put("claims/a.webp", WEBP, sizeof WEBP);
}

static void put_tar(const char *name, zt_str *tar) {
    tar_end(tar);
    put(name, tar->buf, tar->len);
    tar->len = 0;
}

static void write_tars(void) {
    static const char PETABYTE[12] = "\x80\0\0\0\0\4\0\0\0\0\0", EIGHT_GIB[12] = "77777777777";
    zt_str t = {0}, inner = {0};
    char *mp4;
    size_t n;
    OK(zt_dir_make(in("tars")));
    video("tars/v.mp4", "mpeg4", 32, 32, 8, NULL);
    OK(zt_file_read(in("tars/v.mp4"), 1 << 20, &mp4, &n));
    unlink(in("tars/v.mp4"));
    tar_member(&t, "ok.mp4", '0', mp4, n);
    tar_header(&t, "big.mp4", '0', PETABYTE);
    put_tar("tars/petabyte.tar", &t);
    tar_member(&t, "ok.mp4", '0', mp4, n);
    tar_header(&t, "big.mp4", '0', EIGHT_GIB);
    put_tar("tars/claims.tar", &t);
    /* GNU sparse, old form, that would be a petabyte once unpacked; and pax's, whose data begin with a map. */
    tar_member(&t, "holes.mp4", 'S', "data", 4);
    memcpy(t.buf + 483, PETABYTE, 12);
    unsigned sum = 8 * ' ';
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : (uint8_t)t.buf[i];
    snprintf(t.buf + 148, 8, "%06o", sum);
    tar_member(&t, "pax", 'x', "22 GNU.sparse.major=1\n40 GNU.sparse.realsize=1125899906842624\n", 62);
    tar_member(&t, "map.mp4", '0', "1\n1125899906842620\n4\n", 21);
    tar_member(&t, "ok.mp4", '0', mp4, n);
    put_tar("tars/sparse.tar", &t);
    tar_member(&t, "v.mp4", '0', mp4, n);
    for (int depth = 0; depth < 40; depth++) {
        tar_end(&t);
        tar_member(&inner, "inside.tar", '0', t.buf, t.len);
        const zt_str swap = t;
        t = inner;
        inner = swap;
        inner.len = 0;
    }
    put_tar("tars/nested.tar", &t);
    tar_member(&t, "../../escape.mp4", '0', mp4, n);
    put_tar("tars/escape.tar", &t);
    tar_member(&t, "out", '2', "", 0);                 /* a link to unpack through, and a file behind it */
    memcpy(t.buf + 157, "/etc", 5);
    tar_member(&t, "out/passwd.mp4", '0', mp4, n);
    sum = 8 * ' ';
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : (uint8_t)t.buf[i];
    snprintf(t.buf + 148, 8, "%06o", sum);
    put_tar("tars/link.tar", &t);
    zt_str_finish(&t);
    zt_str_finish(&inner);
    zt_free(mp4);
}

static void write_all(void) {
    av_log_set_level(AV_LOG_QUIET);
    write_videos();
    write_claims();
    write_tars();
}

/* ---- what ingest says of them ---- */

static zt_ingest_cfg config(const char *out, const char *const *src) {
    return (zt_ingest_cfg){.src = src, .n_src = 1, .out = out, .size = {{32, 32}}, .n_size = 1, .frames = {2}, .n_frames = 1,
                           .fps = 8, .seed = 1};
}

typedef struct row { const char *name; int found; char status[16], reason[700], info[700]; } row;

static zt_err on_source(void *ctx, const zt_catalog_source *s) {
    row *r = ctx;
    if (!zt_ends_with(s->path, r->name)) return ZT_OK;
    r->found++;
    snprintf(r->status, sizeof r->status, "%s", s->status);
    snprintf(r->reason, sizeof r->reason, "%s", s->reason);
    snprintf(r->info, sizeof r->info, "%s", s->info);
    return ZT_OK;
}

/* The file is used (clips > 0), or dropped for a reason that contains `why`. */
static void expect(const char *out, const char *name, int clips, const char *why) {
    row r = {.name = name};
    zt_catalog *c = NULL;
    char want[40];
    OK(zt_catalog_open(&c, out));
    OK(zt_catalog_sources(c, on_source, &r));
    zt_catalog_close(&c);
    snprintf(want, sizeof want, "\"clips\":%d,", clips);
    if (r.found != 1 || strcmp(r.status, clips ? "ok" : "dropped") != 0 ||
        (clips ? !strstr(r.info, want) : !strstr(r.reason, why)))
        fail_msg("%s: %d rows, %s, '%s', %s; wanted %d clips, '%s'", name, r.found, r.status, r.reason, r.info, clips, why);
}

static void claims_are_not_believed(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"/a.ppm", "100000"}, {"/a.png", "size"},       {"/a.bmp", "100000"},
                                           {"/a.qoi", "100000"}, {"/a.gif", "65535x65535"}, {"/a.jpg", "65500x65500"},
                                           {"/b.png", "16000x16000"},
                                           {"/a.webp", "at most 67108864"}};   /* most in FFmpeg's words */
    struct rusage before, after;
    const char *src[] = {in("claims")};
    const char *out = in("claims.out");
    zt_ingest_cfg c = config(out, src);
    zt_ingest_report r;
    getrusage(RUSAGE_SELF, &before);
    OK(zt_ingest(&c, &r));
    getrusage(RUSAGE_SELF, &after);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) expect(out, CASES[i][0], 0, CASES[i][1]);
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 64 << 10);   /* KiB; the smallest claim is of 768 MB */
}

/* Ten frames a second, five of 64 x 48 and six of 96 x 128, to eight: each shows the grey of its source, whatever size it had. */
static void size_changes(void **state) {
    (void)state;
    const char *src[] = {in("files/changes.ts")};
    const char *out = in("changes.out");
    const zt_ingest_cfg c = config(out, src);
    zt_dataset *ds = NULL;
    int looked = 0;
    OK(zt_ingest(&c, NULL));
    OK(zt_dataset_open(&ds, out));
    for (int64_t i = 0; i < zt_dataset_count(ds, NULL); i++) {
        zt_clip_view v;
        OK(zt_dataset_clip(ds, NULL, i, &v));
        for (int t = 0; t < 2; t++) {
            const int source = looked++ * 10 / 8, k = source < 5 ? source : source - 5;
            const int want = (40 + k % 4 * 50 - 16) * 255 / 219, got = v.rgb[(t * 32 * 32 + 32 * 16 + 16) * 3];
            if (abs(got - want) > 4) fail_msg("changes.ts: frame %d is of grey %d, wanted %d", looked - 1, got, want);
        }
    }
    assert_int_equal(looked, 8);
    zt_dataset_close(&ds);
}

static void edges(void **state) {
    (void)state;
    const char *src[] = {in("files")};
    char out[300];
    snprintf(out, sizeof out, "%s", in("files.out"));
    zt_ingest_cfg c = config(out, src);
    zt_ingest_report r;
    OK(zt_ingest(&c, &r));
    expect(out, "/8k.mkv", 2, "");
    expect(out, "/fast.mkv", 2, "");
    expect(out, "/negative.flv", 3, "");
    expect(out, "/2x2.mkv", 2, "");
    expect(out, "/changes.ts", 4, "");
    expect(out, "/suffix.avi", 3, "");
    expect(out, "/whole.mp4", 4, "");
    expect(out, "/cut.mp4", 0, "no video stream");
    expect(out, "/sound.mp4", 0, "no video stream");
    expect(out, "/zip.mp4", 0, "not readable");
    assert_int_equal(r.files, 10);
    assert_int_equal(r.skipped, 4);                    /* the links; none is followed */
}

static void archives(void **state) {
    (void)state;
    static const struct { const char *name, *why; zt_err e; } CASES[] = {
        {"petabyte", "truncated", ZT_FORMAT}, {"claims", "truncated", ZT_FORMAT},
        {"escape", "such archives are refused", ZT_FORMAT}, {"nested", "none of their videos", ZT_NOTFOUND},
        {"sparse", "", ZT_OK}, {"link", "", ZT_OK}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char tar[300], out[300];
        snprintf(tar, sizeof tar, "%s/tars/%s.tar", root, CASES[i].name);
        snprintf(out, sizeof out, "%s/tars/%s.out", root, CASES[i].name);
        const zt_ingest_cfg c = config(out, NULL);
        zt_ingest_report r;
        const zt_layout *l = zt_layout_detect(tar);
        assert_non_null(l);
        const zt_err e = zt_layout_ingest(l, tar, &(zt_layout_cfg){0}, &c, &r);
        if (e != CASES[i].e || (e != ZT_OK && !strstr(zt_err_text(), CASES[i].why)))
            fail_msg("%s: %s: %s", CASES[i].name, zt_err_name(e), zt_err_text());
        if (e != ZT_OK) assert_false(zt_file_exists(out));
    }
    expect(in("tars/sparse.out"), "/ok.mp4", 3, "");
    expect(in("tars/sparse.out"), "/map.mp4", 0, "not readable");
    expect(in("tars/link.out"), "/out/passwd.mp4", 3, "");
}

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    strcpy(root, "/tmp/zt-odd-XXXXXX");
    if (!mkdtemp(root)) return -1;
    write_all();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(root) == ZT_OK ? 0 : -1;
}

static void write_only(void **state) {
    (void)state;
    write_all();
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        const struct CMUnitTest write[] = {cmocka_unit_test(write_only)};
        snprintf(root, sizeof root, "%s", argv[2]);
        return cmocka_run_group_tests(write, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(claims_are_not_believed), cmocka_unit_test(edges),
                                       cmocka_unit_test(size_changes), cmocka_unit_test(archives)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
