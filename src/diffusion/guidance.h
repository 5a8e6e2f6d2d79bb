/* guidance.h - steps between a model's answer and the sampler: classifier-free guidance, frames that are known.
 * Source: Ho & Salimans 2022, arXiv:2207.12598 (scale here: 0 unconditional, 1 conditional, above 1 guided). */
#ifndef ZT_GUIDANCE_H
#define ZT_GUIDANCE_H
#include <stdint.h>

/** out = uncond + scale (cond - uncond), on model outputs of any target. out may be cond or uncond. */
void zt_guide(double scale, const float *cond, const float *uncond, float *out, int64_t n);
/** x[f,:] = known[f,:] for frames f < frames with mask[f] != 0; a frame is frame_n floats. For [B,T,H,W,C]: frames = B*T,
 *  frame_n = H*W*C. Used on x0 predictions, and on the noisy input of models that are told which frames are clean. */
void zt_known_frames(float *x, const float *known, const uint8_t *mask, int64_t frames, int64_t frame_n);
#endif
