/* curriculum.h - short and small clips first: which size a run's clips have at a step. The graph of a step has fixed shapes, so
 * a new stage plans anew, once; weights fit every size. Source: Bengio et al. 2009, "Curriculum Learning". */
#ifndef ZT_CURRICULUM_H
#define ZT_CURRICULUM_H
#include "train/config.h"

typedef struct zt_stage {
    int64_t frames, height, width;
} zt_stage;

/** Size of the clips of step `step` (from 0): c->data.curriculum_frames and curriculum_sides say the stages, which share the
 *  first data.curriculum_part of the steps equally; the shorter list is stretched. Then, and without lists, the full size c->net
 *  has. */
zt_stage zt_curriculum_stage(const zt_train_cfg *c, int64_t step);
/** How many stages come before the full size, and the size of stage k of these: what the lists say there, c->net's where a list
 *  is empty. */
int zt_curriculum_stages(const zt_train_cfg *c);
zt_stage zt_curriculum_stage_at(const zt_train_cfg *c, int k);
/** ZT_CONFIG when a stage is larger than the full size or the model cannot have it. c->net holds the full size. */
zt_err zt_curriculum_check(const zt_train_cfg *c);
/** c for one stage: the same with the stage's size in net, and clips resized when it is smaller than the full one. Borrows all of
 *  c; not to be finished. */
zt_train_cfg zt_curriculum_cfg(const zt_train_cfg *c, zt_stage s);
#endif
