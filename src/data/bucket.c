/* bucket.c - see bucket.h. Tested by tests/data/test_data_bucket.c. */
#include "data/bucket.h"

static double ratio(double a, double b) { return a < b ? a / b : b / a; }

/* How much of the clip is left when it is cut to the bucket; 0: it cannot be. */
static double kept(zt_size clip, zt_size bucket, bool resize) {
    if (clip.frames < bucket.frames || clip.height < 1 || clip.width < 1) return 0;
    const double time = (double)bucket.frames / clip.frames;
    const double area = (double)clip.height * clip.width, want = (double)bucket.height * bucket.width;
    if (!resize) return clip.height < bucket.height || clip.width < bucket.width ? 0 : time * want / area;
    const double picture = ratio((double)clip.width / clip.height, (double)bucket.width / bucket.height);
    return picture < 1.0 / ZT_ASPECT_MAX ? 0 : time * picture * ratio(want, area);
}

int zt_bucket_of(const void *buckets, zt_size clip) {
    const zt_buckets *b = buckets;
    int best = -1;
    double most = 0;
    for (int k = 0; k < b->sizes.n; k++) {
        if (zt_same_size(b->sizes.v[k], clip)) return k;
        const double part = kept(clip, b->sizes.v[k], b->resize);
        if (part <= most * (1 + 1e-9)) continue;      /* equals are equal whatever the rounding */
        most = part;
        best = k;
    }
    return best;
}
