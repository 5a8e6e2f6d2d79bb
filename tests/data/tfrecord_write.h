/* tfrecord_write.h - for tests: TFRecord files and their messages, written as TensorFlow writes them. */
#ifndef ZT_TESTS_TFRECORD_WRITE_H
#define ZT_TESTS_TFRECORD_WRITE_H
#include <string.h>
#include "base/crc32c.h"
#include "base/str.h"

static inline void put_number(zt_str *s, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) zt_str_addn(s, &(uint8_t){(uint8_t)(v >> (8 * i))}, 1);
}

static inline void put_varint(zt_str *s, uint64_t v) {
    for (; v >= 128; v >>= 7) put_number(s, (v & 127) | 128, 1);
    put_number(s, v, 1);
}

/* Field `number` with bytes or a message. */
static inline void put_field(zt_str *s, int number, const void *bytes, size_t n) {
    put_varint(s, (uint64_t)number << 3 | 2);
    put_varint(s, n);
    zt_str_addn(s, bytes, n);
}

/* The message `inner` as field `number`; inner is emptied. */
static inline void put_message(zt_str *s, int number, zt_str *inner) {
    put_field(s, number, inner->buf, inner->len);
    inner->len = 0;
}

static inline void put_entry(zt_str *map, const char *name, zt_str *value) {
    zt_str entry = {0};
    put_field(&entry, 1, name, strlen(name));
    put_message(&entry, 2, value);
    put_message(map, 1, &entry);
    zt_str_finish(&entry);
}

/* Features as map entries. */
static inline void put_bytes_feature(zt_str *map, const char *name, const void *bytes, size_t n) {
    zt_str list = {0}, feature = {0};
    put_field(&list, 1, bytes, n);
    put_message(&feature, 1, &list);
    put_entry(map, name, &feature);
    zt_str_finish(&list);
    zt_str_finish(&feature);
}

static inline void put_float_feature(zt_str *map, const char *name, const float *v, size_t n) {
    zt_str list = {0}, feature = {0};
    put_field(&list, 1, v, n * 4);
    put_message(&feature, 2, &list);
    put_entry(map, name, &feature);
    zt_str_finish(&list);
    zt_str_finish(&feature);
}

static inline void put_int_feature(zt_str *map, const char *name, const int64_t *v, size_t n) {
    zt_str packed = {0}, list = {0}, feature = {0};
    for (size_t i = 0; i < n; i++) put_varint(&packed, (uint64_t)v[i]);
    put_message(&list, 1, &packed);
    put_message(&feature, 3, &list);
    put_entry(map, name, &feature);
    zt_str_finish(&packed);
    zt_str_finish(&list);
    zt_str_finish(&feature);
}

/* A list of byte features, one a frame. */
static inline void put_frames(zt_str *map, const char *name, const uint8_t *bytes, size_t frames, size_t each) {
    zt_str one = {0}, list = {0}, feature = {0};
    for (size_t t = 0; t < frames; t++) {
        put_field(&one, 1, bytes + t * each, each);
        put_message(&feature, 1, &one);
        put_message(&list, 1, &feature);
    }
    put_entry(map, name, &list);
    zt_str_finish(&one);
    zt_str_finish(&list);
    zt_str_finish(&feature);
}

static inline void put_record(zt_str *file, const zt_str *message) {
    zt_str head = {0};
    put_number(&head, message->len, 8);
    zt_str_addn(file, head.buf, 8);
    put_number(file, zt_crc32c_masked(head.buf, 8), 4);
    zt_str_addn(file, message->buf, message->len);
    put_number(file, zt_crc32c_masked(message->buf, message->len), 4);
    zt_str_finish(&head);
}
#endif
