/* label.h - the text label every generated file carries. */
#ifndef ZT_TRUST_LABEL_H
#define ZT_TRUST_LABEL_H
#include "media/tags.h"
#include "zt/generate.h"

/** Fill `tags` (zero-initialised by the caller, finished by it): title, comment ("AI-generated video..."), description and
 *  artist for people and players; digital_source_type (the IPTC term trainedAlgorithmicMedia,
 *  http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia), ai_generated, prompt, negative_prompt, model,
 *  model_hash, seed, settings and generator for machines. `k`: number of the clip; of an adversarial
 *  model cfg says the content seed, motion seed and category of this very clip. */
zt_err zt_label_tags(zt_media_tags *tags, const zt_generate_cfg *cfg, const zt_model_info *model, int k);
#endif
