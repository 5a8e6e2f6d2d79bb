/* sampler.c - checks, times, noise, prediction and thresholds shared by all samplers; see sampler.h.
 * The samplers are in files of their own. */
#include "diffusion/sampler_impl.h"
#include <math.h>
#include <string.h>
#include "base/mem.h"

enum { PARALLEL_MIN = 1 << 15 };
static const double log_snr_end = 12;   /* |log-SNR| where log-SNR spacing ends: sigma = 0.0025, below 8-bit video's steps */

/* One line per sampler, in the order of zt_sampler. */
static const struct sampler {
    zt_err (*run)(zt_sample_run *r, float *x);
    int own;                   /* arrays a, b needed */
    bool random;
} samplers[] = {
    { zt_run_ddpm, 0, true }, { zt_run_ddim, 0, true }, { zt_run_euler, 0, false }, { zt_run_heun, 2, false },
    { zt_run_dpmpp2m, 1, false },
};
enum { SAMPLERS = sizeof samplers / sizeof *samplers };

static double shift_of(const zt_sample_cfg *c) { return c->shift == 0 ? 1 : c->shift; }
static double quantile_of(const zt_sample_cfg *c) { return c->quantile == 0 ? 0.995 : c->quantile; }
static int64_t sample_of(const zt_sample_cfg *c, int64_t n) { return c->sample_n == 0 ? n : c->sample_n; }

zt_err zt_sample_check(const zt_sample_cfg *c, int64_t n) {
    zt_err e = zt_process_check(&c->process);
    if (e != ZT_OK)
        return e;
    if ((unsigned)c->sampler >= SAMPLERS)
        return zt_fail(ZT_CONFIG, "sampler: number %d is not one of %s", (int)c->sampler, ZT_SAMPLER_CHOICES);
    if (c->steps < 1 || c->steps > ZT_SAMPLE_MAX_STEPS)
        return zt_fail(ZT_CONFIG, "sampling steps: %d; wanted 1..%d (usual: 20 to 50)", c->steps, (int)ZT_SAMPLE_MAX_STEPS);
    if (c->spacing != ZT_SPACING_TIME && c->spacing != ZT_SPACING_LOG_SNR)
        return zt_fail(ZT_CONFIG, "sampling times: number %d is not one of %s", (int)c->spacing, ZT_SPACING_CHOICES);
    if (c->shift != 0 && !(c->shift >= 0.01 && c->shift <= 100))
        return zt_fail(ZT_CONFIG, "time shift is %g; wanted 0.01..100 (1: none)", c->shift);
    if (!(c->eta >= 0 && c->eta <= 1))
        return zt_fail(ZT_CONFIG, "eta is %g; wanted 0 (deterministic) .. 1", c->eta);
    if (!(c->gamma >= 0 && c->gamma <= 1))
        return zt_fail(ZT_CONFIG, "variance gamma is %g; wanted 0 (posterior) .. 1 (forward)", c->gamma);
    if ((unsigned)c->clamp > ZT_CLAMP_DYNAMIC)
        return zt_fail(ZT_CONFIG, "x0 clamp: number %d is not one of %s", (int)c->clamp, ZT_CLAMP_CHOICES);
    if (!(quantile_of(c) > 0 && quantile_of(c) <= 1))
        return zt_fail(ZT_CONFIG, "dynamic threshold quantile is %g; wanted above 0 up to 1 (usual: 0.995)", c->quantile);
    if (n < 1 || c->sample_n < 0 || n % sample_of(c, n) != 0)
        return zt_fail(ZT_SHAPE, "sampling %lld values in samples of %lld: the second must divide the first",
                       (long long)n, (long long)c->sample_n);
    return ZT_OK;
}

void zt_sample_times(const zt_sample_cfg *c, double *t) {
    for (int i = 0; i <= c->steps; i++) {
        const double u = (double)i / c->steps;
        const double raw = c->spacing == ZT_SPACING_TIME ? 1 - u : zt_process_time(&c->process, log_snr_end * (2 * u - 1));
        t[i] = zt_time_shift(raw, shift_of(c));
    }
    t[0] = 1;
    t[c->steps] = 0;
}

/* Sample b draws from seed+b: the same values alone or in a batch. */
static void fill_noise(const zt_sample_cfg *c, uint64_t stream, float *x, int64_t n) {
    const int64_t m = sample_of(c, n);
    for (int64_t b = 0; b < n / m; b++)
        zt_fill_normal(c->seed + (uint64_t)b, stream, x + b * m, m);
}

void zt_sample_noise(const zt_sample_cfg *c, float *x, int64_t n) {
    const float sigma = (float)zt_process_at(&c->process, 1).sigma;
    fill_noise(c, c->stream, x, n);
    for (int64_t i = 0; i < n; i++)
        x[i] *= sigma;
}

void zt_run_noise(zt_sample_run *r, int i) {
    /* an odd multiplier keeps the streams of different steps apart from each other and from the starting noise */
    fill_noise(r->cfg, r->cfg->stream + 0x9E3779B97F4A7C15u * (uint64_t)(i + 1), r->noise, r->n);
}

