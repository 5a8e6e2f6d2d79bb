/* gan_labels.c - see gan_labels.h. Tested by tests/cli/test_gan.sh. */
#include "train/gan_labels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/str.h"

typedef char class_names[ZT_CLASSES_MAX][ZT_CLASS_NAME_MAX];

/* Text of the label of one clip, "" when it has none. */
static void value_of(const zt_clip_view *clip, const char *name, char text[ZT_CLASS_NAME_MAX]) {
    json_t *labels = json_loads(clip->labels, 0, NULL);
    const json_t *v = json_object_get(labels, name);
    text[0] = 0;
    if (json_is_string(v)) snprintf(text, ZT_CLASS_NAME_MAX, "%s", json_string_value(v));
    else if (json_is_integer(v)) snprintf(text, ZT_CLASS_NAME_MAX, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v)) snprintf(text, ZT_CLASS_NAME_MAX, "%s", json_is_true(v) ? "true" : "false");
    json_decref(labels);
}

static zt_err missing(const zt_clip_view *clip, const char *name) {
    json_t *labels = json_loads(clip->labels, 0, NULL);
    zt_str list = {0};
    const char *key;
    json_t *v;
    json_object_foreach(labels, key, v) if (json_is_string(v) || json_is_integer(v) || json_is_boolean(v))
        zt_str_addf(&list, "%s%.40s", list.len ? ", " : "", key);
    const zt_err e = zt_fail(ZT_CONFIG, "gan.label=%s: clip %s has no such label; it has %s", name, clip->key,
                             list.len ? list.buf : "none: give it labels (zoe data tag), or use gan.categories=found");
    zt_str_finish(&list);
    json_decref(labels);
    return e;
}

/* Number of `text` among the sorted names, added where it is new (*added); -1: too many. */
static int place(class_names names, int64_t *n, const char *text, bool *added) {
    int k = 0;
    while (k < *n && strcmp(names[k], text) < 0) k++;
    *added = k == *n || strcmp(names[k], text) != 0;
    if (!*added) return k;
    if (*n == ZT_CLASSES_MAX) return -1;
    memmove(names[k + 1], names[k], (size_t)(*n - k) * ZT_CLASS_NAME_MAX);
    memcpy(names[k], text, ZT_CLASS_NAME_MAX);
    (*n)++;
    return k;
}

static int by_id(const void *a, const void *b) {
    const int64_t x = ((const zt_gan_label *)a)->id, y = ((const zt_gan_label *)b)->id;
    return (x > y) - (x < y);
}

zt_err zt_gan_labels_read(zt_gan_labels *l, const zt_dataset *ds, const char *name, zt_net *net) {
    const int64_t n = zt_dataset_count(ds, "train");
    zt_gan_label *of = zt_alloc_array((size_t)n, sizeof *of);
    zt_err e = of ? ZT_OK : ZT_NOMEM;
    net->classes = 0;
    for (int64_t k = 0; e == ZT_OK && k < n; k++) {
        char text[ZT_CLASS_NAME_MAX];
        zt_clip_view clip;
        bool added;
        ZT_TRY(e = zt_dataset_clip(ds, "train", k, &clip), done);
        value_of(&clip, name, text);
        if (!*text) ZT_TRY(e = missing(&clip, name), done);
        const int at = place(net->class_name, &net->classes, text, &added);
        if (at < 0)
            ZT_TRY(e = zt_fail(ZT_CONFIG, "gan.label=%s: more than %d different values; choose a label of few", name,
                               ZT_CLASSES_MAX),
                   done);
        for (int64_t j = 0; added && j < k; j++) of[j].category += of[j].category >= at;     /* those behind it move on */
        of[k] = (zt_gan_label){clip.id, at};
    }
    if (e == ZT_OK && net->classes < 2)
        e = zt_fail(ZT_CONFIG, "gan.label=%s: all clips have the value %s; there is no category to learn", name,
                    net->class_name[0]);
    if (e == ZT_OK) qsort(of, (size_t)n, sizeof *of, by_id);
done:
    if (e != ZT_OK || !l) zt_free(of);
    else *l = (zt_gan_labels){n, of};
    return e;
}

int32_t zt_gan_labels_find(const zt_gan_labels *l, int64_t id) {
    const zt_gan_label key = {.id = id}, *found = l->n ? bsearch(&key, l->of, (size_t)l->n, sizeof *l->of, by_id) : NULL;
    return found ? found->category : 0;
}

void zt_gan_labels_finish(zt_gan_labels *l) {
    zt_free(l->of);
    *l = (zt_gan_labels){0};
}
