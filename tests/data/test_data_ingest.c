/* test_data_ingest.c - real files to clips: which files count, captions, reasons, splits, continuing, refusals, a run that is
 * stopped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/ingest.h"
#include "media/writer.h"

static char scratch[64];

static int make_scratch(void **state) {
    (void)state;
    zt_log_quiet(true);
    strcpy(scratch, "/tmp/zt-ingest-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state) {
    (void)state;
    return zt_dir_remove(scratch) == ZT_OK ? 0 : -1;
}

/* A path in the scratch folder; it is overwritten 32 calls later. */
static const char *in(const char *name) {
    static char path[32][512];
    static int turn;
    turn = (turn + 1) % 32;
    snprintf(path[turn], sizeof path[turn], "%s/%s", scratch, name);
    return path[turn];
}

static void folder(const char *name) { OK(zt_dir_make(in(name))); }
static void text(const char *name, const char *content) { OK(zt_file_write(in(name), content, strlen(content))); }

/* A square that moves; `look` makes the content of each file its own. */
static void video(const char *name, int frames, double fps, int look) {
    zt_frames f;
    OK(zt_frames_create(&f, frames, 48, 64, fps));
    for (int t = 0; t < frames; t++)
        for (int y = 0; y < 48; y++)
            for (int x = 0; x < 64; x++) {
                uint8_t *p = zt_frame_at(&f, t) + (y * 64 + x) * 3;
                const int on = x >= t * 2 % 48 && x < t * 2 % 48 + 16 && y > 16 && y < 32;
                p[0] = (uint8_t)(on ? 255 : look * 7 % 200);
                p[1] = (uint8_t)(on ? 40 : look * 31 % 200);
                p[2] = (uint8_t)(on ? 0 : 60);
            }
    OK(zt_video_write(in(name), &f, NULL));
    zt_frames_finish(&f);
}

static zt_ingest_cfg config(const char *const *src, int n, const char *out) {
    return (zt_ingest_cfg){.src = src,
                           .n_src = n,
                           .out = out,
                           .size = {{32, 32}},
                           .n_size = 1,
                           .frames = {8},
                           .n_frames = 1,
                           .fps = 8,
                           .val = 0.1,
                           .seed = 1};
}

/* What the catalogue says of the file whose path ends in `name`. */
typedef struct row {
    const char *name;
    int sources, clips;
    char status[16], reason[600], info[600], caption[2100], split[8], source[4200];
    double last_start;
    bool mixed;
} row;

static zt_err on_source(void *ctx, const zt_catalog_source *s) {
    row *r = ctx;
    if (!zt_ends_with(s->path, r->name)) return ZT_OK;
    r->sources++;
    snprintf(r->status, sizeof r->status, "%s", s->status);
    snprintf(r->reason, sizeof r->reason, "%s", s->reason);
    snprintf(r->info, sizeof r->info, "%s", s->info);
    return ZT_OK;
}

static zt_err on_clip(void *ctx, const zt_catalog_clip *k) {
    row *r = ctx;
    if (!zt_ends_with(k->source, r->name)) return ZT_OK;
    r->mixed = r->mixed || (r->clips > 0 && strcmp(r->split, k->split) != 0);
    r->clips++;
    snprintf(r->caption, sizeof r->caption, "%s", k->caption);
    snprintf(r->split, sizeof r->split, "%s", k->split);
    snprintf(r->source, sizeof r->source, "%s", k->source);
    r->last_start = k->start_s;
    assert_int_equal(strlen(k->source_hash), 64);
    assert_true(k->frames == 8 && k->height == 32 && k->width == 32 && k->fps == 8);
    return ZT_OK;
}

static row find(const char *out, const char *name) {
    row r = {.name = name};
    zt_catalog *c = NULL;
    OK(zt_catalog_open(&c, out));
    OK(zt_catalog_sources(c, on_source, &r));
    OK(zt_catalog_clips(c, "ok", on_clip, &r));
    zt_catalog_close(&c);
    return r;
}

