/* frames.c - layouts that hold decoded frames: BAIR robot pushing (TFRecord, with actions and states) and Moving MNIST (.npy).
 * Their clips go straight into the data set, cut and resized as ingest would. Tested by tests/data/test_data_layout.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/ingest_impl.h"
#include "data/layout/layout_impl.h"
#include "data/npy.h"
#include "data/store.h"
#include "data/tfrecord.h"
#include "media/image.h"

enum { SIDE_MAX = 4096, LENGTH_MAX = 4096, SHARD_BYTES = 64 << 20 };
static const char *const SPLIT[] = {"train", "val", "test"};

/* A run. */
typedef struct job {
    const zt_ingest_cfg *cfg;
    const char *layout; /* its name */
    zt_store *store;
    zt_ingest_report rep;
    int64_t next_key;
    const char *split;                /* of the file at hand; NULL: by the clip */
    char path[ZT_PATH_MAX], hash[65]; /* of the file at hand */
    uint8_t *clip;                    /* [frames,size,size,3] */
} job;

/* One sequence of frames and what belongs to each. */
typedef struct sequence {
    int64_t number; /* in its file */
    int length, side;
    const uint8_t *(*frame)(const void *ctx, int t, uint8_t *scratch); /* [side,side,3] */
    const void *ctx;
    uint8_t *scratch;            /* one frame */
    const float *action, *state; /* [length,actions], [length,states]; NULL: none */
    int actions, states;
    const char *caption;
} sequence;

static zt_err begin(job *j) {
    const zt_ingest_cfg *c = j->cfg;
    char now[200], then[200];
    zt_err e;
    ZT_TRY(e = zt_ingest_check_out(c->out), done);
    if (!(j->clip = zt_alloc_array((size_t)c->frames, (size_t)(c->size * c->size * 3)))) return ZT_NOMEM;
    ZT_TRY(e = zt_store_open(&j->store, c->out, SHARD_BYTES), done);
    zt_catalog *k = zt_store_catalog(j->store);
    ZT_TRY(e = zt_format(now, sizeof now, "layout %s, size %lld, frames %lld, seed %llu", j->layout, (long long)c->size,
                         (long long)c->frames, (unsigned long long)c->seed),
           done);
    ZT_TRY(e = zt_catalog_get_meta(k, "ingest", then, sizeof then), done);
    ZT_TRY(e = zt_catalog_last_clip(k, &j->next_key), done);
    if ((then[0] || j->next_key) && strcmp(now, then) != 0)
        return zt_fail(ZT_ARG, "%s: was made in another way (%s), asked for now: %s; choose another folder", c->out, then, now);
    j->next_key++;
    e = zt_catalog_set_meta(k, "ingest", now);
done:
    return e;
}

static const char *split_of(const job *j, int64_t number) {
    if (j->split) return j->split;
    zt_rng r = zt_rng_init(j->cfg->seed, zt_hash_name(j->hash) + (uint64_t)number);
    const double u = zt_rng_uniform(&r);
    return SPLIT[u < j->cfg->val ? 1 : u < j->cfg->val + j->cfg->test ? 2 : 0];
}

