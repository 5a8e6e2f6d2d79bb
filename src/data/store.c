/* store.c - see store.h. Order at a flush: shards reach the disk under their names first, then one commit makes them known. A
 * crash in
 * between leaves a shard that no row names; the next run writes over it. */
#include "data/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/shard.h"

enum { SPLITS = 3 };
static const char *const SPLIT[SPLITS] = {"train", "val", "test"};

struct zt_store {
    zt_catalog *catalog;
    zt_shard_writer *shard[SPLITS];
    char name[SPLITS][32];
    size_t marked[SPLITS];      /* size at the mark; 0: the shard was not open then */
    int64_t limit, bytes, commits;
    int shards;
    char dir[ZT_PATH_MAX];
};

zt_err zt_store_open(zt_store **out, const char *dir, int64_t shard_bytes) {
    zt_err e;
    char shards[ZT_PATH_MAX];
    zt_store *s = zt_alloc(sizeof *s);
    *out = NULL;
    if (!s) return ZT_NOMEM;
    s->limit = shard_bytes > 0 ? shard_bytes : (int64_t)256 << 20;
    ZT_TRY(e = zt_format(s->dir, sizeof s->dir, "%s", dir), fail);
    ZT_TRY(e = zt_path_join(shards, dir, "shards"), fail);
    ZT_TRY(e = zt_dir_make(shards), fail);
    ZT_TRY(e = zt_catalog_create(&s->catalog, dir), fail);
    ZT_TRY(e = zt_catalog_stay_readable(s->catalog), fail);
    ZT_TRY(e = zt_catalog_begin(s->catalog), fail);
    *out = s;
    return ZT_OK;
fail:
    zt_store_close(&s);
    return e;
}

zt_catalog *zt_store_catalog(zt_store *s) { return s->catalog; }

static int split_index(const char *split) {
    for (int i = 0; i < SPLITS; i++)
        if (split && strcmp(split, SPLIT[i]) == 0) return i;
    return -1;
}

static zt_err open_shard(zt_store *s, int i) {
    zt_err e;
    int64_t n;
    char path[ZT_PATH_MAX];
    if (s->shard[i]) return ZT_OK;
    ZT_TRY(e = zt_catalog_count_shards(s->catalog, SPLIT[i], &n), done);
    ZT_TRY(e = zt_format(s->name[i], sizeof s->name[i], "%s-%05lld.tar", SPLIT[i], (long long)n), done);
    ZT_TRY(e = zt_format(path, sizeof path, "%s/shards/%s", s->dir, s->name[i]), done);
    e = zt_shard_writer_create(&s->shard[i], path);
done:
    return e;
}

/* KEY.json: what a reader without the catalogue wants to know. */
static zt_err describe(const zt_catalog_clip *k, char **text) {
    zt_err e = ZT_OK;
    json_t *labels = NULL, *j = NULL;
    const char *l = k->labels && k->labels[0] ? k->labels : "{}", *source = k->source ? zt_path_base(k->source) : "";
    ZT_TRY(e = zt_json_parse(l, strlen(l), k->key, &labels), done);
    j = json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:s, s:f, s:s, s:O}", "key", k->key, "split", k->split, "caption",
                  k->caption ? k->caption : "", "fps", k->fps, "frames", k->frames, "height", k->height, "width", k->width,
                  "source", zt_utf8_valid(source, strlen(source), NULL) ? source : "", "start_s", k->start_s, "licence",
                  k->licence ? k->licence : "", "labels", labels);
    *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (!*text) e = zt_fail(ZT_ARG, "clip %s: its caption, source or labels are not UTF-8 text", k->key);
done:
    json_decref(labels);
    json_decref(j);
    return e;
}

static zt_err add_bytes(zt_shard_writer *w, const char *key, const char *suffix, const void *bytes, size_t n) {
    char name[ZT_TAR_NAME_MAX + 1];
    zt_err e = zt_format(name, sizeof name, "%s.%s", key, suffix);
    return e != ZT_OK ? e : zt_shard_add(w, name, bytes, n);
}

static zt_err add_text(zt_shard_writer *w, const char *key, const char *suffix, const char *text) {
    return add_bytes(w, key, suffix, text, strlen(text));
}

static zt_err add_array(zt_shard_writer *w, const char *key, const zt_store_array *a) {
    char name[ZT_TAR_NAME_MAX + 1];
    zt_err e = zt_format(name, sizeof name, "%s.%s.npy", key, a->name);
    return e != ZT_OK ? e : zt_shard_add_npy(w, name, a->kind, a->item_bytes, a->n, a->shape, a->data, NULL);
}

static zt_err add_clip(zt_shard_writer *w, const zt_catalog_clip *k, const uint8_t *rgb, size_t *offset) {
    const int64_t shape[4] = {k->frames, k->height, k->width, 3};
    char name[ZT_TAR_NAME_MAX + 1];
    zt_err e = zt_format(name, sizeof name, "%s.npy", k->key);
    return e != ZT_OK ? e : zt_shard_add_npy(w, name, 'u', 1, 4, shape, rgb, offset);
}

