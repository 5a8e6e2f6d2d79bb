/* test_data_cache.c - arrays beside clips: found by key and content, refused to another model or codebook, checked token by
 * token, whole after a break. */
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
#include "base/hash.h"
#include "base/mem.h"
#include "data/cache.h"

static char folder[64], hash_a[65], hash_b[65];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s/zt-cache-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) && zt_sha256("a", 1, hash_a) == ZT_OK && zt_sha256("b", 1, hash_b) == ZT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return zt_dir_remove(folder) == ZT_OK ? 0 : -1;
}

static zt_cache_info info(zt_cache_kind kind, const char *model, int64_t codes) {
    zt_cache_info i = {.kind = kind, .codes = codes};
    memcpy(i.model, model, 65);
    return i;
}

static void put(const char *set, const zt_cache_info *i, const char *key, const char *content, const uint16_t *token, int n) {
    zt_cache_writer *w = NULL;
    const zt_cache_array a = {'u', 2, 2, {n, 1}, token};
    if (zt_cache_writer_create(&w, folder, set, i) != ZT_OK || zt_cache_put(w, key, content, "codes", &a) != ZT_OK ||
        zt_cache_flush(w) != ZT_OK)
        fail_msg("%s", zt_err_text());
    zt_cache_writer_destroy(&w);
    assert_null(w);
}

static void test_round_trip(void **state) {
    const zt_cache_info i = info(ZT_CACHE_TOKENS, hash_a, 512);
    zt_cache *c = NULL;
    zt_cache_array a;
    bool found;
    (void)state;
    put("tok", &i, "clip-1", hash_a, (uint16_t[]){1, 2, 511}, 3);
    put("tok", &i, "clip-2", hash_a, (uint16_t[]){7}, 1);    /* the set grows */
    put("tok", &i, "clip-1", hash_b, (uint16_t[]){9, 9}, 2); /* the clip has changed */
    put("tok", &i, "clip-2", hash_a, (uint16_t[]){8}, 1);    /* the same again: the later one counts */
    assert_int_equal(zt_cache_open(&c, folder, "tok", &i), ZT_OK);
    assert_int_equal(zt_cache_find(c, "clip-1", hash_a, "codes", &a, &found), ZT_OK);
    assert_true(found && a.kind == 'u' && a.item_bytes == 2 && a.n == 2 && a.shape[0] == 3 && a.shape[1] == 1);
    assert_memory_equal(a.data, ((uint16_t[]){1, 2, 511}), 6);
    assert_int_equal(zt_cache_find(c, "clip-1", hash_b, "codes", &a, &found), ZT_OK);
    assert_true(found && a.shape[0] == 2);
    assert_int_equal(zt_cache_find(c, "clip-2", hash_a, "codes", &a, &found), ZT_OK);
    assert_true(found && *(const uint16_t *)a.data == 8);
    assert_int_equal(zt_cache_find(c, "clip-2", hash_b, "codes", &a, &found), ZT_OK);
    assert_false(found);
    assert_int_equal(zt_cache_find(c, "clip", hash_a, "codes", &a, &found), ZT_OK);
    assert_false(found);
    assert_int_equal(zt_cache_find(c, "a/b", hash_a, "codes", &a, &found), ZT_ARG);
    zt_cache_close(&c);
    assert_null(c);
}

static void refused(const zt_cache_info *i, const char *a, const char *b) {
    zt_cache *c = (zt_cache *)(uintptr_t)1;
    zt_cache_writer *w = (zt_cache_writer *)(uintptr_t)1;
    assert_int_equal(zt_cache_open(&c, folder, "lat", i), ZT_CONFIG);
    assert_null(c);
    says(a);
    says(b);
    assert_int_equal(zt_cache_writer_create(&w, folder, "lat", i), ZT_CONFIG);
    assert_null(w);
    says(a);
    says(b);
}

static void test_another_model(void **state) {
    zt_cache_info i = info(ZT_CACHE_TOKENS, hash_a, 64);
    (void)state;
    put("lat", &i, "k", hash_a, (uint16_t[]){63}, 1);
    i = info(ZT_CACHE_TOKENS, hash_b, 64);
    refused(&i, hash_a, hash_b); /* both are named */
    i = info(ZT_CACHE_TOKENS, hash_a, 65);
    refused(&i, "64 codes", "65 codes");
    i = info(ZT_CACHE_LATENTS, hash_a, 0);
    refused(&i, "holds tokens", "asked for were latents");
    zt_cache *c = NULL;
    assert_int_equal(zt_cache_open(&c, folder, "none", &i), ZT_NOTFOUND);
    i.model[3] = 'x';
    assert_int_equal(zt_cache_open(&c, folder, "lat", &i), ZT_ARG);
    i = info(ZT_CACHE_TOKENS, hash_a, 1);
    assert_int_equal(zt_cache_open(&c, folder, "lat", &i), ZT_ARG);
    i.codes = 64;
    assert_int_equal(zt_cache_open(&c, folder, "../lat", &i), ZT_ARG);
}

