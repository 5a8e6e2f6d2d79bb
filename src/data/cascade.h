/* cascade.h - boosted cascades of Haar-like features (Viola & Jones 2001; Lienhart & Maydt 2002) or local binary patterns (Liao
 * et al. 2007): the detectors that OpenCV trains and Debian's package opencv-data brings. Read from their XML files, run by our
 * own evaluator. Not read: features turned by 45 degrees. */
#ifndef ZT_DATA_CASCADE_H
#define ZT_DATA_CASCADE_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef struct zt_cascade zt_cascade;

/** Read a cascade file: <cascade> as OpenCV 2 to 4 write it (HAAR or LBP, stumps or trees), or the older type
 *  "opencv-haar-classifier". Errors: ZT_NOTFOUND, ZT_IO, ZT_FORMAT (what is wrong, and in which stage or feature), ZT_UNSUPPORTED
 *  (tilted features), ZT_NOMEM. Afterwards any number of threads may use it. */
zt_err zt_cascade_load(zt_cascade **c, const char *path);
/** The same from memory; `where` names it in errors. */
zt_err zt_cascade_parse(zt_cascade **c, const char *xml, size_t len, const char *where);
void zt_cascade_destroy(zt_cascade **c);              /* NULL and *c == NULL are fine; sets *c = NULL */
/** Size in pixels of the smallest thing it finds. */
void zt_cascade_window(const zt_cascade *c, int *width, int *height);

typedef struct zt_box { int x, y, w, h, votes; } zt_box;   /* pixels; votes: windows that agreed, 1 before grouping */
/* Zero-initialise; free with zt_boxes_finish. */
typedef struct zt_boxes { zt_box *box; int n, cap; } zt_boxes;
zt_err zt_boxes_add(zt_boxes *b, zt_box box);
void zt_boxes_finish(zt_boxes *b);

/** Add every window of the grey image [H,W] that passes all stages: windows of sides min_side..max_side (by the longer side of
 *  the cascade's window; max_side 0: no limit), each step `scale_step` (> 1) larger than the last, at every second pixel of the
 *  smaller scales. Windows of hardly any contrast (standard deviation up to 10) are passed over by Haar cascades.
 *  Errors: ZT_ARG (step, sizes), ZT_NOMEM. Any thread. */
zt_err zt_cascade_detect(const zt_cascade *c, const uint8_t *grey, int H, int W, double scale_step, int min_side, int max_side,
                         zt_boxes *out);
/** Merge boxes that nearly coincide (each edge within a fifth of the mean side) into their mean, and keep those with at least
 *  min_votes windows that do not lie inside a better one. Errors: ZT_NOMEM. */
zt_err zt_boxes_group(zt_boxes *b, int min_votes);

/** Luma of rgb [H,W,3] as grey [H,W] (ITU-R BT.601 weights, as the cascades were trained). */
void zt_grey(const uint8_t *rgb, int64_t pixels, uint8_t *grey);
/** Bilinear resize of a grey image. Errors: ZT_ARG (a size < 1), ZT_NOMEM. */
zt_err zt_grey_resize(const uint8_t *src, int H, int W, uint8_t *dst, int h, int w);
#endif
