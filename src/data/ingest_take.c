/* ingest_take.c - one file to clips, by a worker: decoded at once, side by side with others, and written when it is the file's
 * turn.
 * What depends on the files before it (duplicates, the split, the clip's number) is decided in the turn, so that the data set is
 * the same whatever the number of workers. Tested by tests/data/test_data_ingest.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/ingest_impl.h"
#include "media/sound.h"

enum {
    TRAIN,
    VAL,
    TEST,
    /* So many seconds of repeated pictures with less than 1 new one in so many frames: a broken clock. */
    STILL_S = 600,
    STILL_PART = 200,
    PROGRESS_FRAMES = 16
};
static const char *const SPLIT[ZT_SPLITS] = {"train", "val", "test"};

/* Frames whose shot is not known yet: a ring. */
typedef struct queue { uint8_t *px; double *shown; size_t frame_bytes, cap, n, head; } queue;

typedef struct worker {
    zt_ingest_job *j;
    zt_ingest_source s;
    zt_reader *r;
    zt_sound *sound;
    zt_ingest_cutter cutter;
    zt_ingest_spool spool;
    queue queue;
    int64_t next_frame;         /* number of the frame at the queue's head */
    size_t boundary;            /* the first one that is not behind us */
    bool between;               /* we are inside it */
    bool counting;              /* first pass of UNIFORM: shots are only measured */
    int64_t *shot, n_shots, shots_cap, run;
    bool enough;                /* max_clips are made */
    int64_t made;               /* clips so far, waiting ones too */
    int16_t *samples;
    size_t samples_room;
    size_t index;
    bool holding;               /* it is our turn and we use it */
    bool drop;                  /* known or a duplicate after all: nothing of it is written */
    int split;
    int64_t clips_before[ZT_SPLITS], key_before;   /* the job's counters as they were when the turn began */
    double megabytes;           /* of the file, counted in the progress */
} worker;

/* What the list says; else by content and seed, whatever the file is called; the last sources before ZT_INGEST_VAL_FROM fill a
 * split that got none. */
static int split_of(const zt_ingest_job *j, const zt_ingest_source *s) {
    const zt_ingest_cfg *c = j->cfg;
    const char *hash = s->hash, *said = s->file->item ? s->file->item->split : NULL;
    for (int i = 0; i < ZT_SPLITS; i++)
        if (said && strcmp(said, SPLIT[i]) == 0) return i;
    if (c->test > 0 && j->clips[TEST] == 0 && j->usable >= ZT_INGEST_VAL_FROM - 2) return TEST;
    if (c->val > 0 && j->clips[VAL] == 0 && j->usable >= ZT_INGEST_VAL_FROM - 1) return VAL;
    zt_rng r = zt_rng_init(c->seed, zt_hash_name(hash));
    const double u = zt_rng_uniform(&r);
    return u < c->val ? VAL : u < c->val + c->test ? TEST : TRAIN;
}

/* ---- the turn ---- */

/* Look for faces in a copy of the clip, which is blurred where that was asked for, and store that. */
static zt_err store_looked_at(zt_ingest_job *j, const zt_catalog_clip *k, const uint8_t *rgb) {
    static const zt_faces_action DO[] = {ZT_FACES_REPORT, ZT_FACES_REPORT, ZT_FACES_BLUR, ZT_FACES_DROP};
    const zt_faces_action act = DO[j->cfg->faces];
    const size_t bytes = (size_t)k->frames * (size_t)k->height * (size_t)k->width * 3;
    zt_faces_found found = {0};
    int64_t id;
    zt_err e;
    if (bytes > j->copy_room) {
        uint8_t *more = zt_realloc(j->copy, bytes);
        if (!more) return ZT_NOMEM;
        j->copy = more;
        j->copy_room = bytes;
    }
    memcpy(j->copy, rgb, bytes);
    ZT_TRY(e = zt_faces_look(j->faces, act == ZT_FACES_REPORT ? act : ZT_FACES_BLUR, j->copy, k->frames, k->height, k->width,
                             k->fps, &found), done);
    ZT_TRY(e = zt_store_add(j->store, k, j->copy, NULL, 0), done);
    ZT_TRY(e = zt_catalog_last_clip(zt_store_catalog(j->store), &id), done);
    e = zt_faces_record(zt_store_catalog(j->store), j->faces, act, id, &found);
done:
    zt_faces_found_finish(&found);
    return e;
}

