/* gan_monitor.h - made clips beside real ones: distance, variety, and whether the generator makes the same few clips again and
 * again (mode collapse). */
#ifndef ZT_GAN_MONITOR_H
#define ZT_GAN_MONITOR_H
#include "data/dataset.h"
#include "eval/judge.h"
#include "eval/metrics.h"

/** Figures of one set of clips, of their features (eval/frechet.h) and, in the world shapes, of what the analytic judge sees. */
typedef struct zt_clip_spread {
    double variance;                 /* mean over features of their variance over the clips */
    double nearest;                  /* mean distance of a clip's features to those of its nearest other clip */
    double valid;                    /* part of the clips that the judge can read, 0..1 */
    zt_entropy entropy;              /* bits, over the valid ones */
    double content;                  /* average content distance (eval/judge.h), mean over the clips with an object */
} zt_clip_spread;

typedef struct zt_gan_monitor {
    zt_clip_spread made, real;
    double frechet;                  /* made to real */
    bool judged;                     /* valid and entropy say something */
    char collapse[256];              /* which signs of mode collapse there are, in words; "": none */
} zt_gan_monitor;

/** Look at made [n,T,H,W,3] beside real [n_real,T,H,W,3]; judged: they are clips of the world shapes. ZT_ARG with fewer than two
 *  clips or sizes the judge does not take, ZT_NOMEM. OpenMP inside. */
zt_err zt_gan_monitor_look(zt_gan_monitor *m, const uint8_t *made, int n, const uint8_t *real, int n_real, int T, int H, int W,
                           bool judged);
/** Frechet distance of the features of a [na,T,H,W,3] and b [nb,T,H,W,3]. ZT_ARG with fewer than two of either, ZT_NOMEM. OpenMP
 *  inside. */
zt_err zt_clips_frechet(const uint8_t *a, int na, const uint8_t *b, int nb, int T, int H, int W, double *distance);
/** Whether the clips of the split (NULL: of all) come from the world shapes, which the judge can read: the first one says. */
bool zt_gan_judgeable(const zt_dataset *ds, const char *split);
#endif
