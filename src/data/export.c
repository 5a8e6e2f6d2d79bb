/* export.c - see export.h. Tested by tests/data/test_data_export.c, and by Python's webdataset in
 * tests/reference/interop_webdataset.py. */
#include "data/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/shard.h"
#include "media/writer.h"

enum { SPLITS = 3, MP4_MAX = 1 << 30 };
static const char *const SPLIT[SPLITS] = {"train", "val", "test"};

/* A run. */
typedef struct job {
    const zt_export_cfg *cfg;
    zt_dataset *ds;
    zt_export_report rep;
    zt_shard_writer *tar[SPLITS];
    int number[SPLITS]; /* of the next tar */
    int64_t limit;
    zt_str lines; /* metadata.jsonl so far */
    zt_progress progress;
} job;

static zt_err check(const zt_export_cfg *c) {
    char **names = NULL;
    int n = 0;
    zt_err e;
    if (!c->out || !c->out[0]) return zt_fail(ZT_ARG, "export: no folder to write to given (--out OUT)");
    if (c->crf < 0 || c->crf > 51 || c->shard_bytes < 0)
        return zt_fail(ZT_ARG, "export: crf %d (1..51), shards of %lld bytes", c->crf, (long long)c->shard_bytes);
    ZT_TRY(e = zt_dir_make(c->out), done);
    ZT_TRY(e = zt_dir_list(c->out, &names, &n), done);
    if (n > 0) e = zt_fail(ZT_ARG, "%s: is not empty (%.60s); choose a new folder", c->out, names[0]);
done:
    zt_names_free(names, n);
    return e;
}

/* What KEY.json and a line of metadata.jsonl say; NULL: out of memory. */
static json_t *describe(const job *j, const zt_catalog_clip *k, const char *file_name) {
    json_t *labels = NULL, *o;
    if (zt_json_parse(k->labels, strlen(k->labels), k->key, &labels) != ZT_OK) return NULL;
    const bool folder = j->cfg->format == ZT_EXPORT_FOLDER;
    const char *source = zt_path_base(k->source);
    o = json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:i, s:s, s:f, s:s, s:o}", folder ? "file_name" : "key",
                  folder ? file_name : k->key, folder ? "text" : "caption", k->caption, "split", k->split, "fps", k->fps,
                  "frames", k->frames, "height", k->height, "width", k->width, "origin",
                  zt_utf8_valid(source, strlen(source), NULL) ? source : "", "start_s", k->start_s, "licence", k->licence,
                  "labels", labels);
    return o;
}

static zt_err write_mp4(const job *j, const zt_clip_view *v, const char *path) {
    const zt_frames f = {
        .rgb = (uint8_t *)(uintptr_t)v->rgb, .frames = v->frames, .height = v->height, .width = v->width, .fps = v->fps};
    const zt_write_cfg w = {.crf = j->cfg->crf};
    const zt_err e = zt_video_write_with(path, &f, NULL, &w); /* only reads the pixels */
    zt_dataset_forget(j->ds, v);
    return e;
}

/* ---- folder ---- */

static zt_err to_folder(job *j, const zt_catalog_clip *k, const zt_clip_view *v) {
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX], name[300];
    char *line = NULL;
    zt_err e;
    ZT_TRY(e = zt_path_join(dir, j->cfg->out, k->split), done);
    ZT_TRY(e = zt_dir_make(dir), done);
    ZT_TRY(e = zt_format(name, sizeof name, "%s/%s.mp4", k->split, k->key), done);
    ZT_TRY(e = zt_path_join(path, j->cfg->out, name), done);
    ZT_TRY(e = write_mp4(j, v, path), done);
    j->rep.bytes += zt_file_size(path);
    ZT_TRY(e = zt_format(path, sizeof path, "%s/%s.txt", dir, k->key), done);
    ZT_TRY(e = zt_file_write(path, k->caption, strlen(k->caption)), done);
    j->rep.files += 2;
    json_t *o = describe(j, k, name);
    line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(o);
    if (line) {
        zt_str_add(&j->lines, line);
        zt_str_add(&j->lines, "\n");
    }
    e = line && !j->lines.failed ? ZT_OK : zt_fail(ZT_NOMEM, "out of memory for metadata.jsonl");
done:
    free(line); /* jansson's own allocation, not ours */
    return e;
}

static zt_err finish_folder(job *j) {
    char path[ZT_PATH_MAX];
    const zt_err e = zt_path_join(path, j->cfg->out, "metadata.jsonl");
    j->rep.files++;
    return e != ZT_OK ? e : zt_file_write(path, j->lines.buf ? j->lines.buf : "", j->lines.len);
}

/* ---- tars ---- */

