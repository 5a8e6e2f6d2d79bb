/* bpe_train.c - learning merges (Sennrich et al. 2016, algorithm 1): join the most frequent pair, again and again.
 * Words are counted once; each merge then visits every distinct word, which for captions (some thousand words) takes
 * microseconds. Ties go to the smaller pair of ids, so the result depends on counts only, never on the order of texts. */
#include <string.h>
#include "base/mem.h"
#include "text/bpe_pieces.h"

typedef struct word { int64_t count; int n; uint8_t bytes[ZT_BPE_PIECE]; int32_t ids[ZT_BPE_PIECE]; } word;
typedef struct words { word *w; int64_t n, cap; int64_t *slot; int64_t n_slots; } words;      /* slot: word + 1, 0 empty */
typedef struct pair { int32_t a, b; int64_t count; } pair;                                    /* a = 0: empty */
typedef struct pairs { pair *p; int64_t n, n_slots; } pairs;

static uint64_t mix(uint64_t h) {
    h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
    return h ^ (h >> 29);
}

static uint64_t bytes_hash(const uint8_t *p, int n) {
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return mix(h);
}

static int64_t word_slot(const words *t, const uint8_t *bytes, int n) {
    int64_t i = (int64_t)(bytes_hash(bytes, n) & (uint64_t)(t->n_slots - 1));
    for (int64_t k; (k = t->slot[i]) != 0; i = (i + 1) & (t->n_slots - 1))
        if (t->w[k - 1].n == n && memcmp(t->w[k - 1].bytes, bytes, (size_t)n) == 0)
            break;
    return i;
}

static zt_err words_grow(words *t) {
    const int64_t cap = t->cap == 0 ? 256 : t->cap * 2;
    word *w = zt_realloc(t->w, (size_t)cap * sizeof *w);
    if (w == NULL)
        return ZT_NOMEM;
    t->w = w;
    int64_t *slot = zt_alloc_array((size_t)cap * 2, sizeof *slot);
    if (slot == NULL)
        return ZT_NOMEM;
    zt_free(t->slot);
    t->slot = slot;
    t->cap = cap;
    t->n_slots = cap * 2;
    for (int64_t k = 0; k < t->n; k++)
        t->slot[word_slot(t, t->w[k].bytes, t->w[k].n)] = k + 1;
    return ZT_OK;
}

static zt_err words_add(words *t, const uint8_t *bytes, int n) {
    if (t->n == t->cap) {
        const zt_err e = words_grow(t);
        if (e != ZT_OK)
            return e;
    }
    const int64_t i = word_slot(t, bytes, n);
    if (t->slot[i] == 0) {
        word *w = &t->w[t->n++];
        *w = (word){ .n = n };
        memcpy(w->bytes, bytes, (size_t)n);
        for (int k = 0; k < n; k++)
            w->ids[k] = ZT_BPE_BYTE + bytes[k];
        t->slot[i] = t->n;
    }
    t->w[t->slot[i] - 1].count++;
    return ZT_OK;
}

static pair *pair_find(const pairs *t, int32_t a, int32_t b) {
    int64_t i = (int64_t)(mix((uint64_t)(uint32_t)a << 32 | (uint32_t)b) & (uint64_t)(t->n_slots - 1));
    while (t->p[i].a != 0 && !(t->p[i].a == a && t->p[i].b == b))
        i = (i + 1) & (t->n_slots - 1);
    return &t->p[i];
}

/* Room for `more` new pairs. */
static zt_err pairs_reserve(pairs *t, int64_t more) {
    if (t->n_slots >= 2 * (t->n + more))
        return ZT_OK;
    pairs bigger = { .n_slots = t->n_slots == 0 ? 1024 : t->n_slots };
    while (bigger.n_slots < 2 * (t->n + more))
        bigger.n_slots *= 2;
    if ((bigger.p = zt_alloc_array((size_t)bigger.n_slots, sizeof *bigger.p)) == NULL)
        return ZT_NOMEM;
    for (int64_t i = 0; i < t->n_slots; i++)
        if (t->p[i].count != 0) {
            *pair_find(&bigger, t->p[i].a, t->p[i].b) = t->p[i];
            bigger.n++;
        }
    zt_free(t->p);
    *t = bigger;
    return ZT_OK;
}

