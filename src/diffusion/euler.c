/* euler.c - Euler's method on the probability-flow ODE in X = x/alpha, S = sigma/alpha: dX/dS = (X - x0)/S (Karras et al. 2022,
 * arXiv:2206.00364, algorithm 1). Written for x directly, so that S, which is huge at t = 1, never appears: the slope is eps, and
 * x'/alpha' = x/alpha + (S' - S) eps, which is DDIM with eta 0. */
#include "diffusion/sampler_impl.h"

zt_err zt_run_euler(zt_sample_run *r, float *x) {
    for (int i = 0; i < r->cfg->steps; i++) {
        const zt_level s = r->level[i], d = r->level[i + 1];
        const double keep = d.sigma / s.sigma;
        zt_err e = zt_run_predict(r, x, i, r->x0);
        if (e != ZT_OK)
            return e;
        zt_run_combine(x, keep, d.alpha - keep * s.alpha, r->x0, 0, NULL, r->n);
        if ((e = zt_run_step(r, i, x)) != ZT_OK)
            return e;
    }
    return ZT_OK;
}
