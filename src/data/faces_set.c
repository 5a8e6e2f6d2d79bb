/* faces_set.c - see faces_set.h. Tested by tests/data/test_data_faces.c and tests/cli/test_faces.sh. */
#include "data/faces_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "data/faces_store.h"
#include "data/rights.h"
#include "data/shard_edit.h"

static const char *const ACTION[] = {"report", "blur", "drop"};

/* ---- one clip ---- */

zt_err zt_faces_look(zt_finder *f, zt_faces_action action, uint8_t *rgb, int T, int H, int W, double fps, zt_faces_found *found) {
    const zt_err e = zt_finder_find(f, rgb, T, H, W, fps, &found->tracks);
    if (e != ZT_OK) return e;
    zt_tracks_count(&found->tracks, T, &found->faces, &found->texts, &found->frames);
    if (action == ZT_FACES_BLUR) zt_tracks_blur(&found->tracks, rgb, T, H, W);
    return ZT_OK;
}

void zt_faces_found_finish(zt_faces_found *found) {
    zt_tracks_finish(&found->tracks);
    *found = (zt_faces_found){0};
}

zt_err zt_faces_record(zt_catalog *c, const zt_finder *f, zt_faces_action action, int64_t id, const zt_faces_found *found) {
    zt_faces_known before;
    zt_err e = zt_faces_get(c, id, zt_finder_name(f), &before);
    if (e != ZT_OK) return e;
    const bool blurred = strcmp(before.action, ACTION[ZT_FACES_BLUR]) == 0, any = found->faces + found->texts > 0;
    if (blurred && !any) return ZT_OK;            /* nothing new to see in it: what was blurred stays on record */
    const bool add = blurred && action == ZT_FACES_BLUR;
    json_t *j = zt_tracks_json(&found->tracks);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    if (!text) return zt_fail(ZT_NOMEM, "no memory for the faces of clip %lld", (long long)id);
    const zt_faces_row row = {.clip = id, .tracks = found->faces + (add ? before.tracks : 0), .frames = found->frames,
                              .texts = found->texts + (add ? before.texts : 0), .action = ACTION[action],
                              .detector = zt_finder_name(f), .found = text};
    e = zt_faces_put(c, &row);
    free(text);   /* jansson's own allocation, not ours */
    if (e == ZT_OK && any && action == ZT_FACES_DROP) e = zt_rights_drop_clip(c, id, "faces or text plates were found in it");
    return e;
}

/* ---- a data set ---- */

/* What look() found, until change() comes to the clip: in the same order. */
typedef struct waiting { int64_t id; zt_tracks tracks; } waiting;

typedef struct job {
    zt_finder *f;
    zt_faces_action action;
    bool again;
    zt_faces_report *report;
    waiting *wait;
    int n, cap;
    zt_progress progress;
} job;

static zt_err keep_for_change(job *j, int64_t id, zt_faces_found *found) {
    if (j->n == j->cap) {
        const int cap = j->cap ? 2 * j->cap : 64;
        waiting *more = zt_realloc(j->wait, (size_t)cap * sizeof *more);
        if (!more) return ZT_NOMEM;
        j->wait = more;
        j->cap = cap;
    }
    j->wait[j->n++] = (waiting){id, found->tracks};
    found->tracks = (zt_tracks){0};
    return ZT_OK;
}

/* A detector that looked before need not look again, unless it now has more to do. */
static bool settled(const job *j, const zt_faces_known *k) {
    if (j->again || !k->same_detector) return false;
    if (k->tracks + k->texts == 0) return true;
    return j->action == ZT_FACES_REPORT || strcmp(k->action, ACTION[j->action]) == 0;
}

static zt_err look(void *ctx, zt_catalog *c, const zt_catalog_clip *k, const uint8_t *rgb, bool *change) {
    job *j = ctx;
    zt_faces_known known;
    zt_faces_found found = {0};
    zt_err e;
    ZT_TRY(e = zt_faces_get(c, k->id, zt_finder_name(j->f), &known), done);
    zt_progress_update(&j->progress, j->report->clips + j->report->known + 1);
    if (settled(j, &known)) {
        j->report->known++;
        return ZT_OK;
    }
    /* Only looked at here: blurring is done on the copy that change() gets. */
    ZT_TRY(e = zt_faces_look(j->f, ZT_FACES_REPORT, (uint8_t *)(uintptr_t)rgb, k->frames, k->height, k->width, k->fps, &found),
           done);
    ZT_TRY(e = zt_faces_record(c, j->f, j->action, k->id, &found), done);
    const bool any = found.faces + found.texts > 0;
    j->report->clips++;
    j->report->found += any;
    j->report->faces += found.faces;
    j->report->texts += found.texts;
    j->report->changed += any && j->action != ZT_FACES_REPORT;
    *change = any && j->action == ZT_FACES_BLUR;
    if (*change) e = keep_for_change(j, k->id, &found);
done:
    zt_faces_found_finish(&found);
    return e;
}

static zt_err change(void *ctx, zt_catalog *c, const zt_catalog_clip *k, uint8_t *rgb) {
    job *j = ctx;
    (void)c;
    for (int i = 0; i < j->n; i++) {
        if (j->wait[i].id != k->id) continue;
        zt_tracks_blur(&j->wait[i].tracks, rgb, k->frames, k->height, k->width);
        zt_tracks_finish(&j->wait[i].tracks);
        j->wait[i] = j->wait[--j->n];
        return ZT_OK;
    }
    return zt_fail(ZT_INTERNAL, "clip %s: its faces were not kept", k->key);
}

static zt_err count_all(const char *dir, int64_t *clips) {
    zt_catalog *c = NULL;
    int64_t dropped = 0;
    zt_err e;
    ZT_TRY(e = zt_catalog_open(&c, dir), done);
    ZT_TRY(e = zt_catalog_count_clips(c, "ok", clips), done);
    ZT_TRY(e = zt_catalog_count_clips(c, "dropped", &dropped), done);
    *clips += dropped;
done:
    zt_catalog_close(&c);
    return e;
}

zt_err zt_faces_set(const char *dir, zt_finder *f, zt_faces_action action, bool again, bool erase, zt_faces_report *report) {
    job j = {.f = f, .action = action, .again = again, .report = report};
    const zt_shard_edit edit = {.erase_dropped = erase && action == ZT_FACES_DROP, .look = look, .change = change, .ctx = &j};
    const double t0 = zt_now();
    int64_t clips = 0;
    *report = (zt_faces_report){0};
    zt_err e = count_all(dir, &clips);
    if (e != ZT_OK) return e;
    zt_progress_begin(&j.progress, "faces", "clips", clips);
    e = zt_shards_edit(dir, &edit);
    zt_progress_end(&j.progress);
    for (int i = 0; i < j.n; i++) zt_tracks_finish(&j.wait[i].tracks);
    zt_free(j.wait);
    report->seconds = zt_now() - t0;
    return e;
}
