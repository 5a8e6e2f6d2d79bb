// layer: data
/* fuzz_captions.c - any bytes as captions.tsv or NAME.txt beside a video: the caption is UTF-8 on one line, within its length. */
#include <string.h>
#include "base/log.h"
#include "base/str.h"
#include "data/ingest_impl.h"
#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[ZT_INGEST_CAPTION_MAX + 1];
    zt_ingest_captions *c = NULL;
    const char *from = NULL;
    char video[128];
    zt_log_quiet(true);
    const bool table = size > 0 && data[0] % 2;
    if (size > 0) fuzz_put(table ? "captions.tsv" : "v.txt", data + 1, size - 1);
    snprintf(video, sizeof video, "%s/v.mp4", fuzz_folder());
    const zt_ingest_file file = {.path = video, .root = strlen(fuzz_folder()), .bytes = 1};
    if (zt_ingest_captions_create(&c, ZT_CAPTION_AUTO) != ZT_OK) return 0;
    if (zt_ingest_caption_of(c, &file, text, &from) == ZT_OK) {
        const size_t n = strlen(text);
        if (!from || !zt_utf8_valid(text, n, NULL)) __builtin_trap();
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)text[i] < ' ') __builtin_trap();
    }
    zt_ingest_captions_destroy(&c);
    unlink(fuzz_put(table ? "captions.tsv" : "v.txt", "", 0));
    return 0;
}
