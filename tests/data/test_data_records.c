/* test_data_records.c - JSON lines, and TFRecord files with their messages: what is read, and that damage is told with its
 * place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "says.h"
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "data/jsonl.h"
#include "data/tfrecord.h"
#include "data/tfrecord_write.h"

static void test_jsonl(void **state) {
    static const char TEXT[] = "\xef\xbb\xbf{\"a\": 1}\n\n \r\n{\"a\": 2}\r\n{\"a\": 3}";
    static const int64_t LINE[] = {1, 4, 5};
    (void)state;
    zt_jsonl *r = NULL;
    const json_t *row;
    assert_int_equal(zt_jsonl_open_bytes(&r, TEXT, sizeof TEXT - 1, "t.jsonl"), ZT_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zt_jsonl_next(r, &row), ZT_OK);
        assert_int_equal(json_integer_value(json_object_get(row, "a")), i + 1);
        assert_int_equal(zt_jsonl_line(r), LINE[i]);
    }
    assert_int_equal(zt_jsonl_next(r, &row), ZT_OK);
    assert_null(row);
    zt_jsonl_close(&r);
    assert_int_equal(zt_jsonl_open(&r, "/nonexistent.jsonl"), ZT_NOTFOUND);
}

static void refused(const char *text, size_t n, const char *want) {
    zt_jsonl *r = NULL;
    const json_t *row;
    zt_err e = zt_jsonl_open_bytes(&r, text, n, "t.jsonl");
    do e = zt_jsonl_next(r, &row);
    while (e == ZT_OK && row);
    assert_int_equal(e, ZT_FORMAT);
    says(want);
    assert_int_equal(zt_jsonl_next(r, &row), ZT_OK); /* over, not again the same line */
    assert_null(row);
    zt_jsonl_close(&r);
}

static void test_jsonl_hostile(void **state) {
    (void)state;
    refused("{\"a\":1}\n[2]\n", 12, "t.jsonl:2: the line is no JSON object");
    refused("{\"a\":\n1}\n", 9, "t.jsonl, object in line 1");
    refused("{\"a\":1} {\"a\":2}\n", 16, "line 1");
    refused("{\"a\":1,\"a\":2}\n", 14, "duplicate");
    refused("{\"a\":\"\xff\"}\n", 10, "line 1");
    refused("{\"a\":\"\0\"}\n", 10, "line 1");
    zt_str big = {0};
    zt_str_add(&big, "{}\n{\"a\":\"");
    for (int i = 0; i < ZT_JSONL_LINE_MAX / 16; i++) zt_str_add(&big, "0123456789abcdef");
    zt_str_add(&big, "\"}\n");
    refused(big.buf, big.len, "t.jsonl:2: a line of 10");
    zt_str_finish(&big);
}

/* ---- TFRecord ---- */

static void example(zt_str *message, int64_t id) {
    static const float ACTION[] = {1.5f, -2, 0.25f, 3e30f};
    const int64_t labels[] = {id, -5, 300, INT64_MAX, INT64_MIN};
    zt_str map = {0};
    put_bytes_feature(&map, "name", "abcd", 4);
    put_float_feature(&map, "0/action", ACTION, 4);
    put_int_feature(&map, "labels", labels, 5);
    put_message(message, 1, &map);
    zt_str_finish(&map);
}

static void test_example(void **state) {
    (void)state;
    zt_str message = {0}, file = {0};
    zt_bytes r;
    zt_feature f;
    size_t pos = 0;
    bool end;
    for (int64_t i = 0; i < 3; i++) {
        message.len = 0;
        example(&message, i);
        put_record(&file, &message);
    }
    for (int64_t i = 0; i < 3; i++) {
        float action[4];
        int64_t labels[5];
        assert_int_equal(zt_tfrecord_next((uint8_t *)file.buf, file.len, "t", &pos, &r, &end), ZT_OK);
        assert_false(end);
        assert_int_equal(zt_example_find(r, "t", "labels", &f), ZT_OK);
        assert_true(f.kind == ZT_FEATURE_INT && f.n == 5);
        zt_feature_ints(&f, labels);
        assert_true(labels[0] == i && labels[1] == -5 && labels[2] == 300 && labels[3] == INT64_MAX && labels[4] == INT64_MIN);
        assert_int_equal(zt_example_find(r, "t", "0/action", &f), ZT_OK);
        assert_true(f.kind == ZT_FEATURE_FLOAT && f.n == 4);
        zt_feature_floats(&f, action);
        assert_true(action[0] == 1.5f && action[1] == -2 && action[3] == 3e30f);
        assert_int_equal(zt_example_find(r, "t", "name", &f), ZT_OK);
        assert_true(f.kind == ZT_FEATURE_BYTES && f.n == 1);
        assert_true(zt_feature_bytes(&f, 0).n == 4 && memcmp(zt_feature_bytes(&f, 0).p, "abcd", 4) == 0);
        assert_true(zt_feature_bytes(&f, 1).n == 0);
        assert_int_equal(zt_example_find(r, "t", "nam", &f), ZT_OK);
        assert_true(f.kind == ZT_FEATURE_NONE && f.n == 0);
    }
    assert_int_equal(zt_tfrecord_next((uint8_t *)file.buf, file.len, "t", &pos, &r, &end), ZT_OK);
    assert_true(end);
    zt_str_finish(&message);
    zt_str_finish(&file);
}

