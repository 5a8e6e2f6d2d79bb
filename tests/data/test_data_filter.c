/* test_data_filter.c - near-duplicates against comparing every pair; filters, templates, rules and imports on a small data
 * set. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/filter.h"
#include "data/import.h"
#include "data/near.h"
#include "data/query.h"
#include "data/store.h"
#include "data/tagger.h"
#include "data/template.h"

static char folder[64];

static int set_up(void **state) {
    (void)state;
    zt_log_quiet(true);
    snprintf(folder, sizeof folder, "%s/zt-filter-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

/* ---- near-duplicates ---- */

static int distance(const zt_near_item *a, const zt_near_item *b) {
    int n = 0;
    for (int i = 0; i < ZT_HASHES; i++) n += __builtin_popcountll(a->hash[i] ^ b->hash[i]);
    return n;
}

/* Families of items that differ in some bits, against every pair. */
static void test_near(void **state) {
    enum { N = 1500 };
    static zt_near_item item[N];
    static int64_t of[N];
    (void)state;
    zt_rng r = zt_rng_init(3, 0);
    for (int i = 0; i < N; i++) {
        const int family = i < 100 ? -1 : (int)zt_rng_int(&r, 0, 99);
        for (int k = 0; k < ZT_HASHES; k++)
            item[i].hash[k] = family < 0 ? (uint64_t)zt_rng_u32(&r) << 32 | zt_rng_u32(&r) : item[family].hash[k];
        for (int64_t flips = family < 0 ? 0 : zt_rng_int(&r, 0, 30); flips > 0; flips--)
            item[i].hash[zt_rng_int(&r, 0, 2)] ^= (uint64_t)1 << zt_rng_int(&r, 0, 63);
        item[i].colour = i % 7 == 3 ? 0x808080 : 0x858a80;
    }
    item[N - 1] = item[5];
    item[N - 1].colour = 0xf08080;   /* the same shapes in another colour are another clip */
    for (int bits = 0; bits <= ZT_NEAR_BITS_MAX; bits += bits < 8 ? 1 : 5) {
        int found = 0;
        OK(zt_near_find(item, N, bits, of));
        for (int i = 0; i < N; i++) {
            int first = i;
            for (int k = 0; k < i && first == i; k++)
                if (of[k] == k && distance(&item[i], &item[k]) <= bits && (i != N - 1 || k != 5)
                    && (i == N - 1) == (item[k].colour == 0xf08080))
                    first = k;
            if (of[i] != first) fail_msg("%d bits: item %d is near %lld, wanted %d", bits, i, (long long)of[i], first);
            found += first != i;
        }
        assert_true(bits < 4 || found > 50);
    }
    assert_int_equal(zt_near_find(item, N, 24, of), ZT_ARG);
    OK(zt_near_find(item, 0, 3, of));
}

/* Twice as many items, about twice the work, and a heap of equal ones costs nothing more. */
static void test_near_many(void **state) {
    enum { N = 200000 };
    (void)state;
    zt_near_item *item = zt_alloc_array(N, sizeof *item);
    int64_t *of = zt_alloc_array(N, sizeof *of), kept = 0;
    zt_rng r = zt_rng_init(4, 0);
    for (int i = N / 2; i < N; i++)   /* the first half is all zero, as black clips are */
        for (int k = 0; k < ZT_HASHES; k++) item[i].hash[k] = (uint64_t)zt_rng_u32(&r) << 32 | zt_rng_u32(&r);
    const double t0 = zt_now();
    OK(zt_near_find(item, N, 7, of));
    assert_true(zt_now() - t0 < 20);   /* every pair would take minutes */
    for (int i = 0; i < N; i++) kept += of[i] == i;
    assert_int_equal(kept, N / 2 + 1);
    zt_free(item);
    zt_free(of);
}

/* ---- a small set with scores ---- */

static void make_set(const char *name, int n, char dir[ZT_PATH_MAX]) {
    zt_store *s = NULL;
    zt_catalog *c = NULL;
    const uint8_t rgb[3] = {0};
    zt_path_join(dir, folder, name);
    OK(zt_store_open(&s, dir, 0));
    for (int i = 1; i <= n; i++) {
        char key[16], source[40];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(source, sizeof source, "/films/%s/part%d.mp4", i % 2 ? "a" : "b", i / 3);
        const zt_catalog_clip k = {.key = key, .split = "train", .frames = 1, .height = 1, .width = 1, .fps = 12.5,
                                   .caption = i % 2 ? "the dog and the cat" : "", .source = source};
        OK(zt_store_add(s, &k, rgb, NULL, 0));
    }
    OK(zt_store_flush(s, 1));
    zt_store_close(&s);
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_catalog_begin(c));
    for (int i = 1; i < n; i++) {   /* the last one is not scored */
        const uint64_t h = (uint64_t)(i == 6 ? 5 : i) * 0x123456789abcdefu;
        const zt_scores v = {.v = {[ZT_SCORE_motion] = i / 10.0, [ZT_SCORE_black] = i > 8, [ZT_SCORE_brightness] = 0.1 * i},
                             .hash = {h, ~h, h * 77}};
        OK(zt_catalog_put_scores(c, i, &v));
    }
    OK(zt_catalog_commit(c));
    zt_catalog_close(&c);
}

