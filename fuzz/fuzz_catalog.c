// layer: data
/* fuzz_catalog.c - a small data set whose catalogue is changed: the input is a list of (offset, offset, offset, byte). Opening
 * it, its rows and its clips give what is inside the shard, or an error with a text. */
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "data/dataset.h"
#include "data/store.h"
#include "fuzz_file.h"

enum { CLIPS = 3, FRAMES = 2, SIDE = 4, BYTES = FRAMES * SIDE * SIDE * 3 };
static char *whole;
static size_t whole_bytes;
static char file[128];

static void make(void) {
    static uint8_t rgb[BYTES];
    zt_store *s = NULL;
    zt_err e = zt_store_open(&s, fuzz_folder(), 0);
    for (int i = 0; e == ZT_OK && i < CLIPS; i++) {
        char key[16];
        snprintf(key, sizeof key, "%08d", i);
        const zt_catalog_clip k = {.key = key,
                                   .split = i ? "train" : "val",
                                   .frames = FRAMES,
                                   .height = SIDE,
                                   .width = SIDE,
                                   .fps = 8,
                                   .caption = "a ball",
                                   .source = "/a.mp4",
                                   .labels = "{\"n\":1}",
                                   .licence = "CC0-1.0"};
        e = zt_store_add(s, &k, rgb, NULL, 0);
    }
    if (e == ZT_OK)
        e = zt_catalog_put_source(zt_store_catalog(s), &(zt_catalog_source){"/a.mp4", "00", "ok", "", "{}"});
    if (e == ZT_OK) e = zt_store_flush(s, true);
    zt_store_close(&s);
    snprintf(file, sizeof file, "%s/catalog.db", fuzz_folder());
    if (e != ZT_OK || zt_file_read(file, 1 << 24, &whole, &whole_bytes) != ZT_OK) __builtin_trap();
}

static void told(zt_err e) {
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
}

static zt_err on_clip(void *ctx, const zt_catalog_clip *k) {
    (void)ctx;
    if (!k->key || !k->caption || !k->labels || !k->licence || !k->split || !k->source) __builtin_trap();
    return ZT_OK;
}

static zt_err on_source(void *ctx, const zt_catalog_source *s) {
    (void)ctx;
    if (!s->path || !s->hash || !s->info || !s->reason || !s->status) __builtin_trap();
    return ZT_OK;
}

static unsigned look(const zt_clip_view *v) {
    unsigned sum = 0;
    if (v->frames < 1 || v->height < 1 || v->width < 1 || (int64_t)v->frames * v->height * v->width * 3 > BYTES) __builtin_trap();
    for (int i = 0; i < v->frames * v->height * v->width * 3; i++) sum += v->rgb[i];
    return sum + (unsigned)strlen(v->caption) + (unsigned)strlen(v->labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static volatile unsigned sum;
    zt_catalog *c = NULL;
    zt_dataset *ds = NULL;
    zt_log_quiet(true);
    if (!whole) make();
    char *bytes = zt_alloc(whole_bytes);
    if (!bytes) return 0;
    memcpy(bytes, whole, whole_bytes);
    for (size_t i = 0; i + 4 <= size; i += 4)
        bytes[((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % whole_bytes] = (char)data[i + 3];
    fuzz_put("catalog.db", bytes, whole_bytes);
    zt_free(bytes);
    told(zt_catalog_open(&c, fuzz_folder()));
    if (c) {
        told(zt_catalog_clips(c, NULL, on_clip, NULL));
        told(zt_catalog_sources(c, on_source, NULL));
        told(zt_catalog_check(c));
    }
    zt_catalog_close(&c);
    told(zt_dataset_open(&ds, fuzz_folder()));
    for (int64_t i = 0; ds && i < zt_dataset_count(ds, "train") && i < 2 * CLIPS; i++) {
        zt_clip_view v;
        const zt_err e = zt_dataset_clip(ds, "train", i, &v);
        told(e);
        if (e == ZT_OK) sum += look(&v);
    }
    zt_dataset_close(&ds);
    return 0;
}
