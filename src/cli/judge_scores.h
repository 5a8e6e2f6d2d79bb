/* judge_scores.h - zoe eval of a classifier, and what a classifier as second judge adds to the scores of a model that makes
 * clips. */
#ifndef ZT_CLI_JUDGE_SCORES_H
#define ZT_CLI_JUDGE_SCORES_H
#include "base/json.h"
#include "pipeline/judge_eval.h"

/** Score the classifier m (taken over) and print; the exit status. */
int zt_cli_judge_scores(zt_model_dir *m, const zt_dataset *ds, int n, uint64_t seed, zt_dtype multiply, bool json);
/** The value of "judge_net" in the scores of zoe eval --judge-net (docs/models/judge-net.md lists the keys). NULL: out of
 *  memory. */
json_t *zt_cli_second_opinion_json(const zt_second_opinion *r);
void zt_cli_print_second_opinion(const zt_second_opinion *r);
#endif
