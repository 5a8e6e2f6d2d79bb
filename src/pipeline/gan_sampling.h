/* gan_sampling.h - a generator made ready to sample: codes in, clips out. Used by generation, evaluation and the trainer. */
#ifndef ZT_GAN_SAMPLING_H
#define ZT_GAN_SAMPLING_H
#include "models/net.h"

typedef struct zt_gan_sampling zt_gan_sampling;

enum { ZT_GAN_PASS = 16 };               /* most clips made at a time */
/** Clips that are made at a time: 16, fewer of clips beyond 16x32x32 so that a pass stays about as large, 1 at least. */
int zt_gan_pass(const zt_net *net);

/** What a sampling is made for beside plain clips; a sum of these. */
enum {
    ZT_GAN_DRY = 1,          /* laid out only, not to be run */
    ZT_GAN_VIEWS_TOO = 2,    /* the generator's views (gan.h) are made at each pass */
    ZT_GAN_STYLED = 4,       /* codes may say truncation, other styles and moves: of generators with styles (zt_net_has_styles) */
};
/** Plan the generator of `net` for `batch` clips per pass. net (but not what its pointers show), params and states (of layers)
 *  are borrowed; their values are read at every run. net->frames may be more than it was trained at where the model can:
 *  ZT_CONFIG says where not. with: sum of the above. One thread at a time. */
zt_err zt_gan_sampling_create(zt_gan_sampling **s, const zt_net *net, zt_tset *params, zt_tset *states, int batch,
                              zt_dtype multiply, int with);
/** View `name` of the clips of the last pass: values [batch, ..] of shape *sh, valid until the next pass, or NULL: this
 *  generator has none of that name, or they were not asked for. on_step of zt_gan_sampling_run is the place to read it. */
const float *zt_gan_sampling_view(const zt_gan_sampling *s, const char *name, zt_shape *sh);
void zt_gan_sampling_destroy(zt_gan_sampling **s);
/** Layers with a style, of a styled one; else 0. */
int zt_gan_sampling_layers(const zt_gan_sampling *s);
int64_t zt_gan_sampling_bytes(const zt_gan_sampling *s);

/** Where one clip's codes come from. Codes of the content part depend on `content` alone, those of the motion part on `motion`; a
 *  longer clip of the same seeds begins with the same codes. */
typedef struct zt_gan_codes {
    uint64_t content, motion;
    uint64_t content_to;             /* with `mix`: content codes on the way from `content` to this */
    double mix;                      /* 0: `content`; 1: `content_to`. Normal codes turn (spherical), others go straight */
    int category;                    /* -1: drawn by the seed of its part */
    /* Of ZT_GAN_STYLED samplings: */
    double to_mean;                  /* truncation: how far styles are drawn towards their mean, 0 (not at all) .. 1 */
    uint64_t style;                  /* content seed that the styles of layers style_from..style_to-1 are of; 0, 0: none */
    int style_from, style_to;
    double dx, dy;                   /* pixels that what is shown is moved by */
    const float *frame;              /* [H,W,3] in [-1,1] that the clip begins with, borrowed; NULL where not zt_net_from_frame */
} zt_gan_codes;
/** n clips of codes[n], in passes, into clips [n,T,H,W,3] (-1..1), the caller's. on_step (may be NULL) is called after each
 *  pass; false stops with ZT_CANCELLED. ZT_ARG: a frame is wanted and not there. */
zt_err zt_gan_sampling_run(zt_gan_sampling *s, int n, const zt_gan_codes *codes, float *clips,
                           bool (*on_step)(void *user, int done, int total), void *user);
/** Category that codes gives a clip; -1: the model has none. */
int zt_gan_category_of(const zt_net *net, const zt_gan_codes *codes);
/** Frame 0 of n clips rgb [n,T,H,W,3] of net's size into x [n,H,W,3] (-1..1). */
void zt_gan_first_frames(const zt_net *net, int64_t n, const uint8_t *rgb, float *x);
#endif
