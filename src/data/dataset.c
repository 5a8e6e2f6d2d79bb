/* dataset.c - see dataset.h. The catalogue is read into memory once and closed; shards stay mapped. */
#include "data/dataset.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/npy.h"
#include "data/shard.h"

enum { SPLITS = 3, FRAMES_MAX = 1 << 20, SIDE_MAX = 16384 };
static const char *const SPLIT[SPLITS] = {"train", "val", "test"};

typedef struct shard_map {
    const char *name;
    char *path;
    zt_map map;
    int64_t last;        /* the clip of it that lies last, -1: none */
} shard_map;

struct zt_dataset {
    zt_arena *text;                     /* all strings */
    zt_clip_view *clip;                 /* in catalogue order */
    int64_t n, cap;
    int64_t *of_split[SPLITS], count[SPLITS], split_cap[SPLITS];   /* indices into clip */
    shard_map *shard;
    int n_shards;
    int recent;                         /* shard of the last row: rows come shard by shard */
    char dir[ZT_PATH_MAX];
};

/* Make room for one more item. */
static zt_err grow(void **items, int64_t n, int64_t *cap, size_t size) {
    if (n < *cap) return ZT_OK;
    int64_t more = *cap ? *cap * 2 : 256;
    void *p = zt_realloc(*items, (size_t)more * size);
    if (!p) return ZT_NOMEM;
    *items = p;
    *cap = more;
    return ZT_OK;
}

static zt_err add_shard(void *ctx, const char *name, int64_t bytes) {
    zt_dataset *ds = ctx;
    zt_err e;
    char path[ZT_PATH_MAX];
    if (strchr(name, '/') || name[0] == '.' || name[0] == '\0')
        return zt_fail(ZT_FORMAT, "%s/catalog.db: a shard is called '%.100s'; names with / or a leading . are refused", ds->dir,
                       name);
    shard_map *more = zt_realloc(ds->shard, (size_t)(ds->n_shards + 1) * sizeof *more);
    if (!more) return ZT_NOMEM;
    ds->shard = more;
    shard_map *s = &ds->shard[ds->n_shards++];
    *s = (shard_map){.name = zt_arena_strdup(ds->text, name), .last = -1};
    ZT_TRY(e = zt_format(path, sizeof path, "%s/shards/%s", ds->dir, name), done);
    s->path = zt_arena_strdup(ds->text, path);
    if (!s->name || !s->path) return ZT_NOMEM;
    ZT_TRY(e = zt_map_open(&s->map, path), done);
    if ((int64_t)s->map.size != bytes)
        return zt_fail(ZT_FORMAT,
                       "%s: %s at offset %zu: the catalogue says %lld bytes; copy the shard again, or make the data set anew",
                       path, (int64_t)s->map.size < bytes ? "truncated" : "has more data", s->map.size, (long long)bytes);
    e = zt_shard_check_end(s->map.data, s->map.size, path);
done:
    return e;
}

static shard_map *find_shard(zt_dataset *ds, const char *name) {
    for (int i = 0; i < ds->n_shards; i++) {
        int at = (ds->recent + i) % ds->n_shards;
        if (strcmp(ds->shard[at].name, name) == 0) {
            ds->recent = at;
            return &ds->shard[at];
        }
    }
    return NULL;
}

/* Everything a row says, against what can be; after this the view is safe to read. */
static zt_err check_row(const zt_dataset *ds, const zt_catalog_clip *k, const shard_map *s, int *split) {
    *split = -1;
    for (int i = 0; i < SPLITS; i++)
        if (strcmp(k->split, SPLIT[i]) == 0) *split = i;
    if (*split < 0)
        return zt_fail(ZT_FORMAT, "%s/catalog.db: clip %lld is in split '%.40s'; splits are train, val and test", ds->dir,
                       (long long)k->id, k->split);
    if (!s)
        return zt_fail(ZT_FORMAT, "%s/catalog.db: clip %lld is in shard '%.100s', which the catalogue does not list", ds->dir,
                       (long long)k->id, k->shard);
    if (k->frames < 1 || k->frames > FRAMES_MAX || k->height < 1 || k->height > SIDE_MAX || k->width < 1 || k->width > SIDE_MAX
        || !(k->fps > 0 && k->fps <= 1000))
        return zt_fail(ZT_FORMAT, "%s/catalog.db: clip %lld has impossible sizes (%d frames of %dx%d at %g fps)", ds->dir,
                       (long long)k->id, k->frames, k->width, k->height, k->fps);
    int64_t bytes = (int64_t)k->frames * k->height * k->width * 3, size = (int64_t)s->map.size;
    if (k->bytes != bytes || k->offset < 0 || k->offset > size || bytes > size - k->offset)
        return zt_fail(ZT_FORMAT,
                       "%s: clip %.100s should have %lld bytes at offset %lld, the file has %lld; copy the shard again, or make "
                       "the data set anew",
                       s->path, k->key, (long long)bytes, (long long)k->offset, (long long)size);
    if (!zt_utf8_valid(k->caption, strlen(k->caption), NULL) || k->labels[0] != '{')
        return zt_fail(ZT_FORMAT, "%s/catalog.db: caption or labels of clip %lld are not UTF-8 text and a JSON object", ds->dir,
                       (long long)k->id);
    return ZT_OK;
}

