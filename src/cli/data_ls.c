/* data_ls.c - `zoe data ls`: the clips of a data set, or the files that were looked at. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/catalog.h"
#include "data/dataset.h"

typedef struct ls_args { char split[16]; int64_t num; int sources, json; } ls_args;

static const zt_opt OPTIONS[] = {
    {"split", ZT_OPT_STR, ZT_OPT_AT(ls_args, split), NULL, 0, 0, NULL, 0, "train, val or test only"},
    {"num", ZT_OPT_INT, ZT_OPT_AT(ls_args, num), "0", 0, 1e9, NULL, 'n', "how many clips of a split; 0: all"},
    {"sources", ZT_OPT_BOOL, ZT_OPT_AT(ls_args, sources), "false", 0, 0, NULL, 0, "the files looked at, with reasons"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(ls_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

/* Text of an outside file as a JSON string: names of files need not be UTF-8. */
static json_t *text(const char *s) {
    json_t *j = json_string(s);
    return j ? j : json_string("(not UTF-8)");
}

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

static int list_clips(const zt_dataset *ds, const ls_args *a) {
    static const char *const SPLIT[] = {"train", "val", "test"};
    json_t *rows = a->json ? json_array() : NULL;
    zt_err e = ZT_OK;
    for (int i = 0; i < 3 && e == ZT_OK; i++)
        if (!a->split[0] || strcmp(a->split, SPLIT[i]) == 0) e = list_split(ds, SPLIT[i], a->num, rows);
    if (e != ZT_OK) json_decref(rows);
    if (e != ZT_OK || !rows) return zt_cli_result("data ls", e);
    return zt_cli_print_json("data ls", json_pack("{s:o}", "clips", rows));
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

static int list_sources(const char *dir, const ls_args *a) {
    zt_catalog *c = NULL;
    json_t *rows = a->json ? json_array() : NULL;
    zt_err e = zt_catalog_open(&c, dir);
    if (e == ZT_OK) e = zt_catalog_sources(c, add_source, rows);
    zt_catalog_close(&c);
    if (e != ZT_OK) json_decref(rows);
    if (e != ZT_OK || !rows) return zt_cli_result("data ls", e);
    return zt_cli_print_json("data ls", json_pack("{s:o}", "sources", rows));
}

int zt_data_ls(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data ls DIR [options]",
        .about = "Prints one line per clip of a data set, or with --sources per file that was looked at.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    ls_args a;
    char *dir[1];
    int status;
    zt_dataset *ds = NULL;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (!zt_data_split_ok("data ls", a.split, &status)) return status;
    if (a.sources) return list_sources(dir[0], &a);
    const zt_err e = zt_dataset_open(&ds, dir[0]);
    if (e != ZT_OK) return zt_cli_result("data ls", e);
    status = list_clips(ds, &a);
    zt_dataset_close(&ds);
    return status;
}
