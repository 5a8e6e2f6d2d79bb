/* schedule.c - see schedule.h. Every target is a linear map of (x0, eps), so all conversions are y = a p + b q. */
#include "diffusion/schedule.h"
#include <math.h>

#define PI 3.14159265358979323846
enum { PARALLEL_MIN = 1 << 15 };   /* below this a parallel region costs more than the loop */
static const double log_snr_max = 20;

zt_err zt_process_check(const zt_process *p) {
    if (p->kind != ZT_PROCESS_COSINE && p->kind != ZT_PROCESS_FLOW)
        return zt_fail(ZT_CONFIG, "diffusion process: number %d is not one of %s", (int)p->kind, ZT_PROCESS_CHOICES);
    if (p->kind == ZT_PROCESS_COSINE && !(p->s >= 0 && p->s <= 0.5))
        return zt_fail(ZT_CONFIG, "cosine schedule: the offset s is %g; it must be in 0..0.5 (usual: %g)", p->s, ZT_COSINE_S);
    return ZT_OK;
}

static double unit(double t) { return t < 0 ? 0 : t > 1 ? 1 : t; }

/* alpha^2 and sigma^2 of the variance-preserving process at a clamped log-SNR; the logistic function keeps both ends exact. */
static zt_level vp_level(double log_snr) {
    const double l = fmin(fmax(log_snr, -log_snr_max), log_snr_max);
    return (zt_level){ sqrt(1 / (1 + exp(-l))), sqrt(1 / (1 + exp(l))) };
}

zt_level zt_process_at(const zt_process *p, double t) {
    t = unit(t);
    if (p->kind == ZT_PROCESS_FLOW) {
        const double end = 1 / (1 + exp(log_snr_max / 2));   /* the t whose log-SNR is 20 */
        t = fmin(fmax(t, end), 1 - end);
        return (zt_level){ 1 - t, t };
    }
    const double w = PI / 2 / (1 + p->s), c = cos((t + p->s) * w), keep = c * c;   /* alpha^2 = keep/c0^2, c0 = cos(s w) */
    /* 1 - alpha^2 = (c0^2 - c^2)/c0^2 = sin(t w) sin((t + 2s) w)/c0^2: no cancellation near t = 0; the ratio needs no c0 */
    const double lost = sin(t * w) * sin((t + 2 * p->s) * w);
    if (t >= 1 || keep <= 0)
        return vp_level(-log_snr_max);
    if (lost <= 0)
        return vp_level(log_snr_max);
    return vp_level(log(keep / lost));
}

double zt_log_snr(zt_level l) { return 2 * log(l.alpha / l.sigma); }

double zt_process_time(const zt_process *p, double log_snr) {
    if (p->kind == ZT_PROCESS_FLOW)
        return 1 / (1 + exp(log_snr / 2));
    const double w = PI / 2 / (1 + p->s), c0 = cos(p->s * w), keep = c0 * c0 / (1 + exp(-log_snr));
    return unit(acos(fmin(sqrt(keep), 1)) / w - p->s);
}

double zt_time_shift(double t, double shift) { return shift * t / (1 + (shift - 1) * t); }

/* out = a p + b q */
static void combine(double a, const float *p, double b, const float *q, float *out, int64_t n) {
    const float fa = (float)a, fb = (float)b;
#pragma omp parallel for simd schedule(static) if (n >= PARALLEL_MIN)
    for (int64_t i = 0; i < n; i++)
        out[i] = fa * p[i] + fb * q[i];
}

void zt_add_noise(zt_level l, const float *x0, const float *eps, float *x, int64_t n) {
    combine(l.alpha, x0, l.sigma, eps, x, n);
}

/* target = a x0 + b eps */
static void target_coef(zt_target k, zt_level l, double *a, double *b) {
    switch (k) {
    case ZT_TARGET_EPS: *a = 0, *b = 1; return;
    case ZT_TARGET_X0: *a = 1, *b = 0; return;
    case ZT_TARGET_V: *a = -l.sigma, *b = l.alpha; return;
    case ZT_TARGET_FLOW: *a = -1, *b = 1; return;
    }
    *a = *b = 0;
}

