/* data_scenes.c - `zoe data scenes`: the shots of a video file, as ingest sees them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cli/data.h"
#include "media/scan.h"

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

static int print(const scenes_args *a, const char *path, const zt_scan *s) {
    const zt_boundary *b = s->list;
    json_t *rows = json_array();
    for (size_t i = 0; i < s->n; i++) {
        if (a->json)
            json_array_append_new(rows, json_pack("{s:s, s:f, s:f}", "kind", zt_boundary_name(b[i].kind), "start_s", b[i].start_s,
                                                  "end_s", b[i].end_s));
        else printf("%10.3f %10.3f  %s\n", b[i].start_s, b[i].end_s, zt_boundary_name(b[i].kind));
    }
    if (a->json)
        return zt_cli_print_json("data scenes",
                                 json_pack("{s:s%, s:I, s:f, s:o}", "file", path,
                                           zt_utf8_valid(path, strlen(path), NULL) ? strlen(path) : (size_t)0, "frames",
                                           (json_int_t)s->frames, "last_frame_s", s->last_s, "boundaries", rows));
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
    zt_scan found;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, file, NULL, &status)) return status;
    zt_cancel_install();
    const zt_scene_cfg cfg = {(zt_scene_kind)a.detector, a.min_scene, a.content, 0};
    const zt_err e = zt_scan_file(&found, file[0], &cfg);
    status = e == ZT_OK ? print(&a, file[0], &found) : zt_cli_result("data scenes", e);
    if (e == ZT_OK) zt_scan_finish(&found);
    return status;
}
