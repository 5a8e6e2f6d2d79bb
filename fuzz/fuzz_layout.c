// layer: data
/* fuzz_layout.c - any bytes as the table of a published data set: the first byte says which file it is. No video is there, so a
 * layout that lists them ends with an error that has a text. Those of arrays are for fuzz_tfrecord and fuzz_npy. */
#include "base/log.h"
#include "data/layout/layout.h"
#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const NAME[] = {"metadata.csv", "videos2caption.json", "metadata.jsonl", "dataset.toml",
                                       "something-something-v2-train.json", "labels.json", "ucfTrainTestlist/trainlist01.txt",
                                       "kinetics_train.csv"};
    char out[128], lists[128];
    zt_log_quiet(true);
    if (size == 0) return 0;
    snprintf(out, sizeof out, "%s/out", fuzz_folder());
    snprintf(lists, sizeof lists, "%s/ucfTrainTestlist", fuzz_folder());
    const char *name = NAME[data[0] % (sizeof NAME / sizeof *NAME)];
    if (zt_dir_make(lists) != ZT_OK) __builtin_trap();
    const char *path = fuzz_put(name, data + 1, size - 1);
    const zt_ingest_cfg cfg = {.out = out, .size = {{8, 8}}, .n_size = 1, .frames = {2}, .n_frames = 1, .fps = 8};
    zt_ingest_report r;
    const zt_layout *l;
    for (int i = 0; (l = zt_layout_at(i)) != NULL; i++) {
        const bool looks = l->matches(fuzz_folder());
        if (!l->list || (!looks && i != data[0] / 16)) continue;   /* also some that it does not look like */
        const zt_err e = zt_layout_ingest(l, fuzz_folder(), &(zt_layout_cfg){.fold = 1}, &cfg, &r);
        if (e == ZT_OK || !*zt_err_text()) __builtin_trap();
    }
    unlink(path);
    return 0;
}
