/* data_faces.c - `zoe data faces`: finds faces and text plates in the clips of a data set; reports, blurs or drops. */
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "data/faces_set.h"
#include "data/faces_store.h"

typedef struct faces_args {
    char cascades[4096];
    int64_t every;
    int report, blur, drop, erase, text, again, list, json;
} faces_args;

#define AT(field) ZT_OPT_AT(faces_args, field)
static const zt_opt OPTIONS[] = {
    {"report", ZT_OPT_BOOL, AT(report), "false", 0, 0, NULL, 0, "look, and write down what was found (the default)"},
    {"blur", ZT_OPT_BOOL, AT(blur), "false", 0, 0, NULL, 0,
     "blur what was found: the pixels from before are gone from the data set"},
    {"drop", ZT_OPT_BOOL, AT(drop), "false", 0, 0, NULL, 0, "drop the clips in which something was found"},
    {"erase", ZT_OPT_BOOL, AT(erase), "false", 0, 0, NULL, 0, "with --drop: remove the pixels of dropped clips for good"},
    {"text", ZT_OPT_BOOL, AT(text), "false", 0, 0, NULL, 0, "look for text and number plates too"},
    {"every", ZT_OPT_INT, AT(every), "2", 1, 100, NULL, 0, "look at every n-th frame; the track covers those between"},
    {"again", ZT_OPT_BOOL, AT(again), "false", 0, 0, NULL, 0, "also look at clips that were looked at before"},
    {"list", ZT_OPT_BOOL, AT(list), "false", 0, 0, NULL, 0, "look at nothing, only print what is on record"},
    {"cascades", ZT_OPT_STR, AT(cascades), NULL, 0, 0, NULL, 0,
     "folder with haarcascades/ and lbpcascades/; left out: that of the package opencv-data"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print one JSON object, with the boxes"},
};
#undef AT

static zt_err print_row(void *rows, const zt_faces_row *r) {
    json_t *found = NULL;
    if (!rows) {
        if (r->tracks + r->texts > 0)
            printf("%s  %d face%s, %d text%s, in %d of %d frames; %s%s\n", r->key, r->tracks, r->tracks == 1 ? "" : "s", r->texts,
                   r->texts == 1 ? "" : "s", r->frames, r->of_frames, r->action, strcmp(r->status, "ok") == 0 ? "" : "; dropped");
        return ZT_OK;
    }
    if (zt_json_parse(r->found, strlen(r->found), r->key, &found) != ZT_OK) found = json_object();
    return json_array_append_new(rows, json_pack("{s:I, s:s, s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:o}", "id", (json_int_t)r->clip,
                                                 "key", r->key, "status", r->status, "faces", r->tracks, "texts", r->texts,
                                                 "frames", r->frames, "of_frames", r->of_frames, "action", r->action, "detector",
                                                 r->detector, "found", found)) == 0
               ? ZT_OK
               : zt_fail(ZT_FORMAT, "clip %s: what was found in it is not UTF-8 text", r->key);
}

static int print_record(const char *dir, json_t *top) {
    zt_catalog *c = NULL;
    json_t *rows = top ? json_array() : NULL;
    zt_err e = zt_catalog_open(&c, dir);
    if (e == ZT_OK) e = zt_faces_each(c, print_row, rows);
    zt_catalog_close(&c);
    if (top) json_object_set_new(top, "clips", rows);
    if (e == ZT_OK && top) return zt_cli_print_json("data faces", top);
    json_decref(top);
    return zt_cli_result("data faces", e);
}

static int act(const char *dir, const faces_args *a) {
    const zt_faces_action action = a->blur ? ZT_FACES_BLUR : a->drop ? ZT_FACES_DROP : ZT_FACES_REPORT;
    const zt_finder_cfg cfg = {.cascades = a->cascades, .every = (int)a->every, .text = a->text};
    zt_finder *f = NULL;
    zt_faces_report r;
    zt_err e = zt_finder_create(&f, &cfg);
    if (e == ZT_OK) e = zt_faces_set(dir, f, action, a->again, a->erase, &r);
    zt_finder_destroy(&f);
    if (e != ZT_OK) return zt_cli_result("data faces", e);
    if (a->json)
        return print_record(dir, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "looked_at", (json_int_t)r.clips, "known",
                                           (json_int_t)r.known, "with_something", (json_int_t)r.found, "changed",
                                           (json_int_t)r.changed, "faces", (json_int_t)r.faces, "texts", (json_int_t)r.texts,
                                           "seconds", r.seconds));
    const int status = print_record(dir, NULL);
    printf("looked at %lld clips in %.0f s (%lld were known): %lld have faces%s, %lld %s\n", (long long)r.clips, r.seconds,
           (long long)r.known, (long long)r.found, a->text ? " or text" : "", (long long)r.changed,
           action == ZT_FACES_DROP ? "dropped" : action == ZT_FACES_BLUR ? "blurred" : "changed");
    return status;
}

int zt_data_faces(int argc, char **argv) {
    static const zt_cli_spec SPEC = {
        .usage = "zoe data faces DIR [--report | --blur | --drop] [options]",
        .about =
            "Looks for faces in every clip (also dropped ones) and writes down what was found; --blur makes them unrecognisable, "
            "--drop leaves\nthe clips out. Frontal and turned faces are found well, profiles and very small ones less: look at "
            "the result.\n",
        .opts = {OPTIONS, sizeof OPTIONS / sizeof OPTIONS[0]},
        .min_pos = 1,
        .max_pos = 1,
    };
    faces_args a;
    char *dir[1];
    int status;
    if (!zt_cli_parse(&SPEC, &a, argc, argv, dir, NULL, &status)) return status;
    if (a.report + a.blur + a.drop > 1) return zt_cli_usage_error("data faces", "give one of --report, --blur and --drop");
    if (a.erase && !a.drop) return zt_cli_usage_error("data faces", "--erase goes with --drop");
    if (a.list) return print_record(dir[0], a.json ? json_object() : NULL);
    return act(dir[0], &a);
}