static zt_err close_tar(job *j, int i) {
    size_t bytes = 0;
    if (!j->tar[i]) return ZT_OK;
    const zt_err e = zt_shard_writer_finish(j->tar[i], &bytes);
    zt_shard_writer_destroy(&j->tar[i]);
    j->rep.bytes += (int64_t)bytes;
    j->rep.files++;
    return e;
}

static zt_err open_tar(job *j, int i) {
    char path[ZT_PATH_MAX];
    if (j->tar[i]) return ZT_OK;
    const zt_err e = zt_format(path, sizeof path, "%s/%s-%06d.tar", j->cfg->out, SPLIT[i], j->number[i]++);
    return e != ZT_OK ? e : zt_shard_writer_create(&j->tar[i], path);
}

static zt_err add_member(zt_shard_writer *w, const char *key, const char *suffix, const void *bytes, size_t n) {
    char name[ZT_TAR_NAME_MAX + 1];
    const zt_err e = zt_format(name, sizeof name, "%s.%s", key, suffix);
    return e != ZT_OK ? e : zt_shard_add(w, name, bytes, n);
}

static zt_err to_tar(job *j, const zt_catalog_clip *k, const zt_clip_view *v) {
    char path[ZT_PATH_MAX], *mp4 = NULL, *json = NULL;
    size_t n;
    int i = 0;
    zt_err e;
    while (i < SPLITS - 1 && strcmp(k->split, SPLIT[i]) != 0) i++;
    ZT_TRY(e = zt_path_join(path, j->cfg->out, ".clip.mp4"), done); /* the encoder writes files */
    ZT_TRY(e = write_mp4(j, v, path), done);
    e = zt_file_read(path, MP4_MAX, &mp4, &n);
    (void)unlink(path);
    ZT_TRY(e, done);
    json_t *o = describe(j, k, "");
    json = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(o);
    if (!json) e = zt_fail(ZT_NOMEM, "clip %s: out of memory for its description", k->key);
    ZT_TRY(e, done);
    ZT_TRY(e = open_tar(j, i), done);
    ZT_TRY(e = add_member(j->tar[i], k->key, "mp4", mp4, n), done);
    ZT_TRY(e = add_member(j->tar[i], k->key, "txt", k->caption, strlen(k->caption)), done);
    ZT_TRY(e = add_member(j->tar[i], k->key, "json", json, strlen(json)), done);
    if ((int64_t)zt_shard_bytes(j->tar[i]) >= j->limit) e = close_tar(j, i);
done:
    zt_free(mp4);
    free(json);
    return e;
}

/* ---- the run ---- */

static zt_err take(void *ctx, const zt_catalog_clip *k) {
    job *j = ctx;
    zt_clip_view v;
    zt_err e;
    if (j->cfg->split && strcmp(k->split, j->cfg->split) != 0) return ZT_OK;
    if (zt_cancelled())
        return zt_fail(ZT_CANCELLED, "stopped after %lld clips; start again with an empty folder", (long long)j->rep.clips);
    ZT_TRY(e = zt_dataset_by_id(j->ds, k->id, &v), done);
    ZT_TRY(e = j->cfg->format == ZT_EXPORT_FOLDER ? to_folder(j, k, &v) : to_tar(j, k, &v), done);
    j->rep.clips++;
    zt_progress_update(&j->progress, j->rep.clips);
done:
    return e;
}

zt_err zt_export(const zt_export_cfg *cfg, zt_export_report *report) {
    job j = {.cfg = cfg, .limit = cfg->shard_bytes ? cfg->shard_bytes : (int64_t)256 << 20};
    zt_catalog *c = NULL;
    zt_err e;
    ZT_TRY(e = zt_dataset_open(&j.ds, cfg->dir), done);
    ZT_TRY(e = zt_catalog_open(&c, cfg->dir), done);
    if (cfg->split && zt_dataset_count(j.ds, cfg->split) == 0)
        e = zt_fail(ZT_ARG, "%s: split '%.20s' is empty", cfg->dir, cfg->split);
    ZT_TRY(e, done);
    ZT_TRY(e = check(cfg), done);
    zt_progress_begin(&j.progress, "export", "clips", zt_dataset_count(j.ds, cfg->split));
    e = zt_catalog_clips(c, "ok", take, &j);
    for (int i = 0; i < SPLITS && e == ZT_OK; i++) e = close_tar(&j, i);
    if (e == ZT_OK && cfg->format == ZT_EXPORT_FOLDER) e = finish_folder(&j);
    zt_progress_end(&j.progress);
done:
    for (int i = 0; i < SPLITS; i++) zt_shard_writer_destroy(&j.tar[i]);
    zt_str_finish(&j.lines);
    zt_catalog_close(&c);
    zt_dataset_close(&j.ds);
    if (report) *report = j.rep;
    return e;
}
