/* schedule.h - diffusion processes x_t = alpha(t) x0 + sigma(t) eps, t in [0,1], t = 1 noise; targets, loss weights, times.
 *
 * log-SNR = 2 log(alpha/sigma) is kept in [-20,20], so no level is ever exactly 0: conversions never divide by zero at either
 * end. Nothing here knows a model. All functions are pure: any thread; arrays are processed with OpenMP SIMD.
 * Sources: cosine: Nichol & Dhariwal 2021, arXiv:2102.09672; v: Salimans & Ho 2022, arXiv:2202.00512; rectified flow: Liu et
 * al. 2022, arXiv:2209.03003; logit-normal times and shift: Esser et al. 2024, arXiv:2403.03206; min-SNR: Hang et al. 2023,
 * arXiv:2303.09556. */
#ifndef ZT_SCHEDULE_H
#define ZT_SCHEDULE_H
#include <stdint.h>
#include "base/err.h"
#include "base/rng.h"

typedef enum zt_process_kind { ZT_PROCESS_COSINE, ZT_PROCESS_FLOW } zt_process_kind;
#define ZT_PROCESS_CHOICES "cosine|flow"
typedef enum zt_target { ZT_TARGET_EPS, ZT_TARGET_X0, ZT_TARGET_V, ZT_TARGET_FLOW } zt_target;   /* flow: eps - x0 */
#define ZT_TARGET_CHOICES "eps|x0|v|flow"
typedef enum zt_time_kind { ZT_TIME_UNIFORM, ZT_TIME_LOGIT_NORMAL } zt_time_kind;
#define ZT_TIME_CHOICES "uniform|logit-normal"
typedef enum zt_weight_kind { ZT_WEIGHT_NONE, ZT_WEIGHT_MIN_SNR, ZT_WEIGHT_SOFT_SNR } zt_weight_kind;
#define ZT_WEIGHT_CHOICES "none|min-snr|soft-snr"

/** s: offset of the cosine, 0..0.5 (default ZT_COSINE_S; ignored by flow). */
typedef struct zt_process { zt_process_kind kind; double s; } zt_process;
#define ZT_COSINE_S 0.008
typedef struct zt_level { double alpha, sigma; } zt_level;

/** ZT_CONFIG when a field is out of range. */
zt_err zt_process_check(const zt_process *p);
/** cosine: alpha^2 = cos^2((t+s)/(1+s) pi/2) / cos^2(s/(1+s) pi/2), sigma^2 = 1 - alpha^2. flow: alpha = 1-t, sigma = t. */
zt_level zt_process_at(const zt_process *p, double t);
double zt_log_snr(zt_level l);
/** The t in [0,1] whose log-SNR is `log_snr` (clamped to what t = 0..1 reaches). */
double zt_process_time(const zt_process *p, double log_snr);
/** t' = shift t / (1 + (shift-1) t): more time near noise for shift > 1; 1 changes nothing. shift > 0. */
double zt_time_shift(double t, double shift);

/* Arrays of n; outputs may be the same array as an input. */
/** x = alpha x0 + sigma eps. */
void zt_add_noise(zt_level l, const float *x0, const float *eps, float *x, int64_t n);
/** y = what a model of this target should answer. */
void zt_target_make(zt_target k, zt_level l, const float *x0, const float *eps, float *y, int64_t n);
/** x0 from the noisy x and a model's answer. eps then is zt_eps_from_x0. */
void zt_target_to_x0(zt_target k, zt_level l, const float *x, const float *y, float *x0, int64_t n);
void zt_target_to_eps(zt_target k, zt_level l, const float *x, const float *y, float *eps, int64_t n);
/** eps = (x - alpha x0) / sigma. */
void zt_eps_from_x0(zt_level l, const float *x, const float *x0, float *eps, int64_t n);
/** out = a x + b y: the two linear maps above as numbers, for callers that build graphs. */
void zt_target_x0_coef(zt_target k, zt_level l, double *a, double *b);
void zt_target_eps_coef(zt_target k, zt_level l, double *a, double *b);

/** Training times. mean and std belong to logit-normal: t = 1/(1+exp(-N(mean,std))). Zero `shift` means 1. */
typedef struct zt_time_cfg { zt_time_kind kind; double mean, std, shift; } zt_time_cfg;
zt_err zt_time_check(const zt_time_cfg *c);
/** The time in [0,1] below which the part u of (0,1) of all training times lies. Spread u over a batch, (k + uniform)/B for clip
 *  k, and the loss varies much less from batch to batch (Kingma et al. 2021, arXiv:2107.00630, appendix I.1). */
double zt_time_quantile(const zt_time_cfg *c, double u);

/** Weights of the squared error, as weights on the x0 error: min-snr min(SNR, gamma) (Hang et al. 2023, arXiv:2303.09556; usual
 *  gamma: 5); soft-snr min(1 + gain SNR, gamma), which no level loses: gain 1 is the v loss, 0.25 that of Karras et al. 2022
 *  (arXiv:2206.00364) for data of standard deviation 0.5. gamma > 0. */
typedef struct zt_weight_cfg { zt_weight_kind kind; double gain, gamma; } zt_weight_cfg;
/** Weight of the squared error of target k at level l. */
double zt_loss_weight(const zt_weight_cfg *w, zt_target k, zt_level l);
#endif
