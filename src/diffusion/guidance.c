/* guidance.c - see guidance.h. */
#include "diffusion/guidance.h"
#include <string.h>

void zt_guide(double scale, const float *cond, const float *uncond, float *out, int64_t n) {
    const float s = (float)scale;
#pragma omp parallel for simd schedule(static) if (n >= 1 << 15)
    for (int64_t i = 0; i < n; i++)
        out[i] = uncond[i] + s * (cond[i] - uncond[i]);
}

void zt_known_frames(float *x, const float *known, const uint8_t *mask, int64_t frames, int64_t frame_n) {
    for (int64_t f = 0; f < frames; f++)
        if (mask[f])
            memcpy(x + f * frame_n, known + f * frame_n, (size_t)frame_n * sizeof *x);
}
