/* ingest_work.c - who does which file: workers choose and claim the first that nobody has, of this process and of others; the
 * thread that writes takes what is finished in its order. Tested by tests/data/test_data_ingest.c and
 * tests/cli/test_ingest_many.sh. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/ingest_impl.h"

enum {
    AHEAD = 1024,                       /* files */
    NOTHING_MS = 50, FOREIGN_MS = 10    /* how often is looked what other processes have done */
};
static const int64_t WAITING_MAX = (int64_t)4 << 30;   /* bytes; with more in the folder, only the file that is next is begun */

/* Until something changes in this process, or for so long. Under the lock. */
static void wait_a_little(zt_ingest_job *j, int ms) {
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += (long)ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&j->passed, &j->lock, &t);
}

void zt_ingest_fail(zt_ingest_job *j, zt_err e) {
    pthread_mutex_lock(&j->lock);
    if (!j->over && (j->err == ZT_OK || (j->err == ZT_CANCELLED && e != ZT_CANCELLED))) {
        j->err = e;
        snprintf(j->text, sizeof j->text, "%s", zt_err_text());
    }
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
}

/* ---- progress ---- */

void zt_ingest_say(zt_ingest_job *j) {
    const int64_t clips = j->writes ? j->clips[0] + j->clips[1] + j->clips[2] : j->told.clips;
    const size_t turn = j->writes ? j->turn : j->told.turn;
    char share[64] = "";
    if (!j->writes) snprintf(share, sizeof share, ", %lld decoded here", (long long)j->rep.here);
    else if (j->others) snprintf(share, sizeof share, ", %lld of them by other processes", (long long)j->others);
    snprintf(j->progress.note, sizeof j->progress.note, "%zu/%zu files%s, %lld clips", turn, j->files->n, share,
             (long long)clips);
    zt_progress_update(&j->progress, (int64_t)(j->writes ? j->megabytes : j->told.megabytes));
}

void zt_ingest_count(zt_ingest_worker *w, double part) {
    zt_ingest_job *j = w->j;
    if (!(j->mark[w->index] & ZT_FILE_COUNTED)) {
        const double done = fmax((double)w->s.file->bytes, 0) / 1e6 * fmin(fmax(part, 0), 1);
        j->megabytes += done - w->megabytes;
        w->megabytes = done;
        if (part >= 1) j->mark[w->index] |= ZT_FILE_COUNTED;
    }
    zt_ingest_say(j);
}

void zt_ingest_show(zt_ingest_worker *w, double part) {
    pthread_mutex_lock(&w->j->lock);
    zt_ingest_count(w, part);
    pthread_mutex_unlock(&w->j->lock);
}

/* ---- workers ---- */

/* Whether file i is there for a worker to do, apart from its claim. */
static bool open_to_us(zt_ingest_job *j, size_t i) {
    if (j->mark[i] & (ZT_FILE_OURS | ZT_FILE_LEFT)) return false;
    if (!zt_ingest_share_has(&j->share, i, "clips") && (j->writes || !zt_ingest_share_has(&j->share, i, "seen"))) return true;
    j->mark[i] |= ZT_FILE_LEFT;
    return false;
}

/* What may have changed between looking and the claim. */
static bool still_open(zt_ingest_job *j, size_t i) {
    if (!open_to_us(j, i)) return false;
    if (j->writes) return true;
    zt_ingest_share_ask(&j->share, &j->told);
    return j->told.ours && j->told.turn <= i;
}

/* Whether more clips may wait; looked up once a second, it costs a look at every file of the folder. */
static bool room(zt_ingest_job *j) {
    const double now = zt_now();
    if (now - j->room_at >= 1) {
        j->room = zt_ingest_share_waiting(&j->share) <= WAITING_MAX;
        j->room_at = now;
    }
    return j->room;
}

/* The first file that nobody has, claimed. Under the lock. */
static bool choose(zt_ingest_worker *w) {
    zt_ingest_job *j = w->j;
    const size_t turn = j->writes ? j->turn : j->told.turn, n = j->files->n;
    if (!j->writes && !j->told.ours) return false;
    for (size_t i = turn; i < n && i < turn + AHEAD; i++) {
        if (!open_to_us(j, i)) continue;
        if (i > turn && !room(j)) return false;
        if (!zt_ingest_share_claim(&j->share, i)) continue;
        if (still_open(j, i)) {
            j->mark[i] |= ZT_FILE_OURS;
            w->index = i;
            return true;
        }
        zt_ingest_share_unclaim(&j->share, i);
    }
    return false;
}

