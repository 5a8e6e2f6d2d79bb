/* safetensors_header.c - reads and checks the header of a safetensors file; takes no memory for tensors. Every byte is hostile.
 * */
#include "nn/safetensors_header.h"
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static const char metadata_key[] = "__metadata__";
static const char *const dtype_names[ZT_DTYPES] = { [ZT_F32] = "F32", [ZT_F64] = "F64", [ZT_BF16] = "BF16", [ZT_I32] = "I32" };

const char *zt_st_dtype_name(zt_dtype t) { return dtype_names[t]; }

static uint64_t le64(const uint8_t *p) {
    uint64_t v = 0;
    for (int i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* The bytes of the header and of the data. */
static zt_err split(const uint8_t *bytes, size_t len, const char *where, size_t *header, size_t *data) {
    if (len < 8)
        return zt_fail(ZT_FORMAT, "%s: %zu bytes; a safetensors file starts with 8 bytes of header length - is it cut off?",
                       where, len);
    const uint64_t n = le64(bytes);
    if (n > ZT_SAFETENSORS_MAX_HEADER || n > len - 8)
        return zt_fail(ZT_FORMAT, "%s: header length %llu, but the file has %zu bytes and a header at most %d - cut off, or "
                       "not a safetensors file", where, (unsigned long long)n, len, (int)ZT_SAFETENSORS_MAX_HEADER);
    if (n < 2 || bytes[8] != '{')
        return zt_fail(ZT_FORMAT, "%s: the header does not start with '{' - not a safetensors file", where);
    *header = (size_t)n;
    *data = len - 8 - (size_t)n;
    return ZT_OK;
}

static zt_err read_dtype(const json_t *j, zt_st_entry *e, const char *where) {
    const char *name = json_string_value(j);
    for (int t = 0; name != NULL && t < ZT_DTYPES; t++)
        if (strcmp(name, dtype_names[t]) == 0) {
            e->dtype = (zt_dtype)t;
            return ZT_OK;
        }
    return zt_fail(ZT_FORMAT, "%s: tensor '%.200s' has dtype %.20s; read are F32, F64, BF16 and I32 - convert it", where, e->name,
                   name == NULL ? "(no text)" : name);
}

/* Also the bytes the shape asks for, with every product checked. */
static zt_err read_shape(const json_t *j, zt_st_entry *e, const char *where) {
    e->bytes = zt_dtype_bytes(e->dtype);
    if (!json_is_array(j) || json_array_size(j) > ZT_MAX_DIM)
        return zt_fail(ZT_FORMAT, "%s: tensor '%.200s': the shape must be a list of at most %d sizes", where, e->name,
                       (int)ZT_MAX_DIM);
    e->sh.n = (int)json_array_size(j);
    for (int i = 0; i < e->sh.n; i++) {
        const json_t *size = json_array_get(j, (size_t)i);
        const json_int_t d = json_is_integer(size) ? json_integer_value(size) : 0;
        if (d < 1 || (uint64_t)d > (uint64_t)INT64_MAX / e->bytes)
            return zt_fail(ZT_FORMAT, "%s: tensor '%.200s': size %d of the shape is %lld or makes it too large", where, e->name,
                           i, (long long)d);
        e->sh.d[i] = d;
        e->bytes *= (size_t)d;
    }
    return ZT_OK;
}

static zt_err read_entry(const char *name, const json_t *j, zt_st_entry *e, const uint8_t *data, size_t data_len,
                         const char *where) {
    zt_err err;
    e->name = name;
    for (const char *c = name; *c != 0; c++)
        if ((unsigned char)*c < ' ')
            return zt_fail(ZT_FORMAT, "%s: a tensor name has a control character", where);
    const json_t *offsets = json_object_get(j, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (*name == 0 || json_object_size(j) != 3 || json_array_size(offsets) != 2 || !json_is_integer(from) ||
        !json_is_integer(to))
        return zt_fail(ZT_FORMAT, "%s: tensor '%.200s' must have a name and exactly dtype, shape and two data_offsets", where,
                       name);
    if ((err = read_dtype(json_object_get(j, "dtype"), e, where)) != ZT_OK ||
        (err = read_shape(json_object_get(j, "shape"), e, where)) != ZT_OK)
        return err;
    const json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > data_len)
        return zt_fail(ZT_FORMAT, "%s: tensor '%.200s' lies at %lld..%lld, but the file holds 0..%zu - is it cut off?", where,
                       name, (long long)begin, (long long)end, data_len);
    if ((uint64_t)(end - begin) != e->bytes)
        return zt_fail(ZT_FORMAT, "%s: tensor '%.200s' is %s %s, %zu bytes, but has %lld", where, name, dtype_names[e->dtype],
                       zt_shape_text(&e->sh), e->bytes, (long long)(end - begin));
    e->data = data + begin;
    return ZT_OK;
}

static int by_place(const void *a, const void *b) {
    const zt_st_entry *x = a, *y = b;
    return (x->data > y->data) - (x->data < y->data);
}

/* Sorted, tensors must fill the data: no overlap, no gap, nothing after the last. */
static zt_err check_cover(zt_st_header *h, const uint8_t *data, size_t len, const char *where) {
    const uint8_t *at = data;
    if (h->n > 0)
        qsort(h->entry, (size_t)h->n, sizeof *h->entry, by_place);
    for (int i = 0; i < h->n; at += h->entry[i++].bytes)
        if (h->entry[i].data != at)
            return zt_fail(ZT_FORMAT, "%s: tensor '%.200s' starts at byte %zu of the data; wanted %zu, where the one before ends",
                           where, h->entry[i].name, (size_t)(h->entry[i].data - data), (size_t)(at - data));
    if (at != data + len)
        return zt_fail(ZT_FORMAT, "%s: %zu bytes follow the last tensor", where, (size_t)(data + len - at));
    return ZT_OK;
}

static zt_err check_metadata(json_t *j, const char *where) {
    const char *key;
    json_t *value;
    if (j != NULL && !json_is_object(j))
        return zt_fail(ZT_FORMAT, "%s: %s must be an object of texts", where, metadata_key);
    json_object_foreach(j, key, value)
        if (!json_is_string(value))
            return zt_fail(ZT_FORMAT, "%s: %s: '%.200s' is not a text", where, metadata_key, key);
    return ZT_OK;
}

zt_err zt_st_header_read(zt_st_header *h, const void *bytes, size_t len, const char *where) {
    size_t header = 0, data_len = 0;
    zt_err e;
    if ((e = split(bytes, len, where, &header, &data_len)) != ZT_OK ||
        (e = zt_json_parse((const char *)bytes + 8, header, where, &h->json)) != ZT_OK ||
        (e = check_metadata(json_object_get(h->json, metadata_key), where)) != ZT_OK)
        return e;
    h->entry = zt_alloc_array(json_object_size(h->json), sizeof *h->entry);
    if (h->entry == NULL)
        return ZT_NOMEM;
    const uint8_t *data = (const uint8_t *)bytes + 8 + header;
    const char *name;
    json_t *j;
    json_object_foreach(h->json, name, j)
        if (strcmp(name, metadata_key) != 0 && (e = read_entry(name, j, &h->entry[h->n++], data, data_len, where)) != ZT_OK)
            return e;
    return check_cover(h, data, data_len, where);
}

zt_err zt_st_header_metadata(const zt_st_header *h, json_t **metadata) {
    const json_t *found = json_object_get(h->json, metadata_key);
    *metadata = found != NULL ? json_deep_copy(found) : json_object();
    return *metadata != NULL ? ZT_OK : zt_fail(ZT_NOMEM, "safetensors: no memory for the metadata");
}

void zt_st_header_finish(zt_st_header *h) {
    json_decref(h->json);
    zt_free(h->entry);
    *h = (zt_st_header){ 0 };
}
