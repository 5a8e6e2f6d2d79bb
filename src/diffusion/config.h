/* config.h - the diffusion settings of a model: what it was trained for and how it is sampled by default. */
#ifndef ZT_DIFFUSION_CONFIG_H
#define ZT_DIFFUSION_CONFIG_H
#include "base/opt.h"
#include "diffusion/schedule.h"

typedef struct zt_diffusion_cfg {
    int process, target, time, weight;          /* zt_process_kind, zt_target, zt_time_kind, zt_weight_kind */
    int precondition;
    double cosine_s, time_mean, time_std, time_shift, snr_gamma, snr_gain;
} zt_diffusion_cfg;
extern const zt_opts zt_diffusion_opts;          /* option table of the config section "diffusion" */

zt_process zt_diffusion_process(const zt_diffusion_cfg *c);
zt_time_cfg zt_diffusion_times(const zt_diffusion_cfg *c);
zt_weight_cfg zt_diffusion_weight(const zt_diffusion_cfg *c);
/** Part of the noisy input that is added to the network's answer: the best linear guess of the target when data has mean 0 and
 *  standard deviation 0.5, so that the network learns only what is beyond it (the c_skip of Karras et al. 2022,
 *  arXiv:2206.00364, written for any process and target). 0 when precondition is off. */
double zt_diffusion_skip(const zt_diffusion_cfg *c, zt_level level);
/** ZT_CONFIG when fields do not fit each other. */
zt_err zt_diffusion_check(const zt_diffusion_cfg *c);
#endif
