// layer: media
/* Video and image files from outside: at most a few small frames are read; whatever the bytes are, the reader ends. */
#include "base/mem.h"
#include "media/reader.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const zt_reader_cfg cfg = {.fps = 8, .width = 16, .height = 16, .max_pixels = 512 * 512, .max_frames = 4, .stall_s = 5};
    zt_reader *r = NULL;
    uint8_t *rgb = zt_alloc(16 * 16 * 3);
    if (!rgb) return 0;
    zt_err e = zt_reader_create_memory(&r, data, size, "fuzz", &cfg);
    if ((e == ZT_OK) != (r != NULL) || (e != ZT_OK && !*zt_err_text())) __builtin_trap();
    bool end = e != ZT_OK;
    for (int n = 0; !end; n++) {
        if (n > cfg.max_frames) __builtin_trap();
        if (zt_reader_next(r, rgb, NULL, &end) != ZT_OK) break;
    }
    zt_reader_destroy(&r);
    zt_free(rgb);
    return 0;
}
