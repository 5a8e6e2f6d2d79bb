/* tfrecord.h - TFRecord files and the messages in them, as TensorFlow's data sets are published (BAIR, YouTube-8M): views into
 * the bytes, nothing is copied.
 * Format: length uint64, its masked CRC-32C, data, its masked CRC-32C (tensorflow/core/lib/io/record_writer.h); messages
 * tensorflow.Example and SequenceExample (tensorflow/core/example/example.proto, feature.proto) in protobuf's wire format
 * (protobuf.dev/programming-guides/encoding). */
#ifndef ZT_DATA_TFRECORD_H
#define ZT_DATA_TFRECORD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

typedef struct zt_bytes {
    const uint8_t *p;
    size_t n;
} zt_bytes;

/** The record at *pos of file[0..len) (`where` names it in errors); *pos moves behind it. *end = true at the end of the file.
 *  Start with *pos = 0. Both check sums are verified. Errors: ZT_FORMAT, naming the offset (check sum wrong, cut off). Any
 *  thread. */
zt_err zt_tfrecord_next(const uint8_t *file, size_t len, const char *where, size_t *pos, zt_bytes *record, bool *end);

typedef enum zt_feature_kind { ZT_FEATURE_NONE, ZT_FEATURE_BYTES, ZT_FEATURE_FLOAT, ZT_FEATURE_INT } zt_feature_kind;

/* One named feature: a list of byte strings, of float32 or of int64. */
typedef struct zt_feature {
    zt_feature_kind kind; /* NONE: absent, or an empty list */
    int64_t n;            /* values */
    zt_bytes list;        /* the message with them, checked */
} zt_feature;

/** Feature `name` of an Example, or of a SequenceExample's context; kind NONE when there is none (*f is then zero).
 *  Errors: ZT_FORMAT (`where` names it). */
zt_err zt_example_find(zt_bytes message, const char *where, const char *name, zt_feature *f);
/** The list of features `name` of a SequenceExample: one a frame; *n of them, 0 when there is none. Errors: ZT_FORMAT. */
zt_err zt_sequence_find(zt_bytes message, const char *where, const char *name, zt_bytes *list, int64_t *n);
/** Take the first feature off the list, which must not be empty. Errors: ZT_FORMAT. */
zt_err zt_sequence_next(zt_bytes *list, const char *where, zt_feature *f);

/** Value i of a feature, 0 <= i < n, of that kind. Costs i steps. */
zt_bytes zt_feature_bytes(const zt_feature *f, int64_t i);
/** All n values. */
void zt_feature_floats(const zt_feature *f, float *to);
void zt_feature_ints(const zt_feature *f, int64_t *to);
#endif