static void expect_dropped(const char *out, const char *name, const char *why) {
    row r = find(out, name);
    if (r.sources != 1 || strcmp(r.status, "dropped") != 0 || !strstr(r.reason, why) || r.clips)
        fail_msg("%s: %d rows, %s, %d clips, '%s'; wanted one dropped with '%s'", name, r.sources, r.status, r.clips, r.reason,
                 why);
    assert_null(strstr(r.reason, scratch) == r.reason ? r.reason : NULL);   /* no path in front: the row has it */
}

static void expect_clips(const char *out, const char *name, int clips, const char *caption) {
    row r = find(out, name);
    if (r.sources != 1 || strcmp(r.status, "ok") != 0 || r.clips != clips || strcmp(r.caption, caption) != 0 || r.mixed)
        fail_msg("%s: %d rows, %s, %d clips, '%s'; wanted ok, %d, '%s'; %s", name, r.sources, r.status, r.clips, r.caption, clips,
                 caption, r.reason);
}

static void copy(const char *from, const char *to, double part) {
    char *bytes;
    size_t n;
    OK(zt_file_read(in(from), 1 << 24, &bytes, &n));
    OK(zt_file_write(in(to), bytes, (size_t)((double)n * part)));
    zt_free(bytes);
}

static void every_kind_of_file(void **state) {
    (void)state;
    folder("a/walking_fast");
    folder("a/.hidden");
    video("a/plain.mp4", 20, 8, 1);                    /* 2 clips, 4 frames over */
    video("a/faster.mp4", 40, 16, 2);                  /* 2.5 s: 20 frames at 8 fps */
    video("a/with txt.mp4", 8, 8, 3);
    text("a/with txt.txt", "\xef\xbb\xbf a  red\r\nsquare\t\n");
    video("a/\xc3\xa4 \xe2\x82\xac.mp4", 8, 8, 4);
    video("a/\xff.mp4", 8, 8, 5);                      /* a name that is not UTF-8 */
    video("a/tabled.mp4", 8, 8, 6);
    text("a/captions.tsv", "n\tFile\tcaption\r\n1\t./tabled.mp4\tfrom the table\r\n2\ttabled.mp4\ttoo late\nbroken\n\t\t\n");
    video("a/walking_fast/x.mp4", 8, 8, 7);
    video("a/short.mp4", 7, 8, 8);
    video("a/short_fast.mp4", 12, 16, 12);
    text("a/empty.mp4", "");
    text("a/liar.mp4", "this is no video, whatever it says\n");
    copy("a/plain.mp4", "a/z_twin.mp4", 1);
    video("a/long.mp4", 64, 8, 9);
    copy("a/long.mp4", "a/cut.mp4", 0.6);              /* moov is in front: the start decodes */
    video("a/still.png", 1, 8, 10);
    video("a/.hidden/h.mp4", 8, 8, 11);
    text("a/notes.md", "no video");
    assert_int_equal(symlink("plain.mp4", in("a/link.mp4")), 0);
    const char *src[] = {in("a")};
    char out[512];
    snprintf(out, sizeof out, "%s", in("a/out"));      /* inside SRC: it must not eat itself */
    folder("a/out");
    zt_ingest_cfg c = config(src, 1, out);
    zt_ingest_report r;
    OK(zt_ingest(&c, &r));
    expect_clips(out, "/plain.mp4", 2, "");
    assert_true(find(out, "/plain.mp4").last_start == 1);
    assert_non_null(strstr(find(out, "/plain.mp4").info, "\"rest_frames\":4"));
    expect_clips(out, "/faster.mp4", 2, "");
    expect_clips(out, "/with txt.mp4", 1, "a red square");
    expect_clips(out, "/\xc3\xa4 \xe2\x82\xac.mp4", 1, "");
    expect_clips(out, "/\\xff.mp4", 1, "");
    expect_clips(out, "/tabled.mp4", 1, "from the table");
    expect_clips(out, "/x.mp4", 1, "walking fast");
    expect_clips(out, "/long.mp4", 8, "");
    expect_dropped(out, "/short.mp4", "too short: 7 frames at 8 fps, a clip needs 8");
    expect_dropped(out, "/short_fast.mp4",
                   "too short: 6 frames at 8 fps, a clip needs 8; at its own rate, --fps 16, it has enough");
    expect_dropped(out, "/empty.mp4", "zero bytes");
    expect_dropped(out, "/liar.mp4", "");
    assert_true(strlen(find(out, "/liar.mp4").reason) > 10);
    expect_dropped(out, "/z_twin.mp4", "duplicate of ");
    expect_dropped(out, "/still.png", "an image");
    row cut = find(out, "/cut.mp4");
    assert_true(cut.clips >= 1 && cut.clips < 8 && strcmp(cut.status, "ok") == 0);
    assert_null(strstr(cut.info, "\"damaged\":0"));
    assert_int_equal(find(out, "/link.mp4").sources + find(out, "/h.mp4").sources + find(out, ".md").sources, 0);
    assert_int_equal(r.new_ok, 9);
    assert_int_equal(r.new_dropped, 5);
    assert_int_equal(r.duplicates, 1);
    assert_int_equal(r.damaged, 1);
    assert_int_equal(r.files, 15);
    assert_int_equal(r.skipped, 5);                    /* txt, tsv, md, link, .hidden */
    assert_int_equal(r.train + r.val, r.new_clips);

    zt_dataset *ds = NULL;                             /* and the whole is a data set */
    OK(zt_dataset_open(&ds, out));
    assert_int_equal(zt_dataset_count(ds, NULL), r.new_clips);
    zt_dataset_close(&ds);

    zt_ingest_report again;                            /* nothing is done twice */
    OK(zt_ingest(&c, &again));
    assert_int_equal(again.done_before, 15);
    assert_int_equal(again.new_clips, 0);
    assert_int_equal(again.train + again.val, r.train + r.val);

    video("a/plain.mp4", 16, 8, 50);                   /* changed: old clips out, new ones in */
    OK(zt_ingest(&c, &again));
    assert_int_equal(again.new_ok, 1);
    expect_clips(out, "/plain.mp4", 2, "");
    assert_int_equal(again.train + again.val, r.train + r.val);

    zt_ingest_cfg other = c;                           /* one data set, one set of settings */
    other.fps = 4;
    assert_int_equal(zt_ingest(&other, NULL), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "fps 4"));
    assert_non_null(strstr(zt_err_text(), "fps 8"));
}

