/* driver.c - replays a fuzzing corpus without libFuzzer: gives every file of a folder to LLVMFuzzerTestOneInput, so that
 * inputs that once broke a reader are tested for ever, with any compiler. It finds nothing new: that is `./dev fuzz TARGET`. */
#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "fuzz.h"

enum { MAX_INPUT = 1 << 24 };

static int replay(const char *folder, const char *name) {
    char path[ZT_PATH_MAX], *buf = NULL;
    size_t len = 0;
    zt_err e;
    ZT_TRY(e = zt_path_join(path, folder, name), done);
    ZT_TRY(e = zt_file_read(path, MAX_INPUT, &buf, &len), done);
    /* A copy of exactly the input's size: a read past its end is then seen by AddressSanitizer. */
    uint8_t *exact = zt_alloc(len);
    if (!exact) {
        e = ZT_NOMEM;
        goto done;
    }
    for (size_t i = 0; i < len; i++) exact[i] = (uint8_t)buf[i];
    LLVMFuzzerTestOneInput(exact, len);
    zt_free(exact);
done:
    zt_free(buf);
    if (e != ZT_OK) fprintf(stderr, "%s\n", zt_err_text());
    return e == ZT_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    char **names = NULL;
    int n = 0, bad = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    if (zt_dir_list(argv[1], &names, &n) != ZT_OK) {
        fprintf(stderr, "%s\n", zt_err_text());
        return 1;
    }
    for (int i = 0; i < n; i++) bad += replay(argv[1], names[i]);
    zt_names_free(names, n);
    printf("%d inputs of %s replayed, %d unreadable\n", n, argv[1], bad);
    return n > 0 && bad == 0 ? 0 : 1;   /* an empty corpus tests nothing */
}
