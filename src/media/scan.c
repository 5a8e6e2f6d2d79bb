/* scan.c - see scan.h.
 *
 * 1. All packets are read, the key frames decoded. Between two key frames that show the same shot, and packets that are small
 *    beside a key frame and alike, nothing happened: a new shot costs bytes. Where the encoder says that it begins shots with key
 *    frames (x264 and x265 do), one that came early, looks different and is far larger than even packets on both sides is a cut.
 * 2. What is left is cut into ranges for two threads. They decode it without bidirectional frames, which no other frame needs but
 *    bidirectional ones, and look twice at what comes out: with the detector, and with one that reports all that may be a
 *    boundary. A cut that both see between two frames that are neighbours in the file is exact: encoders like to begin a shot
 *    with a key frame.
 * 3. Around anything else that may be one, all frames are decoded, and the detector decides.
 *
 * Files without bidirectional frames, or with key frames far apart that do not mark shots, go from 1 to 3. Files of key frames only, of one key frame, without time stamps, or damaged,
 * are read in a full pass. Tested by tests/media/test_media_scan.c. */
#include "media/scan.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "media/decoder.h"
#include "media/reader.h"
#include "media/thumb.h"

static const double MARGIN_S = 1.3;      /* decoded on both sides of a range: the longest window and some frames */
static const double CUT_CORE_S = 0.1, MIX_CORE_S = 0.4;  /* a doubt reaches so far to both sides of what may be a boundary */
static const double MIX_LONG_S = 0.6;    /* a dissolve that is shorter has too few pictures to be sure of */
static const double DOUBT_S = 0.5;       /* decoded on both sides of a doubt */
static const double GAP_MAX_S = 0.4;     /* pictures further apart than this tell nothing */
static const double SAME_SHOT = 0.15;    /* zt_thumbs_apart; two shots are from 0.3 on */
static const double GOP_MAX_S = 5;       /* a doubt is decoded from the key frame before it on: no use where that is far */
static const double RANGE_S = 90;        /* longest range of one thread at a time */
static const double CERTAIN = 0.4, RATIO = 2.6;  /* a key frame that differs so much begins a shot when it is so many times its
                                                 * neighbours' size */
enum { THREADS = 2, NEAR = 4 };

typedef struct frame { double t; int size; bool key, bi; } frame;
typedef struct key { double t; uint8_t thumb[ZT_THUMB_BYTES]; } key;
/* Boundaries that start in it are wanted, its ends included. `before`: seconds to decode before it. */
typedef struct range { double from, to, before; } range;
typedef struct ranges { range *r; size_t n, cap; } ranges;

typedef struct scan {
    const char *path;
    zt_scene_cfg cfg;
    zt_reader_cfg reading;
    frame *frame;                  /* in the order of the file, then of time */
    size_t frames, frames_cap;
    key *key;
    size_t keys, keys_cap;
    bool clocked;                  /* every packet says its time */
    int keyint;                    /* see read_options */
    bool coarse;                   /* there are bidirectional frames enough, and key frames */
    ranges look;
    pthread_mutex_t lock;          /* of all below */
    size_t next;
    zt_scenes *found;
    bool whole;                    /* something is not as the packets said: only a full pass will do */
    double looked_s;
    zt_err err;
    char text[1024];
} scan;

static zt_err grow(void **list, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return ZT_OK;
    const size_t more = *cap ? 2 * *cap : 256;
    void *p = zt_realloc(*list, more * size);
    if (!p) return ZT_NOMEM;
    *list = p;
    *cap = more;
    return ZT_OK;
}

static zt_err add_range(ranges *l, range r) {
    const zt_err e = grow((void **)&l->r, l->n, &l->cap, sizeof *l->r);
    if (e == ZT_OK) l->r[l->n++] = r;
    return e;
}

/* ---- packets and key frames ---- */

/* The number after "name=" in what n bytes say, -1: none. */
static int option(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at && at[strlen(name)] >= '0' && at[strlen(name)] <= '9' ? atoi(at + strlen(name)) : -1;
}

/* x264 and x265 write their options into the first packet. The longest distance of key frames, in frames, where they also put one
 * wherever a shot begins; 0: they do not, or nothing is said. */
