/* ingest.c - see ingest.h: what may be asked for, the data set's settings, the workers. One file is ingest_take.c, clips out of
 * frames ingest_cut.c, finding files ingest_walk.c, captions ingest_caption.c, what reaches the disk and when store.c. Tested by
 * tests/data/test_data_ingest.c. */
#include "data/ingest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "data/catalog.h"
#include "data/faces.h"
#include "data/ingest_impl.h"

enum {
    /* At most this much work is lost by a kill, and the files at hand. By content alone: a clock here would show in the
     * shards. */
    SHARD_BYTES = 64 << 20,
    COMMIT_FILES = 256,
    FACES_EVERY = 2,                  /* frames: faces are looked for in every second */
    SIDE_MAX = 4096,
    THREADS_MAX = 256
};
static const char *const SPLIT[ZT_SPLITS] = {"train", "val", "test"};
static const char *const CAPTION[] = {"auto", "txt", "folder", "none"}, *const FACES[] = {"off", "report", "blur", "drop"};

static zt_err check_shape(const zt_ingest_cfg *c) {
    if (c->n_size < 1 || c->n_size > ZT_INGEST_BUCKETS || c->n_frames < 1 || c->n_frames > ZT_INGEST_BUCKETS)
        return zt_fail(ZT_ARG, "ingest: %d sizes and %d lengths; wanted are 1..%d of each", c->n_size, c->n_frames,
                       ZT_INGEST_BUCKETS);
    for (int i = 0; i < c->n_size; i++)
        if (c->size[i].width < 8 || c->size[i].width > SIDE_MAX || c->size[i].height < 8 || c->size[i].height > SIDE_MAX)
            return zt_fail(ZT_ARG, "ingest: size %dx%d; sides are 8..%d", c->size[i].width, c->size[i].height, SIDE_MAX);
    for (int i = 0; i < c->n_frames; i++) {
        const long long n = (long long)c->frames[i];
        if (n < 1 || n > 1024 || (i > 0 && n <= c->frames[i - 1]))
            return zt_fail(ZT_ARG, "ingest: %lld frames; lengths are 1..1024, each larger than the one before", n);
        if (c->frame_step > 0 && (n - 1) % c->frame_step != 0)
            return zt_fail(ZT_ARG, "ingest: %lld frames are not %lldn+1; the next below are %lld", n, (long long)c->frame_step,
                           (n - 1) / c->frame_step * c->frame_step + 1);
        for (int k = 0; k < c->n_size; k++)
            if (n * c->size[k].width * c->size[k].height * 3 > (int64_t)1 << 30)
                return zt_fail(ZT_ARG,
                               "ingest: %lld frames of %dx%d are more than 1 GiB a clip; take fewer frames or a smaller size", n,
                               c->size[k].width, c->size[k].height);
    }
    if (c->mode == ZT_MODE_FULL && c->n_frames < 2)
        return zt_fail(ZT_ARG, "ingest: mode full wants the least and the most frames of a clip, such as --frames 17,129");
    return ZT_OK;
}

static zt_err check(const zt_ingest_cfg *c) {
    if (!c || c->n_src < 0 || (c->n_src && !c->src) || (c->n_items && !c->items) || (c->n_src == 0 && c->n_items == 0))
        return zt_fail(ZT_ARG, "ingest: no source given; name files or folders");
    if (!c->out || !c->out[0]) return zt_fail(ZT_ARG, "ingest: no folder for the data set given (--out DIR)");
    const zt_err e = check_shape(c);
    if (e != ZT_OK) return e;
    if (!(c->fps >= 0.1 && c->fps <= 240)) return zt_fail(ZT_ARG, "ingest: %g fps; wanted are 0.1..240", c->fps);
    if ((unsigned)c->mode > ZT_MODE_FULL || c->stride < 0 || c->stride > 65536 || c->per_shot < 0 || c->per_shot > 1024
        || c->frame_step < 0 || c->frame_step > 64 || c->threads < 0 || c->threads > THREADS_MAX)
        return zt_fail(ZT_ARG, "ingest: mode %d, stride %lld, per-shot %lld, frame step %lld or threads %d is out of range",
                       (int)c->mode, (long long)c->stride, (long long)c->per_shot, (long long)c->frame_step, c->threads);
    if (!(c->val >= 0 && c->val <= 0.5) || !(c->test >= 0 && c->test <= 0.5) || c->val + c->test > 0.9)
        return zt_fail(ZT_ARG, "ingest: val %g and test %g; wanted are parts 0..0.5, together at most 0.9", c->val, c->test);
    if ((int)c->faces < 0 || c->faces > ZT_INGEST_FACES_DROP)
        return zt_fail(ZT_ARG, "ingest: %d is no way to treat faces", (int)c->faces);
    if (c->max_clips < 0 || c->max_clips > 1 << 30 || (int)c->caption < 0 || c->caption > ZT_CAPTION_NONE)
        return zt_fail(ZT_ARG, "ingest: max-clips %lld or kind of caption %d is out of range", (long long)c->max_clips,
                       (int)c->caption);
    return ZT_OK;
}

