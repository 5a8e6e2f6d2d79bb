/* cmd_ingest.c - zoe ingest: real video files to a data set. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "data/catalog.h"
#include "data/ingest.h"
#include "data/layout/layout.h"

typedef struct args {
    char out[4096], size[128], layout[32];
    zt_ints frames;
    int64_t fold, max_clips, seed, stride, per_shot, threads;
    double fps, val, test, min_scene, content;
    int caption, mode, rule, scenes, fit, filter, audio, faces, json, quiet;
} args;

#define AT(field) ZT_OPT_AT(args, field)
static const zt_opt options[] = {
    {"out", ZT_OPT_STR, AT(out), NULL, 0, 0, NULL, 'o', "folder of the data set; continues the one that is there"},
    {"size", ZT_OPT_STR, AT(size), "64", 0, 0, NULL, 0,
     "pixels: N or WxH; several (512x288,288x512): the nearest shape for each file"},
    {"fit", ZT_OPT_ENUM, AT(fit), "crop", 0, 0, ZT_FITS, 0, "to that shape: centre cut out, black beside it, or out of shape"},
    {"filter", ZT_OPT_ENUM, AT(filter), "bicubic", 0, 0, ZT_FILTERS, 0, "of the scaling; each without aliasing"},
    {"frames", ZT_OPT_INTS, AT(frames), "16", 1, 1024, NULL, 0, "of a clip; several, growing: rests of shots give shorter clips"},
    {"frame-rule", ZT_OPT_ENUM, AT(rule), "any", 0, 0, "any|4n+1|8n+1", 0, "lengths that video encoders want"},
    {"fps", ZT_OPT_REAL, AT(fps), "30", 0.1, 240, NULL, 0, "frames per second of the clips"},
    {"mode", ZT_OPT_ENUM, AT(mode), "chunk", 0, 0, ZT_INGEST_MODES, 0, "which stretches of a shot become clips"},
    {"stride", ZT_OPT_INT, AT(stride), "0", 0, 65536, NULL, 0, "frames between starts in mode slide; 0: half a clip"},
    {"per-shot", ZT_OPT_INT, AT(per_shot), "4", 1, 1024, NULL, 0, "clips in mode uniform"},
    {"scenes", ZT_OPT_ENUM, AT(scenes), "auto", 0, 0, ZT_SCENE_KINDS, 0,
     "no clip spans a cut, dissolve or fade (auto); see zoe data scenes"},
    {"min-scene", ZT_OPT_REAL, AT(min_scene), "0.4", 0.001, 60, NULL, 0, "seconds; nearer boundaries are one"},
    {"content", ZT_OPT_REAL, AT(content), "22", 1, 255, NULL, 0, "difference of frames that is a cut, for --scenes content"},
    {"audio", ZT_OPT_ENUM, AT(audio), "drop", 0, 0, "drop|keep", 0, "keep: the sound of each clip beside it, KEY.wav"},
    {"val", ZT_OPT_REAL, AT(val), "0.1", 0, 0.5, NULL, 0, "part of the files for validation"},
    {"test", ZT_OPT_REAL, AT(test), "0", 0, 0.5, NULL, 0, "part of the files for testing"},
    {"faces", ZT_OPT_ENUM, AT(faces), "off", 0, 0, ZT_INGEST_FACES_CHOICES, 0,
     "look for faces before a clip is stored: write down, blur, or blur and leave the clip out (zoe data faces)"},
    {"caption", ZT_OPT_ENUM, AT(caption), "auto", 0, 0, "auto|txt|folder|none", 0,
     "from text beside the files, folder names, or none"},
    {"max-clips", ZT_OPT_INT, AT(max_clips), "0", 0, 1000000000, NULL, 0, "of one file; 0: all"},
    {"threads", ZT_OPT_INT, AT(threads), "0", 0, 256, NULL, 0, "files at a time; 0: as many as processors"},
    {"seed", ZT_OPT_INT, AT(seed), "1", 0, 9007199254740991.0, NULL, 0, "of the split"},
    {"layout", ZT_OPT_STR, AT(layout), "auto", 0, 0, NULL, 0,
     "how SRC is published (below); auto: what it looks like; files: any files, whatever lies beside them"},
    {"fold", ZT_OPT_INT, AT(fold), "1", 1, 3, NULL, 0, "ucf101: which of its three pairs of train and test lists"},
    {"json", ZT_OPT_BOOL, AT(json), "false", 0, 0, NULL, 0, "print the result as JSON"},
    {"quiet", ZT_OPT_BOOL, AT(quiet), "false", 0, 0, NULL, 'q', "no progress"},
};
#define ZT_LAYOUT_VIDEOS(word, name, doc) "  " name ": " doc "\n"
#define ZT_LAYOUT_ARRAYS(word, name, doc) ZT_LAYOUT_VIDEOS(word, name, doc)
static const zt_cli_spec spec = {
    .usage = "zoe ingest SRC... --out DIR [--size 64 --frames 16 --fps 30] [options]",
    .about = "Cuts clips out of video files (anything FFmpeg reads; folders are searched) and adds them to the data set DIR. A "
             "file that\n"
             "cannot be used is listed with its reason. Captions: STEM.txt beside the file; else captions.tsv or labels.tsv in "
             "its folder\n"
             "(columns file and caption); else the name of its folder below SRC. A file goes whole to train, val or test. After "
             "Ctrl-C\n"
             "or a kill the same command continues; the result is the same, byte for byte, after kills and with any --threads.\n"
             "Several processes may do it together, on one machine or on several that see DIR: start the same command again "
             "elsewhere, or\n"
             "under mpirun or srun. One writes, all decode, the others take over from one that ends; each returns when all is "
             "done.\n"
             "Exit status 0 when the data set has a clip.\n"
             "Published data sets are read in place, one SRC at a time (nothing is downloaded); layouts:\n"
#include "data/layout/layout.def"
    ,
    .opts = {options, sizeof options / sizeof *options},
    .min_pos = 1,
    .max_pos = ZT_CLI_MAX_POS};

#undef ZT_LAYOUT_VIDEOS
#undef ZT_LAYOUT_ARRAYS

/* Unusable files as they are found in the catalogue. */
typedef struct listing { json_t *unusable, *duplicates; } listing;

