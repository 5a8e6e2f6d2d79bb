/* musubi.c - data set TOML of kohya-ss/musubi-tuner (docs/dataset_config.md): which folders and JSON lines hold the videos. Its
 * sizes, frame counts and buckets are not taken: those are ingest's own options. Tested by tests/data/test_data_layout.c. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "data/layout/layout_impl.h"

enum { CAPTION_MAX = 1 << 20 };

/* One [[datasets]] entry being read. */
typedef struct part {
    zt_layout_list *l;
    const char *suffix;
} part;

static zt_err find_toml(void *ctx, const char *path) {
    char *to = ctx;
    if (to[0]) return zt_fail(ZT_ARG, "there are several .toml files beside it (%s, %s); name one", to, path);
    return zt_format(to, ZT_PATH_MAX, "%s", path);
}

/* The TOML that SRC is, or the only one in it. */
static zt_err config_of(const char *src, char path[ZT_PATH_MAX]) {
    path[0] = '\0';
    const zt_err e = zt_layout_files(src, ".toml", find_toml, path, NULL);
    return e == ZT_OK && !path[0] ? zt_fail(ZT_NOTFOUND, "%s: there is no .toml file in it", src) : e;
}

bool zt_layout_musubi_matches(const char *src) {
    char path[ZT_PATH_MAX];
    json_t *j = NULL;
    const bool is =
        config_of(src, path) == ZT_OK && zt_toml_load(path, &j) == ZT_OK && json_is_array(json_object_get(j, "datasets"));
    json_decref(j);
    return is;
}

/* A file of a video or image folder: the caption lies beside it. */
static zt_err add_file(void *ctx, const char *path) {
    static const char *const IMAGE[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp"};
    part *p = ctx;
    char beside[ZT_PATH_MAX], *caption = NULL;
    size_t len;
    bool media = zt_layout_is_video(path);
    for (size_t i = 0; i < sizeof IMAGE / sizeof *IMAGE; i++) media = media || zt_ends_with(path, IMAGE[i]);
    if (!media) return ZT_OK;
    zt_err e;
    ZT_TRY(e = zt_format(beside, sizeof beside, "%.*s%s", (int)(strrchr(path, '.') - path), path, p->suffix), done);
    if (zt_file_exists(beside)) ZT_TRY(e = zt_file_read(beside, CAPTION_MAX, &caption, &len), done);
    if (caption && !zt_utf8_valid(caption, len, NULL)) {
        e = zt_fail(ZT_FORMAT, "%s: the caption is not UTF-8 text", beside);
        goto done;
    }
    const zt_ingest_item k = {.path = path, .caption = caption ? caption : ""};
    e = zt_layout_add_file(p->l, &k);
done:
    zt_free(caption);
    return e;
}

static const char *text(const json_t *entry, const json_t *general, const char *key) {
    const char *own = json_string_value(json_object_get(entry, key));
    return own ? own : json_string_value(json_object_get(general, key));
}

static zt_err read_entry(zt_layout_list *l, const char *dir, const json_t *entry, const json_t *general) {
    static const char *const FOLDER[] = {"video_directory", "image_directory"}, *const LINES[] = {"video_jsonl_file",
                                                                                                  "image_jsonl_file"};
    const char *suffix = text(entry, general, "caption_extension"), *name;
    part p = {l, suffix ? suffix : ".txt"};
    char path[ZT_PATH_MAX], lines_dir[ZT_PATH_MAX];
    zt_err e = ZT_OK;
    for (int i = 0; i < 2; i++) {
        if ((name = text(entry, general, FOLDER[i])) != NULL) {
            ZT_TRY(e = zt_layout_resolve(path, dir, name), done);
            if (!zt_is_dir(path)) return zt_fail(ZT_NOTFOUND, "%s '%.200s' is no folder", FOLDER[i], path);
            ZT_TRY(e = zt_layout_files(path, "", add_file, &p, NULL), done);
            return ZT_OK;
        }
        if ((name = text(entry, general, LINES[i])) != NULL) {
            ZT_TRY(e = zt_layout_resolve(path, dir, name), done);
            ZT_TRY(e = zt_layout_dir_of(lines_dir, path), done);
            return zt_layout_read_jsonl(l, path, lines_dir);
        }
    }
    e = zt_fail(ZT_FORMAT, "names no video_directory and no video_jsonl_file");
done:
    return e;
}

zt_err zt_layout_musubi_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    char path[ZT_PATH_MAX], dir[ZT_PATH_MAX];
    json_t *j = NULL, *entry;
    size_t i;
    zt_err e;
    (void)cfg;
    ZT_TRY(e = config_of(src, path), done);
    ZT_TRY(e = zt_layout_dir_of(dir, path), done);
    ZT_TRY(e = zt_toml_load(path, &j), done);
    const json_t *general = json_object_get(j, "general"), *all = json_object_get(j, "datasets");
    if (json_array_size(all) == 0) {
        e = zt_fail(ZT_FORMAT, "%s: there is no [[datasets]] entry", path);
        goto done;
    }
    json_array_foreach(all, i, entry) if ((e = read_entry(l, dir, entry, general)) != ZT_OK) {
        e = zt_fail_context(e, "%s: entry %zu of [[datasets]]", path, i + 1);
        goto done;
    }
    zt_log("musubi: resolution, target_frames and the like of %s are not taken; say --size, --frames, --fps", path);
done:
    json_decref(j);
    return e;
}
