/* cmd_data.c - `zoe data ls|show|stats`: look into a data set. It changes nothing. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "media/image.h"
#include "media/writer.h"

typedef struct data_args {
    char split[16], output[4096];
    int64_t num;
    int sources, json;
} data_args;

static const zt_opt OPTIONS[] = {
    {"split", ZT_OPT_STR, ZT_OPT_AT(data_args, split), NULL, 0, 0, NULL, 0, "ls, show: train, val or test only"},
    {"num", ZT_OPT_INT, ZT_OPT_AT(data_args, num), "0", 0, 1e9, NULL, 'n', "ls, show: how many clips; 0: all for ls, 8 for show"},
    {"sources", ZT_OPT_BOOL, ZT_OPT_AT(data_args, sources), "false", 0, 0, NULL, 0, "ls: the files looked at, with reasons"},
    {"output", ZT_OPT_STR, ZT_OPT_AT(data_args, output), "clips.png", 0, 0, NULL, 'o',
     "show: .png with a row per clip, or .mp4, .gif, .webp with all clips side by side"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(data_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

/* Text of an outside file as a JSON string: names of files need not be UTF-8. */
static json_t *text(const char *s) {
    json_t *j = json_string(s);
    return j ? j : json_string("(not UTF-8)");
}

/* ---- ls ---- */

static json_t *labels_of(const zt_clip_view *v) {
    json_t *j = NULL;
    return zt_json_parse(v->labels, strlen(v->labels), v->key, &j) == ZT_OK ? j : json_object();
}

static zt_err list_split(const zt_dataset *ds, const char *split, int64_t num, json_t *rows) {
    const int64_t n = zt_dataset_count(ds, split);
    for (int64_t i = 0; i < n && (num == 0 || i < num); i++) {
        zt_clip_view v;
        zt_err e = zt_dataset_clip(ds, split, i, &v);
        if (e != ZT_OK) return e;
        if (rows)
            json_array_append_new(rows, json_pack("{s:I, s:o, s:s, s:i, s:i, s:i, s:f, s:s, s:o}", "id", (json_int_t)v.id, "key",
                                                  text(v.key), "split", split, "frames", v.frames, "height", v.height, "width",
                                                  v.width, "fps", v.fps, "caption", v.caption, "labels", labels_of(&v)));
        else
            printf("%8lld  %-5s  %dx%dx%d  %g fps  %s  %s\n", (long long)v.id, split, v.frames, v.width, v.height, v.fps, v.key,
                   v.caption);
    }
    return ZT_OK;
}

static int list_clips(const zt_dataset *ds, const data_args *a) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    json_t *rows = a->json ? json_array() : NULL;
    zt_err e = ZT_OK;
    for (int i = 0; i < 3 && e == ZT_OK; i++)
        if (!a->split[0] || strcmp(a->split, SPLIT[i]) == 0) e = list_split(ds, SPLIT[i], a->num, rows);
    if (e != ZT_OK) json_decref(rows);
    if (e != ZT_OK || !rows) return zt_cli_result("data", e);
    return zt_cli_print_json("data", json_pack("{s:o}", "clips", rows));
}

static zt_err add_source(void *ctx, const zt_catalog_source *s) {
    if (ctx) {
        json_t *info = NULL;
        if (zt_json_parse(s->info, strlen(s->info), s->path, &info) != ZT_OK) info = json_object();
        json_array_append_new(ctx, json_pack("{s:o, s:o, s:o, s:o, s:o}", "path", text(s->path), "hash", text(s->hash), "status",
                                             text(s->status), "reason", text(s->reason), "info", info));
    } else printf("%-7s  %s%s%s\n", s->status, s->path, s->reason[0] ? ": " : "", s->reason);
    return ZT_OK;
}

static int list_sources(const char *dir, const data_args *a) {
    zt_catalog *c = NULL;
    json_t *rows = a->json ? json_array() : NULL;
    zt_err e = zt_catalog_open(&c, dir);
    if (e == ZT_OK) e = zt_catalog_sources(c, add_source, rows);
    zt_catalog_close(&c);
    if (e != ZT_OK) json_decref(rows);
    if (e != ZT_OK || !rows) return zt_cli_result("data", e);
    return zt_cli_print_json("data", json_pack("{s:o}", "sources", rows));
}

/* ---- stats ---- */

typedef struct stats {
    int64_t clips[3], captions[3], bytes, dropped, sources_ok, sources_dropped;
    int frames[2], height[2], width[2];   /* least, most */
    double fps[2];
} stats;

static void widen(int range[2], int v, bool first) {
    if (first || v < range[0]) range[0] = v;
    if (first || v > range[1]) range[1] = v;
}

