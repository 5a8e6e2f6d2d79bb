/* ingest.c - see ingest.h: the data set's settings, one process among others from its start to its end. Finding files is
 * ingest_walk.c, who does which ingest_work.c and ingest_share.c, one file ingest_take.c, clips out of frames ingest_cut.c, clips
 * that wait ingest_spool.c, a file's turn ingest_turn.c, captions ingest_caption.c, what reaches the disk and when store.c.
 * Tested by tests/data/test_data_ingest.c. */
#include "data/ingest.h"

#include <math.h>
#include <sched.h>
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
    HELP_MS = 100,                    /* how often is looked whether the process that writes has ended */
};
static const char *const SPLIT[ZT_SPLITS] = {"train", "val", "test"};
static const char *const CAPTION[] = {"auto", "txt", "folder", "none"}, *const FACES[] = {"off", "report", "blur", "drop"};

static zt_err count_clip(void *ctx, const zt_catalog_clip *k) {
    int64_t *clips = ctx;
    for (int i = 0; i < ZT_SPLITS; i++) clips[i] += strcmp(k->split, SPLIT[i]) == 0;
    return ZT_OK;
}

static zt_err count_clips(zt_ingest_job *j, zt_catalog *c) {
    memset(j->clips, 0, sizeof j->clips);
    return zt_catalog_clips(c, "ok", count_clip, j->clips);
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
    const char *now = j->share.settings;
    char then[800];
    int64_t clips;
    zt_err e;
    ZT_TRY(e = zt_catalog_get_meta(k, "ingest", then, sizeof then), done);
    ZT_TRY(e = zt_catalog_last_clip(k, &clips), done);
    if (!then[0] && clips > 0)
        e = zt_fail(ZT_ARG, "%s: holds a data set that ingest did not make; choose another folder", c->out);
    else if (then[0] && strcmp(now, then) != 0)
        e = zt_fail(ZT_ARG,
                    "%s: was made with other settings (%s), asked for now: %s; give the same ones or choose another folder",
                    c->out, then, now);
    if (e != ZT_OK) goto done;
    j->next_key = clips + 1;
    ZT_TRY(e = zt_catalog_set_meta(k, "ingest", now), done);
    ZT_TRY(e = zt_catalog_count_sources(k, "ok", &j->usable), done);
    e = count_clips(j, k);
done:
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
    const int64_t before = zt_store_commits(j->store);
    const zt_err e = zt_store_flush(j->store, now);
    if (e == ZT_OK && zt_store_commits(j->store) > before)   /* until now a kill would have needed them */
        for (; j->kept < j->turn; j->kept++) zt_ingest_share_remove(&j->share, j->kept, "clips");
    return e;
}

/* What only the process that writes has. */
static zt_err prepare(zt_ingest_job *j) {
    zt_err e = ZT_OK;
    if (j->cfg->faces != ZT_INGEST_FACES_OFF)
        ZT_TRY(e = zt_finder_create(&j->faces, &(zt_finder_cfg){.every = FACES_EVERY}), done);
    ZT_TRY(e = zt_ingest_captions_create(&j->captions, j->cfg->caption), done);
    ZT_TRY(e = zt_store_open(&j->store, j->cfg->out, SHARD_BYTES), done);
    ZT_TRY(e = settle(j), done);
    ZT_TRY(e = tidy(j), done);
    zt_ingest_share_tidy(&j->share);
    pthread_mutex_lock(&j->lock);
    j->writes = true;
    for (size_t i = 0; i < j->files->n; i++) j->mark[i] &= (uint8_t)~ZT_FILE_LEFT;   /* they are left to us now */
    zt_catalog_close(&j->seen);
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
done:
    return e;
}

static void set_threads(zt_ingest_job *j) {
    cpu_set_t ours;   /* mpirun and srun bind each process to some of the processors */
    const long cores = sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : sysconf(_SC_NPROCESSORS_ONLN);
    int want = j->cfg->threads > 0 ? j->cfg->threads : cores > 0 ? (int)cores : 1;
    if (want > ZT_INGEST_THREADS_MAX) want = ZT_INGEST_THREADS_MAX;
    j->threads = j->files->n < (size_t)want ? (int)j->files->n : want;
    if (j->threads < 1) j->threads = 1;
    j->decoder_threads = want / j->threads > 16 ? 16 : want / j->threads;
}

/* Another process writes: our workers help it until it ends, well or not. *needed: then something is left for us to write. */
static zt_err help(zt_ingest_job *j, bool *needed) {
    zt_ingest_state v;
    bool writes = false, ours = false;
    int n;
    for (n = 0; !writes; n++) {
        const zt_err e = zt_ingest_share_write(&j->share, &v, &writes);
        if (e != ZT_OK) return e;
        if (writes) break;
        if (n == 0 || v.ours != ours)
            zt_log("%s: another process is filling it%s", j->cfg->out,
                   v.ours ? "; this one helps" : " from other files; this one goes on when that has ended");
        ours = v.ours;
        pthread_mutex_lock(&j->lock);
        j->told = v;
        zt_ingest_say(j);
        const bool failed = j->err != ZT_OK;
        pthread_mutex_unlock(&j->lock);
        if (failed) return ZT_OK;
        if (zt_cancelled()) return zt_fail(ZT_CANCELLED, "stopped");
        (void)usleep(HELP_MS * 1000);
    }
    pthread_mutex_lock(&j->lock);
    j->told = v;
    zt_ingest_say(j);
    pthread_mutex_unlock(&j->lock);
    *needed = !zt_ingest_share_finished(&j->share, &v);
    if (*needed && n > 0) zt_log("%s: the other process has ended; this one writes now", j->cfg->out);
    return ZT_OK;
}