/* The piece of cfg->frames frames from frame `first` on. */
static zt_err add_piece(job *j, const sequence *s, int first) {
    const int size = (int)j->cfg->size, frames = (int)j->cfg->frames;
    const size_t bytes = (size_t)size * (size_t)size * 3;
    char key[32];
    zt_store_array array[2];
    int n = 0;
    zt_err e = ZT_OK;
    for (int t = 0; t < frames; t++) {
        const uint8_t *src = s->frame(s->ctx, first + t, s->scratch);
        uint8_t *dst = j->clip + (size_t)t * bytes;
        if (s->side == size)
            memcpy(dst, src, bytes);
        else
            ZT_TRY(e = zt_image_fit(src, s->side, s->side, dst, size, size), done);
    }
    if (s->action)
        array[n++] = (zt_store_array){"action", 'f', 4, 2, {frames, s->actions}, s->action + (size_t)first * (size_t)s->actions};
    if (s->state)
        array[n++] = (zt_store_array){"state", 'f', 4, 2, {frames, s->states}, s->state + (size_t)first * (size_t)s->states};
    snprintf(key, sizeof key, "%08lld", (long long)j->next_key);
    const zt_catalog_clip k = {.key = key,
                               .frames = frames,
                               .height = size,
                               .width = size,
                               .fps = j->cfg->fps,
                               .caption = s->caption,
                               .source = j->path,
                               .source_hash = j->hash,
                               .split = split_of(j, s->number),
                               .start_s = first / j->cfg->fps};
    ZT_TRY(e = zt_store_add(j->store, &k, j->clip, array, n), done);
    j->next_key++;
    j->rep.new_clips++;
    if (zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
done:
    return e;
}

static zt_err add_sequence(job *j, const sequence *s) {
    zt_err e = ZT_OK;
    for (int first = 0; first + j->cfg->frames <= s->length && e == ZT_OK; first += (int)j->cfg->frames)
        e = add_piece(j, s, first);
    return e;
}

/* One file, whole or not at all: `read` adds its sequences. */
static zt_err take_file(job *j, const char *path, zt_err (*read)(job *j)) {
    bool known;
    const int64_t key = j->next_key, clips = j->rep.new_clips;
    zt_catalog *c = zt_store_catalog(j->store);
    zt_err e;
    if (!realpath(path, j->path)) return zt_fail(ZT_IO, "%s: cannot be read: %s", path, strerror(errno));
    ZT_TRY(e = zt_sha256_file(j->path, j->hash), done);
    ZT_TRY(e = zt_catalog_has_source(c, j->path, j->hash, &known), done);
    j->rep.files++;
    if (known) {
        j->rep.done_before++;
        return ZT_OK;
    }
    ZT_TRY(e = zt_store_mark(j->store), done);
    e = read(j);
    if (e != ZT_OK) {
        char why[600];
        snprintf(why, sizeof why, "%s", zt_err_text()); /* going back may leave another text */
        j->next_key = key;
        j->rep.new_clips = clips;
        const zt_err back = zt_store_back(j->store);
        return back != ZT_OK ? back : zt_fail(e, "%s", why);
    }
    char info[80];
    snprintf(info, sizeof info, "{\"layout\":\"%s\",\"clips\":%lld}", j->layout, (long long)(j->rep.new_clips - clips));
    const bool some = j->rep.new_clips > clips;
    const zt_catalog_source row = {.path = j->path,
                                   .hash = j->hash,
                                   .status = some ? "ok" : "dropped",
                                   .reason = some ? "" : "no sequence is as long as a clip",
                                   .info = info};
    ZT_TRY(e = zt_catalog_put_source(c, &row), done);
    *(some ? &j->rep.new_ok : &j->rep.new_dropped) += 1;
    ZT_TRY(e = zt_store_keep(j->store), done);
    e = zt_store_flush(j->store, 1);
done:
    return e;
}

static zt_err count_clip(void *ctx, const zt_catalog_clip *k) {
    int64_t *n = ctx;
    for (int i = 0; i < 3; i++) n[i] += strcmp(k->split, SPLIT[i]) == 0;
    return ZT_OK;
}

static zt_err finish(job *j, zt_err e, double t0, zt_ingest_report *report) {
    int64_t n[3] = {0};
    if (e == ZT_OK && j->rep.files == 0) e = zt_fail(ZT_NOTFOUND, "there is no file of layout %s", j->layout);
    if (e == ZT_OK) e = zt_catalog_clips(zt_store_catalog(j->store), "ok", count_clip, n);
    j->rep.train = n[0];
    j->rep.val = n[1];
    j->rep.test = n[2];
    j->rep.seconds = zt_now() - t0;
    if (report) *report = j->rep;
    zt_store_close(&j->store);
    zt_free(j->clip);
    return e;
}

/* ---- BAIR ---- */

static const char TFRECORDS[] = ".tfrecords", *const CAMERA[] = {"image_aux1", "image_main"}; /* the one that papers use first */

/* Frame t of a trajectory: raw RGB. */
static zt_err bair_image(zt_bytes record, const char *where, const char *camera, int t, zt_bytes *image) {
    char name[64];
    zt_feature f;
    snprintf(name, sizeof name, "%d/%s/encoded", t, camera);
    const zt_err e = zt_example_find(record, where, name, &f);
    *image = e == ZT_OK && f.kind == ZT_FEATURE_BYTES && f.n == 1 ? zt_feature_bytes(&f, 0) : (zt_bytes){0};
    return e;
}

/* n numbers of every frame into to[length,n]; *there = false when a frame has none. */
static zt_err bair_numbers(zt_bytes record, const char *where, const char *what, int length, int n, float *to, bool *there) {
    *there = true;
    for (int t = 0; t < length && *there; t++) {
        char name[64];
        zt_feature f;
        snprintf(name, sizeof name, "%d/%s", t, what);
        const zt_err e = zt_example_find(record, where, name, &f);
        if (e != ZT_OK) return e;
        *there = f.kind == ZT_FEATURE_FLOAT && f.n == n;
        if (*there) zt_feature_floats(&f, to + (size_t)t * (size_t)n);
    }
    return ZT_OK;
}

typedef struct trajectory {
    zt_bytes image[LENGTH_MAX];
    float action[LENGTH_MAX * 4], state[LENGTH_MAX * 3];
} trajectory;

static const uint8_t *bair_frame(const void *ctx, int t, uint8_t *scratch) {
    (void)scratch;
    return ((const trajectory *)ctx)->image[t].p;
}

static zt_err bair_record(job *j, zt_bytes record, trajectory *tr, int64_t number) {
    const char *camera = CAMERA[0];
    zt_bytes image;
    bool action, state;
    int side = 1;
    zt_err e;
    ZT_TRY(e = bair_image(record, j->path, camera, 0, &image), done);
    if (!image.n) ZT_TRY(e = bair_image(record, j->path, camera = CAMERA[1], 0, &image), done);
    while (side < SIDE_MAX && (size_t)side * (size_t)side * 3 < image.n) side++;
    if (!image.n || (size_t)side * (size_t)side * 3 != image.n)
        return zt_fail(ZT_FORMAT, "%s: record %lld holds no 0/image_aux1/encoded of square raw RGB frames", j->path,
                       (long long)number);
    sequence s = {.number = number,
                  .side = side,
                  .frame = bair_frame,
                  .ctx = tr,
                  .caption = "a robot arm pushes objects in a bin",
                  .actions = 4,
                  .states = 3};
    for (; s.length < LENGTH_MAX; s.length++) {
        ZT_TRY(e = bair_image(record, j->path, camera, s.length, &image), done);
        if (!image.n) break;
        if (image.n != (size_t)side * (size_t)side * 3)
            return zt_fail(ZT_FORMAT, "%s: record %lld: its frames differ in size", j->path, (long long)number);
        tr->image[s.length] = image;
    }
    ZT_TRY(e = bair_numbers(record, j->path, "action", s.length, s.actions, tr->action, &action), done);
    ZT_TRY(e = bair_numbers(record, j->path, "endeffector_pos", s.length, s.states, tr->state, &state), done);
    s.action = action ? tr->action : NULL;
    s.state = state ? tr->state : NULL;
    e = add_sequence(j, &s);
done:
    return e;
}

static zt_err bair_read(job *j) {
    zt_map map;
    size_t pos = 0;
    bool end = false;
    zt_bytes record;
    trajectory *tr = zt_alloc(sizeof *tr);
    if (!tr) return ZT_NOMEM;
    zt_err e = zt_map_open(&map, j->path);
    for (int64_t n = 0; e == ZT_OK && !end; n++) {
        e = zt_tfrecord_next(map.data, map.size, j->path, &pos, &record, &end);
        if (e == ZT_OK && !end) e = bair_record(j, record, tr, n);
    }
    zt_map_close(&map);
    zt_free(tr);
    return e;
}

static zt_err bair_file(void *ctx, const char *path) { return take_file(ctx, path, bair_read); }

/* Folders train and test when they are there, else SRC. */
static zt_err bair_folders(job *j, const char *src) {
    char dir[ZT_PATH_MAX];
    bool some = false;
    zt_err e = ZT_OK;
    for (int i = 0; i < 3 && e == ZT_OK; i++) {
        if (!zt_layout_has(src, SPLIT[i], dir) || !zt_is_dir(dir)) continue;
        some = true;
        j->split = SPLIT[i];
        e = zt_layout_files(dir, TFRECORDS, bair_file, j, NULL);
    }
    return some || e != ZT_OK ? e : zt_layout_files(src, TFRECORDS, bair_file, j, NULL);
}

bool zt_layout_bair_matches(const char *src) {
    char path[ZT_PATH_MAX], dir[ZT_PATH_MAX];
    zt_map map;
    zt_bytes record, image;
    size_t pos = 0;
    bool end, is = false;
    bool found = zt_layout_first(src, TFRECORDS, path);
    for (int i = 0; i < 3 && !found; i++) found = zt_layout_has(src, SPLIT[i], dir) && zt_layout_first(dir, TFRECORDS, path);
    if (!found || zt_map_open(&map, path) != ZT_OK) return false;
    if (zt_tfrecord_next(map.data, map.size, path, &pos, &record, &end) == ZT_OK && !end)
        for (int i = 0; i < 2 && !is; i++) is = bair_image(record, path, CAMERA[i], 0, &image) == ZT_OK && image.n > 0;
    zt_map_close(&map);
    return is;
}

zt_err zt_layout_bair_store(const char *src, const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    job j = {.cfg = cfg, .layout = "bair"};
    const double t0 = zt_now();
    zt_err e = begin(&j);
    if (e == ZT_OK) e = bair_folders(&j, src);
    return finish(&j, e, t0, report);
}

/* ---- Moving MNIST ---- */

typedef struct digits {
    const uint8_t *p;
    int64_t clips, clip;
    int side;
} digits; /* [length,clips,side,side] grey */

static const uint8_t *digits_frame(const void *ctx, int t, uint8_t *scratch) {
    const digits *d = ctx;
    const size_t n = (size_t)d->side * (size_t)d->side;
    const uint8_t *p = d->p + ((size_t)t * (size_t)d->clips + (size_t)d->clip) * n;
    for (size_t i = 0; i < n; i++) memset(scratch + 3 * i, p[i], 3);
    return scratch;
}

static zt_err digits_open(const char *path, zt_map *map, zt_npy_info *info) {
    zt_err e = zt_map_open(map, path);
    if (e != ZT_OK) return e;
    e = zt_npy_parse(map->data, map->size, path, info);
    if (e == ZT_OK &&
        (info->kind != 'u' || info->item_bytes != 1 || info->fortran || info->n != 4 || info->shape[2] != info->shape[3] ||
         info->shape[2] < 1 || info->shape[2] > SIDE_MAX || info->shape[0] < 1 || info->shape[0] > LENGTH_MAX))
        e = zt_fail(ZT_FORMAT, "%s: wanted bytes [frames,clips,side,side], as Moving MNIST has them", path);
    if (e != ZT_OK) zt_map_close(map);
    return e;
}

static zt_err digits_read(job *j) {
    zt_map map;
    zt_npy_info info;
    zt_err e = digits_open(j->path, &map, &info);
    if (e != ZT_OK) return e;
    digits d = {.p = map.data + info.data_offset, .clips = info.shape[1], .side = (int)info.shape[2]};
    sequence s = {
        .length = (int)info.shape[0], .side = d.side, .frame = digits_frame, .ctx = &d, .caption = "two handwritten digits move"};
    s.scratch = zt_alloc((size_t)d.side * (size_t)d.side * 3);
    e = s.scratch ? ZT_OK : ZT_NOMEM;
    for (; d.clip < d.clips && e == ZT_OK; d.clip++) {
        s.number = d.clip;
        e = add_sequence(j, &s);
    }
    zt_free(s.scratch);
    zt_map_close(&map);
    return e;
}

static zt_err digits_file(void *ctx, const char *path) { return take_file(ctx, path, digits_read); }

bool zt_layout_moving_mnist_matches(const char *src) {
    zt_map map;
    zt_npy_info info;
    char path[ZT_PATH_MAX];
    if (!zt_layout_first(src, ".npy", path) || digits_open(path, &map, &info) != ZT_OK) return false;
    zt_map_close(&map);
    return true;
}

zt_err zt_layout_moving_mnist_store(const char *src, const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    job j = {.cfg = cfg, .layout = "moving-mnist"};
    const double t0 = zt_now();
    zt_err e = begin(&j);
    if (e == ZT_OK) e = zt_layout_files(src, ".npy", digits_file, &j, NULL);
    return finish(&j, e, t0, report);
}