static zt_err list_source(void *ctx, const zt_catalog_source *s) {
    listing *l = ctx;
    if (strcmp(s->status, "ok") == 0) return ZT_OK;
    json_t *to = strncmp(s->reason, "duplicate of ", 13) == 0 ? l->duplicates : l->unusable;
    return json_array_append_new(to, json_pack("{s:s, s:s}", "path", s->path, "reason", s->reason)) == 0
               ? ZT_OK : zt_fail(ZT_NOMEM, "out of memory for the list of unusable files, or %s is damaged", "catalog.db");
}

/* Names come from anywhere: control characters stay off the terminal. */
static void print_plain(const char *text) {
    for (; *text; text++) putchar((unsigned char)*text < 32 || *text == 127 ? '?' : *text);
}

static void print_list(const char *title, const json_t *list) {
    size_t i;
    const json_t *o;
    if (json_array_size(list)) printf("%s:\n", title);
    for (i = 0; i < json_array_size(list); i++) {
        o = json_array_get(list, i);
        printf("  ");
        print_plain(json_string_value(json_object_get(o, "path")));
        printf(": ");
        print_plain(json_string_value(json_object_get(o, "reason")));
        printf("\n");
    }
}

static void print_text(const args *a, const zt_ingest_report *r, const listing *l) {
    printf("%s: %lld clips (train %lld, val %lld, test %lld), size %s, %g fps\n", a->out,
           (long long)(r->train + r->val + r->test), (long long)r->train, (long long)r->val, (long long)r->test, a->size, a->fps);
    if (!r->wrote) {
        printf("files: %lld, of which this process looked into %lld; another one wrote them and says what could not be used; "
               "%.1f s\n", (long long)r->files, (long long)r->here, r->seconds);
        return;
    }
    printf("files: %lld usable (%lld damaged in part), %lld unusable, %lld duplicates, %lld done before; %lld others skipped; "
           "%.1f s\n",
           (long long)r->new_ok, (long long)r->damaged, (long long)r->new_dropped, (long long)r->duplicates,
           (long long)r->done_before, (long long)r->skipped, r->seconds);
    if (r->others) printf("decoded by other processes: %lld of these files\n", (long long)r->others);
    print_list("unusable", l->unusable);
    print_list("duplicates", l->duplicates);
}

