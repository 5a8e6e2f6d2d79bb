/* buckets.c - see buckets.h. Tested by tests/train/test_buckets.c and tests/cli/test_buckets.sh. */
#include "train/buckets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what may be asked for ---- */

static zt_err check_options(const zt_data_cfg *d) {
    if (d->frames || d->height || d->width)
        return zt_fail(ZT_CONFIG,
                       "data.buckets and data.frames, height, width exclude each other: name all sizes in data.buckets");
    if (d->curriculum_frames.n || d->curriculum_sides.n)
        return zt_fail(ZT_CONFIG, "data.buckets and data.curriculum_frames, curriculum_sides exclude each other: a stage of a "
                                  "curriculum has one size; leave one of them out");
    return ZT_OK;
}

/* The largest size within `s` that the network can take; false: none is near. */
static bool possible(const zt_net *net, zt_size s, zt_size *out) {
    enum { NEAR = 64 };
    int64_t best = 0;
    for (int f = s.frames; f > 0 && f > s.frames - NEAR; f--)
        for (int h = s.height; h > 0 && h > s.height - NEAR; h--)
            for (int w = s.width; w > 0 && w > s.width - NEAR; w--) {
                const zt_size size = {f, h, w};
                const zt_net other = zt_net_at(net, size);
                if (zt_size_pixels(size) <= best) break;              /* and narrower ones too */
                if (zt_net_check(&other) != ZT_OK) continue;
                best = zt_size_pixels(size);
                *out = size;
            }
    return best > 0;
}

static zt_err check_net(const zt_net *net, const zt_sizes *sizes) {
    for (int k = 0; k < sizes->n; k++) {
        char have[ZT_SIZE_TEXT], can[ZT_SIZE_TEXT], why[256], what[256];
        const zt_net other = zt_net_at(net, sizes->v[k]);
        zt_size near;
        const zt_err e = zt_net_check(&other);
        if (e == ZT_OK) continue;
        snprintf(why, sizeof why, "%s", zt_err_text());
        if (possible(net, sizes->v[k], &near))
            snprintf(what, sizeof what,
                     "the largest within it that this model can take is %s; name the sizes to be made of the clips in "
                     "data.buckets",
                     zt_size_text(near, can));
        else snprintf(what, sizeof what, "leave it out of data.buckets, or change the model");
        return zt_fail(e, "data.buckets: %s: %s; %s", zt_size_text(sizes->v[k], have), why, what);
    }
    return ZT_OK;
}

/* ---- choosing ---- */

typedef struct choice {
    zt_train_cfg *c;
    zt_size_count *train;                /* sizes of the training clips */
    int n;
    bool automatic;
} choice;

/* How many clips of bucket k make a batch; a multiple of the parts that it is computed in. */
static int64_t batch_of(const zt_train_cfg *c, int k) {
    const zt_sizes *s = &c->buckets.by.sizes;
    const int64_t parts = c->train.accumulate < 1 ? 1 : c->train.accumulate;
    if (k == 0 || c->data.bucket_batch == ZT_BATCH_SAME) return c->train.batch;
    const double clips = (double)c->train.batch * (double)zt_size_pixels(s->v[0]) / (double)zt_size_pixels(s->v[k]);
    const int64_t n = (int64_t)floor(clips / (double)parts + 0.5) * parts;
    return n < parts ? parts : n > 4096 ? 4096 / parts * parts : n;
}

static int by_clips(const void *a, const void *b) {
    const zt_size_count *x = a, *y = b;
    if (x->clips != y->clips) return x->clips < y->clips ? 1 : -1;
    const int64_t p = zt_size_pixels(x->size), q = zt_size_pixels(y->size);
    return p != q ? (p < q ? 1 : -1) : memcmp(&x->size, &y->size, sizeof x->size);
}

/* The sizes with the most clips. */
static void most_frequent(choice *h, zt_sizes *s) {
    qsort(h->train, (size_t)h->n, sizeof *h->train, by_clips);
    for (s->n = 0; s->n < h->n && s->n < ZT_SIZES_MAX; s->n++) s->v[s->n] = h->train[s->n].size;
}

static zt_err no_bucket(const choice *h, const zt_size_count *k, const char *split) {
    char size[ZT_SIZE_TEXT], list[ZT_SIZES_TEXT];
    return zt_fail(ZT_CONFIG,
                   "data.buckets: %lld clips of %s (split %s) fit no bucket (%s): they are shorter%s; add a bucket that they can "
                   "be cut to%s%s, or leave them out (zoe data drop)",
                   (long long)k->clips, zt_size_text(k->size, size), split, zt_sizes_text(&h->c->buckets.by.sizes, list),
                   h->c->data.resize ? ", or too far in shape" : ", lower or narrower",
                   h->c->data.resize ? "" : ", have them resized (data.resize)",
                   h->automatic ? ", take a smaller train.batch so that their size becomes a bucket" : "");
}

