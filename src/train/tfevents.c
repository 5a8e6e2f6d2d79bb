/* tfevents.c - see tfevents.h. Field numbers are those of event.proto and summary.proto:
 *   Event   { 1 double wall_time; 2 int64 step; 3 string file_version; 5 Summary summary }
 *   Summary { 1 Value value }   Value { 1 string tag; 2 float simple_value; 4 Image image }
 *   Image   { 1 int32 height; 2 int32 width; 3 int32 colorspace; 4 bytes encoded_image_string } */
#include "train/tfevents.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct zt_tfevents { FILE *f; char path[ZT_PATH_MAX]; };

static void put_le(zt_str *s, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++)
        zt_str_addn(s, &(uint8_t){ (uint8_t)(v >> (8 * i)) }, 1);
}

static void put_varint(zt_str *s, uint64_t v) {
    for (; v >= 128; v >>= 7)
        put_le(s, (v & 127) | 128, 1);
    put_le(s, v, 1);
}

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
static void put_key(zt_str *s, int field, int type) { put_varint(s, (uint64_t)(field << 3 | type)); }

static void put_bytes(zt_str *s, int field, const void *bytes, size_t n) {
    put_key(s, field, BYTES);
    put_varint(s, n);
    zt_str_addn(s, bytes, n);
}

static void put_int(zt_str *s, int field, int64_t v) {
    put_key(s, field, VARINT);
    put_varint(s, (uint64_t)v);
}

/* One Event with payload `field` as a framed record. */
static zt_err write_event(zt_tfevents *w, int64_t step, int field, const zt_str *payload) {
    zt_str event = { 0 }, record = { 0 };
    struct timeval now;
    zt_err e = ZT_NOMEM;
    gettimeofday(&now, NULL);
    const double wall = (double)now.tv_sec + (double)now.tv_usec * 1e-6;
    uint64_t wall_bits;
    memcpy(&wall_bits, &wall, sizeof wall_bits);
    put_key(&event, 1, FIXED64);
    put_le(&event, wall_bits, 8);
    put_int(&event, 2, step);
    put_bytes(&event, field, payload->buf, payload->len);
    if (payload->failed || event.failed)
        goto done;
    put_le(&record, event.len, 8);
    put_le(&record, zt_crc32c_masked(record.buf, record.failed ? 0 : 8), 4);
    zt_str_addn(&record, event.buf, event.len);
    put_le(&record, zt_crc32c_masked(event.buf, event.len), 4);
    if (record.failed)
        goto done;
    e = ZT_OK;
    if (fwrite(record.buf, 1, record.len, w->f) != record.len || fflush(w->f) != 0)
        e = zt_fail(ZT_IO, "%s: %s while writing an event - is the disk full?", w->path, strerror(errno));
done:
    zt_str_finish(&event);
    zt_str_finish(&record);
    return e;
}

/* One Summary with one value of this tag; `value` holds the value's own field, already encoded. */
static zt_err write_value(zt_tfevents *w, const char *tag, int64_t step, const zt_str *value) {
    const size_t n = strlen(tag);
    if (n == 0 || !zt_utf8_valid(tag, n, NULL))
        return zt_fail(ZT_ARG, "event file: a tag of %zu bytes is empty or not UTF-8", n);
    zt_str v = { 0 }, summary = { 0 };
    put_bytes(&v, 1, tag, n);
    zt_str_addn(&v, value->buf, value->len);
    put_bytes(&summary, 1, v.buf, v.len);
    summary.failed = summary.failed || v.failed || value->failed;
    const zt_err e = write_event(w, step, 5, &summary);
    zt_str_finish(&v);
    zt_str_finish(&summary);
    return e;
}

zt_err zt_tfevents_scalar(zt_tfevents *w, const char *tag, int64_t step, double value) {
    const float f = (float)value;
    uint32_t bits;
    zt_str v = { 0 };
    memcpy(&bits, &f, sizeof bits);
    put_key(&v, 2, FIXED32);
    put_le(&v, bits, 4);
    const zt_err e = write_value(w, tag, step, &v);
    zt_str_finish(&v);
    return e;
}

zt_err zt_tfevents_image(zt_tfevents *w, const char *tag, int64_t step, int width, int height, int channels,
                         const void *png, size_t len) {
    if (width < 1 || height < 1 || (channels != 1 && channels != 3 && channels != 4))
        return zt_fail(ZT_ARG, "event file: an image of %dx%d with %d channels; wanted 1, 3 or 4 channels", width, height,
                       channels);
    zt_str image = { 0 }, v = { 0 };
    put_int(&image, 1, height);
    put_int(&image, 2, width);
    put_int(&image, 3, channels);
    put_bytes(&image, 4, png, len);
    put_bytes(&v, 4, image.buf, image.len);
    v.failed = v.failed || image.failed;
    const zt_err e = write_value(w, tag, step, &v);
    zt_str_finish(&image);
    zt_str_finish(&v);
    return e;
}

zt_err zt_tfevents_create(zt_tfevents **out, const char *dir) {
    static atomic_int count;
    char name[256], host[64] = "localhost";
    zt_err e;
    zt_str version = { 0 };
    zt_tfevents *w = zt_alloc(sizeof *w);
    *out = NULL;
    if (w == NULL)
        return ZT_NOMEM;
    gethostname(host, sizeof host - 1);
    struct timeval now;
    gettimeofday(&now, NULL);
    snprintf(name, sizeof name, "events.out.tfevents.%010lld.%s.%d.%d", (long long)now.tv_sec, host, (int)getpid(),
             atomic_fetch_add(&count, 1));
    ZT_TRY(e = zt_path_join(w->path, dir, name), done);
    w->f = fopen(w->path, "wbx");
    if (w->f == NULL) {
        e = zt_fail(ZT_IO, "%s: %s - the run folder must exist and be writable", w->path, strerror(errno));
        goto done;
    }
    zt_str_add(&version, "brain.Event:2");
    ZT_TRY(e = write_event(w, 0, 3, &version), done);
    *out = w;
    w = NULL;
done:
    zt_str_finish(&version);
    zt_tfevents_destroy(&w);
    return e;
}

const char *zt_tfevents_path(const zt_tfevents *w) { return w->path; }

void zt_tfevents_destroy(zt_tfevents **w) {
    if (w == NULL || *w == NULL)
        return;
    if ((*w)->f != NULL)
        fclose((*w)->f);                               /* every record was flushed when it was written */
    zt_free(*w);
    *w = NULL;
}
