/* sampler.h - from noise to a sample with a denoiser given as a callback. Never sees a model.
 * One file per sampler: ddpm.c, ddim.c, euler.c, heun.c, dpmpp2m.c; what they share is in sampler.c and sampler_impl.h.
 * Euler (and DDIM with eta 0) are of order 1, Heun and DPM-Solver++(2M) of order 2 in the step; Heun calls the denoiser
 * 2*steps-1 times, all others `steps` times.
 * Dynamic threshold: Saharia et al. 2022 (Imagen), arXiv:2205.11487, section 2.3. */
#ifndef ZT_SAMPLER_H
#define ZT_SAMPLER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "diffusion/schedule.h"

typedef enum zt_sampler { ZT_SAMPLER_DDPM, ZT_SAMPLER_DDIM, ZT_SAMPLER_EULER, ZT_SAMPLER_HEUN, ZT_SAMPLER_DPMPP2M } zt_sampler;
#define ZT_SAMPLER_CHOICES "ddpm|ddim|euler|heun|dpm++2m"
typedef enum zt_spacing { ZT_SPACING_TIME, ZT_SPACING_LOG_SNR } zt_spacing;
#define ZT_SPACING_CHOICES "time|log-snr"
typedef enum zt_x0_clamp { ZT_CLAMP_NONE, ZT_CLAMP_UNIT, ZT_CLAMP_DYNAMIC } zt_x0_clamp;
#define ZT_CLAMP_CHOICES "none|unit|dynamic"

enum { ZT_SAMPLE_MAX_STEPS = 10000 };

/** The clean x0[n] predicted from x[n] at time t. A failure ends the sampling with this code and text. */
typedef zt_err (*zt_denoise_fn)(void *user, const float *x, double t, float *x0, int64_t n);

typedef struct zt_sample_cfg {
    zt_sampler sampler;
    zt_process process;
    int steps;                 /* 1..ZT_SAMPLE_MAX_STEPS */
    zt_spacing spacing;        /* steps uniform in t, or in log-SNR over [-12,12] */
    double shift;              /* zt_time_shift on every time; 0 means 1 */
    double eta;                /* DDIM: 0 deterministic .. 1 as noisy as DDPM */
    double gamma;              /* DDPM: log-interpolates the variance from posterior (0) to forward (1) */
    zt_x0_clamp clamp;         /* x0 into [-1,1]; dynamic: into its `quantile` q of |x0|, then divided by q, if q > 1 */
    double quantile;           /* dynamic only, (0,1]; 0 means 0.995 */
    uint64_t seed, stream;     /* noise of sample b is that of seed+b, so a sample does not depend on its batch */
    int64_t sample_n;          /* floats per sample, divides n; 0: all n are one sample */
    /** After each step; x is the current state. false: stop with ZT_CANCELLED. May be NULL. */
    bool (*on_step)(void *user, int step, int steps, const float *x);
    void *on_step_user;
} zt_sample_cfg;

/** ZT_CONFIG, naming field and range. */
zt_err zt_sample_check(const zt_sample_cfg *c, int64_t n);
/** t[0..steps]: from 1 down to exactly 0, strictly falling. */
void zt_sample_times(const zt_sample_cfg *c, double *t);
/** The noise to start from: x = sigma(1) N(0,1). */
void zt_sample_noise(const zt_sample_cfg *c, float *x, int64_t n);
/** x[n] in: noise at t = 1; out: the sample. The last step ends at t = 0 exactly. ZT_NONFINITE names the step when the denoiser
 *  answers with a NaN or infinity. Allocates at most 6 arrays of n. One call uses OpenMP; several may run at once. */
zt_err zt_sample(const zt_sample_cfg *c, zt_denoise_fn fn, void *user, float *x, int64_t n);
#endif
