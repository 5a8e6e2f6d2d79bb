/* gan_monitor.c - see gan_monitor.h. Tested by tests/pipeline/test_gan_monitor.c. */
#include "pipeline/gan_monitor.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "data/labels.h"
#include "eval/frechet.h"

/* Below these parts of the data's figures a generator repeats itself. */
#define LEAST_VARIANCE 0.2
#define LEAST_DISTANCE 0.2
#define LEAST_ENTROPY 0.5
#define LEAST_VALID 0.3              /* fewer clips say nothing about the entropy of all */

enum { F = ZT_CLIP_FEATURES };

static zt_err features(const uint8_t *rgb, int n, int T, int H, int W, float *x) {
    const int64_t bytes = (int64_t)T * H * W * 3;
    zt_err e = ZT_OK;
#pragma omp parallel for schedule(dynamic)
    for (int k = 0; k < n; k++) {
        const zt_err failed = zt_clip_features(rgb + k * bytes, T, H, W, x + (int64_t)k * F);
        if (failed != ZT_OK) {
#pragma omp critical
            e = failed;
        }
    }
    return e == ZT_OK ? ZT_OK : zt_fail(e, "no memory for the features of %d clips", n);
}

zt_err zt_clips_frechet(const uint8_t *a, int na, const uint8_t *b, int nb, int T, int H, int W, double *distance) {
    float *x = zt_alloc_array((size_t)(na + nb) * F, sizeof *x);
    zt_err e = x ? features(a, na, T, H, W, x) : ZT_NOMEM;
    if (e == ZT_OK) e = features(b, nb, T, H, W, x + (size_t)na * F);
    if (e == ZT_OK) e = zt_frechet(x, na, x + (size_t)na * F, nb, F, distance);
    zt_free(x);
    return e;
}

static void spread_of(const float *x, int n, zt_clip_spread *s) {
    s->variance = s->nearest = 0;
    for (int f = 0; f < F; f++) {
        double sum = 0, square = 0;
        for (int k = 0; k < n; k++) sum += x[(int64_t)k * F + f];
        for (int k = 0; k < n; k++) square += pow(x[(int64_t)k * F + f] - sum / n, 2);
        s->variance += square / (n - 1) / F;
    }
    for (int k = 0; k < n; k++) {
        double least = INFINITY;
        for (int j = 0; j < n; j++) {
            double d = 0;
            for (int f = 0; f < F; f++) d += pow((double)x[(int64_t)k * F + f] - x[(int64_t)j * F + f], 2);
            if (j != k && d < least) least = d;
        }
        s->nearest += sqrt(least) / n;
    }
}

static zt_err judge(const uint8_t *rgb, int n, int T, int H, int W, zt_clip_spread *s) {
    zt_variety variety = {0};
    zt_verdict v;
    int shown = 0;
    s->content = 0;
    for (int k = 0; k < n; k++) {
        const zt_err e = zt_judge_clip(rgb + (int64_t)k * T * H * W * 3, T, H, W, &v);
        if (e != ZT_OK) return e;
        zt_variety_add(&variety, &v);
        shown += v.presence > 0;
        s->content += v.content;
    }
    s->content /= shown ? shown : 1;
    s->valid = (double)variety.n / n;
    s->entropy = zt_variety_entropy(&variety);
    return ZT_OK;
}

static void add_sign(zt_gan_monitor *m, const char *what, double made, double real) {
    const size_t used = strlen(m->collapse);
    snprintf(m->collapse + used, sizeof m->collapse - used, "%s%s %.3g against %.3g of the data", used ? "; " : "", what, made,
             real);
}

static void find_collapse(zt_gan_monitor *m) {
    const zt_clip_spread *a = &m->made, *b = &m->real;
    if (a->variance < LEAST_VARIANCE * b->variance) add_sign(m, "variance over samples", a->variance, b->variance);
    if (a->nearest < LEAST_DISTANCE * b->nearest) add_sign(m, "distance to the nearest other sample", a->nearest, b->nearest);
    if (!m->judged || a->valid < LEAST_VALID) return;
    const double made[] = {a->entropy.shape, a->entropy.colour, a->entropy.direction},
                 real[] = {b->entropy.shape, b->entropy.colour, b->entropy.direction};
    static const char *const name[] = {"entropy (bits) of shape", "entropy (bits) of colour", "entropy (bits) of direction"};
    for (int k = 0; k < 3; k++)
        if (made[k] < LEAST_ENTROPY * real[k]) add_sign(m, name[k], made[k], real[k]);
}

zt_err zt_gan_monitor_look(zt_gan_monitor *m, const uint8_t *made, int n, const uint8_t *real, int n_real, int T, int H, int W,
                           bool judged) {
    *m = (zt_gan_monitor){.judged = judged};
    if (n < 2 || n_real < 2) return zt_fail(ZT_ARG, "%d made and %d real clips to compare; want 2 or more of each", n, n_real);
    float *x = zt_alloc_array((size_t)(n + n_real) * F, sizeof *x), *y = x + (size_t)n * F;
    if (!x) return ZT_NOMEM;
    zt_err e;
    ZT_TRY(e = features(made, n, T, H, W, x), done);
    ZT_TRY(e = features(real, n_real, T, H, W, y), done);
    ZT_TRY(e = zt_frechet(x, n, y, n_real, F, &m->frechet), done);
    const int few = n < n_real ? n : n_real; /* distances shrink with more clips: as many of each */
    spread_of(x, few, &m->made);
    spread_of(y, few, &m->real);
    if (judged) ZT_TRY(e = judge(made, n, T, H, W, &m->made), done);
    if (judged) ZT_TRY(e = judge(real, n_real, T, H, W, &m->real), done);
    find_collapse(m);
done:
    zt_free(x);
    return e;
}

bool zt_gan_judgeable(const zt_dataset *ds, const char *split) {
    zt_clip_view c;
    if (zt_dataset_count(ds, split) < 1 || zt_dataset_clip(ds, split, 0, &c) != ZT_OK) return false;
    char world[16];
    zt_label_text(&c, "world", world, sizeof world);
    return strcmp(world, "shapes") == 0 && c.frames > 1;
}
