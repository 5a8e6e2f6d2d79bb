/* synth.h - data sets of the synthetic worlds (data/world.h), rendered in parallel, written in order. */
#ifndef ZT_SYNTH_H
#define ZT_SYNTH_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/world.h"

typedef struct zt_synth_cfg {
    const char *out;
    const zt_world *world;
    int64_t clips, frames, size, hold_out;
    double fps, val, test;         /* parts of the clips for validation and test, 0..0.5 */
    uint64_t seed;
    bool all_truth;                /* ground truth for the training split too (always for val and test) */
} zt_synth_cfg;
typedef struct zt_synth_report { int64_t train, val, test, held_out, bytes; int shards; double seconds; } zt_synth_report;
/** Render a data set: train and val (no held-out combination), test (half seen, half held out; label "held_out"). Equal cfg,
 *  equal shards, byte for byte. Written beside and renamed: cfg->out must not exist or be empty. Progress on stderr. report may
 *  be NULL.
 *  Errors: ZT_ARG (cfg, out), ZT_IO, ZT_NOMEM, ZT_CANCELLED; none leaves anything behind. */
zt_err zt_synth(const zt_synth_cfg *cfg, zt_synth_report *report);
#endif