static int read_options(const uint8_t *data, size_t n) {
    char text[4096];
    size_t m = 0;
    n = n < sizeof text - 1 ? n : sizeof text - 1;
    for (size_t i = 0; i < n; i++) text[m++] = (char)(data[i] ? data[i] : ' ');
    text[m] = '\0';
    const bool known = strstr(text, "x264 - core") || strstr(text, "x265 (build");
    const int keyint = option(text, " keyint=");
    return known && keyint > 0 && option(text, " scenecut=") > 0 ? keyint : 0;
}

static zt_err on_packet(void *arg, const zt_packet *p) {
    scan *s = arg;
    const zt_err e = grow((void **)&s->frame, s->frames, &s->frames_cap, sizeof *s->frame);
    if (e != ZT_OK) return e;
    s->clocked = s->clocked && !isnan(p->t) && !p->hidden;
    if (s->frames == 0) s->keyint = read_options(p->data, (size_t)p->size);
    s->frame[s->frames++] = (frame){.t = p->t, .size = p->size, .key = p->key};
    return ZT_OK;
}

static int by_time(const void *a, const void *b) {
    const double x = ((const frame *)a)->t, y = ((const frame *)b)->t;
    return (x > y) - (x < y);
}

/* Mark what is shown before an earlier packet, then sort. Times are since the first frame from here on. */
static void order_frames(scan *s) {
    double last = -INFINITY;
    size_t bi = 0;
    for (size_t i = 0; i < s->frames; i++) {
        s->frame[i].bi = s->frame[i].t < last;
        last = fmax(last, s->frame[i].t);
        bi += s->frame[i].bi;
    }
    qsort(s->frame, s->frames, sizeof *s->frame, by_time);
    const double first = s->frame[0].t;
    for (size_t i = 0; i < s->frames; i++) s->frame[i].t -= first;
    const bool enterable = s->keyint || s->frame[s->frames - 1].t <= GOP_MAX_S * (double)s->keys;
    s->coarse = 4 * bi >= s->frames && enterable;
}

static zt_err read_keys(scan *s) {
    zt_err e;
    zt_decoder *d = NULL;
    AVFrame *f = av_frame_alloc();
    if (!f) return zt_fail(ZT_NOMEM, "%s: no memory for a frame", s->path);
    ZT_TRY(e = zt_decoder_open(&d, s->path, NULL, 0, &s->reading), done);
    zt_reader_info info = {0};
    zt_decoder_info(d, &info);
    const AVCodecDescriptor *codec = avcodec_descriptor_get(zt_decoder_codec(d));
    s->whole = info.image || !codec || codec->props & AV_CODEC_PROP_INTRA_ONLY || zt_decoder_codec(d) == AV_CODEC_ID_WEBP;
    if (s->whole) goto done;
    zt_decoder_tap(d, on_packet, s);
    zt_decoder_skip(d, AVDISCARD_NONKEY);
    for (bool end = false; !end;) {
        double duration, t;
        ZT_TRY(e = zt_decoder_next(d, f, &t, &duration, &end), done);
        if (end) break;
        ZT_TRY(e = grow((void **)&s->key, s->keys, &s->keys_cap, sizeof *s->key), done);
        s->key[s->keys].t = t;
        ZT_TRY(e = zt_thumb_make(f, s->key[s->keys++].thumb), done);
    }
    s->whole = !s->clocked || s->keys < 2 || s->frames < 2 || zt_decoder_damaged(d);
    if (!s->whole) order_frames(s);
done:
    zt_decoder_close(&d);
    av_frame_free(&f);
    return e;
}

/* ---- where to look ---- */

typedef struct gop {               /* a key frame and what follows until the next */
    const frame *f;
    size_t n;
    bool calm;                     /* no packet stands out */
    bool even;                     /* calm, and no part of it looks like a slow change either */
    int head, tail;                /* largest of the first and last NEAR packets that are not bidirectional; 0: none */
    bool settled;                  /* the first 2 NEAR of them are no larger than usual: nothing goes on changing */
} gop;

static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int median(const int *v, size_t n) {
    int room[2 * NEAR];
    if (n == 0) return 0;
    memcpy(room, v, n * sizeof *v);
    qsort(room, n, sizeof *room, by_size);
    return room[n / 2];
}

/* No packet among n differs much from those around it. */
static bool locally_even(const int *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int around[2 * NEAR];
        size_t m = 0;
        for (size_t k = i > NEAR ? i - NEAR : 0; k < n && k <= i + NEAR; k++)
            if (k != i) around[m++] = v[k];
        const int usual = median(around, m);
        if (m && (v[i] > 1.7 * usual || v[i] < 0.4 * usual)) return false;
    }
    return true;
}

