/* test_bpe.c - tokenizer: round trips, determinism, small corpora, hostile files; what a prompt may be. */
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
#include "text/bpe.h"
#include "text/prompt.h"

enum { CAPTIONS = 4 * 3 * 4 * 2, LEN = 32 };
static char caption[CAPTIONS][96];
static const char *captions[CAPTIONS];

static int make_captions(void **state) {
    static const char *const colour[] = { "red", "green", "blue", "yellow" }, *const shape[] = { "square", "circle", "triangle" },
                      *const way[] = { "left", "right", "up", "down" },
                      *const form[] = { "a %s %s moves %s",
                                        "a small %s %s moves slowly %s, on grass" };
    (void)state;
    for (int i = 0; i < CAPTIONS; i++) {
        snprintf(caption[i], sizeof caption[i], i % 2 ? form[1] : form[0], colour[i / 2 % 4], shape[i / 8 % 3], way[i / 24]);
        captions[i] = caption[i];
    }
    return 0;
}

/* decode(encode(text)) is the normalised text, whatever the text. */
static void round_trip(const zt_bpe *tok, const char *text) {
    int32_t ids[4096];
    bool cut = true;
    zt_str back = { 0 }, want = { 0 };
    const int n = zt_bpe_encode(tok, text, ids, 4096, &cut);
    assert_false(cut);
    for (int i = 0; i < 4096; i++)
        assert_true(i < n ? ids[i] > 0 && ids[i] < tok->vocab_size : ids[i] == ZT_BPE_END);
    assert_int_equal(zt_bpe_decode(tok, ids, 4096, &back), ZT_OK);
    zt_bpe_normalise(text, &want);
    assert_int_equal(back.len, want.len);
    if (want.len > 0)
        assert_memory_equal(back.buf, want.buf, want.len);
    zt_str_finish(&back);
    zt_str_finish(&want);
}

static void captions_and_any_bytes_round_trip(void **state) {
    (void)state;
    zt_bpe tok;
    assert_int_equal(zt_bpe_train(&tok, captions, CAPTIONS, 512), ZT_OK);
    for (int i = 0; i < CAPTIONS; i++)
        round_trip(&tok, captions[i]);
    static const char *const odd[] = { "", " ", "\t\n ", "a", "A  Red\tSQUARE ", "\xE4\xBD\xA0\xE5\xA5\xBD, na\xC3\xAFve",
                                       "\xF0\x9F\x8E\xA5!!", "...", "x,y;z", "\xFF\xFE\x80 broken" };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        round_trip(&tok, odd[i]);
    zt_rng r = zt_rng_init(1, 2);
    for (int trial = 0; trial < 300; trial++) {
        char text[400];
        const int n = (int)zt_rng_int(&r, 0, 399);
        for (int i = 0; i < n; i++)
            text[i] = trial % 2 ? (char)zt_rng_int(&r, 1, 255) : "aab ,\xC3\xA9"[zt_rng_int(&r, 0, 6)];
        text[n] = 0;
        round_trip(&tok, text);
    }
    char run[2001];
    memset(run, 'a', 2000);
    run[2000] = 0;
    round_trip(&tok, run);
    zt_bpe_finish(&tok);
}

static void text_is_normalised(void **state) {
    (void)state;
    zt_str s = { 0 };
    zt_bpe_normalise("  A Red\t\nSquare  moves, LEFT \xC3\x89 ", &s);
    assert_string_equal(s.buf, "a red square moves, left \xC3\x89");
    zt_str_finish(&s);
    zt_bpe tok;
    assert_int_equal(zt_bpe_train(&tok, captions, CAPTIONS, 512), ZT_OK);
    int32_t a[LEN], b[LEN];
    assert_int_equal(zt_bpe_encode(&tok, "red square", a, LEN, NULL), zt_bpe_encode(&tok, " RED   square\n", b, LEN, NULL));
    assert_memory_equal(a, b, sizeof a);
    /* "red" is one id, the same at the start and inside */
    assert_int_equal(zt_bpe_encode(&tok, "red", a, LEN, NULL), 1);
    assert_int_equal(zt_bpe_encode(&tok, "a red", b, LEN, NULL), 2);
    assert_int_equal(a[0], b[1]);
    zt_bpe_finish(&tok);
}

static void merges_are_the_most_frequent_pairs(void **state) {
    (void)state;
    /* Sennrich et al. 2016: low x5, lower x2, newest x6, widest x3 - first merges e+s, es+t; here the space is part of a word. */
    const char *text[] = { "low low low low low lower lower newest newest newest newest newest newest widest widest widest" };
    zt_bpe tok;
    assert_int_equal(zt_bpe_train(&tok, text, 1, ZT_BPE_MERGE + 2), ZT_OK);
    assert_int_equal(tok.n_merges, 2);
    assert_true(tok.merge[0][0] == ZT_BPE_BYTE + 'e' && tok.merge[0][1] == ZT_BPE_BYTE + 's');      /* 9 times */
    assert_true(tok.merge[1][0] == ZT_BPE_MERGE && tok.merge[1][1] == ZT_BPE_BYTE + 't');
    zt_bpe_finish(&tok);
}

