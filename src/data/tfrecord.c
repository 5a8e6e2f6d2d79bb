/* tfrecord.c - see tfrecord.h. Of protobuf only what these messages need: each message is a run of fields (key, value); unknown
 * fields are passed over. Tested by tests/data/test_data_records.c and fuzz/fuzz_tfrecord.c. */
#include "data/tfrecord.h"

#include <string.h>

#include "base/crc32c.h"

/* ---- records ---- */

enum { HEAD = 12, FOOT = 4 };

static uint64_t little_endian(const uint8_t *p, int n) {
    uint64_t v = 0;
    for (int i = n; i-- > 0;) v = v << 8 | p[i];
    return v;
}

zt_err zt_tfrecord_next(const uint8_t *file, size_t len, const char *where, size_t *pos, zt_bytes *record, bool *end) {
    const size_t at = *pos, room = at <= len ? len - at : 0;
    *record = (zt_bytes){0};
    *end = room == 0;
    if (*end) return ZT_OK;
    const uint8_t *p = file + at;
    if (room < HEAD + FOOT)
        return zt_fail(ZT_FORMAT, "%s: cut off at offset %zu: %zu bytes are no whole TFRecord; copy the file again", where, at,
                       room);
    if (little_endian(p + 8, 4) != zt_crc32c_masked(p, 8))
        return zt_fail(ZT_FORMAT,
                       "%s: at offset %zu the length of a TFRecord does not fit its check sum: damaged, or (as .gz) "
                       "compressed, or no TFRecord file",
                       where, at);
    const uint64_t n = little_endian(p, 8);
    if (n > room - HEAD - FOOT)
        return zt_fail(ZT_FORMAT, "%s: cut off: the record at offset %zu has %llu bytes, %zu are there; copy the file again",
                       where, at, (unsigned long long)n, room - HEAD - FOOT);
    if (little_endian(p + HEAD + n, 4) != zt_crc32c_masked(p + HEAD, n))
        return zt_fail(ZT_FORMAT, "%s: the record at offset %zu does not fit its check sum: damaged; copy the file again", where,
                       at);
    *record = (zt_bytes){p + HEAD, n};
    *pos = at + HEAD + n + FOOT;
    return ZT_OK;
}

/* ---- fields of a message ---- */

/* Wire types. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct field {
    uint32_t number;
    int type;
    uint64_t value; /* VARINT */
    zt_bytes bytes; /* BYTES; of FIXED64 and FIXED32 the 8 or 4 bytes */
} field;

static bool take_varint(zt_bytes *m, uint64_t *v) {
    *v = 0;
    for (int shift = 0; shift < 64 && m->n > 0; shift += 7) {
        const uint8_t b = *m->p;
        m->p++;
        m->n--;
        *v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return true;
    }
    return false;
}

/* The first field of *m, which must not be empty, and take it off. */
static bool take_field(zt_bytes *m, field *f) {
    uint64_t key, n = 0;
    *f = (field){0};
    if (!take_varint(m, &key) || key >> 35 || key >> 3 == 0) return false;
    f->number = (uint32_t)(key >> 3);
    f->type = (int)(key & 7);
    switch (f->type) {
    case VARINT: return take_varint(m, &f->value);
    case BYTES:
        if (!take_varint(m, &n)) return false;
        break;
    case FIXED64: n = 8; break;
    case FIXED32: n = 4; break;
    default: return false; /* groups were given up long before these messages */
    }
    if (n > m->n) return false;
    f->bytes = (zt_bytes){m->p, (size_t)n};
    m->p += n;
    m->n -= (size_t)n;
    return true;
}

static zt_err bad(const char *where) {
    return zt_fail(ZT_FORMAT, "%s: a record holds no tensorflow.Example or SequenceExample message", where);
}

/* Sub-message `number` of a message that has at most one: the last one, as protobuf rules. */
static bool sub_message(zt_bytes m, uint32_t number, zt_bytes *sub) {
    *sub = (zt_bytes){0};
    while (m.n > 0) {
        field f;
        if (!take_field(&m, &f)) return false;
        if (f.number == number && f.type == BYTES) *sub = f.bytes;
    }
    return true;
}

/* The value of `name` in a map<string, message>: its entries are field 1, with key 1 and value 2. */
static bool map_find(zt_bytes map, const char *name, zt_bytes *value, bool *found) {
    *found = false;
    while (map.n > 0) {
        field f;
        zt_bytes key;
        if (!take_field(&map, &f)) return false;
        if (f.number != 1 || f.type != BYTES) continue;
        if (!sub_message(f.bytes, 1, &key)) return false;
        if (key.n != strlen(name) || memcmp(key.p ? key.p : (const uint8_t *)"", name, key.n) != 0) continue;
        if (!sub_message(f.bytes, 2, value)) return false;
        *found = true;
    }
    return true;
}

