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

/** Load a model folder (config.json, model.safetensors, tokenizer.json: what `zoe train` leaves in RUN/model).
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
} zt_model_info;
ZT_API zt_model_info zt_model_get_info(const zt_model *model);
/** Size number k (from 0) of those that the model was trained at, the main one first. False: it has no such. */
ZT_API bool zt_model_size(const zt_model *model, int k, int *frames, int *height, int *width);

/** What to make. Start from zt_generate_defaults(). All pointers are borrowed for the call. */
typedef struct zt_generate_cfg {
    const char *prompt;                  /* UTF-8, at most 4096 bytes; NULL or "": unconditional */
    const char *negative;                /* what to lead away from; NULL: the unconditional answer */
    int num;                             /* clips, 1..4096; clip k uses seed + k */
    int video_frames;                    /* 0: as trained (at this height and width) */
    int height, width;                   /* 0: as trained; else those of one of the model's sizes */
    int steps;                           /* sampling steps, 1..1000 */
    double cfg_scale;                    /* guidance: 1 none, above 1 follows the prompt more */
    uint64_t seed;
    const char *sampler;                 /* ddpm, ddim, euler, heun, dpm++2m */
    const char *precision;               /* of products: f32; bf16 (faster; other bits); auto: bf16 where the processor has it */
    double fps;                          /* of the result; 0: the model's */
    /** Known first frames, the same for every clip: context_frames x context_height x context_width x 3 bytes RGB (row by row),
     *  centre-cropped and resized to the clip's size. One frame: image-to-video. More: prediction. NULL and 0: none. */
    const uint8_t *context;
    int context_frames, context_height, context_width;
    /** Called after every sampling step; false stops with ZT_CANCELLED. May be NULL. */
    bool (*on_step)(void *user, int done, int total);
    void *user;
} zt_generate_cfg;
ZT_API zt_generate_cfg zt_generate_defaults(void);

/** The size of the clips that zt_generate would make. ZT_CONFIG: the model was not trained at such a height and width; the text
 *  lists those it was. */
ZT_API zt_err zt_generate_size(const zt_model *model, const zt_generate_cfg *cfg, int *frames, int *height, int *width);

/** Generated clips with the label they will carry. */
typedef struct zt_clip zt_clip;

/** Make cfg->num clips. *clip is NULL on failure. Errors: ZT_ARG (a field out of range, names it; bf16 on a processor without
 *  it), ZT_CONFIG (frames or a size the model cannot do), ZT_NOMEM, ZT_CANCELLED. The same seed, settings (precision among them:
 *  the label has the one that was used), machine and thread count give the same bits. */
ZT_API zt_err zt_generate(zt_model *model, const zt_generate_cfg *cfg, zt_clip **clip);
ZT_API void zt_clip_free(zt_clip **clip);
ZT_API int zt_clip_count(const zt_clip *clip);
/** Pixels of clip k: frames x height x width x 3 bytes RGB, borrowed. Sizes may be NULL. */
ZT_API const uint8_t *zt_clip_pixels(const zt_clip *clip, int k, int *frames, int *height, int *width);
/** Write to `path` by its suffix: .mp4 (H.264), .gif, .webp, or NAME_%04d.png. With several clips "-1", "-2", ... is put before
 *  the suffix.
 *  The file says that it is AI-generated, with prompt, model hash, seed and settings. Errors: ZT_ARG (suffix), ZT_IO. */
ZT_API zt_err zt_clip_save(const zt_clip *clip, const char *path);

/** Version of the library, "0.1.0". */
ZT_API const char *zt_version(void);

#ifdef __cplusplus
}
#endif
#endif
