/* run_log.h - what a run says: log.jsonl (one object per line) and a TensorBoard event file. */
#ifndef ZT_RUN_LOG_H
#define ZT_RUN_LOG_H
#include <stdio.h>
#include "base/err.h"
#include "train/tfevents.h"

typedef struct zt_run_log { FILE *jsonl; zt_tfevents *events; } zt_run_log;      /* zero-initialise */

/** Open RUN/log.jsonl for appending and a new event file. Lines of steps after `step` (of a killed run) are removed first. */
zt_err zt_run_log_open(zt_run_log *l, const char *run_dir, int64_t step);
/** One line {"step":..,"name":value,..} and n scalars "train/NAME" in the event file. */
zt_err zt_run_log_scalars(zt_run_log *l, int64_t step, int n, const char *const *name, const double *value);
void zt_run_log_close(zt_run_log *l);
#endif
