/* loader.h - endless batches of equal clips from a data set, made ahead by background threads.
 * Batch number s depends only on (data set, cfg, s): never on threads, depth or history, so that a run resumes exactly. */
#ifndef ZT_DATA_LOADER_H
#define ZT_DATA_LOADER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "data/dataset.h"

enum { ZT_LOADER_BATCH_MAX = 4096, ZT_LOADER_DEPTH_MAX = 64, ZT_LOADER_THREADS_MAX = 16, ZT_LOADER_STRIDE_MAX = 64 };

/* Zero-initialised fields mean what is said; the struct is copied at create. */
typedef struct zt_loader_cfg {
    zt_split split;
    int batch;                    /* clips per batch, 1..4096 */
    int frames, height, width;    /* what is delivered; 0: the size of the split's first clip */
    uint64_t seed;                /* of order and augmentation */
    bool shuffle;                 /* a new permutation each epoch; else catalogue order. An epoch uses every clip once; a batch may cross epochs */
    bool crop;                    /* larger clips: random place instead of the centre */
    bool flip;                    /* mirror half of the clips left to right, and swap the words left and right in their captions */
    bool jitter;                  /* longer clips: random start (and stride) instead of the middle */
    int stride;                   /* with jitter: take every k-th frame, k random in 1..stride, as far as the clip is long enough; 0: 1 */
    int depth;                    /* batches made ahead; 0: 4 */
    int threads;                  /* 0: 1 */
    int64_t first_batch;          /* number of the first batch delivered, >= 0: resumes a run */
} zt_loader_cfg;

/* One batch; everything in it is borrowed and valid until the next zt_loader_next or zt_loader_destroy. */
typedef struct zt_batch {
    const uint8_t *rgb;              /* [batch,frames,height,width,3] */
    const char *const *captions;     /* [batch], "" when there is none */
    const int64_t *ids;              /* [batch], catalogue ids */
    int batch, frames, height, width;
    int64_t number;                  /* s */
} zt_batch;

typedef struct zt_loader zt_loader;

/** Start. `ds` is borrowed until destroy. Checks every clip of the split against the sizes.
 *  Errors: ZT_ARG (cfg; empty split; a clip shorter or smaller than asked, named with its sizes), ZT_NOMEM, ZT_IO (no thread). */
zt_err zt_loader_create(zt_loader **l, const zt_dataset *ds, const zt_loader_cfg *cfg);
/** Stops the threads. NULL and *l == NULL are fine; sets *l = NULL. */
void zt_loader_destroy(zt_loader **l);
/** The next batch: first_batch, first_batch + 1, ... Waits if it is not made yet. One thread at a time.
 *  Errors: ZT_NOMEM (a caption could not be copied). */
zt_err zt_loader_next(zt_loader *l, zt_batch *b);
/** Seconds that zt_loader_next has spent waiting so far. */
double zt_loader_wait_s(const zt_loader *l);
/** The cfg in use, with zero fields filled in. Borrowed. */
const zt_loader_cfg *zt_loader_config(const zt_loader *l);

/** Caption of the mirrored clip: whole words left and right exchanged, case kept (left, Left, LEFT). *out is zt_alloc'd.
 *  Errors: ZT_NOMEM. */
zt_err zt_caption_mirror(const char *caption, char **out);
#endif
