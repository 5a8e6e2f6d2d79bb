/* checkpoint.h - RUN/checkpoints/step-XXXXXXXX: whole or not there at all. */
#ifndef ZT_CHECKPOINT_H
#define ZT_CHECKPOINT_H
#include "base/json.h"
#include "tensor/tset.h"

/** Everything a run needs to go on, beside its config. */
typedef struct zt_run_state {
    int64_t step;                /* steps done */
    double best;                 /* best validation loss so far; negative: none yet */
    int64_t best_step, waited;   /* when; validations since without a better one */
} zt_run_state;

/** Write model.safetensors (params), ema.safetensors (ema.* of states), optimizer.safetensors (opt.* of states), where there is
 *  more in states layers.safetensors (what layers remember: statistics of batch norm, ...), and state.json into ROOT/NAME:
 *  written to a hidden folder beside it, synced, then put in place by one rename. An older ROOT/NAME is replaced. */
zt_err zt_checkpoint_save(const char *root, const char *name, const zt_run_state *s, zt_tset *params, const zt_tset *states);
/** Fill params and states (which hold the right names and shapes) and *s. */
zt_err zt_checkpoint_load(const char *dir, zt_run_state *s, zt_tset *params, zt_tset *states);
/** Path of the newest step-* folder under root, into path[ZT_PATH_MAX]; *found tells whether there is one. Leftovers of killed
 *  writes are not considered. */
zt_err zt_checkpoint_newest(const char *root, char *path, bool *found);
/** Remove all but the newest `keep` step-* folders, and leftovers of killed writes. */
zt_err zt_checkpoint_prune(const char *root, int64_t keep);
#endif
