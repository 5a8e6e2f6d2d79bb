/* ingest_turn.c - a file's turn: what depends on the files before it (duplicates, the split, the clip's number) is decided here,
 * so that the data set is the same whatever the number of workers and processes. Tested by tests/data/test_data_ingest.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "data/catalog.h"
#include "data/ingest_impl.h"

enum { TRAIN, VAL, TEST };
static const char *const SPLIT[ZT_SPLITS] = {"train", "val", "test"};

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

zt_err zt_ingest_write_clip(zt_ingest_worker *w, const zt_ingest_clip *clip, const void *wav, size_t wav_bytes) {
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

zt_err zt_ingest_look(zt_catalog *c, zt_ingest_source *s, bool *known) {
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
static zt_err begin_turn(zt_ingest_worker *w) {
    zt_ingest_job *j = w->j;
    zt_ingest_source *s = &w->s;
    bool known;
    zt_err e;
    memcpy(w->clips_before, j->clips, sizeof j->clips);
    w->key_before = j->next_key;
    ZT_TRY(e = zt_store_mark(j->store), done);
    ZT_TRY(e = zt_ingest_look(zt_store_catalog(j->store), s, &known), done);
    w->drop = known || s->duplicate;
    if (known) j->rep.done_before++;
    else {   /* clips of older content under this name are no longer what they say they are */
        ZT_TRY(e = zt_catalog_drop_clips(zt_store_catalog(j->store), s->name, "the file has changed since"), done);
    }
    if (w->drop || (!s->opened && s->reason[0])) goto done;
    ZT_TRY(e = zt_ingest_caption_of(j->captions, s->file, s->caption, &s->caption_from), done);
    w->split = split_of(j, s);
    for (size_t i = 0; i < w->spool.n && e == ZT_OK; i++) {
        zt_ingest_clip clip;
        const void *wav;
        ZT_TRY(e = zt_ingest_spool_get(&w->spool, i, &clip, &wav), done);
        e = zt_ingest_write_clip(w, &clip, wav, w->spool.clip[i].sound_bytes);
        zt_ingest_spool_drop(&w->spool, i, &clip);
    }
done:
    return e;
}

zt_err zt_ingest_hold(zt_ingest_worker *w, bool wait, bool *held) {
    zt_ingest_job *j = w->j;
    zt_err e = ZT_OK;
    *held = w->holding;
    if (w->holding) return ZT_OK;
    pthread_mutex_lock(&j->lock);
    if (wait) {
        j->blocked++;
        pthread_cond_broadcast(&j->passed);
        while ((!j->writes || j->turn != w->index) && j->err == ZT_OK && !j->over) pthread_cond_wait(&j->passed, &j->lock);
        j->blocked--;
    }
    if (j->err != ZT_OK || j->over) e = zt_fail(ZT_CANCELLED, "stopped");
    else if (j->writes && j->turn == w->index) {
        *held = w->holding = true;
        e = begin_turn(w);
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

static zt_err record(zt_ingest_job *j, zt_ingest_source *s) {
    char *info = NULL;
    if (s->duplicate) {         /* whether it was decoded before its twin was written is chance */
        s->opened = false;
        s->note[0] = '\0';
    }
    if (s->clips > 0) s->reason[0] = '\0';
    else if (s->opened) zt_ingest_source_explain(j->cfg, s);
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

/* The others may know: this file is written. */
static zt_err pass(zt_ingest_worker *w) {
    zt_ingest_job *j = w->j;
    zt_ingest_count(w, 1);
    j->turn++;
    zt_err e = zt_ingest_commit(j, false);
    if (e != ZT_OK) return e;
    zt_ingest_share_remove(&j->share, w->index, "seen");
    const zt_ingest_state now = {.turn = j->turn, .megabytes = j->megabytes,
                                 .clips = j->clips[TRAIN] + j->clips[VAL] + j->clips[TEST]};
    pthread_cond_broadcast(&j->passed);
    return zt_ingest_share_tell(&j->share, &now);
}

zt_err zt_ingest_end_turn(zt_ingest_worker *w, zt_err e) {
    zt_ingest_job *j = w->j;
    pthread_mutex_lock(&j->lock);
    if (e == ZT_OK && (!w->drop || w->s.duplicate)) e = record(j, &w->s);
    if (e == ZT_OK) e = zt_store_keep(j->store);
    if (e == ZT_OK) e = pass(w);
    else if (e == ZT_CANCELLED) {
        memcpy(j->clips, w->clips_before, sizeof j->clips);
        j->next_key = w->key_before;
        e = zt_store_back(j->store);
        if (e == ZT_OK) e = zt_fail(ZT_CANCELLED, "stopped");
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}
