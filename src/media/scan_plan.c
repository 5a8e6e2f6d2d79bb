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
enum { THREADS = 2 };

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

static zt_err on_packet(void *arg, const zt_packet *p) {
    zt_scan_job *s = arg;
    const zt_err e = zt_scan_grow((void **)&s->frame, s->frames, &s->frames_cap, sizeof *s->frame);
    if (e != ZT_OK) return e;
    s->clocked = s->clocked && !isnan(p->t) && !p->hidden;
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
    if (s->frames) qsort(s->frame, s->frames, sizeof *s->frame, by_time);
    const double first = s->frame[0].t;
    for (size_t i = 0; i < s->frames; i++) s->frame[i].t -= first;
    const bool enterable = s->frame[s->frames - 1].t <= GOP_MAX_S * (double)s->keys;
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

static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* The frames of one kind among n behind a key frame of k bytes are small beside it, and none stands out. `room` holds sizes. */
static bool calm(const zt_scan_frame *f, size_t n, bool bi, int *room) {
    const int k = f->size;
    size_t m = 0;
    for (size_t i = 1; i < n; i++)
        if (f[i].bi == bi) room[m++] = f[i].size;
    if (m == 0) return true;
    qsort(room, m, sizeof *room, by_size);
    return room[m / 2] < 0.4 * k && room[m - 1] < fmax(0.15 * k, 2.5 * room[m / 2]);
}

/* What is not calm between two key frames of the same shot becomes s->look. */
zt_err zt_scan_pick(zt_scan_job *s) {
    zt_err e = ZT_OK;
    size_t at = 0;
    int *room = zt_alloc_array(s->frames, sizeof *room);
    if (!room) return ZT_NOMEM;
    for (size_t k = 0; k < s->keys && e == ZT_OK; k++) {
        const bool last = k + 1 == s->keys;
        const double from = s->key[k].t, to = last ? s->frame[s->frames - 1].t + 1 : s->key[k + 1].t;
        while (at + 1 < s->frames && s->frame[at].t < from - 1e-6) at++;
        size_t end = at + 1;
        while (end < s->frames && s->frame[end].t < to - 1e-6) end++;
        const zt_scan_frame *f = s->frame + at;
        if (!last && f->key && zt_thumbs_apart(s->key[k].thumb, s->key[k + 1].thumb) < SAME_SHOT &&
            calm(f, end - at, false, room) && calm(f, end - at, true, room))
            continue;
        zt_scan_range *r = s->look.n ? &s->look.r[s->look.n - 1] : NULL;
        if (r && r->to >= from - 1e-6 && to - r->from < RANGE_S) r->to = to;
        else e = zt_scan_add(&s->look, (zt_scan_range){from, to, r && r->to >= from - 1e-6 ? ZT_SCAN_MARGIN_S : 0});
    }
    zt_free(room);
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

