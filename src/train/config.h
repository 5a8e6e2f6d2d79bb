/* config.h - a training config: sections of typed options, read from YAML, overridden by key=value, written back whole. */
#ifndef ZT_TRAIN_CONFIG_H
#define ZT_TRAIN_CONFIG_H
#include "data/bucket.h"
#include "diffusion/config.h"
#include "models/net.h"
#include "models/perceptual.h"
#include "tensor/plan.h"
#include "train/classify_config.h"
#include "train/gan_config.h"

typedef enum zt_precision { ZT_PRECISION_F32, ZT_PRECISION_BF16 } zt_precision;
#define ZT_PRECISION_CHOICES "f32|bf16"

typedef struct zt_run_cfg {                                                       /* top level */
    int64_t seed;
    int precision, tune;
    char f32_scopes[256], kernels[1024];
} zt_run_cfg;

typedef enum zt_pixels { ZT_PIXELS_STANDARD, ZT_PIXELS_SIGNED, ZT_PIXELS_UNIT } zt_pixels;
#define ZT_PIXELS_CHOICES "standard|signed|unit"

typedef enum zt_bucket_batch { ZT_BATCH_SAME, ZT_BATCH_PIXELS } zt_bucket_batch;
#define ZT_BUCKET_BATCH_CHOICES "same|pixels"

typedef struct zt_data_cfg {                                                      /* section data */
    char path[1024], policy[1024], buckets[ZT_SIZES_TEXT];
    int64_t frames, height, width;       /* 0: the data set's own */
    int flip, crop, jitter, resize;      /* these and the next: data/loader.h */
    double stretch, rotate, brightness, contrast, saturation, hue;
    zt_ints curriculum_frames, curriculum_sides;   /* curriculum.h */
    double curriculum_part;
    int pixels;                          /* zt_pixels */
    int bucket_batch;                    /* zt_bucket_batch */
} zt_data_cfg;

typedef enum zt_optimiser { ZT_ADAMW, ZT_MUON, ZT_ADAM, ZT_SGD, ZT_RMSPROP, ZT_LION } zt_optimiser;
#define ZT_OPTIMISER_CHOICES "adamw|muon|adam|sgd|rmsprop|lion"

typedef struct zt_steps_cfg {                                                     /* section train */
    int64_t steps, batch, accumulate, warmup, checkpoint_every, keep, sample_every, sample_steps, val_every, val_batches,
        patience, prefix_max;
    double lr, min_lr, weight_decay, beta1, beta2, eps, momentum, clip, ema, temporal_weight, perceptual_weight, text_drop,
        prefix_text_drop, image_prob, prefix_prob, known_weight, sample_cfg_scale;
    int optimiser;                       /* zt_optimiser */
    int nesterov, recompute;
    char perceptual_net[1024], perceptual_sha256[65];
} zt_steps_cfg;

/** What matmul and conv round their factors to in this precision. */
static inline zt_dtype zt_precision_multiply(int precision) {
    return precision == ZT_PRECISION_BF16 ? ZT_BF16 : ZT_F32;
}

/* What a bucket of a run is (buckets.h): its clips in the training split, and how many of them a batch has. */
typedef struct zt_run_bucket { int group; int64_t batch, clips; } zt_run_bucket;
typedef struct zt_run_buckets {
    int n;                               /* 0: clips of one size, c->net's */
    zt_buckets by;
    zt_run_bucket v[ZT_SIZES_MAX];       /* most clips first */
} zt_run_buckets;

/** Zero-initialise; zt_train_cfg_finish frees. net.frames.. are 0 until the data set is known. */
typedef struct zt_train_cfg {
    zt_run_cfg run;
    zt_data_cfg data;
    zt_steps_cfg train;
    zt_diffusion_cfg diffusion;          /* of a denoiser */
    zt_gan_cfg gan;                      /* of an adversarial model */
    zt_classify_cfg classify;            /* of a classifier */
    zt_net net;                          /* sections model and text (of a denoiser) */
    zt_perceptual *perceptual;           /* not an option: network of the perceptual loss, owned (perceptual_run.h); NULL: none */
    zt_run_buckets buckets;              /* not an option: found when the data set is known */
    zt_plan_pool *pool;                  /* not an option: memory that the steps of the run take turns in, borrowed; NULL: own */
    zt_choices *choices;                 /* not an option: kernels of the run at hand, borrowed; NULL: the usual ones */
} zt_train_cfg;

/** Read `path` (YAML) and apply overrides[n] ("section.key=value"). Errors (ZT_CONFIG) name file, key, value and what would do;
 *  an unknown key is answered with the nearest name. */
zt_err zt_train_cfg_load(zt_train_cfg *c, const char *path, int n, char *const *overrides);
/** Every option, as resolved: what is written to RUN/config.yaml. Caller json_decrefs; NULL: out of memory. */
json_t *zt_train_cfg_json(const zt_train_cfg *c);
void zt_train_cfg_finish(zt_train_cfg *c);
/** All options of all sections and of every model, for `zoe train --help-config`. */
void zt_train_cfg_help(FILE *f);
#endif
