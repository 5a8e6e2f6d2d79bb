/* dataset.c - see dataset.h. Opening reads counters and the list of shards; a clip's row is read, its shard mapped and both are
 * checked when it is first asked for. Tested by tests/data/test_data_files.c and test_data_catalog.c. */
#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "data/balance.h"
#include "data/dataset_impl.h"
#include "data/npy.h"
#include "data/shard.h"

enum {
    FRAMES_MAX = 1 << 20,
    SIDE_MAX = 16384,
    CHECKED_WHOLE = 4096    /* clips: so many are all looked at when the set is opened, which takes a blink */
};

/* ---- shards ---- */

static zt_err add_shard(void *ctx, const char *name, int64_t bytes) {
    zt_dataset *ds = ctx;
    char path[ZT_PATH_MAX];
    if (strchr(name, '/') || name[0] == '.' || name[0] == '\0')
        return zt_fail(ZT_FORMAT, "%s/catalog.db: a shard is called '%.100s'; names with / or a leading . are refused", ds->dir,
                       name);
    if (ds->n_shards == ds->cap_shards) {
        const int cap = ds->cap_shards ? ds->cap_shards * 2 : 16;
        zt_shard_map *more = zt_realloc(ds->shard, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        ds->shard = more;
        ds->cap_shards = cap;
    }
    zt_err e = zt_format(path, sizeof path, "%s/shards/%s", ds->dir, name);
    if (e != ZT_OK) return e;
    zt_shard_map *s = &ds->shard[ds->n_shards];
    *s = (zt_shard_map){.name = zt_arena_strdup(ds->text, name), .path = zt_arena_strdup(ds->text, path), .bytes = bytes};
    if (!s->name || !s->path) return ZT_NOMEM;
    ds->n_shards++;
    return ZT_OK;
}

zt_err zt_dataset_shard_size(const zt_shard_map *s) {
    const int64_t size = zt_file_size(s->path);
    if (size < 0) return zt_fail(ZT_NOTFOUND, "%s: this shard is missing; copy it again, or make the data set anew", s->path);
    if (size != s->bytes)
        return zt_fail(ZT_FORMAT,
                       "%s: %s at offset %lld: the catalogue says %lld bytes; copy the shard again, or make the data set anew",
                       s->path, size < s->bytes ? "truncated" : "has more data", (long long)size, (long long)s->bytes);
    return ZT_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const zt_shard_map *)a)->name, ((const zt_shard_map *)b)->name);
}

zt_err zt_dataset_shard(zt_dataset *ds, const char *name, zt_shard_map **out) {
    const zt_shard_map want = {.name = name};
    zt_err e = ZT_OK;
    zt_shard_map *s = *out = ds->n_shards ? bsearch(&want, ds->shard, (size_t)ds->n_shards, sizeof want, by_name) : NULL;
    if (!s || s->open || s->bad) return ZT_OK;
    ZT_TRY(e = zt_map_open(&s->map, s->path), done);
    if ((int64_t)s->map.size != s->bytes)
        e = zt_fail(ZT_FORMAT, "%s: it has %zu bytes now, the catalogue says %lld; it was changed while it was in use", s->path,
                    s->map.size, (long long)s->bytes);
    else e = zt_shard_check_end(s->map.data, s->map.size, s->path);
    if (e != ZT_OK) zt_map_close(&s->map);
    else s->open = true;
done:
    return e;
}

/* ---- clips ---- */

int zt_dataset_split(const char *split) {
    for (int i = 0; i < ZT_SPLITS; i++)
        if (strcmp(split, ZT_SPLIT[i]) == 0) return i;
    return -1;
}

zt_err zt_dataset_check_row(zt_dataset *ds, const zt_catalog_clip *k, zt_shard_map **out) {
    zt_err e;
    if (zt_dataset_split(k->split) < 0)
        return zt_fail(ZT_FORMAT, "%s/catalog.db: clip %lld is in split '%.40s'; splits are train, val and test", ds->dir,
                       (long long)k->id, k->split);
    ZT_TRY(e = zt_dataset_shard(ds, k->shard, out), done);
    const zt_shard_map *s = *out;
    if (s && s->bad) return ZT_OK;
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
    const int64_t shape[4] = {k->frames, k->height, k->width, 3};
    e = zt_shard_check_clip(s->map.data, s->map.size, s->path, k->key, (size_t)k->offset, shape);
done:
    return e;
}

