// layer: data
/* fuzz_template.c - any text as a pattern of captions: refused with a text, or expanded without doubled spaces at its ends. */
#include <string.h>
#include "base/mem.h"
#include "data/template.h"
#include "fuzz_file.h"

/* A catalogue of one clip, made once; the open file outlives its folder. */
static zt_catalog *catalogue(void) {
    static zt_catalog *c;
    if (!c && zt_catalog_create(&c, fuzz_folder()) != ZT_OK) __builtin_trap();
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const zt_catalog_clip k = {.id = 1,
                               .key = "00000001",
                               .shard = "train-00000.tar",
                               .frames = 16,
                               .height = 64,
                               .width = 64,
                               .fps = 8,
                               .caption = "a {red} ball",
                               .source = "/a/b c.mp4",
                               .split = "train",
                               .licence = "CC0-1.0"};
    zt_catalog *c = catalogue();
    zt_str out = {0};
    char *text = zt_alloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    const zt_err e = zt_template_expand(c, &k, text, &out);
    if (e != ZT_OK && !*zt_err_text()) __builtin_trap();
    if (e == ZT_OK && out.len && (out.buf[0] == ' ' || out.buf[out.len - 1] == ' ')) __builtin_trap();
    zt_str_finish(&out);
    zt_free(text);
    return 0;
}
