/* scan.h - the boundaries of shots of a whole file when nothing else is wanted of it: most files need not be decoded whole. */
#ifndef ZT_MEDIA_SCAN_H
#define ZT_MEDIA_SCAN_H
#include "media/scene.h"

typedef struct zt_scan {
    zt_boundary *list;             /* n boundaries, as zt_scenes_boundaries has them */
    size_t n;
    int64_t frames;                /* of the file */
    double last_s;                 /* time of the last one */
    double looked_s;               /* seconds of video whose frames (all, or all but the bidirectional ones) were decoded */
} zt_scan;

/** Find them with two threads. What a reader with cfg->scenes finds in a full pass is found, nearly: see scan.c. Errors: those of
 *  zt_reader_create and zt_reader_next; *out is empty then. */
zt_err zt_scan_file(zt_scan *out, const char *path, const zt_scene_cfg *cfg);
/** Free the list; {0} and a finished one are fine. */
void zt_scan_finish(zt_scan *s);
#endif
