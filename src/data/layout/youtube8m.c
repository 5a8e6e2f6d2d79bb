/* youtube8m.c - YouTube-8M, frame level: TFRecords of SequenceExamples with id, labels and per frame 1024 bytes rgb and 128 bytes
 * audio. There are no pixels: the features become the set youtube8m of arrays beside the data set (data/cache.h), per video rgb
 * [seconds,1024] u8, audio [seconds,128] u8 and labels [n] i64.
 * Layout: Abu-El-Haija et al. 2016, arXiv:1609.08675. Tested by tests/data/test_data_layout.c. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "data/cache.h"
#include "data/ingest_impl.h"
#include "data/layout/layout_impl.h"
#include "data/tfrecord.h"

enum { FRAMES_MAX = 1 << 16, WIDTH_MAX = 1 << 16, LABELS_MAX = 1 << 16 };
static const char MADE_BY[] = "YouTube-8M frame-level features"; /* their hash stands for the model that nobody has */
static const char SET[] = "youtube8m", *const STREAM[] = {"rgb", "audio"};

/* A run. */
typedef struct job {
    zt_cache *had; /* what an earlier run has put there; NULL: nothing */
    zt_cache_writer *w;
    const char *path; /* of the file at hand */
    int64_t videos, had_videos, files;
} job;

/* The frames of one stream, stacked into *out [n,width] (zt_alloc'd); *n = 0 when there are none. */
static zt_err stack(zt_bytes record, const char *where, const char *name, uint8_t **out, int64_t *n, int64_t *width) {
    zt_bytes list;
    zt_feature f;
    zt_err e;
    *out = NULL;
    *width = 0;
    ZT_TRY(e = zt_sequence_find(record, where, name, &list, n), done);
    if (*n > FRAMES_MAX) return zt_fail(ZT_FORMAT, "%s: a video of %lld frames", where, (long long)*n);
    for (int64_t t = 0; t < *n; t++) {
        ZT_TRY(e = zt_sequence_next(&list, where, &f), done);
        const zt_bytes b = f.kind == ZT_FEATURE_BYTES && f.n == 1 ? zt_feature_bytes(&f, 0) : (zt_bytes){0};
        if (t == 0) {
            if (b.n < 1 || b.n > WIDTH_MAX || !(*out = zt_alloc_array((size_t)*n, b.n)))
                return b.n < 1 || b.n > WIDTH_MAX ? zt_fail(ZT_FORMAT, "%s: %s features of %zu bytes", where, name, b.n)
                                                  : ZT_NOMEM;
            *width = (int64_t)b.n;
        }
        if ((int64_t)b.n != *width) return zt_fail(ZT_FORMAT, "%s: %s features of different sizes in one video", where, name);
        memcpy(*out + t * *width, b.p, b.n);
    }
done:
    return e;
}

static zt_err put_labels(job *j, zt_bytes record, const char *id, const char *content) {
    zt_feature f;
    zt_err e = zt_example_find(record, j->path, "labels", &f);
    if (e != ZT_OK || f.kind != ZT_FEATURE_INT) return e;
    if (f.n > LABELS_MAX) return zt_fail(ZT_FORMAT, "%s: a video with %lld labels", j->path, (long long)f.n);
    int64_t *labels = zt_alloc_array((size_t)f.n, sizeof *labels);
    if (!labels) return ZT_NOMEM;
    zt_feature_ints(&f, labels);
    const zt_cache_array a = {.kind = 'i', .item_bytes = 8, .n = 1, .shape = {f.n}, .data = labels};
    e = zt_cache_put(j->w, id, content, "labels", &a);
    zt_free(labels);
    return e;
}

static zt_err is_there(job *j, const char *id, const char *content, bool *there) {
    zt_cache_array a;
    *there = false;
    const zt_err e = j->had ? zt_cache_find(j->had, id, content, STREAM[0], &a, there) : ZT_OK;
    j->had_videos += *there;
    return e;
}