static zt_err add_clip(void *ctx, const zt_catalog_clip *k) {
    zt_dataset *ds = ctx;
    zt_err e;
    int split;
    shard_map *s = find_shard(ds, k->shard);
    ZT_TRY(e = check_row(ds, k, s, &split), done);
    ZT_TRY(e = grow((void **)&ds->clip, ds->n, &ds->cap, sizeof *ds->clip), done);
    ZT_TRY(e = grow((void **)&ds->of_split[split], ds->count[split], &ds->split_cap[split], sizeof(int64_t)), done);
    zt_clip_view *v = &ds->clip[ds->n];
    *v = (zt_clip_view){.rgb = s->map.data + k->offset,
                        .frames = k->frames,
                        .height = k->height,
                        .width = k->width,
                        .fps = k->fps,
                        .key = zt_arena_strdup(ds->text, k->key),
                        .caption = zt_arena_strdup(ds->text, k->caption),
                        .labels = zt_arena_strdup(ds->text, k->labels),
                        .id = k->id};
    if (!v->key || !v->caption || !v->labels) return ZT_NOMEM;
    bool first = s->last < 0;
    if (first || v->rgb > ds->clip[s->last].rgb) s->last = ds->n;
    /* The first and the last clip of each shard are looked at in the file itself: it finds a shard of another data set. */
    const int64_t shape[4] = {k->frames, k->height, k->width, 3};
    if (first) ZT_TRY(e = zt_shard_check_clip(s->map.data, s->map.size, s->path, k->key, (size_t)k->offset, shape), done);
    ds->of_split[split][ds->count[split]++] = ds->n++;
done:
    return e;
}

static zt_err check_last(const zt_dataset *ds) {
    for (int i = 0; i < ds->n_shards; i++) {
        const shard_map *s = &ds->shard[i];
        if (s->last < 0) continue;
        const zt_clip_view *v = &ds->clip[s->last];
        const int64_t shape[4] = {v->frames, v->height, v->width, 3};
        zt_err e = zt_shard_check_clip(s->map.data, s->map.size, s->path, v->key, (size_t)(v->rgb - s->map.data), shape);
        if (e != ZT_OK) return e;
    }
    return ZT_OK;
}

zt_err zt_dataset_open(zt_dataset **out, const char *dir) {
    zt_err e;
    zt_catalog *catalog = NULL;
    *out = NULL;
    zt_dataset *ds = zt_alloc(sizeof *ds);
    if (!ds) return ZT_NOMEM;
    ZT_TRY(e = zt_format(ds->dir, sizeof ds->dir, "%s", dir), done);
    ZT_TRY(e = zt_arena_create(&ds->text), done);
    ZT_TRY(e = zt_catalog_open(&catalog, dir), done);
    ZT_TRY(e = zt_catalog_shards(catalog, add_shard, ds), done);
    ZT_TRY(e = zt_catalog_clips(catalog, "ok", add_clip, ds), done);
    ZT_TRY(e = check_last(ds), done);
    if (ds->n == 0)
        e = zt_fail(ZT_FORMAT, "%s: no usable clip in it; add some with `zoe ingest`, or make a new set with `zoe synth`", dir);
done:
    zt_catalog_close(&catalog);
    if (e != ZT_OK) zt_dataset_close(&ds);
    *out = ds;
    return e;
}