/* Count the training clips of each bucket, and put the one with the most first. */
static zt_err assign(choice *h) {
    zt_run_buckets *b = &h->c->buckets;
    zt_size_count count[ZT_SIZES_MAX];
    for (int k = 0; k < b->by.sizes.n; k++) count[k] = (zt_size_count){b->by.sizes.v[k], 0};
    for (int i = 0; i < h->n; i++) {
        const int k = zt_bucket_of(&b->by, h->train[i].size);
        if (k < 0) return no_bucket(h, &h->train[i], "train");
        count[k].clips += h->train[i].clips;
    }
    qsort(count, (size_t)b->by.sizes.n, sizeof *count, by_clips);
    b->n = b->by.sizes.n;
    for (int k = 0; k < b->n; k++) b->by.sizes.v[k] = count[k].size;
    for (int k = 0; k < b->n; k++) b->v[k] = (zt_run_bucket){k, batch_of(h->c, k), count[k].clips};
    return ZT_OK;
}

static zt_err too_few(const choice *h, int k) {
    const zt_run_buckets *b = &h->c->buckets;
    char size[ZT_SIZE_TEXT];
    return zt_fail(ZT_CONFIG,
                   "data.buckets: %s has %lld of the training clips, and a batch of it has %lld; leave it out, take a smaller "
                   "train.batch, or add clips (`zoe data stats` lists the sizes there are)",
                   zt_size_text(b->by.sizes.v[k], size), (long long)b->v[k].clips, (long long)b->v[k].batch);
}

/* Assign; with auto leave out the smallest bucket again and again until all have a batch. */
static zt_err settle(choice *h) {
    zt_run_buckets *b = &h->c->buckets;
    for (;;) {
        const zt_err e = assign(h);
        if (e != ZT_OK) return e;
        int k = b->n - 1;
        while (k >= 0 && b->v[k].clips >= b->v[k].batch) k--;
        if (k < 0) return ZT_OK;
        if (!h->automatic || b->n == 1) return too_few(h, k);
        memmove(&b->by.sizes.v[k], &b->by.sizes.v[k + 1], (size_t)(b->n - 1 - k) * sizeof b->by.sizes.v[0]);
        b->by.sizes.n--;
    }
}

static zt_err check_validation(const zt_dataset *ds, const choice *h) {
    zt_size_count *list;
    int n;
    zt_err e = zt_dataset_sizes(ds, "val", &list, &n);
    for (int k = 0; k < n && e == ZT_OK; k++)
        if (zt_bucket_of(&h->c->buckets.by, list[k].size) < 0) e = no_bucket(h, &list[k], "val");
    zt_free(list);
    return e;
}

zt_err zt_run_buckets_choose(zt_dataset *ds, zt_train_cfg *c) {
    choice h = {.c = c, .automatic = strcmp(c->data.buckets, "auto") == 0};
    zt_run_buckets *b = &c->buckets;
    zt_err e;
    *b = (zt_run_buckets){.by.resize = c->data.resize};
    if (!*c->data.buckets) return ZT_OK;
    ZT_TRY(e = check_options(&c->data), done);
    ZT_TRY(e = zt_dataset_sizes(ds, "train", &h.train, &h.n), done);
    if (h.automatic) most_frequent(&h, &b->by.sizes);
    else ZT_TRY(e = zt_sizes_parse(&b->by.sizes, c->data.buckets, "data.buckets"), done);
    ZT_TRY(e = settle(&h), done);
    ZT_TRY(e = check_net(&c->net, &b->by.sizes), done);
    ZT_TRY(e = check_validation(ds, &h), done);
    c->net = zt_net_at(&c->net, b->by.sizes.v[0]);
    c->net.sizes = b->by.sizes;
    e = zt_dataset_group(ds, b->n, zt_bucket_of, &b->by);
done:
    zt_free(h.train);
    return e;
}

/* ---- one bucket ---- */

int zt_bucket_count(const zt_train_cfg *c) { return c->buckets.n ? c->buckets.n : 1; }

zt_train_cfg zt_bucket_cfg(const zt_train_cfg *c, int k) {
    zt_train_cfg out = *c;
    if (c->buckets.n == 0) return out;
    out.net = zt_net_at(&c->net, c->buckets.by.sizes.v[k]);
    out.train.batch = c->buckets.v[k].batch;
    out.buckets.n = out.buckets.by.sizes.n = 1;
    out.buckets.by.sizes.v[0] = c->buckets.by.sizes.v[k];
    out.buckets.v[0] = c->buckets.v[k];
    return out;
}

const char *zt_bucket_text(const zt_train_cfg *c, int k, char *out, size_t cap) {
    char size[ZT_SIZE_TEXT];
    snprintf(out, cap, "%s: %lld clips, batch %lld", zt_size_text(c->buckets.by.sizes.v[k], size),
             (long long)c->buckets.v[k].clips, (long long)c->buckets.v[k].batch);
    return out;
}
