/* ddim.c - Song, Meng & Ermon 2021, arXiv:2010.02502, for any (alpha, sigma): x' = alpha' x0 + sqrt(sigma'^2 - v^2) eps + v z
 * with v = eta sigma'/sigma sqrt(sigma^2 - (alpha sigma'/alpha')^2). eta 0: deterministic; eta 1: DDPM's posterior variance. */
#include "diffusion/sampler_impl.h"
#include <math.h>

zt_err zt_run_ddim(zt_sample_run *r, float *x) {
    for (int i = 0; i < r->cfg->steps; i++) {
        const zt_level s = r->level[i], d = r->level[i + 1];
        const double back = s.alpha * d.sigma / d.alpha;
        const double v = r->cfg->eta * d.sigma / s.sigma * sqrt(fmax(s.sigma * s.sigma - back * back, 0));
        const double keep = sqrt(fmax(d.sigma * d.sigma - v * v, 0)) / s.sigma;   /* eps = (x - alpha x0)/sigma */
        zt_err e = zt_run_predict(r, x, i, r->x0);
        if (e != ZT_OK)
            return e;
        if (v > 0)
            zt_run_noise(r, i);
        zt_run_combine(x, keep, d.alpha - keep * s.alpha, r->x0, v, v > 0 ? r->noise : NULL, r->n);
        if ((e = zt_run_step(r, i, x)) != ZT_OK)
            return e;
    }
    return ZT_OK;
}
