/* tset.c - named tensor sets with a hash index over the names. */
#include "tensor/tset.h"
#include <string.h>
#include "base/mem.h"
#include "base/rng.h"

static void index_put(zt_tset *s, int k) {
    uint64_t h = zt_hash_name(s->t[k].name);
    while (s->slot[h % (uint64_t)s->n_slots] >= 0) h++;
    s->slot[h % (uint64_t)s->n_slots] = k;
}

static zt_err grow(zt_tset *s) {
    const int cap = s->cap ? 2 * s->cap : 64;
    zt_tensor *t = zt_realloc(s->t, (size_t)cap * sizeof *t);
    if (!t) return ZT_NOMEM;
    s->t = t;
    int *slot = zt_realloc(s->slot, (size_t)cap * 2 * sizeof *slot);
    if (!slot) return ZT_NOMEM;
    s->slot = slot;
    s->cap = cap;
    s->n_slots = cap * 2;
    for (int k = 0; k < s->n_slots; k++) slot[k] = -1;
    for (int k = 0; k < s->n; k++) index_put(s, k);
    return ZT_OK;
}

static void tensor_finish(zt_tensor *t) {
    zt_free(t->name);
    if (!t->borrowed) zt_free(t->data);
}

/* data NULL: a zeroed block of its own. */
static zt_err put(zt_tset *s, const char *name, zt_dtype t, zt_shape sh, void *data) {
    if (zt_tset_find(s, name)) return zt_fail(ZT_ARG, "tensor '%s' is there already; names are unique", name);
    if (s->n == s->cap && grow(s) != ZT_OK) return ZT_NOMEM;
    zt_tensor x = {.name = zt_strdup(name), .dtype = t, .sh = sh, .data = data, .borrowed = data != NULL};
    if (!data) x.data = zt_alloc_array((size_t)zt_numel(&sh), zt_dtype_bytes(t));
    if (!x.name || !x.data) {
        tensor_finish(&x);
        return ZT_NOMEM;
    }
    s->t[s->n] = x;
    index_put(s, s->n++);
    return ZT_OK;
}

zt_err zt_tset_add(zt_tset *s, const char *name, zt_dtype t, zt_shape sh, zt_tensor **out) {
    const zt_err e = put(s, name, t, sh, NULL);
    if (e == ZT_OK && out) *out = &s->t[s->n - 1];
    return e;
}

zt_err zt_tset_share(zt_tset *dst, const zt_tset *src, const char *prefix) {
    const size_t len = strlen(prefix);
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < src->n; k++) {
        const zt_tensor *t = &src->t[k];
        if (strncmp(t->name, prefix, len) == 0) e = put(dst, t->name + len, t->dtype, t->sh, t->data);
    }
    return e;
}

zt_err zt_tset_share_rest(zt_tset *dst, const zt_tset *src, int n, const char *const *prefix) {
    zt_err e = ZT_OK;
    for (int k = 0; e == ZT_OK && k < src->n; k++) {
        const zt_tensor *t = &src->t[k];
        bool other = true;
        for (int j = 0; j < n; j++) other = other && strncmp(t->name, prefix[j], strlen(prefix[j])) != 0;
        if (other) e = put(dst, t->name, t->dtype, t->sh, t->data);
    }
    return e;
}

zt_tensor *zt_tset_find(const zt_tset *s, const char *name) {
    if (!s->n) return NULL;
    for (uint64_t h = zt_hash_name(name);; h++) {
        const int k = s->slot[h % (uint64_t)s->n_slots];
        if (k < 0) return NULL;
        if (strcmp(s->t[k].name, name) == 0) return &s->t[k];
    }
}

zt_err zt_tset_like(zt_tset *dst, const zt_tset *src, bool with_values) {
    for (int k = 0; k < src->n; k++) {
        const zt_tensor *t = &src->t[k];
        zt_tensor *copy;
        zt_err e = zt_tset_add(dst, t->name, t->dtype, t->sh, &copy);
        if (e != ZT_OK) return e;
        if (with_values) memcpy(copy->data, t->data, (size_t)zt_numel(&t->sh) * zt_dtype_bytes(t->dtype));
    }
    return ZT_OK;
}

int64_t zt_tset_numel(const zt_tset *s) {
    int64_t n = 0;
    for (int k = 0; k < s->n; k++) n += zt_numel(&s->t[k].sh);
    return n;
}

int64_t zt_tset_bytes(const zt_tset *s) {
    int64_t n = 0;
    for (int k = 0; k < s->n; k++) n += zt_numel(&s->t[k].sh) * (int64_t)zt_dtype_bytes(s->t[k].dtype);
    return n;
}

void zt_tset_finish(zt_tset *s) {
    for (int k = 0; k < s->n; k++) tensor_finish(&s->t[k]);
    zt_free(s->t);
    zt_free(s->slot);
    *s = (zt_tset){0};
}
