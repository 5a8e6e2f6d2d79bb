/* test_safetensors.c - round trips, the file's layout, hostile files, strict loading, failed writes.
 * The format's own library reads one in tests/reference/interop_safetensors.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "nn/safetensors.h"

static char dir[64], path[128];

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/zt_safe_XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return zt_dir_remove(dir) != ZT_OK;
}

static void add(zt_tset *s, const char *name, zt_dtype t, zt_shape sh) {
    zt_tensor *x = NULL;
    assert_int_equal(zt_tset_add(s, name, t, sh, &x), ZT_OK);
    uint8_t *bytes = x->data;
    for (size_t i = 0; i < (size_t)zt_numel(&sh) * zt_dtype_bytes(t); i++)
        bytes[i] = (uint8_t)(i * 7 + (size_t)s->n);
}

static zt_tset sample_set(void) {
    zt_tset s = { 0 };
    add(&s, "blocks.0.w", ZT_F32, zt_sh(3, 5));
    add(&s, "half", ZT_BF16, zt_sh(7));
    add(&s, "t\xC3\xA9xt \"quoted\\\"", ZT_F32, zt_sh(1, 1, 2));
    add(&s, "ids", ZT_I32, zt_sh(4));
    add(&s, "wide", ZT_F64, zt_sh(3));
    add(&s, "scalar", ZT_F32, (zt_shape){ 0 });
    return s;
}

static void assert_same(const zt_tset *a, const zt_tset *b) {
    assert_int_equal(a->n, b->n);
    for (int k = 0; k < a->n; k++) {
        const zt_tensor *x = &a->t[k], *y = zt_tset_find(b, x->name);
        assert_non_null(y);
        assert_int_equal(x->dtype, y->dtype);
        assert_true(zt_same_shape(&x->sh, &y->sh));
        assert_memory_equal(x->data, y->data, (size_t)zt_numel(&x->sh) * zt_dtype_bytes(x->dtype));
    }
}

static void saved_is_loaded(void **state) {
    (void)state;
    zt_tset a = sample_set(), b = { 0 }, c = { 0 }, none = { 0 };
    json_t *meta = json_pack("{ssss}", "format", "zt", "note", "a \"b\"\n"), *got = NULL;
    assert_int_equal(zt_safetensors_save(path, &a, meta), ZT_OK);
    assert_int_equal(zt_safetensors_load(path, &b, &got), ZT_OK);
    assert_same(&a, &b);
    assert_true(json_equal(meta, got));
    json_decref(got);
    assert_int_equal(zt_safetensors_metadata(path, &got), ZT_OK);
    assert_true(json_equal(meta, got));
    json_decref(got);
    assert_int_equal(zt_tset_like(&c, &a, false), ZT_OK);
    assert_int_equal(zt_safetensors_load_into(path, &c), ZT_OK);
    assert_same(&a, &c);

    char *bytes = NULL;
    size_t len = 0, header = 0;
    assert_int_equal(zt_file_read(path, 1 << 20, &bytes, &len), ZT_OK);
    for (int i = 7; i >= 0; i--)
        header = header << 8 | (uint8_t)bytes[i];
    assert_int_equal((8 + header) % 64, 0);
    assert_int_equal(len - 8 - header, zt_tset_bytes(&a));
    assert_memory_equal(bytes + 8 + header, zt_tset_find(&a, "wide")->data, 24);      /* widest first */
    zt_free(bytes);

    assert_int_equal(zt_safetensors_save(path, &none, NULL), ZT_OK);                  /* an empty set, over the old file */
    zt_tset_finish(&b);
    assert_int_equal(zt_safetensors_load(path, &b, &got), ZT_OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(json_object_size(got), 0);
    json_decref(got);
    char **names = NULL;
    int n = 0;
    assert_int_equal(zt_dir_list(dir, &names, &n), ZT_OK);                            /* no temporary file is left */
    assert_int_equal(n, 1);
    zt_names_free(names, n);
    json_decref(meta);
    zt_tset_finish(&a);
    zt_tset_finish(&b);
    zt_tset_finish(&c);
}

/* From an exact copy, so that AddressSanitizer sees a read past the end. */
static zt_err parse_copy(const void *bytes, size_t len, zt_tset *s) {
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    json_t *meta = NULL;
    const zt_err e = zt_safetensors_parse(copy, len, "hostile", s, &meta);
    assert_true((e == ZT_OK) == (meta != NULL));
    json_decref(meta);
    free(copy);
    return e;
}

