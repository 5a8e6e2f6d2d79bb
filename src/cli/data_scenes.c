/* data_scenes.c - `zoe data scenes`: the shots of a video file, as ingest sees them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/data.h"
#include "media/reader.h"

typedef struct scenes_args { int detector, json; double min_scene, content; } scenes_args;

static const zt_opt OPTIONS[] = {
    {"scenes", ZT_OPT_ENUM, ZT_OPT_AT(scenes_args, detector), "auto", 0, 0, ZT_SCENE_KINDS, 0,
     "auto: cuts, dissolves, fades; content, adaptive: cuts; threshold: fades"},
    {"min-scene", ZT_OPT_REAL, ZT_OPT_AT(scenes_args, min_scene), "0.4", 0.001, 60, NULL, 0,
     "seconds; nearer boundaries are one"},
    {"content", ZT_OPT_REAL, ZT_OPT_AT(scenes_args, content), "22", 1, 255, NULL, 0,
     "difference of frames that is a cut (content)"},
    {"json", ZT_OPT_BOOL, ZT_OPT_AT(scenes_args, json), "false", 0, 0, NULL, 0, "print one JSON object"},
};

static zt_err read_through(zt_reader *r, double *last_s, int64_t *frames) {
    for (;;) {
        bool end;
        zt_err e = zt_reader_next(r, NULL, last_s, &end);
        if (e != ZT_OK || end) return e;
        ++*frames;
    }
}

static int print(const scenes_args *a, const char *path, const zt_boundary *b, size_t n, double last_s, int64_t frames) {
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        if (a->json)
            json_array_append_new(rows, json_pack("{s:s, s:f, s:f}", "kind", zt_boundary_name(b[i].kind), "start_s", b[i].start_s,
                                                  "end_s", b[i].end_s));
        else printf("%10.3f %10.3f  %s\n", b[i].start_s, b[i].end_s, zt_boundary_name(b[i].kind));
    }
    if (a->json)
        return zt_cli_print_json("data scenes",
                                 json_pack("{s:s%, s:I, s:f, s:o}", "file", path,
                                           zt_utf8_valid(path, strlen(path), NULL) ? strlen(path) : (size_t)0, "frames",
                                           (json_int_t)frames, "last_frame_s", last_s, "boundaries", rows));
    json_decref(rows);
    return ZT_EXIT_OK;
}

int zt_data_scenes(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data scenes FILE [options]",
        .about =
            "Prints where the shots of a video begin: start and end in seconds of each cut, dissolve or fade between two shots.\n"
            "`zoe ingest` with the same --scenes takes no clip across these.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    scenes_args a;
    char *file[1];
    int status;
    zt_reader *r = NULL;
    const zt_boundary *list = NULL;
    double settled_s, last_s = 0;
    int64_t frames = 0;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, file, NULL, &status)) return status;
    zt_cancel_install();
    const zt_reader_cfg cfg = {.scenes = {(zt_scene_kind)a.detector, a.min_scene, a.content}, .draft = true};
    zt_err e = zt_reader_create(&r, file[0], &cfg);
    if (e == ZT_OK) e = read_through(r, &last_s, &frames);
    if (e == ZT_OK) {
        const size_t n = zt_reader_boundaries(r, &list, &settled_s);
        status = print(&a, file[0], list, n, last_s, frames);
    } else status = zt_cli_result("data scenes", e);
    zt_reader_destroy(&r);
    return status;
}