zt_err zt_ingest_check_out(const char *out) {
    char **names = NULL;
    int n = 0;
    zt_err e = ZT_OK;
    if (!zt_is_dir(out))
        return zt_file_exists(out) ? zt_fail(ZT_ARG, "%s: is a file; the data set needs a folder of its own", out) : ZT_OK;
    ZT_TRY(e = zt_dir_list(out, &names, &n), done);
    bool foreign = n > 0;
    for (int i = 0; i < n; i++)
        if (strncmp(names[i], "catalog.db", 10) == 0 || strcmp(names[i], "shards") == 0 || strcmp(names[i], "arrays") == 0)
            foreign = false;
    if (foreign)
        e = zt_fail(ZT_ARG, "%s: holds other files (%.60s) and no data set; choose a new or empty folder", out, names[0]);
done:
    zt_names_free(names, n);
    return e;
}

static zt_err count_clip(void *ctx, const zt_catalog_clip *k) {
    int64_t *clips = ctx;
    for (int i = 0; i < ZT_SPLITS; i++) clips[i] += strcmp(k->split, SPLIT[i]) == 0;
    return ZT_OK;
}

static zt_err count_clips(zt_ingest_job *j) {
    memset(j->clips, 0, sizeof j->clips);
    return zt_catalog_clips(zt_store_catalog(j->store), "ok", count_clip, j->clips);
}

/* The settings as text, for table meta and for people. */
static zt_err settings_text(const zt_ingest_cfg *c, zt_str *t) {
    static const char *const MODE[] = {"chunk", "head", "slide", "uniform", "full"}, *const FIT[] = {"crop", "pad", "stretch"};
    static const char *const FILTER[] = {"bicubic", "area", "lanczos"};
    static const char *const SCENES[] = {"off", "auto", "content", "adaptive", "threshold"};
    char fps[32], val[32], test[32], gap[32], limit[32];
    zt_real_text(fps, c->fps);
    zt_real_text(val, c->val);
    zt_real_text(test, c->test);
    zt_real_text(gap, c->scenes.min_scene_s);
    zt_real_text(limit, c->scenes.content);
    zt_str_add(t, "size ");
    for (int i = 0; i < c->n_size; i++) zt_str_addf(t, "%s%dx%d", i ? "," : "", c->size[i].width, c->size[i].height);
    zt_str_add(t, "; frames ");
    for (int i = 0; i < c->n_frames; i++) zt_str_addf(t, "%s%lld", i ? "," : "", (long long)c->frames[i]);
    zt_str_addf(t,
                "; fps %s; mode %s; stride %lld; per-shot %lld; frame-step %lld; scenes %s, %s, %s; fit %s; filter %s; audio %s; "
                "val %s; test %s; caption %s; max-clips %lld; seed %llu",
                fps, MODE[c->mode], (long long)c->stride, (long long)c->per_shot, (long long)c->frame_step,
                SCENES[c->scenes.kind], gap, limit, FIT[c->fit], FILTER[c->filter], c->audio ? "keep" : "drop", val, test,
                CAPTION[c->caption], (long long)c->max_clips, (unsigned long long)c->seed);
    if (c->faces != ZT_INGEST_FACES_OFF) zt_str_addf(t, "; faces %s", FACES[c->faces]);
    return t->failed ? ZT_NOMEM : ZT_OK;
}

/* A data set is made with one set of settings; they are in table meta. */
static zt_err settle(zt_ingest_job *j) {
    const zt_ingest_cfg *c = j->cfg;
    zt_catalog *k = zt_store_catalog(j->store);
    char then[800];
    zt_str now = {0};
    int64_t clips;
    zt_err e;
    ZT_TRY(e = settings_text(c, &now), done);
    ZT_TRY(e = zt_catalog_get_meta(k, "ingest", then, sizeof then), done);
    ZT_TRY(e = zt_catalog_last_clip(k, &clips), done);
    if (!then[0] && clips > 0)
        e = zt_fail(ZT_ARG, "%s: holds a data set that ingest did not make; choose another folder", c->out);
    else if (then[0] && strcmp(now.buf, then) != 0)
        e = zt_fail(ZT_ARG,
                    "%s: was made with other settings (%s), asked for now: %s; give the same ones or choose another folder",
                    c->out, then, now.buf);
    if (e != ZT_OK) goto done;
    j->next_key = clips + 1;
    ZT_TRY(e = zt_catalog_set_meta(k, "ingest", now.buf), done);
    ZT_TRY(e = zt_catalog_count_sources(k, "ok", &j->usable), done);
    e = count_clips(j);
done:
    zt_str_finish(&now);
    return e;
}

/* Remove shards that a killed run left and no row names: shards of a split are numbered without gaps. Inside the transaction, so
 * no other program can be writing them. */