typedef struct tally { int val_sources, test_sources; char last[4200]; } tally;

static zt_err on_split(void *ctx, const zt_catalog_clip *k) {
    tally *t = ctx;
    if (strcmp(t->last, k->source) == 0) return ZT_OK;
    snprintf(t->last, sizeof t->last, "%s", k->source);
    t->val_sources += strcmp(k->split, "val") == 0;
    t->test_sources += strcmp(k->split, "test") == 0;
    return ZT_OK;
}

static void splits(void **state) {
    (void)state;
    char name[32], out[512];
    folder("s");
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "s/%d.mp4", i);
        video(name, 24, 8, i + 20);
    }
    const char *src[] = {in("s")};
    for (uint64_t seed = 0; seed < 6; seed++) {        /* some of these seeds give no val by chance */
        zt_ingest_report r;
        tally t = {0};
        zt_catalog *k = NULL;
        snprintf(name, sizeof name, "split%d", (int)seed);
        snprintf(out, sizeof out, "%s", in(name));
        zt_ingest_cfg c = config(src, 1, out);
        c.val = c.test = 0.05;
        c.seed = seed;
        OK(zt_ingest(&c, &r));
        assert_int_equal(r.train + r.val + r.test, 30);
        assert_true(r.val > 0 && r.test > 0 && r.train > 0);
        OK(zt_catalog_open(&k, out));
        OK(zt_catalog_clips(k, "ok", on_split, &t));
        zt_catalog_close(&k);
        assert_int_equal(t.val_sources * 3, r.val);    /* whole sources */
        assert_int_equal(t.test_sources * 3, r.test);
        for (int i = 0; i < 10; i++) {
            snprintf(name, sizeof name, "/%d.mp4", i);
            assert_false(find(out, name).mixed);
        }
    }
    zt_ingest_cfg c = config(src, 1, in("limited"));
    zt_ingest_report r;
    c.max_clips = 1;
    c.val = 0;
    OK(zt_ingest(&c, &r));
    assert_true(r.train == 10 && r.val == 0);
}

