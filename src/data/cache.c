/* cache.c - see cache.h. DIR/arrays/NAME/info.json and NNNNN.tar; members KEY-CONTENT.ARRAY.npy, of CONTENT the first 16 digits.
 * Tested by tests/data/test_data_cache.c. */
#include "data/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/shard.h"

enum {
    NAME_MAX_LEN = 40,
    KEY_MAX = 50,
    ARRAY_MAX = 20,
    CONTENT = 16,
    INFO_MAX = 1 << 16,
    SHARD_BYTES = 256 << 20,
    SHARDS_MAX = 99999
};

static const char *const KIND[] = {"latents", "text", "tokens", "features"};
enum { N_KINDS = sizeof KIND / sizeof KIND[0] };
static const char SMALL[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char KEY_CHARS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *zt_cache_kind_name(zt_cache_kind kind) { return KIND[kind]; }

static bool is_name(const char *s, const char *allowed, size_t most) {
    const size_t n = s ? strlen(s) : 0;
    return n >= 1 && n <= most && strspn(s, allowed) == n;
}

static bool is_hash(const char *s) { return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64; }

static zt_err check_info(const char *name, const zt_cache_info *i) {
    if (!is_name(name, SMALL, NAME_MAX_LEN))
        return zt_fail(ZT_ARG, "a set of arrays called '%.60s'; wanted 1 to %d of a-z, 0-9 and -", name ? name : "",
                       (int)NAME_MAX_LEN);
    if ((int)i->kind < 0 || (int)i->kind >= N_KINDS || !is_hash(i->model) ||
        (i->kind == ZT_CACHE_TOKENS ? i->codes < 2 : i->codes != 0))
        return zt_fail(ZT_ARG,
                       "arrays %s: kind %d, model '%.70s', %lld codes; wanted a kind, a SHA-256 in hexadecimal, and for tokens "
                       "the size of the codebook",
                       name, (int)i->kind, i->model, (long long)i->codes);
    return ZT_OK;
}

/* KEY-CONTENT.ARRAY.npy */
static zt_err member_name(char out[ZT_TAR_NAME_MAX + 1], const char *key, const char *content, const char *array) {
    if (!is_name(key, KEY_CHARS, KEY_MAX) || !is_hash(content) || !is_name(array, SMALL, ARRAY_MAX))
        return zt_fail(ZT_ARG, "array '%.40s' of clip '%.60s' (content '%.70s'): wanted short names and a SHA-256",
                       array ? array : "", key ? key : "", content ? content : "");
    return zt_format(out, ZT_TAR_NAME_MAX + 1, "%s-%.*s.%s.npy", key, (int)CONTENT, content, array);
}

/* ---- tokens are below the size of the codebook ---- */

static uint64_t item(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    memcpy(&v, p, (size_t)bytes); /* little-endian, as .npy has it */
    return v;
}

/* Whether all n integers are in 0..codes-1; a negative one is a large one without its sign. */
static bool below(const zt_cache_array *a, size_t n, int64_t codes) {
    const uint8_t *p = a->data;
    for (size_t i = 0; i < n; i++, p += a->item_bytes)
        if (item(p, a->item_bytes) >= (uint64_t)codes) return false;
    return true;
}

static zt_err check_tokens(const zt_cache_info *i, const zt_cache_array *a, const char *where) {
    size_t n = 1;
    if (i->kind != ZT_CACHE_TOKENS) return ZT_OK;
    for (int k = 0; k < a->n; k++) n *= (size_t)a->shape[k];
    if ((a->kind == 'u' || a->kind == 'i') && below(a, n, i->codes)) return ZT_OK;
    return zt_fail(
        a->kind == 'u' || a->kind == 'i' ? ZT_FORMAT : ZT_ARG,
        "%s: tokens are integers below the codebook's size, %lld; these are not: they belong to another codebook, or are "
        "damaged",
        where, (long long)i->codes);
}

/* ---- info.json ---- */

static zt_err read_info(const char *dir, zt_cache_info *i) {
    char path[ZT_PATH_MAX];
    json_t *j = NULL;
    zt_err e;
    *i = (zt_cache_info){0};
    ZT_TRY(e = zt_path_join(path, dir, "info.json"), done);
    ZT_TRY(e = zt_json_load(path, INFO_MAX, &j), done);
    const char *kind = json_string_value(json_object_get(j, "kind")), *model = json_string_value(json_object_get(j, "model"));
    int k = 0;
    while (k < N_KINDS && (!kind || strcmp(kind, KIND[k]) != 0)) k++;
    i->codes = json_integer_value(json_object_get(j, "codes"));
    if (model && strlen(model) < sizeof i->model) memcpy(i->model, model, strlen(model) + 1);
    i->kind = (zt_cache_kind)k;
    if (k == N_KINDS || check_info("x", i) != ZT_OK)
        e = zt_fail(ZT_FORMAT,
                    "%s: wanted kind (latents, text, tokens or features), model (a SHA-256) and for tokens codes; make these "
                    "arrays again",
                    path);
done:
    json_decref(j);
    return e;
}

static zt_err write_info(const char *dir, const zt_cache_info *i) {
    char path[ZT_PATH_MAX];
    zt_err e = zt_path_join(path, dir, "info.json");
    if (e != ZT_OK) return e;
    json_t *j = json_pack("{s:s, s:s, s:I}", "kind", KIND[i->kind], "model", i->model, "codes", (json_int_t)i->codes);
    e = j ? zt_json_save(path, j) : zt_fail(ZT_NOMEM, "%s: out of memory", path);
    json_decref(j);
    return e;
}

/* Arrays of one model mean nothing to another. */
static zt_err same_info(const char *dir, const zt_cache_info *there, const zt_cache_info *want) {
    if (there->kind == want->kind && there->codes == want->codes && strcmp(there->model, want->model) == 0) return ZT_OK;
    return zt_fail(ZT_CONFIG,
                   "%s: holds %s of model %s (%lld codes); asked for were %s of model %s (%lld codes): use that model, or make "
                   "the arrays again under another name",
                   dir, KIND[there->kind], there->model, (long long)there->codes, KIND[want->kind], want->model,
                   (long long)want->codes);
}

static zt_err set_folder(char out[ZT_PATH_MAX], const char *dir, const char *name) {
    return zt_format(out, ZT_PATH_MAX, "%s/arrays/%s", dir, name);
}

/* ---- writing ---- */

struct zt_cache_writer {
    char dir[ZT_PATH_MAX];
    zt_cache_info info;
    int next; /* number of the next tar */
    zt_shard_writer *shard;
};

/* The first number that no tar has; a tar that was never finished is removed. */
static zt_err count_shards(zt_cache_writer *w) {
    char **names = NULL, path[ZT_PATH_MAX];
    int n = 0;
    zt_err e = zt_dir_list(w->dir, &names, &n);
    for (int i = 0; i < n && e == ZT_OK; i++) {
        int64_t number;
        char digits[6];
        if (zt_ends_with(names[i], ".part") && (e = zt_path_join(path, w->dir, names[i])) == ZT_OK) (void)unlink(path);
        snprintf(digits, sizeof digits, "%.5s", names[i]);
        if (strlen(names[i]) == 9 && zt_ends_with(names[i], ".tar") && zt_parse_int(digits, &number) && number >= w->next)
            w->next = (int)number + 1;
    }
    zt_names_free(names, n);
    return e;
}

zt_err zt_cache_writer_create(zt_cache_writer **out, const char *dir, const char *name, const zt_cache_info *info) {
    char path[ZT_PATH_MAX];
    zt_cache_info there;
    zt_err e;
    *out = NULL;
    zt_cache_writer *w = zt_alloc(sizeof *w);
    if (!w) return ZT_NOMEM;
    w->info = *info;
    ZT_TRY(e = check_info(name, info), done);
    ZT_TRY(e = set_folder(w->dir, dir, name), done);
    ZT_TRY(e = zt_path_join(path, w->dir, "info.json"), done);
    if (zt_file_exists(path)) {
        ZT_TRY(e = read_info(w->dir, &there), done);
        ZT_TRY(e = same_info(w->dir, &there, info), done);
    } else {
        ZT_TRY(e = zt_dir_make(w->dir), done);
        ZT_TRY(e = write_info(w->dir, info), done);
    }
    e = count_shards(w);
done:
    if (e != ZT_OK) zt_cache_writer_destroy(&w);
    *out = w;
    return e;
}

zt_err zt_cache_put(zt_cache_writer *w, const char *key, const char *content, const char *array, const zt_cache_array *a) {
    char name[ZT_TAR_NAME_MAX + 1], path[ZT_PATH_MAX];
    zt_err e;
    ZT_TRY(e = member_name(name, key, content, array), done);
    ZT_TRY(e = check_tokens(&w->info, a, name), done);
    if (!w->shard) {
        if (w->next > SHARDS_MAX) return zt_fail(ZT_ARG, "%s: holds %d tars already", w->dir, w->next);
        ZT_TRY(e = zt_format(path, sizeof path, "%s/%05d.tar", w->dir, w->next), done);
        ZT_TRY(e = zt_shard_writer_create(&w->shard, path), done);
    }
    ZT_TRY(e = zt_shard_add_npy(w->shard, name, a->kind, a->item_bytes, a->n, a->shape, a->data, NULL), done);
    if (zt_shard_bytes(w->shard) >= SHARD_BYTES) e = zt_cache_flush(w);
done:
    return e;
}

zt_err zt_cache_flush(zt_cache_writer *w) {
    if (!w->shard) return ZT_OK;
    const zt_err e = zt_shard_writer_finish(w->shard, NULL);
    zt_shard_writer_destroy(&w->shard);
    w->next++;
    return e;
}

void zt_cache_writer_destroy(zt_cache_writer **w) {
    if (!w || !*w) return;
    zt_shard_writer_destroy(&(*w)->shard);
    zt_free(*w);
    *w = NULL;
}

/* ---- reading ---- */

typedef struct entry {
    const char *name;
    const uint8_t *p;
    size_t n, number;
} entry; /* a member, in the order of writing */

struct zt_cache {
    char dir[ZT_PATH_MAX];
    zt_cache_info info;
    zt_arena *text;
    zt_map *map;
    int n_maps;
    int64_t bytes;
    entry *entry; /* by name */
    size_t n, cap;
};

static int by_name(const void *a, const void *b) {
    const entry *x = a, *y = b;
    const int d = strcmp(x->name, y->name);
    return d ? d : (x->number > y->number) - (x->number < y->number);
}

static zt_err add_entry(zt_cache *c, const zt_map *m, const zt_tar_member *t) {
    if (c->n == c->cap) {
        const size_t cap = c->cap ? c->cap * 2 : 1024;
        entry *more = cap > SIZE_MAX / sizeof *more ? NULL : zt_realloc(c->entry, cap * sizeof *more);
        if (!more) return zt_fail(ZT_NOMEM, "%s: out of memory for the names of %zu arrays", c->dir, c->n);
        c->entry = more;
        c->cap = cap;
    }
    const char *name = zt_arena_strdup(c->text, t->name);
    if (!name) return ZT_NOMEM;
    c->entry[c->n] = (entry){name, m->data + t->offset, t->bytes, c->n};
    c->n++;
    return ZT_OK;
}

static zt_err read_shard(zt_cache *c, const char *path) {
    size_t pos = 0;
    bool end = false;
    zt_err e;
    zt_map *more = zt_realloc(c->map, (size_t)(c->n_maps + 1) * sizeof *more);
    if (!more) return ZT_NOMEM;
    c->map = more;
    ZT_TRY(e = zt_map_open(&c->map[c->n_maps], path), done);
    const zt_map *m = &c->map[c->n_maps++];
    c->bytes += (int64_t)m->size;
    while (!end) {
        zt_tar_member t;
        ZT_TRY(e = zt_tar_next(m->data, m->size, path, &pos, &t, &end), done);
        if (!end && t.type == '0') ZT_TRY(e = add_entry(c, m, &t), done);
    }
done:
    return e;
}

static zt_err open_set(zt_cache **out, const char *dir) {
    char **names = NULL, path[ZT_PATH_MAX];
    int n = 0;
    zt_err e;
    *out = NULL;
    zt_cache *c = zt_alloc(sizeof *c);
    if (!c) return ZT_NOMEM;
    ZT_TRY(e = zt_format(c->dir, sizeof c->dir, "%s", dir), done);
    ZT_TRY(e = read_info(dir, &c->info), done);
    ZT_TRY(e = zt_arena_create(&c->text), done);
    ZT_TRY(e = zt_dir_list(dir, &names, &n), done);
    for (int i = 0; i < n; i++) {
        if (!zt_ends_with(names[i], ".tar")) continue;
        ZT_TRY(e = zt_path_join(path, dir, names[i]), done);
        ZT_TRY(e = read_shard(c, path), done);
    }
    if (c->n) qsort(c->entry, c->n, sizeof *c->entry, by_name);
done:
    zt_names_free(names, n);
    if (e != ZT_OK) zt_cache_close(&c);
    *out = c;
    return e;
}

zt_err zt_cache_open(zt_cache **out, const char *dir, const char *name, const zt_cache_info *info) {
    char set[ZT_PATH_MAX];
    zt_err e;
    *out = NULL;
    ZT_TRY(e = check_info(name, info), done);
    ZT_TRY(e = set_folder(set, dir, name), done);
    if (!zt_is_dir(set)) return zt_fail(ZT_NOTFOUND, "%s: there is no such set of arrays", set);
    ZT_TRY(e = open_set(out, set), done);
    if ((e = same_info(set, &(*out)->info, info)) != ZT_OK) zt_cache_close(out);
done:
    return e;
}

void zt_cache_close(zt_cache **pc) {
    zt_cache *c = pc ? *pc : NULL;
    if (!c) return;
    for (int i = 0; i < c->n_maps; i++) zt_map_close(&c->map[i]);
    zt_free(c->map);
    zt_free(c->entry);
    zt_arena_destroy(&c->text);
    zt_free(c);
    *pc = NULL;
}

zt_err zt_cache_find(const zt_cache *c, const char *key, const char *content, const char *array, zt_cache_array *a, bool *found) {
    char name[ZT_TAR_NAME_MAX + 1];
    zt_npy_info info;
    size_t lo = 0, hi = c->n;
    *found = false;
    *a = (zt_cache_array){0};
    zt_err e = member_name(name, key, content, array);
    if (e != ZT_OK) return e;
    while (lo < hi) { /* behind the last of that name: what was written last counts */
        const size_t mid = lo + (hi - lo) / 2;
        if (strcmp(c->entry[mid].name, name) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || strcmp(c->entry[lo - 1].name, name) != 0) return ZT_OK;
    const entry *k = &c->entry[lo - 1];
    if ((e = zt_npy_parse(k->p, k->n, name, &info)) != ZT_OK) return e;
    if (info.fortran || (uintptr_t)(k->p + info.data_offset) % (size_t)info.item_bytes)
        return zt_fail(ZT_FORMAT, "%s: %s is not laid out as arrays are here; make them again", c->dir, name);
    *a = (zt_cache_array){.kind = info.kind, .item_bytes = info.item_bytes, .n = info.n, .data = k->p + info.data_offset};
    memcpy(a->shape, info.shape, sizeof a->shape);
    if ((e = check_tokens(&c->info, a, name)) != ZT_OK) return zt_fail_context(ZT_FORMAT, "%s", c->dir);
    *found = true;
    return ZT_OK;
}

/* ---- looking ---- */

static void count(const zt_cache *c, zt_cache_summary *s) {
    size_t last = 0;
    s->info = c->info;
    s->arrays = (int64_t)c->n;
    s->bytes = c->bytes;
    for (size_t i = 0; i < c->n; i++) { /* names of one clip follow each other: the same up to the first dot */
        const size_t n = strcspn(c->entry[i].name, ".");
        s->clips += i == 0 || n != last || memcmp(c->entry[i].name, c->entry[i - 1].name, n) != 0;
        last = n;
    }
}

zt_err zt_cache_list(const char *dir, zt_err (*each)(void *ctx, const zt_cache_summary *s), void *ctx) {
    char arrays[ZT_PATH_MAX], path[ZT_PATH_MAX], **names = NULL;
    int n = 0;
    zt_err e;
    ZT_TRY(e = zt_path_join(arrays, dir, "arrays"), done);
    if (!zt_is_dir(arrays)) return ZT_OK;
    ZT_TRY(e = zt_dir_list(arrays, &names, &n), done);
    for (int i = 0; i < n; i++) {
        zt_cache *c;
        ZT_TRY(e = zt_path_join(path, arrays, names[i]), done);
        if (names[i][0] == '.' || !zt_is_dir(path)) continue;
        ZT_TRY(e = open_set(&c, path), done);
        zt_cache_summary s = {.name = names[i]};
        count(c, &s);
        zt_cache_close(&c);
        ZT_TRY(e = each(ctx, &s), done);
    }
done:
    zt_names_free(names, n);
    return e;
}
