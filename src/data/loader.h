/* loader.h - batches of clips, shuffled, augmented and fetched ahead by a thread. */
#ifndef ZT_LOADER_H
#define ZT_LOADER_H
#include <stdbool.h>
#include "data/dataset.h"

enum { ZT_LOADER_STRETCH_MAX = 8, ZT_LOADER_ROTATE_MAX = 45 };

/* Clips of one size that batches are made of: a group of the data set, or (-1) the whole split. */
typedef struct zt_loader_bucket { int group, batch; zt_size size; } zt_loader_bucket;

/* Whatever is random is chosen once for all frames of a clip. Zero-initialised: nothing is done to a clip but cutting its
 * middle. */
typedef struct zt_loader_cfg {
    const char *split;             /* "train", "val", "test" or NULL for all; copied */
    int batch, frames, height, width;
    const zt_loader_bucket *bucket; /* with n_buckets > 0 these instead: every batch is of one of them (order.h); copied */
    int n_buckets;                 /* up to ZT_SIZES_MAX */
    uint64_t seed;
    bool shuffle;                  /* a new permutation every epoch, or drawn by weight (order.h); else catalogue order */
    bool resize;                   /* clips of other sizes are scaled (antialiased) until they just cover height x width */
    bool crop;                     /* random place of a smaller crop; else the centre */
    bool flip;                     /* mirror half of the clips; the words left and right change places in the caption; clips whose
                                    * labels say "no_flip": true are left as they are */
    bool jitter;                   /* random start in longer clips; else the middle */
    double stretch;                /* faster or slower by up to this factor, 1..8, as far as the clip is long enough: frames are
                                    * left out or shown twice, none is made up; 0 and 1: as it is */
    double rotate;                 /* up to so many degrees either way, 0..45; where the frame ends its edge is repeated */
    double brightness, contrast, saturation;   /* each a factor of 1 - x .. 1 + x, 0..1; contrast about the middle of the range */
    double hue;                    /* up to so many degrees either way, 0..180 */
    int prefetch;                  /* batches made ahead, up to 64; 0: 2 */
    int threads;                   /* that make them, up to 16; 0: 1 */
    int64_t first_batch;           /* number of the first batch delivered */
} zt_loader_cfg;

/** Valid until the next zt_loader_next or destroy. */
typedef struct zt_batch {
    const uint8_t *rgb;            /* [batch,frames,height,width,3] of its bucket */
    const char *const *caption;    /* [batch] */
    const int64_t *id;             /* [batch] catalogue rows */
    int64_t number;
    int bucket;                    /* which of cfg.bucket; 0 without */
} zt_batch;

typedef struct zt_loader zt_loader;
/** Batch number s is a pure function of (data set, cfg but first_batch, prefetch and threads, s), so a run resumes exactly.
 *  Errors: ZT_CONFIG when a number is out of range, the split is empty, one of several buckets has fewer clips than a batch, or a
 *  clip is shorter or (without resize) smaller than asked (names the clip, its size and what to change), ZT_NOMEM, ZT_IO (no
 *  thread). `ds` must outlive it. */
zt_err zt_loader_create(zt_loader **l, const zt_dataset *ds, const zt_loader_cfg *cfg);
void zt_loader_destroy(zt_loader **l);
/** Next batch; waits for the thread when it is not ready. One consumer. Errors: ZT_NOMEM, ZT_CONFIG (a clip smaller than the
 *  catalogue counts, too far in shape to be resized, weights near zero), ZT_FORMAT (labels that are no JSON), and as
 *  zt_dataset_clip. */
zt_err zt_loader_next(zt_loader *l, zt_batch *b);
/** Seconds zt_loader_next has waited so far. */
double zt_loader_wait_s(const zt_loader *l);

/** Caption of the mirrored clip: whole words left and right exchanged, case kept (left, Left, LEFT). *out is zt_alloc'd.
 *  ZT_NOMEM. */
zt_err zt_caption_mirror(const char *caption, char **out);
#endif