/* Where the row of `id` is in the table, or would be. */
static zt_row **slot_of(zt_row **row, int64_t cap, int64_t id) {
    uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15u;
    for (h >>= 20;; h++) {
        zt_row **r = &row[h & (uint64_t)(cap - 1)];
        if (!*r || (*r)->view.id == id) return r;
    }
}

/* At most half of the table is used. */
static zt_err room_for_row(zt_dataset *ds) {
    if (ds->n_rows * 2 < ds->cap_rows) return ZT_OK;
    const int64_t cap = ds->cap_rows ? ds->cap_rows * 2 : 1024;
    zt_row **more = zt_alloc_array((size_t)cap, sizeof *more);
    if (!more) return ZT_NOMEM;
    for (int64_t i = 0; i < ds->cap_rows; i++)
        if (ds->row[i]) *slot_of(more, cap, ds->row[i]->view.id) = ds->row[i];
    zt_free(ds->row);
    ds->row = more;
    ds->cap_rows = cap;
    return ZT_OK;
}

static zt_err add_row(void *ctx, const zt_catalog_clip *k) {
    zt_dataset *ds = ctx;
    zt_shard_map *s;
    zt_err e;
    ZT_TRY(e = zt_dataset_check_row(ds, k, &s), done);
    ZT_TRY(e = room_for_row(ds), done);
    zt_row *r = zt_arena_alloc(ds->text, sizeof *r);
    if (!r) return ZT_NOMEM;
    r->shard = (int)(s - ds->shard);
    r->view = (zt_clip_view){.rgb = s->map.data + k->offset,
                             .frames = k->frames,
                             .height = k->height,
                             .width = k->width,
                             .fps = k->fps,
                             .key = zt_arena_strdup(ds->text, k->key),
                             .caption = zt_arena_strdup(ds->text, k->caption),
                             .labels = zt_arena_strdup(ds->text, k->labels),
                             .id = k->id};
    if (!r->view.key || !r->view.caption || !r->view.labels) return ZT_NOMEM;
    *slot_of(ds->row, ds->cap_rows, k->id) = r;
    ds->n_rows++;
done:
    return e;
}

/* The row of a clip, read when it is not there yet. Under the lock. */
static zt_err row_of(zt_dataset *ds, int64_t id, zt_row **out) {
    zt_err e = ZT_OK;
    *out = ds->cap_rows ? *slot_of(ds->row, ds->cap_rows, id) : NULL;
    if (*out) return ZT_OK;
    ZT_TRY(e = zt_catalog_clip_by_id(ds->catalog, id, add_row, ds), done);
    *out = *slot_of(ds->row, ds->cap_rows, id);
done:
    return e;
}

/* ---- opening ---- */

static zt_err note_least(void *ctx, const zt_catalog_count *k) {
    zt_dataset *ds = ctx;
    const int i = zt_dataset_split(k->split);
    if (i < 0 || strcmp(k->status, "ok") != 0) return ZT_OK;
    zt_clip_view *v = &ds->least[i];
    if (v->frames == 0 || k->frames < v->frames) v->frames = k->frames;
    if (v->height == 0 || k->height < v->height) v->height = k->height;
    if (v->width == 0 || k->width < v->width) v->width = k->width;
    return ZT_OK;
}

static zt_err look_at_all(zt_dataset *ds) {
    zt_clip_view v;
    zt_err e = ZT_OK;
    const int64_t n = zt_dataset_count(ds, NULL);
    for (int64_t i = 0; n <= CHECKED_WHOLE && i < n && e == ZT_OK; i++) e = zt_dataset_clip(ds, NULL, i, &v);
    return e;
}

zt_err zt_dataset_start(zt_dataset **out, const char *dir) {
    zt_err e;
    *out = NULL;
    zt_dataset *ds = zt_alloc(sizeof *ds);
    if (!ds) return ZT_NOMEM;
    pthread_mutex_init(&ds->lock, NULL);
    ZT_TRY(e = zt_format(ds->dir, sizeof ds->dir, "%s", dir), done);
    ZT_TRY(e = zt_arena_create(&ds->text), done);
    ZT_TRY(e = zt_catalog_open(&ds->catalog, dir), done);
    ZT_TRY(e = zt_catalog_shards(ds->catalog, add_shard, ds), done);
    if (ds->n_shards) qsort(ds->shard, (size_t)ds->n_shards, sizeof *ds->shard, by_name);
done:
    if (e != ZT_OK) zt_dataset_close(&ds);
    *out = ds;
    return e;
}

