/* score.h - measures a clip: numbers that say whether it is worth training on, found from its pixels alone. */
#ifndef ZT_DATA_SCORE_H
#define ZT_DATA_SCORE_H
#include <stdint.h>
#include "base/err.h"
#include "data/scores.h"
#include "media/frames.h"

/** All scores of a clip (score.def) and its perceptual hash. Reads `clip` only. Any thread. Errors: ZT_NOMEM.
 *  Sources: flow by matching 8x8 blocks over a pyramid (Bierling 1988, "Displacement estimation by hierarchical block matching");
 *  camera by a similarity fitted to it with Tukey's weights; sharpness Pech-Pacheco et al. 2000 ("Diatom autofocusing"); colour
 *  Hasler and Suesstrunk 2003 ("Measuring colourfulness in natural images"); hash of the low DCT frequencies (Zauner 2010). */
zt_err zt_score_clip(const zt_frames *clip, zt_scores *s);

typedef struct zt_score_report { int64_t scored, before, failed; double seconds; } zt_score_report;
/** Score every usable clip of data set `dir` that has no scores yet (all of them with `again`), on all processors, and write
 *  them in small transactions: after a kill the same call goes on. A clip that cannot be read is warned about and counted as
 *  failed.
 *  Errors: as zt_dataset_open and zt_catalog_create; ZT_CANCELLED (what was scored is kept). report may be NULL. */
zt_err zt_score_set(const char *dir, int again, zt_score_report *report);
#endif