static void cut_or_turned_files_never_harm(void **state) {
    (void)state;
    zt_tset a = sample_set(), b = { 0 };
    assert_int_equal(zt_safetensors_save(path, &a, NULL), ZT_OK);
    char *bytes = NULL;
    size_t len = 0, turned = 0;
    assert_int_equal(zt_file_read(path, 1 << 20, &bytes, &len), ZT_OK);
    const size_t data = len - (size_t)zt_tset_bytes(&a);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(parse_copy(bytes, cut, &b), ZT_FORMAT);
        assert_int_equal(b.n, 0);
    }
    for (size_t i = 0; i < data; i++)                              /* every bit of the header */
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (char)(1 << bit);
            if (parse_copy(bytes, len, &b) == ZT_OK) {             /* a letter of a name, say */
                assert_int_equal(b.n, a.n);
                turned++;
            } else {
                assert_int_equal(b.n, 0);
            }
            zt_tset_finish(&b);
            bytes[i] ^= (char)(1 << bit);
        }
    assert_true(turned > 0 && turned < data * 4);
    assert_int_equal(parse_copy(bytes, len, &b), ZT_OK);
    assert_same(&a, &b);
    zt_free(bytes);
    zt_tset_finish(&a);
    zt_tset_finish(&b);
}

/* A file of this JSON and `data` bytes after it. */
static zt_err parse_json(const char *json, size_t data) {
    uint8_t bytes[2048] = { 0 };
    const size_t n = strlen(json);
    zt_tset s = { 0 };
    assert_true(8 + n + data <= sizeof bytes);
    bytes[0] = (uint8_t)n;
    bytes[1] = (uint8_t)(n >> 8);
    memcpy(bytes + 8, json, n);
    const zt_err e = parse_copy(bytes, 8 + n + data, &s);
    zt_tset_finish(&s);
    return e;
}

