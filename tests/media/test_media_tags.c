/* test_media_tags.c - tags into MP4, PNG, GIF, WebP and back; keys and values that must be refused; damaged files. */
#include "media_test.h"

static const char *const long_prompt = "prompt";

/* Awkward but legal tags: markup, quotes, newline, other scripts, '=', a value longer than a GIF sub-block. */
static void fill(zt_media_tags *t) {
    *t = (zt_media_tags){0};
    OK(zt_media_tags_set(t, "title", "x"));
    OK(zt_media_tags_set(t, "title", "A <red> \"square\" & 'blue' circle"));
    OK(zt_media_tags_set(t, "comment", "AI-generated: two\nlines\tand a tab = 100%"));
    OK(zt_media_tags_set(t, "description", "gr\xc3\xbc\xc3\x9f" "e \xe4\xb8\xad \xf0\x9f\x8e\xac"));
    OK(zt_media_tags_set(t, "artist", "zoe 0.1.0"));
    OK(zt_media_tags_set(t, "zoe.seed_1-x", "42"));
    char value[2000];
    for (size_t i = 0; i < sizeof value - 1; i++) value[i] = (char)('a' + i % 26);
    value[sizeof value - 1] = 0;
    OK(zt_media_tags_set(t, long_prompt, value));
    assert_int_equal(t->n, 6);
}

static void same(const zt_media_tags *a, const zt_media_tags *b) {
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        const char *v = zt_media_tags_get(b, a->tag[i].key);
        if (!v) fail_msg("tag %s is gone", a->tag[i].key);
        assert_string_equal(v, a->tag[i].value);
    }
}

static void round_trip(void **state) {
    (void)state;
    const char *names[] = {"t.mp4", "t.gif", "t.webp", "t.png"};
    zt_media_tags a, b;
    fill(&a);
    for (size_t k = 0; k < 4; k++)
        for (int T = 1; T <= 3; T += 2) {
            if (k == 3 && T > 1) continue;
            zt_frames f = gradient(T, 24, 32, 8), g;
            OK(zt_video_write(in_scratch(names[k]), &f, &a));
            OK(zt_media_tags_read(in_scratch(names[k]), &b));
            same(&a, &b);
            zt_media_tags_finish(&b);
            OK(zt_video_read(&g, in_scratch(names[k]), &(zt_reader_cfg){.fps = 8}));   /* tags do not harm the pixels */
            assert_int_equal(g.frames, T);
            assert_true(worst_psnr(&f, &g) > 26);
            zt_frames_finish(&g);
            OK(zt_video_write(in_scratch(names[k]), &f, NULL));
            OK(zt_media_tags_read(in_scratch(names[k]), &b));
            assert_int_equal(b.n, 0);
            zt_frames_finish(&f);
        }
    zt_media_tags_finish(&a);
}

/* The text chunks of a PNG carry a right CRC: recomputed here bit by bit (PNG specification, annex D). */
static void png_checksums(void **state) {
    (void)state;
    zt_media_tags a;
    fill(&a);
    uint8_t pixel[3] = {9, 8, 7}, *png;
    size_t len, chunks = 0;
    OK(zt_png_encode(pixel, 1, 1, &a, &png, &len));
    for (size_t at = 8; at + 12 <= len; chunks++) {
        size_t n = (size_t)png[at] << 24 | (size_t)png[at + 1] << 16 | (size_t)png[at + 2] << 8 | png[at + 3];
        assert_true(n <= len - at - 12);
        uint32_t crc = ~0u;
        for (size_t i = 0; i < n + 4; i++) {
            crc ^= png[at + 4 + i];
            for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
        const uint8_t *c = png + at + 8 + n;
        assert_int_equal(~crc, (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3]);
        at += 12 + n;
    }
    assert_true(chunks >= 6 + 3);
    zt_free(png);
    zt_media_tags_finish(&a);
}

static void refusals(void **state) {
    (void)state;
    zt_media_tags t = {0};
    char key[100];
    memset(key, 'k', 99);
    key[99] = 0;
    assert_int_equal(zt_media_tags_set(&t, key, "v"), ZT_ARG);
    const char *keys[] = {"", "a b", "a=b", "a\nb", "a<b", "\xc3\xbc"};
    for (size_t i = 0; i < 6; i++) assert_int_equal(zt_media_tags_set(&t, keys[i], "v"), ZT_ARG);
    const char *values[] = {"\xff", "a\x01", "a\r", "\x7f", "\xc0\x80"};
    for (size_t i = 0; i < 5; i++) assert_int_equal(zt_media_tags_set(&t, "k", values[i]), ZT_ARG);
    char *huge = zt_alloc(ZT_TAG_VALUE_MAX + 2);
    memset(huge, 'x', ZT_TAG_VALUE_MAX + 1);
    assert_int_equal(zt_media_tags_set(&t, "k", huge), ZT_ARG);
    zt_free(huge);
    assert_int_equal(t.n, 0);
    for (int i = 0; i < ZT_TAGS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        OK(zt_media_tags_set(&t, key, "v"));
    }
    assert_int_equal(zt_media_tags_set(&t, "more", "v"), ZT_ARG);
    OK(zt_media_tags_set(&t, "k3", "w"));
    assert_string_equal(zt_media_tags_get(&t, "k3"), "w");
    assert_null(zt_media_tags_get(&t, "nope"));
    zt_media_tags_finish(&t);
    assert_int_equal(t.n, 0);
}

/* Every cut of every tagged file: an error or fewer tags, never a crash or a wrong value. */
static void cut_files(void **state) {
    (void)state;
    const char *names[] = {"c.mp4", "c.gif", "c.webp", "c.png"};
    zt_media_tags a, b;
    fill(&a);
    zt_frames f = gradient(1, 8, 8, 8);
    for (size_t k = 0; k < 4; k++) {
        char *bytes;
        size_t len;
        OK(zt_video_write(in_scratch(names[k]), &f, &a));
        OK(zt_file_read(in_scratch(names[k]), 1 << 24, &bytes, &len));
        for (size_t n = 0; n < len; n += 1 + len / 97) {
            write_bytes(in_scratch("cut"), bytes, n);
            if (zt_media_tags_read(in_scratch("cut"), &b) != ZT_OK) assert_int_equal(b.n, 0);
            for (int i = 0; i < b.n; i++) {
                const char *v = zt_media_tags_get(&a, b.tag[i].key);
                if (v) assert_int_equal(strncmp(v, b.tag[i].value, strlen(b.tag[i].value)), 0);
            }
            zt_media_tags_finish(&b);
        }
        zt_free(bytes);
    }
    zt_frames_finish(&f);
    zt_media_tags_finish(&a);
    assert_int_equal(zt_media_tags_read(in_scratch("absent.mp4"), &b), ZT_NOTFOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(png_checksums), cmocka_unit_test(refusals), cmocka_unit_test(cut_files)};
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
