/* colour.h - private to media/: any decoded FFmpeg frame to packed 8-bit full-range RGB with Rec.709 primaries.
 * Standard-range frames go through libswscale with the tagged matrix and range, exactly as FFmpeg itself converts them.
 * Wide-gamut (BT.2020) and high-range (PQ, HLG) frames go through linear light: primaries by BT.2087, reference white 203 cd/m2
 * by BT.2408, highlights rolled off to the mastering peak; so skin and sky keep their hue and nothing clips to white. */
#ifndef ZT_MEDIA_COLOUR_H
#define ZT_MEDIA_COLOUR_H
#include <stdbool.h>
#include <stdint.h>
#include <libavcodec/codec_id.h>
#include <libavutil/frame.h>
#include "base/err.h"

typedef struct zt_colour zt_colour;
zt_err zt_colour_create(zt_colour **c);
void zt_colour_destroy(zt_colour **c);
/** rgb [f->height, f->width, 3]. `codec` decides what untagged frames mean. Alpha is composited on black. `name` is for messages.
 *  Errors: ZT_UNSUPPORTED (pixel format or matrix), ZT_NOMEM. Frames may change size and format from call to call. */
zt_err zt_colour_convert(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, uint8_t *rgb);
/** Straight (not premultiplied) alpha kept: rgba [f->height, f->width, 4]. Standard range only. */
zt_err zt_colour_convert_rgba(zt_colour *c, const AVFrame *f, enum AVCodecID codec, const char *name, uint8_t *rgba);
/** Luma weights of red and blue of the frame's matrix, and whether its codes are full range: the rules that zt_colour_convert
 *  goes by. False: a matrix that these do not describe. */
bool zt_colour_weights(const AVFrame *f, enum AVCodecID codec, double *kr, double *kb, bool *full);
/** Whether the frame is standard range and gamut: no way through linear light. */
bool zt_colour_is_plain(const AVFrame *f);
/** Whether the frame is PQ or HLG. */
bool zt_colour_is_hdr(const AVFrame *f);
#endif
