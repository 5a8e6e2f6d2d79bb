/* image.h - still images: PNG out, any image in, and sheets that show many clips at once. */
#ifndef ZT_MEDIA_IMAGE_H
#define ZT_MEDIA_IMAGE_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "media/frames.h"
#include "media/tags.h"

/** Write rgb [h,w,3] as PNG, atomically. tags may be NULL. Errors: ZT_ARG, ZT_IO, ZT_NOMEM. Any thread. */
zt_err zt_png_write(const char *path, const uint8_t *rgb, int w, int h, const zt_media_tags *tags);
/** The same into memory; *buf is zt_alloc'd, caller zt_frees. */
zt_err zt_png_encode(const uint8_t *rgb, int w, int h, const zt_media_tags *tags, uint8_t **buf, size_t *len);

/** Read the first frame of an image or video as a clip of one frame, at source size. Errors as zt_reader_create. */
zt_err zt_image_read(const char *path, zt_frames *out);

/** Kernels, each widened when shrinking so that nothing aliases. BICUBIC: Catmull-Rom (Keys 1981, a = -0.5). AREA: the mean over
 *  what an output pixel covers. LANCZOS: three lobes (Duchon 1979). */
typedef enum zt_filter { ZT_FILTER_BICUBIC, ZT_FILTER_AREA, ZT_FILTER_LANCZOS } zt_filter;
#define ZT_FILTERS "bicubic|area|lanczos"   /* names in the order of the enum, as option tables want them */

/** The box (x0,y0,bw,bh) of src [sh,sw,3], in pixels (fractions allowed), becomes dst [dh,dw,3].
 *  Errors: ZT_ARG when the box is empty or outside, ZT_NOMEM. Any thread. */
zt_err zt_image_resize(zt_filter filter, const uint8_t *src, int sw, int sh, double x0, double y0, double bw, double bh,
                       uint8_t *dst, int dw, int dh);
/** Centre-crop to the aspect of dw x dh and resize, BICUBIC. */
zt_err zt_image_fit(const uint8_t *src, int sw, int sh, uint8_t *dst, int dw, int dh);

/** Tile n clips of equal frames, height and width into one clip, `columns` per row (0: nearest to a square), `pad` pixels of
 *  dark grey around each. Rate of the first clip. Errors: ZT_ARG (unequal clips, too large), ZT_NOMEM. */
zt_err zt_contact_sheet(const zt_frames *clips, int n, int columns, int pad, zt_frames *out);
/** One image: row i shows at most `columns` frames of clip i, evenly spaced from first to last (0: every frame).
 *  Equal clips, as above. */
zt_err zt_film_strip(const zt_frames *clips, int n, int columns, int pad, zt_frames *out);
#endif
