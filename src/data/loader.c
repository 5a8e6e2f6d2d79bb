/* loader.c - see loader.h. Threads take batch numbers in order and fill a ring of slots; what a batch holds is computed from its
 * number alone, so nothing depends on who fills it or when. What is done to a clip is loader_clip.c. */
#include "data/loader.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "data/bucket.h"
#include "data/loader_impl.h"
#include "data/order.h"

enum { BATCH_MAX = 4096, DEPTH_MAX = 64, THREADS_MAX = 16, SIDE_MAX = 16384, FRAMES_MAX = 1 << 20 };

/* One batch of the ring. */
typedef struct slot {
    uint8_t *rgb;
    const char **caption;
    char **mirrored;       /* captions that are ours: of mirrored clips */
    int64_t *id;
    int64_t number;        /* which batch is in it; -1: none */
    int bucket;
    zt_err err;
    char why[512];         /* its text: error texts belong to the thread that failed */
} slot;

typedef struct worker { zt_loader *l; pthread_t thread; bool started; zt_scratch scratch; } worker;

struct zt_loader {
    const zt_dataset *ds;
    zt_loader_cfg cfg;
    char split_name[16];
    zt_order order;                 /* its parts are the buckets */
    zt_size size[ZT_SIZES_MAX];     /* of the clips of each */
    int most;                       /* clips of the largest batch */
    slot slot[DEPTH_MAX];
    worker worker[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t made, taken;
    int64_t next_fill, next_take;   /* numbers; next_take - 1 is with the consumer */
    bool stop;
    double wait_s;
};

/* ---- what is in a batch ---- */

static zt_err check_clip(const zt_loader_cfg *c, const zt_clip_view *v) {
    const double aspect = (double)v->width * c->height / ((double)v->height * c->width);
    if (c->resize && (aspect > ZT_ASPECT_MAX || aspect < 1.0 / ZT_ASPECT_MAX))
        return zt_fail(ZT_CONFIG,
                       "data loader: clip %s is %dx%d: too far in shape from %dx%d to be resized to it; leave it out, or "
                       "ask for another shape",
                       v->key, v->width, v->height, c->width, c->height);
    if (v->frames >= c->frames && (c->resize || (v->height >= c->height && v->width >= c->width))) return ZT_OK;
    return zt_fail(
        ZT_CONFIG,
        "data loader: clip %s (split %s) has %d frames of %dx%d, %d of %dx%d were asked for; ask for less, make the data "
        "set with larger clips, or (for the size alone) have them resized: data.resize",
        v->key, c->split ? c->split : "all", v->frames, v->width, v->height, c->frames, c->width, c->height);
}

/* The loader's choices at the size of one bucket. */
static zt_loader_cfg bucket_cfg(const zt_loader *l, int k) {
    zt_loader_cfg c = l->cfg;
    c.batch = l->order.part[k].batch;
    c.frames = l->size[k].frames;
    c.height = l->size[k].height;
    c.width = l->size[k].width;
    return c;
}

static zt_err fill_clip(worker *w, slot *s, const zt_loader_cfg *c, int i, int64_t at, zt_rng *r) {
    const zt_loader *l = w->l;
    const size_t bytes = (size_t)c->frames * (size_t)c->height * (size_t)c->width * 3;
    zt_clip_view v;
    bool no_flip;
    zt_err e;
    ZT_TRY(e = zt_order_clip(&l->order, s->bucket, at, &v), done);
    ZT_TRY(e = check_clip(c, &v), done);
    ZT_TRY(e = zt_labels_no_flip(&v, &no_flip), done);
    const zt_cut k = zt_cut_choose(c, &v, no_flip, r);
    ZT_TRY(e = zt_cut_apply(c, &v, &k, &w->scratch, s->rgb + (size_t)i * bytes), done);
    zt_dataset_forget(l->ds, &v);
    zt_free(s->mirrored[i]);
    s->mirrored[i] = NULL;
    if (k.mirror) ZT_TRY(e = zt_caption_mirror(v.caption, &s->mirrored[i]), done);
    s->caption[i] = k.mirror ? s->mirrored[i] : v.caption;
    s->id[i] = v.id;
done:
    return e;
}

static zt_err fill(worker *w, slot *s, int64_t number) {
    const zt_loader *l = w->l;
    int64_t first;
    zt_err e;
    ZT_TRY(e = zt_order_batch(&l->order, number, &s->bucket, &first), done);
    const zt_loader_cfg c = bucket_cfg(l, s->bucket);
    for (int i = 0; i < c.batch; i++) {
        zt_rng r = zt_rng_init(c.seed, zt_hash_name("loader/augment") + (uint64_t)(number * l->most + i));
        ZT_TRY(e = fill_clip(w, s, &c, i, first + i, &r), done);
    }
done:
    return e;
}

/* ---- threads ---- */

static void *work(void *arg) {
    worker *w = arg;
    zt_loader *l = w->l;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        /* The slot of the batch that the consumer holds is not free. */
        while (!l->stop && l->next_fill >= l->next_take + l->cfg.prefetch) pthread_cond_wait(&l->taken, &l->lock);
        if (l->stop) break;
        const int64_t number = l->next_fill++;
        slot *s = &l->slot[number % (l->cfg.prefetch + 1)];
        pthread_mutex_unlock(&l->lock);
        const zt_err e = fill(w, s, number);
        if (e != ZT_OK) snprintf(s->why, sizeof s->why, "%s", zt_err_text());
        pthread_mutex_lock(&l->lock);
        s->number = number;
        s->err = e;
        pthread_cond_broadcast(&l->made);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

zt_err zt_loader_next(zt_loader *l, zt_batch *b) {
    pthread_mutex_lock(&l->lock);
    const int64_t number = l->next_take++;
    slot *s = &l->slot[number % (l->cfg.prefetch + 1)];
    pthread_cond_broadcast(&l->taken);
    if (s->number != number) {
        const double t0 = zt_now();
        while (s->number != number) pthread_cond_wait(&l->made, &l->lock);
        l->wait_s += zt_now() - t0;
    }
    const zt_err e = s->err;
    pthread_mutex_unlock(&l->lock);
    if (e != ZT_OK) {
        *b = (zt_batch){0};
        return zt_fail(e, "data loader: batch %lld could not be made: %s", (long long)number, s->why);
    }
    *b = (zt_batch){s->rgb, s->caption, s->id, number, s->bucket};
    return ZT_OK;
}

double zt_loader_wait_s(const zt_loader *l) { return l->wait_s; }

/* ---- create, destroy ---- */

static zt_err check_size(const zt_loader_cfg *c) {
    if (c->batch < 1 || c->batch > BATCH_MAX)
        return zt_fail(ZT_CONFIG, "data loader: batch %d; 1 to %d are possible", c->batch, BATCH_MAX);
    if (c->frames < 1 || c->frames > FRAMES_MAX || c->height < 1 || c->height > SIDE_MAX || c->width < 1 || c->width > SIDE_MAX)
        return zt_fail(ZT_CONFIG, "data loader: clips of %d frames of %dx%d were asked for; frames and sides must be at least 1",
                       c->frames, c->width, c->height);
    return ZT_OK;
}

static zt_err check_cfg(const zt_loader_cfg *c) {
    if (c->prefetch < 0 || c->prefetch > DEPTH_MAX - 1 || c->threads < 0 || c->threads > THREADS_MAX || c->first_batch < 0)
        return zt_fail(ZT_CONFIG, "data loader: prefetch %d (0..%d), threads %d (0..%d), first batch %lld (0 or more)",
                       c->prefetch, DEPTH_MAX - 1, c->threads, THREADS_MAX, (long long)c->first_batch);
    const struct { const char *name; double v, most;
    } part[] = {{"stretch", c->stretch, ZT_LOADER_STRETCH_MAX},
                {"rotate", c->rotate, ZT_LOADER_ROTATE_MAX},
                {"brightness", c->brightness, 1},
                {"contrast", c->contrast, 1},
                {"saturation", c->saturation, 1},
                {"hue", c->hue, 180}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (!(part[i].v >= 0 && part[i].v <= part[i].most))
            return zt_fail(ZT_CONFIG, "data loader: %s %g; 0 to %g are possible", part[i].name, part[i].v, part[i].most);
    return ZT_OK;
}

/* The buckets, or one of the whole split. */
static zt_err set_buckets(zt_loader *l) {
    const zt_loader_cfg *c = &l->cfg;
    const zt_loader_bucket whole = {-1, c->batch, {c->frames, c->height, c->width}}, *from = c->n_buckets ? c->bucket : &whole;
    l->order = (zt_order){.ds = l->ds, .split = c->split, .seed = c->seed, .shuffle = c->shuffle,
                          .n = c->n_buckets ? c->n_buckets : 1};
    if (c->n_buckets < 0 || c->n_buckets > ZT_SIZES_MAX)
        return zt_fail(ZT_CONFIG, "data loader: %d buckets; at most %d are possible", c->n_buckets, ZT_SIZES_MAX);
    for (int k = 0; k < l->order.n; k++) {
        zt_order_part *p = &l->order.part[k];
        *p = (zt_order_part){from[k].group, from[k].batch, 0};
        p->clips = p->group < 0 ? zt_dataset_count(l->ds, c->split) : zt_dataset_group_count(l->ds, c->split, p->group);
        l->size[k] = from[k].size;
        const zt_loader_cfg one = bucket_cfg(l, k);
        const zt_err e = check_size(&one);
        if (e != ZT_OK) return e;
        if (p->batch > l->most) l->most = p->batch;
    }
    l->cfg.bucket = NULL;
    return ZT_OK;
}

static zt_err check_bucket(const zt_loader *l, int k) {
    const zt_loader_cfg c = bucket_cfg(l, k);
    const zt_order_part *p = &l->order.part[k];
    const char *split = c.split ? c.split : "all";
    char size[ZT_SIZE_TEXT];
    if (p->clips == 0)
        return zt_fail(ZT_CONFIG, "data loader: split '%.40s' of the data set is empty; splits are train, val and test "
                       "(`zoe data stats DIR` counts them)", split);
    if (l->order.n > 1 && p->clips < p->batch)
        return zt_fail(ZT_CONFIG, "data loader: split '%.40s' has %lld clips for %s, fewer than a batch of %d", split,
                       (long long)p->clips, zt_size_text(l->size[k], size), p->batch);
    int frames, height, width;
    zt_dataset_least(l->ds, c.split, &frames, &height, &width);
    if (p->group >= 0 || (frames >= c.frames && (c.resize || (height >= c.height && width >= c.width)))) return ZT_OK;
    for (int64_t i = 0; i < p->clips; i++) {   /* which one is it? */
        zt_clip_view v;
        zt_err e = zt_dataset_clip(l->ds, c.split, i, &v);
        if (e != ZT_OK || (e = check_clip(&c, &v)) != ZT_OK) return e;
    }
    return ZT_OK;
}

static zt_err check_clips(const zt_loader *l) {
    zt_err e = ZT_OK;
    for (int k = 0; k < l->order.n && e == ZT_OK; k++) e = check_bucket(l, k);
    if (e == ZT_OK && l->cfg.first_batch > INT64_MAX / l->most / (l->order.n > 1 ? 4 : 1) - DEPTH_MAX)
        e = zt_fail(ZT_CONFIG, "data loader: first batch %lld is out of range", (long long)l->cfg.first_batch);
    return e;
}

/* Bytes of the largest batch. */
static zt_err batch_bytes(const zt_loader *l, size_t *bytes) {
    *bytes = 0;
    for (int k = 0; k < l->order.n; k++) {
        const zt_loader_cfg c = bucket_cfg(l, k);
        size_t one;
        if (__builtin_mul_overflow((size_t)c.frames * (size_t)c.height, (size_t)c.width * 3, &one)
            || __builtin_mul_overflow(one, (size_t)c.batch, &one))
            return zt_fail(ZT_CONFIG, "data loader: clips are too large");
        if (one > *bytes) *bytes = one;
    }
    return ZT_OK;
}

static zt_err allocate(zt_loader *l) {
    const size_t batch = (size_t)l->most;
    size_t bytes;
    zt_err e = batch_bytes(l, &bytes);
    for (int i = 0; i <= l->cfg.prefetch && e == ZT_OK; i++) {
        slot *s = &l->slot[i];
        s->rgb = zt_alloc(bytes);
        s->caption = zt_alloc_array(batch, sizeof *s->caption);
        s->mirrored = zt_alloc_array(batch, sizeof *s->mirrored);
        s->id = zt_alloc_array(batch, sizeof *s->id);
        s->number = -1;
        if (!s->rgb || !s->caption || !s->mirrored || !s->id) e = ZT_NOMEM;
    }
    return e;
}

zt_err zt_loader_create(zt_loader **out, const zt_dataset *ds, const zt_loader_cfg *cfg) {
    zt_err e;
    *out = NULL;
    zt_loader *l = zt_alloc(sizeof *l);
    if (!l) return ZT_NOMEM;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->made, NULL);
    pthread_cond_init(&l->taken, NULL);
    l->ds = ds;
    l->cfg = *cfg;
    ZT_TRY(e = check_cfg(cfg), fail);
    if (cfg->split) {   /* a longer name is no split: its clips are counted as none below */
        snprintf(l->split_name, sizeof l->split_name, "%s", cfg->split);
        l->cfg.split = l->split_name;
    }
    if (l->cfg.prefetch == 0) l->cfg.prefetch = 2;
    if (l->cfg.threads == 0) l->cfg.threads = 1;
    ZT_TRY(e = set_buckets(l), fail);
    ZT_TRY(e = check_clips(l), fail);
    ZT_TRY(e = allocate(l), fail);
    l->next_fill = l->next_take = l->cfg.first_batch;
    for (int i = 0; i < l->cfg.threads; i++) {
        l->worker[i].l = l;
        const int rc = pthread_create(&l->worker[i].thread, NULL, work, &l->worker[i]);
        if (rc != 0) {
            e = zt_fail(ZT_IO, "data loader: no thread could be started: %s", strerror(rc));
            goto fail;
        }
        l->worker[i].started = true;
    }
    *out = l;
    return ZT_OK;
fail:
    zt_loader_destroy(&l);
    return e;
}

void zt_loader_destroy(zt_loader **pl) {
    zt_loader *l = pl ? *pl : NULL;
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_broadcast(&l->taken);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < THREADS_MAX; i++)
        if (l->worker[i].started) pthread_join(l->worker[i].thread, NULL);
    for (int i = 0; i < THREADS_MAX; i++) zt_free(l->worker[i].scratch.p);
    for (int i = 0; i < DEPTH_MAX; i++) {
        slot *s = &l->slot[i];
        for (int k = 0; s->mirrored && k < l->most; k++) zt_free(s->mirrored[k]);
        zt_free(s->rgb);
        zt_free(s->caption);
        zt_free(s->mirrored);
        zt_free(s->id);
    }
    pthread_cond_destroy(&l->taken);
    pthread_cond_destroy(&l->made);
    pthread_mutex_destroy(&l->lock);
    zt_free(l);
    *pl = NULL;
}
