/* config.h - the diffusion settings of a model: what it was trained for and how it is sampled by default. */
#ifndef ZT_DIFFUSION_CONFIG_H
#define ZT_DIFFUSION_CONFIG_H
#include "base/opt.h"
#include "diffusion/schedule.h"

typedef struct zt_diffusion_cfg {
    int process, target, time, weight;          /* zt_process_kind, zt_target, zt_time_kind, zt_weight_kind */
    double cosine_s, time_mean, time_std, time_shift, snr_gamma;
} zt_diffusion_cfg;
extern const zt_opts zt_diffusion_opts;          /* option table of the config section "diffusion" */

zt_process zt_diffusion_process(const zt_diffusion_cfg *c);
zt_time_cfg zt_diffusion_times(const zt_diffusion_cfg *c);
/** ZT_CONFIG when fields do not fit each other. */
zt_err zt_diffusion_check(const zt_diffusion_cfg *c);
#endif