zt_err zt_dataset_open(zt_dataset **out, const char *dir) {
    zt_dataset *ds = NULL;
    zt_err e;
    ZT_TRY(e = zt_dataset_start(&ds, dir), done);
    for (int i = 0; i < ds->n_shards; i++) ZT_TRY(e = zt_dataset_shard_size(&ds->shard[i]), done);
    ZT_TRY(e = zt_ranks_read(ds->ranks, ds->catalog, ds->dir), done);
    ZT_TRY(e = zt_catalog_counts(ds->catalog, note_least, ds), done);
    ZT_TRY(e = zt_catalog_max_weight(ds->catalog, &ds->max_weight), done);
    if (zt_dataset_count(ds, NULL) == 0)
        e = zt_fail(ZT_FORMAT, "%s: no usable clip in it; add some with `zoe ingest`, or make a new set with `zoe synth`", dir);
    else e = look_at_all(ds);
done:
    if (e != ZT_OK) zt_dataset_close(&ds);
    *out = ds;
    return e;
}

zt_err zt_dataset_keep(zt_dataset *ds, bool (*keep)(void *ctx, int64_t id), void *ctx) {
    zt_err e = ZT_OK;
    pthread_mutex_lock(&ds->lock);
    ds->kept = true;
    for (int k = 0; k <= ZT_SPLITS && e == ZT_OK; k++)
        e = zt_ranks_keep(&ds->ranks[k], ds->catalog, ds->dir, ds->max_weight > 0, keep, ctx);
    pthread_mutex_unlock(&ds->lock);
    return e;
}

void zt_dataset_close(zt_dataset **pds) {
    zt_dataset *ds = pds ? *pds : NULL;
    if (!ds) return;
    for (int i = 0; i < ds->n_shards; i++) zt_map_close(&ds->shard[i].map);
    for (int i = 0; i <= ZT_SPLITS; i++) zt_ranks_finish(&ds->ranks[i]);
    zt_dataset_ungroup(ds);
    zt_catalog_close(&ds->catalog);
    zt_free(ds->shard);
    zt_free(ds->row);
    zt_arena_destroy(&ds->text);
    pthread_mutex_destroy(&ds->lock);
    zt_free(ds);
    *pds = NULL;
}

/* ---- reading ---- */

int64_t zt_dataset_count(const zt_dataset *ds, const char *split) {
    const int k = split ? zt_dataset_split(split) : ZT_SPLITS;
    return k < 0 ? 0 : ds->ranks[k].clips;
}

void zt_dataset_least(const zt_dataset *ds, const char *split, int *frames, int *height, int *width) {
    *frames = *height = *width = 0;
    for (int k = 0; k < ZT_SPLITS; k++) {
        const zt_clip_view *v = &ds->least[k];
        if (v->frames == 0 || (split && strcmp(split, ZT_SPLIT[k]) != 0)) continue;
        if (*frames == 0 || v->frames < *frames) *frames = v->frames;
        if (*height == 0 || v->height < *height) *height = v->height;
        if (*width == 0 || v->width < *width) *width = v->width;
    }
}

/* A data set is const to those who read it; what is read on the way is kept under the lock. */
static zt_dataset *lock(const zt_dataset *ds) {
    zt_dataset *d = (zt_dataset *)(uintptr_t)ds;
    pthread_mutex_lock(&d->lock);
    return d;
}

zt_err zt_dataset_at(const zt_dataset *cds, zt_ranks *r, int64_t i, zt_clip_view *view, double *weight) {
    zt_dataset *ds = lock(cds);
    int64_t id;
    double w;
    zt_row *row;
    zt_err e = ZT_OK;
    if (i < 0 || i >= r->clips) {
        e = zt_fail(ZT_ARG, "%s: clip %lld of split %s was asked for; it has %lld", ds->dir, (long long)i,
                    r->split ? r->split : "(all)", (long long)r->clips);
        goto done;
    }
    ZT_TRY(e = zt_ranks_find(r, ds->catalog, ds->dir, ds->max_weight > 0, i, &id, &w), done);
    if (view) ZT_TRY(e = row_of(ds, id, &row), done);
    if (view) *view = row->view;
    if (weight) *weight = w;
done:
    pthread_mutex_unlock(&ds->lock);
    return e;
}

