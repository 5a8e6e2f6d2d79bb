/* ingest_take.c - one file to clips, by a worker: decoded at once, side by side with others, and written when it is the file's
 * turn; what is done before that waits in the data set's folder. Tested by tests/data/test_data_ingest.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "data/ingest_impl.h"

enum {
    /* So many seconds of repeated pictures with less than 1 new one in so many frames: a broken clock. */
    STILL_S = 600,
    STILL_PART = 200,
    PROGRESS_FRAMES = 16
};

/* ---- clips ---- */

/* The sound of a clip into w->samples, a whole WAV file of *bytes. */
static zt_err take_sound(zt_ingest_worker *w, const zt_ingest_clip *clip, size_t *bytes) {
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

/* The clips of a file that is not ours to write have to fit into its spool; more than that is for the process that writes. */
static zt_err no_room(zt_ingest_worker *w, bool *held) {
    pthread_mutex_lock(&w->j->lock);
    const bool writes = w->j->writes;
    pthread_mutex_unlock(&w->j->lock);
    *held = false;
    if (writes) return zt_ingest_hold(w, true, held);
    w->left = w->enough = true;
    return ZT_OK;
}

/* A clip is there: write it in our turn, else put it away, and where it finds no room wait for the turn. */
static zt_err give(void *ctx, const zt_ingest_clip *clip) {
    zt_ingest_worker *w = ctx;
    char part[ZT_PATH_MAX];
    size_t wav_bytes;
    bool held;
    zt_err e;
    if (w->enough) return ZT_OK;
    w->made++;
    w->enough = w->j->cfg->max_clips > 0 && w->made >= w->j->cfg->max_clips;
    ZT_TRY(e = take_sound(w, clip, &wav_bytes), done);
    ZT_TRY(e = zt_ingest_hold(w, false, &held), done);
    if (!held) {
        ZT_TRY(e = zt_ingest_share_path(&w->j->share, w->index, "part", part), done);
        e = zt_ingest_spool_add(&w->spool, part, clip, (size_t)clip->frames * w->cutter.frame_bytes, w->samples, wav_bytes);
        if (e != ZT_IO) return e;
        ZT_TRY(e = no_room(w, &held), done);
        if (!held) return ZT_OK;
    }
    if (w->drop) {
        w->enough = true;
        return ZT_OK;
    }
    pthread_mutex_lock(&w->j->lock);
    e = zt_ingest_write_clip(w, clip, w->samples, wav_bytes);
    pthread_mutex_unlock(&w->j->lock);
    if (e == ZT_OK && zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
done:
    return e;
}

/* ---- frames ---- */

static zt_err shot_over(zt_ingest_worker *w) {
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
static zt_err sort_out(zt_ingest_worker *w) {
    const zt_boundary *list;
    double settled;
    zt_ingest_ring *q = &w->queue;
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
        else if (!w->between) e = zt_ingest_cutter_frame(&w->cutter, w->next_frame, zt_ingest_ring_slot(q, 0));
        w->next_frame++;
        q->head = (q->head + 1) % q->cap;
        q->n--;
    }
done:
    return e;
}

/* All frames of the opened file. Fails only for what must end the run. */
static zt_err stream(zt_ingest_worker *w) {
    zt_ingest_source *s = &w->s;
    zt_ingest_ring *q = &w->queue;
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
        ZT_TRY(e = zt_ingest_ring_grow(q), done);
        e = zt_reader_next(w->r, w->counting ? NULL : zt_ingest_ring_slot(q, q->n), NULL, &end);
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
        if (s->frames % PROGRESS_FRAMES == 0 && duration > 0) zt_ingest_show(w, shown / duration);
    }
    e = zt_reader_settle(w->r);
    if (e == ZT_OK) e = sort_out(w);
    if (e == ZT_OK && !w->enough) e = shot_over(w);
done:
    return e;
}

/* The size of clips nearest to the shape of the picture. */
static void choose_size(zt_ingest_worker *w) {
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

static zt_err open_reader(zt_ingest_worker *w) {
    const zt_ingest_cfg *c = w->j->cfg;
    const zt_ingest_item *item = w->s.file->item;
    const zt_reader_cfg want = {.fps = c->fps, .fit = c->fit, .filter = c->filter, .scenes = c->scenes,
                                .start_s = item ? item->start_s : 0, .end_s = item ? item->end_s : 0,
                                .threads = w->j->decoder_threads};
    zt_reader_destroy(&w->r);
    return item && item->bytes ? zt_reader_create_memory(&w->r, item->bytes, item->n_bytes, w->s.file->path, &want)
                               : zt_reader_create(&w->r, w->s.file->path, &want);
}

static zt_err measure_shots(zt_ingest_worker *w) {
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

/* Whether more clips are to be expected than can wait. */
static bool too_many(const zt_ingest_worker *w) {
    const zt_ingest_cfg *c = w->j->cfg;
    return c->max_clips == 0 && c->mode != ZT_MODE_HEAD &&
           w->s.info.duration_s * c->fps * (double)w->cutter.frame_bytes > (double)ZT_INGEST_SPOOL_MAX;
}

static zt_err decode(zt_ingest_worker *w) {
    zt_ingest_source *s = &w->s;
    const zt_ingest_cfg *c = w->j->cfg;
    bool held;
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
    if (w->queue.frame_bytes != w->cutter.frame_bytes) zt_ingest_ring_finish(&w->queue);
    w->queue.frame_bytes = w->cutter.frame_bytes;
    if (too_many(w)) ZT_TRY(e = no_room(w, &held), done);
    if (w->left) goto done;
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

/* Into s->hash. The file may change while we run; then what we say of it is of one moment, as for any file. */
static zt_err hash_file(zt_ingest_worker *w) {
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

/* A hash that was found out before, by somebody who did no more. The bytes of an archive's member are at hand anyway. */
static bool seen_before(zt_ingest_worker *w) {
    char path[ZT_PATH_MAX];
    zt_ingest_source *s = &w->s;
    const zt_ingest_file *file = s->file;
    if (file->item && file->item->bytes) return false;
    if (!zt_ingest_share_has(&w->j->share, w->index, "seen") ||
        zt_ingest_share_path(&w->j->share, w->index, "seen", path) != ZT_OK)
        return false;
    const bool found = zt_ingest_spool_load(&w->spool, path, s) == ZT_OK;
    zt_ingest_spool_clear(&w->spool);
    s->opened = false;
    if (!found) s->hash[0] = '\0';
    return found;
}

/* As zt_ingest_look, in what is committed where another process writes; what cannot be read is not known. Under the lock. */
static zt_err look(zt_ingest_job *j, zt_ingest_source *s, bool *known) {
    if (j->writes) return zt_ingest_look(zt_store_catalog(j->store), s, known);
    if ((j->seen || zt_catalog_open(&j->seen, j->cfg->out) == ZT_OK) && zt_ingest_look(j->seen, s, known) == ZT_OK) return ZT_OK;
    zt_catalog_close(&j->seen);
    *known = s->duplicate = false;
    return ZT_OK;
}

/* Hash the file and see whether it has to be decoded at all. Where not, it has a reason, or is known or another's twin. */
static zt_err look_first(zt_ingest_worker *w, bool *wanted) {
    zt_ingest_source *s = &w->s;
    bool known = false;
    *wanted = false;
    zt_err e = seen_before(w) ? ZT_OK : hash_file(w);
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
    e = look(w->j, s, &known);
    if (known) w->j->progress.start += s->file->bytes / 1000000;
    pthread_mutex_unlock(&w->j->lock);
    *wanted = !known && !s->duplicate;
    s->duplicate = false;       /* decided in the turn */
    s->reason[0] = '\0';
    return e;
}

static zt_err begin(zt_ingest_worker *w) {
    zt_ingest_source *s = &w->s;
    memset(s, 0, sizeof *s);
    s->file = &w->j->files->file[w->index];
    s->caption_from = "";
    w->holding = w->drop = w->enough = w->left = false;
    w->made = 0;
    w->megabytes = 0;
    zt_ingest_spool_clear(&w->spool);
    return zt_ingest_source_name(s);
}

/* Not our turn: leave what we have in the folder and be free for the next file. *away: done; else only waiting is left. A process
 * that does not write never waits: what it cannot say, the one that writes finds out itself. */
static void put_away(zt_ingest_worker *w, bool wanted, bool *away) {
    zt_ingest_job *j = w->j;
    zt_ingest_source *s = &w->s;
    char part[ZT_PATH_MAX], last[ZT_PATH_MAX];
    const bool whole = !w->left && (wanted || s->reason[0]);
    pthread_mutex_lock(&j->lock);
    const bool writes = j->writes, turn = writes && j->turn == w->index;
    pthread_mutex_unlock(&j->lock);
    *away = !writes || w->left;
    if (turn && !w->left) return;
    if (s->hash[0] && !s->again && (whole || *away) && zt_ingest_share_path(&j->share, w->index, "part", part) == ZT_OK &&
        zt_ingest_share_path(&j->share, w->index, whole ? "clips" : "seen", last) == ZT_OK) {
        if (!whole) zt_ingest_spool_clear(&w->spool);
        *away = zt_ingest_spool_finish(&w->spool, part, last, j->share.maker, s) == ZT_OK || *away;
    }
    if (*away) zt_ingest_spool_clear(&w->spool);
}

zt_err zt_ingest_take(zt_ingest_worker *w) {
    bool wanted = false, held, away = false;
    zt_err e;
    ZT_TRY(e = begin(w), done);
    ZT_TRY(e = look_first(w, &wanted), done);
    if (wanted) ZT_TRY(e = decode(w), done);
    if (!w->holding) put_away(w, wanted, &away);
    if (away) goto done;
    ZT_TRY(e = zt_ingest_hold(w, true, &held), done);
    if (!wanted && !w->drop && !w->s.reason[0]) e = decode(w);   /* its twin has gone since we looked */
done:
    if (w->holding) e = zt_ingest_end_turn(w, e);
    zt_ingest_spool_clear(&w->spool);   /* while the file is still claimed */
    return e;
}

zt_err zt_ingest_take_finished(zt_ingest_worker *w, bool *usable) {
    zt_ingest_job *j = w->j;
    char path[ZT_PATH_MAX], hash[65];
    bool held;
    zt_err e;
    *usable = false;
    ZT_TRY(e = begin(w), done);
    ZT_TRY(e = zt_ingest_share_path(&j->share, w->index, "clips", path), done);
    e = zt_ingest_spool_load(&w->spool, path, &w->s);
    const zt_ingest_item *k = w->s.file->item;
    if (e == ZT_OK && k && k->bytes && ((e = zt_sha256(k->bytes, k->n_bytes, hash)) != ZT_OK || strcmp(hash, w->s.hash) != 0))
        e = e == ZT_OK ? ZT_FORMAT : e;
    if (e != ZT_OK && e != ZT_NOMEM) {   /* not what it should be: its file is decoded again */
        zt_ingest_share_remove(&j->share, w->index, "clips");
        return ZT_OK;
    }
    if (e != ZT_OK) goto done;
    *usable = true;
    pthread_mutex_lock(&j->lock);
    j->others += strcmp(w->spool.maker, j->share.maker) != 0;
    pthread_mutex_unlock(&j->lock);
    e = zt_ingest_hold(w, true, &held);
done:
    if (w->holding) e = zt_ingest_end_turn(w, e);
    zt_ingest_spool_clear(&w->spool);   /* while the file is still claimed */
    return e;
}

void zt_ingest_worker_start(zt_ingest_worker *w, zt_ingest_job *j) {
    w->j = j;
    w->cutter.cfg = j->cfg;
    w->cutter.give = give;
    w->cutter.ctx = w;
}

void zt_ingest_worker_finish(zt_ingest_worker *w) {
    zt_ingest_cutter_finish(&w->cutter);
    zt_ingest_spool_clear(&w->spool);
    zt_ingest_ring_finish(&w->queue);
    zt_free(w->shot);
    zt_free(w->samples);
}
