/* test_tfevents.c - event files read back with a parser of the test's own: framing, checksums, fields. TensorBoard itself reads
 * one in tests/reference/interop_tensorboard.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/file.h"
#include "base/mem.h"
#include "train/tfevents.h"

typedef struct span { const uint8_t *p; size_t n; } span;

static uint64_t le(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint64_t varint(span *s) {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(s->n > 0 && shift < 64);
        const uint8_t b = *s->p++;
        s->n--;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return v;
    }
}

/* The field of that number in a message: its bytes (or its 4, 8 bytes or varint, decoded into *value). */
static bool field(span msg, unsigned number, span *bytes, uint64_t *value) {
    while (msg.n > 0) {
        const uint64_t key = varint(&msg);
        span got = { msg.p, 0 };
        uint64_t v = 0;
        switch (key & 7) {
        case 0: v = varint(&msg); break;
        case 1: got.n = 8; break;
        case 2: got.n = varint(&msg); got.p = msg.p; break;
        case 5: got.n = 4; break;
        default: fail_msg("wire type %d", (int)(key & 7));
        }
        assert_true(got.n <= msg.n);
        if ((key & 7) == 1 || (key & 7) == 5)
            v = le(got.p, (int)got.n);
        msg.p += got.n;
        msg.n -= got.n;
        if (key >> 3 == number) {
            if (bytes != NULL)
                *bytes = got;
            if (value != NULL)
                *value = v;
            return true;
        }
    }
    return false;
}

static uint32_t unmask(uint32_t masked) {
    const uint32_t rot = masked - 0xA282EAD8u;
    return rot << 15 | rot >> 17;
}

/* The next record of a file, its two checksums verified. */
static bool record(span *file, span *data) {
    if (file->n == 0)
        return false;
    assert_true(file->n >= 16);
    const uint64_t n = le(file->p, 8);
    assert_true(n <= file->n - 16);
    assert_int_equal(unmask((uint32_t)le(file->p + 8, 4)), zt_crc32c(file->p, 8));
    *data = (span){ file->p + 12, n };
    assert_int_equal(unmask((uint32_t)le(file->p + 12 + n, 4)), zt_crc32c(data->p, n));
    file->p += 16 + n;
    file->n -= 16 + n;
    return true;
}

static bool is_text(span s, const char *text) { return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0; }

static void what_is_written_is_read_back(void **state) {
    (void)state;
    char dir[] = "/tmp/zt_events_XXXXXX";
    static const uint8_t png[] = { 0x89, 'P', 'N', 'G', 0, 1, 2, 3, 0xFF };
    zt_tfevents *w = NULL, *again = NULL;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(zt_tfevents_create(&w, dir), ZT_OK);
    assert_int_equal(zt_tfevents_scalar(w, "loss/train", 300, 0.25), ZT_OK);
    assert_int_equal(zt_tfevents_scalar(w, "loss/train", ((int64_t)1 << 40) + 1, -1e-3), ZT_OK);
    assert_int_equal(zt_tfevents_image(w, "samples", 7, 64, 32, 3, png, sizeof png), ZT_OK);
    assert_int_equal(zt_tfevents_scalar(w, "", 1, 1), ZT_ARG);
    assert_int_equal(zt_tfevents_scalar(w, "\xFF", 1, 1), ZT_ARG);
    assert_int_equal(zt_tfevents_image(w, "x", 1, 4, 4, 2, png, sizeof png), ZT_ARG);

    char *bytes = NULL;                                           /* while still open: every call was flushed */
    size_t len = 0;
    assert_int_equal(zt_file_read(zt_tfevents_path(w), 1 << 20, &bytes, &len), ZT_OK);
    span file = { (const uint8_t *)bytes, len }, event, summary, value, got, image;
    uint64_t v = 0;
    assert_true(record(&file, &event));
    assert_true(field(event, 3, &got, NULL) && is_text(got, "brain.Event:2"));
    assert_true(field(event, 1, NULL, &v));
    double wall;
    memcpy(&wall, &v, sizeof wall);
    assert_true(wall > 1.6e9);

    const struct { uint64_t step; float value; } want[] = { { 300, 0.25f }, { ((uint64_t)1 << 40) + 1, -1e-3f } };
    for (int i = 0; i < 2; i++) {
        assert_true(record(&file, &event));
        assert_true(field(event, 2, NULL, &v) && v == want[i].step);
        assert_true(field(event, 5, &summary, NULL) && field(summary, 1, &value, NULL));
        assert_true(field(value, 1, &got, NULL) && is_text(got, "loss/train"));
        assert_true(field(value, 2, NULL, &v));
        float f;
        memcpy(&f, &(uint32_t){ (uint32_t)v }, sizeof f);
        assert_true(f == want[i].value);
    }
    assert_true(record(&file, &event));
    assert_true(field(event, 5, &summary, NULL) && field(summary, 1, &value, NULL));
    assert_true(field(value, 4, &image, NULL));
    assert_true(field(image, 1, NULL, &v) && v == 32);
    assert_true(field(image, 2, NULL, &v) && v == 64);
    assert_true(field(image, 3, NULL, &v) && v == 3);
    assert_true(field(image, 4, &got, NULL) && got.n == sizeof png && memcmp(got.p, png, got.n) == 0);
    assert_false(record(&file, &event));                          /* refused calls wrote nothing */
    zt_free(bytes);

    assert_int_equal(zt_tfevents_create(&again, dir), ZT_OK);     /* resumed: another file, same second or not */
    assert_string_not_equal(zt_tfevents_path(w), zt_tfevents_path(again));
    char **names = NULL;
    int n = 0;
    assert_int_equal(zt_dir_list(dir, &names, &n), ZT_OK);
    assert_int_equal(n, 2);
    for (int i = 0; i < n; i++)
        assert_int_equal(strncmp(names[i], "events.out.tfevents.", 20), 0);
    zt_names_free(names, n);
    zt_tfevents_destroy(&w);
    zt_tfevents_destroy(&w);
    zt_tfevents_destroy(&again);
    assert_int_equal(zt_dir_remove(dir), ZT_OK);
}

static void failures_are_told(void **state) {
    (void)state;
    zt_tfevents *w = NULL;
    assert_int_equal(zt_tfevents_create(&w, "/nonexistent/run"), ZT_IO);
    assert_null(w);
    assert_non_null(strstr(zt_err_text(), "/nonexistent/run"));
}

/* With a folder as argument: writes a file there for interop_tensorboard.py and runs no test. */
static int write_for_tensorboard(const char *dir, const char *png_path) {
    zt_tfevents *w = NULL;
    char *png = NULL;
    size_t len = 0;
    zt_err e;
    ZT_TRY(e = zt_tfevents_create(&w, dir), done);
    for (int i = 0; i < 10; i++)
        ZT_TRY(e = zt_tfevents_scalar(w, "loss/train", i * 100, 1.0 / (i + 1)), done);
    ZT_TRY(e = zt_file_read(png_path, 1 << 24, &png, &len), done);
    ZT_TRY(e = zt_tfevents_image(w, "samples", 900, 3, 2, 3, png, len), done);
done:
    zt_free(png);
    zt_tfevents_destroy(&w);
    if (e != ZT_OK)
        fprintf(stderr, "%s\n", zt_err_text());
    return e != ZT_OK;
}

int main(int argc, char **argv) {
    if (argc == 3)
        return write_for_tensorboard(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back), cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
