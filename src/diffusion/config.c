/* config.c - option table of the section "diffusion". */
#include "diffusion/config.h"

static const zt_opt options[] = {
    {"process", ZT_OPT_ENUM, ZT_OPT_AT(zt_diffusion_cfg, process), "cosine", 0, 0, ZT_PROCESS_CHOICES, 0,
     "noise process: variance-preserving cosine, or rectified flow"},
    {"target", ZT_OPT_ENUM, ZT_OPT_AT(zt_diffusion_cfg, target), "v", 0, 0, ZT_TARGET_CHOICES, 0, "what the network predicts"},
    {"cosine_s", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, cosine_s), "0.008", 0, 0.5, NULL, 0, "offset s of the cosine schedule"},
    {"precondition", ZT_OPT_BOOL, ZT_OPT_AT(zt_diffusion_cfg, precondition), "true", 0, 0, NULL, 0,
     "add the best linear guess to the network's answer"},
    {"time", ZT_OPT_ENUM, ZT_OPT_AT(zt_diffusion_cfg, time), "uniform", 0, 0, ZT_TIME_CHOICES, 0,
     "distribution of training times"},
    {"time_mean", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, time_mean), "0", -10, 10, NULL, 0, "mean of the logit-normal times"},
    {"time_std", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, time_std), "1", 0.01, 10, NULL, 0,
     "standard deviation of the logit-normal times"},
    {"time_shift", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, time_shift), "1", 0.01, 100, NULL, 0,
     "moves times towards noise (above 1), in training and sampling"},
    {"weight", ZT_OPT_ENUM, ZT_OPT_AT(zt_diffusion_cfg, weight), "none", 0, 0, ZT_WEIGHT_CHOICES, 0,
     "weight of the loss over times"},
    {"snr_gamma", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, snr_gamma), "5", 0.1, 1000, NULL, 0,
     "largest weight of min-snr and soft-snr"},
    {"snr_gain", ZT_OPT_REAL, ZT_OPT_AT(zt_diffusion_cfg, snr_gain), "1", 0, 1000, NULL, 0, "soft-snr: 1 + this times the SNR"},
};
const zt_opts zt_diffusion_opts = {options, sizeof options / sizeof *options};

zt_process zt_diffusion_process(const zt_diffusion_cfg *c) {
    return (zt_process){(zt_process_kind)c->process, c->cosine_s};
}

zt_time_cfg zt_diffusion_times(const zt_diffusion_cfg *c) {
    return (zt_time_cfg){(zt_time_kind)c->time, c->time_mean, c->time_std, c->time_shift};
}

zt_weight_cfg zt_diffusion_weight(const zt_diffusion_cfg *c) {
    return (zt_weight_cfg){(zt_weight_kind)c->weight, c->snr_gain, c->snr_gamma};
}

double zt_diffusion_skip(const zt_diffusion_cfg *c, zt_level level) {
    const double data_variance = 0.25, a = level.alpha, s = level.sigma;
    const float one = 1, zero = 0;
    float x0, eps;                                        /* the target as x0 * clean + eps * noise */
    if (!c->precondition) return 0;
    zt_target_make((zt_target)c->target, level, &one, &zero, &x0, 1);
    zt_target_make((zt_target)c->target, level, &zero, &one, &eps, 1);
    return (a * data_variance * x0 + s * eps) / (a * a * data_variance + s * s);       /* cov(target, x) / var(x) */
}

zt_err zt_diffusion_check(const zt_diffusion_cfg *c) {
    const zt_process p = zt_diffusion_process(c);
    const zt_time_cfg t = zt_diffusion_times(c);
    const zt_err e = zt_process_check(&p);
    return e != ZT_OK ? e : zt_time_check(&t);
}