static void order_does_not_matter_and_small_corpora_work(void **state) {
    (void)state;
    const char *turned[CAPTIONS];
    for (int i = 0; i < CAPTIONS; i++)
        turned[i] = captions[(i * 37 + 5) % CAPTIONS];
    zt_bpe a, b;
    assert_int_equal(zt_bpe_train(&a, captions, CAPTIONS, 300), ZT_OK);
    assert_int_equal(zt_bpe_train(&b, turned, CAPTIONS, 300), ZT_OK);
    assert_int_equal(a.vocab_size, 300);
    assert_int_equal(b.n_merges, a.n_merges);
    assert_memory_equal(a.merge, b.merge, (size_t)a.n_merges * sizeof *a.merge);
    zt_bpe_finish(&a);
    zt_bpe_finish(&b);
    const char *few[] = { "abc", "abc" };                      /* " a", "ab", "bc" .. : 3 merges, then nothing is left */
    assert_int_equal(zt_bpe_train(&a, few, 2, 512), ZT_OK);
    assert_int_equal(a.vocab_size, ZT_BPE_MERGE + 3);
    round_trip(&a, "abc cab");
    zt_bpe_finish(&a);
    assert_int_equal(zt_bpe_train(&a, NULL, 0, 512), ZT_OK);   /* no captions at all: bytes only */
    assert_int_equal(a.vocab_size, ZT_BPE_MERGE);
    round_trip(&a, "hello");
    zt_bpe_finish(&a);
    assert_int_equal(zt_bpe_train(&a, captions, CAPTIONS, 256), ZT_ARG);
    assert_int_equal(zt_bpe_train(&a, captions, CAPTIONS, ZT_BPE_MAX_VOCAB + 1), ZT_ARG);
    zt_bpe_finish(&a);
}

static void long_text_is_cut_and_said(void **state) {
    (void)state;
    zt_bpe tok;
    assert_int_equal(zt_bpe_train(&tok, captions, CAPTIONS, 512), ZT_OK);
    int32_t ids[8] = { 0 }, all[LEN];
    bool cut = false;
    const char *text = "a small red square moves slowly left, on grass";
    const int n = zt_bpe_encode(&tok, text, all, LEN, &cut);
    assert_false(cut);
    assert_int_equal(zt_bpe_encode(&tok, text, ids, 4, &cut), 4);
    assert_true(cut);
    assert_memory_equal(ids, all, 4 * sizeof *ids);
    assert_int_equal(ids[4], 0);
    assert_int_equal(zt_bpe_encode(&tok, text, all, n, &cut), n);
    assert_false(cut);
    zt_str s = { 0 };
    ids[1] = tok.vocab_size;
    assert_int_equal(zt_bpe_decode(&tok, ids, 4, &s), ZT_ARG);
    ids[1] = -1;
    assert_int_equal(zt_bpe_decode(&tok, ids, 4, &s), ZT_ARG);
    zt_str_finish(&s);
    zt_bpe_finish(&tok);
}

static void file_round_trip(void **state) {
    (void)state;
    char dir[] = "/tmp/zt_bpe_XXXXXX", path[ZT_PATH_MAX];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    zt_bpe a, b;
    assert_int_equal(zt_bpe_train(&a, captions, CAPTIONS, 400), ZT_OK);
    assert_int_equal(zt_bpe_save(&a, path), ZT_OK);
    assert_int_equal(zt_bpe_load(&b, path), ZT_OK);
    assert_int_equal(a.vocab_size, b.vocab_size);
    assert_memory_equal(a.merge, b.merge, (size_t)a.n_merges * sizeof *a.merge);
    round_trip(&b, captions[3]);
    zt_bpe_finish(&b);

    /* Cut anywhere or with one bit turned, a load fails or gives a tokenizer that works. */
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(zt_file_read(path, 1 << 20, &text, &len), ZT_OK);
    zt_rng r = zt_rng_init(4, 0);
    for (size_t cut = 0; cut + 1 < len; cut += 1 + cut / 16) {
        char *part = zt_alloc(cut);
        assert_non_null(part);
        memcpy(part, text, cut);
        assert_int_not_equal(zt_bpe_parse(&b, part, cut, "cut"), ZT_OK);
        assert_null(b.merge);
        zt_free(part);
    }
    for (int trial = 0; trial < 500; trial++) {
        const size_t at = (size_t)zt_rng_int(&r, 0, (int64_t)len - 1);
        const char bit = (char)(1 << zt_rng_int(&r, 0, 7));
        text[at] ^= bit;
        if (zt_bpe_parse(&b, text, len, "turned") == ZT_OK)
            round_trip(&b, captions[1]);
        zt_bpe_finish(&b);
        text[at] ^= bit;
    }
    zt_free(text);
    zt_bpe_finish(&a);
    assert_int_equal(zt_bpe_load(&b, "/nonexistent/tokenizer.json"), ZT_NOTFOUND);
    assert_int_equal(zt_dir_remove(dir), ZT_OK);
}

