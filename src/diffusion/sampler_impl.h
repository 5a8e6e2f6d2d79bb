/* sampler_impl.h - what the samplers share; private to src/diffusion. */
#ifndef ZT_SAMPLER_IMPL_H
#define ZT_SAMPLER_IMPL_H
#include "diffusion/sampler.h"

/* One sampling run. Level i belongs to time t[i]; the last is exactly (1,0), which no conversion may divide by: a step to it is
 * x = x0. The model is never asked at the last time. */
typedef struct zt_sample_run {
    const zt_sample_cfg *cfg;
    zt_denoise_fn fn;
    void *user;
    int64_t n;
    double *t;                 /* [steps+1] */
    zt_level *level;           /* [steps+1] */
    float *x0, *a, *b;         /* [n] the prediction; two for the sampler's own use (NULL unless asked for) */
    float *noise;              /* [n], NULL for deterministic samplers */
    float *rank;               /* [sample_n] for dynamic thresholds, else NULL */
} zt_sample_run;

/* r->x0 or another array: prediction for x at time index i, checked finite, clamped as configured. */
zt_err zt_run_predict(zt_sample_run *r, const float *x, int i, float *x0);
/* Fills r->noise for step i. */
void zt_run_noise(zt_sample_run *r, int i);
/* Reports step i as done; ZT_CANCELLED when the caller wants to stop. */
zt_err zt_run_step(zt_sample_run *r, int i, const float *x);
/* x = a x + b y (+ c z unless z is NULL) */
void zt_run_combine(float *x, double a, double b, const float *y, double c, const float *z, int64_t n);

/* One sampler each: x at level 0 in, the sample out. */
zt_err zt_run_ddpm(zt_sample_run *r, float *x);
zt_err zt_run_ddim(zt_sample_run *r, float *x);
zt_err zt_run_euler(zt_sample_run *r, float *x);
zt_err zt_run_heun(zt_sample_run *r, float *x);
zt_err zt_run_dpmpp2m(zt_sample_run *r, float *x);
#endif