/* ---- features ---- */

/* Values in one field of a FloatList or Int64List: packed many, else one; -1: malformed. */
static int64_t count_in(const field *f, zt_feature_kind kind) {
    if (kind == ZT_FEATURE_FLOAT) {
        if (f->type == FIXED32) return 1;
        return f->type == BYTES && f->bytes.n % 4 == 0 ? (int64_t)(f->bytes.n / 4) : -1;
    }
    if (f->type == VARINT) return 1;
    if (f->type != BYTES) return -1;
    int64_t n = 0;
    uint64_t v;
    for (zt_bytes m = f->bytes; m.n > 0; n++)
        if (!take_varint(&m, &v)) return -1;
    return n;
}

/* Feature { oneof: BytesList 1, FloatList 2, Int64List 3 }, each list with its values in field 1. */
static bool read_feature(zt_bytes m, zt_feature *out) {
    *out = (zt_feature){0};
    while (m.n > 0) { /* the last list counts */
        field f;
        if (!take_field(&m, &f)) return false;
        if (f.number >= 1 && f.number <= 3 && f.type == BYTES) *out = (zt_feature){(zt_feature_kind)f.number, 0, f.bytes};
    }
    for (zt_bytes l = out->list; l.n > 0;) {
        field f;
        if (!take_field(&l, &f)) return false;
        if (f.number != 1) continue;
        const int64_t n = out->kind == ZT_FEATURE_BYTES ? (f.type == BYTES ? 1 : -1) : count_in(&f, out->kind);
        if (n < 0) return false;
        out->n += n;
    }
    if (out->n == 0) *out = (zt_feature){0};
    return true;
}

/* Example and SequenceExample both keep a Features message in field 1, whose field 1 is the map. */
zt_err zt_example_find(zt_bytes message, const char *where, const char *name, zt_feature *f) {
    zt_bytes features, value;
    bool found;
    *f = (zt_feature){0};
    if (!sub_message(message, 1, &features) || !map_find(features, name, &value, &found)) return bad(where);
    return !found || read_feature(value, f) ? ZT_OK : bad(where);
}

zt_err zt_sequence_find(zt_bytes message, const char *where, const char *name, zt_bytes *list, int64_t *n) {
    zt_bytes lists;
    bool found;
    *n = 0;
    *list = (zt_bytes){0};
    if (!sub_message(message, 2, &lists) || !map_find(lists, name, list, &found)) return bad(where);
    if (!found) *list = (zt_bytes){0};
    for (zt_bytes m = *list; m.n > 0;) {
        field f;
        if (!take_field(&m, &f)) return bad(where);
        *n += f.number == 1 && f.type == BYTES;
    }
    return ZT_OK;
}

zt_err zt_sequence_next(zt_bytes *list, const char *where, zt_feature *out) {
    *out = (zt_feature){0};
    while (list->n > 0) {
        field f;
        if (!take_field(list, &f)) return bad(where);
        if (f.number == 1 && f.type == BYTES) return read_feature(f.bytes, out) ? ZT_OK : bad(where);
    }
    return bad(where);
}

/* ---- values: the list was checked by read_feature, so every field can be taken ---- */

zt_bytes zt_feature_bytes(const zt_feature *f, int64_t i) {
    zt_bytes l = f->list;
    field v;
    while (l.n > 0 && take_field(&l, &v))
        if (v.number == 1 && i-- == 0) return v.bytes;
    return (zt_bytes){0};
}

static float as_float(const uint8_t *p) {
    const uint32_t bits = (uint32_t)little_endian(p, 4);
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

void zt_feature_floats(const zt_feature *f, float *to) {
    field v;
    for (zt_bytes l = f->list; l.n > 0 && take_field(&l, &v);)
        for (size_t k = 0; v.number == 1 && k < v.bytes.n; k += 4) *to++ = as_float(v.bytes.p + k);
}

void zt_feature_ints(const zt_feature *f, int64_t *to) {
    field v;
    for (zt_bytes l = f->list; l.n > 0 && take_field(&l, &v);) {
        if (v.number != 1) continue;
        if (v.type == VARINT) *to++ = (int64_t)v.value;
        uint64_t n;
        for (zt_bytes m = v.bytes; m.n > 0 && take_varint(&m, &n);) *to++ = (int64_t)n;
    }
}