void zt_dataset_keep(zt_dataset *ds, bool (*keep)(void *ctx, int64_t id), void *ctx) {
    int64_t n = 0, read[SPLITS] = {0}, kept[SPLITS] = {0};
    for (int64_t i = 0; i < ds->n; i++) {
        int k = 0;
        while (read[k] == ds->count[k] || ds->of_split[k][read[k]] != i) k++;   /* the split whose next clip this is */
        read[k]++;
        if (!keep(ctx, ds->clip[i].id)) continue;
        ds->clip[n] = ds->clip[i];
        ds->of_split[k][kept[k]++] = n++;
    }
    memcpy(ds->count, kept, sizeof kept);
    ds->n = n;
}

void zt_dataset_close(zt_dataset **pds) {
    zt_dataset *ds = pds ? *pds : NULL;
    if (!ds) return;
    for (int i = 0; i < ds->n_shards; i++) zt_map_close(&ds->shard[i].map);
    zt_free(ds->shard);
    for (int i = 0; i < SPLITS; i++) zt_free(ds->of_split[i]);
    zt_free(ds->clip);
    zt_arena_destroy(&ds->text);
    zt_free(ds);
    *pds = NULL;
}

static int split_index(const char *split) {
    for (int i = 0; i < SPLITS; i++)
        if (strcmp(split, SPLIT[i]) == 0) return i;
    return -1;
}

int64_t zt_dataset_count(const zt_dataset *ds, const char *split) {
    if (!split) return ds->n;
    int k = split_index(split);
    return k < 0 ? 0 : ds->count[k];
}

zt_err zt_dataset_clip(const zt_dataset *ds, const char *split, int64_t i, zt_clip_view *view) {
    int64_t n = zt_dataset_count(ds, split);
    if (i < 0 || i >= n)
        return zt_fail(ZT_ARG, "%s: clip %lld of split %s was asked for; it has %lld", ds->dir, (long long)i,
                       split ? split : "(all)", (long long)n);
    *view = ds->clip[split ? ds->of_split[split_index(split)][i] : i];
    return ZT_OK;
}

static const shard_map *shard_of(const zt_dataset *ds, const zt_clip_view *v) {
    for (int i = 0; i < ds->n_shards; i++) {
        const zt_map *m = &ds->shard[i].map;
        if (m->size && v->rgb >= m->data && v->rgb < m->data + m->size) return &ds->shard[i];
    }
    return NULL;
}

void zt_dataset_forget(const zt_dataset *ds, const zt_clip_view *v) {
    const shard_map *s = shard_of(ds, v);
    if (s) zt_map_forget(&s->map, (size_t)(v->rgb - s->map.data), (size_t)v->frames * (size_t)v->height * (size_t)v->width * 3);
}

/* The numbers of member KEY.suffix, which follows the clip in its shard. */
static const void *truth(const zt_dataset *ds, const zt_clip_view *v, const char *suffix, char kind, int item, int n, int last) {
    const shard_map *s = shard_of(ds, v);
    char want[ZT_TAR_NAME_MAX + 1];
    size_t key = strlen(v->key);
    if (!s || zt_format(want, sizeof want, "%s.%s", v->key, suffix) != ZT_OK) return NULL;
    size_t bytes = (size_t)v->frames * (size_t)v->height * (size_t)v->width * 3, pos = (size_t)(v->rgb - s->map.data) + bytes;
    pos = (pos + ZT_TAR_BLOCK - 1) / ZT_TAR_BLOCK * ZT_TAR_BLOCK;
    for (;;) {
        zt_tar_member m;
        zt_npy_info info;
        bool end;
        if (zt_tar_next(s->map.data, s->map.size, s->path, &pos, &m, &end) != ZT_OK || end) return NULL;
        if (strncmp(m.name, v->key, key) != 0 || m.name[key] != '.') return NULL;
        if (strcmp(m.name, want) != 0) continue;
        const uint8_t *p = s->map.data + m.offset;
        if (zt_npy_parse(p, m.bytes, s->path, &info) != ZT_OK || info.kind != kind || info.item_bytes != item || info.n != n
            || info.fortran || info.shape[0] != v->frames || info.shape[1] != v->height || info.shape[2] != v->width
            || (n == 4 && info.shape[3] != last) || ((uintptr_t)(p + info.data_offset)) % (size_t)item)
            return NULL;
        return p + info.data_offset;
    }
}

const uint8_t *zt_dataset_mask(const zt_dataset *ds, const zt_clip_view *view) {
    return truth(ds, view, "mask.npy", 'u', 1, 3, 0);
}

const float *zt_dataset_flow(const zt_dataset *ds, const zt_clip_view *view) {
    return truth(ds, view, "flow.npy", 'f', 4, 4, 2);
}
