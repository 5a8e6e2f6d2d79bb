/* check.c - see check.h. Tested by tests/data/test_data_catalog.c. */
#include "data/check.h"

#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "data/catalog_impl.h"
#include "data/dataset_impl.h"
#include "data/shard.h"

const char ZT_CHECK_SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS shard_hashes (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;";

zt_err zt_catalog_set_shard_hash(zt_catalog *c, const char *name, const char *sha256) {
    return zt_sql_change(c, "writing", "INSERT OR REPLACE INTO shard_hashes (name, sha256) VALUES (?,?)", "ss", name, sha256);
}

zt_err zt_catalog_shard_hash(zt_catalog *c, const char *name, char sha256[65]) {
    return zt_sql_ask(c, NULL, sha256, 65, "SELECT sha256 FROM shard_hashes WHERE name = ?", "s", name);
}

typedef struct job {
    zt_check *k;
    zt_dataset *ds;
    zt_progress progress;
} job;

/* What ends the check is returned, what is wrong with the data is told and gone past. */
static zt_err fault(zt_check *k, zt_err e) {
    if (e != ZT_FORMAT && e != ZT_NOTFOUND) return e;
    k->faults++;
    k->fault(k->ctx, zt_err_text());
    return ZT_OK;
}

static zt_err walk_members(const zt_shard_map *s) {
    size_t pos = 0;
    bool end = false;
    zt_err e = ZT_OK;
    while (!end && e == ZT_OK) {
        zt_tar_member m;
        e = zt_tar_next(s->map.data, s->map.size, s->path, &pos, &m, &end);
    }
    return e;
}

static zt_err compare_hash(job *j, const zt_shard_map *s) {
    char want[65], have[65];
    zt_err e;
    ZT_TRY(e = zt_catalog_shard_hash(j->ds->catalog, s->name, want), done);
    if (!want[0]) return ZT_OK; /* made before hashes were kept */
    ZT_TRY(e = zt_sha256(s->map.data, s->map.size, have), done);
    if (strcmp(want, have) != 0)
        e = zt_fail(ZT_FORMAT, "%s: its content has changed since it was written (SHA-256 %.12s..., not %.12s...); copy it again",
                    s->path, have, want);
    else
        j->k->hashed++;
done:
    return e;
}

static zt_err check_shard(job *j, zt_shard_map *s) {
    zt_shard_map *same;
    zt_err e;
    ZT_TRY(e = zt_dataset_shard_size(s), done);
    ZT_TRY(e = zt_dataset_shard(j->ds, s->name, &same), done);
    ZT_TRY(e = walk_members(s), done);
    e = compare_hash(j, s);
done:
    s->bad = e != ZT_OK;
    if (s->map.size) zt_map_forget(&s->map, 0, s->map.size);
    return fault(j->k, e);
}

static zt_err check_row(void *ctx, const zt_catalog_clip *c) {
    job *j = ctx;
    zt_shard_map *s = NULL;
    zt_progress_update(&j->progress, j->k->clips + j->k->dropped);
    if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped; %lld faults were found so far", (long long)j->k->faults);
    if (strcmp(c->status, "ok") == 0)
        j->k->clips++;
    else
        j->k->dropped++;
    if (c->bytes == 0 && strcmp(c->status, "ok") != 0) return ZT_OK;   /* erased: its row is all there is */
    return fault(j->k, zt_dataset_check_row(j->ds, c, &s));
}

static zt_err check_source(void *ctx, const zt_catalog_source *s) {
    job *j = ctx;
    char hex[65];
    zt_err e;
    if (strcmp(s->status, "ok") != 0 || !s->hash[0]) return ZT_OK;
    if (!zt_file_exists(s->path)) {
        j->k->sources_gone++;
        return ZT_OK;
    }
    ZT_TRY(e = zt_sha256_file(s->path, hex), done);
    j->k->sources++;
    if (strcmp(hex, s->hash) != 0)
        e = fault(j->k, zt_fail(ZT_FORMAT, "%s: this source has changed since its clips were cut from it", s->path));
done:
    return e;
}

zt_err zt_dataset_check(zt_check *k, const char *dir, int sources) {
    job j = {.k = k};
    int64_t clips[2] = {0, 0};
    zt_err e;
    k->faults = k->clips = k->dropped = k->shards = k->hashed = k->sources = k->sources_gone = 0;
    ZT_TRY(e = zt_dataset_start(&j.ds, dir), done);
    ZT_TRY(e = fault(k, zt_catalog_check(j.ds->catalog)), done);
    for (int i = 0; i < j.ds->n_shards; i++, k->shards++) {
        ZT_TRY(e = check_shard(&j, &j.ds->shard[i]), done);
        if (zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped; %lld faults were found so far", (long long)k->faults);
        if (e != ZT_OK) goto done;
    }
    ZT_TRY(e = zt_catalog_count_clips(j.ds->catalog, "ok", &clips[0]), done);
    ZT_TRY(e = zt_catalog_count_clips(j.ds->catalog, "dropped", &clips[1]), done);
    zt_progress_begin(&j.progress, "check", "clips", clips[0] + clips[1]);
    e = fault(k, zt_catalog_clips(j.ds->catalog, NULL, check_row, &j)); /* a damaged page ends the walk over the rows */
    zt_progress_end(&j.progress);
    if (e == ZT_OK && sources) e = zt_catalog_sources(j.ds->catalog, check_source, &j);
done:
    zt_dataset_close(&j.ds);
    return e;
}
