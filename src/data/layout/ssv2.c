/* ssv2.c - Something-Something V2: something-something-v2-{train,validation,test}.json and ID.webm. Classes whose template
 * speaks of left or right get the label no_flip: mirrored, such a clip would show another class.
 * Layout: Goyal et al. 2017, arXiv:1706.04261, and the data set's own instructions. Tested by tests/data/test_data_layout.c. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "data/layout/layout_impl.h"

enum { JSON_MAX = 1 << 28 };
static const struct {
    const char *file, *split;
} PART[] = {{"something-something-v2-train.json", "train"},
            {"something-something-v2-validation.json", "val"},
            {"something-something-v2-test.json", "test"},
            {"train.json", "train"},
            {"validation.json", "val"},
            {"test.json", "test"}};
static const char *const LABELS[] = {"something-something-v2-labels.json", "labels.json"};
enum { N_PARTS = sizeof PART / sizeof PART[0] };

/* Where the JSON files are: SRC or SRC/labels. */
static bool labels_folder(const char *src, char out[ZT_PATH_MAX]) {
    if (!zt_is_dir(src)) return false;
    for (int i = 0; i < 2; i++)
        if (zt_layout_has(src, LABELS[i], NULL)) return zt_format(out, ZT_PATH_MAX, "%s", src) == ZT_OK;
    return zt_layout_has(src, "labels", out) && zt_is_dir(out) &&
           (zt_layout_has(out, LABELS[0], NULL) || zt_layout_has(out, LABELS[1], NULL));
}

bool zt_layout_ssv2_matches(const char *src) {
    char dir[ZT_PATH_MAX];
    return labels_folder(src, dir);
}

static bool has_word(const char *text, const char *word) {
    const size_t n = strlen(word);
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char *p = text; *p;) {
        const size_t len = strspn(p, LETTERS);
        if (len == n && strncasecmp(p, word, n) == 0) return true;
        p += len ? len : 1;
    }
    return false;
}

/* The template without its brackets is the class's name in the labels file. */
static zt_err class_labels(zt_layout_list *l, const json_t *classes, const json_t *clip, const char **text) {
    const char *template = json_string_value(json_object_get(clip, "template"));
    json_t *o = json_object(), *words = json_object_get(clip, "placeholders");
    char name[300];
    size_t n = 0;
    if (template) {
        for (const char *p = template; *p && n + 1 < sizeof name; p++)
            if (*p != '[' && *p != ']') name[n++] = *p;
        name[n] = '\0';
        const char *number = json_string_value(json_object_get(classes, name));
        int64_t class_number;
        json_object_set_new(o, "class", json_string(name));
        if (number && zt_parse_int(number, &class_number)) json_object_set_new(o, "class_number", json_integer(class_number));
        if (json_is_array(words)) json_object_set(o, "placeholders", words);
        if (has_word(name, "left") || has_word(name, "right")) json_object_set_new(o, "no_flip", json_true());
    }
    return zt_layout_labels(l, o, text);
}

static zt_err add_clip(zt_layout_list *l, const zt_file_index *files, const json_t *classes, const json_t *clip,
                       const char *split) {
    const char *id = json_string_value(json_object_get(clip, "id")), *label = json_string_value(json_object_get(clip, "label"));
    if (!id) return zt_fail(ZT_FORMAT, "a clip has no \"id\"");
    zt_ingest_item k = {.path = zt_file_index_find(files, id),
                        .caption = label ? label : "",
                        .split = split,
                        .origin = "Something-Something V2"};
    if (!k.path) {
        zt_layout_missing(l, id);
        return ZT_OK;
    }
    const zt_err e = class_labels(l, classes, clip, &k.labels);
    return e != ZT_OK ? e : zt_layout_add(l, &k);
}

static zt_err read_part(zt_layout_list *l, const char *path, const zt_file_index *files, const json_t *classes,
                        const char *split) {
    json_t *all = NULL, *clip;
    size_t i;
    zt_err e = zt_json_load(path, JSON_MAX, &all);
    if (e == ZT_OK && !json_is_array(all))
        e = zt_fail(ZT_FORMAT, "%s: wanted a list [{\"id\": ..., \"label\": ..., \"template\": ...}, ...]", path);
    if (e == ZT_OK) json_array_foreach(all, i, clip) if ((e = add_clip(l, files, classes, clip, split)) != ZT_OK) {
            e = zt_fail_context(e, "%s: entry %zu", path, i + 1);
            break;
        }
    json_decref(all);
    return e;
}

zt_err zt_layout_ssv2_list(zt_layout_list *l, const char *src, const zt_layout_cfg *cfg) {
    char dir[ZT_PATH_MAX], path[ZT_PATH_MAX];
    zt_file_index *files = NULL;
    json_t *classes = NULL;
    zt_err e;
    (void)cfg;
    if (!labels_folder(src, dir)) return zt_fail(ZT_NOTFOUND, "%s: there is no %s in it (nor in labels/)", src, LABELS[0]);
    ZT_TRY(e = zt_file_index_create(&files, src), done);
    for (int i = 0; i < 2 && !classes; i++)
        if (zt_layout_has(dir, LABELS[i], path)) ZT_TRY(e = zt_json_load(path, JSON_MAX, &classes), done);
    for (int i = 0; i < N_PARTS; i++)
        if (zt_layout_has(dir, PART[i].file, path)) ZT_TRY(e = read_part(l, path, files, classes, PART[i].split), done);
done:
    json_decref(classes);
    zt_file_index_destroy(&files);
    return e;
}