static int largest(const int *v, size_t n) {
    int most = 0;
    for (size_t i = 0; i < n; i++) most = v[i] > most ? v[i] : most;
    return most;
}

/* `room` holds the sizes of n packets. */
static void weigh_gop(gop *g, int *room) {
    const int k = g->f->size;
    g->calm = g->f->key;
    for (int bi = 1; bi >= 0; bi--) {                    /* the others last: they stay in room */
        size_t m = 0;
        for (size_t i = 1; i < g->n; i++)
            if (g->f[i].bi == (bi == 1)) room[m++] = g->f[i].size;
        if (m == 0) continue;
        int *sorted = room + m;
        memcpy(sorted, room, m * sizeof *room);
        qsort(sorted, m, sizeof *room, by_size);
        const int middle = sorted[m / 2], most = sorted[m - 1];
        g->calm = g->calm && middle < 0.4 * k && most < fmax(0.15 * k, 2.5 * middle);
        g->even = bi ? most < 0.3 * k : g->even && most < 0.5 * k && sorted[0] > 0.33 * middle && locally_even(room, m);
        if (bi) continue;
        g->settled = median(room, m < 2 * NEAR ? m : 2 * NEAR) < 1.5 * middle;
        g->head = largest(room, m < NEAR ? m : NEAR);
        g->tail = largest(room + (m < NEAR ? 0 : m - NEAR), m < NEAR ? m : NEAR);
    }
    g->even = g->even && g->f->key;
}

static zt_err make_gops(scan *s, gop *g) {
    int *room = zt_alloc_array(2 * s->frames, sizeof *room);
    size_t at = 0;
    if (!room) return ZT_NOMEM;
    for (size_t k = 0; k < s->keys; k++) {
        while (at + 1 < s->frames && s->frame[at].t < s->key[k].t - 1e-6) at++;
        size_t end = at + 1;
        while (end < s->frames && (k + 1 == s->keys || s->frame[end].t < s->key[k + 1].t - 1e-6)) end++;
        g[k] = (gop){.f = s->frame + at, .n = end - at, .even = true};
        weigh_gop(&g[k], room);
    }
    zt_free(room);
    return ZT_OK;
}

/* The encoder chose to end this one early, and does not do so at even distances. */
static bool ended_early(const scan *s, const gop *g, size_t k) {
    size_t same = 0;
    for (size_t i = 0; i + 1 < s->keys; i++) same += g[i].n == g[k].n;
    return s->keyint > 0 && g[k].n < (size_t)s->keyint && (same < 3 || 5 * same < s->keys);
}

/* The key frame after k begins a shot: the encoder says so, the pictures do, and the packets around it are small beside it. */
static bool cut_after(const scan *s, const gop *g, size_t k, double apart) {
    const gop *a = &g[k], *b = a + 1;
    return ended_early(s, g, k) && a->even && b->settled && apart > CERTAIN && RATIO * a->tail < b->f->size && RATIO * b->head < b->f->size;
}

/* Key frames that begin shots for certain are kept; the ranges that are not quiet become s->look. */
static zt_err pick_ranges(scan *s) {
    zt_err e;
    gop *g = zt_alloc_array(s->keys, sizeof *g);
    if (!g) return ZT_NOMEM;
    ZT_TRY(e = make_gops(s, g), done);
    for (size_t k = 0; k < s->keys && e == ZT_OK; k++) {
        const bool last = k + 1 == s->keys;
        const double from = s->key[k].t, to = last ? s->frame[s->frames - 1].t + 1 : s->key[k + 1].t;
        const double apart = last ? 0 : zt_thumbs_apart(s->key[k].thumb, s->key[k + 1].thumb);
        if (!last && g[k].calm && apart < SAME_SHOT) continue;
        if (last && s->keyint && g[k].even) continue;
        if (!last && s->cfg.kind != ZT_SCENES_THRESHOLD && s->cfg.kind != ZT_SCENES_CONTENT && cut_after(s, g, k, apart)) {
            e = zt_scenes_put(s->found, (zt_boundary){to, to, ZT_BOUNDARY_CUT});
            continue;
        }
        range *r = s->look.n ? &s->look.r[s->look.n - 1] : NULL;
        if (r && r->to >= from - 1e-6 && to - r->from < RANGE_S) r->to = to;
        else e = add_range(&s->look, (range){from, to, r && r->to >= from - 1e-6 ? MARGIN_S : 0});
    }
done:
    zt_free(g);
    return e;
}