void zt_target_make(zt_target k, zt_level l, const float *x0, const float *eps, float *y, int64_t n) {
    double a, b;
    target_coef(k, l, &a, &b);
    combine(a, x0, b, eps, y, n);
}

/* Solves   x = alpha x0 + sigma eps,   y = a x0 + b eps   for x0 and eps. */
void zt_target_x0_coef(zt_target k, zt_level l, double *cx, double *cy) {
    double a, b;
    target_coef(k, l, &a, &b);
    const double det = l.alpha * b - l.sigma * a;
    *cx = b / det;
    *cy = -l.sigma / det;
}

void zt_target_eps_coef(zt_target k, zt_level l, double *cx, double *cy) {
    double a, b;
    target_coef(k, l, &a, &b);
    const double det = l.alpha * b - l.sigma * a;
    *cx = -a / det;
    *cy = l.alpha / det;
}

void zt_target_to_x0(zt_target k, zt_level l, const float *x, const float *y, float *x0, int64_t n) {
    double a, b;
    zt_target_x0_coef(k, l, &a, &b);
    combine(a, x, b, y, x0, n);
}

void zt_target_to_eps(zt_target k, zt_level l, const float *x, const float *y, float *eps, int64_t n) {
    double a, b;
    zt_target_eps_coef(k, l, &a, &b);
    combine(a, x, b, y, eps, n);
}

void zt_eps_from_x0(zt_level l, const float *x, const float *x0, float *eps, int64_t n) {
    combine(1 / l.sigma, x, -l.alpha / l.sigma, x0, eps, n);
}

zt_err zt_time_check(const zt_time_cfg *c) {
    if (c->kind != ZT_TIME_UNIFORM && c->kind != ZT_TIME_LOGIT_NORMAL)
        return zt_fail(ZT_CONFIG, "training times: number %d is not one of %s", (int)c->kind, ZT_TIME_CHOICES);
    if (c->shift != 0 && !(c->shift >= 0.01 && c->shift <= 100))
        return zt_fail(ZT_CONFIG, "time shift is %g; it must be in 0.01..100 (1: none)", c->shift);
    if (c->kind == ZT_TIME_LOGIT_NORMAL && !(fabs(c->mean) <= 10 && c->std > 0 && c->std <= 10))
        return zt_fail(ZT_CONFIG, "logit-normal times: mean %g and std %g; wanted -10..10 and above 0 up to 10 (usual: 0 and 1)",
                       c->mean, c->std);
    return ZT_OK;
}

/* The x with P(N(0,1) < x) = u, by bisection: 60 halvings of -10..10. */
static double normal_quantile(double u) {
    double low = -10, high = 10;
    for (int k = 0; k < 60; k++) {
        const double x = 0.5 * (low + high);
        if (0.5 * erfc(-x / sqrt(2)) < u) low = x;
        else high = x;
    }
    return 0.5 * (low + high);
}

double zt_time_quantile(const zt_time_cfg *c, double u) {
    const double t = c->kind == ZT_TIME_UNIFORM ? unit(u) : 1 / (1 + exp(-(c->mean + c->std * normal_quantile(u))));
    return zt_time_shift(t, c->shift == 0 ? 1 : c->shift);
}

/* An error d in the answer is an error cy*d in x0 (x is given), so the weight w0 on the x0 error is w0*cy^2 on the answer's. */
double zt_loss_weight(const zt_weight_cfg *w, zt_target k, zt_level l) {
    if (w->kind == ZT_WEIGHT_NONE)
        return 1;
    double cx, cy;
    zt_target_x0_coef(k, l, &cx, &cy);
    const double snr = l.alpha * l.alpha / (l.sigma * l.sigma);
    return fmin(w->kind == ZT_WEIGHT_SOFT_SNR ? 1 + w->gain * snr : snr, w->gamma) * cy * cy;
}