static zt_err write_clip(worker *w, const zt_ingest_clip *clip, const void *wav, size_t wav_bytes) {
    zt_ingest_job *j = w->j;
    zt_ingest_source *s = &w->s;
    const zt_ingest_item *item = s->file->item;
    char key[32];
    snprintf(key, sizeof key, "%08lld", (long long)j->next_key);
    const zt_catalog_clip k = {.key = key,
                               .frames = (int)clip->frames,
                               .height = s->height,
                               .width = s->width,
                               .fps = j->cfg->fps,
                               .caption = s->caption,
                               .source = s->name,
                               .source_hash = s->hash,
                               .split = SPLIT[w->split],
                               .start_s = (item ? item->start_s : 0) + (double)clip->first / j->cfg->fps,
                               .labels = item ? item->labels : NULL,
                               .licence = item ? item->licence : NULL};
    zt_err e;
    ZT_TRY(e = j->faces ? store_looked_at(j, &k, clip->rgb) : zt_store_add(j->store, &k, clip->rgb, NULL, 0), done);
    if (wav_bytes) ZT_TRY(e = zt_store_attach(j->store, SPLIT[w->split], key, "wav", wav, wav_bytes), done);
    j->next_key++;
    j->clips[w->split]++;
    s->clips++;
    s->used += clip->frames;
done:
    return e;
}

/* Whether the content is known already; else what speaks against it. Under the lock. */
static zt_err look(worker *w, bool *known) {
    zt_ingest_source *s = &w->s;
    zt_catalog *c = zt_store_catalog(w->j->store);
    char twin[ZT_NAME_MAX + 1];
    *known = false;
    zt_err e = ZT_OK;
    if (!s->hash[0]) return ZT_OK;
    ZT_TRY(e = zt_catalog_has_source(c, s->name, s->hash, known), done);
    if (*known) goto done;
    ZT_TRY(e = zt_catalog_same_content(c, s->hash, s->fragment, twin, sizeof twin), done);
    s->duplicate = twin[0] != '\0';
    if (!s->duplicate) goto done;
    snprintf(s->reason, sizeof s->reason, "duplicate of %.1000s", twin);
    if (!zt_utf8_valid(s->reason, strlen(s->reason), NULL)) snprintf(s->reason, sizeof s->reason, "duplicate of another file");
done:
    return e;
}

/* Begin to write this file. Under the lock. */
static zt_err begin_turn(worker *w) {
    zt_ingest_job *j = w->j;
    zt_ingest_source *s = &w->s;
    bool known;
    zt_err e;
    memcpy(w->clips_before, j->clips, sizeof j->clips);
    w->key_before = j->next_key;
    ZT_TRY(e = zt_store_mark(j->store), done);
    ZT_TRY(e = look(w, &known), done);
    w->drop = known || s->duplicate;
    if (known) j->rep.done_before++;
    else {   /* clips of older content under this name are no longer what they say they are */
        ZT_TRY(e = zt_catalog_drop_clips(zt_store_catalog(j->store), s->name, "the file has changed since"), done);
    }
    if (w->drop || !s->opened) goto done;
    ZT_TRY(e = zt_ingest_caption_of(j->captions, s->file, s->caption, &s->caption_from), done);
    w->split = split_of(j, s);
    for (size_t i = 0; i < w->spool.n && e == ZT_OK; i++) {
        zt_ingest_clip clip;
        const void *wav;
        ZT_TRY(e = zt_ingest_spool_get(&w->spool, i, &clip, &wav), done);
        e = write_clip(w, &clip, wav, w->spool.clip[i].sound_bytes);
        zt_ingest_spool_drop(&w->spool, i, &clip);
    }
done:
    return e;
}