static zt_err add_reason(void *ctx, const zt_catalog_clip *k) {
    zt_str *s = ctx;
    zt_str_addf(s, "%lld:%s;", (long long)k->id, k->reason);
    return ZT_OK;
}

static void test_filter(void **state) {
    static const zt_filter_rule RULE[] = {{ZT_SCORE_motion, true, 0.25}, {ZT_SCORE_black, false, 0.5}};
    (void)state;
    char dir[ZT_PATH_MAX], other[ZT_PATH_MAX];
    zt_filter_report r;
    zt_catalog *c = NULL;
    zt_str said = {0};
    make_set("set", 10, dir);
    zt_filter_cfg cfg = {.rule = RULE, .n_rules = 2, .bits = 3, .what = "test", .dry_run = true};
    OK(zt_filter_set(dir, &cfg, &r));
    assert_true(r.looked_at == 10 && r.unscored == 1 && r.dropped == 4 && r.by_rule[0] == 2 && r.by_rule[1] == 1 &&
                r.duplicates == 1);
    OK(zt_catalog_open(&c, dir));
    OK(zt_catalog_clips(c, "dropped", add_reason, &said));
    assert_int_equal(said.len, 0);
    zt_catalog_close(&c);
    cfg.dry_run = false;
    OK(zt_filter_set(dir, &cfg, &r));
    OK(zt_catalog_open(&c, dir));
    OK(zt_catalog_clips(c, "dropped", add_reason, &said));
    assert_string_equal(said.buf, "1:filter: motion 0.1 is below 0.25;2:filter: motion 0.2 is below 0.25;"
                                  "6:filter: near-duplicate of clip 5;9:filter: black 1 is above 0.5;");
    zt_catalog_close(&c);
    OK(zt_filter_set(dir, &cfg, &r));
    assert_true(r.looked_at == 6 && r.dropped == 0);
    /* Clips of the other set come first. */
    make_set("other", 6, other);
    cfg = (zt_filter_cfg){.bits = 0, .against = dir, .what = "test", .where = "motion > 0.25"};
    OK(zt_filter_set(other, &cfg, &r));
    assert_true(r.looked_at == 3 && r.elsewhere == 3 && r.duplicates == 0);
    char never[ZT_PATH_MAX];
    make_set("never", 1, never);
    OK(zt_filter_set(never, &cfg, &r));   /* no clip has motion: none is looked at */
    assert_int_equal(r.looked_at, 0);
    cfg.where = "";
    assert_int_equal(zt_filter_set(never, &cfg, &r), ZT_CONFIG);
    says("zoe data score");
    cfg.against = never;
    assert_int_equal(zt_filter_set(dir, &cfg, &r), ZT_CONFIG);
    zt_str_finish(&said);
}

/* ---- words ---- */

typedef struct wanted { zt_catalog *c; const char *pattern; zt_str out; } wanted;

static zt_err expand(void *ctx, const zt_catalog_clip *k) {
    wanted *w = ctx;
    return zt_template_expand(w->c, k, w->pattern, &w->out);
}

static void test_template(void **state) {
    static const struct { const char *pattern, *want; } CASE[] = {
        {"{tag.mood} video of {caption}", "calm video of the dog and the cat"},
        {"{key} {split} {frames}x{height}x{width} {fps} {source}", "k1 train 1x1x1 12.5 part0.mp4"},
        {" a {tag.none} {{b} ", "a {b}"},
        {"", ""},
        {"{caption", NULL},
        {"{nothing}", NULL},
        {"{tag.a b}", NULL},
    };
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    make_set("template", 3, dir);
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_edit_begin(&e, c, "test", "user"));
    OK(zt_edit_set(e, 1, "tag.mood", "calm"));
    OK(zt_edit_commit(&e));
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        wanted w = {.c = c, .pattern = CASE[i].pattern};
        const zt_err err = zt_catalog_clip_by_id(c, 1, expand, &w);
        const char *got = w.out.buf ? w.out.buf : "";
        if (!CASE[i].want) assert_int_equal(err, ZT_ARG);
        else if (err != ZT_OK || strcmp(got, CASE[i].want) != 0) fail_msg("%s: '%s'", CASE[i].pattern, got);
        zt_str_finish(&w.out);
    }
    zt_catalog_close(&c);
}

static const char *tag_of(const zt_tag_list *l, const char *name) {
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->tag[i].name, name) == 0) return l->tag[i].value;
    return "";
}

