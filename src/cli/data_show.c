/* data_show.c - `zoe data show`: a picture or video of some clips of a data set. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/data.h"
#include "data/dataset.h"
#include "media/image.h"
#include "media/writer.h"

typedef struct show_args { char split[16], output[4096]; int64_t num; } show_args;

static const zt_opt OPTIONS[] = {
    {"split", ZT_OPT_STR, ZT_OPT_AT(show_args, split), NULL, 0, 0, NULL, 0, "train, val or test only"},
    {"num", ZT_OPT_INT, ZT_OPT_AT(show_args, num), "8", 1, 256, NULL, 'n', "how many clips, evenly spread"},
    {"output", ZT_OPT_STR, ZT_OPT_AT(show_args, output), "clips.png", 0, 0, NULL, 'o',
     ".png with a row per clip, or .mp4, .gif, .webp with all clips side by side"},
};

/* Clips evenly spread over the split, as views in the form that media/ takes; pixels are only read there. */
static zt_err pick(const zt_dataset *ds, const char *split, int64_t n, zt_frames *clip) {
    const int64_t all = zt_dataset_count(ds, split);
    for (int64_t i = 0; i < n; i++) {
        zt_clip_view v;
        zt_err e = zt_dataset_clip(ds, split, i * all / n, &v);
        if (e != ZT_OK) return e;
        clip[i] = (zt_frames){(uint8_t *)(uintptr_t)v.rgb, v.frames, v.height, v.width, v.fps};
        printf("%s  %s\n", v.key, v.caption);
    }
    return ZT_OK;
}

static zt_err show(const zt_dataset *ds, const show_args *a) {
    enum { COLUMNS = 8, PAD = 2 };
    zt_err e;
    zt_frames *clip = NULL, sheet = {0};
    const char *split = a->split[0] ? a->split : NULL;
    const int64_t all = zt_dataset_count(ds, split), n = a->num < all ? a->num : all;
    if (n == 0) return zt_fail(ZT_ARG, "there is no clip to show%s%s", split ? " in split " : "", split ? split : "");
    ZT_TRY(e = zt_video_write_check(a->output, 0, 0), done);
    if (!(clip = zt_alloc_array((size_t)n, sizeof *clip))) {
        e = ZT_NOMEM;
        goto done;
    }
    ZT_TRY(e = pick(ds, split, n, clip), done);
    const bool still = zt_ends_with(a->output, ".png") && !strchr(zt_path_base(a->output), '%');
    ZT_TRY(e = still ? zt_film_strip(clip, (int)n, COLUMNS, PAD, &sheet) : zt_contact_sheet(clip, (int)n, 0, PAD, &sheet), done);
    ZT_TRY(e = zt_video_write(a->output, &sheet, NULL), done);
    printf("%s: %lld clips, %dx%d pixels\n", a->output, (long long)n, sheet.width, sheet.height);
done:
    zt_frames_finish(&sheet);
    zt_free(clip);   /* the pixels belong to the data set */
    return e;
}

int zt_data_show(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data show DIR [options]",
        .about = "Makes a picture or video of some clips of a data set and prints their captions.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    show_args a;
    char *dir[1];
    int status;
    zt_dataset *ds = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!zt_data_split_ok("data show", a.split, &status)) return status;
    zt_err e = zt_dataset_open(&ds, dir[0]);
    if (e == ZT_OK) e = show(ds, &a);
    zt_dataset_close(&ds);
    return zt_cli_result("data show", e);
}