static void captions(void **state) {
    (void)state;
    char *big = zt_alloc(9000), out[512];
    folder("c/sub");
    video("c/bad.mp4", 8, 8, 40);
    text("c/bad.txt", "caf\xe9");
    video("c/long.mp4", 8, 8, 41);
    memset(big, 'x', 1999);
    for (int i = 0; i < 1000; i++) memcpy(big + 1999 + i * 2, "\xc3\xa4", 3);   /* the cut falls inside a character */
    text("c/long.txt", big);
    video("c/labelled.mp4", 8, 8, 42);
    text("c/labels.tsv", "label\tpath\nby stem\tlabelled\nodd \xff\tbad.mp4\n");
    memset(big, '\t', 8000);
    big[8000] = '\0';
    video("c/sub/y.mp4", 8, 8, 43);
    text("c/sub/captions.tsv", big);                   /* no such columns: passed over, in short time */
    const char *src[] = {in("c")};
    static const struct { zt_ingest_caption mode; const char *labelled, *y;
    } CASES[] = {{ZT_CAPTION_AUTO, "by stem", "sub"},
                 {ZT_CAPTION_TXT, "by stem", ""},
                 {ZT_CAPTION_FOLDER, "", "sub"},
                 {ZT_CAPTION_NONE, "", ""}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char name[16];
        snprintf(name, sizeof name, "cap%zu", i);
        snprintf(out, sizeof out, "%s", in(name));
        zt_ingest_cfg c = config(src, 1, out);
        c.caption = CASES[i].mode;
        OK(zt_ingest(&c, NULL));
        expect_clips(out, "/bad.mp4", 1, "");
        expect_clips(out, "/labelled.mp4", 1, CASES[i].labelled);
        expect_clips(out, "/y.mp4", 1, CASES[i].y);
        row r = find(out, "/long.mp4");
        assert_int_equal(strlen(r.caption), CASES[i].mode <= ZT_CAPTION_TXT ? 1999 : 0);
    }
    zt_free(big);
}

/* Time stamps that jump must not fill the disk with one picture. */
static void frozen_time(void **state) {
    (void)state;
    folder("f");
    video("f/slow.mp4", 4, 0.002, 60);                /* 500 s a picture */
    const char *src[] = {in("f")};
    char out[512];
    snprintf(out, sizeof out, "%s", in("frozen"));
    zt_ingest_cfg c = config(src, 1, out);
    zt_ingest_report r;
    OK(zt_ingest(&c, &r));
    if (r.new_clips < 600 || r.new_clips > 601) fail_msg("%lld clips; %s", (long long)r.new_clips, find(out, "/slow.mp4").info);
    assert_non_null(strstr(find(out, "/slow.mp4").info, "hardly a new picture"));
}

/* A list says more than a folder: pieces of files, captions, labels, splits. A far piece is reached through the index and must
 * hold the same pictures as when the file is taken whole. */