/* All has been handed out; what a run that ended early has written stays. */
static zt_err close_run(zt_ingest_job *j) {
    zt_err e = j->err;
    j->rep.files = (int64_t)j->turn;
    if (e == ZT_OK || e == ZT_CANCELLED) {
        const zt_err committed = zt_ingest_commit(j, true);
        if (committed != ZT_OK) return committed;
    }
    if (e == ZT_OK) {
        ZT_TRY(e = count_clips(j, zt_store_catalog(j->store)), done);
        e = zt_ingest_share_tell(&j->share, &(zt_ingest_state){.turn = j->turn, .megabytes = j->megabytes, .done = true,
                                                               .clips = j->clips[0] + j->clips[1] + j->clips[2]});
    }
done:
    return e;
}

/* The data set was completed by others: what is in it now. */
static zt_err read_result(zt_ingest_job *j) {
    zt_catalog *c = NULL;
    zt_err e = zt_catalog_open(&c, j->cfg->out);
    if (e == ZT_OK) e = count_clips(j, c);
    zt_catalog_close(&c);
    j->rep.files = (int64_t)j->files->n;
    return e;
}

/* Workers take file after file from the start; this thread waits for its part, then writes. */
static zt_err run(zt_ingest_job *j) {
    pthread_t thread[ZT_INGEST_THREADS_MAX];
    int started = 0;
    bool needed = false;
    int64_t bytes = 0;
    for (size_t i = 0; i < j->files->n; i++) bytes += j->files->file[i].bytes > 0 ? j->files->file[i].bytes : 0;
    set_threads(j);
    zt_progress_begin(&j->progress, "ingest", "MB", bytes / 1000000);
    j->working = j->threads;
    while (started < j->threads && pthread_create(&thread[started], NULL, zt_ingest_work, j) == 0) started++;
    pthread_mutex_lock(&j->lock);
    j->working -= j->threads - started;               /* fewer threads than wanted are enough */
    pthread_mutex_unlock(&j->lock);
    zt_err e = help(j, &needed);
    if (e == ZT_OK && needed) e = prepare(j);
    if (e != ZT_OK) zt_ingest_fail(j, e);
    if (needed && j->writes) zt_ingest_write_all(j);
    pthread_mutex_lock(&j->lock);
    j->over = true;
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    zt_progress_end(&j->progress);
    e = j->writes ? close_run(j) : j->err == ZT_OK ? read_result(j) : j->err;
    if (e == ZT_CANCELLED && j->writes)
        return zt_fail(e, "stopped after %zu of %zu files, which are in %s; the same command continues", j->turn, j->files->n,
                       j->cfg->out);
    if (e == ZT_CANCELLED) return zt_fail(e, "stopped; what others write goes on, and the same command continues");
    return e != ZT_OK && e == j->err ? zt_fail(e, "%s", j->text) : e;
}

/* Everything before the first file is opened. */
static zt_err look_around(zt_ingest_job *j, zt_ingest_files *files, zt_str *settings) {
    const zt_ingest_cfg *c = j->cfg;
    zt_err e;
    ZT_TRY(e = zt_ingest_check(c), done);
    ZT_TRY(e = zt_ingest_walk(files, c->src, c->n_src, c->out), done);
    ZT_TRY(e = zt_ingest_list(files, c->items, c->n_items), done);
    ZT_TRY(e = zt_ingest_check_out(c->out), done);
    ZT_TRY(e = settings_text(c, settings), done);
    j->mark = zt_alloc(files->n + 1);
    if (!j->mark) return ZT_NOMEM;
    e = zt_ingest_share_open(&j->share, c->out, settings->buf, files);
done:
    return e;
}

zt_err zt_ingest(const zt_ingest_cfg *cfg, zt_ingest_report *report) {
    zt_ingest_files files = {0};
    zt_ingest_job j = {.cfg = cfg, .files = &files};
    zt_str settings = {0};
    const double t0 = zt_now();
    pthread_mutex_init(&j.lock, NULL);
    pthread_cond_init(&j.passed, NULL);
    zt_err e = look_around(&j, &files, &settings);
    if (e == ZT_OK) e = run(&j);
    j.rep.wrote = j.writes;
    j.rep.skipped = files.skipped;
    j.rep.others = j.others;
    j.rep.train = j.clips[0];
    j.rep.val = j.clips[1];
    j.rep.test = j.clips[2];
    j.rep.seconds = zt_now() - t0;
    if (report) *report = j.rep;
    zt_store_close(&j.store);
    zt_catalog_close(&j.seen);
    zt_ingest_share_close(&j.share);                  /* last: then another process may write */
    zt_finder_destroy(&j.faces);
    zt_free(j.copy);
    zt_free(j.mark);
    zt_str_finish(&settings);
    zt_ingest_captions_destroy(&j.captions);
    zt_ingest_files_finish(&files);
    pthread_cond_destroy(&j.passed);
    pthread_mutex_destroy(&j.lock);
    return e;
}
