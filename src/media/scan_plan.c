/* scan_plan.c - see scan.c: what packets and key frames say, and where to look.
 * Tested by tests/media/test_media_scan.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "media/scan_impl.h"
#include "media/thumb.h"

static const double SAME_SHOT = 0.15;    /* zt_thumbs_apart; two shots are from 0.3 on */
static const double GOP_MAX_S = 5;       /* a doubt is decoded from the key frame before it on: no use where that is far */
static const double RANGE_S = 90;        /* longest range of one thread at a time */
static const double CERTAIN = 0.4, RATIO = 2.6;  /* a key frame that differs so much begins a shot when it is so many times its
                                                 * neighbours' size */
enum { THREADS = 2, NEAR = 4 };

zt_err zt_scan_grow(void **list, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return ZT_OK;
    const size_t more = *cap ? 2 * *cap : 256;
    void *p = zt_realloc(*list, more * size);
    if (!p) return ZT_NOMEM;
    *list = p;
    *cap = more;
    return ZT_OK;
}

zt_err zt_scan_add(zt_scan_ranges *l, zt_scan_range r) {
    const zt_err e = zt_scan_grow((void **)&l->r, l->n, &l->cap, sizeof *l->r);
    if (e == ZT_OK) l->r[l->n++] = r;
    return e;
}

/* ---- packets and key frames ---- */

/* The number after "name=" in the text, -1: not there. */
static int option(const char *text, const char *name) {
    const char *at = strstr(text, name);
    if (!at) return -1;
    int n = 0;
    for (at += strlen(name); *at >= '0' && *at <= '9' && n < 100000; at++) n = 10 * n + *at - '0';
    return n;
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
    zt_scan_job *s = arg;
    const zt_err e = zt_scan_grow((void **)&s->frame, s->frames, &s->frames_cap, sizeof *s->frame);
    if (e != ZT_OK) return e;
    s->clocked = s->clocked && !isnan(p->t) && !p->hidden;
    if (s->frames == 0) s->keyint = read_options(p->data, (size_t)p->size);
    s->frame[s->frames++] = (zt_scan_frame){.t = p->t, .size = p->size, .key = p->key};
    return ZT_OK;
}

static int by_time(const void *a, const void *b) {
    const double x = ((const zt_scan_frame *)a)->t, y = ((const zt_scan_frame *)b)->t;
    return (x > y) - (x < y);
}

/* Mark what is shown before an earlier packet, then sort. Times are since the first frame from here on. */
static void order_frames(zt_scan_job *s) {
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

zt_err zt_scan_read_keys(zt_scan_job *s) {
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
        ZT_TRY(e = zt_scan_grow((void **)&s->key, s->keys, &s->keys_cap, sizeof *s->key), done);
        s->key[s->keys].t = t;
        ZT_TRY(e = zt_thumb_make(f, s->key[s->keys++].thumb), done);
        s->whole = s->keys > 50 && 3 * s->keys > s->frames;          /* hardly anything else in it */
        if (s->whole) goto done;
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
    const zt_scan_frame *f;
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

static zt_err make_gops(zt_scan_job *s, gop *g) {
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
static bool ended_early(const zt_scan_job *s, const gop *g, size_t k) {
    size_t same = 0;
    for (size_t i = 0; i + 1 < s->keys; i++) same += g[i].n == g[k].n;
    return s->keyint > 0 && g[k].n < (size_t)s->keyint && (same < 3 || 5 * same < s->keys);
}

/* The key frame after k begins a shot: the encoder says so, the pictures do, and the packets around it are small beside it. */
static bool cut_after(const zt_scan_job *s, const gop *g, size_t k, double apart) {
    const gop *a = &g[k], *b = a + 1;
    return ended_early(s, g, k) && a->even && b->settled && apart > CERTAIN && RATIO * a->tail < b->f->size &&
           RATIO * b->head < b->f->size;
}

zt_err zt_scan_pick(zt_scan_job *s) {
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
        zt_scan_range *r = s->look.n ? &s->look.r[s->look.n - 1] : NULL;
        if (r && r->to >= from - 1e-6 && to - r->from < RANGE_S) r->to = to;
        else e = zt_scan_add(&s->look, (zt_scan_range){from, to, r && r->to >= from - 1e-6 ? ZT_SCAN_MARGIN_S : 0});
    }
done:
    zt_free(g);
    return e;
}

zt_err zt_scan_split(zt_scan_job *s) {
    for (;;) {
        size_t most = 0;
        double sum = 0;
        for (size_t i = 0; i < s->look.n; i++) {
            const zt_scan_range *r = &s->look.r[i];
            sum += r->to - r->from;
            if (r->to - r->from > s->look.r[most].to - s->look.r[most].from) most = i;
        }
        if (s->look.n == 0) return ZT_OK;
        zt_scan_range *r = &s->look.r[most];
        if (r->to - r->from <= fmax(sum / THREADS * 1.1, 6)) return ZT_OK;
        const double middle = 0.5 * (r->from + r->to);
        double best = r->from, cost = INFINITY;                  /* the part behind it decodes from the key frame before it on */
        for (size_t k = 1; k < s->keys; k++) {
            const double c = fabs(s->key[k].t - middle) + s->key[k].t - s->key[k - 1].t;
            if (s->key[k].t > r->from && s->key[k].t < r->to && c < cost) cost = c, best = s->key[k].t;
        }
        if (best <= r->from || best >= r->to) return ZT_OK;
        const zt_scan_range rest = {best, r->to, ZT_SCAN_MARGIN_S};
        r->to = best;
        const zt_err e = zt_scan_add(&s->look, rest);
        if (e != ZT_OK) return e;
    }
}

