/* bpe_file.c - tokenizer.json: our own small format (see bpe.h), not that of other libraries. The file is hostile until
 * checked. */
#include <string.h>
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/bpe_pieces.h"

enum { MAX_BYTES = 8 << 20, VERSION = 1 };
static const char format_name[] = "zoetrope-bpe";

zt_err zt_bpe_save(const zt_bpe *tok, const char *path) {
    json_t *merges = json_array();
    for (int k = 0; k < tok->n_merges; k++)      /* a failed call makes the array, and with it json_pack, NULL or short */
        if (json_array_append_new(merges, json_pack("[ii]", (int)tok->merge[k][0], (int)tok->merge[k][1])) != 0)
            goto no_memory;
    json_t *j = json_pack("{sssisisO}", "format", format_name, "version", (int)VERSION, "vocab_size", tok->vocab_size,
                          "merges", merges);
    if (j == NULL)
        goto no_memory;
    json_decref(merges);
    const zt_err e = zt_json_save(path, j);
    json_decref(j);
    return e;
no_memory:
    json_decref(merges);
    return zt_fail(ZT_NOMEM, "%s: no memory for %d merges", path, tok->n_merges);
}

static bool is_id(const json_t *j) {
    return json_is_integer(j) && json_integer_value(j) >= 0 && json_integer_value(j) < ZT_BPE_MAX_VOCAB;
}

/* The head: everything but the pairs themselves. */
static zt_err check_head(const json_t *j, const char *where) {
    const char *format = json_string_value(json_object_get(j, "format"));
    if (!json_is_object(j) || format == NULL || strcmp(format, format_name) != 0)
        return zt_fail(ZT_FORMAT, "%s: not a tokenizer of this program; wanted an object with \"format\": \"%s\"", where,
                       format_name);
    const json_t *version = json_object_get(j, "version");
    if (!json_is_integer(version) || json_integer_value(version) != VERSION)
        return zt_fail(ZT_FORMAT, "%s: tokenizer version is not %d - use a program as new as the file", where, (int)VERSION);
    if (json_object_size(j) != 4)
        return zt_fail(ZT_FORMAT, "%s: %zu keys; wanted format, version, vocab_size, merges", where, json_object_size(j));
    const json_t *merges = json_object_get(j, "merges");
    const size_t n = json_array_size(merges);
    if (!json_is_array(merges) || n > ZT_BPE_MAX_VOCAB - ZT_BPE_MERGE)
        return zt_fail(ZT_FORMAT, "%s: \"merges\" must be a list of at most %d pairs", where,
                       (int)(ZT_BPE_MAX_VOCAB - ZT_BPE_MERGE));
    const json_t *vocab = json_object_get(j, "vocab_size");
    if (!json_is_integer(vocab) || json_integer_value(vocab) != (json_int_t)n + ZT_BPE_MERGE)
        return zt_fail(ZT_FORMAT, "%s: \"vocab_size\" must be %zu, that is %d and one for each merge", where, n + ZT_BPE_MERGE,
                       (int)ZT_BPE_MERGE);
    return ZT_OK;
}

static zt_err fill(zt_bpe *tok, const json_t *j, const char *where) {
    const json_t *merges = json_object_get(j, "merges");
    tok->n_merges = (int)json_array_size(merges);
    tok->merge = zt_alloc_array((size_t)tok->n_merges, sizeof *tok->merge);
    if (tok->merge == NULL)
        return ZT_NOMEM;
    for (int k = 0; k < tok->n_merges; k++) {
        const json_t *pair = json_array_get(merges, (size_t)k);
        for (size_t side = 0; side < 2; side++) {
            const json_t *id = json_array_get(pair, side);
            if (json_array_size(pair) != 2 || !is_id(id))
                return zt_fail(ZT_FORMAT, "%s: merge %d is not a pair of ids", where, k);
            tok->merge[k][side] = (int32_t)json_integer_value(id);
        }
    }
    return zt_bpe_index(tok, where);
}

zt_err zt_bpe_parse(zt_bpe *tok, const char *json, size_t len, const char *where) {
    json_t *j = NULL;
    zt_err e;
    *tok = (zt_bpe){ 0 };
    if (len > MAX_BYTES)
        return zt_fail(ZT_FORMAT, "%s: %zu bytes; a tokenizer has at most %d", where, len, (int)MAX_BYTES);
    ZT_TRY(e = zt_json_parse(json, len, where, &j), done);
    ZT_TRY(e = check_head(j, where), done);
    ZT_TRY(e = fill(tok, j, where), done);
done:
    json_decref(j);
    if (e != ZT_OK)
        zt_bpe_finish(tok);
    return e;
}

zt_err zt_bpe_load(zt_bpe *tok, const char *path) {
    char *text = NULL;
    size_t len = 0;
    *tok = (zt_bpe){ 0 };
    zt_err e = zt_file_read(path, MAX_BYTES, &text, &len);
    if (e == ZT_OK)
        e = zt_bpe_parse(tok, text, len, path);
    zt_free(text);
    return e;
}
