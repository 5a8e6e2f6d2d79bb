/* thumb.h - private to media/: a decoded frame of any format to the small picture that scene.h looks at. */
#ifndef ZT_MEDIA_THUMB_H
#define ZT_MEDIA_THUMB_H
#include <stdint.h>
#include <libavutil/frame.h>
#include "base/err.h"
#include "media/scene.h"

/** Cell means over evenly spaced samples: a few ten thousand reads whatever the size of the frame. Formats whose samples are not
 *  whole bytes (palettes, bit streams, floats) go through libswscale. Errors: ZT_UNSUPPORTED (a format without converter),
 *  ZT_NOMEM. Any thread. */
zt_err zt_thumb_make(const AVFrame *f, uint8_t thumb[ZT_THUMB_BYTES]);
#endif
