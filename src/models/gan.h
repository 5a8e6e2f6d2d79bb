/* gan.h - adversarial models: a generator that turns latent codes into clips and the critics that judge them; one file per
 * paper. The losses and the alternation of steps are the recipe's (train/). */
#ifndef ZT_GAN_H
#define ZT_GAN_H
#include "base/opt.h"
#include "nn/nn.h"

enum { ZT_GAN_LATENTS = 4, ZT_GAN_CRITICS = 2, ZT_GAN_VIEWS = 4, ZT_GAN_STYLES = 40 };

/** What a pair is made for. */
typedef struct zt_gan_size {
    int64_t frames, height, width, classes;   /* of clips; classes: categories of the labels, 0: none */
    /* Models of continuous time only (stylegan-v): a few frames of longer clips. */
    int64_t span;        /* frames of these longer clips; 0: frames */
    zt_node *times;      /* [B,frames] when each frame is, frames from the clip's start, growing, 0..span-1; NULL: 0, 1, .. */
} zt_gan_size;

typedef enum zt_gan_draw {
    ZT_GAN_NORMAL,       /* N(0,1) */
    ZT_GAN_UNIFORM,      /* uniform in [-1,1] */
    ZT_GAN_CATEGORY,     /* [B,K] one-hot, a category drawn evenly (or the one asked for) */
    ZT_GAN_FRAME         /* nothing drawn: the first frame [B,H,W,3] in [-1,1], of a real clip or the one asked for */
} zt_gan_draw;
typedef enum zt_gan_part {
    ZT_GAN_CONTENT,      /* what is shown: --content-seed; also codes that no split is known of */
    ZT_GAN_MOTION        /* how it moves: --motion-seed */
} zt_gan_part;
/** A latent input of the generator: a leaf [b, ..] that the caller fills. */
typedef struct zt_gan_latent {
    const char *name;    /* "z_content"; static storage */
    zt_shape sh;         /* first axis: clips */
    zt_gan_draw draw;
    zt_gan_part part;
} zt_gan_latent;

/** What a generator makes. Absent: NULL. */
typedef struct zt_gan_made {
    zt_node *video;                     /* [B,T,H,W,3] in [-1,1] */
    zt_node *penalty;                   /* scalar the generator pays beside its adversarial loss (VGAN's mask) */
    /* Parts to look at and to measure: "mask" [B,T,H,W,1] in [0,1], "background" [B,T,H,W,3], "flow" [B,T-1,H,W,2] pixels. */
    struct { const char *name; zt_node *x; } view[ZT_GAN_VIEWS];
} zt_gan_made;

/** What one critic says of a clip. */
typedef struct zt_gan_verdict {
    zt_node *score;      /* [B, ..] logits or scores, high: real; several (patches, frames): averaged by the loss */
    zt_node *category;   /* [B,K] logits of the clip's category, or NULL */
} zt_gan_verdict;

typedef struct zt_gan_def {
    const char *name, *doc;
    zt_opts opts;                                            /* option table of the config section "model" */
    bool any_times;                                          /* of continuous time: zt_gan_size.times is heeded */
    size_t cfg_size;
    /** Whether cfg can make clips of this size; ZT_CONFIG says which number does not fit and which would. */
    zt_err (*check)(const void *cfg, const zt_gan_size *size);
    /** The latent inputs for b clips into z[]; returns their number. Lengths may differ from the trained ones in frames. */
    int (*latents)(const void *cfg, const zt_gan_size *size, int64_t b, zt_gan_latent z[ZT_GAN_LATENTS]);
    /** Scope "generator". training: batch norm takes the batch's statistics and nn->update its states. */
    zt_gan_made (*generate)(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training);
    /** Scope "critic": all critics on clips video [B,T,H,W,3] into verdict[]; returns their number. A critic of images takes the
     *  frame `pick` [B] i32 of each clip. */
    int (*judge)(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *video, zt_node *pick, bool training,
                 zt_gan_verdict verdict[ZT_GAN_CRITICS]);
    /* Of generators with a style in each layer, else NULL; generate is one after the other. What is in between can be changed:
     * truncation is w = mean + psi (w - mean) (Karras et al. 2019, arXiv:1812.04948); mixing takes w of some layers from
     * another z. */
    /** Styles w[] [B,D] of latents z (one node for all layers); returns the number of layers. *mean [D]: what w is on average. */
    int (*styles)(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *z, bool training,
                  zt_node *w[ZT_GAN_STYLES], zt_node **mean);
    /** The clip of these styles and of the other latents in z. shift [B,2]: pixels (dx,dy) that what is shown moves by, or
     *  NULL. */
    zt_gan_made (*synthesise)(zt_nn *nn, const void *cfg, const zt_gan_size *size, zt_node *const *w, zt_node *const *z,
                              zt_node *shift, bool training);
} zt_gan_def;

/** The pair called `name`, or NULL (no error text: denoising networks have names too). */
const zt_gan_def *zt_gan_find(const char *name);
/** Pair number k, 0 <= k < zt_gan_count(). */
const zt_gan_def *zt_gan_at(int k);
int zt_gan_count(void);

/** n numbers of a latent input by (seed, stream); number k depends on these and k only. Of a category: zeros, one of which the
 *  caller makes 1. */
void zt_gan_draw_codes(zt_gan_draw draw, uint64_t seed, uint64_t stream, float *x, int64_t n);
#endif
