/* ddpm.c - ancestral sampling: x' drawn from q(x' | x, x0). Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239. Variance between
 * posterior and forward, log-interpolated by gamma: Ho et al. 2022 (Video Diffusion Models), arXiv:2204.03458, section 2. */
#include "diffusion/sampler_impl.h"
#include <math.h>

zt_err zt_run_ddpm(zt_sample_run *r, float *x) {
    for (int i = 0; i < r->cfg->steps; i++) {
        const zt_level s = r->level[i], d = r->level[i + 1];
        const double ratio = s.alpha / d.alpha;                                   /* alpha of x given x' */
        const double forward = fmax(s.sigma * s.sigma - ratio * ratio * d.sigma * d.sigma, 0);   /* variance of x given x' */
        const double share = d.sigma * d.sigma / (s.sigma * s.sigma);
        const double posterior = forward * share;
        zt_err e = zt_run_predict(r, x, i, r->x0);
        if (e != ZT_OK)
            return e;
        if (d.sigma > 0) {
            const double var = pow(posterior, 1 - r->cfg->gamma) * pow(forward, r->cfg->gamma);
            zt_run_noise(r, i);
            zt_run_combine(x, ratio * share, d.alpha * forward / (s.sigma * s.sigma), r->x0, sqrt(var), r->noise, r->n);
        } else {
            zt_run_combine(x, 0, d.alpha, r->x0, 0, NULL, r->n);                  /* the last step */
        }
        if ((e = zt_run_step(r, i, x)) != ZT_OK)
            return e;
    }
    return ZT_OK;
}
