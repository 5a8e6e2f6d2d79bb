/* faces.h - finding faces and text plates in a clip, following them over its frames, and blurring them for good. Faces: the
 * cascades of opencv-data (cascade.h), frontal, turned and profile. A miss costs more than a false alarm here, so boxes are
 * generous, follow what is in them before and after a face is detected, and stay a while longer. What it does not find is
 * in docs/results/data.md. */
#ifndef ZT_DATA_FACES_H
#define ZT_DATA_FACES_H
#include <stdbool.h>
#include <stdint.h>
#include "base/json.h"
#include "data/cascade.h"

typedef struct zt_finder zt_finder;

typedef struct zt_finder_cfg {
    const char *cascades;         /* folder with haarcascades/ and lbpcascades/; NULL: where Debian and OpenCV put them */
    int every;                    /* look at every n-th frame, 1..100; the frames between follow the track */
    bool text;                    /* look for text plates too */
} zt_finder_cfg;

/** Load what is needed. Errors: ZT_NOTFOUND (no cascades: the package to install), ZT_FORMAT, ZT_IO, ZT_ARG (every), ZT_NOMEM. */
zt_err zt_finder_create(zt_finder **f, const zt_finder_cfg *cfg);
void zt_finder_destroy(zt_finder **f);        /* NULL and *f == NULL are fine; sets *f = NULL */
/** Name, version and settings, to store beside what was found. Lives as long as f. */
const char *zt_finder_name(const zt_finder *f);

/* One face or text plate: a box for each of the frames first..first+n-1, in pixels of the clip, inside it; w or h 0 where it
 * left the picture. */
typedef struct zt_track {
    bool text;
    int first, n;
    int seen, from, to;           /* frames in which it was detected, how many, the first and the last of them */
    zt_box *box;
} zt_track;
/* Zero-initialise; free with zt_tracks_finish. */
typedef struct zt_tracks { zt_track *track; int n, cap; } zt_tracks;
void zt_tracks_finish(zt_tracks *t);

/** Find and follow in rgb [T,H,W,3]. Uses all threads of OpenMP. Errors: ZT_ARG (sizes), ZT_NOMEM. One call per finder at a
 *  time. */
zt_err zt_finder_find(zt_finder *f, const uint8_t *rgb, int T, int H, int W, double fps, zt_tracks *out);
/** Faces, text plates, and frames with at least one of either. */
void zt_tracks_count(const zt_tracks *t, int T, int *faces, int *texts, int *frames);
/** {"faces":[{"first":F,"seen":S,"boxes":[[x,y,w,h]..]}..],"texts":[..]}. Caller json_decrefs; NULL: out of memory. */
json_t *zt_tracks_json(const zt_tracks *t);
/** Replace every box, and a margin around it, by at most 5 x 5 mean colours blended into each other: what told one face from
 *  another is no longer in the pixels. */
void zt_tracks_blur(const zt_tracks *t, uint8_t *rgb, int T, int H, int W);
/** What zt_tracks_blur changes of a box, inside H x W. */
zt_box zt_blur_area(zt_box box, int H, int W);
#endif