static void lists(void **state) {
    (void)state;
    folder("l");
    video("l/long.mp4", 96, 8, 63);
    video("l/other.mp4", 16, 8, 64);
    text("l/long.txt", "beside it");
    char path[512], other[512], out[512];
    snprintf(path, sizeof path, "%s", in("l/long.mp4"));
    snprintf(other, sizeof other, "%s", in("l/other.mp4"));
    snprintf(out, sizeof out, "%s", in("listed"));
    const zt_ingest_item items[] = {
        {.path = path, .start_s = 1, .end_s = 3, .caption = "second piece", .split = "test", .labels = "{\"a\": 1}"},
        {.path = path, .start_s = 7.5, .caption = "", .split = "val", .licence = "CC0-1.0", .origin = "a set"},
        {.path = path},
        {.path = other, .split = "train"},
        {.path = other, .start_s = 5},
    };
    zt_ingest_cfg c = {
        .items = items, .n_items = 5, .out = out, .size = {{32, 32}}, .n_size = 1, .frames = {8}, .n_frames = 1, .fps = 8};
    zt_ingest_report r;
    OK(zt_ingest(&c, &r));
    expect_clips(out, "/long.mp4#t=1.0,3.0", 2, "second piece");
    expect_clips(out, "/long.mp4#t=7.5", 4, "");       /* 7.5 s to 12 s, a rest of 4 frames */
    expect_clips(out, "/long.mp4", 12, "beside it");
    expect_clips(out, "/other.mp4", 2, "");
    assert_string_equal(find(out, "/long.mp4#t=7.5").split, "val");
    assert_true(find(out, "/long.mp4#t=7.5").last_start == 10.5);
    assert_non_null(strstr(find(out, "/long.mp4#t=7.5").info, "\"origin\":\"a set\""));
    expect_dropped(out, "/other.mp4#t=5.0", "too short: 0 frames");
    assert_true(r.test == 2 && r.val == 4 && r.train == 14);

    zt_dataset *ds = NULL;
    zt_clip_view piece, whole;
    OK(zt_dataset_open(&ds, out));
    OK(zt_dataset_clip(ds, "val", 2, &piece));         /* from 9.5 s on: the seventh clip's half and the eighth's */
    OK(zt_dataset_clip(ds, "train", 9, &whole));
    assert_memory_equal(piece.rgb, whole.rgb + 4 * 32 * 32 * 3, 4 * 32 * 32 * 3);
    OK(zt_dataset_clip(ds, "test", 1, &piece));
    OK(zt_dataset_clip(ds, "train", 2, &whole));
    assert_memory_equal(piece.rgb, whole.rgb, 8 * 32 * 32 * 3);
    assert_string_equal(piece.labels, "{\"a\": 1}");
    zt_dataset_close(&ds);
    OK(zt_ingest(&c, &r));
    assert_int_equal(r.done_before, 5);
    assert_int_equal(r.new_clips, 0);

    static const struct { zt_ingest_item item; const char *why; } BAD[] = {
        {{.path = NULL}, "names no file"},
        {{.path = "/dev/null", .start_s = 2, .end_s = 1}, "later end"},
        {{.path = "/dev/null", .split = "dev"}, "splits are"},
        {{.path = "/dev/null", .labels = "[1]"}, "no JSON object"},
        {{.path = "/dev/null", .caption = "\xff"}, "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        c.items = &BAD[i].item;
        c.n_items = 1;
        c.out = in("refused");
        assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
        if (!strstr(zt_err_text(), BAD[i].why)) fail_msg("%s; wanted '%s'", zt_err_text(), BAD[i].why);
        assert_false(zt_file_exists(c.out));
    }
}

/* Four shots of one colour each, cut at frames 30, 50 and 57: no clip has two colours, whatever the mode and the threads, and
 * what is written depends on neither the threads nor the other files. */
static void shots(void **state) {
    (void)state;
    char out[512], other[512], name[32];
    folder("shots");
    for (int file = 0; file < 5; file++) {
        zt_frames f;
        OK(zt_frames_create(&f, 100, 48, 64, 25));
        for (int t = 0; t < 100; t++)
            for (int i = 0; i < 48 * 64; i++) {
                const int shot = (t >= 30) + (t >= 50) + (t >= 57);
                uint8_t *p = zt_frame_at(&f, t) + i * 3;
                p[0] = (uint8_t)(40 + 60 * shot);
                p[1] = (uint8_t)(200 - 50 * shot + 3 * file);
                p[2] = (uint8_t)(i % 64 / 16 * 20 + (i / 64 / 16 + shot) % 2 * 60);
            }
        snprintf(name, sizeof name, "shots/%d.mp4", file);
        OK(zt_video_write(in(name), &f, NULL));
        zt_frames_finish(&f);
    }
    static const struct { zt_ingest_mode mode; int64_t per_file; } CASES[] = {
        {ZT_MODE_CHUNK, 3 + 2 + 5}, {ZT_MODE_HEAD, 3}, {ZT_MODE_SLIDE, 6 + 4 + 9}, {ZT_MODE_UNIFORM, 12}};
    const char *src[] = {in("shots")};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        snprintf(name, sizeof name, "shots-%zu", i);
        snprintf(out, sizeof out, "%s", in(name));
        zt_ingest_cfg c = config(src, 1, out);
        zt_ingest_report r;
        zt_dataset *ds = NULL;
        c.fps = 25;
        c.mode = CASES[i].mode;
        c.scenes = (zt_scene_cfg){.kind = ZT_SCENES_AUTO, .min_scene_s = 0.2};
        c.threads = 1 + (int)i;
        OK(zt_ingest(&c, &r));
        assert_int_equal(r.new_clips, 5 * CASES[i].per_file);
        OK(zt_dataset_open(&ds, out));
        for (int64_t k = 0; k < zt_dataset_count(ds, NULL); k++) {
            zt_clip_view v;
            OK(zt_dataset_clip(ds, NULL, k, &v));
            assert_in_range(v.rgb[0] - v.rgb[7 * 32 * 32 * 3] + 8, 0, 16);
        }
        zt_dataset_close(&ds);
        snprintf(other, sizeof other, "%s", in("shots-again"));
        c.out = other;
        c.threads = 4;
        OK(zt_ingest(&c, &r));
        char a[65], b[65], path[600];
        snprintf(path, sizeof path, "%s/shards/train-00000.tar", out);
        OK(zt_sha256_file(path, a));
        snprintf(path, sizeof path, "%s/shards/train-00000.tar", other);
        OK(zt_sha256_file(path, b));
        assert_string_equal(a, b);
        OK(zt_dir_remove(other));
    }
}