/* With so few ranges that a thread would wait, the longest is shared. */
static zt_err split_ranges(scan *s) {
    for (;;) {
        size_t most = 0;
        double sum = 0;
        for (size_t i = 0; i < s->look.n; i++) {
            const range *r = &s->look.r[i];
            sum += r->to - r->from;
            if (r->to - r->from > s->look.r[most].to - s->look.r[most].from) most = i;
        }
        if (s->look.n == 0) return ZT_OK;
        range *r = &s->look.r[most];
        if (r->to - r->from <= fmax(sum / THREADS * 1.1, 6)) return ZT_OK;
        const double middle = 0.5 * (r->from + r->to);
        double best = r->from;
        for (size_t k = 0; k < s->keys; k++)
            if (fabs(s->key[k].t - middle) < fabs(best - middle)) best = s->key[k].t;
        if (best <= r->from || best >= r->to) return ZT_OK;
        const range rest = {best, r->to, MARGIN_S};
        r->to = best;
        const zt_err e = add_range(&s->look, rest);
        if (e != ZT_OK) return e;
    }
}

/* ---- decoding a stretch ---- */

typedef struct looker {            /* one thread's */
    scan *s;
    zt_decoder *dec;
    AVFrame *f;
    double *t;                     /* times of the pictures of the last stretch */
    size_t n, cap;
} looker;

static size_t frame_index(const scan *s, double t) {
    size_t low = 0, high = s->frames;
    while (low < high) {
        const size_t m = (low + high) / 2;
        if (s->frame[m].t < t - 1e-6) low = m + 1;
        else high = m;
    }
    return low;
}