#define T(shape, from, to) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static void hostile_headers_are_refused(void **state) {
    (void)state;
    assert_int_equal(parse_json("{\"a\":" T("[2]", "0", "8") ",\"b\":" T("[]", "8", "12") "}", 12), ZT_OK);
    assert_int_equal(parse_json("{\"b\":" T("[]", "8", "12") ",\"a\":" T("[2]", "0", "8") "}  ", 12), ZT_OK);
    const struct { const char *json; size_t data; } bad[] = {
        { "[]", 0 }, { "{", 0 }, { " {}", 0 }, { "{\"a\":1}", 0 }, { "{\"a\":{}}", 0 }, { "{}", 4 },
        { "{\"a\":" T("[2]", "0", "8") "}", 4 }, { "{\"a\":" T("[2]", "0", "8") "}", 12 },          /* cut; trailing bytes */
        { "{\"a\":" T("[2]", "4", "12") "}", 12 },                                                  /* gap at the start */
        { "{\"a\":" T("[2]", "0", "8") ",\"b\":" T("[2]", "4", "12") "}", 12 },                     /* overlap */
        { "{\"a\":" T("[2]", "0", "8") ",\"b\":" T("[2]", "0", "8") "}", 8 },                       /* same place */
        { "{\"a\":" T("[1]", "0", "4") ",\"b\":" T("[1]", "8", "12") "}", 12 },                     /* gap */
        { "{\"a\":" T("[1]", "0", "4") ",\"a\":" T("[1]", "4", "8") "}", 8 },                       /* name twice */
        { "{\"a\":" T("[3]", "0", "8") "}", 8 }, { "{\"a\":" T("[0]", "0", "0") "}", 0 },
        { "{\"a\":" T("[-2]", "0", "8") "}", 8 }, { "{\"a\":" T("[2]", "8", "0") "}", 8 },
        { "{\"a\":" T("[2]", "-8", "0") "}", 8 }, { "{\"a\":" T("[2.0]", "0", "8") "}", 8 },
        { "{\"a\":" T("[2]", "0", "8.0") "}", 8 }, { "{\"a\":" T("2", "0", "8") "}", 8 },
        { "{\"a\":" T("[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8 },
        { "{\"a\":" T("[4294967296,4294967296]", "0", "0") "}", 8 },                                /* 2^64: wraps to 0 */
        { "{\"a\":" T("[4611686018427387904]", "0", "0") "}", 8 },                                  /* 2^62 * 4 bytes wraps */
        { "{\"a\":" T("[9223372036854775807,2]", "0", "8") "}", 8 },
        { "{\"a\":" T("[2]", "0", "18446744073709551624") "}", 8 },                                 /* 2^64 + 8 */
        { "{\"\":" T("[2]", "0", "8") "}", 8 }, { "{\"a\\nb\":" T("[2]", "0", "8") "}", 8 },
        { "{\"a\":{\"dtype\":\"F8\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8 },
        { "{\"a\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8 }, { "{\"__metadata__\":{\"a\":1}}", 0 }, { "{\"__metadata__\":[]}", 0 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_json(bad[i].json, bad[i].data) != ZT_FORMAT)
            fail_msg("case %zu was not refused: %s", i, bad[i].json);
    zt_tset s = { 0 };
    for (int big = 0; big < 8; big++) {                             /* header lengths up to 2^64 - 1 */
        uint8_t bytes[16] = { [8] = '{', [9] = '}' };
        memset(bytes + big, 0xFF, (size_t)(8 - big));
        assert_int_equal(parse_copy(bytes, 16, &s), ZT_FORMAT);
    }
}

static void strict_loading_lists_what_does_not_fit(void **state) {
    (void)state;
    zt_tset file = { 0 }, model = { 0 };
    char name[32];
    add(&file, "same", ZT_F32, zt_sh(2));
    add(&file, "w", ZT_F32, zt_sh(2, 3));
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "extra%02d", i);
        add(&file, name, ZT_F32, zt_sh(1));
    }
    add(&model, "gone", ZT_F32, zt_sh(4));
    add(&model, "w", ZT_F32, zt_sh(3, 2));
    add(&model, "same", ZT_F32, zt_sh(2));
    const uint32_t before = *(const uint32_t *)zt_tset_find(&model, "same")->data;
    assert_int_equal(zt_safetensors_save(path, &file, NULL), ZT_OK);
    assert_int_equal(zt_safetensors_load_into(path, &model), ZT_FORMAT);
    const char *text = zt_err_text();
    assert_non_null(strstr(text, "1 missing, 12 unexpected, 1 of another shape"));
    assert_non_null(strstr(text, "missing: gone;"));
    assert_non_null(strstr(text, "extra00"));
    assert_non_null(strstr(text, "extra09, ..."));
    assert_null(strstr(text, "extra10"));
    assert_non_null(strstr(text, "w (file F32 [2,3], model F32 [3,2])"));
    assert_non_null(strstr(text, path));
    assert_int_equal(*(const uint32_t *)zt_tset_find(&model, "same")->data, before);
    zt_tset_finish(&model);
    add(&model, "same", ZT_I32, zt_sh(2));                          /* the dtype counts too */
    assert_int_equal(zt_safetensors_load_into(path, &model), ZT_FORMAT);
    assert_non_null(strstr(zt_err_text(), "file F32 [2], model I32 [2]"));
    zt_tset_finish(&model);
    zt_tset_finish(&file);
}

static void failures_leave_the_old_file(void **state) {
    (void)state;
    zt_tset a = sample_set(), b = { 0 };
    assert_int_equal(zt_safetensors_save(path, &a, NULL), ZT_OK);
    assert_int_equal(zt_safetensors_save("/nonexistent/x.safetensors", &a, NULL), ZT_IO);
    assert_int_equal(zt_safetensors_load("/nonexistent/x.safetensors", &b, NULL), ZT_NOTFOUND);
    assert_int_not_equal(zt_safetensors_load(dir, &b, NULL), ZT_OK);          /* a folder */
    assert_int_equal(b.n, 0);
    add(&a, "line\nbreak", ZT_F32, zt_sh(1));
    assert_int_equal(zt_safetensors_save(path, &a, NULL), ZT_ARG);
    assert_int_equal(zt_safetensors_load(path, &b, NULL), ZT_OK);
    assert_int_equal(b.n, a.n - 1);
    zt_tset_finish(&a);
    zt_tset_finish(&b);
}

int main(int argc, char **argv) {
    if (argc == 2) {                                                /* writes a file for tests/reference/interop_safetensors.py */
        zt_tset s = sample_set();
        json_t *meta = json_pack("{ss}", "format", "zt");
        const zt_err e = zt_safetensors_save(argv[1], &s, meta);
        json_decref(meta);
        zt_tset_finish(&s);
        return e != ZT_OK;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_is_loaded), cmocka_unit_test(cut_or_turned_files_never_harm),
        cmocka_unit_test(hostile_headers_are_refused), cmocka_unit_test(strict_loading_lists_what_does_not_fit),
        cmocka_unit_test(failures_leave_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