static zt_err put_video(job *j, zt_bytes record) {
    char id[64], content[65];
    zt_feature f;
    bool there;
    zt_err e;
    ZT_TRY(e = zt_example_find(record, j->path, "id", &f), done);
    if (f.kind == ZT_FEATURE_NONE) ZT_TRY(e = zt_example_find(record, j->path, "video_id", &f), done); /* as older files say */
    const zt_bytes b = f.kind == ZT_FEATURE_BYTES ? zt_feature_bytes(&f, 0) : (zt_bytes){0};
    if (b.n < 1 || b.n >= sizeof id)
        return zt_fail(ZT_FORMAT, "%s: a record has no id of 1 to %zu letters", j->path, sizeof id - 1);
    snprintf(id, sizeof id, "%.*s", (int)b.n, (const char *)b.p);
    ZT_TRY(e = zt_sha256(record.p, record.n, content), done);
    j->videos++;
    ZT_TRY(e = is_there(j, id, content, &there), done);
    if (there) return ZT_OK;
    for (int i = 0; i < 2 && e == ZT_OK; i++) {
        uint8_t *stacked;
        int64_t n, width;
        e = stack(record, j->path, STREAM[i], &stacked, &n, &width);
        const zt_cache_array a = {.kind = 'u', .item_bytes = 1, .n = 2, .shape = {n, width}, .data = stacked};
        if (e == ZT_OK && n > 0) e = zt_cache_put(j->w, id, content, STREAM[i], &a);
        zt_free(stacked);
    }
    if (e == ZT_OK) e = put_labels(j, record, id, content);
done:
    return e;
}

static zt_err read_file(void *ctx, const char *path) {
    job *j = ctx;
    zt_map map;
    size_t pos = 0;
    bool end = false;
    zt_bytes record;
    zt_err e = zt_map_open(&map, path);
    j->path = path;
    while (e == ZT_OK && !end) {
        e = zt_cancelled() ? zt_fail(ZT_CANCELLED, "stopped") : zt_tfrecord_next(map.data, map.size, path, &pos, &record, &end);
        if (e == ZT_OK && !end) e = put_video(j, record);
    }
    zt_map_close(&map);
    if (e == ZT_OK) e = zt_cache_flush(j->w);
    j->files++;
    return e;
}

bool zt_layout_youtube8m_matches(const char *src) {
    char path[ZT_PATH_MAX];
    zt_map map;
    zt_bytes record, list;
    size_t pos = 0;
    int64_t n = 0;
    bool end;
    if (!zt_layout_first(src, ".tfrecord", path) || zt_map_open(&map, path) != ZT_OK) return false;
    const bool is = zt_tfrecord_next(map.data, map.size, path, &pos, &record, &end) == ZT_OK && !end &&
                    zt_sequence_find(record, path, "rgb", &list, &n) == ZT_OK && n > 0;
    zt_map_close(&map);
    return is;
}

zt_err zt_layout_youtube8m_store(const char *src, const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    job j = {0};
    zt_cache_info info = {.kind = ZT_CACHE_FEATURES};
    const double t0 = zt_now();
    zt_err e;
    ZT_TRY(e = zt_ingest_check_out(cfg->out), done);
    ZT_TRY(e = zt_sha256(MADE_BY, sizeof MADE_BY - 1, info.model), done);
    e = zt_cache_open(&j.had, cfg->out, SET, &info);
    if (e != ZT_NOTFOUND) ZT_TRY(e, done);
    ZT_TRY(e = zt_cache_writer_create(&j.w, cfg->out, SET, &info), done);
    e = zt_layout_files(src, ".tfrecord", read_file, &j, NULL);
    if (e == ZT_OK && j.files == 0) e = zt_fail(ZT_NOTFOUND, "%s: there is no .tfrecord file in it", src);
done:
    zt_cache_close(&j.had);
    zt_cache_writer_destroy(&j.w);
    if (report)
        *report = (zt_ingest_report){
            .files = j.files, .new_ok = j.files, .done_before = j.had_videos, .arrays = j.videos, .seconds = zt_now() - t0};
    return e;
}
