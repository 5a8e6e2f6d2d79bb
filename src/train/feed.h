/* feed.h - one step's inputs: clips, captions, times, noise and which frames are given, as a pure function of (seed, step). */
#ifndef ZT_FEED_H
#define ZT_FEED_H
#include "train/step_graph.h"

/** Random streams: the numbers of step s come from (seed, ZT_FEED_TRAIN, s), those of validation batch k from (seed,
 *  ZT_FEED_VAL, k). */
typedef enum zt_feed_kind { ZT_FEED_TRAIN, ZT_FEED_VAL } zt_feed_kind;

/** Fill the inputs of `s` (all but the optimiser's and the flow) from batch rgb [B,T,H,W,3] and caption[B]. Validation uses no
 *  dropped captions, no given frames and evenly spread times, so that its loss measures the unconditional text-to-video task. */
void zt_feed(zt_step_graph *s, const zt_train_cfg *c, const zt_bpe *tok, zt_feed_kind kind, int64_t index, const uint8_t *rgb,
             const char *const *caption);
/** For the temporal loss, where s->flow is there: the flow of the clips rgb [B,T,H,W,3], both ways. ZT_NOMEM. */
zt_err zt_feed_flow(zt_step_graph *s, const uint8_t *rgb);
#endif