static void test_rules(void **state) {
    (void)state;
    const zt_clip_view view = {.frames = 1};
    zt_tag_list t = {.n = 0};
    zt_scores s = {.v = {[ZT_SCORE_brightness] = 0.1, [ZT_SCORE_pan] = -0.2, [ZT_SCORE_tilt] = 0.1, [ZT_SCORE_motion] = 0.2,
                         [ZT_SCORE_warmth] = 0.1, [ZT_SCORE_sharpness] = 100, [ZT_SCORE_colourfulness] = 70}};
    OK(zt_tagger_rules.look(&zt_tagger_rules, &view, &s, &t));
    static const char *const WANT[][2] = {{"lighting", "dark"}, {"camera", "pan left"}, {"pace", "medium"}, {"tone", "warm"},
                                          {"scene", "natural"}, {"colour", "vivid"}, {"genre", "live action"}};
    for (size_t i = 0; i < sizeof WANT / sizeof WANT[0]; i++) assert_string_equal(tag_of(&t, WANT[i][0]), WANT[i][1]);
    s = (zt_scores){
        .v = {[ZT_SCORE_brightness] = 0.9, [ZT_SCORE_zoom] = -0.3, [ZT_SCORE_flatness] = 0.9, [ZT_SCORE_still] = 0.2}};
    t.n = 0;
    OK(zt_tagger_rules.look(&zt_tagger_rules, &view, &s, &t));
    assert_string_equal(tag_of(&t, "lighting"), "bright");
    assert_string_equal(tag_of(&t, "camera"), "zoom out");
    assert_string_equal(tag_of(&t, "genre"), "animation");
}

static int64_t matching(zt_catalog *c, const char *where) {
    zt_query *q = NULL;
    int64_t n = -1;
    OK(zt_query_parse(&q, where));
    OK(zt_catalog_select_count(c, q, &n));
    zt_query_destroy(&q);
    return n;
}

static zt_err import(const char *dir, const char *name, const char *text, const char *column, const char *field,
                     zt_import_report *r) {
    char path[ZT_PATH_MAX];
    zt_catalog *c = NULL;
    zt_edit *e = NULL;
    zt_path_join(path, folder, name);
    OK(zt_file_write(path, text, strlen(text)));
    OK(zt_catalog_open_writing(&c, dir));
    OK(zt_edit_begin(&e, c, "test", "user"));
    const zt_err err = zt_import_texts(c, e, path, column, field, r);
    if (err == ZT_OK) OK(zt_edit_commit(&e));
    zt_edit_cancel(&e);
    zt_catalog_close(&c);
    return err;
}

static void test_import(void **state) {
    (void)state;
    char dir[ZT_PATH_MAX];
    zt_import_report r;
    zt_catalog *c = NULL;
    make_set("import", 9, dir);
    OK(import(dir, "a.csv", "key,words\nk1,one\nk2,\"two, three\"\nk99,x\nk3,\n", "words", "caption", &r));
    assert_true(r.rows == 4 && r.matched == 2 && r.clips == 2);
    OK(import(dir, "a.jsonl", "{\"file\":\"part1.mp4\",\"mood\":\"calm\"}\n{\"file\":\"/films/a/part2.mp4\",\"mood\":\"wild\"}\n",
              "mood", "tag.mood", &r));
    assert_true(r.matched == 2 && r.clips == 4);   /* clips 3, 4, 5; and 7 alone by its whole path */
    OK(import(dir, "a.tsv", "video\tmood\na/part0.mp4\tsad\nart1.mp4\tbad\n", "mood", "tag.mood", &r));
    assert_true(r.matched == 1 && r.clips == 1);
    assert_int_equal(import(dir, "b.csv", "key,words\nk1,one\n", "caption", "caption", &r), ZT_FORMAT);
    says("b.csv");
    assert_int_equal(import(dir, "b.csv", "id,caption\n1,one\n", "caption", "caption", &r), ZT_FORMAT);
    assert_int_equal(import(dir, "b.jsonl", "{\"caption\":\"x\"}\n", "caption", "caption", &r), ZT_FORMAT);
    says("line 1");
    assert_int_equal(import(dir, "b.txt", "x", "caption", "caption", &r), ZT_ARG);
    assert_int_equal(import(dir, "c.csv", "key,m\nk1,ok\nk2,\"two\nlines\"\n", "m", "tag.mood", &r), ZT_ARG);
    says("c.csv: line 3");
    OK(zt_catalog_open(&c, dir));
    assert_int_equal(matching(c, "caption = 'two, three'"), 1);
    assert_int_equal(matching(c, "tag.mood = calm"), 3);
    assert_int_equal(matching(c, "tag.mood = wild and id = 7"), 1);
    assert_int_equal(matching(c, "tag.mood = sad or tag.mood = ok"), 1);
    zt_catalog_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near),     cmocka_unit_test(test_near_many), cmocka_unit_test(test_filter),
        cmocka_unit_test(test_template), cmocka_unit_test(test_rules),     cmocka_unit_test(test_import),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