/* Have the turn: now if it is ours, after waiting for it if `wait`. *held: we have it. */
static zt_err hold(worker *w, bool wait, bool *held) {
    zt_ingest_job *j = w->j;
    zt_err e = ZT_OK;
    *held = w->holding;
    if (w->holding) return ZT_OK;
    pthread_mutex_lock(&j->lock);
    while (wait && j->turn != w->index && j->err == ZT_OK) pthread_cond_wait(&j->passed, &j->lock);
    if (j->err != ZT_OK) e = zt_fail(ZT_CANCELLED, "stopped");
    else if (j->turn == w->index) {
        *held = w->holding = true;
        e = begin_turn(w);
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

/* ---- clips ---- */

/* The sound of a clip into w->samples, a whole WAV file of *bytes. */
static zt_err take_sound(worker *w, const zt_ingest_clip *clip, size_t *bytes) {
    const zt_ingest_item *item = w->s.file->item;
    const int rate = w->s.rate, channels = w->s.channels;
    const double start = item ? item->start_s : 0, fps = w->j->cfg->fps;
    *bytes = 0;
    if (!w->sound) return ZT_OK;
    const int64_t from = llrint((start + (double)clip->first / fps) * rate);
    const int64_t n = llrint((start + (double)(clip->first + clip->frames) / fps) * rate) - from;
    if (n < 1 || n > INT32_MAX / 2 / channels - ZT_WAV_HEADER) return ZT_OK;
    const size_t need = ZT_WAV_HEADER / 2 + (size_t)n * (size_t)channels;
    if (need > w->samples_room) {
        int16_t *more = zt_realloc(w->samples, need * sizeof *more);
        if (!more) return ZT_NOMEM;
        w->samples = more;
        w->samples_room = need;
    }
    zt_wav_header((uint8_t *)(void *)w->samples, rate, channels, n);
    *bytes = need * sizeof *w->samples;
    return zt_sound_read(w->sound, from, n, w->samples + ZT_WAV_HEADER / 2);
}

/* A clip is there: write it in our turn, else put it away, and where it finds no room wait for the turn. */
static zt_err give(void *ctx, const zt_ingest_clip *clip) {
    worker *w = ctx;
    size_t wav_bytes;
    bool held;
    zt_err e;
    if (w->enough) return ZT_OK;
    w->made++;
    w->enough = w->j->cfg->max_clips > 0 && w->made >= w->j->cfg->max_clips;
    ZT_TRY(e = take_sound(w, clip, &wav_bytes), done);
    ZT_TRY(e = hold(w, false, &held), done);
    if (!held) {
        e = zt_ingest_spool_add(&w->spool, w->j->cfg->out, clip, (size_t)clip->frames * w->cutter.frame_bytes, w->samples,
                                wav_bytes);
        if (e != ZT_IO) return e;
        ZT_TRY(e = hold(w, true, &held), done);
    }
    if (w->drop) {
        w->enough = true;
        return ZT_OK;
    }
    pthread_mutex_lock(&w->j->lock);
    e = write_clip(w, clip, w->samples, wav_bytes);
    pthread_mutex_unlock(&w->j->lock);
    if (e == ZT_OK && zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
done:
    return e;
}

/* ---- frames ---- */

static uint8_t *queue_slot(const queue *q, size_t i) { return q->px + (q->head + i) % q->cap * q->frame_bytes; }

/* Room for one more frame; the frames move to a ring twice as large. */
static zt_err queue_grow(queue *q) {
    if (q->n < q->cap) return ZT_OK;
    const size_t cap = q->cap ? 2 * q->cap : 8;
    queue more = {zt_alloc_array(cap, q->frame_bytes), zt_alloc_array(cap, sizeof *more.shown), q->frame_bytes, cap, q->n, 0};
    if (!more.px || !more.shown) {
        zt_free(more.px);
        zt_free(more.shown);
        return ZT_NOMEM;
    }
    for (size_t i = 0; i < q->n; i++) {
        memcpy(more.px + i * q->frame_bytes, queue_slot(q, i), q->frame_bytes);
        more.shown[i] = q->shown[(q->head + i) % q->cap];
    }
    zt_free(q->px);
    zt_free(q->shown);
    *q = more;
    return ZT_OK;
}

static void queue_finish(queue *q) {
    zt_free(q->px);
    zt_free(q->shown);
    *q = (queue){0};
}

static zt_err shot_over(worker *w) {
    if (!w->counting) return zt_ingest_cutter_end_shot(&w->cutter);
    if (w->run == 0) return ZT_OK;
    if (w->n_shots == w->shots_cap) {
        const int64_t cap = w->shots_cap ? 2 * w->shots_cap : 64;
        int64_t *more = zt_realloc(w->shot, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        w->shot = more;
        w->shots_cap = cap;
    }
    w->shot[w->n_shots++] = w->run;
    w->run = 0;
    return ZT_OK;
}

/* Frames whose shot is known go to the cutter; those inside a boundary are left out. */
static zt_err sort_out(worker *w) {
    const zt_boundary *list;
    double settled;
    queue *q = &w->queue;
    const size_t n = zt_reader_boundaries(w->r, &list, &settled);
    zt_err e = ZT_OK;
    while (q->n > 0 && q->shown[q->head] < settled && e == ZT_OK && !w->enough) {
        const double t = q->shown[q->head];
        for (; w->boundary < n && list[w->boundary].start_s <= t; w->boundary++) {
            if (!w->between) ZT_TRY(e = shot_over(w), done);
            w->s.boundaries += !w->between;
            w->between = list[w->boundary].end_s > t;
            if (w->between) break;
        }
        if (!w->between && w->counting) w->run++;
        else if (!w->between) e = zt_ingest_cutter_frame(&w->cutter, w->next_frame, queue_slot(q, 0));
        w->next_frame++;
        q->head = (q->head + 1) % q->cap;
        q->n--;
    }
done:
    return e;
}

static void show_progress(worker *w, double part) {
    zt_ingest_job *j = w->j;
    const double done = fmax((double)w->s.file->bytes, 0) / 1e6 * fmin(fmax(part, 0), 1);
    pthread_mutex_lock(&j->lock);
    j->megabytes += done - w->megabytes;
    w->megabytes = done;
    snprintf(j->progress.note, sizeof j->progress.note, "%zu/%zu files, %lld clips", j->turn, j->files->n,
             (long long)(j->clips[TRAIN] + j->clips[VAL] + j->clips[TEST]));
    zt_progress_update(&j->progress, (int64_t)j->megabytes);
    pthread_mutex_unlock(&j->lock);
}

/* All frames of the opened file. Fails only for what must end the run. */
static zt_err stream(worker *w) {
    zt_ingest_source *s = &w->s;
    queue *q = &w->queue;
    const double fps = w->j->cfg->fps, duration = s->info.duration_s;
    int64_t still = 0;
    double last = -1;
    zt_err e = ZT_OK;
    bool end = false;
    w->next_frame = s->frames = 0;
    w->boundary = 0;
    w->between = w->enough = false;
    q->n = 0;
    while (!end && !w->enough) {
        ZT_TRY(e = queue_grow(q), done);
        e = zt_reader_next(w->r, w->counting ? NULL : queue_slot(q, q->n), NULL, &end);
        if (e == ZT_CANCELLED) return e;
        if (e != ZT_OK) zt_ingest_source_ended(s, e);
        if (e != ZT_OK || end) break;
        const double shown = q->shown[(q->head + q->n++) % q->cap] = zt_reader_shown_s(w->r);
        still += shown == last;
        last = shown;
        s->frames++;
        if ((double)still > STILL_S * fps && s->frames - still < s->frames / STILL_PART) {
            snprintf(s->note, sizeof s->note, "hardly a new picture in %.0f s of its time line; the rest was left out",
                     (double)s->frames / fps);
            s->damaged++;
            break;
        }
        ZT_TRY(e = sort_out(w), done);
        if (s->frames % PROGRESS_FRAMES == 0 && duration > 0) show_progress(w, shown / duration);
    }
    e = zt_reader_settle(w->r);
    if (e == ZT_OK) e = sort_out(w);
    if (e == ZT_OK && !w->enough) e = shot_over(w);
done:
    return e;
}

/* The size of clips nearest to the shape of the picture. */
static void choose_size(worker *w) {
    const zt_ingest_cfg *c = w->j->cfg;
    zt_ingest_source *s = &w->s;
    const double aspect = s->info.width * s->info.pixel_aspect / s->info.height;
    double least = INFINITY;
    for (int i = 0; i < c->n_size; i++) {
        const double off = fabs(log(aspect * c->size[i].height / c->size[i].width));
        if (off >= least - 1e-9) continue;
        least = off;
        s->width = c->size[i].width;
        s->height = c->size[i].height;
    }
}

static zt_err open_reader(worker *w) {
    const zt_ingest_cfg *c = w->j->cfg;
    const zt_ingest_item *item = w->s.file->item;
    const zt_reader_cfg want = {.fps = c->fps, .fit = c->fit, .filter = c->filter, .scenes = c->scenes,
                                .start_s = item ? item->start_s : 0, .end_s = item ? item->end_s : 0,
                                .threads = w->j->decoder_threads};
    zt_reader_destroy(&w->r);
    return item && item->bytes ? zt_reader_create_memory(&w->r, item->bytes, item->n_bytes, w->s.file->path, &want)
                               : zt_reader_create(&w->r, w->s.file->path, &want);
}

static zt_err measure_shots(worker *w) {
    w->counting = true;
    w->n_shots = w->run = w->s.boundaries = 0;
    const zt_err e = stream(w);
    w->counting = false;
    w->s.boundaries = w->s.damaged = 0;
    w->s.note[0] = w->s.reason[0] = '\0';
    w->cutter.shot = w->shot;
    w->cutter.n_shots = w->n_shots;
    return e == ZT_OK ? open_reader(w) : e;
}

static zt_err decode(worker *w) {
    zt_ingest_source *s = &w->s;
    const zt_ingest_cfg *c = w->j->cfg;
    zt_err e = open_reader(w);
    if (e == ZT_CANCELLED) return e;
    if (e != ZT_OK) {
        zt_ingest_source_refuse(s, e);
        return ZT_OK;
    }
    s->opened = true;
    zt_reader_get_info(w->r, &s->info);
    choose_size(w);
    ZT_TRY(e = zt_ingest_cutter_start(&w->cutter, (size_t)s->width * (size_t)s->height * 3), done);
    if (w->queue.frame_bytes != w->cutter.frame_bytes) queue_finish(&w->queue);
    w->queue.frame_bytes = w->cutter.frame_bytes;
    if (c->mode == ZT_MODE_UNIFORM) ZT_TRY(e = measure_shots(w), done);
    ZT_TRY(e = zt_reader_set_size(w->r, s->width, s->height), done);
    const bool member = s->file->item && s->file->item->bytes;
    if (c->audio && member) snprintf(s->note, sizeof s->note, "the sound of an archive's member is not kept");
    if (c->audio && !member) ZT_TRY(e = zt_sound_create(&w->sound, s->file->path, s->info.first_s), done);
    s->rate = w->sound ? zt_sound_rate(w->sound) : 0;
    s->channels = w->sound ? zt_sound_channels(w->sound) : 0;
    ZT_TRY(e = stream(w), done);
    s->damaged += zt_reader_damaged(w->r);
done:
    zt_reader_destroy(&w->r);
    zt_sound_destroy(&w->sound);
    return e;
}

/* ---- one file ---- */

static zt_err record(zt_ingest_job *j, zt_ingest_source *s) {
    char *info = NULL;
    if (s->clips > 0) s->reason[0] = '\0';
    else if (s->opened && !s->duplicate) zt_ingest_source_explain(j->cfg, s);
    zt_err e = zt_ingest_source_describe(s, &info);
    const zt_catalog_source row = {.path = s->name,
                                   .hash = s->again && !s->clips ? "" : s->hash,
                                   .status = s->clips ? "ok" : "dropped",
                                   .reason = s->reason,
                                   .info = info};
    if (e == ZT_OK) e = zt_catalog_put_source(zt_store_catalog(j->store), &row);
    free(info);
    if (e != ZT_OK) return e;
    j->since++;
    if (s->clips > 0) {
        j->usable++;
        j->rep.new_ok++;
        j->rep.new_clips += s->clips;
        j->rep.damaged += s->damaged > 0;
    } else if (s->duplicate) j->rep.duplicates++;
    else j->rep.new_dropped++;
    return ZT_OK;
}

/* Into s->hash. The file may change while we run; then what we say of it is of one moment, as for any file. */
static zt_err hash_file(worker *w) {
    zt_ingest_job *j = w->j;
    zt_ingest_source *s = &w->s;
    pthread_mutex_lock(&j->lock);
    const bool known = j->hashed == s->file->path;
    if (known) memcpy(s->hash, j->hash, sizeof s->hash);
    pthread_mutex_unlock(&j->lock);
    if (known) return ZT_OK;
    const zt_ingest_item *item = s->file->item;
    const zt_err e = item && item->bytes ? zt_sha256(item->bytes, item->n_bytes, s->hash)
                                         : zt_sha256_file(s->file->path, s->hash);
    if (e != ZT_OK) return e;
    pthread_mutex_lock(&j->lock);
    j->hashed = s->file->path;
    memcpy(j->hash, s->hash, sizeof j->hash);
    pthread_mutex_unlock(&j->lock);
    return ZT_OK;
}

/* Hash the file and see whether it has to be decoded at all. */
static zt_err look_first(worker *w, bool *wanted) {
    zt_ingest_source *s = &w->s;
    bool known = false;
    *wanted = false;
    zt_err e = hash_file(w);
    if (e != ZT_OK) {
        zt_ingest_source_refuse(s, e);
        s->hash[0] = '\0';
        return ZT_OK;
    }
    if (s->file->bytes == 0) {
        snprintf(s->reason, sizeof s->reason, "zero bytes");
        return ZT_OK;
    }
    pthread_mutex_lock(&w->j->lock);
    e = look(w, &known);
    if (known) w->j->progress.start += s->file->bytes / 1000000;
    pthread_mutex_unlock(&w->j->lock);
    *wanted = !known && !s->duplicate;
    s->duplicate = false;       /* decided in the turn */
    if (!*wanted) s->reason[0] = '\0';
    return e;
}

/* End of the turn: the file whole or not at all. */
static zt_err end_turn(worker *w, zt_err e) {
    zt_ingest_job *j = w->j;
    pthread_mutex_lock(&j->lock);
    if (e == ZT_OK && (!w->drop || w->s.duplicate)) e = record(j, &w->s);
    if (e == ZT_OK) e = zt_store_keep(j->store);
    if (e == ZT_OK) e = zt_ingest_commit(j, false);
    else if (e == ZT_CANCELLED) {
        memcpy(j->clips, w->clips_before, sizeof j->clips);
        j->next_key = w->key_before;
        e = zt_store_back(j->store);
        if (e == ZT_OK) e = zt_fail(ZT_CANCELLED, "stopped");
    }
    if (e == ZT_OK) j->turn++;
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
    return e;
}

/* One file, from the hash to its row. */
static zt_err take(worker *w) {
    zt_ingest_source *s = &w->s;
    bool wanted, held;
    zt_err e;
    memset(s, 0, sizeof *s);
    s->file = &w->j->files->file[w->index];
    s->caption_from = "";
    w->holding = w->drop = w->enough = false;
    w->made = 0;
    w->megabytes = 0;
    zt_ingest_spool_clear(&w->spool);
    ZT_TRY(e = zt_ingest_source_name(s), done);
    ZT_TRY(e = look_first(w, &wanted), done);
    if (wanted) ZT_TRY(e = decode(w), done);
    e = hold(w, true, &held);
done:
    if (w->holding) e = end_turn(w, e);
    show_progress(w, 1);
    return e;
}

void *zt_ingest_work(void *arg) {
    zt_ingest_job *j = arg;
    zt_err e = ZT_OK;
    worker *w = zt_alloc(sizeof *w);
    if (!w) e = ZT_NOMEM;
    else {
        w->j = j;
        w->cutter.cfg = j->cfg;
        w->cutter.give = give;
        w->cutter.ctx = w;
    }
    for (bool more = true; e == ZT_OK && more;) {
        pthread_mutex_lock(&j->lock);
        more = j->next < j->files->n && j->err == ZT_OK;
        if (more) w->index = j->next++;
        pthread_mutex_unlock(&j->lock);
        if (more && zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
        else if (more) e = take(w);
    }
    if (e != ZT_OK) {
        pthread_mutex_lock(&j->lock);
        if (j->err == ZT_OK || (j->err == ZT_CANCELLED && e != ZT_CANCELLED)) {
            j->err = e;
            snprintf(j->text, sizeof j->text, "%s", zt_err_text());
        }
        pthread_cond_broadcast(&j->passed);
        pthread_mutex_unlock(&j->lock);
    }
    if (w) {
        zt_ingest_cutter_finish(&w->cutter);
        zt_ingest_spool_finish(&w->spool);
        queue_finish(&w->queue);
        zt_free(w->shot);
        zt_free(w->samples);
        zt_free(w);
    }
    return NULL;
}