/* The file is no longer ours: written, or left in the folder, or left to the process that writes. */
static void release(zt_ingest_worker *w) {
    zt_ingest_job *j = w->j;
    pthread_mutex_lock(&j->lock);
    zt_ingest_count(w, 1);
    j->mark[w->index] &= (uint8_t)~ZT_FILE_OURS;
    if (!j->writes) j->mark[w->index] |= ZT_FILE_LEFT;
    zt_ingest_share_unclaim(&j->share, w->index);
    j->rep.here++;
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
}

/* Wait for a file. False: there is nothing left. */
static bool next_file(zt_ingest_worker *w) {
    zt_ingest_job *j = w->j;
    pthread_mutex_lock(&j->lock);
    bool found = false;
    while (!j->over && j->err == ZT_OK && !zt_cancelled() && !(found = choose(w))) wait_a_little(j, NOTHING_MS);
    pthread_mutex_unlock(&j->lock);
    return found;
}

void *zt_ingest_work(void *arg) {
    zt_ingest_job *j = arg;
    zt_ingest_worker *w = zt_alloc(sizeof *w);
    zt_err e = w ? ZT_OK : ZT_NOMEM;
    if (w) zt_ingest_worker_start(w, j);
    while (e == ZT_OK && next_file(w)) {
        e = zt_ingest_take(w);
        release(w);
    }
    if (e != ZT_OK) zt_ingest_fail(j, e);
    if (w) zt_ingest_worker_finish(w);
    zt_free(w);
    pthread_mutex_lock(&j->lock);
    j->working--;
    pthread_cond_broadcast(&j->passed);
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- the one that writes ---- */

/* Take what is finished, or what nobody else can: when all workers wait for later turns and who had the file has ended. Under the
 * lock, which is given up meanwhile. *nothing: others are at it. */
static zt_err write_next(zt_ingest_worker *w, bool *nothing) {
    zt_ingest_job *j = w->j;
    bool usable = true;
    zt_err e;
    w->index = j->turn;
    *nothing = true;
    if (j->mark[w->index] & ZT_FILE_OURS) return ZT_OK;
    const bool finished = zt_ingest_share_has(&j->share, w->index, "clips");
    if (!finished && (j->blocked < j->working || !zt_ingest_share_claim(&j->share, w->index))) return ZT_OK;
    *nothing = false;
    if (!finished && zt_ingest_share_has(&j->share, w->index, "clips")) {   /* since we looked */
        zt_ingest_share_unclaim(&j->share, w->index);
        return ZT_OK;
    }
    j->mark[w->index] |= ZT_FILE_OURS;
    pthread_mutex_unlock(&j->lock);
    e = finished ? zt_ingest_take_finished(w, &usable) : zt_ingest_take(w);
    if (!finished) release(w);
    pthread_mutex_lock(&j->lock);
    j->mark[w->index] &= (uint8_t)~(usable ? ZT_FILE_OURS : ZT_FILE_OURS | ZT_FILE_LEFT);
    return e;
}

void zt_ingest_write_all(zt_ingest_job *j) {
    zt_ingest_worker *w = zt_alloc(sizeof *w);
    zt_err e = w ? ZT_OK : ZT_NOMEM;
    if (w) zt_ingest_worker_start(w, j);
    pthread_mutex_lock(&j->lock);
    while (e == ZT_OK && j->err == ZT_OK && j->turn < j->files->n) {
        const bool ours = j->mark[j->turn] & ZT_FILE_OURS;
        bool nothing;
        if (zt_cancelled()) e = zt_fail(ZT_CANCELLED, "stopped");
        else e = write_next(w, &nothing);
        if (e == ZT_OK && nothing) wait_a_little(j, ours ? NOTHING_MS : FOREIGN_MS);
    }
    pthread_mutex_unlock(&j->lock);
    if (e != ZT_OK) zt_ingest_fail(j, e);
    if (w) zt_ingest_worker_finish(w);
    zt_free(w);
}
