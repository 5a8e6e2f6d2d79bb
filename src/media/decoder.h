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

/** A packet as the container has it. t: seconds on the file's own clock, NAN: not said. hidden:
 *  decoded, never shown. */
typedef struct zt_packet { double t; int size; bool key, hidden; } zt_packet;
/** Call fn with each packet of the stream as it is read. What fn fails with ends the reading. */
void zt_decoder_tap(zt_decoder *d, zt_err (*fn)(void *arg, const zt_packet *p), void *arg);
/** From now on decode all frames (AVDISCARD_DEFAULT), no bidirectional ones (AVDISCARD_BIDIR), key frames only
 *  (AVDISCARD_NONKEY). */
void zt_decoder_skip(zt_decoder *d, enum AVDiscard what);

/** The container's own key/value metadata, no stream decoded; av_dict_free it. */
zt_err zt_container_metadata(const char *path, AVDictionary **meta);

/** The best sound stream of the file instead of a picture stream. ZT_FORMAT when there is none; other errors as above. Only
 *  zt_decoder_next_sound, zt_decoder_tick and zt_decoder_close are for it. */
zt_err zt_decoder_open_sound(zt_decoder **d, const char *path, const zt_reader_cfg *cfg);
/** Next block of samples into `out` (unreferenced before). */
zt_err zt_decoder_next_sound(zt_decoder *d, AVFrame *out, bool *end);
/** Time stamp of the first frame as the container has it, seconds; 0 when it has none. */
double zt_decoder_first_s(const zt_decoder *d);

/** Facts of the container: fps, duration, frames, codec, image, pixel_aspect before rotation; the rest is left alone. */
void zt_decoder_info(const zt_decoder *d, zt_reader_info *info);
enum AVCodecID zt_decoder_codec(const zt_decoder *d);
/** Display matrix of the stream: 9 values, or NULL. */
const int32_t *zt_decoder_matrix(const zt_decoder *d);
double zt_decoder_tick(const zt_decoder *d);          /* seconds of one time-base unit */
int64_t zt_decoder_damaged(const zt_decoder *d);
#endif
