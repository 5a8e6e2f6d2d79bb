/* generate.h - make clips with a trained model, and save them labelled. The whole public interface beside err.h.
 *
 *   zt_model *m; zt_clip *c;
 *   zt_generate_cfg cfg = zt_generate_defaults();
 *   cfg.prompt = "a small red square moves left";
 *   if (zt_model_load(&m, "run/model") || zt_generate(m, &cfg, &c) || zt_clip_save(c, "out.mp4")) puts(zt_err_text());
 *   zt_clip_free(&c); zt_model_free(&m);
 */
#ifndef ZT_GENERATE_H
#define ZT_GENERATE_H
#include <stdbool.h>
#include <stdint.h>
#include "zt/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A model in memory. One generation per model at a time; different models may run in different threads. */
typedef struct zt_model zt_model;

/** Load a model folder (config.json, model.safetensors, with a denoiser tokenizer.json: what `zoe train` leaves in RUN/model).
 *  *model is NULL on failure. Errors: ZT_NOTFOUND, ZT_FORMAT (damaged; every missing or unexpected tensor is named), ZT_NOMEM. */
ZT_API zt_err zt_model_load(zt_model **model, const char *dir);
/** NULL and *model == NULL are fine; sets *model = NULL. */
ZT_API void zt_model_free(zt_model **model);

typedef struct zt_model_info {
    const char *name;                    /* "unet3d"; static storage */
    int frames, height, width;           /* clip size it was trained at, the main one of several (zt_model_size) */
    double fps;
    int64_t params;                      /* trainable numbers */
    const char *hash;                    /* SHA-256 of the weights, hexadecimal; lives as long as the model */
    bool adversarial;                    /* makes clips of codes or of a first frame, not of prompts */
    int categories;                      /* of an adversarial model; 0: none */
    bool from_frame;                     /* adversarial, without codes: a clip follows from its first frame, which is given */
    bool classifier;                     /* looks at clips and makes none: nothing can be generated with it */
} zt_model_info;
ZT_API zt_model_info zt_model_get_info(const zt_model *model);
/** Size number k (from 0) of those that the model was trained at, the main one first. False: it has no such. */
ZT_API bool zt_model_size(const zt_model *model, int k, int *frames, int *height, int *width);
/** Name of category k: the label it was trained with, or its number. NULL when there is no category k. Lives as long as the
 *  model. */
ZT_API const char *zt_model_category(const zt_model *model, int k);

/** What to make. Start from zt_generate_defaults(). All pointers are borrowed for the call. Some fields are of denoisers only,
 *  some of adversarial models only; set for the other kind, they are ZT_ARG, which names them. */
typedef struct zt_generate_cfg {
    const char *prompt;                  /* UTF-8, at most 4096 bytes; NULL or "": unconditional. Denoisers only, as the next */
    const char *negative;                /* what to lead away from; NULL: the unconditional answer */
    int num;                             /* clips, 1..4096; clip k uses seed + k */
    int video_frames;                    /* 0: as trained (at this height and width) */
    int height, width;                   /* 0: as trained; else those of one of the model's sizes */
    int steps;                           /* sampling steps, 1..1000; 0: 32. Denoisers only, as the next and the sampler */
    double cfg_scale;                    /* guidance: 1 none, above 1 follows the prompt more, up to 100; negative: 2 */
    uint64_t seed;
    const char *sampler;                 /* ddpm, ddim, euler, heun, dpm++2m; NULL: ddim */
    const char *precision;               /* of products: f32; bf16 (faster; other bits); auto: bf16 where the processor has it */
    double fps;                          /* of the result; 0: the model's */
    /** Adversarial models: seeds of the content code (what is shown) and of the motion code (how it moves), the same for all
     *  clips; -1: seed + k for clip k. Clips of one content seed show the same in different motion, and the other way round. */
    int64_t content_seed, motion_seed;
    int64_t interpolate_to;              /* -1, or: content goes from that of content_seed (clip 0) to that of this seed (clip
                                            num - 1); all clips then move alike */
    /** Adversarial models with a style in each layer (stylegan-v): truncation draws styles towards their mean, 1 (as they are)
     *  .. 0 (all the mean: clips alike, and better formed). Layers style_from..style_to-1 take their style from the content seed
     *  style_seed: coarse layers say where and what, fine ones colours. style_seed -1: no other styles. */
    double truncation;
    int64_t style_seed;
    int style_from, style_to;            /* 0 <= from < to; to at most the layers there are */
    const char *category;                /* name or number of the category; NULL: drawn by the seed */
    /** Denoisers and models with from_frame: known first frames, the same for every clip: context_frames x context_height x
     *  context_width x 3 bytes RGB (row by row), centre-cropped and resized to the clip's size. One frame: image-to-video.
     *  More: prediction. NULL and 0: none. A model with from_frame must have one, no more, and makes one clip of it. */
    const uint8_t *context;
    int context_frames, context_height, context_width;
    /** Called after every sampling step; false stops with ZT_CANCELLED. May be NULL. */
    bool (*on_step)(void *user, int done, int total);
    void *user;
} zt_generate_cfg;
ZT_API zt_generate_cfg zt_generate_defaults(void);

/** The size of the clips that zt_generate would make. ZT_CONFIG: the model was not trained at such a height and width (the text
 *  lists those it was), or is a classifier. */
ZT_API zt_err zt_generate_size(const zt_model *model, const zt_generate_cfg *cfg, int *frames, int *height, int *width);

/** Generated clips with the label they will carry. */
typedef struct zt_clip zt_clip;

/** Make cfg->num clips. *clip is NULL on failure. Errors: ZT_ARG (a field out of range, names it; bf16 on a processor without
 *  it), ZT_CONFIG (frames or a size the model cannot do, a classifier), ZT_NOMEM, ZT_CANCELLED. The same seed, settings
 *  (precision among them: the label has the one that was used), machine and thread count give the same bits. */
ZT_API zt_err zt_generate(zt_model *model, const zt_generate_cfg *cfg, zt_clip **clip);
ZT_API void zt_clip_free(zt_clip **clip);
ZT_API int zt_clip_count(const zt_clip *clip);
/** Pixels of clip k: frames x height x width x 3 bytes RGB, borrowed. Sizes may be NULL. */
ZT_API const uint8_t *zt_clip_pixels(const zt_clip *clip, int k, int *frames, int *height, int *width);
/** Write to `path` by its suffix: .mp4 (H.264), .gif, .webp, .y4m, or NAME_%04d.png; "-": Y4M to standard output, clip after
 *  clip.
 *  With several clips "-1", "-2", ... is put before the suffix.
 *  The file says that it is AI-generated, with prompt, model hash, seed and settings. Errors: ZT_ARG (suffix), ZT_IO. */
ZT_API zt_err zt_clip_save(const zt_clip *clip, const char *path);

/** All clips side by side in one file; columns 0: nearest to a square. Its label has those of the clips. Errors as of
 *  zt_clip_save. */
ZT_API zt_err zt_clip_save_grid(const zt_clip *clip, int columns, const char *path);

/** Version of the library, "0.1.0". */
ZT_API const char *zt_version(void);

#ifdef __cplusplus
}
#endif
#endif