static zt_err tidy(zt_ingest_job *j) {
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX], **names = NULL;
    int n = 0;
    zt_err e;
    ZT_TRY(e = zt_path_join(dir, j->cfg->out, "shards"), done);
    ZT_TRY(e = zt_dir_list(dir, &names, &n), done);
    for (int s = 0; s < ZT_SPLITS; s++) {
        const size_t len = strlen(SPLIT[s]);
        int64_t count;
        ZT_TRY(e = zt_catalog_count_shards(zt_store_catalog(j->store), SPLIT[s], &count), done);
        for (int i = 0; i < n; i++) {
            if (strncmp(names[i], SPLIT[s], len) != 0 || names[i][len] != '-') continue;
            char *end;
            const long long number = strtoll(names[i] + len + 1, &end, 10);
            const bool part = strcmp(end, ".tar.part") == 0;
            if (!part && (strcmp(end, ".tar") != 0 || number < count)) continue;
            ZT_TRY(e = zt_path_join(path, dir, names[i]), done);
            (void)unlink(path);   /* if it stays it is only written over later */
        }
    }
done:
    zt_names_free(names, n);
    return e;
}

zt_err zt_ingest_commit(zt_ingest_job *j, bool now) {
    now = now || j->since >= COMMIT_FILES;
    if (now) j->since = 0;
    return zt_store_flush(j->store, now);
}

static zt_err prepare(zt_ingest_job *j) {
    zt_err e;
    ZT_TRY(e = zt_ingest_check_out(j->cfg->out), done);
    if (j->cfg->faces != ZT_INGEST_FACES_OFF)
        ZT_TRY(e = zt_finder_create(&j->faces, &(zt_finder_cfg){.every = FACES_EVERY}), done);
    ZT_TRY(e = zt_ingest_captions_create(&j->captions, j->cfg->caption), done);
    ZT_TRY(e = zt_store_open(&j->store, j->cfg->out, SHARD_BYTES), done);
    ZT_TRY(e = settle(j), done);
    e = tidy(j);
done:
    return e;
}

static void set_threads(zt_ingest_job *j) {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int want = j->cfg->threads > 0 ? j->cfg->threads : cores > THREADS_MAX ? THREADS_MAX : cores > 0 ? (int)cores : 1;
    j->threads = j->files->n < (size_t)want ? (int)j->files->n : want;
    if (j->threads < 1) j->threads = 1;
    j->decoder_threads = want / j->threads > 16 ? 16 : want / j->threads;
}

/* Workers take file after file; this thread is one of them. */
static zt_err take_all(zt_ingest_job *j) {
    pthread_t thread[THREADS_MAX];
    int started = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < j->files->n; i++) bytes += j->files->file[i].bytes > 0 ? j->files->file[i].bytes : 0;
    set_threads(j);
    zt_progress_begin(&j->progress, "ingest", "MB", bytes / 1000000);
    while (started + 1 < j->threads && pthread_create(&thread[started], NULL, zt_ingest_work, j) == 0) started++;
    zt_ingest_work(j);                                /* fewer threads than wanted are enough */
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    zt_progress_end(&j->progress);
    j->rep.files = (int64_t)j->turn;
    zt_err e = j->err;
    if (e == ZT_OK || e == ZT_CANCELLED) {
        const zt_err committed = zt_ingest_commit(j, true);
        if (committed != ZT_OK) return committed;
    }
    if (e == ZT_CANCELLED)
        return zt_fail(e, "stopped after %zu of %zu files, which are in %s; the same command continues", j->turn, j->files->n,
                       j->cfg->out);
    return e == ZT_OK ? ZT_OK : zt_fail(e, "%s", j->text);
}

zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    zt_err e;
    zt_ingest_files files = {0};
    zt_ingest_job j = {.cfg = cfg, .files = &files};
    const double t0 = zt_now();
    pthread_mutex_init(&j.lock, NULL);
    pthread_cond_init(&j.passed, NULL);
    ZT_TRY(e = check(cfg), done);
    ZT_TRY(e = zt_ingest_walk(&files, cfg->src, cfg->n_src, cfg->out), done);
    ZT_TRY(e = zt_ingest_list(&files, cfg->items, cfg->n_items), done);
    ZT_TRY(e = prepare(&j), done);
    e = take_all(&j);
    if (e == ZT_OK) e = count_clips(&j);
done:
    j.rep.skipped = files.skipped;
    j.rep.train = j.clips[0];
    j.rep.val = j.clips[1];
    j.rep.test = j.clips[2];
    j.rep.seconds = zt_now() - t0;
    if (report) *report = j.rep;
    zt_store_close(&j.store);
    zt_finder_destroy(&j.faces);
    zt_free(j.copy);
    zt_ingest_captions_destroy(&j.captions);
    zt_ingest_files_finish(&files);
    pthread_cond_destroy(&j.passed);
    pthread_mutex_destroy(&j.lock);
    return e;
}
