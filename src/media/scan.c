/* scan.c - see scan.h.
 *
 * 1. All packets are read, the key frames decoded. Between two key frames that show the same shot, and packets that are small
 *    beside a key frame and alike, nothing happened: a new shot costs bytes.
 * 2. What is left is cut into ranges for two threads. They decode it without bidirectional frames, which others seldom refer
 *    to (pyramids may; the picture is a little wrong then), and look twice at what comes out: with the detector, and with one
 *    that reports all that may be a boundary. A cut that both see between two frames that are neighbours in the file is exact:
 *    encoders like to begin a shot with a key frame.
 * 3. Around anything else that may be one, all frames are decoded, and the detector decides.
 *
 * Files without bidirectional frames, or with key frames far apart, go from 1 to 3. Files of key frames
 * only, of one key frame, without time stamps, or damaged, are read in a full pass. Step 1 is in scan_plan.c, 2 and 3 in
 * scan_look.c, the threads and the full pass here. Tested by tests/media/test_media_scan.c. */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "media/reader.h"
#include "media/scan_impl.h"

/* ---- threads ---- */

static bool take(zt_scan_job *s, zt_scan_range *r) {
    pthread_mutex_lock(&s->lock);
    const bool some = s->err == ZT_OK && !s->whole && s->next < s->look.n;
    if (some) *r = s->look.r[s->next++];
    pthread_mutex_unlock(&s->lock);
    return some;
}

static void *work(void *arg) {
    zt_scan_job *s = arg;
    zt_scan_looker l = {.s = s, .f = av_frame_alloc()};
    zt_reader_cfg cfg = s->reading;
    double t, duration;
    bool end;
    zt_scan_range r;
    zt_err e = l.f ? ZT_OK : zt_fail(ZT_NOMEM, "%s: no memory for a frame", s->path);
    if (e != ZT_OK) goto done;
    cfg.threads = s->look.n > 1 ? 1 : 2;
    ZT_TRY(e = zt_decoder_open(&l.dec, s->path, NULL, 0, &cfg), done);
    ZT_TRY(e = zt_decoder_next(l.dec, l.f, &t, &duration, &end), done);
    while (e == ZT_OK && take(s, &r)) e = zt_scan_look(&l, r);
done:
    pthread_mutex_lock(&s->lock);
    if (l.dec && zt_decoder_damaged(l.dec)) s->whole = true;
    if (e != ZT_OK && s->err == ZT_OK) {
        s->err = e;
        snprintf(s->text, sizeof s->text, "%s", zt_err_text());
    }
    pthread_mutex_unlock(&s->lock);
    zt_decoder_close(&l.dec);
    av_frame_free(&l.f);
    zt_free(l.t);
    return NULL;
}

static zt_err look(zt_scan_job *s) {
    pthread_t other;
    const bool two = s->look.n > 1 && pthread_create(&other, NULL, work, s) == 0;
    work(s);
    if (two) pthread_join(other, NULL);
    return s->err == ZT_OK ? ZT_OK : zt_fail(s->err, "%s", s->text);
}

/* ---- the whole ---- */

static zt_err full_pass(zt_scan *out, zt_scan_job *s) {
    zt_err e;
    zt_reader *r = NULL;
    s->reading.scenes = s->cfg;
    *out = (zt_scan){0};
    ZT_TRY(e = zt_reader_create(&r, s->path, &s->reading), done);
    for (bool end = false; !end; out->frames += !end) ZT_TRY(e = zt_reader_next(r, NULL, &out->last_s, &end), done);
    const zt_boundary *b;
    double settled;
    out->n = zt_reader_boundaries(r, &b, &settled);
    out->looked_s = out->last_s;
    out->list = zt_alloc_array(out->n + 1, sizeof *b);
    if (!out->list) e = ZT_NOMEM;
    else if (out->n) memcpy(out->list, b, out->n * sizeof *b);
done:
    zt_reader_destroy(&r);
    return e;
}

static zt_err take_found(zt_scan *out, zt_scan_job *s) {
    const zt_boundary *b;
    double settled;
    const size_t n = zt_scenes_boundaries(s->found, &b, &settled);
    *out = (zt_scan){.n = n, .frames = (int64_t)s->frames, .last_s = s->frame[s->frames - 1].t, .looked_s = s->looked_s};
    out->list = zt_alloc_array(n + 1, sizeof *b);
    if (!out->list) return ZT_NOMEM;
    if (n) memcpy(out->list, b, n * sizeof *b);
    return ZT_OK;
}

zt_err zt_scan_file(zt_scan *out, const char *path, const zt_scene_cfg *cfg) {
    zt_scan_job s = {.path = path, .cfg = *cfg, .clocked = true};
    zt_err e;
    *out = (zt_scan){0};
    pthread_mutex_init(&s.lock, NULL);
    s.reading = (zt_reader_cfg){.draft = true, .threads = 2, .max_pixels = 64 * 1024 * 1024, .stall_s = 120};
    ZT_TRY(e = zt_scenes_create(&s.found, cfg), done);
    ZT_TRY(e = zt_scan_read_keys(&s), done);
    if (!s.whole) {
        ZT_TRY(e = zt_scan_pick(&s), done);
        ZT_TRY(e = zt_scan_split(&s), done);
        ZT_TRY(e = look(&s), done);
    }
    e = s.whole ? full_pass(out, &s) : take_found(out, &s);
done:
    if (e != ZT_OK) zt_scan_finish(out);
    zt_scenes_destroy(&s.found);
    zt_free(s.look.r);
    zt_free(s.key);
    zt_free(s.frame);
    pthread_mutex_destroy(&s.lock);
    return e;
}

void zt_scan_finish(zt_scan *s) {
    zt_free(s->list);
    *s = (zt_scan){0};
}
