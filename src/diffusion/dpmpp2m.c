/* dpmpp2m.c - DPM-Solver++(2M): multistep of order 2 in lambda = log(alpha/sigma). Source: Lu et al. 2022, arXiv:2211.01095,
 * algorithm 2. The first step and the last (to lambda = infinity) are of order 1. */
#include "diffusion/sampler_impl.h"
#include <math.h>

zt_err zt_run_dpmpp2m(zt_sample_run *r, float *x) {
    float *old = r->a, *now = r->x0;
    double h_old = 0;
    for (int i = 0; i < r->cfg->steps; i++) {
        const zt_level s = r->level[i], d = r->level[i + 1];
        const double keep = d.sigma / s.sigma, w = d.alpha - keep * s.alpha;   /* w = -alpha' (exp(-h) - 1) */
        const double h = d.sigma > 0 ? log(d.alpha / d.sigma) - log(s.alpha / s.sigma) : 0;
        const double half = h_old > 0 ? h / h_old / 2 : 0;                     /* 1/(2r), r = h_old/h */
        zt_err e = zt_run_predict(r, x, i, now);
        if (e != ZT_OK)
            return e;
        zt_run_combine(x, keep, w * (1 + half), now, -w * half, half > 0 ? old : NULL, r->n);
        h_old = h;
        float *const swap = old;
        old = now;
        now = swap;
        if ((e = zt_run_step(r, i, x)) != ZT_OK)
            return e;
    }
    return ZT_OK;
}