/* The clips of a split, NULL: of all. Of no split: those of none. */
static zt_ranks *ranks_of(const zt_dataset *ds, const char *split) {
    static zt_ranks none;
    const int k = split ? zt_dataset_split(split) : ZT_SPLITS;
    return k < 0 ? &none : (zt_ranks *)(uintptr_t)&ds->ranks[k];
}

zt_err zt_dataset_clip(const zt_dataset *ds, const char *split, int64_t i, zt_clip_view *view) {
    return zt_dataset_at(ds, ranks_of(ds, split), i, view, NULL);
}

zt_err zt_dataset_by_id(const zt_dataset *cds, int64_t id, zt_clip_view *view) {
    zt_dataset *ds = lock(cds);
    zt_row *row;
    const zt_err e = row_of(ds, id, &row);
    if (e == ZT_OK) *view = row->view;
    pthread_mutex_unlock(&ds->lock);
    return e;
}

zt_err zt_dataset_weight(const zt_dataset *ds, const char *split, int64_t i, double *weight) {
    return zt_dataset_at(ds, ranks_of(ds, split), i, NULL, weight);
}

double zt_dataset_max_weight(const zt_dataset *ds) { return ds->max_weight; }

static const zt_shard_map *shard_of(const zt_dataset *cds, const zt_clip_view *v) {
    zt_dataset *ds = lock(cds);
    zt_row *row;
    const zt_shard_map *s = row_of(ds, v->id, &row) == ZT_OK ? &ds->shard[row->shard] : NULL;
    pthread_mutex_unlock(&ds->lock);
    return s;
}

void zt_dataset_forget(const zt_dataset *ds, const zt_clip_view *v) {
    const zt_shard_map *s = shard_of(ds, v);
    if (s) zt_map_forget(&s->map, (size_t)(v->rgb - s->map.data), (size_t)v->frames * (size_t)v->height * (size_t)v->width * 3);
}

const void *zt_dataset_truth(const zt_dataset *ds, const zt_clip_view *v, const char *name, zt_npy_info *info) {
    const zt_shard_map *s = shard_of(ds, v);
    char want[ZT_TAR_NAME_MAX + 1];
    const size_t key = strlen(v->key), bytes = (size_t)v->frames * (size_t)v->height * (size_t)v->width * 3;
    if (!s || zt_format(want, sizeof want, "%s.%s.npy", v->key, name) != ZT_OK) return NULL;
    /* The arrays of a clip follow it in its shard. */
    size_t pos = ((size_t)(v->rgb - s->map.data) + bytes + ZT_TAR_BLOCK - 1) / ZT_TAR_BLOCK * ZT_TAR_BLOCK;
    for (;;) {
        zt_tar_member m;
        bool end;
        if (zt_tar_next(s->map.data, s->map.size, s->path, &pos, &m, &end) != ZT_OK || end) return NULL;
        if (strncmp(m.name, v->key, key) != 0 || m.name[key] != '.') return NULL;
        if (strcmp(m.name, want) != 0) continue;
        const uint8_t *p = s->map.data + m.offset;
        if (zt_npy_parse(p, m.bytes, s->path, info) != ZT_OK || info->fortran || info->n < 1 || info->shape[0] != v->frames
            || ((uintptr_t)(p + info->data_offset)) % (size_t)info->item_bytes)
            return NULL;
        return p + info->data_offset;
    }
}

/* An array with a number, or `last` of them (last > 0), for each pixel. */
static const void *per_pixel(const zt_dataset *ds, const zt_clip_view *v, const char *name, char kind, int item, int last) {
    zt_npy_info i;
    const void *p = zt_dataset_truth(ds, v, name, &i);
    const bool fits = p && i.kind == kind && i.item_bytes == item && i.n == (last ? 4 : 3) && i.shape[1] == v->height
                      && i.shape[2] == v->width && (!last || i.shape[3] == last);
    return fits ? p : NULL;
}

const uint8_t *zt_dataset_mask(const zt_dataset *ds, const zt_clip_view *view) { return per_pixel(ds, view, "mask", 'u', 1, 0); }
const float *zt_dataset_flow(const zt_dataset *ds, const zt_clip_view *view) { return per_pixel(ds, view, "flow", 'f', 4, 2); }
const float *zt_dataset_depth(const zt_dataset *ds, const zt_clip_view *view) { return per_pixel(ds, view, "depth", 'f', 4, 0); }
