/* demo_report.h - the page and the figures the demo ends with. */
#ifndef ZT_DEMO_REPORT_H
#define ZT_DEMO_REPORT_H
#include "base/json.h"
#include "pipeline/world_eval.h"

/* Sampling settings of the demo's scores. */
#define ZT_DEMO_STEPS 16
#define ZT_DEMO_CFG_SCALE 2.0

/** Write DIR/report.html: scores against floors and baselines, loss curve, playing clips, the command for each step. */
zt_err zt_demo_report(const char *dir, const zt_model_dir *m, const zt_dataset *ds, const zt_world_eval *r,
                      const zt_world_eval_cfg *cfg);
/** The scores as one object (also what `zoe eval --json` prints). NULL: out of memory. */
json_t *zt_demo_scores_json(const zt_world_eval *r);
#endif
