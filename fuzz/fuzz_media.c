// layer: media
/* Tags in media files from outside (PNG, GIF, WebP, MP4): read through a memory file, because the reader maps a path. */
#include "fuzz_file.h"
#include "media/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    zt_media_tags t;
    char path[64];
    int fd;
    if (!fuzz_file(data, size, path, &fd)) return 0;
    zt_err e = zt_media_tags_read(path, &t);
    if (t.n < 0 || t.n > ZT_TAGS_MAX || (e != ZT_OK && (t.n != 0 || !*zt_err_text()))) __builtin_trap();
    for (int i = 0; i < t.n; i++)
        if (!t.tag[i].key[0] || !t.tag[i].value) __builtin_trap();
    zt_media_tags_finish(&t);
    close(fd);
    return 0;
}
