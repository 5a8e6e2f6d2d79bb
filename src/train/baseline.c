/* baseline.c - predicting the training mean, as a loss to beat. */
#include "train/baseline.h"
#include "train/buckets.h"
#include "train/run_data.h"

enum { MAX_CLIPS = 1000 };

/* Walk over at most MAX_CLIPS clips of a split, at the size of the run. square NULL: averages them into mean; else *square gets
 * their mean squared distance from it. */
static zt_err walk(const zt_dataset *ds, const zt_train_cfg *c, const char *split, float *mean, double *square) {
    const int64_t count = zt_run_clips(ds, c, split), n = count < MAX_CLIPS ? count : MAX_CLIPS;
    const int64_t values = c->net.frames * c->net.height * c->net.width * ZT_RGB;
    const float gain = (float)(1 / (127.5 * c->net.scale)), shift = (float)((-1 - c->net.mean) / c->net.scale);
    zt_loader *l = NULL;
    double sum = 0;
    zt_err e = zt_run_loader(&l, ds, c, split, 1, 0);
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        zt_batch b;
        if ((e = zt_loader_next(l, &b)) != ZT_OK) break;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
        for (int64_t i = 0; i < values; i++) {
            const float x = (float)b.rgb[i] * gain + shift;
            if (!square) mean[i] += x / (float)n;
            else sum += (double)(x - mean[i]) * (x - mean[i]);
        }
    }
    if (square) *square = sum / (double)(n * values);
    zt_loader_destroy(&l);
    return e;
}

/* Of clips of one size. */
static zt_err one_size(const zt_dataset *ds, const zt_train_cfg *c, double *loss) {
    const zt_process process = zt_diffusion_process(&c->diffusion);
    const zt_weight_cfg weights = zt_diffusion_weight(&c->diffusion);
    float *mean = zt_alloc_array((size_t)(c->net.frames * c->net.height * c->net.width * ZT_RGB), sizeof *mean);
    double square = 0;
    zt_err e = mean ? walk(ds, c, "train", mean, NULL) : ZT_NOMEM;
    if (e == ZT_OK) e = walk(ds, c, "val", mean, &square);
    zt_free(mean);
    const int64_t val = zt_run_clips(ds, c, "val"), n = val < c->train.batch ? val : c->train.batch;
    *loss = 0;
    for (int64_t b = 0; e == ZT_OK && b < n; b++) {
        const zt_level level = zt_process_at(&process, ((double)b + 0.5) / (double)n);
        const float one = 1, zero = 0;
        float ax, be;
        zt_target_make((zt_target)c->diffusion.target, level, &one, &zero, &ax, 1);
        zt_target_make((zt_target)c->diffusion.target, level, &zero, &one, &be, 1);
        const double w = zt_loss_weight(&weights, (zt_target)c->diffusion.target, level);
        *loss += w * ((double)ax * ax * square + (double)be * be) / (double)n;
    }
    return e;
}

zt_err zt_mean_baseline(const zt_dataset *ds, const zt_train_cfg *c, double *loss) {
    const int64_t all = zt_dataset_count(ds, "val");
    zt_err e = ZT_OK;
    *loss = 0;
    for (int k = 0; k < zt_bucket_count(c) && e == ZT_OK; k++) {
        const zt_train_cfg one = zt_bucket_cfg(c, k);
        const int64_t clips = zt_run_clips(ds, &one, "val");
        double part;
        if (clips == 0) continue;
        e = one_size(ds, &one, &part);
        *loss += part * (double)clips / (double)all;
    }
    return e;
}