static void images(void **state) {
    (void)state;
    folder("i");
    video("i/a.png", 1, 8, 61);
    const char *src[] = {in("i/a.png")};
    zt_ingest_cfg c = config(src, 1, in("stills"));
    zt_ingest_report r;
    c.frames[0] = 1;
    OK(zt_ingest(&c, &r));
    assert_int_equal(r.new_clips, 1);
}

static void refusals(void **state) {
    (void)state;
    zt_ingest_report r;
    folder("r");
    text("r/only.txt", "no video here");
    video("ok.mp4", 8, 8, 62);
    text("file", "x");
    folder("full");
    text("full/letter.doc", "dear");
    folder("broken");
    text("broken/catalog.db", "this is no database at all, but long enough to be looked at as if it were one, page by page\n");
    const char *src[] = {in("r")}, *good[] = {in("ok.mp4")}, *gone[] = {in("ok.mp4"), in("nowhere.mp4")};
    zt_ingest_cfg c = config(src, 1, in("none"));
    OK(zt_ingest(&c, &r));                             /* nothing to do is no error, and leaves a data set without clips */
    assert_true(r.files == 0 && r.skipped == 1 && r.train + r.val + r.test == 0);
    c = config(gone, 2, in("gone"));
    assert_int_equal(zt_ingest(&c, &r), ZT_NOTFOUND);
    assert_false(zt_file_exists(in("gone")));          /* found out before anything was made */
    c = config(good, 1, in("file"));
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    c = config(good, 1, in("file/below"));
    assert_int_not_equal(zt_ingest(&c, &r), ZT_OK);
    c = config(good, 1, "/proc/zt-no-such-place");
    assert_int_not_equal(zt_ingest(&c, &r), ZT_OK);
    c = config(good, 1, in("full"));
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "letter.doc"));
    c = config(good, 1, in("broken"));
    assert_int_equal(zt_ingest(&c, &r), ZT_FORMAT);
    c = config(good, 1, in("fine"));
    c.size[0].width = 4;
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    c = config(good, 1, in("fine"));
    c.val = 0.5;
    c.test = 0.5;
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    c = config(good, 1, in("fine"));
    c.size[0] = (zt_ingest_size){1024, 1024};
    c.frames[0] = 1024;
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    c = config(good, 0, in("fine"));
    assert_int_equal(zt_ingest(&c, &r), ZT_ARG);
    assert_false(zt_file_exists(in("fine")));
}