static void test_tokens_in_range(void **state) {
    zt_cache_info i = info(ZT_CACHE_TOKENS, hash_a, 100);
    zt_cache_writer *w = NULL;
    zt_cache *c = NULL;
    zt_cache_array a = {'u', 2, 1, {2}, (uint16_t[]){5, 100}};
    bool found;
    char path[200], *bytes;
    size_t n;
    (void)state;
    assert_int_equal(zt_cache_writer_create(&w, folder, "range", &i), ZT_OK);
    assert_int_equal(zt_cache_put(w, "k", hash_a, "codes", &a), ZT_FORMAT);
    says("below the codebook's size, 100");
    a = (zt_cache_array){'i', 4, 1, {2}, (int32_t[]){5, -1}};
    assert_int_equal(zt_cache_put(w, "k", hash_a, "codes", &a), ZT_FORMAT);
    a = (zt_cache_array){'f', 4, 1, {2}, (float[]){5, 1}};
    assert_int_equal(zt_cache_put(w, "k", hash_a, "codes", &a), ZT_ARG);
    a = (zt_cache_array){'i', 4, 1, {2}, (int32_t[]){5, 99}};
    assert_int_equal(zt_cache_put(w, "k", hash_a, "codes", &a), ZT_OK);
    assert_int_equal(zt_cache_flush(w), ZT_OK);
    zt_cache_writer_destroy(&w);
    /* The same bytes, one token changed on disk. */
    snprintf(path, sizeof path, "%s/arrays/range/00000.tar", folder);
    assert_int_equal(zt_file_read(path, 1 << 20, &bytes, &n), ZT_OK);
    assert_true(bytes[512 + 128] == 5 && bytes[512 + 132] == 99);
    bytes[512 + 132] = 100;
    assert_int_equal(zt_file_write(path, bytes, n), ZT_OK);
    assert_int_equal(zt_cache_open(&c, folder, "range", &i), ZT_OK);
    assert_int_equal(zt_cache_find(c, "k", hash_a, "codes", &a, &found), ZT_FORMAT);
    assert_false(found);
    zt_cache_close(&c);
    bytes[600] = 0; /* and no whole tar */
    assert_int_equal(zt_file_write(path, bytes, 700), ZT_OK);
    assert_int_equal(zt_cache_open(&c, folder, "range", &i), ZT_FORMAT);
    says("truncated");
    zt_free(bytes);
    zt_dir_remove(path);
    assert_int_equal(unlink(path), 0);
}

static void test_break(void **state) {
    const zt_cache_info i = info(ZT_CACHE_TEXT, hash_a, 0);
    const zt_cache_array a = {'f', 4, 1, {2}, (float[]){1, 2}};
    zt_cache_writer *w = NULL;
    zt_cache *c = NULL;
    zt_cache_array got;
    bool found;
    (void)state;
    assert_int_equal(zt_cache_writer_create(&w, folder, "txt", &i), ZT_OK);
    assert_int_equal(zt_cache_put(w, "k", hash_a, "emb", &a), ZT_OK);
    assert_int_equal(zt_cache_flush(w), ZT_OK);
    assert_int_equal(zt_cache_put(w, "l", hash_a, "emb", &a), ZT_OK);
    zt_cache_writer_destroy(&w); /* without flush: not there, the rest whole */
    assert_int_equal(zt_cache_open(&c, folder, "txt", &i), ZT_OK);
    assert_int_equal(zt_cache_find(c, "k", hash_a, "emb", &got, &found), ZT_OK);
    assert_true(found && got.kind == 'f');
    assert_int_equal(zt_cache_find(c, "l", hash_a, "emb", &got, &found), ZT_OK);
    assert_false(found);
    zt_cache_close(&c);
}

static zt_err collect(void *ctx, const zt_cache_summary *s) {
    char *text = ctx;
    const size_t n = strlen(text);
    snprintf(text + n, 400 - n, "%s %s %lld clips %lld arrays\n", s->name, zt_cache_kind_name(s->info.kind), (long long)s->clips,
             (long long)s->arrays);
    return ZT_OK;
}

static void test_list(void **state) {
    char text[400] = "";
    (void)state;
    assert_int_equal(zt_cache_list(folder, collect, text), ZT_OK);
    assert_string_equal(text, "lat tokens 1 clips 1 arrays\nrange tokens 0 clips 0 arrays\ntok tokens 3 clips 4 arrays\n"
                              "txt text 1 clips 1 arrays\n");
    assert_int_equal(zt_cache_list("/nonexistent", collect, text), ZT_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_another_model), cmocka_unit_test(test_tokens_in_range),
        cmocka_unit_test(test_break),      cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
