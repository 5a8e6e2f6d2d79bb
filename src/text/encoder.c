/* encoder.c - text encoder: token + position embedding, pre-norm self-attention blocks, final norm. */
#include "text/encoder.h"
#include "nn/attention.h"

static const zt_opt options[] = {
    {"vocab", ZT_OPT_INT, ZT_OPT_AT(zt_text_cfg, vocab), "512", 258, 65536, NULL, 0,
     "largest number of tokenizer entries learned from the captions"},
    {"length", ZT_OPT_INT, ZT_OPT_AT(zt_text_cfg, length), "24", 2, 512, NULL, 0,
     "tokens a prompt may have; longer ones are cut"},
    {"dim", ZT_OPT_INT, ZT_OPT_AT(zt_text_cfg, dim), "128", 16, 4096, NULL, 0, "width of the text encoder, channels"},
    {"depth", ZT_OPT_INT, ZT_OPT_AT(zt_text_cfg, depth), "2", 0, 48, NULL, 0, "transformer blocks of the text encoder"},
    {"heads", ZT_OPT_INT, ZT_OPT_AT(zt_text_cfg, heads), "4", 1, 64, NULL, 0,
     "attention heads of the text encoder; must divide dim"},
};
const zt_opts zt_text_opts = {options, sizeof options / sizeof *options};

static zt_node *block(zt_nn *nn, zt_node *x, zt_node *len, const zt_text_cfg *k) {
    const int64_t b = x->sh.d[0], l = x->sh.d[1];
    zt_node *h = zt_reshape(zt_norm_affine(nn, "norm1", x), zt_sh(b, l, 1, k->dim));
    h = zt_mha(nn, "attn", h, h, &(zt_attend){.heads = (int)k->heads, .len = len, .zero_out = true});      /* [B,L,1,D] */
    x = zt_add(x, zt_reshape(h, x->sh));
    h = zt_gelu(zt_linear(nn, "fc1", zt_norm_affine(nn, "norm2", x), 4 * k->dim, ZT_INIT_XAVIER));
    return zt_add(x, zt_linear(nn, "fc2", h, k->dim, ZT_INIT_ZERO));
}

zt_node *zt_text_encode(zt_nn *nn, zt_node *ids, zt_node *len, int64_t vocab, const zt_text_cfg *k) {
    zt_push(nn->g, "text");
    zt_node *x = zt_embedding(ids, zt_nn_param(nn, "token", zt_sh(vocab, k->dim), ZT_INIT_NORMAL));    /* [B,L,D] */
    x = zt_add(x, zt_nn_param(nn, "position", zt_sh(k->length, k->dim), ZT_INIT_NORMAL02));
    for (int n = 0; n < k->depth; n++) {
        zt_push(nn->g, "blocks.%d", n);
        x = block(nn, x, len, k);
        zt_pop(nn->g);
    }
    x = zt_norm_affine(nn, "norm", x);
    zt_pop(nn->g);
    return x;
}
