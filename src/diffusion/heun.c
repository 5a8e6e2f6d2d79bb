/* heun.c - Heun's method (trapezoid) on the probability-flow ODE, as in Karras et al. 2022, arXiv:2206.00364, algorithm 1.
 *
 * With S = sigma/alpha there are two equal forms:  d(x/alpha)/dS = eps   and   d(x/sigma)/d(1/S) = x0.  A trapezoid in S is poor
 * where S is huge (the first step of a variance-preserving process goes from S = 22026 to about 30), one in 1/S where S is
 * small. So each step averages x0 while S' >= 1 and eps below: both are exact when the data is a single point. */
#include "diffusion/sampler_impl.h"
#include <string.h>

zt_err zt_run_heun(zt_sample_run *r, float *x) {
    const int64_t n = r->n;
    for (int i = 0; i < r->cfg->steps; i++) {
        const zt_level s = r->level[i], d = r->level[i + 1];
        const double keep = d.sigma / s.sigma;
        float *second = r->a, *guess = r->b;
        zt_err e = zt_run_predict(r, x, i, r->x0);
        if (e != ZT_OK)
            return e;
        memcpy(guess, x, (size_t)n * sizeof *x);
        zt_run_combine(guess, keep, d.alpha - keep * s.alpha, r->x0, 0, NULL, n);      /* Euler */
        if (d.sigma == 0) {                                                            /* to t = 0: S' = 0 has no slope */
            memcpy(x, guess, (size_t)n * sizeof *x);
        } else if ((e = zt_run_predict(r, guess, i + 1, second)) != ZT_OK) {
            return e;
        } else if (d.sigma >= d.alpha) {
            const double w = (d.alpha - keep * s.alpha) / 2;
            zt_run_combine(x, keep, w, r->x0, w, second, n);
        } else {
            zt_eps_from_x0(s, x, r->x0, r->x0, n);
            zt_eps_from_x0(d, guess, second, second, n);
            const double grow = d.alpha / s.alpha, w = (d.sigma - s.sigma * grow) / 2;
            zt_run_combine(x, grow, w, r->x0, w, second, n);
        }
        if ((e = zt_run_step(r, i, x)) != ZT_OK)
            return e;
    }
    return ZT_OK;
}