/* Wait until pid has ended; its exit status, or -signal. */
static int ended(pid_t pid) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Killed and interrupted at several moments, the folder is always a whole data set or none yet, and the last run completes it. */
static void stopped_runs(void **state) {
    (void)state;
    char name[32], out[512];
    folder("k");
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "k/%02d.mp4", i);
        video(name, 48, 8, i + 70);
    }
    const char *src[] = {in("k")};
    snprintf(out, sizeof out, "%s", in("killed"));
    zt_ingest_cfg c = config(src, 1, out);
    zt_ingest_report r;
    for (int i = 0; i < 8; i++) {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            zt_cancel_install();
            const zt_err e = zt_ingest(&c, &r);
            _exit(e == ZT_OK ? 0 : e == ZT_CANCELLED ? 3 : 4);
        }
        usleep(10000 + 15000 * (useconds_t)i);
        kill(pid, i % 2 ? SIGINT : SIGKILL);
        const int how = ended(pid);
        assert_true(how == 0 || how == 3 || how == -SIGKILL || how == -SIGINT);
        zt_catalog *k = NULL;
        int64_t clips = 0;
        const zt_err e = zt_catalog_open(&k, out);
        if (e == ZT_OK) OK(zt_catalog_count_clips(k, "ok", &clips));
        zt_catalog_close(&k);
        assert_int_equal(clips % 6, 0);                /* whole sources only */
        if (clips > 0) {
            zt_dataset *ds = NULL;
            OK(zt_dataset_open(&ds, out));
            assert_int_equal(zt_dataset_count(ds, NULL), clips);
            zt_dataset_close(&ds);
        }
    }
    folder("killed/shards");                           /* what a kill between shard and commit leaves */
    text("killed/shards/val-00042.tar", "whole, but no row names it");
    text("killed/shards/test-00007.tar.part", "half");
    OK(zt_ingest(&c, &r));
    assert_int_equal(r.train + r.val, 72);
    zt_dataset *ds = NULL;
    OK(zt_dataset_open(&ds, out));
    assert_int_equal(zt_dataset_count(ds, NULL), 72);
    zt_dataset_close(&ds);
    char **names;
    int n;
    OK(zt_dir_list(in("killed/shards"), &names, &n));
    for (int i = 0; i < n; i++)
        assert_true(zt_ends_with(names[i], ".tar") && strcmp(names[i], "val-00042.tar") != 0);
    zt_names_free(names, n);
}

/* A run in which memory ends says so or gets by; it never crashes and never leaves a broken data set. */
static void memory_ends(void **state) {
    (void)state;
    folder("m");
    video("m/a.mp4", 8, 8, 90);
    text("m/a.txt", "a caption");
    const char *src[] = {in("m")};
    char out[512];
    bool done = false;
    snprintf(out, sizeof out, "%s", in("memory"));
    for (int n = 1; n < 400 && !done; n += 3) {
        OK(zt_dir_remove(out));
        zt_ingest_cfg c = config(src, 1, out);
        zt_ingest_report r;
        zt_alloc_fail_at(n);
        const zt_err e = zt_ingest(&c, &r);
        done = zt_alloc_fail_left() > 0;
        zt_alloc_fail_at(0);
        if (e != ZT_OK && e != ZT_NOMEM) fail_msg("allocation %d: %s: %s", n, zt_err_name(e), zt_err_text());
        OK(zt_ingest(&c, &r));                         /* and the next run puts it right */
        assert_int_equal(r.train + r.val, 1);
    }
    assert_true(done);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_file), cmocka_unit_test(splits),       cmocka_unit_test(captions),
        cmocka_unit_test(frozen_time),        cmocka_unit_test(lists), cmocka_unit_test(shots),        cmocka_unit_test(images),
        cmocka_unit_test(refusals),           cmocka_unit_test(stopped_runs), cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
