/* scale.h - private to media/: a decoded frame straight to a smaller or larger RGB picture. The planes are resampled before they
 * are converted, so that only pixels that are kept cost a conversion; that is what makes ingest as fast as decoding. */
#ifndef ZT_MEDIA_SCALE_H
#define ZT_MEDIA_SCALE_H
#include <stdbool.h>
#include <stdint.h>
#include <libavcodec/codec_id.h>
#include <libavutil/frame.h>
#include "base/err.h"
#include "media/image.h"

/** A stretch of the picture, in pixels of the frame as it is stored; fractions allowed. */
typedef struct zt_box { double x, y, w, h; } zt_box;

typedef struct zt_scaler zt_scaler;
zt_err zt_scaler_create(zt_scaler **s, zt_filter filter);
void zt_scaler_destroy(zt_scaler **s);
/** Whether this way exists for the frame: 8-bit planar YUV or grey, standard range and gamut, a known matrix. Others go through
 *  zt_colour_convert. */
bool zt_scaler_takes(const AVFrame *f);
/** rgb [dh,dw,3], rows `stride` bytes apart. Matrix and range as zt_colour_convert takes them; chroma where the file says it
 *  lies, else left and halfway down as MPEG-2 has it, in the middle for JPEG. The box must lie in the frame. Errors: ZT_NOMEM. */
zt_err zt_scaler_run(zt_scaler *s, const AVFrame *f, enum AVCodecID codec, zt_box box, uint8_t *rgb, ptrdiff_t stride, int dw,
                     int dh);
#endif