static json_t *to_json(const args *a, const zt_ingest_report *r, const listing *l) {
    json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "out", a->out, "clips", (json_int_t)(r->train + r->val + r->test),
                          "train", (json_int_t)r->train, "val", (json_int_t)r->val, "test", (json_int_t)r->test, "new_clips",
                          (json_int_t)r->new_clips);
    json_t *f =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "looked_at", (json_int_t)r->files, "usable",
                  (json_int_t)r->new_ok, "damaged", (json_int_t)r->damaged, "unusable", (json_int_t)r->new_dropped, "duplicates",
                  (json_int_t)r->duplicates, "done_before", (json_int_t)r->done_before, "skipped", (json_int_t)r->skipped,
                  "here", (json_int_t)r->here, "others", (json_int_t)r->others);
    if (!j || json_object_set_new(j, "files", f) != 0 || json_object_set(j, "unusable", l->unusable) != 0 ||
        json_object_set(j, "duplicates", l->duplicates) != 0 || json_object_set_new(j, "wrote", json_boolean(r->wrote)) != 0 ||
        json_object_set_new(j, "seconds", json_real(r->seconds)) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static int show(const args *a, const zt_ingest_report *r) {
    zt_catalog *c = NULL;
    listing l = {json_array(), json_array()};
    int status;
    zt_err e = zt_catalog_open(&c, a->out);
    if (e == ZT_OK) e = zt_catalog_sources(c, list_source, &l);
    if (e != ZT_OK) status = zt_cli_result("ingest", e);
    else if (a->json) status = zt_cli_print_json("ingest", to_json(a, r, &l));
    else {
        print_text(a, r, &l);
        status = ZT_EXIT_OK;
    }
    if (status == ZT_EXIT_OK && r->train + r->val + r->test == 0) {
        fprintf(stderr, "zoe ingest: no clip came out of %lld file%s; a clip needs %lld frames at %g fps\n", (long long)r->files,
                r->files == 1 ? "" : "s", (long long)a->frames.v[0], a->fps);
        status = ZT_EXIT_FAILED;
    }
    zt_catalog_close(&c);
    json_decref(l.unusable);
    json_decref(l.duplicates);
    return status;
}

/* Of features there are no clips to speak of. */
static int show_arrays(const args *a, const zt_ingest_report *r) {
    if (a->json)
        return zt_cli_print_json("ingest", json_pack("{s:s, s:I, s:I, s:I, s:f}", "out", a->out, "videos", (json_int_t)r->arrays,
                                                     "files", (json_int_t)r->files, "done_before", (json_int_t)r->done_before,
                                                     "seconds", r->seconds));
    printf("%s: features of %lld videos from %lld files (%lld were there before), no pixels; %.1f s\n", a->out,
           (long long)r->arrays, (long long)r->files, (long long)r->done_before, r->seconds);
    return ZT_EXIT_OK;
}

/* The layout that --layout asks for; *layout NULL: plain files. False after a usage error. */
static bool choose_layout(const args *a, char **src, int n, const zt_layout **layout, int *status) {
    const char *names[64] = {"auto", "files"};
    int k = 2;
    *layout = NULL;
    if (strcmp(a->layout, "files") == 0) return true;
    if (strcmp(a->layout, "auto") == 0) {
        *layout = n == 1 ? zt_layout_detect(src[0]) : NULL;
        if (*layout)
            zt_log("%s looks like layout %s: %s (--layout files reads it as plain files)", src[0], (*layout)->name,
                   (*layout)->doc);
        return true;
    }
    for (const zt_layout *l; (l = zt_layout_at(k - 2)) != NULL && k < 64; k++) names[k] = l->name;
    *layout = zt_layout_find(a->layout);
    if (*layout && n == 1) return true;
    const char *near = zt_nearest_name(a->layout, names, k);
    *status = *layout ? zt_cli_usage_error("ingest", "--layout %s reads one SRC, there are %d", a->layout, n)
                      : zt_cli_usage_error("ingest", "there is no layout '%s'%s%s; `zoe ingest --help` lists them", a->layout,
                                           near ? "; did you mean " : "", near ? near : "");
    return false;
}

/* "64", "320x192" or several of these between commas. */
static bool parse_sizes(const char *text, zt_ingest_cfg *c) {
    char one[128];
    for (c->n_size = 0; *text && c->n_size < ZT_INGEST_BUCKETS; c->n_size++) {
        const size_t n = strcspn(text, ",");
        int64_t w, h;
        snprintf(one, sizeof one, "%.*s", (int)n, text);
        char *x = strchr(one, 'x');
        if (x) *x = '\0';
        if (!zt_parse_int(one, &w) || w < 1 || w > INT32_MAX) return false;
        if (x && (!zt_parse_int(x + 1, &h) || h < 1 || h > INT32_MAX)) return false;
        c->size[c->n_size] = (zt_ingest_size){(int)w, (int)(x ? h : w)};
        text += n + (text[n] == ',');
    }
    return c->n_size > 0 && !*text;
}

int zt_cmd_ingest(int argc, char **argv) {
    static char *pos[ZT_CLI_MAX_POS];   /* static: a command runs once, and the stack is not for 32 KiB */
    args a;
    int n, status;
    if (!zt_cli_parse(&spec, &a, argc, argv, pos, &n, &status)) return status;
    if (!a.out[0]) return zt_cli_usage_error("ingest", "--out is missing; name the folder of the data set");
    zt_log_quiet(a.quiet || a.json);
    zt_cancel_install();
    static const int STEP[] = {0, 4, 8};
    zt_ingest_cfg cfg = {.src = (const char *const *)pos,
                         .n_src = n,
                         .out = a.out,
                         .n_frames = a.frames.n,
                         .frame_step = STEP[a.rule],
                         .fps = a.fps,
                         .mode = (zt_ingest_mode)a.mode,
                         .stride = a.stride,
                         .per_shot = a.per_shot,
                         .scenes = {.kind = (zt_scene_kind)a.scenes, .min_scene_s = a.min_scene, .content = a.content},
                         .fit = (zt_fit)a.fit,
                         .filter = (zt_filter)a.filter,
                         .audio = a.audio != 0,
                         .threads = (int)a.threads,
                         .val = a.val,
                         .test = a.test,
                         .caption = (zt_ingest_caption)a.caption,
                         .faces = (zt_ingest_faces)a.faces,
                         .max_clips = a.max_clips,
                         .seed = (uint64_t)a.seed};
    for (int i = 0; i < a.frames.n; i++) cfg.frames[i] = a.frames.v[i];
    if (!parse_sizes(a.size, &cfg))
        return zt_cli_usage_error("ingest", "--size is '%s'; it is N or WxH, or up to %d of these between commas", a.size,
                                  ZT_INGEST_BUCKETS);
    const zt_layout_cfg layout_cfg = {.fold = (int)a.fold};
    const zt_layout *layout;
    zt_ingest_report report;
    if (!choose_layout(&a, pos, n, &layout, &status)) return status;
    const zt_err e = layout ? zt_layout_ingest(layout, pos[0], &layout_cfg, &cfg, &report) : zt_ingest(&cfg, &report);
    if (e == ZT_OK && report.arrays) return show_arrays(&a, &report);
    return e == ZT_OK ? show(&a, &report) : zt_cli_result("ingest", e);
}
