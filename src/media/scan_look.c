/* scan_look.c - see scan.c: ranges of a file decoded as coarsely as will do.
 * Tested by tests/media/test_media_scan.c. */
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "media/scan_impl.h"
#include "media/thumb.h"

static const double CUT_CORE_S = 0.1, MIX_CORE_S = 0.4;  /* a doubt reaches so far to both sides of what may be a boundary */
static const double MIX_LONG_S = 0.6;    /* a dissolve that is shorter has too few pictures to be sure of */
static const double DOUBT_S = 0.5;       /* decoded on both sides of a doubt */
static const double GAP_MAX_S = 0.4;     /* pictures further apart than this tell nothing */

/* ---- decoding a stretch ---- */

static size_t frame_index(const zt_scan_job *s, double t) {
    size_t low = 0, high = s->frames;
    while (low < high) {
        const size_t m = (low + high) / 2;
        if (s->frame[m].t < t - 1e-6) low = m + 1;
        else high = m;
    }
    return low;
}

/* Where decoding must begin to see time t. */
static double key_before(const zt_scan_job *s, double t) {
    size_t k = s->keys;
    while (k > 1 && s->key[k - 1].t > t) k--;
    return s->key[k - 1].t;
}

/* Frames from..to into the detectors; ZT_OK with s->whole set when the file cannot be entered there. */
static zt_err stretch(zt_scan_looker *l, double from, double to, enum AVDiscard skip, zt_scenes *a, zt_scenes *b) {
    zt_err e = ZT_OK;
    bool end = false, first = true;
    l->n = 0;
    zt_decoder_skip(l->dec, skip);
    if (!zt_decoder_seek(l->dec, fmax(from, 0))) goto lost;
    for (;;) {
        double t, duration;
        uint8_t thumb[ZT_THUMB_BYTES];
        ZT_TRY(e = zt_decoder_next(l->dec, l->f, &t, &duration, &end), done);
        if (first && (end || t > fmax(from, 0) + GAP_MAX_S)) goto lost;
        first = false;
        if (end || t > to) break;
        if (t < from - 1e-6) continue;
        ZT_TRY(e = zt_scan_grow((void **)&l->t, l->n, &l->cap, sizeof *l->t), done);
        l->t[l->n++] = t;
        ZT_TRY(e = zt_thumb_make(l->f, thumb), done);
        ZT_TRY(e = zt_scenes_push(a, thumb, t), done);
        if (b) ZT_TRY(e = zt_scenes_push(b, thumb, t), done);
    }
    ZT_TRY(e = zt_scenes_end(a), done);
    if (b) e = zt_scenes_end(b);
    pthread_mutex_lock(&l->s->lock);
    l->s->looked_s += to - from;
    pthread_mutex_unlock(&l->s->lock);
done:
    return e;
lost:
    pthread_mutex_lock(&l->s->lock);
    l->s->whole = true;
    pthread_mutex_unlock(&l->s->lock);
    return ZT_OK;
}

