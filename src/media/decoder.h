/* decoder.h - private to media/: one file to decoded FFmpeg frames with times. It knows no output size, rate or colour. */
#ifndef ZT_MEDIA_DECODER_H
#define ZT_MEDIA_DECODER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include "base/err.h"
#include "media/reader.h"

typedef struct zt_decoder zt_decoder;

/** Either `path` (bytes NULL) or memory. cfg must be complete (no zero limits). */
zt_err zt_decoder_open(zt_decoder **d, const char *path, const void *bytes, size_t len, const zt_reader_cfg *cfg);
void zt_decoder_close(zt_decoder **d);
/** Next frame in display order into `out` (unreferenced before): time and duration in seconds, time strictly growing from 0. */
zt_err zt_decoder_next(zt_decoder *d, AVFrame *out, double *time_s, double *duration_s, bool *end);

/** Go to the last key frame at or before `to` seconds; its time, as zt_decoder_next then says it, may be anything when the file's
 *  index is wrong: the caller looks. False: cannot be done (no time stamps, no index), and the position is lost. */
bool zt_decoder_seek(zt_decoder *d, double to);

/** The container's own key/value metadata, no stream decoded; av_dict_free it. */
zt_err zt_container_metadata(const char *path, AVDictionary **meta);

/** Facts of the container: fps, duration, frames, codec, image, pixel_aspect before rotation; the rest is left alone. */
void zt_decoder_info(const zt_decoder *d, zt_reader_info *info);
enum AVCodecID zt_decoder_codec(const zt_decoder *d);
/** Display matrix of the stream: 9 values, or NULL. */
const int32_t *zt_decoder_matrix(const zt_decoder *d);
double zt_decoder_tick(const zt_decoder *d);          /* seconds of one time-base unit */
int64_t zt_decoder_damaged(const zt_decoder *d);
#endif
