/* bucket.h - buckets: the sizes that batches are made of when the clips of a data set have several. A batch holds clips of one
 * bucket. A clip that has none of these sizes is cut, and with resize scaled, to the bucket nearest to it. */
#ifndef ZT_DATA_BUCKET_H
#define ZT_DATA_BUCKET_H
#include "base/sizes.h"

enum { ZT_ASPECT_MAX = 16 };   /* a clip is resized only to shapes less than so many times wider or higher */

typedef struct zt_buckets { zt_sizes sizes; bool resize; } zt_buckets;

/** Which bucket a clip of this size belongs to: one of its own size; else, of those it can be cut to (not longer than it; and
 *  neither higher nor wider, unless it may be resized), the nearest: the one with the largest product of three parts, the frames
 *  that are kept, the picture that is kept when its sides are fitted, and with resize how near the areas are (the smaller by the
 *  larger); the first of equals. -1: there is none. `buckets` is a zt_buckets (as zt_dataset_group calls it). */
int zt_bucket_of(const void *buckets, zt_size clip);
#endif
