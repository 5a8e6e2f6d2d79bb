/* data_stats.c - `zoe data stats`: counts and sizes of a data set. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/catalog.h"
#include "data/dataset.h"

typedef struct stats_args {
    int json;
} stats_args;

static const zt_opt OPTIONS[] = {
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(stats_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

typedef struct stats {
    int64_t clips[3], captions[3], dropped, sources_ok, sources_dropped;
    int frames[2], height[2], width[2]; /* least, most */
    double fps[2], bytes;
} stats;

static void widen(int range[2], int v, bool first) {
    if (first || v < range[0]) range[0] = v;
    if (first || v > range[1]) range[1] = v;
}

static zt_err add_kind(void *ctx, const zt_catalog_count *k) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    stats *s = ctx;
    if (strcmp(k->status, "ok") != 0) {
        s->dropped += k->n;
        return ZT_OK;
    }
    const bool first = s->clips[0] + s->clips[1] + s->clips[2] == 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(k->split, SPLIT[i]) == 0) {
            s->clips[i] += k->n;
            s->captions[i] += k->captioned ? k->n : 0;
        }
    s->bytes += (double)k->n * k->frames * k->height * k->width * 3;
    widen(s->frames, k->frames, first);
    widen(s->height, k->height, first);
    widen(s->width, k->width, first);
    if (first || k->fps < s->fps[0]) s->fps[0] = k->fps;
    if (first || k->fps > s->fps[1]) s->fps[1] = k->fps;
    return ZT_OK;
}

/* The shards are looked at too: what is counted must be there. */
static zt_err count(const char *dir, stats *s) {
    zt_catalog *c = NULL;
    zt_dataset *ds = NULL;
    zt_err e;
    ZT_TRY(e = zt_dataset_open(&ds, dir), done);
    ZT_TRY(e = zt_catalog_open(&c, dir), done);
    ZT_TRY(e = zt_catalog_counts(c, add_kind, s), done);
    ZT_TRY(e = zt_catalog_count_sources(c, "ok", &s->sources_ok), done);
    e = zt_catalog_count_sources(c, "dropped", &s->sources_dropped);
done:
    zt_catalog_close(&c);
    zt_dataset_close(&ds);
    return e;
}

static int print_stats(const char *dir, const stats *s, bool json) {
    const int64_t clips = s->clips[0] + s->clips[1] + s->clips[2], captions = s->captions[0] + s->captions[1] + s->captions[2];
    if (json)
        return zt_cli_print_json("data stats",
                                 json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:[ii], s:[ii], s:[ii], s:[ff], s:{s:I, s:I}}",
                                           "clips", (json_int_t)clips, "train", (json_int_t)s->clips[0], "val",
                                           (json_int_t)s->clips[1], "test", (json_int_t)s->clips[2], "captions",
                                           (json_int_t)captions, "bytes", (json_int_t)s->bytes, "dropped", (json_int_t)s->dropped,
                                           "frames", s->frames[0], s->frames[1], "height", s->height[0], s->height[1], "width",
                                           s->width[0], s->width[1], "fps", s->fps[0], s->fps[1], "sources", "ok",
                                           (json_int_t)s->sources_ok, "dropped", (json_int_t)s->sources_dropped));
    printf("%s\n", dir);
    printf("clips     %lld: train %lld, val %lld, test %lld; %lld dropped\n", (long long)clips, (long long)s->clips[0],
           (long long)s->clips[1], (long long)s->clips[2], (long long)s->dropped);
    printf("captions  %lld\n", (long long)captions);
    printf("frames    %d to %d of %dx%d to %dx%d pixels, %g to %g per second\n", s->frames[0], s->frames[1], s->width[0],
           s->height[0], s->width[1], s->height[1], s->fps[0], s->fps[1]);
    printf("pixels    %.1f MB\n", s->bytes / 1e6);
    printf("sources   %lld used, %lld not used\n", (long long)s->sources_ok, (long long)s->sources_dropped);
    return ZT_EXIT_OK;
}

int zt_data_stats(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data stats DIR [options]",
        .about = "Prints how many clips, captions and sources a data set has, and their sizes.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    stats_args a;
    char *dir[1];
    int status;
    stats s = {0};
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    const zt_err e = count(dir[0], &s);
    return e == ZT_OK ? print_stats(dir[0], &s, a.json) : zt_cli_result("data stats", e);
}
