/* encoder.h - a small text encoder trained together with the model. */
#ifndef ZT_TEXT_ENCODER_H
#define ZT_TEXT_ENCODER_H
#include "base/opt.h"
#include "nn/nn.h"

typedef struct zt_text_cfg {
    int64_t vocab;       /* tokenizer entries asked for; the learned tokenizer may have fewer */
    int64_t length;      /* tokens a prompt is cut to, end mark included */
    int64_t dim, depth, heads;
} zt_text_cfg;
extern const zt_opts zt_text_opts;      /* option table of the config section "text" */

/** Pre-norm transformer over tokens (Vaswani et al. 2017, arXiv:1706.03762): ids i32 [B,L] (0 ends a prompt), len i32 [B] >= 1
 *  tokens in use -> [B,L,dim], rows beyond len carry no meaning. Parameters under scope "text"; `vocab` is the tokenizer's real
 *  size. */
zt_node *zt_text_encode(zt_nn *nn, zt_node *ids, zt_node *len, int64_t vocab, const zt_text_cfg *k);
#endif
