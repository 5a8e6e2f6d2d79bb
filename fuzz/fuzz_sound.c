// layer: media
/* fuzz_sound.c - sound of files from outside: whatever the bytes are, samples come in order, with holes, and the reader ends. */
#include "fuzz_file.h"
#include "media/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { N = 700, READS = 12 };
    static int16_t out[N * ZT_SOUND_CHANNELS_MAX];
    zt_sound *s = NULL;
    char path[64];
    int fd;
    if (!fuzz_file(data, size, path, &fd)) return 0;
    const zt_err e = zt_sound_create(&s, path, size & 1 ? 0.25 : 0);
    if (e != ZT_OK && (s || !*zt_err_text())) __builtin_trap();
    if (s && (zt_sound_rate(s) < 1000 || zt_sound_rate(s) > 768000 || zt_sound_channels(s) < 1
              || zt_sound_channels(s) > ZT_SOUND_CHANNELS_MAX))
        __builtin_trap();
    int64_t from = 0;
    for (int i = 0; s && i < READS; i++, from += i % 3 ? N : N / 2 + i * 5000) /* on, back inside what was read, and far ahead */
        if (zt_sound_read(s, from, N, out) == ZT_ARG) __builtin_trap();
    if (s && zt_sound_read(s, 0, N, out) != ZT_ARG) __builtin_trap();            /* and never before that */
    zt_sound_destroy(&s);
    close(fd);
    return 0;
}