zt_err zt_store_add(zt_store *s, const zt_catalog_clip *clip, const uint8_t *rgb, const zt_store_array *array, int n) {
    zt_err e;
    zt_catalog_clip k = *clip;
    char *json = NULL;
    size_t offset = 0;
    int i = split_index(k.split);
    if (i < 0 || !k.key || !k.key[0] || strchr(k.key, '.') || strchr(k.key, '/') || k.frames < 1 || k.height < 1 || k.width < 1)
        return zt_fail(ZT_ARG,
                       "clip '%s': split '%s', %dx%dx%d; a clip has a split (train, val, test), a key without dots and slashes, "
                       "and frames",
                       k.key ? k.key : "", k.split ? k.split : "", k.frames, k.height, k.width);
    ZT_TRY(e = describe(&k, &json), done);
    ZT_TRY(e = open_shard(s, i), done);
    zt_shard_writer *w = s->shard[i];
    ZT_TRY(e = add_clip(w, &k, rgb, &offset), done);
    ZT_TRY(e = add_text(w, k.key, "json", json), done);
    ZT_TRY(e = add_text(w, k.key, "txt", k.caption ? k.caption : ""), done);
    for (int a = 0; a < n; a++) ZT_TRY(e = add_array(w, k.key, &array[a]), done);
    k.shard = s->name[i];
    k.offset = (int64_t)offset;
    k.bytes = (int64_t)k.frames * k.height * k.width * 3;
    k.status = "ok";
    k.reason = "";
    e = zt_catalog_add_clip(s->catalog, &k);
done:
    free(json);   /* jansson's own allocation, not ours */
    return e;
}

zt_err zt_store_attach(zt_store *s, const char *split, const char *key, const char *suffix, const void *bytes, size_t n) {
    const int i = split_index(split);
    if (i < 0 || !s->shard[i]) return zt_fail(ZT_ARG, "clip %s: it was not added to split '%s'", key, split);
    return add_bytes(s->shard[i], key, suffix, bytes, n);
}

zt_err zt_store_mark(zt_store *s) {
    for (int i = 0; i < SPLITS; i++) s->marked[i] = s->shard[i] ? zt_shard_bytes(s->shard[i]) : 0;
    return zt_catalog_mark(s->catalog);
}

zt_err zt_store_keep(zt_store *s) { return zt_catalog_release(s->catalog); }

zt_err zt_store_back(zt_store *s) {
    zt_err e = zt_catalog_back(s->catalog);
    for (int i = 0; i < SPLITS && e == ZT_OK; i++) {
        if (s->shard[i] && s->marked[i] == 0) zt_shard_writer_destroy(&s->shard[i]);
        else if (s->shard[i]) e = zt_shard_cut(s->shard[i], s->marked[i]);
    }
    return e;
}

static zt_err record_hash(zt_store *s, const char *name) {
    char path[ZT_PATH_MAX], hex[65];
    zt_err e;
    ZT_TRY(e = zt_format(path, sizeof path, "%s/shards/%s", s->dir, name), done);
    ZT_TRY(e = zt_sha256_file(path, hex), done);
    e = zt_catalog_set_shard_hash(s->catalog, name, hex);
done:
    return e;
}

zt_err zt_store_flush(zt_store *s, int force) {
    zt_err e = ZT_OK;
    bool full = force != 0;
    for (int i = 0; i < SPLITS; i++) full = full || (s->shard[i] && (int64_t)zt_shard_bytes(s->shard[i]) >= s->limit);
    if (!full) return ZT_OK;
    for (int i = 0; i < SPLITS; i++) {
        size_t bytes;
        if (!s->shard[i]) continue;
        ZT_TRY(e = zt_shard_writer_finish(s->shard[i], &bytes), done);
        zt_shard_writer_destroy(&s->shard[i]);
        ZT_TRY(e = zt_catalog_add_shard(s->catalog, s->name[i], (int64_t)bytes), done);
        ZT_TRY(e = record_hash(s, s->name[i]), done);
        s->bytes += (int64_t)bytes;
        s->shards++;
    }
    ZT_TRY(e = zt_catalog_commit(s->catalog), done);
    s->commits++;
    e = zt_catalog_begin(s->catalog);
done:
    return e;
}

int64_t zt_store_commits(const zt_store *s) { return s->commits; }

void zt_store_sizes(const zt_store *s, int64_t *bytes, int *shards) {
    *bytes = s->bytes;
    *shards = s->shards;
}

void zt_store_close(zt_store **ps) {
    if (!ps || !*ps) return;
    for (int i = 0; i < SPLITS; i++) zt_shard_writer_destroy(&(*ps)->shard[i]);
    zt_catalog_close(&(*ps)->catalog);
    zt_free(*ps);
    *ps = NULL;
}