static void hostile_files_are_refused(void **state) {
    (void)state;
#define FILE_OF(vocab, merges) "{\"format\":\"zoetrope-bpe\",\"version\":1,\"vocab_size\":" vocab ",\"merges\":" merges "}"
    static const char *const bad[] = {
        "", "[]", "{}", "null", "{\"format\":\"zoetrope-bpe\"}", FILE_OF("257", "{}"), FILE_OF("257", "\"x\""),
        FILE_OF("258", "[]"), FILE_OF("\"257\"", "[]"), FILE_OF("-1", "[]"), FILE_OF("99999999999", "[]"),
        FILE_OF("258", "[[1]]"), FILE_OF("258", "[[1,2,3]]"), FILE_OF("258", "[[0,2]]"), FILE_OF("258", "[[1,257]]"),
        FILE_OF("258", "[[-5,2]]"), FILE_OF("258", "[[1,4294967297]]"), FILE_OF("258", "[[1,9223372036854775807]]"),
        FILE_OF("258", "[[1.0,2]]"), FILE_OF("258", "[[\"1\",2]]"), FILE_OF("258", "[1]"), FILE_OF("259", "[[1,2],[1,2]]"),
        FILE_OF("257", "[],\"more\":1"), FILE_OF("257", "[],\"merges\":[]"),
        "{\"format\":\"zoetrope-bpe\",\"version\":2,\"vocab_size\":257,\"merges\":[]}",
        "{\"format\":\"other\",\"version\":1,\"vocab_size\":257,\"merges\":[]}",
        /* doubling: the 7th token would be 128 bytes, the 40th a terabyte */
        FILE_OF("264", "[[1,1],[257,257],[258,258],[259,259],[260,260],[261,261],[262,262]]"),
    };
    zt_bpe tok;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (zt_bpe_parse(&tok, bad[i], strlen(bad[i]), "hostile.json") != ZT_FORMAT)
            fail_msg("accepted or wrong code: %s", bad[i]);
        assert_non_null(strstr(zt_err_text(), "hostile.json"));
        assert_null(tok.merge);
    }
    const char *good = FILE_OF("263", "[[1,1],[257,257],[258,258],[259,259],[260,260],[261,261]]");
    assert_int_equal(zt_bpe_parse(&tok, good, strlen(good), "good"), ZT_OK);
    assert_int_equal(tok.len[262], 64);
    zt_bpe_finish(&tok);
}

static void prompts_are_checked(void **state) {
    (void)state;
    assert_int_equal(zt_prompt_check("", 0), ZT_OK);
    assert_int_equal(zt_prompt_check(NULL, 0), ZT_OK);
    assert_int_equal(zt_prompt_check("a red square \xC3\xA9", 15), ZT_OK);
    assert_int_equal(zt_prompt_check("ab\xC3(", 4), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "byte 2"));
    assert_int_equal(zt_prompt_check("abc\xE4\xBD", 5), ZT_ARG);      /* cut inside a character */
    assert_int_equal(zt_prompt_check("\xC0\xAF", 2), ZT_ARG);         /* overlong */
    assert_int_equal(zt_prompt_check("a\0b", 3), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "byte 1"));
    char *big = zt_alloc(100001);
    assert_non_null(big);
    memset(big, 'x', 100000);
    assert_int_equal(zt_prompt_check(big, 100000), ZT_ARG);
    assert_non_null(strstr(zt_err_text(), "4096"));
    assert_int_equal(zt_prompt_check(big, 4096), ZT_OK);
    assert_int_equal(zt_prompt_check(big, 4097), ZT_ARG);
    zt_free(big);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_and_any_bytes_round_trip), cmocka_unit_test(text_is_normalised),
        cmocka_unit_test(merges_are_the_most_frequent_pairs), cmocka_unit_test(order_does_not_matter_and_small_corpora_work),
        cmocka_unit_test(long_text_is_cut_and_said), cmocka_unit_test(file_round_trip),
        cmocka_unit_test(hostile_files_are_refused), cmocka_unit_test(prompts_are_checked),
    };
    return cmocka_run_group_tests(tests, make_captions, NULL);
}
