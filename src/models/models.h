/* models.h - the video models this build has: one file per paper, one line here. */
#ifndef ZT_MODELS_H
#define ZT_MODELS_H
#include "base/opt.h"
#include "nn/nn.h"

/** What every denoising network is given. Borrowed nodes of one graph. */
typedef struct zt_model_in {
    zt_node *x;          /* [B,T,H,W,Cin] noisy clip, known frames and which they are (net.h) */
    zt_node *t01;        /* [B] diffusion time in [0,1], 1 = noise */
    zt_node *text;       /* [B,L,E] encoded prompt */
    zt_node *text_len;   /* [B] i32, tokens in use, >= 1 */
    int64_t out_channels;
} zt_model_in;

typedef struct zt_model_def {
    const char *name, *doc;
    zt_opts opts;                                            /* option table of the config section "model" */
    size_t cfg_size;
    /** Whether cfg fits clips of [T,H,W]; ZT_CONFIG says which option does not and what would. */
    zt_err (*check)(const void *cfg, int64_t frames, int64_t height, int64_t width);
    zt_node *(*build)(zt_nn *nn, const zt_model_in *in, const void *cfg);      /* -> [B,T,H,W,out_channels] */
} zt_model_def;

/** The model called `name`, or NULL with ZT_CONFIG text listing the names. */
const zt_model_def *zt_model_find(const char *name);
/** Model number k, 0 <= k < zt_model_count(). */
const zt_model_def *zt_model_at(int k);
int zt_model_count(void);
#endif
