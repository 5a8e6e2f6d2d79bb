/* resample.h - the constant weights of ops resample and resample_dx: which places of x an output place is made of. References ask
 * for one weight after the other, kernels make a table of them when planned. */
#ifndef ZT_OPS_RESAMPLE_H
#define ZT_OPS_RESAMPLE_H
#include "ops/attrs.h"

/** The most weights an output place has. */
int64_t zt_resample_taps(const zt_attr *at);
/** Weight number `tap` of output place `to`; *from: the place of x it is for, always inside. 0: this place has no such weight. */
double zt_resample_weight(const zt_attr *at, int64_t to, int64_t tap, int64_t *from);
#endif