static zt_err count(const zt_dataset *ds, stats *s) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    bool first = true;
    for (int k = 0; k < 3; k++) {
        s->clips[k] = zt_dataset_count(ds, SPLIT[k]);
        for (int64_t i = 0; i < s->clips[k]; i++, first = false) {
            zt_clip_view v;
            zt_err e = zt_dataset_clip(ds, SPLIT[k], i, &v);
            if (e != ZT_OK) return e;
            s->captions[k] += v.caption[0] != '\0';
            s->bytes += (int64_t)v.frames * v.height * v.width * 3;
            widen(s->frames, v.frames, first);
            widen(s->height, v.height, first);
            widen(s->width, v.width, first);
            if (first || v.fps < s->fps[0]) s->fps[0] = v.fps;
            if (first || v.fps > s->fps[1]) s->fps[1] = v.fps;
        }
    }
    return ZT_OK;
}

static zt_err count_catalog(const char *dir, stats *s) {
    zt_catalog *c = NULL;
    zt_err e;
    ZT_TRY(e = zt_catalog_open(&c, dir), done);
    ZT_TRY(e = zt_catalog_count_clips(c, "dropped", &s->dropped), done);
    ZT_TRY(e = zt_catalog_count_sources(c, "ok", &s->sources_ok), done);
    e = zt_catalog_count_sources(c, "dropped", &s->sources_dropped);
done:
    zt_catalog_close(&c);
    return e;
}

static int print_stats(const char *dir, const stats *s, bool json) {
    const int64_t clips = s->clips[0] + s->clips[1] + s->clips[2], captions = s->captions[0] + s->captions[1] + s->captions[2];
    if (json)
        return zt_cli_print_json("data",
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
    printf("pixels    %.1f MB\n", (double)s->bytes / 1e6);
    printf("sources   %lld used, %lld not used\n", (long long)s->sources_ok, (long long)s->sources_dropped);
    return ZT_EXIT_OK;
}

static int stats_command(const zt_dataset *ds, const char *dir, const data_args *a) {
    stats s = {0};
    zt_err e = count(ds, &s);
    if (e == ZT_OK) e = count_catalog(dir, &s);
    return e == ZT_OK ? print_stats(dir, &s, a->json) : zt_cli_result("data", e);
}

/* ---- show ---- */

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

static int show(const zt_dataset *ds, const data_args *a) {
    enum { DEFAULT = 8, MOST = 256, COLUMNS = 8, PAD = 2 };
    zt_err e;
    zt_frames *clip = NULL, sheet = {0};
    const char *split = a->split[0] ? a->split : NULL;
    const int64_t all = zt_dataset_count(ds, split), want = a->num ? a->num : DEFAULT, n = want < all ? want : all;
    if (n == 0 || n > MOST) {
        e = zt_fail(ZT_ARG, "%lld clips to show, the split has %lld; 1 to %d are possible", (long long)want, (long long)all,
                    MOST);
        goto done;
    }
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
    return zt_cli_result("data", e);
}

int zt_cmd_data(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data ls|show|stats DIR [options]",
        .about = "Looks into a data set that synth or ingest made.\n"
                 "  ls     one line per clip, or with --sources per file that was looked at\n"
                 "  show   a picture or video of some clips\n"
                 "  stats  counts and sizes\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 2,
        .max_pos = 2,
    };
    static const char *const WHAT[] = {"ls", "show", "stats"};
    data_args a;
    char *pos[2];
    int n, status;
    zt_dataset *ds = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, pos, &n, &status)) return status;
    if (strcmp(pos[0], "ls") != 0 && strcmp(pos[0], "show") != 0 && strcmp(pos[0], "stats") != 0) {
        const char *near = zt_nearest_name(pos[0], WHAT, 3);
        return near ? zt_cli_usage_error("data", "'%.64s' is none of ls, show, stats; did you mean %s?", pos[0], near)
                    : zt_cli_usage_error("data", "'%.64s' is none of ls, show, stats", pos[0]);
    }
    if (a.split[0] && strcmp(a.split, "train") != 0 && strcmp(a.split, "val") != 0 && strcmp(a.split, "test") != 0)
        return zt_cli_usage_error("data", "--split is '%s'; it is one of train, val, test", a.split);
    if (pos[0][0] == 'l' && a.sources) return list_sources(pos[1], &a);
    const zt_err e = zt_dataset_open(&ds, pos[1]);
    if (e != ZT_OK) return zt_cli_result("data", e);
    status = pos[0][0] == 'l' ? list_clips(ds, &a) : strcmp(pos[0], "show") == 0 ? show(ds, &a) : stats_command(ds, pos[1], &a);
    zt_dataset_close(&ds);
    return status;
}