void zt_run_combine(float *x, double a, double b, const float *y, double c, const float *z, int64_t n) {
    const float fa = (float)a, fb = (float)b, fc = (float)c;
    if (z == NULL) {
#pragma omp parallel for simd schedule(static) if (n >= PARALLEL_MIN)
        for (int64_t i = 0; i < n; i++)
            x[i] = fa * x[i] + fb * y[i];
        return;
    }
#pragma omp parallel for simd schedule(static) if (n >= PARALLEL_MIN)
    for (int64_t i = 0; i < n; i++)
        x[i] = fa * x[i] + fb * y[i] + fc * z[i];
}

/* k-th smallest (from 0) of v[n], which is reordered. Hoare's selection: linear on average. */
static float select_kth(float *v, int64_t n, int64_t k) {
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        const float pivot = v[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i <= j) {
                const float swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return v[k];
}

static void clamp_to(float *x, float limit, int64_t n) {
    const float scale = 1 / limit;
#pragma omp parallel for simd schedule(static) if (n >= PARALLEL_MIN)
    for (int64_t i = 0; i < n; i++) {
        const float v = x[i] < -limit ? -limit : x[i] > limit ? limit : x[i];
        x[i] = v * scale;
    }
}

static void threshold(zt_sample_run *r, float *x0) {
    const int64_t m = sample_of(r->cfg, r->n);
    if (r->cfg->clamp == ZT_CLAMP_UNIT)
        clamp_to(x0, 1, r->n);
    if (r->cfg->clamp != ZT_CLAMP_DYNAMIC)
        return;
    const int64_t k = (int64_t)(quantile_of(r->cfg) * (double)(m - 1) + 0.5);
    for (float *x = x0; x < x0 + r->n; x += m) {
        for (int64_t i = 0; i < m; i++)
            r->rank[i] = fabsf(x[i]);
        clamp_to(x, fmaxf(1, select_kth(r->rank, m, k)), m);
    }
}

zt_err zt_run_predict(zt_sample_run *r, const float *x, int i, float *x0) {
    const zt_err e = r->fn(r->user, x, r->t[i], x0, r->n);
    if (e != ZT_OK)
        return e;
    int64_t bad = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : bad) if (r->n >= PARALLEL_MIN)
    for (int64_t k = 0; k < r->n; k++)
        bad += !(fabsf(x0[k]) <= 3.0e38f);
    if (bad > 0)
        return zt_fail(ZT_NONFINITE, "sampling step %d of %d (t = %.4f): %lld of %lld predicted values are NaN or infinite; "
                       "the model is damaged or its training diverged: try an earlier checkpoint",
                       i + 1, r->cfg->steps, r->t[i], (long long)bad, (long long)r->n);
    threshold(r, x0);
    return ZT_OK;
}

zt_err zt_run_step(zt_sample_run *r, int i, const float *x) {
    const zt_sample_cfg *c = r->cfg;
    if (c->on_step != NULL && !c->on_step(c->on_step_user, i + 1, c->steps, x))
        return zt_fail(ZT_CANCELLED, "sampling stopped after step %d of %d", i + 1, c->steps);
    return ZT_OK;
}

static zt_err prepare(zt_sample_run *r) {
    const zt_sample_cfg *c = r->cfg;
    const struct sampler *s = &samplers[c->sampler];
    const size_t n = (size_t)r->n;
    if ((r->t = zt_alloc_array((size_t)c->steps + 1, sizeof *r->t)) == NULL ||
        (r->level = zt_alloc_array((size_t)c->steps + 1, sizeof *r->level)) == NULL ||
        (r->x0 = zt_alloc_array(n, sizeof *r->x0)) == NULL ||
        (s->own > 0 && (r->a = zt_alloc_array(n, sizeof *r->a)) == NULL) ||
        (s->own > 1 && (r->b = zt_alloc_array(n, sizeof *r->b)) == NULL) ||
        (s->random && (r->noise = zt_alloc_array(n, sizeof *r->noise)) == NULL) ||
        (c->clamp == ZT_CLAMP_DYNAMIC &&
         (r->rank = zt_alloc_array((size_t)sample_of(c, r->n), sizeof *r->rank)) == NULL))
        return ZT_NOMEM;
    zt_sample_times(c, r->t);
    for (int i = 0; i < c->steps; i++)
        r->level[i] = zt_process_at(&c->process, r->t[i]);
    r->level[c->steps] = (zt_level){ 1, 0 };
    return ZT_OK;
}

zt_err zt_sample(const zt_sample_cfg *c, zt_denoise_fn fn, void *user, float *x, int64_t n) {
    zt_sample_run r = { .cfg = c, .fn = fn, .user = user, .n = n };
    zt_err e;
    ZT_TRY(e = zt_sample_check(c, n), done);
    ZT_TRY(e = prepare(&r), done);
    ZT_TRY(e = samplers[c->sampler].run(&r, x), done);
done:
    zt_free(r.t);
    zt_free(r.level);
    zt_free(r.x0);
    zt_free(r.a);
    zt_free(r.b);
    zt_free(r.noise);
    zt_free(r.rank);
    return e;
}
