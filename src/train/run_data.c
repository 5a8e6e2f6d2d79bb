/* run_data.c - from a data set to what the trainer needs. */
#include "train/run_data.h"
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "train/buckets.h"
#include "train/curriculum.h"

enum { STATISTICS_CLIPS = 500 };

/* Mean and scale of the training pixels (of at most 500 clips spread over the split), so that the network sees data of mean 0
 * and standard deviation 0.5 (as Karras et al. 2022, arXiv:2206.00364, assume). Dark worlds are learned several times faster for
 * it: a mean far from 0 shakes the gradient of every weight at every step. */
static zt_err measure_pixels(const zt_dataset *ds, zt_net *net) {
    const int64_t count = zt_dataset_count(ds, "train"), n = count < STATISTICS_CLIPS ? count : STATISTICS_CLIPS;
    double sum = 0, square = 0, values = 0;
    for (int64_t k = 0; k < n; k++) {
        zt_clip_view clip;
        const zt_err e = zt_dataset_clip(ds, "train", k * count / n, &clip);
        if (e != ZT_OK) return e;
        const int64_t bytes = (int64_t)clip.frames * clip.height * clip.width * ZT_RGB;
        int64_t s = 0, q = 0;                                             /* exact: the same on every machine */
        for (int64_t i = 0; i < bytes; i++) {
            s += clip.rgb[i];
            q += (int64_t)clip.rgb[i] * clip.rgb[i];
        }
        zt_dataset_forget(ds, &clip);
        sum += (double)s;
        square += (double)q;
        values += (double)bytes;
    }
    const double mean = sum / values, variance = square / values - mean * mean;
    net->mean = mean / 127.5 - 1;
    net->scale = variance > 1 ? sqrt(variance) / 127.5 / 0.5 : 1;
    return ZT_OK;
}

static zt_err settle_pixels(const zt_dataset *ds, zt_train_cfg *c) {
    if (c->data.pixels == ZT_PIXELS_STANDARD && c->net.model) return measure_pixels(ds, &c->net);
    const bool unit = c->data.pixels == ZT_PIXELS_UNIT && c->net.model;
    c->net.mean = unit ? -1 : 0;   /* (x - mean) / scale of x in [-1,1] */
    c->net.scale = unit ? 2 : 1;
    return ZT_OK;
}

static bool admitted(void *used, int64_t id) {
    return zt_admitted(used, id);
}

/* Leave out of ds what may not be used. */
static zt_err admit(zt_dataset *ds, const zt_train_cfg *c, zt_admission *used) {
    zt_policy policy, *p = *c->data.policy ? &policy : NULL;
    zt_err e = ZT_OK;
    if (p) ZT_TRY(e = zt_policy_load(p, c->data.policy), done);
    ZT_TRY(e = zt_admit(used, c->data.path, p), done);
    ZT_TRY(e = zt_admission_settle(used, c->data.path, p), done);
    if (used->refused > 0) e = zt_dataset_keep(ds, admitted, used);
done:
    return e;
}

zt_err zt_run_data_open(zt_dataset **ds, zt_train_cfg *c, zt_admission *out) {
    zt_clip_view clip;
    zt_admission own = {0}, *used = out ? out : &own;
    zt_err e;
    *used = own;
    ZT_TRY(e = zt_dataset_open(ds, c->data.path), done);
    ZT_TRY(e = admit(*ds, c, used), done);
    if (zt_dataset_count(*ds, "train") == 0) {
        e = zt_fail(ZT_CONFIG, "data.path=%s: the data set has no training clip", c->data.path);
        goto done;
    }
    ZT_TRY(e = zt_dataset_clip(*ds, "train", 0, &clip), done);
    c->net.frames = c->data.frames ? c->data.frames : clip.frames;
    c->net.height = c->data.height ? c->data.height : clip.height;
    c->net.width = c->data.width ? c->data.width : clip.width;
    c->net.fps = clip.fps;
    ZT_TRY(e = settle_pixels(*ds, c), done);
    ZT_TRY(e = zt_run_buckets_choose(*ds, c), done);
    ZT_TRY(e = zt_net_check(&c->net), done);
    e = zt_curriculum_check(c);
done:
    zt_admission_finish(&own);
    return e;
}

static zt_err learn(zt_bpe *tok, const zt_dataset *ds, int64_t vocab) {
    const int64_t n = zt_dataset_count(ds, "train");
    const char **text = zt_alloc_array((size_t)n, sizeof *text);
    if (!text) return ZT_NOMEM;
    zt_err e = ZT_OK;
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        zt_clip_view clip;
        e = zt_dataset_clip(ds, "train", k, &clip);
        text[k] = clip.caption;
    }
    if (e == ZT_OK) e = zt_bpe_train(tok, text, n, (int)vocab);
    zt_free(text);
    return e;
}

zt_err zt_run_tokenizer(zt_bpe *tok, const zt_dataset *ds, zt_train_cfg *c, const char *out, bool resume) {
    char path[ZT_PATH_MAX];
    zt_err e = zt_path_join(path, out, "tokenizer.json");
    if (e != ZT_OK) return e;
    if (resume && zt_file_exists(path)) {
        e = zt_bpe_load(tok, path);
    } else {
        e = learn(tok, ds, c->net.text.vocab);
        if (e == ZT_OK) e = zt_bpe_save(tok, path);
    }
    c->net.vocab = tok->vocab_size;
    return e;
}

int64_t zt_run_clips(const zt_dataset *ds, const zt_train_cfg *c, const char *split) {
    return c->buckets.n == 1 ? zt_dataset_group_count(ds, split, c->buckets.v[0].group) : zt_dataset_count(ds, split);
}

zt_err zt_run_loader(zt_loader **l, const zt_dataset *ds, const zt_train_cfg *c, const char *split, int64_t batch,
                     int64_t first) {
    const zt_data_cfg *d = &c->data;
    zt_loader_cfg cfg = {.split = split, .batch = (int)batch, .frames = (int)c->net.frames, .height = (int)c->net.height,
                         .width = (int)c->net.width, .seed = (uint64_t)c->run.seed, .resize = d->resize, .first_batch = first};
    zt_loader_bucket bucket[ZT_SIZES_MAX];
    for (int k = 0; k < c->buckets.n; k++) {
        const zt_run_bucket *b = &c->buckets.v[k];
        bucket[k] = (zt_loader_bucket){b->group, (int)(c->buckets.n == 1 ? batch : b->batch), c->buckets.by.sizes.v[k]};
    }
    cfg.bucket = bucket;
    cfg.n_buckets = c->buckets.n;
    if (strcmp(split, "train") == 0) {
        cfg.shuffle = true;
        cfg.crop = d->crop;
        cfg.flip = d->flip;
        cfg.jitter = d->jitter;
        cfg.stretch = d->stretch;
        cfg.rotate = d->rotate;
        cfg.brightness = d->brightness;
        cfg.contrast = d->contrast;
        cfg.saturation = d->saturation;
        cfg.hue = d->hue;
    }
    return zt_loader_create(l, ds, &cfg);
}