/* Adds sign * count of every pair of the word. */
static zt_err pairs_count(pairs *t, const word *w, int sign) {
    const zt_err e = pairs_reserve(t, w->n);
    for (int i = 0; e == ZT_OK && i + 1 < w->n; i++) {
        pair *p = pair_find(t, w->ids[i], w->ids[i + 1]);
        if (p->a == 0) {
            *p = (pair){ w->ids[i], w->ids[i + 1], 0 };
            t->n++;
        }
        p->count += sign * w->count;
    }
    return e;
}

static bool contains(const word *w, int32_t a, int32_t b) {
    for (int i = 0; i + 1 < w->n; i++)
        if (w->ids[i] == a && w->ids[i + 1] == b)
            return true;
    return false;
}

static pair most_frequent(const pairs *t) {
    pair best = { 0, 0, 1 };               /* a pair must occur twice to be worth an id */
    for (int64_t i = 0; i < t->n_slots; i++) {
        const pair p = t->p[i];
        if (p.count > best.count || (p.count == best.count && best.a != 0 && (p.a < best.a || (p.a == best.a && p.b < best.b))))
            best = p;
    }
    return best;
}

static zt_err learn(zt_bpe *tok, words *w, pairs *p, int max_merges) {
    zt_err e = ZT_OK;
    for (int64_t k = 0; e == ZT_OK && k < w->n; k++)
        e = pairs_count(p, &w->w[k], 1);
    while (e == ZT_OK && tok->n_merges < max_merges) {
        const pair best = most_frequent(p);
        if (best.a == 0)
            break;
        const int32_t id = ZT_BPE_MERGE + tok->n_merges;
        tok->merge[tok->n_merges][0] = best.a;
        tok->merge[tok->n_merges++][1] = best.b;
        for (int64_t k = 0; e == ZT_OK && k < w->n; k++) {
            word *v = &w->w[k];
            if (!contains(v, best.a, best.b))
                continue;
            if ((e = pairs_count(p, v, -1)) == ZT_OK) {
                v->n = zt_bpe_merge(v->ids, v->n, best.a, best.b, id);
                e = pairs_count(p, v, 1);
            }
        }
    }
    return e;
}

zt_err zt_bpe_train(zt_bpe *tok, const char *const *texts, int64_t n, int vocab_size) {
    words w = { 0 };
    pairs p = { 0 };
    zt_err e = ZT_OK;
    *tok = (zt_bpe){ 0 };
    if (vocab_size < ZT_BPE_MERGE || vocab_size > ZT_BPE_MAX_VOCAB)
        return zt_fail(ZT_ARG, "tokenizer: vocabulary of %d; wanted %d..%d", vocab_size, (int)ZT_BPE_MERGE,
                       (int)ZT_BPE_MAX_VOCAB);
    for (int64_t i = 0; i < n; i++) {
        zt_bpe_pieces s = { texts[i], true };
        uint8_t piece[ZT_BPE_PIECE];
        for (int len; (len = zt_bpe_next_piece(&s, piece)) > 0;)
            ZT_TRY(e = words_add(&w, piece, len), done);
    }
    if ((tok->merge = zt_alloc_array((size_t)(vocab_size - ZT_BPE_MERGE), sizeof *tok->merge)) == NULL)
        e = ZT_NOMEM;
    ZT_TRY(e, done);
    ZT_TRY(e = learn(tok, &w, &p, vocab_size - ZT_BPE_MERGE), done);
    ZT_TRY(e = zt_bpe_index(tok, "tokenizer"), done);
done:
    zt_free(w.w);
    zt_free(w.slot);
    zt_free(p.p);
    if (e != ZT_OK)
        zt_bpe_finish(tok);
    return e;
}