/* Frames from..to into the detectors; ZT_OK with s->whole set when the file cannot be entered there. */
static zt_err stretch(looker *l, double from, double to, enum AVDiscard skip, zt_scenes *a, zt_scenes *b) {
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
        ZT_TRY(e = grow((void **)&l->t, l->n, &l->cap, sizeof *l->t), done);
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

static zt_err keep(scan *s, zt_boundary b) {
    pthread_mutex_lock(&s->lock);
    const zt_err e = zt_scenes_put(s->found, b);
    pthread_mutex_unlock(&s->lock);
    return e;
}

/* All frames around r are decoded: the boundaries that start in it. */
static zt_err look_closely(looker *l, range r, double after) {
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
static size_t picture_at(const looker *l, double t) {
    size_t k = 0;
    while (k < l->n && l->t[k] < t - 1e-9) k++;
    return k;
}

/* May what the detector found without bidirectional frames stay as it is? A cut only between neighbours in the file; a dissolve or
 * fade begins right after the last picture that was not yet in it. */
static bool is_exact(const looker *l, zt_boundary *b) {
    const scan *s = l->s;
    const size_t k = picture_at(l, b->start_s);
    if (k == 0 || k >= l->n) return false;
    const size_t before = frame_index(s, l->t[k - 1]);
    if (b->kind == ZT_BOUNDARY_CUT) return b->start_s == b->end_s && frame_index(s, l->t[k]) - before == 1;
    if (before + 1 < s->frames) b->start_s = s->frame[before + 1].t;
    return true;
}

static int by_start(const void *a, const void *b) {
    const double x = ((const range *)a)->from, y = ((const range *)b)->from;
    return (x > y) - (x < y);
}

/* Keep what the detector found where another may have seen something; doubt what it did not find there. */
static zt_err weigh(const looker *l, const zt_boundary *all, size_t m, size_t at, const zt_boundary *sure, size_t n,
                    ranges *doubts) {
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
    return add_range(doubts, (range){from - around, may.end_s + around, DOUBT_S});
}

/* Without bidirectional frames: exact cuts are kept, what else may be a boundary goes into doubts. */
static zt_err look_coarsely(looker *l, range r, ranges *doubts) {
    zt_scenes *strict = NULL, *eager = NULL;
    zt_scene_cfg wide = l->s->cfg;
    const zt_boundary *b, *may;
    double settled;
    zt_err e;
    wide.eager = true;
    wide.min_scene_s = 1e-3;
    ZT_TRY(e = zt_scenes_create(&strict, &l->s->cfg), done);
    ZT_TRY(e = zt_scenes_create(&eager, &wide), done);
    ZT_TRY(e = stretch(l, r.from - r.before, r.to + MARGIN_S, AVDISCARD_BIDIR, strict, eager), done);
    const size_t n = zt_scenes_boundaries(strict, &b, &settled), m = zt_scenes_boundaries(eager, &may, &settled);
    for (size_t i = 0; i < m && e == ZT_OK; i++)
        if (may[i].end_s >= r.from - 1e-6 && may[i].start_s <= r.to + 1e-6) e = weigh(l, may, m, i, b, n, doubts);
    for (size_t i = 1; i < l->n && e == ZT_OK; i++)
        if (l->t[i] - l->t[i - 1] > GAP_MAX_S && l->t[i] > r.from && l->t[i - 1] < r.to)
            e = add_range(doubts, (range){l->t[i - 1] - MIX_CORE_S, l->t[i] + MIX_CORE_S, DOUBT_S});
    qsort(doubts->r, doubts->n, sizeof *doubts->r, by_start);
done:
    zt_scenes_destroy(&strict);
    zt_scenes_destroy(&eager);
    return e;
}

/* Where decoding must begin to see time t. */
static double key_before(const scan *s, double t) {
    size_t k = s->keys;
    while (k > 1 && s->key[k - 1].t > t) k--;
    return s->key[k - 1].t;
}

static zt_err look_at(looker *l, range r) {
    zt_err e;
    ranges doubts = {0};
    if (!l->s->coarse) return look_closely(l, r, MARGIN_S);
    ZT_TRY(e = look_coarsely(l, r, &doubts), done);
    for (size_t i = 0; i < doubts.n && e == ZT_OK;) {
        range d = doubts.r[i++];
        for (; i < doubts.n && key_before(l->s, doubts.r[i].from - DOUBT_S) <= d.to + DOUBT_S; i++) d.to = fmax(d.to, doubts.r[i].to);
        e = look_closely(l, d, DOUBT_S);
    }
done:
    zt_free(doubts.r);
    return e;
}

/* ---- threads ---- */

static bool take(scan *s, range *r) {
    pthread_mutex_lock(&s->lock);
    const bool some = s->err == ZT_OK && !s->whole && s->next < s->look.n;
    if (some) *r = s->look.r[s->next++];
    pthread_mutex_unlock(&s->lock);
    return some;
}

static void *work(void *arg) {
    scan *s = arg;
    looker l = {.s = s, .f = av_frame_alloc()};
    zt_reader_cfg cfg = s->reading;
    double t, duration;
    bool end;
    range r;
    zt_err e = l.f ? ZT_OK : zt_fail(ZT_NOMEM, "%s: no memory for a frame", s->path);
    if (e != ZT_OK) goto done;
    cfg.threads = s->look.n > 1 ? 1 : THREADS;
    ZT_TRY(e = zt_decoder_open(&l.dec, s->path, NULL, 0, &cfg), done);
    ZT_TRY(e = zt_decoder_next(l.dec, l.f, &t, &duration, &end), done);
    while (e == ZT_OK && take(s, &r)) e = look_at(&l, r);
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

static zt_err look(scan *s) {
    pthread_t other;
    const bool two = s->look.n > 1 && pthread_create(&other, NULL, work, s) == 0;
    work(s);
    if (two) pthread_join(other, NULL);
    return s->err == ZT_OK ? ZT_OK : zt_fail(s->err, "%s", s->text);
}

/* ---- the whole ---- */

static zt_err full_pass(zt_scan *out, scan *s) {
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

static zt_err take_found(zt_scan *out, scan *s) {
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
    scan s = {.path = path, .cfg = *cfg, .clocked = true};
    zt_err e;
    *out = (zt_scan){0};
    pthread_mutex_init(&s.lock, NULL);
    s.reading = (zt_reader_cfg){.draft = true, .threads = THREADS, .max_pixels = 64 * 1024 * 1024, .stall_s = 120};
    ZT_TRY(e = zt_scenes_create(&s.found, cfg), done);
    ZT_TRY(e = read_keys(&s), done);
    if (!s.whole) {
        ZT_TRY(e = pick_ranges(&s), done);
        ZT_TRY(e = split_ranges(&s), done);
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
