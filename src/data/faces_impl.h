/* faces_impl.h - private to faces*.c: detections of single frames, and what makes tracks of them. */
#ifndef ZT_DATA_FACES_IMPL_H
#define ZT_DATA_FACES_IMPL_H
#include "data/faces.h"

/** Part of the smaller box that the other covers, 0..1; intersection over union. */
double zt_box_inside(const zt_box *a, const zt_box *b);
double zt_box_iou(const zt_box *a, const zt_box *b);
/** The part of it that is in the picture; w or h 0: none. */
zt_box zt_box_clip(zt_box b, int H, int W);

/** Join what was detected in the frames 0, every, 2*every, ... (found[n]) to tracks and add them: the nearest box continues a
 *  track, gaps up to 2 s are filled in straight lines, and each track is prolonged by a second at both ends. What was seen only
 *  once with few votes is left out. Errors: ZT_NOMEM. */
zt_err zt_tracks_join(zt_tracks *t, const zt_boxes *found, int n, int every, int T, int H, int W, double fps, bool text);

/** Frames by which a track is prolonged at its ends. */
int zt_tracks_extend(int every, double fps);
/** Prolong the tracks of faces in rgb [T,H,W,3] by following what is in their first and last box, up to 4 s, then by `extend`
 *  frames without looking, in place of what was prolonged before. Errors: ZT_NOMEM. */
zt_err zt_tracks_follow(zt_tracks *t, const uint8_t *rgb, int T, int H, int W, double fps, int extend);

/** Add the regions of grey [H,W] that look like a line of text: many strong vertical strokes close together, wider than high.
 *  Errors: ZT_NOMEM. */
zt_err zt_find_text(const uint8_t *grey, int H, int W, zt_boxes *out);
#endif
