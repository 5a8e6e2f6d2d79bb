/* sampling.h - a network made ready to sample: prompts and known frames in, clips out. Used by generation and by the
 * trainer's sample grids; knows no file. */
#ifndef ZT_SAMPLING_H
#define ZT_SAMPLING_H
#include "diffusion/config.h"
#include "diffusion/sampler.h"
#include "models/net.h"

typedef struct zt_sampling zt_sampling;

#define ZT_SAMPLING_PRECISION_CHOICES "auto|f32|bf16"
/** What products are rounded to: ZT_F32 or ZT_BF16; auto: bf16 on processors that multiply in it. ZT_ARG: another word, or bf16
 *  on a processor that does not. */
zt_err zt_sampling_precision(const char *name, zt_dtype *multiply);

/** Plan the network for `batch` clips per pass (twice that inside when guided), its products (but for net.f32_scopes) rounded to
 *  `multiply`. net, params, tok are borrowed and must outlive it; params are read at every run, so they may change between runs.
 *  One thread at a time. */
zt_err zt_sampling_create(zt_sampling **s, const zt_net *net, zt_tset *params, const zt_bpe *tok, const zt_diffusion_cfg *d,
                          int batch, bool guided, zt_dtype multiply);
void zt_sampling_destroy(zt_sampling **s);
/** Bytes it holds (arena, inputs, scratch). */
int64_t zt_sampling_bytes(const zt_sampling *s);

typedef struct zt_sampling_request {
    int n;                               /* clips, any number: run in passes of `batch` */
    const char *const *prompt;           /* [n] checked text; "" is unconditional */
    const char *negative;                /* what guidance leads away from; NULL: unconditional */
    const float *known;                  /* [n,T,H,W,3] in [-1,1], or NULL */
    const uint8_t *mask;                 /* [n,T], 1: that frame is known; NULL when known is */
    int steps;
    double cfg_scale;                    /* 1: no guidance; must be 1 when created unguided */
    zt_sampler sampler;
    double eta;
    uint64_t seed;                       /* clip k starts from the noise of seed + k, whatever the batch */
    bool (*on_step)(void *user, int done, int total);      /* may be NULL; false stops with ZT_CANCELLED */
    void *user;
} zt_sampling_request;
/** clips [n,T,H,W,3] in [-1,1], caller's; known frames come back exactly. */
zt_err zt_sampling_run(zt_sampling *s, const zt_sampling_request *r, float *clips);

/** [-1,1] floats to bytes, rounding; and back. */
void zt_floats_to_rgb(const float *x, uint8_t *rgb, int64_t n);
void zt_rgb_to_floats(const uint8_t *rgb, float *x, int64_t n);
#endif
