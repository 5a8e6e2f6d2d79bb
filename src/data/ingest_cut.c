/* ingest_cut.c - which frames of a shot become clips: chunk, head, slide, uniform, full. It sees frames and shots, no files.
 * Tested by tests/data/test_data_cut.c. */
#include <string.h>

#include "data/ingest_impl.h"

static int64_t shortest(const zt_ingest_cutter *c) { return c->cfg->frames[0]; }
static int64_t longest(const zt_ingest_cutter *c) { return c->cfg->frames[c->cfg->n_frames - 1]; }

/* The largest length that n frames are enough for; 0: none. */
static int64_t fitting(const zt_ingest_cutter *c, int64_t n) {
    const zt_ingest_cfg *k = c->cfg;
    if (k->mode == ZT_MODE_FULL) {
        if (n > longest(c)) n = longest(c);
        if (k->frame_step > 0) n = (n - 1) / k->frame_step * k->frame_step + 1;
        return n >= shortest(c) ? n : 0;
    }
    int64_t best = 0;
    for (int i = 0; i < k->n_frames; i++)
        if (k->frames[i] <= n) best = k->frames[i];
    return best;
}

/* Length of the present clip, as far as that is known before the shot ends. */
static int64_t wanted(const zt_ingest_cutter *c) {
    if (c->cfg->mode != ZT_MODE_UNIFORM) return longest(c);
    return c->shot_at < c->n_shots ? fitting(c, c->shot[c->shot_at]) : 0;
}

/* First frame, in the shot, of clip number i; INT64_MAX: there is none. */
static int64_t place(const zt_ingest_cutter *c, int64_t i) {
    const zt_ingest_cfg *k = c->cfg;
    const int64_t n = wanted(c);
    if (n == 0) return INT64_MAX;
    switch (k->mode) {
    case ZT_MODE_HEAD: return i == 0 ? 0 : INT64_MAX;
    case ZT_MODE_SLIDE: return i * (k->stride ? k->stride : (n + 1) / 2);
    case ZT_MODE_UNIFORM: {
        const int64_t room = c->shot[c->shot_at] - n, asked = k->per_shot ? k->per_shot : 4;
        const int64_t count = asked < room + 1 ? asked : room + 1;
        return i >= count ? INT64_MAX : count == 1 ? room / 2 : (2 * i * room + count - 1) / (2 * (count - 1));
    }
    default: return i * n;
    }
}

/* Give frames 0..n-1 of the buffer away. */
static zt_err give(zt_ingest_cutter *c, int64_t n) {
    const zt_ingest_clip clip = {c->first, n, c->buf};
    c->clips++;
    return c->give(c->ctx, &clip);
}

/* Drop n frames from the front of the buffer. */
static void drop(zt_ingest_cutter *c, int64_t n) {
    if (n > c->have) n = c->have;
    c->have -= n;
    c->first += n;
    memmove(c->buf, c->buf + (size_t)n * c->frame_bytes, (size_t)c->have * c->frame_bytes);
}

zt_err zt_ingest_cutter_frame(zt_ingest_cutter *c, int64_t k, const uint8_t *rgb) {
    zt_err e = ZT_OK;
    if (c->seen == 0) c->start = place(c, 0);
    if (c->seen++ < c->start) return ZT_OK;
    if (c->have == 0) c->first = k;
    memcpy(c->buf + (size_t)c->have++ * c->frame_bytes, rgb, c->frame_bytes);
    if (c->have < wanted(c)) return ZT_OK;
    e = give(c, c->have);
    const int64_t next = place(c, c->clips), step = next - c->start;
    c->start = next;
    drop(c, step);
    return e;
}

zt_err zt_ingest_cutter_end_shot(zt_ingest_cutter *c) {
    const zt_ingest_mode mode = c->cfg->mode;
    const bool once = mode == ZT_MODE_HEAD || mode == ZT_MODE_SLIDE;
    const bool open = mode != ZT_MODE_UNIFORM && !(once && c->clips > 0);
    zt_err e = ZT_OK;
    int64_t n;
    if (c->seen == 0) return ZT_OK;
    while (open && e == ZT_OK && !(once && c->clips > 0) && (n = fitting(c, c->have)) > 0) {
        e = give(c, n);
        drop(c, n);
    }
    c->have = c->seen = c->clips = 0;
    c->shot_at++;
    return e;
}

zt_err zt_ingest_cutter_start(zt_ingest_cutter *c, size_t frame_bytes) {
    if (c->frame_bytes != frame_bytes) {
        zt_free(c->buf);
        c->buf = zt_alloc_array((size_t)longest(c), frame_bytes);
        c->frame_bytes = c->buf ? frame_bytes : 0;
        if (!c->buf) return ZT_NOMEM;
    }
    c->have = c->seen = c->clips = c->shot_at = 0;
    return ZT_OK;
}

void zt_ingest_cutter_finish(zt_ingest_cutter *c) {
    zt_free(c->buf);
    c->buf = NULL;
    c->frame_bytes = 0;
}
