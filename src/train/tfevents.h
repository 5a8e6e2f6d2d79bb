/* tfevents.h - writes TensorBoard event files: scalars and PNG images. Not a reader.
 * Format: TFRecord framing (length, masked CRC-32C, data, masked CRC-32C) of protobuf messages tensorflow.Event, as TensorFlow's
 * tensorflow/core/lib/io/record_writer.h and util/event.proto document them; the few fields needed are encoded by hand. */
#ifndef ZT_TFEVENTS_H
#define ZT_TFEVENTS_H
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef struct zt_tfevents zt_tfevents;

/** Always starts a new file dir/events.out.tfevents.TIME.HOST.PID.COUNT (TensorBoard joins the files of a folder, so a resumed
 *  run simply opens another). dir must exist. One thread at a time. */
zt_err zt_tfevents_create(zt_tfevents **w, const char *dir);
/** Every call writes one whole record and flushes it to the file system. ZT_ARG for an empty or non-UTF-8 tag. */
zt_err zt_tfevents_scalar(zt_tfevents *w, const char *tag, int64_t step, double value);
/** png[len]: a PNG file of width x height pixels with `channels` (1 grey, 3 RGB, 4 RGBA). */
zt_err zt_tfevents_image(zt_tfevents *w, const char *tag, int64_t step, int width, int height, int channels,
                         const void *png, size_t len);
const char *zt_tfevents_path(const zt_tfevents *w);
void zt_tfevents_destroy(zt_tfevents **w);                 /* NULL and *w == NULL are fine; sets *w = NULL */
#endif
