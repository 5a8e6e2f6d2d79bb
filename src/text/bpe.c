/* bpe.c - normalising, encoding, decoding, the pair index. Training is in bpe_train.c, tokenizer.json in bpe_file.c. */
#include "text/bpe.h"
#include <string.h>
#include "base/mem.h"
#include "text/bpe_pieces.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_punct(char c) {
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 127);
}

int zt_bpe_next_piece(zt_bpe_pieces *s, uint8_t out[ZT_BPE_PIECE]) {
    const char *p = s->p;
    const bool word = s->start || is_space(*p);
    int n = 0;
    while (is_space(*p))
        p++;
    const bool punct = is_punct(*p);
    if (*p != 0 && word)
        out[n++] = ' ';
    while (n < ZT_BPE_PIECE && *p != 0 && !is_space(*p) && is_punct(*p) == punct) {
        out[n++] = (uint8_t)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
        p++;
    }
    s->p = p;
    s->start = false;
    return n;
}

void zt_bpe_normalise(const char *text, zt_str *out) {
    zt_bpe_pieces s = { text, true };
    uint8_t piece[ZT_BPE_PIECE];
    bool first = true;
    for (int n; (n = zt_bpe_next_piece(&s, piece)) > 0; first = false)
        zt_str_addn(out, piece + first, (size_t)(n - first));
}

static uint32_t pair_hash(int32_t a, int32_t b) {
    const uint64_t h = ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32);
}

/* Where the pair is in the index, or the empty slot where it would go. */
static int pair_slot(const zt_bpe *tok, int32_t a, int32_t b) {
    uint32_t i = pair_hash(a, b) & (uint32_t)(tok->n_slots - 1);
    for (int32_t k; (k = tok->slot[i]) != 0; i = (i + 1) & (uint32_t)(tok->n_slots - 1))
        if (tok->merge[k - 1][0] == a && tok->merge[k - 1][1] == b)
            break;
    return (int)i;
}

zt_err zt_bpe_index(zt_bpe *tok, const char *where) {
    tok->vocab_size = ZT_BPE_MERGE + tok->n_merges;
    for (tok->n_slots = 16; tok->n_slots < 2 * tok->n_merges; tok->n_slots *= 2) {}
    tok->len = zt_alloc_array((size_t)tok->vocab_size, sizeof *tok->len);
    tok->slot = zt_alloc_array((size_t)tok->n_slots, sizeof *tok->slot);
    if (tok->len == NULL || tok->slot == NULL)
        return ZT_NOMEM;
    memset(tok->len + ZT_BPE_BYTE, 1, 256);
    for (int k = 0; k < tok->n_merges; k++) {
        const int32_t a = tok->merge[k][0], b = tok->merge[k][1], id = ZT_BPE_MERGE + k;
        if (a < ZT_BPE_BYTE || a >= id || b < ZT_BPE_BYTE || b >= id)
            return zt_fail(ZT_FORMAT, "%s: merge %d joins ids %d and %d; both must be in %d..%d", where, k, (int)a, (int)b,
                           (int)ZT_BPE_BYTE, (int)id - 1);
        const int len = tok->len[a] + tok->len[b], i = pair_slot(tok, a, b);
        if (len > ZT_BPE_PIECE)
            return zt_fail(ZT_FORMAT, "%s: merge %d makes a token of %d bytes; at most %d can occur", where, k, len,
                           (int)ZT_BPE_PIECE);
        if (tok->slot[i] != 0)
            return zt_fail(ZT_FORMAT, "%s: merges %d and %d are the same pair", where, (int)tok->slot[i] - 1, k);
        tok->len[id] = (uint8_t)len;
        tok->slot[i] = k + 1;
    }
    return ZT_OK;
}

int zt_bpe_merge(int32_t *ids, int n, int32_t a, int32_t b, int32_t id) {
    int m = 0;
    for (int i = 0; i < n; m++) {
        const bool hit = i + 1 < n && ids[i] == a && ids[i + 1] == b;
        ids[m] = hit ? id : ids[i];
        i += hit ? 2 : 1;
    }
    return m;
}

/* Oldest merge first, as learned. */
static int encode_piece(const zt_bpe *tok, const uint8_t *piece, int n, int32_t *ids) {
    for (int i = 0; i < n; i++)
        ids[i] = ZT_BPE_BYTE + piece[i];
    for (;;) {
        int best = 0;
        for (int i = 0; i + 1 < n; i++) {
            const int k = tok->slot[pair_slot(tok, ids[i], ids[i + 1])];
            if (k != 0 && (best == 0 || k < best))
                best = k;
        }
        if (best == 0)
            return n;
        n = zt_bpe_merge(ids, n, tok->merge[best - 1][0], tok->merge[best - 1][1], ZT_BPE_MERGE + best - 1);
    }
}

int zt_bpe_encode(const zt_bpe *tok, const char *text, int32_t *ids, int max, bool *truncated) {
    zt_bpe_pieces s = { text, true };
    uint8_t piece[ZT_BPE_PIECE];
    int32_t part[ZT_BPE_PIECE];
    int count = 0;
    bool cut = false;
    for (int n; !cut && (n = zt_bpe_next_piece(&s, piece)) > 0;) {
        int m = encode_piece(tok, piece, n, part);
        cut = m > max - count;
        if (cut)
            m = max - count;
        memcpy(ids + count, part, (size_t)m * sizeof *ids);
        count += m;
    }
    for (int i = count; i < max; i++)
        ids[i] = ZT_BPE_END;
    if (truncated != NULL)
        *truncated = cut;
    return count;
}

/* Writes the bytes of `id`, right to left, ending before `end`; depth is bounded by the token's length. */
static void expand(const zt_bpe *tok, int32_t id, uint8_t *end) {
    while (id >= ZT_BPE_MERGE) {
        const int32_t *pair = tok->merge[id - ZT_BPE_MERGE];
        expand(tok, pair[1], end);
        end -= tok->len[pair[1]];
        id = pair[0];
    }
    end[-1] = (uint8_t)(id - ZT_BPE_BYTE);
}

zt_err zt_bpe_decode(const zt_bpe *tok, const int32_t *ids, int n, zt_str *out) {
    uint8_t bytes[ZT_BPE_PIECE];
    for (int i = 0; i < n && ids[i] != ZT_BPE_END; i++) {
        if (ids[i] < 0 || ids[i] >= tok->vocab_size)
            return zt_fail(ZT_ARG, "tokenizer: id %d at place %d; this tokenizer has ids 0..%d", (int)ids[i], i,
                           tok->vocab_size - 1);
        const int len = tok->len[ids[i]];
        expand(tok, ids[i], bytes + len);
        const int skip = i == 0 && bytes[0] == ' ';
        zt_str_addn(out, bytes + skip, (size_t)(len - skip));
    }
    return out->failed ? ZT_NOMEM : ZT_OK;
}

void zt_bpe_finish(zt_bpe *tok) {
    zt_free(tok->merge);
    zt_free(tok->len);
    zt_free(tok->slot);
    *tok = (zt_bpe){ 0 };
}
