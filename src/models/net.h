/* net.h - a complete network: a denoiser with text encoder and known frames, the generator and critics of an adversarial model,
 * or a classifier of clips; and the folder it is kept in. */
#ifndef ZT_NET_H
#define ZT_NET_H
#include "base/sizes.h"
#include "models/classifier.h"
#include "models/gan.h"
#include "models/models.h"
#include "text/bpe.h"
#include "text/encoder.h"

enum { ZT_RGB = 3 };

/** What is needed to build the graph of a network; weights are in a zt_tset. Zero-initialise; zt_net_finish frees. */
typedef struct zt_net {
    const zt_model_def *model;          /* a denoiser; one of these three, the others NULL */
    const zt_gan_def *gan;              /* an adversarial model; then text, vocab, mean and scale say nothing */
    const zt_classifier_def *classifier; /* a classifier; likewise */
    void *cfg;                          /* its cfg_size bytes, owned */
    zt_text_cfg text;
    int64_t vocab;                      /* real size of the tokenizer */
    int64_t classes;                    /* categories of an adversarial model, 0: none; their names, "": it found them itself */
    char class_name[ZT_CLASSES_MAX][ZT_CLASS_NAME_MAX];
    int n_heads;                         /* of a classifier: what it tells */
    zt_head head[ZT_HEADS_MAX];
    int64_t frames, height, width;      /* clip size it was trained at; of several the main one, which most clips had */
    zt_sizes sizes;                     /* all of them, that one first; none: only that */
    double fps;
    double mean, scale;                 /* what the network sees is (x - mean) / scale, x in [-1,1] */
    char f32_scopes[256];               /* parts that multiply in f32 whatever the precision (zt_graph_keep_f32) */
} zt_net;

/** Model `name`, of any kind, with its default options. ZT_CONFIG for an unknown name. */
zt_err zt_net_init(zt_net *net, const char *name);
const char *zt_net_name(const zt_net *net);
zt_opts zt_net_opts(const zt_net *net);                      /* of cfg */
/** What an adversarial model is made for. */
zt_gan_size zt_net_gan_size(const zt_net *net);
/** Whether it is an adversarial model whose clips begin with a frame that is given (a latent of ZT_GAN_FRAME). */
bool zt_net_from_frame(const zt_net *net);
/** Whether it is an adversarial model with a style in each layer (gan.h). */
bool zt_net_has_styles(const zt_net *net);
/** Whether it is an adversarial model of any length: a latent of it goes on frame by frame. Others make clips of net->frames. */
bool zt_net_any_length(const zt_net *net);
void zt_net_finish(zt_net *net);
/** Options against each other and against the clip size. */
zt_err zt_net_check(const zt_net *net);
/** The same network for clips of another size: a view, not to be finished. */
zt_net zt_net_at(const zt_net *net, zt_size size);

/** Inputs of one run, leaves of the graph. mask[b,t] = 1: frame t is known and given in `known`; its `noisy` content is
 *  ignored. The network sees in every frame the known one that came last, as Stable Video Diffusion (arXiv:2311.15127) shows
 *  its image to all frames, and one a little earlier, so that motion can be read off the two at any frame. */
typedef struct zt_net_in {
    zt_node *noisy;          /* [B,T,H,W,3], normalised as net.mean and net.scale say */
    zt_node *known;          /* [B,T,H,W,3], normalised too (B: that of `last`, or more) */
    zt_node *mask;           /* [B,T] 0 or 1 */
    zt_node *last, *before;  /* [B,T] i32: rows b*T+t of `known` that frame is shown, -1: none yet; by zt_net_show */
    zt_node *age, *span;     /* [B,T]: how old the last one is, how far apart the two are, as parts of the clip; by the same */
    zt_node *t01;            /* [B] */
    zt_node *ids, *len;      /* [B,L] i32, [B] i32 (>= 1) */
} zt_net_in;
/** The leaves that say which frames are known: mask, last, before, age, span. */
void zt_net_mask_inputs(zt_net_in *in, zt_graph *g, const zt_net *net, int64_t b);
/** Make all input leaves for batch b of clips [frames,height,width]. */
zt_net_in zt_net_inputs(zt_graph *g, const zt_net *net, int64_t b);
/** After mask is filled: fills last, before, age, span. */
void zt_net_show(const zt_net_in *in);
/** The network's answer [B,T,H,W,3]; what it means (v, eps, ...) is the diffusion target it was trained for. */
zt_node *zt_net_build(zt_nn *nn, const zt_net *net, const zt_net_in *in);

/** Tokens of a prompt for this network: ids[text.length], ended by ZT_BPE_END; returns len (>= 1). Empty: unconditional. */
int zt_net_tokens(const zt_net *net, const zt_bpe *tok, const char *prompt, int32_t *ids, bool *truncated);

/** A model folder: config.json (sections model, text, video, `diffusion`, kept as it is, and f32_scopes), model.safetensors,
 *  tokenizer.json. That of an adversarial model: config.json (model, video, `gan`: the categories), model.safetensors (the
 *  generator's weights and what its layers remember). That of a classifier: config.json (model, video, `classify`: the heads),
 *  model.safetensors. */
typedef struct zt_model_dir {
    zt_net net;
    zt_tset params, states;             /* states: of layers that remember something */
    zt_bpe tok;
    json_t *diffusion;                  /* owned */
    char hash[65];                      /* SHA-256 of model.safetensors */
} zt_model_dir;
/** Load and check everything: ZT_NOTFOUND, ZT_FORMAT (damaged, a tensor missing: all names listed), ZT_CONFIG. *m is empty on
 *  failure. */
zt_err zt_model_dir_load(zt_model_dir *m, const char *dir);
void zt_model_dir_finish(zt_model_dir *m);
/** Write a folder beside `dir` and swap it in: after a crash the old or the new one is there, whole. Borrows everything. */
zt_err zt_model_dir_save(const char *dir, const zt_net *net, const zt_tset *params, const zt_bpe *tok, const json_t *diffusion);
/** The same of an adversarial model; weights: the generator's parameters and states. */
zt_err zt_model_dir_save_gan(const char *dir, const zt_net *net, const zt_tset *weights);
/** The same of a classifier. */
zt_err zt_model_dir_save_classifier(const char *dir, const zt_net *net, const zt_tset *params);
#endif