static zt_err keep(zt_scan_job *s, zt_boundary b) {
    pthread_mutex_lock(&s->lock);
    const zt_err e = zt_scenes_put(s->found, b);
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* All frames around r are decoded: the boundaries that start in it. */
static zt_err look_closely(zt_scan_looker *l, zt_scan_range r, double after) {
    zt_scenes *exact = NULL;
    const zt_boundary *b;
    double settled;
    zt_err e;
    ZT_TRY(e = zt_scenes_create(&exact, &l->s->cfg), done);
    ZT_TRY(e = stretch(l, r.from - r.before, r.to + after, AVDISCARD_DEFAULT, exact, NULL), done);
    const size_t n = zt_scenes_boundaries(exact, &b, &settled);
    for (size_t i = 0; i < n && e == ZT_OK; i++)
        if (b[i].start_s >= r.from - 1e-6 && b[i].start_s <= r.to + 1e-6) e = keep(l->s, b[i]);
done:
    zt_scenes_destroy(&exact);
    return e;
}

/* Number in the stretch of the picture at or after t. */
static size_t picture_at(const zt_scan_looker *l, double t) {
    size_t k = 0;
    while (k < l->n && l->t[k] < t - 1e-9) k++;
    return k;
}

/* May what the detector found without bidirectional frames stay as it is? A cut only between neighbours in the file; a dissolve
 * begins right after the last picture that was not yet in it. */
static bool is_exact(const zt_scan_looker *l, zt_boundary *b) {
    const zt_scan_job *s = l->s;
    const size_t k = picture_at(l, b->start_s);
    if (k == 0 || k >= l->n) return false;
    const size_t before = frame_index(s, l->t[k - 1]);
    if (b->kind == ZT_BOUNDARY_CUT) return b->start_s == b->end_s && frame_index(s, l->t[k]) - before == 1;
    if (before + 1 < s->frames) b->start_s = s->frame[before + 1].t;
    return true;
}

static int by_start(const void *a, const void *b) {
    const double x = ((const zt_scan_range *)a)->from, y = ((const zt_scan_range *)b)->from;
    return (x > y) - (x < y);
}

/* Keep what the detector found where another may have seen something; doubt what it did not find there. */
static zt_err weigh(const zt_scan_looker *l, const zt_boundary *all, size_t m, size_t at, const zt_boundary *sure, size_t n,
                    zt_scan_ranges *doubts) {
    const zt_boundary may = all[at];
    bool mixed = false;
    for (size_t i = 0; i < m; i++)
        mixed = mixed || (all[i].kind != may.kind && all[i].start_s <= may.end_s && all[i].end_s >= may.start_s);
    for (size_t i = 0; i < n && !mixed && may.kind != ZT_BOUNDARY_FADE; i++) {
        zt_boundary b = sure[i];
        const double shared = fmin(b.end_s, may.end_s) - fmax(b.start_s, may.start_s);
        const bool much = b.kind == ZT_BOUNDARY_CUT ? shared >= 0 : shared >= fmax(MIX_LONG_S, 0.6 * (may.end_s - may.start_s));
        if (b.kind == may.kind && much && is_exact(l, &b)) return keep(l->s, b);
    }
    const bool cut = may.kind == ZT_BOUNDARY_CUT;
    const size_t k = picture_at(l, may.start_s);
    const double from = k > 0 && k < l->n ? l->t[k - 1] : may.start_s, around = cut ? CUT_CORE_S : MIX_CORE_S;
    return zt_scan_add(doubts, (zt_scan_range){from - around, may.end_s + around, DOUBT_S});
}

/* Without bidirectional frames: exact cuts are kept, what else may be a boundary goes into doubts. */
static zt_err look_coarsely(zt_scan_looker *l, zt_scan_range r, zt_scan_ranges *doubts) {
    zt_scenes *strict = NULL, *eager = NULL;
    const zt_scan_job *s = l->s;
    zt_scene_cfg wide = s->cfg;
    const zt_boundary *b, *may;
    double settled;
    zt_err e;
    wide.eager_s = 1.5 * s->frame[s->frames - 1].t / (double)(s->frames - 1);
    wide.min_scene_s = 1e-3;
    ZT_TRY(e = zt_scenes_create(&strict, &l->s->cfg), done);
    ZT_TRY(e = zt_scenes_create(&eager, &wide), done);
    ZT_TRY(e = stretch(l, r.from - r.before, r.to + ZT_SCAN_MARGIN_S, AVDISCARD_BIDIR, strict, eager), done);
    const size_t n = zt_scenes_boundaries(strict, &b, &settled), m = zt_scenes_boundaries(eager, &may, &settled);
    for (size_t i = 0; i < m && e == ZT_OK; i++)
        if (may[i].end_s >= r.from - 1e-6 && may[i].start_s <= r.to + 1e-6) e = weigh(l, may, m, i, b, n, doubts);
    for (size_t i = 1; i < l->n && e == ZT_OK; i++)
        if (l->t[i] - l->t[i - 1] > GAP_MAX_S && l->t[i] > r.from && l->t[i - 1] < r.to)
            e = zt_scan_add(doubts, (zt_scan_range){l->t[i - 1] - MIX_CORE_S, l->t[i] + MIX_CORE_S, DOUBT_S});
    if (doubts->n) qsort(doubts->r, doubts->n, sizeof *doubts->r, by_start);
done:
    zt_scenes_destroy(&strict);
    zt_scenes_destroy(&eager);
    return e;
}

zt_err zt_scan_look(zt_scan_looker *l, zt_scan_range r) {
    zt_err e;
    zt_scan_ranges doubts = {0};
    if (!l->s->coarse) return look_closely(l, r, ZT_SCAN_MARGIN_S);
    ZT_TRY(e = look_coarsely(l, r, &doubts), done);
    for (size_t i = 0; i < doubts.n && e == ZT_OK;) {
        zt_scan_range d = doubts.r[i++];
        for (; i < doubts.n && key_before(l->s, doubts.r[i].from - DOUBT_S) <= d.to + DOUBT_S; i++)
            d.to = fmax(d.to, doubts.r[i].to);
        e = look_closely(l, d, DOUBT_S);
    }
done:
    zt_free(doubts.r);
    return e;
}