static void test_example_unpacked(void **state) /* one value a field, as the wire format also allows */
{
    static const uint8_t LIST[] = {8, 9, 8, 0xac, 2}, FLOATS[] = {13, 0, 0, 0xc0, 0x3f};
    (void)state;
    zt_str feature = {0}, map = {0}, message = {0};
    zt_feature f;
    int64_t v[2];
    float x;
    put_field(&feature, 3, LIST, sizeof LIST);
    put_entry(&map, "i", &feature);
    put_field(&feature, 2, FLOATS, sizeof FLOATS);
    put_entry(&map, "x", &feature);
    put_message(&message, 1, &map);
    const zt_bytes m = {(uint8_t *)message.buf, message.len};
    assert_int_equal(zt_example_find(m, "t", "i", &f), ZT_OK);
    assert_int_equal(f.n, 2);
    zt_feature_ints(&f, v);
    assert_true(v[0] == 9 && v[1] == 300);
    assert_int_equal(zt_example_find(m, "t", "x", &f), ZT_OK);
    assert_int_equal(f.n, 1);
    zt_feature_floats(&f, &x);
    assert_true(x == 1.5f);
    for (size_t n = 1; n < message.len; n++) /* cut anywhere: refused, or (between fields) something is missing */
        if (zt_example_find((zt_bytes){m.p, n}, "t", "x", &f) == ZT_OK) assert_int_equal(f.n, 0);
    zt_str_finish(&feature);
    zt_str_finish(&map);
    zt_str_finish(&message);
}

static void test_sequence(void **state) {
    static const uint8_t RGB[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    zt_str map = {0}, message = {0};
    zt_feature f;
    zt_bytes list;
    int64_t n;
    put_bytes_feature(&map, "id", "xyz", 3);
    put_message(&message, 1, &map);
    put_frames(&map, "rgb", RGB, 3, 2);
    put_frames(&map, "audio", RGB, 2, 1);
    put_message(&message, 2, &map);
    const zt_bytes m = {(uint8_t *)message.buf, message.len};
    assert_int_equal(zt_example_find(m, "t", "id", &f), ZT_OK);
    assert_true(f.kind == ZT_FEATURE_BYTES);
    assert_int_equal(zt_sequence_find(m, "t", "rgb", &list, &n), ZT_OK);
    assert_int_equal(n, 3);
    for (int t = 0; t < 3; t++) {
        assert_int_equal(zt_sequence_next(&list, "t", &f), ZT_OK);
        assert_true(f.n == 1 && zt_feature_bytes(&f, 0).n == 2 && zt_feature_bytes(&f, 0).p[0] == RGB[2 * t]);
    }
    assert_int_equal(zt_sequence_next(&list, "t", &f), ZT_FORMAT);
    assert_int_equal(zt_sequence_find(m, "t", "depth", &list, &n), ZT_OK);
    assert_true(n == 0 && list.n == 0);
    zt_str_finish(&map);
    zt_str_finish(&message);
}

static void test_record_damage(void **state) {
    (void)state;
    zt_str message = {0}, file = {0};
    zt_bytes r;
    bool end;
    example(&message, 1);
    put_record(&file, &message);
    for (size_t i = 0; i < file.len; i++) { /* any byte changed, and any length cut off */
        size_t pos = 0;
        file.buf[i] ^= 4;
        assert_int_equal(zt_tfrecord_next((uint8_t *)file.buf, file.len, "t", &pos, &r, &end), ZT_FORMAT);
        says(i < 12 ? "at offset 0 the length of a TFRecord does not fit its check sum"
                    : "the record at offset 0 does not fit its check sum");
        assert_true(pos == 0 && r.n == 0);
        file.buf[i] ^= 4;
        if (i == 0) continue;
        assert_int_equal(zt_tfrecord_next((uint8_t *)file.buf, i, "t", &pos, &r, &end), ZT_FORMAT);
        says("cut off");
    }
    zt_str_finish(&message);
    zt_str_finish(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jsonl),    cmocka_unit_test(test_jsonl_hostile),    cmocka_unit_test(test_example),
        cmocka_unit_test(test_sequence), cmocka_unit_test(test_example_unpacked), cmocka_unit_test(test_record_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
